#include "report/html.h"
#include "report/page.h"

#include <ctype.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

// the error that the certificate leaves in values: residual times the largest value; 0 if it says nothing
static double value_error(const Report *r) {
    int64_t row = page_find_row(r->certificate, "quantity", "residual");
    double residual = row < 0 ? 0 : frame_number(r->certificate, "value", row), largest = 0;
    for (int64_t i = 0; i < page_rows(r->values); i++) {
        double size = fabs(frame_number(r->values, "value", i));
        if (size > largest) largest = size;
    }
    return isfinite(residual * largest) ? residual * largest : 0;
}

// ---- values and choices at the start ------------------------------------------------------------------------------

static void choices_of(Page *page, const char *actor) {
    const Frame *c = page->report->choices;
    Text *out = page->out;
    static const char *const heading[] = {"move", "", "probability"};
    bool is_open = false;
    HtmlTable t = {0};
    for (int64_t i = 0; i < page_rows(c); i++) {
        double probability = frame_number(c, "probability", i);
        // a move that cannot be made at the start has no probability
        if (strcmp(frame_text(c, "actor", i), actor) != 0 || isnan(probability)) continue;
        if (!is_open) t = html_table(out, "choices", NULL, heading, 3);
        is_open = true;
        const char *move = frame_text(c, "move", i);
        html_row(&t);
        html_cell_text(&t, strcmp(move, "wait") ? "name" : "name quiet", move);
        html_cell(&t, "bar");
        text_append(out, "<svg viewBox=\"0 0 100 8\" preserveAspectRatio=\"none\" aria-hidden=\"true\">"
                         "<rect class=\"track\" x=\"0\" y=\"0\" width=\"100\" height=\"8\"/>"
                         "<rect class=\"share\" x=\"0\" y=\"0\" height=\"8\" width=\"");
        text_printf(out, "%.2f", 100 * fmin(fmax(probability, 0), 1));
        text_append(out, "\"/></svg>");
        html_end_cell(&t);
        html_cell(&t, "number");
        html_percent(out, probability);
        html_end_cell(&t);
        html_end_row(&t);
    }
    if (is_open) html_end_table(&t);
}

// actors that values or choices speak of, in the order of the scenario
void page_start(Page *page) {
    const Report *r = page->report;
    Text *out = page->out;
    if (page_rows(r->values) == 0 && page_rows(r->choices) == 0) return;
    page_section(page, "start", "Values and choices at the start");
    text_append(out, "<p class=\"how\">An actor\xE2\x80\x99s value is the sum of its payoffs from the start on, "
                     "discounted by its patience, when all play the equilibrium. Its choices are the probabilities "
                     "of its moves, and of waiting, at one opportunity in the state at the start.</p>\n<div "
                     "class=\"cards\">\n");
    const Frame *order = page_rows(r->values) ? r->values : r->actors;
    const char *column = order == r->values ? "actor" : "name";
    for (int64_t i = 0; i < page_rows(order); i++) {
        const char *actor = frame_text(order, column, i);
        int64_t value = page_find_row(r->values, "actor", actor), row = page_find_row(r->actors, "name", actor);
        text_append(out, "<article class=\"card\">\n<p class=\"top\"><span class=\"id\">");
        html_escape(out, actor);
        text_append(out, "</span></p>\n");
        if (row >= 0 && !page_is_empty(r->actors, "text", row)) {
            text_append(out, "<h4>");
            html_escape(out, frame_text(r->actors, "text", row));
            text_append(out, "</h4>\n");
        }
        if (value >= 0) {
            text_append(out, "<p class=\"figure\"><b>");
            // digits of a value that is smaller than its own error are noise
            double v = frame_number(r->values, "value", value);
            html_number(out, fabs(v) < value_error(r) ? 0 : v, 5);
            text_append(out, "</b> <span class=\"quiet\">value at the start</span></p>\n");
        }
        choices_of(page, actor);
        text_append(out, "</article>\n");
    }
    text_append(out, "</div>\n</section>\n");
}

// ---- the certificate ----------------------------------------------------------------------------------------------

typedef enum Form { PLAIN, WHOLE, BYTES, SMALL, LEFT_OUT } Form;

static const struct Explained {
    const char *quantity, *label;
    Form form;
    const char *meaning;
} EXPLAINED[] = {
    {"residual", "residual", SMALL, "How far the values are from satisfying their own equations, at the worst state, "
                                    "relative to the largest value. Computed afresh from the result."},
    {"consistency", "consistency", SMALL, "How far any choice probability is from what the exact values of these "
                                          "very choices would make it, at the worst state. The exact values come "
                                          "from a separate linear solve."},
    {"tolerance", "tolerance", SMALL, "The residual that was asked for."},
    {"iterations", "iterations", WHOLE, "Sweeps over the whole lattice."},
    {"steps", "steps", WHOLE, "Steps in which precision was raised from zero to its stated values."},
    // time is another at every run, and the page is to be the same
    {"seconds", "", LEFT_OUT, ""},
    {"certificate_seconds", "", LEFT_OUT, ""},
    {"memory", "memory", BYTES, "Taken by the solver."},
};

