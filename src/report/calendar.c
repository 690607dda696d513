#include "report/calendar.h"

#include "base/compiler.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static const char *const MONTH[12] = {"January", "February", "March", "April", "May", "June", "July", "August",
                                      "September", "October", "November", "December"};

const char *calendar_month(int month) { return MONTH[(month + 11) % 12]; }

static int64_t floor_div(int64_t a, int64_t b) { return a / b - (a % b < 0); }

int64_t calendar_day(int64_t year, int month, int date) {
    int64_t y = month <= 2 ? year - 1 : year;
    int64_t era = floor_div(y, 400), of_era = y - era * 400;
    int64_t of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + date - 1;
    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

void calendar_date(int64_t day, int64_t *year, int *month, int *date) {
    int64_t z = day + 719468;
    int64_t era = floor_div(z, 146097), of_era = z - era * 146097;
    int64_t y = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    int64_t of_year = of_era - (365 * y + y / 4 - y / 100);
    int m = (int)((5 * of_year + 2) / 153);
    *date = (int)(of_year - (153 * m + 2) / 5 + 1);
    *month = m < 10 ? m + 3 : m - 9;
    *year = era * 400 + y + (*month <= 2);
}

bool calendar_read(const char *text, int64_t *day) {
    int year, month, date, n = 0;
    if (!text || sscanf(text, "%4d-%2d-%2d%n", &year, &month, &date, &n) != 3 || n != 10 || text[10]) return false;
    if (month < 1 || month > 12 || date < 1) return false;
    *day = calendar_day(year, month, date);
    // a day past the end of its month comes back as another date
    int64_t y;
    int m, d;
    calendar_date(*day, &y, &m, &d);
    return y == year && m == month && d == date;
}

// ticks every `step` months, on first days, the count from year 0 a multiple of the step
static int month_ticks(double low, double high, int64_t step, int most, CalendarTick *tick) {
    int64_t year;
    int month, date;
    calendar_date((int64_t)ceil(low), &year, &month, &date);
    int64_t index = year * 12 + month - 1 + (date > 1);
    index = (floor_div(index + step - 1, step)) * step;

    int n = 0;
    for (;; index += step) {
        int64_t y = floor_div(index, 12);
        int m = (int)(index - y * 12) + 1;
        double day = (double)calendar_day(y, m, 1);
        if (day > high) return n;
        if (n == most) return most + 1;
        tick[n].day = day;
        // January carries its year alone; the first tick says its year too
        if (m == 1)      snprintf(tick[n].label, sizeof tick[n].label, "%lld", (long long)y);
        else if (n == 0) snprintf(tick[n].label, sizeof tick[n].label, "%.3s %lld", MONTH[m - 1], (long long)y);
        else             snprintf(tick[n].label, sizeof tick[n].label, "%.3s", MONTH[m - 1]);
        n++;
    }
}

static int day_ticks(double low, double high, int64_t step, int most, CalendarTick *tick) {
    int n = 0;
    for (int64_t day = (int64_t)ceil(low); (double)day <= high; day += step) {
        if (n == most) return most + 1;
        int64_t year;
        int month, date;
        calendar_date(day, &year, &month, &date);
        tick[n].day = (double)day;
        snprintf(tick[n].label, sizeof tick[n].label, "%d %.3s", date, MONTH[month - 1]);
        n++;
    }
    return n;
}

int calendar_ticks(double low, double high, int most, CalendarTick *tick) {
    // beyond a few million years whole days are no longer told apart, and nobody reads dates
    if (!(high > low) || most < 1 || fabs(low) > 1e9 || fabs(high) > 1e9) return 0;
    if (most > CALENDAR_TICKS_MAX) most = CALENDAR_TICKS_MAX;
    static const int days[] = {1, 2, 7, 14};
    static const int64_t months[] = {1, 3, 6};

    for (size_t i = 0; i < DUR_COUNT(days); i++)
        if ((high - low) / days[i] <= most) {
            int n = day_ticks(low, high, days[i], most, tick);
            if (n <= most) return n;
        }
    for (size_t i = 0; i < DUR_COUNT(months); i++) {
        int n = month_ticks(low, high, months[i], most, tick);
        if (n <= most) return n;
    }
    // 1, 2, 5, 10, ... years; a span of at most two billion days ends this
    static const int factor[] = {1, 2, 5};
    for (int64_t decade = 12;; decade *= 10)
        for (size_t i = 0; i < DUR_COUNT(factor); i++) {
            int n = month_ticks(low, high, factor[i] * decade, most, tick);
            if (n <= most) return n;
        }
}
