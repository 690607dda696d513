#include "../random_types.h"
#include "case.h"

#include "base/memory.h"
#include "game/branch.h"
#include "game/held.h"
#include "game/lagged.h"
#include "game/nest.h"
#include "game/paced.h"
#include "game/spots.h"
#include "game/sweep.h"
#include "game/sweep_types.h"
#include "game/tangent.h"
#include "num/isa.h"
#include "num/philox.h"

static float *row_of_floats(int64_t n) { return memory_zeroed((size_t)n + 16, sizeof(float)); }

// a random game whose actors have no more than two types, and values of about the size that one has
static bool random_open(Case *k, uint64_t seed, double precision, Text *text) {
    random_types(text, seed, seed % 3 ? "quantal" : "taste", precision, 0.5);
    case_open(k, text_view(text));
    if (tangent_is_known(k->model)) return true;
    case_close(k);
    text_free(text);
    return false;
}

static double *random_values(const Case *k, uint64_t seed, double size) {
    Stream s = stream_make(seed, 0, 0);
    double *value = memory_column(sweep_size(k->lattice));
    for (int64_t i = 0; i < model_rows(k->model) * k->lattice->n_state; i++) value[i] = size * stream_normal(&s);
    return value;
}

TEST(what_the_equations_miss_by_is_what_sweeps_say_once_shifts_are_settled) {
    int n_case = 0;
    for (uint64_t seed = 1; seed <= 60; seed++) {
        Case k = {0};
        Text text = {0};
        if (!random_open(&k, seed, 1, &text)) continue;
        n_case++;
        int64_t n = model_rows(k.model) * k.lattice->n_state, n_all = sweep_size(k.lattice);
        double *value = random_values(&k, seed, 0.3), *room = memory_column(n_all), most = 0;
        float *miss = row_of_floats(n);
        Tangent *t = tangent_make(k.lattice, NULL, NULL);
        double worst = tangent_take(t, 1.0, value, miss, NULL);
        for (int64_t i = 0; i < n; i++) most = fmax(most, fabs((double)miss[i]));
        CHECK_NEAR(most, worst, 1e-5 * worst);
        Sweep *s = sweep_make(k.lattice, NULL, NULL);
        CHECK_NEAR(sweep_residual(s, 1.0, value, room), worst, 1e-10 * (1 + worst));
        sweep_free(s);
        tangent_free(t);
        memory_free(miss);
        memory_free(room);
        memory_free(value);
        text_free(&text);
        case_close(&k);
    }
    CHECK(n_case >= 20);
}

// F at value + step * d with shifts settled there; from the shifts of `value`
static void miss_at(Tangent *t, double scale, const double *value, const float *d, double step, int64_t n, int64_t n_all, float *miss) {
    double *moved = memory_column(n_all);
    memcpy(moved, value, (size_t)n_all * sizeof *moved);
    for (int64_t i = 0; i < n && d; i++) moved[i] += step * (double)d[i];
    tangent_take(t, scale, moved, miss, NULL);
    memory_free(moved);
}

// Between two nodes of a belief values are straight lines, so derivatives jump at nodes: there differences to both sides differ
static bool is_kink(double up, double here, double down) {
    double one = up - here, other = here - down;
    return fabs(one - other) > 0.02 * (fabs(one) + fabs(other)) + 2e-4;
}

// of random games of a precision: entries of what a sweep makes of a direction where the right side is what differences say, and how many of them are off
static void compare_derivatives(double precision, TangentHold hold, int64_t *n_smooth, int64_t *n_off) {
    int64_t n_kink = 0;
    *n_smooth = *n_off = 0;
    for (uint64_t seed = 1; seed <= 60; seed++) {
        Case k = {0};
        Text text = {0};
        if (!random_open(&k, seed, precision, &text)) continue;
        int64_t n = model_rows(k.model) * k.lattice->n_state, n_all = sweep_size(k.lattice);
        double *value = random_values(&k, seed, 0.3), step = 1e-3;
        float *d = row_of_floats(n), *r = row_of_floats(n), *swept = row_of_floats(n), *miss = row_of_floats(n);
        float *up = row_of_floats(n), *down = row_of_floats(n);
        bool *is_off = memory_zeroed((size_t)n, sizeof *is_off);
        Stream s = stream_make(seed, 1, 0);
        for (int64_t i = 0; i < n; i++) d[i] = (float)stream_normal(&s);
        Tangent *t = tangent_make(k.lattice, NULL, NULL);
        CHECK_OK(tangent_hold(t, hold));
        tangent_take(t, 1.0, value, miss, NULL);
        miss_at(t, 1.0, value, d, step, n, n_all, up);
        miss_at(t, 1.0, value, d, -step, n, n_all, down);
        bool smooth = true;
        // every second game with a lag: -F' d + lag d
        double lag = seed % 2 ? 0.0 : 1.5;
        for (int64_t i = 0; i < n; i++) {
            r[i] = (float)(((double)down[i] - (double)up[i]) / (2 * step) + lag * (double)d[i]);
            is_off[i] = is_kink((double)up[i], (double)miss[i], (double)down[i]);
            n_kink += is_off[i];
            smooth &= !is_off[i];
        }
        tangent_lag(t, lag);
        tangent_take(t, 1.0, value, miss, NULL);
        memcpy(swept, d, (size_t)n * sizeof *d);
        tangent_sweep(t, r, swept);
        // what a sweep makes of one state depends on the others through it, so games with kinks at these values don't count
        for (int64_t i = 0; i < n && smooth; i++) {
            ++*n_smooth;
            // a step of the differences may pass a node that neither end shows
            *n_off += !(fabs((double)(swept[i] - d[i])) <= 0.05);
        }
        tangent_free(t);
        memory_free(is_off);
        memory_free(down);
        memory_free(up);
        memory_free(miss);
        memory_free(swept);
        memory_free(r);
        memory_free(d);
        memory_free(value);
        text_free(&text);
        case_close(&k);
    }
    print_message("%lld entries, %lld at kinks, %lld off\n", (long long)*n_smooth, (long long)n_kink, (long long)*n_off);
}

