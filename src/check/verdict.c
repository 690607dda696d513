#include "check/verdict.h"

#include "base/memory.h"
#include "num/stat.h"

#include <assert.h>
#include <math.h>
#include <string.h>

/// Points at which a function of one quantity is looked at over its interval: the ends settle it where it is monotone.
#define SCAN_POINTS 65
/// Quantities of one expression of which all corners are looked at; with more, one at a time.
#define CORNERS_MAX 10
/// Points along each of some sampled quantities at which a function is held against what is linear; where there are more, their corners only.
#define BEND_POINTS 17
#define BEND_ALL    2
/// What is no bend but rounding, relative to the function's size.
#define STRAIGHT 1e-12

/// Values this near to one another, relative to their size, are taken to be the same but for rounding.
#define ALIKE 1e-9

DurStatus sample_reserve(Sample *sample, int64_t n) {
    if (n <= sample->capacity) return DUR_OK;
    double *value = memory_column(n * sample->n_quantity);
    if (!value) return DUR_MEMORY;
    for (int32_t q = 0; q < sample->n_quantity && sample->n_run > 0; q++)
        memcpy(value + q * n, sample->value + q * sample->capacity, (size_t)sample->n_run * sizeof *value);
    memory_free(sample->value);
    sample->value = value;
    sample->capacity = n;
    return DUR_OK;
}

void sample_free(Sample *sample) {
    memory_free(sample->value);
    sample->value = NULL;
    sample->capacity = sample->n_run = 0;
}

// ---- one quantity -----------------------------------------------------------------------------------------

/// A row in short.
typedef struct Summary { double mean, deviation, low, high; } Summary;

static Summary summary_of(const Sample *sample, int32_t quantity) {
    const SampleKind *kind = &sample->kind[quantity];
    if (kind->is_exact) return (Summary){kind->value, 0, kind->value, kind->value};
    const double *row = sample->value + quantity * sample->capacity;
    int64_t n = sample->n_run;
    double low = INFINITY, high = -INFINITY, sum = 0, square = 0;
    for (int64_t r = 0; r < n; r++) {
        sum += row[r];
        low  = row[r] < low ? row[r] : low;
        high = row[r] > high ? row[r] : high;
    }
    // integrals and sums leave crumbs where there is no spread at all
    if (high - low <= ALIKE * fmax(fabs(low), fabs(high))) return (Summary){low + (high - low) / 2, 0, low, low};
    double mean = sum / (double)n;
    for (int64_t r = 0; r < n; r++) square += (row[r] - mean) * (row[r] - mean);
    return (Summary){mean, sqrt(square / (double)(n - 1)), low, high};
}

/// How far a run that was not seen may lie from the mean, below (negative) and above: anywhere that the quantity can be, for what was seen says nothing of
/// that. Where no end is known (a count has no upper one), as far as what was seen was apart, the quantity's own size, or 1.
static Bounds unseen(const SampleKind *kind, const Summary *s) {
    if (kind->is_fixed) return (Bounds){0, 0};
    double far = fmax(fmax(1, fabs(s->mean)), s->high - s->low);
    return (Bounds){isfinite(kind->low) ? kind->low - s->mean : -far, isfinite(kind->high) ? kind->high - s->mean : far};
}

static double student(double alpha, int64_t n) { return stat_t_quantile(1 - alpha / 2, (double)(n - 1)); }

static Bounds quantity_bounds(const Sample *sample, int32_t quantity, const Summary *s, double alpha) {
    const SampleKind *kind = &sample->kind[quantity];
    int64_t n = sample->n_run;
    if (kind->is_fixed && n > 0) return (Bounds){s->low, s->high};
    if (kind->is_probability)
        return stat_clopper_pearson((int64_t)floor(s->mean * (double)n + 0.5), n, 1 - alpha);
    if (n < 2) return (Bounds){kind->low, kind->high};
    Bounds beyond = unseen(kind, s);
    double share = log(2 / alpha) / (double)n, half = s->deviation > 0 ? student(alpha, n) * s->deviation / sqrt((double)n) : 0;
    return (Bounds){fmax(s->mean + share * beyond.low - half, kind->low), fmin(s->mean + share * beyond.high + half, kind->high)};
}

