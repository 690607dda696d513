/// A few runs of the ensemble as stories, for the page: the one that is most like all, and the two at the ends of the first quantity
/// that is claimed. Which ones is a function of the ensemble alone.
#ifndef STUDY_STORIES_H
#define STUDY_STORIES_H

#include "frame/frame.h"
#include "sim/sim.h"
#include "study/study.h"

/// Runs that are looked through, the first of the ensemble.
#define STORIES_RUNS 500
/// Things told of one run; the rest is counted.
#define STORIES_EVENTS 60
/// Reasons are found for stories where that is at most so many values solved for: seconds of work.
#define STORIES_COST 2.5e6

typedef struct Stories {
    Frame *stories;      // name, policy, run, title, how (it was chosen), command, start and end (states), happened, told (how many)
    Frame *events;       // story (its name), time, date, kind ("move", "event", "policy"), text
} Stories;

/// Choose and tell them, under the equilibrium and, where the first claimed quantity has another, its policy.
///   paths   [1 + n_policy] what each policy's ensemble showed, the equilibrium first; n_run 0 where it was not played
/// DUR_DOMAIN and others as sim_trace. On failure nothing is due.
DurStatus stories_make(Stories *out, DurScenario *s, const DurOptions *options, const SimPaths *paths, DurError *error);
void      stories_free(Stories *stories);

#endif
