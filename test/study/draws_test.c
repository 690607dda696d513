#define _GNU_SOURCE   // mkdtemp
#include "../random_types.h"
#include "study_case.h"

#include "base/memory.h"
#include "study/approach.h"
#include "study/draws.h"

#include <math.h>

// two who answer one another; how surely is uncertain, and so is what everything costs
#define DUEL "scenario \"Duel\" { clock continuous  unit month }\n" \
    "param sharp = 1 { prior lognormal(0, 0.3) }\nparam price = 0.3 { prior uniform(0.1, 0.8) }\n" \
    "param bite = 1 { prior lognormal(0, 0.3) }\n" \
    "actor a { patience 12 month  precision sharp  attends 1 per month }\n" \
    "actor b { patience 12 month  precision sharp  attends 1 per month }\n" \
    "mode press of a { off, on }\nmode yield of b { no, yes }\n" \
    "stock x { range 0..1  grid 5  start 0.5  drift 0.2*(1 - x)*[yield == no] - 0.3*x*[yield == yes] }\n" \
    "move start of a { when press == off  cost price  then press = on }\nmove end of a { when press == on  then press = off }\n" \
    "move give of b { when yield == no  cost price  then yield = yes }\nmove take of b { when yield == yes  then yield = no }\n" \
    "payoff a { harm -2*x; own -0.3*[press == on] }\npayoff b { gain x; pain -bite*[press == on]*[yield == no] }\n" \
    "policy calm of a { never start }\n" \
    "policy late of a { from 6 month: press = off  never start }\n" \
    "claim works { E(mean [yield == yes] over 24 month) > E(mean [yield == yes] over 24 month | calm) }\n" \
    "claim same { E(x at 24 month | late) > E(x at 24 month | calm) }\n"

#define DRAWN "scenario \"D\" { clock continuous  unit month }\n" \
    "actor a { patience 6 month  precision 2  attends 1 per month }\nmode m of a { off, on }\nmove go of a { when m == off  then m = on }\n" \
    "param p = 0.5 { prior uniform(0, 1) }\nparam q = 0.5 { prior uniform(0, 1) }\n" \
    "stock x { range 0..1  grid 5  start p  drift 0 }\nstock y { range 0..1  grid 5  start q  drift 0 }\n" \
    "claim quarter { E(x at 1 month) > 0.75 }\nclaim sure { E(x at 1 month) < 2 }\nclaim never { E(y at 1 month) > 2 }\n"

static void near(double found, double expected, double room) {
    if (!(fabs(found - expected) <= room)) fail_msg("%.17g, expected %.17g within %g", found, expected, room);
}

TEST(a_search_leaves_the_claims_that_hold_or_fail_whatever_the_numbers) {
    DurOptions options = {.exact = true, .draws = 200};
    DurScenario *s = open_scenario("drawn.duress", DRAWN, &options);
    DurResult *all = ask(dur_claims, s, &options, DUR_OK);
    options.built_in = true;
    DurResult *search = ask(dur_claims, s, &options, DUR_OK);
    near(NUMBER(all, "=quarter", "holds") + NUMBER(all, "=quarter", "fails"), 200, 0);
    CHECK(NUMBER(search, "=quarter", "holds") + NUMBER(search, "=quarter", "fails") < 40);   // both seen long before
    CHECK(NUMBER(search, "=quarter", "holds") >= 1 && NUMBER(search, "=quarter", "fails") >= 1);
    near(NUMBER(search, "=sure", "holds"), 200, 0);
    near(NUMBER(search, "=never", "fails"), 200, 0);
    CHECK(strstr(dur_result_text(search), "The same verdict in all draws: sure (holds, 200), never (fails, 200)."));
    // 1 - 0.025^(1/200): Clopper and Pearson where nothing was seen
    CHECK(strstr(dur_result_text(search), "The other verdict can still come in up to 1.8 % of draws"));
    CHECK(!strstr(dur_result_text(search), "quarter (holds"));
    dur_result_free(all);
    dur_result_free(search);
    dur_close(s);
}

