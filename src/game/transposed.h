/// The chain turned round and written out: for every state where it is reached from, and how fast. Adjoint systems
///     (rho - G)' x = b
/// are solved on it, several right sides at once, so that each rate is read once for all of them.
///
/// Linear solves are BiCGStab behind sweeps, block after block of lanes from the newest values of the others, in single precision; the residual is taken in double and solved for
/// again until it is small enough. Every right side has numbers of its own: what one is solved to does not depend on which others
/// are beside it.
/// Source: van der Vorst 1992; iterative refinement, e.g. Higham 2002, "Accuracy and Stability of Numerical Algorithms", 12.
#ifndef GAME_TRANSPOSED_H
#define GAME_TRANSPOSED_H

#include "base/progress.h"
#include "game/measure.h"

#include <stdatomic.h>

typedef struct Transposed {
    int64_t  n;                    // states; of an actor with types one after the other for each of its types
    int32_t  n_column;             // of one system: 1, or with answers one for each actor
    int64_t  n_stock_state, n_mode_state, n_lane;   // what follows goes by numbers of its own (transposed.c)
    int32_t  n_type;
    bool     goes_back;            // some stock has many nodes: sweeps go through all states there and back first
    int64_t *row;                  // [n + 1] first way into each state
    int32_t *from;                 // where it comes from
    double  *rate;
    double  *leave;                // [n] rate of leaving for other states
    int64_t *answer_row;           // [n x n_column + 1] the same of answers, into each column of each state; NULL: none
    int32_t *answer_from;
    double  *slope;                // [n_column] for each
    float   *rate_single, *slope_single;   // the same for sweeps
} Transposed;

/// Write it out.
///   actor     the chain as this one's types expect it: their own moves by their own choices, and where they may become one another
///             ways between types; negative: as the public sees it
///   answer    [n_actor x n_entry] or NULL. With it a system has a column for each actor, and beside what G carries
///             a unit of column i at a state puts answer[i] of the move that an entry stands for into the column of its actor, to
///             where the move leads, and takes it from there here.
///   stopped   asked now and then; true ends it with DUR_INTERRUPTED
/// Returns DUR_OK, DUR_INTERRUPTED, DUR_MEMORY, or DUR_LIMIT where there are more states than can be numbered. Freed by transposed_free, which takes
/// zeros.
DurStatus transposed_make(Transposed *out, const Policy *policy, int32_t actor, const double *answer, bool (*stopped)(void *context),
                          void *context);
void      transposed_free(Transposed *transposed);

/// Right sides that are solved at once.
#define TRANSPOSED_WIDTH 8

/// One right side, and what comes of it.
typedef struct TransposedSide {
    Measure right;                 // entries of b, borrowed
    int32_t column;                // that they belong to
    double  rho;                   // its discount rate, where `rho` below is NULL
    double *x;                     // [out] [n_column x n] owned by the caller
    double  residual;              // [out] largest miss of an equation
} TransposedSide;

/// Solve for up to TRANSPOSED_WIDTH of them, until no equation is missed by more than `tolerance` times the largest entry of the
/// right side, or rounding allows no more; on small lattices down to rounding in any case. On one thread.
///   rho       [n_column] discount rates of the columns; NULL where each right side has its own
///   stopped   asked now and then; true ends it with DUR_INTERRUPTED
/// Returns DUR_OK whether or not it got there.
DurStatus transposed_solve(const Transposed *transposed, const double *rho, double tolerance, int32_t n_side,
                           TransposedSide *side, bool (*stopped)(void *context), void *context);

/// Bytes of transposed_make, and of one transposed_solve. Of the first an estimate: every way out counts as split between two
/// nodes.
double transposed_bytes(const Lattice *lattice, int32_t n_type, bool with_answers);
double transposed_solve_bytes(int64_t n, int32_t n_column);

#endif
