/// One block of a sweep of a game with private types, compiled for each vector width: see sweep_types.h. Included by
/// sweep_types_base.c and its sisters.
///
/// Rows in `room`, n_lane doubles each:
///     acc[n_row] | diag[n_row] | flow diag | sum | one actor's choices
#include "game/choice_types_body.h"

#include <string.h>

/// A move that everyone expects less often than this tells nothing: rounding would say what.
#define CHANCE_LEAST 1e-290

/// With more than two types, shifts go this part of the way to what the choices tell; with two, see shift_part.
#define SHIFT_PART 0.3

/// How a state's pace changes where its shifts or its values turn back, where they go on, and the least: see sweep_types_pace. Decision 045 has
/// what others do.
#define PACE_FALL  0.7f
#define PACE_RISE  1.1f
#define PACE_LEAST 1e-3f

// A state's pace from here on, from whether what has been compared since it was chosen last would go on as it went
static inline void choose_pace(const TypesJob *job, const LatticeBlock *view) {
    float *DUR_RESTRICT pace = job->pace + view->first;
    float *DUR_RESTRICT agrees = job->agrees + view->first;
    for (int64_t i = 0; i < job->lattice->n_lane; i++) {
        float next = agrees[i] < 0 ? PACE_FALL * pace[i] : agrees[i] > 0 ? PACE_RISE * pace[i] : pace[i];
        pace[i] = next > job->pace_most ? job->pace_most : next < PACE_LEAST ? PACE_LEAST : next;
        agrees[i] = 0;
    }
}

// whether what is left to go points where it did before
static inline void compare(const double *DUR_RESTRICT left, int64_t n, float *DUR_RESTRICT before, float *DUR_RESTRICT agrees) {
    for (int64_t i = 0; i < n; i++) {
        agrees[i] += (float)left[i] * before[i];
        before[i] = (float)left[i];
    }
}

// What one type does goes a part of the way from its habit to its answer, in c->chance and job->habit
static inline void keep_habits(const TypesJob *job, const LatticeBlock *view, const Chooser *c, int32_t type) {
    const Lattice *l = job->lattice;
    const Model *m = l->model;
    int64_t n = l->n_lane, column = 0;
    const float *DUR_RESTRICT pace = job->pace + view->first;
    double *DUR_RESTRICT left = c->spare;
    for (int32_t j = 0, a = 0; j < m->n_jump && a < c->n_move; j++) {
        if (m->jump[j].kind != JUMP_MOVE) continue;
        if (j == c->move[a]) {
            double *DUR_RESTRICT chance = c->chance + ((int64_t)type * c->n_move + a++) * n;
            int64_t at = (column + type) * l->n_state + view->first;
            double *DUR_RESTRICT habit = job->habit + at;
            if (!job->takes_up) {
                for (int64_t i = 0; i < n; i++) left[i] = chance[i] - habit[i];
                for (int64_t i = 0; i < n; i++) chance[i] = habit[i] + pace[i] * left[i];
                compare(left, n, job->before + at, job->agrees + view->first);
            }
            for (int64_t i = 0; i < n; i++) habit[i] = chance[i];
        }
        column += model_types(m, m->jump[j].actor);
    }
}

