/// Elementary functions that give the same bits at every vector width and under every compiler: straight-line code
/// of + - * / sqrt, comparisons, selects and integer bit work, without fused multiply-add and without a branch, so that
/// a compiler may widen it but not change it. Must be compiled with -ffp-contract=off. A NaN in gives a NaN out; which
/// of the many is not fixed.
///
/// Errors, in units in the last place, are measured against long double by test/num/elementary_test.c, which also holds
/// them to the limits stated here. Only what every vector unit since SSE2 can do to 64-bit integers is used: and, or,
/// add, subtract, logical shifts. Whole numbers move between integer and double by adding 2^52 or 1.5 * 2^52.
#ifndef NUM_ELEMENTARY_H
#define NUM_ELEMENTARY_H

#include <math.h>
#include <stdint.h>
#include <string.h>

/// Exponential. Error < 0.7 ulp; below 2^-1022 < 1 unit of the last place there. exp(-inf) = 0; overflow gives inf.
static inline double elementary_exp(double x);

/// Natural logarithm. Error < 0.54 ulp, subnormal arguments included. log(0) = -inf, log(x < 0) = NaN.
static inline double elementary_log(double x);

/// a to the power b, with C's rules for 0, 1, infinities and signs (pow(a, 0) = pow(1, b) = 1; a < 0 needs a whole b).
/// Whole b in -8..8 by multiplication, which is exact where all products are: error < 2 ulp up to 4, < 5.5 ulp up to 8,
/// and 1.5 more for negative b. Otherwise exp(b log a), with log a to 2^-58: error < 2.5 ulp while |b log a| <= 40,
/// < 9 ulp to 150, < 36 ulp to 700.
/// -inf is a negative base: pow(-inf, 0.5) is NaN here, inf in C.
static inline double elementary_pow(double a, double b);

/// Square root, correctly rounded. Absolute value. Largest whole number not above x (exact; -0 stays -0).
static inline double elementary_sqrt(double x);
static inline double elementary_abs(double x);
static inline double elementary_floor(double x);

/// Cosine of a fraction of a turn, cos(2 pi u), 0 <= u <= 1. Error < 3 ulp; exact at the quarters.
static inline double elementary_cos_turn(double u);

// ---- constants: printed by tools/elementary_fit.py ---------------------------------------------------------------

// ln 2 in two parts; the first has 42 bits, so its product with an exponent is exact
#define ELEMENTARY_LN2_HIGH     0x1.62e42fefa3800p-1
#define ELEMENTARY_LN2_LOW      0x1.ef35793c76730p-45
#define ELEMENTARY_LN2_INVERSE  0x1.71547652b82fep+0

// (exp(r) - 1 - r) / r^2 on |r| <= ln(2)/2: relative error of the whole 2^-61.4
#define ELEMENTARY_EXP_0   0x1.0000000000000p-1
#define ELEMENTARY_EXP_1   0x1.5555555555557p-3
#define ELEMENTARY_EXP_2   0x1.5555555555556p-5
#define ELEMENTARY_EXP_3   0x1.11111111100dfp-7
#define ELEMENTARY_EXP_4   0x1.6c16c16c162d6p-10
#define ELEMENTARY_EXP_5   0x1.a01a01abe6323p-13
#define ELEMENTARY_EXP_6   0x1.a01a01a6d7831p-16
#define ELEMENTARY_EXP_7   0x1.71de0237484cdp-19
#define ELEMENTARY_EXP_8   0x1.27e4db67ac2b0p-22
#define ELEMENTARY_EXP_9   0x1.af4ddda1c08cdp-26
#define ELEMENTARY_EXP_10  0x1.1f72fc83bcbc7p-29

// (2 atanh(s) - 2 s) / s^3 in z = s^2, s = (m - 1)/(m + 1), m within a factor sqrt(2) of 1: 2^-60.7
#define ELEMENTARY_LOG_0   0x1.5555555555555p-1
#define ELEMENTARY_LOG_1   0x1.9999999999a38p-2
#define ELEMENTARY_LOG_2   0x1.2492492476ccbp-2
#define ELEMENTARY_LOG_3   0x1.c71c7201592a1p-3
#define ELEMENTARY_LOG_4   0x1.745cf9048617ap-3
#define ELEMENTARY_LOG_5   0x1.3b1c355c3560fp-3
#define ELEMENTARY_LOG_6   0x1.0fbe95aaf31a8p-3
#define ELEMENTARY_LOG_7   0x1.0c039e172b8dfp-3