TEST(a_search_that_has_seen_every_claim_both_ways_ends_and_says_so) {
    DurOptions options = {.exact = true, .draws = 200, .built_in = true, .claim = "quarter"};
    DurScenario *s = open_scenario("drawn.duress", DRAWN, &options);
    DurResult *search = ask(dur_claims, s, &options, DUR_OK);
    CHECK(strstr(dur_result_text(search), "ended, with nothing left to look for, after "));
    CHECK(!strstr(dur_result_text(search), "interrupted"));
    dur_result_free(search);
    dur_close(s);
}

TEST(quantities_have_in_each_draw_what_claims_are_judged_on) {
    const char *query[] = {"E(x at 1 month)", "E(y at 1 month)"};
    DurOptions options = {.exact = true, .draws = 300, .query = query, .n_query = 2};
    DurScenario *s = open_scenario("drawn.duress", DRAWN, &options);
    DrawsQuantities d, held;
    DurError error = {0};
    const DurOptions *given = &options;
    DurResult *result = NULL;
    assert_int_equal(study_begin(s, &given, &result, &error), DUR_OK);
    assert_int_equal(draws_ask(&d, s, &options, &error), DUR_OK);
    dur_result_free(result);
    // uniform on [0, 1]: order statistics within four standard errors
    near(d.item[0].low, 0.05, 4 * sqrt(0.05 * 0.95 / 300));
    near(d.item[0].median, 0.5, 4 * 0.5 / sqrt(300));
    near(d.item[0].high, 0.95, 4 * sqrt(0.05 * 0.95 / 300));
    near(d.item[0].written, 0.5, 1e-9);
    int n = 0;
    for (int k = 0; k < 300; k++) n += d.item[0].value[k] > 0.75;
    DurResult *claims = ask(dur_claims, s, &options, DUR_OK);
    near(NUMBER(claims, "=quarter", "holds"), n, 0);
    dur_result_free(claims);

    // one is held: the other has the same values, draw by draw
    const char *set = "p=0.9";
    options.set = &set;
    options.n_set = 1;
    assert_int_equal(study_begin(s, &given, &result, &error), DUR_OK);
    assert_int_equal(draws_ask(&held, s, &options, &error), DUR_OK);
    dur_result_free(result);
    for (int k = 0; k < 300; k++) {
        near(held.item[0].value[k], 0.9, 1e-9);
        near(held.item[1].value[k], d.item[1].value[k], 1e-12);
    }
    draws_quantities_free(&d);
    draws_quantities_free(&held);
    dur_close(s);
}

TEST(draws_give_what_the_scenario_gives_with_these_numbers_set) {
    enum { N = 25 };
    const char *query[] = {"E(mean [yield == yes] over 24 month)", "E(x at 24 month | calm)"};
    DurOptions options = {.exact = true, .draws = N, .widen = 1, .query = query, .n_query = 2};
    DurScenario *s = open_scenario("duel.duress", DUEL, &options);
    const Model *m = s->model;
    const DurOptions *given = &options;
    DurResult *result = NULL;
    DurError error = {0};
    DrawsQuantities d;
    assert_int_equal(study_begin(s, &given, &result, &error), DUR_OK);
    assert_int_equal(draws_ask(&d, s, &options, &error), DUR_OK);
    dur_result_free(result);
    double base[3], param[3];
    bool varied[3] = {true, true, true};
    model_params(m, base);
    for (int k = 0; k < N; k++) {
        char words[3][64];
        const char *set[3] = {words[0], words[1], words[2]};
        draws_params(param, m, base, varied, 1, 0, k);
        for (int p = 0; p < 3; p++) snprintf(words[p], sizeof words[p], "%s=%.17g", m->param[p].name, param[p] / m->param[p].scale);
        DurOptions one = {.exact = true, .set = set, .n_set = 3};
        given = &one;
        assert_int_equal(study_begin(s, &given, &result, &error), DUR_OK);
        dur_result_free(result);
        for (int q = 0; q < 2; q++) {
            CheckAnswer alone;
            assert_int_equal(study_quantity(&alone, s, &one, d.item[q].quantity, &error), DUR_OK);
            near(d.item[q].value[k], alone.value, 1e-5);
        }
    }
    draws_quantities_free(&d);
    dur_close(s);
}

