/// Runs on the lattice: the solved chain itself, jump by jump. Drift and noise are jumps like any other.
///
/// Random times come as in a block: candidates at a rate that bounds all rates, each falling to one source, which
/// then says whether it comes true; on the lattice the bounds are the largest values of the tables. So most
/// candidates look up one number. Where the bounds are far above the rates, the rates themselves are added up anew
/// after every jump (Gillespie 1977).
///
/// A table is read at an offset that is kept up to date: a variable that moves by one node moves the offset of every
/// table that reads it by its stride.
///
/// With private types a run has true ones, which make the moves. The belief is the public's exact posterior on the lattice,
/// too: where it steps to a node, by the split of a posterior or by drift in silence, which one it is depends on the true
/// type, so that at every node the types are as likely as the belief says, given all that went before. Then the public
/// part of a run has the law of the solved chain. (With w_k the chain's probability of node k and b the posterior, type t
/// goes to k with probability w_k b_t(k) / b_t; and so for rates.)
#include "sim/internal.h"

#include "base/memory.h"
#include "num/vector.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

/// Bounds are used while they are at most this many times the rates at the start, or this many a unit of time: a
/// candidate that comes to nothing costs about a fifth of one that adds up all rates.
#define CHAIN_LOOSE 10.0

/// Random numbers made at once.
#define BATCH 64
/// Candidates between two calls of poll.
#define POLL_EVERY 16384

typedef enum ChainKind { CHAIN_UP, CHAIN_DOWN, CHAIN_EVENT, CHAIN_ACTOR, CHAIN_BELIEF, CHAIN_BECOMES } ChainKind;

typedef struct ChainSource {
    ChainKind kind;
    int32_t   index;            // of the stock, jump, actor or private
} ChainSource;

/// A table whose offset a variable moves.
typedef struct Link {
    int32_t reader;
    int64_t stride;             // in entries a node
} Link;

/// A meter's condition or value: a table, or, if it has no finite value somewhere, evaluated where it is asked for.
typedef struct ChainMeter {
    LatticeTable x, until;
    int32_t x_reader, until_reader;      // negative: not tabulated, or there is none
    uint64_t reads;
} ChainMeter;

struct Walk {
    const Setup *setup;
    int32_t n_source;
    ChainSource *source;                 // [n_source]; reader i is source i's rate
    bool     is_shared;
    double  *slot;                       // [n_source + 1] bounds added up
    int32_t  n_reader;
    const LatticeTable **table;          // [n_reader] sources, then meters
    int32_t  first_link[MODEL_VARIABLES_MAX + 1];
    Link    *link;                       // variable by variable
    ChainMeter *meter;                   // [n_meter]
    int32_t *first_open;                 // [n_step x n_actor x n_mode_state + 1] into open
    int32_t *open;                       // moves that are possible, by step of the plan, actor and combination of modes
};

struct Walker {
    const Walk *walk;
    Tally   *tally;
    int64_t  run;
    int32_t  node[MODEL_VARIABLES_MAX];
    int64_t  state, mode_state;
    int32_t  type[MODEL_VARIABLES_MAX];  // [n_private] true types
    int64_t *at;                         // [n_reader] offsets into tables
    double   since;                      // when the present state began
    int32_t  instant, step, sample, n_open;
    int64_t  n_jump, n_try;
    double  *slot;                       // [n_source + 1] rates added up, where bounds are not used
    double  *x, *until;                  // [n_meter] in this state
    bool    *is_old, *settled;           // [n_meter] x and until are of an earlier state; value is final
    double  *value;                      // [n_meter] so far
    uint32_t candidate;                  // the one at hand
    uint32_t batch;                      // first candidate in gap and pick, ...
    int32_t  n_batch;                    // ... how many there are
    double   gap[BATCH], pick[BATCH];
};

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

static bool is_surprised(const Setup *s, int32_t step, int32_t private) {
    const Policy *p = s->plan->step[step].policy;
    return p->is_surprise && p->rule.actor == s->model->private[private].actor;
}

