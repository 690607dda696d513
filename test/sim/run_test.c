/// Runs one by one: paths that are known, quantities along them, dates and plans, the same bits however runs are
/// shared out, and faults.
#include "sim_case.h"

#include "../random_scenario.h"

#include "base/sha256.h"
#include "sim/internal.h"

#include <stdatomic.h>

// ---- paths that are known -----------------------------------------------------------------------------------------

// x' = -x/2, y' = y (1 - y), z' = 1 until the end of its range
#define MOVING "stock x { range 0..1 grid 3 start 1 drift -x/2 }\n"                        \
               "stock y { range 0..1 grid 3 start 0.1 drift y*(1 - y) }\n"                 \
               "stock z { range 0..2 grid 3 start 0.5 drift 1 - 0*x }\n"

static double logistic_from(double y0, double t) { return y0 * exp(t) / (1 - y0 + y0 * exp(t)); }

TEST(stocks_follow_their_drift_within_the_tolerance_of_a_step) {
    const char *query[] = {"E(x at 3 month)", "E(y at 4.7 month)", "E(z at 1 month)", "E(z at 5 month)", "E(total x over 2 month after 1 month)",
                           "E(mean z over 3 month)", "E(max y over 2 month)", "E(total x*y over 0.0001 month after 1 month)"};
    const double expected[] = {exp(-1.5), logistic_from(.1, 4.7), 1.5, 2, 2 * (exp(-.5) - exp(-1.5)), (1.5 * 1.25 + 1.5 * 2) / 3,
                               logistic_from(.1, 2), 1e-4 * exp(-.500025) * logistic_from(.1, 1.00005)};
    SimCase k;
    case_open(&k, HEAD MOVING, query, 8);
    // a few dozen steps, each allowed 1e-6 and 1e-9 of the range
    for (int i = 0; i < 2; i++) {
        SimOptions o = {.n_run = 1, .seed = 1, .step_tolerance = i ? 1e-9 : 0};
        double *x = case_measure_plan(&k, &k.plan, o, NULL);
        for (int q = 0; q < 8; q++) CHECK_NEAR(x[q], expected[q], (i ? 3e-8 : 2e-5) * (q == 7 ? 1e-4 : 1));
        memory_free(x);
    }
    case_close(&k);
}

TEST(conditions_are_seen_from_the_instant_at_which_they_begin_to_hold) {
    // x passes 0.5 at 2 log 2 = 1.386; z reaches 2 at 1.5 and stays
    const struct { const char *query; double expected; } row[] = {
        {"P(x < 0.5 within 1.38 month)", 0}, {"P(x < 0.5 within 1.4 month)", 1}, {"P(x < 0.5 within 0.4 month after 1 month)", 1},
        {"P(x > 0.5 within 3 month after 1.4 month)", 0}, {"P(x > 0.5 throughout 1.38 month)", 1}, {"P(x > 0.5 throughout 1.4 month)", 0},
        {"P(x < 0.5 throughout 2 month after 1.39 month)", 1}, {"P(x < 0.5 at 1.38 month)", 0}, {"P(x < 0.5 at 1.39 month)", 1},
        {"P(x > 0.45 until z >= 2 within 2 month)", 1}, {"P(x > 0.49 until z >= 2 within 2 month)", 0},
        {"P(x > 0.45 until z >= 2 within 1.4 month)", 0}, {"P(x > 0.45 until z >= 2)", 1}, {"P(z >= 2 within 1.6 month)", 1},
        {"P(z >= 2 within 1.49 month)", 0}, {"P(x < 0.2 until x < 0.1)", 0}, {"P(x <= 1 until x < 0.1 within 4 month)", 0},
        {"P(x <= 1 until x < 0.1 within 1 month after 4 month)", 1}};
    enum { N = sizeof row / sizeof row[0] };
    const char *query[N];
    for (int i = 0; i < N; i++) query[i] = row[i].query;
    SimCase k;
    case_open(&k, HEAD MOVING, query, N);
    SimOptions o = {.n_run = 1, .seed = 1, .horizon = 6};
    double *x = case_measure_plan(&k, &k.plan, o, NULL);
    for (int i = 0; i < N; i++)
        if (x[i] != row[i].expected) fail_msg("%s: %g", query[i], x[i]);
    memory_free(x);
    case_close(&k);
}

TEST(a_stock_that_waits_at_an_end_leaves_it_when_its_drift_turns) {   // x' = z - 1, z' = 1: held at 0 until z is 1
    const char *query[] = {"E(x at 0.92 month)", "E(x at 2 month)", "P(x > 0 within 0.92 month)", "P(x > 0 within 1 month)"};
    SimCase k;
    case_open(&k, HEAD "stock x { range 0..1 grid 3 start 0 drift z - 1 }\nstock z { range 0..4 grid 3 start 0.07 drift 1 }\n", query, 4);
    double *x = case_measure(&k, SIM_CONTINUOUS, 1, 1);
    CHECK_NEAR(x[0], 0, 0);
    CHECK_NEAR(x[1], 0.5 * 1.07 * 1.07, 1e-5);
    CHECK_NEAR(x[2], 0, 0);
    CHECK_NEAR(x[3], 1, 0);
    memory_free(x);
    case_close(&k);
}

