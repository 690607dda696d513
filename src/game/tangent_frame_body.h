/// What tangents of all kinds of games have in common, compiled for each vector width: where coefficients go, flows from other
/// stock nodes, lines, and the order in which a block is swept. Included by tangent_body.h and tangent_types_body.h.
#ifndef GAME_TANGENT_FRAME_BODY_H
#define GAME_TANGENT_FRAME_BODY_H

#include "game/tangent_kernel.h"
#include "lattice/kernel_body.h"

#include <string.h>

// not functions: where vectors are narrower than this a compiler warns of passing them
#define LOAD16(p)     (*(const DurFloat16 *)(p))
#define STORE16(p, x) (*(DurFloat16 *)(p) = (x))

// ---- taking it --------------------------------------------------------------------------------------------------------

// one coefficient row into its place
static inline void put_row(const TangentJob *job, int64_t block, int64_t mode, int32_t row, const float *DUR_RESTRICT from) {
    int64_t n_row = job->mode_row[mode + 1] - job->mode_row[mode];
    float *DUR_RESTRICT to = job->coefficient + (block * job->n_row + job->mode_row[mode]) * job->n_lane + row * job->group;
    if (job->group < 16) {
        memcpy(to, from, (size_t)job->line * sizeof *to);
        return;
    }
    // a call for every sixteen floats would cost more than writing them
    for (int64_t line = 0; line < job->n_line; line++, from += job->line)
        for (int64_t i = 0; i < job->line; i += 16, to += n_row * 16) {
            if (job->line - i >= 16) STORE16(to, LOAD16(from + i));
            else memcpy(to, from + i, (size_t)(job->line - i) * sizeof *to);
        }
}

// What elimination along the lines of a block divides by: m_i = 1/(D_i - down_i up_{i-1} m_{i-1}). No rate leads over the end
// of a line, so the lines need not be told apart. (Thomas 1949; D is larger than both rates together, so no pivot is small.)
static inline void pivots(const TangentJob *job, const LatticeBlock *view, double rho, const double *DUR_RESTRICT diag,
                   float *DUR_RESTRICT out) {
    const LatticeStock *stock = &job->lattice->stock[job->line_stock];
    Row up = row_of(job->lattice, &stock->up, view), down = row_of(job->lattice, &stock->down, view);
    double before = 0;
    for (int64_t i = 0; i < job->lattice->n_lane; i++) {
        before = 1.0 / (rho + diag[i] - (down.lane ? down.lane[i] : down.one) * before);
        out[i] = (float)before;
        before *= up.lane ? up.lane[i] : up.one;
    }
}

// ---- sweeping it ------------------------------------------------------------------------------------------------------
// Lanes are worked on sixteen at a time, and what they sum up to stays in registers. A piece of a block whose lanes are no
// multiple of sixteen is padded: what is computed beyond its end is never looked at.

/// Times that the combinations of modes are gone through, forth, back and forth, while a block is in cache. One more pays
/// for itself in fewer sweeps on games with fast moves; two more don't.
#define MODE_ROUNDS 3

// The mean over the targets of a jump, at the sixteen lanes that begin `at` values into job->d, of n_value rows of values: q[e].
static DUR_ALWAYS_INLINE void cornered16(const TangentJob *job, const TangentCorner *corner, int32_t n_corner, int64_t at, int64_t lane,
                                         int32_t n_value, DurFloat16 *q) {
    const float *d = job->d;
    int64_t n_state = job->lattice->n_state, most = (job->n_value - n_value + 1) * n_state - 16;
    for (int32_t e = 0; e < n_value; e++) q[e] = (DurFloat16){0};
    for (const TangentCorner *end = corner + n_corner; corner < end; corner++) {
        int64_t there = at + corner->shift;
        if (!corner->lane) {
            for (int32_t e = 0; e < n_value; e++) q[e] += LOAD16(d + there + e * n_state) * corner->weight;
        } else if (lane + 16 <= corner->from || lane >= corner->to) {
            continue;
        } else if (there >= 0 && there <= most) {
            // lanes that don't go there weigh nothing, whatever they would read
            DurFloat16 weight = LOAD16(corner->lane + lane);
            for (int32_t e = 0; e < n_value; e++) q[e] += weight * LOAD16(d + there + e * n_state);
        } else {
            for (int32_t e = 0; e < n_value; e++)
                for (int64_t i = 0; i < 16; i++)
                    if (lane + i >= corner->from && lane + i < corner->to) q[e][i] += corner->lane[lane + i] * d[there + e * n_state + i];
        }
    }
}

