/// Large pages for large columns. A lattice's columns are swept from end to end, a few dozen at once; with small pages the
/// processor spends more time on finding out where they are than on reading them.
#ifndef BASE_PAGES_H
#define BASE_PAGES_H

#include <stddef.h>

/// Allocations of at least this many bytes ask for large pages: below, a large page is mostly waste.
#define PAGES_LARGE ((size_t)4 << 20)

/// Ask for large pages where memory just allocated, and not touched yet, has room for them. A request only: nothing depends on it.
void pages_prefer_large(void *p, size_t n_byte);

#endif
