#include "check/limit.h"

#include "base/memory.h"
#include "lattice/lines.h"
#include "lattice/round.h"
#include "lattice/rows.h"
#include "num/bicgstab.h"

#include <assert.h>
#include <math.h>
#include <string.h>

/// Rounds of Krylov steps and plain ones before the solver stops, and operator applications in each.
#define ROUNDS_MAX     40
#define KRYLOV_APPLIES 1000
#define PLAIN_APPLIES  300
/// Along lines: a rate that nothing leaves a state at which is not inside, so that what stands there is 0; and the part of the largest rate that
/// is left everywhere, without which a line from which only drift leads could not be solved.
#define HELD 1e30
#define LEAK 1e-6

/// One linear system on part of the states: A z = G z inside, 0 outside; with `centred` the mean over the inside is
/// taken off, which makes a system for a function and an unknown constant solvable.
typedef struct System {
    const Policy  *policy;
    const ChainRows *rows;     // the policy's; NULL: tables are read anew at each application
    const uint8_t *inside;     // [n_state]
    int64_t  n_state, n_inside;
    bool     centred;
    double   rate;             // largest rate of leaving a state inside
    double  *scale;            // [n_state] rate of leaving each state; 1 where there is none
    ChainLines *lines;         // NULL: no stock has many nodes
    double  *column;           // [n_state] chain_apply wants columns of its own
    double  *image;            // [n_state]
    Team    *team;
    const Progress *progress;
    int64_t  n_apply;
    double   told;
} System;

static void system_free(System *s) {
    chain_lines_free(s->lines);
    memory_free(s->scale);
    memory_free(s->column);
    memory_free(s->image);
    *s = (System){0};
}

static DurStatus system_make(System *s, const Policy *policy, const uint8_t *inside, bool centred, Team *team,
                             const Progress *progress) {
    int64_t n = policy->lattice->n_state;
    *s = (System){.policy = policy, .inside = inside, .n_state = n, .centred = centred, .team = team,
                  .progress = progress};
    s->scale  = memory_column(n);
    s->column = memory_column(n);
    s->image  = memory_column(n);
    DurStatus status = s->scale && s->column && s->image ? chain_exit_rates(policy, s->scale, &s->rate, team) : DUR_MEMORY;
    if (status == DUR_OK) status = chain_rows(&s->rows, policy, team, progress);
    if (status != DUR_OK) {
        system_free(s);
        return status;
    }
    s->rate = 0;
    for (int64_t i = 0; i < n; i++) {
        s->n_inside += inside[i];
        if (inside[i]) s->rate = fmax(s->rate, s->scale[i]);
        if (!inside[i] || s->scale[i] <= 0) s->scale[i] = 1;
    }
    if (policy->lattice->model->clock == CLOCK_CONTINUOUS) status = chain_lines_make(&s->lines, policy->lattice);
    if (status == DUR_OK && s->lines) {
        for (int64_t i = 0; i < n; i++) s->column[i] = inside[i] ? s->scale[i] + LEAK * s->rate : HELD;
        chain_lines_set(s->lines, s->column, team);
    }
    if (status != DUR_OK) system_free(s);
    return status;
}

static void along_lines(void *context, const double *y, double *x) {
    const System *s = context;
    chain_lines_solve(s->lines, y, x, s->team);
    for (int64_t i = 0; i < s->n_state; i++)
        if (!s->inside[i]) x[i] = 0;
}

static DurStatus apply(void *context, const double *x, double *y) {
    System *s = context;
    if (progress_stop(s->progress)) return DUR_INTERRUPTED;
    memcpy(s->column, x, (size_t)s->n_state * sizeof *x);
    TRY(chain_apply_by(s->rows, s->policy, s->column, s->image, s->team));
    s->n_apply++;
    double sum = 0;
    for (int64_t i = 0; i < s->n_state; i++) {
        y[i] = s->inside[i] ? s->image[i] : 0.0;
        sum += y[i];
    }
    if (s->centred) {
        double mean = sum / (double)s->n_inside;
        for (int64_t i = 0; i < s->n_state; i++)
            if (s->inside[i]) y[i] -= mean;
    }
    double now = progress_seconds();
    if (now - s->told > 0.1) {
        s->told = now;
        progress_tell(s->progress, "exact answer, without end", (double)s->n_apply, 0, "");
    }
    return DUR_OK;
}

