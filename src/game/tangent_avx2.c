#include "game/tangent_body.h"

const TangentKernel tangent_kernel_avx2 = {.take = block_take, .sweep = block_sweep};
