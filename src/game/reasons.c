#include "game/reasons.h"

#include "base/asking.h"
#include "base/memory.h"
#include "game/game.h"
#include "game/measure.h"
#include "game/reasons_rounds.h"
#include "game/transposed.h"
#include "lattice/chain.h"
#include "num/linear.h"

#include <math.h>
#include <stdatomic.h>
#include <string.h>

/// A right side of size 1 that is missed by more than this is not solved: the split would be off in its visible digits.
#define SETTLED 1e-7
/// What the solves behind the splits are asked for, relative to a right side of size 1: what the parts of a whole miss it by.
#define TOLERANCE 1e-12

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
    const Model *m = l->model;
    if (m->clock == CLOCK_ROUNDS) return reasons_rounds_bytes(l, n_thread);
    double most = 0;
    for (int32_t i = 0; i < m->n_actor; i++) {
        int32_t n_type = model_types(m, i);
        double n = (double)l->n_state * n_type;
        double here = transposed_bytes(l, n_type, false) +
                      n_thread * (transposed_solve_bytes((int64_t)n, 1) + 8.0 * (TRANSPOSED_WIDTH * n + 2.0 * (double)l->n_state));
        most = here > most ? here : most;
    }
    return most;
}

// ---- one move -----------------------------------------------------------------------------------------------------

/// Moves whose adjoint systems have one matrix: all of actors without types, or all of one actor with types.
typedef struct Group {
    Transposed transposed;
    int32_t actor;                 // negative: everyone without types
    int32_t n, *reason;            // [n] their numbers
} Group;

typedef struct Work {
    const Policy *policy;
    Reasons *out;
    const Measure *point;          // the state at hand, as weights of nodes
    Group group;                   // at hand
    Asking asking;
    atomic_int status;             // of the first task that failed
    atomic_int n_done;
} Work;

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

// what becoming another type carries: <m, G phi> for the ways between the types of an actor, by term
static DurStatus fill_types(const Work *w, Reason *r, int32_t channel, const double *m, double *room) {
    const Lattice *l = w->policy->lattice;
    const Reasons *out = w->out;
    int64_t n = l->n_state;
    int32_t p = l->model->actor[r->actor].private;
    double rho = l->actor[r->actor].rho;
    for (int32_t k = 0; p >= 0 && k < l->model->private[p].n_becomes; k++) {
        int32_t to = l->model->private[p].becomes[k].type;
        for (int32_t t = 0; t < model_types(l->model, r->actor); t++) {
            if (t == to) continue;
            for (int64_t b = 0; b < l->n_block; b++) {
                LatticeBlock view;
                lattice_block(l, b, &view);
                for (int64_t i = 0, s = view.first; i < l->n_lane; i++, s++)
                    room[s] = lattice_row_at(l, &l->private[p].becomes[k], &view, i) * m[t * n + s];
            }
            for (int32_t q = 0; q < out->n_part[r->actor]; q++) {
                const Part *part = &out->part[r->actor][q];
                if (part->kind != PART_TERM) continue;
                double gain = dot_table(l, lattice_term(l, part->term, to), room) - dot_table(l, lattice_term(l, part->term, t), room);
                r->split[q * out->n_channel + channel] += gain / rho;
            }
        }
    }
    return DUR_OK;
}

// every entry of the table of one move, from the solution m of its adjoint system, [types of the actor x n_state]
static DurStatus fill(const Work *w, Reason *r, const Measure *difference, const double *m, double *room) {
    const Policy *p = w->policy;
    const Lattice *l = p->lattice;
    const Reasons *out = w->out;
    int32_t n_part = out->n_part[r->actor], n_channel = out->n_channel, n_type = model_types(l->model, r->actor);
    int64_t n = l->n_state;
    const Part *part = out->part[r->actor];
    const Channel *channel = out->channel[r->actor];
    double rho = l->actor[r->actor].rho;
    r->advantage = 0;

    // lumps and shocks: their flow, carried by the jump that pays it; and the whole by a road of its own, <m, flow>
    for (int32_t k = 0; k < n_part; k++) {
        double whole = 0;
        for (int32_t t = 0; t < n_type; t++) {
            memset(room, 0, (size_t)n * sizeof *room);
            TRY(part_add_flow(p, &part[k], t, room));
            whole += vector_dot(m + t * n, room, n);
        }
        r->advantage += whole;
        if (part[k].kind == PART_TERM) continue;
        for (int32_t c = 0; c < n_channel; c++) {
            bool is_jump = channel[c].kind == CHANNEL_EVENT || channel[c].kind == CHANNEL_REPLY || channel[c].kind == CHANNEL_OWN;
            bool carries = part[k].kind == PART_LUMP ? is_jump && channel[c].index == part[k].jump
                                                     : channel[c].kind == CHANNEL_OWN && channel[c].index < 0;
            if (carries) r->split[k * n_channel + c] += whole;
        }
    }
    // the lump of the move itself falls due now
    double own = measure_lump(w->point, l, r->jump, r->actor, r->type);
    r->advantage += own;
    for (int32_t k = 0; k < n_part; k++)
        if (part[k].kind == PART_LUMP && part[k].jump == r->jump) r->split[k * n_channel] += own;

    // terms: phi here and there now, and <(G_c)' m, phi> through every channel
    for (int32_t k = 0; k < n_part; k++)
        if (part[k].kind == PART_TERM)
            r->split[k * n_channel] += measure_table(difference, l, lattice_term(l, part[k].term, r->type)) / rho;
    for (int32_t c = 0; c < n_channel; c++) {
        if (channel[c].kind == CHANNEL_TYPE) TRY(fill_types(w, r, c, m, room));
        if (channel[c].index < 0) continue;
        ChainPart only = {CHAIN_NONE, CHAIN_NONE, CHAIN_NONE};
        if (channel[c].kind == CHANNEL_STOCK) only.stock = channel[c].index;
        else if (channel[c].kind == CHANNEL_BELIEF) only.private = channel[c].index;
        else only.jump = channel[c].index;
        if (only.stock >= 0 && !l->stock[only.stock].moves) continue;
        for (int32_t t = 0; t < n_type; t++) {
            memset(room, 0, (size_t)n * sizeof *room);
            TRY(chain_add_transpose(p, r->actor, t, only, m + t * n, room));
            for (int32_t k = 0; k < n_part; k++)
                if (part[k].kind == PART_TERM)
                    r->split[k * n_channel + c] += dot_table(l, lattice_term(l, part[k].term, t), room) / rho;
        }
    }
    return DUR_OK;
}

