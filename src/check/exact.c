#include "base/memory.h"
#include "base/text.h"
#include "check/check.h"
#include "check/limit.h"
#include "check/walk.h"
#include "lattice/lines.h"
#include "lattice/round.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/// Levels of x beyond which `max x` is not had exactly: each costs a pass of its own.
#define EXACT_LEVELS_MAX 64

/// Combinations of nodes that check_is_exact looks at before it says how many levels x has.
#define EXACT_NODES_MAX 1000000

/// Share of the error asked for that is aimed at: the work grows with its logarithm alone, so digits are cheap.
#define EXACT_AIM 0.1

// ---- the timeline -----------------------------------------------------------------------------------------

/// The instants of a plan from 0 to `until`, in the order in which they happen: a step's modes are set before the events
/// of the same date, those in order of declaration. ORDER: instants, also in sim. Returns how many.
static int32_t instants_of(const Model *model, const Plan *plan, double until, Instant *out) {
    int32_t n = 0;
    for (int32_t i = 0; i < plan->n_step; i++)
        if (plan->step[i].n_set > 0 && plan->step[i].start <= until)
            out[n++] = (Instant){plan->step[i].start, i, -1};
    for (int32_t j = 0; j < model->n_jump; j++)
        if (model->jump[j].kind == JUMP_DATED && model->jump[j].at >= 0 && model->jump[j].at <= until)
            out[n++] = (Instant){model->jump[j].at, -1, j};
    // few and nearly sorted; insertion keeps the order of those at the same time
    for (int32_t i = 1; i < n; i++) {
        Instant here = out[i];
        int32_t k = i;
        for (; k > 0 && out[k - 1].time > here.time; k--) out[k] = out[k - 1];
        out[k] = here;
    }
    return n;
}

/// The policy that is played just before time t.
static const Policy *policy_before(const Plan *plan, double t) {
    int32_t i = 0;
    while (i + 1 < plan->n_step && plan->step[i + 1].start < t) i++;
    return plan->step[i].policy;
}

/// The latest time before t at which something changes: an instant, a step of the plan, the window's beginning.
static double stretch_start(const Walk *w, double t) {
    double start = 0;
    for (int32_t i = 0; i < w->n_instant; i++)
        if (w->instant[i].time < t && w->instant[i].time > start) start = w->instant[i].time;
    for (int32_t i = 0; i < w->plan->n_step; i++)
        if (w->plan->step[i].start < t && w->plan->step[i].start > start) start = w->plan->step[i].start;
    if (w->quantity->from < t && w->quantity->from > start) start = w->quantity->from;
    return start;
}

// ---- columns ----------------------------------------------------------------------------------------------

/// x at every state; a value that is not finite names its node.
static DurStatus fill(const Lattice *lattice, ProgramId program, double *out, Team *team, DurError *error) {
    TRY(lattice_fill(lattice, program, out, team));
    for (int64_t s = 0; s < lattice->n_state; s++) {
        if (isfinite(out[s])) continue;
        int32_t node[MODEL_VARIABLES_MAX];
        lattice_nodes(lattice, s, node);
        Text at = {0};
        lattice_describe(lattice, node, lattice->model->program[program].reads, &at);
        const Program *p = &lattice->model->program[program];
        DurStatus status = model_fail(lattice->model, p->span, error, DUR_DOMAIN, "`%s` has no finite value at %s", p->text,
                                      text_view(&at));
        text_free(&at);
        return status;
    }
    return DUR_OK;
}

void walk_hold(Walk *w) {
    for (int64_t s = 0; s < w->e.n_state; s++)
        if (w->settled[s]) w->e.value[s] = w->settled[s] == 2 ? 1.0 : 0.0;
}

/// Mark the states that settle a path: those where `one` holds give 1, else those where `zero` (or its opposite) does 0.
static DurStatus settle(Walk *w, ProgramId one, bool one_is, ProgramId zero, DurError *error) {
    const Lattice *l = w->lattice;
    double *column = w->e.next;
    memset(w->settled, 0, (size_t)l->n_state);
    if (zero != PROGRAM_NONE) {
        TRY(fill(l, zero, column, w->team, error));
        for (int64_t s = 0; s < l->n_state; s++)
            if (column[s] == 0.0) w->settled[s] = 1;
    }
    TRY(fill(l, one, column, w->team, error));
    for (int64_t s = 0; s < l->n_state; s++)
        if ((column[s] != 0.0) == one_is) w->settled[s] = 2;
    for (int64_t s = 0; s < l->n_state; s++) w->e.hold[s] = w->settled[s] != 0;
    return DUR_OK;
}

