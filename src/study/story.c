#include "study/story.h"

#include "base/memory.h"
#include "game/carried.h"
#include "game/reasons.h"
#include "game/worth.h"
#include "lattice/round.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

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
    int32_t  n_carrier;        // what carries the whole: the step itself, then these by solves of their own, then its own later moves
    ExplainGroup *group;       // [n_carrier]
    double  *lasting;          // [n_state]
    double  *carried;          // [n_carrier - 2 x n_state]
};

DurStatus story_make(Story *out, DurScenario *s, const Plan *plan, const SimOptions *how, DurError *error) {
    *out = (Story){.scenario = s, .plan = plan, .how = *how, .has_reasons = s->model->n_actor > 0, .has_carriers = true};
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
        memory_free(y->parts[i].group);
        memory_free(y->parts[i].lasting);
        memory_free(y->parts[i].carried);
    }
    memory_free(y->parts);
    sim_trace_free(&y->trace);
    *y = (Story){0};
}

// what can carry an actor's payoff: into `out` [3 + events + actors] if it is there
static int32_t carriers_of(const Model *m, int32_t actor, ExplainGroup *out) {
    int32_t n = 0;
    bool moves = false;
    for (int32_t k = 0; k < m->n_stock; k++) moves = moves || m->stock[k].drift != PROGRAM_NONE || m->stock[k].noise != PROGRAM_NONE;
    if (out) out[n] = (ExplainGroup){CHANNEL_NOW, -1};
    n++;
    if (moves && out) out[n] = (ExplainGroup){CHANNEL_STOCK, -1};
    n += moves;
    for (int32_t j = 0; j < m->n_jump; j++) {
        if (m->jump[j].kind != JUMP_EVENT) continue;
        if (out) out[n] = (ExplainGroup){CHANNEL_EVENT, j};
        n++;
    }
    for (int32_t a = 0; a < m->n_actor; a++) {
        if (a == actor) continue;
        if (out) out[n] = (ExplainGroup){CHANNEL_REPLY, a};
        n++;
    }
    if (out) out[n] = (ExplainGroup){CHANNEL_OWN, -1};
    return n + 1;
}

// reasons are had state by state
static bool is_by_state(const Model *m) { return m->n_private > 0 || m->clock == CLOCK_ROUNDS; }

double story_cost(const Story *y) {
    const DurScenario *s = y->scenario;
    const Model *m = s->model;
    double n = 0;
    if (!y->has_reasons) return 0;
    for (int32_t a = 0; a < m->n_actor && !is_by_state(m); a++)
        n += parts_of(m, a, NULL) + (y->has_carriers ? carriers_of(m, a, NULL) - 2 : 0);
    for (int64_t i = 0; i < y->trace.n_event && is_by_state(m); i++) {
        int32_t jump = y->trace.event[i].jump;
        if (jump < 0 || m->jump[jump].kind != JUMP_MOVE) continue;
        int32_t actor = m->jump[jump].actor;
        for (int32_t j = 0; j < m->n_jump; j++) n += model_is_move_of(m, j, actor) ? model_types(m, actor) : 0;
    }
    return n * (double)s->session.lattice->n_state;
}

// ---- reasons ------------------------------------------------------------------------------------------------------

// the policy by whose values everyone goes: under a surprise still the equilibrium
static const Policy *expected(const Story *y, int32_t step) {
    const Policy *played = y->plan->step[step].policy;
    return played->is_surprise ? y->scenario->session.equilibrium.policy : played;
}

static DurStatus say_interrupted(DurError *error) {
    return status_fail(error, DUR_INTERRUPTED, "interrupted while finding reasons; nothing was written");
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
        DurStatus status = worth_of_part(expected(y, step), &parts->part[k], PART_TOLERANCE, &s->progress, s->team,
                                         parts->value + k * n_state, error);
        if (status == DUR_INTERRUPTED) return say_interrupted(error);
        TRY(status);
    }
    parts->n = n;
    return DUR_OK;
}