/// Improve z until the largest |b - A z| is at most `tolerance` or the solver no longer gets on: Krylov steps, and between
/// them plain ones, z += (b - A z)/Lambda, which are slow but cannot be led astray.
///   room   [n_state] scratch
static DurStatus improve(System *s, const double *b, double tolerance, double *z, double *room, double *residual) {
    double last = INFINITY;
    int32_t idle = 0;
    for (int32_t round = 0; round < ROUNDS_MAX; round++) {
        LinearSolve solve;
        TRY(bicgstab(&solve, s->n_state, apply, s->lines ? along_lines : NULL, s, b, s->scale, tolerance, KRYLOV_APPLIES, z, s->team));
        *residual = solve.residual;
        if (solve.converged || !isfinite(solve.residual)) return DUR_OK;
        idle = solve.residual > 0.7 * last ? idle + 1 : 0;
        if (idle == 3) return DUR_OK;
        if (solve.residual < last) last = solve.residual;
        for (int64_t k = 0; k < PLAIN_APPLIES && s->rate > 0; k++) {
            TRY(apply(s, z, room));
            for (int64_t i = 0; i < s->n_state; i++) z[i] += (b[i] - room[i]) / s->rate;
        }
    }
    return DUR_OK;
}

static double largest_inside(const System *s, const double *x) {
    double most = 0;
    for (int64_t i = 0; i < s->n_state; i++)
        if (s->inside[i] && fabs(x[i]) > most) most = fabs(x[i]);
    return most;
}

/// Bounds from one h: min and max of x + G h, widened by the rounding of that sum. h is centred first: a constant
/// does not count, but it would cost digits.
static DurStatus bracket(System *s, const double *x, double *h, double *low, double *high) {
    double least = INFINITY, most = -INFINITY;
    for (int64_t i = 0; i < s->n_state; i++)
        if (s->inside[i]) { least = fmin(least, h[i]); most = fmax(most, h[i]); }
    for (int64_t i = 0; i < s->n_state; i++) s->column[i] = s->inside[i] ? h[i] - (least + most) / 2 : 0.0;
    TRY(chain_apply_by(s->rows, s->policy, s->column, s->image, s->team));
    double slack = chain_rounding(s->policy->lattice) * (s->rate * (most - least) / 2 + largest_inside(s, x));
    double down = INFINITY, up = -INFINITY;
    for (int64_t i = 0; i < s->n_state; i++) {
        if (!s->inside[i]) continue;
        down = fmin(down, x[i] + s->image[i]);
        up   = fmax(up, x[i] + s->image[i]);
    }
    // every bracket holds, so the best of each side does
    *low  = fmax(*low, down - slack);
    *high = fmin(*high, up + slack);
    return DUR_OK;
}

