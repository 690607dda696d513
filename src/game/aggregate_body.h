/// The loops of aggregate_kernel.h, compiled for each vector width. Included by aggregate_base.c and its sisters, which name
/// AGGREGATE_KERNEL.
#include "base/compiler.h"
#include "game/aggregate_kernel.h"

enum { STRANDS = AGGREGATE_STRANDS };

static void average(float *y, const float *share, const float *q, int64_t n_mode, int64_t stride, int64_t n) {
    float *DUR_RESTRICT out = y;
    for (int64_t i = 0; i < n; i++) out[i] = 0;
    for (int64_t mode = 0; mode < n_mode; mode++) {
        const float *DUR_RESTRICT s = share + mode * stride, *DUR_RESTRICT x = q + mode * stride;
        for (int64_t i = 0; i < n; i++) out[i] += s[i] * x[i];
    }
}

static inline void sweep_place(const AggregateWork *w, const AggregateStretch *t, int64_t place, float *x) {
    DurFloat16 sum = *(const DurFloat16 *)(w->right + place * STRANDS);
    for (int64_t e = t->row[place - t->from]; e < t->row[place - t->from + 1]; e++)
        sum += *(const DurFloat16 *)(t->rate + e * STRANDS) * *(const DurFloat16 *)(x + t->where[e]);
    *(DurFloat16 *)(x + place * STRANDS) = sum * *(const DurFloat16 *)(w->inverse + place * STRANDS);
}

static void sweep(const AggregateWork *w, int32_t n_round) {
    int64_t n = w->n_place;
    float *DUR_RESTRICT x = w->room + STRANDS, *DUR_RESTRICT y = w->y;
    for (int64_t i = 0; i < n; i++)
        for (int64_t k = 0; k < STRANDS; k++) {
            x[i * STRANDS + k] = y[k * n + i];
            w->right[i * STRANDS + k] = w->diagonal[i * STRANDS + k] * y[k * n + i];
        }
    for (int32_t round = 0; round < n_round; round++)
        for (int32_t k = 0; k < w->n_stretch; k++) {
            const AggregateStretch *t = &w->stretch[round % 2 == 0 ? k : w->n_stretch - 1 - k];
            if (round % 2 == 0) for (int64_t i = t->from; i < t->to; i++) sweep_place(w, t, i, x);
            else                for (int64_t i = t->to - 1; i >= t->from; i--) sweep_place(w, t, i, x);
        }
    for (int64_t i = 0; i < n; i++)
        for (int64_t k = 0; k < STRANDS; k++) y[k * n + i] = x[i * STRANDS + k] - y[k * n + i];
}

static void add(float *z, const float *q, const float *by, int64_t n) {
    float *DUR_RESTRICT to = z;
    const float *DUR_RESTRICT x = q, *DUR_RESTRICT y = by;
    for (int64_t i = 0; i < n; i++) to[i] = x[i] + y[i];
}

const AggregateKernel AGGREGATE_KERNEL = {.average = average, .sweep = sweep, .add = add};
