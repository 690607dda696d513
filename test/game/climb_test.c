#include "../random_types.h"
#include "case.h"

#include "base/memory.h"
#include "game/climb.h"
#include "num/isa.h"

// sharp games with an actor of three types, the fourth with two such and one of two; sweeps with Anderson mixing go round in circles in all of them
static void circle_open(Case *k, uint64_t seed) {
    Text text = {0};
    random_types(&text, seed, seed % 4 == 0 ? "taste" : "quantal", 10, 1);
    case_open(k, text_view(&text));
    text_free(&text);
}

TEST(games_of_three_types_in_which_sweeps_go_round_in_circles_are_solved) {
    const uint64_t seed[] = {2, 37};
    for (int i = 0; i < 2; i++) {
        Case k = {0};
        GameSolution s;
        DurError error = {0};
        double residual;
        circle_open(&k, seed[i]);
        solved(&s, &k, NULL);
        CHECK(strstr(s.how, "up in precision by sweeps of habits"));
        CHECK(!s.is_principal && s.note[0]);   // sweeps can't tell
        CHECK(s.certificate.residual <= GAME_TOLERANCE && s.certificate.consistency <= 1e-6);
        CHECK_OK(plain_types_residual(s.policy, &residual, &error));
        CHECK_NEAR(residual, 0, 1e-6);
        game_free(&s);
        case_close(&k);
    }
}

// from nothing; returns the largest miss, relative to the largest value
static double climb(ClimbResult *out, const Case *k, double tolerance, int64_t max_sweep, const Progress *progress, Team *team, double *value) {
    Sweep *sweep = sweep_make(k->lattice, NULL, team);
    int64_t n = sweep_size(k->lattice);
    double *room = memory_column(n), size = 0;
    CHECK(sweep && room);
    CHECK_OK(climb_solve(out, sweep, k->lattice, NULL, team, tolerance, max_sweep, progress, value));
    for (int64_t i = 0; i < model_rows(k->model) * k->lattice->n_state; i++) size = fmax(size, fabs(value[i]));
    double miss = sweep_residual(sweep, out->reached, value, room);
    memory_free(room);
    sweep_free(sweep);
    return miss / size;
}

TEST(habits_settle_up_to_the_stated_precisions_where_sharp_signals_are_told_apart) {
    const uint64_t seed[] = {2, 5, 37, 86};
    for (int i = 0; i < 4; i++) {
        Case k = {0};
        ClimbResult r;
        circle_open(&k, seed[i]);
        double *value = memory_column(sweep_size(k.lattice));
        double miss = climb(&r, &k, 1e-8, 30000, NULL, NULL, value);
        CHECK(r.converged && r.reached == 1 && r.n_point >= 7);
        CHECK(miss <= 1e-8 && r.residual <= 1e-8);
        memory_free(value);
        case_close(&k);
    }
}

// From 0.316 times the precisions one and a half times as much, 0.475, does not settle; the root of that, 0.388, does, and the way goes on from there.
TEST(where_habits_do_not_settle_precision_goes_up_in_shorter_steps) {
    static const char text[] =
        "scenario \"signals\" { clock continuous unit month }\n"
        "actor A { patience 19.9 month precision 7.75 attends 1.2 per month }\n"
        "actor B { patience 10.7 month precision 5.97 attends 2.33 per month }\n"
        "private p of A { t0, t1, t2 } { grid 4 belief 0.12, 0.288, 0.592 }\n"
        "mode m of A { v0, v1 }\n"
        "move up of A { when m == v0 cost 0.415 + (by p { t0 0.446, t1 0.212, t2 0.248 }) pays B 0.46 then m = v1 }\n"
        "move down of A { when m == v1 cost 0.125 then m = v0 }\n"
        "move fall of A { when m == v1 cost 0.383 + (by p { t0 0.379, t1 0.0679, t2 0.131 }) then m = v0 }\n"
        "move stay of B { when m == v1 cost 0.385 then m = v1 }\n"
        "payoff A { u0 (by m { v0 0.104, v1 0.705 })\n  u1 [m == v1]*(by p { t0 0.135, t1 -0.284, t2 0.412 })\n  u2 -0.328*belief(A is t2) }\n"
        "payoff B { u0 (by m { v0 0.219, v1 -0.629 })\n  u1 0.0957\n  u2 0.777*belief(A is t1) }\n";
    Case k = {0};
    ClimbResult r;
    case_open(&k, text);
    double *value = memory_column(sweep_size(k.lattice)), miss = climb(&r, &k, 1e-8, 30000, NULL, NULL, value);
    CHECK(r.converged && r.reached == 1 && miss <= 1e-8);
    CHECK(r.n_point == 10);   // where all settle there are nine
    memory_free(value);
    case_close(&k);
}

