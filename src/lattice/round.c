#include "lattice/round.h"

#include "base/memory.h"
#include "lattice/kernel_body.h"
#include "lattice/round_kernel.h"
#include "num/isa.h"

#include <stdatomic.h>
#include <string.h>

/// Blocks of one task hold about this many states.
#define TASK_STATES 4096

/// What converting a date or a duration to rounds may round away, in rounds.
#define SNAP 1e-6

int64_t rounds_from(double t)  { return t <= SNAP ? 0 : (int64_t)ceil(t - SNAP); }
int64_t rounds_until(double t) { return (int64_t)floor(t + SNAP); }
int64_t rounds_in(double from, double to) {
    int64_t n = rounds_until(to) - rounds_from(from);
    return n > 0 ? n : 1;
}

// ---- stages -------------------------------------------------------------------------------------------------------

static bool has_moves(const Model *m, int32_t actor) {
    for (int32_t j = 0; j < m->n_jump; j++)
        if (m->jump[j].kind == JUMP_MOVE && m->jump[j].actor == actor) return true;
    return false;
}

int32_t round_stages(const Model *m) {
    int32_t n = 0;
    for (int32_t k = 0; k < m->n_order; k++) n += has_moves(m, m->order[k]);
    return n > 0 ? n : 1;
}

int32_t round_stage_actors(const Model *m, int32_t stage, int32_t actor[ROUND_ACTORS_MAX]) {
    int32_t n = 0;
    for (int32_t k = 0; k < m->n_order; k++)
        if (has_moves(m, m->order[k]) && n++ == stage) { actor[0] = m->order[k]; return 1; }
    n = 0;
    for (int32_t a = 0; m->n_order == 0 && a < m->n_actor; a++)
        if (has_moves(m, a) && n < ROUND_ACTORS_MAX) actor[n++] = a;
    return n;
}

int32_t round_stage_of(const Model *m, int32_t actor) {
    for (int32_t k = 0; k < round_stages(m); k++) {
        int32_t who[ROUND_ACTORS_MAX], n = round_stage_actors(m, k, who);
        for (int32_t i = 0; i < n; i++)
            if (who[i] == actor) return k;
    }
    return 0;
}

DurStatus round_check(const Lattice *l, DurError *error) {
    const Model *m = l->model;
    int32_t n_acting = 0, actor[ROUND_ACTORS_MAX];
    for (int32_t a = 0; a < m->n_actor; a++) n_acting += has_moves(m, a);
    if (m->n_order == 0 && n_acting > ROUND_ACTORS_MAX)
        return status_fail(error, DUR_LIMIT, "%d actors choose at once; the limit is %d, or say in which `order`", n_acting,
                           ROUND_ACTORS_MAX);
    if (m->n_order > 0) return DUR_OK;
    n_acting = round_stage_actors(m, 0, actor);
    for (int64_t s = 0; s < l->n_mode_state; s++) {
        double n_joint = 1;
        for (int32_t k = 0; k < n_acting; k++) {
            int32_t n_option = 1;
            for (int32_t j = 0; j < m->n_jump; j++)
                n_option += m->jump[j].kind == JUMP_MOVE && m->jump[j].actor == actor[k] && policy_is_possible(l, j, s);
            n_joint *= n_option;
        }
        if (n_joint > (double)ROUND_JOINT_MAX)
            return status_fail(error, DUR_LIMIT, "%.3g joint choices are open at once in one state; the limit is %.3g: "
                               "guards, or an `order`, make them fewer", n_joint, (double)ROUND_JOINT_MAX);
    }
    return DUR_OK;
}

