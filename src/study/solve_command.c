#include "base/memory.h"
#include "study/equilibria.h"
#include "study/render.h"
#include "study/result.h"
#include "study/study.h"

#include <math.h>

// values and choices at one state
typedef struct Answer {
    double *value, *choice, *wait;   // [n_actor], [n_jump], [n_actor]
} Answer;

static void answer_free(Answer *a) {
    memory_free(a->value);
    memory_free(a->choice);
    memory_free(a->wait);
}

static DurStatus ask_at(const DurScenario *s, const double *state, Answer *out, DurError *error) {
    const Model *m = s->model;
    out->value = memory_column(m->n_actor);
    out->choice = memory_column(m->n_jump);
    out->wait = memory_column(m->n_actor);
    if (!out->value || !out->choice || !out->wait) return status_fail(error, DUR_MEMORY, "out of memory");
    return game_at(s->session.equilibrium.policy, state, out->value, out->choice, out->wait, error);
}

static void render_certificate(Json *j, const DurScenario *s) {
    const GameSolution *g = &s->session.equilibrium;
    json_key(j, "certificate");
    json_object(j);
    json_pair_number(j, "residual", g->certificate.residual);
    json_pair_number(j, "consistency", g->certificate.consistency);
    json_key(j, "regret");
    json_object(j);
    for (int32_t a = 0; a < s->model->n_actor; a++)
        json_pair_number(j, s->model->actor[a].name, g->certificate.regret ? g->certificate.regret[a] : NAN);
    json_end_object(j);
    json_end_object(j);
}

void render_values(Json *j, const Model *m, const double *value) {
    json_key(j, "values");
    json_object(j);
    for (int32_t a = 0; a < m->n_actor; a++) json_pair_number(j, m->actor[a].name, value[a]);
    json_end_object(j);
}

void render_choices(Json *j, const Model *m, const double *choice, const double *wait) {
    // a move that cannot be made there has probability 0, and is listed below
    json_key(j, "choices");
    json_object(j);
    for (int32_t a = 0; a < m->n_actor; a++) {
        json_key(j, m->actor[a].name);
        json_object(j);
        for (int32_t k = 0; k < m->n_jump; k++)
            if (m->jump[k].kind == JUMP_MOVE && m->jump[k].actor == a)
                json_pair_number(j, m->jump[k].name, isfinite(choice[k]) ? choice[k] : 0);
        json_pair_number(j, "wait", wait[a]);
        json_end_object(j);
    }
    json_end_object(j);
    json_key(j, "unavailable");
    json_array(j);
    for (int32_t k = 0; k < m->n_jump; k++)
        if (m->jump[k].kind == JUMP_MOVE && !isfinite(choice[k])) json_string(j, m->jump[k].name);
    json_end_array(j);
}

void render_solution(Json *j, const DurScenario *s, const double *value, const double *choice, const double *wait) {
    const Model *m = s->model;
    const GameSolution *g = &s->session.equilibrium;
    json_pair_int(j, "states", s->session.lattice->n_state);
    json_pair_bool(j, "converged", g->verdict == GAME_CONVERGED);
    render_values(j, m, value);
    render_choices(j, m, choice, wait);
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
    if (g->verdict != GAME_CONVERGED)
        text_printf(out, "  These numbers are where the solver stopped, not an equilibrium. %s\n", g->note);
    else if (!g->is_principal)
        text_printf(out, "  This is an equilibrium, but not on the branch that starts at precision 0: %s\n", g->note);
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
    for (int32_t a = 0; c->regret && a < s->model->n_actor; a++) {
        if (!isfinite(c->regret[a])) continue;
        grid_cell(&grid, "regret of %s", s->model->actor[a].name);
        grid_number(&grid, c->regret[a], 3);
        grid_cell(&grid, "%s", a == 0 ? "the most it could gain at the start by deviating perfectly" : "");
    }
    grid_print(&grid, out, 4);
}

static void put_choices(Text *out, const DurScenario *s, const char *where, const double *value, const double *choice,
                        const double *wait) {
    const Model *m = s->model;
    text_printf(out, "\n  values %s\n", where);
    Grid grid = {.align = "lr"};
    for (int32_t a = 0; a < m->n_actor; a++) {
        grid_cell(&grid, "%s", m->actor[a].name);
        grid_number(&grid, value[a], 6);
    }
    grid_print(&grid, out, 4);

    text_printf(out, "\n  choices %s, at an opportunity\n", where);
    grid = (Grid){.align = "llr"};
    for (int32_t a = 0; a < m->n_actor; a++) {
        grid_cell(&grid, "%s", m->actor[a].name);
        grid_cell(&grid, "wait");
        grid_cell(&grid, "%.4f", wait[a]);
        for (int32_t k = 0; k < m->n_jump; k++) {
            if (m->jump[k].kind != JUMP_MOVE || m->jump[k].actor != a || !isfinite(choice[k])) continue;
            grid_cell(&grid, "%s", "");
            grid_cell(&grid, "%s", m->jump[k].name);
            grid_cell(&grid, "%.4f", choice[k]);
        }
    }
    grid_print(&grid, out, 4);
}

static DurStatus solve(DurScenario *s, const DurOptions *options, DurResult *result, DurError *error) {
    // a state that cannot be read is told before the work, not after it
    double state[MODEL_VARIABLES_MAX];
    study_start(s, state);
    if (options->at) TRY(lang_read_state(s->model, options->at, state, error));
    TRY(study_equilibrium(s, !options->no_certificate, error));

    const GameSolution *g = &s->session.equilibrium;
    Answer at = {0};
    if (options->at) {
        DurStatus status = ask_at(s, state, &at, error);
        if (status != DUR_OK) {
            answer_free(&at);
            return status;
        }
    }
    const double *value = options->at ? at.value : g->value_start;
    const double *choice = options->at ? at.choice : g->choice_start;
    const double *wait = options->at ? at.wait : g->wait_start;

    Json j = json_make(&result->json);
    json_object(&j);
    render_identity(&j, s);
    json_pair_string(&j, "at", options->at);
    render_solution(&j, s, value, choice, wait);
    json_end_object(&j);

    Text where = {0};
    if (options->at) text_printf(&where, "at %s", options->at);
    else text_append(&where, "at the start");
    put_headline(&result->text, s);
    put_certificate(&result->text, s);
    put_choices(&result->text, s, text_view(&where), value, choice, wait);
    put_equilibria(&result->text, s);
    text_free(&where);
    answer_free(&at);
    return study_unmet(s, error);
}

DurStatus dur_solve(DurScenario *s, const DurOptions *options, DurResult **out, char error[1024]) {
    DurError why = {0};
    DurResult *result = NULL;
    DurStatus status = study_begin(s, &options, &result, &why);
    if (status == DUR_OK) status = solve(s, options, result, &why);
    return result_finish(&result, out, status, &why, error);
}
