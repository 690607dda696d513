/// What is in a store: the list of runs, one run whole, and forgetting.
#define _POSIX_C_SOURCE 200809L
#include "study/store_command.h"

#include "base/memory.h"
#include "study/keep.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

bool dur_store_place(char path[4096]) {
    const char *said = getenv("DURESS_STORE");
    Text place = {0};
    bool fine = said ? said[0] != '\0' : store_default_path(&place);
    if (said) text_append(&place, said);
    fine = fine && !place.failed && place.length < 4096;
    snprintf(path, 4096, "%s", fine ? text_view(&place) : "");
    text_free(&place);
    return fine;
}

const char *question_next(const char *question, const char **name, size_t *n_name, const char **value, size_t *n_value) {
    if (!*question) return NULL;
    size_t length = strcspn(question, "\n"), space = strcspn(question, " \n");
    *name = question;
    *n_name = space;
    *value = question + space + (space < length);
    *n_value = length - space - (space < length);
    return question + length + (question[length] == '\n');
}

// ---- the list -----------------------------------------------------------------------------------------------------

static void render_begun(Json *j, const char *key, double seconds) {
    char date[32];
    json_pair_string(j, key, keep_date((int64_t)seconds, date));
}

static void render_runs(Json *j, const Frame *runs) {
    static const char *const text[] = {"state", "command", "line", "title", "path", "hash", "seed", "version", "status",
                                       "reason"};
    json_array(j);
    for (int64_t r = 0; r < runs->n_row; r++) {
        json_object(j);
        json_pair_int(j, "run", (int64_t)frame_number(runs, "id", r));
        render_begun(j, "begun", frame_number(runs, "begun", r));
        json_pair_number(j, "seconds", frame_number(runs, "seconds", r));
        for (size_t i = 0; i < DUR_COUNT(text); i++) json_pair_string(j, text[i], frame_text(runs, text[i], r));
        json_pair_number(j, "parts", frame_number(runs, "runs", r));
        json_end_object(j);
    }
    json_end_array(j);
}

static void put_runs(Text *out, const Frame *runs, const char *path) {
    if (runs->n_row == 0) {
        text_printf(out, "%s keeps no run.\n", path);
        return;
    }
    Grid grid = {.align = "rllrl"};
    const char *const head[] = {"run", "begun", "state", "took", "what"};
    for (size_t i = 0; i < DUR_COUNT(head); i++) grid_cell(&grid, "%s", head[i]);
    for (int64_t r = 0; r < runs->n_row; r++) {
        char date[32];
        Text took = {0};
        grid_cell(&grid, "%.0f", frame_number(runs, "id", r));
        grid_cell(&grid, "%s", keep_date((int64_t)frame_number(runs, "begun", r), date));
        grid_cell(&grid, "%s", frame_text(runs, "state", r));
        if (strcmp(frame_text(runs, "state", r), "part") == 0) text_char(&took, '-');
        else put_seconds(&took, frame_number(runs, "seconds", r));
        grid_cell(&grid, "%s", text_view(&took));
        text_free(&took);
        const char *line = frame_text(runs, "line", r);
        if (line[0]) grid_cell(&grid, "%.300s", line);
        else grid_cell(&grid, "%s %.300s", frame_text(runs, "command", r), frame_text(runs, "path", r));
    }
    grid_print(&grid, out, 2);
}

static void put_games(Text *out, int64_t n, int64_t n_byte) {
    if (n == 0) return;
    text_printf(out, "\n  %lld solved %s for further questions, ", (long long)n, n == 1 ? "game is kept" : "games are kept");
    put_bytes(out, (double)n_byte);
    text_append(out, "; `duress rm --games` forgets them\n");
}

static DurStatus list(const char *path, DurResult *result, DurError *error) {
    Store *store;
    Frame *runs = NULL;
    int64_t n_game = 0, n_byte = 0;
    TRY(store_open(&store, path, STORE_READ, error));
    DurStatus status = store_list(store, &runs, error);
    if (status == DUR_OK) status = store_count_games(store, &n_game, &n_byte, error);
    if (status == DUR_OK) {
        put_runs(&result->text, runs, path);
        put_games(&result->text, n_game, n_byte);
        Json j = json_make(&result->json);
        render_runs(&j, runs);
    }
    frame_free(runs);
    store_close(store);
    return status;
}

DurStatus dur_runs(const char *path, DurResult **out, char error[1024]) {
    DurError why = {0};
    DurResult *result = result_make();
    DurStatus status = result ? list(path, result, &why) : status_fail(&why, DUR_MEMORY, "out of memory");
    return result_finish(&result, out, status, &why, error);
}

// ---- one run ------------------------------------------------------------------------------------------------------

void kept_free(KeptRun *kept) {
    store_run_free(&kept->run);
    store_files_free(kept->file, kept->n_file);
    store_frames_free(kept->frame, kept->n_frame);
    frame_free(kept->host);
    frame_free(kept->failures);
    *kept = (KeptRun){0};
}

