#include "study/result.h"

#include "base/memory.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

DurResult *result_make(void) { return memory_zeroed(1, sizeof(DurResult)); }

const char *dur_result_notes(const DurResult *result) { return text_view(&result->notes); }

void dur_result_free(DurResult *result) {
    if (!result) return;
    text_free(&result->text);
    text_free(&result->json);
    text_free(&result->faults);
    text_free(&result->notes);
    memory_free(result);
}

const char *dur_result_text(const DurResult *result) { return text_view(&result->text); }
const char *dur_result_json(const DurResult *result) { return text_view(&result->json); }
const char *dur_result_faults(const DurResult *result) { return text_view(&result->faults); }

const char *result_path(const Compilation *c, Span span) {
    return span.line > 0 && span.file < c->n_file ? c->file[span.file].path : NULL;
}

static void put_fault(Json *j, const char *path, const Diagnostic *d) {
    json_object(j);
    json_pair_string(j, "file", path);
    json_pair_int(j, "line", d->span.line);
    json_pair_int(j, "column", d->span.column);
    json_pair_int(j, "length", d->span.length);
    json_pair_string(j, "code", d->code);
    json_pair_string(j, "message", d->message);
    json_pair_string(j, "help", d->help);
    json_end_object(j);
}

void result_list(Json *j, const char *key, const Compilation *c, bool errors) {
    json_key(j, key);
    json_array(j);
    for (int32_t i = 0; i < c->diagnostics.n; i++) {
        const Diagnostic *d = &c->diagnostics.item[i];
        if ((d->severity == SEVERITY_ERROR) == errors) put_fault(j, result_path(c, d->span), d);
    }
    json_end_array(j);
}

void result_print(DurResult *result, const Compilation *c) {
    // the same list without its notes
    const Diagnostics *all = &c->diagnostics;
    Diagnostics shown = *all;
    shown.item = memory_zeroed((size_t)all->n, sizeof *shown.item);
    shown.n = 0;
    if (!shown.item) result->faults.failed = true;
    for (int32_t i = 0; shown.item && i < all->n; i++)
        if (all->item[i].severity != SEVERITY_NOTE) shown.item[shown.n++] = all->item[i];
    diagnostics_print(&shown, c->file, c->n_file, &result->faults);
    memory_free(shown.item);
}

DurStatus result_faults(DurResult *result, const Compilation *c) {
    result_print(result, c);
    Json j = json_make(&result->json);
    json_object(&j);
    result_list(&j, "errors", c, true);
    result_list(&j, "warnings", c, false);
    json_end_object(&j);
    return DUR_INPUT;
}

// what was found after the checker had let the scenario through, in the form in which the checker tells its faults
static Diagnostic fault_of(DurStatus status, const DurError *error, const Compilation *c) {
    Diagnostic d = {.severity = SEVERITY_ERROR, .code = status_name(status), .message = error->text};
    if (!c || error->span.line == 0) return d;
    d.span = error->span;
    d.message += error->sentence;
    return d;
}

void result_error(Json *j, DurStatus status, const DurError *error, const Compilation *c) {
    Diagnostic d = fault_of(status, error, c);
    json_key(j, "errors");
    json_array(j);
    put_fault(j, c ? result_path(c, d.span) : NULL, &d);
    json_end_array(j);
}

static void put_lone_fault(Text *out, DurStatus status, const DurError *error, const Compilation *c) {
    DurError why = *error;
    status_fail(&why, status, "%s", status_text(status));
    Json j = json_make(out);
    json_object(&j);
    result_error(&j, status, &why, c);
    json_end_object(&j);
}

DurStatus dur_refuse(DurResult **out, DurStatus status, const char *sentence) {
    *out = result_make();
    if (!*out) return DUR_MEMORY;
    DurError why = {0};
    status_fail(&why, status, "%s", sentence);
    put_lone_fault(&(*out)->json, status, &why, NULL);
    text_char(&(*out)->json, '\n');
    return status;
}

