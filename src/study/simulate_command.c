#include "base/memory.h"
#include "study/doubts.h"
#include "study/keep.h"
#include "study/page.h"
#include "study/part.h"
#include "study/paths.h"
#include "study/render.h"
#include "study/simulate.h"
#include "study/warn.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/// Runs of an ensemble when none are asked for: a share is then known to about half a point.
#define RUNS 10000

DurStatus study_policy(const DurScenario *s, const char *name, int32_t *policy, DurError *error) {
    const Model *m = s->model;
    *policy = -1;
    if (!name || !name[0]) return DUR_OK;
    *policy = model_find_policy(m, name);
    if (*policy >= 0) return DUR_OK;
    if (m->n_policy == 0)
        return status_fail(error, DUR_INPUT, "there is no policy `%s`: the scenario has none", name);
    const char **names = memory_zeroed((size_t)m->n_policy, sizeof *names);
    if (!names) return status_fail(error, DUR_MEMORY, "out of memory");
    Text all = {0};
    for (int32_t p = 0; p < m->n_policy; p++) {
        names[p] = m->policy[p].name;
        text_printf(&all, "%s%s", p ? ", " : "", names[p]);
    }
    const char *near = text_nearest(name, names, m->n_policy);
    if (near) status_fail(error, DUR_INPUT, "there is no policy `%s`; did you mean `%s`?", name, near);
    else      status_fail(error, DUR_INPUT, "there is no policy `%s`; there are: %s", name, text_view(&all));
    text_free(&all);
    memory_free((void *)names);
    return DUR_INPUT;
}

#define PATHS_NAME 256

// what the parts of an ensemble are kept under
static const char *paths_name(const DurScenario *s, const Ensemble *e, char name[PATHS_NAME]) {
    snprintf(name, PATHS_NAME, "paths of %.200s", e->policy < 0 ? "the equilibrium" : s->model->policy[e->policy].name);
    return name;
}

static SimOptions sim_of(const DurScenario *s, const Ensemble *e, int64_t first, int64_t n_run) {
    return (SimOptions){
        .kind = e->lattice ? SIM_LATTICE : SIM_CONTINUOUS,
        .first_run = first,
        .n_run = n_run,
        .seed = e->seed,
        .horizon = e->horizon,
        .progress = &s->progress,
    };
}

static DurStatus count_runs(DurScenario *s, const DurOptions *options, const Ensemble *e, int64_t first, int64_t n_run,
                            SimCount **out, DurError *error) {
    const Plan *plan;
    TRY(study_plan(s, e->policy, &plan, error));
    SimOptions sim = sim_of(s, e, first, n_run);
    char name[PATHS_NAME];
    sim.keep = keep_runs(s);
    sim.keep_name = paths_name(s, e, name);
    s->label = e->policy < 0 ? NULL : s->model->policy[e->policy].name;
    DurStatus status = sim_count(out, s->session.lattice, plan, &sim, e->n_time, s->team, error);
    s->label = NULL;
    return status;
}

// what they counted, as paths; runs that failed are recorded
static DurStatus paths_of(const DurScenario *s, const Ensemble *e, const SimCount *count, SimPaths *out, DurError *error) {
    char name[PATHS_NAME];
    TRY(sim_count_paths(out, count, error));
    keep_failed(s, paths_name(s, e, name), out);
    return DUR_OK;
}

static Ensemble ensemble_of(const DurScenario *s, const DurOptions *options, int32_t policy, int64_t default_runs) {
    return (Ensemble){.lattice = options->lattice, .policy = policy, .seed = options->seed, .horizon = study_horizon(s),
                      .n_run = options->runs > 0 ? options->runs : default_runs,
                      .n_time = options->times > 0 ? options->times : STUDY_TIMES};
}

DurStatus study_paths(DurScenario *s, const DurOptions *options, int32_t policy, int64_t default_runs, SimPaths *out,
                      DurError *error) {
    double begun = progress_seconds();
    Ensemble e = ensemble_of(s, options, policy, default_runs);
    SimCount *count;
    TRY(count_runs(s, options, &e, 0, e.n_run, &count, error));
    DurStatus status = paths_of(s, &e, count, out, error);
    sim_count_free(count);
    if (status == DUR_OK) out->seconds = progress_seconds() - begun;
    return status;
}

