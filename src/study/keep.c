#define _POSIX_C_SOURCE 200809L
#include "study/keep.h"

#include "base/memory.h"
#include "base/sha256.h"
#include "num/isa.h"
#include "study/paths.h"
#include "study/result.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>

// ---- the question -------------------------------------------------------------------------------------------------

int32_t keep_file_count(const DurScenario *s) { return s->compilation.n_file - s->n_query; }

// what somebody typed, on one line
static void put_line(Text *out, const char *name, const char *value) {
    text_printf(out, "%s ", name);
    for (; *value; value++) text_char(out, *value == '\n' ? ' ' : *value);
    text_char(out, '\n');
}

// All that the answer depends on, a line each. The model's hash leaves out what people read, and the order of declarations,
// in which answers are told and random numbers are dealt: the words of the files say the rest. Threads, progress and
// where the store is change nothing.
static void put_question(Text *out, const DurScenario *s, const DurOptions *o, const char *command, const char *more) {
    const Model *m = s->model;
    Text words = {0};
    Sha256 sha;
    char hex[65];
    lang_words(&words, s->compilation.file, keep_file_count(s));
    out->failed |= words.failed;
    sha256_start(&sha);
    sha256_add(&sha, text_view(&words), words.length);
    sha256_hex(&sha, hex);
    text_free(&words);
    text_printf(out, "duress %s\ncommand %s\nfile %s\n", DURESS_VERSION, command, m->path);
    text_printf(out, "scenario %s\nwords %s\nseed %" PRIu64 "\n", m->hash, hex, o->seed);
    for (int32_t p = 0; p < m->n_param; p++) {
        if (memcmp(&s->session.param[p], &m->param[p].value, sizeof(double)) == 0) continue;
        text_printf(out, "set %s=", m->param[p].name);
        text_double(out, s->session.param[p] / m->param[p].scale);
        text_char(out, '\n');
    }
    const struct { const char *name; double value; } number[] = {
        {"runs", (double)o->runs}, {"times", o->times}, {"tolerance", o->tolerance}, {"max-sweeps", (double)o->max_sweep},
        {"confidence", o->confidence}, {"starts", o->starts}, {"equilibrium", o->equilibrium}, {"lattice", o->lattice},
        {"exact", o->exact}, {"strict", o->strict}, {"rivals", o->rivals}, {"draws", o->draws}, {"widen", o->widen},
        {"built-in", o->built_in},
        {"refine", o->refine}, {"states", (double)o->states}, {"no-certificate", o->no_certificate}, {"run", (double)o->run},
    };
    for (size_t i = 0; i < DUR_COUNT(number); i++) {
        if (number[i].value == 0) continue;
        text_printf(out, "%s ", number[i].name);
        text_double(out, number[i].value);
        text_char(out, '\n');
    }
    const struct { const char *name, *value; } word[] = {{"policy", o->policy}, {"claim", o->claim}, {"page", o->html},
                                                  {"rival", o->rival}, {"at", o->at}, {"actor", o->actor}};
    for (size_t i = 0; i < DUR_COUNT(word); i++)
        if (word[i].value) put_line(out, word[i].name, word[i].value);
    study_grids(out, s);
    if (o->keep > 0) text_printf(out, "keep %" PRId64 "\n", o->keep);
    for (int i = 0; i < o->n_keep_run; i++) text_printf(out, "keep-run %" PRId64 "\n", o->keep_run[i]);
    for (int i = 0; i < o->n_query; i++) put_line(out, "query", o->query[i]);
    if (more) text_append(out, more);
}

// ---- the machine --------------------------------------------------------------------------------------------------

enum { FACTS = 8 };

typedef struct Facts {
    int32_t n;
    const char *fact[FACTS][2];
    struct utsname system;
    char cores[32], threads[32], memory[32];
} Facts;

static void add_fact(Facts *f, const char *name, const char *value) {
    f->fact[f->n][0] = name;
    f->fact[f->n++][1] = value;
}

