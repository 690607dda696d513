#define _POSIX_C_SOURCE 200809L
#include "study_case.h"

#include "base/memory.h"

// one stock that decays at rate delta; an actor that gets a flow of it
static const double RHO = 1.0 / 20, DELTA = 0.2, X0 = 0.5, T = 12;

static const char *decaying(const char *flow, int n_grid, const char *claims) {
    static char text[4096];
    snprintf(text, sizeof text,
             "scenario \"decay\" { clock continuous unit month }\n"
             "actor a { patience 20 month precision 1 attends 0 per month }\n"
             "stock x { range 0..1 grid %d start 0.5 drift -0.2*x }\n"
             "payoff a { flow %s }\n%s", n_grid, flow, claims);
    return text;
}

static DurResult *refined(const char *text, const DurOptions *more) {
    DurOptions options = more ? *more : (DurOptions){0};
    options.refine = true;
    options.threads = 1;
    DurScenario *s = open_scenario("refined.duress", text, NULL);
    DurResult *r = ask(dur_check, s, &options, DUR_OK);
    dur_close(s);
    return r;
}

static double row(const DurResult *r, const char *name, const char *key) {
    char item[128];
    snprintf(item, sizeof item, "=%s", name);
    return NUMBER(r, "refine", "rows", item, key);
}

static const char *claim_grid(const DurResult *r, const char *name) {
    static char word[32];
    char item[64];
    const char *at = strstr(strstr(dur_result_json(r), "\"claims\": ["), "");
    snprintf(item, sizeof item, "\"name\": \"%s\"", name);
    at = strstr(at, item);
    if (!at || sscanf(strstr(at, "\"grid\": \"") + 9, "%31[a-z]", word) != 1) fail_msg("no claim %s", name);
    return word;
}

TEST(a_linear_value_does_not_move_at_all) {   // V = x/(rho + delta), E x(t) = x0 exp(-delta t): upwind is exact for both
    DurResult *r = refined(decaying("x", 5, "claim fades { E( x at 12 month ) < 0.1 }\n"), NULL);
    CHECK_NEAR(row(r, "a", "written"), X0 / (RHO + DELTA), 1e-8);
    CHECK_NEAR(row(r, "a", "move"), 0, 1e-9);
    CHECK_NEAR(row(r, "E(x at 12 month)", "extrapolated"), X0 * exp(-DELTA * T), 3e-8);
    CHECK_NEAR(row(r, "E(x at 12 month)", "move"), 0, 2e-8);
    assert_string_equal(claim_grid(r, "fades"), "steady");
    CHECK(strstr(dur_result_text(r), "moves nothing"));
    dur_result_free(r);
}

TEST(a_curved_value_moves_as_predicted_and_is_extrapolated_to_its_closed_form) {
    // upwind: rho V = x^2 + delta x/h (V(x-h) - V(x)), solved by V = x^2/(rho+2 delta) + delta h x/((rho+2 delta)(rho+delta));
    // second moment of the chain: m' = -2 delta m + delta h E x
    for (int n = 5; n <= 17; n += 4) {
        DurResult *r = refined(decaying("x*x", n, "claim small { E( x*x at 12 month ) < 0.5 }\n"), NULL);
        double h = 1.0 / (n - 1), exact = X0 * X0 / (RHO + 2 * DELTA);
        double slope = DELTA * X0 / ((RHO + 2 * DELTA) * (RHO + DELTA));
        CHECK_NEAR(row(r, "a", "written"), exact + h * slope, 1e-8);
        CHECK_NEAR(row(r, "a", "move"), -h / 2 * slope, 1e-8);
        CHECK_NEAR(row(r, "a", "extrapolated"), exact, 2e-8);
        CHECK_NEAR(row(r, "a", "order"), 1, 1e-4);
        double fade = exp(-DELTA * T), spread = X0 * (fade - fade * fade);
        CHECK_NEAR(row(r, "E(x*x at 12 month)", "written"), X0 * X0 * fade * fade + h * spread, 2e-8);
        CHECK_NEAR(row(r, "E(x*x at 12 month)", "move"), -h / 2 * spread, 3e-8);
        CHECK_NEAR(row(r, "E(x*x at 12 month)", "extrapolated"), X0 * X0 * fade * fade, 6e-8);
        dur_result_free(r);
    }
}

