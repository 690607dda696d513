#define _POSIX_C_SOURCE 200809L
#include "study_case.h"

#include "base/memory.h"

// ---- scenarios and answers --------------------------------------------------------------------------------------

// entry and exit of two firms under two states of demand; Blevins 2025, continuous-time games, own check to 1e-11
static const char *const FIRMS =
    "scenario \"entry and exit\" { clock continuous  unit month  choice taste }\n"
    "actor f1 { patience 20 month  precision 1  attends 2 per month }\n"
    "actor f2 { patience 20 month  precision 1  attends 2 per month }\n"
    "mode demand of nature { low, high }\n"
    "mode m1 of f1 { absent, active }\n"
    "mode m2 of f2 { absent, active }\n"
    "param rate_up = 1 { per month }\n"
    "let n = [m1 == active] + [m2 == active]\n"
    "event up   { when demand == low   rate rate_up  then demand = high }\n"
    "event down { when demand == high  rate 1 per month  then demand = low }\n"
    "move enter1 of f1 { when m1 == absent  cost 0.5  then m1 = active }\n"
    "move exit1  of f1 { when m1 == active  then m1 = absent }\n"
    "move enter2 of f2 { when m2 == absent  cost 0.5  then m2 = active }\n"
    "move exit2  of f2 { when m2 == active  then m2 = absent }\n"
    "payoff f1 { profit [m1 == active]*(-0.1*n + 0.2*by demand { low 0, high 1 }) }\n"
    "payoff f2 { profit [m2 == active]*(-0.1*n + 0.2*by demand { low 0, high 1 }) }\n"
    "policy free    of f1 { from 0 month: m1 = absent }\n"
    "policy locked  of f1 { never enter1 }\n"
    "policy locked_unseen of f1 { never enter1  surprise }\n"
    "policy later   of f1 { from 6 month: m1 = absent  never enter1 }\n"
    "claim enters \"someone is in within a year\" { P( m1 == active within 12 month ) > 0.5 }\n"
    "claim locked_out { P( m1 == active within 12 month | locked ) > 0.5 }\n";

static const char *state_name[8] = {
    "demand=low, m1=absent, m2=absent",  "demand=low, m1=absent, m2=active",
    "demand=low, m1=active, m2=absent",  "demand=low, m1=active, m2=active",
    "demand=high, m1=absent, m2=absent", "demand=high, m1=absent, m2=active",
    "demand=high, m1=active, m2=absent", "demand=high, m1=active, m2=active",
};
static const double VALUE[8]  = {22.446756188335, 22.433432382185, 22.650395878629, 22.608927973916,
                                 22.468646281931, 22.455131126905, 22.724709657730, 22.683047290355};
static const double SWITCH[8] = {.426447475892, .419578382992, .449265283387, .456238361264,
                                 .439316460827, .432395587899, .436331662666, .443266336301};

// ---- solving ----------------------------------------------------------------------------------------------------

TEST(the_published_values_and_choices_of_entry_and_exit_come_out) {
    DurScenario *s = open_scenario("firms.duress", FIRMS, NULL);
    for (int k = 0; k < 8; k++) {
        DurOptions options = {.at = state_name[k], .tolerance = 1e-13, .threads = 1};
        DurResult *r = ask(dur_solve, s, &options, DUR_OK);
        CHECK_NEAR(NUMBER(r, "values", "f1"), VALUE[k], 1e-9);
        bool is_in = strstr(state_name[k], "m1=active") != NULL;
        CHECK_NEAR(NUMBER(r, "choices", "f1", is_in ? "exit1" : "enter1"), SWITCH[k], 1e-9);
        CHECK_NEAR(NUMBER(r, "choices", "f1", is_in ? "enter1" : "exit1"), 0, 0);
        dur_result_free(r);
    }
    dur_close(s);
}

