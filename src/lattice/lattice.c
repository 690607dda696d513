#include "lattice/internal.h"

#include "base/memory.h"
#include "num/elementary.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/// Lanes that a block should have: enough to keep vectors busy over the cost of starting a row, few enough that a
/// block's rows (some dozens) stay in a second-level cache of 1 MiB. With few combinations of modes a block may have more:
/// what its stocks do to one another is then settled block by block, and a solve takes fewer sweeps.
#define LANES_ENOUGH 32
#define LANES_MOST   1024
#define BLOCK_STATES 32768

// in rounds: some move's effect moves or reads this stock
static bool is_in_moves(const Model *m, int32_t variable) {
    if (m->clock != CLOCK_ROUNDS) return false;
    for (int32_t j = 0; j < m->n_jump; j++)
        for (int32_t k = 0; m->jump[j].kind == JUMP_MOVE && k < m->jump[j].n_effect; k++) {
            const ModelEffect *e = &m->jump[j].effect[k];
            if (e->to == variable || m->program[e->value].reads >> variable & 1) return true;
        }
    return false;
}

// how often jumps move a stock: inner stocks should be moved by none
static int times_moved(const Model *m, int32_t variable) {
    int n = 0;
    for (int32_t j = 0; j < m->n_jump; j++)
        for (int32_t k = 0; k < m->jump[j].n_effect; k++)
            if (m->jump[j].effect[k].to == variable) n++;
    return n;
}

// nodes of a variable as the scenario says; all of a belief's are on the axis of its first variable
static int32_t nodes_of(const Model *m, int32_t variable) {
    int32_t type, p = model_belief(m, variable, &type);
    if (p >= 0 && type > 1) return 1;
    if (p >= 0) return (int32_t)fmin(belief_nodes(&m->private[p]), INT32_MAX);
    return variable < m->n_mode ? m->mode[variable].n_value : m->stock[variable - m->n_mode].n_grid;
}

void lattice_grid(const Model *m, int32_t *n_node) {
    for (int32_t v = 0; v < model_variables(m); v++) n_node[v] = nodes_of(m, v);
}

// modes first, then beliefs, then stocks by falling number of jumps that move them; the tail becomes the block
static void choose_order(Lattice *l) {
    const Model *m = l->model;
    int32_t first_stock = m->n_mode + m->n_belief;
    for (int32_t v = 0; v < l->n_variable; v++) {
        int32_t type, p = model_belief(m, v, &type), place = v < m->n_mode ? v : p < 0 ? v + m->n_belief : v - m->n_stock;
        l->order[place] = v;
        l->axis[v] = p < 0 ? v : m->private[p].variable;
    }
    for (int32_t i = first_stock + 1; i < l->n_variable; i++)
        for (int32_t k = i; k > first_stock; k--) {
            int32_t a = l->order[k - 1], b = l->order[k];
            int ta = times_moved(m, a) + 1000000 * is_in_moves(m, a), tb = times_moved(m, b) + 1000000 * is_in_moves(m, b);
            if (ta > tb || (ta == tb && l->n_node[a] <= l->n_node[b])) break;
            l->order[k - 1] = b;
            l->order[k] = a;
        }
    l->n_lane = l->n_mode_state = 1;
    for (int32_t v = 0; v < m->n_mode; v++) l->n_mode_state *= l->n_node[v];
    int64_t most = BLOCK_STATES / l->n_mode_state > LANES_MOST ? BLOCK_STATES / l->n_mode_state : LANES_MOST;
    for (int32_t k = l->n_variable - 1; k >= first_stock; k--) {
        int32_t v = l->order[k];
        // in rounds rows of joint choices are many, so a block is no longer than it needs to be
        if (l->n_lane * l->n_node[v] > most || (m->clock == CLOCK_ROUNDS && l->n_lane >= LANES_ENOUGH)) break;
        if (times_moved(m, v) > 0 && l->n_lane >= LANES_ENOUGH) break;
        if (is_in_moves(m, v)) break;
        l->n_lane *= l->n_node[v];
        l->n_inner++;
    }
    int64_t stride = 1;
    for (int32_t k = l->n_variable - 1; k >= 0; k--) {
        l->stride[l->order[k]] = stride;
        stride *= l->n_node[l->order[k]];
    }
    l->n_state = stride;
    l->n_stock_state = l->n_state / l->n_mode_state;
    l->n_block = l->n_state / l->n_lane;
}

