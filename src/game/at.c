/// What the solution says at one state, and what a surprised world does.
#include "base/memory.h"
#include "game/certify.h"
#include "game/game.h"
#include "game/rounds.h"
#include "game/sweep.h"

#include <math.h>
#include <string.h>

// weighted mean over the nodes that stand for a point
static void at_nodes(const Policy *p, int32_t n_node, const int64_t *state, const double *weight, double *value,
                     double *choice, double *wait) {
    const Lattice *l = p->lattice;
    const Model *m = l->model;
    for (int32_t r = 0; r < model_rows(m); r++) {
        value[r] = 0;
        for (int32_t i = 0; i < n_node; i++) value[r] += weight[i] * p->value[r * l->n_state + state[i]];
    }
    for (int32_t a = 0; a < m->n_actor; a++) wait[a] = 1;
    for (int32_t j = 0; j < m->n_jump; j++) {
        choice[j] = NAN;
        if (m->jump[j].kind != JUMP_MOVE) continue;
        bool open = false;
        double sum = 0;
        for (int32_t i = 0; i < n_node; i++) {
            int32_t node[MODEL_VARIABLES_MAX];
            lattice_nodes(l, state[i], node);
            if (lattice_table_at(l, &l->jump[j].when, node) != 0) open = true;
            sum += weight[i] * policy_probability(p, j, state[i]);
        }
        if (!open) continue;
        choice[j] = sum;
        wait[m->jump[j].actor] -= sum;
    }
    // rounding may leave a wait of -1e-17
    for (int32_t a = 0; a < m->n_actor; a++) wait[a] = wait[a] > 0 ? wait[a] : 0;
}

DurStatus policy_at_start(const Policy *p, double *value, double *choice, double *wait, DurError *error) {
    (void)error;
    at_nodes(p, p->lattice->n_start, p->lattice->start_state, p->lattice->start_weight, value, choice, wait);
    return DUR_OK;
}

DurStatus game_at(const Policy *p, const double *state, double *value, double *choice, double *wait, DurError *error) {
    int64_t *node = memory_alloc(LATTICE_CORNERS_MAX * sizeof *node);
    double *weight = memory_alloc(LATTICE_CORNERS_MAX * sizeof *weight);
    DurStatus status = DUR_MEMORY;
    if (node && weight) {
        at_nodes(p, lattice_split(p->lattice, state, node, weight), node, weight, value, choice, wait);
        status = DUR_OK;
    }
    memory_free(weight);
    memory_free(node);
    return status == DUR_OK ? status : status_fail(error, status, "out of memory");
}

// the same for one type: its own choices
static void type_at_nodes(const Policy *p, int32_t n_node, const int64_t *state, const double *weight, int32_t actor,
                          int32_t type, double *choice, double *wait) {
    const Model *m = p->lattice->model;
    *wait = 1;
    for (int32_t j = 0; j < m->n_jump; j++) {
        choice[j] = NAN;
        if (m->jump[j].kind != JUMP_MOVE || m->jump[j].actor != actor) continue;
        bool open = false;
        double sum = 0;
        for (int32_t i = 0; i < n_node; i++) {
            int32_t node[MODEL_VARIABLES_MAX];
            int64_t at = policy_entry(p, j, type, state[i]);
            lattice_nodes(p->lattice, state[i], node);
            if (lattice_table_at(p->lattice, &p->lattice->jump[j].when, node) != 0) open = true;
            if (at >= 0) sum += weight[i] * p->probability[at];
        }
        if (!open) continue;
        choice[j] = sum;
        *wait -= sum;
    }
    *wait = *wait > 0 ? *wait : 0;
}

// what a move leaves others believing of its mover: the prior where it is secret, or where nobody would make it
static void posterior(const Model *m, int32_t jump, const double *prior, const double *choice, double *out) {
    const ModelPrivate *private = &m->private[m->actor[m->jump[jump].actor].private];
    int32_t row = model_row(m, private->actor);
    double sum = 0;
    for (int32_t t = 0; t < private->n_type; t++) sum += prior[t] * choice[(row + t) * m->n_jump + jump];
    for (int32_t t = 0; t < private->n_type; t++)
        out[t] = m->jump[jump].is_secret || !(sum > 0) ? prior[t]
                                                       : prior[t] * choice[(row + t) * m->n_jump + jump] / sum;
}

DurStatus game_types_at(const Policy *p, const double *state, double *choice, double *wait, double *belief,
                        DurError *error) {
    const Lattice *l = p->lattice;
    const Model *m = l->model;
    int64_t *node = memory_alloc(LATTICE_CORNERS_MAX * sizeof *node);
    double *weight = memory_alloc(LATTICE_CORNERS_MAX * sizeof *weight);
    if (!node || !weight) {
        memory_free(weight);
        memory_free(node);
        return status_fail(error, DUR_MEMORY, "out of memory");
    }
    int32_t n_node = l->n_start;
    if (state) n_node = lattice_split(l, state, node, weight);
    else {
        memcpy(node, l->start_state, (size_t)n_node * sizeof *node);
        memcpy(weight, l->start_weight, (size_t)n_node * sizeof *weight);
    }
    for (int32_t r = 0; r < model_rows(m); r++) {
        int32_t type, actor = model_row_actor(m, r, &type);
        type_at_nodes(p, n_node, node, weight, actor, type, choice + r * m->n_jump, &wait[r]);
    }
    for (int32_t j = 0; j < m->n_jump; j++) {
        double *to = belief + j * MODEL_TYPES_MAX, prior[MODEL_TYPES_MAX];
        for (int32_t t = 0; t < MODEL_TYPES_MAX; t++) to[t] = NAN;
        int32_t private = m->jump[j].kind == JUMP_MOVE ? m->actor[m->jump[j].actor].private : -1;
        if (private < 0 || isnan(choice[model_row(m, m->jump[j].actor) * m->n_jump + j])) continue;
        const ModelPrivate *mp = &m->private[private];
        prior[0] = 1;
        for (int32_t t = 1; t < mp->n_type; t++) {
            prior[t] = state ? state[mp->variable + t - 1] : mp->start[t];
            prior[0] -= prior[t];
        }
        prior[0] = prior[0] > 0 ? prior[0] : 0;
        posterior(m, j, prior, choice, to);
    }
    memory_free(weight);
    memory_free(node);
    return DUR_OK;
}

DurStatus game_surprise(Policy **out, const Policy *base, const LatticeRule *rule, DurError *error) {
    if (base->lattice->model->clock == CLOCK_ROUNDS) return rounds_surprise(out, base, rule, error);
    TRY(policy_make(out, base->lattice, rule, error));
    const Lattice *l = base->lattice;
    memcpy((*out)->value, base->value, (size_t)sweep_size(l) * sizeof *base->value);
    memcpy((*out)->drift, base->drift, (size_t)l->model->n_belief * (size_t)l->n_state * sizeof *base->drift);
    Sweep *sweep = sweep_make(l, rule, NULL);
    if (!sweep) {
        policy_free(*out);
        *out = NULL;
        return status_fail(error, DUR_MEMORY, "out of memory while making a policy");
    }
    sweep_fill_policy(sweep, *out);
    policy_learn(*out, false);
    (*out)->is_surprise = true;
    sweep_free(sweep);
    return DUR_OK;
}
