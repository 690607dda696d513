#include "lattice/rows.h"

#include "base/memory.h"
#include "lattice/internal.h"
#include "lattice/rows_kernel.h"
#include "num/isa.h"

#include <stdatomic.h>
#include <string.h>

/// Rows are laid out up to this many bytes a policy, by the bound of chain_rows_bytes.
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

double chain_rows_bytes(const Lattice *l) {
    const Model *m = l->model;
    if (m->clock == CLOCK_ROUNDS || l->n_state > INT32_MAX - ROWS_LANES) return 0;
    double ways = 2.0 * m->n_stock;
    for (int32_t p = 0; p < m->n_private; p++) ways += (double)m->private[p].n_type * m->private[p].n_type;
    for (int32_t j = 0; j < m->n_jump; j++) {
        if (m->jump[j].kind == JUMP_DATED) continue;
        double most = targets_most(l, j);
        if (most >= LATTICE_CORNERS_MAX) return 0;
        ways += most;
    }
    // a way is a rate for each state and a shift for all of a slice
    double bytes = (double)l->n_state * (ways * (8 + 4.0 / ROWS_LANES) + 8);
    return bytes <= ROWS_BYTES_MAX ? bytes : 0;
}

// ---- laying out ---------------------------------------------------------------------------------------------------

// the ways of one slice, by how far they lead
typedef struct Slice {
    int32_t  n, room;
    int64_t *shift;        // [n]
    double  *rate;         // [n x ROWS_LANES]
    int64_t *target;       // [LATTICE_CORNERS_MAX] scratch
    double  *weight;
} Slice;

typedef struct Work {
    const Policy *policy;
    ChainRows    *rows;
    Slice        *slice;           // [workers]
    _Atomic bool  failed;          // memory is out
    RowsApply     apply;
    const double *x;
    double       *y;
} Work;

static bool put(Slice *s, int lane, int64_t shift, double rate) {
    int32_t k = 0;
    while (k < s->n && s->shift[k] != shift) k++;
    if (k == s->n) {
        if (s->n == s->room) {
            int32_t room = 2 * s->room + 32;
            int64_t *more = memory_resize(s->shift, (size_t)room * sizeof *more);
            if (more) s->shift = more;
            double *rates = more ? memory_resize(s->rate, (size_t)room * ROWS_LANES * sizeof *rates) : NULL;
            if (!rates) return false;
            s->rate = rates;
            s->room = room;
        }
        s->shift[k] = shift;
        memset(s->rate + (int64_t)k * ROWS_LANES, 0, ROWS_LANES * sizeof *s->rate);
        s->n++;
    }
    s->rate[(int64_t)k * ROWS_LANES + lane] += rate;
    return true;
}

// every way out of a state; what leads back to it is none
static bool put_state(Slice *s, const Policy *p, int64_t state, int lane, double *leave) {
    const Lattice *l = p->lattice;
    const Model *m = l->model;
    int32_t node[MODEL_VARIABLES_MAX];
    lattice_nodes(l, state, node);
    bool good = true;
    *leave = 0;
    for (int32_t k = 0; k < m->n_stock; k++) {
        if (!l->stock[k].moves) continue;
        int64_t step = l->stride[m->n_mode + k];
        double up = lattice_table_at(l, &l->stock[k].up, node), down = lattice_table_at(l, &l->stock[k].down, node);
        if (up > 0)   good &= put(s, lane, step, up);
        if (down > 0) good &= put(s, lane, -step, down);
        *leave += up + down;
    }
    for (int32_t i = 0; i < m->n_private; i++) {
        const ModelPrivate *mp = &m->private[i];
        const double *drift = p->drift + (mp->variable - m->n_mode - m->n_stock) * l->n_state + state;
        double by[MODEL_TYPES_MAX], rate[MODEL_TYPES_MAX * MODEL_TYPES_MAX];
        int32_t to[MODEL_TYPES_MAX * MODEL_TYPES_MAX];
        for (int32_t t = 1; t < mp->n_type; t++) by[t - 1] = drift[(t - 1) * l->n_state];
        int32_t n = lattice_drift_belief(&l->private[i], node[mp->variable], by, to, rate, NULL);
        for (int32_t k = 0; k < n; k++) {
            if (rate[k] == 0) continue;
            good &= put(s, lane, (to[k] - node[mp->variable]) * l->stride[mp->variable], rate[k]);
            *leave += rate[k];
        }
    }
    for (int32_t j = 0; j < m->n_jump; j++) {
        const ModelJump *mj = &m->jump[j];
        if (mj->kind == JUMP_DATED) continue;
        double rate = mj->kind == JUMP_EVENT ? lattice_table_at(l, &l->jump[j].rate, node)
                                             : lattice_table_at(l, &l->actor[mj->actor].attends, node) *
                                                   policy_probability(p, j, state);
        if (rate == 0) continue;
        int32_t n = policy_targets(p, j, node, s->target, s->weight);
        for (int32_t k = 0; k < n; k++) {
            double part = rate * s->weight[k];
            if (s->target[k] == state || part == 0) continue;
            good &= put(s, lane, s->target[k] - state, part);
            *leave += part;
        }
    }
    return good;
}

