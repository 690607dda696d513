/// A report: one run's results as one self-contained HTML page. It loads nothing, neither from the network nor from
/// the disk; charts are SVG written here; it is whole without its script, prints, and reads on a phone, dark or
/// light. The page says what the frames say and adds no judgement of its own.
#ifndef REPORT_REPORT_H
#define REPORT_REPORT_H

#include "base/status.h"
#include "base/text.h"
#include "frame/frame.h"

#include <stdbool.h>
#include <stdint.h>

/// What goes on the page. Everything is borrowed and only read; any text may be NULL, any frame may be NULL or have
/// no rows, and what is not there is left out. Texts are plain UTF-8: escaping is done here.
///
/// Columns are found by name. Those in [brackets] may be missing; "t" marks text, "n" numbers; where neither stands a
/// column may be of either kind (a number is shown with its column's unit). Names refer to one another: moves.actor
/// is one of actors.name, and so on; a name that is not found is shown as it is. Wherever a source may stand there may also be
/// [cites] t: all sources with their places where there are several, "op_ed:14, territory_us", the first among them, and
/// [place] t: file and line of the scenario that say it, "parts.duress:23".
typedef struct Report {
    const char *title;            // of the scenario
    const char *subtitle;         // one line below it
    const char *summary;          // a paragraph to stand before the one that the page makes from the frames
    const char *path;             // of the scenario file
    const char *hash;             // of the compiled scenario
    const char *version;          // of the program
    const char *command;          // that makes this page again
    const char *unit;             // of time: "month"
    const char *from, *until;     // "2025-01-20"; NULL or "" without a calendar
    const char *choice;           // "quantal" or "taste"
    const char *simulation;       // how runs were made: "continuous" or "lattice"
    uint64_t seed;
    int64_t  runs;                // for each policy; 0: nothing was simulated
    double   states;              // of the lattice; 0: not solved
    bool     converged;           // whether the solve met its tolerance; only looked at if `certificate` has rows

    // what the scenario says
    const Frame *actors;          // name t, [text] t, [patience], [precision], [attends], [source] t, [locator] t
    const Frame *moves;           // name t, actor t, [text] t, [when] t, [effect] t, [cost], [source] t, [locator] t
    const Frame *events;          // name t, [text] t, [when] t, [rate], [effect] t, [source] t, [locator] t
    const Frame *stocks;          // name t, [text] t, [low] n, [high] n, [start], [drift] t, [noise] t, [unit] t,
                                  // [source] t, [locator] t
    const Frame *modes;           // name t, [actor] t ("": nature), [text] t, [values] t ("none, threatened, imposed"),
                                  // [source] t, [locator] t
    const Frame *definitions;     // name t, [text] t, expression t, [source] t, [locator] t: names for expressions
    const Frame *payoffs;         // actor t, term t, expression t, [source] t, [locator] t
    const Frame *policies;        // name t, [text] t, [actor] t, [what] t, [source] t, [locator] t; the equilibrium is not
                                  // among them
    const Frame *links;           // from t, to t, kind t: "changes" (move or event -> mode or stock),
                                  // "drives" (variable -> stock, in its drift), "hastens" (variable -> event, in
                                  // its rate), "weighs" (variable -> actor, in its payoff)
    const Frame *params;          // name t, value n, [unit] t, [prior] t, [source] t, [locator] t, [text] t,
                                  // [assumed] n (1: no source), [change] t (whose value it is, if not the scenario's)
    const Frame *sources;         // name t, [text] t, [url] t, [date] t, [file] t, [place] t

    // what came of it; a policy "" is the equilibrium
    const Frame *claims;          // name t, [text] t, [sentence] t, verdict t ("holds", "fails", "undecided"), left n,
                                  // right n, low n and high n (interval of left - right), [confidence] n (of the
                                  // interval, 0..1), [left_bound] n and [right_bound] n (how much a side is at most that no
                                  // run showed; NaN elsewhere), [comparison] t ("<", ">=", ...), [method] t ("exact",
                                  // "sampled"), [runs] n, [source] t, [locator] t, [not_exact] t (why it was sampled though
                                  // exact was asked for), [note] t (what else to know of the answer, or why there is none),
                                  // [sensitive] n (1: the verdict is said to depend on the grid), [grid] n (how much the
                                  // difference is said to move at most when grids are doubled; NaN: not said), [rests] t (the
                                  // assumed parameters that it rests on: "fear, rent")
    const Frame *accounts;        // name t, [text] t, [overrides] t, [source] t, [locator] t: the scenario as written, its rivals
    const Frame *predictions;     // claim t, [text] t, account t, verdict t ("": not judged), left n, right n, [left_bound] n,
                                  // [right_bound] n, [comparison] t,
                                  // alone n (1: this account says what no other does): claims on which accounts differ, the
                                  // rows of a claim one after the other; [not_exact] t, [note] t
    const Frame *series;          // policy t, variable t, time n, [date] t, [mean] n, q05 n, q25 n, q50 n, q75 n,
                                  // q95 n; for each policy and variable, times rise
    const Frame *mode_series;     // policy t, mode t, value t, time n, [date] t, share n (0..1)
    const Frame *stories;         // name t, title t, how t (it was chosen), run n, policy t, start t and end t (states), happened n,
                                  // told n (how many of them), command t (that tells all of it)
    const Frame *story_events;    // story t (its name), time n, [date] t, kind t ("move", "event", "policy"), text t
    const Frame *values;          // actor t, value n: at the start
    const Frame *choices;         // actor t, move t ("wait" for none), probability n: at the start
    const Frame *reasons;         // actor t, move t, probability n, advantage n (over waiting), sentence t: at the start
    const Frame *reason_parts;    // actor t, move t, part t (what pays), carrier t (what carries), value n: these add up to
                                  // the advantage of their move
    const Frame *minds;           // actor t, text t: sentences about an actor's choices at the start
    const Frame *mind_changes;    // actor t, stock t, here n, at n (NaN: nowhere), turn t: levels of a stock at which its
                                  // mind changes
    const Frame *sensitivities;   // actor t, param t, from n, to n, move t ("": the actor's value), effect n, [kink] n
    const Frame *certificate;     // quantity t ("residual", "consistency", "tolerance", "iterations", "steps",
                                  // "seconds", "certificate_seconds", "memory" in bytes, or any other), value n
    const Frame *regret;          // actor t, value n
    const Frame *notes;           // text t: sentences that a reader should not miss
} Report;

/// Write the page into `out` (cleared first). The same report gives the same bytes.
/// Returns DUR_SHAPE and a sentence that names frame and column if one that must be there is missing or of the wrong
/// kind; DUR_MEMORY; `out` is then empty.
DurStatus report_html(const Report *report, Text *out, DurError *error);

#endif
