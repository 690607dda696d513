#define AGGREGATE_KERNEL aggregate_kernel_avx512
#include "game/aggregate_body.h"
