/// The solver: which method is tried when.
///
/// 1. From values at hand (a solve after a small change): Newton's method on the exact tangent (krylov.h), a few steps.
/// 2. Else the principal branch is followed on a coarser lattice, and its end carried to this one (nest.h), where Newton's
///    method finishes; if values move little on the way, the coarse solution and this one belong together.
/// 3. Else the branch is followed on this lattice, around folds if there are some (branch.h).
///    Paced sweeps go on from where it is lost (paced.h).
/// 4. Else, with private types, the game whose types are alike, and from its solution on those whose types are more and more
///    apart, up to the game itself, by paced sweeps.
/// 5. Where an actor has more than two types no tangent is known: sweeps of values and beliefs, mixed by Anderson, from precision to precision, and where
///    they fail sweeps of habits, which go up in precision at a pace that adapts (climb.h).
/// 6. Else sweeps of the values themselves, mixed by Anderson: slower, but they need no tangent and are drawn to stable
///    equilibria from afar. What they find beyond the end of the branch is another equilibrium, and is called so.
///
/// Source: semantics, "Continuous clock"; the principal branch of McKelvey and Palfrey 1995.
#include "base/compiler.h"
#include "base/memory.h"
#include "game/branch.h"
#include "game/certify.h"
#include "game/climb.h"
#include "game/game.h"
#include "game/nest.h"
#include "game/newton.h"
#include "game/nobody.h"
#include "game/paced.h"
#include "game/rounds.h"
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
/// The same where the branch and paced sweeps take their place.
#define PATIENCE_PACED 100
/// Smallest step of the continuation, as a factor on precision; below it the solver says where it stands.
#define FACTOR_LEAST 1.02

/// Dimensions of a Krylov space before it starts over. A linear solve takes about a dozen; those of sharp games gain from more,
/// and memory that is not used is not taken.
#define KRYLOV_WINDOW 60
/// The same where memory counts: above this many values; with private types each start over costs several sweeps more.
#define KRYLOV_WINDOW_LARGE 20
#define VALUES_LARGE 2000000
/// And what mixing remembers there.
#define WINDOW_LARGE 3
/// The same without private types above this many values.
#define KRYLOV_WINDOW_HUGE 8
#define VALUES_HUGE 10000000
/// Values up to which paced sweeps are tried without private types, and types alike first with them; what they keep is told with the rest.
#define PACED_VALUES 20000000
/// Newton steps from values at hand.
#define NEWTON_STEPS 30
/// Work spent on the principal branch of one lattice before it is given up, in values swept (at high precision it can turn more
/// often than anyone would wait for); a third of it on what may lie beyond its end. A large lattice gets SWEEPS_LEAST sweeps
/// all the same.
#define BRANCH_WORK 2e8
/// Sweeps that going up in precision by habits may take where types are more than two, but for the same bounds of work.
#define CLIMB_SWEEPS 30000
/// Sweeps of linear systems that paced sweeps and Newton's method in turns with them may take the time of.
#define PACED_WORK 6000
#define SWEEPS_LEAST 1500
/// Sweeps of the values themselves, where nothing else did it; and most sweeps before a last attempt of Newton's method.
#define VALUE_SWEEPS 2500
#define SWEEPS_BEFORE 128
/// The same on small lattices: in values swept, and at most.
#define SWEEPS_WORK 4e7
#define SWEEPS_MANY 32768

/// Bytes that rows of a chain may always take, laid out for its certificate.
#define ROWS_BYTES 1e9

/// Types whose values differ by this many times the tolerance may be the same.
#define ALIKE 100.0
/// With private types: residual from which Newton's method mostly goes straight to the solution.
#define NEAR 1e-3
/// Values up to which the branch is followed on the lattice itself where a coarser one led to something that is not near, or values at hand to
/// something that may be another equilibrium than theirs.
#define BRANCH_SMALL 1000000
/// Values above which their branch is not followed where it was lost on a coarser lattice.
#define TYPED_LARGE 200000
/// Sweeps, of tangents, for the branch of games with types of as many values without another point reached by precision alone: around folds
/// sweeps of values lead to some equilibrium sooner.
#define SWEEPS_TYPED 200
/// In turns with it: sweeps without halving the residual before it is asked, and turns that sweeps may end so.
#define PATIENCE_TURN 25
#define STUCK_MOST    6

/// From types that are alike to what they are: the first step, what a step that led there is followed by, the shortest, of the whole way; the residual
/// to which points on the way are solved; and the work of each, as of PACED_WORK.
#define APART_FIRST 0.4
#define APART_LONGER 1.5
#define APART_LEAST 0.05
#define APART_TOLERANCE 1e-5
#define APART_WORK 2000

#define BEYOND "the principal branch could be followed up to %.4g times the stated precisions only; this is another " \
               "equilibrium, found beyond"

#define SWEPT "sweeps led here, which do not tell a branch that turns from one that goes on; this may be another equilibrium"
/// Choices that are as near as this to answers to values that are exact for them are answers, whatever shifts miss.
#define CONSISTENT 1e-6

typedef struct Run {
    const Lattice *lattice;
    const GameOptions *options;
    Team *team;
    Sweep *sweep;
    Anderson *mix;
    double *x, *g;               // [n] iterate and its image
    int64_t n, n_value;          // unknowns, and how many of them, the first, are values
    int64_t n_sweep, max_sweep;
    int64_t limit;               // of n_sweep, whatever max_sweep is set to on the way: what the caller allowed; INT64_MAX: no limit
    double residual;             // of x, relative
    bool interrupted;
    bool has_tangents;           // Newton's method has been tried
    bool is_alike;               // types have been brought together
    bool has_paces;              // where sweeps go round in circles, the branch and paced sweeps take their place
    int32_t patience;            // sweeps without halving the best residual, after which a step is given up
    double told;
} Run;

static void tell(Run *r, double scale, double tolerance) {
    krylov_tell_sweeps(r->options->progress, &r->told, scale, r->residual, tolerance, r->n_sweep);
}

static int32_t mixed_of(const Lattice *l) { return model_rows(l->model) * l->n_state > VALUES_LARGE ? WINDOW_LARGE : WINDOW; }

