#define KERNEL_SET kernel_set_avx2
#include "eval/kernel_body.h"
