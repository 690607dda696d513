/// Rows: what can happen in each state of the chain, laid out when a run first comes there.
#include "sim/walker.h"

#include "base/memory.h"

#include <assert.h>
#include <string.h>

/// Bounds are used while they are at most this many times the rates at the start, or this many a unit of time: a
/// candidate that comes to nothing costs about a third of one that leads to another state.
#define CHAIN_LOOSE 10.0

/// Room for the rows of one walker, at most: what a way can name.
#define ROWS_MAX ((size_t)(WAY_UNKNOWN - 1) * ROW_UNIT)

/// Places of a walker's index at the beginning: enough for a block of runs. A power of two.
#define PLACES_LEAST 1024

/// Cells of a group, at most, if it has more than one variable: counts of all times should stay in a second-level cache.
#define GROUP_CELLS 256

// ---- what walkers share -------------------------------------------------------------------------------------------

static double largest(const LatticeTable *t) {
    double most = 0;
    for (int64_t i = 0; i < t->n; i++) most = t->value[i] > most ? t->value[i] : most;
    return most;
}

static void add_source(Walk *w, ChainKind kind, int32_t index, const LatticeTable *rate) {
    double bound = largest(rate);
    if (bound == 0) return;
    w->source[w->n_source] = (ChainSource){kind, index};
    w->table[w->n_source] = rate;
    w->slot[w->n_source + 1] = w->slot[w->n_source] + bound;
    w->n_source++;
}

// what a source that has no table of its own reads
static double zero;
static const LatticeTable NOTHING = {.is_constant = true, .n = 1, .value = &zero};

bool is_surprised(const Setup *s, int32_t step, int32_t private) {
    const Policy *p = s->plan->step[step].policy;
    return p->is_surprise && p->rule.actor == s->model->private[private].actor;
}

// where the belief about private p may step to in silence, and at what rates, as a true type has it
int32_t belief_ways(const Setup *s, int32_t step, int32_t p, int32_t node_here, int64_t state, int32_t type,
                           int32_t *node, double *rate, int32_t *gain) {
    const Lattice *l = s->lattice;
    const ModelPrivate *mp = &s->model->private[p];
    const LatticePrivate *lp = &l->private[p];
    double drift[MODEL_TYPES_MAX];
    for (int32_t t = 1; t < mp->n_type; t++)
        drift[t - 1] = s->plan->step[step].policy->drift[(mp->variable - s->model->n_mode - s->model->n_stock + t - 1) *
                                                         l->n_state + state];
    int32_t n = lattice_drift_belief(lp, node_here, drift, node, rate, gain);
    if (type < 0 || is_surprised(s, step, p)) return n;
    double own = lp->belief[(int64_t)node_here * lp->n_type + type];
    for (int32_t k = 0; k < n && own > 0; k++) rate[k] *= lp->belief[(int64_t)node[k] * lp->n_type + type] / own;
    return n;
}

// the largest rate at which the belief about private p steps on, whatever the state, type and step of the plan
static double belief_bound(const Setup *s, int32_t p) {
    const Lattice *l = s->lattice;
    int32_t v = s->model->private[p].variable;
    double most = 0;
    for (int32_t step = 0; step < s->plan->n_step; step++)
        for (int64_t state = 0; state < l->n_state; state++) {
            int32_t here = (int32_t)(state / l->stride[v] % l->n_node[v]), node[MODEL_TYPES_MAX * MODEL_TYPES_MAX];
            double rate[MODEL_TYPES_MAX * MODEL_TYPES_MAX];
            for (int32_t type = 0; type < s->model->private[p].n_type; type++) {
                double sum = 0;
                int32_t n = belief_ways(s, step, p, here, state, type, node, rate, NULL);
                for (int32_t k = 0; k < n; k++) sum += rate[k];
                most = sum > most ? sum : most;
            }
        }
    return most;
}

static void add_private(Walk *w, int32_t p) {
    const ModelPrivate *mp = &w->setup->model->private[p];
    double bound[2] = {belief_bound(w->setup, p), 0};
    for (int32_t k = 0; k < mp->n_becomes; k++) bound[1] += largest(&w->setup->lattice->private[p].becomes[k]);
    for (int i = 0; i < 2; i++) {
        if (bound[i] == 0) continue;
        w->source[w->n_source] = (ChainSource){i ? CHAIN_BECOMES : CHAIN_BELIEF, p};
        w->table[w->n_source] = &NOTHING;
        // rates of types are products and quotients: a little room for rounding
        w->slot[w->n_source + 1] = w->slot[w->n_source] + bound[i] * (1 + 1e-12);
        w->n_source++;
    }
}

