#include "game/beyond.h"

#include "base/memory.h"
#include "game/spots.h"

#include <math.h>
#include <string.h>

/// Residual to which points on the way are found.
#define POINT_TOLERANCE 1e-5
/// The factor in precision from one point to the next, at first and at most; and where it is given up.
#define FACTOR_MOST  1.5
#define FACTOR_LEAST 1.01
/// Steps of either method at one point.
#define STEPS 40

// from `value` to one precision scale
static DurStatus point(KrylovResult *out, Krylov *k, const LatticeRule *rule, double scale, double tolerance, const double *kept,
                       double *value) {
    k->holds = k->only_whole = true;
    DurStatus status = krylov_solve(out, k, scale, tolerance, STEPS, value);
    k->holds = k->only_whole = false;
    if (status != DUR_OK || out->converged || out->interrupted || krylov_is_spent(k)) return status;
    int32_t n_step = out->n_step;
    memcpy(value, kept, (size_t)k->n_all * sizeof *kept);
    status = spots_solve(out, k, rule, scale, tolerance, STEPS, value);
    out->n_step += n_step;
    return status;
}

DurStatus beyond_solve(KrylovResult *out, Krylov *k, const LatticeRule *rule, double from, double tolerance, double *value) {
    *out = (KrylovResult){.residual = INFINITY};
    double *kept = memory_column(k->n_all), at = from, factor = FACTOR_MOST;
    if (!kept) return DUR_MEMORY;
    DurStatus status = DUR_OK;
    memcpy(kept, value, (size_t)k->n_all * sizeof *kept);
    int32_t n_step = 0;
    while (factor >= FACTOR_LEAST && !krylov_is_spent(k)) {
        double scale = at * factor < 1 ? at * factor : 1;
        status = point(out, k, rule, scale, scale < 1 && tolerance < POINT_TOLERANCE ? POINT_TOLERANCE : tolerance, kept, value);
        n_step += out->n_step;
        if (status != DUR_OK || out->interrupted || (out->converged && scale >= 1)) break;
        if (out->converged) {
            memcpy(kept, value, (size_t)k->n_all * sizeof *kept);
            at = scale;
            factor = factor * factor < FACTOR_MOST ? factor * factor : FACTOR_MOST;
            // a solution on the way is none
            *out = (KrylovResult){.residual = INFINITY};
        } else {
            memcpy(value, kept, (size_t)k->n_all * sizeof *kept);
            factor = sqrt(scale / at);
        }
    }
    out->n_step = n_step;
    memory_free(kept);
    return status;
}
