/// What a chain comes to when nothing stops it: long-run means, and events that need only happen some day. Both are
/// linear systems; both answers carry bounds that hold whatever the solver did.
#ifndef CHECK_LIMIT_H
#define CHECK_LIMIT_H

#include "check/uniformize.h"

/// The long-run mean of x, between two bounds.
///
/// For any function h of the state, stationary weights pi give pi G h = 0, so min(x + G h) <= pi x <= max(x + G h) over a
/// closed set of states. h is sought so that the two meet: then the mean is the same from every state of the set.
/// Source: Odoni 1969; bounds as in relative value iteration, Puterman 1994, 8.5.
///
///   x        [n_state]
///   inside   [n_state] 1 for a closed set of states: the chain never leaves it
///   *closed  whether the bounds met to within twice `error`, or to rounding
/// Returns DUR_OK; DUR_INTERRUPTED; DUR_MEMORY.
DurStatus limit_mean(const Policy *policy, const double *x, const uint8_t *inside, double error, double *low,
                     double *high, bool *closed, Team *team, const Progress *progress, DurError *why);

/// Carry a held function to the beginning of an endless stretch: in `evolution`, value is 0 or 1 where held and
/// anything elsewhere; afterwards it is the mean of the held value that the chain comes to (0 if it comes to none).
/// States that cannot come to a held 1 are held at 0 from then on.
///
/// The error is bounded by the residual times the mean time until something is held, which is bounded in turn by a
/// function m with G m <= -1. If no such m is found, evolution->error becomes 1 and *bounded false.
DurStatus limit_ever(Evolution *evolution, const Policy *policy, double budget, bool *bounded, DurError *error);

/// Columns of n_state doubles that each takes beside an Evolution.
#define LIMIT_COLUMNS 14

/// States that a run can be in once it plays the last step of a plan, 1 in out[n_state]; perhaps a few more, but always
/// a closed set.
DurStatus limit_reachable(const Lattice *lattice, const Plan *plan, uint8_t *out);

#endif
