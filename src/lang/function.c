#include "lang/function.h"

#include <string.h>

#define X(name, least, most, form, text) {#name, least, most, form},
static const FunctionRow FUNCTION[] = { FUNCTION_LIST(X) };
static const FunctionRow DRAW[]     = { DRAW_LIST(X) };
static const FunctionRow PRIOR[]    = { PRIOR_LIST(X) };
#undef X

// ORDER: the rows of these lists in grammar.h and the enums in model.h
_Static_assert(DRAW_UNIFORM == 0 && DRAW_NORMAL == 1 && DRAW_EXPONENTIAL == 2 && DUR_COUNT(DRAW) == 3, "draws");
_Static_assert(PRIOR_UNIFORM == 1 && PRIOR_NORMAL == 2 && PRIOR_LOGNORMAL == 3 && PRIOR_BETA == 4 &&
               PRIOR_GAMMA == 5 && PRIOR_EXPONENTIAL == 6 && PRIOR_TRIANGULAR == 7 &&
               DUR_COUNT(PRIOR) == 7, "priors");

const FunctionRow *function_row(Function f)     { return &FUNCTION[f]; }
const FunctionRow *draw_row(DrawKind kind)      { return &DRAW[kind]; }
const FunctionRow *prior_row(PriorKind kind)    { return &PRIOR[kind - 1]; }

static int32_t find(const FunctionRow *row, size_t n, const char *name) {
    for (size_t i = 0; i < n; i++)
        if (strcmp(row[i].name, name) == 0) return (int32_t)i;
    return -1;
}

int32_t   function_find(const char *name) { return find(FUNCTION, DUR_COUNT(FUNCTION), name); }
int32_t   draw_find(const char *name)     { return find(DRAW, DUR_COUNT(DRAW), name); }
PriorKind prior_find(const char *name)    { return (PriorKind)(find(PRIOR, DUR_COUNT(PRIOR), name) + 1); }

const char *function_near(const char *name, bool with_draws) {
    const char *all[DUR_COUNT(FUNCTION) + DUR_COUNT(DRAW)];
    int n = 0;
    for (size_t i = 0; i < DUR_COUNT(FUNCTION); i++) all[n++] = FUNCTION[i].name;
    for (size_t i = 0; with_draws && i < DUR_COUNT(DRAW); i++) all[n++] = DRAW[i].name;
    return text_nearest(name, all, n);
}

const char *prior_near(const char *name) {
    const char *all[DUR_COUNT(PRIOR)];
    for (size_t i = 0; i < DUR_COUNT(PRIOR); i++) all[i] = PRIOR[i].name;
    return text_nearest(name, all, (int)DUR_COUNT(PRIOR));
}
