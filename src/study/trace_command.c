/// One run as a story: what `simulate` counts, told one by one.
#include "base/memory.h"
#include "game/worth.h"
#include "study/explain.h"
#include "study/keep.h"
#include "study/render.h"
#include "study/simulate.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/// Parts of an advantage that a sentence names; smaller ones than this share of the largest are not worth a word.
#define NAMED 3
#define SLIGHT 0.05

/// Equations of the parts' values are missed by no more than this share of the flow: words have two digits.
#define PART_TOLERANCE 1e-7

/// What is known about the payoff of one actor under one step of the plan.
typedef struct Parts {
    int32_t n;
    Part    *part;             // [n] NULL: not asked for yet
    double  *value;            // [n x n_state]
} Parts;

typedef struct Story {
    DurScenario *scenario;
    const Plan  *plan;
    SimTrace trace;
    Parts   *parts;            // [n_step x n_actor]
    bool     has_reasons;
} Story;

static void story_free(Story *y) {
    const Model *m = y->scenario->model;
    for (int32_t i = 0; y->parts && i < y->plan->n_step * m->n_actor; i++) {
        memory_free(y->parts[i].part);
        memory_free(y->parts[i].value);
    }
    memory_free(y->parts);
    sim_trace_free(&y->trace);
}

// ---- reasons ------------------------------------------------------------------------------------------------------

// the policy by whose values everyone goes: under a surprise still the equilibrium
static const Policy *expected(const Story *y, int32_t step) {
    const Policy *played = y->plan->step[step].policy;
    return played->is_surprise ? y->scenario->session.equilibrium.policy : played;
}

// the parts of an actor's values under a step of the plan, had once
static DurStatus parts_get(Story *y, int32_t step, int32_t actor, Parts **out, DurError *error) {
    DurScenario *s = y->scenario;
    Parts *parts = *out = &y->parts[step * s->model->n_actor + actor];
    if (parts->part) return DUR_OK;
    int64_t n_state = s->session.lattice->n_state;
    int32_t n = parts_of(s->model, actor, NULL);
    TRY(study_room(s, (double)n * 8 * (double)n_state, "the parts of an actor's values", error));
    parts->part = memory_zeroed((size_t)n + 1, sizeof *parts->part);
    parts->value = memory_column(n * n_state);
    if (!parts->part || !parts->value) return status_fail(error, DUR_MEMORY, "out of memory");
    parts_of(s->model, actor, parts->part);
    for (int32_t k = 0; k < n; k++) {
        progress_tell(&s->progress, "finding reasons", k, n, s->model->actor[actor].name);
        TRY(worth_of_part(expected(y, step), &parts->part[k], PART_TOLERANCE, &s->progress, s->team,
                          parts->value + k * n_state, error));
    }
    parts->n = n;
    return DUR_OK;
}

/// A part of what a move was worth beside waiting.
typedef struct Worth {
    const Part *part;
    double worth;
} Worth;

static int by_size(const void *a, const void *b) {
    double x = fabs(((const Worth *)a)->worth), y = fabs(((const Worth *)b)->worth);
    return (x < y) - (x > y);
}

// what a move was worth by parts, the largest first; *n is 0 where there are no reasons to be had
static DurStatus worths(Story *y, const SimEvent *e, const double *before, Worth **out, int32_t *n, double *all, DurError *error) {
    const Model *m = y->scenario->model;
    *n = 0;
    *all = 0;
    *out = NULL;
    if (!y->has_reasons || e->jump < 0 || m->jump[e->jump].kind != JUMP_MOVE) return DUR_OK;
    Parts *parts;
    TRY(parts_get(y, e->in_step, m->jump[e->jump].actor, &parts, error));
    *out = memory_zeroed((size_t)parts->n + 1, sizeof **out);
    if (!*out) return status_fail(error, DUR_MEMORY, "out of memory");
    for (int32_t k = 0; k < parts->n; k++) {
        (*out)[k].part = &parts->part[k];
        TRY(worth_of_move(&(*out)[k].worth, expected(y, e->in_step), &parts->part[k],
                          parts->value + k * y->scenario->session.lattice->n_state, e->jump, before));
        *all += (*out)[k].worth;
    }
    *n = parts->n;
    qsort(*out, (size_t)*n, sizeof **out, by_size);
    return DUR_OK;
}

// ---- words --------------------------------------------------------------------------------------------------------

static void put_value(Text *out, const Model *m, int32_t v, double x) {
    if (v < m->n_mode) text_append(out, m->mode[v].value[(int32_t)x]);
    else               text_number(out, x, 3);
}

// "tariff none to threatened, credit 0.1 to 0.6"
static void put_changes(Text *out, const Model *m, const double *before, const double *after) {
    bool any = false;
    for (int32_t v = 0; v < model_variables(m); v++) {
        if (before[v] == after[v]) continue;
        text_printf(out, "%s%s ", any ? ", " : "", model_variable_name(m, v));
        put_value(out, m, v, before[v]);
        text_append(out, " to ");
        put_value(out, m, v, after[v]);
        any = true;
    }
    if (!any) text_append(out, "nothing changes");
}

