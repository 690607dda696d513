#define _GNU_SOURCE   // mkdtemp
#include "../check.h"

#include "base/file.h"
#include "base/memory.h"
#include "store/store.h"

#include <sqlite3.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[] = "/tmp/duress-store-XXXXXX";

static const char *place(const char *name) {
    static char path[256];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static int make_folder(void **state) { return mkdtemp(folder) ? 0 : -1; }
static int remove_folder(void **state) {
    char command[64];
    snprintf(command, sizeof command, "rm -rf %s", folder);
    return system(command);
}

static Store *open_store(const char *name) {
    Store *store;
    DurError error = {0};
    if (store_open(&store, place(name), STORE_WRITE, &error) != DUR_OK) fail_msg("%s", error.text);
    return store;
}

static StoreRun question(const char *key) {
    return (StoreRun){.begun = 1000, .key = (char *)key, .command = "simulate", .line = "duress simulate x", .title = "A title",
                      .path = "x.duress", .hash = "abc", .seed = "18446744073709551615", .version = "0",
                      .question = "seed 0\n"};
}

static const char *const FACT[1][2] = {{"machine", "m"}};

static int64_t begin(Store *store, const char *key, bool *is_older) {
    StoreRun run = question(key);
    StoreFile file[2] = {{"x.duress", "text\n", 5}, {"part/y.duress", "", 0}};
    int64_t id = 0;
    CHECK_OK(store_begin(store, &run, file, 2, FACT, 1, &id, is_older, NULL));
    CHECK(id > 0);
    return id;
}

static Frame *numbers(void) {
    Frame *frame = frame_make("numbers", 4);
    double *x = frame_add_number(frame, "x", "km/h");
    const double value[4] = {-0.0, NAN, 0x1p-1074, 1e300};
    memcpy(x, value, sizeof value);
    CHECK(frame_add_text(frame, "name, of \xC3\xA9"));
    CHECK(frame_set_text(frame, 1, 1, "\xE2\x82\xAC,\"'\\"));
    CHECK(frame_set_text(frame, 1, 3, "plain"));
    return frame;
}

static void finish(Store *store, int64_t id, StoreState state, const char *text) {
    Frame *frame = numbers(), *empty = frame_make("empty", 0);
    const Frame *all[2] = {frame, empty};
    CHECK(frame_add_text(empty, "t"));
    StoreRun run = {.id = id, .state = state, .seconds = 2, .status = "ok", .reason = "", .text = (char *)text, .json = "{}",
                    .faults = ""};
    DurError error = {0};
    if (store_finish(store, &run, all, 2, "<page>", 6, &error) != DUR_OK) fail_msg("%s", error.text);
    frame_free(frame);
    frame_free(empty);
}

TEST(a_run_comes_back_as_it_was_put_in) {
    Store *store = open_store("whole.db");
    bool is_older;
    int64_t id = begin(store, "key", &is_older);
    CHECK(!is_older);
    StoreRun run;
    CHECK_OK(store_find(store, "key", &run, NULL));
    CHECK(run.id == 0);   // a part answers nothing
    finish(store, id, STORE_DONE, "said");
    CHECK_OK(store_find(store, "key", &run, NULL));
    CHECK(run.id == id && run.state == STORE_DONE && run.begun == 1000 && run.seconds == 2);
    assert_string_equal(run.text, "said");
    assert_string_equal(run.seed, "18446744073709551615");
    store_run_free(&run);

    Frame **frame;
    int32_t n_frame, n_file;
    CHECK_OK(store_frames(store, id, &frame, &n_frame, NULL));
    CHECK(n_frame == 2);
    Frame *expected = numbers();
    assert_string_equal(frame[0]->name, "numbers");
    assert_string_equal(frame[0]->column[0].unit, "km/h");
    CHECK(memcmp(frame[0]->column[0].number, expected->column[0].number, 4 * sizeof(double)) == 0);
    for (int r = 0; r < 4; r++)
        assert_string_equal(frame_text(frame[0], "name, of \xC3\xA9", r), frame_text(expected, "name, of \xC3\xA9", r));
    CHECK(frame[1]->n_row == 0 && frame[1]->n_column == 1);
    frame_free(expected);
    store_frames_free(frame, n_frame);

    StoreFile *file;
    CHECK_OK(store_files(store, id, &file, &n_file, NULL));
    CHECK(n_file == 2 && file[0].length == 5 && file[1].length == 0);
    assert_string_equal(file[1].path, "part/y.duress");
    store_files_free(file, n_file);
    Text page = {0};
    CHECK_OK(store_page(store, id, &page, NULL));
    assert_string_equal(text_view(&page), "<page>");
    text_free(&page);
    store_close(store);
}

TEST(a_part_is_taken_up_and_only_grows) {
    Store *store = open_store("parts.db");
    bool is_older;
    int64_t id = begin(store, "k", &is_older), n_run;
    Text data = {0};
    CHECK_OK(store_put_part(store, id, "p", 0, 10, "ten", 3, NULL));
    CHECK_OK(store_put_part(store, id, "p", 0, 5, "five", 4, NULL));   // another process that is behind
    CHECK_OK(store_get_part(store, id, "p", 0, &n_run, &data, NULL));
    CHECK(n_run == 10 && data.length == 3);
    CHECK_OK(store_put_part(store, id, "p", 0, 20, "twenty", 6, NULL));
    store_close(store);
    store = open_store("parts.db");
    CHECK(begin(store, "k", &is_older) == id && is_older);
    CHECK_OK(store_get_part(store, id, "p", 0, &n_run, &data, NULL));
    CHECK(n_run == 20 && data.length == 6);
    CHECK_OK(store_get_part(store, id, "p", 20, &n_run, &data, NULL));
    CHECK(n_run == 0);
    // done: the parts go, and a process that comes late changes nothing
    finish(store, id, STORE_DONE, "first");
    CHECK_OK(store_get_part(store, id, "p", 0, &n_run, &data, NULL));
    CHECK(n_run == 0);
    CHECK_OK(store_put_part(store, id, "p", 0, 30, "late", 4, NULL));
    CHECK_OK(store_get_part(store, id, "p", 0, &n_run, &data, NULL));
    CHECK(n_run == 0);
    finish(store, id, STORE_DONE, "second");
    StoreRun run;
    CHECK_OK(store_get(store, id, &run, NULL));
    assert_string_equal(run.text, "first");
    store_run_free(&run);
    CHECK(begin(store, "k", &is_older) != id && !is_older);
    text_free(&data);
    store_close(store);
}

TEST(removing_is_all_or_nothing_and_takes_everything_along) {
    Store *store = open_store("remove.db");
    bool is_older;
    int64_t a = begin(store, "a", &is_older), b = begin(store, "b", &is_older);
    finish(store, a, STORE_DONE, "a");
    CHECK_OK(store_put_part(store, b, "p", 0, 1, "x", 1, NULL));
    CHECK_OK(store_put_failure(store, b, "here", 7, "because", NULL));
    DurError error = {0};
    assert_int_equal(store_remove(store, (int64_t[]){a, 99}, 2, &error), DUR_INPUT);
    CHECK(strstr(error.text, "no run 99"));
    StoreRun run;
    CHECK_OK(store_get(store, a, &run, NULL));
    store_run_free(&run);
    CHECK_OK(store_remove(store, (int64_t[]){a, b}, 2, NULL));
    store_close(store);

    sqlite3 *db;
    CHECK_OK(sqlite3_open(place("remove.db"), &db));
    const char *const table[] = {"run", "file", "content", "fact", "frame", "field", "part", "failure"};
    for (size_t i = 0; i < DUR_COUNT(table); i++) {
        char sql[64];
        sqlite3_stmt *s;
        snprintf(sql, sizeof sql, "SELECT count(*) FROM %s", table[i]);
        CHECK_OK(sqlite3_prepare_v2(db, sql, -1, &s, NULL));
        assert_int_equal(sqlite3_step(s), SQLITE_ROW);
        if (sqlite3_column_int(s, 0)) fail_msg("%s has rows left", table[i]);
        sqlite3_finalize(s);
    }
    sqlite3_close(db);
}

static void read_bytes(const char *path, Text *out) {
    DurError error = {0};
    if (file_read(out, path, 1 << 24, &error) != DUR_OK) fail_msg("%s", error.text);
}

// what is no store of ours, or one of later times, is refused for reading and for writing, with not a byte changed
static void refuse(const char *name, const char *says) {
    Text before = {0}, after = {0};
    read_bytes(place(name), &before);
    for (int access = STORE_READ; access <= STORE_WRITE; access++) {
        Store *store;
        DurError error = {0};
        assert_int_equal(store_open(&store, place(name), (StoreAccess)access, &error), DUR_IO);
        CHECK(store == NULL);
        if (!strstr(error.text, says) || !strstr(error.text, name)) fail_msg("%s", error.text);
        read_bytes(place(name), &after);
        CHECK(before.length == after.length && memcmp(before.data, after.data, before.length) == 0);
    }
    text_free(&before);
    text_free(&after);
}

static void sql(const char *name, const char *text) {
    sqlite3 *db;
    CHECK_OK(sqlite3_open(place(name), &db));
    CHECK_OK(sqlite3_exec(db, text, NULL, NULL, NULL));
    sqlite3_close(db);
}

TEST(what_is_not_ours_or_of_later_times_is_left_as_it_is) {
    store_close(open_store("later.db"));
    sql("later.db", "PRAGMA user_version = 99; CREATE TABLE more(x)");
    refuse("later.db", "newer duress");
    sql("other.db", "CREATE TABLE people(name)");
    refuse("other.db", "no store of duress");
    static const char letter[] = "this is a letter to a friend, long enough to be read as the header of a database by whoever "
                                 "does not look\n";
    CHECK_OK(file_write(place("garbage.db"), letter, strlen(letter), NULL));
    refuse("garbage.db", "not a store");
    Store *store;
    DurError error = {0};
    assert_int_equal(store_open(&store, place("nowhere/x.db"), STORE_WRITE, &error), DUR_IO);
    assert_int_equal(store_open(&store, place("absent.db"), STORE_READ, NULL), DUR_IO);
    struct stat info;
    CHECK(stat(place("absent.db"), &info) != 0);
}

TEST(a_store_that_was_begun_and_not_made_is_made) {
    // a process killed between the making of the file and of its tables
    sql("begun.db", "PRAGMA journal_mode = WAL");
    Store *store = open_store("begun.db");
    bool is_older;
    begin(store, "k", &is_older);
    store_close(store);
}

TEST(memory_that_runs_out_anywhere_is_told_and_the_store_stays_whole) {
    Store *store = open_store("memory.db");
    bool is_older;
    Frame *frame = numbers();
    const Frame *all[1] = {frame};
    int64_t n = 1;
    for (DurStatus status = DUR_MEMORY; status != DUR_OK; n++) {
        char key[32];
        snprintf(key, sizeof key, "k%d", (int)n);
        int64_t id = begin(store, key, &is_older);
        StoreRun run = {.id = id, .state = STORE_DONE, .status = "ok"}, back = {0};
        Frame **frames = NULL;
        int32_t n_frame = 0;
        memory_fail_at(n);
        status = store_finish(store, &run, all, 1, NULL, 0, NULL);
        if (status == DUR_OK) status = store_get(store, id, &back, NULL);
        if (status == DUR_OK) status = store_frames(store, id, &frames, &n_frame, NULL);
        memory_fail_at(0);
        store_run_free(&back);
        store_frames_free(frames, n_frame);
    }
    CHECK(n > 20);
    frame_free(frame);
    store_close(store);
}

static bool has_game(Store *store, const char *key, const char *bytes, size_t n) {
    bool is_there;
    Text back = {0};
    CHECK_OK(store_get_game(store, key, &is_there, &back, NULL));
    bool same = is_there && back.length == n && memcmp(text_view(&back), bytes, n) == 0;
    CHECK(same == is_there);
    text_free(&back);
    return is_there;
}

TEST(a_solved_game_comes_back_whole_or_not_at_all) {
    Store *store = open_store("games.db");
    // of more than one piece, and of none
    size_t n = ((size_t)33 << 20) + 5;
    char *bytes = memory_alloc(n);
    for (size_t i = 0; i < n; i++) bytes[i] = (char)(i * 2654435761u >> 13);
    CHECK_OK(store_put_game(store, "long", bytes, n, INT64_MAX, NULL));
    CHECK_OK(store_put_game(store, "long", bytes, n, INT64_MAX, NULL));
    CHECK_OK(store_put_game(store, "short", "x", 1, INT64_MAX, NULL));
    CHECK(has_game(store, "long", bytes, n) && has_game(store, "short", "x", 1) && !has_game(store, "other", "", 0));
    int64_t n_game, n_byte;
    CHECK_OK(store_count_games(store, &n_game, &n_byte, NULL));
    CHECK(n_game == 2 && n_byte == (int64_t)n + 1);
    // a process that was killed before the last piece, and one whose pieces another took away
    sql("games.db", "UPDATE game SET is_whole = 0 WHERE key = 'short'; DELETE FROM piece WHERE game = 'long' AND number = 1");
    CHECK(!has_game(store, "long", bytes, n) && !has_game(store, "short", "x", 1));
    CHECK_OK(store_drop_games(store, NULL));
    CHECK_OK(store_count_games(store, &n_game, &n_byte, NULL));
    CHECK(n_game == 0 && n_byte == 0);
    memory_free(bytes);
    store_close(store);
}

TEST(games_used_longest_ago_make_room) {
    Store *store = open_store("room.db");
    static const char bytes[40] = "forty bytes";
    const char *const key[] = {"a", "b"};
    for (int i = 0; i < 2; i++) CHECK_OK(store_put_game(store, key[i], bytes, sizeof bytes, 100, NULL));
    sql("room.db", "UPDATE game SET used = 1000 WHERE key = 'a'; UPDATE game SET used = 2000 WHERE key = 'b'");
    // that it was read counts
    CHECK(has_game(store, "a", bytes, sizeof bytes));
    CHECK_OK(store_put_game(store, "c", bytes, sizeof bytes, 100, NULL));
    CHECK(has_game(store, "a", bytes, sizeof bytes) && !has_game(store, "b", bytes, sizeof bytes) && has_game(store, "c", bytes, sizeof bytes));
    // what has no room is not kept, and nothing goes for it
    char large[101] = {0};
    CHECK_OK(store_put_game(store, "large", large, sizeof large, 100, NULL));
    CHECK(!has_game(store, "large", large, sizeof large) && has_game(store, "a", bytes, sizeof bytes));
    CHECK_OK(store_put_game(store, "whole", large, 100, 100, NULL));
    int64_t n_game, n_byte;
    CHECK_OK(store_count_games(store, &n_game, &n_byte, NULL));
    CHECK(n_game == 1 && n_byte == 100);
    store_close(store);
}

TEST(a_store_of_before_there_were_games_gets_their_tables) {
    bool is_older;
    Store *store = open_store("earlier.db");
    int64_t id = begin(store, "k", &is_older);
    store_close(store);
    sql("earlier.db", "DROP TABLE piece; DROP TABLE game; PRAGMA user_version = 1");
    int64_t n_game, n_byte;
    CHECK_OK(store_open(&store, place("earlier.db"), STORE_READ, NULL));
    CHECK_OK(store_count_games(store, &n_game, &n_byte, NULL));
    CHECK(n_game == 0);
    store_close(store);
    store = open_store("earlier.db");
    CHECK_OK(store_put_game(store, "g", "x", 1, 1, NULL));
    CHECK(has_game(store, "g", "x", 1));
    StoreRun back;
    CHECK_OK(store_get(store, id, &back, NULL));
    store_run_free(&back);
    store_close(store);
    store_close(open_store("earlier.db"));
}

TEST(a_numpy_file_has_a_header_of_whole_lines_of_64_bytes_and_rows_behind_it) {
    Frame *frame = numbers();
    Text out = {0};
    npy_frame(&out, frame);
    CHECK(!out.failed && memcmp(out.data, "\x93NUMPY\x03", 7) == 0);   // a name that is not ASCII takes version 3
    uint32_t length = 0;
    memcpy(&length, out.data + 8, 4);
    CHECK((12 + length) % 64 == 0 && out.data[12 + length - 1] == '\n');
    CHECK(strstr(out.data + 12, "('x', '<f8'), ('name, of \xC3\xA9', '<U5'), ]") != NULL);
    // 4 rows of a double and five letters of four bytes
    assert_int_equal(out.length, 12 + length + 4 * (8 + 20));
    const char *row = out.data + 12 + length + 28;
    uint32_t letter;
    memcpy(&letter, row + 8, 4);
    assert_int_equal(letter, 0x20AC);
    text_free(&out);
    frame_free(frame);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        RUN(a_run_comes_back_as_it_was_put_in),
        RUN(a_part_is_taken_up_and_only_grows),
        RUN(removing_is_all_or_nothing_and_takes_everything_along),
        RUN(what_is_not_ours_or_of_later_times_is_left_as_it_is),
        RUN(a_store_that_was_begun_and_not_made_is_made),
        RUN(memory_that_runs_out_anywhere_is_told_and_the_store_stays_whole),
        RUN(a_solved_game_comes_back_whole_or_not_at_all),
        RUN(games_used_longest_ago_make_room),
        RUN(a_store_of_before_there_were_games_gets_their_tables),
        RUN(a_numpy_file_has_a_header_of_whole_lines_of_64_bytes_and_rows_behind_it),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
