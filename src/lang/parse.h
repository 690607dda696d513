/// From text to tree: reading the scenario and what it imports, and parsing it. Faults go into the compilation's
/// diagnostics; a tree comes out in any case, with what could be read.
///
/// The pieces a compilation is made of:
///     compilation_start  ->  parse_file | parse_memory  ->  parse_query ...  ->  (checker, lowering)  ->  lang_free
#ifndef LANG_PARSE_H
#define LANG_PARSE_H

#include "lang/ast.h"
#include "lang/lang.h"

/// Make an empty compilation (its arena and diagnostics). DUR_MEMORY; lang_free(c) is due on any return.
/// lang_free and lang_take_model are here too (source.c).
DurStatus compilation_start(Compilation *c);

/// Read and parse a scenario and everything it imports (relative to the importing file), depth first.
/// Fills c->file, c->n_file and `ast`, which lives in c->arena.
/// A missing or unreadable import, an import cycle and every LANG_ limit are diagnostics. DUR_IO or DUR_LIMIT if the
/// scenario file itself cannot be read, DUR_MEMORY. DUR_OK otherwise, also when there are faults:
/// look at c->diagnostics.n_error.
DurStatus parse_file(Compilation *c, Ast *ast, const char *path, DurError *error);

/// The same with the scenario's text in memory (copied); `path` names it in messages and places relative imports.
DurStatus parse_memory(Compilation *c, Ast *ast, const char *path, const char *text, size_t n, DurError *error);

/// The same from files that are all in memory, the scenario first; imports are found among them by their paths.
DurStatus parse_given(Compilation *c, Ast *ast, const SourceText *file, int32_t n_file, DurError *error);

/// Parse one lone query, such as `E(power at 24 month | hold)`. Its text becomes one more entry of c->file, named
/// "query", so that faults show it with a caret. *out is NULL or AST_ERROR where it could not be read (reported);
/// otherwise it is any expression: that it is a quantity is for the checker to see.
DurStatus parse_query(Compilation *c, Ast *ast, const char *text, AstExpr **out);

#endif
