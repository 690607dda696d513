// All on elementary functions, so that intervals and verdicts have the same bits on every machine.
#include "num/stat.h"
#include "num/elementary.h"

#include <assert.h>
#include <float.h>

#define PI            0x1.921fb54442d18p+1
#define ROOT_TWO_PI   0x1.40d931ff62706p+1    // sqrt(2 pi)
#define LOG_ROOT_TWO_PI 0x1.d67f1c864beb5p-1  // log(sqrt(2 pi))

// ---- normal ------------------------------------------------------------------------------------------------------

// exp(-x^2/2)/sqrt(2 pi). x^2 is split where its leading part is exact, or its rounding would show in the tails
static double normal_density(double x) {
    double head = elementary_floor(elementary_abs(x) * 16.0) / 16.0;
    double rest = elementary_abs(x) - head;
    return elementary_exp(-0.5 * head * head) * elementary_exp(-0.5 * rest * (elementary_abs(x) + head)) / ROOT_TWO_PI;
}

// integral of the density from 0 to x: density(x) * (x + x^3/3 + x^5/(3 5) + ...), all terms of one sign
static double normal_centre(double x) {
    double term = x, sum = x;
    for (int k = 3; k < 400 && elementary_abs(term) > elementary_abs(sum) * 0x1p-56; k += 2) {
        term *= x * x / k;
        sum  += term;
    }
    return normal_density(x) * sum;
}

// integral of the density from x > 0 on: density(x) / (x + 1/(x + 2/(x + 3/...))), from the far end backwards
static double normal_tail(double x) {
    double fraction = x;
    for (int k = 400; k > 0; k--) fraction = x + k / fraction;
    return normal_density(x) / fraction;
}

// where the tail's fraction has converged to the last digit, and the centre still loses none worth having
#define TAIL_FROM 1.0

double stat_normal_cdf(double x) {
    if (!(x == x)) return x;
    if (x < -TAIL_FROM) return x < -40 ? 0.0 : normal_tail(-x);
    if (x > TAIL_FROM)  return x > 40 ? 1.0 : 1.0 - normal_tail(x);
    return 0.5 + normal_centre(x);
}

double stat_normal_quantile(double p) {
    if (!(p > 0)) return p == 0 ? -INFINITY : NAN;
    if (!(p < 1)) return p == 1 ? INFINITY : NAN;

    // the centre: Newton on the integral from 0, which knows small x to full relative accuracy. The integral is
    // concave on the side away from 0, so every step from inside falls short and none goes astray
    double from_half = p - 0.5;
    if (elementary_abs(from_half) < 0.4) {
        double x = from_half * ROOT_TWO_PI;
        for (int i = 0; i < 50; i++) {
            double step = (from_half - normal_centre(x)) / normal_density(x);
            x += step;
            if (elementary_abs(step) <= elementary_abs(x) * 0x1p-52) break;
        }
        return x;
    }

    // the tails, by symmetry the lower one (1 - p is exact for p > 1/2): Newton on log Q(x) = log(tail), where Q is
    // concave in x, so that steps from the far side come down to the root without passing it
    double tail = p < 0.5 ? p : 1.0 - p;
    double want = elementary_log(tail);
    double x = elementary_sqrt(-2.0 * want);
    for (int i = 0; i < 50; i++) {
        double q    = normal_tail(x);
        double step = (elementary_log(q) - want) * q / normal_density(x);
        x += step;
        if (elementary_abs(step) <= x * 0x1p-51) break;
    }
    return p < 0.5 ? -x : x;
}

// ---- Gamma and beta ----------------------------------------------------------------------------------------------

// Stirling's remainder log Gamma(x) - (x - 1/2) log x + x - log sqrt(2 pi) for x >= 10: Bernoulli numbers
// B(2k)/(2k (2k - 1) x^(2k - 1)); the first term left out is below 1e-17
static double stirling_series(double x) {
    static const double c[] = {1.0 / 12, -1.0 / 360, 1.0 / 1260, -1.0 / 1680, 1.0 / 1188, -691.0 / 360360, 1.0 / 156,
                               -3617.0 / 122400};
    double z = 1.0 / (x * x), sum = 0;
    for (int k = (int)(sizeof c / sizeof *c) - 1; k >= 0; k--) sum = sum * z + c[k];
    return sum / x;
}

