#define _POSIX_C_SOURCE 200809L
#include "store/internal.h"

#include "base/memory.h"
#include "base/sha256.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/// "DURS": how `file` and this program know a store from any other SQLite file.
#define STORE_APPLICATION 0x44555253

/// Pages given back after runs were removed go at once where they are few; a store is never rewritten whole.
static const char *const SCHEMA =
    "CREATE TABLE run(id INTEGER PRIMARY KEY AUTOINCREMENT, state TEXT NOT NULL CHECK(state IN ('part', 'done', 'failed')),"
    " begun INTEGER NOT NULL, seconds REAL NOT NULL DEFAULT 0, key TEXT NOT NULL, command TEXT, line TEXT, title TEXT,"
    " path TEXT, hash TEXT, seed TEXT, version TEXT, question TEXT, status TEXT, reason TEXT, text TEXT, json TEXT,"
    " faults TEXT, page BLOB);"
    "CREATE INDEX run_key ON run(key);"
    // one part of a question at a time, however many processes ask it
    "CREATE UNIQUE INDEX run_part ON run(key) WHERE state = 'part';"
    "CREATE TABLE content(sha256 TEXT PRIMARY KEY, data BLOB NOT NULL);"
    "CREATE TABLE file(run INTEGER NOT NULL REFERENCES run(id) ON DELETE CASCADE, number INTEGER NOT NULL,"
    " path TEXT NOT NULL, sha256 TEXT NOT NULL REFERENCES content(sha256), PRIMARY KEY(run, number));"
    "CREATE TABLE fact(run INTEGER NOT NULL REFERENCES run(id) ON DELETE CASCADE, name TEXT NOT NULL, value TEXT,"
    " PRIMARY KEY(run, name));"
    "CREATE TABLE frame(id INTEGER PRIMARY KEY, run INTEGER NOT NULL REFERENCES run(id) ON DELETE CASCADE,"
    " number INTEGER NOT NULL, name TEXT NOT NULL, n_row INTEGER NOT NULL, UNIQUE(run, name));"
    "CREATE TABLE field(frame INTEGER NOT NULL REFERENCES frame(id) ON DELETE CASCADE, number INTEGER NOT NULL,"
    " name TEXT NOT NULL, unit TEXT, kind TEXT NOT NULL CHECK(kind IN ('number', 'text')), data BLOB NOT NULL,"
    " PRIMARY KEY(frame, number));"
    "CREATE TABLE part(run INTEGER NOT NULL REFERENCES run(id) ON DELETE CASCADE, name TEXT NOT NULL,"
    " first INTEGER NOT NULL, n_run INTEGER NOT NULL, data BLOB NOT NULL, PRIMARY KEY(run, name, first));"
    "CREATE TABLE failure(run INTEGER NOT NULL REFERENCES run(id) ON DELETE CASCADE, place TEXT NOT NULL,"
    " number INTEGER NOT NULL, reason TEXT NOT NULL, PRIMARY KEY(run, place, number));";
/// Since version 2. A piece goes with its game.
static const char *const SCHEMA_GAMES =
    "CREATE TABLE game(key TEXT PRIMARY KEY, used INTEGER NOT NULL, n_byte INTEGER NOT NULL, is_whole INTEGER NOT NULL);"
    "CREATE TABLE piece(game TEXT NOT NULL REFERENCES game(key) ON DELETE CASCADE, number INTEGER NOT NULL, data BLOB NOT NULL,"
    " PRIMARY KEY(game, number));";

// ---- one statement at a time --------------------------------------------------------------------------------------

// SQLite cannot open what it wants to put beside a store that nobody may write to, and tells of a file that is not there
static bool is_read_only(const Store *store) {
    if (access(store->path, F_OK) == 0 && access(store->path, W_OK)) return true;
    const char *slash = strrchr(store->path, '/');
    Text folder = {0};
    if (slash) text_append_n(&folder, store->path, slash == store->path ? 1 : (size_t)(slash - store->path));
    else       text_char(&folder, '.');
    bool is_closed = !folder.failed && access(text_view(&folder), F_OK) == 0 && access(text_view(&folder), W_OK) != 0;
    text_free(&folder);
    return is_closed;
}

