/// The tangent over one block, compiled for each vector width: see tangent.h. Included by tangent_base.c and its sisters.
#include "game/choice_body.h"
#include "game/tangent_kernel.h"

#include <string.h>

// ---- taking it --------------------------------------------------------------------------------------------------------

// one coefficient row into its place
static inline void put_row(const TangentJob *job, int64_t block, int64_t mode, int32_t row, const float *DUR_RESTRICT from) {
    int64_t n_row = job->mode_row[mode + 1] - job->mode_row[mode], n = job->lattice->n_lane;
    float *DUR_RESTRICT to = job->coefficient + (block * job->n_row + job->mode_row[mode]) * job->n_lane + row * job->group;
    for (int64_t i = 0; i < n; i += job->group, to += n_row * job->group)
        memcpy(to, from + i, (size_t)(n - i < job->group ? n - i : job->group) * sizeof *to);
}

// a row written out: a loop that asks at every lane whether there is a row reads through a null pointer under a mask, which
// costs more than the row
static inline void write_row(Row r, double factor, double *DUR_RESTRICT out, int64_t n) {
    if (r.lane) for (int64_t i = 0; i < n; i++) out[i] = factor * r.lane[i];
    else        for (int64_t i = 0; i < n; i++) out[i] = factor * r.one;
}

/// Rows of one mover's choice, n_lane doubles each. `rate` and what a move brings are by move.
typedef struct TakeRows {
    double *attends, *mu;      // mu with the scale in it
    double *rate;              // [n_move] chance at first, then attends times chance
    double *made;              // [n_move] the mover's values after it
    double *beyond;            // [n_move] mu times what it gains the mover beyond the mean
    double *others;            // [n_move] what it brings somebody else
    double *mean, *sum, *room;
    float  *out;
} TakeRows;

// The mover's own part: its sums, its coefficients.
static inline void take_own(const TangentJob *job, int64_t block, int64_t mode, int32_t actor, int32_t n_move, const int32_t *move,
                            const double *const *reply_row, const double *DUR_RESTRICT here, const TakeRows *t,
                            double *DUR_RESTRICT acc, double *DUR_RESTRICT diag, double *DUR_RESTRICT slope) {
    const Lattice *l = job->lattice;
    int64_t n = l->n_lane;
    bool taste = l->model->choice == CHOICE_TASTE;
    const double *DUR_RESTRICT attends = t->attends, *DUR_RESTRICT mu = t->mu, *DUR_RESTRICT sum = t->sum;
    double *DUR_RESTRICT mean = t->mean;
    float *DUR_RESTRICT out = t->out;

    for (int64_t i = 0; i < n; i++) mean[i] = 0.0;
    for (int32_t a = 0; a < n_move; a++) {
        const double *DUR_RESTRICT q = reply_row[a], *DUR_RESTRICT chance = t->rate + a * n;
        for (int64_t i = 0; i < n; i++) mean[i] += chance[i] * (q[i] - here[i]);
    }
    for (int32_t a = 0; a < n_move; a++) {
        int32_t row = job->move_row[move[a] * l->n_mode_state + mode];
        const double *DUR_RESTRICT q = reply_row[a], *DUR_RESTRICT worth = taste ? here : q;
        double *DUR_RESTRICT rate = t->rate + a * n, *DUR_RESTRICT beyond = t->beyond + a * n;
        for (int64_t i = 0; i < n; i++) {
            rate[i] *= attends[i];
            beyond[i] = (q[i] - here[i]) - mean[i];
            acc[i] += rate[i] * worth[i];
            diag[i] += rate[i];
        }
        // dP/d(log scale) = mu P (A - mean), times what the move brings
        if (slope && !taste)
            for (int64_t i = 0; i < n; i++) slope[i] += rate[i] * mu[i] * beyond[i] * (q[i] - here[i]);
        for (int64_t i = 0; i < n; i++) beyond[i] *= mu[i];
        for (int64_t i = 0; i < n; i++) out[i] = (float)rate[i];
        put_row(job, block, mode, row, out);
        for (int64_t i = 0; i < n; i++) out[i] = taste ? 0.0f : (float)(rate[i] * beyond[i]);
        put_row(job, block, mode, row + 1 + actor, out);
    }
    if (!taste) return;
    for (int64_t i = 0; i < n; i++) acc[i] += attends[i] * sum[i];
    // W = log(sum)/mu falls as the shocks shrink: scale dW/dscale = sum P A - W
    if (slope) for (int64_t i = 0; i < n; i++) slope[i] += attends[i] * (mean[i] - sum[i]);
}

