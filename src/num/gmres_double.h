/// GMRES: linear systems that exist only as an operator, solved with the smallest residual of any Krylov method; for
/// operators near the identity, and for small systems, where it ends after as many steps as there are unknowns.
/// Source: Saad and Schultz 1986; Arnoldi by modified Gram-Schmidt, Givens rotations.
#ifndef NUM_GMRES_DOUBLE_H
#define NUM_GMRES_DOUBLE_H

#include "num/bicgstab.h"

/// Solve A x = b from the x given, until the 2-norm of b - A x is at most `tolerance` times that of b, or `max_apply`
/// applications are used.
///   n_keep   steps between restarts, at least 1: the memory is n_keep + 2 columns
/// Returns DUR_OK (see out->converged; out->residual is the 2-norm), DUR_MEMORY, or what `apply` returned. Deterministic.
DurStatus gmres_double(LinearSolve *out, int64_t n, LinearApply apply, void *context, const double *b, double tolerance,
                int64_t max_apply, int32_t n_keep, double *x);

#endif
