#define _GNU_SOURCE   // getopt_long
#include "command.h"

#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// ORDER: CommandId
const Command COMMAND[COMMAND_COUNT] = {
    {"check", "FILE", 1, 1, "find faults; tell the size of the game and what is assumed",
     "Reads the scenario and tells every error with its place, then warnings: names that nothing uses,\n"
     "moves that can never be made, rates that can go negative, drifts that leave a stock's range.\n"
     "Then the size of the lattice, about how much memory and time a solve takes, and the lines that\n"
     "name no source. With --refine everything that is claimed is computed again on doubled grids: how\n"
     "far each answer moves, where it tends to, which stock's grid is the coarse one, and whether a\n"
     "verdict is sensitive to the grid.",
     "duress check scenarios/us-mexico/us-mexico.duress"},
    {"fmt", "FILE", 1, 1, "rewrite the file in the canonical layout",
     "Puts the file into the one canonical layout, comments kept. The file is replaced whole or not at\n"
     "all; one that is laid out so already is not touched.",
     "duress fmt my.duress --check"},
    {"solve", "FILE", 1, 1, "solve the scenario as a game",
     "Finds the equilibrium on the lattice, followed from precision 0 up to the stated precisions, and\n"
     "prints its certificate, the actors' values and their choices at the start. A solve that misses\n"
     "its tolerance says so and exits with 1. With --starts it looks for other equilibria and lists\n"
     "them: values and choices, how many starts ended there, whether best responses would leave.",
     "duress solve my.duress --set fear=8 --at \"tariff=threatened, attention=0.5\""},
    {"explain", "FILE", 1, 1, "why each actor chooses as it does at a state",
     "Splits the advantage of every available move over waiting by what pays it (payoff terms, costs)\n"
     "and by what carries it (events, other actors' replies, own later moves, drifts); the parts add\n"
     "up. Then: where along each stock the actor's mind changes, and to which parameter its choice\n"
     "is most sensitive, everyone's answers included.",
     "duress explain my.duress --actor government --at \"tariff=threatened\""},
    {"simulate", "FILE", 1, 1, "play many runs and tell how stocks and modes go over time",
     "Plays the solved scenario many times and prints mean and quantiles of every stock, shares of\n"
     "every mode's values, and how often each move and event happened. A run is a function of\n"
     "scenario, parameters, seed and run number alone: the number of threads changes nothing.",
     "duress simulate my.duress --runs 10000 --seed 7 --policy hold --csv paths.csv"},
    {"trace", "FILE", 1, 1, "tell one run as a story",
     "Replays one run of the ensemble that `duress simulate` plays with the same options, and tells what\n"
     "happened: date, who did what, how likely that was, and for each move what it was worth beside\n"
     "waiting, split by what pays it; events, what each changed, and where the run ended.",
     "duress trace my.duress --run 17 --seed 7"},
    {"merge", "FILE PART ...", 2, 1000000, "put the parts of an ensemble together",
     "Adds up what `duress simulate FILE --shard I/N --part PART` left, and prints what playing the\n"
     "whole ensemble would have printed, to the last digit. The parts may come in any order and from\n"
     "any machine; they must be of this scenario, of the same parameters, policy, seed, number of runs\n"
     "and times, and all there.",
     "duress merge my.duress part-1 part-2 part-3 --csv paths.csv"},
    {"claims", "FILE", 1, 1, "judge the scenario's claims",
     "Judges every claim: holds, fails or undecided, with both sides, the interval of their difference\n"
     "and how it was found. Sampled verdicts add runs until the interval lies on one side or --runs\n"
     "are used up. With --starts also which verdicts change between equilibria.",
     "duress claims my.duress --exact --strict"},
    {"query", "FILE 'QUANTITY' ...", 2, 1000, "the value of any quantity that a claim could use",
     "Computes quantities written as in a claim: E(...) and P(...), under a policy with `| NAME`.",
     "duress query my.duress 'E(power at 24 month | hold)' --exact"},
    {"rivals", "FILE", 1, 1, "what each rival explanation predicts where others predict otherwise",
     "Solves the scenario as it stands and once for each of its rivals, judges every claim in each, and\n"
     "prints what they say side by side: the claims on which they differ, with both sides, and for each\n"
     "what would tell it from the rest. What all say alike tells nobody apart, and is listed last.",
     "duress rivals scenarios/us-mexico/core.duress"},
    {"run", "FILE", 1, 1, "solve, simulate, judge, and write the page",
     "Does solve, simulate (the equilibrium and every policy) and claims, prints a summary of one\n"
     "screen, and writes one self-contained HTML page: NAME.html in the current folder unless --html\n"
     "says otherwise.",
     "duress run my.duress --html my.html"},
    {"runs", "", 0, 0, "list the runs that are kept",
     "Every answer is kept in a store, one SQLite file, with the question, the scenario's text, the\n"
     "parameters, the machine, the certificate and all results as tables; the same question asked again\n"
     "is answered from there. This lists them, newest first: those done, those that failed, and those\n"
     "that were interrupted or killed and go on when the same command is given again.",
     "duress runs"},
    {"show", "RUN", 1, 1, "one kept run: what was asked, on what, and what came out",
     "Prints what a run was asked, when, on which machine, with which files, what failed in it, and\n"
     "what it answered. With --json also the scenario's text and every table.",
     "duress show 12"},
    {"diff", "RUN RUN", 2, 2, "what changed between two kept runs, and through what",
     "Tells what changed in the scenario, assumptions and levers (moves and policies) apart, and in the\n"
     "question; what changed in the answers; and through which payoff terms and events the change ran:\n"
     "how often things happened, and the split of every move's advantage in both. Where a run does not\n"
     "hold the split its game is solved again from the text in the store.",
     "duress diff 11 12"},
    {"rm", "[RUN ...]", 0, 1000, "forget kept runs",
     "Removes runs from the store, all that are named or, if one of them is not there, none; with\n"
     "--games also the solved games that are kept for further questions about them.", "duress rm 11 12"},
    {"export", "RUN", 1, 1, "a kept run as files",
     "Writes the tables of a run as CSV, NumPy or JSON files into a new folder, run-RUN unless --to says\n"
     "otherwise, with the scenario, the printed answer and the page beside them. The folder is there\n"
     "whole or not at all.",
     "duress export 12 --format npy --to tables"},
    {"help", "[COMMAND]", 0, 1, "explain a command", "Prints the list of commands, or the page of one.",
     "duress help solve"},
    {"version", "", 0, 0, "print the version", "Prints the version of the program.", "duress version"},
};

