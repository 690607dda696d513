#include "../check.h"
#include "../random_scenario.h"

#include "base/memory.h"
#include "lang/lang.h"
#include "lattice/chain.h"
#include "lattice/lines.h"
#include "lattice/rows.h"

#include <stdlib.h>

typedef struct Case {
    Compilation c;
    Model *model;
    Lattice *lattice;
    double param[64];
    DurError error;
    DurStatus status;
} Case;

static void case_open(Case *k, const char *text) {
    DurError error = {0};
    CHECK_OK(lang_compile_text(&k->c, "test.duress", text, strlen(text), NULL, 0, &error));
    k->model = lang_take_model(&k->c);
    if (!k->model) {
        Text out = {0};
        diagnostics_print(&k->c.diagnostics, k->c.file, k->c.n_file, &out);
        fail_msg("%s\n%s", text_view(&out), text);
    }
    model_params(k->model, k->param);
    k->status = lattice_make(&k->lattice, k->model, k->param, &k->error);
}

static void case_close(Case *k) {
    lattice_free(k->lattice);
    model_free(k->model);
    lang_free(&k->c);
    *k = (Case){0};
}

TEST(every_table_says_at_every_state_what_the_expression_says) {
    for (uint64_t seed = 1; seed <= 60; seed++) {
        Text text = {0};
        Case k = {0};
        random_scenario(&text, seed, "quantal", 2);
        case_open(&k, text_view(&text));
        if (k.status != DUR_OK) fail_msg("%s\n%s", k.error.text, text_view(&text));
        const Lattice *l = k.lattice;
        const Model *m = k.model;
        for (int64_t s = 0; s < l->n_state; s++) {
            int32_t node[MODEL_VARIABLES_MAX];
            double state[MODEL_VARIABLES_MAX];
            lattice_nodes(l, s, node);
            assert_int_equal(lattice_state(l, node), s);
            for (int32_t v = 0; v < l->n_variable; v++) state[v] = lattice_level(l, v, node[v]);
#define VALUE(p) eval_state(m, p, state, k.param, NULL, NULL)
            for (int32_t t = 0; t < m->n_term; t++) CHECK_SAME(lattice_table_at(l, &l->term[t], node), VALUE(m->term[t].value));
            for (int32_t a = 0; a < m->n_actor; a++) {
                CHECK_SAME(lattice_table_at(l, &l->actor[a].attends, node), VALUE(m->actor[a].attends));
                CHECK_SAME(lattice_table_at(l, &l->actor[a].precision, node), VALUE(m->actor[a].precision));
            }
            for (int32_t q = 0; q < m->n_stock; q++) {
                // net flow is the drift, spread is the noise, except outwards at an end
                int32_t v = m->n_mode + q;
                if (node[v] == 0 || node[v] == l->n_node[v] - 1) continue;
                double h = l->stock[q].step, f = VALUE(m->stock[q].drift);
                double sd = m->stock[q].noise == PROGRAM_NONE ? 0 : VALUE(m->stock[q].noise);
                double up = lattice_table_at(l, &l->stock[q].up, node), down = lattice_table_at(l, &l->stock[q].down, node);
                CHECK_NEAR((up - down) * h, f, 1e-12);
                CHECK_NEAR((up + down) * h * h, fabs(f) * h + sd * sd, 1e-12);
            }
            for (int32_t j = 0; j < m->n_jump; j++) {
                const ModelJump *mj = &m->jump[j];
                bool open = mj->when == PROGRAM_NONE || VALUE(mj->when) != 0;
                CHECK(lattice_table_at(l, &l->jump[j].when, node) == (open ? 1.0 : 0.0));
                if (mj->kind == JUMP_EVENT) CHECK_SAME(lattice_table_at(l, &l->jump[j].rate, node), open ? VALUE(mj->rate) : 0.0);
                for (int32_t q = 0; q < mj->n_lump; q++)
                    if (open) CHECK_SAME(lattice_table_at(l, &l->jump[j].lump[q], node), VALUE(mj->lump[q].value));
            }
        }
        case_close(&k);
        text_free(&text);
    }
}