// where the belief about private p may step to in silence, and at what rates, as a true type has it
static int32_t belief_ways(const Setup *s, int32_t step, int32_t p, int32_t node_here, int64_t state, int32_t type,
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
        if (quantity->x != PROGRAM_NONE) m->reads |= s->model->program[quantity->x].reads;
        if (quantity->until != PROGRAM_NONE) m->reads |= s->model->program[quantity->until].reads;
        for (int32_t v = 0; v < s->lattice->n_variable; v++)
            if (m->reads >> v & 1) m->reads |= (uint64_t)1 << s->lattice->axis[v];
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
    if (!w->link) return DUR_MEMORY;
    for (int32_t v = 0; v < l->n_variable; v++) {
        w->first_link[v] = n;
        for (int32_t r = 0; r < w->n_reader; r++) {
            int64_t stride = stride_in(l, w->table[r], v);
            if (stride) w->link[n++] = (Link){r, stride};
        }
    }
    w->first_link[l->n_variable] = n;
    return DUR_OK;
}

static int64_t open_at(const Walk *w, int32_t step, int32_t actor, int64_t mode_state) {
    return ((int64_t)step * w->setup->model->n_actor + actor) * w->setup->lattice->n_mode_state + mode_state;
}

static DurStatus open_make(Walk *w) {
    const Setup *s = w->setup;
    const Lattice *l = s->lattice;
    int64_t n_list = open_at(w, s->plan->n_step, 0, 0), n = 0;
    w->first_open = memory_zeroed((size_t)n_list + 1, sizeof *w->first_open);
    w->open = memory_zeroed((size_t)s->plan->n_step * (size_t)l->n_mode_state * (size_t)s->model->n_jump, sizeof *w->open);
    if (!w->first_open || !w->open) return DUR_MEMORY;
    for (int32_t i = 0; i < s->plan->n_step; i++)
        for (int32_t a = 0; a < s->model->n_actor; a++)
            for (int64_t ms = 0; ms < l->n_mode_state; ms++) {
                w->first_open[open_at(w, i, a, ms)] = (int32_t)n;
                for (int32_t k = s->first_move[a]; k < s->first_move[a + 1]; k++)
                    if (s->plan->step[i].policy->where[s->move[k] * l->n_mode_state + ms] >= 0) w->open[n++] = s->move[k];
            }
    w->first_open[n_list] = (int32_t)n;
    return DUR_OK;
}

DurStatus walk_make(Walk **out, const Setup *setup, DurError *error) {
    (void)error;
    *out = NULL;
    Walk *w = memory_zeroed(1, sizeof *w);
    if (!w) return DUR_MEMORY;
    w->setup = setup;
    DurStatus status = sources_make(w);
    if (status == DUR_OK) status = meters_make(w);
    if (status == DUR_OK) status = links_make(w);
    if (status == DUR_OK) status = open_make(w);
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
    memory_free(w->open);
    memory_free(w->first_open);
    memory_free(w->link);
    memory_free(w->meter);
    memory_free(w->table);
    memory_free(w->slot);
    memory_free(w->source);
    memory_free(w);
}

Walker *walker_make(const Walk *walk, Tally *tally) {
    const Setup *s = walk->setup;
    size_t n_meter = (size_t)s->n_meter;
    Walker *w = memory_zeroed(1, sizeof *w);
    if (!w) return NULL;
    w->walk = walk;
    w->tally = tally;
    w->at = memory_zeroed((size_t)walk->n_reader, sizeof *w->at);
    w->slot = memory_zeroed((size_t)walk->n_source + 1, sizeof *w->slot);
    w->x = memory_zeroed(n_meter, sizeof *w->x);
    w->until = memory_zeroed(n_meter, sizeof *w->until);
    w->value = memory_zeroed(n_meter, sizeof *w->value);
    w->is_old = memory_zeroed(n_meter, sizeof *w->is_old);
    w->settled = memory_zeroed(n_meter, sizeof *w->settled);
    if (w->at && w->slot && w->x && w->until && w->value && w->is_old && w->settled) return w;
    walker_free(w);
    return NULL;
}

