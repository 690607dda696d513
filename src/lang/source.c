#include "lang/parse.h"

#include "base/file.h"
#include "lang/parser.h"

#include <stdio.h>
#include <string.h>

// ---- a compilation's life ----------------------------------------------------------------------------------------

DurStatus compilation_start(Compilation *c) {
    *c = (Compilation){.arena = arena_make()};
    c->diagnostics.arena = c->arena;
    return c->arena ? DUR_OK : DUR_MEMORY;
}

void lang_free(Compilation *c) {
    if (!c) return;
    model_free(c->model);
    diagnostics_free(&c->diagnostics);
    arena_free(c->arena);
    *c = (Compilation){0};
}

Model *lang_take_model(Compilation *c) {
    Model *model = c->model;
    c->model = NULL;
    return model;
}

static DurStatus out_of_memory(DurError *error) {
    return status_fail(error, DUR_MEMORY, "out of memory while reading the scenario");
}

// ---- one text ----------------------------------------------------------------------------------------------------

// the next entry of c->file, with a copy of the text
static SourceText *add_text(Compilation *c, const char *path, const char *text, size_t n) {
    enum { FIRST = 8 };
    bool is_full = c->n_file == 0 || (c->n_file >= FIRST && (c->n_file & (c->n_file - 1)) == 0);
    if (is_full) {
        SourceText *file = arena_alloc(c->arena, sizeof *file * (size_t)(c->n_file ? 2 * c->n_file : FIRST));
        if (!file) return NULL;
        if (c->n_file) memcpy(file, c->file, sizeof *file * (size_t)c->n_file);
        c->file = file;
    }
    SourceText *added = &c->file[c->n_file];
    added->path = arena_text(c->arena, path, strlen(path));
    added->data = arena_text(c->arena, text, n);
    added->length = n;
    if (!added->path || !added->data) return NULL;
    c->n_file++;
    return added;
}

// the place of a byte that is no text
static Span byte_span(const char *text, size_t at, int32_t file) {
    Span span = {.file = file, .line = 1, .length = 1};
    size_t start = 0;
    for (size_t i = 0; i < at; i++)
        if (text[i] == '\n' || (text[i] == '\r' && text[i + 1] != '\n')) {
            span.line++;
            start = i + 1;
        }
    span.column = 1 + text_width(text + start, at - start);
    if (start == 0 && at >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0) span.column--;
    return span;
}

// a text can be read if it is one
static bool check_text(Compilation *c, int32_t i_file) {
    const SourceText *f = &c->file[i_file];
    size_t bad;
    if (text_is_utf8(f->data, f->length, &bad)) return true;
    diagnostics_add(&c->diagnostics, SEVERITY_ERROR, byte_span(f->data, bad, i_file), "not-text", NULL,
                    "this is not a text file in UTF-8: byte %zu, 0x%02X, does not belong in one", bad + 1,
                    (unsigned)(unsigned char)f->data[bad]);
    return false;
}

DurStatus parser_read(Compilation *c, Ast *ast, const char *path, const char *text, size_t n, Trace *trace,
                      AstFile *file) {
    int32_t i_file = c->n_file;
    bool is_long = n > LANG_FILE_BYTES_MAX;
    SourceText *source = add_text(c, path, text, is_long ? 0 : n);
    if (!source) return DUR_MEMORY;
    file->path = source->path;
    if (is_long)
        diagnostics_add(&c->diagnostics, SEVERITY_ERROR, (Span){.file = i_file}, "too-long", NULL,
                        "the text is %zu bytes long; the limit is %d", n, LANG_FILE_BYTES_MAX);
    if (!is_long && check_text(c, i_file)) {
        Parser p;
        parser_start(&p, ast, source->data, n, i_file, &c->diagnostics, trace);
        parser_file(&p, file);
        if (p.failed) return DUR_MEMORY;
    }
    return c->diagnostics.failed ? DUR_MEMORY : DUR_OK;
}

// ---- imports -----------------------------------------------------------------------------------------------------

typedef struct Loader {
    Compilation *c;
    Ast      *ast;
    DurError *error;
    const SourceText *given;                           // [n_given] all files there are; NULL: they are on the disk
    int32_t   n_given;
    size_t    n_byte;                                  // of all files so far
    const char *identity[LANG_FILES_MAX];              // path of each file without `.` and `..`
    int32_t   stack[LANG_IMPORT_DEPTH_MAX + 1];        // files being imported, the scenario first
    int32_t   depth;                                   // how many of them
} Loader;

