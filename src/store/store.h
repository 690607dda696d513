/// The store: what was asked and what came of it, in one SQLite file that any language can read, and the parts of long work
/// that are done. Knows frames and bytes and nothing of scenarios.
///
/// A run is `part` while it is worked on (and after an end that nobody chose), then `done` or `failed`. It becomes done in
/// one transaction, with everything that belongs to it, so that a process killed at any instant leaves a part or a whole
/// answer and nothing between. Several processes may share a store: the file is in WAL mode, readers never wait, writers
/// wait for one another up to STORE_BUSY_MS.
///
/// Tables (doc/store.md): run, file, content, fact, frame, field, part, failure, game, piece. The schema's version is PRAGMA
/// user_version; a store of a later version is refused before anything is written.
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include "base/status.h"
#include "base/text.h"
#include "frame/frame.h"

#include <stdbool.h>
#include <stdint.h>

/// Version of the tables. A program reads and writes this one; one step more whenever a table changes. What a store of an earlier
/// version lacks is added when it is opened to be written: 2 added game and piece.
#define STORE_VERSION 2

/// How long one process waits for another that is writing, in milliseconds. Transactions take some milliseconds each, so
/// this is reached only where a disk stands still.
#define STORE_BUSY_MS 10000

typedef struct Store Store;

typedef enum StoreAccess {
    STORE_READ,      // must be there; nothing is written
    STORE_WRITE      // made where it is not there
} StoreAccess;

/// Open the store in a file.
/// Returns DUR_OK; DUR_IO with a sentence that names the file if it cannot be opened or written, is no store, or is one of a
/// later version (its data is left as it was); DUR_MEMORY. An empty file is nobody's data: STORE_WRITE makes it a store.
DurStatus store_open(Store **out, const char *path, StoreAccess access, DurError *error);
void      store_close(Store *store);
const char *store_path(const Store *store);

/// The user's own store: $XDG_DATA_HOME/duress/store.db, else ~/.local/share/duress/store.db. False if the environment
/// says neither.
bool store_default_path(Text *out);

/// Make the folders above a file, private to the user where they are new. DUR_IO with a sentence.
DurStatus store_make_folder(const char *path, DurError *error);

// ---- runs ----------------------------------------------------------------------------------------------------------

typedef enum StoreState { STORE_PART, STORE_DONE, STORE_FAILED } StoreState;
const char *store_state_name(StoreState state);   // "part", "done", "failed"

/// The texts of a run, one a column of the table of that name. `key` is the SHA-256 of `question`; `line` the command line;
/// `status` the outcome's short name; `reason` why it failed; `text`, `json`, `faults` what the command printed.
#define STORE_TEXTS(X) X(key) X(command) X(line) X(title) X(path) X(hash) X(seed) X(version) X(question) \
                       X(status) X(reason) X(text) X(json) X(faults)

typedef struct StoreRun {
    int64_t id;              // 0: none
    StoreState state;
    int64_t begun;           // seconds since 1970-01-01 UTC
    double  seconds;         // taken by the sitting that ended it
#define X(name) char *name;  // owned where a function of the store filled it, borrowed where one reads it; may be NULL
    STORE_TEXTS(X)
#undef X
} StoreRun;
void store_run_free(StoreRun *run);

/// A file that a run was made from.
typedef struct StoreFile {
    char  *path, *data;      // as in StoreRun
    size_t length;
} StoreFile;

/// The latest finished answer to a question, by its key: run->id 0 if there is none.
DurStatus store_find(Store *store, const char *key, StoreRun *run, DurError *error);

/// Begin a run, or take up the part of one with the same key: *id, and whether it is an older one.
///   run    key, command, line, title, path, hash, seed, version, question, begun
///   fact   [n_fact] pairs name, value about the machine
DurStatus store_begin(Store *store, const StoreRun *run, const StoreFile *file, int32_t n_file,
                      const char *const (*fact)[2], int32_t n_fact, int64_t *id, bool *is_older, DurError *error);