TEST(a_target_off_the_nodes_is_split_so_that_its_mean_is_kept_after_clipping) {
    Case k = {0};
    case_open(&k, "scenario \"split\" { clock continuous unit month }\n"
                  "actor a { patience 20 month precision 1 attends 1 per month }\n"
                  "mode m of a { v0, v1 }\n"
                  "stock x { range 0..2 grid 5 start 0.3 }\n"
                  "stock y { range -1..1 grid 4 start 0.1 }\n"
                  "move go of a { when m == v0 then m = v1, x += 0.7, y = 0.5*x - 0.2 }\n"
                  "payoff a { flow x }\n");
    CHECK_OK(k.status);
    const Lattice *l = k.lattice;
    int64_t state[64];
    double weight[64];
    for (int32_t i = 0; i < 5; i++)
        for (int32_t q = 0; q < 4; q++) {
            int32_t node[3] = {0, i, q};
            double x = lattice_level(l, 1, i), total = 0, mean_x = 0, mean_y = 0;
            int32_t n = lattice_targets(l, 0, node, state, weight);
            for (int32_t t = 0; t < n; t++) {
                int32_t to[3];
                lattice_nodes(l, state[t], to);
                assert_int_equal(to[0], 1);
                total += weight[t];
                mean_x += weight[t] * lattice_level(l, 1, to[1]);
                mean_y += weight[t] * lattice_level(l, 2, to[2]);
            }
            CHECK_NEAR(total, 1, 1e-15);
            CHECK_NEAR(mean_x, fmin(2, x + 0.7), 1e-14);
            CHECK_NEAR(mean_y, 0.5 * x - 0.2, 1e-14);   // effects read the state before
        }
    // the start is split in the same way
    double sum = 0, x = 0;
    for (int32_t i = 0; i < l->n_start; i++) {
        int32_t node[3];
        lattice_nodes(l, l->start_state[i], node);
        sum += l->start_weight[i];
        x += l->start_weight[i] * lattice_level(l, 1, node[1]);
    }
    CHECK_NEAR(sum, 1, 1e-15);
    CHECK_NEAR(x, 0.3, 1e-15);
    case_close(&k);
}

TEST(a_random_size_keeps_its_first_three_moments_on_a_fine_grid) {
    // targets are kept inside the range; with 2001 nodes splitting adds at most h^2/4 to the variance
    const struct { const char *draw; double mean, var, third; } row[] = {
        {"uniform(0.1, 0.5)", 0.3, 0.16 / 12, 0},
        {"normal(0.4, 0.1)", 0.4, 0.01, 0},
        {"exponential(0.05)", 0.05, 0.0025, 2 * 0.05 * 0.05 * 0.05},
        {"one_of{0.1, 0.2, 0.6}", 0.3, 0.14 / 3, 0.018 / 3}};
    for (int r = 0; r < 4; r++) {
        char text[512];
        snprintf(text, sizeof text, "scenario \"draw\" { clock continuous unit month }\n"
                 "actor a { patience 20 month precision 1 attends 0 per month }\n"
                 "stock x { range -2..2 grid 2001 start 0 }\n"
                 "event hit { rate 1 per month then x += %s }\npayoff a { flow x }\n", row[r].draw);
        Case k = {0};
        case_open(&k, text);
        if (k.status != DUR_OK) fail_msg("%s", k.error.text);
        int64_t state[64];
        double weight[64], mean = 0, var = 0, third = 0;
        int32_t node = 1000, n = lattice_targets(k.lattice, 0, &node, state, weight);
        for (int32_t t = 0; t < n; t++) mean += weight[t] * lattice_level(k.lattice, 0, (int32_t)state[t]);
        for (int32_t t = 0; t < n; t++) {
            double d = lattice_level(k.lattice, 0, (int32_t)state[t]) - row[r].mean;
            var += weight[t] * d * d;
            third += weight[t] * d * d * d;
        }
        CHECK_NEAR(mean, row[r].mean, 1e-12);
        CHECK_NEAR(var, row[r].var, 1.1e-6);
        CHECK_NEAR(third, row[r].third, 1e-5 * 0.2);
        case_close(&k);
    }
}

static void fault(const char *line, DurStatus status, const char *expected) {
    Text text = {0};
    text_append(&text, "scenario \"fault\" { clock continuous unit month }\n"
                       "actor a { patience 20 month precision 1 attends 1 per month }\n"
                       "mode m of a { calm, tense }\n"
                       "stock x { range 0..1 grid 5 start 0.5 }\n"
                       "move go of a { when m == calm then m = tense }\n"
                       "move back of a { when m == tense then m = calm }\n");
    text_append(&text, line);
    Case k = {0};
    case_open(&k, text_view(&text));
    assert_int_equal(k.status, status);
    if (!strstr(k.error.text, expected)) fail_msg("said: %s\nnot:  %s", k.error.text, expected);
    case_close(&k);
    text_free(&text);
}

