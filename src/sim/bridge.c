/// What noise does inside a cell. A step is played as a straight line; the path that it stands for is a Brownian bridge. A step
/// that ends inside a cell, because something may happen there, ends where the bridge is at that time, a knot, and what is left
/// of the cell goes on from there with what is left of the cell's number (Levy's construction): w = W (h / rest) + sqrt(h (rest
/// - h) / rest) N for the first h of the rest, W - w for the others, which are independent. So hazards, choices and effects meet
/// the stock where it is, noise may become another at any time, and the end of the cell is what it would have been.
///
/// Conditions and maxima that looked at the line alone would miss what passes a threshold and comes back, and a stock
/// that is only put back where a line leads out of its range would stand at its ends for too long. From x0 to x1 over a time h,
/// with noise b that stays, the highest point M of the bridge has P(M > m) = exp(-2 (m - x0) (m - x1) / (b^2 h)), so M = (x0 +
/// x1 + sqrt((x1 - x0)^2 + 2 b^2 h e)) / 2 with e exponential of mean 1; the lowest the same way (Glasserman 2003, Monte Carlo
/// Methods in Financial Engineering, 6.4). Where the lowest point of the free path lies below the range, reflection pushes all
/// that follows up by as much, the highest down (Lepingle 1995, "Euler scheme for reflected stochastic differential
/// equations", exact where drift and noise are constant and one end is near). One e serves a step, up to any time in it.
#include "num/elementary.h"
#include "num/vector.h"
#include "sim/block.h"

/// Noise of a step, as a share of the range, from which both ends are near: then the free path is folded into the range, which
/// is exact without drift.
#define FOLD 0.125

/// No exponential number is larger: -log 2^-53 is 36.7.
#define MOST 37.0

/// Sites of the second and later steps of a cell; the first has its own (sim/internal.h).
#define SITE_LATER 0x80000000u

// numbers of one lane's present step, for one stock; kinds other than the three have no first step
enum { KIND_BRIDGE, KIND_BETWEEN, KIND_KNOT, KIND_OPEN };

static Stream stream_of(const Block *b, int32_t k, int32_t i, uint32_t kind) {
    static const uint32_t first[] = {SITE_BRIDGE, SITE_BETWEEN, SITE_KNOT, SITE_OPEN};
    const Lane *lane = &b->lane[i];
    uint32_t stock = (uint32_t)b->setup->moving[k];
    uint32_t site = lane->stretch == 0 ? first[kind] + stock : SITE_LATER + ((lane->stretch << 10 | kind << 8) & ~SITE_LATER) + stock;
    Stream stream = stream_make(b->setup->options->seed, (uint64_t)lane->run, site);
    stream.index = (uint32_t)lane->cell;
    return stream;
}

static double clip(const ModelStock *stock, double x) { return x < stock->low ? stock->low : x > stock->high ? stock->high : x; }

void block_bridge_steps(Block *b, const int32_t *list, int32_t n) {
    const Setup *s = b->setup;
    int32_t begin[SIM_LANES], n_begin = 0;
    uint64_t run[SIM_LANES], whole[SIM_LANES];
    uint32_t cell[SIM_LANES];
    double *up = b->result[0], *down = b->result[1];
    for (int32_t i = 0; i < n; i++) {
        if (b->lane[list[i]].stretch > 0) continue;
        run[n_begin] = (uint64_t)b->lane[list[i]].run;
        cell[n_begin] = (uint32_t)b->lane[list[i]].cell;
        begin[n_begin++] = list[i];
    }
    for (int32_t k = 0; k < s->n_moving; k++) {
        if (s->level[s->moving[k]].noise == PROGRAM_NONE) continue;
        vector_uniform2(s->options->seed, run, SITE_BRIDGE + (uint32_t)s->moving[k], cell, up, whole, n_begin);
        for (int32_t i = 0; i < n_begin; i++) down[i] = ((double)(int64_t)whole[i] + 0.5) * 0x1p-52;
        vector_log(up, up, n_begin);
        vector_log(down, down, n_begin);
        for (int32_t i = 0; i < n_begin; i++) {
            b->bridge.up[k][begin[i]] = -up[i];
            b->bridge.down[k][begin[i]] = -down[i];
        }
        for (int32_t i = 0; i < n; i++) {
            b->bridge.between[k][list[i]] = NAN;
            if (b->lane[list[i]].stretch > 0) b->bridge.up[k][list[i]] = NAN;
        }
    }
}

