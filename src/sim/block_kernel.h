/// The loops over all lanes of a block, one set for each Isa, all from block_body.h, all the same bits.
#ifndef SIM_BLOCK_KERNEL_H
#define SIM_BLOCK_KERNEL_H

#include "sim/block.h"

typedef struct BlockKernels {
    /// slope = drift + force; `drift` may be `slope`
    void (*add_force)(const Block *b, double *const *drift, double *const *slope);
    /// out = x + h (a[0] slope0 + a[1] slope1 + a[2] slope2) of the first n_slope slopes from `first` on, kept inside the range
    void (*advance)(const Block *b, const double *a, int first, int n_slope, double *const *out);
    /// worst and reach of a step
    void (*judge_error)(Block *b);
    /// where steps end, from `due`, `date` and `length` alone
    void (*choose_ends)(Block *b);
    /// which steps are accepted, and the next length where that is plain; false if some lane's is not
    bool (*accept)(Block *b);
    /// the ends of accepted steps become the present; false if some lane's date or end is there
    bool (*commit)(Block *b);
    /// b->corners of a point: place [n_stock] in steps of the grid; of `state` the beliefs alone are read
    void (*corners)(Block *b, const double *place, const double *state);
    /// weighted means of n_x functions over corners
    void (*means)(const Corners *corners, const double *const *x, int32_t n_x, double *out);
    /// logits of a list of lanes: lane list[i] has open moves first[i] .. first[i + 1] - 1, with advantages x[k] of theirs; of each
    /// lane's logits, and of waiting's 0, the largest is taken away, and what is left of waiting's goes to `wait`
    void (*respond)(Block *b, const int32_t *list, int32_t n, const int32_t *first, const double *const *x,
                    const double *precision, double *logit, double *wait);
} BlockKernels;

extern const BlockKernels block_kernels_base, block_kernels_avx2, block_kernels_avx512;

/// The set that isa_best() names.
const BlockKernels *block_kernels(void);

#endif