// ---- functions of several ---------------------------------------------------------------------------------

/// f may lack a value somewhere (0/0): then anything is possible.
static void widen(Bounds *b, double value) {
    if (!isfinite(value)) *b = (Bounds){-INFINITY, INFINITY};
    else *b = (Bounds){fmin(b->low, value), fmax(b->high, value)};
}

/// f over the error bounds of exact quantities, the others at `at`.
static Bounds corner_bounds(const Sample *sample, SampleFunction f, const void *context, const bool *reads,
                            double *at) {
    int32_t corner[CORNERS_MAX], n = 0;
    bool all = true;
    Bounds b = {INFINITY, -INFINITY};
    widen(&b, f(context, at));
    for (int32_t q = 0; q < sample->n_quantity; q++)
        if (reads[q] && sample->kind[q].is_exact && sample->kind[q].error > 0) {
            if (n < CORNERS_MAX) corner[n++] = q;
            else all = false;
        }
    if (all) {
        for (int32_t mask = 0; mask < 1 << n; mask++) {
            for (int32_t k = 0; k < n; k++)
                at[corner[k]] = sample->kind[corner[k]].value + (mask >> k & 1 ? 1 : -1) * sample->kind[corner[k]].error;
            widen(&b, f(context, at));
        }
        for (int32_t k = 0; k < n; k++) at[corner[k]] = sample->kind[corner[k]].value;
        return b;
    }
    // too many corners: the sum of what each does alone
    double down = 0, up = 0, middle = f(context, at);
    for (int32_t q = 0; q < sample->n_quantity; q++) {
        if (!reads[q] || !sample->kind[q].is_exact) continue;
        double value = at[q], low, high;
        at[q] = value - sample->kind[q].error;
        low = f(context, at) - middle;
        at[q] = value + sample->kind[q].error;
        high = f(context, at) - middle;
        at[q] = value;
        down += fmin(0, fmin(low, high));
        up += fmax(0, fmax(low, high));
    }
    widen(&b, middle + down);
    widen(&b, middle + up);
    return b;
}

/// Slope of f in one quantity at the means, over a step as long as the mean is uncertain.
static double slope(const Sample *sample, SampleFunction f, const void *context, double *at, int32_t q,
                    const Summary *s) {
    const SampleKind *kind = &sample->kind[q];
    double step = s->deviation > 0 ? s->deviation / sqrt((double)sample->n_run) : 1e-6 * (1 + fabs(s->mean));
    double low = fmax(s->mean - step, kind->low), high = fmin(s->mean + step, kind->high);
    if (!(high > low)) return 0;
    at[q] = low;
    double below = f(context, at);
    at[q] = high;
    double above = f(context, at);
    at[q] = s->mean;
    return (above - below) / (high - low);
}

/// The interval of what is linear in all sampled quantities at once, with the slopes of f at their means, from its middle.
static Bounds delta_bounds(const Sample *sample, SampleFunction f, const void *context, const bool *reads, double *at,
                           const Summary *summary, double *gradient, double alpha) {
    int64_t n = sample->n_run;
    if (n < 2) return (Bounds){-INFINITY, INFINITY};
    // quantities may part on a run that was not seen, however much they went in step on those that were
    Bounds beyond = {0, 0};
    double square = 0;
    for (int32_t q = 0; q < sample->n_quantity; q++) {
        gradient[q] = 0;
        if (!reads[q] || sample->kind[q].is_exact || sample->kind[q].is_fixed) continue;
        gradient[q] = slope(sample, f, context, at, q, &summary[q]);
        Bounds own = unseen(&sample->kind[q], &summary[q]);
        beyond.low  += gradient[q] * (gradient[q] > 0 ? own.low : own.high);
        beyond.high += gradient[q] * (gradient[q] > 0 ? own.high : own.low);
    }
    for (int64_t r = 0; r < n; r++) {
        double z = 0;
        for (int32_t q = 0; q < sample->n_quantity; q++)
            if (gradient[q] != 0) z += gradient[q] * (sample->value[q * sample->capacity + r] - summary[q].mean);
        square += z * z;
    }
    double share = log(2 / alpha) / (double)n, half = student(alpha, n) * sqrt(square / (double)(n - 1)) / sqrt((double)n);
    return (Bounds){share * beyond.low - half, share * beyond.high + half};
}

