#include "report/html.h"
#include "report/page.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

/// What counts for less than this part of the largest step is drawn as "the rest".
#define REST 0.01

static bool is_row(const Frame *f, int64_t i, const char *actor, const char *move) {
    return strcmp(frame_text(f, "actor", i), actor) == 0 && (!move || strcmp(frame_text(f, "move", i), move) == 0);
}

// ---- sums by name -------------------------------------------------------------------------------------------------

typedef struct Sums {
    int n;
    const char **name;   // [n] in order of first mention, then by size
    double *value;       // [n]
} Sums;

static int find(const Sums *s, const char *name) {
    int i = 0;
    while (i < s->n && strcmp(s->name[i], name) != 0) i++;
    return i;
}

// the parts of one move, summed by the text of one column
static Sums sums_by(Page *page, const char *column, const char *actor, const char *move) {
    const Frame *f = page->report->reason_parts;
    size_t room = (size_t)page_rows(f) + 1;
    Sums s = {.name = page_alloc(page, room, sizeof *s.name), .value = page_alloc(page, room, sizeof *s.value)};
    if (!s.name || !s.value) return (Sums){0};
    for (int64_t i = 0; i < page_rows(f); i++) {
        if (!is_row(f, i, actor, move)) continue;
        const char *name = frame_text(f, column, i);
        int at = find(&s, name);
        if (at == s.n) s.name[s.n++] = name;
        s.value[at] += frame_number(f, "value", i);
    }
    return s;
}

// largest first, what is too small to see gathered in one
static Sums told(Page *page, const Sums *all) {
    Sums s = {.name = page_alloc(page, (size_t)all->n + 1, sizeof *s.name),
              .value = page_alloc(page, (size_t)all->n + 1, sizeof *s.value)};
    if (!s.name || !s.value) return (Sums){0};
    double most = 0, rest = 0;
    for (int i = 0; i < all->n; i++) most = fmax(most, fabs(all->value[i]));
    for (int i = 0; i < all->n; i++) {
        if (!(fabs(all->value[i]) >= REST * most) || all->value[i] == 0) {
            rest += all->value[i];
            continue;
        }
        int at = s.n++;
        for (; at > 0 && fabs(s.value[at - 1]) < fabs(all->value[i]); at--) {
            s.value[at] = s.value[at - 1];
            s.name[at] = s.name[at - 1];
        }
        s.value[at] = all->value[i];
        s.name[at] = all->name[i];
    }
    if (rest != 0) {
        s.name[s.n] = "the rest";
        s.value[s.n++] = rest;
    }
    return s;
}

// ---- one move -----------------------------------------------------------------------------------------------------

static void waterfall(Page *page, const char *move, const char *caption, const Sums *all) {
    Sums s = told(page, all);
    Text title = {0}, description = {0};
    text_printf(&title, "%s against waiting, %s", move, caption);
    for (int i = 0; i < s.n; i++) {
        text_printf(&description, "%s%s ", i ? ", " : "", s.name[i]);
        html_number_plain(&description, s.value[i], 3);
    }
    text_char(&description, '.');
    char id[16];
    ChartBox box = {.id = page_id(page, id), .title = text_view(&title), .description = text_view(&description),
                    .width = 340, .height = chart_waterfall_height(s.n)};
    text_printf(page->out, "<figure>\n<figcaption>By %s</figcaption>\n", caption);
    chart_waterfall(page->out, &box, s.n, s.name, s.value, "all");
    text_append(page->out, "</figure>\n");
    if (title.failed || description.failed) page->out->failed = true;
    text_free(&title);
    text_free(&description);
}

