#include "report/html.h"
#include "report/page.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

// the interval of left - right in words: a half-width for exact answers, whose bounds would print alike
static void difference(Page *page, const Frame *c, int64_t i) {
    Text *out = page->out;
    double left = frame_number(c, "left", i), right = frame_number(c, "right", i);
    double low = frame_number(c, "low", i), high = frame_number(c, "high", i);
    double confidence = frame_number(c, "confidence", i);
    html_number(out, left - right, 4);
    if (!isfinite(low) || !isfinite(high)) return;
    double half = 0.5 * (high - low);
    if (half <= 1e-5 * fmax(fabs(left), fabs(right))) {
        if (half > 0) {
            text_append(out, " <span class=\"quiet\">\xC2\xB1\xE2\x80\xAF");
            html_number(out, half, 1);
            text_append(out, "</span>");
        }
        return;
    }
    text_append(out, " <span class=\"quiet\">from</span> ");
    html_number(out, low, 4);
    text_append(out, " <span class=\"quiet\">to</span> ");
    html_number(out, high, 4);
    if (confidence > 0 && confidence < 1) {
        text_append(out, " <span class=\"quiet\">at ");
        text_confidence(out, confidence);
        text_append(out, "\xE2\x80\xAF%</span>");
    }
}

static void method(Page *page, const Frame *c, int64_t i) {
    Text *out = page->out;
    const char *how = frame_text(c, "method", i);
    double runs = frame_number(c, "runs", i);
    if (strcmp(how, "exact") == 0) text_append(out, "exact on the lattice");
    else html_escape(out, how);
    if (runs > 0) {
        if (how[0]) text_append(out, ", ");
        html_number(out, runs, 15);
        text_append(out, runs == 1 ? " run" : " runs");
    }
}

static void term(Text *out, const char *mark, const char *name) {
    text_append(out, "<div><dt>");
    if (mark) text_printf(out, "<span class=\"mark %s\"></span>", mark);
    text_printf(out, "%s</dt><dd>", name);
}

// what the scenario says that its grid does to the claim
static void grid(Page *page, const Frame *c, int64_t i) {
    Text *out = page->out;
    if (frame_number(c, "sensitive", i) > 0) {
        text_append(out, "<b class=\"change\">the verdict depends on the grid</b>, by the scenario\xE2\x80\x99s own word");
        return;
    }
    text_append(out, "said to move the difference by ");
    html_number(out, frame_number(c, "grid", i), 4);
    text_append(out, " at most when doubled");
}

static void picture(Page *page, const Frame *c, int64_t i) {
    double left = frame_number(c, "left", i), right = frame_number(c, "right", i);
    if (!isfinite(left) || !isfinite(right)) return;
    Text title = {0}, description = {0};
    text_printf(&title, "%s: left side against right side", frame_text(c, "name", i));
    text_append(&description, "Left side ");
    html_number_plain(&description, left, 4);
    text_append(&description, ", right side ");
    html_number_plain(&description, right, 4);
    text_append(&description, "; their difference lies between ");
    html_number_plain(&description, frame_number(c, "low", i), 4);
    text_append(&description, " and ");
    html_number_plain(&description, frame_number(c, "high", i), 4);
    text_char(&description, '.');

    char id[16];
    ChartBox box = {.id = page_id(page, id), .title = text_view(&title), .description = text_view(&description),
                    .width = 340, .height = 62};
    chart_interval(page->out, &box, left, right, frame_number(c, "low", i), frame_number(c, "high", i),
                   frame_text(c, "comparison", i));
    if (title.failed || description.failed) page->out->failed = true;
    text_free(&title);
    text_free(&description);
}

static void card(Page *page, const Frame *c, int64_t i) {
    Text *out = page->out;
    const char *verdict = frame_text(c, "verdict", i);
    bool is_known = strcmp(verdict, "holds") == 0 || strcmp(verdict, "fails") == 0;
    text_append(out, "<article class=\"card claim\">\n<p class=\"top\">");
    text_printf(out, "<span class=\"verdict %s\">", is_known ? verdict : "undecided");
    html_escape(out, verdict[0] ? verdict : "undecided");
    text_append(out, "</span> <span class=\"id\">");
    html_escape(out, frame_text(c, "name", i));
    text_append(out, "</span></p>\n<h3>");
    html_escape(out, frame_text(c, page_is_empty(c, "text", i) ? "name" : "text", i));
    text_append(out, "</h3>\n");
    if (!page_is_empty(c, "sentence", i)) {
        text_append(out, "<p><code class=\"sentence\">");
        html_escape(out, frame_text(c, "sentence", i));
        text_append(out, "</code></p>\n");
    }
    picture(page, c, i);

    text_append(out, "<dl class=\"sides\">");
    term(out, "left", "left side");
    page_side(page, c, "left", i, 4);
    text_append(out, "</dd></div>");
    term(out, "right", "right side");
    page_side(page, c, "right", i, 4);
    text_append(out, "</dd></div>");
    term(out, NULL, "difference");
    difference(page, c, i);
    text_append(out, "</dd></div>");
    if (!page_is_empty(c, "method", i) || frame_number(c, "runs", i) > 0) {
        term(out, NULL, "found");
        method(page, c, i);
        text_append(out, "</dd></div>");
    }
    if (frame_number(c, "sensitive", i) > 0 || !page_is_empty(c, "grid", i)) {
        term(out, NULL, "grid");
        grid(page, c, i);
        text_append(out, "</dd></div>");
    }
    if (frame_column(c, "rests")) {
        term(out, NULL, "rests on");
        if (page_is_empty(c, "rests", i)) text_append(out, "no assumed parameter");
        else text_append(out, "<span class=\"assumed\">assumed</span> ");
        page_show(page, c, "rests", i);
        text_append(out, "</dd></div>");
    }
    term(out, NULL, "source");
    page_cite(page, c, i);
    text_append(out, "</dd></div></dl>\n");
    page_notes(page, c, i);
    text_append(out, "</article>\n");
}

void page_claims(Page *page) {
    const Frame *claims = page->report->claims;
    if (page_rows(claims) == 0) return;
    page_section(page, "claims", "Claims");
    text_append(page->out,
        "<p class=\"how\">Each claim compares two numbers that the model gives. It <em>holds</em> or <em>fails</em> "
        "when the whole interval of their difference lies on one side; while it doesn\xE2\x80\x99t, the claim is "
        "<em>undecided</em>. In the pictures the dot is the left side and the upright line the right side; the bar is the "
        "interval of their difference, drawn from the right side on, and the shaded side is where the claim would "
        "hold.");
    bool is_sampled = false;
    for (int64_t i = 0; i < page_rows(claims); i++) is_sampled |= frame_number(claims, "confidence", i) < 1;
    if (is_sampled)
        text_append(page->out, " A confidence is that of one sampled interval: of many some may miss their number.");
    text_append(page->out, "</p>\n<div class=\"cards\">\n");
    for (int64_t i = 0; i < page_rows(claims); i++) card(page, claims, i);
    text_append(page->out, "</div>\n</section>\n");
}
