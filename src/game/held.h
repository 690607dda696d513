/// The lag of a state that is held (tangent.h, TangentHold): how long the implicit steps are by which its shifts of belief move, in a time of
/// their own.
#ifndef GAME_HELD_H
#define GAME_HELD_H

#include <math.h>

/// The first, in the time in which shifts alone would follow; the least and the most; and by what part one changes at once.
#define HELD_FIRST   1.0
#define HELD_LEAST   1e-5
#define HELD_MOST    30.0
#define HELD_FALL    0.05
#define HELD_RISE    10.0
/// One so small that leaves this part of what was missing goes to and fro over a kink, and begins anew from the other.
#define HELD_SMALL   0.03
#define HELD_LEFT    0.7
#define HELD_ANEW    0.3

/// The next one, from what its shifts miss, now and at the tangent before. With lag s an implicit step along one direction leaves s/(s + k) of it, which
/// tells k, how it falls there on its own: from where it falls the next step is to leave a tenth; where it rises, or was stepped over, steps
/// go on, slowly, to where it falls.
static inline double held_next_lag(double lag, double now, double before) {
    double left = before != 0 ? now / before : 0.0, size = fabs(left) > 0.01 ? fabs(left) : 0.01;
    if (lag < HELD_SMALL && size > HELD_LEFT) return HELD_ANEW;
    double falls = lag * (1.0 - left) / (left < 0 ? -size : size);
    double to = left > 0 && left < 1 ? 0.1 * falls : 3.0 * fabs(falls);
    to = to < HELD_FALL * lag ? HELD_FALL * lag : to > HELD_RISE * lag ? HELD_RISE * lag : to;
    // also where there is no number in it
    return !(to >= HELD_LEAST) ? HELD_LEAST : to > HELD_MOST ? HELD_MOST : to;
}

#endif
