/// Outcomes and the text that goes with them. Libraries never print and never exit: they return a status, and
/// the one who knows the facts writes one sentence for people into the caller's DurError.
#ifndef BASE_STATUS_H
#define BASE_STATUS_H

#include "base/compiler.h"
#include "base/span.h"
#include "duress_status.h"

/// One sentence for people, without a newline at its end. Zero-initialised: nothing was said.
typedef struct DurError {
    char text[1024];   // UTF-8, truncated at a character if longer
    Span span;         // the place in the scenario that it is about; its text begins with that place
    int  sentence;     // where in the text the sentence itself begins
} DurError;

#define TRY(call) do { DurStatus s_ = (call); if (s_ != DUR_OK) return s_; } while (0)

/// The text of a status. Never NULL.
const char *status_text(DurStatus status);

/// Its short name, as programs read it: "ok", "unmet", "input". And back; DUR_STATUS_COUNT for no such name.
const char *status_name(DurStatus status);
DurStatus   status_from_name(const char *name);

/// The program's exit code for a status.
int status_exit_code(DurStatus status);

/// Write the sentence for people (printf style) and return `status`, so that a failure is one line:
///     return status_fail(error, DUR_IO, "%s: %s", path, strerror(errno));
/// The first sentence stands: a later call on the same error does not overwrite it. `error` may be NULL.
DurStatus status_fail(DurError *error, DurStatus status, const char *format, ...) DUR_PRINTF(3, 4);

/// Hand on what somebody else said, place and all. The first sentence stands here too.
DurStatus status_pass(DurError *error, DurStatus status, const DurError *why);

#endif