DurStatus db_fail(Store *store, const char *what, DurError *error) {
    int code = store->db ? sqlite3_extended_errcode(store->db) : SQLITE_NOMEM;
    const char *why = store->db ? sqlite3_errmsg(store->db) : "";
    char system[256] = "";
    switch (code & 0xff) {
        case SQLITE_NOMEM:    return status_fail(error, DUR_MEMORY, "%s: out of memory", store->path);
        case SQLITE_FULL:     why = "the disk is full"; break;
        case SQLITE_READONLY: why = "it or its folder is read-only"; break;
        case SQLITE_BUSY:
        case SQLITE_LOCKED:   why = "another process is writing to it and did not let go"; break;
        case SQLITE_OK:   // it was read, and holds what no store holds
        case SQLITE_CORRUPT:  why = "it is damaged"; break;
        case SQLITE_NOTADB:   why = "it is not a store"; break;
        case SQLITE_CANTOPEN:
        case SQLITE_IOERR: {
            if ((code & 0xff) == SQLITE_CANTOPEN && is_read_only(store)) {
                why = "it or its folder is read-only";
                break;
            }
            int number = sqlite3_system_errno(store->db);
            if (number) snprintf(system, sizeof system, "%s", strerror(number));
            // a write that was cut short leaves no number behind
            else if (code == SQLITE_IOERR_WRITE) snprintf(system, sizeof system, "the disk or its limit is full");
            if (system[0]) why = system;
            break;
        }
        default: break;
    }
    return status_fail(error, DUR_IO, "%s: the store %s: %s", store->path, what, why);
}

sqlite3_stmt *db_prepare(Store *store, const char *sql) {
    sqlite3_stmt *s = NULL;
    return sqlite3_prepare_v2(store->db, sql, -1, &s, NULL) == SQLITE_OK ? s : NULL;
}

void db_bind_int(sqlite3_stmt *s, int i, int64_t x) {
    if (s) sqlite3_bind_int64(s, i, x);
}
void db_bind_number(sqlite3_stmt *s, int i, double x) {
    if (s) sqlite3_bind_double(s, i, x);
}
void db_bind_text(sqlite3_stmt *s, int i, const char *x) {
    if (s && x) sqlite3_bind_text64(s, i, x, strlen(x), SQLITE_STATIC, SQLITE_UTF8);
}
void db_bind_blob(sqlite3_stmt *s, int i, const void *x, size_t n) {
    if (s && x) sqlite3_bind_blob64(s, i, n ? x : "", n, SQLITE_STATIC);
}

int db_step(sqlite3_stmt *s) {
    int code = s ? sqlite3_step(s) : SQLITE_ERROR;
    return code == SQLITE_ROW ? 1 : code == SQLITE_DONE ? 0 : -1;
}

char *db_copy(sqlite3_stmt *s, int column) {
    const void *data = sqlite3_column_blob(s, column);
    size_t n = (size_t)sqlite3_column_bytes(s, column);
    char *copy = memory_alloc(n + 1);
    if (!copy) return NULL;
    if (n) memcpy(copy, data, n);
    copy[n] = '\0';
    return copy;
}

bool db_done(sqlite3_stmt *s) {
    if (!s) return false;
    int code = db_step(s);
    while (code == 1) code = db_step(s);
    return sqlite3_finalize(s) == SQLITE_OK && code == 0;
}

bool db_run(Store *store, const char *sql) { return sqlite3_exec(store->db, sql, NULL, NULL, NULL) == SQLITE_OK; }

// the right to write is asked for at the beginning: asked for later, it could be refused without waiting
bool db_enter(Store *store) { return db_run(store, "BEGIN IMMEDIATE"); }

DurStatus db_leave(Store *store, bool fine, const char *what, DurError *error) {
    if (fine && db_run(store, "COMMIT")) return DUR_OK;
    // what went wrong is asked for before the rollback overwrites it
    DurStatus status = db_fail(store, what, error);
    // a failure may have ended the transaction by itself, and then there is nothing to take back
    if (!sqlite3_get_autocommit(store->db)) db_run(store, "ROLLBACK");
    return status;
}

// ---- opening ------------------------------------------------------------------------------------------------------

static int64_t ask_number(Store *store, const char *sql, int64_t otherwise) {
    sqlite3_stmt *s = db_prepare(store, sql);
    int64_t x = db_step(s) == 1 ? sqlite3_column_int64(s, 0) : otherwise;
    sqlite3_finalize(s);
    return x;
}

