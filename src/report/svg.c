#include "report/svg.h"

#include "report/html.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

double svg_place(const SvgScale *s, double x) {
    double t = s->high > s->low ? (x - s->low) / (s->high - s->low) : 0.5;
    if (!(t > 0)) t = 0;
    if (t > 1) t = 1;
    return s->start + t * (s->end - s->start);
}

// ---- ticks --------------------------------------------------------------------------------------------------------

// smallest of 1, 2, 5 times a power of ten that is >= x > 0
static double nice_at_least(double x) {
    double power = pow(10, floor(log10(x)));
    static const double factor[] = {1, 2, 5, 10};
    for (size_t i = 0; i < DUR_COUNT(factor); i++)
        if (factor[i] * power >= x * (1 - 1e-9)) return factor[i] * power;
    return 10 * power;
}

SvgTicks svg_ticks(double low, double high, int most) {
    SvgTicks ticks = {0};
    if (most > SVG_TICKS_MAX) most = SVG_TICKS_MAX;
    // a range so narrow that its ticks are one double, or so wide that it overflows, has none
    if (!(high - low > 1e-9 * fmax(fabs(low), fabs(high))) || most < 2 || !isfinite(high - low)) return ticks;
    double step = nice_at_least((high - low) / most);
    for (;; step = nice_at_least(step * 1.5)) {
        double first = ceil(low / step - 1e-9), last = floor(high / step + 1e-9);
        if (last - first + 1 > most) continue;
        ticks.step = step;
        // a multiple of the step, not a running sum: sums of 0.1 miss 0.3
        for (double k = first; k <= last; k++) ticks.at[ticks.n++] = k == 0 ? 0 : k * step;
        return ticks;
    }
}

void svg_round_range(double *low, double *high, int most) {
    if (!isfinite(*low) || !isfinite(*high)) {
        *low = 0;
        *high = 1;
        return;
    }
    double size = fmax(fabs(*low), fabs(*high));
    if (!(*high - *low > 1e-9 * size)) {
        double half = size > 0 ? 0.1 * size : 0.5;
        *low -= half;
        *high += half;
    }
    if (!isfinite(*high - *low)) return;
    double step = nice_at_least((*high - *low) / most);
    // a multiple of the step may come out an ulp inside of the value that it equals
    *low = fmin(*low, floor(*low / step + 1e-9) * step);
    *high = fmax(*high, ceil(*high / step - 1e-9) * step);
}

const char *svg_tick_label(char buffer[32], double x, double step, double largest) {
    char plain[32];
    double size = fmax(fabs(largest), fabs(x));
    if (x == 0) {
        snprintf(plain, sizeof plain, "0");
    } else if (size >= 1e12 || size < 1e-3) {
        int digits = (int)ceil(log10(fabs(x)) - log10(step) + 1e-9);
        snprintf(plain, sizeof plain, "%.*e", digits < 1 ? 0 : digits > 6 ? 6 : digits, x);
        // "2.0e-06" reads better as "2e-6"
        char *e = strchr(plain, 'e');
        long power = strtol(e + 1, NULL, 10);
        *e = '\0';
        char mantissa[32];
        snprintf(mantissa, sizeof mantissa, "%.6g", strtod(plain, NULL));
        snprintf(plain, sizeof plain, "%.12se%ld", mantissa, power);
    } else {
        double unit = size >= 1e9 ? 1e9 : size >= 1e6 ? 1e6 : size >= 1e4 ? 1e3 : 1;
        const char *suffix = size >= 1e9 ? "bn" : size >= 1e6 ? "M" : size >= 1e4 ? "k" : "";
        int after = (int)ceil(-log10(step / unit) - 1e-9);
        snprintf(plain, sizeof plain, "%.*f%s", after < 0 ? 0 : after > 9 ? 9 : after, x / unit, suffix);
    }
    // a true minus for every hyphen; 32 bytes hold any of these
    size_t n = 0;
    for (const char *c = plain; *c && n + 4 < 32; c++) {
        if (*c == '-') n += (size_t)snprintf(buffer + n, 32 - n, "\xE2\x88\x92");
        else           buffer[n++] = *c;
    }
    buffer[n] = '\0';
    return buffer;
}

// ---- elements -----------------------------------------------------------------------------------------------------

void svg_coordinate(Text *out, double x) {
    if (!isfinite(x)) x = 0;
    char buffer[40];
    snprintf(buffer, sizeof buffer, "%.1f", x);
    size_t n = strlen(buffer);
    if (n > 2 && buffer[n - 1] == '0') buffer[n - 2] = '\0';
    text_append(out, strcmp(buffer, "-0") == 0 ? "0" : buffer);
}

static void attribute(Text *out, const char *name, double x) {
    text_printf(out, " %s=\"", name);
    svg_coordinate(out, x);
    text_char(out, '"');
}

