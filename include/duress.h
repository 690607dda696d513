/// Duress: an engine for coercive bargaining. The one public header.
///
/// A scenario text is compiled into an immutable model; the model is solved as a game and simulated in ensembles;
/// claims are judged on both; everything a person sees is drawn from named tables. Every call returns a DurStatus;
/// text for people is in the DurError or in the result. Nothing here prints, exits or keeps global state.
#ifndef DURESS_H
#define DURESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "duress_status.h"

#define DURESS_VERSION "0.1.0"

typedef struct DurScenario DurScenario;   // a scenario file as read: a model, or a list of faults
typedef struct DurResult   DurResult;     // the answer of one command, as text and as JSON

/// Long work tells how far it is and asks whether it should stop; all may be NULL. See DurOptions.progress.
typedef struct DurProgress {
    void (*tell)(void *context, const char *what, double done, double total, const char *note);
    bool (*stop)(void *context);
    void *context;
} DurProgress;

/// What a command may be told. Zero-initialised is the default of every command.
typedef struct DurOptions {
    const char *const *set;     // [n_set] "param=value"
    int         n_set;
    const char *const *grid;    // [n_grid] "stock=N": nodes in place of what the scenario says
    int         n_grid;
    const char *rival;          // as this rival has it; NULL: as the scenario has it
    bool        rivals;         // run: every rival too, side by side
    int         draws;          // claims, query: shares of verdicts, ranges of quantities over so many draws of the priors; 0: none
    double      widen;          // claims, query: priors so many times as wide in draws; 0: 1
    bool        built_in;       // claims: with draws, a claim of which both verdicts were seen is judged no further
    const char *at;             // solve, explain: "tariff=threatened, attention=0.5"; NULL: the start
    const char *actor;          // explain: only this one's choices; NULL: everyone's
    const char *const *query;   // [n_query] query: quantities as a claim would write them
    int         n_query;
    const char *claim;          // claims: only this one; NULL: all
    bool        exact;          // claims, query: exactly on the lattice where the path allows
    int64_t     runs;           // simulate, claims, query, run; 0: the command's default
    uint64_t    seed;           // 0 is a seed like any other
    bool        lattice;        // simulate the lattice chain instead of continuous stocks
    const char *policy;         // simulate: under this policy; NULL: the equilibrium
    double      confidence;     // 0: 0.99, or what the claim says
    double      tolerance;      // solve; 0: 1e-8
    int64_t     max_sweep;      // solve; 0: default
    int         threads;        // 0: one for each core
    int         times;          // simulate, run: points in time; 0: 61
    int         starts;         // solve, claims, run: look for other equilibria from so many starts; 0: don't
    int         equilibrium;    // play and judge this one of those found (1: the principal); 0: the principal alone
    bool        refine;         // check: how far answers move when the grids are doubled
    int64_t     states;         // check: most states of a refined lattice; 0: 5,000,000
    bool        strict;         // claims: a claim that fails is DUR_UNMET
    bool        no_certificate; // solve: residual only
    const char *command;        // the command line, for the page's "how to reproduce"
    const char *csv;            // simulate: where to write CSV; NULL: nowhere
    int         shard, n_shard; // simulate: only the runs of shard `shard`, 1 .. n_shard; n_shard 0: all
    const char *part;           // simulate: where to write what the runs counted, for merge; NULL: nowhere
    int64_t     keep;           // simulate: keep the paths of so many runs, the first
    const int64_t *keep_run;    // [n_keep_run] simulate: and of these
    int         n_keep_run;
    int64_t     run;            // trace: number of the run, from 0
    const char *const *merge;   // [n_merge] merge: such files
    int         n_merge;
    const char *html;           // run: where to write the page; NULL: nowhere
    const char *store;          // where answers are kept and looked up; NULL: nowhere. check: with refine
    bool        store_may_fail; // a store that refuses costs a note, not the answer
    bool        fresh;          // compute anew what the store could answer
    const DurProgress *progress;
} DurOptions;

/// Text of a status, never NULL; and the program's exit code for it.
const char *dur_status_text(DurStatus status);
int         dur_exit_code(DurStatus status);

/// Read and compile a scenario. DUR_OK also when it has faults (dur_faulty tells); DUR_IO when it cannot be read.
/// On failure *error (char[1024], may be NULL) holds one sentence. options->query is compiled along, and options->rival is
/// put in effect; DUR_INPUT if there is none of that name.
DurStatus dur_open(DurScenario **out, const char *path, const DurOptions *options, char error[1024]);
void      dur_close(DurScenario *scenario);
bool      dur_faulty(const DurScenario *scenario);

