#include "num/bicgstab.h"

#include "base/memory.h"
#include "num/linear.h"

#include <math.h>
#include <string.h>

static double dot(const double *u, const double *v, int64_t n) {
    double lane[8] = {0};
    int64_t i = 0;
    for (; i + 8 <= n; i += 8)
        for (int k = 0; k < 8; k++) lane[k] += u[i + k] * v[i + k];
    for (int k = 0; i < n; i++, k++) lane[k] += u[i] * v[i];
    return ((lane[0] + lane[4]) + (lane[1] + lane[5])) + ((lane[2] + lane[6]) + (lane[3] + lane[7]));
}

DurStatus bicgstab(LinearSolve *out, int64_t n, LinearApply apply, void *context, const double *b, const double *scale,
                   double tolerance, int64_t max_apply, double *x) {
    *out = (LinearSolve){.residual = INFINITY};
    DurStatus status = DUR_MEMORY;
    double *room = memory_column(8 * n);
    if (!room) return DUR_MEMORY;
    double *r = room, *r0 = r + n, *p = r0 + n, *v = p + n, *s = v + n, *t = s + n, *hat = t + n, *best = hat + n;
    double best_residual = INFINITY;

    for (int64_t restart = 0; out->n_apply < max_apply; restart++) {
        // the true residual, at the start and at every restart: the recursive one drifts
        status = apply(context, x, v);
        out->n_apply++;
        if (status != DUR_OK) goto done;
        for (int64_t i = 0; i < n; i++) r[i] = b[i] - v[i];
        out->residual = vector_sup(r, n);
        if (out->residual < best_residual) {
            best_residual = out->residual;
            memcpy(best, x, (size_t)n * sizeof *x);
        }
        if (out->residual <= tolerance) { out->converged = true; break; }
        if (!isfinite(out->residual)) memcpy(x, best, (size_t)n * sizeof *x);
        if (!isfinite(out->residual) || restart > 60) break;

        memcpy(r0, r, (size_t)n * sizeof *r);
        memcpy(p, r, (size_t)n * sizeof *r);
        double rho = dot(r0, r, n);
        while (out->n_apply + 2 <= max_apply) {
            for (int64_t i = 0; i < n; i++) hat[i] = scale ? p[i] / scale[i] : p[i];
            status = apply(context, hat, v);
            out->n_apply++;
            if (status != DUR_OK) goto done;
            double alpha = rho / dot(r0, v, n);
            if (!isfinite(alpha)) break;
            for (int64_t i = 0; i < n; i++) {
                x[i] += alpha * hat[i];
                s[i] = r[i] - alpha * v[i];
            }
            for (int64_t i = 0; i < n; i++) hat[i] = scale ? s[i] / scale[i] : s[i];
            status = apply(context, hat, t);
            out->n_apply++;
            if (status != DUR_OK) goto done;
            double tt = dot(t, t, n), omega = tt > 0 ? dot(t, s, n) / tt : 0;
            for (int64_t i = 0; i < n; i++) {
                x[i] += omega * hat[i];
                r[i] = s[i] - omega * t[i];
            }
            if (vector_sup(r, n) <= 0.5 * tolerance) break;
            double rho_next = dot(r0, r, n), beta = rho_next / rho * (alpha / omega);
            rho = rho_next;
            if (!isfinite(beta) || omega == 0) break;
            for (int64_t i = 0; i < n; i++) p[i] = r[i] + beta * (p[i] - omega * v[i]);
        }
    }
    // ran out: give the best that was seen
    if (!out->converged && best_residual < out->residual) {
        memcpy(x, best, (size_t)n * sizeof *x);
        out->residual = best_residual;
    }
    status = DUR_OK;

done:
    memory_free(room);
    return status;
}
