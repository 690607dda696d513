/// The solver: which method is tried when.
///
/// 1. From values at hand (a solve after a small change): Newton's method on the exact tangent (krylov.h), a few steps.
/// 2. Else the principal branch is followed on a coarser lattice, and its end carried to this one (nest.h), where Newton's
///    method finishes; if values move little on the way, the coarse solution and this one belong together.
/// 3. Else the branch is followed on this lattice, around folds if there are some (branch.h).
/// 4. Else sweeps of the values themselves, mixed by Anderson: slower, but they need no tangent and are drawn to stable
///    equilibria from afar. What they find beyond the end of the branch is another equilibrium, and is called so.
///
/// Source: semantics, "Continuous clock"; the principal branch of McKelvey and Palfrey 1995.
#include "base/compiler.h"
#include "base/memory.h"
#include "game/certify.h"
#include "game/game.h"
#include "game/nest.h"
#include "game/newton.h"
#include "game/sweep.h"
#include "num/anderson.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/// Iterates that mixing remembers. More help little here and cost memory traffic: see doc/performance.md.
#define WINDOW 6
/// Mixing is done every so many sweeps; between, the sweep alone smooths what mixing stirs up, at a third of the cost.
/// Source of the scheme: Pratapa, Suryanarayana and Pask 2016, "Anderson acceleration of the Jacobi iterative method".
#define MIX_EVERY 2
/// Residual, relative, to which the steps below the stated precision are solved: they only have to stay on the branch.
#define STEP_TOLERANCE 1e-3
/// A step whose residual grows this much over the best seen is cycling; mixing starts over.
#define GROWTH_MOST 20.0
/// Sweeps without halving the best residual, after which a step is given up.
#define PATIENCE_SWEEPS 400
/// Smallest step of the continuation, as a factor on precision; below it the solver says where it stands.
#define FACTOR_LEAST 1.02

/// Dimensions of a Krylov space before it starts over. A linear solve takes about a dozen; hard ones gain from more.
#define KRYLOV_WINDOW 24
/// The same where memory counts: above this many values.
#define KRYLOV_WINDOW_LARGE 12
#define VALUES_LARGE 40000000
/// Newton steps from values at hand, and from a coarser lattice.
#define NEWTON_STEPS 30

typedef struct Run {
    const Lattice *lattice;
    const GameOptions *options;
    Team *team;
    Sweep *sweep;
    Anderson *mix;
    double *x, *g;               // [n_actor x n_state] iterate and its image
    int64_t n, n_sweep, max_sweep;
    double residual;             // of x, relative
    bool interrupted;
    double told;
} Run;

// eight running maxima, so that a compiler may use vectors; a maximum is the same in any order
static double largest(const double *x, int64_t n) {
    double top[8] = {0};
    int64_t i = 0;
    for (; i + 8 <= n; i += 8)
        for (int k = 0; k < 8; k++) {
            double size = fabs(x[i + k]);
            top[k] = size > top[k] ? size : top[k];
        }
    for (; i < n; i++) top[0] = fabs(x[i]) > top[0] ? fabs(x[i]) : top[0];
    for (int k = 1; k < 8; k++) top[0] = top[k] > top[0] ? top[k] : top[0];
    return top[0];
}

static void tell(Run *r, double scale, double tolerance) {
    double now = progress_seconds();
    if (now - r->told < 0.1) return;
    r->told = now;
    char note[128];
    snprintf(note, sizeof note, "precision x%.3g, residual %.1e, sweep %lld", scale, r->residual, (long long)r->n_sweep);
    // residuals fall by a factor a sweep, so their logarithm tells how far it is
    double start = 0, end = -log10(tolerance), at = r->residual > 0 ? -log10(r->residual) : end;
    progress_tell(r->options->progress, "solving", at < start ? start : at, end, note);
}

