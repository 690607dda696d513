#include "game/spots.h"

#include "base/memory.h"
#include "game/sweep_types.h"

#include <math.h>
#include <string.h>

/// Sweeps of all states before the first step: what is carried from a coarser lattice is wrong at the nodes between.
#define SMOOTH    5
/// The first lag, and the least, in times the largest rate of discount of any actor; once all states together miss no more than this part of what they
/// missed at first, steps are Newton's.
#define LAG_FIRST 2.0
#define LAG_LEAST 0.5
#define LAG_NONE  0.1
/// From one step to the next it falls by this, or rises where they miss this much more than before.
#define LAG_FALL  0.5
#define LAG_RISE  4.0
#define ROSE      2.0
/// How much of its residual a linear system leaves, and how much at most: with a lag, or where less would be more than is wanted. To leave less of it
/// takes more sweeps than another step does: Krylov spaces are short here.
#define REDUCE    0.1
#define REDUCE_MOST 0.3
#define ENOUGH      0.2
/// Sweeps of one, at most: after a restart they bring little.
#define LINEAR_MOST 20
/// A step that leaves the worst this part of what it missed has led on.
#define LED       0.3
/// A spot is a block that misses this part of what the worst does, or so much more that no more than one block in FEW is one; where more than one
/// in MANY is one for all that, the next step does more. Spots are swept until all miss SETTLED of that, as long as that takes no more than COST sweeps of
/// all blocks; so are then, too, those around them that have come to be ones, and so on.
#define SPOT      0.02
#define SPOT_MOST 0.3
#define FEW       500
#define MANY      20
#define SETTLED   0.2
#define COST      0.3
#define ROUNDS    6
/// A sweep of the values costs about as much as so many of a linear system.
#define SWEEP_COST 2

typedef struct Spots {
    Krylov *k;
    SweepTypes *sweep;
    int64_t n_block;
    bool *is_spot;     // [n_block]
    float *missed;     // [n_block] what each block missed as it was met by the last sweep of all
    double worst;      // the largest of them
    double *value;     // [n_all] borrowed
} Spots;

static void spots_free(Spots *s) {
    memory_free(s->missed);
    memory_free(s->is_spot);
    sweep_types_free(s->sweep);
}

static bool spots_make(Spots *s, Krylov *k, const LatticeRule *rule, double *value) {
    *s = (Spots){.k = k, .n_block = k->lattice->n_block, .worst = INFINITY, .value = value};
    s->sweep = sweep_types_make(k->lattice, rule, k->team);
    if (s->sweep) sweep_types_heed(s->sweep, k->progress);
    s->is_spot = memory_zeroed((size_t)s->n_block, sizeof *s->is_spot);
    s->missed = memory_zeroed((size_t)s->n_block, sizeof *s->missed);
    return s->sweep && s->is_spot && s->missed;
}

static DurStatus sweep_all(Spots *s) {
    s->worst = sweep_types_within(s->sweep, 1.0, NULL, s->value, s->missed);
    s->k->n_sweep += SWEEP_COST;
    return progress_stop(s->k->progress) ? DUR_INTERRUPTED : DUR_OK;
}

static int64_t count_above(const Spots *s, double limit) {
    int64_t n = 0;
    for (int64_t b = 0; b < s->n_block; b++) n += (double)s->missed[b] > limit;
    return n;
}

// Sweeps where the equations are missed most, if a step from `residual` has not led on there: nor beyond what sweeps had left before
static DurStatus settle(Spots *s, double residual) {
    double before = fmin(residual * krylov_step(s->k, 0, s->value), s->worst);
    TRY(sweep_all(s));
    memset(s->is_spot, 0, (size_t)s->n_block * sizeof *s->is_spot);
    for (int round = 0; round < ROUNDS && s->worst > LED * before && s->worst > 0; round++) {
        double limit = SPOT * s->worst, left = s->worst;
        while (limit < SPOT_MOST * s->worst && count_above(s, limit) * FEW > s->n_block) limit *= 2;
        int64_t n = 0, n_pass = 0;
        for (int64_t b = 0; b < s->n_block; b++) n += s->is_spot[b] |= (double)s->missed[b] > limit;
        // none where the worst is infinite
        if (n == 0 || n * MANY > s->n_block) return DUR_OK;
        for (; (double)(n_pass * n) < COST * (double)s->n_block && left > SETTLED * limit; n_pass++) {
            left = sweep_types_within(s->sweep, 1.0, s->is_spot, s->value, NULL);
            if (progress_stop(s->k->progress)) return DUR_INTERRUPTED;
        }
        s->k->n_sweep += SWEEP_COST * n_pass * n / s->n_block;
        TRY(sweep_all(s));
    }
    return DUR_OK;
}

static DurStatus go(Spots *s, KrylovResult *out, double tolerance, int32_t max_step) {
    Krylov *k = s->k;
    k->linear_most = LINEAR_MOST;
    double rho = krylov_discount(k), lag = LAG_FIRST * rho, first = 0, before = INFINITY, missed = INFINITY;
    bool is_swept = false;   // since the last step sweeps have been where most is missed
    for (int i = 0; i < SMOOTH; i++) TRY(sweep_all(s));
    for (;;) {
        // which states are held is found anew at each tangent: sweeps have moved them
        TRY(tangent_hold(k->tangent, TANGENT_HOLD_STAY));
        krylov_lag(k, lag);
        out->residual = krylov_take(k, 1.0, s->value, NULL);
        if (krylov_is_cut(k, out->residual)) return DUR_INTERRUPTED;
        out->converged = out->residual <= tolerance;
        krylov_tell(k, 1.0, out->residual, tolerance);
        if (out->converged || !isfinite(out->residual) || out->n_step >= max_step || krylov_is_spent(k)) return DUR_OK;
        double length;
        TRY(krylov_measure(k, &length));
        // where all states together lead on but the worst does not, a step for all is wasted on it
        bool led = out->residual <= LED * missed;
        if (lag == 0 && !led && !is_swept && length <= LED * before) {
            TRY(settle(s, out->residual));
            is_swept = true;
            continue;
        }
        double reduce = lag > 0 ? REDUCE_MOST : fmin(fmax(ENOUGH * tolerance / out->residual, REDUCE), REDUCE_MOST);
        TRY(krylov_linear(k, k->miss, k->swept, reduce, k->d, NULL));
        krylov_step(k, 1, s->value);
        out->n_step++;
        if (first == 0) first = length;
        if (length > ROSE * before)         lag = LAG_RISE * fmax(lag, LAG_LEAST * rho);
        else if (length < LAG_NONE * first) lag = 0;
        else                                lag = fmax(LAG_FALL * lag, LAG_LEAST * rho);
        before = length;
        missed = out->residual;
        // where Newton's steps lead on by themselves no sweep is needed between them
        is_swept = lag > 0 || !led;
        if (is_swept) TRY(settle(s, out->residual));
    }
}

DurStatus spots_solve(KrylovResult *out, Krylov *k, const LatticeRule *rule, double tolerance, int32_t max_step, double *value) {
    *out = (KrylovResult){.residual = INFINITY};
    Spots s;
    DurStatus status = spots_make(&s, k, rule, value) ? go(&s, out, tolerance, max_step) : DUR_MEMORY;
    krylov_lag(k, 0);
    k->linear_most = 0;
    tangent_hold(k->tangent, TANGENT_HOLD_NONE);
    spots_free(&s);
    if (status == DUR_INTERRUPTED) {
        out->interrupted = true;
        status = DUR_OK;
    }
    return status;
}