/// What f is at a point, less what is linear at the means.
static void hold_against_line(Bounds *b, SampleFunction f, const void *context, const double *at, int32_t n, const double *gradient,
                              const Summary *summary, double middle) {
    double line = middle, value = f(context, at);
    for (int32_t q = 0; q < n; q++)
        if (gradient[q] != 0) line += gradient[q] * (at[q] - summary[q].mean);
    if (isfinite(value) && fabs(value - line) <= STRAIGHT * (fabs(value) + fabs(line))) return;
    widen(b, value - line);
}

/// How far f is from what is linear at the means, below and above, wherever the means may be: each sampled quantity within bounds of its own, all together
/// with the stated chance of error. Nothing for a sum or a difference. Where f steps, bends or has a pole there, a slope at the means says nothing of it.
static Bounds bend(const Sample *sample, SampleFunction f, const void *context, const bool *reads, double *at, const Summary *summary,
                   const double *gradient, double alpha) {
    int32_t which[CORNERS_MAX], n = 0, n_all = 0;
    Bounds of[CORNERS_MAX], b = {0, 0};
    double middle = f(context, at);
    for (int32_t q = 0; q < sample->n_quantity; q++)
        n_all += reads[q] && !sample->kind[q].is_exact && !sample->kind[q].is_fixed;
    for (int32_t q = 0; q < sample->n_quantity; q++) {
        if (!reads[q] || sample->kind[q].is_exact || sample->kind[q].is_fixed) continue;
        Bounds own = quantity_bounds(sample, q, &summary[q], alpha / n_all);
        if (!isfinite(own.high - own.low)) return (Bounds){-INFINITY, INFINITY};
        for (int32_t k = 0; k < BEND_POINTS; k++) {
            at[q] = own.low + (own.high - own.low) * k / (BEND_POINTS - 1);
            hold_against_line(&b, f, context, at, sample->n_quantity, gradient, summary, middle);
        }
        at[q] = summary[q].mean;
        if (n < CORNERS_MAX) {
            which[n] = q;
            of[n++] = own;
        }
    }
    int32_t each = n <= BEND_ALL ? BEND_POINTS : 2;
    int64_t n_point = 1;
    for (int32_t k = 0; k < n; k++) n_point *= each;
    for (int64_t point = 0; point < n_point; point++) {
        int64_t rest = point;
        for (int32_t k = 0; k < n; k++, rest /= each)
            at[which[k]] = of[k].low + (of[k].high - of[k].low) * (double)(rest % each) / (each - 1);
        hold_against_line(&b, f, context, at, sample->n_quantity, gradient, summary, middle);
    }
    for (int32_t k = 0; k < n; k++) at[which[k]] = summary[which[k]].mean;
    return b;
}

