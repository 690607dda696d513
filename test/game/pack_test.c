#include "../random_rounds.h"
#include "../random_types.h"
#include "case.h"

#include "base/memory.h"
#include "game/pack.h"
#include "game/sweep.h"

// every array of two policies, bit for bit
static void same_policies(const Policy *a, const Policy *b) {
    const Lattice *l = a->lattice;
    int64_t n_value = l->model->clock == CLOCK_ROUNDS ? l->model->n_actor * l->n_state : sweep_size(l);
    CHECK(a->n_entry == b->n_entry && a->n_shift == b->n_shift);
    assert_memory_equal(a->value, b->value, (size_t)n_value * sizeof(double));
    assert_memory_equal(a->advantage, b->advantage, (size_t)a->n_entry * sizeof(double));
    assert_memory_equal(a->probability, b->probability, (size_t)a->n_entry * sizeof(double));
    if (l->model->n_belief) assert_memory_equal(a->drift, b->drift, (size_t)(l->model->n_belief * l->n_state) * sizeof(double));
}

static void goes_and_comes(const char *text) {
    Case k;
    case_open(&k, text);
    DurError error = {0};
    CHECK_OK(game_solve(&k.solution, k.lattice, NULL, NULL, &error));
    Text data = {0}, again = {0};
    game_pack(&data, &k.solution);
    CHECK(data.length == game_pack_bytes(&k.solution));
    GameSolution back;
    CHECK_OK(game_unpack(&back, k.lattice, NULL, NULL, text_view(&data), data.length, &error));
    same_policies(k.solution.policy, back.policy);
    game_pack(&again, &back);
    CHECK(again.length == data.length);
    assert_memory_equal(text_view(&again), text_view(&data), data.length);
    game_free(&back);
    // cut short, too long, or of another game
    CHECK(game_unpack(&back, k.lattice, NULL, NULL, text_view(&data), data.length - 1, &error) == DUR_SHAPE);
    text_char(&data, 'x');
    CHECK(game_unpack(&back, k.lattice, NULL, NULL, text_view(&data), data.length, &error) == DUR_SHAPE);
    CHECK(game_unpack(&back, k.lattice, NULL, NULL, "", 0, &error) == DUR_SHAPE);
    text_free(&again);
    text_free(&data);
    case_close(&k);
}

static const char PLAIN[] =
    "scenario \"s\" { clock continuous unit month }\nactor a { patience 10 month precision 4 attends 1 per month }\n"
    "actor b { patience 5 month precision 3 attends 1 per month }\nmode m of a { off, on }\nmode n of b { off, on }\n"
    "stock x { range 0..1 grid 7 start 0.5 drift 0.1*([m == on] - x) }\n"
    "move go of a { when m == off cost 0.1 then m = on }\nmove stop of a { when m == on then m = off }\n"
    "move act of b { when n == off then n = on }\nmove rest of b { when n == on then n = off }\n"
    "payoff a { gain x - 0.3*[n == on] }\npayoff b { pain -x + 0.2*[n == on]*[m == on] }\n";

static void test_a_solution_as_bytes_comes_back_to_the_bit(void **state) {
    (void)state;
    goes_and_comes(PLAIN);
    for (int k = 0; k < 5; k++) {
        Text text = {0};
        random_types(&text, (uint64_t)k + 1, "quantal", 3, 1);
        goes_and_comes(text_view(&text));
        text_clear(&text);
        random_rounds(&text, (uint64_t)k + 1, "quantal", 3);
        goes_and_comes(text_view(&text));
        text_free(&text);
    }
}

// two firms in a market for one: more than one equilibrium
static void test_a_list_of_equilibria_comes_back_too(void **state) {
    (void)state;
    Case k;
    case_open(&k, "scenario \"m\" { clock continuous unit month }\nactor a { patience 10 month precision 8 attends 1 per month }\n"
                  "actor b { patience 10 month precision 8 attends 1 per month }\nmode m of a { out, on }\nmode n of b { out, on }\n"
                  "move go of a { when m == out then m = on }\nmove stop of a { when m == on then m = out }\n"
                  "move act of b { when n == out then n = on }\nmove rest of b { when n == on then n = out }\n"
                  "payoff a { gain [m == on]*(1 - 1.5*[n == on]) }\npayoff b { gain [n == on]*(1 - 1.5*[m == on]) }\n");
    DurError error = {0};
    GameEquilibria list, back;
    int64_t n = sweep_size(k.lattice);
    CHECK_OK(game_starts(&list, k.lattice, NULL, 16, NULL, NULL, &error));
    CHECK(list.n > 1);
    Text data = {0}, again = {0};
    game_equilibria_pack(&data, &list, k.lattice, n);
    CHECK_OK(game_equilibria_unpack(&back, k.lattice, n, text_view(&data), data.length, &error));
    CHECK(back.n == list.n && back.n_start == 16);
    for (int32_t i = 0; i < list.n; i++) {
        assert_memory_equal(back.item[i].value, list.item[i].value, (size_t)n * sizeof(double));
        CHECK(back.item[i].n_start == list.item[i].n_start && back.item[i].is_left == list.item[i].is_left);
    }
    game_equilibria_pack(&again, &back, k.lattice, n);
    CHECK(again.length == data.length);
    assert_memory_equal(text_view(&again), text_view(&data), data.length);
    game_equilibria_free(&back);
    CHECK(game_equilibria_unpack(&back, k.lattice, n + 1, text_view(&data), data.length, &error) == DUR_SHAPE);
    CHECK(game_equilibria_unpack(&back, k.lattice, n, text_view(&data), data.length / 2, &error) == DUR_SHAPE);
    text_free(&again);
    text_free(&data);
    game_equilibria_free(&list);
    case_close(&k);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_a_solution_as_bytes_comes_back_to_the_bit),
                                       cmocka_unit_test(test_a_list_of_equilibria_comes_back_too)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
