#include "../check.h"

#include "base/memory.h"
#include "frame/json.h"

#include <stdlib.h>

TEST(nested_objects_and_arrays_have_commas_and_two_spaces_of_indent) {
    Text out = {0};
    Json j = json_make(&out);
    json_object(&j);
    json_pair_int(&j, "states", 324000);
    json_key(&j, "values");
    json_object(&j);
    json_pair_number(&j, "coercer", -0.5);
    json_pair_number(&j, "government", 1e-9);
    json_end_object(&j);
    json_key(&j, "list");
    json_array(&j);
    json_int(&j, 1);
    json_string(&j, "two");
    json_null(&j);
    json_object(&j);
    json_end_object(&j);
    json_array(&j);
    json_end_array(&j);
    json_end_array(&j);
    json_pair_bool(&j, "ok", true);
    json_pair_string(&j, "none", NULL);
    json_end_object(&j);
    CHECK(j.depth == 0);
    assert_string_equal(text_view(&out),
        "{\n"
        "  \"states\": 324000,\n"
        "  \"values\": {\n"
        "    \"coercer\": -0.5,\n"
        "    \"government\": 1e-09\n"
        "  },\n"
        "  \"list\": [\n"
        "    1,\n"
        "    \"two\",\n"
        "    null,\n"
        "    {},\n"
        "    []\n"
        "  ],\n"
        "  \"ok\": true,\n"
        "  \"none\": null\n"
        "}");
    text_free(&out);
}

TEST(compact_json_stays_on_one_line) {
    Text out = {0};
    Json j = json_make(&out);
    j.compact = true;
    json_array(&j);
    json_object(&j);
    json_pair_int(&j, "a", 1);
    json_pair_bool(&j, "b", false);
    json_end_object(&j);
    json_int(&j, INT64_MIN);
    json_end_array(&j);
    assert_string_equal(text_view(&out), "[{\"a\": 1, \"b\": false}, -9223372036854775808]");
    text_free(&out);
}

TEST(strings_are_escaped_and_bad_bytes_become_the_replacement_character) {
    static const struct { const char *in, *want; } row[] = {
        {"", "\"\""},
        {"a\"b\\c/d", "\"a\\\"b\\\\c/d\""},
        {"\n\r\t\b\x01\x1f\x7f", "\"\\n\\r\\t\\u0008\\u0001\\u001f\x7f\""},
        {"na\xC3\xAFve \xE2\x82\xAC \xF0\x9F\x98\x80", "\"na\xC3\xAFve \xE2\x82\xAC \xF0\x9F\x98\x80\""},
        {"a\xFFz", "\"a\xEF\xBF\xBDz\""},
        {"cut\xE2\x82", "\"cut\xEF\xBF\xBD\xEF\xBF\xBD\""},
        {"\xC0\xAF\"", "\"\xEF\xBF\xBD\xEF\xBF\xBD\\\"\""},     // an overlong slash stays no slash
    };
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        Text out = {0};
        Json j = json_make(&out);
        json_string(&j, row[i].in);
        assert_string_equal(text_view(&out), row[i].want);
        text_free(&out);
    }
}

TEST(numbers_read_back_with_the_same_bits_and_what_json_lacks_is_null) {
    uint64_t state = 7;
    for (int i = 0; i < 20000; i++) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        uint64_t bits = state ^ state >> 31;
        double x;
        memcpy(&x, &bits, sizeof x);
        Text out = {0};
        Json j = json_make(&out);
        json_number(&j, x);
        if (isfinite(x)) CHECK_SAME(strtod(text_view(&out), NULL), x);
        else             assert_string_equal(text_view(&out), "null");
        text_free(&out);
    }
    static const struct { double x; const char *want; } row[] = {
        {NAN, "null"}, {INFINITY, "null"}, {-INFINITY, "null"}, {0.1, "0.1"}, {1e22, "1e+22"}, {5e-324, "5e-324"},
        {-0.0, "-0"}, {1.0 / 3, "0.3333333333333333"}, {324000.5, "324000.5"},
    };
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        Text out = {0};
        Json j = json_make(&out);
        json_number(&j, row[i].x);
        assert_string_equal(text_view(&out), row[i].want);
        text_free(&out);
    }
}

TEST(a_frame_is_an_object_of_columns_each_on_one_line) {
    Frame *frame = frame_make("values", 2);
    frame_add_text(frame, "actor");
    double *value = frame_add_number(frame, "value", "payoff");
    frame_set_text(frame, 0, 0, "coercer");
    value[0] = 0.25;
    value[1] = NAN;
    Text out = {0};
    Json j = json_make(&out);
    json_frame(&j, frame);
    assert_string_equal(text_view(&out),
        "{\n"
        "  \"name\": \"values\",\n"
        "  \"columns\": {\n"
        "    \"actor\": {\n"
        "      \"unit\": \"\",\n"
        "      \"values\": [\"coercer\", \"\"]\n"
        "    },\n"
        "    \"value\": {\n"
        "      \"unit\": \"payoff\",\n"
        "      \"values\": [0.25, null]\n"
        "    }\n"
        "  }\n"
        "}");
    text_free(&out);
    frame_free(frame);
}

TEST(memory_that_runs_out_marks_the_text_and_nothing_else) {
    for (int64_t k = 1; k <= 3; k++) {
        Text out = {0};
        Json j = json_make(&out);
        memory_fail_at(k);
        json_array(&j);
        for (int i = 0; i < 100; i++) json_string(&j, "some words to make it grow");
        json_end_array(&j);
        memory_fail_at(0);
        CHECK(out.failed && j.depth == 0);
        text_free(&out);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        RUN(nested_objects_and_arrays_have_commas_and_two_spaces_of_indent),
        RUN(compact_json_stays_on_one_line),
        RUN(strings_are_escaped_and_bad_bytes_become_the_replacement_character),
        RUN(numbers_read_back_with_the_same_bits_and_what_json_lacks_is_null),
        RUN(a_frame_is_an_object_of_columns_each_on_one_line),
        RUN(memory_that_runs_out_marks_the_text_and_nothing_else),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