void walker_free(Walker *w) {
    if (!w) return;
    memory_free(w->settled);
    memory_free(w->is_old);
    memory_free(w->value);
    memory_free(w->until);
    memory_free(w->x);
    memory_free(w->slot);
    memory_free(w->at);
    memory_free(w);
}

// ---- the state ----------------------------------------------------------------------------------------------------

static double read_table(const Walker *w, int32_t reader) { return w->walk->table[reader]->value[w->at[reader]]; }

static void move_by(Walker *w, int32_t v, int32_t nodes) {
    const Walk *walk = w->walk;
    const Setup *s = walk->setup;
    if (nodes == 0) return;
    w->node[v] += nodes;
    w->state += nodes * s->lattice->stride[v];
    if (v < s->model->n_mode) w->mode_state = w->state / s->lattice->n_stock_state;
    for (int32_t i = walk->first_link[v]; i < walk->first_link[v + 1]; i++)
        w->at[walk->link[i].reader] += nodes * walk->link[i].stride;
    for (int32_t q = 0; q < s->n_meter; q++) w->is_old[q] |= walk->meter[q].reads >> v & 1;
}

static double level_of(const Walker *w, int32_t v) { return lattice_level(w->walk->setup->lattice, v, w->node[w->walk->setup->lattice->axis[v]]); }

static double *levels(const Walker *w, double *level) {
    for (int32_t v = 0; v < w->walk->setup->lattice->n_variable; v++) level[v] = level_of(w, v);
    return level;
}

// ---- measuring ----------------------------------------------------------------------------------------------------

// x and `until` of a meter in the present state; false if the run has failed on it
static bool refresh(Walker *w, int32_t q) {
    const Setup *s = w->walk->setup;
    const ChainMeter *m = &w->walk->meter[q];
    const ModelQuantity *quantity = s->meter[q].quantity;
    double level[MODEL_VARIABLES_MAX];
    w->is_old[q] = false;
    w->x[q] = m->x_reader >= 0 ? read_table(w, m->x_reader)
                               : eval_state(s->model, quantity->x, levels(w, level), s->lattice->param, NULL, NULL);
    if (quantity->until != PROGRAM_NONE)
        w->until[q] = m->until_reader >= 0 ? read_table(w, m->until_reader)
                    : eval_state(s->model, quantity->until, levels(w, level), s->lattice->param, NULL, NULL);
    if (isfinite(w->x[q])) return true;
    setup_fail(s, w->run, w->since, DUR_DOMAIN, quantity->x, "`%s` is %g", quantity->text, w->x[q]);
    return false;
}

// The state has been what it is since w->since and stays so until `end`, that instant not included.
static bool hold(Walker *w, double end) {
    const Setup *s = w->walk->setup;
    for (; w->sample < s->n_time && s->time[w->sample] < end; w->sample++) {
        for (int32_t v = 0; v < s->model->n_mode; v++) tally_mode(w->tally, s, v, w->sample, w->node[v]);
        for (int32_t k = 0; k < s->n_level; k++)
            tally_stock(w->tally, s, k, w->sample, level_of(w, s->model->n_mode + k));
    }
    for (int32_t q = 0; q < s->n_meter; q++) {
        const Meter *m = &s->meter[q];
        if (w->settled[q]) continue;
        bool is_past = end > m->to;
        if (m->kind != QUANTITY_COUNT && w->since <= m->to && end > m->from && (m->kind != QUANTITY_AT || is_past)) {
            if (w->is_old[q] && !refresh(w, q)) return false;
            if (m->kind == QUANTITY_MEAN || m->kind == QUANTITY_TOTAL) {
                double from = w->since > m->from ? w->since : m->from, to = end < m->to ? end : m->to;
                w->value[q] += w->x[q] * (to - from);
            } else {
                is_past |= meter_look(m, w->x[q], w->until[q], &w->value[q]);
            }
        }
        if (is_past) {
            w->settled[q] = true;
            w->n_open--;
        }
    }
    return true;
}

