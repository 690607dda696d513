#include "base/memory.h"
#include "sim/internal.h"

#include "num/stat.h"

#include <assert.h>
#include <string.h>

// paths that are kept are not counted
static size_t looks(const Setup *s) { return s->kept ? 0 : (size_t)s->n_time; }

static size_t levels(const Setup *s) { return (size_t)s->n_level * looks(s); }

static size_t shares(const Setup *s) {
    size_t n = 0;
    for (int32_t i = 0; i < s->model->n_mode; i++) n += (size_t)s->model->mode[i].n_value;
    return n * looks(s);
}

bool tally_make(Tally *t, const Setup *s) {
    *t = (Tally){.count = memory_zeroed((size_t)s->model->n_jump, sizeof *t->count),
                 .bin   = memory_zeroed(levels(s), (SIM_BINS + 2) * sizeof *t->bin),
                 .sum   = memory_zeroed(levels(s), sizeof *t->sum),
                 .carry = memory_zeroed(levels(s), sizeof *t->carry),
                 .share = memory_zeroed(shares(s), sizeof *t->share)};
    return t->count && t->bin && t->sum && t->carry && t->share;
}

void tally_free(Tally *t) {
    memory_free(t->share);
    memory_free(t->carry);
    memory_free(t->sum);
    memory_free(t->bin);
    memory_free(t->count);
    *t = (Tally){0};
}

static void sum_add(Tally *t, size_t at, uint64_t amount, uint64_t carry) {
    t->sum[at] += amount;
    t->carry[at] += carry + (t->sum[at] < amount);
}

void tally_merge(Tally *into, const Tally *from, const Setup *s) {
    into->n_event += from->n_event;
    for (int32_t j = 0; j < s->model->n_jump; j++) into->count[j] += from->count[j];
    for (size_t i = 0; i < levels(s); i++) sum_add(into, i, from->sum[i], from->carry[i]);
    for (size_t i = 0; i < levels(s) * (SIM_BINS + 2); i++) into->bin[i] += from->bin[i];
    for (size_t i = 0; i < shares(s); i++) into->share[i] += from->share[i];
}

void tally_stocks(Tally *t, const Setup *s, int32_t stock, int32_t i_time, double level, uint32_t n_run) {
    const ModelStock *range = &s->level[stock];
    size_t at = (size_t)stock * (size_t)s->n_time + (size_t)i_time;
    Histogram h = {.low = range->low, .high = range->high, .n_bin = SIM_BINS, .count = t->bin + at * (SIM_BINS + 2)};
    stat_histogram_add_many(&h, level, n_run);
    double share = (level - range->low) / (range->high - range->low);
    uint64_t amount = (uint64_t)(share * (double)(1ULL << SIM_SHARE_BITS) + 0.5);   // of 41 bits at most
    uint64_t low = (amount & UINT32_MAX) * n_run, high = (amount >> 32) * n_run;
    sum_add(t, at, low, high >> 32);
    sum_add(t, at, high << 32, 0);
}

size_t tally_size(const Setup *s) { return 1 + (size_t)s->model->n_jump + levels(s) * (SIM_BINS + 4) + shares(s); }

int64_t *tally_number(Tally *t, const Setup *s, size_t i) {
    size_t n_jump = (size_t)s->model->n_jump, n_level = levels(s);
    if (i == 0) return &t->n_event;
    i--;
    if (i < n_jump) return &t->count[i];
    i -= n_jump;
    if (i < shares(s)) return &t->share[i];
    i -= shares(s);
    size_t at = i / (SIM_BINS + 4), k = i % (SIM_BINS + 4);
    assert(at < n_level);
    return k == 0 ? (int64_t *)&t->sum[at] : k == 1 ? (int64_t *)&t->carry[at] : &t->bin[at * (SIM_BINS + 2) + k - 2];
}

void tally_levels(Tally *t, const Setup *s, int32_t stock, int32_t i_time, const double *level, int32_t n) {
    const ModelStock *range = &s->level[stock];
    size_t at = (size_t)stock * (size_t)s->n_time + (size_t)i_time;
    double low = range->low, width = range->high - low;
    int64_t *count = t->bin + at * (SIM_BINS + 2);
    uint64_t sum = 0;   // of at most 2^23 shares
    for (int32_t first = 0; first < n; first += SIM_LANES) {
        int32_t bin[SIM_LANES], m = n - first < SIM_LANES ? n - first : SIM_LANES;
        // as in stat_histogram_add, but without a branch
        for (int32_t i = 0; i < m; i++) {
            double x = level[first + i], place = (x - low) / width * SIM_BINS;
            place = place < SIM_BINS - 1 ? place : SIM_BINS - 1;
            bin[i] = 1 + (int32_t)(place > 0 ? place : 0);
            bin[i] = x <= low ? 0 : x >= range->high ? SIM_BINS + 1 : bin[i];
        }
        for (int32_t i = 0; i < m; i++) {
            if (isnan(level[first + i])) continue;
            count[bin[i]]++;
            sum += (uint64_t)((level[first + i] - low) / width * (double)(1ULL << SIM_SHARE_BITS) + 0.5);
        }
    }
    sum_add(t, at, sum, 0);
}

void tally_modes(Tally *t, const Setup *s, int32_t mode, int32_t i_time, int32_t value, uint32_t n_run) {
    t->share[(s->value_base[mode] + value) * s->n_time + i_time] += n_run;
}

void tally_stock(Tally *t, const Setup *s, int32_t stock, int32_t i_time, double level) {
    tally_stocks(t, s, stock, i_time, level, 1);
}

void tally_mode(Tally *t, const Setup *s, int32_t mode, int32_t i_time, int32_t value) {
    tally_modes(t, s, mode, i_time, value, 1);
}