static double table_bytes(const Lattice *l, uint64_t reads) {
    double n = 1;
    bool inner = false;
    for (int32_t k = 0; k < l->n_variable; k++) {
        int32_t v = l->order[k];
        bool is_read = false;
        for (int32_t u = 0; u < l->n_variable; u++) is_read |= l->axis[u] == v && (reads >> u & 1);
        if (!is_read) continue;
        if (k >= l->n_variable - l->n_inner) inner = true;
        else n *= l->n_node[v];
    }
    return 8.0 * n * (inner ? (double)l->n_lane : 1.0);
}

static uint64_t reads_of(const Model *m, ProgramId p) { return p == PROGRAM_NONE ? 0 : m->program[p].reads; }

// the table, and where it reads its actor's type those of all types beside it
static double by_type_bytes(const Lattice *l, ProgramId p, const ProgramId *by_type, int32_t actor) {
    double sum = table_bytes(l, reads_of(l->model, p));
    for (int32_t t = 0; by_type && t < model_types(l->model, actor); t++)
        sum += table_bytes(l, reads_of(l->model, by_type[t]));
    return sum;
}

LatticeSize lattice_size(const Model *m) { return lattice_size_grid(m, NULL); }

LatticeSize lattice_size_grid(const Model *m, const int32_t *n_node) {
    LatticeSize size = {.n_state = 1};
    for (int32_t v = 0; v < model_variables(m); v++) size.n_state *= n_node ? n_node[v] : nodes_of(m, v);
    if (size.n_state > (double)LATTICE_STATES_MAX || size.n_state < 1) return size;

    Lattice l = {.model = m, .n_variable = model_variables(m)};
    for (int32_t v = 0; v < l.n_variable; v++) l.n_node[v] = n_node ? n_node[v] : nodes_of(m, v);
    choose_order(&l);
    for (int32_t a = 0; a < m->n_actor; a++)
        size.table_bytes += table_bytes(&l, reads_of(m, m->actor[a].attends)) +
                            by_type_bytes(&l, m->actor[a].precision, m->actor[a].precision_by_type, a);
    for (int32_t k = 0; k < m->n_stock; k++)
        size.table_bytes += 2 * table_bytes(&l, reads_of(m, m->stock[k].drift) | reads_of(m, m->stock[k].noise) |
                                                (uint64_t)1 << (m->n_mode + k));
    for (int32_t t = 0; t < m->n_term; t++) 
        size.table_bytes += by_type_bytes(&l, m->term[t].value, m->term[t].by_type, m->term[t].actor);
    for (int32_t p = 0; p < m->n_private; p++) {
        const ModelPrivate *mp = &m->private[p];
        size.table_bytes += belief_nodes(mp) * mp->n_type * (8 + 4.0 * mp->n_type);
        for (int32_t k = 0; k < mp->n_becomes; k++) size.table_bytes += table_bytes(&l, reads_of(m, mp->becomes[k].rate));
    }
    for (int32_t j = 0; j < m->n_jump; j++) {
        const ModelJump *mj = &m->jump[j];
        uint64_t when = reads_of(m, mj->when);
        size.table_bytes += table_bytes(&l, when) + table_bytes(&l, when | reads_of(m, mj->rate));
        double n_branch = 1;
        for (int32_t d = 0; d < mj->n_draw; d++) n_branch *= mj->draw[d].n_value;
        for (int32_t k = 0; k < mj->n_effect; k++)
            size.table_bytes += 2 * n_branch *
                table_bytes(&l, reads_of(m, mj->effect[k].value) | (uint64_t)1 << mj->effect[k].to);
        for (int32_t k = 0; k < mj->n_lump; k++)
            size.table_bytes += by_type_bytes(&l, mj->lump[k].value, mj->lump[k].by_type, mj->lump[k].actor);
    }
    for (int32_t k = 0; k < m->n_change; k++)
        size.table_bytes += 2 * table_bytes(&l, reads_of(m, m->change[k].value) | (uint64_t)1 << m->change[k].to);
    return size;
}