static void put_state(Text *out, const Model *m, const double *state) {
    for (int32_t v = 0; v < model_variables(m); v++) {
        text_printf(out, "%s%s=", v ? ", " : "", model_variable_name(m, v));
        put_value(out, m, v, state[v]);
    }
}

static void put_part_name(Text *out, const Model *m, const Part *part) {
    if (part->kind == PART_TERM)        text_printf(out, "through `%s`", m->term[part->term].name);
    else if (part->kind == PART_SHOCKS) text_append(out, "by private reasons");
    else if (m->jump[part->jump].kind == JUMP_MOVE && m->jump[part->jump].actor == part->actor)
        text_printf(out, "by the cost of %s", m->jump[part->jump].name);
    else text_printf(out, "by what %s pays", m->jump[part->jump].name);
}

// "worth 0.12 more than waiting: gains 0.3 through `win`, loses 0.1 by the cost of impose_tariff"
static void put_worths(Text *out, const Model *m, const Worth *w, int32_t n, double all) {
    text_append(out, "worth ");
    text_number(out, fabs(all), 2);
    text_printf(out, " %s than waiting", all < 0 ? "less" : "more");
    for (int32_t k = 0; k < n && k < NAMED && fabs(w[k].worth) > SLIGHT * fabs(w[0].worth); k++) {
        text_printf(out, "%s%s ", k ? ", " : ": ", w[k].worth < 0 ? "loses" : "gains");
        text_number(out, fabs(w[k].worth), 2);
        text_char(out, ' ');
        put_part_name(out, m, w[k].part);
    }
}

// where words begin, behind the date
static int margin(const Model *m) { return m->from_day == INT32_MIN ? 12 : 22; }

static void put_when(Text *out, const Model *m, double time) {
    char date[16];
    Text when = {0};
    model_date(m, time, date);
    text_number(&when, time, 4);
    if (date[0]) text_printf(out, "  %s  %6s  ", date, text_view(&when));
    else         text_printf(out, "  %8s  ", text_view(&when));
    text_free(&when);
}

// what happened, in a sentence or two
static void put_event(Text *out, const Story *y, const SimEvent *e, const double *before, const double *after, const Worth *w,
                      int32_t n_worth, double all) {
    const Model *m = y->scenario->model;
    Text words = {0};
    if (e->jump < 0) {
        text_append(&words, "the policy begins another step: ");
    } else {
        const ModelJump *j = &m->jump[e->jump];
        if (j->kind == JUMP_MOVE) text_printf(&words, "%s: ", m->actor[j->actor].name);
        text_printf(&words, "%s", j->name);
        if (j->text && j->text[0]) text_printf(&words, " (%s)", j->text);
        text_append(&words, ": ");
    }
    put_changes(&words, m, before, after);
    if (isfinite(e->probability)) {
        text_append(&words, "; chosen with ");
        put_share(&words, e->probability);
        text_append(&words, ", waiting had ");
        put_share(&words, e->wait);
    }
    if (n_worth) {
        text_append(&words, "; ");
        put_worths(&words, m, w, n_worth, all);
    }
    text_char(&words, '.');
    put_when(out, m, e->time);
    put_wrapped(out, text_view(&words), margin(m), margin(m));
    text_char(out, '\n');
    text_free(&words);
}

// ---- JSON ---------------------------------------------------------------------------------------------------------

static void render_variable(Json *j, const Model *m, int32_t v, double x) {
    if (v < m->n_mode) json_string(j, m->mode[v].value[(int32_t)x]);
    else               json_number(j, x);
}

static void render_state(Json *j, const Model *m, const char *key, const double *state) {
    json_key(j, key);
    json_object(j);
    for (int32_t v = 0; v < model_variables(m); v++) {
        json_key(j, model_variable_name(m, v));
        render_variable(j, m, v, state[v]);
    }
    json_end_object(j);
}

static void render_event(Json *j, const Story *y, const SimEvent *e, const double *before, const double *after, const Worth *w,
                         int32_t n_worth, double all) {
    const Model *m = y->scenario->model;
    const ModelJump *jump = e->jump < 0 ? NULL : &m->jump[e->jump];
    char date[16];
    json_object(j);
    json_pair_number(j, "time", e->time);
    json_pair_string(j, "date", model_date(m, e->time, date)[0] ? date : NULL);
    json_pair_string(j, "kind", !jump ? "policy" : jump->kind == JUMP_MOVE ? "move" : "event");
    json_pair_string(j, "name", jump ? jump->name : NULL);
    json_pair_string(j, "actor", jump && jump->actor >= 0 ? m->actor[jump->actor].name : NULL);
    json_pair_number(j, "probability", e->probability);
    json_pair_number(j, "wait", e->wait);
    render_state(j, m, "before", before);
    render_state(j, m, "after", after);
    json_pair_number(j, "advantage", n_worth ? all : NAN);
    json_key(j, "parts");
    json_array(j);
    for (int32_t k = 0; k < n_worth; k++) {
        Text name = {0};
        put_part_name(&name, m, w[k].part);
        json_object(j);
        json_pair_string(j, "part", text_view(&name));
        json_pair_number(j, "worth", w[k].worth);
        json_end_object(j);
        text_free(&name);
    }
    json_end_array(j);
    json_end_object(j);
}

