#define _GNU_SOURCE   // mkdtemp
#include "study_case.h"

#include "study/draws.h"

#include <math.h>

static void near(double found, double expected, double room) {
    if (!(fabs(found - expected) <= room)) fail_msg("%.17g, expected %.17g within %g", found, expected, room);
}

// a drain that a param sets; a rival says otherwise of the param, the let, the payoff and the policy
#define HEAD "scenario \"Rivals\" { clock continuous  unit month }\n" \
             "source paper \"one\" { date 2020-01-01 }\n" \
             "actor a { patience 6 month  precision 2  attends 1 per month }\n" \
             "mode m of a { off, on }\n" \
             "stock x { range 0..1  grid 11  start 0.5  drift pull - drain*x }\n"
#define MOVES "move go of a { when m == off  cost 0.1  then m = on }\nmove rest of a { when m == on  then m = off }\n"
#define REST "claim low \"x falls\" { E(x at 12 month) < E(x at 0 month) }\n" \
             "claim busy { E(mean [m == on] over 12 month) > 0.5 }\n" \
             "claim kept { P(m == off throughout 6 month | still) > 0.99 }\n" \
             "claim always { E(x at 1 month) > -1 }\n"
#define CHOOSER "actor a { patience 6 month  precision 2  attends 1 per month }\nmode m of a { off, on }\nmove go of a { when m == off  then m = on }\n"
#define CASE HEAD "param drain = 1.2 { prior uniform(0.6, 2.4) per year }\nlet pull = 0\n" MOVES \
    "payoff a { gain 1.0*x; work 0.5*[m == on] }\npolicy still of a { never go }\n" REST
#define RIVALS \
    "rival filling \"it fills\" { cite paper:3  param drain = 0.6  let pull = 0.1 }\n" \
    "rival lazy \"work is a burden\" { payoff a { work -2*[m == on] } }\n" \
    "rival loose \"nobody can hold still\" { policy still of a { always go when m == off } }\n"

static double value_of(const char *name, const char *text, DurOptions options, const char *query) {
    options.query = &query;
    options.n_query = 1;
    options.exact = true;
    DurScenario *s = open_scenario(name, text, &options);
    DurResult *r = ask(dur_query, s, &options, DUR_OK);
    double value = NUMBER(r, "value");
    dur_result_free(r);
    dur_close(s);
    return value;
}

TEST(a_rival_in_effect_is_the_scenario_written_so) {
    static const struct { const char *rival, *text, *query; } row[] = {
        {"filling", HEAD "param drain = 0.6 { per year }\nlet pull = 0.1\n" MOVES
         "payoff a { gain 1.0*x; work 0.5*[m == on] }\npolicy still of a { never go }\n" REST, "E(x at 12 month)"},
        {"lazy", HEAD "param drain = 1.2 { per year }\nlet pull = 0\n" MOVES
         "payoff a { gain 1.0*x; work -2*[m == on] }\npolicy still of a { never go }\n" REST, "E(mean [m == on] over 12 month)"},
        {"loose", HEAD "param drain = 1.2 { per year }\nlet pull = 0\n" MOVES
         "payoff a { gain 1.0*x; work 0.5*[m == on] }\npolicy still of a { always go when m == off }\n" REST,
         "P(m == off throughout 6 month | still)"},
    };
    for (size_t i = 0; i < DUR_COUNT(row); i++) {
        double as_rival = value_of("case.duress", CASE RIVALS, (DurOptions){.rival = row[i].rival}, row[i].query);
        double written = value_of("written.duress", row[i].text, (DurOptions){0}, row[i].query);
        double without = value_of("case.duress", CASE RIVALS, (DurOptions){0}, row[i].query);
        near(as_rival, written, 1e-12);
        CHECK(fabs(as_rival - without) > 0.01);
    }
}

TEST(rivals_not_in_effect_change_nothing) {
    const char *query = "E(mean x over 12 month)";
    double with = value_of("case.duress", CASE RIVALS, (DurOptions){0}, query);
    double bare = value_of("bare.duress", CASE, (DurOptions){0}, query);
    CHECK(with == bare);
}

TEST(a_set_goes_over_what_a_rival_says) {
    const char *query = "E(x at 12 month)", *set = "drain=1.2";
    DurOptions options = {.rival = "filling", .set = &set, .n_set = 1};
    double written = value_of("filled.duress", HEAD "param drain = 1.2 { per year }\nlet pull = 0.1\n" MOVES
                              "payoff a { gain 1.0*x; work 0.5*[m == on] }\npolicy still of a { never go }\n" REST,
                              (DurOptions){0}, query);
    near(value_of("case.duress", CASE RIVALS, options, query), written, 1e-12);
}

