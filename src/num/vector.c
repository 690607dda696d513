#include "num/vector.h"
#include "num/isa.h"

// ORDER: ISA_LIST of isa.h
static const VectorKernels *const kernels_of[ISA_COUNT] = {
    [ISA_BASE]   = &vector_kernels_base,
    [ISA_AVX2]   = &vector_kernels_avx2,
    [ISA_AVX512] = &vector_kernels_avx512,
};

const VectorKernels *vector_kernels(void) {
    return kernels_of[isa_best()];
}

void vector_exp(double *out, const double *in, int64_t n) {
    vector_kernels()->exp(out, in, n);
}

void vector_log(double *out, const double *in, int64_t n) {
    vector_kernels()->log(out, in, n);
}

void vector_uniform2(uint64_t seed, const uint64_t *run, uint32_t site, const uint32_t *index, double *first,
                     uint64_t *second, int64_t n) {
    vector_kernels()->uniform2(seed, run, site, index, first, second, n);
}

void vector_place(const int16_t *const *row, const int16_t *x, int32_t *out, int64_t n) {
    vector_kernels()->place(row, x, out, n);
}
