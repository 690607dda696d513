/// What an actor with types has from each of its moves in one block, and how its types choose: the part of the kernels that
/// sweeps and tangents share. Compiled for each vector width by whoever includes it.
#ifndef GAME_CHOICE_TYPES_BODY_H
#define GAME_CHOICE_TYPES_BODY_H

#include "game/sweep_types_kernel.h"
#include "lattice/belief_body.h"
#include "num/elementary.h"

/// Above this a logit is shifted by the largest before exp; below, exp cannot overflow even when 2^10 of them are summed.
#define LOGIT_SAFE 700.0
/// What one actor may do in a block and how its types choose.
typedef struct Chooser {
    int32_t actor, first_row, n_type, private, n_move;
    const double *belief;                    // [n_type] at this block
    int32_t move[MODEL_MOVES_MAX];
    int64_t shift[MODEL_MOVES_MAX];          // entry of a move's shifts in this block; -1: it tells nothing
    BeliefSplit split[MODEL_MOVES_MAX];      // posterior of a move that tells something
    double *chance, *public, *reply, *sum;   // [n_type x n_move], [n_move], [n_type x n_move], one row
    double *room;                            // one row
    double *spare;                           // what is left of the room
} Chooser;

static inline double lane_of(Row r, int64_t i) { return r.lane ? r.lane[i] : r.one; }

// What a row has after a jump, lane by lane: its lump there plus the mean of its value at the targets.
static inline const double *reply_of(const TypesJob *job, const LatticeBlock *view, int32_t jump, int32_t row,
                                     int32_t actor, int32_t type, const BeliefSplit *split, double *DUR_RESTRICT room) {
    const Lattice *l = job->lattice;
    const ModelJump *mj = &l->model->jump[jump];
    const double *value = job->value + row * l->n_state, *out = room;
    int64_t n = l->n_lane, shift;
    if (split) belief_mean(l, &l->jump[jump], view, split, value, room);
    else if (jump_is_shift(l, &l->jump[jump], view, &shift)) out = value + view->first + shift;
    else jump_mean(l, &l->jump[jump], view, value, room);
    for (int32_t k = 0; k < mj->n_lump; k++) {
        if (mj->lump[k].actor != actor) continue;
        Row lump = row_of(l, lattice_lump(l, jump, k, mj->lump[k].by_type ? type : 0), view);
        if (row_is_zero(lump)) continue;
        const double *from = out;
        if (lump.lane) for (int64_t i = 0; i < n; i++) room[i] = from[i] + lump.lane[i];
        else           for (int64_t i = 0; i < n; i++) room[i] = from[i] + lump.one;
        out = room;
    }
    return out;
}

// Logit choice of one type over the moves and waiting: chance[a] becomes the probability of move a, sum the logarithm
// of the normaliser relative to waiting. Where a guard is false the probability is 0.
static inline void choose(const TypesJob *job, const LatticeBlock *view, const Chooser *c, int32_t type, bool want_log) {
    const Lattice *l = job->lattice;
    int64_t n = l->n_lane;
    const double *DUR_RESTRICT here = job->value + (c->first_row + type) * l->n_state + view->first;
    Row mu = row_of(l, lattice_rule_precision(l, job->rule, c->actor, type), view);
    double *chance = c->chance + (int64_t)type * c->n_move * n, *DUR_RESTRICT sum = c->sum, largest = 0;
    for (int32_t a = 0; a < c->n_move; a++) {
        const double *DUR_RESTRICT q = c->reply + ((int64_t)type * c->n_move + a) * n;
        double *DUR_RESTRICT z = chance + a * n;
        if (mu.lane) for (int64_t i = 0; i < n; i++) z[i] = (job->precision_scale * mu.lane[i]) * (q[i] - here[i]);
        else { double k = job->precision_scale * mu.one; for (int64_t i = 0; i < n; i++) z[i] = k * (q[i] - here[i]); }
        Row when = row_of(l, &l->jump[c->move[a]].when, view);
        if (when.lane) for (int64_t i = 0; i < n; i++) z[i] = when.lane[i] != 0.0 ? z[i] : -INFINITY;
        largest = row_largest(z, n, largest);
    }
    if (DUR_LIKELY(largest <= LOGIT_SAFE)) {
        for (int64_t i = 0; i < n; i++) sum[i] = 1.0;
        for (int32_t a = 0; a < c->n_move; a++) {
            double *DUR_RESTRICT z = chance + a * n;
            for (int64_t i = 0; i < n; i++) z[i] = elementary_exp(z[i]);
            for (int64_t i = 0; i < n; i++) sum[i] += z[i];
        }
        for (int32_t a = 0; a < c->n_move; a++) {
            double *DUR_RESTRICT z = chance + a * n;
            for (int64_t i = 0; i < n; i++) z[i] = z[i] / sum[i];
        }
        if (want_log) for (int64_t i = 0; i < n; i++) sum[i] = elementary_log(sum[i]);
        return;
    }
    // rare: shift every lane by its largest exponent
    for (int64_t i = 0; i < n; i++) {
        double top = 0, total;
        for (int32_t a = 0; a < c->n_move; a++) top = chance[a * n + i] > top ? chance[a * n + i] : top;
        total = elementary_exp(-top);
        for (int32_t a = 0; a < c->n_move; a++) total += chance[a * n + i] = elementary_exp(chance[a * n + i] - top);
        for (int32_t a = 0; a < c->n_move; a++) chance[a * n + i] = chance[a * n + i] / total;
        sum[i] = top + elementary_log(total);
    }
}

