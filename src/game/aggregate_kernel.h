/// The loops of aggregate.h, one table for each vector width. The averaged chain is cut into AGGREGATE_STRANDS strands of as many
/// nodes, swept side by side, a vector of the nodes that stand at the same place of each:
///
///     node = strand * n_place + place     vectors hold [n_place x strands]
///
/// What leads from a place equally far in all strands is one entry: a rate for each, and where the vector of values begins that they lead
/// to. Strands are whole blocks of the lattice, so nodes at one place differ in the slow stocks alone and lead equally far mostly.
#ifndef GAME_AGGREGATE_KERNEL_H
#define GAME_AGGREGATE_KERNEL_H

#include <stdint.h>
#include <string.h>

#define AGGREGATE_STRANDS 16
/// Rows of values that are swept together: rates are read once for them.
#define AGGREGATE_FEW 2

/// Some places and what leads out of them.
typedef struct AggregateStretch {
    int64_t from, to;          // places
    int64_t *row;              // [to - from + 1] first entry of each
    int64_t n;
    int32_t *where;            // [n] place * strands + strands further on: what lies beyond the first or last strand has rate 0
    uint16_t *rate;            // [n x strands] the upper halves of floats
} AggregateStretch;

/// What is swept for one row of values. Strands that are shorter than others, or none, have 1/D = 0.
typedef struct AggregateWork {
    int64_t n_place;
    int32_t n_stretch;
    const AggregateStretch *stretch;   // borrowed
    float *diagonal, *inverse; // [n_place x strands] D and 1/D
    float *right;              // [n_place x strands] D y
    float *room;               // [strands + n_place x strands + strands] x, with room for vectors that run over its ends
    float *y;                  // [strands x n_place] by node
} AggregateWork;

/// A float's upper half, rounded to the nearest, ties to even (finite numbers), and the float that it stands for.
static inline uint16_t aggregate_narrowed(float x) {
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return (uint16_t)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

static inline float aggregate_widened(uint16_t half) {
    uint32_t bits = (uint32_t)half << 16;
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

typedef struct AggregateKernel {
    /// y[i] = sum over modes of share[mode * stride + i] * q[mode * stride + i], i < n.
    void (*average)(float *y, const float *share, const float *q, int64_t n_mode, int64_t stride, int64_t n);
    /// y <- x - y for each of n_work rows of values of one chain, with A x = D y swept n_round times, forth and back, from x = y. Every value counts as
    /// soon as it is there; the same bits however these are grouped.
    void (*sweep)(const AggregateWork *work, int32_t n_work, int32_t n_round);
    /// z = q + by.
    void (*add)(float *z, const float *q, const float *by, int64_t n);
} AggregateKernel;

extern const AggregateKernel aggregate_kernel_base, aggregate_kernel_avx2, aggregate_kernel_avx512;

#endif