// what carries them, had once
static DurStatus carriers_get(Story *y, int32_t step, int32_t actor, StoryParts *parts, DurError *error) {
    DurScenario *s = y->scenario;
    const Model *m = s->model;
    if (parts->group) return DUR_OK;
    int64_t n_state = s->session.lattice->n_state;
    int32_t n = carriers_of(m, actor, NULL);
    TRY(study_room(s, (n - 1.0) * 8 * (double)n_state, "what carries an actor's values", error));
    ExplainGroup *group = memory_zeroed((size_t)n, sizeof *group);
    bool *jump = memory_zeroed((size_t)m->n_jump, sizeof *jump);
    parts->lasting = memory_column(n_state);
    parts->carried = memory_column((n - 2) * n_state);
    DurStatus status = group && jump && parts->lasting && parts->carried ? DUR_OK : DUR_MEMORY;
    if (status == DUR_OK) carriers_of(m, actor, group);
    if (status == DUR_OK) status = carried_lasting(expected(y, step), actor, parts->lasting);
    if (status != DUR_OK) status_fail(error, status, "out of memory");
    for (int32_t k = 1; k < n - 1 && status == DUR_OK; k++) {
        for (int32_t j = 0; j < m->n_jump; j++)
            jump[j] = group[k].kind == CHANNEL_EVENT ? j == group[k].index : model_is_move_of(m, j, group[k].index);
        progress_tell(&s->progress, "finding what carries them", k, n - 1, m->actor[actor].name);
        status = carried_by(expected(y, step), actor, parts->lasting, group[k].kind == CHANNEL_STOCK ? NULL : jump, PART_TOLERANCE,
                            &s->progress, s->team, parts->carried + (k - 1) * n_state, error);
    }
    memory_free(jump);
    if (status == DUR_INTERRUPTED) say_interrupted(error);
    if (status == DUR_OK) {
        parts->n_carrier = n;
        parts->group = group;
        return DUR_OK;
    }
    memory_free(group);
    memory_free(parts->carried);
    memory_free(parts->lasting);
    parts->carried = parts->lasting = NULL;
    return status;
}

static int by_size(const void *a, const void *b) {
    double x = fabs(((const StoryWorth *)a)->worth), y = fabs(((const StoryWorth *)b)->worth);
    return (x < y) - (x > y);
}

static DurStatus reason_make(StoryReason *out, int32_t type, int32_t n, int32_t n_carrier) {
    *out = (StoryReason){.type = type, .n = n, .part = memory_zeroed((size_t)n + 1, sizeof *out->part), .n_carrier = n_carrier};
    out->group = memory_zeroed((size_t)n_carrier, sizeof *out->group);
    out->carried = memory_column(n_carrier);
    return out->part && out->group && out->carried ? DUR_OK : DUR_MEMORY;
}

static void reason_end(StoryReason *r) {
    for (int32_t k = 0; k < r->n; k++) r->all += r->part[k].worth;
    if (r->n) qsort(r->part, (size_t)r->n, sizeof *r->part, by_size);
}

// from the worth of every part in every state, solved once for the actor
static DurStatus reason_plain(StoryReasons *out, Story *y, const SimEvent *e, const double *before, DurError *error) {
    StoryParts *parts;
    int32_t actor = y->scenario->model->jump[e->jump].actor;
    const Policy *policy = expected(y, e->in_step);
    TRY(parts_get(y, e->in_step, actor, &parts, error));
    if (y->has_carriers) TRY(carriers_get(y, e->in_step, actor, parts, error));
    StoryReason *r = &out->item[out->n++];
    DurStatus status = reason_make(r, -1, parts->n, parts->n_carrier);
    for (int32_t k = 0; k < parts->n && status == DUR_OK; k++) {
        r->part[k].part = parts->part[k];
        status = worth_of_move(&r->part[k].worth, policy, &parts->part[k], parts->value + k * y->scenario->session.lattice->n_state,
                               e->jump, before);
    }
    if (status == DUR_OK) reason_end(r);
    if (status == DUR_OK && r->n_carrier) {
        int32_t own = r->n_carrier - 1;   // what no other carries
        memcpy(r->group, parts->group, (size_t)r->n_carrier * sizeof *r->group);
        status = carried_of_move(r->carried, policy, e->jump, before, parts->lasting, own - 1, parts->carried);
        r->carried[own] = r->all;
        for (int32_t k = 0; k < own; k++) r->carried[own] -= r->carried[k];
    }
    return status == DUR_OK ? DUR_OK : status_fail(error, status, "out of memory");
}

