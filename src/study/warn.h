/// Warnings that need the lattice or the disk: what the checker of the language cannot see in the text alone.
#ifndef STUDY_WARN_H
#define STUDY_WARN_H

#include "study/study.h"

/// Add them to the scenario's diagnostics, once; the lattice must be there. Codes: "never-available" (a move or event
/// whose guard holds at no node, or an event whose rate is 0 at every node), "leaves-range" (a drift that pushes out
/// of its stock's range at an end), "negative-rate" (a rate, precision or noise below 0 somewhere between the nodes),
/// "changed-source" (a file at hand whose SHA-256 is not the one stated).
/// Cost: the tables' sizes, and a few thousand evaluations of every rate.
DurStatus warn_lattice(DurScenario *s, DurError *error);

/// The checker's remarks on conditions that runs with continuous stocks miss ("unseen"), into the faults of an answer that rests on such
/// runs, those that are not there already. with_claims: those inside claims, too. `duress check` tells them all.
void warn_unseen(Text *faults, const DurScenario *s, bool with_claims);

#endif
