/// What the parser tells of faults: test/lang/syntax_*.duress beside their .out, where the caret stands under the
/// offending token; and input that is no scenario at all, of which none may hang the program or take its memory.
#define _POSIX_C_SOURCE 200809L
#include "front.h"

#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

// what a person would see of a file, with the path as its name alone
static void compare(const char *name) {
    char file[256];
    Text text = {0}, found = {0};
    snprintf(file, sizeof file, "%s.duress", name);
    front_read(&text, file);
    Front f = {0};
    DurError error = {0};
    CHECK_OK(compilation_start(&f.c));
    CHECK_OK(parse_memory(&f.c, &f.ast, file, text_view(&text), text.length, &error));
    diagnostics_print(&f.c.diagnostics, f.c.file, f.c.n_file, &found);
    snprintf(file, sizeof file, "%s.out", name);
    front_compare(&found, file);
    front_free(&f);
    text_free(&text);
    text_free(&found);
}

TEST(strange_characters_numbers_and_texts_are_told)         { compare("syntax_lexical"); }
TEST(expressions_that_break_off_are_told)                   { compare("syntax_expressions"); }
TEST(quantities_that_ask_half_a_question_are_told)          { compare("syntax_quantities"); }
TEST(every_declaration_and_clause_tells_what_it_expected)   { compare("syntax_declarations"); }
TEST(an_open_bracket_costs_one_fault_not_the_file)          { compare("syntax_recovery"); }
TEST(long_lines_tabs_and_wide_letters_keep_the_caret_right) { compare("syntax_lines"); }

// ---- the pieces of printing --------------------------------------------------------------------------------------

// the faults of a text as they are printed
static void faults_of(const char *text, size_t n, Text *out) {
    Front f;
    front_parse(&f, text, n);
    diagnostics_print(&f.c.diagnostics, f.c.file, f.c.n_file, out);
    front_free(&f);
}

static void check_faults(const char *text, const char *expected) {
    Text out = {0};
    faults_of(text, strlen(text), &out);
    assert_string_equal(text_view(&out), expected);
    text_free(&out);
}

TEST(a_control_character_in_a_text_is_a_fault_at_its_place) {
    check_faults("import \"no\x1b[2Jfile\"\n",
                 "test.duress:1:11: error: a quoted text cannot hold the control character U+001B\n"
                 "    import \"no [2Jfile\"\n"
                 "              ^\n"
                 "    write it without: texts are shown on terminals, which obey such characters\n");
    // bell, delete, and of those beyond ASCII the first and the last
    static const char *const control[] = {"\x01", "\x07", "\b", "\f", "\x1f", "\x7f", "\xC2\x80", "\xC2\x9B", "\xC2\x9F"};
    for (size_t i = 0; i < sizeof control / sizeof *control; i++) {
        Text text = {0}, out = {0};
        text_printf(&text, "source book \"a\xC3\xA9%sbook\"\n", control[i]);
        faults_of(text_view(&text), text.length, &out);
        CHECK(strncmp(text_view(&out), "test.duress:1:16: error: a quoted text cannot hold", 50) == 0);
        text_free(&text);
        text_free(&out);
    }
    // a tab, a no-break space and letters of any script are fine
    check_faults("source book \"a\tbook\xC2\xA0\xD0\xBE \xE2\x82\xAC\"\n", "");
}

TEST(nothing_of_a_file_steers_the_terminal) {
    Text out = {0};
    static const char text[] = "let a = \x1b[31m 3\nlet b = \xC2\x9B" "1m\nlet c = \x07\nimport \"no\x1b[2Jfile\"\n";
    faults_of(text, sizeof text - 1, &out);
    for (size_t i = 0; i < out.length; i++) {
        unsigned char c = (unsigned char)out.data[i];
        CHECK(c == '\n' || c >= 0x20);
        CHECK(c != 0x7F && !(c == 0xC2 && (unsigned char)out.data[i + 1] < 0xA0));
    }
    CHECK(strstr(out.data, "U+001B") && strstr(out.data, "U+009B") && strstr(out.data, "no [2Jfile"));
    text_free(&out);
}

TEST(faults_beyond_what_is_kept_are_counted) {
    Text text = {0}, out = {0};
    for (int i = 0; i < 1000; i++) text_append(&text, "let a = $\n");
    Front f;
    front_parse(&f, text_view(&text), text.length);
    assert_int_equal(f.c.diagnostics.n, DIAGNOSTIC_MAX);
    assert_int_equal(f.c.diagnostics.n_error, 1000);
    diagnostics_print(&f.c.diagnostics, f.c.file, f.c.n_file, &out);
    CHECK(strstr(text_view(&out), "800 more are not shown\n") != NULL);
    front_free(&f);
    text_free(&text);
    text_free(&out);
}

