#include "base/pages.h"

void pages_prefer_large(void *p, size_t n_byte) {
    (void)p;
    (void)n_byte;
}
