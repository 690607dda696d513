#include "game/adjoint_rounds.h"

#include "base/asking.h"
#include "base/memory.h"
#include "game/measure.h"
#include "game/rounds_system.h"
#include "num/gmres_double.h"
#include "num/linear.h"

#include <math.h>
#include <stdatomic.h>
#include <string.h>

/// Adjoint systems are solved this far, relative to their right side; one that is missed by more than SETTLED is not solved.
#define TOLERANCE 1e-11
#define SETTLED 1e-6
/// Applications of one solve at most, and columns between its restarts.
#define APPLIES_MOST 4000
#define KEEP 40

typedef struct System {
    const Policy *policy;
    RoundsSystem rounds;         // at the solution, with its derivative
    const Measure *point;
    int32_t n_target;
    AdjointTarget *target;
    double *value;               // [n_target x n_value] multipliers of values
    double *entry;               // [n_target x n_entry] and of advantages: what they are before values answer, then the whole
    atomic_int status, n_done;
    Asking asking;
} System;

double adjoint_rounds_bytes(const Policy *p, int32_t n_target, int n_thread) {
    const Lattice *l = p->lattice;
    double n_value = (double)l->model->n_actor * (double)l->n_state, n_entry = (double)p->n_entry;
    double solver = 8.0 * (n_value * (KEEP + 2 + 4) + n_entry + (double)l->n_state);
    double side = rounds_system_bytes(l) + (double)l->n_byte;
    return rounds_system_bytes(l) + 8.0 * (n_target * (n_value + n_entry) + n_value + 2 * n_entry) +
           n_thread * (solver > side ? solver : side);
}

static void fail(System *s, DurStatus status) {
    int none = DUR_OK;
    atomic_compare_exchange_strong(&s->status, &none, (int)status);
}

// ---- the point ----------------------------------------------------------------------------------------------------

// a system at the values and advantages of a policy on a lattice of the same shape, choices and worths with them
static DurStatus open_at(RoundsSystem *s, const Lattice *l, const Policy *from, Team *team, DurError *error) {
    TRY(rounds_system_make(s, l, NULL, team, error));
    memcpy(s->policy->value, from->value, (size_t)s->n_value * sizeof *from->value);
    for (int64_t k = 0; k < l->model->n_jump * l->n_mode_state; k++) {
        int64_t to = s->policy->where[k], at = from->where[k];
        if (to >= 0 && at >= 0)
            memcpy(s->policy->advantage + to, from->advantage + at, (size_t)l->n_stock_state * sizeof *from->advantage);
    }
    s->scale = 1;
    DurStatus status = rounds_choose(s);
    if (status == DUR_OK) status = rounds_evaluate(s);
    if (status != DUR_OK) rounds_system_free(s);
    return status;
}

// dq/dA of a target's probability at one node around the state: dP_a = mu P_a (dA_a - sum of P_c dA_c)
static double slope_of(const Policy *p, const AdjointTarget *t, int32_t move, int64_t state) {
    const Lattice *l = p->lattice;
    int32_t at[MODEL_VARIABLES_MAX];
    lattice_nodes(l, state, at);
    double mu = lattice_table_at(l, lattice_precision(l, t->actor, 0), at);
    return mu * policy_probability(p, t->jump, state) * ((move == t->jump) - policy_probability(p, move, state));
}

// What a probability asks of advantages, all answers to one another in the same round counted. A unit put in at one move in all
// nodes around the state comes out, at each of them, as one column of the inverse of what is local there.
static DurStatus put_targets(System *s) {
    RoundsSystem *r = &s->rounds;
    const Policy *p = r->policy;
    const Model *m = p->lattice->model;
    int64_t n_entry = p->n_entry;
    double *source = memory_column(n_entry), *answer = memory_column(n_entry), *worth = memory_column(r->n_value);
    DurStatus status = source && answer && worth ? DUR_OK : DUR_MEMORY;
    bool is_asked = false;
    for (int32_t t = 0; t < s->n_target; t++) is_asked |= s->target[t].jump >= 0;
    for (int32_t e = 0; e < m->n_jump && status == DUR_OK && is_asked; e++) {
        if (m->jump[e].kind != JUMP_MOVE || policy_entry(p, e, 0, s->point->state[0]) < 0) continue;
        memset(source, 0, (size_t)n_entry * sizeof *source);
        memset(answer, 0, (size_t)n_entry * sizeof *answer);
        for (int32_t k = 0; k < s->point->n; k++) source[policy_entry(p, e, 0, s->point->state[k])] = 1;
        status = rounds_carry(r, NULL, source, NULL, worth, answer);
        for (int32_t t = 0; t < s->n_target && status == DUR_OK; t++) {
            const AdjointTarget *target = &s->target[t];
            // what a later stage's move does to an earlier one is had by carrying
            bool is_local = target->jump >= 0 && round_stage_of(m, target->actor) == round_stage_of(m, m->jump[e].actor);
            for (int32_t k = 0; k < s->point->n && is_local; k++) {
                int64_t state = s->point->state[k];
                double sum = 0;
                for (int32_t f = 0; f < m->n_jump; f++) {
                    int64_t at = model_is_move_of(m, f, target->actor) ? policy_entry(p, f, 0, state) : -1;
                    if (at >= 0) sum += answer[at] * slope_of(p, target, f, state);
                }
                s->entry[t * n_entry + policy_entry(p, e, 0, state)] += s->point->weight[k] * sum;
            }
        }
    }
    memory_free(worth);
    memory_free(answer);
    memory_free(source);
    return status;
}

