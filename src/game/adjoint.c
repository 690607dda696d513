#include "game/adjoint.h"

#include "base/asking.h"
#include "base/memory.h"
#include "game/adjoint_rounds.h"
#include "game/adjoint_types.h"
#include "game/measure.h"
#include "game/part.h"
#include "game/transposed.h"
#include "lattice/chain.h"
#include "num/linear.h"

#include <math.h>
#include <stdatomic.h>
#include <string.h>

/// Differences are taken over this part of a param's value: their error is then about 1e-8 of the derivative, both from
/// curvature (square of it) and from rounding.
#define DIFFERENCE 0x1p-13
/// Adjoint systems are solved until no equation is missed by more, relative to the largest entry of the right side.
#define ADJOINT_TOLERANCE 1e-9
/// A right side that is missed by more than this is not solved.
#define SETTLED 1e-6

void adjoint_free(Adjoint *a) {
    memory_free(a->right);
    memory_free(a->left);
    memory_free(a->derivative);
    *a = (Adjoint){0};
}

double adjoint_bytes(const Policy *p, int32_t n_target, int n_thread) {
    const Lattice *l = p->lattice;
    if (l->model->n_private) return adjoint_types_bytes(p, n_thread);
    if (l->model->clock == CLOCK_ROUNDS) return adjoint_rounds_bytes(p, n_target, n_thread);
    double n_actor = l->model->n_actor, columns = n_actor * (double)l->n_state;
    // what choices add to the system; the solutions; in each thread a linear solver, or a policy and its lattice
    double solver = transposed_solve_bytes(l->n_state, l->model->n_actor), side = policy_bytes(l) + (double)l->n_byte + 16.0 * columns;
    return 8.0 * (n_actor * (double)p->n_entry + columns * n_target) + transposed_bytes(l, 1, true) +
           n_thread * (solver > side ? solver : side);
}

double adjoint_step(const ModelParam *param, double value) {
    double sd = model_prior_sd(param);
    if (sd > 0 && isfinite(sd)) return sd;
    return value != 0 ? 0.1 * fabs(value) : 0.1 * param->scale;
}

double adjoint_difference(const ModelParam *param, double value) {
    return DIFFERENCE * (value != 0 ? fabs(value) : adjoint_step(param, value));
}

DurStatus adjoint_fill(Adjoint *out, int32_t n, const AdjointTarget *target, int32_t n_param, const double *step,
                       const double *both, const double *base) {
    int64_t n_all = (int64_t)n * n_param;
    *out = (Adjoint){.n_target = n, .n_param = n_param, .derivative = memory_column(n_all), .left = memory_column(n_all),
                     .right = memory_column(n_all)};
    if (!out->derivative || !out->left || !out->right) return DUR_MEMORY;
    for (int32_t t = 0; t < n; t++)
        for (int32_t k = 0; k < n_param; k++) {
            double up = both[2 * k * n + t] - base[t], down = both[(2 * k + 1) * n + t] - base[t];
            double unknown = target[t].is_solved ? 0.0 : NAN;
            int64_t at = (int64_t)t * n_param + k;
            out->right[at] = up / step[k] + unknown;
            out->left[at] = -down / step[k] + unknown;
            out->derivative[at] = isnan(up) ? out->left[at] : isnan(down) ? out->right[at] : (up - down) / (2 * step[k]) + unknown;
        }
    return DUR_OK;
}

// out = what an actor gains when a jump happens: its lump there, and its value after against its value before
static DurStatus gain(const Lattice *l, int32_t jump, int32_t actor, const double *value, double *out) {
    const ModelJump *mj = &l->model->jump[jump];
    TRY(chain_jump_mean(l, jump, value, out, NULL));
    for (int64_t s = 0; s < l->n_state; s++) out[s] -= value[s];
    for (int64_t b = 0; b < l->n_block; b++) {
        LatticeBlock view;
        lattice_block(l, b, &view);
        for (int32_t k = 0; k < mj->n_lump; k++)
            for (int64_t i = 0; mj->lump[k].actor == actor && i < l->n_lane; i++)
                out[view.first + i] += lattice_row_at(l, &l->jump[jump].lump[k], &view, i);
    }
    return DUR_OK;
}

// ---- the equations at given values, on any lattice ----------------------------------------------------------------

