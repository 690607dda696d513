/// Certificates of a game in rounds, from the lattice's operators (lattice/round.h) and the finished policy alone.
#include "base/memory.h"
#include "game/certifier.h"
#include "game/part.h"
#include "lattice/round.h"
#include "num/gmres_double.h"
#include "num/linear.h"

#include <math.h>
#include <string.h>

/// Linear solves behind the certificates go this far, relative to their right side.
#define EXACT 1e-12
#define LOOSE 1e-3
#define FINE 1e-10
#define APPLIES_MOST 4000
#define KEEP 40

typedef struct Rounds {
    double *reward, *other, *room;   // [n_state]
    double *wait, *made;             // [n_state]
    double *shocks;                  // [2 x n_lane]
    double *advantage;               // [n_move of the actor x n_state]
    const Policy *applied;           // whose chain is at hand
} Rounds;

static int32_t most_moves(const Model *m) {
    int32_t most = 0;
    for (int32_t i = 0; i < m->n_actor; i++) {
        int32_t k = 0;
        for (int32_t j = 0; j < m->n_jump; j++) k += model_is_move_of(m, j, i);
        most = k > most ? k : most;
    }
    return most;
}

static double rounds_certifier_bytes(const Lattice *l, int n_thread) {
    (void)n_thread;
    return 8.0 * (5.0 + most_moves(l->model) + KEEP + 2) * (double)l->n_state;
}

static int64_t rounds_room(const Lattice *l) {
    (void)l;
    return 0;
}

static void rounds_close(Certifier *c) {
    Rounds *k = c->own;
    if (!k) return;
    memory_free(k->advantage);
    memory_free(k->shocks);
    memory_free(k->made);
    memory_free(k->wait);
    memory_free(k->room);
    memory_free(k->other);
    memory_free(k->reward);
    memory_free(k);
}

static DurStatus rounds_open(Certifier *c, bool whole) {
    const Lattice *l = c->lattice;
    int64_t n = l->n_state;
    Rounds *k = c->own = memory_zeroed(1, sizeof *k);
    if (!k) return DUR_MEMORY;
    k->reward = memory_column(n);
    k->other = memory_column(n);
    k->room = memory_column(n);
    k->wait = memory_column(n);
    k->made = memory_column(n);
    k->shocks = memory_column(2 * l->n_lane);
    k->advantage = memory_column(whole ? most_moves(l->model) * n : 0);
    bool made = k->reward && k->other && k->room && k->wait && k->made && k->shocks && k->advantage;
    return made ? DUR_OK : DUR_MEMORY;
}

// values and advantages are both unknowns of a round: numbers are relative to the largest of either
static double rounds_size(const Policy *p) {
    double size = vector_sup(p->value, (int64_t)p->lattice->model->n_actor * p->lattice->n_state);
    double advantage = vector_sup(p->advantage, p->n_entry);
    return advantage > size ? advantage : size;
}

// under `choice taste`, the mean shock of what is picked
static void add_shocks(const Certifier *c, const Policy *p, int32_t stage, double *y) {
    const Lattice *l = c->lattice;
    Rounds *k = c->own;
    if (l->model->choice != CHOICE_TASTE || round_stage_of(l->model, c->actor) != stage) return;
    for (int64_t b = 0; b < l->n_block; b++) {
        LatticeBlock view;
        lattice_block(l, b, &view);
        part_add_shocks(p, c->actor, 0, &view, y + view.first, k->shocks);
    }
}