double stat_log_gamma(double x) {
    if (!(x > 0)) return x == 0 ? INFINITY : NAN;
    // small arguments are lifted: Gamma(x) = Gamma(x + n) / (x (x + 1) ... (x + n - 1))
    double product = 1;
    while (x < 10) {
        product *= x;
        x += 1;
    }
    if (x == INFINITY) return x;
    double y = (x - 0.5) * elementary_log(x) - x + LOG_ROOT_TWO_PI + stirling_series(x);
    return product == 1 ? y : y - elementary_log(product);
}

static double stirling_remainder(double x) {
    if (x >= 10) return stirling_series(x);
    return stat_log_gamma(x) - ((x - 0.5) * elementary_log(x) - x + LOG_ROOT_TWO_PI);
}

// log(1 + e) - e, e > -1, without losing the small difference
static double log1p_less(double e) {
    if (elementary_abs(e) > 0.3) return elementary_log(1.0 + e) - e;
    // log(1 + e) = 2 atanh(s) with s = e/(2 + e), and 2 s - e = -e s
    double s = e / (2.0 + e), z = s * s, power = s * z, sum = 0;
    for (int k = 3; k < 60 && elementary_abs(power) > 0x1p-60 * z; k += 2) {
        sum   += power / k;
        power *= z;
    }
    return 2.0 * sum - e * s;
}

// x^a y^b / B(a, b), y = 1 - x. Near the mean a/(a+b) the large logarithms cancel; written by the relative distances of
// x and y from the means, only their second-order parts are left. Source: Loader 2000, "Fast and accurate computation
// of binomial probabilities" (the same rearrangement).
static double beta_front(double x, double y, double a, double b) {
    double n = a + b;
    double remainder = stirling_remainder(n) - stirling_remainder(a) - stirling_remainder(b);
    double x_off = (x * n - a) / a;
    double y_off = (y * n - b) / b;
    // each of the parts of the exponent may be large where x is far from the mean: the result is then small
    double exponent;
    if (x_off > -0.9 && y_off > -0.9) {
        exponent = a * log1p_less(x_off) + b * log1p_less(y_off);
    } else {
        exponent = a * elementary_log(x * (n / a)) + b * elementary_log(y * (n / b));
    }
    return elementary_sqrt(a * (b / n) / (2.0 * PI)) * elementary_exp(exponent + remainder);
}

static double not_zero(double x) {
    return elementary_abs(x) < 1e-290 ? 1e-290 : x;
}

// I_x(a, b), best for x below the mean, by a continued fraction: front / (B0 + A1/(B1 + A2/(B2 + ...))) with
//     An = (a + n - 1)(a + b + n - 1) n (b - n) x^2 / (a + 2n - 1)^2
//     Bn = n + n (b - n) x / (a + 2n - 1) + (a + n)(1 + L + n (1 + y)) / (a + 2n + 1),   L = a - (a + b) x
// evaluated forwards by Lentz's method. It takes about sqrt(max(a, b)) terms. 1 + L is where digits could be lost, so
// it is taken from the smaller of x and y.
// Source: Didonato and Morris 1992, ACM TOMS algorithm 708, eq. (9); Lentz 1976.
static double beta_fraction(double x, double y, double a, double b) {
    double front = beta_front(x, y, a, b);
    if (front == 0) return 0;
    double one_and_l = x < y ? (a + 1.0) - (a + b) * x : (a + b) * y + (1.0 - b);
    double value = not_zero(a * one_and_l / (a + 1.0));
    double c = value, d = 0;
    double limit = 200.0 + 20.0 * elementary_sqrt(a > b ? a : b);
    for (double n = 1; n < limit; n++) {
        double s     = a + 2 * n - 1;
        double w     = n * (b - n) * x;
        double alpha = (a + n - 1) / s * ((a + b + n - 1) / s) * w * x;
        double beta  = n + w / s + (a + n) * (one_and_l + n * (1.0 + y)) / (s + 2);
        d = 1.0 / not_zero(beta + alpha * d);
        c = not_zero(beta + alpha / c);
        value *= c * d;
        if (elementary_abs(c * d - 1.0) < 0x1p-52) break;
    }
    return front / value;
}

