/// Rows of a chain laid out, block by block: what rows_kernel.h describes is made here.
#include "base/memory.h"
#include "lattice/belief_body.h"
#include "lattice/rows_kernel.h"

#include <string.h>

/// Rows of n_lane doubles: of what happens, of a part of it, and what beliefs need.
#define ROOM_ROWS (2 + BELIEF_SPLIT_ROWS + BELIEF_DRIFT_ROWS)

/// The ways of one slice, by how far they lead.
typedef struct Slice {
    int32_t  n, room;
    int64_t *shift;        // [n]
    double  *rate;         // [n x ROWS_LANES]
} Slice;

/// What one worker lays out with: as many slices as blocks that are whole slices together.
struct RowsRoom {
    int64_t  n_slice;
    Slice   *slice;
    double  *leave;        // [n_slice x ROWS_LANES]
    double  *row;          // [ROOM_ROWS x n_lane]
    int64_t  lane;         // of the slices, where the block at hand begins
    bool     failed;       // memory is out
};

int64_t rows_group(const Lattice *l) {
    int64_t n_block = 1;
    while (n_block * l->n_lane % ROWS_LANES != 0) n_block *= 2;
    return n_block;
}

RowsRoom *rows_room_make(const Lattice *l) {
    RowsRoom *r = memory_zeroed(1, sizeof *r);
    if (!r) return NULL;
    r->n_slice = rows_group(l) * l->n_lane / ROWS_LANES;
    r->slice = memory_zeroed((size_t)r->n_slice, sizeof *r->slice);
    r->leave = memory_column(r->n_slice * ROWS_LANES);
    r->row = memory_column(ROOM_ROWS * l->n_lane);
    if (r->slice && r->leave && r->row) return r;
    rows_room_free(r);
    return NULL;
}

void rows_room_free(RowsRoom *r) {
    if (!r) return;
    for (int64_t k = 0; r->slice && k < r->n_slice; k++) {
        memory_free(r->slice[k].shift);
        memory_free(r->slice[k].rate);
    }
    memory_free(r->slice);
    memory_free(r->leave);
    memory_free(r->row);
    memory_free(r);
}

// ---- ways of a slice ----------------------------------------------------------------------------------------------

// the rates of the way that leads so far, a new one if there is none. Slices beside each other have theirs in much the same order, so
// *hint, where the one before had it, is looked at first.
static double *way(RowsRoom *r, Slice *s, int64_t shift, int32_t *hint) {
    int32_t k = *hint;
    if (k >= s->n || s->shift[k] != shift)
        for (k = 0; k < s->n && s->shift[k] != shift;) k++;
    *hint = k;
    if (k < s->n) return s->rate + (int64_t)k * ROWS_LANES;
    if (s->n == s->room) {
        int32_t room = 2 * s->room + 32;
        int64_t *more = memory_resize(s->shift, (size_t)room * sizeof *more);
        if (more) s->shift = more;
        double *rates = more ? memory_resize(s->rate, (size_t)room * ROWS_LANES * sizeof *rates) : NULL;
        if (!rates) {
            r->failed = true;
            return NULL;
        }
        s->rate = rates;
        s->room = room;
    }
    s->shift[k] = shift;
    memset(s->rate + (int64_t)k * ROWS_LANES, 0, ROWS_LANES * sizeof *s->rate);
    s->n++;
    return s->rate + (int64_t)k * ROWS_LANES;
}

// One way of all lanes of the block at hand; what leads back is none
static void put_row(RowsRoom *r, int64_t n, int64_t shift, const double *rate) {
    if (shift == 0) return;
    int32_t hint = 0;
    for (int64_t i = 0, end; i < n; i = end) {
        int64_t at = r->lane + i, first = at % ROWS_LANES;
        end = i + ROWS_LANES - first < n ? i + ROWS_LANES - first : n;
        double any = 0;
        for (int64_t k = i; k < end; k++) any += rate[k];
        if (any == 0) continue;
        double *to = way(r, &r->slice[at / ROWS_LANES], shift, &hint), *leave = r->leave + at;
        if (!to) return;
        to += first;
        for (int64_t k = i; k < end; k++) to[k - i] += rate[k];
        for (int64_t k = i; k < end; k++) leave[k - i] += rate[k];
    }
}