static bool is_over(const Run *r) { return r->n_sweep >= r->limit; }

// what sweeps of the values need, made once; false when memory is out
static bool may_sweep(Run *r) {
    if (!r->sweep) r->sweep = sweep_make(r->lattice, r->options->rule, r->team);
    if (!r->mix) r->mix = anderson_make(r->n, mixed_of(r->lattice), r->team);
    if (!r->g) r->g = memory_column(r->n);
    return r->sweep && r->mix && r->g;
}

// iterate at one precision until the residual is at most `tolerance`; true if it got there
static bool settle(Run *r, double scale, double tolerance, bool mixed) {
    double best = INFINITY, best_then = INFINITY;
    int64_t since = 0;
    anderson_reset(r->mix);
    for (int64_t k = 0;; k++) {
        double miss = sweep_run(r->sweep, scale, r->x, r->g);
        r->n_sweep++;
        double size = krylov_size(r->x, r->n_value);
        r->residual = krylov_relative(miss, size);
        tell(r, scale, tolerance);
        // what the sweep met on the way is not quite the residual of x: before the end it is measured
        if (r->residual <= tolerance) {
            double *t = r->x; r->x = r->g; r->g = t;
            size = krylov_size(r->x, r->n_value);
            r->residual = sweep_residual(r->sweep, scale, r->x, r->g) / (size > 0 ? size : 1);
            if (r->residual <= tolerance) return true;
            if (is_over(r)) return false;
            continue;
        }
        if (r->n_sweep >= r->max_sweep) return false;
        if (progress_stop(r->options->progress)) { r->interrupted = true; return false; }

        if (r->residual < best) best = r->residual;
        if (best < 0.5 * best_then) { best_then = best; since = 0; }
        else if (++since > r->patience && size > 0) return false;

        bool cycling = r->residual > GROWTH_MOST * best && k > 2 * WINDOW;
        if (!isfinite(miss)) return false;
        if (cycling) anderson_reset(r->mix);
        if (mixed && !cycling && k % MIX_EVERY == 0) anderson_step(r->mix, r->x, r->g, r->x);
        else { double *t = r->x; r->x = r->g; r->g = t; }
    }
}

// where sweeps give up, from `from`: Newton's method, which is not repelled by what best responses lead away from. Where there
// are tangents it has been tried by then
static bool settle_by_newton(Run *r, double scale, double tolerance, const double *from, DurStatus *status) {
    if (r->interrupted || r->has_tangents || r->has_paces || r->n_sweep >= r->max_sweep) return false;
    if (from != r->x) memcpy(r->x, from, (size_t)r->n * sizeof *r->x);
    *status = newton_solve(r->sweep, r->n, r->n_value, scale, tolerance, r->max_sweep, r->options->progress, r->x, &r->n_sweep,
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
        if (r->options->warm && r->options->warm_alone) goto done;
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
        if (r->has_paces) goto done;
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
        snprintf(out->note, sizeof out->note, BEYOND, reached);
        goto done;
    }
    snprintf(out->note, sizeof out->note,
             "the principal branch was followed up to %.4g times the stated precisions; beyond, the residual stays at %.2e "
             "after %lld sweeps", reached, stands, (long long)r->n_sweep);

done:
    memory_free(kept);
    return status;
}

static int32_t window_of(const Lattice *l) {
    int64_t n = model_rows(l->model) * l->n_state;
    if (n <= VALUES_LARGE) return KRYLOV_WINDOW;
    return l->model->n_private || n <= VALUES_HUGE ? KRYLOV_WINDOW_LARGE : KRYLOV_WINDOW_HUGE;
}

// Newton's method on a lattice, with what is left of the sweeps; NULL when memory is out
static Krylov *make_krylov(const Run *r, const Lattice *l, const LatticeRule *rule) {
    Krylov *k = krylov_make(l, rule, r->team, window_of(l), r->options->progress);
    if (k) k->limit = r->limit - r->n_sweep;
    return k;
}

// what was done, in words
static void say_how(GameSolution *out, const char *format, ...) DUR_PRINTF(2, 3);
static void say_how(GameSolution *out, const char *format, ...) {
    size_t used = strlen(out->how);
    va_list list;
    va_start(list, format);
    vsnprintf(out->how + used, sizeof out->how - used, format, list);
    va_end(list);
}

// whether values have moved farther from those at hand than two solutions that belong together do
static bool moved_far(const Run *r) {
    double most = 0;
    for (int64_t i = 0; i < r->n_value; i++) {
        double by = fabs(r->x[i] - r->options->warm[i]);
        most = by > most ? by : most;
    }
    return most > NEST_MOVED_MOST * krylov_size(r->x, r->n_value);
}

// from values at hand; true if that did it
static DurStatus from_values(Run *r, Krylov *k, GameSolution *out, double tolerance, bool *done) {
    KrylovResult n;
    memcpy(r->x, r->options->warm, (size_t)r->n * sizeof *r->x);
    TRY(nest_aggregate(k, r->options->rule, r->team, r->x));
    TRY(krylov_solve(&n, k, 1.0, tolerance, NEWTON_STEPS, r->x));
    out->n_step += n.n_step;
    r->residual = n.residual;
    r->interrupted = n.interrupted;
    *done = n.converged || n.interrupted;
    if (n.converged && r->options->warm_unsure) {
        out->is_principal = false;
        snprintf(out->note, sizeof out->note, WARM_UNSURE);
    } else if (n.converged && (n.n_short > 0 || moved_far(r))) {
        out->is_principal = false;
        snprintf(out->note, sizeof out->note, "values at hand led here, but moved so far on the way that this may be another equilibrium than theirs");
    }
    if (*done) say_how(out, "Newton-Krylov from values at hand: %d steps", n.n_step);
    else       say_how(out, "Newton-Krylov from values at hand stalled at %.1e; ", n.residual);
    return DUR_OK;
}

// Where sweeps of values lead to some equilibrium sooner than the branch around folds
static bool is_typed_large(const Run *r) { return r->lattice->model->n_private > 0 && r->n_value > TYPED_LARGE; }