// ---- back in time -----------------------------------------------------------------------------------------

/// The value before what happens at one instant, from the value after it.
DurStatus walk_instant(Walk *w, const Instant *instant, double t, DurError *error) {
    const ModelQuantity *q = w->quantity;
    Evolution *e = &w->e;
    if (instant->step >= 0) {
        const PlanStep *step = &w->plan->step[instant->step];
        chain_set_modes(w->lattice, step->n_set, step->set, e->value, e->next);
    } else {
        TRY(chain_jump_mean(w->lattice, instant->jump, e->value, e->next, w->team));
        // an event on a date counts where it can happen
        if (q->kind == QUANTITY_COUNT && q->jump == instant->jump && t >= q->from && t <= q->to) {
            ProgramId when = w->lattice->model->jump[instant->jump].when;
            if (when == PROGRAM_NONE)
                for (int64_t s = 0; s < e->n_state; s++) e->power[s] = 1.0;
            else
                TRY(fill(w->lattice, when, e->power, w->team, error));
            for (int64_t s = 0; s < e->n_state; s++) e->next[s] += e->power[s] != 0.0;
        }
    }
    double *swap = e->value;
    e->value = e->next;
    e->next = swap;
    return DUR_OK;
}

/// Carry w->e.value, the value just after all that happens at time t, back to the start. A path is right-continuous: at
/// an instant it is where the last of the instant's changes left it.
static DurStatus walk_back(Walk *w, double t, DurError *error) {
    if (w->lattice->model->clock == CLOCK_ROUNDS) return rounds_walk_back(w, t, error);
    const ModelQuantity *q = w->quantity;
    Evolution *e = &w->e;
    int32_t n_stretch = 1;
    for (double at = t; at > 0; at = stretch_start(w, at)) n_stretch++;
    if (w->has_hold) walk_hold(w);

    for (;;) {
        for (int32_t i = w->n_instant - 1; i >= 0; i--)
            if (w->instant[i].time == t) TRY(walk_instant(w, &w->instant[i], t, error));
        if (t <= 0) return DUR_OK;

        double start = stretch_start(w, t);
        bool inside = start >= q->from && t <= q->to;
        const Policy *policy = policy_before(w->plan, t);
        if (inside && w->has_hold) walk_hold(w);
        if (inside && w->has_reward) {
            if (w->reward) memcpy(e->reward, w->reward, (size_t)e->n_state * sizeof *e->reward);
            else           TRY(chain_jump_rate(policy, q->jump, e->reward, w->team));
            for (int64_t s = 0; s < e->n_state; s++) e->reward[s] *= w->reward_scale;
        }
        TRY(uniformize(e, policy, inside && w->has_reward, inside && w->has_hold, t - start, w->budget / n_stretch,
                       error));
        t = start;
    }
}

static double at_start(const Lattice *lattice, const double *value) {
    double sum = 0;
    for (int32_t k = 0; k < lattice->n_start; k++) sum += lattice->start_weight[k] * value[lattice->start_state[k]];
    return sum;
}

static double largest(const double *x, int64_t n) {
    double most = 0;
    for (int64_t i = 0; i < n; i++) most = fmax(most, fabs(x[i]));
    return most;
}

/// Error budget in the quantity's own units: absolute, but never wider than the quantity itself.
static double budget_of(double error_bound, double scale) {
    return scale > 0 ? error_bound * fmin(1, scale) : error_bound;
}

// ---- max: one passage for each level ----------------------------------------------------------------------

/// Distinct values of a column, rising; those that differ by rounding alone count once. EXACT_LEVELS_MAX + 1 if more.
static int32_t levels_of(const double *x, int64_t n, double *level) {
    double near = 1e-12 * largest(x, n);
    int32_t n_level = 0;
    for (int64_t i = 0; i < n; i++) {
        int32_t k = 0;
        while (k < n_level && level[k] < x[i] - near) k++;
        if (k < n_level && level[k] <= x[i] + near) continue;
        if (n_level == EXACT_LEVELS_MAX) return EXACT_LEVELS_MAX + 1;
        memmove(level + k + 1, level + k, (size_t)(n_level - k) * sizeof *level);
        level[k] = x[i];
        n_level++;
    }
    return n_level;
}

