/// Where an ensemble keeps the runs that are done, so that a later call need not play them again. An ensemble that keeps is
/// played in stretches; between two of them what was counted so far is handed over, about every SIM_KEEP_SECONDS. A request
/// to stop then waits for the end of the stretch, and nothing that was played is lost.
#ifndef SIM_KEEP_H
#define SIM_KEEP_H

#include "base/text.h"

#include <stdint.h>

/// Seconds of work between two times that something is kept: about what a process that is killed loses. Where keeping takes
/// long (many times and stocks, a slow disk) it is done less often, so that it takes at most one part in SIM_KEEP_SHARE of
/// the work.
#define SIM_KEEP_SECONDS 0.25
#define SIM_KEEP_SHARE   64

typedef struct SimKeep {
    void *context;
    double seconds;        // between two savings; 0: SIM_KEEP_SECONDS
    /// What was kept under a name for the runs from `first` on, and how many runs it stands for; 0: nothing.
    int64_t (*load)(void *context, const char *name, int64_t first, Text *data);
    /// Keep it. A place that has become full is the keeper's to tell; the work goes on.
    void (*save)(void *context, const char *name, int64_t first, int64_t n_run, const char *data, size_t n_byte);
} SimKeep;

#endif
