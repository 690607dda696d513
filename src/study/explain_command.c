#include "base/memory.h"
#include "study/doubts.h"
#include "study/equilibria.h"
#include "study/explain.h"
#include "study/keep.h"
#include "study/render.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/// Moves that a table of derivatives shows side by side.
#define COLUMNS_SHOWN 5

// ---- JSON ----------------------------------------------------------------------------------------------------------

static void render_state(Json *j, const Explanation *e) {
    const Model *m = e->scenario->model;
    json_key(j, "state");
    json_object(j);
    for (int32_t v = 0; v < model_variables(m); v++) {
        if (v < m->n_mode) json_pair_string(j, m->mode[v].name, m->mode[v].value[(int32_t)e->state[v]]);
        else json_pair_number(j, model_variable_name(m, v), e->state[v]);
    }
    json_end_object(j);
}

static void pair_text(Json *j, const char *key, Text *text) {
    if (text->failed) j->out->failed = true;
    json_pair_string(j, key, text_view(text));
    text_free(text);
}

static const char *channel_name(ChannelKind kind) {
    static const char *const name[CHANNEL_KIND_COUNT] = {"now", "stock", "belief", "event", "reply", "own", "type"};
    return name[kind];
}

// one entry that is not 0
static void render_entry(Json *j, const Explanation *e, const Part *part, const Channel *channel, double value) {
    const Model *m = e->scenario->model;
    static const char *const kind[] = {[PART_TERM] = "term", [PART_LUMP] = "lump", [PART_SHOCKS] = "shocks"};
    json_object(j);
    json_pair_string(j, "pays", kind[part->kind]);
    json_pair_string(j, "part", part->kind == PART_TERM ? m->term[part->term].name
                              : part->kind == PART_LUMP ? m->jump[part->jump].name : NULL);
    json_pair_string(j, "by", channel_name(channel->kind));
    json_pair_string(j, "channel", channel->index < 0 ? NULL : channel->kind == CHANNEL_STOCK ? m->stock[channel->index].name
                     : channel->kind == CHANNEL_BELIEF ? m->actor[m->private[channel->index].actor].name
                     : m->jump[channel->index].name);
    json_pair_string(j, "actor", channel->kind == CHANNEL_REPLY ? m->actor[m->jump[channel->index].actor].name : NULL);
    json_pair_number(j, "value", value);
    json_end_object(j);
}

static void render_move(Json *j, const Explanation *e, int32_t i_reason) {
    const Reasons *r = &e->reasons;
    const Reason *reason = &r->reason[i_reason];
    const Part *part = r->part[reason->actor];
    const Channel *channel = r->channel[reason->actor];
    int32_t n_part = r->n_part[reason->actor];
    json_key(j, r->model->jump[reason->jump].name);
    json_object(j);
    json_pair_number(j, "probability", reason->probability);
    json_pair_number(j, "advantage", reason->is_solved ? reason->advantage : NAN);
    json_pair_number(j, "solved_advantage", reason->solved);
    Text sentence = {0};
    put_reason(&sentence, e, i_reason);
    pair_text(j, "sentence", &sentence);

    json_key(j, "parts");
    json_array(j);
    for (int32_t p = 0; p < n_part; p++) {
        double total = 0;
        for (int32_t c = 0; c < r->n_channel; c++) total += reason->split[p * r->n_channel + c];
        if (total == 0) continue;
        Text name = {0};
        put_part(&name, e, &part[p]);
        json_object(j);
        pair_text(j, "part", &name);
        json_pair_number(j, "value", total);
        json_end_object(j);
    }
    json_end_array(j);
    json_key(j, "channels");
    json_array(j);
    for (int32_t g = 0; g < e->n_group; g++) {
        double total = 0;
        for (int32_t p = 0; p < n_part; p++) total += e->split[i_reason][p * e->n_group + g];
        if (total == 0) continue;
        Text name = {0};
        put_group(&name, e, &e->group[g]);
        json_object(j);
        pair_text(j, "channel", &name);
        json_pair_string(j, "by", channel_name(e->group[g].kind));
        json_pair_number(j, "value", total);
        json_end_object(j);
    }
    json_end_array(j);
    json_key(j, "split");
    json_array(j);
    for (int32_t p = 0; p < n_part; p++)
        for (int32_t c = 0; c < r->n_channel; c++)
            if (reason->split[p * r->n_channel + c] != 0)
                render_entry(j, e, &part[p], &channel[c], reason->split[p * r->n_channel + c]);
    json_end_array(j);
    json_end_object(j);
}