/// E max = lowest level + sum over levels of (step up to it) * P(it is reached in the window).
static DurStatus walk_max(Walk *w, double error_bound, double *value, double *bound, DurError *error) {
    const ModelQuantity *q = w->quantity;
    double level[EXACT_LEVELS_MAX], *x = memory_column(w->lattice->n_state);
    if (!x) return DUR_MEMORY;
    DurStatus status = fill(w->lattice, q->x, x, w->team, error);
    if (status != DUR_OK) goto out;
    int32_t n_level = levels_of(x, w->lattice->n_state, level);
    if (n_level > EXACT_LEVELS_MAX) {
        status = status_fail(error, DUR_UNSUPPORTED, "`%s` takes more than %d values on the lattice, so its maximum "
                             "cannot be had exactly", q->text, EXACT_LEVELS_MAX);
        goto out;
    }
    double near = 1e-12 * largest(x, w->lattice->n_state), range = level[n_level - 1] - level[0];
    *value = level[0];
    *bound = near;
    w->e.total = q->to * (n_level - 1);
    w->budget = range > 0 ? budget_of(error_bound, range) / range : error_bound;
    for (int32_t k = 1; k < n_level; k++) {
        for (int64_t s = 0; s < w->e.n_state; s++) {
            w->settled[s] = x[s] >= level[k] - near ? 2 : 0;
            w->e.hold[s] = w->settled[s] != 0;
            w->e.value[s] = 0;
        }
        w->e.error = 0;
        status = walk_back(w, q->to, error);
        if (status != DUR_OK) goto out;
        *value += (level[k] - level[k - 1]) * at_start(w->lattice, w->e.value);
        *bound += (level[k] - level[k - 1]) * w->e.error;
    }

out:
    memory_free(x);
    return status;
}

// ---- quantities -------------------------------------------------------------------------------------------

/// The time after which nothing but the last policy's chain goes on.
static double settled_time(const Walk *w, double from) {
    double t = fmax(from, w->plan->step[w->plan->n_step - 1].start);
    for (int32_t i = 0; i < w->n_instant; i++) t = fmax(t, w->instant[i].time);
    return t;
}

static DurStatus long_run(const Walk *w, double error_bound, CheckAnswer *out, const Progress *progress,
                          DurError *error) {
    const Lattice *l = w->lattice;
    uint8_t *inside = memory_zeroed((size_t)l->n_state, 1);
    double *x = memory_column(l->n_state);
    DurStatus status = inside && x ? fill(l, w->quantity->x, x, w->team, error) : DUR_MEMORY;
    if (status == DUR_OK) status = limit_reachable(l, w->plan, inside);
    if (status == DUR_OK && l->model->clock == CLOCK_ROUNDS)
        status = rounds_after_choices(w->plan->step[w->plan->n_step - 1].policy, x, w->team);
    bool closed = true;
    if (status == DUR_OK)
        status = limit_mean(w->plan->step[w->plan->n_step - 1].policy, x, inside,
                            budget_of(error_bound, largest(x, l->n_state)), &out->low, &out->high, &closed, w->team,
                            progress, error);
    out->value = (out->low + out->high) / 2;
    if (!closed)
        out->note = "the bounds did not meet: what happens in the long run depends on how the run went, or the chain "
                    "forgets its past too slowly";
    memory_free(x);
    memory_free(inside);
    return status;
}

