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
} LatticeRule;

DurStatus lattice_rule_make(LatticeRule *out, const Lattice *lattice, int32_t actor, const ModelPhase *phase,
                            DurError *error);
/// The same restriction on another lattice of the model.
DurStatus lattice_rule_carry(LatticeRule *out, const Lattice *lattice, const LatticeRule *from, DurError *error);
void      lattice_rule_free(LatticeRule *rule);

/// What every actor does: for every move, at every state, its probability at a decision opportunity of its mover and
/// its advantage Q(move) - Q(wait). Stored for those combinations of modes in which the move's guard holds at some
/// node; elsewhere it is impossible. At a node where the guard is false the probability is 0 and the advantage is
/// what it would be.
typedef struct Policy {
    const Lattice *lattice;      // borrowed
    LatticeRule rule;            // the restriction under which it was made; owned; actor < 0: none
    double  *value;              // [n_actor x n_state] V, payoff units
    int64_t *where;              // [n_jump x n_mode_state] first entry in the two arrays below; -1: impossible
    int64_t  n_entry;
    double  *advantage;          // [n_entry] payoff units
    double  *probability;        // [n_entry]
} Policy;

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
