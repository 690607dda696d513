/// The page: scenario and results as the frames that a report is drawn from.
#ifndef STUDY_PAGE_H
#define STUDY_PAGE_H

#include "sim/sim.h"
#include "study/explain.h"
#include "study/render.h"

/// What a run found.
typedef struct RunAnswers {
    int32_t   n_paths;         // 1 + n_policy
    SimPaths *paths;           // [n_paths] 0: the equilibrium, 1 + k policy k; n_run 0 where it could not be played
    char    (*why)[256];       // [n_paths] why not, "" where it was
    ClaimAnswers claims;
    bool is_explained;         // `reasons` holds: why everyone chooses as it does at the start
    Explanation reasons;
    char not_explained[256];   // why not, "" where it was or nobody asked
} RunAnswers;

/// Draw the page of a run and write it to options->html, whole or not at all.
DurStatus page_write(const DurScenario *s, const DurOptions *options, const RunAnswers *run, DurError *error);

#endif
