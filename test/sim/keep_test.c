#include "sim_case.h"

#include "sim/internal.h"

// ---- a keeper in memory -------------------------------------------------------------------------------------------

typedef struct Part { int64_t first, n_run; Text data; } Part;
typedef struct Box {
    Part    part[256];
    int     n, n_load, n_save;
    int     stop_after;        // savings after which the work is asked to stop; 0: never
} Box;

static int64_t load(void *context, const char *name, int64_t first, Text *data) {
    Box *box = context;
    assert_string_equal(name, "it");
    text_clear(data);
    box->n_load++;
    for (int i = 0; i < box->n; i++) {
        if (box->part[i].first != first) continue;
        text_append_n(data, text_view(&box->part[i].data), box->part[i].data.length);
        return box->part[i].n_run;
    }
    return 0;
}

static void save(void *context, const char *name, int64_t first, int64_t n_run, const char *data, size_t n_byte) {
    Box *box = context;
    int i = 0;
    while (i < box->n && box->part[i].first != first) i++;
    CHECK(i < 256 && n_run > 0);
    if (i == box->n) box->n++;
    CHECK(box->part[i].n_run < n_run);
    box->part[i].first = first;
    box->part[i].n_run = n_run;
    text_clear(&box->part[i].data);
    text_append_n(&box->part[i].data, data, n_byte);
    box->n_save++;
}

static void box_free(Box *box) {
    for (int i = 0; i < box->n; i++) text_free(&box->part[i].data);
    *box = (Box){0};
}

// Kept after every stretch, whatever the machine's speed: what is cut, and where, hangs on no clock.
#define ALWAYS 1e-9

static bool stop(void *context) {
    const Box *box = context;
    return box->stop_after && box->n_save >= box->stop_after;
}

static void same_paths(const SimPaths *a, const SimPaths *b, const Model *m) {
    CHECK(a->n_run == b->n_run && a->n_event == b->n_event && a->n_failed == b->n_failed);
    size_t n = (size_t)a->n_stock * (size_t)a->n_time;
    CHECK(memcmp(a->mean, b->mean, n * sizeof *a->mean) == 0);
    CHECK(memcmp(a->quantile, b->quantile, n * SIM_QUANTILES * sizeof *a->quantile) == 0);
    CHECK(memcmp(a->count, b->count, (size_t)m->n_jump * sizeof *a->count) == 0);
    size_t n_value = 0;
    for (int32_t i = 0; i < m->n_mode; i++) n_value += (size_t)m->mode[i].n_value;
    CHECK(memcmp(a->share, b->share, n_value * (size_t)a->n_time * sizeof *a->share) == 0);
    for (int i = 0; i < a->n_failed; i++) {
        CHECK(a->failed[i].run == b->failed[i].run);
        assert_string_equal(a->failed[i].error.text, b->failed[i].error.text);
    }
}

// ---- what is kept and taken up ------------------------------------------------------------------------------------

