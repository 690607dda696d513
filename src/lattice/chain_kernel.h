/// The kernels of chain.h, one table for each vector width.
#ifndef LATTICE_CHAIN_KERNEL_H
#define LATTICE_CHAIN_KERNEL_H

#include "lattice/chain.h"

/// Rows of n_lane doubles that a kernel needs as scratch; where there are beliefs, more.
#define CHAIN_ROOM 3
#define CHAIN_BELIEF_ROOM (2 * MODEL_TYPES_MAX + MODEL_TYPES_MAX * MODEL_TYPES_MAX)

/// Whose choices: everyone's as the public sees them, but those of one type of one actor (negative: nobody's) as they are.
typedef struct ChainView {
    const Policy *policy;
    int32_t actor, type;
    bool only_inflow;        // y is the sum of rate * x there, without what is left here
} ChainView;

typedef struct ChainKernel {
    void (*apply)(const ChainView *chain, int64_t block, const double *x, double *y, double *room);
    void (*jump_mean)(const Lattice *lattice, int32_t jump, int64_t block, const double *x, double *y, double *room);
    void (*move_mean)(const Policy *policy, int32_t move, int64_t block, const double *x, double *row, double *room);
} ChainKernel;

extern const ChainKernel chain_kernel_base, chain_kernel_avx2, chain_kernel_avx512;

#endif
