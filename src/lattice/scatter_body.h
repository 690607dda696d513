/// What flows along the chain into other states: the pieces of the transposed generator, one block at a time. Included by
/// chain_body.h, for each vector width, and by chain_transpose.c. A target gets its additions in the same order at every
/// width.
#ifndef LATTICE_SCATTER_BODY_H
#define LATTICE_SCATTER_BODY_H

#include "lattice/policy.h"

// y(target) += share * flow over all targets of a jump from each lane; flow is a row of the block, y a whole column
static inline void scatter(const Lattice *l, int32_t jump, const LatticeBlock *view, const double *weight, double *y) {
    const LatticeJump *j = &l->jump[jump];
    int64_t n = l->n_lane;
    double *at = y + view->first;
    for (int32_t b = 0; b < j->n_branch; b++) {
        const LatticeBranch *branch = &j->branch[b];
        const double *move_row[MODEL_VARIABLES_MAX], *up_row[MODEL_VARIABLES_MAX];
        int64_t stride[MODEL_VARIABLES_MAX];   // of the rows: 1 where they go by lane, else 0
        for (int32_t k = 0; k < branch->n_shift; k++) {
            const LatticeShift *s = &branch->shift[k];
            move_row[k] = lattice_row(l, &s->move, view);
            up_row[k] = lattice_row(l, &s->up, view);
            stride[k] = s->move.inner;
        }
        // one stretch of lanes that go the same way: the whole block, or one lane after the other
        int64_t length = j->inner ? 1 : n;
        for (int64_t i = 0; i < n; i += length) {
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
            for (int64_t corner = 0; corner < (int64_t)1 << n_split; corner++) {
                double w = branch->weight;
                int64_t shift = move;
                for (int32_t k = 0; k < n_split; k++) {
                    bool is_up = corner >> k & 1;
                    w *= is_up ? up[k] : 1.0 - up[k];
                    if (is_up) shift += step[k];
                }
                double *DUR_RESTRICT to = at + i + shift;
                const double *DUR_RESTRICT from = weight + i;
                for (int64_t lane = 0; lane < length; lane++) to[lane] += w * from[lane];
            }
        }
    }
}

// y[i + step] += rate * x[i] for lanes from .. to-1; rows of rates, or one for all
static inline void push(const LatticeTable *t, const double *row, const double *DUR_RESTRICT x, double *DUR_RESTRICT y,
                 int64_t step, int64_t from, int64_t to) {
    if (t->inner) {
        for (int64_t i = from; i < to; i++) y[i + step] += row[i] * x[i];
    } else if (row[0] != 0.0) {
        double rate = row[0];
        for (int64_t i = from; i < to; i++) y[i + step] += rate * x[i];
    }
}

// y(neighbour) += rate * x for the drift and noise of a stock; x is a row of the block
static inline void scatter_stock(const Lattice *l, int32_t stock, const LatticeBlock *view, const double *x, double *y) {
    const LatticeStock *s = &l->stock[stock];
    if (!s->moves) return;
    int32_t v = l->model->n_mode + stock;
    int64_t step = l->stride[v], n = l->n_lane;
    // rates out of the range are 0, and lanes whose target would lie outside the array are left out
    bool inner = step < n;
    if (inner || view->node[v] < l->n_node[v] - 1)
        push(&s->up, lattice_row(l, &s->up, view), x, y + view->first, step, 0, inner ? n - step : n);
    if (inner || view->node[v] > 0)
        push(&s->down, lattice_row(l, &s->down, view), x, y + view->first, -step, inner ? step : 0, n);
}

// out = x * the rate at which a jump happens in each lane; false, and nothing written, if that is known to be 0
static inline bool flow_of(const Policy *p, int32_t jump, const LatticeBlock *view, const double *DUR_RESTRICT x,
                double *DUR_RESTRICT out) {
    const Lattice *l = p->lattice;
    const ModelJump *mj = &l->model->jump[jump];
    int64_t n = l->n_lane;
    if (mj->kind == JUMP_DATED) return false;
    const LatticeTable *t = mj->kind == JUMP_EVENT ? &l->jump[jump].rate : &l->actor[mj->actor].attends;
    const double *row = lattice_row(l, t, view);
    if (!t->inner && row[0] == 0.0) return false;
    if (mj->kind == JUMP_EVENT) {
        if (t->inner) for (int64_t i = 0; i < n; i++) out[i] = row[i] * x[i];
        else          for (int64_t i = 0; i < n; i++) out[i] = row[0] * x[i];
        return true;
    }
    int64_t at = p->where[jump * l->n_mode_state + view->first / l->n_stock_state];
    if (at < 0) return false;
    const double *DUR_RESTRICT chance = p->probability + at + view->first % l->n_stock_state;
    if (t->inner) for (int64_t i = 0; i < n; i++) out[i] = row[i] * chance[i] * x[i];
    else          for (int64_t i = 0; i < n; i++) out[i] = row[0] * chance[i] * x[i];
    return true;
}

#endif
