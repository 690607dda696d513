/// What changed between two kept runs: in the scenario, in the question, in the answers, and through what. All from the tables
/// and texts in the store; only the split of advantages is made anew where a run doesn't hold it, by solving its game again.
#include "study/store_command.h"

#include "base/memory.h"
#include "study/keep.h"
#include "study/page.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// ---- lines that differ --------------------------------------------------------------------------------------------

/// Where a change belongs. Levers are what somebody decides: moves, and policies that restrict them. All else that a scenario
/// says is assumed, but for what it asks.
typedef enum Group { GROUP_ASSUMPTION, GROUP_LEVER, GROUP_QUESTION, GROUP_COUNT } Group;

static const char *const GROUP_KEY[GROUP_COUNT] = {"assumptions", "levers", "question"};

/// One line of a scenario or of a question: "KIND\tNAME\tLINE".
typedef struct Line {
    const char *text;          // borrowed; the whole
    size_t  n, n_kind, n_name;
    Group   group;
    bool    is_after;          // of the second run
} Line;

typedef struct Lines {
    Line   *item;
    int32_t n;
    bool    failed;
} Lines;

static Group group_of(const char *kind, size_t n) {
    static const char *const lever[] = {"move", "policy", "--policy"}, *const asked[] = {"claim", "query", "asked"};
    for (size_t i = 0; i < DUR_COUNT(lever); i++)
        if (strlen(lever[i]) == n && strncmp(kind, lever[i], n) == 0) return GROUP_LEVER;
    for (size_t i = 0; i < DUR_COUNT(asked); i++)
        if (strlen(asked[i]) == n && strncmp(kind, asked[i], n) == 0) return GROUP_QUESTION;
    return GROUP_ASSUMPTION;
}

static void add_lines(Lines *lines, const char *text, bool is_after) {
    while (*text) {
        size_t n = strcspn(text, "\n");
        if (lines->n % 64 == 0) {
            Line *more = memory_resize(lines->item, ((size_t)lines->n + 64) * sizeof *more);
            if (!more) {
                lines->failed = true;
                return;
            }
            lines->item = more;
        }
        size_t n_kind = strcspn(text, "\t\n"), n_name = n_kind < n ? strcspn(text + n_kind + 1, "\t\n") : 0;
        lines->item[lines->n++] = (Line){.text = text, .n = n, .n_kind = n_kind, .n_name = n_name,
                                         .group = group_of(text, n_kind), .is_after = is_after};
        text += n + (text[n] == '\n');
    }
}

// what was asked, in the same form: a parameter that was set is an assumption, a policy that was played a lever
static void question_lines(Text *out, const char *question) {
    const char *name, *value;
    size_t n_name, n_value;
    for (const char *q = question; (q = question_next(q, &name, &n_name, &value, &n_value));) {
        bool is_text = (n_name == 5 && strncmp(name, "words", 5) == 0) || (n_name == 8 && strncmp(name, "scenario", 8) == 0) ||
                       (n_name == 4 && (strncmp(name, "file", 4) == 0 || strncmp(name, "page", 4) == 0));
        if (is_text) continue;
        if (n_name == 3 && strncmp(name, "set", 3) == 0) {
            size_t n = strcspn(value, "=");
            text_printf(out, "--set\t%.*s\t%.*s\n", (int)n, value, (int)n_value, value);
        } else {
            bool is_policy = n_name == 6 && strncmp(name, "policy", 6) == 0;
            text_printf(out, "%s\t%.*s\t%.*s\n", is_policy ? "--policy" : "asked", (int)n_name, name, (int)n_value, value);
        }
    }
}

// by group, kind, name, then as they stand: those of one declaration together, those of one run in their order
static int by_place(const void *a, const void *b) {
    const Line *x = a, *y = b;
    if (x->group != y->group) return x->group < y->group ? -1 : 1;
    size_t n = x->n_kind + 1 + x->n_name, m = y->n_kind + 1 + y->n_name;
    int order = strncmp(x->text, y->text, n < m ? n : m);
    if (order || n != m) return order ? order : n < m ? -1 : 1;
    if (x->is_after != y->is_after) return x->is_after ? 1 : -1;
    return x->text < y->text ? -1 : x->text > y->text;
}

static bool same_line(const Line *a, const Line *b) { return a->n == b->n && memcmp(a->text, b->text, a->n) == 0; }