static void count(Walker *w, int32_t jump, double time) {
    const Setup *s = w->walk->setup;
    w->tally->count[jump]++;
    for (int32_t q = 0; q < s->n_meter; q++) {
        const Meter *m = &s->meter[q];
        if (m->kind == QUANTITY_COUNT && m->quantity->jump == jump && time >= m->from && time <= m->to) w->value[q]++;
    }
}

// ---- jumps --------------------------------------------------------------------------------------------------------

// what is left of a uniform number after a decision of probability p is a uniform number again
static bool decide(double p, double *u) {
    bool yes = *u < p;
    *u = yes ? *u / p : (*u - p) / (1 - p);
    return yes;
}

// to one of the targets of a jump
static void jump_to(Walker *w, int32_t jump, uint32_t site) {
    const Setup *s = w->walk->setup;
    const Lattice *l = s->lattice;
    const LatticeJump *j = &l->jump[jump];
    Stream stream = stream_make(s->options->seed, (uint64_t)w->run, site);
    stream.index = site == SITE_DATED ? (uint32_t)jump : w->candidate;
    double u = -1;
    int32_t b = 0, by[MODEL_VARIABLES_MAX];
    if (j->n_branch > 1) {
        u = stream_uniform(&stream);
        double rest = 1;
        while (b + 1 < j->n_branch && !decide(j->branch[b].weight / rest, &u)) rest -= j->branch[b++].weight;
    }
    const LatticeBranch *branch = &j->branch[b];
    for (int32_t k = 0; k < branch->n_shift; k++) {
        const LatticeShift *shift = &branch->shift[k];
        by[k] = (int32_t)((int64_t)lattice_table_at(l, &shift->move, w->node) / l->stride[shift->variable]);
        double up = shift->has_split ? lattice_table_at(l, &shift->up, w->node) : 0;
        if (up == 0) continue;
        if (u < 0) u = stream_uniform(&stream);
        by[k] += decide(up, &u);
    }
    for (int32_t k = 0; k < branch->n_shift; k++) move_by(w, branch->shift[k].variable, by[k]);
}

// ---- beliefs and true types ---------------------------------------------------------------------------------------

// the belief about private p goes to one of some nodes, with probabilities that sum to `all`
static void belief_to(Walker *w, int32_t p, int32_t n, const int32_t *node, const double *weight, double all, double u) {
    int32_t v = w->walk->setup->model->private[p].variable, k = 0;
    for (u *= all; k + 1 < n && u >= weight[k]; k++) u -= weight[k];
    move_by(w, v, node[k] - w->node[v]);
}

// what a visible move tells: `from` is the node of the belief before, `state` the state
static void learn(Walker *w, int32_t jump, int64_t state) {
    const Setup *s = w->walk->setup;
    const Lattice *l = s->lattice;
    const Policy *policy = s->plan->step[w->step].policy;
    int64_t at = policy->shift_where[jump * l->n_mode_state + state / l->n_stock_state];
    if (at < 0) return;
    int32_t p = s->model->actor[s->model->jump[jump].actor].private, v = s->model->private[p].variable;
    const LatticePrivate *lp = &l->private[p];
    double shift[MODEL_TYPES_MAX], weight[MODEL_TYPES_MAX], all = 0;
    int32_t node[MODEL_TYPES_MAX];
    for (int32_t t = 1; t < lp->n_type; t++)
        shift[t - 1] = policy->shift[at + (t - 1) * l->n_stock_state + state % l->n_stock_state];
    int32_t n = lattice_shift_belief(lp, w->node[v], shift, node, weight);
    for (int32_t k = 0; k < n; k++) {
        if (!is_surprised(s, w->step, p)) weight[k] *= lp->belief[(int64_t)node[k] * lp->n_type + w->type[p]];
        all += weight[k];
    }
    if (!(all > 0)) return;
    Stream stream = stream_make(s->options->seed, (uint64_t)w->run, SITE_BELIEF);
    stream.index = w->candidate;
    belief_to(w, p, n, node, weight, all, n > 1 ? stream_uniform(&stream) : 0);
}

