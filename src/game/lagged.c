#include "game/lagged.h"

#include "base/memory.h"

#include <math.h>
#include <string.h>

/// The first lag, and the least, in times the largest rate of discount of any actor: the least is about what motions away from
/// where a solution nearly is grow by; below it steps are Newton's, and lead back there.
#define LAG_FIRST 16.0
#define LAG_LEAST 2.0
/// From one step to the next it falls and rises with what all states miss together, by no more than this: the worst may be a few that jump.
#define LAG_FALL  0.4
#define LAG_RISE  4.0
/// How much of its residual a linear system leaves.
#define REDUCE    0.1
/// Residual at which Newton's method is tried, what part of it must be left for it to have led on, and its steps.
#define NEAR      1e-3
#define NEARER    0.2
#define NEWTON_STEPS 80
/// From farther than NEAR it is tried where so many steps have not halved the residual, and after that many more, if few states hold them up: no
/// more than FEW, or one in FEW_PART, miss FEW_MISS of what the worst does. They jump to and fro.
#define HELD_UP   2e-2
#define IDLE      4
#define IDLE_MORE 12
#define FEW       1000
#define FEW_PART  200
#define FEW_MISS  0.01f
/// Near a solution its steps are shortened where need be; from farther, one that would have to be led astray.
#define WHOLE     1e-5
/// Where so many steps on end change a small residual by less than this part, a solution nearly is, and passing it would take too long.
#define EVEN      6
#define EVENLY    0.03

static double take(Krylov *k, double lag, double *value) {
    krylov_lag(k, lag);
    return krylov_take(k, 1.0, value, NULL);
}

// whether it is few states that miss
static bool is_few(const Krylov *k) {
    float top = 0;
    int64_t n = 0, most = k->n / FEW_PART > FEW ? k->n / FEW_PART : FEW;
    for (int64_t i = 0; i < k->n; i++) top = fabsf(k->miss[i]) > top ? fabsf(k->miss[i]) : top;
    for (int64_t i = 0; i < k->n; i++) n += fabsf(k->miss[i]) > FEW_MISS * top;
    return n <= most;
}

// Newton's method from here. True if it came nearer by far; else `value` stays
static DurStatus by_newton(KrylovResult *out, Krylov *k, double tolerance, double *kept, double *value, bool *led) {
    double residual = out->residual;
    int32_t n_step = out->n_step;
    memcpy(kept, value, (size_t)k->n_all * sizeof *kept);
    krylov_lag(k, 0);
    k->only_whole = residual > WHOLE;
    // with shifts that follow the values it would have led on already, but for states that jump to and fro
    k->holds = true;
    DurStatus status = krylov_solve(out, k, 1.0, tolerance, NEWTON_STEPS, value);
    k->only_whole = k->holds = false;
    out->n_step += n_step;
    *led = out->residual <= NEARER * residual;
    if (status == DUR_OK && !*led && !out->interrupted) {
        memcpy(value, kept, (size_t)k->n_all * sizeof *kept);
        out->residual = residual;
    }
    return status;
}

DurStatus lagged_solve(KrylovResult *out, Krylov *k, double tolerance, double enough, int32_t max_step, double *value) {
    *out = (KrylovResult){.residual = INFINITY};
    double rho = krylov_discount(k), near = NEAR, lag = LAG_FIRST * rho, *kept = memory_column(k->n_all);
    if (!kept) return DUR_MEMORY;
    DurStatus status = DUR_OK;
    out->residual = take(k, lag, value);
    double best = INFINITY, length_before = 0;
    for (int32_t n_even = 0, n_idle = 0;;) {
        out->converged = out->residual <= tolerance;
        if (krylov_is_cut(k, out->residual)) {
            status = DUR_INTERRUPTED;
            break;
        }
        krylov_tell(k, 1.0, out->residual, tolerance);
        if (out->converged || !isfinite(out->residual) || out->n_step >= max_step || n_even >= EVEN || krylov_is_spent(k)) break;
        n_idle = out->residual < 0.5 * best ? 0 : n_idle + 1;
        if (out->residual < 0.5 * best) best = out->residual;
        if (out->residual <= near || (out->residual <= HELD_UP && n_idle >= IDLE && is_few(k))) {
            bool led;
            status = by_newton(out, k, tolerance, kept, value, &led);
            if (status != DUR_OK || out->converged || out->interrupted || (!led && out->residual <= enough)) break;
            // what was tried from there is not tried again
            if (out->residual <= near) near = NEARER * out->residual;
            best = led ? out->residual : best;
            n_idle = led ? 0 : IDLE - IDLE_MORE;
            lag = LAG_LEAST * rho;
            length_before = 0;
            out->residual = take(k, lag, value);
            continue;
        }
        double length, before = out->residual;
        status = krylov_measure(k, &length);
        if (status == DUR_OK) status = krylov_linear(k, k->miss, k->swept, REDUCE, k->d, NULL);
        if (status != DUR_OK) break;
        krylov_step(k, 1, value);
        // a tangent is taken with a lag that is known before its residual is, so the lag goes by the step before
        double fell = length_before > 0 ? length / length_before : 1;
        lag *= fell < LAG_FALL ? LAG_FALL : fell > LAG_RISE ? LAG_RISE : fell;
        if (lag < LAG_LEAST * rho) lag = LAG_LEAST * rho;
        length_before = length;
        out->n_step++;
        out->residual = take(k, lag, value);
        double ratio = out->residual / before;
        n_even = out->residual <= NEAR && fabs(ratio - 1) < EVENLY ? n_even + 1 : 0;
        // it has left where it was held up, and may come near again
        if (out->residual > NEAR) near = NEAR;
    }
    krylov_lag(k, 0);
    if (status == DUR_INTERRUPTED) {
        out->interrupted = true;
        status = DUR_OK;
    }
    memory_free(kept);
    return status;
}