// lines that both have are taken out, each against one
static void drop_shared(Lines *lines) {
    bool *is_shared = memory_zeroed((size_t)lines->n + 1, sizeof *is_shared);
    if (!is_shared) {
        lines->failed = true;
        return;
    }
    for (int32_t first = 0, end; first < lines->n; first = end) {
        // those of one declaration
        size_t n = lines->item[first].n_kind + 1 + lines->item[first].n_name;
        end = first + 1;
        while (end < lines->n && lines->item[end].n_kind + 1 + lines->item[end].n_name == n &&
               strncmp(lines->item[end].text, lines->item[first].text, n) == 0) end++;
        for (int32_t i = first; i < end; i++)
            for (int32_t k = i + 1; k < end && !is_shared[i]; k++)
                if (!is_shared[k] && lines->item[k].is_after && !lines->item[i].is_after &&
                    same_line(&lines->item[i], &lines->item[k]))
                    is_shared[i] = is_shared[k] = true;
    }
    int32_t n = 0;
    for (int32_t i = 0; i < lines->n; i++)
        if (!is_shared[i]) lines->item[n++] = lines->item[i];
    lines->n = n;
    memory_free(is_shared);
}

// texts that the lines point into
typedef struct Texts { Text before, after; } Texts;

static DurStatus lines_of(const KeptRun *kept, Text *out, DurError *error) {
    SourceText *file = memory_zeroed((size_t)kept->n_file, sizeof *file);
    if (!file) return status_fail(error, DUR_MEMORY, "out of memory");
    for (int32_t i = 0; i < kept->n_file; i++)
        file[i] = (SourceText){.path = kept->file[i].path, .data = kept->file[i].data, .length = kept->file[i].length};
    DurStatus status = lang_lines(out, file, kept->n_file, error);
    memory_free(file);
    if (status == DUR_OK) question_lines(out, kept->run.question);
    return status;
}

static DurStatus compare_scenarios(Lines *lines, Texts *texts, const KeptRun *before, const KeptRun *after, DurError *error) {
    TRY(lines_of(before, &texts->before, error));
    TRY(lines_of(after, &texts->after, error));
    add_lines(lines, text_view(&texts->before), false);
    add_lines(lines, text_view(&texts->after), true);
    if (!lines->failed && lines->n) qsort(lines->item, (size_t)lines->n, sizeof *lines->item, by_place);
    if (!lines->failed) drop_shared(lines);
    bool failed = lines->failed || texts->before.failed || texts->after.failed;
    return failed ? status_fail(error, DUR_MEMORY, "out of memory") : DUR_OK;
}

static const char *line_itself(const Line *line, size_t *n) {
    size_t at = line->n_kind + 1 + line->n_name + 1;
    *n = line->n > at ? line->n - at : 0;
    return line->text + (line->n > at ? at : line->n);
}

static bool same_declaration(const Line *a, const Line *b) {
    size_t n = a->n_kind + 1 + a->n_name;
    return a->group == b->group && n == b->n_kind + 1 + b->n_name && strncmp(a->text, b->text, n) == 0;
}

static void render_lines(Json *j, const Lines *lines) {
    for (int group = 0; group < GROUP_COUNT; group++) {
        json_key(j, GROUP_KEY[group]);
        json_array(j);
        for (int32_t i = 0; i < lines->n; i++) {
            const Line *line = &lines->item[i];
            if (line->group != (Group)group || (i && same_declaration(line, line - 1))) continue;
            char word[512];
            json_object(j);
            snprintf(word, sizeof word, "%.*s", (int)line->n_kind, line->text);
            json_pair_string(j, "kind", word);
            snprintf(word, sizeof word, "%.*s", (int)line->n_name, line->text + line->n_kind + 1);
            json_pair_string(j, "name", word);
            for (int is_after = 0; is_after < 2; is_after++) {
                json_key(j, is_after ? "after" : "before");
                json_array(j);
                for (int32_t k = i; k < lines->n && same_declaration(line, &lines->item[k]); k++) {
                    if (lines->item[k].is_after != is_after) continue;
                    Text one = {0};
                    size_t n;
                    const char *itself = line_itself(&lines->item[k], &n);
                    text_append_n(&one, itself, n);
                    json_string(j, text_view(&one));
                    text_free(&one);
                }
                json_end_array(j);
            }
            json_end_object(j);
        }
        json_end_array(j);
    }
}

static void put_lines(Text *out, const Lines *lines) {
    static const char *const title[GROUP_COUNT] = {"assumptions", "levers", "what was asked"};
    for (int group = 0; group < GROUP_COUNT; group++) {
        int32_t n_line = 0;
        for (int32_t i = 0; i < lines->n; i++) n_line += lines->item[i].group == (Group)group;
        text_printf(out, "\n  %s%s\n", title[group], n_line ? "" : ": the same");
        for (int32_t i = 0; i < lines->n; i++) {
            const Line *line = &lines->item[i];
            if (line->group != (Group)group) continue;
            if (i == 0 || !same_declaration(line, line - 1))
                text_printf(out, "    %.*s %.*s\n", (int)line->n_kind, line->text, (int)line->n_name,
                            line->text + line->n_kind + 1);
            size_t n;
            const char *itself = line_itself(line, &n);
            text_printf(out, "      %c %.*s\n", line->is_after ? '+' : '-', (int)n, itself);
        }
    }
}

