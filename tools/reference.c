/// Prints a part of the language page from the tables that the program itself is made of: `reference language`,
/// `reference diagnostics`, `reference operations`. tools/make-doc puts them into doc/language.md.
#include "eval/op.h"
#include "lang/checker.h"
#include "lang/lang.h"

#include <stdio.h>
#include <string.h>

static void row(Text *out, const char *left, const char *right) {
    text_append(out, "| `");
    for (const char *s = left; *s; s++) text_printf(out, *s == '|' ? "\\%c" : "%c", *s);
    text_printf(out, "` | %s |\n", right);
}

static void write_diagnostics(Text *out) {
    text_append(out, "| code | told of |\n| --- | --- |\n");
#define X(name, code, meaning) row(out, code, meaning);
    CHECK_CODE_LIST(X)
#undef X
}

static void write_operations(Text *out) {
    text_append(out, "| operation | formula | meaning |\n| --- | --- | --- |\n");
    Text formula = {0};
#define X(name, text) text_printf(out, "| %s | | %s |\n", #name, text);
    OP_LOAD_LIST(X)
#undef X
#define X(name, args, scalar, text)                                            \
    text_clear(&formula);                                                      \
    for (const char *s = #scalar; *s; s++) text_printf(&formula, *s == '|' ? "\\%c" : "%c", *s); \
    text_printf(out, "| %s | `%s` | %s |\n", #name, text_view(&formula), text);
    OP_MATH_LIST(X)
#undef X
#define X(name, text) text_printf(out, "| %s | | %s |\n", #name, text);
    OP_TABLE_LIST(X)
#undef X
    out->failed |= formula.failed;
    text_free(&formula);
}

int main(int argc, char **argv) {
    static const struct { const char *name; void (*write)(Text *out); } part[] = {
        {"language", lang_write_reference}, {"diagnostics", write_diagnostics}, {"operations", write_operations},
    };
    Text out = {0};
    for (size_t i = 0; argc == 2 && i < DUR_COUNT(part); i++)
        if (strcmp(argv[1], part[i].name) == 0) part[i].write(&out);
    if (out.failed || out.length == 0) {
        fputs("usage: reference language|diagnostics|operations\n", stderr);
        return 2;
    }
    fputs(text_view(&out), stdout);
    text_free(&out);
    return 0;
}
