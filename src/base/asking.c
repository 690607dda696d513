#include "base/asking.h"

bool asking_stopped(Asking *asking, int worker) {
    if (worker == 0 && progress_stop(asking->progress)) atomic_store(&asking->stopped, true);
    return atomic_load(&asking->stopped);
}

bool asker_stopped(void *asker) {
    Asker *a = asker;
    return asking_stopped(a->asking, a->worker);
}

static void watch(void *asking) { asking_stopped(asking, 0); }

void asking_run(Asking *asking, Team *team, TeamTask task, void *context, int64_t n_task) {
    team_run_watched(team, task, context, n_task, watch, asking);
}

static void tell(void *asker, const char *what, double done, double total, const char *note) {
    Asker *a = asker;
    if (a->worker == 0) progress_tell(a->asking->progress, what, done, total, note);
}

Progress asker_progress(Asker *asker) { return (Progress){.tell = tell, .stop = asker_stopped, .context = asker}; }
