/// Quantities and paths along the steps of a block. A path is right-continuous: a step covers its beginning but not
/// its end, where something may happen.
#include "sim/block.h"

#include <string.h>

// what a list of lanes shows where block_gather has been; a value that is none stops its lane
static void show(Block *b, const Meter *m, const int32_t *list, int32_t n, double *x, double *until) {
    const ModelQuantity *q = m->quantity;
    block_evaluate(b, q->x, n, x);
    if (q->until != PROGRAM_NONE) block_evaluate(b, q->until, n, until);
    for (int32_t i = 0; i < n; i++)
        if (!isfinite(x[i])) block_fail(b, list[i], DUR_DOMAIN, q->x, "`%s` is %g", q->text, x[i]);
}

// The same at times of the step, on the way through windows from `open` to `to`; without windows noise is where it is at that
// time. One variable (negative: none) is put elsewhere.
static void look(Block *b, const Meter *m, const int32_t *list, int32_t n, const double *open, const double *to, const double *at, int32_t variable,
                 const double *elsewhere, double *x, double *until) {
    const Setup *s = b->setup;
    const ModelQuantity *q = m->quantity;
    double *theta = b->theta;
    uint64_t reads = s->model->program[q->x].reads;
    if (q->until != PROGRAM_NONE) reads |= s->model->program[q->until].reads;
    for (int32_t i = 0; i < n && m->moves; i++) theta[i] = block_share(b, list[i], at[i]);
    block_gather(b, reads, list, n, m->moves ? theta : NULL);
    for (int32_t k = 0; m->noisy && k < s->n_moving; k++) {
        double *shown = b->gather[s->model->n_mode + s->moving[k]];
        for (int32_t i = 0; i < n && m->noisy >> k & 1; i++) {
            if (!open) shown[i] = block_bridge_at(b, k, list[i], at[i]);
            else if (open[i] > b->t[list[i]] || to[i] < b->t1[list[i]]) shown[i] = block_bridge_on(b, k, list[i], open[i], to[i], at[i]);
        }
    }
    if (variable >= 0) memcpy(b->gather[variable], elsewhere, (size_t)n * sizeof *elsewhere);
    show(b, m, list, n, x, until);
}

static void settle(Block *b, int32_t q, int32_t i) {
    b->settled[q][i] = 1;
    b->lane[i].n_open--;
}

// one look at a list of lanes, in their windows; those that it does not settle stay in the list
static int32_t look_on(Block *b, int32_t q, int32_t *list, int32_t n, double *open, double *to, const double *at, int32_t variable,
                       const double *elsewhere) {
    const Meter *m = &b->setup->meter[q];
    double *x = b->result[0], *until = b->result[1];
    look(b, m, list, n, open, to, at, variable, elsewhere, x, until);
    int32_t rest = 0;
    for (int32_t i = 0; i < n; i++) {
        int32_t lane = list[i];
        if (meter_look(m, x[i], until[i], &b->value[q][lane])) {
            settle(b, q, lane);
        } else {
            list[rest] = lane;
            open[rest] = open[i];
            to[rest++] = to[i];
        }
    }
    return rest;
}

// the part of each lane's step that lies in the window
static void measure(Block *b, int32_t q) {
    const Setup *s = b->setup;
    const Meter *m = &s->meter[q];
    int32_t list[SIM_LANES], n = 0;
    double from[SIM_LANES], to[SIM_LANES], at[SIM_LANES];
    double *x = b->result[0], *until = b->result[1], *sum = b->result[2];
    for (int32_t i = 0; i < b->n; i++) {
        if (b->accepted[i] == 0 || b->settled[q][i] != 0 || b->t[i] > m->to || b->t1[i] <= m->from) continue;
        from[n] = b->t[i] > m->from ? b->t[i] : m->from;
        to[n] = b->t1[i] < m->to ? b->t1[i] : m->to;
        if (m->kind == QUANTITY_AT) {
            if (b->t1[i] <= m->to) continue;
            from[n] = to[n];
        }
        list[n++] = i;
    }
    if (n == 0) return;

    if (m->kind == QUANTITY_MEAN || m->kind == QUANTITY_TOTAL) {
        // Boole's rule over the part; one look is enough where nothing moves
        static const double weight[POINTS] = {7.0 / 90, 32.0 / 90, 12.0 / 90, 32.0 / 90, 7.0 / 90};
        for (int32_t i = 0; i < n; i++) sum[i] = 0;
        for (int p = 0; p < (m->moves ? POINTS : 1); p++) {
            for (int32_t i = 0; i < n; i++) at[i] = from[i] + (to[i] - from[i]) * p / (POINTS - 1);
            look(b, m, list, n, NULL, NULL, at, -1, NULL, x, until);
            for (int32_t i = 0; i < n; i++) sum[i] += m->moves ? weight[p] * x[i] : x[i];
        }
        for (int32_t i = 0; i < n; i++) b->value[q][list[i]] += sum[i] * (to[i] - from[i]);
    } else if (m->kind == QUANTITY_AT) {
        look(b, m, list, n, NULL, NULL, to, -1, NULL, x, NULL);
        for (int32_t i = 0; i < n; i++)
            if (meter_look(m, x[i], 0, &b->value[q][list[i]])) settle(b, q, list[i]);
    } else if (m->kind != QUANTITY_COUNT) {
        // in order of time, then what noise does meanwhile; a lane that is settled is looked at no more
        for (int p = 0; p < (m->moves ? POINTS : 1) && n > 0; p++) {
            for (int32_t i = 0; i < n; i++) at[i] = from[i] + (to[i] - from[i]) * p / (POINTS - 1);
            n = look_on(b, q, list, n, from, to, at, -1, NULL);
        }
        double end[SIM_LANES];
        for (int32_t k = 0; k < s->n_moving && n > 0; k++) {
            if (!(m->noisy >> k & 1)) continue;
            const double *x0 = b->x[s->model->n_mode + s->moving[k]], *x1 = b->x1[k];
            for (int side = 0; side < 2 && n > 0; side++) {   // of a way up the lowest point comes first, mostly
                for (int32_t i = 0; i < n; i++) {
                    double low, high;
                    block_bridge_extremes(b, k, list[i], from[i], to[i], &low, &high);
                    at[i] = to[i];
                    end[i] = (x1[list[i]] < x0[list[i]]) == (side == 0) ? high : low;
                }
                n = look_on(b, q, list, n, from, to, at, s->model->n_mode + s->moving[k], end);
            }
        }
    }
}

