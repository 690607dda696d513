#define _POSIX_C_SOURCE 200809L
#include "../check.h"

#include "base/file.h"
#include "base/memory.h"
#include "frame/frame.h"

#include <dirent.h>
#include <stdlib.h>
#include <unistd.h>

static char FOLDER[] = "/tmp/duress-frame-XXXXXX";

static const char *in_folder(const char *name) {
    static char path[256];
    snprintf(path, sizeof path, "%s/%s", FOLDER, name);
    return path;
}

static int count_files(void) {
    DIR *folder = opendir(FOLDER);
    CHECK(folder != NULL);
    int n = 0;
    while (readdir(folder)) n++;
    closedir(folder);
    return n;
}

static Frame *small_frame(void) {
    Frame *frame = frame_make("series", 3);
    if (!frame) return NULL;
    double *time = frame_add_number(frame, "time", "month");
    double *mean = time ? frame_add_number(frame, "mean", NULL) : NULL;
    if (!mean || !frame_add_text(frame, "policy") || !frame_set_text(frame, 2, 0, "hold")
        || !frame_set_text(frame, 2, 2, "relax")) {
        frame_free(frame);
        return NULL;
    }
    for (int i = 0; i < 3; i++) time[i] = i;
    mean[0] = 0.1;
    mean[1] = 1.0 / 3;
    mean[2] = -1e300;
    return frame;
}

TEST(a_cell_is_found_by_column_name_and_an_absent_column_reads_as_nothing) {
    Frame *frame = small_frame();
    CHECK(frame->n_row == 3 && frame->n_column == 3);
    CHECK_SAME(frame_number(frame, "mean", 1), 1.0 / 3);
    CHECK(strcmp(frame_text(frame, "policy", 2), "relax") == 0);
    CHECK(strcmp(frame_text(frame, "policy", 1), "") == 0);
    CHECK(strcmp(frame_column(frame, "time")->unit, "month") == 0);
    CHECK(strcmp(frame_column(frame, "mean")->unit, "") == 0);
    CHECK(frame_column(frame, "absent") == NULL);
    CHECK(isnan(frame_number(frame, "absent", 0)) && isnan(frame_number(frame, "policy", 0)));
    CHECK(strcmp(frame_text(frame, "absent", 0), "") == 0 && strcmp(frame_text(frame, "mean", 0), "") == 0);
    frame_free(frame);
    frame_free(NULL);
}

TEST(a_text_cell_is_a_copy_and_can_be_replaced_and_emptied) {
    Frame *frame = small_frame();
    char word[] = "before";
    CHECK(frame_set_text(frame, 2, 1, word));
    word[0] = 'X';
    CHECK(strcmp(frame_text(frame, "policy", 1), "before") == 0);
    CHECK(frame_set_text(frame, 2, 1, "after"));
    CHECK(strcmp(frame_text(frame, "policy", 1), "after") == 0);
    CHECK(frame_set_text(frame, 2, 1, NULL));
    CHECK(strcmp(frame_text(frame, "policy", 1), "") == 0);
    frame_free(frame);
}

TEST(a_frame_may_have_no_rows) {
    Frame *frame = frame_make("empty", 0);
    CHECK(frame && frame_add_number(frame, "x", "") && frame_add_text(frame, "t"));
    CHECK_OK(frame_write_csv(frame, in_folder("empty.csv"), NULL));
    Text text = {0};
    CHECK_OK(file_read(&text, in_folder("empty.csv"), 1000, NULL));
    assert_string_equal(text_view(&text), "x,t\n");
    text_free(&text);
    frame_free(frame);
}

