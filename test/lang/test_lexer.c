/// Tokens: their kinds, values and places.
#define _POSIX_C_SOURCE 200809L
#include "front.h"

#include "lang/lexer.h"

typedef struct Lexed {
    Arena *arena;
    Diagnostics faults;
    Lexer lexer;
} Lexed;

static void lex(Lexed *x, const char *text) {
    *x = (Lexed){.arena = arena_make()};
    CHECK(x->arena);
    x->faults.arena = x->arena;
    x->lexer = lexer_start(text, strlen(text), 0, &x->faults);
}

static void lex_free(Lexed *x) {
    diagnostics_free(&x->faults);
    arena_free(x->arena);
}

// the kinds of all tokens of a text, which ends with TOKEN_END
static void check_kinds(const char *text, const TokenKind *kind, int n) {
    Lexed x;
    lex(&x, text);
    for (int i = 0; i < n; i++) {
        Token t = lexer_next(&x.lexer);
        if (t.kind != kind[i])
            fail_msg("%s: token %d is %s, expected %s", text, i, lexer_spelling(t.kind), lexer_spelling(kind[i]));
    }
    assert_int_equal(lexer_next(&x.lexer).kind, TOKEN_END);
    assert_int_equal(lexer_next(&x.lexer).kind, TOKEN_END);
    lex_free(&x);
}
#define KINDS(text, ...) do {                                           \
    const TokenKind kind_[] = {__VA_ARGS__};                            \
    check_kinds(text, kind_, (int)DUR_COUNT(kind_));                    \
} while (0)

TEST(every_sign_is_read_at_its_full_length) {
    KINDS("+= -= *= == != <= >= ..", TOKEN_PLUS_SET, TOKEN_MINUS_SET, TOKEN_TIMES_SET, TOKEN_EQUAL, TOKEN_NOT_EQUAL,
          TOKEN_LESS_EQUAL, TOKEN_GREATER_EQUAL, TOKEN_RANGE);
    KINDS("{}()[],;:|+-*/^< >=", TOKEN_OPEN_BRACE, TOKEN_CLOSE_BRACE, TOKEN_OPEN_PAREN, TOKEN_CLOSE_PAREN,
          TOKEN_OPEN_SQUARE, TOKEN_CLOSE_SQUARE, TOKEN_COMMA, TOKEN_SEMICOLON, TOKEN_COLON, TOKEN_BAR, TOKEN_PLUS,
          TOKEN_MINUS, TOKEN_TIMES, TOKEN_DIVIDE, TOKEN_POWER, TOKEN_LESS, TOKEN_GREATER_EQUAL);
    KINDS("= >", TOKEN_SET, TOKEN_GREATER);
    KINDS("a<-b", TOKEN_NAME, TOKEN_LESS, TOKEN_MINUS, TOKEN_NAME);
}

TEST(a_range_is_two_numbers_and_a_date_is_one_token) {
    KINDS("0..1", TOKEN_NUMBER, TOKEN_RANGE, TOKEN_NUMBER);
    KINDS("0.5..1.5", TOKEN_NUMBER, TOKEN_RANGE, TOKEN_NUMBER);
    KINDS("-1..x", TOKEN_MINUS, TOKEN_NUMBER, TOKEN_RANGE, TOKEN_NAME);
    KINDS("2025-01-20", TOKEN_DATE);
    // with space, or with fewer digits, it is a subtraction
    KINDS("2025 - 01 - 20", TOKEN_NUMBER, TOKEN_MINUS, TOKEN_NUMBER, TOKEN_MINUS, TOKEN_NUMBER);
    KINDS("2025-1-20", TOKEN_NUMBER, TOKEN_MINUS, TOKEN_NUMBER, TOKEN_MINUS, TOKEN_NUMBER);
    KINDS("12025-01-20", TOKEN_NUMBER, TOKEN_MINUS, TOKEN_NUMBER, TOKEN_MINUS, TOKEN_NUMBER);
    KINDS("2025-01-200", TOKEN_NUMBER, TOKEN_MINUS, TOKEN_NUMBER, TOKEN_MINUS, TOKEN_NUMBER);
}

TEST(a_date_is_a_day_of_the_calendar) {
    static const struct { const char *text; bool exists; } day[] = {
        {"2024-02-29", true}, {"2023-02-29", false}, {"1900-02-29", false}, {"2000-02-29", true},
        {"2025-04-31", false}, {"2025-13-01", false}, {"2025-00-01", false}, {"2025-01-00", false}, {"0000-01-01", false}};
    for (size_t i = 0; i < DUR_COUNT(day); i++) {
        Lexed x;
        lex(&x, day[i].text);
        Token t = lexer_next(&x.lexer);
        assert_int_equal(t.kind, day[i].exists ? TOKEN_DATE : TOKEN_BAD);
        assert_int_equal(x.faults.n_error, !day[i].exists);
        if (day[i].exists) assert_int_equal(t.date.year * 10000 + t.date.month * 100 + t.date.day,
                                            atoi(day[i].text) * 10000 + atoi(day[i].text + 5) * 100 + atoi(day[i].text + 8));
        lex_free(&x);
    }
}

