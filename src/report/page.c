#include "report/page.h"

#include "report/calendar.h"
#include "report/html.h"

#include <inttypes.h>
#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

// ---- what sections share ------------------------------------------------------------------------------------------

void *page_alloc(Page *page, size_t n, size_t each) {
    void *p = arena_alloc(page->arena, n * each);
    if (!p) page->out->failed = true;
    return p;
}

const char *page_policy_label(const char *policy) { return policy[0] ? policy : "equilibrium"; }

int page_find_policy(const Page *page, const char *name) {
    for (int i = 0; i < page->n_policy; i++)
        if (strcmp(page->policy[i], name) == 0) return i;
    return -1;
}

int64_t page_find_row(const Frame *frame, const char *column, const char *name) {
    for (int64_t i = 0; i < page_rows(frame); i++)
        if (strcmp(frame_text(frame, column, i), name) == 0) return i;
    return -1;
}

const char *page_id(Page *page, char buffer[16]) {
    snprintf(buffer, 16, "c%d", ++page->n_id);
    return buffer;
}

void page_section(Page *page, const char *anchor, const char *heading) {
    text_printf(page->out, "\n<section id=\"%s\">\n<h2>%s</h2>\n", anchor, heading);
}

bool page_is_empty(const Frame *frame, const char *column, int64_t row) {
    const Column *c = frame_column(frame, column);
    if (!c) return true;
    return c->kind == COLUMN_NUMBER ? isnan(c->number[row]) : !(c->text[row] && c->text[row][0]);
}

void page_show(Page *page, const Frame *frame, const char *column, int64_t row) {
    const Column *c = frame_column(frame, column);
    if (!c || page_is_empty(frame, column, row)) return;
    if (c->kind == COLUMN_TEXT) {
        html_escape(page->out, c->text[row]);
        return;
    }
    html_number(page->out, c->number[row], 6);
    if (c->unit[0]) {
        text_append(page->out, "\xC2\xA0");
        html_escape(page->out, c->unit);
    }
}

bool page_is_assumed(const Frame *frame, int64_t row) {
    double assumed = frame_number(frame, "assumed", row);
    return isnan(assumed) ? page_is_empty(frame, "source", row) : assumed != 0;
}

static void cite_one(Page *page, const char *source, const char *locator) {
    Text *out = page->out;
    // "op_ed:14" in one text is a name and a locator
    char name[256];
    snprintf(name, sizeof name, "%s", source);
    int64_t at = page_find_row(page->report->sources, "name", name);
    char *colon = at < 0 && !locator[0] ? strchr(name, ':') : NULL;
    if (colon) {
        *colon = '\0';
        at = page_find_row(page->report->sources, "name", name);
        if (at >= 0) locator = source + (colon - name) + 1;
    }
    if (at >= 0) text_printf(out, "<a class=\"cite\" href=\"#source-%" PRId64 "\">", at + 1);
    html_escape(out, at >= 0 ? name : source);
    if (locator[0]) {
        text_char(out, ':');
        html_escape(out, locator);
    }
    if (at >= 0) text_append(out, "</a>");
}

static bool is_of_source(const char *s, const char *name) {
    size_t n = strlen(name);
    return n && strncmp(s, name, n) == 0 && (s[n] == '\0' || s[n] == ':' || s[n] == ',');
}

static bool begins_with_source(const Page *page, const char *s) {
    const Frame *sources = page->report->sources;
    for (int64_t i = 0; i < page_rows(sources); i++)
        if (is_of_source(s, frame_text(sources, "name", i))) return true;
    return false;
}

static void cite_all(Page *page, const char *all) {
    size_t n = strlen(all) + 1;
    char *one = page_alloc(page, n, 1);
    if (one) memcpy(one, all, n);
    while (one) {
        // a place may hold commas of its own: two sources are parted where the name of one follows
        char *end = strstr(one, ", ");
        while (end && !begins_with_source(page, end + 2)) end = strstr(end + 2, ", ");
        if (end) *end = '\0';
        cite_one(page, one, "");
        if (end) text_append(page->out, ", ");
        one = end ? end + 2 : NULL;
    }
}

