#include "study/part.h"

#include "base/file.h"
#include "base/memory.h"
#include "base/sha256.h"
#include "lang/lang.h"
#include "lattice/lattice.h"
#include "study/doubts.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/// Most that a part is read: sixty thousand histograms of two thousand bins, all of them full.
#define PART_BYTES_MAX ((int64_t)4 << 30)

/// What a line about a doubt begins with.
#define DOUBT "doubt "

void study_shard(int64_t all, int32_t k, int32_t n, int64_t *first, int64_t *n_run) {
    int64_t whole = all / n, rest = all % n;   // the first `rest` shards have one run more
    *first = (k - 1) * whole + (k - 1 < rest ? k - 1 : rest);
    *n_run = whole + (k - 1 < rest);
}

// ---- writing ------------------------------------------------------------------------------------------------------

// what all parts have in common, a line for each thing
static void put_common(Text *out, const DurScenario *s, const DurOptions *options, const Ensemble *e) {
    const Model *m = s->model;
    text_printf(out, "part of an ensemble, layout 3\nprogram %s\nscenario %s\n", DURESS_VERSION, m->hash);
    for (int32_t p = 0; p < m->n_param; p++)
        if (memcmp(&s->session.param[p], &m->param[p].value, sizeof(double)) != 0)
            text_printf(out, "parameter %s %a\n", m->param[p].name, s->session.param[p]);
    study_grids(out, s);
    text_printf(out, "tolerance %a\nmax-sweeps %" PRId64 "\n", options->tolerance, options->max_sweep);
    text_printf(out, "equilibrium %d of %d starts\n", options->equilibrium, options->starts);
    text_printf(out, "policy %s\nkind %s\n", e->policy < 0 ? "-" : m->policy[e->policy].name, e->lattice ? "lattice" : "continuous");
    text_printf(out, "seed %" PRIu64 "\nruns %" PRId64 "\nhorizon %a\ntimes %d\n", e->seed, e->n_run, e->horizon, e->n_time);
}

DurStatus part_write(const DurScenario *s, const DurOptions *options, const Ensemble *e, int64_t first, int64_t n_run,
                     const SimCount *count, const char *doubts, const char *path, DurError *error) {
    Text out = {0}, line = {0};
    put_common(&out, s, options, e);
    text_printf(&out, "of these %" PRId64 " from %" PRId64 "\n", n_run, first);
    while (*doubts) {
        doubts = doubts_next(doubts, &line);
        text_printf(&out, DOUBT "%s\n", text_view(&line));
    }
    out.failed |= line.failed;
    text_free(&line);
    sim_count_print(count, &out);
    char hash[65];
    Sha256 sha;
    sha256_start(&sha);
    sha256_add(&sha, text_view(&out), out.length);
    sha256_hex(&sha, hash);
    text_printf(&out, "sha256 %s\n", hash);
    DurStatus status = out.failed ? status_fail(error, DUR_MEMORY, "out of memory")
                                  : file_write(path, text_view(&out), out.length, error);
    text_free(&out);
    return status;
}

// ---- reading ------------------------------------------------------------------------------------------------------

typedef struct Part {
    const char *path;
    Text     text;
    size_t   common;           // bytes of what all parts have in common
    const char *doubts;        // behind it
    const char *counts;        // behind them
    int64_t  first, n_run;
} Part;

static int by_first(const void *a, const void *b) {
    const Part *x = a, *y = b;
    return (x->first > y->first) - (x->first < y->first);
}

#define SUM_LINE (7 + 64 + 1)

