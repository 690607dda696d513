/// The law of runs against closed forms and against the lattice's own generator.
/// False alarms: a check within z standard errors fails by chance one seed in 1.7 million for z = 5. Seeds are fixed.
#include "sim_case.h"

#include "../random_scenario.h"

#include "lattice/chain.h"
#include "sim/internal.h"

// ---- random times -------------------------------------------------------------------------------------------------

TEST(a_hazard_that_falls_along_a_path_leaves_the_survivors_of_the_closed_form) {   // P(T > t) = exp(-4 (1 - exp(-t/2)))
    const char *query[] = {"P(hit == no at 0.5 month)", "P(hit == no at 1 month)", "P(hit == no at 2 month)",
                           "P(hit == no throughout 60 month)"};
    const double expected[] = {.4127980174, .2072400779, .0797800157, .0183156389};
    const int64_t n = 100000;
    SimCase k;
    case_open(&k, HEAD "mode hit of nature { no, yes }\n"
                       "stock x { range 0..1 grid 5 start 1 drift -x/2 }\n"
                       "event strike { when hit == no rate 2*x per month then hit = yes }\n", query, 4);
    double *x = case_measure(&k, SIM_CONTINUOUS, n, 1);
    for (int i = 0; i < 4; i++) CHECK_MEAN(x + i * n, n, expected[i], 5, 0);
    memory_free(x);
    case_close(&k);
}

static void check_two_states(SimKind kind) {
    const char *query[] = {"P(m == on at 0.5 month)", "P(m == on at 1 month)", "P(m == on at 2 month)"};
    const double expected[] = {.1180408021, .1896361676, .2593994150};
    const int64_t n = 100000;
    SimCase k;
    case_open(&k, HEAD "mode m of nature { off, on }\n"
                       "event up { when m == off rate 0.3 per month then m = on }\n"
                       "event down { when m == on rate 0.7 per month then m = off }\n", query, 3);
    double *x = case_measure(&k, kind, n, 2);
    for (int i = 0; i < 3; i++) CHECK_MEAN(x + i * n, n, expected[i], 5, 0);
    memory_free(x);
    case_close(&k);
}
TEST(two_states_are_visited_as_often_as_the_closed_form_says) { check_two_states(SIM_CONTINUOUS); }
TEST(two_states_are_visited_as_often_on_the_lattice)          { check_two_states(SIM_LATTICE); }

// birth .1 X, death .11 X from 100; DSMTS 00001
static void check_birth_and_death(const char *range, SimKind kind, int64_t n) {
    const char *query[] = {"E(x at 10 month)", "E(x at 50 month)", "E(count(birth) over 50 month)"};
    char text[512];
    snprintf(text, sizeof text, HEAD "stock x { range %s start 100 }\n"
             "event birth { rate 0.1*x per month then x += 1 }\nevent death { rate 0.11*x per month then x -= 1 }\n", range);
    SimCase k;
    case_open(&k, text, query, 3);
    double *x = case_measure(&k, kind, n, 3);
    CHECK_MEAN(x, n, 90.4837, 5, 0);
    CHECK_MEAN(x + n, n, 60.6531, 5, 0);
    CHECK_MEAN(x + 2 * n, n, 0.1 * 100 * (1 - exp(-0.5)) / 0.01, 5, 0);
    // standard deviations: their own standard error is that of a normal law, and a third more for its tails
    CHECK_NEAR(sd_of(x, n), 13.4471, 5 * 1.33 * 13.4471 / sqrt(2.0 * (double)n));
    CHECK_NEAR(sd_of(x + n, n), 22.3868, 5 * 1.33 * 22.3868 / sqrt(2.0 * (double)n));
    memory_free(x);
    case_close(&k);
}
TEST(births_and_deaths_have_the_published_moments)                 { check_birth_and_death("0..1000 grid 11", SIM_CONTINUOUS, 2500); }
TEST(so_they_have_where_rates_are_bounded_near_the_path_alone)     { check_birth_and_death("0..1000000 grid 11", SIM_CONTINUOUS, 3000); }
TEST(so_they_have_as_a_chain_of_whole_numbers)                     { check_birth_and_death("0..400 grid 401", SIM_LATTICE, 4000); }

TEST(a_rate_without_any_bound_is_still_drawn_exactly) {   // hazard 1/(2 sqrt(x)) along x = t: survivors exp(-sqrt(t))
    const char *query[] = {"P(hit == no at 0.25 month)", "P(hit == no at 1 month)", "P(hit == no at 4 month)"};
    const int64_t n = 50000;
    SimCase k;
    case_open(&k, HEAD "mode hit of nature { no, yes }\n"
                       "stock x { range -1..9 grid 6 start 0.0001 drift 1 }\n"
                       "event strike { when hit == no and x > 0 rate 0.5/sqrt(x) per month then hit = yes }\n", query, 3);
    double *x = case_measure(&k, SIM_CONTINUOUS, n, 4);
    const double t[] = {.25, 1, 4};
    for (int i = 0; i < 3; i++) CHECK_MEAN(x + i * n, n, exp(sqrt(.0001) - sqrt(t[i] + .0001)), 5, 0);
    memory_free(x);
    case_close(&k);
}

TEST(an_actor_whose_attention_fades_acts_as_often_as_the_closed_form_says) {   // attends 2 e^(-t/2), and waits every other time
    const char *query[] = {"P(m == v0 at 1 month)", "P(m == v0 at 30 month)"};
    const int64_t n = 50000;
    SimCase k;
    case_open(&k, "scenario \"fade\" { clock continuous unit month }\n"
                  "actor a { patience 20 month precision 0 attends 2*x per month }\n"
                  "mode m of a { v0, v1 }\nstock x { range 0..1 grid 5 start 1 drift -x/2 }\n"
                  "move go of a { when m == v0 then m = v1 }\npayoff a { flow 0 }\n", query, 2);
    double *x = case_measure(&k, SIM_CONTINUOUS, n, 13);
    CHECK_MEAN(x, n, exp(-2 * (1 - exp(-0.5))), 5, 0);
    CHECK_MEAN(x + n, n, exp(-2), 5, 0);
    memory_free(x);
    case_close(&k);
}