// a path without `.`, `..` and doubled slashes, so that two spellings of one file are seen to be one
static void append_identity(Text *out, const char *path) {
    if (*path == '/') text_char(out, '/');
    size_t root = out->length;
    while (*path) {
        size_t n = strcspn(path, "/");
        bool is_up = n == 2 && path[0] == '.' && path[1] == '.';
        if (is_up && out->length > root && strcmp(out->data + (out->length >= 3 ? out->length - 3 : 0), "../") != 0) {
            // back over the last folder
            do out->length--; while (out->length > root && out->data[out->length - 1] != '/');
            out->data[out->length] = '\0';
        } else if (n > 0 && !(n == 1 && path[0] == '.')) {
            text_append_n(out, path, n);
            text_char(out, '/');
        }
        path += n;
        while (*path == '/') path++;
    }
}

static const char *identity_of(Loader *l, const char *path) {
    Text text = {0};
    append_identity(&text, path);
    const char *copy = text.failed ? NULL : arena_text(l->c->arena, text_view(&text), text.length);
    text_free(&text);
    return copy;
}

static DurStatus load_imports(Loader *l, int32_t i_file);

// an imported file's text, from the disk or from those that were given
static DurStatus read_import(const Loader *l, const char *path, Text *out, DurError *error) {
    if (!l->given) return file_read(out, path, LANG_FILE_BYTES_MAX, error);
    for (int32_t i = 0; i < l->n_given; i++) {
        if (strcmp(l->given[i].path, path) != 0) continue;
        text_append_n(out, l->given[i].data, l->given[i].length);
        return out->failed ? DUR_MEMORY : DUR_OK;
    }
    return status_fail(error, DUR_IO, "%s: is not among the files at hand", path);
}

static DurStatus load_text(Loader *l, const char *path, const char *text, size_t n) {
    int32_t i_file = l->ast->n_file;
    l->identity[i_file] = identity_of(l, path);
    if (!l->identity[i_file]) return DUR_MEMORY;
    l->n_byte += n;
    l->ast->n_file++;
    TRY(parser_read(l->c, l->ast, path, text, n, NULL, &l->ast->file[i_file]));
    l->stack[l->depth++] = i_file;
    DurStatus status = load_imports(l, i_file);
    l->depth--;
    return status;
}

// "a.duress -> b.duress -> a.duress", from the file that is met again
static void append_circle(Text *out, const Loader *l, int32_t again) {
    int32_t k = 0;
    while (l->stack[k] != again) k++;
    for (; k < l->depth; k++) text_printf(out, "%s -> ", l->c->file[l->stack[k]].path);
    text_append(out, l->c->file[again].path);
}

static void import_fault(Loader *l, const AstDeclaration *d, const char *code, const char *message) {
    diagnostics_add(&l->c->diagnostics, SEVERITY_ERROR, d->text.span, code, NULL, "%s", message);
    l->ast->is_partial = true;
}

static DurStatus load_import(Loader *l, AstDeclaration *d, const char *path) {
    const char *identity = identity_of(l, path);
    if (!identity) return DUR_MEMORY;
    char message[256];
    for (int32_t i = 0; i < l->ast->n_file; i++) {
        if (strcmp(l->identity[i], identity) != 0) continue;
        bool is_open = false;
        for (int32_t k = 0; k < l->depth; k++) is_open |= l->stack[k] == i;
        if (!is_open) {
            d->as.import.file = i;
            return DUR_OK;
        }
        Text circle = {0};
        text_append(&circle, "this import closes a circle: ");
        append_circle(&circle, l, i);
        import_fault(l, d, "import-circle", text_view(&circle));
        bool failed = circle.failed;
        text_free(&circle);
        return failed ? DUR_MEMORY : DUR_OK;
    }
    if (l->depth > LANG_IMPORT_DEPTH_MAX) {
        snprintf(message, sizeof message, "imports are nested more than %d deep here, which is the limit",
                 LANG_IMPORT_DEPTH_MAX);
        import_fault(l, d, "too-deep", message);
        return DUR_OK;
    }
    if (l->ast->n_file == LANG_FILES_MAX) {
        snprintf(message, sizeof message, "more than %d files are imported, which is the limit", LANG_FILES_MAX);
        import_fault(l, d, "too-long", message);
        return DUR_OK;
    }

    Text text = {0};
    DurError why = {0};
    DurStatus status = read_import(l, path, &text, &why);
    if (status == DUR_OK && l->n_byte + text.length > LANG_BYTES_MAX) {
        snprintf(message, sizeof message, "all files together are longer than %d bytes, which is the limit",
                 LANG_BYTES_MAX);
        import_fault(l, d, "too-long", message);
    } else if (status == DUR_OK) {
        d->as.import.file = l->ast->n_file;
        status = load_text(l, path, text_view(&text), text.length);
    } else if (status != DUR_MEMORY) {
        import_fault(l, d, "import", why.text);
        status = DUR_OK;
    }
    text_free(&text);
    return status;
}

