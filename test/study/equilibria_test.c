#define _POSIX_C_SOURCE 200809L
#include "study_case.h"

#include "base/memory.h"

// a market for one of two firms: the second has it, the first has it, or both wait for the other to give in
static const char *const MARKET =
    "scenario \"a market for one\" { clock continuous  unit month  until 2031-01-01 from 2026-01-01 }\n"
    "actor a { patience 10 month  precision 8  attends 1 per month }\n"
    "actor b { patience 10 month  precision 8  attends 1 per month }\n"
    "mode ma of a { out, on }\nmode mb of b { out, on }\n"
    "move enter_a of a { when ma == out then ma = on }\nmove leave_a of a { when ma == on then ma = out }\n"
    "move enter_b of b { when mb == out then mb = on }\nmove leave_b of b { when mb == on then mb = out }\n"
    "payoff a { profit [ma == on]*(1 - 1.5*[mb == on]) }\npayoff b { profit [mb == on]*(1 - 1.5*[ma == on]) }\n"
    "policy never of a { never enter_a }\n"
    "claim first_has_it { E( [ma == on and mb == out] in the long run ) > 0.6 }\n"
    "claim one_has_it { E( [ma == on] + [mb == on] in the long run ) > 0.8 }\n"
    "claim alone { E( [mb == on] at 24 month | never ) > 0.9 }\n";

// which of the equilibria found from 64 starts gives the first firm most: its number
static int which_favours_a(DurScenario *s) {
    DurOptions options = {.starts = 64, .threads = 1};
    DurResult *r = ask(dur_solve, s, &options, DUR_OK);
    int best = 0;
    double most = -INFINITY;
    const char *at = strstr(dur_result_json(r), "\"list\":");
    for (int k = 1; k <= 3; k++) {
        char key[32];
        snprintf(key, sizeof key, "\"equilibrium\": %d", k);
        const char *item = strstr(at, key);
        if (!item) fail_msg("no equilibrium %d", k);
        double value = number(item, KEYS("values", "a"), 2);
        if (value > most) { most = value; best = k; }
    }
    CHECK(strstr(at, "\"equilibrium\": 4") == NULL);
    dur_result_free(r);
    return best;
}

TEST(equilibria_are_listed_counted_and_told_apart) {
    DurScenario *s = open_scenario("market.duress", MARKET, NULL);
    DurOptions options = {.starts = 64, .threads = 1};
    DurResult *r = ask(dur_solve, s, &options, DUR_OK);
    CHECK(strstr(dur_result_text(r), "3 equilibria found from 64 starts") && strstr(dur_result_text(r), "an odd number"));
    CHECK_NEAR(NUMBER(r, "equilibria", "starts"), 64, 0);
    CHECK(strstr(dur_result_json(r), "\"odd\": true") && strstr(dur_result_json(r), "\"at_hand\": 1"));
    CHECK(NUMBER(r, "list", "growth") > 1);   // the principal one treats alike what is alike, and is left
    CHECK_NEAR(NUMBER(r, "list", "values", "a"), NUMBER(r, "values", "a"), 1e-7);
    dur_result_free(r);
    // nothing of it without being asked
    options = (DurOptions){.threads = 1};
    r = ask(dur_solve, s, &options, DUR_OK);
    CHECK(!strstr(dur_result_json(r), "equilibria"));
    dur_result_free(r);
    dur_close(s);
}

TEST(an_equilibrium_can_be_named_by_every_command) {
    const char *const query[] = {"E( [ma == on] at 24 month )"};
    DurOptions options = {.query = query, .n_query = 1};
    DurScenario *s = open_scenario("market.duress", MARKET, &options);
    int best = which_favours_a(s);
    CHECK(best > 1);
    options = (DurOptions){.equilibrium = best, .threads = 1, .exact = true, .lattice = true, .runs = 20000, .times = 5};
    DurResult *r = ask(dur_solve, s, &options, DUR_OK);
    CHECK_NEAR(NUMBER(r, "values", "a"), 8.23514, 1e-4);
    CHECK(strstr(dur_result_json(r), "\"principal\": false") && strstr(dur_result_text(r), "found from 64 starts"));
    CHECK(NUMBER(r, "certificate", "residual") < 1e-8);
    dur_result_free(r);
    r = ask(dur_query, s, &options, DUR_OK);
    double share = NUMBER(r, "value");
    CHECK(share > 0.9);
    dur_result_free(r);
    r = ask(dur_simulate, s, &options, DUR_OK);   // the last of five times, month 60: near the long run as well
    const char *on = strstr(strstr(dur_result_json(r), "\"ma\": {"), "\"on\": [");
    CHECK(on && strtod(strchr(on, ',') + 1, NULL) > 0.9);   // |z| < 5 by far: 20,000 runs of a share near 1
    dur_result_free(r);
    // the first is the solver's own
    options.equilibrium = 1;
    r = ask(dur_query, s, &options, DUR_OK);
    CHECK(NUMBER(r, "value") < 0.8);
    dur_result_free(r);
    dur_close(s);
}

