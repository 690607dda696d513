/// One sweep over the lattice: every actor's choice in every state from the values at hand, and from both the next
/// values. The kernels are compiled once for each vector width; all give the same bits.
#ifndef GAME_SWEEP_H
#define GAME_SWEEP_H

#include "base/team.h"
#include "lattice/policy.h"

typedef struct Sweep Sweep;

/// Doubles that a sweep maps: a value for each row (actor, or one of its types) and state; behind them, where there are
/// private types, by how much moves shift beliefs (sweep_types.h).
int64_t sweep_size(const Lattice *lattice);

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
///   value            [in] [sweep_size], values first
///   next             [out] the same shape, distinct
///
/// Returns the largest |right side - left side| of the equations as they were met on the way: near a solution the residual,
/// but of a mixture of `value` and `next`. sweep_residual gives that of a vector.
double sweep_run(Sweep *sweep, double precision_scale, const double *value, double *next);

/// For Newton's method: a map that is continuous everywhere, though iterating it may go round in circles. Off by default;
/// without private types there is no other.
void sweep_whole_steps(Sweep *sweep, bool whole);

/// The largest |right side - left side| of the equations at `value`. `room`: [sweep_size] scratch.
double sweep_residual(Sweep *sweep, double precision_scale, const double *value, double *room);

/// Fill a policy's advantages and probabilities from its values and shifts (policy->value), under its own rule; with private
/// types those of each type, from which policy_learn takes the rest.
void sweep_fill_policy(Sweep *sweep, Policy *policy);

#endif
