/// The equations of a game in rounds, and their derivative. Unknown are the values V at the beginning of a round and the
/// advantages A of every move over waiting; choices are P = logit(scale * mu * A). A point (V, A) is a solution where
///
///     F_V(V, A) = V        a round played by P is worth what V says
///     F_A(V, A) = A        each move's advantage against the others' P is what A says
///
/// In between lie functions w[k], one for each stage, of what the rest of a round is worth; w[n_stage] follows from V by
/// events and change. Everything local to a state (who answers whom at once) is eliminated there, so that the linear
/// system that is left is one in V alone, applied without a matrix.
///
/// With choice taste the worth of the shocks is counted as entropy over mu at every scale, which has a limit at scale 0
/// and at scale 1 is log-sum-exp.
#ifndef GAME_ROUNDS_SYSTEM_H
#define GAME_ROUNDS_SYSTEM_H

#include "base/team.h"
#include "lattice/round.h"

typedef struct RoundsSystem {
    const Lattice *lattice;      // borrowed
    const LatticeRule *rule;     // the policy's own; NULL: none
    Team    *team;               // borrowed, may be NULL
    Policy  *policy;             // owned: the point; value V, advantage A, probability P
    double   scale;              // of every precision; 1: the game itself
    int32_t  n_stage, n_worker;
    int64_t  n_value;            // n_actor x n_state
    double  *w;                  // [(n_stage + 1) x n_value]; w[0] is F_V
    double  *answer;             // [n_entry] F_A
    double  *gain;               // [n_actor x n_entry] effect of a disturbed advantage on what the stage is worth
    double  *rate_a, *rate_w;    // [n_entry], [n_stage x n_value] derivatives by scale
    double  *flow;               // [2 x n_value] scratch of rounds_carry
    RoundJoint *joint;           // [n_stage x n_worker]
    double  *room;               // [n_worker x room_stride]
    int64_t  room_stride;
    int64_t  n_sweep;            // passes over the lattice so far
} RoundsSystem;

/// Make one at V = 0, A = 0, scale 0. DUR_MEMORY, DUR_LIMIT; freed by rounds_system_free, which takes any state of it.
DurStatus rounds_system_make(RoundsSystem *out, const Lattice *lattice, const LatticeRule *rule, Team *team,
                             DurError *error);
void      rounds_system_free(RoundsSystem *system);
double    rounds_system_bytes(const Lattice *lattice);

/// P from A at the scale at hand. DUR_OK or DUR_MEMORY.
DurStatus rounds_choose(RoundsSystem *system);
/// w and answer at the point; P must be up to date. DUR_OK or DUR_MEMORY.
DurStatus rounds_evaluate(RoundsSystem *system);
/// gain, rate_a, rate_w at the point; evaluated before.
DurStatus rounds_linearize(RoundsSystem *system);

/// Carry a disturbance through one round, linearly:
///   dv          [n_value] of V, or NULL: none
///   source_a    [n_entry] put in at each advantage, or NULL; source_w [n_stage x n_value] at each stage's worth, or NULL
///   dw          [out] [n_value] of F_V, with all answers to the disturbance counted
///   da          [out] [n_entry] of A, or NULL: not wanted (it costs the local systems once more)
DurStatus rounds_carry(RoundsSystem *system, const double *dv, const double *source_a, const double *source_w, double *dw,
                       double *da);

/// Advantages of moves that a guard or a rule closes, what they would be: for those who look between nodes.
DurStatus rounds_fill_closed(RoundsSystem *system);

#endif
