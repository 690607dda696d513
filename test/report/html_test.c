#include "../check.h"

#include "base/compiler.h"
#include "report/calendar.h"
#include "report/html.h"

static char said[4096];

// what a writer wrote, as a string
#define SAID(call) (said_by(), said_begin(), call, said_end())
static Text out;
static void said_by(void) { text_free(&out); }
static void said_begin(void) { said[0] = '\0'; }
static const char *said_end(void) {
    snprintf(said, sizeof said, "%s", text_view(&out));
    text_free(&out);
    return said;
}

TEST(every_sign_that_html_keeps_for_itself_is_escaped) {
    assert_string_equal(SAID(html_escape(&out, "a<b>&\"c\"'d'")), "a&lt;b&gt;&amp;&quot;c&quot;&#39;d&#39;");
    assert_string_equal(SAID(html_escape(&out, "&amp;")), "&amp;amp;");
    assert_string_equal(SAID(html_escape(&out, NULL)), "");
    assert_string_equal(SAID(html_escape(&out, "na\xC3\xAFve \xF0\x9F\x98\x80")), "na\xC3\xAFve \xF0\x9F\x98\x80");
}

TEST(bytes_that_are_no_text_become_the_replacement_character) {
#define FFFD "\xEF\xBF\xBD"
    assert_string_equal(SAID(html_escape(&out, "a\x01" "b\x7F" "c\xFF" "d\r")), "a" FFFD "b" FFFD "c" FFFD "d" FFFD);
    assert_string_equal(SAID(html_escape(&out, "cut \xE2\x82")), "cut " FFFD FFFD);
    assert_string_equal(SAID(html_escape(&out, "\xC0\xBC" "script")), FFFD FFFD "script");       // an overlong "<"
    assert_string_equal(SAID(html_escape(&out, "\xEF\xBF\xBF")), FFFD FFFD FFFD);          // no character of XML
}

TEST(whatever_the_bytes_what_is_escaped_is_utf8_without_markup) {
    uint64_t state = 3;
    for (int k = 0; k < 20000; k++) {
        char bytes[24];
        for (size_t i = 0; i < sizeof bytes - 1; i++) {
            state = state * 6364136223846793005u + 1442695040888963407u;
            // mostly bytes that matter: marks, lead bytes and continuations
            unsigned r = (unsigned)(state >> 33);
            static const unsigned char odd[] = {'<', '>', '&', '"', '\'', 0xC3, 0xE2, 0xF0, 0x80, 0xBF, 0xED, 0xEF,
                                                'a', '\n'};
            bytes[i] = (char)(r % 3 ? odd[r / 3 % sizeof odd] : 1 + r / 3 % 255);
        }
        bytes[sizeof bytes - 1] = '\0';
        const char *s = SAID(html_escape(&out, bytes));
        CHECK(text_is_utf8(s, strlen(s), NULL));
        CHECK(!strpbrk(s, "<>\"'"));
        for (const char *c = strchr(s, '&'); c; c = strchr(c + 1, '&'))
            CHECK(!strncmp(c, "&amp;", 5) || !strncmp(c, "&lt;", 4) || !strncmp(c, "&gt;", 4)
                  || !strncmp(c, "&quot;", 6) || !strncmp(c, "&#39;", 5));
    }
}

TEST(a_text_cut_short_is_cut_between_characters_and_says_so) {
    assert_string_equal(SAID(html_escape_short(&out, "abcdef", 6)), "abcdef");
    assert_string_equal(SAID(html_escape_short(&out, "abcdefg", 6)), "abcde\xE2\x80\xA6");
    assert_string_equal(SAID(html_escape_short(&out, "\xC3\xA4\xC3\xB6\xC3\xBC<", 3)), "\xC3\xA4\xC3\xB6\xE2\x80\xA6");
    assert_string_equal(SAID(html_escape_short(&out, "<<<", 2)), "&lt;\xE2\x80\xA6");
    assert_string_equal(SAID(html_escape_short(&out, "abc", 0)), "\xE2\x80\xA6");
}