// iterate at one precision until the residual is at most `tolerance`; true if it got there
static bool settle(Run *r, double scale, double tolerance, bool mixed) {
    double best = INFINITY, best_then = INFINITY;
    int64_t since = 0;
    anderson_reset(r->mix);
    for (int64_t k = 0;; k++) {
        double miss = sweep_run(r->sweep, scale, r->x, r->g);
        r->n_sweep++;
        double size = largest(r->x, r->n);
        // values that are all zero are solved when nothing is missing
        r->residual = size > 0 ? miss / size : miss > 0 ? INFINITY : 0.0;
        tell(r, scale, tolerance);
        // what the sweep met on the way is not quite the residual of x: before the end it is measured
        if (r->residual <= tolerance) {
            double *t = r->x; r->x = r->g; r->g = t;
            size = largest(r->x, r->n);
            r->residual = sweep_residual(r->sweep, scale, r->x, r->g) / (size > 0 ? size : 1);
            if (r->residual <= tolerance) return true;
            continue;
        }
        if (r->n_sweep >= r->max_sweep) return false;
        if (progress_stop(r->options->progress)) { r->interrupted = true; return false; }

        if (r->residual < best) best = r->residual;
        if (best < 0.5 * best_then) { best_then = best; since = 0; }
        else if (++since > PATIENCE_SWEEPS && size > 0) return false;

        bool cycling = r->residual > GROWTH_MOST * best && k > 2 * WINDOW;
        if (!isfinite(miss)) return false;
        if (cycling) anderson_reset(r->mix);
        if (mixed && !cycling && k % MIX_EVERY == 0) anderson_step(r->mix, r->x, r->g, r->x);
        else { double *t = r->x; r->x = r->g; r->g = t; }
    }
}

// where sweeps give up, from `from`: Newton's method, which is not repelled by what best responses lead away from
static bool settle_by_newton(Run *r, double scale, double tolerance, const double *from, DurStatus *status) {
    if (r->interrupted || r->n_sweep >= r->max_sweep) return false;
    if (from != r->x) memcpy(r->x, from, (size_t)r->n * sizeof *r->x);
    *status = newton_solve(r->sweep, r->n, scale, tolerance, r->max_sweep, r->options->progress, r->x, &r->n_sweep,
                           &r->residual);
    if (*status == DUR_INTERRUPTED) {
        r->interrupted = true;
        *status = DUR_OK;
    }
    return *status == DUR_OK && !r->interrupted && r->residual <= tolerance;
}

// sweeps alone, from precision 0 (or the warm start) up to the stated precisions
static DurStatus follow_by_sweeps(Run *r, GameSolution *out) {
    out->is_principal = true;
    double tolerance = r->options->tolerance > 0 ? r->options->tolerance : GAME_TOLERANCE;
    double step_tolerance = tolerance > STEP_TOLERANCE ? tolerance : STEP_TOLERANCE;
    bool taste = r->lattice->model->choice == CHOICE_TASTE;
    double *kept = memory_column(r->n);   // the last step that was reached
    if (!kept) return DUR_MEMORY;
    DurStatus status = DUR_OK;

    // a warm start, and shocks (whose value has no limit at precision 0), try the game itself at once
    double reached = 0, factor = 4;
    if (r->options->warm || taste) {
        if (r->options->warm) memcpy(r->x, r->options->warm, (size_t)r->n * sizeof *r->x);
        out->n_step++;
        if (settle(r, 1.0, tolerance, true)) goto done;
        if (r->interrupted || r->n_sweep >= r->max_sweep) goto done;
        memset(r->x, 0, (size_t)r->n * sizeof *r->x);
    }
    if (!taste) {
        out->n_step++;
        if (!settle(r, 0.0, step_tolerance, true)) goto done;
    }
    memcpy(kept, r->x, (size_t)r->n * sizeof *kept);
    double scale = 1.0 / 16;
    for (;;) {
        if (scale > 1) scale = 1;
        out->n_step++;
        double wanted = scale < 1 ? step_tolerance : tolerance;
        if (settle(r, scale, wanted, true) || settle_by_newton(r, scale, wanted, kept, &status)) {
            if (scale >= 1) goto done;
            memcpy(kept, r->x, (size_t)r->n * sizeof *kept);
            reached = scale;
            scale *= factor;
            factor = factor * factor < 4 ? factor * factor : 4;
            continue;
        }
        if (status != DUR_OK || r->interrupted || r->n_sweep >= r->max_sweep) break;
        // this step was too long: back to the last one reached, and a shorter step
        memcpy(r->x, kept, (size_t)r->n * sizeof *kept);
        if (reached == 0) { scale /= 4; if (scale < 1e-6) break; continue; }
        factor = sqrt(factor);
        if (factor < FACTOR_LEAST) break;
        scale = reached * factor;
    }
    if (status != DUR_OK || r->interrupted) goto done;

    // the branch turns back before the stated precisions, or sweeps cannot hold on to it there. Another equilibrium may
    // still be near: look for one from where the branch was left, and say that it is another
    out->is_principal = false;
    double stands = r->residual;
    // mixing pulls towards what is near; bare sweeps go where best responses lead; from nothing they may lead elsewhere
    for (int attempt = 0; attempt < 3 && status == DUR_OK && r->n_sweep < r->max_sweep && !r->interrupted; attempt++) {
        if (attempt < 2) memcpy(r->x, kept, (size_t)r->n * sizeof *kept);
        else memset(r->x, 0, (size_t)r->n * sizeof *r->x);
        out->n_step++;
        if (!settle(r, 1.0, tolerance, attempt == 0) && !settle_by_newton(r, 1.0, tolerance, r->x, &status)) continue;
        snprintf(out->note, sizeof out->note,
                 "the principal branch could be followed up to %.4g times the stated precisions only; this is another "
                 "equilibrium, found beyond", reached);
        goto done;
    }
    snprintf(out->note, sizeof out->note,
             "the principal branch was followed up to %.4g times the stated precisions; beyond, the residual stays at %.2e "
             "after %lld sweeps", reached, stands, (long long)r->n_sweep);

done:
    memory_free(kept);
    return status;
}