void page_cite(Page *page, const Frame *frame, int64_t row) {
    Text *out = page->out;
    if (page_is_assumed(frame, row)) text_append(out, "<span class=\"assumed\">assumed</span>");
    const char *source = frame_text(frame, "source", row), *locator = frame_text(frame, "locator", row);
    if (source[0] && page_is_assumed(frame, row)) text_append(out, ", ");

    const char *all = frame_text(frame, "cites", row);
    if (all[0])         cite_all(page, all);
    else if (source[0]) cite_one(page, source, locator);
    page_place(page, frame, row);
}

void page_place(Page *page, const Frame *frame, int64_t row) {
    if (page_is_empty(frame, "place", row)) return;
    text_append(page->out, " <span class=\"place\">");
    html_escape(page->out, frame_text(frame, "place", row));
    text_append(page->out, "</span>");
}

void page_citing(const Page *page, const Frame *frame[PAGE_CITING]) {
    const Report *r = page->report;
    const Frame *const all[PAGE_CITING] = {r->claims, r->params, r->stocks, r->moves, r->events, r->payoffs, r->definitions,
                                           r->actors, r->modes, r->policies, r->accounts};
    memcpy(frame, all, sizeof all);
}

static bool cites(const Frame *frame, int64_t row, const char *source) {
    const char *s = frame_text(frame, page_is_empty(frame, "cites", row) ? "source" : "cites", row);
    for (; s; s = strstr(s, ", ") ? strstr(s, ", ") + 2 : NULL)
        if (is_of_source(s, source)) return true;
    return false;
}

void page_cited_by(Page *page, const char *source) {
    const Frame *frame[PAGE_CITING];
    page_citing(page, frame);
    const char *between = "cited by ";
    for (int f = 0; f < PAGE_CITING; f++)
        for (int64_t i = 0; i < page_rows(frame[f]); i++) {
            if (!cites(frame[f], i, source)) continue;
            text_append(page->out, between);
            between = ", ";
            // a term is known by its actor
            bool is_term = frame[f] == page->report->payoffs;
            html_escape(page->out, frame_text(frame[f], is_term ? "term" : "name", i));
            if (!is_term) continue;
            text_append(page->out, " of ");
            html_escape(page->out, frame_text(frame[f], "actor", i));
        }
    if (between[0] != ',') text_append(page->out, "nothing on this page cites it");
}

void page_side(Page *page, const Frame *frame, const char *side, int64_t row, int digits) {
    char name[32];
    snprintf(name, sizeof name, "%s_bound", side);
    html_number(page->out, frame_number(frame, side, row), digits);
    double bound = frame_number(frame, name, row);
    if (!isfinite(bound)) return;
    text_append(page->out, ", at most ");
    html_number(page->out, bound, 3);
}

void page_notes(Page *page, const Frame *frame, int64_t row) {
    Text *out = page->out;
    static const char *const column[] = {"not_exact", "note"};
    static const char *const begin[] = {"Sampled, since it can\xE2\x80\x99t be had exactly: ", "Note: "};
    for (int i = 0; i < 2; i++) {
        if (page_is_empty(frame, column[i], row)) continue;
        text_printf(out, "<p class=\"caveat\">%s", begin[i]);
        html_prose(out, frame_text(frame, column[i], row));
        text_append(out, ".</p>\n");
    }
}

void page_count(Page *page, int64_t n, const char *one, const char *many) {
    html_count(page->out, n);
    text_printf(page->out, " %s", n == 1 ? one : many);
}

// ---- the shape of what comes in -----------------------------------------------------------------------------------

typedef enum Kind { TEXT, NUMBER, EITHER } Kind;

typedef struct Need {
    size_t frame;        // offset of the frame in Report
    const char *name;    // of the frame
    const char *column;
    Kind kind;
    bool must;           // be there
} Need;