static DurStatus sources_make(Walk *w) {
    const Setup *s = w->setup;
    const Model *m = s->model;
    const Lattice *l = s->lattice;
    size_t most = 2 * (size_t)m->n_stock + (size_t)s->n_source + 2 * (size_t)m->n_private;
    w->source = memory_zeroed(most, sizeof *w->source);
    w->slot = memory_zeroed(most + 1, sizeof *w->slot);
    w->table = memory_zeroed(most + 2 * (size_t)s->n_meter, sizeof *w->table);
    if (!w->source || !w->slot || !w->table) return DUR_MEMORY;
    for (int32_t k = 0; k < m->n_stock; k++) {
        if (!l->stock[k].moves) continue;
        add_source(w, CHAIN_UP, k, &l->stock[k].up);
        add_source(w, CHAIN_DOWN, k, &l->stock[k].down);
    }
    for (int32_t i = 0; i < s->n_source; i++) {
        const Source *from = &s->source[i];
        if (from->becomes >= 0) continue;
        if (from->actor < 0) add_source(w, CHAIN_EVENT, from->jump, &l->jump[from->jump].rate);
        else                 add_source(w, CHAIN_ACTOR, from->actor, &l->actor[from->actor].attends);
    }
    int32_t node[MODEL_VARIABLES_MAX];
    double rate = 0;
    lattice_nodes(l, l->start_state[0], node);
    for (int32_t i = 0; i < w->n_source; i++) rate += lattice_table_at(l, w->table[i], node);
    for (int32_t p = 0; p < m->n_private; p++) add_private(w, p);
    w->is_shared = w->slot[w->n_source] <= CHAIN_LOOSE * fmax(rate, 1);
    w->n_reader = w->n_source;
    return DUR_OK;
}

// a table of its own for a program; without one where some node has no finite value
static DurStatus tabulate(Walk *w, ProgramId program, LatticeTable *table, int32_t *reader) {
    DurError ignored = {0};
    *reader = -1;
    if (program == PROGRAM_NONE) return DUR_OK;
    DurStatus status = lattice_tabulate(w->setup->lattice, program, "quantity", table, &ignored);
    if (status == DUR_DOMAIN) return DUR_OK;
    if (status != DUR_OK) return status;
    *reader = w->n_reader;
    w->table[w->n_reader++] = table;
    return DUR_OK;
}

static DurStatus meters_make(Walk *w) {
    const Setup *s = w->setup;
    w->meter = memory_zeroed((size_t)s->n_meter, sizeof *w->meter);
    if (!w->meter) return DUR_MEMORY;
    for (int32_t q = 0; q < s->n_meter; q++) {
        const ModelQuantity *quantity = s->meter[q].quantity;
        ChainMeter *m = &w->meter[q];
        TRY(tabulate(w, quantity->x, &m->x, &m->x_reader));
        TRY(tabulate(w, quantity->until, &m->until, &m->until_reader));
    }
    return DUR_OK;
}

// entries that one node of a variable is worth in a table: an outer variable's own stride; the lane's for an inner one,
// for a row has all lanes if it has any
static int64_t stride_in(const Lattice *l, const LatticeTable *t, int32_t v) {
    if (t->is_constant) return 0;
    bool is_inner = false;
    for (int32_t k = l->n_variable - l->n_inner; k < l->n_variable; k++) is_inner |= l->order[k] == v;
    return is_inner ? (t->inner ? l->stride[v] : 0) : t->stride[v];
}

static DurStatus links_make(Walk *w) {
    const Lattice *l = w->setup->lattice;
    int32_t n = 0;
    w->link = memory_zeroed((size_t)l->n_variable * (size_t)w->n_reader, sizeof *w->link);
    w->first_link = memory_zeroed((size_t)w->n_reader + 1, sizeof *w->first_link);
    if (!w->link || !w->first_link) return DUR_MEMORY;
    for (int32_t r = 0; r < w->n_reader; r++) {
        w->first_link[r] = n;
        for (int32_t v = 0; v < l->n_variable; v++) {
            int64_t stride = stride_in(l, w->table[r], v);
            if (stride) w->link[n++] = (Link){v, stride};
        }
    }
    w->first_link[w->n_reader] = n;
    return DUR_OK;
}

