#define _POSIX_C_SOURCE 200809L
/// What a scenario becomes: rows, programs, windows, draws, against what the text says by hand.
#include "../check.h"

#include "eval/eval.h"
#include "lang/lang.h"

#include <stdlib.h>
#include <unistd.h>

// ---- arranging ---------------------------------------------------------------------------------------------------

static Model *model_of(const char *text, const char *const *query, int n_query) {
    Compilation c;
    DurError error = {0};
    CHECK_OK(lang_compile_text(&c, "test.duress", text, strlen(text), query, n_query, &error));
    if (!c.model) {
        Text out = {0};
        diagnostics_print(&c.diagnostics, c.file, c.n_file, &out);
        fail_msg("%s", text_view(&out));
    }
    Model *m = lang_take_model(&c);
    lang_free(&c);
    return m;
}

static Model *model_of_file(const char *path) {
    Compilation c;
    DurError error = {0};
    CHECK_OK(lang_compile(&c, path, NULL, 0, &error));
    assert_int_equal(c.diagnostics.n_error, 0);
    Model *m = lang_take_model(&c);
    lang_free(&c);
    return m;
}

#define HEAD "scenario \"s\" { clock continuous  unit month  from 2025-01-20  until 2026-01-20 }\n"
#define ACTOR "actor a { patience 20 month  precision 1  attends 2 per month }\n"

static const ModelJump *jump_of(const Model *m, const char *name) {
    int32_t i = model_find_jump(m, name);
    CHECK(i >= 0);
    return &m->jump[i];
}

// the value of an expression over one stock `s` in 0..10 and one mode `m` of three values x, y, z
static double value_of(const char *expression, double mode, double stock) {
    Text t = {0};
    text_printf(&t, "%smode m of nature { x, y, z }\nparam p = 3\ntable tab(x) { 0: 1, 2: 5 }\n"
                    "stock s { range 0..10  grid 3  start 0  drift %s }\n", HEAD, expression);
    Model *m = model_of(text_view(&t), NULL, 0);
    double state[2] = {mode, stock}, param[1];
    model_params(m, param);
    double v = eval_state(m, m->stock[0].drift, state, param, NULL, NULL);
    model_free(m);
    text_free(&t);
    return v;
}

// ---- the two cases of the design ---------------------------------------------------------------------------------

TEST(the_reference_case_has_the_rows_that_its_text_has) {
    Model *m = model_of_file("example.duress");
    assert_int_equal(m->n_actor, 2);    assert_int_equal(m->n_mode, 3);    assert_int_equal(m->n_stock, 6);
    assert_int_equal(m->n_param, 2);    assert_int_equal(m->n_jump, 12);   assert_int_equal(m->n_term, 8);
    assert_int_equal(m->n_policy, 3);   assert_int_equal(m->n_claim, 4);   assert_int_equal(m->n_source, 1);
    assert_int_equal(m->n_quantity, 7);
    double states = 1;
    for (int i = 0; i < m->n_mode; i++) states *= m->mode[i].n_value;
    for (int i = 0; i < m->n_stock; i++) states *= m->stock[i].n_grid;
    CHECK_SAME(states, 324000.0);
    assert_string_equal(m->title, "Pressure on a state-cartel alliance");
    assert_string_equal(m->unit, "month");
    CHECK_NEAR(m->horizon, 1826 / 30.4375, 1e-12);
    assert_int_equal(m->choice, CHOICE_QUANTAL);

    // events first, then moves, each in order
    assert_string_equal(m->jump[0].name, "incident");
    assert_int_equal(m->jump[0].kind, JUMP_EVENT);
    assert_string_equal(m->jump[1].name, "threaten_tariff");
    assert_string_equal(m->jump[11].name, "hand_over");
    assert_int_equal(m->jump[11].n_effect, 3);
    // terms by actor
    for (int i = 0; i < 8; i++) assert_int_equal(m->term[i].actor, i < 3 ? 0 : 1);
    assert_string_equal(m->term[5].name, "survival");
    // where lines come from
    assert_int_equal(m->stock[0].cite.source, 0);
    assert_string_equal(m->stock[0].cite.locator, "14");
    assert_int_equal(m->stock[3].cite.source, -1);
    model_free(m);
}

TEST(a_line_keeps_every_source_that_it_cites_in_its_order) {
    Model *m = model_of(HEAD "source x \"x\" { }\nsource y \"y\" { }\nparam p = 1 { cite y:4, x, y:\"page 3\" }\nparam q = 1 { cite x:2 }\n",
                        NULL, 0);
    const ModelCite *cite = &m->param[0].cite;
    CHECK(cite->source == 1 && strcmp(cite->locator, "4") == 0 && cite->n_more == 2);
    CHECK(cite->more[0].source == 0 && !cite->more[0].locator);
    CHECK(cite->more[1].source == 1 && strcmp(cite->more[1].locator, "page 3") == 0);
    CHECK(m->param[1].cite.source == 0 && m->param[1].cite.n_more == 0);
    model_free(m);
}

