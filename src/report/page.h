/// The parts of the page and what they share. Internal to the module.
#ifndef REPORT_PAGE_H
#define REPORT_PAGE_H

#include "base/arena.h"
#include "report/chart.h"
#include "report/report.h"

typedef struct Page {
    const Report *report;       // borrowed
    Text  *out;                 // borrowed
    Arena *arena;               // scratch of this page
    int    n_id;                // ids given so far

    // policies in the order of their colours: "" (the equilibrium), those declared, others that the series know
    int    n_policy;
    const char **policy;        // [n_policy] names
    ChartTime time;             // of all series
    bool has_series;
} Page;

/// Rows of a frame that may be NULL.
static inline int64_t page_rows(const Frame *frame) { return frame ? frame->n_row : 0; }

/// Zeroed scratch; NULL when memory is out, and then the page is marked as failed.
void *page_alloc(Page *page, size_t n, size_t each);

/// What a policy is called: its name, "equilibrium" for "".
const char *page_policy_label(const char *policy);
/// Index into page->policy, or -1.
int page_find_policy(const Page *page, const char *name);

/// Index of the row of a frame whose text in `column` is `name`, or -1. The frame may be NULL.
int64_t page_find_row(const Frame *frame, const char *column, const char *name);

/// A new id for a drawing, "c1", "c2", ... into the caller's buffer of 16 bytes.
const char *page_id(Page *page, char buffer[16]);

/// A section with its heading and an anchor; closed by the caller with "</section>".
void page_section(Page *page, const char *anchor, const char *heading);

/// A cell of a column of either kind, for a person: text as it is, a number with its column's unit; nothing if empty.
void page_show(Page *page, const Frame *frame, const char *column, int64_t row);
bool page_is_empty(const Frame *frame, const char *column, int64_t row);

/// Where a row comes from: a link to the source with the locator, or to each of several, or the mark "assumed".
/// The columns are source and locator, or cites; a source "name:locator" is split where there is no locator.
/// The place in the scenario follows.
void page_cite(Page *page, const Frame *frame, int64_t row);
/// That place alone: column place, "parts.duress:23"; nothing where it is not known.
void page_place(Page *page, const Frame *frame, int64_t row);
bool page_is_assumed(const Frame *frame, int64_t row);

/// All frames whose rows may cite, those first that owe a source: claims, params, stocks, moves, events.
#define PAGE_CITING 11
void page_citing(const Page *page, const Frame *frame[PAGE_CITING]);
/// "cited by " and the names of all rows that cite a source, or that none does.
void page_cited_by(Page *page, const char *source);

/// The "left" or "right" side of a claim: a number, and where none of the runs showed it how much it is at most.
void page_side(Page *page, const Frame *frame, const char *side, int64_t row, int digits);

/// What to know of how a claim was answered, if there is anything: columns not_exact and note.
void page_notes(Page *page, const Frame *frame, int64_t row);

/// A word of n things: "no levers", "one lever", "13 levers".
void page_count(Page *page, int64_t n, const char *one, const char *many);

// sections, in the order of the page; each writes nothing if it has nothing to say
void page_claims(Page *page);
void page_rivals(Page *page);
void page_paths(Page *page);
void page_stories(Page *page);
void page_scenario(Page *page);
void page_start(Page *page);
void page_reasons(Page *page);
void page_certificate(Page *page);
void page_parameters(Page *page);
void page_reproduction(Page *page);

#endif
