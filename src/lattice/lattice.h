/// The lattice: the product of every mode's values and every stock's nodes, and on it everything that the scenario
/// says, tabulated. A rate, guard or payoff depends on few variables, so its table has the size of their product
/// alone and is broadcast over the rest; a jump is a shift of the index. No transition matrix is stored.
/// Source: semantics, "The lattice"; the scheme is the Markov chain approximation of Kushner and Dupuis 2001.
///
/// Order in memory: modes vary slowest, in order of declaration; then public beliefs; then the outer stocks; then the inner stocks. The inner
/// stocks together make a block of `n_lane` neighbouring states, over which kernels run as vectors; they are chosen
/// among the stocks that no jump moves, so that inside a block every jump is one constant shift. In rounds no move's
/// effect moves or reads an inner stock at all: joint choices are sums of constant shifts.
///
///     state = sum over variables of node[v] * stride[v]
///           = mode_state * n_stock_state + stock_state
///           = block * n_lane + lane
#ifndef LATTICE_LATTICE_H
#define LATTICE_LATTICE_H

#include "base/status.h"
#include "base/team.h"
#include "base/text.h"
#include "eval/eval.h"
#include "model/model.h"

#include <stdbool.h>
#include <stdint.h>

/// States beyond this many are refused before anything is allocated.
#define LATTICE_STATES_MAX ((int64_t)2000000000)

/// Where a table's row for a state begins: base + sum over outer variables of node[v] * stride[v]. If `inner`, the row
/// holds n_lane values, one a lane; else it is a single value that holds for the whole block.
typedef struct LatticeTable {
    uint64_t reads;                          // variables that it depends on
    bool     inner;                          // depends on an inner stock
    bool     is_constant;                    // depends on nothing: value[0] holds everywhere
    int64_t  n;                              // values in all
    int64_t  stride[MODEL_VARIABLES_MAX];    // in values; 0 for variables not read and for inner ones
    double  *value;                          // [n + slack]
} LatticeTable;

/// One variable's part of a jump: from a node to node + whole shift, and a share `up` of the mass one node further.
typedef struct LatticeShift {
    int32_t variable;
    bool    has_split;                       // some `up` is not 0
    LatticeTable move;                       // shift of the state index (whole, to the lower node), as a double
    LatticeTable up;                         // 0 <= up < 1, share that goes to the next node above
} LatticeShift;

/// One way that a jump can turn out: one combination of its random sizes.
typedef struct LatticeBranch {
    double weight;                           // probability; the branches of a jump sum to 1
    int32_t n_shift;
    LatticeShift *shift;                     // [n_shift], one for each variable that an effect writes
} LatticeBranch;

/// The belief about one actor: a point of the simplex of its types, on nodes whose probabilities are multiples of 1/n_step.
/// All its variables share one axis, whose nodes are those of the simplex; for two types node k is k/n_step.
typedef struct LatticePrivate {
    int32_t n_type, n_step;
    int32_t n_node;
    double  *belief;                         // [n_node x n_type] probability of each type at a node
    int32_t *neighbour;                      // [n_node x n_type x n_type] the node where 1/n_step has moved from one type
                                             // to another; -1 if the first has nothing to give
    LatticeTable *becomes;                   // [ModelPrivate.n_becomes] rates
} LatticePrivate;

typedef struct LatticeJump {
    LatticeTable when;                       // 1 where it can happen, else 0
    LatticeTable rate;                       // events: hazard (in rounds probability) with the guard folded in; else unused
    bool    inner;                           // some shift depends on the lane: targets must be gathered
    int32_t n_branch;
    LatticeBranch *branch;                   // [n_branch]
    LatticeTable *lump;                      // [ModelJump.n_lump], same order; 0 where the guard is false and it has none
    LatticeTable **lump_by_type;             // [n_lump] [n_type] of a cost that reads its mover's type, else NULL
} LatticeJump;

typedef struct LatticeActor {
    double rho;                              // discount rate, 1/patience
    double beta;                             // rounds: what the next round is worth, exp(-rho) or as given
    LatticeTable attends, precision;
    LatticeTable *precision_by_type;         // [n_type] if it reads the type, else NULL
} LatticeActor;

typedef struct LatticeStock {
    double step;                             // h
    bool   moves;                            // has drift or noise
    LatticeTable up, down;                   // rate to the node above and below, noise included
} LatticeStock;

