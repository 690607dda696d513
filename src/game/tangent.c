#include "game/tangent.h"

#include "base/asking.h"
#include "base/memory.h"
#include "game/choice_body.h"
#include "game/tangent_kernel.h"
#include "num/isa.h"

#include <math.h>
#include <string.h>

/// States of one task of tangent_take: see TASK_STATES in sweep.c.
#define TAKE_STATES 2048
/// Bytes that one task of tangent_sweep should go through again and again: they stay in a second-level cache of 1 MiB. Smaller pieces would
/// read values of other blocks a few lanes at a time, which costs more than what does not stay.
#define SWEEP_BYTES (768 << 10)
/// States of a level, at least: threads wait for one another after each.
#define LEVEL_STATES 8192
/// Levels that are made whatever their size.
#define LEVELS_LEAST 16
/// Nodes of a stock outside of blocks from which on sweeps go along it and back, node by node, if it drifts both ways: one way alone would
/// carry values that come against it by a node a sweep.
#define BACK_NODES 12
/// Lines along the innermost stock are solved if it has as many nodes. On shorter ones lanes that see what their neighbours
/// were come to the same with less work.
#define LINE_NODES 7
/// Fewest lanes that a block is cut into: one vector of the widest kind.
#define LANES_LEAST 16

// the corners of one jump, or none yet
typedef struct SpreadAt {
    int64_t first;
    int32_t n;
} SpreadAt;

// of a jump whose targets depend on the lane
typedef struct Spread {
    int64_t stride[MODEL_VARIABLES_MAX];   // by variable, 0 where its tables have the same rows at all nodes
    SpreadAt *at;               // [product of the nodes of the others]
} Spread;

struct Tangent {
    const Lattice *lattice;     // borrowed
    const LatticeRule *rule;    // borrowed, or NULL
    Team *team, *sweep_team;    // borrowed; the latter NULL where a second thread does not pay
    const TangentKernel *kernel;
    TangentJob job;
    bool *possible;             // [n_jump x n_mode_state]
    int32_t *mode_row, *move_row;
    int64_t *shift_where;       // with private types: [n_jump x n_mode_state] see policy_shifts
    int32_t *mode_span, *move_span, *node;
    TangentTurn *turn;
    int64_t n_turn, turn_room;
    TangentCell *cell;
    TangentFlow *flow;
    TangentSite *site;
    TangentCorner *corner;
    TangentWay *way;
    Spread *spread;             // [n_jump]
    int64_t n_flow, n_site, n_corner, n_way, flow_room, site_room, corner_room, way_room;
    int32_t *lane;              // [groups of a block] see TangentJob
    float *still;               // [n_lane + 16] no rate at all, for lines along which nothing moves
    float **rate;               // [n_rate] float copies of the rate tables that depend on the lane, each of its table's length
    int32_t n_rate;
    // the order of a sweep: levels of blocks, each computed from the same values and then written back
    int32_t *order;             // [n_block] blocks by level
    int64_t n_level, *level;    // [n_level + 1] first block of each in `order`
    int64_t *stage;             // [2 n_level + 1] first task of each stage
    bool goes_back;             // sweeps go through the levels and back
    int64_t *back;              // [2 n_level + 1] as `stage`, of the levels in reverse
    bool is_back;               // that is what goes on now
    int64_t n_cut, cut;         // pieces of a block, groups of lanes of one
    float *next;                // [widest level x n_cut x n_mode_state x n_actor x sixteen for each group]
    float *room;                // for each worker
    double *take_room;          // for each worker
    int64_t room_stride, sweep_stride, take_stride;
    double *worst;              // [tasks of tangent_take]
    float *d;                   // of the sweep at hand
    Asking asking;
};

// room for one more entry of a growing table
static bool grow(void **table, int64_t n, int64_t *room, size_t size) {
    if (n < *room) return true;
    int64_t more = *room ? 2 * *room : 256;
    void *t = memory_resize(*table, (size_t)more * size);
    if (!t) return false;
    *table = t;
    *room = more;
    return true;
}

// ---- the tables -------------------------------------------------------------------------------------------------------

// Coefficient rows of every combination of modes: 1/D of each row of values, the drift of each belief, then what each move has.
// The last four may be NULL; span: see TangentJob.
static int64_t count_rows(const Lattice *l, const bool *possible, const LatticeRule *rule, int32_t *mode_row, int32_t *move_row,
                          int32_t *mode_span, int32_t *move_span) {
    const Model *m = l->model;
    int32_t n_value = model_rows(m), n_span = 0;
    int64_t total = 0;
    for (int64_t ms = 0; ms < l->n_mode_state; ms++) {
        if (mode_row) mode_row[ms] = (int32_t)total;
        if (mode_span) mode_span[ms] = n_span;
        int32_t row = n_value + m->n_private, signal = 0;
        for (int32_t j = 0; j < m->n_jump; j++) {
            bool is_made = m->jump[j].kind == JUMP_MOVE &&
                           (possible ? possible[j * l->n_mode_state + ms] : policy_is_possible(l, j, ms)) &&
                           !(rule && rule->actor == m->jump[j].actor && rule->never[j]);
            bool is_signal = is_made && model_is_signal(m, j);
            if (move_row) move_row[j * l->n_mode_state + ms] = is_made ? row : -1;
            if (move_span) move_span[j * l->n_mode_state + ms] = is_signal ? signal : -1;
            if (is_made) row += tangent_bend_row(model_types(m, m->jump[j].actor), is_signal, n_value, 0);
            signal += is_signal;
        }
        total += row;
        n_span += signal;
    }
    if (mode_row) mode_row[l->n_mode_state] = (int32_t)total;
    if (mode_span) mode_span[l->n_mode_state] = n_span;
    return total;
}