// one state: probabilities of an actor's moves from their advantages
static void choose(Policy *p, int32_t actor, const LatticeBlock *view, int64_t lane) {
    const Lattice *l = p->lattice;
    const Model *m = l->model;
    double mu = lattice_row_at(l, lattice_rule_precision(l, &p->rule, actor, 0), view, lane), top = 0, total = 0;
    int64_t mode_state = view->first / l->n_stock_state, at = view->first % l->n_stock_state + lane;
    for (int pass = 0; pass < 3; pass++) {
        // the largest exponent; the weights; the probabilities
        if (pass == 1) total = exp(-top);
        for (int32_t j = 0; j < m->n_jump; j++) {
            int64_t entry = model_is_move_of(m, j, actor) ? p->where[j * l->n_mode_state + mode_state] : -1;
            if (entry < 0) continue;
            double *chance = &p->probability[entry + at], score = mu * p->advantage[entry + at];
            bool open = lattice_row_at(l, &l->jump[j].when, view, lane) != 0;
            if (pass == 0 && open && score > top) top = score;
            if (pass == 1) total += *chance = open ? exp(score - top) : 0.0;
            if (pass == 2) *chance /= total;
        }
    }
}

// advantages and choices that answer p->value
static DurStatus answer(Policy *p, double *room) {
    const Lattice *l = p->lattice;
    const Model *m = l->model;
    for (int32_t j = 0; j < m->n_jump; j++) {
        if (m->jump[j].kind != JUMP_MOVE) continue;
        TRY(gain(l, j, m->jump[j].actor, p->value + m->jump[j].actor * l->n_state, room));
        for (int64_t ms = 0; ms < l->n_mode_state; ms++) {
            int64_t at = p->where[j * l->n_mode_state + ms];
            if (at >= 0) memcpy(p->advantage + at, room + ms * l->n_stock_state, (size_t)l->n_stock_state * sizeof *room);
        }
    }
    for (int64_t b = 0; b < l->n_block; b++) {
        LatticeBlock view;
        lattice_block(l, b, &view);
        for (int32_t a = 0; a < m->n_actor; a++)
            for (int64_t i = 0; i < l->n_lane; i++) choose(p, a, &view, i);
    }
    return DUR_OK;
}

// R of one actor when everyone answers p->value: flows + G V - rho V. Under taste the shocks are among the flows, and
// sum of P Q + H/mu is the log-sum-exp of semantics
static DurStatus miss(const Policy *p, int32_t actor, double *out) {
    const Lattice *l = p->lattice;
    const Model *m = l->model;
    const double *value = p->value + actor * l->n_state;
    int32_t n_part = parts_of(m, actor, NULL);
    Part *part = memory_zeroed((size_t)n_part, sizeof *part);
    if (!part) return DUR_MEMORY;
    parts_of(m, actor, part);
    DurStatus status = chain_apply(p, value, out, NULL);
    for (int64_t s = 0; status == DUR_OK && s < l->n_state; s++) out[s] -= l->actor[actor].rho * value[s];
    for (int32_t k = 0; k < n_part && status == DUR_OK; k++) status = part_add_flow(p, &part[k], 0, out);
    memory_free(part);
    return status;
}

// ---- the transposed Jacobian --------------------------------------------------------------------------------------

typedef struct System {
    const Policy *policy;
    double *answer;             // [n_actor x n_entry] d R_i / d advantage through the probabilities, see answers_make
    Transposed transposed;
    double *rho;                // [n_actor]
    const Measure *point;       // the state at hand, as weights of nodes
    int32_t n_target;
    AdjointTarget *target;      // [n_target]
    double *x;                  // [n_target][n_actor x n_state] solutions
    atomic_int status, n_done;
    Asking asking;
} System;