DurStatus limit_mean(const Policy *policy, const double *x, const uint8_t *inside, double error, double *low,
                     double *high, bool *closed, Team *team, const Progress *progress, DurError *why) {
    System s;
    TRY(system_make(&s, policy, inside, true, team, progress));
    DurStatus status = DUR_MEMORY;
    double *h = memory_column(s.n_state), *b = memory_column(s.n_state), *room = memory_column(s.n_state);
    if (!h || !b || !room) goto out;

    // the function itself is the first bracket; centred, it is the right-hand side
    *low = -INFINITY;
    *high = INFINITY;
    status = bracket(&s, x, h, low, high);
    if (status != DUR_OK) goto out;
    double sum = 0, residual = 0;
    for (int64_t i = 0; i < s.n_state; i++) sum += inside[i] ? x[i] : 0.0;
    for (int64_t i = 0; i < s.n_state; i++) b[i] = inside[i] ? sum / (double)s.n_inside - x[i] : 0.0;
    if (*high - *low > 2 * error) {
        status = improve(&s, b, 0.4 * error, h, room, &residual);
        if (status == DUR_OK) status = bracket(&s, x, h, low, high);
        if (status != DUR_OK) goto out;
    }
    *closed = *high - *low <= fmax(2 * error, 1e-9 * largest_inside(&s, x));

out:
    if (status == DUR_INTERRUPTED) status_fail(why, status, "the long-run mean was interrupted");
    memory_free(room);
    memory_free(b);
    memory_free(h);
    system_free(&s);
    return status;
}

DurStatus limit_ever(Evolution *e, const Policy *policy, double budget, bool *bounded, DurError *why) {
    assert(e->hold);
    int64_t n = e->n_state;
    DurStatus status = DUR_MEMORY;
    System s = {0};
    uint8_t *inside = memory_zeroed((size_t)n, 1);
    double *z = memory_column(n), *b = memory_column(n), *room = memory_column(n);
    if (!inside || !z || !b || !room) goto out;

    // where can a held 1 be reached at all? Backward, one jump at a time: a state that has a positive rate into the set
    // joins it. (Outside the set the function is 0, so nothing can cancel.)
    int64_t n_free = 0;
    for (int64_t i = 0; i < n; i++) e->power[i] = e->hold[i] && e->value[i] > 0 ? 1.0 : 0.0;
    for (bool grew = true; grew;) {
        grew = false;
        status = progress_stop(e->progress) ? DUR_INTERRUPTED : chain_apply(policy, e->power, e->next, e->team);
        if (status != DUR_OK) goto out;
        for (int64_t i = 0; i < n; i++)
            if (!e->hold[i] && e->power[i] == 0.0 && e->next[i] > 0) e->power[i] = 1.0, grew = true;
    }
    for (int64_t i = 0; i < n; i++) {
        if (!e->hold[i] && e->power[i] == 0.0) e->hold[i] = 1, e->value[i] = 0;
        if (!e->hold[i]) inside[i] = 1, e->value[i] = 0, n_free++;
    }
    *bounded = true;
    if (n_free == 0) { status = DUR_OK; goto out; }
    status = system_make(&s, policy, inside, false, e->team, e->progress);
    if (status != DUR_OK) goto out;

    // a bound on the mean time until something is held: |G m + 1| <= 1/2 makes 2 m one
    double residual, longest = 0;
    for (int64_t i = 0; i < n; i++) b[i] = inside[i] ? -1.0 : 0.0;
    status = improve(&s, b, 0.25, z, room, &residual);
    if (status != DUR_OK) goto out;
    longest = largest_inside(&s, z);
    double rounding = chain_rounding(e->lattice) * s.rate;
    *bounded = residual + rounding * longest <= 0.5 && isfinite(longest);

    // the probability itself: G v = 0 inside
    status = chain_apply(policy, e->value, e->next, e->team);
    if (status != DUR_OK) goto out;
    for (int64_t i = 0; i < n; i++) {
        b[i] = inside[i] ? -e->next[i] : 0.0;
        z[i] = 0.0;
    }
    double tolerance = *bounded ? fmax(0.4 * budget / longest, 4 * rounding) : 4 * rounding;
    status = improve(&s, b, tolerance, z, room, &residual);
    if (status != DUR_OK) goto out;
    for (int64_t i = 0; i < n; i++)
        if (inside[i]) e->value[i] = fmin(fmax(z[i], 0.0), 1.0);
    e->error += *bounded ? fmin(1, 2 * longest * (residual + 2 * rounding)) : 1;
    e->n_apply += s.n_apply;

out:
    if (status == DUR_INTERRUPTED) status_fail(why, status, "the exact answer was interrupted");
    system_free(&s);
    memory_free(room);
    memory_free(b);
    memory_free(z);
    memory_free(inside);
    return status;
}