// the coefficients of a group of lanes
static inline const float *group_of(const TangentJob *job, int64_t block, int64_t mode, int64_t group) {
    int64_t n_row = job->mode_row[mode + 1] - job->mode_row[mode];
    return job->coefficient + (block * job->n_row + job->mode_row[mode]) * job->n_lane + group * 16 * n_row;
}

// Coefficients come from far away, and only few of them are needed at a time: those of a group of lanes are all asked for at once.
static inline void ask_for(const TangentJob *job, int64_t block, int64_t mode, int64_t group) {
    const float *row = group_of(job, block, mode, group);
    for (int64_t n = job->mode_row[mode + 1] - job->mode_row[mode]; n > 0; n--, row += 16) DUR_PREFETCH_FAR(row);
}

// The rest of what flows into one combination of modes from other stock nodes: acc[e] += ... of sixteen lanes from `lane` on,
// which begin `at` values into job->d.
static DUR_ALWAYS_INLINE void from_rest(const TangentJob *job, const TangentFlow *flow, int32_t n_flow, int64_t at, int64_t lane,
                                        int32_t n_value, DurFloat16 *acc) {
    int64_t n_state = job->lattice->n_state;
    for (const TangentFlow *end = flow + n_flow; flow < end; flow++) {
        if (lane + 16 <= flow->from || lane >= flow->to) continue;
        if (flow->n_corner > 0) {
            DurFloat16 rate = flow->lane ? LOAD16(flow->lane + lane) * flow->weight : (DurFloat16){0} + flow->weight;
            DurFloat16 x[n_value > 0 ? n_value : 1];
            cornered16(job, job->corner + flow->corner, flow->n_corner, at, lane, n_value, x);
            for (int32_t e = 0; e < n_value; e++) acc[e] += rate * x[e];
        } else if (lane >= flow->from && lane + 16 <= flow->to) {
            const float *there = job->d + at + flow->shift;
            DurFloat16 rate = flow->lane ? LOAD16(flow->lane + lane) * flow->weight : (DurFloat16){0} + flow->weight;
            for (int32_t e = 0; e < n_value; e++) acc[e] += rate * LOAD16(there + e * n_state);
        } else {
            for (int32_t e = 0; e < n_value; e++)
                for (int i = 0; i < 16; i++) {
                    if (lane + i < flow->from || lane + i >= flow->to) continue;
                    float rate = flow->lane ? flow->lane[lane + i] * flow->weight : flow->weight;
                    acc[e][i] += rate * job->d[at + e * n_state + i + flow->shift];
                }
        }
    }
}

// What drift, noise and events bring to one combination of modes from other stock nodes: acc[e] += ... of sixteen lanes from
// `lane` on. `d` is read as it is.
static DUR_ALWAYS_INLINE void from_flows(const TangentJob *job, int64_t block, int64_t mode, int64_t lane, int32_t n_value,
                                         DurFloat16 *acc) {
    const Lattice *l = job->lattice;
    const TangentCell *cell = &job->cell[block * l->n_mode_state + mode];
    int64_t first = mode * l->n_stock_state + block * l->n_lane, n_state = l->n_state;
    const float *d = job->d + first;
    const TangentFlow *flow = job->flow + cell->flow, *end = flow + cell->n_flat;
    for (; flow < end; flow++) {
        const float *at = d + lane + flow->shift;
        float weight = flow->weight;
        for (int32_t e = 0; e < n_value; e++) acc[e] += LOAD16(at + e * n_state) * weight;
    }
    for (end += cell->n_uneven; flow < end; flow++) {
        const float *at = d + lane + flow->shift;
        DurFloat16 rate = LOAD16(flow->lane + lane) * flow->weight;
        for (int32_t e = 0; e < n_value; e++) acc[e] += rate * LOAD16(at + e * n_state);
    }
    from_rest(job, flow, cell->n_rest, first + lane, lane, n_value, acc);
}