// sweeps that the branch of this lattice may take
static int64_t branch_sweeps(const Run *r) {
    double sweeps = BRANCH_WORK / (double)r->n;
    if (is_typed_large(r)) return SWEEPS_TYPED;
    return sweeps < SWEEPS_LEAST ? SWEEPS_LEAST : sweeps > GAME_SWEEPS ? GAME_SWEEPS : (int64_t)sweeps;
}

// along the principal branch of this lattice
static DurStatus along_branch(Run *r, Krylov *k, GameSolution *out, double tolerance, bool *done) {
    BranchResult b;
    if (!k->aggregate) {
        // near precision 0, where it begins, values hardly count
        memset(r->x, 0, (size_t)r->n * sizeof *r->x);
        TRY(nest_aggregate(k, r->options->rule, r->team, r->x));
    }
    // to the next point, or in all
    int64_t most = branch_sweeps(r), patience = is_typed_large(r) ? most : INT64_MAX;
    if (!is_typed_large(r)) krylov_allow(k, most, r->max_sweep);
    DurStatus status = branch_follow(&b, k, patience, tolerance, r->x);
    k->max_sweep = r->max_sweep;
    if (status != DUR_OK) return status;
    out->n_step += b.n_step;
    out->n_fold = b.n_fold;
    out->reached = b.reached;
    r->residual = b.residual;
    r->interrupted = b.interrupted;
    *done = b.converged || b.interrupted;
    if (*done) {
        say_how(out, "the principal branch by Newton-Krylov, %d points, %d folds", b.n_step, b.n_fold);
        return DUR_OK;
    }
    say_how(out, "the principal branch by Newton-Krylov was lost at %.4g times the stated precisions, after %d folds; ", b.reached,
            b.n_fold);
    return DUR_OK;
}

// Along the principal branch of this lattice, and to another equilibrium where it ends before the stated precisions: by Newton's method from
// there, and else by paced sweeps in turns with it. Where nothing comes of it r->x is where the branch was left
static DurStatus from_branch(Run *r, Krylov *k, GameSolution *out, double tolerance, bool *done) {
    TRY(along_branch(r, k, out, tolerance, done));
    if (*done) return DUR_OK;
    bool has_paces = out->reached > 0 && (k->lattice->model->n_private > 0 || r->n_value <= PACED_VALUES);
    // r->g keeps where it was left
    if (has_paces && !r->g) r->g = memory_column(r->n);
    if (has_paces && !r->g) return DUR_MEMORY;
    if (has_paces) memcpy(r->g, r->x, (size_t)r->n * sizeof *r->g);
    KrylovResult n;
    krylov_allow(k, branch_sweeps(r) / 3, r->max_sweep);
    DurStatus status = krylov_solve(&n, k, 1.0, tolerance, NEWTON_STEPS, r->x);
    if (status == DUR_OK && n.converged) say_how(out, "Newton-Krylov from there, %d steps", n.n_step);
    if (status == DUR_OK && has_paces && !n.converged && !n.interrupted) {
        memcpy(r->x, r->g, (size_t)r->n * sizeof *r->x);
        krylov_allow(k, PACED_WORK, r->max_sweep);
        status = paced_solve(&n, k, r->options->rule, tolerance, r->x);
        say_how(out, "%lld paced sweeps of values%s in turns with Newton-Krylov from there%s", (long long)n.n_swept,
                k->lattice->model->n_private ? " and beliefs" : "", n.converged ? "" : " did no better; ");
    }
    k->max_sweep = r->max_sweep;
    if (status != DUR_OK) return status;
    out->n_step += n.n_step;
    r->residual = n.residual;
    r->interrupted = n.interrupted;
    *done = n.converged || n.interrupted;
    if (!n.converged) {
        if (has_paces) memcpy(r->x, r->g, (size_t)r->n * sizeof *r->x);
        return DUR_OK;
    }
    out->is_principal = false;
    snprintf(out->note, sizeof out->note, BEYOND, out->reached);
    return DUR_OK;
}

// The branch of this lattice in place of what a coarser one or values at hand led to, if it can be followed to its end; else r->x stays.
static DurStatus instead_by_branch(Run *r, Krylov *k, GameSolution *out, double tolerance, bool *done) {
    double *carried = memory_column(r->n), residual = r->residual;
    GameSolution was = *out;
    if (!carried) return DUR_MEMORY;
    memcpy(carried, r->x, (size_t)r->n * sizeof *carried);
    out->is_principal = true;
    out->note[0] = '\0';
    say_how(out, "; not near, so ");
    DurStatus status = along_branch(r, k, out, tolerance, done);
    *done = *done && status == DUR_OK && !r->interrupted && out->is_principal;
    if (!*done && !r->interrupted) {
        memcpy(r->x, carried, (size_t)r->n * sizeof *carried);
        r->residual = residual;
        *out = was;
    }
    memory_free(carried);
    return status;
}

static DurStatus find(Run *r, GameSolution *out, bool may_nest);

// With private types, from r->x: where shifts have kinks Newton's method wants a near start, which sweeps lead to from afar. So they
// take turns, sweeps to a tenth of the residual each time, until Newton's method goes straight to the solution.
static DurStatus in_turns(Run *r, Krylov *k, double tolerance, KrylovResult *end) {
    DurStatus status = DUR_MEMORY;
    double *near = memory_column(r->n);
    if (!near || !may_sweep(r)) goto done;
    status = DUR_OK;
    int32_t patience = r->patience;
    r->patience = PATIENCE_TURN;
    // where sweeps stand still Newton's method is asked all the same: a few states whose shifts go round in circles hold them up
    for (int32_t turn = 0, n_stuck = 0; status == DUR_OK && n_stuck < STUCK_MOST; turn++) {
        double target = NEAR * pow(0.1, turn - n_stuck);
        if (target < tolerance) target = tolerance;
        bool settled = settle(r, 1.0, target, true);
        n_stuck += !settled;
        end->residual = r->residual;
        end->interrupted = r->interrupted;
        end->converged = settled && r->residual <= tolerance;
        if (end->converged || r->interrupted || r->n_sweep >= r->max_sweep) break;
        memcpy(near, r->x, (size_t)r->n * sizeof *near);
        k->only_whole = true;
        k->limit = r->limit - r->n_sweep;
        status = krylov_solve(end, k, 1.0, tolerance, NEWTON_STEPS, near);
        k->only_whole = false;
        if (status == DUR_OK && end->converged) memcpy(r->x, near, (size_t)r->n * sizeof *near);
        r->residual = end->residual;
        r->interrupted = end->interrupted;
        if (end->converged || end->interrupted || krylov_spent(k) >= k->limit) break;
    }
    r->patience = patience;

done:
    memory_free(near);
    return status;
}