static const float *rate_row(Tangent *t, const LatticeTable *table, const LatticeBlock *view) {
    // tables are few, so the copy of a table is found by looking through them
    const Lattice *l = t->lattice;
    int32_t k = 0;
    for (int32_t v = 0; v < l->model->n_stock; v++) {
        if (table == &l->stock[v].up) return t->rate[k] + (lattice_row(l, table, view) - table->value);
        k++;
        if (table == &l->stock[v].down) return t->rate[k] + (lattice_row(l, table, view) - table->value);
        k++;
    }
    for (int32_t j = 0; j < l->model->n_jump; j++, k++)
        if (table == &l->jump[j].rate) return t->rate[k] + (lattice_row(l, table, view) - table->value);
    for (int32_t p = 0; p < l->model->n_private; p++)
        for (int32_t b = 0; b < l->model->private[p].n_becomes; b++, k++)
            if (table == &l->private[p].becomes[b]) return t->rate[k] + (lattice_row(l, table, view) - table->value);
    return t->still;
}

static bool copy_rate(Tangent *t, int32_t k, const LatticeTable *table) {
    if (!table->inner || !table->value) return true;
    t->rate[k] = memory_zeroed((size_t)table->n + LANES_LEAST, sizeof **t->rate);
    for (int64_t i = 0; t->rate[k] && i < table->n; i++) t->rate[k][i] = (float)table->value[i];
    return t->rate[k];
}

// in the order in which rate_row looks through them
static bool copy_rates(Tangent *t) {
    const Lattice *l = t->lattice;
    const Model *m = l->model;
    t->n_rate = 2 * m->n_stock + m->n_jump;
    for (int32_t p = 0; p < m->n_private; p++) t->n_rate += m->private[p].n_becomes;
    t->rate = memory_zeroed((size_t)t->n_rate, sizeof *t->rate);
    t->still = memory_zeroed((size_t)l->n_lane + LANES_LEAST, sizeof *t->still);
    bool ok = t->rate && t->still;
    int32_t k = 0;
    for (int32_t v = 0; ok && v < m->n_stock; v++) {
        ok = copy_rate(t, k++, &l->stock[v].up);
        ok = ok && copy_rate(t, k++, &l->stock[v].down);
    }
    for (int32_t j = 0; ok && j < m->n_jump; j++) ok = copy_rate(t, k++, &l->jump[j].rate);
    for (int32_t p = 0; ok && p < m->n_private; p++)
        for (int32_t b = 0; ok && b < m->private[p].n_becomes; b++) ok = copy_rate(t, k++, &l->private[p].becomes[b]);
    return ok;
}

// Whether a flow may be read from all lanes: where it leads out of the block its rate is 0, and there is something to read.
static bool is_whole(const Lattice *l, const LatticeBlock *view, Row rate, int64_t shift, int64_t from, int64_t to) {
    if (from == 0 && to == l->n_lane) return true;
    if (!rate.lane || view->first + shift < 0 || view->first + shift + l->n_lane + LANES_LEAST > l->n_state) return false;
    for (int64_t i = 0; i < from; i++)
        if (rate.lane[i] != 0.0) return false;
    for (int64_t i = to; i < l->n_lane; i++)
        if (rate.lane[i] != 0.0) return false;
    return true;
}

static bool push_flow(Tangent *t, const LatticeTable *rate, const LatticeBlock *view, double weight, int64_t shift,
                      int64_t from, int64_t to) {
    Row row = row_of(t->lattice, rate, view);
    if (row_is_zero(row) || weight == 0.0) return true;
    if (!grow((void **)&t->flow, t->n_flow, &t->flow_room, sizeof *t->flow)) return false;
    bool whole = is_whole(t->lattice, view, row, shift, from, to);
    t->flow[t->n_flow++] = (TangentFlow){.shift = shift, .lane = row.lane ? rate_row(t, rate, view) : NULL,
                                         .weight = (float)(row.lane ? weight : weight * row.one),
                                         .from = (int32_t)(whole ? 0 : from),
                                         // beyond the last lane nothing is looked at, so a vector may run over the end
                                         .to = (int32_t)(whole || to == t->lattice->n_lane ? t->lattice->n_lane + LANES_LEAST : to)};
    return true;
}

// one more corner of a jump whose targets depend on the lane, with no weight in any lane yet
static bool push_corner(Tangent *t, int64_t shift) {
    if (!grow((void **)&t->corner, t->n_corner, &t->corner_room, sizeof *t->corner)) return false;
    float *lane = memory_zeroed((size_t)t->lattice->n_lane + LANES_LEAST, sizeof *lane);
    if (!lane) return false;
    t->corner[t->n_corner++] = (TangentCorner){.shift = shift, .lane = lane, .from = (int32_t)t->lattice->n_lane};
    return true;
}

// Where a jump leads whose targets depend on the lane: the shifts that there are in each of its branches, with their weights by
// lane. Blocks that its tables don't tell apart have the same.
static bool make_spread(Tangent *t, int32_t jump, const LatticeBlock *view, int64_t *first, int32_t *n) {
    const Lattice *l = t->lattice;
    const LatticeJump *j = &l->jump[jump];
    int64_t which = 0;
    for (int32_t v = 0; v < l->n_variable; v++) which += t->spread[jump].stride[v] * view->node[v];
    SpreadAt *at = &t->spread[jump].at[which];
    bool is_known = at->n > 0;
    if (!is_known) at->first = t->n_corner;
    for (int32_t b = 0; !is_known && b < j->n_branch; b++) {
        const LatticeBranch *branch = &j->branch[b];
        int64_t start = t->n_corner;
        for (int64_t i = 0; i < l->n_lane; i++) {
            int64_t move = 0, step[MODEL_VARIABLES_MAX];
            float up[MODEL_VARIABLES_MAX];
            int32_t n_split = 0;
            for (int32_t k = 0; k < branch->n_shift; k++) {
                const LatticeShift *s = &branch->shift[k];
                int64_t lane = s->move.inner ? i : 0;
                double share = lattice_row(l, &s->up, view)[lane];
                move += (int64_t)lattice_row(l, &s->move, view)[lane];
                if (share == 0.0) continue;
                up[n_split] = (float)share;
                step[n_split++] = l->stride[s->variable];
            }
            for (int64_t corner = 0; corner < (int64_t)1 << n_split; corner++) {
                float weight = (float)branch->weight;
                int64_t shift = move, c = start;
                for (int32_t k = 0; k < n_split; k++) {
                    bool is_up = corner >> k & 1;
                    weight *= is_up ? up[k] : 1.0f - up[k];
                    if (is_up) shift += step[k];
                }
                while (c < t->n_corner && t->corner[c].shift != shift) c++;
                if (c == t->n_corner && !push_corner(t, shift)) return false;
                TangentCorner *to = &t->corner[c];
                to->lane[i] += weight;
                to->from = i < to->from ? (int32_t)i : to->from;
                to->to = (int32_t)i + 1;
            }
        }
    }
    if (!is_known) at->n = (int32_t)(t->n_corner - at->first);
    *first = at->first;
    *n = at->n;
    return true;
}

