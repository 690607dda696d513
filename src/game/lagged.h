/// Where best responses lead, in few and long steps: the value equations as a motion, dV/dt = F(V), followed by implicit steps.
/// A step solves (lag - F') d = F at the tangent, lag being one over its length: short ones are what sweeps of the values do,
/// endless ones are Newton's method. A sweep moves values by what happens in a fraction of an opportunity; such a step by years.
/// Where a solution of a coarser lattice has none beside it on a finer one, sweeps creep past the place where it was; Newton's
/// method stays there.
/// Source: Kelley and Keyes 1998, "Convergence analysis of pseudo-transient continuation".
#ifndef GAME_LAGGED_H
#define GAME_LAGGED_H

#include "game/krylov.h"

/// From `value` [n_all], at the stated precisions, to a solution: steps in time until the residual is small, then Newton's method;
/// where that does not go straight to a solution, further in time. For games with private types, whose tangent knows of the lag.
///   enough     residual from which on it may stop where it is held up, for lattices that only lead to the next; `tolerance`: never
///   max_step   steps in time, at most
///   value      [in,out] on failure where the last step led
///   out        n_step counts steps of both kinds
/// Returns DUR_OK whether or not it got there; DUR_MEMORY.
DurStatus lagged_solve(KrylovResult *out, Krylov *krylov, double tolerance, double enough, int32_t max_step, double *value);

#endif
