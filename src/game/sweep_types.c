#include "game/sweep_types.h"

#include "base/asking.h"
#include "base/memory.h"
#include "game/sweep_types_kernel.h"
#include "num/isa.h"

#include <string.h>

/// As in sweep.c: states of a task, of combinations of modes that are taken together, and how many of these at least.
#define TASK_STATES  1024
#define GROUP_STATES 4096
#define GROUPS_LEAST 64
/// Tasks of a group of which few blocks are swept, at most.
#define TASKS_FEW    8

struct SweepTypes {
    const Lattice *lattice;     // borrowed
    const LatticeRule *rule;    // borrowed, or NULL
    Team *team;                 // borrowed
    bool *possible;             // [n_jump x n_mode_state]
    int64_t *shift_where;       // [n_jump x n_mode_state]
    int64_t n_shift;
    int32_t n_row, n_move;
    double *room;               // a stretch for each worker
    int64_t room_stride, n_block_task, n_task, n_block_group;
    double *group;              // [n_row x states of a group] their next values, until all are known
    double *worst;              // [n_task] residual of each task
    bool whole_steps;
    // a sweep in place: group after group, the blocks of each from the same values, which are then written back
    int64_t *swept;             // [n_block] blocks
    int64_t n_group, *first;    // [groups + 1] first of each group in `swept`, of those groups that have some
    int64_t *stage;             // [2 groups + 1] first task of each stage: two a group, see team_run_stages
    float *missed;              // [n_block] what each missed by, or NULL
    float *pace, *agrees, *before;   // see sweep_types_pace; NULL: none
    float pace_most;
    double *habit;                   // see sweep_types_habits; NULL: none
    bool takes_up;
    const TypesKernel *kernel;
    TypesJob job;
    Asking asking;
};

SweepTypes *sweep_types_make(const Lattice *l, const LatticeRule *rule, Team *team) {
    const Model *m = l->model;
    SweepTypes *s = memory_zeroed(1, sizeof *s);
    if (!s) return NULL;
    s->lattice = l;
    s->rule = rule && rule->actor >= 0 ? rule : NULL;
    s->team = team;
    s->kernel = ISA_KERNEL(sweep_types_kernel);
    s->n_row = model_rows(m);
    size_t n_entry = (size_t)m->n_jump * (size_t)l->n_mode_state;
    s->possible = memory_zeroed(n_entry, sizeof *s->possible);
    s->shift_where = memory_zeroed(n_entry, sizeof *s->shift_where);
    for (int32_t i = 0; i < m->n_actor; i++) {
        int32_t n = 0;
        for (int32_t j = 0; j < m->n_jump; j++) n += m->jump[j].kind == JUMP_MOVE && m->jump[j].actor == i;
        s->n_move = n > s->n_move ? n : s->n_move;
    }
    if (s->n_move < 1) s->n_move = 1;
    s->room_stride = (sweep_types_room(s->n_row, s->n_move) * l->n_lane + 15) / 8 * 8;
    s->room = memory_column(s->room_stride * team_size(team));
    s->n_block_task = TASK_STATES / l->n_lane > 0 ? TASK_STATES / l->n_lane : 1;
    s->n_task = (l->n_block + s->n_block_task - 1) / s->n_block_task;
    int64_t group_states = l->n_state / GROUPS_LEAST < GROUP_STATES ? l->n_state / GROUPS_LEAST : GROUP_STATES;
    int64_t n_mode_group = (group_states + l->n_stock_state - 1) / l->n_stock_state;
    if (n_mode_group < 1) n_mode_group = 1;
    s->n_block_group = n_mode_group * (l->n_stock_state / l->n_lane);
    if (s->n_block_group > l->n_block) s->n_block_group = l->n_block;
    s->group = memory_column(s->n_row * s->n_block_group * l->n_lane);
    int64_t n_group = (l->n_block + s->n_block_group - 1) / s->n_block_group;
    s->worst = memory_column(2 * (s->n_task + (TASKS_FEW + 1) * n_group));
    s->swept = memory_alloc((size_t)l->n_block * sizeof *s->swept);
    s->first = memory_alloc(((size_t)n_group + 1) * sizeof *s->first);
    s->stage = memory_alloc((2 * (size_t)n_group + 1) * sizeof *s->stage);
    if (!s->possible || !s->shift_where || !s->room || !s->group || !s->worst || !s->swept || !s->first || !s->stage) { sweep_types_free(s); return NULL; }
    s->n_shift = policy_shifts(l, s->shift_where);
    for (int32_t j = 0; j < m->n_jump; j++)
        for (int64_t ms = 0; ms < l->n_mode_state && m->jump[j].kind == JUMP_MOVE; ms++)
            s->possible[j * l->n_mode_state + ms] = policy_is_possible(l, j, ms);
    return s;
}