// whether the tables of a jump have other rows at other nodes of an outer variable
static bool tells_apart(const LatticeJump *j, int32_t v) {
    bool is_read = false;
    for (int32_t b = 0; b < j->n_branch; b++)
        for (int32_t i = 0; i < j->branch[b].n_shift; i++)
            is_read |= j->branch[b].shift[i].move.stride[v] != 0 || j->branch[b].shift[i].up.stride[v] != 0;
    return is_read;
}

// by which nodes the tables of a jump tell blocks apart, and room for what is found there
static bool spread_open(Spread *spread, const Lattice *l, const LatticeJump *j) {
    int64_t n = 1;
    for (int32_t k = l->n_variable - l->n_inner - 1; k >= 0; k--) {
        int32_t v = l->order[k];
        if (!tells_apart(j, v)) continue;
        spread->stride[v] = n;
        n *= l->n_node[v];
    }
    spread->at = memory_zeroed((size_t)n, sizeof *spread->at);
    return spread->at;
}

// the targets of a jump whose shifts hold for the whole block, corner by corner
static int64_t corners_of(const Lattice *l, int32_t jump, const LatticeBlock *view, int32_t branch, int64_t corner,
                          double *weight) {
    const LatticeBranch *b = &l->jump[jump].branch[branch];
    int64_t shift = 0;
    *weight = b->weight;
    for (int32_t k = 0, bit = 0; k < b->n_shift; k++) {
        shift += (int64_t)*lattice_row(l, &b->shift[k].move, view);
        double up = b->shift[k].has_split ? *lattice_row(l, &b->shift[k].up, view) : 0.0;
        if (up == 0.0) continue;
        bool is_up = corner >> bit++ & 1;
        *weight *= is_up ? up : 1.0 - up;
        if (is_up) shift += l->stride[b->shift[k].variable];
    }
    return shift;
}

static int64_t n_corner_of(const Lattice *l, int32_t jump, const LatticeBlock *view, int32_t branch) {
    const LatticeBranch *b = &l->jump[jump].branch[branch];
    int64_t n = 1;
    for (int32_t k = 0; k < b->n_shift; k++)
        if (b->shift[k].has_split && *lattice_row(l, &b->shift[k].up, view) != 0.0) n *= 2;
    return n;
}

static bool make_flows(Tangent *t, const LatticeBlock *view) {
    const Lattice *l = t->lattice;
    const Model *m = l->model;
    int64_t n = l->n_lane;
    for (int32_t k = 0; k < m->n_stock; k++) {
        const LatticeStock *s = &l->stock[k];
        int32_t v = m->n_mode + k;
        int64_t step = l->stride[v];
        if (!s->moves || step < n) continue;
        if (view->node[v] < l->n_node[v] - 1 && !push_flow(t, &s->up, view, 1.0, step, 0, n)) return false;
        if (view->node[v] > 0 && !push_flow(t, &s->down, view, 1.0, -step, 0, n)) return false;
    }
    for (int32_t j = 0; j < m->n_jump; j++) {
        if (m->jump[j].kind != JUMP_EVENT || l->jump[j].inner) continue;
        for (int32_t b = 0; b < l->jump[j].n_branch; b++)
            for (int64_t c = 0; c < n_corner_of(l, j, view, b); c++) {
                double weight;
                int64_t shift = corners_of(l, j, view, b, c, &weight);
                if (!push_flow(t, &l->jump[j].rate, view, weight, shift, 0, n)) return false;
            }
    }
    // what stays in the block, but where lines are solved
    for (int32_t k = 0; k < m->n_stock && t->job.line_stock < 0; k++) {
        const LatticeStock *s = &l->stock[k];
        int64_t step = l->stride[m->n_mode + k];
        if (!s->moves || step >= n) continue;
        if (!push_flow(t, &s->up, view, 1.0, step, 0, n - step)) return false;
        if (!push_flow(t, &s->down, view, 1.0, -step, step, n)) return false;
    }
    for (int32_t j = 0; j < m->n_jump; j++) {
        if (m->jump[j].kind != JUMP_EVENT || !l->jump[j].inner) continue;
        int64_t before = t->n_flow;
        if (!push_flow(t, &l->jump[j].rate, view, 1.0, 0, 0, n)) return false;
        if (t->n_flow > before && !make_spread(t, j, view, &t->flow[before].corner, &t->flow[before].n_corner)) return false;
    }
    return true;
}

// Where lines are solved: the rates along them, and the flows from line to line. Their ends have no rates.
static bool make_lines(Tangent *t, const LatticeBlock *view, TangentCell *cell) {
    const Lattice *l = t->lattice;
    for (int32_t k = 0; k < l->model->n_stock; k++) {
        const LatticeStock *s = &l->stock[k];
        int64_t step = l->stride[l->model->n_mode + k], n = l->n_lane;
        if (step >= n) continue;
        if (k == t->job.line_stock) {
            cell->up = s->moves ? rate_row(t, &s->up, view) : t->still;
            cell->down = s->moves ? rate_row(t, &s->down, view) : t->still;
        } else if (s->moves) {
            int64_t first = t->n_flow, shift = step / t->job.line;
            if (!push_flow(t, &s->up, view, 1.0, shift, 0, n)) return false;
            if (!push_flow(t, &s->down, view, 1.0, -shift, 0, n)) return false;
            cell->n_across += (int32_t)(t->n_flow - first);
        }
    }
    return true;
}