// sin(2 pi r) / r in z = r^2, |r| <= 1/8: 2^-54.3
#define ELEMENTARY_SIN_0   0x1.921fb54442d18p+2
#define ELEMENTARY_SIN_1   -0x1.4abbce625be53p+5
#define ELEMENTARY_SIN_2   0x1.466bc6775aad9p+6
#define ELEMENTARY_SIN_3   -0x1.32d2cce62ac22p+6
#define ELEMENTARY_SIN_4   0x1.50783485cbd83p+5
#define ELEMENTARY_SIN_5   -0x1.e3074b4ff3058p+3
#define ELEMENTARY_SIN_6   0x1.e8eed12ee00a3p+1
#define ELEMENTARY_SIN_7   -0x1.6c5b875d4e739p-1

// cos(2 pi r) in z = r^2, |r| <= 1/8: 2^-55.9
#define ELEMENTARY_COS_0   0x1.0000000000000p+0
#define ELEMENTARY_COS_1   -0x1.3bd3cc9be45dep+4
#define ELEMENTARY_COS_2   0x1.03c1f081b5aacp+6
#define ELEMENTARY_COS_3   -0x1.55d3c7e3c90f8p+6
#define ELEMENTARY_COS_4   0x1.e1f5068355e15p+5
#define ELEMENTARY_COS_5   -0x1.a6d1ec7906c20p+4
#define ELEMENTARY_COS_6   0x1.f9cc41140bb60p+2
#define ELEMENTARY_COS_7   -0x1.b264ba152378ap+0

// added to a double of less than 2^51, leaves the nearest whole number, ties to even, in its low bits
#define ELEMENTARY_ROUND  0x1.8p52

// ---- inside ------------------------------------------------------------------------------------------------------

static inline uint64_t elementary_bits(double x) {
    uint64_t u;
    memcpy(&u, &x, sizeof u);
    return u;
}

static inline double elementary_from_bits(uint64_t u) {
    double x;
    memcpy(&x, &u, sizeof x);
    return x;
}

// Choices that depend on one another are made with masks of all ones or none: gcc follows chains of ?: into branches
// and does not come back to vectors. All ones where x < y, for x and y without sign, NaN included: bit patterns of such
// doubles order like the numbers, with NaN above all; subtracted, because SSE2 compares no 64-bit integers.
static inline uint64_t elementary_mask_less(double x, double y) {
    return 0u - ((elementary_bits(x) - elementary_bits(y)) >> 63);
}

static inline double elementary_select(uint64_t mask, double yes, double no) {
    return elementary_from_bits((elementary_bits(yes) & mask) | (elementary_bits(no) & ~mask));
}

// 2^k for a whole k in -1022..1023
static inline double elementary_power_of_two(double k) {
    return elementary_from_bits((elementary_bits(k + ELEMENTARY_ROUND) << 52) + ((uint64_t)1023 << 52));
}

// the leading 26 bits: products of two such are exact
static inline double elementary_head(double x) {
    return elementary_from_bits(elementary_bits(x) & 0xfffffffff8000000u);
}

// exp(x + tail) for a tail far smaller than x, or than 1.
// x = k ln 2 + r, |r| <= ln(2)/2; exp(r) = 1 + r + r^2 p(r), where what rounding took from r and from 1 + r is carried
// along in `lost` and `low`, so that the one rounding that shows is the last.
static inline double elementary_exp_sum(double x, double tail) {
    // beyond these ends the result is inf or 0 anyway; NaN fails both comparisons and stays
    double c = x > 710.0 ? 710.0 : x;
    c = c < -746.0 ? -746.0 : c;

    double k = (c * ELEMENTARY_LN2_INVERSE + ELEMENTARY_ROUND) - ELEMENTARY_ROUND;
    double r_high = c - k * ELEMENTARY_LN2_HIGH;
    double r_low  = k * ELEMENTARY_LN2_LOW;
    double r      = r_high - r_low;
    double lost   = ((r_high - r) - r_low) + tail;

    double r2 = r * r;
    double r4 = r2 * r2;
    double p_low  = (ELEMENTARY_EXP_0 + ELEMENTARY_EXP_1 * r) + (ELEMENTARY_EXP_2 + ELEMENTARY_EXP_3 * r) * r2;
    double p_mid  = (ELEMENTARY_EXP_4 + ELEMENTARY_EXP_5 * r) + (ELEMENTARY_EXP_6 + ELEMENTARY_EXP_7 * r) * r2;
    double p_high = (ELEMENTARY_EXP_8 + ELEMENTARY_EXP_9 * r) + ELEMENTARY_EXP_10 * r2;
    double p = p_low + (p_mid + p_high * r4) * r4;

    double one = 1.0 + r;
    double low = ((1.0 - one) + r) + r2 * p;
    double y   = one + (low + (one + low) * lost);

    // 2^k in two steps: k may be 1024, and a subnormal result must be rounded once only, by the second
    double k_half = (k * 0.5 + ELEMENTARY_ROUND) - ELEMENTARY_ROUND;
    return y * elementary_power_of_two(k_half) * elementary_power_of_two(k - k_half);
}

