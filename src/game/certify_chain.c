/// Certificates in continuous time: the chain that a type expects is that of the policy with its own choices in place of what
/// others expect of it; types that may become one another are solved together, others one after the other. An actor without a private type has one.
#include "base/memory.h"
#include "game/certifier.h"
#include "game/part.h"
#include "lattice/chain.h"
#include "lattice/lines.h"
#include "lattice/rows.h"
#include "num/bicgstab.h"
#include "num/linear.h"

#include <math.h>

/// Linear solves behind the certificates go at least this far below the residual that they judge, relative to the largest |V|.
#define EXACT 1e-11
#define LOOSE 1e-2
#define FINE 1e-9
/// Rounding of a row of such a system, relative to its largest rate of leaving times the largest |V|: nearer it cannot be told.
#define ROUNDING 1e-14
/// Operator applications of one linear solve, at most.
#define APPLIES_MOST 4000

typedef struct Chain {
    double *leave, *reward, *image;  // [types together x n_state] rho + rate of leaving, flow of payoff, scratch
    double *room;                    // for each worker
    int64_t room_stride;
    double *miss;                    // [n_task]
    bool lays_rows;                  // memory allows for them
    ChainLines *lines[MODEL_TYPES_MAX]; // for each of the types at hand, or NULL: no stock has many nodes
    ChainRows *rows[MODEL_TYPES_MAX];   // what each of the types at hand expects, or NULL: tables are read anew at each application
} Chain;

static int64_t room_of(const Lattice *l) {
    int64_t chain = chain_room(l), rows = 2 * l->n_lane;
    return (chain > rows ? chain : rows) + 8;
}

// how many types of an actor are solved together, and of all actors the most
static int32_t together_of(const Model *m, int32_t actor) {
    int32_t p = m->actor[actor].private;
    return p >= 0 && m->private[p].n_becomes > 0 ? m->private[p].n_type : 1;
}

static int32_t together_most(const Model *m) {
    int32_t most = 1;
    for (int32_t i = 0; i < m->n_actor; i++) most = together_of(m, i) > most ? together_of(m, i) : most;
    return most;
}

static double chain_bytes(const Lattice *l, int n_thread) {
    // three columns a type here, eight in the linear solver
    return 8.0 * (11.0 * together_most(l->model) * (double)l->n_state + n_thread * (double)room_of(l)) + together_most(l->model) * chain_lines_bytes(l);
}

static double rows_bytes(const Lattice *l) { return chain_rows_pay(l) ? together_most(l->model) * chain_rows_most(l) : 0; }

static void chain_close(Certifier *c) {
    Chain *k = c->own;
    if (!k) return;
    for (int32_t t = 0; t < MODEL_TYPES_MAX; t++) chain_rows_free(k->rows[t]);
    for (int32_t t = 0; t < MODEL_TYPES_MAX; t++) chain_lines_free(k->lines[t]);
    memory_free(k->miss);
    memory_free(k->room);
    memory_free(k->image);
    memory_free(k->reward);
    memory_free(k->leave);
    memory_free(k);
}

static DurStatus chain_open(Certifier *c, bool whole) {
    const Lattice *l = c->lattice;
    int64_t n = together_most(l->model) * l->n_state;
    Chain *k = c->own = memory_zeroed(1, sizeof *k);
    if (!k) return DUR_MEMORY;
    // one application doesn't earn them
    k->lays_rows = whole && rows_bytes(l) > 0 && rows_bytes(l) <= c->rows_most;
    k->room_stride = room_of(l) / 8 * 8;
    k->leave = memory_column(n);
    k->reward = memory_column(n);
    k->image = memory_column(n);
    k->room = memory_column(k->room_stride * team_size(c->team));
    k->miss = memory_column(certifier_tasks(c));
    for (int32_t t = 0; whole && t < together_most(l->model); t++) TRY(chain_lines_make(&k->lines[t], l));
    return k->leave && k->reward && k->image && k->room && k->miss ? DUR_OK : DUR_MEMORY;
}

static double chain_size(const Policy *p) {
    return vector_sup(p->value, (int64_t)model_rows(p->lattice->model) * p->lattice->n_state);
}

