#include "sim/internal.h"

#include <stdio.h>

/// Parts that a box of all states is cut into when a rate is bounded, at most: interval arithmetic over the whole
/// ranges is far too wide where a stock stands in an expression twice.
#define PARTS_MAX 4096
/// Parts of the range of one stock.
#define PARTS_STOCK 8

const char *source_name(const Setup *s, int32_t source, char *buffer, int size) {
    const Source *from = &s->source[source];
    const Model *m = s->model;
    if (from->becomes >= 0)
        snprintf(buffer, (size_t)size, "rate at which `%.60s` becomes `%.60s`", m->private[from->private].name,
                 m->private[from->private].type[m->private[from->private].becomes[from->becomes].type]);
    else if (from->actor < 0) snprintf(buffer, (size_t)size, "rate of `%.100s`", s->model->jump[from->jump].name);
    else snprintf(buffer, (size_t)size, "rate at which `%.100s` attends", s->model->actor[from->actor].name);
    return buffer;
}

double source_rate(const Setup *s, const Source *source, const double *state) {
    const double *param = s->lattice->param;
    if (source->when != PROGRAM_NONE && eval_state(s->model, source->when, state, param, NULL, NULL) == 0) return 0;
    return eval_state(s->model, source->rate, state, param, NULL, NULL);
}

double source_bound(const Setup *s, const Source *source, const Interval *box) {
    const double *param = s->lattice->param;
    if (source->when != PROGRAM_NONE) {
        Interval when = eval_bound(s->model, source->when, box, param, NULL);
        if (!(when.low <= when.high) || (when.low == 0 && when.high == 0)) return 0;
    }
    Interval rate = eval_bound(s->model, source->rate, box, param, NULL);
    return rate.low <= rate.high && rate.high > 0 ? rate.high : 0;
}

// a stock that nothing moves stays where it starts
static bool can_change(const Setup *s, int32_t v) {
    const Model *m = s->model;
    if (v < m->n_mode || s->moving_mask >> v & 1) return true;
    if (v >= m->n_mode + m->n_stock) return true;
    for (int32_t j = 0; j < m->n_jump; j++)
        for (int32_t e = 0; e < m->jump[j].n_effect; e++)
            if (m->jump[j].effect[e].to == v) return true;
    return false;
}

double source_supremum(const Setup *s, const Source *source) {
    const Model *m = s->model;
    uint64_t reads = m->program[source->rate].reads;
    if (source->when != PROGRAM_NONE) reads |= m->program[source->when].reads;

    // modes that are read are walked value by value, stocks that are read part by part, as long as that is cheap
    Interval whole[MODEL_VARIABLES_MAX], box[MODEL_VARIABLES_MAX];
    int32_t n_variable = model_variables(m), n_part[MODEL_VARIABLES_MAX], at[MODEL_VARIABLES_MAX] = {0};
    int64_t parts = 1;
    for (int32_t v = 0; v < n_variable; v++) {
        const ModelStock *stock = v < m->n_mode ? NULL : &s->level[v - m->n_mode];
        whole[v] = stock ? (Interval){stock->low, stock->high} : (Interval){0, m->mode[v].n_value - 1};
        if (!can_change(s, v)) whole[v].low = whole[v].high = setup_start(s, v - m->n_mode);
        n_part[v] = !(reads >> v & 1) ? 1 : stock ? PARTS_STOCK : m->mode[v].n_value;
        if (parts * n_part[v] > PARTS_MAX) n_part[v] = 1;
        parts *= n_part[v];
    }
    double most = 0;
    for (int64_t i = 0; i < parts; i++) {
        for (int32_t v = 0; v < n_variable; v++) {
            double low = whole[v].low, width = whole[v].high - low;
            if (n_part[v] == 1)     box[v] = whole[v];
            else if (v < m->n_mode) box[v] = (Interval){at[v], at[v]};
            else box[v] = (Interval){at[v] == 0 ? low : low + width * at[v] / n_part[v],
                                     at[v] == n_part[v] - 1 ? whole[v].high : low + width * (at[v] + 1) / n_part[v]};
        }
        most = fmax(most, source_bound(s, source, box));
        for (int32_t v = 0; v < n_variable && ++at[v] == n_part[v]; v++) at[v] = 0;
    }
    return most;
}
