/// Anderson mixing: makes a slow fixed-point iteration x <- g(x) fast by choosing, among combinations of the last few
/// iterates, the one whose residual g(x) - x is smallest. On linear problems it is GMRES in disguise.
/// Source: Walker and Ni 2011, "Anderson acceleration for fixed-point iterations" (type II, least squares in the
/// differences); restarts and the damping of its normal equations are ours and are documented in the .c.
#ifndef NUM_ANDERSON_H
#define NUM_ANDERSON_H

#include "base/team.h"

#include <stdint.h>

typedef struct Anderson Anderson;

/// Make one for vectors of `n` doubles that remembers `window` differences. NULL when memory is out. Borrows the team.
/// Memory: window * n * 8 bytes (differences are kept in single precision: they only span the search, the iterate itself is
/// always double) and 2 * n * 8 bytes.
Anderson *anderson_make(int64_t n, int32_t window, Team *team);
void      anderson_free(Anderson *anderson);
double    anderson_bytes(int64_t n, int32_t window);

/// Forget the past (after a jump in a parameter, or when the residual has grown).
void anderson_reset(Anderson *anderson);

/// One step: from x and g = g(x), the next iterate. x_next may be x. The first step after a reset gives g itself.
/// The same bits for any number of threads. Cost: about 2 * window multiply-adds an element.
void anderson_step(Anderson *anderson, const double *x, const double *g, double *x_next);

#endif
