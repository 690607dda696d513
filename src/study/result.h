/// Results under way: what a command says, growing in three texts, and the shapes that all commands share.
#ifndef STUDY_RESULT_H
#define STUDY_RESULT_H

#include "base/text.h"
#include "duress.h"
#include "frame/json.h"
#include "lang/lang.h"

struct DurResult {
    Text text, json, faults, notes;
    const Compilation *compilation;   // borrowed up to result_finish: where errors have their places; NULL: they have none
};

/// NULL when memory is out.
DurResult *result_make(void);

/// The path of the file that a place is in; NULL for no place.
const char *result_path(const Compilation *c, Span span);

/// The diagnostics of a scenario for people, into `faults`; notes (lines without a source) are left to the summary
/// that `check` prints.
void result_print(DurResult *result, const Compilation *c);

/// A scenario with errors: printed, and as the JSON of the result. Returns DUR_INPUT.
DurStatus result_faults(DurResult *result, const Compilation *c);

/// The errors as a list, or all that is none (warnings and notes). Inside an object that the caller opened.
void result_list(Json *j, const char *key, const Compilation *c, bool errors);

/// "errors": [...] with one entry. Inside an object that the caller opened. c: the files of the error's place; NULL: it has none.
void result_error(Json *j, DurStatus status, const DurError *error, const Compilation *c);

/// The end of every command: hand over the result and the sentence. A sentence about a place in the scenario goes to the faults,
/// with its line. A status that is not DUR_OK and left no JSON gets {"errors": [...]}; a result whose memory ran out becomes
/// DUR_MEMORY. *result is taken; error may be NULL.
DurStatus result_finish(DurResult **result, DurResult **out, DurStatus status, const DurError *why,
                        char error[1024]);

/// Aligned tables for people: cells are given row by row, columns are as wide as their widest cell.
typedef struct Grid {
    const char *align;   // a letter a column: 'l' or 'r'
    Text  cells;         // ended by '\0' each
    int   n_cell;
} Grid;
void grid_cell(Grid *g, const char *format, ...) DUR_PRINTF(2, 3);
/// A number with so many significant digits; "-" where it is not finite.
void grid_number(Grid *g, double x, int digits);
/// Print with `indent` spaces before each row, two between columns, and free the grid.
void grid_print(Grid *g, Text *out, int indent);

/// Words from `column` on, broken before column 98, later lines indented.
void put_wrapped(Text *out, const char *words, int column, int indent);

/// "1.3 GB", "3.1 s", "4 min": sizes and times as people say them.
void put_bytes(Text *out, double n_byte);
void put_seconds(Text *out, double seconds);

#endif