// ---- flows of payoff and rates of leaving -------------------------------------------------------------------------

/// A task's work with one policy, for the types first .. first + n_type - 1 of the actor at hand, whose columns these are.
typedef struct Work {
    Certifier *c;
    Chain *k;
    const Policy *policy;
    int32_t first, n_type;
    const double *x;
    double *y;
} Work;

static void add_row(const Lattice *l, const LatticeTable *t, const LatticeBlock *view, const double *restrict factor,
                    double *restrict out) {
    const double *restrict row = lattice_row(l, t, view);
    int64_t n = l->n_lane;
    if (t->inner && factor) for (int64_t i = 0; i < n; i++) out[i] += factor[i] * row[i];
    else if (t->inner)      for (int64_t i = 0; i < n; i++) out[i] += row[i];
    else if (factor)        for (int64_t i = 0; i < n; i++) out[i] += factor[i] * row[0];
    else                    for (int64_t i = 0; i < n; i++) out[i] += row[0];
}

// the rate of an event or a move in the lanes of a block, a type's own moves by its own choices; false if there is none
static bool rate_row(const Policy *p, int32_t jump, int32_t actor, int32_t type, const LatticeBlock *view, double *restrict out) {
    const Lattice *l = p->lattice;
    const ModelJump *mj = &l->model->jump[jump];
    int64_t n = l->n_lane;
    if (mj->kind == JUMP_DATED) return false;
    const LatticeTable *t = mj->kind == JUMP_EVENT ? &l->jump[jump].rate : &l->actor[mj->actor].attends;
    const double *restrict row = lattice_row(l, t, view);
    if (!t->inner && row[0] == 0) return false;
    if (t->inner) for (int64_t i = 0; i < n; i++) out[i] = row[i];
    else          for (int64_t i = 0; i < n; i++) out[i] = row[0];
    if (mj->kind == JUMP_EVENT) return true;
    int64_t at = mj->actor == actor ? policy_entry(p, jump, type, view->first)
                                    : p->where[jump * l->n_mode_state + view->first / l->n_stock_state];
    if (at < 0) return false;
    if (mj->actor != actor) at += view->first % l->n_stock_state;
    const double *restrict chance = p->probability + at;
    for (int64_t i = 0; i < n; i++) out[i] *= chance[i];
    return true;
}

// Terms, lumps at the rate at which they fall due, under `choice taste` the mean shock of the move picked (semantics, W_i:
// log-sum-exp = sum P Q + H/mu); and the rate at which the state is left
static void flow_block(const Work *w, int32_t type, const LatticeBlock *view, double *room) {
    const Certifier *c = w->c;
    const Lattice *l = c->lattice;
    const Model *m = l->model;
    int64_t n = l->n_lane, at = (type - w->first) * l->n_state + view->first;
    double *restrict reward = w->k->reward + at, *restrict leave = w->k->leave + at, *rate = room;
    for (int64_t i = 0; i < n; i++) reward[i] = 0;
    for (int64_t i = 0; i < n; i++) leave[i] = l->actor[c->actor].rho;
    for (int32_t t = 0; t < m->n_term; t++)
        if (m->term[t].actor == c->actor) add_row(l, lattice_term(l, t, type), view, NULL, reward);
    for (int32_t j = 0; j < m->n_jump; j++) {
        if (!rate_row(w->policy, j, c->actor, type, view, rate)) continue;
        for (int32_t k = 0; k < m->jump[j].n_lump; k++)
            if (m->jump[j].lump[k].actor == c->actor) add_row(l, lattice_lump(l, j, k, type), view, rate, reward);
        for (int64_t i = 0; i < n; i++) leave[i] += rate[i];
    }
    part_add_shocks(w->policy, c->actor, type, view, reward, room);
    for (int32_t k = 0; k < m->n_stock; k++) {
        if (!l->stock[k].moves) continue;
        add_row(l, &l->stock[k].up, view, NULL, leave);
        add_row(l, &l->stock[k].down, view, NULL, leave);
    }
    // a belief that drifts steps at the rate at which types gain
    for (int32_t i = 0; i < m->n_private; i++) {
        const ModelPrivate *mp = &m->private[i];
        const double *drift = w->policy->drift + (mp->variable - m->n_mode - m->n_stock) * l->n_state + view->first;
        for (int64_t s = 0; s < n; s++) {
            double gain = 0, first = 0;
            for (int32_t u = 1; u < mp->n_type; u++) {
                double by = drift[(u - 1) * l->n_state + s];
                first -= by;
                gain += by > 0 ? by : 0;
            }
            leave[s] += (gain + (first > 0 ? first : 0)) * l->private[i].n_step;
        }
    }
}

