#include "game/sweep_body.h"

const SweepKernel sweep_kernel_avx512 = {.sweep = block_sweep, .fill = block_fill};
