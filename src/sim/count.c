/// What an ensemble counted: added up, written, read again, and made paths of. Whole numbers alone, so that the parts of an
/// ensemble add up to the very numbers of the whole.
#include "base/memory.h"
#include "sim/internal.h"

#include "num/stat.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

const double SIM_QUANTILE[SIM_QUANTILES] = {0.05, 0.25, 0.5, 0.75, 0.95};

struct SimCount {
    Setup   shape;
    Tally   tally;
    int64_t first_run, n_run;
    double  seconds;
    int32_t n_failed;                    // runs that are left out
    SimFailed failed[SIM_FAILED_MAX];
};

static DurStatus count_make(SimCount **out, const Model *m, double horizon, int32_t n_time, DurError *error) {
    *out = NULL;
    if (n_time < 2) return status_fail(error, DUR_INPUT, "paths need two times to look at");
    SimCount *c = memory_zeroed(1, sizeof *c);
    double *time = memory_column(n_time);
    if (!c || !time) goto fail;
    for (int32_t i = 0; i < n_time; i++) time[i] = horizon * i / (n_time - 1);
    time[n_time - 1] = horizon;
    if (setup_shape(&c->shape, m, time, n_time) != DUR_OK || !tally_make(&c->tally, &c->shape)) goto fail;
    memory_free(time);
    *out = c;
    return DUR_OK;

fail:
    memory_free(time);
    sim_count_free(c);
    return setup_say_memory(DUR_MEMORY, error);
}

void sim_count_free(SimCount *c) {
    if (!c) return;
    tally_free(&c->tally);
    setup_free(&c->shape);
    memory_free(c);
}

DurStatus sim_count(SimCount **out, const Lattice *lattice, const Plan *plan, const SimOptions *options, int32_t n_time,
                    Team *team, DurError *error) {
    double begun = progress_seconds();
    SimCount *c;
    Setup setup = {0};
    *out = NULL;
    if (options->n_run < 1) return status_fail(error, DUR_INPUT, "paths need at least one run");
    TRY(count_make(&c, lattice->model, options->horizon, n_time, error));
    DurStatus status = setup_make(&setup, lattice, plan, options, NULL, 0, NULL, c->shape.time, n_time, error);
    if (status == DUR_OK) {
        setup.failure->most = SIM_FAILED_MAX + 1;
        status = setup_run(&setup, &c->tally, team, error);
    }
    if (status == DUR_OK) {
        c->n_failed = setup.failure->n;
        memcpy(c->failed, setup.failure->failed, (size_t)c->n_failed * sizeof *c->failed);
    }
    // nothing can be said of an ensemble of which no run is left
    if (status == DUR_OK && c->n_failed == options->n_run)
        status = status_pass(error, c->failed[0].status, &c->failed[0].error);
    setup_free(&setup);
    c->first_run = options->first_run;
    c->n_run = options->n_run;
    c->seconds = progress_seconds() - begun;
    if (status == DUR_OK) *out = c;
    else sim_count_free(c);
    return setup_say_memory(status, error);
}

DurStatus sim_count_add(SimCount *into, const SimCount *from, DurError *error) {
    if (into->shape.model != from->shape.model || into->shape.n_time != from->shape.n_time ||
        from->first_run != into->first_run + into->n_run)
        return status_fail(error, DUR_SHAPE, "counts of other runs than the next ones cannot be added");
    tally_merge(&into->tally, &from->tally, &into->shape);
    into->n_run += from->n_run;
    into->seconds += from->seconds;
    return DUR_OK;
}

// ---- as text: numbers in their fixed order, a run of zeros as `0*length` -------------------------------------------

void sim_count_print(const SimCount *c, Text *out) {
    Tally *t = (Tally *)&c->tally;   // read alone
    size_t n = tally_size(&c->shape), zeros = 0;
    text_printf(out, "seconds %a\ncounts %zu\n", c->seconds, n);
    for (size_t i = 0; i <= n; i++) {
        int64_t x = i < n ? *tally_number(t, &c->shape, i) : 1;
        zeros += x == 0;
        if (x == 0) continue;
        if (zeros == 1) text_append(out, "0\n");
        else if (zeros) text_printf(out, "0*%zu\n", zeros);
        zeros = 0;
        if (i < n) text_printf(out, "%" PRIu64 "\n", (uint64_t)x);
    }
}

// a whole number, moving on
static bool take(const char **at, uint64_t *out) {
    const char *p = *at;
    uint64_t x = 0;
    for (; *p >= '0' && *p <= '9'; p++) {
        uint64_t digit = (uint64_t)(*p - '0');
        if (x > (UINT64_MAX - digit) / 10) return false;
        x = 10 * x + digit;
    }
    bool any = p > *at;
    *at = p;
    *out = x;
    return any;
}