static DurStatus load_imports(Loader *l, int32_t i_file) {
    AstFile *file = &l->ast->file[i_file];
    const char *slash = strrchr(file->path, '/');
    int folder = slash ? (int)(slash - file->path + 1) : 0;
    for (int32_t i = 0; i < file->n_declaration; i++) {
        AstDeclaration *d = file->declaration[i];
        if (d->kind != AST_IMPORT_DECLARATION || !d->text.text) continue;
        Text path = {0};
        // relative to the importing file
        if (d->text.text[0] != '/') text_append_n(&path, file->path, (size_t)folder);
        text_append(&path, d->text.text);
        DurStatus status = path.failed ? DUR_MEMORY : load_import(l, d, text_view(&path));
        text_free(&path);
        TRY(status);
    }
    return DUR_OK;
}

// each import's declarations in the place of the import, each file once
static void flatten(Ast *ast, int32_t i_file, bool *is_done) {
    is_done[i_file] = true;
    const AstFile *file = &ast->file[i_file];
    for (int32_t i = 0; i < file->n_declaration; i++) {
        AstDeclaration *d = file->declaration[i];
        if (d->kind != AST_IMPORT_DECLARATION) ast->declaration[ast->n_declaration++] = d;
        else if (d->as.import.file >= 0 && !is_done[d->as.import.file]) flatten(ast, d->as.import.file, is_done);
    }
}

static DurStatus parse_all(Compilation *c, Ast *ast, const char *path, const char *text, size_t n, const SourceText *given,
                           int32_t n_given, DurError *error) {
    *ast = (Ast){.arena = c->arena};
    ast->file = arena_alloc(c->arena, sizeof *ast->file * LANG_FILES_MAX);
    if (!ast->file) return out_of_memory(error);
    Loader loader = {.c = c, .ast = ast, .error = error, .given = given, .n_given = n_given};
    DurStatus status = load_text(&loader, path, text, n);
    if (status == DUR_MEMORY) return out_of_memory(error);
    TRY(status);

    size_t n_declaration = 0;
    for (int32_t i = 0; i < ast->n_file; i++) n_declaration += (size_t)ast->file[i].n_declaration;
    ast->declaration = arena_alloc(c->arena, sizeof(AstDeclaration *) * n_declaration);
    if (!ast->declaration) return out_of_memory(error);
    bool is_done[LANG_FILES_MAX] = {false};
    flatten(ast, 0, is_done);

    if (ast->n_declaration == 0 && c->diagnostics.n_error == 0)
        diagnostics_add(&c->diagnostics, SEVERITY_ERROR, (Span){0}, "empty", NULL,
                        "there is nothing in this file: expected declarations, the first of them `scenario`");
    diagnostics_sort(&c->diagnostics);
    return c->diagnostics.failed ? out_of_memory(error) : DUR_OK;
}

DurStatus parse_memory(Compilation *c, Ast *ast, const char *path, const char *text, size_t n, DurError *error) {
    return parse_all(c, ast, path, text, n, NULL, 0, error);
}

DurStatus parse_given(Compilation *c, Ast *ast, const SourceText *file, int32_t n_file, DurError *error) {
    return parse_all(c, ast, file[0].path, file[0].data, file[0].length, file, n_file, error);
}

DurStatus parse_file(Compilation *c, Ast *ast, const char *path, DurError *error) {
    Text text = {0};
    DurStatus status = file_read(&text, path, LANG_FILE_BYTES_MAX, error);
    if (status == DUR_OK) status = parse_memory(c, ast, path, text_view(&text), text.length, error);
    text_free(&text);
    return status;
}

DurStatus parse_query(Compilation *c, Ast *ast, const char *text, AstExpr **out) {
    *out = NULL;
    int32_t i_file = c->n_file;
    size_t n = strlen(text);
    SourceText *source = add_text(c, "query", text, n < LANG_FILE_BYTES_MAX ? n : LANG_FILE_BYTES_MAX);
    if (!source) return DUR_MEMORY;
    if (check_text(c, i_file)) {
        Parser p;
        parser_start(&p, ast, source->data, source->length, i_file, &c->diagnostics, NULL);
        *out = parser_lone_expression(&p);
        if (p.failed) {
            *out = NULL;
            return DUR_MEMORY;
        }
    }
    return c->diagnostics.failed ? DUR_MEMORY : DUR_OK;
}