// Somebody else's part: where the mover's choice leads it, and how that bends.
static inline void take_other(const TangentJob *job, const LatticeBlock *view, int64_t block, int64_t mode, int32_t n_move,
                              const int32_t *move, int32_t e, const TakeRows *t, double *DUR_RESTRICT acc,
                              double *DUR_RESTRICT slope) {
    const Lattice *l = job->lattice;
    int64_t n = l->n_lane;
    const double *DUR_RESTRICT here = job->choice.value + e * l->n_state + view->first;
    double *DUR_RESTRICT mean = t->mean;
    float *DUR_RESTRICT out = t->out;
    for (int64_t i = 0; i < n; i++) mean[i] = 0.0;
    for (int32_t a = 0; a < n_move; a++) {
        const double *DUR_RESTRICT q = reply(&job->choice, view, move[a], e, t->room);
        const double *DUR_RESTRICT rate = t->rate + a * n;
        double *DUR_RESTRICT other = t->others + a * n;
        for (int64_t i = 0; i < n; i++) {
            acc[i] += rate[i] * q[i];
            other[i] = q[i] - here[i];
            mean[i] += rate[i] * other[i];
        }
    }
    // rates are attends times chances, so the mean over chances is this over attends
    const double *DUR_RESTRICT attends = t->attends;
    for (int64_t i = 0; i < n; i++) mean[i] = mean[i] / (attends[i] > 0 ? attends[i] : 1.0);
    for (int32_t a = 0; a < n_move; a++) {
        int32_t row = job->move_row[move[a] * l->n_mode_state + mode];
        const double *DUR_RESTRICT rate = t->rate + a * n, *DUR_RESTRICT other = t->others + a * n;
        const double *DUR_RESTRICT beyond = t->beyond + a * n, *DUR_RESTRICT mu = t->mu;
        for (int64_t i = 0; i < n; i++) out[i] = (float)(rate[i] * mu[i] * (other[i] - mean[i]));
        put_row(job, block, mode, row + 1 + e, out);
        if (slope) for (int64_t i = 0; i < n; i++) slope[i] += rate[i] * beyond[i] * other[i];
    }
}

