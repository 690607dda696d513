#include "study/story.h"

#include "base/memory.h"
#include "game/reasons.h"
#include "game/worth.h"
#include "study/explain.h"

#include <math.h>
#include <stdlib.h>

/// Parts of an advantage that a sentence names; smaller ones than this share of the largest are not worth a word.
#define NAMED 3
#define SLIGHT 0.05

/// Equations of the parts' values are missed by no more than this share of the flow: words have two digits.
#define PART_TOLERANCE 1e-7

/// What is known about the payoff of one actor under one step of the plan.
struct StoryParts {
    int32_t n;
    Part    *part;             // [n] NULL: not asked for yet
    double  *value;            // [n x n_state]
};

DurStatus story_make(Story *out, DurScenario *s, const Plan *plan, const SimOptions *how, DurError *error) {
    *out = (Story){.scenario = s, .plan = plan, .how = *how, .has_reasons = s->model->n_actor > 0 && s->model->clock == CLOCK_CONTINUOUS};
    out->parts = memory_zeroed((size_t)plan->n_step * (size_t)s->model->n_actor + 1, sizeof *out->parts);
    return out->parts ? DUR_OK : status_fail(error, DUR_MEMORY, "out of memory");
}

DurStatus story_play(Story *y, int64_t run, DurError *error) {
    sim_trace_free(&y->trace);
    return sim_trace(&y->trace, y->scenario->session.lattice, y->plan, &y->how, run, error);
}

void story_free(Story *y) {
    for (int32_t i = 0; y->parts && i < y->plan->n_step * y->scenario->model->n_actor; i++) {
        memory_free(y->parts[i].part);
        memory_free(y->parts[i].value);
    }
    memory_free(y->parts);
    sim_trace_free(&y->trace);
    *y = (Story){0};
}

double story_cost(const Story *y) {
    const DurScenario *s = y->scenario;
    double n = 0;
    if (!y->has_reasons) return 0;
    for (int32_t a = 0; a < s->model->n_actor; a++) n += parts_of(s->model, a, NULL);
    return n * (double)s->session.lattice->n_state;
}

// ---- reasons ------------------------------------------------------------------------------------------------------

// the policy by whose values everyone goes: under a surprise still the equilibrium
static const Policy *expected(const Story *y, int32_t step) {
    const Policy *played = y->plan->step[step].policy;
    return played->is_surprise ? y->scenario->session.equilibrium.policy : played;
}