// Candidates at one rate for all states, and at rates that hold only near the path: one law. |z| < 5 for each
// difference.
TEST(bounds_near_the_path_leave_the_law_as_it_is) {
    enum { RUNS = 8000 };
    SimCase k;
    case_open(&k, BUSY, BUSY_QUERY, BUSY_N);
    int32_t quantity[BUSY_N];
    for (int q = 0; q < BUSY_N; q++) quantity[q] = k.model->n_quantity - BUSY_N + q;
    double *out[2];
    for (int i = 0; i < 2; i++) {
        SimOptions o = {.n_run = RUNS, .seed = 14 + (uint64_t)i, .horizon = 8};
        Setup s;
        Tally t;
        out[i] = memory_column(BUSY_N * RUNS);
        CHECK_OK(setup_make(&s, k.lattice, &k.plan, &o, quantity, BUSY_N, out[i], NULL, 0, NULL));
        CHECK(tally_make(&t, &s));
        CHECK(s.is_shared);
        s.is_shared = i == 0;
        CHECK_OK(setup_run(&s, &t, NULL, NULL));
        tally_free(&t);
        setup_free(&s);
    }
    for (int q = 0; q < BUSY_N; q++) {
        const double *a = out[0] + q * RUNS, *b = out[1] + q * RUNS;
        double se = sqrt((pow(sd_of(a, RUNS), 2) + pow(sd_of(b, RUNS), 2)) / RUNS);
        if (!(fabs(mean_of(a, RUNS) - mean_of(b, RUNS)) < 5 * se))
            fail_msg("%s: %g, and near the path %g (standard error %g)", BUSY_QUERY[q], mean_of(a, RUNS), mean_of(b, RUNS), se);
    }
    memory_free(out[1]);
    memory_free(out[0]);
    case_close(&k);
}

// ---- random sizes -------------------------------------------------------------------------------------------------

TEST(random_sizes_have_their_mean_and_spread) {
    const struct { const char *draw; double mean, sd; } row[] = {
        {"uniform(0.1, 0.5)", 0.3, 0.4 / sqrt(12)}, {"normal(0.4, 0.1)", 0.4, 0.1}, {"exponential(0.05)", 0.05, 0.05},
        {"one_of{0.1, 0.2, 0.6}", 0.3, sqrt(0.14 / 3)}};
    const char *query[] = {"E(x at 60 month)"};
    const int64_t n = 20000;
    for (int r = 0; r < 4; r++)
        for (int kind = 0; kind < 2; kind++) {
            char text[512];
            snprintf(text, sizeof text, HEAD "mode m of nature { no, yes }\nstock x { range -2..2 grid 2001 start 0 }\n"
                     "event hit { when m == no rate 1 per month then m = yes, x += %s }\n", row[r].draw);
            SimCase k;
            case_open(&k, text, query, 1);
            double *x = case_measure(&k, kind ? SIM_LATTICE : SIM_CONTINUOUS, n, 5);
            CHECK_MEAN(x, n, row[r].mean, 5, 0);
            // the exponential's fourth moment is 9: its spread varies twice as much as a normal one's
            CHECK_NEAR(sd_of(x, n), row[r].sd, 5 * 2 * row[r].sd / sqrt(2.0 * (double)n));
            memory_free(x);
            case_close(&k);
        }
}

TEST(sizes_of_jumps_one_after_another_are_independent) {   // a compound Poisson sum: variance rate * time * E size^2
    const char *query[] = {"E(x at 20 month)"};
    const int64_t n = 20000;
    for (int kind = 0; kind < 2; kind++) {
        SimCase k;
        case_open(&k, HEAD "stock x { range -50..50 grid 1001 start 0 }\n"
                           "event hit { rate 0.5 per month then x += uniform(-1, 2) }\n", query, 1);
        double *x = case_measure(&k, kind ? SIM_LATTICE : SIM_CONTINUOUS, n, 15);
        CHECK_MEAN(x, n, 10 * 0.5, 5, 0);
        CHECK_NEAR(sd_of(x, n), sqrt(10 * 1.0), 5 * 1.2 * sqrt(10 * 1.0) / sqrt(2.0 * (double)n));
        memory_free(x);
        case_close(&k);
    }
}

// ---- noise --------------------------------------------------------------------------------------------------------

// dx = -0.5 x dt + 0.3 dW from 1: mean exp(-t/2), variance 0.09 (1 - exp(-t))
TEST(noise_with_a_pull_back_has_the_mean_and_variance_of_ornstein_and_uhlenbeck) {
    const char *query[] = {"E(x at 1 month)", "E(x at 3 month)", "E(x at 3.03 month)", "E(mean x over 3 month)"};
    const int64_t n = 20000;
    SimCase k;
    case_open(&k, HEAD "stock x { range -4..4 grid 9 start 1 drift -0.5*x noise 0.3 }\n", query, 4);
    double *x = case_measure(&k, SIM_CONTINUOUS, n, 6);
    const double t[] = {1, 3, 3.03};
    for (int i = 0; i < 3; i++) {
        double sd = 0.3 * sqrt(1 - exp(-t[i]));
        CHECK_MEAN(x + i * n, n, exp(-t[i] / 2), 5, 0);
        CHECK_NEAR(sd_of(x + i * n, n), sd, 5 * sd / sqrt(2.0 * (double)n));
    }
    CHECK_MEAN(x + 3 * n, n, (1 - exp(-1.5)) / 1.5, 5, 0);
    memory_free(x);
    case_close(&k);
}