// channels of a table of `explain` as carriers of a story
static void gather(StoryReason *r, const Model *m, const Reason *one, const Channel *channel, int32_t n_channel, int32_t n_part) {
    r->n_carrier = 0;
    for (int32_t c = 0; c < n_channel; c++) {
        ChannelKind kind = channel[c].kind;
        ExplainGroup group = {kind, kind == CHANNEL_REPLY ? m->jump[channel[c].index].actor
                                  : kind == CHANNEL_OWN || kind == CHANNEL_STOCK ? -1 : channel[c].index};
        int32_t g = 0;
        while (g < r->n_carrier && (r->group[g].kind != group.kind || r->group[g].index != group.index)) g++;
        if (g == r->n_carrier) r->group[r->n_carrier++] = group;
        for (int32_t p = 0; p < n_part; p++) r->carried[g] += one->split[p * n_channel + c];
    }
}

// the state that a move answers: in rounds, where its stage began
static const double *chosen_in(const Story *y, int64_t event) {
    const Model *m = y->scenario->model;
    const SimEvent *e = &y->trace.event[event];
    if (m->clock != CLOCK_ROUNDS) return sim_trace_before(&y->trace, event);
    int32_t stage = round_stage_of(m, m->jump[e->jump].actor);
    for (; event > 0; event--) {
        const SimEvent *f = &y->trace.event[event - 1];
        bool is_beside = f->time == e->time && f->jump >= 0 && m->jump[f->jump].kind == JUMP_MOVE &&
                         round_stage_of(m, m->jump[f->jump].actor) == stage;
        if (!is_beside) break;
    }
    return sim_trace_before(&y->trace, event);
}

// in rounds, and where someone has a private type, the reasons of `explain` at the state, for each type that the mover may have
static DurStatus reason_by_state(StoryReasons *out, Story *y, const SimEvent *e, const double *state, DurError *error) {
    DurScenario *s = y->scenario;
    Reasons all;
    progress_tell(&s->progress, "finding reasons", e->time, y->how.horizon, "");
    TRY(study_room(s, reasons_bytes(s->session.lattice, 1), "explaining a game", error));
    TRY(reasons_make(&all, expected(y, e->in_step), state, s->model->jump[e->jump].actor, &s->progress, s->team, error));
    DurStatus status = DUR_OK;
    bool has_types = s->model->actor[s->model->jump[e->jump].actor].private >= 0;
    for (int32_t k = 0; k < all.n_reason && status == DUR_OK; k++) {
        const Reason *one = &all.reason[k];
        if (one->jump != e->jump || !one->is_solved || out->n == MODEL_TYPES_MAX) continue;
        StoryReason *r = &out->item[out->n++];
        status = reason_make(r, has_types ? one->type : -1, all.n_part[one->actor], all.n_channel);
        for (int32_t p = 0; p < r->n && status == DUR_OK; p++) {
            r->part[p].part = all.part[one->actor][p];
            for (int32_t c = 0; c < all.n_channel; c++) r->part[p].worth += one->split[p * all.n_channel + c];
        }
        if (status != DUR_OK) break;
        reason_end(r);
        gather(r, s->model, one, all.channel[one->actor], all.n_channel, r->n);
    }
    reasons_free(&all);
    return status == DUR_OK ? DUR_OK : status_fail(error, status, "out of memory");
}

DurStatus story_reasons(StoryReasons *out, Story *y, int64_t event, DurError *error) {
    const Model *m = y->scenario->model;
    const SimEvent *e = &y->trace.event[event];
    *out = (StoryReasons){0};
    if (!y->has_reasons || e->jump < 0 || m->jump[e->jump].kind != JUMP_MOVE) return DUR_OK;
    return is_by_state(m) ? reason_by_state(out, y, e, chosen_in(y, event), error)
                          : reason_plain(out, y, e, sim_trace_before(&y->trace, event), error);
}

void story_reasons_free(StoryReasons *reasons) {
    for (int32_t i = 0; i < reasons->n; i++) {
        memory_free(reasons->item[i].part);
        memory_free(reasons->item[i].group);
        memory_free(reasons->item[i].carried);
    }
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
    // of an advantage that is next to nothing, nothing carries most
    if (r->n_carrier && fabs(r->all) > SLIGHT * fabs(r->part[0].worth)) {
        text_append(out, "; in all");
        Text words = {0};
        put_carriers(&words, m, r->n_carrier, r->group, r->carried, r->all);
        const char *told = text_view(&words);
        text_append(out, told[0] ? told + 1 : "");
        text_free(&words);
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
