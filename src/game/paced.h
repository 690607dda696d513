/// Paced sweeps in turns with Newton's method. Best responses go round in circles where an actor's choice is sharp and others answer it; most of all with
/// private types, where what a move tells depends on who makes it, and who makes it on what it tells. One such state keeps all others from
/// settling. Where each state moves at a pace of its own, slower wherever it turns back (sweep_types_pace), sweeps follow a flow in
/// time there, and settle. They take many hundreds of sweeps and need no start near a solution; Newton's method needs few steps, and one.
/// Source of the flow: Gilboa and Matsui 1991, "Social stability and equilibrium"; of paces by the sign of what is left: Riedmiller and Braun 1993.
/// What is found so is an equilibrium, and may not be called principal.
#ifndef GAME_PACED_H
#define GAME_PACED_H

#include "game/krylov.h"

/// From `value` [n_all] to a solution at the stated precisions; the sweeps count as two of a linear system each, towards krylov->max_sweep.
///   rule        the tangent's, may be NULL
///   value       [in,out] on failure where sweeps led
///   out         n_step counts Newton's steps, n_swept sweeps of values and beliefs
/// Returns DUR_OK whether or not it got there; DUR_MEMORY.
DurStatus paced_solve(KrylovResult *out, Krylov *krylov, const LatticeRule *rule, double tolerance, double *value);

#endif