// the parts of an actor's values under a step of the plan, had once
static DurStatus parts_get(Story *y, int32_t step, int32_t actor, StoryParts **out, DurError *error) {
    DurScenario *s = y->scenario;
    StoryParts *parts = *out = &y->parts[step * s->model->n_actor + actor];
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

static int by_size(const void *a, const void *b) {
    double x = fabs(((const StoryWorth *)a)->worth), y = fabs(((const StoryWorth *)b)->worth);
    return (x < y) - (x > y);
}

static DurStatus reason_make(StoryReason *out, int32_t type, int32_t n) {
    *out = (StoryReason){.type = type, .n = n, .part = memory_zeroed((size_t)n + 1, sizeof *out->part)};
    return out->part ? DUR_OK : DUR_MEMORY;
}

static void reason_end(StoryReason *r) {
    for (int32_t k = 0; k < r->n; k++) r->all += r->part[k].worth;
    if (r->n) qsort(r->part, (size_t)r->n, sizeof *r->part, by_size);
}

// from the worth of every part in every state, solved once for the actor
static DurStatus reason_plain(StoryReasons *out, Story *y, const SimEvent *e, const double *before, DurError *error) {
    StoryParts *parts;
    TRY(parts_get(y, e->in_step, y->scenario->model->jump[e->jump].actor, &parts, error));
    StoryReason *r = &out->item[out->n++];
    DurStatus status = reason_make(r, -1, parts->n);
    for (int32_t k = 0; k < parts->n && status == DUR_OK; k++) {
        r->part[k].part = parts->part[k];
        status = worth_of_move(&r->part[k].worth, expected(y, e->in_step), &parts->part[k],
                               parts->value + k * y->scenario->session.lattice->n_state, e->jump, before);
    }
    if (status != DUR_OK) return status_fail(error, status, "out of memory");
    reason_end(r);
    return DUR_OK;
}

// where someone has a private type, the reasons of `explain` at the state, for each type that the mover may have
static DurStatus reason_types(StoryReasons *out, Story *y, const SimEvent *e, const double *before, DurError *error) {
    DurScenario *s = y->scenario;
    Reasons all;
    progress_tell(&s->progress, "finding reasons", e->time, y->how.horizon, "");
    TRY(study_room(s, reasons_bytes(s->session.lattice, 1), "explaining a game", error));
    TRY(reasons_make(&all, expected(y, e->in_step), before, s->model->jump[e->jump].actor, &s->progress, s->team, error));
    DurStatus status = DUR_OK;
    bool has_types = s->model->actor[s->model->jump[e->jump].actor].private >= 0;
    for (int32_t k = 0; k < all.n_reason && status == DUR_OK; k++) {
        const Reason *one = &all.reason[k];
        if (one->jump != e->jump || !one->is_solved || out->n == MODEL_TYPES_MAX) continue;
        StoryReason *r = &out->item[out->n++];
        status = reason_make(r, has_types ? one->type : -1, all.n_part[one->actor]);
        for (int32_t p = 0; p < r->n && status == DUR_OK; p++) {
            r->part[p].part = all.part[one->actor][p];
            for (int32_t c = 0; c < all.n_channel; c++) r->part[p].worth += one->split[p * all.n_channel + c];
        }
        if (status == DUR_OK) reason_end(r);
    }
    reasons_free(&all);
    return status == DUR_OK ? DUR_OK : status_fail(error, status, "out of memory");
}

DurStatus story_reasons(StoryReasons *out, Story *y, int64_t event, DurError *error) {
    const Model *m = y->scenario->model;
    const SimEvent *e = &y->trace.event[event];
    *out = (StoryReasons){0};
    if (!y->has_reasons || e->jump < 0 || m->jump[e->jump].kind != JUMP_MOVE) return DUR_OK;
    const double *before = sim_trace_before(&y->trace, event);
    return m->n_private ? reason_types(out, y, e, before, error) : reason_plain(out, y, e, before, error);
}

void story_reasons_free(StoryReasons *reasons) {
    for (int32_t i = 0; i < reasons->n; i++) memory_free(reasons->item[i].part);
    *reasons = (StoryReasons){0};
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

void put_state(Text *out, const Model *m, const double *state) {
    for (int32_t v = 0; v < model_variables(m); v++) {
        text_printf(out, "%s%s=", v ? ", " : "", model_variable_name(m, v));
        put_value(out, m, v, state[v]);
    }
}

void put_part_name(Text *out, const Model *m, const Part *part) {
    if (part->kind == PART_TERM)        text_printf(out, "through `%s`", m->term[part->term].name);
    else if (part->kind == PART_SHOCKS) text_append(out, "by private reasons");
    else if (m->jump[part->jump].kind == JUMP_MOVE && m->jump[part->jump].actor == part->actor)
        text_printf(out, "by the cost of %s", m->jump[part->jump].name);
    else text_printf(out, "by what %s pays", m->jump[part->jump].name);
}

// "worth 0.12 more than waiting: gains 0.3 through `win`, loses 0.1 by the cost of impose_tariff"
static void put_worths(Text *out, const Model *m, const StoryReason *r) {
    text_append(out, "worth ");
    text_number(out, fabs(r->all), 2);
    text_printf(out, " %s than waiting", r->all < 0 ? "less" : "more");
    for (int32_t k = 0; k < r->n && k < NAMED && fabs(r->part[k].worth) > SLIGHT * fabs(r->part[0].worth); k++) {
        text_printf(out, "%s%s ", k ? ", " : ": ", r->part[k].worth < 0 ? "loses" : "gains");
        text_number(out, fabs(r->part[k].worth), 2);
        text_char(out, ' ');
        put_part_name(out, m, &r->part[k].part);
    }
}

void story_words(Text *out, const Story *y, int64_t event, const StoryReasons *reasons) {
    const Model *m = y->scenario->model;
    const SimEvent *e = &y->trace.event[event];
    if (e->jump < 0) {
        text_append(out, "the policy begins another step: ");
    } else {
        const ModelJump *j = &m->jump[e->jump];
        if (j->kind == JUMP_MOVE) text_printf(out, "%s: ", m->actor[j->actor].name);
        text_printf(out, "%s", j->name);
        if (j->text && j->text[0]) text_printf(out, " (%s)", j->text);
        text_append(out, ": ");
    }
    put_changes(out, m, sim_trace_before(&y->trace, event), sim_trace_after(&y->trace, event));
    if (isfinite(e->probability)) {
        text_append(out, "; chosen with ");
        put_share(out, e->probability);
        text_append(out, ", waiting had ");
        put_share(out, e->wait);
    }
    for (int32_t i = 0; i < reasons->n; i++) {
        const StoryReason *r = &reasons->item[i];
        text_append(out, "; ");
        if (r->type >= 0) text_printf(out, "if %s ", m->private[m->actor[m->jump[e->jump].actor].private].type[r->type]);
        put_worths(out, m, r);
    }
    text_char(out, '.');
}
