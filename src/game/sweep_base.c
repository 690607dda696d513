#include "game/sweep_body.h"

const SweepKernel sweep_kernel_base = {.sweep = block_sweep, .fill = block_fill};
