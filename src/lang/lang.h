/// The scenario language: text in, compiled model or a list of faults out.
///
/// The pipeline: source (files, imports) -> lexer -> parser (ast) -> checker (names, types, units, who reads what)
/// -> lowering (model). `fmt` prints an ast back in the one canonical layout.
#ifndef LANG_LANG_H
#define LANG_LANG_H

#include "base/status.h"
#include "lang/diagnostic.h"
#include "model/model.h"

/// Limits, all told by name in the error that meets them.
#define LANG_FILE_BYTES_MAX   (16 * 1024 * 1024)   // one file
#define LANG_IMPORT_DEPTH_MAX 16
#define LANG_FILES_MAX        256
#define LANG_BYTES_MAX        (64 * 1024 * 1024)   // all files together
#define LANG_NESTING_MAX      200                  // brackets, signs and `if`s within one another
#define LANG_DEPTH_MAX        1000                 // operators on top of one another in one expression
#define LANG_GRID_MAX         1000000              // nodes of one grid
#define LANG_NODES_MAX        (1 << 20)            // nodes of the tree, about 300 bytes each, all files together
/// Times of claims and policies, in scenario units. What is exact takes as many steps at most (check/uniformize.h), and a clock of
/// doubles still tells a ten-millionth of a unit there.
#define LANG_TIME_MAX         1000000000

/// The result of a compilation. `model` is NULL exactly if there was an error.
typedef struct Compilation {
    Arena *arena;              // owns texts, paths, messages
    Model *model;              // owned by the caller after lang_take_model, else by this
    Diagnostics diagnostics;   // sorted
    SourceText *file;          // [n_file]
    int32_t n_file;
} Compilation;

/// Compile the scenario in a file. Imports are found relative to the file that imports.
///
///   query    extra quantities (as in claims: "E(power at 24 month | hold)"), compiled as if each stood in the
///            scenario; they are the last n_query entries of model->quantity, in order; NULL with n_query 0
///
/// Returns DUR_OK also when the scenario has faults: look at out->diagnostics. DUR_IO if the file cannot be read
/// (missing imports are diagnostics), DUR_MEMORY. On any return lang_free(out) is due.
DurStatus lang_compile(Compilation *out, const char *path, const char *const *query, int32_t n_query,
                       DurError *error);

/// The same with a rival's declarations in the place of those that they replace. model->account says that it is so; where
/// there is no such rival it is NULL, and the model is the scenario's own.
DurStatus lang_compile_rival(Compilation *out, const char *path, const char *rival, const char *const *query,
                             int32_t n_query, DurError *error);

/// The same from memory; `path` names it in messages and places relative imports. Used by tests and the page.
DurStatus lang_compile_text(Compilation *out, const char *path, const char *text, size_t n,
                            const char *const *query, int32_t n_query, DurError *error);

/// The same from files that are held in memory, the scenario first: imports are looked for among them, by their paths, and
/// nowhere else. rival: as in lang_compile_rival, or NULL.
DurStatus lang_compile_files(Compilation *out, const SourceText *file, int32_t n_file, const char *rival, DurError *error);

/// Every word of some files, without layout and comments. Two scenarios of the same words in the same files print the same.
void lang_words(Text *out, const SourceText *file, int32_t n_file);

/// The lines of some files in the canonical layout, without comments, each as "KIND\tNAME\tLINE\n": the keyword of the
/// declaration it stands in, the word behind that, the line. DUR_INPUT if a file cannot be read as a scenario; DUR_MEMORY.
DurStatus lang_lines(Text *out, const SourceText *file, int32_t n_file, DurError *error);

/// Hand the model over to the caller; NULL if there is none.
Model *lang_take_model(Compilation *c);
void   lang_free(Compilation *c);

/// The canonical layout of one file's text, comments kept, idempotent. Faults go to out_diagnostics as in a
/// compilation that stops after parsing; then `formatted` is left empty.
DurStatus lang_format(Text *formatted, const char *path, const char *text, size_t n, Compilation *faults,
                      DurError *error);

/// Reads a state like "tariff=threatened, attention=0.5" against a model: values for the variables it names, the
/// rest as `state` holds them. DUR_INPUT with a sentence (near names suggested) otherwise.
DurStatus lang_read_state(const Model *model, const char *text, double *state, DurError *error);

/// Reads "name=value" against a model and sets param[i]. The value is a number as the scenario would write it, in
/// the unit that the param was declared with (`per TIME`).
DurStatus lang_read_param(const Model *model, const char *text, double *param, DurError *error);

/// Reads "name=N" against a model and sets the nodes of a stock, or of a belief: all of an actor's beliefs alike.
/// n_node [n_variable].
DurStatus lang_read_grid(const Model *model, const char *text, int32_t *n_node, DurError *error);

/// Keywords, functions and forms as Markdown, drawn from the tables of the parser; doc/language.md includes it.
void lang_write_reference(Text *out);

#endif
