/// Elementary functions over columns, in the widest vectors that the machine has: the loops of the game solver. Every
/// width gives the bits of num/elementary.h.
#ifndef NUM_VECTOR_H
#define NUM_VECTOR_H

#include <stdint.h>

/// out[i] = exp(in[i]), i = 0 .. n-1. `out` may be `in`, but they may not overlap otherwise. Any alignment.
void vector_exp(double *out, const double *in, int64_t n);

/// out[i] = log(in[i]), on the same terms.
void vector_log(double *out, const double *in, int64_t n);

// ---- inside: one set of loops for each Isa, compiled from vector_body.h with the flags of that Isa -----------------

/// Numbers that one chunk of a dot product holds (num/linear.h).
#define VECTOR_DOT_CHUNK 4096

typedef struct VectorKernels {
    void   (*exp)(double *out, const double *in, int64_t n);
    void   (*log)(double *out, const double *in, int64_t n);
    double (*dot)(const double *a, const double *b, int64_t n);   // n <= VECTOR_DOT_CHUNK
    float  (*dot_float)(const float *a, const float *b, int64_t n);   // the same tree with sixty-four sums
    // y += sum over k < n_x of weight[k] * x[k * stride ..], in pairs of k; none of them overlaps y
    void   (*combine_float)(float *y, const float *x, int64_t stride, const float *weight, int32_t n_x, int64_t n);
} VectorKernels;

extern const VectorKernels vector_kernels_base, vector_kernels_avx2, vector_kernels_avx512;

/// The set that isa_best() names.
const VectorKernels *vector_kernels(void);

#endif
