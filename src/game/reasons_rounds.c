#include "game/reasons_rounds.h"

#include "base/asking.h"
#include "base/memory.h"
#include "game/part.h"
#include "lattice/round.h"
#include "num/gmres_double.h"
#include "num/linear.h"

#include <math.h>
#include <stdatomic.h>
#include <string.h>

/// What the solves behind the splits are asked for, relative to their right side; and what of it may be missed in the end.
#define TOLERANCE 1e-13
#define SETTLED 1e-7
/// Applications of one solve at most, and columns between its restarts.
#define APPLIES_MOST 4000
#define KEEP 40

typedef struct Work {
    const Policy *policy;
    Reasons *out;
    const Measure *point;
    atomic_int status, n_done;     // of the first task that failed; moves done
    Asking asking;
} Work;

/// One move being explained, on one thread.
typedef struct Table {
    Work *work;
    Reason *reason;
    RoundTurn turn;
    double  beta;                  // of the mover
    int32_t stage;                 // that it chooses in
    int32_t n_part, n_channel;
    const Part *part;
    double *here, *there, *step, *row;   // columns
    double *m;                     // column: the solution
    int     worker;
} Table;

double reasons_rounds_bytes(const Lattice *l, int n_thread) {
    return n_thread * 8.0 * (double)l->n_state * (5 + KEEP + 2 + 3);
}

// ---- sums ---------------------------------------------------------------------------------------------------------

static double dot_term(const Table *t, int32_t term, const double *x) {
    const Lattice *l = t->work->policy->lattice;
    const LatticeTable *u = lattice_term(l, term, 0);
    double sum = 0;
    for (int64_t b = 0; b < l->n_block; b++) {
        LatticeBlock view;
        lattice_block(l, b, &view);
        const double *row = lattice_row(l, u, &view), *at = x + view.first;
        double block = 0;
        for (int64_t i = 0; i < l->n_lane; i++) block += row[u->inner ? i : 0] * at[i];
        sum += block;
    }
    return sum;
}

static int32_t channel_of(const Table *t, ChannelKind kind, int32_t index) {
    const Channel *c = t->work->out->channel[t->reason->actor];
    for (int32_t k = 0; k < t->n_channel; k++)
        if (c[k].index == index && (c[k].kind == kind || (kind == CHANNEL_KIND_COUNT && c[k].kind >= CHANNEL_EVENT && c[k].kind <= CHANNEL_OWN)))
            return k;
    return 0;
}
static int32_t jump_channel(const Table *t, int32_t jump) { return channel_of(t, CHANNEL_KIND_COUNT, jump); }

// what a step that moves x by t->step carries, of every term
static void carry_terms(Table *t, int32_t channel, double factor) {
    for (int32_t k = 0; k < t->n_part; k++)
        if (t->part[k].kind == PART_TERM)
            t->reason->split[k * t->n_channel + channel] += factor / (1 - t->beta) * dot_term(t, t->part[k].term, t->step);
}

// what a jump pays the actor where x stands before its step, and what picking by shocks brings
static void carry_lump(Table *t, int32_t jump, double factor, const double *x) {
    const Policy *p = t->work->policy;
    const Lattice *l = p->lattice;
    const ModelJump *mj = &l->model->jump[jump];
    const LatticeTable *rate = mj->kind == JUMP_MOVE ? &l->actor[mj->actor].attends : &l->jump[jump].rate;
    for (int32_t k = 0; k < t->n_part; k++) {
        if (t->part[k].kind != PART_LUMP || t->part[k].jump != jump) continue;
        double sum = 0;
        for (int32_t q = 0; q < mj->n_lump; q++) {
            if (mj->lump[q].actor != t->reason->actor) continue;
            const LatticeTable *lump = lattice_lump(l, jump, q, 0);
            for (int64_t b = 0; b < l->n_block; b++) {
                LatticeBlock view;
                lattice_block(l, b, &view);
                int64_t at = mj->kind == JUMP_MOVE ? policy_entry(p, jump, 0, view.first) : 0;
                if (at < 0) continue;
                const double *row = lattice_row(l, lump, &view), *often = lattice_row(l, rate, &view);
                double block = 0;
                for (int64_t i = 0; i < l->n_lane; i++)
                    block += row[lump->inner ? i : 0] * often[rate->inner ? i : 0] * x[view.first + i] *
                             (mj->kind == JUMP_MOVE ? p->probability[at + i] : 1.0);
                sum += block;
            }
        }
        t->reason->split[k * t->n_channel + jump_channel(t, jump)] += factor * sum;
        t->reason->advantage += factor * sum;
    }
}

