#include "num/gmres_double.h"

#include "base/memory.h"
#include "num/linear.h"

#include <math.h>
#include <string.h>

DurStatus gmres_double(LinearSolve *out, int64_t n, LinearApply apply, void *context, const double *b, double tolerance,
                int64_t max_apply, int32_t n_keep, double *x) {
    *out = (LinearSolve){.residual = INFINITY};
    if (n_keep > n) n_keep = n > 0 ? (int32_t)n : 1;
    // columns from 64 doubles on, so that each is aligned
    int64_t stride = (n + 15) / 8 * 8;
    double *basis = memory_column((n_keep + 1) * stride);
    double *h = memory_column((int64_t)(n_keep + 1) * n_keep + 4 * ((int64_t)n_keep + 1));
    DurStatus status = DUR_MEMORY;
    if (!basis || !h) goto done;
    double *cosine = h + (int64_t)(n_keep + 1) * n_keep, *sine = cosine + n_keep + 1, *g = sine + n_keep + 1, *y = g + n_keep + 1;
    status = DUR_OK;
    double wanted = tolerance * sqrt(vector_dot(b, b, n));

    while (out->n_apply < max_apply) {
        // the true residual, at the start and at every restart
        double *r = basis;
        status = apply(context, x, r);
        out->n_apply++;
        if (status != DUR_OK) goto done;
        for (int64_t i = 0; i < n; i++) r[i] = b[i] - r[i];
        double size = sqrt(vector_dot(r, r, n));
        out->residual = size;
        out->converged = size <= wanted;
        if (out->converged || !isfinite(size)) break;
        for (int64_t i = 0; i < n; i++) r[i] /= size;
        g[0] = size;
        int32_t k = 0;
        for (; k < n_keep && out->n_apply < max_apply; k++) {
            double *v = basis + (k + 1) * stride, *column = h + (int64_t)k * (n_keep + 1);
            status = apply(context, basis + k * stride, v);
            out->n_apply++;
            if (status != DUR_OK) goto done;
            double before = sqrt(vector_dot(v, v, n));
            for (int32_t i = 0; i <= k; i++) {
                const double *u = basis + i * stride;
                double dot = column[i] = vector_dot(u, v, n);
                for (int64_t q = 0; q < n; q++) v[q] -= dot * u[q];
            }
            double length = sqrt(vector_dot(v, v, n));
            for (int32_t i = 0; i < k; i++) {
                double up = column[i], down = column[i + 1];
                column[i] = cosine[i] * up + sine[i] * down;
                column[i + 1] = cosine[i] * down - sine[i] * up;
            }
            double whole = sqrt(column[k] * column[k] + length * length);
            // nothing new and nothing left: A is singular on what was seen, and this step would only divide by rounding
            if (!(whole > 1e-14 * before)) break;
            cosine[k] = column[k] / whole;
            sine[k] = length / whole;
            column[k] = whole;
            g[k + 1] = -sine[k] * g[k];
            g[k] = cosine[k] * g[k];
            // the new direction is within rounding of the old ones: the space is whole
            bool is_whole = length <= 1e-14 * before;
            if (fabs(g[k + 1]) <= 0.5 * wanted || is_whole) { k++; break; }
            for (int64_t q = 0; q < n; q++) v[q] /= length;
        }
        if (k == 0) break;
        for (int32_t i = k - 1; i >= 0; i--) {
            double sum = g[i];
            for (int32_t j = i + 1; j < k; j++) sum -= h[(int64_t)j * (n_keep + 1) + i] * y[j];
            y[i] = sum / h[(int64_t)i * (n_keep + 1) + i];
        }
        for (int32_t i = 0; i < k; i++) {
            const double *u = basis + i * stride;
            for (int64_t q = 0; q < n; q++) x[q] += y[i] * u[q];
        }
        // rounding stops the fall: what is reached is what can be had
        out->residual = fabs(g[k]);
        if (out->residual >= (1 - 1e-12) * size) break;
    }

done:
    memory_free(h);
    memory_free(basis);
    return status;
}
