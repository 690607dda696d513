/// Beyond the end of the principal branch, in games with private types. Where signals are told apart the branch turns in many places, a
/// state or two at each, and is lost; equilibria are there all the same. They are reached by going on in precision, from solution to
/// solution, with methods that bear such states: Newton's method with held states (krylov.h), and spots (spots.h).
/// What is found so is an equilibrium, and may not be called principal.
#ifndef GAME_BEYOND_H
#define GAME_BEYOND_H

#include "game/krylov.h"

/// From `value` [n_all], a solution at the scale `from` or near one, to the stated precisions.
///   rule    the tangent's, may be NULL
///   value   [in,out] on failure the last solution on the way
///   out     n_step counts the steps of all that was tried
/// Returns DUR_OK whether or not it got there; DUR_MEMORY.
DurStatus beyond_solve(KrylovResult *out, Krylov *krylov, const LatticeRule *rule, double from, double tolerance, double *value);

#endif
