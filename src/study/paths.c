#include "study/paths.h"

#include "base/memory.h"
#include "study/keep.h"

#include <stdlib.h>
#include <string.h>

/// Rows of a table of paths: more would not fit a cell of the store, whose bytes number a billion.
#define ROWS_MAX 100000000.0

DurStatus paths_check(const DurScenario *s, const DurOptions *o, int64_t n_run, DurError *error) {
    if (!paths_asked(o)) return DUR_OK;
    if (!s->keeper) return status_fail(error, DUR_INPUT, "paths of single runs are put into the store, and there is none");
    if (o->keep > n_run)
        return status_fail(error, DUR_INPUT, "paths of %lld runs are asked for, and there are %lld", (long long)o->keep,
                           (long long)n_run);
    for (int i = 0; i < o->n_keep_run; i++)
        if (o->keep_run[i] >= n_run)
            return status_fail(error, DUR_INPUT, "there is no run %lld: the ensemble has runs 0 to %lld", (long long)o->keep_run[i],
                               (long long)n_run - 1);
    return DUR_OK;
}

static int by_number(const void *a, const void *b) {
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static bool has_failed(const SimPaths *paths, int64_t run) {
    for (int32_t i = 0; i < paths->n_failed; i++)
        if (paths->failed[i].run == run) return true;
    return false;
}

// numbers of the runs asked for, rising, each once; NULL when memory is out
static int64_t *list_runs(const DurOptions *o, const SimPaths *paths, int64_t *n) {
    int64_t n_all = o->keep + o->n_keep_run;
    int64_t *run = memory_zeroed((size_t)n_all + 1, sizeof *run);
    if (!run) return NULL;
    for (int64_t i = 0; i < o->keep; i++) run[i] = i;
    for (int i = 0; i < o->n_keep_run; i++) run[o->keep + i] = o->keep_run[i];
    qsort(run, (size_t)n_all, sizeof *run, by_number);
    *n = 0;
    for (int64_t i = 0; i < n_all; i++)
        if ((*n == 0 || run[*n - 1] != run[i]) && !has_failed(paths, run[i])) run[(*n)++] = run[i];
    return run;
}

// columns before those of the variables
enum { RUN, TIME, DATE, FIXED };

static Frame *make_frame(const Model *m, int64_t n_row) {
    static const char *const fixed[FIXED] = {"run", "time", "date"};
    Frame *frame = frame_make("runs", n_row);
    bool made = frame && frame_add_number(frame, fixed[RUN], NULL) && frame_add_number(frame, fixed[TIME], m->unit) &&
                frame_add_text(frame, fixed[DATE]);
    for (int32_t v = 0; made && v < model_variables(m); v++) {
        Text name = {0};
        text_append(&name, model_variable_name(m, v));
        for (int i = 0; i < FIXED; i++)
            if (strcmp(text_view(&name), fixed[i]) == 0) text_char(&name, '_');
        made = !name.failed && (v < m->n_mode ? frame_add_text(frame, text_view(&name)) != NULL
                                              : frame_add_number(frame, text_view(&name), NULL) != NULL);
        text_free(&name);
    }
    if (made) return frame;
    frame_free(frame);
    return NULL;
}

// rows of one run; level [n_variable x n_time x n_run], its own the one at `k`
static bool fill(Frame *frame, int64_t row, const Model *m, const SimPaths *paths, int64_t run, const double *level, int64_t k,
                 int64_t n_run) {
    char date[16];
    bool made = true;
    for (int32_t t = 0; t < paths->n_time && made; t++, row++) {
        frame->column[RUN].number[row] = (double)run;
        frame->column[TIME].number[row] = paths->time[t];
        made = frame_set_text(frame, DATE, row, model_date(m, paths->time[t], date));
        for (int32_t v = 0; v < model_variables(m) && made; v++) {
            double x = level[((int64_t)v * paths->n_time + t) * n_run + k];
            if (v < m->n_mode) made = frame_set_text(frame, FIXED + v, row, m->mode[v].value[(int32_t)x]);
            else frame->column[FIXED + v].number[row] = x;
        }
    }
    return made;
}

// runs that follow one another are played together
static DurStatus fill_all(Frame *frame, DurScenario *s, const Plan *plan, const SimOptions *how, const SimPaths *paths,
                          const int64_t *run, int64_t n, DurError *error) {
    const Model *m = s->model;
    DurStatus status = DUR_OK;
    for (int64_t first = 0, end; first < n && status == DUR_OK; first = end) {
        for (end = first + 1; end < n && run[end] == run[end - 1] + 1;) end++;
        SimOptions few = *how;
        few.first_run = run[first];
        few.n_run = end - first;
        few.keep = NULL;
        double *level = memory_column((int64_t)model_variables(m) * paths->n_time * few.n_run);
        status = level ? sim_keep(s->session.lattice, plan, &few, paths->time, paths->n_time, level, s->team, error)
                       : status_fail(error, DUR_MEMORY, "out of memory");
        for (int64_t k = 0; k < few.n_run && status == DUR_OK; k++)
            if (!fill(frame, (first + k) * paths->n_time, m, paths, run[first + k], level, k, few.n_run))
                status = status_fail(error, DUR_MEMORY, "out of memory");
        memory_free(level);
    }
    return status;
}

DurStatus paths_keep(Frame **out, DurScenario *s, const DurOptions *o, const Plan *plan, const SimOptions *how,
                     const SimPaths *paths, DurError *error) {
    const Model *m = s->model;
    int64_t n = 0;
    *out = NULL;
    double n_row = (double)(o->keep + o->n_keep_run) * paths->n_time;
    if (n_row > ROWS_MAX)
        return status_fail(error, DUR_LIMIT, "a table of %.3g rows is too long to be kept: ask for fewer runs or --times", n_row);
    // levels and columns of numbers; words are some forty bytes each
    TRY(study_room(s, n_row * (16.0 * model_variables(m) + 40.0 * (1 + m->n_mode)), "paths of single runs", error));
    int64_t *run = list_runs(o, paths, &n);
    Frame *frame = run ? make_frame(m, n * paths->n_time) : NULL;
    DurStatus status = frame ? fill_all(frame, s, plan, how, paths, run, n, error)
                             : status_fail(error, DUR_MEMORY, "out of memory");
    memory_free(run);
    if (status == DUR_OK) *out = frame;
    else frame_free(frame);
    return status;
}