// Newton's method from where a few sweeps lead, some from nothing and some from where the branch was lost (`left`): sweeps go
// near an equilibrium that may repel them, a tangent then finds it
static DurStatus from_sweeps(Run *r, GameSolution *out, double tolerance, const double *left) {
    Krylov *k = make_krylov(r, r->lattice, r->options->rule);
    if (!k) return DUR_MEMORY;
    DurStatus status = DUR_OK;
    double work = BRANCH_WORK / (double)r->n;
    int64_t most = work < SWEEPS_LEAST ? SWEEPS_LEAST : (int64_t)(work < GAME_SWEEPS ? work : GAME_SWEEPS);
    // where sweeps cost next to nothing, many of them may be all that is needed
    double cheap = SWEEPS_WORK / (double)r->n;
    int32_t longest = cheap < SWEEPS_BEFORE ? SWEEPS_BEFORE : cheap > SWEEPS_MANY ? SWEEPS_MANY : (int32_t)cheap, tried = 0;
    for (int32_t n = 1; n <= longest && k->n_sweep < most && !r->interrupted && krylov_spent(k) < k->limit; n *= 2)
        for (int32_t side = 0; side < 2 && k->n_sweep < most && !r->interrupted && krylov_spent(k) < k->limit; side++) {
            if (side == 0) memset(r->x, 0, (size_t)r->n * sizeof *r->x);
            else           memcpy(r->x, left, (size_t)r->n * sizeof *r->x);
            for (int32_t i = 0; i < n; i++) {
                sweep_run(r->sweep, 1.0, r->x, r->g);
                double *t = r->x; r->x = r->g; r->g = t;
            }
            r->n_sweep += n;
            k->limit = r->limit - r->n_sweep;
            krylov_allow(k, most / 4, INT64_MAX);
            KrylovResult end;
            status = krylov_solve(&end, k, 1.0, tolerance, 2 * NEWTON_STEPS, r->x);
            tried++;
            if (status != DUR_OK) goto done;
            r->interrupted = end.interrupted;
            r->residual = end.residual;
            if (end.converged) goto done;
        }

done:
    say_how(out, "; Newton-Krylov after a few sweeps, %d starts%s", tried, r->residual <= tolerance ? "" : ", did no better");
    r->n_sweep += k->n_sweep + k->n_take;
    krylov_free(k);
    return status;
}

// a lattice like that of `r`, but for types that are `apart` of what they are from their mean, and the rule on it
static DurStatus make_apart(Lattice **out, LatticeRule *rule, const Run *r, double apart) {
    const Lattice *l = r->lattice;
    DurError error = {0};
    *rule = (LatticeRule){.actor = -1};
    TRY(lattice_make_grid(out, l->model, l->param, l->n_node, &error));
    DurStatus status = lattice_types_apart(*out, apart);
    if (status == DUR_OK && r->options->rule && r->options->rule->actor >= 0) status = lattice_rule_carry(rule, *out, r->options->rule, &error);
    if (status != DUR_OK) {
        lattice_free(*out);
        *out = NULL;
    }
    return status;
}

// A point on the way, from r->x to r->x; on failure r->x stays. The first, whose types are alike, by all means that there are
static DurStatus point_apart(Run *r, double apart, double tolerance, bool is_first, bool *done) {
    Lattice *l;
    LatticeRule rule;
    KrylovResult n = {0};
    TRY(make_apart(&l, &rule, r, apart));
    double *x = memory_column(r->n);
    DurStatus status = x ? DUR_OK : DUR_MEMORY;
    if (status == DUR_OK && is_first) {
        GameOptions options = {.tolerance = tolerance, .rule = &rule, .progress = r->options->progress};
        GameSolution ignored = {0};
        Run like = {.lattice = l, .options = &options, .team = r->team, .n = r->n, .n_value = r->n_value, .max_sweep = r->max_sweep - r->n_sweep,
                    .limit = r->limit - r->n_sweep, .patience = PATIENCE_SWEEPS, .is_alike = true, .x = x};
        status = find(&like, &ignored, true);
        x = like.x;
        r->n_sweep += like.n_sweep;
        n = (KrylovResult){.residual = like.residual, .converged = status == DUR_OK && like.residual <= tolerance, .interrupted = like.interrupted};
        sweep_free(like.sweep);
        anderson_free(like.mix);
        memory_free(like.g);
    } else if (status == DUR_OK) {
        Krylov *k = make_krylov(r, l, &rule);
        memcpy(x, r->x, (size_t)r->n * sizeof *x);
        status = k ? nest_aggregate(k, &rule, r->team, x) : DUR_MEMORY;
        if (status == DUR_OK) {
            krylov_allow(k, APART_WORK, r->max_sweep - r->n_sweep);
            status = paced_solve(&n, k, &rule, tolerance, x);
            r->n_sweep += k->n_sweep + k->n_take;
        }
        krylov_free(k);
    }
    *done = n.converged;
    r->interrupted = n.interrupted;
    if (*done) {
        memcpy(r->x, x, (size_t)r->n * sizeof *x);
        r->residual = n.residual;
    }
    memory_free(x);
    if (rule.actor >= 0) lattice_rule_free(&rule);
    lattice_free(l);
    return status;
}