// One over how far a shift goes towards what the choices tell, where there are two types: a type that would be taken for the other by
// its move, and then would not make it, goes round in circles otherwise. With s the derivative of what is told by the shift
// itself, through the replies and so the choices, a step of Newton's method in this one number is 1/(1 - s); it is never
// more than 1. shift' = b0 b1 (P1 - P0) / P, dP_t = mu_t P_t (1 - P_t) dQ_t:
//     s = b0 b1 P0 P1 / P^2 (mu_1 (1 - P1) dQ_1 - mu_0 (1 - P0) dQ_0)
static inline const double *shift_part(const TypesJob *job, const LatticeBlock *view, const Chooser *c, int32_t a) {
    const Lattice *l = job->lattice;
    const LatticePrivate *lp = &l->private[c->private];
    int64_t n = l->n_lane;
    double *DUR_RESTRICT part = c->spare, *slope = part + n, *low = slope + 2 * n, *weight = low + 2 * n;
    double step = (double)l->stride[l->model->private[c->private].variable], *high = low + n;
    // the difference between the nodes on both sides of where the move leads
    for (int64_t i = 0; i < n; i++) {
        bool is_last = c->split[a].move[n + i] == c->split[a].move[i];
        low[i] = c->split[a].move[i] - (is_last ? step : 0.0);
        high[i] = low[i] + step;
        weight[i] = -(double)lp->n_step;
    }
    BeliefSplit beside[2] = {{.n_corner = 1, .move = low, .weight = weight}, {.n_corner = 1, .move = high, .weight = weight}};
    for (int k = 0; k < 2; k++) belief_split_compare(&beside[k], n);
    for (int32_t t = 0; t < 2; t++) {
        const double *value = job->value + (c->first_row + t) * l->n_state;
        double *DUR_RESTRICT to = slope + t * n;
        belief_mean(l, &l->jump[c->move[a]], view, &beside[0], value, part);
        belief_mean(l, &l->jump[c->move[a]], view, &beside[1], value, to);
        for (int64_t i = 0; i < n; i++) to[i] = part[i] - to[i];
    }
    // where those nodes are is not needed any more
    double *DUR_RESTRICT mu0 = low, *DUR_RESTRICT mu1 = high;
    write_row(row_of(l, lattice_rule_precision(l, job->rule, c->actor, 0), view), 1.0, mu0, n);
    write_row(row_of(l, lattice_rule_precision(l, job->rule, c->actor, 1), view), 1.0, mu1, n);
    const double *DUR_RESTRICT p0 = c->chance + a * n, *DUR_RESTRICT p1 = p0 + c->n_move * n;
    const double *DUR_RESTRICT public = c->public + a * n;
    double both = c->belief[0] * c->belief[1];
    for (int64_t i = 0; i < n; i++) {
        double d1 = mu1[i] * (1.0 - p1[i]) * slope[n + i], d0 = mu0[i] * (1.0 - p0[i]) * slope[i];
        double s = both * ((p0[i] * p1[i]) / (public[i] * public[i])) * job->precision_scale * (d1 - d0);
        part[i] = s < 0 ? 1.0 - s : 1.0;   // also where nobody makes the move, and s is no number
    }
    return part;
}

// what others see, and what it tells them: posteriors of moves into job->next_shift. Returns the largest miss.
static inline double chooser_learn(const TypesJob *job, const LatticeBlock *view, const Chooser *c, Row attends) {
    const Lattice *l = job->lattice;
    int64_t n = l->n_lane;
    double worst = 0, *DUR_RESTRICT left = c->spare + 6 * n;   // behind what shift_part needs
    bool is_paced = job->pace && !job->habit && c->private >= 0;
    for (int32_t a = 0; a < c->n_move; a++) {
        double *DUR_RESTRICT public = c->public + a * n;
        const double *DUR_RESTRICT first = c->chance + a * n;
        for (int64_t i = 0; i < n; i++) public[i] = first[i];
        for (int32_t t = 1; t < c->n_type; t++) {
            const double *DUR_RESTRICT other = c->chance + ((int64_t)t * c->n_move + a) * n;
            double b = c->belief[t];
            for (int64_t i = 0; i < n; i++) public[i] += b * (other[i] - first[i]);
        }
        const double *part = c->shift[a] >= 0 && c->n_type == 2 && !job->whole_steps ? shift_part(job, view, c, a) : NULL;
        double share = job->whole_steps ? 1.0 : SHIFT_PART;
        for (int32_t t = 1; t < c->n_type && c->shift[a] >= 0; t++) {
            const double *DUR_RESTRICT own = c->chance + ((int64_t)t * c->n_move + a) * n;
            double *DUR_RESTRICT by = c->room, b = c->belief[t];
            for (int64_t i = 0; i < n; i++) by[i] = 0.0;
            for (int32_t u = 0; u < c->n_type; u++) {
                if (u == t) continue;
                const double *DUR_RESTRICT other = c->chance + ((int64_t)u * c->n_move + a) * n;
                double weight = c->belief[u];
                for (int64_t i = 0; i < n; i++) by[i] += weight * (own[i] - other[i]);
            }
            int64_t at = c->shift[a] + (t - 1) * l->n_stock_state;
            const double *was = job->value + job->n_row * l->n_state + at;
            double *DUR_RESTRICT next = c->sum;
            for (int64_t i = 0; i < n; i++) {
                double shift = public[i] > CHANCE_LEAST ? b * by[i] / public[i] : 0.0;
                by[i] = shift < was[i] ? was[i] - shift : shift - was[i];
                left[i] = shift - was[i];
            }
            if (part) for (int64_t i = 0; i < n; i++) next[i] = left[i] / part[i];
            else      for (int64_t i = 0; i < n; i++) next[i] = share * left[i];
            const float *DUR_RESTRICT pace = is_paced ? job->pace + view->first : NULL;
            if (pace) {
                for (int64_t i = 0; i < n; i++) next[i] *= pace[i];
                compare(left, n, job->before + job->n_row * l->n_state + at, job->agrees + view->first);
            }
            for (int64_t i = 0; i < n; i++) next[i] += was[i];
            // the old shift and the new one may have one place
            memcpy(job->next_shift + at, next, (size_t)n * sizeof *next);
            scale_row(attends, by, n);
            for (int32_t u = 0; u < c->n_type; u++) {
                const double *DUR_RESTRICT here = job->value + (c->first_row + u) * l->n_state + view->first;
                for (int64_t i = 0; i < n; i++) {
                    double miss = by[i] * (here[i] < 0 ? -here[i] : here[i]);
                    c->sum[i] = miss - miss == 0.0 ? miss : INFINITY;
                }
                worst = row_largest(c->sum, n, worst);
            }
        }
    }
    return worst;
}