/// What a kind of game has of its own in a sweep: what comes from outside a block (see from_flows), and what moves bring from
/// other combinations of modes, added to it: sum[e] of the group of lanes at `lane`, which lies at `g` in scratch.
typedef void FromOutside(const TangentJob *job, int64_t block, int64_t mode, int64_t lane, const float *coefficient,
                         int32_t n_value, DurFloat16 *acc);
typedef void FromModes(const TangentJob *job, const TangentCell *cell, const float *coefficient, int64_t mode, int64_t lane,
                       int64_t g, int64_t pad, int32_t n_value, const float *x, const float *acc, DurFloat16 *sum);

// x moved k lanes on, or back, those of `in` coming in
#define ON1(x, in)   __builtin_shufflevector(in, x, 0, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30)
#define ON2(x, in)   __builtin_shufflevector(in, x, 0, 1, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29)
#define ON4(x, in)   __builtin_shufflevector(in, x, 0, 1, 2, 3, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27)
#define ON8(x, in)   __builtin_shufflevector(in, x, 0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23)
#define BACK1(x, in) __builtin_shufflevector(x, in, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16)
#define BACK2(x, in) __builtin_shufflevector(x, in, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17)
#define BACK4(x, in) __builtin_shufflevector(x, in, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19)
#define BACK8(x, in) __builtin_shufflevector(x, in, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23)

// s_i += c_i s_{i-1}, lane after lane, from nothing before the first: sixteen steps in four, each joining stretches of twice the
// length (Kogge and Stone 1973). c becomes what each lane takes of what might stand before the first, all but its last factor
// (ON8): groups of a line wait for one another only there.
static DUR_ALWAYS_INLINE void follow_on(DurFloat16 *s, DurFloat16 *c) {
    DurFloat16 none = {0}, one = none + 1.0f, x = *s, by = *c;
    x += by * ON1(x, none); by *= ON1(by, one);
    x += by * ON2(x, none); by *= ON2(by, one);
    x += by * ON4(x, none); by *= ON4(by, one);
    *s = x + by * ON8(x, none);
    *c = by;
}

static DUR_ALWAYS_INLINE void follow_back(DurFloat16 *s, DurFloat16 *c) {
    DurFloat16 none = {0}, one = none + 1.0f, x = *s, by = *c;
    x += by * BACK1(x, none); by *= BACK1(by, one);
    x += by * BACK2(x, none); by *= BACK2(by, one);
    x += by * BACK4(x, none); by *= BACK4(by, one);
    *s = x + by * BACK8(x, none);
    *c = by;
}

// One line of one combination of modes, from `sum`, what comes from all others, and what its neighbours have become: elimination
// on, substitution back. z_i = m_i (b_i + down_i z_{i-1}), x_i = z_i + m_i up_i x_{i+1}, m the pivots (see pivots). Rows of values
// go side by side: each step of one waits for the step before.
static DUR_ALWAYS_INLINE void settle_line(const TangentJob *job, const TangentCell *cell, const float *coefficient, int64_t next,
                                          int64_t line, int64_t pad, int32_t n_value, const float *sum, float *here) {
    int64_t lane = line * job->line, first = line * job->line_group * 16, group = job->group;
    const TangentFlow *flow = job->flow + cell->flow + cell->n_flat + cell->n_uneven + cell->n_rest;
    const float *row = coefficient + line * job->line_group * next;
    DurFloat16 one = (DurFloat16){0} + 1.0f;
    for (int64_t k = 0; k < job->line_group; k++, row += next) {
        int64_t g = first + 16 * k;
        DurFloat16 z[n_value > 0 ? n_value : 1], down = LOAD16(cell->down + lane + 16 * k);
        for (int32_t e = 0; e < n_value; e++) z[e] = LOAD16(sum + e * pad + g);
        for (int32_t f = 0; f < cell->n_across; f++) {
            // its shift counts lines
            int64_t other = line + flow[f].shift;
            if (other < 0 || other >= job->n_line) continue;
            const float *there = here + other * job->line_group * 16 + 16 * k;
            DurFloat16 rate = LOAD16(flow[f].lane + lane + 16 * k) * flow[f].weight;
            for (int32_t e = 0; e < n_value; e++) z[e] += rate * LOAD16(there + e * pad);
        }
        for (int32_t e = 0; e < n_value; e++) {
            DurFloat16 pivot = LOAD16(row + e * group), by = pivot * down, x = z[e] * pivot;
            follow_on(&x, &by);
            if (k > 0) x += by * ON8(by, one) * here[e * pad + g - 1];
            STORE16(here + e * pad + g, x);
        }
    }
    for (int64_t k = job->line_group - 1; k >= 0; k--) {
        int64_t g = first + 16 * k;
        row -= next;
        DurFloat16 up = LOAD16(cell->up + lane + 16 * k);
        for (int32_t e = 0; e < n_value; e++) {
            DurFloat16 by = LOAD16(row + e * group) * up, x = LOAD16(here + e * pad + g);
            follow_back(&x, &by);
            if (k < job->line_group - 1) x += by * BACK8(by, one) * here[e * pad + g + 16];
            STORE16(here + e * pad + g, x);
        }
    }
}

