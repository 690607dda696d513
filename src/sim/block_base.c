#define BLOCK_KERNELS block_kernels_base
#include "sim/block_body.h"
