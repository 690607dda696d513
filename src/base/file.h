/// Files: read whole with a limit, written whole or not at all.
#ifndef BASE_FILE_H
#define BASE_FILE_H

#include "base/status.h"
#include "base/text.h"

#include <stdbool.h>
#include <stdint.h>

/// Read a whole file into `out` (cleared first). More than `most` bytes, a folder, or a failure to read is DUR_IO
/// or DUR_LIMIT, with a sentence that names the path. Never reads more than `most` + 1 bytes.
DurStatus file_read(Text *out, const char *path, int64_t most, DurError *error);

/// Write a file whole: to a temporary beside it, flushed to the disk, then renamed over it. Links are followed and stay links;
/// a file that is replaced leaves its mode and, where the system allows it, its owner to the new one. On any failure the old
/// file is untouched, the temporary is gone, and DUR_IO names the path and the reason. Path "-" is standard output. What
/// is written to a pipe whose reader has left counts as written, where SIGPIPE is ignored.
DurStatus file_write(const char *path, const char *data, size_t n, DurError *error);

/// Do two paths lead to one file, links followed? False where one of them leads to none.
bool file_is_same(const char *path, const char *other);

/// As file_write in steps, for output too long to hold: open, print any number of times, commit or drop.
typedef struct FileOut FileOut;
DurStatus file_open(FileOut **out, const char *path, DurError *error);
DurStatus file_put(FileOut *out, const char *data, size_t n, DurError *error);
DurStatus file_commit(FileOut *out, DurError *error);   // frees `out` either way
void      file_drop(FileOut *out);                      // removes the temporary; accepts NULL

#endif