TEST(an_ensemble_that_is_cut_and_taken_up_gives_the_same_bits) {
    SimCase k;
    case_open(&k, BUSY, BUSY_QUERY, BUSY_N);
    for (int kind = 0; kind < 2; kind++) {
        int64_t n_run = kind ? 200000 : 20000;
        SimOptions o = {.kind = kind ? SIM_LATTICE : SIM_CONTINUOUS, .n_run = n_run, .seed = 3, .horizon = 12,
                        .keep_name = "it"};
        SimPaths whole, p;
        Team *team = team_make(2);
        CHECK_OK(sim_paths(&whole, k.lattice, &k.plan, &o, 5, team, NULL));
        Box box = {.stop_after = 1};
        SimKeep keep = {&box, ALWAYS, load, save};
        Progress progress = {.stop = stop, .context = &box};
        o.keep = &keep;
        o.progress = &progress;
        int n_cut = 0;
        for (DurStatus status = DUR_INTERRUPTED; status == DUR_INTERRUPTED; box.stop_after = 2 * box.n_save) {
            DurError error = {0};
            Team *other = team_make(1 + n_cut % 3);
            status = sim_paths(&p, k.lattice, &k.plan, &o, 5, other, &error);
            team_free(other);
            n_cut += status == DUR_INTERRUPTED;
            CHECK(status == DUR_OK || (status == DUR_INTERRUPTED && strstr(error.text, "interrupted after")));
        }
        CHECK(n_cut >= 3 && box.n == 1 && box.part[0].n_run == n_run);
        same_paths(&whole, &p, k.model);
        sim_paths_free(&p);
        // all of it is there: nothing is played
        int n_save = box.n_save;
        box.stop_after = 0;
        CHECK_OK(sim_paths(&p, k.lattice, &k.plan, &o, 5, NULL, NULL));
        CHECK(box.n_save == n_save);
        same_paths(&whole, &p, k.model);
        sim_paths_free(&p);

        // bytes that are of something else are not believed
        box.part[0].data.data[box.part[0].data.length / 2] ^= 0x40;
        box.part[0].data.length -= 7;
        SimOptions few = o;
        few.n_run = 300;
        box.part[0].n_run = 1;
        few.keep = NULL;
        SimPaths expected;
        CHECK_OK(sim_paths(&expected, k.lattice, &k.plan, &few, 5, NULL, NULL));
        few.keep = &keep;
        CHECK_OK(sim_paths(&p, k.lattice, &k.plan, &few, 5, NULL, NULL));
        same_paths(&expected, &p, k.model);
        sim_paths_free(&expected);
        sim_paths_free(&p);
        sim_paths_free(&whole);
        team_free(team);
        box_free(&box);
    }
    case_close(&k);
}

TEST(measurements_are_kept_stretch_by_stretch) {
    SimCase k;
    case_open(&k, BUSY, BUSY_QUERY, BUSY_N);
    int32_t quantity[BUSY_N];
    for (int q = 0; q < BUSY_N; q++) quantity[q] = k.model->n_quantity - BUSY_N + q;
    for (int kind = 0; kind < 2; kind++) {
        SimOptions o = {.kind = kind ? SIM_LATTICE : SIM_CONTINUOUS, .first_run = 700, .n_run = 20000, .seed = 5, .horizon = 12,
                        .keep_name = "it"};
        double *whole = case_measure_plan(&k, &k.plan, o, NULL), *out = memory_column(BUSY_N * o.n_run);
        Box box = {.stop_after = 1};
        SimKeep keep = {&box, ALWAYS, load, save};
        Progress progress = {.stop = stop, .context = &box};
        o.keep = &keep;
        o.progress = &progress;
        for (DurStatus status = DUR_INTERRUPTED; status == DUR_INTERRUPTED; box.stop_after = 2 * box.n_save) {
            memset(out, 0, (size_t)(BUSY_N * o.n_run) * sizeof *out);
            status = sim_measure(k.lattice, &k.plan, &o, quantity, BUSY_N, out, NULL, NULL);
            CHECK(status == DUR_OK || status == DUR_INTERRUPTED);
        }
        CHECK(memcmp(whole, out, (size_t)(BUSY_N * o.n_run) * sizeof *out) == 0);
        CHECK(box.n > 1 && box.part[0].first == 700);
        memory_free(whole);
        memory_free(out);
        box_free(&box);
    }
    case_close(&k);
}

// ---- runs that fail -----------------------------------------------------------------------------------------------

// the event's effect has no value where x is near 0.123, and x passes there once
#define FAILING "scenario \"f\" { clock continuous unit month }\n"                                                         \
                "actor a { patience 9 month precision 1 attends 1 per month }\n"                                           \
                "mode m of a { off, on }\nmove go of a { when m == off then m = on }\npayoff a { g [m == on] }\n"          \
                "stock x { range 0..1 grid 5 start 0.6 drift -0.1*x }\nstock y { range 0..1 grid 3 start 0 }\n"            \
                "event odd { rate %s per month then y += 0.01*log(abs(x - 0.123) - 0.01) + 0.2 }\n"