TEST(the_way_between_params_leads_to_the_solution_at_the_other_end) {
    DurOptions options = {.exact = true};
    DurScenario *s = open_scenario("duel.duress", DUEL, &options);
    DurResult *before = ask(dur_claims, s, &options, DUR_OK);   // solves the game and `calm` as written
    const Model *m = s->model;
    Session base = s->session;
    const double far[3] = {2.5, 0.7, 3};
    DurError error = {0};
    for (int policy = -1; policy < 1; policy++) {
        assert_int_equal(draws_session(s, &base, far, &error), DUR_OK);
        assert_int_equal(study_lattice(s, &error), DUR_OK);
        const Policy *known = policy < 0 ? base.equilibrium.policy : base.phase[0][0].policy;
        double *value = NULL, apart = 0, moved = 0;
        assert_int_equal(approach(&value, s, &base, known, policy, 0, &error), DUR_OK);
        CHECK(value != NULL);
        const Plan *plan;
        assert_int_equal(study_plan(s, policy, &plan, &error), DUR_OK);
        int64_t n = model_rows(m) * s->session.lattice->n_state;
        for (int64_t i = 0; i < n; i++) {
            apart = fmax(apart, fabs(value[i] - plan->step[0].policy->value[i]));
            moved = fmax(moved, fabs(value[i] - known->value[i]));
        }
        CHECK(apart < 1e-3 && moved > 1);
        memory_free(value);
        session_free(&s->session, m);
    }
    s->session = base;
    dur_result_free(before);
    dur_close(s);
}

TEST(policies_that_say_the_same_are_solved_once) {
    DurOptions options = {.exact = true};
    DurScenario *s = open_scenario("duel.duress", DUEL, &options);
    DurResult *r = ask(dur_claims, s, &options, DUR_OK);
    StudyPhase *const *phase = s->session.phase;
    CHECK(phase[0][0].is_ready && phase[1][0].is_ready);
    CHECK(phase[0][0].policy == phase[1][0].policy);
    CHECK(phase[0][0].is_solved != phase[1][0].is_solved);
    CHECK(phase[0][0].policy != s->session.equilibrium.policy);
    dur_result_free(r);
    dur_close(s);
}

TEST(a_solution_of_coarser_grids_leads_to_that_of_finer_ones_by_what_its_moves_tell) {
    // with values alone Newton's method stalls from there at 0.01
    Text text = {0};
    random_types(&text, 15, "quantal", 4, 1);
    DurScenario *s = open_scenario("carried.duress", text_view(&text), NULL);
    DurOptions options = {.threads = 1};
    dur_result_free(ask(dur_solve, s, &options, DUR_OK));
    Session coarse = s->session;
    int32_t n_node[MODEL_VARIABLES_MAX];
    for (int32_t v = 0; v < coarse.lattice->n_variable; v++)
        n_node[v] = v < s->model->n_mode ? coarse.lattice->n_node[v] : 2 * coarse.lattice->n_node[v] - 1;
    DurError error = {0};
    CHECK_OK(session_make(&s->session, s->model, coarse.param, n_node, &error));
    s->session.tolerance = coarse.tolerance;
    s->session.max_sweep = coarse.max_sweep;
    s->session.coarse = &coarse;
    CHECK_OK(study_equilibrium(s, false, &error));
    const char *how = s->session.equilibrium.how;
    if (!strstr(how, "from values at hand: ")) fail_msg("%s", how);
    s->session.coarse = NULL;
    session_free(&s->session, s->model);
    s->session = coarse;
    dur_close(s);
    text_free(&text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        RUN(a_solution_of_coarser_grids_leads_to_that_of_finer_ones_by_what_its_moves_tell),
        RUN(a_search_leaves_the_claims_that_hold_or_fail_whatever_the_numbers),
        RUN(a_search_that_has_seen_every_claim_both_ways_ends_and_says_so),
        RUN(quantities_have_in_each_draw_what_claims_are_judged_on),
        RUN(draws_give_what_the_scenario_gives_with_these_numbers_set),
        RUN(the_way_between_params_leads_to_the_solution_at_the_other_end),
        RUN(policies_that_say_the_same_are_solved_once),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
