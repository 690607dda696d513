/// libFuzzer target of the front end: any bytes are compiled as a scenario, formatted, and formatted again.
/// Built and run by `ninja fuzz_parse` in a build folder made with clang and -Dfuzz=enabled; starts from corpus/.
///
/// Beyond "no crash, no leak, no hang": what fmt writes is free of faults, says the same and is left alone by fmt.
#include "lang/lang.h"
#include "lang/parse.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static void check_same(const char *a, size_t n_a, const char *b, size_t n_b) {
    Compilation c, d;
    Ast x, y;
    DurError error = {0};
    assert(compilation_start(&c) == DUR_OK && compilation_start(&d) == DUR_OK);
    assert(parse_memory(&c, &x, "/nowhere/x.duress", a, n_a, &error) == DUR_OK);
    assert(parse_memory(&d, &y, "/nowhere/x.duress", b, n_b, &error) == DUR_OK);
    assert(x.n_declaration == y.n_declaration);
    for (int32_t i = 0; i < x.n_declaration; i++) assert(ast_same_declaration(x.declaration[i], y.declaration[i]));
    lang_free(&c);
    lang_free(&d);
}

// the first line, if it starts with a question mark, is a query beside the scenario
static void compile(const char *text, size_t n) {
    char query[256] = "";
    if (n > 0 && text[0] == '?') {
        size_t line = 0;
        while (line < n && text[line] != '\n') line++;
        size_t length = line - 1 < sizeof query ? line - 1 : sizeof query - 1;
        memcpy(query, text + 1, length);
        query[length] = '\0';
        text += line;
        n -= line;
    }
    const char *const queries[] = {query};
    Compilation c;
    DurError error = {0};
    Text told = {0};
    DurStatus status = lang_compile_text(&c, "/nowhere/x.duress", text, n, queries, *query != '\0', &error);
    assert(status == DUR_OK);
    assert((c.model == NULL) == (c.diagnostics.n_error > 0));
    diagnostics_print(&c.diagnostics, c.file, c.n_file, &told);
    assert(!told.failed);
    text_free(&told);
    lang_free(&c);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
    const char *text = (const char *)data;
    compile(text, n);

    Text once = {0}, twice = {0};
    Compilation faults;
    DurError error = {0};
    assert(lang_format(&once, "x", text, n, &faults, &error) == DUR_OK);
    bool is_well = faults.diagnostics.n_error == 0;
    lang_free(&faults);
    if (is_well) {
        assert(lang_format(&twice, "x", text_view(&once), once.length, &faults, &error) == DUR_OK);
        assert(faults.diagnostics.n_error == 0);
        lang_free(&faults);
        assert(once.length == twice.length && memcmp(text_view(&once), text_view(&twice), once.length) == 0);
        check_same(text, n, text_view(&once), once.length);
    }
    text_free(&once);
    text_free(&twice);
    return 0;
}