// what makes the time it took comparable; nothing that says whose machine it is
static void facts_make(Facts *f, const DurScenario *s) {
    *f = (Facts){0};
    if (uname(&f->system) == 0) {
        add_fact(f, "system", f->system.sysname);
        add_fact(f, "release", f->system.release);
        add_fact(f, "machine", f->system.machine);
    }
    snprintf(f->cores, sizeof f->cores, "%d", team_core_count());
    snprintf(f->threads, sizeof f->threads, "%d", team_size(s->team));
    add_fact(f, "cores", f->cores);
    add_fact(f, "threads", f->threads);
    add_fact(f, "vectors", isa_name(isa_best()));
    int64_t n_byte = memory_available();
    if (n_byte > 0) {
        snprintf(f->memory, sizeof f->memory, "%" PRId64, n_byte);
        add_fact(f, "bytes free", f->memory);
    }
}

// ---- parts --------------------------------------------------------------------------------------------------------

static int64_t load_part(void *context, const char *name, int64_t first, Text *data) {
    Keeper *k = context;
    int64_t n_run = 0;
    // a part that cannot be read is played again
    return store_get_part(k->store, k->id, name, first, &n_run, data, NULL) == DUR_OK ? n_run : 0;
}

// a store that has refused once is left alone: every try waits
static void save_part(void *context, const char *name, int64_t first, int64_t n_run, const char *data, size_t n_byte) {
    Keeper *k = context;
    if (k->trouble.text[0]) return;
    if (store_put_part(k->store, k->id, name, first, n_run, data, n_byte, &k->trouble) == DUR_OK) k->n_saved++;
}

const SimKeep *keep_runs(const DurScenario *s) { return s->keeper ? &s->keeper->sim : NULL; }

void keep_save(const DurScenario *s, const char *name, const void *data, size_t n_byte) {
    if (s->keeper) save_part(s->keeper, name, 0, 1, data, n_byte);
}

bool keep_load(const DurScenario *s, const char *name, void *data, size_t n_byte) {
    if (!s->keeper) return false;
    Text bytes = {0};
    bool fine = load_part(s->keeper, name, 0, &bytes) == 1 && bytes.length == n_byte;
    if (fine) memcpy(data, text_view(&bytes), n_byte);
    text_free(&bytes);
    return fine;
}

void keep_failure(const DurScenario *s, const char *place, const char *reason) {
    Keeper *k = s->keeper;
    if (k && !k->trouble.text[0]) store_put_failure(k->store, k->id, place, 0, reason, &k->trouble);
}

void keep_failed(const DurScenario *s, const char *place, const SimPaths *paths) {
    Keeper *k = s->keeper;
    for (int32_t i = 0; k && i < paths->n_failed && !k->trouble.text[0]; i++)
        store_put_failure(k->store, k->id, place, paths->failed[i].run, paths->failed[i].error.text, &k->trouble);
}

// ---- beginning ----------------------------------------------------------------------------------------------------

const char *keep_date(int64_t seconds, char buffer[32]) {
    time_t t = (time_t)seconds;
    struct tm when;
    if (!gmtime_r(&t, &when) || !strftime(buffer, 32, "%Y-%m-%d %H:%M UTC", &when)) buffer[0] = '\0';
    return buffer;
}

static DurStatus open_store(Keeper *k, const DurOptions *o, DurError *error) {
    if (o->store_may_fail) TRY(store_make_folder(o->store, error));
    return store_open(&k->store, o->store, STORE_WRITE, error);
}

// the answer that is there
static void take_answer(Keeper *k, const StoreRun *run, DurResult *result, DurError *error) {
    char date[32];
    k->is_answered = true;
    k->id = run->id;
    k->answer = status_from_name(run->status);
    text_append(&result->text, run->text);
    text_append(&result->json, run->json);
    text_append(&result->faults, run->faults);
    text_printf(&result->notes, "duress: answered from the store: run %lld of %s; --fresh computes it anew\n",
                (long long)run->id, keep_date(run->begun, date));
    if (k->answer != DUR_OK) status_fail(error, k->answer, "%s", run->reason);
}