// Rate at which a belief steps on, or a true type changes.
static double type_rate(const Walker *w, const ChainSource *from) {
    const Setup *s = w->walk->setup;
    const ModelPrivate *mp = &s->model->private[from->index];
    double sum = 0;
    if (from->kind == CHAIN_BELIEF) {
        int32_t node[MODEL_TYPES_MAX * MODEL_TYPES_MAX];
        double rate[MODEL_TYPES_MAX * MODEL_TYPES_MAX];
        int32_t n = belief_ways(s, w->step, from->index, w->node[mp->variable], w->state, w->type[from->index], node, rate, NULL);
        for (int32_t k = 0; k < n; k++) sum += rate[k];
    } else {
        for (int32_t k = 0; k < mp->n_becomes; k++)
            if (mp->becomes[k].type != w->type[from->index])
                sum += lattice_table_at(s->lattice, &s->lattice->private[from->index].becomes[k], w->node);
    }
    return sum;
}

// A belief steps on: place / rate is a uniform number.
static void drift_on(Walker *w, int32_t p, double place, double rate) {
    const Setup *s = w->walk->setup;
    int32_t node[MODEL_TYPES_MAX * MODEL_TYPES_MAX], v = s->model->private[p].variable;
    double weight[MODEL_TYPES_MAX * MODEL_TYPES_MAX];
    int32_t n = belief_ways(s, w->step, p, w->node[v], w->state, w->type[p], node, weight, NULL);
    belief_to(w, p, n, node, weight, rate, place / rate);
}

// A true type changes. One that nobody thought possible appears together with the step of the belief that allows for it.
static void become(Walker *w, int32_t p, double place) {
    const Setup *s = w->walk->setup;
    const ModelPrivate *mp = &s->model->private[p];
    const LatticePrivate *lp = &s->lattice->private[p];
    int32_t to = -1;
    for (int32_t k = 0; k < mp->n_becomes; k++) {
        if (mp->becomes[k].type == w->type[p]) continue;
        double rate = lattice_table_at(s->lattice, &lp->becomes[k], w->node);
        if (rate > 0) to = mp->becomes[k].type;
        if (place < rate) break;
        place -= rate;
    }
    if (to < 0) return;
    int32_t here = w->node[mp->variable], node[MODEL_TYPES_MAX * MODEL_TYPES_MAX], gain[MODEL_TYPES_MAX * MODEL_TYPES_MAX];
    double rate[MODEL_TYPES_MAX * MODEL_TYPES_MAX], all = 0;
    w->type[p] = to;
    if (lp->belief[(int64_t)here * lp->n_type + to] > 0) return;
    int32_t n = belief_ways(s, w->step, p, here, w->state, -1, node, rate, gain);
    for (int32_t k = 0; k < n; k++) all += rate[k] = gain[k] == to ? rate[k] : 0;
    if (!(all > 0)) return;
    Stream stream = stream_make(s->options->seed, (uint64_t)w->run, SITE_BELIEF);
    stream.index = w->candidate;
    belief_to(w, p, n, node, rate, all, stream_uniform(&stream));
}

// Something happens at `time`, after which the state may be another. False if the run is over.
static bool happen(Walker *w, int32_t jump, double time, uint32_t site) {
    const Setup *s = w->walk->setup;
    if (!hold(w, time)) return false;
    w->since = time;
    int64_t before = w->state;
    jump_to(w, jump, site);
    if (s->model->n_private && s->model->jump[jump].kind == JUMP_MOVE) learn(w, jump, before);
    count(w, jump, time);
    return true;
}

static bool do_instant(Walker *w, const Instant *now) {
    const Setup *s = w->walk->setup;
    if (now->step >= 0) {
        const PlanStep *step = &s->plan->step[now->step];
        w->step = now->step;
        if (step->n_set == 0) return true;
        if (!hold(w, now->time)) return false;
        w->since = now->time;
        for (int32_t k = 0; k < step->n_set; k++) {
            int32_t v = step->set[k].mode;
            move_by(w, v, step->set[k].value - w->node[v]);
        }
        return true;
    }
    if (lattice_table_at(s->lattice, &s->lattice->jump[now->jump].when, w->node) == 0) return true;
    w->tally->n_event++;
    return happen(w, now->jump, now->time, SITE_DATED);
}

