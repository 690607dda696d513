#include "../check.h"

#include "base/memory.h"
#include "num/anderson.h"
#include "num/bicgstab.h"

#include <stdlib.h>

// a walk on n states, up and down at the same rate, held at the ends, with a discount:
//     (rho + 2 rate) v_i = u_i + rate v_(i-1) + rate v_(i+1), a tridiagonal system that elimination solves exactly
enum { N = 4099 };
static const double RHO = 0.02, RATE = 1.0;

static double flow(int i) { return sin(0.01 * i) + 0.2 * (i % 7); }

static void image(const double *x, double *g) {
    for (int i = 0; i < N; i++) g[i] = (flow(i) + RATE * (x[i > 0 ? i - 1 : 0] + x[i + 1 < N ? i + 1 : i])) / (RHO + 2 * RATE);
}

static void exact(double *v) {
    double *d = memory_column(N), *r = memory_column(N);
    for (int i = 0; i < N; i++) {
        d[i] = RHO + 2 * RATE - (i == 0 || i == N - 1 ? RATE : 0);
        r[i] = flow(i);
        if (i > 0) { d[i] -= RATE * RATE / d[i - 1]; r[i] += RATE * r[i - 1] / d[i - 1]; }
    }
    for (int i = N - 1; i >= 0; i--) v[i] = (r[i] + (i + 1 < N ? RATE * v[i + 1] : 0)) / d[i];
    memory_free(r);
    memory_free(d);
}

static int steps_to(double tolerance, int mixed, int n_thread, double *x) {
    Team *team = team_make(n_thread);
    Anderson *a = anderson_make(N, 8, team);
    double *g = memory_column(N), *v = memory_column(N);
    exact(v);
    memset(x, 0, N * sizeof *x);
    int k = 0;
    for (; k < 6000; k++) {
        double off = 0;
        for (int i = 0; i < N; i++) off = fmax(off, fabs(x[i] - v[i]));
        if (off <= tolerance * 100) break;
        image(x, g);
        if (mixed) anderson_step(a, x, g, x);
        else memcpy(x, g, N * sizeof *x);
    }
    memory_free(v);
    memory_free(g);
    anderson_free(a);
    team_free(team);
    return k;
}

TEST(mixing_reaches_the_fixed_point_in_a_fraction_of_the_steps) {
    double *x = memory_column(N);
    int plain = steps_to(1e-6, 0, 1, x), mixed = steps_to(1e-6, 1, 1, x);
    print_message("%d steps bare, %d mixed\n", plain, mixed);
    CHECK(plain > 500);
    CHECK(mixed < plain / 4);
    memory_free(x);
}

TEST(mixing_gives_the_same_bits_on_any_number_of_threads) {
    double *x = memory_column(N), *y = memory_column(N);
    int a = steps_to(1e-6, 1, 1, x);
    const int threads[] = {2, 3, 7, 32};
    for (int i = 0; i < 4; i++) {
        assert_int_equal(steps_to(1e-6, 1, threads[i], y), a);
        CHECK(memcmp(x, y, N * sizeof *x) == 0);
    }
    memory_free(y);
    memory_free(x);
}

TEST(two_unknowns_are_solved_by_mixing_in_three_steps) {   // Anderson on a linear problem is GMRES: n + 1 steps
    Anderson *a = anderson_make(2, 2, NULL);
    double x[2] = {0, 0}, g[2];
    for (int k = 0; k < 4; k++) {
        g[0] = 0.5 * x[0] - 0.9 * x[1] + 1;
        g[1] = 0.7 * x[0] + 0.2 * x[1] - 2;
        anderson_step(a, x, g, x);
    }
    // (1-.5) x + .9 y = 1, -.7 x + .8 y = -2
    CHECK_NEAR(0.5 * x[0] + 0.9 * x[1], 1, 1e-6);
    CHECK_NEAR(-0.7 * x[0] + 0.8 * x[1], -2, 1e-6);
    anderson_free(a);
}

typedef struct Dense { int n; const double *a; int calls; const double *scale; } Dense;

static void divide(void *context, const double *x, double *y) {
    const Dense *d = context;
    for (int i = 0; i < d->n; i++) y[i] = x[i] * (1 / d->scale[i]);
}

static DurStatus multiply(void *context, const double *x, double *y) {
    Dense *d = context;
    d->calls++;
    for (int i = 0; i < d->n; i++) {
        y[i] = 0;
        for (int j = 0; j < d->n; j++) y[i] += d->a[i * d->n + j] * x[j];
    }
    return DUR_OK;
}

TEST(bicgstab_solves_what_it_was_given_and_counts_what_it_used) {
    enum { M = 60 };
    double a[M * M], b[M] = {0}, x[M] = {0}, truth[M], scale[M];
    srand(3);
    for (int i = 0; i < M; i++) {
        truth[i] = sin(i + 1.0);
        for (int j = 0; j < M; j++) a[i * M + j] = i == j ? 3.0 + i : (double)rand() / RAND_MAX - 0.5;
        scale[i] = a[i * M + i];
    }
    for (int i = 0; i < M; i++)
        for (int j = 0; j < M; j++) b[i] += a[i * M + j] * truth[j];
    Dense d = {.n = M, .a = a};
    LinearSolve s;
    CHECK_OK(bicgstab(&s, M, multiply, NULL, &d, b, scale, 1e-12, 500, x, NULL));
    CHECK(s.converged);
    assert_int_equal(s.n_apply, d.calls);
    for (int i = 0; i < M; i++) CHECK_NEAR(x[i], truth[i], 1e-11);
    // the same by a function that does what `scale` does, to the bit
    double again[M] = {0};
    d.scale = scale;
    LinearSolve by;
    CHECK_OK(bicgstab(&by, M, multiply, divide, &d, b, NULL, 1e-12, 500, again, NULL));
    CHECK(by.converged && by.n_apply == s.n_apply);
    CHECK(memcmp(again, x, sizeof x) == 0);
}

TEST(bicgstab_says_when_it_did_not_get_there) {
    // a rotation by a quarter turn: the first step of the method breaks down, restarts included
    const double a[4] = {0, 1, -1, 0};
    Dense d = {.n = 2, .a = a};
    double b[2] = {1, 0}, x[2] = {0, 0};
    LinearSolve s;
    CHECK_OK(bicgstab(&s, 2, multiply, NULL, &d, b, NULL, 1e-12, 3, x, NULL));
    CHECK(!s.converged);
    CHECK(s.residual > 1e-12);
    CHECK(isfinite(x[0]) && isfinite(x[1]));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        RUN(mixing_reaches_the_fixed_point_in_a_fraction_of_the_steps),
        RUN(mixing_gives_the_same_bits_on_any_number_of_threads),
        RUN(two_unknowns_are_solved_by_mixing_in_three_steps),
        RUN(bicgstab_solves_what_it_was_given_and_counts_what_it_used),
        RUN(bicgstab_says_when_it_did_not_get_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
