/// What noise does between the ends of a cell. Where a step sees a straight line, the path that it stands for is a Brownian
/// bridge: conditions and maxima that looked at the line alone would miss what passes a threshold and comes back, and a stock
/// that is only put back where a line leads out of its range would stand at its ends for too long.
///
/// From x0 to x1 over a time h, with noise b that stays, the highest point M of the bridge has P(M > m) = exp(-2 (m - x0)
/// (m - x1) / (b^2 h)), so M = (x0 + x1 + sqrt((x1 - x0)^2 + 2 b^2 h e)) / 2 with e exponential of mean 1; the lowest the same
/// way (Glasserman 2003, Monte Carlo Methods in Financial Engineering, 6.4). One e serves a cell, however many steps it is
/// cut into: M rises with h, so what a step saw is what the whole stretch up to its end shows. Where the lowest point of the
/// free path lies below the range, reflection pushes all that follows up by as much, the highest down (Lepingle 1995, "Euler
/// scheme for reflected stochastic differential equations", exact where drift and noise are constant and one end is near).
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

static double highest(double x0, double x1, double spread) {
    return 0.5 * (x0 + x1 + elementary_sqrt((x1 - x0) * (x1 - x0) + spread));
}

double block_bridge_begin(Block *b, int32_t k, int32_t i, double noise, double slope, double rest) {
    const Bridge *to = &b->bridge;
    const ModelStock *stock = &b->setup->level[b->setup->moving[k]];
    double x = b->x[b->setup->model->n_mode + b->setup->moving[k]][i], end = x + slope * rest, spread = 2 * noise * noise * rest;
    // a jump of something else does not end the stretch, unless noise is another
    if (to->begin[k][i] >= 0 && to->noise[k][i] == noise && to->last[k][i] == x) return to->push[k][i];
    double below = stock->low + highest(-x, -end, spread * to->down[k][i]), above = highest(x, end, spread * to->up[k][i]) - stock->high;
    to->begin[k][i] = b->t[i];
    to->from[k][i] = x;
    to->noise[k][i] = noise;
    to->push[k][i] = rest > 0 ? ((below > 0 ? below : 0) - (above > 0 ? above : 0)) / rest : 0;
    return to->push[k][i];
}

void block_bridge_extremes(const Block *b, int32_t k, int32_t i, double open, double to, double *low, double *high) {
    const Bridge *bridge = &b->bridge;
    const ModelStock *stock = &b->setup->level[b->setup->moving[k]];
    double begin = bridge->begin[k][i], x0 = bridge->from[k][i], x1 = block_inside(b, k, i, block_share(b, i, to));
    if (open > begin) {   // what was before the window does not count
        begin = open > b->t[i] ? open : b->t[i];
        x0 = block_inside(b, k, i, block_share(b, i, begin));
    }
    // where an end of the range has pushed, the pushed path comes to that end for the same e as the free one
    double spread = 2 * bridge->noise[k][i] * bridge->noise[k][i] * (to - begin);
    *high = highest(x0, x1, spread * bridge->up[k][i]);
    *low = -highest(-x0, -x1, spread * bridge->down[k][i]);
    if (*high > stock->high) *high = stock->high;
    if (*low < stock->low) *low = stock->low;
}

double block_bridge_at(const Block *b, int32_t k, int32_t i, double time) {
    const Setup *s = b->setup;
    const ModelStock *stock = &s->level[s->moving[k]];
    double x = block_inside(b, k, i, block_share(b, i, time));
    if (stock->noise == PROGRAM_NONE) return x;
    double begin = b->bridge.begin[k][i], end = (double)(b->lane[i].cell + 1) * s->cell;
    if (!(time > begin && time < end) || b->bridge.noise[k][i] == 0) return x;
    Stream stream = stream_make(s->options->seed, (uint64_t)b->lane[i].run, SITE_BETWEEN + (uint32_t)s->moving[k]);
    stream.index = (uint32_t)b->lane[i].cell;
    x += b->bridge.noise[k][i] * elementary_sqrt((time - begin) * (end - time) / (end - begin)) * stream_normal(&stream);
    x = x < stock->low ? 2 * stock->low - x : x > stock->high ? 2 * stock->high - x : x;
    return x < stock->low ? stock->low : x > stock->high ? stock->high : x;
}
