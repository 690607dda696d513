/// What the house asks of a compiler beyond C17, in one place.
#ifndef BASE_COMPILER_H
#define BASE_COMPILER_H

#define DUR_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#define DUR_RESTRICT          restrict
#define DUR_LIKELY(x)         __builtin_expect(!!(x), 1)
#define DUR_UNLIKELY(x)       __builtin_expect(!!(x), 0)
#define DUR_UNUSED            __attribute__((unused))
#define DUR_COUNT(a)          (sizeof(a) / sizeof((a)[0]))

#define DUR_PREFETCH(p)       __builtin_prefetch(p)
/// Into an outer cache only: many lines at once would keep the innermost one's few misses in flight to themselves.
#define DUR_PREFETCH_FAR(p)   __builtin_prefetch(p, 0, 1)
/// A moment's rest in a loop that looks at what another thread does.
#if defined(__x86_64__)
#define DUR_PAUSE()           __builtin_ia32_pause()
#else
#define DUR_PAUSE()           ((void)0)
#endif
#define DUR_ALWAYS_INLINE     inline __attribute__((always_inline))

/// Sixteen floats worked on together: the widest vector there is, in narrower ones where it is not. Element by element the
/// same bits at every width. Any alignment.
typedef float DurFloat16 __attribute__((vector_size(64), aligned(4), may_alias));
/// As many whole numbers, for masks.
typedef int DurInt16 __attribute__((vector_size(64), aligned(4), may_alias));
/// As many without a sign, short and as long as floats.
typedef unsigned short DurShort16 __attribute__((vector_size(32), aligned(2), may_alias));
typedef unsigned int DurWord16 __attribute__((vector_size(64), aligned(4), may_alias));
/// Eight floats.
typedef float DurFloat8 __attribute__((vector_size(32), aligned(4), may_alias));

/// Columns start on a cache line, which is also the width of the widest vector register.
#define DUR_ALIGN 64

#endif