static bool make_sites(Tangent *t, const LatticeBlock *view, int64_t mode) {
    const Lattice *l = t->lattice;
    const Model *m = l->model;
    SweepJob job = {.lattice = l, .rule = t->rule, .possible = t->possible};
    for (int32_t k = 0; k < m->n_actor; k++) {
        if (row_is_zero(row_of(l, &l->actor[k].attends, view))) continue;
        int32_t move[MODEL_MOVES_MAX], n_move = moves_of(&job, view, k, move);
        for (int32_t a = 0; a < n_move; a++) {
            int32_t j = move[a];
            int64_t shift;
            if (!grow((void **)&t->site, t->n_site, &t->site_room, sizeof *t->site)) return false;
            TangentSite *site = &t->site[t->n_site++];
            *site = (TangentSite){.jump = j, .actor = k, .row = t->move_row[j * l->n_mode_state + mode], .target = -1,
                                  .corner = t->n_corner, .n_type = model_types(m, k), .first = model_row(m, k)};
            if (model_is_signal(m, j)) {
                int32_t variable = m->private[m->actor[k].private].variable;
                site->is_signal = true;
                site->here = view->node[variable];
                site->step = l->stride[variable];
                site->span = t->move_span[j * l->n_mode_state + mode];
            }
            if (jump_is_shift(l, &l->jump[j], view, &shift) && shift % l->n_stock_state == 0) {
                site->target = (int32_t)(mode + shift / l->n_stock_state);
                if (!grow((void **)&t->way, t->n_way, &t->way_room, sizeof *t->way)) return false;
                t->way[t->n_way++] = (TangentWay){.row = site->row, .target = site->target};
                continue;
            }
            if (l->jump[j].inner) {
                if (!make_spread(t, j, view, &site->corner, &site->n_corner)) return false;
                continue;
            }
            for (int32_t b = 0; b < l->jump[j].n_branch; b++)
                for (int64_t c = 0; c < n_corner_of(l, j, view, b); c++) {
                    double weight;
                    int64_t to = corners_of(l, j, view, b, c, &weight);
                    if (!grow((void **)&t->corner, t->n_corner, &t->corner_room, sizeof *t->corner)) return false;
                    t->corner[t->n_corner++] = (TangentCorner){.shift = to, .weight = (float)weight};
                    site->n_corner++;
                }
        }
    }
    return true;
}

// types that become others
static bool make_turns(Tangent *t, const LatticeBlock *view) {
    const Lattice *l = t->lattice;
    const Model *m = l->model;
    for (int32_t k = 0; k < m->n_actor; k++) {
        int32_t p = m->actor[k].private, first = model_row(m, k);
        for (int32_t b = 0; p >= 0 && b < m->private[p].n_becomes; b++) {
            const LatticeTable *table = &l->private[p].becomes[b];
            Row row = row_of(l, table, view);
            if (row_is_zero(row)) continue;
            int32_t to = m->private[p].becomes[b].type;
            for (int32_t type = 0; type < m->private[p].n_type; type++) {
                if (type == to) continue;
                if (!grow((void **)&t->turn, t->n_turn, &t->turn_room, sizeof *t->turn)) return false;
                t->turn[t->n_turn++] = (TangentTurn){.from = first + type, .to = first + to,
                                                     .lane = row.lane ? rate_row(t, table, view) : NULL, .one = (float)row.one};
            }
        }
    }
    return true;
}

// 0: from all lanes at one rate; 1: from all lanes at rates of their own; 2: the rest
static int kind_of(const Tangent *t, const TangentFlow *f) {
    if (f->n_corner > 0 || f->from > 0 || f->to < t->lattice->n_lane) return 2;
    return f->lane ? 1 : 0;
}

// the flows of a cell, by kind; there are few, so by insertion
static void sort_flows(const Tangent *t, TangentCell *cell) {
    TangentFlow *f = t->flow + cell->flow;
    int64_t n = t->n_flow - cell->flow;
    int32_t count[3] = {0};
    for (int64_t i = 0; i < n; i++) {
        TangentFlow x = f[i];
        int64_t at = i;
        for (; at > 0 && kind_of(t, &f[at - 1]) > kind_of(t, &x); at--) f[at] = f[at - 1];
        f[at] = x;
        count[kind_of(t, &x)]++;
    }
    cell->n_flat = count[0];
    cell->n_uneven = count[1];
    cell->n_rest = count[2];
}

static bool make_cells(Tangent *t) {
    const Lattice *l = t->lattice;
    t->cell = memory_zeroed((size_t)l->n_block, sizeof *t->cell);
    t->spread = memory_zeroed((size_t)l->model->n_jump, sizeof *t->spread);
    if (!t->cell || !t->spread || !copy_rates(t)) return false;
    for (int32_t j = 0; j < l->model->n_jump; j++)
        if (l->jump[j].inner && !spread_open(&t->spread[j], l, &l->jump[j])) return false;
    int64_t n_block = t->job.n_block;
    for (int64_t b = 0; b < n_block; b++)
        for (int64_t ms = 0; ms < l->n_mode_state; ms++) {
            LatticeBlock view;
            lattice_block(l, ms * n_block + b, &view);
            TangentCell *cell = &t->cell[b * l->n_mode_state + ms];
            cell->flow = t->n_flow;
            cell->site = t->n_site;
            cell->way = t->n_way;
            cell->turn = t->n_turn;
            for (int32_t p = 0; p < l->model->n_private; p++)
                t->node[b * l->model->n_private + p] = view.node[l->model->private[p].variable];
            if (!make_flows(t, &view)) return false;
            sort_flows(t, cell);
            if (t->job.line_stock >= 0 && !make_lines(t, &view, cell)) return false;
            if (!make_sites(t, &view, ms)) return false;
            cell->n_site = (int32_t)(t->n_site - cell->site);
            cell->n_way = (int32_t)(t->n_way - cell->way);
            if (!make_turns(t, &view)) return false;
            cell->n_turn = (int32_t)(t->n_turn - cell->turn);
        }
    return true;
}

// ---- the order of a sweep ---------------------------------------------------------------------------------------------

