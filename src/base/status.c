#include "base/status.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

const char *status_text(DurStatus status) {
    switch (status) {
#define X(name, exit_code, text) case DUR_##name: return text;
        DUR_STATUS_LIST(X)
#undef X
        case DUR_STATUS_COUNT: break;
    }
    return "unknown outcome";
}

static const char *const NAME[DUR_STATUS_COUNT] = {
    [DUR_OK] = "ok", [DUR_UNMET] = "unmet", [DUR_INPUT] = "input", [DUR_UNSUPPORTED] = "unsupported",
    [DUR_DOMAIN] = "domain", [DUR_SHAPE] = "shape", [DUR_MEMORY] = "memory", [DUR_LIMIT] = "limit",
    [DUR_IO] = "io", [DUR_INTERRUPTED] = "interrupted",
};

const char *status_name(DurStatus status) { return status < DUR_STATUS_COUNT ? NAME[status] : "unknown"; }

DurStatus status_from_name(const char *name) {
    int i = 0;
    while (i < DUR_STATUS_COUNT && strcmp(NAME[i], name) != 0) i++;
    return (DurStatus)i;
}

int status_exit_code(DurStatus status) {
    switch (status) {
#define X(name, exit_code, text) case DUR_##name: return exit_code;
        DUR_STATUS_LIST(X)
#undef X
        case DUR_STATUS_COUNT: break;
    }
    return 3;
}

DurStatus status_fail(DurError *error, DurStatus status, const char *format, ...) {
    if (!error || error->text[0]) return status;
    va_list args;
    va_start(args, format);
    int n = vsnprintf(error->text, sizeof error->text, format, args);
    va_end(args);

    // never leave half a UTF-8 character at the cut
    if (n >= (int)sizeof error->text) {
        size_t end = sizeof error->text - 1;
        while (end > 0 && ((unsigned char)error->text[end - 1] & 0xC0) == 0x80) end--;
        if (end > 0 && ((unsigned char)error->text[end - 1] & 0x80)) end--;
        error->text[end] = '\0';
    }
    return status;
}

DurStatus status_pass(DurError *error, DurStatus status, const DurError *why) {
    if (error && !error->text[0]) *error = *why;
    return status;
}