TEST(a_let_is_kept_as_it_is_written_with_its_source) {
    Model *m = model_of(HEAD "source x \"x\" { }\nparam p = 1\nlet twice = p+p { \"two of them\"  cite x:4 }\nlet more = 2*(twice + 1)\n",
                        NULL, 0);
    CHECK(m->n_let == 2 && strcmp(m->let[0].name, "twice") == 0 && strcmp(m->let[0].text, "two of them") == 0);
    CHECK(strcmp(m->let[0].expression, "p + p") == 0 && m->let[0].cite.source == 0);
    CHECK(strcmp(m->let[1].expression, "2*(twice + 1)") == 0 && m->let[1].cite.source < 0);
    model_free(m);
}

TEST(the_reference_case_computes_what_its_lines_say) {
    Model *m = model_of_file("example.duress");
    // tariff imposed, force threatened, crackdown show; power collusion detainees attention credit outside
    const double state[9] = {2, 1, 1, 0.4, 0.8, 1, 0.25, 0.1, 0.3};
    double param[2];
    model_params(m, param);
    CHECK_SAME(param[0], 6.0);
    CHECK_SAME(param[1], 0.12);
#define AT(program) eval_state(m, program, state, param, NULL, NULL)
    double traffic = 0.4 * 0.7, strike = 0.10 * 0.25 * (1 - 0.1);
    CHECK_NEAR(AT(m->stock[0].drift), 0.03 * 0.8 * (1 - 0.4) + 0.002 - 0.4 * 0.012, 1e-15);
    CHECK_NEAR(AT(m->stock[1].drift), 0.01 * 0.4 * (1 - 0.8), 1e-15);
    CHECK_NEAR(AT(m->stock[2].drift), 0.004 + 0.01, 1e-15);
    CHECK_NEAR(AT(m->stock[3].drift), 0.03 * (1 - 0.25) * traffic - 0.12 * 0.25, 1e-15);
    CHECK_NEAR(AT(m->stock[4].drift), -0.10 * 0.1 + (1 - 0.1) * 0.10, 1e-15);
    CHECK_NEAR(AT(m->stock[5].drift), 0.006 * (1 - 0.3), 1e-15);
    CHECK_NEAR(AT(m->jump[0].rate), 0.10 * traffic, 1e-15);
    CHECK_NEAR(AT(m->jump[0].effect[0].value), 0.25 + 0.5, 1e-15);
    const double term[8] = {-1.2 * traffic * (0.3 + 0.25), -0.35 - 0.08, 0.9 * 0.1 * (0.2 + 0.25), 1.2 * 0.8 * 0.4,
                            -(1 - 0.6 * 0.3) * 1.6, -6 * strike, -0.15, -0.15 * 0.4};
    for (int i = 0; i < 8; i++) CHECK_NEAR(AT(m->term[i].value), term[i], 1e-15);
    const ModelJump *hand_over = jump_of(m, "hand_over");
    CHECK_SAME(AT(hand_over->when), 1.0);
    CHECK_NEAR(AT(hand_over->lump[0].value), -0.25 * 0.8, 1e-15);
    CHECK(hand_over->lump[0].is_cost && hand_over->lump[0].actor == 1);
    CHECK_NEAR(AT(hand_over->effect[1].value), 0.1 + 0.5, 1e-15);
    // impose_tariff is for a tariff that is threatened, and this one is imposed
    CHECK_SAME(AT(jump_of(m, "impose_tariff")->when), 0.0);
    CHECK_SAME(AT(jump_of(m, "lift_tariff")->when), 1.0);
    CHECK_SAME(AT(m->actor[0].patience), 20.0);
    CHECK_SAME(AT(m->actor[1].attends), 2.0);
#undef AT
    model_free(m);
}

TEST(the_reference_case_reads_exactly_what_its_lines_name) {
    Model *m = model_of_file("example.duress");
    enum { TARIFF = 1, FORCE = 2, CRACKDOWN = 4, POWER = 8, COLLUSION = 16, DETAINEES = 32, ATTENTION = 64,
          CREDIT = 128,
           OUTSIDE = 256 };
    const Program *p = m->program;
    CHECK(p[m->stock[0].drift].reads == (CRACKDOWN | POWER | COLLUSION));
    CHECK(p[m->stock[3].drift].reads == (CRACKDOWN | POWER | ATTENTION));
    CHECK(p[m->stock[3].drift].reads_param && !p[m->stock[0].drift].reads_param);
    CHECK(p[m->stock[5].drift].reads == (TARIFF | FORCE | OUTSIDE));
    CHECK(p[m->term[5].value].reads == (FORCE | ATTENTION | CREDIT));
    CHECK(p[jump_of(m, "hand_over")->when].reads == DETAINEES);
    CHECK(p[m->actor[0].patience].is_literal && !p[m->term[5].value].is_literal);
    // each register is written once, by the operation of its number
    for (int i = 0; i < m->n_program; i++) {
        assert_int_equal(p[i].n_register, p[i].n_op);
        for (int k = 0; k < p[i].n_op; k++) assert_int_equal(m->op[p[i].first + k].to, k);
    }
    model_free(m);
}

