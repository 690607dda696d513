/// Policies: what every actor does in every state of the lattice, and how that changes over a run. `game` makes them,
/// `sim` and `check` play them.
#ifndef LATTICE_POLICY_H
#define LATTICE_POLICY_H

#include "lattice/lattice.h"

/// A restriction of one actor's choices, tabulated (from one phase of a ModelPolicy). Zero-initialised: none.
typedef struct LatticeRule {
    int32_t actor;               // whose; negative: nobody's, and nothing below holds
    bool   *never;               // [n_jump] true for moves that it may not make
    int32_t n_always;
    int32_t *always;             // [n_always] moves that it makes whenever they are available and ...
    ProgramId *always_when;      // [n_always] ... this holds (PROGRAM_NONE: always); the first that applies wins
    LatticeTable *always_table;  // [n_always] the same tabulated
    ProgramId precision;         // replaces the actor's; PROGRAM_NONE: unchanged
    LatticeTable precision_table;
    const ProgramId *precision_by_type;   // borrowed from the model: where it reads the actor's type; else NULL
    int32_t n_type;
    LatticeTable *precision_type_table;   // [n_type] the same tabulated
} LatticeRule;

/// The precision of one type of an actor under a rule (NULL: none).
static inline const LatticeTable *lattice_rule_precision(const Lattice *l, const LatticeRule *rule, int32_t actor,
                                                         int32_t type) {
    if (!rule || rule->actor != actor || rule->precision == PROGRAM_NONE) return lattice_precision(l, actor, type);
    return rule->precision_by_type ? &rule->precision_type_table[type] : &rule->precision_table;
}

DurStatus lattice_rule_make(LatticeRule *out, const Lattice *lattice, int32_t actor, const ModelPhase *phase,
                            DurError *error);
/// The same restriction on another lattice of the model.
DurStatus lattice_rule_carry(LatticeRule *out, const Lattice *lattice, const LatticeRule *from, DurError *error);
void      lattice_rule_free(LatticeRule *rule);

/// What every actor does: for every move, at every state, its probability at a decision opportunity of its mover and
/// its advantage Q(move) - Q(wait). Stored for those combinations of modes in which the move's guard holds at some
/// node; elsewhere it is impossible. At a node where the guard is false the probability is 0 and the advantage is
/// what it would be.
///
/// A mover with a private type has one choice for each type. What is stored first is the choice as others see it, the
/// mean over types by the public belief; then follow those of the types, one after the other. A visible move shifts the
/// belief at once, silence lets it drift: semantics, "Private types".
typedef struct Policy {
    const Lattice *lattice;      // borrowed
    LatticeRule rule;            // the restriction under which it was made; owned; actor < 0: none
    double  *value;              // [n_row x n_state] V, payoff units; a row is an actor, or one of its types (model_row)
    int64_t *where;              // [n_jump x n_mode_state] first entry in the two arrays below; -1: impossible
    int64_t  n_entry;
    double  *advantage;          // [n_entry] payoff units
    double  *probability;        // [n_entry]
    int64_t *shift_where;        // [n_jump x n_mode_state] first entry of a move's shifts; -1: it tells nothing
    int64_t  n_shift;
    double  *shift;              // [n_shift] behind the values: posterior minus belief, types 1, 2, ... one after the other,
                                 // n_stock_state each
    bool     is_surprise;        // its rule is not what others expect: shifts and drift are those of another policy
    double  *drift;              // [n_belief x n_state] of the public beliefs in silence, per scenario unit
    struct PolicyLaid *laid;     // what was made of it when first asked for; owned
} Policy;

/// What is made of a policy when first asked for, and kept with it.
typedef struct PolicyLaid {
    struct ChainRows *rows;      // lattice/rows.h; NULL: nobody asked
} PolicyLaid;

/// Where shifts are kept, [n_jump x n_mode_state]; returns how many entries they take in all.
int64_t policy_shifts(const Lattice *lattice, int64_t *where);

/// Entry of a move's choice by one type of its mover at a state; negative where it is impossible.
static inline int64_t policy_entry(const Policy *p, int32_t jump, int32_t type, int64_t state) {
    const Lattice *l = p->lattice;
    int64_t at = p->where[jump * l->n_mode_state + state / l->n_stock_state];
    bool is_private = l->model->actor[l->model->jump[jump].actor].private >= 0;
    return at < 0 ? at : at + (is_private ? 1 + type : 0) * l->n_stock_state + state % l->n_stock_state;
}

/// Targets of a jump from one state under a policy: as lattice_targets, and where the jump tells something the belief goes to
/// its posterior besides. Room for LATTICE_CORNERS_MAX entries each; a posterior that has none left is not split.
int32_t policy_targets(const Policy *policy, int32_t jump, const int32_t *node, int64_t *state, double *weight);

/// From the choices of all types: choices as others see them; and if they are `known` to others, shifts and drift by
/// Bayes' rule. Else (a surprise) these stay what they are.
void policy_learn(Policy *policy, bool known);

/// True if a move's guard holds at some node of a combination of modes.
bool policy_is_possible(const Lattice *lattice, int32_t jump, int64_t mode_state);

/// Make one with every probability and value 0, its `where` filled. `rule` (may be NULL) is copied.
DurStatus policy_make(Policy **out, const Lattice *lattice, const LatticeRule *rule, DurError *error);
void      policy_free(Policy *policy);

/// Bytes that policy_make will take.
double policy_bytes(const Lattice *lattice);

/// Probability of a move at a state (0 where impossible).
static inline double policy_probability(const Policy *p, int32_t jump, int64_t state) {
    const Lattice *l = p->lattice;
    int64_t mode = state / l->n_stock_state, at = p->where[jump * l->n_mode_state + mode];
    return at < 0 ? 0.0 : p->probability[at + state % l->n_stock_state];
}
static inline double policy_advantage(const Policy *p, int32_t jump, int64_t state) {
    const Lattice *l = p->lattice;
    int64_t mode = state / l->n_stock_state, at = p->where[jump * l->n_mode_state + mode];
    return at < 0 ? -1e300 : p->advantage[at + state % l->n_stock_state];
}

/// Advantage of a move to one type of its mover (-1e300 where impossible).
static inline double policy_type_advantage(const Policy *p, int32_t jump, int32_t type, int64_t state) {
    int64_t at = policy_entry(p, jump, type, state);
    return at < 0 ? -1e300 : p->advantage[at];
}

/// One stretch of a run: from `start` on everyone plays `policy`; at `start` the listed modes are set, once.
typedef struct PlanStep {
    double start;                // scenario units; step 0 starts at 0
    const Policy *policy;        // borrowed
    int32_t n_set;
    const ModelSet *set;         // borrowed from the model
} PlanStep;

/// Who plays what when. Step 0 starts at 0; starts rise.
typedef struct Plan {
    int32_t n_step;
    PlanStep *step;              // [n_step]; owned by whoever made the plan
} Plan;

#endif
