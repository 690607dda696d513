/// One block of a sweep, compiled for each vector width: see sweep.h. Included by sweep_base.c and its sisters.
///
/// Rows in `room`, n_lane doubles each:
///     acc[n_actor] | diag | sum | weight[n_move] | reply of the mover [n_move] | reply of another
#include "game/sweep_kernel.h"
#include "lattice/kernel_body.h"
#include "num/elementary.h"

/// Above this a logit is shifted by the largest before exp; below, exp cannot overflow even when 2^10 of them are summed.
#define LOGIT_SAFE 700.0

static inline void add_row(double *DUR_RESTRICT acc, Row r, int64_t n) {
    if (r.lane) for (int64_t i = 0; i < n; i++) acc[i] += r.lane[i];
    else if (r.one != 0.0) for (int64_t i = 0; i < n; i++) acc[i] += r.one;
}

// The moves that an actor can make in this block: those possible in its modes whose guard is not known to be false.
static inline int32_t moves_of(const SweepJob *job, const LatticeBlock *view, int32_t actor, int32_t *move) {
    const Lattice *l = job->lattice;
    const Model *m = l->model;
    int64_t mode_state = view->first / l->n_stock_state;
    int32_t n = 0;
    for (int32_t j = 0; j < m->n_jump; j++) {
        if (m->jump[j].kind != JUMP_MOVE || m->jump[j].actor != actor) continue;
        if (!job->possible[j * l->n_mode_state + mode_state]) continue;
        if (job->rule && job->rule->actor == actor && job->rule->never[j]) continue;
        if (row_is_zero(row_of(l, &l->jump[j].when, view))) continue;
        move[n++] = j;
    }
    return n;
}

// What actor `i_actor` has after a jump, lane by lane: its lump there plus the mean of its value at the targets. Returned is
// a row to read: the values themselves where the jump is a mere shift without a lump, else `room`, filled.
static inline const double *reply(const SweepJob *job, const LatticeBlock *view, int32_t jump, int32_t i_actor,
                                  double *DUR_RESTRICT room) {
    const Lattice *l = job->lattice;
    const ModelJump *mj = &l->model->jump[jump];
    const double *value = job->value + i_actor * l->n_state;
    int64_t n = l->n_lane, shift;
    bool is_shift = jump_is_shift(l, &l->jump[jump], view, &shift);
    const double *row = is_shift ? value + view->first + shift : room;
    if (!is_shift) jump_mean(l, &l->jump[jump], view, value, room);
    for (int32_t k = 0; k < mj->n_lump; k++) {
        if (mj->lump[k].actor != i_actor) continue;
        Row lump = row_of(l, &l->jump[jump].lump[k], view);
        if (row_is_zero(lump)) continue;
        const double *from = row;
        if (lump.lane) for (int64_t i = 0; i < n; i++) room[i] = from[i] + lump.lane[i];
        else           for (int64_t i = 0; i < n; i++) room[i] = from[i] + lump.one;
        row = room;
    }
    return row;
}

static inline Row precision_of(const SweepJob *job, const LatticeBlock *view, int32_t actor) {
    const Lattice *l = job->lattice;
    bool replaced = job->rule && job->rule->actor == actor && job->rule->precision != PROGRAM_NONE;
    return row_of(l, replaced ? &job->rule->precision_table : &l->actor[actor].precision, view);
}