// Values are carried against the flow, so the states that a stock drifts to should come before those it leaves: +1 if it
// drifts downwards on the whole, else -1.
static int direction(const LatticeStock *s) {
    double net = 0;
    for (int64_t i = 0; i < s->down.n; i++) net += s->down.value[i];
    for (int64_t i = 0; i < s->up.n; i++) net -= s->up.value[i];
    return net >= 0 ? 1 : -1;
}

static bool drifts_both_ways(const LatticeStock *s) {
    bool up = false, down = false;
    for (int64_t i = 0; i < s->up.n; i++) up |= s->up.value[i] > 0;
    for (int64_t i = 0; i < s->down.n; i++) down |= s->down.value[i] > 0;
    return up && down;
}

// whether sweeps go along some stock outside of blocks and back
static bool may_go_back(const Lattice *l) {
    bool found = false;
    for (int32_t k = l->model->n_mode; k < l->n_variable - l->n_inner; k++) {
        int32_t v = l->order[k], stock = v - l->model->n_mode;
        if (stock >= l->model->n_stock || !l->stock[stock].moves || l->n_node[v] < BACK_NODES) continue;
        found |= drifts_both_ways(&l->stock[stock]);
    }
    return found;
}

// blocks whose outer nodes, each counted in its stock's direction, have about the same sum make a level. Drift never leads from
// one to another of those with the very same, so little of what they do to each other has to wait a sweep
static bool make_order(Tangent *t) {
    const Lattice *l = t->lattice;
    int64_t n_block = t->job.n_block, n_diagonal = 1, n_level;
    int sign[MODEL_VARIABLES_MAX] = {0};
    for (int32_t k = l->model->n_mode; k < l->n_variable - l->n_inner; k++) {
        int32_t v = l->order[k], stock = v - l->model->n_mode;
        // beliefs drift both ways
        sign[v] = stock < l->model->n_stock && l->stock[stock].moves ? direction(&l->stock[stock]) : 1;
        n_diagonal += l->n_node[v] - 1;
    }
    n_level = l->n_state / LEVEL_STATES > LEVELS_LEAST ? l->n_state / LEVEL_STATES : LEVELS_LEAST;
    t->goes_back = may_go_back(l);
    if (n_level > n_diagonal || t->goes_back) n_level = n_diagonal;
    int32_t *at = memory_alloc((size_t)n_block * sizeof *at);
    t->order = memory_alloc((size_t)n_block * sizeof *t->order);
    t->level = memory_zeroed((size_t)n_level + 1, sizeof *t->level);
    t->stage = memory_zeroed(2 * (size_t)n_level + 1, sizeof *t->stage);
    t->back = memory_zeroed(2 * (size_t)n_level + 1, sizeof *t->back);
    bool ok = at && t->order && t->level && t->stage && t->back;
    for (int64_t b = 0; ok && b < n_block; b++) {
        LatticeBlock view;
        lattice_block(l, b, &view);
        at[b] = 0;
        for (int32_t k = l->model->n_mode; k < l->n_variable - l->n_inner; k++) {
            int32_t v = l->order[k];
            at[b] += sign[v] > 0 ? view.node[v] : l->n_node[v] - 1 - view.node[v];
        }
        at[b] = (int32_t)(at[b] * n_level / n_diagonal);
        t->level[at[b] + 1]++;
    }
    for (int64_t k = 0; ok && k < n_level; k++) t->level[k + 1] += t->level[k];
    // a counting sort, stable; `back` is not made yet and lends itself
    for (int64_t k = 0; ok && k < n_level; k++) t->back[k] = t->level[k];
    for (int64_t b = 0; ok && b < n_block; b++) t->order[t->back[at[b]]++] = (int32_t)b;
    memory_free(at);
    t->n_level = n_level;
    return ok;
}

// how a block falls into lines, and lines into groups of lanes
static void make_shape(TangentJob *job, const Lattice *l) {
    int32_t innermost = l->n_variable ? l->order[l->n_variable - 1] : 0;
    bool is_lined = l->n_inner > 0 && l->n_node[innermost] >= LINE_NODES && l->stock[innermost - l->model->n_mode].up.inner;
    job->n_block = l->n_stock_state / l->n_lane;
    job->line_stock = is_lined ? innermost - l->model->n_mode : -1;
    job->line = is_lined ? l->n_node[innermost] : l->n_lane;
    job->n_line = l->n_lane / job->line;
    job->line_group = (job->line + LANES_LEAST - 1) / LANES_LEAST;
    job->group = !is_lined && l->n_lane < LANES_LEAST ? l->n_lane : LANES_LEAST;
    job->n_lane = job->n_line * job->line_group * job->group;
}

// Bytes of a group of lanes that every round through the combinations of modes looks at: what has become, what came from outside,
// pivots, and the rates of moves within the block, on average over blocks.
static int64_t again_bytes(const Tangent *t) {
    int64_t n_cell = t->job.n_block * t->lattice->n_mode_state, rate = 0;
    for (int64_t c = 0; c < n_cell; c++)
        for (int32_t k = 0; k < t->cell[c].n_site; k++) {
            const TangentSite *site = &t->site[t->cell[c].site + k];
            // the first bend stands behind all rates
            if (site->target >= 0) rate += tangent_bend_row(site->n_type, site->is_signal, 0, 0);
        }
    return 4 * LANES_LEAST * (rate / t->job.n_block + 3 * t->lattice->n_mode_state * t->job.n_value);
}

