#include "report/diagram.h"
#include "report/html.h"
#include "report/page.h"

#include <math.h>
#include <string.h>

static void subheading(Page *page, const char *s) { text_printf(page->out, "<h3>%s</h3>\n", s); }

// is there anything to say in a column of a frame
static bool has_column(const Frame *frame, const char *column) {
    for (int64_t i = 0; i < page_rows(frame); i++)
        if (!page_is_empty(frame, column, i)) return true;
    return false;
}

static void shown_cell(Page *page, HtmlTable *t, const char *style, const Frame *frame, const char *column,
                       int64_t row) {
    if (page_is_empty(frame, column, row)) {
        html_cell_text(t, "", NULL);
        return;
    }
    html_cell(t, style);
    page_show(page, frame, column, row);
    html_end_cell(t);
}

// a thing's name with what it is below
static void name_cell(Page *page, HtmlTable *t, const Frame *frame, int64_t row) {
    html_cell(t, "name");
    text_append(page->out, "<b>");
    html_escape(page->out, frame_text(frame, "name", row));
    text_append(page->out, "</b>");
    if (!page_is_empty(frame, "text", row)) {
        text_append(page->out, " <span class=\"about\">");
        html_escape(page->out, frame_text(frame, "text", row));
        text_append(page->out, "</span>");
    }
    html_end_cell(t);
}

// whether a line without a source is assumed
typedef enum Cite { CITE_IF_ANY, CITE_OWED } Cite;

// the heading of the column that tells where lines come from; NULL: nothing tells it
static const char *origin_heading(Cite cite, const Frame *frame) {
    return cite == CITE_OWED || has_column(frame, "source") ? "source" : has_column(frame, "place") ? "line" : NULL;
}

static void origin(Page *page, Cite cite, const Frame *frame, int64_t row) {
    if (cite == CITE_OWED || !page_is_empty(frame, "source", row)) page_cite(page, frame, row);
    else page_place(page, frame, row);
}

static void origin_cell(Page *page, HtmlTable *t, Cite cite, const Frame *frame, int64_t row) {
    if (cite == CITE_IF_ANY && page_is_empty(frame, "source", row) && page_is_empty(frame, "place", row)) {
        html_cell_text(t, "", NULL);
        return;
    }
    html_cell(t, "source");
    origin(page, cite, frame, row);
    html_end_cell(t);
}

// a table of names and of those columns that have something in them
typedef struct Shown { const char *column, *heading, *style; } Shown;

static void frame_table(Page *page, const Frame *frame, const char *what, int n_shown, const Shown *shown, Cite cite) {
    enum { COLUMNS_MAX = 12 };
    const char *heading[COLUMNS_MAX] = {what};
    const Shown *column[COLUMNS_MAX];
    int n = 1;
    for (int i = 0; i < n_shown; i++) {
        if (!has_column(frame, shown[i].column)) continue;
        column[n] = &shown[i];
        heading[n++] = shown[i].heading;
    }
    int n_all = n + (origin_heading(cite, frame) != NULL);
    heading[n] = origin_heading(cite, frame);
    HtmlTable t = html_table(page->out, "fold", NULL, heading, n_all);
    for (int64_t i = 0; i < page_rows(frame); i++) {
        html_row(&t);
        name_cell(page, &t, frame, i);
        for (int k = 1; k < n; k++) shown_cell(page, &t, column[k]->style, frame, column[k]->column, i);
        if (n_all > n) origin_cell(page, &t, cite, frame, i);
        html_end_row(&t);
    }
    html_end_table(&t);
}

// ---- who moves what -----------------------------------------------------------------------------------------------

// the table beside the drawing: one row for each thing that reaches others, in the words of the links
static void links_table(Page *page) {
    static const char *const KIND[][2] = {{"changes", "changes"}, {"drives", "drives the drift of"},
                                          {"hastens", "sets the rate of"}, {"weighs", "weighs in the payoff of"}};
    static const char *const heading[] = {"what", "does", "what to"};
    const Frame *links = page->report->links;
    int64_t n = page_rows(links);
    bool *is_done = page_alloc(page, (size_t)n, sizeof *is_done);
    if (!is_done) return;
    HtmlTable t = html_table(page->out, "links", NULL, heading, 3);
    for (size_t k = 0; k < DUR_COUNT(KIND); k++)
        for (int64_t i = 0; i < n; i++) {
            if (is_done[i] || strcmp(frame_text(links, "kind", i), KIND[k][0]) != 0) continue;
            const char *from = frame_text(links, "from", i);
            html_row(&t);
            html_cell_text(&t, "name", from);
            html_cell_text(&t, "", KIND[k][1]);
            html_cell(&t, "");
            bool is_first = true;
            for (int64_t j = i; j < n; j++) {
                if (is_done[j] || strcmp(frame_text(links, "kind", j), KIND[k][0]) != 0
                    || strcmp(frame_text(links, "from", j), from) != 0) continue;
                is_done[j] = true;
                if (!is_first) text_append(page->out, ", ");
                is_first = false;
                const char *to = frame_text(links, "to", j);
                html_escape(page->out, strcmp(to, from) == 0 ? "itself" : to);
            }
            html_end_cell(&t);
            html_end_row(&t);
        }
    html_end_table(&t);
}

