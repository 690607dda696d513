/// Numbers to try functions on: reproducible, and rich in the cases that go wrong.
#ifndef TEST_NUM_DRAWS_H
#define TEST_NUM_DRAWS_H

#include "base/compiler.h"
#include "base/sha256.h"
#include "num/elementary.h"
#include "num/philox.h"

/// Values at which something changes, of every kind.
static const double DRAWS_EDGE[] = {
    0.0, -0.0, 1.0, -1.0, 0.5, -0.5, 1.5, -1.5, 2.0, -2.0, 3.0, -3.0, 4.0, 5.0, 6.0, 7.0, -7.0, 8.0, -8.0, 9.0, -9.0,
    INFINITY, -INFINITY, NAN, 5e-324, -5e-324, 1e-310, -1e-310, 0x1p-1022, -0x1p-1022, 0x1.fffffffffffffp-1023,
    0x1.fffffffffffffp1023, -0x1.fffffffffffffp1023, 1e300, -1e300, 1e-300, 0x1p52, -0x1p52, 0x1p51, 0x1p53,
    0x1.0000000000001p51, -0x1.0000000000001p51, 0x1.fffffffffffffp51, 0x1.0000000000001p0, 0x1.fffffffffffffp-1,
    -0x1.fffffffffffffp-1, 0x1.6a09e667f3bccp-1, 0x1.6a09e667f3bcdp-1, 709.782712893384, 709.7827128933841, 710.0,
    -708.3964185322641, -745.1332191019411, -745.1332191019412, -746.0, -750.0, 1e5, -1e5, 0.1, -0.1, 100.25, 1e40,
    0.49999999999999994, -0.49999999999999994, 4503599627370495.5, -4503599627370495.5,
};

/// A number of a kind that changes from draw to draw: an edge, any bits at all, or of a size met in practice.
static inline double draws_any(Stream *s) {
    double u[2];
    stream_uniform2(s, u);
    switch ((int)(u[0] * 8)) {
    case 0:  return DRAWS_EDGE[(int)(u[1] * DUR_COUNT(DRAWS_EDGE))];
    case 1:  return elementary_from_bits((uint64_t)(u[1] * 0x1p53) * 2049u);   // all exponents, both signs
    case 2:  return u[1] * 20 - 10;
    case 3:  return u[1] * 1500 - 750;
    case 4:  return elementary_floor(u[1] * 30 - 15);
    case 5:  return elementary_floor(u[1] * 3);
    default: return u[1] * 2 - 0.5;
    }
}

/// Add a number's bits to a hash; all NaNs are one.
static inline void draws_hash(Sha256 *hash, double x) {
    uint64_t bits = x == x ? elementary_bits(x) : 0x7ff8000000000000u;
    uint8_t byte[8];
    for (int i = 0; i < 8; i++) byte[i] = (uint8_t)(bits >> 8 * i);
    sha256_add(hash, byte, sizeof byte);
}

/// The same bits, or both NaN.
static inline int draws_same(double x, double y) {
    return (x != x && y != y) || elementary_bits(x) == elementary_bits(y);
}

#endif
