/// The inner loops over one block, written once and compiled for each vector width (whoever includes this has chosen
/// the width by compiler flags). Each output lane depends on the same operations in the same order at every width.
/// A row is an array over the lanes, or one number for all of them; `Row` is either.
#ifndef LATTICE_KERNEL_BODY_H
#define LATTICE_KERNEL_BODY_H

#include "lattice/policy.h"

#include <math.h>

typedef struct Row {
    const double *lane;   // [n_lane], or NULL: `one` holds in every lane
    double one;
} Row;

static inline Row row_of(const Lattice *l, const LatticeTable *t, const LatticeBlock *view) {
    const double *p = lattice_row(l, t, view);
    return t->inner ? (Row){.lane = p} : (Row){.one = *p};
}

/// True if the row is 0 in every lane as far as that is known without looking at lanes.
static inline bool row_is_zero(Row r) { return !r.lane && r.one == 0.0; }

/// A row written out, added to another, and multiplied into one. A loop that asks at every lane whether there is a row reads through a null pointer under a mask, which
/// costs many times what the row does.
static inline void write_row(Row r, double factor, double *DUR_RESTRICT out, int64_t n) {
    if (r.lane) for (int64_t i = 0; i < n; i++) out[i] = factor * r.lane[i];
    else        for (int64_t i = 0; i < n; i++) out[i] = factor * r.one;
}

static inline void add_row(Row r, double factor, double *DUR_RESTRICT acc, int64_t n) {
    if (r.lane)            for (int64_t i = 0; i < n; i++) acc[i] += factor * r.lane[i];
    else if (r.one != 0.0) for (int64_t i = 0; i < n; i++) acc[i] += factor * r.one;
}

static inline void scale_row(Row by, double *DUR_RESTRICT x, int64_t n) {
    if (by.lane) for (int64_t i = 0; i < n; i++) x[i] *= by.lane[i];
    else         for (int64_t i = 0; i < n; i++) x[i] *= by.one;
}

/// Lanes at a time where each has targets of its own: what is kept of them stays in the first-level cache.
#define LANES_BESIDE 32

/// out[i] += the mean of `at`, x from the block's first state on, over the targets of one branch of a jump, some of which depend on the lane: corner by
/// corner, all lanes beside each other. A lane that is split along fewer variables than others are has 0 at their corners, and looks no farther than
/// its own targets.
///   n_more, more, share   each target leads on to so many, by rows of shifts of the state (whole numbers) and of weights; 0: to itself alone
static inline void add_branch(const Lattice *l, const LatticeBranch *branch, const LatticeBlock *view, int32_t n_more, const double *DUR_RESTRICT more,
                              const double *DUR_RESTRICT share, const double *DUR_RESTRICT at, double *DUR_RESTRICT out) {
    for (int64_t first = 0; first < l->n_lane; first += LANES_BESIDE) {
        int64_t n = l->n_lane - first < LANES_BESIDE ? l->n_lane - first : LANES_BESIDE;
        double up[MODEL_VARIABLES_MAX][LANES_BESIDE], weight[LANES_BESIDE];
        int64_t step[MODEL_VARIABLES_MAX][LANES_BESIDE], move[LANES_BESIDE], to[LANES_BESIDE];
        int32_t n_split = 0;
        for (int64_t i = 0; i < n; i++) move[i] = first + i;
        for (int32_t k = 0; k < branch->n_shift; k++) {
            const LatticeShift *s = &branch->shift[k];
            Row by = row_of(l, &s->move, view), high = row_of(l, &s->up, view);
            if (by.lane) for (int64_t i = 0; i < n; i++) move[i] += (int64_t)by.lane[first + i];
            else         for (int64_t i = 0; i < n; i++) move[i] += (int64_t)by.one;
            double any = high.one;
            if (high.lane) for (int64_t i = 0; i < n; i++) any += high.lane[first + i];
            if (any == 0.0) continue;
            if (high.lane) for (int64_t i = 0; i < n; i++) up[n_split][i] = high.lane[first + i];
            else           for (int64_t i = 0; i < n; i++) up[n_split][i] = high.one;
            int64_t stride = l->stride[s->variable];
            for (int64_t i = 0; i < n; i++) step[n_split][i] = up[n_split][i] != 0.0 ? stride : 0;
            n_split++;
        }
        for (int64_t corner = 0; corner < (int64_t)1 << n_split; corner++) {
            for (int64_t i = 0; i < n; i++) weight[i] = branch->weight;
            for (int64_t i = 0; i < n; i++) to[i] = move[i];
            for (int32_t k = 0; k < n_split; k++) {
                if (corner >> k & 1) {
                    for (int64_t i = 0; i < n; i++) weight[i] *= up[k][i];
                    for (int64_t i = 0; i < n; i++) to[i] += step[k][i];
                } else {
                    for (int64_t i = 0; i < n; i++) weight[i] *= 1.0 - up[k][i];
                }
            }
            if (n_more == 0) for (int64_t i = 0; i < n; i++) out[first + i] += weight[i] * at[to[i]];
            for (int32_t c = 0; c < n_more; c++) {
                const double *DUR_RESTRICT by = more + c * l->n_lane + first, *DUR_RESTRICT part = share + c * l->n_lane + first;
                for (int64_t i = 0; i < n; i++) out[first + i] += weight[i] * part[i] * at[to[i] + (int64_t)by[i]];
            }
        }
    }
}

