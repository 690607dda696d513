/// Progress and interruption: long work tells how far it is and asks whether it should stop.
#ifndef BASE_PROGRESS_H
#define BASE_PROGRESS_H

#include <stdbool.h>

/// Borrowed by long work. All fields may be NULL; a NULL Progress is silent and never stops.
typedef struct Progress {
    /// Called from one thread, a few times a second at most by the teller's own measure. `what` is a short phrase
    /// ("solving", "simulating"); `done` of `total` in any unit, total <= 0 when it is not known.
    void (*tell)(void *context, const char *what, double done, double total, const char *note);
    /// True when the work should stop as soon as what it has is whole, and from then on; asked often, must be cheap.
    bool (*stop)(void *context);
    void *context;
} Progress;

/// What overshoots its end, as a residual below the one asked for, is told as done.
static inline void progress_tell(const Progress *p, const char *what, double done, double total, const char *note) {
    if (p && p->tell) p->tell(p->context, what, total > 0 && done > total ? total : done, total, note);
}
static inline bool progress_stop(const Progress *p) { return p && p->stop && p->stop(p->context); }

/// Seconds on a clock that never goes back.
double progress_seconds(void);

#endif