// log(x) = high + low, for x > 0 and finite; correct to about 2^-58 of it, high alone to half an ulp.
// x = 2^k m with m within a factor sqrt(2) of 1; log m = 2 atanh(s), s = (m - 1)/(m + 1), with s itself in two parts.
static inline double elementary_log_parts(double x, double *low) {
    // subnormals are lifted into the normal range
    double is_small = x < 0x1p-1022 ? 1.0 : 0.0;
    double lifted   = x < 0x1p-1022 ? x * 0x1p54 : x;

    // the exponent of lifted * (1/sqrt(1/2)) is k; the rest of the bits, put above those of sqrt(1/2), is m
    const uint64_t root_half = 0x3fe6a09e667f3bcdu;
    uint64_t t = elementary_bits(lifted) + (0x3ff0000000000000u - root_half);
    double   m = elementary_from_bits((t & 0x000fffffffffffffu) + root_half);
    double   k = elementary_from_bits((t >> 52) | 0x4330000000000000u) - (0x1p52 + 1023.0) - is_small * 54.0;

    // s = f / (2 + f), f = m - 1 exact. s_high has 26 bits, so s_high * d_high is exact and the remainder gives s_low
    double f       = m - 1.0;
    double d       = 2.0 + f;
    double inverse = 1.0 / d;
    double d_high  = elementary_head(d);
    double d_low   = f - (d_high - 2.0);
    double s_high  = elementary_head(f * inverse);
    double s_low   = ((f - s_high * d_high) - s_high * d_low) * inverse;
    double s       = s_high + s_low;

    double z  = s * s;
    double z2 = z * z;
    double z4 = z2 * z2;
    double p_low  = (ELEMENTARY_LOG_0 + ELEMENTARY_LOG_1 * z) + (ELEMENTARY_LOG_2 + ELEMENTARY_LOG_3 * z) * z2;
    double p_high = (ELEMENTARY_LOG_4 + ELEMENTARY_LOG_5 * z) + (ELEMENTARY_LOG_6 + ELEMENTARY_LOG_7 * z) * z2;
    double p = p_low + p_high * z4;

    // k ln 2 + 2 s + s z p, largest first; |k ln2| > |2 s| or k = 0, so the error of the first sum is exact
    double big  = k * ELEMENTARY_LN2_HIGH;
    double sum  = big + 2.0 * s_high;
    double lost = (big - sum) + 2.0 * s_high;
    double rest = lost + (2.0 * s_low + (s * (z * p) + k * ELEMENTARY_LN2_LOW));
    double high = sum + rest;
    *low = (sum - high) + rest;
    return high;
}

// log of what elementary_log_parts cannot do: 0, negative, infinite, NaN
static inline double elementary_log_edges(double x, double log_x) {
    double y = x == 0.0 ? -INFINITY : log_x;
    y = x == INFINITY ? INFINITY : y;
    return x >= 0.0 ? y : NAN;
}

// ---- the functions -----------------------------------------------------------------------------------------------

static inline double elementary_exp(double x) {
    return elementary_exp_sum(x, 0.0);
}

static inline double elementary_log(double x) {
    double low;
    double high = elementary_log_parts(x, &low);
    return elementary_log_edges(x, high);
}

static inline double elementary_abs(double x) {
    return elementary_from_bits(elementary_bits(x) & 0x7fffffffffffffffu);
}

static inline double elementary_sqrt(double x) {
    return __builtin_sqrt(x);
}

static inline double elementary_floor(double x) {
    // |x| rounded to the nearest whole number by a trip above 2^52, its sign given back, one taken off if that went up
    double size   = elementary_abs(x);
    double whole  = (size + 0x1p52) - 0x1p52;
    double sign   = elementary_from_bits(elementary_bits(x) & 0x8000000000000000u);
    double signed_whole = elementary_from_bits(elementary_bits(whole) | elementary_bits(sign));
    double down   = signed_whole > x ? signed_whole - 1.0 : signed_whole;
    return size < 0x1p52 ? down : x;
}

