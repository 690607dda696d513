#include "../check.h"

#include "base/memory.h"
#include "num/gmres_double.h"
#include "num/philox.h"

typedef struct Dense { int n; const double *a; int calls; } Dense;

static DurStatus multiply(void *context, const double *x, double *y) {
    Dense *d = context;
    d->calls++;
    for (int i = 0; i < d->n; i++) {
        y[i] = 0;
        for (int j = 0; j < d->n; j++) y[i] += d->a[i * d->n + j] * x[j];
    }
    return DUR_OK;
}

TEST(gmres_ends_after_as_many_steps_as_there_are_unknowns) {
    enum { M = 40 };
    double a[M * M], b[M] = {0}, x[M] = {0}, truth[M];
    Stream stream = stream_make(5, 0, 0);
    for (int i = 0; i < M * M; i++) a[i] = stream_normal(&stream);
    for (int i = 0; i < M; i++) truth[i] = sin(i + 1.0);
    for (int i = 0; i < M; i++) for (int j = 0; j < M; j++) b[i] += a[i * M + j] * truth[j];
    Dense d = {.n = M, .a = a};
    LinearSolve s;
    CHECK_OK(gmres_double(&s, M, multiply, &d, b, 1e-10, 500, M, x));
    CHECK(s.converged);
    assert_int_equal(s.n_apply, d.calls);
    CHECK(d.calls <= 2 * (M + 2));
    for (int i = 0; i < M; i++) CHECK_NEAR(x[i], truth[i], 1e-6);
}

TEST(gmres_turns_a_quarter_turn_back) {   // where BiCGStab breaks down
    const double a[4] = {0, 1, -1, 0};
    Dense d = {.n = 2, .a = a};
    double b[2] = {1, 3}, x[2] = {0, 0};
    LinearSolve s;
    CHECK_OK(gmres_double(&s, 2, multiply, &d, b, 1e-14, 20, 2, x));
    CHECK(s.converged);
    CHECK_NEAR(x[0], -3, 1e-13);
    CHECK_NEAR(x[1], 1, 1e-13);
}

TEST(gmres_restarts_where_memory_is_short) {   // 1 - 0.9 shift: a round that is worth 0.9 of the next
    enum { M = 300 };
    double *a = memory_column(M * M), b[M], x[M] = {0};
    for (int i = 0; i < M; i++) {
        a[i * M + i] = 1;
        a[i * M + (i + 1) % M] -= 0.9;
        b[i] = 1;
    }
    b[7] = 3;
    Dense d = {.n = M, .a = a};
    LinearSolve s;
    CHECK_OK(gmres_double(&s, M, multiply, &d, b, 1e-12, 4000, 10, x));
    CHECK(s.converged);
    for (int i = 0; i < M; i++) CHECK_NEAR(x[i] - 0.9 * x[(i + 1) % M], b[i], 1e-10);
    memory_free(a);
}

TEST(gmres_says_when_there_is_no_solution) {
    const double a[4] = {1, 1, 1, 1};
    Dense d = {.n = 2, .a = a};
    double b[2] = {1, 0}, x[2] = {0, 0};
    LinearSolve s;
    CHECK_OK(gmres_double(&s, 2, multiply, &d, b, 1e-12, 50, 2, x));
    CHECK(!s.converged);
    CHECK(s.n_apply <= 50);
    CHECK_NEAR(s.residual, sqrt(0.5), 1e-9);   // nothing gets nearer
}

int main(void) {
    const struct CMUnitTest tests[] = {
        RUN(gmres_ends_after_as_many_steps_as_there_are_unknowns),
        RUN(gmres_turns_a_quarter_turn_back),
        RUN(gmres_restarts_where_memory_is_short),
        RUN(gmres_says_when_there_is_no_solution),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
