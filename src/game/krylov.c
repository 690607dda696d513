#include "game/krylov.h"

#include "base/memory.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/// How much of the residual a linear solve leaves: a tangent costs as much as a dozen sweeps, which bring about this much.
#define REDUCE 0.1
/// With the averaged chain sweeps bring more: the first step leaves this much.
#define REDUCE_AVERAGED 0.03
/// The last step may leave more, but what GMRES measures is not quite the residual of the equations.
#define REDUCE_MOST 0.15
/// Near a solution, and where systems are solved in few sweeps, it leaves what the tangent is off by there, but no less than
/// single precision can tell.
#define REDUCE_LEAST 1e-4
/// Far from a solution the tangent says little, and a linear solve leaves up to this much. Near, what it leaves falls with the
/// square of what the step before brought. Source: Eisenstat and Walker 1996, choice 2.
#define REDUCE_FAR 0.5
/// Sweeps of one linear solve.
#define LINEAR_SWEEPS 180
/// With private types: residual from which shifts of beliefs may step jointly with the values.
#define JOINT_NEAR 2e-2
/// What a step may bring while held states go their own ways, in times the residual before.
#define HELD_GROWTH 10.0
/// Sweeps of a linear system for which a correction is made, and of one that began with a correction for which another is; the most that one makes,
/// and how much it may leave then; corrections that are made in all.
#define SLOW_SWEEPS 10
#define SLOW_CORRECTED 15
#define CORRECTED_SWEEPS 24
#define CORRECTED_ENOUGH 0.5
#define CORRECTIONS_MOST 6
/// How rough what is left must be along a stock that is to keep its nodes.
#define ROUGH_LEAST 0.05
/// Shortest fraction of a step that is tried.
#define FRACTION_LEAST (1.0 / 64)

Krylov *krylov_make(const Lattice *l, const LatticeRule *rule, Team *team, int32_t window, const Progress *progress) {
    Krylov *k = memory_zeroed(1, sizeof *k);
    if (!k) return NULL;
    k->lattice = l;
    k->rule = rule;
    k->kept = -1;
    k->n = (int64_t)model_rows(l->model) * l->n_state;
    k->n_all = k->n + (l->model->n_private ? policy_shifts(l, NULL) : 0);
    k->progress = progress;
    k->max_sweep = k->limit = INT64_MAX;
    k->tangent = tangent_make(l, rule, team);
    if (k->n < TANGENT_SHARED) team = NULL;
    k->team = team;
    if (k->tangent) tangent_heed(k->tangent, progress);
    k->gmres = gmres_make(k->n, window, team);
    k->miss = memory_floats(k->n);
    k->swept = memory_floats(k->n);
    k->d = memory_floats(k->n);
    if (!k->tangent || !k->gmres || !k->miss || !k->swept || !k->d) {
        krylov_free(k);
        return NULL;
    }
    return k;
}

void krylov_free(Krylov *k) {
    if (!k) return;
    memory_free(k->d);
    memory_free(k->swept);
    memory_free(k->miss);
    correction_free(k->correction);
    aggregate_free(k->aggregate);
    gmres_free(k->gmres);
    tangent_free(k->tangent);
    memory_free(k);
}

double krylov_bytes(const Lattice *l, int32_t window) {
    double n = (double)model_rows(l->model) * (double)l->n_state;
    return tangent_bytes(l) + gmres_bytes((int64_t)n, window) + aggregate_bytes(l) + 3 * 4.0 * n;
}

static void precondition_by(Krylov *k, Aggregate *aggregate) {
    aggregate_free(k->aggregate);
    k->aggregate = aggregate;
    gmres_precondition(k->gmres, aggregate ? &(GmresPrecondition){aggregate_begin, aggregate_correct, aggregate} : NULL);
}

DurStatus krylov_aggregate(Krylov *k, const Policy *policy) {
    if (!aggregate_pays(k->lattice)) return DUR_OK;
    Aggregate *a;
    TRY(aggregate_make(&a, k->lattice, policy, k->team, k->progress));
    precondition_by(k, a);
    return DUR_OK;
}