// a few moves of the group at hand, solved together
static DurStatus explain(Work *w, int32_t n, const int32_t *reason, int worker) {
    const Lattice *l = w->policy->lattice;
    const Transposed *t = &w->group.transposed;
    Measure difference[TRANSPOSED_WIDTH] = {0};
    TransposedSide side[TRANSPOSED_WIDTH] = {0};
    Asker asker = {&w->asking, worker};
    double *x = memory_column(n * t->n), *room = memory_column(l->n_state);
    DurStatus status = x && room ? DUR_OK : DUR_MEMORY;
    for (int32_t k = 0; k < n && status == DUR_OK; k++) {
        const Reason *r = &w->out->reason[reason[k]];
        side[k] = (TransposedSide){.rho = l->actor[r->actor].rho, .x = x + k * t->n};
        status = measure_add_move(&difference[k], w->point, w->policy, r->jump, 1.0);
        // the same among the states of the type that moves
        for (int32_t i = 0; i < difference[k].n && status == DUR_OK; i++)
            status = measure_add(&side[k].right, r->type * l->n_state + difference[k].state[i], difference[k].weight[i]);
    }
    if (status == DUR_OK) status = transposed_solve(t, NULL, TOLERANCE, n, side, asker_stopped, &asker);
    for (int32_t k = 0; k < n && status == DUR_OK; k++) {
        Reason *r = &w->out->reason[reason[k]];
        r->residual = side[k].residual;
        r->is_solved = side[k].residual <= SETTLED;
        status = fill(w, r, &difference[k], side[k].x, room);
    }
    for (int32_t k = 0; k < n; k++) {
        measure_free(&side[k].right);
        measure_free(&difference[k]);
    }
    memory_free(room);
    memory_free(x);
    return status;
}

static void task(void *context, int64_t i, int worker) {
    Work *w = context;
    if (atomic_load(&w->status) != DUR_OK) return;
    int32_t first = (int32_t)i * TRANSPOSED_WIDTH, n = w->group.n - first;
    if (n > TRANSPOSED_WIDTH) n = TRANSPOSED_WIDTH;
    DurStatus status = explain(w, n, w->group.reason + first, worker);
    int none = DUR_OK;
    if (status != DUR_OK) atomic_compare_exchange_strong(&w->status, &none, (int)status);
    int done = atomic_fetch_add(&w->n_done, n) + n;
    if (worker == 0) progress_tell(w->asking.progress, "explaining", done, w->out->n_reason, NULL);
}