static void quantity_row(Page *page, HtmlTable *t, int64_t i) {
    const Frame *c = page->report->certificate;
    Text *out = page->out;
    const char *quantity = frame_text(c, "quantity", i);
    double value = frame_number(c, "value", i);
    Form form = PLAIN;
    const char *meaning = "", *label = quantity;
    for (size_t k = 0; k < DUR_COUNT(EXPLAINED); k++)
        if (strcmp(EXPLAINED[k].quantity, quantity) == 0) {
            form = EXPLAINED[k].form;
            label = EXPLAINED[k].label;
            meaning = EXPLAINED[k].meaning;
        }
    if (form == LEFT_OUT) return;
    html_row(t);
    html_cell(t, "name");
    html_escape(out, label);
    html_end_cell(t);
    html_cell(t, "number");
    if (isnan(value))       text_append(out, "not computed");
    else if (form == BYTES) html_bytes(out, value);
    else if (form == WHOLE) html_number(out, value, 15);
    else                    html_number(out, value, form == SMALL ? 2 : 6);
    html_end_cell(t);
    html_cell_text(t, "prose", meaning);
    html_end_row(t);
}

void page_certificate(Page *page) {
    const Report *r = page->report;
    Text *out = page->out;
    if (page_rows(r->certificate) == 0 && page_rows(r->regret) == 0) return;
    page_section(page, "certificate", "Certificate of the solution");
    text_append(out, "<p class=\"how\">How well the game was solved: residual, consistency and regret are computed from the solution alone, after it was found. ");
    if (page_rows(r->certificate))
        text_append(out, r->converged ? "The solve <b>met its tolerance</b>."
                                      : "The solve <b>missed its tolerance</b>: they show how far it came.");
    text_append(out, "</p>\n");
    if (page_rows(r->certificate)) {
        static const char *const heading[] = {"quantity", "value", "what it says"};
        HtmlTable t = html_table(out, "fold", NULL, heading, 3);
        for (int64_t i = 0; i < page_rows(r->certificate); i++) quantity_row(page, &t, i);
        html_end_table(&t);
    }
    if (page_rows(r->regret)) {
        static const char *const heading[] = {"actor", "regret", "share of its value"};
        bool has_value = page_rows(r->values) > 0;
        text_append(out, "<p class=\"how below\">Regret is the most that an actor could gain at the start by a "
                         "perfectly rational deviation while the others keep their rules. It is above zero wherever "
                         "choices are made with some error, as they are at any finite precision.</p>\n");
        HtmlTable t = html_table(out, "regret", NULL, heading, has_value ? 3 : 2);
        for (int64_t i = 0; i < page_rows(r->regret); i++) {
            const char *actor = frame_text(r->regret, "actor", i);
            double regret = frame_number(r->regret, "value", i);
            html_row(&t);
            html_cell_text(&t, "name", actor);
            html_cell(&t, "number");
            if (isnan(regret)) text_append(out, "not computed");
            else               html_number(out, regret, 3);
            html_end_cell(&t);
            if (has_value) {
                int64_t row = page_find_row(r->values, "actor", actor);
                double value = row < 0 ? NAN : frame_number(r->values, "value", row);
                if (isfinite(regret / value) && fabs(value) > value_error(r)) {
                    html_cell(&t, "number");
                    html_percent(out, regret / fabs(value));
                    html_end_cell(&t);
                } else {
                    html_cell_text(&t, "", NULL);
                }
            }
            html_end_row(&t);
        }
        html_end_table(&t);
    }
    text_append(out, "</section>\n");
}

// ---- parameters and sources ---------------------------------------------------------------------------------------

static void parameters(Page *page) {
    const Frame *p = page->report->params;
    Text *out = page->out;
    if (page_rows(p) == 0) return;
    static const char *const heading[] = {"parameter", "value", "prior", "what it is", "source"};
    page_section(page, "parameters", "Parameters");
    text_append(out, "<p class=\"how\">The values that this page was computed with. A prior says how sure the "
                     "scenario is of a value; those without a source are marked as assumed.</p>\n");
    HtmlTable t = html_table(out, "fold", NULL, heading, 5);
    for (int64_t i = 0; i < page_rows(p); i++) {
        html_row(&t);
        html_cell_text(&t, "name", frame_text(p, "name", i));
        html_cell(&t, "number");
        html_number(out, frame_number(p, "value", i), 6);
        if (!page_is_empty(p, "unit", i)) {
            text_append(out, "\xC2\xA0");
            html_escape(out, frame_text(p, "unit", i));
        }
        html_end_cell(&t);
        html_cell_text(&t, "code prior", frame_text(p, "prior", i));
        html_cell_text(&t, "prose", frame_text(p, "text", i));
        html_cell(&t, "source");
        if (!page_is_empty(p, "change", i)) {
            text_append(out, "<b class=\"change\">");
            html_escape(out, frame_text(p, "change", i));
            text_append(out, "</b>, ");
        }
        page_cite(page, p, i);
        html_end_cell(&t);
        html_end_row(&t);
    }
    html_end_table(&t);
    text_append(out, "</section>\n");
}