// What dR_i gains when the advantage of move a of actor j rises, through j's choice alone:
//     attends_j mu_j P_a (D_{i,a} - sum over c of P_c D_{i,c}),   D_{i,a} what i gains when j makes a.
// Under taste the mover's own row is 0: its log-sum-exp has slope P_a, and that is in G (envelope theorem).
static DurStatus answers_make(System *s) {
    const Policy *p = s->policy;
    const Lattice *l = p->lattice;
    const Model *m = l->model;
    double *room = memory_column(l->n_state), *mean = memory_column(l->n_state);
    DurStatus status = DUR_MEMORY;
    s->answer = memory_column((int64_t)m->n_actor * p->n_entry);
    if (!room || !mean || !s->answer) goto done;
    for (int32_t i = 0; i < m->n_actor; i++)
        for (int32_t j = 0; j < m->n_actor; j++) {
            if (i == j && m->choice == CHOICE_TASTE) continue;
            for (int64_t k = 0; k < l->n_state; k++) mean[k] = 0.0;
            double *to = s->answer + i * p->n_entry;
            // gains, and their mean over the choice
            for (int32_t a = 0; a < m->n_jump; a++) {
                if (!model_is_move_of(m, a, j)) continue;
                status = gain(l, a, i, p->value + i * l->n_state, room);
                if (status != DUR_OK) goto done;
                for (int64_t k = 0; k < l->n_state; k++) {
                    int64_t at = p->where[a * l->n_mode_state + k / l->n_stock_state];
                    if (at < 0) continue;
                    at += k % l->n_stock_state;
                    to[at] = room[k];
                    mean[k] += p->probability[at] * room[k];
                }
            }
            for (int64_t b = 0; b < l->n_block; b++) {
                LatticeBlock view;
                lattice_block(l, b, &view);
                for (int32_t a = 0; a < m->n_jump; a++) {
                    int64_t at = model_is_move_of(m, a, j) ? p->where[a * l->n_mode_state + view.first / l->n_stock_state] : -1;
                    if (at < 0) continue;
                    at += view.first % l->n_stock_state;
                    for (int64_t k = 0; k < l->n_lane; k++) {
                        double rate = lattice_row_at(l, &l->actor[j].attends, &view, k);
                        double mu = lattice_row_at(l, lattice_rule_precision(l, &p->rule, j, 0), &view, k);
                        to[at + k] = rate * mu * p->probability[at + k] * (to[at + k] - mean[view.first + k]);
                    }
                }
            }
        }
    status = DUR_OK;

done:
    memory_free(mean);
    memory_free(room);
    return status;
}

// ---- what is asked ------------------------------------------------------------------------------------------------

double adjoint_number(const Measure *point, const AdjointTarget *t, const Policy *p) {
    double sum = 0;
    for (int32_t k = 0; k < point->n; k++) {
        int64_t state = point->state[k];
        int64_t row = model_row(p->lattice->model, t->actor) + t->type, entry = t->jump < 0 ? -1 : policy_entry(p, t->jump, t->type, state);
        sum += point->weight[k] * (t->jump < 0 ? p->value[row * p->lattice->n_state + state] : entry < 0 ? 0.0 : p->probability[entry]);
    }
    return sum;
}

// dq/dV, on the values of the target's actor: at each node around the state, dP_a = mu P_a (dA_a - sum of P_c dA_c)
static DurStatus right_side(const System *s, const AdjointTarget *t, Measure *out) {
    const Policy *p = s->policy;
    const Lattice *l = p->lattice;
    const Model *m = l->model;
    for (int32_t k = 0; k < s->point->n; k++) {
        int64_t state = s->point->state[k];
        Measure node = {.n = 1, .state = &state, .weight = &s->point->weight[k]};
        if (t->jump < 0) { TRY(measure_add(out, state, node.weight[0])); continue; }
        int32_t at[MODEL_VARIABLES_MAX];
        lattice_nodes(l, state, at);
        double mu = lattice_table_at(l, lattice_rule_precision(l, &p->rule, t->actor, 0), at);
        double chance = policy_probability(p, t->jump, state);
        for (int32_t c = 0; c < m->n_jump && chance > 0; c++) {
            if (!model_is_move_of(m, c, t->actor)) continue;
            double other = policy_probability(p, c, state);
            double slope = mu * chance * ((c == t->jump) - other);
            if (slope != 0) TRY(measure_add_move(out, &node, p, c, slope));
        }
    }
    return DUR_OK;
}

