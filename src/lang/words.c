/// The text of a scenario without its layout: what is compared where two texts are to say the same, word for word, and the
/// lines in which two scenarios differ.
#include "lang/lang.h"

#include "lang/lexer.h"

#include <string.h>

// the words of a text that has been compiled; faults cannot be met, and would be told to nobody
typedef struct Reader {
    Arena *arena;
    Diagnostics unheard;
    Lexer  lexer;
} Reader;

static bool reader_start(Reader *r, const char *text, size_t n) {
    *r = (Reader){.arena = arena_make()};
    r->unheard.arena = r->arena;
    r->lexer = lexer_start(text, n, 0, &r->unheard);
    return r->arena != NULL;
}

static void reader_end(Reader *r) {
    diagnostics_free(&r->unheard);
    arena_free(r->arena);
}

void lang_words(Text *out, const SourceText *file, int32_t n_file) {
    for (int32_t i = 0; i < n_file; i++) {
        Reader r;
        if (!reader_start(&r, file[i].data, file[i].length)) {
            out->failed = true;
            return;
        }
        for (Token t = lexer_next(&r.lexer); t.kind != TOKEN_END; t = lexer_next(&r.lexer)) {
            text_append_n(out, file[i].data + t.offset, t.size);
            text_char(out, ' ');
        }
        text_char(out, '\n');
        reader_end(&r);
    }
}

// one line of the canonical layout, its words a space apart, under the declaration that it stands in
static void put_line(Text *out, const char *kind, size_t n_kind, const char *name, size_t n_name, const char *line,
                     size_t n_line) {
    text_append_n(out, kind, n_kind);
    text_char(out, '\t');
    text_append_n(out, name, n_name);
    text_char(out, '\t');
    text_append_n(out, line, n_line);
    text_char(out, '\n');
}

// the bytes from one token up to another, comments at the ends of lines left out: canonical lines hold one in a comment only
// behind all words
static void put_lines(Text *out, const char *text, size_t n) {
    Reader r;
    if (!reader_start(&r, text, n)) {
        out->failed = true;
        return;
    }
    Text line = {0};
    const char *kind = "", *name = "";
    size_t n_kind = 0, n_name = 0, end = 0;
    int depth = 0, words = 0;
    for (;;) {
        Token t = lexer_next(&r.lexer);
        if ((t.line_first || t.kind == TOKEN_END) && line.length) {
            put_line(out, kind, n_kind, name, n_name, text_view(&line), line.length);
            text_clear(&line);
        }
        if (t.kind == TOKEN_END) break;
        if (t.line_first && depth == 0) {
            kind = text + t.offset;
            n_kind = t.size;
            n_name = 0;
            words = 0;
        }
        // what a declaration is about stands behind its keyword
        if (words++ == 1) {
            name = text + t.offset;
            n_name = t.size;
        }
        depth += t.kind == TOKEN_OPEN_BRACE;
        depth -= t.kind == TOKEN_CLOSE_BRACE;
        // as it is laid out: words that touched still touch
        if (line.length && t.offset > end) text_char(&line, ' ');
        text_append_n(&line, text + t.offset, t.size);
        end = t.offset + t.size;
    }
    out->failed |= line.failed;
    text_free(&line);
    reader_end(&r);
}

DurStatus lang_lines(Text *out, const SourceText *file, int32_t n_file, DurError *error) {
    Text layout = {0};
    DurStatus status = DUR_OK;
    for (int32_t i = 0; i < n_file && status == DUR_OK; i++) {
        Compilation faults = {0};
        text_clear(&layout);
        status = lang_format(&layout, file[i].path, file[i].data, file[i].length, &faults, error);
        if (status == DUR_OK && faults.diagnostics.n_error)
            status = status_fail(error, DUR_INPUT, "%s: cannot be read", file[i].path);
        lang_free(&faults);
        if (status == DUR_OK) put_lines(out, text_view(&layout), layout.length);
    }
    if (status == DUR_OK && (layout.failed || out->failed)) status = status_fail(error, DUR_MEMORY, "out of memory");
    text_free(&layout);
    return status;
}
