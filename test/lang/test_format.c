/// fmt: one layout whatever the space, comments kept, the same tree, and nothing left to do the second time.
#define _POSIX_C_SOURCE 200809L
#include "front.h"

#include <dirent.h>
#include <sys/stat.h>

static void format_well(Text *out, const char *name, const char *text, size_t n) {
    Compilation faults;
    DurError error = {0};
    CHECK_OK(lang_format(out, name, text, n, &faults, &error));
    if (faults.diagnostics.n_error) {
        Text told = {0};
        diagnostics_print(&faults.diagnostics, faults.file, faults.n_file, &told);
        fail_msg("%s", text_view(&told));
    }
    lang_free(&faults);
}

// comments of a text one after the other, without the space after them
static void comments_of(const char *text, Text *out) {
    for (const char *s = text; *s;) {
        size_t n = strcspn(s, "\r\n");
        if (*s == '"') {
            for (s++; *s && *s != '"' && *s != '\n'; s++) s += *s == '\\' && s[1];
            s += *s == '"';
        } else if (*s == '#') {
            size_t end = n;
            while (s[end - 1] == ' ' || s[end - 1] == '\t') end--;
            text_append_n(out, s, end);
            text_char(out, '\n');
            s += n;
        } else {
            s++;
        }
    }
}

// all that fmt promises of a text without faults
static void check_promises(const char *name, const char *text, size_t n) {
    Text once = {0}, twice = {0}, comments = {0}, kept = {0};
    format_well(&once, name, text, n);
    format_well(&twice, name, text_view(&once), once.length);
    if (strcmp(text_view(&once), text_view(&twice)) != 0)
        fail_msg("%s: a second fmt changes it:\n%s\n%s", name, once.data, twice.data);

    Front a, b;
    front_parse(&a, text, n);
    front_parse(&b, text_view(&once), once.length);
    assert_int_equal(a.ast.file[0].n_declaration, b.ast.file[0].n_declaration);
    for (int i = 0; i < a.ast.file[0].n_declaration; i++)
        if (!ast_same_declaration(a.ast.file[0].declaration[i], b.ast.file[0].declaration[i]))
            fail_msg("%s: declaration %d is another after fmt:\n%s", name, i, once.data);
    front_free(&a);
    front_free(&b);

    comments_of(text, &comments);
    comments_of(text_view(&once), &kept);
    assert_string_equal(text_view(&comments), text_view(&kept));

    // lines have no space at their ends, and the file ends with its last line
    const char *s = text_view(&once);
    CHECK(strstr(s, " \n") == NULL && strstr(s, "\n\n\n") == NULL && strchr(s, '\r') == NULL);
    CHECK(*s == '\0' || (s[once.length - 1] == '\n' && (once.length == 1 || s[once.length - 2] != '\n')));
    text_free(&once);
    text_free(&twice);
    text_free(&comments);
    text_free(&kept);
}

TEST(the_worst_layout_comes_out_as_it_should) {
    Text text = {0}, out = {0};
    front_read(&text, "syntax_layout.duress");
    format_well(&out, "syntax_layout.duress", text_view(&text), text.length);
    front_compare(&out, "syntax_layout.fmt");
    check_promises("syntax_layout.duress", text_view(&text), text.length);
    text_free(&text);
    text_free(&out);
}

// every scenario below a folder that has no faults of syntax; returns how many
static int check_folder(const char *path) {
    int n = 0;
    DIR *dir = opendir(path);
    if (!dir) return 0;
    for (struct dirent *entry; (entry = readdir(dir));) {
        if (entry->d_name[0] == '.') continue;
        char name[2048];
        snprintf(name, sizeof name, "%s/%s", path, entry->d_name);
        struct stat info;
        if (stat(name, &info)) continue;
        if (S_ISDIR(info.st_mode)) n += check_folder(name);
        const char *dot = strrchr(entry->d_name, '.');
        if (!S_ISREG(info.st_mode) || !dot || strcmp(dot, ".duress") != 0) continue;
        Text text = {0}, out = {0};
        DurError error = {0};
        Compilation faults;
        CHECK_OK(file_read(&text, name, LANG_FILE_BYTES_MAX, &error));
        CHECK_OK(lang_format(&out, name, text_view(&text), text.length, &faults, &error));
        bool is_well = faults.diagnostics.n_error == 0;
        // with faults nothing is written
        if (!is_well) assert_int_equal(out.length, 0);
        lang_free(&faults);
        text_free(&out);
        if (is_well) check_promises(name, text_view(&text), text.length);
        n += is_well;
        text_free(&text);
    }
    closedir(dir);
    return n;
}