TEST(csv_is_what_rfc_4180_says_byte_for_byte) {
    Frame *frame = frame_make("odd", 6);
    double *x = frame_add_number(frame, "x", "1/month, gross");
    frame_add_text(frame, "say \"what\"");
    const double number[6] = {0.1, -0.0, 1e300, NAN, -INFINITY, 123456789012.0};
    const char *text[6] = {"plain", "a,b", "he said \"no\"", "two\nlines", "", " edge"};
    for (int i = 0; i < 6; i++) {
        x[i] = number[i];
        CHECK(frame_set_text(frame, 1, i, text[i]));
    }
    CHECK_OK(frame_write_csv(frame, in_folder("odd.csv"), NULL));
    Text got = {0};
    CHECK_OK(file_read(&got, in_folder("odd.csv"), 10000, NULL));
    assert_string_equal(text_view(&got),
        "\"x (1/month, gross)\",\"say \"\"what\"\"\"\n"
        "0.1,plain\n"
        "-0,\"a,b\"\n"
        "1e+300,\"he said \"\"no\"\"\"\n"
        "nan,\"two\nlines\"\n"
        "-inf,\n"
        "123456789012,\" edge\"\n");
    text_free(&got);
    frame_free(frame);
}

TEST(a_row_of_one_empty_text_is_no_blank_line) {
    Frame *frame = frame_make("one", 2);
    frame_add_text(frame, "t");
    frame_set_text(frame, 0, 1, "x");
    CHECK_OK(frame_write_csv(frame, in_folder("one.csv"), NULL));
    Text got = {0};
    CHECK_OK(file_read(&got, in_folder("one.csv"), 100, NULL));
    assert_string_equal(text_view(&got), "t\n\"\"\nx\n");
    text_free(&got);
    frame_free(frame);
}

// any bit pattern, subnormals and extremes included
static double any_double(uint64_t *state) {
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    uint64_t bits = *state ^ *state >> 29;
    double x;
    memcpy(&x, &bits, sizeof x);
    return isfinite(x) ? x : (double)(int64_t)*state * 1e-3;
}

TEST(doubles_come_back_from_csv_with_the_same_bits) {
    enum { N = 3000 };   // more than one block of the writer
    Frame *frame = frame_make("bits", N);
    double *x = frame_add_number(frame, "x", "");
    uint64_t state = 1;
    for (int i = 0; i < N; i++) x[i] = any_double(&state);
    x[0] = 5e-324, x[1] = 1.7976931348623157e308, x[2] = 2.2250738585072014e-308, x[3] = 0.1 + 0.2;
    CHECK_OK(frame_write_csv(frame, in_folder("bits.csv"), NULL));

    Text got = {0};
    CHECK_OK(file_read(&got, in_folder("bits.csv"), 1 << 24, NULL));
    CHECK(got.length > 65536 / 2);
    char *at = strchr(got.data, '\n') + 1;
    for (int i = 0; i < N; i++) {
        char *end;
        CHECK_SAME(strtod(at, &end), x[i]);
        CHECK(*end == '\n');
        at = end + 1;
    }
    CHECK(*at == '\0');
    text_free(&got);
    frame_free(frame);
}

TEST(long_files_are_written_whole_through_several_blocks) {
    enum { N = 20000 };
    Frame *frame = frame_make("long", N);
    double *x = frame_add_number(frame, "i", "");
    frame_add_text(frame, "word");
    for (int i = 0; i < N; i++) {
        x[i] = i + 0.5;
        CHECK(frame_set_text(frame, 1, i, "abcdefghij"));
    }
    CHECK_OK(frame_write_csv(frame, in_folder("long.csv"), NULL));
    Text got = {0};
    CHECK_OK(file_read(&got, in_folder("long.csv"), 1 << 24, NULL));
    const char *at = got.data;
    CHECK(strncmp(at, "i,word\n", 7) == 0);
    at += 7;
    for (int i = 0; i < N; i++) {
        char want[64];
        int n = snprintf(want, sizeof want, "%d.5,abcdefghij\n", i);
        CHECK(strncmp(at, want, (size_t)n) == 0);
        at += n;
    }
    CHECK(*at == '\0');
    text_free(&got);
    frame_free(frame);
}

