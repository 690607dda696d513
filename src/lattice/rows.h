/// The chain of a policy with its rows laid out: every way out of a state as a number beside the state that it leads to, in place of
/// tables that are read and multiplied anew at each application. Worth its memory where the chain is applied hundreds of times
/// over, as exact answers and certificates do; doc/decisions/026 and 046.
#ifndef LATTICE_ROWS_H
#define LATTICE_ROWS_H

#include "base/progress.h"
#include "lattice/policy.h"

typedef struct ChainRows ChainRows;

/// The rows of a policy's chain in continuous time, everyone's choices as the public sees them, laid out when first asked for and kept
/// with the policy, which owns them. NULL in rounds and for a lattice that is too large for it (chain_rows_bytes is 0): then
/// chain_apply serves. Called from one thread at a time.
///   progress  asked while they are laid out; may be NULL
/// Returns DUR_OK, DUR_INTERRUPTED or DUR_MEMORY.
DurStatus chain_rows(const ChainRows **out, const Policy *policy, Team *team, const Progress *progress);
void      chain_rows_free(ChainRows *rows);

/// Bytes that the rows of one policy take at most, or 0 where they aren't kept with it.
double chain_rows_bytes(const Lattice *lattice);

/// The same chain, or as one type of an actor expects it (chain_apply_as), of a lattice of any size; the caller's. *rows is NULL at first, and
/// rows of the same lattice that stand there are laid out anew where they stand. It stays NULL where chain_rows_most is 0: in rounds, and where
/// the lattice can't have rows. On DUR_MEMORY or DUR_INTERRUPTED it is NULL, and what stood there is freed.
DurStatus chain_rows_lay(ChainRows **rows, const Policy *policy, int32_t actor, int32_t type, Team *team, const Progress *progress);
double    chain_rows_most(const Lattice *lattice);

/// Whether they are read faster than tables: some jump leads to several states, or not equally far from all lanes of a block. Else tables
/// are as fast, a block at a time, and rows have to be laid out besides.
bool      chain_rows_pay(const Lattice *lattice);

/// y = G x as chain_apply has it, to rounding: its sums go in the order of targets.
///   x, y   [n_state], distinct, from memory_column
/// The same bits for any number of threads and any vector width.
void chain_rows_apply(const ChainRows *rows, const double *x, double *y, Team *team);

/// y = G x by the policy's rows, or by chain_apply where these are NULL. Returns DUR_OK or DUR_MEMORY.
DurStatus chain_apply_by(const ChainRows *rows, const Policy *policy, const double *x, double *y, Team *team);

/// Rate of leaving each state for another, out[n_state]; returns the largest. (chain_exit_rates counts what leads back too.)
double chain_rows_leave(const ChainRows *rows, double *out);

#endif