// ---- reachable states -------------------------------------------------------------------------------------

typedef struct Search {
    const Lattice *lattice;
    uint8_t *seen;
    int64_t *stack, n_stack;
    int64_t *target;         // [LATTICE_CORNERS_MAX]
    double  *weight;
    int64_t *set;            // [5 x ROUND_SET_MAX] in rounds: states on the way through one
    bool     is_full;        // ... were more than fit
} Search;

/// States that one round can lead to from one state, at most. Where there are more, all states are taken for reachable.
#define ROUND_SET_MAX 4096

static void meet(Search *s, int64_t state) {
    if (s->seen[state]) return;
    s->seen[state] = 1;
    s->stack[s->n_stack++] = state;
}

static void meet_targets(Search *s, const Policy *policy, int32_t jump, const int32_t *node) {
    int32_t n = policy_targets(policy, jump, node, s->target, s->weight);
    for (int32_t k = 0; k < n; k++)
        if (s->weight[k] > 0) meet(s, s->target[k]);
}

/// States that a round can be in at some point, in `set`: replaced by where `jump` (negative: the change) takes each, and with
/// `or_not` by where it was as well. Kept distinct.
static void spread(Search *s, int32_t jump, bool or_not, int64_t *set, int32_t *n_set) {
    const Lattice *l = s->lattice;
    int32_t n_old = *n_set, first = n_old;
    for (int32_t i = 0; i < n_old; i++) {
        int32_t node[MODEL_VARIABLES_MAX];
        lattice_nodes(l, set[i], node);
        int32_t n = lattice_targets(l, jump, node, s->target, s->weight);
        for (int32_t k = 0; k < n; k++) {
            int32_t q = or_not ? 0 : first;
            while (q < *n_set && set[q] != s->target[k]) q++;
            if (q < *n_set || !(s->weight[k] > 0)) continue;
            if (*n_set < ROUND_SET_MAX) set[(*n_set)++] = s->target[k];
            else s->is_full = true;
        }
    }
    if (or_not) return;
    for (int32_t i = first; i < *n_set; i++) set[i - first] = set[i];
    *n_set -= first;
}

/// What may or may not happen from each state of a set on its own, and the sets put together again.
static void spread_event(Search *s, int32_t jump, int64_t *set, int32_t *n_set) {
    const Lattice *l = s->lattice;
    int64_t *out = set + ROUND_SET_MAX, *one = out + ROUND_SET_MAX;
    int32_t n_out = 0;
    for (int32_t i = 0; i < *n_set; i++) {
        int32_t node[MODEL_VARIABLES_MAX], n_one = 1;
        lattice_nodes(l, set[i], node);
        double chance = lattice_table_at(l, &l->jump[jump].rate, node);
        one[0] = set[i];
        if (chance > 0) spread(s, jump, chance < 1, one, &n_one);
        for (int32_t k = 0; k < n_one; k++) {
            int32_t q = 0;
            while (q < n_out && out[q] != one[k]) q++;
            if (q < n_out) continue;
            if (n_out < ROUND_SET_MAX) out[n_out++] = one[k];
            else s->is_full = true;
        }
    }
    memcpy(set, out, (size_t)n_out * sizeof *set);
    *n_set = n_out;
}

