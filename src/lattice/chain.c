#include "lattice/chain.h"

#include "base/memory.h"
#include "lattice/chain_kernel.h"
#include "lattice/round.h"
#include "num/isa.h"

#include <string.h>

/// Blocks of one task hold about this many states: large enough that handing out tasks costs nothing.
#define TASK_STATES 8192

typedef struct Work {
    const ChainKernel *kernel;
    ChainView chain;             // apply
    const Lattice *lattice;
    int32_t jump;                // jump mean
    const double *x;
    double *y, *room;            // room: CHAIN_ROOM rows for each worker
    int64_t room_stride, n_block_task;
} Work;

int64_t chain_room(const Lattice *l) {
    return ((CHAIN_ROOM + (l->model->n_private ? CHAIN_BELIEF_ROOM : 0)) * l->n_lane + 15) / 8 * 8;
}

static void task_apply(void *context, int64_t task, int worker) {
    Work *w = context;
    int64_t end = (task + 1) * w->n_block_task;
    for (int64_t b = task * w->n_block_task; b < end && b < w->lattice->n_block; b++)
        w->kernel->apply(&w->chain, b, w->x, w->y, w->room + worker * w->room_stride);
}

static void task_jump_mean(void *context, int64_t task, int worker) {
    Work *w = context;
    int64_t end = (task + 1) * w->n_block_task;
    for (int64_t b = task * w->n_block_task; b < end && b < w->lattice->n_block; b++)
        w->kernel->jump_mean(w->lattice, w->jump, b, w->x, w->y, w->room + worker * w->room_stride);
}

static DurStatus run(Work *w, TeamTask task, Team *team) {
    const Lattice *l = w->lattice;
    w->kernel = ISA_KERNEL(chain_kernel);
    w->room_stride = chain_room(l);
    w->room = memory_column(w->room_stride * team_size(team));
    if (!w->room) return DUR_MEMORY;
    w->n_block_task = TASK_STATES / l->n_lane > 0 ? TASK_STATES / l->n_lane : 1;
    team_run(team, task, w, (l->n_block + w->n_block_task - 1) / w->n_block_task);
    memory_free(w->room);
    return DUR_OK;
}

// y = (P - 1) x
static DurStatus apply_round(const Policy *policy, const double *x, double *y, Team *team) {
    int64_t n = policy->lattice->n_state;
    double *room = memory_column(n);
    if (!room) return DUR_MEMORY;
    DurStatus status = round_apply(policy, x, y, room, team);
    for (int64_t s = 0; s < n; s++) y[s] -= x[s];
    memory_free(room);
    return status;
}

// how often a jump happens in a round, from each state at its beginning
static DurStatus rate_in_round(const Policy *policy, int32_t jump, double *out, Team *team) {
    int64_t n = policy->lattice->n_state;
    double *room = memory_column(2 * (n + 8)), *other = room ? room + n + 8 : NULL;
    RoundCount count = {-1, jump};
    if (!room) return DUR_MEMORY;
    DurStatus status = round_after(policy->lattice, count, 0.0, room, out, other, team);
    for (int32_t k = round_stages(policy->lattice->model) - 1; k >= 0 && status == DUR_OK; k--) {
        memcpy(room, out, (size_t)n * sizeof *out);
        status = round_choices(policy, k, -1, -1, count, room, out, team);
    }
    memory_free(room);
    return status;
}

DurStatus chain_apply(const Policy *policy, const double *x, double *y, Team *team) {
    if (policy->lattice->model->clock == CLOCK_ROUNDS) return apply_round(policy, x, y, team);
    return chain_apply_as(policy, -1, 0, x, y, team);
}

DurStatus chain_apply_as(const Policy *policy, int32_t actor, int32_t type, const double *x, double *y, Team *team) {
    Work w = {.chain = {policy, actor, type, false}, .lattice = policy->lattice, .x = x, .y = y};
    return run(&w, task_apply, team);
}

void chain_inflow_blocks(const Policy *policy, int32_t actor, int32_t type, int64_t from, int64_t to, const double *x, double *y,
                         double *room) {
    const ChainKernel *kernel = ISA_KERNEL(chain_kernel);
    ChainView chain = {policy, actor, type, true};
    for (int64_t b = from; b < to; b++) kernel->apply(&chain, b, x, y, room);
}