// Rows in `room`, n_lane doubles each:
//     acc[n_actor] | diag | slope[n_actor] | TakeRows: attends, mu, mean, sum, room, out, then by move
static double block_take(const TangentJob *tangent, int64_t block, int64_t mode, double *DUR_RESTRICT room) {
    const SweepJob *job = &tangent->choice;
    const Lattice *l = job->lattice;
    const Model *m = l->model;
    int64_t n = l->n_lane;
    int32_t n_actor = m->n_actor, move[MODEL_MOVES_MAX];
    double *acc = room, *diag = acc + n_actor * n, *slope = diag + n, *next = slope + n_actor * n;
    TakeRows t = {.attends = next, .mu = next + n, .mean = next + 2 * n, .sum = next + 3 * n, .room = next + 4 * n,
                  .out = (float *)(next + 5 * n), .rate = next + 6 * n};
    bool taste = m->choice == CHOICE_TASTE;
    double scale = job->precision_scale;
    LatticeBlock view;
    lattice_block(l, mode * tangent->n_block + block, &view);

    // flows of payoff, drift and noise
    for (int64_t i = 0; i < (2 * n_actor + 1) * n; i++) acc[i] = 0.0;
    for (int32_t k = 0; k < m->n_term; k++) add_row(acc + m->term[k].actor * n, row_of(l, &l->term[k], &view), n);
    for (int32_t k = 0; k < n_actor; k++)
        add_drift(l, &view, job->value + k * l->n_state, acc + k * n, k == 0 ? diag : NULL);

    // events
    for (int32_t j = 0; j < m->n_jump; j++) {
        if (m->jump[j].kind != JUMP_EVENT) continue;
        Row rate = row_of(l, &l->jump[j].rate, &view);
        if (row_is_zero(rate)) continue;
        for (int32_t k = 0; k < n_actor; k++) {
            const double *q = reply(job, &view, j, k, t.room);
            add_neighbour(rate, q, 0, 0, n, acc + k * n, k == 0 ? diag : NULL);
        }
    }

    // choices and their derivatives
    for (int32_t k = 0; k < n_actor; k++) {
        Row attends = row_of(l, &l->actor[k].attends, &view), mu = precision_of(job, &view, k);
        if (row_is_zero(attends)) continue;
        int32_t n_move = moves_of(job, &view, k, move);
        if (n_move == 0) continue;
        t.made = t.rate + n_move * n;
        t.beyond = t.made + n_move * n;
        t.others = t.beyond + n_move * n;
        write_row(attends, 1.0, t.attends, n);
        write_row(mu, scale, t.mu, n);
        const double *reply_row[MODEL_MOVES_MAX];
        for (int32_t a = 0; a < n_move; a++) reply_row[a] = reply(job, &view, move[a], k, t.made + a * n);
        choose(job, &view, k, move, n_move, reply_row, t.rate, t.sum, taste);
        if (taste) for (int64_t i = 0; i < n; i++) t.sum[i] = t.sum[i] / t.mu[i];
        force(job, &view, k, move, n_move, reply_row, t.rate, taste ? t.sum : NULL);

        const double *here = job->value + k * l->n_state + view.first;
        take_own(tangent, block, mode, k, n_move, move, reply_row, here, &t, acc + k * n, diag,
                 tangent->slope ? slope + k * n : NULL);
        for (int32_t e = 0; e < n_actor; e++)
            if (e != k) take_other(tangent, &view, block, mode, n_move, move, e, &t, acc + e * n,
                                   tangent->slope ? slope + e * n : NULL);
    }

    // by how much the equations miss, and what each value weighs in its own
    double worst = 0;
    for (int32_t k = 0; k < n_actor; k++) {
        double rho = l->actor[k].rho;
        const double *DUR_RESTRICT here = job->value + k * l->n_state + view.first;
        const double *DUR_RESTRICT a = acc + k * n;
        double *DUR_RESTRICT size = t.sum;
        float *DUR_RESTRICT out = tangent->miss + k * l->n_state + view.first, *DUR_RESTRICT inverse = t.out;
        for (int64_t i = 0; i < n; i++) {
            double d = rho + diag[i], r = a[i] - d * here[i];
            inverse[i] = (float)(1.0 / d);
            out[i] = (float)r;
            // a NaN anywhere must not pass as convergence
            size[i] = r - r == 0.0 ? fabs(r) : INFINITY;
        }
        put_row(tangent, block, mode, k, inverse);
        worst = row_largest(size, n, worst);
        if (tangent->slope) {
            // so far it is the derivative in the logarithm of the scale
            const double *DUR_RESTRICT from = slope + k * n;
            float *DUR_RESTRICT to = tangent->slope + k * l->n_state + view.first;
            for (int64_t i = 0; i < n; i++) to[i] = (float)from[i];
        }
    }
    return worst;
}

// ---- sweeping it ------------------------------------------------------------------------------------------------------
// Lanes are worked on sixteen at a time, and what they sum up to stays in registers. A piece of a block whose lanes are no
// multiple of sixteen is padded: what is computed beyond its end is never looked at.

/// Times that the combinations of modes are gone through, forth, back and forth, while a block is in cache. One more pays
/// for itself in fewer sweeps on games with fast moves; two more don't.
#define MODE_ROUNDS 3

