#include "base/memory.h"
#include "study/doubts.h"
#include "study/draws.h"
#include "study/keep.h"
#include "study/render.h"
#include "study/warn.h"

static void render_answer(Json *j, const DurScenario *s, const ModelQuantity *quantity, const CheckAnswer *a, const char *doubts) {
    json_object(j);
    json_pair_string(j, "query", quantity->text);
    json_pair_number(j, "value", a->value);
    json_pair_number(j, "low", a->low);
    json_pair_number(j, "high", a->high);
    if (is_unseen(a)) {
        Text words = {0};
        put_unseen(&words, a);
        json_pair_string(j, "note", text_view(&words));
        text_free(&words);
    } else if (a->note) {
        json_pair_string(j, "note", a->note);
    }
    json_pair_string(j, "method", check_method_name(a->method));
    render_not_exact(j, a);
    json_pair_int(j, "runs", a->n_run);
    json_pair_number(j, "confidence", a->confidence);
    json_pair_number(j, "seconds", a->seconds);
    doubts_render(j, doubts);
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
    if (is_unseen(a)) text_append(out, "; "), put_unseen(out, a);
    text_char(out, '\n');
    put_not_exact(out, a, 2);
    if (!a->note) return;
    text_append(out, "  ");
    put_wrapped(out, a->note, 2, 2);
    text_char(out, '\n');
}

// a row for each quantity
static Frame *queries_frame(const DurScenario *s, const CheckAnswer *answer) {
    Frame *frame = frame_make("queries", s->n_query);
    if (!frame) return NULL;
    bool made = frame_add_text(frame, "query") != NULL;
    double *value = frame_add_number(frame, "value", NULL), *low = frame_add_number(frame, "low", NULL);
    double *high = frame_add_number(frame, "high", NULL);
    made = frame_add_text(frame, "method") && value && low && high && made;
    double *runs = frame_add_number(frame, "runs", NULL), *confidence = frame_add_number(frame, "confidence", NULL);
    made = made && runs && confidence;
    for (int32_t q = 0; made && q < s->n_query; q++) {
        made = frame_set_text(frame, 0, q, s->model->quantity[s->model->n_quantity - s->n_query + q].text) &&
               frame_set_text(frame, 4, q, check_method_name(answer[q].method));
        value[q] = answer[q].value;
        low[q] = answer[q].low;
        high[q] = answer[q].high;
        runs[q] = (double)answer[q].n_run;
        confidence[q] = answer[q].confidence;
    }
    if (made) return frame;
    frame_free(frame);
    return NULL;
}

static DurStatus query(DurScenario *s, const DurOptions *options, DurResult *result, PageFrames *frames, DurError *error) {
    const Model *m = s->model;
    if (s->n_query == 0) return status_fail(error, DUR_INPUT, "no quantity was asked for");
    DurStatus status = DUR_OK;
    CheckAnswer *all = memory_zeroed((size_t)s->n_query, sizeof *all);
    if (!all) return status_fail(error, DUR_MEMORY, "out of memory");

    // one answer stands alone, several make a list
    bool is_sampled = false;
    Text doubts = {0};
    Json j = json_make(&result->json);
    if (s->n_query > 1) json_array(&j);
    for (int32_t q = 0; q < s->n_query && status == DUR_OK; q++) {
        int32_t quantity = m->n_quantity - s->n_query + q;
        status = study_quantity(&all[q], s, options, quantity, error);
        if (status != DUR_OK) break;
        is_sampled |= all[q].method == CHECK_SAMPLED;
        Text own = {0};
        doubts_add(&own, s, m->quantity[quantity].policy);
        doubts_join(&doubts, text_view(&own));
        render_answer(&j, s, &m->quantity[quantity], &all[q], text_view(&own));
        text_free(&own);
        put_answer(&result->text, &m->quantity[quantity], &all[q]);
    }
    if (s->n_query > 1) json_end_array(&j);
    doubts_put(&result->text, text_view(&doubts));
    text_free(&doubts);
    if (status == DUR_OK && is_sampled && !options->lattice) warn_unseen(&result->faults, s, false);
    if (status == DUR_OK) status = page_frames(frames, s, options, &(RunAnswers){.first_policy = -1}, error);
    if (status == DUR_OK) status = page_frames_add(frames, queries_frame(s, all), error);
    if (status != DUR_OK) text_clear(&result->json);
    memory_free(all);
    return status;
}

static DurStatus ranges(DurScenario *s, const DurOptions *options, DurResult *result, PageFrames *frames, DurError *error) {
    (void)frames;
    if (s->n_query == 0) return status_fail(error, DUR_INPUT, "no quantity was asked for");
    DrawsQuantities draws;
    DurStatus status = draws_ask(&draws, s, options, error);
    if (status == DUR_OK || (status == DUR_INTERRUPTED && draws.n_draw > 0)) {
        Json j = json_make(&result->json);
        render_quantities(&j, s, &draws);
        put_quantities(&result->text, s, &draws);
        if (draws.is_sampled && !options->lattice) warn_unseen(&result->faults, s, false);
    }
    draws_quantities_free(&draws);
    return status;
}

DurStatus dur_query(DurScenario *s, const DurOptions *options, DurResult **out, char error[1024]) {
    DurError why = {0};
    DurResult *result = NULL;
    DurStatus status = study_begin(s, &options, &result, &why);
    if (status == DUR_OK) status = keep_work(s, options, "query", NULL, options->draws ? ranges : query, result, &why);
    return result_finish(&result, out, status, &why, error);
}
