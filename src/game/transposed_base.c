#define TRANSPOSED_KERNEL transposed_kernel_base
#include "game/transposed_body.h"
