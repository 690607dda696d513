#include "report/chart.h"

#include "report/calendar.h"
#include "report/html.h"
#include "report/svg.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

// ORDER: font sizes, also in style.c: of labels on a wide screen, and on a narrow one or on paper, where charts shrink and
// their labels must not: room is made for the larger
#define FONT  11.0
#define LARGE 12.5

// ---- frame of a chart ---------------------------------------------------------------------------------------------

typedef struct Plot {
    SvgScale x, y;
    SvgTicks y_tick;
    double   largest;   // of the value axis, for the labels
} Plot;

static Plot plot_make(const ChartBox *box, double right_margin, int most_y) {
    Plot p = {.largest = fmax(fabs(box->low), fabs(box->high))};
    p.y_tick = svg_ticks(box->low, box->high, most_y);

    // the left margin is as wide as the widest label
    double widest = 0;
    for (int i = 0; i < p.y_tick.n; i++) {
        char label[32];
        double w = svg_text_width(svg_tick_label(label, p.y_tick.at[i], p.y_tick.step, p.largest), LARGE);
        if (w > widest) widest = w;
    }
    p.x = (SvgScale){box->time->low, box->time->high, widest + 9, box->width - right_margin};
    p.y = (SvgScale){box->low, box->high, box->height - 21, 8};
    return p;
}

static void y_axis(Text *out, const Plot *p, bool is_share) {
    for (int i = 0; i < p->y_tick.n; i++) {
        double y = svg_place(&p->y, p->y_tick.at[i]);
        char label[32];
        if (is_share) snprintf(label, sizeof label, "%.0f%%", 100 * p->y_tick.at[i]);
        else          svg_tick_label(label, p->y_tick.at[i], p->y_tick.step, p->largest);
        svg_line(out, p->y_tick.at[i] == 0 ? "zero" : "grid", p->x.start, y, p->x.end, y);
        svg_text(out, "", p->x.start - 5, y + 3.8, "end", label);
    }
}

// labels stand under their ticks, but none may leave the view box or touch the one before
static void x_label(Text *out, const ChartBox *box, double x, const char *label, double *taken) {
    double half = svg_text_width(label, LARGE) / 2;
    double middle = fmin(fmax(x, half), box->width - half);
    if (middle - half < *taken) return;
    svg_text(out, "", middle, box->height - 5, "middle", label);
    *taken = middle + half + 6;
}

static void x_axis(Text *out, const ChartBox *box, const Plot *p) {
    const ChartTime *t = box->time;
    double taken = -1, base = p->y.start;
    int most = (int)((p->x.end - p->x.start) / 42);
    if (most < 2) most = 2;

    svg_line(out, "axis", p->x.start, base, p->x.end, base);
    if (t->has_date) {
        CalendarTick tick[CALENDAR_TICKS_MAX];
        int n = calendar_ticks(t->day + t->low * t->day_per_time, t->day + t->high * t->day_per_time, most, tick);
        for (int i = 0; i < n; i++) {
            double x = svg_place(&p->x, (tick[i].day - t->day) / t->day_per_time);
            svg_line(out, "axis", x, base, x, base + 4);
            x_label(out, box, x, tick[i].label, &taken);
        }
        return;
    }
    SvgTicks tick = svg_ticks(t->low, t->high, most);
    for (int i = 0; i < tick.n; i++) {
        double x = svg_place(&p->x, tick.at[i]);
        char label[32], whole[96];
        svg_tick_label(label, tick.at[i], tick.step, fmax(fabs(t->low), fabs(t->high)));
        // the last one says the unit too
        bool says_unit = i == tick.n - 1 && t->unit && t->unit[0] && svg_text_width(t->unit, LARGE) < 80;
        snprintf(whole, sizeof whole, "%s%s%.60s%s", label, says_unit ? " " : "", says_unit ? t->unit : "",
                 says_unit && tick.at[i] != 1 ? "s" : "");
        svg_line(out, "axis", x, base, x, base + 4);
        x_label(out, box, x, whole, &taken);
    }
}