TEST(rivals_side_by_side_tell_who_is_alone) {
    DurOptions options = {.exact = true};
    DurScenario *s = open_scenario("case.duress", CASE RIVALS, &options);
    DurResult *r = ask(dur_rivals, s, &options, DUR_OK);
    const char *text = dur_result_text(r), *json = dur_result_json(r);
    CHECK(strstr(text, "They differ on 3 of 4 claims."));
    CHECK(strstr(text, "filling: low fails"));
    CHECK(strstr(text, "lazy: busy fails"));
    CHECK(strstr(text, "loose: kept fails"));
    CHECK(strstr(text, "as_written: nothing"));
    CHECK(strstr(text, "nobody could decide: always"));
    CHECK(strstr(text, "replaces param drain, let pull"));
    CHECK(strstr(text, "replaces work of a"));
    CHECK(strstr(json, "\"alone\": \"filling\""));
    CHECK(strstr(json, "\"source\": \"paper:3\""));
    dur_result_free(r);
    dur_close(s);
}

TEST(a_run_with_rivals_puts_them_behind_its_own_claims) {
    DurOptions options = {.exact = true, .runs = 50, .rivals = true};
    DurScenario *s = open_scenario("case.duress", CASE RIVALS, &options);
    DurResult *r = ask(dur_run, s, &options, DUR_OK);
    CHECK(strstr(dur_result_text(r), "What only one of them says"));
    CHECK(strstr(dur_result_json(r), "\"accounts\""));
    dur_result_free(r);
    dur_close(s);
}

static void refused(const char *text, const DurOptions *options, Call *call, const char *says) {
    DurScenario *s = NULL;
    DurResult *r = NULL;
    char error[1024] = "";
    DurStatus status = dur_open(&s, write_scenario("refused.duress", text), options, error);
    if (status == DUR_OK) status = call(s, options, &r, error);
    assert_int_equal(status, DUR_INPUT);
    if (!strstr(error, says) && !(r && strstr(dur_result_faults(r), says))) fail_msg("no `%s` in: %s", says, error);
    dur_result_free(r);
    dur_close(s);
}

TEST(what_a_rival_asks_for_must_be_there) {
    refused(CASE RIVALS, &(DurOptions){.rival = "filing"}, dur_solve, "did you mean `filling`?");
    refused(CASE, &(DurOptions){.rival = "x"}, dur_solve, "the scenario has none");
    refused(CASE, &(DurOptions){0}, dur_rivals, "the scenario has no rival");
    refused(CASE RIVALS, &(DurOptions){.rival = "lazy"}, dur_rivals, "leave --rival out");
    refused(CASE "rival r { payoff a { wrk 1 } }\n", &(DurOptions){0}, dur_check, "`a` has none called `wrk`");
    refused(CASE "rival r { param drian = 1 }\n", &(DurOptions){0}, dur_check, "did you mean `drain`?");
    refused(CASE "rival r { policy still of a { never gg } }\n", &(DurOptions){0}, dur_check, "no move called `gg`");
    refused(CASE "rival r { param x = 1 }\n", &(DurOptions){0}, dur_check, "replaces params and lets");
}

TEST(a_grid_asked_for_is_the_grid_written) {
    const char *grid[] = {"x=21"}, *query = "E(max x over 6 month)";
    DurOptions options = {.grid = grid, .n_grid = 1};
    const char *fine = "scenario \"G\" { clock continuous  unit month }\n" CHOOSER "stock x { range 0..1  grid %s  start 0.5  "
                       "drift 0.1*(1 - x)  noise 0.2 }\nclaim c { E(x at 1 month) > 0 }\n";
    char eleven[500], twentyone[500];
    snprintf(eleven, sizeof eleven, fine, "11");
    snprintf(twentyone, sizeof twentyone, fine, "21");
    query = "E(mean x^2 over 6 month)";
    double asked = value_of("g.duress", eleven, options, query), written = value_of("h.duress", twentyone, (DurOptions){0}, query);
    CHECK(asked == written);
    CHECK(fabs(asked - value_of("g.duress", eleven, (DurOptions){0}, query)) > 1e-6);
    grid[0] = "y=21";
    refused(eleven, &options, dur_solve, "there is no stock called `y`");
    grid[0] = "x=1";
    refused(eleven, &options, dur_solve, "no number of nodes");
}

// ---- draws ---------------------------------------------------------------------------------------------------------

TEST(draws_have_the_mean_and_the_spread_of_their_priors) {
    const struct { ModelParam p; double mean; } row[] = {
        {{.prior = PRIOR_UNIFORM, .prior_a = -1, .prior_b = 2, .scale = 1}, 0.5},
        {{.prior = PRIOR_NORMAL, .prior_a = 3, .prior_b = 0.5, .scale = 2}, 6},
        {{.prior = PRIOR_LOGNORMAL, .prior_a = 0, .prior_b = 0.5, .scale = 1}, exp(0.125)},
        {{.prior = PRIOR_BETA, .prior_a = 2, .prior_b = 3, .scale = 1}, 0.4},
        {{.prior = PRIOR_GAMMA, .prior_a = 0.7, .prior_b = 2, .scale = 1}, 1.4},
        {{.prior = PRIOR_EXPONENTIAL, .prior_a = 2, .scale = 1}, 2},
        {{.prior = PRIOR_TRIANGULAR, .prior_a = -1, .prior_b = 0, .prior_c = 4, .scale = 1}, 1},
    };
    enum { N = 40000 };
    for (size_t i = 0; i < DUR_COUNT(row); i++)
        for (int wide = 1; wide <= 2; wide++) {
            if (wide == 2 && (row[i].p.prior == PRIOR_LOGNORMAL || row[i].p.prior == PRIOR_TRIANGULAR)) continue;
            double sum = 0, square = 0, sd = wide * model_prior_sd(&row[i].p);
            for (int d = 0; d < N; d++) {
                Stream stream = stream_make(7, (uint64_t)d, 1);
                double x = draws_prior(&row[i].p, wide, &stream);
                sum += x / N;
                square += (x - row[i].mean) * (x - row[i].mean) / N;
            }
            near(sum, row[i].mean, 5 * sd / sqrt(N));
            near(sqrt(square), sd, 0.06 * sd);
        }
}

