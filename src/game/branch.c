#include "game/branch.h"

#include "base/memory.h"

#include <math.h>
#include <string.h>

/// Residual to which points on the way are found. A miss of 1e-3 can still be a tenth of a value, which at high precision turns
/// choices over: such a point is beside the branch, not on it.
#define POINT_TOLERANCE 1e-5
/// The same for a short step along the branch, in its length: a point that is farther off than the step is long shows no direction.
#define POINT_SHARE 1e-4
#define POINT_LEAST 1e-9
/// First multiple of the stated precisions after 0, and the factor from one to the next.
#define SCALE_FIRST (1.0 / 16)
/// With steps of twice, Newton's method went straight to other branches on the way of `hold` in proxy.duress, to either of two by how sums
/// were rounded; from one and a half times down all lead to one and the same.
#define FACTOR_MOST 1.5
/// A shorter factor than this is a sign of a fold: from there the branch is measured by its length.
#define FACTOR_LEAST 1.1
/// Newton steps that a point may take. One that is near takes three or four; one that takes more may be on another branch.
#define POINT_STEPS 8
/// Lengths of a step along the branch, in units of the logarithm of precision and of the values' own size.
#define LENGTH_FIRST 0.05
#define LENGTH_MOST  0.5
#define LENGTH_LEAST 1e-6
/// Least cosine between a step along the branch and the tangents at its ends.
#define AGREES_LEAST 0.6
/// The same at the end of the way, where precision is held: lengths of the step that the end may lie off, and how well a
/// point is known.
#define STRAY_MOST 0.25
#define STRAY_LEAST 1e-4
/// How far down a branch is followed, in logarithms of the scale: at a 3000th of where it began it goes to precision 0.
#define LOG_DOWN_MOST 8
/// Points along the branch, and folds, at most. Where every state is a small game of its own the branch can turn hundreds of
/// times: nobody waits for that.
#define POINTS_MOST 2000
#define FOLDS_MOST  24
/// How well the linear systems along the branch are solved.
#define REDUCE 3e-3
/// A system that is solved no better than this is a sign that the point is far from the branch.
#define REDUCE_WORST 0.1

typedef struct Along {
    Krylov *k;
    double *last;                // [n] the last point
    float  *way, *next;          // [n] tangent of the branch at the last point, and at the one that is tried
    float  *slope, *chord;       // [n] derivative of F in the logarithm of the scale; the step from the last point
    double  way_log, next_log, chord_log;   // their parts in the logarithm of the scale
    double  weight;              // of values against the logarithm, in lengths: 1 / (sqrt(n) size^2). A fold is often a matter
                                 // of few states, which a mean over all of them would not see
} Along;

static double size_of(const double *x, int64_t n) {
    double size = 0;
    for (int64_t i = 0; i < n; i++) size = fabs(x[i]) > size ? fabs(x[i]) : size;
    return size > 0 ? size : 1;
}

// The tangent of the branch at a point at which krylov_take has been: A next = slope * next_log, of length 1, the way that `chord`
// shows (chord_log > 0 and no chord: towards higher precision).
static DurStatus tangent_of(Along *a) {
    Krylov *k = a->k;
    DurStatus status = krylov_linear(k, a->slope, NULL, REDUCE, k->d, NULL);
    if (status != DUR_OK) return status;
    double square = gmres_dot(k->gmres, k->d, k->d), length = sqrt(1 + a->weight * square);
    double turn = a->weight * gmres_dot(k->gmres, k->d, a->chord) + a->chord_log;
    a->next_log = (turn < 0 ? -1 : 1) / length;
    for (int64_t i = 0; i < k->n; i++) a->next[i] = (float)((double)k->d[i] * a->next_log);
    return DUR_OK;
}

// the cosine between the step taken and a tangent
static double agrees(Along *a, const float *way, double way_log) {
    Gmres *g = a->k->gmres;
    double length = sqrt(a->weight * gmres_dot(g, a->chord, a->chord) + a->chord_log * a->chord_log);
    return length > 0 ? (a->weight * gmres_dot(g, a->chord, way) + a->chord_log * way_log) / length : 1;
}

