/// Derivatives where somebody has a private type: what adjoint.h promises, by solving again with each param moved a little to both
/// sides, from the solution at hand. Beliefs answer as well, and what a move tells is settled in each state by a method of its own
/// (tangent.h), so that a transposed system would have to repeat all of it; a solve that starts this near takes a few Newton
/// steps. As exact as the two solves are: some 1e-5 of the derivative.
#ifndef GAME_ADJOINT_TYPES_H
#define GAME_ADJOINT_TYPES_H

#include "game/adjoint.h"

DurStatus adjoint_types(Adjoint *out, const Policy *policy, const double *state, int32_t n, AdjointTarget *target,
                        const Progress *progress, Team *team, DurError *error);
double    adjoint_types_bytes(const Policy *policy, int n_thread);

#endif