TEST(what_the_extrapolation_leaves_falls_with_the_square_of_the_step) {
    // flow x^3: V = a x^3 + b x^2 + c x with a = 1/(rho+3 delta), b = 3 delta h a/(rho+2 delta),
    // c = delta h (b - h a)/(rho+delta); so 2 V(h/2) - V(h) misses a x^3 by -c x/2
    double left[3];
    for (int k = 0; k < 3; k++) {
        int n = (8 << k) + 1;
        DurResult *r = refined(decaying("x*x*x", n, ""), NULL);
        double h = 1.0 / (n - 1), a = 1 / (RHO + 3 * DELTA), b = 3 * DELTA * h * a / (RHO + 2 * DELTA);
        double c = DELTA * h * (b - h * a) / (RHO + DELTA);
        left[k] = row(r, "a", "extrapolated") - a * X0 * X0 * X0;
        CHECK_NEAR(left[k], -c * X0 / 2, 2e-8);
        dur_result_free(r);
    }
    CHECK_NEAR(left[0] / left[1], 4, 1e-3);
    CHECK_NEAR(left[1] / left[2], 4, 1e-2);
}

TEST(a_claim_that_the_grid_turns_is_named_and_one_far_from_turning_is_steady) {
    // as written E(x*x) is .0068 + .0103 at h = 1/4; it holds there, fails on doubled grids
    double fade = exp(-DELTA * T), exact = X0 * X0 * fade * fade, error = X0 * (fade - fade * fade) / 4;
    char claims[512];
    snprintf(claims, sizeof claims,
             "claim turning { E( x*x at 12 month ) > %.6f }\n"
             "claim late    { E( x*x at 12 month ) > %.6f }\n"
             "claim moving  { E( x*x at 12 month ) > %.6f }\n"
             "claim steady  { E( x*x at 12 month ) < 0.5 }\n",
             exact + 0.75 * error, exact + 0.25 * error, exact - 0.5 * error);
    DurResult *r = refined(decaying("x*x", 5, claims), NULL);
    assert_string_equal(claim_grid(r, "turning"), "turns");   // already on doubled grids
    assert_string_equal(claim_grid(r, "late"), "turns");      // only in the limit
    assert_string_equal(claim_grid(r, "moving"), "moves");
    assert_string_equal(claim_grid(r, "steady"), "steady");
    CHECK(strstr(dur_result_text(r), "turning: sensitive to the grid: holds as written, fails doubled, fails extrapolated"));
    CHECK(strstr(dur_result_text(r), "late: sensitive to the grid: holds as written, holds doubled, fails extrapolated"));
    CHECK(strstr(dur_result_text(r), "1 steady, 1 moves, 2 turn"));
    dur_result_free(r);
}

static const char *kept(const DurResult *r, const char *name) {
    static char word[32];
    char item[64];
    snprintf(item, sizeof item, "\"name\": \"%s\"", name);
    const char *at = strstr(strstr(strstr(dur_result_json(r), "\"refine\""), "\"claims\": ["), item);
    if (!at || sscanf(strstr(at, "\"kept\": \"") + 9, "%31[a-z]", word) != 1) fail_msg("no claim %s", name);
    return word;
}

TEST(a_stated_tolerance_is_kept_or_broken_and_the_command_says_which) {
    // doubled grids halve the error of E(x*x), which has a closed form: the difference moves by half of it
    double fade = exp(-DELTA * T), exact = X0 * X0 * fade * fade, error = X0 * (fade - fade * fade) / 4, move = error / 2;
    char claims[900];
    snprintf(claims, sizeof claims,
             "claim wide    { E( x*x at 12 month ) < 0.5  tolerance %.9f }\n"
             "claim narrow  { E( x*x at 12 month ) < 0.5  tolerance %.9f }\n"
             "claim turning { E( x*x at 12 month ) > %.9f  tolerance 1 }\n"
             "claim open    { E( x*x at 12 month ) > %.9f  sensitive }\n"
             "claim silent  { E( x*x at 12 month ) < 0.5 }\n",
             1.001 * move, 0.999 * move, exact + 0.75 * error, exact + 0.75 * error);
    DurOptions options = {.refine = true, .threads = 1};
    DurScenario *s = open_scenario("tolerance.duress", decaying("x*x", 5, claims), NULL);
    DurResult *r = NULL;
    char why[1024];
    assert_int_equal(dur_check(s, &options, &r, why), DUR_UNMET);
    CHECK(strstr(why, "2 claims do not keep to the stated tolerance: `narrow`, `turning`"));
    assert_string_equal(kept(r, "wide"), "kept");
    assert_string_equal(kept(r, "narrow"), "broken");
    assert_string_equal(kept(r, "turning"), "broken");
    assert_string_equal(kept(r, "open"), "sensitive");
    assert_string_equal(kept(r, "silent"), "unstated");
    CHECK(strstr(dur_result_text(r), "1 kept, 2 broken, 1 sensitive, 1 unstated"));
    CHECK(strstr(dur_result_text(r), "no tolerance is stated by: silent"));
    dur_result_free(r);
    dur_close(s);
}

