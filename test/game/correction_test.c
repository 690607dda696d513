#include "../check.h"
#include "../scale_case.h"
#include "case.h"

#include "base/memory.h"
#include "game/coarse.h"
#include "game/krylov.h"
#include "game/nest.h"
#include "num/isa.h"
#include "num/philox.h"

#include <math.h>
#include <string.h>

static void slow_open(Case *k, int power, int anger, int trade, int credit) {
    char text[4096];
    snprintf(text, sizeof text, SCALE_CASE, power, anger, trade, credit);
    case_open(k, text);
}

static float *floats(int64_t n) { return memory_zeroed((size_t)n + 16, sizeof(float)); }

static void random_floats(float *x, int64_t n) {
    Stream s = stream_make(3, 0, 0);
    for (int64_t i = 0; i < n; i++) x[i] = (float)stream_normal(&s);
}

// the lattice with about half the nodes of every stock but one
static Lattice *coarser(const Lattice *l, int32_t kept) {
    int32_t n_node[MODEL_VARIABLES_MAX];
    Lattice *out = NULL;
    DurError error = {0};
    assert_true(nest_coarser(l, kept, n_node));
    CHECK_OK(lattice_make_grid(&out, l->model, l->param, n_node, &error));
    return out;
}

// ---- between two lattices ---------------------------------------------------------------------------------------------

// a different number for each row of values and combination of modes, and along each stock straight lines
static double straight(const Lattice *l, int64_t i) {
    int32_t node[MODEL_VARIABLES_MAX];
    int64_t s = i % l->n_state;
    double sum = (double)(i / l->n_state) + 1;
    lattice_nodes(l, s, node);
    for (int32_t v = 0; v < l->n_variable; v++) sum += (v + 1.0) * node[v] / (l->n_node[v] - 1);
    return sum;
}

TEST(straight_lines_are_carried_to_a_finer_lattice_as_they_are_and_what_is_even_stays_even_on_a_coarser) {
    // nodes that coincide and nodes that don't, and an order of variables of its own on the coarser one
    static const int grid[3][4] = {{9, 5, 7, 5}, {8, 6, 10, 7}, {40, 4, 9, 11}};
    for (int g = 0; g < 3; g++) {
        Case k;
        slow_open(&k, grid[g][0], grid[g][1], grid[g][2], grid[g][3]);
        const Lattice *l = k.lattice;
        for (int32_t kept = l->model->n_mode - 1; kept < l->n_variable; kept++) {
            Lattice *c = coarser(l, kept < l->model->n_mode ? -1 : kept);
            Coarse *between = coarse_make(l, c, NULL);
            int64_t n = 2 * l->n_state, n_coarse = 2 * c->n_state;
            float *fine = floats(n), *coarse = floats(n_coarse);
            for (int64_t i = 0; i < n_coarse; i++) coarse[i] = (float)straight(c, i);
            coarse_carry(between, coarse, fine);
            for (int64_t i = 0; i < n; i++) CHECK_NEAR(fine[i], straight(l, i), 1e-5);
            // a number for each combination of modes
            for (int64_t i = 0; i < n; i++) fine[i] = (float)(i / l->n_stock_state) + 1;
            coarse_restrict(between, fine, coarse);
            for (int64_t i = 0; i < n_coarse; i++) CHECK_NEAR(coarse[i], (double)(i / c->n_stock_state) + 1, 1e-5);
            memory_free(coarse);
            memory_free(fine);
            coarse_free(between);
            lattice_free(c);
        }
        case_close(&k);
    }
}

