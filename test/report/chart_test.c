#include "../check.h"

#include "base/compiler.h"
#include "report/chart.h"
#include "report/svg.h"

#include <stdlib.h>

// the numbers of the n-th path whose class holds `style`, in order; returns how many
static int path_numbers(const char *svg, const char *style, int most, double *number) {
    char key[64];
    snprintf(key, sizeof key, "<path class=\"%s", style);
    const char *at = strstr(svg, key);
    if (!at) return -1;
    at = strstr(at, " d=\"") + 4;
    int n = 0;
    while (*at != '"') {
        char *end;
        double x = strtod(at, &end);
        if (end == at) { at++; continue; }
        if (n < most) number[n] = x;
        n++;
        at = end;
    }
    return n;
}

TEST(ticks_are_multiples_of_a_round_step_inside_the_range) {
    uint64_t state = 11;
    for (int k = 0; k < 20000; k++) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        double scale = pow(10, (double)(state >> 40 & 31) - 16), low = ((double)(state >> 20 & 1023) - 512) * scale;
        double high = low + (1 + (double)(state >> 30 & 1023)) * scale * 0.37;
        int most = 2 + (int)(state >> 50 & 7);
        SvgTicks t = svg_ticks(low, high, most);
        CHECK(t.n <= most);
        if (most >= 4) CHECK(t.n >= 1);
        double mantissa = t.step / pow(10, floor(log10(t.step) + 1e-9));
        CHECK(fabs(mantissa - 1) < 1e-6 || fabs(mantissa - 2) < 1e-6 || fabs(mantissa - 5) < 1e-6);
        for (int i = 0; i < t.n; i++) {
            CHECK(t.at[i] >= low - 1e-8 * t.step && t.at[i] <= high + 1e-8 * t.step);
            CHECK_NEAR(t.at[i] / t.step, nearbyint(t.at[i] / t.step), 1e-6);
            if (i) CHECK_NEAR(t.at[i] - t.at[i - 1], t.step, 1e-6 * t.step);
        }
    }
    CHECK(svg_ticks(1, 1, 5).n == 0 && svg_ticks(2, 1, 5).n == 0 && svg_ticks(NAN, 1, 5).n == 0);
    CHECK(svg_ticks(-1.7e308, 1.7e308, 5).n == 0);
    CHECK(svg_ticks(1e17, 1e17 + 16, 5).n == 0);      // narrower than doubles can step through
}

TEST(a_rounded_range_holds_the_range_and_one_point_is_widened) {
    static const double range[][2] = {{0.13, 0.87}, {-3, 12}, {5, 5}, {0, 0}, {-1e-9, 1e-9}, {1e12, 1.1e12}, {-7, -7}};
    for (size_t i = 0; i < DUR_COUNT(range); i++) {
        double low = range[i][0], high = range[i][1];
        svg_round_range(&low, &high, 4);
        CHECK(low <= range[i][0] && high >= range[i][1] && low < high);
    }
    double low = NAN, high = 3;
    svg_round_range(&low, &high, 4);
    CHECK(low == 0 && high == 1);
}

TEST(tick_labels_are_as_precise_as_their_step) {
    static const struct { double x, step, largest; const char *want; } row[] = {
        {0.25, 0.05, 1, "0.25"}, {0.5, 0.05, 1, "0.50"}, {1, 1, 5, "1"}, {0, 0.1, 1, "0"},
        {-3, 1, 5, "\xE2\x88\x92" "3"},
        {120000, 20000, 200000, "120k"}, {4.5e6, 5e5, 5e6, "4.5M"}, {2e9, 1e9, 4e9, "2bn"},
        {2e-6, 1e-6, 5e-6, "2e\xE2\x88\x92" "6"},
        {0.002, 0.002, 0.01, "0.002"}, {3e15, 1e15, 5e15, "3e15"}, {1000, 500, 2000, "1000"}};
    for (size_t i = 0; i < DUR_COUNT(row); i++) {
        char label[32];
        assert_string_equal(svg_tick_label(label, row[i].x, row[i].step, row[i].largest), row[i].want);
    }
}