TEST(entry_and_exit_is_the_game_of_validation) {
    Model *m = model_of_file("entry_exit.duress");
    assert_int_equal(m->n_actor, 2);
    assert_int_equal(m->n_mode, 3);
    assert_int_equal(m->n_stock, 0);
    assert_int_equal(m->n_jump, 6);
    assert_int_equal(m->choice, CHOICE_TASTE);
    CHECK(m->mode[0].actor < 0 && m->mode[1].actor == 0 && m->mode[2].actor == 1);
    // profit of firm 1 by demand, and by who is active
    for (int d = 0; d < 2; d++)
        for (int a = 0; a < 2; a++)
            for (int b = 0; b < 2; b++) {
                const double state[3] = {d, a, b};
                CHECK_NEAR(eval_state(m, m->term[0].value, state, NULL, NULL, NULL), a * (-0.1 * (a + b) + 0.2 * d),
                           1e-16);
            }
    CHECK_SAME(eval_state(m, jump_of(m, "enter1")->lump[0].value, (double[]){0, 0, 0}, NULL, NULL, NULL), -0.5);
    assert_int_equal(jump_of(m, "exit1")->n_lump, 0);
    model_free(m);
}

// ---- expressions -------------------------------------------------------------------------------------------------

TEST(arithmetic_means_what_it_says) {
    CHECK_SAME(value_of("2 + 3*4", 0, 0), 14.0);
    CHECK_SAME(value_of("2^3^2", 0, 0), 512.0);
    CHECK_SAME(value_of("-2^2", 0, 0), -4.0);
    CHECK_SAME(value_of("(1 - s)/4 - 1", 0, 3), -1.5);
    CHECK_SAME(value_of("25%*s", 0, 8), 2.0);
    CHECK_SAME(value_of("abs(s - 5) + floor(s/2)", 0, 3), 3.0);
    CHECK_SAME(value_of("min(s, 5, p) + max(1, s, 2)", 0, 4), 7.0);
    CHECK_SAME(value_of("clamp(s, 2, 5)", 0, 1), 2.0);
    CHECK_SAME(value_of("clamp(s, 2, 5)", 0, 9), 5.0);
    CHECK_SAME(value_of("clamp(s, 2, 5)", 0, 3), 3.0);
    CHECK_NEAR(value_of("exp(log(s)) + logistic(s - 2) + sqrt(s)", 0, 2), 2 + 0.5 + sqrt(2), 1e-15);
    CHECK_SAME(value_of("tab(s)", 0, 1), 3.0);
    CHECK_SAME(value_of("tab(s + 5)", 0, 1), 5.0);
}

TEST(conditions_hold_where_they_say) {
    for (int s = 0; s <= 4; s += 2) {
        CHECK_SAME(value_of("[s < 2]", 0, s), s < 2);
        CHECK_SAME(value_of("[s <= 2]", 0, s), s <= 2);
        CHECK_SAME(value_of("[s > 2]", 0, s), s > 2);
        CHECK_SAME(value_of("[s >= 2]", 0, s), s >= 2);
        CHECK_SAME(value_of("[s == 2]", 0, s), s == 2);
        CHECK_SAME(value_of("[s != 2]", 0, s), s != 2);
        CHECK_SAME(value_of("[not s > 2 and s > 0 or s == 0]", 0, s), s <= 2);
        CHECK_SAME(value_of("if s > 2 then 7 else s", 0, s), s > 2 ? 7 : s);
    }
    for (int v = 0; v < 3; v++) {
        CHECK_SAME(value_of("[m == y]", v, 0), v == 1);
        CHECK_SAME(value_of("[y == m]", v, 0), v == 1);
        CHECK_SAME(value_of("[m != z]", v, 0), v != 2);
        // in whatever order the arms stand
        CHECK_SAME(value_of("by m { z 30, x 10, y s }", v, 20), 10 * (v + 1));
        CHECK_SAME(value_of("[by m { x s > 1, y s > 2, z s > 3 }]", v, 2.5), 2.5 > v + 1);
    }
}

