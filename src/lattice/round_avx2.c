#include "lattice/round_body.h"

const RoundKernel round_kernel_avx2 = {.change = block_change};