TEST(a_parameter_set_and_set_back_leaves_no_trace) {
    DurScenario *s = open_scenario("firms.duress", FIRMS, NULL);
    const char *const other[] = {"rate_up=0.25"};
    DurOptions plain = {.threads = 1}, changed = {.threads = 1, .set = other, .n_set = 1};
    DurResult *first = ask(dur_solve, s, &plain, DUR_OK);
    DurResult *middle = ask(dur_solve, s, &changed, DUR_OK);
    DurResult *last = ask(dur_solve, s, &plain, DUR_OK);
    CHECK_SAME(NUMBER(first, "values", "f1"), NUMBER(last, "values", "f1"));
    CHECK(NUMBER(first, "values", "f1") > NUMBER(middle, "values", "f1"));
    CHECK_NEAR(NUMBER(middle, "set", "rate_up"), 0.25, 0);
    dur_result_free(first);
    dur_result_free(middle);
    dur_result_free(last);
    dur_close(s);
}

TEST(a_certificate_asked_for_after_claims_does_not_unsettle_them) {
    DurScenario *s = open_scenario("firms.duress", FIRMS, NULL);
    DurOptions options = {.threads = 1, .exact = true};
    DurResult *before = ask(dur_claims, s, &options, DUR_OK);
    DurResult *solved = ask(dur_solve, s, &options, DUR_OK);
    CHECK(NUMBER(solved, "certificate", "consistency") < 1e-6);
    DurResult *after = ask(dur_claims, s, &options, DUR_OK);
    CHECK_SAME(NUMBER(before, "=enters", "left"), NUMBER(after, "=enters", "left"));
    CHECK_SAME(NUMBER(before, "=locked_out", "left"), NUMBER(after, "=locked_out", "left"));
    dur_result_free(before);
    dur_result_free(solved);
    dur_result_free(after);
    dur_close(s);
}

// ---- policies as plans ------------------------------------------------------------------------------------------

static double exact(DurScenario *s, int q) {
    DurOptions options = {.threads = 1, .exact = true, .tolerance = 1e-11};
    DurResult *r = ask(dur_query, s, &options, DUR_OK);
    const char *json = dur_result_json(r);
    for (int k = 0; k < q; k++) json = strstr(json, "\"query\": ") + 1;
    const char *const key[] = {"query", "value"};
    double x = number(json, key, 2);
    dur_result_free(r);
    return x;
}

TEST(policies_do_what_their_words_say) {
    const char *const query[] = {
        "P( m1 == active within 6 month )",             "P( m1 == active within 6 month | free )",
        "E( count(enter1) over 12 month | locked )",    "P( m2 == active at 12 month )",
        "P( m2 == active at 12 month | locked )",       "P( m2 == active at 12 month | locked_unseen )",
        "P( m1 == active within 5 month | later )",     "P( m1 == active within 5 month )",
        "P( m1 == active at 6.001 month | later )",     "E( count(enter1) over 6 month after 6 month | later )",
    };
    DurOptions options = {.query = query, .n_query = (int)DUR_COUNT(query)};
    DurScenario *s = open_scenario("firms.duress", FIRMS, &options);
    // setting a mode to what it is anyway, with nothing forbidden, is the equilibrium
    CHECK_NEAR(exact(s, 1), exact(s, 0), 1e-12);
    // what is forbidden does not happen
    CHECK_NEAR(exact(s, 2), 0, 1e-12);
    // a rival that cannot come in makes it worth more to be in, if one knows of it; if not, one acts as before
    CHECK(exact(s, 4) > exact(s, 3) + 1e-3);
    CHECK(fabs(exact(s, 5) - exact(s, 3)) > 1e-6 && exact(s, 5) < exact(s, 4));
    // before a phase starts nothing is different; when it starts its modes are set and its bans hold
    CHECK_NEAR(exact(s, 6), exact(s, 7), 1e-9);
    CHECK_NEAR(exact(s, 8), 0, 1e-9);
    CHECK_NEAR(exact(s, 9), 0, 1e-9);
    dur_close(s);
}