TEST(all_scenarios_of_the_house_keep_their_meaning_and_comments) {
    CHECK(check_folder(TEST_DIR "/..") >= 5);
    check_folder(TEST_DIR "/../../scenarios");
}

// a text with its space changed at random: more of it between tokens, and line ends in brackets and after operators
static void shake(const char *text, Text *out, uint32_t seed) {
    int bracket = 0;
    bool in_text = false, in_comment = false;
    for (const char *s = text; *s; s++) {
        if (*s == '"' && !in_comment && s[-1] != '\\') in_text = !in_text;
        if (*s == '#' && !in_text) in_comment = true;
        if (*s == '\n') in_comment = false;
        text_char(out, *s);
        if (in_text || in_comment) continue;
        bracket += (*s == '(' || *s == '[') - (*s == ')' || *s == ']');
        seed = seed * 1664525u + 1013904223u;
        uint32_t random = seed >> 24;
        if (*s == ' ' && random < 100) text_append(out, random < 50 ? "  " : "\t ");
        if (*s == ' ' && bracket > 0 && random > 240) text_append(out, "\n\n ");
        if (*s == ',' && random > 200) text_append(out, "\n");
        if (*s == '\n' && random > 200) text_append(out, "   ");
    }
}

TEST(space_does_not_matter) {
    Text text = {0}, expected = {0};
    front_read(&text, "example.duress");
    format_well(&expected, "example.duress", text_view(&text), text.length);
    for (uint32_t seed = 1; seed <= 200; seed++) {
        Text shaken = {0}, out = {0};
        shake(text_view(&expected), &shaken, seed);
        CHECK(strcmp(text_view(&shaken), text_view(&expected)) != 0);
        format_well(&out, "example.duress", text_view(&shaken), shaken.length);
        if (strcmp(text_view(&out), text_view(&expected)) != 0)
            fail_msg("seed %u:\n%s\nbecame\n%s", (unsigned)seed, shaken.data, out.data);
        text_free(&shaken);
        text_free(&out);
    }
    text_free(&text);
    text_free(&expected);
}

TEST(a_comment_may_stand_at_the_end_of_any_line) {
    Text text = {0}, layout = {0};
    front_read(&text, "syntax_layout.duress");
    format_well(&layout, "syntax_layout.duress", text_view(&text), text.length);
    // a comment of its own for each line that has none, and one on a line of its own before it
    Text more = {0};
    int line = 0;
    for (const char *s = text_view(&layout); *s; line++) {
        size_t n = strcspn(s, "\n");
        text_printf(&more, "# before %d\n", line);
        text_append_n(&more, s, n);
        if (!memchr(s, '#', n)) text_printf(&more, " # %d", line);
        text_char(&more, '\n');
        s += n + 1;
    }
    check_promises("comments", text_view(&more), more.length);
    text_free(&text);
    text_free(&layout);
    text_free(&more);
}

TEST(lines_break_before_they_are_too_long_and_only_then) {
    Text text = {0}, out = {0};
    text_append(&text, "let total_of_many = 1");
    for (int i = 0; i < 300; i++) text_printf(&text, "%sname_%d*f(other_%d, %d)", i % 2 ? "+" : "-", i, i, i);
    format_well(&out, "long", text_view(&text), text.length);
    int n_line = 0;
    for (const char *s = text_view(&out); *s; n_line++) {
        size_t n = strcspn(s, "\n");
        CHECK(n <= 110);
        if (s[n + 1]) CHECK(n > 80);                                    // filled, the last one excepted
        if (n_line > 0) CHECK(strncmp(s, "    + ", 6) == 0 || strncmp(s, "    - ", 6) == 0);
        s += n + 1;
    }
    CHECK(n_line > 50);
    check_promises("long", text_view(&text), text.length);
    text_free(&text);
    text_free(&out);
}

