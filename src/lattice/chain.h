/// The Markov chain that a game becomes when everyone's policy is fixed, as an operator: never as a matrix. In rounds it is the
/// chain of states at the beginnings of rounds (lattice/round.h), G = P - 1: every state is left once a round, if only for itself.
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

/// The same as one type of an actor expects it: its own moves by its own choices, beliefs as the public learns. With
/// actor < 0 that is chain_apply: everyone's choices as the public sees them.
DurStatus chain_apply_as(const Policy *policy, int32_t actor, int32_t type, const double *x, double *y, Team *team);

/// Total rate of leaving each state, out[n_state]; returns through *most the largest.
DurStatus chain_exit_rates(const Policy *policy, double *out, double *most, Team *team);

/// Rate at which an event or move happens in each state, out[n_state]: hazard, or opportunities times probability. In rounds the
/// probability that it happens in a round that begins there.
DurStatus chain_jump_rate(const Policy *policy, int32_t jump, double *out, Team *team);

/// y(s) = mean of x after a jump from s where its guard holds, x(s) elsewhere (for events on a date).
DurStatus chain_jump_mean(const Lattice *lattice, int32_t jump, const double *x, double *y, Team *team);

// ---- block by block, for whoever walks over the lattice in tasks of its own and has more to do with a block while it is in
// cache: one thread each

/// Doubles of scratch that each of the two takes.
int64_t chain_room(const Lattice *lattice);

/// y(s) = sum over every way out of s of rate * x(there) on blocks `from` to `to` - 1, as chain_apply_as has the rates (in
/// continuous time only): what G x has beside the rate of leaving s times x(s), which an iteration may keep from step to step.
void chain_inflow_blocks(const Policy *policy, int32_t actor, int32_t type, int64_t from, int64_t to, const double *x, double *y,
                         double *room);

/// row[n_lane] = mean of x after a move from each lane of a block, whether or not its guard holds there; where the move tells
/// others something the belief goes to its posterior under `policy`.
void chain_move_mean(const Policy *policy, int32_t move, int64_t block, const double *x, double *row, double *room);

/// y(s) = x(s with these modes set).
void chain_set_modes(const Lattice *lattice, int32_t n_set, const ModelSet *set, const double *x, double *y);

// ---- turned round: G applied to a measure on the states (chain_transpose.c) ---------------------------------------
//
// One thread each, so that the order of additions is fixed; whoever has several to apply shares those out.

/// y = G' x, the transpose of the generator: <chain_apply_transpose(x), f> = <x, chain_apply(f)>.
///   x, y     [n_state], distinct
/// Allocates one row. Returns DUR_OK or DUR_MEMORY. Cost: about that of chain_apply on one thread without vectors.
DurStatus chain_apply_transpose(const Policy *policy, const double *x, double *y);

/// A part of the generator: drift and noise of one stock, one jump at the rate at which it happens, the drift of one belief in
/// silence, or all of a kind.
#define CHAIN_NONE (-1)
#define CHAIN_ALL  (-2)
typedef struct ChainPart { int32_t stock, jump, private; } ChainPart;

/// y += (G_part)' x, the parts of chain_apply_as; with actor < 0 those of chain_apply. They add up to the whole.
DurStatus chain_add_transpose(const Policy *policy, int32_t actor, int32_t type, ChainPart part, const double *x, double *y);

#endif