TEST(a_rival_locked_out_leaves_a_decision_problem) {
    // with firm 1 locked out and announced, firm 2's choices are those of a game in which firm 1 has no move at all
    char alone[4096] = "";
    const char *cut = strstr(FIRMS, "move enter1"), *rest = strstr(FIRMS, "move enter2");
    const char *end = strstr(FIRMS, "policy free");
    snprintf(alone, sizeof alone, "%.*s%.*s", (int)(cut - FIRMS), FIRMS, (int)(end - rest), rest);
    const char *const query[] = {"P( m2 == active at 3 month )"};
    const char *const other[] = {"P( m2 == active at 3 month | locked )"};
    DurOptions one = {.query = query, .n_query = 1}, two = {.query = other, .n_query = 1};
    DurScenario *lone = open_scenario("lone.duress", alone, &one);
    DurScenario *pair = open_scenario("firms.duress", FIRMS, &two);
    CHECK_NEAR(exact(lone, 0), exact(pair, 0), 2e-8);   // each within its bound of 1e-8
    dur_close(lone);
    dur_close(pair);
}

// ---- what a run lasts, and what is told -------------------------------------------------------------------------

// the last number of the list of times
static double last_time(const DurResult *r) {
    const char *end = strchr(strstr(dur_result_json(r), "\"time\": ["), ']');
    while (*end != ',') end--;
    return strtod(end + 1, NULL);
}

TEST(without_an_end_a_run_lasts_as_long_as_the_claims_look) {
    DurScenario *s = open_scenario("firms.duress", FIRMS, NULL);
    DurOptions options = {.threads = 1, .runs = 10, .times = 3};
    DurResult *r = ask(dur_simulate, s, &options, DUR_OK);
    CHECK_NEAR(last_time(r), 12, 1e-12);
    dur_result_free(r);
    dur_close(s);

    char bare[4096];
    snprintf(bare, sizeof bare, "%.*s", (int)(strstr(FIRMS, "claim enters") - FIRMS), FIRMS);
    s = open_scenario("bare.duress", bare, NULL);
    r = ask(dur_simulate, s, &options, DUR_OK);
    CHECK_NEAR(last_time(r), 5 * 20, 1e-12);   // five times the patience
    dur_result_free(r);
    r = ask(dur_claims, s, &options, DUR_OK);
    CHECK(strstr(dur_result_text(r), "no claim") && strcmp(dur_result_json(r), "[]\n") == 0);
    dur_result_free(r);
    dur_close(s);
}

TEST(a_scenario_with_faults_gives_them_from_every_command) {
    DurScenario *s = NULL;
    char error[1024];
    const char *path = write_scenario("faulty.duress", "scenario \"x\" { clock continuous unit mnth }\n");
    CHECK_OK(dur_open(&s, path, NULL, error));
    CHECK(dur_faulty(s));
    Call *const call[] = {dur_check, dur_solve, dur_explain, dur_simulate, dur_claims, dur_query, dur_run};
    for (size_t k = 0; k < DUR_COUNT(call); k++) {
        DurResult *r = ask(call[k], s, NULL, DUR_INPUT);
        CHECK(strstr(dur_result_faults(r), "faulty.duress:1:") && strstr(dur_result_faults(r), "month"));
        CHECK(strstr(dur_result_json(r), "\"errors\": [\n"));
        dur_result_free(r);
    }
    dur_close(s);
}

// ---- where there is nothing to choose -----------------------------------------------------------------------------

/// A clock, and a chain of states beside it that nobody can do anything about.
typedef struct Nobody { const char *clock, *rate, *path; double gone, level; } Nobody;