TEST(a_value_that_cannot_be_is_told_with_its_expression_and_its_node) {
    fault("payoff a { flow 1/(x - 0.75) }\n", DUR_DOMAIN, "x=0.75");
    fault("payoff a { flow 1/(x - 0.75) }\n", DUR_DOMAIN, "test.duress:7:");
    fault("payoff a { flow by m { calm 1, tense 1/(x - 0.25) } }\n", DUR_DOMAIN, "m=tense, x=0.25");
    fault("event e { rate x - 0.1 then m = calm }\npayoff a { flow 1 }\n", DUR_DOMAIN, "is negative at x=0");
    fault("event e { when x > 0.2 rate 1/x - 1 + [x > 0.9]*(-0.5) then m = calm }\npayoff a { flow 1 }\n", DUR_DOMAIN, "x=1");
    // nobody looks so far ahead that what a move changes is lost in rounding
    fault("actor b { patience 1e300 month }\npayoff a { flow 1 }\n", DUR_DOMAIN, "test.duress:7:20: `b` looks too far ahead");
    fault("actor b { patience 2e9 month }\npayoff a { flow 1 }\n", DUR_DOMAIN, "its patience can be 1e+09 months at most");
    fault("actor b { patience 9e8 month }\npayoff a { flow 1 }\n", DUR_OK, "");
    // where the guard is false a rate may be anything
    fault("event e { when x > 0 rate 1/x then m = calm }\npayoff a { flow 1 }\n", DUR_OK, "");
}

TEST(a_lattice_beyond_the_limit_is_refused_before_memory_is_taken) {
    Text text = {0};
    text_append(&text, "scenario \"huge\" { clock continuous unit month }\n"
                       "actor a { patience 20 month precision 1 attends 1 per month }\n"
                       "mode m of a { calm, tense }\nmove go of a { when m == calm then m = tense }\n");
    for (int i = 0; i < 5; i++) text_printf(&text, "stock x%d { range 0..1 grid 1000 start 0.5 drift 0.1 }\n", i);
    text_append(&text, "payoff a { flow x0 + x1 + x2 + x3 + x4 }\n");
    Case k = {0};
    case_open(&k, text_view(&text));
    assert_int_equal(k.status, DUR_LIMIT);
    CHECK(strstr(k.error.text, "states") != NULL);
    CHECK_NEAR(lattice_size(k.model).n_state, 2e15, 0);
    case_close(&k);
    text_free(&text);
}

TEST(setting_modes_reads_the_state_with_those_modes) {
    Case k = {0};
    case_open(&k, "scenario \"set\" { clock continuous unit month }\n"
                  "actor a { patience 20 month precision 1 attends 1 per month }\n"
                  "mode m of a { v0, v1, v2 }\nmode n of nature { w0, w1 }\n"
                  "stock x { range 0..1 grid 3 start 0 }\n"
                  "move go of a { when m == v0 then m = v1 }\nevent e { rate 1 then n = w1 }\npayoff a { flow x }\n");
    CHECK_OK(k.status);
    int64_t n = k.lattice->n_state;
    double *x = memory_column(n), *y = memory_column(n);
    for (int64_t i = 0; i < n; i++) x[i] = (double)i;
    chain_set_modes(k.lattice, 2, (ModelSet[]){{0, 2}, {1, 0}}, x, y);
    for (int64_t i = 0; i < n; i++) {
        int32_t node[3];
        lattice_nodes(k.lattice, i, node);
        node[0] = 2;
        node[1] = 0;
        CHECK_NEAR(y[i], (double)lattice_state(k.lattice, node), 0);
    }
    memory_free(y);
    memory_free(x);
    case_close(&k);
}

// doubled, odd, even and coarser grids, in turn
static int32_t other_grid(int32_t n, int how) {
    const int32_t grid[4] = {2 * n - 1, 3 * n - 2, n + 1, n > 3 ? n - 1 : 2};
    return grid[how];
}

static double linear(const Lattice *l, const int32_t *node) {   // linear in each stock, anything in modes
    double sum = 0.7, product = 1;
    for (int32_t v = 0; v < l->n_variable; v++) {
        double x = lattice_level(l, v, node[v]);
        sum += v < l->model->n_mode ? 3.1 * x * x : (v + 0.37) * x;
        product *= v < l->model->n_mode ? 1 + x : 0.5 - x;
    }
    return sum + product;
}

