#include "../random_scenario.h"
#include "case.h"

#include "base/memory.h"
#include "game/branch.h"
#include "game/paced.h"

static void open_random(Case *k, uint64_t seed, double precision) {
    Text text = {0};
    random_scenario(&text, seed, "quantal", precision);
    case_open(k, text_view(&text));
    text_free(&text);
}

// A game in which the branch folds: one actor, ninety-six states, found among random ones.
static void folded(Case *k) { open_random(k, 521, 3); }

// values of one precision scale from the values of another, by many small steps that never turn: an independent way along the
// branch up to its first fold
static double small_steps(const Case *k, double to, double *value) {
    Krylov *newton = krylov_make(k->lattice, NULL, NULL, 40, NULL);
    double reached = 0;
    memset(value, 0, (size_t)newton->n * sizeof *value);
    for (double scale = 0; scale <= to + 1e-12; scale += 0.01) {
        KrylovResult r;
        newton->only_whole = scale > 0;
        CHECK_OK(krylov_solve(&r, newton, scale, 1e-9, 12, value));
        if (!r.converged) break;
        reached = scale;
    }
    krylov_free(newton);
    return reached;
}

// the branch of a random game without folds, as it is followed and by small steps
static void as_small_steps(uint64_t seed, double precision) {
    Case k = {0};
    open_random(&k, seed, precision);
    Krylov *newton = krylov_make(k.lattice, NULL, NULL, 40, NULL);
    double *value = memory_column(newton->n), *steps = memory_column(newton->n);
    BranchResult b;
    CHECK_OK(branch_follow(&b, newton, INT64_MAX, 1e-9, value));
    CHECK(b.converged && b.n_fold == 0);
    CHECK_NEAR(small_steps(&k, 1.0, steps), 1.0, 1e-9);
    for (int64_t i = 0; i < newton->n; i++) CHECK_NEAR(value[i], steps[i], 1e-6);
    memory_free(steps);
    memory_free(value);
    krylov_free(newton);
    case_close(&k);
}

TEST(before_a_fold_the_branch_is_what_small_steps_find) {
    for (uint64_t seed = 520; seed < 528; seed++) as_small_steps(seed, 0.4);
}

TEST(what_the_branch_takes_to_its_next_point_alone_is_held_against_it) {
    Case k = {0};
    open_random(&k, 520, 0.4);
    Krylov *newton = krylov_make(k.lattice, NULL, NULL, 40, NULL);
    double *whole = memory_column(newton->n), *value = memory_column(newton->n);
    BranchResult b;
    CHECK_OK(branch_follow(&b, newton, INT64_MAX, 1e-9, whole));
    int64_t spent = krylov_spent(newton);
    CHECK(b.converged && b.n_step > 6);
    // many points, so that none takes half of what all do
    CHECK_OK(branch_follow(&b, newton, spent / 2, 1e-9, value));
    CHECK(b.converged);
    for (int64_t i = 0; i < newton->n; i++) CHECK(value[i] == whole[i]);
    // and one of them more than a 40th
    CHECK_OK(branch_follow(&b, newton, spent / 40, 1e-9, value));
    CHECK(!b.converged && b.reached < 1);
    // what is allowed in all holds whatever leads on
    newton->max_sweep = krylov_spent(newton) + spent / 2;
    CHECK_OK(branch_follow(&b, newton, INT64_MAX, 1e-9, value));
    CHECK(!b.converged && newton->max_sweep < INT64_MAX);
    memory_free(value);
    memory_free(whole);
    krylov_free(newton);
    case_close(&k);
}

// Games in which Newton's method, straight from the point before, goes to another equilibrium: by a tenth of the largest value and more
TEST(where_the_two_points_before_lead_to_the_branch_is_what_small_steps_find) {
    as_small_steps(2, 3);
    as_small_steps(2, 8);
    as_small_steps(49, 8);
}