#define ON(c)      (1u << COMMAND_##c)
#define ON_SAMPLE  (ON(SIMULATE) | ON(CLAIMS) | ON(QUERY) | ON(RIVALS) | ON(RUN))
#define ON_SOLVE   (ON(SOLVE) | ON(EXPLAIN) | ON(TRACE) | ON_SAMPLE)
#define ON_KEPT    (ON(CHECK) | ON(MERGE) | ON_SOLVE)
#define ON_STORE   (ON(RUNS) | ON(SHOW) | ON(DIFF) | ON(RM) | ON(EXPORT))
#define ON_LONG    (ON(CHECK) | ON_SOLVE | ON(DIFF))
#define ON_ALL     ((1u << COMMAND_COUNT) - 1)

// ORDER: OptionId
const Option OPTION[OPTION_COUNT] = {
    {"set", 0, "PARAM=VALUE", ON(CHECK) | ON_SOLVE, "change a parameter, in its declared unit; repeatable"},
    {"grid", 0, "STOCK=N", ON(CHECK) | ON_SOLVE, "nodes of a stock in place of what the scenario says; repeatable"},
    {"rival", 0, "NAME", ON(CHECK) | ON(MERGE) | (ON_SOLVE & ~ON(RIVALS)), "as this rival has it"},
    {"rivals", 0, NULL, ON(RUN), "every rival too, side by side"},
    {"at", 0, "STATE", ON(SOLVE) | ON(EXPLAIN), "at another state than the start: \"tariff=threatened, attention=0.5\""},
    {"actor", 0, "NAME", ON(EXPLAIN), "only this actor's choices"},
    {"tolerance", 0, "X", ON(CHECK) | ON_SOLVE, "largest residual that counts as solved (1e-8)"},
    {"max-sweeps", 0, "N", ON_SOLVE, "give up after about this many sweeps over the lattice (100000)"},
    {"no-certificate", 0, NULL, ON(SOLVE), "residual only: leave consistency and regret out"},
    {"runs", 0, "N", ON_SAMPLE, "number of runs; for claims and query the most that one may use"},
    {"seed", 0, "N", ON_SAMPLE | ON(TRACE), "root of all random streams (0)"},
    {"lattice", 0, NULL, ON_SAMPLE | ON(TRACE), "play the solved chain itself instead of continuous stocks"},
    {"policy", 0, "NAME", ON(SIMULATE) | ON(TRACE), "under this policy instead of the equilibrium"},
    {"times", 0, "N", ON(SIMULATE) | ON(RUN), "points in time, both ends included (61)"},
    {"keep", 0, "N", ON(SIMULATE), "put whole paths of the first N runs into the store, for `duress export`"},
    {"keep-run", 0, "K", ON(SIMULATE), "and of run K, from 0; repeatable"},
    {"run", 0, "K", ON(TRACE), "number of the run, from 0 (0)"},
    {"shard", 0, "I/N", ON(SIMULATE), "play only the I-th of N parts of the runs, 1 <= I <= N; goes with --part"},
    {"part", 0, "OUT", ON(SIMULATE), "write what the runs counted, for `duress merge`"},
    {"csv", 0, "OUT", ON(SIMULATE) | ON(MERGE), "write every time and quantile as CSV; - is standard output"},
    {"claim", 0, "NAME", ON(CLAIMS), "judge only this one"},
    {"exact", 0, NULL, ON(CLAIMS) | ON(QUERY) | ON(RIVALS) | ON(RUN), "on the lattice without sampling; says why where it can't"},
    {"confidence", 0, "P", ON(CLAIMS) | ON(QUERY) | ON(RIVALS) | ON(RUN), "of sampled intervals (0.99, or what a claim says)"},
    {"strict", 0, NULL, ON(CLAIMS), "exit with 1 unless every claim holds"},
    {"draws", 0, "N", ON(CLAIMS) | ON(QUERY), "shares of verdicts, ranges of quantities over N draws of the priors"},
    {"widen", 0, "X", ON(CLAIMS) | ON(QUERY), "with --draws: priors X times as wide (1)"},
    {"built-in", 0, NULL, ON(CLAIMS), "with --draws: judge claims no further that were seen both ways"},
    {"starts", 0, "N", ON_SOLVE & ~ON(RIVALS), "look for other equilibria from N starting values"},
    {"equilibrium", 0, "K", ON_SOLVE & ~ON(RIVALS), "play and judge equilibrium K of those found (from 64 starts unless told)"},
    {"refine", 0, NULL, ON(CHECK), "how far every answer moves when the grids are doubled, and where to"},
    {"states", 0, "N", ON(CHECK), "with --refine: most states of a refined lattice (5000000)"},
    {"html", 'o', "OUT", ON(RUN), "where to write the page; - is standard output"},
    {"threads", 'j', "N", ON_LONG, "threads to use (one for each core)"},
    {"store", 0, "FILE", ON_KEPT | ON_STORE, "the store, in place of the user's own (or of $DURESS_STORE)"},
    {"no-store", 0, NULL, ON_KEPT, "keep nothing and look nothing up"},
    {"fresh", 0, NULL, ON_KEPT, "compute anew what the store could answer"},
    {"games", 0, NULL, ON(RM), "all solved games that are kept"},
    {"format", 0, "KIND", ON(EXPORT), "csv (unless told), npy or json"},
    {"to", 0, "FOLDER", ON(EXPORT), "the new folder (run-RUN)"},
    {"check", 0, NULL, ON(FMT), "change nothing; exit with 1 if the layout is not canonical"},
    {"stdout", 0, NULL, ON(FMT), "print the canonical layout and leave the file alone"},
    {"json", 0, NULL, ON_ALL, "print one JSON value, documented in doc/commands.md"},
    {"progress", 0, "KIND", ON_LONG, "line (on a terminal), json (an object a line) or none"},
    {"quiet", 'q', NULL, ON_ALL, "no progress line"},
    {"help", 'h', NULL, ON_ALL, "this page"},
    {"version", 'V', NULL, ON_ALL, "print the version"},
};

