#include "study/explain.h"

#include "base/asking.h"
#include "base/memory.h"
#include "study/result.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

// ---- making --------------------------------------------------------------------------------------------------------

void explain_free(Explanation *e) {
    for (int32_t k = 0; e->split && k < e->reasons.n_reason; k++) memory_free(e->split[k]);
    memory_free(e->split);
    memory_free(e->group);
    memory_free(e->change);
    memory_free(e->target);
    adjoint_free(&e->adjoint);
    reasons_free(&e->reasons);
    *e = (Explanation){0};
}

static int32_t group_of(const Model *m, const Channel *c) {
    int32_t events = 1 + m->n_stock + m->n_private, replies = events + m->n_jump, own = replies + m->n_actor;
    switch (c->kind) {
        case CHANNEL_STOCK:  return 1 + c->index;
        case CHANNEL_BELIEF: return 1 + m->n_stock + c->index;
        case CHANNEL_EVENT:  return events + c->index;
        case CHANNEL_REPLY:  return replies + m->jump[c->index].actor;
        case CHANNEL_OWN:    return own;
        case CHANNEL_TYPE:   return own + 1;
        case CHANNEL_NOW:
        case CHANNEL_KIND_COUNT: break;
    }
    return 0;
}

// the same table with fewer columns
static DurStatus gather(Explanation *e, DurError *error) {
    const Reasons *r = &e->reasons;
    const Model *m = r->model;
    e->n_group = 3 + m->n_stock + m->n_private + m->n_jump + m->n_actor;
    e->group = memory_zeroed((size_t)e->n_group, sizeof *e->group);
    e->split = memory_zeroed((size_t)r->n_reason, sizeof *e->split);
    if (!e->group || !e->split) return status_fail(error, DUR_MEMORY, "out of memory");
    for (int32_t g = 0; g < e->n_group; g++) e->group[g] = (ExplainGroup){CHANNEL_NOW, -1};
    for (int32_t i = 0; i < m->n_actor; i++)
        for (int32_t c = 0; c < r->n_channel; c++) {
            const Channel *from = &r->channel[i][c];
            int32_t index = from->kind == CHANNEL_REPLY ? m->jump[from->index].actor
                          : from->kind == CHANNEL_OWN ? -1 : from->index;
            e->group[group_of(m, from)] = (ExplainGroup){from->kind, index};
        }
    for (int32_t k = 0; k < r->n_reason; k++) {
        const Reason *reason = &r->reason[k];
        int32_t n_part = r->n_part[reason->actor];
        e->split[k] = memory_column((int64_t)n_part * e->n_group);
        if (!e->split[k]) return status_fail(error, DUR_MEMORY, "out of memory");
        for (int32_t p = 0; p < n_part; p++)
            for (int32_t c = 0; c < r->n_channel; c++)
                e->split[k][p * e->n_group + group_of(m, &r->channel[reason->actor][c])] +=
                    reason->split[p * r->n_channel + c];
    }
    return DUR_OK;
}

// the numbers whose derivatives are asked for: each actor's value, then its moves that are available
static DurStatus list_targets(Explanation *e, const DurScenario *s, int32_t *n, DurError *error) {
    const Model *m = s->model;
    double *value = memory_column(model_rows(m)), *choice = memory_column(m->n_jump), *wait = memory_column(m->n_actor);
    e->target = memory_zeroed((size_t)(model_rows(m) + m->n_jump * MODEL_TYPES_MAX), sizeof *e->target);
    DurStatus status = DUR_MEMORY;
    *n = 0;
    if (value && choice && wait && e->target) status = game_at(s->session.equilibrium.policy, e->state, value, choice, wait, error);
    for (int32_t i = 0; i < m->n_actor && status == DUR_OK && m->n_param > 0 && explain_differentiates(s); i++)
        for (int32_t t = 0; explain_has(e, i) && t < model_types(m, i); t++) {
            e->target[(*n)++] = (AdjointTarget){.actor = i, .type = t, .jump = -1};
            for (int32_t j = 0; j < m->n_jump; j++)
                if (model_is_move_of(m, j, i) && isfinite(choice[j])) e->target[(*n)++] = (AdjointTarget){.actor = i, .type = t, .jump = j};
        }
    memory_free(wait);
    memory_free(choice);
    memory_free(value);
    return status == DUR_MEMORY ? status_fail(error, status, "out of memory") : status;
}

/// Reasons and derivatives, made side by side where there are two threads.
typedef struct Making {
    Explanation *e;
    DurScenario *s;
    int32_t n_target;
    Asking asking;
    DurStatus status[2];
    DurError error[2];
} Making;