TEST(a_scale_maps_its_ends_to_its_ends_and_nothing_beyond_them) {
    SvgScale s = {-2, 6, 200, 40};
    CHECK_NEAR(svg_place(&s, -2), 200, 0);
    CHECK_NEAR(svg_place(&s, 6), 40, 0);
    CHECK_NEAR(svg_place(&s, 2), 120, 1e-12);
    CHECK_NEAR(svg_place(&s, 1e300), 40, 0);
    CHECK_NEAR(svg_place(&s, -INFINITY), 200, 0);
    CHECK_NEAR(svg_place(&s, NAN), 200, 0);
    SvgScale point = {1, 1, 0, 10};
    CHECK_NEAR(svg_place(&point, 1), 5, 0);
}

TEST(coordinates_are_short_and_never_minus_zero) {
    static const struct { double x; const char *want; } row[] = {
        {1, "1"}, {1.25, "1.2"}, {0.04, "0"}, {-0.04, "0"}, {-1.5, "-1.5"}, {10, "10"}, {NAN, "0"}, {INFINITY, "0"}};
    for (size_t i = 0; i < DUR_COUNT(row); i++) {
        Text out = {0};
        svg_coordinate(&out, row[i].x);
        assert_string_equal(text_view(&out), row[i].want);
        text_free(&out);
    }
}

TEST(a_point_that_is_not_there_breaks_a_line_and_splits_a_band) {
    const double time[5] = {0, 1, 2, 3, 4}, value[5] = {0, 1, NAN, 1, 0}, zero[5] = {0};
    SvgScale x = {0, 4, 0, 40}, y = {0, 1, 10, 0};
    Text out = {0};
    svg_curve(&out, "line", 5, time, value, &x, &y);
    assert_string_equal(text_view(&out), "<path class=\"line\" d=\"M0 10L10 0M30 0L40 10\"/>\n");
    text_clear(&out);
    svg_band(&out, "band", 5, time, zero, value, &x, &y);
    assert_string_equal(text_view(&out), "<path class=\"band\" d=\"M0 10L10 0L10 10L0 10ZM30 0L40 10L40 10L30 "
                                         "10Z\"/>\n");
    text_free(&out);
}

enum { N = 4 };
static const double TIME[N] = {0, 10, 20, 30}, MEAN[N] = {0.2, 0.3, 0.4, 0.5};
static const double Q05[N] = {0.2, 0.2, 0.2, 0.2}, Q25[N] = {0.2, 0.25, 0.3, 0.35}, Q50[N] = {0.2, 0.3, 0.4, 0.5},
                    Q75[N] = {0.2, 0.4, 0.5, 0.6}, Q95[N] = {0.2, 0.6, 0.8, 1.0};
static const ChartTime CLOCK = {.low = 0, .high = 30, .unit = "week"};

static ChartFan fan_of(int colour) {
    return (ChartFan){.label = "hold", .colour = colour, .n = N, .time = TIME, .mean = MEAN,
                      .quantile = {Q05, Q25, Q50, Q75, Q95}};
}

TEST(a_fan_draws_each_quantile_where_its_value_is) {
    ChartFan fan = fan_of(2);
    ChartBox box = {.id = "c1", .title = "t", .description = "d", .width = 300, .height = 185,
                    .time = &CLOCK, .low = 0, .high = 1};
    Text out = {0};
    chart_fan(&out, &box, &fan, NULL);

    // the scale read off the drawing itself: the axis line gives the plot's ends
    double line[2 * N], outer[4 * N], inner[4 * N];
    assert_int_equal(path_numbers(text_view(&out), "line p2", 2 * N, line), 2 * N);
    assert_int_equal(path_numbers(text_view(&out), "band outer p2", 4 * N, outer), 4 * N);
    assert_int_equal(path_numbers(text_view(&out), "band inner p2", 4 * N, inner), 4 * N);
    const double top = 8, base = 185 - 21, left = line[0], right = 300 - 10;
    for (int i = 0; i < N; i++) {
        double x = left + (right - left) * TIME[i] / 30;
        CHECK_NEAR(line[2 * i], x, 0.06);
        CHECK_NEAR(line[2 * i + 1], base + (top - base) * Q50[i], 0.06);
        // a band goes along its upper edge and back along its lower
        CHECK_NEAR(outer[2 * i + 1], base + (top - base) * Q95[i], 0.06);
        CHECK_NEAR(outer[2 * (2 * N - 1 - i) + 1], base + (top - base) * Q05[i], 0.06);
        CHECK_NEAR(inner[2 * i + 1], base + (top - base) * Q75[i], 0.06);
        CHECK_NEAR(inner[2 * (2 * N - 1 - i) + 1], base + (top - base) * Q25[i], 0.06);
    }
    CHECK(strstr(text_view(&out), "data-t=\"0 10 20 30\"") && strstr(text_view(&out), "|0.2 0.3 0.4 0.5|"));
    CHECK(strstr(text_view(&out), ">30 weeks<"));
    text_free(&out);
}