// ---- the transposed system ----------------------------------------------------------------------------------------

/// One target's system, on one thread.
typedef struct Solver {
    System *system;
    RoundTurn turn;
    double *y, *x;               // [n_value]
    double *put, *room;          // [n_entry], [n_state]
    int     worker;
} Solver;

// multipliers of a stage's advantages: what is put in, and what the worth of the stage to everyone asks
static void weigh(Solver *v, int32_t n_actor, const int32_t *actor, const double *source) {
    const RoundsSystem *s = &v->system->rounds;
    const Lattice *l = s->lattice;
    const Model *m = l->model;
    for (int32_t j = 0; j < m->n_jump; j++)
        for (int32_t q = 0; q < n_actor; q++)
            for (int64_t mode = 0; mode < l->n_mode_state && model_is_move_of(m, j, actor[q]); mode++) {
                int64_t at = s->policy->where[j * l->n_mode_state + mode];
                if (at < 0) continue;
                double *to = v->put + at;
                for (int64_t k = 0; k < l->n_stock_state; k++) to[k] = source ? source[at + k] : 0.0;
                for (int32_t i = 0; i < m->n_actor; i++) {
                    const double *gain = s->gain + i * s->policy->n_entry + at, *y = v->y + i * l->n_state + mode * l->n_stock_state;
                    for (int64_t k = 0; k < l->n_stock_state; k++) to[k] += gain[k] * y[k];
                }
            }
}

// out = K' y, K one round as rounds_carry has it; `source` put in at advantages beside (NULL: nothing). y NULL: 0.
// `entry`, if it is given, becomes the multipliers of advantages; it may be the source.
static DurStatus carry_back(Solver *v, const double *y, const double *source, double *entry, double *out) {
    const RoundsSystem *s = &v->system->rounds;
    const Lattice *l = s->lattice;
    int64_t n = l->n_state;
    size_t n_byte = (size_t)s->n_value * sizeof *v->y;
    if (y) memcpy(v->y, y, n_byte);
    else memset(v->y, 0, n_byte);
    for (int32_t k = 0; k < s->n_stage; k++) {
        int32_t actor[ROUND_ACTORS_MAX], n_actor = round_stage_actors(l->model, k, actor);
        weigh(v, n_actor, actor, source);
        for (int32_t i = 0; i < l->model->n_actor; i++) {
            bool chooses = false;
            for (int32_t q = 0; q < n_actor; q++) chooses |= actor[q] == i;
            TRY(round_turn_choices(&v->turn, k, chooses ? i : -1, chooses ? v->put : NULL, v->y + i * n, v->x + i * n));
        }
        double *swap = v->y;
        v->y = v->x;
        v->x = swap;
    }
    if (entry) memcpy(entry, v->put, (size_t)s->policy->n_entry * sizeof *entry);
    for (int32_t i = 0; i < l->model->n_actor; i++) {
        round_turn_after(&v->turn, v->y + i * n, out + i * n, v->room);
        for (int64_t k = 0; k < n; k++) out[i * n + k] *= l->actor[i].beta;
    }
    return DUR_OK;
}

static DurStatus apply(void *context, const double *x, double *y) {
    Solver *v = context;
    System *s = v->system;
    if (asking_stopped(&s->asking, v->worker)) return DUR_INTERRUPTED;
    TRY(carry_back(v, x, NULL, NULL, y));
    for (int64_t i = 0; i < s->rounds.n_value; i++) y[i] = x[i] - y[i];
    return DUR_OK;
}

