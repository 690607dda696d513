#include "../check.h"

#include "num/philox.h"
#include "num/stat.h"

#define PI 3.14159265358979323846

// the same number to a relative tolerance
#define CHECK_RELATIVE(a, b, tol) CHECK_NEAR(a, b, (tol) * fabs((double)(b)))

// ---- special functions -------------------------------------------------------------------------------------------

TEST(the_normal_distribution_agrees_with_erfc_far_into_the_tails) {
    for (int i = -3700; i <= 800; i++) {
        double x = i / 100.0;
        CHECK_RELATIVE(stat_normal_cdf(x), (double)(0.5L * erfcl(-x / sqrtl(2))), 4e-15);
    }
    CHECK_SAME(stat_normal_cdf(0), 0.5);
    CHECK_SAME(stat_normal_cdf(-INFINITY), 0.0);
    CHECK_SAME(stat_normal_cdf(INFINITY), 1.0);
}

TEST(the_normal_quantile_undoes_the_distribution) {
    CHECK_RELATIVE(stat_normal_quantile(0.975), 1.959963984540054, 1e-15);
    CHECK_RELATIVE(stat_normal_quantile(0.995), 2.5758293035489004, 1e-15);
    CHECK_SAME(stat_normal_quantile(0.5), 0.0);
    CHECK_SAME(stat_normal_quantile(0), (double)-INFINITY);
    CHECK_SAME(stat_normal_quantile(1), (double)INFINITY);
    CHECK(isnan(stat_normal_quantile(-0.1)) && isnan(stat_normal_quantile(1.1)) && isnan(stat_normal_quantile(NAN)));
    for (int k = 1; k < 300; k++) {
        // d log(x) / d log(p) is small in the tail, so the relative error of p bounds that of x
        double p = pow(10, -k), x = stat_normal_quantile(p);
        CHECK_RELATIVE((double)(0.5L * erfcl(-x / sqrtl(2))), p, 1e-15 * (4 + x * x));
    }
    for (int k = 1; k < 1000; k++) {
        double p = k / 1000.0;
        CHECK_NEAR(stat_normal_cdf(stat_normal_quantile(p)), p, 3e-16);
        CHECK_NEAR(stat_normal_quantile(1 - p), -stat_normal_quantile(p), 1e-14);
    }
    // near the middle x = (p - 1/2) sqrt(2 pi), to full relative accuracy
    CHECK_RELATIVE(stat_normal_quantile(0.5 + 0x1p-40), 0x1p-40 * sqrt(2 * PI), 1e-14);
}

TEST(log_gamma_agrees_with_the_library_and_with_factorials) {
    double factorial = 1;
    for (int n = 1; n <= 20; n++) {
        CHECK_NEAR(stat_log_gamma(n), log(factorial), 2e-15 * (1 + log(factorial)));
        factorial *= n;
    }
    CHECK_RELATIVE(stat_log_gamma(0.5), 0.5 * log(PI), 2e-14);
    for (double x = 1e-8; x < 1e12; x *= 1.07) {
        double truth = (double)lgammal(x);
        CHECK_NEAR(stat_log_gamma(x), truth, 1e-14 + 1e-15 * fabs(truth));
    }
}

TEST(the_incomplete_beta_agrees_with_its_closed_forms) {
    for (int i = 1; i < 100; i++) {
        double x = i / 100.0;
        for (double a = 0.25; a < 60; a *= 1.7) {
            CHECK_RELATIVE(stat_beta_cdf(x, a, 1), pow(x, a), 1e-14 + 1e-15 * a * fabs(log(x)));
            CHECK_RELATIVE(stat_beta_cdf(x, 1, a), -expm1(a * log1p(-x)), 1e-14);
            CHECK_NEAR(stat_beta_cdf(x, a, 2.5) + stat_beta_cdf(1 - x, 2.5, a), 1, 3e-15);
            // I_x(a, b) = I_x(a + 1, b) + x^a (1 - x)^b / (a B(a, b))
            double b = 3.25;
            double step = exp(a * log(x) + b * log1p(-x) - log(a) - stat_log_gamma(a) - stat_log_gamma(b)
                              + stat_log_gamma(a + b));
            CHECK_NEAR(stat_beta_cdf(x, a, b), stat_beta_cdf(x, a + 1, b) + step, 5e-14);
        }
        CHECK_NEAR(stat_beta_cdf(x, 0.5, 0.5), 2 / PI * asin(sqrt(x)), 5e-15);
    }
    CHECK_SAME(stat_beta_cdf(0, 2, 3), 0.0);
    CHECK_SAME(stat_beta_cdf(1, 2, 3), 1.0);
    CHECK_NEAR(stat_beta_cdf(0.5, 1e6, 1e6), 0.5, 1e-12);
}