/// Groups of lanes by which coefficients are asked for before they are used, and groups that are worked on together: what it
/// takes to find the rows of a move is then shared.
#define GROUPS_AHEAD 4
#define GROUPS_TOGETHER 1

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

// the coefficients of the sixteen lanes from `lane` on
static inline const float *group_of(const TangentJob *job, int64_t block, int64_t mode, int64_t lane) {
    int64_t n_row = job->mode_row[mode + 1] - job->mode_row[mode];
    return job->coefficient + (block * job->n_row + job->mode_row[mode]) * job->n_lane + lane * n_row;
}

// the view that gathering needs; made where some jump of a cell asks for it
static inline const LatticeBlock *view_of(const TangentJob *job, int64_t block, int64_t mode, LatticeBlock *view,
                                          bool *is_viewed) {
    if (!*is_viewed) lattice_block(job->lattice, mode * job->n_block + block, view);
    *is_viewed = true;
    return view;
}

// What comes to one combination of modes from other stock nodes, and from how choices bend: acc[e] += ... of sixteen lanes
// from `lane` on. `d` is read as it is.
static DUR_ALWAYS_INLINE void from_outside(const TangentJob *job, int64_t block, int64_t mode, int64_t lane, int32_t n_actor,
                                           int32_t n_group, LatticeBlock *view, bool *is_viewed, DurFloat16 *acc) {
    const Lattice *l = job->lattice;
    const TangentCell *cell = &job->cell[block * l->n_mode_state + mode];
    int64_t first = mode * l->n_stock_state + block * l->n_lane, n_state = l->n_state;
    const float *d = job->d + first;
    const TangentFlow *flow = job->flow + cell->flow, *end = flow + cell->n_flat;
    for (; flow < end; flow++) {
        const float *at = d + lane + flow->shift;
        float weight = flow->weight;
        for (int32_t e = 0; e < n_actor; e++)
            for (int32_t g = 0; g < n_group; g++) acc[g * n_actor + e] += LOAD16(at + e * n_state + 16 * g) * weight;
    }
    for (end += cell->n_uneven; flow < end; flow++) {
        const float *at = d + lane + flow->shift, *rate = flow->lane + lane;
        float weight = flow->weight;
        for (int32_t g = 0; g < n_group; g++) {
            DurFloat16 r = LOAD16(rate + 16 * g) * weight;
            for (int32_t e = 0; e < n_actor; e++) acc[g * n_actor + e] += r * LOAD16(at + e * n_state + 16 * g);
        }
    }
    for (end += cell->n_rest; flow < end; flow++)
        for (int32_t g = 0; g < n_group; g++) {
            int64_t from = lane + 16 * g;
            if (from + 16 <= flow->from || from >= flow->to) continue;
            DurFloat16 *to = acc + g * n_actor;
            if (flow->gather >= 0) {
                DurFloat16 rate = flow->lane ? LOAD16(flow->lane + from) * flow->weight : (DurFloat16){0} + flow->weight;
                for (int32_t e = 0; e < n_actor; e++) {
                    DurFloat16 x;
                    gathered16(l, flow->gather, view_of(job, block, mode, view, is_viewed), d + e * n_state, from, &x);
                    to[e] += rate * x;
                }
            } else if (from >= flow->from && from + 16 <= flow->to) {
                const float *at = d + from + flow->shift;
                DurFloat16 rate = flow->lane ? LOAD16(flow->lane + from) * flow->weight : (DurFloat16){0} + flow->weight;
                for (int32_t e = 0; e < n_actor; e++) to[e] += rate * LOAD16(at + e * n_state);
            } else {
                for (int32_t e = 0; e < n_actor; e++)
                    for (int i = 0; i < 16; i++) {
                        if (from + i < flow->from || from + i >= flow->to) continue;
                        float rate = flow->lane ? flow->lane[from + i] * flow->weight : flow->weight;
                        to[e][i] += rate * d[e * n_state + from + i + flow->shift];
                    }
            }
        }
    const float *coefficient = group_of(job, block, mode, lane);
    int64_t group = job->group, next = 16 * (job->mode_row[mode + 1] - job->mode_row[mode]);
    for (int32_t s = 0; s < cell->n_site; s++) {
        const TangentSite *site = &job->site[cell->site + s];
        const float *row = coefficient + site->row * group, *mine = d + site->actor * n_state + lane;
        if (site->target >= 0) {
            const float *there = mine + (site->target - mode) * l->n_stock_state;
            for (int32_t g = 0; g < n_group; g++) {
                DurFloat16 bend = LOAD16(there + 16 * g) - LOAD16(mine + 16 * g);
                for (int32_t e = 0; e < n_actor; e++) acc[g * n_actor + e] += LOAD16(row + g * next + (1 + e) * group) * bend;
            }
            continue;
        }
        for (int32_t g = 0; g < n_group; g++) {
            DurFloat16 rate = LOAD16(row + g * next), bend = -LOAD16(mine + 16 * g);
            for (int32_t e = 0; e < n_actor; e++) {
                const float *x = d + e * n_state;
                DurFloat16 q = {0};
                if (site->n_corner == 0)
                    gathered16(l, site->jump, view_of(job, block, mode, view, is_viewed), x, lane + 16 * g, &q);
                for (int32_t c = 0; c < site->n_corner; c++) {
                    const TangentCorner *corner = &job->corner[site->corner + c];
                    q += LOAD16(x + lane + 16 * g + corner->shift) * corner->weight;
                }
                acc[g * n_actor + e] += rate * q;
                if (e == site->actor) bend += q;
            }
            for (int32_t e = 0; e < n_actor; e++) acc[g * n_actor + e] += LOAD16(row + g * next + (1 + e) * group) * bend;
        }
    }
}