static void pair_option(Json *j, const char *key, const Model *m, int32_t jump) {
    json_pair_string(j, key, jump < 0 ? "wait" : m->jump[jump].name);
}

// true if a change is one of a row of values: an actor, or one of its types
static bool is_of_row(const Explanation *e, const MindChange *c, int32_t row) {
    return model_row(e->scenario->model, c->actor) + c->type == row;
}

static void render_changes(Json *j, const Explanation *e, int32_t row) {
    const Model *m = e->scenario->model;
    json_key(j, "changes");
    json_object(j);
    for (int32_t k = 0; k < m->n_stock; k++) {
        json_key(j, m->stock[k].name);
        json_array(j);
        for (int32_t i = 0; i < e->n_change; i++) {
            const MindChange *c = &e->change[i];
            if (!is_of_row(e, c, row) || c->stock != k) continue;
            json_object(j);
            json_pair_number(j, "at", c->at);
            json_pair_number(j, "distance", c->distance);
            json_pair_string(j, "move", c->jump < 0 ? NULL : m->jump[c->jump].name);
            json_pair_string(j, "becomes", c->jump < 0 ? NULL : c->is_gain ? "better" : "worse");
            pair_option(j, "best_before", m, c->before);
            pair_option(j, "best_after", m, c->after);
            json_end_object(j);
        }
        json_end_array(j);
    }
    json_end_object(j);
}

// params in order of what one step of them does to the actor's choices, largest first; out[n_param]
static void by_effect(const Explanation *e, int32_t actor, int32_t *out, double *size) {
    const Reasons *r = &e->reasons;
    for (int32_t p = 0; p < e->adjoint.n_param; p++) {
        double most = 0;
        for (int32_t k = 0; k < r->n_reason; k++)
            if (r->reason[k].actor == actor) {
                double effect = fabs(explain_effect(e, explain_target(e, actor, r->reason[k].jump), p));
                if (effect > most) most = effect;
            }
        int32_t at = p;
        for (; at > 0 && size[at - 1] < most; at--) {
            size[at] = size[at - 1];
            out[at] = out[at - 1];
        }
        size[at] = most;
        out[at] = p;
    }
}

static void render_slope(Json *j, const Explanation *e, int32_t target, int32_t param) {
    const ModelParam *p = &e->scenario->model->param[param];
    int64_t at = (int64_t)target * e->adjoint.n_param + param;
    json_object(j);
    json_pair_number(j, "derivative", target < 0 ? NAN : e->adjoint.derivative[at] * p->scale);
    json_pair_number(j, "effect", explain_effect(e, target, param));
    json_pair_bool(j, "kink", explain_has_kink(e, target, param));
    json_end_object(j);
}

static void render_sensitivity(Json *j, const Explanation *e, int32_t row, const int32_t *order) {
    const DurScenario *s = e->scenario;
    const Reasons *r = &e->reasons;
    json_key(j, "sensitivity");
    json_array(j);
    for (int32_t i = 0; i < e->adjoint.n_param; i++) {
        const ModelParam *p = &s->model->param[order[i]];
        double value = s->session.param[order[i]];
        json_object(j);
        json_pair_string(j, "param", p->name);
        json_pair_number(j, "at", value / p->scale);
        json_pair_number(j, "step", adjoint_step(p, value) / fabs(p->scale));
        json_pair_string(j, "step_is", model_prior_sd(p) > 0 ? "prior" : "tenth");
        json_key(j, "value");
        render_slope(j, e, explain_target(e, row, -1), order[i]);
        json_key(j, "moves");
        json_object(j);
        for (int32_t k = 0; k < r->n_reason; k++) {
            if (r->reason[k].row != row) continue;
            json_key(j, s->model->jump[r->reason[k].jump].name);
            render_slope(j, e, explain_target(e, row, r->reason[k].jump), order[i]);
        }
        json_end_object(j);
        json_end_object(j);
    }
    json_end_array(j);
}