static void make(void *context, int64_t which, int worker) {
    Making *k = context;
    Explanation *e = k->e;
    const Policy *p = k->s->session.equilibrium.policy;
    Asker asker = {&k->asking, worker};
    Progress progress = asker_progress(&asker);
    // the longer one first
    if (which == 0 && k->n_target == 0) return;
    k->status[which] = which == 0 ? adjoint_make(&e->adjoint, p, e->state, k->n_target, e->target, &progress, NULL, &k->error[0])
                                  : reasons_make(&e->reasons, p, e->state, e->actor, &progress, NULL, &k->error[1]);
}

static DurStatus make_both(Explanation *e, DurScenario *s, bool derivatives, DurError *error) {
    const Policy *p = s->session.equilibrium.policy;
    Making k = {.e = e, .s = s, .asking = {.progress = &s->progress}};
    if (derivatives) TRY(list_targets(e, s, &k.n_target, error));
    TRY(study_room(s, reasons_bytes(s->session.lattice, 1) + adjoint_bytes(p, k.n_target, 1), "explaining a game", error));
    asking_run(&k.asking, s->team, make, &k, 2);
    for (int which = 0; which < 2; which++)
        if (k.status[which] != DUR_OK) return status_pass(error, k.status[which], &k.error[which]);
    return DUR_OK;
}

// with private types each param is a pair of solves: past this many states and solves it takes longer than one would wait
#define STATES_SOLVED_MOST 1e7

bool explain_differentiates(const DurScenario *s) {
    const Model *m = s->model;
    return m->n_private == 0 || (double)s->session.lattice->n_state * m->n_param <= STATES_SOLVED_MOST;
}

static DurStatus explain(Explanation *e, DurScenario *s, const double *state, int32_t actor, bool derivatives, DurError *error) {
    const Model *m = s->model;
    const GameSolution *g = &s->session.equilibrium;
    const Lattice *l = s->session.lattice;
    *e = (Explanation){.scenario = s, .actor = actor};
    memcpy(e->state, state, (size_t)model_variables(m) * sizeof *state);
    TRY(make_both(e, s, derivatives, error));
    TRY(gather(e, error));

    // advantages are known no better than the solve's residual lets them be
    double size = 0;
    for (int64_t k = 0; k < model_rows(m) * l->n_state; k++) size = fmax(size, fabs(g->policy->value[k]));
    e->change = memory_zeroed((size_t)model_rows(m) * (size_t)m->n_stock * EXPLAIN_CHANGES, sizeof *e->change);
    if (!e->change) return status_fail(error, DUR_MEMORY, "out of memory");
    e->noise = (10 * g->certificate.residual + 1e-14) * size;
    return reasons_changes(g->policy, state, actor, EXPLAIN_CHANGES, e->noise, e->change, &e->n_change, error);
}

DurStatus explain_make(Explanation *e, DurScenario *s, const double *state, int32_t actor, DurError *error) {
    return explain(e, s, state, actor, true, error);
}

DurStatus explain_reasons(Explanation *e, DurScenario *s, const double *state, int32_t actor, DurError *error) {
    return explain(e, s, state, actor, false, error);
}

int32_t explain_target(const Explanation *e, int32_t row, int32_t jump) {
    int32_t type, actor = model_row_actor(e->scenario->model, row, &type);
    for (int32_t t = 0; t < e->adjoint.n_target; t++)
        if (e->target[t].actor == actor && e->target[t].type == type && e->target[t].jump == jump) return t;
    return -1;
}

double explain_effect(const Explanation *e, int32_t target, int32_t param) {
    const DurScenario *s = e->scenario;
    if (target < 0) return NAN;
    return e->adjoint.derivative[target * e->adjoint.n_param + param] *
           adjoint_step(&s->model->param[param], s->session.param[param]);
}

bool explain_has_kink(const Explanation *e, int32_t target, int32_t param) {
    if (target < 0) return false;
    int64_t at = (int64_t)target * e->adjoint.n_param + param;
    double left = e->adjoint.left[at], right = e->adjoint.right[at];
    double largest = 0;
    for (int32_t k = 0; k < e->adjoint.n_param; k++) largest = fmax(largest, fabs(explain_effect(e, target, k)));
    // curvature over the difference's step leaves a thousandth at most; what is nothing beside other params is left alone
    bool matters = fabs(explain_effect(e, target, param)) > 1e-6 * largest;
    return matters && fabs(right - left) > 0.01 * fmax(fabs(left), fabs(right));
}

