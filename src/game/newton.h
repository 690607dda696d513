/// Newton's method on the values, its linear systems solved by a Krylov method that stores no matrix. It finds equilibria
/// that sweeps are repelled by: best responses lead away from them, a tangent leads to them.
/// Source: Knoll and Keyes 2004, "Jacobian-free Newton-Krylov methods"; why it is needed: Crisman-Cox and Gibilisco 2018.
#ifndef GAME_NEWTON_H
#define GAME_NEWTON_H

#include "base/progress.h"
#include "base/status.h"
#include "game/sweep.h"

/// Solve x = sweep(x) from the x given, at one precision scale.
///
///   n          unknowns (sweep_size), of which the first n_value are values
///   x          [in,out] [n]; on failure what was best
///   tolerance  residual of the value equations relative to the largest |x|
///   n_sweep    [in,out] counts the sweeps used; stops when `max_sweep` is reached
///   residual   [out] relative residual reached
///
/// Returns DUR_OK whether or not it got there (look at *residual), DUR_MEMORY, DUR_INTERRUPTED. Deterministic.
/// Memory: 13 n doubles. Cost: some dozens of sweeps a step, few steps where it works.
DurStatus newton_solve(Sweep *sweep, int64_t n, int64_t n_value, double precision_scale, double tolerance, int64_t max_sweep,
                       const Progress *progress, double *x, int64_t *n_sweep, double *residual);

#endif
