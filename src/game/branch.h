/// The principal branch: the equilibria that are reached from precision 0, where every choice is uniform and there is one
/// solution, by raising precision without ever letting go. Where the branch turns back (a fold), the way along it is
/// measured by its own length instead of by precision, and followed around.
/// Source: McKelvey and Palfrey 1995 (principal branch); Keller 1977 (pseudo-arclength continuation); Turocy 2005, "A dynamic
/// homotopy interpretation of the logistic quantal response equilibrium correspondence".
#ifndef GAME_BRANCH_H
#define GAME_BRANCH_H

#include "game/krylov.h"

typedef struct BranchResult {
    double  reached;             // largest multiple of the stated precisions that was reached
    double  residual;            // at the end
    int32_t n_step;              // points found on the branch
    int32_t n_fold;              // times that it turned
    bool    converged, interrupted;
} BranchResult;

/// Follow the branch to the stated precisions.
///   patience    sweeps without another point reached by raising precision, after which it is lost; INT64_MAX: as many as krylov->max_sweep leaves
///   tolerance   residual at the end; points on the way need less
///   value       [out] [n_all]; if not converged, the last point on the branch
/// Under `choice taste` values grow without bound as precision goes to 0, so the way starts at a 64th of it.
/// Returns DUR_OK whether or not it got there; DUR_MEMORY. Memory beside `krylov`: 2 n doubles, 4 n floats.
DurStatus branch_follow(BranchResult *out, Krylov *krylov, int64_t patience, double tolerance, double *value);

/// From an equilibrium along its branch, to lower precisions and around folds, to the equilibrium at which it comes back to
/// the stated ones. Below them solutions are bounded, and make curves (but for games with symmetries and other rare ones):
/// the principal branch leads to precision 0, all others have both ends at the stated precisions. So every equilibrium
/// but the principal one has a partner; that is why they are odd in number.
///   value     [in] an equilibrium at the stated precisions; [out] if converged, its partner
/// Returns as branch_follow; not converged for the principal one, and where the branch was lost.
DurStatus branch_partner(BranchResult *out, Krylov *krylov, double tolerance, double *value);

#endif