// numbers for the pointer: short, since a reader compares them by eye
static void data_list(Text *out, int n, const double *value, int digits) {
    for (int i = 0; i < n; i++) {
        if (i) text_char(out, ' ');
        if (isfinite(value[i])) text_printf(out, "%.*g", digits, value[i]);
        else                    text_char(out, '-');
    }
}

static void data_points(Text *out, const Plot *p, int n, const double *time, const double *day) {
    text_append(out, "data-x=\"");
    for (int i = 0; i < n; i++) {
        if (i) text_char(out, ' ');
        svg_coordinate(out, svg_place(&p->x, time[i]));
    }
    text_append(out, day ? "\" data-d=\"" : "\" data-t=\"");
    data_list(out, n, day ? day : time, day ? 15 : 6);
    text_append(out, "\" data-v=\"");
}

static void begin(Text *out, const ChartBox *box, const char *style, const Text *data) {
    svg_begin(out, box->id, style, box->width, box->height, box->title, box->description, text_view(data));
    if (data->failed) out->failed = true;
}

// the line that follows a pointer; without the script it is not seen
static void cross(Text *out, const Plot *p) {
    svg_line(out, "cross", p->x.start, p->y.end, p->x.start, p->y.start);
}

static void policy_class(char *style, size_t size, const char *what, int colour) {
    snprintf(style, size, "%s p%d%s", what, colour % CHART_COLOURS, colour >= CHART_COLOURS ? " again" : "");
}

// ---- fans ---------------------------------------------------------------------------------------------------------

void chart_range(int n_fan, const ChartFan *fan, double low, double high, double *axis_low, double *axis_high) {
    double least = INFINITY, most = -INFINITY;
    for (int f = 0; f < n_fan; f++)
        for (int i = 0; i < fan[f].n; i++) {
            const double *const *q = fan[f].quantile;
            const double value[] = {q[0][i], q[4][i], q[2][i], fan[f].mean[i]};
            for (size_t k = 0; k < DUR_COUNT(value); k++)
                if (isfinite(value[k])) {
                    least = fmin(least, value[k]);
                    most = fmax(most, value[k]);
                }
        }
    if (least > most) {
        least = isfinite(low) ? low : 0;
        most = isfinite(high) ? high : least + 1;
    }
    // zero belongs on the axis when the data reach at least half the way to it
    if (least > 0 && least < 0.5 * most) least = 0;
    if (most < 0 && most > 0.5 * least) most = 0;

    // a path that hardly moves must not fill the frame with what would be read as drama
    if (isfinite(low) && isfinite(high) && most - least < 0.1 * (high - low)) {
        double middle = 0.5 * (least + most), half = 0.05 * (high - low);
        least = middle - half;
        most = middle + half;
    }
    svg_round_range(&least, &most, 4);
    if (isfinite(low) && least < low) least = low;
    if (isfinite(high) && most > high) most = high;
    if (!(most > least)) svg_round_range(&least, &most, 4);
    *axis_low = least;
    *axis_high = most;
}

void chart_fan(Text *out, const ChartBox *box, const ChartFan *fan, const ChartFan *reference) {
    Plot p = plot_make(box, 10, 5);
    Text data = {0};
    data_points(&data, &p, fan->n, fan->time, fan->day);
    for (int q = 0; q < 5; q++) {
        if (q) text_char(&data, '|');
        data_list(&data, fan->n, fan->quantile[q], 4);
    }
    text_char(&data, '"');
    begin(out, box, "chart fan", &data);
    text_free(&data);

    y_axis(out, &p, false);
    char style[64];
    policy_class(style, sizeof style, "band outer", fan->colour);
    svg_band(out, style, fan->n, fan->time, fan->quantile[0], fan->quantile[4], &p.x, &p.y);
    policy_class(style, sizeof style, "band inner", fan->colour);
    svg_band(out, style, fan->n, fan->time, fan->quantile[1], fan->quantile[3], &p.x, &p.y);
    if (reference)
        svg_curve(out, "line reference", reference->n, reference->time, reference->quantile[2], &p.x, &p.y);
    policy_class(style, sizeof style, "line", fan->colour);
    svg_curve(out, style, fan->n, fan->time, fan->quantile[2], &p.x, &p.y);
    x_axis(out, box, &p);
    cross(out, &p);
    svg_end(out);
}

