/// BiCGStab: linear systems that exist only as an operator. Source: van der Vorst 1992; restarted when it breaks down.
#ifndef NUM_BICGSTAB_H
#define NUM_BICGSTAB_H

#include "base/status.h"
#include "base/team.h"

#include <stdbool.h>
#include <stdint.h>

/// y = A x, vectors of n doubles. Returns a status that ends the solve if it is not DUR_OK.
typedef DurStatus (*LinearApply)(void *context, const double *x, double *y);

/// y = M^-1 x, linear and the same at each call.
typedef void (*LinearPrecondition)(void *context, const double *x, double *y);

typedef struct LinearSolve {
    double  residual;      // largest |b - A x| at the end
    int64_t n_apply;       // operator applications
    bool    converged;
} LinearSolve;

/// Solve A x = b from the x given, until the largest |b - A x| is at most `tolerance`, or `max_apply` applications are used.
///   precondition   right preconditioner: the solver works on A M^-1; with the context of `apply`. NULL: scale
///   scale    [n] M = diag(scale), where there is no `precondition`; NULL: none
///   team     for what is done between applications; may be NULL
/// Returns DUR_OK (see out->converged), DUR_MEMORY, or what `apply` returned. The same bits on any number of threads.
/// Memory: eight columns, one less without `scale`.
DurStatus bicgstab(LinearSolve *out, int64_t n, LinearApply apply, LinearPrecondition precondition, void *context, const double *b,
                   const double *scale, double tolerance, int64_t max_apply, double *x, Team *team);

#endif
