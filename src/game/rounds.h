/// Games in rounds: what game.h promises, for `clock rounds`. game_solve and its neighbours come here by themselves.
/// Source: semantics, "Rounds clock"; the principal branch of McKelvey and Palfrey 1995, followed through folds by
/// pseudo-arclength continuation (Keller 1977; Allgower and Georg 1990; Turocy 2005).
#ifndef GAME_ROUNDS_H
#define GAME_ROUNDS_H

#include "game/game.h"
#include "game/starts.h"

DurStatus rounds_solve(GameSolution *out, const Lattice *lattice, const GameOptions *options, Team *team, DurError *error);

/// Newton's method on the whole system from a given point, at the stated precisions: whichever equilibrium it leads to.
///   value      [n_actor x n_state]
///   advantage  [n_entry] in the layout that policy_make gives under options->rule, or NULL: what best fits the values
/// out->is_principal says nothing here: it is false.
DurStatus rounds_solve_from(GameSolution *out, const Lattice *lattice, const GameOptions *options, const double *value,
                            const double *advantage, Team *team, DurError *error);

/// What game_starts promises, out->n_start set. Starts are drawn in values and advantages together; is_left is about small
/// deviations of both, when every actor answers the others of the same round and the values of the next.
DurStatus rounds_starts(GameEquilibria *out, const Lattice *lattice, const double *given, const GameOptions *options, Team *team,
                        DurError *error);

DurStatus rounds_surprise(Policy **out, const Policy *base, const LatticeRule *rule, DurError *error);
double    rounds_bytes(const Lattice *lattice);

/// The plain oracle: joint choices one by one, straight from the model by the reference interpreter.
///   policy     values and probabilities to hold against the equations; rules as in the policy
///   residual   [out] largest |V - what a round by P is worth|, not divided by anything
///   response   [out] largest |P - logit answer to the others' P and to V|
DurStatus rounds_plain_check(const Policy *policy, double *residual, double *response, DurError *error);

#endif
