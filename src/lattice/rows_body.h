/// y = G x over a part of the rows, compiled for each vector width: see rows.h. Included by chain_base.c and its sisters.
#include "base/compiler.h"
#include "lattice/rows_kernel.h"

static void rows_apply(const RowsPart *part, const double *DUR_RESTRICT x, double *DUR_RESTRICT y) {
    const int32_t *shift = part->shift, *to = part->to;
    const double *rate = part->rate;
    for (int64_t s = 0; s < part->n_slice; s++) {
        const double *here = x + part->first_state + s * ROWS_LANES, *leave = part->leave + s * ROWS_LANES;
        double *out = y + part->first_state + s * ROWS_LANES;
        double sum[ROWS_LANES] = {0};
        int32_t n_even = part->n_way[s] - part->n_odd[s];
        for (int32_t k = 0; k < n_even; k++, rate += ROWS_LANES) {
            const double *there = here + *shift++;
            for (int i = 0; i < ROWS_LANES; i++) sum[i] += rate[i] * there[i];
        }
        for (int32_t k = 0; k < part->n_odd[s]; k++, rate += ROWS_LANES, to += ROWS_LANES, shift++)
            for (int i = 0; i < ROWS_LANES; i++) sum[i] += rate[i] * x[to[i]];
        int64_t left = part->n_state - s * ROWS_LANES;
        if (left >= ROWS_LANES)
            for (int i = 0; i < ROWS_LANES; i++) out[i] = sum[i] - leave[i] * here[i];
        else
            for (int64_t i = 0; i < left; i++) out[i] = sum[i] - leave[i] * here[i];
    }
}
