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
    for (int32_t a = 0; a < m->n_actor; a++) {
        value[a] = 0;
        wait[a] = 1;
        for (int32_t i = 0; i < n_node; i++) value[a] += weight[i] * p->value[a * l->n_state + state[i]];
    }
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

DurStatus game_surprise(Policy **out, const Policy *base, const LatticeRule *rule, DurError *error) {
    if (base->lattice->model->clock == CLOCK_ROUNDS) return rounds_surprise(out, base, rule, error);
    TRY(policy_make(out, base->lattice, rule, error));
    const Lattice *l = base->lattice;
    memcpy((*out)->value, base->value, (size_t)l->model->n_actor * (size_t)l->n_state * sizeof *base->value);
    Sweep *sweep = sweep_make(l, rule, NULL);
    if (!sweep) {
        policy_free(*out);
        *out = NULL;
        return status_fail(error, DUR_MEMORY, "out of memory while making a policy");
    }
    sweep_fill_policy(sweep, *out);
    sweep_free(sweep);
    return DUR_OK;
}