TEST(a_sweep_stays_where_the_right_side_is_what_the_derivative_says_shifts_following) {
    int64_t n_smooth, n_off;
    compare_derivatives(2, TANGENT_HOLD_NONE, &n_smooth, &n_off);
    CHECK(n_smooth > 500);
    CHECK(n_off * 100 <= n_smooth);
}

TEST(a_sweep_stays_where_the_right_side_is_what_the_derivative_says_held_shifts_staying) {
    int64_t n_smooth, n_off;
    compare_derivatives(6, TANGENT_HOLD_STAY, &n_smooth, &n_off);
    CHECK(n_smooth > 300);
    CHECK(n_off * 100 <= n_smooth);
}

TEST(shifts_that_would_jump_stay_to_the_bit_and_all_others_are_settled) {
    int64_t n_stay = 0, n_settled = 0, n_neither = 0;
    for (uint64_t seed = 1; seed <= 60; seed++) {
        Case k = {0};
        Text text = {0};
        if (!random_open(&k, seed, 6, &text)) continue;
        int64_t n = model_rows(k.model) * k.lattice->n_state, n_all = sweep_size(k.lattice);
        double *value = random_values(&k, seed, 1.0), *before = memory_column(n_all), *told = memory_column(n_all);
        float *miss = row_of_floats(n);
        Stream s = stream_make(seed, 2, 0);
        for (int64_t i = n; i < n_all; i++) before[i] = value[i] = 0.02 * stream_normal(&s);
        Tangent *t = tangent_make(k.lattice, NULL, NULL);
        CHECK_OK(tangent_hold(t, TANGENT_HOLD_STAY));
        tangent_take(t, 1.0, value, miss, NULL);
        Sweep *sweep = sweep_make(k.lattice, NULL, NULL);
        sweep_whole_steps(sweep, true);
        memcpy(told, value, (size_t)n_all * sizeof *told);
        sweep_residual(sweep, 1.0, value, told);
        for (int64_t i = n; i < n_all; i++) {
            bool stays = value[i] == before[i], is_settled = fabs(told[i] - value[i]) < 1e-7;
            n_stay += stays && !is_settled;
            n_settled += is_settled;
            n_neither += !stays && !is_settled;
        }
        sweep_free(sweep);
        tangent_free(t);
        memory_free(miss);
        memory_free(told);
        memory_free(before);
        memory_free(value);
        text_free(&text);
        case_close(&k);
    }
    print_message("%lld stay, %lld are settled\n", (long long)n_stay, (long long)n_settled);
    CHECK(n_stay > 100 && n_settled > 100);
    CHECK(n_neither == 0);
}

// the lattice of a game with four cells where it has one
static Lattice *finer(const Case *k) {
    int32_t n_node[MODEL_VARIABLES_MAX];
    memcpy(n_node, k->lattice->n_node, sizeof n_node);
    for (int32_t v = k->model->n_mode; v < k->model->n_mode + k->model->n_stock; v++) n_node[v] = 4 * n_node[v] - 3;
    Lattice *fine = NULL;
    DurError error = {0};
    CHECK_OK(lattice_make_grid(&fine, k->model, k->param, n_node, &error));
    return fine;
}

// blocks of one combination of modes are swept together, from the same values
TEST(blocks_of_one_combination_of_modes_but_one_are_swept_from_the_same_values) {
    int64_t n_case = 0;
    for (uint64_t seed = 1; seed <= 60; seed++) {
        Case k = {0};
        Text text = {0};
        if (!random_open(&k, seed, 2, &text)) continue;
        Lattice *l = finer(&k);
        int64_t n_each = l->n_stock_state / l->n_lane, n_row = model_rows(k.model), n = n_row * l->n_state, n_all = sweep_size(l);
        double *value = memory_column(n_all), *whole = memory_column(n_all), *some = memory_column(n_all);
        bool *where = memory_zeroed((size_t)l->n_block, sizeof *where);
        Stream stream = stream_make(seed, 5, 0);
        for (int64_t i = 0; i < n; i++) value[i] = 0.3 * stream_normal(&stream);
        int64_t first = n_each * (int64_t)(stream_uniform(&stream) * (double)l->n_mode_state);
        for (int64_t b = 0; b < n_each; b++) where[first + b] = true;
        where[first + (int64_t)(stream_uniform(&stream) * (double)n_each)] = false;
        n_case += n_each >= 4;
        SweepTypes *s = sweep_types_make(l, NULL, NULL);
        sweep_types_residual(s, 1.0, value, whole);
        memcpy(some, value, (size_t)n_all * sizeof *some);
        sweep_types_within(s, 1.0, where, some, NULL);
        for (int64_t i = 0; i < n; i++) CHECK(some[i] == (where[i % l->n_state / l->n_lane] ? whole[i] : value[i]));
        sweep_types_free(s);
        memory_free(where);
        memory_free(some);
        memory_free(whole);
        memory_free(value);
        lattice_free(l);
        text_free(&text);
        case_close(&k);
    }
    CHECK(n_case >= 10);
}