TEST(where_the_branch_of_a_sharp_game_is_lost_paced_sweeps_lead_to_an_equilibrium_more_often_than_newtons_method) {
    int n_lost = 0, n_plain = 0, n_paced = 0;
    for (uint64_t seed = 1; seed <= 150; seed++) {
        Case k = {0};
        open_random(&k, seed, 40);
        Krylov *krylov = krylov_make(k.lattice, NULL, NULL, 40, NULL);
        double *lost = memory_column(krylov->n), *value = memory_column(krylov->n), residual;
        krylov->max_sweep = 3000;
        BranchResult b;
        CHECK_OK(branch_follow(&b, krylov, INT64_MAX, 1e-9, lost));
        if (!b.converged && b.reached > 0) {
            KrylovResult plain, end;
            DurError error = {0};
            n_lost++;
            krylov->max_sweep = INT64_MAX;
            memcpy(value, lost, (size_t)krylov->n * sizeof *value);
            CHECK_OK(krylov_solve(&plain, krylov, 1.0, 1e-9, 30, value));
            n_plain += plain.converged;
            krylov_allow(krylov, 6000, INT64_MAX);
            CHECK_OK(paced_solve(&end, krylov, NULL, 1e-9, lost));
            n_paced += end.converged;
            CHECK_OK(plain_residual(k.lattice, NULL, lost, &residual, &error));
            if (end.converged) CHECK(residual <= 1e-8);
        }
        memory_free(value);
        memory_free(lost);
        krylov_free(krylov);
        case_close(&k);
    }
    print_message("%d lost, %d by Newton's method, %d by paced sweeps\n", n_lost, n_plain, n_paced);
    CHECK(n_lost >= 40 && n_plain <= 15 && n_paced >= 36);
}

TEST(a_branch_that_folds_is_followed_around_to_where_small_steps_cannot_go) {
    Case k = {0};
    folded(&k);
    Krylov *newton = krylov_make(k.lattice, NULL, NULL, 60, NULL);
    double *value = memory_column(newton->n), *steps = memory_column(newton->n), residual;
    BranchResult b;
    CHECK_OK(branch_follow(&b, newton, INT64_MAX, 1e-8, value));
    CHECK(b.converged);
    // it turns back and forth again: folds come in pairs on a branch that reaches higher precision in the end
    CHECK(b.n_fold >= 2 && b.n_fold % 2 == 0);
    DurError error = {0};
    CHECK_OK(plain_residual(k.lattice, NULL, value, &residual, &error));
    CHECK(residual <= 2e-8);
    // upwards alone the branch ends where it turns
    double reached = small_steps(&k, 1.0, steps);
    CHECK(reached > 0.7 && reached < 0.8);
    memory_free(steps);
    memory_free(value);
    krylov_free(newton);
    case_close(&k);
}

TEST(a_solve_says_how_it_was_done_and_around_how_many_folds) {
    Case k = {0};
    GameSolution s;
    folded(&k);
    solved(&s, &k, NULL);
    CHECK(s.is_principal && s.n_fold >= 2);
    CHECK(strstr(s.how, "principal branch") && strstr(s.how, "folds"));
    game_free(&s);
    case_close(&k);
}