static DurStatus fail(char error[1024], const char *format, ...) __attribute__((format(printf, 2, 3)));
static DurStatus fail(char error[1024], const char *format, ...) {
    va_list args;
    va_start(args, format);
    vsnprintf(error, 1024, format, args);
    va_end(args);
    return DUR_INPUT;
}

// ---- numbers, whole or not at all -------------------------------------------------------------------------------

static DurStatus read_whole(const char *option, const char *s, int64_t least, int64_t most, int64_t *out,
                            char error[1024]) {
    char *end;
    errno = 0;
    long long x = strtoll(s, &end, 10);
    if (end == s || *end || s[0] == ' ')
        return fail(error, "--%s wants a whole number, not \"%s\"", option, s);
    if (errno || x < least || x > most)
        return fail(error, "--%s wants a whole number from %lld to %lld, not %s", option, (long long)least,
                    (long long)most, s);
    *out = x;
    return DUR_OK;
}

static DurStatus read_seed(const char *s, uint64_t *out, char error[1024]) {
    char *end;
    errno = 0;
    unsigned long long x = strtoull(s, &end, 10);
    if (s[0] < '0' || s[0] > '9' || *end || errno)
        return fail(error, "--seed wants a whole number from 0 to 18446744073709551615, not \"%s\"", s);
    *out = x;
    return DUR_OK;
}