// begin, or go on with what an earlier process began; with --fresh that is dropped
static DurStatus begin_run(Keeper *k, const StoreRun *run, const StoreFile *file, int32_t n_file, const Facts *facts,
                           bool is_fresh, DurError *error) {
    const char *const (*fact)[2] = (const char *const (*)[2])facts->fact;
    TRY(store_begin(k->store, run, file, n_file, fact, facts->n, &k->id, &k->is_older, error));
    if (!is_fresh || !k->is_older) return DUR_OK;
    TRY(store_remove(k->store, &k->id, 1, error));
    return store_begin(k->store, run, file, n_file, fact, facts->n, &k->id, &k->is_older, error);
}

// the answer to a question, if it is kept (k->is_answered) and may be told
static DurStatus look_up(Keeper *k, const char *key, DurResult *result, DurError *error) {
    if (k->options->fresh) return DUR_OK;
    StoreRun found;
    TRY(store_find(k->store, key, &found, error));
    if (found.id) take_answer(k, &found, result, error);
    store_run_free(&found);
    return DUR_OK;
}

// a store that takes nothing new may still have the answer; if not, what it said when it was to be written stays to be told
static DurStatus look_up_frozen(Keeper *k, const char *key, DurResult *result, DurStatus refused, DurError *error) {
    DurError answer = {0};
    if (k->options->fresh || store_open(&k->store, k->options->store, STORE_READ, NULL) != DUR_OK) return refused;
    if (look_up(k, key, result, &answer) != DUR_OK || !k->is_answered) return refused;
    *error = answer;
    return DUR_OK;
}

static DurStatus ask_store(Keeper *k, DurScenario *s, const DurOptions *o, const char *command, const char *question,
                           DurResult *result, DurError *error) {
    const Compilation *c = &s->compilation;
    Sha256 sha;
    char key[65], seed[32];
    sha256_start(&sha);
    sha256_add(&sha, question, strlen(question));
    sha256_hex(&sha, key);
    DurStatus opened = open_store(k, o, error);
    if (opened == DUR_IO) return look_up_frozen(k, key, result, opened, error);
    TRY(opened);
    TRY(look_up(k, key, result, error));
    if (k->is_answered) return DUR_OK;
    snprintf(seed, sizeof seed, "%" PRIu64, o->seed);
    // the columns of a run are filled from what outlives this call
    StoreRun run = {.begun = (int64_t)time(NULL), .key = key, .command = (char *)command, .line = (char *)o->command,
                    .title = (char *)s->model->title, .path = (char *)s->model->path, .hash = (char *)s->model->hash,
                    .seed = seed, .version = (char *)DURESS_VERSION, .question = (char *)question};
    Facts facts;
    facts_make(&facts, s);
    int32_t n_file = keep_file_count(s);
    StoreFile *file = memory_zeroed((size_t)n_file, sizeof *file);
    if (!file) return status_fail(error, DUR_MEMORY, "out of memory");
    for (int32_t i = 0; i < n_file; i++)
        file[i] = (StoreFile){.path = (char *)c->file[i].path, .data = (char *)c->file[i].data, .length = c->file[i].length};
    DurStatus status = begin_run(k, &run, file, n_file, &facts, o->fresh, error);
    memory_free(file);
    return status;
}

DurStatus keep_begin(Keeper *k, DurScenario *s, const DurOptions *o, const char *command, const char *more, DurResult *result,
                     DurError *error) {
    *k = (Keeper){.scenario = s, .options = o, .begun = progress_seconds(),
                  .sim = {.context = k, .load = load_part, .save = save_part}};
    // what a shard's runs counted is in a file of its own
    if (!o->store || o->n_shard) return DUR_OK;
    DurError why = {0};
    Text question = {0};
    put_question(&question, s, o, command, more);
    DurStatus status = question.failed ? status_fail(&why, DUR_MEMORY, "out of memory")
                                       : ask_store(k, s, o, command, text_view(&question), result, &why);
    text_free(&question);
    if (status == DUR_OK) {
        if (k->is_answered && k->answer != DUR_OK) status_pass(error, k->answer, &why);
        if (!k->is_answered) s->keeper = k;
        if (k->is_older)
            text_printf(&result->notes, "duress: went on with run %lld, which was begun before and not finished\n",
                        (long long)k->id);
        return DUR_OK;
    }
    store_close(k->store);
    k->store = NULL;
    // what was to be kept was all that was asked: told before the work
    if (!o->store_may_fail || paths_asked(o)) return status_pass(error, status, &why);
    text_printf(&result->notes, "duress: this run is not kept: %s\n", why.text);
    return DUR_OK;
}