// Logit choice over the moves and waiting (semantics, P_i(a|s)): weight[a] becomes the probability of move a, sum the
// logarithm of the normaliser relative to waiting: log(1 + sum of exp(mu (Q_a - V))). Where a guard is false the probability is 0.
static inline void choose(const SweepJob *job, const LatticeBlock *view, int32_t actor, const int32_t *move,
                          int32_t n_move, const double *const *reply_row, double *DUR_RESTRICT weight,
                          double *DUR_RESTRICT sum, bool want_log) {
    const Lattice *l = job->lattice;
    int64_t n = l->n_lane;
    const double *DUR_RESTRICT here = job->value + actor * l->n_state + view->first;
    Row mu = precision_of(job, view, actor);
    double scale = job->precision_scale;

    double largest = 0;
    for (int32_t a = 0; a < n_move; a++) {
        const double *DUR_RESTRICT q = reply_row[a];
        double *DUR_RESTRICT z = weight + a * n;
        if (mu.lane) for (int64_t i = 0; i < n; i++) z[i] = (scale * mu.lane[i]) * (q[i] - here[i]);
        else { double k = scale * mu.one; for (int64_t i = 0; i < n; i++) z[i] = k * (q[i] - here[i]); }
        // a guard that is false in some lanes: no weight there (exp of -infinity is 0)
        Row when = row_of(l, &l->jump[move[a]].when, view);
        if (when.lane) for (int64_t i = 0; i < n; i++) z[i] = when.lane[i] != 0.0 ? z[i] : -INFINITY;
        largest = row_largest(z, n, largest);
    }
    if (DUR_LIKELY(largest <= LOGIT_SAFE)) {
        double *DUR_RESTRICT first = weight;
        for (int64_t i = 0; i < n; i++) first[i] = elementary_exp(first[i]);
        for (int64_t i = 0; i < n; i++) sum[i] = 1.0 + first[i];
        for (int32_t a = 1; a < n_move; a++) {
            double *DUR_RESTRICT z = weight + a * n;
            for (int64_t i = 0; i < n; i++) z[i] = elementary_exp(z[i]);
            for (int64_t i = 0; i < n; i++) sum[i] += z[i];
        }
        for (int32_t a = 0; a < n_move; a++) {
            double *DUR_RESTRICT z = weight + a * n;
            for (int64_t i = 0; i < n; i++) z[i] = z[i] / sum[i];
        }
        if (want_log) for (int64_t i = 0; i < n; i++) sum[i] = elementary_log(sum[i]);
    } else {
        // rare: shift every lane by its largest exponent
        for (int64_t i = 0; i < n; i++) {
            double top = 0, total;
            for (int32_t a = 0; a < n_move; a++) top = weight[a * n + i] > top ? weight[a * n + i] : top;
            total = elementary_exp(-top);
            for (int32_t a = 0; a < n_move; a++) total += weight[a * n + i] = elementary_exp(weight[a * n + i] - top);
            for (int32_t a = 0; a < n_move; a++) weight[a * n + i] = weight[a * n + i] / total;
            sum[i] = top + elementary_log(total);
        }
    }
}

// `always move when ...` of a policy: where it applies the move is certain and the choice has no randomness to gain from
static inline void force(const SweepJob *job, const LatticeBlock *view, int32_t actor, const int32_t *move,
                         int32_t n_move, const double *const *reply_row, double *weight, double *gain) {
    const LatticeRule *rule = job->rule;
    if (!rule || rule->actor != actor || rule->n_always == 0) return;
    const Lattice *l = job->lattice;
    const double *here = job->value + actor * l->n_state + view->first;
    for (int64_t i = 0; i < l->n_lane; i++) {
        for (int32_t k = 0; k < rule->n_always; k++) {
            int32_t a = 0;
            while (a < n_move && move[a] != rule->always[k]) a++;
            if (a == n_move) continue;
            Row when = row_of(l, &l->jump[move[a]].when, view);
            if ((when.lane ? when.lane[i] : when.one) == 0.0) continue;
            if (rule->always_when[k] != PROGRAM_NONE) {
                Row applies = row_of(l, &rule->always_table[k], view);
                if ((applies.lane ? applies.lane[i] : applies.one) == 0.0) continue;
            }
            for (int32_t b = 0; b < n_move; b++) weight[b * l->n_lane + i] = b == a ? 1.0 : 0.0;
            if (gain) gain[i] = reply_row[a][i] - here[i];
            break;
        }
    }
}