/// One stage of choices from one state of a set; the choices are made there, whatever they find on the way.
static void spread_stage(Search *s, const Policy *policy, int32_t stage, int64_t *set, int32_t *n_set) {
    const Lattice *l = s->lattice;
    const Model *m = l->model;
    int64_t *out = set + ROUND_SET_MAX, *one = out + ROUND_SET_MAX, *all = one + ROUND_SET_MAX;
    int32_t n_out = 0, actor[ROUND_ACTORS_MAX], n_actor = round_stage_actors(m, stage, actor);
    for (int32_t i = 0; i < *n_set; i++) {
        int32_t node[MODEL_VARIABLES_MAX], n_all = 1;
        lattice_nodes(l, set[i], node);
        all[0] = set[i];
        for (int32_t k = 0; k < n_actor; k++) {
            double attends = lattice_table_at(l, &l->actor[actor[k]].attends, node), wait = 1;
            int32_t n_before = n_all;
            int64_t *before = all + ROUND_SET_MAX;
            memcpy(before, all, (size_t)n_all * sizeof *all);
            n_all = 0;
            for (int32_t j = 0; j < m->n_jump; j++) {
                if (m->jump[j].kind != JUMP_MOVE || m->jump[j].actor != actor[k]) continue;
                double chance = attends * policy_probability(policy, j, set[i]);
                wait -= chance;
                if (!(chance > 0)) continue;
                int32_t n_one = n_before;
                memcpy(one, before, (size_t)n_before * sizeof *one);
                spread(s, j, false, one, &n_one);
                if (n_all + n_one > ROUND_SET_MAX) { s->is_full = true; continue; }
                for (int32_t x = 0; x < n_one; x++) all[n_all++] = one[x];
            }
            // rounding may leave a wait of 1e-17 that is none, or take one away that is there
            if (wait > 1e-15 && n_all + n_before > ROUND_SET_MAX) s->is_full = true;
            else if (wait > 1e-15)
                for (int32_t x = 0; x < n_before; x++) all[n_all++] = before[x];
            int32_t n_distinct = 0;
            for (int32_t x = 0; x < n_all; x++) {
                int32_t q = 0;
                while (q < n_distinct && all[q] != all[x]) q++;
                if (q == n_distinct) all[n_distinct++] = all[x];
            }
            n_all = n_distinct;
        }
        for (int32_t k = 0; k < n_all; k++) {
            int32_t q = 0;
            while (q < n_out && out[q] != all[k]) q++;
            if (q < n_out) continue;
            if (n_out < ROUND_SET_MAX) out[n_out++] = all[k];
            else s->is_full = true;
        }
    }
    memcpy(set, out, (size_t)n_out * sizeof *set);
    *n_set = n_out;
}

/// Everything that one round can lead to.
static void meet_round(Search *s, const Policy *policy, int64_t state) {
    const Model *m = s->lattice->model;
    int64_t *set = s->set;
    int32_t n_set = 1;
    set[0] = state;
    for (int32_t k = 0; k < round_stages(m); k++) spread_stage(s, policy, k, set, &n_set);
    for (int32_t j = 0; j < m->n_jump; j++)
        if (m->jump[j].kind == JUMP_EVENT) spread_event(s, j, set, &n_set);
    if (s->lattice->change.n_branch > 0) spread(s, -1, false, set, &n_set);
    for (int32_t i = 0; i < n_set; i++) meet(s, set[i]);
}