DurStatus sample_interval(CheckAnswer *out, const Sample *sample, SampleFunction f, const void *context, const bool *reads,
                          double confidence) {
    *out = (CheckAnswer){.method = CHECK_EXACT, .confidence = 1, .value = NAN, .low = -INFINITY, .high = INFINITY};
    int32_t n_sampled = 0, only = -1;
    for (int32_t q = 0; q < sample->n_quantity; q++)
        if (reads[q] && !sample->kind[q].is_exact) n_sampled++, only = q;
    if (n_sampled > 0) {
        out->method = CHECK_SAMPLED;
        out->n_run = sample->n_run;
        out->confidence = confidence;
        if (sample->n_run == 0) return DUR_OK;
    }
    int32_t n = sample->n_quantity > 0 ? sample->n_quantity : 1;
    DurStatus status = DUR_MEMORY;
    double *at = memory_column(2 * n);
    Summary *summary = memory_zeroed((size_t)n, sizeof *summary);
    if (!at || !summary) goto out;
    status = DUR_OK;

    double *gradient = at + n, alpha = 1 - confidence;
    for (int32_t q = 0; q < sample->n_quantity; q++) {
        if (reads[q]) summary[q] = summary_of(sample, q);
        at[q] = summary[q].mean;
    }
    out->value = f(context, at);
    Bounds corners = corner_bounds(sample, f, context, reads, at);
    Bounds b = corners;
    if (n_sampled == 1) {
        // one quantity: f over the interval of that one
        Bounds of = quantity_bounds(sample, only, &summary[only], alpha);
        if (isfinite(of.high - of.low)) {
            for (int32_t k = 0; k < SCAN_POINTS; k++) {
                at[only] = k + 1 == SCAN_POINTS ? of.high : of.low + (of.high - of.low) * k / (SCAN_POINTS - 1);
                Bounds here = corner_bounds(sample, f, context, reads, at);
                widen(&b, here.low);
                widen(&b, here.high);
            }
        } else {
            b = (Bounds){-INFINITY, INFINITY};
        }
    } else if (n_sampled > 1) {
        Bounds line = delta_bounds(sample, f, context, reads, at, summary, gradient, alpha);
        Bounds off = isfinite(line.high - line.low) ? bend(sample, f, context, reads, at, summary, gradient, alpha) : line;
        b = (Bounds){corners.low + line.low + off.low, corners.high + line.high + off.high};
        if (!isfinite(b.high - b.low)) b = (Bounds){-INFINITY, INFINITY};
    }
    out->low = b.low;
    out->high = b.high;

out:
    memory_free(summary);
    memory_free(at);
    return status;
}

// ---- verdicts ---------------------------------------------------------------------------------------------

CheckVerdict verdict_of(Comparison comparison, const CheckAnswer *gap) {
    double low = gap->low, high = gap->high;
    bool apart = low > 0 || high < 0;
    bool same = gap->method == CHECK_EXACT ? low <= 0 && high >= 0 : low == 0 && high == 0;
    switch (comparison) {
        case COMPARE_LESS:          return high < 0 ? CHECK_HOLDS : low >= 0 ? CHECK_FAILS : CHECK_UNDECIDED;
        case COMPARE_LESS_EQUAL:    return high <= 0 ? CHECK_HOLDS : low > 0 ? CHECK_FAILS : CHECK_UNDECIDED;
        case COMPARE_GREATER:       return low > 0 ? CHECK_HOLDS : high <= 0 ? CHECK_FAILS : CHECK_UNDECIDED;
        case COMPARE_GREATER_EQUAL: return low >= 0 ? CHECK_HOLDS : high < 0 ? CHECK_FAILS : CHECK_UNDECIDED;
        case COMPARE_EQUAL:         return apart ? CHECK_FAILS : same ? CHECK_HOLDS : CHECK_UNDECIDED;
        case COMPARE_NOT_EQUAL:     return apart ? CHECK_HOLDS : same ? CHECK_FAILS : CHECK_UNDECIDED;
    }
    return CHECK_UNDECIDED;
}

int32_t look_count(int64_t first, int64_t most) {
    int32_t n = 1;
    for (int64_t runs = first; runs < most; runs *= 2) n++;
    return n;
}

int64_t look_runs(int64_t first, int64_t most, int32_t look) {
    int64_t runs = first;
    for (int32_t k = 0; k < look && runs < most; k++) runs *= 2;
    return runs < most ? runs : most;
}

double look_alpha(double confidence, int32_t n_look, int32_t look) {
    double alpha = 1 - confidence;
    return look == 0 ? alpha / exp2(n_look - 1) : alpha / exp2(n_look - look);
}

const char *check_verdict_name(CheckVerdict v) {
    return v == CHECK_HOLDS ? "holds" : v == CHECK_FAILS ? "fails" : "undecided";
}

const char *check_method_name(CheckMethod m) { return m == CHECK_EXACT ? "exact" : "sampled"; }

/// left - right.
static double gap_of(const void *context, const double *quantity) {
    const Judgement *j = context;
    return j->left(j->context, quantity) - j->right(j->context, quantity);
}

