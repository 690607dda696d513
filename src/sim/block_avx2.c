#define BLOCK_KERNELS block_kernels_avx2
#include "sim/block_body.h"