TEST(a_comparison_that_starts_with_a_sign_keeps_its_semicolon) {
    // without it the line would go on with the confidence: 0.9 - E(...)
    static const char text[] = "claim c { confidence 0.9 ; # why\n # and\n\n -E(x at 1) < 4 }\n";
    Text out = {0};
    format_well(&out, "x", text, sizeof text - 1);
    assert_string_equal(text_view(&out), "claim c {\n  confidence 0.9;  # why\n  # and\n\n  -E(x at 1) < 4\n}\n");
    check_promises("x", text, sizeof text - 1);
    text_free(&out);
}

TEST(a_description_may_have_a_line_of_its_own) {   // found by fuzzing: what came out could not be read again
    const char *text = "param p = 2 {\n  \"weight\"\n}\npayoff a {\n  t p\n  \"what it wants\"\n}\n";
    Text once = {0};
    Compilation faults;
    DurError error = {0};
    CHECK_OK(lang_format(&once, "x", text, strlen(text), &faults, &error));
    assert_int_equal(faults.diagnostics.n_error, 0);
    assert_string_equal(text_view(&once), text);
    lang_free(&faults);
    text_free(&once);
}

TEST(a_file_with_faults_is_left_alone) {
    Text out = {0};
    Compilation faults;
    DurError error = {0};
    static const char text[] = "stock a { range }";
    CHECK_OK(lang_format(&out, "x", text, sizeof text - 1, &faults, &error));
    assert_int_equal(out.length, 0);
    assert_int_equal(faults.diagnostics.n_error, 1);
    lang_free(&faults);
    text_free(&out);
}

TEST(an_empty_file_stays_empty) {
    static const char *const text[][2] = {
        {"", ""}, {"\n\n", ""}, {"# a  \r\n\r\n\r\n#b", "# a\n\n#b\n"}, {"\xEF\xBB\xBF#a", "#a\n"}};
    for (size_t i = 0; i < DUR_COUNT(text); i++) {
        Text out = {0};
        format_well(&out, "x", text[i][0], strlen(text[i][0]));
        assert_string_equal(text_view(&out), text[i][1]);
        text_free(&out);
    }
}

TEST(the_reference_names_every_keyword_and_function) {
    Text out = {0};
    lang_write_reference(&out);
    static const char *const word[] = {"scenario", "rival", "becomes", "negative_binomial(k)", "surprise", "logistic(a)",
                                       "triangular(low, mode, high)", "one_of", "quarter", "quantal\\|taste",
                                       "in the long run"};
    for (size_t i = 0; i < DUR_COUNT(word); i++)
        if (!strstr(text_view(&out), word[i])) fail_msg("%s is not in the reference", word[i]);
    // every row of a table has two cells
    for (const char *s = text_view(&out); *s; s += strcspn(s, "\n") + 1) {
        if (*s != '|') continue;
        int bars = 0;
        for (const char *t = s; *t != '\n'; t++) bars += *t == '|' && t[-1] != '\\';
        if (bars != 3) fail_msg("%.80s", s);
    }
    text_free(&out);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        RUN(the_worst_layout_comes_out_as_it_should), RUN(all_scenarios_of_the_house_keep_their_meaning_and_comments),
        RUN(space_does_not_matter), RUN(a_comment_may_stand_at_the_end_of_any_line),
        RUN(lines_break_before_they_are_too_long_and_only_then), RUN(a_comparison_that_starts_with_a_sign_keeps_its_semicolon),
        RUN(a_description_may_have_a_line_of_its_own),
        RUN(a_file_with_faults_is_left_alone),
        RUN(an_empty_file_stays_empty), RUN(the_reference_names_every_keyword_and_function),
    };
    return cmocka_run_group_tests_name("format", tests, NULL, NULL);
}