TEST(numbers_are_set_as_a_printer_would) {
#define MINUS "\xE2\x88\x92"
#define THIN  "\xE2\x80\xAF"
    assert_string_equal(SAID(html_number(&out, 324000, 6)), "324,000");
    assert_string_equal(SAID(html_number(&out, -0.0418, 3)), MINUS "0.0418");
    assert_string_equal(SAID(html_number(&out, 3.21e-9, 2)), "3.2" THIN "\xC3\x97" THIN "10<sup>" MINUS "9</sup>");
    assert_string_equal(SAID(html_number_plain(&out, 3.21e-9, 2)), "3.2e" MINUS "9");
    assert_string_equal(SAID(html_number(&out, NAN, 3)), "\xE2\x80\x93");
    assert_string_equal(SAID(html_number(&out, -INFINITY, 3)), MINUS "\xE2\x88\x9E");
    assert_string_equal(SAID(html_number(&out, 0, 3)), "0");
}

TEST(a_share_is_a_percentage_that_never_hides_a_chance) {
    static const struct { double share; const char *want; } row[] = {
        {0, "0" THIN "%"}, {1, "100" THIN "%"}, {0.3412, "34" THIN "%"}, {0.0312, "3.1" THIN "%"},
        {0.001, "0.1" THIN "%"},
        {0.0004, "&lt;0.1" THIN "%"}, {1e-12, "&lt;0.1" THIN "%"},
        {0.994, "99" THIN "%"}, {0.9972, "99.7" THIN "%"}, {0.9996, "&gt;99.9" THIN "%"}, {2.17, "217" THIN "%"}, {NAN, "\xE2\x80\x93"}};
    for (size_t i = 0; i < DUR_COUNT(row); i++)
        assert_string_equal(SAID(html_percent(&out, row[i].share)), row[i].want);
}

TEST(counts_dates_and_sizes_are_in_words_that_suit_them) {
    assert_string_equal(SAID(html_count(&out, 0)), "no");
    assert_string_equal(SAID(html_count(&out, 12)), "twelve");
    assert_string_equal(SAID(html_count(&out, 13)), "13");
    assert_string_equal(SAID(html_date(&out, "2025-01-20")), "20\xC2\xA0January 2025");
    assert_string_equal(SAID(html_date(&out, "2025-02-30")), "2025-02-30");
    assert_string_equal(SAID(html_date(&out, "<soon>")), "&lt;soon&gt;");
    assert_string_equal(SAID(html_bytes(&out, 187e6)), "187\xC2\xA0MB");
    assert_string_equal(SAID(html_bytes(&out, 12)), "12\xC2\xA0" "bytes");
}

TEST(only_addresses_of_the_web_are_linked) {
    CHECK(html_is_link("https://example.org/a?b=1&c=2") && html_is_link("http://example.org"));
    static const char *const trap[] = {
        "javascript:alert(1)", "JAVASCRIPT:alert(1)", "data:text/html,x", "https://", "file:///etc",
        "https://a b", "https://a\"b", "https://a<b", " https://a", "", "//example.org"};
    for (size_t i = 0; i < DUR_COUNT(trap); i++) CHECK(!html_is_link(trap[i]));
    CHECK(!html_is_link(NULL));
}

TEST(days_and_dates_are_each_others_inverse) {
    assert_int_equal(calendar_day(1970, 1, 1), 0);
    assert_int_equal(calendar_day(2000, 2, 29), 11016);
    assert_int_equal(calendar_day(2025, 1, 20), 20108);
    assert_int_equal(calendar_day(1969, 12, 31), -1);
    int64_t last_year = 0;
    int last_month = 0, last_date = 0;
    for (int64_t day = -800000; day < 800000; day++) {
        int64_t year;
        int month, date;
        calendar_date(day, &year, &month, &date);
        CHECK(calendar_day(year, month, date) == day);
        // each day follows the one before in its month, or is the first of the next
        if (day > -800000) CHECK((year == last_year && month == last_month && date == last_date + 1)
                                 || (date == 1 && year * 12 + month == last_year * 12 + last_month + 1));
        last_year = year, last_month = month, last_date = date;
    }
}

