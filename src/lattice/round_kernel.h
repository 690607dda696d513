/// The kernels of round.h, one table for each vector width.
#ifndef LATTICE_ROUND_KERNEL_H
#define LATTICE_ROUND_KERNEL_H

#include "lattice/lattice.h"

/// Rows of n_lane doubles, rounded up to whole vectors and one more, that `change` needs as scratch.
#define ROUND_CHANGE_ROWS (6 * MODEL_VARIABLES_MAX)

typedef struct RoundKernel {
    /// out[i] = factor * mean of x after the change of stocks at the end of a round, over one block.
    void (*change)(const Lattice *lattice, const LatticeBlock *view, double factor, const double *x, double *out, double *room);
} RoundKernel;

extern const RoundKernel round_kernel_base, round_kernel_avx2, round_kernel_avx512;

#endif