// With dW = z sqrt(h) spread evenly over cells of length h, a step of third order leads from x to x (1 - h + h^2/2 - h^3/6) +
// 0.5 dW (1 - h/2 + h^2/6) for dx = -x dt + 0.5 dW, and dy = 0.4 y dW is solved by the product of 1 + 0.4 z_j sqrt(h) + 0.08
// (z_j^2 - 1) h: the normals are known, so are the paths.
TEST(noise_is_the_stated_scheme_on_the_stated_normals) {
    const char *query[] = {"E(x at 1 month)", "E(y at 1 month)"};
    SimCase k;
    case_open(&k, HEAD "stock x { range -4..4 grid 3 start 0 drift -x noise 0.5 }\n"
                       "stock y { range 0..100 grid 3 start 1 noise 0.4*y }\n", query, 2);
    int32_t quantity[2] = {k.model->n_quantity - 2, k.model->n_quantity - 1};
    for (int run = 0; run < 20; run++) {
        SimOptions o = {.first_run = run, .n_run = 1, .seed = 77, .horizon = 1, .step_tolerance = 1};   // a step a cell
        Setup s;
        double h = .25, got[2], x = 0, y = 1;
        CHECK_OK(setup_make(&s, k.lattice, &k.plan, &o, quantity, 2, got, NULL, 0, NULL));
        s.cell = 0.25;
        Tally t;
        CHECK(tally_make(&t, &s));
        CHECK_OK(setup_run(&s, &t, NULL, NULL));
        Stream of_x = stream_make(77, (uint64_t)run, SITE_NOISE), of_y = stream_make(77, (uint64_t)run, SITE_NOISE + 1);
        for (int j = 0; j < 4; j++) {
            double z = stream_normal(&of_y);
            x = x * (1 - h + h * h / 2 - h * h * h / 6) + 0.5 * stream_normal(&of_x) * sqrt(h) * (1 - h / 2 + h * h / 6);
            y *= 1 + 0.4 * z * sqrt(h) + 0.08 * (z * z - 1) * h;
        }
        CHECK_NEAR(got[0], x, 1e-12);
        CHECK_NEAR(got[1], y, 1e-12);
        tally_free(&t);
        setup_free(&s);
    }
    case_close(&k);
}

// ---- dates and plans ----------------------------------------------------------------------------------------------

TEST(what_has_a_date_happens_on_it_in_order_and_only_if_it_can) {
    const char *text =
        "scenario \"dates\" { clock continuous unit day from 2025-01-01 until 2025-12-31 }\n"
        "actor a { patience 20 month precision 1 attends 0 per month }\npayoff a { flow 0 }\n"
        "mode m of nature { v0, v1, v2 }\nstock x { range 0..9 grid 10 start 1 }\n"
        "event third  { at 2025-03-01 then x = x + 4 }\n"
        "event first  { at 2025-01-11 when m == v0 then m = v1, x = 2*x }\n"
        "event second { at 2025-02-01 when m == v0 then m = v2, x = 9 }\n"
        "event begin  { at 2025-01-01 then x += 1 }\n"
        "event before { at 2024-12-31 then x = 9 }\n";
    const char *query[] = {"E(x at 0 day)", "E(x at 9.99 day)", "E(x at 10 day)", "E(x at 2025-02-27)", "E(x at 2025-03-01)",
                           "P(m == v1 at 2025-02-02)", "E(count(second) over 300 day)", "E(count(third) over 59 day)",
                           "E(count(third) over 58 day)", "E(count(begin) over 1 day)", "P(x == 2 throughout 9 day)",
                           "P(x == 4 throughout 40 day after 2025-01-11)"};
    const double expected[] = {2, 2, 4, 4, 8, 1, 0, 1, 0, 1, 1, 1};
    SimCase k;
    case_open(&k, text, query, 12);
    for (int kind = 0; kind < 2; kind++) {
        double *x = case_measure(&k, kind ? SIM_LATTICE : SIM_CONTINUOUS, 1, 1);
        for (int q = 0; q < 12; q++)
            if (x[q] != expected[q]) fail_msg("%s: %g, not %g", query[q], x[q], expected[q]);
        memory_free(x);
    }
    case_close(&k);
}