Tangent *tangent_make(const Lattice *l, const LatticeRule *rule, Team *team) {
    const Model *m = l->model;
    Tangent *t = memory_zeroed(1, sizeof *t);
    if (!t) return NULL;
    t->lattice = l;
    t->rule = rule && rule->actor >= 0 ? rule : NULL;
    t->team = team;
    t->sweep_team = (int64_t)model_rows(l->model) * l->n_state < TANGENT_SHARED ? NULL : team;
    t->kernel = m->n_private ? ISA_KERNEL(tangent_types_kernel) : ISA_KERNEL(tangent_kernel);
    int64_t n_mode = l->n_mode_state, n_lane = l->n_lane, n_actor = m->n_actor, n_value = model_rows(m);
    make_shape(&t->job, l);

    t->possible = memory_zeroed((size_t)m->n_jump * (size_t)n_mode, sizeof *t->possible);
    t->mode_row = memory_alloc(((size_t)n_mode + 1) * sizeof *t->mode_row);
    t->move_row = memory_alloc((size_t)m->n_jump * (size_t)n_mode * sizeof *t->move_row);
    t->shift_where = memory_zeroed((size_t)m->n_jump * (size_t)n_mode, sizeof *t->shift_where);
    t->mode_span = memory_alloc(((size_t)n_mode + 1) * sizeof *t->mode_span);
    t->move_span = memory_alloc((size_t)m->n_jump * (size_t)n_mode * sizeof *t->move_span);
    t->node = memory_zeroed((size_t)t->job.n_block * (size_t)m->n_private, sizeof *t->node);
    if (!t->possible || !t->mode_row || !t->move_row || !t->shift_where || !t->mode_span || !t->move_span || !t->node) goto fail;
    policy_shifts(l, t->shift_where);
    for (int32_t j = 0; j < m->n_jump; j++)
        for (int64_t ms = 0; ms < n_mode && m->jump[j].kind == JUMP_MOVE; ms++)
            t->possible[j * n_mode + ms] = policy_is_possible(l, j, ms);
    t->job.n_row = count_rows(l, t->possible, t->rule, t->mode_row, t->move_row, t->mode_span, t->move_span);
    t->job.n_span = t->mode_span[n_mode];
    t->job.n_value = (int32_t)n_value;
    int64_t n_group = t->job.n_line * t->job.line_group, widest = 1;
    t->lane = memory_alloc((size_t)n_group * sizeof *t->lane);
    if (!t->lane) goto fail;
    for (int64_t g = 0; g < n_group; g++)
        t->lane[g] = (int32_t)(g / t->job.line_group * t->job.line + g % t->job.line_group * LANES_LEAST);
    if (!make_cells(t) || !make_order(t)) goto fail;

    // pieces of a block that stay in cache, all of one size or nearly; lines are solved whole, and see one another
    int64_t most = t->job.line_stock >= 0 ? n_group : SWEEP_BYTES / again_bytes(t);
    most = most < 1 ? 1 : most;
    t->n_cut = (n_group + most - 1) / most;
    t->cut = (n_group + t->n_cut - 1) / t->n_cut;
    t->n_cut = (n_group + t->cut - 1) / t->cut;
    for (int64_t k = 0; k < t->n_level; k++) {
        int64_t n = t->level[k + 1] - t->level[k];
        widest = n > widest ? n : widest;
        t->stage[2 * k + 1] = t->stage[2 * k] + n * t->n_cut;
        t->stage[2 * k + 2] = t->stage[2 * k + 1] + n;
    }
    t->back[0] = 0;
    for (int64_t k = 0; k < 2 * t->n_level; k++) {
        int64_t from = 2 * (t->n_level - 1 - k / 2) + k % 2;
        t->back[k + 1] = t->back[k] + t->stage[from + 1] - t->stage[from];
    }
    int64_t most_moves = 1;
    for (int32_t k = 0; k < n_actor; k++) {
        int64_t n = 0;
        for (int32_t j = 0; j < m->n_jump; j++) n += m->jump[j].kind == JUMP_MOVE && m->jump[j].actor == k;
        most_moves = n > most_moves ? n : most_moves;
    }
    t->room_stride = n_mode * n_value * t->cut * LANES_LEAST;
    int64_t take_rows = m->n_private ? tangent_types_rows(t->job.n_value, (int32_t)most_moves) : 2 * n_actor + 7 + 4 * most_moves;
    t->take_stride = (take_rows * n_lane + 15) / 8 * 8;
    t->job.span = memory_zeroed((size_t)(2 * t->job.n_block * t->job.n_span * n_group), sizeof *t->job.span);
    int64_t n_coefficient = t->job.n_block * t->job.n_row * t->job.n_lane + LANES_LEAST;
    t->job.coefficient = memory_floats(n_coefficient);
    // what fills up the last group of a line is never written; taking writes all else
    if (t->job.coefficient && t->job.n_lane > n_lane) memset(t->job.coefficient, 0, (size_t)n_coefficient * sizeof(float));
    t->next = memory_floats(widest * t->n_cut * t->room_stride);
    t->sweep_stride = t->room_stride + n_value * t->cut * LANES_LEAST;
    t->room = memory_floats(t->sweep_stride * team_size(team));
    t->take_room = memory_column(t->take_stride * team_size(team));
    t->worst = memory_column(l->n_state / TAKE_STATES + l->n_block / (TAKE_STATES / n_lane + 1) + 2);
    if (!t->job.coefficient || !t->next || !t->room || !t->take_room || !t->worst || !t->job.span) goto fail;

    t->job.lattice = l;
    t->job.mode_row = t->mode_row;
    t->job.move_row = t->move_row;
    t->job.cell = t->cell;
    t->job.flow = t->flow;
    t->job.site = t->site;
    t->job.corner = t->corner;
    t->job.way = t->way;
    t->job.lane = t->lane;
    t->job.turn = t->turn;
    t->job.mode_span = t->mode_span;
    t->job.move_span = t->move_span;
    t->job.node = t->node;
    t->job.types = (TypesJob){.lattice = l, .rule = t->rule, .possible = t->possible, .shift_where = t->shift_where,
                              .n_row = t->job.n_value, .n_move = (int32_t)most_moves};
    return t;

fail:
    tangent_free(t);
    return NULL;
}

void tangent_free(Tangent *t) {
    if (!t) return;
    memory_free(t->job.types.held);
    memory_free(t->worst);
    memory_free(t->take_room);
    memory_free(t->room);
    memory_free(t->next);
    memory_free(t->job.span);
    memory_free(t->job.coefficient);
    memory_free(t->stage);
    memory_free(t->back);
    memory_free(t->level);
    memory_free(t->order);
    for (int32_t k = 0; t->rate && k < t->n_rate; k++) memory_free(t->rate[k]);
    memory_free(t->rate);
    memory_free(t->still);
    memory_free(t->turn);
    for (int64_t c = 0; c < t->n_corner; c++) memory_free(t->corner[c].lane);
    for (int32_t j = 0; t->spread && j < t->lattice->model->n_jump; j++) memory_free(t->spread[j].at);
    memory_free(t->spread);
    memory_free(t->way);
    memory_free(t->lane);
    memory_free(t->corner);
    memory_free(t->site);
    memory_free(t->flow);
    memory_free(t->cell);
    memory_free(t->node);
    memory_free(t->move_span);
    memory_free(t->mode_span);
    memory_free(t->shift_where);
    memory_free(t->move_row);
    memory_free(t->mode_row);
    memory_free(t->possible);
    memory_free(t);
}