TEST(times_are_turned_into_the_scenarios_unit) {
    CHECK_SAME(value_of("1 year", 0, 0), 12.0);
    CHECK_SAME(value_of("2 quarter", 0, 0), 6.0);
    CHECK_NEAR(value_of("3 week", 0, 0), 21 / 30.4375, 1e-15);
    CHECK_NEAR(value_of("10 day", 0, 0), 10 / 30.4375, 1e-15);
    CHECK_NEAR(value_of("6*s per year", 0, 2), 1.0, 1e-15);
    CHECK_NEAR(value_of("s per week", 0, 2), 2 * 30.4375 / 7, 1e-14);
    CHECK_SAME(value_of("s per month", 0, 2), 2.0);
}

TEST(constants_are_folded_and_dead_branches_dropped) {
    Model *m = model_of(HEAD "stock s { range 0..9  grid 3  start 2*3 + exp(0)  drift if 1 < 2 then s + s else p*s }"
                             "\nparam p = 3\nparam q = 2\nlet unused = q*p", NULL, 0);
    const Program *start = &m->program[m->stock[0].start], *drift = &m->program[m->stock[0].drift];
    assert_int_equal(start->n_op, 1);
    CHECK(start->is_literal);
    assert_int_equal(drift->n_op, 2);
    CHECK(!drift->reads_param && drift->reads == 1);
    model_free(m);
}

// an expression as printed reads back as the same bytecode
TEST(programs_are_told_in_words) {
    Model *m = model_of(HEAD ACTOR "mode m of a { x, y }\nstock s { range 0..9  grid 3  start 2 }\n"
        "move go of a { cost 2 + s  then m = y, s -= 1 - s/2 }", NULL, 0);
    const ModelJump *j = &m->jump[0];
    assert_string_equal(m->program[j->effect[0].value].text, "y");
    assert_string_equal(m->program[j->effect[1].value].text, "s - (1 - s/2)");
    assert_string_equal(m->program[j->lump[0].value].text, "-(2 + s)");
    CHECK_SAME(eval_state(m, j->effect[1].value, (double[]){0, 4}, NULL, NULL, NULL), 5.0);
    model_free(m);
}

// ---- random sizes ------------------------------------------------------------------------------------------------

// E x^k of an effect's value over its quadratures
static double moment(const Model *m, const ModelJump *j, int i_effect, int power) {
    double sum = 0;
    int32_t at[8] = {0};
    for (;;) {
        double draw[8], weight = 1;
        for (int d = 0; d < j->n_draw; d++) draw[d] = j->draw[d].value[at[d]], weight *= j->draw[d].weight[at[d]];
        const double state[1] = {3};
        sum += weight * pow(eval_state(m, j->effect[i_effect].value, state, NULL, draw, NULL), power);
        int d = 0;
        while (d < j->n_draw && ++at[d] == j->draw[d].n_value) at[d++] = 0;
        if (d == j->n_draw) return sum;
    }
}

TEST(random_sizes_keep_their_first_moments) {
    Model *m = model_of(HEAD "stock s { range 0..9  grid 3  start 0  drift -s }\n"
        "event u { rate 1  then s = uniform(1, s) }\n"
        "event n { rate 1  then s = normal(2, 0.5) }\n"
        "event x { rate 1  then s = exponential(2) }\n"
        "event o { rate 1  then s += one_of { 1: 3, 2: 1 } }\n"
        "event p { rate 1  then s = one_of { s, 2*s, 7 } }\n"
        "event two { rate 1  then s = uniform(0, 1) + uniform(0, 1) }\n", NULL, 0);
    // raw moments of the uniform on 1..3, the normal, the exponential
    const double uniform[4] = {1, 2, 13.0 / 3, 10}, normal[4] = {1, 2, 4.25, 9.5}, exponential[4] = {1, 2, 8, 48};
    for (int k = 0; k < 4; k++) {
        CHECK_NEAR(moment(m, jump_of(m, "u"), 0, k), uniform[k], 1e-13);
        CHECK_NEAR(moment(m, jump_of(m, "n"), 0, k), normal[k], 1e-13);
        CHECK_NEAR(moment(m, jump_of(m, "x"), 0, k), exponential[k], 1e-12);
    }
    CHECK_NEAR(moment(m, jump_of(m, "o"), 0, 1), 3 + 0.75 * 1 + 0.25 * 2, 1e-15);
    assert_int_equal(jump_of(m, "o")->draw[0].kind, DRAW_ONE_OF);
    CHECK_SAME(jump_of(m, "o")->draw[0].value[1], 2.0);
    // sizes that read the state
    CHECK_NEAR(moment(m, jump_of(m, "p"), 0, 1), (3 + 6 + 7) / 3.0, 1e-14);
    // two draws are two: the variance of their sum is 2/12
    assert_int_equal(jump_of(m, "two")->n_draw, 2);
    CHECK_NEAR(moment(m, jump_of(m, "two"), 0, 2) - pow(moment(m, jump_of(m, "two"), 0, 1), 2), 2.0 / 12, 1e-14);
    CHECK(m->program[jump_of(m, "u")->effect[0].value].reads_draw);
    model_free(m);
}