// the belief about private p in silence, for every row: semantics, db_t/dt = lambda b_t (P(visible) - P_t(visible)), and the
// types that become others. chooser: NULL where its actor makes no choice
static inline void add_silence(const TypesJob *job, const LatticeBlock *view, int32_t p, const Chooser *c, Row attends,
                               double *room, double *acc, double *diag) {
    const Lattice *l = job->lattice;
    const ModelPrivate *mp = &l->model->private[p];
    const double *b = l->private[p].belief + (int64_t)view->node[mp->variable] * mp->n_type;
    int64_t n = l->n_lane;
    int32_t n_type = mp->n_type;
    double *drift = room, *seen = drift + n_type * n;
    for (int64_t i = 0; i < n_type * n; i++) drift[i] = 0.0;
    if (c) {
        for (int32_t t = 1; t < n_type; t++)
            for (int32_t u = 0; u < n_type; u++) {
                if (u == t) continue;
                for (int64_t i = 0; i < n; i++) seen[i] = 0.0;
                for (int32_t a = 0; a < c->n_move; a++) {
                    if (c->shift[a] < 0) continue;
                    const double *DUR_RESTRICT other = c->chance + ((int64_t)u * c->n_move + a) * n;
                    const double *DUR_RESTRICT own = c->chance + ((int64_t)t * c->n_move + a) * n;
                    for (int64_t i = 0; i < n; i++) seen[i] += other[i] - own[i];
                }
                double *DUR_RESTRICT to = drift + (t - 1) * n, share = b[t] * b[u];
                for (int64_t i = 0; i < n; i++) to[i] += share * seen[i];
            }
        for (int32_t t = 1; t < n_type; t++) scale_row(attends, drift + (t - 1) * n, n);
    }
    for (int32_t k = 0; k < mp->n_becomes; k++) {
        Row rate = row_of(l, &l->private[p].becomes[k], view);
        for (int32_t t = 1; t < n_type; t++) {
            double *DUR_RESTRICT to = drift + (t - 1) * n, share = mp->becomes[k].type == t ? 1.0 - b[t] : -b[t];
            add_row(rate, share, to, n);
        }
    }
    BeliefDrift d = belief_drift(l, p, view, drift, n, seen);
    for (int32_t k = 0; k < d.n_way; k++)
        for (int32_t r = 0; r < job->n_row; r++)
            add_rate(d.rate + k * n, job->value + r * l->n_state + view->first + d.step[k], n, acc + r * n, diag + r * n);
}

