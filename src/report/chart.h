/// The charts of a report: fans of quantiles, means compared, shares stacked to one, an interval against a bound.
/// Each writes one <svg>. A chart that can be read with a pointer carries its numbers in data- attributes:
///     data-x   places of the points across the view box
///     data-t   their times, or data-d their days since 1970-01-01
///     data-v   their values, one list for each line, lists separated by "|"
///     data-n   the names of the lists, where they are not quantiles
#ifndef REPORT_CHART_H
#define REPORT_CHART_H

#include "base/text.h"

#include <stdbool.h>

/// The time axis, shared by the charts that stand side by side.
typedef struct ChartTime {
    double low, high;      // scenario time
    bool   has_date;
    double day;            // calendar day at time 0, days since 1970-01-01
    double day_per_time;   // > 0
    const char *unit;      // of time, for an axis without dates
} ChartTime;

/// One policy's ensemble of one stock.
typedef struct ChartFan {
    const char *label;           // of the policy
    int colour;                  // 0: the equilibrium; class p0, p1, ...
    int n;                       // times
    const double *time, *mean;   // [n]
    const double *day;           // [n] days since 1970-01-01; NULL without a calendar
    const double *quantile[5];   // [n] each: 5, 25, 50, 75 and 95 per cent
} ChartFan;

/// Where a chart stands and what it says to those who do not see it.
typedef struct ChartBox {
    const char *id, *title, *description;
    double width, height;        // of the view box; on a screen about a pixel each
    const ChartTime *time;
    double low, high;            // of the value axis
} ChartBox;

/// Colours of policies in the style sheet; a policy beyond takes an earlier colour with a dashed line.
#define CHART_COLOURS 7

/// A range for the value axis that holds all fans: from 0 if that is near, never beyond the range [low, high] of the
/// stock where that is known (NaN where not).
void chart_range(int n_fan, const ChartFan *fan, double low, double high, double *axis_low, double *axis_high);

/// Quantile bands and the median; `reference` (NULL: none) is another policy's median, drawn thin behind.
void chart_fan(Text *out, const ChartBox *box, const ChartFan *fan, const ChartFan *reference);

/// Means of several policies in one frame, each line named at its end.
void chart_means(Text *out, const ChartBox *box, int n_fan, const ChartFan *fan);

/// Shares over time of the values of a mode, stacked from the first value up.
///   day     [n] days since 1970-01-01; NULL without a calendar
///   share   [n_value x n] by value
void chart_share(Text *out, const ChartBox *box, int n_value, const char *const *value, int n, const double *time,
                 const double *day, const double *share);

/// One claim: the left side as a dot, the right side as a line, and from that line on the interval of their difference.
///   low, high   interval of left - right
///   comparison  "<", "<=", ">", ">=" shades the side where the claim holds; anything else shades none
void chart_interval(Text *out, const ChartBox *box, double left, double right, double low, double high,
                    const char *comparison);

/// Height of a chart_waterfall of `n` steps, and its place for names at the left.
double chart_waterfall_height(int n);

/// What adds up to a total, step by step: each bar starts where the one before ended; the last is the total, from 0.
///   value   [n] what is not finite counts as 0; total: their sum
void chart_waterfall(Text *out, const ChartBox *box, int n, const char *const *name, const double *value,
                     const char *total_name);

#endif
