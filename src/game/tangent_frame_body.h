/// What tangents of all kinds of games have in common, compiled for each vector width: where coefficients go, flows from other
/// stock nodes, lines, and the order in which a block is swept. Included by tangent_body.h and tangent_types_body.h.
#ifndef GAME_TANGENT_FRAME_BODY_H
#define GAME_TANGENT_FRAME_BODY_H

#include "game/tangent_kernel.h"
#include "lattice/kernel_body.h"

#include <string.h>

// ---- taking it --------------------------------------------------------------------------------------------------------

// one coefficient row into its place
static inline void put_row(const TangentJob *job, int64_t block, int64_t mode, int32_t row, const float *DUR_RESTRICT from) {
    int64_t n_row = job->mode_row[mode + 1] - job->mode_row[mode];
    float *DUR_RESTRICT to = job->coefficient + (block * job->n_row + job->mode_row[mode]) * job->n_lane + row * job->group;
    for (int64_t line = 0; line < job->n_line; line++, from += job->line)
        for (int64_t i = 0; i < job->line; i += job->group, to += n_row * job->group)
            memcpy(to, from + i, (size_t)(job->line - i < job->group ? job->line - i : job->group) * sizeof *to);
}

// a row written out: a loop that asks at every lane whether there is a row reads through a null pointer under a mask, which
// costs more than the row
static inline void write_row(Row r, double factor, double *DUR_RESTRICT out, int64_t n) {
    if (r.lane) for (int64_t i = 0; i < n; i++) out[i] = factor * r.lane[i];
    else        for (int64_t i = 0; i < n; i++) out[i] = factor * r.one;
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

/// Groups of lanes by which coefficients are asked for before they are used.
#define GROUPS_AHEAD 4

// not functions: where vectors are narrower than this a compiler warns of passing them
#define LOAD16(p)     (*(const DurFloat16 *)(p))
#define STORE16(p, x) (*(DurFloat16 *)(p) = (x))

// the mean of x over the lane-dependent targets of a jump, at sixteen lanes
static void gathered16(const Lattice *l, int32_t jump, const LatticeBlock *view, const float *x, int64_t lane,
                       DurFloat16 *out) {
    const LatticeJump *j = &l->jump[jump];
    *out = (DurFloat16){0};
    for (int32_t b = 0; b < j->n_branch; b++) {
        const LatticeBranch *branch = &j->branch[b];
        const double *move_row[MODEL_VARIABLES_MAX], *up_row[MODEL_VARIABLES_MAX];
        bool by_lane[MODEL_VARIABLES_MAX];
        for (int32_t k = 0; k < branch->n_shift; k++) {
            move_row[k] = lattice_row(l, &branch->shift[k].move, view);
            up_row[k] = lattice_row(l, &branch->shift[k].up, view);
            by_lane[k] = branch->shift[k].move.inner;
        }
        for (int i = 0; i < 16 && lane + i < l->n_lane; i++) {
            int64_t move = 0, step[MODEL_VARIABLES_MAX];
            float up[MODEL_VARIABLES_MAX], sum = 0;
            int32_t n_split = 0;
            for (int32_t k = 0; k < branch->n_shift; k++) {
                int64_t at = by_lane[k] ? lane + i : 0;
                move += (int64_t)move_row[k][at];
                double share = up_row[k][at];
                if (share == 0.0) continue;
                up[n_split] = (float)share;
                step[n_split++] = l->stride[branch->shift[k].variable];
            }
            for (int64_t corner = 0; corner < (int64_t)1 << n_split; corner++) {
                float w = (float)branch->weight;
                int64_t shift = move;
                for (int32_t k = 0; k < n_split; k++) {
                    bool is_up = corner >> k & 1;
                    w *= is_up ? up[k] : 1.0f - up[k];
                    if (is_up) shift += step[k];
                }
                sum += w * x[lane + i + shift];
            }
            (*out)[i] += sum;
        }
    }
}

// the coefficients of a group of lanes
static inline const float *group_of(const TangentJob *job, int64_t block, int64_t mode, int64_t group) {
    int64_t n_row = job->mode_row[mode + 1] - job->mode_row[mode];
    return job->coefficient + (block * job->n_row + job->mode_row[mode]) * job->n_lane + group * 16 * n_row;
}

// the view that gathering needs; made where some jump of a cell asks for it
static inline const LatticeBlock *view_of(const TangentJob *job, int64_t block, int64_t mode, LatticeBlock *view,
                                          bool *is_viewed) {
    if (!*is_viewed) lattice_block(job->lattice, mode * job->n_block + block, view);
    *is_viewed = true;
    return view;
}

// What drift, noise and events bring to one combination of modes from other stock nodes: acc[e] += ... of sixteen lanes from
// `lane` on. `d` is read as it is.
static DUR_ALWAYS_INLINE void from_flows(const TangentJob *job, int64_t block, int64_t mode, int64_t lane, int32_t n_value,
                                         LatticeBlock *view, bool *is_viewed, DurFloat16 *acc) {
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
    for (end += cell->n_rest; flow < end; flow++) {
        if (lane + 16 <= flow->from || lane >= flow->to) continue;
        if (flow->gather >= 0) {
            DurFloat16 rate = flow->lane ? LOAD16(flow->lane + lane) * flow->weight : (DurFloat16){0} + flow->weight;
            for (int32_t e = 0; e < n_value; e++) {
                DurFloat16 x;
                gathered16(l, flow->gather, view_of(job, block, mode, view, is_viewed), d + e * n_state, lane, &x);
                acc[e] += rate * x;
            }
        } else if (lane >= flow->from && lane + 16 <= flow->to) {
            const float *at = d + lane + flow->shift;
            DurFloat16 rate = flow->lane ? LOAD16(flow->lane + lane) * flow->weight : (DurFloat16){0} + flow->weight;
            for (int32_t e = 0; e < n_value; e++) acc[e] += rate * LOAD16(at + e * n_state);
        } else {
            for (int32_t e = 0; e < n_value; e++)
                for (int i = 0; i < 16; i++) {
                    if (lane + i < flow->from || lane + i >= flow->to) continue;
                    float rate = flow->lane ? flow->lane[lane + i] * flow->weight : flow->weight;
                    acc[e][i] += rate * d[e * n_state + lane + i + flow->shift];
                }
        }
    }
}

/// What a kind of game has of its own in a sweep: what comes from outside a block (see from_flows), and what moves bring from
/// other combinations of modes, added to it: sum[e] of the group of lanes at `lane`, which lies at `g` in scratch.
typedef void FromOutside(const TangentJob *job, int64_t block, int64_t mode, int64_t lane, const float *coefficient,
                         int32_t n_value, LatticeBlock *view, bool *is_viewed, DurFloat16 *acc);
typedef void FromModes(const TangentJob *job, const TangentCell *cell, const float *coefficient, int64_t mode, int64_t lane,
                       int64_t g, int64_t pad, int32_t n_value, const float *x, const float *acc, DurFloat16 *sum);

// x moved k lanes on, or back, zeros coming in
#define ON1(x)   __builtin_shufflevector((DurFloat16){0}, x, 0, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30)
#define ON2(x)   __builtin_shufflevector((DurFloat16){0}, x, 0, 1, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29)
#define ON4(x)   __builtin_shufflevector((DurFloat16){0}, x, 0, 1, 2, 3, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27)
#define ON8(x)   __builtin_shufflevector((DurFloat16){0}, x, 0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23)
#define BACK1(x) __builtin_shufflevector(x, (DurFloat16){0}, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16)
#define BACK2(x) __builtin_shufflevector(x, (DurFloat16){0}, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17)
#define BACK4(x) __builtin_shufflevector(x, (DurFloat16){0}, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19)
#define BACK8(x) __builtin_shufflevector(x, (DurFloat16){0}, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23)
// the last lane of x in the first, or the first in the last, zeros elsewhere
#define LAST_FIRST(x) __builtin_shufflevector(x, (DurFloat16){0}, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30)
#define FIRST_LAST(x) __builtin_shufflevector(x, (DurFloat16){0}, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 0)

// s_i += c_i s_{i-1}, lane after lane, the group before ending with the last of `before`: sixteen steps in four, each
// joining stretches of twice the length (Kogge and Stone 1973)
static DUR_ALWAYS_INLINE void follow_on(DurFloat16 *s, const DurFloat16 *by, const DurFloat16 *before) {
    DurFloat16 c = *by, x = *s + c * LAST_FIRST(*before);
    x += c * ON1(x); c *= ON1(c);
    x += c * ON2(x); c *= ON2(c);
    x += c * ON4(x); c *= ON4(c);
    *s = x + c * ON8(x);
}

static DUR_ALWAYS_INLINE void follow_back(DurFloat16 *s, const DurFloat16 *by, const DurFloat16 *after) {
    DurFloat16 c = *by, x = *s + c * FIRST_LAST(*after);
    x += c * BACK1(x); c *= BACK1(c);
    x += c * BACK2(x); c *= BACK2(c);
    x += c * BACK4(x); c *= BACK4(c);
    *s = x + c * BACK8(x);
}

// One line of one combination of modes, from what the others and its neighbours have become: elimination on, substitution
// back. z_i = m_i (b_i + down_i z_{i-1}), x_i = z_i + m_i up_i x_{i+1}, m the pivots (see pivots).
static DUR_ALWAYS_INLINE void settle_line(const TangentJob *job, const TangentCell *cell, FromModes *from_modes,
                                          const float *coefficient, int64_t next, int64_t mode, int64_t line, int64_t pad,
                                          int32_t n_value, float *x, const float *acc) {
    int64_t lane = line * job->line, first = line * job->line_group * 16, group = job->group;
    const TangentFlow *flow = job->flow + cell->flow + cell->n_flat + cell->n_uneven + cell->n_rest;
    float *here = x + mode * n_value * pad;
    DurFloat16 end[n_value > 0 ? n_value : 1], sum[n_value > 0 ? n_value : 1];
    for (int32_t e = 0; e < n_value; e++) end[e] = (DurFloat16){0};
    for (int64_t k = 0; k < job->line_group; k++, coefficient += next) {
        int64_t g = first + 16 * k;
        from_modes(job, cell, coefficient, mode, lane + 16 * k, g, pad, n_value, x, acc, sum);
        for (int32_t f = 0; f < cell->n_across; f++) {
            // its shift counts lines
            int64_t other = line + flow[f].shift;
            if (other < 0 || other >= job->n_line) continue;
            const float *there = here + other * job->line_group * 16 + 16 * k;
            DurFloat16 rate = LOAD16(flow[f].lane + lane + 16 * k) * flow[f].weight;
            for (int32_t e = 0; e < n_value; e++) sum[e] += rate * LOAD16(there + e * pad);
        }
        DurFloat16 down = LOAD16(cell->down + lane + 16 * k);
        for (int32_t e = 0; e < n_value; e++) {
            DurFloat16 pivot = LOAD16(coefficient + e * group), by = pivot * down, z = pivot * sum[e];
            follow_on(&z, &by, &end[e]);
            STORE16(here + e * pad + g, z);
            end[e] = z;
        }
    }
    for (int32_t e = 0; e < n_value; e++) end[e] = (DurFloat16){0};
    for (int64_t k = job->line_group - 1; k >= 0; k--) {
        int64_t g = first + 16 * k;
        coefficient -= next;
        DurFloat16 up = LOAD16(cell->up + lane + 16 * k);
        for (int32_t e = 0; e < n_value; e++) {
            DurFloat16 z = LOAD16(here + e * pad + g), by = LOAD16(coefficient + e * group) * up;
            follow_back(&z, &by, &end[e]);
            STORE16(here + e * pad + g, z);
            end[e] = z;
        }
    }
}

// x [n_mode_state x n_value x pad], pad = sixteen for every group; acc [the same]
static DUR_ALWAYS_INLINE void sweep_values(const TangentJob *job, FromOutside *from_outside, FromModes *from_modes, int64_t block,
                                           int64_t from, int64_t to, int32_t n_value, float *DUR_RESTRICT x,
                                           float *DUR_RESTRICT acc) {
    const Lattice *l = job->lattice;
    int64_t n_mode = l->n_mode_state, pad = (to - from) * 16;
    DurFloat16 sum[n_value > 0 ? n_value : 1];
    // what stays as it is while modes are gone through
    for (int64_t mode = 0; mode < n_mode; mode++) {
        LatticeBlock view;
        bool is_viewed = false;
        int64_t n_row = job->mode_row[mode + 1] - job->mode_row[mode];
        const float *coefficient = group_of(job, block, mode, from), *ahead = coefficient + GROUPS_AHEAD * 16 * n_row;
        for (int64_t g = from; g < to; g++, coefficient += 16 * n_row) {
            // coefficients come from far away, and only few of them are needed here: all are asked for
            for (int64_t r = 0; r < n_row; r++, ahead += 16) DUR_PREFETCH(ahead);
            int64_t lane = g / job->line_group * job->line + g % job->line_group * 16;
            int64_t at = mode * l->n_stock_state + block * l->n_lane + lane;
            float *put = acc + mode * n_value * pad + (g - from) * 16;
            for (int32_t e = 0; e < n_value; e++) {
                sum[e] = job->right ? LOAD16(job->right + e * l->n_state + at) : (DurFloat16){0};
                STORE16(x + (mode * n_value + e) * pad + (g - from) * 16, LOAD16(job->d + e * l->n_state + at));
            }
            from_outside(job, block, mode, lane, coefficient, n_value, &view, &is_viewed, sum);
            for (int32_t e = 0; e < n_value; e++) STORE16(put + e * pad, sum[e]);
        }
    }

    // combinations of modes forth and back, each seeing what the others have become
    for (int32_t round = 0; round < MODE_ROUNDS; round++)
        for (int64_t step = 0; step < n_mode; step++) {
            int64_t mode = round % 2 == 0 ? step : n_mode - 1 - step;
            const TangentCell *cell = &job->cell[block * n_mode + mode];
            const float *coefficient = group_of(job, block, mode, from);
            int64_t next = 16 * (job->mode_row[mode + 1] - job->mode_row[mode]);
            if (job->line_stock >= 0) {
                for (int64_t i = 0; i < job->n_line; i++) {
                    int64_t line = round % 2 == 0 ? i : job->n_line - 1 - i;
                    settle_line(job, cell, from_modes, coefficient + line * job->line_group * next, next, mode, line, pad, n_value, x,
                                acc);
                }
                continue;
            }
            for (int64_t g = 0; g < pad; g += 16, coefficient += next) {
                from_modes(job, cell, coefficient, mode, from * 16 + g, g, pad, n_value, x, acc, sum);
                for (int32_t e = 0; e < n_value; e++)
                    STORE16(x + (mode * n_value + e) * pad + g, sum[e] * LOAD16(coefficient + e * job->group));
            }
        }
}

#endif
