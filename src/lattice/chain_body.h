/// One block of the generator, compiled for each vector width: see chain.h. Included by chain_base.c and its sisters.
#include "lattice/chain_kernel.h"
#include "lattice/belief_body.h"

// the mean of x after a jump: where the whole block goes to one place, x there; else made in `room`
static inline const double *mean_after(const Lattice *l, const LatticeJump *jump, const LatticeBlock *view, const double *x,
                                       double *room) {
    int64_t shift;
    if (jump_is_shift(l, jump, view, &shift)) return x + view->first + shift;
    jump_mean(l, jump, view, x, room);
    return room;
}

// acc += opportunities * probability * mean, diag the same without the mean
static inline void add_move(Row attends, const double *DUR_RESTRICT chance, const double *DUR_RESTRICT mean, int64_t n,
                            double *DUR_RESTRICT acc, double *DUR_RESTRICT diag) {
    if (attends.lane) {
        for (int64_t i = 0; i < n; i++) acc[i] += attends.lane[i] * chance[i] * mean[i];
        for (int64_t i = 0; diag && i < n; i++) diag[i] += attends.lane[i] * chance[i];
    } else {
        for (int64_t i = 0; i < n; i++) acc[i] += attends.one * chance[i] * mean[i];
        for (int64_t i = 0; diag && i < n; i++) diag[i] += attends.one * chance[i];
    }
}

// y = sum of rate * (x at target - x), or without the second part, over one block
static void block_apply(const ChainView *chain, int64_t block, const double *DUR_RESTRICT x, double *DUR_RESTRICT y,
                        double *DUR_RESTRICT room) {
    const Policy *p = chain->policy;
    const Lattice *l = p->lattice;
    const Model *m = l->model;
    int64_t n = l->n_lane;
    double *room_mean = room, *diag = chain->only_inflow ? NULL : room + n, *acc = room + 2 * n, *beliefs = room + CHAIN_ROOM * n;
    LatticeBlock view;
    lattice_block(l, block, &view);
    if (!diag) acc = y + view.first;
    for (int64_t i = 0; i < n; i++) acc[i] = 0.0;
    for (int64_t i = 0; diag && i < n; i++) diag[i] = 0.0;

    add_drift(l, &view, x, acc, diag);

    for (int32_t i = 0; i < m->n_private; i++) {
        const double *drift = p->drift + (m->private[i].variable - m->n_mode - m->n_stock) * l->n_state + view.first;
        BeliefDrift d = belief_drift(l, i, &view, drift, l->n_state, beliefs);
        for (int32_t k = 0; k < d.n_way; k++)
            add_neighbour((Row){.lane = d.rate + k * n}, x + view.first, d.step[k], 0, n, acc, diag);
    }

    int64_t mode_state = view.first / l->n_stock_state, stock_state = view.first % l->n_stock_state;
    for (int32_t j = 0; j < m->n_jump; j++) {
        const LatticeJump *jump = &l->jump[j];
        if (m->jump[j].kind == JUMP_EVENT) {
            Row rate = row_of(l, &jump->rate, &view);
            if (row_is_zero(rate)) continue;
            add_neighbour(rate, mean_after(l, jump, &view, x, room_mean), 0, 0, n, acc, diag);
        } else if (m->jump[j].kind == JUMP_MOVE) {
            int64_t at = p->where[j * l->n_mode_state + mode_state];
            if (at < 0) continue;
            int32_t mover = m->jump[j].actor;
            if (mover == chain->actor && m->actor[mover].private >= 0) at += (1 + chain->type) * l->n_stock_state;
            const double *DUR_RESTRICT chance = p->probability + at + stock_state;
            Row attends = row_of(l, &l->actor[mover].attends, &view);
            int64_t shift = p->shift_where[j * l->n_mode_state + mode_state];
            const double *DUR_RESTRICT mean = room_mean;
            if (shift >= 0) {
                BeliefSplit s = belief_split(l, m->actor[mover].private, &view, p->shift + shift + stock_state,
                                             l->n_stock_state, beliefs);
                belief_mean(l, jump, &view, &s, x, room_mean);
            } else mean = mean_after(l, jump, &view, x, room_mean);
            add_move(attends, chance, mean, n, acc, diag);
        }
    }
    if (!diag) return;
    const double *DUR_RESTRICT here = x + view.first;
    double *DUR_RESTRICT out = y + view.first;
    for (int64_t i = 0; i < n; i++) out[i] = acc[i] - diag[i] * here[i];
}

static void block_move_mean(const Policy *p, int32_t move, int64_t block, const double *DUR_RESTRICT x, double *DUR_RESTRICT row,
                            double *DUR_RESTRICT room) {
    const Lattice *l = p->lattice;
    LatticeBlock view;
    lattice_block(l, block, &view);
    int64_t shift = p->shift_where[move * l->n_mode_state + view.first / l->n_stock_state];
    if (shift < 0) {
        jump_mean(l, &l->jump[move], &view, x, row);
        return;
    }
    BeliefSplit s = belief_split(l, l->model->actor[l->model->jump[move].actor].private, &view,
                                 p->shift + shift + view.first % l->n_stock_state, l->n_stock_state, room);
    belief_mean(l, &l->jump[move], &view, &s, x, row);
}

static void block_jump_mean(const Lattice *l, int32_t jump, int64_t block, const double *DUR_RESTRICT x,
                            double *DUR_RESTRICT y, double *DUR_RESTRICT room) {
    LatticeBlock view;
    lattice_block(l, block, &view);
    Row when = row_of(l, &l->jump[jump].when, &view);
    jump_mean(l, &l->jump[jump], &view, x, room);
    for (int64_t i = 0; i < l->n_lane; i++) {
        bool happens = (when.lane ? when.lane[i] : when.one) != 0.0;
        y[view.first + i] = happens ? room[i] : x[view.first + i];
    }
}
