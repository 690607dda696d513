#define _POSIX_C_SOURCE 200809L
/// Every fault that the checker tells, with its caret: test/lang/check_*.duress beside their .out; and limits and
/// lack of memory, which no file can show.
#include "../check.h"

#include "base/file.h"
#include "base/memory.h"
#include "lang/lang.h"

#include <stdlib.h>
#include <unistd.h>

// what `duress check` would print of a file
static void print_faults(const char *name, Text *out) {
    char path[512];
    snprintf(path, sizeof path, "%s.duress", name);
    DurError error = {0};
    Compilation c;
    CHECK_OK(lang_compile(&c, path, NULL, 0, &error));
    CHECK((c.model == NULL) == (c.diagnostics.n_error > 0));
    diagnostics_print(&c.diagnostics, c.file, c.n_file, out);
    lang_free(&c);
}

// with DURESS_GOLDEN=write the answers are written anew, for a person to read through
static void compare(const char *name) {
    Text found = {0}, expected = {0};
    print_faults(name, &found);
    char path[512];
    snprintf(path, sizeof path, "%s.out", name);
    DurError error = {0};
    const char *mode = getenv("DURESS_GOLDEN");
    if (mode && strcmp(mode, "write") == 0) CHECK_OK(file_write(path, text_view(&found), found.length, &error));
    CHECK_OK(file_read(&expected, path, LANG_FILE_BYTES_MAX, &error));
    if (strcmp(text_view(&found), text_view(&expected)) != 0) {
        size_t at = 0, line = 1;
        while (found.data[at] && found.data[at] == expected.data[at]) line += found.data[at++] == '\n';
        fail_msg("%s.out differs from line %zu on; found:\n%s", name, line, text_view(&found));
    }
    text_free(&found);
    text_free(&expected);
}

TEST(names_that_are_unknown_doubled_or_of_another_kind_are_told)      { compare("check_names"); }
TEST(conditions_are_no_numbers_and_modes_are_neither)                 { compare("check_types"); }
TEST(units_that_do_not_go_together_are_told)                          { compare("check_units"); }
TEST(clauses_that_are_missing_or_out_of_range_are_told)               { compare("check_clauses"); }
TEST(policies_and_claims_ask_only_what_can_be_answered)               { compare("check_policies"); }
TEST(rounds_take_chances_and_changes_and_an_order_of_all_who_move)       { compare("check_rounds"); }
TEST(a_continuous_clock_takes_nothing_of_rounds)                         { compare("check_continuous"); }
TEST(a_private_type_is_read_by_its_owner_alone_and_says_all_it_needs)     { compare("check_private"); }
TEST(what_does_not_run_yet_is_checked_and_refused_by_name)            { compare("check_refused"); }
TEST(an_import_is_overridden_by_kind_and_name_and_its_faults_are_its_own) { compare("check_import"); }
TEST(remarks_and_assumed_lines_leave_the_model_whole)                 { compare("check_remarks"); }
TEST(conditions_that_noise_passes_through_are_told)                     { compare("check_unseen"); }

// ---- limits ------------------------------------------------------------------------------------------------------

static const char HEAD[] = "scenario \"s\" { clock continuous  unit month }\n";

// the number of faults of a text, all of which must carry the code, if there are any
static int faults(const Text *text, const char *code) {
    Compilation c;
    DurError error = {0};
    CHECK(!text->failed);
    CHECK_OK(lang_compile_text(&c, "limit.duress", text_view(text), text->length, NULL, 0, &error));
    int n = c.diagnostics.n_error;
    for (int i = 0; i < c.diagnostics.n; i++)
        if (c.diagnostics.item[i].severity == SEVERITY_ERROR) assert_string_equal(c.diagnostics.item[i].code, code);
    lang_free(&c);
    return n;
}

TEST(sixty_four_variables_fit_and_sixty_five_are_told) {
    for (int n = 64; n <= 65; n++) {
        Text t = {0};
        text_append(&t, HEAD);
        for (int i = 0; i < n; i++) text_printf(&t, "stock s%d { range 0..1  grid 2  start 0  drift s0 }\n", i);
        assert_int_equal(faults(&t, "limit"), n == 65);
        text_free(&t);
    }
}

TEST(a_lattice_of_more_states_than_can_be_counted_still_compiles) {
    Text t = {0};
    text_append(&t, HEAD);
    for (int i = 0; i < 60; i++) text_printf(&t, "stock s%d { range 0..1  grid 1000000  start 0 }\n", i);
    assert_int_equal(faults(&t, ""), 0);
    text_free(&t);
}

TEST(a_chain_of_lets_is_followed_to_its_limit_and_no_further) {
    for (int n = 1900; n <= 2100; n += 200) {
        Text t = {0};
        text_append(&t, HEAD);
        text_append(&t, "stock s { range 0..1  grid 2  start 0  drift l0 }\n");
        for (int i = 0; i < n; i++) text_printf(&t, "let l%d = l%d\n", i, i + 1);
        text_printf(&t, "let l%d = 1\n", n);
        CHECK((faults(&t, "limit") > 0) == (n == 2100));
        text_free(&t);
    }
}

