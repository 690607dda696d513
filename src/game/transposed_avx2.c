#define TRANSPOSED_KERNEL transposed_kernel_avx2
#include "game/transposed_body.h"