TEST(faults_are_told_in_order_and_once) {
    Arena *arena = arena_make();
    Diagnostics d = {.arena = arena};
    const Span late = {.line = 9, .column = 1}, early = {.line = 2, .column = 7};
    const Span other = {.file = 1, .line = 1, .column = 1};
    diagnostics_add(&d, SEVERITY_ERROR, other, "a", NULL, "in another file");
    diagnostics_add(&d, SEVERITY_ERROR, late, "a", NULL, "late");
    diagnostics_add(&d, SEVERITY_WARNING, early, "a", NULL, "first");
    diagnostics_add(&d, SEVERITY_ERROR, early, "a", "help", "second");
    diagnostics_add(&d, SEVERITY_WARNING, early, "a", NULL, "first");
    diagnostics_add(&d, SEVERITY_WARNING, early, "a", NULL, "third");
    diagnostics_add(&d, SEVERITY_NOTE, (Span){0}, "a", NULL, "no place");
    diagnostics_sort(&d);
    static const char *const expected[] = {"no place", "first", "second", "third", "late", "in another file"};
    assert_int_equal(d.n, 6);
    for (int i = 0; i < 6; i++) assert_string_equal(d.item[i].message, expected[i]);
    assert_int_equal(d.n_error, 3);
    assert_int_equal(d.n_warning, 2);
    diagnostics_free(&d);
    arena_free(arena);
}

// ---- what is no scenario -----------------------------------------------------------------------------------------

TEST(an_empty_file_is_told_in_one_sentence) {
    static const char expected[] =
        "test.duress: error: there is nothing in this file: expected declarations, the first of them `scenario`\n";
    check_faults("", expected);
    check_faults("\n\n", expected);
    check_faults("# only a comment", expected);
    check_faults("\xEF\xBB\xBF", expected);
    check_faults(";;", expected);
}

TEST(a_binary_file_is_told_by_its_first_bad_byte) {
    Text out = {0};
    faults_of("unit a\n\xC3\xA4 \x00\x01", 12, &out);
    assert_string_equal(text_view(&out),
                        "test.duress:2:3: error: this is not a text file in UTF-8: byte 11, 0x00, does not belong in one\n"
                        "    \xC3\xA4 ? \n"
                        "      ^\n");
    text_clear(&out);
    faults_of("\x7f" "ELF\x02\xff", 6, &out);
    CHECK(strstr(text_view(&out), "byte 6, 0xFF") != NULL);
    text_free(&out);
}

TEST(crlf_and_a_byte_order_mark_change_nothing) {
    static const char plain[] = "stock a { range 0..1\n  drift 1 +  # comment\n    2\n}\n";
    static const char odd[] = "\xEF\xBB\xBFstock a { range 0..1\r\n  drift 1 +  # comment\r\n    2\r\n}\r\n";
    Front a, b;
    front_parse_well(&a, plain);
    front_parse_well(&b, odd);
    CHECK(ast_same_declaration(a.ast.declaration[0], b.ast.declaration[0]));
    front_free(&a);
    front_free(&b);
    check_faults("\xEF\xBB\xBFstock 3\r\n", "test.duress:1:7: error: expected a name for the stock, found `3`\n"
                                             "    stock 3\n          ^\n");
}

// a folder of its own for files that a test needs
static char folder[64];

static int make_folder(void **state) {
    (void)state;
    snprintf(folder, sizeof folder, "/tmp/duress_syntax_XXXXXX");
    return mkdtemp(folder) ? 0 : -1;
}

static void path_of(char path[256], const char *name) { snprintf(path, 256, "%s/%s", folder, name); }

static void write_file(const char *name, const char *text) {
    char path[256];
    DurError error = {0};
    path_of(path, name);
    CHECK_OK(file_write(path, text, strlen(text), &error));
}

static int remove_folder(void **state) {
    (void)state;
    char command[128];
    snprintf(command, sizeof command, "rm -r '%s'", folder);
    return system(command);
}