// all lines of one combination of modes, forth or back
static DUR_ALWAYS_INLINE void settle_lines(const TangentJob *job, const TangentCell *cell, const float *coefficient, int64_t next,
                                           bool is_forth, int64_t pad, int32_t n_value, const float *sum, float *here) {
    for (int64_t i = 0; i < job->n_line; i++)
        settle_line(job, cell, coefficient, next, is_forth ? i : job->n_line - 1 - i, pad, n_value, sum, here);
}

// x [n_mode_state x n_value x pad], pad = sixteen for every group; acc [the same]; sum [n_value x pad]
static DUR_ALWAYS_INLINE void sweep_values(const TangentJob *job, FromOutside *from_outside, FromModes *from_modes, int64_t block,
                                           int64_t from, int64_t to, int32_t n_value, float *DUR_RESTRICT x,
                                           float *DUR_RESTRICT acc) {
    const Lattice *l = job->lattice;
    int64_t n_mode = l->n_mode_state, pad = (to - from) * 16;
    float *sums = acc + n_mode * n_value * pad;
    DurFloat16 sum[n_value > 0 ? n_value : 1];
    // what stays as it is while modes are gone through
    for (int64_t mode = 0; mode < n_mode; mode++) {
        int64_t n_row = job->mode_row[mode + 1] - job->mode_row[mode];
        const float *coefficient = group_of(job, block, mode, from);
        for (int64_t g = from; g < to; g++, coefficient += 16 * n_row) {
            if (mode + 1 < n_mode) ask_for(job, block, mode + 1, g);
            int64_t lane = job->lane[g], at = mode * l->n_stock_state + block * l->n_lane + lane;
            float *put = acc + mode * n_value * pad + (g - from) * 16;
            for (int32_t e = 0; e < n_value; e++) {
                sum[e] = job->right ? LOAD16(job->right + e * l->n_state + at) : (DurFloat16){0};
                STORE16(x + (mode * n_value + e) * pad + (g - from) * 16, LOAD16(job->d + e * l->n_state + at));
            }
            from_outside(job, block, mode, lane, coefficient, n_value, sum);
            for (int32_t e = 0; e < n_value; e++) STORE16(put + e * pad, sum[e]);
        }
    }

    // combinations of modes forth and back, each seeing what the others have become
    for (int32_t round = 0; round < MODE_ROUNDS; round++)
        for (int64_t step = 0; step < n_mode; step++) {
            int64_t mode = round % 2 == 0 ? step : n_mode - 1 - step;
            const TangentCell *cell = &job->cell[block * n_mode + mode];
            const float *coefficient = group_of(job, block, mode, from), *row = coefficient;
            int64_t next = 16 * (job->mode_row[mode + 1] - job->mode_row[mode]);
            bool is_lined = job->line_stock >= 0;
            float *here = x + mode * n_value * pad, *put = is_lined ? sums : here;
            for (int64_t g = 0; g < pad; g += 16, row += next) {
                from_modes(job, cell, row, mode, job->lane[from + g / 16], g, pad, n_value, x, acc, sum);
                for (int32_t e = 0; e < n_value; e++) {
                    if (!is_lined) sum[e] *= LOAD16(row + e * job->group);
                    STORE16(put + e * pad + g, sum[e]);
                }
            }
            if (is_lined) settle_lines(job, cell, coefficient, next, round % 2 == 0, pad, n_value, sums, here);
        }
}

#endif
