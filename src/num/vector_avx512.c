#define VECTOR_KERNELS vector_kernels_avx512
#include "num/vector_body.h"