// one row of values: an actor, or one of its types
static void render_row(Json *j, const Explanation *e, int32_t row, const int32_t *order) {
    const Reasons *r = &e->reasons;
    const Model *m = r->model;
    json_object(j);
    json_pair_number(j, "value", r->value[row]);
    json_pair_number(j, "wait", r->wait[row]);
    json_key(j, "moves");
    json_object(j);
    for (int32_t k = 0; k < r->n_reason; k++)
        if (r->reason[k].row == row) render_move(j, e, k);
    json_end_object(j);
    render_changes(j, e, row);
    if (explain_differentiates(e->scenario)) {
        int32_t reason, param = explain_most_sensitive(e, row, &reason);
        json_pair_string(j, "most_sensitive", param < 0 ? NULL : m->param[param].name);
        render_sensitivity(j, e, row, order);
    }
    json_end_object(j);
}

static void render_explanation(Json *j, const Explanation *e, int32_t actor, const int32_t *order) {
    const Model *m = e->scenario->model;
    int32_t first = model_row(m, actor), private = m->actor[actor].private;
    json_key(j, m->actor[actor].name);
    if (private < 0) {
        render_row(j, e, first, order);
        return;
    }
    json_object(j);
    for (int32_t t = 0; t < m->private[private].n_type; t++) {
        json_key(j, m->private[private].type[t]);
        render_row(j, e, first + t, order);
    }
    json_end_object(j);
}

// ---- text ----------------------------------------------------------------------------------------------------------

static void put_sentence(Text *out, Text *sentence) {
    text_append(out, "  ");
    put_wrapped(out, text_view(sentence), 2, 4);
    text_char(out, '\n');
    out->failed |= sentence->failed;
    text_free(sentence);
}

// a column of numbers with the same digits behind the point; what would be all zeros is a single one
static void cell_part(Grid *grid, double x, int decimals) {
    if (fabs(x) < 0.5 * pow(10, -decimals)) grid_cell(grid, "0");
    else grid_cell(grid, "%.*f", decimals, x);
}

// so many that the largest row total, or the advantage itself, shows three digits
static int decimals_of(double most) {
    int decimals = most > 0 ? 2 - (int)floor(log10(most)) : 2;
    return decimals < 0 ? 0 : decimals > 12 ? 12 : decimals;
}

// terms by row, and all lumps in one; kinds of channels by column
static void put_split(Text *out, const Explanation *e, int32_t i_reason) {
    const Reasons *r = &e->reasons;
    const Reason *reason = &r->reason[i_reason];
    const Part *part = r->part[reason->actor];
    int32_t n_part = r->n_part[reason->actor];
    if (!reason->is_solved) return;
    double *cell = memory_column((int64_t)(n_part + 2) * CHANNEL_KIND_COUNT), most = fabs(reason->advantage);
    if (!cell) { out->failed = true; return; }
    double *lumps = cell + n_part * CHANNEL_KIND_COUNT, *all = lumps + CHANNEL_KIND_COUNT;
    for (int32_t p = 0; p < n_part; p++)
        for (int32_t g = 0; g < e->n_group; g++) {
            double *to = part[p].kind == PART_LUMP ? lumps : cell + p * CHANNEL_KIND_COUNT;
            double value = e->split[i_reason][p * e->n_group + g];
            to[e->group[g].kind] += value;
            all[e->group[g].kind] += value;
        }
    for (int32_t p = 0; p <= n_part; p++) {
        double total = 0;
        for (int c = 0; c < CHANNEL_KIND_COUNT; c++) total += cell[p * CHANNEL_KIND_COUNT + c];
        most = fmax(most, fabs(total));
    }
    int decimals = decimals_of(most);
    static const struct { ChannelKind kind; const char *head; bool is_private; } column[] = {
        {CHANNEL_NOW, "step itself", false}, {CHANNEL_STOCK, "drifts", false},    {CHANNEL_BELIEF, "silence", true},
        {CHANNEL_EVENT, "events", false},    {CHANNEL_REPLY, "replies", false},   {CHANNEL_OWN, "own later", false},
        {CHANNEL_TYPE, "new type", true},
    };
    bool has_types = r->model->n_private > 0, is_rounds = r->model->clock == CLOCK_ROUNDS;
    Grid grid = {.align = has_types ? "lrrrrrrrr" : "lrrrrrr"};
    grid_cell(&grid, "%s", "");
    for (size_t i = 0; i < DUR_COUNT(column); i++)
        if (has_types || !column[i].is_private)
            grid_cell(&grid, "%s", is_rounds && column[i].kind == CHANNEL_STOCK ? "changes" : column[i].head);
    grid_cell(&grid, "all");
    for (int32_t p = 0; p <= n_part + 1; p++) {
        const double *row = cell + p * CHANNEL_KIND_COUNT;
        if (p < n_part && part[p].kind == PART_LUMP) continue;
        double total = 0, size = 0;
        for (int c = 0; c < CHANNEL_KIND_COUNT; c++) {
            total += row[c];
            size = fmax(size, fabs(row[c]));
        }
        if (p == n_part && size == 0) continue;
        grid_cell(&grid, "%s", p > n_part ? "all" : p == n_part ? "costs and payments"
                             : part[p].kind == PART_TERM ? r->model->term[part[p].term].name : "private reasons");
        for (size_t i = 0; i < DUR_COUNT(column); i++)
            if (has_types || !column[i].is_private) cell_part(&grid, row[column[i].kind], decimals);
        cell_part(&grid, total, decimals);
    }
    grid_print(&grid, out, 6);
    memory_free(cell);
}

