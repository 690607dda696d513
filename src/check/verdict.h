/// Verdicts by sampling: intervals of functions of means, and the looks at which a claim is judged. Knows nothing of
/// scenarios: runs come from a callback, so that its errors can be tested on coins of known bias.
///
/// One sampled probability gets the Clopper-Pearson interval. Otherwise f(means) is made linear at the means (delta
/// method), and what is linear lies between  -(t s/sqrt(n) + D L/n)  and  t s/sqrt(n) + U L/n  of it, t Student's quantile, s the
/// deviation of the linear form over runs, D and U how far below and above its mean it may be on any run at all, L = log(2/alpha). The second terms
/// vanish against the first as runs are added; where all runs were alike they are all there is, and then they are exact: at most a share L/n of runs
/// can have escaped notice (the "rule of three"), and each of those moves the mean by D or U at most. What f is besides, wherever the means may be, is
/// looked at on a net of points and added: nothing where f is linear, all of a step or a pole. doc/decisions/053.
#ifndef CHECK_VERDICT_H
#define CHECK_VERDICT_H

#include "check/check.h"

/// What is known of a quantity before any run.
typedef struct SampleKind {
    bool   is_exact;         // not sampled: value +- error
    double value, error;
    bool   is_probability;   // 0 or 1 on every run
    bool   is_fixed;         // the same on every run by construction: no luck enters
    double low, high;        // every run lies within; infinite: not known
} SampleKind;

/// Measurements, a row a quantity, a column a run. Rows of quantities that are exact are not used.
typedef struct Sample {
    int32_t n_quantity;
    const SampleKind *kind;  // [n_quantity] borrowed
    int64_t n_run, capacity;
    double *value;           // [n_quantity x capacity]
} Sample;

/// Room for `n` runs in all; what is there stays. DUR_MEMORY when there is none. value is freed by sample_free.
DurStatus sample_reserve(Sample *sample, int64_t n);
void      sample_free(Sample *sample);

/// A function of the quantities.
///   quantity   [n_quantity]
typedef double (*SampleFunction)(const void *context, const double *quantity);

/// f at the means, and its interval at a confidence. Without a sampled quantity among those read it is exact: f over the
/// corners of the error bounds.
///   reads    [n_quantity] which quantities f depends on
/// Fills value, low, high, method, n_run, confidence of the answer. Returns DUR_OK or DUR_MEMORY.
DurStatus sample_interval(CheckAnswer *out, const Sample *sample, SampleFunction f, const void *context, const bool *reads,
                          double confidence);

/// left COMPARISON right, from bounds of the gap left - right. Equality can only be refuted by sampling; it holds when
/// the bounds are exact and leave no room but their own error.
CheckVerdict verdict_of(Comparison comparison, const CheckAnswer *gap);

/// The looks of a sequential test: the first after `first` runs, then twice as many each time, the last at `most`.
int32_t look_count(int64_t first, int64_t most);
int64_t look_runs(int64_t first, int64_t most, int32_t look);

/// Chance of error that look 0 .. n_look-1 may spend of 1 - confidence: half of it at the last look, half of the rest at
/// the one before, and so on (the first gets what is left). The sum is 1 - confidence, so the intervals of all looks hold
/// together at that confidence, whenever one stops (Bonferroni's inequality).
double look_alpha(double confidence, int32_t n_look, int32_t look);

/// What is judged.
typedef struct Judgement {
    int32_t n_quantity;
    const SampleKind *kind;              // [n_quantity]
    SampleFunction left, right;
    const void *context;
    const bool *reads_left, *reads_right;   // [n_quantity]
    Comparison comparison;
    double  confidence;
    int64_t first, most;                 // runs of the first look, and of the last
    /// Fill columns first .. first + n - 1 of every sampled row.
    DurStatus (*measure)(void *measure_context, Sample *sample, int64_t first, int64_t n, DurError *error);
    void *measure_context;
    const Progress *progress;
} Judgement;

/// Judge: look after look until the gap's interval settles the comparison or the runs are used up. With nothing to sample
/// there is one look and no run. *out is what the last complete look saw, also when measuring failed or was interrupted
/// (zeroed if there was none).
DurStatus judge(CheckClaim *out, const Judgement *judgement, DurError *error);

#endif
