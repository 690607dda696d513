#include "lang/checker.h"
#include "lang/parse.h"

#include "base/memory.h"

#include <string.h>

// what the model keeps of the files and programs, once everything is there
static void finish_model(Checker *k, const char *path) {
    Model *m = k->model;
    const Compilation *c = k->c;
    const char **file = keep_rows(k, c->n_file, sizeof *file);
    Program *program = keep_rows(k, k->code.n_program, sizeof *program);
    Op *op = keep_rows(k, k->code.n_op, sizeof *op);
    double *number = keep_rows(k, k->code.n_constant, sizeof *number);
    if (!file || !program || !op || !number) return;
    for (int32_t i = 0; i < c->n_file; i++) file[i] = keep_text(k, c->file[i].path);
    if (k->code.n_program)  memcpy(program, k->code.program, (size_t)k->code.n_program * sizeof *program);
    if (k->code.n_op)       memcpy(op, k->code.op, (size_t)k->code.n_op * sizeof *op);
    if (k->code.n_constant) memcpy(number, k->code.constant, (size_t)k->code.n_constant * sizeof *number);
    m->path = keep_text(k, path);
    m->file = file;          m->n_file = c->n_file;
    m->program = program;    m->n_program = k->code.n_program;
    m->op = op;              m->n_op = k->code.n_op;
    m->constant = number;    m->n_constant = k->code.n_constant;
    if (!k->failed && !model_hash(m)) k->failed = true;
}

static DurStatus compile(Compilation *c, Ast *ast, const char *path, const char *rival, const char *const *query,
                         int32_t n_query) {
    Checker k = {.c = c, .ast = ast, .scratch = c->arena, .rival = rival};
    AstExpr **asked = arena_alloc(c->arena, (size_t)n_query * sizeof *asked);
    if (!asked) return DUR_MEMORY;
    for (int32_t i = 0; i < n_query; i++) TRY(parse_query(c, ast, query[i], &asked[i]));

    Arena *arena = arena_make();
    k.model = arena ? arena_alloc(arena, sizeof *k.model) : NULL;
    if (!k.model) {
        arena_free(arena);
        return DUR_MEMORY;
    }
    k.model->arena = arena;

    // names first, then what expressions stand on, then the rest in the order in which it is read
    void (*const step[])(Checker *) = {symbols_collect, declare_frame, declare_params, check_lets, declare_lets,
                                       declare_privates, declare_state, declare_jumps, declare_policies};
    for (size_t i = 0; i < DUR_COUNT(step) && !k.failed; i++) step[i](&k);
    if (!k.failed) declare_claims(&k, asked, n_query);
    if (!k.failed) declare_refused(&k);
    if (!k.failed) declare_rivals(&k);
    if (!k.failed) remark_all(&k);
    if (!k.failed) remark_unseen(&k, asked, n_query);
    bool is_whole = !k.failed && !c->diagnostics.failed && c->diagnostics.n_error == 0;
    if (is_whole) finish_model(&k, path);

    k.failed |= k.code.failed || k.names.failed || k.text.failed || c->diagnostics.failed;
    if (is_whole && !k.failed) c->model = k.model;
    else arena_free(arena);
    memory_free(k.quantity);
    memory_free(k.quantity_unit);
    draft_free(&k.draft);
    code_free(&k.code);
    names_free(&k.names);
    text_free(&k.text);
    diagnostics_sort(&c->diagnostics);
    return k.failed ? DUR_MEMORY : DUR_OK;
}

DurStatus lang_compile(Compilation *out, const char *path, const char *const *query, int32_t n_query,
                       DurError *error) {
    return lang_compile_rival(out, path, NULL, query, n_query, error);
}

DurStatus lang_compile_rival(Compilation *out, const char *path, const char *rival, const char *const *query,
                             int32_t n_query, DurError *error) {
    Ast ast;
    DurStatus s = compilation_start(out);
    if (s == DUR_OK) s = parse_file(out, &ast, path, error);
    if (s == DUR_OK) s = compile(out, &ast, path, rival, query, n_query);
    return s == DUR_MEMORY ? status_fail(error, s, "%s: out of memory", path) : s;
}

DurStatus lang_compile_files(Compilation *out, const SourceText *file, int32_t n_file, const char *rival, DurError *error) {
    Ast ast;
    DurStatus s = compilation_start(out);
    if (s == DUR_OK) s = parse_given(out, &ast, file, n_file, error);
    if (s == DUR_OK) s = compile(out, &ast, file[0].path, rival, NULL, 0);
    return s == DUR_MEMORY ? status_fail(error, s, "%s: out of memory", file[0].path) : s;
}

DurStatus lang_compile_text(Compilation *out, const char *path, const char *text, size_t n, const char *const *query,
                            int32_t n_query, DurError *error) {
    Ast ast;
    DurStatus s = compilation_start(out);
    if (s == DUR_OK) s = parse_memory(out, &ast, path, text, n, error);
    if (s == DUR_OK) s = compile(out, &ast, path, NULL, query, n_query);
    return s == DUR_MEMORY ? status_fail(error, s, "%s: out of memory", path) : s;
}