#define MUST(frame, column, kind) {offsetof(Report, frame), #frame, column, kind, true}
#define MAY(frame, column, kind)  {offsetof(Report, frame), #frame, column, kind, false}
#define ORIGIN(frame) MAY(frame, "source", TEXT), MAY(frame, "locator", TEXT), MAY(frame, "cites", TEXT), MAY(frame, "place", TEXT)

// ORDER: report.h describes the same columns
static const Need NEED[] = {
    MUST(actors, "name", TEXT), MAY(actors, "text", TEXT), MAY(actors, "patience", EITHER),
    MAY(actors, "precision", EITHER), MAY(actors, "attends", EITHER), ORIGIN(actors),
    MUST(moves, "name", TEXT), MUST(moves, "actor", TEXT), MAY(moves, "text", TEXT), MAY(moves, "when", TEXT),
    MAY(moves, "effect", TEXT), MAY(moves, "cost", EITHER), ORIGIN(moves),
    MUST(events, "name", TEXT), MAY(events, "text", TEXT), MAY(events, "when", TEXT), MAY(events, "rate", EITHER),
    MAY(events, "effect", TEXT), ORIGIN(events),
    MUST(stocks, "name", TEXT), MAY(stocks, "text", TEXT), MAY(stocks, "low", NUMBER), MAY(stocks, "high", NUMBER),
    MAY(stocks, "start", EITHER), MAY(stocks, "drift", TEXT), MAY(stocks, "noise", TEXT), MAY(stocks, "unit", TEXT),
    ORIGIN(stocks),
    MUST(modes, "name", TEXT), MAY(modes, "actor", TEXT), MAY(modes, "text", TEXT), MAY(modes, "values", TEXT), ORIGIN(modes),
    MUST(definitions, "name", TEXT), MAY(definitions, "text", TEXT), MUST(definitions, "expression", TEXT),
    ORIGIN(definitions),
    MUST(payoffs, "actor", TEXT), MUST(payoffs, "term", TEXT), MUST(payoffs, "expression", TEXT), ORIGIN(payoffs),
    MUST(policies, "name", TEXT), MAY(policies, "text", TEXT), MAY(policies, "actor", TEXT),
    MAY(policies, "what", TEXT), ORIGIN(policies),
    MUST(links, "from", TEXT), MUST(links, "to", TEXT), MUST(links, "kind", TEXT),
    MUST(params, "name", TEXT), MUST(params, "value", NUMBER), MAY(params, "unit", TEXT), MAY(params, "prior", TEXT),
    ORIGIN(params), MAY(params, "text", TEXT),
    MAY(params, "assumed", NUMBER), MAY(params, "change", TEXT),
    MUST(sources, "name", TEXT), MAY(sources, "text", TEXT), MAY(sources, "url", TEXT), MAY(sources, "date", TEXT),
    MAY(sources, "file", TEXT), MAY(sources, "place", TEXT),
    MUST(claims, "name", TEXT), MAY(claims, "text", TEXT), MAY(claims, "sentence", TEXT),
    MUST(claims, "verdict", TEXT),
    MUST(claims, "left", NUMBER), MUST(claims, "right", NUMBER), MAY(claims, "left_bound", NUMBER),
    MAY(claims, "right_bound", NUMBER), MUST(claims, "low", NUMBER),
    MUST(claims, "high", NUMBER), MAY(claims, "confidence", NUMBER), MAY(claims, "comparison", TEXT),
    MAY(claims, "method", TEXT), MAY(claims, "runs", NUMBER), ORIGIN(claims), MAY(claims, "not_exact", TEXT), MAY(claims, "note", TEXT),
    MAY(claims, "sensitive", NUMBER), MAY(claims, "grid", NUMBER), MAY(claims, "rests", TEXT),
    MUST(accounts, "name", TEXT), MAY(accounts, "text", TEXT), MAY(accounts, "overrides", TEXT),
    ORIGIN(accounts),
    MUST(predictions, "claim", TEXT), MAY(predictions, "text", TEXT), MUST(predictions, "account", TEXT),
    MUST(predictions, "verdict", TEXT), MUST(predictions, "left", NUMBER), MUST(predictions, "right", NUMBER),
    MAY(predictions, "left_bound", NUMBER), MAY(predictions, "right_bound", NUMBER),
    MAY(predictions, "comparison", TEXT), MUST(predictions, "alone", NUMBER),
    MAY(predictions, "not_exact", TEXT), MAY(predictions, "note", TEXT),
    MUST(series, "policy", TEXT), MUST(series, "variable", TEXT), MUST(series, "time", NUMBER),
    MAY(series, "date", TEXT), MAY(series, "mean", NUMBER), MUST(series, "q05", NUMBER), MUST(series, "q25", NUMBER),
    MUST(series, "q50", NUMBER), MUST(series, "q75", NUMBER), MUST(series, "q95", NUMBER),
    MUST(mode_series, "policy", TEXT), MUST(mode_series, "mode", TEXT), MUST(mode_series, "value", TEXT),
    MUST(mode_series, "time", NUMBER), MAY(mode_series, "date", TEXT), MUST(mode_series, "share", NUMBER),
    MUST(values, "actor", TEXT), MUST(values, "value", NUMBER),
    MUST(choices, "actor", TEXT), MUST(choices, "move", TEXT), MUST(choices, "probability", NUMBER),
    MUST(stories, "name", TEXT), MUST(stories, "title", TEXT), MUST(stories, "how", TEXT), MUST(stories, "run", NUMBER),
    MUST(stories, "policy", TEXT), MUST(stories, "start", TEXT), MUST(stories, "end", TEXT), MUST(stories, "happened", NUMBER),
    MUST(stories, "told", NUMBER), MUST(stories, "command", TEXT),
    MUST(story_events, "story", TEXT), MUST(story_events, "time", NUMBER), MAY(story_events, "date", TEXT),
    MUST(story_events, "kind", TEXT), MUST(story_events, "text", TEXT),
    MUST(reasons, "actor", TEXT), MUST(reasons, "move", TEXT), MUST(reasons, "probability", NUMBER),
    MUST(reasons, "advantage", NUMBER), MUST(reasons, "sentence", TEXT),
    MUST(reason_parts, "actor", TEXT), MUST(reason_parts, "move", TEXT), MUST(reason_parts, "part", TEXT),
    MUST(reason_parts, "carrier", TEXT), MUST(reason_parts, "value", NUMBER),
    MUST(minds, "actor", TEXT), MUST(minds, "text", TEXT),
    MUST(mind_changes, "actor", TEXT), MUST(mind_changes, "stock", TEXT), MUST(mind_changes, "here", NUMBER),
    MUST(mind_changes, "at", NUMBER), MUST(mind_changes, "turn", TEXT),
    MUST(sensitivities, "actor", TEXT), MUST(sensitivities, "param", TEXT), MUST(sensitivities, "from", NUMBER),
    MUST(sensitivities, "to", NUMBER), MUST(sensitivities, "move", TEXT), MUST(sensitivities, "effect", NUMBER),
    MAY(sensitivities, "kink", NUMBER),
    MUST(certificate, "quantity", TEXT), MUST(certificate, "value", NUMBER),
    MUST(regret, "actor", TEXT), MUST(regret, "value", NUMBER),
    MUST(notes, "text", TEXT),
};

