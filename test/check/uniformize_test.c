#include "case.h"

#include "check/uniformize.h"

#define BASE "scenario \"t\" { clock continuous unit month }\nactor nobody { patience 1 month precision 1 attends 0 per month }\n"

// ---- weights ----

TEST(poisson_weights_are_the_poisson_probabilities) {   // closed form
    const double mean[] = {0, 1e-9, 0.3, 3, 40.5, 700};
    for (size_t i = 0; i < sizeof mean / sizeof *mean; i++) {
        PoissonWeights w;
        CHECK_OK(poisson_make(&w, mean[i], 1e-12));
        for (int64_t k = w.first; k <= w.last; k++) {
            double expected = mean[i] > 0 ? exp((double)k * log(mean[i]) - mean[i] - lgamma((double)k + 1)) : 1;
            CHECK_NEAR(w.weight[k - w.first], expected, 2e-12 * expected + 1e-15);
        }
        CHECK(w.tail <= 1e-12);
        poisson_free(&w);
    }
}

TEST(poisson_weights_sum_to_one_and_keep_mean_and_variance) {   // up to means at which exp(-mean) is long gone
    const double mean[] = {1, 50, 1e3, 1e5, 3.7e6, 1e8};
    for (size_t i = 0; i < sizeof mean / sizeof *mean; i++) {
        PoissonWeights w;
        CHECK_OK(poisson_make(&w, mean[i], 1e-14));
        double sum = 0, first = 0, second = 0;
        for (int64_t k = w.first; k <= w.last; k++) {
            double p = w.weight[k - w.first], d = (double)k - mean[i];
            sum += p;
            first += p * d;
            second += p * d * d;
        }
        CHECK_NEAR(sum, 1, 1e-13);
        CHECK_NEAR(first / sqrt(mean[i]), 0, 1e-9);
        CHECK_NEAR(second / mean[i], 1, 1e-9);
        poisson_free(&w);
    }
}

TEST(the_excess_of_a_poisson_count_is_its_mean_overshoot) {
    PoissonWeights w;
    CHECK_OK(poisson_make(&w, 20.25, 1e-15));
    CHECK_NEAR(poisson_excess(&w, 0), 20.25, 1e-12);        // E max(N, 0)
    CHECK_NEAR(poisson_above(&w, 0), 1 - exp(-20.25), 1e-14);
    for (int64_t k = 0; k < 60; k++) {
        double excess = 0, above = 0;
        for (int64_t n = w.first; n <= w.last; n++) {
            if (n > k) excess += w.weight[n - w.first] * (double)(n - k), above += w.weight[n - w.first];
        }
        CHECK_NEAR(poisson_excess(&w, k), excess, 1e-12);
        CHECK_NEAR(poisson_above(&w, k), above, 1e-14);
    }
    poisson_free(&w);
}

TEST(what_poisson_weights_leave_out_is_within_the_bound_they_tell) {   // two roads: loose weights against tight ones
    for (double mean = 0.7; mean < 1e5; mean *= 9.1) {
        PoissonWeights loose, tight;
        CHECK_OK(poisson_make(&loose, mean, 1e-3));
        CHECK_OK(poisson_make(&tight, mean, 1e-15));
        double left_out = 0, excess = 0;
        for (int64_t k = tight.first; k <= tight.last; k++) {
            if (k < loose.first || k > loose.last) left_out += tight.weight[k - tight.first];
            if (k > loose.last) excess += tight.weight[k - tight.first] * (double)(k - loose.last);
        }
        CHECK(left_out <= loose.tail && loose.tail <= 1e-3);
        CHECK(excess <= loose.tail_excess);
        CHECK(left_out > 1e-6);   // it is loose indeed
        poisson_free(&loose);
        poisson_free(&tight);
    }
}

// ---- the evolution itself ----

// a chain of a hundred thousand jumps a month beside a slow one
#define FAST_AND_SLOW BASE \
    "mode fast of nature { f, g }\nmode slow of nature { a, b }\n" \
    "event fg { when fast == f rate 50000 per month then fast = g }\n" \
    "event gf { when fast == g rate 90000 per month then fast = f }\n" \
    "event up { when slow == a rate 0.3 per month then slow = b }\n" \
    "event down { when slow == b rate 0.7 per month then slow = a }\n"