// neighbours in the order of states, as long as they have few cells together
static DurStatus groups_make(Walk *w) {
    const Lattice *l = w->setup->lattice;
    w->group = memory_zeroed((size_t)l->n_variable, sizeof *w->group);
    if (!w->group) return DUR_MEMORY;
    for (int32_t k = 0; k < l->n_variable && w->setup->n_time > 0 && !w->setup->kept; k++) {
        int32_t v = l->order[k];
        Group *last = w->n_group ? &w->group[w->n_group - 1] : NULL;
        if (last && last->n * l->n_node[v] <= GROUP_CELLS) {
            last->n *= l->n_node[v];
            last->last = k;
        } else {
            w->group[w->n_group++] = (Group){.n = l->n_node[v], .first = k, .last = k};
        }
    }
    for (int32_t g = 0; g < w->n_group; g++) {
        w->group[g].stride = l->stride[l->order[w->group[g].last]];
        w->group[g].base = w->n_cell;
        w->n_cell += w->group[g].n;
    }
    return DUR_OK;
}

static size_t row_bytes(const Walk *w, int32_t n_way) {
    size_t n = sizeof(Row) + ((size_t)w->n_group + (size_t)n_way + 1) / 2 * 2 * sizeof(uint32_t) +
               (size_t)n_way * sizeof(uint64_t) + 2 * (size_t)w->setup->n_meter * sizeof(double);
    return (n + ROW_UNIT - 1) / ROW_UNIT * ROW_UNIT;
}

// room for all states if they are few, and in any case for a block of runs
static DurStatus sizes_make(Walk *w) {
    const Setup *s = w->setup;
    const Model *m = s->model;
    w->n_combination = 1;
    for (int32_t p = 0; p < m->n_private; p++) w->n_combination *= m->private[p].n_type;
    w->n_what = 1 + m->n_jump + w->n_source;
    w->n_way = 2 * w->n_source + 1;
    for (int32_t j = 0; j < m->n_jump; j++) w->n_way += m->jump[j].kind == JUMP_MOVE;
    w->row_bytes = row_bytes(w, w->n_way);
    double all = (double)s->lattice->n_state * (double)w->n_combination * s->plan->n_step + 1;
    size_t least = (SIM_LANES + 2) * w->row_bytes;
    size_t most = s->rows_max < ROWS_MAX ? s->rows_max : ROWS_MAX;
    w->pool_bytes = all * (double)w->row_bytes < (double)most ? (size_t)all * w->row_bytes : most;
    if (w->pool_bytes < least) w->pool_bytes = least;
    // more kinds of ways, or larger rows, than one can name
    if (w->pool_bytes > ROWS_MAX || w->n_what > 1 << WAY_BITS) return DUR_LIMIT;
    w->is_short = all < (double)UINT32_MAX;
    return DUR_OK;
}

DurStatus walk_make(Walk **out, const Setup *setup, DurError *error) {
    *out = NULL;
    Walk *w = memory_zeroed(1, sizeof *w);
    if (!w) return DUR_MEMORY;
    w->setup = setup;
    DurStatus status = sources_make(w);
    if (status == DUR_OK) status = meters_make(w);
    if (status == DUR_OK) status = links_make(w);
    if (status == DUR_OK) status = groups_make(w);
    if (status == DUR_OK) status = sizes_make(w);
    if (status == DUR_LIMIT)
        status_fail(error, status, "too many events, moves and stocks to play the chain of this scenario; leave --lattice out");
    if (status == DUR_OK) *out = w;
    else walk_free(w);
    return status;
}

void walk_free(Walk *w) {
    if (!w) return;
    for (int32_t q = 0; w->meter && q < w->setup->n_meter; q++) {
        lattice_table_free(&w->meter[q].x);
        lattice_table_free(&w->meter[q].until);
    }
    memory_free(w->group);
    memory_free(w->link);
    memory_free(w->first_link);
    memory_free(w->meter);
    memory_free(w->table);
    memory_free(w->slot);
    memory_free(w->source);
    memory_free(w);
}

// ---- scenes -------------------------------------------------------------------------------------------------------

void scene_of(const Walk *w, int64_t key, Scene *out) {
    const Setup *s = w->setup;
    const Lattice *l = s->lattice;
    out->state = key % l->n_state;
    out->mode_state = out->state / l->n_stock_state;
    key /= l->n_state;
    for (int32_t p = s->model->n_private - 1; p >= 0; p--) {
        out->type[p] = (int32_t)(key % s->model->private[p].n_type);
        key /= s->model->private[p].n_type;
    }
    out->step = (int32_t)key;
    static_assert(LATTICE_STATES_MAX <= INT32_MAX, "a state is a number of 32 bits, which divides faster");
    int32_t rest = (int32_t)out->state;
    for (int32_t k = 0; k < l->n_variable; k++) {   // the slowest first: what is left is below its stride
        int32_t v = l->order[k], stride = (int32_t)l->stride[v];
        out->node[v] = rest / stride;
        rest -= out->node[v] * stride;
    }
}

