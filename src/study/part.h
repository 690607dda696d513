/// Parts of an ensemble: what `simulate --shard` leaves in a file for `merge`. Text: a line for everything that the runs of
/// all parts must have in common, the runs of this part, the doubts about the games that they play, what they counted, and a checksum.
#ifndef STUDY_PART_H
#define STUDY_PART_H

#include "sim/sim.h"
#include "study/study.h"

/// An ensemble, all of it.
typedef struct Ensemble {
    bool     lattice;
    int32_t  policy;           // negative: the equilibrium
    uint64_t seed;
    int64_t  n_run;
    double   horizon;
    int32_t  n_time;
} Ensemble;

/// Runs of shard k (from 1) of n: first ... first + n_run - 1 of all.
void study_shard(int64_t all, int32_t k, int32_t n, int64_t *first, int64_t *n_run);

/// Write the runs that `count` holds, whole or not at all.
///   first, n_run  which runs of the ensemble they are
///   doubts        lines (doubts.h): `merge` solves nothing, and has them from here
DurStatus part_write(const DurScenario *s, const DurOptions *options, const Ensemble *ensemble, int64_t first, int64_t n_run,
                     const SimCount *count, const char *doubts, const char *path, DurError *error);

/// Read parts in any order and add them up to the whole ensemble. The session becomes that of the parts: their parameters, grids and tolerance.
///   asked   [out] the command `simulate` that would have played the whole, but for parameters and grids, which are the session's
///   doubts  [out] those of any part, each once
/// Returns DUR_INPUT if they are not parts of one ensemble of this scenario, if runs are missing or there twice, or if a
/// file is damaged; the sentence names the file and what differs. DUR_IO.
DurStatus part_merge(DurScenario *s, const char *const *path, int n_path, Ensemble *ensemble, DurOptions *asked, SimCount **out,
                     Text *doubts, DurError *error);

#endif