TEST(what_a_coarser_node_sees_of_a_node_is_its_weight_in_what_is_carried_back_to_it) {
    Case k;
    slow_open(&k, 9, 6, 7, 5);
    const Lattice *l = k.lattice;
    Lattice *c = coarser(l, -1);
    Coarse *between = coarse_make(l, c, NULL);
    int64_t n = 2 * l->n_state, n_coarse = 2 * c->n_state;
    float *x = floats(n), *y = floats(n_coarse), *seen = floats(n_coarse), *carried = floats(n), *weight = floats(n_coarse);
    random_floats(x, n);
    random_floats(y, n_coarse);
    coarse_restrict(between, x, seen);
    coarse_carry(between, y, carried);
    // the sum of a node's weights, found by carrying each node's own function
    for (int64_t i = 0; i < n_coarse; i++) {
        float *one = floats(n_coarse), *to = floats(n);
        one[i] = 1;
        coarse_carry(between, one, to);
        double sum = 0;
        for (int64_t j = 0; j < n; j++) sum += (double)to[j];
        weight[i] = (float)sum;
        memory_free(to);
        memory_free(one);
        if (i > 300) break;
    }
    // <carry y, x> = <y, weight restrict x>, for y that is 0 where no weight was found
    double left = 0, right = 0, size = 0;
    for (int64_t i = 0; i < n_coarse; i++) y[i] = weight[i] > 0 ? y[i] : 0;
    coarse_carry(between, y, carried);
    for (int64_t i = 0; i < n; i++) left += (double)carried[i] * (double)x[i];
    for (int64_t i = 0; i < n_coarse; i++) {
        right += (double)y[i] * (double)weight[i] * (double)seen[i];
        size += fabs((double)y[i] * (double)weight[i] * (double)seen[i]);
    }
    CHECK(size > 1);
    CHECK_NEAR(left, right, 1e-6 * size);
    memory_free(weight);
    memory_free(carried);
    memory_free(seen);
    memory_free(y);
    memory_free(x);
    coarse_free(between);
    lattice_free(c);
    case_close(&k);
}

// ---- what is rough ----------------------------------------------------------------------------------------------------

TEST(the_stock_along_which_neighbours_differ_is_found) {
    Case k;
    slow_open(&k, 9, 8, 7, 5);
    const Lattice *l = k.lattice;
    int64_t n = 2 * l->n_state;
    float *x = floats(n);
    double rough;
    for (int32_t v = l->model->n_mode; v < l->n_variable; v++) {
        for (int64_t i = 0; i < n; i++) {
            int32_t node[MODEL_VARIABLES_MAX];
            lattice_nodes(l, i % l->n_state, node);
            x[i] = node[v] % 2 ? -1.0f : 1.0f;
        }
        int32_t found = correction_roughest(l, x, NULL, &rough);
        if (l->n_node[v] < 7) {
            CHECK(rough == 0);
        } else {
            CHECK(found == v);
            CHECK_NEAR(rough, 4.0 * (l->n_node[v] - 1) / l->n_node[v], 1e-9);
        }
    }
    random_floats(x, n);
    correction_roughest(l, x, NULL, &rough);
    CHECK(rough > 1.6 && rough < 2);
    memory_free(x);
    case_close(&k);
}

// ---- systems that begin on a coarser lattice ----------------------------------------------------------------------------

// the case solved, and Newton's method at its solution
static Krylov *at_solution(Case *k, Team *team) {
    solved(&k->solution, k, &(GameOptions){.skip_certificate = true});
    Krylov *krylov = krylov_make(k->lattice, NULL, team, 30, NULL);
    assert_non_null(krylov);
    krylov_take(krylov, 1.0, k->solution.policy->value, NULL);
    return krylov;
}

// the length of M^{-1} (right - A x), relative to that of M^{-1} right
static double left_of(Krylov *k, const float *right, const float *x) {
    float *to = floats(k->n), *none = floats(k->n);
    memcpy(to, x, (size_t)k->n * sizeof *x);
    tangent_sweep(k->tangent, right, to);
    tangent_sweep(k->tangent, right, none);
    for (int64_t i = 0; i < k->n; i++) to[i] -= x[i];
    double left = sqrt(gmres_dot(k->gmres, to, to) / gmres_dot(k->gmres, none, none));
    memory_free(none);
    memory_free(to);
    return left;
}