double round_rounding(const Lattice *l) {
    // each value is a sum of products whose weights add up to 1: an addition for each joint choice and corner, and a few factors
    const Model *m = l->model;
    int32_t actor[ROUND_ACTORS_MAX];
    double n_sum = 64 + 8.0 * m->n_jump + 16.0 * m->n_stock + (l->change.n_branch ? ldexp(1, l->change.branch->n_shift) : 0);
    for (int32_t k = 0; k < round_stages(m); k++) {
        double n_joint = 1;
        int32_t n = round_stage_actors(m, k, actor);
        for (int32_t i = 0; i < n; i++) {
            int32_t n_corner = 1;
            for (int32_t j = 0; j < m->n_jump; j++)
                if (m->jump[j].kind == JUMP_MOVE && m->jump[j].actor == actor[i])
                    n_corner += l->jump[j].n_branch << (m->jump[j].n_effect < 16 ? m->jump[j].n_effect : 16);
            n_joint *= n_corner;
        }
        n_sum += n_joint;
    }
    return n_sum * 0x1p-53;
}

// ---- joint choices ------------------------------------------------------------------------------------------------

static uint64_t writes_of(const Model *m, int32_t actor) {
    uint64_t mask = 0;
    for (int32_t j = 0; j < m->n_jump; j++)
        for (int32_t k = 0; m->jump[j].kind == JUMP_MOVE && m->jump[j].actor == actor && k < m->jump[j].n_effect; k++)
            mask |= (uint64_t)1 << m->jump[j].effect[k].to;
    return mask;
}

// what decides where a move of this actor leads to
static uint64_t reads_of(const Lattice *l, int32_t actor) {
    const Model *m = l->model;
    uint64_t mask = 0;
    for (int32_t j = 0; j < m->n_jump; j++) {
        if (m->jump[j].kind != JUMP_MOVE || m->jump[j].actor != actor) continue;
        for (int32_t b = 0; b < l->jump[j].n_branch; b++)
            for (int32_t k = 0; k < l->jump[j].branch[b].n_shift; k++) mask |= l->jump[j].branch[b].shift[k].move.reads;
    }
    return mask;
}

// room for n entries of two columns that go together
static bool grow(int64_t **a, double **b, int64_t *room, int64_t n) {
    if (n <= *room) return true;
    int64_t more = n > 2 * *room ? n : 2 * *room;
    int64_t *x = memory_resize(*a, (size_t)more * sizeof *x);
    if (x) *a = x;
    double *y = memory_resize(*b, (size_t)more * sizeof *y);
    if (y) *b = y;
    if (!x || !y) return false;
    *room = more;
    return true;
}

void round_joint_free(RoundJoint *j) {
    memory_free(j->target_weight);
    memory_free(j->target);
    memory_free(j->old_weight);
    memory_free(j->old_shift);
    memory_free(j->old_corner);
    memory_free(j->weight);
    memory_free(j->shift);
    memory_free(j->corner);
    memory_free(j->move);
    memory_free(j->possible);
    *j = (RoundJoint){0};
}

DurStatus round_joint_make(RoundJoint *j, const Lattice *l, int32_t stage, const LatticeRule *rule) {
    const Model *m = l->model;
    *j = (RoundJoint){.lattice = l, .rule = rule && rule->actor >= 0 ? rule : NULL, .all_of = -1};
    j->n_actor = round_stage_actors(m, stage, j->actor);
    uint64_t written = 0;
    for (int32_t k = 0; k < j->n_actor; k++) {
        j->depends[k] = (reads_of(l, j->actor[k]) & written) != 0;
        written |= writes_of(m, j->actor[k]);
    }
    j->possible = memory_zeroed((size_t)m->n_jump * (size_t)l->n_mode_state, sizeof *j->possible);
    j->move = memory_zeroed((size_t)m->n_jump, sizeof *j->move);
    j->corner = memory_alloc(2 * sizeof *j->corner);
    j->old_corner = memory_alloc(2 * sizeof *j->old_corner);
    j->joint_room = j->old_joint_room = 2;
    bool made = j->possible && j->move && j->corner && j->old_corner && grow(&j->shift, &j->weight, &j->corner_room, 1) &&
                grow(&j->old_shift, &j->old_weight, &j->old_corner_room, 1);
    if (!made) {
        round_joint_free(j);
        return DUR_MEMORY;
    }
    for (int32_t k = 0; k < m->n_jump; k++)
        for (int64_t s = 0; m->jump[k].kind == JUMP_MOVE && s < l->n_mode_state; s++)
            j->possible[k * l->n_mode_state + s] = policy_is_possible(l, k, s);
    return DUR_OK;
}

