/// Special functions, intervals and quantiles of the statistics that verdicts rest on. Scalar, double precision;
/// accuracy is stated with each and tested against published values.
#ifndef NUM_STAT_H
#define NUM_STAT_H

#include <stdint.h>

/// Standard normal: distribution function (relative error < 4e-15, in the lower tail too) and its inverse (< 1e-14;
/// -inf at 0, inf at 1, NaN outside).
double stat_normal_cdf(double x);
double stat_normal_quantile(double p);

/// log Gamma(x), x > 0; inf at 0, NaN below. Error < 1e-14 + 1e-15 |log Gamma(x)|.
double stat_log_gamma(double x);

/// Regularised incomplete beta I_x(a, b), a, b > 0, 0 <= x <= 1; and its inverse in x. Relative error of I about
/// 1e-14 + 1e-15 |log I| below the mean, absolute above. Cost: sqrt(max(a, b)) steps; the inverse some ten times that.
double stat_beta_cdf(double x, double a, double b);
double stat_beta_quantile(double p, double a, double b);

/// Student t quantile with `dof` > 0 degrees of freedom. Relative error about 1e-14.
double stat_t_quantile(double p, double dof);

typedef struct Bounds { double low, high; } Bounds;

/// Exact two-sided interval of a proportion, k of n at `confidence`. n = 0 gives [0, 1].
/// Source: Clopper and Pearson 1934.
Bounds stat_clopper_pearson(int64_t k, int64_t n, double confidence);

/// Running mean and variance, merged in a fixed order so that the bits do not depend on threads.
/// Source: Chan, Golub, LeVeque 1983.
typedef struct Moments { double n, mean, m2; } Moments;
void   stat_add(Moments *m, double x);
void   stat_merge(Moments *m, const Moments *other);
double stat_variance(const Moments *m);   // unbiased; 0 when n < 2

/// A histogram on [low, high] with `n_bin` equal bins, counts as integers (merging is exact in any order). Values
/// outside are counted at the ends, values exactly at an end in bins of their own, so that atoms at a limit stay exact.
/// NaN is not counted.
typedef struct Histogram {
    double   low, high;
    int32_t  n_bin;
    int64_t *count;      // [n_bin + 2]: at low, bins, at high; borrowed
} Histogram;
void   stat_histogram_add(Histogram *h, double x);
/// The same number n times.
void   stat_histogram_add_many(Histogram *h, double x, int64_t n);
/// Quantile p in 0..1, linear inside a bin: error at most one bin's width. `low` if nothing was counted.
double stat_histogram_quantile(const Histogram *h, double p);

#endif