TEST(a_sweep_of_some_blocks_is_the_whole_sweep_that_leaves_the_others_to_the_bit) {
    int64_t n_case = 0;
    for (uint64_t seed = 1; seed <= 30; seed++) {
        Case k = {0};
        Text text = {0};
        if (!random_open(&k, seed, 2, &text) || k.lattice->n_block < 2) continue;
        n_case++;
        const Lattice *l = k.lattice;
        int64_t n_row = model_rows(k.model), n = n_row * l->n_state, n_all = sweep_size(l);
        double *value = random_values(&k, seed, 0.3), *whole = memory_column(n_all), *one = memory_column(n_all);
        bool *where = memory_zeroed((size_t)l->n_block, sizeof *where);
        float *missed = row_of_floats(l->n_block);
        SweepTypes *s = sweep_types_make(l, NULL, NULL);
        Stream stream = stream_make(seed, 4, 0);
        int64_t block = (int64_t)(stream_uniform(&stream) * (double)l->n_block);
        where[block] = true;
        // all from the same values
        double worst = sweep_types_residual(s, 1.0, value, whole);
        memcpy(one, value, (size_t)n_all * sizeof *one);
        double own = sweep_types_within(s, 1.0, where, one, missed);
        CHECK(own <= worst && missed[block] == (float)own);
        for (int64_t i = 0; i < n; i++) {
            bool is_here = i % l->n_state / l->n_lane == block;
            CHECK(one[i] == (is_here ? whole[i] : value[i]));
            CHECK(is_here || missed[i % l->n_state / l->n_lane] == 0);
        }
        // one block after the other is what a whole sweep is, if each sees those before it
        for (int64_t b = 0; b < l->n_block; b++) where[b] = true;
        sweep_types_run(s, 1.0, value, whole);
        memcpy(one, value, (size_t)n_all * sizeof *one);
        sweep_types_within(s, 1.0, where, one, NULL);
        CHECK(memcmp(one, whole, (size_t)n_all * sizeof *one) == 0);
        sweep_types_free(s);
        memory_free(missed);
        memory_free(where);
        memory_free(one);
        memory_free(whole);
        memory_free(value);
        text_free(&text);
        case_close(&k);
    }
    CHECK(n_case >= 10);
}

TEST(sweeps_of_some_blocks_have_the_same_bits_on_any_number_of_threads) {
    int64_t n_case = 0;
    for (uint64_t seed = 1; seed <= 30; seed++) {
        Case k = {0};
        Text text = {0};
        if (!random_open(&k, seed, 2, &text)) continue;
        Lattice *l = finer(&k);
        int64_t n = model_rows(k.model) * l->n_state, n_all = sweep_size(l);
        double *first = memory_column(n_all), *value = memory_column(n_all), worst = 0;
        bool *where = memory_zeroed((size_t)l->n_block, sizeof *where);
        float *missed = row_of_floats(l->n_block), *first_missed = row_of_floats(l->n_block);
        Stream stream = stream_make(seed, 6, 0);
        // few blocks, then half of them, then all
        for (int part = 0; part < 3; part++) {
            int64_t n_where = 0;
            for (int64_t b = 0; b < l->n_block; b++) n_where += where[b] = stream_uniform(&stream) < (part == 0 ? 0.05 : part == 1 ? 0.5 : 2);
            n_case += n_where > 1 && n_where < l->n_block;
            for (int32_t n_thread = 1; n_thread <= 3; n_thread++) {
                Team *team = n_thread > 1 ? team_make(n_thread) : NULL;
                SweepTypes *s = sweep_types_make(l, NULL, team);
                Stream values = stream_make(seed, 7, 0);
                memset(value, 0, (size_t)n_all * sizeof *value);
                for (int64_t i = 0; i < n; i++) value[i] = 0.3 * stream_normal(&values);
                memset(missed, 0, (size_t)l->n_block * sizeof *missed);
                double most = 0;
                for (int pass = 0; pass < 3; pass++) most = sweep_types_within(s, 1.0, where, value, missed);
                if (n_thread == 1) {
                    memcpy(first, value, (size_t)n_all * sizeof *first);
                    memcpy(first_missed, missed, (size_t)l->n_block * sizeof *missed);
                    worst = most;
                }
                CHECK(most == worst && memcmp(first, value, (size_t)n_all * sizeof *first) == 0);
                CHECK(memcmp(first_missed, missed, (size_t)l->n_block * sizeof *missed) == 0);
                sweep_types_free(s);
                team_free(team);
            }
        }
        memory_free(first_missed);
        memory_free(missed);
        memory_free(where);
        memory_free(value);
        memory_free(first);
        lattice_free(l);
        text_free(&text);
        case_close(&k);
    }
    CHECK(n_case >= 20);
}

// of how many games with these seeds so many steps in time lead to a solution, from nothing; with `spots` sweeps of some blocks between
static int led_from_nothing(uint64_t first, uint64_t last, double precision, bool spots, int32_t max_step, int *n_case) {
    int n_solved = 0;
    *n_case = 0;
    for (uint64_t seed = first; seed <= last; seed++) {
        Case k = {0};
        Text text = {0};
        if (!random_open(&k, seed, precision, &text)) continue;
        ++*n_case;
        double *value = memory_column(sweep_size(k.lattice)), *room = memory_column(sweep_size(k.lattice));
        Krylov *krylov = krylov_make(k.lattice, NULL, NULL, 30, NULL);
        KrylovResult end;
        if (spots) CHECK_OK(spots_solve(&end, krylov, NULL, 1e-9, max_step, value));
        else       CHECK_OK(lagged_solve(&end, krylov, 1e-9, 1e-9, max_step, value));
        // told by another piece of code
        Sweep *s = sweep_make(k.lattice, NULL, NULL);
        if (end.converged) {
            n_solved++;
            CHECK(sweep_residual(s, 1.0, value, room) <= 1e-8 * krylov_size(value, krylov->n));
        }
        sweep_free(s);
        krylov_free(krylov);
        memory_free(room);
        memory_free(value);
        text_free(&text);
        case_close(&k);
    }
    print_message("%d of %d solved\n", n_solved, *n_case);
    return n_solved;
}