// what kind of file this is: DUR_OK, with *is_new where there is nothing in it yet, *is_older where tables are missing
static DurStatus look(Store *store, bool *is_new, bool *is_older, DurError *error) {
    // all in one statement: between two of them another process may have made the store
    sqlite3_stmt *s = db_prepare(store, "SELECT (SELECT user_version FROM pragma_user_version), (SELECT application_id FROM pragma_application_id), "
                                        "(SELECT count(*) FROM sqlite_master)");
    bool fine = db_step(s) == 1;
    int64_t version = fine ? sqlite3_column_int64(s, 0) : -1, application = fine ? sqlite3_column_int64(s, 1) : -1;
    int64_t n_table = fine ? sqlite3_column_int64(s, 2) : -1;
    sqlite3_finalize(s);
    if (version < 0 || application < 0 || n_table < 0) return db_fail(store, "cannot be read", error);
    *is_new = n_table == 0 && version == 0;
    *is_older = !*is_new && version < STORE_VERSION;
    if (*is_new) return DUR_OK;
    if (application != STORE_APPLICATION)
        return status_fail(error, DUR_IO, "%s: this is a database, but no store of duress; it is left as it is", store->path);
    if (version > STORE_VERSION)
        return status_fail(error, DUR_IO, "%s: the store is of version %lld and was written by a newer duress; this one knows "
                           "version %d. It is left as it is", store->path, (long long)version, STORE_VERSION);
    return DUR_OK;
}

static DurStatus make_tables(Store *store, DurError *error) {
    bool is_new = false, is_older = false;
    if (!db_enter(store)) return db_fail(store, "cannot be written", error);
    // another process may have been faster
    DurStatus status = look(store, &is_new, &is_older, error);
    char pragma[128];
    snprintf(pragma, sizeof pragma, "PRAGMA application_id = %d; PRAGMA user_version = %d", STORE_APPLICATION, STORE_VERSION);
    bool fine = status == DUR_OK && (!is_new || db_run(store, SCHEMA)) &&
                (!(is_new || is_older) || (db_run(store, SCHEMA_GAMES) && db_run(store, pragma)));
    DurStatus left = db_leave(store, fine, "cannot be made", error);
    return status != DUR_OK ? status : left;
}

// turning a fresh file to WAL needs it alone for a moment, and whoever meets another there is refused at once
static bool turn_to_wal(Store *store) {
    for (int waited = 0;; waited += 10) {
        sqlite3_stmt *s = db_prepare(store, "PRAGMA journal_mode = WAL");
        int step = db_step(s);
        bool is_wal = step == 1 && strcmp((const char *)sqlite3_column_text(s, 0), "wal") == 0;
        int code = sqlite3_errcode(store->db);
        sqlite3_finalize(s);
        if (is_wal) return true;
        if (!(step < 0 && (code == SQLITE_BUSY || code == SQLITE_LOCKED)) || waited > STORE_BUSY_MS) return false;
        nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
    }
}

static DurStatus connect(Store *store, int flags, DurError *error) {
    if (sqlite3_open_v2(store->path, &store->db, flags, NULL) != SQLITE_OK) return db_fail(store, "cannot be opened", error);
    sqlite3_extended_result_codes(store->db, 1);
    sqlite3_busy_timeout(store->db, STORE_BUSY_MS);
    return DUR_OK;
}

// a store in a folder where nothing can be written has no place for WAL's index; if no log lies beside it, it is whole as it
// is and nobody can change it under us
static DurStatus connect_frozen(Store *store, DurError *error) {
    Text uri = {0};
    text_printf(&uri, "%s-wal", store->path);
    struct stat info;
    bool is_whole = !uri.failed && (stat(text_view(&uri), &info) || info.st_size == 0);
    sqlite3_close(store->db);
    store->db = NULL;
    text_clear(&uri);
    text_append(&uri, "file:");
    for (const char *c = store->path; *c; c++)
        if (strchr("?#%", *c)) text_printf(&uri, "%%%02x", (unsigned char)*c);
        else text_char(&uri, *c);
    if (is_whole) text_append(&uri, "?immutable=1");
    int code = uri.failed ? SQLITE_NOMEM
                          : sqlite3_open_v2(text_view(&uri), &store->db, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, NULL);
    text_free(&uri);
    if (code != SQLITE_OK) return db_fail(store, "cannot be opened", error);
    sqlite3_extended_result_codes(store->db, 1);
    return DUR_OK;
}

