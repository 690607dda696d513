#include "game/climb.h"

#include "base/memory.h"
#include "game/krylov.h"
#include "game/newton.h"
#include "game/sweep_types.h"

#include <math.h>
#include <string.h>

/// Residual to which points on the way are settled: as of branch.c.
#define POINT_TOLERANCE 1e-5
/// First multiple of the stated precisions after 0, where values hardly count, and where they have no limit at 0; the factor to the next, which is
/// the root of it after each that was not settled; and the least, after which the way is lost.
#define SCALE_FIRST (1.0 / 16)
#define SCALE_TASTE (1.0 / 64)
#define FACTOR_MOST  1.5
#define FACTOR_LEAST 1.002
/// How much of the way habits go at most: at first, the part of it where they do not settle so, and the least.
#define PART_FIRST 0.25
#define PART_FALL  (1.0 / 3)
#define PART_LEAST 0.02
/// The whole way's worth of sweeps that do not halve the residual, after which habits go shorter steps: 50 / PART_FIRST sweeps at first.
#define PATIENCE 50
/// Sweeps between two looks at the residual.
#define LOOK_EVERY 10
/// Residual at which Newton's method is asked first, the part of it at which it is asked again, and the sweeps it may take.
#define NEAR  1e-3
#define AGAIN 0.1
#define NEWTON_SWEEPS 400

typedef struct Climb {
    Sweep *sweep;                // borrowed
    SweepTypes *habits;
    const Progress *progress;
    int64_t n, n_value, max_sweep;
    double *x, *room;            // [n] where habits stand; scratch, and what Newton's method makes of it
    double told;
    ClimbResult *out;
} Climb;

static double measure(Climb *c, double scale) {
    double miss = sweep_residual(c->sweep, scale, c->x, c->room), size = krylov_size(c->x, c->n_value);
    c->out->n_sweep++;
    return krylov_relative(miss, size);
}

// Newton's method from c->x, to c->x if it gets there; its last linear system may take it beyond what it may
static DurStatus ask(Climb *c, double scale, double tolerance, double *residual) {
    double reached = INFINITY;
    if (c->out->n_sweep + 2 * NEWTON_SWEEPS > c->max_sweep) return DUR_OK;
    memcpy(c->room, c->x, (size_t)c->n * sizeof *c->x);
    TRY(newton_solve(c->sweep, c->n, c->n_value, scale, tolerance, c->out->n_sweep + NEWTON_SWEEPS, c->progress, c->room, &c->out->n_sweep,
                     &reached));
    if (reached > tolerance) return DUR_OK;
    memcpy(c->x, c->room, (size_t)c->n * sizeof *c->x);
    *residual = reached;
    return DUR_OK;
}

// habits, from what they are at the last point, at one precision; *residual is at most `tolerance` if they settled
static DurStatus settle(Climb *c, double scale, double tolerance, double *residual) {
    double best = INFINITY, target = NEAR, part = PART_FIRST;
    sweep_types_take_up(c->habits, c->out->n_point > 0 ? c->out->reached : scale, c->x);
    sweep_types_pace_most(c->habits, (float)part);
    c->out->n_sweep++;
    *residual = INFINITY;
    for (int32_t since = 0; c->out->n_sweep < c->max_sweep;) {
        if (progress_stop(c->progress)) return DUR_INTERRUPTED;
        sweep_types_within(c->habits, scale, NULL, c->x, NULL);
        c->out->n_sweep++;
        if (++since % LOOK_EVERY > 0) continue;
        *residual = measure(c, scale);
        krylov_tell_sweeps(c->progress, &c->told, scale, *residual, tolerance, c->out->n_sweep);
        if (!isfinite(*residual)) return DUR_OK;
        if (*residual <= target && *residual > tolerance) {
            while (target >= *residual) target *= AGAIN;
            TRY(ask(c, scale, tolerance, residual));
        }
        if (*residual <= tolerance) return DUR_OK;
        if (*residual < 0.5 * best) {
            best = *residual;
            since = 0;
        } else if (since >= PATIENCE / part) {
            part *= PART_FALL;
            if (part < PART_LEAST) return DUR_OK;
            sweep_types_pace_most(c->habits, (float)part);
            best = INFINITY;
            since = 0;
        }
    }
    return DUR_OK;
}

static DurStatus go(Climb *c, bool taste, double tolerance, double *value) {
    ClimbResult *out = c->out;
    double point = tolerance > POINT_TOLERANCE ? tolerance : POINT_TOLERANCE, scale = taste ? SCALE_TASTE : 0, factor = FACTOR_MOST;
    while (out->n_sweep < c->max_sweep) {
        double wanted = scale < 1 ? point : tolerance, residual;
        memcpy(c->x, value, (size_t)c->n * sizeof *value);
        TRY(settle(c, scale, wanted, &residual));
        if (residual <= wanted) {
            memcpy(value, c->x, (size_t)c->n * sizeof *value);
            out->n_point++;
            out->reached = scale;
            out->residual = residual;
            out->converged = scale >= 1;
            if (out->converged) break;
            factor = FACTOR_MOST;
            scale = scale > 0 ? scale * factor : SCALE_FIRST;
        } else if (out->reached > 0) {
            factor = sqrt(factor);
            if (factor < FACTOR_LEAST) break;
            scale = out->reached * factor;
        } else if ((scale /= 4) < 1e-6) {
            break;
        }
        if (scale > 1) scale = 1;
    }
    return DUR_OK;
}

DurStatus climb_solve(ClimbResult *out, Sweep *sweep, const Lattice *l, const LatticeRule *rule, Team *team, double tolerance,
                      int64_t max_sweep, const Progress *progress, double *value) {
    *out = (ClimbResult){.residual = INFINITY};
    Climb c = {.sweep = sweep, .progress = progress, .n = sweep_size(l), .n_value = (int64_t)model_rows(l->model) * l->n_state,
               .max_sweep = max_sweep, .out = out};
    c.habits = sweep_types_make(l, rule, team);
    c.x = memory_column(c.n);
    c.room = memory_column(c.n);
    DurStatus status = c.habits && c.x && c.room ? sweep_types_habits(c.habits) : DUR_MEMORY;
    memset(value, 0, (size_t)c.n * sizeof *value);
    if (status == DUR_OK) status = go(&c, l->model->choice == CHOICE_TASTE, tolerance, value);
    memory_free(c.room);
    memory_free(c.x);
    sweep_types_free(c.habits);
    if (status != DUR_INTERRUPTED) return status;
    out->interrupted = true;
    return DUR_OK;
}

// with what Newton's method takes (newton.h)
double climb_bytes(const Lattice *l) { return (2 + 13) * 8.0 * (double)sweep_size(l) + sweep_types_habits_bytes(l); }