static DurStatus part_read(Part *p, DurError *error) {
    TRY(file_read(&p->text, p->path, PART_BYTES_MAX, error));
    const char *text = text_view(&p->text), *of = NULL;
    if (strncmp(text, "part of an ensemble, layout ", 28))
        return status_fail(error, DUR_INPUT, "%s: this is not a part that `duress simulate --shard` wrote", p->path);
    if (strncmp(text + 28, "3\n", 2))
        return status_fail(error, DUR_INPUT, "%s: written by another version of the program, in a layout that this one does "
                           "not read", p->path);
    char hash[65], line[SUM_LINE + 1];
    bool is_whole = p->text.length > SUM_LINE;
    if (is_whole) {
        Sha256 sha;
        sha256_start(&sha);
        sha256_add(&sha, text, p->text.length - SUM_LINE);
        sha256_hex(&sha, hash);
        snprintf(line, sizeof line, "sha256 %s\n", hash);
        is_whole = strcmp(text + p->text.length - SUM_LINE, line) == 0;
    }
    int read = 0;
    if (is_whole) of = strstr(text, "\nof these ");
    if (!of || sscanf(of, "\nof these %" SCNd64 " from %" SCNd64 "\n%n", &p->n_run, &p->first, &read) != 2 || !read)
        return status_fail(error, DUR_INPUT, "%s: damaged, or not written to its end", p->path);
    p->common = (size_t)(of - text) + 1;
    p->doubts = p->counts = of + read;
    while (strncmp(p->counts, DOUBT, strlen(DOUBT)) == 0) p->counts = strchr(p->counts, '\n') + 1;
    p->text.data[p->text.length - SUM_LINE] = '\0';
    return DUR_OK;
}

// what stands on the line that begins with a word; NULL if there is none
static const char *find_line(const Part *p, const char *word) {
    const char *text = text_view(&p->text), *end = text + p->common;
    size_t n = strlen(word);
    for (const char *at = text; at < end; at = strchr(at, '\n') + 1)
        if (strncmp(at, word, n) == 0 && at[n] == ' ') return at + n + 1;
    return NULL;
}

// the first line in which two parts differ, told
static DurStatus tell_difference(const Part *a, const Part *b, DurError *error) {
    const char *x = text_view(&a->text), *y = text_view(&b->text), *x_end = x + a->common, *y_end = y + b->common;
    while (x < x_end && y < y_end) {
        int nx = (int)strcspn(x, "\n"), ny = (int)strcspn(y, "\n");
        if (nx != ny || strncmp(x, y, (size_t)nx))
            return status_fail(error, DUR_INPUT, "%s and %s are of different ensembles: `%.*s` and `%.*s`", a->path, b->path,
                               nx < 100 ? nx : 100, x, ny < 100 ? ny : 100, y);
        x += nx + 1;
        y += ny + 1;
    }
    return status_fail(error, DUR_INPUT, "%s and %s are of different ensembles", a->path, b->path);
}

// the grids of a part, or false: as the scenario says
static DurStatus take_grids(const Model *m, const Part *p, int32_t *n_node, bool *is_other, DurError *error) {
    lattice_grid(m, n_node);
    *is_other = false;
    const char *text = text_view(&p->text), *end = text + p->common;
    for (const char *at = text; at < end; at = strchr(at, '\n') + 1) {
        if (strncmp(at, "grid ", 5)) continue;
        char grid[256];
        snprintf(grid, sizeof grid, "%.*s", (int)strcspn(at + 5, "\n"), at + 5);
        TRY(lang_read_grid(m, grid, n_node, error));
        *is_other = true;
    }
    return DUR_OK;
}

// what the first part says about the ensemble and the scenario's parameters and grids
static DurStatus take_common(DurScenario *s, const Part *p, Ensemble *e, DurOptions *asked, DurError *error) {
    const Model *m = s->model;
    const char *hash = find_line(p, "scenario"), *policy = find_line(p, "policy"), *kind = find_line(p, "kind");
    const char *seed = find_line(p, "seed"), *runs = find_line(p, "runs"), *horizon = find_line(p, "horizon");
    const char *times = find_line(p, "times"), *tolerance = find_line(p, "tolerance"), *most = find_line(p, "max-sweeps");
    const char *equilibrium = find_line(p, "equilibrium");
    *e = (Ensemble){.policy = -1};
    if (!hash || !policy || !kind || !seed || !runs || !horizon || !times || !tolerance || !most || !equilibrium ||
        sscanf(equilibrium, "%d of %d", &asked->equilibrium, &asked->starts) != 2)
        return status_fail(error, DUR_INPUT, "%s: damaged", p->path);
    if (strncmp(hash, m->hash, 64))
        return status_fail(error, DUR_INPUT, "%s: of another scenario than %s, or of another version of it, or of a --rival", p->path,
                           m->path);
    char name[256];
    snprintf(name, sizeof name, "%.*s", (int)strcspn(policy, "\n"), policy);
    if (strcmp(name, "-")) e->policy = model_find_policy(m, name);
    e->lattice = strncmp(kind, "lattice\n", 8) == 0;
    e->seed = strtoull(seed, NULL, 10);
    e->n_run = strtoll(runs, NULL, 10);
    e->horizon = strtod(horizon, NULL);
    e->n_time = (int32_t)strtol(times, NULL, 10);
    asked->policy = e->policy < 0 ? NULL : m->policy[e->policy].name;
    asked->lattice = e->lattice;
    asked->seed = e->seed;
    asked->runs = e->n_run;
    asked->times = e->n_time;
    asked->tolerance = strtod(tolerance, NULL);
    asked->max_sweep = strtoll(most, NULL, 10);

    int32_t n_node[MODEL_VARIABLES_MAX];
    bool is_other;
    TRY(take_grids(m, p, n_node, &is_other, error));
    double *param = memory_column(m->n_param);
    if (!param) return status_fail(error, DUR_MEMORY, "out of memory");
    for (int32_t i = 0; i < m->n_param; i++) {
        snprintf(name, sizeof name, "parameter %.200s", m->param[i].name);
        const char *value = find_line(p, name);
        param[i] = value ? strtod(value, NULL) : m->param[i].value;
    }
    DurStatus status = study_session(s, asked, param, is_other ? n_node : NULL, error);
    memory_free(param);
    return status;
}