TEST(a_scenario_without_actors_is_a_chain_whose_answers_are_closed_forms) {
    const Nobody kind[2] = {{"continuous", "rate 0.2 per month", "drift", 1 - exp(-2.4), 1 - 0.6 * exp(-1.2)},
                            {"rounds", "chance 0.2", "change", 1 - pow(0.8, 12), 1 - 0.6 * pow(0.9, 12)}};
    for (int k = 0; k < 2; k++) {
        char text[1024];
        snprintf(text, sizeof text, "scenario \"nobody\" { clock %s unit month }\nmode m of nature { off, on }\n"
                 "stock x { range 0..1 grid 5 start 0.4 %s 0.1*(1 - x) }\n"
                 "event go { when m == off %s then m = on }\n"
                 "claim gone \"it goes\" { P(m == on at 12 month) >= 0.5 }\n"
                 "claim level \"it rises\" { E(x at 12 month) >= 0.5 }\n", kind[k].clock, kind[k].path, kind[k].rate);
        DurOptions options = {.threads = 1, .exact = true, .runs = 50, .times = 3, .refine = k == 0};
        DurScenario *s = open_scenario("nobody.duress", text, &options);
        Call *const call[] = {dur_check, dur_solve, dur_explain, dur_simulate, dur_trace, dur_run, dur_claims};
        for (size_t c = 0; c < DUR_COUNT(call); c++) {
            DurResult *r = ask(call[c], s, &options, DUR_OK);
            if (call[c] == dur_explain) CHECK(strstr(dur_result_text(r), "Nobody chooses here"));
            if (call[c] == dur_claims) {
                const char *json = dur_result_json(r), *second = strstr(json, "\"level\"");
                CHECK_NEAR(number(json, KEYS("left"), 1), kind[k].gone, 1e-8);
                CHECK_NEAR(number(second, KEYS("left"), 1), kind[k].level, 1e-8);
            }
            dur_result_free(r);
        }
        // there is one thing that can happen, and every start finds it
        options.starts = 3;
        DurResult *r = ask(dur_solve, s, &options, DUR_OK);
        CHECK(strstr(dur_result_text(r), "1 equilibrium found from 3 starts"));
        dur_result_free(r);
        dur_close(s);
    }
}

TEST(scenarios_with_hardly_anything_in_them_go_through_every_command) {
#define HEAD "scenario \"bare\" { clock continuous unit month }\n"
#define ACTOR "actor a { patience 10 month precision 2 attends 1 per month }\n"
#define STOCK "stock x { range 0..1 grid 4 start 0.4 drift 0.1*(1 - x) }\n"
#define MODE "mode m of a { off, on }\n"
#define GO "move go of a { when m == off then m = on }\n"
    static const char *const text[] = {
        HEAD, HEAD STOCK, HEAD ACTOR, HEAD ACTOR "payoff a { one 1 }\n", HEAD ACTOR "mode m of a { only }\npayoff a { f [m == only] }\n",
        HEAD ACTOR MODE GO, HEAD ACTOR STOCK "payoff a { f x }\n", HEAD ACTOR MODE STOCK GO,
        HEAD ACTOR STOCK "move up of a { then x += 0.1 }\npayoff a { f x }\n",
        HEAD ACTOR MODE "move go of a { when m == off and m == on then m = on }\npayoff a { f [m == on] }\n",
        HEAD ACTOR "actor b { patience 1 month precision 0 attends 1 per month }\n" MODE GO "payoff b { f [m == on] }\n",
    };
    for (size_t k = 0; k < DUR_COUNT(text); k++) {
        DurOptions options = {.threads = 1, .exact = true, .runs = 4, .times = 3, .starts = 2};
        DurScenario *s = open_scenario("bare.duress", text[k], &options);
        Call *const call[] = {dur_check, dur_solve, dur_simulate, dur_trace, dur_run, dur_claims};
        for (size_t c = 0; c < DUR_COUNT(call); c++) {
            options.starts = call[c] == dur_solve ? 2 : 0;
            dur_result_free(ask(call[c], s, &options, DUR_OK));
        }
        dur_result_free(ask(dur_explain, s, &options, DUR_OK));
        dur_close(s);
    }
}

static const char *awaited;
static bool is_heard;
static void hear(void *context, const char *what, double done, double total, const char *note) {
    (void)context, (void)done, (void)total, (void)note;
    is_heard = is_heard || strcmp(what, awaited) == 0;
}
static bool stop_when_heard(void *context) { (void)context; return is_heard; }

