// Summaries of a stream of numbers (num/stat.h): moments and histograms.
#include "num/stat.h"

#include <assert.h>

void stat_add(Moments *m, double x) {
    double off = x - m->mean;
    m->n    += 1;
    m->mean += off / m->n;
    m->m2   += off * (x - m->mean);
}

void stat_merge(Moments *m, const Moments *other) {
    if (other->n == 0) return;
    if (m->n == 0) {
        *m = *other;
        return;
    }
    double n   = m->n + other->n;
    double off = other->mean - m->mean;
    m->mean += off * (other->n / n);
    m->m2   += other->m2 + off * off * (m->n * (other->n / n));
    m->n     = n;
}

double stat_variance(const Moments *m) {
    return m->n < 2 ? 0 : m->m2 / (m->n - 1);
}

void stat_histogram_add(Histogram *h, double x) { stat_histogram_add_many(h, x, 1); }

void stat_histogram_add_many(Histogram *h, double x, int64_t n) {
    assert(h->n_bin > 0 && h->low < h->high);
    if (x <= h->low) {
        h->count[0] += n;
    } else if (x >= h->high) {
        h->count[h->n_bin + 1] += n;
    } else if (x == x) {
        // rounding may carry the last numbers below `high` into the bin behind the last
        int32_t bin = (int32_t)((x - h->low) / (h->high - h->low) * h->n_bin);
        h->count[1 + (bin < h->n_bin ? bin : h->n_bin - 1)] += n;
    }
}

double stat_histogram_quantile(const Histogram *h, double p) {
    int64_t total = 0;
    for (int32_t i = 0; i < h->n_bin + 2; i++) total += h->count[i];

    // the first bin whose numbers reach up to the p-th
    double rank = p * (double)total, before = 0;
    for (int32_t i = 0; i < h->n_bin + 2; i++) {
        double here = (double)h->count[i];
        if (here > 0 && before + here >= rank) {
            if (i == 0)            return h->low;
            if (i == h->n_bin + 1) return h->high;
            double place = (i - 1 + (rank - before) / here) / h->n_bin;
            return h->low + (h->high - h->low) * place;
        }
        before += here;
    }
    return h->low;   // no numbers at all
}