TEST(a_small_change_of_a_parameter_costs_a_few_steps_from_the_old_values) {
    // the drift's speed stands in a param, so the same model has two lattices
    Case k = {0};
    case_open(&k, "scenario \"s\" { clock continuous unit month }\n"
                  "actor a { patience 20 month precision 4 attends 2 per month }\n"
                  "actor b { patience 20 month precision 4 attends 2 per month }\n"
                  "param speed = 0.1\n"
                  "mode m of a { off, on }\n mode q of b { off, on }\n"
                  "stock x { range 0..1 grid 61 start 0.5 drift if m == on then speed*(1 - x) else -speed*x }\n"
                  "stock y { range 0..1 grid 41 start 0.5 drift if q == on then speed*(1 - y) else -speed*x*y }\n"
                  "move up of a { when m == off cost 0.1 then m = on }\n move down of a { when m == on then m = off }\n"
                  "move enter of b { when q == off cost 0.1 then q = on }\n move leave of b { when q == on then q = off }\n"
                  "payoff a { x x - 0.4*y; wage -0.2*[m == on] }\n payoff b { y y - 0.8*x; wage -0.2*[q == on] }\n");
    GameSolution cold, again, old;
    solved(&old, &k, NULL);
    double param[1] = {0.101};
    DurError error = {0};
    Lattice *moved;
    CHECK_OK(lattice_make(&moved, k.model, param, &error));
    CHECK_OK(game_solve(&cold, moved, NULL, NULL, &error));
    CHECK_OK(game_solve(&again, moved, &(GameOptions){.warm = old.policy->value}, NULL, &error));
    CHECK(cold.verdict == GAME_CONVERGED && again.verdict == GAME_CONVERGED);
    CHECK(again.n_step <= 8);
    CHECK(again.n_sweep < cold.n_sweep);
    CHECK(again.is_principal && again.note[0] == 0);
    for (int64_t i = 0; i < 2 * moved->n_state; i++) CHECK_NEAR(cold.policy->value[i], again.policy->value[i], 2e-5);
    game_free(&again);
    game_free(&cold);
    lattice_free(moved);
    // after a large one values move so far that nothing is said of the branch
    param[0] = 0.001;
    CHECK_OK(lattice_make(&moved, k.model, param, &error));
    CHECK_OK(game_solve(&again, moved, &(GameOptions){.warm = old.policy->value, .warm_alone = true}, NULL, &error));
    CHECK(again.verdict == GAME_CONVERGED);
    CHECK(!again.is_principal && strstr(again.note, "another equilibrium"));
    game_free(&again);
    game_free(&old);
    lattice_free(moved);
    case_close(&k);
}

TEST(coarser_lattices_lead_to_the_equilibrium_that_the_branch_on_the_lattice_itself_leads_to) {
    Case k = {0};
    case_open(&k, "scenario \"s\" { clock continuous unit month }\n"
                  "actor a { patience 20 month precision 2 attends 2 per month }\n"
                  "actor b { patience 20 month precision 2 attends 2 per month }\n"
                  "mode m of a { off, on }\n mode q of b { off, on }\n"
                  "stock x { range 0..1 grid 41 start 0.5 drift if m == on then 0.1*(1 - x) else -0.1*x }\n"
                  "stock y { range 0..1 grid 41 start 0.5 drift if q == on then 0.2*(1 - y) else -0.1*x*y }\n"
                  "move up of a { when m == off cost 0.1 then m = on }\n move down of a { when m == on then m = off }\n"
                  "move enter of b { when q == off cost 0.1 then q = on }\n move leave of b { when q == on then q = off }\n"
                  "payoff a { x x - 0.4*y; wage -0.2*[m == on] }\n payoff b { y y - 0.8*x; wage -0.2*[q == on] }\n");
    GameSolution s;
    solved(&s, &k, &(GameOptions){.tolerance = 1e-9});
    CHECK(strstr(s.how, "carried"));
    Krylov *newton = krylov_make(k.lattice, NULL, NULL, 60, NULL);
    double *value = memory_column(newton->n);
    BranchResult b;
    CHECK_OK(branch_follow(&b, newton, INT64_MAX, 1e-9, value));
    CHECK(b.converged);
    for (int64_t i = 0; i < newton->n; i++) CHECK_NEAR(value[i], s.policy->value[i], 2e-6);
    memory_free(value);
    krylov_free(newton);
    game_free(&s);
    case_close(&k);
}