TEST(shares_are_stacked_to_the_top_without_gaps) {
    const double share[3 * N] = {0.5, 0.4, 0.3, 0.2,  0.25, 0.3, 0.35, 0.4,  0.25, 0.3, 0.35, 0.4};
    const char *value[3] = {"none", "a<b", "imposed"};
    ChartBox box = {.id = "c1", .title = "t", .description = "d", .width = 300, .height = 150,
                    .time = &CLOCK, .low = 0, .high = 1};
    Text out = {0};
    chart_share(&out, &box, 3, value, N, TIME, NULL, share);
    CHECK(strstr(text_view(&out), "data-n=\"none|a&lt;b|imposed\""));

    const char *at = text_view(&out);
    double below[N], area[4 * N];
    for (int i = 0; i < N; i++) below[i] = 150 - 21;
    for (int v = 0; v < 3; v++) {
        at = strstr(at, "<path class=\"area\"");
        assert_int_equal(path_numbers(at, "area", 4 * N, area), 4 * N);
        for (int i = 0; i < N; i++) {
            CHECK_NEAR(area[2 * (2 * N - 1 - i) + 1], below[i], 1e-9);
            below[i] = area[2 * i + 1];
        }
        at++;
    }
    for (int i = 0; i < N; i++) CHECK_NEAR(below[i], 8, 0.06);
    text_free(&out);
}

TEST(the_axis_holds_every_value_and_knows_the_range_of_the_stock) {
    ChartFan fan = fan_of(0);
    double low, high;
    chart_range(1, &fan, 0, 1, &low, &high);
    CHECK(low == 0 && high == 1);
    // far from zero, the axis does not start there; near the end of the range it stops there
    const double up[N] = {0.9, 0.92, 0.95, 0.99}, down[N] = {0.9, 0.85, 0.8, 0.7};
    ChartFan high_fan = {.label = "x", .n = N, .time = TIME, .mean = up, .quantile = {down, down, up, up, up}};
    chart_range(1, &high_fan, 0, 1, &low, &high);
    CHECK(low > 0 && low <= 0.7 && high >= 0.99 && high <= 1);
    // a path that stands still is not blown up to fill the frame
    const double flat[N] = {0.5, 0.5, 0.5, 0.500001};
    ChartFan flat_fan = {.label = "x", .n = N, .time = TIME, .mean = flat, .quantile = {flat, flat, flat, flat, flat}};
    chart_range(1, &flat_fan, 0, 1, &low, &high);
    CHECK(high - low >= 0.099 && low < 0.5 && high > 0.5);
    // nothing but gaps: the stock's own range
    const double none[N] = {NAN, NAN, INFINITY, NAN};
    ChartFan none_fan = {.label = "x", .n = N, .time = TIME, .mean = none, .quantile = {none, none, none, none, none}};
    chart_range(1, &none_fan, -2, 3, &low, &high);
    CHECK(low <= -2 + 1e-12 && high >= 3 - 1e-12);
}