static void task_flow(void *context, int64_t task, int worker) {
    Work *w = context;
    for (int64_t b = certifier_first(w->c, task); b < certifier_end(w->c, task); b++) {
        LatticeBlock view;
        lattice_block(w->c->lattice, b, &view);
        for (int32_t t = w->first; t < w->first + w->n_type; t++) flow_block(w, t, &view, w->k->room + worker * w->k->room_stride);
    }
}

// ---- the equations ------------------------------------------------------------------------------------------------

// What has come in to the states of one task taken from `leave`, or a rate of `all`, times what is there, and types that become others
static void balance(const Work *w, int64_t task, int32_t t, double all, const double *restrict leave) {
    const Certifier *c = w->c;
    const Lattice *l = c->lattice;
    int64_t n = l->n_state, from = certifier_first(c, task), to = certifier_end(c, task);
    int32_t p = l->model->actor[c->actor].private;
    const double *restrict x = w->x + (t - w->first) * n;
    double *restrict y = w->y + (t - w->first) * n;
    if (leave) for (int64_t s = from * l->n_lane; s < to * l->n_lane; s++) y[s] = leave[(t - w->first) * n + s] * x[s] - y[s];
    else       for (int64_t s = from * l->n_lane; s < to * l->n_lane; s++) y[s] = all * x[s] - y[s];
    for (int32_t k = 0; p >= 0 && k < l->model->private[p].n_becomes; k++) {
        int32_t u = l->model->private[p].becomes[k].type;
        if (u == t) continue;
        for (int64_t b = from; b < to; b++) {
            LatticeBlock view;
            lattice_block(l, b, &view);
            for (int64_t i = 0, s = view.first; i < l->n_lane; i++, s++)
                y[s] -= lattice_row_at(l, &l->private[p].becomes[k], &view, i) * (w->x[(u - w->first) * n + s] - x[s]);
        }
    }
}

// y_t = rho x_t - G_t x_t - sum over u of q_tu (x_u - x_t) on the blocks of one task, for all types of the actor at hand
static void apply_blocks(const Work *w, int64_t task, int worker) {
    const Certifier *c = w->c;
    int64_t n = c->lattice->n_state;
    for (int32_t k = 0; k < w->n_type; k++) {
        chain_inflow_blocks(w->policy, c->actor, w->first + k, certifier_first(c, task), certifier_end(c, task), w->x + k * n, w->y + k * n,
                            w->k->room + worker * w->k->room_stride);
        balance(w, task, w->first + k, 0, w->k->leave);
    }
}

static void task_apply(void *context, int64_t task, int worker) { apply_blocks(context, task, worker); }

static void task_balance(void *context, int64_t task, int worker) {
    (void)worker;
    const Work *w = context;
    for (int32_t t = w->first; t < w->first + w->n_type; t++) balance(w, task, t, w->c->lattice->actor[w->c->actor].rho, NULL);
}

static DurStatus apply(void *context, const double *x, double *y) {
    Work *w = context;
    const Certifier *c = w->c;
    int64_t n = c->lattice->n_state;
    w->x = x;
    w->y = y;
    for (int32_t k = 0; w->k->rows[0] && k < w->n_type; k++) chain_rows_apply(w->k->rows[k], x + k * n, y + k * n, c->team);
    team_run(c->team, w->k->rows[0] ? task_balance : task_apply, w, certifier_tasks(c));
    return progress_stop(c->progress) ? DUR_INTERRUPTED : DUR_OK;
}