static DurStatus open_for_reading(Store *store, DurError *error) {
    if (access(store->path, F_OK))
        return status_fail(error, DUR_IO, "%s: there is no store: %s", store->path, strerror(errno));
    bool is_new, is_older;
    DurError why = {0};
    TRY(connect(store, SQLITE_OPEN_READONLY, error));
    DurStatus status = look(store, &is_new, &is_older, &why);
    int code = sqlite3_errcode(store->db) & 0xff;
    if (status != DUR_OK && (code == SQLITE_CANTOPEN || code == SQLITE_READONLY)) {
        TRY(connect_frozen(store, error));
        status = look(store, &is_new, &is_older, error);
    } else if (status != DUR_OK) {
        return status_pass(error, status, &why);
    }
    if (status == DUR_OK && is_new) return status_fail(error, DUR_IO, "%s: there is nothing in it", store->path);
    return status;
}

static DurStatus open_for_writing(Store *store, DurError *error) {
    // what is there is looked at first through a door that cannot change it
    struct stat info;
    bool is_new = true, is_older = false;
    bool is_there = stat(store->path, &info) == 0 && S_ISREG(info.st_mode);
    // SQLite takes a file of one byte for an empty one (its ticket 3260), but the byte is somebody's
    if (is_there && info.st_size == 1) return status_fail(error, DUR_IO, "%s: the store cannot be opened: it is not a store", store->path);
    if (is_there && info.st_size > 0) {
        TRY(connect(store, SQLITE_OPEN_READONLY, error));
        DurError why = {0};
        DurStatus status = look(store, &is_new, &is_older, &why);
        // where nothing may be written beside it, it can be read all the same (connect_frozen)
        bool is_frozen = status == DUR_IO && (sqlite3_errcode(store->db) & 0xff) == SQLITE_CANTOPEN;
        if (is_frozen) db_fail(store, "cannot be written", error);
        sqlite3_close(store->db);
        store->db = NULL;
        if (status != DUR_OK) return is_frozen ? status : status_pass(error, status, &why);
    }
    TRY(connect(store, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, error));
    // what removed runs leave is given back to the disk; must be said before the first table
    if (is_new) db_run(store, "PRAGMA auto_vacuum = INCREMENTAL");
    if (!turn_to_wal(store)) return db_fail(store, "cannot be written", error);
    // a log that lost its end with the machine's power is shorter, never wrong, and a killed process loses nothing
    if (!db_run(store, "PRAGMA synchronous = NORMAL; PRAGMA foreign_keys = ON"))
        return db_fail(store, "cannot be opened", error);
    return make_tables(store, error);
}

DurStatus store_open(Store **out, const char *path, StoreAccess access, DurError *error) {
    *out = NULL;
    Store *store = memory_zeroed(1, sizeof *store);
    size_t n = strlen(path) + 1;
    if (store) store->path = memory_alloc(n);
    if (!store || !store->path) {
        store_close(store);
        return status_fail(error, DUR_MEMORY, "%s: out of memory", path);
    }
    memcpy(store->path, path, n);
    DurStatus status = access == STORE_READ ? open_for_reading(store, error) : open_for_writing(store, error);
    if (status == DUR_OK) *out = store;
    else store_close(store);
    return status;
}

void store_close(Store *store) {
    if (!store) return;
    sqlite3_close(store->db);
    memory_free(store->path);
    memory_free(store);
}

const char *store_path(const Store *store) { return store->path; }

// ---- runs ---------------------------------------------------------------------------------------------------------

static const char *const STATE[] = {"part", "done", "failed"};

const char *store_state_name(StoreState state) { return STATE[state]; }

static StoreState state_of(const char *name) {
    int i = 0;
    while (i < 2 && strcmp(STATE[i], name) != 0) i++;
    return (StoreState)i;
}

void store_run_free(StoreRun *run) {
#define X(name) memory_free(run->name);
    STORE_TEXTS(X)
#undef X
    *run = (StoreRun){0};
}

#define X(name) ", " #name
static const char *const RUN_BY_ID = "SELECT id, state, begun, seconds" STORE_TEXTS(X) " FROM run WHERE id = ?1";
static const char *const RUN_BY_KEY = "SELECT id, state, begun, seconds" STORE_TEXTS(X)
    " FROM run WHERE key = ?1 AND state = 'done' ORDER BY id DESC LIMIT 1";