// where a move leads to from a block, behind the n targets that there are; no table of a move's effects has a lane here.
// Returns how many there are then, or -1 when memory is out.
static int32_t targets(RoundJoint *joint, int32_t n, int32_t jump, const LatticeBlock *view) {
    const Lattice *l = joint->lattice;
    const LatticeJump *j = &l->jump[jump];
    for (int32_t b = 0; b < j->n_branch; b++) {
        int32_t first = n;
        if (!grow(&joint->target, &joint->target_weight, &joint->target_room, n + 1)) return -1;
        joint->target[n] = 0;
        joint->target_weight[n++] = j->branch[b].weight;
        for (int32_t k = 0; k < j->branch[b].n_shift; k++) {
            const LatticeShift *s = &j->branch[b].shift[k];
            int64_t move = (int64_t)*lattice_row(l, &s->move, view);
            double up = s->has_split ? *lattice_row(l, &s->up, view) : 0.0;
            int32_t end = n;
            if (up != 0.0 && !grow(&joint->target, &joint->target_weight, &joint->target_room, 2 * n)) return -1;
            for (int32_t i = first; i < end; i++) {
                joint->target[i] += move;
                if (up == 0.0) continue;
                joint->target[n] = joint->target[i] + l->stride[s->variable];
                joint->target_weight[n++] = joint->target_weight[i] * up;
                joint->target_weight[i] *= 1.0 - up;
            }
        }
    }
    return n;
}

#define SWAP(type, a, b) do { type swap_ = a; a = b; b = swap_; } while (0)

// every joint choice so far, times every option of one more actor
static bool extend(RoundJoint *j, int32_t k, const LatticeBlock *view) {
    const Lattice *l = j->lattice;
    int32_t n_option = j->n_option[k];
    const int32_t *move = j->move + j->first[k] - 1;   // option a >= 1 is move[a]
    SWAP(int64_t *, j->corner, j->old_corner);
    SWAP(int64_t *, j->shift, j->old_shift);
    SWAP(double *, j->weight, j->old_weight);
    SWAP(int64_t, j->joint_room, j->old_joint_room);
    SWAP(int64_t, j->corner_room, j->old_corner_room);
    int64_t n_old = j->n_joint, n = 0;
    j->n_joint = n_old * n_option;
    if (j->n_joint + 1 > j->joint_room) {
        int64_t *corner = memory_resize(j->corner, (size_t)(2 * j->n_joint + 1) * sizeof *corner);
        if (!corner) return false;
        j->corner = corner;
        j->joint_room = 2 * j->n_joint + 1;
    }
    // where nothing earlier matters a move's targets are the same for all
    int32_t n_target = 0, end[MODEL_MOVES_MAX + 1] = {0};
    for (int32_t a = 1; a < n_option && !j->depends[k]; a++) {
        end[a] = n_target = targets(j, n_target, move[a], view);
        if (n_target < 0) return false;
    }
    for (int64_t c = 0; c < n_old; c++)
        for (int32_t a = 0; a < n_option; a++) {
            j->corner[c * n_option + a] = n;
            for (int64_t i = j->old_corner[c]; i < j->old_corner[c + 1]; i++) {
                if (a == 0) {
                    if (!grow(&j->shift, &j->weight, &j->corner_room, n + 1)) return false;
                    j->shift[n] = j->old_shift[i];
                    j->weight[n++] = j->old_weight[i];
                    continue;
                }
                int32_t from = end[a - 1], to = end[a];
                if (j->depends[k]) {
                    LatticeBlock there;
                    lattice_block(l, view->block + j->old_shift[i] / l->n_lane, &there);
                    from = 0;
                    to = targets(j, 0, move[a], &there);
                    if (to < 0) return false;
                }
                if (!grow(&j->shift, &j->weight, &j->corner_room, n + to - from)) return false;
                for (int32_t t = from; t < to; t++) {
                    j->shift[n] = j->old_shift[i] + j->target[t];
                    j->weight[n++] = j->old_weight[i] * j->target_weight[t];
                }
            }
        }
    j->corner[j->n_joint] = n;
    return true;
}