// ---- rows of two tables that belong together ----------------------------------------------------------------------

// the row of a table that agrees with row r of another in some columns; -1 if there is none
static int64_t find_row(const Frame *in, const Frame *like, int64_t r, const char *const *key, int n_key) {
    for (int64_t i = 0; in && i < in->n_row; i++) {
        bool same = true;
        for (int k = 0; k < n_key && same; k++) same = strcmp(frame_text(in, key[k], i), frame_text(like, key[k], r)) == 0;
        if (same) return i;
    }
    return -1;
}

/// A number that differs, under a name of up to two words.
typedef struct Change {
    const char *group, *name;  // borrowed from the frames
    double before, after;      // NaN: it is not there
} Change;

typedef struct Changes {
    Change *item;
    int32_t n;
    bool    failed;
} Changes;

static void add_change(Changes *c, const char *group, const char *name, double before, double after) {
    bool same = before == after || (isnan(before) && isnan(after));
    if (same) return;
    Change *more = memory_resize(c->item, ((size_t)c->n + 1) * sizeof *more);
    if (!more) {
        c->failed = true;
        return;
    }
    c->item = more;
    c->item[c->n++] = (Change){group, name, before, after};
}

// the numbers of a column, rows told by two columns of words (the first may be missing: NULL)
static void compare_column(Changes *out, const Frame *before, const Frame *after, const char *group, const char *name,
                           const char *number) {
    const char *const key[2] = {name, group};
    int n_key = group ? 2 : 1;
    // a run that was not asked for such numbers has none to differ
    if (!before || !after || before->n_row == 0 || after->n_row == 0) return;
    for (int64_t r = 0; r < before->n_row; r++) {
        int64_t k = find_row(after, before, r, key, n_key);
        add_change(out, group ? frame_text(before, group, r) : "", frame_text(before, name, r), frame_number(before, number, r),
                   k < 0 ? NAN : frame_number(after, number, k));
    }
    for (int64_t r = 0; r < after->n_row; r++)
        if (find_row(before, after, r, key, n_key) < 0)
            add_change(out, group ? frame_text(after, group, r) : "", frame_text(after, name, r), NAN,
                       frame_number(after, number, r));
}

// whether the next row is of the same policy and variable
static bool continues(const Frame *series, int64_t r) {
    return r + 1 < series->n_row && strcmp(frame_text(series, "variable", r), frame_text(series, "variable", r + 1)) == 0 &&
           strcmp(frame_text(series, "policy", r), frame_text(series, "policy", r + 1)) == 0;
}

// means at the last time of each policy and variable
static void compare_ends(Changes *out, const Frame *before, const Frame *after) {
    static const char *const key[2] = {"policy", "variable"};
    for (int64_t r = 0; before && r < before->n_row; r++) {
        int64_t k = continues(before, r) ? -1 : find_row(after, before, r, key, 2);
        if (k < 0) continue;
        while (continues(after, k)) k++;
        add_change(out, frame_text(before, "policy", r), frame_text(before, "variable", r), frame_number(before, "mean", r),
                   frame_number(after, "mean", k));
    }
}

static void render_changes(Json *j, const char *key, const Changes *c, const char *group, const char *name) {
    json_key(j, key);
    json_array(j);
    for (int32_t i = 0; i < c->n; i++) {
        json_object(j);
        if (group) json_pair_string(j, group, c->item[i].group);
        json_pair_string(j, name, c->item[i].name);
        json_pair_number(j, "before", c->item[i].before);
        json_pair_number(j, "after", c->item[i].after);
        json_end_object(j);
    }
    json_end_array(j);
}

// "-0.41 -> -0.22"; "-" where it is not there
static void put_pair(Grid *g, double before, double after, int digits) {
    grid_number(g, before, digits);
    grid_cell(g, "->");
    grid_number(g, after, digits);
    grid_cell(g, "%s", isfinite(before) && isfinite(after) ? after > before ? "+" : "-" : "");
    grid_number(g, fabs(after - before), 3);
}

/// Rows shown of one kind; the rest is counted. JSON has all.
#define SHOWN 12

// the three digits of a size that are shown
static double shown_size(const Change *c) {
    double size = fabs(c->after - c->before);
    if (!(size > 0) || !isfinite(size)) return size;
    double unit = pow(10, floor(log10(size)) - 2);
    return round(size / unit) * unit;
}

// largest first; what looks alike by name, not by how the last digits were rounded (two choices whose chances add up to 1 change equally)
static int by_size(const void *a, const void *b) {
    const Change *x = a, *y = b;
    double p = shown_size(x), q = shown_size(y);
    if (isnan(p) != isnan(q)) return isnan(p) - isnan(q);
    if (!isnan(p) && p != q) return p < q ? 1 : -1;
    int group = strcmp(x->group, y->group);
    return group ? group : strcmp(x->name, y->name);
}

