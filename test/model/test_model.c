#include "../check.h"

#include "model/model.h"

#include <limits.h>

TEST(dates_count_days_as_the_calendar_does) {
    assert_int_equal(model_day_from_date(1970, 1, 1), 0);
    assert_int_equal(model_day_from_date(2000, 3, 1), 11017);
    assert_int_equal(model_day_from_date(2025, 1, 20), 20108);
    // every day from 1600 to 2400 there and back, one after the other
    int32_t first = model_day_from_date(1600, 1, 1), last = model_day_from_date(2400, 12, 31);
    assert_int_equal(last - first + 1, 292560);   // 801 years, 195 of them leap: 801 * 365 + 195
    int y0 = 1599, m0 = 12, d0 = 31;
    for (int32_t day = first; day <= last; day++) {
        int y, m, d;
        model_date_from_day(day, &y, &m, &d);
        assert_int_equal(model_day_from_date(y, m, d), day);
        CHECK((y == y0 && m == m0 && d == d0 + 1) || (y == y0 && m == m0 + 1 && d == 1) ||
              (y == y0 + 1 && m == 1 && d == 1 && m0 == 12 && d0 == 31));
        y0 = y; m0 = m; d0 = d;
    }
}

TEST(only_dates_of_the_calendar_exist) {
    CHECK(model_date_exists(2024, 2, 29));
    CHECK(!model_date_exists(2025, 2, 29));
    CHECK(!model_date_exists(1900, 2, 29));
    CHECK(model_date_exists(2000, 2, 29));
    CHECK(!model_date_exists(2025, 13, 1));
    CHECK(!model_date_exists(2025, 4, 31));
    CHECK(!model_date_exists(0, 1, 1));
}

TEST(a_time_reads_as_a_date_when_the_scenario_has_one) {
    Model m = {.from_day = model_day_from_date(2025, 1, 20), .days_per_unit = 30.4375};
    char b[16];
    assert_string_equal(model_date(&m, 0, b), "2025-01-20");
    assert_string_equal(model_date(&m, 12, b), "2026-01-20");
    m.from_day = INT32_MIN;
    assert_string_equal(model_date(&m, 0, b), "");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        RUN(dates_count_days_as_the_calendar_does),
        RUN(only_dates_of_the_calendar_exist),
        RUN(a_time_reads_as_a_date_when_the_scenario_has_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