// parse a file of the folder; its faults are printed with the folder's name left out
static void file_faults(const char *name, Front *f, Text *out) {
    char path[256];
    DurError error = {0};
    path_of(path, name);
    CHECK_OK(compilation_start(&f->c));
    CHECK_OK(parse_file(&f->c, &f->ast, path, &error));
    Text all = {0};
    diagnostics_print(&f->c.diagnostics, f->c.file, f->c.n_file, &all);
    size_t n = strlen(folder) + 1;
    for (const char *s = text_view(&all), *next; *s; s = next) {
        next = strstr(s, folder);
        text_append_n(out, s, next ? (size_t)(next - s) : strlen(s));
        next = next ? next + n : s + strlen(s);
    }
    text_free(&all);
}

TEST(a_file_of_a_hundred_megabytes_is_refused_unread) {
    char path[256];
    write_file("large.duress", "x");
    path_of(path, "large.duress");
    CHECK_OK(truncate(path, 100 * 1000 * 1000));
    Compilation c;
    Ast ast;
    DurError error = {0};
    CHECK_OK(compilation_start(&c));
    assert_int_equal(parse_file(&c, &ast, path, &error), DUR_LIMIT);
    CHECK(strstr(error.text, "100000000 bytes") != NULL);
    CHECK(arena_used(c.arena) < 100000);
    lang_free(&c);

    // imported, it is a fault of the line that imports it
    write_file("a.duress", "unit a\nimport \"large.duress\"\n");
    Front f;
    Text out = {0};
    file_faults("a.duress", &f, &out);
    assert_string_equal(text_view(&out),
                        "a.duress:2:8: error: large.duress: is 100000000 bytes long; the limit is 16777216\n"
                        "    import \"large.duress\"\n"
                        "           ^~~~~~~~~~~~~~\n");
    text_free(&out);
    front_free(&f);
}

TEST(a_scenario_that_is_not_there_is_no_fault_of_its_text) {
    Compilation c;
    Ast ast;
    DurError error = {0};
    CHECK_OK(compilation_start(&c));
    assert_int_equal(parse_file(&c, &ast, "/nowhere/x.duress", &error), DUR_IO);
    CHECK(strstr(error.text, "/nowhere/x.duress") != NULL);
    lang_free(&c);
}

TEST(an_import_that_is_missing_is_told_where_it_is_asked_for) {
    write_file("a.duress", "unit a\nimport \"none.duress\"\nimport \"\"\nunit b\n");
    Front f;
    Text out = {0};
    file_faults("a.duress", &f, &out);
    assert_string_equal(text_view(&out),
                        "a.duress:2:8: error: none.duress: cannot be opened: No such file or directory\n"
                        "    import \"none.duress\"\n"
                        "           ^~~~~~~~~~~~~\n"
                        "a.duress:3:8: error: : is not a regular file\n"
                        "    import \"\"\n"
                        "           ^~\n");
    assert_int_equal(f.ast.n_declaration, 2);
    CHECK(f.ast.is_partial);
    text_free(&out);
    front_free(&f);
}

TEST(imports_stand_where_they_are_asked_for_and_once) {
    char path[256];
    path_of(path, "sub");
    assert_int_equal(mkdir(path, 0700), 0);
    write_file("a.duress", "unit a1\nimport \"sub/b.duress\"\nunit a2\nimport \"c.duress\"\nimport \"sub/../c.duress\"\n");
    write_file("sub/b.duress", "unit b1\nimport \"../c.duress\"\nunit b2\n");
    write_file("c.duress", "unit c1\nunit 3\n");
    Front f;
    Text out = {0};
    file_faults("a.duress", &f, &out);
    // the fault of c is told once, in the file where it is
    assert_int_equal(f.c.diagnostics.n_error, 1);
    CHECK(strstr(text_view(&out), "c.duress:2:6: error: expected a name for the unit, found `3`") != NULL);
    assert_int_equal(f.c.n_file, 3);
    static const char *const expected[] = {"a1", "b1", "c1", NULL, "b2", "a2"};
    assert_int_equal(f.ast.n_declaration, 6);
    for (int i = 0; i < 6; i++) {
        const char *name = f.ast.declaration[i]->name.text;
        if (expected[i]) assert_string_equal(name, expected[i]);
        else CHECK(name == NULL);
    }
    text_free(&out);
    front_free(&f);
}

