#define _DEFAULT_SOURCE
#include "base/pages.h"

#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

void pages_prefer_large(void *p, size_t n_byte) {
    if (!p || n_byte < PAGES_LARGE) return;
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE), first = ((uintptr_t)p + page - 1) / page * page;
    uintptr_t end = ((uintptr_t)p + n_byte) / page * page;
    madvise((void *)first, end - first, MADV_HUGEPAGE);
}