TEST(a_plan_sets_modes_when_it_begins_and_plays_on_from_there) {
    const char *query[] = {"P(m == v1 at 1.99 month)", "P(m == v1 at 2 month)", "P(m == v1 throughout 5 month after 2 month)",
                           "E(x at 2 month)", "E(x at 3 month)", "P(m == v0 within 1 month after 2 month)"};
    SimCase k;
    case_open(&k, "scenario \"plan\" { clock continuous unit month }\n"
                  "actor a { patience 20 month precision 1 attends 0.5 per month }\n"
                  "mode m of a { v0, v1, v2 }\nstock x { range 0..4 grid 5 start 0 drift by m { v0 0, v1 1, v2 0 } }\n"
                  "move back of a { when m == v1 then m = v0 }\npayoff a { flow x }\n"
                  "policy p of a { from 2 month: m = v1 never back }\n", query, 6);
    PlanStep step[8];
    Plan plan = case_plan(&k, "p", step);
    assert_int_equal(plan.n_step, 2);
    const double expected[] = {0, 1, 1, 0, 1, 0};
    double *x = case_measure_plan(&k, &plan, (SimOptions){.n_run = 3, .seed = 1}, NULL);
    for (int q = 0; q < 6; q++) CHECK_NEAR(x[q * 3 + 2], expected[q], 1e-12);
    memory_free(x);
    x = case_measure_plan(&k, &plan, (SimOptions){.kind = SIM_LATTICE, .n_run = 3, .seed = 1}, NULL);
    for (int q = 0; q < 6; q++)
        if (q != 4) CHECK_NEAR(x[q * 3 + 2], expected[q], 0);
    memory_free(x);
    case_close(&k);
}

TEST(a_drift_that_a_jump_changes_is_another_from_that_instant_on) {
    const char *query[] = {"E(x at 20 day)", "E(count(later) over 20 day)"};
    SimCase k;
    case_open(&k, "scenario \"turn\" { clock continuous unit day from 2025-01-01 until 2025-12-31 }\n" ACTOR
                  "mode m of nature { v0, v1 }\nmode n of a { w0, w1 }\n"
                  "stock x { range -60..60 grid 5 start 0 drift by m { v0 -1, v1 2 } }\n"
                  "event turn { at 2025-01-11 then m = v1 }\n"
                  "event later { at 2025-01-06 when n == w1 then x = 30 }\n"
                  "policy p of a { from 5 day: n = w1 }\n", query, 2);
    double *x = case_measure(&k, SIM_CONTINUOUS, 1, 1);
    CHECK_NEAR(x[0], -10 + 2 * 10, 1e-9);
    CHECK_NEAR(x[1], 0, 0);
    memory_free(x);
    // at one time the plan comes first: the event of that date finds the mode set
    PlanStep step[8];
    Plan plan = case_plan(&k, "p", step);
    for (int kind = 0; kind < 2; kind++) {
        x = case_measure_plan(&k, &plan, (SimOptions){.kind = kind ? SIM_LATTICE : SIM_CONTINUOUS, .n_run = 1}, NULL);
        CHECK_NEAR(x[1], 1, 0);
        if (!kind) CHECK_NEAR(x[0], 30 - 5 + 2 * 10, 1e-9);
        memory_free(x);
    }
    case_close(&k);
}

TEST(where_nothing_can_happen_a_run_ends_at_its_horizon) {
    const char *query[] = {"E(x at 10000 month)", "P(m == v1 within 10000 month)", "P(m == v0 until m == v1)"};
    SimCase k;
    case_open(&k, HEAD "mode m of nature { v0, v1 }\nstock x { range 0..1 grid 3 start 0.5 }\n"
                       "event never { when x > 0.7 rate 3 per month then m = v1 }\n", query, 3);
    for (int kind = 0; kind < 2; kind++) {
        double *x = case_measure(&k, kind ? SIM_LATTICE : SIM_CONTINUOUS, 200, 1);
        for (int i = 0; i < 200; i++) CHECK(x[i] == 0.5 && x[200 + i] == 0 && x[400 + i] == 0);
        memory_free(x);
    }
    case_close(&k);
}

// ---- one run is one thing -----------------------------------------------------------------------------------------

TEST(runs_have_the_same_bits_on_any_number_of_threads_and_however_they_are_cut) {
    enum { RUNS = 700 };
    SimCase k;
    case_open(&k, BUSY, BUSY_QUERY, BUSY_N);
    PlanStep step[8];
    Plan plan = case_plan(&k, "late", step);
    for (int kind = 0; kind < 2; kind++) {
        SimOptions o = {.kind = kind ? SIM_LATTICE : SIM_CONTINUOUS, .n_run = RUNS, .first_run = 5, .seed = 99, .horizon = 8};
        double *whole = case_measure_plan(&k, &plan, o, NULL);
        SimPaths first = {0};
        CHECK_OK(sim_paths(&first, k.lattice, &plan, &o, 9, NULL, NULL));
        CHECK(sd_of(whole, RUNS) > 0 && sd_of(whole + 3 * RUNS, RUNS) > 0);
        for (int threads = 1; threads <= 32; threads = threads < 3 ? threads + 1 : threads == 3 ? 7 : threads == 7 ? 32 : 33) {
            Team *team = team_make(threads);
            double *x = case_measure_plan(&k, &plan, o, team);
            CHECK(memcmp(x, whole, BUSY_N * RUNS * sizeof *x) == 0);
            memory_free(x);
            SimPaths p = {0};
            CHECK_OK(sim_paths(&p, k.lattice, &plan, &o, 9, team, NULL));
            CHECK(memcmp(p.mean, first.mean, 2 * 9 * sizeof *p.mean) == 0);
            CHECK(memcmp(p.quantile, first.quantile, 2 * 9 * SIM_QUANTILES * sizeof *p.mean) == 0);
            CHECK(memcmp(p.share, first.share, 4 * 9 * sizeof *p.mean) == 0);
            CHECK(memcmp(p.count, first.count, (size_t)p.n_jump * sizeof *p.mean) == 0);
            CHECK(p.n_event == first.n_event);
            sim_paths_free(&p);
            team_free(team);
        }
        // two parts of unequal length
        SimOptions part = o;
        part.n_run = 213;
        double *a = case_measure_plan(&k, &plan, part, NULL);
        part.first_run += 213;
        part.n_run = RUNS - 213;
        double *b = case_measure_plan(&k, &plan, part, NULL);
        for (int q = 0; q < BUSY_N; q++) {
            CHECK(memcmp(a + q * 213, whole + q * RUNS, 213 * sizeof *a) == 0);
            CHECK(memcmp(b + q * (RUNS - 213), whole + q * RUNS + 213, (RUNS - 213) * sizeof *b) == 0);
        }
        memory_free(b);
        memory_free(a);
        memory_free(whole);
        sim_paths_free(&first);
    }
    case_close(&k);
}

