#include "study/approach.h"

#include "base/memory.h"

#include "game/nest.h"
#include "game/sweep.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/// Shortest step, as a part of the way, and most solves in all: past them following precision costs less.
#define STEP_LEAST (1.0 / 16)
#define SOLVES_MOST 16
/// Residual to which points on the way are solved: Newton's method needs a neighbourhood, not digits.
#define WAY_TOLERANCE 1e-5

// a part of the way from a to b: by ratio where both are positive, as most params are scales and rates
static double between(double a, double b, double part) {
    return a > 0 && b > 0 ? a * pow(b / a, part) : a + part * (b - a);
}

// one solve from `value`, which becomes the solution; false: Newton's method did not get there
static DurStatus step_to(bool *done, double *value, DurScenario *s, const Lattice *l, int32_t policy, int32_t phase, DurError *error) {
    LatticeRule rule = {0};
    *done = false;
    if (policy >= 0) TRY(lattice_rule_make(&rule, l, s->model->policy[policy].actor, &s->model->policy[policy].phase[phase], error));
    GameOptions options = {.tolerance = WAY_TOLERANCE, .max_sweep = s->session.max_sweep, .warm = value, .warm_alone = true,
                           .rule = policy >= 0 ? &rule : NULL, .skip_certificate = true, .progress = &s->progress};
    GameSolution g;
    DurStatus status = game_solve(&g, l, &options, s->team, error);
    if (status == DUR_OK) {
        *done = g.verdict == GAME_CONVERGED;
        if (*done) memcpy(value, g.policy->value, (size_t)sweep_size(l) * sizeof *value);
        if (g.verdict == GAME_INTERRUPTED) status = status_fail(error, DUR_INTERRUPTED, "interrupted while solving; nothing was written");
        game_free(&g);
    }
    lattice_rule_free(&rule);
    return status;
}

DurStatus approach(double **out, DurScenario *s, const Session *from, const Policy *known, int32_t policy, int32_t phase,
                   DurError *error) {
    *out = NULL;
    const Model *m = s->model;
    if (m->clock == CLOCK_ROUNDS) return DUR_OK;
    const Session *now = &s->session;
    double *value = NULL, *param = memory_column(m->n_param);
    Lattice *here = NULL;      // that `value` is on
    DurStatus status = param ? DUR_OK : status_fail(error, DUR_MEMORY, "out of memory");

    double there = 0, step = 1;
    for (int32_t k = 0; k < SOLVES_MOST && there < 1 && step >= STEP_LEAST && status == DUR_OK; k++) {
        double next = there + step < 1 ? there + step : 1;
        Lattice *l = now->lattice;
        if (next < 1) {
            for (int32_t p = 0; p < m->n_param; p++) param[p] = between(from->param[p], now->param[p], next);
            status = lattice_make_grid(&l, m, param, now->n_node, error);
            if (status != DUR_OK) break;
        }
        bool done = false;
        double *tried = nest_carried(here ? here : known->lattice, value ? value : known->value, l);
        status = tried ? step_to(&done, tried, s, l, policy, phase, error) : status_fail(error, DUR_MEMORY, "out of memory");
        if (done) {
            memory_free(value);
            lattice_free(here);
            value = tried;
            here = l;
            there = next;
            step *= 2;
        } else {
            memory_free(tried);
            if (l != now->lattice) lattice_free(l);
            step /= 2;
        }
    }
    memory_free(param);
    if (status == DUR_OK && there >= 1) {
        *out = value;
        value = NULL;
    }
    memory_free(value);
    if (here != now->lattice) lattice_free(here);
    return status;
}
