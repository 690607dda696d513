/// A scenario as text, compiled and on its lattice, for the tests of `game`.
#ifndef TEST_GAME_CASE_H
#define TEST_GAME_CASE_H

#include "../check.h"

#include "game/game.h"
#include "lang/lang.h"

typedef struct Case {
    Compilation c;
    Model *model;
    Lattice *lattice;
    double param[64], state[64];     // state: at the start, for models without beliefs
    GameSolution solution;           // freed with the case, if anything was put there
} Case;

static inline void case_open(Case *k, const char *text) {
    DurError error = {0};
    *k = (Case){0};
    CHECK_OK(lang_compile_text(&k->c, "test.duress", text, strlen(text), NULL, 0, &error));
    k->model = lang_take_model(&k->c);
    if (!k->model) {
        Text out = {0};
        diagnostics_print(&k->c.diagnostics, k->c.file, k->c.n_file, &out);
        fail_msg("%s\n%s", text_view(&out), text);
    }
    model_params(k->model, k->param);
    for (int32_t i = 0; i < k->model->n_stock; i++)
        k->state[k->model->n_mode + i] = eval_state(k->model, k->model->stock[i].start, NULL, k->param, NULL, NULL);
    if (lattice_make(&k->lattice, k->model, k->param, &error) != DUR_OK) fail_msg("%s\n%s", error.text, text);
}

static inline void case_close(Case *k) {
    game_free(&k->solution);
    lattice_free(k->lattice);
    model_free(k->model);
    lang_free(&k->c);
    *k = (Case){0};
}

static inline void solved(GameSolution *s, const Case *k, const GameOptions *options) {
    DurError error = {0};
    if (game_solve(s, k->lattice, options, NULL, &error) != DUR_OK) fail_msg("%s", error.text);
    if (s->verdict != GAME_CONVERGED) fail_msg("%s: %s", k->model->title, s->note);
}

#endif
