/// Games that were solved: on their own, for every question, or of a stage, among the parts of long work.
#include "base/memory.h"
#include "base/sha256.h"
#include "game/pack.h"
#include "game/sweep.h"
#include "study/keep.h"

#include <stdio.h>
#include <string.h>

/// What keeping costs, about: a transaction, and bytes a second through log and file.
#define COST_SECONDS 0.001
#define COST_SPEED 1e8
/// Share of the work that keeping may take, as one part in so many.
#define SHARE 16

/// A part that is no stretch of runs.
#define NO_RUN (-1)

static void add(Sha256 *sha, const void *data, size_t n) {
    uint64_t length = n;
    sha256_add(sha, &length, sizeof length);
    if (n) sha256_add(sha, data, n);
}

static void add_words(Sha256 *sha, const char *words) { add(sha, words ? words : "", words ? strlen(words) : 0); }

static void add_rule(Sha256 *sha, const Model *m, const LatticeRule *rule) {
    if (!rule || rule->actor < 0) return;
    const int32_t head[3] = {rule->actor, rule->n_always, (int32_t)rule->precision};
    add(sha, head, sizeof head);
    add(sha, rule->never, (size_t)m->n_jump * sizeof *rule->never);
    add(sha, rule->always, (size_t)rule->n_always * sizeof *rule->always);
    add(sha, rule->always_when, (size_t)rule->n_always * sizeof *rule->always_when);
}

// the beginning of all names of the stage
static int stage_name(const DurScenario *s, const char *what, char name[KEEP_GAME_NAME]) {
    return snprintf(name, KEEP_GAME_NAME, "%.160s%s ", s->stage ? s->stage : "", what);
}

void keep_game_name(const DurScenario *s, const GameOptions *o, char name[KEEP_GAME_NAME]) {
    const Session *now = &s->session;
    const Lattice *l = now->lattice;
    const Model *m = s->model;
    name[0] = '\0';
    if (!s->keeper) return;
    // values stand in the order of declarations, which the model's hash leaves out; the words of the files have it
    Text words = {0};
    lang_words(&words, s->compilation.file, keep_file_count(s));
    if (words.failed) return;
    Sha256 sha;
    sha256_start(&sha);
    add_words(&sha, DURESS_VERSION);
    add_words(&sha, text_view(&words));
    add_words(&sha, m->account);
    text_free(&words);
    add(&sha, now->param, (size_t)m->n_param * sizeof *now->param);
    add(&sha, now->n_node, now->n_node ? (size_t)model_variables(m) * sizeof *now->n_node : 0);
    const int64_t whole[2] = {l->n_state, o->max_sweep};
    add(&sha, whole, sizeof whole);
    add(&sha, &o->tolerance, sizeof o->tolerance);
    add_rule(&sha, m, o->rule);
    // advantages that come with values belong to them
    int64_t n_warm = m->clock == CLOCK_ROUNDS ? m->n_actor * l->n_state : sweep_size(l);
    add(&sha, o->warm, o->warm ? (size_t)n_warm * sizeof *o->warm : 0);
    int n = stage_name(s, "game", name);
    char hex[65];
    sha256_hex(&sha, hex);
    snprintf(name + n, KEEP_GAME_NAME - (size_t)n, "%s", hex);
}

static bool load(const DurScenario *s, const char *name, Text *data) {
    Keeper *k = s->keeper;
    if (!k || !name[0]) return false;
    if (s->stage) return k->sim.load(k->sim.context, name, NO_RUN, data) == 1;
    // what cannot be read is solved again
    bool is_there = false;
    if (k->options->fresh || store_get_game(k->store, name, &is_there, data, NULL) != DUR_OK) return false;
    return is_there;
}

// whether it pays: solving took so long
static bool pays(const DurScenario *s, const char *name, size_t n_byte, double seconds) {
    return s->keeper && name[0] && n_byte <= (s->stage ? KEEP_STAGE_BYTES : KEEP_GAME_BYTES) &&
           SHARE * (COST_SECONDS + (double)n_byte / COST_SPEED) <= seconds;
}

static void save(const DurScenario *s, const char *name, const Text *data) {
    Keeper *k = s->keeper;
    if (data->failed || k->trouble.text[0] || k->game_trouble.text[0]) return;
    if (s->stage) k->sim.save(k->sim.context, name, NO_RUN, 1, text_view(data), data->length);
    else if (store_put_game(k->store, name, text_view(data), data->length, KEEP_GAMES_BYTES, &k->game_trouble) == DUR_OK) k->n_saved++;
}

bool keep_load_game(const DurScenario *s, const char *name, const LatticeRule *rule, GameSolution *out) {
    Text data = {0};
    // what cannot be read is solved again
    bool fine = load(s, name, &data) &&
                game_unpack(out, s->session.lattice, rule, s->team, text_view(&data), data.length, NULL) == DUR_OK;
    text_free(&data);
    if (fine) s->keeper->n_known += !s->stage;
    return fine;
}

void keep_save_game(const DurScenario *s, const char *name, const GameSolution *g) {
    if (!pays(s, name, game_pack_bytes(g), g->seconds + g->certificate_seconds)) return;
    Text data = {0};
    game_pack(&data, g);
    save(s, name, &data);
    text_free(&data);
}

bool keep_load_equilibria(const DurScenario *s, const char *name, int64_t n_value, GameEquilibria *out) {
    Text data = {0};
    bool fine = load(s, name, &data) &&
                game_equilibria_unpack(out, s->session.lattice, n_value, text_view(&data), data.length, NULL) == DUR_OK;
    text_free(&data);
    return fine;
}

void keep_save_equilibria(const DurScenario *s, const char *name, int64_t n_value, const GameEquilibria *list) {
    if (!pays(s, name, (size_t)list->n * (size_t)n_value * sizeof(double), list->seconds)) return;
    Text data = {0};
    game_equilibria_pack(&data, list, s->session.lattice, n_value);
    save(s, name, &data);
    text_free(&data);
}

void keep_drop_games(const DurScenario *s) {
    Keeper *k = s->keeper;
    char name[KEEP_GAME_NAME];
    if (!k || k->trouble.text[0]) return;
    stage_name(s, "game", name);
    store_drop_parts(k->store, k->id, name, &k->trouble);
}
