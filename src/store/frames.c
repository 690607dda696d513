/// Frames in and out: a row of `frame`, and a row of `field` for each column, with its cells as one run of bytes. Numbers are
/// doubles, little-endian, one after the other; texts end in a NUL each.
#include "store/internal.h"

#include "base/memory.h"

#include <string.h>

static void pack(Text *out, const Frame *frame, const Column *column) {
    text_clear(out);
    for (int64_t r = 0; r < frame->n_row; r++) {
        if (column->kind == COLUMN_TEXT) {
            const char *s = column->text[r] ? column->text[r] : "";
            text_append_n(out, s, strlen(s) + 1);
            continue;
        }
        uint64_t bits;
        char byte[8];
        memcpy(&bits, &column->number[r], sizeof bits);
        for (int i = 0; i < 8; i++) byte[i] = (char)(bits >> 8 * i & 0xff);
        text_append_n(out, byte, sizeof byte);
    }
}

bool frame_put(Store *store, int64_t run, int32_t number, const Frame *frame) {
    sqlite3_stmt *s = db_prepare(store, "INSERT INTO frame(run, number, name, n_row) VALUES(?1, ?2, ?3, ?4)");
    db_bind_int(s, 1, run);
    db_bind_int(s, 2, number);
    db_bind_text(s, 3, frame->name);
    db_bind_int(s, 4, frame->n_row);
    if (!db_done(s)) return false;
    int64_t id = sqlite3_last_insert_rowid(store->db);
    Text data = {0};
    bool fine = true;
    for (int32_t c = 0; c < frame->n_column && fine; c++) {
        const Column *column = &frame->column[c];
        pack(&data, frame, column);
        s = db_prepare(store, "INSERT INTO field(frame, number, name, unit, kind, data) VALUES(?1, ?2, ?3, ?4, ?5, ?6)");
        db_bind_int(s, 1, id);
        db_bind_int(s, 2, c);
        db_bind_text(s, 3, column->name);
        db_bind_text(s, 4, column->unit);
        db_bind_text(s, 5, column->kind == COLUMN_TEXT ? "text" : "number");
        db_bind_blob(s, 6, text_view(&data), data.length);
        fine = db_done(s) && !data.failed;
    }
    text_free(&data);
    return fine;
}

// the cells of a column; false where the bytes are not as many as they must be
static bool unpack(Frame *frame, int32_t c, const char *data, size_t n) {
    Column *column = &frame->column[c];
    if (column->kind == COLUMN_NUMBER) {
        if (n != 8 * (size_t)frame->n_row) return false;
        for (int64_t r = 0; r < frame->n_row; r++) {
            uint64_t bits = 0;
            for (int i = 0; i < 8; i++) bits |= (uint64_t)(unsigned char)data[8 * r + i] << 8 * i;
            memcpy(&column->number[r], &bits, sizeof bits);
        }
        return true;
    }
    const char *end = data + n;
    for (int64_t r = 0; r < frame->n_row; r++) {
        const char *nul = data < end ? memchr(data, '\0', (size_t)(end - data)) : NULL;
        if (!nul || !frame_set_text(frame, c, r, data)) return false;
        data = nul + 1;
    }
    return data == end;
}

static Frame *read_frame(Store *store, int64_t id, const char *name, int64_t n_row) {
    Frame *frame = frame_make(name, n_row);
    sqlite3_stmt *s = db_prepare(store, "SELECT name, unit, kind, data FROM field WHERE frame = ?1 ORDER BY number");
    db_bind_int(s, 1, id);
    int step = 0;
    bool fine = frame != NULL;
    for (int32_t c = 0; fine && (step = db_step(s)) == 1; c++) {
        const char *title = (const char *)sqlite3_column_text(s, 0), *unit = (const char *)sqlite3_column_text(s, 1);
        bool is_text = strcmp((const char *)sqlite3_column_text(s, 2), "text") == 0;
        fine = is_text ? frame_add_text(frame, title) != NULL : frame_add_number(frame, title, unit) != NULL;
        const void *data = sqlite3_column_blob(s, 3);
        fine = fine && unpack(frame, c, data ? data : "", (size_t)sqlite3_column_bytes(s, 3));
    }
    sqlite3_finalize(s);
    if (fine && step == 0) return frame;
    frame_free(frame);
    return NULL;
}

void store_frames_free(Frame **frame, int32_t n_frame) {
    for (int32_t i = 0; i < n_frame; i++) frame_free(frame[i]);
    memory_free(frame);
}

// the frames of a run, or the one of a name
static DurStatus read_frames(Store *store, int64_t id, const char *name, Frame ***frame, int32_t *n_frame, DurError *error) {
    *frame = NULL;
    *n_frame = 0;
    // all of one instant
    if (!db_run(store, "BEGIN")) return db_fail(store, "cannot be read", error);
    sqlite3_stmt *s = db_prepare(store, "SELECT id, name, n_row FROM frame WHERE run = ?1 AND (?2 IS NULL OR name = ?2) "
                                        "ORDER BY number");
    db_bind_int(s, 1, id);
    db_bind_text(s, 2, name);
    int step = 0;
    bool fine = true;
    while (fine && (step = db_step(s)) == 1) {
        Frame **more = memory_resize(*frame, ((size_t)*n_frame + 1) * sizeof *more);
        if (more) *frame = more;
        Frame *one = more ? read_frame(store, sqlite3_column_int64(s, 0), (const char *)sqlite3_column_text(s, 1),
                                       sqlite3_column_int64(s, 2)) : NULL;
        if (one) (*frame)[(*n_frame)++] = one;
        fine = one != NULL;
    }
    DurStatus status = DUR_OK;
    if (step < 0) status = db_fail(store, "cannot be read", error);
    else if (!fine) status = status_fail(error, DUR_IO, "%s: a table of run %lld cannot be read", store->path, (long long)id);
    sqlite3_finalize(s);
    db_run(store, "COMMIT");
    if (status == DUR_OK) return DUR_OK;
    store_frames_free(*frame, *n_frame);
    *frame = NULL;
    *n_frame = 0;
    return status;
}

DurStatus store_frames(Store *store, int64_t id, Frame ***frame, int32_t *n_frame, DurError *error) {
    return read_frames(store, id, NULL, frame, n_frame, error);
}

DurStatus store_frame(Store *store, int64_t id, const char *name, Frame **out, DurError *error) {
    Frame **frame;
    int32_t n_frame;
    *out = NULL;
    TRY(read_frames(store, id, name, &frame, &n_frame, error));
    if (n_frame) *out = frame[0];
    memory_free(frame);
    return DUR_OK;
}

DurStatus store_add_frame(Store *store, int64_t id, const Frame *frame, DurError *error) {
    if (!db_enter(store)) return db_fail(store, "cannot be written", error);
    sqlite3_stmt *s = db_prepare(store, "DELETE FROM frame WHERE run = ?1 AND name = ?2");
    db_bind_int(s, 1, id);
    db_bind_text(s, 2, frame->name);
    bool fine = db_done(s);
    s = db_prepare(store, "SELECT 1 + coalesce(max(number), -1) FROM frame WHERE run = ?1");
    db_bind_int(s, 1, id);
    int32_t number = db_step(s) == 1 ? sqlite3_column_int(s, 0) : 0;
    sqlite3_finalize(s);
    fine = fine && frame_put(store, id, number, frame);
    return db_leave(store, fine, "cannot be written", error);
}
