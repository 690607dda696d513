#include "lang/diagnostic.h"

#include "base/memory.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/// Columns of a line of the scenario that are shown; the caret is kept inside.
#define SHOWN_WIDTH 100

void diagnostics_free(Diagnostics *d) {
    memory_free(d->item);
    *d = (Diagnostics){0};
}

// bytes of the code point at s, n bytes being left; 0 if what stands there is no UTF-8
static size_t code_point_size(const char *s, size_t n) {
    unsigned char u = (unsigned char)*s;
    size_t size = u < 0x80 ? 1 : (u & 0xE0) == 0xC0 ? 2 : (u & 0xF0) == 0xE0 ? 3 : (u & 0xF8) == 0xF0 ? 4 : 0;
    return size <= n && size && text_is_utf8(s, size, NULL) ? size : 0;
}

// texts of strangers are shown on terminals: nothing that steers one gets through
static void append_tame(Text *out, const char *s, size_t n, const char *instead) {
    for (size_t i = 0; i < n;) {
        size_t size = code_point_size(s + i, n - i);
        unsigned char u = (unsigned char)s[i];
        bool steers = u < 0x20 || u == 0x7F || (u == 0xC2 && (unsigned char)s[i + 1] < 0xA0);
        if (size == 0 || steers) text_append(out, instead);
        else text_append_n(out, s + i, size);
        i += size ? size : 1;
    }
}

static const char *keep(Diagnostics *d, const char *s, size_t n) {
    Text tame = {0};
    append_tame(&tame, s, n, "?");
    const char *copy = tame.failed ? NULL : arena_text(d->arena, text_view(&tame), tame.length);
    text_free(&tame);
    if (!copy) d->failed = true;
    return copy;
}

void diagnostics_add(Diagnostics *d, Severity severity, Span span, const char *code, const char *help,
                     const char *format, ...) {
    if (severity == SEVERITY_ERROR) d->n_error++;
    if (severity == SEVERITY_WARNING) d->n_warning++;
    if (d->n >= DIAGNOSTIC_MAX || d->failed) return;

    if (d->n == d->capacity) {
        int32_t capacity = d->capacity ? 2 * d->capacity : 8;
        Diagnostic *item = memory_resize(d->item, (size_t)capacity * sizeof *item);
        if (!item) { d->failed = true; return; }
        d->item = item;
        d->capacity = capacity;
    }
    char message[1024];
    va_list args;
    va_start(args, format);
    int n = vsnprintf(message, sizeof message, format, args);
    va_end(args);
    size_t length = n < 0 ? 0 : n < (int)sizeof message ? (size_t)n : sizeof message - 1;

    Diagnostic *item = &d->item[d->n];
    *item = (Diagnostic){.severity = severity, .span = span, .code = code};
    item->message = keep(d, message, length);
    if (help) item->help = keep(d, help, strlen(help));
    if (!d->failed) d->n++;
}

static int order(const Diagnostic *a, const Diagnostic *b) {
    if (a->span.file != b->span.file) return a->span.file < b->span.file ? -1 : 1;
    if (a->span.line != b->span.line) return a->span.line < b->span.line ? -1 : 1;
    if (a->span.column != b->span.column) return a->span.column < b->span.column ? -1 : 1;
    return 0;
}

static bool same(const Diagnostic *a, const Diagnostic *b) {
    return order(a, b) == 0 && a->severity == b->severity && strcmp(a->message, b->message) == 0;
}

void diagnostics_sort(Diagnostics *d) {
    // insertion keeps the order of report among faults of one place; there are at most DIAGNOSTIC_MAX
    for (int32_t i = 1; i < d->n; i++) {
        Diagnostic moved = d->item[i];
        int32_t j = i;
        for (; j > 0 && order(&d->item[j - 1], &moved) > 0; j--) d->item[j] = d->item[j - 1];
        d->item[j] = moved;
    }
    int32_t n = 0;
    for (int32_t i = 0; i < d->n; i++) {
        bool again = false;
        for (int32_t j = n; j-- > 0 && order(&d->item[j], &d->item[i]) == 0;) again |= same(&d->item[j], &d->item[i]);
        if (!again) {
            d->item[n++] = d->item[i];
        } else {
            if (d->item[i].severity == SEVERITY_ERROR) d->n_error--;
            if (d->item[i].severity == SEVERITY_WARNING) d->n_warning--;
        }
    }
    d->n = n;
}