TEST(noise_that_grows_with_its_stock_keeps_its_mean_and_second_moment) {   // dx = 0.1 x dt + 0.2 x dW, Ito: E x = e^.1t
    const char *query[] = {"E(x at 2 month)", "E(x^2 at 2 month)"};
    const int64_t n = 40000;
    SimCase k;
    case_open(&k, HEAD "stock x { range 0..40 grid 5 start 1 drift 0.1*x noise 0.2*x }\n", query, 2);
    double *x = case_measure(&k, SIM_CONTINUOUS, n, 7);
    CHECK_MEAN(x, n, exp(0.2), 5, 0);
    CHECK_MEAN(x + n, n, exp(0.4 + 0.08), 5, 0.001);   // weak order 1: a cell of 1/16 leaves less than this
    memory_free(x);
    case_close(&k);
}

// P(some W(t) >= a, t <= T) of a Brownian motion from 0 with a drift (Karatzas and Shreve 1991, 3.5.13, integrated)
#define PI 3.14159265358979323846
static double normal_below(double x) { return 0.5 * erfc(-x / sqrt(2)); }
static double ever_above(double a, double drift, double noise, double time) {
    double sd = noise * sqrt(time);
    return a <= 0 ? 1 : normal_below((drift * time - a) / sd) + exp(2 * drift * a / (noise * noise)) * normal_below((-a - drift * time) / sd);
}

// Reflected Brownian motion is uniform in the end, and of density proportional to exp(2 mu x / sigma^2) with a drift (Harrison
// 1985, 5.6). Held at an end over a cell instead, 2.3 % of them stand above 0.999 and 24.5 % of the second above 0.2.
TEST(noise_inside_a_range_is_reflected_so_that_it_spreads_evenly) {
    const char *query[] = {"E(x at 5 month)", "P(x < 0.25 at 5 month)", "P(x > 0.9 at 5 month)", "P(x > 0.999 at 5 month)",
                           "P(y > 0.2 at 5 month)", "E(y at 5 month)", "P(u <= 0 within 0.0078125 month)", "P(v >= 1 within 0.0078125 month)"};
    const int64_t n = 40000;
    SimCase k;
    // what leads nowhere cuts the cells into pieces
    case_open(&k, HEAD "stock x { range 0..1 grid 5 start 0.2 noise 0.5 }\nstock y { range 0..1 grid 5 start 0.2 drift -0.3 noise 0.3 }\n"
                       "stock z { range 0..9 grid 10 start 0 }\nevent tick { rate 9 per month then z = if z < 9 then z + 1 else 0 }\n"
                       "stock u { range 0..1 grid 5 start 0.03 noise 0.5 }\nstock v { range 0..1 grid 5 start 0.97 noise 0.5 }\n", query, 8);
    double *x = case_measure(&k, SIM_CONTINUOUS, n, 8), r = 2 * 0.3 / 0.09, all = 1 - exp(-r);
    CHECK_MEAN(x, n, 0.5, 5, 0.002);   // 0.001 is left of the start: 0.3 e^(-pi^2 0.25/2 * 5)
    CHECK_MEAN(x + n, n, 0.25, 5, 0.001);
    CHECK_MEAN(x + 2 * n, n, 0.1, 5, 0.001);
    CHECK_MEAN(x + 3 * n, n, 0.001, 5, 0.0005);
    CHECK_MEAN(x + 4 * n, n, (exp(-0.2 * r) - exp(-r)) / all, 5, 0.001);
    CHECK_MEAN(x + 5 * n, n, 1 / r - exp(-r) / all, 5, 0.001);
    for (int i = 6; i < 8; i++) CHECK_MEAN(x + i * n, n, ever_above(0.03, 0, 0.5, 1.0 / 128), 5, 0);   // in two cells
    memory_free(x);
    case_close(&k);
}

// On the straight line between the ends of a cell (of a sixteenth) the first would be 0.048.
TEST(a_value_inside_a_cell_has_the_spread_of_its_time) {
    const char *query[] = {"P(w >= 5.1 at 0.03 month)", "P(w >= 5.2 at 0.1 month)", "E((w - 5)^2 at 0.02 month)", "P(u <= 0.05 at 0.002 month)"};
    const int64_t n = 40000;
    SimCase k;
    case_open(&k, HEAD "stock w { range 0..10 grid 3 start 5 noise 0.5 }\nstock u { range 0..1 grid 3 start 0 noise 0.5 }\n", query, 4);
    double *x = case_measure(&k, SIM_CONTINUOUS, n, 21);
    CHECK_MEAN(x, n, 1 - normal_below(0.1 / (0.5 * sqrt(0.03))), 5, 0);
    CHECK_MEAN(x + n, n, 1 - normal_below(0.2 / (0.5 * sqrt(0.1))), 5, 0);
    CHECK_MEAN(x + 2 * n, n, 0.25 * 0.02, 5, 0);
    CHECK_MEAN(x + 3 * n, n, 2 * normal_below(0.05 / (0.5 * sqrt(0.002))) - 1, 5, 0.02);   // in a cell that begins at an end: nearly
    memory_free(x);
    case_close(&k);
}

