#include "game/aggregate.h"

#include "base/memory.h"
#include "lattice/chain.h"
#include "lattice/kernel_body.h"

#include <stdlib.h>
#include <string.h>

/// Combinations of modes and states below which sweeps are as good: the averaged chain is swept six times where the game is once, and has as
/// many states fewer as there are combinations.
#define MODES_LEAST 12
#define STATES_LEAST 4096
/// The averaged chain is swept in as many pieces, side by side, each from its own newest values and the others' last ones.
#define PIECES 16
/// Times that it is swept, forth and back: four take three sweeps of the tangent more on the reference case, twelve one less.
#define ROUNDS 6
/// Times that shares of time are gone through, forth and back.
#define SHARE_ROUNDS 12
/// Jumps slower than this share of discounting do not count.
#define RATE_LEAST 0.01

/// One piece of the averaged chain: rates out of its nodes, those within the piece first.
typedef struct Piece {
    int64_t from, to;          // nodes
    int64_t *row;              // [2 (to - from) + 1] first rate of each node within the piece, and to others
    int64_t n, room;
    int32_t *where;            // [n]
    float   *rate;             // [n]
    bool     failed;
} Piece;

/// A jump that moves stocks.
typedef struct Drive {
    int32_t jump;
    int32_t mode;              // combination of modes in which it is most frequent
    double *coarse;            // [n_stock_state of the policy's lattice] its mean rate
    double *rate;              // [n_stock_state] the same here
} Drive;

struct Aggregate {
    const Lattice *lattice;    // borrowed
    Team    *team;             // borrowed
    int64_t  n;                // nodes: beliefs and stocks
    int32_t  n_actor, n_piece;
    Piece   *piece;            // [n_piece]
    float   *share;            // [n_mode_state x n] of time
    float   *inverse;          // [n x n_actor] 1/D
    float   *mean, *right;     // [n x n_actor] y, D y
    float   *x[2];             // [n x n_actor]
    float   *row;              // [n]
    int64_t  stage[ROUNDS + 3];
    const float *q;            // of the correction at hand
    float   *z, *copy;
    // while it is made
    const Lattice *coarse;
    double  *coarse_share, *wide;   // [n_state] of either
    Drive   *drive;
    int32_t  n_drive;
};

