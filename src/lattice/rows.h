/// The chain of a policy with its rows laid out: every way out of a state as a number beside the state that it leads to, in place of
/// tables that are read and multiplied anew at each application. Worth its memory where the chain is applied hundreds of times
/// over, as exact answers do; doc/decisions/026.
#ifndef LATTICE_ROWS_H
#define LATTICE_ROWS_H

#include "lattice/policy.h"

typedef struct ChainRows ChainRows;

/// The rows of a policy's chain in continuous time, everyone's choices as the public sees them, laid out when first asked for and kept
/// with the policy, which owns them. NULL in rounds and for a lattice that is too large for it (chain_rows_bytes is 0): then
/// chain_apply serves. Called from one thread at a time.
/// Cost: about two microseconds a state, once. Returns DUR_OK or DUR_MEMORY.
DurStatus chain_rows(const ChainRows **out, const Policy *policy, Team *team);
void      chain_rows_free(ChainRows *rows);

/// Bytes that the rows of one policy take at most, or 0 where they aren't laid out.
double chain_rows_bytes(const Lattice *lattice);

/// y = G x as chain_apply has it, to rounding: its sums go in the order of targets.
///   x, y   [n_state], distinct, from memory_column
/// The same bits for any number of threads and any vector width.
void chain_rows_apply(const ChainRows *rows, const double *x, double *y, Team *team);

/// Rate of leaving each state for another, out[n_state]; returns the largest. (chain_exit_rates counts what leads back too.)
double chain_rows_leave(const ChainRows *rows, double *out);

#endif