/// The commands. Each makes a result, also when the status is not DUR_OK if there is something to show (diagnostics, a
/// solve that missed its tolerance); *out may be NULL only when the status is not DUR_OK. A scenario with faults gives
/// DUR_INPUT and its diagnostics from every command; what is wrong with a place in it is told in the result's faults alone, and
/// error is "".
DurStatus dur_check   (DurScenario *scenario, const DurOptions *options, DurResult **out, char error[1024]);
DurStatus dur_solve   (DurScenario *scenario, const DurOptions *options, DurResult **out, char error[1024]);
DurStatus dur_explain (DurScenario *scenario, const DurOptions *options, DurResult **out, char error[1024]);
DurStatus dur_simulate(DurScenario *scenario, const DurOptions *options, DurResult **out, char error[1024]);
DurStatus dur_merge   (DurScenario *scenario, const DurOptions *options, DurResult **out, char error[1024]);
DurStatus dur_trace   (DurScenario *scenario, const DurOptions *options, DurResult **out, char error[1024]);
DurStatus dur_claims  (DurScenario *scenario, const DurOptions *options, DurResult **out, char error[1024]);
DurStatus dur_query   (DurScenario *scenario, const DurOptions *options, DurResult **out, char error[1024]);
DurStatus dur_rivals  (DurScenario *scenario, const DurOptions *options, DurResult **out, char error[1024]);
DurStatus dur_run     (DurScenario *scenario, const DurOptions *options, DurResult **out, char error[1024]);

/// The user's own store, as DurOptions.store wants it: $DURESS_STORE if it is set (empty: none), else store.db in the folder
/// duress of $XDG_DATA_HOME or ~/.local/share. False if there is none, or the path is longer than 4095 bytes.
bool dur_store_place(char path[4096]);

/// What is in a store: all runs, one run whole, and what differs between two: in the scenario (assumptions and levers apart),
/// in the answers, and through which payoff terms and events. DUR_INPUT if there is no run of a number; DUR_IO.
/// dur_diff may have to solve again what the store doesn't hold, for which it takes threads and progress from the options.
DurStatus dur_runs(const char *store, DurResult **out, char error[1024]);
DurStatus dur_show(const char *store, int64_t run, DurResult **out, char error[1024]);
DurStatus dur_diff(const char *store, int64_t before, int64_t after, const DurOptions *options, DurResult **out,
                   char error[1024]);

/// Forget runs, all or none of them, and, if `games`, all solved games that are kept for further questions.
DurStatus dur_remove(const char *store, const int64_t *run, int n, bool games, DurResult **out, char error[1024]);

/// A run's tables, scenario and page as files in a new folder, which is there whole or not at all.
///   format   "csv", "npy" (NumPy) or "json"
DurStatus dur_export(const char *store, int64_t run, const char *format, const char *folder, DurResult **out,
                     char error[1024]);

/// The canonical layout of a file's text: result text is the formatted file. Works on files alone, imports unread.
///   rewrite  put it in the file's place (whole or not at all) where it differs
/// Returns DUR_OK; DUR_UNMET if the file is laid out otherwise and was left; DUR_INPUT with its faults if it cannot be
/// parsed; DUR_IO, DUR_LIMIT, DUR_MEMORY.
DurStatus dur_format(const char *path, bool rewrite, DurResult **out, char error[1024]);

/// A result that says only what went wrong, in the shape in which every command's JSON says it: for whoever shows
/// results and has a fault of its own to tell, such as a command line that cannot be read.
DurStatus dur_refuse(DurResult **out, DurStatus status, const char *sentence);

/// What a command has to say: for people (UTF-8, at most 100 columns where it can), for programs (one JSON value).
const char *dur_result_text(const DurResult *result);
const char *dur_result_json(const DurResult *result);
/// What should go to standard error (diagnostics, warnings); "" if nothing.
const char *dur_result_faults(const DurResult *result);
/// What else a person should know, for standard error: that the answer came from the store, or why it was not kept. Whole
/// lines, "" if nothing; unlike faults they are no part of the JSON.
const char *dur_result_notes(const DurResult *result);
void        dur_result_free(DurResult *result);

/// A word of a command line as a shell reads it back, quoted where it has to be. `out` has room for 4 bytes for each of the
/// word's and 3 more. Returns where the text ends, at its NUL.
char *dur_quote(char *out, const char *word);

/// The one of `n` names that is near enough to `name` to suggest, or NULL.
const char *dur_nearest(const char *name, const char *const *names, int n);

#endif