DurStatus result_finish(DurResult **result, DurResult **out, DurStatus status, const DurError *why,
                        char error[1024]) {
    DurResult *r = *result;
    *result = NULL;
    if (error) memcpy(error, why->text, sizeof why->text);
    if (!r && status != DUR_OK) r = result_make();
    if (r && status != DUR_OK && r->json.length == 0) put_lone_fault(&r->json, status, why, r->compilation);
    if (r && status != DUR_OK && r->compilation && why->span.line > 0) {
        Diagnostic d = fault_of(status, why, r->compilation);
        diagnostics_print(&(Diagnostics){.n = 1, .item = &d, .n_error = 1}, r->compilation->file, r->compilation->n_file, &r->faults);
        if (error) error[0] = '\0';
    }
    if (r) text_char(&r->json, '\n');
    if (r && (r->text.failed || r->json.failed || r->faults.failed || r->notes.failed)) {
        dur_result_free(r);
        r = NULL;
        status = DUR_MEMORY;
        if (error) snprintf(error, 1024, "out of memory while writing the answer");
    }
    *out = r;
    return status;
}

// ---- tables -----------------------------------------------------------------------------------------------------

void grid_cell(Grid *g, const char *format, ...) {
    char cell[512];
    va_list args;
    va_start(args, format);
    vsnprintf(cell, sizeof cell, format, args);
    va_end(args);
    text_append_n(&g->cells, cell, strlen(cell) + 1);
    g->n_cell++;
}

void grid_number(Grid *g, double x, int digits) {
    Text number = {0};
    if (isfinite(x)) text_number(&number, x, digits);
    else text_char(&number, '-');
    grid_cell(g, "%s", text_view(&number));
    text_free(&number);
}

void grid_print(Grid *g, Text *out, int indent) {
    enum { COLUMNS_MAX = 32 };
    int n_column = (int)strlen(g->align), width[COLUMNS_MAX] = {0};
    if (n_column > COLUMNS_MAX || g->cells.failed || !g->cells.data) {
        out->failed |= g->cells.failed;
        text_free(&g->cells);
        return;
    }
    const char *cell = g->cells.data;
    for (int i = 0; i < g->n_cell; i++, cell += strlen(cell) + 1) {
        int w = text_width(cell, strlen(cell));
        if (w > width[i % n_column]) width[i % n_column] = w;
    }
    cell = g->cells.data;
    for (int i = 0; i < g->n_cell; i++, cell += strlen(cell) + 1) {
        int c = i % n_column, pad = width[c] - text_width(cell, strlen(cell));
        text_repeat(out, ' ', c == 0 ? indent : 2);
        if (g->align[c] == 'r') text_repeat(out, ' ', pad);
        text_append(out, cell);
        if (g->align[c] != 'r') text_repeat(out, ' ', pad);
        if (c + 1 < n_column) continue;
        // no spaces at the end of a line
        while (out->length && !out->failed && out->data[out->length - 1] == ' ') out->data[--out->length] = '\0';
        text_char(out, '\n');
    }
    text_free(&g->cells);
    g->n_cell = 0;
}

void put_wrapped(Text *out, const char *words, int column, int indent) {
    for (bool first = true; *words; first = false) {
        size_t n = strcspn(words, " ");
        int width = text_width(words, n);
        if (!first && column + 1 + width > 98) {
            text_char(out, '\n');
            text_repeat(out, ' ', indent);
            column = indent;
        } else if (!first) {
            text_char(out, ' ');
            column++;
        }
        text_append_n(out, words, n);
        column += width;
        words += n + (words[n] == ' ');
    }
}

void put_bytes(Text *out, double n_byte) {
    static const char *const unit[] = {"B", "kB", "MB", "GB", "TB", "PB"};
    int k = 0;
    while (n_byte >= 1000 && k + 1 < (int)DUR_COUNT(unit)) {
        n_byte /= 1000;
        k++;
    }
    text_number(out, n_byte, n_byte < 10 && k > 0 ? 2 : 3);
    text_printf(out, " %s", unit[k]);
}

void put_seconds(Text *out, double seconds) {
    if (seconds < 0.0995) text_printf(out, "%.2g ms", 1e3 * seconds);
    else if (seconds < 99.5) text_printf(out, "%.2g s", seconds);
    else if (seconds < 5970) text_printf(out, "%.0f min", seconds / 60);
    else text_printf(out, "%.1f h", seconds / 3600);
}