/// Everything that one jump or one step of a stock can lead to.
static void meet_neighbours(Search *s, const Policy *policy, int64_t state) {
    const Lattice *l = s->lattice;
    const Model *model = l->model;
    int32_t node[MODEL_VARIABLES_MAX];
    if (model->clock == CLOCK_ROUNDS) { meet_round(s, policy, state); return; }
    lattice_nodes(l, state, node);
    for (int32_t j = 0; j < model->n_jump; j++) {
        const LatticeJump *jump = &l->jump[j];
        if (model->jump[j].kind == JUMP_EVENT && lattice_table_at(l, &jump->rate, node) > 0) meet_targets(s, policy, j, node);
        if (model->jump[j].kind == JUMP_MOVE && policy_probability(policy, j, state) > 0 &&
            lattice_table_at(l, &l->actor[model->jump[j].actor].attends, node) > 0)
            meet_targets(s, policy, j, node);
    }
    for (int32_t k = 0; k < model->n_stock; k++) {
        const LatticeStock *stock = &l->stock[k];
        int32_t v = model->n_mode + k;
        if (!stock->moves) continue;
        if (node[v] + 1 < l->n_node[v] && lattice_table_at(l, &stock->up, node) > 0) meet(s, state + l->stride[v]);
        if (node[v] > 0 && lattice_table_at(l, &stock->down, node) > 0) meet(s, state - l->stride[v]);
    }
    for (int32_t p = 0; p < model->n_private; p++) {
        const ModelPrivate *mp = &model->private[p];
        int32_t to[MODEL_TYPES_MAX * MODEL_TYPES_MAX];
        double drift[MODEL_TYPES_MAX], rate[MODEL_TYPES_MAX * MODEL_TYPES_MAX];
        for (int32_t t = 1; t < mp->n_type; t++)
            drift[t - 1] = policy->drift[(mp->variable - model->n_mode - model->n_stock + t - 1) * l->n_state + state];
        int32_t n = lattice_drift_belief(&l->private[p], node[mp->variable], drift, to, rate, NULL);
        for (int32_t k = 0; k < n; k++)
            if (rate[k] > 0) meet(s, state + (to[k] - node[mp->variable]) * l->stride[mp->variable]);
    }
}

DurStatus limit_reachable(const Lattice *lattice, const Plan *plan, uint8_t *out) {
    const Model *model = lattice->model;
    int64_t n = lattice->n_state;
    DurStatus status = DUR_MEMORY;
    Search s = {.lattice = lattice, .seen = out};
    s.stack  = memory_alloc((size_t)n * sizeof *s.stack);
    s.target = memory_alloc(LATTICE_CORNERS_MAX * sizeof *s.target);
    s.weight = memory_alloc(LATTICE_CORNERS_MAX * sizeof *s.weight);
    uint8_t *before = memory_alloc((size_t)n);
    s.set = memory_alloc(5 * ROUND_SET_MAX * sizeof *s.set);
    if (!s.stack || !s.target || !s.weight || !s.set || !before) goto out;

    memset(out, 0, (size_t)n);
    for (int32_t k = 0; k < lattice->n_start; k++) out[lattice->start_state[k]] = 1;
    for (int32_t i = 0; i < plan->n_step; i++) {
        const PlanStep *step = &plan->step[i];
        memcpy(before, out, (size_t)n);
        memset(out, 0, (size_t)n);
        s.n_stack = 0;
        for (int64_t state = 0; state < n; state++) {
            if (!before[state]) continue;
            int64_t to = state;
            for (int32_t k = 0; k < step->n_set; k++) {
                int32_t v = step->set[k].mode;
                to += (step->set[k].value - to / lattice->stride[v] % lattice->n_node[v]) * lattice->stride[v];
            }
            meet(&s, to);
        }
        // an event on a date of this step may come from any state that the step reaches; later dates are of later steps
        double end = i + 1 < plan->n_step ? plan->step[i + 1].start : INFINITY;
        while (s.n_stack > 0) {
            int64_t state = s.stack[--s.n_stack];
            meet_neighbours(&s, step->policy, state);
            for (int32_t j = 0; j < model->n_jump; j++) {
                const ModelJump *jump = &model->jump[j];
                if (jump->kind != JUMP_DATED || jump->at < step->start || jump->at > end) continue;
                int32_t node[MODEL_VARIABLES_MAX];
                lattice_nodes(lattice, state, node);
                if (lattice_table_at(lattice, &lattice->jump[j].when, node) != 0) meet_targets(&s, step->policy, j, node);
            }
        }
    }
    if (s.is_full) memset(out, 1, (size_t)n);
    status = DUR_OK;

out:
    memory_free(before);
    memory_free(s.set);
    memory_free(s.weight);
    memory_free(s.target);
    memory_free(s.stack);
    return status;
}