bool round_joint_at(RoundJoint *j, const LatticeBlock *view) {
    const Lattice *l = j->lattice;
    const Model *m = l->model;
    int64_t mode_state = view->first / l->n_stock_state;
    // the moves that can be made in this block
    j->n_move = 0;
    for (int32_t k = 0; k < j->n_actor; k++) {
        j->first[k] = j->n_move;
        for (int32_t jump = 0; jump < m->n_jump; jump++) {
            if (m->jump[jump].kind != JUMP_MOVE || m->jump[jump].actor != j->actor[k]) continue;
            if (!j->possible[jump * l->n_mode_state + mode_state]) continue;
            if (j->all_of == j->actor[k]) { j->move[j->n_move++] = jump; continue; }
            if (j->rule && j->rule->actor == j->actor[k] && j->rule->never[jump]) continue;
            if (row_is_zero(row_of(l, &l->jump[jump].when, view))) continue;
            j->move[j->n_move++] = jump;
        }
        j->n_option[k] = 1 + j->n_move - j->first[k];
    }
    // from nobody's choice to everybody's, one actor after the other
    j->n_joint = 1;
    j->corner[0] = 0;
    j->corner[1] = 1;
    j->shift[0] = 0;
    j->weight[0] = 1.0;
    for (int32_t k = 0; k < j->n_actor; k++)
        if (j->n_option[k] > 1 && !extend(j, k, view)) return false;
    return true;
}

// ---- operators ----------------------------------------------------------------------------------------------------

typedef struct Work {
    const Lattice *lattice;
    const Policy *policy;
    RoundJoint *joint;           // [n_worker]
    int32_t hold_actor, hold_jump;
    RoundCount count;
    const RoundKernel *kernel;
    int32_t jump;                // the event at hand
    double factor;
    const double *x;
    double *y, *room;            // room: room_stride doubles for each worker
    int64_t room_stride, n_block_task;
    _Atomic bool failed;
} Work;

static void run(Work *w, TeamTask task, Team *team) {
    w->n_block_task = TASK_STATES / w->lattice->n_lane > 0 ? TASK_STATES / w->lattice->n_lane : 1;
    team_run(team, task, w, (w->lattice->n_block + w->n_block_task - 1) / w->n_block_task);
}

// what one choice of a move counts for
static void add_count(const Work *w, const LatticeBlock *view, int32_t jump, const double *DUR_RESTRICT chance,
                      double *DUR_RESTRICT acc) {
    const Lattice *l = w->lattice;
    const ModelJump *mj = &l->model->jump[jump];
    int64_t n = l->n_lane;
    for (int32_t k = 0; w->count.actor >= 0 && k < mj->n_lump; k++) {
        if (mj->lump[k].actor != w->count.actor) continue;
        Row lump = row_of(l, &l->jump[jump].lump[k], view);
        for (int64_t i = 0; i < n; i++) acc[i] += chance[i] * (lump.lane ? lump.lane[i] : lump.one);
    }
    if (w->count.jump == jump) for (int64_t i = 0; i < n; i++) acc[i] += chance[i];
}

