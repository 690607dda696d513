#include "../random_rounds.h"
#include "case.h"

#include "base/memory.h"
#include "base/sha256.h"
#include "game/rounds.h"
#include "lattice/round.h"

#include <stdlib.h>

// ---- making things ----

static void case_set(Case *k, const char *name, double value) {
    DurError error = {0};
    k->param[model_find_param(k->model, name)] = value;
    lattice_free(k->lattice);
    CHECK_OK(lattice_make(&k->lattice, k->model, k->param, &error));
}

static double choice(const Case *k, const GameSolution *s, const char *move) {
    return s->choice_start[model_find_jump(k->model, move)];
}

// ---- one-shot games: the quantal response equilibria of the literature ----

static const char *STAG =
    "scenario \"stag hunt\" { clock rounds }\n"
    "param mu = 1\n"
    "actor row { discount 0  precision mu }\n"
    "actor col { discount 0  precision mu }\n"
    "mode a of row { hare, stag }\n"
    "mode b of col { hare, stag }\n"
    "event reset { chance 1  then a = hare, b = hare }\n"
    "move hunt1 of row { when a == hare  then a = stag }\n"
    "move hunt2 of col { when b == hare  then b = stag }\n"
    "payoff row { u if a == stag then (if b == stag then 10 else 1) else (if b == stag then 8 else 5) }\n"
    "payoff col { u if b == stag then (if a == stag then 10 else 1) else (if a == stag then 8 else 5) }\n";

TEST(a_stag_hunt_is_played_as_its_quantal_response_equilibrium_says) {   // p = 1/(1 + exp(-mu (6p - 4))), computed
    static const double mu[] = {0.1, 0.5, 1, 2}, stag[] = {.4706280660, .1958460469, .0202644786, .0003367074};
    Case k;
    case_open(&k, STAG);
    for (int i = 0; i < 4; i++) {
        GameSolution s;
        case_set(&k, "mu", mu[i]);
        solved(&s, &k, NULL);
        CHECK(s.is_principal);
        CHECK_NEAR(choice(&k, &s, "hunt1"), stag[i], 1e-10);
        CHECK_NEAR(choice(&k, &s, "hunt2"), stag[i], 1e-10);
        // the definition itself, to rounding
        double p = choice(&k, &s, "hunt1");
        CHECK_NEAR(p, 1 / (1 + exp(-mu[i] * (6 * p - 4))), 1e-14);
        CHECK(s.certificate.residual < 1e-12 && s.certificate.consistency < 1e-12);
        game_free(&s);
    }
    case_close(&k);
}

TEST(the_other_equilibria_of_a_stag_hunt_are_found_from_points_near_them) {
    static const double stag[] = {.0003367074, .7650451009, .9762134640};
    Case k;
    case_open(&k, STAG);
    case_set(&k, "mu", 2);
    for (int i = 0; i < 3; i++) {
        GameSolution s;
        Policy *shape;
        DurError error = {0};
        CHECK_OK(policy_make(&shape, k.lattice, NULL, &error));
        double value[8], p = stag[i] + (i == 2 ? -0.01 : 0.01);
        for (int x = 0; x < 8; x++) value[x] = 5;
        for (int64_t e = 0; e < shape->n_entry; e++) shape->advantage[e] = log(p / (1 - p)) / 2;
        CHECK_OK(rounds_solve_from(&s, k.lattice, NULL, value, shape->advantage, NULL, &error));
        CHECK(s.verdict == GAME_CONVERGED);
        CHECK_NEAR(choice(&k, &s, "hunt1"), stag[i], 1e-10);
        CHECK(s.certificate.consistency < 1e-10);
        game_free(&s);
        policy_free(shape);
    }
    case_close(&k);
}

TEST(asymmetric_matching_pennies_has_its_quantal_response_equilibrium) {   // computed from the definition
    Case k;
    GameSolution s;
    case_open(&k, "scenario \"matching pennies\" { clock rounds }\n"
                  "actor row { discount 0  precision 1 }\n"
                  "actor col { discount 0  precision 1 }\n"
                  "mode a of row { down, up }\n"
                  "mode b of col { right, left }\n"
                  "event reset { chance 1  then a = down, b = right }\n"
                  "move go_up of row { when a == down  then a = up }\n"
                  "move go_left of col { when b == right  then b = left }\n"
                  "payoff row { u if a == up then 9*[b == left] else [b == right] }\n"
                  "payoff col { u [a == up]*[b == right] + [a == down]*[b == left] }\n");
    solved(&s, &k, NULL);
    CHECK_NEAR(choice(&k, &s, "go_up"), .8935763305537, 1e-12);
    CHECK_NEAR(choice(&k, &s, "go_left"), .3127803750294, 1e-12);
    game_free(&s);
    case_close(&k);
}

