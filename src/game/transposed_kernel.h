/// The inner loops of transposed.h, one table for each vector width. A column holds TRANSPOSED_WIDTH floats for each of n states (times
/// columns of a system): those of the right sides beside one another.
#ifndef GAME_TRANSPOSED_KERNEL_H
#define GAME_TRANSPOSED_KERNEL_H

#include "game/transposed.h"

typedef struct TransposedWork {
    const Transposed *t;
    int64_t n;                               // states x columns of a system
    float *rho;                              // [n_column x TRANSPOSED_WIDTH] discount rates
    float *next;                             // [n_lane x n_column x TRANSPOSED_WIDTH] scratch: a block's next values
    float *step, *r, *shadow, *p, *swept, *v;   // columns: of the letters of van der Vorst, v and t are p - v and r - swept
} TransposedWork;

/// Numbers come and go one for each right side, [TRANSPOSED_WIDTH].
typedef struct TransposedKernel {
    void (*begin)(const TransposedWork *w, double *rr);                                // r = shadow = p = v = M^-1 r, step = 0; <r, r>
    void (*first)(const TransposedWork *w, double *shadow_v);                          // v = what a sweep makes of p; <shadow, p - v>
    void (*half)(const TransposedWork *w, const double *alpha, double *tr, double *tt);   // step, r by alpha; swept, <t, r>, <t, t>
    void (*whole)(const TransposedWork *w, const double *omega, double *shadow_r, double *rr);   // step, r by omega
    void (*next)(const TransposedWork *w, const bool *busy, const double *beta, const double *omega);   // p = v = the next direction
} TransposedKernel;

extern const TransposedKernel transposed_kernel_base, transposed_kernel_avx2, transposed_kernel_avx512;

#endif