static DurStatus check_shape(const Report *report, DurError *error) {
    for (size_t i = 0; i < DUR_COUNT(NEED); i++) {
        const Frame *frame;
        memcpy(&frame, (const char *)report + NEED[i].frame, sizeof frame);
        if (page_rows(frame) == 0) continue;
        const Column *column = frame_column(frame, NEED[i].column);
        if (!column && NEED[i].must)
            return status_fail(error, DUR_SHAPE, "report: frame %s has no column %s", NEED[i].name, NEED[i].column);
        if (column && NEED[i].kind != EITHER && (column->kind == COLUMN_NUMBER) != (NEED[i].kind == NUMBER))
            return status_fail(error, DUR_SHAPE, "report: column %s of frame %s should hold %s", NEED[i].column,
                               NEED[i].name, NEED[i].kind == NUMBER ? "numbers" : "text");
    }
    return DUR_OK;
}

// ---- policies and time --------------------------------------------------------------------------------------------

// each distinct text of a column once; neighbours are mostly equal, so the one before is asked first
static void add_policies(Page *page, const Frame *frame, const char *column, int most) {
    int last = 0;
    for (int64_t i = 0; i < page_rows(frame); i++) {
        const char *name = frame_text(frame, column, i);
        if (strcmp(page->policy[last], name) == 0) continue;
        last = page_find_policy(page, name);
        if (last >= 0) continue;
        last = 0;
        if (page->n_policy < most) page->policy[last = page->n_policy++] = name;
    }
}