typedef struct Lattice {
    const Model *model;                      // borrowed
    double  *param;                          // [n_param] copy of the parameters it was made with
    int32_t  n_variable;
    int32_t  n_node[MODEL_VARIABLES_MAX];    // by variable
    int64_t  stride[MODEL_VARIABLES_MAX];    // by variable
    int32_t  order[MODEL_VARIABLES_MAX];     // variables from slowest to fastest; the last n_inner are inner
    int32_t  axis[MODEL_VARIABLES_MAX];      // variable whose node tells its value: itself, but for all beliefs about one
                                             // actor the first of them (the others have one node, 0)
    int32_t  n_inner;
    int64_t  n_state, n_mode_state, n_stock_state;
    int64_t  n_lane, n_block;                // n_state = n_block * n_lane
    LatticeActor *actor;                     // [n_actor]
    LatticeStock *stock;                     // [n_stock]
    LatticeJump  *jump;                      // [n_jump]
    LatticeJump   change;                    // rounds: what stocks do at the end of one; no branch: nothing
    LatticePrivate *private;                 // [n_private]
    LatticeTable *term;                      // [n_term]
    LatticeTable **term_by_type;             // [n_term] [n_type] of a term that reads its actor's type, else NULL
    int64_t  n_byte;                         // memory of all tables
    int32_t  n_start;
    int64_t *start_state;                    // [n_start] nodes around the start, with
    double  *start_weight;                   // [n_start] weights that sum to 1
} Lattice;

/// States and bytes that a lattice of this model would take. Never overflows: a number of states past the limit is
/// told as a double.
typedef struct LatticeSize {
    double  n_state;
    double  table_bytes;
} LatticeSize;
LatticeSize lattice_size(const Model *model);
/// The same at other grids: n_node [n_variable] as in lattice_make_grid; NULL: as the scenario says.
LatticeSize lattice_size_grid(const Model *model, const int32_t *n_node);

/// Nodes of each variable as the scenario says, [n_variable]: what lattice_make takes.
void lattice_grid(const Model *model, int32_t *n_node);

/// Whether a variable has an axis of its own: all but beliefs about one actor beyond the first, which share its.
static inline bool lattice_has_axis(const Model *m, int32_t variable) {
    int32_t type;
    return model_belief(m, variable, &type) < 0 || type == 1;
}
/// Nodes of the axis of a stock or belief if each step were cut in two, or if two steps were made one (0 where they aren't even in
/// number), from the nodes that it has.
int32_t lattice_steps_halved(const Model *model, int32_t variable, int32_t n_node);
int32_t lattice_steps_doubled(const Model *model, int32_t variable, int32_t n_node);

/// Make the lattice: choose the order, tabulate everything, check every value.
///   param     [n_param]
/// Returns DUR_LIMIT when there are more than LATTICE_STATES_MAX states; DUR_DOMAIN when some value is not finite, or a
/// rate, precision or number of opportunities is negative, at some node (the sentence names expression and node);
/// DUR_INPUT when a stock has no grid; DUR_MEMORY. Cost: the sizes of the tables, not of the lattice.
DurStatus lattice_make(Lattice **out, const Model *model, const double *param, DurError *error);
/// The same at other grids. Once a lattice is made, its own n_node is the only word on how many nodes a stock has.
///   n_node    [n_variable] nodes of each variable: of a stock at least 2, of a mode its values; NULL: as the scenario says
DurStatus lattice_make_grid(Lattice **out, const Model *model, const double *param, const int32_t *n_node,
                            DurError *error);
void      lattice_free(Lattice *lattice);

/// Tabulate one more expression. `what` names it in an error. Freed by lattice_table_free.
DurStatus lattice_tabulate(const Lattice *lattice, ProgramId program, const char *what, LatticeTable *out,
                           DurError *error);
void      lattice_table_free(LatticeTable *table);

/// A table's value at one state given by its nodes (node[v] for every variable). Cost: one multiply a variable read.
double lattice_table_at(const Lattice *lattice, const LatticeTable *table, const int32_t *node);

/// The nodes of a state, and the state of nodes.
void    lattice_nodes(const Lattice *lattice, int64_t state, int32_t *node);
int64_t lattice_state(const Lattice *lattice, const int32_t *node);

/// The value of a variable at a node of its axis: a mode's index, a stock's level, a probability.
double  lattice_level(const Lattice *lattice, int32_t variable, int32_t node);

/// The values of all variables at the nodes of a state.
static inline void lattice_levels(const Lattice *lattice, const int32_t *node, double *level) {
    for (int32_t v = 0; v < lattice->n_variable; v++) level[v] = lattice_level(lattice, v, node[lattice->axis[v]]);
}

/// The nodes around a belief, given by its probabilities from type 1 on, [n_type - 1], with weights that keep the mean:
/// linear on the simplices of Freudenthal's triangulation. Node numbers and weights, n_type of each at most; returns
/// how many.
/// Source: Freudenthal 1942; as an interpolation rule Moore 1992, "Simplicial mesh generation with applications".
int32_t lattice_split_belief(const LatticePrivate *private, const double *belief, int32_t *node, double *weight);

/// The same of the point that lies `shift` [n_type - 1] from a node; a shift of exactly 0 is that node and nothing else.
int32_t lattice_shift_belief(const LatticePrivate *private, int32_t from, const double *shift, int32_t *node,
                             double *weight);

/// The nodes that a belief steps to from a node when it drifts, [n_type - 1] per scenario unit, with the rates that make its
/// mean do so: what some types lose others gain, types in order. gain: [n_way] which type gains, or NULL.
/// Room for MODEL_TYPES_MAX^2 of each. Returns how many.
int32_t lattice_drift_belief(const LatticePrivate *private, int32_t from, const double *drift, int32_t *node,
                             double *rate, int32_t *gain);