// two stocks that know nothing of one another, and a payoff that adds them: moves add up exactly
static const char *const PAIR =
    "scenario \"pair\" { clock continuous unit month }\n"
    "actor a { patience 20 month precision 1 attends 1 per month }\n"
    "mode m of a { off, on }\n"
    "stock rough { range 0..1 grid 5 start 0.5 drift -0.2*rough }\n"
    "stock fine  { range 0..1 grid 33 start 0.5 drift -0.2*fine }\n"
    "move flip of a { when m == off cost 0.1 then m = on }\n"
    "payoff a { flow rough*rough + fine*fine + 0.1*[m == on] }\n"
    "policy held of a { never flip }\n"
    "claim small { E( rough*rough + fine*fine at 12 month | held ) < E( 1 + rough at 12 month ) }\n";

TEST(one_at_a_time_moves_add_up_to_those_together_and_the_coarse_grid_is_named) {
    DurOptions few = {.states = 700};   // 2*5*33 = 330 as written, 594 and 650 alone, 1170 together
    DurResult *together = refined(PAIR, NULL), *alone = refined(PAIR, &few);
    CHECK(strstr(dur_result_json(together), "\"how\": \"together\""));
    CHECK(strstr(dur_result_json(alone), "\"how\": \"one at a time\""));
    CHECK(strstr(dur_result_text(alone), "one at a time"));
    const char *const name[] = {"a", "E(rough*rough + fine*fine at 12 month | held)", "E(1 + rough at 12 month)", "small"};
    for (int k = 0; k < 4; k++) {
        CHECK_NEAR(row(together, name[k], "move"), row(alone, name[k], "move"), 1e-7);
        CHECK_NEAR(row(together, name[k], "extrapolated"), row(alone, name[k], "extrapolated"), 2e-7);
        CHECK_NEAR(row(together, name[k], "rough"), row(alone, name[k], "rough"), 1e-7);
    }
    // V errs by delta h x/((rho+2 delta)(rho+delta)) in each: in proportion to the steps, 1/4 and 1/32
    CHECK_NEAR(row(together, "a", "rough") / row(together, "a", "fine"), 8, 1e-3);
    CHECK(strstr(dur_result_json(together), "\"matters_most\": \"rough\""));
    CHECK(strstr(dur_result_json(alone), "\"matters_most\": \"rough\""));
    CHECK(strstr(dur_result_text(alone), "The grid of `rough` matters most."));
    dur_result_free(alone);
    dur_result_free(together);
}

TEST(refined_answers_are_those_of_the_text_that_says_the_finer_grids) {
    char text[2048];
    snprintf(text, sizeof text, "%s", PAIR);
    memcpy(strstr(text, "grid 5 "), "grid 9 ", 7);
    memcpy(strstr(text, "grid 33"), "grid 65", 7);
    DurResult *r = refined(PAIR, NULL);
    const char *const query[] = {"E( rough*rough + fine*fine at 12 month | held )"};
    DurOptions options = {.query = query, .n_query = 1, .exact = true, .threads = 1, .tolerance = 1e-10};
    DurScenario *s = open_scenario("finer.duress", text, &options);
    DurResult *solved = ask(dur_solve, s, &options, DUR_OK), *asked = ask(dur_query, s, &options, DUR_OK);
    CHECK_NEAR(row(r, "a", "doubled"), NUMBER(solved, "values", "a"), 1e-8);
    CHECK_NEAR(row(r, "E(rough*rough + fine*fine at 12 month | held)", "doubled"), NUMBER(asked, "value"), 1e-8);
    dur_result_free(asked);
    dur_result_free(solved);
    dur_result_free(r);
    dur_close(s);
}

TEST(what_cannot_be_had_exactly_is_sampled_on_the_lattice_and_said_to_be) {
    DurResult *r = refined(decaying("x", 41, "claim top { E( max x*x over 12 month ) > 0.9 }\n"), NULL);   // 81 levels doubled
    CHECK(strstr(dur_result_json(r), "\"method\": \"sampled\""));
    CHECK(strstr(dur_result_text(r), "E(max x*x over 12 month); sampled, to "));
    CHECK_NEAR(row(r, "E(max x*x over 12 month)", "doubled"), 0.25, 1e-9);
    dur_result_free(r);
}

