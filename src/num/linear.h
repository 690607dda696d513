/// Linear algebra of the small kind: dot products of long columns whose bits never vary, and least squares with few
/// unknowns (the mixing windows of fixed-point acceleration).
#ifndef NUM_LINEAR_H
#define NUM_LINEAR_H

#include <stdint.h>

/// Sum of a[i] * b[i].
///
/// The order of summation is fixed: chunks of VECTOR_DOT_CHUNK (num/vector.h), each summed in eight lanes by index
/// modulo 8, the lanes added in pairs, the chunks' sums added from first to last. So the bits do not depend on vector
/// width or compiler, and threads that take whole chunks and add their sums in order get the same ones.
/// The error is at most about n/8 roundings inside a chunk, and one a chunk.
double vector_dot(const double *a, const double *b, int64_t n);

/// The largest |x[i]|; 0 for none, NaN if any is NaN: a column with a hole must not pass as small.
double vector_sup(const double *x, int64_t n);

/// Unknowns that linear_least_squares handles at most.
#define LINEAR_UNKNOWNS_MAX 64

/// The x for which |A x - b| is least.
///
///   m, n   rows >= 0; unknowns 0 .. LINEAR_UNKNOWNS_MAX; m < n is allowed
///   a      [m x n] by column; destroyed
///   b      [m]; destroyed. Afterwards the sum of squares of b[rank .. m-1] is that of the residual.
///   x      [n] out
///
/// Columns that depend on others within rounding (1e-13 of the largest) are left out: their x is 0.
/// Returns the rank. Householder reflections with column pivoting; Golub and Van Loan, "Matrix Computations", 5.4.
int32_t linear_least_squares(int32_t m, int32_t n, double *a, double *b, double *x);

#endif
