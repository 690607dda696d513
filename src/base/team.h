/// A team of threads that share out numbered tasks. What a task computes may depend on its number alone, never on
/// the thread or on the order: that is how results keep the same bits on any number of threads.
#ifndef BASE_TEAM_H
#define BASE_TEAM_H

#include <stdint.h>

typedef struct Team Team;

/// What a thread does with one task. `worker` is 0 .. n_thread-1 and picks scratch memory, nothing else.
typedef void (*TeamTask)(void *context, int64_t task, int worker);

/// Make a team of `n_thread` threads (the caller counts as one; <= 0: one for each core). NULL when the machine refuses.
Team *team_make(int n_thread);
void  team_free(Team *team);
int   team_size(const Team *team);

/// Run tasks 0 .. n_task-1 and return when all are done. Called from one thread at a time. A NULL team is one thread.
void team_run(Team *team, TeamTask task, void *context, int64_t n_task);

/// The same; the caller's thread, while it has nothing to do but wait for others at their last tasks, calls `watch` some twenty
/// times a second. For tasks that may last: somebody must go on asking whether to stop.
void team_run_watched(Team *team, TeamTask task, void *context, int64_t n_task, void (*watch)(void *context), void *watch_context);

/// The same as team_run in stages: no task of a stage begins before all tasks of the stage before it are done. Tasks are numbered
/// through, stage k holds first[k] .. first[k+1]-1. Between stages threads wait for one another awake, so stages may be
/// as short as some microseconds.
///   first   [n_stage + 1] rising, first[0] = 0
void team_run_stages(Team *team, TeamTask task, void *context, int64_t n_stage, const int64_t *first);

/// The stage that a task of team_run_stages belongs to.
int64_t team_stage(int64_t n_stage, const int64_t *first, int64_t task);

/// Number of cores that this process may use, at least 1.
int team_core_count(void);

#endif