bool aggregate_pays(const Lattice *l) {
    return l->model->clock != CLOCK_ROUNDS && l->model->n_private == 0 && l->n_mode_state >= MODES_LEAST && l->n_state >= STATES_LEAST &&
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

static bool moves_stocks(const Lattice *l, int32_t jump) {
    for (int32_t b = 0; b < l->jump[jump].n_branch; b++)
        for (int32_t k = 0; k < l->jump[jump].branch[b].n_shift; k++)
            if (l->jump[jump].branch[b].shift[k].variable >= l->model->n_mode) return true;
    return false;
}

// their mean rates at the nodes of the policy's lattice
static DurStatus make_drives(Aggregate *a, const Lattice *coarse, const double *rate, const double *share) {
    const Model *m = coarse->model;
    int64_t n = coarse->n_stock_state;
    for (int32_t j = 0; j < m->n_jump; j++) {
        if (m->jump[j].kind == JUMP_DATED || !moves_stocks(coarse, j)) continue;
        Drive *d = &a->drive[a->n_drive++];
        *d = (Drive){.jump = j, .coarse = memory_column(n), .rate = memory_column(a->n)};
        if (!d->coarse || !d->rate) return DUR_MEMORY;
        double most = -1;
        for (int64_t mode = 0; mode < coarse->n_mode_state; mode++) {
            const double *r = rate + j * coarse->n_state + mode * n, *s = share + mode * n;
            double sum = 0;
            for (int64_t i = 0; i < n; i++) {
                d->coarse[i] += r[i] * s[i];
                sum += r[i] * s[i];
            }
            if (sum > most) { most = sum; d->mode = (int32_t)mode; }
        }
    }
    return DUR_OK;
}

// ---- the averaged chain -------------------------------------------------------------------------------------------------

// one combination of modes' shares, or one drive's rates, read off on the finer lattice
static void task_carry(void *context, int64_t task, int worker) {
    (void)worker;
    Aggregate *a = context;
    const Lattice *l = a->lattice;
    if (task < l->n_mode_state) {
        double *to = a->wide + task * a->n;
        if (lattice_carry_stocks(a->coarse, a->coarse_share + task * a->coarse->n_stock_state, l, to) != DUR_OK) a->piece[0].failed = true;
        for (int64_t i = 0; i < a->n; i++) a->share[task * a->n + i] = (float)to[i];
        return;
    }
    Drive *d = &a->drive[task - l->n_mode_state];
    if (lattice_carry_stocks(a->coarse, d->coarse, l, d->rate) != DUR_OK) a->piece[0].failed = true;
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
    for (int32_t d = 0; d < a->n_drive; d++) {
        double rate = a->drive[d].rate[s];
        if (rate < RATE_LEAST * mean_rho(l)) continue;
        int32_t from[MODEL_VARIABLES_MAX];
        lattice_nodes(l, a->drive[d].mode * a->n + s, from);
        int32_t n_target = lattice_targets(l, a->drive[d].jump, from, room->state, room->weight);
        for (int32_t i = 0; i < n_target; i++) {
            int64_t to = room->state[i] % a->n;
            if (to == s) continue;
            room->to[n] = to;
            room->rate[n++] = rate * room->weight[i];
        }
    }
    // nearest last: what a sweep has only just become should not hold up the rest of a sum
    for (int64_t i = 1; i < n; i++)
        for (int64_t k = i; k > 0 && llabs(room->to[k] - s) > llabs(room->to[k - 1] - s); k--) {
            int64_t to = room->to[k];
            double rate = room->rate[k];
            room->to[k] = room->to[k - 1];
            room->rate[k] = room->rate[k - 1];
            room->to[k - 1] = to;
            room->rate[k - 1] = rate;
        }
    double sum = 0;
    for (int32_t inside = 1; inside >= 0; inside--) {
        for (int64_t i = 0; i < n; i++)
            if ((room->to[i] >= p->from && room->to[i] < p->to) == (inside == 1) && !push(p, room->to[i], room->rate[i])) return false;
        p->row[2 * (s - p->from) + 2 - inside] = p->n;
    }
    for (int64_t i = 0; i < n; i++) sum += room->rate[i];
    for (int32_t k = 0; k < m->n_actor; k++) a->inverse[s * m->n_actor + k] = (float)(1.0 / (l->actor[k].rho + sum));
    return true;
}

static void task_piece(void *context, int64_t task, int worker) {
    (void)worker;
    Aggregate *a = context;
    const Lattice *l = a->lattice;
    int32_t n_stock = l->model->n_stock;
    Piece *p = &a->piece[task];
    int64_t most = 1;
    for (int32_t d = 0; d < a->n_drive; d++) {
        const LatticeJump *j = &l->jump[a->drive[d].jump];
        int64_t n = 0;
        for (int32_t b = 0; b < j->n_branch; b++) n += (int64_t)1 << j->branch[b].n_shift;
        most += n < LATTICE_CORNERS_MAX ? n : LATTICE_CORNERS_MAX;
    }
    PieceRoom room = {.up = memory_column(n_stock * l->n_lane), .down = memory_column(n_stock * l->n_lane), .weight = memory_column(most),
                      .state = memory_alloc((size_t)most * sizeof *room.state),
                      .to = memory_alloc((size_t)(most + 2 * n_stock) * sizeof *room.to), .rate = memory_column(most + 2 * n_stock)};
    p->row = memory_alloc((2 * (size_t)(p->to - p->from) + 1) * sizeof *p->row);
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
    // the table grew by doubling
    if (ok && p->n > 0 && p->n < p->room) {
        int32_t *where = memory_resize(p->where, (size_t)p->n * sizeof *where);
        float *rate = memory_resize(p->rate, (size_t)p->n * sizeof *rate);
        if (where) p->where = where;
        if (rate) p->rate = rate;
    }
    memory_free(room.rate);
    memory_free(room.to);
    memory_free(room.state);
    memory_free(room.weight);
    memory_free(room.down);
    memory_free(room.up);
    p->failed |= !ok;
}

static DurStatus make(Aggregate *a, const Policy *policy) {
    const Lattice *l = a->lattice, *coarse = policy->lattice;
    int32_t n_jump = l->model->n_jump, n_actor = l->model->n_actor;
    a->n = l->n_stock_state;
    a->n_actor = n_actor;
    int64_t n_block = a->n / l->n_lane, each = (n_block + PIECES - 1) / PIECES;
    a->n_piece = (int32_t)((n_block + each - 1) / each);
    a->piece = memory_zeroed((size_t)a->n_piece, sizeof *a->piece);
    a->share = memory_zeroed((size_t)l->n_state, sizeof *a->share);
    a->inverse = memory_zeroed((size_t)(n_actor * a->n), sizeof *a->inverse);
    a->mean = memory_zeroed((size_t)(n_actor * a->n), sizeof *a->mean);
    a->right = memory_zeroed((size_t)(n_actor * a->n), sizeof *a->right);
    a->x[0] = memory_zeroed((size_t)(n_actor * a->n), sizeof *a->x[0]);
    a->x[1] = memory_zeroed((size_t)(n_actor * a->n), sizeof *a->x[1]);
    a->row = memory_zeroed((size_t)a->n, sizeof *a->row);
    a->drive = memory_zeroed((size_t)n_jump + 1, sizeof *a->drive);
    a->coarse = coarse;
    a->coarse_share = memory_column(coarse->n_state);
    a->wide = memory_column(l->n_state);
    double *rate = memory_column(n_jump * coarse->n_state);
    DurStatus status = DUR_MEMORY;
    if (!a->piece || !a->share || !a->inverse || !a->mean || !a->right || !a->x[0] || !a->x[1] || !a->row || !a->drive || !a->coarse_share ||
        !a->wide || !rate) goto done;
    for (int32_t k = 0; k < a->n_piece; k++) {
        a->piece[k].from = k * each * l->n_lane;
        a->piece[k].to = (k + 1) * each * l->n_lane < a->n ? (k + 1) * each * l->n_lane : a->n;
    }
    for (int32_t k = 0; k < ROUNDS + 3; k++) a->stage[k] = k * a->n_piece;

    status = DUR_OK;
    for (int32_t j = 0; j < n_jump && status == DUR_OK; j++) status = chain_jump_rate(policy, j, rate + j * coarse->n_state, a->team);
    if (status == DUR_OK) status = make_shares(policy, rate, a->coarse_share);
    if (status == DUR_OK) status = make_drives(a, coarse, rate, a->coarse_share);
    if (status != DUR_OK) goto done;
    team_run(a->team, task_carry, a, l->n_mode_state + a->n_drive);
    team_run(a->team, task_piece, a, a->n_piece);
    for (int32_t k = 0; k < a->n_piece; k++)
        if (a->piece[k].failed) status = DUR_MEMORY;

done:
    memory_free(rate);
    memory_free(a->wide);
    memory_free(a->coarse_share);
    for (int32_t d = 0; a->drive && d < a->n_drive; d++) {
        memory_free(a->drive[d].coarse);
        memory_free(a->drive[d].rate);
    }
    memory_free(a->drive);
    a->wide = a->coarse_share = NULL;
    a->drive = NULL;
    a->coarse = NULL;
    return status;
}

DurStatus aggregate_make(Aggregate **out, const Lattice *l, const Policy *policy, Team *team) {
    *out = NULL;
    if (l->model != policy->lattice->model) return DUR_SHAPE;
    Aggregate *a = memory_zeroed(1, sizeof *a);
    if (!a) return DUR_MEMORY;
    a->lattice = l;
    a->team = team;
    DurStatus status = make(a, policy);
    if (status == DUR_OK) *out = a;
    else                  aggregate_free(a);
    return status;
}

void aggregate_free(Aggregate *a) {
    if (!a) return;
    for (int32_t k = 0; a->piece && k < a->n_piece; k++) {
        memory_free(a->piece[k].row);
        memory_free(a->piece[k].where);
        memory_free(a->piece[k].rate);
    }
    memory_free(a->row);
    memory_free(a->x[1]);
    memory_free(a->x[0]);
    memory_free(a->right);
    memory_free(a->mean);
    memory_free(a->inverse);
    memory_free(a->share);
    memory_free(a->piece);
    memory_free(a);
}

double aggregate_bytes(const Lattice *l) {
    if (!aggregate_pays(l)) return 0;
    // shares, in double too while it is made; at a node two rates for each stock and some for jumps, in a table that grows by doubling
    double node = 20.0 * l->model->n_actor + 16.0 + 8.0 * 2.0 * (2.0 * l->model->n_stock + 4.0);
    return 12.0 * (double)l->n_state + node * (double)l->n_stock_state;
}

// ---- using it -----------------------------------------------------------------------------------------------------------

// y and D y; the sweeps begin at y
static void average(Aggregate *a, const Piece *p) {
    const Lattice *l = a->lattice;
    int64_t n = p->to - p->from, n_actor = a->n_actor;
    for (int64_t k = 0; k < n_actor; k++) {
        float *DUR_RESTRICT row = a->row + p->from;
        for (int64_t i = 0; i < n; i++) row[i] = 0;
        for (int64_t mode = 0; mode < l->n_mode_state; mode++) {
            const float *DUR_RESTRICT q = a->q + k * l->n_state + mode * a->n + p->from;
            const float *DUR_RESTRICT share = a->share + mode * a->n + p->from;
            for (int64_t i = 0; i < n; i++) row[i] += share[i] * q[i];
        }
        for (int64_t i = 0; i < n; i++) a->mean[(p->from + i) * n_actor + k] = row[i];
    }
    for (int64_t i = p->from * n_actor; i < p->to * n_actor; i++) {
        a->right[i] = a->mean[i] / a->inverse[i];
        a->x[0][i] = a->mean[i];
    }
}

// One sweep of a piece: within it from the newest values, from others as they were after the round before.
static DUR_ALWAYS_INLINE void sweep_actors(Aggregate *a, const Piece *p, int32_t round, int64_t n_actor) {
    int64_t n = p->to - p->from;
    const float *DUR_RESTRICT old = a->x[round % 2], *DUR_RESTRICT right = a->right + p->from * n_actor;
    const float *DUR_RESTRICT inverse = a->inverse + p->from * n_actor, *DUR_RESTRICT rate = p->rate;
    const int32_t *DUR_RESTRICT where = p->where;
    float *x = a->x[1 - round % 2], sum[n_actor > 0 ? n_actor : 1];
    memcpy(x + p->from * n_actor, old + p->from * n_actor, (size_t)(n * n_actor) * sizeof *x);
    for (int64_t step = 0; step < n; step++) {
        int64_t i = round % 2 == 0 ? step : n - 1 - step, inside = p->row[2 * i], others = p->row[2 * i + 1], end = p->row[2 * i + 2];
        for (int64_t k = 0; k < n_actor; k++) sum[k] = right[i * n_actor + k];
        for (int64_t e = others; e < end; e++)
            for (int64_t k = 0; k < n_actor; k++) sum[k] += rate[e] * old[where[e] * n_actor + k];
        for (int64_t e = inside; e < others; e++)
            for (int64_t k = 0; k < n_actor; k++) sum[k] += rate[e] * x[where[e] * n_actor + k];
        for (int64_t k = 0; k < n_actor; k++) x[(p->from + i) * n_actor + k] = sum[k] * inverse[i * n_actor + k];
    }
}

static void sweep(Aggregate *a, const Piece *p, int32_t round) {
    // the usual number of actors has code of its own
    if (a->n_actor == 2) sweep_actors(a, p, round, 2);
    else                 sweep_actors(a, p, round, a->n_actor);
}

static void spread(Aggregate *a, const Piece *p) {
    const Lattice *l = a->lattice;
    int64_t n = p->to - p->from, n_actor = a->n_actor;
    const float *x = a->x[ROUNDS % 2];
    for (int64_t k = 0; k < n_actor; k++) {
        float *DUR_RESTRICT by = a->row + p->from;
        for (int64_t i = 0; i < n; i++) by[i] = x[(p->from + i) * n_actor + k] - a->mean[(p->from + i) * n_actor + k];
        for (int64_t mode = 0; mode < l->n_mode_state; mode++) {
            int64_t first = k * l->n_state + mode * a->n + p->from;
            const float *DUR_RESTRICT q = a->q + first;
            float *DUR_RESTRICT z = a->z + first;
            for (int64_t i = 0; i < n; i++) z[i] = q[i] + by[i];
            if (a->copy) memcpy(a->copy + first, z, (size_t)n * sizeof *z);
        }
    }
}

static void task_correct(void *context, int64_t task, int worker) {
    (void)worker;
    Aggregate *a = context;
    const Piece *p = &a->piece[task % a->n_piece];
    int64_t stage = task / a->n_piece;
    if (stage == 0)              average(a, p);
    else if (stage <= ROUNDS)    sweep(a, p, (int32_t)stage - 1);
    else                         spread(a, p);
}

void aggregate_correct(void *aggregate, const float *q, float *z, float *copy) {
    Aggregate *a = aggregate;
    a->q = q;
    a->z = z;
    a->copy = copy;
    team_run_stages(a->team, task_correct, a, ROUNDS + 2, a->stage);
}
