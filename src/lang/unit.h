/// Units of measure: products of whole powers of time and of the units that a scenario declares.
#ifndef LANG_UNIT_H
#define LANG_UNIT_H

#include "base/text.h"

#include <stdbool.h>
#include <stdint.h>

/// Different units in one product; longer products are not followed.
#define UNIT_FACTORS_MAX 6

/// Declared units of one scenario.
#define UNITS_MAX 1000

/// Base units are numbered: 0 is time (months and years are one unit, of different sizes), then the declared ones.
#define UNIT_TIME 0

/// Not known is what a plain number or an undeclared stock has: it agrees with everything.
typedef struct Unit {
    bool    is_known;
    int16_t n;                                                     // 0 and known: a pure number
    struct { int16_t base, power; } factor[UNIT_FACTORS_MAX];      // bases rise, powers are not 0
} Unit;

static inline Unit unit_unknown(void) { return (Unit){0}; }
static inline Unit unit_pure(void)    { return (Unit){.is_known = true}; }
Unit unit_base(int32_t base);

/// a times b^power. Not known if one of them is not.
Unit unit_product(Unit a, Unit b, int32_t power);
/// The unit whose square is u; not known if there is none.
Unit unit_root(Unit u);

/// False only if both are known and differ.
bool unit_agree(Unit a, Unit b);
/// What is known of two that agree: known only if both are.
Unit unit_meet(Unit a, Unit b);

/// For a message: "dollar", "dollar per time", "a pure number". `name` are the declared bases', 1 and on.
void unit_print(Text *out, Unit u, const char *const *name);

#endif