// ---- repeated and dynamic games in closed form ----

TEST(a_repeated_dilemma_is_worth_its_stage_for_ever) {   // nothing is remembered, so V = stage/(1 - beta), choices as one-shot
    Case k;
    GameSolution s;
    case_open(&k, "scenario \"dilemma\" { clock rounds  unit year }\n"
                  "actor row { patience 8 year  precision 1.5 }\n"
                  "actor col { discount 0.6  precision 0.5 }\n"
                  "move defect1 of row { pays row 1  pays col -2 }\n"
                  "move defect2 of col { pays col 1  pays row -2 }\n"
                  "payoff row { base 3 }\n"
                  "payoff col { base 3 }\n");
    solved(&s, &k, NULL);
    double p = 1 / (1 + exp(-1.5)), q = 1 / (1 + exp(-0.5));
    CHECK_NEAR(choice(&k, &s, "defect1"), p, 1e-12);
    CHECK_NEAR(choice(&k, &s, "defect2"), q, 1e-12);
    CHECK_NEAR(s.value_start[0], (3 + p - 2 * q) / (1 - exp(-1.0 / 8)), 1e-10);
    CHECK_NEAR(s.value_start[1], (3 + q - 2 * p) / (1 - 0.6), 1e-10);
    game_free(&s);
    case_close(&k);
}

TEST(a_decision_problem_of_one_has_its_closed_form) {
    // a machine: repair costs c and makes it new at once; new it pays 1, old 0; new it ages with chance d after the payoff.
    // V_new = 1 + b((1-d) V_new + d V_old);  old: wait b V_old, repair -c + V_new;  choice taste: V_old = log-sum-exp / mu
    Case k;
    GameSolution s;
    case_open(&k, "scenario \"machine\" { clock rounds  choice taste }\n"
                  "actor owner { discount 0.9  precision 2 }\n"
                  "mode machine of nature { old, new }\n"
                  "event age { when machine == new  chance 0.3  then machine = old }\n"
                  "move repair of owner { when machine == old  cost 1.5  then machine = new }\n"
                  "payoff owner { yield [machine == new] }\n");
    solved(&s, &k, NULL);
    double v_old = 0, v_new = 0;
    for (int i = 0; i < 4000; i++) {
        v_new = 1 + 0.9 * (0.7 * v_new + 0.3 * v_old);
        v_old = log(exp(2 * 0.9 * v_old) + exp(2 * (v_new - 1.5))) / 2;
    }
    CHECK_NEAR(s.policy->value[0], v_old, 1e-9);
    CHECK_NEAR(s.policy->value[1], v_new, 1e-9);
    CHECK_NEAR(choice(&k, &s, "repair"), 1 / (1 + exp(-2 * (v_new - 1.5 - 0.9 * v_old))), 1e-9);
    CHECK_NEAR(s.certificate.regret[0], 0, 1e-9);
    game_free(&s);
    case_close(&k);
}

TEST(entry_and_deterrence_in_order_is_solved_by_hand_backwards) {
    // entrant moves, then the incumbent who sees it: fight gives (-1, -1), yield (2, 1), staying out (0, 3); mu 1 and 2
    Case k;
    GameSolution s;
    case_open(&k, "scenario \"entry\" { clock rounds  order entrant then incumbent }\n"
                  "actor incumbent { discount 0  precision 2 }\n"
                  "actor entrant { discount 0  precision 1 }\n"
                  "mode market of entrant { out, entered }\n"
                  "mode war of incumbent { none, fought }\n"
                  "event reset { chance 1  then market = out, war = none }\n"
                  "move enter of entrant { when market == out  then market = entered }\n"
                  "move fight of incumbent { when market == entered and war == none  then war = fought }\n"
                  "payoff entrant { u if market == out then 0 else if war == fought then -1 else 2 }\n"
                  "payoff incumbent { u if market == out then 3 else if war == fought then -1 else 1 }\n");
    solved(&s, &k, NULL);
    double fight = 1 / (1 + exp(2 * 2.0)), enter = 1 / (1 + exp(-(2 - 3 * fight)));
    CHECK_NEAR(choice(&k, &s, "enter"), enter, 1e-12);
    CHECK_NEAR(s.value_start[1], enter * (2 - 3 * fight), 1e-12);
    CHECK_NEAR(s.value_start[0], 3 * (1 - enter) + enter * (1 - 2 * fight), 1e-12);
    // at the start the incumbent has nothing to answer; after entry it has
    int32_t in[2] = {1, 0};
    CHECK_NEAR(policy_probability(s.policy, model_find_jump(k.model, "fight"), lattice_state(k.lattice, in)), fight, 1e-12);
    game_free(&s);
    case_close(&k);
}

