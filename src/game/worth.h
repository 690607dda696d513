/// What one part of an actor's payoff is worth in every state when everyone's choices are fixed: (rho - G)^-1 u of its flow u.
/// The parts of an actor add up to its value.
#ifndef GAME_WORTH_H
#define GAME_WORTH_H

#include "base/progress.h"
#include "base/team.h"
#include "game/part.h"

/// What a flow of an actor's is worth. Continuous clock, no private types.
///   flow       [n_state] a scenario unit
///   what       its name in a fault
///   value      [n_state] in: a first guess; out
///   tolerance  largest miss of an equation that counts as solved, relative to the largest flow
/// Returns DUR_OK, DUR_UNMET if the system did not settle, DUR_MEMORY, DUR_INTERRUPTED. Cost: some hundred applications of G, whose rows
/// are laid out and kept with the policy (lattice/rows.h). From one thread at a time.
DurStatus worth_of_flow(const Policy *policy, int32_t actor, const double *flow, const char *what, double tolerance,
                        const Progress *progress, Team *team, double *value, DurError *error);
/// The same of one part's flow.
DurStatus worth_of_part(const Policy *policy, const Part *part, double tolerance, const Progress *progress, Team *team,
                        double *value, DurError *error);

/// What a move is worth beside waiting by one part, at a point between nodes (modes whole, stocks anything): the mean over
/// the nodes around it.
DurStatus worth_of_move(double *out, const Policy *policy, const Part *part, const double *value, int32_t jump,
                        const double *state);

#endif
