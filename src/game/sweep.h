/// One sweep over the lattice: every actor's choice in every state from the values at hand, and from both the next
/// values. The kernels are compiled once for each vector width; all give the same bits.
#ifndef GAME_SWEEP_H
#define GAME_SWEEP_H

#include "base/team.h"
#include "lattice/policy.h"

typedef struct Sweep Sweep;

/// Make the scratch of sweeps on one lattice; borrows lattice and rule (may be NULL). NULL when memory is out.
Sweep *sweep_make(const Lattice *lattice, const LatticeRule *rule, Team *team);
void   sweep_free(Sweep *sweep);

/// One sweep: each value becomes what its equation gives when everything to its right is taken as it stands,
///
///     V_i(s) <- [u_i + sum of rates * (V_i at the target + lump) + lambda_j P_j(a) (...)] / (rho_i + sum of rates)
///
/// with the part of a choice that waits taken to the left. Fixed points are exactly the solutions. Combinations of modes
/// follow one another and see what those before them have become (Gauss-Seidel: moves change modes, and their rates are the
/// largest); inside one, all states are taken from the same values (Jacobi), so that threads can share it and the bits do not
/// depend on how.
///
///   precision_scale  multiplies every precision: the continuation's parameter, 1 for the game itself
///   value            [in] [n_actor x n_state]
///   next             [out] the same shape, distinct
///
/// Returns the largest |right side - left side| of the equations as they were met on the way: near a solution the residual,
/// but of a mixture of `value` and `next`. sweep_residual gives that of a vector.
double sweep_run(Sweep *sweep, double precision_scale, const double *value, double *next);

/// The largest |right side - left side| of the equations at `value`. `room`: [n_actor x n_state] scratch.
double sweep_residual(Sweep *sweep, double precision_scale, const double *value, double *room);

/// Fill a policy's advantages and probabilities from its values (policy->value), under its own rule.
void sweep_fill_policy(Sweep *sweep, Policy *policy);

#endif
