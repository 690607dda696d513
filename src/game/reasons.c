#include "game/reasons.h"

#include "base/memory.h"
#include "game/game.h"
#include "game/measure.h"
#include "lattice/chain.h"
#include "num/linear.h"

#include <math.h>
#include <stdatomic.h>

/// A right side of size 1 that is missed by more than this is not solved: the split would be off in its visible digits.
#define SETTLED 1e-10

void reasons_free(Reasons *r) {
    if (!r) return;
    for (int32_t k = 0; r->reason && k < r->n_reason; k++) memory_free(r->reason[k].split);
    for (int32_t i = 0; r->model && i < r->model->n_actor; i++) {
        if (r->channel) memory_free(r->channel[i]);
        if (r->part) memory_free(r->part[i]);
    }
    memory_free(r->reason);
    memory_free(r->wait);
    memory_free(r->value);
    memory_free(r->part);
    memory_free(r->n_part);
    memory_free(r->channel);
    *r = (Reasons){0};
}

double reasons_bytes(const Lattice *l, int n_thread) {
    // for each move at work: a right side, its solution, that of the sweep, and eight in the linear solver
    return 8.0 * (double)l->n_state * (l->model->n_actor + 1 + 11.0 * n_thread);
}

// ---- one move -----------------------------------------------------------------------------------------------------

typedef struct Work {
    const Policy *policy;
    Reasons *out;
    const Measure *point;          // the state at hand, as weights of nodes
    double **exit;                 // [n_actor][n_state] rho + rate of leaving, for the actors that are asked about
    const Progress *progress;
    atomic_int status;             // of the first task that failed
    atomic_bool stopped;
    atomic_int n_done;
} Work;

typedef struct System {
    Work *work;
    ChainSweep sweep;
    double *z;                     // [n_state]
    int worker;
} System;

// z = M^-1 r and y = (rho - G)' z for the sweep M of chain_push; the solver works on the second alone
static DurStatus apply(void *context, const double *r, double *y) {
    System *s = context;
    Work *w = s->work;
    // the caller's thread alone asks whether to stop; the others follow
    if (s->worker == 0 && progress_stop(w->progress)) atomic_store(&w->stopped, true);
    if (atomic_load(&w->stopped)) return DUR_INTERRUPTED;
    return chain_push(&s->sweep, r, s->z, y);
}

// <x, u> for the table of a flow, block by block in their order
static double dot_table(const Lattice *l, const LatticeTable *t, const double *x) {
    double sum = 0;
    for (int64_t b = 0; b < l->n_block; b++) {
        LatticeBlock view;
        lattice_block(l, b, &view);
        const double *row = lattice_row(l, t, &view), *at = x + view.first;
        double block = 0;
        if (t->inner) for (int64_t i = 0; i < l->n_lane; i++) block += row[i] * at[i];
        else {
            for (int64_t i = 0; i < l->n_lane; i++) block += at[i];
            block *= row[0];
        }
        sum += block;
    }
    return sum;
}

