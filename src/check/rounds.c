/// Exact answers in rounds: a function carried back round by round, and matters that need only be settled some day.
///
/// A run shows its state twice a round: at the beginning, after what has a date then, and after the choices. Conditions and maxima
/// look at both; `at` sees the beginning; means and totals are over the states after the choices, one a round, which is where
/// payoffs are taken. ORDER: the looks of a round, also in sim/rounds.c.
#include "base/memory.h"
#include "check/walk.h"
#include "lattice/round.h"
#include "num/gmres_double.h"
#include "num/linear.h"

#include <float.h>
#include <math.h>
#include <string.h>

/// Linear solves without end: relative tolerance, applications, memory, and times that one is tried again.
#define EVER_TOLERANCE 1e-13
#define EVER_APPLIES   4000
#define EVER_KEEP      60

static const Policy *policy_of(const Plan *plan, int64_t round) {
    int32_t i = 0;
    while (i + 1 < plan->n_step && rounds_from(plan->step[i + 1].start) <= round) i++;
    return plan->step[i].policy;
}

static void turn_over(Evolution *e) {
    double *swap = e->value;
    e->value = e->next;
    e->next = swap;
}

// one round back: value is of the next beginning, and becomes that of this one, before its looks
static DurStatus round_back(Walk *w, const Policy *policy, RoundCount count, bool has_reward, bool holds) {
    Evolution *e = &w->e;
    TRY(round_after(w->lattice, count, 1.0, e->value, e->next, e->power, w->team));
    turn_over(e);
    if (has_reward) for (int64_t s = 0; s < e->n_state; s++) e->value[s] += w->reward_scale * w->reward[s];
    if (holds) walk_hold(w);
    for (int32_t k = round_stages(w->lattice->model) - 1; k >= 0; k--) {
        TRY(round_choices(policy, k, -1, -1, count, e->value, e->next, w->team));
        turn_over(e);
    }
    return DUR_OK;
}

DurStatus rounds_walk_back(Walk *w, double t, DurError *error) {
    const ModelQuantity *q = w->quantity;
    Evolution *e = &w->e;
    // without an end, t is when the last thing happens that is not every round's
    bool is_endless = !isfinite(q->to);
    int64_t last = is_endless ? rounds_from(t) : rounds_until(t), first = rounds_from(q->from);
    int64_t until = is_endless ? INT64_MAX : last;
    // rounds inside: a window that ends within its first one holds that one
    int64_t end = is_endless || q->kind == QUANTITY_AT ? until : first + rounds_in(q->from, q->to);
    if (w->has_reward && end > last) last = end;
    double rounding = round_rounding(w->lattice), largest = vector_sup(e->value, e->n_state);

    for (int64_t k = last;; k--) {
        // at the beginning: the look, and before it what happens then
        if (w->has_hold && k >= first && k <= until) walk_hold(w);
        for (int32_t i = w->n_instant - 1; i >= 0; i--)
            if (rounds_from(w->instant[i].time) == k)
                TRY(walk_instant(w, &w->instant[i], k >= first && k <= until ? q->from : -1, error));
        if (k == 0) break;
        if (progress_stop(e->progress)) return status_fail(error, DUR_INTERRUPTED, "the exact answer was interrupted");
        double now = progress_seconds();
        if (now - e->told > 0.1) {
            e->told = now;
            progress_tell(e->progress, "exact answer", (double)(last - k), (double)last, "rounds");
        }
        // the round k - 1
        bool inside = k - 1 >= first && k - 1 < end;
        RoundCount count = {-1, inside && q->kind == QUANTITY_COUNT ? q->jump : -1};
        TRY(round_back(w, policy_of(w->plan, k - 1), count, inside && w->reward != NULL,
                       w->has_hold && inside && k - 1 < until));
        e->n_apply++;
        largest = fmax(largest, vector_sup(e->value, e->n_state));
        e->error += rounding * largest;
    }
    return DUR_OK;
}

DurStatus rounds_after_choices(const Policy *policy, double *x, Team *team) {
    int64_t n = policy->lattice->n_state;
    double *room = memory_column(n);
    if (!room) return DUR_MEMORY;
    DurStatus status = DUR_OK;
    for (int32_t k = round_stages(policy->lattice->model) - 1; k >= 0 && status == DUR_OK; k--) {
        status = round_choices(policy, k, -1, -1, (RoundCount){-1, -1}, x, room, team);
        memcpy(x, room, (size_t)n * sizeof *x);
    }
    memory_free(room);
    return status;
}

// ---- ever ---------------------------------------------------------------------------------------------------------

typedef struct Ever {
    Walk *walk;
    const Policy *policy;
    const uint8_t *settled, *lost;   // [n_state] answers given; states that nothing can be reached from
    double *room, *middle;           // [n_state]
    int64_t n_apply;
} Ever;

