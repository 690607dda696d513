/// Reading, parsing and formatting with every allocation made to fail once in turn: no crash, no leak (the sanitizers see
/// to that), and the shortage told as what it is.
#include "front.h"

typedef DurStatus (*Task)(const char *path, const Text *text, Text *result);

static DurStatus parse_and_print(const char *path, const Text *text, Text *result) {
    Front f = {0};
    DurError error = {0};
    DurStatus status = compilation_start(&f.c);
    if (status == DUR_OK) status = parse_file(&f.c, &f.ast, path, &error);
    AstExpr *query = NULL;
    if (status == DUR_OK) status = parse_query(&f.c, &f.ast, "E(mean x over 3 month) > f(1, 2) $", &query);
    if (status == DUR_OK && query) ast_print_expression(result, query);
    if (status == DUR_OK) diagnostics_print(&f.c.diagnostics, f.c.file, f.c.n_file, result);
    front_free(&f);
    return status == DUR_OK && result->failed ? DUR_MEMORY : status;
}

static DurStatus format(const char *path, const Text *text, Text *result) {
    Compilation faults;
    DurError error = {0};
    DurStatus status = lang_format(result, path, text_view(text), text->length, &faults, &error);
    lang_free(&faults);
    if (status != DUR_OK) assert_int_equal(result->length, 0);
    return status;
}

static void starve(Task task, const char *name) {
    char path[1024];
    snprintf(path, sizeof path, "%s/%s", TEST_DIR, name);
    Text text = {0}, expected = {0};
    front_read(&text, name);
    CHECK_OK(task(path, &text, &expected));
    for (int64_t k = 1;; k++) {
        Text result = {0};
        memory_fail_at(k);
        DurStatus status = task(path, &text, &result);
        int64_t asked = memory_fail_at(0);
        if (asked < k) {
            // nothing failed: the answer is that of the first time
            CHECK_OK(status);
            assert_string_equal(text_view(&result), text_view(&expected));
            CHECK(k > 5);
            text_free(&result);
            break;
        }
        // a shortage is told, or else it did no harm
        if (status == DUR_OK) assert_string_equal(text_view(&result), text_view(&expected));
        else assert_int_equal(status, DUR_MEMORY);
        text_free(&result);
    }
    text_free(&text);
    text_free(&expected);
}

TEST(parsing_survives_any_shortage)             { starve(parse_and_print, "example.duress"); }
TEST(telling_faults_survives_any_shortage)      { starve(parse_and_print, "syntax_declarations.duress"); }
TEST(telling_more_faults_survives_any_shortage) { starve(parse_and_print, "syntax_recovery.duress"); }
TEST(imports_survive_any_shortage)              { starve(parse_and_print, "import_a.duress"); }
TEST(formatting_survives_any_shortage)          { starve(format, "syntax_layout.duress"); }

int main(void) {
    const struct CMUnitTest tests[] = {
        RUN(parsing_survives_any_shortage), RUN(telling_faults_survives_any_shortage),
        RUN(telling_more_faults_survives_any_shortage), RUN(imports_survive_any_shortage),
        RUN(formatting_survives_any_shortage),
    };
    return cmocka_run_group_tests_name("front memory", tests, NULL, NULL);
}
