/// Interruption among threads: the caller's thread alone asks whether to stop, since whoever answers may be at home on it only;
/// the others follow.
#ifndef BASE_ASKING_H
#define BASE_ASKING_H

#include "base/progress.h"
#include "base/team.h"

#include <stdatomic.h>
#include <stdbool.h>

/// Shared by all threads of one piece of work.
typedef struct Asking {
    const Progress *progress;   // borrowed; may be NULL
    atomic_bool     stopped;    // that it is to stop has been heard
} Asking;

/// Whether the work is to stop, as seen by a thread of a team; worker 0 asks.
bool asking_stopped(Asking *asking, int worker);

/// team_run of tasks that ask: while the caller's thread waits for others it goes on asking, so that a stop is heard however long
/// the last task lasts.
void asking_run(Asking *asking, Team *team, TeamTask task, void *context, int64_t n_task);

/// One thread's share in it, for those who take a question and its context: asker_stopped and the Asker.
typedef struct Asker { Asking *asking; int worker; } Asker;
bool asker_stopped(void *asker);

/// The progress of a task on one thread: it asks as above, and worker 0 alone tells.
Progress asker_progress(Asker *asker);

#endif