// the last finite value of a line, NaN if there is none
static double last_value(const ChartFan *fan) {
    for (int i = fan->n - 1; i >= 0; i--)
        if (isfinite(fan->mean[i])) return fan->mean[i];
    return NAN;
}

void chart_means(Text *out, const ChartBox *box, int n_fan, const ChartFan *fan) {
    enum { MOST = 32 };
    if (n_fan > MOST) n_fan = MOST;

    // the names at the ends want a margin, but never more than a third of the chart
    double widest = 0;
    for (int f = 0; f < n_fan; f++) widest = fmax(widest, svg_text_width(fan[f].label, LARGE));
    double margin = fmin(widest, box->width / 3.2) + 12;
    Plot p = plot_make(box, margin, 6);

    int longest = 0;
    for (int f = 1; f < n_fan; f++)
        if (fan[f].n > fan[longest].n) longest = f;
    Text data = {0};
    data_points(&data, &p, fan[longest].n, fan[longest].time, fan[longest].day);
    for (int f = 0; f < n_fan; f++) {
        if (f) text_char(&data, '|');
        data_list(&data, fan[f].n, fan[f].mean, 4);
    }
    text_append(&data, "\" data-n=\"");
    for (int f = 0; f < n_fan; f++) {
        if (f) text_char(&data, '|');
        html_escape(&data, fan[f].label);
    }
    text_char(&data, '"');
    begin(out, box, "chart means", &data);
    text_free(&data);

    y_axis(out, &p, false);
    x_axis(out, box, &p);

    // names in the order of their lines, pushed apart downwards and then back up from the bottom, so that none
    // overlap
    int order[MOST], n_name = 0;
    double place[MOST];
    for (int f = 0; f < n_fan; f++) {
        if (!isfinite(last_value(&fan[f]))) continue;
        int k = n_name++;
        double y = svg_place(&p.y, last_value(&fan[f]));
        for (; k > 0 && place[k - 1] > y; k--) {
            place[k] = place[k - 1];
            order[k] = order[k - 1];
        }
        place[k] = y;
        order[k] = f;
    }
    double gap = fmin(LARGE + 2, n_name > 1 ? (p.y.start - p.y.end) / (n_name - 1) : LARGE + 2);
    for (int k = 1; k < n_name; k++) place[k] = fmax(place[k], place[k - 1] + gap);
    for (int k = n_name - 1; k >= 0; k--) {
        double lowest = k == n_name - 1 ? p.y.start : place[k + 1] - gap;
        place[k] = fmin(place[k], lowest);
    }

    // the equilibrium is drawn last, over the others: it is what they are compared with
    char style[64];
    for (int f = n_fan - 1; f >= 0; f--) {
        text_printf(out, "<g data-policy=\"%d\">\n", fan[f].colour);
        policy_class(style, sizeof style, "line", fan[f].colour);
        svg_curve(out, style, fan[f].n, fan[f].time, fan[f].mean, &p.x, &p.y);
        for (int k = 0; k < n_name; k++) {
            if (order[k] != f) continue;
            double y = svg_place(&p.y, last_value(&fan[f]));
            policy_class(style, sizeof style, "leader", fan[f].colour);
            if (fabs(place[k] - y) > 2) svg_line(out, style, p.x.end + 1, y, p.x.end + 6, place[k]);
            text_append(out, "<text");
            policy_class(style, sizeof style, "label", fan[f].colour);
            text_printf(out, " class=\"%s\" x=\"", style);
            svg_coordinate(out, p.x.end + 8);
            text_append(out, "\" y=\"");
            svg_coordinate(out, place[k] + 3.8);
            text_append(out, "\">");
            html_escape_short(out, fan[f].label, svg_text_fit(fan[f].label, LARGE, margin - 10));
            text_append(out, "</text>\n");
        }
        text_append(out, "</g>\n");
    }
    cross(out, &p);
    svg_end(out);
}