void chain_move_mean(const Policy *policy, int32_t move, int64_t block, const double *x, double *row, double *room) {
    ISA_KERNEL(chain_kernel)->move_mean(policy, move, block, x, row, room);
}

DurStatus chain_jump_mean(const Lattice *lattice, int32_t jump, const double *x, double *y, Team *team) {
    Work w = {.lattice = lattice, .jump = jump, .x = x, .y = y};
    return run(&w, task_jump_mean, team);
}

DurStatus chain_jump_rate(const Policy *p, int32_t jump, double *out, Team *team) {
    const Lattice *l = p->lattice;
    if (l->model->clock == CLOCK_ROUNDS && l->model->jump[jump].kind != JUMP_DATED) return rate_in_round(p, jump, out, team);
    const ModelJump *mj = &l->model->jump[jump];
    for (int64_t b = 0; b < l->n_block; b++) {
        LatticeBlock view;
        lattice_block(l, b, &view);
        if (mj->kind == JUMP_DATED) {
            for (int64_t i = 0; i < l->n_lane; i++) out[view.first + i] = 0.0;
            continue;
        }
        const LatticeTable *t = mj->kind == JUMP_EVENT ? &l->jump[jump].rate : &l->actor[mj->actor].attends;
        const double *row = lattice_row(l, t, &view);
        for (int64_t i = 0; i < l->n_lane; i++) {
            double rate = row[t->inner ? i : 0];
            out[view.first + i] = mj->kind == JUMP_EVENT ? rate : rate * policy_probability(p, jump, view.first + i);
        }
    }
    return DUR_OK;
}

DurStatus chain_exit_rates(const Policy *p, double *out, double *most, Team *team) {
    const Lattice *l = p->lattice;
    const Model *m = l->model;
    if (m->clock == CLOCK_ROUNDS) {
        for (int64_t s = 0; s < l->n_state; s++) out[s] = 1.0;
        *most = 1.0;
        return DUR_OK;
    }
    for (int64_t s = 0; s < l->n_state; s++) out[s] = 0.0;
    double *rate = memory_column(l->n_state);
    if (!rate) return DUR_MEMORY;
    for (int32_t j = 0; j < m->n_jump; j++) {
        if (m->jump[j].kind == JUMP_DATED) continue;
        DurStatus status = chain_jump_rate(p, j, rate, team);
        if (status != DUR_OK) { memory_free(rate); return status; }
        for (int64_t s = 0; s < l->n_state; s++) out[s] += rate[s];
    }
    memory_free(rate);
    for (int64_t b = 0; b < l->n_block; b++) {
        LatticeBlock view;
        lattice_block(l, b, &view);
        for (int32_t k = 0; k < m->n_stock; k++) {
            const LatticeStock *s = &l->stock[k];
            if (!s->moves) continue;
            const double *up = lattice_row(l, &s->up, &view), *down = lattice_row(l, &s->down, &view);
            for (int64_t i = 0; i < l->n_lane; i++)
                out[view.first + i] += up[s->up.inner ? i : 0] + down[s->down.inner ? i : 0];
        }
    }
    // a belief that drifts steps at the rate at which types gain
    for (int32_t i = 0; i < m->n_private; i++) {
        const ModelPrivate *mp = &m->private[i];
        const double *drift = p->drift + (mp->variable - m->n_mode - m->n_stock) * l->n_state;
        for (int64_t s = 0; s < l->n_state; s++) {
            double gain = 0, first = 0;
            for (int32_t t = 1; t < mp->n_type; t++) {
                double by = drift[(t - 1) * l->n_state + s];
                first -= by;
                gain += by > 0 ? by : 0;
            }
            out[s] += (gain + (first > 0 ? first : 0)) * l->private[i].n_step;
        }
    }
    *most = 0;
    for (int64_t s = 0; s < l->n_state; s++) *most = out[s] > *most ? out[s] : *most;
    return DUR_OK;
}

void chain_set_modes(const Lattice *l, int32_t n_set, const ModelSet *set, const double *x, double *y) {
    for (int64_t ms = 0; ms < l->n_mode_state; ms++) {
        int64_t from = ms * l->n_stock_state, to = from;
        for (int32_t k = 0; k < n_set; k++) {
            int32_t v = set[k].mode;
            int64_t node = from / l->stride[v] % l->n_node[v];
            to += (set[k].value - node) * l->stride[v];
        }
        for (int64_t i = 0; i < l->n_stock_state; i++) y[from + i] = x[to + i];
    }
}