static DurStatus solve(System *s, int32_t i_target, int worker) {
    const RoundsSystem *r = &s->rounds;
    AdjointTarget *t = &s->target[i_target];
    int64_t n = r->n_value;
    double *x = s->value + i_target * n, *entry = s->entry + i_target * r->policy->n_entry;
    Solver v = {.system = s, .worker = worker, .y = memory_column(n), .x = memory_column(n),
                .put = memory_column(r->policy->n_entry), .room = memory_column(r->lattice->n_state)};
    double *right = memory_column(n);
    DurStatus status = round_turn_make(&v.turn, r->policy);
    if (!v.y || !v.x || !v.put || !v.room || !right) status = DUR_MEMORY;
    t->now = adjoint_number(s->point, t, r->policy);
    if (status == DUR_OK && t->jump >= 0) status = carry_back(&v, NULL, entry, NULL, right);
    for (int32_t k = 0; status == DUR_OK && t->jump < 0 && k < s->point->n; k++)
        right[t->actor * r->lattice->n_state + s->point->state[k]] += s->point->weight[k];
    double size = status == DUR_OK ? vector_sup(right, n) : 0;
    LinearSolve done = {.converged = true};
    if (size > 0) status = gmres_double(&done, n, apply, &v, right, TOLERANCE, APPLIES_MOST, n < KEEP ? (int32_t)n : KEEP, x);
    t->is_solved = status == DUR_OK && done.residual <= SETTLED * fmax(size, 1e-300);
    // once more, for the multipliers of advantages
    if (status == DUR_OK) status = carry_back(&v, x, entry, entry, right);
    memory_free(right);
    round_turn_free(&v.turn);
    memory_free(v.room);
    memory_free(v.put);
    memory_free(v.x);
    memory_free(v.y);
    return status;
}

static void task_solve(void *context, int64_t i, int worker) {
    System *s = context;
    if (atomic_load(&s->status) != DUR_OK) return;
    DurStatus status = solve(s, (int32_t)i, worker);
    if (status != DUR_OK) fail(s, status);
    int done = atomic_fetch_add(&s->n_done, 1) + 1;
    if (worker == 0) progress_tell(s->asking.progress, "differentiating", done, s->n_target, NULL);
}

// ---- params -------------------------------------------------------------------------------------------------------

// what is differenced: the multipliers' product with what the equations miss on some lattice, and the number itself there
static void weigh_equations(const System *s, const RoundsSystem *r, double *out) {
    const Lattice *l = r->lattice;
    const Policy *p = s->rounds.policy, *q = r->policy;
    for (int32_t t = 0; t < s->n_target; t++) {
        const double *value = s->value + t * r->n_value, *entry = s->entry + t * p->n_entry;
        double sum = 0;
        for (int64_t k = 0; k < r->n_value; k++) sum += value[k] * (r->w[k] - q->value[k]);
        for (int64_t k = 0; k < l->model->n_jump * l->n_mode_state; k++) {
            int64_t at = p->where[k], there = q->where[k];
            for (int64_t i = 0; at >= 0 && there >= 0 && i < l->n_stock_state; i++)
                sum += entry[at + i] * (r->answer[there + i] - q->advantage[there + i]);
        }
        out[t] = sum + adjoint_number(s->point, &s->target[t], q);
    }
}

static DurStatus look(void *context, const Lattice *there, int worker, double *out) {
    (void)worker;
    System *s = context;
    RoundsSystem r = {0};
    DurError ignored = {0};
    TRY(open_at(&r, there, s->policy, NULL, &ignored));
    weigh_equations(s, &r, out);
    rounds_system_free(&r);
    return DUR_OK;
}

DurStatus adjoint_rounds(Adjoint *out, const Policy *p, const double *state, int32_t n, AdjointTarget *target,
                         const Progress *progress, Team *team, DurError *error) {
    const Lattice *l = p->lattice;
    const Model *m = l->model;
    Measure point = {0};
    System s = {.policy = p, .asking = {.progress = progress}, .point = &point, .target = target, .n_target = n};
    // what is differenced, with a param moved and with none
    double *both = NULL, *step = NULL, *base = NULL;
    *out = (Adjoint){0};
    DurStatus status = measure_point(&point, l, state);
    if (status == DUR_OK) status = open_at(&s.rounds, l, p, team, error);
    if (status != DUR_OK) goto done;
    status = DUR_MEMORY;
    s.value = memory_column(n * s.rounds.n_value);
    s.entry = memory_column(n * s.rounds.policy->n_entry);
    both = memory_column(2 * (int64_t)n * m->n_param);
    base = memory_column(n);
    step = memory_column(m->n_param);
    if (!s.value || !s.entry || !both || !base || !step) goto done;

    status = rounds_linearize(&s.rounds);
    if (status == DUR_OK) status = put_targets(&s);
    if (status != DUR_OK) goto done;
    // each task runs on one thread from end to end: the bits don't depend on how many there are
    asking_run(&s.asking, team, task_solve, &s, n);
    status = (DurStatus)atomic_load(&s.status);
    if (status != DUR_OK) goto done;
    weigh_equations(&s, &s.rounds, base);
    for (int32_t k = 0; k < m->n_param; k++) step[k] = adjoint_difference(&m->param[k], l->param[k]);
    status = adjoint_sides(l, step, n, look, &s, NULL, &s.asking, team, both);
    if (status == DUR_OK) status = adjoint_fill(out, n, target, m->n_param, step, both, base);

done:
    memory_free(step);
    memory_free(base);
    memory_free(both);
    memory_free(s.entry);
    memory_free(s.value);
    rounds_system_free(&s.rounds);
    measure_free(&point);
    return status;
}