DurStatus study_failed(const SimPaths *p, DurError *error) {
    if (p->n_failed == 0) return DUR_OK;
    bool is_one = p->n_failed == 1;
    return status_fail(error, p->failed[0].status, "%d of %lld runs failed and %s left out of everything above; %s%s",
                       p->n_failed, (long long)(p->n_run + p->n_failed), is_one ? "is" : "are",
                       is_one ? "" : "the first of them: ", p->failed[0].error.text);
}

void render_failed(Json *j, const SimPaths *p) {
    if (p->n_failed == 0) return;
    json_key(j, "failed");
    json_array(j);
    for (int32_t i = 0; i < p->n_failed; i++) {
        json_object(j);
        json_pair_int(j, "run", p->failed[i].run);
        json_pair_string(j, "reason", p->failed[i].error.text);
        json_end_object(j);
    }
    json_end_array(j);
}

static const char *policy_name(const Model *m, int32_t policy) { return policy < 0 ? "" : m->policy[policy].name; }

// ---- CSV: one tidy table, stocks first, then modes value by value -----------------------------------------------

static const char *const QUANTILE_NAME[SIM_QUANTILES] = {"q05", "q25", "q50", "q75", "q95"};

static Frame *paths_frame(const SimPaths *p, const Model *m) {
    int64_t n_value = 0;
    for (int32_t i = 0; i < m->n_mode; i++) n_value += m->mode[i].n_value;
    Frame *frame = frame_make("paths", (p->n_stock + n_value) * p->n_time);
    if (!frame) return NULL;
    bool made = frame_add_text(frame, "variable") && frame_add_text(frame, "value");
    double *time = frame_add_number(frame, "time", m->unit);
    made = made && time && frame_add_text(frame, "date");
    double *mean = frame_add_number(frame, "mean", NULL), *quantile[SIM_QUANTILES];
    made = made && mean;
    for (int q = 0; q < SIM_QUANTILES; q++) {
        quantile[q] = frame_add_number(frame, QUANTILE_NAME[q], NULL);
        made = made && quantile[q];
    }
    enum { VARIABLE = 0, VALUE = 1, DATE = 3 };

    int64_t row = 0;
    char date[16];
    for (int32_t k = 0; made && k < p->n_stock; k++) {
        for (int32_t t = 0; made && t < p->n_time; t++, row++) {
            made = frame_set_text(frame, VARIABLE, row, model_variable_name(m, m->n_mode + k)) &&
                   frame_set_text(frame, DATE, row, model_date(m, p->time[t], date));
            time[row] = p->time[t];
            mean[row] = p->mean[k * p->n_time + t];
            for (int q = 0; q < SIM_QUANTILES; q++)
                quantile[q][row] = p->quantile[(k * SIM_QUANTILES + q) * p->n_time + t];
        }
    }
    // of a mode's value the mean is the share of runs in it; it has no quantiles
    int64_t at = 0;
    for (int32_t i = 0; made && i < m->n_mode; i++) {
        for (int32_t v = 0; made && v < m->mode[i].n_value; v++, at++) {
            for (int32_t t = 0; made && t < p->n_time; t++, row++) {
                made = frame_set_text(frame, VARIABLE, row, m->mode[i].name) &&
                       frame_set_text(frame, VALUE, row, m->mode[i].value[v]) &&
                       frame_set_text(frame, DATE, row, model_date(m, p->time[t], date));
                time[row] = p->time[t];
                mean[row] = p->share[at * p->n_time + t];
                for (int q = 0; q < SIM_QUANTILES; q++) quantile[q][row] = NAN;
            }
        }
    }
    if (made) return frame;
    frame_free(frame);
    return NULL;
}

// ---- JSON -------------------------------------------------------------------------------------------------------

static void put_series(Json *j, const char *key, const double *x, int32_t n) {
    json_key(j, key);
    json_array(j);
    for (int32_t t = 0; t < n; t++) json_number(j, x[t]);
    json_end_array(j);
}

static void render_paths(Json *j, const SimPaths *p, const Model *m) {
    put_series(j, "time", p->time, p->n_time);
    json_key(j, "stocks");
    json_object(j);
    for (int32_t k = 0; k < p->n_stock; k++) {
        json_key(j, model_variable_name(m, m->n_mode + k));
        json_object(j);
        put_series(j, "mean", &p->mean[k * p->n_time], p->n_time);
        for (int q = 0; q < SIM_QUANTILES; q++)
            put_series(j, QUANTILE_NAME[q], &p->quantile[(k * SIM_QUANTILES + q) * p->n_time], p->n_time);
        json_end_object(j);
    }
    json_end_object(j);
    json_key(j, "modes");
    json_object(j);
    int64_t at = 0;
    for (int32_t i = 0; i < m->n_mode; i++) {
        json_key(j, m->mode[i].name);
        json_object(j);
        for (int32_t v = 0; v < m->mode[i].n_value; v++, at++)
            put_series(j, m->mode[i].value[v], &p->share[at * p->n_time], p->n_time);
        json_end_object(j);
    }
    json_end_object(j);
    json_key(j, "counts");
    json_object(j);
    for (int32_t k = 0; k < p->n_jump; k++) json_pair_number(j, m->jump[k].name, p->count[k]);
    json_end_object(j);
}