TEST(mass_is_conserved) {   // the function 1 stays 1, however long
    Case k;
    case_open(&k, FAST_AND_SLOW, NULL, 0);
    const double duration[] = {1e-6, 0.01, 1, 10};
    for (int i = 0; i < 4; i++) {
        Evolution e;
        CHECK_OK(evolution_make(&e, k.lattice, false, false, NULL, NULL));
        for (int64_t s = 0; s < e.n_state; s++) e.value[s] = 1;
        CHECK_OK(uniformize(&e, k.policy[0], false, false, duration[i], 1e-9, NULL));
        for (int64_t s = 0; s < e.n_state; s++) CHECK_NEAR(e.value[s], 1, 1e-12);
        evolution_free(&e);
    }
    case_close(&k);
}

TEST(a_hundred_thousand_jumps_do_no_harm) {   // p01(t) of the slow chain, in steps of the fast one
    case_ask(FAST_AND_SLOW, "P(slow == b at 1 month)", 0.3 * (1 - exp(-1)), 1e-9);
    // the fast chain is even all along, so that nothing can stop early but by the slow one's settling
    case_ask(FAST_AND_SLOW, "E(mean [fast == g] over 1 month)", 5. / 14 - 5. / 14 / 140000, 1e-9);
}

TEST(the_error_told_covers_the_error_made_at_any_budget) {
    Case k;
    const char *query = "E(total [m == b] over 40 month)";
    case_open(&k, BASE "mode m of nature { a, b }\nevent up { when m == a rate 0.3 per month then m = b }\n"
              "event down { when m == b rate 0.7 per month then m = a }\n", &query, 1);
    double truth = 0.3 * (40 - (1 - exp(-40)));
    for (double budget = 1e-1; budget > 1e-13; budget /= 10) {
        CheckAnswer a;
        CHECK_OK(check_exact(&a, &k.plans, k.first_query, budget, NULL, NULL, NULL));
        CHECK(a.low <= truth && truth <= a.high);
        CHECK(a.high - a.low <= 2 * budget + 1e-11);
    }
    case_close(&k);
}

TEST(an_evolution_stops_when_it_has_settled) {   // ten years cost little more than the chain's own memory
    Case k;
    const char *query[] = {"P(m == b at 1e5 month)", "E(mean [m == b] over 1e5 month)", "P(m == b within 1e5 month)"};
    case_open(&k, BASE "mode m of nature { a, b }\nevent up { when m == a rate 0.3 per month then m = b }\n"
              "event down { when m == b rate 0.7 per month then m = a }\n", query, 3);
    Evolution e;
    CHECK_OK(evolution_make(&e, k.lattice, false, false, NULL, NULL));
    e.value[1] = 1;
    CHECK_OK(uniformize(&e, k.policy[0], false, false, 1e5, 1e-9, NULL));
    CHECK(e.n_apply < 100);
    CHECK_NEAR(e.value[0], 0.3, 1e-9);
    CHECK_NEAR(e.value[1], 0.3, 1e-9);
    evolution_free(&e);
    CHECK_NEAR(case_exact(&k, 0).value, 0.3, 1e-9);
    CHECK_NEAR(case_exact(&k, 1).value, 0.3 * (1 - 1e-5), 1e-9);
    CHECK_NEAR(case_exact(&k, 2).value, 1, 1e-9);
    case_close(&k);
}

TEST(more_work_than_the_limit_is_refused_with_a_sentence) {
    Case k;
    const char *query = "P(fast == g at 1e6 month)";
    case_open(&k, FAST_AND_SLOW, &query, 1);
    CheckAnswer a;
    DurError error = {0};
    assert_int_equal(check_exact(&a, &k.plans, k.first_query, 0, NULL, NULL, &error), DUR_LIMIT);
    CHECK(strstr(error.text, "limit") != NULL);
    case_close(&k);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        RUN(poisson_weights_are_the_poisson_probabilities),
        RUN(poisson_weights_sum_to_one_and_keep_mean_and_variance),
        RUN(the_excess_of_a_poisson_count_is_its_mean_overshoot),
        RUN(what_poisson_weights_leave_out_is_within_the_bound_they_tell),
        RUN(mass_is_conserved),
        RUN(a_hundred_thousand_jumps_do_no_harm),
        RUN(the_error_told_covers_the_error_made_at_any_budget),
        RUN(an_evolution_stops_when_it_has_settled),
        RUN(more_work_than_the_limit_is_refused_with_a_sentence),
    };
    return cmocka_run_group_tests_name("check: uniformization", tests, NULL, NULL);
}
