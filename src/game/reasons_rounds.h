/// Reasons in rounds: what reasons.h promises, for `clock rounds`.
///
/// A round is a chain of steps X_1 X_2 ... X_n: the choices of each stage, actor by actor, then each event, then the change of each
/// stock; payoffs flow after the choices, and what comes after the round counts beta. Seen from there, W = u + beta X W with X the
/// steps of one round on, and phi = u/(1 - beta) is what the state would be worth if it stayed. Then
///     W = phi + (1 - beta X)^-1 beta (X - 1) phi,      X - 1 = sum over k of X_1 ... X_(k-1) (X_k - 1),
/// so that every step carries a part of its own. One adjoint solve for each move, (1 - beta X)' m = d with d the states that the
/// move leads to less those that waiting leads to, gives them all as dot products along one round.
///
/// What is done in the same stage as the move counts as a reply: others choose without having seen the move, but what their
/// choices come to depends on it. Source: doc/mathematics.md, "Reasons".
#ifndef GAME_REASONS_ROUNDS_H
#define GAME_REASONS_ROUNDS_H

#include "game/measure.h"
#include "game/reasons.h"

/// The table of every move in out->reason, whose names and probabilities are there. DUR_OK, DUR_MEMORY or DUR_INTERRUPTED.
DurStatus reasons_rounds(Reasons *out, const Policy *policy, const Measure *point, const Progress *progress, Team *team);

/// Bytes that it takes at most beside the policy.
double reasons_rounds_bytes(const Lattice *lattice, int n_thread);

#endif
