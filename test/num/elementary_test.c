#include "../check.h"
#include "draws.h"

#include "num/elementary.h"
#include "num/isa.h"
#include "num/vector.h"

#include <stdbool.h>

// ---- errors against long double ----------------------------------------------------------------------------------

// distance in units of the last place of the true value; below 2^-1022 the unit is that of the subnormals
static double ulp_error(double value, long double truth) {
    if (fabsl(truth) > 0x1.fffffffffffff8p1023L) return isinf(value) && (value > 0) == (truth > 0) ? 0 : INFINITY;
    int exponent;
    frexpl(truth, &exponent);
    if (truth == 0 || exponent < -1021) exponent = -1021;
    return (double)(fabsl((long double)value - truth) / ldexpl(1.0L, exponent - 53));
}

#define POINTS 500000

typedef struct Worst { double error, at; } Worst;

static void worse(Worst *worst, double error, double at) {
    if (!(error <= worst->error)) *worst = (Worst){error, at};
}

static double between(Stream *s, double low, double high) {
    return low + (high - low) * stream_uniform(s);
}

TEST(exp_errs_by_little_more_than_half_an_ulp) {
    Stream s = stream_make(1, 0, 0);
    const double range[] = {0.35, 1, 30, 708.39};
    for (int k = 0; k < 4; k++) {
        Worst worst = {0, 0};
        for (int i = 0; i < POINTS; i++) {
            double x = between(&s, -range[k], range[k]);
            worse(&worst, ulp_error(elementary_exp(x), expl(x)), x);
        }
        print_message("exp, |x| <= %g: %.4f ulp at %.17g\n", range[k], worst.error, worst.at);
        CHECK(worst.error < 0.7);
    }
    Worst worst = {0, 0};
    for (int i = 0; i < POINTS; i++) {
        double x = between(&s, -745.2, -708.39);
        worse(&worst, ulp_error(elementary_exp(x), expl(x)), x);
    }
    print_message("exp, result subnormal: %.4f ulp at %.17g\n", worst.error, worst.at);
    CHECK(worst.error < 1);
}

TEST(log_errs_by_little_more_than_half_an_ulp) {
    Stream s = stream_make(2, 0, 0);
    Worst worst[4] = {{0, 0}};
    for (int i = 0; i < POINTS; i++) {
        const double x[4] = {between(&s, 0.5, 2), 1 + between(&s, -1e-3, 1e-3), between(&s, 0, 1e6),
                             // every exponent, subnormals too
                             elementary_from_bits((uint64_t)(stream_uniform(&s) * (double)0x7ff0000000000000u))};
        for (int k = 0; k < 4; k++) worse(&worst[k], ulp_error(elementary_log(x[k]), logl(x[k])), x[k]);
    }
    for (int k = 0; k < 4; k++) {
        print_message("log, range %d: %.4f ulp at %.17g\n", k, worst[k].error, worst[k].at);
        CHECK(worst[k].error < 0.54);
    }
}

TEST(pow_by_products_errs_by_a_rounding_a_product) {
    Stream s = stream_make(3, 0, 0);
    const double limit[9] = {0, 0, 0.5, 1.5, 2.5, 3.5, 4.5, 5.5, 6.0};
    for (int n = -8; n <= 8; n++) {
        Worst worst = {0, 0};
        for (int i = 0; i < POINTS / 5; i++) {
            double a = (i % 2 ? 1 : -1) * elementary_exp(between(&s, -20, 20));
            worse(&worst, ulp_error(elementary_pow(a, n), powl(a, n)), a);
        }
        print_message("pow, exponent %d: %.3f ulp at %.17g\n", n, worst.error, worst.at);
        CHECK(worst.error <= limit[n < 0 ? -n : n] + (n < 0 ? 1.5 : 0.0));
    }
}

TEST(pow_in_general_errs_by_an_ulp_or_two_and_more_only_far_out) {
    Stream s = stream_make(4, 0, 0);
    const double size[5]  = {1, 10, 40, 150, 700};
    const double limit[5] = {0.8, 1.1, 2.5, 9, 36};
    for (int k = 0; k < 5; k++) {
        Worst worst = {0, 0};
        for (int i = 0; i < POINTS / 2; i++) {
            double a = i % 2 ? between(&s, 0, 2) : elementary_exp(between(&s, -20, 20));
            double b = between(&s, -size[k], size[k]) / log(a);
            worse(&worst, ulp_error(elementary_pow(a, b), powl(a, b)), a);
        }
        print_message("pow, |b log a| <= %g: %.3f ulp at %.17g\n", size[k], worst.error, worst.at);
        CHECK(worst.error < limit[k]);
    }
}