// One shift that falls at rate k: with lag s a step leaves s/(s + k) of it, so the lag after it is k/10, and from then on a step leaves 1/11
TEST(the_lag_of_a_held_state_becomes_a_tenth_of_the_rate_at_which_its_shift_falls) {
    static const double rate[] = {0.3, 2, 9, 70};
    for (size_t i = 0; i < DUR_COUNT(rate); i++) {
        double k = rate[i], s = HELD_FIRST, x = 1, to = 0.1 * k;
        for (int step = 0; step < 3; step++) {
            double before = x;
            x *= s / (s + k);
            double next = held_next_lag(s, x, before);
            // in one step, or in two where it would change by more than it may at once
            double most = fmin(to, HELD_RISE * s), least = HELD_FALL * s;
            CHECK_NEAR(next, most > least ? most : least, 1e-12 * next);
            s = next;
        }
        CHECK_NEAR(s, to, 1e-9);
        CHECK_NEAR(s / (s + k), 1.0 / 11, 1e-9);
    }
}

// x' = x (1 - x^2)/2: what runs away from the middle, and where it ends
static double away(double x) { return 0.5 * x * (1 - x * x); }

TEST(a_held_shift_that_runs_away_is_followed_to_where_it_ends_and_one_that_is_stepped_over_takes_shorter_steps) {
    double x = 1e-3, s = HELD_FIRST, before = 0;
    int step = 0;
    for (; step < 60 && !(fabs(away(x)) < 1e-9 && fabs(x - 1) < 1e-6); step++) {
        double miss = away(x);
        s = step > 0 ? held_next_lag(s, miss, before) : s;
        before = miss;
        // one implicit step: (s - f') d = f
        x += miss / (s - 0.5 * (1 - 3 * x * x));
    }
    print_message("%d steps to %.9f\n", step, x);
    CHECK(step < 60);
    // stepped over: what is missing has turned its sign, so the lag grows
    CHECK(held_next_lag(1.0, -0.5, 1.0) > 1.0);
    // to and fro over a kink at the least lag: it begins anew
    CHECK(held_next_lag(HELD_LEAST, -0.9, 1.0) == HELD_ANEW && held_next_lag(HELD_LEAST, 0.9, 1.0) == HELD_ANEW);
    // never out of bounds, whatever is said
    static const double odd[] = {0, 1e-300, -1e-300, 1, -1, 1e300, -1e300};
    for (size_t i = 0; i < DUR_COUNT(odd); i++)
        for (size_t j = 0; j < DUR_COUNT(odd); j++)
            for (double lag = HELD_LEAST; lag <= HELD_MOST; lag *= 7) {
                double next = held_next_lag(lag, odd[i], odd[j]);
                CHECK(next >= HELD_LEAST && next <= HELD_MOST);
            }
}

TEST(steps_in_time_lead_from_nothing_to_a_solution) {
    int n_case, n_solved = led_from_nothing(1, 60, 2, false, 200, &n_case);
    CHECK(n_case >= 20 && n_solved * 10 >= n_case * 9);
}

TEST(steps_in_time_lead_to_a_solution_in_most_of_the_sharpest_games) {
    int n_case, n_solved = led_from_nothing(1, 120, 8, false, 120, &n_case);
    CHECK(n_case >= 80 && n_solved >= n_case - 6);
}

// where all shifts follow the values, or step jointly, they jump for ever
TEST(a_state_that_jumps_to_and_fro_is_held_and_steps_in_a_time_of_its_own) {
    static const struct { uint64_t seed; double precision; } game[] = {{17, 4}, {65, 8}, {109, 4}, {85, 3}, {32, 5}, {175, 5}};
    for (size_t i = 0; i < sizeof game / sizeof *game; i++) {
        int n_case;
        CHECK(led_from_nothing(game[i].seed, game[i].seed, game[i].precision, false, 160, &n_case) == 1);
    }
}

// spots.h is for large games; in small ones sweeps more often go round in circles
TEST(steps_for_all_and_sweeps_for_some_lead_from_nothing_to_a_solution) {
    int n_case, n_solved = led_from_nothing(1, 60, 1, true, 60, &n_case);
    CHECK(n_case >= 20 && n_solved * 10 >= n_case * 9);
    // here only if states that would jump are held meanwhile, those too that would stray to a solution nearby
    static const uint64_t strays[] = {61, 63, 129, 164};
    for (size_t i = 0; i < DUR_COUNT(strays); i++) CHECK(led_from_nothing(strays[i], strays[i], 3, true, 60, &n_case) == 1);
    // where steps in time without sweeps between them do not
    static const struct { uint64_t seed; double precision; } game[] = {{93, 1}, {169, 2}};
    for (size_t i = 0; i < sizeof game / sizeof *game; i++) {
        CHECK(led_from_nothing(game[i].seed, game[i].seed, game[i].precision, true, 60, &n_case) == 1);
        CHECK(led_from_nothing(game[i].seed, game[i].seed, game[i].precision, false, 200, &n_case) == 0);
    }
}

