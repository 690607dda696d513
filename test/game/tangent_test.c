#include "../random_scenario.h"
#include "case.h"

#include "base/memory.h"
#include "game/branch.h"
#include "game/tangent.h"
#include "num/isa.h"
#include "num/philox.h"


// values of about the size that a game has, at random
static void random_values(const Case *k, uint64_t seed, double *value) {
    Stream s = stream_make(seed, 0, 0);
    int64_t n = (int64_t)k->model->n_actor * k->lattice->n_state;
    for (int64_t i = 0; i < n; i++) value[i] = stream_normal(&s);
}

static float *row_of_floats(int64_t n) { return memory_zeroed((size_t)n + 16, sizeof(float)); }

static double sup(const double *x, int64_t n) {
    double most = 0;
    for (int64_t i = 0; i < n; i++) most = fmax(most, fabs(x[i]));
    return most;
}

TEST(what_the_equations_miss_by_is_what_the_plain_solver_says_they_miss_by) {
    for (uint64_t seed = 1; seed <= 40; seed++) {
        Text text = {0};
        random_scenario(&text, seed, seed % 2 ? "quantal" : "taste", 3);
        Case k = {0};
        case_open(&k, text_view(&text));
        int64_t n = (int64_t)k.model->n_actor * k.lattice->n_state;
        double *value = memory_column(n), plain;
        float *miss = row_of_floats(n);
        random_values(&k, seed, value);
        Tangent *t = tangent_make(k.lattice, NULL, NULL);
        DurError error = {0};
        CHECK_OK(plain_residual(k.lattice, NULL, value, &plain, &error));
        double worst = tangent_take(t, 1.0, value, miss, NULL), most = 0;
        for (int64_t i = 0; i < n; i++) most = fmax(most, fabs((double)miss[i]));
        CHECK_NEAR(worst / sup(value, n), plain, 1e-12 * (1 + plain));
        CHECK_NEAR(most, worst, 1e-6 * worst);
        tangent_free(t);
        memory_free(miss);
        memory_free(value);
        text_free(&text);
        case_close(&k);
    }
}

// F at value + step * d, in double precision through the largest miss would lose the states, so single rows are compared:
// a difference of the misses of two neighbouring points, good to about 1e-4 of its size in single precision
static void difference(Tangent *t, double scale, const double *value, const float *d, double step, int64_t n, float *out) {
    double *moved = memory_column(n);
    float *up = row_of_floats(n), *down = row_of_floats(n);
    for (int64_t i = 0; i < n; i++) moved[i] = value[i] + step * (double)d[i];
    tangent_take(t, scale, moved, up, NULL);
    for (int64_t i = 0; i < n; i++) moved[i] = value[i] - step * (double)d[i];
    tangent_take(t, scale, moved, down, NULL);
    for (int64_t i = 0; i < n; i++) out[i] = (float)(((double)up[i] - (double)down[i]) / (2 * step));
    memory_free(down);
    memory_free(up);
    memory_free(moved);
}

// -F' d = r with r taken by differences: then d solves the system, and a sweep from d must come back to d
static void check_stays(const Case *k, uint64_t seed, const char *text) {
    int64_t n = (int64_t)k->model->n_actor * k->lattice->n_state;
    double *value = memory_column(n);
    float *d = row_of_floats(n), *r = row_of_floats(n), *swept = row_of_floats(n), *miss = row_of_floats(n);
    random_values(k, seed, value);
    Stream s = stream_make(seed, 1, 0);
    for (int64_t i = 0; i < n; i++) { d[i] = (float)stream_normal(&s); value[i] *= 0.3; }
    Tangent *t = tangent_make(k->lattice, NULL, NULL);
    difference(t, 1.0, value, d, 1e-3, n, r);
    for (int64_t i = 0; i < n; i++) r[i] = -r[i];
    tangent_take(t, 1.0, value, miss, NULL);
    memcpy(swept, d, (size_t)n * sizeof *d);
    tangent_sweep(t, r, swept);
    for (int64_t i = 0; i < n; i++)
        if (!(fabs((double)(swept[i] - d[i])) <= 3e-2))
            fail_msg("seed %d, entry %d: %g became %g\n%s", (int)seed, (int)i, (double)d[i], (double)swept[i], text);
    tangent_free(t);
    memory_free(miss);
    memory_free(swept);
    memory_free(r);
    memory_free(d);
    memory_free(value);
}

TEST(a_sweep_stays_where_the_right_side_is_what_the_derivative_says) {
    for (uint64_t seed = 1; seed <= 60; seed++) {
        Text text = {0};
        random_scenario(&text, seed, seed % 3 ? "quantal" : "taste", 2);
        Case k = {0};
        case_open(&k, text_view(&text));
        check_stays(&k, seed, text_view(&text));
        text_free(&text);
        case_close(&k);
    }
}

