/// Derivatives in rounds: what adjoint.h promises, for `clock rounds`.
///
/// Unknown are values V and advantages A together (rounds_system.h), F(V, A) = (V, A). Multipliers of both solve the transposed
/// system, in which advantages are eliminated state by state as in the solver, so that one in the multipliers of V is left. It is
/// applied without a matrix, by carrying measures through a round (lattice/round.h). Then dq/dp = l_V dF_V/dp + l_A dF_A/dp + the
/// direct part, at values and advantages that stand.
#ifndef GAME_ADJOINT_ROUNDS_H
#define GAME_ADJOINT_ROUNDS_H

#include "game/adjoint.h"

DurStatus adjoint_rounds(Adjoint *out, const Policy *policy, const double *state, int32_t n, AdjointTarget *target,
                         const Progress *progress, Team *team, DurError *error);
double    adjoint_rounds_bytes(const Policy *policy, int32_t n_target, int n_thread);

#endif