TEST(two_states_and_a_chance_between_them_are_two_equations) {
    // war and peace: peace turns to war with chance p, war ends with chance q; payoffs 1 and -1 after no choice at all
    Case k;
    GameSolution s;
    case_open(&k, "scenario \"chain\" { clock rounds }\n"
                  "actor a { discount 0.8 }\n"
                  "mode m of nature { peace, war }\n"
                  "event break { when m == peace  chance 0.1  then m = war  pays a -0.5 }\n"
                  "event settle { when m == war  chance 0.25  then m = peace }\n"
                  "payoff a { flow if m == peace then 1 else -1 }\n");
    solved(&s, &k, NULL);
    // events are tried in order of declaration, each in the state at hand: what breaks may settle in the same round
    double broken = 0.1 * 0.75, settled = 0.25;
    double a = 1 - 0.8 * (1 - broken), b = -0.8 * broken, c = -0.8 * settled, d = 1 - 0.8 * (1 - settled);
    double r0 = 1 - 0.05, r1 = -1, det = a * d - b * c;
    CHECK_NEAR(s.policy->value[0], (r0 * d - b * r1) / det, 1e-12);
    CHECK_NEAR(s.policy->value[1], (a * r1 - c * r0) / det, 1e-12);
    game_free(&s);
    case_close(&k);
}

TEST(a_stock_that_shrinks_by_its_change_is_worth_a_geometric_sum) {   // x' = 0.7 x: V = x/(1 - 0.7 beta), linear, so exact
    Case k;
    GameSolution s;
    case_open(&k, "scenario \"decay\" { clock rounds }\n"
                  "actor a { patience 10 }\n"
                  "stock x { range 0..1  grid 8  start 0.4  change -0.3*x }\n"
                  "payoff a { flow x }\n");
    solved(&s, &k, NULL);
    CHECK_NEAR(s.value_start[0], 0.4 / (1 - 0.7 * exp(-0.1)), 1e-12);
    game_free(&s);
    case_close(&k);
}

TEST(a_discount_and_the_patience_that_it_comes_from_are_one) {
    GameSolution s[2];
    Case k[2];
    for (int i = 0; i < 2; i++) {
        char text[1024];
        snprintf(text, sizeof text,
                 "scenario \"two ways\" { clock rounds  unit quarter }\n"
                 "actor a { %s  precision 2 }\n"
                 "mode m of a { x, y }\n"
                 "stock z { range 0..2  grid 5  start 1  change 0.5*[m == y] - 0.25*z }\n"
                 "move go of a { when m == x  cost 0.2  then m = y }\n"
                 "move back of a { when m == y  then m = x }\n"
                 "payoff a { flow z*(1 - z) }\n", i == 0 ? "patience 1 year" : "discount 0.77880078307140487");
        case_open(&k[i], text);
        solved(&s[i], &k[i], NULL);
    }
    for (int64_t e = 0; e < k[0].lattice->n_state; e++) CHECK_NEAR(s[0].policy->value[e], s[1].policy->value[e], 1e-12);
    for (int i = 0; i < 2; i++) { game_free(&s[i]); case_close(&k[i]); }
}

TEST(who_seldom_attends_chooses_alike_and_moves_seldom) {
    // one state, the move pays 1: with chance w of an opportunity it is made w P of the time
    Case k;
    GameSolution s;
    case_open(&k, "scenario \"seldom\" { clock rounds }\n"
                  "actor a { discount 0.5  precision 1  attends 0.2 }\n"
                  "move take of a { pays a 1 }\n"
                  "payoff a { none 0 }\n");
    solved(&s, &k, NULL);
    double p = 1 / (1 + exp(-1));
    CHECK_NEAR(choice(&k, &s, "take"), p, 1e-13);
    CHECK_NEAR(s.value_start[0], 0.2 * p / 0.5, 1e-12);
    game_free(&s);
    case_close(&k);
}