// a few targets, solved together
static DurStatus solve(System *s, int32_t first, int32_t n, int worker) {
    const Lattice *l = s->policy->lattice;
    int64_t n_all = l->model->n_actor * l->n_state;
    TransposedSide side[TRANSPOSED_WIDTH] = {0};
    double size[TRANSPOSED_WIDTH] = {0};
    Asker asker = {&s->asking, worker};
    DurStatus status = DUR_OK;
    for (int32_t k = 0; k < n && status == DUR_OK; k++) {
        AdjointTarget *t = &s->target[first + k];
        t->now = adjoint_number(s->point, t, s->policy);
        side[k] = (TransposedSide){.column = t->actor, .x = s->x + (first + k) * n_all};
        status = right_side(s, t, &side[k].right);
        for (int32_t i = 0; i < side[k].right.n; i++) size[k] = fmax(size[k], fabs(side[k].right.weight[i]));
    }
    if (status == DUR_OK) status = transposed_solve(&s->transposed, s->rho, ADJOINT_TOLERANCE, n, side, asker_stopped, &asker);
    for (int32_t k = 0; k < n; k++) {
        s->target[first + k].is_solved = side[k].residual <= SETTLED * size[k];
        measure_free(&side[k].right);
    }
    return status;
}

static void fail(System *s, DurStatus status) {
    int none = DUR_OK;
    atomic_compare_exchange_strong(&s->status, &none, (int)status);
}

static void task_solve(void *context, int64_t i, int worker) {
    System *s = context;
    if (atomic_load(&s->status) != DUR_OK) return;
    int32_t first = (int32_t)i * TRANSPOSED_WIDTH, n = s->n_target - first;
    if (n > TRANSPOSED_WIDTH) n = TRANSPOSED_WIDTH;
    DurStatus status = solve(s, first, n, worker);
    if (status != DUR_OK) fail(s, status);
    int done = atomic_fetch_add(&s->n_done, n) + n;
    if (worker == 0) progress_tell(s->asking.progress, "differentiating", done, s->n_target, NULL);
}

// ---- params -------------------------------------------------------------------------------------------------------

/// Sides of params at hand.
typedef struct Sides {
    const Lattice *lattice;
    const double  *step;
    int32_t        n;
    AdjointLook   *look;
    void          *context;
    const char    *what;
    Asking        *asking;
    double        *both;
    atomic_int     status, n_done;
} Sides;

// param i/2 moved up, or down where i is odd
static DurStatus look_at_side(const Sides *s, int64_t i, int worker) {
    const Lattice *l = s->lattice;
    const Model *m = l->model;
    double *out = s->both + i * s->n, *param = memory_column(m->n_param);
    Lattice *there = NULL;
    DurError ignored = {0};
    DurStatus status = DUR_MEMORY;
    if (param) {
        memcpy(param, l->param, (size_t)m->n_param * sizeof *param);
        param[i / 2] += i % 2 ? -s->step[i / 2] : s->step[i / 2];
        status = lattice_make_grid(&there, m, param, l->n_node, &ignored);
    }
    if (status == DUR_OK) status = s->look(s->context, there, worker, out);
    lattice_free(there);
    memory_free(param);
    // a param at the limit of what the scenario allows can be moved to one side alone
    bool is_edge = status == DUR_DOMAIN || status == DUR_INPUT || status == DUR_LIMIT;
    for (int32_t t = 0; is_edge && t < s->n; t++) out[t] = NAN;
    return is_edge ? DUR_OK : status;
}

static void task_side(void *context, int64_t i, int worker) {
    Sides *s = context;
    int none = DUR_OK;
    DurStatus status = asking_stopped(s->asking, worker) ? DUR_INTERRUPTED : DUR_OK;
    if (status == DUR_OK && atomic_load(&s->status) == DUR_OK) status = look_at_side(s, i, worker);
    if (status != DUR_OK) atomic_compare_exchange_strong(&s->status, &none, (int)status);
    int done = atomic_fetch_add(&s->n_done, 1) + 1;
    if (worker == 0 && s->what && atomic_load(&s->status) == DUR_OK)
        progress_tell(s->asking->progress, s->what, done, 2 * s->lattice->model->n_param, NULL);
}

DurStatus adjoint_sides(const Lattice *l, const double *step, int32_t n, AdjointLook *look, void *context, const char *what, Asking *asking,
                        Team *team, double *both) {
    Sides s = {.lattice = l, .step = step, .n = n, .look = look, .context = context, .what = what, .asking = asking, .both = both};
    asking_run(asking, team, task_side, &s, 2 * (int64_t)l->model->n_param);
    return (DurStatus)atomic_load(&s.status);
}