static DurStatus read_shard(const char *s, int *shard, int *n_shard, char error[1024]) {
    int read = 0;
    if (sscanf(s, "%9d/%9d%n", shard, n_shard, &read) != 2 || s[read] || s[0] < '0' || s[0] > '9' || *shard < 1 ||
        *n_shard < *shard)
        return fail(error, "--shard wants I/N with 1 <= I <= N, such as 2/5, not \"%s\"", s);
    return DUR_OK;
}

static DurStatus read_between(const char *option, const char *s, double low, double high, double *out,
                              char error[1024]) {
    char *end;
    double x = strtod(s, &end);
    if (end == s || *end || !isfinite(x) || s[0] == ' ')
        return fail(error, "--%s wants a number, not \"%s\"", option, s);
    if (!(x > low && x < high))
        return fail(error, "--%s wants a number above %g and below %g, not %s", option, low, high, s);
    *out = x;
    return DUR_OK;
}

// ---- reading ----------------------------------------------------------------------------------------------------

CommandId command_find(const char *name) {
    int i = 0;
    while (i < COMMAND_COUNT && strcmp(COMMAND[i].name, name) != 0) i++;
    return (CommandId)i;
}

static DurStatus unknown_command(const char *name, char error[1024]) {
    const char *names[COMMAND_COUNT];
    for (int i = 0; i < COMMAND_COUNT; i++) names[i] = COMMAND[i].name;
    const char *near = dur_nearest(name, names, COMMAND_COUNT);
    if (near) return fail(error, "there is no command `%.100s`; did you mean `%s`?", name, near);
    // a file where the command belongs is the likeliest other slip
    size_t n = strlen(name);
    if (n > 7 && strcmp(name + n - 7, ".duress") == 0)
        return fail(error, "the command comes first: duress check %.200s; `duress help` lists them", name);
    return fail(error, "there is no command `%.100s`; `duress help` lists them", name);
}