// From the game whose types are alike to the game itself. Where nothing comes of it r->x is what it was
static DurStatus from_alike(Run *r, GameSolution *out, double tolerance, bool *done) {
    double *kept = memory_column(r->n), residual = r->residual, apart = -1, step = APART_FIRST;
    if (!kept) return DUR_MEMORY;
    memcpy(kept, r->x, (size_t)r->n * sizeof *kept);
    anderson_free(r->mix);
    r->mix = NULL;
    DurStatus status = DUR_OK;
    int32_t n_point = 0;
    while (status == DUR_OK && apart < 1 && !r->interrupted && r->n_sweep < r->max_sweep) {
        // a last step that would be a short one is made at once
        double next = apart < 0 ? 0 : apart + step >= 1 - APART_LEAST ? 1 : apart + step;
        bool led;
        status = point_apart(r, next, next < 1 && tolerance < APART_TOLERANCE ? APART_TOLERANCE : tolerance, apart < 0, &led);
        if (led) {
            if (apart >= 0) step *= APART_LONGER;
            apart = next;
            n_point++;
        } else if (apart < 0 || (step /= 2) < APART_LEAST) {
            break;
        }
    }
    say_how(out, "types alike first, and from there %d point%s by paced sweeps%s", n_point, n_point == 1 ? "" : "s", apart >= 1 ? "" : ", did no better; ");
    out->n_step += n_point;
    *done = apart >= 1 || r->interrupted;
    if (apart >= 1) {
        out->is_principal = false;
        snprintf(out->note, sizeof out->note, BEYOND, out->reached);
    } else {
        memcpy(r->x, kept, (size_t)r->n * sizeof *kept);
        r->residual = residual;
    }
    memory_free(kept);
    return status;
}

typedef struct Coarsest {
    const Run *run;              // on the lattice itself
    Krylov *krylov;              // there: what is spent here is taken off its limit
    GameSolution *out;
    double work;                 // sweeps on the coarsest, in sweeps over the lattice itself
} Coarsest;

// the coarsest lattice of a nest is solved like any other
static DurStatus find_coarsest(void *context, const Lattice *l, const LatticeRule *rule, double tolerance, double *value,
                               bool *found, bool *interrupted) {
    Coarsest *c = context;
    GameOptions options = {.tolerance = tolerance, .rule = rule, .progress = c->run->options->progress};
    Run r = {.lattice = l, .options = &options, .team = c->run->team, .n = sweep_size(l),
             .n_value = (int64_t)model_rows(l->model) * l->n_state, .max_sweep = GAME_SWEEPS,
             .limit = krylov_limit_on(c->run->limit - c->run->n_sweep, c->run->lattice, l), .patience = PATIENCE_SWEEPS, .x = value};
    if (r.limit < r.max_sweep) r.max_sweep = r.limit;
    DurStatus status = find(&r, c->out, false);
    // the run may have swapped its columns: the answer belongs where the caller asked for it
    if (status == DUR_OK && r.x != value) {
        memcpy(value, r.x, (size_t)r.n * sizeof *value);
        memory_free(r.x);
        r.g = NULL;
    }
    sweep_free(r.sweep);
    anderson_free(r.mix);
    memory_free(r.g);
    c->work = (double)r.n_sweep * (double)l->n_state / (double)c->run->lattice->n_state;
    c->krylov->limit -= (int64_t)c->work;
    *found = r.residual <= tolerance && !r.interrupted;
    *interrupted = r.interrupted;
    return status;
}

// up in precision by sweeps of habits, where no tangent is known; where nothing comes of it r->x stays
static DurStatus by_climb(Run *r, GameSolution *out, double tolerance) {
    double work = BRANCH_WORK / (double)r->n, most = work < SWEEPS_LEAST ? SWEEPS_LEAST : work < CLIMB_SWEEPS ? work : CLIMB_SWEEPS;
    int64_t left = r->limit - r->n_sweep;
    anderson_free(r->mix);
    r->mix = NULL;
    ClimbResult c;
    TRY(climb_solve(&c, r->sweep, r->lattice, r->options->rule, r->team, tolerance, left < (int64_t)most ? left : (int64_t)most,
                    r->options->progress, r->g));
    r->n_sweep += c.n_sweep;
    r->interrupted = c.interrupted;
    out->n_step += c.n_point;
    say_how(out, "; up in precision by sweeps of habits, %d points, %lld sweeps", c.n_point, (long long)c.n_sweep);
    if (!c.converged) {
        say_how(out, ", no further than %.4g times the stated precisions", c.reached);
        return DUR_OK;
    }
    double *t = r->x; r->x = r->g; r->g = t;
    r->residual = c.residual;
    return DUR_OK;
}

// where no tangent is known: sweeps, and Newton's method on differences behind them, and sweeps of habits where they fail
static DurStatus find_types(Run *r, GameSolution *out, double tolerance) {
    if (!may_sweep(r)) return DUR_MEMORY;
    DurStatus status = follow_by_sweeps(r, out);
    say_how(out, "sweeps of values and beliefs with Anderson mixing: %lld", (long long)r->n_sweep);
    bool is_alone = r->options->warm && r->options->warm_alone;
    if (status == DUR_OK && !(r->residual <= tolerance) && !r->interrupted && !is_alone && !is_over(r)) status = by_climb(r, out, tolerance);
    // they may have left the branch unseen
    out->is_principal = false;
    if (r->residual <= tolerance) snprintf(out->note, sizeof out->note, SWEPT);
    return status;
}

// best responses, mixed, from values at hand: they are drawn to a stable equilibrium from afar, whichever that is
static DurStatus sweep_from_values(Run *r, GameSolution *out, double tolerance) {
    if (!may_sweep(r)) return DUR_MEMORY;
    int64_t most = r->max_sweep;
    if (most > r->n_sweep + r->options->warm_sweeps) r->max_sweep = r->n_sweep + r->options->warm_sweeps;
    memcpy(r->x, r->options->warm, (size_t)r->n * sizeof *r->x);
    out->n_step++;
    bool found = settle(r, 1.0, tolerance, true);
    r->max_sweep = most;
    out->is_principal = false;
    say_how(out, "%lld sweeps of the values with Anderson mixing%s", (long long)r->n_sweep, found ? "" : " did no better");
    return DUR_OK;
}

// what was found on a coarser lattice, and how, from `said` on, says nothing of this one
static void forget(GameSolution *out, size_t said) {
    out->how[said] = out->note[0] = '\0';
    out->is_principal = true;
    out->n_step = out->n_fold = 0;
}

