/// Random games in rounds as text: small, of every shape that `clock rounds` has. The same seed gives the same text.
#ifndef TEST_RANDOM_ROUNDS_H
#define TEST_RANDOM_ROUNDS_H

#include "random_scenario.h"

/// Write one. `precision` is about that of its actors. Policies p0 (never) and p1 (always) are there. Effects of one actor's moves
/// read and write what others change too, so that the order of effects matters; about half of the games have an `order`.
static inline void random_rounds(Text *t, uint64_t seed, const char *choice, double precision) {
    RandomScenario r = {.bits = seed * 0x9E3779B97F4A7C15u + 1234567891234567u};
    for (int i = 0; i < 20; i++) rs_uniform(&r);
    r.n_actor = 1 + rs_pick(&r, 3);
    r.n_mode = 1 + rs_pick(&r, 3);
    r.n_stock = rs_pick(&r, 3);
    bool has_order = rs_pick(&r, 2), has_unit = rs_pick(&r, 2);
    text_printf(t, "scenario \"random rounds %llu\" { clock rounds  %s  choice %s  ", (unsigned long long)seed,
                has_unit ? "unit month" : "", choice);
    if (has_order) {
        // from a random one on, round the table
        int first = rs_pick(&r, r.n_actor);
        text_append(t, "order");
        for (int a = 0; a < r.n_actor; a++) text_printf(t, "%s a%d", a ? " then" : "", (first + a) % r.n_actor);
    }
    text_append(t, " }\n");
    for (int a = 0; a < r.n_actor; a++) {
        double patience = rs_between(&r, 0.5, 12), mu = precision * rs_between(&r, 0.5, 1.5);
        if (rs_pick(&r, 2)) text_printf(t, "actor a%d { patience %.2f  precision %.3f", a, patience, mu);
        else text_printf(t, "actor a%d { discount %.3f  precision %.3f", a, rs_between(&r, 0, 0.9), mu);
        if (rs_pick(&r, 3) == 0) text_printf(t, "  attends %.2f", rs_between(&r, 0.2, 1));
        text_append(t, " }\n");
    }
    for (int m = 0; m < r.n_mode; m++) {
        r.n_value[m] = 2 + rs_pick(&r, 2);
        text_printf(t, "mode m%d of nature {", m);
        for (int v = 0; v < r.n_value[m]; v++) text_printf(t, "%s v%d", v ? "," : "", v);
        text_append(t, " }\n");
    }
    for (int k = 0; k < r.n_stock; k++) {
        int grid = 2 + rs_pick(&r, 4);
        double start = rs_uniform(&r);
        text_printf(t, "stock x%d { range 0..1 grid %d start %.3f", k, grid, start);
        if (rs_pick(&r, 4)) {
            text_printf(t, " change %.3f*(", rs_between(&r, 0.05, 0.5));
            rs_expression(&r, t);
            text_printf(t, ") - %.3f*x%d", rs_between(&r, 0, 0.3), k);
        }
        text_append(t, " }\n");
    }
    int n_event = rs_pick(&r, 3);
    for (int e = 0; e < n_event; e++) {
        int m = rs_pick(&r, r.n_mode), from = rs_pick(&r, r.n_value[m]), to = rs_pick(&r, r.n_value[m]);
        text_printf(t, "event e%d {", e);
        rs_guard(&r, t, m, from);
        text_printf(t, "  chance 0.3*(1.2 + ");
        rs_expression(&r, t);
        text_printf(t, ")  then m%d = v%d", m, to);
        rs_effect(&r, t);
        if (rs_pick(&r, 2)) text_printf(t, "  pays a0 %.3f", rs_between(&r, -1, 1));
        text_append(t, " }\n");
    }
    for (int a = 0, n_move = 0; a < r.n_actor; a++) {
        int n = 1 + rs_pick(&r, 4);
        for (int k = 0; k < n; k++) {
            int m = rs_pick(&r, r.n_mode), from = rs_pick(&r, r.n_value[m]), to = rs_pick(&r, r.n_value[m]);
            text_printf(t, "move d%d of a%d {", n_move++, a);
            if (k > 0 || a > 0) rs_guard(&r, t, m, from);
            if (rs_pick(&r, 2)) { text_printf(t, "  cost %.3f + 0.1*(", rs_between(&r, 0, 0.5)); rs_expression(&r, t); text_append(t, ")"); }
            if (rs_pick(&r, 3) == 0) {
                int payee = rs_pick(&r, r.n_actor);
                text_printf(t, "  pays a%d %.3f", payee, rs_between(&r, -1, 1));
            }
            text_printf(t, "  then m%d = v%d", m, to);
            rs_effect(&r, t);
            text_append(t, " }\n");
        }
    }
    for (int a = 0; a < r.n_actor; a++) {
        text_printf(t, "payoff a%d { flow ", a);
        rs_expression(&r, t);
        text_append(t, "\n other ");
        rs_expression(&r, t);
        text_append(t, " }\n");
    }
    text_append(t, "policy p0 of a0 { never d0 }\n");
    text_append(t, "policy p1 of a0 { always d0 when m0 == v0 }\n");
}

#endif
