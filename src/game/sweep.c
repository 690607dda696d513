#include "game/sweep.h"

#include "base/memory.h"
#include "game/sweep_kernel.h"
#include "game/sweep_types.h"
#include "num/isa.h"

#include <string.h>

/// States of one task: large enough that handing out tasks costs nothing, small enough that cores share evenly.
#define TASK_STATES 1024
/// Combinations of modes are taken together until they hold this many states, so that waiting for one another costs
/// nothing; but never more than a 64th of a lattice, so that small games are swept one combination after the other.
#define GROUP_STATES 4096
#define GROUPS_LEAST 64

struct Sweep {
    const Lattice *lattice;     // borrowed
    SweepTypes *types;          // does it all where there are private types; else NULL
    const LatticeRule *rule;    // borrowed, or NULL
    Team *team;                 // borrowed
    bool *possible;             // [n_jump x n_mode_state]
    double *room;               // a stretch for each worker
    int64_t room_stride, n_block_task, n_task;
    int64_t n_block_group;      // blocks that are taken from the same values
    double *group;              // [n_actor x states of a group] their next values, until all are known
    double *worst;              // [n_task] residual of each task
    int64_t from_block, to_block;   // of the group at hand
    const SweepKernel *kernel;
    SweepJob job;
};

int64_t sweep_size(const Lattice *l) {
    return (int64_t)model_rows(l->model) * l->n_state + (l->model->n_private ? policy_shifts(l, NULL) : 0);
}

Sweep *sweep_make(const Lattice *l, const LatticeRule *rule, Team *team) {
    const Model *m = l->model;
    Sweep *s = memory_zeroed(1, sizeof *s);
    if (!s) return NULL;
    if (m->n_private) {
        s->types = sweep_types_make(l, rule, team);
        if (!s->types) { sweep_free(s); return NULL; }
        return s;
    }
    s->lattice = l;
    s->rule = rule && rule->actor >= 0 ? rule : NULL;
    s->team = team;
    s->kernel = ISA_KERNEL(sweep_kernel);
    s->possible = memory_zeroed((size_t)m->n_jump * (size_t)l->n_mode_state, sizeof *s->possible);
    int64_t n_move = 0;
    for (int32_t j = 0; j < m->n_jump; j++) n_move += m->jump[j].kind == JUMP_MOVE;
    s->room_stride = ((m->n_actor + 3 + 2 * (n_move > 0 ? n_move : 1)) * l->n_lane + 15) / 8 * 8;
    s->room = memory_column(s->room_stride * team_size(team));
    s->n_block_task = TASK_STATES / l->n_lane > 0 ? TASK_STATES / l->n_lane : 1;
    s->n_task = (l->n_block + s->n_block_task - 1) / s->n_block_task;
    int64_t group_states = l->n_state / GROUPS_LEAST < GROUP_STATES ? l->n_state / GROUPS_LEAST : GROUP_STATES;
    int64_t n_mode_group = (group_states + l->n_stock_state - 1) / l->n_stock_state;
    if (n_mode_group < 1) n_mode_group = 1;
    s->n_block_group = n_mode_group * (l->n_stock_state / l->n_lane);
    if (s->n_block_group > l->n_block) s->n_block_group = l->n_block;
    s->group = memory_column(m->n_actor * s->n_block_group * l->n_lane);
    s->worst = memory_column(s->n_task);
    if (!s->possible || !s->room || !s->group || !s->worst) { sweep_free(s); return NULL; }

    // where a guard is false in a whole combination of modes, the move need not be looked at again
    for (int32_t j = 0; j < m->n_jump; j++)
        for (int64_t ms = 0; ms < l->n_mode_state && m->jump[j].kind == JUMP_MOVE; ms++)
            s->possible[j * l->n_mode_state + ms] = policy_is_possible(l, j, ms);
    return s;
}

void sweep_free(Sweep *s) {
    if (!s) return;
    sweep_types_free(s->types);
    memory_free(s->worst);
    memory_free(s->group);
    memory_free(s->room);
    memory_free(s->possible);
    memory_free(s);
}

static void task_sweep(void *context, int64_t task, int worker) {
    Sweep *s = context;
    int64_t from = s->from_block + task * s->n_block_task, end = from + s->n_block_task;
    if (end > s->to_block) end = s->to_block;
    double worst = 0;
    for (int64_t b = from; b < end; b++) {
        double w = s->kernel->sweep(&s->job, b, s->room + worker * s->room_stride);
        worst = w > worst ? w : worst;
    }
    s->worst[task] = worst;
}

// all blocks from .. to-1, from the same values; their next values go where job.next says
static double run_blocks(Sweep *s, int64_t from, int64_t to) {
    s->from_block = from;
    s->to_block = to;
    int64_t n_task = (to - from + s->n_block_task - 1) / s->n_block_task;
    team_run(s->team, task_sweep, s, n_task);
    double worst = 0;
    for (int64_t t = 0; t < n_task; t++) worst = s->worst[t] > worst ? s->worst[t] : worst;
    return worst;
}

void sweep_whole_steps(Sweep *s, bool whole) {
    if (s->types) sweep_types_whole_steps(s->types, whole);
}

double sweep_residual(Sweep *s, double precision_scale, const double *value, double *room) {
    if (s->types) return sweep_types_residual(s->types, precision_scale, value, room);
    s->job = (SweepJob){.lattice = s->lattice, .rule = s->rule, .possible = s->possible,
                        .precision_scale = precision_scale, .value = value, .next = room,
                        .next_stride = s->lattice->n_state};
    return run_blocks(s, 0, s->lattice->n_block);
}

double sweep_run(Sweep *s, double precision_scale, const double *value, double *next) {
    if (s->types) return sweep_types_run(s->types, precision_scale, value, next);
    const Lattice *l = s->lattice;
    int64_t n_actor = l->model->n_actor, n = l->n_lane;
    memcpy(next, value, (size_t)(n_actor * l->n_state) * sizeof *next);
    double worst = 0;
    for (int64_t from = 0; from < l->n_block; from += s->n_block_group) {
        int64_t to = from + s->n_block_group < l->n_block ? from + s->n_block_group : l->n_block;
        s->job = (SweepJob){.lattice = l, .rule = s->rule, .possible = s->possible, .precision_scale = precision_scale,
                            .value = next, .next = s->group, .next_first = from * n, .next_stride = (to - from) * n};
        double w = run_blocks(s, from, to);
        worst = w > worst ? w : worst;
        for (int64_t k = 0; k < n_actor; k++)
            memcpy(next + k * l->n_state + from * n, s->group + k * (to - from) * n, (size_t)((to - from) * n) * sizeof *next);
    }
    return worst;
}

static void task_fill(void *context, int64_t task, int worker) {
    Sweep *s = context;
    int64_t end = (task + 1) * s->n_block_task;
    if (end > s->lattice->n_block) end = s->lattice->n_block;
    for (int64_t b = task * s->n_block_task; b < end; b++)
        s->kernel->fill(&s->job, b, s->room + worker * s->room_stride);
}

void sweep_fill_policy(Sweep *s, Policy *policy) {
    if (s->types) { sweep_types_fill_policy(s->types, policy); return; }
    const LatticeRule *rule = policy->rule.actor >= 0 ? &policy->rule : NULL;
    s->job = (SweepJob){.lattice = s->lattice, .rule = rule, .possible = s->possible, .precision_scale = 1.0,
                        .value = policy->value, .policy = policy};
    team_run(s->team, task_fill, s, s->n_task);
}