double lattice_level(const Lattice *l, int32_t v, int32_t node) {
    if (v < l->model->n_mode) return node;
    if (v >= l->model->n_mode + l->model->n_stock) {
        int32_t type, p = model_belief(l->model, v, &type);
        return l->private[p].belief[(int64_t)node * l->private[p].n_type + type];
    }
    const ModelStock *s = &l->model->stock[v - l->model->n_mode];
    // the last node is the limit itself, whatever rounding says
    return node == l->n_node[v] - 1 ? s->high : s->low + node * l->stock[v - l->model->n_mode].step;
}

void lattice_nodes(const Lattice *l, int64_t state, int32_t *node) {
    for (int32_t v = 0; v < l->n_variable; v++) node[v] = (int32_t)(state / l->stride[v] % l->n_node[v]);
}

int64_t lattice_state(const Lattice *l, const int32_t *node) {
    int64_t state = 0;
    for (int32_t v = 0; v < l->n_variable; v++) state += node[v] * l->stride[v];
    return state;
}

void lattice_block(const Lattice *l, int64_t block, LatticeBlock *view) {
    view->block = block;
    view->first = block * l->n_lane;
    int32_t n_outer = l->n_variable - l->n_inner;
    for (int32_t k = 0; k < l->n_variable; k++) {
        int32_t v = l->order[k];
        view->node[v] = k < n_outer ? (int32_t)(view->first / l->stride[v] % l->n_node[v]) : 0;
    }
}

int32_t lattice_split(const Lattice *l, const double *value, int64_t *state, double *weight) {
    int32_t n = 1;
    state[0] = 0;
    weight[0] = 1.0;
    int32_t first_belief = l->model->n_mode + l->model->n_stock;
    for (int32_t v = 0; v < first_belief; v++) {
        int32_t lower;
        double up = 0;
        if (v < l->model->n_mode) {
            lower = (int32_t)value[v];
        } else {
            const ModelStock *s = &l->model->stock[v - l->model->n_mode];
            double x = value[v] < s->low ? s->low : value[v] > s->high ? s->high : value[v];
            double at = (x - s->low) / l->stock[v - l->model->n_mode].step, whole = floor(at + 0.5);
            if (fabs(at - whole) > 1e-9) whole = floor(at);
            lower = (int32_t)whole;
            up = at - whole > 1e-9 ? at - whole : 0.0;
            if (lower >= l->n_node[v] - 1) { lower = l->n_node[v] - 1; up = 0.0; }
        }
        int32_t end = n;
        for (int32_t i = 0; i < end; i++) {
            state[i] += lower * l->stride[v];
            if (up == 0.0 || n >= LATTICE_CORNERS_MAX) continue;
            state[n] = state[i] + l->stride[v];
            weight[n++] = weight[i] * up;
            weight[i] *= 1.0 - up;
        }
    }
    for (int32_t p = 0; p < l->model->n_private; p++) {
        int32_t v = l->model->private[p].variable, node[MODEL_TYPES_MAX], end = n;
        double share[MODEL_TYPES_MAX];
        int32_t n_corner = lattice_split_belief(&l->private[p], value + v, node, share);
        for (int32_t i = 0; i < end; i++) {
            for (int32_t c = 1; c < n_corner && n < LATTICE_CORNERS_MAX; c++) {
                state[n] = state[i] + node[c] * l->stride[v];
                weight[n++] = weight[i] * share[c];
            }
            state[i] += node[0] * l->stride[v];
            weight[i] *= share[0];
        }
    }
    return n;
}

