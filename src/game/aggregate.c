#include "game/aggregate.h"

#include "base/asking.h"
#include "base/memory.h"
#include "game/aggregate_kernel.h"
#include "game/tangent.h"
#include "lattice/chain.h"
#include "lattice/kernel_body.h"
#include "num/isa.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

/// Combinations of modes and states below which sweeps are as good: the averaged chain is swept six times where the game is once, and has as
/// many states fewer as there are combinations.
#define MODES_LEAST 12
#define STATES_LEAST 4096
/// Times that it is swept, forth and back: four take three sweeps of the tangent more on the reference case, ten one less.
#define ROUNDS 6
/// Nodes whose mean over modes is one task: their sums stay in a first-level cache.
#define MEAN_NODES 2048
/// Times that shares of time are gone through, forth and back.
#define SHARE_ROUNDS 12
/// Jumps slower than this share of discounting do not count.
#define RATE_LEAST 0.01

/// Rates out of the nodes of one strand (aggregate_kernel.h), while they are being made.
typedef struct Piece {
    int64_t from, to;          // nodes
    int64_t *row;              // [to - from + 1] first rate of each node
    int64_t n, room;
    int32_t *where;            // [n] nodes
    float   *rate;             // [n]
} Piece;

/// A jump that moves stocks, or the belief: one that tells something drives once for each node that it may lead to. And what a belief does in
/// silence, up and down.
typedef struct Drive {
    int32_t jump;              // -1: silence
    int32_t belief, node;      // the belief, and the node that it goes to, or in silence how many it goes on; -1: none
    int32_t mode;              // combination of modes in which it is most frequent
    double *coarse;            // [n_stock_state of the policy's lattice] its mean rate
    double *rate;              // [n_stock_state] the same here
} Drive;

struct Aggregate {
    const Lattice *lattice;    // borrowed
    Team    *team;             // borrowed
    Asking   asking;           // while it is made
    const AggregateKernel *kernel;
    int64_t  n;                // nodes: beliefs and stocks
    int64_t  n_place;          // nodes of a strand
    int32_t  n_row, n_piece;
    AggregateStretch *stretch; // [n_piece] of places
    float   *share;            // [n_mode_state x n] of time
    AggregateWork *work;       // [n_row]
    double   lag;
    int32_t  each;             // rows of values of one task
    int64_t  stage[3];
    const float *q;            // of the correction at hand
    // while it is made
    Piece   *piece;            // [n_piece]
    const Policy *policy;
    double  *coarse_share, *wide;   // [n_state] of either
    Drive   *drive;
    int32_t  n_drive;
    _Atomic bool failed;
};

bool aggregate_pays(const Lattice *l) {
    return l->model->clock != CLOCK_ROUNDS && tangent_is_known(l->model) && l->n_mode_state >= MODES_LEAST && l->n_state >= STATES_LEAST &&
           l->n_stock_state >= l->n_mode_state;
}

// ---- shares of time -----------------------------------------------------------------------------------------------------

/// A way from one combination of modes to another in a block.
typedef struct Way { int32_t from, to, jump; double weight; } Way;

// combinations of modes that a jump leads to from the first lane of a block: modes do not move with the lane
static int32_t ways_of(const Lattice *l, int32_t jump, int64_t mode, int64_t stock_block, int64_t *state, double *weight, Way *way) {
    LatticeBlock view;
    int64_t shift;
    lattice_block(l, mode * (l->n_stock_state / l->n_lane) + stock_block, &view);
    if (jump_is_shift(l, &l->jump[jump], &view, &shift)) {
        way[0] = (Way){(int32_t)mode, (int32_t)((view.first + shift) / l->n_stock_state), jump, 1.0};
        return way[0].to != mode;
    }
    int32_t n = lattice_targets(l, jump, view.node, state, weight), n_way = 0;
    for (int32_t i = 0; i < n; i++) {
        int32_t to = (int32_t)(state[i] / l->n_stock_state), k = 0;
        if (to == mode) continue;
        while (k < n_way && way[k].to != to) k++;
        if (k == n_way) way[n_way++] = (Way){(int32_t)mode, to, jump, 0.0};
        way[k].weight += weight[i];
    }
    return n_way;
}