// what a linear system at random values takes, and leaves, with a cap on its sweeps (0: none)
static int64_t sweeps_of_one(const Case *k, uint64_t seed, int64_t most, double *reduced) {
    double *value = random_values(k, seed, 0.3);
    Krylov *krylov = krylov_make(k->lattice, NULL, NULL, 30, NULL);
    krylov->linear_most = most;
    krylov_take(krylov, 1.0, value, NULL);
    double length;
    CHECK_OK(krylov_measure(krylov, &length));
    int64_t before = krylov->n_sweep;
    CHECK_OK(krylov_linear(krylov, krylov->miss, krylov->swept, 1e-3, krylov->d, reduced));
    int64_t n = krylov->n_sweep - before;
    krylov_free(krylov);
    memory_free(value);
    return n;
}

TEST(a_capped_linear_system_takes_no_more_sweeps_than_it_may_and_one_that_is_not_is_solved) {
    int n_longer = 0;
    for (uint64_t seed = 1; seed <= 60; seed++) {
        Case k = {0};
        Text text = {0};
        if (!random_open(&k, seed, 2, &text)) continue;
        double solved, left;
        int64_t whole = sweeps_of_one(&k, seed, 0, &solved), part = sweeps_of_one(&k, seed, 3, &left);
        CHECK(solved <= 1e-3 && part <= 3 && part <= whole);
        if (whole > 3) CHECK(part == 3 && left > solved && ++n_longer);
        text_free(&text);
        case_close(&k);
    }
    CHECK(n_longer >= 20);
}

TEST(where_the_branch_is_lost_paced_sweeps_lead_to_equilibria_that_newtons_method_alone_does_not_reach) {
    int n_lost = 0, n_plain = 0, n_paced = 0, n_only = 0;
    for (uint64_t seed = 1; seed <= 150; seed++) {
        Case k = {0};
        Text text = {0};
        if (!random_open(&k, seed, 8, &text)) continue;
        int64_t n_all = sweep_size(k.lattice);
        double *lost = memory_column(n_all), *value = memory_column(n_all), *room = memory_column(n_all);
        Krylov *krylov = krylov_make(k.lattice, NULL, NULL, 30, NULL);
        krylov->max_sweep = 20000;
        BranchResult b;
        CHECK_OK(branch_follow(&b, krylov, INT64_MAX, 1e-9, lost));
        if (!b.converged && b.reached > 0) {
            KrylovResult plain, end;
            n_lost++;
            krylov->max_sweep = INT64_MAX;
            memcpy(value, lost, (size_t)n_all * sizeof *value);
            CHECK_OK(krylov_solve(&plain, krylov, 1.0, 1e-9, 30, value));
            n_plain += plain.converged;
            memcpy(value, lost, (size_t)n_all * sizeof *value);
            krylov_allow(krylov, 20000, INT64_MAX);
            CHECK_OK(paced_solve(&end, krylov, NULL, 1e-9, value));
            n_paced += end.converged;
            n_only += end.converged && !plain.converged;
            // told by another piece of code
            Sweep *s = sweep_make(k.lattice, NULL, NULL);
            if (end.converged) CHECK(sweep_residual(s, 1.0, value, room) <= 1e-8 * krylov_size(value, krylov->n));
            sweep_free(s);
        }
        krylov_free(krylov);
        memory_free(room);
        memory_free(value);
        memory_free(lost);
        text_free(&text);
        case_close(&k);
    }
    print_message("%d lost, %d by Newton's method, %d by paced sweeps, %d only so\n", n_lost, n_plain, n_paced, n_only);
    CHECK(n_lost >= 15 && n_paced >= 16 && n_only >= 11);
}

// what sweeps in place, so many from nothing, leave missing, relative to the largest value
static double left_by_sweeps(const Case *k, int32_t n_sweep, bool is_paced) {
    double *value = memory_column(sweep_size(k->lattice)), *room = memory_column(sweep_size(k->lattice));
    SweepTypes *s = sweep_types_make(k->lattice, NULL, NULL);
    if (is_paced) CHECK_OK(sweep_types_pace(s));
    for (int32_t i = 0; i < n_sweep; i++) sweep_types_within(s, 1.0, NULL, value, NULL);
    // told by another piece of code, without a pace
    Sweep *plain = sweep_make(k->lattice, NULL, NULL);
    double left = sweep_residual(plain, 1.0, value, room) / krylov_size(value, model_rows(k->model) * k->lattice->n_state);
    sweep_free(plain);
    sweep_types_free(s);
    memory_free(room);
    memory_free(value);
    return left;
}

TEST(where_paced_sweeps_fail_too_types_that_are_alike_at_first_lead_to_an_equilibrium) {
    Case k = {0};
    Text text = {0};
    DurError error = {0};
    double off;
    CHECK(random_open(&k, 110, 20, &text));
    // so few sweeps that Newton's method from the branch's end has none left
    solved(&k.solution, &k, &(GameOptions){.skip_certificate = true, .max_sweep = 20000});
    CHECK(strstr(k.solution.how, "did no better; types alike first") && !k.solution.is_principal && k.solution.reached < 1);
    CHECK_OK(plain_types_residual(k.solution.policy, &off, &error));
    CHECK(off < 1e-6);
    text_free(&text);
    case_close(&k);
}