TEST(the_names_at_the_ends_of_lines_keep_their_order_and_do_not_touch) {
    enum { FANS = 6 };
    double mean[FANS][N];
    ChartFan fan[FANS];
    for (int f = 0; f < FANS; f++) {
        for (int i = 0; i < N; i++) mean[f][i] = 0.5 + 0.001 * ((f * 5) % FANS);      // all but equal
        fan[f] = fan_of(f);
        fan[f].mean = mean[f];
    }
    ChartBox box = {.id = "c1", .title = "t", .description = "d", .width = 400, .height = 306,
                    .time = &CLOCK, .low = 0, .high = 1};
    Text out = {0};
    chart_means(&out, &box, FANS, fan);
    double y[FANS];
    for (int f = 0; f < FANS; f++) {
        char key[64];
        snprintf(key, sizeof key, "<text class=\"label p%d\"", f);
        const char *at = strstr(text_view(&out), key);
        CHECK(at != NULL);
        y[f] = strtod(strstr(at, " y=\"") + 4, NULL);
    }
    for (int f = 0; f < FANS; f++)
        for (int g = 0; g < FANS; g++) {
            if (mean[f][0] <= mean[g][0]) continue;
            CHECK(y[g] - y[f] >= 11.9);     // the greater stands higher, by a line of text
        }
    text_free(&out);
}

TEST(a_claim_is_shaded_on_the_side_where_it_holds) {
    ChartBox box = {.id = "c1", .title = "t", .description = "d", .width = 340, .height = 62};
    Text out = {0};
    chart_interval(&out, &box, 0.8, 0.7, 0.05, 0.15, ">=");
    // left of the dot lies the bound; the shade begins at the bound
    const char *s = text_view(&out);
    double bound = strtod(strstr(strstr(s, "line class=\"bound\""), "x1=\"") + 4, NULL);
    double dot = strtod(strstr(strstr(s, "circle class=\"dot\""), "cx=\"") + 4, NULL);
    double side = strtod(strstr(strstr(s, "rect class=\"side\""), "x=\"") + 3, NULL);
    CHECK(bound < dot);
    CHECK_NEAR(side, bound, 1e-9);
    text_clear(&out);
    chart_interval(&out, &box, 0.8, 0.7, 0.05, 0.15, "<");
    s = text_view(&out);
    side = strtod(strstr(strstr(s, "rect class=\"side\""), "x=\"") + 3, NULL);
    CHECK(side < bound);
    text_clear(&out);
    chart_interval(&out, &box, 0.8, 0.7, NAN, NAN, "");
    CHECK(!strstr(text_view(&out), "class=\"side\"") && strstr(text_view(&out), "class=\"dot\""));
    text_free(&out);
}

TEST(a_share_at_its_end_stands_at_the_end_of_the_axis) {
    ChartBox box = {.id = "c1", .title = "t", .description = "d", .width = 340, .height = 62};
    static const double end[] = {0, 1};
    for (int i = 0; i < 2; i++) {
        Text out = {0};
        double gap = end[i] - 0.4;
        chart_interval(&out, &box, end[i], 0.4, fmin(gap, 0.9 * gap), fmax(gap, 0.9 * gap), "<");
        double dot = strtod(strstr(strstr(text_view(&out), "circle class=\"dot\""), "cx=\"") + 4, NULL);
        CHECK_NEAR(dot, i ? 339 : 1, 1e-9);
        text_free(&out);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        RUN(ticks_are_multiples_of_a_round_step_inside_the_range),
        RUN(a_rounded_range_holds_the_range_and_one_point_is_widened),
        RUN(tick_labels_are_as_precise_as_their_step),
        RUN(a_scale_maps_its_ends_to_its_ends_and_nothing_beyond_them),
        RUN(coordinates_are_short_and_never_minus_zero),
        RUN(a_point_that_is_not_there_breaks_a_line_and_splits_a_band),
        RUN(a_fan_draws_each_quantile_where_its_value_is),
        RUN(shares_are_stacked_to_the_top_without_gaps),
        RUN(the_axis_holds_every_value_and_knows_the_range_of_the_stock),
        RUN(the_names_at_the_ends_of_lines_keep_their_order_and_do_not_touch),
        RUN(a_claim_is_shaded_on_the_side_where_it_holds),
        RUN(a_share_at_its_end_stands_at_the_end_of_the_axis),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