TEST(a_circle_of_imports_is_told_with_its_way_round) {
    write_file("a.duress", "import \"b.duress\"\nunit a\n");
    write_file("b.duress", "unit b\nimport \"./c.duress\"\n");
    write_file("c.duress", "import \"b.duress\"\nunit c\n");
    Front f;
    Text out = {0};
    file_faults("a.duress", &f, &out);
    assert_string_equal(text_view(&out),
                        "./c.duress:1:8: error: this import closes a circle: b.duress -> ./c.duress -> b.duress\n"
                        "    import \"b.duress\"\n"
                        "           ^~~~~~~~~~\n");
    assert_int_equal(f.ast.n_declaration, 3);
    text_free(&out);
    front_free(&f);

    write_file("a.duress", "import \"a.duress\"\n");
    file_faults("a.duress", &f, &out);
    CHECK(strstr(text_view(&out), "closes a circle: a.duress -> a.duress") != NULL);
    text_free(&out);
    front_free(&f);
}

TEST(a_path_from_the_root_is_another_file) {
    Text out = {0};
    static const char text[] = "import \"/test.duress\"\n";
    faults_of(text, strlen(text), &out);
    CHECK(strstr(text_view(&out), "/test.duress: cannot be opened") != NULL);
    text_free(&out);
}

TEST(imports_are_limited_in_depth_and_number) {
    char name[32];
    Text text = {0}, out = {0};
    Front f;
    for (int i = 0; i < 30; i++) {
        text_clear(&text);
        text_printf(&text, "unit u%d\nimport \"d%d.duress\"\n", i, i + 1);
        snprintf(name, sizeof name, "d%d.duress", i);
        write_file(name, text_view(&text));
    }
    file_faults("d0.duress", &f, &out);
    assert_int_equal(f.c.diagnostics.n_error, 1);
    CHECK(strstr(text_view(&out), "imports are nested more than 16 deep") != NULL);
    assert_int_equal(f.ast.n_declaration, LANG_IMPORT_DEPTH_MAX + 1);
    text_clear(&out);
    front_free(&f);

    text_clear(&text);
    for (int i = 0; i < 300; i++) {
        snprintf(name, sizeof name, "e%d.duress", i);
        write_file(name, "unit a\n");
        text_printf(&text, "import \"%s\"\n", name);
    }
    write_file("e.duress", text_view(&text));
    file_faults("e.duress", &f, &out);
    CHECK(strstr(text_view(&out), "more than 256 files") != NULL);
    assert_int_equal(f.ast.n_declaration, LANG_FILES_MAX - 1);
    text_free(&out);
    text_free(&text);
    front_free(&f);
}

// ---- hostile input -----------------------------------------------------------------------------------------------

// `n` bytes of a text that repeats a piece
static void repeat(Text *text, const char *head, const char *piece, size_t n) {
    text_append(text, head);
    while (text->length < n) text_append(text, piece);
}

TEST(nesting_ends_at_the_limit_with_a_sentence) {
    static const char *const piece[] = {"(", "[", "-", "not ", "f(", "if ", "2^", "by m { u ", "one_of { ", "E(", "- ("};
    for (size_t i = 0; i < DUR_COUNT(piece); i++) {
        Text text = {0}, out = {0};
        repeat(&text, "let x = ", piece[i], 100000);
        faults_of(text_view(&text), text.length, &out);
        bool is_told = strstr(text_view(&out), "nested more than 200 deep") != NULL ||
                       strstr(text_view(&out), "cannot stand inside another") != NULL;
        if (!is_told) fail_msg("%s: %s", piece[i], text_view(&out));
        text_free(&text);
        text_free(&out);
    }
    // and below it all is well
    Text text = {0};
    text_append(&text, "let x = ");
    text_repeat(&text, '(', LANG_NESTING_MAX);
    text_char(&text, 'x');
    text_repeat(&text, ')', LANG_NESTING_MAX);
    Front f;
    front_parse_well(&f, text_view(&text));
    front_free(&f);
    text_free(&text);
}

TEST(stacked_operators_end_at_the_limit_with_a_sentence) {
    for (int n = LANG_DEPTH_MAX - 1; n <= LANG_DEPTH_MAX; n++) {
        Text text = {0}, print = {0};
        text_append(&text, "let x = 1");
        for (int i = 0; i < n; i++) text_append(&text, "+ 1");
        Front f;
        front_parse(&f, text_view(&text), text.length);
        assert_int_equal(f.c.diagnostics.n_error, n == LANG_DEPTH_MAX);
        // what is within the limit can be walked
        if (n < LANG_DEPTH_MAX) ast_print_expression(&print, f.ast.declaration[0]->as.let.value);
        text_free(&print);
        text_free(&text);
        front_free(&f);
    }
}