TEST(paced_sweeps_settle_where_whole_ones_go_round_in_circles) {
    int n_case = 0, n_whole = 0, n_paced = 0, n_only = 0;
    for (uint64_t seed = 1; seed <= 60; seed++) {
        Case k = {0};
        Text text = {0};
        if (!random_open(&k, seed, 8, &text)) continue;
        bool whole = left_by_sweeps(&k, 1000, false) <= 1e-6, paced = left_by_sweeps(&k, 1000, true) <= 1e-6;
        n_case++;
        n_whole += whole;
        n_paced += paced;
        n_only += paced && !whole;
        text_free(&text);
        case_close(&k);
    }
    print_message("%d games, %d settled by whole sweeps, %d by paced ones, %d only so\n", n_case, n_whole, n_paced, n_only);
    CHECK(n_case >= 40 && n_paced >= 38 && n_only >= 20);
}

TEST(steps_for_all_sweeps_for_some_and_paced_ones_end_where_values_are_no_numbers) {
    static const double start[] = {1e308, INFINITY, -INFINITY, NAN};
    for (size_t i = 0; i < sizeof start / sizeof *start; i++) {
        Case k = {0};
        Text text = {0};
        CHECK(random_open(&k, 3, 2, &text));
        Krylov *krylov = krylov_make(k.lattice, NULL, NULL, 30, NULL);
        double *value = memory_column(sweep_size(k.lattice));
        for (int64_t s = 0; s < krylov->n; s++) value[s] = start[i];
        KrylovResult end;
        CHECK_OK(spots_solve(&end, krylov, NULL, 1e-9, 60, value));
        CHECK(!end.converged || isfinite(value[0]));
        for (int64_t s = 0; s < krylov->n_all; s++) value[s] = s < krylov->n ? start[i] : 0;
        CHECK_OK(paced_solve(&end, krylov, NULL, 1e-9, value));
        CHECK(!end.converged || isfinite(value[0]));
        memory_free(value);
        krylov_free(krylov);
        text_free(&text);
        case_close(&k);
    }
}

typedef struct Stops { int n_asked, after; } Stops;

static bool after_some(void *context) {
    Stops *t = context;
    return t->n_asked++ >= t->after;
}

// What solves by tangents, from nothing, stopped at every asking: it was interrupted, not ended where values are no numbers.
TEST(a_stop_is_told_from_values_that_are_no_numbers_at_any_asking) {
    for (int way = 0; way < 3; way++) {
        Case k = {0};
        Text text = {0};
        CHECK(random_open(&k, 9, 2, &text));
        int64_t n = sweep_size(k.lattice);
        double *value = memory_column(n);
        // let alone at first
        for (int after = -1, n_asked = 0; after < n_asked; after += 1 + n_asked / 100) {
            Stops stops = {.after = after < 0 ? INT32_MAX : after};
            Progress progress = {.stop = after_some, .context = &stops};
            KrylovResult end;
            memset(value, 0, (size_t)n * sizeof *value);
            Krylov *krylov = krylov_make(k.lattice, NULL, NULL, 30, &progress);
            if (way == 0)      CHECK_OK(spots_solve(&end, krylov, NULL, 1e-9, 60, value));
            else if (way == 1) CHECK_OK(lagged_solve(&end, krylov, 1e-9, 1e-9, 60, value));
            else               CHECK_OK(krylov_solve(&end, krylov, 1, 1e-9, 60, value));
            if (after < 0) CHECK((n_asked = stops.n_asked) > 20);
            else           CHECK(end.interrupted && !end.converged);
            krylov_free(krylov);
        }
        memory_free(value);
        text_free(&text);
        case_close(&k);
    }
}

// what `solve` makes of nothing on a finer lattice of a random game: the same on one to three threads and at any vector width
static void give_the_same_bits(uint64_t seed, double precision, void (*solve)(Krylov *krylov, double *value)) {
    Case k = {0};
    Text text = {0};
    CHECK(random_open(&k, seed, precision, &text));
    Lattice *fine = finer(&k);
    size_t n = (size_t)sweep_size(fine);
    double *first = NULL;
    for (int32_t isa = 0; isa < ISA_COUNT; isa++) {
        if (isa_force((Isa)isa) != (Isa)isa) continue;
        for (int32_t n_thread = 1; n_thread <= 3; n_thread++) {
            Team *team = n_thread > 1 ? team_make(n_thread) : NULL;
            Krylov *krylov = krylov_make(fine, NULL, team, 30, NULL);
            double *value = memory_column((int64_t)n);
            solve(krylov, value);
            CHECK(!first || memcmp(first, value, n * sizeof *value) == 0);
            if (!first) first = value;
            else memory_free(value);
            krylov_free(krylov);
            team_free(team);
        }
    }
    isa_force(ISA_COUNT);
    memory_free(first);
    lattice_free(fine);
    text_free(&text);
    case_close(&k);
}

static void by_spots(Krylov *krylov, double *value) {
    KrylovResult end;
    CHECK_OK(spots_solve(&end, krylov, NULL, 1e-9, 60, value));
    CHECK(end.converged);
}

static void by_paces(Krylov *krylov, double *value) {
    KrylovResult end;
    krylov->max_sweep = 800;
    CHECK_OK(paced_solve(&end, krylov, NULL, 1e-9, value));
    CHECK(end.n_swept > 20);
}

TEST(steps_for_all_and_sweeps_for_some_give_the_same_bits_on_any_number_of_threads_and_at_any_vector_width) {
    static const uint64_t seed[] = {9, 31, 33};
    for (size_t i = 0; i < sizeof seed / sizeof *seed; i++) give_the_same_bits(seed[i], 2, by_spots);
}

TEST(paced_sweeps_give_the_same_bits_on_any_number_of_threads_and_at_any_vector_width) {
    static const uint64_t seed[] = {35, 65, 94};
    for (size_t i = 0; i < sizeof seed / sizeof *seed; i++) give_the_same_bits(seed[i], 8, by_paces);
}