// rows: one for each option of each actor, then acc, product
static bool choices_block(Work *w, int64_t block, RoundJoint *j, double *room) {
    const Lattice *l = w->lattice;
    const Policy *p = w->policy;
    int64_t n = l->n_lane;
    LatticeBlock view;
    lattice_block(l, block, &view);
    if (!round_joint_at(j, &view)) return false;
    double *chance[ROUND_ACTORS_MAX], *next = room;
    int64_t mode_state = view.first / l->n_stock_state, stock_state = view.first % l->n_stock_state;
    for (int32_t k = 0; k < j->n_actor; k++) {
        int32_t n_option = j->n_option[k];
        chance[k] = next;
        next += n_option * n;
        double *DUR_RESTRICT wait = chance[k];
        for (int64_t i = 0; i < n; i++) wait[i] = 1.0;
        bool held = w->hold_actor == j->actor[k];
        Row attends = row_of(l, &l->actor[j->actor[k]].attends, &view);
        for (int32_t a = 1; a < n_option; a++) {
            int32_t jump = j->move[j->first[k] + a - 1];
            const double *DUR_RESTRICT from = p->probability + p->where[jump * l->n_mode_state + mode_state] + stock_state;
            double *DUR_RESTRICT to = chance[k] + a * n;
            if (held) for (int64_t i = 0; i < n; i++) to[i] = jump == w->hold_jump;
            else      for (int64_t i = 0; i < n; i++) to[i] = (attends.lane ? attends.lane[i] : attends.one) * from[i];
            for (int64_t i = 0; i < n; i++) wait[i] -= to[i];
        }
        for (int64_t i = 0; i < n; i++) wait[i] = wait[i] > 0 ? wait[i] : 0.0;
    }
    double *DUR_RESTRICT acc = next, *DUR_RESTRICT product = next + n;
    for (int64_t i = 0; i < n; i++) acc[i] = 0.0;
    for (int32_t k = 0; k < j->n_actor; k++)
        for (int32_t a = 1; a < j->n_option[k]; a++)
            add_count(w, &view, j->move[j->first[k] + a - 1], chance[k] + a * n, acc);
    for (int64_t c = 0; c < j->n_joint; c++) {
        int64_t rest = c;
        bool is_held = true;
        for (int64_t i = 0; i < n; i++) product[i] = 1.0;
        for (int32_t k = j->n_actor - 1; k >= 0; k--) {
            int32_t a = (int32_t)(rest % j->n_option[k]);
            rest /= j->n_option[k];
            const double *DUR_RESTRICT from = chance[k] + a * n;
            if (w->hold_actor == j->actor[k] && from[0] == 0.0) is_held = false;
            for (int64_t i = 0; i < n; i++) product[i] *= from[i];
        }
        if (!is_held) continue;
        for (int64_t q = j->corner[c]; q < j->corner[c + 1]; q++) {
            const double *DUR_RESTRICT x = w->x + view.first + j->shift[q];
            double weight = j->weight[q];
            for (int64_t i = 0; i < n; i++) acc[i] += product[i] * (weight * x[i]);
        }
    }
    for (int64_t i = 0; i < n; i++) w->y[view.first + i] = acc[i];
    return true;
}

static void choices_task(void *context, int64_t task, int worker) {
    Work *w = context;
    int64_t end = (task + 1) * w->n_block_task;
    for (int64_t b = task * w->n_block_task; b < end && b < w->lattice->n_block; b++)
        if (!choices_block(w, b, &w->joint[worker], w->room + worker * w->room_stride)) atomic_store(&w->failed, true);
}

DurStatus round_choices(const Policy *policy, int32_t stage, int32_t hold_actor, int32_t hold_jump, RoundCount count,
                        const double *x, double *y, Team *team) {
    const Lattice *l = policy->lattice;
    Work w = {.lattice = l, .policy = policy, .hold_actor = hold_actor, .hold_jump = hold_jump, .count = count, .x = x, .y = y};
    int n_worker = team_size(team);
    DurStatus status = DUR_MEMORY;
    w.room_stride = ((int64_t)(l->model->n_jump + ROUND_ACTORS_MAX + 2) * l->n_lane + 15) / 8 * 8;
    w.joint = memory_zeroed((size_t)n_worker, sizeof *w.joint);
    w.room = memory_column(w.room_stride * n_worker);
    if (w.joint && w.room) status = DUR_OK;
    for (int i = 0; i < n_worker && status == DUR_OK; i++) status = round_joint_make(&w.joint[i], l, stage, &policy->rule);
    for (int i = 0; w.joint && i < n_worker; i++) w.joint[i].all_of = hold_actor;
    if (status == DUR_OK) run(&w, choices_task, team);
    if (atomic_load(&w.failed)) status = DUR_MEMORY;
    for (int i = 0; w.joint && i < n_worker; i++) round_joint_free(&w.joint[i]);
    memory_free(w.room);
    memory_free(w.joint);
    return status;
}

