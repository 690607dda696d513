/// Random scenarios with private types, as text: see random_scenario.h, whose expressions and guards these are made of.
#ifndef TEST_RANDOM_TYPES_H
#define TEST_RANDOM_TYPES_H

#include "random_scenario.h"

// what a type changes: `by t0 { k0 1, k1 -0.3 }`
static inline void rt_by_type(RandomScenario *r, Text *t, int actor, int n_type, double size) {
    text_printf(t, "by t%d {", actor);
    for (int k = 0; k < n_type; k++) text_printf(t, "%s k%d %.3f", k ? "," : "", k, rs_between(r, -size, size));
    text_append(t, " }");
}

/// One to three actors, of whom the first and perhaps others have two or three types; visible and secret moves; types that
/// change; beliefs that drifts, guards and payoffs read. `size` is about how much payoffs differ between types.
static inline void random_types(Text *t, uint64_t seed, const char *choice, double precision, double size) {
    RandomScenario r = {.bits = seed * 0x9E3779B97F4A7C15u + 88172645463325252u};
    for (int i = 0; i < 20; i++) rs_uniform(&r);
    r.n_actor = 1 + rs_pick(&r, 3);
    r.n_mode = 1 + rs_pick(&r, 2);
    r.n_stock = rs_pick(&r, 3);
    int n_type[3] = {0};
    text_printf(t, "scenario \"random types %llu\" { clock continuous  unit month  choice %s }\n", (unsigned long long)seed,
                choice);
    for (int a = 0; a < r.n_actor; a++) {
        double patience = rs_between(&r, 3, 20);
        double mu = precision * rs_between(&r, 0.5, 1.5);
        double attends = rs_between(&r, 0.3, 3);
        n_type[a] = a == 0 || rs_pick(&r, 3) == 0 ? 2 + (rs_pick(&r, 4) == 0) : 0;
        text_printf(t, "actor a%d { patience %.2f month  attends %.2f per month  precision %.3f", a, patience, attends, mu);
        if (n_type[a] && rs_pick(&r, 3) == 0) {
            text_printf(t, "*(1 + %.3f*", size);
            rt_by_type(&r, t, a, n_type[a], 1);
            text_append(t, ")");
        }
        text_append(t, " }\n");
        if (!n_type[a]) continue;
        int grid = n_type[a] == 2 ? 3 + rs_pick(&r, 5) : 3 + rs_pick(&r, 2);
        text_printf(t, "private t%d of a%d {%s } { grid %d  belief", a, a, n_type[a] == 2 ? " k0, k1" : " k0, k1, k2", grid);
        int first = 100 + rs_pick(&r, 500);
        int second = 100 + rs_pick(&r, 200);
        if (n_type[a] == 2) text_printf(t, " 0.%d", first);
        else text_printf(t, " 0.%d, 0.%d, 0.%d", first, second, 1000 - first - second);
        if (rs_pick(&r, 3) == 0) text_printf(t, "\n  becomes k1 at %.3f per month", rs_between(&r, 0.01, 0.2));
        if (rs_pick(&r, 4) == 0) text_printf(t, "\n  becomes k0 at %.3f per month", rs_between(&r, 0.01, 0.2));
        text_append(t, " }\n");
    }
    for (int m = 0; m < r.n_mode; m++) {
        r.n_value[m] = 2;
        r.owner[m] = m == 0 ? 0 : rs_pick(&r, r.n_actor + 1) - 1;
        if (r.owner[m] < 0) text_printf(t, "mode m%d of nature { v0, v1 }\n", m);
        else text_printf(t, "mode m%d of a%d { v0, v1 }\n", m, r.owner[m]);
    }
    for (int k = 0; k < r.n_stock; k++) {
        int grid = 2 + rs_pick(&r, 3);
        double start = rs_uniform(&r);
        double speed = rs_between(&r, 0.02, 0.3);
        text_printf(t, "stock x%d { range 0..1 grid %d start %.3f drift %.3f*(", k, grid, start, speed);
        rs_expression(&r, t);
        text_printf(t, ") - %.3f*x%d", rs_between(&r, 0, 0.2), k);
        if (rs_pick(&r, 2)) text_printf(t, " + %.3f*belief(a0 is k1)", rs_between(&r, -0.1, 0.1));
        text_append(t, " }\n");
    }
    int n_move = 0, n_event = 0;
    for (int m = 0; m < r.n_mode; m++)
        for (int v = 0; v < 2; v++) {
            if (r.owner[m] < 0) {
                text_printf(t, "event e%d {", n_event++);
                rs_guard(&r, t, m, v);
                text_printf(t, "  rate %.3f*(1 + belief(a0 is k0)) per month  then m%d = v%d", rs_between(&r, 0.02, 0.5), m, !v);
                rs_effect(&r, t);
                text_append(t, " }\n");
                continue;
            }
            // two moves that do the same but for what they cost and whether they are seen
            for (int twice = 0; twice < 2; twice++) {
                int a = r.owner[m];
                text_printf(t, "move d%d of a%d {", n_move++, a);
                rs_guard(&r, t, m, v);
                text_printf(t, "  cost %.3f", rs_between(&r, 0, 0.5));
                if (n_type[a]) { text_printf(t, " + %.3f*", size); rt_by_type(&r, t, a, n_type[a], 1); }
                if (rs_pick(&r, 3) == 0) {
                    int payee = rs_pick(&r, r.n_actor);
                    double lump = rs_between(&r, -1, 1);
                    text_printf(t, "  pays a%d %.3f", payee, lump);
                }
                if (rs_pick(&r, 3) == 0) text_append(t, "  secret");
                text_printf(t, "  then m%d = v%d", m, !v);
                rs_effect(&r, t);
                text_append(t, " }\n");
            }
        }
    for (int a = 0; a < r.n_actor; a++) {
        text_printf(t, "payoff a%d { flow ", a);
        rs_expression(&r, t);
        text_printf(t, " + %.3f*belief(a0 is k1)", rs_between(&r, -1, 1));
        text_append(t, "\n other ");
        rs_expression(&r, t);
        if (n_type[a]) { text_printf(t, " + %.3f*[m0 == v1]*", size); rt_by_type(&r, t, a, n_type[a], 1); }
        text_append(t, " }\n");
    }
    text_append(t, "policy p0 of a0 { never d0 }\npolicy p1 of a0 { always d0 when m0 == v0 }\n");
}

#endif
