#include "report/html.h"
#include "report/page.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

// the row of a claim's prediction by an account; -1 where it has none
static int64_t find(const Frame *p, const char *claim, const char *account) {
    for (int64_t i = 0; i < page_rows(p); i++)
        if (strcmp(frame_text(p, "claim", i), claim) == 0 && strcmp(frame_text(p, "account", i), account) == 0) return i;
    return -1;
}

static void list_accounts(Page *page, const Frame *a) {
    static const char *const heading[] = {"account", "what it says", "what it replaces", "source"};
    Text *out = page->out;
    HtmlTable t = html_table(out, "fold", NULL, heading, DUR_COUNT(heading));
    for (int64_t i = 0; i < page_rows(a); i++) {
        html_row(&t);
        html_cell_text(&t, "name", frame_text(a, "name", i));
        html_cell_text(&t, "", frame_text(a, "text", i));
        html_cell_text(&t, "code", frame_text(a, "overrides", i));
        if (page_is_empty(a, "source", i) && page_is_empty(a, "place", i)) html_cell_text(&t, "", "");
        else {
            html_cell(&t, "");
            if (page_is_empty(a, "source", i)) page_place(page, a, i);
            else page_cite(page, a, i);
            html_end_cell(&t);
        }
        html_end_row(&t);
    }
    html_end_table(&t);
}

static void prediction(Page *page, HtmlTable *t, const Frame *p, int64_t i) {
    Text *out = page->out;
    const char *verdict = i < 0 ? "" : frame_text(p, "verdict", i);
    if (!verdict[0]) {
        html_cell_text(t, "", "");
        return;
    }
    bool is_known = strcmp(verdict, "holds") == 0 || strcmp(verdict, "fails") == 0;
    html_cell(t, frame_number(p, "alone", i) > 0 ? "alone" : "");
    text_printf(out, "<span class=\"verdict %s\">", is_known ? verdict : "undecided");
    html_escape(out, verdict);
    text_append(out, "</span><div class=\"quiet\">");
    page_side(page, p, "left", i, 3);
    text_char(out, ' ');
    html_escape(out, frame_text(p, "comparison", i));
    text_char(out, ' ');
    page_side(page, p, "right", i, 3);
    text_append(out, "</div>");
    page_notes(page, p, i);
    html_end_cell(t);
}

void page_rivals(Page *page) {
    const Frame *a = page->report->accounts, *p = page->report->predictions;
    if (page_rows(a) == 0) return;
    Text *out = page->out;
    page_section(page, "rivals", "Other explanations");
    text_append(out, "<p class=\"how\">The scenario as it is written and each of its rivals, which say otherwise of some lines, asked "
                     "the same claims. Where one of them alone says what no other does, its cell is marked: that is what an observer "
                     "would have to see to tell it from the rest.</p>\n");
    list_accounts(page, a);
    int n = (int)page_rows(a) + 1;
    const char **heading = page_alloc(page, (size_t)n, sizeof *heading);
    if (!heading) return;
    heading[0] = "claim on which they differ";
    for (int k = 1; k < n; k++) heading[k] = frame_text(a, "name", k - 1);
    const char *before = "";
    HtmlTable t = html_table(out, "numbers rivals", "Where they predict otherwise", heading, n);
    for (int64_t i = 0; i < page_rows(p); i++) {
        const char *claim = frame_text(p, "claim", i);
        if (strcmp(claim, before) == 0) continue;   // rows of a claim stand together
        before = claim;
        html_row(&t);
        html_cell(&t, "name");
        text_append(out, "<span class=\"id\">");
        html_escape(out, claim);
        text_append(out, "</span><div>");
        html_escape(out, frame_text(p, "text", i));
        text_append(out, "</div>");
        html_end_cell(&t);
        for (int k = 1; k < n; k++) prediction(page, &t, p, find(p, claim, heading[k]));
        html_end_row(&t);
    }
    html_end_table(&t);
    if (page_rows(p) == 0) text_append(out, "<p>They differ on no claim.</p>\n");
    text_append(out, "</section>\n");
}