// ---- declarations ------------------------------------------------------------------------------------------------

TEST(params_keep_their_scale) {
    Model *m = model_of(HEAD "param fade = 1.2 { prior lognormal(log(1.2), 0.5)  per year }\nparam span = 2 year\n"
        "param plain = -25%\nstock s { range 0..9  grid 3  start 0  drift fade*s + 0*span + plain }", NULL, 0);
    CHECK_NEAR(m->param[0].value, 0.1, 1e-16);
    CHECK_NEAR(m->param[0].value, 1.2 * m->param[0].scale, 0);
    assert_string_equal(m->param[0].per, "year");
    assert_int_equal(m->param[0].prior, PRIOR_LOGNORMAL);
    CHECK_NEAR(m->param[0].prior_a, log(1.2), 1e-16);
    CHECK_SAME(m->param[0].prior_b, 0.5);
    CHECK_SAME(m->param[1].value, 24.0);
    CHECK_SAME(m->param[2].value, -0.25);

    double param[3];
    model_params(m, param);
    DurError error = {0};
    CHECK_OK(lang_read_param(m, "fade = 2.4", param, &error));
    CHECK_NEAR(param[0], 0.2, 1e-16);
    CHECK_OK(lang_read_param(m, "plain=50%", param, &error));
    CHECK_SAME(param[2], 0.5);
    model_free(m);
}

TEST(dates_are_scenario_time) {
    Model *m = model_of(HEAD "mode m of nature { x, y }\nevent e { at 2025-02-19  then m = y }\n"
        "claim c { P(m == y at 2025-03-21) > P(m == x within 2025-04-20 after 1 month) }", NULL, 0);
    CHECK(m->jump[0].kind == JUMP_DATED && m->jump[0].rate == PROGRAM_NONE);
    CHECK_NEAR(m->jump[0].at, 30 / 30.4375, 1e-15);
    CHECK_NEAR(m->quantity[0].to, 60 / 30.4375, 1e-15);
    CHECK_NEAR(m->quantity[1].from, 1, 1e-15);
    CHECK_NEAR(m->quantity[1].to, 90 / 30.4375, 1e-15);
    model_free(m);
}

TEST(an_actor_without_moves_needs_no_precision) {
    Model *m = model_of(HEAD "actor a { patience 1 year }\nstock s { range 0..1  grid 2  start 0 }\npayoff a { x s }",
                        NULL, 0);
    CHECK_SAME(eval_state(m, m->actor[0].patience, NULL, NULL, NULL, NULL), 12.0);
    CHECK_SAME(eval_state(m, m->actor[0].attends, NULL, NULL, NULL, NULL), 0.0);
    CHECK(m->stock[0].drift == PROGRAM_NONE && m->stock[0].noise == PROGRAM_NONE);
    model_free(m);
}

#define MOVES ACTOR "mode m of a { x, y }\nmode n of a { off, on }\nstock s { range 0..1  grid 3  start 0 }\n" \
    "move go of a { then m = y }\nmove back of a { then m = x }\nmove flip of a { then n = on }\n"

TEST(phases_of_a_policy_pile_up_in_time) {
    Model *m = model_of(HEAD MOVES
        "policy p of a {\n never go, back\n from 6 month: m = y, n = on\n always go when s > 0\n precision 3\n"
        " from 3 month: m = x\n never flip\n from 12 month: n = off\n never go\n always flip\n surprise\n}\n"
        "policy q of a { never go\n from 0: m = y\n never back }", NULL, 0);
    const ModelPolicy *p = &m->policy[0];
    int32_t go = model_find_jump(m, "go"), back = model_find_jump(m, "back"), flip = model_find_jump(m, "flip");
    CHECK(!p->is_announced && m->policy[1].is_announced);
    assert_int_equal(p->n_phase, 4);
    const double start[4] = {0, 3, 6, 12};
    for (int i = 0; i < 4; i++) CHECK_SAME(p->phase[i].start, start[i]);
    // from the start: no go, no back
    assert_int_equal(p->phase[0].n_never, 2);
    assert_int_equal(p->phase[0].n_set, 0);
    // from month 3: no flip either
    assert_int_equal(p->phase[1].n_never, 3);
    assert_int_equal(p->phase[1].n_set, 1);
    // from month 6: go is forced, which lifts its ban
    const ModelPhase *six = &p->phase[2];
    assert_int_equal(six->n_set, 2);
    assert_int_equal(six->n_never, 2);
    CHECK(six->never[0] == back && six->never[1] == flip);
    assert_int_equal(six->n_always, 1);
    CHECK(six->always[0].jump == go && six->always[0].when >= 0 && six->precision >= 0);
    CHECK(p->phase[1].precision == PROGRAM_NONE && p->phase[3].precision == six->precision);
    // from month 12: go is banned again, flip forced
    const ModelPhase *last = &p->phase[3];
    assert_int_equal(last->n_always, 1);
    CHECK(last->always[0].jump == flip && last->always[0].when == PROGRAM_NONE);
    CHECK(last->n_never == 2 && last->never[0] == back && last->never[1] == go);
    // `from 0` is the start
    assert_int_equal(m->policy[1].n_phase, 1);
    CHECK(m->policy[1].phase[0].n_never == 2 && m->policy[1].phase[0].n_set == 1);
    model_free(m);
}