static void put_changes(Text *out, const Explanation *e, int32_t row) {
    const Model *m = e->scenario->model;
    const MindChange *first = NULL;
    for (int32_t i = e->n_change - 1; i >= 0; i--)
        if (is_of_row(e, &e->change[i], row)) first = &e->change[i];
    Text sentence = {0};
    put_change(&sentence, e, first);
    put_sentence(out, &sentence);
    if (!first) return;
    Grid grid = {.align = "lrrl"};
    grid_cell(&grid, "stock");
    grid_cell(&grid, "here");
    grid_cell(&grid, "changes at");
    grid_cell(&grid, "%s", "");
    for (int32_t k = 0; k < m->n_stock; k++) {
        int n = 0;
        for (int32_t i = 0; i <= e->n_change; i++) {
            bool is_end = i == e->n_change;
            const MindChange *c = is_end ? NULL : &e->change[i];
            if (is_end ? n > 0 : !is_of_row(e, c, row) || c->stock != k) continue;
            grid_cell(&grid, "%s", n ? "" : m->stock[k].name);
            if (n) grid_cell(&grid, "%s", "");
            else grid_number(&grid, e->state[m->n_mode + k], 4);
            Text turn = {0};
            if (c) {
                grid_number(&grid, c->at, 4);
                put_turn(&turn, e, c);
            } else {
                grid_cell(&grid, "-");
                text_append(&turn, "nowhere in its range");
            }
            grid_cell(&grid, "%s", text_view(&turn));
            text_free(&turn);
            n++;
        }
    }
    grid_print(&grid, out, 6);
}