static DurStatus unknown_option(const char *given, char error[1024]) {
    if (given[0] == '-' && given[1] != '-')
        return fail(error, "there is no option `%.100s`; `duress help` tells which there are", given);
    char name[128];
    const char *start = given + strspn(given, "-");
    snprintf(name, sizeof name, "%.*s", (int)strcspn(start, "="), start);

    const char *names[OPTION_COUNT];
    int n_prefix = 0;
    for (int i = 0; i < OPTION_COUNT; i++) {
        names[i] = OPTION[i].name;
        n_prefix += strncmp(names[i], name, strlen(name)) == 0;
    }
    if (n_prefix > 1) return fail(error, "`--%s` could be several options; write it out", name);
    const char *near = dur_nearest(name, names, OPTION_COUNT);
    if (near) return fail(error, "there is no option `--%s`; did you mean `--%s`?", name, near);
    return fail(error, "there is no option `--%s`; `duress help` tells which there are", name);
}

// an option that another command takes: say which
static DurStatus misplaced_option(CommandId command, int option, char error[1024]) {
    int n = snprintf(error, 1024, "`duress %s` takes no --%s; it belongs to", COMMAND[command].name,
                     OPTION[option].name);
    const char *between = "";
    for (int c = 0; c < COMMAND_COUNT; c++) {
        if (!(OPTION[option].commands & 1u << c)) continue;
        n += snprintf(error + n, 1024 - (size_t)n, "%s %s", between, COMMAND[c].name);
        between = ",";
    }
    return DUR_INPUT;
}

static DurStatus read_progress(const char *s, ProgressKind *out, char error[1024]) {
    static const char *const kind[] = {"line", "json", "none"};   // ORDER: ProgressKind
    int i = 0;
    while (i < 3 && strcmp(kind[i], s) != 0) i++;
    if (i == 3) return fail(error, "--progress wants line, json or none, not \"%.100s\"", s);
    *out = (ProgressKind)i;
    return DUR_OK;
}

// the numbers of runs that stand where other commands have a file
static DurStatus read_runs(CommandLine *line, char error[1024]) {
    line->run = calloc((size_t)line->n_argument + 1, sizeof *line->run);
    if (!line->run) {
        snprintf(error, 1024, "out of memory");
        return DUR_MEMORY;
    }
    for (int i = 0; i < line->n_argument; i++) {
        char *end;
        errno = 0;
        long long x = strtoll(line->argument[i], &end, 10);
        if (end == line->argument[i] || *end || errno || x < 1)
            return fail(error, "`duress %s` wants the number of a run, not \"%.100s\"; `duress runs` lists them",
                        COMMAND[line->command].name, line->argument[i]);
        line->run[i] = x;
    }
    return DUR_OK;
}

// the length of NAME in "NAME = VALUE"
static int name_length(const char *s) {
    int n = (int)strcspn(s, "=");
    while (n > 0 && s[n - 1] == ' ') n--;
    return n;
}

// one more NAME=VALUE of an option that may be repeated, of another name than those before
static DurStatus take_named(const char *option, const char **list, int *n, const char *value, char error[1024]) {
    int length = name_length(value);
    for (int i = 0; i < *n; i++)
        if (name_length(list[i]) == length && strncmp(list[i], value, (size_t)length) == 0)
            return fail(error, "--%s %.*s is given twice, and can be given once", option, length < 200 ? length : 200, value);
    list[(*n)++] = value;
    return DUR_OK;
}

