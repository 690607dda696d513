#define _POSIX_C_SOURCE 200809L
#include "command.h"
#include "terminal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef DurStatus CommandCall(DurScenario *scenario, const DurOptions *options, DurResult **out, char error[1024]);

// ORDER: CommandId; fmt works on the bare file, others on a store, help and version on nothing
static CommandCall *const CALL[COMMAND_COUNT] = {
    dur_check, NULL, dur_solve, dur_explain, dur_simulate, dur_trace, dur_merge, dur_claims, dur_query, dur_rivals, dur_run,
    NULL, NULL, NULL, NULL, NULL, NULL, NULL,
};

// what was printed reaches its place or is told: a full disk must not look like success. A reader that has seen enough, as `head`
// has, is no fault: the code says what came of the work, whoever read how much of it
static int finish_output(int code) {
    if (fflush(stdout) == 0 && !ferror(stdout)) return code;
    int why = errno;
    if (terminal_reader_left()) return code;
    fprintf(stderr, "duress: the output cannot be written: %s\n", strerror(why));
    return 3;
}

static void complain(const char *sentence) {
    if (sentence[0]) fprintf(stderr, "duress: %s\n", sentence);
}

// results go to standard output, faults to standard error; a status without a result still gives a JSON value
static int show(const CommandLine *line, DurStatus status, DurResult *result, const char *error) {
    terminal_clear();
    if (line->json && !result) dur_refuse(&result, status, error[0] ? error : dur_status_text(status));
    if (result) fputs(dur_result_notes(result), stderr);
    if (result && !(line->json && status == DUR_OK)) fputs(dur_result_faults(result), stderr);
    // a table and a page in one stream would be neither
    const DurOptions *o = &line->options;
    bool taken = (o->csv && strcmp(o->csv, "-") == 0) || (o->html && strcmp(o->html, "-") == 0);
    if (result) fputs(line->json ? dur_result_json(result) : dur_result_text(result), taken ? stderr : stdout);
    // what is on the screen comes before what is wrong with it
    fflush(stdout);
    if (status != DUR_OK) complain(error);
    dur_result_free(result);
    return finish_output(dur_exit_code(status));
}

static int format(const CommandLine *line) {
    char error[1024] = "";
    DurResult *result = NULL;
    DurStatus status = dur_format(line->argument[0], !line->check && !line->to_stdout, &result, error);
    if (line->to_stdout && status == DUR_UNMET) status = DUR_OK;
    if (status == DUR_UNMET)
        snprintf(error, sizeof error, "%.900s is not in the canonical layout; `duress fmt` puts it there",
                 line->argument[0]);
    // the text itself is shown only where it was asked for
    if (line->json || line->to_stdout || !result) return show(line, status, result, error);
    fputs(dur_result_faults(result), stderr);
    if (status != DUR_OK) complain(error);
    dur_result_free(result);
    return dur_exit_code(status);
}

// the page lands beside the caller, named after the scenario, unless told otherwise
static char *page_name(const char *path) {
    const char *name = strrchr(path, '/') ? strrchr(path, '/') + 1 : path;
    size_t n = strlen(name);
    if (n > 7 && strcmp(name + n - 7, ".duress") == 0) n -= 7;
    char *out = malloc(n + 6);
    if (out) snprintf(out, n + 6, "%.*s.html", (int)n, name);
    return out;
}

// how many words say how many threads to use, which changes nothing of an answer: "-j 2", "--threads=2", "-j2"; 0: none
static int threads_words(const char *word) {
    if (strcmp(word, "-j") == 0 || strcmp(word, "--threads") == 0) return 2;
    return strncmp(word, "--threads=", 10) == 0 || (strncmp(word, "-j", 2) == 0 && strspn(word + 2, "0123456789") == strlen(word + 2));
}