TEST(cos_turn_errs_by_less_than_three_ulp_and_not_at_all_at_the_quarters) {
    Stream s = stream_make(5, 0, 0);
    const long double two_pi = 6.283185307179586476925286766559005768L;
    Worst worst = {0, 0};
    for (int i = 0; i < POINTS; i++) {
        double u = i % 2 ? stream_uniform(&s) : 0.25 * floor(between(&s, 0, 5)) + between(&s, -1e-6, 1e-6);
        if (u < 0 || u > 1) continue;
        // the reference keeps its digits near the zeros because it is reduced to an eighth turn first
        double quarter = floor(4 * u + 0.5), r = u - quarter / 4;
        long double angle = two_pi * r;
        long double truth = quarter == 0 || quarter == 4 ? cosl(angle)
                          : quarter == 1 ? -sinl(angle) : quarter == 2 ? -cosl(angle) : sinl(angle);
        worse(&worst, ulp_error(elementary_cos_turn(u), truth), u);
    }
    print_message("cos_turn: %.4f ulp at %.17g\n", worst.error, worst.at);
    CHECK(worst.error < 3);
    const double quarters[5] = {1, 0, -1, 0, 1};
    for (int q = 0; q <= 4; q++) CHECK(elementary_cos_turn(q / 4.0) == quarters[q]);
}

// ---- edges -------------------------------------------------------------------------------------------------------

TEST(exp_and_log_know_the_ends_of_the_line) {
    CHECK_SAME(elementary_exp(0.0), 1.0);
    CHECK_SAME(elementary_exp(-0.0), 1.0);
    CHECK_SAME(elementary_exp(INFINITY), (double)INFINITY);
    CHECK_SAME(elementary_exp(-INFINITY), 0.0);
    CHECK(isnan(elementary_exp(NAN)));
    CHECK(isfinite(elementary_exp(709.782712893384)));       // log(DBL_MAX) = 709.78271289338397...
    CHECK_SAME(elementary_exp(709.7827128933841), (double)INFINITY);
    CHECK_SAME(elementary_exp(1e308), (double)INFINITY);
    CHECK_SAME(elementary_exp(-745.1332191019411), 5e-324);  // log of half the least number is -745.13321910194116...
    CHECK_SAME(elementary_exp(-745.1332191019412), 0.0);
    CHECK_SAME(elementary_exp(-1e308), 0.0);
    CHECK_SAME(elementary_exp(5e-324), 1.0);

    CHECK_SAME(elementary_log(1.0), 0.0);
    CHECK_SAME(elementary_log(0.0), (double)-INFINITY);
    CHECK_SAME(elementary_log(-0.0), (double)-INFINITY);
    CHECK_SAME(elementary_log(INFINITY), (double)INFINITY);
    CHECK(isnan(elementary_log(-1.0)) && isnan(elementary_log(-5e-324)) && isnan(elementary_log(-INFINITY)));
    CHECK(isnan(elementary_log(NAN)));
    CHECK_NEAR(elementary_log(5e-324), -744.4400719213812, 1e-13);
    CHECK_NEAR(elementary_log(0x1.fffffffffffffp1023), 709.782712893384, 1e-13);
    for (int k = -1074; k <= 1023; k++) CHECK_NEAR(elementary_log(ldexp(1, k)), (double)(k * logl(2)), 1.2e-13);
}

TEST(pow_follows_c_at_every_pair_of_edges) {
    for (size_t i = 0; i < DUR_COUNT(DRAWS_EDGE); i++) {
        for (size_t j = 0; j < DUR_COUNT(DRAWS_EDGE); j++) {
            double a = DRAWS_EDGE[i], b = DRAWS_EDGE[j];
            double want = pow(a, b), got = elementary_pow(a, b);
            // C gives pow(-inf, 0.5) = inf; here a negative base needs a whole exponent, without exception
            if (a < 0 && floor(b) != b) want = NAN;
            bool is_near = (isnan(want) && isnan(got)) || (want == got && signbit(want) == signbit(got))
                        || (fabs(got - want) <= 1e-14 * fabs(want) + 5e-324 && signbit(want) == signbit(got));
            if (!is_near) fail_msg("pow(%a, %a) = %a, expected %a", a, b, got, want);
        }
    }
}

TEST(small_whole_powers_of_whole_numbers_are_exact) {
    for (int a = -50; a <= 50; a++) {
        double product = 1;
        for (int n = 0; n <= 8; n++) {
            CHECK_SAME(elementary_pow(a, n), product);
            product *= a;
        }
    }
    CHECK_SAME(elementary_pow(10, -2), 0.01);
    CHECK_SAME(elementary_pow(2, -1022), 0x1p-1022);
    CHECK_SAME(elementary_pow(1e-39, 8), 1e-39 * 1e-39 * (1e-39 * 1e-39) * (1e-39 * 1e-39 * (1e-39 * 1e-39)));
    CHECK_NEAR(elementary_pow(1e40, -8) / 1e-320, 1, 1e-3);  // 1e320 is no double, its inverse is
}

