/// Steps for all states and sweeps for some, in turns: where private types make a large game that is hardly linear in a few places. A
/// step in time (lagged.h) moves all values by months to years, but at its tangent each state's shifts of beliefs answer once, and where
/// they would jump the step leads astray. So states whose shifts would jump are held while a step is taken (tangent_hold). After it
/// sweeps of values and shifts go on where the equations are missed most, a few blocks and what is around them, until they are met
/// there too; that costs next to nothing. A tangent sees all states at once and no kinks, a sweep sees kinks and one state at a time.
/// Sources: Kelley and Keyes 1998, "Convergence analysis of pseudo-transient continuation"; nonlinear sweeps between Newton's steps, where the
/// equations are least linear: Cai and Keyes 2002, "Nonlinearly preconditioned inexact Newton algorithms".
#ifndef GAME_SPOTS_H
#define GAME_SPOTS_H

#include "game/krylov.h"

/// From `value` [n_all] to a solution at the stated precisions. For games with private types.
///   rule       the tangent's, may be NULL
///   max_step   steps in time, at most
///   value      [in,out] on failure where the last step led
///   out        n_step counts steps of both kinds
/// Returns DUR_OK whether or not it got there; DUR_MEMORY. Sharp games may be solved by lagged_solve alone, where sweeps go round in circles.
DurStatus spots_solve(KrylovResult *out, Krylov *krylov, const LatticeRule *rule, double tolerance, int32_t max_step, double *value);

#endif