static void refused(const char *text, int64_t states, DurStatus status, const char *says) {
    DurScenario *s = open_scenario("refused.duress", text, NULL);
    DurOptions options = {.refine = true, .states = states, .threads = 1};
    DurResult *r = NULL;
    char error[1024] = "";
    assert_int_equal(dur_check(s, &options, &r, error), status);
    if (!strstr(error, says)) fail_msg("\"%s\" does not say \"%s\"", error, says);
    CHECK(strstr(dur_result_json(r), "\"errors\""));
    dur_result_free(r);
    // and afterwards the scenario is as usable as before
    options = (DurOptions){.threads = 1};
    r = ask(dur_solve, s, &options, DUR_OK);
    dur_result_free(r);
    dur_close(s);
}

TEST(what_cannot_be_refined_says_why) {
    refused(decaying("x", 5, ""), 8, DUR_LIMIT, "doubling the grid of `x` alone takes 9 states, and the limit is 8");
    refused("scenario \"bare\" { clock continuous unit month }\nactor a { patience 2 month precision 1 attends 1 per month }\n"
            "mode m of a { off, on }\nmove go of a { when m == off then m = on }\npayoff a { flow [m == on] }\n", 0, DUR_INPUT,
            "no grid");
    // a rate that dips below zero between the nodes as written, at a node of the doubled grid
    refused(decaying("x", 3, "event dip { rate (x - 0.2)*(x - 0.3) per month then x = 0 }\n"), 0, DUR_DOMAIN, "x=0.25");
}

static int asked_to_stop, stop_after;
static bool stop(void *context) { return ++asked_to_stop > stop_after; }
static void tell(void *context, const char *what, double done, double total, const char *note) {
    char *seen = context;
    if (strlen(seen) + strlen(what) + 2 < 4096) strcat(strcat(seen, what), "\n");
}

TEST(it_tells_what_it_is_at_and_can_be_stopped_anywhere) {
    static char seen[4096];
    DurScenario *s = open_scenario("stopped.duress", PAIR, NULL);
    DurProgress progress = {tell, stop, seen};
    DurOptions options = {.refine = true, .threads = 1, .progress = &progress};
    stop_after = INT32_MAX;
    asked_to_stop = 0;
    DurResult *r = ask(dur_check, s, &options, DUR_OK);
    double move = row(r, "a", "move");
    dur_result_free(r);
    int n_asked = asked_to_stop;
    CHECK(n_asked > 50 && strstr(seen, "all grids doubled") && strstr(seen, "grid of rough doubled"));
    for (stop_after = 0; stop_after < n_asked; stop_after += 1 + n_asked / 40) {
        DurOptions other = {.set = NULL, .threads = 1, .tolerance = 1e-3};
        dur_result_free(ask(dur_solve, s, &other, DUR_OK));   // so that nothing is left from the last round
        asked_to_stop = 0;
        dur_result_free(ask(dur_check, s, &options, DUR_INTERRUPTED));
    }
    stop_after = INT32_MAX;
    r = ask(dur_check, s, &options, DUR_OK);
    CHECK_SAME(row(r, "a", "move"), move);
    dur_result_free(r);
    dur_close(s);
}

TEST(every_allocation_of_a_refinement_may_fail_once) {
    DurOptions options = {.refine = true, .threads = 1, .states = 700};
    for (int64_t k = 1;; k += 1 + k / 60) {
        DurScenario *s = open_scenario("memory.duress", PAIR, NULL);
        DurResult *r = NULL;
        char error[1024];
        memory_fail_at(k);
        DurStatus status = dur_check(s, &options, &r, error);
        bool all = memory_fail_at(0) < k;
        dur_result_free(r);
        dur_close(s);
        if (status != DUR_OK && status != DUR_MEMORY && status != DUR_UNMET)
            fail_msg("allocation %lld gave status %d: %s", (long long)k, status, error);
        if (!all) continue;
        CHECK_OK(status);
        break;
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        RUN(a_linear_value_does_not_move_at_all),
        RUN(a_curved_value_moves_as_predicted_and_is_extrapolated_to_its_closed_form),
        RUN(what_the_extrapolation_leaves_falls_with_the_square_of_the_step),
        RUN(a_claim_that_the_grid_turns_is_named_and_one_far_from_turning_is_steady),
        RUN(a_stated_tolerance_is_kept_or_broken_and_the_command_says_which),
        RUN(one_at_a_time_moves_add_up_to_those_together_and_the_coarse_grid_is_named),
        RUN(refined_answers_are_those_of_the_text_that_says_the_finer_grids),
        RUN(what_cannot_be_had_exactly_is_sampled_on_the_lattice_and_said_to_be),
        RUN(what_cannot_be_refined_says_why),
        RUN(it_tells_what_it_is_at_and_can_be_stopped_anywhere),
        RUN(every_allocation_of_a_refinement_may_fail_once),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
