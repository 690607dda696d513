/// Memory: every allocation of the house goes through here, so that a test can make the k-th one fail.
#ifndef BASE_MEMORY_H
#define BASE_MEMORY_H

#include <stddef.h>
#include <stdint.h>

/// As malloc, calloc, realloc and free; NULL when memory is out (or a test says so). Sizes of 0 give a live pointer.
void *memory_alloc(size_t n_byte);
void *memory_zeroed(size_t n, size_t n_byte_each);
void *memory_resize(void *old, size_t n_byte);
void  memory_free(void *p);

/// A column of `n` doubles (or int32, or bytes), zeroed, aligned to DUR_ALIGN, with at least DUR_ALIGN bytes of zeroed
/// slack behind it so that vector loops may read past the end. Freed with memory_free. NULL when memory is out.
double  *memory_column(int64_t n);
int32_t *memory_column_i32(int64_t n);
/// A column of floats, or of short numbers, on the same terms, but of unknown content before its slack: those who fill it meet its pages first.
float    *memory_floats(int64_t n);
uint16_t *memory_shorts(int64_t n);

/// For tests: let the k-th allocation from now on fail (k = 1: the next one), once. k <= 0: none fails.
/// Returns how many allocations were asked for since the last call. Not thread-safe on purpose: tests are single-threaded.
int64_t memory_fail_at(int64_t k);

/// Bytes of memory that the machine says are available, or 0 if it does not say. Cost: reads /proc/meminfo.
int64_t memory_available(void);

/// Largest resident size of this process so far, in bytes; 0 if not known.
int64_t memory_peak(void);

#endif