static void who_moves_what(Page *page) {
    Text *out = page->out;
    if (page_rows(page->report->links) == 0) return;
    subheading(page, "Who moves what");
    char id[16];
    Text drawing = {0};
    bool is_drawn = diagram_draw(&drawing, page->arena, page->report, page_id(page, id));
    if (is_drawn) {
        text_append(out, "<p class=\"how\">Levers of one actor that change the same things share a box. Round ends "
                         "are modes, square ends are stocks; arcs on the right lead from a variable to a stock whose "
                         "drift depends on it");
        text_append(out, page_rows(page->report->events)
                             ? ", and dotted lines to an event whose rate does.</p>\n" : ".</p>\n");
        text_append(out, "<div class=\"drawing\" tabindex=\"0\" role=\"group\" aria-label=\"Diagram of who moves "
                         "what\">\n");
        text_append(out, text_view(&drawing));
        text_append(out, "</div>\n");
    }
    if (drawing.failed) out->failed = true;
    text_free(&drawing);
    // without a drawing the table is the answer, and stands open
    text_append(out, is_drawn ? "<details><summary>The same as a table</summary>\n"
                              : "<details open=\"open\"><summary>Who moves what, as a table</summary>\n");
    links_table(page);
    text_append(out, "</details>\n");
}

// ---- the rest -----------------------------------------------------------------------------------------------------

static void actors(Page *page) {
    Text *out = page->out;
    const Report *r = page->report;
    if (page_rows(r->actors) == 0) return;
    subheading(page, "Actors");
    text_append(out, "<div class=\"cards\">\n");
    for (int64_t i = 0; i < page_rows(r->actors); i++) {
        const char *name = frame_text(r->actors, "name", i);
        text_append(out, "<article class=\"card\">\n<p class=\"top\"><span class=\"id\">");
        html_escape(out, name);
        text_append(out, "</span> <span class=\"small\">");
        origin(page, CITE_IF_ANY, r->actors, i);
        text_append(out, "</span></p>\n");
        if (!page_is_empty(r->actors, "text", i)) {
            text_append(out, "<h4>");
            html_escape(out, frame_text(r->actors, "text", i));
            text_append(out, "</h4>\n");
        }
        static const char *const trait[] = {"patience", "precision", "attends"};
        text_append(out, "<dl class=\"traits\">");
        for (size_t k = 0; k < DUR_COUNT(trait); k++) {
            if (page_is_empty(r->actors, trait[k], i)) continue;
            text_printf(out, "<div><dt>%s</dt><dd>", trait[k]);
            page_show(page, r->actors, trait[k], i);
            text_append(out, "</dd></div>");
        }
        text_append(out, "</dl>\n");

        bool has_terms = false;
        for (int64_t k = 0; k < page_rows(r->payoffs); k++) {
            if (strcmp(frame_text(r->payoffs, "actor", k), name) != 0) continue;
            if (!has_terms)
                text_append(out, "<p class=\"small\">Payoff, per unit of time:</p>\n<dl class=\"terms\">");
            has_terms = true;
            text_append(out, "<div><dt>");
            html_escape(out, frame_text(r->payoffs, "term", k));
            text_append(out, "</dt><dd><code>");
            html_escape(out, frame_text(r->payoffs, "expression", k));
            text_append(out, "</code> ");
            origin(page, CITE_IF_ANY, r->payoffs, k);
            text_append(out, "</dd></div>");
        }
        if (has_terms) text_append(out, "</dl>\n");
        text_append(out, "</article>\n");
    }
    text_append(out, "</div>\n");
    if (has_column(r->actors, "patience") || has_column(r->actors, "precision") || has_column(r->actors, "attends"))
        text_append(out, "<p class=\"small quiet\">Patience is the time over which an actor discounts; precision is "
                         "how surely it takes the better of two choices (0: by chance); it attends, and may move, at "
                         "the stated rate.</p>\n");
}