double lattice_at_start(const Lattice *l, const double *x) {
    double sum = 0;
    for (int32_t i = 0; i < l->n_start; i++) sum += l->start_weight[i] * x[l->start_state[i]];
    return sum;
}

void lattice_describe(const Lattice *l, const int32_t *node, uint64_t mask, Text *out) {
    const Model *m = l->model;
    bool first = true;
    for (int32_t v = 0; v < l->n_variable; v++) {
        if (!(mask >> v & 1) && !(mask >> l->axis[v] & 1)) continue;
        text_printf(out, "%s%s=", first ? "" : ", ", model_variable_name(m, v));
        if (v < m->n_mode) text_append(out, m->mode[v].value[node[v]]);
        else text_number(out, lattice_level(l, v, node[l->axis[v]]), 6);
        first = false;
    }
}

static DurStatus start_make(Lattice *l, DurError *error) {
    const Model *m = l->model;
    double value[MODEL_VARIABLES_MAX] = {0};
    double corners = 1;
    for (int32_t k = 0; k < m->n_stock; k++) {
        const ModelStock *s = &m->stock[k];
        double x = eval_state(m, s->start, value, l->param, NULL, NULL);
        if (!isfinite(x) || x < s->low || x > s->high) {
            char number[32];
            return model_fail(m, m->program[s->start].span, error, DUR_DOMAIN, "the start of `%s` is %s, outside its range",
                              s->name, text_from_double(number, x));
        }
        value[m->n_mode + k] = x;
        corners *= 2;
    }
    for (int32_t p = 0; p < m->n_private; p++) {
        const ModelPrivate *private = &m->private[p];
        for (int32_t t = 1; t < private->n_type; t++) value[private->variable + t - 1] = private->start[t];
        corners *= private->n_type;
    }
    if (corners > LATTICE_CORNERS_MAX) corners = LATTICE_CORNERS_MAX;
    l->start_state = memory_zeroed((size_t)corners, sizeof *l->start_state);
    l->start_weight = memory_zeroed((size_t)corners, sizeof *l->start_weight);
    if (!l->start_state || !l->start_weight) return DUR_MEMORY;
    l->n_start = lattice_split(l, value, l->start_state, l->start_weight);
    return DUR_OK;
}

/// Least discount rate, per unit of time or round. Values are payoffs over this rate and the solver leaves open some 1e-8 of them;
/// what a move changes is payoffs over the rates at which things happen. Where those are near 1, choices are already vague at 1e-8,
/// which the certificate's consistency says; at 1e-13 they are rounding, which nothing says.
#define DISCOUNT_LEAST 1e-9

