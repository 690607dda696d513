#include "../check.h"

#include "num/elementary.h"
#include "num/isa.h"
#include "num/philox.h"
#include "num/stat.h"
#include "num/vector.h"

#include <stdlib.h>

// known answers published with the generator (Random123, kat_vectors)
TEST(philox_gives_the_published_answers) {
    static const struct { uint32_t counter[4], key[2], answer[4]; } known[] = {
        {{0, 0, 0, 0}, {0, 0}, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
        {{0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff}, {0xffffffff, 0xffffffff},
         {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
        {{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0},
         {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        Philox4 got = philox_4x32(known[i].counter, known[i].key);
        for (int w = 0; w < 4; w++) assert_int_equal(got.word[w], known[i].answer[w]);
    }
}

TEST(a_stream_is_the_generator_at_counter_index_site_run) {
    Stream s = stream_make(0x0123456789abcdefu, 0xfedcba9876543210u, 7);
    s.index = 41;
    const uint32_t counter[4] = {41, 7, 0x76543210, 0xfedcba98}, key[2] = {0x89abcdef, 0x01234567};
    Philox4 block = philox_4x32(counter, key);
    double u[2];
    stream_uniform2(&s, u);
    assert_int_equal(s.index, 42);
    for (int k = 0; k < 2; k++) {
        uint64_t bits = ((uint64_t)block.word[2 * k + 1] << 32 | block.word[2 * k]) >> 12;
        CHECK_SAME(u[k], (double)(2 * bits + 1) / 0x1p53);
    }
    s.index = 41;
    CHECK_SAME(stream_uniform(&s), u[0]);
    s.index = 41;
    CHECK_SAME(stream_exponential(&s), -elementary_log(u[0]));
}

TEST(many_streams_at_once_are_the_same_streams) {
    enum { MANY = 77 };
    uint64_t run[MANY], second[MANY];
    uint32_t index[MANY];
    double first[MANY];
    for (int i = 0; i < MANY; i++) {
        run[i] = i % 3 ? (uint64_t)i << (i % 50) : UINT64_MAX - (uint64_t)i;
        index[i] = i % 5 ? (uint32_t)i * 2654435761u : UINT32_MAX;
    }
    for (Isa isa = ISA_BASE; isa < ISA_COUNT; isa++) {
        isa_force(isa);
        for (int n = 0; n <= MANY; n++) {
            memset(first, 0, sizeof first);
            vector_uniform2(0x0123456789abcdefu, run, 0x10001, index, first, second, n);
            for (int i = 0; i < n; i++) {
                Stream s = stream_make(0x0123456789abcdefu, run[i], 0x10001);
                s.index = index[i];
                double u[2];
                stream_uniform2(&s, u);
                CHECK_SAME(first[i], u[0]);
                CHECK_SAME(((double)second[i] + 0.5) * 0x1p-52, u[1]);
            }
            CHECK(n == MANY || first[n] == 0);
        }
    }
    isa_force(ISA_COUNT);
}

TEST(numbers_find_their_place_among_heads) {
    int16_t head[3][VECTOR_HEADS], x[3 * VECTOR_HEADS];
    const int16_t *row[3 * VECTOR_HEADS];
    int32_t place[3 * VECTOR_HEADS];
    for (int k = 0; k < VECTOR_HEADS; k++) {
        head[0][k] = INT16_MIN;
        head[1][k] = (int16_t)(k < 20 ? -30000 + 3000 * (k / 2) : INT16_MAX);
        head[2][k] = (int16_t)(INT16_MIN + 2048 * k + 1);
    }
    for (Isa isa = ISA_BASE; isa < ISA_COUNT; isa++) {
        isa_force(isa);
        for (int shift = -1; shift <= 1; shift++) {
            for (int i = 0; i < 3 * VECTOR_HEADS; i++) {
                row[i] = head[i % 3];
                int32_t at = head[(i + 1) % 3][i / 3] + shift;
                x[i] = (int16_t)(at < INT16_MIN ? INT16_MIN : at > INT16_MAX ? INT16_MAX : at);
            }
            vector_place(row, x, place, 3 * VECTOR_HEADS);
            for (int i = 0; i < 3 * VECTOR_HEADS; i++) {
                int32_t below = 0;
                while (below < VECTOR_HEADS && row[i][below] < x[i]) below++;
                assert_int_equal(place[i], below);
            }
        }
    }
    isa_force(ISA_COUNT);
}

static int by_size(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

#define DRAWS 200000

// Kolmogorov's distance times sqrt(n); above 2.7 by chance once in a million seeds (2 exp(-2 * 2.7^2))
static double distance(double *x, double (*cdf)(double)) {
    qsort(x, DRAWS, sizeof *x, by_size);
    double worst = 0;
    for (int i = 0; i < DRAWS; i++) {
        double f = cdf(x[i]);
        worst = fmax(worst, fmax(f - i / (double)DRAWS, (i + 1) / (double)DRAWS - f));
    }
    return worst * sqrt(DRAWS);
}

static double uniform_cdf(double x)     { return x; }
static double exponential_cdf(double x) { return -expm1(-x); }

static double X[DRAWS];

TEST(draws_have_their_distributions) {
    Stream s = stream_make(11, 3, 1);
    for (int i = 0; i < DRAWS; i++) X[i] = stream_uniform(&s);
    CHECK(distance(X, uniform_cdf) < 2.7);
    for (int i = 0; i < DRAWS; i++) X[i] = stream_exponential(&s);
    CHECK(distance(X, exponential_cdf) < 2.7);
    for (int i = 0; i < DRAWS; i++) X[i] = stream_normal(&s);
    CHECK(distance(X, stat_normal_cdf) < 2.7);
    assert_int_equal(s.index, 3 * DRAWS);
}

TEST(streams_that_differ_in_seed_run_or_site_are_uncorrelated) {
    const Stream base = stream_make(5, 5, 5);
    const Stream others[4] = {stream_make(6, 5, 5), stream_make(5, 6, 5), stream_make(5, 5, 6),
                              stream_make(5, 5 + ((uint64_t)1 << 32), 5)};
    for (int k = 0; k < 4; k++) {
        Stream a = base, b = others[k];
        double sum = 0;
        for (int i = 0; i < DRAWS; i++) sum += (stream_uniform(&a) - 0.5) * (stream_uniform(&b) - 0.5);
        double z = sum / sqrt(DRAWS) * 12;
        CHECK(fabs(z) < 5);      // one seed in 1.7 million fails by chance
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        RUN(philox_gives_the_published_answers),
        RUN(a_stream_is_the_generator_at_counter_index_site_run),
        RUN(many_streams_at_once_are_the_same_streams),
        RUN(numbers_find_their_place_among_heads),
        RUN(draws_have_their_distributions),
        RUN(streams_that_differ_in_seed_run_or_site_are_uncorrelated),
    };
    return cmocka_run_group_tests_name("num: philox", tests, NULL, NULL);
}
