/// The command line: what commands and options there are, in two tables, and one reading of a line against them.
#ifndef CLI_COMMAND_H
#define CLI_COMMAND_H

#include <stdbool.h>

#include "duress.h"

typedef enum CommandId {
    COMMAND_CHECK, COMMAND_FMT, COMMAND_SOLVE, COMMAND_EXPLAIN, COMMAND_SIMULATE, COMMAND_TRACE, COMMAND_MERGE,
    COMMAND_CLAIMS, COMMAND_QUERY, COMMAND_RIVALS, COMMAND_RUN, COMMAND_RUNS, COMMAND_SHOW, COMMAND_DIFF, COMMAND_RM,
    COMMAND_EXPORT, COMMAND_HELP, COMMAND_VERSION,
    COMMAND_COUNT
} CommandId;

typedef struct Command {
    const char *name;
    const char *arguments;     // "FILE", as help shows them
    int least, most;           // how many of them
    const char *summary;       // one line, for the list
    const char *about;         // what `duress help NAME` says
    const char *example;
} Command;
extern const Command COMMAND[COMMAND_COUNT];

typedef enum OptionId {
    OPTION_SET, OPTION_GRID, OPTION_RIVAL, OPTION_RIVALS, OPTION_AT, OPTION_ACTOR, OPTION_TOLERANCE, OPTION_MAX_SWEEPS, OPTION_NO_CERTIFICATE, OPTION_RUNS,
    OPTION_SEED, OPTION_LATTICE, OPTION_POLICY, OPTION_TIMES, OPTION_KEEP, OPTION_KEEP_RUN, OPTION_RUN, OPTION_SHARD, OPTION_PART, OPTION_CSV, OPTION_CLAIM, OPTION_EXACT, OPTION_CONFIDENCE,
    OPTION_STRICT, OPTION_DRAWS, OPTION_WIDEN, OPTION_BUILT_IN, OPTION_STARTS, OPTION_EQUILIBRIUM, OPTION_REFINE, OPTION_STATES, OPTION_HTML,
    OPTION_THREADS, OPTION_STORE, OPTION_NO_STORE, OPTION_FRESH, OPTION_GAMES, OPTION_FORMAT, OPTION_TO,
    OPTION_CHECK, OPTION_STDOUT, OPTION_JSON, OPTION_PROGRESS, OPTION_QUIET, OPTION_HELP,
    OPTION_VERSION,
    OPTION_COUNT
} OptionId;

typedef struct Option {
    const char *name;
    char        letter;        // '\0': none
    const char *argument;      // NULL: takes none
    unsigned    commands;      // bit c: command c takes it
    const char *help;
} Option;
extern const Option OPTION[OPTION_COUNT];

/// What is told of long work while it goes on.
typedef enum ProgressKind { PROGRESS_LINE, PROGRESS_JSON, PROGRESS_NONE } ProgressKind;

/// A command line as read. Texts are borrowed from argv.
typedef struct CommandLine {
    CommandId  command;        // help where none was named
    bool       is_named;
    DurOptions options;        // arrays in it are owned by this
    const char **word;         // all that is not an option; owned
    const char **argument;     // [n_argument] the same without the command's name
    int  n_argument;
    bool json, quiet, help, version;
    bool check, to_stdout;     // fmt
    bool no_store;
    bool games;                // rm
    ProgressKind progress;
    const char *format, *to;   // export
    int64_t *keep_run;         // what options.keep_run points to; owned
    int64_t *run;              // [n_argument] show, diff, rm, export: the arguments as numbers; owned
} CommandLine;

/// Read a command line. DUR_INPUT with a sentence (near names suggested) if it makes no sense; `json` is set all the
/// same if --json stood anywhere, so that the fault can be told in kind. On any return command_free is due.
DurStatus command_read(CommandLine *out, int argc, char **argv, char error[1024]);
void      command_free(CommandLine *line);

/// The command of a name, or COMMAND_COUNT.
CommandId command_find(const char *name);

/// The short page for `duress` alone, and the page of one command.
void command_print_list(void);
void command_print_help(CommandId command);
/// The same as JSON: every command with its options, or one.
void command_print_json(int command);

#endif