static void put_lane(RowsRoom *r, int64_t lane, int64_t shift, double rate, int32_t *hint) {
    if (shift == 0 || rate == 0) return;
    int64_t at = r->lane + lane;
    double *to = way(r, &r->slice[at / ROWS_LANES], shift, hint);
    if (!to) return;
    to[at % ROWS_LANES] += rate;
    r->leave[at] += rate;
}

// ---- what happens in a block --------------------------------------------------------------------------------------

/// A branch of a jump in a block: rows of what it moves.
typedef struct Branch {
    int32_t n_shift;
    Row     move[MODEL_VARIABLES_MAX], up[MODEL_VARIABLES_MAX];
    int64_t stride[MODEL_VARIABLES_MAX];
} Branch;

/// Where a branch leads from one lane: a shift, and the variables that fall between two nodes.
typedef struct Corners {
    int32_t n_split;
    int64_t move, step[MODEL_VARIABLES_MAX];
    double  up[MODEL_VARIABLES_MAX];
} Corners;

static void branch_of(Branch *out, const Lattice *l, const LatticeBranch *branch, const LatticeBlock *view) {
    out->n_shift = branch->n_shift;
    for (int32_t k = 0; k < branch->n_shift; k++) {
        const LatticeShift *s = &branch->shift[k];
        out->move[k] = row_of(l, &s->move, view);
        out->up[k] = s->has_split ? row_of(l, &s->up, view) : (Row){.one = 0.0};
        out->stride[k] = l->stride[s->variable];
    }
}

static inline void corners_of(Corners *c, const Branch *b, int64_t lane) {
    c->move = 0;
    c->n_split = 0;
    for (int32_t k = 0; k < b->n_shift; k++) {
        c->move += (int64_t)(b->move[k].lane ? b->move[k].lane[lane] : b->move[k].one);
        double share = b->up[k].lane ? b->up[k].lane[lane] : b->up[k].one;
        if (share == 0.0) continue;
        c->up[c->n_split] = share;
        c->step[c->n_split++] = b->stride[k];
    }
}

static double corner_weight(const Corners *c, double weight, int64_t corner, int64_t *shift) {
    *shift = c->move;
    for (int32_t k = 0; k < c->n_split; k++) {
        bool is_up = corner >> k & 1;
        weight *= is_up ? c->up[k] : 1.0 - c->up[k];
        if (is_up) *shift += c->step[k];
    }
    return weight;
}

// A jump at rates `flow`; split: where the belief goes besides, or NULL
static void put_jump(RowsRoom *r, const Lattice *l, const LatticeJump *jump, const LatticeBlock *view, const BeliefSplit *split,
                     const double *DUR_RESTRICT flow, double *DUR_RESTRICT part) {
    int64_t n = l->n_lane, shift;
    Branch at;
    Corners c;
    for (int32_t b = 0; b < jump->n_branch; b++) {
        const LatticeBranch *branch = &jump->branch[b];
        branch_of(&at, l, branch, view);
        if (jump->inner || (split && !split->is_same)) {
            int32_t hint = 0;
            for (int64_t i = 0; i < n; i++) {
                if (flow[i] == 0) continue;
                corners_of(&c, &at, i);
                for (int64_t corner = 0; corner < (int64_t)1 << c.n_split; corner++) {
                    double rate = flow[i] * corner_weight(&c, branch->weight, corner, &shift);
                    for (int32_t k = 0; split && k < split->n_corner; k++)
                        put_lane(r, i, shift + (int64_t)split->move[k * n + i], rate * split->weight[k * n + i], &hint);
                    if (!split) put_lane(r, i, shift, rate, &hint);
                }
            }
            continue;
        }
        corners_of(&c, &at, 0);
        for (int64_t corner = 0; corner < (int64_t)1 << c.n_split; corner++) {
            double weight = corner_weight(&c, branch->weight, corner, &shift);
            if (!split && weight == 1.0) {
                put_row(r, n, shift, flow);
                continue;
            }
            for (int32_t k = 0; k < (split ? split->n_corner : 1); k++) {
                const double *DUR_RESTRICT share = split ? split->weight + k * n : NULL;
                if (split) for (int64_t i = 0; i < n; i++) part[i] = flow[i] * weight * share[i];
                else       for (int64_t i = 0; i < n; i++) part[i] = flow[i] * weight;
                put_row(r, n, shift + (split ? split->same[k] : 0), part);
            }
        }
    }
}