TEST(what_is_no_date_is_not_read_as_one) {
    int64_t day;
    CHECK(calendar_read("2024-02-29", &day) && day == 19782);
    static const char *const wrong[] = {"2023-02-29", "2025-13-01", "2025-00-10", "2025-1-20", "2025-01-20x",
                                        "20250120", "", "2025-04-31"};
    for (size_t i = 0; i < DUR_COUNT(wrong); i++) CHECK(!calendar_read(wrong[i], &day));
    CHECK(!calendar_read(NULL, &day));
}

TEST(calendar_ticks_are_few_rising_and_inside_for_spans_from_a_day_to_an_age) {
    for (double span = 1; span < 4e6; span *= 1.37)
        for (int most = 2; most <= 12; most++) {
            CalendarTick tick[CALENDAR_TICKS_MAX];
            double low = 20108.25, high = low + span;
            int n = calendar_ticks(low, high, most, tick);
            CHECK(n >= 0 && n <= most);
            // ever so many days, or months that divide the year, never leave a long span without two ticks
            if (most >= 4 && span > 3) CHECK(n >= 1);
            for (int i = 0; i < n; i++) {
                CHECK(tick[i].day >= low && tick[i].day <= high && tick[i].label[0]);
                if (i) CHECK(tick[i].day > tick[i - 1].day);
            }
        }
    CalendarTick tick[CALENDAR_TICKS_MAX];
    CHECK(calendar_ticks(0, 0, 5, tick) == 0 && calendar_ticks(NAN, 1, 5, tick) == 0);
    CHECK(calendar_ticks(0, INFINITY, 5, tick) == 0);
}

TEST(five_years_are_ticked_at_new_years_and_one_year_at_quarters) {
    CalendarTick tick[CALENDAR_TICKS_MAX];
    double start = (double)calendar_day(2025, 1, 20);
    int n = calendar_ticks(start, (double)calendar_day(2030, 1, 20), 6, tick);
    CHECK(n == 5);
    assert_string_equal(tick[0].label, "2026");
    assert_string_equal(tick[4].label, "2030");
    CHECK_NEAR(tick[0].day, (double)calendar_day(2026, 1, 1), 0);
    n = calendar_ticks(start, (double)calendar_day(2026, 1, 20), 6, tick);
    CHECK(n == 4);
    assert_string_equal(tick[0].label, "Apr 2025");
    assert_string_equal(tick[1].label, "Jul");
    assert_string_equal(tick[3].label, "2026");
    n = calendar_ticks(start, start + 10, 6, tick);
    CHECK(n == 6);
    assert_string_equal(tick[0].label, "20 Jan");
    assert_string_equal(tick[5].label, "30 Jan");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        RUN(every_sign_that_html_keeps_for_itself_is_escaped),
        RUN(bytes_that_are_no_text_become_the_replacement_character),
        RUN(whatever_the_bytes_what_is_escaped_is_utf8_without_markup),
        RUN(a_text_cut_short_is_cut_between_characters_and_says_so),
        RUN(numbers_are_set_as_a_printer_would),
        RUN(a_share_is_a_percentage_that_never_hides_a_chance),
        RUN(counts_dates_and_sizes_are_in_words_that_suit_them),
        RUN(only_addresses_of_the_web_are_linked),
        RUN(days_and_dates_are_each_others_inverse),
        RUN(what_is_no_date_is_not_read_as_one),
        RUN(calendar_ticks_are_few_rising_and_inside_for_spans_from_a_day_to_an_age),
        RUN(five_years_are_ticked_at_new_years_and_one_year_at_quarters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
