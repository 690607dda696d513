/// What every part of the page is written with: escaping, numbers and dates for people, tables that fold on a phone,
/// the skeleton of the page. The page is HTML that is also well-formed XML, which is what the tests hold it to.
#ifndef REPORT_HTML_H
#define REPORT_HTML_H

#include "base/text.h"

#include <stdbool.h>
#include <stdint.h>

/// Any text as HTML, in an element or inside quotes of an attribute. Bytes that are not UTF-8 and control characters
/// become U+FFFD; NULL writes nothing.
void html_escape(Text *out, const char *s);
/// The same for at most `n` characters, the last an ellipsis if there were more.
void html_escape_short(Text *out, const char *s, int n);

/// A sentence of which names stand between backticks: these become code.
void html_prose(Text *out, const char *s);

/// A number for a person in HTML: "324,000", "−0.0418", "3.2 × 10⁻⁹" (as markup), "∞"; NaN is an en dash.
void html_number(Text *out, double x, int digits);
/// The same without markup, for SVG and attributes: "3.2e−9".
void html_number_plain(Text *out, double x, int digits);
/// A share of one as a percentage: "12 %", "0.3 %", "<0.1 %" and ">99.9 %" for what is not none or all but would round to
/// it.
void html_percent(Text *out, double share);
/// The same for what is escaped later.
void html_percent_plain(Text *out, double share);

/// A count in words up to twelve ("no", "one", ... "twelve"), else in digits.
void html_count(Text *out, int64_t n);
/// "2025-01-20" as "20 January 2025"; any other text as it is, escaped.
void html_date(Text *out, const char *iso);
/// A size in bytes in a unit that suits it: "120 MB".
void html_bytes(Text *out, double n_byte);

/// An address that a person may follow: http or https. Anything else is shown as text, never linked.
bool html_is_link(const char *url);

// ---- tables: every cell knows its heading, so that on a narrow screen a row folds into a list ---------------------

typedef struct HtmlTable {
    Text *out;                    // borrowed
    const char *const *heading;   // [n_column] borrowed; plain text
    int n_column;
    int column;                   // of the next cell
} HtmlTable;

/// `style` is a class list ("" for none), `caption` plain text or NULL.
HtmlTable html_table(Text *out, const char *style, const char *caption, const char *const *heading, int n_column);
void html_row(HtmlTable *t);
/// Open a cell, whose content the caller writes, and close it. `style` is a class: "number", "name", "code" or "".
void html_cell(HtmlTable *t, const char *style);
void html_end_cell(HtmlTable *t);
/// A whole cell of escaped text, or of a number; an empty text or a NaN is an empty cell.
void html_cell_text(HtmlTable *t, const char *style, const char *s);
void html_cell_number(HtmlTable *t, double x, int digits);
void html_end_row(HtmlTable *t);
void html_end_table(HtmlTable *t);

// ---- the skeleton -------------------------------------------------------------------------------------------------

/// Everything before the content: document type, head with style sheet and a policy that forbids every load.
void html_begin(Text *out, const char *title, const char *generator);
/// Everything behind it: the script.
void html_end(Text *out);

// ORDER: style.c and script.c hold these, NULL at the end
extern const char *const HTML_STYLE[];
extern const char *const HTML_DARK[];     // the dark palette: declarations without a selector
extern const char *const HTML_PRINT[];
extern const char *const HTML_SCRIPT[];

#endif