/// Put everything that came of it in its place and drop the parts, in one transaction.
///   run     id, state, seconds, status, reason, text, json, faults
///   frame   [n_frame] names distinct
///   page    [n_page] bytes, or NULL
DurStatus store_finish(Store *store, const StoreRun *run, const Frame *const *frame, int32_t n_frame, const char *page,
                       size_t n_page, DurError *error);

/// Forget runs, all or none of them. DUR_INPUT if one is not there.
DurStatus store_remove(Store *store, const int64_t *id, int32_t n, DurError *error);

/// A run with all its texts. DUR_INPUT with a sentence if there is none of that number. store_run_free(run) is due.
DurStatus store_get(Store *store, int64_t id, StoreRun *run, DurError *error);

/// All runs, newest first, without the long texts: columns id n, begun n, state t, command t, title t, line t, path t, hash t,
/// seed t, version t, status t, reason t, seconds n, runs n (of stretches that are done). NULL on failure.
DurStatus store_list(Store *store, Frame **out, DurError *error);

/// What belongs to a run. Arrays and what is in them are the caller's to free.
DurStatus store_files(Store *store, int64_t id, StoreFile **file, int32_t *n_file, DurError *error);
void      store_files_free(StoreFile *file, int32_t n_file);
DurStatus store_facts(Store *store, int64_t id, Frame **out, DurError *error);      // name t, value t
DurStatus store_failures(Store *store, int64_t id, Frame **out, DurError *error);   // place t, run n, reason t
DurStatus store_page(Store *store, int64_t id, Text *out, DurError *error);         // empty if there is none
DurStatus store_frames(Store *store, int64_t id, Frame ***frame, int32_t *n_frame, DurError *error);
void      store_frames_free(Frame **frame, int32_t n_frame);
/// One frame by its name; NULL with DUR_OK if the run has none.
DurStatus store_frame(Store *store, int64_t id, const char *name, Frame **out, DurError *error);
/// Add a frame to a run that is done; one of that name is replaced.
DurStatus store_add_frame(Store *store, int64_t id, const Frame *frame, DurError *error);

// ---- parts of long work --------------------------------------------------------------------------------------------

/// Keep what runs first .. first + n_run - 1 of a piece of work gave; what is no stretch of runs has a negative `first`. A part of the same name and first that stands for more
/// runs is left as it is. Nothing happens to a run that is no longer a part.
DurStatus store_put_part(Store *store, int64_t id, const char *name, int64_t first, int64_t n_run, const char *data,
                         size_t n_byte, DurError *error);
/// Read it back: *n_run 0 if it is not there.
DurStatus store_get_part(Store *store, int64_t id, const char *name, int64_t first, int64_t *n_run, Text *data,
                         DurError *error);
/// Forget the parts of a run whose names begin so.
DurStatus store_drop_parts(Store *store, int64_t id, const char *prefix, DurError *error);
/// Note a run of an ensemble that failed, once.
DurStatus store_put_failure(Store *store, int64_t id, const char *place, int64_t run, const char *reason, DurError *error);

// ---- solved games --------------------------------------------------------------------------------------------------

/// Keep a solved game under a key that tells it from all others. Those least recently used go until all together have at most `most`
/// bytes; one that has more itself is not kept. In pieces, each a transaction: another process waits for one of them at most.
DurStatus store_put_game(Store *store, const char *key, const char *data, size_t n_byte, int64_t most, DurError *error);
/// Read it back, if it is there whole.
DurStatus store_get_game(Store *store, const char *key, bool *is_there, Text *data, DurError *error);
/// How many there are, and their bytes.
DurStatus store_count_games(Store *store, int64_t *n, int64_t *n_byte, DurError *error);
/// Forget all of them.
DurStatus store_drop_games(Store *store, DurError *error);

// ---- out of the store ----------------------------------------------------------------------------------------------

/// A frame as bytes of a NumPy file (.npy, format 1.0 or 2.0): one structured array, a field a column, numbers '<f8', texts
/// '<U...'. Source: numpy.lib.format.
void npy_frame(Text *out, const Frame *frame);

#endif