// the row, written out; whether there may be anything
static bool spread(const Lattice *l, const LatticeTable *table, const LatticeBlock *view, double *DUR_RESTRICT out) {
    Row row = row_of(l, table, view);
    if (row_is_zero(row)) return false;
    for (int64_t i = 0; i < l->n_lane; i++) out[i] = row.lane ? row.lane[i] : row.one;
    return true;
}

// every way out of the states of a block, as chain_body.h has them
static void put_block(RowsRoom *r, const ChainView *chain, int64_t block) {
    const Policy *p = chain->policy;
    const Lattice *l = p->lattice;
    const Model *m = l->model;
    int64_t n = l->n_lane;
    double *flow = r->row, *part = flow + n, *beliefs = part + n;
    LatticeBlock view;
    lattice_block(l, block, &view);
    for (int32_t k = 0; k < m->n_stock; k++) {
        if (!l->stock[k].moves) continue;
        int64_t step = l->stride[m->n_mode + k];
        if (spread(l, &l->stock[k].up, &view, flow)) put_row(r, n, step, flow);
        if (spread(l, &l->stock[k].down, &view, flow)) put_row(r, n, -step, flow);
    }
    for (int32_t i = 0; i < m->n_private; i++) {
        const double *drift = p->drift + (m->private[i].variable - m->n_mode - m->n_stock) * l->n_state + view.first;
        BeliefDrift d = belief_drift(l, i, &view, drift, l->n_state, beliefs);
        for (int32_t k = 0; k < d.n_way; k++) put_row(r, n, d.step[k], d.rate + k * n);
    }
    int64_t mode_state = view.first / l->n_stock_state, stock_state = view.first % l->n_stock_state;
    for (int32_t j = 0; j < m->n_jump; j++) {
        if (m->jump[j].kind == JUMP_EVENT) {
            if (spread(l, &l->jump[j].rate, &view, flow)) put_jump(r, l, &l->jump[j], &view, NULL, flow, part);
            continue;
        }
        int64_t at = m->jump[j].kind == JUMP_MOVE ? p->where[j * l->n_mode_state + mode_state] : -1;
        if (at < 0) continue;
        int32_t mover = m->jump[j].actor;
        if (!spread(l, &l->actor[mover].attends, &view, flow)) continue;
        if (mover == chain->actor && m->actor[mover].private >= 0) at += (1 + chain->type) * l->n_stock_state;
        const double *DUR_RESTRICT chance = p->probability + at + stock_state;
        for (int64_t i = 0; i < n; i++) flow[i] *= chance[i];
        int64_t shift = p->shift_where[j * l->n_mode_state + mode_state];
        BeliefSplit split;
        if (shift >= 0)
            split = belief_split(l, m->actor[mover].private, &view, p->shift + shift + stock_state, l->n_stock_state, beliefs);
        put_jump(r, l, &l->jump[j], &view, shift >= 0 ? &split : NULL, flow, part);
    }
}

// ---- a part -------------------------------------------------------------------------------------------------------

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
    int64_t here = part->first_state + slice * ROWS_LANES, n_odd = 0;
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
            n_odd += odd;
            part->n++;
        }
    }
    part->n_way[slice] = s->n;
    part->n_odd[slice] = (int32_t)n_odd;
    return true;
}

bool rows_lay_part(RowsRoom *r, const ChainView *chain, RowsPart *part) {
    const Lattice *l = chain->policy->lattice;
    int64_t n_group = r->n_slice * ROWS_LANES;
    part->n = part->n_to = 0;
    for (int64_t from = 0; from < part->n_state; from += n_group) {
        int64_t n = part->n_state - from < n_group ? part->n_state - from : n_group, n_slice = (n + ROWS_LANES - 1) / ROWS_LANES;
        for (int64_t k = 0; k < n_slice; k++) r->slice[k].n = 0;
        for (int64_t i = 0; i < n_slice * ROWS_LANES; i++) r->leave[i] = 0;
        for (r->lane = 0; r->lane < n; r->lane += l->n_lane) put_block(r, chain, (part->first_state + from + r->lane) / l->n_lane);
        if (r->failed) return false;
        memcpy(part->leave + from, r->leave, (size_t)(n_slice * ROWS_LANES) * sizeof *r->leave);
        for (int64_t k = 0; k < n_slice; k++)
            if (!take(part, &r->slice[k], from / ROWS_LANES + k, l->n_state)) return false;
    }
    return true;
}