// `always move when ...` of a policy: where it applies the move is certain, for every type
static inline void force(const TypesJob *job, const LatticeBlock *view, const Chooser *c, int32_t type, double *gain) {
    const LatticeRule *rule = job->rule;
    if (!rule || rule->actor != c->actor || rule->n_always == 0) return;
    const Lattice *l = job->lattice;
    int64_t n = l->n_lane;
    const double *here = job->value + (c->first_row + type) * l->n_state + view->first;
    for (int64_t i = 0; i < n; i++) {
        for (int32_t k = 0; k < rule->n_always; k++) {
            int32_t a = 0;
            while (a < c->n_move && c->move[a] != rule->always[k]) a++;
            if (a == c->n_move || lane_of(row_of(l, &l->jump[c->move[a]].when, view), i) == 0.0) continue;
            bool may_not = rule->always_when[k] != PROGRAM_NONE &&
                           lane_of(row_of(l, &rule->always_table[k], view), i) == 0.0;
            if (may_not) continue;
            for (int32_t b = 0; b < c->n_move; b++) c->chance[((int64_t)type * c->n_move + b) * n + i] = b == a ? 1.0 : 0.0;
            if (gain) gain[i] = c->reply[((int64_t)type * c->n_move + a) * n + i] - here[i];
            break;
        }
    }
}

// the moves of an actor that are open here. False if there are none.
static inline bool chooser_make(const TypesJob *job, const LatticeBlock *view, int32_t actor, int32_t first_row,
                                double *room, Chooser *c) {
    const Lattice *l = job->lattice;
    const Model *m = l->model;
    int64_t n = l->n_lane, mode_state = view->first / l->n_stock_state, stock_state = view->first % l->n_stock_state;
    c->actor = actor;
    c->first_row = first_row;
    c->private = m->actor[actor].private;
    c->n_type = model_types(m, actor);
    c->belief = NULL;
    c->n_move = 0;
    for (int32_t j = 0; j < m->n_jump; j++) {
        if (m->jump[j].kind != JUMP_MOVE || m->jump[j].actor != actor) continue;
        if (!job->possible[j * l->n_mode_state + mode_state]) continue;
        if (job->rule && job->rule->actor == actor && job->rule->never[j]) continue;
        if (row_is_zero(row_of(l, &l->jump[j].when, view))) continue;
        c->move[c->n_move++] = j;
    }
    if (c->n_move == 0) return false;
    c->chance = room;
    c->public = c->chance + (int64_t)c->n_type * c->n_move * n;
    c->reply = c->public + (int64_t)c->n_move * n;
    c->sum = c->reply + (int64_t)c->n_type * c->n_move * n;
    c->room = c->sum + n;
    c->spare = c->room + n;
    if (c->private >= 0)
        c->belief = l->private[c->private].belief + (int64_t)view->node[m->private[c->private].variable] * c->n_type;
    for (int32_t a = 0; a < c->n_move; a++) {
        int64_t at = job->shift_where[c->move[a] * l->n_mode_state + mode_state];
        c->shift[a] = at < 0 ? -1 : at + stock_state;
    }
    return true;
}