// Shares of time in one block: s (rho - K) = rho / (number of modes), K the rates between modes while stocks stand still, rho a
// discount rate: how long the chain is where within a discounted life that begins anywhere. Gauss-Seidel, what each share gives
// away being passed on at once.
static void settle_shares(const Lattice *l, int64_t block, double rho, const Way *way, const int32_t *first,
                          const double *rate, double *share, double *room) {
    int64_t n = l->n_lane, n_mode = l->n_mode_state, at = block * n;
    double *given = room, *out = room + n_mode * n, *change = out + n_mode * n;
    for (int64_t i = 0; i < 2 * n_mode * n; i++) room[i] = 0;
    for (int64_t m = 0; m < n_mode; m++) {
        for (int64_t i = 0; i < n; i++) share[m * l->n_stock_state + at + i] = 0;
        for (int32_t w = first[m]; w < first[m + 1]; w++) {
            const double *r = rate + way[w].jump * l->n_state + m * l->n_stock_state + at;
            for (int64_t i = 0; i < n; i++) out[m * n + i] += way[w].weight * r[i];
        }
    }
    for (int32_t round = 0; round < SHARE_ROUNDS; round++)
        for (int64_t step = 0; step < n_mode; step++) {
            int64_t m = round % 2 == 0 ? step : n_mode - 1 - step;
            double *s = share + m * l->n_stock_state + at;
            for (int64_t i = 0; i < n; i++) {
                double now = (rho / (double)n_mode + given[m * n + i]) / (rho + out[m * n + i]);
                change[i] = now - s[i];
                s[i] = now;
            }
            for (int32_t w = first[m]; w < first[m + 1]; w++) {
                const double *r = rate + way[w].jump * l->n_state + m * l->n_stock_state + at;
                double *to = given + way[w].to * n;
                for (int64_t i = 0; i < n; i++) to[i] += change[i] * way[w].weight * r[i];
            }
        }
    // they sum to 1 when all is settled
    for (int64_t i = 0; i < n; i++) {
        double sum = 0;
        for (int64_t m = 0; m < n_mode; m++) sum += share[m * l->n_stock_state + at + i];
        for (int64_t m = 0; m < n_mode; m++) share[m * l->n_stock_state + at + i] /= sum;
    }
}

static double mean_rho(const Lattice *l) {
    double sum = 0;
    for (int32_t k = 0; k < l->model->n_actor; k++) sum += l->actor[k].rho;
    return sum / l->model->n_actor;
}

// shares on the policy's lattice; rate: [n_jump x n_state] of every jump
static DurStatus make_shares(const Policy *p, const double *rate, double *share) {
    const Lattice *l = p->lattice;
    const Model *m = l->model;
    int64_t n_mode = l->n_mode_state, most = 1, n_way_room = 64;
    for (int32_t j = 0; j < m->n_jump; j++) {
        int64_t n = 0;
        for (int32_t b = 0; b < l->jump[j].n_branch; b++) n += (int64_t)1 << l->jump[j].branch[b].n_shift;
        most = n > most ? n : most;
    }
    if (most > LATTICE_CORNERS_MAX) most = LATTICE_CORNERS_MAX;
    int64_t *state = memory_alloc((size_t)most * sizeof *state);
    double *weight = memory_column(most), *room = memory_column((2 * n_mode + 1) * l->n_lane);
    int32_t *first = memory_alloc(((size_t)n_mode + 1) * sizeof *first);
    Way *way = memory_alloc((size_t)(n_way_room + most) * sizeof *way);
    DurStatus status = state && weight && room && first && way ? DUR_OK : DUR_MEMORY;
    for (int64_t b = 0; status == DUR_OK && b < l->n_stock_state / l->n_lane; b++) {
        int32_t n_way = 0;
        for (int64_t mode = 0; mode < n_mode && status == DUR_OK; mode++) {
            first[mode] = n_way;
            for (int32_t j = 0; j < m->n_jump; j++) {
                const double *r = rate + j * l->n_state + mode * l->n_stock_state + b * l->n_lane;
                double top = 0;
                for (int64_t i = 0; i < l->n_lane; i++) top = r[i] > top ? r[i] : top;
                if (top == 0) continue;
                if (n_way > n_way_room) {
                    n_way_room *= 2;
                    Way *more = memory_resize(way, (size_t)(n_way_room + most) * sizeof *way);
                    if (!more) { status = DUR_MEMORY; break; }
                    way = more;
                }
                n_way += ways_of(l, j, mode, b, state, weight, way + n_way);
            }
        }
        if (status != DUR_OK) break;
        first[n_mode] = n_way;
        settle_shares(l, b, mean_rho(l), way, first, rate, share, room);
    }
    memory_free(way);
    memory_free(first);
    memory_free(room);
    memory_free(weight);
    memory_free(state);
    return status;
}

