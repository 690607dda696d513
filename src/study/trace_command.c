/// One run as a story: what `simulate` counts, told one by one.
#include "base/memory.h"
#include "study/doubts.h"
#include "study/explain.h"
#include "study/keep.h"
#include "study/render.h"
#include "study/simulate.h"
#include "study/story.h"
#include "study/warn.h"

#include <math.h>
#include <string.h>

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

static void put_event(Text *out, const Story *y, int64_t event, const StoryReasons *reasons) {
    const Model *m = y->scenario->model;
    Text words = {0};
    story_words(&words, y, event, reasons);
    put_when(out, m, y->trace.event[event].time);
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

// the parts of one reason
static void render_parts(Json *j, const Model *m, const StoryReason *r) {
    json_array(j);
    for (int32_t k = 0; r && k < r->n; k++) {
        Text name = {0};
        put_part_name(&name, m, &r->part[k].part);
        json_object(j);
        json_pair_string(j, "part", text_view(&name));
        json_pair_number(j, "worth", r->part[k].worth);
        json_end_object(j);
        text_free(&name);
    }
    json_end_array(j);
}

// what carries one reason
static void render_carriers(Json *j, const Model *m, const StoryReason *r) {
    json_array(j);
    for (int32_t k = 0; r && k < r->n_carrier; k++) {
        Text name = {0};
        put_carrier(&name, m, &r->group[k]);
        json_object(j);
        json_pair_string(j, "carrier", text_view(&name));
        json_pair_number(j, "worth", r->carried[k]);
        json_end_object(j);
        text_free(&name);
    }
    json_end_array(j);
}

static void render_event(Json *j, const Story *y, int64_t event, const StoryReasons *reasons) {
    const Model *m = y->scenario->model;
    const SimEvent *e = &y->trace.event[event];
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
    render_state(j, m, "before", sim_trace_before(&y->trace, event));
    render_state(j, m, "after", sim_trace_after(&y->trace, event));
    bool has_types = reasons->n && reasons->item[0].type >= 0;
    const StoryReason *only = reasons->n && !has_types ? &reasons->item[0] : NULL;
    json_pair_number(j, "advantage", only ? only->all : NAN);
    json_key(j, "parts");
    render_parts(j, m, only);
    json_key(j, "carriers");
    render_carriers(j, m, only);
    if (has_types) {
        json_key(j, "types");
        json_object(j);
        for (int32_t i = 0; i < reasons->n; i++) {
            json_key(j, m->private[m->actor[jump->actor].private].type[reasons->item[i].type]);
            json_object(j);
            json_pair_number(j, "advantage", reasons->item[i].all);
            json_key(j, "parts");
            render_parts(j, m, &reasons->item[i]);
            json_key(j, "carriers");
            render_carriers(j, m, &reasons->item[i]);
            json_end_object(j);
        }
        json_end_object(j);
    }
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
        StoryReasons reasons;
        DurStatus status = story_reasons(&reasons, y, i, error);
        if (status == DUR_OK) {
            put_event(out, y, i, &reasons);
            render_event(&j, y, i, &reasons);
        }
        story_reasons_free(&reasons);
        if (status == DUR_OK) continue;
        text_clear(out);
        text_clear(&result->json);
        return status;
    }
    json_end_array(&j);
    Text doubts = {0}, words = {0};
    doubts_add(&doubts, s, policy);
    doubts_render(&j, text_view(&doubts));
    json_end_object(&j);
    put_state(&words, m, state);
    put_when(out, m, horizon);
    put_wrapped(out, text_view(&words), margin(m), margin(m));
    text_char(out, '\n');
    doubts_put_apart(out, text_view(&doubts));
    if (!options->lattice) warn_unseen(&result->faults, s, false);
    out->failed |= doubts.failed;
    text_free(&words);
    text_free(&doubts);
    return DUR_OK;
}

static DurStatus trace(DurScenario *s, const DurOptions *options, DurResult *result, PageFrames *frames, DurError *error) {
    int32_t policy;
    const Plan *plan;
    TRY(study_policy(s, options->policy, &policy, error));
    TRY(study_plan(s, policy, &plan, error));
    SimOptions sim = {.kind = options->lattice ? SIM_LATTICE : SIM_CONTINUOUS, .seed = options->seed,
                      .horizon = study_horizon(s), .progress = &s->progress};
    Story y;
    DurStatus status = story_make(&y, s, plan, &sim, error);
    if (status == DUR_OK) status = story_play(&y, options->run, error);
    if (status == DUR_OK) status = tell(&y, options, policy, sim.horizon, result, error);
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
