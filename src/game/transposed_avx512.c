#define TRANSPOSED_KERNEL transposed_kernel_avx512
#include "game/transposed_body.h"
