/// What the tests of reasons share, on a continuous clock and in rounds. Included after random_scenario.h or random_rounds.h.
#ifndef TEST_GAME_REASONS_CASE_H
#define TEST_GAME_REASONS_CASE_H

#include "case.h"

#include "base/memory.h"
#include "base/team.h"
#include "game/adjoint.h"
#include "game/reasons.h"

static inline void random_node(const Case *k, RandomScenario *r, double *state) {
    const Lattice *l = k->lattice;
    for (int32_t v = 0; v < l->n_variable; v++) state[v] = lattice_level(l, v, rs_pick(r, l->n_node[v]));
}

static inline const Reason *reason_of(const Reasons *r, const char *move) {
    for (int32_t i = 0; i < r->n_reason; i++)
        if (strcmp(r->model->jump[r->reason[i].jump].name, move) == 0) return &r->reason[i];
    fail_msg("no reason for %s", move);
    return NULL;
}

// one entry by names: part "term", or "lump of JUMP"; channel "now", a stock, a jump
static inline double entry(const Reasons *r, const Reason *reason, const char *part, const char *channel) {
    const Model *m = r->model;
    double sum = 0;
    int found = 0;
    for (int32_t p = 0; p < r->n_part[reason->actor]; p++) {
        const Part *at = &r->part[reason->actor][p];
        const char *name = at->kind == PART_TERM ? m->term[at->term].name : at->kind == PART_LUMP ? m->jump[at->jump].name : "shocks";
        if (strcmp(name, part) != 0) continue;
        for (int32_t c = 0; c < r->n_channel; c++) {
            const Channel *by = &r->channel[reason->actor][c];
            const char *what = by->kind == CHANNEL_NOW ? "now" : by->index < 0 ? "opportunities"
                             : by->kind == CHANNEL_STOCK ? m->stock[by->index].name : m->jump[by->index].name;
            if (strcmp(what, channel) == 0) { sum += reason->split[p * r->n_channel + c]; found++; }
        }
    }
    assert_int_equal(found, 1);
    return sum;
}

// put `with` before what follows each `word`
static inline void weave(const Text *from, Text *out, const char *const (*swap)[2], int n_swap) {
    for (const char *c = text_view(from); *c;) {
        int i = 0;
        while (i < n_swap && strncmp(c, swap[i][0], strlen(swap[i][0])) != 0) i++;
        if (i == n_swap) { text_char(out, *c++); continue; }
        text_append(out, swap[i][1]);
        c += strlen(swap[i][0]);
    }
}

// reasons, at least so many, and derivatives of a solved case have the same bits on any number of threads
static inline void check_threads(const Case *k, int32_t least) {
    DurError error = {0};
    Reasons base;
    CHECK_OK(reasons_make(&base, k->solution.policy, k->state, -1, NULL, NULL, &error));
    CHECK(base.n_reason >= least);
    AdjointTarget first[2] = {{.actor = 0, .jump = -1}, {.actor = base.reason[0].actor, .jump = base.reason[0].jump}};
    Adjoint one;
    CHECK_OK(adjoint_make(&one, k->solution.policy, k->state, 2, first, NULL, NULL, &error));
    const int n_thread[] = {2, 3, 7};
    for (int i = 0; i < 3; i++) {
        Team *team = team_make(n_thread[i]);
        Reasons again;
        CHECK_OK(reasons_make(&again, k->solution.policy, k->state, -1, NULL, team, &error));
        for (int32_t q = 0; q < base.n_reason; q++)
            for (int32_t e = 0; e < base.n_part[base.reason[q].actor] * base.n_channel; e++)
                CHECK_SAME(base.reason[q].split[e], again.reason[q].split[e]);
        AdjointTarget target[2] = {first[0], first[1]};
        Adjoint two;
        CHECK_OK(adjoint_make(&two, k->solution.policy, k->state, 2, target, NULL, team, &error));
        for (int32_t e = 0; e < 2 * k->model->n_param; e++) CHECK_SAME(one.derivative[e], two.derivative[e]);
        adjoint_free(&two);
        reasons_free(&again);
        team_free(team);
    }
    adjoint_free(&one);
    reasons_free(&base);
}

// every allocation in turn fails: it is said, and nothing is left
static inline void check_memory(const Case *k, int32_t n_target, const AdjointTarget *target) {
    for (int64_t at = 1;; at++) {
        DurError error = {0};
        Reasons reasons;
        memory_fail_at(at);
        DurStatus status = reasons_make(&reasons, k->solution.policy, k->state, -1, NULL, NULL, &error);
        int64_t asked = memory_fail_at(0);
        reasons_free(&reasons);
        if (status == DUR_OK) { CHECK(asked < at); break; }
        assert_int_equal(status, DUR_MEMORY);
        CHECK(error.text[0] != '\0');
    }
    for (int64_t at = 1;; at++) {
        DurError error = {0};
        Adjoint a;
        AdjointTarget t[2];
        memcpy(t, target, (size_t)n_target * sizeof *t);
        memory_fail_at(at);
        DurStatus status = adjoint_make(&a, k->solution.policy, k->state, n_target, t, NULL, NULL, &error);
        int64_t asked = memory_fail_at(0);
        adjoint_free(&a);
        if (status == DUR_OK) { CHECK(asked < at); break; }
        assert_int_equal(status, DUR_MEMORY);
    }
}

#endif