// two actors, three stocks that moves leave alone (a block of lines) and one that they move; nodes of the first two to be
// filled in, along which blocks fall into lines
static const char *LINES =
    "scenario \"lines\" { clock continuous  unit month }\n"
    "actor a { patience 20 month  precision 2  attends 2 per month }\n"
    "actor b { patience 9 month  precision 3  attends 1 per month }\n"
    "mode up of a { no, yes }\n"
    "mode hard of b { no, yes }\n"
    "stock x { range 0..1  grid %d  start 0.5  drift if up == yes then 0.2*(1 - x) else -0.1*x  noise 0.05 }\n"
    "stock y { range 0..1  grid %d  start 0.5  drift if hard == yes then -0.3*y else 0.05*(1 - y)*x }\n"
    "stock z { range 0..1  grid 3  start 0.5  drift 0.1*(x - z) }\n"
    "stock w { range 0..1  grid 4  start 0  drift -0.1*w }\n"
    "event shock { rate 0.2*x per month  then w += 0.3 }\n"
    "move raise of a { when up == no  cost 0.1  then up = yes }\n"
    "move lower of a { when up == yes  then up = no }\n"
    "move press of b { when hard == no  cost 0.2*x  then hard = yes }\n"
    "move relax of b { when hard == yes  then hard = no }\n"
    "move pay of b { when w <= 0.5  cost 0.1  then w += 0.4 }\n"
    "payoff a { gain x - 0.5*[hard == yes]\n  loss -w*y }\n"
    "payoff b { gain y\n  harm -0.7*x*[up == yes]\n  owed -w }\n";

static void lines_open(Case *k, int x, int y) {
    char text[4096];
    snprintf(text, sizeof text, LINES, x, y);
    case_open(k, text);
}

TEST(a_sweep_stays_put_with_one_actor_and_with_seven) {
    // each has a move that moves a stock by less than a node, so it has several targets; the first also has one that moves none
    for (int n = 1; n <= 7; n++) {
        Text text = {0};
        text_append(&text, "scenario \"many\" { clock continuous  unit month }\n"
                           "stock x { range 0..1  grid 4  start 0.5  drift 0.1*(0.5 - x) }\n"
                           "stock w { range 0..1  grid 4  start 0  drift -0.1*w }\n");
        for (int i = 0; i < n; i++) {
            text_printf(&text, "actor a%d { patience %d month  precision 2  attends 1 per month }\n", i, 9 + i);
            text_printf(&text, "move pay%d of a%d { when w <= 0.7  cost 0.1  then w += %g }\n", i, i, 0.1 + 0.02 * i);
            text_printf(&text, "payoff a%d { owed %g*w + %g*x*w }\n", i, 0.5 - 0.3 * i, 0.2 * i);
        }
        text_append(&text, "mode up of a0 { no, yes }\n"
                           "move raise of a0 { when up == no  cost 0.1*x  then up = yes }\n"
                           "event lapse { when up == yes  rate 0.3 per month  then up = no }\n");
        Case k = {0};
        case_open(&k, text_view(&text));
        check_stays(&k, (uint64_t)n, text_view(&text));
        case_close(&k);
        text_free(&text);
    }
}

TEST(a_sweep_stays_put_along_lines_too) {
    // lines of one group of lanes, of one exactly, of two; one line a block, or several
    static const int node[][2] = {{7, 4}, {9, 11}, {16, 5}, {17, 18}, {33, 6}};
    for (size_t i = 0; i < DUR_COUNT(node); i++) {
        Case k;
        lines_open(&k, node[i][0], node[i][1]);
        check_stays(&k, 7 + i, "lines");
        case_close(&k);
    }
}