// targets of one branch of a jump in one block, or in one of its lanes, at most
static double branch_corners(const LatticeBranch *b) {
    double n = 1;
    for (int32_t k = 0; k < b->n_shift; k++) n *= b->shift[k].has_split ? 2 : 1;
    return n;
}

// and of all its branches
static double most_corners(const LatticeJump *j) {
    double n = 0;
    for (int32_t b = 0; b < j->n_branch; b++) n += branch_corners(&j->branch[b]);
    return n;
}

// how many nodes up or down the lanes of a block go along one variable, from the least to the most: as many numbers as there may be
static double count_shifts(const Lattice *l, const LatticeShift *s, const LatticeBlock *view) {
    double step = (double)l->stride[s->variable], least = INFINITY, most = -INFINITY;
    for (int64_t i = 0; i < l->n_lane; i++) {
        double at = lattice_row(l, &s->move, view)[s->move.inner ? i : 0] / step;
        bool is_split = s->has_split && lattice_row(l, &s->up, view)[s->up.inner ? i : 0] != 0.0;
        least = fmin(least, at);
        most = fmax(most, at + is_split);
    }
    return most - least + 1;
}

// whether a block is the first of those that the tables of a jump don't tell apart (spread_open)
static bool is_first(const Lattice *l, const LatticeJump *j, const LatticeBlock *view) {
    for (int32_t k = 0; k < l->n_variable - l->n_inner; k++) {
        int32_t v = l->order[k];
        if (!tells_apart(j, v) && view->node[v] != 0) return false;
    }
    return true;
}

// corners of a jump whose targets depend on the lane (make_spread), in one block, at most
static double count_spread(const Lattice *l, const LatticeJump *j, const LatticeBlock *view) {
    double all = 0;
    for (int32_t b = 0; b < j->n_branch; b++) {
        double n = 1, most = (double)l->n_lane * branch_corners(&j->branch[b]);
        for (int32_t k = 0; k < j->branch[b].n_shift; k++) n *= count_shifts(l, &j->branch[b].shift[k], view);
        all += n < most ? n : most;
    }
    return all;
}

// all of that in all blocks that their tables tell apart, each corner with its weights by lane
static double spread_bytes(const Lattice *l) {
    double bytes = 0, corner = 2.0 * sizeof(TangentCorner) + 4.0 * (double)(l->n_lane + LANES_LEAST) + 16;
    for (int32_t j = 0; j < l->model->n_jump; j++) {
        if (!l->jump[j].inner) continue;
        for (int64_t b = 0; b < l->n_block; b++) {
            LatticeBlock view;
            lattice_block(l, b, &view);
            if (is_first(l, &l->jump[j], &view)) bytes += sizeof(SpreadAt) + corner * count_spread(l, &l->jump[j], &view);
        }
    }
    return bytes;
}

static double rate_bytes(const LatticeTable *t) { return t->inner && t->value ? 4.0 * (double)(t->n + LANES_LEAST) : 0; }

double tangent_bytes(const Lattice *l) {
    const Model *m = l->model;
    TangentJob job = {0};
    make_shape(&job, l);
    double rows = (double)count_rows(l, NULL, NULL, NULL, NULL, NULL, NULL) / (double)l->n_mode_state, n_value = model_rows(m);
    double filled = (double)(job.n_block * job.n_lane) * (double)l->n_mode_state, n_mode = (double)l->n_mode_state;
    int32_t n_outer = 0, n_move = 0, n_signal = 0;

    // a cell's flows, moves and where they lead; growing tables are twice as long as need be, at most
    double flow = 2.0 * m->n_stock, site = 0, corner = 0, turn = 0, rate = 0;
    for (int32_t j = 0; j < m->n_jump; j++) {
        bool is_move = m->jump[j].kind == JUMP_MOVE;
        n_move += is_move;
        n_signal += model_is_signal(m, j);
        if (!is_move) flow += l->jump[j].inner ? 1 : most_corners(&l->jump[j]);
        else if (!l->jump[j].inner) corner += most_corners(&l->jump[j]);
        site += is_move;
        rate += rate_bytes(&l->jump[j].rate);
    }
    for (int32_t k = 0; k < m->n_stock; k++) rate += rate_bytes(&l->stock[k].up) + rate_bytes(&l->stock[k].down);
    for (int32_t p = 0; p < m->n_private; p++)
        for (int32_t b = 0; b < m->private[p].n_becomes; b++) {
            turn += m->private[p].n_type - 1;
            rate += rate_bytes(&l->private[p].becomes[b]);
        }
    double cell = sizeof(TangentCell) + 2 * (flow * sizeof(TangentFlow) + site * (sizeof(TangentSite) + sizeof(TangentWay)) +
                                             corner * sizeof(TangentCorner) + turn * sizeof(TangentTurn));

    // what a level of a sweep writes: of blocks along one variable each level has its share, along several the middle ones more
    int64_t n_diagonal = 1, n_level = l->n_state / LEVEL_STATES > LEVELS_LEAST ? l->n_state / LEVEL_STATES : LEVELS_LEAST;
    for (int32_t k = m->n_mode; k < l->n_variable - l->n_inner; k++, n_outer++) n_diagonal += l->n_node[l->order[k]] - 1;
    double share = 2.0 * n_outer / (double)(n_level < n_diagonal ? n_level : n_diagonal);

    // and what each thread works in
    double lanes = (double)(job.n_line * job.line_group * LANES_LEAST);
    double take = m->n_private ? (double)tangent_types_rows((int32_t)n_value, n_move) : 2.0 * m->n_actor + 7 + 4.0 * n_move;
    double thread = 4 * (n_mode + 1) * n_value * lanes + 8 * (take * (double)l->n_lane + 16);

    // spans of signals, nodes of beliefs and the order of blocks are a few integers a block
    double block = 4.0 * m->n_private + 8 + 4.0 * n_signal * n_mode * (double)(job.n_line * job.line_group);
    double held = 8.0 * m->n_private * (double)l->n_state;
    return ceil(4 * rows * filled + held + cell * (double)l->n_block + spread_bytes(l) + rate +
                4 * n_value * (double)job.n_block * lanes * n_mode * (share < 1 ? share : 1) + block * (double)job.n_block +
                thread * team_core_count());
}

