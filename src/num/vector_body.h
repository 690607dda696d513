// The loops of num/vector.h, compiled once for each Isa: the file that includes this one defines VECTOR_KERNELS, the
// name of its set. The compiler makes the vectors; elementary.h is written so that it can.
#include "base/compiler.h"
#include "num/elementary.h"
#include "num/philox.h"
#include "num/vector.h"
#include "num/words.h"

// in place and apart are two loops because a compiler that must allow for overlap checks for it and takes the scalar
// road when it finds out == in
#define LOOP(function)                                                                                  \
    static void loop_##function(double *out, const double *in, int64_t n) {                             \
        if (out == in) {                                                                                \
            for (int64_t i = 0; i < n; i++) out[i] = elementary_##function(out[i]);                     \
        } else {                                                                                        \
            double *DUR_RESTRICT to = out;                                                              \
            const double *DUR_RESTRICT from = in;                                                       \
            for (int64_t i = 0; i < n; i++) to[i] = elementary_##function(from[i]);                     \
        }                                                                                               \
    }
LOOP(exp)
LOOP(log)

// eight sums by index modulo 8, as wide as the widest vector, then added in pairs: the same tree for every width
static double loop_dot(const double *a, const double *b, int64_t n) {
    double sum[8] = {0, 0, 0, 0, 0, 0, 0, 0};
    int64_t whole = n - n % 8;
    for (int64_t i = 0; i < whole; i += 8)
        for (int64_t j = 0; j < 8; j++) sum[j] += a[i + j] * b[i + j];
    for (int64_t i = whole; i < n; i++) sum[i - whole] += a[i] * b[i];
    return ((sum[0] + sum[4]) + (sum[2] + sum[6])) + ((sum[1] + sum[5]) + (sum[3] + sum[7]));
}

// sixty-four sums by index modulo 64: four of the widest vectors of floats, so that one addition need not wait for another
static float loop_dot_float(const float *DUR_RESTRICT a, const float *DUR_RESTRICT b, int64_t n) {
    float sum[64] = {0};
    int64_t whole = n - n % 64;
    for (int64_t i = 0; i < whole; i += 64)
        for (int64_t j = 0; j < 64; j++) sum[j] += a[i + j] * b[i + j];
    for (int64_t i = whole; i < n; i++) sum[i - whole] += a[i] * b[i];
    for (int64_t width = 32; width >= 1; width /= 2)
        for (int64_t j = 0; j < width; j++) sum[j] += sum[j + width];
    return sum[0];
}

static void loop_combine_float(float *DUR_RESTRICT y, const float *DUR_RESTRICT x, int64_t stride, const float *weight,
                               int32_t n_x, int64_t n) {
    int32_t k = 0;
    for (; k + 2 <= n_x; k += 2) {
        const float *DUR_RESTRICT x0 = x + k * stride, *DUR_RESTRICT x1 = x0 + stride;
        float w0 = weight[k], w1 = weight[k + 1];
        for (int64_t i = 0; i < n; i++) y[i] += w0 * x0[i] + w1 * x1[i];
    }
    if (k < n_x) {
        const float *DUR_RESTRICT x0 = x + k * stride;
        float w0 = weight[k];
        for (int64_t i = 0; i < n; i++) y[i] += w0 * x0[i];
    }
}

// Streams by two vectors side by side, so that one product need not wait for another. Only the lower halves of words count
// until the end.
#define STREAMS (2 * WORDS_N)
static DUR_ALWAYS_INLINE void uniforms(const uint64_t key[PHILOX_ROUNDS][2], const uint64_t *run, uint32_t site,
                                       const uint32_t *index, double *first, uint64_t *second) {
    uint64_t wide[STREAMS], mixed[STREAMS];
    Words c[2][4];
    for (int i = 0; i < STREAMS; i++) wide[i] = index[i];
    for (int h = 0; h < 2; h++) {
        memcpy(&c[h][0], wide + WORDS_N * h, sizeof c[h][0]);
        memcpy(&c[h][2], run + WORDS_N * h, sizeof c[h][2]);
        c[h][1] = (Words){0} + site;
        c[h][3] = c[h][2] >> 32;
    }
    for (int round = 0; round < PHILOX_ROUNDS; round++)
        for (int h = 0; h < 2; h++) {
            Words p0 = WORDS_PRODUCT(c[h][0], PHILOX_MULTIPLIER_0), p1 = WORDS_PRODUCT(c[h][2], PHILOX_MULTIPLIER_1);
            c[h][0] = (p1 >> 32) ^ c[h][1] ^ key[round][0];
            c[h][2] = (p0 >> 32) ^ c[h][3] ^ key[round][1];
            c[h][1] = p1;
            c[h][3] = p0;
        }
    for (int h = 0; h < 2; h++) {
        Words low = (c[h][1] << 32 | (c[h][0] & UINT32_MAX)) >> 12, high = (c[h][3] << 32 | (c[h][2] & UINT32_MAX)) >> 12;
        memcpy(mixed + WORDS_N * h, &low, sizeof low);
        memcpy(second + WORDS_N * h, &high, sizeof high);
    }
    for (int i = 0; i < STREAMS; i++)
        first[i] = (elementary_from_bits(mixed[i] | 0x4330000000000000u) - 0x1p52 + 0.5) * 0x1p-52;
}

static void loop_uniform2(uint64_t seed, const uint64_t *run, uint32_t site, const uint32_t *index, double *first,
                          uint64_t *second, int64_t n) {
    uint64_t key[PHILOX_ROUNDS][2];
    for (uint32_t round = 0; round < PHILOX_ROUNDS; round++) {
        key[round][0] = (uint32_t)seed + round * PHILOX_INCREMENT_0;
        key[round][1] = (uint32_t)(seed >> 32) + round * PHILOX_INCREMENT_1;
    }
    int64_t whole = n - n % STREAMS;
    for (int64_t i = 0; i < whole; i += STREAMS) uniforms(key, run + i, site, index + i, first + i, second + i);
    if (whole == n) return;
    uint64_t last_run[STREAMS] = {0}, last_second[STREAMS];
    uint32_t last_index[STREAMS] = {0};
    double last_first[STREAMS];
    for (int64_t i = whole; i < n; i++) {
        last_run[i - whole] = run[i];
        last_index[i - whole] = index[i];
    }
    uniforms(key, last_run, site, last_index, last_first, last_second);
    for (int64_t i = whole; i < n; i++) {
        first[i] = last_first[i - whole];
        second[i] = last_second[i - whole];
    }
}

static void loop_place(const int16_t *const *DUR_RESTRICT row, const int16_t *DUR_RESTRICT x, int32_t *DUR_RESTRICT out,
                       int64_t n) {
    for (int64_t i = 0; i < n; i++) {
        const int16_t *DUR_RESTRICT head = row[i];
        int16_t at = x[i], below = 0;
        for (int k = 0; k < VECTOR_HEADS; k++) below = (int16_t)(below + (head[k] < at));
        out[i] = below;
    }
}

const VectorKernels VECTOR_KERNELS = {.exp = loop_exp, .log = loop_log, .dot = loop_dot, .dot_float = loop_dot_float,
                                      .combine_float = loop_combine_float, .uniform2 = loop_uniform2, .place = loop_place};