void krylov_uncorrect(Krylov *k) {
    correction_free(k->correction);
    k->correction = NULL;
    k->corrects = k->is_slow = false;
}

int64_t krylov_spent(const Krylov *k) { return k->n_sweep + TAKE_SWEEPS * k->n_take; }

void krylov_allow(Krylov *k, int64_t most, int64_t max_sweep) {
    int64_t spent = krylov_spent(k);
    k->max_sweep = most < max_sweep - spent ? spent + most : max_sweep;
}

bool krylov_is_spent(const Krylov *k) { return krylov_spent(k) >= k->max_sweep || krylov_spent(k) >= k->limit; }

int64_t krylov_limit_on(int64_t left, const Lattice *from, const Lattice *to) {
    if (left <= 0) return 0;
    double sweeps = (double)left * ((double)from->n_state / (double)to->n_state);
    return sweeps < 1e18 ? (int64_t)sweeps : INT64_MAX;
}

// sweeps that a linear system may take: `most`, and what the limit leaves, but one at least
static int64_t allowed(const Krylov *k, int64_t most) {
    int64_t left = k->limit - krylov_spent(k);
    return left < 1 ? 1 : left < most ? left : most;
}

static DurStatus sweep(void *context, const float *r, float *d) {
    Krylov *k = context;
    tangent_sweep(k->tangent, r, d);
    k->n_sweep += tangent_passes(k->tangent);
    return progress_stop(k->progress) ? DUR_INTERRUPTED : DUR_OK;
}

DurStatus krylov_linear(Krylov *k, const float *right, const float *swept, double reduce, float *x,
                        double *reduced) {
    GmresResult result;
    if (k->correction && swept) {
        TRY(correction_guess(k->correction, right, x));
        k->coarse_work += correction_work(k->correction);
        double whole = floor(k->coarse_work);
        k->n_sweep += (int64_t)whole;
        k->coarse_work -= whole;
        TRY(gmres_solve(&result, k->gmres, sweep, k, right, swept, true, reduce, allowed(k, CORRECTED_SWEEPS), x));
        if (reduced) *reduced = result.reduced;
        // where it says little: without it
        if (result.reduced <= CORRECTED_ENOUGH) return DUR_OK;
    }
    bool is_capped = k->linear_most > 0;
    int64_t most = is_capped ? k->linear_most : LINEAR_SWEEPS;
    DurStatus status = gmres_solve(&result, k->gmres, sweep, k, right, swept, false, reduce, allowed(k, most), x);
    if (status == DUR_OK && k->aggregate && result.reduced > reduce && (result.stalled || !is_capped)) {
        // the average says little here: without it
        precondition_by(k, NULL);
        status = gmres_solve(&result, k->gmres, sweep, k, right, swept, false, reduce, allowed(k, LINEAR_SWEEPS), x);
    }
    if (reduced) *reduced = result.reduced;
    return status;
}

// eight running maxima, so that a compiler may use vectors; a maximum is the same in any order
double krylov_size(const double *x, int64_t n) {
    double top[8] = {0};
    int64_t i = 0;
    for (; i + 8 <= n; i += 8)
        for (int k = 0; k < 8; k++) top[k] = fabs(x[i + k]) > top[k] ? fabs(x[i + k]) : top[k];
    for (; i < n; i++) top[0] = fabs(x[i]) > top[0] ? fabs(x[i]) : top[0];
    for (int k = 1; k < 8; k++) top[0] = top[k] > top[0] ? top[k] : top[0];
    return top[0];
}

void krylov_tell_sweeps(const Progress *progress, double *told, double scale, double residual, double tolerance, int64_t n_sweep) {
    double now = progress_seconds();
    if (now - *told < 0.1) return;
    *told = now;
    char note[128];
    snprintf(note, sizeof note, "precision x%.3g, residual %.1e, sweep %lld", scale, residual, (long long)n_sweep);
    // residuals fall by a factor a sweep, so their logarithm tells how far it is
    double end = -log10(tolerance), at = residual > 0 ? -log10(residual) : end;
    progress_tell(progress, "solving", at < 0 ? 0 : at, end, note);
}