// the command line again, for the page's "how to reproduce"; a folder before the program's name is left out
static char *command_text(int argc, char **argv) {
    size_t room = 16;
    for (int i = 1; i < argc; i++) room += 4 * strlen(argv[i]) + 4;
    char *text = malloc(room);
    if (!text) return NULL;
    char *end = stpcpy(text, "duress");
    for (int i = 1; i < argc; i++) {
        int n = threads_words(argv[i]);
        if (n) {
            i += n - 1;
            continue;
        }
        *end++ = ' ';
        end = dur_quote(end, argv[i]);
    }
    return text;
}

// what --store says, else what the environment does; a place that nobody named may refuse
static void place_store(CommandLine *line, char place[4096]) {
    DurOptions *o = &line->options;
    if (line->no_store || o->store || !dur_store_place(place)) return;
    o->store = place;
    o->store_may_fail = true;
}

static int work_on_store(CommandLine *line) {
    char error[1024] = "", place[4096], folder[64];
    DurOptions *o = &line->options;
    DurProgress progress = terminal_progress(line->quiet ? PROGRESS_NONE : line->progress);
    o->progress = &progress;
    DurResult *result = NULL;
    DurStatus status = DUR_OK;
    place_store(line, place);
    if (!o->store) {
        snprintf(error, sizeof error, "there is no store: --store names one, or DURESS_STORE, or HOME");
        return show(line, DUR_IO, NULL, error);
    }
    snprintf(folder, sizeof folder, "run-%lld", line->n_argument ? (long long)line->run[0] : 0LL);
    switch (line->command) {
        case COMMAND_RUNS: status = dur_runs(o->store, &result, error); break;
        case COMMAND_SHOW: status = dur_show(o->store, line->run[0], &result, error); break;
        case COMMAND_DIFF: status = dur_diff(o->store, line->run[0], line->run[1], o, &result, error); break;
        case COMMAND_RM: status = dur_remove(o->store, line->run, line->n_argument, line->games, &result, error); break;
        default:
            status = dur_export(o->store, line->run[0], line->format ? line->format : "csv", line->to ? line->to : folder,
                                &result, error);
    }
    return show(line, status, result, error);
}

static int work(CommandLine *line, int argc, char **argv) {
    DurOptions *o = &line->options;
    DurProgress progress = terminal_progress(line->quiet ? PROGRESS_NONE : line->progress);
    char place[4096];
    if (OPTION[OPTION_STORE].commands & 1u << line->command) place_store(line, place);
    char error[1024] = "";
    char *page = line->command == COMMAND_RUN && !o->html ? page_name(line->argument[0]) : NULL;
    char *text = command_text(argc, argv);
    if (page) o->html = page;
    o->progress = &progress;
    o->command = text;

    DurScenario *scenario = NULL;
    DurResult *result = NULL;
    DurStatus status = dur_open(&scenario, line->argument[0], o, error);
    if (status == DUR_OK) status = CALL[line->command](scenario, o, &result, error);
    int code = show(line, status, result, error);
    dur_close(scenario);
    free(page);
    free(text);
    return code;
}

int main(int argc, char **argv) {
    CommandLine line;
    char error[1024];
    terminal_listen();
    DurStatus status = command_read(&line, argc, argv, error);
    int code;
    if (status != DUR_OK) {
        code = show(&line, status, NULL, error);
    } else if (line.help && line.is_named) {
        line.json ? command_print_json((int)line.command) : command_print_help(line.command);
        code = finish_output(0);
    } else if (line.command == COMMAND_VERSION || line.version) {
        puts(line.json ? "{\"version\": \"" DURESS_VERSION "\"}" : "duress " DURESS_VERSION);
        code = finish_output(0);
    } else if (line.command == COMMAND_HELP) {
        CommandId about = line.n_argument ? command_find(line.argument[0]) : COMMAND_COUNT;
        if (line.json) command_print_json(about == COMMAND_COUNT ? -1 : (int)about);
        else if (about != COMMAND_COUNT) command_print_help(about);
        else command_print_list();
        code = finish_output(0);
    } else if (line.command == COMMAND_FMT) {
        code = format(&line);
    } else if (line.run) {
        code = work_on_store(&line);
    } else {
        code = work(&line, argc, argv);
    }
    command_free(&line);
    return code;
}