void sweep_types_free(SweepTypes *s) {
    if (!s) return;
    memory_free(s->habit);
    memory_free(s->before);
    memory_free(s->agrees);
    memory_free(s->pace);
    memory_free(s->stage);
    memory_free(s->first);
    memory_free(s->swept);
    memory_free(s->worst);
    memory_free(s->group);
    memory_free(s->room);
    memory_free(s->shift_where);
    memory_free(s->possible);
    memory_free(s);
}

static void task_sweep(void *context, int64_t task, int worker) {
    SweepTypes *s = context;
    int64_t end = (task + 1) * s->n_block_task;
    if (end > s->lattice->n_block) end = s->lattice->n_block;
    double worst = 0;
    for (int64_t b = task * s->n_block_task; b < end; b++) {
        double w = s->kernel->sweep(&s->job, b, s->room + worker * s->room_stride);
        worst = w > worst ? w : worst;
    }
    s->worst[task] = worst;
}

static double largest(const double *x, int64_t n) {
    double most = 0;
    for (int64_t i = 0; i < n; i++) most = x[i] > most ? x[i] : most;
    return most;
}

void sweep_types_whole_steps(SweepTypes *s, bool whole) { s->whole_steps = whole; }

DurStatus sweep_types_pace(SweepTypes *s) {
    int64_t n = s->lattice->n_state;
    s->pace = memory_floats(n);
    s->agrees = memory_zeroed((size_t)n, sizeof *s->agrees);
    s->before = memory_zeroed((size_t)(s->n_row * n + s->n_shift), sizeof *s->before);
    if (!s->pace || !s->agrees || !s->before) return DUR_MEMORY;
    sweep_types_pace_most(s, 1);
    return DUR_OK;
}

// columns of habits
static int64_t habits_of(const Model *m) {
    int64_t n = 0;
    for (int32_t j = 0; j < m->n_jump; j++)
        if (m->jump[j].kind == JUMP_MOVE) n += model_types(m, m->jump[j].actor);
    return n;
}

DurStatus sweep_types_habits(SweepTypes *s) {
    int64_t n = s->lattice->n_state, n_habit = habits_of(s->lattice->model) * n;
    s->pace = memory_floats(n);
    s->agrees = memory_zeroed((size_t)n, sizeof *s->agrees);
    s->before = memory_zeroed((size_t)n_habit, sizeof *s->before);
    s->habit = memory_zeroed((size_t)n_habit, sizeof *s->habit);
    if (!s->pace || !s->agrees || !s->before || !s->habit) return DUR_MEMORY;
    s->whole_steps = true;
    sweep_types_pace_most(s, 1);
    return DUR_OK;
}

double sweep_types_habits_bytes(const Lattice *l) { return (8.0 + 12.0 * (double)habits_of(l->model)) * (double)l->n_state; }

void sweep_types_pace_most(SweepTypes *s, float most) {
    s->pace_most = most;
    for (int64_t i = 0; i < s->lattice->n_state; i++) s->pace[i] = most;
}

void sweep_types_take_up(SweepTypes *s, double precision_scale, double *value) {
    s->takes_up = true;
    sweep_types_within(s, precision_scale, NULL, value, NULL);
    s->takes_up = false;
}

static TypesJob job_of(const SweepTypes *s, double precision_scale, const double *value) {
    return (TypesJob){.lattice = s->lattice, .rule = s->rule, .possible = s->possible, .shift_where = s->shift_where,
                      .n_row = s->n_row, .n_move = s->n_move, .whole_steps = s->whole_steps,
                      .pace = s->pace, .agrees = s->agrees, .before = s->before, .pace_most = s->pace_most, .habit = s->habit,
                      .takes_up = s->takes_up, .precision_scale = precision_scale, .value = value};
}

double sweep_types_residual(SweepTypes *s, double precision_scale, const double *value, double *room) {
    int64_t n = s->lattice->n_state;
    s->job = job_of(s, precision_scale, value);
    s->job.next = room;
    s->job.next_stride = n;
    s->job.next_shift = room + s->n_row * n;
    team_run(s->team, task_sweep, s, s->n_task);
    return largest(s->worst, s->n_task);
}