TEST(one_sweep_solves_a_line) {
    // without moves the equations of a stock are a tridiagonal system for each combination of modes: no second sweep is needed
    for (int node = 7; node <= 1001; node = node * 3 + 2) {
        char text[1024];
        snprintf(text, sizeof text,
                 "scenario \"line\" { clock continuous  unit month }\n"
                 "actor a { patience 200 month  precision 1  attends 1 per month }\n"
                 "stock x { range 0..1  grid %d  start 0.5  drift 0.3*(0.4 - x)  noise 0.1 }\n"
                 "payoff a { gain x*x }\n", node);
        Case k;
        case_open(&k, text);
        int64_t n = k.lattice->n_state;
        double *value = memory_column(n);
        float *d = row_of_floats(n), *again = row_of_floats(n), *miss = row_of_floats(n);
        Tangent *t = tangent_make(k.lattice, NULL, NULL);
        tangent_take(t, 1.0, value, miss, NULL);
        tangent_sweep(t, miss, d);
        memcpy(again, d, (size_t)n * sizeof *d);
        tangent_sweep(t, miss, again);
        double largest = 0;
        for (int64_t i = 0; i < n; i++) largest = fmax(largest, fabs((double)d[i]));
        for (int64_t i = 0; i < n; i++) CHECK_NEAR((double)again[i], (double)d[i], 1e-5 * largest);
        // and what it found solves the game, as far as single precision has it: rates grow with the square of the nodes
        double rate = 0.1 * 0.1 * node * node + 0.3 * node;
        for (int64_t i = 0; i < n; i++) value[i] = (double)d[i];
        double left = tangent_take(t, 1.0, value, miss, NULL);
        CHECK(left < 1e-6 * rate * largest);
        CHECK(largest > 10);
        tangent_free(t);
        memory_free(miss);
        memory_free(again);
        memory_free(d);
        memory_free(value);
        case_close(&k);
    }
}

TEST(lines_have_the_same_bits_at_every_width_and_on_any_number_of_threads) {
    Case k;
    lines_open(&k, 17, 12);
    int64_t n = (int64_t)k.model->n_actor * k.lattice->n_state;
    double *value = memory_column(n);
    random_values(&k, 3, value);
    float *first = row_of_floats(n);
    for (int run = 0; run < ISA_COUNT + 3; run++) {
        isa_force(run < ISA_COUNT ? (Isa)run : ISA_COUNT);
        Team *team = run < ISA_COUNT ? NULL : team_make(run - ISA_COUNT + 2);
        float *d = row_of_floats(n), *miss = row_of_floats(n);
        Tangent *t = tangent_make(k.lattice, NULL, team);
        tangent_take(t, 1.0, value, miss, NULL);
        for (int i = 0; i < 3; i++) tangent_sweep(t, miss, d);
        if (run == 0) memcpy(first, d, (size_t)n * sizeof *d);
        CHECK(memcmp(first, d, (size_t)n * sizeof *d) == 0);
        tangent_free(t);
        memory_free(miss);
        memory_free(d);
        team_free(team);
    }
    isa_force(ISA_COUNT);
    memory_free(first);
    memory_free(value);
    case_close(&k);
}

TEST(the_slope_is_the_derivative_in_the_logarithm_of_precision) {
    for (uint64_t seed = 1; seed <= 30; seed++) {
        Text text = {0};
        random_scenario(&text, seed, seed % 2 ? "quantal" : "taste", 2);
        Case k = {0};
        case_open(&k, text_view(&text));
        int64_t n = (int64_t)k.model->n_actor * k.lattice->n_state;
        double *value = memory_column(n), h = 1e-3;
        float *slope = row_of_floats(n), *up = row_of_floats(n), *down = row_of_floats(n), *miss = row_of_floats(n);
        random_values(&k, seed, value);
        for (int64_t i = 0; i < n; i++) value[i] *= 0.3;
        Tangent *t = tangent_make(k.lattice, NULL, NULL);
        tangent_take(t, 0.7 * exp(h), value, up, NULL);
        tangent_take(t, 0.7 * exp(-h), value, down, NULL);
        tangent_take(t, 0.7, value, miss, slope);
        for (int64_t i = 0; i < n; i++) CHECK_NEAR((double)slope[i], ((double)up[i] - (double)down[i]) / (2 * h), 2e-2);
        tangent_free(t);
        memory_free(miss);
        memory_free(down);
        memory_free(up);
        memory_free(slope);
        memory_free(value);
        text_free(&text);
        case_close(&k);
    }
}

static void tangent_takes_what_it_tells(const char *text, double most) {
    Case k = {0};
    case_open(&k, text);
    double told = tangent_bytes(k.lattice), before = bytes_in_use();
    Tangent *t = tangent_make(k.lattice, NULL, NULL);
    double taken = bytes_in_use() - before;
    assert_non_null(t);
    // tables begin with room for some hundred entries, whatever the game
    if (taken > told + 0x20000 || told > most * taken) fail_msg("%s\ntold %.0f, taken %.0f, %lld states", text, told, taken, (long long)k.lattice->n_state);
    tangent_free(t);
    case_close(&k);
}

#define HEAD_OF_TWO "scenario \"memory\" { clock continuous  unit month }\n" \
    "actor a { patience 12 month  precision 2  attends 1 per month }\nactor b { patience 12 month  precision 2  attends 1 per month }\n" \
    "mode m of a { off, on }\npayoff a { good x }\npayoff b { good y }\n"