static void levers(Page *page) {
    if (page_rows(page->report->moves) == 0) return;
    static const Shown shown[] = {{"actor", "of", ""}, {"when", "when", "code"}, {"effect", "then", "code"},
                                  {"cost", "cost", "code"}};
    subheading(page, "Levers");
    frame_table(page, page->report->moves, "lever", (int)DUR_COUNT(shown), shown, CITE_OWED);
}

static void stocks(Page *page) {
    const Frame *s = page->report->stocks;
    if (page_rows(s) == 0) return;
    bool has_noise = has_column(s, "noise");
    static const char *const with[] = {"stock", "range", "start", "drift", "noise", "source"};
    static const char *const without[] = {"stock", "range", "start", "drift", "source"};
    subheading(page, "Stocks");
    HtmlTable t = html_table(page->out, "fold", NULL, has_noise ? with : without, has_noise ? 6 : 5);
    for (int64_t i = 0; i < page_rows(s); i++) {
        html_row(&t);
        name_cell(page, &t, s, i);
        double low = frame_number(s, "low", i), high = frame_number(s, "high", i);
        if (isnan(low) || isnan(high)) {
            html_cell_text(&t, "", NULL);
        } else {
            html_cell(&t, "number");
            html_number(page->out, low, 6);
            text_append(page->out, "\xE2\x80\xAF\xE2\x80\x93\xE2\x80\xAF");
            html_number(page->out, high, 6);
            if (!page_is_empty(s, "unit", i)) {
                text_append(page->out, "\xC2\xA0");
                html_escape(page->out, frame_text(s, "unit", i));
            }
            html_end_cell(&t);
        }
        shown_cell(page, &t, "number", s, "start", i);
        shown_cell(page, &t, "code", s, "drift", i);
        if (has_noise) shown_cell(page, &t, "code", s, "noise", i);
        origin_cell(page, &t, CITE_OWED, s, i);
        html_end_row(&t);
    }
    html_end_table(&t);
}

static void modes(Page *page) {
    const Frame *m = page->report->modes;
    if (page_rows(m) == 0) return;
    const char *const heading[] = {"mode", "of", "values, the first at the start", origin_heading(CITE_IF_ANY, m)};
    subheading(page, "Modes");
    HtmlTable t = html_table(page->out, "fold", NULL, heading, heading[3] ? 4 : 3);
    for (int64_t i = 0; i < page_rows(m); i++) {
        html_row(&t);
        name_cell(page, &t, m, i);
        html_cell_text(&t, "", page_is_empty(m, "actor", i) ? "nature" : frame_text(m, "actor", i));
        shown_cell(page, &t, "", m, "values", i);
        if (heading[3]) origin_cell(page, &t, CITE_IF_ANY, m, i);
        html_end_row(&t);
    }
    html_end_table(&t);
}

static void events(Page *page) {
    if (page_rows(page->report->events) == 0) return;
    static const Shown shown[] = {{"when", "when", "code"}, {"rate", "rate", "code"}, {"effect", "then", "code"}};
    subheading(page, "Events");
    frame_table(page, page->report->events, "event", (int)DUR_COUNT(shown), shown, CITE_OWED);
}

static void definitions(Page *page) {
    const Frame *d = page->report->definitions;
    if (page_rows(d) == 0) return;
    static const Shown shown[] = {{"expression", "stands for", "code"}};
    subheading(page, "Definitions");
    frame_table(page, d, "name", (int)DUR_COUNT(shown), shown, CITE_IF_ANY);
}

static void policies(Page *page) {
    if (page_rows(page->report->policies) == 0) return;
    static const Shown shown[] = {{"actor", "of", ""}, {"what", "as written", "code"}};
    subheading(page, "Policies");
    frame_table(page, page->report->policies, "policy", (int)DUR_COUNT(shown), shown, CITE_IF_ANY);
}

void page_scenario(Page *page) {
    const Report *r = page->report;
    if (!page_rows(r->actors) && !page_rows(r->stocks) && !page_rows(r->modes)) return;
    page_section(page, "scenario", "What the scenario says");
    who_moves_what(page);
    actors(page);
    levers(page);
    stocks(page);
    modes(page);
    events(page);
    definitions(page);
    policies(page);
    text_append(page->out, "</section>\n");
}
