#define _XOPEN_SOURCE 700   // realpath
#include "base/file.h"

#include "base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

DurStatus file_read(Text *out, const char *path, int64_t most, DurError *error) {
    text_clear(out);
    // non-blocking, so that a pipe nobody writes to cannot hang the program
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) return status_fail(error, DUR_IO, "%s: cannot be opened: %s", path, strerror(errno));
    struct stat info;
    if (fstat(fd, &info) || !S_ISREG(info.st_mode)) {
        close(fd);
        return status_fail(error, DUR_IO, "%s: is not a regular file", path);
    }
    if (info.st_size > most) {
        close(fd);
        return status_fail(error, DUR_LIMIT, "%s: is %lld bytes long; the limit is %lld", path,
                           (long long)info.st_size, (long long)most);
    }
    char block[65536];
    for (;;) {
        ssize_t n = read(fd, block, sizeof block);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) {
            int why = errno;
            close(fd);
            return status_fail(error, DUR_IO, "%s: cannot be read: %s", path, strerror(why));
        }
        if (n == 0) break;
        text_append_n(out, block, (size_t)n);
        if ((int64_t)out->length > most) {
            close(fd);
            return status_fail(error, DUR_LIMIT, "%s: is longer than the limit of %lld bytes", path, (long long)most);
        }
    }
    close(fd);
    if (out->failed) return status_fail(error, DUR_MEMORY, "%s: out of memory while reading", path);
    return DUR_OK;
}

bool file_is_same(const char *path, const char *other) {
    struct stat a, b;
    return stat(path, &a) == 0 && stat(other, &b) == 0 && a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

struct FileOut {
    int  fd;
    bool is_pipe;      // standard output, or something that cannot be renamed over: written straight
    char *path;        // as it was named, for messages
    char *target;      // where it ends up: `path` with links followed
    char *temporary;   // where it grows
    bool replaces;     // there is a file already, and `old` tells of it
    struct stat old;
};

static void out_free(FileOut *out) {
    memory_free(out->path);
    free(out->target);
    memory_free(out->temporary);
    memory_free(out);
}

void file_drop(FileOut *out) {
    if (!out) return;
    if (out->fd >= 0 && out->fd != STDOUT_FILENO) close(out->fd);
    if (!out->is_pipe && out->fd >= 0) unlink(out->temporary);
    out_free(out);
}

DurStatus file_open(FileOut **result, const char *path, DurError *error) {
    *result = NULL;
    FileOut *out = memory_zeroed(1, sizeof *out);
    if (!out) return status_fail(error, DUR_MEMORY, "%s: out of memory", path);
    out->fd = -1;
    size_t n = strlen(path);
    out->path = memory_alloc(n + 1);
    // what a link leads to is replaced, not the link; where nothing is yet, the path is the place
    out->target = realpath(path, NULL);
    const char *target = out->target ? out->target : path;
    size_t n_temporary = strlen(target) + sizeof ".XXXXXX";
    out->temporary = memory_alloc(n_temporary);
    if (!out->path || !out->temporary) {
        file_drop(out);
        return status_fail(error, DUR_MEMORY, "%s: out of memory", path);
    }
    memcpy(out->path, path, n + 1);
    snprintf(out->temporary, n_temporary, "%s.XXXXXX", target);

    struct stat info;
    if (strcmp(path, "-") == 0) {
        out->is_pipe = true;
        out->fd = STDOUT_FILENO;
    } else if (stat(path, &info) == 0 && S_ISDIR(info.st_mode)) {
        file_drop(out);
        return status_fail(error, DUR_IO, "%s: is a folder", path);
    } else if (stat(path, &info) == 0 && !S_ISREG(info.st_mode)) {
        out->is_pipe = true;
        out->fd = open(path, O_WRONLY | O_CLOEXEC);
    } else {
        out->replaces = stat(path, &out->old) == 0;
        out->fd = mkstemp(out->temporary);
    }
    if (out->fd < 0) {
        int why = errno;
        file_drop(out);
        return status_fail(error, DUR_IO, "%s: cannot be written: %s", path, strerror(why));
    }
    *result = out;
    return DUR_OK;
}

DurStatus file_put(FileOut *out, const char *data, size_t n, DurError *error) {
    while (n > 0) {
        ssize_t k = write(out->fd, data, n);
        if (k < 0 && errno == EINTR) continue;
        // a reader that has seen enough is no fault
        if (k < 0 && errno == EPIPE && out->is_pipe) return DUR_OK;
        if (k < 0) return status_fail(error, DUR_IO, "%s: cannot be written: %s", out->path, strerror(errno));
        data += k;
        n -= (size_t)k;
    }
    return DUR_OK;
}

DurStatus file_commit(FileOut *out, DurError *error) {
    if (out->is_pipe) {
        file_drop(out);
        return DUR_OK;
    }
    // mkstemp makes private files; a result is as public as the file whose place it takes, or as the umask lets any other be.
    // The owner goes first: giving a file away may clear parts of its mode. Few may give one away; then the group alone, or neither
    mode_t mask = umask(0);
    umask(mask);
    mode_t mode = out->replaces ? out->old.st_mode & 0777 : 0666 & ~mask;
    bool is_same_owner = !out->replaces || fchown(out->fd, out->old.st_uid, out->old.st_gid) == 0 ||
                         fchown(out->fd, (uid_t)-1, out->old.st_gid) == 0;
    // rights of the old group are not for another
    if (!is_same_owner) mode &= ~(mode_t)070 | (mode << 3 & 070);
    int why = 0;
    if (fchmod(out->fd, mode) || fsync(out->fd)) why = errno;
    int bad_close = close(out->fd);
    if (!why && bad_close) why = errno;
    if (!why && rename(out->temporary, out->target ? out->target : out->path)) why = errno;
    if (why) unlink(out->temporary);
    DurStatus status = why ? status_fail(error, DUR_IO, "%s: cannot be written: %s", out->path, strerror(why)) : DUR_OK;
    out_free(out);
    return status;
}

DurStatus file_write(const char *path, const char *data, size_t n, DurError *error) {
    FileOut *out;
    TRY(file_open(&out, path, error));
    DurStatus status = file_put(out, data, n, error);
    if (status != DUR_OK) {
        file_drop(out);
        return status;
    }
    return file_commit(out, error);
}
