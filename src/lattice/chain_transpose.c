/// The generator turned round: what flows into a state, in place of what flows out of it. Every rate is taken where it is
/// in chain.h; the products are scattered to the targets, in order of states, by one thread.
#include "lattice/chain.h"

#include "base/memory.h"
#include "lattice/chain_kernel.h"
#include "lattice/scatter_body.h"

// y -= rates of leaving along a stock * x over one block
static void leave_stock(const Lattice *l, int32_t stock, const LatticeBlock *view, const double *x, double *y) {
    const LatticeStock *s = &l->stock[stock];
    if (!s->moves) return;
    const double *up = lattice_row(l, &s->up, view), *down = lattice_row(l, &s->down, view);
    for (int64_t i = 0; i < l->n_lane; i++) y[i] -= (up[s->up.inner ? i : 0] + down[s->down.inner ? i : 0]) * x[i];
}

DurStatus chain_add_transpose(const Policy *p, ChainPart part, const double *x, double *y) {
    const Lattice *l = p->lattice;
    double *flow = memory_column(l->n_lane);
    if (!flow) return DUR_MEMORY;
    for (int64_t b = 0; b < l->n_block; b++) {
        LatticeBlock view;
        lattice_block(l, b, &view);
        for (int32_t k = 0; k < l->model->n_stock; k++) {
            if (part.stock != k && part.stock != CHAIN_ALL) continue;
            scatter_stock(l, k, &view, x + view.first, y);
            leave_stock(l, k, &view, x + view.first, y + view.first);
        }
        for (int32_t j = 0; j < l->model->n_jump; j++) {
            if (part.jump != j && part.jump != CHAIN_ALL) continue;
            if (!flow_of(p, j, &view, x + view.first, flow)) continue;
            scatter(l, j, &view, flow, y);
            for (int64_t i = 0; i < l->n_lane; i++) y[view.first + i] -= flow[i];
        }
    }
    memory_free(flow);
    return DUR_OK;
}

DurStatus chain_apply_transpose(const Policy *p, const double *x, double *y) {
    for (int64_t s = 0; s < p->lattice->n_state; s++) y[s] = 0.0;
    return chain_add_transpose(p, (ChainPart){CHAIN_ALL, CHAIN_ALL}, x, y);
}

DurStatus chain_push(const ChainSweep *sweep, const double *r, double *z, double *y) {
    const Lattice *l = sweep->policy->lattice;
    double *room = memory_column(l->n_lane);
    if (!room) return DUR_MEMORY;
    const ChainKernel *kernel = chain_kernel(isa_best());
    for (int64_t k = 0; k < sweep->n_column * l->n_state; k++) y[k] = 0.0;
    for (int64_t b = 0; b < l->n_block; b++) kernel->push(sweep, b, r, z, y, room);
    for (int64_t k = 0; k < sweep->n_column * l->n_state; k++) y[k] = r[k] - y[k];
    memory_free(room);
    return DUR_OK;
}
