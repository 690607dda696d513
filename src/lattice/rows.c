#include "lattice/rows.h"

#include "base/asking.h"
#include "base/memory.h"
#include "lattice/internal.h"
#include "lattice/rows_kernel.h"
#include "num/isa.h"

#include <stdatomic.h>
#include <string.h>

/// Rows are kept with a policy up to this many bytes, by the bound of chain_rows_most.
#define ROWS_BYTES_MAX 1e9

struct ChainRows {
    int64_t   n_part;
    RowsPart *part;
};

// ---- how large ----------------------------------------------------------------------------------------------------

// distinct targets of a jump from one state, at most; with the posteriors of a signal
static double targets_most(const Lattice *l, int32_t jump) {
    const LatticeJump *j = &l->jump[jump];
    double most = 0;
    for (int32_t b = 0; b < j->n_branch; b++) {
        double corners = 1;
        for (int32_t k = 0; k < j->branch[b].n_shift; k++) corners *= j->branch[b].shift[k].has_split ? 2 : 1;
        most += corners;
    }
    if (model_is_signal(l->model, jump)) most *= model_types(l->model, l->model->jump[jump].actor);
    return most;
}

double chain_rows_most(const Lattice *l) {
    const Model *m = l->model;
    if (m->clock == CLOCK_ROUNDS || l->n_state > INT32_MAX - ROWS_LANES) return 0;
    double ways = 2.0 * m->n_stock;
    for (int32_t p = 0; p < m->n_private; p++) ways += (double)m->private[p].n_type * m->private[p].n_type;
    for (int32_t j = 0; j < m->n_jump; j++) {
        if (m->jump[j].kind == JUMP_DATED) continue;
        double most = targets_most(l, j);
        int64_t n_possible = 0;
        if (most >= LATTICE_CORNERS_MAX) return 0;
        for (int64_t ms = 0; ms < l->n_mode_state; ms++) n_possible += policy_is_possible(l, j, ms);
        ways += most * (double)n_possible / (double)l->n_mode_state;
    }
    // a way is a rate for each state and a shift for all of a slice
    return (double)l->n_state * (ways * (8 + 4.0 / ROWS_LANES) + 8);
}

bool chain_rows_pay(const Lattice *l) {
    bool pays = false;
    for (int32_t j = 0; j < l->model->n_jump; j++)
        pays |= l->model->jump[j].kind != JUMP_DATED && (l->jump[j].inner || targets_most(l, j) > 1);
    return pays;
}

double chain_rows_bytes(const Lattice *l) {
    double bytes = chain_rows_most(l);
    return bytes <= ROWS_BYTES_MAX ? bytes : 0;
}

// ---- laying out ---------------------------------------------------------------------------------------------------

typedef struct Work {
    ChainView     chain;
    ChainRows    *rows;
    RowsRoom    **room;            // [workers]
    _Atomic bool  failed;          // memory is out
    Asking        asking;
    RowsApply     apply;
    const double *x;
    double       *y;
} Work;

static void lay_part(void *context, int64_t task, int worker) {
    Work *w = context;
    if (asking_stopped(&w->asking, worker)) return;
    if (!rows_lay_part(w->room[worker], &w->chain, &w->rows->part[task])) atomic_store(&w->failed, true);
}

void chain_rows_free(ChainRows *rows) {
    if (!rows) return;
    for (int64_t i = 0; rows->part && i < rows->n_part; i++) {
        RowsPart *part = &rows->part[i];
        memory_free(part->n_way);
        memory_free(part->n_odd);
        memory_free(part->shift);
        memory_free(part->rate);
        memory_free(part->to);
        memory_free(part->leave);
    }
    memory_free(rows->part);
    memory_free(rows);
}

