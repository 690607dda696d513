#include "report/html.h"

#include "report/calendar.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define REPLACEMENT "\xEF\xBF\xBD"
#define ELLIPSIS    "\xE2\x80\xA6"
#define MINUS       "\xE2\x88\x92"
#define EN_DASH     "\xE2\x80\x93"
#define THIN_SPACE  "\xE2\x80\xAF"
#define NO_BREAK    "\xC2\xA0"

// ---- escaping -----------------------------------------------------------------------------------------------------

static void put_character(Text *out, const char *s, size_t n) {
    unsigned char c = (unsigned char)s[0];
    if (n > 1)          text_append_n(out, s, n);
    else if (c == '&')  text_append(out, "&amp;");
    else if (c == '<')  text_append(out, "&lt;");
    else if (c == '>')  text_append(out, "&gt;");
    else if (c == '"')  text_append(out, "&quot;");
    else if (c == '\'') text_append(out, "&#39;");
    else if ((c < 0x20 && c != '\n' && c != '\t') || c == 0x7F) text_append(out, REPLACEMENT);
    else                text_char(out, (char)c);
}

// bytes of the character at s, 0 if what stands there is not UTF-8
static size_t character_size(const char *s) {
    unsigned char c = (unsigned char)s[0];
    size_t n = c < 0x80 ? 1 : (c & 0xE0) == 0xC0 ? 2 : (c & 0xF0) == 0xE0 ? 3 : (c & 0xF8) == 0xF0 ? 4 : 0;
    for (size_t i = 1; i < n; i++)
        if (!s[i]) return 0;
    // U+FFFE and U+FFFF are UTF-8 but no character of XML
    if (n == 3 && c == 0xEF && (unsigned char)s[1] == 0xBF && (unsigned char)s[2] >= 0xBE) return 0;
    return n && text_is_utf8(s, n, NULL) ? n : 0;
}

static void escape(Text *out, const char *s, int most) {
    if (!s) return;
    int left = most;
    while (*s) {
        size_t n = character_size(s);
        if (most >= 0 && left == 1 && s[n ? n : 1]) {
            text_append(out, ELLIPSIS);
            return;
        }
        if (n) put_character(out, s, n);
        else   text_append(out, REPLACEMENT);
        s += n ? n : 1;
        left--;
    }
}

void html_escape(Text *out, const char *s) { escape(out, s, -1); }
void html_escape_short(Text *out, const char *s, int n) { escape(out, s, n < 1 ? 1 : n); }

void html_prose(Text *out, const char *s) {
    bool is_code = false;
    while (*s) {
        size_t n = strcspn(s, "`");
        const char *close = s[n] && !is_code ? strchr(s + n + 1, '`') : NULL;
        Text piece = {0};
        // a number stays on the line of its sign
        for (size_t i = 0; i < n; i++) {
            if (s[i] == ' ' && i + 1 < n && s[i + 1] == '%') text_append(&piece, "\xC2\xA0");
            else text_char(&piece, s[i]);
        }
        html_escape(out, text_view(&piece));
        out->failed |= piece.failed;
        text_free(&piece);
        s += n;
        if (!*s) break;
        // a tick without a second one is itself
        if (is_code || close) {
            text_append(out, is_code ? "</code>" : "<code>");
            is_code = !is_code;
        } else {
            text_char(out, '`');
        }
        s++;
    }
}

// ---- numbers, dates, sizes ----------------------------------------------------------------------------------------

// the plain number into a buffer, which holds any finite double below 1e15 with its commas
static void number_text(char buffer[512], double x, int digits) {
    Text text = {0};
    text_number(&text, x, digits);
    snprintf(buffer, 512, "%s", text_view(&text));
    text_free(&text);
}

static void number(Text *out, double x, int digits, bool markup) {
    if (isnan(x)) { text_append(out, EN_DASH); return; }
    if (isinf(x)) { text_append(out, x < 0 ? MINUS "\xE2\x88\x9E" : "\xE2\x88\x9E"); return; }
    char buffer[512];
    number_text(buffer, x, digits);
    if (!buffer[0]) out->failed = true;
    for (const char *c = buffer; *c; c++) {
        if (*c == '-') {
            text_append(out, MINUS);
        } else if (*c == 'e') {
            int power = 0;
            sscanf(c + 1, "%d", &power);
            text_append(out, markup ? THIN_SPACE "\xC3\x97" THIN_SPACE "10<sup>" : "e");
            if (power < 0) text_append(out, MINUS);
            text_printf(out, "%d", power < 0 ? -power : power);
            if (markup) text_append(out, "</sup>");
            return;
        } else {
            text_char(out, *c);
        }
    }
}

void html_number(Text *out, double x, int digits) { number(out, x, digits, true); }
void html_number_plain(Text *out, double x, int digits) { number(out, x, digits, false); }

void html_percent_plain(Text *out, double share) {
    double percent = 100 * share, near = fmin(percent, 100 - percent);
    if (!isfinite(percent)) { text_append(out, EN_DASH); return; }
    // ORDER: percent, also in script.c
    if (near > 0 && near < 0.05) text_append(out, percent < 50 ? "<0.1" : ">99.9");
    else text_printf(out, "%.*f", near > 0 && (percent < 9.95 || percent >= 99.5), percent);
    text_append(out, THIN_SPACE "%");
}

void html_percent(Text *out, double share) {
    Text plain = {0};
    html_percent_plain(&plain, share);
    html_escape(out, text_view(&plain));
    out->failed |= plain.failed;
    text_free(&plain);
}

