/// Parts of an ensemble, paths that are kept, one run told, noise by shorter cells.
#include "sim_case.h"

#include "game/worth.h"
#include "sim/internal.h"

#include <float.h>

enum { RUNS = 500, TIMES = 9 };

static SimOptions part_of(SimKind kind, int64_t first, int64_t n) {
    return (SimOptions){.kind = kind, .first_run = first, .n_run = n, .seed = 31, .horizon = 8};
}

static void same_paths(const SimPaths *a, const SimPaths *b) {
    int64_t n = (int64_t)a->n_stock * a->n_time;
    CHECK(a->n_run == b->n_run && a->n_event == b->n_event);
    CHECK(memcmp(a->mean, b->mean, (size_t)n * sizeof *a->mean) == 0);
    CHECK(memcmp(a->quantile, b->quantile, (size_t)n * SIM_QUANTILES * sizeof *a->mean) == 0);
    CHECK(memcmp(a->share, b->share, 4 * TIMES * sizeof *a->mean) == 0);
    CHECK(memcmp(a->count, b->count, (size_t)a->n_jump * sizeof *a->mean) == 0);
}

TEST(parts_that_were_written_and_read_add_up_to_the_bits_of_the_whole) {
    static const int64_t cut[] = {0, 1, 129, 130, 400, RUNS};
    SimCase k;
    case_open(&k, BUSY, BUSY_QUERY, BUSY_N);
    for (int kind = 0; kind < 2; kind++) {
        SimOptions all = part_of((SimKind)kind, 0, RUNS);
        SimPaths whole, merged;
        SimCount *sum = NULL, *count;
        CHECK_OK(sim_paths(&whole, k.lattice, &k.plan, &all, TIMES, NULL, NULL));
        for (int i = 0; i + 1 < (int)(sizeof cut / sizeof *cut); i++) {
            SimOptions part = part_of((SimKind)kind, cut[i], cut[i + 1] - cut[i]);
            Text text = {0};
            CHECK_OK(sim_count(&count, k.lattice, &k.plan, &part, TIMES, NULL, NULL));
            sim_count_print(count, &text);
            sim_count_free(count);
            CHECK_OK(sim_count_read(&count, k.model, 8, TIMES, cut[i], cut[i + 1] - cut[i], text_view(&text), NULL));
            text_free(&text);
            if (sum) {
                CHECK_OK(sim_count_add(sum, count, NULL));
                assert_int_equal(sim_count_add(sum, count, NULL), DUR_SHAPE);   // once is enough
                sim_count_free(count);
            } else {
                sum = count;
            }
        }
        CHECK_OK(sim_count_paths(&merged, sum, NULL));
        CHECK(whole.n_event > 1000);
        same_paths(&whole, &merged);
        sim_paths_free(&whole);
        sim_paths_free(&merged);
        sim_count_free(sum);
    }
    case_close(&k);
}

TEST(counts_that_are_cut_off_or_changed_are_refused) {
    SimCase k;
    case_open(&k, BUSY, BUSY_QUERY, BUSY_N);
    SimOptions part = part_of(SIM_LATTICE, 0, 50);
    SimCount *count;
    Text text = {0};
    CHECK_OK(sim_count(&count, k.lattice, &k.plan, &part, TIMES, NULL, NULL));
    sim_count_print(count, &text);
    sim_count_free(count);
    for (size_t n = 0; n < text.length; n += 1 + text.length / 97) {
        char *some = memory_alloc(n + 1);
        memcpy(some, text_view(&text), n);
        some[n] = '\0';
        assert_int_equal(sim_count_read(&count, k.model, 8, TIMES, 0, 50, some, NULL), DUR_INPUT);
        memory_free(some);
    }
    assert_int_equal(sim_count_read(&count, k.model, 8, TIMES + 1, 0, 50, text_view(&text), NULL), DUR_INPUT);
    text_append(&text, "1\n");
    assert_int_equal(sim_count_read(&count, k.model, 8, TIMES, 0, 50, text_view(&text), NULL), DUR_INPUT);
    text_free(&text);
    case_close(&k);
}

// Means of what is kept are the means that are counted (to 2^-41 of a range), shares exactly.
TEST(paths_that_are_kept_are_those_that_are_counted) {
    SimCase k;
    case_open(&k, BUSY, BUSY_QUERY, BUSY_N);
    double time[TIMES], *kept = memory_column(4 * TIMES * RUNS);
    for (int kind = 0; kind < 2; kind++) {
        SimOptions o = part_of((SimKind)kind, 17, RUNS);
        SimPaths p;
        CHECK_OK(sim_paths(&p, k.lattice, &k.plan, &o, TIMES, NULL, NULL));
        memcpy(time, p.time, sizeof time);
        CHECK_OK(sim_keep(k.lattice, &k.plan, &o, time, TIMES, kept, NULL, NULL));
        for (int v = 0; v < 4; v++)
            for (int t = 0; t < TIMES; t++) {
                double mean = mean_of(kept + (v * TIMES + t) * RUNS, RUNS);
                if (v < 2) CHECK_NEAR(p.share[(2 * v + 1) * TIMES + t], mean, 1e-12);   // of two values, the second's share
                else       CHECK_NEAR(p.mean[(v - 2) * TIMES + t], mean, 1e-11);
            }
        sim_paths_free(&p);
    }
    memory_free(kept);
    case_close(&k);
}