// largest first
static void put_changes(Text *out, const char *title, Changes *c) {
    if (c->n == 0) return;
    qsort(c->item, (size_t)c->n, sizeof *c->item, by_size);
    text_printf(out, "\n  %s\n", title);
    Grid grid = {.align = "llrlrlr"};
    for (int32_t i = 0; i < c->n && i < SHOWN; i++) {
        grid_cell(&grid, "%s", c->item[i].group);
        grid_cell(&grid, "%s", c->item[i].name);
        put_pair(&grid, c->item[i].before, c->item[i].after, 4);
    }
    grid_print(&grid, out, 4);
    if (c->n > SHOWN) text_printf(out, "    (and %d that changed less)\n", c->n - SHOWN);
}

// ---- claims -------------------------------------------------------------------------------------------------------

static const char *const CLAIM_NAME[] = {"name"};

// NaN or "" where a claim is not there
static double claim_number(const Frame *f, int64_t r, const char *column) { return r < 0 ? NAN : frame_number(f, column, r); }
static const char *claim_verdict(const Frame *f, int64_t r) { return r < 0 ? "" : frame_text(f, "verdict", r); }

typedef void ClaimPair(void *context, const char *name, const Frame *before, int64_t b, const Frame *after, int64_t a);

// every claim of either run
static void each_claim(const Frame *before, const Frame *after, ClaimPair *call, void *context) {
    for (int64_t r = 0; before && r < before->n_row; r++)
        call(context, frame_text(before, "name", r), before, r, after, find_row(after, before, r, CLAIM_NAME, 1));
    for (int64_t r = 0; after && r < after->n_row; r++)
        if (find_row(before, after, r, CLAIM_NAME, 1) < 0) call(context, frame_text(after, "name", r), before, -1, after, r);
}

static void render_claim(void *context, const char *name, const Frame *before, int64_t b, const Frame *after, int64_t a) {
    static const char *const number[] = {"left", "right", "gap"};
    Json *j = context;
    json_object(j);
    json_pair_string(j, "name", name);
    json_pair_bool(j, "turned", b >= 0 && a >= 0 && strcmp(claim_verdict(before, b), claim_verdict(after, a)) != 0);
    for (int is_after = 0; is_after < 2; is_after++) {
        const Frame *f = is_after ? after : before;
        int64_t r = is_after ? a : b;
        json_key(j, is_after ? "after" : "before");
        json_object(j);
        json_pair_string(j, "verdict", r < 0 ? NULL : claim_verdict(f, r));
        for (size_t i = 0; i < DUR_COUNT(number); i++) json_pair_number(j, number[i], claim_number(f, r, number[i]));
        json_end_object(j);
    }
    json_end_object(j);
}

static void put_claim_pair(void *context, const char *name, const Frame *before, int64_t b, const Frame *after, int64_t a) {
    Grid *grid = context;
    const char *was = claim_verdict(before, b), *is = claim_verdict(after, a);
    grid_cell(grid, "%s", name);
    if (strcmp(was, is) == 0) grid_cell(grid, "%s still", is);
    else grid_cell(grid, "%s -> %s", was[0] ? was : "not judged", is[0] ? is : "not judged");
    grid_cell(grid, "difference");
    put_pair(grid, claim_number(before, b, "gap"), claim_number(after, a, "gap"), 4);
}

// ---- through what -------------------------------------------------------------------------------------------------

/// Why everyone chose so at the start, or where it was asked about, as tables of a run.
typedef struct Why {
    Frame *reasons, *parts;    // NULL: not known; owned if `is_made`
    bool   is_made;
    char   note[512];          // why not
} Why;

static void why_free(Why *why) {
    if (!why->is_made) return;
    frame_free(why->reasons);
    frame_free(why->parts);
}

static double asked_number(const char *question, const char *asked) {
    const char *name, *value;
    size_t n_name, n_value;
    for (const char *q = question; (q = question_next(q, &name, &n_name, &value, &n_value));)
        if (strlen(asked) == n_name && strncmp(name, asked, n_name) == 0) return strtod(value, NULL);
    return 0;
}

// what was asked under one name (`set`, `grid`, `rival`), as the command line would say it: [n] texts; all are due to be freed
static char **asked_texts(const KeptRun *kept, const char *asked, int *n) {
    const char *name, *value;
    size_t n_name, n_value, length = strlen(asked);
    *n = 0;
    for (const char *q = kept->run.question; (q = question_next(q, &name, &n_name, &value, &n_value));) *n += n_name == length;
    char **text = memory_zeroed((size_t)*n + 1, sizeof *text);
    *n = 0;
    for (const char *q = kept->run.question; text && (q = question_next(q, &name, &n_name, &value, &n_value));) {
        if (n_name != length || strncmp(name, asked, length) != 0) continue;
        text[*n] = memory_alloc(n_value + 1);
        if (!text[*n]) break;
        memcpy(text[*n], value, n_value);
        text[(*n)++][n_value] = '\0';
    }
    return text;
}

