#define _POSIX_C_SOURCE 200809L
#include "store/store.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

bool store_default_path(Text *out) {
    text_clear(out);
    const char *data = getenv("XDG_DATA_HOME"), *home = getenv("HOME");
    // the XDG rules: a path that is not absolute is to be ignored
    if (data && data[0] == '/') text_printf(out, "%s/duress/store.db", data);
    else if (home && home[0] == '/') text_printf(out, "%s/.local/share/duress/store.db", home);
    return out->length > 0 && !out->failed;
}

DurStatus store_make_folder(const char *path, DurError *error) {
    Text folder = {0};
    DurStatus status = DUR_OK;
    for (const char *slash = strchr(path + 1, '/'); slash && status == DUR_OK; slash = strchr(slash + 1, '/')) {
        text_clear(&folder);
        text_append_n(&folder, path, (size_t)(slash - path));
        if (mkdir(text_view(&folder), 0700) && errno != EEXIST)
            status = status_fail(error, DUR_IO, "%s: the folder cannot be made: %s", text_view(&folder), strerror(errno));
    }
    text_free(&folder);
    return status;
}