// one actor's opportunities, for every row; returns the largest miss of its shifts
static inline double add_choices(const TypesJob *job, const LatticeBlock *view, Chooser *c, Row attends, double *acc,
                                 double *diag) {
    const Lattice *l = job->lattice;
    const Model *m = l->model;
    int64_t n = l->n_lane;
    bool taste = m->choice == CHOICE_TASTE;
    for (int32_t t = 0; t < c->n_type; t++) {
        int32_t row = c->first_row + t;
        chooser_choose(job, view, c, t, taste);
        if (taste) {
            write_row(row_of(l, lattice_rule_precision(l, job->rule, c->actor, t), view), job->precision_scale, c->room, n);
            for (int64_t i = 0; i < n; i++) c->sum[i] = c->sum[i] / c->room[i];
        }
        force(job, view, c, t, taste ? c->sum : NULL);
        if (job->habit) keep_habits(job, view, c, t);
        if (!taste) continue;
        // the gain from shocks: acc += lambda * gain, with what moves taken to stay where it is
        double *DUR_RESTRICT to = acc + row * n;
        write_row(attends, 1.0, c->room, n);
        for (int64_t i = 0; i < n; i++) to[i] += c->room[i] * c->sum[i];
    }
    double worst = chooser_learn(job, view, c, attends);

    // own rows by their own choices
    for (int32_t t = 0; t < c->n_type; t++) {
        int32_t row = c->first_row + t;
        const double *here = job->value + row * l->n_state + view->first;
        for (int32_t a = 0; a < c->n_move; a++) {
            double *DUR_RESTRICT rate = c->room;
            const double *DUR_RESTRICT chance = c->chance + ((int64_t)t * c->n_move + a) * n;
            for (int64_t i = 0; i < n; i++) rate[i] = chance[i];
            scale_row(attends, rate, n);
            add_rate(rate, taste ? here : c->reply + ((int64_t)t * c->n_move + a) * n, n, acc + row * n, diag + row * n);
        }
    }
    // everyone else by what they expect; the mover's replies are not needed any more
    double *room = c->reply;
    for (int32_t a = 0; a < c->n_move; a++) {
        double *rate = c->public + a * n;
        scale_row(attends, rate, n);
        for (int32_t r = 0, actor = 0, type = 0; r < job->n_row; r++, type++) {
            while (type == model_types(m, actor)) { actor++; type = 0; }
            if (actor == c->actor) continue;
            const double *q = reply_of(job, view, c->move[a], r, actor, type, c->shift[a] < 0 ? NULL : &c->split[a], room);
            add_rate(rate, q, n, acc + r * n, diag + r * n);
        }
    }
    return worst;
}

