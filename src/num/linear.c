#include "num/linear.h"
#include "num/elementary.h"
#include "num/vector.h"

#include <assert.h>

double vector_sup(const double *x, int64_t n) {
    // eight at a time, and holes counted beside: a compiler may not reorder a single maximum into a vector
    double most[8] = {0}, holes[8] = {0};
    int64_t i = 0;
    for (; i + 8 <= n; i += 8)
        for (int k = 0; k < 8; k++) {
            double size = fabs(x[i + k]);
            most[k] = size > most[k] ? size : most[k];
            holes[k] += size != size ? 1.0 : 0.0;
        }
    for (int k = 0; i < n; i++, k++) {
        double size = fabs(x[i]);
        most[k] = size > most[k] ? size : most[k];
        holes[k] += x[i] != x[i] ? 1.0 : 0.0;
    }
    for (int k = 1; k < 8; k++) {
        most[0] = most[k] > most[0] ? most[k] : most[0];
        holes[0] += holes[k];
    }
    return holes[0] > 0 ? NAN : most[0];
}

double vector_dot(const double *a, const double *b, int64_t n) {
    const VectorKernels *kernels = vector_kernels();
    double total = 0;
    for (int64_t i = 0; i < n; i += VECTOR_DOT_CHUNK)
        total += kernels->dot(a + i, b + i, n - i < VECTOR_DOT_CHUNK ? n - i : VECTOR_DOT_CHUNK);
    return total;
}

// Columns shorter than this part of the longest one there ever was count as dependent: well above what rounding leaves
// of a dependent column, well below what a mixing window needs to tell apart.
#define RANK_TOL 1e-13

static double largest_size(const double *v, int32_t n) {
    double size = 0;
    for (int32_t i = 0; i < n; i++) size = elementary_abs(v[i]) > size ? elementary_abs(v[i]) : size;
    return size;
}

// Euclidean length, safe from overflow and underflow
static double length(const double *v, int32_t n) {
    double size = largest_size(v, n);
    if (!(size > 0) || !(size < INFINITY)) return size;
    double sum = 0;
    for (int32_t i = 0; i < n; i++) sum += (v[i] / size) * (v[i] / size);
    return size * elementary_sqrt(sum);
}

// w <- w - beta v (v'w)
static void reflect(const double *v, double beta, double *w, int32_t n) {
    double dot = 0;
    for (int32_t i = 0; i < n; i++) dot += v[i] * w[i];
    for (int32_t i = 0; i < n; i++) w[i] -= beta * dot * v[i];
}

int32_t linear_least_squares(int32_t m, int32_t n, double *a, double *b, double *x) {
    assert(n <= LINEAR_UNKNOWNS_MAX);
    int32_t place[LINEAR_UNKNOWNS_MAX];        // place[j]: the column of `a` that is j-th in the order of pivots
    double  diagonal[LINEAR_UNKNOWNS_MAX];
    for (int32_t j = 0; j < n; j++) {
        place[j] = j;
        x[j] = 0;
    }

    int32_t rank = 0;
    double  longest = 0;
    while (rank < m && rank < n) {
        // the pivot is the column with most left below row `rank`, the first of equals; lengths are taken afresh, as
        // windows are narrow and updated lengths lose their digits when it matters
        int32_t pivot = rank;
        double  most  = -1;
        for (int32_t j = rank; j < n; j++) {
            double size = length(a + (int64_t)place[j] * m + rank, m - rank);
            if (size > most) {
                most  = size;
                pivot = j;
            }
        }
        if (rank == 0) longest = most;
        if (!(most > RANK_TOL * longest)) break;
        int32_t column = place[pivot];
        place[pivot] = place[rank];
        place[rank]  = column;

        // the reflection H = I - beta v v' that sends the pivot column to (diagonal, 0, ..., 0); v overwrites it,
        // scaled by the column's length so that no square leaves the range
        int32_t rows = m - rank;
        double *v    = a + (int64_t)column * m + rank;
        for (int32_t i = 0; i < rows; i++) v[i] /= most;
        double sign = v[0] < 0 ? -1.0 : 1.0;
        double beta = 1.0 / (1.0 + elementary_abs(v[0]));
        v[0] += sign;
        diagonal[rank] = -sign * most;
        for (int32_t j = rank + 1; j < n; j++) reflect(v, beta, a + (int64_t)place[j] * m + rank, rows);
        reflect(v, beta, b + rank, rows);
        rank++;
    }

    // R x = Q'b from the last row up; what is above the diagonal stands in the columns, and columns left out have x = 0
    for (int32_t i = rank - 1; i >= 0; i--) {
        double sum = b[i];
        for (int32_t j = i + 1; j < rank; j++) sum -= a[(int64_t)place[j] * m + i] * x[place[j]];
        x[place[i]] = sum / diagonal[i];
    }
    return rank;
}
