/// Runs on the lattice: the solved chain itself, jump by jump. Drift and noise are jumps like any other. What can happen in
/// a state is laid out once, in a row (chain_row.c); runs step from row to row, a block of them side by side (chain_run.c).
///
/// Random times come as with continuous stocks: candidates at a rate that bounds all rates, each falling to one source,
/// which then says whether it comes true; on the lattice the bounds are the largest values of the tables. So at one rate
/// the line from 0 to 1, on which a candidate's second number falls, is cut into the same parts for every state and policy, a
/// part for each source, and of its part the source takes as much as its rate is of its bound. Where the bounds are far above
/// the rates, the line is cut by the rates of the state (Gillespie 1977).
///
/// With private types a run has true ones, which make the moves. The belief is the public's exact posterior on the lattice,
/// too: where it steps to a node, by the split of a posterior or by drift in silence, which one it is depends on the true
/// type, so that at every node the types are as likely as the belief says, given all that went before. Then the public
/// part of a run has the law of the solved chain. (With w_k the chain's probability of node k and b the posterior, type t
/// goes to k with probability w_k b_t(k) / b_t; and so for rates.)
#ifndef SIM_WALKER_H
#define SIM_WALKER_H

#include "num/vector.h"
#include "sim/internal.h"

typedef enum ChainKind { CHAIN_UP, CHAIN_DOWN, CHAIN_EVENT, CHAIN_ACTOR, CHAIN_BELIEF, CHAIN_BECOMES } ChainKind;

typedef struct ChainSource {
    ChainKind kind;
    int32_t   index;            // of the stock, jump, actor or private
} ChainSource;

/// A variable that a table reads, and how many entries one node of it is worth there.
typedef struct Link {
    int32_t variable;
    int64_t stride;
} Link;

/// A meter's condition or value: a table, or, if it has no finite value somewhere, evaluated where it is asked for.
typedef struct ChainMeter {
    LatticeTable x, until;
    int32_t x_reader, until_reader;      // negative: not tabulated, or there is none
} ChainMeter;

/// Variables that are counted together when paths are looked at: neighbours in the order of states.
typedef struct Group {
    int64_t stride, n;                   // of a state: state / stride % n is the group's cell
    int32_t first, last;                 // in lattice->order
    int64_t base;                        // of the group's cells among those of one time
} Group;

/// What walkers share: the chain's sources, tables of quantities, groups to count by.
struct Walk {
    const Setup *setup;
    int32_t n_source;
    ChainSource *source;                 // [n_source]; reader i is source i's rate
    bool     is_shared;
    double  *slot;                       // [n_source + 1] bounds added up
    int32_t  n_reader;
    const LatticeTable **table;          // [n_reader] sources, then meters
    int32_t *first_link;                 // [n_reader + 1]
    Link    *link;                       // reader by reader
    ChainMeter *meter;                   // [n_meter]
    int64_t  n_combination;              // of true types
    int32_t  n_group;
    Group   *group;                      // [n_group]
    int64_t  n_cell;                     // of all groups
    int32_t  n_what;                     // things that may happen, nothing included
    int32_t  n_way;                      // ways out of a state, at most
    size_t   row_bytes, pool_bytes;      // of the largest row; of what a walker keeps
    bool     is_short;                   // keys are below 2^32
};

/// One state in full: its nodes, the true types, the step of the plan.
typedef struct Scene {
    int32_t node[MODEL_VARIABLES_MAX];
    int32_t type[MODEL_VARIABLES_MAX];   // [n_private]
    int32_t step;
    int64_t state, mode_state;
} Scene;

/// A way out of a state, or that nothing comes of a candidate: what happens in the low bits (0: nothing; 1 + jump; 1 + n_jump +
/// source, if it is not a jump), and above them where the row that it leads to lies, in units of ROW_UNIT (0: it is nothing;
/// WAY_UNKNOWN: not known yet; WAY_DRAWN: drawn each time).
typedef uint32_t Way;
#define WAY_BITS  12
#define WAY_DRAWN   (UINT32_MAX >> WAY_BITS)
#define WAY_UNKNOWN (WAY_DRAWN - 1)
static inline int32_t  way_what(Way way) { return (int32_t)(way & ((1u << WAY_BITS) - 1)); }
static inline uint32_t way_to(Way way)   { return way >> WAY_BITS; }

