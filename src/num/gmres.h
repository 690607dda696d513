/// GMRES for a linear system that is known by its sweep: d <- d + M^{-1} (r - A d), some M. The Krylov space is that of
/// M^{-1} A, one sweep a dimension; vectors are single precision, what is summed over them is double.
/// Source: Saad and Schultz 1986; left preconditioning, e.g. Saad 2003, "Iterative Methods for Sparse Linear Systems", 9.3.
#ifndef NUM_GMRES_H
#define NUM_GMRES_H

#include "base/status.h"
#include "base/team.h"

#include <stdbool.h>
#include <stdint.h>

/// One sweep over d (in place) with right side r; NULL: 0.
/// DUR_OK, or what the solve should end with.
typedef DurStatus (*GmresSweep)(void *context, const float *r, float *d);

/// z = B q, with B a fixed linear map that brings M^{-1} A B nearer to 1; in two halves, so that z need not be kept.
typedef struct GmresPrecondition {
    /// From now on it is about this q.
    void (*begin)(void *context, const float *q);
    /// z[0 .. n-1] = elements from .. from+n-1 of B q. Called from any thread.
    void (*at)(const void *context, const float *q, int64_t from, int64_t n, float *z);
    void *context;
} GmresPrecondition;

typedef struct Gmres Gmres;

/// Vectors of `n` floats, at most `window` dimensions (1 .. GMRES_WINDOW_MAX) before a restart. NULL when memory is out.
/// Memory: (window + 2) * n * 4 bytes.
#define GMRES_WINDOW_MAX 60
Gmres *gmres_make(int64_t n, int32_t window, Team *team);
void   gmres_free(Gmres *gmres);
double gmres_bytes(int64_t n, int32_t window);

/// From now on systems are solved for B^{-1} d (right preconditioning, Saad 2003, 9.3.2): residuals stay what they are. NULL: no B.
void   gmres_precondition(Gmres *gmres, const GmresPrecondition *precondition);

typedef struct GmresResult {
    int64_t n_sweep;
    double  reduced;      // length of M^{-1}(r - A d), relative to that of M^{-1} r
    bool    stalled;      // a restart brought next to nothing
} GmresResult;

/// Solve from d = 0 until the residual M^{-1}(r - A d) is `reduce` times as long as there, or `max_sweep` sweeps.
///   r      [n]
///   swept  [n] M^{-1} r if it is at hand: what a sweep makes of d = 0; NULL: found here
///   is_guessed   `d` holds a guess, and as much of it is where the solve starts as leaves the least; with `swept` only
///   d      [in,out] [n]; the best found
/// Returns what a sweep returned if not DUR_OK. The same bits on any number of threads and at any vector width.
DurStatus gmres_solve(GmresResult *out, Gmres *gmres, GmresSweep sweep, void *context, const float *r,
                      const float *swept, bool is_guessed, double reduce, int64_t max_sweep, float *d);

/// <a, b> with the order of summation fixed.
double gmres_dot(Gmres *gmres, const float *a, const float *b);

#endif