// every part by every carrier
static void matrix(Page *page, const char *actor, const char *move, const Sums *parts, const Sums *carriers) {
    const Frame *f = page->report->reason_parts;
    Text *out = page->out;
    const char **heading = page_alloc(page, (size_t)parts->n + 2, sizeof *heading);
    double *cell = page_alloc(page, (size_t)parts->n * (size_t)carriers->n + 1, sizeof *cell);
    if (!heading || !cell) return;
    for (int64_t i = 0; i < page_rows(f); i++)
        if (is_row(f, i, actor, move))
            cell[find(carriers, frame_text(f, "carrier", i)) * parts->n + find(parts, frame_text(f, "part", i))] +=
                frame_number(f, "value", i);
    heading[0] = "";
    for (int p = 0; p < parts->n; p++) heading[1 + p] = parts->name[p];
    heading[1 + parts->n] = "all";
    text_append(out, "<details><summary>Numbers<span class=\"hidden\"> behind ");
    html_escape(out, move);
    text_append(out, "</span></summary>\n");
    HtmlTable t = html_table(out, "numbers matrix", "What carries it, by what pays it; all rows and columns add up", heading,
                             parts->n + 2);
    for (int c = 0; c <= carriers->n; c++) {
        html_row(&t);
        html_cell_text(&t, "name", c < carriers->n ? carriers->name[c] : "all");
        for (int p = 0; p < parts->n; p++)
            html_cell_number(&t, c < carriers->n ? cell[c * parts->n + p] : parts->value[p], 3);
        double total = 0;
        for (int p = 0; p < parts->n; p++) total += c < carriers->n ? cell[c * parts->n + p] : parts->value[p];
        html_cell_number(&t, total, 3);
        html_end_row(&t);
    }
    html_end_table(&t);
    text_append(out, "</details>\n");
}

static void reason(Page *page, int64_t row) {
    const Frame *f = page->report->reasons;
    Text *out = page->out;
    const char *actor = frame_text(f, "actor", row), *move = frame_text(f, "move", row);
    int64_t known = page_find_row(page->report->moves, "name", move);
    text_append(out, "<article class=\"card reason\">\n<p class=\"top\"><span class=\"id\">");
    html_escape(out, move);
    text_append(out, "</span> <span class=\"quiet small\">chosen ");
    html_percent(out, frame_number(f, "probability", row));
    text_append(out, " of the time</span></p>\n");
    if (known >= 0 && !page_is_empty(page->report->moves, "text", known)) {
        text_append(out, "<h4>");
        html_escape(out, frame_text(page->report->moves, "text", known));
        text_append(out, "</h4>\n");
    }
    text_append(out, "<p class=\"sentence\">");
    html_prose(out, frame_text(f, "sentence", row));
    text_append(out, "</p>\n");
    Sums parts = sums_by(page, "part", actor, move), carriers = sums_by(page, "carrier", actor, move);
    if (parts.n) {
        text_append(out, "<div class=\"falls\">\n");
        waterfall(page, move, "what pays it", &parts);
        waterfall(page, move, "what carries it", &carriers);
        text_append(out, "</div>\n");
        matrix(page, actor, move, &parts, &carriers);
    }
    text_append(out, "</article>\n");
}

// ---- one actor ----------------------------------------------------------------------------------------------------

static void changes(Page *page, const char *actor) {
    const Frame *f = page->report->mind_changes;
    Text *out = page->out;
    static const char *const heading[] = {"stock", "here", "changes at", "what changes"};
    HtmlTable t = {0};
    bool is_open = false, has_change = false;
    const char *last = "";
    for (int64_t i = 0; i < page_rows(f); i++)
        has_change |= is_row(f, i, actor, NULL) && isfinite(frame_number(f, "at", i));
    if (!has_change) return;
    for (int64_t i = 0; i < page_rows(f); i++) {
        if (!is_row(f, i, actor, NULL)) continue;
        if (!is_open) {
            text_append(out, "<details><summary>Where along each stock its mind changes<span class=\"hidden\">, ");
            html_escape(out, actor);
            text_append(out, "</span></summary>\n");
            t = html_table(out, "numbers", NULL, heading, 4);
        }
        is_open = true;
        const char *stock = frame_text(f, "stock", i);
        bool is_first = strcmp(stock, last) != 0;
        last = stock;
        html_row(&t);
        html_cell_text(&t, "name", is_first ? stock : NULL);
        html_cell_number(&t, is_first ? frame_number(f, "here", i) : NAN, 4);
        html_cell_number(&t, frame_number(f, "at", i), 4);
        html_cell_text(&t, "name", frame_text(f, "turn", i));
        html_end_row(&t);
    }
    if (!is_open) return;
    html_end_table(&t);
    text_append(out, "</details>\n");
}

// a row that has fewer cells than the first is filled up
static void end_row(HtmlTable *t) {
    while (t->column < t->n_column) html_cell_text(t, "", NULL);
    html_end_row(t);
}