// ---- shares -------------------------------------------------------------------------------------------------------

void chart_share(Text *out, const ChartBox *box, int n_value, const char *const *value, int n, const double *time,
                 const double *day, const double *share) {
    Plot p = plot_make(box, 10, 3);
    p.x.start = svg_text_width("100%", LARGE) + 9;
    Text data = {0};
    data_points(&data, &p, n, time, day);
    for (int v = 0; v < n_value; v++) {
        if (v) text_char(&data, '|');
        data_list(&data, n, share + (size_t)v * (size_t)n, 6);   // one run of many is told
    }
    text_append(&data, "\" data-n=\"");
    for (int v = 0; v < n_value; v++) {
        if (v) text_char(&data, '|');
        html_escape(&data, value[v]);
    }
    text_char(&data, '"');
    begin(out, box, "chart share", &data);
    text_free(&data);

    // each area runs from the sum of the shares below it to that sum and its own: rounding must not open gaps
    for (int v = 0; v < n_value; v++) {
        text_printf(out, "<path class=\"area\" fill-opacity=\"%.2f\" d=\"",
                    n_value > 1 ? 0.14 + 0.74 * v / (n_value - 1) : 0.5);
        for (int pass = 0; pass < 2; pass++)
            for (int j = 0; j < n; j++) {
                int i = pass ? n - 1 - j : j;
                double level = 0;
                for (int u = 0; u < v + 1 - pass; u++) {
                    double s = share[(size_t)u * (size_t)n + (size_t)i];
                    if (isfinite(s)) level += s;
                }
                text_char(out, pass || j ? 'L' : 'M');
                svg_coordinate(out, svg_place(&p.x, time[i]));
                text_char(out, ' ');
                svg_coordinate(out, svg_place(&p.y, level));
            }
        if (n) text_char(out, 'Z');
        text_append(out, "\"/>\n");
    }
    y_axis(out, &p, true);
    x_axis(out, box, &p);
    cross(out, &p);
    svg_end(out);
}

// ---- one claim ----------------------------------------------------------------------------------------------------

void chart_interval(Text *out, const ChartBox *box, double left, double right, double low, double high,
                    const char *comparison) {
    if (!isfinite(low) || !isfinite(high)) low = high = left - right;
    double least = fmin(fmin(left, right), right + low), most = fmax(fmax(left, right), right + high);
    double room = 0.18 * (most - least);
    // two sides that agree to the last digits still want a picture: a little of their own size around them
    if (!(room > 1e-6 * fmax(fabs(least), fabs(most)))) room = 0.05 * fmax(fmax(fabs(least), fabs(most)), 1e-12);
    // shares end at 0 and at 1, and what is drawn of them is not to look as if there were more
    bool is_above_zero = least >= 0, is_below_one = most <= 1;
    least = is_above_zero ? fmax(least - room, 0) : least - room;
    most = is_below_one ? fmin(most + room, 1) : most + room;

    SvgScale x = {least, most, 1, box->width - 1};
    const double top = 6, base = box->height - 20, middle = (top + base) / 2;
    svg_begin(out, box->id, "chart interval", box->width, box->height, box->title, box->description, "");

    double bound = svg_place(&x, right);
    bool is_below = comparison[0] == '<', is_above = comparison[0] == '>';
    if (is_below) svg_rect(out, "side", x.start, top, bound - x.start, base - top, 0);
    if (is_above) svg_rect(out, "side", bound, top, x.end - bound, base - top, 0);

    SvgTicks tick = svg_ticks(least, most, 5);
    svg_line(out, "axis", x.start, base, x.end, base);
    double taken = -1;
    for (int i = 0; i < tick.n; i++) {
        char label[32];
        double at = svg_place(&x, tick.at[i]);
        svg_line(out, "axis", at, base, at, base + 4);
        x_label(out, box, at, svg_tick_label(label, tick.at[i], tick.step, fmax(fabs(least), fabs(most))), &taken);
    }

    svg_line(out, "bound", bound, top, bound, base);
    double from = svg_place(&x, right + low), to = svg_place(&x, right + high);
    svg_line(out, "whisker", from, middle, to, middle);
    svg_line(out, "whisker", from, middle - 5, from, middle + 5);
    svg_line(out, "whisker", to, middle - 5, to, middle + 5);
    svg_circle(out, "dot", svg_place(&x, left), middle, 5);
    svg_end(out);
}