TEST(verdicts_that_change_between_equilibria_are_named_and_others_counted) {
    DurScenario *s = open_scenario("market.duress", MARKET, NULL);
    int best = which_favours_a(s);
    DurOptions options = {.starts = 64, .threads = 1, .exact = true};
    DurResult *r = ask(dur_claims, s, &options, DUR_OK);
    const char *text = dur_result_text(r);
    char expected[32];
    snprintf(expected, sizeof expected, "holds in %d", best);
    CHECK(strstr(text, "changes    first_has_it: fails in 1") && strstr(text, expected));
    CHECK(strstr(text, "2 claims have the same verdict in all of them"));
    CHECK(strstr(strstr(dur_result_json(r), "first_has_it"), "\"changes\": true"));
    CHECK(strstr(strstr(dur_result_json(r), "\"one_has_it\""), "\"changes\": false"));
    dur_result_free(r);

    // judged in another, the list is the same with another verdict at its head
    options.equilibrium = best;
    r = ask(dur_claims, s, &options, DUR_OK);
    CHECK(strstr(dur_result_text(r), "  holds      first_has_it") && strstr(dur_result_text(r), "first_has_it: fails in 1"));
    dur_result_free(r);

    // one claim alone, and without others
    options = (DurOptions){.threads = 1, .exact = true, .claim = "one_has_it"};
    r = ask(dur_claims, s, &options, DUR_OK);
    CHECK(!strstr(dur_result_text(r), "equilibri") && !strstr(dur_result_json(r), "changes"));
    dur_result_free(r);
    dur_close(s);
}

TEST(a_run_tells_the_same) {
    DurScenario *s = open_scenario("market.duress", MARKET, NULL);
    DurOptions options = {.starts = 64, .threads = 1, .runs = 500, .times = 5};
    DurResult *r = ask(dur_run, s, &options, DUR_OK);
    CHECK(strstr(dur_result_text(r), "3 equilibria found from 64 starts") && strstr(dur_result_text(r), "first_has_it:"));
    CHECK_NEAR(NUMBER(r, "solve", "equilibria", "starts"), 64, 0);
    CHECK(strstr(strstr(dur_result_json(r), "\"name\": \"first_has_it\""), "\"changes\": true"));
    dur_result_free(r);
    dur_close(s);
}

TEST(an_equilibrium_that_was_not_found_is_refused) {
    DurScenario *s = open_scenario("market.duress", MARKET, NULL);
    DurOptions options = {.equilibrium = 4, .threads = 1};
    DurResult *r = NULL;
    char error[1024];
    for (int again = 0; again < 2; again++) {
        assert_int_equal(dur_claims(s, &options, &r, error), DUR_INPUT);
        CHECK(strstr(error, "3 equilibria were found from 64 starts, so there is no equilibrium 4"));
        dur_result_free(r);
    }
    options.equilibrium = 0;
    r = ask(dur_claims, s, &options, DUR_OK);
    dur_result_free(r);
    dur_close(s);
}

static int n_asked, stop_after;
static bool stop(void *context) { return ++n_asked > stop_after; }

TEST(a_search_that_is_stopped_leaves_nothing_half_done) {
    DurScenario *s = open_scenario("market.duress", MARKET, NULL);
    DurProgress progress = {.stop = stop};
    DurOptions options = {.starts = 16, .threads = 1, .exact = true, .progress = &progress};
    stop_after = INT32_MAX;
    DurResult *r = ask(dur_claims, s, &options, DUR_OK);
    char *whole = strdup(dur_result_text(r));
    dur_result_free(r);
    int n = n_asked;
    for (stop_after = 0; stop_after < n; stop_after += 1 + n / 60) {
        DurOptions other = {.threads = 1, .tolerance = 1e-3};
        dur_result_free(ask(dur_solve, s, &other, DUR_OK));
        n_asked = 0;
        dur_result_free(ask(dur_claims, s, &options, DUR_INTERRUPTED));
    }
    stop_after = INT32_MAX;
    r = ask(dur_claims, s, &options, DUR_OK);
    assert_string_equal(dur_result_text(r), whole);
    dur_result_free(r);
    free(whole);
    dur_close(s);
}

TEST(every_allocation_of_a_search_may_fail_once) {
    DurOptions options = {.starts = 4, .equilibrium = 2, .threads = 1, .exact = true};
    for (int64_t k = 1;; k += 1 + k / 60) {
        DurScenario *s = open_scenario("memory.duress", MARKET, NULL);
        DurResult *r = NULL;
        char error[1024];
        memory_fail_at(k);
        DurStatus status = dur_claims(s, &options, &r, error);
        bool over = memory_fail_at(0) < k;
        dur_result_free(r);
        dur_close(s);
        if (status != DUR_OK && status != DUR_MEMORY) fail_msg("allocation %lld gave status %d: %s", (long long)k, status, error);
        if (over) { CHECK_OK(status); break; }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        RUN(equilibria_are_listed_counted_and_told_apart),
        RUN(an_equilibrium_can_be_named_by_every_command),
        RUN(verdicts_that_change_between_equilibria_are_named_and_others_counted),
        RUN(a_run_tells_the_same),
        RUN(an_equilibrium_that_was_not_found_is_refused),
        RUN(a_search_that_is_stopped_leaves_nothing_half_done),
        RUN(every_allocation_of_a_search_may_fail_once),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