// the first part of a sweep for `n_group` groups of lanes: what stays as it is while modes are gone through
static DUR_ALWAYS_INLINE void begin_groups(const TangentJob *job, int64_t block, int64_t mode, int64_t from, int64_t g,
                                           int64_t pad, int32_t n_actor, int32_t n_group, LatticeBlock *view,
                                           bool *is_viewed, float *DUR_RESTRICT x, float *DUR_RESTRICT acc) {
    const Lattice *l = job->lattice;
    int64_t first = mode * l->n_stock_state + block * l->n_lane + from + g;
    DurFloat16 sum[GROUPS_TOGETHER * (n_actor > 0 ? n_actor : 1)];
    for (int32_t k = 0; k < n_group; k++)
        for (int32_t e = 0; e < n_actor; e++) {
            int64_t at = e * l->n_state + first + 16 * k;
            sum[k * n_actor + e] = job->right ? LOAD16(job->right + at) : (DurFloat16){0};
            STORE16(x + (mode * n_actor + e) * pad + g + 16 * k, LOAD16(job->d + at));
        }
    from_outside(job, block, mode, from + g, n_actor, n_group, view, is_viewed, sum);
    for (int32_t k = 0; k < n_group; k++)
        for (int32_t e = 0; e < n_actor; e++) STORE16(acc + (mode * n_actor + e) * pad + g + 16 * k, sum[k * n_actor + e]);
}

