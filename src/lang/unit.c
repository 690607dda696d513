#include "lang/unit.h"

#include <string.h>

/// Powers beyond this are not followed: nobody means them, and they must not overflow.
#define POWER_MAX 1000

Unit unit_base(int32_t base) {
    return (Unit){.is_known = true, .n = 1, .factor = {{(int16_t)base, 1}}};
}

Unit unit_product(Unit a, Unit b, int32_t power) {
    if (!a.is_known || !b.is_known || power > POWER_MAX || power < -POWER_MAX) return unit_unknown();
    // merge two rising lists of bases
    Unit out = unit_pure();
    int32_t i = 0, j = 0;
    while (i < a.n || j < b.n) {
        bool from_a = i < a.n && (j >= b.n || a.factor[i].base <= b.factor[j].base);
        bool from_b = j < b.n && (i >= a.n || b.factor[j].base <= a.factor[i].base);
        int32_t base = from_a ? a.factor[i].base : b.factor[j].base;
        int32_t p = (from_a ? a.factor[i++].power : 0) + (from_b ? power * b.factor[j++].power : 0);
        if (p == 0) continue;
        if (out.n == UNIT_FACTORS_MAX || p > POWER_MAX || p < -POWER_MAX) return unit_unknown();
        out.factor[out.n].base = (int16_t)base;
        out.factor[out.n++].power = (int16_t)p;
    }
    return out;
}

Unit unit_root(Unit u) {
    for (int32_t i = 0; i < u.n; i++) {
        if (u.factor[i].power % 2) return unit_unknown();
        u.factor[i].power = (int16_t)(u.factor[i].power / 2);
    }
    return u;
}

static bool same(const Unit *a, const Unit *b) {
    if (a->n != b->n) return false;
    for (int32_t i = 0; i < a->n; i++)
        if (a->factor[i].base != b->factor[i].base || a->factor[i].power != b->factor[i].power) return false;
    return true;
}

bool unit_agree(Unit a, Unit b) { return !a.is_known || !b.is_known || same(&a, &b); }
Unit unit_meet(Unit a, Unit b)  { return a.is_known ? b : a; }

void unit_print(Text *out, Unit u, const char *const *name) {
    if (!u.is_known) { text_append(out, "no stated unit"); return; }
    if (u.n == 0) { text_append(out, "a pure number"); return; }
    if (u.n == 1 && u.factor[0].base == UNIT_TIME && u.factor[0].power == 1) {
        text_append(out, "units of time");
        return;
    }
    // what is counted first, then what it is counted by
    bool any = false;
    for (int side = 0; side < 2; side++) {
        for (int32_t i = 0; i < u.n; i++) {
            int32_t p = side ? -u.factor[i].power : u.factor[i].power;
            if (p <= 0) continue;
            if (side) text_append(out, any ? " per " : "per ");
            else if (any) text_append(out, " ");
            text_append(out, u.factor[i].base == UNIT_TIME ? "time" : name[u.factor[i].base - 1]);
            if (p > 1) text_printf(out, "^%d", p);
            any = true;
        }
    }
}
