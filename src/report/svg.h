/// Primitives of charts: scales, ticks, lines, bands and text as SVG. Coordinates are in the units of the view box; a
/// drawing never leaves it. Colours and strokes come from the style sheet by class.
#ifndef REPORT_SVG_H
#define REPORT_SVG_H

#include "base/text.h"

#include <stdbool.h>

/// A linear map from values to places: `low` is drawn at `start`, `high` at `end`.
typedef struct SvgScale { double low, high, start, end; } SvgScale;

/// Where a value is drawn; what lies outside the scale is drawn at its end.
double svg_place(const SvgScale *scale, double x);

#define SVG_TICKS_MAX 16

/// Ticks of a linear axis: multiples of 1, 2 or 5 times a power of ten within [low, high], at most `most` of them.
typedef struct SvgTicks {
    int    n;
    double step;
    double at[SVG_TICKS_MAX];
} SvgTicks;
SvgTicks svg_ticks(double low, double high, int most);

/// Round a range outwards to ticks; a range of one point is widened first.
void svg_round_range(double *low, double *high, int most);

/// The label of a tick, just precise enough for a step of svg_ticks: "0.25", "−3", "120k", "4.5M", "2e−6".
///   buffer   32 bytes
const char *svg_tick_label(char buffer[32], double x, double step, double largest);

/// A number in the view box's units, a tenth being the finest; never "-0".
void svg_coordinate(Text *out, double x);

/// Open and close a drawing. `id` is unique on the page and needs no escaping; title and description are plain text.
/// `attribute` is written as it is into the tag ("" for none).
void svg_begin(Text *out, const char *id, const char *style, double width, double height, const char *title,
               const char *description, const char *attribute);
void svg_end(Text *out);

void svg_line(Text *out, const char *style, double x0, double y0, double x1, double y1);
void svg_rect(Text *out, const char *style, double x, double y, double width, double height, double radius);
void svg_circle(Text *out, const char *style, double x, double y, double radius);
/// Text at (x, y) on its base line; `anchor` is "start", "middle" or "end".
void svg_text(Text *out, const char *style, double x, double y, const char *anchor, const char *s);

/// A line through n points; a point that is not finite breaks it. `style` goes into the class.
void svg_curve(Text *out, const char *style, int n, const double *time, const double *value, const SvgScale *x,
               const SvgScale *y);
/// The area between two lines over the same times.
void svg_band(Text *out, const char *style, int n, const double *time, const double *low, const double *high,
              const SvgScale *x, const SvgScale *y);

/// Width that a text takes at a font size, roughly and rather too wide than too narrow.
double svg_text_width(const char *s, double size);
/// How many characters of a text fit into a width at a font size.
int svg_text_fit(const char *s, double size, double width);

#endif
