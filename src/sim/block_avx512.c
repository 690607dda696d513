#define BLOCK_KERNELS block_kernels_avx512
#include "sim/block_body.h"