DurStatus kept_read(KeptRun *out, Store *store, int64_t id, DurError *error) {
    *out = (KeptRun){0};
    DurStatus status = store_get(store, id, &out->run, error);
    if (status == DUR_OK) status = store_files(store, id, &out->file, &out->n_file, error);
    if (status == DUR_OK) status = store_frames(store, id, &out->frame, &out->n_frame, error);
    if (status == DUR_OK) status = store_facts(store, id, &out->host, error);
    if (status == DUR_OK) status = store_failures(store, id, &out->failures, error);
    if (status != DUR_OK) kept_free(out);
    return status;
}

const Frame *kept_frame(const KeptRun *kept, const char *name) {
    for (int32_t i = 0; i < kept->n_frame; i++)
        if (strcmp(kept->frame[i]->name, name) == 0) return kept->frame[i];
    return NULL;
}

static void render_set(Json *j, const char *question) {
    json_key(j, "set");
    json_object(j);
    const char *name, *value;
    size_t n_name, n_value;
    for (const char *q = question; (q = question_next(q, &name, &n_name, &value, &n_value));) {
        if (n_name != 3 || strncmp(name, "set", 3) != 0) continue;
        size_t n = strcspn(value, "=");
        char param[256];
        snprintf(param, sizeof param, "%.*s", (int)n, value);
        json_pair_number(j, param, strtod(value + n + 1, NULL));
    }
    json_end_object(j);
}

void kept_render(Json *j, const KeptRun *kept) {
    const StoreRun *run = &kept->run;
    json_object(j);
    json_pair_int(j, "run", run->id);
    json_pair_string(j, "state", store_state_name(run->state));
    json_pair_string(j, "status", run->status);
    json_pair_string(j, "reason", run->reason);
    render_begun(j, "begun", (double)run->begun);
    json_pair_number(j, "seconds", run->seconds);
    json_pair_string(j, "command", run->command);
    json_pair_string(j, "line", run->line);
    json_pair_string(j, "scenario", run->title);
    json_pair_string(j, "file", run->path);
    json_pair_string(j, "hash", run->hash);
    json_pair_string(j, "seed", run->seed);
    json_pair_string(j, "version", run->version);
    render_set(j, run->question);
    json_pair_string(j, "question", run->question);
    json_key(j, "host");
    json_object(j);
    for (int64_t r = 0; r < kept->host->n_row; r++)
        json_pair_string(j, frame_text(kept->host, "name", r), frame_text(kept->host, "value", r));
    json_end_object(j);
    json_key(j, "files");
    json_array(j);
    for (int32_t i = 0; i < kept->n_file; i++) {
        json_object(j);
        json_pair_string(j, "path", kept->file[i].path);
        json_pair_string(j, "text", kept->file[i].data);
        json_end_object(j);
    }
    json_end_array(j);
    json_key(j, "failures");
    json_array(j);
    for (int64_t r = 0; r < kept->failures->n_row; r++) {
        json_object(j);
        json_pair_string(j, "place", frame_text(kept->failures, "place", r));
        json_pair_int(j, "run", (int64_t)frame_number(kept->failures, "run", r));
        json_pair_string(j, "reason", frame_text(kept->failures, "reason", r));
        json_end_object(j);
    }
    json_end_array(j);
    json_key(j, "frames");
    json_array(j);
    for (int32_t i = 0; i < kept->n_frame; i++) json_frame(j, kept->frame[i]);
    json_end_array(j);
    json_key(j, "answer");
    json_raw(j, run->json);
    json_end_object(j);
}

// lines of a question that other rows tell better
static bool is_told_elsewhere(const char *name, size_t n) {
    static const char *const told[] = {"duress", "command", "file", "scenario", "words"};
    bool found = false;
    for (size_t i = 0; i < DUR_COUNT(told); i++) found = found || (strlen(told[i]) == n && strncmp(name, told[i], n) == 0);
    return found;
}