int64_t scene_key(const Walk *w, const Scene *scene) {
    const Model *m = w->setup->model;
    int64_t key = scene->step;
    for (int32_t p = 0; p < m->n_private; p++) key = key * m->private[p].n_type + scene->type[p];
    return key * w->setup->lattice->n_state + scene->state;
}

double scene_rate(const Walk *w, const Scene *scene, int32_t source) {
    const Setup *s = w->setup;
    const ChainSource *from = &w->source[source];
    if (from->kind < CHAIN_BELIEF) return scene_read(w, scene, source);
    const ModelPrivate *mp = &s->model->private[from->index];
    double sum = 0;
    if (from->kind == CHAIN_BELIEF) {
        int32_t node[MODEL_TYPES_MAX * MODEL_TYPES_MAX];
        double rate[MODEL_TYPES_MAX * MODEL_TYPES_MAX];
        int32_t n = belief_ways(s, scene->step, from->index, scene->node[mp->variable], scene->state,
                                scene->type[from->index], node, rate, NULL);
        for (int32_t k = 0; k < n; k++) sum += rate[k];
    } else {
        for (int32_t k = 0; k < mp->n_becomes; k++)
            if (mp->becomes[k].type != scene->type[from->index])
                sum += lattice_table_at(s->lattice, &s->lattice->private[from->index].becomes[k], scene->node);
    }
    return sum;
}

// ---- rows ---------------------------------------------------------------------------------------------------------

bool rows_make(Rows *r, const Walk *w) {
    *r = (Rows){.walk = w};
    r->room = memory_zeroed(w->pool_bytes + 2 * ROW_UNIT, 1);
    r->n_place = PLACES_LEAST;
    r->place = memory_zeroed((size_t)r->n_place, sizeof *r->place);
    r->upper = memory_zeroed((size_t)w->n_way + 1, sizeof *r->upper);
    r->what = memory_zeroed((size_t)w->n_way + 1, sizeof *r->what);
    if (!r->room || !r->place || !r->upper || !r->what) return false;
    r->base = r->room + (ROW_UNIT - (uintptr_t)r->room % ROW_UNIT) % ROW_UNIT;
    r->used = ROW_UNIT;
    return true;
}

void rows_free(Rows *r) {
    memory_free(r->what);
    memory_free(r->upper);
    memory_free(r->place);
    memory_free(r->room);
    *r = (Rows){0};
}

void rows_forget(Rows *r) {
    memset(r->place, 0, (size_t)r->n_place * sizeof *r->place);
    r->n_row = 0;
    r->used = ROW_UNIT;
    r->generation++;
}

// one more way, up to a place on the line; what comes to nothing again only gets longer
static int32_t add_way(Rows *r, int32_t n, int32_t what, double upper) {
    double lower = n ? r->upper[n - 1] : 0;
    if (!(upper > lower)) return n;
    if (n && what == 0 && r->what[n - 1] == 0) n--;
    r->what[n] = (uint16_t)what;
    r->upper[n] = upper;
    return n + 1;
}

// ways out of a scene, from 0 to *rate
static int32_t ways_of(Rows *r, const Scene *scene, double *rate) {
    const Walk *w = r->walk;
    const Setup *s = w->setup;
    const Lattice *l = s->lattice;
    const Policy *p = s->plan->step[scene->step].policy;
    int64_t stock_state = scene->state - scene->mode_state * l->n_stock_state;
    int32_t n = 0;
    double at = 0;
    for (int32_t i = 0; i < w->n_source; i++) {
        const ChainSource *from = &w->source[i];
        double own = scene_rate(w, scene, i);
        if (w->is_shared) at = w->slot[i];
        n = add_way(r, n, 0, at);
        if (from->kind == CHAIN_ACTOR && own > 0) {   // moves in order of declaration, then waiting
            int64_t list = setup_open(s, scene->step, from->index, scene->mode_state);
            int32_t private = s->model->actor[from->index].private;
            int64_t block = private < 0 ? 0 : (1 + scene->type[private]) * l->n_stock_state;
            double chance = 0;
            for (int32_t k = s->first_open[list]; k < s->first_open[list + 1]; k++) {
                chance += p->probability[s->open_at[k] + block + stock_state];
                n = add_way(r, n, 1 + s->open[k], at + own * (chance < 1 ? chance : 1));
            }
            n = add_way(r, n, 0, at + own);
        } else {
            n = add_way(r, n, 1 + (from->kind == CHAIN_EVENT ? from->index : s->model->n_jump + i), at + own);
        }
        at += own;
    }
    *rate = w->is_shared ? w->slot[w->n_source] : at;
    return add_way(r, n, 0, *rate);
}

