#include "../check.h"

#include "base/memory.h"
#include "num/gmres.h"
#include "num/isa.h"
#include "num/philox.h"

#include <math.h>
#include <string.h>

// A chain of n cells, each fed by its neighbours, unevenly: A d = r with A = diag(2.02) - left*1.2 - right*0.8. One sweep goes
// through the cells in order (Gauss-Seidel).
typedef struct Chain { int64_t n; int64_t n_sweep, stop_at; } Chain;

static DurStatus chain_sweep(void *context, const float *r, float *d) {
    Chain *c = context;
    if (c->stop_at && c->n_sweep >= c->stop_at) return DUR_INTERRUPTED;
    c->n_sweep++;
    for (int64_t i = 0; i < c->n; i++) {
        float sum = r ? r[i] : 0.0f;
        if (i > 0) sum += 1.2f * d[i - 1];
        if (i + 1 < c->n) sum += 0.8f * d[i + 1];
        d[i] = sum / 2.02f;
    }
    return DUR_OK;
}

static float *column(int64_t n) { return memory_zeroed((size_t)n + 16, sizeof(float)); }

// the largest |r - A d| relative to the largest |r|
static double left_over(const Chain *c, const float *r, const float *d) {
    double worst = 0, size = 0;
    for (int64_t i = 0; i < c->n; i++) {
        double sum = r[i] - 2.02f * (double)d[i];
        if (i > 0) sum += 1.2f * (double)d[i - 1];
        if (i + 1 < c->n) sum += 0.8f * (double)d[i + 1];
        worst = fmax(worst, fabs(sum));
        size = fmax(size, fabs((double)r[i]));
    }
    return worst / size;
}

static void random_right(float *r, int64_t n) {
    Stream s = stream_make(5, 0, 0);
    for (int64_t i = 0; i < n; i++) r[i] = (float)stream_normal(&s);
}

TEST(a_linear_system_is_solved_to_what_was_asked_in_fewer_sweeps_than_sweeps_alone_take) {
    Chain c = {.n = 3000};
    float *r = column(c.n), *d = column(c.n), *plain = column(c.n);
    random_right(r, c.n);
    int64_t alone = 0;
    while (left_over(&c, r, plain) > 1e-4 && alone < 100000) { chain_sweep(&c, r, plain); alone++; }
    for (int32_t window = 5; window <= 40; window += 35) {
        Gmres *g = gmres_make(c.n, window, NULL);
        GmresResult result;
        CHECK_OK(gmres_solve(&result, g, chain_sweep, &c, r, NULL, false, 3e-5, 5000, d));
        CHECK(result.reduced <= 3e-5);
        CHECK(left_over(&c, r, d) <= 3e-4);
        CHECK(result.n_sweep < alone / 2);
        gmres_free(g);
    }
    memory_free(plain);
    memory_free(d);
    memory_free(r);
}

// z = q and what two more sweeps make of it: nearer to the solution than q, and linear
typedef struct TwoMore { Chain *chain; float *z; } TwoMore;

static void two_more_begin(void *context, const float *q) {
    TwoMore *t = context;
    int64_t n = t->chain->n;
    float *power = column(n);
    memcpy(power, q, (size_t)n * sizeof *q);
    memcpy(t->z, q, (size_t)n * sizeof *q);
    for (int k = 0; k < 2; k++) {
        chain_sweep(t->chain, NULL, power);
        for (int64_t i = 0; i < n; i++) t->z[i] += power[i];
    }
    memory_free(power);
}

static void two_more_at(const void *context, const float *q, int64_t from, int64_t n, float *z) {
    (void)q;
    memcpy(z, ((const TwoMore *)context)->z + from, (size_t)n * sizeof *z);
}

TEST(a_preconditioner_changes_how_many_sweeps_it_takes_and_nothing_else) {
    Chain c = {.n = 3000};
    float *r = column(c.n), *d = column(c.n), *with = column(c.n);
    TwoMore two_more = {&c, column(c.n)};
    random_right(r, c.n);
    // a window that restarts, and one that does not
    for (int32_t window = 8; window <= 40; window += 32) {
        Gmres *g = gmres_make(c.n, window, NULL);
        GmresResult plain, better;
        CHECK_OK(gmres_solve(&plain, g, chain_sweep, &c, r, NULL, false, 3e-5, 5000, d));
        gmres_precondition(g, &(GmresPrecondition){two_more_begin, two_more_at, &two_more});
        CHECK_OK(gmres_solve(&better, g, chain_sweep, &c, r, NULL, false, 3e-5, 5000, with));
        CHECK(better.reduced <= 3e-5);
        CHECK(left_over(&c, r, with) <= 3e-4);
        CHECK(2 * better.n_sweep < plain.n_sweep + 4);
        // and without it again the first answer, bit by bit
        gmres_precondition(g, NULL);
        CHECK_OK(gmres_solve(&better, g, chain_sweep, &c, r, NULL, false, 3e-5, 5000, with));
        CHECK(memcmp(d, with, (size_t)c.n * sizeof *d) == 0);
        gmres_free(g);
    }
    memory_free(two_more.z);
    memory_free(with);
    memory_free(d);
    memory_free(r);
}

