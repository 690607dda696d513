#define AGGREGATE_KERNEL aggregate_kernel_avx2
#include "game/aggregate_body.h"