// What can happen in a state is kept, as long as there is room: with next to none the same runs come of it.
TEST(a_run_on_the_lattice_does_not_depend_on_how_many_states_are_kept) {
    enum { RUNS = 300 };
    SimCase k;
    case_open(&k, BUSY, BUSY_QUERY, BUSY_N);
    PlanStep step[8];
    Plan plan = case_plan(&k, "late", step);
    int32_t quantity[BUSY_N];
    for (int q = 0; q < BUSY_N; q++) quantity[q] = k.model->n_quantity - BUSY_N + q;
    SimOptions o = {.kind = SIM_LATTICE, .n_run = RUNS, .seed = 5, .horizon = 8};
    for (int looks = 0; looks < 2; looks++) {
        double *out[2];
        Tally t[2];
        Setup s[2];
        for (int few = 0; few < 2; few++) {
            double time[] = {0, 2, 3, 5, 8};
            out[few] = memory_column(BUSY_N * RUNS);
            CHECK_OK(setup_make(&s[few], k.lattice, &plan, &o, quantity, looks ? 0 : BUSY_N, out[few], time, looks ? 5 : 0, NULL));
            if (few) s[few].rows_max = 1;
            CHECK(tally_make(&t[few], &s[few]));
            CHECK_OK(setup_run(&s[few], &t[few], NULL, NULL));
        }
        CHECK(memcmp(out[0], out[1], BUSY_N * RUNS * sizeof *out[0]) == 0);
        CHECK(t[0].n_event > 1000 && t[0].n_event == t[1].n_event);
        CHECK(memcmp(t[0].count, t[1].count, (size_t)k.model->n_jump * sizeof *t[0].count) == 0);
        CHECK(memcmp(t[0].share, t[1].share, (looks ? 4 * 5 : 0) * sizeof *t[0].share) == 0);
        CHECK(memcmp(t[0].sum, t[1].sum, (looks ? 2 * 5 : 0) * sizeof *t[0].sum) == 0);
        for (int few = 0; few < 2; few++) {
            tally_free(&t[few]);
            setup_free(&s[few]);
            memory_free(out[few]);
        }
    }
    case_close(&k);
}

// One number for every compiler, vector width and machine of the same byte order. Choices come from advantages made
// up here, so that the number stands for runs alone; whoever changes how runs are drawn changes it, and says so.
TEST(runs_have_the_bits_that_they_had) {
    enum { RUNS = 200 };
    SimCase k;
    case_open(&k, BUSY, BUSY_QUERY, BUSY_N);
    Policy *p;
    CHECK_OK(policy_make(&p, k.lattice, NULL, NULL));
    for (int64_t i = 0; i < p->n_entry; i++) {
        p->advantage[i] = (double)(i * 7 % 11 - 5) * 0.125;
        p->probability[i] = (double)(i * 5 % 8) * 0.0625;
    }
    PlanStep step = {.policy = p};
    Plan plan = {.n_step = 1, .step = &step};
    const char *expected[] = {"936a9fac623f9817", "1e1f8c669d540a7e"};
    for (int kind = 0; kind < 2; kind++) {
        SimOptions o = {.kind = kind ? SIM_LATTICE : SIM_CONTINUOUS, .n_run = RUNS, .seed = 2025};
        double *x = case_measure_plan(&k, &plan, o, NULL);
        char hash[65];
        Sha256 sha;
        sha256_start(&sha);
        sha256_add(&sha, x, BUSY_N * RUNS * sizeof *x);
        sha256_hex(&sha, hash);
        hash[16] = '\0';
        if (strcmp(hash, expected[kind])) fail_msg("kind %d: %s, expected %s", kind, hash, expected[kind]);
        memory_free(x);
    }
    policy_free(p);
    case_close(&k);
}