static int32_t window_of(int64_t n) { return n > VALUES_LARGE ? KRYLOV_WINDOW_LARGE : KRYLOV_WINDOW; }

// what was done, in words
static void say_how(GameSolution *out, const char *format, ...) DUR_PRINTF(2, 3);
static void say_how(GameSolution *out, const char *format, ...) {
    size_t used = strlen(out->how);
    va_list list;
    va_start(list, format);
    vsnprintf(out->how + used, sizeof out->how - used, format, list);
    va_end(list);
}

// by Newton's method on the tangent; true if that did it. Otherwise `out->how` says why not
static DurStatus follow_by_tangents(Run *r, GameSolution *out, bool *done) {
    double tolerance = r->options->tolerance > 0 ? r->options->tolerance : GAME_TOLERANCE;
    DurStatus status = DUR_OK;
    *done = false;
    Krylov *k = krylov_make(r->lattice, r->options->rule, r->team, window_of(r->n), r->options->progress);
    if (!k) return DUR_MEMORY;
    k->max_sweep = r->max_sweep;
    KrylovResult n = {0};
    NestResult nest = {0};
    if (r->options->warm) {
        memcpy(r->x, r->options->warm, (size_t)r->n * sizeof *r->x);
        status = krylov_solve(&n, k, 1.0, tolerance, NEWTON_STEPS, r->x);
        out->n_step += n.n_step;
        if (status != DUR_OK || n.interrupted || n.converged) {
            say_how(out, "Newton-Krylov from values at hand: %d steps", n.n_step);
            goto done;
        }
        say_how(out, "Newton-Krylov from values at hand stalled at %.1e; ", n.residual);
    }
    status = nest_solve(&nest, k, r->options->rule, r->team, tolerance, r->x);
    r->n_sweep += (int64_t)ceil(nest.work);
    n = (KrylovResult){.residual = nest.residual, .converged = nest.found, .interrupted = nest.interrupted};
    out->n_step += nest.n_step;
    out->n_fold = nest.n_fold;
    if (status != DUR_OK || nest.interrupted) goto done;
    if (nest.found) {
        say_how(out, "the principal branch on %lld states (%d folds), carried through %d lattice%s to this one by Newton-Krylov",
                (long long)nest.coarsest, nest.n_fold, nest.n_level, nest.n_level == 1 ? "" : "s");
        goto done;
    }
    if (nest.coarsest > 0) say_how(out, "coarser lattices were no guide; ");
    BranchResult b;
    status = branch_follow(&b, k, tolerance, r->x);
    if (status != DUR_OK) goto done;
    n = (KrylovResult){.residual = b.residual, .converged = b.converged, .interrupted = b.interrupted};
    out->n_step += b.n_step;
    out->n_fold = b.n_fold;
    if (b.converged || b.interrupted)
        say_how(out, "the principal branch by Newton-Krylov: %d points, %d folds", b.n_step, b.n_fold);
    else
        say_how(out, "the principal branch by Newton-Krylov was lost at %.4g times the stated precisions after %d folds; ",
                b.reached, b.n_fold);

done:
    out->is_principal = true;
    r->n_sweep += k->n_sweep + k->n_take;
    r->residual = n.residual;
    r->interrupted = n.interrupted;
    *done = n.converged || n.interrupted;
    krylov_free(k);
    return status;
}