TEST(habits_lead_where_the_plain_solver_leads_when_there_is_one_equilibrium) {
    int n_game = 0;
    for (uint64_t seed = 1; seed <= 60; seed++) {
        Text text = {0};
        Case k = {0};
        random_types(&text, seed, seed % 4 == 0 ? "taste" : "quantal", 0.5, 0.5);
        case_open(&k, text_view(&text));
        int64_t n = model_rows(k.model) * k.lattice->n_state, n_sweep;
        bool has_three = false;
        for (int32_t p = 0; p < k.model->n_private; p++) has_three |= k.model->private[p].n_type > 2;
        if (has_three && n < 2000) {
            DurError error = {0};
            ClimbResult r;
            double *value = memory_column(n), *other = memory_column(sweep_size(k.lattice)), residual, size = 0;
            CHECK_OK(plain_types_solve(k.lattice, NULL, 1e-11, 20000, value, &residual, &n_sweep, &error));
            climb(&r, &k, 1e-10, 30000, NULL, NULL, other);
            CHECK(residual <= 1e-11 && r.converged);
            for (int64_t i = 0; i < n; i++) size = fmax(size, fabs(value[i]));
            for (int64_t i = 0; i < n; i++) CHECK_NEAR(value[i], other[i], 1e-7 * size);
            n_game++;
            memory_free(other);
            memory_free(value);
        }
        case_close(&k);
        text_free(&text);
    }
    CHECK(n_game >= 5);
}

TEST(a_limit_of_sweeps_holds_for_habits_too_and_what_is_not_solved_says_so) {
    Case k = {0};
    GameSolution s;
    DurError error = {0};
    circle_open(&k, 37);
    // sweeps give up after fourteen thousand
    CHECK_OK(game_solve(&s, k.lattice, &(GameOptions){.max_sweep = 14700}, NULL, &error));
    assert_int_equal(s.verdict, GAME_NO_CONVERGENCE);
    CHECK(s.n_sweep <= 14700 + 10);
    CHECK(strstr(s.how, "no further than") && strstr(s.note, "the residual stays at"));
    game_free(&s);
    case_close(&k);
}

static bool stop_at_last(void *context) {
    int *left = context;
    return --*left < 0;
}

TEST(the_way_up_can_be_stopped_and_has_the_same_bits_on_every_vector_width_and_any_number_of_threads) {
    Case k = {0};
    circle_open(&k, 37);
    int64_t n = sweep_size(k.lattice);
    double *first = memory_column(n), *value = memory_column(n);
    ClimbResult r;
    int left = 700;
    climb(&r, &k, 1e-8, 30000, &(Progress){.stop = stop_at_last, .context = &left}, NULL, value);
    CHECK(r.interrupted && !r.converged && r.n_point > 0 && r.reached < 1);
    climb(&r, &k, 1e-8, 30000, NULL, NULL, first);
    CHECK(r.converged);
    for (int isa = 0; isa < ISA_COUNT; isa++) {
        if (isa_force((Isa)isa) != (Isa)isa) continue;
        Team *team = team_make(1 + 2 * (isa % 2));
        climb(&r, &k, 1e-8, 30000, NULL, team, value);
        CHECK(memcmp(first, value, (size_t)n * sizeof *first) == 0);
        team_free(team);
    }
    isa_force(ISA_COUNT);
    memory_free(value);
    memory_free(first);
    case_close(&k);
}

TEST(the_way_up_survives_every_allocation_that_fails) {
    Case k = {0};
    circle_open(&k, 2);
    Sweep *sweep = sweep_make(k.lattice, NULL, NULL);
    double *value = memory_column(sweep_size(k.lattice));
    for (int64_t at = 1;; at++) {
        ClimbResult r;
        memory_fail_at(at);
        DurStatus status = climb_solve(&r, sweep, k.lattice, NULL, NULL, 1e-8, 300, NULL, value);
        int64_t asked = memory_fail_at(0);
        if (asked < at) { CHECK(status == DUR_OK && at > 5); break; }
        CHECK(status == DUR_MEMORY);
    }
    memory_free(value);
    sweep_free(sweep);
    case_close(&k);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        RUN(games_of_three_types_in_which_sweeps_go_round_in_circles_are_solved),
        RUN(habits_settle_up_to_the_stated_precisions_where_sharp_signals_are_told_apart),
        RUN(where_habits_do_not_settle_precision_goes_up_in_shorter_steps),
        RUN(habits_lead_where_the_plain_solver_leads_when_there_is_one_equilibrium),
        RUN(a_limit_of_sweeps_holds_for_habits_too_and_what_is_not_solved_says_so),
        RUN(the_way_up_survives_every_allocation_that_fails),
        RUN(the_way_up_can_be_stopped_and_has_the_same_bits_on_every_vector_width_and_any_number_of_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
