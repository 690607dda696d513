/// What every test uses: cmocka, and checks that print the numbers they compare.
#ifndef TEST_CHECK_H
#define TEST_CHECK_H

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <malloc.h>

#define TEST(name)     static void name(void **state_)
#define RUN(name)      cmocka_unit_test(name)
#define CHECK(cond)    assert_true(cond)
#define CHECK_OK(call) assert_int_equal((int)(call), 0)

/// |a - b| <= tol, with the numbers in the message; NaN never passes.
#define CHECK_NEAR(a, b, tol) do {                                                        \
    double a_ = (a), b_ = (b), t_ = (tol);                                                \
    if (!(fabs(a_ - b_) <= t_))                                                           \
        fail_msg("%s = %.17g, expected %.17g within %g (off by %g)", #a, a_, b_, t_, a_ - b_); \
} while (0)

/// The same bits.
#define CHECK_SAME(a, b) do {                                                             \
    double a_ = (a), b_ = (b);                                                            \
    if (memcmp(&a_, &b_, sizeof a_) != 0) fail_msg("%s = %a, %s = %a: not the same bits", #a, a_, #b, b_); \
} while (0)

/// Bytes in use, whether the heap's or mapped by themselves; 0 where a sanitizer keeps a heap of its own, of which nothing is told.
static inline double bytes_in_use(void) {
    struct mallinfo2 use = mallinfo2();
    return (double)use.uordblks + (double)use.hblkhd;
}

#endif