TEST(numbers_have_the_value_that_c_gives_them) {
    static const struct { const char *text; double value; } number[] = {
        {"0", 0.0}, {"3", 3.0}, {"0.25", 0.25}, {"1e-3", 1e-3}, {"1E+3", 1e3}, {"2.5e10", 2.5e10}, {"25%", 0.25},
        {"0.1%", 0.001}, {"007", 7.0}, {"1.7976931348623157e308", 1.7976931348623157e308}, {"4.9e-324", 4.9e-324},
        {"1e-999", 0.0}, {"0.1000000000000000055511151231257827", 0.1}};
    for (size_t i = 0; i < DUR_COUNT(number); i++) {
        Lexed x;
        lex(&x, number[i].text);
        Token t = lexer_next(&x.lexer);
        assert_int_equal(t.kind, TOKEN_NUMBER);
        assert_int_equal(t.size, strlen(number[i].text));
        CHECK_SAME(t.number, number[i].value);
        assert_int_equal(x.faults.n_error, 0);
        lex_free(&x);
    }
}

TEST(an_exponent_needs_digits_and_a_unit_a_space) {
    static const char *const bad[] = {"1e", "1e+", "3x", "1.5kg", "1.2.3", ".5", "1.", "1e999", "5%x", "0x10"};
    for (size_t i = 0; i < DUR_COUNT(bad); i++) {
        Lexed x;
        lex(&x, bad[i]);
        Token t = lexer_next(&x.lexer);
        if (t.kind != TOKEN_BAD || x.faults.n_error != 1) fail_msg("%s: one fault expected", bad[i]);
        lex_free(&x);
    }
}

TEST(places_count_characters_whatever_their_bytes) {
    Lexed x;
    lex(&x, "# \xC3\xA4\xE2\x82\xAC\n\"\xE2\x82\xAC\xF0\x9F\x98\x80\" next\r\n  third");
    Token text = lexer_next(&x.lexer), next = lexer_next(&x.lexer), third = lexer_next(&x.lexer);
    assert_int_equal(text.kind, TOKEN_STRING);
    assert_int_equal(text.span.line, 2);
    assert_int_equal(text.span.column, 1);
    assert_int_equal(text.span.length, 4);
    CHECK(text.line_first);
    assert_int_equal(next.span.column, 6);
    CHECK(!next.line_first);
    assert_int_equal(third.span.line, 3);
    assert_int_equal(third.span.column, 3);
    CHECK(third.line_first);
    lex_free(&x);
}

TEST(a_byte_order_mark_is_passed_over_and_lines_end_in_any_way) {
    Lexed x;
    lex(&x, "\xEF\xBB\xBF" "a\rb\r\nc\nd");
    for (int line = 1; line <= 4; line++) {
        Token t = lexer_next(&x.lexer);
        assert_int_equal(t.kind, TOKEN_NAME);
        assert_int_equal(t.span.line, line);
        assert_int_equal(t.span.column, 1);
    }
    lex_free(&x);
}

TEST(a_locator_is_read_whole_where_numbers_would_not) {
    static const struct { const char *text; size_t size; } locator[] = {
        {"14", 2}, {"12a", 3}, {"3.4.1-b/c_d", 11}, {"\"page 3\"", 8}, {"14}", 2}, {"14,b", 2}};
    for (size_t i = 0; i < DUR_COUNT(locator); i++) {
        Lexed x;
        lex(&x, locator[i].text);
        Token t = lexer_locator(&x.lexer);
        CHECK(t.kind != TOKEN_BAD);
        assert_int_equal(t.size, locator[i].size);
        assert_int_equal(x.faults.n_error, 0);
        lex_free(&x);
    }
    Lexed x;
    lex(&x, " 14");
    assert_int_equal(lexer_locator(&x.lexer).kind, TOKEN_BAD);
    assert_int_equal(x.faults.n_error, 0);
    lex_free(&x);
}

TEST(random_bytes_of_text_end_and_every_token_moves_on) {
    // a small generator of its own: the text is the test's, not the program's
    static const char piece[][12] = {"a", "9", ".", "..", "-", "\"", "\\", "\n", "#", "%", "2025-01-20", "e5",
                                     "\xC3\xA4",
                                    "\xE2\x80\x9C", "{", "}", "(", ")", "=", "|", "&", "\r", " ", "\x01", "'", "\xF0\x9F\x98\x80"};
    uint32_t random = 12345;
    for (int round = 0; round < 2000; round++) {
        Text text = {0};
        for (int i = 0; i < 40; i++) {
            random = random * 1664525u + 1013904223u;
            const char *s = piece[(random >> 8) % DUR_COUNT(piece)];
            text_append_n(&text, s, strlen(s));
        }
        Lexed x;
        lex(&x, text_view(&text));
        size_t at = 0;
        for (;;) {
            Token t = lexer_next(&x.lexer);
            CHECK(t.offset >= at && t.offset + t.size <= text.length);
            if (t.kind == TOKEN_END) break;
            CHECK(t.size > 0);
            at = t.offset + t.size;
        }
        lex_free(&x);
        text_free(&text);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        RUN(every_sign_is_read_at_its_full_length), RUN(a_range_is_two_numbers_and_a_date_is_one_token),
        RUN(a_date_is_a_day_of_the_calendar), RUN(numbers_have_the_value_that_c_gives_them),
        RUN(an_exponent_needs_digits_and_a_unit_a_space), RUN(places_count_characters_whatever_their_bytes),
        RUN(a_byte_order_mark_is_passed_over_and_lines_end_in_any_way),
        RUN(a_locator_is_read_whole_where_numbers_would_not), RUN(random_bytes_of_text_end_and_every_token_moves_on),
    };
    return cmocka_run_group_tests_name("lexer", tests, NULL, NULL);
}