int32_t explain_most_sensitive(const Explanation *e, int32_t row, int32_t *reason) {
    const Reasons *r = &e->reasons;
    int32_t best = -1;
    double most = 0;
    for (int32_t k = 0; k < r->n_reason; k++) {
        if (r->reason[k].row != row) continue;
        int32_t t = explain_target(e, row, r->reason[k].jump);
        for (int32_t p = 0; t >= 0 && p < e->adjoint.n_param; p++) {
            double effect = fabs(explain_effect(e, t, p));
            if (!(effect > most)) continue;
            most = effect;
            best = p;
            *reason = k;
        }
    }
    return most > 1e-12 ? best : -1;
}

// ---- words ---------------------------------------------------------------------------------------------------------

#define MINUS "\xE2\x88\x92"

static void put_size(Text *out, double x) { text_number(out, fabs(x), fabs(x) >= 1 ? 3 : 2); }

static void put_signed(Text *out, double x) {
    text_append(out, x < 0 ? MINUS : "+");
    put_size(out, x);
}

// both with as many digits as it takes to tell them apart
static void put_shares(Text *out, const char *before, double a, const char *between, double b) {
    char first[32], second[32];
    for (int digits = 0; digits <= 3; digits++) {
        snprintf(first, sizeof first, "%.*f %%", digits, 100 * a);
        snprintf(second, sizeof second, "%.*f %%", digits, 100 * b);
        if (strcmp(first, second) != 0) break;
    }
    text_printf(out, "%s%s%s%s", before, first, between, second);
}

void put_share(Text *out, double share) {
    if (share > 0 && share < 0.001) { text_append(out, "below 0.1 %"); return; }
    if (share < 1 && share > 0.999) { text_append(out, "over 99.9 %"); return; }
    bool is_extreme = (share > 0 && share < 0.01) || (share > 0.99 && share < 1);
    text_printf(out, is_extreme ? "%.1f %%" : "%.0f %%", 100 * share);
}

void put_part(Text *out, const Explanation *e, const Part *part) {
    const Model *m = e->scenario->model;
    if (part->kind == PART_TERM) { text_append(out, m->term[part->term].name); return; }
    if (part->kind == PART_SHOCKS) { text_append(out, "private reasons"); return; }
    const ModelJump *j = &m->jump[part->jump];
    bool is_cost = j->kind == JUMP_MOVE && j->actor == part->actor;
    text_printf(out, is_cost ? "cost of %s" : "payment at %s", j->name);
}

// what a stock does by itself, in the words of the scenario
static const char *stock_word(const Model *m) { return m->clock == CLOCK_ROUNDS ? "change" : "drift"; }

static const char *private_name(const Model *m, int32_t private) { return m->actor[m->private[private].actor].name; }

void put_carrier(Text *out, const Model *m, const ExplainGroup *group) {
    switch (group->kind) {
        case CHANNEL_NOW:   text_append(out, "the step itself"); break;
        case CHANNEL_STOCK:
            if (group->index < 0) text_printf(out, "%ss", stock_word(m));
            else                  text_printf(out, "the %s of `%s`", stock_word(m), m->stock[group->index].name);
            break;
        case CHANNEL_BELIEF: text_printf(out, "what others learn of %s from silence", private_name(m, group->index)); break;
        case CHANNEL_TYPE:  text_append(out, "becoming another type"); break;
        case CHANNEL_EVENT: text_printf(out, "the event `%s`", m->jump[group->index].name); break;
        case CHANNEL_REPLY: text_printf(out, "replies of %s", m->actor[group->index].name); break;
        case CHANNEL_OWN:   text_append(out, "its own later moves"); break;
        case CHANNEL_KIND_COUNT: break;
    }
}

void put_group(Text *out, const Explanation *e, const ExplainGroup *group) { put_carrier(out, e->scenario->model, group); }

void put_group_short(Text *out, const Explanation *e, const ExplainGroup *group) {
    const Model *m = e->scenario->model;
    switch (group->kind) {
        case CHANNEL_NOW:   text_append(out, "the step itself"); break;
        case CHANNEL_STOCK: text_printf(out, "%s of %s", stock_word(m), m->stock[group->index].name); break;
        case CHANNEL_BELIEF: text_printf(out, "silence of %s", private_name(m, group->index)); break;
        case CHANNEL_TYPE:  text_append(out, "another type"); break;
        case CHANNEL_EVENT: text_append(out, m->jump[group->index].name); break;
        case CHANNEL_REPLY: text_printf(out, "replies of %s", m->actor[group->index].name); break;
        case CHANNEL_OWN:   text_append(out, "own later moves"); break;
        case CHANNEL_KIND_COUNT: break;
    }
}