void krylov_tell(Krylov *k, double scale, double residual, double tolerance) {
    krylov_tell_sweeps(k->progress, &k->told, scale, residual, tolerance, krylov_spent(k));
}

/// Parts of all values that are one task each, whatever the number of threads.
#define PARTS 32

typedef struct Step {
    const Krylov *k;
    double *value, by;
    double size[PARTS];
} Step;

static void task_step(void *context, int64_t part, int worker) {
    (void)worker;
    Step *s = context;
    int64_t from = s->k->n * part / PARTS, to = s->k->n * (part + 1) / PARTS;
    const float *d = s->k->d;
    if (s->by != 0)
        for (int64_t i = from; i < to; i++) s->value[i] += s->by * (double)d[i];
    s->size[part] = krylov_size(s->value + from, to - from);
}

double krylov_step(Krylov *k, double by, double *value) {
    Step s = {.k = k, .value = value, .by = by};
    team_run(k->team, task_step, &s, PARTS);
    return krylov_size(s.size, PARTS);
}

void krylov_lag(Krylov *k, double lag) {
    tangent_lag(k->tangent, lag);
    if (k->aggregate) aggregate_lag(k->aggregate, lag);
}

double krylov_discount(const Krylov *k) {
    const Lattice *l = k->lattice;
    double rho = 0;
    for (int32_t i = 0; i < l->model->n_actor; i++) rho = l->actor[i].rho > rho ? l->actor[i].rho : rho;
    return rho;
}

// a step of `by` times d, and the tangent there
static double take(Krylov *k, double by, double scale, double *value) {
    // shifts follow the values; where that leads to and fro near a solution they step with them instead, and where that does they follow again
    if (!k->holds && (k->n_idle > (k->is_joint ? 1 : 0) || !(k->residual <= JOINT_NEAR))) {
        k->is_joint = !k->is_joint && k->residual <= JOINT_NEAR;
        k->n_idle = 0;
    }
    tangent_joint(k->tangent, k->is_joint);
    double size = krylov_step(k, by, value), miss = tangent_take(k->tangent, scale, value, k->miss, NULL);
    k->n_take++;
    k->residual = krylov_relative(miss, size);
    k->n_idle = k->residual < 0.5 * k->best ? 0 : k->n_idle + 1;
    if (k->residual < 0.5 * k->best) k->best = k->residual;
    return k->residual;
}

double krylov_take(Krylov *k, double scale, double *value, float *slope) {
    double size = krylov_step(k, 0, value), miss = tangent_take(k->tangent, scale, value, k->miss, slope);
    k->n_take++;
    return size > 0 ? miss / size : miss;
}

bool krylov_is_cut(const Krylov *k, double residual) { return !isfinite(residual) && progress_stop(k->progress); }

static void task_zero(void *context, int64_t part, int worker) {
    (void)worker;
    Krylov *k = context;
    int64_t from = k->n * part / PARTS, to = k->n * (part + 1) / PARTS;
    memset(k->swept + from, 0, (size_t)(to - from) * sizeof *k->swept);
}

DurStatus krylov_measure(Krylov *k, double *length) {
    team_run(k->team, task_zero, k, PARTS);
    DurStatus status = sweep(k, k->miss, k->swept);
    *length = sqrt(gmres_dot(k->gmres, k->swept, k->swept));
    return status;
}

// A correction, or a better one: with the tangent as it is now, and with the nodes of the stock along which what is left is rough
static DurStatus correct(Krylov *k, double scale, const double *value) {
    if (k->correction) {
        double rough;
        int32_t v = correction_roughest(k->lattice, k->swept, k->team, &rough);
        if (rough >= ROUGH_LEAST) k->kept = v;
    }
    krylov_uncorrect(k);
    if (++k->n_correction > CORRECTIONS_MOST) return DUR_OK;
    k->corrects = true;
    return correction_make(&k->correction, k->lattice, k->rule, k->team, k->kept, scale, value, k->progress);
}