static void texts_free(char **text, int n) {
    for (int i = 0; text && i < n; i++) memory_free(text[i]);
    memory_free(text);
}

static bool asks_at(const KeptRun *kept) {
    int n;
    char **at = asked_texts(kept, "at", &n);
    texts_free(at, n);
    return n > 0;
}

// the game of a run solved again, and its choices explained where they were asked about: at the start unless told
static DurStatus explain_kept(Why *why, DurScenario *s, const DurOptions *options, DurError *error) {
    DurResult *result = NULL;
    double state[MODEL_VARIABLES_MAX];
    Explanation e;
    DurStatus status = study_begin(s, &options, &result, error);
    if (status == DUR_OK) status = study_equilibrium(s, false, error);
    if (status == DUR_OK) status = study_unmet(s, error);
    if (status == DUR_OK) study_start(s, state);
    if (status == DUR_OK && options->at) status = lang_read_state(s->model, options->at, state, error);
    if (status == DUR_OK) {
        status = explain_reasons(&e, s, state, -1, error);
        if (status == DUR_OK) status = page_why(&e, &why->reasons, &why->parts, error);
        explain_free(&e);
    }
    why->is_made = status == DUR_OK;
    dur_result_free(result);
    return status;
}

static DurStatus make_why(Why *why, const KeptRun *kept, const DurOptions *given, DurError *error) {
    DurScenario *s = memory_zeroed(1, sizeof *s);
    SourceText *file = memory_zeroed((size_t)kept->n_file, sizeof *file);
    int n_set, n_grid, n_rival, n_at;
    char **set = asked_texts(kept, "set", &n_set), **grid = asked_texts(kept, "grid", &n_grid);
    char **rival = asked_texts(kept, "rival", &n_rival), **at = asked_texts(kept, "at", &n_at);
    DurStatus status = s && file && set && grid && rival && at ? DUR_OK : status_fail(error, DUR_MEMORY, "out of memory");
    for (int32_t i = 0; file && i < kept->n_file; i++)
        file[i] = (SourceText){.path = kept->file[i].path, .data = kept->file[i].data, .length = kept->file[i].length};
    if (status == DUR_OK) status = lang_compile_files(&s->compilation, file, kept->n_file, rival[0], error);
    if (status == DUR_OK && !s->compilation.model)
        status = status_fail(error, DUR_INPUT, "this version does not read its scenario");
    if (status == DUR_OK) {
        s->model = s->compilation.model;
        const char *question = kept->run.question;
        DurOptions options = {.set = (const char *const *)set, .n_set = n_set, .grid = (const char *const *)grid,
                              .n_grid = n_grid, .threads = given->threads,
                              .progress = given->progress, .at = at[0],
                              .tolerance = asked_number(question, "tolerance"),
                              .max_sweep = (int64_t)asked_number(question, "max-sweeps"),
                              .starts = (int)asked_number(question, "starts"),
                              .equilibrium = (int)asked_number(question, "equilibrium")};
        status = explain_kept(why, s, &options, error);
    }
    texts_free(at, n_at);
    texts_free(rival, n_rival);
    texts_free(grid, n_grid);
    texts_free(set, n_set);
    memory_free(file);
    dur_close(s);
    return status;
}

// from the store, or made and put there; what cannot be had is a note, but for an interruption
static DurStatus find_why(Why *why, const char *path, const KeptRun *kept, const DurOptions *options, DurError *error) {
    why->reasons = (Frame *)kept_frame(kept, "reasons");
    why->parts = (Frame *)kept_frame(kept, "reason_parts");
    if (why->reasons && why->parts) return DUR_OK;
    DurError reason = {0};
    DurStatus status = make_why(why, kept, options, &reason);
    if (status == DUR_INTERRUPTED || status == DUR_MEMORY) return status_pass(error, status, &reason);
    if (status != DUR_OK) {
        why->reasons = why->parts = NULL;
        snprintf(why->note, sizeof why->note, "%.500s", reason.text);
        return DUR_OK;
    }
    // a store that cannot be written to is no reason to keep the answer back
    Store *store;
    if (store_open(&store, path, STORE_WRITE, NULL) != DUR_OK) return DUR_OK;
    if (store_add_frame(store, kept->run.id, why->reasons, NULL) == DUR_OK)
        store_add_frame(store, kept->run.id, why->parts, NULL);
    store_close(store);
    return DUR_OK;
}

/// How one move's advantage over waiting changed.
typedef struct MoveChange {
    const char *actor, *move;
    double probability[2], advantage[2];
    Changes split;             // group: what pays, name: what carries
} MoveChange;

typedef struct Moves {
    MoveChange *item;
    int32_t n;
} Moves;

