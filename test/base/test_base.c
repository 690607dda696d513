#define _XOPEN_SOURCE 700
#include "../check.h"

#include "base/arena.h"
#include "base/asking.h"
#include "base/compiler.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/progress.h"
#include "base/sha256.h"
#include "base/team.h"
#include "base/text.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

// ---- names of contents ----

static void hash_is(const char *text, int times, const char *expected) {
    Sha256 s;
    char hex[65];
    sha256_start(&s);
    for (int i = 0; i < times; i++) sha256_add(&s, text, strlen(text));
    sha256_hex(&s, hex);
    assert_string_equal(hex, expected);
}

TEST(sha256_gives_the_answers_of_the_standard) {   // FIPS 180-4 examples; a million a's; lengths around the padding
    hash_is("", 1, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    hash_is("abc", 1, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    hash_is("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 1,
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
    hash_is("a", 1000000, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
    hash_is("a", 55, "9f4390f8d30c2dd92ec9f095b65e2b9ae9b0a925a5258e241c9f1e910f734318");
    hash_is("a", 64, "ffe054fe7ae0cb6dc65c3af9b61d5209f439851db43d0ba5997337df154668eb");
}

// ---- text ----

TEST(a_double_is_written_as_the_shortest_decimal_that_reads_back) {
    char b[32];
    assert_string_equal(text_from_double(b, 0.1), "0.1");
    assert_string_equal(text_from_double(b, 1.0 / 3), "0.3333333333333333");
    assert_string_equal(text_from_double(b, 1e300), "1e+300");
    assert_string_equal(text_from_double(b, -0.0), "-0");
    assert_string_equal(text_from_double(b, 20), "20");
    assert_string_equal(text_from_double(b, -324000), "-324000");
    assert_string_equal(text_from_double(b, 1e15), "1e+15");
    assert_string_equal(text_from_double(b, 0.0001), "0.0001");
    assert_string_equal(text_from_double(b, 1234567.25), "1234567.25");
    uint64_t bits = 88172645463325252u;
    for (int i = 0; i < 20000; i++) {
        bits ^= bits << 13; bits ^= bits >> 7; bits ^= bits << 17;
        double x;
        memcpy(&x, &bits, sizeof x);
        if (isnan(x) || isinf(x)) continue;
        CHECK_SAME(strtod(text_from_double(b, x), NULL), x);
    }
}

TEST(numbers_for_people_have_few_digits_and_grouped_thousands) {
    const struct { double x; int digits; const char *text; } row[] = {
        {324000, 6, "324,000"}, {0.04182, 3, "0.0418"}, {1234, 4, "1234"}, {-12345.678, 7, "-12,345.68"},
        {0, 3, "0"}, {-0.0, 3, "0"}, {1e15, 3, "1e+15"}, {2.5e-9, 2, "2.5e-09"}, {100, 1, "100"}, {0.5, 3, "0.5"}};
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        Text t = {0};
        text_number(&t, row[i].x, row[i].digits);
        assert_string_equal(text_view(&t), row[i].text);
        text_free(&t);
    }
}

TEST(a_confidence_says_no_more_than_is_true) {
    static const struct { double share; const char *text; } row[] = {
        {0.5, "50"}, {0.57, "57"}, {0.99, "99"}, {0.995, "99.5"}, {0.9999, "99.99"}, {0.999999, "99.9999"},
        {0.99999851, "99.999851"}, {0.999999999999, "99.9999999999"}, {1 - 0x1p-53, "99.99999999999999"}, {1, "100"}};
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        Text t = {0};
        text_confidence(&t, row[i].share);
        assert_string_equal(text_view(&t), row[i].text);
        text_free(&t);
    }
}

TEST(a_near_name_is_suggested_and_a_far_one_is_not) {
    const char *names[] = {"crackdown", "collusion", "power", "credit"};
    assert_string_equal(text_nearest("crakdown", names, 4), "crackdown");
    assert_string_equal(text_nearest("colusion", names, 4), "collusion");
    assert_string_equal(text_nearest("pwoer", names, 4), "power");
    assert_null(text_nearest("detainees", names, 4));
    assert_null(text_nearest("x", names, 4));
    assert_int_equal(text_distance("kitten", "sitting", 9), 3);
    assert_int_equal(text_distance("ab", "ba", 9), 1);
}

TEST(only_valid_utf8_is_text) {
    size_t bad;
    assert_true(text_is_utf8("na\xc3\xafve \xe2\x82\xac \xf0\x9f\x8c\x8d", 15, &bad));
    assert_false(text_is_utf8("ab\xff", 3, &bad));
    assert_int_equal(bad, 2);
    assert_false(text_is_utf8("\xc0\x80", 2, &bad));           // overlong
    assert_false(text_is_utf8("\xed\xa0\x80", 3, &bad));       // surrogate
    assert_false(text_is_utf8("\xf4\x90\x80\x80", 4, &bad));   // past the last plane
    assert_false(text_is_utf8("a\0b", 3, &bad));
    assert_false(text_is_utf8("\xe2\x82", 2, &bad));           // cut short
    assert_int_equal(text_width("\xc3\xa9t\xc3\xa9", 5), 3);
}

// ---- memory ----

TEST(an_arena_gives_back_what_came_after_a_mark) {
    Arena *a = arena_make();
    char *first = arena_text(a, "first", 5);
    ArenaMark mark = arena_mark(a);
    size_t used = arena_used(a);
    for (int i = 0; i < 1000; i++) {
        unsigned char *p = arena_alloc(a, 777);
        for (int k = 0; k < 777; k++) CHECK(p[k] == 0);
        memset(p, 0xee, 777);
        CHECK((uintptr_t)p % 16 == 0);
    }
    arena_release(a, mark);
    assert_int_equal(arena_used(a), used);
    assert_string_equal(first, "first");
    arena_free(a);
}

TEST(the_allocation_that_a_test_names_fails_and_no_other) {
    memory_fail_at(3);
    void *a = memory_alloc(1), *b = memory_zeroed(1, 1), *c = memory_alloc(1), *d = memory_column(5);
    assert_non_null(a); assert_non_null(b); assert_null(c); assert_non_null(d);
    assert_int_equal(memory_fail_at(0), 4);
    CHECK((uintptr_t)d % 64 == 0);
    memory_free(a); memory_free(b); memory_free(d);
}

TEST(what_lies_behind_a_column_is_zero_even_where_its_content_is_not) {
    // memory that has been used before
    unsigned char *used = memory_alloc(1 << 12);
    memset(used, 0xff, 1 << 12);
    memory_free(used);
    for (int64_t n = 1; n < 900; n += 37) {
        float *x = memory_floats(n);
        double *y = memory_column(n / 2);
        assert_non_null(x); assert_non_null(y);
        CHECK((uintptr_t)x % 64 == 0);
        for (int i = 0; i < 16; i++) CHECK(x[n + i] == 0.0f);
        for (int i = 0; i < 8; i++) CHECK(y[n / 2 + i] == 0.0);
        memset(x, 0xff, (size_t)(n + 16) * sizeof *x);
        memory_free(x); memory_free(y);
    }
}

// ---- threads ----

static void count(void *context, int64_t task, int worker) {
    (void)worker;
    atomic_fetch_add(&((_Atomic int *)context)[task], 1);
}

TEST(every_task_is_done_once_by_any_number_of_threads) {
    int sizes[] = {1, 2, 3, 7, 32};
    for (int k = 0; k < 5; k++) {
        Team *team = team_make(sizes[k]);
        assert_non_null(team);
        assert_int_equal(team_size(team), sizes[k]);
        for (int round = 0; round < 20; round++) {
            _Atomic int done[101] = {0};
            team_run(team, count, done, 101);
            for (int i = 0; i < 101; i++) assert_int_equal(done[i], 1);
        }
        team_free(team);
    }
}

typedef struct Stages {
    _Atomic int64_t n_done[8];
    const int64_t *first;
    _Atomic int n_early;
} Stages;

static void note_stage(void *context, int64_t task, int worker) {
    (void)worker;
    Stages *s = context;
    int stage = 0;
    while (task >= s->first[stage + 1]) stage++;
    // every task of the stage before must be done by now
    if (stage > 0 && s->n_done[stage - 1] != s->first[stage] - s->first[stage - 1]) s->n_early++;
    s->n_done[stage]++;
}

TEST(no_task_of_a_stage_begins_before_the_stage_before_is_done) {
    static const int64_t first[8] = {0, 1, 40, 41, 41, 90, 93, 200};   // the fourth stage is empty
    static const int sizes[] = {1, 2, 3, 7};
    for (size_t k = 0; k < DUR_COUNT(sizes); k++) {
        Team *team = team_make(sizes[k]);
        for (int round = 0; round < 50; round++) {
            Stages s = {.first = first};
            team_run_stages(team, note_stage, &s, 7, first);
            int64_t total = 0;
            for (int i = 0; i < 7; i++) total += s.n_done[i];
            assert_int_equal(total, 200);
            // after an empty stage the one before the last that had tasks counts, which `note_stage` does not look for
            assert_int_equal(s.n_early, 0);
        }
        team_free(team);
    }
}

// who is asked whether to stop, and by whom
typedef struct Asked {
    pthread_t caller;
    _Atomic int n_asked, n_elsewhere;
    int after;                 // yes from this question on
} Asked;

static bool stop_after(void *context) {
    Asked *a = context;
    if (!pthread_equal(pthread_self(), a->caller)) a->n_elsewhere++;
    return ++a->n_asked >= a->after;
}

typedef struct Hearing {
    Asking asking;
    _Atomic int n_here, n_heard;
} Hearing;

// each of the threads has a task of its own, and stays with it until it hears that it is to stop
static void hear(void *context, int64_t task, int worker) {
    (void)task;
    Hearing *h = context;
    Asker asker = {&h->asking, worker};
    for (h->n_here++; h->n_here < 3;) DUR_PAUSE();
    while (!asker_stopped(&asker)) DUR_PAUSE();
    h->n_heard++;
}

// the same, where the caller's thread has little to do
static void hear_elsewhere(void *context, int64_t task, int worker) {
    Hearing *h = context;
    if (worker > 0) { hear(context, task, worker); return; }
    for (h->n_here++; h->n_here < 3;) DUR_PAUSE();
}

TEST(the_callers_thread_alone_asks_whether_to_stop_and_all_hear_it) {
    Team *team = team_make(3);
    Asked asked = {.caller = pthread_self(), .after = 5};
    Progress progress = {.stop = stop_after, .context = &asked};
    Hearing h = {.asking = {.progress = &progress}};
    team_run(team, hear, &h, 3);
    assert_int_equal(h.n_heard, 3);
    CHECK(asked.n_asked >= 5);
    assert_int_equal(asked.n_elsewhere, 0);
    // somebody asks even while the caller has nothing left to do but wait
    asked.n_asked = 0;
    h = (Hearing){.asking = {.progress = &progress}};
    asking_run(&h.asking, team, hear_elsewhere, &h, 3);
    assert_int_equal(h.n_heard, 2);
    assert_int_equal(asked.n_elsewhere, 0);
    // a question once answered stays answered, and nobody to ask never stops
    CHECK(asking_stopped(&h.asking, 1));
    Asking nobody = {0};
    CHECK(!asking_stopped(&nobody, 0));
    team_free(team);
}

// ---- files ----

static void take_share(void *context, const char *what, double done, double total, const char *note) {
    (void)what, (void)note;
    *(double *)context = done / total;
}

TEST(what_overshoots_its_end_is_told_as_done) {
    double share = NAN;
    Progress p = {.tell = take_share, .context = &share};
    progress_tell(&p, "solving", 2, 8, NULL);
    CHECK_NEAR(share, 0.25, 0);
    progress_tell(&p, "solving", 8.3, 8, NULL);
    CHECK_NEAR(share, 1, 0);
    // without a known end there is nothing to overshoot
    progress_tell(&p, "solving", 3, -1, NULL);
    CHECK_NEAR(share, -3, 0);
    progress_tell(NULL, "solving", 1, 2, NULL);
}

TEST(a_file_is_written_whole_or_the_old_one_stays) {
    char folder[] = "/tmp/duress-test-XXXXXX", path[64];
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/a", folder);
    DurError error = {0};
    CHECK_OK(file_write(path, "old", 3, &error));

    FileOut *out;
    CHECK_OK(file_open(&out, path, &error));
    CHECK_OK(file_put(out, "half", 4, &error));
    file_drop(out);
    Text text = {0};
    CHECK_OK(file_read(&text, path, 100, &error));
    assert_string_equal(text_view(&text), "old");

    CHECK_OK(file_write(path, "new", 3, &error));
    CHECK_OK(file_read(&text, path, 100, &error));
    assert_string_equal(text_view(&text), "new");

    // nothing but the file itself is left in the folder
    unlink(path);
    assert_int_equal(rmdir(folder), 0);
    text_free(&text);
}

TEST(two_paths_of_one_file_are_told_from_two_files) {
    char folder[] = "/tmp/duress-same-XXXXXX", file[64], link_to[64], other[64];
    assert_non_null(mkdtemp(folder));
    snprintf(file, sizeof file, "%s/file", folder);
    snprintf(link_to, sizeof link_to, "%s/link", folder);
    snprintf(other, sizeof other, "%s/other", folder);
    CHECK_OK(file_write(file, "x", 1, NULL));
    CHECK_OK(file_write(other, "x", 1, NULL));
    CHECK(symlink(file, link_to) == 0);
    CHECK(file_is_same(file, file) && file_is_same(file, link_to) && !file_is_same(file, other));
    CHECK(!file_is_same(file, "/nowhere") && !file_is_same("/nowhere", "/nowhere"));
    unlink(link_to), unlink(file), unlink(other), rmdir(folder);
}

TEST(a_file_that_is_replaced_keeps_its_links_and_its_mode) {
    char folder[] = "/tmp/duress-link-XXXXXX", file[64], link_to[64], fresh[64];
    assert_non_null(mkdtemp(folder));
    snprintf(file, sizeof file, "%s/file", folder);
    snprintf(link_to, sizeof link_to, "%s/link", folder);
    snprintf(fresh, sizeof fresh, "%s/fresh", folder);
    CHECK_OK(file_write(file, "old", 3, NULL));
    CHECK(chmod(file, 0640) == 0 && symlink("file", link_to) == 0);
    mode_t mask = umask(027);
    CHECK_OK(file_write(link_to, "new", 3, NULL));
    CHECK_OK(file_write(fresh, "x", 1, NULL));
    umask(mask);

    struct stat info;
    CHECK(lstat(link_to, &info) == 0 && S_ISLNK(info.st_mode));
    CHECK(stat(file, &info) == 0 && info.st_size == 3 && (info.st_mode & 07777) == 0640);
    CHECK(stat(fresh, &info) == 0 && (info.st_mode & 07777) == 0640);
    CHECK(chmod(file, 0755) == 0);
    CHECK_OK(file_write(file, "newer", 5, NULL));
    CHECK(stat(link_to, &info) == 0 && info.st_size == 5 && (info.st_mode & 07777) == 0755);
    unlink(link_to), unlink(file), unlink(fresh), rmdir(folder);
}

TEST(a_full_disk_and_a_missing_folder_are_told_with_the_path) {
    DurError error = {0};
    assert_int_equal(file_write("/dev/full", "x", 1, &error), DUR_IO);
    assert_non_null(strstr(error.text, "/dev/full"));
    error = (DurError){0};
    assert_int_equal(file_write("/nonexistent/folder/a", "x", 1, &error), DUR_IO);
    assert_non_null(strstr(error.text, "/nonexistent/folder/a"));
    error = (DurError){0};
    Text text = {0};
    assert_int_equal(file_read(&text, "/", 10, &error), DUR_IO);
    error = (DurError){0};
    assert_int_equal(file_read(&text, "/proc/self/exe", 10, &error), DUR_LIMIT);
    text_free(&text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        RUN(no_task_of_a_stage_begins_before_the_stage_before_is_done),
        RUN(sha256_gives_the_answers_of_the_standard),
        RUN(a_double_is_written_as_the_shortest_decimal_that_reads_back),
        RUN(numbers_for_people_have_few_digits_and_grouped_thousands),
        RUN(a_confidence_says_no_more_than_is_true),
        RUN(a_near_name_is_suggested_and_a_far_one_is_not),
        RUN(only_valid_utf8_is_text),
        RUN(an_arena_gives_back_what_came_after_a_mark),
        RUN(the_allocation_that_a_test_names_fails_and_no_other),
        RUN(what_lies_behind_a_column_is_zero_even_where_its_content_is_not),
        RUN(every_task_is_done_once_by_any_number_of_threads),
        RUN(the_callers_thread_alone_asks_whether_to_stop_and_all_hear_it),
        RUN(what_overshoots_its_end_is_told_as_done),
        RUN(a_file_is_written_whole_or_the_old_one_stays),
        RUN(two_paths_of_one_file_are_told_from_two_files),
        RUN(a_file_that_is_replaced_keeps_its_links_and_its_mode),
        RUN(a_full_disk_and_a_missing_folder_are_told_with_the_path),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