// all methods in turn, until r->x is a solution or nothing is left to try (r->residual tells); what was done stands in `out`
static DurStatus find(Run *r, GameSolution *out, bool may_nest) {
    double tolerance = r->options->tolerance > 0 ? r->options->tolerance : GAME_TOLERANCE;
    bool done = false;
    out->is_principal = true;
    r->residual = INFINITY;
    if (!tangent_is_known(r->lattice->model)) return find_types(r, out, tolerance);
    // tables of tangents are made in one go
    r->interrupted = progress_stop(r->options->progress);
    if (r->interrupted) return DUR_OK;
    Krylov *k = make_krylov(r, r->lattice, r->options->rule);
    if (!k) return DUR_MEMORY;
    k->max_sweep = r->max_sweep;
    DurStatus status = DUR_OK;
    NestResult nest = {0};
    if (r->options->warm) status = from_values(r, k, out, tolerance, &done);
    // where it costs little the branch of the game itself says which equilibrium is its principal one
    bool is_told = false, is_unknown = done && !r->interrupted && !out->is_principal && !r->options->warm_unsure;
    if (status == DUR_OK && is_unknown && !r->options->warm_alone && r->n_value <= BRANCH_SMALL)
        status = instead_by_branch(r, k, out, tolerance, &is_told);
    if (r->options->warm && r->options->warm_alone) {
        if (status == DUR_OK && !done && r->options->warm_sweeps > 0 && r->n_sweep + krylov_spent(k) < r->limit) status = sweep_from_values(r, out, tolerance);
        r->n_sweep += k->n_sweep + k->n_take;
        out->n_take = k->n_take;
        krylov_free(k);
        return status;
    }
    if (status == DUR_OK && !done && may_nest) {
        size_t said = strlen(out->how);
        for (bool may_be_bare = true; status == DUR_OK; may_be_bare = false) {
            // the second time there may be no coarser lattice, and no work on it
            Coarsest coarsest = {.run = r, .krylov = k, .out = out};
            status = nest_solve(&nest, k, r->options->rule, r->team, tolerance, find_coarsest, &coarsest, may_be_bare, r->x);
            r->n_sweep += (int64_t)ceil(nest.work + coarsest.work);
            k->limit = r->limit - r->n_sweep;
            if (nest.found || nest.interrupted || !nest.is_bare) break;
            forget(out, said);
        }
        if (status == DUR_OK && (nest.found || nest.interrupted)) {
            done = true;
            r->residual = nest.residual;
            r->interrupted = nest.interrupted;
            out->n_step += nest.n_step;
            say_how(out, " on %lld states, carried through %d lattice%s to this one by Newton-Krylov%s, %d steps",
                    (long long)nest.coarsest, nest.n_level, nest.n_level == 1 ? "" : "s",
                    nest.n_lagged ? " and implicit steps in time" : "", nest.n_step);
            if (nest.is_corrected) say_how(out, ", linear systems beginning on coarser lattices");
            if (nest.is_corrected && nest.kept >= 0)
                say_how(out, " with all nodes of %s", r->lattice->model->stock[nest.kept - r->lattice->model->n_mode].name);
            // what was carried may be another equilibrium: where the branch can be followed here, it says which is the principal one
            if (!nest.is_near && !nest.interrupted && out->is_principal && r->n_value <= BRANCH_SMALL)
                status = instead_by_branch(r, k, out, tolerance, &is_told);
            if (!nest.is_near && out->is_principal && !is_told) {
                out->is_principal = false;
                snprintf(out->note, sizeof out->note, "the principal branch was followed on a coarser lattice, but on the way to this one "
                         "values moved so far that this may be another equilibrium");
            }
        } else if (status == DUR_OK && nest.coarsest > 0) {
            forget(out, said);
            say_how(out, "a coarser lattice was no guide; ");
        }
    }
    // with types a branch that was lost on a coarser lattice is not looked for again where it costs more
    bool is_typed = r->lattice->model->n_private > 0, is_lost = nest.coarsest > 0 && is_typed_large(r);
    if (status == DUR_OK && !done && !is_lost) status = from_branch(r, k, out, tolerance, &done);
    r->n_sweep += k->n_sweep + k->n_take;
    out->n_take = k->n_take;
    krylov_free(k);
    bool may_be_alike = is_typed && !r->is_alike && r->n_value <= PACED_VALUES;
    if (status == DUR_OK && !done && !is_lost && may_be_alike) status = from_alike(r, out, tolerance, &done);
    if (status != DUR_OK || done) return status;
    if (is_over(r) && isfinite(r->residual)) {
        say_how(out, "no more sweeps were allowed");
        return status;
    }

    if (!may_sweep(r)) return DUR_MEMORY;
    int64_t before = r->n_sweep, max_sweep = r->max_sweep;
    // where the branch was left, for those who start from there
    double reached = out->reached, *left = is_typed ? NULL : memory_column(r->n);
    if (!is_typed && !left) return DUR_MEMORY;
    if (left) memcpy(left, r->x, (size_t)r->n * sizeof *left);
    r->has_tangents = !is_typed;
    GameOptions rough = *r->options;
    const GameOptions *options = r->options;
    // sweeps on the way to where Newton's method takes over; differences of them know shifts as unknowns of their own, and may lead
    // on where they cannot be eliminated
    int32_t patience = r->patience;
    bool is_branch = false;
    // not where the branch of so many values would take hours
    r->has_paces = is_lost && r->n_value <= VALUES_LARGE;
    if (r->has_paces) r->patience = PATIENCE_PACED;
    if (is_typed) {
        rough.tolerance = tolerance > NEAR ? tolerance : NEAR;
        r->options = &rough;
    } else if (r->max_sweep > before + VALUE_SWEEPS) {
        r->max_sweep = before + VALUE_SWEEPS;
    }
    status = follow_by_sweeps(r, out);
    r->max_sweep = max_sweep;
    r->patience = patience;
    r->options = options;
    say_how(out, "%lld sweeps of the values%s with Anderson mixing%s", (long long)(r->n_sweep - before), is_typed ? " and beliefs" : "",
            r->residual <= rough.tolerance ? "" : " did no better");
    bool is_near = r->residual <= rough.tolerance;
    if (status == DUR_OK && is_typed && !r->interrupted && !(r->residual <= tolerance) && (is_near || r->has_paces)) {
        KrylovResult end = {0};
        k = make_krylov(r, r->lattice, r->options->rule);
        if (!k) return DUR_MEMORY;
        if (is_near) {
            status = in_turns(r, k, tolerance, &end);
            say_how(out, ", then Newton-Krylov%s, %d steps", r->residual <= tolerance ? "" : " that did no better", end.n_step);
        }
        if (status == DUR_OK && !(r->residual <= tolerance) && !r->interrupted && r->has_paces && r->n_sweep < r->max_sweep) {
            anderson_free(r->mix);
            r->mix = NULL;
            out->is_principal = true;
            say_how(out, "; ");
            k->limit = r->limit - r->n_sweep;
            // from_branch counts what is left by the sweeps of k alone
            r->max_sweep -= r->n_sweep;
            status = from_branch(r, k, out, tolerance, &done);
            r->max_sweep += r->n_sweep;
            is_branch = done && out->is_principal;
            reached = out->reached;
        }
        r->n_sweep += k->n_sweep + k->n_take;
        out->n_take += k->n_take;
        krylov_free(k);
    }
    if (status == DUR_OK && !is_typed && !(r->residual <= tolerance) && !r->interrupted && r->n_sweep < r->max_sweep)
        status = from_sweeps(r, out, tolerance, left);
    if (status == DUR_OK && is_lost && may_be_alike && !(r->residual <= tolerance) && !r->interrupted) status = from_alike(r, out, tolerance, &done);
    if (r->residual <= tolerance && !is_branch) {
        // neither sweeps nor Newton's method alone keep to the branch
        out->is_principal = false;
        if (reached < 1) snprintf(out->note, sizeof out->note, BEYOND, reached);
        else snprintf(out->note, sizeof out->note, "the principal branch was followed to the stated precisions on a coarser lattice only, and did "
                      "not lead from there to this one; this is another equilibrium");
    }
    memory_free(left);
    return status;
}

