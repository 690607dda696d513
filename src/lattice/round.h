/// One round of a game as an operator on functions of the state: joint choices, then events, then the change of stocks.
/// No joint table is kept: a joint choice is a sum of index shifts, put together block by block.
///
/// In a round actors choose in stages: one stage in which all choose at once, or with `order` one stage for each actor.
/// What is chosen in a stage takes effect one actor after the other, in order of declaration, each effect reading the state
/// that the one before it left; guards, costs, payments, precision and `attends` read the state at the beginning of the
/// stage, and a move that was chosen is made whatever the earlier effects did to its guard.
/// Source: semantics, "Rounds clock".
#ifndef LATTICE_ROUND_H
#define LATTICE_ROUND_H

#include "lattice/policy.h"

/// Actors that choose at once, at most, and joint choices that one state may have.
#define ROUND_ACTORS_MAX  16
#define ROUND_JOINT_MAX   ((int64_t)1 << 20)

/// Stages of a round, and the actors with moves that choose in one of them, in order of declaration. A model in which nobody
/// has moves has one stage without actors.
int32_t round_stages(const Model *model);
int32_t round_stage_actors(const Model *model, int32_t stage, int32_t actor[ROUND_ACTORS_MAX]);
/// The stage that an actor chooses in; 0 for one without moves.
int32_t round_stage_of(const Model *model, int32_t actor);

/// Times are counted in rounds, round k from k to k+1; what converting a date or a duration rounds away is allowed for.
/// rounds_from: the round at whose beginning something of time t happens, or a window opens: the first that does not begin before
/// t. rounds_until: the round with whose beginning a window up to t ends. rounds_in: rounds that a window holds, at least 1; their
/// states after the choices are what means and totals are taken over.
int64_t rounds_from(double t);
int64_t rounds_until(double t);
int64_t rounds_in(double from, double to);

/// DUR_OK, or DUR_LIMIT with a sentence when more act at once, or more joint choices are open at once, than can be listed.
DurStatus round_check(const Lattice *lattice, DurError *error);

/// The joint choices of one stage in one block: option 0 of an actor is waiting, the others are `move[first[k]] ...`. Joint
/// choice c is (c_0, c_1, ...) in mixed radix, the last actor's option fastest; it leads to the states
/// `shift[i]` away, i = corner[c] .. corner[c+1]-1, with probability `weight[i]`, the same in all lanes of the block.
typedef struct RoundJoint {
    const Lattice *lattice;              // borrowed
    const LatticeRule *rule;             // borrowed, may be NULL
    int32_t  n_actor;
    int32_t  actor[ROUND_ACTORS_MAX];
    bool     depends[ROUND_ACTORS_MAX];  // its effects read what an earlier actor of the stage may have changed
    bool    *possible;                   // [n_jump x n_mode_state]
    int32_t  all_of;                     // an actor whose moves are listed whether or not a guard or a rule closes them;
                                         // negative: nobody's
    // of the block at hand
    int32_t  n_option[ROUND_ACTORS_MAX]; // moves and waiting
    int32_t  first[ROUND_ACTORS_MAX];    // into move
    int32_t  n_move;
    int32_t *move;                       // [n_jump] actor by actor
    int64_t  n_joint;
    int64_t *corner;                     // [n_joint + 1]
    int64_t *shift;
    double  *weight;
    int64_t  joint_room, corner_room;    // how many fit
    int64_t *old_corner, *old_shift;     // the joint choices of the actors so far
    double  *old_weight;
    int64_t  old_joint_room, old_corner_room;
    int64_t *target;                     // of the moves of one actor
    double  *target_weight;
    int64_t  target_room;
} RoundJoint;

/// Room for one stage; grows with the blocks it meets. DUR_MEMORY when there is none. Freed by round_joint_free, which takes
/// zeros.
DurStatus round_joint_make(RoundJoint *out, const Lattice *lattice, int32_t stage, const LatticeRule *rule);
void      round_joint_free(RoundJoint *joint);