// A candidate fell to a source at a place in its part. False if the run is over.
static bool try_source(Walker *w, int32_t source, double place, double time) {
    const Walk *walk = w->walk;
    const Setup *s = walk->setup;
    const ChainSource *from = &walk->source[source];
    double rate = from->kind < CHAIN_BELIEF ? read_table(w, source) : type_rate(w, from);
    if (place >= rate) return true;
    int32_t jump = from->index;
    switch (from->kind) {
    case CHAIN_UP:
    case CHAIN_DOWN:
        if (!hold(w, time)) return false;
        w->since = time;
        move_by(w, s->model->n_mode + from->index, from->kind == CHAIN_UP ? 1 : -1);
        break;
    case CHAIN_ACTOR: {
        // moves in order of declaration, then waiting
        const Policy *p = s->plan->step[w->step].policy;
        const Lattice *l = s->lattice;
        int64_t stock_state = w->state - w->mode_state * l->n_stock_state;
        int64_t list = open_at(walk, w->step, from->index, w->mode_state);
        int32_t private = s->model->actor[from->index].private;
        double left = place / rate;
        jump = -1;
        for (int32_t k = walk->first_open[list]; k < walk->first_open[list + 1] && jump < 0; k++) {
            int64_t block = private < 0 ? 0 : (1 + w->type[private]) * l->n_stock_state;
            double chance = p->probability[p->where[walk->open[k] * l->n_mode_state + w->mode_state] + block + stock_state];
            if (left < chance) jump = walk->open[k];
            left -= chance;
        }
        if (jump < 0) return true;
        if (!happen(w, jump, time, SITE_SIZE)) return false;
        break;
    }
    case CHAIN_EVENT:
        if (!happen(w, jump, time, SITE_SIZE)) return false;
        break;
    case CHAIN_BELIEF:
    case CHAIN_BECOMES:
        if (!hold(w, time)) return false;
        w->since = time;
        if (from->kind == CHAIN_BELIEF) drift_on(w, from->index, place, rate);
        else                            become(w, from->index, place);
        break;
    }
    w->tally->n_event++;
    if (++w->n_jump <= s->jumps_max) return true;
    setup_fail(s, w->run, time, DUR_LIMIT, PROGRAM_NONE, "more than %lld jumps in one run: this scenario explodes, or one "
               "of its rates is far too high", (long long)s->jumps_max);
    return false;
}

// ---- a run --------------------------------------------------------------------------------------------------------

// the next candidate's exponential gap and selection
static int32_t next_candidate(Walker *w) {
    int32_t i = (int32_t)(w->candidate - w->batch);
    if (i < w->n_batch) return i;
    const Setup *s = w->walk->setup;
    Stream stream = stream_make(s->options->seed, (uint64_t)w->run, SITE_CANDIDATE);
    stream.index = w->batch = w->candidate;
    // short runs do not pay for many
    w->n_batch = w->n_batch == 0 ? BATCH / 8 : BATCH;
    for (int32_t k = 0; k < w->n_batch; k++) {
        double u[2];
        stream_uniform2(&stream, u);
        w->gap[k] = u[0];
        w->pick[k] = u[1];
    }
    vector_log(w->gap, w->gap, w->n_batch);
    return 0;
}

static const double *add_up_rates(Walker *w) {
    const Walk *walk = w->walk;
    if (walk->is_shared) return walk->slot;
    for (int32_t i = 0; i < walk->n_source; i++)
        w->slot[i + 1] = w->slot[i] + (walk->source[i].kind < CHAIN_BELIEF ? read_table(w, i) : type_rate(w, &walk->source[i]));
    return w->slot;
}