TEST(a_run_does_not_depend_on_what_is_measured_or_for_how_long) {
    enum { RUNS = 300 };
    SimCase all, one;
    case_open(&all, BUSY, BUSY_QUERY, BUSY_N);
    for (int q = 0; q < BUSY_N; q++) {
        case_open(&one, BUSY, BUSY_QUERY + q, 1);
        for (int kind = 0; kind < 2; kind++) {
            double *x = case_measure(&all, kind ? SIM_LATTICE : SIM_CONTINUOUS, RUNS, 3);
            double *y = case_measure(&one, kind ? SIM_LATTICE : SIM_CONTINUOUS, RUNS, 3);
            CHECK(memcmp(x + q * RUNS, y, RUNS * sizeof *x) == 0);
            memory_free(y);
            memory_free(x);
        }
        case_close(&one);
    }
    case_close(&all);
}

// Shocks have a rate that policies change a little: with the same luck there are about as many, also after a plan's next step.
TEST(plans_share_their_luck) {
    enum { RUNS = 2000 };
    SimCase k;
    case_open(&k, BUSY, BUSY_QUERY, BUSY_N);
    PlanStep step[2][8];
    const Plan plan[2] = {case_plan(&k, "stay", step[0]), case_plan(&k, "late", step[1])};
    for (int kind = 0; kind < 2; kind++)
        for (int p = 0; p < 2; p++) {
            SimOptions o = {.kind = kind ? SIM_LATTICE : SIM_CONTINUOUS, .n_run = RUNS, .seed = 4};
            double *a = case_measure_plan(&k, &k.plan, o, NULL), *b = case_measure_plan(&k, &plan[p], o, NULL);
            o.seed = 5;
            double *c = case_measure_plan(&k, &plan[p], o, NULL);
            double shared[RUNS], apart[RUNS];
            for (int i = 0; i < RUNS; i++) {
                shared[i] = a[3 * RUNS + i] - b[3 * RUNS + i];
                apart[i] = a[3 * RUNS + i] - c[3 * RUNS + i];
            }
            if (!(sd_of(shared, RUNS) < 0.55 * sd_of(apart, RUNS)))
                fail_msg("kind %d, plan %d: sd of the contrast %g, with other luck %g", kind, p, sd_of(shared, RUNS), sd_of(apart, RUNS));
            if (p == 0) CHECK(mean_of(b + 5 * RUNS, RUNS) == 0 && mean_of(a + 5 * RUNS, RUNS) > 0);
            memory_free(c);
            memory_free(b);
            memory_free(a);
        }
    case_close(&k);
}

// ---- paths --------------------------------------------------------------------------------------------------------

TEST(paths_tell_means_quantiles_shares_and_counts) {   // a jump of uniform size on a date, then nothing
    enum { RUNS = 20000 };
    SimCase k;
    case_open(&k, "scenario \"paths\" { clock continuous unit month from 2025-01-01 until 2025-12-31 }\n" ACTOR
                  "mode m of nature { v0, v1 }\nstock x { range -1..3 grid 5 start 0 }\n"
                  "event hit { at 2025-02-01 then x = uniform(0, 2) }\nevent flip { when m == v0 rate 0.2 per month then m = v1 }\n",
              NULL, 0);
    SimOptions o = {.n_run = RUNS, .seed = 6, .horizon = 4};
    SimPaths p;
    CHECK_OK(sim_paths(&p, k.lattice, &k.plan, &o, 5, NULL, NULL));
    assert_int_equal(p.n_time, 5);
    for (int t = 0; t < 5; t++) {
        CHECK_NEAR(p.time[t], t, 0);
        CHECK_NEAR(p.mean[t], t < 2 ? 0 : 1, t < 2 ? 1e-12 : 5 * 2 / sqrt(12.0 * RUNS));
        for (int q = 0; q < SIM_QUANTILES; q++)   // quantiles vary by at most sqrt(p (1 - p)/n) * width; 4/2048 is a bin
            CHECK_NEAR(p.quantile[q * 5 + t], t < 2 ? 0 : 2 * SIM_QUANTILE[q], 4.0 / 2048 + (t < 2 ? 0 : 5 * 0.5 * 2 / sqrt(RUNS)));
        double gone = exp(-0.2 * t);
        CHECK_NEAR(p.share[t], gone, 5 * 0.5 / sqrt(RUNS));
        CHECK_NEAR(p.share[t] + p.share[5 + t], 1, 1e-12);
    }
    CHECK_NEAR(p.count[0], 1, 0);
    CHECK_NEAR(p.count[1], 1 - exp(-0.8), 5 * 0.5 / sqrt(RUNS));
    CHECK_NEAR(p.n_event, RUNS * (p.count[0] + p.count[1]), 0.5);

    Frame *stocks = sim_stock_frame(&p, k.model, "hold"), *modes = sim_mode_frame(&p, k.model, "");
    assert_int_equal(stocks->n_row, 5);
    assert_int_equal(modes->n_row, 10);
    assert_string_equal(frame_text(stocks, "policy", 4), "hold");
    assert_string_equal(frame_text(stocks, "variable", 4), "x");
    assert_string_equal(frame_text(stocks, "date", 0), "2025-01-01");
    CHECK_SAME(frame_number(stocks, "q75", 3), p.quantile[3 * 5 + 3]);
    CHECK_SAME(frame_number(stocks, "mean", 2), p.mean[2]);
    assert_string_equal(frame_text(modes, "value", 5), "v1");
    CHECK_SAME(frame_number(modes, "share", 7), p.share[7]);
    CHECK_SAME(frame_number(modes, "time", 7), 2);
    frame_free(modes);
    frame_free(stocks);
    sim_paths_free(&p);
    case_close(&k);
}