// Inside a cell of noise as well: three ways to ask for one stock at one instant.
TEST(what_a_run_shows_at_an_instant_is_one_number_for_measures_paths_and_means) {
    const char *query[] = {"E(w at 0.03 month)"};
    const double time[] = {0, 0.03};
    SimCase k;
    SimPaths p;
    case_open(&k, HEAD "stock w { range 0..10 grid 3 start 5 noise 0.5 }\n", query, 1);
    SimOptions o = {.kind = SIM_CONTINUOUS, .n_run = RUNS, .seed = 31, .horizon = 0.03};
    double *x = case_measure_plan(&k, &k.plan, o, NULL), *kept = memory_column(2 * RUNS);
    CHECK_OK(sim_keep(k.lattice, &k.plan, &o, time, 2, kept, NULL, NULL));
    CHECK(memcmp(kept + RUNS, x, RUNS * sizeof *x) == 0);
    CHECK_OK(sim_paths(&p, k.lattice, &k.plan, &o, 2, NULL, NULL));
    CHECK_NEAR(p.mean[1], mean_of(x, RUNS), 1e-11);
    sim_paths_free(&p);
    memory_free(kept);
    memory_free(x);
    case_close(&k);
}

// A run that is told is the run of the ensemble: as many jumps of each kind, in order of time, each from where the run
// was; and it ends where the kept path ends.
TEST(a_run_that_is_told_is_the_run_of_the_ensemble) {
    const char *query[] = {"E(count(shock) over 8 month)", "E(count(up) over 8 month)", "E(count(down) over 8 month)",
                           "E(count(on) over 8 month)", "E(count(off) over 8 month)", "E(count(once) over 8 month)"};
    const char *name[] = {"shock", "up", "down", "on", "off", "once"};
    enum { N = 40 };
    SimCase k;
    case_open(&k, BUSY, query, 6);
    PlanStep step[8];
    Plan plan = case_plan(&k, "late", step);
    for (int kind = 0; kind < 2; kind++) {
        SimOptions o = part_of((SimKind)kind, 0, N);
        double *count = case_measure_plan(&k, &plan, o, NULL), time[] = {0, 8}, *end = memory_column(4 * 2 * N);
        CHECK_OK(sim_keep(k.lattice, &plan, &o, time, 2, end, NULL, NULL));
        for (int run = 0; run < N; run++) {
            SimTrace t;
            int64_t n[6] = {0}, n_step = 0;
            double last = 0;
            CHECK_OK(sim_trace(&t, k.lattice, &plan, &o, run, NULL));
            for (int64_t i = 0; i < t.n_event; i++) {
                const SimEvent *e = &t.event[i];
                CHECK(e->time >= last && e->time <= 8);
                last = e->time;
                if (e->step >= 0) {
                    n_step++;
                    CHECK(e->time == 3 && sim_trace_after(&t, i)[0] == 1);
                    continue;
                }
                const ModelJump *j = &k.model->jump[e->jump];
                for (int q = 0; q < 6; q++) n[q] += strcmp(j->name, name[q]) == 0;
                if (j->kind != JUMP_MOVE) continue;
                CHECK(e->probability > 0 && e->probability <= 1 && e->wait >= 0 && e->wait < 1);
                if (!strcmp(j->name, "up")) CHECK(sim_trace_before(&t, i)[0] == 0 && sim_trace_after(&t, i)[0] == 1);
                // modes are moved by nothing but what is told
                if (i > 0) CHECK(memcmp(sim_trace_before(&t, i), sim_trace_after(&t, i - 1), 2 * sizeof(double)) == 0);
            }
            assert_int_equal(n_step, 1);
            for (int q = 0; q < 6; q++) CHECK((double)n[q] == count[q * N + run]);
            for (int v = 0; v < 4; v++) CHECK(t.end[2 * v + 1] == end[(2 * v + 1) * N + run]);
            sim_trace_free(&t);
        }
        memory_free(end);
        memory_free(count);
    }
    case_close(&k);
}

