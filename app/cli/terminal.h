/// The terminal while long work runs: one line that tells how far it is, and Ctrl-C.
#ifndef CLI_TERMINAL_H
#define CLI_TERMINAL_H

#include <stdbool.h>

#include "command.h"
#include "duress.h"

/// Start to listen for Ctrl-C (and a polite request to end): the first asks the work to stop when what it has is
/// whole, the second stops at once. Writing into a closed pipe, or past a limit on
/// the size of files, becomes an error instead of an end.
void terminal_listen(void);

/// Whether standard output is a pipe whose reader is gone.
bool terminal_reader_left(void);

/// What long work reports to: a line that is drawn over, silent where standard error is no terminal; a JSON object a line; or
/// nothing.
DurProgress terminal_progress(ProgressKind kind);

/// Wipe the line, before anything else is printed.
void terminal_clear(void);

#endif