// what stands behind the colon of a citation, by an example
static void locators(Page *page) {
    Text *out = page->out;
    const Frame *frame[PAGE_CITING];
    page_citing(page, frame);
    for (int f = 0; f < PAGE_CITING; f++)
        for (int64_t i = 0; i < page_rows(frame[f]); i++) {
            if (page_is_empty(frame[f], "locator", i)) continue;
            const char *source = frame_text(frame[f], "source", i), *locator = frame_text(frame[f], "locator", i);
            text_append(out, "<p class=\"how\">What follows the colon of a citation is the place in the source: <code>");
            html_escape(out, source);
            text_char(out, ':');
            html_escape(out, locator);
            text_append(out, "</code> is ");
            text_append(out, isdigit((unsigned char)locator[0]) ? "paragraph, page or row " : "");
            html_escape(out, locator);
            text_append(out, " of <code>");
            html_escape(out, source);
            text_append(out, "</code>, by the count of whoever wrote the scenario. A citation without one rests on the "
                             "source as a whole.</p>\n");
            return;
        }
}

static void sources(Page *page) {
    const Frame *s = page->report->sources;
    Text *out = page->out;
    if (page_rows(s) == 0) return;
    page_section(page, "sources", "Sources");
    locators(page);
    text_append(out, "<ul class=\"sources\">\n");
    for (int64_t i = 0; i < page_rows(s); i++) {
        text_printf(out, "<li id=\"source-%" PRId64 "\"><span class=\"id\">", i + 1);
        html_escape(out, frame_text(s, "name", i));
        text_append(out, "</span> ");
        html_escape(out, frame_text(s, "text", i));
        if (!page_is_empty(s, "date", i)) {
            text_append(out, ", ");
            html_date(out, frame_text(s, "date", i));
        }
        if (!page_is_empty(s, "file", i)) {
            text_append(out, " <code>");
            html_escape(out, frame_text(s, "file", i));
            text_append(out, "</code>");
        }
        const char *url = frame_text(s, "url", i);
        if (html_is_link(url)) {
            text_append(out, " <a rel=\"noopener noreferrer\" href=\"");
            html_escape(out, url);
            text_append(out, "\">");
            html_escape(out, url);
            text_append(out, "</a>");
        } else if (url[0]) {
            text_append(out, " <code>");
            html_escape(out, url);
            text_append(out, "</code>");
        }
        text_append(out, " <span class=\"used\">");
        page_cited_by(page, frame_text(s, "name", i));
        page_place(page, s, i);
        text_append(out, "</span></li>\n");
    }
    text_append(out, "</ul>\n</section>\n");
}

void page_parameters(Page *page) {
    parameters(page);
    sources(page);
}

// ---- how to do it again -------------------------------------------------------------------------------------------

static void item(Text *out, const char *name, const char *value) {
    if (!value || !value[0]) return;
    text_printf(out, "<div><dt>%s</dt><dd><code>", name);
    html_escape(out, value);
    text_append(out, "</code></dd></div>\n");
}

void page_reproduction(Page *page) {
    const Report *r = page->report;
    Text *out = page->out;
    page_section(page, "again", "How to reproduce this page");
    text_append(out, "<p class=\"how\">The same scenario, seed, runs and version give the same page to the last "
                     "bit, on any number of threads.</p>\n");
    if (r->command && r->command[0]) {
        text_append(out, "<div class=\"command\"><pre><code id=\"command\">");
        html_escape(out, r->command);
        text_append(out, "</code></pre><button type=\"button\" id=\"copy\" hidden=\"hidden\">Copy</button></div>\n");
    }
    char buffer[32];
    text_append(out, "<dl class=\"again\">\n");
    item(out, "scenario", r->path);
    item(out, "hash of its meaning", r->hash);
    if (r->runs > 0) {
        snprintf(buffer, sizeof buffer, "%" PRIu64, r->seed);
        item(out, "seed", buffer);
        snprintf(buffer, sizeof buffer, "%" PRId64, r->runs);
        item(out, "runs of each policy", buffer);
    }
    item(out, "simulation", r->simulation);
    item(out, "choice", r->choice);
    item(out, "version", r->version);
    text_append(out, "</dl>\n<p class=\"small quiet\">This page is one file and loads nothing. It was written by "
                     "Duress");
    if (r->version && r->version[0]) {
        text_char(out, ' ');
        html_escape(out, r->version);
    }
    text_append(out, ".</p>\n</section>\n");
}