static ChainRows *rows_make(const Lattice *l) {
    ChainRows *rows = memory_zeroed(1, sizeof *rows);
    if (!rows) return NULL;
    int64_t group = rows_group(l) * l->n_lane, n_state = (ROWS_PART + group - 1) / group * group;
    rows->n_part = (l->n_state + n_state - 1) / n_state;
    rows->part = memory_zeroed((size_t)rows->n_part, sizeof *rows->part);
    bool good = rows->part != NULL;
    for (int64_t i = 0; good && i < rows->n_part; i++) {
        RowsPart *part = &rows->part[i];
        part->first_state = i * n_state;
        part->n_state = l->n_state - part->first_state < n_state ? l->n_state - part->first_state : n_state;
        part->n_slice = (part->n_state + ROWS_LANES - 1) / ROWS_LANES;
        part->n_way = memory_zeroed((size_t)part->n_slice, sizeof *part->n_way);
        part->n_odd = memory_zeroed((size_t)part->n_slice, sizeof *part->n_odd);
        part->leave = memory_column(part->n_slice * ROWS_LANES);
        good = part->n_way && part->n_odd && part->leave;
    }
    if (good) return rows;
    chain_rows_free(rows);
    return NULL;
}

DurStatus chain_rows_lay(ChainRows **rows, const Policy *policy, int32_t actor, int32_t type, Team *team, const Progress *progress) {
    const Lattice *l = policy->lattice;
    if (chain_rows_most(l) == 0) return DUR_OK;
    int n_worker = team_size(team);
    if (!*rows) *rows = rows_make(l);
    Work w = {.chain = {.policy = policy, .actor = actor, .type = type}, .rows = *rows, .asking.progress = progress,
              .room = memory_zeroed((size_t)n_worker, sizeof *w.room)};
    bool good = w.rows && w.room;
    for (int i = 0; i < n_worker && good; i++) good = (w.room[i] = rows_room_make(l)) != NULL;
    if (good) team_run(team, lay_part, &w, w.rows->n_part);
    for (int i = 0; w.room && i < n_worker; i++) rows_room_free(w.room[i]);
    memory_free(w.room);
    bool is_stopped = atomic_load(&w.asking.stopped);
    if (good && !is_stopped && !atomic_load(&w.failed)) return DUR_OK;
    chain_rows_free(*rows);
    *rows = NULL;
    return is_stopped ? DUR_INTERRUPTED : DUR_MEMORY;
}

DurStatus chain_rows(const ChainRows **out, const Policy *policy, Team *team, const Progress *progress) {
    *out = policy->laid->rows;
    if (*out || chain_rows_bytes(policy->lattice) == 0) return DUR_OK;
    ChainRows *rows = NULL;
    TRY(chain_rows_lay(&rows, policy, -1, 0, team, progress));
    // rows grow by doubling: what they don't need goes back
    for (int64_t i = 0; rows && i < rows->n_part; i++) {
        RowsPart *part = &rows->part[i];
        double *rate = part->n > 0 ? memory_resize(part->rate, (size_t)part->n * ROWS_LANES * sizeof *rate) : NULL;
        if (rate) {
            part->rate = rate;
            part->room = part->n;
        }
    }
    *out = policy->laid->rows = rows;
    return DUR_OK;
}

// ---- applying -----------------------------------------------------------------------------------------------------

static void apply_part(void *context, int64_t task, int worker) {
    (void)worker;
    Work *w = context;
    w->apply(&w->rows->part[task], w->x, w->y);
}

void chain_rows_apply(const ChainRows *rows, const double *x, double *y, Team *team) {
    Work w = {.rows = (ChainRows *)rows, .apply = *ISA_KERNEL(rows_kernel), .x = x, .y = y};
    team_run(team, apply_part, &w, rows->n_part);
}

DurStatus chain_apply_by(const ChainRows *rows, const Policy *policy, const double *x, double *y, Team *team) {
    if (!rows) return chain_apply(policy, x, y, team);
    chain_rows_apply(rows, x, y, team);
    return DUR_OK;
}

double chain_rows_leave(const ChainRows *rows, double *out) {
    double most = 0;
    for (int64_t i = 0; i < rows->n_part; i++) {
        const RowsPart *part = &rows->part[i];
        for (int64_t s = 0; s < part->n_state; s++) {
            out[part->first_state + s] = part->leave[s];
            most = part->leave[s] > most ? part->leave[s] : most;
        }
    }
    return most;
}
