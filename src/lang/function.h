/// The functions, random sizes and priors of grammar.h by number, with what the checker needs to know of each.
#ifndef LANG_FUNCTION_H
#define LANG_FUNCTION_H

#include "lang/grammar.h"

#include <stdint.h>

typedef enum Function {
#define X(name, least, most, form, text) FUNCTION_##name,
    FUNCTION_LIST(X)
#undef X
    FUNCTION_COUNT
} Function;

/// Rows of the list of random sizes are DrawKinds, rows of the list of priors are PriorKinds less one.
typedef struct FunctionRow {
    const char *name;
    int32_t least, most;   // arguments; most < 0: any number
    const char *form;      // "clamp(a, low, high)"
} FunctionRow;

/// The row of a Function, a DrawKind (not DRAW_ONE_OF), a PriorKind (not PRIOR_NONE).
const FunctionRow *function_row(Function f);
const FunctionRow *draw_row(DrawKind kind);
const FunctionRow *prior_row(PriorKind kind);

/// Their numbers from their names, or -1 (priors: PRIOR_NONE).
int32_t   function_find(const char *name);
int32_t   draw_find(const char *name);
PriorKind prior_find(const char *name);

/// The name of a function nearest to `name`, a random size's and a prior's too if asked for; NULL if none is near.
const char *function_near(const char *name, bool with_draws);
const char *prior_near(const char *name);

#endif