// the last let stands for 2^60 additions, of which 60 are different
TEST(lets_that_double_are_shared_and_not_unfolded) {
    Text t = {0};
    text_append(&t, HEAD);
    text_append(&t, "let l0 = s\n");
    for (int i = 0; i < 60; i++) text_printf(&t, "let l%d = l%d + l%d\n", i + 1, i, i);
    text_append(&t, "stock s { range 0..1  grid 2  start 0  drift l60 }\n");
    Compilation c;
    DurError error = {0};
    CHECK_OK(lang_compile_text(&c, "t.duress", text_view(&t), t.length, NULL, 0, &error));
    CHECK(c.model != NULL);
    assert_int_equal(c.model->program[c.model->stock[0].drift].n_op, 61);
    lang_free(&c);
    text_free(&t);
}

TEST(expressions_too_large_for_their_registers_are_told) {
    Text t = {0};
    text_append(&t, HEAD);
    // 90,000 different sums of a few names, in a tree of brackets that is not deep
    text_append(&t, "stock s { range 0..1  grid 2  start 0  drift 0");
    for (int i = 0; i < 300; i++) {
        text_append(&t, "\n + (s");
        for (int j = 0; j < 300; j++) text_printf(&t, "*s^%d.%d", i, j);
        text_append(&t, ")");
    }
    text_append(&t, " }\n");
    CHECK(faults(&t, "limit") > 0);
    text_free(&t);
}

TEST(a_policy_cannot_ask_for_memory_without_bound) {
    Text t = {0};
    text_append(&t, HEAD);
    text_append(&t, "actor a { patience 1  precision 1  attends 1 }\nmode m of a { x, y }\n");
    for (int i = 0; i < 1000; i++) text_printf(&t, "move m%d of a { then m = y }\n", i);
    for (int p = 0; p < 20; p++) {
        text_printf(&t, "policy p%d of a {\n", p);
        for (int i = 0; i < 1000; i++) text_printf(&t, "from %d: never m%d\n", i, i);
        text_append(&t, "}\n");
    }
    CHECK(faults(&t, "limit") > 0);
    text_free(&t);
}

TEST(more_faults_than_are_kept_are_still_counted) {
    Text t = {0};
    text_append(&t, HEAD);
    for (int i = 0; i < 1000; i++) text_printf(&t, "let l%d = nothing%d\n", i, i);
    assert_int_equal(faults(&t, "unknown-name"), 1000);
    text_free(&t);
}

// ---- memory ------------------------------------------------------------------------------------------------------

// the k-th allocation fails, for k = 1, 2, ... until the whole succeeds: no crash, and (under a sanitizer) no leak
static void fail_each(const char *name, const char *query) {
    char path[512];
    snprintf(path, sizeof path, "%s.duress", name);
    Text text = {0};
    DurError error = {0};
    CHECK_OK(file_read(&text, path, LANG_FILE_BYTES_MAX, &error));
    int64_t k = 1;
    for (;; k++) {
        Compilation c;
        error = (DurError){0};
        memory_fail_at(k);
        DurStatus s = lang_compile_text(&c, path, text_view(&text), text.length, &query, query ? 1 : 0, &error);
        int64_t asked = memory_fail_at(0);
        if (asked < k) {
            CHECK_OK(s);
            lang_free(&c);
            break;
        }
        assert_int_equal(s, DUR_MEMORY);
        CHECK(c.model == NULL);
        CHECK(error.text[0] != '\0');
        lang_free(&c);
    }
    CHECK(k > 20);
    text_free(&text);
}

TEST(every_allocation_of_a_sound_scenario_may_fail) {
    fail_each("example", "E(count(hand_over) over 1 month | relax)");
    fail_each("check_remarks", NULL);
}
TEST(every_allocation_of_a_faulty_one_may_fail) {
    fail_each("check_names", NULL);
    fail_each("check_types", "E(s at 3");
}
TEST(every_allocation_of_other_faults_may_fail) {
    fail_each("check_policies", "E(s at 3 month)");
    fail_each("check_private", NULL);
    fail_each("check_refused", NULL);
    fail_each("check_rounds", NULL);
}

int main(void) {
    // faults name files as they were asked for, so the files are asked for from where they are
    if (chdir(TEST_DIR)) return 1;
    const struct CMUnitTest tests[] = {
        RUN(names_that_are_unknown_doubled_or_of_another_kind_are_told),
        RUN(conditions_are_no_numbers_and_modes_are_neither),
        RUN(units_that_do_not_go_together_are_told),
        RUN(clauses_that_are_missing_or_out_of_range_are_told),
        RUN(policies_and_claims_ask_only_what_can_be_answered),
        RUN(rounds_take_chances_and_changes_and_an_order_of_all_who_move),
        RUN(a_continuous_clock_takes_nothing_of_rounds),
        RUN(a_private_type_is_read_by_its_owner_alone_and_says_all_it_needs),
        RUN(what_does_not_run_yet_is_checked_and_refused_by_name),
        RUN(an_import_is_overridden_by_kind_and_name_and_its_faults_are_its_own),
        RUN(remarks_and_assumed_lines_leave_the_model_whole),
        RUN(conditions_that_noise_passes_through_are_told),
        RUN(sixty_four_variables_fit_and_sixty_five_are_told),
        RUN(a_lattice_of_more_states_than_can_be_counted_still_compiles),
        RUN(a_chain_of_lets_is_followed_to_its_limit_and_no_further),
        RUN(lets_that_double_are_shared_and_not_unfolded),
        RUN(expressions_too_large_for_their_registers_are_told),
        RUN(a_policy_cannot_ask_for_memory_without_bound),
        RUN(more_faults_than_are_kept_are_still_counted),
        RUN(every_allocation_of_a_sound_scenario_may_fail),
        RUN(every_allocation_of_a_faulty_one_may_fail),
        RUN(every_allocation_of_other_faults_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