// two roads: the sum of the binomial's terms in long double
TEST(the_incomplete_beta_is_the_tail_of_the_binomial) {
    const int n = 2000;
    for (int k = 1; k <= n; k += 37) {
        for (double x = 0.05; x < 1; x += 0.09) {
            long double tail = 0;
            for (int j = k; j <= n; j++)
                tail += expl(lgammal(n + 1) - lgammal(j + 1) - lgammal(n - j + 1) + j * logl(x) + (n - j) * log1pl(-x));
            double got = stat_beta_cdf(x, k, n - k + 1);
            CHECK_NEAR(got, (double)tail, 1e-13);
            if (tail < 0.5 && tail > 1e-280) CHECK_RELATIVE(got, (double)tail, 2e-12);
        }
    }
}

TEST(the_beta_quantile_undoes_the_distribution) {
    for (double a = 0.3; a < 5000; a *= 3.1) {
        for (double b = 0.3; b < 5000; b *= 2.7) {
            for (double p = 1e-9; p < 1; p *= 3) {
                double x = stat_beta_quantile(p, a, b);
                CHECK(x > 0 && x <= 1);
                // near x = 1 neighbours among the doubles may lie further apart in p than the tolerance
                double slack = fabs(stat_beta_cdf(nextafter(x, 2), a, b) - stat_beta_cdf(nextafter(x, -1), a, b));
                CHECK_NEAR(stat_beta_cdf(x, a, b), p, 1e-13 * p + 4e-16 + 2 * slack);
            }
        }
    }
    CHECK_RELATIVE(stat_beta_quantile(1e-200, 2, 1), 1e-100, 1e-14);
    CHECK_SAME(stat_beta_quantile(0, 2, 3), 0.0);
    CHECK_SAME(stat_beta_quantile(1, 2, 3), 1.0);
}

TEST(the_t_quantile_agrees_with_its_closed_forms) {
    for (int i = 1; i < 2000; i++) {
        double p = i / 2000.0, alpha = 4 * p * (1 - p);
        CHECK_NEAR(stat_t_quantile(p, 1), -1 / tan(PI * p), 1e-13 * (1 + 1 / (p * (1 - p))));
        CHECK_NEAR(stat_t_quantile(p, 2), 2 * (p - 0.5) * sqrt(2 / alpha), 1e-13);
        // four degrees of freedom: Shaw 2006
        double q = cos(acos(sqrt(alpha)) / 3) / sqrt(alpha);
        CHECK_NEAR(stat_t_quantile(p, 4), (p < 0.5 ? -2 : 2) * sqrt(q - 1), p == 0.5 ? 1e-7 : 1e-10);
    }
    CHECK_RELATIVE(stat_t_quantile(0.975, 10), 2.2281388519862747, 1e-14);
    CHECK_RELATIVE(stat_t_quantile(0.995, 8), 3.3553873313333955, 1e-14);
    CHECK_RELATIVE(stat_t_quantile(0.975, 1e9), stat_normal_quantile(0.975), 1e-8);
    CHECK_SAME(stat_t_quantile(0.5, 3), 0.0);
}

TEST(clopper_pearson_gives_the_numbers_of_its_definition) {
    static const struct { int64_t k, n; double low, high; } known[] = {
        {0, 100, 0, 0.0362166926},
        {5, 100, 0.0164318792, 0.1128349111},
        {369, 1000, 0.3390159030, 0.3997579539},
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        Bounds b = stat_clopper_pearson(known[i].k, known[i].n, 0.95);
        CHECK_NEAR(b.low, known[i].low, 1e-10);
        CHECK_NEAR(b.high, known[i].high, 1e-10);
        Bounds mirror = stat_clopper_pearson(known[i].n - known[i].k, known[i].n, 0.95);
        CHECK_NEAR(mirror.low, 1 - b.high, 1e-15);
        CHECK_NEAR(mirror.high, 1 - b.low, 1e-15);
    }
    Bounds none = stat_clopper_pearson(0, 0, 0.95);
    CHECK(none.low == 0 && none.high == 1);
    // k = 0: closed form
    CHECK_RELATIVE(stat_clopper_pearson(0, 12345678, 0.99).high, -expm1(log(0.005) / 12345678), 1e-13);
}