// ---- using it ---------------------------------------------------------------------------------------------------------

static void task_take(void *context, int64_t task, int worker) {
    Tangent *t = context;
    if (asking_stopped(&t->asking, worker)) return;
    int64_t each = TAKE_STATES / t->lattice->n_lane + 1, end = (task + 1) * each;
    if (end > t->lattice->n_block) end = t->lattice->n_block;
    double worst = 0;
    for (int64_t b = task * each; b < end; b++) {
        double w = t->kernel->take(&t->job, b % t->job.n_block, b / t->job.n_block,
                                   t->take_room + worker * t->take_stride);
        worst = w > worst ? w : worst;
    }
    t->worst[task] = worst;
}

bool tangent_is_known(const Model *m) {
    for (int32_t p = 0; p < m->n_private; p++)
        if (m->private[p].n_type != 2) return false;
    return true;
}

void tangent_heed(Tangent *t, const Progress *progress) {
    t->asking.progress = progress;
    atomic_store(&t->asking.stopped, false);
}

double tangent_take(Tangent *t, double scale, double *value, float *miss, float *slope) {
    const Lattice *l = t->lattice;
    t->job.types.precision_scale = scale;
    t->job.types.value = value;
    t->job.shift = value + t->job.n_value * l->n_state;
    t->job.choice = (SweepJob){.lattice = l, .rule = t->rule, .possible = t->possible, .precision_scale = scale,
                               .value = value};
    t->job.miss = miss;
    t->job.slope = slope;
    int64_t each = TAKE_STATES / l->n_lane + 1, n_task = (l->n_block + each - 1) / each;
    team_run(t->team, task_take, t, n_task);
    if (atomic_load(&t->asking.stopped)) return INFINITY;
    double worst = 0;
    for (int64_t i = 0; i < n_task; i++) worst = t->worst[i] > worst ? t->worst[i] : worst;
    return worst;
}

void tangent_joint(Tangent *t, bool is_joint) { t->job.types.is_joint = is_joint; }

DurStatus tangent_hold(Tangent *t, TangentHold how) {
    memory_free(t->job.types.held);
    int64_t n = how != TANGENT_HOLD_NONE ? 2 * t->lattice->model->n_private * t->lattice->n_state : 0;
    t->job.types.held = n > 0 ? memory_zeroed((size_t)n, sizeof(float)) : NULL;
    t->job.types.held_stay = how == TANGENT_HOLD_STAY;
    return n == 0 || t->job.types.held ? DUR_OK : DUR_MEMORY;
}

void tangent_lag(Tangent *t, double lag) { t->job.types.lag = lag; }

static void task_sweep(void *context, int64_t task, int worker) {
    Tangent *t = context;
    if (asking_stopped(&t->asking, worker)) return;
    const Lattice *l = t->lattice;
    int64_t n_value = t->job.n_value, n_mode = l->n_mode_state;
    const int64_t *first = t->is_back ? t->back : t->stage;
    int64_t stage = team_stage(2 * t->n_level, first, task);
    int64_t level = t->is_back ? t->n_level - 1 - stage / 2 : stage / 2, index = task - first[stage];
    if (stage % 2 == 0) {
        int64_t slot = index / t->n_cut, from = index % t->n_cut * t->cut, to = from + t->cut;
        if (to > t->job.n_line * t->job.line_group) to = t->job.n_line * t->job.line_group;
        t->kernel->sweep(&t->job, t->order[t->level[level] + slot], from, to,
                         t->next + index * t->room_stride, t->room + worker * t->sweep_stride);
        return;
    }
    // written back: other blocks of this level have read what was there
    int64_t block = t->order[t->level[level] + index];
    int64_t n_group = t->job.n_line * t->job.line_group, line = t->job.line, line_pad = t->job.line_group * LANES_LEAST;
    for (int64_t cut = 0; cut < t->n_cut; cut++) {
        int64_t from = cut * t->cut, n = n_group - from < t->cut ? n_group - from : t->cut, pad = n * LANES_LEAST;
        const float *next = t->next + (index * t->n_cut + cut) * t->room_stride;
        for (int64_t mode = 0; mode < n_mode; mode++)
            for (int64_t e = 0; e < n_value; e++, next += pad) {
                // a piece is some groups of a block's only line, or all its lines
                float *to = t->d + e * l->n_state + mode * l->n_stock_state + block * l->n_lane + from * LANES_LEAST;
                int64_t most = line - from * LANES_LEAST < pad ? line - from * LANES_LEAST : pad;
                for (int64_t k = 0; k < t->job.n_line; k++)
                    memcpy(to + k * line, next + k * line_pad, (size_t)most * sizeof *next);
            }
    }
}

void tangent_sweep(Tangent *t, const float *r, float *d) {
    t->job.right = r;
    t->job.d = d;
    t->d = d;
    team_run_stages(t->sweep_team, task_sweep, t, 2 * t->n_level, t->stage);
    if (!t->goes_back) return;
    t->is_back = true;
    team_run_stages(t->sweep_team, task_sweep, t, 2 * t->n_level, t->back);
    t->is_back = false;
}

int32_t tangent_passes(const Tangent *t) { return t->goes_back ? 2 : 1; }

double tangent_traffic(const Tangent *t) {
    const Lattice *l = t->lattice;
    return 4.0 * tangent_passes(t) * ((double)t->job.n_row * (double)(t->job.n_block * t->job.n_lane) + 2.0 * t->job.n_value * (double)l->n_state);
}