static bool gather_policies(Page *page) {
    enum { UNDECLARED_MAX = 64 };
    const Report *r = page->report;
    int most = 1 + (int)page_rows(r->policies) + UNDECLARED_MAX;
    page->policy = page_alloc(page, (size_t)most, sizeof *page->policy);
    if (!page->policy) return false;
    page->policy[page->n_policy++] = "";
    add_policies(page, r->policies, "name", most);
    add_policies(page, r->series, "policy", most);
    add_policies(page, r->mode_series, "policy", most);
    return true;
}

// first and last time, and the two dated rows farthest apart, from which days follow from times
static void gather_time(Page *page) {
    ChartTime *t = &page->time;
    *t = (ChartTime){.low = INFINITY, .high = -INFINITY, .unit = page->report->unit};
    const Frame *frame[] = {page->report->series, page->report->mode_series};
    double dated_low = INFINITY, dated_high = -INFINITY;
    int64_t day_low = 0, day_high = 0;
    for (size_t f = 0; f < DUR_COUNT(frame); f++)
        for (int64_t i = 0; i < page_rows(frame[f]); i++) {
            double time = frame_number(frame[f], "time", i);
            if (!isfinite(time)) continue;
            t->low = fmin(t->low, time);
            t->high = fmax(t->high, time);
            int64_t day;
            if (time >= dated_low && time <= dated_high) continue;
            if (!calendar_read(frame_text(frame[f], "date", i), &day)) continue;
            if (time < dated_low)  { dated_low = time; day_low = day; }
            if (time > dated_high) { dated_high = time; day_high = day; }
        }
    page->has_series = t->low <= t->high;
    if (!page->has_series) return;
    if (dated_high > dated_low && day_high > day_low) {
        t->has_date = true;
        t->day_per_time = (double)(day_high - day_low) / (dated_high - dated_low);
        t->day = (double)day_low - dated_low * t->day_per_time;
    }
}

// ---- the head of the page -----------------------------------------------------------------------------------------

typedef struct Tally { int64_t holds, fails, undecided, all; } Tally;

static Tally tally_claims(const Frame *claims) {
    Tally t = {.all = page_rows(claims)};
    for (int64_t i = 0; i < t.all; i++) {
        const char *verdict = frame_text(claims, "verdict", i);
        if (strcmp(verdict, "holds") == 0) t.holds++;
        else if (strcmp(verdict, "fails") == 0) t.fails++;
        else t.undecided++;
    }
    return t;
}

static bool is_said(const char *s) { return s && s[0]; }

// "a", "a and b", "a, b and c"
static void list_separator(Text *out, int64_t i, int64_t n) {
    if (i > 0) text_append(out, i == n - 1 ? " and " : ", ");
}

// by their names: a text may be any phrase
static void name_actors(Page *page) {
    Text *out = page->out;
    const Frame *actors = page->report->actors;
    int64_t n = page_rows(actors);
    for (int64_t i = 0; i < n && n <= 4; i++) {
        list_separator(out, i, n);
        text_append(out, "<b>");
        html_escape(out, frame_text(actors, "name", i));
        text_append(out, "</b>");
    }
}