// later steps of a cell have exponential numbers when they are asked for
static void draw_extremes(Block *b, int32_t k, int32_t i) {
    if (!isnan(b->bridge.up[k][i])) return;
    double u[2];
    Stream stream = stream_of(b, k, i, KIND_BRIDGE);
    stream_uniform2(&stream, u);
    b->bridge.up[k][i] = -elementary_log(u[0]);
    b->bridge.down[k][i] = -elementary_log(u[1]);
}

static double highest(double x0, double x1, double spread) {
    return 0.5 * (x0 + x1 + elementary_sqrt((x1 - x0) * (x1 - x0) + spread));
}

// what the ends of the range add to a free path from x0 to `end` over a time
static double pushed(Block *b, int32_t k, int32_t i, double x0, double end, double time) {
    const ModelStock *stock = &b->setup->level[b->setup->moving[k]];
    double noise = b->bridge.noise[k][i], range = stock->high - stock->low, spread = 2 * noise * noise * time;
    if (spread > 2 * FOLD * FOLD * range * range) {
        double to = (end - stock->low) / (2 * range);
        to = 2 * range * (to - elementary_floor(to));
        return stock->low + (to > range ? 2 * range - to : to) - end;
    }
    // from one side of an end to the other with the largest e at all
    double reach = 0.25 * MOST * spread, low = stock->low, high = stock->high;
    if (end > low && end < high && (x0 - low) * (end - low) > reach && (high - x0) * (high - end) > reach) return 0;
    draw_extremes(b, k, i);
    double below = low + highest(-x0, -end, spread * b->bridge.down[k][i]), above = highest(x0, end, spread * b->bridge.up[k][i]) - high;
    return (below > 0 ? below : 0) - (above > 0 ? above : 0);
}

double block_bridge_begin(Block *b, int32_t k, int32_t i, double noise, double bend, double slope, double rest) {
    double x = b->x[b->setup->model->n_mode + b->setup->moving[k]][i];
    b->bridge.noise[k][i] = noise;
    b->bridge.bend[k][i] = bend;
    b->bridge.push[k][i] = rest > 0 ? pushed(b, k, i, x, x + slope * rest, rest) / rest : 0;
    return b->bridge.push[k][i];
}

void block_bridge_knots(Block *b) {
    const Setup *s = b->setup;
    for (int32_t i = 0; i < b->n; i++) {
        double h = b->h[i], rest = block_cell_end(b, i) - b->t[i], left = block_cell_end(b, i) - b->t1[i];
        if (b->accepted[i] == 0 || !(h > 0) || !(left > 0)) continue;
        for (int32_t k = 0; k < s->n_moving; k++) {
            const ModelStock *stock = &s->level[s->moving[k]];
            if (stock->noise == PROGRAM_NONE) continue;
            Stream stream = stream_of(b, k, i, KIND_KNOT);
            double whole = b->normal[k][i] * elementary_sqrt(rest), x0 = b->x[s->model->n_mode + s->moving[k]][i];
            double w = whole * (h / rest) + elementary_sqrt(h * (left / rest)) * stream_normal(&stream);
            double free = b->x1[k][i] - b->force[k][i] * h + b->bridge.noise[k][i] * w + b->bridge.bend[k][i] * (w * w - h);
            double push = pushed(b, k, i, x0, free, h), to = clip(stock, free + push), shift = to - b->x1[k][i];
            b->normal[k][i] = (whole - w) / elementary_sqrt(left);
            b->bridge.push[k][i] = push / h;
            b->x1[k][i] = to;
            // the cubic between the ends is what it was, and straight on to the knot
            b->slope[0][k][i] += shift / h;
            b->slope[3][k][i] += shift / h;
        }
        b->lane[i].stretch++;
        b->is_stale[i] = b->lane[i].is_unbounded = true;
    }
}