// certificate: at the ends the tails are what they should be, also with many runs
TEST(clopper_pearson_leaves_the_stated_tails) {
    for (int64_t n = 1; n < 20000000; n = n * 3 + 1) {
        for (int64_t k = 1; k < n; k = k * 4 + 1) {
            Bounds b = stat_clopper_pearson(k, n, 0.99);
            CHECK(b.low < (double)k / (double)n && (double)k / (double)n < b.high);
            CHECK_NEAR(stat_beta_cdf(b.low, (double)k, (double)(n - k + 1)), 0.005, 1e-11);
            CHECK_NEAR(stat_beta_cdf(b.high, (double)(k + 1), (double)(n - k)), 0.995, 1e-11);
        }
    }
}

// ---- summaries ---------------------------------------------------------------------------------------------------

TEST(moments_merged_are_moments_of_all) {
    Stream s = stream_make(21, 0, 0);
    Moments all = {0}, parts[3] = {{0}};
    long double sum = 0, squares = 0;
    const int n = 30000;
    for (int i = 0; i < n; i++) {
        double x = 1e6 + stream_normal(&s);
        stat_add(&all, x);
        stat_add(&parts[i < 100 ? 0 : i < 20000 ? 1 : 2], x);
        sum     += x;
        squares += (x - 1e6L) * (x - 1e6L);
    }
    Moments merged = {0};
    for (int k = 0; k < 3; k++) stat_merge(&merged, &parts[k]);
    long double mean = sum / n, variance = (squares - n * (mean - 1e6L) * (mean - 1e6L)) / (n - 1);
    CHECK(merged.n == n);
    CHECK_NEAR(all.mean, (double)mean, 1e-8);
    CHECK_NEAR(merged.mean, (double)mean, 1e-8);
    CHECK_NEAR(stat_variance(&all), (double)variance, 1e-9);
    CHECK_NEAR(stat_variance(&merged), (double)variance, 1e-9);

    Moments one = {0};
    stat_add(&one, 3);
    CHECK(stat_variance(&one) == 0);
    stat_merge(&one, &(Moments){0});
    CHECK(one.n == 1 && one.mean == 3);
}

TEST(a_histogram_keeps_atoms_at_its_ends_and_quantiles_within_a_bin) {
    int64_t count[12] = {0};
    Histogram h = {.low = 0, .high = 1, .n_bin = 10, .count = count};
    for (int i = 0; i < 250; i++) stat_histogram_add(&h, i % 2 ? 0.0 : -3.0);
    for (int i = 0; i < 250; i++) stat_histogram_add(&h, i % 2 ? 1.0 : INFINITY);
    for (int i = 0; i < 500; i++) stat_histogram_add(&h, (i + 0.5) / 500);
    stat_histogram_add(&h, NAN);
    assert_int_equal(count[0], 250);
    assert_int_equal(count[11], 250);
    for (int b = 1; b <= 10; b++) assert_int_equal(count[b], 50);

    CHECK_SAME(stat_histogram_quantile(&h, 0), 0.0);
    CHECK_SAME(stat_histogram_quantile(&h, 0.25), 0.0);
    CHECK_NEAR(stat_histogram_quantile(&h, 0.5), 0.5, 1e-15);
    CHECK_NEAR(stat_histogram_quantile(&h, 0.6125), 0.725, 1e-15);
    CHECK_SAME(stat_histogram_quantile(&h, 0.76), 1.0);
    CHECK_SAME(stat_histogram_quantile(&h, 1), 1.0);
}

TEST(the_last_number_below_the_end_of_a_histogram_falls_into_its_last_bin) {
    int64_t count[5] = {0};
    Histogram h = {.low = -0.1, .high = 0.2, .n_bin = 3, .count = count};
    stat_histogram_add(&h, nextafter(0.2, 0));
    stat_histogram_add(&h, nextafter(-0.1, 0));
    assert_int_equal(count[1], 1);
    assert_int_equal(count[3], 1);
    assert_int_equal(count[4], 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        RUN(the_normal_distribution_agrees_with_erfc_far_into_the_tails),
        RUN(the_normal_quantile_undoes_the_distribution),
        RUN(log_gamma_agrees_with_the_library_and_with_factorials),
        RUN(the_incomplete_beta_agrees_with_its_closed_forms),
        RUN(the_incomplete_beta_is_the_tail_of_the_binomial),
        RUN(the_beta_quantile_undoes_the_distribution),
        RUN(the_t_quantile_agrees_with_its_closed_forms),
        RUN(clopper_pearson_gives_the_numbers_of_its_definition),
        RUN(clopper_pearson_leaves_the_stated_tails),
        RUN(moments_merged_are_moments_of_all),
        RUN(a_histogram_keeps_atoms_at_its_ends_and_quantiles_within_a_bin),
        RUN(the_last_number_below_the_end_of_a_histogram_falls_into_its_last_bin),
    };
    return cmocka_run_group_tests_name("num: stat", tests, NULL, NULL);
}