static void moves_free(Moves *m) {
    for (int32_t i = 0; i < m->n; i++) memory_free(m->item[i].split.item);
    memory_free(m->item);
}

static bool is_of(const Frame *parts, int64_t r, const MoveChange *move) {
    return strcmp(frame_text(parts, "actor", r), move->actor) == 0 && strcmp(frame_text(parts, "move", r), move->move) == 0;
}

static double part_of(const Frame *parts, const MoveChange *move, const char *part, const char *carrier) {
    double sum = 0;
    for (int64_t r = 0; r < parts->n_row; r++)
        if (is_of(parts, r, move) && strcmp(frame_text(parts, "part", r), part) == 0 &&
            strcmp(frame_text(parts, "carrier", r), carrier) == 0)
            sum += frame_number(parts, "value", r);
    return sum;
}

static void split_move(MoveChange *move, const Why *before, const Why *after) {
    for (int is_after = 0; is_after < 2; is_after++) {
        const Frame *parts = is_after ? after->parts : before->parts;
        for (int64_t r = 0; r < parts->n_row; r++) {
            if (!is_of(parts, r, move)) continue;
            const char *part = frame_text(parts, "part", r), *carrier = frame_text(parts, "carrier", r);
            bool is_known = false;
            for (const Change *c = move->split.item; c < move->split.item + move->split.n; c++)
                is_known = is_known || (strcmp(c->group, part) == 0 && strcmp(c->name, carrier) == 0);
            if (!is_known)
                add_change(&move->split, part, carrier, part_of(before->parts, move, part, carrier),
                           part_of(after->parts, move, part, carrier));
        }
    }
}

static int by_probability(const void *a, const void *b) {
    const MoveChange *x = a, *y = b;
    double p = fabs(x->probability[1] - x->probability[0]), q = fabs(y->probability[1] - y->probability[0]);
    return p < q ? 1 : p > q ? -1 : 0;
}

// the moves that both could make, those whose chance changed most first
static DurStatus compare_moves(Moves *out, const Why *before, const Why *after, DurError *error) {
    static const char *const key[2] = {"actor", "move"};
    *out = (Moves){.item = memory_zeroed((size_t)before->reasons->n_row + 1, sizeof *out->item)};
    if (!out->item) return status_fail(error, DUR_MEMORY, "out of memory");
    bool failed = false;
    for (int64_t r = 0; r < before->reasons->n_row; r++) {
        int64_t k = find_row(after->reasons, before->reasons, r, key, 2);
        if (k < 0) continue;
        MoveChange *move = &out->item[out->n];
        const Frame *was = before->reasons, *is = after->reasons;
        *move = (MoveChange){.actor = frame_text(was, "actor", r), .move = frame_text(was, "move", r),
                             .probability = {frame_number(was, "probability", r), frame_number(is, "probability", k)},
                             .advantage = {frame_number(was, "advantage", r), frame_number(is, "advantage", k)}};
        split_move(move, before, after);
        failed = failed || move->split.failed;
        out->n++;
    }
    if (out->n) qsort(out->item, (size_t)out->n, sizeof *out->item, by_probability);
    return failed ? status_fail(error, DUR_MEMORY, "out of memory") : DUR_OK;
}

// One dimension of all splits together: what each payoff term (or each carrier) did to choices, as shares. A move counts in
// proportion to how much its chance changed, so that options nobody takes do not speak.
static void add_up(Changes *out, const Moves *moves, bool by_part) {
    double all = 0;
    for (int32_t i = 0; i < moves->n; i++) {
        const MoveChange *move = &moves->item[i];
        double weight = fabs(move->probability[1] - move->probability[0]);
        for (int32_t k = 0; k < move->split.n; k++) {
            const Change *c = &move->split.item[k];
            const char *name = by_part ? c->group : c->name;
            double x = weight * fabs(c->after - c->before);
            int32_t at = 0;
            while (at < out->n && strcmp(out->item[at].name, name) != 0) at++;
            if (at == out->n) add_change(out, "", name, -1, 0);
            if (at >= out->n) continue;
            out->item[at].before = 0;
            out->item[at].after += x;
            all += x;
        }
    }
    for (int32_t i = 0; i < out->n; i++) out->item[i].after /= all > 0 ? all : 1;
    if (out->n) qsort(out->item, (size_t)out->n, sizeof *out->item, by_size);
}

static void render_shares(Json *j, const char *key, const Changes *c) {
    json_key(j, key);
    json_object(j);
    for (int32_t i = 0; i < c->n; i++) json_pair_number(j, c->item[i].name, c->item[i].after);
    json_end_object(j);
}