// where the belief goes with each of them, by the shifts at hand
static inline void chooser_split(const TypesJob *job, const LatticeBlock *view, Chooser *c) {
    const Lattice *l = job->lattice;
    for (int32_t a = 0; a < c->n_move; a++) {
        if (c->shift[a] < 0) continue;
        const double *shift = job->value + job->n_row * l->n_state + c->shift[a];
        c->split[a] = belief_split(l, c->private, view, shift, l->n_stock_state, c->spare);
        c->spare += 2 * c->n_type * l->n_lane;
    }
}

// replies and choices of one type
static inline void chooser_choose(const TypesJob *job, const LatticeBlock *view, const Chooser *c, int32_t type, bool want_log) {
    int64_t n = job->lattice->n_lane;
    for (int32_t a = 0; a < c->n_move; a++) {
        double *to = c->reply + ((int64_t)type * c->n_move + a) * n;
        const double *q = reply_of(job, view, c->move[a], c->first_row + type, c->actor, type,
                                   c->shift[a] < 0 ? NULL : &c->split[a], to);
        if (q != to) for (int64_t i = 0; i < n; i++) to[i] = q[i];
    }
    choose(job, view, c, type, want_log);
}

// acc += rate * x, diag += rate; rates lane by lane
static inline void add_rate(const double *DUR_RESTRICT rate, const double *DUR_RESTRICT x, int64_t n,
                            double *DUR_RESTRICT acc, double *DUR_RESTRICT diag) {
    for (int64_t i = 0; i < n; i++) acc[i] += rate[i] * x[i];
    for (int64_t i = 0; i < n; i++) diag[i] += rate[i];
}

// Flows of payoff, drift, noise and events: acc[n_row] are added to, flow takes the rates, which are the same for all rows. room: one row.
static inline void add_flows(const TypesJob *job, const LatticeBlock *view, double *acc, double *flow, double *room) {
    const Lattice *l = job->lattice;
    const Model *m = l->model;
    int64_t n = l->n_lane;
    for (int32_t r = 0, actor = 0, type = 0; r < job->n_row; r++, type++) {
        while (type == model_types(m, actor)) { actor++; type = 0; }
        for (int32_t t = 0; t < m->n_term; t++) {
            if (m->term[t].actor != actor) continue;
            add_row(row_of(l, lattice_term(l, t, type), view), 1.0, acc + r * n, n);
        }
        add_drift(l, view, job->value + r * l->n_state, acc + r * n, r == 0 ? flow : NULL);
        for (int32_t j = 0; j < m->n_jump; j++) {
            if (m->jump[j].kind != JUMP_EVENT) continue;
            Row rate = row_of(l, &l->jump[j].rate, view);
            if (row_is_zero(rate)) continue;
            const double *q = reply_of(job, view, j, r, actor, type, NULL, room);
            add_neighbour(rate, q, 0, 0, n, acc + r * n, r == 0 ? flow : NULL);
        }
    }
}

// an actor's own types become others
static inline void add_turns(const TypesJob *job, const LatticeBlock *view, int32_t p, int32_t first_row, double *acc, double *diag) {
    const Lattice *l = job->lattice;
    const ModelPrivate *mp = &l->model->private[p];
    int64_t n = l->n_lane;
    for (int32_t b = 0; b < mp->n_becomes; b++) {
        Row rate = row_of(l, &l->private[p].becomes[b], view);
        int32_t to = mp->becomes[b].type;
        for (int32_t t = 0; t < mp->n_type; t++)
            if (t != to)
                add_neighbour(rate, job->value + (first_row + to) * l->n_state + view->first, 0, 0, n, acc + (first_row + t) * n,
                              diag + (first_row + t) * n);
    }
}

#endif
