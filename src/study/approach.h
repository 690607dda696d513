/// The way from a solution at some params to values near the solution at others: params move along a line, in steps short
/// enough for Newton's method. The branch that is followed is that of the params, not that of precision: it costs a few steps of
/// Newton's method where following precision from 0 costs some hundred.
/// Source: natural continuation with steps halved where they fail, Allgower and Georg 1990, chapter 2.
#ifndef STUDY_APPROACH_H
#define STUDY_APPROACH_H

#include "study/study.h"

/// Values to start from at the session's params, on its lattice, which must be there.
///   from     a session of the same grids at other params
///   known    its solution under the same rule
///   policy, phase   the rule: of which phase of which policy of the model; policy < 0: nobody is restricted
/// *out is owned by the caller; NULL if the way was too steep (a fold, perhaps) or the game is one in rounds.
/// Returns DUR_INTERRUPTED, DUR_MEMORY or DUR_DOMAIN; else DUR_OK.
DurStatus approach(double **out, DurScenario *s, const Session *from, const Policy *known, int32_t policy, int32_t phase,
                   DurError *error);

#endif