// ---- for people: five times are enough to see where things go ---------------------------------------------------

#define SHOWN 5

static void shown_times(const SimPaths *p, int32_t shown[SHOWN]) {
    for (int32_t k = 0; k < SHOWN; k++) shown[k] = (int32_t)lround((double)k * (p->n_time - 1) / (SHOWN - 1));
}

static void put_when(Grid *grid, const SimPaths *p, const Model *m, int32_t t) {
    char date[16];
    model_date(m, p->time[t], date);
    Text when = {0};
    text_number(&when, p->time[t], 4);
    grid_cell(grid, "%s", text_view(&when));
    grid_cell(grid, "%s", date);
    text_free(&when);
}

static void put_stocks(Text *out, const SimPaths *p, const Model *m, const int32_t *shown) {
    Grid grid = {.align = "lrlrrrrrr"};
    const char *head[] = {"stock", m->unit, "", "mean", "5 %", "25 %", "median", "75 %", "95 %"};
    for (size_t c = 0; c < DUR_COUNT(head); c++) grid_cell(&grid, "%s", head[c]);
    for (int32_t k = 0; k < p->n_stock; k++) {
        for (int32_t i = 0; i < SHOWN; i++) {
            if (i && shown[i] == shown[i - 1]) continue;
            grid_cell(&grid, "%s", i ? "" : model_variable_name(m, m->n_mode + k));
            put_when(&grid, p, m, shown[i]);
            grid_number(&grid, p->mean[k * p->n_time + shown[i]], 4);
            for (int q = 0; q < SIM_QUANTILES; q++)
                grid_number(&grid, p->quantile[(k * SIM_QUANTILES + q) * p->n_time + shown[i]], 4);
        }
    }
    text_char(out, '\n');
    grid_print(&grid, out, 2);
}

static void put_modes(Text *out, const SimPaths *p, const Model *m, const int32_t *shown) {
    Grid grid = {.align = "llrrrrr"};
    grid_cell(&grid, "mode, share of runs");
    grid_cell(&grid, "%s", m->unit);
    for (int32_t i = 0; i < SHOWN; i++) grid_number(&grid, p->time[shown[i]], 4);
    int64_t at = 0;
    for (int32_t k = 0; k < m->n_mode; k++) {
        for (int32_t v = 0; v < m->mode[k].n_value; v++, at++) {
            grid_cell(&grid, "%s", v ? "" : m->mode[k].name);
            grid_cell(&grid, "%s", m->mode[k].value[v]);
            for (int32_t i = 0; i < SHOWN; i++) grid_cell(&grid, "%.3f", p->share[at * p->n_time + shown[i]]);
        }
    }
    text_char(out, '\n');
    grid_print(&grid, out, 2);
}

static void put_counts(Text *out, const SimPaths *p, const Model *m) {
    Grid grid = {.align = "llr"};
    grid_cell(&grid, "happened");
    grid_cell(&grid, "by");
    grid_cell(&grid, "times a run");
    for (int32_t k = 0; k < p->n_jump; k++) {
        grid_cell(&grid, "%s", m->jump[k].name);
        grid_cell(&grid, "%s", m->jump[k].actor < 0 ? "" : m->actor[m->jump[k].actor].name);
        grid_number(&grid, p->count[k], 4);
    }
    text_char(out, '\n');
    grid_print(&grid, out, 2);
}