// ---- jumps that move stocks ---------------------------------------------------------------------------------------------

static bool moves_nodes(const Lattice *l, int32_t jump) {
    if (model_is_signal(l->model, jump)) return true;
    for (int32_t b = 0; b < l->jump[jump].n_branch; b++)
        for (int32_t k = 0; k < l->jump[jump].branch[b].n_shift; k++)
            if (l->jump[jump].branch[b].shift[k].variable >= l->model->n_mode) return true;
    return false;
}

static int32_t drives_most(const Lattice *l) {
    const Model *m = l->model;
    int32_t n = 2 * m->n_private;
    for (int32_t j = 0; j < m->n_jump; j++) n += model_is_signal(m, j) ? l->n_node[m->private[m->actor[m->jump[j].actor].private].variable] : 1;
    return n;
}

static bool add_drive(Aggregate *a, int32_t jump, int32_t belief, int32_t node) {
    Drive *d = &a->drive[a->n_drive++];
    *d = (Drive){.jump = jump, .belief = belief, .node = node, .coarse = memory_column(a->policy->lattice->n_stock_state),
                 .rate = memory_column(a->n)};
    return d->coarse && d->rate;
}

// what a belief does in silence, at the nodes of the policy's lattice
static bool add_silence(Aggregate *a, int32_t private, const double *share) {
    const Lattice *l = a->policy->lattice;
    const Model *m = l->model;
    int32_t v = m->private[private].variable;
    const double *drift = a->policy->drift + (v - m->n_mode - m->n_stock) * l->n_state;
    for (int32_t side = -1; side <= 1; side += 2) {
        if (!add_drive(a, -1, v, side)) return false;
        double *to = a->drive[a->n_drive - 1].coarse;
        for (int64_t s = 0; s < l->n_state; s++) {
            double rate = side * drift[s] * l->private[private].n_step;
            if (rate > 0) to[s % l->n_stock_state] += share[s] * rate;
        }
    }
    return true;
}

// How often a jump happens in one combination of modes; drive: the first of its own, by the node that the belief goes to if it tells something
static double add_rates(const Aggregate *a, int32_t jump, int64_t mode, const double *rate, const double *share, Drive *drive) {
    const Policy *p = a->policy;
    const Lattice *l = p->lattice;
    int64_t n = l->n_stock_state, at = p->shift_where[jump * l->n_mode_state + mode];
    const double *r = rate + jump * l->n_state + mode * n, *s = share + mode * n;
    const LatticePrivate *private = drive->belief >= 0 ? &l->private[l->model->actor[l->model->jump[jump].actor].private] : NULL;
    int32_t node[MODEL_TYPES_MAX];
    double sum = 0, weight[MODEL_TYPES_MAX];
    for (int64_t i = 0; i < n; i++) sum += r[i] * s[i];
    for (int64_t i = 0; !private && i < n; i++) drive->coarse[i] += r[i] * s[i];
    for (int64_t i = 0; private && at >= 0 && i < n; i++) {
        int32_t here = (int32_t)(i / l->stride[drive->belief] % l->n_node[drive->belief]);
        int32_t n_node = lattice_shift_belief(private, here, p->shift + at + i, node, weight);
        for (int32_t k = 0; k < n_node; k++) drive[node[k]].coarse[i] += r[i] * s[i] * weight[k];
    }
    return sum;
}