static double types_sweep(const TypesJob *job, int64_t block, double *DUR_RESTRICT room) {
    const Lattice *l = job->lattice;
    const Model *m = l->model;
    int64_t n = l->n_lane;
    int32_t n_row = job->n_row;
    double *acc = room, *diag = acc + n_row * n, *flow = diag + n_row * n, *rest = flow + n, worst = 0;
    double *silence = rest + (sweep_types_room(n_row, job->n_move) - 2 * n_row - 1) * n
                    - MODEL_TYPES_MAX * (MODEL_TYPES_MAX + 2) * n;
    LatticeBlock view;
    lattice_block(l, block, &view);

    // flows of payoff, drift, noise and events: rates are the same for all rows
    for (int64_t i = 0; i < (2 * n_row + 1) * n; i++) acc[i] = 0.0;
    add_flows(job, &view, acc, flow, rest);
    for (int32_t r = 0; r < n_row; r++)
        for (int64_t i = 0; i < n; i++) diag[r * n + i] = flow[i];

    for (int32_t k = 0, row = 0; k < m->n_actor; row += model_types(m, k), k++) {
        Chooser c;
        Row attends = row_of(l, &l->actor[k].attends, &view);
        bool chooses = !row_is_zero(attends) && chooser_make(job, &view, k, row, rest, &c);
        if (chooses) {
            chooser_split(job, &view, &c);
            double miss = add_choices(job, &view, &c, attends, acc, diag);
            worst = miss > worst ? miss : worst;
        }
        int32_t p = m->actor[k].private;
        if (p < 0) continue;
        add_silence(job, &view, p, chooses ? &c : NULL, attends, silence, acc, diag);
        add_turns(job, &view, p, row, acc, diag);
    }

    // where shifts go on, values may still turn back; from habits values follow at once
    if (job->pace) choose_pace(job, &view);

    // next values, and by how much the present ones miss their equations
    for (int32_t r = 0, actor = 0, type = 0; r < n_row; r++, type++) {
        while (type == model_types(m, actor)) { actor++; type = 0; }
        double rho = l->actor[actor].rho;
        const double *DUR_RESTRICT here = job->value + r * l->n_state + view.first;
        double *DUR_RESTRICT out = job->next + r * job->next_stride + view.first - job->next_first;
        const double *DUR_RESTRICT a = acc + r * n, *DUR_RESTRICT d = diag + r * n;
        double *DUR_RESTRICT miss = flow, *DUR_RESTRICT left = rest;
        for (int64_t i = 0; i < n; i++) {
            double all = rho + d[i], off = a[i] - all * here[i];
            miss[i] = off - off == 0.0 ? (off < 0 ? -off : off) : INFINITY;
            left[i] = off / all;
        }
        const float *DUR_RESTRICT pace = job->pace && !job->habit ? job->pace + view.first : NULL;
        if (pace) {
            for (int64_t i = 0; i < n; i++) out[i] = here[i] + pace[i] * left[i];
            compare(left, n, job->before + r * l->n_state + view.first, job->agrees + view.first);
        } else {
            for (int64_t i = 0; i < n; i++) out[i] = here[i] + left[i];
        }
        worst = row_largest(miss, n, worst);
    }
    if (job->pace && !job->habit) choose_pace(job, &view);
    return worst;
}

static void types_fill(const TypesJob *job, int64_t block, double *DUR_RESTRICT room) {
    const Lattice *l = job->lattice;
    const Model *m = l->model;
    Policy *p = job->policy;
    int64_t n = l->n_lane;
    LatticeBlock view;
    lattice_block(l, block, &view);
    for (int32_t k = 0, row = 0; k < m->n_actor; row += model_types(m, k), k++) {
        // advantages wherever the move is possible in these modes, its guard and the rule aside
        for (int32_t j = 0; j < m->n_jump; j++) {
            int64_t shift = job->shift_where[j * l->n_mode_state + view.first / l->n_stock_state];
            if (m->jump[j].kind != JUMP_MOVE || m->jump[j].actor != k || policy_entry(p, j, 0, view.first) < 0) continue;
            BeliefSplit split;
            if (shift >= 0)
                split = belief_split(l, m->actor[k].private, &view, job->value + job->n_row * l->n_state + shift +
                                     view.first % l->n_stock_state, l->n_stock_state, room + n);
            for (int32_t t = 0; t < model_types(m, k); t++) {
                int64_t to = policy_entry(p, j, t, view.first);
                const double *q = reply_of(job, &view, j, row + t, k, t, shift < 0 ? NULL : &split, room);
                const double *here = job->value + (row + t) * l->n_state + view.first;
                for (int64_t i = 0; i < n; i++) p->advantage[to + i] = q[i] - here[i];
                for (int64_t i = 0; i < n; i++) p->probability[to + i] = 0.0;
            }
        }
        Chooser c;
        if (!chooser_make(job, &view, k, row, room, &c)) continue;
        chooser_split(job, &view, &c);
        for (int32_t t = 0; t < c.n_type; t++) {
            chooser_choose(job, &view, &c, t, false);
            force(job, &view, &c, t, NULL);
            for (int32_t a = 0; a < c.n_move; a++) {
                double *to = p->probability + policy_entry(p, c.move[a], t, view.first);
                for (int64_t i = 0; i < n; i++) to[i] = c.chance[((int64_t)t * c.n_move + a) * n + i];
            }
        }
    }
}