// what a round is worth to c->actor when everyone plays p and the next is worth x: y(s). With `counted` payoffs are in it, without
// it is beta times the chain. Stops before stage `until` is played (0: the whole round).
static DurStatus round_worth(Certifier *c, const Policy *p, bool counted, int32_t until, const double *x, double *y) {
    const Lattice *l = c->lattice;
    const Model *m = l->model;
    Rounds *own = c->own;
    RoundCount count = {counted ? c->actor : -1, -1};
    int32_t n_stage = round_stages(m);
    double *here = (n_stage - until) % 2 ? own->other : y, *there = (n_stage - until) % 2 ? y : own->other;
    TRY(round_after(l, count, l->actor[c->actor].beta, x, here, there, c->team));
    for (int32_t t = 0; counted && t < m->n_term; t++) {
        if (m->term[t].actor != c->actor) continue;
        for (int64_t b = 0; b < l->n_block; b++) {
            LatticeBlock view;
            lattice_block(l, b, &view);
            for (int64_t i = 0; i < l->n_lane; i++) here[view.first + i] += lattice_row_at(l, &l->term[t], &view, i);
        }
    }
    for (int32_t k = n_stage - 1; k >= until; k--) {
        TRY(round_choices(p, k, -1, -1, count, here, there, c->team));
        if (counted) add_shocks(c, p, k, there);
        double *swap = here; here = there; there = swap;
    }
    return DUR_OK;
}

static DurStatus apply(void *context, const double *x, double *y) {
    Certifier *c = context;
    const Rounds *k = c->own;
    TRY(round_worth(c, k->applied, false, 0, x, y));
    for (int64_t i = 0; i < c->lattice->n_state; i++) y[i] = x[i] - y[i];
    return progress_stop(c->progress) ? DUR_INTERRUPTED : DUR_OK;
}

static DurStatus rounds_miss(Certifier *c, double *most) {
    Rounds *k = c->own;
    TRY(round_worth(c, c->policy, true, 0, c->value, k->made));
    for (int64_t s = 0; s < c->lattice->n_state; s++) k->made[s] -= c->value[s];
    *most = vector_sup(k->made, c->lattice->n_state);
    return DUR_OK;
}

static DurStatus rounds_evaluate(Certifier *c, const Policy *p, double tolerance) {
    Rounds *k = c->own;
    int64_t n = c->lattice->n_state;
    k->applied = p;
    memset(k->room, 0, (size_t)n * sizeof *k->room);
    TRY(round_worth(c, p, true, 0, k->room, k->reward));
    LinearSolve solve;
    return gmres_double(&solve, n, apply, c, k->reward, tolerance, APPLIES_MOST, KEEP, c->value);
}

// Q(move) - Q(wait) of every move of the actor against the choices of p, the next round worth c->value
static DurStatus rounds_ready(Certifier *c, const Policy *p) {
    const Lattice *l = c->lattice;
    Rounds *k = c->own;
    int32_t stage = round_stage_of(l->model, c->actor);
    RoundCount count = {c->actor, -1};
    TRY(round_worth(c, p, true, stage + 1, c->value, k->room));
    TRY(round_choices(p, stage, c->actor, -1, count, k->room, k->wait, c->team));
    for (int32_t a = 0; a < c->n_move; a++) {
        double *out = k->advantage + a * l->n_state;
        TRY(round_choices(p, stage, c->actor, c->move[a], count, k->room, k->made, c->team));
        for (int64_t s = 0; s < l->n_state; s++) out[s] = k->made[s] - k->wait[s];
    }
    return DUR_OK;
}

static void rounds_advantage(Certifier *c, int32_t type, int32_t i_move, const LatticeBlock *view, double *row, double *room) {
    (void)type; (void)room;
    const Rounds *k = c->own;
    memcpy(row, k->advantage + i_move * c->lattice->n_state + view->first, (size_t)c->lattice->n_lane * sizeof *row);
}

const CertifierKind certifier_rounds = {
    .room = rounds_room, .bytes = rounds_certifier_bytes, .open = rounds_open, .close = rounds_close, .size = rounds_size,
    .miss = rounds_miss, .evaluate = rounds_evaluate, .exact = EXACT, .loose = LOOSE, .fine = FINE, .ready = rounds_ready,
    .advantage = rounds_advantage,
};
