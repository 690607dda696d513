#include "game/adjoint_types.h"

#include "base/asking.h"
#include "base/memory.h"
#include "game/game.h"
#include "game/nest.h"
#include "game/sweep.h"

#include <math.h>
#include <string.h>

/// Params are moved this many times as far as where equations alone are differenced: what a solve leaves open counts.
#define WIDER 16
/// Residual of the solves, and sweeps from what is so near, at most.
#define TOLERANCE 1e-11
#define SWEEPS    4000

typedef struct Work {
    const Policy   *policy;
    const Measure  *point;
    int32_t         n_target;
    AdjointTarget  *target;      // [n_target]
    const double   *value;       // where solves start: values and shifts of `policy`'s lattice, at the tight tolerance
    Asking          asking;
} Work;

double adjoint_types_bytes(const Policy *p, int n_thread) {
    return n_thread * (game_bytes(p->lattice) + (double)p->lattice->n_byte + 8.0 * (double)sweep_size(p->lattice));
}

// the numbers asked for, in a solution on `l`; NaN where none is found near
static DurStatus numbers(Work *w, const Lattice *l, int worker, double *out, double **value) {
    Asker asker = {&w->asking, worker};
    Progress progress = {.stop = asker_stopped, .context = &asker};
    double *warm = nest_carried(w->policy->lattice, w->value, l);
    DurStatus status = warm ? DUR_OK : DUR_MEMORY;
    GameOptions options = {.tolerance = TOLERANCE, .warm = warm, .warm_alone = true, .warm_sweeps = SWEEPS,
                           .skip_certificate = true, .progress = &progress};
    GameSolution solution;
    DurError ignored = {0};
    if (status == DUR_OK) status = game_solve(&solution, l, &options, NULL, &ignored);
    memory_free(warm);
    TRY(status);
    status = solution.verdict == GAME_INTERRUPTED ? DUR_INTERRUPTED : DUR_OK;
    for (int32_t t = 0; t < w->n_target; t++)
        out[t] = solution.verdict == GAME_CONVERGED ? adjoint_number(w->point, &w->target[t], solution.policy) : NAN;
    if (value && status == DUR_OK) {
        int64_t n = model_rows(l->model) * l->n_state + solution.policy->n_shift;
        *value = memory_column(n);
        if (*value) memcpy(*value, solution.policy->value, (size_t)n * sizeof **value);
        else status = DUR_MEMORY;
    }
    game_free(&solution);
    return status;
}

static DurStatus look(void *context, const Lattice *there, int worker, double *out) { return numbers(context, there, worker, out, NULL); }

DurStatus adjoint_types(Adjoint *out, const Policy *p, const double *state, int32_t n, AdjointTarget *target,
                        const Progress *progress, Team *team, DurError *error) {
    const Lattice *l = p->lattice;
    const Model *m = l->model;
    Measure point = {0};
    Work w = {.policy = p, .asking = {.progress = progress}, .point = &point, .n_target = n, .target = target, .value = p->value};
    double *both = memory_column(2 * (int64_t)n * m->n_param), *step = memory_column(m->n_param), *base = memory_column(n), *value = NULL;
    DurStatus status = base && both && step ? measure_point(&point, l, state) : DUR_MEMORY;
    // the solution at hand may be looser than those beside it are to be
    if (status == DUR_OK) status = numbers(&w, l, 0, base, &value);
    if (status != DUR_OK) goto done;
    for (int32_t t = 0; t < n; t++) {
        target[t].now = adjoint_number(&point, &target[t], p);
        target[t].is_solved = isfinite(base[t]);
    }
    for (int32_t k = 0; k < m->n_param; k++) step[k] = WIDER * adjoint_difference(&m->param[k], l->param[k]);
    if (n > 0 && isfinite(base[0])) {
        w.value = value;
        status = adjoint_sides(l, step, n, look, &w, "differentiating", &w.asking, team, both);
    }
    if (status == DUR_OK) status = adjoint_fill(out, n, target, m->n_param, step, both, base);

done:
    memory_free(value);
    memory_free(step);
    memory_free(both);
    memory_free(base);
    measure_free(&point);
    if (status == DUR_OK) return DUR_OK;
    adjoint_free(out);
    if (status == DUR_INTERRUPTED) return status_fail(error, status, "interrupted while differentiating");
    return status_fail(error, status, "out of memory while differentiating");
}
