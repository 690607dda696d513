/// How values and choices answer to parameters when everybody answers: exact derivatives of the equilibrium by one adjoint
/// solve for each number asked about, whatever the number of parameters.
///
/// Write the equations of semantics as R(V, p) = 0. A number q(V, p), such as the probability of a move, has
///     dq/dp = dq/dp at fixed V + x' dR/dp at fixed V,        where  -(dR/dV)' x = dq/dV.
/// dR/dV holds what the values bring and how choices answer them, dP(a) = mu P(a) (dQ(a) - sum over c of P(c) dQ(c)). It is
/// written out here as plain loops that share nothing with the solver. dR/dp and dq/dp at fixed V are central differences,
/// with every table made anew at p + h and p - h: exact where they are linear or quadratic in p, else off by about
/// h^2 times a third derivative, h = p/8192.
/// Source: implicit function theorem; adjoint as in Giles and Pierce 2000, "An introduction to the adjoint approach to design".
#ifndef GAME_ADJOINT_H
#define GAME_ADJOINT_H

#include "base/asking.h"
#include "base/progress.h"
#include "base/team.h"
#include "game/measure.h"
#include "lattice/policy.h"

/// A number that is asked about, at a state.
typedef struct AdjointTarget {
    int32_t actor, type;   // type 0 where it has no private one
    int32_t jump;          // its probability of this move at an opportunity; -1: its value
    double  now;           // [out] the number itself
    bool    is_solved;     // [out] false: its adjoint system was not solved, and its derivatives are NaN
} AdjointTarget;

/// Derivatives of all targets with respect to all params.
typedef struct Adjoint {
    int32_t n_target, n_param;
    double *derivative;    // [n_target x n_param] per scenario unit of the param; NaN where it could not be had
    double *left, *right;  // the same from one side each: they differ where the equilibrium has a kink in the param
} Adjoint;

/// Differentiate `n` targets at a state (variable values; modes whole, stocks anything: the mean over the nodes around it)
/// in an unrestricted policy (rule.actor < 0). The same bits on any number of threads.
/// Cost: a linear solve over all actors' values for each target, two sets of tables for each param; with private types two solves
/// of the game from near for each param (adjoint_types.h).
/// Returns DUR_OK, DUR_MEMORY or DUR_INTERRUPTED. Freed by adjoint_free.
DurStatus adjoint_make(Adjoint *out, const Policy *policy, const double *state, int32_t n, AdjointTarget *target,
                       const Progress *progress, Team *team, DurError *error);
void      adjoint_free(Adjoint *adjoint);

/// Bytes that adjoint_make takes at most beside the policy.
double adjoint_bytes(const Policy *policy, int32_t n_target, int n_thread);

/// The change of a param that counts as one step when params are compared, in scenario units: one standard deviation of its
/// prior, else a tenth of its value (of 1 if that is 0).
double adjoint_step(const ModelParam *param, double value);

// ---- for those who difference: adjoint.c, adjoint_rounds.c, adjoint_types.c -------------------------------------------

/// The number itself at `point`, the state at hand as weights of nodes, from a policy on any lattice of the same shape.
double adjoint_number(const Measure *point, const AdjointTarget *target, const Policy *policy);

/// How far a param is moved to each side of its value.
double adjoint_difference(const ModelParam *param, double value);

/// Writes the n numbers that are differenced, on a lattice with one param moved; called on any thread.
/// DUR_OK, or what went wrong; DUR_DOMAIN, DUR_INPUT and DUR_LIMIT say that there is no game there.
typedef DurStatus AdjointLook(void *context, const Lattice *there, int worker, double *out);

/// Look at both sides of every param: lattices like `l`, made with it moved up and down by step[i_param], side by side.
///   what     what progress is told of; NULL: none
///   both     [out] [n_param][2][n]; NaN where there is no game
/// Each side runs on one thread from end to end: the bits don't depend on how many there are. DUR_OK, DUR_INTERRUPTED, or what went wrong.
DurStatus adjoint_sides(const Lattice *l, const double *step, int32_t n, AdjointLook *look, void *context, const char *what, Asking *asking,
                        Team *team, double *both);

/// Make the derivatives from what is differenced:
///   both   [n_param][2][n] with each param moved up, then down by step[n_param]; NaN where there is no game
///   base   [n] with none moved
/// DUR_OK or DUR_MEMORY.
DurStatus adjoint_fill(Adjoint *out, int32_t n, const AdjointTarget *target, int32_t n_param, const double *step,
                       const double *both, const double *base);

#endif
