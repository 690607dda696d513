#include "base/memory.h"
#include "study/doubts.h"
#include "study/equilibria.h"
#include "study/keep.h"
#include "study/render.h"
#include "study/result.h"
#include "study/study.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

void answer_free(Answer *a) {
    memory_free(a->value);
    memory_free(a->choice);
    memory_free(a->wait);
    memory_free(a->type_choice);
    memory_free(a->type_wait);
    memory_free(a->belief);
}

DurStatus answer_make(Answer *out, const DurScenario *s, const double *state, DurError *error) {
    const Model *m = s->model;
    const GameSolution *g = &s->session.equilibrium;
    int32_t n_row = model_rows(m);
    *out = (Answer){.value = memory_column(n_row), .choice = memory_column(m->n_jump), .wait = memory_column(m->n_actor),
                    .state = state};
    if (!out->value || !out->choice || !out->wait) return status_fail(error, DUR_MEMORY, "out of memory");
    if (state) TRY(game_at(g->policy, state, out->value, out->choice, out->wait, error));
    else {
        memcpy(out->value, g->value_start, (size_t)n_row * sizeof *out->value);
        memcpy(out->choice, g->choice_start, (size_t)m->n_jump * sizeof *out->choice);
        memcpy(out->wait, g->wait_start, (size_t)m->n_actor * sizeof *out->wait);
    }
    if (m->n_private == 0) return DUR_OK;
    out->type_choice = memory_column((int64_t)n_row * m->n_jump);
    out->type_wait = memory_column(n_row);
    out->belief = memory_column((int64_t)m->n_jump * MODEL_TYPES_MAX);
    if (!out->type_choice || !out->type_wait || !out->belief) return status_fail(error, DUR_MEMORY, "out of memory");
    return game_types_at(g->policy, state, out->type_choice, out->type_wait, out->belief, error);
}

// belief in one type at the state asked about
static double belief_now(const Model *m, const Answer *at, const ModelPrivate *p, int32_t type) {
    if (!at->state) return p->start[type];
    if (type > 0) return at->state[p->variable + type - 1];
    double rest = 1;
    for (int32_t t = 1; t < p->n_type; t++) rest -= at->state[p->variable + t - 1];
    return rest > 0 ? rest : 0;
}

// {"sender": x}, or {"sender": {"bluffing": x, "resolved": y}} where it has types; x by row
static void render_rows(Json *j, const Model *m, const char *key, const double *x) {
    json_key(j, key);
    json_object(j);
    for (int32_t a = 0, row = 0; a < m->n_actor; a++) {
        int32_t p = m->actor[a].private;
        if (p >= 0) {
            json_key(j, m->actor[a].name);
            json_object(j);
        }
        for (int32_t t = 0; t < model_types(m, a); t++, row++)
            json_pair_number(j, p < 0 ? m->actor[a].name : m->private[p].type[t], x ? x[row] : NAN);
        if (p >= 0) json_end_object(j);
    }
    json_end_object(j);
}

static void render_certificate(Json *j, const DurScenario *s) {
    const GameSolution *g = &s->session.equilibrium;
    json_key(j, "certificate");
    json_object(j);
    json_pair_number(j, "residual", g->certificate.residual);
    json_pair_number(j, "consistency", g->certificate.consistency);
    render_rows(j, s->model, "regret", g->certificate.regret);
    json_end_object(j);
}

void render_values(Json *j, const Model *m, const double *value) { render_rows(j, m, "values", value); }

// what one actor, or one of its types, does; a move that cannot be made there has probability 0
static void render_choice(Json *j, const Model *m, int32_t actor, const double *choice, double wait) {
    json_object(j);
    for (int32_t k = 0; k < m->n_jump; k++)
        if (m->jump[k].kind == JUMP_MOVE && m->jump[k].actor == actor)
            json_pair_number(j, m->jump[k].name, isfinite(choice[k]) ? choice[k] : 0);
    json_pair_number(j, "wait", wait);
    json_end_object(j);
}

static void render_unavailable(Json *j, const Model *m, const double *choice) {
    json_key(j, "unavailable");
    json_array(j);
    for (int32_t k = 0; k < m->n_jump; k++)
        if (m->jump[k].kind == JUMP_MOVE && !isfinite(choice[k])) json_string(j, m->jump[k].name);
    json_end_array(j);
}

void render_choices(Json *j, const Model *m, const double *choice, const double *wait) {
    json_key(j, "choices");
    json_object(j);
    for (int32_t a = 0; a < m->n_actor; a++) {
        json_key(j, m->actor[a].name);
        render_choice(j, m, a, choice, wait[a]);
    }
    json_end_object(j);
    render_unavailable(j, m, choice);
}

