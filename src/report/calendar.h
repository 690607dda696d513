/// Calendar days for axes: dates as days since 1970-01-01, and ticks where a reader of calendars expects them.
#ifndef REPORT_CALENDAR_H
#define REPORT_CALENDAR_H

#include <stdbool.h>
#include <stdint.h>

/// Days since 1970-01-01 of a civil date, and back. Source: proleptic Gregorian calendar; the year starts in March
/// inside, so that the leap day comes last.
int64_t calendar_day(int64_t year, int month, int date);
void    calendar_date(int64_t day, int64_t *year, int *month, int *date);

/// Read "2025-01-20"; false if it is not a date of that form.
bool calendar_read(const char *text, int64_t *day);

/// "January", month 1..12.
const char *calendar_month(int month);

typedef struct CalendarTick {
    double day;
    char   label[24];   // "2026", "Apr", "Apr 2025", "20 Jan"
} CalendarTick;

#define CALENDAR_TICKS_MAX 32

/// Ticks within [low, high] days: first days of years, quarters or months, or every so many days, whichever is the
/// finest with at most `most` (<= CALENDAR_TICKS_MAX) of them. Returns how many; 0 if there is no room or no span.
int calendar_ticks(double low, double high, int most, CalendarTick *tick);

#endif
