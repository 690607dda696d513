/// Growing text, numbers as text, and names that are near one another.
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include "base/compiler.h"

#include <stdbool.h>
#include <stddef.h>

/// A growing, NUL-terminated buffer. Zero-initialised is empty. A failed allocation sets `failed` and later
/// appends do nothing, so that a writer checks once, at the end.
typedef struct Text {
    char  *data;      // NULL while empty; owned; freed by text_free
    size_t length;    // bytes without the NUL
    size_t capacity;
    bool   failed;    // memory ran out at some append
} Text;

void text_free(Text *text);
void text_clear(Text *text);
/// Back to the first `length` bytes.
void text_cut(Text *text, size_t length);
/// Room for n bytes in all, taken at once where they are many; else room doubles as it is needed.
void text_reserve(Text *text, size_t n);
void text_append(Text *text, const char *s);
void text_append_n(Text *text, const char *s, size_t n);
void text_char(Text *text, char c);
void text_repeat(Text *text, char c, int n);
void text_printf(Text *text, const char *format, ...) DUR_PRINTF(2, 3);

/// The shortest decimal that reads back as the same double ("0.1", "1e+300", "nan", "inf", "-inf").
void text_double(Text *text, double x);
/// The same into a caller's buffer of at least 32 bytes; returns the buffer.
char *text_from_double(char buffer[32], double x);

/// A number for a person: `digits` significant digits, thousands grouped with commas ("324,000", "0.0418").
void text_number(Text *text, double x, int digits);

/// A confidence as a percentage, without its sign: all of its digits ("99.9999"), so that less than 1 is never "100".
void text_confidence(Text *text, double share);

/// The text so far, never NULL.
const char *text_view(const Text *text);

/// Number of edits (insert, delete, replace, swap of neighbours) between two names; stops counting past `most`.
int text_distance(const char *a, const char *b, int most);

/// The nearest of `n` names to `name` if it is near enough to suggest (about a third of its letters), else NULL.
const char *text_nearest(const char *name, const char *const *names, int n);

/// True if the bytes are valid UTF-8 without NUL; else *bad is the offset of the first bad byte.
bool text_is_utf8(const char *s, size_t n, size_t *bad);

/// Columns that `n` bytes of UTF-8 take on a terminal, one a code point.
int text_width(const char *s, size_t n);

#endif
