#include "game/tangent_types_body.h"

const TangentKernel tangent_types_kernel_base = {.take = types_take, .sweep = types_block_sweep};