TEST(effects_follow_the_order_of_declaration_when_all_choose_at_once) {
    // b doubles what a leaves: 1 -> a adds 1 -> b doubles = 4, not 3; lumps read the state at the beginning of the round
    Case k;
    GameSolution s;
    case_open(&k, "scenario \"sequence\" { clock rounds }\n"
                  "actor a { discount 0  precision 0 }\n"
                  "actor b { discount 0  precision 0 }\n"
                  "stock x { range 0..8  grid 9  start 1 }\n"
                  "move add of a { then x += 1 }\n"
                  "move double of b { when x < 2  pays b 100*x  then x *= 2 }\n"
                  "payoff a { level x }\n"
                  "payoff b { none 0 }\n");
    solved(&s, &k, NULL);
    // the four joint choices are equally likely: 1, 2 (doubled), 2 (added), 4 (both, though the guard of b holds no more)
    CHECK_NEAR(s.value_start[0], (1 + 2 + 2 + 4) / 4.0, 1e-12);
    CHECK_NEAR(s.value_start[1], 50, 1e-12);
    game_free(&s);
    case_close(&k);
}

// ---- folds ----

// A game of two with four options each, kept by its payoffs: row's by (own, other), col's by (own, other).
static const double ROW[4][4] = {{0.51, 0.30, 0.90, 0.50}, {0.72, 0.71, 0.84, 0.52}, {0.94, 0.88, 0.67, 0.76}, {0.13, 0.01, 0.73, 1.64}};
static const double COL[4][4] = {{1.37, 0.11, 0.35, 0.81}, {0.08, 0.47, 0.16, 0.74}, {0.12, 0.05, 1.17, 0.57}, {0.98, 0.04, 0.17, 1.34}};

// x[0..2], x[3..5]: logits of options 1..3 of row and col against option 0; out = x - scale * (payoffs against the other's logit)
static void miss_of(const double *x, double scale, double *out) {
    for (int who = 0; who < 2; who++) {
        const double (*pay)[4] = who ? COL : ROW;
        double p[4] = {1}, sum = 1, u[4] = {0};
        for (int a = 1; a < 4; a++) sum += p[a] = exp(x[(1 - who) * 3 + a - 1]);
        for (int a = 0; a < 4; a++) for (int b = 0; b < 4; b++) u[a] += pay[a][b] * p[b] / sum;
        for (int a = 1; a < 4; a++) out[who * 3 + a - 1] = x[who * 3 + a - 1] - scale * (u[a] - u[0]);
    }
}

// A [7 x 7] x = b by elimination with pivoting
static void solve7(double a[7][7], double *b) {
    for (int c = 0; c < 7; c++) {
        int best = c;
        for (int r = c + 1; r < 7; r++) if (fabs(a[r][c]) > fabs(a[best][c])) best = r;
        for (int k = 0; k < 7; k++) { double t = a[c][k]; a[c][k] = a[best][k]; a[best][k] = t; }
        double t = b[c]; b[c] = b[best]; b[best] = t;
        for (int r = 0; r < 7; r++) {
            if (r == c) continue;
            double f = a[r][c] / a[c][c];
            for (int k = c; k < 7; k++) a[r][k] -= f * a[c][k];
            b[r] -= f * b[c];
        }
    }
    for (int c = 0; c < 7; c++) b[c] /= a[c][c];
}

// the derivative of miss_of by (x, scale), by central differences, and a last row of the caller's
static void jacobian(const double *z, const double *last, double a[7][7]) {
    for (int k = 0; k < 7; k++) {
        double up[7], down[7], f[6], g[6], h = 1e-6;
        memcpy(up, z, sizeof up);
        memcpy(down, z, sizeof down);
        up[k] += h;
        down[k] -= h;
        miss_of(up, up[6], f);
        miss_of(down, down[6], g);
        for (int r = 0; r < 6; r++) a[r][k] = (f[r] - g[r]) / (2 * h);
        a[6][k] = last[k];
    }
}

