/// Up in precision by sweeps of habits, for games whose tangent is not known: those with an actor of more than two private types. What each type does is a
/// habit that goes only a part of the way to what is best (sweep_types_habits), while values, and what others believe after a move, follow
/// from habits at once: fictitious play, with a step that does not fall but adapts, to a quarter at most and to less wherever all turns back. At precision 0
/// every choice is uniform, and habits settle. From there precision goes up in steps, each from what the last settled at, shorter where habits do not settle.
/// What is found so is an equilibrium, and may not be called principal.
/// Source: Brown 1951, "Iterative solution of games by fictitious play"; of smooth best responses, Fudenberg and Levine 1998, "The theory of
/// learning in games", chapter 4; the way up in precision, McKelvey and Palfrey 1995.
#ifndef GAME_CLIMB_H
#define GAME_CLIMB_H

#include "base/progress.h"
#include "game/sweep.h"

typedef struct ClimbResult {
    double  reached;             // multiple of the stated precisions that was settled last
    double  residual;            // there
    int32_t n_point;             // precisions settled
    int64_t n_sweep;             // of habits, of differences, and to measure
    bool    converged, interrupted;
} ClimbResult;

/// From precision 0 to a solution at the stated precisions.
///   sweep       of the same lattice and rule, for residuals and Newton's method on differences (newton.h)
///   rule        may be NULL
///   max_sweep   sweeps after which it is given up
///   value       [out] [sweep_size] what was settled last: if converged, a solution
/// Returns DUR_OK whether or not it got there; DUR_MEMORY.
DurStatus climb_solve(ClimbResult *out, Sweep *sweep, const Lattice *lattice, const LatticeRule *rule, Team *team, double tolerance,
                      int64_t max_sweep, const Progress *progress, double *value);

/// Bytes that it takes.
double climb_bytes(const Lattice *lattice);

#endif
