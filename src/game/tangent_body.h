/// The tangent over one block, compiled for each vector width: see tangent.h. Included by tangent_base.c and its sisters.
#include "game/choice_body.h"
#include "game/tangent_frame_body.h"

#include <string.h>

// ---- taking it --------------------------------------------------------------------------------------------------------

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
        const double *DUR_RESTRICT q = reply_row[a];
        double *DUR_RESTRICT rate = t->rate + a * n, *DUR_RESTRICT beyond = t->beyond + a * n;
        for (int64_t i = 0; i < n; i++) rate[i] *= attends[i];
        for (int64_t i = 0; i < n; i++) beyond[i] = (q[i] - here[i]) - mean[i];
        // two loops: under restrict, a row that may be one of two others keeps a compiler from using vectors
        if (taste) for (int64_t i = 0; i < n; i++) acc[i] += rate[i] * here[i];
        else       for (int64_t i = 0; i < n; i++) acc[i] += rate[i] * q[i];
        for (int64_t i = 0; i < n; i++) diag[i] += rate[i];
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
    for (int32_t k = 0; k < m->n_term; k++) add_row(row_of(l, &l->term[k], &view), 1.0, acc + m->term[k].actor * n, n);
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
        if (tangent->line_stock >= 0) pivots(tangent, &view, rho, diag, inverse);
        else for (int64_t i = 0; i < n; i++) inverse[i] = (float)(1.0 / (rho + diag[i]));
        for (int64_t i = 0; i < n; i++) {
            double d = rho + diag[i], r = a[i] - d * here[i];
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
// Whatever there is of a kind in a cell (flows, moves) is worked on a few at a time, over all groups of lanes: how many is known to
// the compiler, so sums stay in registers, and what a cell says is looked up once.

/// So many at a time.
#define FEW 4
/// Rows of values at a time.
#define VALUES_FEW 4

/// The groups of lanes of a piece of a block, in one combination of modes.
typedef struct Piece {
    const float *d;            // job->d at the mode's first lane of the block
    int64_t n_state;
    const int32_t *lane;       // [n_group] first lane of each group
    int64_t n_group, pad;      // and sixteen times as many
    const float *coefficient;  // of the first group
    int64_t next, group;       // from one group's coefficients to the next's, from one row to the next
} Piece;

// flows from all lanes, at rates of the lane or at one rate
static DUR_ALWAYS_INLINE void add_flows(int n_flow, int n_value, bool is_uneven, const Piece *p, const TangentFlow *flow, float *acc) {
    const float *from[FEW], *rate[FEW];
    float weight[FEW];
    for (int k = 0; k < n_flow; k++) {
        from[k] = p->d + flow[k].shift;
        rate[k] = flow[k].lane;
        weight[k] = flow[k].weight;
    }
    int64_t n_group = p->n_group, pad = p->pad, n_state = p->n_state;
    const int32_t *lane = p->lane;
    for (int64_t g = 0; g < n_group; g++, acc += 16) {
        DurFloat16 sum[VALUES_FEW];
        int64_t i = lane[g];
        for (int e = 0; e < n_value; e++) sum[e] = LOAD16(acc + e * pad);
        for (int k = 0; k < n_flow; k++) {
            if (is_uneven) {
                DurFloat16 by = LOAD16(rate[k] + i) * weight[k];
                for (int e = 0; e < n_value; e++) sum[e] += by * LOAD16(from[k] + e * n_state + i);
            } else {
                for (int e = 0; e < n_value; e++) sum[e] += LOAD16(from[k] + e * n_state + i) * weight[k];
            }
        }
        for (int e = 0; e < n_value; e++) STORE16(acc + e * pad, sum[e]);
    }
}

// how choices bend with what moves gain the mover that leave stocks unchanged; mine[k]: the mover's values less `d`, there[k]: those
// where the move leads, row[k]: of its coefficients the first of these values
static DUR_ALWAYS_INLINE void add_bends(int n_site, int n_value, const Piece *p, const float *const *mine, const float *const *there,
                                        const float *const *row, float *acc) {
    const float *at[FEW], *to[FEW], *bend[FEW];
    for (int k = 0; k < n_site; k++) {
        at[k] = mine[k];
        to[k] = there[k];
        bend[k] = row[k];
    }
    int64_t n_group = p->n_group, pad = p->pad, next = p->next, group = p->group;
    const int32_t *lane = p->lane;
    for (int64_t g = 0, c = 0; g < n_group; g++, acc += 16, c += next) {
        DurFloat16 sum[VALUES_FEW];
        int64_t i = lane[g];
        for (int e = 0; e < n_value; e++) sum[e] = LOAD16(acc + e * pad);
        for (int k = 0; k < n_site; k++) {
            DurFloat16 gain = LOAD16(to[k] + i) - LOAD16(at[k] + i);
            for (int e = 0; e < n_value; e++) sum[e] += LOAD16(bend[k] + c + e * group) * gain;
        }
        for (int e = 0; e < n_value; e++) STORE16(acc + e * pad, sum[e]);
    }
}

// a move that moves stocks: where it leads, and how its choice bends
static DUR_ALWAYS_INLINE void add_move(const TangentJob *job, const TangentSite *site, const Piece *p, int32_t first, int n_value,
                                       float *acc) {
    const TangentCorner *corner = job->corner + site->corner;
    const float *row = p->coefficient + site->row * p->group;
    int32_t own = site->actor - first;
    for (int64_t g = 0; g < p->n_group; g++, acc += 16, row += p->next) {
        int64_t lane = p->lane[g], at = p->d + lane - job->d;
        DurFloat16 q[VALUES_FEW], rate = LOAD16(row);
        cornered16(job, corner, site->n_corner, at + first * p->n_state, lane, n_value, q);
        // what it gains the mover, whose values may not be among these
        DurFloat16 gain = q[0];
        for (int e = 1; e < n_value; e++) gain = e == own ? q[e] : gain;
        if (own < 0 || own >= n_value) cornered16(job, corner, site->n_corner, at + site->actor * p->n_state, lane, 1, &gain);
        gain -= LOAD16(p->d + site->actor * p->n_state + lane);
        for (int e = 0; e < n_value; e++)
            STORE16(acc + e * p->pad, LOAD16(acc + e * p->pad) + rate * q[e] + LOAD16(row + (1 + first + e) * p->group) * gain);
    }
}

// What comes to one combination of modes from other stock nodes, and from how choices bend: rows first .. first + n_value - 1 of
// values. `d` is read as it is.
static DUR_ALWAYS_INLINE void from_outside(const TangentJob *job, const TangentCell *cell, const Piece *piece, int32_t first, int n_value,
                                           float *acc) {
    Piece p = *piece;
    int64_t n_stock_state = job->lattice->n_stock_state, mode = cell - job->cell;
    mode %= job->lattice->n_mode_state;
    p.d += first * p.n_state;
    for (int kind = 0; kind < 2; kind++) {
        const TangentFlow *flow = job->flow + cell->flow + (kind ? cell->n_flat : 0);
        int32_t n = kind ? cell->n_uneven : cell->n_flat;
        for (; n >= FEW; n -= FEW, flow += FEW) add_flows(FEW, n_value, kind, &p, flow, acc);
        if (n == 3)      add_flows(3, n_value, kind, &p, flow, acc);
        else if (n == 2) add_flows(2, n_value, kind, &p, flow, acc);
        else if (n == 1) add_flows(1, n_value, kind, &p, flow, acc);
    }
    const TangentFlow *rest = job->flow + cell->flow + cell->n_flat + cell->n_uneven;
    for (int64_t g = 0; cell->n_rest > 0 && g < p.n_group; g++) {
        DurFloat16 sum[VALUES_FEW];
        for (int e = 0; e < n_value; e++) sum[e] = LOAD16(acc + 16 * g + e * p.pad);
        from_rest(job, rest, cell->n_rest, p.d + p.lane[g] - job->d, p.lane[g], n_value, sum);
        for (int e = 0; e < n_value; e++) STORE16(acc + 16 * g + e * p.pad, sum[e]);
    }
    p.d = piece->d;
    const TangentSite *site = job->site + cell->site, *end = site + cell->n_site;
    while (site < end) {
        const float *mine[FEW], *there[FEW], *row[FEW];
        int n = 0;
        for (; n < FEW && site < end && site->target >= 0; n++, site++) {
            mine[n] = p.d + site->actor * p.n_state;
            there[n] = mine[n] + (site->target - mode) * n_stock_state;
            row[n] = p.coefficient + (site->row + 1 + first) * p.group;
        }
        if (n == 4)      add_bends(4, n_value, &p, mine, there, row, acc);
        else if (n == 3) add_bends(3, n_value, &p, mine, there, row, acc);
        else if (n == 2) add_bends(2, n_value, &p, mine, there, row, acc);
        else if (n == 1) add_bends(1, n_value, &p, mine, there, row, acc);
        else             add_move(job, site++, &p, first, n_value, acc);
    }
}

// a few ways from other combinations of modes: out = (from + sum of rate * what is there), times `factor` if there is one
static DUR_ALWAYS_INLINE void add_ways(int n_way, int n_value, const Piece *p, const float *const *rate, const float *const *there,
                                       const float *from, const float *factor, float *out) {
    const float *by[FEW], *x[FEW];
    for (int k = 0; k < n_way; k++) {
        by[k] = rate[k];
        x[k] = there[k];
    }
    int64_t n_group = p->n_group, pad = p->pad, next = p->next, group = p->group;
    for (int64_t g = 0, c = 0; g < n_group; g++, c += next) {
        DurFloat16 sum[VALUES_FEW];
        for (int e = 0; e < n_value; e++) sum[e] = LOAD16(from + e * pad + 16 * g);
        for (int k = 0; k < n_way; k++) {
            DurFloat16 r = LOAD16(by[k] + c);
            for (int e = 0; e < n_value; e++) sum[e] += r * LOAD16(x[k] + e * pad + 16 * g);
        }
        for (int e = 0; e < n_value; e++) {
            if (factor) sum[e] *= LOAD16(factor + c + e * group);
            STORE16(out + e * pad + 16 * g, sum[e]);
        }
    }
}

// What moves bring from other combinations of modes, added to what came from outside: to `out`, times `factor` if there is one. What
// is not summed up yet stands in `sum`.
static DUR_ALWAYS_INLINE void from_modes(const TangentJob *job, const TangentCell *cell, const Piece *p, int32_t n_actor, int32_t first,
                                         int n_value, const float *x, const float *acc, const float *factor, float *sum, float *out) {
    const TangentWay *way = job->way + cell->way;
    int32_t left = cell->n_way;
    do {
        const float *rate[FEW], *there[FEW], *by = left > FEW ? NULL : factor;
        float *to = left > FEW ? sum : out;
        int n = left < FEW ? left : FEW;
        for (int k = 0; k < n; k++) {
            rate[k] = p->coefficient + way[k].row * p->group;
            there[k] = x + (way[k].target * n_actor + first) * p->pad;
        }
        if (n == 4)      add_ways(4, n_value, p, rate, there, acc, by, to);
        else if (n == 3) add_ways(3, n_value, p, rate, there, acc, by, to);
        else if (n == 2) add_ways(2, n_value, p, rate, there, acc, by, to);
        else if (n == 1) add_ways(1, n_value, p, rate, there, acc, by, to);
        else             add_ways(0, n_value, p, rate, there, acc, by, to);
        acc = sum;
        way += n;
        left -= n;
    } while (left > 0);
}

// rows first .. first + n_value - 1 of values: x [n_mode_state x n_actor x pad], acc [the same], sums [n_actor x pad]
static DUR_ALWAYS_INLINE void sweep_rows(const TangentJob *job, int64_t block, int64_t from, int64_t to, int32_t first, int n_value,
                                         float *x, float *acc, float *sums) {
    const Lattice *l = job->lattice;
    int64_t n_mode = l->n_mode_state, n_actor = l->model->n_actor, pad = (to - from) * 16;
    const TangentCell *cell = &job->cell[block * n_mode];
    Piece p = {.n_state = l->n_state, .lane = job->lane + from, .n_group = to - from, .pad = pad, .group = job->group};
    // what stays as it is while modes are gone through
    for (int64_t mode = 0; mode < n_mode; mode++) {
        int64_t n_row = job->mode_row[mode + 1] - job->mode_row[mode], at = mode * l->n_stock_state + block * l->n_lane;
        p.coefficient = group_of(job, block, mode, from);
        p.next = 16 * n_row;
        p.d = job->d + at;
        float *here = x + (mode * n_actor + first) * pad, *put = acc + (mode * n_actor + first) * pad;
        const float *d = p.d + first * l->n_state, *right = job->right ? job->right + at + first * l->n_state : NULL;
        for (int64_t g = 0; g < p.n_group; g++) {
            int64_t i = p.lane[g];
            // they come while flows are added
            ask_for(job, block, mode, from + g);
            for (int e = 0; e < n_value; e++) {
                STORE16(here + e * pad + 16 * g, LOAD16(d + e * l->n_state + i));
                DurFloat16 start = {0};
                if (right) start = LOAD16(right + e * l->n_state + i);
                STORE16(put + e * pad + 16 * g, start);
            }
        }
        from_outside(job, cell + mode, &p, first, n_value, put);
    }

    // combinations of modes forth and back, each seeing what the others have become
    for (int32_t round = 0; round < MODE_ROUNDS; round++)
        for (int64_t step = 0; step < n_mode; step++) {
            int64_t mode = round % 2 == 0 ? step : n_mode - 1 - step;
            p.coefficient = group_of(job, block, mode, from);
            p.next = 16 * (job->mode_row[mode + 1] - job->mode_row[mode]);
            const float *a = acc + (mode * n_actor + first) * pad, *factor = p.coefficient + first * p.group;
            float *here = x + (mode * n_actor + first) * pad;
            if (job->line_stock < 0) {
                from_modes(job, cell + mode, &p, (int32_t)n_actor, first, n_value, x, a, factor, sums, here);
            } else {
                from_modes(job, cell + mode, &p, (int32_t)n_actor, first, n_value, x, a, NULL, sums, sums);
                settle_lines(job, cell + mode, factor, p.next, round % 2 == 0, pad, n_value, sums, here);
            }
        }
}

static void block_sweep(const TangentJob *job, int64_t block, int64_t from, int64_t to, float *DUR_RESTRICT x,
                        float *DUR_RESTRICT room) {
    int32_t n_actor = job->lattice->model->n_actor, first = 0;
    float *sums = room + job->lattice->n_mode_state * n_actor * (to - from) * 16;
    for (; first + VALUES_FEW <= n_actor; first += VALUES_FEW) sweep_rows(job, block, from, to, first, VALUES_FEW, x, room, sums);
    if (n_actor - first == 3)      sweep_rows(job, block, from, to, first, 3, x, room, sums);
    else if (n_actor - first == 2) sweep_rows(job, block, from, to, first, 2, x, room, sums);
    else if (n_actor - first == 1) sweep_rows(job, block, from, to, first, 1, x, room, sums);
}
