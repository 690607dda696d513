/// What carries an actor's payoff, in every state at once, where reasons.h asks about one state: with everyone's choices fixed,
/// V = phi + sum over c of (rho - G)^-1 G_c phi, phi the worth of a state that lasted. One solve for each carrier serves every
/// move that is told of a run. Continuous clock, no private types.
#ifndef GAME_CARRIED_H
#define GAME_CARRIED_H

#include "base/progress.h"
#include "base/team.h"
#include "lattice/policy.h"

/// What each state would be worth to an actor if it lasted: its flows over its rate of discount, [n_state].
DurStatus carried_lasting(const Policy *policy, int32_t actor, double *lasting);

/// What some jumps carry, with what they pay the actor, or all drifts and noise: [n_state].
///   jump       [n_jump] true for those that are meant; NULL: drifts and noise of stocks
///   value      in: a first guess; out
///   tolerance  as worth_of_part
/// Returns what worth_of_part returns.
DurStatus carried_by(const Policy *policy, int32_t actor, const double *lasting, const bool *jump, double tolerance,
                     const Progress *progress, Team *team, double *value, DurError *error);

/// Of what a move is worth beside waiting at a point between nodes: out[0] the step itself, from `lasting` and the move's own
/// lump, out[1 + k] what value + k n_state carries.
DurStatus carried_of_move(double *out, const Policy *policy, int32_t jump, const double *state, const double *lasting,
                          int32_t n, const double *value);

#endif