// Looked at where steps end alone, 0.284 of them pass 6, not 0.317. Events that hit nothing cut the cells into pieces.
TEST(what_noise_passes_between_two_looks_is_seen) {
    static const char *text[] = {HEAD "stock w { range 0..10 grid 3 start 5 noise 0.5 }\n",
                                 HEAD "stock w { range 0..10 grid 3 start 5 noise 0.5 }\nstock y { range 0..9 grid 10 start 0 }\n"
                                      "event tick { rate 30 per month then y = if y < 9 then y + 1 else 0 }\n"};
    const char *query[] = {"P(w >= 6 within 4 month)", "E(max w over 4 month)", "P(w > 4 throughout 4 month)", "E(max 10 - w over 4 month)",
                           "P(w < 20 until w >= 6 within 4 month)", "P(w >= 6 within 3.1 month after 0.9 month)"};
    const int64_t n = 40000;
    double later = 0, top = 5 + 0.5 * sqrt(8 / PI);
    for (int i = -800; i < 800; i++) {   // where it stands when the window opens
        double z = (i + 0.5) / 100;
        later += 0.01 * exp(-z * z / 2) / sqrt(2 * PI) * ever_above(1 - 0.5 * sqrt(0.9) * z, 0, 0.5, 3.1);
    }
    const double expected[] = {ever_above(1, 0, 0.5, 4), top, 1 - ever_above(1, 0, 0.5, 4), top, ever_above(1, 0, 0.5, 4), later};
    for (int t = 0; t < 2; t++) {
        SimCase k;
        case_open(&k, text[t], query, 6);
        double *x = case_measure(&k, SIM_CONTINUOUS, n, 4 + t);
        for (int i = 0; i < 6; i++) CHECK_MEAN(x + i * n, n, expected[i], 5, 0);
        memory_free(x);
        case_close(&k);
    }
}

TEST(what_noise_passes_is_seen_with_a_drift_and_with_noise_that_grows_with_its_stock) {
    const char *query[] = {"P(w >= 6 within 4 month)", "P(x >= 1.5 within 4 month)", "P(w >= 6 and x >= 0 within 4 month)"};
    const int64_t n = 40000;
    SimCase k;
    case_open(&k, HEAD "stock w { range 0..10 grid 3 start 5 drift 0.1 noise 0.5 }\nstock x { range 0..40 grid 3 start 1 noise 0.3*x }\n", query, 3);
    double *x = case_measure(&k, SIM_CONTINUOUS, n, 11);
    CHECK_MEAN(x, n, ever_above(1, 0.1, 0.5, 4), 5, 0);
    CHECK_MEAN(x + n, n, ever_above(log(1.5), -0.045, 0.3, 4), 5, 0.002);   // dlog x = -0.09/2 dt + 0.3 dW; cells leave weak order 1
    CHECK_MEAN(x + 2 * n, n, ever_above(1, 0.1, 0.5, 4), 5, 0);
    memory_free(x);
    case_close(&k);
}

// Runs of a text on `n` runs, against numbers in closed form.
static void check_law(const char *text, const char *const *query, const double *expected, const double *bias, int n_query, int64_t n, uint64_t seed) {
    SimCase k;
    case_open(&k, text, query, n_query);
    double *x = case_measure(&k, SIM_CONTINUOUS, n, seed);
    for (int i = 0; i < n_query; i++) CHECK_MEAN(x + i * n, n, expected[i], 5, bias ? bias[i] : 0);
    memory_free(x);
    case_close(&k);
}

// The chance of passing a level above where it was at `from`, in the time after it.
static double later_above(double a, double noise, double from, double time) {
    double sum = 0;
    for (int i = -800; i < 800; i++) {
        double z = (i + 0.5) / 100;
        sum += 0.01 * exp(-z * z / 2) / sqrt(2 * PI) * ever_above(a - noise * sqrt(from) * z, 0, noise, time);
    }
    return sum;
}

// On the line between the ends of a cell (of a sixteenth) the first two would be 0.179 and 0.364.
TEST(a_window_may_open_and_close_inside_a_cell) {
    const char *query[] = {"P(w >= 5.1 within 0.03 month)", "P(w >= 5.05 within 0.01 month after 0.02 month)", "E(max w over 0.03 month)",
                           "P(w > 4.9 throughout 0.03 month)", "P(w >= 5.1 within 0.1325 month after 0.055 month)", "P(w > 0 until w >= 5.3 within 0.1 month)"};
    const double expected[] = {ever_above(0.1, 0, 0.5, 0.03), later_above(0.05, 0.5, 0.02, 0.01), 5 + 0.5 * sqrt(2 * 0.03 / PI),
                               1 - ever_above(0.1, 0, 0.5, 0.03), later_above(0.1, 0.5, 0.055, 0.1325), ever_above(0.3, 0, 0.5, 0.1)};
    check_law(HEAD "stock w { range 0..10 grid 3 start 5 noise 0.5 }\n", query, expected, NULL, 6, 40000, 31);
}

// Noise 1 half of the time, by a mode that changes 10 and 100 times a month: the variance is that of the time it was on. With
// one straight line for a cell it was 0.87 and 0.58.
TEST(noise_that_changes_within_a_cell_has_the_variance_of_the_time_it_was_on) {
    const char *query[] = {"E((w - 20)^2 at 2 month)"};
    for (double rate = 10; rate < 1000; rate *= 10) {
        char text[512];
        const double expected[] = {1 + (1 - exp(-4 * rate)) / (4 * rate)};
        snprintf(text, sizeof text, HEAD "mode m of nature { v0, v1 }\nstock w { range 0..40 grid 3 start 20 noise by m { v0 1, v1 0 } }\n"
                 "event off { when m == v0 rate %g per month then m = v1 }\nevent on { when m == v1 rate %g per month then m = v0 }\n", rate, rate);
        check_law(text, query, expected, NULL, 1, rate > 10 ? 10000 : 40000, 32);
    }
}

