/// What noise does between the ends of a cell. Where a step sees a straight line, the path that it stands for is a Brownian
/// bridge; conditions and maxima that looked at the line alone would miss what passes a threshold and comes back.
///
/// From x0 to x1 over a time h, with noise b that stays, the highest point M of the bridge has P(M > m) = exp(-2 (m - x0)
/// (m - x1) / (b^2 h)), so M = (x0 + x1 + sqrt((x1 - x0)^2 + 2 b^2 h e)) / 2 with e exponential of mean 1; the lowest the same
/// way (Glasserman 2003, Monte Carlo Methods in Financial Engineering, 6.4). One e serves a cell, however many steps it is
/// cut into: M rises with h, so what a step saw is what the whole stretch up to its end shows.
#include "num/elementary.h"
#include "num/vector.h"
#include "sim/block.h"

void block_bridge_cells(Block *b, const int32_t *list, int32_t n) {
    const Setup *s = b->setup;
    uint64_t run[SIM_LANES], whole[SIM_LANES];
    uint32_t cell[SIM_LANES];
    double *up = b->result[0], *down = b->result[1];
    for (int32_t i = 0; i < n; i++) {
        run[i] = (uint64_t)b->lane[list[i]].run;
        cell[i] = (uint32_t)b->lane[list[i]].cell;
    }
    for (int32_t k = 0; k < s->n_moving; k++) {
        if (s->level[s->moving[k]].noise == PROGRAM_NONE) continue;
        vector_uniform2(s->options->seed, run, SITE_BRIDGE + (uint32_t)s->moving[k], cell, up, whole, n);
        for (int32_t i = 0; i < n; i++) down[i] = ((double)(int64_t)whole[i] + 0.5) * 0x1p-52;
        vector_log(up, up, n);
        vector_log(down, down, n);
        for (int32_t i = 0; i < n; i++) {
            b->bridge.up[k][list[i]] = -up[i];
            b->bridge.down[k][list[i]] = -down[i];
            b->bridge.begin[k][list[i]] = NAN;
        }
    }
}

void block_bridge_begin(Block *b, int32_t k, int32_t i, double noise) {
    const Bridge *to = &b->bridge;
    double x = b->x[b->setup->model->n_mode + b->setup->moving[k]][i];
    // a jump of something else does not end the stretch, unless noise is another
    if (to->begin[k][i] >= 0 && to->noise[k][i] == noise && to->last[k][i] == x) return;
    to->begin[k][i] = b->t[i];
    to->from[k][i] = x;
    to->noise[k][i] = noise;
}

void block_bridge_extremes(const Block *b, int32_t k, int32_t i, double open, double to, double *low, double *high) {
    const Bridge *bridge = &b->bridge;
    const ModelStock *stock = &b->setup->level[b->setup->moving[k]];
    double begin = bridge->begin[k][i], x0 = bridge->from[k][i], x1 = block_inside(b, k, i, block_share(b, i, to));
    if (open > begin) {   // what was before the window does not count
        begin = open > b->t[i] ? open : b->t[i];
        x0 = block_inside(b, k, i, block_share(b, i, begin));
    }
    double way = x1 - x0, spread = 2 * bridge->noise[k][i] * bridge->noise[k][i] * (to - begin);
    *high = 0.5 * (x0 + x1 + elementary_sqrt(way * way + spread * bridge->up[k][i]));
    *low  = 0.5 * (x0 + x1 - elementary_sqrt(way * way + spread * bridge->down[k][i]));
    if (*high > stock->high) *high = stock->high;
    if (*low < stock->low) *low = stock->low;
}
