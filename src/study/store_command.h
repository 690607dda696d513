/// A run out of the store, whole, as `show`, `diff` and `export` read it.
#ifndef STUDY_STORE_COMMAND_H
#define STUDY_STORE_COMMAND_H

#include "store/store.h"
#include "study/result.h"

typedef struct KeptRun {
    StoreRun  run;
    int32_t   n_file, n_frame;
    StoreFile *file;           // [n_file] the scenario first
    Frame   **frame;           // [n_frame]
    Frame    *host, *failures;
} KeptRun;

/// DUR_INPUT if there is none of that number. kept_free(out) is due after DUR_OK.
DurStatus kept_read(KeptRun *out, Store *store, int64_t id, DurError *error);
void      kept_free(KeptRun *kept);
/// A table by name; NULL if it is not there.
const Frame *kept_frame(const KeptRun *kept, const char *name);
/// All of it as one JSON object.
void      kept_render(Json *j, const KeptRun *kept);

/// Lines "NAME VALUE" of a question, one after the other: returns what comes behind the line, NULL at the end.
const char *question_next(const char *question, const char **name, size_t *n_name, const char **value, size_t *n_value);

#endif