/// Bytes: rows begin at cache lines.
#define ROW_UNIT 64

/// What can happen in one state. A candidate's second number, a whole number of 52 bits, takes way w if it is at least
/// limit[w - 1] and below limit[w]. The uppermost 16 bits decide nearly always.
typedef struct Row {
    int16_t  head[VECTOR_HEADS];         // uppermost bits of the limits, less 2^15, rising; with more ways than heads all the
                                         // least, so that VECTOR_HEADS are below any number
    double   rate;                       // at which candidates come
    int64_t  key;                        // (step of the plan, true types, state), mixed to one number
    int32_t  n_way;
    int32_t  is_known;                   // the meters' values are there
    uint32_t part[];                     // [n_group] where a look counts; [n_way] ways; and behind them
    // uint64_t limit[n_way];               rising
    // double   meter[2 * n_meter];         x and `until` of each
} Row;

static inline uint32_t *row_cell(Row *r) { return r->part; }
static inline Way      *row_way(Row *r, const Walk *w) { return r->part + w->n_group; }
static inline uint64_t *row_limit(Row *r, const Walk *w) { return (uint64_t *)(r->part + (w->n_group + r->n_way + 1) / 2 * 2); }
static inline double   *row_meter(Row *r, const Walk *w) { return (double *)(row_limit(r, w) + r->n_way); }

/// The way that a candidate takes. `place` is how many heads are below its uppermost bits; the next head decides unless it is
/// equal to them.
static inline int32_t row_find(Row *r, const Walk *w, int32_t place, int16_t top, uint64_t pick) {
    if (DUR_LIKELY(place < VECTOR_HEADS && r->head[place] != top)) return place;
    const uint64_t *limit = row_limit(r, w);
    int32_t low = 0, high = r->n_way - 1;
    while (low < high) {
        int32_t middle = low + (high - low) / 2;
        if (limit[middle] <= pick) low = middle + 1;
        else high = middle;
    }
    return low;
}

/// The rows that one walker has met. When they fill their room, all are forgotten and laid out anew as they are met.
typedef struct Rows {
    const Walk *walk;
    char     *room;                      // [pool_bytes] whatever the allocator gave ...
    char     *base;                      // ... from the first cache line on; row 0 is nobody's
    size_t    used;
    int64_t   n_row, n_place;            // rows laid out; a power of two
    uint64_t *place;                     // [n_place] where a row lies, by its key, and the key's lower half; 0: none
    int64_t   generation;                // how often all were forgotten
    double   *upper;                     // [n_way] scratch: where ways end
    uint16_t *what;                      // [n_way]
} Rows;

bool rows_make(Rows *rows, const Walk *walk);
void rows_free(Rows *rows);
/// The row of a key; NULL if there is no room for another.
Row *rows_get(Rows *rows, int64_t key);
void rows_forget(Rows *rows);
static inline Row *rows_at(const Rows *rows, uint32_t at) { return (Row *)(rows->base + (size_t)at * ROW_UNIT); }
static inline uint32_t rows_place(const Rows *rows, const Row *row) { return (uint32_t)((size_t)((const char *)row - rows->base) / ROW_UNIT); }

/// A state in full, from its key and back.
void    scene_of(const Walk *walk, int64_t key, Scene *out);
int64_t scene_key(const Walk *walk, const Scene *scene);

/// A table's value in a scene.
static inline double scene_read(const Walk *w, const Scene *scene, int32_t reader) {
    int64_t at = 0;
    for (int32_t k = w->first_link[reader]; k < w->first_link[reader + 1]; k++) at += scene->node[w->link[k].variable] * w->link[k].stride;
    return w->table[reader]->value[at];
}

/// The rate of a source in a scene.
double scene_rate(const Walk *walk, const Scene *scene, int32_t source);
/// The values of a row's meters, if they are not there yet.
void row_learn(const Walk *walk, Row *row);

/// Where the belief about private p may step to in silence, and at what rates, as a true type has it (negative: the public).
int32_t belief_ways(const Setup *setup, int32_t step, int32_t p, int32_t node_here, int64_t state, int32_t type, int32_t *node,
                    double *rate, int32_t *gain);
/// True if the actor of a private does what others do not expect.
bool is_surprised(const Setup *setup, int32_t step, int32_t private);

#endif