static inline double elementary_pow(double a, double b) {
    double size_a = elementary_abs(a);
    double size_b = elementary_abs(b);
    uint64_t is_inverse = 0u - (elementary_bits(b) >> 63);

    // whole exponents up to 8: the powers 1, 2, 4, 8 whose exponents add up to |b|, multiplied
    double a2 = a * a;
    double a4 = a2 * a2;
    double a8 = a4 * a4;
    double n  = size_b;
    uint64_t lacks_8 = elementary_mask_less(n, 8.0);
    n -= elementary_select(lacks_8, 0.0, 8.0);
    uint64_t lacks_4 = elementary_mask_less(n, 4.0);
    n -= elementary_select(lacks_4, 0.0, 4.0);
    uint64_t lacks_2 = elementary_mask_less(n, 2.0);
    n -= elementary_select(lacks_2, 0.0, 2.0);
    uint64_t lacks_1 = elementary_mask_less(n, 1.0);
    double product = elementary_select(lacks_1, 1.0, a) * elementary_select(lacks_2, 1.0, a2)
                   * elementary_select(lacks_4, 1.0, a4) * elementary_select(lacks_8, 1.0, a8);
    double short_power = elementary_select(is_inverse, 1.0 / product, product);

    // the rest: |a|^b = exp(b log|a|), the product b log|a| in two parts; where it is out of exp's range its second
    // part is nonsense and not needed
    double log_low;
    double log_high = elementary_log_parts(size_a, &log_low);
    log_high = elementary_log_edges(size_a, log_high);
    double b_head = elementary_head(b);
    double b_tail = b - b_head;
    double l_head = elementary_head(log_high);
    double l_tail = log_high - l_head;
    double p      = b * log_high;
    double p_low  = (((b_head * l_head - p) + b_head * l_tail) + b_tail * l_head) + b_tail * l_tail;
    double tail   = elementary_abs(p) < 800.0 ? p_low + b * log_low : 0.0;
    double power  = elementary_exp_sum(p, tail);
    power = size_a == 1.0 ? 1.0 : power;

    // signs: a negative base, -0 included, gives a negative result where b is odd, and none where b is not whole;
    // from 2^53 on all doubles, and infinity, are whole and even
    double near = size_b >= 0x1p53 ? 0.0 : b;
    double half = near * 0.5;
    uint64_t is_whole = elementary_mask_less(elementary_abs(near - elementary_floor(near)), 0x1p-1074);
    uint64_t is_even  = elementary_mask_less(elementary_abs(half - elementary_floor(half)), 0x1p-1074);
    uint64_t sign     = elementary_bits(a) & is_whole & ~is_even & 0x8000000000000000u;
    double signed_power = elementary_from_bits(elementary_bits(power) | sign);
    double if_negative  = elementary_select(is_whole, signed_power, NAN);
    double long_power   = a < 0.0 ? if_negative : signed_power;

    // a product beyond the range has no useful inverse: 1 / 10^320 is still a number
    uint64_t is_lost  = is_inverse & ~elementary_mask_less(elementary_abs(product), INFINITY);
    uint64_t is_short = is_whole & ~elementary_mask_less(8.0, size_b) & ~is_lost;
    return elementary_select(is_short, short_power, long_power);
}

static inline double elementary_cos_turn(double u) {
    // u = q/4 + r, |r| <= 1/8: cos, -sin, -cos, sin of 2 pi r for q = 0, 1, 2, 3
    double q = (4.0 * u + ELEMENTARY_ROUND) - ELEMENTARY_ROUND;
    double r = u - 0.25 * q;
    double z = r * r;
    double z2 = z * z;
    double z4 = z2 * z2;
    double sine = ((ELEMENTARY_SIN_0 + ELEMENTARY_SIN_1 * z) + (ELEMENTARY_SIN_2 + ELEMENTARY_SIN_3 * z) * z2)
                + ((ELEMENTARY_SIN_4 + ELEMENTARY_SIN_5 * z) + (ELEMENTARY_SIN_6 + ELEMENTARY_SIN_7 * z) * z2) * z4;
    double cosine = ELEMENTARY_COS_0 + z * (((ELEMENTARY_COS_1 + ELEMENTARY_COS_2 * z)
                  + (ELEMENTARY_COS_3 + ELEMENTARY_COS_4 * z) * z2)
                  + ((ELEMENTARY_COS_5 + ELEMENTARY_COS_6 * z) + ELEMENTARY_COS_7 * z2) * z4);
    double y = q == 0.0 || q == 4.0 ? cosine : -cosine;
    y = q == 1.0 ? -(r * sine) : y;
    return q == 3.0 ? r * sine : y;
}

#endif