#undef X

// the row that a statement yields, if it yields one; the statement is freed
static DurStatus take_run(Store *store, sqlite3_stmt *s, StoreRun *run, DurError *error) {
    *run = (StoreRun){0};
    int step = db_step(s);
    bool fine = step >= 0;
    if (step == 1) {
        run->id = sqlite3_column_int64(s, 0);
        run->state = state_of((const char *)sqlite3_column_text(s, 1));
        run->begun = sqlite3_column_int64(s, 2);
        run->seconds = sqlite3_column_double(s, 3);
        int column = 4;
#define X(name) fine = (run->name = db_copy(s, column++)) != NULL && fine;
        STORE_TEXTS(X)
#undef X
    }
    DurStatus status = step < 0 ? db_fail(store, "cannot be read", error)
                     : fine ? DUR_OK : status_fail(error, DUR_MEMORY, "out of memory");
    sqlite3_finalize(s);
    if (status != DUR_OK) store_run_free(run);
    return status;
}

DurStatus store_find(Store *store, const char *key, StoreRun *run, DurError *error) {
    sqlite3_stmt *s = db_prepare(store, RUN_BY_KEY);
    db_bind_text(s, 1, key);
    return take_run(store, s, run, error);
}

static DurStatus not_there(Store *store, int64_t id, DurError *error) {
    return status_fail(error, DUR_INPUT, "%s: there is no run %lld; `duress runs` lists them", store->path, (long long)id);
}

DurStatus store_get(Store *store, int64_t id, StoreRun *run, DurError *error) {
    sqlite3_stmt *s = db_prepare(store, RUN_BY_ID);
    db_bind_int(s, 1, id);
    TRY(take_run(store, s, run, error));
    return run->id ? DUR_OK : not_there(store, id, error);
}

static bool put_file(Store *store, int64_t id, int32_t number, const StoreFile *file) {
    Sha256 sha;
    char hex[65];
    sha256_start(&sha);
    sha256_add(&sha, file->data, file->length);
    sha256_hex(&sha, hex);
    sqlite3_stmt *s = db_prepare(store, "INSERT OR IGNORE INTO content(sha256, data) VALUES(?1, ?2)");
    db_bind_text(s, 1, hex);
    db_bind_blob(s, 2, file->data, file->length);
    if (!db_done(s)) return false;
    s = db_prepare(store, "INSERT INTO file(run, number, path, sha256) VALUES(?1, ?2, ?3, ?4)");
    db_bind_int(s, 1, id);
    db_bind_int(s, 2, number);
    db_bind_text(s, 3, file->path);
    db_bind_text(s, 4, hex);
    return db_done(s);
}

static bool put_run(Store *store, const StoreRun *run, int64_t *id) {
    sqlite3_stmt *s = db_prepare(store, "INSERT INTO run(state, begun, key, command, line, title, path, hash, seed, version, "
                                        "question) VALUES('part', ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)");
    const char *const text[] = {run->key, run->command, run->line, run->title, run->path, run->hash, run->seed, run->version,
                                run->question};
    db_bind_int(s, 1, run->begun);
    for (int i = 0; i < (int)DUR_COUNT(text); i++) db_bind_text(s, 2 + i, text[i]);
    if (!db_done(s)) return false;
    *id = sqlite3_last_insert_rowid(store->db);
    return true;
}

DurStatus store_begin(Store *store, const StoreRun *run, const StoreFile *file, int32_t n_file,
                      const char *const (*fact)[2], int32_t n_fact, int64_t *id, bool *is_older, DurError *error) {
    *id = 0;
    *is_older = false;
    if (!db_enter(store)) return db_fail(store, "cannot be written", error);
    sqlite3_stmt *s = db_prepare(store, "SELECT id FROM run WHERE key = ?1 AND state = 'part'");
    db_bind_text(s, 1, run->key);
    int step = db_step(s);
    if (step == 1) *id = sqlite3_column_int64(s, 0);
    bool fine = s && step >= 0;
    sqlite3_finalize(s);
    *is_older = *id > 0;
    if (fine && !*is_older) {
        fine = put_run(store, run, id);
        for (int32_t i = 0; i < n_file && fine; i++) fine = put_file(store, *id, i, &file[i]);
        for (int32_t i = 0; i < n_fact && fine; i++) {
            s = db_prepare(store, "INSERT INTO fact(run, name, value) VALUES(?1, ?2, ?3)");
            db_bind_int(s, 1, *id);
            db_bind_text(s, 2, fact[i][0]);
            db_bind_text(s, 3, fact[i][1]);
            fine = db_done(s);
        }
    }
    return db_leave(store, fine, "cannot be written", error);
}