static double block_sweep(const SweepJob *job, int64_t block, double *DUR_RESTRICT room) {
    const Lattice *l = job->lattice;
    const Model *m = l->model;
    int64_t n = l->n_lane;
    int32_t n_actor = m->n_actor, move[MODEL_MOVES_MAX];
    double *acc = room, *diag = acc + n_actor * n, *sum = diag + n, *weight = sum + n;
    LatticeBlock view;
    lattice_block(l, block, &view);

    // flows of payoff, drift and noise
    for (int64_t i = 0; i < (n_actor + 1) * n; i++) acc[i] = 0.0;
    for (int32_t t = 0; t < m->n_term; t++) add_row(acc + m->term[t].actor * n, row_of(l, &l->term[t], &view), n);
    for (int32_t k = 0; k < n_actor; k++) {
        add_drift(l, &view, job->value + k * l->n_state, acc + k * n, k == 0 ? diag : NULL);
    }

    // events
    for (int32_t j = 0; j < m->n_jump; j++) {
        if (m->jump[j].kind != JUMP_EVENT) continue;
        Row rate = row_of(l, &l->jump[j].rate, &view);
        if (row_is_zero(rate)) continue;
        for (int32_t k = 0; k < n_actor; k++) {
            const double *q = reply(job, &view, j, k, weight);
            add_neighbour(rate, q, 0, 0, n, acc + k * n, k == 0 ? diag : NULL);
        }
    }

    // choices: an opportunity that passes in waiting changes nothing, so only the moves count
    for (int32_t k = 0; k < n_actor; k++) {
        Row attends = row_of(l, &l->actor[k].attends, &view);
        if (row_is_zero(attends)) continue;
        int32_t n_move = moves_of(job, &view, k, move);
        if (n_move == 0) continue;
        double *mean = weight + n_move * n;
        const double *reply_row[MODEL_MOVES_MAX];   // of the mover itself; kept while others' are made one by one
        for (int32_t a = 0; a < n_move; a++) reply_row[a] = reply(job, &view, move[a], k, mean + a * n);
        double *others = mean + n_move * n;
        bool taste = m->choice == CHOICE_TASTE;
        choose(job, &view, k, move, n_move, reply_row, weight, sum, taste);
        if (taste) {
            // W_k - V_k = log(sum)/mu (semantics, choice taste); as mu -> 0 it grows without bound, so mu is above 0 here
            Row mu = precision_of(job, &view, k);
            for (int64_t i = 0; i < n; i++) sum[i] = sum[i] / (job->precision_scale * (mu.lane ? mu.lane[i] : mu.one));
        }
        force(job, &view, k, move, n_move, reply_row, weight, taste ? sum : NULL);

        // rate of each move, for everyone; the mover's own gain from its shocks replaces its mean under taste
        const double *DUR_RESTRICT here = job->value + k * l->n_state + view.first;
        for (int32_t a = 0; a < n_move; a++) {
            double *DUR_RESTRICT w = weight + a * n;
            if (attends.lane) for (int64_t i = 0; i < n; i++) w[i] *= attends.lane[i];
            else              for (int64_t i = 0; i < n; i++) w[i] *= attends.one;
            for (int64_t i = 0; i < n; i++) diag[i] += w[i];
            for (int32_t i_actor = 0; i_actor < n_actor; i_actor++) {
                double *DUR_RESTRICT to = acc + i_actor * n;
                const double *DUR_RESTRICT q = i_actor != k ? reply(job, &view, move[a], i_actor, others)
                                             : taste ? here : reply_row[a];
                for (int64_t i = 0; i < n; i++) to[i] += w[i] * q[i];
            }
        }
        if (taste) {
            double *DUR_RESTRICT to = acc + k * n;
            for (int64_t i = 0; i < n; i++) to[i] += (attends.lane ? attends.lane[i] : attends.one) * sum[i];
        }
    }

    // next values, and by how much the present ones miss their equations
    double worst = 0;
    for (int32_t k = 0; k < n_actor; k++) {
        double rho = l->actor[k].rho;
        const double *DUR_RESTRICT here = job->value + k * l->n_state + view.first;
        double *DUR_RESTRICT out = job->next + k * job->next_stride + view.first - job->next_first;
        const double *DUR_RESTRICT a = acc + k * n;
        double *DUR_RESTRICT miss = sum;
        for (int64_t i = 0; i < n; i++) {
            double d = rho + diag[i], r = a[i] - d * here[i];
            out[i] = here[i] + r / d;
            // a NaN anywhere must not pass as convergence
            miss[i] = r - r == 0.0 ? (r < 0 ? -r : r) : INFINITY;
        }
        worst = row_largest(miss, n, worst);
    }
    return worst;
}

static void block_fill(const SweepJob *job, int64_t block, double *DUR_RESTRICT room) {
    const Lattice *l = job->lattice;
    const Model *m = l->model;
    Policy *p = job->policy;
    int64_t n = l->n_lane;
    int32_t move[MODEL_MOVES_MAX];
    LatticeBlock view;
    lattice_block(l, block, &view);
    int64_t mode_state = view.first / l->n_stock_state, stock_state = view.first % l->n_stock_state;

    // advantages wherever the move is possible in these modes, its guard aside
    for (int32_t j = 0; j < m->n_jump; j++) {
        int64_t at = p->where[j * l->n_mode_state + mode_state];
        if (at < 0) continue;
        const double *q = reply(job, &view, j, m->jump[j].actor, room);
        const double *here = job->value + m->jump[j].actor * l->n_state + view.first;
        for (int64_t i = 0; i < n; i++) {
            p->advantage[at + stock_state + i] = q[i] - here[i];
            p->probability[at + stock_state + i] = 0.0;
        }
    }
    // probabilities of those that may be made
    for (int32_t k = 0; k < m->n_actor; k++) {
        int32_t n_move = moves_of(job, &view, k, move);
        if (n_move == 0) continue;
        double *sum = room, *weight = room + n, *mean = weight + n_move * n;
        const double *reply_row[MODEL_MOVES_MAX];
        for (int32_t a = 0; a < n_move; a++) reply_row[a] = reply(job, &view, move[a], k, mean + a * n);
        choose(job, &view, k, move, n_move, reply_row, weight, sum, false);
        force(job, &view, k, move, n_move, reply_row, weight, NULL);
        for (int32_t a = 0; a < n_move; a++) {
            double *to = p->probability + p->where[move[a] * l->n_mode_state + mode_state] + stock_state;
            for (int64_t i = 0; i < n; i++) to[i] = weight[a * n + i];
        }
    }
}