// every entry of the table of one move, from the solution m of its adjoint system
static DurStatus fill(const Work *w, Reason *r, const Measure *difference, const double *m, double *room) {
    const Policy *p = w->policy;
    const Lattice *l = p->lattice;
    const Reasons *out = w->out;
    int32_t n_part = out->n_part[r->actor], n_channel = out->n_channel;
    const Part *part = out->part[r->actor];
    const Channel *channel = out->channel[r->actor];
    double rho = l->actor[r->actor].rho;
    r->advantage = 0;

    // lumps and shocks: their flow, carried by the jump that pays it; and the whole by a road of its own, <m, flow>
    for (int32_t k = 0; k < n_part; k++) {
        for (int64_t s = 0; s < l->n_state; s++) room[s] = 0.0;
        TRY(part_add_flow(p, &part[k], room));
        double whole = vector_dot(m, room, l->n_state);
        r->advantage += whole;
        if (part[k].kind == PART_TERM) continue;
        for (int32_t c = 0; c < n_channel; c++) {
            bool carries = part[k].kind == PART_LUMP
                ? channel[c].kind != CHANNEL_STOCK && channel[c].kind != CHANNEL_NOW && channel[c].index == part[k].jump
                : channel[c].kind == CHANNEL_OWN && channel[c].index < 0;
            if (carries) r->split[k * n_channel + c] += whole;
        }
    }
    // the lump of the move itself falls due now
    double own = measure_lump(w->point, l, r->jump, r->actor);
    r->advantage += own;
    for (int32_t k = 0; k < n_part; k++)
        if (part[k].kind == PART_LUMP && part[k].jump == r->jump) r->split[k * n_channel] += own;

    // terms: phi here and there now, and <(G_c)' m, phi> through every channel
    for (int32_t k = 0; k < n_part; k++)
        if (part[k].kind == PART_TERM)
            r->split[k * n_channel] += measure_table(difference, l, &l->term[part[k].term]) / rho;
    for (int32_t c = 0; c < n_channel; c++) {
        if (channel[c].index < 0) continue;
        bool is_stock = channel[c].kind == CHANNEL_STOCK;
        if (is_stock && !l->stock[channel[c].index].moves) continue;
        for (int64_t s = 0; s < l->n_state; s++) room[s] = 0.0;
        ChainPart only = {is_stock ? channel[c].index : CHAIN_NONE, is_stock ? CHAIN_NONE : channel[c].index};
        TRY(chain_add_transpose(p, only, m, room));
        for (int32_t k = 0; k < n_part; k++)
            if (part[k].kind == PART_TERM)
                r->split[k * n_channel + c] += dot_table(l, &l->term[part[k].term], room) / rho;
    }
    return DUR_OK;
}

static DurStatus explain(Work *w, Reason *r, int worker) {
    const Lattice *l = w->policy->lattice;
    System system = {.work = w, .sweep = {w->policy, 1, w->exit[r->actor], NULL}, .worker = worker};
    Measure difference = {0};
    double *b = memory_column(l->n_state), *m = memory_column(l->n_state);
    DurStatus status = DUR_MEMORY;
    system.z = memory_column(l->n_state);
    if (!b || !m || !system.z) goto done;
    status = measure_add_move(&difference, w->point, l, r->jump, 1.0);
    if (status != DUR_OK) goto done;
    measure_write(&difference, b);
    LinearSolve solve;
    status = measure_solve(&solve, l->n_state, apply, &system, b, MEASURE_TOLERANCE, m);
    // back from the preconditioned unknown to its own
    if (status == DUR_OK) status = apply(&system, m, b);
    if (status != DUR_OK) goto done;
    r->residual = solve.residual;
    r->is_solved = solve.residual <= SETTLED;
    status = fill(w, r, &difference, system.z, b);

done:
    measure_free(&difference);
    memory_free(system.z);
    memory_free(m);
    memory_free(b);
    return status;
}

static void task(void *context, int64_t i, int worker) {
    Work *w = context;
    if (atomic_load(&w->status) != DUR_OK) return;
    DurStatus status = explain(w, &w->out->reason[i], worker);
    int none = DUR_OK;
    if (status != DUR_OK) atomic_compare_exchange_strong(&w->status, &none, (int)status);
    int done = atomic_fetch_add(&w->n_done, 1) + 1;
    if (worker == 0) progress_tell(w->progress, "explaining", done, w->out->n_reason, w->out->model->jump[w->out->reason[i].jump].name);
}

// ---- the whole ----------------------------------------------------------------------------------------------------

static Channel channel_of(const Model *m, int32_t actor, int32_t jump) {
    const ModelJump *mj = &m->jump[jump];
    ChannelKind kind = mj->kind != JUMP_MOVE ? CHANNEL_EVENT : mj->actor == actor ? CHANNEL_OWN : CHANNEL_REPLY;
    return (Channel){kind, jump};
}

