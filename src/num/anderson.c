#include "num/anderson.h"

#include "base/compiler.h"
#include "base/memory.h"

#include <math.h>
#include <string.h>

#define WINDOW_MAX 32

/// Elements of one task. Dot products are summed inside a chunk in eight fixed lanes and over chunks in order, so the
/// bits do not depend on threads or vector width; a chunk of every difference fits a second-level cache.
#define CHUNK 2048

/// Relative size of the ridge on the normal equations: differences are single precision, so anything the Gram matrix says
/// below about 1e-13 of its diagonal is noise.
#define RIDGE 1e-13

struct Anderson {
    int64_t n, n_chunk;
    int32_t window, n_kept, slot;    // differences kept, and the slot that the next one takes
    int has_last;
    Team *team;                      // borrowed
    double *f_last, *g_last;         // [n] residual and image at the step before
    float  *df, *dg;                 // [window x n] differences of residuals and of images
    double *partial;                 // [n_chunk x 2*WINDOW_MAX] dot products of each chunk
    double  gram[WINDOW_MAX][WINDOW_MAX];
    double  gamma[WINDOW_MAX];
    const double *x, *g;             // of the step at hand
    double *out;
};

double anderson_bytes(int64_t n, int32_t window) { return 8.0 * (double)n * (window + 2); }

Anderson *anderson_make(int64_t n, int32_t window, Team *team) {
    Anderson *a = memory_zeroed(1, sizeof *a);
    if (!a) return NULL;
    a->n = n;
    a->n_chunk = (n + CHUNK - 1) / CHUNK;
    a->window = window < 1 ? 1 : window > WINDOW_MAX ? WINDOW_MAX : window;
    a->team = team;
    a->f_last = memory_column(n);
    a->g_last = memory_column(n);
    a->df = memory_alloc((size_t)a->window * (size_t)n * sizeof *a->df);
    a->dg = memory_alloc((size_t)a->window * (size_t)n * sizeof *a->dg);
    a->partial = memory_column(a->n_chunk * 2 * WINDOW_MAX);
    if (!a->f_last || !a->g_last || !a->df || !a->dg || !a->partial) {
        anderson_free(a);
        return NULL;
    }
    return a;
}

void anderson_free(Anderson *a) {
    if (!a) return;
    memory_free(a->partial);
    memory_free(a->dg);
    memory_free(a->df);
    memory_free(a->g_last);
    memory_free(a->f_last);
    memory_free(a);
}

void anderson_reset(Anderson *a) {
    a->n_kept = a->slot = a->has_last = 0;
}

static double dot(const float *DUR_RESTRICT u, const double *DUR_RESTRICT v, int64_t n) {
    double lane[8] = {0};
    int64_t i = 0;
    for (; i + 8 <= n; i += 8)
        for (int k = 0; k < 8; k++) lane[k] += (double)u[i + k] * v[i + k];
    for (int k = 0; i < n; i++, k++) lane[k] += (double)u[i] * v[i];
    return ((lane[0] + lane[4]) + (lane[1] + lane[5])) + ((lane[2] + lane[6]) + (lane[3] + lane[7]));
}

// first pass: the new difference, and this chunk's share of its products with the others and with the residual
static void task_difference(void *context, int64_t chunk, int worker) {
    (void)worker;
    Anderson *a = context;
    int64_t from = chunk * CHUNK, n = a->n - from < CHUNK ? a->n - from : CHUNK;
    const double *DUR_RESTRICT x = a->x + from, *DUR_RESTRICT g = a->g + from;
    double *DUR_RESTRICT f_last = a->f_last + from, *DUR_RESTRICT g_last = a->g_last + from;
    double *DUR_RESTRICT sums = a->partial + chunk * 2 * WINDOW_MAX;
    if (a->has_last) {
        float *DUR_RESTRICT df = a->df + a->slot * a->n + from, *DUR_RESTRICT dg = a->dg + a->slot * a->n + from;
        double wide[CHUNK];
        for (int64_t i = 0; i < n; i++) {
            double f = g[i] - x[i];
            df[i] = (float)(f - f_last[i]);
            dg[i] = (float)(g[i] - g_last[i]);
            f_last[i] = f;
            g_last[i] = g[i];
            wide[i] = (double)df[i];
        }
        for (int32_t k = 0; k < a->n_kept; k++) {
            const float *other = a->df + k * a->n + from;
            sums[k] = dot(other, wide, n);
            sums[WINDOW_MAX + k] = dot(other, f_last, n);
        }
    } else {
        for (int64_t i = 0; i < n; i++) {
            f_last[i] = g[i] - x[i];
            g_last[i] = g[i];
        }
    }
}

