/// The generator turned round: what flows into a state, in place of what flows out of it. Every rate is taken where it is
/// in chain.h; the products are scattered to the targets, in order of states, by one thread.
#include "base/compiler.h"
#include "base/memory.h"
#include "lattice/chain.h"
#include "lattice/internal.h"

void lattice_scatter(const Lattice *l, const LatticeJump *j, int32_t n_shift, const LatticeBlock *view, const double *weight,
                     double *y) {
    int64_t n = l->n_lane;
    double *at = y + view->first;
    for (int32_t b = 0; b < j->n_branch; b++) {
        const LatticeBranch *branch = &j->branch[b];
        int32_t n_effect = n_shift < branch->n_shift ? n_shift : branch->n_shift;
        const double *move_row[MODEL_VARIABLES_MAX], *up_row[MODEL_VARIABLES_MAX];
        int64_t stride[MODEL_VARIABLES_MAX];   // of the rows: 1 where they go by lane, else 0
        for (int32_t k = 0; k < n_effect; k++) {
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
            for (int32_t k = 0; k < n_effect; k++) {
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
static void push(const LatticeTable *t, const double *row, const double *DUR_RESTRICT x, double *DUR_RESTRICT y,
                 int64_t step, int64_t from, int64_t to) {
    if (t->inner) {
        for (int64_t i = from; i < to; i++) y[i + step] += row[i] * x[i];
    } else if (row[0] != 0.0) {
        double rate = row[0];
        for (int64_t i = from; i < to; i++) y[i + step] += rate * x[i];
    }
}

// y(neighbour) += rate * x for the drift and noise of a stock; x is a row of the block
static void scatter_stock(const Lattice *l, int32_t stock, const LatticeBlock *view, const double *x, double *y) {
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

// out = x * the rate at which a jump happens in each lane, as a type of an actor expects it; false, and nothing written, if that is
// known to be 0
static bool flow_of(const Policy *p, int32_t actor, int32_t type, int32_t jump, const LatticeBlock *view,
                    const double *DUR_RESTRICT x, double *DUR_RESTRICT out) {
    const Lattice *l = p->lattice;
    const ModelJump *mj = &l->model->jump[jump];
    int64_t n = l->n_lane;
    if (mj->kind == JUMP_DATED) return false;
    const LatticeTable *t = mj->kind == JUMP_EVENT ? &l->jump[jump].rate : &l->actor[mj->actor].attends;
    const double *row = lattice_row(l, t, view);
    if (!t->inner && row[0] == 0.0) return false;
    if (t->inner) for (int64_t i = 0; i < n; i++) out[i] = row[i] * x[i];
    else          for (int64_t i = 0; i < n; i++) out[i] = row[0] * x[i];
    if (mj->kind == JUMP_EVENT) return true;
    int64_t at = p->where[jump * l->n_mode_state + view->first / l->n_stock_state];
    if (at < 0) return false;
    if (mj->actor == actor && l->model->actor[actor].private >= 0) at += (1 + type) * l->n_stock_state;
    const double *DUR_RESTRICT chance = p->probability + at + view->first % l->n_stock_state;
    for (int64_t i = 0; i < n; i++) out[i] *= chance[i];
    return true;
}

// the same as scatter where the belief goes to its posterior besides, state by state
static void scatter_posterior(const Policy *p, int32_t jump, const LatticeBlock *view, const double *flow, double *y,
                              int64_t *target, double *weight) {
    const Lattice *l = p->lattice;
    for (int64_t i = 0; i < l->n_lane; i++) {
        int32_t node[MODEL_VARIABLES_MAX];
        if (flow[i] == 0.0) continue;
        lattice_nodes(l, view->first + i, node);
        int32_t n = policy_targets(p, jump, node, target, weight);
        for (int32_t k = 0; k < n; k++) y[target[k]] += weight[k] * flow[i];
    }
}

// what the drift of a belief sends on, and takes from here
static void scatter_belief(const Policy *p, int32_t private, const LatticeBlock *view, const double *x, double *y) {
    const Lattice *l = p->lattice;
    const Model *m = l->model;
    const ModelPrivate *mp = &m->private[private];
    int32_t here = view->node[mp->variable];
    const double *drift = p->drift + (mp->variable - m->n_mode - m->n_stock) * l->n_state + view->first;
    for (int64_t i = 0; i < l->n_lane; i++) {
        double by[MODEL_TYPES_MAX], rate[MODEL_TYPES_MAX * MODEL_TYPES_MAX];
        int32_t to[MODEL_TYPES_MAX * MODEL_TYPES_MAX];
        for (int32_t t = 1; t < mp->n_type; t++) by[t - 1] = drift[(t - 1) * l->n_state + i];
        int32_t n = lattice_drift_belief(&l->private[private], here, by, to, rate, NULL);
        for (int32_t k = 0; k < n; k++) {
            y[view->first + i + (to[k] - here) * l->stride[mp->variable]] += rate[k] * x[i];
            y[view->first + i] -= rate[k] * x[i];
        }
    }
}

// y -= rates of leaving along a stock * x over one block
static void leave_stock(const Lattice *l, int32_t stock, const LatticeBlock *view, const double *x, double *y) {
    const LatticeStock *s = &l->stock[stock];
    if (!s->moves) return;
    const double *up = lattice_row(l, &s->up, view), *down = lattice_row(l, &s->down, view);
    for (int64_t i = 0; i < l->n_lane; i++) y[i] -= (up[s->up.inner ? i : 0] + down[s->down.inner ? i : 0]) * x[i];
}

DurStatus chain_add_transpose(const Policy *p, int32_t actor, int32_t type, ChainPart part, const double *x, double *y) {
    const Lattice *l = p->lattice;
    const Model *m = l->model;
    double *flow = memory_column(l->n_lane), *weight = NULL;
    int64_t *target = NULL;
    bool tells = m->n_private > 0;
    if (tells) {
        target = memory_alloc(LATTICE_CORNERS_MAX * sizeof *target);
        weight = memory_alloc(LATTICE_CORNERS_MAX * sizeof *weight);
    }
    bool made = flow && (!tells || (target && weight));
    for (int64_t b = 0; made && b < l->n_block; b++) {
        LatticeBlock view;
        lattice_block(l, b, &view);
        for (int32_t k = 0; k < m->n_stock; k++) {
            if (part.stock != k && part.stock != CHAIN_ALL) continue;
            scatter_stock(l, k, &view, x + view.first, y);
            leave_stock(l, k, &view, x + view.first, y + view.first);
        }
        for (int32_t k = 0; k < m->n_private; k++)
            if (part.private == k || part.private == CHAIN_ALL) scatter_belief(p, k, &view, x + view.first, y);
        for (int32_t j = 0; j < m->n_jump; j++) {
            if (part.jump != j && part.jump != CHAIN_ALL) continue;
            if (!flow_of(p, actor, type, j, &view, x + view.first, flow)) continue;
            if (p->shift_where[j * l->n_mode_state + view.first / l->n_stock_state] >= 0)
                scatter_posterior(p, j, &view, flow, y, target, weight);
            else lattice_scatter(l, &l->jump[j], INT32_MAX, &view, flow, y);
            for (int64_t i = 0; i < l->n_lane; i++) y[view.first + i] -= flow[i];
        }
    }
    memory_free(weight);
    memory_free(target);
    memory_free(flow);
    return made ? DUR_OK : DUR_MEMORY;
}

DurStatus chain_apply_transpose(const Policy *p, const double *x, double *y) {
    for (int64_t s = 0; s < p->lattice->n_state; s++) y[s] = 0.0;
    return chain_add_transpose(p, -1, 0, (ChainPart){CHAIN_ALL, CHAIN_ALL, CHAIN_ALL}, x, y);
}
