/// The kernels of sweep.h, one table for each vector width.
#ifndef GAME_SWEEP_KERNEL_H
#define GAME_SWEEP_KERNEL_H

#include "lattice/policy.h"

/// What a kernel needs beside the block: all borrowed.
typedef struct SweepJob {
    const Lattice *lattice;
    const LatticeRule *rule;      // or NULL
    const bool *possible;         // [n_jump x n_mode_state]
    double precision_scale;
    const double *value;          // [n_actor x n_state]
    double *next;                 // [n_actor x next_stride] of the states from next_first on
    int64_t next_first, next_stride;
    Policy *policy;               // fill_policy: where to
} SweepJob;

typedef struct SweepKernel {
    /// Returns the largest |residual| in the block. room: sweep_room(lattice) doubles.
    double (*sweep)(const SweepJob *job, int64_t block, double *room);
    void   (*fill)(const SweepJob *job, int64_t block, double *room);
} SweepKernel;

extern const SweepKernel sweep_kernel_base, sweep_kernel_avx2, sweep_kernel_avx512;

#endif
