/// Random scenarios as text: small games of every shape that the language has, so that two roads to one number can be
/// compared on hundreds of cases that nobody chose. The same seed gives the same text.
#ifndef TEST_RANDOM_SCENARIO_H
#define TEST_RANDOM_SCENARIO_H

#include "base/text.h"

// Draws stand in declarations of their own: the order in which a compiler takes the arguments of a call is its own affair.

#include <stdint.h>

typedef struct RandomScenario {
    uint64_t bits;
    int n_actor, n_mode, n_stock, n_value[4], owner[4];
} RandomScenario;

static inline double rs_uniform(RandomScenario *r) {   // xorshift64*
    r->bits ^= r->bits >> 12; r->bits ^= r->bits << 25; r->bits ^= r->bits >> 27;
    return (double)((r->bits * 2685821657736338717u) >> 11) * 0x1p-53;
}
static inline int rs_pick(RandomScenario *r, int n) { return (int)(rs_uniform(r) * n); }
static inline double rs_between(RandomScenario *r, double a, double b) { return a + (b - a) * rs_uniform(r); }

// a small expression in the state, in about -1..1
static inline void rs_expression(RandomScenario *r, Text *t) {
    int kind = rs_pick(r, 6);
    int m = rs_pick(r, r->n_mode);
    if (kind <= 1 || r->n_stock == 0) {
        text_printf(t, "by m%d {", m);
        for (int v = 0; v < r->n_value[m]; v++) text_printf(t, "%s v%d %.3f", v ? "," : "", v, rs_between(r, -1, 1));
        text_append(t, " }");
        if (kind == 0) text_printf(t, " * [m%d == v0]", rs_pick(r, r->n_mode));
        return;
    }
    int k = rs_pick(r, r->n_stock), l = rs_pick(r, r->n_stock);
    if (kind == 2) text_printf(t, "%.3f*x%d", rs_between(r, -1, 1), k);
    if (kind == 3) text_printf(t, "%.3f*(x%d - x%d*x%d)", rs_between(r, -1, 1), k, k, l);
    if (kind == 4) {
        double factor = rs_between(r, -1, 1);
        double other = rs_between(r, -1, 1);
        text_printf(t, "(if m%d == v1 then %.3f*x%d else %.3f)", m, factor, k, other);
    }
    if (kind == 5) text_printf(t, "%.3f*exp(-x%d)*logistic(2*x%d - 1)", rs_between(r, -1, 1), k, l);
}

static inline void rs_guard(RandomScenario *r, Text *t, int needs_mode, int needs_value) {
    text_printf(t, " when m%d == v%d", needs_mode, needs_value);
    if (r->n_stock && rs_pick(r, 3) == 0) {
        int stock = rs_pick(r, r->n_stock);
        const char *sign = rs_pick(r, 2) ? ">=" : "<";
        double limit = rs_between(r, 0.2, 0.8);
        text_printf(t, " and x%d %s %.2f", stock, sign, limit);
    }
}

static inline void rs_effect(RandomScenario *r, Text *t) {
    if (!r->n_stock) return;
    int k = rs_pick(r, r->n_stock);
    switch (rs_pick(r, 5)) {
        case 0: text_printf(t, ", x%d += %.2f", k, rs_between(r, -0.6, 0.6)); break;
        case 1: text_printf(t, ", x%d *= %.2f", k, rs_between(r, 0, 0.9)); break;
        case 2: {
            double factor = rs_between(r, 0, 1);
            int from = rs_pick(r, r->n_stock);
            text_printf(t, ", x%d = %.2f*x%d", k, factor, from);
        } break;
        case 3: {
            double least = rs_between(r, -0.5, 0);
            double most = rs_between(r, 0, 0.5);
            text_printf(t, ", x%d += uniform(%.2f, %.2f)", k, least, most);
        } break;
        default: break;
    }
}

