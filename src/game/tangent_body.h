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

// What comes to one combination of modes from other stock nodes, and from how choices bend: acc[e] += ... of sixteen lanes
// from `lane` on. `d` is read as it is.
static DUR_ALWAYS_INLINE void from_outside(const TangentJob *job, int64_t block, int64_t mode, int64_t lane,
                                           const float *coefficient, int32_t n_actor, LatticeBlock *view, bool *is_viewed,
                                           DurFloat16 *acc) {
    const Lattice *l = job->lattice;
    const TangentCell *cell = &job->cell[block * l->n_mode_state + mode];
    int64_t n_state = l->n_state;
    const float *d = job->d + mode * l->n_stock_state + block * l->n_lane;
    from_flows(job, block, mode, lane, n_actor, view, is_viewed, acc);
    int64_t group = job->group;
    for (int32_t s = 0; s < cell->n_site; s++) {
        const TangentSite *site = &job->site[cell->site + s];
        const float *row = coefficient + site->row * group, *mine = d + site->actor * n_state + lane;
        DurFloat16 bend = -LOAD16(mine);
        if (site->target >= 0) {
            bend += LOAD16(mine + (site->target - mode) * l->n_stock_state);
        } else {
            DurFloat16 rate = LOAD16(row);
            for (int32_t e = 0; e < n_actor; e++) {
                const float *x = d + e * n_state;
                DurFloat16 q = {0};
                if (site->n_corner == 0)
                    gathered16(l, site->jump, view_of(job, block, mode, view, is_viewed), x, lane, &q);
                for (int32_t c = 0; c < site->n_corner; c++) {
                    const TangentCorner *corner = &job->corner[site->corner + c];
                    q += LOAD16(x + lane + corner->shift) * corner->weight;
                }
                acc[e] += rate * q;
                if (e == site->actor) bend += q;
            }
        }
        for (int32_t e = 0; e < n_actor; e++) acc[e] += LOAD16(row + (1 + e) * group) * bend;
    }
}

// what moves bring from other combinations of modes, added to what came from outside: sum[e] of the group at `g` of scratch
static DUR_ALWAYS_INLINE void from_modes(const TangentJob *job, const TangentCell *cell, const float *coefficient,
                                         int64_t mode, int64_t lane, int64_t g, int64_t pad, int32_t n_actor, const float *x,
                                         const float *acc, DurFloat16 *sum) {
    (void)lane;
    const TangentSite *site = &job->site[cell->site];
    int64_t group = job->group;
    const float *a = acc + mode * n_actor * pad + g;
    for (int32_t e = 0; e < n_actor; e++) sum[e] = LOAD16(a + e * pad);
    for (int32_t s = 0; s < cell->n_site; s++) {
        if (site[s].target < 0) continue;
        const float *there = x + site[s].target * n_actor * pad + g;
        DurFloat16 rate = LOAD16(coefficient + site[s].row * group);
        for (int32_t e = 0; e < n_actor; e++) sum[e] += rate * LOAD16(there + e * pad);
    }
}

static void block_sweep(const TangentJob *job, int64_t block, int64_t from, int64_t to, float *DUR_RESTRICT x,
                        float *DUR_RESTRICT room) {
    // the usual numbers of actors have code of their own, in which sums stay in registers
    int32_t n_actor = job->lattice->model->n_actor;
    if (n_actor == 2)      sweep_values(job, from_outside, from_modes, block, from, to, 2, x, room);
    else if (n_actor == 1) sweep_values(job, from_outside, from_modes, block, from, to, 1, x, room);
    else if (n_actor == 3) sweep_values(job, from_outside, from_modes, block, from, to, 3, x, room);
    else                   sweep_values(job, from_outside, from_modes, block, from, to, n_actor, x, room);
}
