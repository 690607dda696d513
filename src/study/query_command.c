#include "study/draws.h"
#include "study/keep.h"
#include "study/render.h"

static void render_answer(Json *j, const DurScenario *s, const ModelQuantity *quantity, const CheckAnswer *a) {
    json_object(j);
    json_pair_string(j, "query", quantity->text);
    json_pair_number(j, "value", a->value);
    json_pair_number(j, "low", a->low);
    json_pair_number(j, "high", a->high);
    json_pair_string(j, "method", check_method_name(a->method));
    json_pair_int(j, "runs", a->n_run);
    json_pair_number(j, "confidence", a->confidence);
    json_pair_number(j, "seconds", a->seconds);
    render_identity(j, s);
    json_end_object(j);
}

static void put_answer(Text *out, const ModelQuantity *quantity, const CheckAnswer *a) {
    text_printf(out, "%s = ", quantity->text);
    text_number(out, a->value, 6);
    text_append(out, "  ");
    put_interval(out, a);
    text_append(out, "; ");
    put_method(out, a);
    text_char(out, '\n');
}

static DurStatus query(DurScenario *s, const DurOptions *options, DurResult *result, DurError *error) {
    const Model *m = s->model;
    if (s->n_query == 0) return status_fail(error, DUR_INPUT, "no quantity was asked for");
    DurStatus status = DUR_OK;

    // one answer stands alone, several make a list
    Json j = json_make(&result->json);
    if (s->n_query > 1) json_array(&j);
    for (int32_t q = 0; q < s->n_query && status == DUR_OK; q++) {
        int32_t quantity = m->n_quantity - s->n_query + q;
        CheckAnswer answer;
        status = study_quantity(&answer, s, options, quantity, error);
        if (status != DUR_OK) break;
        render_answer(&j, s, &m->quantity[quantity], &answer);
        put_answer(&result->text, &m->quantity[quantity], &answer);
    }
    if (s->n_query > 1) json_end_array(&j);
    if (status != DUR_OK) text_clear(&result->json);
    return status;
}

static DurStatus ranges(DurScenario *s, const DurOptions *options, DurResult *result, DurError *error) {
    if (s->n_query == 0) return status_fail(error, DUR_INPUT, "no quantity was asked for");
    DrawsQuantities draws;
    DurStatus status = draws_ask(&draws, s, options, error);
    if (status == DUR_OK || (status == DUR_INTERRUPTED && draws.n_draw > 0)) {
        Json j = json_make(&result->json);
        render_quantities(&j, s, &draws);
        put_quantities(&result->text, s, &draws);
    }
    draws_quantities_free(&draws);
    return status;
}

// draws take long enough to be kept
static DurStatus kept_ranges(DurScenario *s, const DurOptions *options, DurResult *result, DurError *error) {
    Keeper keeper = {0};
    TRY(keep_begin(&keeper, s, options, "query", NULL, result, error));
    if (keeper.is_answered) return keep_answer(&keeper, DUR_OK);
    DurStatus status = ranges(s, options, result, error);
    return keep_end(&keeper, status, result, NULL, 0, NULL, error);
}

DurStatus dur_query(DurScenario *s, const DurOptions *options, DurResult **out, char error[1024]) {
    DurError why = {0};
    DurResult *result = NULL;
    DurStatus status = study_begin(s, &options, &result, &why);
    if (status == DUR_OK) status = options->draws ? kept_ranges(s, options, result, &why) : query(s, options, result, &why);
    return result_finish(&result, out, status, &why, error);
}