// each type along its own lines
static void along_lines(void *context, const double *y, double *x) {
    const Work *w = context;
    int64_t n = w->c->lattice->n_state;
    for (int32_t t = 0; t < w->n_type; t++) chain_lines_solve(w->k->lines[t], y + t * n, x + t * n, w->c->team);
}

static void task_miss(void *context, int64_t task, int worker) {
    Work *w = context;
    const Certifier *c = w->c;
    int64_t n = c->lattice->n_state, n_lane = c->lattice->n_lane;
    task_flow(context, task, worker);
    apply_blocks(w, task, worker);
    double most = 0;
    for (int32_t t = 0; t < w->n_type; t++)
        for (int64_t s = t * n + certifier_first(c, task) * n_lane; s < t * n + certifier_end(c, task) * n_lane; s++) {
            double off = fabs(w->y[s] - w->k->reward[s]);
            most = off > most || off != off ? off : most;
        }
    w->k->miss[task] = most;
}

static DurStatus chain_miss(Certifier *c, double *most) {
    Chain *k = c->own;
    Work w = {.c = c, .k = k, .policy = c->policy, .n_type = together_of(c->lattice->model, c->actor), .y = k->image};
    *most = 0;
    for (; w.first < c->n_type; w.first += w.n_type) {
        w.x = c->value + w.first * c->lattice->n_state;
        team_run(c->team, task_miss, &w, certifier_tasks(c));
        for (int64_t i = 0; i < certifier_tasks(c); i++) *most = k->miss[i] > *most || k->miss[i] != k->miss[i] ? k->miss[i] : *most;
    }
    return progress_stop(c->progress) ? DUR_INTERRUPTED : DUR_OK;
}

static DurStatus chain_evaluate(Certifier *c, const Policy *p, double tolerance) {
    Chain *k = c->own;
    Work w = {.c = c, .k = k, .policy = p, .n_type = together_of(c->lattice->model, c->actor)};
    for (; w.first < c->n_type; w.first += w.n_type) {
        team_run(c->team, task_flow, &w, certifier_tasks(c));
        for (int32_t t = 0; k->lays_rows && t < w.n_type; t++) TRY(chain_rows_lay(&k->rows[t], p, c->actor, w.first + t, c->team, c->progress));
        LinearSolve solve;
        int64_t n = w.n_type * c->lattice->n_state;
        double *value = c->value + w.first * c->lattice->n_state, floor = ROUNDING * vector_sup(k->leave, n);
        double least = c->size * (tolerance > floor ? tolerance : floor);
        for (int32_t t = 0; k->lines[0] && t < w.n_type; t++) chain_lines_set(k->lines[t], k->leave + t * c->lattice->n_state, c->team);
        TRY(bicgstab(&solve, n, apply, k->lines[0] ? along_lines : NULL, &w, k->reward, k->leave, least, APPLIES_MOST, value, c->team));
        // what is not found is not told
        if (!solve.converged) return DUR_UNMET;
    }
    return DUR_OK;
}

// ---- advantages ---------------------------------------------------------------------------------------------------

static DurStatus chain_ready(Certifier *c, const Policy *p) {
    (void)c; (void)p;
    return DUR_OK;
}

static void chain_advantage(Certifier *c, int32_t type, int32_t i_move, const LatticeBlock *view, double *row, double *room) {
    const Lattice *l = c->lattice;
    const Model *m = l->model;
    int32_t j = c->move[i_move];
    const double *v = c->value + type * l->n_state;
    chain_move_mean(c->policy, j, view->block, v, row, room);
    for (int64_t i = 0; i < l->n_lane; i++) row[i] -= v[view->first + i];
    for (int32_t k = 0; k < m->jump[j].n_lump; k++)
        if (m->jump[j].lump[k].actor == c->actor) add_row(l, lattice_lump(l, j, k, type), view, NULL, row);
}

const CertifierKind certifier_chain = {
    .room = room_of, .bytes = chain_bytes, .open = chain_open, .rows_bytes = rows_bytes, .close = chain_close, .size = chain_size, .miss = chain_miss,
    .evaluate = chain_evaluate, .exact = EXACT, .loose = LOOSE, .fine = FINE, .ready = chain_ready, .advantage = chain_advantage,
};