// Where the types of an actor have the same values but for what the tolerance leaves open, and moves tell as little, they are tried
// as the same, to the bit: types that behave alike tell nothing. Kept if the equations are met no worse than they need be.
static DurStatus make_alike(Run *r, double tolerance) {
    const Lattice *l = r->lattice;
    const Model *m = l->model;
    double size = krylov_size(r->x, r->n_value), open = ALIKE * tolerance * (size > 0 ? size : 1);
    double *x = memory_column(r->n), *room = memory_column(r->n);
    int64_t *where = memory_alloc((size_t)m->n_jump * (size_t)l->n_mode_state * sizeof *where);
    DurStatus status = x && room && where ? DUR_OK : DUR_MEMORY;
    bool any = false;
    if (status != DUR_OK) goto done;
    memcpy(x, r->x, (size_t)r->n * sizeof *x);
    policy_shifts(l, where);
    for (int32_t k = 0; k < m->n_actor; k++) {
        int32_t n_type = model_types(m, k);
        double *first = x + (int64_t)model_row(m, k) * l->n_state, off = 0;
        for (int64_t i = 0; i < (n_type - 1) * l->n_state; i++) {
            double by = fabs(first[l->n_state + i] - first[i % l->n_state]);
            off = by > off ? by : off;
        }
        if (n_type == 1 || !(off <= open)) continue;
        any = true;
        for (int32_t t = 1; t < n_type; t++) memcpy(first + t * l->n_state, first, (size_t)l->n_state * sizeof *first);
        for (int32_t j = 0; j < m->n_jump; j++)
            for (int64_t ms = 0; ms < l->n_mode_state && m->jump[j].actor == k; ms++) {
                int64_t at = where[j * l->n_mode_state + ms];
                if (at >= 0) memset(x + r->n_value + at, 0, (size_t)((n_type - 1) * l->n_stock_state) * sizeof *x);
            }
    }
    if (!any) goto done;
    if (!r->sweep) r->sweep = sweep_make(l, r->options->rule, r->team);
    status = r->sweep ? DUR_OK : DUR_MEMORY;
    if (status != DUR_OK) goto done;
    double residual = sweep_residual(r->sweep, 1.0, x, room) / (size > 0 ? size : 1);
    if (residual <= tolerance) {
        memcpy(r->x, x, (size_t)r->n * sizeof *x);
        r->residual = residual;
    }

done:
    memory_free(where);
    memory_free(room);
    memory_free(x);
    return status;
}

// tangents and values, with what paced sweeps keep, or with private types what mixing remembers
static double solving_bytes(const Lattice *l) {
    double n = (double)sweep_size(l);
    if (!tangent_is_known(l->model)) return 24.0 * n + fmax(anderson_bytes((int64_t)n, mixed_of(l)), climb_bytes(l));
    return 8.0 * n + (!l->model->n_private && n <= PACED_VALUES ? 24.0 * n : 0) + (tangent_is_known(l->model) ? krylov_bytes(l, window_of(l)) + correction_bytes(l) : 0) +
           (l->model->n_private ? 16.0 * n + anderson_bytes((int64_t)n, mixed_of(l)) : 0);
}

// then the policy with what certifies it
static double certifying_bytes(const Lattice *l) { return 8.0 * (double)sweep_size(l) + policy_bytes(l) + certify_bytes(l, 1); }

// The certificate may have rows laid out where that takes no more than was taken before, or little
static double rows_most(const Lattice *l) { return fmax(ROWS_BYTES, solving_bytes(l) - certifying_bytes(l)); }

double game_bytes(const Lattice *l) {
    if (l->model->clock == CLOCK_ROUNDS) return rounds_bytes(l);
    double rows = certify_rows_bytes(l);
    return fmax(solving_bytes(l), certifying_bytes(l) + (rows <= rows_most(l) ? rows : 0));
}

