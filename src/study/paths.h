/// Whole paths of single runs, for those who ask for them: every variable at every look, a table that the store keeps.
#ifndef STUDY_PATHS_H
#define STUDY_PATHS_H

#include "frame/frame.h"
#include "sim/sim.h"
#include "study/study.h"

/// True if the options ask for paths.
static inline bool paths_asked(const DurOptions *options) { return options->keep > 0 || options->n_keep_run > 0; }

/// DUR_INPUT, before any work, if paths are asked for that the ensemble does not have, or nothing keeps them.
DurStatus paths_check(const DurScenario *s, const DurOptions *options, int64_t n_run, DurError *error);

/// A frame "runs": run, time, date, and a column for each variable (modes as words), a row for each run and look, of the runs
/// asked for in rising order. Runs that failed are left out. They are played again: paths take memory that an ensemble does not.
///   how      as the ensemble was played
///   paths    what it showed: looks, and runs that failed
/// DUR_LIMIT if memory does not suffice, before any is taken.
DurStatus paths_keep(Frame **out, DurScenario *s, const DurOptions *options, const Plan *plan, const SimOptions *how,
                     const SimPaths *paths, DurError *error);

#endif