// by how much shifts miss what choices tell, at most, as sweeps have it
static double shifts_miss(const Case *k, const double *value) {
    int64_t n = model_rows(k->model) * k->lattice->n_state, n_all = sweep_size(k->lattice);
    double *told = memory_column(n_all), most = 0;
    Sweep *s = sweep_make(k->lattice, NULL, NULL);
    sweep_whole_steps(s, true);
    memcpy(told, value, (size_t)n_all * sizeof *told);
    sweep_residual(s, 1.0, value, told);
    for (int64_t i = n; i < n_all; i++) most = fmax(most, fabs(told[i] - value[i]));
    sweep_free(s);
    memory_free(told);
    return most;
}

TEST(shifts_that_go_round_in_circles_are_settled_in_half_of_the_sharpest_games) {
    int n_case = 0, n_settled = 0;
    for (uint64_t seed = 1; seed <= 120; seed++) {
        Case k = {0};
        Text text = {0};
        if (!random_open(&k, seed, 6, &text)) continue;
        n_case++;
        double *value = random_values(&k, seed, 1.0);
        float *miss = row_of_floats(model_rows(k.model) * k.lattice->n_state);
        Tangent *t = tangent_make(k.lattice, NULL, NULL);
        tangent_take(t, 1.0, value, miss, NULL);
        n_settled += shifts_miss(&k, value) < 1e-6;
        tangent_free(t);
        memory_free(miss);
        memory_free(value);
        text_free(&text);
        case_close(&k);
    }
    print_message("%d of %d settled\n", n_settled, n_case);
    // three in seven without the careful steps
    CHECK(n_case >= 40 && n_settled * 2 >= n_case);
}

TEST(a_joint_step_from_near_a_solution_leaves_the_square_of_what_was_missing) {
    int n_case = 0, n_square = 0;
    for (uint64_t seed = 1; seed <= 60; seed++) {
        Case k = {0};
        Text text = {0};
        if (!random_open(&k, seed, 2, &text)) continue;
        int64_t n = model_rows(k.model) * k.lattice->n_state, n_all = sweep_size(k.lattice);
        double *value = memory_column(n_all), left[2];
        Krylov *krylov = krylov_make(k.lattice, NULL, NULL, 30, NULL);
        KrylovResult end;
        CHECK_OK(lagged_solve(&end, krylov, 1e-11, 1e-11, 200, value));
        Stream s = stream_make(seed, 3, 0);
        // values and shifts are moved, and shifts don't follow
        for (int64_t i = 0; i < n_all; i++) value[i] += 1e-4 * stream_normal(&s) * (i < n || value[i] != 0.0);
        tangent_joint(krylov->tangent, true);
        for (int step = 0; end.converged && step < 2; step++) {
            left[step] = tangent_take(krylov->tangent, 1.0, value, krylov->miss, NULL);
            if (step > 0) continue;
            CHECK_OK(krylov_linear(krylov, krylov->miss, NULL, 1e-5, krylov->d, NULL));
            for (int64_t i = 0; i < n; i++) value[i] += (double)krylov->d[i];
        }
        n_case += end.converged;
        // a kink on the way leaves more
        n_square += end.converged && left[1] < 0.02 * left[0];
        krylov_free(krylov);
        memory_free(value);
        text_free(&text);
        case_close(&k);
    }
    print_message("%d of %d\n", n_square, n_case);
    CHECK(n_case >= 20 && n_square * 10 >= n_case * 8);
}

// a straight function of stocks and beliefs, another one for each `which`
static double straight(const Lattice *l, int64_t state, int which) {
    LatticeBlock view;
    int64_t block = state / l->n_lane, lane = state % l->n_lane;
    lattice_block(l, block, &view);
    int32_t node[MODEL_VARIABLES_MAX];
    memcpy(node, view.node, sizeof node);
    for (int32_t k = l->n_variable - 1; k >= l->n_variable - l->n_inner; k--) {
        node[l->order[k]] = (int32_t)(lane % l->n_node[l->order[k]]);
        lane /= l->n_node[l->order[k]];
    }
    double sum = which;
    for (int32_t v = 0; v < l->n_variable; v++) sum += (which + 1 + v) * lattice_level(l, v, node[v]);
    return sum;
}

// every value and every shift by its own straight function
static void fill_straight(const Lattice *l, double *x) {
    const Model *m = l->model;
    int64_t n_entry = (int64_t)m->n_jump * l->n_mode_state, n_row = model_rows(m);
    int64_t *where = memory_alloc((size_t)n_entry * sizeof *where);
    policy_shifts(l, where);
    for (int64_t r = 0; r < n_row; r++)
        for (int64_t i = 0; i < l->n_state; i++) x[r * l->n_state + i] = straight(l, i, (int)r);
    for (int32_t j = 0; j < m->n_jump; j++)
        for (int64_t ms = 0; ms < l->n_mode_state; ms++)
            for (int64_t i = 0; i < l->n_stock_state && where[j * l->n_mode_state + ms] >= 0; i++)
                x[n_row * l->n_state + where[j * l->n_mode_state + ms] + i] = straight(l, ms * l->n_stock_state + i, 20 + j);
    memory_free(where);
}