DurStatus keep_answer(Keeper *k, DurStatus written) {
    store_close(k->store);
    k->store = NULL;
    return written != DUR_OK ? written : k->answer;
}

// ---- the end ------------------------------------------------------------------------------------------------------

// whether an outcome belongs to the question, so that asking again would bring the same
// (a claim that cannot be judged as asked leaves the others judged)
static bool is_answer(DurStatus status, const DurResult *result) {
    return status == DUR_OK || status == DUR_UNMET ||
           ((status == DUR_INPUT || status == DUR_UNSUPPORTED) && result->json.length > 0);
}
static bool is_failure(DurStatus status) { return status == DUR_DOMAIN || status == DUR_LIMIT || status == DUR_SHAPE; }

static void finish(Keeper *k, DurStatus status, DurResult *result, const Frame *const *frame, int32_t n_frame,
                   const Text *page, const DurError *error) {
    StoreRun run = {.id = k->id, .state = is_answer(status, result) ? STORE_DONE : STORE_FAILED,
                    .seconds = progress_seconds() - k->begun, .status = (char *)status_name(status),
                    .reason = (char *)error->text, .text = (char *)text_view(&result->text),
                    .json = (char *)text_view(&result->json), .faults = (char *)text_view(&result->faults)};
    DurError why = {0};
    if (store_finish(k->store, &run, frame, n_frame, page ? text_view(page) : NULL, page ? page->length : 0, &why) != DUR_OK)
        status_fail(&k->trouble, DUR_IO, "%s", why.text);
}

// an end that nobody should have to begin again from
static void stay(Keeper *k, DurStatus status, DurError *error) {
    bool is_worth = k->is_older || k->n_saved > 0;
    // a run of which nothing was done is no run
    if (!is_worth) {
        store_remove(k->store, &k->id, 1, NULL);
        return;
    }
    if (status != DUR_INTERRUPTED || k->trouble.text[0]) return;
    size_t n = strlen(error->text);
    snprintf(error->text + n, sizeof error->text - n,
             "; what is done is kept as run %lld, and the same command goes on from there", (long long)k->id);
}

DurStatus keep_end(Keeper *k, DurStatus status, DurResult *result, const Frame *const *frame, int32_t n_frame,
                   const Text *page, DurError *error) {
    k->scenario->keeper = NULL;
    if (!k->store) return status;
    if (k->game_trouble.text[0])
        text_printf(&result->notes, "duress: a solved game is not kept for further questions: %s\n", k->game_trouble.text);
    if (k->n_known > 0)
        text_printf(&result->notes, "duress: %d %s solved before and taken from the store; --fresh solves anew\n", k->n_known,
                    k->n_known == 1 ? "game was" : "games were");
    if (is_answer(status, result) || is_failure(status)) finish(k, status, result, frame, n_frame, page, error);
    else stay(k, status, error);
    store_close(k->store);
    k->store = NULL;
    if (!k->trouble.text[0]) return status;
    // the answer is there all the same
    if ((k->options->store_may_fail && !paths_asked(k->options)) || status != DUR_OK) {
        text_printf(&result->notes, "duress: this run is not kept: %s\n", k->trouble.text);
        return status;
    }
    return status_pass(error, DUR_IO, &k->trouble);
}

DurStatus keep_work(DurScenario *s, const DurOptions *options, const char *command, const char *more, KeepWork *work,
                    DurResult *result, DurError *error) {
    Keeper keeper;
    PageFrames frames = {0};
    TRY(keep_begin(&keeper, s, options, command, more, result, error));
    if (keeper.is_answered) return keep_answer(&keeper, DUR_OK);
    DurStatus status = work(s, options, result, &frames, error);
    status = keep_end(&keeper, status, result, (const Frame *const *)frames.all, frames.n, NULL, error);
    page_frames_free(&frames);
    return status;
}
