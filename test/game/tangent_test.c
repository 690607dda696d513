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

TEST(a_sweep_stays_where_the_right_side_is_what_the_derivative_says) {
    // -F' d = r with r taken by differences: then d solves the system, and a sweep from d must come back to d.
    for (uint64_t seed = 1; seed <= 60; seed++) {
        Text text = {0};
        random_scenario(&text, seed, seed % 3 ? "quantal" : "taste", 2);
        Case k = {0};
        case_open(&k, text_view(&text));
        int64_t n = (int64_t)k.model->n_actor * k.lattice->n_state;
        double *value = memory_column(n);
        float *d = row_of_floats(n), *r = row_of_floats(n), *swept = row_of_floats(n), *miss = row_of_floats(n);
        random_values(&k, seed, value);
        Stream s = stream_make(seed, 1, 0);
        for (int64_t i = 0; i < n; i++) { d[i] = (float)stream_normal(&s); value[i] *= 0.3; }
        Tangent *t = tangent_make(k.lattice, NULL, NULL);
        difference(t, 1.0, value, d, 1e-3, n, r);
        for (int64_t i = 0; i < n; i++) r[i] = -r[i];
        tangent_take(t, 1.0, value, miss, NULL);
        memcpy(swept, d, (size_t)n * sizeof *d);
        tangent_sweep(t, r, swept);
        for (int64_t i = 0; i < n; i++)
            if (fabs((double)(swept[i] - d[i])) > 3e-2)
                fail_msg("seed %d, entry %d: %g became %g\n%s", (int)seed, (int)i, (double)d[i], (double)swept[i],
                         text_view(&text));
        tangent_free(t);
        memory_free(miss);
        memory_free(swept);
        memory_free(r);
        memory_free(d);
        memory_free(value);
        text_free(&text);
        case_close(&k);
    }
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

int main(void) {
    const struct CMUnitTest tests[] = {
        RUN(what_the_equations_miss_by_is_what_the_plain_solver_says_they_miss_by),
        RUN(a_sweep_stays_where_the_right_side_is_what_the_derivative_says),
        RUN(the_slope_is_the_derivative_in_the_logarithm_of_precision),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
