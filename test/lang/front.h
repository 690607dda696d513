/// What the tests of the front end share: files of this folder, a text parsed to a tree, faults as they are printed.
#ifndef TEST_LANG_FRONT_H
#define TEST_LANG_FRONT_H

#include "../check.h"

#include "base/file.h"
#include "base/memory.h"
#include "lang/parse.h"

#include <stdlib.h>

/// A text and what was made of it. Zero is fine for front_free.
typedef struct Front {
    Compilation c;
    Ast ast;
} Front;

static inline void front_free(Front *f) { lang_free(&f->c); }

/// Parse a text that is called "test.duress".
static inline void front_parse(Front *f, const char *text, size_t n) {
    DurError error = {0};
    CHECK_OK(compilation_start(&f->c));
    CHECK_OK(parse_memory(&f->c, &f->ast, "test.duress", text, n, &error));
}

/// Parse a text and see that it has no fault.
static inline void front_parse_well(Front *f, const char *text) {
    front_parse(f, text, strlen(text));
    if (f->c.diagnostics.n_error) {
        Text faults = {0};
        diagnostics_print(&f->c.diagnostics, f->c.file, f->c.n_file, &faults);
        fail_msg("%s", text_view(&faults));
    }
}

/// Read a file, its path relative to the folder of these tests.
static inline void front_read(Text *text, const char *name) {
    char path[1024];
    DurError error = {0};
    snprintf(path, sizeof path, "%s/%s", TEST_DIR, name);
    if (file_read(text, path, LANG_FILE_BYTES_MAX, &error)) fail_msg("%s", error.text);
}

/// Compare with a file of this folder. With DURESS_GOLDEN=write the file is written anew, for a person to read through.
static inline void front_compare(const Text *found, const char *name) {
    char path[1024];
    DurError error = {0};
    snprintf(path, sizeof path, "%s/%s", TEST_DIR, name);
    const char *mode = getenv("DURESS_GOLDEN");
    if (mode && strcmp(mode, "write") == 0) CHECK_OK(file_write(path, text_view(found), found->length, &error));
    Text expected = {0};
    front_read(&expected, name);
    if (strcmp(text_view(found), text_view(&expected)) != 0) {
        const char *a = text_view(found), *b = text_view(&expected);
        int line = 1;
        for (; *a && *a == *b; a++, b++) line += *a == '\n';
        fail_msg("%s differs from line %d on; found:\n%s", name, line, text_view(found));
    }
    text_free(&expected);
}

#endif