// dx = 0.3 x dW is a martingale, however often something else happens: by a line that is bent at every jump its mean grew to 1.04.
TEST(what_happens_elsewhere_leaves_noise_that_grows_with_its_stock_alone) {
    const char *query[] = {"E(x at 4 month)", "P(x >= 1.5 within 4 month)"};
    const double expected[] = {1, ever_above(log(1.5), -0.045, 0.3, 4)}, bias[] = {0, 0.002};
    check_law(HEAD "stock x { range 0..10 grid 3 start 1 noise 0.3*x }\nstock z { range 0..9 grid 10 start 0 }\n"
              "event tick { rate 100 per month then z = if z < 9 then z + 1 else 0 }\n", query, expected, bias, 2, 20000, 33);
}

// Put back to 5 at rate 50, or halved: E (w - 5)^2 is noise^2 times the mean of what is left of the time. It was 0.0027.
TEST(after_a_jump_noise_begins_anew) {
    const char *query[] = {"E((w - 5)^2 at 4 month)", "E(h^2 at 4 month)"};
    const double expected[] = {0.25 * (1 - exp(-50 * 4)) / 50, 0.25 * (1 - exp(-37.5 * 4)) / 37.5};
    check_law(HEAD "stock w { range 0..10 grid 3 start 5 noise 0.5 }\nstock h { range -5..5 grid 3 start 0 noise 0.5 }\n"
              "event back { rate 50 per month then w = 5, h *= 0.5 }\n", query, expected, NULL, 2, 10000, 34);
}

// exp(-r times the time above 0) of a Brownian motion has the mean e^(-rt/2) I0(rt/2) (Levy's arcsine law); exp(-2 int W^2 ds) has
// 1 / sqrt(cosh 2t) (Cameron and Martin 1944). Asked on the line the first two were 0.548 and 0.174.
TEST(a_hazard_meets_a_noisy_stock_where_it_is) {
    const char *query[] = {"P(hit == no at 0.1 month)", "P(hit == no at 1 month)", "P(hot == no at 1 month)", "P(hot == no at 2.03 month)"};
    double expected[] = {0, 0, 1 / sqrt(cosh(2)), 1 / sqrt(cosh(4.06))};
    for (int i = 0; i < 1000; i++) {
        expected[0] += exp(cos(PI * (i + 0.5) / 1000) - 1) / 1000;
        expected[1] += exp(10 * (cos(PI * (i + 0.5) / 1000) - 1)) / 1000;
    }
    // candidates at one rate for all states, and at rates that hold near the path alone
    check_law(HEAD "mode hit of nature { no, yes }\nstock w { range -20..20 grid 3 start 0 noise 0.5 }\n"
              "event strike { when hit == no and w > 0 rate 20 per month then hit = yes }\n", query, expected, NULL, 2, 40000, 35);
    check_law(HEAD "mode hit of nature { no, yes }\nmode hot of nature { no, yes }\nstock w { range -20000..20000 grid 3 start 0 noise 0.5 }\n"
              "event strike { when hit == no and w > 0 rate 20 per month then hit = yes }\n"
              "event burn { when hot == no rate 8*w^2 per month then hot = yes }\n", query, expected, NULL, 4, 20000, 35);
}

// The mean of W^2 over a time T is T / 2; on the line it lacked a sixth of a cell.
TEST(means_over_time_of_what_is_not_linear_are_those_of_the_path) {
    const char *query[] = {"E(mean (w - 5)^2 over 0.25 month)", "E(total (w - 5)^2 over 0.5 month)"};
    const double expected[] = {0.25 * 0.125, 0.25 * 0.125};
    check_law(HEAD "stock w { range 0..10 grid 3 start 5 noise 0.5 }\n", query, expected, NULL, 2, 40000, 36);
}

// As likely up as down first; a way that came to both was always said to have come to the lower end first: 0.527.
TEST(of_two_levels_as_far_away_noise_comes_to_each_as_often_first) {
    const char *query[] = {"P(w > 4.9 until w >= 5.1 within 40 month)", "P(w < 5.1 until w <= 4.9 within 40 month)"};
    const double expected[] = {0.5, 0.5};
    check_law(HEAD "stock w { range 0..10 grid 3 start 5 noise 0.5 }\n", query, expected, NULL, 2, 40000, 37);
}

// Noise of 20 to 200 ranges, for which no cell is short enough: the law is even all the same. Pushed in by both ends 0.08 and 0.23
// of them stood below 0.1.
TEST(noise_much_wider_than_its_range_spreads_evenly) {
    const char *query[] = {"P(x < 0.1 at 0.133 month)", "E(x^2 at 0.1 month)", "P(y < 0.1 at 0.133 month)", "E(y^2 at 0.1 month)"};
    const double expected[] = {0.1, 1.0 / 3, 0.1, 1.0 / 3};
    check_law(HEAD "stock x { range 0..1 grid 3 start 0.2 noise 20 }\nstock y { range 0..1 grid 3 start 0.2 noise 200 }\n", query, expected, NULL, 4, 20000, 38);
}

// With a drift into an end the law is exponential, inside a cell too: reflected there, means were 0.0070 and 0.9884.
TEST(a_strong_drift_into_an_end_leaves_the_exponential_law_inside_a_cell) {
    const char *query[] = {"E(x at 3.01 month)", "P(x < 0.0025 at 3.01 month)", "E(y at 3.02 month)"};
    const double expected[] = {0.0025, 1 - exp(-1), 1 - 0.04 / 6}, bias[] = {0.00005, 0.005, 0.00005};
    check_law(HEAD "stock x { range 0..1 grid 3 start 0.5 drift -2 noise 0.1 }\nstock y { range 0..1 grid 3 start 0.5 drift 3 noise 0.2 }\n", query,
              expected, bias, 3, 20000, 39);
}

