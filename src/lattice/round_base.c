#include "lattice/round_body.h"

const RoundKernel round_kernel_base = {.change = block_change};