TEST(a_run_that_fails_is_told_and_left_out_to_the_last_count) {
    char text[1024];
    snprintf(text, sizeof text, FAILING, "0.004");
    SimCase k;
    case_open(&k, text, NULL, 0);
    SimOptions o = {.n_run = 1000, .seed = 1, .horizon = 24};
    SimPaths p, q;
    DurError error = {0};
    if (sim_paths(&p, k.lattice, &k.plan, &o, 7, NULL, &error) != DUR_OK) fail_msg("%s", error.text);
    CHECK(p.n_failed > 0 && p.n_failed <= SIM_FAILED_MAX && p.n_run == 1000 - p.n_failed);
    for (int i = 0; i < p.n_failed; i++) {
        char place[32];
        snprintf(place, sizeof place, "run %lld, at ", (long long)p.failed[i].run);
        CHECK(p.failed[i].status == DUR_DOMAIN && strstr(p.failed[i].error.text, place) && p.failed[i].error.span.line > 0);
        CHECK(i == 0 || p.failed[i - 1].run < p.failed[i].run);
    }
    // what is left is what the others give when they are played by themselves, count by count
    double *count = memory_column(k.model->n_jump), n_event = 0;
    int64_t from = 0;
    for (int i = 0; i <= p.n_failed; i++) {
        int64_t to = i < p.n_failed ? p.failed[i].run : 1000;
        SimOptions part = o;
        part.first_run = from;
        part.n_run = to - from;
        from = to + 1;
        if (part.n_run == 0) continue;
        CHECK_OK(sim_paths(&q, k.lattice, &k.plan, &part, 7, NULL, NULL));
        CHECK(q.n_failed == 0);
        for (int32_t j = 0; j < k.model->n_jump; j++) count[j] += q.count[j] * (double)part.n_run;
        n_event += q.n_event;
        sim_paths_free(&q);
    }
    CHECK(n_event == p.n_event);
    for (int32_t j = 0; j < k.model->n_jump; j++) CHECK_NEAR(p.count[j] * (double)p.n_run, count[j], 1e-6);
    for (int32_t t = 0; t < p.n_time; t++) CHECK_NEAR(p.share[t] + p.share[p.n_time + t], 1, 1e-12);
    for (int n_thread = 2; n_thread <= 3; n_thread++) {
        Team *team = team_make(n_thread);
        CHECK_OK(sim_paths(&q, k.lattice, &k.plan, &o, 7, team, NULL));
        same_paths(&p, &q, k.model);
        sim_paths_free(&q);
        team_free(team);
    }
    memory_free(count);
    sim_paths_free(&p);
    case_close(&k);
}

TEST(too_many_failures_end_an_ensemble_with_the_first) {
    char text[1024];
    snprintf(text, sizeof text, FAILING, "0.5");
    SimCase k;
    case_open(&k, text, NULL, 0);
    SimOptions o = {.n_run = 2000, .seed = 1, .horizon = 24};
    SimPaths p;
    DurError first = {0};
    assert_int_equal(sim_paths(&p, k.lattice, &k.plan, &o, 7, NULL, &first), DUR_DOMAIN);
    for (int n_thread = 2; n_thread <= 3; n_thread++) {
        Team *team = team_make(n_thread);
        DurError error = {0};
        assert_int_equal(sim_paths(&p, k.lattice, &k.plan, &o, 7, team, &error), DUR_DOMAIN);
        assert_string_equal(error.text, first.text);
        team_free(team);
    }
    case_close(&k);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        RUN(an_ensemble_that_is_cut_and_taken_up_gives_the_same_bits),
        RUN(measurements_are_kept_stretch_by_stretch),
        RUN(a_run_that_fails_is_told_and_left_out_to_the_last_count),
        RUN(too_many_failures_end_an_ensemble_with_the_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