// Extremes near an end that drift leads into, from chances of first passage (backward equation, Crank and Nicolson, 1500 nodes). In
// steps of a whole cell the first would be 0.0354, the second 0.0481, the third 0.343, the last two 0.028 and 0.995.
TEST(noise_that_drift_leads_into_an_end_keeps_to_its_layer) {
    const char *first[] = {"E(max x over 0.33 month)", "E(max x over 2 month)", "P(x >= 0.05 within 2 month)", "P(x < 0.007106 at 2.01 month)"};
    const double expected[] = {0.03009, 0.04240, 0.17039, 1 - exp(-1)}, bias[] = {0.0003, 0.0003, 0.004, 0.004};
    check_law(HEAD "stock x { range 0..1 grid 3 start 0 drift -0.761 noise 0.104 }\n", first, expected, bias, 4, 10000, 41);
    const char *second[] = {"E(max 1 - y over 1 month)", "P(y <= 0.98 within 1 month)", "E(1 - y at 1.01 month)"};
    const double mirrored[] = {0.01817, 0.23505, 0.0025}, left[] = {0.0002, 0.005, 0.00005};
    check_law(HEAD "stock y { range 0..1 grid 3 start 1 drift 2 noise 0.1 }\n", second, mirrored, left, 3, 4000, 42);
}

// Steps are cut where the state says so: of many runs or of a few, each is what it is, beside whatever its block plays.
TEST(steps_in_a_layer_belong_to_their_run) {
    const char *query[] = {"E(max x over 2 month)", "E(x at 1.01 month)"};
    const int64_t n = 300, first = 130, some = 50;
    SimCase k;
    case_open(&k, HEAD "stock x { range 0..1 grid 3 start 0.1 drift -0.761 noise 0.104 }\nstock y { range 0..1 grid 3 start 1 drift x noise 0.1 }\n", query, 2);
    double *x = case_measure(&k, SIM_CONTINUOUS, n, 43);
    double *part = case_measure_plan(&k, &k.plan, (SimOptions){.kind = SIM_CONTINUOUS, .first_run = first, .n_run = some, .seed = 43}, NULL);
    for (int q = 0; q < 2; q++) CHECK(memcmp(x + q * n + first, part + q * some, some * sizeof *x) == 0);
    memory_free(part);
    memory_free(x);
    case_close(&k);
}

// Noise too small for its layer to be seen costs no steps: the other stock's extremes are drawn from the same ones.
TEST(a_stock_that_all_but_rests_at_its_end_cuts_no_steps) {
    static const char *text[] = {HEAD "stock w { range 0..1 grid 3 start 0.5 noise 0.1 }\nstock v { range 0..1 grid 3 start 0 noise 0.0001 }\n",
                                 HEAD "stock w { range 0..1 grid 3 start 0.5 noise 0.1 }\nstock v { range 0..1 grid 3 start 0 drift -0.5 noise 0.0001 }\n",
                                 HEAD "stock w { range 0..1 grid 3 start 0.5 noise 0.1 }\nstock v { range 0..1 grid 3 start 0 drift -0.5 noise 0.05 }\n"};
    const char *query[] = {"E(max w over 2 month)"};
    const int64_t n = 100;
    double *x[3];
    for (int t = 0; t < 3; t++) {
        SimCase k;
        case_open(&k, text[t], query, 1);
        x[t] = case_measure(&k, SIM_CONTINUOUS, n, 44);
        case_close(&k);
    }
    CHECK(memcmp(x[0], x[1], (size_t)n * sizeof *x[0]) == 0);
    CHECK(memcmp(x[0], x[2], (size_t)n * sizeof *x[0]) != 0);
    for (int t = 0; t < 3; t++) memory_free(x[t]);
}

// A jump of the stock begins a stretch of its own: where it fell from is not where noise may lead.
TEST(a_jump_is_not_what_noise_did) {
    const char *query[] = {"P(w >= 5 and m == v1 within 4 month)", "P(m == v1 within 4 month)"};
    const int64_t n = 2000;
    SimCase k;
    case_open(&k, HEAD "stock w { range 0..10 grid 3 start 9 noise 0.01 }\nmode m of nature { v0, v1 }\n"
                       "event fall { rate 3 per month when m == v0 then w = 1, m = v1 }\n", query, 2);
    double *x = case_measure(&k, SIM_CONTINUOUS, n, 12);
    for (int64_t i = 0; i < n; i++) assert_true(x[i] == 0);
    CHECK(mean_of(x + n, n) > 0.99);
    memory_free(x);
    case_close(&k);
}

// ---- the chain ----------------------------------------------------------------------------------------------------

// f carried back over `time` by a policy's chain: 40 terms of the exponential series on stretches short enough for it
static void carry_back(const Policy *p, double *f, double time) {
    int64_t n = p->lattice->n_state;
    double most, *power = memory_column(n), *next = memory_column(n);
    CHECK_OK(chain_exit_rates(p, power, &most, NULL));
    int stretches = 1 + (int)(most * time / 4);
    for (int s = 0; s < stretches; s++) {
        memcpy(power, f, (size_t)n * sizeof *f);
        for (int k = 1; k <= 40; k++) {
            CHECK_OK(chain_apply(p, power, next, NULL));
            for (int64_t i = 0; i < n; i++) {
                power[i] = next[i] * time / stretches / k;
                f[i] += power[i];
            }
        }
    }
    memory_free(next);
    memory_free(power);
}

