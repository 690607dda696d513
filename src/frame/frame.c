#include "frame/frame.h"

#include "base/memory.h"

#include <assert.h>
#include <math.h>
#include <string.h>

static char *copy_text(const char *s) {
    size_t n = strlen(s) + 1;
    char *copy = memory_alloc(n);
    if (copy) memcpy(copy, s, n);
    return copy;
}

static void column_free(Column *column, int64_t n_row) {
    if (column->text)
        for (int64_t i = 0; i < n_row; i++) memory_free(column->text[i]);
    memory_free(column->text);
    memory_free(column->number);
    memory_free(column->unit);
    memory_free(column->name);
}

void frame_free(Frame *frame) {
    if (!frame) return;
    for (int32_t c = 0; c < frame->n_column; c++) column_free(&frame->column[c], frame->n_row);
    memory_free(frame->column);
    memory_free(frame->name);
    memory_free(frame);
}

Frame *frame_make(const char *name, int64_t n_row) {
    assert(n_row >= 0);
    Frame *frame = memory_zeroed(1, sizeof *frame);
    if (!frame) return NULL;
    frame->n_row = n_row;
    frame->name = copy_text(name);
    if (!frame->name) {
        frame_free(frame);
        return NULL;
    }
    return frame;
}

// the column is made whole before the frame counts it, so that a failure leaves the frame as it was
static Column *add_column(Frame *frame, const char *name, const char *unit, ColumnKind kind) {
    Column made = {.kind = kind, .name = copy_text(name), .unit = copy_text(unit ? unit : "")};
    if (kind == COLUMN_NUMBER) made.number = memory_column(frame->n_row);
    else                       made.text = memory_zeroed((size_t)frame->n_row, sizeof *made.text);
    if (!made.name || !made.unit || !(made.number || made.text)) goto fail;

    Column *column = memory_resize(frame->column, ((size_t)frame->n_column + 1) * sizeof *column);
    if (!column) goto fail;
    frame->column = column;
    frame->column[frame->n_column] = made;
    return &frame->column[frame->n_column++];

fail:
    column_free(&made, frame->n_row);
    return NULL;
}

double *frame_add_number(Frame *frame, const char *name, const char *unit) {
    Column *column = add_column(frame, name, unit, COLUMN_NUMBER);
    return column ? column->number : NULL;
}

char **frame_add_text(Frame *frame, const char *name) {
    Column *column = add_column(frame, name, "", COLUMN_TEXT);
    return column ? column->text : NULL;
}

bool frame_set_text(Frame *frame, int32_t column, int64_t row, const char *text) {
    assert(column >= 0 && column < frame->n_column && row >= 0 && row < frame->n_row);
    assert(frame->column[column].kind == COLUMN_TEXT);
    char *copy = text ? copy_text(text) : NULL;
    if (text && !copy) return false;
    char **cell = &frame->column[column].text[row];
    memory_free(*cell);
    *cell = copy;
    return true;
}

const Column *frame_column(const Frame *frame, const char *name) {
    for (int32_t c = 0; c < frame->n_column; c++)
        if (strcmp(frame->column[c].name, name) == 0) return &frame->column[c];
    return NULL;
}

double frame_number(const Frame *frame, const char *column, int64_t row) {
    assert(row >= 0 && row < frame->n_row);
    const Column *c = frame_column(frame, column);
    return c && c->kind == COLUMN_NUMBER ? c->number[row] : NAN;
}

const char *frame_text(const Frame *frame, const char *column, int64_t row) {
    assert(row >= 0 && row < frame->n_row);
    const Column *c = frame_column(frame, column);
    return c && c->kind == COLUMN_TEXT && c->text[row] ? c->text[row] : "";
}
