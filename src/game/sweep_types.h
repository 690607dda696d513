/// Sweeps where some actors have private types: see sweep.h, whose functions come here for such games; and paced ones (paced.h) of any game.
///
/// The unknowns are everyone's values, a row for each actor and type, and behind them, for each visible move of an actor
/// with types, by how much it shifts the belief (Policy.shift). For what a move is worth depends on what it tells, and what
/// it tells on who makes it: a choice is a fixed point of its own in every state, and there may be several. As unknowns of
/// the whole game shifts stay on the branch that the continuation follows, and a sweep is a function of its argument alone,
/// which mixing and Newton's method ask for.
#ifndef GAME_SWEEP_TYPES_H
#define GAME_SWEEP_TYPES_H

#include "base/progress.h"
#include "base/team.h"
#include "lattice/policy.h"

typedef struct SweepTypes SweepTypes;

SweepTypes *sweep_types_make(const Lattice *lattice, const LatticeRule *rule, Team *team);
void        sweep_types_free(SweepTypes *sweep);

/// From now on sweeps in place ask whether to stop, every few thousand states, and leave undone what is left then; who swept asks the same
/// before using it. Borrows `progress`, which may be NULL.
void        sweep_types_heed(SweepTypes *sweep, const Progress *progress);

/// As sweep_run, sweep_residual and sweep_fill_policy. A shift counts as missing its equation by the difference, times
/// the mover's attention rate and largest |value| there: what it may change of anyone's flow.
double sweep_types_run(SweepTypes *sweep, double precision_scale, const double *value, double *next);
/// The same in place, and of those blocks alone where `where` [n_block] says so (NULL: of all): where few states hold up a solution, they and what is
/// around them are swept often at the cost of little. The bits are those of a whole sweep that leaves the other blocks as they are.
///   missed   [out] [n_block] the largest residual as it was met in each block that is swept; may be NULL
double sweep_types_within(SweepTypes *sweep, double precision_scale, const bool *where, double *value, float *missed);
/// Let shifts go all the way to what the choices tell, for Newton's method, which needs no damping and a map that is
/// continuous; or, false, only as far as iteration bears.
void   sweep_types_whole_steps(SweepTypes *sweep, bool whole);
/// From now on each state, its values and its shifts, goes only a part of the way in a sweep, its pace, which falls wherever its shifts or its
/// values turn back and rises again, up to the whole way, where they go on. With small paces sweeps follow a flow in time, best responses to beliefs
/// that move, which leads to fixed points that whole steps go around in circles. What is missed is told as ever. DUR_OK or DUR_MEMORY; once. Takes 8
/// bytes for each state and 4 for each value and shift.
DurStatus sweep_types_pace(SweepTypes *sweep);
/// The same for what types do: in a sweep in place each choice, its habit, goes only a part of the way to what is best, the state's pace, and values and what moves
/// tell follow from habits at once. So what a move tells is always what some behaviour tells, which a part of a shift need not be. What is
/// missed is told of values and shifts alone: how far choices are from answers sweep_types_residual has to tell. For vectors of values
/// and shifts from habits to start with, sweep_types_take_up. DUR_OK or DUR_MEMORY; once, and not with sweep_types_pace.
DurStatus sweep_types_habits(SweepTypes *sweep);
double    sweep_types_habits_bytes(const Lattice *lattice);
/// One sweep in place after which habits are the answers to `value`.
void   sweep_types_take_up(SweepTypes *sweep, double precision_scale, double *value);
/// From now on paces are at most so large (0 .. 1), and begin there.
void   sweep_types_pace_most(SweepTypes *sweep, float most);
double sweep_types_residual(SweepTypes *sweep, double precision_scale, const double *value, double *room);
void   sweep_types_fill_policy(SweepTypes *sweep, Policy *policy);

#endif