static void carry_shocks(Table *t, double factor, const double *x) {
    const Lattice *l = t->work->policy->lattice;
    int32_t channel = channel_of(t, CHANNEL_OWN, -1);
    for (int32_t k = 0; k < t->n_part; k++) {
        if (t->part[k].kind != PART_SHOCKS) continue;
        double sum = 0;
        for (int64_t b = 0; b < l->n_block; b++) {
            LatticeBlock view;
            lattice_block(l, b, &view);
            for (int64_t i = 0; i < l->n_lane; i++) t->row[i] = 0;
            part_add_shocks(t->work->policy, t->reason->actor, 0, &view, t->row, t->row + l->n_lane);
            for (int64_t i = 0; i < l->n_lane; i++) sum += t->row[i] * x[view.first + i];
        }
        t->reason->split[k * t->n_channel + channel] += factor * sum;
        t->reason->advantage += factor * sum;
    }
}

// ---- one move -----------------------------------------------------------------------------------------------------

static void swap(double **a, double **b) {
    double *c = *a;
    *a = *b;
    *b = c;
}

static void add(double *to, const double *x, int64_t n) {
    for (int64_t i = 0; i < n; i++) to[i] += x[i];
}

// a whole stage: t->here goes through it, move by move
static DurStatus pass_stage(Table *t, int32_t stage, double factor) {
    const Lattice *l = t->work->policy->lattice;
    int64_t n = l->n_state;
    int32_t actor[ROUND_ACTORS_MAX], n_actor = round_stage_actors(l->model, stage, actor);
    memcpy(t->there, t->here, (size_t)n * sizeof *t->there);
    if (stage == t->stage) carry_shocks(t, factor, t->here);
    for (int32_t q = 0; q < n_actor; q++)
        for (int32_t j = 0; j < l->model->n_jump; j++) {
            if (!model_is_move_of(l->model, j, actor[q])) continue;
            memset(t->step, 0, (size_t)n * sizeof *t->step);
            TRY(round_turn_move(&t->turn, stage, j, -1, -1, t->here, t->step));
            carry_terms(t, jump_channel(t, j), factor);
            carry_lump(t, j, factor, t->here);
            add(t->there, t->step, n);
        }
    swap(&t->here, &t->there);
    return DUR_OK;
}

// from the move to the end of this round's choices: t->here becomes where they stand after it less where they stand after waiting
static DurStatus begin(Table *t) {
    Work *w = t->work;
    const Policy *p = w->policy;
    const Lattice *l = p->lattice;
    const Model *m = l->model;
    Reason *r = t->reason;
    int64_t n = l->n_state;
    size_t n_byte = (size_t)n * sizeof(double);
    Measure difference = {0};
    // the step itself, and its own lump
    DurStatus status = measure_add_move(&difference, w->point, p, r->jump, 1.0);
    memset(t->step, 0, n_byte);
    if (status == DUR_OK) measure_write(&difference, t->step);
    measure_free(&difference);
    TRY(status);
    carry_terms(t, 0, 1);
    double own = measure_lump(w->point, l, r->jump, r->actor, 0);
    r->advantage += own;
    for (int32_t k = 0; k < t->n_part; k++)
        if (t->part[k].kind == PART_LUMP && t->part[k].jump == r->jump) r->split[k * t->n_channel] += own;

    // those who choose beside it: what their moves do if it is made, less what they do if it is not
    int32_t actor[ROUND_ACTORS_MAX], n_actor = round_stage_actors(m, t->stage, actor);
    memset(t->here, 0, n_byte);
    measure_write(w->point, t->here);
    memcpy(t->there, t->step, n_byte);
    for (int32_t q = 0; q < n_actor; q++)
        for (int32_t j = 0; j < m->n_jump && actor[q] != r->actor; j++) {
            if (!model_is_move_of(m, j, actor[q])) continue;
            memset(t->step, 0, n_byte);
            TRY(round_turn_move(&t->turn, t->stage, j, r->actor, -1, t->here, t->step));
            for (int64_t s = 0; s < n; s++) t->step[s] = -t->step[s];
            TRY(round_turn_move(&t->turn, t->stage, j, r->actor, r->jump, t->here, t->step));
            carry_terms(t, jump_channel(t, j), 1);
            add(t->there, t->step, n);
        }
    swap(&t->here, &t->there);
    // and those who choose after it, in the same round
    for (int32_t k = t->stage + 1; k < t->turn.n_stage; k++) TRY(pass_stage(t, k, 1));
    return DUR_OK;
}

