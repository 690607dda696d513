/// Sweeps and passes of transposed.h, compiled for each vector width. Included by transposed_base.c and its sisters, which name
/// TRANSPOSED_KERNEL.
#include "base/compiler.h"
#include "game/transposed_kernel.h"

/// Sums are taken in single precision over this many states, and from there in double.
#define SUM_STATES 64

/// One number for each right side.
typedef DurFloat8 Lanes;
/// The same number for all of them; x is a variable.
#define ALL_OF(x) ((Lanes){(x), (x), (x), (x), (x), (x), (x), (x)})
#define NOTHING   ((Lanes){0})

static inline void add_sums(double *sum, Lanes *part) {
    for (int k = 0; k < TRANSPOSED_WIDTH; k++) sum[k] += (double)(*part)[k];
    *part = NOTHING;
}

static inline void set_lanes(Lanes *out, const double *x) {
    for (int k = 0; k < TRANSPOSED_WIDTH; k++) (*out)[k] = (float)x[k];
}

// The next values of states from .. to-1 into `next`: what flows in by the newest values of the others, and `right` (NULL: 0), over
// what leaves. One column of a system at a time, so that sums stay in registers.
static inline void sweep_block(const TransposedWork *w, int64_t from, int64_t to, const Lanes *right, const Lanes *x) {
    const Transposed *t = w->t;
    const int32_t *DUR_RESTRICT way = t->from;
    const float *DUR_RESTRICT rate = t->rate_single, *DUR_RESTRICT slope = t->slope_single;
    int64_t n_column = t->n_column;
    for (int64_t c = 0; c < n_column; c++) {
        const Lanes *at = x + c;
        Lanes rho = ((const Lanes *)w->rho)[c], *out = (Lanes *)w->next + c;
        for (int64_t s = from; s < to; s++, out += n_column) {
            float leave = (float)t->leave[s];
            // two sums side by side, so that one addition need not wait for the other
            Lanes acc = right ? right[s * n_column + c] : NOTHING, other = NOTHING;
            int64_t e = t->row[s], end = t->row[s + 1];
            for (; e + 2 <= end; e += 2) {
                acc += ALL_OF(rate[e]) * at[way[e] * n_column];
                other += ALL_OF(rate[e + 1]) * at[way[e + 1] * n_column];
            }
            if (e < end) acc += ALL_OF(rate[e]) * at[way[e] * n_column];
            for (e = slope ? t->answer_row[s * n_column + c] : 0, end = slope ? t->answer_row[s * n_column + c + 1] : 0; e < end; e++)
                for (int64_t i = 0; i < n_column; i++)
                    other += ALL_OF(slope[e * n_column + i]) * x[t->answer_from[e] * n_column + i];
            *out = (acc + other) / (rho + ALL_OF(leave));
        }
    }
}

// State by state, from the last to the first and back, from the newest values of all others: what a stock with many nodes passes through in
// either direction, also within a block
static void there_and_back(const TransposedWork *w, const Lanes *right, Lanes *x) {
    const Transposed *t = w->t;
    const int32_t *DUR_RESTRICT way = t->from;
    const float *DUR_RESTRICT rate = t->rate_single, *DUR_RESTRICT slope = t->slope_single;
    int64_t n_column = t->n_column;
    for (int64_t k = 0; k < 2 * t->n; k++) {
        int64_t s = k < t->n ? t->n - 1 - k : k - t->n;
        float leave = (float)t->leave[s];
        for (int64_t c = 0; c < n_column; c++) {
            Lanes acc = right ? right[s * n_column + c] : NOTHING;
            for (int64_t e = t->row[s]; e < t->row[s + 1]; e++) acc += ALL_OF(rate[e]) * x[way[e] * n_column + c];
            for (int64_t e = slope ? t->answer_row[s * n_column + c] : 0, end = slope ? t->answer_row[s * n_column + c + 1] : 0; e < end; e++)
                for (int64_t i = 0; i < n_column; i++)
                    acc += ALL_OF(slope[e * n_column + i]) * x[t->answer_from[e] * n_column + i];
            x[s * n_column + c] = acc / (((const Lanes *)w->rho)[c] + ALL_OF(leave));
        }
    }
}

static void begin(const TransposedWork *w, double *rr) {
    const Transposed *t = w->t;
    int64_t n_block = t->n_lane * t->n_column;
    Lanes part = NOTHING, *swept = (Lanes *)w->swept, *r = (Lanes *)w->r;
    for (int k = 0; k < TRANSPOSED_WIDTH; k++) rr[k] = 0;
    for (int64_t i = 0; i < w->n; i++) swept[i] = NOTHING;
    if (t->goes_back) there_and_back(w, r, swept);
    for (int64_t from = 0; from < t->n; from += t->n_lane) {
        sweep_block(w, from, from + t->n_lane, r, swept);
        for (int64_t i = 0, at = from * t->n_column; i < n_block; i++, at++) {
            Lanes now = ((Lanes *)w->next)[i];
            r[at] = swept[at] = ((Lanes *)w->shadow)[at] = ((Lanes *)w->p)[at] = ((Lanes *)w->v)[at] = now;
            ((Lanes *)w->step)[at] = NOTHING;
            part += now * now;
            if (i % SUM_STATES == SUM_STATES - 1) add_sums(rr, &part);
        }
        add_sums(rr, &part);
    }
}

