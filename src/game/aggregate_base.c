#define AGGREGATE_KERNEL aggregate_kernel_base
#include "game/aggregate_body.h"