TEST(floor_is_that_of_c_for_every_kind_of_number) {
    Stream s = stream_make(6, 0, 0);
    for (size_t i = 0; i < DUR_COUNT(DRAWS_EDGE); i++)
        CHECK(draws_same(elementary_floor(DRAWS_EDGE[i]), floor(DRAWS_EDGE[i])));
    for (int i = 0; i < POINTS; i++) {
        double x = i % 2 ? draws_any(&s) : between(&s, -0x1p54, 0x1p54) * stream_uniform(&s) * stream_uniform(&s);
        if (!draws_same(elementary_floor(x), floor(x))) fail_msg("floor(%a) = %a", x, elementary_floor(x));
    }
}

TEST(sqrt_and_abs_are_those_of_c) {
    Stream s = stream_make(7, 0, 0);
    for (int i = 0; i < POINTS / 10; i++) {
        double x = draws_any(&s);
        CHECK(draws_same(elementary_sqrt(x), sqrt(x)));
        CHECK(draws_same(elementary_abs(x), fabs(x)));
    }
}

// ---- the same bits everywhere ------------------------------------------------------------------------------------

#define WIDTHS 68

TEST(columns_have_the_bits_of_the_scalar_at_every_isa_width_and_alignment) {
    Stream s = stream_make(8, 0, 0);
    double in[WIDTHS + 8], out[WIDTHS + 9];
    for (int isa = 0; isa < ISA_COUNT; isa++) {
        if (isa_force((Isa)isa) != (Isa)isa) {
            print_message("this machine has no %s\n", isa_name((Isa)isa));
            continue;
        }
        for (int n = 0; n < WIDTHS; n++) {
            for (int shift = 0; shift < 8; shift++) {
                const double guard = 12345.0;
                for (int i = 0; i < n; i++) in[shift + i] = draws_any(&s);

                out[shift + n] = guard;
                vector_exp(out + shift, in + shift, n);
                for (int i = 0; i < n; i++) CHECK(draws_same(out[shift + i], elementary_exp(in[shift + i])));
                vector_log(out + shift, in + shift, n);
                for (int i = 0; i < n; i++) CHECK(draws_same(out[shift + i], elementary_log(in[shift + i])));

                // in place
                memcpy(out + shift, in + shift, (size_t)n * sizeof *in);
                vector_exp(out + shift, out + shift, n);
                for (int i = 0; i < n; i++) CHECK(draws_same(out[shift + i], elementary_exp(in[shift + i])));
                memcpy(out + shift, in + shift, (size_t)n * sizeof *in);
                vector_log(out + shift, out + shift, n);
                for (int i = 0; i < n; i++) CHECK(draws_same(out[shift + i], elementary_log(in[shift + i])));
                CHECK(out[shift + n] == guard);
            }
        }
    }
    isa_force(ISA_COUNT);
}

// the golden value: made with gcc 12 at -O3, and the same with clang 14 and without optimisation
TEST(a_long_run_of_every_function_hashes_to_one_constant) {
    Stream s = stream_make(9, 0, 0);
    Sha256 hash;
    sha256_start(&hash);
    for (int i = 0; i < 200000; i++) {
        double a = draws_any(&s), b = draws_any(&s);
        draws_hash(&hash, elementary_exp(a));
        draws_hash(&hash, elementary_log(a));
        draws_hash(&hash, elementary_pow(a, b));
        draws_hash(&hash, elementary_floor(a));
        draws_hash(&hash, elementary_sqrt(a));
        draws_hash(&hash, elementary_cos_turn(stream_uniform(&s)));
        draws_hash(&hash, stream_normal(&s));
        draws_hash(&hash, stream_exponential(&s));
    }
    char hex[65];
    sha256_hex(&hash, hex);
    assert_string_equal(hex, "89082cbfa2819f9bf4d81fbe72e3fc5983acbb8e2b94b63036afff40434afebc");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        RUN(exp_errs_by_little_more_than_half_an_ulp),
        RUN(log_errs_by_little_more_than_half_an_ulp),
        RUN(pow_by_products_errs_by_a_rounding_a_product),
        RUN(pow_in_general_errs_by_an_ulp_or_two_and_more_only_far_out),
        RUN(cos_turn_errs_by_less_than_three_ulp_and_not_at_all_at_the_quarters),
        RUN(exp_and_log_know_the_ends_of_the_line),
        RUN(pow_follows_c_at_every_pair_of_edges),
        RUN(small_whole_powers_of_whole_numbers_are_exact),
        RUN(floor_is_that_of_c_for_every_kind_of_number),
        RUN(sqrt_and_abs_are_those_of_c),
        RUN(columns_have_the_bits_of_the_scalar_at_every_isa_width_and_alignment),
        RUN(a_long_run_of_every_function_hashes_to_one_constant),
    };
    return cmocka_run_group_tests_name("num: elementary", tests, NULL, NULL);
}