// ---- claims and queries ------------------------------------------------------------------------------------------

TEST(every_form_of_quantity_has_its_window) {
    const char *const query[] = {"E(s at 2 year | p)", "P(m == y at 1)"};
    Model *m = model_of(HEAD MOVES "policy p of a { never go }\nparam half = 0.5\n"
        "claim c1 { P(m == y within 12 month after 6 month | p) >= 0.7 }\n"
        "claim c2 { P(m == y throughout 1 quarter) > 0 }\n"
        "claim c3 { P(s < 1 until m == y) > P(s < 1 until m == y within 3) }\n"
        "claim c4 { E(mean s over 3 month after 1) < E(total s over 3 month) + E(max s over 2) }\n"
        "claim c5 { E(count(go) over 12 month) + half > 2 * E(s in the long run)  confidence 95%  tolerance 0.25 }\n"
        "claim c6 { E(s at 2 year | p) == E(s at 2 year)  sensitive }\n", query, 2);
    struct { QuantityKind kind; double from, to; int32_t policy; } expected[] = {
        {QUANTITY_WITHIN, 6, 18, 0}, {QUANTITY_THROUGHOUT, 0, 3, -1}, {QUANTITY_UNTIL, 0, INFINITY, -1},
        {QUANTITY_UNTIL, 0, 3, -1}, {QUANTITY_MEAN, 1, 4, -1}, {QUANTITY_TOTAL, 0, 3, -1}, {QUANTITY_MAX, 0, 2, -1},
        {QUANTITY_COUNT, 0, 12, -1}, {QUANTITY_LONG_RUN, 0, 0, -1}, {QUANTITY_AT, 0, 24, 0}, {QUANTITY_AT, 0, 24, -1},
        {QUANTITY_AT, 0, 24, 0}, {QUANTITY_AT, 0, 1, -1},     // the queries, last and apart from the claims'
    };
    int n = (int)(sizeof expected / sizeof *expected);
    assert_int_equal(m->n_quantity, n);
    for (int i = 0; i < n; i++) {
        const ModelQuantity *q = &m->quantity[i];
        assert_int_equal(q->kind, expected[i].kind);
        assert_int_equal(q->policy, expected[i].policy);
        CHECK_SAME(q->from, expected[i].from);
        if (q->kind != QUANTITY_LONG_RUN) CHECK_SAME(q->to, expected[i].to);
        CHECK((q->x == PROGRAM_NONE) == (q->kind == QUANTITY_COUNT));
        CHECK((q->until != PROGRAM_NONE) == (q->kind == QUANTITY_UNTIL));
    }
    assert_string_equal(m->quantity[n - 2].text, "E(s at 2 year | p)");
    CHECK(m->quantity[0].is_probability && !m->quantity[7].is_probability && m->quantity[n - 1].is_probability);
    CHECK(m->quantity[7].jump == model_find_jump(m, "go"));
    CHECK_SAME(m->claim[4].confidence, 0.95);
    CHECK_SAME(m->claim[0].confidence, 0.99);
    CHECK_SAME(m->claim[4].tolerance, 0.25);
    CHECK(isnan(m->claim[0].tolerance) && !m->claim[4].is_sensitive && m->claim[5].is_sensitive);
    // sides are computed from the quantities' answers
    double answer[13] = {0}, param[1];
    model_params(m, param);
    answer[7] = 4;
    answer[8] = 1.5;
    CHECK_SAME(eval_state(m, m->claim[4].left, NULL, param, NULL, answer), 4.5);
    CHECK_SAME(eval_state(m, m->claim[4].right, NULL, param, NULL, answer), 3.0);
    assert_int_equal(m->claim[4].comparison, COMPARE_GREATER);
    assert_string_equal(m->claim[4].sentence, "E(count(go) over 12 month) + half > 2 * E(s in the long run)");
    model_free(m);
}

TEST(a_query_that_is_none_is_a_fault_of_the_query) {
    const char *const query[] = {"1 + 1", "E(nothing at 3)", "E(s at"};
    for (int i = 0; i < 3; i++) {
        Compilation c;
        DurError error = {0};
        CHECK_OK(lang_compile_text(&c, "test.duress", HEAD MOVES, strlen(HEAD MOVES), &query[i], 1, &error));
        CHECK(c.model == NULL && c.diagnostics.n_error == 1);
        const Diagnostic *d = c.diagnostics.item;
        while (d->severity != SEVERITY_ERROR) d++;
        assert_string_equal(c.file[d->span.file].path, "query");
        lang_free(&c);
    }
}