static DurStatus newton(KrylovResult *out, Krylov *k, double scale, double tolerance, int32_t max_step, double *value) {
    bool is_zero = krylov_size(value, k->n) == 0;
    double residual = take(k, 0, scale, value), length, forcing = k->is_far ? REDUCE_FAR : k->aggregate ? REDUCE_AVERAGED : REDUCE;
    for (bool is_measured = false;;) {
        if (krylov_is_cut(k, residual)) return DUR_INTERRUPTED;
        out->residual = residual;
        krylov_tell(k, scale, residual, tolerance);
        if (residual <= tolerance) { out->converged = true; return DUR_OK; }
        if (out->n_step >= max_step || krylov_is_spent(k) || isnan(residual)) return DUR_OK;
        if (!is_zero && !isfinite(residual)) return DUR_OK;
        if (!is_measured) TRY(krylov_measure(k, &length));

        // no more than is wanted, no less than pays
        double reduce = forcing, enough = 0.2 * tolerance / residual;
        if (enough > reduce) reduce = enough < REDUCE_MOST ? enough : REDUCE_MOST;
        if (k->is_slow) TRY(correct(k, scale, value));
        int64_t n_sweep = k->n_sweep;
        TRY(krylov_linear(k, k->miss, k->swept, reduce, k->d, NULL));
        k->is_slow = k->corrects && k->n_sweep - n_sweep > (k->correction ? SLOW_CORRECTED : SLOW_SWEEPS);
        out->n_step++;

        // shortened until the equations are nearer to solved
        double fraction = 1, by = 1, before = residual, length_before = length;
        for (;;) {
            residual = take(k, by, scale, value);
            is_measured = residual > tolerance;
            if (residual <= tolerance || (is_zero && !isnan(residual))) {
                if (is_measured) TRY(krylov_measure(k, &length));
                break;
            }
            TRY(krylov_measure(k, &length));
            if (length <= (1 - 0.1 * fraction) * length_before || (k->holds && residual <= HELD_GROWTH * before)) break;
            if (fraction / 2 < FRACTION_LEAST || k->only_whole || krylov_is_spent(k)) {
                krylov_step(k, -fraction, value);
                out->residual = before;
                return DUR_OK;
            }
            fraction /= 2;
            by = -fraction;
        }
        out->n_short += fraction < 1;
        double brought = is_measured ? length / length_before : 1;
        if (k->aggregate && !k->is_far && is_measured) {
            forcing = 0.9 * brought * brought;
            forcing = forcing < REDUCE_LEAST ? REDUCE_LEAST : forcing < REDUCE ? forcing : REDUCE;
        }
        if (k->is_far && is_measured) {
            double safe = 0.9 * forcing * forcing;
            forcing = 0.9 * brought * brought;
            // not at once, after steps that were solved badly
            if (safe > 0.1 && safe > forcing) forcing = safe;
            forcing = forcing < REDUCE ? REDUCE : forcing < REDUCE_FAR ? forcing : REDUCE_FAR;
        }
        is_zero = false;
    }
}

DurStatus krylov_solve(KrylovResult *out, Krylov *k, double scale, double tolerance, int32_t max_step, double *value) {
    *out = (KrylovResult){.residual = INFINITY};
    k->residual = k->best = INFINITY;
    k->is_joint = false;
    k->n_idle = 0;
    if (k->holds) TRY(tangent_hold(k->tangent, TANGENT_HOLD_STEP));
    DurStatus status = newton(out, k, scale, tolerance, max_step, value);
    tangent_joint(k->tangent, false);
    tangent_hold(k->tangent, TANGENT_HOLD_NONE);
    if (status != DUR_INTERRUPTED) return status;
    out->interrupted = true;
    return DUR_OK;
}
