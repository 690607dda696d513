/// The solver: sweeps, mixed by Anderson, along a continuation in precision.
///
/// Why so: a plain value iteration contracts like 1 - rho/(total rate), so a patient game needs a thousand sweeps; mixing
/// the last few iterates needs about a tenth of them. At high precision both can cycle, because a small change of values
/// turns a choice over; there the way from precision 0 (every choice uniform, one linear problem, one solution) up to
/// the stated precisions is walked in steps, each started from the last, and a step that fails is halved.
/// Source: semantics, "Continuous clock"; the principal branch of McKelvey and Palfrey 1995.
#include "base/memory.h"
#include "game/certify.h"
#include "game/game.h"
#include "game/newton.h"
#include "game/sweep.h"
#include "num/anderson.h"

#include <math.h>
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

typedef struct Run {
    const Lattice *lattice;
    const GameOptions *options;
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

// from precision 0 (or the warm start) up to the stated precisions
static DurStatus follow(Run *r, GameSolution *out) {
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

double game_bytes(const Lattice *l) {
    double n = 8.0 * (double)l->model->n_actor * (double)l->n_state;
    return 3 * n + anderson_bytes((int64_t)(n / 8), WINDOW) + policy_bytes(l) + 6 * 8.0 * (double)l->n_state;
}

DurStatus game_solve(GameSolution *out, const Lattice *l, const GameOptions *options, Team *team, DurError *error) {
    static const GameOptions none = {0};
    if (!options) options = &none;
    *out = (GameSolution){0};
    double start = progress_seconds();
    const Model *m = l->model;
    DurStatus status = DUR_MEMORY;
    Run r = {.lattice = l, .options = options, .n = (int64_t)m->n_actor * l->n_state,
             .max_sweep = options->max_sweep > 0 ? options->max_sweep : GAME_SWEEPS};
    r.sweep = sweep_make(l, options->rule, team);
    r.mix = anderson_make(r.n, WINDOW, team);
    r.x = memory_column(r.n);
    r.g = memory_column(r.n);
    out->certificate.regret = memory_column(m->n_actor);
    out->value_start = memory_column(m->n_actor);
    out->wait_start = memory_column(m->n_actor);
    out->choice_start = memory_column(m->n_jump);
    if (!r.sweep || !r.mix || !r.x || !r.g || !out->certificate.regret || !out->value_start || !out->wait_start ||
        !out->choice_start)
        goto finish;

    status = follow(&r, out);
    if (status != DUR_OK) goto finish;
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