static void render_moves(Json *j, const Moves *moves) {
    json_key(j, "moves");
    json_array(j);
    for (int32_t i = 0; i < moves->n; i++) {
        const MoveChange *move = &moves->item[i];
        json_object(j);
        json_pair_string(j, "actor", move->actor);
        json_pair_string(j, "move", move->move);
        json_key(j, "probability");
        json_array(j), json_number(j, move->probability[0]), json_number(j, move->probability[1]), json_end_array(j);
        json_key(j, "advantage");
        json_array(j), json_number(j, move->advantage[0]), json_number(j, move->advantage[1]), json_end_array(j);
        json_key(j, "split");
        json_array(j);
        for (int32_t k = 0; k < move->split.n; k++) {
            json_object(j);
            json_pair_string(j, "part", move->split.item[k].group);
            json_pair_string(j, "carrier", move->split.item[k].name);
            json_pair_number(j, "change", move->split.item[k].after - move->split.item[k].before);
            json_end_object(j);
        }
        json_end_array(j);
        json_end_object(j);
    }
    json_end_array(j);
}

static void put_shares(Text *out, const char *what, const Changes *c) {
    text_printf(out, "    %s", what);
    for (int32_t i = 0; i < c->n && i < 5; i++) {
        if (i && c->item[i].after < 0.01) break;
        text_printf(out, "%s %s %.0f %%", i ? "," : "", c->item[i].name, 100 * c->item[i].after);
    }
    text_char(out, '\n');
}

/// Moves whose split is shown, and entries of each.
#define MOVES_SHOWN 6
#define ENTRIES_SHOWN 4

static void put_moves(Text *out, const Moves *moves, const Changes *parts, const Changes *carriers, bool has_place) {
    const char *where = has_place ? "there" : "at the start";
    bool any = moves->n && fabs(moves->item[0].probability[1] - moves->item[0].probability[0]) > 1e-9;
    if (!any) {
        text_printf(out, "\n  Choices %s did not change.\n", where);
        return;
    }
    text_printf(out, "\n  through what choices %s changed\n", where);
    put_shares(out, "payoff terms:", parts);
    put_shares(out, "carried by:  ", carriers);
    for (int32_t i = 0; i < moves->n && i < MOVES_SHOWN; i++) {
        MoveChange *move = &moves->item[i];
        if (i && fabs(move->probability[1] - move->probability[0]) < 5e-5) break;
        Text words = {0};
        put_share(&words, move->probability[0]);
        text_append(&words, " -> ");
        put_share(&words, move->probability[1]);
        text_append(&words, "; advantage over waiting ");
        text_number(&words, move->advantage[0], 3);
        text_append(&words, " -> ");
        text_number(&words, move->advantage[1], 3);
        text_printf(out, "    %s, %s: %s\n", move->actor, move->move, text_view(&words));
        text_free(&words);
        qsort(move->split.item, (size_t)move->split.n, sizeof *move->split.item, by_size);
        Grid grid = {.align = "lllr"};
        for (int32_t k = 0; k < move->split.n && k < ENTRIES_SHOWN; k++) {
            const Change *c = &move->split.item[k];
            grid_cell(&grid, "%s", c->group);
            grid_cell(&grid, "by %s", c->name);
            grid_cell(&grid, "%s", c->after > c->before ? "+" : "-");
            grid_number(&grid, fabs(c->after - c->before), 3);
        }
        grid_print(&grid, out, 6);
    }
}

// ---- the whole ----------------------------------------------------------------------------------------------------

static DurStatus tell_through(DurResult *result, Json *j, const Why *before, const Why *after, bool has_place,
                              DurError *error) {
    const char *note = before->note[0] ? before->note : after->note;
    if (note[0] || !before->parts || !after->parts) {
        json_pair_string(j, "note", note);
        text_printf(&result->text, "\n  What carried the change in choices is not known: %s\n", note);
        return DUR_OK;
    }
    Moves moves;
    Changes parts = {0}, carriers = {0};
    DurStatus status = compare_moves(&moves, before, after, error);
    if (status == DUR_OK) {
        add_up(&parts, &moves, true);
        add_up(&carriers, &moves, false);
        render_shares(j, "payoff_terms", &parts);
        render_shares(j, "carriers", &carriers);
        render_moves(j, &moves);
        put_moves(&result->text, &moves, &parts, &carriers, has_place);
    }
    memory_free(parts.item);
    memory_free(carriers.item);
    moves_free(&moves);
    return status;
}

