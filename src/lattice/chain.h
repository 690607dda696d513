/// The Markov chain that a game becomes when everyone's policy is fixed, as an operator: never as a matrix.
#ifndef LATTICE_CHAIN_H
#define LATTICE_CHAIN_H

#include "lattice/policy.h"

/// y = G x, the generator applied to a function of the state:
///     y(s) = sum over every way out of s of rate(s -> s') * (x(s') - x(s)).
///
///   x, y     [n_state], distinct; both must come from memory_column (kernels read past the ends)
///
/// The same bits for any number of threads and any vector width. Allocates scratch once per call and worker.
/// Cost: about ten multiply-adds a state. Returns DUR_OK or DUR_MEMORY.
DurStatus chain_apply(const Policy *policy, const double *x, double *y, Team *team);

/// Total rate of leaving each state, out[n_state]; returns through *most the largest.
DurStatus chain_exit_rates(const Policy *policy, double *out, double *most, Team *team);

/// Rate at which an event or move happens in each state, out[n_state]: hazard, or opportunities times probability.
DurStatus chain_jump_rate(const Policy *policy, int32_t jump, double *out, Team *team);

/// y(s) = mean of x after a jump from s where its guard holds, x(s) elsewhere (for events on a date).
DurStatus chain_jump_mean(const Lattice *lattice, int32_t jump, const double *x, double *y, Team *team);

/// y(s) = x(s with these modes set).
void chain_set_modes(const Lattice *lattice, int32_t n_set, const ModelSet *set, const double *x, double *y);

#endif