static bool drop_parts(Store *store, int64_t id) {
    sqlite3_stmt *s = db_prepare(store, "DELETE FROM part WHERE run = ?1");
    db_bind_int(s, 1, id);
    return db_done(s);
}

DurStatus store_finish(Store *store, const StoreRun *run, const Frame *const *frame, int32_t n_frame, const char *page,
                       size_t n_page, DurError *error) {
    if (!db_enter(store)) return db_fail(store, "cannot be written", error);
    // another process may have finished the same work meanwhile, or somebody removed it: then there is nothing to add
    sqlite3_stmt *s = db_prepare(store, "UPDATE run SET state = ?2, seconds = ?3, status = ?4, reason = ?5, text = ?6, "
                                        "json = ?7, faults = ?8, page = ?9 WHERE id = ?1 AND state = 'part'");
    db_bind_int(s, 1, run->id);
    db_bind_text(s, 2, STATE[run->state]);
    db_bind_number(s, 3, run->seconds);
    const char *const text[] = {run->status, run->reason, run->text, run->json, run->faults};
    for (int i = 0; i < (int)DUR_COUNT(text); i++) db_bind_text(s, 4 + i, text[i]);
    db_bind_blob(s, 9, page, n_page);
    bool fine = db_done(s);
    if (fine && sqlite3_changes(store->db) > 0) {
        for (int32_t i = 0; i < n_frame && fine; i++) fine = frame_put(store, run->id, i, frame[i]);
        fine = fine && drop_parts(store, run->id);
    }
    return db_leave(store, fine, "cannot be written", error);
}

DurStatus store_remove(Store *store, const int64_t *id, int32_t n, DurError *error) {
    if (!db_enter(store)) return db_fail(store, "cannot be written", error);
    bool fine = true;
    DurStatus status = DUR_OK;
    for (int32_t i = 0; i < n && fine && status == DUR_OK; i++) {
        sqlite3_stmt *s = db_prepare(store, "DELETE FROM run WHERE id = ?1");
        db_bind_int(s, 1, id[i]);
        fine = db_done(s);
        if (fine && sqlite3_changes(store->db) == 0) status = not_there(store, id[i], error);
    }
    fine = fine && status == DUR_OK && db_run(store, "DELETE FROM content WHERE sha256 NOT IN (SELECT sha256 FROM file)");
    DurStatus left = db_leave(store, fine, "cannot be written", error);
    if (status != DUR_OK || left != DUR_OK) return status != DUR_OK ? status : left;
    db_run(store, "PRAGMA incremental_vacuum");
    return DUR_OK;
}

DurStatus store_list(Store *store, Frame **out, DurError *error) {
    static const char *const text[] = {"state", "command", "title", "line", "path", "hash", "seed", "version", "status",
                                       "reason"};
    *out = NULL;
    // the count and the rows are of the same instant
    if (!db_run(store, "BEGIN")) return db_fail(store, "cannot be read", error);
    int64_t n_row = ask_number(store, "SELECT count(*) FROM run", -1);
    Frame *frame = n_row < 0 ? NULL : frame_make("runs", n_row);
    double *id = frame ? frame_add_number(frame, "id", NULL) : NULL;
    double *begun = id ? frame_add_number(frame, "begun", "s since 1970-01-01") : NULL;
    bool fine = begun != NULL;
    for (int i = 0; i < (int)DUR_COUNT(text) && fine; i++) fine = frame_add_text(frame, text[i]) != NULL;
    double *seconds = fine ? frame_add_number(frame, "seconds", "s") : NULL;
    double *runs = seconds ? frame_add_number(frame, "runs", NULL) : NULL;
    fine = runs != NULL;
    sqlite3_stmt *s = db_prepare(store, "SELECT id, begun, seconds, (SELECT coalesce(sum(n_run), 0) FROM part WHERE run = id AND first >= 0), "
        "state, command, title, line, path, hash, seed, version, status, reason FROM run ORDER BY id DESC");
    int step = 0;
    for (int64_t row = 0; fine && row < n_row && (step = db_step(s)) == 1; row++) {
        id[row] = (double)sqlite3_column_int64(s, 0);
        begun[row] = (double)sqlite3_column_int64(s, 1);
        seconds[row] = sqlite3_column_double(s, 2);
        runs[row] = (double)sqlite3_column_int64(s, 3);
        for (int i = 0; i < (int)DUR_COUNT(text) && fine; i++)
            fine = frame_set_text(frame, 2 + i, row, (const char *)sqlite3_column_text(s, 4 + i));
    }
    DurStatus status = n_row < 0 || !s || step < 0 ? db_fail(store, "cannot be read", error)
                     : fine ? DUR_OK : status_fail(error, DUR_MEMORY, "out of memory");
    sqlite3_finalize(s);
    db_run(store, "COMMIT");
    if (status == DUR_OK) *out = frame;
    else frame_free(frame);
    return status;
}