// what common random numbers spare: variances of both sides over that of their difference, all made linear at the means (source:
// Glasserman and Yao 1992, "Some guidelines and guarantees for common random numbers")
static double luck_gain(const Judgement *j, const Sample *sample) {
    int32_t n = sample->n_quantity;
    double *at = memory_column(3 * (int64_t)n), square[3] = {0, 0, 0}, gain = NAN;
    bool has[2] = {false, false};
    if (!at || sample->n_run < 2) goto out;
    double *slopes[2] = {at + n, at + 2 * n}, *mean = at;
    for (int32_t q = 0; q < n; q++) mean[q] = j->reads_left[q] || j->reads_right[q] ? summary_of(sample, q).mean : 0;
    for (int32_t q = 0; q < n; q++) {
        if (sample->kind[q].is_exact || !(j->reads_left[q] || j->reads_right[q])) continue;
        Summary s = summary_of(sample, q);
        for (int side = 0; side < 2; side++) {
            bool reads = side ? j->reads_right[q] : j->reads_left[q];
            slopes[side][q] = reads ? slope(sample, side ? j->right : j->left, j->context, mean, q, &s) : 0;
            mean[q] = s.mean;
            has[side] = has[side] || reads;
        }
    }
    for (int64_t r = 0; r < sample->n_run && has[0] && has[1]; r++) {
        double z[2] = {0, 0};
        for (int32_t q = 0; q < n; q++)
            for (int side = 0; side < 2; side++)
                if (slopes[side][q] != 0) z[side] += slopes[side][q] * (sample->value[q * sample->capacity + r] - mean[q]);
        square[0] += z[0] * z[0];
        square[1] += z[1] * z[1];
        square[2] += (z[0] - z[1]) * (z[0] - z[1]);
    }
    if (has[0] && has[1] && square[2] > 0) gain = (square[0] + square[1]) / square[2];

out:
    memory_free(at);
    return gain;
}

DurStatus judge(CheckClaim *out, const Judgement *j, DurError *error) {
    *out = (CheckClaim){.verdict = CHECK_UNDECIDED, .gain = NAN};
    Sample sample = {.n_quantity = j->n_quantity, .kind = j->kind};
    bool *reads = memory_zeroed((size_t)j->n_quantity + 1, sizeof *reads), any = false;
    if (!reads) return DUR_MEMORY;
    for (int32_t q = 0; q < j->n_quantity; q++) {
        reads[q] = j->reads_left[q] || j->reads_right[q];
        any = any || (reads[q] && !j->kind[q].is_exact);
    }
    DurStatus status = DUR_OK;
    int32_t n_look = any ? look_count(j->first, j->most) : 1;
    for (int32_t look = 0; look < n_look; look++) {
        int64_t runs = any ? look_runs(j->first, j->most, look) : 0, done = sample.n_run;
        status = sample_reserve(&sample, runs);
        if (status == DUR_OK && any) status = j->measure(j->measure_context, &sample, done, runs - done, error);
        if (status != DUR_OK) break;
        sample.n_run = runs;

        double level = 1 - look_alpha(j->confidence, n_look, look);
        CheckClaim seen = {.gain = NAN};
        status = sample_interval(&seen.left, &sample, j->left, j->context, j->reads_left, level);
        if (status == DUR_OK) status = sample_interval(&seen.right, &sample, j->right, j->context, j->reads_right, level);
        if (status == DUR_OK) status = sample_interval(&seen.gap, &sample, gap_of, j, reads, level);
        if (status != DUR_OK) break;
        // what holds over all looks together is the stated confidence
        CheckAnswer *answer[3] = {&seen.left, &seen.right, &seen.gap};
        for (int k = 0; k < 3; k++)
            if (answer[k]->method == CHECK_SAMPLED) answer[k]->confidence = j->confidence;
        seen.verdict = verdict_of(j->comparison, &seen.gap);
        *out = seen;
        progress_tell(j->progress, "claim", (double)runs, (double)j->most, check_verdict_name(out->verdict));
        if (out->verdict != CHECK_UNDECIDED) break;
    }
    if (status == DUR_OK && any) out->gain = luck_gain(j, &sample);
    sample_free(&sample);
    memory_free(reads);
    return status;
}
