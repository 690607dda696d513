#include "base/asking.h"

bool asking_stopped(Asking *asking, int worker) {
    if (worker == 0 && progress_stop(asking->progress)) atomic_store(&asking->stopped, true);
    return atomic_load(&asking->stopped);
}

bool asker_stopped(void *asker) {
    Asker *a = asker;
    return asking_stopped(a->asking, a->worker);
}