double game_bytes(const Lattice *l) {
    double n = (double)l->model->n_actor * (double)l->n_state;
    // tangents and values first, then the policy with what certifies it
    double solving = krylov_bytes(l, window_of((int64_t)n)) + 8.0 * n;
    double after = 8.0 * n + policy_bytes(l) + 6 * 8.0 * (double)l->n_state;
    return solving > after ? solving : after;
}

DurStatus game_solve(GameSolution *out, const Lattice *l, const GameOptions *options, Team *team, DurError *error) {
    static const GameOptions none = {0};
    if (!options) options = &none;
    *out = (GameSolution){0};
    double start = progress_seconds();
    const Model *m = l->model;
    DurStatus status = DUR_MEMORY;
    Run r = {.lattice = l, .options = options, .team = team, .n = (int64_t)m->n_actor * l->n_state,
             .max_sweep = options->max_sweep > 0 ? options->max_sweep : GAME_SWEEPS};
    r.x = memory_column(r.n);
    out->certificate.regret = memory_column(m->n_actor);
    out->value_start = memory_column(m->n_actor);
    out->wait_start = memory_column(m->n_actor);
    out->choice_start = memory_column(m->n_jump);
    if (!r.x || !out->certificate.regret || !out->value_start || !out->wait_start || !out->choice_start) goto finish;

    bool done = false;
    status = follow_by_tangents(&r, out, &done);
    if (status != DUR_OK) goto finish;
    if (!done) {
        status = DUR_MEMORY;
        r.sweep = sweep_make(l, options->rule, team);
        r.mix = anderson_make(r.n, WINDOW, team);
        r.g = memory_column(r.n);
        if (!r.sweep || !r.mix || !r.g) goto finish;
        int64_t before = r.n_sweep;
        status = follow_by_sweeps(&r, out);
        if (status != DUR_OK) goto finish;
        say_how(out, "sweeps with Anderson mixing%s: %lld", r.residual <= GAME_TOLERANCE ? "" : " did no better",
                (long long)(r.n_sweep - before));
    }
    double tolerance = options->tolerance > 0 ? options->tolerance : GAME_TOLERANCE;
    out->verdict = r.interrupted ? GAME_INTERRUPTED : r.residual <= tolerance ? GAME_CONVERGED : GAME_NO_CONVERGENCE;
    if (out->verdict == GAME_NO_CONVERGENCE && !out->note[0])
        snprintf(out->note, sizeof out->note, "the residual stands at %.2e after %lld sweeps", r.residual,
                 (long long)r.n_sweep);
    out->n_sweep = r.n_sweep;
    out->n_byte = (int64_t)game_bytes(l);

    // what everyone does at these values
    status = policy_make(&out->policy, l, options->rule, error);
    if (status != DUR_OK) goto finish;
    memcpy(out->policy->value, r.x, (size_t)r.n * sizeof *r.x);
    if (!r.sweep) r.sweep = sweep_make(l, options->rule, team);
    status = r.sweep ? DUR_OK : DUR_MEMORY;
    if (status != DUR_OK) goto finish;
    sweep_fill_policy(r.sweep, out->policy);
    status = policy_at_start(out->policy, out->value_start, out->choice_start, out->wait_start, error);
    if (status != DUR_OK) goto finish;
    out->seconds = progress_seconds() - start;

    // the solver's own residual is not taken at its word
    anderson_free(r.mix);
    r.mix = NULL;
    start = progress_seconds();
    status = certify(&out->certificate, out->policy, !options->skip_certificate && out->verdict == GAME_CONVERGED,
                     options->progress, team, error);
    out->certificate_seconds = progress_seconds() - start;
    if (status == DUR_INTERRUPTED) { out->verdict = GAME_INTERRUPTED; status = DUR_OK; }
    if (status != DUR_OK) goto finish;
    if (out->verdict == GAME_CONVERGED && !(out->certificate.residual <= 10 * tolerance)) {
        out->verdict = GAME_NO_CONVERGENCE;
        snprintf(out->note, sizeof out->note, "the solver's residual is %.2e, but recomputed it is %.2e", r.residual,
                 out->certificate.residual);
    }

finish:
    sweep_free(r.sweep);
    anderson_free(r.mix);
    memory_free(r.g);
    memory_free(r.x);
    if (status != DUR_OK) {
        game_free(out);
        return status_fail(error, status, "out of memory while solving");
    }
    return DUR_OK;
}

void game_free(GameSolution *s) {
    policy_free(s->policy);
    memory_free(s->certificate.regret);
    memory_free(s->value_start);
    memory_free(s->choice_start);
    memory_free(s->wait_start);
    *s = (GameSolution){0};
}