TEST(a_system_that_begins_on_a_coarser_lattice_is_solved_to_the_same_answer_in_fewer_sweeps) {
    Case k;
    slow_open(&k, 13, 13, 13, 13);
    Krylov *krylov = at_solution(&k, NULL);
    float *right = floats(krylov->n), *x = floats(krylov->n);
    // what payoffs miss: smooth, and one number more for one actor
    for (int64_t i = 0; i < krylov->n; i++) right[i] = (float)(0.01 * straight(k.lattice, i));
    memcpy(krylov->miss, right, (size_t)krylov->n * sizeof *right);
    double length, reduced;
    int64_t sweeps[2];
    for (int with = 0; with < 2; with++) {
        if (with) CHECK_OK(correction_make(&krylov->correction, k.lattice, NULL, NULL, k.model->n_mode, 1.0, k.solution.policy->value, NULL));
        CHECK(!with || krylov->correction);
        CHECK_OK(krylov_measure(krylov, &length));
        int64_t before = krylov->n_sweep;
        CHECK_OK(krylov_linear(krylov, right, krylov->swept, 0.02, x, &reduced));
        sweeps[with] = krylov->n_sweep - before;
        CHECK(reduced <= 0.02);
        CHECK_NEAR(left_of(krylov, right, x), reduced, 0.2 * reduced);
    }
    // what was made on coarser lattices is in the second count
    CHECK(3 * sweeps[1] < 2 * sweeps[0]);
    memory_free(x);
    memory_free(right);
    krylov_free(krylov);
    case_close(&k);
}

TEST(a_guess_from_a_coarser_lattice_has_the_same_bits_on_any_number_of_threads_and_at_any_width) {
    Case k;
    slow_open(&k, 9, 8, 9, 10);
    Krylov *krylov = at_solution(&k, NULL);
    float *right = floats(krylov->n), *first = NULL;
    random_floats(right, krylov->n);
    for (int isa = 0; isa < ISA_COUNT; isa++) {
        if (isa_force((Isa)isa) != (Isa)isa) continue;
        for (int n_thread = 1; n_thread <= 3; n_thread++) {
            Team *team = team_make(n_thread);
            Correction *c = NULL;
            float *x = floats(krylov->n);
            CHECK_OK(correction_make(&c, k.lattice, NULL, team, -1, 1.0, k.solution.policy->value, NULL));
            assert_non_null(c);
            CHECK_OK(correction_guess(c, right, x));
            CHECK(correction_work(c) > 0);
            CHECK(correction_work(c) == 0);
            if (first) assert_memory_equal(first, x, (size_t)krylov->n * sizeof *x);
            else       first = memcpy(floats(krylov->n), x, (size_t)krylov->n * sizeof *x);
            memory_free(x);
            correction_free(c);
            team_free(team);
        }
    }
    isa_force(ISA_COUNT);
    memory_free(first);
    memory_free(right);
    krylov_free(krylov);
    case_close(&k);
}

TEST(the_stock_that_hardly_moves_keeps_its_nodes_and_the_game_is_solved_in_fewer_sweeps) {
    Case k;
    slow_open(&k, 25, 13, 13, 13);
    CHECK(correction_pays(k.lattice));
    GameSolution coarse;
    Lattice *l = coarser(k.lattice, -1);
    DurError error = {0};
    CHECK_OK(game_solve(&coarse, l, &(GameOptions){.skip_certificate = true}, NULL, &error));
    double *value[3];
    int64_t sweeps[3];
    // without; with, and nothing known; with, and known which stock it is from a lattice before
    for (int with = 0; with < 3; with++) {
        KrylovResult r;
        value[with] = nest_carried(l, coarse.policy->value, k.lattice);
        assert_non_null(value[with]);
        Krylov *krylov = krylov_make(k.lattice, NULL, NULL, 60, NULL);
        assert_non_null(krylov);
        krylov->corrects = with > 0;
        krylov->is_slow = with == 2;
        krylov->kept = with == 2 ? k.model->n_mode : -1;
        CHECK_OK(krylov_solve(&r, krylov, 1.0, 1e-9, 30, value[with]));
        CHECK(r.converged);
        CHECK(krylov->kept == (with ? k.model->n_mode : -1));
        sweeps[with] = krylov->n_sweep;
        krylov_free(krylov);
    }
    CHECK(3 * sweeps[2] < 2 * sweeps[0]);
    int64_t n = 2 * k.lattice->n_state;
    double size = krylov_size(value[0], n);
    for (int64_t i = 0; i < n; i++) {
        CHECK_NEAR(value[1][i], value[0][i], 1e-6 * size);
        CHECK_NEAR(value[2][i], value[0][i], 1e-6 * size);
    }
    for (int with = 0; with < 3; with++) memory_free(value[with]);
    game_free(&coarse);
    lattice_free(l);
    case_close(&k);
}

