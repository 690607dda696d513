/// What is wrong with a scenario, in the order of the text: every fault with its place, what was found, what was
/// expected, and a mend where one is near.
#ifndef LANG_DIAGNOSTIC_H
#define LANG_DIAGNOSTIC_H

#include "base/arena.h"
#include "base/span.h"
#include "base/text.h"

#include <stdbool.h>
#include <stdint.h>

typedef enum Severity { SEVERITY_ERROR, SEVERITY_WARNING, SEVERITY_NOTE } Severity;

typedef struct Diagnostic {
    Severity severity;
    Span     span;
    const char *code;     // stable short name, "unknown-name", for tools and for doc/language.md
    const char *message;  // one sentence: what was found and what was expected
    const char *help;     // "did you mean `crackdown`?" or NULL
} Diagnostic;

/// Errors beyond this many are counted, not kept: a binary file must not fill memory with complaints.
#define DIAGNOSTIC_MAX 200

typedef struct Diagnostics {
    Arena *arena;            // borrowed: texts live there
    int32_t n, capacity;
    Diagnostic *item;        // owned, sorted by diagnostics_sort
    int32_t n_error, n_warning;   // all, those not kept included
    bool    failed;          // memory ran out while noting one
} Diagnostics;

void diagnostics_free(Diagnostics *d);
void diagnostics_add(Diagnostics *d, Severity severity, Span span, const char *code, const char *help,
                     const char *format, ...) DUR_PRINTF(6, 7);
/// By file, line, column; equal ones once.
void diagnostics_sort(Diagnostics *d);

/// The files that were read, so that a diagnostic can show its line.
typedef struct SourceText {
    const char *path;
    const char *data;
    size_t      length;
} SourceText;

/// Print as a person reads it:
///     example.duress:12:7: error: there is no stock or mode called `crakdown`
///         drift 0.03*crakdown
///                    ^~~~~~~~
///         did you mean `crackdown`?
/// Long lines are shown as the stretch around the caret; tabs are shown as one space.
void diagnostics_print(const Diagnostics *d, const SourceText *file, int32_t n_file, Text *out);

#endif