TEST(what_a_tangent_takes_is_no_more_than_what_is_told_before) {
    if (bytes_in_use() == 0) skip();
    // moves and events that lead elsewhere from each lane: sums, products, a fixed place, along two stocks at once, at random
    tangent_takes_what_it_tells(HEAD_OF_TWO "stock x { range 0..1  grid 60  start 0.5  drift -0.1*x }\nstock y { range 0..1  grid 60  start 0.5  drift 0.1*(1 - y) }\n"
                                "move up of a { when m == off  then m = on, x += 0.13*y }\nmove set of a { when m == on  then m = off, x = 0.37 }\n"
                                "move both of b { then x *= 0.7, y *= 0.9 }\nmove draw of b { then y = uniform(0, 1) }\n"
                                "event shock { rate 0.3  then y = 0.21 }\n", 3);
    tangent_takes_what_it_tells(HEAD_OF_TWO "stock x { range 0..1  grid 900  start 0.5  drift -0.1*x }\nstock y { range 0..1  grid 5  start 0.5 }\n"
                                "move set of a { when m == off  then x = 0.37 + 0.1*y, m = on }\nmove halve of b { then x *= 0.5 }\n", 3);
    // and none that do
    tangent_takes_what_it_tells(HEAD_OF_TWO "stock x { range 0..1  grid 40  start 0.5  drift -0.1*x }\nstock y { range 0..1  grid 40  start 0.5  drift 0.1*(1 - y) }\n"
                                "move go of a { when m == off  then m = on }\nmove back of a { when m == on  then m = off }\n", 3);
    for (uint64_t seed = 1; seed <= 40; seed++) {
        Text text = {0};
        random_scenario(&text, seed, "quantal", 3);
        tangent_takes_what_it_tells(text_view(&text), INFINITY);
        text_free(&text);
    }
}

static bool at_second(void *n_asked) { return ++*(int *)n_asked >= 2; }

TEST(a_tangent_that_is_told_to_stop_leaves_the_rest_undone_and_so_does_a_sweep) {
    Case k = {0};
    int n_asked = 0;
    Progress progress = {.stop = at_second, .context = &n_asked};
    case_open(&k, HEAD_OF_TWO "stock x { range 0..1  grid 200  start 0.5  drift -0.1*x }\nstock y { range 0..1  grid 200  start 0.5  drift 0.1*(1 - y) }\n"
                  "move go of a { when m == off  then m = on }\nmove back of a { when m == on  then m = off }\n");
    int64_t n = 2 * k.lattice->n_state, n_done = 0, n_swept = 0;
    double *value = memory_column(n);
    float *miss = row_of_floats(n), *d = row_of_floats(n);
    random_values(&k, 1, value);
    Tangent *t = tangent_make(k.lattice, NULL, NULL);
    CHECK(isfinite(tangent_take(t, 1.0, value, d, NULL)));
    for (int64_t i = 0; i < n; i++) miss[i] = NAN;
    tangent_heed(t, &progress);
    CHECK(isinf(tangent_take(t, 1.0, value, miss, NULL)));
    for (int64_t i = 0; i < n; i++) n_done += !isnan(miss[i]);
    CHECK(n_done > 0 && n_done < n / 10);

    // asked anew
    n_asked = 0;
    memset(d, 0, (size_t)n * sizeof *d);
    tangent_heed(t, NULL);
    CHECK(isfinite(tangent_take(t, 1.0, value, miss, NULL)));
    tangent_heed(t, &progress);
    tangent_sweep(t, miss, d);
    for (int64_t i = 0; i < n; i++) n_swept += d[i] != 0;
    CHECK(n_asked >= 2 && n_swept < n / 10);
    tangent_free(t);
    memory_free(d);
    memory_free(miss);
    memory_free(value);
    case_close(&k);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        RUN(what_a_tangent_takes_is_no_more_than_what_is_told_before),
        RUN(what_the_equations_miss_by_is_what_the_plain_solver_says_they_miss_by),
        RUN(a_sweep_stays_where_the_right_side_is_what_the_derivative_says),
        RUN(a_sweep_stays_put_with_one_actor_and_with_seven),
        RUN(a_sweep_stays_put_along_lines_too),
        RUN(one_sweep_solves_a_line),
        RUN(lines_have_the_same_bits_at_every_width_and_on_any_number_of_threads),
        RUN(the_slope_is_the_derivative_in_the_logarithm_of_precision),
        RUN(a_tangent_that_is_told_to_stop_leaves_the_rest_undone_and_so_does_a_sweep),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
