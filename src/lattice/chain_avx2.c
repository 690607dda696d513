#include "lattice/chain_body.h"

const ChainKernel chain_kernel_avx2 = {.apply = block_apply, .jump_mean = block_jump_mean, .move_mean = block_move_mean};