void html_count(Text *out, int64_t n) {
    static const char *const word[] = {"no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine",
                                       "ten", "eleven", "twelve"};
    if (n >= 0 && n < (int64_t)DUR_COUNT(word)) text_append(out, word[n]);
    else html_number(out, (double)n, 15);
}

void html_date(Text *out, const char *iso) {
    int64_t day, year;
    int month, date;
    if (!calendar_read(iso, &day)) {
        html_escape(out, iso);
        return;
    }
    calendar_date(day, &year, &month, &date);
    text_printf(out, "%d" NO_BREAK "%s %" PRId64, date, calendar_month(month), year);
}

void html_bytes(Text *out, double n_byte) {
    static const char *const unit[] = {"bytes", "kB", "MB", "GB", "TB"};
    size_t i = 0;
    while (i + 1 < DUR_COUNT(unit) && n_byte >= 1000) {
        n_byte /= 1000;
        i++;
    }
    html_number(out, n_byte, 3);
    text_printf(out, NO_BREAK "%s", unit[i]);
}

bool html_is_link(const char *url) {
    if (!url) return false;
    size_t start = strncmp(url, "https://", 8) == 0 ? 8 : strncmp(url, "http://", 7) == 0 ? 7 : 0;
    if (!start || !url[start]) return false;
    for (const char *c = url; *c; c++)
        if ((unsigned char)*c <= 0x20 || *c == '"' || *c == '<' || *c == '>' || *c == '\\') return false;
    return true;
}

// ---- tables -------------------------------------------------------------------------------------------------------

HtmlTable html_table(Text *out, const char *style, const char *caption, const char *const *heading, int n_column) {
    HtmlTable t = {.out = out, .heading = heading, .n_column = n_column};
    text_printf(out, "<div class=\"scroll\"><table class=\"%s\">\n", style);
    if (caption) {
        text_append(out, "<caption>");
        html_escape(out, caption);
        text_append(out, "</caption>\n");
    }
    text_append(out, "<thead><tr>");
    for (int i = 0; i < n_column; i++) {
        text_append(out, "<th scope=\"col\">");
        html_escape(out, heading[i]);
        text_append(out, "</th>");
    }
    text_append(out, "</tr></thead>\n<tbody>\n");
    return t;
}

void html_row(HtmlTable *t) {
    text_append(t->out, "<tr>");
    t->column = 0;
}

void html_cell(HtmlTable *t, const char *style) {
    assert(t->column < t->n_column);
    text_append(t->out, "<td");
    if (style[0]) text_printf(t->out, " class=\"%s\"", style);
    text_append(t->out, " data-label=\"");
    html_escape(t->out, t->heading[t->column++]);
    text_append(t->out, "\">");
}

void html_end_cell(HtmlTable *t) { text_append(t->out, "</td>"); }

// an empty cell is marked, so that it takes no line where rows fold
static void empty_cell(HtmlTable *t) {
    assert(t->column < t->n_column);
    t->column++;
    text_append(t->out, "<td class=\"empty\"></td>");
}

void html_cell_text(HtmlTable *t, const char *style, const char *s) {
    if (!s || !s[0]) {
        empty_cell(t);
        return;
    }
    html_cell(t, style);
    html_escape(t->out, s);
    html_end_cell(t);
}

void html_cell_number(HtmlTable *t, double x, int digits) {
    if (isnan(x)) {
        empty_cell(t);
        return;
    }
    html_cell(t, "number");
    html_number(t->out, x, digits);
    html_end_cell(t);
}

void html_end_row(HtmlTable *t) {
    assert(t->column == t->n_column);
    text_append(t->out, "</tr>\n");
}

void html_end_table(HtmlTable *t) { text_append(t->out, "</tbody></table></div>\n"); }

// ---- the skeleton -------------------------------------------------------------------------------------------------

static void put_lines(Text *out, const char *const *line) {
    for (; *line; line++) {
        text_append(out, *line);
        text_char(out, '\n');
    }
}

void html_begin(Text *out, const char *title, const char *generator) {
    text_append(out, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n"
                     "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n"
                     "<meta name=\"color-scheme\" content=\"light dark\"/>\n"
                     "<meta name=\"referrer\" content=\"no-referrer\"/>\n"
                     "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src "
                     "'unsafe-inline'; script-src 'unsafe-inline'; base-uri 'none'; form-action 'none'\"/>\n"
                     "<meta name=\"generator\" content=\"");
    html_escape(out, generator);
    text_append(out, "\"/>\n<title>");
    html_escape(out, title);
    text_append(out, "</title>\n<style>\n");
    put_lines(out, HTML_STYLE);
    // the dark palette twice: for those whose system is dark, and for those who ask for it
    text_append(out, "@media (prefers-color-scheme: dark) { :root:not([data-theme=light]) {\n");
    put_lines(out, HTML_DARK);
    text_append(out, "} }\n:root[data-theme=dark] {\n");
    put_lines(out, HTML_DARK);
    text_append(out, "}\n");
    put_lines(out, HTML_PRINT);
    // a choice made before holds from the first paint on
    text_append(out, "</style>\n<script>try { var t = localStorage.getItem(\"duress-theme\"); "
                     "if (t) document.documentElement.dataset.theme = t; } catch (e) {}</script>\n</head>\n<body>\n");
}

void html_end(Text *out) {
    text_append(out, "<script>\n");
    put_lines(out, HTML_SCRIPT);
    text_append(out, "</script>\n</body>\n</html>\n");
}