TEST(a_function_linear_in_each_stock_is_carried_to_any_grid_exactly_and_shared_nodes_keep_their_bits) {
    for (uint64_t seed = 1; seed <= 40; seed++) {
        Text text = {0};
        Case k = {0};
        random_scenario(&text, seed, "quantal", 2);
        case_open(&k, text_view(&text));
        CHECK_OK(k.status);
        const Lattice *from = k.lattice;
        int32_t grid[MODEL_VARIABLES_MAX], node[MODEL_VARIABLES_MAX];
        lattice_grid(k.model, grid);
        for (int32_t v = k.model->n_mode; v < from->n_variable; v++) grid[v] = other_grid(grid[v], (int)(seed + v) % 4);
        Lattice *to;
        CHECK_OK(lattice_make_grid(&to, k.model, k.param, grid, &k.error));
        double *x = memory_column(from->n_state), *y = memory_column(to->n_state), *back = memory_column(from->n_state);
        double size = 0;
        for (int64_t s = 0; s < from->n_state; s++) {
            lattice_nodes(from, s, node);
            x[s] = linear(from, node);
            size = fmax(size, fabs(x[s]));
        }
        CHECK_OK(lattice_carry(from, x, to, y));
        bool finer = true;
        for (int64_t s = 0; s < to->n_state; s++) {
            lattice_nodes(to, s, node);
            CHECK_NEAR(y[s], linear(to, node), 1e-13 * size);
            bool shared = true;
            for (int32_t v = 0; v < to->n_variable; v++) {
                int64_t part = (int64_t)node[v] * (from->n_node[v] - 1), whole = to->n_node[v] > 1 ? to->n_node[v] - 1 : 1;
                shared = shared && part % whole == 0;
                node[v] = (int32_t)(part / whole);
                finer = finer && (from->n_node[v] == to->n_node[v] || whole % (from->n_node[v] - 1) == 0);
            }
            if (shared) CHECK_SAME(y[s], x[lattice_state(from, node)]);
        }
        // there and back: where the finer grid holds all of the coarser's nodes nothing is lost, whatever the function
        for (int64_t s = 0; s < from->n_state; s++) x[s] = sin(12.9898 * (double)s);
        CHECK_OK(lattice_carry(from, x, to, y));
        CHECK_OK(lattice_carry(to, y, from, back));
        for (int64_t s = 0; finer && s < from->n_state; s++) CHECK_SAME(back[s], x[s]);
        memory_free(back);
        memory_free(y);
        memory_free(x);
        lattice_free(to);
        case_close(&k);
        text_free(&text);
    }
}

TEST(a_function_linear_in_a_belief_over_three_types_is_carried_exactly_and_halved_steps_keep_what_they_hold) {
    for (int with_stock = 0; with_stock < 2; with_stock++) {
        char text[512];
        snprintf(text, sizeof text,
                 "scenario \"three\" { clock continuous unit month }\nactor a { patience 20 month precision 1 attends 1 per month }\n"
                 "private kind of a { x, y, z } { belief 0.5, 0.2, 0.3  grid 4 }\nmode m of a { off, on }\n%s"
                 "move go of a { when m == off then m = on }\npayoff a { g [m == on] }\n",
                 with_stock ? "stock s { range 0..1 grid 3 start 0 }\n" : "");
        Case k;
        case_open(&k, text);
        CHECK_OK(k.status);
        const Lattice *from = k.lattice;
        int32_t grid[MODEL_VARIABLES_MAX], v = k.model->private[0].variable, node[MODEL_VARIABLES_MAX];
        lattice_grid(k.model, grid);
        assert_int_equal(grid[v], 10);
        CHECK(lattice_has_axis(k.model, v) && !lattice_has_axis(k.model, v + 1));
        assert_int_equal(lattice_steps_doubled(k.model, v, 10), 0);   // three steps aren't even in number
        grid[v] = lattice_steps_halved(k.model, v, 10);
        assert_int_equal(grid[v], 28);
        assert_int_equal(lattice_steps_doubled(k.model, v, 28), 10);
        Lattice *to;
        CHECK_OK(lattice_make_grid(&to, k.model, k.param, grid, &k.error));
        double *x = memory_column(from->n_state), *y = memory_column(to->n_state), *back = memory_column(from->n_state);
        double level[MODEL_VARIABLES_MAX];
        for (int64_t i = 0; i < from->n_state; i++) {
            lattice_nodes(from, i, node);
            lattice_levels(from, node, level);
            x[i] = 0.3 + level[0] + 0.7 * level[v] - 1.1 * level[v + 1] + (with_stock ? level[0] * level[1] : 0);
        }
        CHECK_OK(lattice_carry(from, x, to, y));
        for (int64_t i = 0; i < to->n_state; i++) {
            lattice_nodes(to, i, node);
            lattice_levels(to, node, level);
            CHECK_NEAR(y[i], 0.3 + level[0] + 0.7 * level[v] - 1.1 * level[v + 1] + (with_stock ? level[0] * level[1] : 0), 1e-14);
        }
        for (int64_t i = 0; i < from->n_state; i++) x[i] = sin(12.9898 * (double)i);
        CHECK_OK(lattice_carry(from, x, to, y));
        CHECK_OK(lattice_carry(to, y, from, back));
        for (int64_t i = 0; i < from->n_state; i++) CHECK_SAME(back[i], x[i]);
        memory_free(back);
        memory_free(y);
        memory_free(x);
        lattice_free(to);
        case_close(&k);
    }
}

TEST(a_function_is_not_carried_to_another_scenario) {
    const char *text = "scenario \"one\" { clock continuous unit month }\nactor a { patience 20 month precision 1 attends 0 }\n"
                       "stock x { range 0..1 grid 3 start 0 }\npayoff a { flow x }\n";
    Case one = {0}, two = {0};
    case_open(&one, text);
    case_open(&two, text);
    double x[3] = {1, 2, 3}, y[3];
    assert_int_equal(lattice_carry(one.lattice, x, two.lattice, y), DUR_SHAPE);
    case_close(&two);
    case_close(&one);
}