// the first paragraph: who plays, over what and how long; what became of the claims; how it was found
static void lead(Page *page) {
    Text *out = page->out;
    const Report *r = page->report;
    int64_t n_actor = page_rows(r->actors);

    text_append(out, "<p class=\"lead\">");
    if (n_actor == 0) {
        text_append(out, "A scenario without actors: chance and drift move ");
    } else if (n_actor <= 4) {
        static const char *const many[] = {"One actor, ", "Two actors, ", "Three actors, ", "Four actors, "};
        text_append(out, many[n_actor - 1]);
        name_actors(page);
        text_char(out, ',');
    } else {
        html_number(out, (double)n_actor, 15);
        text_append(out, " actors");
    }
    if (n_actor) {
        text_append(out, n_actor == 1 ? " has " : " have ");
        page_count(page, page_rows(r->moves), "lever", "levers");
        text_append(out, " to move ");
    }
    if (page_rows(r->stocks) || !page_rows(r->modes)) page_count(page, page_rows(r->stocks), "stock", "stocks");
    if (page_rows(r->stocks) && page_rows(r->modes)) text_append(out, " and ");
    if (page_rows(r->modes)) page_count(page, page_rows(r->modes), "mode", "modes");
    if (is_said(r->from) && is_said(r->until)) {
        text_append(out, ", from ");
        html_date(out, r->from);
        text_append(out, " to ");
        html_date(out, r->until);
    }
    text_append(out, ". ");

    Tally t = tally_claims(r->claims);
    if (t.all) {
        text_append(out, "Of ");
        page_count(page, t.all, "claim", "claims");
        text_append(out, " put to it, ");
        const struct { int64_t n; const char *one, *many; } part[] = {
            {t.holds, "holds", "hold"}, {t.fails, "fails", "fail"}, {t.undecided, "is undecided", "are undecided"}};
        int64_t n_part = (t.holds > 0) + (t.fails > 0) + (t.undecided > 0), k = 0;
        for (size_t i = 0; i < DUR_COUNT(part); i++) {
            if (!part[i].n) continue;
            list_separator(out, k++, n_part);
            text_append(out, "<b>");
            page_count(page, part[i].n, part[i].one, part[i].many);
            text_append(out, "</b>");
        }
        text_append(out, ". ");
        int64_t n = 0;
        for (int64_t i = 0; i < t.all; i++) n += frame_number(r->claims, "sensitive", i) > 0;
        if (n) {
            text_append(out, "By the scenario\xE2\x80\x99s own word ");
            page_count(page, n, "of these verdicts depends", "of these verdicts depend");
            text_append(out, " on the grid on which it was solved. ");
        }
    }
    if (r->runs > 0) {
        text_append(out, "The paths below come from ");
        html_number(out, (double)r->runs, 15);
        text_append(out, r->runs == 1 ? " run" : " runs");
        if (page->n_policy > 1) {
            text_append(out, page->n_policy == 2 ? " of the equilibrium and as many of "
                                                 : " of the equilibrium and as many of each of ");
            page_count(page, page->n_policy - 1, "policy", "policies");
        }
        text_append(out, ". ");
    }
    if (page_rows(r->certificate) && !r->converged)
        text_append(out, "<b>The solve missed its tolerance</b>: the numbers show how far it came, and are no "
                         "solution.");
    text_append(out, "</p>\n");
}