static DurStatus take_option(CommandLine *line, OptionId id, const char *value, char error[1024]) {
    DurOptions *o = &line->options;
    int64_t whole = 0;
    DurStatus status = DUR_OK;
    switch (id) {
        case OPTION_SET: status = take_named("set", (const char **)o->set, &o->n_set, value, error); break;
        case OPTION_GRID: status = take_named("grid", (const char **)o->grid, &o->n_grid, value, error); break;
        case OPTION_RIVAL: o->rival = value; break;
        case OPTION_RIVALS: o->rivals = true; break;
        case OPTION_DRAWS:
            status = read_whole("draws", value, 1, 1000000, &whole, error);
            o->draws = (int)whole;
            break;
        case OPTION_BUILT_IN: o->built_in = true; break;
        case OPTION_WIDEN: status = read_between("widen", value, 0, 100, &o->widen, error); break;
        case OPTION_AT: o->at = value; break;
        case OPTION_ACTOR: o->actor = value; break;
        case OPTION_TOLERANCE: status = read_between("tolerance", value, 0, 1, &o->tolerance, error); break;
        case OPTION_MAX_SWEEPS:
            status = read_whole("max-sweeps", value, 1, INT64_C(1000000000), &o->max_sweep, error);
            break;
        case OPTION_NO_CERTIFICATE: o->no_certificate = true; break;
        case OPTION_RUNS: status = read_whole("runs", value, 1, INT64_C(1000000000000), &o->runs, error); break;
        case OPTION_SEED: status = read_seed(value, &o->seed, error); break;
        case OPTION_LATTICE: o->lattice = true; break;
        case OPTION_POLICY: o->policy = value; break;
        case OPTION_TIMES:
            status = read_whole("times", value, 2, 100000, &whole, error);
            o->times = (int)whole;
            break;
        case OPTION_KEEP: status = read_whole("keep", value, 1, INT64_C(1000000000), &o->keep, error); break;
        case OPTION_KEEP_RUN:
            status = read_whole("keep-run", value, 0, INT64_C(1000000000000), &line->keep_run[o->n_keep_run], error);
            o->n_keep_run++;
            break;
        case OPTION_RUN: status = read_whole("run", value, 0, INT64_C(1000000000000), &o->run, error); break;
        case OPTION_SHARD: status = read_shard(value, &o->shard, &o->n_shard, error); break;
        case OPTION_PART: o->part = value; break;
        case OPTION_CSV: o->csv = value; break;
        case OPTION_CLAIM: o->claim = value; break;
        case OPTION_EXACT: o->exact = true; break;
        case OPTION_CONFIDENCE: status = read_between("confidence", value, 0, 1, &o->confidence, error); break;
        case OPTION_STRICT: o->strict = true; break;
        case OPTION_STARTS:
            status = read_whole("starts", value, 1, 1000000, &whole, error);
            o->starts = (int)whole;
            break;
        case OPTION_EQUILIBRIUM:
            status = read_whole("equilibrium", value, 1, 1000000, &whole, error);
            o->equilibrium = (int)whole;
            break;
        case OPTION_REFINE: o->refine = true; break;
        case OPTION_STATES: status = read_whole("states", value, 1, INT64_C(2000000000), &o->states, error); break;
        case OPTION_HTML: o->html = value; break;
        case OPTION_THREADS:
            status = read_whole("threads", value, 1, 1024, &whole, error);
            o->threads = (int)whole;
            break;
        case OPTION_STORE: o->store = value; break;
        case OPTION_NO_STORE: line->no_store = true; break;
        case OPTION_FRESH: o->fresh = true; break;
        case OPTION_GAMES: line->games = true; break;
        case OPTION_FORMAT: line->format = value; break;
        case OPTION_TO: line->to = value; break;
        case OPTION_PROGRESS: status = read_progress(value, &line->progress, error); break;
        case OPTION_CHECK: line->check = true; break;
        case OPTION_STDOUT: line->to_stdout = true; break;
        case OPTION_JSON: line->json = true; break;
        case OPTION_QUIET: line->quiet = true; break;
        case OPTION_HELP: line->help = true; break;
        case OPTION_VERSION: line->version = true; break;
        case OPTION_COUNT: break;
    }
    return status;
}