TEST(a_lattice_made_at_other_grids_is_the_one_of_the_text_that_says_so) {
    const char *format = "scenario \"grids\" { clock continuous unit month }\n"
                         "actor a { patience 20 month precision 1 attends 1 per month }\nmode m of a { v0, v1 }\n"
                         "stock x { range 0..2 grid %d start 0.3 drift 1 - x noise 0.2 }\n"
                         "stock y { range -1..1 grid %d start 0.1 drift -y*x }\n"
                         "move go of a { when m == v0 then m = v1, x += 0.7 }\nevent back { when m == v1 rate y*y then m = v0 }\n"
                         "payoff a { flow x*y }\n";
    char text[1024];
    Case said = {0}, asked = {0};
    snprintf(text, sizeof text, format, 9, 5);
    case_open(&said, text);
    snprintf(text, sizeof text, format, 5, 3);
    case_open(&asked, text);
    CHECK_OK(said.status);
    int32_t grid[3] = {2, 9, 5};
    Lattice *l, *m = said.lattice;
    CHECK_OK(lattice_make_grid(&l, asked.model, asked.param, grid, &asked.error));
    CHECK_NEAR(lattice_size_grid(asked.model, grid).n_state, (double)m->n_state, 0);
    assert_int_equal(l->n_state, m->n_state);
    assert_int_equal(l->n_byte, m->n_byte);
    for (int64_t s = 0; s < l->n_state; s++) {
        int32_t node[3];
        lattice_nodes(m, s, node);
        assert_int_equal(lattice_state(l, node), s);
        for (int32_t q = 0; q < 2; q++) {
            CHECK_SAME(lattice_table_at(l, &l->stock[q].up, node), lattice_table_at(m, &m->stock[q].up, node));
            CHECK_SAME(lattice_table_at(l, &l->stock[q].down, node), lattice_table_at(m, &m->stock[q].down, node));
        }
        CHECK_SAME(lattice_table_at(l, &l->term[0], node), lattice_table_at(m, &m->term[0], node));
        int64_t to[2][16];
        double weight[2][16];
        for (int32_t j = 0; j < 2; j++) {
            int32_t n = lattice_targets(l, j, node, to[0], weight[0]);
            assert_int_equal(n, lattice_targets(m, j, node, to[1], weight[1]));
            for (int32_t i = 0; i < n; i++) {
                assert_int_equal(to[0][i], to[1][i]);
                CHECK_SAME(weight[0][i], weight[1][i]);
            }
        }
    }
    assert_int_equal(l->n_start, m->n_start);
    for (int32_t i = 0; i < l->n_start; i++) CHECK_SAME(l->start_weight[i], m->start_weight[i]);
    lattice_free(l);
    case_close(&asked);
    case_close(&said);
}

static DurStatus random_policy(Policy **out, const Lattice *l, RandomScenario *r, DurError *error) {
    TRY(policy_make(out, l, NULL, error));
    for (int64_t k = 0; k < (*out)->n_entry; k++) (*out)->probability[k] = rs_uniform(r) / 4;
    // no chance where the guard is false
    for (int32_t j = 0; j < l->model->n_jump; j++)
        for (int64_t s = 0; s < l->n_state; s++) {
            int32_t node[MODEL_VARIABLES_MAX];
            int64_t at = (*out)->where[j * l->n_mode_state + s / l->n_stock_state];
            lattice_nodes(l, s, node);
            if (at >= 0 && lattice_table_at(l, &l->jump[j].when, node) == 0) (*out)->probability[at + s % l->n_stock_state] = 0;
        }
    return DUR_OK;
}