// where a free path is at `time`, between the step's beginning and `end`, where it is `off` off the line; z: a normal number
static double off_line(const Block *b, int32_t k, int32_t i, double time, double end, double off, double z) {
    double since = time - b->t[i], all = end - b->t[i];
    return off * (since / all) + b->bridge.noise[k][i] * elementary_sqrt(since * ((end - time) / all)) * z;
}

// ... and with what the ends of the range add
static double reflected(Block *b, int32_t k, int32_t i, double time, double off) {
    const ModelStock *stock = &b->setup->level[b->setup->moving[k]];
    double since = time - b->t[i], x0 = b->x[b->setup->model->n_mode + b->setup->moving[k]][i];
    double free = block_inside(b, k, i, block_share(b, i, time)) - b->bridge.push[k][i] * since + off;
    return clip(stock, free + pushed(b, k, i, x0, free, since));
}

static bool is_between(const Block *b, int32_t i, double time) { return time > b->t[i] && time < b->t1[i]; }

static double off_at(Block *b, int32_t k, int32_t i, double time) {
    double *z = &b->bridge.between[k][i];
    if (isnan(*z)) {
        Stream stream = stream_of(b, k, i, KIND_BETWEEN);
        *z = stream_normal(&stream);
    }
    return off_line(b, k, i, time, b->t1[i], 0, *z);
}

double block_bridge_at(Block *b, int32_t k, int32_t i, double time) {
    const ModelStock *stock = &b->setup->level[b->setup->moving[k]];
    if (stock->noise == PROGRAM_NONE || b->bridge.noise[k][i] == 0 || !is_between(b, i, time)) return block_inside(b, k, i, block_share(b, i, time));
    return reflected(b, k, i, time, off_at(b, k, i, time));
}

// where a window opens: what it ends with has been drawn before
static double opened(Block *b, int32_t k, int32_t i, double open, double to) {
    if (!is_between(b, i, open) || !is_between(b, i, to) || !(open < to) || b->bridge.noise[k][i] == 0) return block_bridge_at(b, k, i, open);
    Stream stream = stream_of(b, k, i, KIND_OPEN);
    return reflected(b, k, i, open, off_line(b, k, i, open, to, off_at(b, k, i, to), stream_normal(&stream)));
}

double block_bridge_on(Block *b, int32_t k, int32_t i, double open, double to, double time) {
    double x = block_inside(b, k, i, block_share(b, i, time));
    double share = to > open ? (time - open) / (to - open) : 1;
    double first = opened(b, k, i, open, to) - block_inside(b, k, i, block_share(b, i, open));
    double last = block_bridge_at(b, k, i, to) - block_inside(b, k, i, block_share(b, i, to));
    return clip(&b->setup->level[b->setup->moving[k]], x + (1 - share) * first + share * last);
}

void block_bridge_extremes(Block *b, int32_t k, int32_t i, double open, double to, double *low, double *high) {
    const ModelStock *stock = &b->setup->level[b->setup->moving[k]];
    draw_extremes(b, k, i);
    // where an end of the range has pushed, the pushed path comes to that end for the same e as the free one
    double x0 = open > b->t[i] ? opened(b, k, i, open, to) : b->x[b->setup->model->n_mode + b->setup->moving[k]][i];
    double x1 = to < b->t1[i] ? block_bridge_at(b, k, i, to) : b->x1[k][i], spread = 2 * b->bridge.noise[k][i] * b->bridge.noise[k][i] * (to - open);
    *high = clip(stock, highest(x0, x1, spread * b->bridge.up[k][i]));
    *low = clip(stock, -highest(-x0, -x1, spread * b->bridge.down[k][i]));
}