// what getopt_long wants, drawn from the table
static void getopt_tables(struct option longs[OPTION_COUNT + 1], char shorts[3 * OPTION_COUNT + 4]) {
    char *s = shorts;
    *s++ = '-';   // hand over what is no option in its place, whatever the environment says about order
    *s++ = ':';   // tell a missing argument apart
    for (int i = 0; i < OPTION_COUNT; i++) {
        int argument = OPTION[i].argument ? required_argument : no_argument;
        longs[i] = (struct option){OPTION[i].name, argument, NULL, 256 + i};
        if (!OPTION[i].letter) continue;
        *s++ = OPTION[i].letter;
        if (OPTION[i].argument) *s++ = ':';
    }
    *s = '\0';
    longs[OPTION_COUNT] = (struct option){0};
}

static OptionId option_of_code(int code) {
    if (code >= 256) return (OptionId)(code - 256);
    int i = 0;
    while (i < OPTION_COUNT && OPTION[i].letter != code) i++;
    return (OptionId)i;
}

static bool may_repeat(OptionId id) { return id == OPTION_SET || id == OPTION_GRID || id == OPTION_KEEP_RUN; }

static DurStatus read_words(CommandLine *line, int argc, char **argv, bool taken[OPTION_COUNT], char error[1024]) {
    struct option longs[OPTION_COUNT + 1];
    char shorts[3 * OPTION_COUNT + 4];
    getopt_tables(longs, shorts);
    opterr = 0;
    optind = 0;   // start anew: glibc's way to say so
    for (;;) {
        int before = optind ? optind : 1;
        int code = getopt_long(argc, argv, shorts, longs, NULL);
        if (code == -1) break;
        if (code == 1) {
            line->argument[line->n_argument++] = optarg;
        } else if (code == ':') {
            OptionId id = option_of_code(optopt);
            return fail(error, "--%s wants %s behind it", OPTION[id].name, OPTION[id].argument);
        } else if (code == '?') {
            if (optopt >= 256) return fail(error, "--%s takes no value", OPTION[optopt - 256].name);
            return unknown_option(argv[before < argc ? before : argc - 1], error);
        } else {
            OptionId id = option_of_code(code);
            // a variable of a shell that is not set
            if (optarg && !*optarg) return fail(error, "--%s wants %s behind it, and there is nothing", OPTION[id].name, OPTION[id].argument);
            // of two answers to one question neither is dropped in silence
            if (taken[id] && OPTION[id].argument && !may_repeat(id)) return fail(error, "--%s is given twice, and can be given once", OPTION[id].name);
            taken[id] = true;
            DurStatus status = take_option(line, id, optarg, error);
            if (status != DUR_OK) return status;
        }
    }
    while (optind < argc) line->argument[line->n_argument++] = argv[optind++];
    return DUR_OK;
}

