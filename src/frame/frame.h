/// Frames: named columns with units, the form in which every result leaves its module. Store and report see nothing
/// else.
#ifndef FRAME_FRAME_H
#define FRAME_FRAME_H

#include "base/status.h"
#include "base/text.h"

#include <stdbool.h>
#include <stdint.h>

typedef enum ColumnKind { COLUMN_NUMBER, COLUMN_TEXT } ColumnKind;

typedef struct Column {
    char *name;          // owned
    char *unit;          // owned; "" where it has none
    ColumnKind kind;
    double *number;      // [n_row] for COLUMN_NUMBER
    char  **text;        // [n_row] for COLUMN_TEXT, each owned, NULL reads as ""
} Column;

typedef struct Frame {
    char   *name;        // owned
    int64_t n_row;
    int32_t n_column;
    Column *column;
} Frame;

/// Make a frame of `n_row` rows without columns. NULL when memory is out.
Frame *frame_make(const char *name, int64_t n_row);
void   frame_free(Frame *frame);

/// Add a column, zeroed; returns the array to fill (owned by the frame), or NULL when memory is out, and the frame is
/// as it was. `unit` may be NULL: none.
double *frame_add_number(Frame *frame, const char *name, const char *unit);
char  **frame_add_text(Frame *frame, const char *name);

/// Put a copy of a text into a cell (NULL empties it); false when memory is out, and the cell is as it was.
bool frame_set_text(Frame *frame, int32_t column, int64_t row, const char *text);

/// Find a column by name; NULL if there is none.
const Column *frame_column(const Frame *frame, const char *name);
/// A cell by column name; NaN / "" if there is no such column.
double      frame_number(const Frame *frame, const char *column, int64_t row);
const char *frame_text(const Frame *frame, const char *column, int64_t row);

/// CSV (RFC 4180): header of names, with the unit in parentheses behind a name that has one; numbers in shortest
/// round-trip form ("nan", "inf" where not finite); fields quoted where needed; lines end in \n alone. Written whole
/// or
/// not at all: DUR_IO and a sentence with the path if the folder or the disk refuses. Path "-" is standard output.
DurStatus frame_write_csv(const Frame *frame, const char *path, DurError *error);

#endif