// rows of one actor come param by param, each with the same moves in the same order
static void sensitivities(Page *page, const char *actor) {
    const Frame *f = page->report->sensitivities;
    Text *out = page->out;
    int64_t n_row = page_rows(f);
    const char **heading = page_alloc(page, (size_t)n_row + 3, sizeof *heading);
    if (!heading) return;
    int n = 0;
    const char *first = NULL;
    heading[n++] = "one step more of";
    heading[n++] = "from";
    heading[n++] = "to";
    for (int64_t i = 0; i < n_row; i++) {
        if (!is_row(f, i, actor, NULL)) continue;
        if (!first) first = frame_text(f, "param", i);
        if (strcmp(first, frame_text(f, "param", i)) != 0) break;
        const char *move = frame_text(f, "move", i);
        heading[n++] = move[0] ? move : "its value";
    }
    if (!first) return;
    text_append(out, "<details><summary>What one step of each parameter changes<span class=\"hidden\">, ");
    html_escape(out, actor);
    text_append(out, "</span></summary>\n<p class=\"how below\">Change of the chance of each move, and of the actor\xE2\x80\x99s "
                     "value, to first order, everyone\xE2\x80\x99s answers included, in the state at hand: what only sets "
                     "where a stock starts shows 0. A step is a standard deviation of the "
                     "prior, or a tenth where there is none; * marks a kink, where the two sides differ.</p>\n");
    HtmlTable t = html_table(out, "numbers matrix", NULL, heading, n);
    bool is_open = false;
    const char *last = NULL;
    for (int64_t i = 0; i < n_row; i++) {
        if (!is_row(f, i, actor, NULL)) continue;
        const char *param = frame_text(f, "param", i);
        if (!last || strcmp(last, param) != 0) {
            if (is_open) end_row(&t);
            html_row(&t);
            html_cell_text(&t, "name", param);
            html_cell_number(&t, frame_number(f, "from", i), 4);
            html_cell_number(&t, frame_number(f, "to", i), 4);
            is_open = true;
        }
        last = param;
        if (t.column >= n) continue;
        double effect = frame_number(f, "effect", i), kink = frame_number(f, "kink", i);
        html_cell(&t, "number");
        if (effect > 0) text_char(out, '+');
        html_number(out, fabs(effect) < 5e-13 ? 0 : effect, 3);
        if (kink > 0) text_char(out, '*');
        html_end_cell(&t);
    }
    if (is_open) end_row(&t);
    html_end_table(&t);
    text_append(out, "</details>\n");
}

static void of_actor(Page *page, const char *actor) {
    const Report *r = page->report;
    Text *out = page->out;
    int64_t known = page_find_row(r->actors, "name", actor);
    bool has_text = known >= 0 && !page_is_empty(r->actors, "text", known);
    text_append(out, "<h3>");
    html_escape(out, has_text ? frame_text(r->actors, "text", known) : actor);
    text_append(out, "</h3>\n");
    for (int64_t i = 0; i < page_rows(r->minds); i++) {
        if (!is_row(r->minds, i, actor, NULL)) continue;
        text_append(out, "<p class=\"mind\">");
        html_prose(out, frame_text(r->minds, "text", i));
        text_append(out, "</p>\n");
    }
    changes(page, actor);
    sensitivities(page, actor);
    for (int64_t i = 0; i < page_rows(r->reasons); i++)
        if (is_row(r->reasons, i, actor, NULL)) reason(page, i);
}

void page_reasons(Page *page) {
    const Frame *f = page->report->reasons;
    if (page_rows(f) == 0) return;
    page_section(page, "reasons", "Why they choose so");
    text_append(page->out,
        "<p class=\"how\">For every move that an actor can make at the start: what it is worth against waiting, split twice so "
        "that each split adds up to the whole. <b>What pays it</b>: terms of the actor\xE2\x80\x99s payoff, costs and payments. "
        "<b>What carries it</b>: the step itself is what the new state would be worth if it lasted; stocks, events, "
        "replies of others and the actor\xE2\x80\x99s own later moves change it from there. All with everyone\xE2\x80\x99s "
        "choices as they are in the equilibrium.</p>\n");
    const char *last = NULL;
    for (int64_t i = 0; i < page_rows(f); i++) {
        const char *actor = frame_text(f, "actor", i);
        bool is_told = last && strcmp(last, actor) == 0;
        for (int64_t k = 0; k < i && !is_told; k++) is_told = strcmp(frame_text(f, "actor", k), actor) == 0;
        if (!is_told) of_actor(page, actor);
        last = actor;
    }
    text_append(page->out, "</section>\n");
}