TEST(games_with_and_without_a_rule_are_solved_so_and_say_so) {
    char text[4096], more[4200];
    snprintf(text, sizeof text, SCALE_CASE, 25, 13, 13, 13);
    snprintf(more, sizeof more, "%s policy hush \"it never threatens\" of north { never threaten }\n", text);
    Case k;
    case_open(&k, more);
    LatticeRule rule;
    DurError error = {0};
    CHECK_OK(lattice_rule_make(&rule, k.lattice, k.model->policy[0].actor, &k.model->policy[0].phase[0], &error));
    for (int with = 0; with < 2; with++) {
        GameSolution s;
        solved(&s, &k, &(GameOptions){.rule = with ? &rule : NULL, .skip_certificate = true});
        // computed by what shares nothing with the solver
        CHECK(s.certificate.residual <= 1e-8);
        CHECK(s.is_principal);
        if (!strstr(s.how, ", linear systems beginning on coarser lattices with all nodes of power")) fail_msg("%s", s.how);
        game_free(&s);
    }
    lattice_rule_free(&rule);
    case_close(&k);
}

TEST(what_corrections_take_is_no_more_than_what_is_told_before) {
    if (bytes_in_use() == 0) skip();
    static const int grid[4][4] = {{15, 15, 15, 15}, {60, 10, 10, 10}, {9, 60, 12, 10}, {8, 9, 9, 90}};
    for (int g = 0; g < 4; g++) {
        Case k;
        slow_open(&k, grid[g][0], grid[g][1], grid[g][2], grid[g][3]);
        double *value = memory_zeroed((size_t)(2 * k.lattice->n_state), sizeof *value);
        for (int32_t kept = k.model->n_mode - 1; kept < k.lattice->n_variable; kept++) {
            Correction *c = NULL;
            double before = bytes_in_use();
            CHECK_OK(correction_make(&c, k.lattice, NULL, NULL, kept < k.model->n_mode ? -1 : kept, 1.0, value, NULL));
            double taken = bytes_in_use() - before;
            assert_true(!c || (taken > 0 && taken <= correction_bytes(k.lattice)));
            correction_free(c);
        }
        memory_free(value);
        case_close(&k);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        RUN(straight_lines_are_carried_to_a_finer_lattice_as_they_are_and_what_is_even_stays_even_on_a_coarser),
        RUN(what_a_coarser_node_sees_of_a_node_is_its_weight_in_what_is_carried_back_to_it),
        RUN(the_stock_along_which_neighbours_differ_is_found),
        RUN(a_system_that_begins_on_a_coarser_lattice_is_solved_to_the_same_answer_in_fewer_sweeps),
        RUN(a_guess_from_a_coarser_lattice_has_the_same_bits_on_any_number_of_threads_and_at_any_width),
        RUN(the_stock_that_hardly_moves_keeps_its_nodes_and_the_game_is_solved_in_fewer_sweeps),
        RUN(games_with_and_without_a_rule_are_solved_so_and_say_so),
        RUN(what_corrections_take_is_no_more_than_what_is_told_before),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
