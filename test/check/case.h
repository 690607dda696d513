/// A scenario text made ready to be asked: compiled, on its lattice, with a plan for the equilibrium and every policy.
#ifndef TEST_CHECK_CASE_H
#define TEST_CHECK_CASE_H

#include "../check.h"

#include "base/memory.h"
#include "check/check.h"
#include "game/game.h"
#include "lang/lang.h"

#include <stdlib.h>

typedef struct Case {
    Compilation c;
    Model   *model;
    Lattice *lattice;
    Policy  *policy[64];          // owned
    int32_t  n_policy, first_query;
    Plan    *plan;                // [1 + n_policy of the model]
    const Plan **plan_view;
    CheckPlans plans;
} Case;

static inline const Policy *case_solve(Case *k, const LatticeRule *rule, bool announced) {
    DurError error = {0};
    if (!announced) {
        if (game_surprise(&k->policy[k->n_policy], k->policy[0], rule, &error) != DUR_OK) fail_msg("%s", error.text);
        return k->policy[k->n_policy++];
    }
    GameSolution s = {0};
    GameOptions options = {.rule = rule, .skip_certificate = true, .tolerance = 1e-11};
    if (game_solve(&s, k->lattice, &options, NULL, &error) != DUR_OK) fail_msg("%s", error.text);
    if (s.verdict != GAME_CONVERGED) fail_msg("%s: %s", k->model->title, s.note);
    k->policy[k->n_policy] = s.policy;
    s.policy = NULL;
    game_free(&s);
    return k->policy[k->n_policy++];
}

static inline void case_open(Case *k, const char *text, const char *const *query, int32_t n_query) {
    DurError error = {0};
    *k = (Case){0};
    CHECK_OK(lang_compile_text(&k->c, "test.duress", text, strlen(text), query, n_query, &error));
    k->model = lang_take_model(&k->c);
    if (!k->model) {
        Text out = {0};
        diagnostics_print(&k->c.diagnostics, k->c.file, k->c.n_file, &out);
        fail_msg("%s\n%s", text_view(&out), text);
    }
    const Model *m = k->model;
    k->first_query = m->n_quantity - n_query;
    double param[64] = {0};
    model_params(m, param);
    if (lattice_make(&k->lattice, m, param, &error) != DUR_OK) fail_msg("%s\n%s", error.text, text);

    const Policy *base = case_solve(k, NULL, true);
    k->plan = calloc((size_t)m->n_policy + 1, sizeof *k->plan);
    k->plan_view = calloc((size_t)m->n_policy + 1, sizeof *k->plan_view);
    for (int32_t p = -1; p < m->n_policy; p++) {
        Plan *plan = &k->plan[1 + p];
        const ModelPolicy *mp = p < 0 ? NULL : &m->policy[p];
        plan->step = calloc(mp ? (size_t)mp->n_phase + 1 : 1, sizeof *plan->step);
        if (!mp || mp->n_phase == 0 || mp->phase[0].start > 0) plan->step[plan->n_step++] = (PlanStep){.policy = base};
        for (int32_t i = 0; mp && i < mp->n_phase; i++) {
            LatticeRule rule = {.actor = -1};
            if (lattice_rule_make(&rule, k->lattice, mp->actor, &mp->phase[i], &error) != DUR_OK) fail_msg("%s", error.text);
            plan->step[plan->n_step++] = (PlanStep){.start = mp->phase[i].start, .n_set = mp->phase[i].n_set,
                                                   .set = mp->phase[i].set, .policy = case_solve(k, &rule, mp->is_announced)};
            lattice_rule_free(&rule);
        }
        k->plan_view[1 + p] = plan;
    }
    k->plans = (CheckPlans){.lattice = k->lattice, .plan = k->plan_view};
}

static inline void case_close(Case *k) {
    for (int32_t p = 0; p <= k->model->n_policy; p++) free(k->plan[p].step);
    for (int32_t i = 0; i < k->n_policy; i++) policy_free(k->policy[i]);
    free(k->plan);
    free(k->plan_view);
    lattice_free(k->lattice);
    model_free(k->model);
    lang_free(&k->c);
    *k = (Case){0};
}

/// Query i exactly; fails the test on any error.
static inline CheckAnswer case_exact(const Case *k, int32_t i) {
    CheckAnswer a;
    DurError error = {0};
    if (check_exact(&a, &k->plans, k->first_query + i, 0, NULL, NULL, &error) != DUR_OK) fail_msg("%s", error.text);
    assert_true(a.low <= a.value && a.value <= a.high);
    return a;
}

/// Ask one quantity of one scenario: its value must be near `expected`, and its bounds must hold it.
static inline void case_ask(const char *text, const char *query, double expected, double tolerance) {
    Case k;
    case_open(&k, text, &query, 1);
    CheckAnswer a = case_exact(&k, 0);
    if (!(fabs(a.value - expected) <= tolerance))
        fail_msg("%s = %.15g, expected %.15g within %g (off by %g)", query, a.value, expected, tolerance, a.value - expected);
    if (!(a.low <= expected + 1e-15 && expected - 1e-15 <= a.high))
        fail_msg("%s in [%.17g, %.17g], which leaves out %.17g", query, a.low, a.high, expected);
    if (!(a.high - a.low <= 2.1e-8)) fail_msg("%s: bounds %g wide", query, a.high - a.low);
    case_close(&k);
}

#endif