/// out[i] = sum of x over the targets of a jump, weighted: the mean of x after it.
static inline void jump_mean(const Lattice *l, const LatticeJump *jump, const LatticeBlock *view,
                             const double *DUR_RESTRICT x, double *DUR_RESTRICT out) {
    int64_t n = l->n_lane;
    const double *at = x + view->first;
    if (!jump->inner) {
        // every target is a constant shift of the whole block: sums of shifted rows
        bool first = true;
        for (int32_t b = 0; b < jump->n_branch; b++) {
            const LatticeBranch *branch = &jump->branch[b];
            int64_t move = 0, step[MODEL_VARIABLES_MAX];
            double up[MODEL_VARIABLES_MAX];
            int32_t n_split = 0;
            for (int32_t k = 0; k < branch->n_shift; k++) {
                const LatticeShift *s = &branch->shift[k];
                move += (int64_t)*lattice_row(l, &s->move, view);
                double share = s->has_split ? *lattice_row(l, &s->up, view) : 0.0;
                if (share == 0.0) continue;
                up[n_split] = share;
                step[n_split++] = l->stride[s->variable];
            }
            for (int64_t corner = 0; corner < (int64_t)1 << n_split; corner++) {
                double w = branch->weight;
                int64_t shift = move;
                for (int32_t k = 0; k < n_split; k++) {
                    bool is_up = corner >> k & 1;
                    w *= is_up ? up[k] : 1.0 - up[k];
                    if (is_up) shift += step[k];
                }
                const double *from = at + shift;
                if (first && w == 1.0) for (int64_t i = 0; i < n; i++) out[i] = from[i];
                else if (first)        for (int64_t i = 0; i < n; i++) out[i] = w * from[i];
                else                   for (int64_t i = 0; i < n; i++) out[i] += w * from[i];
                first = false;
            }
        }
        return;
    }
    for (int64_t i = 0; i < n; i++) out[i] = 0.0;
    for (int32_t b = 0; b < jump->n_branch; b++) add_branch(l, &jump->branch[b], view, 0, NULL, NULL, at, out);
}

/// The largest of `floor` and a row. Eight running maxima, because a compiler may not reorder a single one into a vector;
/// a maximum does not depend on the order, so neither do the bits. NaN is passed over.
static inline double row_largest(const double *DUR_RESTRICT x, int64_t n, double floor) {
    double top[8];
    int64_t i = 0;
    for (int k = 0; k < 8; k++) top[k] = floor;
    for (; i + 8 <= n; i += 8)
        for (int k = 0; k < 8; k++) top[k] = x[i + k] > top[k] ? x[i + k] : top[k];
    for (; i < n; i++) top[0] = x[i] > top[0] ? x[i] : top[0];
    for (int k = 1; k < 8; k++) top[0] = top[k] > top[0] ? top[k] : top[0];
    return top[0];
}

/// If every lane of the block goes to one state that lies a constant shift away, that shift; else false.
static inline bool jump_is_shift(const Lattice *l, const LatticeJump *jump, const LatticeBlock *view, int64_t *shift) {
    if (jump->inner || jump->n_branch != 1) return false;
    *shift = 0;
    for (int32_t k = 0; k < jump->branch->n_shift; k++) {
        const LatticeShift *s = &jump->branch->shift[k];
        if (s->has_split && *lattice_row(l, &s->up, view) != 0.0) return false;
        *shift += (int64_t)*lattice_row(l, &s->move, view);
    }
    return true;
}

/// acc[i] += rate[i] * (x at the node `step` states away), diag[i] += rate[i], over lanes from .. to-1. The rates are
/// the same for every actor, so later actors pass NULL for diag.
static inline void add_neighbour(Row rate, const double *DUR_RESTRICT x, int64_t step, int64_t from, int64_t to,
                                 double *DUR_RESTRICT acc, double *DUR_RESTRICT diag) {
    if (rate.lane) {
        for (int64_t i = from; i < to; i++) acc[i] += rate.lane[i] * x[i + step];
        if (diag) for (int64_t i = from; i < to; i++) diag[i] += rate.lane[i];
    } else if (rate.one != 0.0) {
        for (int64_t i = from; i < to; i++) acc[i] += rate.one * x[i + step];
        if (diag) for (int64_t i = from; i < to; i++) diag[i] += rate.one;
    }
}

/// Everything that moves by itself: drift and noise of all stocks. acc += rates times neighbours, diag += rates.
/// At an end of the range the rate outwards is 0, so lanes (and blocks) that would read outside the array are skipped.
static inline void add_drift(const Lattice *l, const LatticeBlock *view, const double *DUR_RESTRICT x,
                             double *DUR_RESTRICT acc, double *DUR_RESTRICT diag) {
    int32_t n_mode = l->model->n_mode;
    for (int32_t k = 0; k < l->model->n_stock; k++) {
        const LatticeStock *s = &l->stock[k];
        if (!s->moves) continue;
        int32_t v = n_mode + k;
        int64_t step = l->stride[v], n = l->n_lane;
        bool inner = step < n;
        Row up = row_of(l, &s->up, view), down = row_of(l, &s->down, view);
        if (inner || view->node[v] < l->n_node[v] - 1)
            add_neighbour(up, x + view->first, step, 0, inner ? n - step : n, acc, diag);
        if (inner || view->node[v] > 0)
            add_neighbour(down, x + view->first, -step, inner ? step : 0, n, acc, diag);
    }
}

#endif
