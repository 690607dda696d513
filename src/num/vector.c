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