// Back to the branch from a point beside it, in the plane across the tangent. A dV = F + F_s ds (s the logarithm of the scale)
// and weight <way, dV> + way_log ds = 0.
static DurStatus correct(Along *a, double length_of_step, double *log_scale, double *value, bool *ok, int *n_step) {
    Krylov *k = a->k;
    double before = INFINITY, tolerance = POINT_SHARE * length_of_step;
    tolerance = tolerance < POINT_LEAST ? POINT_LEAST : tolerance < POINT_TOLERANCE ? tolerance : POINT_TOLERANCE;
    *ok = false;
    for (*n_step = 0; *n_step < POINT_STEPS; ++*n_step) {
        double residual = krylov_take(k, exp(*log_scale), value, a->slope), reduced, length;
        if (residual <= tolerance) { *ok = true; return DUR_OK; }
        // in the measure of Newton's method (krylov_measure): at a few states a step may miss by more while all come nearer
        DurStatus status = krylov_measure(k, &length);
        if (status != DUR_OK || !(length < before)) return status;
        before = length;
        status = krylov_linear(k, k->miss, k->swept, REDUCE, k->d, &reduced);
        if (status != DUR_OK || reduced > REDUCE_WORST) return status;
        double along_miss = a->weight * gmres_dot(k->gmres, a->way, k->d);
        krylov_step(k, 1, value);
        status = krylov_linear(k, a->slope, NULL, REDUCE, k->d, &reduced);
        if (status != DUR_OK || reduced > REDUCE_WORST) return status;
        double ds = -along_miss / (a->weight * gmres_dot(k->gmres, a->way, k->d) + a->way_log);
        if (!(fabs(ds) < 2)) return DUR_OK;
        krylov_step(k, ds, value);
        *log_scale += ds;
        if (krylov_is_spent(k)) return DUR_OK;
    }
    return DUR_OK;
}

// true if `value` is farther from where a step led, in lengths of that step, than it can be on a smooth curve: then it is on
// another branch. Where: at `share` of the step, within the plane of one precision
static bool has_strayed(const Along *a, double share, double length, const double *value) {
    double square = 0;
    for (int64_t i = 0; i < a->k->n; i++) {
        double off = value[i] - a->last[i] - share * length * (double)a->way[i];
        square += off * off;
    }
    return !(sqrt(a->weight * square) <= STRAY_MOST * length + STRAY_LEAST);
}

// Along the branch by its length, from a point at `scale` on it to the stated precisions: upwards from below them (scale < 1),
// or from them (scale 1) downwards and back.
static DurStatus follow_length(BranchResult *out, Krylov *k, double scale, double tolerance, double *value) {
    Along a = {.k = k};
    DurStatus status = DUR_MEMORY;
    a.last = memory_column(k->n_all);
    a.way = memory_zeroed((size_t)k->n + 16, sizeof *a.way);
    a.next = memory_zeroed((size_t)k->n + 16, sizeof *a.next);
    a.slope = memory_zeroed((size_t)k->n + 16, sizeof *a.slope);
    a.chord = memory_zeroed((size_t)k->n + 16, sizeof *a.chord);
    if (!a.last || !a.way || !a.next || !a.slope || !a.chord) goto done;

    double size = size_of(value, k->n), at = log(scale), length = LENGTH_FIRST;
    a.weight = 1 / (sqrt((double)k->n) * size * size);
    krylov_take(k, scale, value, a.slope);
    a.chord_log = scale < 1 ? 1 : -1;
    status = tangent_of(&a);
    if (status != DUR_OK) goto done;
    float *first = a.way;
    a.way = a.next;
    a.next = first;
    a.way_log = a.next_log;
    for (int32_t point = 0; point < POINTS_MOST && out->n_fold < FOLDS_MOST && length >= LENGTH_LEAST && !krylov_is_spent(k); point++) {
        memcpy(a.last, value, (size_t)k->n_all * sizeof *value);
        double from = at;
        for (int64_t i = 0; i < k->n; i++) value[i] += length * (double)a.way[i];
        at += length * a.way_log;
        bool ok = false;
        int n_step = 0;
        if (at <= 0) {
            status = correct(&a, length, &at, value, &ok, &n_step);
            if (status != DUR_OK) goto done;
        }
        if (at > 0 && from == 0) {
            // not away from the start yet: a shorter step
            ok = false;
        } else if (at > 0) {
            // past the stated precisions: the point between, found at them
            double share = -from / (at - from);
            for (int64_t i = 0; i < k->n; i++) value[i] = a.last[i] + share * (value[i] - a.last[i]);
            KrylovResult end;
            status = krylov_solve(&end, k, 1.0, tolerance, 2 * POINT_STEPS, value);
            out->residual = end.residual;
            out->n_step++;
            if (status != DUR_OK) goto done;
            if (end.interrupted) { status = DUR_INTERRUPTED; goto done; }
            if (end.converged && end.n_short == 0 && !has_strayed(&a, share, length, value)) {
                // back without a point that was seen to turn
                out->n_fold += a.way_log < 0;
                out->converged = true;
                out->reached = 1;
                goto done;
            }
            ok = false;
        }
        if (ok) {
            // a step that lands on another stretch of the branch, or turns back on its own, does not run with the tangents
            // at both of its ends
            for (int64_t i = 0; i < k->n; i++) a.chord[i] = (float)(value[i] - a.last[i]);
            a.chord_log = at - from;
            ok = agrees(&a, a.way, a.way_log) >= AGREES_LEAST;
        }
        if (ok) {
            status = tangent_of(&a);
            if (status != DUR_OK) goto done;
            ok = agrees(&a, a.next, a.next_log) >= AGREES_LEAST;
        }
        if (!ok) {
            memcpy(value, a.last, (size_t)k->n_all * sizeof *value);
            at = from;
            length /= 2;
            continue;
        }
        out->n_step++;
        out->reached = exp(at) > out->reached ? exp(at) : out->reached;
        out->n_fold += (a.way_log < 0) != (a.next_log < 0);
        float *old = a.way;
        a.way = a.next;
        a.next = old;
        a.way_log = a.next_log;
        if (n_step <= 2) length = length * 1.6 < LENGTH_MOST ? length * 1.6 : LENGTH_MOST;
        if (n_step >= 5) length /= 1.5;
        // on to precision 0
        if (at < log(scale) - LOG_DOWN_MOST) break;
    }

done:
    if (status == DUR_INTERRUPTED) {
        out->interrupted = true;
        status = DUR_OK;
    }
    memory_free(a.chord);
    memory_free(a.slope);
    memory_free(a.next);
    memory_free(a.way);
    memory_free(a.last);
    return status;
}