// their mean rates at the nodes of the policy's lattice
static DurStatus make_drives(Aggregate *a, const double *rate, const double *share) {
    const Lattice *coarse = a->policy->lattice;
    const Model *m = coarse->model;
    for (int32_t i = 0; i < m->n_private; i++)
        if (!add_silence(a, i, share)) return DUR_MEMORY;
    for (int32_t j = 0; j < m->n_jump; j++) {
        if (m->jump[j].kind == JUMP_DATED || !moves_nodes(coarse, j)) continue;
        bool tells = model_is_signal(m, j);
        int32_t belief = tells ? m->private[m->actor[m->jump[j].actor].private].variable : -1;
        Drive *first = &a->drive[a->n_drive];
        for (int32_t node = tells ? 0 : -1; node < (tells ? coarse->n_node[belief] : 0); node++)
            if (!add_drive(a, j, belief, node)) return DUR_MEMORY;
        double most = -1;
        int32_t most_mode = 0;
        for (int64_t mode = 0; mode < coarse->n_mode_state; mode++) {
            double often = add_rates(a, j, mode, rate, share, first);
            if (often > most) { most = often; most_mode = (int32_t)mode; }
        }
        for (Drive *d = first; d < a->drive + a->n_drive; d++) d->mode = most_mode;
    }
    return DUR_OK;
}

// ---- the averaged chain -------------------------------------------------------------------------------------------------

// one combination of modes' shares, or one drive's rates, read off on the finer lattice
static void task_carry(void *context, int64_t task, int worker) {
    Aggregate *a = context;
    if (asking_stopped(&a->asking, worker)) return;
    const Lattice *l = a->lattice, *coarse = a->policy->lattice;
    if (task < l->n_mode_state) {
        double *to = a->wide + task * a->n;
        if (lattice_carry_stocks(coarse, a->coarse_share + task * coarse->n_stock_state, l, to) != DUR_OK) a->failed = true;
        for (int64_t i = 0; i < a->n; i++) a->share[task * a->n + i] = (float)to[i];
        return;
    }
    Drive *d = &a->drive[task - l->n_mode_state];
    if (lattice_carry_stocks(coarse, d->coarse, l, d->rate) != DUR_OK) a->failed = true;
}

static bool push(Piece *p, int64_t where, double rate) {
    if (p->n == p->room) {
        int64_t more = p->room ? 2 * p->room : 16 * (p->to - p->from);
        int32_t *w = memory_resize(p->where, (size_t)more * sizeof *w);
        if (w) p->where = w;
        float *r = w ? memory_resize(p->rate, (size_t)more * sizeof *r) : NULL;
        if (!r) return false;
        p->rate = r;
        p->room = more;
    }
    p->where[p->n] = (int32_t)where;
    p->rate[p->n++] = (float)rate;
    return true;
}

// row[i] = mean over modes of a table's rates in the lanes of a block
static void mean_row(const Aggregate *a, const LatticeTable *t, int64_t block, double *row) {
    const Lattice *l = a->lattice;
    int64_t n = l->n_lane, n_block = a->n / n;
    uint64_t modes = l->model->n_mode < 64 ? ((uint64_t)1 << l->model->n_mode) - 1 : UINT64_MAX;
    int64_t n_mode = t->reads & modes ? l->n_mode_state : 1;
    for (int64_t i = 0; i < n; i++) row[i] = 0;
    for (int64_t mode = 0; mode < n_mode; mode++) {
        LatticeBlock view;
        lattice_block(l, mode * n_block + block, &view);
        const double *r = lattice_row(l, t, &view), *s = a->wide + mode * a->n + block * n;
        if (!t->inner && r[0] == 0) continue;
        for (int64_t i = 0; i < n; i++) row[i] += (n_mode > 1 ? s[i] : 1.0) * r[t->inner ? i : 0];
    }
}

/// What one piece is made with.
typedef struct PieceRoom { double *up, *down, *weight; int64_t *state; int64_t *to; double *rate; } PieceRoom;

