/// A place in the scenario's text, carried into the compiled model so that a fault at run time can name its line.
#ifndef BASE_SPAN_H
#define BASE_SPAN_H

#include <stdint.h>

/// line and column count from 1; column counts characters (code points), length too. line 0: no place.
typedef struct Span {
    int32_t file;     // index into the list of files read, 0 is the scenario itself
    int32_t line, column;
    int32_t length;
} Span;

#endif