TEST(a_full_disk_and_a_missing_folder_are_io_errors_that_name_the_path) {
    Frame *frame = small_frame();
    DurError error = {0};
    CHECK(frame_write_csv(frame, "/dev/full", &error) == DUR_IO);
    CHECK(strstr(error.text, "/dev/full") != NULL);
    error = (DurError){0};
    CHECK(frame_write_csv(frame, in_folder("no/such/folder.csv"), &error) == DUR_IO);
    CHECK(strstr(error.text, "no/such/folder.csv") != NULL);
    frame_free(frame);
}

TEST(a_failed_write_leaves_the_old_file_and_no_other) {
    Frame *frame = small_frame();
    char old[256];
    snprintf(old, sizeof old, "%s", in_folder("kept.csv"));
    CHECK_OK(file_write(old, "old", 3, NULL));
    memory_fail_at(0);
    CHECK_OK(frame_write_csv(frame, in_folder("probe.csv"), NULL));
    int64_t n = memory_fail_at(0);
    int n_file = count_files();
    CHECK(n >= 3);
    for (int64_t k = 1; k <= n; k++) {
        memory_fail_at(k);
        DurStatus status = frame_write_csv(frame, old, NULL);
        memory_fail_at(0);
        CHECK(status == DUR_MEMORY);
        Text got = {0};
        CHECK_OK(file_read(&got, old, 100, NULL));
        assert_string_equal(text_view(&got), "old");
        CHECK(count_files() == n_file);
        text_free(&got);
    }
    frame_free(frame);
}

TEST(every_allocation_of_a_frame_may_fail_once_without_leak_or_crash) {
    memory_fail_at(0);
    frame_free(small_frame());
    int64_t n = memory_fail_at(0);
    CHECK(n > 10);
    for (int64_t k = 1; k <= n; k++) {
        memory_fail_at(k);
        Frame *frame = small_frame();
        memory_fail_at(0);
        CHECK(frame == NULL);
    }
}

TEST(a_column_that_could_not_be_added_leaves_the_frame_as_it_was) {
    Frame *frame = small_frame();
    for (int64_t k = 1; k <= 4; k++) {
        memory_fail_at(k);
        CHECK(frame_add_number(frame, "more", "m") == NULL);
        memory_fail_at(0);
        CHECK(frame->n_column == 3 && frame_column(frame, "more") == NULL);
        CHECK_SAME(frame_number(frame, "mean", 0), 0.1);
    }
    CHECK(frame_add_number(frame, "more", "m") != NULL);
    frame_free(frame);
}

static int make_folder(void **state) { (void)state; return mkdtemp(FOLDER) ? 0 : -1; }
static int drop_folder(void **state) {
    (void)state;
    const char *name[] = {"empty.csv", "odd.csv", "one.csv", "bits.csv", "long.csv", "kept.csv", "probe.csv"};
    for (size_t i = 0; i < sizeof name / sizeof *name; i++) unlink(in_folder(name[i]));
    return rmdir(FOLDER);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        RUN(a_cell_is_found_by_column_name_and_an_absent_column_reads_as_nothing),
        RUN(a_text_cell_is_a_copy_and_can_be_replaced_and_emptied),
        RUN(a_frame_may_have_no_rows),
        RUN(csv_is_what_rfc_4180_says_byte_for_byte),
        RUN(a_row_of_one_empty_text_is_no_blank_line),
        RUN(doubles_come_back_from_csv_with_the_same_bits),
        RUN(long_files_are_written_whole_through_several_blocks),
        RUN(a_full_disk_and_a_missing_folder_are_io_errors_that_name_the_path),
        RUN(a_failed_write_leaves_the_old_file_and_no_other),
        RUN(every_allocation_of_a_frame_may_fail_once_without_leak_or_crash),
        RUN(a_column_that_could_not_be_added_leaves_the_frame_as_it_was),
    };
    return cmocka_run_group_tests(tests, make_folder, drop_folder);
}
