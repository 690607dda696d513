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
    // some target depends on the lane: branch by branch, lane by lane, corner by corner
    for (int64_t i = 0; i < n; i++) out[i] = 0.0;
    for (int32_t b = 0; b < jump->n_branch; b++) {
        const LatticeBranch *branch = &jump->branch[b];
        const double *move_row[MODEL_VARIABLES_MAX], *up_row[MODEL_VARIABLES_MAX];
        int64_t stride[MODEL_VARIABLES_MAX];   // of the rows: 1 where they go by lane, else 0
        for (int32_t k = 0; k < branch->n_shift; k++) {
            const LatticeShift *s = &branch->shift[k];
            move_row[k] = lattice_row(l, &s->move, view);
            up_row[k] = lattice_row(l, &s->up, view);
            stride[k] = s->move.inner;
        }
        for (int64_t i = 0; i < n; i++) {
            int64_t move = 0, step[MODEL_VARIABLES_MAX];
            double up[MODEL_VARIABLES_MAX];
            int32_t n_split = 0;
            for (int32_t k = 0; k < branch->n_shift; k++) {
                move += (int64_t)move_row[k][stride[k] * i];
                double share = up_row[k][stride[k] * i];
                if (share == 0.0) continue;
                up[n_split] = share;
                step[n_split++] = l->stride[branch->shift[k].variable];
            }
            if (n_split == 0) { out[i] += branch->weight * at[i + move]; continue; }
            for (int64_t corner = 0; corner < (int64_t)1 << n_split; corner++) {
                double w = branch->weight;
                int64_t shift = move;
                for (int32_t k = 0; k < n_split; k++) {
                    bool is_up = corner >> k & 1;
                    w *= is_up ? up[k] : 1.0 - up[k];
                    if (is_up) shift += step[k];
                }
                out[i] += w * at[i + shift];
            }
        }
    }
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