static DurStatus actor_make(Lattice *l, int32_t i, DurError *error) {
    const Model *m = l->model;
    const ModelActor *a = &m->actor[i];
    double none[MODEL_VARIABLES_MAX] = {0};
    bool is_rounds = m->clock == CLOCK_ROUNDS, is_given = a->discount != PROGRAM_NONE;
    double patience = is_given ? INFINITY : eval_state(m, a->patience, none, l->param, NULL, NULL);
    if (!is_given && (!(patience > 0) || !isfinite(patience))) {
        char number[32];
        return model_fail(m, m->program[a->patience].span, error, DUR_DOMAIN, "the patience of `%s` is %s; it must be above 0",
                          a->name, text_from_double(number, patience));
    }
    l->actor[i].rho = 1.0 / patience;
    l->actor[i].beta = is_given ? eval_state(m, a->discount, none, l->param, NULL, NULL) : elementary_exp(-1.0 / patience);
    // nobody looks further ahead than numbers can tell apart
    if (is_given ? 1 - l->actor[i].beta < DISCOUNT_LEAST : l->actor[i].rho < DISCOUNT_LEAST) {
        char most[64];
        if (is_given) snprintf(most, sizeof most, "discount can be 1 - %g", DISCOUNT_LEAST);
        else          snprintf(most, sizeof most, "patience can be %g %ss", 1 / DISCOUNT_LEAST, m->unit);
        return model_fail(m, m->program[is_given ? a->discount : a->patience].span, error, DUR_DOMAIN, "`%s` looks too far ahead: "
                          "beside values that large, what a move changes would be lost; its %s at most", a->name, most);
    }
    char what[160];
    snprintf(what, sizeof what, is_rounds ? "chance that `%.100s` attends" : "rate at which `%.100s` attends", a->name);
    TRY(table_make(l, PROGRAM_NONE, a->attends, what, is_rounds ? TABLE_PROBABILITY : TABLE_NOT_NEGATIVE,
                   &l->actor[i].attends, error));
    snprintf(what, sizeof what, "precision of `%.100s`", a->name);
    TRY(table_make_by_type(l, PROGRAM_NONE, a->precision_by_type, model_types(m, i), what, TABLE_NOT_NEGATIVE,
                           &l->actor[i].precision_by_type, error));
    return table_make(l, PROGRAM_NONE, a->precision, what, TABLE_NOT_NEGATIVE, &l->actor[i].precision, error);
}

// drift f: f/h to the next node if f > 0, |f|/h to the one below if f < 0; noise s: s^2/(2 h^2) to each side; none out
// of the range (semantics, "The lattice")
static DurStatus stock_make(Lattice *l, int32_t k, DurError *error) {
    const Model *m = l->model;
    const ModelStock *s = &m->stock[k];
    LatticeStock *out = &l->stock[k];
    int32_t v = m->n_mode + k;
    LatticeTable drift = {0}, noise = {0};
    DurStatus status = DUR_OK;
    char what[160];
    out->moves = s->drift != PROGRAM_NONE || s->noise != PROGRAM_NONE;
    if (!out->moves) return DUR_OK;

    uint64_t reads = reads_of(m, s->drift) | reads_of(m, s->noise) | (uint64_t)1 << v;
    table_shape(l, reads, &out->up);
    table_shape(l, reads, &out->down);
    out->up.value = memory_column(out->up.n);
    out->down.value = memory_column(out->down.n);
    if (!out->up.value || !out->down.value) return DUR_MEMORY;
    if (s->drift != PROGRAM_NONE) {
        snprintf(what, sizeof what, "drift of `%.100s`", s->name);
        status = table_make(l, PROGRAM_NONE, s->drift, what, TABLE_FINITE, &drift, error);
    }
    if (status == DUR_OK && s->noise != PROGRAM_NONE) {
        snprintf(what, sizeof what, "noise of `%.100s`", s->name);
        status = table_make(l, PROGRAM_NONE, s->noise, what, TABLE_NOT_NEGATIVE, &noise, error);
    }
    double h = out->step;
    for (int64_t i = 0; status == DUR_OK && i < out->up.n; i++) {
        int32_t node[MODEL_VARIABLES_MAX];
        table_nodes(l, &out->up, i, node);
        double f = drift.value ? lattice_table_at(l, &drift, node) : 0.0;
        double sigma = noise.value ? lattice_table_at(l, &noise, node) : 0.0;
        double spread = sigma * sigma / (2 * h * h);
        if (node[v] < l->n_node[v] - 1) out->up.value[i] = (f > 0 ? f / h : 0.0) + spread;
        if (node[v] > 0) out->down.value[i] = (f < 0 ? -f / h : 0.0) + spread;
    }
    lattice_table_free(&noise);
    lattice_table_free(&drift);
    return status;
}