static uint64_t mix(uint64_t key) {
    key *= 0x9E3779B97F4A7C15u;
    return key ^ key >> 32;
}

// the place of a key: the row's, or the one that is free for it
static uint64_t find_place(const Rows *r, int64_t key) {
    uint64_t mask = (uint64_t)r->n_place - 1, at = mix((uint64_t)key) & mask;
    for (; r->place[at]; at = (at + 1) & mask)
        if ((uint32_t)r->place[at] == (uint32_t)key &&
            (r->walk->is_short || rows_at(r, (uint32_t)(r->place[at] >> 32))->key == key)) break;
    return at;
}

// twice as many places, so that half of them are free
static bool spread(Rows *r) {
    Rows more = *r;
    more.n_place = 2 * r->n_place;
    more.place = memory_zeroed((size_t)more.n_place, sizeof *more.place);
    if (!more.place) return false;
    for (int64_t i = 0; i < r->n_place; i++)
        if (r->place[i]) more.place[find_place(&more, rows_at(r, (uint32_t)(r->place[i] >> 32))->key)] = r->place[i];
    memory_free(r->place);
    *r = more;
    return true;
}

Row *rows_get(Rows *r, int64_t key) {
    const Walk *w = r->walk;
    uint64_t at = find_place(r, key);
    if (r->place[at]) return rows_at(r, (uint32_t)(r->place[at] >> 32));
    if (r->used + w->row_bytes > w->pool_bytes + ROW_UNIT) return NULL;
    if (2 * r->n_row >= r->n_place) {
        if (!spread(r)) return NULL;
        at = find_place(r, key);
    }

    Scene scene;
    double rate;
    scene_of(w, key, &scene);
    int32_t n = ways_of(r, &scene, &rate);
    if (n == 0) r->what[n++] = 0;
    Row *row = (Row *)(r->base + r->used);
    r->place[at] = (uint64_t)(r->used / ROW_UNIT) << 32 | (uint32_t)key;
    r->n_row++;
    r->used += row_bytes(w, n);
    row->key = key;
    row->rate = rate;
    row->n_way = n;
    row->is_known = false;
    for (int32_t k = 0; k < n; k++) row_way(row, w)[k] = r->what[k] ? WAY_UNKNOWN << WAY_BITS | r->what[k] : 0;
    // a candidate's number k stands for (k + 1/2) 2^-52: it is below a place x if k < x 2^52 - 1/2
    uint64_t *limit = row_limit(row, w);
    for (int32_t k = 0; k + 1 < n; k++) {
        double x = r->upper[k] / rate * 0x1p52 - 0.5;
        uint64_t whole = x > 0 ? (uint64_t)x : 0;
        limit[k] = whole + ((double)whole < x);
    }
    for (int32_t k = 0; k < VECTOR_HEADS; k++) {
        int64_t head = k + 1 < n ? (int64_t)(limit[k] >> 36) - 0x8000 : INT16_MAX;
        row->head[k] = n > VECTOR_HEADS ? INT16_MIN : (int16_t)(head < INT16_MAX ? head : INT16_MAX);
    }
    uint32_t *cell = row_cell(row);
    for (int32_t g = 0; g < w->n_group; g++)
        cell[g] = (uint32_t)(w->group[g].base + scene.state / w->group[g].stride % w->group[g].n);
    return row;
}

void row_learn(const Walk *w, Row *row) {
    const Setup *s = w->setup;
    if (row->is_known) return;
    row->is_known = true;
    Scene scene;
    double level[MODEL_VARIABLES_MAX], *value = row_meter(row, w);
    scene_of(w, row->key, &scene);
    lattice_levels(s->lattice, scene.node, level);
    for (int32_t q = 0; q < s->n_meter; q++) {
        const ChainMeter *m = &w->meter[q];
        const ModelQuantity *quantity = s->meter[q].quantity;
        ProgramId program[2] = {quantity->x, quantity->until};
        int32_t reader[2] = {m->x_reader, m->until_reader};
        for (int k = 0; k < 2; k++)
            value[2 * q + k] = program[k] == PROGRAM_NONE ? 0
                             : reader[k] >= 0 ? scene_read(w, &scene, reader[k])
                             : eval_state(s->model, program[k], level, s->lattice->param, NULL, NULL);
    }
}