// What a move that is all but never made tells may be missed by much, and matter to nobody: then sweeps stand still at a solution, and the certificate,
// which looks at values and choices, says so
static DurStatus look_again(GameSolution *out, const GameOptions *options, double rows, Team *team, DurError *error) {
    TRY(certify(&out->certificate, out->policy, true, rows, options->progress, team, error));
    if (out->certificate.consistency <= CONSISTENT) {
        out->verdict = GAME_CONVERGED;
        out->is_principal = false;
        snprintf(out->note, sizeof out->note, SWEPT);
    }
    if (options->skip_certificate || out->verdict != GAME_CONVERGED) game_uncertify(out);
    return DUR_OK;
}

static bool is_stopped(GameSolution *out, const GameOptions *options) {
    if (progress_stop(options->progress)) out->verdict = GAME_INTERRUPTED;
    return out->verdict == GAME_INTERRUPTED;
}

DurStatus game_solve(GameSolution *out, const Lattice *l, const GameOptions *options, Team *team, DurError *error) {
    static const GameOptions none = {0};
    if (!options) options = &none;
    if (l->model->clock == CLOCK_ROUNDS) return rounds_solve(out, l, options, team, error);
    if (l->model->n_actor == 0) return game_nobody(out, l, options, team, error);
    *out = (GameSolution){0};
    double start = progress_seconds();
    const Model *m = l->model;
    DurStatus status = DUR_MEMORY;
    Run r = {.lattice = l, .options = options, .team = team, .n = sweep_size(l), .n_value = (int64_t)model_rows(m) * l->n_state,
             .max_sweep = options->max_sweep > 0 ? options->max_sweep : GAME_SWEEPS,
             .limit = options->max_sweep > 0 ? options->max_sweep : INT64_MAX, .patience = PATIENCE_SWEEPS};
    r.x = memory_column(r.n);
    out->certificate.regret = memory_column(model_rows(m));
    out->value_start = memory_column(model_rows(m));
    out->wait_start = memory_column(m->n_actor);
    out->choice_start = memory_column(m->n_jump);
    if (!r.x || !out->certificate.regret || !out->value_start || !out->wait_start || !out->choice_start) goto finish;

    status = find(&r, out, true);
    if (status == DUR_INTERRUPTED) { r.interrupted = true; status = DUR_OK; }
    if (status != DUR_OK) goto finish;
    double tolerance = options->tolerance > 0 ? options->tolerance : GAME_TOLERANCE;
    if (m->n_private && !r.interrupted && r.residual <= tolerance) status = make_alike(&r, tolerance);
    if (status != DUR_OK) goto finish;
    out->verdict = r.interrupted ? GAME_INTERRUPTED : r.residual <= tolerance ? GAME_CONVERGED : GAME_NO_CONVERGENCE;
    if (out->verdict == GAME_NO_CONVERGENCE && out->reached > 0)
        snprintf(out->note, sizeof out->note, "the principal branch was followed up to %.4g times the stated precisions; beyond, the "
                 "residual stays at %.2e after %lld sweeps", out->reached, r.residual, (long long)r.n_sweep);
    else if (out->verdict == GAME_NO_CONVERGENCE && !out->note[0])
        snprintf(out->note, sizeof out->note, "the residual stands at %.2e after %lld sweeps", r.residual,
                 (long long)r.n_sweep);
    out->n_sweep = r.n_sweep;
    out->n_byte = (int64_t)game_bytes(l);

    // what everyone does at these values; on a large lattice each of these takes a while
    if (is_stopped(out, options)) goto finish;
    status = policy_make(&out->policy, l, options->rule, error);
    if (status != DUR_OK || is_stopped(out, options)) goto finish;
    memcpy(out->policy->value, r.x, (size_t)r.n * sizeof *r.x);
    if (!r.sweep) r.sweep = sweep_make(l, options->rule, team);
    status = r.sweep ? DUR_OK : DUR_MEMORY;
    if (status != DUR_OK) goto finish;
    sweep_fill_policy(r.sweep, out->policy);
    if (is_stopped(out, options)) goto finish;
    policy_learn(out->policy, true);
    status = policy_at_start(out->policy, out->value_start, out->choice_start, out->wait_start, error);
    if (status != DUR_OK) goto finish;
    if (r.n > r.n_value) {
        out->answered = memory_column(r.n - r.n_value);
        status = out->answered ? DUR_OK : DUR_MEMORY;
        if (status != DUR_OK) goto finish;
        memcpy(out->answered, r.x + r.n_value, (size_t)(r.n - r.n_value) * sizeof *r.x);
        memory_free(r.x);
        r.x = NULL;
    }
    out->seconds = progress_seconds() - start;

    // the solver's own residual is not taken at its word
    anderson_free(r.mix);
    r.mix = NULL;
    start = progress_seconds();
    status = certify(&out->certificate, out->policy, !options->skip_certificate && out->verdict == GAME_CONVERGED, rows_most(l),
                     options->progress, team, error);
    if (status == DUR_OK && out->verdict == GAME_NO_CONVERGENCE && m->n_private > 0 && out->certificate.residual <= tolerance)
        status = look_again(out, options, rows_most(l), team, error);
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

void game_uncertify(GameSolution *s) {
    s->certificate.consistency = NAN;
    s->certificate.is_unsettled = false;
    for (int32_t r = 0; r < model_rows(s->policy->lattice->model); r++) s->certificate.regret[r] = NAN;
}

DurStatus game_certify(GameSolution *s, const Progress *progress, Team *team, DurError *error) {
    const Lattice *l = s->policy->lattice;
    if (s->verdict != GAME_CONVERGED) return DUR_OK;
    double start = progress_seconds();
    bool has_rows = l->model->clock != CLOCK_ROUNDS && l->model->n_actor > 0;
    DurStatus status = certify(&s->certificate, s->policy, true, has_rows ? rows_most(l) : 0, progress, team, error);
    s->certificate_seconds = progress_seconds() - start;
    if (status != DUR_OK) game_uncertify(s);
    return status;
}

void game_free(GameSolution *s) {
    policy_free(s->policy);
    memory_free(s->answered);
    memory_free(s->certificate.regret);
    memory_free(s->value_start);
    memory_free(s->choice_start);
    memory_free(s->wait_start);
    *s = (GameSolution){0};
}
