#include "game/paced.h"

#include "base/memory.h"
#include "game/sweep_types.h"

#include <math.h>
#include <string.h>

/// Residual at which Newton's method is asked first, and the part of it at which it is asked again.
#define NEAR  1e-3
#define AGAIN 0.3
/// Sweeps that do not halve the residual, after which it is asked all the same; and how often it may come to that.
#define PATIENCE   400
#define STUCK_MOST 3
/// Newton steps each time.
#define STEPS 30
/// What it leaves of the residual, at most, for sweeps to go on from where it led.
#define LED 0.1
/// A sweep of the values costs about as much as so many of a linear system.
#define SWEEP_COST 2

typedef struct Paced {
    Krylov *k;
    SweepTypes *sweep;
    double tolerance;
    double *value, *near;    // [n_all] borrowed; what Newton's method makes of it
} Paced;

// Newton's method from where sweeps stand, whose shifts follow the values, or, where that leads astray, are held where they would jump
static DurStatus ask(Paced *p, KrylovResult *out) {
    Krylov *k = p->k;
    KrylovResult end;
    for (int held = 0; held < 2; held++) {
        memcpy(p->near, p->value, (size_t)k->n_all * sizeof *p->near);
        k->only_whole = true;
        k->holds = held;
        DurStatus status = krylov_solve(&end, k, 1.0, p->tolerance, STEPS, p->near);
        k->only_whole = k->holds = false;
        if (status != DUR_OK) return status;
        out->n_step += end.n_step;
        if (end.interrupted) return DUR_INTERRUPTED;
        if (end.converged || end.residual <= LED * out->residual) {
            out->converged = end.converged;
            out->residual = end.residual;
            memcpy(p->value, p->near, (size_t)k->n_all * sizeof *p->near);
            return DUR_OK;
        }
    }
    return DUR_OK;
}

static DurStatus go(Paced *p, KrylovResult *out) {
    Krylov *k = p->k;
    double target = NEAR, best = INFINITY;
    for (int32_t since = 0, n_stuck = 0; n_stuck < STUCK_MOST && !krylov_is_spent(k);) {
        double worst = sweep_types_within(p->sweep, 1.0, NULL, p->value, NULL), size = krylov_size(p->value, k->n);
        k->n_sweep += SWEEP_COST;
        out->n_swept++;
        out->residual = krylov_relative(worst, size);
        krylov_tell(k, 1.0, out->residual, p->tolerance);
        if (progress_stop(k->progress)) return DUR_INTERRUPTED;
        if (!isfinite(out->residual)) return DUR_OK;
        since = out->residual < 0.5 * best ? 0 : since + 1;
        if (since == 0) best = out->residual;
        if (out->residual > target && since < PATIENCE) continue;
        n_stuck += out->residual > target;
        since = 0;
        while (target >= out->residual && target > 0) target *= AGAIN;
        TRY(ask(p, out));
        if (out->converged) return DUR_OK;
    }
    return DUR_OK;
}

DurStatus paced_solve(KrylovResult *out, Krylov *k, const LatticeRule *rule, double tolerance, double *value) {
    *out = (KrylovResult){.residual = INFINITY};
    Paced p = {.k = k, .tolerance = tolerance, .value = value};
    p.sweep = sweep_types_make(k->lattice, rule, k->team);
    p.near = memory_column(k->n_all);
    DurStatus status = p.sweep && p.near ? sweep_types_pace(p.sweep) : DUR_MEMORY;
    if (status == DUR_OK) status = go(&p, out);
    memory_free(p.near);
    sweep_types_free(p.sweep);
    if (status != DUR_INTERRUPTED) return status;
    out->interrupted = true;
    return DUR_OK;
}
