/// The game's chain with modes averaged out: what is left of it when moves go to and fro much faster than anything else changes.
/// Where every actor decides several times a month and stocks drift for years, an error that is the same in all combinations of
/// modes is what sweeps are slow at. On such functions the tangent is a chain over beliefs and stocks alone: moves that change
/// modes only bring nothing, how choices bend brings nothing, and what is left are drift, noise and the jumps that move stocks, each
/// at its mean rate over the modes, weighted by how long the chain stays in them while stocks stand still. With private types it is what
/// all who are not informed expect: beliefs go where moves lead them, each node at the mean rate of leading there, and drift in silence. That
/// chain is a fraction 1/(combinations of modes) of the lattice, and one for all rows of values but for their discount rates; a chain of its
/// own for each type, by what that type does, brings nothing more (decision 051).
///
/// Sources: Simon and Ando 1961 (near-decomposable chains); aggregation and disaggregation as an iteration, Takahashi 1975,
/// Koury, McAllister and Stewart 1984; as a coarse level of a Krylov method, e.g. Nabben and Vuik 2004.
#ifndef GAME_AGGREGATE_H
#define GAME_AGGREGATE_H

#include "base/progress.h"
#include "base/team.h"
#include "lattice/policy.h"

typedef struct Aggregate Aggregate;

/// True where it is worth its price: some combinations of modes, stocks that move, tangents (tangent_is_known), continuous time.
bool aggregate_pays(const Lattice *lattice);

/// Make it for one lattice.
///   policy    of the same model, on this lattice or a coarser one: shares of time and rates of moves are read off there. They
///             need not be exact: what is solved does not depend on them, only how fast
///   progress  asked while it is made; may be NULL
/// Borrows lattice and team, not the policy. DUR_OK, DUR_INTERRUPTED or DUR_MEMORY.
DurStatus aggregate_make(Aggregate **out, const Lattice *lattice, const Policy *policy, Team *team, const Progress *progress);
void      aggregate_free(Aggregate *aggregate);
/// From now on for a tangent with this lag (tangent_lag); it is made for one without.
void      aggregate_lag(Aggregate *aggregate, double lag);
double    aggregate_bytes(const Lattice *lattice);

/// z = q + what is missing in q's mean over modes, with q = M^{-1} r what one sweep of the tangent makes of a residual:
///     x - y, where y is the mean of q and A x = D y, A the averaged chain and D its diagonal,
/// A x = D y being swept a fixed number of times, so that z is linear in q. The two halves of a GmresPrecondition (num/gmres.h).
///   q        [model_rows x n_state]
///   z        [out] [n] the elements from `from` on
/// The same bits on any number of threads.
void aggregate_begin(void *aggregate, const float *q);
void aggregate_correct(const void *aggregate, const float *q, int64_t from, int64_t n, float *z);

#endif
