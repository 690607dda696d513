#define KERNEL_SET kernel_set_avx512
#include "eval/kernel_body.h"