TEST(the_principal_branch_is_followed_through_its_folds) {   // against small steps along the curve by other means
    double z[7] = {0}, tangent[7] = {0, 0, 0, 0, 0, 0, 1}, reached[7], end = 30;
    int n_fold = 0;
    for (int step = 0; step < 100000 && z[6] < end; step++) {
        double a[7][7], next[7] = {0, 0, 0, 0, 0, 0, 1};
        jacobian(z, tangent, a);
        solve7(a, next);
        double size = 0;
        for (int k = 0; k < 7; k++) size += next[k] * next[k];
        for (int k = 0; k < 7; k++) next[k] /= sqrt(size);
        n_fold += next[6] * tangent[6] < 0;
        memcpy(tangent, next, sizeof tangent);
        for (int k = 0; k < 7; k++) z[k] += 5e-3 * tangent[k];
        // back onto the curve, across the tangent
        for (int i = 0; i < 3; i++) {
            double off[7] = {0};
            miss_of(z, z[6], off);
            jacobian(z, tangent, a);
            solve7(a, off);
            for (int k = 0; k < 7; k++) z[k] -= off[k];
        }
    }
    CHECK(z[6] >= end);
    CHECK(n_fold >= 2);
    memcpy(reached, z, sizeof reached);
    reached[6] = end;
    for (int i = 0; i < 20; i++) {
        double a[7][7], off[7] = {0}, fixed[7] = {0, 0, 0, 0, 0, 0, 1};
        miss_of(reached, end, off);
        jacobian(reached, fixed, a);
        solve7(a, off);
        for (int k = 0; k < 7; k++) reached[k] -= off[k];
    }

    Text t = {0};
    text_append(&t, "scenario \"folds\" { clock rounds }\nactor row { discount 0  precision 30 }\nactor col { discount 0  precision 30 }\n"
                    "mode a of row { s0, s1, s2, s3 }\nmode b of col { s0, s1, s2, s3 }\nevent reset { chance 1  then a = s0, b = s0 }\n");
    for (int k = 1; k < 4; k++)
        text_printf(&t, "move r%d of row { when a == s0  then a = s%d }\nmove c%d of col { when b == s0  then b = s%d }\n", k, k, k, k);
    for (int who = 0; who < 2; who++) {
        text_printf(&t, "payoff %s { u by %s {", who ? "col" : "row", who ? "b" : "a");
        for (int a = 0; a < 4; a++) {
            text_printf(&t, "%s s%d by %s {", a ? "," : "", a, who ? "a" : "b");
            for (int b = 0; b < 4; b++) text_printf(&t, "%s s%d %.2f", b ? "," : "", b, who ? COL[a][b] : ROW[a][b]);
            text_append(&t, " }");
        }
        text_append(&t, " } }\n");
    }
    Case k;
    GameSolution s;
    case_open(&k, text_view(&t));
    solved(&s, &k, NULL);
    CHECK(s.is_principal);
    for (int who = 0; who < 2; who++) {
        double sum = 1;
        for (int a = 1; a < 4; a++) sum += exp(reached[who * 3 + a - 1]);
        for (int a = 1; a < 4; a++) {
            char name[3] = {who ? 'c' : 'r', (char)('0' + a), 0};
            CHECK_NEAR(choice(&k, &s, name), exp(reached[who * 3 + a - 1]) / sum, 1e-7);
        }
    }
    game_free(&s);
    case_close(&k);
    text_free(&t);
}

// ---- against brute force ----

static void holds_by_brute_force(const Case *k, const GameOptions *options, const char *text) {
    GameSolution s;
    DurError error = {0};
    if (game_solve(&s, k->lattice, options, NULL, &error) != DUR_OK) fail_msg("%s\n%s", error.text, text);
    if (s.verdict != GAME_CONVERGED) fail_msg("%s\n%s", s.note, text);
    double residual, response;
    CHECK_OK(rounds_plain_check(s.policy, &residual, &response, &error));
    if (!(residual < 1e-7 && response < 1e-7))
        fail_msg("brute force finds %.3g and %.3g\n%s", residual, response, text);
    CHECK(s.certificate.residual < 1e-8);
    if (!options->skip_certificate) CHECK(s.certificate.consistency < 1e-6);
    game_free(&s);
}