DurStatus command_read(CommandLine *out, int argc, char **argv, char error[1024]) {
    *out = (CommandLine){.command = COMMAND_HELP};
    error[0] = '\0';

    // the wish for JSON holds for the fault as well, wherever it stands
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
        if (strcmp(argv[i], "--json") == 0) out->json = true;

    size_t room = (size_t)argc + 1;
    out->word = out->argument = calloc(room, sizeof *out->word);
    out->options.set = calloc(room, sizeof *out->options.set);
    out->options.grid = calloc(room, sizeof *out->options.grid);
    out->options.keep_run = out->keep_run = calloc(room, sizeof *out->keep_run);
    if (!out->word || !out->options.set || !out->options.grid || !out->keep_run) {
        snprintf(error, 1024, "out of memory");
        return DUR_MEMORY;
    }

    bool taken[OPTION_COUNT] = {0};
    DurStatus status = read_words(out, argc, argv, taken, error);
    if (status != DUR_OK) return status;

    // `duress --version` is a command in the clothes of an option
    if (out->n_argument == 0) {
        if (out->version) out->command = COMMAND_VERSION;
        return DUR_OK;
    }
    out->command = command_find(out->argument[0]);
    if (out->command == COMMAND_COUNT) {
        out->command = COMMAND_HELP;
        return unknown_command(out->argument[0], error);
    }
    out->is_named = true;
    out->argument++;
    out->n_argument--;
    if (out->help) return DUR_OK;

    for (int i = 0; i < OPTION_COUNT; i++)
        if (taken[i] && !(OPTION[i].commands & 1u << out->command)) return misplaced_option(out->command, i, error);
    const Command *c = &COMMAND[out->command];
    if (out->n_argument < c->least)
        return fail(error, "`duress %s` wants %s; try `duress help %s`", c->name, c->arguments, c->name);
    if (out->n_argument > c->most)
        return fail(error, "`duress %s` takes %s; `%.100s` is one too many", c->name,
                    c->most ? c->arguments : "no argument", out->argument[c->most]);
    if (out->command == COMMAND_HELP && out->n_argument == 1 && command_find(out->argument[0]) == COMMAND_COUNT)
        return unknown_command(out->argument[0], error);
    if (out->command == COMMAND_QUERY) {
        out->options.query = out->argument + 1;
        out->options.n_query = out->n_argument - 1;
    }
    if (out->command == COMMAND_MERGE) {
        out->options.merge = out->argument + 1;
        out->options.n_merge = out->n_argument - 1;
    }
    if (out->options.n_shard && !out->options.part)
        return fail(error, "--shard goes with --part OUT, a file for `duress merge`");
    if (out->options.part && strcmp(out->options.part, "-") == 0)
        return fail(error, "--part wants a file; standard output is taken");
    bool lists = out->command == COMMAND_SOLVE || out->command == COMMAND_CLAIMS || out->command == COMMAND_RUN;
    if (out->options.starts && !out->options.equilibrium && !lists)
        return fail(error, "`duress %s --starts` wants --equilibrium K; `duress solve --starts` lists them", c->name);
    bool is_quick = out->command == COMMAND_CHECK && !out->options.refine;
    if (is_quick && (out->options.store || out->no_store || out->options.fresh))
        return fail(error, "`duress check` keeps nothing unless --refine is asked for: reading the file anew costs nothing");
    if (out->options.states && !out->options.refine) return fail(error, "--states goes with --refine");
    if (out->options.widen > 0 && !out->options.draws) return fail(error, "--widen goes with --draws");
    if (out->options.built_in && !out->options.draws) return fail(error, "--built-in goes with --draws");
    if (out->options.draws && out->options.starts) return fail(error, "--draws and --starts exclude each other");
    if (out->no_store && out->options.store) return fail(error, "--store and --no-store exclude each other");
    bool keeps_runs = out->options.keep || out->options.n_keep_run;
    if (keeps_runs && out->no_store) return fail(error, "--keep and --keep-run put paths into the store: leave --no-store out");
    if (keeps_runs && out->options.n_shard) return fail(error, "--keep and --shard exclude each other: a shard is kept nowhere");
    if (out->no_store && out->options.fresh)
        return fail(error, "--fresh is about the store; without one everything is computed anew");
    if (out->command == COMMAND_RM && out->n_argument == 0 && !out->games)
        return fail(error, "`duress rm` wants RUN ..., or --games; try `duress help rm`");
    if (1u << out->command & ON_STORE) return read_runs(out, error);
    if (out->check && out->to_stdout) return fail(error, "--check and --stdout exclude each other");
    if (out->json && ((out->options.csv && strcmp(out->options.csv, "-") == 0) ||
                      (out->options.html && strcmp(out->options.html, "-") == 0)))
        return fail(error, "--json and %s - would both write to standard output",
                    out->options.csv ? "--csv" : "--html");
    return DUR_OK;
}

void command_free(CommandLine *line) {
    free(line->word);
    free(line->run);
    free(line->keep_run);
    free((void *)line->options.set);
    free((void *)line->options.grid);
    *line = (CommandLine){0};
}