// y = one round back of x, the settled and the lost at 0 at both looks; with `held` the settled keep their answers, and with
// `pays` every look that is not settled counts one more
static DurStatus ever_round(Ever *v, const double *x, double *y, bool held, double pays) {
    static const RoundCount none = {-1, -1};
    Walk *w = v->walk;
    int64_t n = w->e.n_state;
    v->n_apply++;
    TRY(round_after(w->lattice, none, 1.0, x, y, v->room, w->team));
    for (int64_t s = 0; s < n; s++) {
        if (v->settled[s]) y[s] = held && v->settled[s] == 2 ? 1.0 : 0.0;
        else y[s] += pays;
    }
    for (int32_t k = round_stages(w->lattice->model) - 1; k >= 0; k--) {
        TRY(round_choices(v->policy, k, -1, -1, none, y, v->room, w->team));
        memcpy(y, v->room, (size_t)n * sizeof *y);
    }
    for (int64_t s = 0; s < n; s++) {
        if (v->settled[s]) y[s] = held && v->settled[s] == 2 ? 1.0 : 0.0;
        else if (v->lost[s]) y[s] = 0.0;
        else y[s] += pays;
    }
    return DUR_OK;
}

static DurStatus ever_apply(void *context, const double *x, double *y) {
    Ever *v = context;
    for (int64_t s = 0; s < v->walk->e.n_state; s++) v->middle[s] = v->settled[s] || v->lost[s] ? 0.0 : x[s];
    TRY(ever_round(v, v->middle, y, false, 0));
    for (int64_t s = 0; s < v->walk->e.n_state; s++) y[s] = x[s] - y[s];
    return progress_stop(v->walk->e.progress) ? DUR_INTERRUPTED : DUR_OK;
}

DurStatus rounds_ever(Walk *w, const Policy *policy, double budget, bool *bounded, DurError *error) {
    (void)budget;
    Evolution *e = &w->e;
    int64_t n = e->n_state;
    DurStatus status = DUR_MEMORY;
    uint8_t *lost = memory_zeroed((size_t)n, 1);
    double *b = memory_column(n), *z = memory_column(n), *room = memory_column(n), *middle = memory_column(n);
    Ever v = {.walk = w, .policy = policy, .settled = w->settled, .lost = lost, .room = room, .middle = middle};
    *bounded = true;
    if (!lost || !b || !z || !room || !middle) goto out;

    // from where can the matter come to 1 at all? backward, round by round: a state with some chance of it joins. A chance that is
    // there is not taken for none: where it joins it becomes 1
    for (int64_t s = 0; s < n; s++) z[s] = w->settled[s] == 2 ? 1.0 : 0.0;
    for (bool grew = true; grew;) {
        grew = false;
        status = progress_stop(e->progress) ? DUR_INTERRUPTED : ever_round(&v, z, b, true, 0);
        if (status != DUR_OK) goto out;
        for (int64_t s = 0; s < n; s++)
            if (!w->settled[s] && z[s] == 0.0 && b[s] > 0) { z[s] = 1.0; grew = true; }
    }
    int64_t n_free = 0;
    for (int64_t s = 0; s < n; s++) {
        lost[s] = !w->settled[s] && z[s] == 0.0;
        n_free += !w->settled[s] && !lost[s];
        z[s] = 0.0;
    }
    if (n_free > 0) {
        LinearSolve solve;
        // the mean number of looks until it is settled, or lost: m = T m + looks. Where that is off by at most half a look, 2 m is
        // a bound
        status = ever_round(&v, z, b, false, 1.0);
        if (status != DUR_OK) goto out;
        status = gmres_double(&solve, n, ever_apply, &v, b, EVER_TOLERANCE, EVER_APPLIES, EVER_KEEP, z);
        if (status != DUR_OK) goto out;
        status = ever_apply(&v, z, e->power);
        if (status != DUR_OK) goto out;
        double off = 0, longest = vector_sup(z, n);
        for (int64_t s = 0; s < n; s++) off = fmax(off, fabs(b[s] - e->power[s]));
        double rounding = round_rounding(w->lattice);
        *bounded = isfinite(longest) && off + rounding * longest <= 0.5;

        // the probability itself: p = T p + what a round settles at 1
        for (int64_t s = 0; s < n; s++) z[s] = w->settled[s] == 2 ? 1.0 : 0.0;
        status = ever_round(&v, z, b, true, 0);
        if (status != DUR_OK) goto out;
        for (int64_t s = 0; s < n; s++) {
            if (w->settled[s]) b[s] = 0.0;
            z[s] = 0.0;
        }
        status = gmres_double(&solve, n, ever_apply, &v, b, EVER_TOLERANCE, EVER_APPLIES, EVER_KEEP, z);
        if (status != DUR_OK) goto out;
        status = ever_apply(&v, z, e->power);
        if (status != DUR_OK) goto out;
        double residual = 0;
        for (int64_t s = 0; s < n; s++) residual = fmax(residual, fabs(b[s] - e->power[s]));
        e->error += *bounded ? fmin(1, 2 * longest * (residual + 2 * rounding)) : 1;
    }
    for (int64_t s = 0; s < n; s++)
        e->value[s] = w->settled[s] ? (w->settled[s] == 2 ? 1.0 : 0.0) : lost[s] ? 0.0 : fmin(fmax(z[s], 0.0), 1.0);
    e->n_apply += v.n_apply;
    status = DUR_OK;

out:
    if (status == DUR_INTERRUPTED) status_fail(error, status, "the exact answer was interrupted");
    memory_free(middle);
    memory_free(room);
    memory_free(z);
    memory_free(b);
    memory_free(lost);
    return status;
}