// ---- the command --------------------------------------------------------------------------------------------------

static DurStatus tell(Story *y, const DurOptions *options, int32_t policy, double horizon, DurResult *result, DurError *error) {
    const DurScenario *s = y->scenario;
    const Model *m = s->model;
    const SimTrace *t = &y->trace;
    double state[MODEL_VARIABLES_MAX];
    Text *out = &result->text;
    Json j = json_make(&result->json);
    text_printf(out, "%s\n\n  run %lld of seed %llu, %s%s, %s: ", m->title, (long long)options->run,
                (unsigned long long)options->seed, policy < 0 ? "equilibrium" : "policy ",
                policy < 0 ? "" : m->policy[policy].name, options->lattice ? "on the lattice" : "stocks continuous");
    text_number(out, horizon, 6);
    text_printf(out, " %s, %lld things happen\n\n", m->unit, (long long)t->n_event);
    json_object(&j);
    render_identity(&j, s);
    json_pair_string(&j, "policy", policy < 0 ? NULL : m->policy[policy].name);
    json_pair_string(&j, "kind", options->lattice ? "lattice" : "continuous");
    json_pair_int(&j, "run", options->run);
    render_seed(&j, options->seed);
    json_pair_string(&j, "unit", m->unit);
    for (int end = 0; end < 2; end++) {
        for (int32_t v = 0; v < t->n_variable; v++) state[v] = t->end[2 * v + end];
        render_state(&j, m, end ? "end" : "start", state);
        if (end) continue;
        Text words = {0};
        put_state(&words, m, state);
        put_when(out, m, 0);
        put_wrapped(out, text_view(&words), margin(m), margin(m));
        text_char(out, '\n');
        text_free(&words);
    }
    json_key(&j, "events");
    json_array(&j);
    for (int64_t i = 0; i < t->n_event; i++) {
        const SimEvent *e = &t->event[i];
        const double *before = sim_trace_before(t, i), *after = sim_trace_after(t, i);
        Worth *w;
        int32_t n;
        double all;
        DurStatus status = worths(y, e, before, &w, &n, &all, error);
        if (status == DUR_OK) {
            put_event(out, y, e, before, after, w, n, all);
            render_event(&j, y, e, before, after, w, n, all);
        }
        memory_free(w);
        if (status == DUR_OK) continue;
        text_clear(out);
        text_clear(&result->json);
        return status;
    }
    json_end_array(&j);
    json_end_object(&j);
    Text words = {0};
    put_state(&words, m, state);
    put_when(out, m, horizon);
    put_wrapped(out, text_view(&words), margin(m), margin(m));
    text_char(out, '\n');
    text_free(&words);
    return DUR_OK;
}

static DurStatus trace(DurScenario *s, const DurOptions *options, DurResult *result, PageFrames *frames, DurError *error) {
    int32_t policy;
    DurError why_not = {0};
    Story y = {.scenario = s, .has_reasons = s->model->n_private == 0 && explain_can(s->model, &why_not) == DUR_OK};
    TRY(study_policy(s, options->policy, &policy, error));
    TRY(study_plan(s, policy, &y.plan, error));
    SimOptions sim = {.kind = options->lattice ? SIM_LATTICE : SIM_CONTINUOUS, .seed = options->seed,
                      .horizon = study_horizon(s), .progress = &s->progress};
    TRY(sim_trace(&y.trace, s->session.lattice, y.plan, &sim, options->run, error));
    y.parts = memory_zeroed((size_t)y.plan->n_step * (size_t)s->model->n_actor, sizeof *y.parts);
    DurStatus status = y.parts ? tell(&y, options, policy, sim.horizon, result, error)
                               : status_fail(error, DUR_MEMORY, "out of memory");
    story_free(&y);
    if (status == DUR_OK) status = page_frames(frames, s, options, &(RunAnswers){.first_policy = -1}, error);
    return status;
}

DurStatus dur_trace(DurScenario *s, const DurOptions *options, DurResult **out, char error[1024]) {
    DurError why = {0};
    DurResult *result = NULL;
    DurStatus status = study_begin(s, &options, &result, &why);
    if (status == DUR_OK) status = keep_work(s, options, "trace", NULL, trace, result, &why);
    return result_finish(&result, out, status, &why, error);
}