static void change_task(void *context, int64_t task, int worker) {
    Work *w = context;
    const Lattice *l = w->lattice;
    int64_t end = (task + 1) * w->n_block_task, n = l->n_lane;
    for (int64_t b = task * w->n_block_task; b < end && b < l->n_block; b++) {
        LatticeBlock view;
        lattice_block(l, b, &view);
        double *DUR_RESTRICT out = w->y + view.first;
        if (l->change.n_branch > 0) w->kernel->change(l, &view, w->factor, w->x, out, w->room + worker * w->room_stride);
        else for (int64_t i = 0; i < n; i++) out[i] = w->factor * w->x[view.first + i];
    }
}

static void event_task(void *context, int64_t task, int worker) {
    Work *w = context;
    const Lattice *l = w->lattice;
    int64_t end = (task + 1) * w->n_block_task, n = l->n_lane;
    double *mean = w->room + worker * w->room_stride;
    for (int64_t b = task * w->n_block_task; b < end && b < l->n_block; b++) {
        LatticeBlock view;
        lattice_block(l, b, &view);
        double *DUR_RESTRICT out = w->y + view.first;
        const double *DUR_RESTRICT here = w->x + view.first;
        Row chance = row_of(l, &l->jump[w->jump].rate, &view);
        if (row_is_zero(chance)) {
            for (int64_t i = 0; i < n; i++) out[i] = here[i];
            continue;
        }
        jump_mean(l, &l->jump[w->jump], &view, w->x, mean);
        for (int64_t i = 0; i < n; i++) {
            double p = chance.lane ? chance.lane[i] : chance.one;
            out[i] = p == 0.0 ? here[i] : (1.0 - p) * here[i] + p * mean[i];
            mean[i] = p;
        }
        add_count(w, &view, w->jump, mean, out);
    }
}

DurStatus round_after(const Lattice *l, RoundCount count, double factor, const double *x, double *y, double *room,
                      Team *team) {
    const Model *m = l->model;
    Work w = {.lattice = l, .count = count, .factor = factor, .hold_actor = -1};
    w.kernel = ISA_KERNEL(round_kernel);
    w.room_stride = ROUND_CHANGE_ROWS * ((l->n_lane + 15) / 8 * 8);
    w.room = memory_column(w.room_stride * team_size(team));
    if (!w.room) return DUR_MEMORY;
    // the last to happen is the first to be undone; the result is to end up in y
    int32_t n_event = 0;
    for (int32_t j = 0; j < m->n_jump; j++) n_event += m->jump[j].kind == JUMP_EVENT;
    double *here = n_event % 2 ? room : y, *there = n_event % 2 ? y : room;
    w.x = x;
    w.y = here;
    run(&w, change_task, team);
    for (int32_t j = m->n_jump - 1; j >= 0; j--) {
        if (m->jump[j].kind != JUMP_EVENT) continue;
        w.jump = j;
        w.x = here;
        w.y = there;
        run(&w, event_task, team);
        SWAP(double *, here, there);
    }
    memory_free(w.room);
    return DUR_OK;
}

DurStatus round_apply(const Policy *p, const double *x, double *y, double *room, Team *team) {
    static const RoundCount none = {-1, -1};
    int32_t n_stage = round_stages(p->lattice->model);
    // stages turn the result over between two columns; it is to end up in y
    double *here = n_stage % 2 ? room : y, *there = n_stage % 2 ? y : room;
    TRY(round_after(p->lattice, none, 1.0, x, here, there, team));
    for (int32_t k = n_stage - 1; k >= 0; k--) {
        TRY(round_choices(p, k, -1, -1, none, here, there, team));
        SWAP(double *, here, there);
    }
    return DUR_OK;
}