static DurStatus private_make(Lattice *l, int32_t p, DurError *error) {
    const ModelPrivate *private = &l->model->private[p];
    for (int32_t k = 0; k < private->n_becomes; k++) {
        char what[160];
        snprintf(what, sizeof what, "rate at which `%.50s` becomes `%.50s`", private->name,
                 private->type[private->becomes[k].type]);
        TRY(table_make(l, PROGRAM_NONE, private->becomes[k].rate, what, TABLE_NOT_NEGATIVE, &l->private[p].becomes[k], error));
    }
    return DUR_OK;
}

static DurStatus make(Lattice *l, const Model *m, const double *param, const int32_t *n_node, DurError *error) {
    double n_state = 1;
    for (int32_t v = 0; v < l->n_variable; v++) {
        l->n_node[v] = n_node ? n_node[v] : nodes_of(m, v);
        n_state *= l->n_node[v];
        if (l->n_node[v] < 1) {
            int32_t type, p = model_belief(m, v, &type);
            if (p >= 0)
                return model_fail(m, m->private[p].span, error, DUR_INPUT,
                                  "private type `%s` has no `grid`, so there is no lattice to solve on", m->private[p].name);
            return model_fail(m, m->stock[v - m->n_mode].span, error, DUR_INPUT,
                              "stock `%s` has no `grid`, so there is no lattice to solve on", model_variable_name(m, v));
        }
    }
    if (n_state > (double)LATTICE_STATES_MAX) {
        Text states = {0}, most = {0};
        text_number(&states, n_state, 3);
        text_number(&most, (double)LATTICE_STATES_MAX, 10);
        DurStatus status = status_fail(error, DUR_LIMIT, "%s: the lattice would have %s states; the limit is %s. "
                                       "Fewer nodes (`grid`) or fewer stocks make it smaller.",
                                       m->path ? m->path : "scenario", text_view(&states), text_view(&most));
        text_free(&states);
        text_free(&most);
        return status;
    }
    choose_order(l);

    l->param = memory_column(m->n_param);
    l->actor = memory_zeroed((size_t)m->n_actor, sizeof *l->actor);
    l->stock = memory_zeroed((size_t)m->n_stock, sizeof *l->stock);
    l->jump  = memory_zeroed((size_t)m->n_jump, sizeof *l->jump);
    l->term  = memory_zeroed((size_t)m->n_term, sizeof *l->term);
    l->term_by_type = memory_zeroed((size_t)m->n_term, sizeof *l->term_by_type);
    l->private = memory_zeroed((size_t)m->n_private, sizeof *l->private);
    if (!l->param || !l->actor || !l->stock || !l->jump || !l->term || !l->term_by_type || !l->private) return DUR_MEMORY;
    if (m->n_param) memcpy(l->param, param, (size_t)m->n_param * sizeof *param);

    for (int32_t k = 0; k < m->n_stock; k++) {
        int32_t n = l->n_node[m->n_mode + k];
        l->stock[k].step = n > 1 ? (m->stock[k].high - m->stock[k].low) / (n - 1) : 1.0;
    }
    for (int32_t p = 0; p < m->n_private; p++) TRY(belief_make(&l->private[p], &m->private[p], l->n_node[m->private[p].variable]));
    for (int32_t p = 0; p < m->n_private; p++) TRY(private_make(l, p, error));
    TRY(start_make(l, error));
    for (int32_t i = 0; i < m->n_actor; i++) TRY(actor_make(l, i, error));
    for (int32_t k = 0; k < m->n_stock; k++) TRY(stock_make(l, k, error));
    for (int32_t j = 0; j < m->n_jump; j++) TRY(jump_make(l, j, &l->jump[j], error));
    TRY(change_make(l, &l->change, error));
    for (int32_t t = 0; t < m->n_term; t++) {
        char what[160];
        snprintf(what, sizeof what, "payoff `%.50s` of `%.50s`", m->term[t].name, m->actor[m->term[t].actor].name);
        TRY(table_make(l, PROGRAM_NONE, m->term[t].value, what, TABLE_FINITE, &l->term[t], error));
        TRY(table_make_by_type(l, PROGRAM_NONE, m->term[t].by_type, model_types(m, m->term[t].actor), what, TABLE_FINITE,
                               &l->term_by_type[t], error));
    }
    l->n_byte = (int64_t)lattice_size_grid(m, n_node).table_bytes;
    return DUR_OK;
}

