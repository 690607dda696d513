#include "game/carried.h"

#include "base/memory.h"
#include "game/measure.h"
#include "game/part.h"
#include "lattice/chain.h"
#include "num/bicgstab.h"

#include <math.h>
#include <string.h>

/// Applications of G in one solve, at most.
#define CARRIED_APPLIES 4000

typedef struct System {
    const Policy   *policy;
    const Progress *progress;
    Team  *team;
    double rho;
} System;

// y = rho x - G x
static DurStatus apply(void *context, const double *x, double *y) {
    System *s = context;
    TRY(chain_apply(s->policy, x, y, s->team));
    for (int64_t i = 0; i < s->policy->lattice->n_state; i++) y[i] = s->rho * x[i] - y[i];
    return progress_stop(s->progress) ? DUR_INTERRUPTED : DUR_OK;
}

DurStatus carried_lasting(const Policy *p, int32_t actor, double *lasting) {
    const Lattice *l = p->lattice;
    memset(lasting, 0, (size_t)l->n_state * sizeof *lasting);
    for (int32_t t = 0; t < l->model->n_term; t++)
        if (l->model->term[t].actor == actor)
            TRY(part_add_flow(p, &(Part){.kind = PART_TERM, .actor = actor, .term = t, .jump = -1}, 0, lasting));
    for (int64_t s = 0; s < l->n_state; s++) lasting[s] /= l->actor[actor].rho;
    return DUR_OK;
}

// flow += rate of a jump times (lasting after it - lasting here)
static DurStatus add_jump(const Policy *p, int32_t jump, const double *lasting, double *flow, double *rate, double *mean, Team *team) {
    int64_t n = p->lattice->n_state;
    TRY(chain_jump_rate(p, jump, rate, team));
    TRY(chain_jump_mean(p->lattice, jump, lasting, mean, team));
    for (int64_t s = 0; s < n; s++) flow[s] += rate[s] * (mean[s] - lasting[s]);
    return DUR_OK;
}

// the flow that is carried
static DurStatus carry(const Policy *p, int32_t actor, const double *lasting, const bool *jump, double *flow, double *rate,
                       double *mean, Team *team) {
    const Model *m = p->lattice->model;
    int64_t n = p->lattice->n_state;
    for (int32_t j = 0; j < m->n_jump; j++) {
        if (m->jump[j].kind == JUMP_DATED || (jump && !jump[j])) continue;
        TRY(add_jump(p, j, lasting, flow, rate, mean, team));
        if (jump) TRY(part_add_flow(p, &(Part){.kind = PART_LUMP, .actor = actor, .term = -1, .jump = j}, 0, flow));
    }
    if (jump) return DUR_OK;
    // drifts are what is left of G when jumps are taken away
    TRY(chain_apply(p, lasting, mean, team));
    for (int64_t s = 0; s < n; s++) flow[s] = mean[s] - flow[s];
    return DUR_OK;
}

DurStatus carried_by(const Policy *p, int32_t actor, const double *lasting, const bool *jump, double tolerance,
                     const Progress *progress, Team *team, double *value, DurError *error) {
    int64_t n = p->lattice->n_state;
    System system = {.policy = p, .progress = progress, .team = team, .rho = p->lattice->actor[actor].rho};
    double *flow = memory_column(n), *leave = memory_column(n), *mean = memory_column(n), most, largest = 0;
    LinearSolve solve = {0};
    DurStatus status = flow && leave && mean ? DUR_OK : DUR_MEMORY;
    if (status == DUR_OK) memset(flow, 0, (size_t)n * sizeof *flow);
    if (status == DUR_OK) status = carry(p, actor, lasting, jump, flow, leave, mean, team);
    if (status == DUR_OK) status = chain_exit_rates(p, leave, &most, team);
    for (int64_t s = 0; status == DUR_OK && s < n; s++) {
        leave[s] += system.rho;
        largest = fmax(largest, fabs(flow[s]));
    }
    if (status == DUR_OK && largest > 0)
        status = bicgstab(&solve, n, apply, &system, flow, leave, tolerance * largest, CARRIED_APPLIES, value, team);
    memory_free(mean);
    memory_free(leave);
    memory_free(flow);
    if (status == DUR_MEMORY) return status_fail(error, status, "out of memory for what carries a value");
    if (status == DUR_OK && largest > 0 && !solve.converged)
        return status_fail(error, DUR_UNMET, "what carries a value did not settle: %g is missing", solve.residual);
    return status;
}

DurStatus carried_of_move(double *out, const Policy *p, int32_t jump, const double *state, const double *lasting, int32_t n,
                          const double *value) {
    const Lattice *l = p->lattice;
    Measure point = {0}, change = {0};
    DurStatus status = measure_point(&point, l, state);
    if (status == DUR_OK) status = measure_add_move(&change, &point, p, jump, 1);
    if (status == DUR_OK) {
        out[0] = measure_column(&change, lasting) + measure_lump(&point, l, jump, l->model->jump[jump].actor, 0);
        for (int32_t k = 0; k < n; k++) out[1 + k] = measure_column(&change, value + k * l->n_state);
    }
    measure_free(&change);
    measure_free(&point);
    return status;
}