void svg_begin(Text *out, const char *id, const char *style, double width, double height, const char *title,
               const char *description, const char *extra) {
    text_printf(out, "<svg id=\"%s\" class=\"%s\" viewBox=\"0 0 ", id, style);
    svg_coordinate(out, width);
    text_char(out, ' ');
    svg_coordinate(out, height);
    text_printf(out, "\" role=\"img\" aria-labelledby=\"%s-t %s-d\"%s%s>\n<title id=\"%s-t\">", id, id,
                extra[0] ? " " : "", extra, id);
    html_escape(out, title);
    text_printf(out, "</title><desc id=\"%s-d\">", id);
    html_escape(out, description);
    text_append(out, "</desc>\n");
}

void svg_end(Text *out) { text_append(out, "</svg>\n"); }

void svg_line(Text *out, const char *style, double x0, double y0, double x1, double y1) {
    text_printf(out, "<line class=\"%s\"", style);
    attribute(out, "x1", x0);
    attribute(out, "y1", y0);
    attribute(out, "x2", x1);
    attribute(out, "y2", y1);
    text_append(out, "/>\n");
}

void svg_rect(Text *out, const char *style, double x, double y, double width, double height, double radius) {
    text_printf(out, "<rect class=\"%s\"", style);
    attribute(out, "x", x);
    attribute(out, "y", y);
    attribute(out, "width", width > 0 ? width : 0);
    attribute(out, "height", height > 0 ? height : 0);
    if (radius > 0) attribute(out, "rx", radius);
    text_append(out, "/>\n");
}

void svg_circle(Text *out, const char *style, double x, double y, double radius) {
    text_printf(out, "<circle class=\"%s\"", style);
    attribute(out, "cx", x);
    attribute(out, "cy", y);
    attribute(out, "r", radius);
    text_append(out, "/>\n");
}

void svg_text(Text *out, const char *style, double x, double y, const char *anchor, const char *s) {
    text_append(out, "<text");
    if (style[0]) text_printf(out, " class=\"%s\"", style);
    attribute(out, "x", x);
    attribute(out, "y", y);
    if (strcmp(anchor, "start") != 0) text_printf(out, " text-anchor=\"%s\"", anchor);
    text_char(out, '>');
    html_escape(out, s);
    text_append(out, "</text>\n");
}

// ---- lines and bands ----------------------------------------------------------------------------------------------

static void point(Text *out, char command, const SvgScale *x, const SvgScale *y, double time, double value) {
    text_char(out, command);
    svg_coordinate(out, svg_place(x, time));
    text_char(out, ' ');
    svg_coordinate(out, svg_place(y, value));
}

void svg_curve(Text *out, const char *style, int n, const double *time, const double *value, const SvgScale *x,
               const SvgScale *y) {
    text_printf(out, "<path class=\"%s\" d=\"", style);
    bool is_on = false;
    for (int i = 0; i < n; i++) {
        bool is_there = isfinite(time[i]) && isfinite(value[i]);
        if (is_there) point(out, is_on ? 'L' : 'M', x, y, time[i], value[i]);
        is_on = is_there;
    }
    text_append(out, "\"/>\n");
}

void svg_band(Text *out, const char *style, int n, const double *time, const double *low, const double *high,
              const SvgScale *x, const SvgScale *y) {
    text_printf(out, "<path class=\"%s\" d=\"", style);
    // each unbroken stretch is one closed shape: along the upper line and back along the lower
    for (int i = 0; i < n;) {
        int end = i;
        while (end < n && isfinite(time[end]) && isfinite(low[end]) && isfinite(high[end])) end++;
        for (int k = i; k < end; k++) point(out, k == i ? 'M' : 'L', x, y, time[k], high[k]);
        for (int k = end - 1; k >= i; k--) point(out, 'L', x, y, time[k], low[k]);
        if (end > i) text_char(out, 'Z');
        i = end + 1;
    }
    text_append(out, "\"/>\n");
}

// ---- how wide a text is -------------------------------------------------------------------------------------------

// in ems: letters of the wide scripts are square, others take about 0.56 on average in the usual sans serifs
static double advance(const char **s) {
    unsigned char c = (unsigned char)**s;
    int n = c < 0x80 ? 1 : (c & 0xE0) == 0xC0 ? 2 : (c & 0xF0) == 0xE0 ? 3 : (c & 0xF8) == 0xF0 ? 4 : 1;
    for (int i = 0; i < n && **s; i++) (*s)++;
    return c >= 0xE2 ? 1 : strchr("MWmw@%", c) ? 0.85 : c >= 'A' && c <= 'Z' ? 0.68 : 0.56;
}

double svg_text_width(const char *s, double size) {
    double width = 0;
    while (*s) width += advance(&s);
    return width * size;
}

int svg_text_fit(const char *s, double size, double width) {
    double used = 0;
    int n = 0;
    while (*s) {
        used += advance(&s) * size;
        if (used > width) break;
        n++;
    }
    return n;
}