/// All but MAX and LONG_RUN: one pass.
static DurStatus walk_once(Walk *w, double error_bound, CheckAnswer *out, DurError *error) {
    const ModelQuantity *q = w->quantity;
    const Lattice *l = w->lattice;
    Evolution *e = &w->e;
    double length = q->to - q->from, end = q->to;
    if (l->model->clock == CLOCK_ROUNDS && isfinite(q->to)) length = (double)rounds_in(q->from, q->to);
    w->budget = error_bound;
    w->reward_scale = 1;
    switch (q->kind) {
        case QUANTITY_AT:
            TRY(fill(l, q->x, e->value, w->team, error));
            if (q->is_probability)
                for (int64_t s = 0; s < e->n_state; s++) e->value[s] = e->value[s] != 0.0;
            w->budget = budget_of(error_bound, largest(e->value, e->n_state));
            break;
        case QUANTITY_WITHIN:     TRY(settle(w, q->x, true, PROGRAM_NONE, error)); break;
        case QUANTITY_THROUGHOUT: TRY(settle(w, q->x, false, PROGRAM_NONE, error)); break;
        case QUANTITY_UNTIL:
            TRY(settle(w, q->until, true, q->x, error));
            if (isfinite(q->to)) break;
            // from the time on when nothing else changes, the chain runs for ever
            end = settled_time(w, q->from);
            walk_hold(w);
            bool bounded;
            const Policy *last = w->plan->step[w->plan->n_step - 1].policy;
            if (l->model->clock == CLOCK_ROUNDS) TRY(rounds_ever(w, last, error_bound / 2, &bounded, error));
            else TRY(limit_ever(e, last, error_bound / 2, &bounded, error));
            w->budget = error_bound / 2;
            // what cannot succeed under the last policy may do so under an earlier one
            for (int64_t s = 0; s < l->n_state; s++) e->hold[s] = w->settled[s] != 0;
            if (!bounded)
                out->note = "the time until the matter is settled could not be bounded, so neither could the error";
            break;
        case QUANTITY_MEAN:
        case QUANTITY_TOTAL:
            w->reward = memory_column(e->n_state);
            if (!w->reward) return DUR_MEMORY;
            TRY(fill(l, q->x, w->reward, w->team, error));
            if (q->kind == QUANTITY_MEAN && length > 0) w->reward_scale = 1 / length;
            if (q->kind == QUANTITY_MEAN && length <= 0)
                memcpy(e->value, w->reward, (size_t)e->n_state * sizeof *e->value);
            w->budget = budget_of(error_bound, largest(w->reward, e->n_state) * (length * w->reward_scale));
            break;
        case QUANTITY_COUNT:
        case QUANTITY_MAX:
        case QUANTITY_LONG_RUN: break;
    }
    e->total = end;
    TRY(walk_back(w, end, error));
    out->value = at_start(l, e->value);
    double bound = e->error;
    if (q->kind == QUANTITY_THROUGHOUT) out->value = 1 - out->value;
    out->low = out->value - bound;
    out->high = out->value + bound;
    if (q->is_probability) {
        out->value = fmin(fmax(out->value, 0), 1);
        out->low = fmin(fmax(out->low, 0), out->value);
        out->high = fmax(fmin(out->high, 1), out->value);
    }
    return DUR_OK;
}

double check_exact_bytes(const Lattice *lattice, int32_t quantity) {
    const ModelQuantity *q = &lattice->model->quantity[quantity];
    double n = (double)lattice->n_state, bytes = evolution_bytes(lattice, true, true) + n * 9;
    bool endless = q->kind == QUANTITY_LONG_RUN || (q->kind == QUANTITY_UNTIL && !isfinite(q->to));
    return bytes + (endless ? 8.0 * LIMIT_COLUMNS * n + chain_lines_bytes(lattice) : 0);
}

// whether an actor with types does what others do not expect: then the belief is not what they are (decision 011)
static bool surprises_by_types(const Plan *plan) {
    for (int32_t k = 0; k < plan->n_step; k++) {
        const Policy *p = plan->step[k].policy;
        if (p->is_surprise && p->lattice->model->actor[p->rule.actor].private >= 0) return true;
    }
    return false;
}