// what others believe now, and what after each move that can be made
static void render_beliefs(Json *j, const Model *m, const Answer *at) {
    json_key(j, "beliefs");
    json_object(j);
    for (const ModelPrivate *p = m->private; p < m->private + m->n_private; p++) {
        json_key(j, m->actor[p->actor].name);
        json_object(j);
        json_key(j, "now");
        json_object(j);
        for (int32_t t = 0; t < p->n_type; t++) json_pair_number(j, p->type[t], belief_now(m, at, p, t));
        json_end_object(j);
        json_key(j, "after");
        json_object(j);
        for (int32_t k = 0; k < m->n_jump; k++) {
            const double *b = at->belief + k * MODEL_TYPES_MAX;
            if (m->jump[k].kind != JUMP_MOVE || m->jump[k].actor != p->actor || !isfinite(b[0])) continue;
            json_key(j, m->jump[k].name);
            json_object(j);
            for (int32_t t = 0; t < p->n_type; t++) json_pair_number(j, p->type[t], b[t]);
            json_end_object(j);
        }
        json_end_object(j);
        json_end_object(j);
    }
    json_end_object(j);
}

// the same by type, and what each move tells
static void render_type_choices(Json *j, const Model *m, const Answer *at) {
    json_key(j, "choices");
    json_object(j);
    for (int32_t a = 0, row = 0; a < m->n_actor; row += model_types(m, a), a++) {
        int32_t p = m->actor[a].private;
        json_key(j, m->actor[a].name);
        if (p < 0) {
            render_choice(j, m, a, at->choice, at->wait[a]);
            continue;
        }
        json_object(j);
        for (int32_t t = 0; t < m->private[p].n_type; t++) {
            json_key(j, m->private[p].type[t]);
            render_choice(j, m, a, at->type_choice + (row + t) * m->n_jump, at->type_wait[row + t]);
        }
        json_end_object(j);
    }
    json_end_object(j);
    render_beliefs(j, m, at);
    render_unavailable(j, m, at->choice);
}

void render_solution(Json *j, const DurScenario *s, const Answer *at) {
    const Model *m = s->model;
    const GameSolution *g = &s->session.equilibrium;
    json_pair_int(j, "states", s->session.lattice->n_state);
    json_pair_bool(j, "converged", g->verdict == GAME_CONVERGED);
    render_values(j, m, at->value);
    if (m->n_private) render_type_choices(j, m, at);
    else              render_choices(j, m, at->choice, at->wait);
    render_certificate(j, s);
    json_pair_number(j, "tolerance", s->session.tolerance > 0 ? s->session.tolerance : GAME_TOLERANCE);
    json_pair_int(j, "iterations", g->n_sweep);
    json_pair_int(j, "steps", g->n_step);
    json_pair_number(j, "seconds", g->seconds);
    json_pair_number(j, "certificate_seconds", g->certificate_seconds);
    json_pair_int(j, "bytes", g->n_byte + s->session.lattice->n_byte);
    json_pair_bool(j, "principal", g->is_principal);
    json_pair_int(j, "folds", g->n_fold);
    json_pair_string(j, "how", g->how);
    if (g->note[0]) json_pair_string(j, "note", g->note);
    render_equilibria(j, s);
}

// what was solved and what it took, in one sentence
static void put_headline(Text *out, const DurScenario *s) {
    text_printf(out, "%s\n\n  ", s->model->title);
    put_solve(out, s);
    text_append(out, "\n");
    const GameSolution *g = &s->session.equilibrium;
    if (g->how[0]) text_printf(out, "  found by: %s\n", g->how);
    if (g->verdict != GAME_CONVERGED)
        text_printf(out, "  These numbers are where the solver stopped, not an equilibrium. %s\n", g->note);
    else doubts_put_of(out, g);
}

const char *row_name(const Model *m, int32_t row, char name[256]) {
    int32_t type, actor = model_row_actor(m, row, &type), p = m->actor[actor].private;
    if (p < 0) snprintf(name, 256, "%.250s", m->actor[actor].name);
    else snprintf(name, 256, "%.120s (%.120s)", m->actor[actor].name, m->private[p].type[type]);
    return name;
}

static void put_certificate(Text *out, const DurScenario *s) {
    const GameCertificate *c = &s->session.equilibrium.certificate;
    text_append(out, "\n  certificate\n");
    Grid grid = {.align = "lrl"};
    grid_cell(&grid, "residual");
    grid_cell(&grid, "%.1e", c->residual);
    grid_cell(&grid, "how far the values are from solving their equations, of the largest value");
    if (isfinite(c->consistency)) {
        grid_cell(&grid, "consistency");
        grid_cell(&grid, "%.1e", c->consistency);
        grid_cell(&grid, "how far any choice is from the answer to its exact values");
    }
    for (int32_t r = 0; c->regret && r < model_rows(s->model); r++) {
        if (!isfinite(c->regret[r])) continue;
        char who[256];
        grid_cell(&grid, "regret of %s", row_name(s->model, r, who));
        grid_number(&grid, c->regret[r], 3);
        grid_cell(&grid, "%s", r == 0 ? "the most it could gain at the start by deviating perfectly" : "");
    }
    grid_print(&grid, out, 4);
    if (c->is_unsettled) text_append(out, "    " UNSETTLED "\n");
}