TEST(a_story_that_is_interrupted_says_so) {
    const char *const during[] = {"finding reasons", "finding what carries them"};
    DurProgress progress = {.tell = hear, .stop = stop_when_heard};
    for (size_t k = 0; k < DUR_COUNT(during); k++) {
        DurOptions options = {.threads = 1, .progress = &progress};
        DurScenario *s = open_scenario("cut.duress", HEAD ACTOR MODE STOCK GO "payoff a { f x*[m == on] }\n", &options);
        DurResult *r = NULL;
        char error[1024] = "";
        awaited = during[k];
        is_heard = false;
        assert_int_equal(dur_trace(s, &options, &r, error), DUR_INTERRUPTED);
        assert_string_equal(error, "interrupted while finding reasons; nothing was written");
        dur_result_free(r);
        dur_close(s);
    }
}

TEST(formatting_settles_after_one_round) {
    const char *path = write_scenario("layout.duress", FIRMS);
    DurResult *r = NULL;
    char error[1024];
    assert_int_equal(dur_format(path, false, &r, error), DUR_UNMET);
    char *once = strdup(dur_result_text(r));
    dur_result_free(r);
    CHECK_OK(dur_format(path, true, &r, error));
    dur_result_free(r);
    CHECK_OK(dur_format(path, false, &r, error));
    assert_string_equal(dur_result_text(r), once);
    dur_result_free(r);
    free(once);
}

// ---- memory -----------------------------------------------------------------------------------------------------

// a whole session of the front end; each step may fail, but only with DUR_MEMORY and without a leak
static DurStatus session(const char *path) {
    DurScenario *s = NULL;
    DurResult *r = NULL;
    char error[1024];
    DurOptions options = {.threads = 1, .exact = true, .runs = 4, .times = 3};
    DurStatus status = dur_open(&s, path, &options, error);
    if (status != DUR_OK) return status;
    Call *const call[] = {dur_check, dur_solve, dur_explain, dur_simulate, dur_claims};
    for (size_t k = 0; k < DUR_COUNT(call) && status == DUR_OK; k++) {
        status = dur_faulty(s) ? DUR_MEMORY : call[k](s, &options, &r, error);
        if (r && status == DUR_OK) CHECK(dur_result_json(r)[0]);
        dur_result_free(r);
        r = NULL;
    }
    dur_close(s);
    return status;
}

TEST(every_allocation_of_a_session_may_fail_once) {
    char *path = strdup(write_scenario("firms.duress", FIRMS));
    memory_fail_at(0);
    CHECK_OK(session(path));
    int64_t n = memory_fail_at(0);
    CHECK(n > 100);
    // the first hundreds one by one, then ever wider steps: the later ones repeat the earlier ones' places
    for (int64_t k = 1; k <= n; k += 1 + k / 400) {
        memory_fail_at(k);
        DurStatus status = session(path);
        memory_fail_at(0);
        if (status != DUR_MEMORY && status != DUR_OK)
            fail_msg("allocation %lld gave status %d", (long long)k, status);
    }
    free(path);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        RUN(the_published_values_and_choices_of_entry_and_exit_come_out),
        RUN(a_parameter_set_and_set_back_leaves_no_trace),
        RUN(a_certificate_asked_for_after_claims_does_not_unsettle_them),
        RUN(policies_do_what_their_words_say),
        RUN(a_rival_locked_out_leaves_a_decision_problem),
        RUN(without_an_end_a_run_lasts_as_long_as_the_claims_look),
        RUN(a_scenario_with_faults_gives_them_from_every_command),
        RUN(a_scenario_without_actors_is_a_chain_whose_answers_are_closed_forms),
        RUN(scenarios_with_hardly_anything_in_them_go_through_every_command),
        RUN(a_story_that_is_interrupted_says_so),
        RUN(formatting_settles_after_one_round),
        RUN(every_allocation_of_a_session_may_fail_once),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