/// Write a scenario. `precision` is about that of its actors. Policies p0 (never), p1 (from 3 month) and p2 (surprise) are there
/// whenever actor a0 has moves, which it always has.
static inline void random_scenario(Text *t, uint64_t seed, const char *choice, double precision) {
    RandomScenario r = {.bits = seed * 0x9E3779B97F4A7C15u + 88172645463325252u};
    for (int i = 0; i < 20; i++) rs_uniform(&r);
    r.n_actor = 1 + rs_pick(&r, 3);
    r.n_mode = 1 + rs_pick(&r, 3);
    r.n_stock = rs_pick(&r, 4);
    text_printf(t, "scenario \"random %llu\" { clock continuous  unit month  choice %s }\n", (unsigned long long)seed, choice);
    for (int a = 0; a < r.n_actor; a++)
        {
            double patience = rs_between(&r, 3, 40);
            double mu = precision * rs_between(&r, 0.5, 1.5);
            double attends = rs_between(&r, 0.3, 3);
            text_printf(t, "actor a%d { patience %.2f month  precision %.3f  attends %.2f per month }\n", a, patience, mu, attends);
        }
    for (int m = 0; m < r.n_mode; m++) {
        r.n_value[m] = 2 + rs_pick(&r, 2);
        r.owner[m] = m == 0 ? 0 : rs_pick(&r, r.n_actor + 1) - 1;
        if (r.owner[m] < 0) text_printf(t, "mode m%d of nature {", m);
        else text_printf(t, "mode m%d of a%d {", m, r.owner[m]);
        for (int v = 0; v < r.n_value[m]; v++) text_printf(t, "%s v%d", v ? "," : "", v);
        text_append(t, " }\n");
    }
    for (int k = 0; k < r.n_stock; k++) {
        {
            int grid = 2 + rs_pick(&r, 5);
            double start = rs_uniform(&r);
            double speed = rs_between(&r, 0.02, 0.3);
            text_printf(t, "stock x%d { range 0..1 grid %d start %.3f drift %.3f*(", k, grid, start, speed);
        }
        rs_expression(&r, t);
        text_printf(t, ") - %.3f*x%d", rs_between(&r, 0, 0.2), k);
        if (rs_pick(&r, 3) == 0) text_printf(t, "\n  noise %.3f*x%d*(1 - x%d)", rs_between(&r, 0.02, 0.3), k, k);
        text_append(t, " }\n");
    }
    // every mode can leave every value: owners by moves, nature by events; sometimes several do the same
    int n_move = 0, n_event = 0, first_of_a0 = -1;
    for (int m = 0; m < r.n_mode; m++)
        for (int v = 0; v < r.n_value[m]; v++) {
            int to = (v + 1 + rs_pick(&r, r.n_value[m] - 1)) % r.n_value[m];
            if (r.owner[m] < 0) {
                text_printf(t, "event e%d {", n_event++);
                rs_guard(&r, t, m, v);
                // every expression above stays within -1.1..1.1, so no rate is negative
                text_printf(t, "  rate %.3f*(1.2 + ", rs_between(&r, 0.02, 0.5));
                rs_expression(&r, t);
                text_printf(t, ") per month  then m%d = v%d", m, to);
                rs_effect(&r, t);
                if (rs_pick(&r, 2)) text_printf(t, "  pays a0 %.3f", rs_between(&r, -1, 1));
            } else {
                if (r.owner[m] == 0 && first_of_a0 < 0) first_of_a0 = n_move;
                text_printf(t, "move d%d of a%d {", n_move++, r.owner[m]);
                rs_guard(&r, t, m, v);
                if (rs_pick(&r, 2)) { text_printf(t, "  cost %.3f + 0.1*(", rs_between(&r, 0, 0.5)); rs_expression(&r, t); text_append(t, ")"); }
                if (rs_pick(&r, 3) == 0) {
                    int payee = rs_pick(&r, r.n_actor);
                    double lump = rs_between(&r, -1, 1);
                    text_printf(t, "  pays a%d %.3f", payee, lump);
                }
                text_printf(t, "  then m%d = v%d", m, to);
                rs_effect(&r, t);
            }
            text_append(t, " }\n");
        }
    for (int a = 0; a < r.n_actor; a++) {
        text_printf(t, "payoff a%d { flow ", a);
        rs_expression(&r, t);
        text_append(t, "\n other ");
        rs_expression(&r, t);
        text_append(t, " }\n");
    }
    text_printf(t, "policy p0 of a0 { never d%d }\n", first_of_a0);
    text_printf(t, "policy p1 of a0 { from 3 month: m0 = v1\n  never d%d }\n", first_of_a0);
    text_printf(t, "policy p2 of a0 { surprise\n  always d%d when m0 == v0 }\n", first_of_a0);
}

#endif