// ---- faults -------------------------------------------------------------------------------------------------------

static void fault(const char *text, const char *query, SimOptions o, DurStatus status, const char *const *said, int n_said) {
    SimCase k;
    DurError error = {0};
    case_open(&k, text, &query, 1);
    int32_t quantity = k.model->n_quantity - 1;
    double *out = memory_column(o.n_run);
    DurStatus got = sim_measure(k.lattice, &k.plan, &o, &quantity, 1, out, NULL, &error);
    if (got != status) fail_msg("%s: status %d, not %d (%s)", text, got, status, error.text);
    for (int i = 0; i < n_said; i++)
        if (!strstr(error.text, said[i])) fail_msg("said: %s\nnot:  %s", error.text, said[i]);
    memory_free(out);
    case_close(&k);
}
#define FAULT(text, query, options, status, ...) do {                                 \
    const char *said_[] = {__VA_ARGS__};                                              \
    fault(text, query, options, status, said_, (int)(sizeof said_ / sizeof *said_));  \
} while (0)
static const SimOptions PLAYED  = {.n_run = 300, .seed = 1, .horizon = 5};
static const SimOptions CHAINED = {.kind = SIM_LATTICE, .n_run = 300, .seed = 1, .horizon = 5};

TEST(an_expression_without_a_value_is_named_with_its_run_and_time) {
    // none of these is wrong at a node
    FAULT(HEAD "mode m of nature { v0, v1 }\nstock x { range 0..1 grid 3 start 1 drift -x }\n"
          "event odd { rate (x - 0.25)^2 - 0.05 per month then m = v1 }\n", "P(m == v1 at 4 month)", PLAYED, DUR_DOMAIN,
          "the rate of `odd` is -0.", "run ", ", at ", " month: ", "test.duress:6:18", "(x - 0.25)^2 - 0.05");
    FAULT(HEAD "stock x { range 0..1 grid 3 start 1 drift -x }\n", "E(mean log(x - 0.3) over 3 month)", PLAYED, DUR_DOMAIN,
          "run 0, at 1.", "log(x - 0.3)");
    FAULT(HEAD "stock x { range 0..1 grid 3 start 1 drift -1/(x - 0.7)^2 }\n", "E(x at 4 month)", PLAYED, DUR_DOMAIN, "`x` changes too fast",
          "run 0, at 0.009");
    FAULT("scenario \"test\" { clock continuous unit month from 2025-01-01 until 2026-01-01 }\n" ACTOR
          "stock x { range 0..1 grid 3 start 1 drift -x }\n"
          "event jump { when x < 0.9 rate 1 per month then x = sqrt((x - 0.25)^2 - 0.05) }\n", "E(x at 6 month)",
          PLAYED, DUR_DOMAIN, "the effect of `jump` on `x` is", "(2025-");
    FAULT(HEAD "stock x { range 0..1 grid 3 start 0.4 drift -x noise (x - 0.2)*(x - 0.6) + 0.03 }\n", "E(x at 4 month)", PLAYED, DUR_DOMAIN,
          "the noise of `x` is -0.0");
    // on the lattice the same is never met
    SimCase k;
    const char *query = "P(m == v1 at 4 month)";
    case_open(&k, HEAD "mode m of nature { v0, v1 }\nstock x { range 0..1 grid 3 start 1 drift -x }\n"
                       "event odd { rate (x - 0.25)^2 - 0.05 per month then m = v1 }\n", &query, 1);
    memory_free(case_measure(&k, SIM_LATTICE, 100, 1));
    case_close(&k);
    // a value that some node lacks matters only where a run gets to
    query = "E(mean 1/x over 3 month)";
    case_open(&k, HEAD "stock x { range 0..1 grid 3 start 1 drift 0*x }\n", &query, 1);
    double *x = case_measure(&k, SIM_LATTICE, 10, 1);
    CHECK_NEAR(x[9], 1, 1e-12);
    memory_free(x);
    case_close(&k);
    FAULT(HEAD "stock x { range 0..1 grid 3 start 1 drift -1 }\n", "E(mean 1/x over 5 month)",
          CHAINED, DUR_DOMAIN, "run 0, at ", "1/x");
}