// second pass: the image less the combination of differences that the least squares asks for
static void task_combine(void *context, int64_t chunk, int worker) {
    (void)worker;
    Anderson *a = context;
    int64_t from = chunk * CHUNK, n = a->n - from < CHUNK ? a->n - from : CHUNK;
    double *DUR_RESTRICT out = a->out + from;
    const double *DUR_RESTRICT g = a->g_last + from;
    for (int64_t i = 0; i < n; i++) out[i] = g[i];
    for (int32_t k = 0; k < a->n_kept; k++) {
        const float *DUR_RESTRICT dg = a->dg + k * a->n + from;
        double w = a->gamma[k];
        for (int64_t i = 0; i < n; i++) out[i] -= w * (double)dg[i];
    }
}

// gamma = argmin |f - DF gamma|, by Cholesky of the scaled normal equations with a small ridge; false if singular
static int least_squares(Anderson *a, const double *rhs) {
    int32_t n = a->n_kept;
    double c[WINDOW_MAX][WINDOW_MAX], scale[WINDOW_MAX], y[WINDOW_MAX];
    for (int32_t i = 0; i < n; i++) scale[i] = a->gram[i][i] > 0 ? 1.0 / sqrt(a->gram[i][i]) : 0.0;
    for (int32_t i = 0; i < n; i++) {
        for (int32_t j = 0; j <= i; j++) {
            double s = a->gram[i][j] * scale[i] * scale[j] + (i == j ? RIDGE : 0.0);
            for (int32_t k = 0; k < j; k++) s -= c[i][k] * c[j][k];
            if (i == j) {
                if (!(s > 0)) return 0;
                c[i][i] = sqrt(s);
            } else c[i][j] = s / c[j][j];
        }
    }
    for (int32_t i = 0; i < n; i++) {
        double s = rhs[i] * scale[i];
        for (int32_t k = 0; k < i; k++) s -= c[i][k] * y[k];
        y[i] = s / c[i][i];
    }
    for (int32_t i = n - 1; i >= 0; i--) {
        double s = y[i];
        for (int32_t k = i + 1; k < n; k++) s -= c[k][i] * y[k];
        y[i] = s / c[i][i];
    }
    for (int32_t i = 0; i < n; i++) a->gamma[i] = y[i] * scale[i];
    return 1;
}

void anderson_step(Anderson *a, const double *x, const double *g, double *x_next) {
    a->x = x;
    a->g = g;
    a->out = x_next;
    int32_t fresh = a->slot;
    if (a->has_last && a->n_kept < a->window) a->n_kept++;
    team_run(a->team, task_difference, a, a->n_chunk);
    if (!a->has_last) {
        a->has_last = 1;
        memcpy(x_next, g, (size_t)a->n * sizeof *g);
        return;
    }

    double rhs[WINDOW_MAX] = {0}, column[WINDOW_MAX] = {0};
    for (int64_t c = 0; c < a->n_chunk; c++)
        for (int32_t k = 0; k < a->n_kept; k++) {
            column[k] += a->partial[c * 2 * WINDOW_MAX + k];
            rhs[k] += a->partial[c * 2 * WINDOW_MAX + WINDOW_MAX + k];
        }
    for (int32_t k = 0; k < a->n_kept; k++) a->gram[k][fresh] = a->gram[fresh][k] = column[k];
    a->slot = (a->slot + 1) % a->window;

    if (!least_squares(a, rhs)) {
        // the differences no longer span anything: start over from here
        memcpy(x_next, g, (size_t)a->n * sizeof *g);
        anderson_reset(a);
        return;
    }
    team_run(a->team, task_combine, a, a->n_chunk);
}