static DurStatus tell(DurResult *result, const KeptRun *before, const KeptRun *after, const Lines *lines, const Why why[2],
                      DurError *error) {
    Json j = json_make(&result->json);
    json_object(&j);
    json_pair_int(&j, "before", before->run.id);
    json_pair_int(&j, "after", after->run.id);
    json_pair_bool(&j, "same_scenario", strcmp(before->run.hash, after->run.hash) == 0);
    text_printf(&result->text, "run %lld -> run %lld: %s\n", (long long)before->run.id, (long long)after->run.id,
                after->run.title);
    render_lines(&j, lines);
    put_lines(&result->text, lines);

    Changes values = {0}, choices = {0}, queries = {0}, accounts = {0}, ends = {0}, counts = {0};
    const Frame *claims[2] = {kept_frame(before, "claims"), kept_frame(after, "claims")};
    compare_column(&values, kept_frame(before, "values"), kept_frame(after, "values"), NULL, "actor", "value");
    compare_column(&choices, kept_frame(before, "choices"), kept_frame(after, "choices"), "actor", "move", "probability");
    compare_column(&queries, kept_frame(before, "queries"), kept_frame(after, "queries"), NULL, "query", "value");
    compare_column(&accounts, kept_frame(before, "accounts"), kept_frame(after, "accounts"), "account", "claim", "gap");
    compare_column(&counts, kept_frame(before, "counts"), kept_frame(after, "counts"), "policy", "name", "count");
    compare_ends(&ends, kept_frame(before, "series"), kept_frame(after, "series"));
    json_key(&j, "answers");
    json_object(&j);
    json_key(&j, "claims");
    json_array(&j);
    each_claim(claims[0], claims[1], render_claim, &j);
    json_end_array(&j);
    render_changes(&j, "values", &values, NULL, "actor");
    render_changes(&j, "choices", &choices, "actor", "move");
    render_changes(&j, "queries", &queries, NULL, "query");
    render_changes(&j, "accounts", &accounts, "account", "claim");
    render_changes(&j, "ends", &ends, "policy", "stock");
    json_end_object(&j);
    if ((claims[0] && claims[0]->n_row) || (claims[1] && claims[1]->n_row)) {
        text_append(&result->text, "\n  claims\n");
        Grid grid = {.align = "lllrlrlr"};
        each_claim(claims[0], claims[1], put_claim_pair, &grid);
        grid_print(&grid, &result->text, 4);
    }
    // tables are of the state that was asked about
    bool has_place = asks_at(before) || asks_at(after);
    put_changes(&result->text, has_place ? "values where they were asked about" : "values at the start", &values);
    put_changes(&result->text, has_place ? "choices where they were asked about" : "choices at the start", &choices);
    put_changes(&result->text, "what was queried", &queries);
    put_changes(&result->text, "differences of claims, by account", &accounts);
    put_changes(&result->text, "means at the end, by policy", &ends);

    json_key(&j, "through");
    json_object(&j);
    render_changes(&j, "counts", &counts, "policy", "name");
    put_changes(&result->text, "times that things happened in a run, by policy", &counts);
    bool failed = values.failed || choices.failed || queries.failed || accounts.failed || ends.failed || counts.failed;
    DurStatus status = failed ? status_fail(error, DUR_MEMORY, "out of memory")
                              : tell_through(result, &j, &why[0], &why[1], has_place, error);
    json_end_object(&j);
    json_end_object(&j);
    memory_free(values.item);
    memory_free(choices.item);
    memory_free(queries.item);
    memory_free(accounts.item);
    memory_free(ends.item);
    memory_free(counts.item);
    return status;
}

static DurStatus diff(const char *path, int64_t a, int64_t b, const DurOptions *options, DurResult *result, DurError *error) {
    Store *store;
    KeptRun run[2];
    memset(run, 0, sizeof run);
    Lines lines = {0};
    Texts texts = {{0}, {0}};
    Why why[2] = {{0}};
    TRY(store_open(&store, path, STORE_READ, error));
    DurStatus status = kept_read(&run[0], store, a, error);
    if (status == DUR_OK) status = kept_read(&run[1], store, b, error);
    store_close(store);
    for (int i = 0; i < 2 && status == DUR_OK; i++)
        if (run[i].run.state == STORE_PART)
            status = status_fail(error, DUR_INPUT, "run %lld is not finished", (long long)run[i].run.id);
    if (status == DUR_OK) status = compare_scenarios(&lines, &texts, &run[0], &run[1], error);
    for (int i = 0; i < 2 && status == DUR_OK; i++) status = find_why(&why[i], path, &run[i], options, error);
    if (status == DUR_OK) status = tell(result, &run[0], &run[1], &lines, why, error);
    for (int i = 0; i < 2; i++) {
        why_free(&why[i]);
        kept_free(&run[i]);
    }
    memory_free(lines.item);
    text_free(&texts.before);
    text_free(&texts.after);
    return status;
}

DurStatus dur_diff(const char *path, int64_t before, int64_t after, const DurOptions *options, DurResult **out,
                   char error[1024]) {
    static const DurOptions none;
    DurError why = {0};
    DurResult *result = result_make();
    DurStatus status = result ? diff(path, before, after, options ? options : &none, result, &why)
                              : status_fail(&why, DUR_MEMORY, "out of memory");
    if (status != DUR_OK && result) text_clear(&result->json);
    return result_finish(&result, out, status, &why, error);
}
