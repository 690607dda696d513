/// One block of a sweep, compiled for each vector width: see sweep.h. Included by sweep_base.c and its sisters.
///
/// Rows in `room`, n_lane doubles each:
///     acc[n_actor] | diag | sum | weight[n_move] | reply of the mover [n_move] | reply of another
#include "game/choice_body.h"

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
    for (int32_t t = 0; t < m->n_term; t++) add_row(row_of(l, &l->term[t], &view), 1.0, acc + m->term[t].actor * n, n);
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
            write_row(mu, job->precision_scale, others, n);
            for (int64_t i = 0; i < n; i++) sum[i] = sum[i] / others[i];
        }
        force(job, &view, k, move, n_move, reply_row, weight, taste ? sum : NULL);

        // rate of each move, for everyone; the mover's own gain from its shocks replaces its mean under taste
        const double *DUR_RESTRICT here = job->value + k * l->n_state + view.first;
        for (int32_t a = 0; a < n_move; a++) {
            double *DUR_RESTRICT w = weight + a * n;
            scale_row(attends, w, n);
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
            write_row(attends, 1.0, others, n);
            for (int64_t i = 0; i < n; i++) to[i] += others[i] * sum[i];
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