// ---- what belongs to a run ----------------------------------------------------------------------------------------

void store_files_free(StoreFile *file, int32_t n_file) {
    for (int32_t i = 0; i < n_file; i++) {
        memory_free(file[i].path);
        memory_free(file[i].data);
    }
    memory_free(file);
}

DurStatus store_files(Store *store, int64_t id, StoreFile **file, int32_t *n_file, DurError *error) {
    *file = NULL;
    *n_file = 0;
    sqlite3_stmt *s = db_prepare(store, "SELECT path, data FROM file JOIN content USING(sha256) WHERE run = ?1 "
                                        "ORDER BY number");
    db_bind_int(s, 1, id);
    int step;
    bool fine = true;
    while (fine && (step = db_step(s)) == 1) {
        StoreFile *more = memory_resize(*file, ((size_t)*n_file + 1) * sizeof *more);
        if (!more) {
            fine = false;
            break;
        }
        *file = more;
        StoreFile *one = &more[(*n_file)++];
        *one = (StoreFile){.path = db_copy(s, 0), .data = db_copy(s, 1), .length = (size_t)sqlite3_column_bytes(s, 1)};
        fine = one->path && one->data;
    }
    DurStatus status = !fine ? status_fail(error, DUR_MEMORY, "out of memory")
                     : step < 0 ? db_fail(store, "cannot be read", error) : DUR_OK;
    sqlite3_finalize(s);
    if (status == DUR_OK) return DUR_OK;
    store_files_free(*file, *n_file);
    *file = NULL;
    *n_file = 0;
    return status;
}

// rows of texts and numbers as they come, into a frame; column k of kind 'n' or 't'
static DurStatus small_frame(Store *store, int64_t id, const char *name, const char *const *column, const char *kind,
                             const char *count, const char *sql, Frame **out, DurError *error) {
    *out = NULL;
    if (!db_run(store, "BEGIN")) return db_fail(store, "cannot be read", error);
    sqlite3_stmt *s = db_prepare(store, count);
    db_bind_int(s, 1, id);
    int step = db_step(s);
    int64_t n_row = step == 1 ? sqlite3_column_int64(s, 0) : 0;
    sqlite3_finalize(s);
    Frame *frame = frame_make(name, n_row);
    bool fine = frame != NULL;
    for (int i = 0; kind[i] && fine; i++)
        fine = kind[i] == 'n' ? frame_add_number(frame, column[i], NULL) != NULL : frame_add_text(frame, column[i]) != NULL;
    s = db_prepare(store, sql);
    db_bind_int(s, 1, id);
    for (int64_t row = 0; fine && row < n_row && (step = db_step(s)) == 1; row++)
        for (int i = 0; kind[i] && fine; i++)
            if (kind[i] == 'n') frame->column[i].number[row] = sqlite3_column_double(s, i);
            else fine = frame_set_text(frame, i, row, (const char *)sqlite3_column_text(s, i));
    DurStatus status = !s || step < 0 ? db_fail(store, "cannot be read", error)
                     : fine ? DUR_OK : status_fail(error, DUR_MEMORY, "out of memory");
    sqlite3_finalize(s);
    db_run(store, "COMMIT");
    if (status == DUR_OK) *out = frame;
    else frame_free(frame);
    return status;
}