// the largest entry of one sign that is not taken yet
static int32_t largest(const double *x, int32_t n, int sign, const bool *taken) {
    int32_t best = -1;
    for (int32_t i = 0; i < n; i++)
        if (!taken[i] && sign * x[i] > 0 && (best < 0 || sign * x[i] > sign * x[best])) best = i;
    return best;
}

void put_carriers(Text *out, const Model *m, int32_t n, const ExplainGroup *group, const double *by, double total) {
    int sign = total < 0 ? -1 : 1;
    int32_t first = -1, second = -1, against = -1;
    for (int32_t g = 0; g < n; g++) {
        if (sign * by[g] > 0 && (first < 0 || sign * by[g] > sign * by[first])) first = g;
        if (sign * by[g] < 0 && (against < 0 || sign * by[g] < sign * by[against])) against = g;
    }
    if (first < 0) return;
    for (int32_t g = 0; g < n; g++)
        if (g != first && sign * by[g] > 0 && (second < 0 || sign * by[g] > sign * by[second])) second = g;
    // one carrier of all needs no number; smaller ones are named where they are a quarter of what is to be told
    bool is_alone = fabs(by[first] - total) < 0.02 * fabs(total);
    bool has_second = second >= 0 && fabs(by[second]) >= 0.25 * fabs(total);
    bool is_against = against >= 0 && fabs(by[against]) >= 0.25 * fabs(total);
    if (is_alone && !has_second && !is_against) {
        text_append(out, ", all by ");
        put_carrier(out, m, &group[first]);
        return;
    }
    text_append(out, has_second ? ", by " : ", mostly by ");
    put_carrier(out, m, &group[first]);
    text_append(out, " (");
    put_signed(out, by[first]);
    text_char(out, ')');
    if (has_second) {
        text_append(out, " and ");
        put_carrier(out, m, &group[second]);
        text_append(out, " (");
        put_signed(out, by[second]);
        text_char(out, ')');
    }
    if (is_against) {
        text_append(out, ", against ");
        put_carrier(out, m, &group[against]);
        text_append(out, " (");
        put_signed(out, by[against]);
        text_char(out, ')');
    }
}

// "gains 0.3 through `survival`", "bears 0.2 of the cost of go", "loses 0.1 of what stop pays it"
static void put_gain(Text *out, const Explanation *e, const Part *part, double x) {
    const Model *m = e->scenario->model;
    bool is_cost = part->kind == PART_LUMP && m->jump[part->jump].kind == JUMP_MOVE && m->jump[part->jump].actor == part->actor;
    text_append(out, is_cost ? (x > 0 ? "saves " : "bears ") : x > 0 ? "gains " : "loses ");
    put_size(out, x);
    switch (part->kind) {
        case PART_TERM:   text_printf(out, " through `%s`", m->term[part->term].name); break;
        case PART_SHOCKS: text_append(out, " by private reasons"); break;
        case PART_LUMP:
            if (is_cost) text_printf(out, " of the cost of %s", m->jump[part->jump].name);
            else text_printf(out, " %s what %s pays it", x > 0 ? "from" : "of", m->jump[part->jump].name);
            break;
    }
}

void put_reason(Text *out, const Explanation *e, int32_t i_reason) {
    enum { TOLD = 4 };   // parts that a sentence can carry
    const Reasons *r = &e->reasons;
    const Reason *reason = &r->reason[i_reason];
    const Part *part = r->part[reason->actor];
    int32_t n_part = r->n_part[reason->actor];
    text_printf(out, "%s (chosen ", r->model->jump[reason->jump].name);
    put_share(out, reason->probability);
    text_append(out, " of the time) is ");
    if (!reason->is_solved) {
        text_append(out, "not explained: the linear system behind its reasons did not settle.");
        return;
    }
    double *total = memory_column(n_part);
    bool *taken = memory_zeroed((size_t)n_part, sizeof *taken);
    if (!total || !taken) { out->failed = true; goto done; }
    double most = fabs(reason->advantage), rest = 0;
    for (int32_t p = 0; p < n_part; p++) {
        for (int32_t g = 0; g < e->n_group; g++) total[p] += e->split[i_reason][p * e->n_group + g];
        most = fmax(most, fabs(total[p]));
    }
    if (fabs(reason->advantage) < fmax(e->noise, 1e-9 * most)) text_append(out, "worth the same as waiting");
    else {
        text_append(out, "worth ");
        put_size(out, reason->advantage);
        text_append(out, reason->advantage > 0 ? " more than waiting" : " less than waiting");
    }
    int n_told = 0;
    while (n_told < TOLD) {
        int32_t up = largest(total, n_part, 1, taken), down = largest(total, n_part, -1, taken);
        int32_t p = up < 0 || (down >= 0 && -total[down] > total[up]) ? down : up;
        if (p < 0 || fabs(total[p]) < 0.05 * most || !(fabs(total[p]) > 1e-9)) break;
        taken[p] = true;
        text_append(out, n_told ? "; " : ": it ");
        put_gain(out, e, &part[p], total[p]);
        put_carriers(out, r->model, e->n_group, e->group, e->split[i_reason] + p * e->n_group, total[p]);
        n_told++;
    }
    for (int32_t p = 0; p < n_part; p++) rest += taken[p] ? 0 : total[p];
    if (n_told && fabs(rest) >= 0.02 * most) {
        text_append(out, "; the rest comes to ");
        put_signed(out, rest);
    }
    text_char(out, '.');

done:
    memory_free(taken);
    memory_free(total);
}