static void put_run(Text *out, const KeptRun *kept) {
    const StoreRun *run = &kept->run;
    char date[32];
    text_printf(out, "run %lld: %s\n\n", (long long)run->id, run->title);
    Grid grid = {.align = "ll"};
    if (run->line[0]) grid_cell(&grid, "asked"), grid_cell(&grid, "%.400s", run->line);
    Text when = {0};
    text_append(&when, keep_date(run->begun, date));
    if (run->state != STORE_PART) {
        text_append(&when, ", took ");
        put_seconds(&when, run->seconds);
    }
    grid_cell(&grid, "begun"), grid_cell(&grid, "%s", text_view(&when));
    text_free(&when);
    grid_cell(&grid, "state");
    if (run->state == STORE_PART) grid_cell(&grid, "part: the same command goes on from here");
    else if (run->reason[0]) grid_cell(&grid, "%s: %.400s", store_state_name(run->state), run->reason);
    else grid_cell(&grid, "%s", store_state_name(run->state));
    for (int32_t i = 0; i < kept->n_file; i++) {
        grid_cell(&grid, "%s", i ? "" : "files");
        grid_cell(&grid, "%.300s, %zu bytes", kept->file[i].path, kept->file[i].length);
    }
    grid_cell(&grid, "hash"), grid_cell(&grid, "%s", run->hash);
    const char *name, *value;
    size_t n_name, n_value;
    for (const char *q = run->question; (q = question_next(q, &name, &n_name, &value, &n_value));) {
        if (is_told_elsewhere(name, n_name)) continue;
        grid_cell(&grid, "%.*s", (int)n_name, name);
        grid_cell(&grid, "%.*s", n_value < 300 ? (int)n_value : 300, value);
    }
    Text host = {0};
    for (int64_t r = 0; r < kept->host->n_row; r++)
        text_printf(&host, "%s%s %s", r ? ", " : "", frame_text(kept->host, "name", r), frame_text(kept->host, "value", r));
    grid_cell(&grid, "program"), grid_cell(&grid, "duress %s", run->version);
    grid_cell(&grid, "machine"), grid_cell(&grid, "%.400s", text_view(&host));
    text_free(&host);
    for (int64_t r = 0; r < kept->failures->n_row; r++) {
        grid_cell(&grid, "%s", r ? "" : "failed");
        grid_cell(&grid, "%.100s: %.380s", frame_text(kept->failures, "place", r), frame_text(kept->failures, "reason", r));
    }
    Text tables = {0};
    for (int32_t i = 0; i < kept->n_frame; i++)
        if (kept->frame[i]->n_row)
            text_printf(&tables, "%s%s %lld x %d", tables.length ? ", " : "", kept->frame[i]->name,
                        (long long)kept->frame[i]->n_row, kept->frame[i]->n_column);
    grid_print(&grid, out, 2);
    if (tables.length) {
        text_append(out, "  tables   ");
        put_wrapped(out, text_view(&tables), 11, 11);
        text_char(out, '\n');
    }
    text_free(&tables);
    if (run->text[0]) text_printf(out, "\n%s", run->text);
}

static DurStatus show(const char *path, int64_t id, DurResult *result, DurError *error) {
    Store *store;
    KeptRun kept;
    TRY(store_open(&store, path, STORE_READ, error));
    DurStatus status = kept_read(&kept, store, id, error);
    if (status == DUR_OK) {
        put_run(&result->text, &kept);
        Json j = json_make(&result->json);
        kept_render(&j, &kept);
        kept_free(&kept);
    }
    store_close(store);
    return status;
}

DurStatus dur_show(const char *path, int64_t id, DurResult **out, char error[1024]) {
    DurError why = {0};
    DurResult *result = result_make();
    DurStatus status = result ? show(path, id, result, &why) : status_fail(&why, DUR_MEMORY, "out of memory");
    return result_finish(&result, out, status, &why, error);
}

// ---- forgetting ---------------------------------------------------------------------------------------------------

static DurStatus forget(const char *path, const int64_t *id, int n, bool games, DurResult *result, DurError *error) {
    Store *store;
    int64_t n_game = 0, n_byte = 0;
    // where there is no store none is made
    TRY(store_open(&store, path, STORE_READ, error));
    store_close(store);
    TRY(store_open(&store, path, STORE_WRITE, error));
    DurStatus status = n > 0 ? store_remove(store, id, n, error) : DUR_OK;
    if (status == DUR_OK && games) status = store_count_games(store, &n_game, &n_byte, error);
    if (status == DUR_OK && games) status = store_drop_games(store, error);
    store_close(store);
    if (status != DUR_OK) return status;
    if (n > 0) text_printf(&result->text, "%d %s removed\n", n, n == 1 ? "run" : "runs");
    if (games) {
        text_printf(&result->text, "%lld solved %s forgotten, ", (long long)n_game, n_game == 1 ? "game" : "games");
        put_bytes(&result->text, (double)n_byte);
        text_char(&result->text, '\n');
    }
    Json j = json_make(&result->json);
    json_object(&j);
    json_key(&j, "removed");
    json_array(&j);
    for (int i = 0; i < n; i++) json_int(&j, id[i]);
    json_end_array(&j);
    if (games) json_pair_int(&j, "games", n_game);
    json_end_object(&j);
    return DUR_OK;
}

DurStatus dur_remove(const char *path, const int64_t *id, int n, bool games, DurResult **out, char error[1024]) {
    DurError why = {0};
    DurResult *result = result_make();
    // a run that is named twice is one run
    int64_t *once = memory_alloc(((size_t)n + 1) * sizeof *once);
    int n_once = 0;
    for (int i = 0; once && i < n; i++) {
        int k = 0;
        while (k < n_once && once[k] != id[i]) k++;
        if (k == n_once) once[n_once++] = id[i];
    }
    DurStatus status = result && once ? forget(path, once, n_once, games, result, &why)
                                      : status_fail(&why, DUR_MEMORY, "out of memory");
    memory_free(once);
    return result_finish(&result, out, status, &why, error);
}
