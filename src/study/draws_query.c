#include "study/draws.h"

#include "base/memory.h"
#include "study/keep.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/// Part of the draws that lies between the two ends told.
#define RANGE 0.90

static int by_value(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

// sorted x, between order statistics: Hyndman and Fan 1996, definition 7
static double quantile(const double *x, int32_t n, double p) {
    double at = p * (n - 1);
    int32_t k = (int32_t)at;
    return k + 1 < n ? x[k] + (at - k) * (x[k + 1] - x[k]) : x[n - 1];
}

// the values of one draw, from the store or anew; what can't be had is NaN
static DurStatus ask_draw(DrawsQuantities *out, double *answer, DurScenario *s, const Session *base, const double *param,
                          const DurOptions *options, int32_t d, DurError *error) {
    char name[64];
    snprintf(name, sizeof name, "draw %d", d + 1);
    size_t n_byte = (size_t)out->n * sizeof *answer;
    if (keep_load(s, name, answer, n_byte)) return DUR_OK;
    TRY(draws_session(s, base, param, error));
    DurStatus status = DUR_OK;
    for (int32_t q = 0; q < out->n && status == DUR_OK; q++) {
        CheckAnswer a;
        DurError why = {0};
        status = study_quantity(&a, s, options, out->item[q].quantity, &why);
        answer[q] = status == DUR_OK ? a.value : NAN;
        if (status == DUR_DOMAIN || status == DUR_UNMET) status = DUR_OK;
        if (status != DUR_OK) status_pass(error, status, &why);
    }
    session_free(&s->session, s->model);
    if (status == DUR_OK) keep_save(s, name, answer, n_byte);
    return status;
}

static void settle(DrawsQuantities *out, double *sorted) {
    for (int32_t q = 0; q < out->n; q++) {
        DrawsQuantity *item = &out->item[q];
        int32_t n = 0;
        for (int32_t d = 0; d < out->n_draw; d++)
            if (isfinite(item->value[d])) sorted[n++] = item->value[d];
        item->n_lost = out->n_draw - n;
        item->low = item->median = item->high = NAN;
        if (n == 0) continue;
        qsort(sorted, (size_t)n, sizeof *sorted, by_value);
        item->low = quantile(sorted, n, (1 - RANGE) / 2);
        item->median = quantile(sorted, n, 0.5);
        item->high = quantile(sorted, n, (1 + RANGE) / 2);
    }
}

DurStatus draws_ask(DrawsQuantities *out, DurScenario *s, const DurOptions *options, DurError *error) {
    const Model *m = s->model;
    *out = (DrawsQuantities){.n_draw = options->draws, .n_asked = options->draws, .n = s->n_query,
                             .widen = options->widen > 0 ? options->widen : 1};
    out->item = memory_zeroed((size_t)out->n + 1, sizeof *out->item);
    out->value = memory_column((int64_t)out->n * out->n_draw + 1);
    double *param = memory_column(m->n_param), *answer = memory_column(out->n + 1), *sorted = memory_column(out->n_draw);
    bool *varied = memory_zeroed((size_t)m->n_param + 1, sizeof *varied);
    bool made = out->item && out->value && param && answer && sorted && varied;
    DurStatus status = made ? DUR_OK : status_fail(error, DUR_MEMORY, "out of memory");
    for (int32_t q = 0; q < out->n && status == DUR_OK; q++) {
        out->item[q].quantity = m->n_quantity - s->n_query + q;
        out->item[q].value = out->value + (int64_t)q * out->n_draw;
    }
    // as written first: what can't be had there can't be had, and its solutions are where the others start
    for (int32_t q = 0; q < out->n && status == DUR_OK; q++) {
        CheckAnswer a;
        status = study_quantity(&a, s, options, out->item[q].quantity, error);
        if (status != DUR_OK) break;
        out->item[q].written = a.value;
        out->is_sampled |= a.method == CHECK_SAMPLED;
    }
    if (status == DUR_OK) status = draws_varied(varied, &out->n_varied, s, options, error);
    Session base = s->session;
    for (int32_t d = 0; d < out->n_draw && status == DUR_OK; d++) {
        char stage[64];
        snprintf(stage, sizeof stage, "draw %d of %d: ", d + 1, out->n_asked);
        s->stage = stage;
        draws_params(param, m, base.param, varied, out->widen, options->seed, d);
        status = ask_draw(out, answer, s, &base, param, options, d, error);
        s->stage = NULL;
        if (status != DUR_OK) out->n_draw = d;
        for (int32_t q = 0; q < out->n && status == DUR_OK; q++) out->item[q].value[d] = answer[q];
    }
    s->session = base;
    if (made) settle(out, sorted);
    memory_free(param);
    memory_free(answer);
    memory_free(sorted);
    memory_free(varied);
    return status;
}

void draws_quantities_free(DrawsQuantities *d) {
    memory_free(d->item);
    memory_free(d->value);
    *d = (DrawsQuantities){0};
}

// ---- what they say -------------------------------------------------------------------------------------------------

void render_quantities(Json *j, const DurScenario *s, const DrawsQuantities *d) {
    json_object(j);
    draws_render_head(j, s, d->n_draw, d->n_asked, d->widen, d->n_varied);
    json_key(j, "quantities");
    json_array(j);
    for (int32_t q = 0; q < d->n; q++) {
        const DrawsQuantity *item = &d->item[q];
        json_object(j);
        json_pair_string(j, "query", s->model->quantity[item->quantity].text);
        json_pair_number(j, "written", item->written);
        json_pair_number(j, "median", item->median);
        json_pair_number(j, "low", item->low);
        json_pair_number(j, "high", item->high);
        json_pair_int(j, "lost", item->n_lost);
        json_key(j, "values");
        json_array(j);
        for (int32_t k = 0; k < d->n_draw; k++) json_number(j, item->value[k]);
        json_end_array(j);
        json_end_object(j);
    }
    json_end_array(j);
    json_end_object(j);
}

void put_quantities(Text *out, const DurScenario *s, const DrawsQuantities *d) {
    text_printf(out, "%s\n\n  ", s->model->title);
    if (d->n_draw < d->n_asked) text_printf(out, "interrupted: %d of ", d->n_draw);
    text_printf(out, "%d draws of %d params from their priors", d->n_asked, d->n_varied);
    if (d->widen != 1) text_append(out, ", widened "), text_number(out, d->widen, 3), text_append(out, " times");
    text_append(out, "\n\n");
    Grid grid = {.align = "rrrrrl"};
    static const char *const head[] = {"as written", "median", "5 %", "95 %", "lost", ""};
    for (size_t i = 0; i < DUR_COUNT(head); i++) grid_cell(&grid, "%s", head[i]);
    for (int32_t q = 0; q < d->n; q++) {
        const DrawsQuantity *item = &d->item[q];
        grid_number(&grid, item->written, 4);
        grid_number(&grid, item->median, 4);
        grid_number(&grid, item->low, 4);
        grid_number(&grid, item->high, 4);
        grid_cell(&grid, "%d", item->n_lost);
        grid_cell(&grid, "%s", s->model->quantity[item->quantity].text);
    }
    grid_print(&grid, out, 2);
}