// the rates of one node; `up` and `down` hold those of its block's lanes, stock by stock
static bool make_node(Aggregate *a, Piece *p, int64_t s, const PieceRoom *room) {
    const Lattice *l = a->lattice;
    const Model *m = l->model;
    int32_t node[MODEL_VARIABLES_MAX];
    int64_t lane = s % l->n_lane, n = 0;
    lattice_nodes(l, s, node);
    for (int32_t k = 0; k < m->n_stock; k++) {
        int32_t v = m->n_mode + k;
        double up = room->up[k * l->n_lane + lane], down = room->down[k * l->n_lane + lane];
        if (!l->stock[k].moves) continue;
        if (node[v] < l->n_node[v] - 1 && up > 0) { room->to[n] = s + l->stride[v]; room->rate[n++] = up; }
        if (node[v] > 0 && down > 0) { room->to[n] = s - l->stride[v]; room->rate[n++] = down; }
    }
    for (const Drive *d = a->drive; d < a->drive + a->n_drive; d++) {
        double rate = d->rate[s];
        if (rate < RATE_LEAST * mean_rho(l)) continue;
        if (d->jump < 0) {
            int32_t there = node[d->belief] + d->node;
            if (there < 0 || there >= l->n_node[d->belief]) continue;
            room->to[n] = s + d->node * l->stride[d->belief];
            room->rate[n++] = rate;
            continue;
        }
        int32_t from[MODEL_VARIABLES_MAX];
        lattice_nodes(l, d->mode * a->n + s, from);
        int64_t told = d->belief >= 0 ? (d->node - node[d->belief]) * l->stride[d->belief] : 0;
        int32_t n_target = lattice_targets(l, d->jump, from, room->state, room->weight);
        for (int32_t i = 0; i < n_target; i++) {
            int64_t to = room->state[i] % a->n + told;
            if (to == s) continue;
            room->to[n] = to;
            room->rate[n++] = rate * room->weight[i];
        }
    }
    for (int64_t i = 0; i < n; i++)
        if (!push(p, room->to[i], room->rate[i])) return false;
    p->row[s - p->from + 1] = p->n;
    return true;
}

static void task_piece(void *context, int64_t task, int worker) {
    Aggregate *a = context;
    if (asking_stopped(&a->asking, worker)) return;
    const Lattice *l = a->lattice;
    int32_t n_stock = l->model->n_stock;
    Piece *p = &a->piece[task];
    int64_t most = 1;
    for (const Drive *d = a->drive; d < a->drive + a->n_drive; d++) {
        int64_t n = d->jump < 0;
        const LatticeJump *j = d->jump < 0 ? NULL : &l->jump[d->jump];
        for (int32_t b = 0; j && b < j->n_branch; b++) n += (int64_t)1 << j->branch[b].n_shift;
        most += n < LATTICE_CORNERS_MAX ? n : LATTICE_CORNERS_MAX;
    }
    PieceRoom room = {.up = memory_column(n_stock * l->n_lane), .down = memory_column(n_stock * l->n_lane), .weight = memory_column(most),
                      .state = memory_alloc((size_t)most * sizeof *room.state),
                      .to = memory_alloc((size_t)(most + 2 * n_stock) * sizeof *room.to), .rate = memory_column(most + 2 * n_stock)};
    p->row = memory_alloc(((size_t)(p->to - p->from) + 1) * sizeof *p->row);
    bool ok = room.up && room.down && room.weight && room.state && room.to && room.rate && p->row;
    if (ok) p->row[0] = 0;
    for (int64_t b = p->from / l->n_lane; ok && b < p->to / l->n_lane; b++) {
        for (int32_t k = 0; k < n_stock; k++) {
            if (!l->stock[k].moves) continue;
            mean_row(a, &l->stock[k].up, b, room.up + k * l->n_lane);
            mean_row(a, &l->stock[k].down, b, room.down + k * l->n_lane);
        }
        for (int64_t s = b * l->n_lane; ok && s < (b + 1) * l->n_lane; s++) ok = make_node(a, p, s, &room);
    }
    memory_free(room.rate);
    memory_free(room.to);
    memory_free(room.state);
    memory_free(room.weight);
    memory_free(room.down);
    memory_free(room.up);
    if (!ok) a->failed = true;
}

/// A stretch while it is made: rates as they are summed up.
typedef struct Making {
    AggregateStretch *stretch;
    float   *rate;             // [room x strands]
    int64_t room;
} Making;

static bool push_entry(Making *m, int64_t where) {
    AggregateStretch *t = m->stretch;
    if (t->n == m->room) {
        int64_t more = m->room ? 2 * m->room : 24 * (t->to - t->from);
        int32_t *w = memory_resize(t->where, (size_t)more * sizeof *w);
        if (w) t->where = w;
        float *r = w ? memory_resize(m->rate, (size_t)(more * AGGREGATE_STRANDS) * sizeof *r) : NULL;
        if (!r) return false;
        m->rate = r;
        m->room = more;
    }
    t->where[t->n] = (int32_t)where;
    memset(m->rate + t->n++ * AGGREGATE_STRANDS, 0, AGGREGATE_STRANDS * sizeof *m->rate);
    return true;
}

