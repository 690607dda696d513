/// The kernels of sweep_types.h, one table for each vector width.
#ifndef GAME_SWEEP_TYPES_KERNEL_H
#define GAME_SWEEP_TYPES_KERNEL_H

#include "lattice/policy.h"

/// What a kernel needs beside the block: all borrowed.
typedef struct TypesJob {
    const Lattice *lattice;
    const LatticeRule *rule;      // or NULL
    const bool *possible;         // [n_jump x n_mode_state]
    const int64_t *shift_where;   // [n_jump x n_mode_state]
    int32_t n_row, n_move;        // n_move: of the actor with the most
    bool whole_steps;             // shifts go all the way to what the choices tell: continuous in the argument
    float *pace, *agrees, *before;   // NULL: none. [n_state], [n_state] and [n_row x n_state + n_shift]: see sweep_types_pace
    float pace_most;
    double *habit;                // NULL: none. [of each move and type of its mover, in order x n_state]: see sweep_types_habits
    bool takes_up;                // habits become the answers at once
    double precision_scale;
    bool is_joint;                // of tangents: see tangent_joint
    bool held_stay;               // of tangents: shifts of states that are held stay, their lag is infinite
    float *held;                  // of tangents, NULL: none. Block by block [n_private x 2 x n_lane] lags of states that are held, 0 where not, and what
                                  // their shifts missed: see tangent_hold
    double lag;                   // of tangents: see tangent_lag
    const double *value;          // [n_row x n_state], then shifts
    double *next;                 // [n_row x next_stride] of the states from next_first on
    int64_t next_first, next_stride;
    double *next_shift;           // [n_shift]
    Policy *policy;               // fill: where to
} TypesJob;

typedef struct TypesKernel {
    /// Returns the largest |residual| in the block. room: sweep_types_room rows of n_lane doubles.
    double (*sweep)(const TypesJob *job, int64_t block, double *room);
    void   (*fill)(const TypesJob *job, int64_t block, double *room);
} TypesKernel;

/// Rows of scratch: sums and diagonals of all rows, two more; for the choices of one actor by type and in public, its
/// replies by type, the posteriors of its moves, another's reply, what settles a shift and how far it has to go; drift of one belief.
static inline int64_t sweep_types_room(int32_t n_row, int32_t n_move) {
    return 2 * n_row + 2 + (int64_t)n_move * (2 * MODEL_TYPES_MAX + 1 + 2 * MODEL_TYPES_MAX) + 8
         + MODEL_TYPES_MAX * (MODEL_TYPES_MAX + 2);
}

extern const TypesKernel sweep_types_kernel_base, sweep_types_kernel_avx2, sweep_types_kernel_avx512;

#endif