// seven stocks, all but the last of three nodes, and six modes: 139,968 states with three nodes for that one too, 8,192 with two for each
static void wide(Case *k, int last, const char *payoff) {
    Text text = {0};
    text_append(&text, "scenario \"s\" { clock continuous unit month }\n"
                    "actor a { patience 20 month precision 2 attends 1 per month }\n"
                    "actor b { patience 20 month precision 2 attends 1 per month }\n");
    for (int i = 0; i < 6; i++)
        text_printf(&text, "mode m%d of %s { off, on }\n move up%d of %s { when m%d == off cost 0.1 then m%d = on }\n", i, i % 2 ? "b" : "a", i,
                  i % 2 ? "b" : "a", i, i);
    for (int i = 0; i < 6; i++) text_printf(&text, "event end%d { when m%d == on rate %g per month then m%d = off }\n", i, i, 0.2 + 0.05 * i, i);
    for (int i = 0; i < 7; i++)
        text_printf(&text, "stock x%d { range 0..1 grid %d start 0.5 drift if m%d == on then 0.1*(1 - x%d) else -0.05*x%d }\n", i, i < 6 ? 3 : last,
                    i % 6, i, i);
    text_append(&text, payoff);
    case_open(k, text_view(&text));
    text_free(&text);
}

TEST(where_three_nodes_a_stock_are_many_states_two_lead_to_what_the_branch_itself_leads_to) {
    Case k = {0};
    wide(&k, 3, "payoff a { x x0 + 0.5*x2 - 0.4*x1 - 0.1*x6 }\n payoff b { y x1 + 0.5*x3 + 0.2*x5 - 0.3*x0 - 0.2*x4 }\n");
    GameSolution s;
    solved(&s, &k, &(GameOptions){.tolerance = 1e-9});
    if (!strstr(s.how, "0 folds on 8192 states, carried through 1 lattice")) fail_msg("%s", s.how);
    CHECK(s.is_principal);
    Krylov *newton = krylov_make(k.lattice, NULL, NULL, 60, NULL);
    double *value = memory_column(newton->n);
    BranchResult b;
    CHECK_OK(branch_follow(&b, newton, INT64_MAX, 1e-9, value));
    CHECK(b.converged && b.n_fold == 0);
    for (int64_t i = 0; i < newton->n; i++) CHECK_NEAR(value[i], s.policy->value[i], 2e-6);
    memory_free(value);
    krylov_free(newton);
    game_free(&s);
    case_close(&k);
}

TEST(two_nodes_a_stock_that_see_nothing_of_a_payoff_are_no_guide) {
    // worth something halfway only; two nodes lead to the lattice itself, and to one that is to lead on to it
    for (int last = 3; last <= 5; last += 2) {
        Case k = {0};
        wide(&k, last, "payoff a { x 4*x0*(1 - x0) + 4*x2*(1 - x2) }\n payoff b { y 4*x1*(1 - x1) }\n");
        GameSolution s;
        solved(&s, &k, NULL);
        CHECK(s.is_principal);
        if (strstr(s.how, "8192") || !strstr(s.how, "the principal branch")) fail_msg("%s", s.how);
        CHECK((last == 5) == (strstr(s.how, "on 139968 states, carried through 1 lattice") != NULL));
        game_free(&s);
        case_close(&k);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        RUN(what_the_branch_takes_to_its_next_point_alone_is_held_against_it),
        RUN(before_a_fold_the_branch_is_what_small_steps_find),
        RUN(where_the_two_points_before_lead_to_the_branch_is_what_small_steps_find),
        RUN(where_the_branch_of_a_sharp_game_is_lost_paced_sweeps_lead_to_an_equilibrium_more_often_than_newtons_method),
        RUN(a_branch_that_folds_is_followed_around_to_where_small_steps_cannot_go),
        RUN(a_solve_says_how_it_was_done_and_around_how_many_folds),
        RUN(a_small_change_of_a_parameter_costs_a_few_steps_from_the_old_values),
        RUN(coarser_lattices_lead_to_the_equilibrium_that_the_branch_on_the_lattice_itself_leads_to),
        RUN(where_three_nodes_a_stock_are_many_states_two_lead_to_what_the_branch_itself_leads_to),
        RUN(two_nodes_a_stock_that_see_nothing_of_a_payoff_are_no_guide),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