/// The tables of what one type of an actor knows: the only ones there are, unless they read the type.
static inline const LatticeTable *lattice_term(const Lattice *l, int32_t term, int32_t type) {
    return l->term_by_type[term] ? &l->term_by_type[term][type] : &l->term[term];
}
static inline const LatticeTable *lattice_lump(const Lattice *l, int32_t jump, int32_t lump, int32_t type) {
    const LatticeJump *j = &l->jump[jump];
    return j->lump_by_type[lump] ? &j->lump_by_type[lump][type] : &j->lump[lump];
}
static inline const LatticeTable *lattice_precision(const Lattice *l, int32_t actor, int32_t type) {
    const LatticeActor *a = &l->actor[actor];
    return a->precision_by_type ? &a->precision_by_type[type] : &a->precision;
}

/// What types of an actor differ in, payoffs, lumps and precisions, goes `share` of the way from their mean to what it is: 1 leaves them as they
/// are, with 0 they are alike. In place, for one who makes a lattice to pass through (solve.c). DUR_OK or DUR_MEMORY.
DurStatus lattice_types_apart(Lattice *lattice, double share);

/// Split a point (variable values; modes whole) into its surrounding nodes, linear in each stock; values outside a range
/// are clipped first. state and weight must have room for 2^n_stock entries (times n_type for every private), at most LATTICE_CORNERS_MAX;
/// corners of weight 0 are left out. Returns how many.
#define LATTICE_CORNERS_MAX 65536
int32_t lattice_split(const Lattice *lattice, const double *value, int64_t *state, double *weight);

/// Weighted mean at the start of a function on the lattice, x[n_state].
double lattice_at_start(const Lattice *lattice, const double *x);

/// Carry a function from one lattice to another of the same model: multilinear between the nodes of `from` (of beliefs over more
/// than two types linear on the simplices around them), to a finer or a coarser one alike. Exact to rounding for functions that are linear in each stock; a node that both share keeps
/// its bits.
///   x         [from->n_state]
///   y         [out] [to->n_state], distinct from x
/// Returns DUR_SHAPE if the lattices are of different models; DUR_MEMORY. Cost: a few passes over the larger of both, one
/// variable at a time.
DurStatus lattice_carry(const Lattice *from, const double *x, const Lattice *to, double *y);
/// The same for a function of beliefs and stocks alone: [n_stock_state] of either. All functions of the state are one such for
/// each combination of modes, so whoever has threads may carry them side by side.
DurStatus lattice_carry_stocks(const Lattice *from, const double *x, const Lattice *to, double *y);

/// The nodes of one variable of `from` around one of `to`, with their weights: two of a stock's at most, of a belief over more than two types the
/// corners of a simplex. Returns how many.
///   at, weight   [out] room for MODEL_TYPES_MAX
int32_t lattice_around(const Lattice *from, const Lattice *to, int32_t v, int64_t node, int32_t *at, double *weight);

/// From one state of `from` to the next in the order of the variables of `to`, from place `first` of it on.
///   node   [n_variable of to] by place, and *at the state: zeros at first
void lattice_next(const Lattice *from, const Lattice *to, int32_t first, int32_t *node, int64_t *at);

/// A sentence about a state, "power=0.4, crackdown=lax", only the variables in `mask`.
void lattice_describe(const Lattice *lattice, const int32_t *node, uint64_t mask, Text *out);

/// Evaluate a program at every state. out[n_state], values unchecked (they may be infinite or NaN). DUR_OK or DUR_MEMORY.
DurStatus lattice_fill(const Lattice *lattice, ProgramId program, double *out, Team *team);

/// Targets of a jump (negative: of the change at the end of a round) from one state, branch and corner by corner: state index
/// and probability.
/// Room for LATTICE_CORNERS_MAX entries each. Returns how many. Plain and slow; the kernels' oracle.
int32_t lattice_targets(const Lattice *lattice, int32_t jump, const int32_t *node, int64_t *state, double *weight);

/// A view of one block for kernels.
typedef struct LatticeBlock {
    int64_t block;
    int64_t first;                           // state of lane 0
    int32_t node[MODEL_VARIABLES_MAX];       // nodes of the outer variables; inner ones are 0
} LatticeBlock;
void lattice_block(const Lattice *lattice, int64_t block, LatticeBlock *view);

/// First value of a table's row for a block.
static inline const double *lattice_row(const Lattice *lattice, const LatticeTable *table, const LatticeBlock *view) {
    if (table->is_constant) return table->value;
    int64_t at = 0;
    for (int32_t k = 0; k < lattice->n_variable - lattice->n_inner; k++) {
        int32_t v = lattice->order[k];
        at += table->stride[v] * view->node[v];
    }
    return table->value + at;
}

/// A table's value in one lane of a block. Cost: that of lattice_row; a loop over lanes should take the row once.
static inline double lattice_row_at(const Lattice *lattice, const LatticeTable *table, const LatticeBlock *view, int64_t lane) {
    return lattice_row(lattice, table, view)[table->inner ? lane : 0];
}

#endif