// the whole ten million on the lattice; fewer with continuous stocks, where they take longer
TEST(a_scenario_that_explodes_ends_with_a_sentence) {
    const char *text = HEAD "stock x { range 0..1 grid 3 start 0 }\nevent grow { rate 1e6 per month then x = 1 - x }\n";
    FAULT(text, "E(x at 60 month)", ((SimOptions){.kind = SIM_LATTICE, .n_run = 1, .horizon = 60}), DUR_LIMIT, "run 0, at ", "10000000 jumps");
    const char *query = "E(x at 60 month)";
    SimCase k;
    case_open(&k, HEAD "stock x { range 0..1000000000 grid 3 start 1 }\nevent grow { rate 2*x per month then x += 1 }\n", &query, 1);
    int32_t quantity = k.model->n_quantity - 1;
    double out[3];
    SimOptions o = {.n_run = 3, .seed = 1, .horizon = 60};
    Setup s;
    Tally t;
    DurError error = {0};
    CHECK_OK(setup_make(&s, k.lattice, &k.plan, &o, &quantity, 1, out, NULL, 0, NULL));
    CHECK(tally_make(&t, &s));
    assert_int_equal(s.jumps_max, SIM_JUMPS_MAX);
    s.jumps_max = 20000;
    assert_int_equal(setup_run(&s, &t, NULL, &error), DUR_LIMIT);
    CHECK(strstr(error.text, "run 0, at ") && strstr(error.text, "20000 jumps") && strstr(error.text, "`grow`"));
    tally_free(&t);
    setup_free(&s);
    case_close(&k);
}

TEST(a_run_that_would_take_more_steps_than_one_can_is_refused_before_it_begins) {
    const char *text = HEAD "stock x { range 0..1 grid 3 start 0 drift 1 - x }\n";
    FAULT(text, "E(x at 9e8 month)", ((SimOptions){.n_run = 1, .horizon = 9e8}), DUR_LIMIT, "runs of 9e+08 months are too long to be played");
    // where nothing moves by itself a long time may pass in few jumps
    SimCase k;
    const char *query = "P(m == v1 at 9e8 month)";
    case_open(&k, HEAD "mode m of nature { v0, v1 }\nstock x { range 0..1 grid 3 start 0 }\n"
                       "event turn { when m == v0 rate 1 per month then m = v1 }\n", &query, 1);
    SimOptions o = {.n_run = 1, .horizon = 9e8};
    int32_t quantity = k.model->n_quantity - 1;
    double out;
    DurError error = {0};
    Setup s;
    CHECK_OK(setup_make(&s, k.lattice, &k.plan, &o, &quantity, 1, &out, NULL, 0, &error));
    setup_free(&s);
    case_close(&k);
}

TEST(a_question_that_no_run_answers_is_refused) {
    SimCase k;
    const char *query = "E(x in the long run)";
    DurError error = {0};
    SimOptions o = {.n_run = 10, .horizon = 5};
    case_open(&k, HEAD MOVING, &query, 1);
    int32_t quantity = k.model->n_quantity - 1;
    double out[10];
    assert_int_equal(sim_measure(k.lattice, &k.plan, &o, &quantity, 1, out, NULL, &error), DUR_INPUT);
    CHECK(strstr(error.text, "E(x in the long run)") != NULL);
    o.horizon = INFINITY;
    SimPaths p;
    assert_int_equal(sim_paths(&p, k.lattice, &k.plan, &o, 5, NULL, NULL), DUR_INPUT);
    o.horizon = 5;
    assert_int_equal(sim_paths(&p, k.lattice, &k.plan, &o, 1, NULL, NULL), DUR_INPUT);
    case_close(&k);
}

TEST(a_bound_that_does_not_hold_is_an_error_that_names_the_rate) {
    const char *query = "P(hit == yes at 2 month)";
    SimCase k;
    case_open(&k, HEAD "mode hit of nature { no, yes }\nstock x { range 0..1 grid 5 start 0 drift 1 }\n"
                       "event strike { when hit == no rate 2*x per month then hit = yes }\n", &query, 1);
    int32_t quantity = k.model->n_quantity - 1;
    for (int broken = 0; broken < 2; broken++) {
        enum { RUNS = 100 };
        SimOptions o = {.n_run = RUNS, .seed = 1, .horizon = 2};
        Setup s;
        Tally t;
        DurError error = {0};
        double out[RUNS];
        CHECK_OK(setup_make(&s, k.lattice, &k.plan, &o, &quantity, 1, out, NULL, 0, NULL));
        CHECK(tally_make(&t, &s));
        CHECK(s.is_shared);
        CHECK_NEAR(s.slot[1], 2, 1e-12);   // the bound is the least
        if (broken) s.slot[1] = 1.5;
        DurStatus status = setup_run(&s, &t, NULL, &error);
        assert_int_equal(status, broken ? DUR_DOMAIN : DUR_OK);
        if (broken) CHECK(strstr(error.text, "the rate of `strike` is") && strstr(error.text, "above the bound 1.5"));
        tally_free(&t);
        setup_free(&s);
    }
    case_close(&k);
}

// the fault of the first run, by number, is told on any number of threads
TEST(the_first_fault_is_told_whoever_meets_it) {
    SimCase k;
    const char *query = "E(mean 1/(x - 0.5) over 5 month)";
    case_open(&k, HEAD "stock x { range 0..1 grid 4 start 0 }\nevent hit { when x < 0.1 rate 0.02 per month then x = one_of{0.5, 1} }\n", &query, 1);
    int32_t quantity = k.model->n_quantity - 1;
    enum { RUNS = 3000 };
    double *out = memory_column(RUNS);
    char first[1024] = "";
    for (int threads = 1; threads <= 4; threads++) {
        Team *team = team_make(threads);
        DurError error = {0};
        SimOptions o = {.n_run = RUNS, .seed = 8, .horizon = 5};
        assert_int_equal(sim_measure(k.lattice, &k.plan, &o, &quantity, 1, out, team, &error), DUR_DOMAIN);
        if (threads == 1) snprintf(first, sizeof first, "%s", error.text);
        assert_string_equal(first, error.text);
        team_free(team);
    }
    memory_free(out);
    case_close(&k);
}

