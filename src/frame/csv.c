#include "base/file.h"
#include "frame/frame.h"

#include <string.h>

/// Bytes gathered before they go to the file: large enough that system calls do not count, small beside any result.
#define CSV_BLOCK 65536

// a field is quoted if it holds a comma, a quote or a line end, or a space at an end, which some readers would trim
static bool needs_quotes(const char *s, size_t n) {
    return strpbrk(s, ",\"\r\n") || (n && (s[0] == ' ' || s[n - 1] == ' '));
}

static void put_field(Text *out, const char *s) {
    size_t n = strlen(s);
    if (!needs_quotes(s, n)) {
        text_append_n(out, s, n);
        return;
    }
    text_char(out, '"');
    for (; *s; s++) {
        if (*s == '"') text_char(out, '"');
        text_char(out, *s);
    }
    text_char(out, '"');
}

static void put_header(Text *out, Text *field, const Frame *frame) {
    for (int32_t c = 0; c < frame->n_column; c++) {
        const Column *column = &frame->column[c];
        text_clear(field);
        text_append(field, column->name);
        if (column->unit[0]) text_printf(field, " (%s)", column->unit);
        if (c) text_char(out, ',');
        put_field(out, text_view(field));
    }
    text_char(out, '\n');
}

static void put_row(Text *out, const Frame *frame, int64_t row) {
    for (int32_t c = 0; c < frame->n_column; c++) {
        const Column *column = &frame->column[c];
        if (c) text_char(out, ',');
        if (column->kind == COLUMN_NUMBER) text_double(out, column->number[row]);
        // a row that is one empty text would be a blank line, which readers skip: quotes keep it a row
        else if (frame->n_column == 1 && !(column->text[row] && column->text[row][0])) text_append(out, "\"\"");
        else put_field(out, column->text[row] ? column->text[row] : "");
    }
    text_char(out, '\n');
}

DurStatus frame_write_csv(const Frame *frame, const char *path, DurError *error) {
    FileOut *file;
    TRY(file_open(&file, path, error));

    Text block = {0}, field = {0};
    DurStatus status = DUR_OK;
    put_header(&block, &field, frame);
    for (int64_t row = 0; row < frame->n_row && status == DUR_OK; row++) {
        put_row(&block, frame, row);
        if (block.length < CSV_BLOCK) continue;
        status = file_put(file, block.data, block.length, error);
        text_clear(&block);
    }
    if (status == DUR_OK && (block.failed || field.failed))
        status = status_fail(error, DUR_MEMORY, "%s: out of memory while writing", path);
    if (status == DUR_OK) status = file_put(file, text_view(&block), block.length, error);
    text_free(&field);
    text_free(&block);

    if (status == DUR_OK) return file_commit(file, error);
    file_drop(file);
    return status;
}
