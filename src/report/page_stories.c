#include "report/html.h"
#include "report/page.h"

#include <math.h>
#include <string.h>

static void of_event(Page *page, const Frame *f, int64_t i) {
    Text *out = page->out;
    text_append(out, "<li class=\"");
    html_escape(out, frame_text(f, "kind", i));
    text_append(out, "\"><span class=\"when\">");
    if (page_is_empty(f, "date", i)) {
        html_number(out, frame_number(f, "time", i), 4);
        text_append(out, "\xC2\xA0");
        html_escape(out, page->report->unit);
        if (frame_number(f, "time", i) != 1 && page->report->unit && page->report->unit[0]) text_char(out, 's');
    } else html_date(out, frame_text(f, "date", i));
    text_append(out, "</span> <span>");
    html_prose(out, frame_text(f, "text", i));
    text_append(out, "</span></li>\n");
}

static void state(Text *out, const char *what, const char *words) {
    text_printf(out, "<li class=\"end\"><span class=\"when\">%s</span> <span>", what);
    html_escape(out, words);
    text_append(out, "</span></li>\n");
}

static void of_story(Page *page, const Frame *f, int64_t i) {
    Text *out = page->out;
    const Frame *events = page->report->story_events;
    const char *name = frame_text(f, "name", i), *policy = frame_text(f, "policy", i);
    double happened = frame_number(f, "happened", i), told = frame_number(f, "told", i);
    text_append(out, "<article class=\"card story\">\n<h3>");
    html_escape(out, frame_text(f, "title", i));
    text_append(out, "</h3>\n<p class=\"how\">");
    html_escape(out, frame_text(f, "how", i));
    text_append(out, " It is run ");
    html_number(out, frame_number(f, "run", i), 15);
    if (policy[0]) {
        text_append(out, " under policy ");
        html_escape(out, policy);
    }
    // the first stands open; the others are long to scroll past
    text_printf(out, ".</p>\n<details%s><summary>", i == 0 ? " open=\"open\"" : "");
    html_count(out, (int64_t)happened);
    text_append(out, happened == 1 ? " thing happens</summary>\n<ol>\n" : " things happen</summary>\n<ol>\n");
    state(out, "start", frame_text(f, "start", i));
    for (int64_t k = 0; k < page_rows(events); k++)
        if (strcmp(frame_text(events, "story", k), name) == 0) of_event(page, events, k);
    if (told < happened) {
        text_append(out, "<li class=\"end\"><span class=\"when\">and</span> <span>");
        html_number(out, happened - told, 15);
        text_append(out, " more that are not told here</span></li>\n");
    }
    state(out, "end", frame_text(f, "end", i));
    text_append(out, "</ol>\n</details>\n<p class=\"id\">");
    html_escape(out, frame_text(f, "command", i));
    text_append(out, "</p>\n</article>\n");
}

void page_stories(Page *page) {
    const Frame *f = page->report->stories;
    if (page_rows(f) == 0) return;
    page_section(page, "stories", "Some runs as stories");
    text_append(page->out,
        "<p class=\"how\">What an average hides: single runs, thing by thing. Of a move it is told how likely it was at that opportunity, "
        "and what it was worth to its actor beside waiting, by what pays it. The choice of runs follows from the ensemble alone and is "
        "told with each; one run shows what can happen, not how often.</p>\n<div class=\"stories\">\n");
    for (int64_t i = 0; i < page_rows(f); i++) of_story(page, f, i);
    text_append(page->out, "</div>\n</section>\n");
}
