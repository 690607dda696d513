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

// sixteen upper halves of floats written out (not a function: see LOAD16 in tangent_frame_body.h)
#define WIDENED(rate) ((DurFloat16)(__builtin_convertvector(*(const DurShort16 *)(rate), DurWord16) << 16))

static DUR_ALWAYS_INLINE void sweep_place(const AggregateWork *w, int n_work, const AggregateStretch *t, int64_t place) {
    DurFloat16 sum[AGGREGATE_FEW];
    for (int k = 0; k < n_work; k++) sum[k] = *(const DurFloat16 *)(w[k].right + place * STRANDS);
    for (int64_t e = t->row[place - t->from]; e < t->row[place - t->from + 1]; e++) {
        DurFloat16 rate = WIDENED(t->rate + e * STRANDS);
        for (int k = 0; k < n_work; k++) sum[k] += rate * *(const DurFloat16 *)(w[k].room + STRANDS + t->where[e]);
    }
    for (int k = 0; k < n_work; k++)
        *(DurFloat16 *)(w[k].room + STRANDS + place * STRANDS) = sum[k] * *(const DurFloat16 *)(w[k].inverse + place * STRANDS);
}

static DUR_ALWAYS_INLINE void sweep_few(const AggregateWork *w, int n_work, int32_t n_round) {
    for (int32_t round = 0; round < n_round; round++)
        for (int32_t k = 0; k < w->n_stretch; k++) {
            const AggregateStretch *t = &w->stretch[round % 2 == 0 ? k : w->n_stretch - 1 - k];
            if (round % 2 == 0) for (int64_t i = t->from; i < t->to; i++) sweep_place(w, n_work, t, i);
            else                for (int64_t i = t->to - 1; i >= t->from; i--) sweep_place(w, n_work, t, i);
        }
}

static void sweep(const AggregateWork *work, int32_t n_work, int32_t n_round) {
    int64_t n = work->n_place;
    for (int32_t j = 0; j < n_work; j++) {
        const AggregateWork *w = &work[j];
        float *DUR_RESTRICT x = w->room + STRANDS, *DUR_RESTRICT y = w->y, *DUR_RESTRICT right = w->right;
        for (int64_t i = 0; i < n; i++)
            for (int64_t k = 0; k < STRANDS; k++) {
                x[i * STRANDS + k] = y[k * n + i];
                right[i * STRANDS + k] = w->diagonal[i * STRANDS + k] * y[k * n + i];
            }
    }
    int32_t j = 0;
    for (; j + 2 <= n_work; j += 2) sweep_few(work + j, 2, n_round);
    if (j < n_work) sweep_few(work + j, 1, n_round);
    for (j = 0; j < n_work; j++) {
        const float *DUR_RESTRICT x = work[j].room + STRANDS;
        float *DUR_RESTRICT y = work[j].y;
        for (int64_t i = 0; i < n; i++)
            for (int64_t k = 0; k < STRANDS; k++) y[k * n + i] = x[i * STRANDS + k] - y[k * n + i];
    }
}

static void add(float *z, const float *q, const float *by, int64_t n) {
    float *DUR_RESTRICT to = z;
    const float *DUR_RESTRICT x = q, *DUR_RESTRICT y = by;
    for (int64_t i = 0; i < n; i++) to[i] = x[i] + y[i];
}

const AggregateKernel AGGREGATE_KERNEL = {.average = average, .sweep = sweep, .add = add};
