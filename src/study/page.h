/// The page: scenario and results as the frames that a report is drawn from.
#ifndef STUDY_PAGE_H
#define STUDY_PAGE_H

#include "report/report.h"
#include "sim/sim.h"
#include "study/explain.h"
#include "study/render.h"
#include "study/stories.h"

/// What a run found.
typedef struct RunAnswers {
    int32_t   n_paths;         // policies played, the equilibrium among them
    int32_t   first_policy;    // of the model, that paths[0] is of, and so on; -1: the equilibrium
    SimPaths *paths;           // [n_paths] n_run 0 where it could not be played
    char    (*why)[256];       // [n_paths] why not, "" where it was; may be NULL
    ClaimAnswers claims;
    const struct Accounts *accounts;   // of the rivals, if they were asked; borrowed
    bool is_explained;         // `reasons` holds: why everyone chooses as it does at the start
    Explanation reasons;
    Stories stories;           // a few runs, or nothing; page_frames takes them over
    char no_stories[256];      // why not, "" where they were told or nobody asked
    const Answer *at;          // borrowed: values and choices where they were asked for; NULL: at the start
    char not_explained[256];   // why not, "" where it was or nobody asked
} RunAnswers;

/// The doubts (doubts.h) about the equilibrium, and about every policy that was played or judged.
void run_doubts(Text *out, const DurScenario *s, const RunAnswers *run);

/// What a command found as frames: what a page is drawn from and what the store keeps. Names are distinct.
#define PAGE_FRAMES 32
typedef struct PageFrames {
    int    n;
    Frame *all[PAGE_FRAMES];
    char   from[16], until[16];
    Report report;             // points into the others and the scenario
} PageFrames;
DurStatus page_frames(PageFrames *out, const DurScenario *s, const DurOptions *options, const RunAnswers *run,
                      DurError *error);
/// One table more, which is then theirs; NULL (memory is out) is told as such.
DurStatus page_frames_add(PageFrames *frames, Frame *frame, DurError *error);
/// The tables of reasons alone: every move's chance and advantage, and its split.
DurStatus page_why(const Explanation *e, Frame **reasons, Frame **parts, DurError *error);
void      page_frames_free(PageFrames *frames);

#endif
