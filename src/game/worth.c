#include "game/worth.h"

#include "base/memory.h"
#include "game/measure.h"
#include "lattice/chain.h"
#include "lattice/lines.h"
#include "lattice/rows.h"
#include "num/bicgstab.h"

#include <math.h>

/// Applications of G in one solve, at most.
#define WORTH_APPLIES 4000

typedef struct System {
    const Policy    *policy;
    const ChainRows *rows;      // NULL: tables are read anew at each application
    ChainLines *lines;          // NULL: no stock has many nodes
    const Progress  *progress;
    Team  *team;
    double rho;
} System;

// y = rho x - G x
static DurStatus apply(void *context, const double *x, double *y) {
    System *s = context;
    TRY(chain_apply_by(s->rows, s->policy, x, y, s->team));
    for (int64_t i = 0; i < s->policy->lattice->n_state; i++) y[i] = s->rho * x[i] - y[i];
    return progress_stop(s->progress) ? DUR_INTERRUPTED : DUR_OK;
}

static void along_lines(void *context, const double *y, double *x) {
    const System *s = context;
    chain_lines_solve(s->lines, y, x, s->team);
}

DurStatus worth_of_flow(const Policy *p, int32_t actor, const double *flow, const char *what, double tolerance, const Progress *progress,
                        Team *team, double *value, DurError *error) {
    int64_t n = p->lattice->n_state;
    System system = {.policy = p, .progress = progress, .team = team, .rho = p->lattice->actor[actor].rho};
    double *leave = memory_column(n), most, largest = 0;
    LinearSolve solve = {0};
    DurStatus status = leave ? chain_exit_rates(p, leave, &most, team) : DUR_MEMORY;
    // kept with the policy: a story asks for dozens of these
    if (status == DUR_OK) status = chain_rows(&system.rows, p, team, progress);
    if (status == DUR_OK) status = chain_lines_make(&system.lines, p->lattice);
    for (int64_t i = 0; status == DUR_OK && i < n; i++) {
        leave[i] += system.rho;
        largest = fmax(largest, fabs(flow[i]));
    }
    if (status == DUR_OK && system.lines) chain_lines_set(system.lines, leave, team);
    if (status == DUR_OK)
        status = bicgstab(&solve, n, apply, system.lines ? along_lines : NULL, &system, flow, leave, tolerance * largest, WORTH_APPLIES, value, team);
    chain_lines_free(system.lines);
    memory_free(leave);
    if (status == DUR_MEMORY) return status_fail(error, status, "out of memory for %s", what);
    if (status == DUR_OK && !solve.converged)
        return status_fail(error, DUR_UNMET, "%s did not settle: %g is missing", what, solve.residual);
    return status;
}

DurStatus worth_of_part(const Policy *p, const Part *part, double tolerance, const Progress *progress, Team *team,
                        double *value, DurError *error) {
    static const char what[] = "the parts of a value";
    double *flow = memory_column(p->lattice->n_state);
    DurStatus status = flow ? part_add_flow(p, part, 0, flow) : DUR_MEMORY;
    if (status == DUR_MEMORY) status_fail(error, status, "out of memory for %s", what);
    if (status == DUR_OK) status = worth_of_flow(p, part->actor, flow, what, tolerance, progress, team, value, error);
    memory_free(flow);
    return status;
}

DurStatus worth_of_move(double *out, const Policy *p, const Part *part, const double *value, int32_t jump,
                        const double *state) {
    const Lattice *l = p->lattice;
    Measure point = {0}, change = {0};
    DurStatus status = measure_point(&point, l, state);
    if (status == DUR_OK) status = measure_add_move(&change, &point, p, jump, 1);
    if (status == DUR_OK) {
        *out = measure_column(&change, value);
        if (part->kind == PART_LUMP && part->jump == jump) *out += measure_lump(&point, l, jump, part->actor, 0);
    }
    measure_free(&change);
    measure_free(&point);
    return status;
}
