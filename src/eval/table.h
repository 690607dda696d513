/// The value of a piecewise linear table, for the kernels and the reference alike.
#ifndef EVAL_TABLE_H
#define EVAL_TABLE_H

#include "model/model.h"

/// y at x: flat outside the first and the last point, linear between, exactly y[i] at x[i], never outside the two
/// values that it lies between. NaN at NaN. Cost: log2(n_point) comparisons.
static inline double table_value(const ModelTable *table, double x) {
    const double *px = table->x, *py = table->y;
    int32_t low = 0, high = table->n_point - 1;
    if (x <= px[low])  return py[low];
    if (x >= px[high]) return py[high];
    if (!(x == x))     return x;

    // px[low] <= x < px[high] throughout
    while (high - low > 1) {
        int32_t middle = low + (high - low) / 2;
        if (x < px[middle]) high = middle;
        else                low  = middle;
    }

    // a weighted mean, which cannot overflow; rounding may carry it past an end by a little, so it is held
    double share = (x - px[low]) / (px[high] - px[low]);
    double y     = py[low] * (1.0 - share) + py[high] * share;
    double least = py[low] < py[high] ? py[low] : py[high];
    double most  = py[low] < py[high] ? py[high] : py[low];
    return y < least ? least : y > most ? most : y;
}

#endif
