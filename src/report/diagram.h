/// The diagram of who moves what: actors, their levers and chance, the modes and stocks that these change, and how
/// the variables drive one another. A layered drawing in three columns:
///
///     actor --- [ its levers that change the same things ] ---> mode or stock  ) drives another
///
/// Levers of one actor with the same targets share a box, which keeps the edges few enough to follow by eye.
#ifndef REPORT_DIAGRAM_H
#define REPORT_DIAGRAM_H

#include "base/arena.h"
#include "report/report.h"

/// Draw it, or write nothing and return false if there are no links to draw, or too many to be read.
/// A failed allocation marks `out` as failed.
bool diagram_draw(Text *out, Arena *arena, const Report *report, const char *id);

#endif