DurStatus lattice_make(Lattice **out, const Model *model, const double *param, DurError *error) {
    return lattice_make_grid(out, model, param, NULL, error);
}

DurStatus lattice_make_grid(Lattice **out, const Model *model, const double *param, const int32_t *n_node,
                            DurError *error) {
    *out = NULL;
    Lattice *l = memory_zeroed(1, sizeof *l);
    if (!l) return status_fail(error, DUR_MEMORY, "out of memory while making the lattice");
    l->model = model;
    l->n_variable = model_variables(model);
    DurStatus status = make(l, model, param, n_node, error);
    if (status != DUR_OK) {
        lattice_free(l);
        return status_fail(error, status, "%s while making the lattice", status_text(status));
    }
    *out = l;
    return DUR_OK;
}

void lattice_free(Lattice *l) {
    if (!l) return;
    const Model *m = l->model;
    for (int32_t t = 0; l->term && t < m->n_term; t++) lattice_table_free(&l->term[t]);
    for (int32_t t = 0; l->term_by_type && t < m->n_term; t++)
        if (l->term_by_type[t]) table_free_by_type(l->term_by_type[t], model_types(m, m->term[t].actor));
    for (int32_t p = 0; l->private && p < m->n_private; p++) belief_free(&l->private[p], m->private[p].n_becomes);
    for (int32_t j = 0; l->jump && j < m->n_jump; j++) jump_free(l, j, &l->jump[j]);
    change_free(&l->change);
    for (int32_t k = 0; l->stock && k < m->n_stock; k++) {
        lattice_table_free(&l->stock[k].up);
        lattice_table_free(&l->stock[k].down);
    }
    for (int32_t i = 0; l->actor && i < m->n_actor; i++) {
        lattice_table_free(&l->actor[i].attends);
        lattice_table_free(&l->actor[i].precision);
        if (l->actor[i].precision_by_type) table_free_by_type(l->actor[i].precision_by_type, model_types(m, i));
    }
    memory_free(l->start_weight);
    memory_free(l->start_state);
    memory_free(l->private);
    memory_free(l->term_by_type);
    memory_free(l->term);
    memory_free(l->jump);
    memory_free(l->stock);
    memory_free(l->actor);
    memory_free(l->param);
    memory_free(l);
}

// ---- filling a column with an expression ----------------------------------------------------------------------------

typedef struct Fill {
    const Lattice *lattice;
    const LatticeTable *table;
    double *out;
} Fill;

static void fill_block(void *context, int64_t block, int worker) {
    (void)worker;
    Fill *f = context;
    const Lattice *l = f->lattice;
    LatticeBlock view;
    lattice_block(l, block, &view);
    const double *row = lattice_row(l, f->table, &view);
    for (int64_t i = 0; i < l->n_lane; i++) f->out[view.first + i] = row[f->table->inner ? i : 0];
}

DurStatus lattice_fill(const Lattice *l, ProgramId program, double *out, Team *team) {
    LatticeTable t;
    table_shape(l, l->model->program[program].reads, &t);
    t.value = memory_column(t.n);
    if (!t.value) return DUR_MEMORY;
    DurStatus status = table_evaluate(l, &t, program, NULL, 0, t.value);
    Fill fill = {.lattice = l, .table = &t, .out = out};
    if (status == DUR_OK) team_run(team, fill_block, &fill, l->n_block);
    lattice_table_free(&t);
    return status;
}
