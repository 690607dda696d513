/// One pass of an exact answer, shared by the two clocks: exact.c walks back in continuous time, rounds.c round by round.
#ifndef CHECK_WALK_H
#define CHECK_WALK_H

#include "check/uniformize.h"

/// Something that happens at an instant of its own: step `step` of the plan begins and sets modes, or event `jump`, which
/// has a date. The other one is negative.
typedef struct Instant {
    double  time;
    int32_t step, jump;
} Instant;

/// One pass: a function carried from the end of a window to the start of the run.
typedef struct Walk {
    const Lattice *lattice;
    const Plan    *plan;
    const ModelQuantity *quantity;
    Team          *team;
    Instant       *instant;      // [n_instant]
    int32_t        n_instant;
    bool           has_hold;     // reaching a state settles the matter, inside the window
    uint8_t       *settled;      // [n_state] 0: open, 1: the answer is 0, 2: the answer is 1
    bool           has_reward;   // a running reward inside the window
    double         reward_scale;
    double        *reward;       // [n_state] of the value x; NULL when it is the rate of a jump
    double         budget;       // error for the whole walk
    Evolution      e;
} Walk;

/// Put the settled answers into the states that settle the matter.
void walk_hold(Walk *walk);

/// The value before what happens at one instant, from the value after it. t: the time at which it counts as happening.
DurStatus walk_instant(Walk *walk, const Instant *instant, double t, DurError *error);

// ---- rounds (rounds.c) --------------------------------------------------------------------------------------------

/// As walk_back in exact.c: carry the value at the beginning of round rounds_until(t), after all that happens there, to the start.
DurStatus rounds_walk_back(Walk *walk, double t, DurError *error);

/// As limit_ever: from the value that a matter is settled with, in walk->settled, to the beginning of an endless run under one
/// policy.
DurStatus rounds_ever(Walk *walk, const Policy *policy, double budget, bool *bounded, DurError *error);

/// x becomes its mean after the choices of a round: what the long run is a mean of.
DurStatus rounds_after_choices(const Policy *policy, double *x, Team *team);

#endif