static void put_paths(Text *out, const DurScenario *s, const SimPaths *p, const Ensemble *e) {
    const Model *m = s->model;
    int32_t policy = e->policy;
    text_printf(out, "%s\n\n  ", m->title);
    text_number(out, (double)p->n_run, 15);
    text_printf(out, " runs of ");
    text_number(out, p->time[p->n_time - 1], 6);
    text_printf(out, " %s, %s%s, %s, seed %llu; ", m->unit, policy < 0 ? "equilibrium" : "policy ",
                policy_name(m, policy), e->lattice ? "on the lattice" : "stocks continuous",
                (unsigned long long)e->seed);
    text_number(out, p->n_event, 4);
    text_append(out, " jumps in ");
    put_seconds(out, p->seconds);
    text_char(out, '\n');
    int32_t shown[SHOWN];
    shown_times(p, shown);
    if (p->n_stock) put_stocks(out, p, m, shown);
    if (m->n_mode) put_modes(out, p, m, shown);
    if (p->n_jump) put_counts(out, p, m);
}

// ---- the commands ------------------------------------------------------------------------------------------------

// the frames of a run, and the table that a CSV file holds
typedef struct Found {
    PageFrames frames;
    Frame *paths;
    Frame *runs;     // whole paths of single runs, where they are asked for
    size_t n_said;   // bytes of the answer before what is said of them
} Found;

// runs of an ensemble, or of a part of it: `first` is negative for all; doubts about the games that were played
static DurStatus show(DurScenario *s, const DurOptions *options, const Ensemble *e, int64_t first, const SimPaths *paths,
                      const char *doubts, DurResult *result, Found *found, DurError *error) {
    RunAnswers run = {.n_paths = 1, .first_policy = e->policy, .paths = (SimPaths *)paths};
    found->paths = paths_frame(paths, s->model);
    if (!found->paths) return status_fail(error, DUR_MEMORY, "out of memory");
    TRY(page_frames(&found->frames, s, options, &run, error));
    if (options->csv) TRY(frame_write_csv(found->paths, options->csv, error));
    Json j = json_make(&result->json);
    json_object(&j);
    render_identity(&j, s);
    json_pair_string(&j, "policy", e->policy < 0 ? NULL : policy_name(s->model, e->policy));
    json_pair_string(&j, "kind", e->lattice ? "lattice" : "continuous");
    json_pair_int(&j, "runs", paths->n_run);
    if (first >= 0) json_pair_int(&j, "first_run", first);
    render_seed(&j, e->seed);
    json_pair_string(&j, "unit", s->model->unit);
    render_paths(&j, paths, s->model);
    json_pair_number(&j, "jumps", paths->n_event);
    render_failed(&j, paths);
    json_pair_number(&j, "seconds", paths->seconds);
    doubts_render(&j, doubts);
    json_end_object(&j);
    put_paths(&result->text, s, paths, e);
    doubts_put_apart(&result->text, doubts);
    if (!e->lattice) warn_unseen(&result->faults, s, false);
    return DUR_OK;
}

static DurStatus show_runs(DurScenario *s, const DurOptions *options, const Ensemble *e, const SimPaths *paths, DurResult *result,
                           Found *found, DurError *error) {
    const Plan *plan;
    TRY(study_plan(s, e->policy, &plan, error));
    SimOptions sim = sim_of(s, e, 0, 0);
    TRY(paths_keep(&found->runs, s, options, plan, &sim, paths, error));
    found->n_said = result->text.length;
    long long run = (long long)s->keeper->id, n = (long long)(found->runs->n_row / paths->n_time);
    text_printf(&result->text, "\n  whole paths of %lld %s are kept with run %lld, table `runs`: `duress export %lld` writes them\n", n,
                n == 1 ? "run" : "runs", run, run);
    return DUR_OK;
}

static DurStatus simulate(DurScenario *s, const DurOptions *options, DurResult *result, Found *found, DurError *error) {
    int32_t policy;
    TRY(study_policy(s, options->policy, &policy, error));
    TRY(study_reach(options->csv, error));
    TRY(study_reach(options->part, error));
    Ensemble e = ensemble_of(s, options, policy, RUNS);
    int64_t first = 0, n_run = e.n_run;
    if (options->n_shard) study_shard(e.n_run, options->shard, options->n_shard, &first, &n_run);
    // told by every shard, not only by those that would have none
    if (e.n_run < options->n_shard)
        return status_fail(error, DUR_INPUT, "%lld runs are too few for %d shards", (long long)e.n_run, options->n_shard);

    TRY(paths_check(s, options, e.n_run, error));

    SimCount *count;
    SimPaths paths = {0};
    Text doubts = {0};
    TRY(count_runs(s, options, &e, first, n_run, &count, error));
    DurStatus status = paths_of(s, &e, count, &paths, error);
    doubts_add(&doubts, s, policy);
    // a part that lacks runs would make a whole that lacks them
    if (status == DUR_OK && options->part) status = study_failed(&paths, error);
    if (status == DUR_OK && options->part) status = part_write(s, options, &e, first, n_run, count, text_view(&doubts), options->part, error);
    sim_count_free(count);
    if (status == DUR_OK)
        status = show(s, options, &e, options->n_shard ? first : -1, &paths, text_view(&doubts), result, found, error);
    if (status == DUR_OK && options->n_shard) {
        text_printf(&result->text, "\n  shard %d of %d: runs %lld to %lld of %lld; ", options->shard, options->n_shard,
                    (long long)first, (long long)(first + n_run - 1), (long long)e.n_run);
        text_printf(&result->text, "`duress merge` puts %s and the others together\n", options->part);
    }
    if (status == DUR_OK && paths_asked(options)) status = show_runs(s, options, &e, &paths, result, found, error);
    if (status == DUR_OK) status = study_failed(&paths, error);
    text_free(&doubts);
    sim_paths_free(&paths);
    return status;
}