TEST(the_transposed_generator_is_the_transpose_and_its_parts_add_up) {
    for (uint64_t seed = 1; seed <= 60; seed++) {
        Text text = {0};
        Case k = {0};
        RandomScenario r = {.bits = seed * 7919};
        random_scenario(&text, seed, "quantal", 2);
        case_open(&k, text_view(&text));
        CHECK_OK(k.status);
        const Lattice *l = k.lattice;
        int64_t n = l->n_state;
        Policy *p;
        CHECK_OK(random_policy(&p, l, &r, &k.error));
        double *x = memory_column(n), *y = memory_column(n), *gx = memory_column(n), *gty = memory_column(n),
               *sum = memory_column(n);
        for (int64_t i = 0; i < n; i++) {
            x[i] = rs_between(&r, -1, 1);
            y[i] = rs_between(&r, -1, 1);
        }
        // <y, G x> = <G' y, x>
        CHECK_OK(chain_apply(p, x, gx, NULL));
        CHECK_OK(chain_apply_transpose(p, y, gty));
        double one = 0, two = 0, all = 0, size = 0;
        for (int64_t i = 0; i < n; i++) {
            one += y[i] * gx[i];
            two += gty[i] * x[i];
            all += gty[i];
            size += fabs(gty[i]);
        }
        CHECK_NEAR(one, two, 1e-12 * (1 + size));
        CHECK_NEAR(all, 0, 1e-12 * (1 + size));        // what leaves arrives
        for (int32_t q = 0; q < k.model->n_stock; q++) CHECK_OK(chain_add_transpose(p, -1, 0, (ChainPart){q, CHAIN_NONE, CHAIN_NONE}, y, sum));
        for (int32_t j = 0; j < k.model->n_jump; j++) CHECK_OK(chain_add_transpose(p, -1, 0, (ChainPart){CHAIN_NONE, j, CHAIN_NONE}, y, sum));
        for (int64_t i = 0; i < n; i++) CHECK_NEAR(sum[i], gty[i], 1e-12 * (1 + size));
        double *column[] = {sum, gty, gx, y, x};
        for (int i = 0; i < 5; i++) memory_free(column[i]);
        policy_free(p);
        case_close(&k);
        text_free(&text);
    }
}

// two roads to one operator: tables multiplied anew, and rows laid out
static bool at_once(void *context) { return !context; }

TEST(rows_that_are_laid_out_say_what_the_tables_say) {
    double largest = 0;
    for (uint64_t seed = 1; seed <= 60; seed++) {
        Text text = {0};
        Case k = {0};
        RandomScenario r = {.bits = seed * 104729};
        random_scenario(&text, seed, "quantal", 2);
        case_open(&k, text_view(&text));
        CHECK_OK(k.status);
        const Lattice *l = k.lattice;
        int64_t n = l->n_state;
        Policy *p;
        CHECK_OK(random_policy(&p, l, &r, &k.error));
        double *x = memory_column(n), *plain = memory_column(n), *y = memory_column(n), *z = memory_column(n), most;
        for (int64_t i = 0; i < n; i++) x[i] = rs_between(&r, -1, 1);
        CHECK_OK(chain_apply(p, x, plain, NULL));
        CHECK_OK(chain_exit_rates(p, y, &most, NULL));
        const ChainRows *rows, *again;
        CHECK_OK(chain_rows(&rows, p, NULL, NULL));
        CHECK(rows && chain_rows_bytes(l) > 0);
        CHECK(chain_rows_leave(rows, z) <= most * (1 + 1e-12));
        for (int64_t i = 0; i < n; i++) CHECK(z[i] >= 0 && z[i] <= y[i] * (1 + 1e-12));
        chain_rows_apply(rows, x, y, NULL);
        for (int64_t i = 0; i < n; i++) {
            largest = fmax(largest, fabs(plain[i]));
            CHECK_NEAR(y[i], plain[i], 1e-13 * (1 + most));
        }
        // laid out once, by any number of threads
        CHECK_OK(chain_rows(&again, p, NULL, NULL));
        CHECK(again == rows);
        Policy *q;
        Team *team = team_make(3);
        CHECK_OK(policy_make(&q, l, NULL, &k.error));
        memcpy(q->probability, p->probability, (size_t)p->n_entry * sizeof *p->probability);
        // not at all where they are to stop, and then from the beginning
        assert_int_equal(chain_rows(&again, q, team, &(Progress){.stop = at_once}), DUR_INTERRUPTED);
        CHECK(!again);
        CHECK_OK(chain_rows(&again, q, team, NULL));
        chain_rows_apply(again, x, z, team);
        CHECK(memcmp(y, z, (size_t)n * sizeof *y) == 0);
        team_free(team);
        policy_free(q);
        double *column[] = {x, plain, y, z};
        for (int i = 0; i < 4; i++) memory_free(column[i]);
        policy_free(p);
        case_close(&k);
        text_free(&text);
    }
    CHECK(largest > 1);
}

// y = leave x less what comes along stock k at its rates, state by state from the tables
static void take_along(const Lattice *l, int32_t k, const double *x, double *y) {
    int64_t stride = l->stride[l->model->n_mode + k];
    for (int64_t s = 0; s < l->n_state; s++) {
        int32_t node[MODEL_VARIABLES_MAX];
        lattice_nodes(l, s, node);
        double up = lattice_table_at(l, &l->stock[k].up, node), down = lattice_table_at(l, &l->stock[k].down, node);
        if (node[l->model->n_mode + k] < l->n_node[l->model->n_mode + k] - 1) y[s] -= up * x[s + stride];
        if (node[l->model->n_mode + k] > 0) y[s] -= down * x[s - stride];
    }
}

