#include "../check.h"

#include "base/memory.h"
#include "num/elementary.h"
#include "num/isa.h"
#include "num/linear.h"
#include "num/philox.h"
#include "num/vector.h"

#include <stdbool.h>

// ---- dot products ------------------------------------------------------------------------------------------------

// the tree that linear.h describes, written out plainly
static double dot_by_the_book(const double *a, const double *b, int64_t n) {
    double total = 0;
    for (int64_t start = 0; start < n; start += VECTOR_DOT_CHUNK) {
        double lane[8] = {0};
        for (int64_t i = start; i < n && i < start + VECTOR_DOT_CHUNK; i++) lane[i % 8] += a[i] * b[i];
        for (int width = 4; width >= 1; width /= 2)
            for (int j = 0; j < width; j++) lane[j] += lane[j + width];
        total += lane[0];
    }
    return total;
}

TEST(a_dot_product_has_the_same_bits_at_every_isa_and_alignment) {
    const int64_t most = 3 * VECTOR_DOT_CHUNK;
    double *a = memory_column(most + 8), *b = memory_column(most + 8);
    Stream s = stream_make(31, 0, 0);
    for (int64_t i = 0; i < most + 8; i++) {
        a[i] = stream_normal(&s) * elementary_exp(20 * stream_normal(&s));
        b[i] = stream_normal(&s);
    }
    for (int isa = 0; isa < ISA_COUNT; isa++) {
        if (isa_force((Isa)isa) != (Isa)isa) continue;
        for (int64_t n = 0; n < most; n = n < 70 ? n + 1 : n + 997) {
            for (int shift = 0; shift < 8; shift++)
                CHECK_SAME(vector_dot(a + shift, b + shift, n), dot_by_the_book(a + shift, b + shift, n));
        }
        CHECK_SAME(vector_dot(a, b, VECTOR_DOT_CHUNK), dot_by_the_book(a, b, VECTOR_DOT_CHUNK));
    }
    isa_force(ISA_COUNT);
    memory_free(a);
    memory_free(b);
}

TEST(a_dot_product_is_near_its_value) {
    const int64_t n = 100000;
    double *a = memory_column(n), *b = memory_column(n);
    Stream s = stream_make(32, 0, 0);
    long double truth = 0, size = 0;
    for (int64_t i = 0; i < n; i++) {
        a[i] = stream_normal(&s);
        b[i] = stream_normal(&s);
        truth += (long double)a[i] * b[i];
        size  += fabsl((long double)a[i] * b[i]);
    }
    CHECK_NEAR(vector_dot(a, b, n), (double)truth, 1e-15 * (double)size);
    memory_free(a);
    memory_free(b);
}

// ---- least squares -----------------------------------------------------------------------------------------------

#define ROWS 40
#define COLUMNS 8

// certificate: the residual of the least-squares solution is orthogonal to every column
static double worst_slope(int m, int n, const double *a, const double *b, const double *x) {
    double residual[ROWS], worst = 0;
    for (int i = 0; i < m; i++) {
        residual[i] = b[i];
        for (int j = 0; j < n; j++) residual[i] -= a[j * m + i] * x[j];
    }
    for (int j = 0; j < n; j++) {
        double dot = 0, size = 0;
        for (int i = 0; i < m; i++) {
            dot  += a[j * m + i] * residual[i];
            size += a[j * m + i] * a[j * m + i];
        }
        worst = fmax(worst, fabs(dot) / sqrt(size > 0 ? size : 1));
    }
    return worst;
}

TEST(the_residual_of_least_squares_is_orthogonal_to_every_column) {
    Stream s = stream_make(33, 0, 0);
    for (int trial = 0; trial < 500; trial++) {
        int m = 1 + (int)(stream_uniform(&s) * ROWS), n = 1 + (int)(stream_uniform(&s) * COLUMNS);
        double a[ROWS * COLUMNS] = {0}, b[ROWS] = {0}, x[COLUMNS], qr[ROWS * COLUMNS], qb[ROWS];
        for (int i = 0; i < m * n; i++) a[i] = stream_normal(&s);
        for (int i = 0; i < m; i++) b[i] = stream_normal(&s);

        // every third has a column that is a sum of others
        bool is_dependent = trial % 3 == 0 && n > 2;
        for (int i = 0; is_dependent && i < m; i++) a[1 * m + i] = 2 * a[0 * m + i] - a[2 * m + i];

        memcpy(qr, a, sizeof qr);
        memcpy(qb, b, sizeof qb);
        int32_t rank = linear_least_squares(m, n, qr, qb, x);
        int independent = is_dependent ? n - 1 : n;
        assert_int_equal(rank, m < independent ? m : independent);
        CHECK(worst_slope(m, n, a, b, x) < 1e-12 * (1 + (m < n ? 100 : 0)));

        // what is left of b is the residual's square
        double left = 0, residual = 0;
        for (int i = rank; i < m; i++) left += qb[i] * qb[i];
        for (int i = 0; i < m; i++) {
            double r = b[i];
            for (int j = 0; j < n; j++) r -= a[j * m + i] * x[j];
            residual += r * r;
        }
        CHECK_NEAR(left, residual, 1e-11);
    }
}

TEST(a_square_system_is_solved) {
    double a[9] = {2, 1, 0,   1, 3, 1,   0, 1, 4}, b[3] = {4, 10, 14}, x[3];    // x = 1, 2, 3
    assert_int_equal(linear_least_squares(3, 3, a, b, x), 3);
    for (int i = 0; i < 3; i++) CHECK_NEAR(x[i], i + 1, 1e-14);
}

TEST(columns_of_wildly_different_size_are_no_obstacle) {
    double a[4] = {1e200, 1e200, -1e190, 1e190}, b[2] = {1e200, 3e200}, x[2];   // x = 2, 1e10
    assert_int_equal(linear_least_squares(2, 2, a, b, x), 2);
    CHECK_NEAR(x[0], 2, 1e-14);
    CHECK_NEAR(x[1], 1e10, 1e-4);
}

TEST(zero_columns_and_empty_systems_have_rank_zero) {
    double a[4] = {0, 0, 0, 0}, b[2] = {1, 2}, x[2] = {9, 9};
    assert_int_equal(linear_least_squares(2, 2, a, b, x), 0);
    CHECK(x[0] == 0 && x[1] == 0 && b[0] == 1 && b[1] == 2);
    assert_int_equal(linear_least_squares(0, 2, a, b, x), 0);
    assert_int_equal(linear_least_squares(2, 0, a, b, x), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        RUN(a_dot_product_has_the_same_bits_at_every_isa_and_alignment),
        RUN(a_dot_product_is_near_its_value),
        RUN(the_residual_of_least_squares_is_orthogonal_to_every_column),
        RUN(a_square_system_is_solved),
        RUN(columns_of_wildly_different_size_are_no_obstacle),
        RUN(zero_columns_and_empty_systems_have_rank_zero),
    };
    return cmocka_run_group_tests_name("num: linear", tests, NULL, NULL);
}