static void put_sensitivities(Text *out, const Explanation *e, int32_t row, const int32_t *order) {
    const DurScenario *s = e->scenario;
    const Reasons *r = &e->reasons;
    int32_t shown[COLUMNS_SHOWN], n_shown = 0, n_move = 0;
    for (int32_t k = 0; k < r->n_reason; k++)
        if (r->reason[k].row == row && ++n_move <= COLUMNS_SHOWN) shown[n_shown++] = k;
    Text sentence = {0};
    put_sensitivity(&sentence, e, row);
    put_sentence(out, &sentence);
    if (e->adjoint.n_param == 0) return;

    char align[8 + COLUMNS_SHOWN];
    memset(align, 'r', sizeof align);
    align[0] = 'l';
    align[4 + n_shown] = '\0';
    Grid grid = {.align = align};
    grid_cell(&grid, "one step more of");
    grid_cell(&grid, "from");
    grid_cell(&grid, "to");
    for (int32_t k = 0; k < n_shown; k++) grid_cell(&grid, "%s", s->model->jump[r->reason[shown[k]].jump].name);
    grid_cell(&grid, "its value");
    bool has_kink = false;
    for (int32_t i = 0; i < e->adjoint.n_param; i++) {
        const ModelParam *p = &s->model->param[order[i]];
        double value = s->session.param[order[i]];
        grid_cell(&grid, "%s", p->name);
        grid_number(&grid, value / p->scale, 4);
        grid_number(&grid, (value + adjoint_step(p, value)) / p->scale, 4);
        for (int32_t k = 0; k < n_shown; k++) {
            int32_t t = explain_target(e, row, r->reason[shown[k]].jump);
            bool kink = explain_has_kink(e, t, order[i]);
            has_kink |= kink;
            grid_cell(&grid, "%+.4f%s", explain_effect(e, t, order[i]), kink ? "*" : "");
        }
        grid_cell(&grid, "%+.4f", explain_effect(e, explain_target(e, row, -1), order[i]));
    }
    grid_print(&grid, out, 6);
    text_append(out, "      change of each chance and of the value, to first order; a step is a standard deviation of the\n"
                     "      prior, or a tenth where there is none\n");
    if (has_kink) text_append(out, "      * a kink: the two sides differ\n");
    if (n_move > n_shown) text_printf(out, "      (%d more moves in --json)\n", n_move - n_shown);
}

static void put_row(Text *out, const Explanation *e, int32_t row, const int32_t *order) {
    const Reasons *r = &e->reasons;
    const Model *m = r->model;
    char name[256];
    text_printf(out, "\n%s\n", row_name(m, row, name));
    Text sentence = {0};
    int32_t n = 0;
    for (int32_t k = 0; k < r->n_reason; k++) n += r->reason[k].row == row;
    if (n == 0) {
        text_append(&sentence, "Here it can only wait. Its value is ");
        text_number(&sentence, fabs(r->value[row]) < e->noise ? 0 : r->value[row], 5);
        text_append(&sentence, ".");
        put_sentence(out, &sentence);
        return;
    }
    text_append(&sentence, "At an opportunity it waits ");
    put_share(&sentence, r->wait[row]);
    text_append(&sentence, " of the time. Its value is ");
    text_number(&sentence, fabs(r->value[row]) < e->noise ? 0 : r->value[row], 5);
    text_append(&sentence, ".");
    put_sentence(out, &sentence);
    for (int32_t k = 0; k < r->n_reason; k++) {
        if (r->reason[k].row != row) continue;
        text_char(out, '\n');
        put_reason(&sentence, e, k);
        put_sentence(out, &sentence);
        put_split(out, e, k);
    }
    text_char(out, '\n');
    put_changes(out, e, row);
    text_char(out, '\n');
    put_sensitivities(out, e, row, order);
}

static void put_actor(Text *out, const Explanation *e, int32_t actor, const int32_t *order) {
    const Model *m = e->scenario->model;
    for (int32_t t = 0; t < model_types(m, actor); t++) put_row(out, e, model_row(m, actor) + t, order);
}

static void put_head(Text *out, const Explanation *e, const char *at) {
    const DurScenario *s = e->scenario;
    const Model *m = s->model;
    text_printf(out, "%s\n\n  ", m->title);
    put_solve(out, s);
    text_append(out, "\n");
    doubts_put_of(out, &s->session.equilibrium);
    put_equilibria_count(out, s);
    if (s->session.has_others) text_char(out, '\n');
    Text where = {0};
    text_append(&where, at ? "at " : "at the start: ");
    for (int32_t v = 0; v < model_variables(m); v++) {
        text_printf(&where, "%s%s=", v ? ", " : "", model_variable_name(m, v));
        if (v < m->n_mode) text_append(&where, m->mode[v].value[(int32_t)e->state[v]]);
        else text_number(&where, e->state[v], 6);
    }
    put_sentence(out, &where);
    if (m->n_actor == 0) return;
    text_append(out, "\n  A split compares the move with waiting. The step itself is what the new state would be worth if it\n"
                     "  lasted, and the move's own cost; what changes it later carries the rest.\n");
}