// how far x is from solving it, of the largest y
static double missing(const Lattice *l, const double *leave, int32_t n_stock, const double *x, const double *y, double *r) {
    double most = 0, size = 0;
    for (int64_t s = 0; s < l->n_state; s++) r[s] = leave[s] * x[s];
    for (int32_t k = 0; k < n_stock; k++) take_along(l, k, x, r);
    for (int64_t s = 0; s < l->n_state; s++) {
        r[s] = y[s] - r[s];
        most = fmax(most, fabs(r[s]));
        size = fmax(size, fabs(y[s]));
    }
    return most / size;
}

// one actor with one move, and these stocks
static void open_stocks(Case *k, const char *stocks) {
    char text[1024];
    snprintf(text, sizeof text,
             "scenario \"s\" { clock continuous unit month }\nactor a { patience 10 month precision 1 attends 1 per month }\n"
             "mode m of a { off, on }\n%smove go of a { when m == off then m = on }\npayoff a { gain x*z }\n", stocks);
    *k = (Case){0};
    case_open(k, text);
    if (k->status != DUR_OK) fail_msg("%s", k->error.text);
}

TEST(lines_of_one_long_stock_are_solved_and_of_several_nearly) {
    // long and short; two long ones, the longest first or last in memory
    static const struct { int x, z, n_long; } grid[] = {{61, 5, 1}, {5, 61, 1}, {61, 40, 2}, {40, 61, 2}, {9, 9, 0}};
    for (int i = 0; i < (int)DUR_COUNT(grid); i++) {
        char stocks[512];
        snprintf(stocks, sizeof stocks, "stock x { range 0..1 grid %d start 0.2 drift 0.3*([m == on] - x) noise 0.05 }\n"
                 "stock z { range 0..1 grid %d start 0.2 drift 0.1*(0.3 - z)*(1 + x) }\n", grid[i].x, grid[i].z);
        Case k;
        open_stocks(&k, stocks);
        const Lattice *l = k.lattice;
        ChainLines *lines;
        CHECK_OK(chain_lines_make(&lines, l));
        CHECK((lines != NULL) == (grid[i].n_long > 0) && (chain_lines_bytes(l) > 0) == (lines != NULL));
        if (!lines) {
            case_close(&k);
            continue;
        }
        double *leave = memory_column(l->n_state), *y = memory_column(l->n_state), *x = memory_column(l->n_state),
               *z = memory_column(l->n_state), *r = memory_column(l->n_state);
        srand(7);
        for (int64_t s = 0; s < l->n_state; s++) {
            int32_t node[MODEL_VARIABLES_MAX];
            lattice_nodes(l, s, node);
            leave[s] = 0.05;
            for (int32_t q = 0; q < 2; q++)
                leave[s] += lattice_table_at(l, &l->stock[q].up, node) + lattice_table_at(l, &l->stock[q].down, node);
            y[s] = (double)rand() / RAND_MAX - 0.3;
        }
        chain_lines_set(lines, leave, NULL);
        if (grid[i].n_long == 1) {
            // along the long one alone
            int32_t longest = grid[i].x == 61 ? 0 : 1;
            chain_lines_solve(lines, y, x, NULL);
            for (int64_t s = 0; s < l->n_state; s++) r[s] = leave[s] * x[s];
            take_along(l, longest, x, r);
            double most = 0;
            for (int64_t s = 0; s < l->n_state; s++) most = fmax(most, fabs(r[s] - y[s]));
            if (!(most < 1e-11)) fail_msg("%g is missing", most);
        } else {
            // what is left of y, again and again; with rates of leaving alone nearly all of it still is
            double off[2];
            for (int by_lines = 0; by_lines < 2; by_lines++) {
                memset(x, 0, (size_t)l->n_state * sizeof *x);
                for (int round = 0; round < 12; round++) {
                    missing(l, leave, 2, x, y, r);
                    for (int64_t s = 0; s < l->n_state; s++) z[s] = r[s] / leave[s];
                    if (by_lines) chain_lines_solve(lines, r, z, NULL);
                    for (int64_t s = 0; s < l->n_state; s++) x[s] += z[s];
                }
                off[by_lines] = missing(l, leave, 2, x, y, r);
            }
            if (!(off[0] > 0.1 && off[1] < 1e-4)) fail_msg("%g and %g are missing", off[0], off[1]);
        }
        Team *team = team_make(3);
        chain_lines_solve(lines, y, x, NULL);
        chain_lines_set(lines, leave, team);
        chain_lines_solve(lines, y, z, team);
        CHECK(memcmp(x, z, (size_t)l->n_state * sizeof *x) == 0);
        team_free(team);
        double *column[] = {leave, y, x, z, r};
        for (int q = 0; q < 5; q++) memory_free(column[q]);
        chain_lines_free(lines);
        case_close(&k);
    }
}

