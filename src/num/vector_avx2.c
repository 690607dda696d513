#define VECTOR_KERNELS vector_kernels_avx2
#include "num/vector_body.h"
