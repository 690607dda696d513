/// Elementary functions over columns, in the widest vectors that the machine has: the loops of the game solver. Every
/// width gives the bits of num/elementary.h.
#ifndef NUM_VECTOR_H
#define NUM_VECTOR_H

#include <stdint.h>

/// out[i] = exp(in[i]), i = 0 .. n-1. `out` may be `in`, but they may not overlap otherwise. Any alignment.
void vector_exp(double *out, const double *in, int64_t n);

/// out[i] = log(in[i]), on the same terms.
void vector_log(double *out, const double *in, int64_t n);

/// Two uniforms each for one index of many streams of one site (num/philox.h): first[i] is what stream_uniform2 puts into
/// u[0] for run[i] and index[i]; second[i] is the whole number k of 52 bits behind u[1] = (k + 1/2) 2^-52.
void vector_uniform2(uint64_t seed, const uint64_t *run, uint32_t site, const uint32_t *index, double *first,
                     uint64_t *second, int64_t n);

/// Where x[i] stands among the VECTOR_HEADS numbers of row[i]: how many are below it.
#define VECTOR_HEADS 32
void vector_place(const int16_t *const *row, const int16_t *x, int32_t *out, int64_t n);

// ---- inside: one set of loops for each Isa, compiled from vector_body.h with the flags of that Isa -----------------

/// Numbers that one chunk of a dot product holds (num/linear.h).
#define VECTOR_DOT_CHUNK 4096

typedef struct VectorKernels {
    void   (*exp)(double *out, const double *in, int64_t n);
    void   (*log)(double *out, const double *in, int64_t n);
    double (*dot)(const double *a, const double *b, int64_t n);   // n <= VECTOR_DOT_CHUNK
    float  (*dot_float)(const float *a, const float *b, int64_t n);   // the same tree with sixty-four sums
    void   (*uniform2)(uint64_t seed, const uint64_t *run, uint32_t site, const uint32_t *index, double *first,
                       uint64_t *second, int64_t n);
    void   (*place)(const int16_t *const *row, const int16_t *x, int32_t *out, int64_t n);
    // y += sum over k < n_x of weight[k] * x[k * stride ..], in pairs of k; none of them overlaps y
    void   (*combine_float)(float *y, const float *x, int64_t stride, const float *weight, int32_t n_x, int64_t n);
} VectorKernels;

extern const VectorKernels vector_kernels_base, vector_kernels_avx2, vector_kernels_avx512;

/// The set that isa_best() names.
const VectorKernels *vector_kernels(void);

#endif
