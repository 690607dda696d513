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

void tally_clear(Tally *t, const Setup *s) {
    t->n_event = 0;
    memset(t->count, 0, (size_t)s->model->n_jump * sizeof *t->count);
    memset(t->bin, 0, levels(s) * (SIM_BINS + 2) * sizeof *t->bin);
    memset(t->sum, 0, levels(s) * sizeof *t->sum);
    memset(t->carry, 0, levels(s) * sizeof *t->carry);
    memset(t->share, 0, shares(s) * sizeof *t->share);
}

// ---- as bytes -----------------------------------------------------------------------------------------------------

// a whole number, seven bits a byte, the low ones first
static void put_whole(Text *out, uint64_t x) {
    char byte[10];
    size_t n = 0;
    for (; x >= 0x80; x >>= 7) byte[n++] = (char)((x & 0x7f) | 0x80);
    byte[n++] = (char)x;
    text_append_n(out, byte, n);
}

static bool take_whole(const char **data, const char *end, uint64_t *x) {
    *x = 0;
    for (int shift = 0; *data < end && shift < 64; shift += 7) {
        unsigned char c = (unsigned char)*(*data)++;
        *x |= (uint64_t)(c & 0x7f) << shift;
        if (c < 0x80) return true;
    }
    return false;
}

// most bins are empty: a 0 stands for a row of zeros and is followed by its length
static void put_row(Text *out, const void *row, size_t n) {
    const uint64_t *x = row;
    for (size_t i = 0; i < n;) {
        put_whole(out, x[i]);
        size_t from = i++;
        if (x[from]) continue;
        while (i < n && x[i] == 0) i++;
        put_whole(out, i - from);
    }
}

static bool take_row(const char **data, const char *end, void *row, size_t n) {
    uint64_t *x = row, zeros;
    for (size_t i = 0; i < n;) {
        if (!take_whole(data, end, &x[i])) return false;
        if (x[i++]) continue;
        if (!take_whole(data, end, &zeros) || zeros == 0 || zeros > n - i + 1) return false;
        i += zeros - 1;
    }
    return true;
}

void tally_pack(Text *out, const Tally *t, const Setup *s) {
    put_whole(out, (uint64_t)s->model->n_jump);
    put_whole(out, levels(s));
    put_whole(out, shares(s));
    put_whole(out, (uint64_t)t->n_event);
    put_row(out, t->count, (size_t)s->model->n_jump);
    put_row(out, t->bin, levels(s) * (SIM_BINS + 2));
    put_row(out, t->sum, levels(s));
    put_row(out, t->carry, levels(s));
    put_row(out, t->share, shares(s));
}

bool tally_unpack(Tally *t, const Setup *s, const char *data, size_t n) {
    const char *end = data + n;
    uint64_t n_jump, n_level, n_share, n_event;
    bool fine = take_whole(&data, end, &n_jump) && take_whole(&data, end, &n_level) && take_whole(&data, end, &n_share) &&
                take_whole(&data, end, &n_event) && n_jump == (uint64_t)s->model->n_jump && n_level == levels(s) &&
                n_share == shares(s) && take_row(&data, end, t->count, n_jump) &&
                take_row(&data, end, t->bin, n_level * (SIM_BINS + 2)) && take_row(&data, end, t->sum, n_level) &&
                take_row(&data, end, t->carry, n_level) && take_row(&data, end, t->share, n_share) && data == end;
    t->n_event = fine ? (int64_t)n_event : 0;
    if (!fine) tally_clear(t, s);
    return fine;
}

// ---- counting -----------------------------------------------------------------------------------------------------

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