static void put_option(Text *out, const Model *m, int32_t jump) { text_append(out, jump < 0 ? "waiting" : m->jump[jump].name); }

void put_turn(Text *out, const Explanation *e, const MindChange *c) {
    const Model *m = e->scenario->model;
    if (c->jump >= 0) {
        text_printf(out, "%s becomes %s than waiting", m->jump[c->jump].name, c->is_gain ? "better" : "worse");
        if (c->before == c->after) return;
        bool is_it = (c->is_gain ? c->after : c->before) == c->jump;
        if (is_it && (c->is_gain ? c->before : c->after) < 0) return;
        text_append(out, "; the best is then ");
        put_option(out, m, c->after);
        return;
    }
    put_option(out, m, c->after);
    text_append(out, " is then the best, no longer ");
    put_option(out, m, c->before);
}

void put_change(Text *out, const Explanation *e, const MindChange *c) {
    const Model *m = e->scenario->model;
    if (!c) {
        text_append(out, m->n_stock ? "Its mind changes nowhere along any stock, the rest of the state held."
                                    : "There is no stock along which its mind could change.");
        return;
    }
    text_printf(out, "Its mind changes soonest along `%s`: ", m->stock[c->stock].name);
    if (c->distance < 1e-12) {
        text_append(out, "it stands on the edge, at ");
    } else {
        text_append(out, c->at > c->from ? "if that rises from " : "if that falls from ");
        text_number(out, c->from, 4);
        text_append(out, " to ");
    }
    text_number(out, c->at, 4);
    text_append(out, ", ");
    put_turn(out, e, c);
    text_char(out, '.');
}

static void put_param_value(Text *out, const ModelParam *p, double value) {
    text_number(out, value / p->scale, 3);
    if (p->per) text_printf(out, " per %s", p->per);
}

void put_sensitivity(Text *out, const Explanation *e, int32_t row) {
    const DurScenario *s = e->scenario;
    if (!explain_differentiates(s)) {
        text_append(out, "How its choice answers to parameters would take too many solves where someone has a private type and there are so many states; "
                         "fewer nodes (--grid) will do.");
        return;
    }
    int32_t reason = -1, param = explain_most_sensitive(e, row, &reason);
    if (param < 0) {
        text_append(out, s->model->n_param ? "No parameter moves its choice here." : "The scenario has no parameter to vary.");
        return;
    }
    const ModelParam *p = &s->model->param[param];
    const Reason *r = &e->reasons.reason[reason];
    double value = s->session.param[param], step = adjoint_step(p, value), chance = r->probability;
    double effect = explain_effect(e, explain_target(e, row, r->jump), param);
    // first order in the log-odds, which keeps it a probability
    double odds = log(chance / (1 - chance)) + effect / (chance * (1 - chance)), then = 1 / (1 + exp(-odds));
    text_printf(out, "Its choice is most sensitive to `%s`: ", p->name);
    text_append(out, model_prior_sd(p) > 0 ? "one standard deviation of the prior more, from " : "a tenth more, from ");
    put_param_value(out, p, value);
    text_append(out, " to ");
    put_param_value(out, p, value + step);
    text_printf(out, ", takes the chance of %s", s->model->jump[r->jump].name);
    put_shares(out, " from ", chance, " to about ", then);
    text_char(out, '.');
    if (explain_has_kink(e, explain_target(e, row, r->jump), param))
        text_append(out, " Its effect has a kink just here, so one way differs from the other.");
}