TEST(lines_take_a_gigabyte_at_most) {
    // two stocks, then one of them, then none: 40 bytes a state, 24 and nothing
    static const struct { int node; double each; } grid[] = {{3001, 40}, {4001, 24}, {5001, 0}};
    for (int i = 0; i < (int)DUR_COUNT(grid); i++) {
        char stocks[512];
        snprintf(stocks, sizeof stocks, "stock x { range 0..1 grid %d start 0.2 drift 0.3*([m == on] - x) }\n"
                 "stock z { range 0..1 grid %d start 0.2 drift -0.1*z }\n", grid[i].node, grid[i].node);
        Case k;
        open_stocks(&k, stocks);
        CHECK_SAME(chain_lines_bytes(k.lattice), grid[i].each * (double)k.lattice->n_state);
        case_close(&k);
    }
}

// a payoff whose types read other variables, a cost, and a precision
TEST(types_are_brought_together_as_far_as_is_said_and_nothing_else_changes) {
    static const char *const text =
        "scenario \"types\" { clock continuous  unit month }\n"
        "actor a { patience 10 month  precision sharpness  attends 1 per month }\n"
        "actor b { patience 10 month  precision 2  attends 1 per month }\n"
        "mode threat of a { quiet, loud }\n"
        "stock power { range 0..1  grid 4  start 0.5 }\n"
        "stock anger { range 0..1  grid 3  start 0.5 }\n"
        "private temper of a { mild, harsh } { belief 0.3  grid 3 }\n"
        "let sharpness = by temper { mild 1, harsh 3 + power }\n"
        "let harm = by temper { mild -0.4*power, harsh -1.4*anger }\n"
        "let price = by temper { mild 0.2, harsh 0.5*anger }\n"
        "move threaten of a { when threat == quiet  cost price  then threat = loud }\n"
        "move relent of a { when threat == loud  then threat = quiet }\n"
        "payoff a { loss harm*[threat == loud]; gain 0.3*power }\n"
        "payoff b { loss -power }\n";
    static const double share[] = {1, 0.5, 0};
    for (int i = 0; i < 3; i++) {
        Case k = {0}, as = {0};
        case_open(&k, text);
        case_open(&as, text);
        CHECK_OK(lattice_types_apart(k.lattice, share[i]));
        const Lattice *l = k.lattice, *was = as.lattice;
        for (int64_t s = 0; s < l->n_state; s++) {
            int32_t node[MODEL_VARIABLES_MAX];
            lattice_nodes(l, s, node);
            for (int32_t type = 0; type < 2; type++) {
#define APART(table) do { \
                double own = lattice_table_at(was, table(was, type), node), other = lattice_table_at(was, table(was, 1 - type), node), \
                       mean = (own + other) / 2, now = lattice_table_at(l, table(l, type), node); \
                CHECK_NEAR(now, mean + share[i] * (own - mean), 1e-15); \
                if (share[i] == 1) CHECK_SAME(now, own); \
            } while (0)
#define LOSS(l, type) lattice_term(l, 0, type)
#define GAIN(l, type) lattice_term(l, 1, type)
#define COST(l, type) lattice_lump(l, 0, 0, type)
#define SHARPNESS(l, type) lattice_precision(l, 0, type)
                APART(LOSS);
                APART(COST);
                APART(SHARPNESS);
                CHECK_SAME(lattice_table_at(l, GAIN(l, type), node), lattice_table_at(was, GAIN(was, type), node));
                CHECK_SAME(lattice_table_at(l, lattice_term(l, 2, 0), node), lattice_table_at(was, lattice_term(was, 2, 0), node));
            }
        }
        case_close(&as);
        case_close(&k);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        RUN(lines_take_a_gigabyte_at_most),
        RUN(types_are_brought_together_as_far_as_is_said_and_nothing_else_changes),
        RUN(lines_of_one_long_stock_are_solved_and_of_several_nearly),
        RUN(every_table_says_at_every_state_what_the_expression_says),
        RUN(a_target_off_the_nodes_is_split_so_that_its_mean_is_kept_after_clipping),
        RUN(a_random_size_keeps_its_first_three_moments_on_a_fine_grid),
        RUN(a_value_that_cannot_be_is_told_with_its_expression_and_its_node),
        RUN(a_lattice_beyond_the_limit_is_refused_before_memory_is_taken),
        RUN(setting_modes_reads_the_state_with_those_modes),
        RUN(a_function_linear_in_each_stock_is_carried_to_any_grid_exactly_and_shared_nodes_keep_their_bits),
        RUN(a_function_linear_in_a_belief_over_three_types_is_carried_exactly_and_halved_steps_keep_what_they_hold),
        RUN(a_function_is_not_carried_to_another_scenario),
        RUN(a_lattice_made_at_other_grids_is_the_one_of_the_text_that_says_so),
        RUN(the_transposed_generator_is_the_transpose_and_its_parts_add_up),
        RUN(rows_that_are_laid_out_say_what_the_tables_say),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