// ---- what adds up -------------------------------------------------------------------------------------------------

#define STEP_HEIGHT 19.0

double chart_waterfall_height(int n) { return STEP_HEIGHT * (n + 1) + 10; }

// a name cut to its place, an ellipsis for what is gone
static void step_name(Text *out, const char *style, const char *name, double width, double y) {
    int fit = svg_text_fit(name, LARGE, width);
    Text cut = {0};
    const char *end = name;
    for (int i = 0; *end && i < fit; i++)
        do end++; while ((*end & 0xC0) == 0x80);
    if (*end) {
        text_append_n(&cut, name, (size_t)(end - name));
        text_append(&cut, "\xE2\x80\xA6");
    }
    svg_text(out, style, 0, y, "start", *end ? text_view(&cut) : name);
    out->failed |= cut.failed;
    text_free(&cut);
}

void chart_waterfall(Text *out, const ChartBox *box, int n, const char *const *name, const double *value,
                     const char *total_name) {
    const double name_width = 152, number_width = 64;
    double low = 0, high = 0, sum = 0;
    for (int i = 0; i < n; i++) {
        sum += isfinite(value[i]) ? value[i] : 0;
        low = fmin(low, sum);
        high = fmax(high, sum);
    }
    if (!(high > low) || !isfinite(high - low)) { low = -1; high = 1; }
    SvgScale x = {low, high, name_width + 4, box->width - number_width};
    svg_begin(out, box->id, "chart waterfall", box->width, box->height, box->title, box->description, "");
    double zero = svg_place(&x, 0), base = STEP_HEIGHT * (n + 1) + 6, at = 0;
    svg_line(out, "zero", zero, 0, zero, base);
    for (int i = 0; i <= n; i++) {
        bool is_total = i == n;
        double from = is_total ? 0 : at, step = is_total ? sum : isfinite(value[i]) ? value[i] : 0, to = from + step;
        double a = svg_place(&x, fmin(from, to)), b = svg_place(&x, fmax(from, to)), top = STEP_HEIGHT * i + 2;
        if (is_total) {
            top += 4;
            svg_line(out, "axis", 0, top - 3, box->width, top - 3);
        }
        // a bar too thin to see is still there
        svg_rect(out, is_total ? "net" : step < 0 ? "loss" : "gain", a, top + 2, fmax(b - a, 0.8), STEP_HEIGHT - 8, 1);
        if (i + 1 < n) svg_line(out, "step", svg_place(&x, to), top + 2, svg_place(&x, to), top + STEP_HEIGHT + 2);
        step_name(out, is_total ? "total" : "", is_total ? total_name : name[i], name_width, top + 11);
        Text number = {0};
        if (step > 0) text_char(&number, '+');
        html_number_plain(&number, step, 3);
        svg_text(out, is_total ? "total" : "", box->width, top + 11, "end", text_view(&number));
        out->failed |= number.failed;
        text_free(&number);
        at = to;
    }
    svg_end(out);
}