// blocks of one task, of a group that has so many
static int64_t blocks_of_task(const SweepTypes *s, int64_t n) {
    int64_t few = (n + TASKS_FEW - 1) / TASKS_FEW;
    return few < s->n_block_task ? few : s->n_block_task;
}

// which blocks are swept, and in which stages
static void order_blocks(SweepTypes *s, const bool *where) {
    int64_t n = 0, n_task = 0, n_block = s->lattice->n_block;
    s->n_group = 0;
    for (int64_t from = 0; from < n_block; from += s->n_block_group) {
        int64_t to = from + s->n_block_group < n_block ? from + s->n_block_group : n_block, before = n;
        for (int64_t b = from; b < to; b++)
            if (!where || where[b]) s->swept[n++] = b;
        if (n == before) continue;
        int64_t each = blocks_of_task(s, n - before), tasks = (n - before + each - 1) / each;
        s->first[s->n_group] = before;
        s->stage[2 * s->n_group] = n_task;
        s->stage[2 * s->n_group + 1] = n_task + tasks;
        n_task += 2 * tasks;
        s->n_group++;
    }
    s->first[s->n_group] = n;
    s->stage[2 * s->n_group] = n_task;
}

void sweep_types_heed(SweepTypes *s, const Progress *progress) {
    s->asking.progress = progress;
    atomic_store(&s->asking.stopped, false);
}

static void task_within(void *context, int64_t task, int worker) {
    SweepTypes *s = context;
    if (asking_stopped(&s->asking, worker)) return;
    const Lattice *l = s->lattice;
    int64_t stage = team_stage(2 * s->n_group, s->stage, task), n = l->n_lane;
    const int64_t *first = s->first + stage / 2;
    int64_t each = blocks_of_task(s, first[1] - first[0]), from = first[0] + (task - s->stage[stage]) * each;
    int64_t end = from + each < first[1] ? from + each : first[1];
    int64_t group = s->swept[from] / s->n_block_group * s->n_block_group, stride = s->n_block_group * n;
    bool is_back = stage % 2;
    TypesJob job = s->job;
    job.next_first = group * n;
    job.next_stride = stride;
    double worst = 0;
    for (int64_t i = from; i < end; i++) {
        int64_t b = s->swept[i];
        if (is_back) {
            double *to = job.next_shift - s->n_row * l->n_state + b * n;
            for (int64_t k = 0; k < s->n_row; k++) memcpy(to + k * l->n_state, s->group + k * stride + (b - group) * n, (size_t)n * sizeof *to);
            continue;
        }
        double w = s->kernel->sweep(&job, b, s->room + worker * s->room_stride);
        worst = w > worst ? w : worst;
        if (s->missed) s->missed[b] = (float)w;
    }
    s->worst[task] = worst;
}

double sweep_types_within(SweepTypes *s, double precision_scale, const bool *where, double *value, float *missed) {
    // a state's shifts are read in that state alone, so they may be written at once; where no move is open they stay 0
    order_blocks(s, where);
    s->missed = missed;
    s->job = job_of(s, precision_scale, value);
    s->job.next = s->group;
    s->job.next_shift = value + s->n_row * s->lattice->n_state;
    int64_t n_task = s->stage[2 * s->n_group];
    team_run_stages(s->team, task_within, s, 2 * s->n_group, s->stage);
    s->missed = NULL;
    return largest(s->worst, n_task);
}

double sweep_types_run(SweepTypes *s, double precision_scale, const double *value, double *next) {
    memcpy(next, value, (size_t)(s->n_row * s->lattice->n_state + s->n_shift) * sizeof *next);
    return sweep_types_within(s, precision_scale, NULL, next, NULL);
}

static void task_fill(void *context, int64_t task, int worker) {
    SweepTypes *s = context;
    int64_t end = (task + 1) * s->n_block_task;
    if (end > s->lattice->n_block) end = s->lattice->n_block;
    for (int64_t b = task * s->n_block_task; b < end; b++)
        s->kernel->fill(&s->job, b, s->room + worker * s->room_stride);
}

void sweep_types_fill_policy(SweepTypes *s, Policy *policy) {
    s->job = job_of(s, 1.0, policy->value);
    s->job.rule = policy->rule.actor >= 0 ? &policy->rule : NULL;
    s->job.policy = policy;
    team_run(s->team, task_fill, s, s->n_task);
}