// every round after that: t->m counts, discounted, where they stand after the choices
static DurStatus follow(Table *t) {
    const Lattice *l = t->work->policy->lattice;
    const Model *m = l->model;
    int64_t n = l->n_state;
    size_t n_byte = (size_t)n * sizeof(double);
    // what the terms bring in all, by a road that knows no channels
    for (int32_t k = 0; k < t->n_part; k++)
        if (t->part[k].kind == PART_TERM) t->reason->advantage += dot_term(t, t->part[k].term, t->m);
    memcpy(t->here, t->m, n_byte);
    for (int32_t j = 0; j < m->n_jump; j++) {
        if (m->jump[j].kind != JUMP_EVENT) continue;
        memset(t->step, 0, n_byte);
        round_turn_event(&t->turn, j, t->here, t->step);
        carry_terms(t, jump_channel(t, j), t->beta);
        carry_lump(t, j, 1, t->here);
        add(t->here, t->step, n);
    }
    // stocks change all at once, each from where it was
    memcpy(t->there, t->here, n_byte);
    for (int32_t k = 0; k < m->n_stock; k++) {
        memset(t->step, 0, n_byte);
        round_turn_change(&t->turn, k, t->here, t->step);
        carry_terms(t, channel_of(t, CHANNEL_STOCK, k), t->beta);
        add(t->there, t->step, n);
    }
    swap(&t->here, &t->there);
    for (int32_t k = 0; k < t->turn.n_stage; k++) TRY(pass_stage(t, k, t->beta));
    return DUR_OK;
}

// y = (1 - beta X)' x
static DurStatus apply(void *context, const double *x, double *y) {
    Table *t = context;
    Work *w = t->work;
    const Lattice *l = w->policy->lattice;
    if (asking_stopped(&w->asking, t->worker)) return DUR_INTERRUPTED;
    round_turn_after(&t->turn, x, t->there, t->step);
    for (int32_t k = 0; k < t->turn.n_stage; k++) {
        TRY(round_turn_choices(&t->turn, k, -1, NULL, t->there, t->step));
        swap(&t->there, &t->step);
    }
    for (int64_t s = 0; s < l->n_state; s++) y[s] = x[s] - t->beta * t->there[s];
    return DUR_OK;
}

static DurStatus explain(Work *w, Reason *r, int worker) {
    const Lattice *l = w->policy->lattice;
    int64_t n = l->n_state;
    Table t = {.work = w, .reason = r, .beta = l->actor[r->actor].beta, .stage = round_stage_of(l->model, r->actor),
               .n_part = w->out->n_part[r->actor], .n_channel = w->out->n_channel, .part = w->out->part[r->actor], .worker = worker};
    DurStatus status = round_turn_make(&t.turn, w->policy);
    t.here = memory_column(n);
    t.there = memory_column(n);
    t.step = memory_column(n);
    t.m = memory_column(n);
    t.row = memory_column(3 * l->n_lane);
    if (!t.here || !t.there || !t.step || !t.m || !t.row) status = DUR_MEMORY;
    if (status == DUR_OK) status = begin(&t);
    double size = status == DUR_OK ? vector_sup(t.here, n) : 0;
    LinearSolve solve = {.converged = true};
    if (size > 0)
        status = gmres_double(&solve, n, apply, &t, t.here, TOLERANCE, APPLIES_MOST, n < KEEP ? (int32_t)n : KEEP, t.m);
    r->residual = solve.residual;
    r->is_solved = status == DUR_OK && solve.residual <= SETTLED * fmax(size, 1e-300);
    if (status == DUR_OK && size > 0) status = follow(&t);
    memory_free(t.row);
    memory_free(t.m);
    memory_free(t.step);
    memory_free(t.there);
    memory_free(t.here);
    round_turn_free(&t.turn);
    return status;
}

static void task(void *context, int64_t i, int worker) {
    Work *w = context;
    if (atomic_load(&w->status) != DUR_OK) return;
    DurStatus status = explain(w, &w->out->reason[i], worker);
    int none = DUR_OK;
    if (status != DUR_OK) atomic_compare_exchange_strong(&w->status, &none, (int)status);
    int done = atomic_fetch_add(&w->n_done, 1) + 1;
    if (worker == 0) progress_tell(w->asking.progress, "explaining", done, w->out->n_reason, NULL);
}

DurStatus reasons_rounds(Reasons *out, const Policy *p, const Measure *point, const Progress *progress, Team *team) {
    Work w = {.policy = p, .out = out, .point = point, .asking = {.progress = progress}};
    // each move is explained on one thread from end to end: the bits don't depend on how many there are
    asking_run(&w.asking, team, task, &w, out->n_reason);
    return (DurStatus)atomic_load(&w.status);
}