// the doubts of a part, each on its line
static void take_doubts(const Part *p, Text *out) {
    Text line = {0};
    for (const char *at = p->doubts; at < p->counts;) {
        at = doubts_next(at, &line);
        if (!line.failed) doubts_join(out, text_view(&line) + strlen(DOUBT));
    }
    out->failed |= line.failed;
    text_free(&line);
}

static DurStatus merge(DurScenario *s, Part *part, int n, Ensemble *e, DurOptions *asked, SimCount **out, Text *doubts,
                       DurError *error) {
    for (int i = 0; i < n; i++) TRY(part_read(&part[i], error));
    TRY(take_common(s, &part[0], e, asked, error));
    for (int i = 1; i < n; i++)
        if (part[i].common != part[0].common || memcmp(text_view(&part[i].text), text_view(&part[0].text), part[0].common))
            return tell_difference(&part[0], &part[i], error);
    qsort(part, (size_t)n, sizeof *part, by_first);
    int64_t next = 0;
    for (int i = 0; i < n; i++) {
        if (part[i].first > next)
            return status_fail(error, DUR_INPUT, "runs %lld to %lld are in none of the parts", (long long)next,
                               (long long)part[i].first - 1);
        if (part[i].first < next)
            return status_fail(error, DUR_INPUT, "run %lld is in %s and in %s", (long long)part[i].first, part[i - 1].path,
                               part[i].path);
        next = part[i].first + part[i].n_run;
    }
    if (next != e->n_run)
        return status_fail(error, DUR_INPUT, "runs %lld to %lld are in none of the parts", (long long)next,
                           (long long)e->n_run - 1);
    for (int i = 0; i < n; i++) {
        take_doubts(&part[i], doubts);
        SimCount *count;
        DurError why = {0};
        DurStatus status = sim_count_read(&count, s->model, e->horizon, e->n_time, part[i].first, part[i].n_run, part[i].counts, &why);
        if (status != DUR_OK) return status_fail(error, status, "%s: %s", part[i].path, why.text);
        text_free(&part[i].text);
        if (!*out) {
            *out = count;
            continue;
        }
        status = sim_count_add(*out, count, error);
        sim_count_free(count);
        TRY(status);
    }
    return DUR_OK;
}

DurStatus part_merge(DurScenario *s, const char *const *path, int n_path, Ensemble *e, DurOptions *asked, SimCount **out,
                     Text *doubts, DurError *error) {
    *out = NULL;
    Part *part = memory_zeroed((size_t)n_path, sizeof *part);
    if (!part) return status_fail(error, DUR_MEMORY, "out of memory");
    for (int i = 0; i < n_path; i++) part[i].path = path[i];
    DurStatus status = merge(s, part, n_path, e, asked, out, doubts, error);
    if (status == DUR_OK && doubts->failed) status = status_fail(error, DUR_MEMORY, "out of memory");
    for (int i = 0; i < n_path; i++) text_free(&part[i].text);
    memory_free(part);
    if (status == DUR_OK) return DUR_OK;
    sim_count_free(*out);
    *out = NULL;
    return status;
}
