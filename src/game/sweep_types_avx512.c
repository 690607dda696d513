#include "game/sweep_types_body.h"

const TypesKernel sweep_types_kernel_avx512 = {.sweep = types_sweep, .fill = types_fill};