TEST(hostile_text_takes_time_in_proportion_and_memory_within_bounds) {
    static const char *const hostile[][2] = {
        {"", "("}, {"", "{"}, {"", "}"}, {"", ")"}, {"", "a "}, {"", "\"\n"}, {"", "let a = $\n"}, {"", "stock a {\n"},
        {"", "\xC3\xA4 "}, {"", "\xE2\x80\x9C"}, {"", "#\n"}, {"", ";"}, {"", "unit a "}, {"let x = ", "1+"}, {"let x = ", "-"},
        {"let x = ", "(1)+"}, {"let x = 1", "0"}, {"let x = f(", "1,"}, {"let x = by m { ", "u 1,"}, {"mode m of a { ", "u,"},
        {"payoff a { ", "u 1;"}, {"payoff a { ", "u\n"}, {"policy p of a { never ", "x,"}, {"policy p of a { ", "from 1: "},
        {"move m of a { then ", "x=1,"}, {"table t(x) { ", "1:1,"}, {"claim c { ", "E("}, {"rival r { ", "let a = 1;"},
        {"actor a { ", "cite b:1 "}, {"actor a { ", "patience 1 "}, {"stock s { drift ", "if "}, {"unit ", "a"},
        {"let x = \"", "a"}, {"let x = ", "E(x at 1)+"}, {"let x = ", "x per y "}, {"import \"a\" ", "\nimport \"a\""},
        {"stock s { ", "drift 3 nosuch "}, {"let x = (", "\nlet y = ("}, {"let a ", "= "}, {"let a = $", " $"},
    };
    for (size_t i = 0; i < DUR_COUNT(hostile); i++) {
        Text text = {0}, out = {0};
        repeat(&text, hostile[i][0], hostile[i][1], 2 << 20);
        clock_t start = clock();
        Front f;
        front_parse(&f, text_view(&text), text.length);
        diagnostics_print(&f.c.diagnostics, f.c.file, f.c.n_file, &out);
        double seconds = (double)(clock() - start) / CLOCKS_PER_SEC;
        // four megabytes take a fraction of a second each; a square of them would take hours
        if (seconds > 20) fail_msg("`%s` repeated took %g s", hostile[i][1], seconds);
        CHECK(arena_used(f.c.arena) < (size_t)900 << 20);
        CHECK(out.length < (size_t)1 << 20);
        CHECK(f.c.diagnostics.n <= DIAGNOSTIC_MAX);
        front_free(&f);
        text_free(&text);
        text_free(&out);
    }
}

TEST(a_scenario_of_too_many_words_is_told_and_read_no_further) {
    Text text = {0}, out = {0};
    repeat(&text, "", "let x = 1+1\n", (LANG_NODES_MAX / 4 + 10) * strlen("let x = 1+1\n"));
    faults_of(text_view(&text), text.length, &out);
    CHECK(strstr(text_view(&out), "more than 1048576 numbers, names and operators") != NULL);
    text_free(&text);
    text_free(&out);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        RUN(strange_characters_numbers_and_texts_are_told), RUN(expressions_that_break_off_are_told),
        RUN(quantities_that_ask_half_a_question_are_told), RUN(every_declaration_and_clause_tells_what_it_expected),
        RUN(an_open_bracket_costs_one_fault_not_the_file), RUN(long_lines_tabs_and_wide_letters_keep_the_caret_right),
        RUN(nothing_of_a_file_steers_the_terminal), RUN(a_control_character_in_a_text_is_a_fault_at_its_place),
        RUN(faults_beyond_what_is_kept_are_counted),
        RUN(faults_are_told_in_order_and_once), RUN(an_empty_file_is_told_in_one_sentence),
        RUN(a_binary_file_is_told_by_its_first_bad_byte), RUN(crlf_and_a_byte_order_mark_change_nothing),
        RUN(a_file_of_a_hundred_megabytes_is_refused_unread), RUN(a_scenario_that_is_not_there_is_no_fault_of_its_text),
        RUN(an_import_that_is_missing_is_told_where_it_is_asked_for), RUN(imports_stand_where_they_are_asked_for_and_once),
        RUN(a_circle_of_imports_is_told_with_its_way_round), RUN(a_path_from_the_root_is_another_file), RUN(imports_are_limited_in_depth_and_number),
        RUN(nesting_ends_at_the_limit_with_a_sentence), RUN(stacked_operators_end_at_the_limit_with_a_sentence),
        RUN(hostile_text_takes_time_in_proportion_and_memory_within_bounds),
        RUN(a_scenario_of_too_many_words_is_told_and_read_no_further),
    };
    return cmocka_run_group_tests_name("syntax", tests, make_folder, remove_folder);
}