TEST(what_the_solve_says_of_its_residual_is_what_is_left) {   // two roads: the rotations' estimate, and one more sweep
    Chain c = {.n = 500};
    float *r = column(c.n), *d = column(c.n), *once = column(c.n);
    random_right(r, c.n);
    Gmres *g = gmres_make(c.n, 12, NULL);
    chain_sweep(&c, r, once);
    double whole = sqrt(gmres_dot(g, once, once));
    for (int64_t most = 4; most <= 40; most += 9) {
        GmresResult result;
        CHECK_OK(gmres_solve(&result, g, chain_sweep, &c, r, NULL, false, 1e-6, most, d));
        CHECK(result.n_sweep <= most + 1);
        memcpy(once, d, (size_t)c.n * sizeof *d);
        chain_sweep(&c, r, once);
        for (int64_t i = 0; i < c.n; i++) once[i] -= d[i];
        CHECK_NEAR(sqrt(gmres_dot(g, once, once)) / whole, result.reduced, 1e-3 * result.reduced + 1e-6);
    }
    gmres_free(g);
    memory_free(once);
    memory_free(d);
    memory_free(r);
}

TEST(a_solve_has_the_same_bits_on_any_number_of_threads_and_at_any_width) {
    Chain c = {.n = 10000};
    float *r = column(c.n), *d = column(c.n), *first = column(c.n);
    random_right(r, c.n);
    bool has_first = false;
    for (int isa = 0; isa < ISA_COUNT; isa++) {
        if (isa_force((Isa)isa) != (Isa)isa) continue;
        for (int n_thread = 1; n_thread <= 3; n_thread++) {
            Team *team = team_make(n_thread);
            Gmres *g = gmres_make(c.n, 10, team);
            GmresResult result;
            CHECK_OK(gmres_solve(&result, g, chain_sweep, &c, r, NULL, false, 1e-3, 60, d));
            if (!has_first) memcpy(first, d, (size_t)c.n * sizeof *d);
            has_first = true;
            assert_memory_equal(first, d, (size_t)c.n * sizeof *d);
            gmres_free(g);
            team_free(team);
        }
    }
    isa_force(ISA_COUNT);
    memory_free(first);
    memory_free(d);
    memory_free(r);
}

TEST(a_guess_is_where_a_solve_starts_as_far_as_it_leaves_less) {
    Chain c = {.n = 3000};
    float *r = column(c.n), *d = column(c.n), *swept = column(c.n), *answer = column(c.n);
    random_right(r, c.n);
    chain_sweep(&c, r, swept);
    Gmres *g = gmres_make(c.n, 40, NULL);
    GmresResult result, plain;
    CHECK_OK(gmres_solve(&plain, g, chain_sweep, &c, r, swept, false, 3e-5, 5000, answer));
    // the answer itself, and three times as much of it the wrong way round: one sweep tells
    for (int by = -3; by <= 1; by += 4) {
        for (int64_t i = 0; i < c.n; i++) d[i] = (float)by * answer[i];
        CHECK_OK(gmres_solve(&result, g, chain_sweep, &c, r, swept, true, 1e-4, 5000, d));
        CHECK(result.n_sweep == 1 && result.reduced <= 4e-5);
        for (int64_t i = 0; i < c.n; i++) CHECK_NEAR(d[i], answer[i], 1e-3);
    }
    // most of it, and something that has nothing to do with it: solved all the same, and what it says is relative to no guess
    for (int kind = 0; kind < 3; kind++) {
        for (int64_t i = 0; i < c.n; i++) d[i] = kind == 0 ? 0.9f * answer[i] + 0.001f * r[i] : kind == 1 ? r[c.n - 1 - i] : NAN;
        CHECK_OK(gmres_solve(&result, g, chain_sweep, &c, r, swept, true, 3e-5, 5000, d));
        CHECK(result.reduced <= 3e-5);
        CHECK(left_over(&c, r, d) <= 3e-4);
        CHECK(kind > 0 || result.n_sweep < plain.n_sweep);
        CHECK(result.n_sweep <= plain.n_sweep + 3);
    }
    gmres_free(g);
    memory_free(answer);
    memory_free(swept);
    memory_free(d);
    memory_free(r);
}

TEST(nothing_to_solve_takes_one_sweep_and_an_interruption_is_passed_on) {
    Chain c = {.n = 100};
    float *r = column(c.n), *d = column(c.n);
    Gmres *g = gmres_make(c.n, 5, NULL);
    GmresResult result;
    CHECK_OK(gmres_solve(&result, g, chain_sweep, &c, r, NULL, false, 1e-3, 50, d));
    CHECK(result.n_sweep == 1 && result.reduced == 0);
    random_right(r, c.n);
    c = (Chain){.n = 100, .stop_at = 3};
    CHECK(gmres_solve(&result, g, chain_sweep, &c, r, NULL, false, 1e-3, 50, d) == DUR_INTERRUPTED);
    gmres_free(g);
    memory_free(d);
    memory_free(r);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        RUN(a_linear_system_is_solved_to_what_was_asked_in_fewer_sweeps_than_sweeps_alone_take),
        RUN(a_preconditioner_changes_how_many_sweeps_it_takes_and_nothing_else),
        RUN(what_the_solve_says_of_its_residual_is_what_is_left),
        RUN(a_solve_has_the_same_bits_on_any_number_of_threads_and_at_any_width),
        RUN(a_guess_is_where_a_solve_starts_as_far_as_it_leaves_less),
        RUN(nothing_to_solve_takes_one_sweep_and_an_interruption_is_passed_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
