/// What the files of `store` share: one statement at a time, prepared, bound and stepped, and what its failure says.
#ifndef STORE_INTERNAL_H
#define STORE_INTERNAL_H

#include "store/store.h"

#include <sqlite3.h>

struct Store {
    sqlite3 *db;
    char    *path;
};

/// DUR_IO (DUR_MEMORY where that is the reason) and a sentence that names the file and what stands in the way.
///   what   "cannot be opened", "cannot be written", ...
DurStatus db_fail(Store *store, const char *what, DurError *error);

/// One statement. NULL after a failure; later calls on it do nothing, and the last says that it failed.
sqlite3_stmt *db_prepare(Store *store, const char *sql);
/// Bind parameter `i` (from 1). The bytes must live until db_done. A NULL text is SQL's null.
void db_bind_int(sqlite3_stmt *s, int i, int64_t x);
void db_bind_number(sqlite3_stmt *s, int i, double x);
void db_bind_text(sqlite3_stmt *s, int i, const char *x);
void db_bind_blob(sqlite3_stmt *s, int i, const void *x, size_t n);
/// The next row: 1 one is there, 0 there is none, -1 failure.
int  db_step(sqlite3_stmt *s);
/// A text of the row, copied with memory_alloc: never NULL unless memory is out.
char *db_copy(sqlite3_stmt *s, int column);
/// Step to the end and free: false on failure.
bool db_done(sqlite3_stmt *s);
bool db_run(Store *store, const char *sql);

/// A transaction that writes. db_leave keeps everything if all went well so far (`fine`) and the end does, too; else it takes
/// everything back and says why, as db_fail does.
bool      db_enter(Store *store);
DurStatus db_leave(Store *store, bool fine, const char *what, DurError *error);

/// Put a frame in under a run: false on failure. Inside a transaction.
bool frame_put(Store *store, int64_t run, int32_t number, const Frame *frame);

#endif