typedef struct Told {
    double last, total;
    int n_tell;
    bool stop;
} Told;
static void tell(void *context, const char *what, double done, double total, const char *note) {
    Told *told = context;
    (void)what;
    (void)note;
    CHECK(done >= told->last);
    told->last = done;
    told->total = total;
    told->n_tell++;
}
static bool stop(void *context) { return ((Told *)context)->stop; }

TEST(work_tells_how_far_it_is_and_stops_when_asked) {
    SimCase k;
    case_open(&k, BUSY, BUSY_QUERY, BUSY_N);
    for (int kind = 0; kind < 2; kind++) {
        Told told = {0};
        Progress progress = {tell, stop, &told};
        SimOptions o = {.kind = kind ? SIM_LATTICE : SIM_CONTINUOUS, .n_run = 500, .seed = 1, .horizon = 8, .progress = &progress};
        SimPaths p;
        DurError error = {0};
        CHECK_OK(sim_paths(&p, k.lattice, &k.plan, &o, 9, NULL, NULL));
        CHECK(told.n_tell >= 1 && told.last == 500 && told.total == 500);
        sim_paths_free(&p);
        told = (Told){.stop = true};
        assert_int_equal(sim_paths(&p, k.lattice, &k.plan, &o, 9, NULL, &error), DUR_INTERRUPTED);
        CHECK(strstr(error.text, "interrupted") != NULL);
        sim_paths_free(&p);
    }
    case_close(&k);
}

TEST(memory_that_runs_out_anywhere_is_told_and_nothing_is_lost) {
    SimCase k;
    case_open(&k, BUSY, BUSY_QUERY, BUSY_N);
    int32_t quantity[BUSY_N];
    double out[BUSY_N * 4];
    for (int q = 0; q < BUSY_N; q++) quantity[q] = k.model->n_quantity - BUSY_N + q;
    for (int kind = 0; kind < 2; kind++) {
        SimOptions o = {.kind = kind ? SIM_LATTICE : SIM_CONTINUOUS, .n_run = 4, .seed = 1, .horizon = 8};
        DurStatus status = DUR_MEMORY;
        int n = 1;
        for (; status != DUR_OK; n++) {
            memory_fail_at(n);
            status = sim_measure(k.lattice, &k.plan, &o, quantity, BUSY_N, out, NULL, NULL);
            CHECK(status == DUR_OK || status == DUR_MEMORY);
        }
        CHECK(n > 10);
        status = DUR_MEMORY;
        for (n = 1; status != DUR_OK; n++) {
            SimPaths p;
            memory_fail_at(n);
            status = sim_paths(&p, k.lattice, &k.plan, &o, 4, NULL, NULL);
            CHECK(status == DUR_OK || status == DUR_MEMORY);
            sim_paths_free(&p);
        }
        memory_fail_at(0);
    }
    case_close(&k);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        RUN(stocks_follow_their_drift_within_the_tolerance_of_a_step),
        RUN(conditions_are_seen_from_the_instant_at_which_they_begin_to_hold),
        RUN(a_stock_that_waits_at_an_end_leaves_it_when_its_drift_turns),
        RUN(noise_is_the_stated_scheme_on_the_stated_normals),
        RUN(what_has_a_date_happens_on_it_in_order_and_only_if_it_can),
        RUN(a_plan_sets_modes_when_it_begins_and_plays_on_from_there),
        RUN(a_drift_that_a_jump_changes_is_another_from_that_instant_on),
        RUN(where_nothing_can_happen_a_run_ends_at_its_horizon),
        RUN(runs_have_the_same_bits_on_any_number_of_threads_and_however_they_are_cut),
        RUN(a_run_on_the_lattice_does_not_depend_on_how_many_states_are_kept),
        RUN(runs_have_the_bits_that_they_had),
        RUN(a_run_does_not_depend_on_what_is_measured_or_for_how_long),
        RUN(plans_share_their_luck),
        RUN(paths_tell_means_quantiles_shares_and_counts),
        RUN(an_expression_without_a_value_is_named_with_its_run_and_time),
        RUN(a_scenario_that_explodes_ends_with_a_sentence),
        RUN(a_run_that_would_take_more_steps_than_one_can_is_refused_before_it_begins),
        RUN(a_question_that_no_run_answers_is_refused),
        RUN(a_bound_that_does_not_hold_is_an_error_that_names_the_rate),
        RUN(the_first_fault_is_told_whoever_meets_it),
        RUN(work_tells_how_far_it_is_and_stops_when_asked),
        RUN(memory_that_runs_out_anywhere_is_told_and_nothing_is_lost),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