// By log P(move)/P(wait) = precision * advantage: what is told about a choice is what made it.
TEST(what_is_told_of_a_choice_is_its_logit_and_its_parts_add_up) {
    SimCase k;
    case_open(&k, "scenario \"two\" { clock continuous unit month }\n"
                  "actor a { patience 10 month precision 3 attends 2 per month }\n"
                  "actor b { patience 5 month precision 1 attends 1 per month }\n"
                  "mode m of a { v0, v1 }\nmode n of b { w0, w1 }\n"
                  "stock x { range 0..1 grid 5 start 0.3 drift 0.1*[m == v1] - 0.05*x }\n"
                  "event shock { rate 0.3 per month then x += 0.25 pays a 0.1*x }\n"
                  "move up of a { when m == v0 cost 0.2*x then m = v1 }\nmove down of a { when m == v1 then m = v0 }\n"
                  "move on of b { when n == w0 cost 0.1 then n = w1 }\nmove off of b { when n == w1 then n = w0 }\n"
                  "payoff a { flow x - 0.4*[m == v1]\n other 0.2*[n == w1]*x }\npayoff b { flow [n == w1]*(x - 0.3) }\n", NULL, 0);
    const Lattice *l = k.lattice;
    Part part[8];
    int32_t n_part = parts_of(k.model, 0, part);
    double *value[8];
    CHECK(n_part == 4);
    for (int32_t i = 0; i < n_part; i++) {
        value[i] = memory_column(l->n_state);
        CHECK_OK(worth_of_part(k.game.policy, &part[i], 1e-12, NULL, NULL, value[i], NULL));
    }
    for (int64_t s = 0; s < l->n_state; s++) {   // parts of a value add up to it
        double sum = 0;
        for (int32_t i = 0; i < n_part; i++) sum += value[i][s];
        CHECK_NEAR(sum, k.game.policy->value[s], 1e-6);
    }
    SimOptions o = {.n_run = 1, .seed = 3, .horizon = 60};
    int n_seen = 0;
    for (int kind = 0; kind < 2; kind++) {
        o.kind = (SimKind)kind;
        SimTrace t;
        CHECK_OK(sim_trace(&t, l, &k.plan, &o, 5, NULL));
        for (int64_t i = 0; i < t.n_event; i++) {
            const SimEvent *e = &t.event[i];
            if (e->jump < 0 || k.model->jump[e->jump].actor != 0) continue;
            double sum = 0, worth;
            for (int32_t p = 0; p < n_part; p++) {
                CHECK_OK(worth_of_move(&worth, k.game.policy, &part[p], value[p], e->jump, sim_trace_before(&t, i)));
                sum += worth;
            }
            CHECK_NEAR(log(e->probability / e->wait), 3 * sum, 1e-5);
            n_seen++;
        }
        sim_trace_free(&t);
    }
    CHECK(n_seen > 20);
    for (int32_t i = 0; i < n_part; i++) memory_free(value[i]);
    case_close(&k);
}

// dx = 0.2 x dt + 0.5 x dW with known normals: x(T) = exp((0.2 - 0.125) T + 0.5 W). Milstein's scheme is of strong order 1:
// with cells half as long the mean error halves. Measured over 4000 runs; Euler's would shrink by 1.41 alone.
TEST(with_cells_half_as_long_the_error_of_noise_halves) {
    enum { N = 4000 };
    const char *query = "E(x at 1 month)";
    SimCase k;
    case_open(&k, HEAD "stock x { range 0..1000 grid 3 start 1 drift 0.2*x noise 0.5*x }\n", &query, 1);
    int32_t quantity = k.model->n_quantity - 1;
    double error[3] = {0}, *out = memory_column(N);
    for (int level = 0; level < 3; level++) {
        int cells = 8 << level;
        SimOptions o = {.n_run = N, .seed = 77, .horizon = 1, .step_tolerance = 1};   // a step a cell
        Setup s;
        Tally t;
        CHECK_OK(setup_make(&s, k.lattice, &k.plan, &o, &quantity, 1, out, NULL, 0, NULL));
        s.cell = 1.0 / cells;
        CHECK(tally_make(&t, &s));
        CHECK_OK(setup_run(&s, &t, NULL, NULL));
        for (int run = 0; run < N; run++) {
            Stream z = stream_make(77, (uint64_t)run, SITE_NOISE);
            double w = 0;
            for (int c = 0; c < cells; c++) w += stream_normal(&z) * sqrt(s.cell);
            error[level] += fabs(out[run] - exp(0.2 - 0.125 + 0.5 * w)) / N;
        }
        tally_free(&t);
        setup_free(&s);
    }
    CHECK(error[0] < 0.1);
    for (int level = 0; level < 2; level++)
        if (!(error[level] / error[level + 1] > 1.7 && error[level] / error[level + 1] < 2.3))
            fail_msg("mean errors %g, %g, %g", error[0], error[1], error[2]);
    memory_free(out);
    case_close(&k);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        RUN(parts_that_were_written_and_read_add_up_to_the_bits_of_the_whole),
        RUN(counts_that_are_cut_off_or_changed_are_refused),
        RUN(paths_that_are_kept_are_those_that_are_counted),
        RUN(what_a_run_shows_at_an_instant_is_one_number_for_measures_paths_and_means),
        RUN(a_run_that_is_told_is_the_run_of_the_ensemble),
        RUN(what_is_told_of_a_choice_is_its_logit_and_its_parts_add_up),
        RUN(with_cells_half_as_long_the_error_of_noise_halves),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
