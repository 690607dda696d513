#include "game/tangent_body.h"

const TangentKernel tangent_kernel_base = {.take = block_take, .sweep = block_sweep};