// ---- printing ----------------------------------------------------------------------------------------------------

// a place in a file; faults come in order, so that the search for the next goes on from the last one
typedef struct Place {
    int32_t file, line, column;
    const char *line_start, *s, *end;
} Place;

static bool ends_line(const Place *at) { return at->s == at->end || *at->s == '\n' || *at->s == '\r'; }

static void pass_column(Place *at) {
    size_t size = code_point_size(at->s, (size_t)(at->end - at->s));
    at->s += size ? size : 1;
    at->column++;
}

static void start_line(Place *at) {
    at->line_start = at->s;
    at->column = 1;
    // a byte order mark is not a column
    if (at->line == 1 && at->end - at->s >= 3 && memcmp(at->s, "\xEF\xBB\xBF", 3) == 0) at->s += 3;
}

// go to a column of a line, or to the end of that line if it is shorter; false if there is no such line
static bool find_place(Place *at, const SourceText *file, int32_t i_file, int32_t line, int32_t column) {
    if (at->file != i_file || at->line > line || !at->s) {
        const char *text = file[i_file].data;
        *at = (Place){.file = i_file, .line = 1, .s = text, .end = text + file[i_file].length};
        start_line(at);
    }
    if (at->line == line && at->column > column) {
        at->s = at->line_start;
        start_line(at);
    }
    while (at->line < line) {
        while (!ends_line(at)) at->s++;
        if (at->s == at->end) return false;
        at->s += *at->s == '\r' && at->s + 1 < at->end && at->s[1] == '\n' ? 2 : 1;
        at->line++;
        start_line(at);
    }
    while (at->column < column && !ends_line(at)) pass_column(at);
    return true;
}

// the line with its caret: all of it, or of a long one the stretch around the caret
static void print_line(Text *out, Span span, Place *at, const SourceText *file) {
    bool is_cut = span.column > SHOWN_WIDTH - 20;
    if (!find_place(at, file, span.file, span.line, is_cut ? span.column - SHOWN_WIDTH / 2 : 1)) return;

    // leading space says nothing about the fault
    if (!is_cut)
        while (at->column < span.column && !ends_line(at) && (*at->s == ' ' || *at->s == '\t')) pass_column(at);
    int32_t first = at->column;
    text_append(out, is_cut ? "    ..." : "    ");
    Place to = *at;
    while (!ends_line(&to) && to.column < first + SHOWN_WIDTH) {
        const char *s = to.s;
        size_t size = code_point_size(s, (size_t)(to.end - s));
        pass_column(&to);
        append_tame(out, s, (size_t)(to.s - s), size ? " " : "?");
    }
    if (!ends_line(&to)) text_append(out, "...");

    // from the caret to the end of what is meant, or of what is shown
    int32_t end = span.length < 1 ? span.column + 1 : span.column + span.length;
    if (end > to.column) end = to.column > span.column ? to.column : span.column + 1;
    text_append(out, "\n    ");
    text_repeat(out, ' ', (is_cut ? 3 : 0) + (span.column > first ? span.column - first : 0));
    text_char(out, '^');
    text_repeat(out, '~', end - span.column - 1);
    text_char(out, '\n');
}

void diagnostics_print(const Diagnostics *d, const SourceText *file, int32_t n_file, Text *out) {
    static const char *const word[] = {
        [SEVERITY_ERROR] = "error", [SEVERITY_WARNING] = "warning", [SEVERITY_NOTE] = "note"};
    Place at = {0};
    for (int32_t i = 0; i < d->n; i++) {
        const Diagnostic *x = &d->item[i];
        bool has_file = x->span.file >= 0 && x->span.file < n_file;
        if (has_file) {
            append_tame(out, file[x->span.file].path, strlen(file[x->span.file].path), "?");
            if (x->span.line > 0) text_printf(out, ":%d:%d", (int)x->span.line, (int)x->span.column);
            text_append(out, ": ");
        }
        text_printf(out, "%s: %s\n", word[x->severity], x->message);
        if (has_file && x->span.line > 0 && file[x->span.file].data) print_line(out, x->span, &at, file);
        if (x->help) text_printf(out, "    %s\n", x->help);
    }
    int32_t more = d->n_error + d->n_warning - d->n;
    if (d->n >= DIAGNOSTIC_MAX && more > 0) text_printf(out, "%d more are not shown\n", (int)more);
}