// the file that the answer goes with, from the store
static DurStatus write_kept(const Keeper *k, const DurOptions *options, DurError *error) {
    if (!options->csv) return DUR_OK;
    Frame *paths;
    TRY(store_frame(k->store, k->id, "paths", &paths, error));
    if (!paths)
        return status_fail(error, DUR_IO, "%s: run %lld has no table of paths", store_path(k->store), (long long)k->id);
    DurStatus status = frame_write_csv(paths, options->csv, error);
    frame_free(paths);
    return status;
}

// the end of both commands, where the store had no answer
static DurStatus keep_found(Keeper *k, DurStatus status, DurResult *result, Found *found, DurError *error) {
    const Frame *frame[PAGE_FRAMES + 2];
    int32_t n = 0;
    for (; n < found->frames.n; n++) frame[n] = found->frames.all[n];
    if (found->paths) frame[n++] = found->paths;
    if (found->runs) frame[n++] = found->runs;
    status = keep_end(k, status, result, frame, n, NULL, error);
    if (found->runs && k->trouble.text[0]) text_cut(&result->text, found->n_said);
    page_frames_free(&found->frames);
    frame_free(found->runs);
    frame_free(found->paths);
    return status;
}

DurStatus dur_simulate(DurScenario *s, const DurOptions *options, DurResult **out, char error[1024]) {
    DurError why = {0};
    DurResult *result = NULL;
    Keeper keeper = {0};
    DurStatus status = study_begin(s, &options, &result, &why);
    if (status == DUR_OK) status = keep_begin(&keeper, s, options, "simulate", NULL, result, &why);
    if (status == DUR_OK && keeper.is_answered) {
        status = keep_answer(&keeper, write_kept(&keeper, options, &why));
    } else if (status == DUR_OK) {
        Found found = {0};
        status = simulate(s, options, result, &found, &why);
        status = keep_found(&keeper, status, result, &found, &why);
    }
    return result_finish(&result, out, status, &why, error);
}

// what the parts add up to, told and kept; asked: as if it had been played here
static DurStatus merge(DurScenario *s, const DurOptions *asked, const Ensemble *e, const SimCount *count, const char *doubts,
                       DurResult *result, DurError *error) {
    Keeper keeper = {0};
    TRY(keep_begin(&keeper, s, asked, "merge", NULL, result, error));
    if (keeper.is_answered) return keep_answer(&keeper, write_kept(&keeper, asked, error));
    SimPaths paths = {0};
    Found found = {0};
    DurStatus status = sim_count_paths(&paths, count, error);
    if (status == DUR_OK) status = show(s, asked, e, -1, &paths, doubts, result, &found, error);
    sim_paths_free(&paths);
    return keep_found(&keeper, status, result, &found, error);
}

DurStatus dur_merge(DurScenario *s, const DurOptions *options, DurResult **out, char error[1024]) {
    DurError why = {0};
    DurResult *result = NULL;
    DurStatus status = study_begin(s, &options, &result, &why);
    if (status == DUR_OK) status = study_reach(options->csv, &why);
    if (status == DUR_OK) {
        DurOptions asked = *options;
        Ensemble e;
        SimCount *count;
        Text doubts = {0};
        status = part_merge(s, options->merge, options->n_merge, &e, &asked, &count, &doubts, &why);
        if (status == DUR_OK) status = merge(s, &asked, &e, count, text_view(&doubts), result, &why);
        text_free(&doubts);
        sim_count_free(count);
    }
    return result_finish(&result, out, status, &why, error);
}