static void swap_entries(Making *m, int64_t a, int64_t b) {
    float rate[AGGREGATE_STRANDS], *ra = m->rate + a * AGGREGATE_STRANDS, *rb = m->rate + b * AGGREGATE_STRANDS;
    int32_t *where = m->stretch->where, other = where[a];
    where[a] = where[b];
    where[b] = other;
    memcpy(rate, ra, sizeof rate);
    memcpy(ra, rb, sizeof rate);
    memcpy(rb, rate, sizeof rate);
}

// the nodes of all strands at one place: rates that lead equally far are one entry
static bool make_place(const Aggregate *a, Making *m, int64_t place) {
    AggregateStretch *t = m->stretch;
    int64_t first = t->n, here = place * AGGREGATE_STRANDS;
    for (int32_t k = 0; k < a->n_piece; k++) {
        const Piece *p = &a->piece[k];
        if (place >= p->to - p->from) continue;
        for (int64_t r = p->row[place]; r < p->row[place + 1]; r++) {
            int64_t to = p->where[r], where = to % a->n_place * AGGREGATE_STRANDS + to / a->n_place - k, e = first;
            while (e < t->n && t->where[e] != where) e++;
            if (e == t->n && !push_entry(m, where)) return false;
            m->rate[e * AGGREGATE_STRANDS + k] += p->rate[r];
        }
    }
    // nearest last: what a sweep has only just become should not hold up the rest of a sum
    for (int64_t i = first + 1; i < t->n; i++)
        for (int64_t k = i; k > first && llabs(t->where[k] - here) > llabs(t->where[k - 1] - here); k--) swap_entries(m, k, k - 1);
    t->row[place - t->from + 1] = t->n;
    return true;
}

// Rates of one place rounded to the upper halves of floats, and D of what they have become: a chain a little beside the average is as good
// a guide, one that loses or makes something on its way is not.
static void round_place(Aggregate *a, const Making *m, int64_t place) {
    const AggregateStretch *t = m->stretch;
    float sum[AGGREGATE_STRANDS] = {0};
    for (int64_t e = t->row[place - t->from] * AGGREGATE_STRANDS; e < t->row[place - t->from + 1] * AGGREGATE_STRANDS; e++) {
        t->rate[e] = aggregate_narrowed(m->rate[e]);
        sum[e % AGGREGATE_STRANDS] += aggregate_widened(t->rate[e]);
    }
    for (int32_t k = 0; k < a->n_piece; k++) {
        if (place >= a->piece[k].to - a->piece[k].from) continue;
        int64_t at = place * AGGREGATE_STRANDS + k;
        for (int32_t i = 0; i < a->n_row; i++) {
            int32_t type;
            double all = a->lattice->actor[model_row_actor(a->lattice->model, i, &type)].rho + (double)sum[k];
            a->work[i].diagonal[at] = (float)all;
            a->work[i].inverse[at] = (float)(1.0 / all);
        }
    }
}

static void task_stretch(void *context, int64_t task, int worker) {
    Aggregate *a = context;
    if (asking_stopped(&a->asking, worker)) return;
    AggregateStretch *t = &a->stretch[task];
    Making m = {.stretch = t};
    t->row = memory_alloc(((size_t)(t->to - t->from) + 1) * sizeof *t->row);
    bool ok = t->row;
    if (ok) t->row[0] = 0;
    for (int64_t place = t->from; ok && place < t->to; place++) ok = make_place(a, &m, place);
    // vectors of rates should not lie across cache lines
    t->rate = ok ? memory_shorts(t->n * AGGREGATE_STRANDS) : NULL;
    if (!t->rate) a->failed = true;
    for (int64_t place = t->from; t->rate && place < t->to; place++) round_place(a, &m, place);
    memory_free(m.rate);
}

// zeroed
static float *floats(int64_t n) {
    float *x = memory_floats(n);
    if (x) memset(x, 0, (size_t)n * sizeof *x);
    return x;
}

