#include "game/carried.h"

#include "base/memory.h"
#include "game/measure.h"
#include "game/worth.h"
#include "lattice/chain.h"

#include <math.h>
#include <string.h>

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
    static const char what[] = "what carries a value";
    int64_t n = p->lattice->n_state;
    double *flow = memory_column(n), *rate = memory_column(n), *mean = memory_column(n), largest = 0;
    DurStatus status = flow && rate && mean ? carry(p, actor, lasting, jump, flow, rate, mean, team) : DUR_MEMORY;
    if (status == DUR_MEMORY) status_fail(error, status, "out of memory for %s", what);
    for (int64_t s = 0; status == DUR_OK && s < n; s++) largest = fmax(largest, fabs(flow[s]));
    // many jumps carry nothing to one actor
    if (largest > 0) status = worth_of_flow(p, actor, flow, what, tolerance, progress, team, value, error);
    memory_free(mean);
    memory_free(rate);
    memory_free(flow);
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