// places where a source is owed, and how many have one
static void sourced(Page *page) {
    enum { OWED = 5 };   // the first of them
    const Frame *frame[PAGE_CITING];
    page_citing(page, frame);
    int64_t n = 0, n_assumed = 0;
    for (size_t f = 0; f < OWED; f++)
        for (int64_t i = 0; i < page_rows(frame[f]); i++) {
            n++;
            n_assumed += page_is_assumed(frame[f], i);
        }
    if (n == 0) return;
    Text *out = page->out;
    if (n_assumed == 0) {
        text_append(out, "<li>Every parameter, stock, lever, event and claim names a source.</li>\n");
    } else if (n_assumed == n) {
        text_append(out, "<li>No parameter, stock, lever, event or claim names a source: all are "
                         "<span class=\"assumed\">assumed</span>.</li>\n");
    } else {
        text_append(out, "<li>Of its ");
        html_number(out, (double)n, 15);
        text_append(out, " parameters, stocks, levers, events and claims, ");
        html_number(out, (double)(n - n_assumed), 15);
        text_append(out, n - n_assumed == 1 ? " names a source. The rest are " : " name a source. The rest are ");
        text_append(out, "<span class=\"assumed\">assumed</span>, and marked so.</li>\n");
    }
}

// what the small print of files and lines is, by an example
static void placed(Page *page) {
    Text *out = page->out;
    const Frame *frame[PAGE_CITING];
    page_citing(page, frame);
    for (int f = 0; f < PAGE_CITING; f++)
        for (int64_t i = 0; i < page_rows(frame[f]); i++) {
            if (page_is_empty(frame[f], "place", i)) continue;
            text_append(out, "<li>Small print such as");
            page_place(page, frame[f], i);
            text_append(out, " is where the scenario says a thing: a file and a line of it");
            if (is_said(page->report->path)) {
                text_append(out, ". Files are named from the folder of <code>");
                html_escape(out, page->report->path);
                text_append(out, "</code>");
            }
            text_append(out, ".</li>\n");
            return;
        }
}

static void note(Page *page) {
    Text *out = page->out;
    text_append(out, "<aside class=\"note\">\n<h2>What the answers mean, and what they don\xE2\x80\x99t</h2>\n<ul>\n"
        "<li>They follow from the scenario as it is written: its actors, levers, numbers and rules. Whoever changes "
        "those may get others.</li>\n"
        "<li>A claim that holds here holds <em>in the model</em>. Whether it holds in the world is a question for a "
        "record of what happened, not for this page.</li>\n");
    if (page->has_series)
        text_append(out, "<li>The bands show chance within the model, its parameters held at the values listed "
                         "below. Doubt about the parameters is not in them.</li>\n");
    if (page_rows(page->report->certificate))
        text_append(out, "<li>A game may have more than one equilibrium. The one shown is the one that is reached by "
                         "raising every actor\xE2\x80\x99s precision from zero.</li>\n");
    sourced(page);
    placed(page);
    text_append(out, "</ul>\n</aside>\n");
}

static void tally_list(Text *out, Tally t) {
    static const char *const name[] = {"holds", "fails", "undecided"};
    const int64_t n[] = {t.holds, t.fails, t.undecided};
    text_append(out, "<ul class=\"tally\" aria-label=\"Claims by verdict\">");
    for (int i = 0; i < 3; i++) {
        if (!n[i]) continue;
        text_printf(out, "<li><span class=\"verdict %s\">%s</span> <b>", name[i], name[i]);
        html_number(out, (double)n[i], 15);
        text_append(out, "</b></li>");
    }
    text_append(out, "</ul>\n");
}

static void fact(Text *out, bool *is_first, const char *s) {
    if (!*is_first) text_append(out, " <span class=\"dot\">\xC2\xB7</span> ");
    *is_first = false;
    text_append(out, s);
}