static bool make_work(Aggregate *a) {
    int64_t n = a->n_place * AGGREGATE_STRANDS;
    a->work = memory_zeroed((size_t)a->n_row, sizeof *a->work);
    for (int32_t k = 0; a->work && k < a->n_row; k++) {
        AggregateWork *w = &a->work[k];
        *w = (AggregateWork){.n_place = a->n_place, .n_stretch = a->n_piece, .stretch = a->stretch,
                             .diagonal = floats(n), .inverse = floats(n), .right = floats(n), .y = floats(n),
                             .room = floats(n + 2 * AGGREGATE_STRANDS)};
        if (!w->diagonal || !w->inverse || !w->right || !w->y || !w->room) return false;
    }
    return a->work;
}

static DurStatus make(Aggregate *a, const Policy *policy) {
    const Lattice *l = a->lattice, *coarse = policy->lattice;
    int32_t n_jump = l->model->n_jump, n_row = model_rows(l->model);
    a->n = l->n_stock_state;
    a->n_row = n_row;
    int64_t n_block = a->n / l->n_lane, each = (n_block + AGGREGATE_STRANDS - 1) / AGGREGATE_STRANDS;
    a->n_piece = (int32_t)((n_block + each - 1) / each);
    a->n_place = each * l->n_lane;
    a->piece = memory_zeroed((size_t)a->n_piece, sizeof *a->piece);
    a->stretch = memory_zeroed((size_t)a->n_piece, sizeof *a->stretch);
    a->share = memory_zeroed((size_t)l->n_state, sizeof *a->share);
    a->drive = memory_zeroed((size_t)drives_most(l) + 1, sizeof *a->drive);
    a->policy = policy;
    a->coarse_share = memory_column(coarse->n_state);
    a->wide = memory_column(l->n_state);
    double *rate = memory_column(n_jump * coarse->n_state);
    DurStatus status = DUR_MEMORY;
    if (!a->piece || !a->stretch || !a->share || !a->drive || !a->coarse_share || !a->wide || !rate || !make_work(a)) goto done;
    for (int32_t k = 0; k < a->n_piece; k++) {
        a->piece[k].from = k * a->n_place;
        a->piece[k].to = (k + 1) * a->n_place < a->n ? (k + 1) * a->n_place : a->n;
        a->stretch[k].from = a->n_place * k / a->n_piece;
        a->stretch[k].to = a->n_place * (k + 1) / a->n_piece;
    }
    a->stage[1] = n_row * ((a->n + MEAN_NODES - 1) / MEAN_NODES);
    // one thread reads rates once for two rows of values, two at once are faster still
    a->each = team_size(a->team) > 1 ? 1 : AGGREGATE_FEW;
    a->stage[2] = a->stage[1] + (n_row + a->each - 1) / a->each;

    status = DUR_OK;
    for (int32_t j = 0; j < n_jump && status == DUR_OK; j++) status = chain_jump_rate(policy, j, rate + j * coarse->n_state, a->team);
    if (status == DUR_OK) status = make_shares(policy, rate, a->coarse_share);
    if (status == DUR_OK) status = make_drives(a, rate, a->coarse_share);
    if (status != DUR_OK) goto done;
    team_run(a->team, task_carry, a, l->n_mode_state + a->n_drive);
    team_run(a->team, task_piece, a, a->n_piece);
    // a stretch is made of pieces: of all or of none
    if (!a->failed && !asking_stopped(&a->asking, 0)) team_run(a->team, task_stretch, a, a->n_piece);
    if (a->failed) status = DUR_MEMORY;
    else if (atomic_load(&a->asking.stopped)) status = DUR_INTERRUPTED;
    a->asking.progress = NULL;

done:
    memory_free(rate);
    memory_free(a->wide);
    memory_free(a->coarse_share);
    for (int32_t d = 0; a->drive && d < a->n_drive; d++) {
        memory_free(a->drive[d].coarse);
        memory_free(a->drive[d].rate);
    }
    memory_free(a->drive);
    for (int32_t k = 0; a->piece && k < a->n_piece; k++) {
        memory_free(a->piece[k].row);
        memory_free(a->piece[k].where);
        memory_free(a->piece[k].rate);
    }
    memory_free(a->piece);
    a->piece = NULL;
    a->wide = a->coarse_share = NULL;
    a->drive = NULL;
    a->policy = NULL;
    return status;
}