// a level that a run shows at a look: counted at once, or kept until all runs of the block have come there, for counts of one
// time lie together
static void see(Block *b, int32_t i, int32_t level, int32_t i_time, double x) {
    const Setup *s = b->setup;
    if (b->seen) b->seen[((int64_t)level * s->n_time + i_time) * SIM_LANES + (b->lane[i].run - b->first)] = x;
    else         tally_stock(b->tally, s, level, i_time, x);
}

static double next_look(Block *b, int32_t i) {
    const Setup *s = b->setup;
    return b->look[i] = ++b->lane[i].sample < s->n_time ? s->time[b->lane[i].sample] : INFINITY;
}

static void sample(Block *b, int32_t i) {
    const Setup *s = b->setup;
    const Model *m = s->model;
    Lane *lane = &b->lane[i];
    for (; b->look[i] < b->t1[i]; next_look(b, i)) {
        for (int32_t v = 0; v < m->n_mode; v++) tally_mode(b->tally, s, v, lane->sample, (int32_t)b->x[v][i]);
        for (int32_t k = 0; k < s->n_level; k++)
            if (!(s->moving_mask >> (m->n_mode + k) & 1)) see(b, i, k, lane->sample, b->x[m->n_mode + k][i]);
        for (int32_t k = 0; k < s->n_moving; k++) see(b, i, s->moving[k], lane->sample, block_bridge_at(b, k, i, b->look[i]));
    }
}

static void keep(Block *b, int32_t i) {
    const Setup *s = b->setup;
    Lane *lane = &b->lane[i];
    int64_t n_run = s->options->n_run, stride = s->n_time * n_run;
    int32_t n_variable = model_variables(s->model);
    for (; b->look[i] < b->t1[i]; next_look(b, i)) {
        double *path = lane->path + lane->sample * n_run;
        for (int32_t v = 0; v < n_variable; v++) path[v * stride] = b->x[v][i];
        if (b->look[i] == b->t[i] && !s->n_noisy) continue;
        for (int32_t k = 0; k < s->n_moving; k++)
            path[(s->model->n_mode + s->moving[k]) * stride] = block_bridge_at(b, k, i, b->look[i]);
    }
}

void block_tell(Block *b, int32_t n) {
    const Setup *s = b->setup;
    for (int32_t k = 0; b->seen && k < s->n_level; k++)
        for (int32_t t = 0; t < s->n_time; t++)
            tally_levels(b->tally, s, k, t, b->seen + ((int64_t)k * s->n_time + t) * SIM_LANES, n);
}

void block_measure(Block *b) {
    const Setup *s = b->setup;
    for (int32_t q = 0; q < s->n_meter; q++) {
        if (s->meter[q].kind != QUANTITY_COUNT) measure(b, q);
        // past its window a meter is settled, whatever it shows
        for (int32_t i = 0; i < b->n; i++)
            if (b->accepted[i] != 0 && b->settled[q][i] == 0 && b->t1[i] > s->meter[q].to) settle(b, q, i);
    }
    if (s->n_time == 0) return;
    for (int32_t i = 0; i < b->n; i++)
        if (b->accepted[i] != 0 && b->look[i] < b->t1[i]) {
            if (s->kept) keep(b, i);
            else         sample(b, i);
        }
}

void block_measure_jump(Block *b, int32_t jump, const int32_t *list, int32_t n) {
    const Setup *s = b->setup;
    for (int32_t q = 0; q < s->n_meter; q++) {
        const Meter *m = &s->meter[q];
        if (m->kind != QUANTITY_COUNT || m->quantity->jump != jump) continue;
        for (int32_t i = 0; i < n; i++)
            if (b->t[list[i]] >= m->from && b->t[list[i]] <= m->to) b->value[q][list[i]]++;
    }
}
