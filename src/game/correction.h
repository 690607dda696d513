/// Corrections on a coarser lattice. What sweeps are slow at is the part of an error that is smooth along stocks: it goes on changing when all that
/// happens within a few nodes is settled long since. So a linear system of the tangent begins with what the game's own tangent on a
/// coarser lattice makes of its right side, where that part takes sweeps over a fraction of the states, and where systems
/// begin in the same way on the next coarser lattice, down to a few thousand states.
/// A stock may keep its nodes there. Where one hardly moves, neighbours along it have little to do with each other, and what is left is smooth along all
/// stocks but that one: no lattice with fewer of its nodes sees it. Which one that is shows in what a solve leaves (correction_roughest).
///
/// Source: correction schemes and coarsening along strong couplings only, e.g. Trottenberg, Oosterlee and Schueller 2001, "Multigrid", 2.4 and 5.1;
/// a correction scaled to leave the least, e.g. Brandt and Livne 2011, "Multigrid Techniques", 7.1.
#ifndef GAME_CORRECTION_H
#define GAME_CORRECTION_H

#include "base/progress.h"
#include "base/team.h"
#include "lattice/policy.h"

typedef struct Correction Correction;

/// True where it is worth its price: many states, nodes enough that a coarser lattice has a small part of them, known types, continuous time.
bool correction_pays(const Lattice *lattice);

/// Make it: the coarser lattices, and the tangent on each where the values at hand lead to.
///   rule    may be NULL; borrowed while this runs
///   kept    the variable that keeps its nodes, -1: none
///   value   [n_actor x n_state]
/// Borrows lattice, team and progress. DUR_OK, also if there is no such lattice (*out is NULL then); DUR_MEMORY.
DurStatus correction_make(Correction **out, const Lattice *lattice, const LatticeRule *rule, Team *team, int32_t kept, double scale,
                          const double *value, const Progress *progress);
void      correction_free(Correction *correction);

/// What all that takes, at most.
double    correction_bytes(const Lattice *lattice);

/// x = about what the tangent's system with this right side is solved by.
///   right, x   [n_actor x n_state]
/// DUR_OK or DUR_INTERRUPTED.
DurStatus correction_guess(Correction *correction, const float *right, float *x);

/// Sweeps that were made on coarser lattices since this was asked last, in sweeps over the lattice itself, tangents among them.
double    correction_work(Correction *correction);

/// The stock along which a function is roughest, of those with enough nodes: as a variable, and how rough. What neighbours differ by, squared and
/// summed, in parts of the function's own sum: about 0 where it is smooth, 2 where neighbours know nothing of each other.
///   x       [n_actor x n_state]
int32_t   correction_roughest(const Lattice *lattice, const float *x, Team *team, double *rough);

#endif