// x' R and q of every target with one param moved, at the values at hand
static DurStatus look(void *context, const Lattice *there, int worker, double *out) {
    (void)worker;
    const System *s = context;
    const Model *m = there->model;
    int64_t n = there->n_state;
    Policy *p = NULL;
    DurError ignored = {0};
    double *room = memory_column(n), *column = memory_column(n);
    DurStatus status = room && column ? policy_make(&p, there, NULL, &ignored) : DUR_MEMORY;
    if (status != DUR_OK) goto done;
    memcpy(p->value, s->policy->value, (size_t)m->n_actor * (size_t)n * sizeof(double));
    status = answer(p, room);
    for (int32_t t = 0; t < s->n_target; t++) out[t] = adjoint_number(s->point, &s->target[t], p);
    for (int32_t i = 0; i < m->n_actor && status == DUR_OK; i++) {
        status = miss(p, i, column);
        for (int32_t t = 0; t < s->n_target && status == DUR_OK; t++)
            out[t] += vector_dot(s->x + (t * (int64_t)m->n_actor + i) * n, column, n);
    }

done:
    policy_free(p);
    memory_free(column);
    memory_free(room);
    return status;
}

DurStatus adjoint_make(Adjoint *out, const Policy *p, const double *state, int32_t n, AdjointTarget *target,
                       const Progress *progress, Team *team, DurError *error) {
    const Lattice *l = p->lattice;
    const Model *m = l->model;
    int64_t n_all = m->n_actor * l->n_state;
    Measure point = {0};
    System s = {.policy = p, .asking = {.progress = progress}, .point = &point, .target = target, .n_target = n};
    // x' R + q at p + h and p - h, h, and x' R + q at p
    double *both = NULL, *step = NULL, *base = NULL, *column = NULL;
    *out = (Adjoint){0};
    if (m->n_private) return adjoint_types(out, p, state, n, target, progress, team, error);
    bool is_rounds = m->clock == CLOCK_ROUNDS;
    DurStatus status = is_rounds ? adjoint_rounds(out, p, state, n, target, progress, team, error) : measure_point(&point, l, state);
    if (status != DUR_OK || is_rounds) goto done;

    status = DUR_MEMORY;
    s.x = memory_column(n * n_all);
    s.rho = memory_column(m->n_actor);
    both = memory_column(2 * (int64_t)n * m->n_param);
    step = memory_column(m->n_param);
    base = memory_column(n);
    column = memory_column(l->n_state);
    if (!s.x || !s.rho || !both || !step || !base || !column) goto done;

    for (int32_t i = 0; i < m->n_actor; i++) s.rho[i] = l->actor[i].rho;
    status = answers_make(&s);
    if (status == DUR_OK) status = transposed_make(&s.transposed, p, -1, s.answer, asker_stopped, &(Asker){&s.asking, 0});
    if (status != DUR_OK) goto done;
    memory_free(s.answer);
    s.answer = NULL;

    // targets beside one another know nothing of each other, and each task runs on one thread from end to end: the bits don't depend on how many threads there are
    asking_run(&s.asking, team, task_solve, &s, (n + TRANSPOSED_WIDTH - 1) / TRANSPOSED_WIDTH);
    status = (DurStatus)atomic_load(&s.status);
    if (status != DUR_OK) goto done;

    // what the values at hand miss already, so that one-sided differences start there
    for (int32_t t = 0; t < n; t++) base[t] = target[t].now;
    for (int32_t i = 0; i < m->n_actor; i++) {
        status = miss(p, i, column);
        if (status != DUR_OK) goto done;
        for (int32_t t = 0; t < n; t++)
            base[t] += vector_dot(s.x + (t * (int64_t)m->n_actor + i) * l->n_state, column, l->n_state);
    }
    for (int32_t k = 0; k < m->n_param; k++) step[k] = adjoint_difference(&m->param[k], l->param[k]);
    transposed_free(&s.transposed);
    status = adjoint_sides(l, step, n, look, &s, NULL, &s.asking, team, both);
    if (status == DUR_OK) status = adjoint_fill(out, n, target, m->n_param, step, both, base);

done:
    memory_free(column);
    memory_free(base);
    memory_free(s.answer);
    memory_free(step);
    memory_free(both);
    memory_free(s.rho);
    transposed_free(&s.transposed);
    memory_free(s.x);
    measure_free(&point);
    if (status == DUR_OK) return DUR_OK;
    adjoint_free(out);
    if (status == DUR_INTERRUPTED) return status_fail(error, status, "interrupted while differentiating");
    if (status == DUR_LIMIT) return status_fail(error, status, "the game has too many states to be differentiated");
    return status_fail(error, status, "out of memory while differentiating");
}
