#define KERNEL_SET kernel_set_base
#include "eval/kernel_body.h"
