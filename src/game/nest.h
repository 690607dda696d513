/// Coarser lattices first: the same scenario with fewer nodes has nearly the same values, at a small part of the cost. What is
/// found on the coarsest is carried from one to the next.
/// Source: nested iteration, e.g. Briggs, Henson and McCormick 2000, "A Multigrid Tutorial", chapter 3.
#ifndef GAME_NEST_H
#define GAME_NEST_H

#include "game/krylov.h"

/// By how much of their size values may move between two solutions that belong together.
#define NEST_MOVED_MOST 0.25

/// Solve on the coarsest lattice, by whatever means.
///   value   [out] [n_actor x n_state]
///   found   [out] whether it is a solution
typedef DurStatus (*NestFind)(void *context, const Lattice *lattice, const LatticeRule *rule, double tolerance,
                              double *value, bool *found, bool *interrupted);

typedef struct NestResult {
    bool    found;               // `value` is a solution
    bool    is_near;             // on every lattice Newton's method went straight to it, and values moved little on the way: it
                                 // belongs to the one on the coarsest
    bool    interrupted;
    double  residual;            // of `value`
    int32_t n_level;             // coarser lattices solved
    int32_t n_lagged;            // lattices, this one among them, on which steps in time led on (with private types, large ones)
    int64_t coarsest;            // states of the coarsest; 0: there is none
    bool    is_bare;             // its stocks have two nodes where three are usual
    bool    is_corrected;        // linear systems began on coarser lattices (correction.h),
    int32_t kept;                // on which this variable kept its nodes, -1: none did
    int32_t n_step;              // Newton steps on the lattice itself
    double  work;                // sweeps between the coarsest and the lattice itself, in sweeps over the latter
} NestResult;

/// Solve on the lattice of `krylov` by way of coarser ones.
///   may_be_bare   the coarsest may have stocks of two nodes where one of three would be large. It has to lead to what is
///                 near on the next, or nothing is `found`.
///   value         [out] [sweep_size]
/// Returns DUR_OK also if there is no coarser lattice or nothing came of it (`found` is false); DUR_MEMORY.
DurStatus nest_solve(NestResult *out, Krylov *krylov, const LatticeRule *rule, Team *team, double tolerance,
                     NestFind find, void *context, bool may_be_bare, double *value);

/// Give `krylov` the chain with modes averaged out (krylov_aggregate), read off a coarse lattice to which values at hand are carried.
/// Nothing changes where that does not pay. DUR_OK or DUR_MEMORY.
DurStatus nest_aggregate(Krylov *krylov, const LatticeRule *rule, Team *team, const double *value);

/// About half the nodes of every stock but `kept` (a variable; -1: of every one), [n_variable]; false if that makes no difference to speak of.
bool nest_coarser(const Lattice *lattice, int32_t kept, int32_t *n_node);

/// Everyone's values, and the shifts of beliefs behind them, from one lattice of a model to another: lattice_carry for each row, and for
/// each type and move over the combinations of modes in which it tells something.
///   x   [sweep_size of from]
///   y   [out] [sweep_size of to]
/// DUR_OK or DUR_MEMORY.
DurStatus nest_carry(const Lattice *from, const double *x, const Lattice *to, double *y);

/// The same into a column of its own, the caller's. On lattices of the same nodes too this is not a copy: params may decide which moves can be made
/// where, and shifts are kept for those alone. NULL: out of memory.
double *nest_carried(const Lattice *from, const double *x, const Lattice *to);

#endif