// ---- the command ---------------------------------------------------------------------------------------------------

static DurStatus read_actor(const Model *m, const char *name, int32_t *out, DurError *error) {
    *out = -1;
    if (!name) return DUR_OK;
    *out = model_find_actor(m, name);
    if (*out >= 0) return DUR_OK;
    const char **all = memory_zeroed((size_t)m->n_actor, sizeof *all);
    if (!all) return status_fail(error, DUR_MEMORY, "out of memory");
    for (int32_t i = 0; i < m->n_actor; i++) all[i] = m->actor[i].name;
    const char *near = text_nearest(name, all, m->n_actor);
    Text names = {0};
    for (int32_t i = 0; i < m->n_actor; i++) text_printf(&names, "%s`%s`", i ? ", " : "", all[i]);
    if (near) status_fail(error, DUR_INPUT, "there is no actor called `%.200s`; did you mean `%s`?", name, near);
    else status_fail(error, DUR_INPUT, "there is no actor called `%.200s`; there are %s", name,
                     m->n_actor ? text_view(&names) : "none");
    text_free(&names);
    memory_free((void *)all);
    return DUR_INPUT;
}

static DurStatus explain_to(DurScenario *s, const DurOptions *options, DurResult *result, Explanation *e, DurError *error) {
    // what cannot be read is told before the work, not after it
    const Model *m = s->model;
    double state[MODEL_VARIABLES_MAX];
    int32_t actor;
    study_start(s, state);
    if (options->at) TRY(lang_read_state(m, options->at, state, error));
    TRY(read_actor(m, options->actor, &actor, error));
    TRY(study_equilibrium(s, false, error));
    TRY(study_unmet(s, error));
    TRY(explain_make(e, s, state, actor, error));

    int32_t *order = memory_zeroed((size_t)m->n_param, sizeof *order);
    double *size = memory_column(m->n_param);
    DurStatus status = order && size ? DUR_OK : status_fail(error, DUR_MEMORY, "out of memory");
    if (status == DUR_OK) {
        Json j = json_make(&result->json);
        json_object(&j);
        render_identity(&j, s);
        json_pair_string(&j, "at", options->at);
        render_state(&j, e);
        json_pair_number(&j, "residual", s->session.equilibrium.certificate.residual);
        json_key(&j, "actors");
        json_object(&j);
        put_head(&result->text, e, options->at);
        for (int32_t i = 0; i < m->n_actor; i++) {
            if (!explain_has(e, i)) continue;
            by_effect(e, i, order, size);
            render_explanation(&j, e, i, order);
            put_actor(&result->text, e, i, order);
        }
        json_end_object(&j);
        render_equilibria(&j, s);
        json_end_object(&j);
        if (m->n_actor == 0) text_append(&result->text, "\n  Nobody chooses here: the scenario has no actors.\n");
    }
    memory_free(size);
    memory_free(order);
    return status;
}

// the tables are about the state that was asked about
static DurStatus keep_frames(PageFrames *frames, DurScenario *s, const DurOptions *options, const Explanation *e, DurError *error) {
    Answer at;
    DurStatus status = answer_make(&at, s, options->at ? e->state : NULL, error);
    if (status == DUR_OK)
        status = page_frames(frames, s, options,
                             &(RunAnswers){.first_policy = -1, .at = &at, .is_explained = true, .reasons = *e}, error);
    answer_free(&at);
    return status;
}

static DurStatus explain(DurScenario *s, const DurOptions *options, DurResult *result, PageFrames *frames, DurError *error) {
    Explanation e = {0};
    DurStatus status = explain_to(s, options, result, &e, error);
    if (status == DUR_OK) status = keep_frames(frames, s, options, &e, error);
    explain_free(&e);
    return status;
}

DurStatus dur_explain(DurScenario *s, const DurOptions *options, DurResult **out, char error[1024]) {
    DurError why = {0};
    DurResult *result = NULL;
    DurStatus status = study_begin(s, &options, &result, &why);
    if (status == DUR_OK) status = keep_work(s, options, "explain", NULL, explain, result, &why);
    return result_finish(&result, out, status, &why, error);
}