// ---- reading states ----------------------------------------------------------------------------------------------

TEST(a_state_is_read_by_names) {
    Model *m = model_of_file("example.duress");
    double state[9] = {0, 0, 0, 0.4, 0.8, 1, 0.25, 0, 0};
    DurError error = {0};
    CHECK_OK(lang_read_state(m, " tariff=threatened, attention = 0.5,credit=25% ", state, &error));
    CHECK(state[0] == 1 && state[6] == 0.5 && state[7] == 0.25 && state[3] == 0.4);
    CHECK_OK(lang_read_state(m, "", state, &error));

    const char *const wrong[][2] = {
        {"tarif=threatened", "there is no stock or mode called `tarif`; did you mean `tariff`?"},
        {"tariff=threatning", "`tariff` has no value called `threatning`; did you mean `threatened`?"},
        {"tariff=1", "`tariff` has no value called `1`; its values are `none`, `threatened`, `imposed`"},
        {"attention=1.5", "1.5 is outside the range of `attention`, 0..1"},
        {"attention=nan", "`nan` is not a number: `attention` is a stock"},
        {"attention=0x1", "`0x1` is not a number: `attention` is a stock"},
        {"attention", "`attention` is not of the form `name=value`"},
        {"attention=", "`attention=` is not of the form `name=value`"},
        {"attention=0.5,,", "`` is not of the form `name=value`"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        error = (DurError){0};
        assert_int_equal(lang_read_state(m, wrong[i][0], state, &error), DUR_INPUT);
        assert_string_equal(error.text, wrong[i][1]);
    }
    double param[2] = {0};
    error = (DurError){0};
    assert_int_equal(lang_read_param(m, "faer=1", param, &error), DUR_INPUT);
    assert_string_equal(error.text, "there is no param called `faer`; did you mean `fear`?");
    error = (DurError){0};
    assert_int_equal(lang_read_param(m, "fear=high", param, &error), DUR_INPUT);
    assert_string_equal(error.text, "`high` is not a number");
    model_free(m);
}

// ---- the hash ----------------------------------------------------------------------------------------------------

#define BODY_A ACTOR "mode m of a { x, y }\nparam p = 3 { prior uniform(1, 5) }\n" \
    "stock s { range 0..1  grid 3  start 0  drift 0.1*p - s  noise 0.1  cite src:2 }\n" \
    "source src \"a\" { url \"u\"  date 2020-02-03 }\ntable tab(x) { 0: 1, 2: 5 }\n" \
    "event d { at 2025-03-01  then s = one_of { 1: 2, 0: 3 }  pays a tab(s) }\n"
#define BODY_B "let l = s + 1\nevent e { rate 0.5  then s += uniform(0, 0.5)*l }\n" \
    "move go of a { when m == x  cost 0.2  pays a s  then m = y }\npayoff a { t l*p }\n" \
    "move back of a { then m = x  secret }\n" \
    "policy q of a { from 2 month: m = y  never go  always back when s > 0.25  precision 2  surprise }\n" \
    "claim c { E(s at 3 month | q) > 0.1 }\n"

static void hash_of(const char *text, char hash[65]) {
    Model *m = model_of(text, NULL, 0);
    assert_int_equal(strlen(m->hash), 64);
    strcpy(hash, m->hash);
    model_free(m);
}

TEST(the_hash_is_blind_to_layout_and_order) {
    char first[65], other[65];
    hash_of(HEAD BODY_A BODY_B, first);
    const char *const same[] = {
        "# a comment\n" HEAD "\n\n" BODY_A "# another\n" BODY_B,
        HEAD BODY_B BODY_A,
        BODY_A BODY_B HEAD,
        // another title, brackets, a let's name and its place
        "scenario \"renamed\" { unit month  clock continuous\n from 2025-01-20; until 2026-01-20 }\n" BODY_A
        "event e \"told\" { then s += (uniform(0, 0.5)*k);  rate 0.5 }\nlet k = (s + 1)\n"
        "move go of a { when m == x  cost 0.2  pays a s  then m = y }\npayoff a { t (k*p) }\n"
        "move back of a { secret  then m = x }\n"
        "policy q of a { surprise  from 2 month: m = y  precision 2  always back when s > 25%  never go }\n"
        "claim c \"why\" { E( s  at 3 month | q ) > 10% }\n",
    };
    for (size_t i = 0; i < sizeof same / sizeof *same; i++) {
        hash_of(same[i], other);
        assert_string_equal(first, other);
    }
    // a question asked beside the scenario is none of its meaning
    const char *const query[] = {"P(s > 0.5 within 7 month)"};
    Model *m = model_of(HEAD BODY_A BODY_B, query, 1);
    assert_string_equal(first, m->hash);
    model_free(m);
}

TEST(the_hash_sees_every_number_and_name) {
    const char text[] =
        HEAD BODY_A "actor b { patience 20 month  precision 1  attends 2 per month }\n" BODY_B;
    char first[65], other[65];
    hash_of(text, first);
    int n_changed = 0;
    // each digit in turn one up or down, where the text still means something
    for (size_t i = sizeof HEAD; i < sizeof text - 1; i++) {
        if (text[i] < '0' || text[i] > '9') continue;
        char *changed = strdup(text);
        changed[i] = (char)(text[i] == '9' ? '8' : text[i] + 1);
        Compilation c;
        DurError error = {0};
        CHECK_OK(lang_compile_text(&c, "test.duress", changed, strlen(changed), NULL, 0, &error));
        if (c.model) {
            if (strcmp(c.model->hash, first) == 0) fail_msg("no change of hash in:\n%s", changed);
            n_changed++;
        }
        lang_free(&c);
        free(changed);
    }
    CHECK(n_changed > 40);
    // and words that are no numbers
    const char *const word[][2] = {
        {"secret", ""}, {"surprise", ""}, {"unit month", "unit week"}, {"src:2", "src:x"},
        {"\"u\"", "\"v\""}, {"m == x", "m != x"}, {"continuous", "continuous choice taste"},
        {"never go", "always go"},
        {"+= uniform", "-= uniform"}, {"pays a s", "pays b s"}, {"cite src:2", ""},
    };
    for (size_t i = 0; i < sizeof word / sizeof *word; i++) {
        Text changed = {0};
        const char *at = strstr(text, word[i][0]);
        text_append_n(&changed, text, (size_t)(at - text));
        text_printf(&changed, "%s%s", word[i][1], at + strlen(word[i][0]));
        hash_of(text_view(&changed), other);
        text_free(&changed);
        if (strcmp(first, other) == 0) fail_msg("no change of hash by %s", word[i][1]);
    }
    hash_of(HEAD ACTOR "mode m of a { x, y }\n", first);
    hash_of(HEAD ACTOR "mode m of a { y, x }\n", other);
    CHECK(strcmp(first, other) != 0);
    hash_of(HEAD ACTOR "mode mm of a { x, y }\n", other);
    CHECK(strcmp(first, other) != 0);
}

TEST(the_hash_is_the_same_by_whatever_compiler) {
    char hash[65];
    hash_of(HEAD BODY_A BODY_B, hash);
    assert_string_equal(hash, "001df740f3462a3e0ba9b29ba10ab8d4f6f9b6a63014b57ca6fdbdb7e3b15e8f");
}

TEST(the_hash_does_not_tell_in_how_many_files_a_scenario_stands) {
    Model *one = model_of_file("split_whole.duress"), *two = model_of_file("split_main.duress");
    assert_string_equal(one->hash, two->hash);
    assert_int_equal(two->n_file, 3);
    assert_string_equal(two->path, "split_main.duress");
    // what the scenario says wins over what it imports
    assert_string_equal(two->unit, "month");
    CHECK_SAME(two->param[0].value, 2.0);
    assert_int_equal(two->n_param, 2);
    model_free(one);
    model_free(two);
}

int main(void) {
    if (chdir(TEST_DIR)) return 1;
    const struct CMUnitTest tests[] = {
        RUN(the_reference_case_has_the_rows_that_its_text_has),
        RUN(the_reference_case_computes_what_its_lines_say),
        RUN(the_reference_case_reads_exactly_what_its_lines_name),
        RUN(entry_and_exit_is_the_game_of_validation),
        RUN(arithmetic_means_what_it_says),
        RUN(conditions_hold_where_they_say),
        RUN(times_are_turned_into_the_scenarios_unit),
        RUN(constants_are_folded_and_dead_branches_dropped),
        RUN(programs_are_told_in_words),
        RUN(random_sizes_keep_their_first_moments),
        RUN(params_keep_their_scale),
        RUN(a_line_keeps_every_source_that_it_cites_in_its_order),
        RUN(a_let_is_kept_as_it_is_written_with_its_source),
        RUN(dates_are_scenario_time),
        RUN(an_actor_without_moves_needs_no_precision),
        RUN(phases_of_a_policy_pile_up_in_time),
        RUN(every_form_of_quantity_has_its_window),
        RUN(a_query_that_is_none_is_a_fault_of_the_query),
        RUN(a_state_is_read_by_names),
        RUN(the_hash_is_blind_to_layout_and_order),
        RUN(the_hash_sees_every_number_and_name),
        RUN(the_hash_is_the_same_by_whatever_compiler),
        RUN(the_hash_does_not_tell_in_how_many_files_a_scenario_stands),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
