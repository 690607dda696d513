/// Between a lattice and a coarser one of the same model: functions that are smooth on the finer are read off on the coarser, corrected there at a
/// small part of the cost, and carried back.
/// Source: two-grid corrections, e.g. Briggs, Henson and McCormick 2000, "A Multigrid Tutorial", chapters 3 and 5 (full weighting).
#ifndef GAME_COARSE_H
#define GAME_COARSE_H

#include "base/team.h"
#include "lattice/lattice.h"

typedef struct Coarse Coarse;

/// Make it; borrows lattices and team. NULL when memory is out.
Coarse *coarse_make(const Lattice *fine, const Lattice *coarse, Team *team);
void    coarse_free(Coarse *coarse);
/// What that takes from a lattice on, at most, with a thread for each core.
double  coarse_bytes(const Lattice *fine);

/// What is missing on the finer lattice, seen on the coarser: at each node the mean of the finer nodes around, by the weight that it has in them.
///   fine     [model_rows x n_state of the finer]
///   coarse   [out] [model_rows x n_state of the coarser]
void coarse_restrict(Coarse *coarse, const float *fine, float *out);

/// A function on the coarser lattice, read off between its nodes.
///   fine     [out]
void coarse_carry(Coarse *coarse, const float *x, float *fine);

#endif