static void first(const TransposedWork *w, double *shadow_v) {
    const Transposed *t = w->t;
    int64_t n_block = t->n_lane * t->n_column;
    Lanes part = NOTHING, *v = (Lanes *)w->v;
    const Lanes *p = (const Lanes *)w->p, *shadow = (const Lanes *)w->shadow, *next = (const Lanes *)w->next;
    for (int k = 0; k < TRANSPOSED_WIDTH; k++) shadow_v[k] = 0;
    if (t->goes_back) there_and_back(w, NULL, v);
    for (int64_t from = 0; from < t->n; from += t->n_lane) {
        sweep_block(w, from, from + t->n_lane, NULL, v);
        for (int64_t i = 0, at = from * t->n_column; i < n_block; i++, at++) {
            Lanes now = next[i];
            v[at] = now;
            part += shadow[at] * (p[at] - now);
            if (i % SUM_STATES == SUM_STATES - 1) add_sums(shadow_v, &part);
        }
        add_sums(shadow_v, &part);
    }
}

static void half(const TransposedWork *w, const double *alpha, double *tr, double *tt) {
    const Transposed *t = w->t;
    int64_t n_block = t->n_lane * t->n_column;
    Lanes by, one = NOTHING, two = NOTHING;
    set_lanes(&by, alpha);
    Lanes *r = (Lanes *)w->r, *swept = (Lanes *)w->swept, *step = (Lanes *)w->step;
    const Lanes *p = (const Lanes *)w->p, *v = (const Lanes *)w->v, *next = (const Lanes *)w->next;
    for (int k = 0; k < TRANSPOSED_WIDTH; k++) tr[k] = tt[k] = 0;
    for (int64_t i = 0; i < w->n; i++) {
        Lanes along = p[i], now = r[i] - by * (along - v[i]);
        step[i] += by * along;
        r[i] = swept[i] = now;
    }
    if (t->goes_back) there_and_back(w, NULL, swept);
    for (int64_t from = 0; from < t->n; from += t->n_lane) {
        sweep_block(w, from, from + t->n_lane, NULL, swept);
        for (int64_t i = 0, at = from * t->n_column; i < n_block; i++, at++) {
            Lanes now = next[i], here = r[at], d = here - now;
            swept[at] = now;
            one += here * d;
            two += d * d;
            if (i % SUM_STATES != SUM_STATES - 1) continue;
            add_sums(tr, &one);
            add_sums(tt, &two);
        }
        add_sums(tr, &one);
        add_sums(tt, &two);
    }
}

static void whole(const TransposedWork *w, const double *omega, double *shadow_r, double *rr) {
    Lanes by, one = NOTHING, two = NOTHING;
    set_lanes(&by, omega);
    Lanes *r = (Lanes *)w->r, *step = (Lanes *)w->step;
    const Lanes *swept = (const Lanes *)w->swept, *shadow = (const Lanes *)w->shadow;
    for (int k = 0; k < TRANSPOSED_WIDTH; k++) shadow_r[k] = rr[k] = 0;
    for (int64_t s = 0; s < w->n; s++) {
        Lanes before = r[s], now = before - by * (before - swept[s]);
        step[s] += by * before;
        r[s] = now;
        one += shadow[s] * now;
        two += now * now;
        if (s % SUM_STATES != SUM_STATES - 1 && s + 1 < w->n) continue;
        add_sums(shadow_r, &one);
        add_sums(rr, &two);
    }
}

static void next(const TransposedWork *w, const bool *busy, const double *beta, const double *omega) {
    Lanes keep, by, back, *p = (Lanes *)w->p, *v = (Lanes *)w->v;
    const Lanes *r = (const Lanes *)w->r;
    set_lanes(&by, beta);
    set_lanes(&back, omega);
    for (int k = 0; k < TRANSPOSED_WIDTH; k++) keep[k] = busy[k] ? 1 : 0;
    for (int64_t i = 0; i < w->n; i++) {
        Lanes along = p[i];
        p[i] = v[i] = keep * r[i] + by * (along - back * (along - v[i]));
    }
}

const TransposedKernel TRANSPOSED_KERNEL = {.begin = begin, .first = first, .half = half, .whole = whole, .next = next};