// all moves of one group (see there), if it has any
static DurStatus explain_group(Work *w, int32_t actor, Team *team) {
    const Model *m = w->out->model;
    w->group = (Group){.actor = actor};
    w->group.reason = memory_zeroed((size_t)w->out->n_reason, sizeof *w->group.reason);
    if (!w->group.reason) return DUR_MEMORY;
    for (int32_t k = 0; k < w->out->n_reason; k++) {
        int32_t i = w->out->reason[k].actor;
        if (actor < 0 ? m->actor[i].private < 0 : i == actor) w->group.reason[w->group.n++] = k;
    }
    Asker asker = {&w->asking, 0};
    DurStatus status = w->group.n > 0 ? transposed_make(&w->group.transposed, w->policy, actor, NULL, asker_stopped, &asker) : DUR_OK;
    // each task runs on one thread from end to end, and moves beside one another know nothing of each other: the bits don't depend
    // on how many threads there are
    if (status == DUR_OK) {
        asking_run(&w->asking, team, task, w, (w->group.n + TRANSPOSED_WIDTH - 1) / TRANSPOSED_WIDTH);
        status = (DurStatus)atomic_load(&w->status);
    }
    transposed_free(&w->group.transposed);
    memory_free(w->group.reason);
    return status;
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
    int32_t n_row = model_rows(m);
    *out = (Reasons){.model = m, .n_channel = 2 + m->n_stock + m->n_private + m->n_jump + (m->n_private > 0)};
    out->channel = memory_zeroed(n_actor, sizeof *out->channel);
    out->n_part = memory_zeroed(n_actor, sizeof *out->n_part);
    out->part = memory_zeroed(n_actor, sizeof *out->part);
    out->value = memory_column(n_row);
    out->wait = memory_column(n_row);
    out->reason = memory_zeroed((size_t)m->n_jump * MODEL_TYPES_MAX, sizeof *out->reason);
    double *choice = memory_column(m->n_jump), *wait = memory_column(m->n_actor);
    double *type_choice = memory_column((int64_t)n_row * m->n_jump), *belief = memory_column(m->n_jump * MODEL_TYPES_MAX);
    DurStatus status = DUR_MEMORY;
    if (!out->channel || !out->n_part || !out->part || !out->value || !out->wait || !out->reason || !choice || !wait ||
        !type_choice || !belief) goto done;
    for (int32_t i = 0; i < m->n_actor; i++) {
        out->n_part[i] = parts_of(m, i, NULL);
        out->part[i] = memory_zeroed((size_t)out->n_part[i], sizeof **out->part);
        out->channel[i] = memory_zeroed((size_t)out->n_channel, sizeof **out->channel);
        if (!out->part[i] || !out->channel[i]) goto done;
        parts_of(m, i, out->part[i]);
        int32_t n = 0;
        out->channel[i][n++] = (Channel){CHANNEL_NOW, -1};
        for (int32_t k = 0; k < m->n_stock; k++) out->channel[i][n++] = (Channel){CHANNEL_STOCK, k};
        for (int32_t k = 0; k < m->n_private; k++) out->channel[i][n++] = (Channel){CHANNEL_BELIEF, k};
        for (int32_t j = 0; j < m->n_jump; j++) out->channel[i][n++] = channel_of(m, i, j);
        if (m->n_private > 0) out->channel[i][n++] = (Channel){CHANNEL_TYPE, -1};
        out->channel[i][n++] = (Channel){CHANNEL_OWN, -1};
    }
    status = game_at(p, state, out->value, choice, wait, error);
    if (status == DUR_OK) status = game_types_at(p, state, type_choice, out->wait, belief, error);
    if (status != DUR_OK) goto done;

    status = DUR_MEMORY;
    for (int32_t row = 0; row < n_row; row++) {
        int32_t type, i = model_row_actor(m, row, &type);
        for (int32_t j = 0; j < m->n_jump; j++) {
            double chance = type_choice[(int64_t)row * m->n_jump + j];
            bool asked = model_is_move_of(m, j, i) && (actor < 0 || actor == i);
            if (!asked || !isfinite(chance)) continue;
            Reason *r = &out->reason[out->n_reason++];
            *r = (Reason){.actor = i, .type = type, .row = row, .jump = j, .probability = chance};
            for (int32_t k = 0; k < point->n; k++) r->solved += point->weight[k] * policy_type_advantage(p, j, type, point->state[k]);
            r->split = memory_column((int64_t)out->n_part[i] * out->n_channel);
            if (!r->split) goto done;
        }
    }
    status = DUR_OK;

done:
    memory_free(belief);
    memory_free(type_choice);
    memory_free(wait);
    memory_free(choice);
    return status;
}

DurStatus reasons_make(Reasons *out, const Policy *p, const double *state, int32_t actor, const Progress *progress,
                       Team *team, DurError *error) {
    const Lattice *l = p->lattice;
    const Model *m = l->model;
    Measure point = {0};
    Work w = {.policy = p, .out = out, .point = &point, .asking = {.progress = progress}};
    *out = (Reasons){0};
    DurStatus status = measure_point(&point, l, state);
    if (status == DUR_OK) status = prepare(out, p, state, actor, &point, error);
    bool is_rounds = m->clock == CLOCK_ROUNDS;
    if (status == DUR_OK) status = is_rounds ? reasons_rounds(out, p, &point, progress, team) : explain_group(&w, -1, team);
    for (int32_t i = 0; i < m->n_actor && status == DUR_OK; i++)
        if (m->actor[i].private >= 0 && !is_rounds) status = explain_group(&w, i, team);
    measure_free(&point);
    if (status == DUR_OK) return DUR_OK;
    reasons_free(out);
    if (status == DUR_INTERRUPTED) return status_fail(error, status, "interrupted while explaining");
    if (status == DUR_LIMIT) return status_fail(error, status, "the game has too many states to be explained");
    return status_fail(error, status, "out of memory while explaining");
}