// Half the scenarios have a policy that sets a mode after three months. Per scenario four numbers, |z| < 5 each: 160
// checks in all, one seed in 10,000 fails by chance.
TEST(runs_on_the_lattice_have_the_law_of_the_chain) {
    const int64_t n = 4000;
    const char *query[] = {"P(m0 == v0 at 5 month)", "P(m0 == v1 at 1 month)", "E(count(d0) over 5 month)",
                           "P(m0 == v1 and m0 != v0 at 4 month)"};
    for (uint64_t seed = 1; seed <= 40; seed++) {
        Text text = {0};
        SimCase k;
        random_scenario(&text, seed, "quantal", 2);
        case_open(&k, text_view(&text), query, 4);
        PlanStep step[8];
        Plan plan = seed % 2 ? k.plan : case_plan(&k, "p1", step);
        double *x = case_measure_plan(&k, &plan, (SimOptions){.kind = SIM_LATTICE, .n_run = n, .seed = seed}, NULL);
        const double at[] = {5, 1, 5, 4};
        for (int q = 0; q < 4; q++) {
            if (q == 2) continue;
            double *f = memory_column(k.lattice->n_state), *g = memory_column(k.lattice->n_state);
            CHECK_OK(lattice_fill(k.lattice, k.model->quantity[k.model->n_quantity - 4 + q].x, f, NULL));
            double end = at[q];
            for (int i = plan.n_step - 1; i >= 0; i--) {
                if (plan.step[i].start > end) continue;
                carry_back(plan.step[i].policy, f, end - plan.step[i].start);
                chain_set_modes(k.lattice, plan.step[i].n_set, plan.step[i].set, f, g);
                memcpy(f, g, (size_t)k.lattice->n_state * sizeof *f);
                end = plan.step[i].start;
            }
            double p = lattice_at_start(k.lattice, f), sd = sqrt(fmax(p * (1 - p), 1e-9));
            double z = (mean_of(x + q * n, n) - p) / (sd / sqrt((double)n));
            if (!(fabs(z) < 5)) fail_msg("seed %d, %s: %g, exactly %g (z = %.2f)", (int)seed, query[q], mean_of(x + q * n, n), p, z);
            memory_free(g);
            memory_free(f);
        }
        // the two ways of asking for one number
        for (int64_t i = 0; i < n; i++) CHECK(x[2 * n + i] >= 0 && x[2 * n + i] == floor(x[2 * n + i]));
        memory_free(x);
        case_close(&k);
        text_free(&text);
    }
}

// Without stocks that move there is one law: continuous runs and the chain. |z| < 5 for the difference.
TEST(without_stocks_both_kinds_of_runs_have_one_law) {
    const int64_t n = 20000;
    const char *query[] = {"E([m1 == active] + [m2 == active] at 6 month)", "E(count(enter1) over 6 month)",
                           "P(m1 == active until demand == high within 3 month)", "E(mean [demand == high] over 4 month after 1 month)"};
    SimCase k;
    case_open(&k, "scenario \"entry and exit\" { clock continuous  unit month  choice taste }\n"
                  "actor f1 { patience 20 month  precision 1  attends 2 per month }\n"
                  "actor f2 { patience 20 month  precision 1  attends 2 per month }\n"
                  "mode demand of nature { low, high }\nmode m1 of f1 { absent, active }\nmode m2 of f2 { absent, active }\n"
                  "let n = [m1 == active] + [m2 == active]\n"
                  "event up   { when demand == low   rate 1 per month  then demand = high }\n"
                  "event down { when demand == high  rate 1 per month  then demand = low }\n"
                  "move enter1 of f1 { when m1 == absent  cost 0.5  then m1 = active }\n"
                  "move exit1  of f1 { when m1 == active  then m1 = absent }\n"
                  "move enter2 of f2 { when m2 == absent  cost 0.5  then m2 = active }\n"
                  "move exit2  of f2 { when m2 == active  then m2 = absent }\n"
                  "payoff f1 { profit [m1 == active]*(-0.1*n + 0.2*by demand { low 0, high 1 }) }\n"
                  "payoff f2 { profit [m2 == active]*(-0.1*n + 0.2*by demand { low 0, high 1 }) }\n", query, 4);
    double *a = case_measure(&k, SIM_CONTINUOUS, n, 9), *b = case_measure(&k, SIM_LATTICE, n, 10);
    for (int q = 0; q < 4; q++) {
        double se = sqrt((pow(sd_of(a + q * n, n), 2) + pow(sd_of(b + q * n, n), 2)) / (double)n);
        CHECK_NEAR(mean_of(a + q * n, n), mean_of(b + q * n, n), 5 * se);
        CHECK(se > 0 || q == 2);
    }
    memory_free(b);
    memory_free(a);
    case_close(&k);
}

// ---- choices ------------------------------------------------------------------------------------------------------

// One opportunity's choice at a point between nodes is the logit response to advantages interpolated between them.
TEST(between_nodes_a_choice_answers_interpolated_advantages) {
    const int64_t n = 50000;
    const char *query[] = {"P(m == up at 100 month)", "P(m == down at 100 month)"};
    SimCase k;
    case_open(&k, "scenario \"choice\" { clock continuous unit month }\n"
                  "actor a { patience 20 month precision 1 + 2*x attends 1 per month }\n"
                  "mode m of a { wait0, up, down, left }\n"
                  "stock x { range 0..1 grid 3 start 0.3 }\nstock y { range -1..1 grid 4 start 0.5 }\n"
                  "move go_up   of a { when m == wait0 cost 0.3*x*x      then m = up }\n"
                  "move go_down of a { when m == wait0 and y > 0.4 cost 0.2*exp(-y) then m = down }\n"
                  "move go_left of a { when m == wait0 and x > 0.9 then m = left }\n"
                  "payoff a { flow by m { wait0 0, up 0.06*x*y, down 0.05*y*y, left 1 } }\n", query, 2);
    // interpolate by hand: x = 0.3 lies 0.6 of the way from 0 to 0.5; y = 0.5 lies 0.25 of the way from 1/3 to 1
    const Lattice *l = k.lattice;
    double advantage[2] = {0};
    for (int c = 0; c < 4; c++) {
        int32_t node[3] = {0, c & 1, 2 + (c >> 1)};
        double w = (c & 1 ? 0.6 : 0.4) * (c >> 1 ? 0.25 : 0.75);
        for (int a = 0; a < 2; a++) advantage[a] += w * policy_advantage(k.game.policy, a, lattice_state(l, node));
    }
    double mu = 1 + 2 * 0.3, e0 = exp(mu * advantage[0]), e1 = exp(mu * advantage[1]);
    CHECK(fabs(e0 - e1) > 0.05);
    double *x = case_measure(&k, SIM_CONTINUOUS, n, 11);
    // waiting only puts it off
    CHECK_MEAN(x, n, e0 / (e0 + e1), 5, 0);
    CHECK_MEAN(x + n, n, e1 / (e0 + e1), 5, 0);
    memory_free(x);
    case_close(&k);
}

