/// Solved games, in pieces: what many questions may ask for again, kept until others need the room.
#include "store/internal.h"

#include <time.h>

/// A piece is small enough that whoever else wants to write need not wait for it.
#define PIECE_BYTES ((size_t)16 << 20)
/// Seconds after which a game that was never finished has nobody who still writes it.
#define ABANDONED 86400

// the least recently used go, one at a time, until so many bytes are left
static bool make_room(Store *store, int64_t most) {
    sqlite3_stmt *s = db_prepare(store, "DELETE FROM game WHERE is_whole = 0 AND used < ?1");
    db_bind_int(s, 1, (int64_t)time(NULL) - ABANDONED);
    if (!db_done(s)) return false;
    for (;;) {
        s = db_prepare(store, "DELETE FROM game WHERE (SELECT total(n_byte) FROM game) > ?1 AND key = "
                              "(SELECT key FROM game WHERE is_whole = 1 ORDER BY used, rowid LIMIT 1)");
        db_bind_int(s, 1, most);
        if (!db_done(s)) return false;
        if (sqlite3_changes(store->db) == 0) return true;
    }
}

static bool put_piece(Store *store, const char *key, int64_t number, const char *data, size_t n_byte) {
    // somebody may have forgotten the game meanwhile
    sqlite3_stmt *s = db_prepare(store, "INSERT OR REPLACE INTO piece(game, number, data) SELECT key, ?2, ?3 FROM game WHERE key = ?1");
    db_bind_text(s, 1, key);
    db_bind_int(s, 2, number);
    db_bind_blob(s, 3, data, n_byte);
    return db_done(s);
}

static bool mark(Store *store, const char *sql, const char *key, int64_t n_byte) {
    sqlite3_stmt *s = db_prepare(store, sql);
    db_bind_text(s, 1, key);
    db_bind_int(s, 2, (int64_t)time(NULL));
    db_bind_int(s, 3, n_byte);
    return db_done(s);
}

DurStatus store_put_game(Store *store, const char *key, const char *data, size_t n_byte, int64_t most, DurError *error) {
    if ((int64_t)n_byte > most) return DUR_OK;
    // whole only when its last piece is there: a process killed on the way leaves what nobody reads
    bool fine = make_room(store, most - (int64_t)n_byte) &&
                mark(store, "INSERT OR REPLACE INTO game(key, used, n_byte, is_whole) VALUES(?1, ?2, ?3, 0)", key, (int64_t)n_byte);
    int64_t number = 0;
    for (size_t at = 0; fine && at < n_byte; at += PIECE_BYTES)
        fine = put_piece(store, key, number++, data + at, n_byte - at < PIECE_BYTES ? n_byte - at : PIECE_BYTES);
    fine = fine && mark(store, "UPDATE game SET is_whole = 1, used = ?2 WHERE key = ?1 AND n_byte = ?3", key, (int64_t)n_byte);
    if (fine) return DUR_OK;
    DurStatus status = db_fail(store, "cannot be written", error);
    // what there is of it takes room that others may need
    mark(store, "DELETE FROM game WHERE key = ?1 AND is_whole = 0 AND n_byte = ?3", key, (int64_t)n_byte);
    return status;
}

DurStatus store_get_game(Store *store, const char *key, bool *is_there, Text *data, DurError *error) {
    *is_there = false;
    text_clear(data);
    // all pieces as of one instant: another process may be making room
    if (!db_run(store, "BEGIN")) return db_fail(store, "cannot be read", error);
    sqlite3_stmt *s = db_prepare(store, "SELECT data, n_byte FROM game JOIN piece ON piece.game = game.key "
                                        "WHERE key = ?1 AND is_whole = 1 ORDER BY number");
    db_bind_text(s, 1, key);
    int step;
    int64_t n_byte = -1;
    while ((step = db_step(s)) == 1) {
        const void *bytes = sqlite3_column_blob(s, 0);
        if (n_byte < 0) text_reserve(data, (size_t)sqlite3_column_int64(s, 1));
        n_byte = sqlite3_column_int64(s, 1);
        text_append_n(data, bytes ? bytes : "", (size_t)sqlite3_column_bytes(s, 0));
    }
    DurStatus status = step < 0 ? db_fail(store, "cannot be read", error)
                     : data->failed ? status_fail(error, DUR_MEMORY, "out of memory") : DUR_OK;
    sqlite3_finalize(s);
    db_run(store, "COMMIT");
    *is_there = status == DUR_OK && n_byte >= 0 && (int64_t)data->length == n_byte;
    // that it was of use is told for whoever makes room; a store that cannot be written still answers
    if (*is_there) mark(store, "UPDATE game SET used = ?2 WHERE key = ?1 AND n_byte = ?3", key, n_byte);
    return status;
}

DurStatus store_count_games(Store *store, int64_t *n, int64_t *n_byte, DurError *error) {
    *n = *n_byte = 0;
    // a store of version 1 that is only read has no such table
    sqlite3_stmt *s = db_prepare(store, "SELECT count(*) FROM sqlite_master WHERE name = 'game'");
    int step = db_step(s);
    bool has_games = step == 1 && sqlite3_column_int64(s, 0) > 0;
    sqlite3_finalize(s);
    if (step >= 0 && !has_games) return DUR_OK;
    s = db_prepare(store, "SELECT count(*), coalesce(sum(n_byte), 0) FROM game WHERE is_whole = 1");
    step = db_step(s);
    if (step == 1) {
        *n = sqlite3_column_int64(s, 0);
        *n_byte = sqlite3_column_int64(s, 1);
    }
    sqlite3_finalize(s);
    return step == 1 ? DUR_OK : db_fail(store, "cannot be read", error);
}

DurStatus store_drop_games(Store *store, DurError *error) {
    if (!db_run(store, "DELETE FROM game")) return db_fail(store, "cannot be written", error);
    db_run(store, "PRAGMA incremental_vacuum");
    return DUR_OK;
}
