/// What an actor has from each of its moves in one block, and how it chooses: the part of the kernels that sweeps and
/// tangents share. Compiled for each vector width by whoever includes it.
#include "game/sweep_kernel.h"
#include "lattice/kernel_body.h"
#include "num/elementary.h"

/// Above this a logit is shifted by the largest before exp; below, exp cannot overflow even when 2^10 of them are summed.
#define LOGIT_SAFE 700.0

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