// what others believe, now and after each visible move: a column a type
static void put_beliefs(Text *out, const Model *m, const Answer *at, const char *where) {
    for (const ModelPrivate *p = m->private; p < m->private + m->n_private; p++) {
        char align[MODEL_TYPES_MAX + 2] = "l";
        text_printf(out, "\n  what others believe of %s %s, and after a move\n", m->actor[p->actor].name, where);
        for (int32_t t = 0; t < p->n_type; t++) align[1 + t] = 'r';
        Grid grid = {.align = align};
        grid_cell(&grid, "%s", "");
        for (int32_t t = 0; t < p->n_type; t++) grid_cell(&grid, "%s", p->type[t]);
        grid_cell(&grid, "now");
        for (int32_t t = 0; t < p->n_type; t++) grid_cell(&grid, "%.4f", belief_now(m, at, p, t));
        for (int32_t k = 0; k < m->n_jump; k++) {
            const double *b = at->belief + k * MODEL_TYPES_MAX;
            if (m->jump[k].kind != JUMP_MOVE || m->jump[k].actor != p->actor || !isfinite(b[0])) continue;
            grid_cell(&grid, "%s%s", m->jump[k].name, m->jump[k].is_secret ? " (secret)" : "");
            for (int32_t t = 0; t < p->n_type; t++) grid_cell(&grid, "%.4f", b[t]);
        }
        grid_print(&grid, out, 4);
    }
}

static void put_choices(Text *out, const DurScenario *s, const char *where, const Answer *at) {
    const Model *m = s->model;
    char who[256];
    text_printf(out, "\n  values %s\n", where);
    Grid grid = {.align = "lr"};
    for (int32_t r = 0; r < model_rows(m); r++) {
        grid_cell(&grid, "%s", row_name(m, r, who));
        grid_number(&grid, at->value[r], 6);
    }
    grid_print(&grid, out, 4);

    text_printf(out, "\n  choices %s, at an opportunity\n", where);
    grid = (Grid){.align = "llr"};
    for (int32_t r = 0; r < model_rows(m); r++) {
        int32_t type, a = model_row_actor(m, r, &type);
        const double *choice = at->type_choice ? at->type_choice + r * m->n_jump : at->choice;
        grid_cell(&grid, "%s", row_name(m, r, who));
        grid_cell(&grid, "wait");
        grid_cell(&grid, "%.4f", at->type_wait ? at->type_wait[r] : at->wait[a]);
        for (int32_t k = 0; k < m->n_jump; k++) {
            if (m->jump[k].kind != JUMP_MOVE || m->jump[k].actor != a || !isfinite(choice[k])) continue;
            grid_cell(&grid, "%s", "");
            grid_cell(&grid, "%s", m->jump[k].name);
            grid_cell(&grid, "%.4f", choice[k]);
        }
    }
    grid_print(&grid, out, 4);
    put_beliefs(out, m, at, where);
}

static DurStatus solve(DurScenario *s, const DurOptions *options, DurResult *result, PageFrames *frames, DurError *error) {
    // a state that cannot be read is told before the work, not after it
    double state[MODEL_VARIABLES_MAX];
    study_start(s, state);
    if (options->at) TRY(lang_read_state(s->model, options->at, state, error));
    TRY(study_equilibrium(s, !options->no_certificate, error));

    Answer at;
    DurStatus status = answer_make(&at, s, options->at ? state : NULL, error);
    if (status != DUR_OK) {
        answer_free(&at);
        return status;
    }
    Json j = json_make(&result->json);
    json_object(&j);
    render_identity(&j, s);
    json_pair_string(&j, "at", options->at);
    render_solution(&j, s, &at);
    json_end_object(&j);

    Text where = {0};
    if (options->at) text_printf(&where, "at %s", options->at);
    else text_append(&where, "at the start");
    put_headline(&result->text, s);
    put_certificate(&result->text, s);
    put_choices(&result->text, s, text_view(&where), &at);
    put_equilibria(&result->text, s);
    text_free(&where);
    status = page_frames(frames, s, options, &(RunAnswers){.first_policy = -1, .at = &at}, error);
    answer_free(&at);
    return status == DUR_OK ? study_unmet(s, error) : status;
}

DurStatus dur_solve(DurScenario *s, const DurOptions *options, DurResult **out, char error[1024]) {
    DurError why = {0};
    DurResult *result = NULL;
    DurStatus status = study_begin(s, &options, &result, &why);
    if (status == DUR_OK) status = keep_work(s, options, "solve", NULL, solve, result, &why);
    return result_finish(&result, out, status, &why, error);
}
