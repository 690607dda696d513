#define _POSIX_C_SOURCE 200809L
#include "base/memory.h"

#include "base/compiler.h"
#include "base/pages.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

static _Atomic int64_t n_asked;
static _Atomic int64_t fail_at;

// one counter serves both purposes; relaxed order is enough, a count needs no fence
static int refused(void) {
    int64_t k = atomic_fetch_add_explicit(&n_asked, 1, memory_order_relaxed) + 1;
    return k == atomic_load_explicit(&fail_at, memory_order_relaxed);
}

void *memory_alloc(size_t n_byte) {
    if (refused()) return NULL;
    void *p = malloc(n_byte ? n_byte : 1);
    pages_prefer_large(p, n_byte);
    return p;
}

void *memory_zeroed(size_t n, size_t n_byte_each) {
    if (refused()) return NULL;
    // large blocks come fresh from the system, zeroed page by page when they are first touched
    void *p = calloc(n ? n : 1, n_byte_each ? n_byte_each : 1);
    if (p) pages_prefer_large(p, n * n_byte_each);
    return p;
}

void *memory_resize(void *old, size_t n_byte) {
    if (refused()) return NULL;
    return realloc(old, n_byte ? n_byte : 1);
}

void memory_free(void *p) { free(p); }

static void *column(int64_t n, size_t each, int zeroed) {
    if (n < 0 || (uint64_t)n > (SIZE_MAX - 4 * DUR_ALIGN) / each || refused()) return NULL;
    size_t n_byte = ((size_t)n * each + 2 * DUR_ALIGN - 1) / DUR_ALIGN * DUR_ALIGN + DUR_ALIGN;
    void *p = NULL;
    if (posix_memalign(&p, DUR_ALIGN, n_byte)) return NULL;
    pages_prefer_large(p, n_byte);
    size_t unknown = zeroed ? 0 : (size_t)n * each;
    memset((char *)p + unknown, 0, n_byte - unknown);
    return p;
}

double   *memory_column(int64_t n)     { return column(n, sizeof(double), 1); }
int32_t  *memory_column_i32(int64_t n) { return column(n, sizeof(int32_t), 1); }
uint16_t *memory_shorts(int64_t n)     { return column(n, sizeof(uint16_t), 0); }
float    *memory_floats(int64_t n)     { return column(n, sizeof(float), 0); }

int64_t memory_fail_at(int64_t k) {
    int64_t asked = atomic_exchange(&n_asked, 0);
    atomic_store(&fail_at, k > 0 ? k : 0);
    return asked;
}

int64_t memory_available(void) {
    FILE *f = fopen("/proc/meminfo", "r");
    if (!f) return 0;
    char line[256];
    long long kib = 0;
    while (fgets(line, sizeof line, f))
        if (sscanf(line, "MemAvailable: %lld kB", &kib) == 1) break;
    fclose(f);
    return (int64_t)kib * 1024;
}

int64_t memory_peak(void) {
    struct rusage use;
    if (getrusage(RUSAGE_SELF, &use)) return 0;
    return (int64_t)use.ru_maxrss * 1024;
}
