/// Ensembles under a policy of the scenario: what `simulate` tells and `run` draws.
#ifndef STUDY_SIMULATE_H
#define STUDY_SIMULATE_H

#include "frame/json.h"
#include "sim/sim.h"
#include "study/study.h"

/// Points in time of a path when none are asked for: five years month by month, both ends included.
#define STUDY_TIMES 61

/// The policy of a name: -1 for NULL or "", the equilibrium. DUR_INPUT, with a near name, if there is none.
DurStatus study_policy(const DurScenario *s, const char *name, int32_t *policy, DurError *error);

/// Play an ensemble under a policy, solving what is needed. sim_paths_free(out) is due when DUR_OK.
DurStatus study_paths(DurScenario *s, const DurOptions *options, int32_t policy, int64_t default_runs, SimPaths *out,
                      DurError *error);

/// The status of an ensemble of which some runs failed, with a sentence; DUR_OK if none did. And the list of them as JSON,
/// where there are any.
DurStatus study_failed(const SimPaths *paths, DurError *error);
void      render_failed(Json *j, const SimPaths *paths);

#endif