// Where the branch leads by its last two points, at `from` and `at`: on along the line through them, over the logarithm of the scale, or over
// the scale itself from precision 0. step [n]: the last less the one before
static void predict(const Krylov *k, double from, double at, double to, const double *last, const float *step, double *value) {
    double part = from > 0 ? log(to / at) / log(at / from) : (to - at) / (at - from);
    for (int64_t i = 0; i < k->n; i++) value[i] = last[i] + part * (double)step[i];
}

DurStatus branch_follow(BranchResult *out, Krylov *k, int64_t patience, double tolerance, double *value) {
    *out = (BranchResult){.residual = INFINITY};
    double *kept = memory_column(k->n_all);   // the last point
    float *step = memory_floats(k->n);        // the way to it
    double point = tolerance > POINT_TOLERANCE ? tolerance : POINT_TOLERANCE, factor = FACTOR_MOST, scale, from = 0;
    int64_t max_sweep = k->max_sweep;
    DurStatus status = kept && step ? DUR_OK : DUR_MEMORY;
    scale = k->lattice->model->choice == CHOICE_TASTE ? 1.0 / 64 : 0;
    memset(value, 0, (size_t)k->n_all * sizeof *value);
    krylov_allow(k, patience, max_sweep);
    while (status == DUR_OK) {
        KrylovResult r;
        if (out->n_step > 1) predict(k, from, out->reached, scale, kept, step, value);
        k->only_whole = out->n_step > 0;
        status = krylov_solve(&r, k, scale, point, out->n_step ? POINT_STEPS : 4 * POINT_STEPS, value);
        if (status == DUR_OK && r.converged && r.n_short == 0 && scale >= 1 && tolerance < point)
            status = krylov_solve(&r, k, scale, tolerance, POINT_STEPS, value);
        k->only_whole = false;
        out->residual = r.residual;
        if (status != DUR_OK) break;
        if (r.interrupted) { out->interrupted = true; break; }
        if (r.converged && (r.n_short == 0 || out->n_step == 0)) {
            from = out->reached;
            out->n_step++;
            out->reached = scale;
            if (scale >= 1) { out->converged = true; break; }
            for (int64_t i = 0; i < k->n; i++) step[i] = (float)(value[i] - kept[i]);
            memcpy(kept, value, (size_t)k->n_all * sizeof *kept);
            scale = scale > 0 ? scale * factor : SCALE_FIRST;
            factor = factor * factor < FACTOR_MOST ? factor * factor : FACTOR_MOST;
            // what led on is not held against what follows
            krylov_allow(k, patience, max_sweep);
        } else {
            if (out->n_step == 0) break;
            // this step was too long: back to the last point, and a shorter one
            memcpy(value, kept, (size_t)k->n_all * sizeof *kept);
            if (krylov_is_spent(k)) break;
            if (out->reached == 0) {
                scale /= 4;
                if (scale < 1e-6) break;
                continue;
            }
            factor = sqrt(out->reached * factor < 1 ? factor : 1 / out->reached);
            if (factor < FACTOR_LEAST) {
                status = follow_length(out, k, out->reached, tolerance, value);
                break;
            }
            scale = out->reached * factor;
        }
        if (scale > 1) scale = 1;
    }
    k->max_sweep = max_sweep;
    memory_free(step);
    memory_free(kept);
    return status;
}

DurStatus branch_partner(BranchResult *out, Krylov *k, double tolerance, double *value) {
    *out = (BranchResult){.residual = INFINITY};
    return follow_length(out, k, 1.0, tolerance, value);
}