DurStatus sim_count_read(SimCount **out, const Model *m, double horizon, int32_t n_time, int64_t first_run, int64_t n_run,
                         const char *text, DurError *error) {
    SimCount *c;
    TRY(count_make(&c, m, horizon, n_time, error));
    c->first_run = first_run;
    c->n_run = n_run;
    size_t n = tally_size(&c->shape), i = 0;
    int read = 0;
    size_t told = 0;
    if (sscanf(text, "seconds %la\ncounts %zu\n%n", &c->seconds, &told, &read) != 2 || told != n || read == 0) goto fail;
    const char *at = text + read;
    while (i < n) {
        uint64_t x, times = 1;
        if (!take(&at, &x)) goto fail;
        if (*at == '*') {
            at++;
            if (!take(&at, &times)) goto fail;
        }
        if (*at++ != '\n' || times > n - i) goto fail;
        for (; times > 0; times--, i++) *tally_number(&c->tally, &c->shape, i) = (int64_t)x;
    }
    if (*at) goto fail;
    *out = c;
    return DUR_OK;

fail:
    sim_count_free(c);
    *out = NULL;
    return status_fail(error, DUR_INPUT, "the counts are not those of such an ensemble");
}

// ---- paths --------------------------------------------------------------------------------------------------------

static void summarise(SimPaths *out, const Setup *s, const Tally *t) {
    const Model *m = s->model;
    double n = (double)out->n_run;
    for (int32_t k = 0; k < out->n_stock; k++)
        for (int32_t i = 0; i < out->n_time; i++) {
            int64_t at = (int64_t)k * out->n_time + i;
            double low = s->level[k].low, high = s->level[k].high;
            double sum = (double)t->carry[at] * 0x1p64 + (double)t->sum[at];
            out->mean[at] = low + (high - low) * (sum / (double)(1ULL << SIM_SHARE_BITS) / n);
            Histogram h = {.low = low, .high = high, .n_bin = SIM_BINS, .count = t->bin + at * (SIM_BINS + 2)};
            double *quantile = out->quantile + (int64_t)k * SIM_QUANTILES * out->n_time + i;
            for (int32_t q = 0; q < SIM_QUANTILES; q++)
                quantile[q * out->n_time] = stat_histogram_quantile(&h, SIM_QUANTILE[q]);
        }
    for (int32_t j = 0; j < m->n_jump; j++) out->count[j] = (double)t->count[j] / n;
    int64_t n_share = 0;
    for (int32_t i = 0; i < m->n_mode; i++) n_share += (int64_t)m->mode[i].n_value * out->n_time;
    for (int64_t i = 0; i < n_share; i++) out->share[i] = (double)t->share[i] / n;
    out->n_event = (double)t->n_event;
}

static DurStatus paths_make(SimPaths *out, const Setup *s, int64_t n_run) {
    const Model *m = s->model;
    int32_t n_time = s->n_time;
    int64_t n_value = 0;
    for (int32_t i = 0; i < m->n_mode; i++) n_value += m->mode[i].n_value;
    *out = (SimPaths){.n_time = n_time, .n_stock = m->n_stock + m->n_belief, .n_mode = m->n_mode, .n_jump = m->n_jump,
                      .n_run = n_run};
    out->time = memory_column(n_time);
    out->mean = memory_column((int64_t)out->n_stock * n_time);
    out->quantile = memory_column((int64_t)out->n_stock * SIM_QUANTILES * n_time);
    out->share = memory_column(n_value * n_time);
    out->count = memory_column(m->n_jump);
    if (!out->time || !out->mean || !out->quantile || !out->share || !out->count) return DUR_MEMORY;
    memcpy(out->time, s->time, (size_t)n_time * sizeof *out->time);
    return DUR_OK;
}

DurStatus sim_count_paths(SimPaths *out, const SimCount *c, DurError *error) {
    *out = (SimPaths){0};
    DurStatus status = paths_make(out, &c->shape, c->n_run - c->n_failed);
    if (status == DUR_OK) {
        out->n_failed = c->n_failed;
        memcpy(out->failed, c->failed, (size_t)c->n_failed * sizeof *c->failed);
        summarise(out, &c->shape, &c->tally);
        out->seconds = c->seconds;
    } else {
        sim_paths_free(out);
    }
    return setup_say_memory(status, error);
}

DurStatus sim_paths(SimPaths *out, const Lattice *lattice, const Plan *plan, const SimOptions *options, int32_t n_time,
                    Team *team, DurError *error) {
    double begun = progress_seconds();
    SimCount *c;
    *out = (SimPaths){0};
    TRY(sim_count(&c, lattice, plan, options, n_time, team, error));
    DurStatus status = sim_count_paths(out, c, error);
    sim_count_free(c);
    out->seconds = progress_seconds() - begun;
    return status;
}

void sim_paths_free(SimPaths *p) {
    memory_free(p->count);
    memory_free(p->share);
    memory_free(p->quantile);
    memory_free(p->mean);
    memory_free(p->time);
    *p = (SimPaths){0};
}