static void header(Page *page) {
    Text *out = page->out;
    const Report *r = page->report;
    text_append(out, "<header>\n<div class=\"masthead\"><p class=\"kind\">Scenario</p>"
                     "<button type=\"button\" id=\"theme\" hidden=\"hidden\">Theme</button></div>\n<h1>");
    html_escape(out, is_said(r->title) ? r->title : "Untitled scenario");
    text_append(out, "</h1>\n");
    if (is_said(r->subtitle)) {
        text_append(out, "<p class=\"subtitle\">");
        html_escape(out, r->subtitle);
        text_append(out, "</p>\n");
    }

    bool is_first = true;
    text_append(out, "<p class=\"facts\">");
    if (is_said(r->from) && is_said(r->until)) {
        fact(out, &is_first, "");
        html_date(out, r->from);
        text_append(out, " \xE2\x80\x93 ");
        html_date(out, r->until);
    }
    if (is_said(r->unit)) {
        fact(out, &is_first, "time in ");
        html_escape(out, r->unit);
        text_char(out, 's');
    }
    if (r->states > 0) {
        fact(out, &is_first, "");
        html_number(out, r->states, 15);
        text_append(out, r->states == 1 ? " state" : " states");
    }
    if (is_said(r->choice)) {
        fact(out, &is_first, "choice ");
        html_escape(out, r->choice);
    }
    text_append(out, "</p>\n");

    if (is_said(r->summary)) {
        text_append(out, "<p class=\"lead\">");
        html_escape(out, r->summary);
        text_append(out, "</p>\n");
    }
    lead(page);
    Tally t = tally_claims(r->claims);
    if (t.all) tally_list(out, t);
    for (int64_t i = 0; i < page_rows(r->notes); i++) {
        text_append(out, "<p class=\"warning\">");
        html_escape(out, frame_text(r->notes, "text", i));
        text_append(out, "</p>\n");
    }
    text_append(out, "</header>\n");
}

static void contents(Page *page) {
    const Report *r = page->report;
    const struct { bool is_there; const char *anchor, *name; } part[] = {
        {page_rows(r->claims) > 0, "claims", "Claims"},
        {page_rows(r->accounts) > 0, "rivals", "Rivals"},
        {page->has_series, "paths", "Paths"},
        {page_rows(r->stories) > 0, "stories", "Stories"},
        {page_rows(r->actors) || page_rows(r->stocks) || page_rows(r->modes), "scenario", "Scenario"},
        {page_rows(r->values) || page_rows(r->choices), "start", "Start"},
        {page_rows(r->reasons) > 0, "reasons", "Reasons"},
        {page_rows(r->certificate) > 0, "certificate", "Certificate"},
        {page_rows(r->params) > 0, "parameters", "Parameters"},
        {page_rows(r->sources) > 0, "sources", "Sources"},
        {true, "again", "Reproduce"},
    };
    text_append(page->out, "<nav aria-label=\"Contents\"><ul>");
    for (size_t i = 0; i < DUR_COUNT(part); i++)
        if (part[i].is_there)
            text_printf(page->out, "<li><a href=\"#%s\">%s</a></li>", part[i].anchor, part[i].name);
    text_append(page->out, "</ul></nav>\n");
}

// ---- the whole ----------------------------------------------------------------------------------------------------

static void write_page(Page *page) {
    const Report *r = page->report;
    Text *out = page->out;
    if (!gather_policies(page)) return;
    gather_time(page);

    char generator[64];
    snprintf(generator, sizeof generator, "duress %.40s", is_said(r->version) ? r->version : "");
    html_begin(out, is_said(r->title) ? r->title : "Untitled scenario", generator);
    text_append(out, "<a class=\"skip\" href=\"#main\">Skip to the content</a>\n");
    header(page);
    contents(page);
    text_append(out, "<main id=\"main\" data-unit=\"");
    html_escape(out, r->unit);
    text_append(out, "\">\n");
    page_claims(page);
    page_rivals(page);
    note(page);
    page_paths(page);
    page_stories(page);
    page_scenario(page);
    page_start(page);
    page_reasons(page);
    page_certificate(page);
    page_parameters(page);
    page_reproduction(page);
    text_append(out, "</main>\n");
    html_end(out);
}

DurStatus report_html(const Report *report, Text *out, DurError *error) {
    text_clear(out);
    TRY(check_shape(report, error));
    Page page = {.report = report, .out = out, .arena = arena_make()};
    if (page.arena) write_page(&page);
    bool is_whole = page.arena && !out->failed;
    arena_free(page.arena);
    if (is_whole) return DUR_OK;
    text_free(out);
    return status_fail(error, DUR_MEMORY, "out of memory while writing the report");
}
