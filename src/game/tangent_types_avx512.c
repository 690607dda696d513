#include "game/tangent_types_body.h"

const TangentKernel tangent_types_kernel_avx512 = {.take = types_take, .sweep = types_block_sweep};
