/// One block of the generator, compiled for each vector width: see chain.h. Included by chain_base.c and its sisters.
#include "lattice/chain_kernel.h"
#include "lattice/kernel_body.h"

// y = sum of rate * (x at target - x), and the sum of the rates, over one block
static void block_apply(const Policy *p, int64_t block, const double *DUR_RESTRICT x, double *DUR_RESTRICT y,
                        double *DUR_RESTRICT room) {
    const Lattice *l = p->lattice;
    const Model *m = l->model;
    int64_t n = l->n_lane;
    double *mean = room, *diag = room + n, *acc = room + 2 * n;
    LatticeBlock view;
    lattice_block(l, block, &view);
    for (int64_t i = 0; i < n; i++) acc[i] = diag[i] = 0.0;

    add_drift(l, &view, x, acc, diag);

    int64_t mode_state = view.first / l->n_stock_state, stock_state = view.first % l->n_stock_state;
    for (int32_t j = 0; j < m->n_jump; j++) {
        const LatticeJump *jump = &l->jump[j];
        if (m->jump[j].kind == JUMP_EVENT) {
            Row rate = row_of(l, &jump->rate, &view);
            if (row_is_zero(rate)) continue;
            jump_mean(l, jump, &view, x, mean);
            add_neighbour(rate, mean, 0, 0, n, acc, diag);
        } else if (m->jump[j].kind == JUMP_MOVE) {
            int64_t at = p->where[j * l->n_mode_state + mode_state];
            if (at < 0) continue;
            const double *DUR_RESTRICT chance = p->probability + at + stock_state;
            Row attends = row_of(l, &l->actor[m->jump[j].actor].attends, &view);
            jump_mean(l, jump, &view, x, mean);
            if (attends.lane)
                for (int64_t i = 0; i < n; i++) {
                    double rate = attends.lane[i] * chance[i];
                    acc[i] += rate * mean[i];
                    diag[i] += rate;
                }
            else
                for (int64_t i = 0; i < n; i++) {
                    double rate = attends.one * chance[i];
                    acc[i] += rate * mean[i];
                    diag[i] += rate;
                }
        }
    }
    const double *DUR_RESTRICT here = x + view.first;
    double *DUR_RESTRICT out = y + view.first;
    for (int64_t i = 0; i < n; i++) out[i] = acc[i] - diag[i] * here[i];
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