DurStatus check_exact(CheckAnswer *out, const CheckPlans *plans, int32_t quantity, double error_bound, Team *team,
                      const Progress *progress, DurError *error) {
    const Lattice *l = plans->lattice;
    const Model *model = l->model;
    const ModelQuantity *q = &model->quantity[quantity];
    const Plan *plan = plans->plan[q->policy < 0 ? 0 : 1 + q->policy];
    assert(plan && plan->n_step > 0);
    double begun = progress_seconds();
    error_bound = EXACT_AIM * (error_bound > 0 ? error_bound : CHECK_ERROR);
    *out = (CheckAnswer){.method = CHECK_EXACT, .confidence = 1};

    // tell the memory before it is taken, and refuse what the machine has not got
    double bytes = check_exact_bytes(l, quantity);
    int64_t available = memory_available();
    if (available > 0 && bytes > (double)available)
        return status_fail(error, DUR_LIMIT, "an exact answer for `%s` takes %.0f MB and %.0f MB are free", q->text,
                           bytes / 1e6, (double)available / 1e6);
    char note[64];
    snprintf(note, sizeof note, "%.0f MB", ceil(bytes / 1e6));
    progress_tell(progress, "exact answer", 0, 0, note);

    Walk w = {.lattice = l, .plan = plan, .quantity = q, .team = team};
    w.has_hold = q->kind == QUANTITY_WITHIN || q->kind == QUANTITY_THROUGHOUT || q->kind == QUANTITY_UNTIL ||
                 q->kind == QUANTITY_MAX;
    bool dated = q->kind == QUANTITY_COUNT && model->jump[q->jump].kind == JUMP_DATED;
    w.has_reward = q->kind == QUANTITY_MEAN || q->kind == QUANTITY_TOTAL || (q->kind == QUANTITY_COUNT && !dated);
    DurStatus status = DUR_MEMORY;
    w.instant = memory_alloc((size_t)(plan->n_step + model->n_jump) * sizeof *w.instant);
    if (!w.instant) goto out;
    double until = q->kind == QUANTITY_LONG_RUN || !isfinite(q->to) ? INFINITY : q->to;
    w.n_instant = instants_of(model, plan, until, w.instant);

    if (q->kind == QUANTITY_LONG_RUN) {
        status = long_run(&w, error_bound, out, progress, error);
        goto out;
    }
    if (w.has_hold && !(w.settled = memory_zeroed((size_t)l->n_state, 1))) goto out;
    status = evolution_make(&w.e, l, w.has_reward, w.has_hold, team, progress);
    if (status != DUR_OK) goto out;
    if (q->kind == QUANTITY_MAX) {
        double bound = 0;
        status = walk_max(&w, error_bound, &out->value, &bound, error);
        out->low = out->value - bound;
        out->high = out->value + bound;
    } else {
        status = walk_once(&w, error_bound, out, error);
    }

out:
    if (status == DUR_OK && !out->note && out->high - out->low > 2 * error_bound / EXACT_AIM)
        out->note = "the bounds are wider than asked: rounding adds up over so many steps, or so long a time";
    if (status == DUR_OK && !out->note && surprises_by_types(plan))
        out->note = "this takes the belief for the shares of types, which it is not once one of them surprises; runs with `--lattice` have true types";
    if (status == DUR_MEMORY)
        status_fail(error, status, "out of memory for an exact answer on %lld states", (long long)l->n_state);
    evolution_free(&w.e);
    memory_free(w.reward);
    memory_free(w.settled);
    memory_free(w.instant);
    out->seconds = progress_seconds() - begun;
    return status;
}

// ---- can it be had? ---------------------------------------------------------------------------------------

/// Levels of a program over the nodes of the variables it reads, or -1 if there are too many nodes to look at.
static int32_t count_levels(const Lattice *l, ProgramId program) {
    const Model *model = l->model;
    double combinations = 1, *x = NULL;
    int32_t n = -1, node[MODEL_VARIABLES_MAX] = {0}, n_node[MODEL_VARIABLES_MAX];
    double state[MODEL_VARIABLES_MAX], level[EXACT_LEVELS_MAX];
    for (int32_t v = 0; v < model_variables(model); v++) {
        bool reads = false;   // beliefs about one actor share an axis
        for (int32_t u = 0; u < model_variables(model); u++)
            reads |= l->axis[u] == v && (model->program[program].reads >> u & 1);
        n_node[v] = reads ? l->n_node[v] : 1;
        combinations *= n_node[v];
    }
    if (combinations > EXACT_NODES_MAX) return -1;
    int64_t n_x = (int64_t)combinations;
    if (!(x = memory_column(n_x))) return -1;
    for (int64_t i = 0; i < n_x; i++) {
        lattice_levels(l, node, state);
        x[i] = eval_state(model, program, state, l->param, NULL, NULL);
        for (int32_t v = 0; v < model_variables(model) && ++node[v] == n_node[v]; v++) node[v] = 0;
    }
    n = levels_of(x, n_x, level);
    memory_free(x);
    return n;
}

bool check_is_exact(const Lattice *lattice, int32_t quantity, const char **why) {
    const ModelQuantity *q = &lattice->model->quantity[quantity];
    const char *reason = NULL;
    if (q->kind == QUANTITY_MAX) {
        int32_t n = count_levels(lattice, q->x);
        if (n < 0) reason = "the maximum is of an expression that reads too many variables to be had exactly";
        if (n > EXACT_LEVELS_MAX) reason = "the maximum is of an expression that takes more than 64 values on the lattice";
    }
    if (why) *why = reason;
    return reason == NULL;
}