// the smaller-looking tail straight, the other as its complement: low = I_x(a, b), high = 1 - low
static void beta_tails(double x, double y, double a, double b, double *low, double *high) {
    if (x * (a + b + 2.0) < a + 1.0) {
        *low  = x > 0 ? beta_fraction(x, y, a, b) : 0.0;
        *high = 1.0 - *low;
    } else {
        *high = y > 0 ? beta_fraction(y, x, b, a) : 0.0;
        *low  = 1.0 - *high;
    }
}

double stat_beta_cdf(double x, double a, double b) {
    if (!(x == x) || !(a > 0) || !(b > 0)) return NAN;
    if (x <= 0) return 0;
    if (x >= 1) return 1;
    double low, high;
    beta_tails(x, 1.0 - x, a, b, &low, &high);
    return low < 0 ? 0.0 : low > 1 ? 1.0 : low;
}

// The x at which the lower tail is p and the upper one q = 1 - p, at most 1/2: whichever of x and 1 - x is asked for is
// found to full relative accuracy. Newton steps on the smaller tail, inside a bracket that every step narrows.
static double beta_quantile_tails(double p, double q, double a, double b) {
    double low = 0, high = 1;
    double x = a / (a + b);
    for (int i = 0; i < 400; i++) {
        double below, above;
        beta_tails(x, 1.0 - x, a, b, &below, &above);
        double miss = p <= q ? below - p : q - above;
        if (miss > 0) high = x;
        else          low  = x;

        // density = front / (x y)
        double slope = beta_front(x, 1.0 - x, a, b) / (x * (1.0 - x));
        double next  = x - miss / slope;
        // steps that leave the bracket (or have no slope) halve it, in proportion where it spans powers of ten
        if (!(next > low && next < high)) next = low > 0 && high > 4 * low ? elementary_sqrt(low * high)
                                               : low > 0 || high < 1e-300  ? low + (high - low) / 2
                                                                           : high / 16;
        double step = elementary_abs(next - x);
        x = next;
        if (step <= 0x1p-52 * x || high - low <= 0x1p-52 * low) break;
    }
    return x;
}

double stat_beta_quantile(double p, double a, double b) {
    if (!(p >= 0 && p <= 1) || !(a > 0) || !(b > 0)) return NAN;
    if (p == 0) return 0;
    if (p == 1) return 1;
    return beta_quantile_tails(p, 1.0 - p, a, b);
}

double stat_t_quantile(double p, double dof) {
    if (!(p >= 0 && p <= 1) || !(dof > 0)) return NAN;
    if (p == 0.5) return 0;
    double tail = p < 0.5 ? p : 1.0 - p;      // exact
    if (tail == 0) return p < 0.5 ? -INFINITY : INFINITY;

    // 2 tail = I_x(dof/2, 1/2) at x = dof/(dof + t^2), and 1 - 2 tail = I_y(1/2, dof/2) at y = t^2/(dof + t^2):
    // the small one of x and y is solved for, so that t keeps its digits both near 0 and far out
    double both = 2.0 * tail, inside = 1.0 - both;
    double y = beta_quantile_tails(inside, both, 0.5, 0.5 * dof);
    double t;
    if (y < 0.5) {
        t = elementary_sqrt(dof * y / (1.0 - y));
    } else {
        double x = beta_quantile_tails(both, inside, 0.5 * dof, 0.5);
        t = elementary_sqrt(dof * (1.0 - x)) / elementary_sqrt(x);
    }
    return p < 0.5 ? -t : t;
}

Bounds stat_clopper_pearson(int64_t k, int64_t n, double confidence) {
    assert(k >= 0 && k <= n && confidence > 0 && confidence < 1);
    double half = 0.5 * (1.0 - confidence);
    double successes = (double)k, failures = (double)(n - k);
    Bounds bounds = {0, 1};
    if (k > 0) bounds.low  = beta_quantile_tails(half, 1.0 - half, successes, failures + 1);
    if (k < n) bounds.high = beta_quantile_tails(1.0 - half, half, successes + 1, failures);
    return bounds;
}
