#define VECTOR_KERNELS vector_kernels_base
#include "num/vector_body.h"