/// The joint choices of a block. False when memory is out.
bool round_joint_at(RoundJoint *joint, const LatticeBlock *view);

/// What is counted on the way through a round, beside the function carried: payments to an actor (its costs too), and how
/// often a jump happens. Negative: not counted.
typedef struct RoundCount { int32_t actor, jump; } RoundCount;

/// Carry a function of the state back over the choices of one stage:
///     y(s) = mean over the choices in s of [ what is counted + x(state after them) ].
///
///   hold_actor   negative, or an actor of the stage that makes `hold_jump` (negative: waits) for certain, opportunity or not;
///                where that move is impossible it waits
///   x, y         [n_state], distinct, from memory_column
/// The same bits for any number of threads. DUR_OK or DUR_MEMORY.
DurStatus round_choices(const Policy *policy, int32_t stage, int32_t hold_actor, int32_t hold_jump, RoundCount count,
                        const double *x, double *y, Team *team);

/// Carry a function back over events and the change of stocks:
///     y(s) = mean over what happens after the choices led to s of [ what is counted + factor * x(state of the next round) ].
///   room   [n_state] scratch; x, y, room distinct, from memory_column
DurStatus round_after(const Lattice *lattice, RoundCount count, double factor, const double *x, double *y, double *room,
                      Team *team);

/// Bound on the rounding of one round carried back, of a function of sup norm 1.
double round_rounding(const Lattice *lattice);

/// Carry a function back over a whole round, nothing counted: y(s) = mean of x in the next round's state.
DurStatus round_apply(const Policy *policy, const double *x, double *y, double *room, Team *team);

// ---- turned round: a round applied to a measure on the states (round_transpose.c) ---------------------------------
//
// One thread each, so that the order of additions is fixed; whoever has several to carry shares those out. All columns are
// [n_state], distinct.

/// What it takes to turn the rounds of one policy round, on one thread.
typedef struct RoundTurn {
    const Policy *policy;        // borrowed
    int32_t  n_stage;
    RoundJoint *joint;           // [n_stage]
    bool    *none;               // [n_jump + ROUND_ACTORS_MAX] options of the block at hand that nobody takes
    double  *room;
} RoundTurn;

/// DUR_OK or DUR_MEMORY. Freed by round_turn_free, which takes zeros.
DurStatus round_turn_make(RoundTurn *out, const Policy *policy);
void      round_turn_free(RoundTurn *turn);

/// y = S' x, the transpose of round_choices with nothing held or counted. With `entry` ([n_entry], may be NULL) it has beside
/// that, at each state and for each move of `actor` that can be made there, entry * (the states after that move - after waiting),
/// the others choosing as they do. DUR_OK or DUR_MEMORY.
DurStatus round_turn_choices(RoundTurn *turn, int32_t stage, int32_t actor, const double *entry, const double *x, double *y);

/// y += what one move of the stage does to x, at the probability with which it is made: the state after it less the state
/// without it, actors of the stage that are declared before its mover choosing as they do, later ones waiting. Over all moves of a
/// stage these add up to S' x - x.
///   hold_actor   negative, or another actor of the stage, which makes `hold_jump` (negative: waits) for certain
DurStatus round_turn_move(RoundTurn *turn, int32_t stage, int32_t jump, int32_t hold_actor, int32_t hold_jump, const double *x,
                          double *y);

/// y += what an event does to x; and what the change of one stock does, those of the stocks declared before it made.
void round_turn_event(RoundTurn *turn, int32_t jump, const double *x, double *y);
void round_turn_change(RoundTurn *turn, int32_t stock, const double *x, double *y);

/// y = A' x, events and then the change of stocks: the transpose of round_after with factor 1.  room [n_state]
void round_turn_after(RoundTurn *turn, const double *x, double *y, double *room);

#endif