DurStatus aggregate_make(Aggregate **out, const Lattice *l, const Policy *policy, Team *team, const Progress *progress) {
    *out = NULL;
    if (l->model != policy->lattice->model) return DUR_SHAPE;
    Aggregate *a = memory_zeroed(1, sizeof *a);
    if (!a) return DUR_MEMORY;
    a->lattice = l;
    a->team = team;
    a->asking.progress = progress;
    a->kernel = ISA_KERNEL(aggregate_kernel);
    DurStatus status = make(a, policy);
    if (status == DUR_OK) *out = a;
    else                  aggregate_free(a);
    return status;
}

void aggregate_free(Aggregate *a) {
    if (!a) return;
    for (int32_t k = 0; a->work && k < a->n_row; k++) {
        AggregateWork *w = &a->work[k];
        memory_free(w->room);
        memory_free(w->y);
        memory_free(w->right);
        memory_free(w->inverse);
        memory_free(w->diagonal);
    }
    memory_free(a->work);
    memory_free(a->share);
    for (int32_t k = 0; a->stretch && k < a->n_piece; k++) {
        memory_free(a->stretch[k].row);
        memory_free(a->stretch[k].where);
        memory_free(a->stretch[k].rate);
    }
    memory_free(a->stretch);
    memory_free(a);
}

double aggregate_bytes(const Lattice *l) {
    if (!aggregate_pays(l)) return 0;
    const Model *m = l->model;
    // shares, in double too while it is made; at a node five numbers a row of values and two rates for each stock or belief and some for jumps, once
    // by node and once by strands, where there are up to twice as many, in tables that grow by doubling; and with beliefs what drives them
    double rates = 2.0 * (m->n_stock + m->n_private) + 4.0, drives = m->n_private ? 8.0 * drives_most(l) : 0;
    return 12.0 * (double)l->n_state + (20.0 * model_rows(m) + (16.0 + 2.0 * 2.0 * 4.0) * rates + drives) * (double)l->n_stock_state;
}

// ---- using it -----------------------------------------------------------------------------------------------------------

void aggregate_lag(Aggregate *a, double lag) {
    float more = (float)(lag - a->lag);
    for (int32_t k = 0; k < a->n_row && lag != a->lag; k++) {
        AggregateWork *w = &a->work[k];
        // strands that are shorter than others have no inverse
        for (int64_t i = 0; i < a->n_place * AGGREGATE_STRANDS; i++) {
            if (w->inverse[i] == 0) continue;
            w->diagonal[i] += more;
            w->inverse[i] = 1 / w->diagonal[i];
        }
    }
    a->lag = lag;
}

static void task_begin(void *context, int64_t task, int worker) {
    (void)worker;
    Aggregate *a = context;
    const Lattice *l = a->lattice;
    if (task < a->stage[1]) {
        // y of some nodes for one row of values
        int64_t k = task % a->n_row, from = task / a->n_row * MEAN_NODES, n = a->n - from < MEAN_NODES ? a->n - from : MEAN_NODES;
        a->kernel->average(a->work[k].y + from, a->share + from, a->q + k * l->n_state + from, l->n_mode_state, a->n, n);
    } else {
        int32_t first = (int32_t)(task - a->stage[1]) * a->each, left = a->n_row - first;
        a->kernel->sweep(&a->work[first], left < a->each ? left : a->each, ROUNDS);
    }
}

void aggregate_begin(void *aggregate, const float *q) {
    Aggregate *a = aggregate;
    a->q = q;
    team_run_stages(a->team, task_begin, a, 2, a->stage);
}

void aggregate_correct(const void *aggregate, const float *q, int64_t from, int64_t n, float *z) {
    const Aggregate *a = aggregate;
    // what is missing is the same in all combinations of modes
    for (int64_t end = from + n, some; from < end; from += some, z += some) {
        int64_t node = from % a->n;
        some = a->n - node < end - from ? a->n - node : end - from;
        a->kernel->add(z, q + from, a->work[from / a->lattice->n_state].y + node, some);
    }
}
