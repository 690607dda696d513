#include "game/sweep_body.h"

const SweepKernel sweep_kernel_avx2 = {.sweep = block_sweep, .fill = block_fill};