static void random_games(const char *how, double precision, uint64_t first, int n) {
    for (uint64_t seed = first; seed < first + (uint64_t)n; seed++) {
        Text t = {0};
        Case k;
        random_rounds(&t, seed, how, precision);
        case_open(&k, text_view(&t));
        holds_by_brute_force(&k, &(GameOptions){.skip_certificate = seed % 4 != 0}, text_view(&t));
        for (int32_t p = 0; p < k.model->n_policy; p++) {
            LatticeRule rule;
            DurError error = {0};
            CHECK_OK(lattice_rule_make(&rule, k.lattice, k.model->policy[p].actor, &k.model->policy[p].phase[0], &error));
            holds_by_brute_force(&k, &(GameOptions){.rule = &rule, .skip_certificate = true}, text_view(&t));
            lattice_rule_free(&rule);
        }
        case_close(&k);
        text_free(&t);
    }
}

TEST(random_games_with_mistakes_hold_by_brute_force) { random_games("quantal", 1.5, 1, 60); }
TEST(random_games_with_tastes_hold_by_brute_force)   { random_games("taste", 1.5, 1001, 60); }
TEST(sharp_random_games_hold_by_brute_force)         { random_games("quantal", 12, 2001, 40); }

TEST(the_same_bits_come_from_any_number_of_threads) {
    for (uint64_t seed = 1; seed < 30; seed += 4) {
        Text t = {0};
        Case k;
        GameSolution s[3];
        random_rounds(&t, seed, "quantal", 3);
        case_open(&k, text_view(&t));
        for (int i = 0; i < 3; i++) {
            static const int threads[] = {1, 2, 7};
            Team *team = team_make(threads[i]);
            DurError error = {0};
            CHECK_OK(game_solve(&s[i], k.lattice, NULL, team, &error));
            team_free(team);
            for (int64_t x = 0; x < k.model->n_actor * k.lattice->n_state; x++)
                CHECK_SAME(s[0].policy->value[x], s[i].policy->value[x]);
            for (int64_t e = 0; e < s[0].policy->n_entry; e++)
                CHECK_SAME(s[0].policy->probability[e], s[i].policy->probability[e]);
        }
        for (int i = 0; i < 3; i++) game_free(&s[i]);
        case_close(&k);
        text_free(&t);
    }
}

TEST(a_solve_in_rounds_survives_every_allocation_that_fails) {
    // in the last two rooms for joint choices grow as the first pass meets blocks, which is that of the choices
    static const uint64_t seed[] = {7, 6, 9};
    for (size_t i = 0; i < DUR_COUNT(seed); i++) {
        Text t = {0};
        Case k;
        random_rounds(&t, seed[i], "quantal", 2);
        case_open(&k, text_view(&t));
        for (int64_t at = 1;; at++) {
            GameSolution s;
            DurError error = {0};
            memory_fail_at(at);
            DurStatus status = game_solve(&s, k.lattice, NULL, NULL, &error);
            int64_t asked = memory_fail_at(0);
            if (status == DUR_OK) {
                // nothing that failed was passed over in silence
                game_free(&s);
                CHECK(at > 20 && asked < at);
                break;
            }
            assert_int_equal(status, DUR_MEMORY);
            // late ones by steps: there are as many as linear solves
            if (at > 200) at += 37;
        }
        case_close(&k);
        text_free(&t);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        RUN(a_stag_hunt_is_played_as_its_quantal_response_equilibrium_says),
        RUN(the_other_equilibria_of_a_stag_hunt_are_found_from_points_near_them),
        RUN(asymmetric_matching_pennies_has_its_quantal_response_equilibrium),
        RUN(a_repeated_dilemma_is_worth_its_stage_for_ever),
        RUN(a_decision_problem_of_one_has_its_closed_form),
        RUN(entry_and_deterrence_in_order_is_solved_by_hand_backwards),
        RUN(two_states_and_a_chance_between_them_are_two_equations),
        RUN(a_stock_that_shrinks_by_its_change_is_worth_a_geometric_sum),
        RUN(a_discount_and_the_patience_that_it_comes_from_are_one),
        RUN(who_seldom_attends_chooses_alike_and_moves_seldom),
        RUN(effects_follow_the_order_of_declaration_when_all_choose_at_once),
        RUN(the_principal_branch_is_followed_through_its_folds),
        RUN(random_games_with_mistakes_hold_by_brute_force),
        RUN(random_games_with_tastes_hold_by_brute_force),
        RUN(sharp_random_games_hold_by_brute_force),
        RUN(the_same_bits_come_from_any_number_of_threads),
        RUN(a_solve_in_rounds_survives_every_allocation_that_fails),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