// attends 2 a month: never, always and precision 0 (a third of opportunities each) have closed forms
TEST(a_plan_forbids_forces_and_blurs_choices) {
    const int64_t n = 20000;
    const char *query[] = {"P(m != v0 within 0.7 month)", "P(m == v2 at 0.7 month)"};
    SimCase k;
    case_open(&k, "scenario \"rules\" { clock continuous unit month }\n"
                  "actor a { patience 20 month precision 3 attends 2 per month }\n"
                  "mode m of a { v0, v1, v2 }\nstock x { range 0..1 grid 3 start 0.3 drift 0.05 }\n"
                  "move one of a { when m == v0 then m = v1 }\nmove two of a { when m == v0 then m = v2 }\n"
                  "payoff a { flow by m { v0 0, v1 0.1*x, v2 0.2 } }\n"
                  "policy none   of a { never one, two }\npolicy only   of a { never one  always two }\n"
                  "policy late   of a { never two  always one when x >= 0.32 }\npolicy blur   of a { precision 0 }\n", query, 2);
    double some = 1 - exp(-1.4);
    for (int kind = 0; kind < 2; kind++) {
        SimOptions o = {.kind = kind ? SIM_LATTICE : SIM_CONTINUOUS, .n_run = n, .seed = 12};
        PlanStep step[8];
        Plan plan = case_plan(&k, "none", step);
        double *x = case_measure_plan(&k, &plan, o, NULL);
        CHECK_NEAR(mean_of(x, n), 0, 0);
        memory_free(x);
        plan = case_plan(&k, "only", step);
        x = case_measure_plan(&k, &plan, o, NULL);
        CHECK_MEAN(x, n, some, 5, 0);
        CHECK_NEAR(mean_of(x, n), mean_of(x + n, n), 0);
        memory_free(x);
        plan = case_plan(&k, "blur", step);
        x = case_measure_plan(&k, &plan, o, NULL);
        CHECK_MEAN(x, n, 1 - exp(-1.4 * 2 / 3), 5, 0);
        CHECK_MEAN(x + n, n, (1 - exp(-1.4 * 2 / 3)) / 2, 5, 0);
        memory_free(x);
    }
    case_close(&k);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        RUN(a_hazard_that_falls_along_a_path_leaves_the_survivors_of_the_closed_form),
        RUN(two_states_are_visited_as_often_as_the_closed_form_says),
        RUN(two_states_are_visited_as_often_on_the_lattice),
        RUN(births_and_deaths_have_the_published_moments),
        RUN(so_they_have_where_rates_are_bounded_near_the_path_alone),
        RUN(so_they_have_as_a_chain_of_whole_numbers),
        RUN(a_rate_without_any_bound_is_still_drawn_exactly),
        RUN(an_actor_whose_attention_fades_acts_as_often_as_the_closed_form_says),
        RUN(bounds_near_the_path_leave_the_law_as_it_is),
        RUN(random_sizes_have_their_mean_and_spread),
        RUN(sizes_of_jumps_one_after_another_are_independent),
        RUN(noise_with_a_pull_back_has_the_mean_and_variance_of_ornstein_and_uhlenbeck),
        RUN(noise_that_grows_with_its_stock_keeps_its_mean_and_second_moment),
        RUN(noise_inside_a_range_is_reflected_so_that_it_spreads_evenly),
        RUN(a_value_inside_a_cell_has_the_spread_of_its_time),
        RUN(what_noise_passes_between_two_looks_is_seen),
        RUN(what_noise_passes_is_seen_with_a_drift_and_with_noise_that_grows_with_its_stock),
        RUN(a_window_may_open_and_close_inside_a_cell),
        RUN(noise_that_changes_within_a_cell_has_the_variance_of_the_time_it_was_on),
        RUN(what_happens_elsewhere_leaves_noise_that_grows_with_its_stock_alone),
        RUN(after_a_jump_noise_begins_anew),
        RUN(a_hazard_meets_a_noisy_stock_where_it_is),
        RUN(means_over_time_of_what_is_not_linear_are_those_of_the_path),
        RUN(of_two_levels_as_far_away_noise_comes_to_each_as_often_first),
        RUN(noise_much_wider_than_its_range_spreads_evenly),
        RUN(a_strong_drift_into_an_end_leaves_the_exponential_law_inside_a_cell),
        RUN(noise_that_drift_leads_into_an_end_keeps_to_its_layer),
        RUN(steps_in_a_layer_belong_to_their_run),
        RUN(a_stock_that_all_but_rests_at_its_end_cuts_no_steps),
        RUN(a_jump_is_not_what_noise_did),
        RUN(runs_on_the_lattice_have_the_law_of_the_chain),
        RUN(without_stocks_both_kinds_of_runs_have_one_law),
        RUN(between_nodes_a_choice_answers_interpolated_advantages),
        RUN(a_plan_forbids_forces_and_blurs_choices),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