TEST(values_and_shifts_that_are_straight_are_carried_to_finer_grids_exactly) {
    int64_t n_shift = 0;
    for (uint64_t seed = 1; seed <= 60; seed++) {
        Case k = {0};
        Text text = {0};
        if (!random_open(&k, seed, 1, &text)) continue;
        int32_t n_node[MODEL_VARIABLES_MAX];
        memcpy(n_node, k.lattice->n_node, sizeof n_node);
        for (int32_t v = k.model->n_mode; v < k.model->n_mode + k.model->n_stock; v++) n_node[v] = 2 * n_node[v] + 1;
        Lattice *fine;
        DurError error = {0};
        CHECK_OK(lattice_make_grid(&fine, k.model, k.param, n_node, &error));
        int64_t n = sweep_size(fine);
        double *x = memory_column(sweep_size(k.lattice)), *y = memory_column(n), *expected = memory_column(n);
        fill_straight(k.lattice, x);
        fill_straight(fine, expected);
        CHECK_OK(nest_carry(k.lattice, x, fine, y));
        // where a move can be made on one lattice alone there is nothing to carry
        bool is_same = sweep_size(k.lattice) - model_rows(k.model) * k.lattice->n_state ==
                       (n - model_rows(k.model) * fine->n_state) / fine->n_stock_state * k.lattice->n_stock_state;
        for (int64_t i = 0; i < (is_same ? n : model_rows(k.model) * fine->n_state); i++) CHECK_NEAR(y[i], expected[i], 1e-9);
        n_shift += is_same ? n - model_rows(k.model) * fine->n_state : 0;
        memory_free(expected);
        memory_free(y);
        memory_free(x);
        lattice_free(fine);
        text_free(&text);
        case_close(&k);
    }
    CHECK(n_shift > 1000);
}

static bool at_second(void *n_asked) { return ++*(int *)n_asked >= 2; }

TEST(a_sweep_in_place_that_is_told_to_stop_leaves_the_rest_undone) {
    Case k = {0};
    int n_asked = 0;
    Progress progress = {.stop = at_second, .context = &n_asked};
    case_open(&k, "scenario \"stops\" { clock continuous  unit month }\nactor a { patience 12 month  precision 2  attends 1 per month }\n"
                  "private t of a { weak, strong } { grid 5  belief 0.5 }\nstock x { range 0..1  grid 2000  start 0.5  drift -0.1*x }\n"
                  "mode m of a { off, on }\nmove go of a { when m == off  cost 0.1*by t { weak 2, strong 1 }  then m = on }\n"
                  "move back of a { when m == on  then m = off }\npayoff a { good 1 + x }\n");
    int64_t n = 2 * k.lattice->n_state, n_done = 0;
    double *value = memory_column(sweep_size(k.lattice));
    SweepTypes *sweep = sweep_types_make(k.lattice, NULL, NULL);
    sweep_types_heed(sweep, &progress);
    sweep_types_within(sweep, 1.0, NULL, value, NULL);
    for (int64_t i = 0; i < n; i++) n_done += value[i] != 0;
    CHECK(n_done < n / 2);
    sweep_types_heed(sweep, NULL);
    sweep_types_within(sweep, 1.0, NULL, value, NULL);
    for (int64_t i = n_done = 0; i < n; i++) n_done += value[i] != 0;
    CHECK(n_done == n);
    sweep_types_free(sweep);
    memory_free(value);
    case_close(&k);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        RUN(a_sweep_in_place_that_is_told_to_stop_leaves_the_rest_undone),
        RUN(what_the_equations_miss_by_is_what_sweeps_say_once_shifts_are_settled),
        RUN(a_sweep_stays_where_the_right_side_is_what_the_derivative_says_shifts_following),
        RUN(a_sweep_stays_where_the_right_side_is_what_the_derivative_says_held_shifts_staying),
        RUN(shifts_that_would_jump_stay_to_the_bit_and_all_others_are_settled),
        RUN(blocks_of_one_combination_of_modes_but_one_are_swept_from_the_same_values),
        RUN(a_sweep_of_some_blocks_is_the_whole_sweep_that_leaves_the_others_to_the_bit),
        RUN(sweeps_of_some_blocks_have_the_same_bits_on_any_number_of_threads),
        RUN(the_lag_of_a_held_state_becomes_a_tenth_of_the_rate_at_which_its_shift_falls),
        RUN(a_held_shift_that_runs_away_is_followed_to_where_it_ends_and_one_that_is_stepped_over_takes_shorter_steps),
        RUN(steps_in_time_lead_from_nothing_to_a_solution),
        RUN(steps_in_time_lead_to_a_solution_in_most_of_the_sharpest_games),
        RUN(a_state_that_jumps_to_and_fro_is_held_and_steps_in_a_time_of_its_own),
        RUN(steps_for_all_and_sweeps_for_some_lead_from_nothing_to_a_solution),
        RUN(a_capped_linear_system_takes_no_more_sweeps_than_it_may_and_one_that_is_not_is_solved),
        RUN(where_the_branch_is_lost_paced_sweeps_lead_to_equilibria_that_newtons_method_alone_does_not_reach),
        RUN(steps_for_all_sweeps_for_some_and_paced_ones_end_where_values_are_no_numbers),
        RUN(a_stop_is_told_from_values_that_are_no_numbers_at_any_asking),
        RUN(where_paced_sweeps_fail_too_types_that_are_alike_at_first_lead_to_an_equilibrium),
        RUN(paced_sweeps_settle_where_whole_ones_go_round_in_circles),
        RUN(paced_sweeps_give_the_same_bits_on_any_number_of_threads_and_at_any_vector_width),
        RUN(steps_for_all_and_sweeps_for_some_give_the_same_bits_on_any_number_of_threads_and_at_any_vector_width),
        RUN(shifts_that_go_round_in_circles_are_settled_in_half_of_the_sharpest_games),
        RUN(a_joint_step_from_near_a_solution_leaves_the_square_of_what_was_missing),
        RUN(values_and_shifts_that_are_straight_are_carried_to_finer_grids_exactly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
