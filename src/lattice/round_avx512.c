#include "lattice/round_body.h"

const RoundKernel round_kernel_avx512 = {.change = block_change};