static bool room_for(RowsPart *part, int64_t n, int64_t n_odd) {
    if (part->n + n > part->room) {
        int64_t room = 2 * part->room + n + 1024;
        int32_t *shift = memory_resize(part->shift, (size_t)room * sizeof *shift);
        if (shift) part->shift = shift;
        double *rate = shift ? memory_resize(part->rate, (size_t)room * ROWS_LANES * sizeof *rate) : NULL;
        if (!rate) return false;
        part->rate = rate;
        part->room = room;
    }
    if (part->n_to + n_odd > part->room_to) {
        int64_t room = 2 * part->room_to + n_odd + 64;
        int32_t *to = memory_resize(part->to, (size_t)room * ROWS_LANES * sizeof *to);
        if (!to) return false;
        part->to = to;
        part->room_to = room;
    }
    return true;
}

// the slice behind those that the part has already: first the ways whose targets are one stretch
static bool take(RowsPart *part, const Slice *s, int64_t slice, int64_t n_state) {
    int64_t here = part->first_state + slice * ROWS_LANES, n_even = 0;
    for (int pass = 0; pass < 2; pass++) {
        for (int32_t k = 0; k < s->n; k++) {
            int64_t there = here + s->shift[k];
            bool odd = there < 0 || there + ROWS_LANES > n_state;
            if (odd != (pass == 1)) continue;
            if (!room_for(part, 1, odd)) return false;
            part->shift[part->n] = (int32_t)s->shift[k];
            memcpy(part->rate + part->n * ROWS_LANES, s->rate + (int64_t)k * ROWS_LANES, ROWS_LANES * sizeof *s->rate);
            for (int i = 0; odd && i < ROWS_LANES; i++)
                part->to[part->n_to * ROWS_LANES + i] =
                    s->rate[(int64_t)k * ROWS_LANES + i] != 0 ? (int32_t)(there + i) : (int32_t)here;
            part->n_to += odd;
            part->n++;
        }
        if (pass == 0) n_even = part->n;
    }
    part->n_odd[slice] = (int32_t)(part->n - n_even);
    return true;
}

static void lay_part(void *context, int64_t task, int worker) {
    Work *w = context;
    RowsPart *part = &w->rows->part[task];
    Slice *s = &w->slice[worker];
    int64_t n_state = w->policy->lattice->n_state;
    part->first_state = task * ROWS_PART;
    part->n_state = n_state - part->first_state < ROWS_PART ? n_state - part->first_state : ROWS_PART;
    part->n_slice = (part->n_state + ROWS_LANES - 1) / ROWS_LANES;
    part->n_way = memory_zeroed((size_t)part->n_slice, sizeof *part->n_way);
    part->n_odd = memory_zeroed((size_t)part->n_slice, sizeof *part->n_odd);
    part->leave = memory_column(part->n_slice * ROWS_LANES);
    bool good = part->n_way && part->n_odd && part->leave;
    for (int64_t k = 0; k < part->n_slice && good; k++) {
        s->n = 0;
        for (int i = 0; i < ROWS_LANES && k * ROWS_LANES + i < part->n_state; i++)
            good = good && put_state(s, w->policy, part->first_state + k * ROWS_LANES + i, i, &part->leave[k * ROWS_LANES + i]);
        good = good && take(part, s, k, n_state);
        part->n_way[k] = s->n;
    }
    // rows grow by doubling: what they don't need goes back
    double *rate = good && part->n > 0 ? memory_resize(part->rate, (size_t)part->n * ROWS_LANES * sizeof *rate) : NULL;
    if (rate) part->rate = rate;
    if (!good) atomic_store(&w->failed, true);
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

static void slices_free(Slice *slice, int n) {
    for (int i = 0; slice && i < n; i++) {
        memory_free(slice[i].shift);
        memory_free(slice[i].rate);
        memory_free(slice[i].target);
        memory_free(slice[i].weight);
    }
    memory_free(slice);
}

DurStatus chain_rows(const ChainRows **out, const Policy *policy, Team *team) {
    const Lattice *l = policy->lattice;
    *out = policy->laid->rows;
    if (*out || chain_rows_bytes(l) == 0) return DUR_OK;
    int n_worker = team_size(team);
    Work w = {.policy = policy, .rows = memory_zeroed(1, sizeof *w.rows), .slice = memory_zeroed((size_t)n_worker, sizeof *w.slice)};
    bool good = w.rows && w.slice;
    for (int i = 0; i < n_worker && good; i++) {
        w.slice[i].target = memory_alloc(LATTICE_CORNERS_MAX * sizeof *w.slice[i].target);
        w.slice[i].weight = memory_alloc(LATTICE_CORNERS_MAX * sizeof *w.slice[i].weight);
        good = w.slice[i].target && w.slice[i].weight;
    }
    if (good) {
        w.rows->n_part = (l->n_state + ROWS_PART - 1) / ROWS_PART;
        w.rows->part = memory_zeroed((size_t)w.rows->n_part, sizeof *w.rows->part);
        good = w.rows->part != NULL;
    }
    if (good) team_run(team, lay_part, &w, w.rows->n_part);
    slices_free(w.slice, n_worker);
    if (!good || atomic_load(&w.failed)) {
        chain_rows_free(w.rows);
        return DUR_MEMORY;
    }
    *out = policy->laid->rows = w.rows;
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