TEST(what_is_positive_or_a_share_stays_so_however_wide) {
    const ModelParam share = {.prior = PRIOR_UNIFORM, .prior_a = 0.4, .prior_b = 0.9, .scale = 1};
    const ModelParam rate = {.prior = PRIOR_UNIFORM, .prior_a = 1, .prior_b = 3, .scale = 1};
    double top = 0;
    for (int d = 0; d < 2000; d++) {
        Stream stream = stream_make(7, (uint64_t)d, 1);
        double x = draws_prior(&share, 5, &stream), y = draws_prior(&rate, 5, &stream);
        CHECK(x >= 0 && x <= 1 && y >= 0);
        top = fmax(top, y);
    }
    CHECK(top > 5);
}

#define DRAWN "scenario \"D\" { clock continuous  unit month }\n" CHOOSER \
    "param p = 0.5 { prior uniform(0, 1) }\nparam q = 0.5 { prior uniform(0, 1) }\n" \
    "stock x { range 0..1  grid 5  start p  drift 0 }\nstock y { range 0..1  grid 5  start q  drift 0 }\n" \
    "claim quarter { E(x at 1 month) > 0.75 }\nclaim sure { E(x at 1 month) < 2 }\nclaim less { E(x at 1 month) < E(y at 1 month) }\n"

TEST(shares_are_those_that_the_priors_give) {
    DurOptions options = {.exact = true, .draws = 400};
    DurScenario *s = open_scenario("drawn.duress", DRAWN, &options);
    DurResult *r = ask(dur_claims, s, &options, DUR_OK), *again = ask(dur_claims, s, &options, DUR_OK);
    assert_string_equal(dur_result_json(r), dur_result_json(again));
    near(NUMBER(r, "=quarter", "share"), 0.25, 0.08);
    near(NUMBER(r, "=sure", "share"), 1, 0);
    near(NUMBER(r, "=less", "share"), 0.5, 0.09);
    near(NUMBER(r, "=quarter", "links", "p"), 1, 1e-9);
    near(NUMBER(r, "=less", "links", "q"), -0.68, 0.1);
    CHECK(strstr(dur_result_text(r), "the same in all"));
    dur_result_free(r);
    dur_result_free(again);

    // one that is held is not drawn, and the other's draws stay
    const char *set = "p=0.9";
    options.set = &set;
    options.n_set = 1;
    r = ask(dur_claims, s, &options, DUR_OK);
    near(NUMBER(r, "=quarter", "share"), 1, 0);
    near(NUMBER(r, "varied"), 1, 0);
    dur_result_free(r);
    dur_close(s);
    refused(HEAD "param drain = 1\nlet pull = 0\n" MOVES "payoff a { gain x }\npolicy still of a { never go }\n" REST,
            &(DurOptions){.draws = 3, .exact = true}, dur_claims, "nothing to draw");
}

TEST(draws_start_from_the_answers_as_written_and_leave_them) {
    DurOptions options = {.exact = true};
    DurScenario *s = open_scenario("case.duress", CASE, &options);
    DurResult *before = ask(dur_claims, s, &options, DUR_OK);
    double gap = NUMBER(before, "=low", "gap");
    options.draws = 20;
    DurResult *shares = ask(dur_claims, s, &options, DUR_OK);
    CHECK(NUMBER(shares, "=low", "share") == 1 && NUMBER(shares, "=busy", "holds") == 20);
    options.draws = 0;
    DurResult *after = ask(dur_claims, s, &options, DUR_OK);
    CHECK(NUMBER(after, "=low", "gap") == gap);
    dur_result_free(before);
    dur_result_free(shares);
    dur_result_free(after);
    dur_close(s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        RUN(a_rival_in_effect_is_the_scenario_written_so),
        RUN(rivals_not_in_effect_change_nothing),
        RUN(a_set_goes_over_what_a_rival_says),
        RUN(rivals_side_by_side_tell_who_is_alone),
        RUN(a_run_with_rivals_puts_them_behind_its_own_claims),
        RUN(what_a_rival_asks_for_must_be_there),
        RUN(a_grid_asked_for_is_the_grid_written),
        RUN(draws_have_the_mean_and_the_spread_of_their_priors),
        RUN(what_is_positive_or_a_share_stays_so_however_wide),
        RUN(shares_are_those_that_the_priors_give),
        RUN(draws_start_from_the_answers_as_written_and_leave_them),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