static void begin(Walker *w, int64_t run) {
    const Walk *walk = w->walk;
    const Setup *s = walk->setup;
    const Lattice *l = s->lattice;
    w->run = run;
    w->since = 0;
    w->instant = w->step = w->sample = 0;
    w->n_jump = w->n_try = 0;
    w->candidate = w->batch = 0;
    w->n_batch = 0;
    w->n_open = s->n_meter;
    for (int32_t q = 0; q < s->n_meter; q++) {
        w->value[q] = meter_begin(&s->meter[q]);
        w->settled[q] = false;
        w->is_old[q] = true;
        w->until[q] = 0;
    }
    int32_t start = 0;
    if (l->n_start > 1) {
        Stream stream = stream_make(s->options->seed, (uint64_t)run, SITE_START);
        double u = stream_uniform(&stream);
        for (; start + 1 < l->n_start && u >= l->start_weight[start]; start++) u -= l->start_weight[start];
    }
    // from all nodes 0, where all offsets are 0
    memset(w->node, 0, sizeof w->node);
    memset(w->at, 0, (size_t)walk->n_reader * sizeof *w->at);
    w->state = w->mode_state = 0;
    int32_t node[MODEL_VARIABLES_MAX];
    lattice_nodes(l, l->start_state[start], node);
    for (int32_t v = 0; v < l->n_variable; v++) move_by(w, v, node[v]);
    for (int32_t p = 0; p < s->model->n_private; p++) {
        const LatticePrivate *lp = &l->private[p];
        Stream stream = stream_make(s->options->seed, (uint64_t)run, SITE_TYPE);
        stream.index = (uint32_t)p;
        double u = stream_uniform(&stream);
        const double *b = lp->belief + (int64_t)node[s->model->private[p].variable] * lp->n_type;
        // the last that is possible takes what rounding leaves
        w->type[p] = 0;
        for (int32_t t = 0; t < lp->n_type && u >= 0; u -= b[t++])
            if (b[t] > 0) w->type[p] = t;
    }
}

// false if the run was given up
static bool walk_on(Walker *w, void (*poll)(void *), void *context) {
    const Walk *walk = w->walk;
    const Setup *s = walk->setup;
    for (; w->instant < s->n_instant && s->instant[w->instant].time <= 0; w->instant++)
        if (!do_instant(w, &s->instant[w->instant])) return false;

    const double *slot = add_up_rates(w);
    double time = 0;
    for (;; w->candidate++) {
        int32_t k = next_candidate(w);
        double left = -w->gap[k], all = slot[walk->n_source], due = all > 0 ? time + left / all : INFINITY;

        // what has a date comes before
        while (w->instant < s->n_instant && s->instant[w->instant].time <= due && s->instant[w->instant].time <= s->end) {
            const Instant *now = &s->instant[w->instant++];
            left -= all * (now->time - time);
            time = now->time;
            if (!do_instant(w, now)) return false;
            slot = add_up_rates(w);
            all = slot[walk->n_source];
            // the same luck at another rate; at the same rate the very same time
            if (!walk->is_shared) due = all > 0 ? time + (left > 0 ? left : 0) / all : INFINITY;
        }
        if (due > s->end) return hold(w, INFINITY);

        double at = w->pick[k] * all;
        int32_t source = 0;
        while (source + 1 < walk->n_source && at >= slot[source + 1]) source++;
        double before = w->since;
        time = due;
        if (!try_source(w, source, at - slot[source], time)) return false;
        if (!walk->is_shared && w->since != before) slot = add_up_rates(w);
        if (s->n_meter && w->n_open == 0) return true;

        if (++w->n_try % POLL_EVERY) continue;
        poll(context);
        if (setup_is_over(s, w->run)) return false;
        if (w->n_try < SIM_TRIES_MAX) continue;
        setup_fail(s, w->run, time, DUR_LIMIT, PROGRAM_NONE, "more than %lld candidates in one run", SIM_TRIES_MAX);
        return false;
    }
}

void walker_play(Walker *w, int64_t run, void (*poll)(void *), void *context) {
    const Setup *s = w->walk->setup;
    begin(w, run);
    if (!walk_on(w, poll, context)) return;
    for (int32_t q = 0; q < s->n_meter; q++)
        s->out[q * s->options->n_run + (run - s->options->first_run)] = meter_end(&s->meter[q], w->value[q]);
}