// one combination of modes from what the others have become, for `n_group` groups of lanes
static DUR_ALWAYS_INLINE void settle_groups(const TangentJob *job, const TangentCell *cell, const float *coefficient,
                                            int64_t next, int64_t mode, int64_t g, int64_t pad, int32_t n_actor,
                                            int32_t n_group, float *x, const float *acc) {
    const TangentSite *site = &job->site[cell->site];
    int64_t group = job->group;
    float *here = x + mode * n_actor * pad + g;
    const float *a = acc + mode * n_actor * pad + g;
    DurFloat16 sum[GROUPS_TOGETHER * (n_actor > 0 ? n_actor : 1)];
    for (int32_t k = 0; k < n_group; k++)
        for (int32_t e = 0; e < n_actor; e++) sum[k * n_actor + e] = LOAD16(a + e * pad + 16 * k);
    for (int32_t s = 0; s < cell->n_site; s++) {
        if (site[s].target < 0) continue;
        const float *row = coefficient + site[s].row * group, *there = x + site[s].target * n_actor * pad + g;
        for (int32_t k = 0; k < n_group; k++) {
            DurFloat16 rate = LOAD16(row + k * next);
            for (int32_t e = 0; e < n_actor; e++) sum[k * n_actor + e] += rate * LOAD16(there + e * pad + 16 * k);
        }
    }
    for (int32_t k = 0; k < n_group; k++)
        for (int32_t e = 0; e < n_actor; e++)
            STORE16(here + e * pad + 16 * k, sum[k * n_actor + e] * LOAD16(coefficient + k * next + e * group));
}

// x [n_mode_state x n_actor x pad], pad = lanes rounded up to sixteen; acc [the same]
static DUR_ALWAYS_INLINE void sweep_actors(const TangentJob *job, int64_t block, int64_t from, int64_t to, int32_t n_actor,
                                           float *DUR_RESTRICT x, float *DUR_RESTRICT acc) {
    const Lattice *l = job->lattice;
    int64_t n_mode = l->n_mode_state, pad = (to - from + 15) / 16 * 16;
    for (int64_t mode = 0; mode < n_mode; mode++) {
        LatticeBlock view;
        bool is_viewed = false;
        int64_t n_row = job->mode_row[mode + 1] - job->mode_row[mode], g = 0;
        const float *ahead = group_of(job, block, mode, from) + GROUPS_AHEAD * 16 * n_row;
        // coefficients come from far away, and only few of them are needed here: all are asked for
        for (; g + 16 * GROUPS_TOGETHER <= pad; g += 16 * GROUPS_TOGETHER) {
            for (int64_t r = 0; r < n_row * GROUPS_TOGETHER; r++, ahead += 16) DUR_PREFETCH(ahead);
            begin_groups(job, block, mode, from, g, pad, n_actor, GROUPS_TOGETHER, &view, &is_viewed, x, acc);
        }
        for (; g < pad; g += 16) {
            for (int64_t r = 0; r < n_row; r++, ahead += 16) DUR_PREFETCH(ahead);
            begin_groups(job, block, mode, from, g, pad, n_actor, 1, &view, &is_viewed, x, acc);
        }
    }

    // combinations of modes forth and back, each seeing what the others have become
    for (int32_t round = 0; round < MODE_ROUNDS; round++)
        for (int64_t step = 0; step < n_mode; step++) {
            int64_t mode = round % 2 == 0 ? step : n_mode - 1 - step, g = 0;
            const TangentCell *cell = &job->cell[block * n_mode + mode];
            const float *coefficient = group_of(job, block, mode, from);
            int64_t next = 16 * (job->mode_row[mode + 1] - job->mode_row[mode]);
            for (; g + 16 * GROUPS_TOGETHER <= pad; g += 16 * GROUPS_TOGETHER, coefficient += GROUPS_TOGETHER * next)
                settle_groups(job, cell, coefficient, next, mode, g, pad, n_actor, GROUPS_TOGETHER, x, acc);
            for (; g < pad; g += 16, coefficient += next)
                settle_groups(job, cell, coefficient, next, mode, g, pad, n_actor, 1, x, acc);
        }
}

static void block_sweep(const TangentJob *job, int64_t block, int64_t from, int64_t to, float *DUR_RESTRICT x,
                        float *DUR_RESTRICT room) {
    // the usual numbers of actors have code of their own, in which sums stay in registers
    int32_t n_actor = job->lattice->model->n_actor;
    if (n_actor == 2)      sweep_actors(job, block, from, to, 2, x, room);
    else if (n_actor == 1) sweep_actors(job, block, from, to, 1, x, room);
    else if (n_actor == 3) sweep_actors(job, block, from, to, 3, x, room);
    else                   sweep_actors(job, block, from, to, n_actor, x, room);
}