// tables of names, and room for every move that is available
static DurStatus prepare(Reasons *out, const Policy *p, const double *state, int32_t actor, const Measure *point,
                         DurError *error) {
    const Lattice *l = p->lattice;
    const Model *m = l->model;
    size_t n_actor = (size_t)m->n_actor;
    *out = (Reasons){.model = m, .n_channel = 2 + m->n_stock + m->n_jump};
    out->channel = memory_zeroed(n_actor, sizeof *out->channel);
    out->n_part = memory_zeroed(n_actor, sizeof *out->n_part);
    out->part = memory_zeroed(n_actor, sizeof *out->part);
    out->value = memory_column(m->n_actor);
    out->wait = memory_column(m->n_actor);
    out->reason = memory_zeroed((size_t)m->n_jump, sizeof *out->reason);
    double *choice = memory_column(m->n_jump);
    DurStatus status = DUR_MEMORY;
    if (!out->channel || !out->n_part || !out->part || !out->value || !out->wait || !out->reason || !choice) goto done;
    for (int32_t i = 0; i < m->n_actor; i++) {
        out->n_part[i] = parts_of(m, i, NULL);
        out->part[i] = memory_zeroed((size_t)out->n_part[i], sizeof **out->part);
        out->channel[i] = memory_zeroed((size_t)out->n_channel, sizeof **out->channel);
        if (!out->part[i] || !out->channel[i]) goto done;
        parts_of(m, i, out->part[i]);
        int32_t n = 0;
        out->channel[i][n++] = (Channel){CHANNEL_NOW, -1};
        for (int32_t k = 0; k < m->n_stock; k++) out->channel[i][n++] = (Channel){CHANNEL_STOCK, k};
        for (int32_t j = 0; j < m->n_jump; j++) out->channel[i][n++] = channel_of(m, i, j);
        out->channel[i][n++] = (Channel){CHANNEL_OWN, -1};
    }
    status = game_at(p, state, out->value, choice, out->wait, error);
    if (status != DUR_OK) goto done;

    status = DUR_MEMORY;
    for (int32_t i = 0; i < m->n_actor; i++)
        for (int32_t j = 0; j < m->n_jump; j++) {
            bool asked = m->jump[j].kind == JUMP_MOVE && m->jump[j].actor == i && (actor < 0 || actor == i);
            if (!asked || !isfinite(choice[j])) continue;
            Reason *r = &out->reason[out->n_reason++];
            *r = (Reason){.actor = i, .jump = j, .probability = choice[j]};
            for (int32_t k = 0; k < point->n; k++) r->solved += point->weight[k] * policy_advantage(p, j, point->state[k]);
            r->split = memory_column((int64_t)out->n_part[i] * out->n_channel);
            if (!r->split) goto done;
        }
    status = DUR_OK;

done:
    memory_free(choice);
    return status;
}

DurStatus reasons_make(Reasons *out, const Policy *p, const double *state, int32_t actor, const Progress *progress,
                       Team *team, DurError *error) {
    const Lattice *l = p->lattice;
    const Model *m = l->model;
    Measure point = {0};
    Work w = {.policy = p, .out = out, .point = &point, .progress = progress};
    *out = (Reasons){0};
    DurStatus status = measure_point(&point, l, state);
    if (status != DUR_OK) goto done;
    status = prepare(out, p, state, actor, &point, error);
    if (status != DUR_OK) goto done;

    status = DUR_MEMORY;
    w.exit = memory_zeroed((size_t)m->n_actor, sizeof *w.exit);
    if (!w.exit) goto done;
    for (int32_t k = 0; k < out->n_reason; k++) {
        int32_t i = out->reason[k].actor;
        if (w.exit[i]) continue;
        double most;
        w.exit[i] = memory_column(l->n_state);
        if (!w.exit[i]) goto done;
        status = chain_exit_rates(p, w.exit[i], &most, team);
        if (status != DUR_OK) goto done;
        for (int64_t s = 0; s < l->n_state; s++) w.exit[i][s] += l->actor[i].rho;
        status = DUR_MEMORY;
    }
    // each task is one move and runs on one thread from end to end, so the bits don't depend on how many there are
    team_run(team, task, &w, out->n_reason);
    status = (DurStatus)atomic_load(&w.status);

done:
    for (int32_t i = 0; w.exit && i < m->n_actor; i++) memory_free(w.exit[i]);
    memory_free(w.exit);
    measure_free(&point);
    if (status == DUR_OK) return DUR_OK;
    reasons_free(out);
    if (status == DUR_INTERRUPTED) return status_fail(error, status, "interrupted while explaining");
    return status_fail(error, status, "out of memory while explaining");
}