DurStatus store_facts(Store *store, int64_t id, Frame **out, DurError *error) {
    static const char *const column[] = {"name", "value"};
    return small_frame(store, id, "host", column, "tt", "SELECT count(*) FROM fact WHERE run = ?1",
                       "SELECT name, value FROM fact WHERE run = ?1 ORDER BY rowid", out, error);
}

DurStatus store_failures(Store *store, int64_t id, Frame **out, DurError *error) {
    static const char *const column[] = {"place", "run", "reason"};
    return small_frame(store, id, "failures", column, "tnt", "SELECT count(*) FROM failure WHERE run = ?1",
                       "SELECT place, number, reason FROM failure WHERE run = ?1 ORDER BY place, number", out, error);
}

DurStatus store_page(Store *store, int64_t id, Text *out, DurError *error) {
    text_clear(out);
    sqlite3_stmt *s = db_prepare(store, "SELECT page FROM run WHERE id = ?1");
    db_bind_int(s, 1, id);
    int step = db_step(s);
    if (step == 1 && sqlite3_column_bytes(s, 0) > 0)
        text_append_n(out, sqlite3_column_blob(s, 0), (size_t)sqlite3_column_bytes(s, 0));
    DurStatus status = step < 0 ? db_fail(store, "cannot be read", error)
                     : out->failed ? status_fail(error, DUR_MEMORY, "out of memory") : DUR_OK;
    sqlite3_finalize(s);
    return status;
}

// ---- parts --------------------------------------------------------------------------------------------------------

DurStatus store_put_part(Store *store, int64_t id, const char *name, int64_t first, int64_t n_run, const char *data,
                         size_t n_byte, DurError *error) {
    sqlite3_stmt *s = db_prepare(store,
        "INSERT INTO part(run, name, first, n_run, data) SELECT ?1, ?2, ?3, ?4, ?5 FROM run WHERE id = ?1 AND state = 'part' "
        "ON CONFLICT(run, name, first) DO UPDATE SET n_run = excluded.n_run, data = excluded.data "
        "WHERE excluded.n_run > n_run");
    db_bind_int(s, 1, id);
    db_bind_text(s, 2, name);
    db_bind_int(s, 3, first);
    db_bind_int(s, 4, n_run);
    db_bind_blob(s, 5, data, n_byte);
    return db_done(s) ? DUR_OK : db_fail(store, "cannot be written", error);
}

DurStatus store_get_part(Store *store, int64_t id, const char *name, int64_t first, int64_t *n_run, Text *data,
                         DurError *error) {
    *n_run = 0;
    text_clear(data);
    sqlite3_stmt *s = db_prepare(store, "SELECT n_run, data FROM part WHERE run = ?1 AND name = ?2 AND first = ?3");
    db_bind_int(s, 1, id);
    db_bind_text(s, 2, name);
    db_bind_int(s, 3, first);
    int step = db_step(s);
    if (step == 1) {
        *n_run = sqlite3_column_int64(s, 0);
        const void *bytes = sqlite3_column_blob(s, 1);
        text_append_n(data, bytes ? bytes : "", (size_t)sqlite3_column_bytes(s, 1));
    }
    DurStatus status = step < 0 ? db_fail(store, "cannot be read", error)
                     : data->failed ? status_fail(error, DUR_MEMORY, "out of memory") : DUR_OK;
    sqlite3_finalize(s);
    if (status != DUR_OK) *n_run = 0;
    return status;
}

DurStatus store_drop_parts(Store *store, int64_t id, const char *prefix, DurError *error) {
    sqlite3_stmt *s = db_prepare(store, "DELETE FROM part WHERE run = ?1 AND substr(name, 1, length(?2)) = ?2");
    db_bind_int(s, 1, id);
    db_bind_text(s, 2, prefix);
    return db_done(s) ? DUR_OK : db_fail(store, "cannot be written", error);
}

DurStatus store_put_failure(Store *store, int64_t id, const char *place, int64_t run, const char *reason, DurError *error) {
    sqlite3_stmt *s = db_prepare(store, "INSERT OR IGNORE INTO failure(run, place, number, reason) "
                                        "SELECT ?1, ?2, ?3, ?4 FROM run WHERE id = ?1");
    db_bind_int(s, 1, id);
    db_bind_text(s, 2, place);
    db_bind_int(s, 3, run);
    db_bind_text(s, 4, reason);
    return db_done(s) ? DUR_OK : db_fail(store, "cannot be written", error);
}
