#include "../random_scenario.h"
#include "../random_types.h"
#include "case.h"

#include "base/memory.h"
#include "base/sha256.h"
#include "lattice/chain.h"
#include "num/isa.h"

#include <stdlib.h>

// value of actor 0 at a state given by its nodes
static double value_at(const GameSolution *s, const Lattice *l, const int32_t *node) {
    return s->policy->value[lattice_state(l, node)];
}

// ---- closed forms ----

TEST(a_decaying_stock_is_worth_its_discounted_flow_on_any_grid) {   // V = x/(rho + delta), upwind is exact for linear V
    for (int grid = 2; grid <= 41; grid += 13) {
        char text[512];
        snprintf(text, sizeof text,
                 "scenario \"decay\" { clock continuous unit month }\n"
                 "actor a { patience 20 month precision 1 attends 0 per month }\n"
                 "stock x { range 0..1 grid %d start 1 drift -0.3*x }\n"
                 "payoff a { flow x }\n", grid);
        Case k = {0};
        GameSolution s;
        case_open(&k, text);
        solved(&s, &k, &(GameOptions){.tolerance = 1e-13});
        for (int32_t i = 0; i < grid; i++)
            CHECK_NEAR(value_at(&s, k.lattice, &i), lattice_level(k.lattice, 0, i) / (0.05 + 0.3), 1e-11);
        game_free(&s);
        case_close(&k);
    }
}

TEST(a_jump_to_nothing_adds_its_rate_to_the_discount) {   // V = x/(rho + delta + mu)
    Case k = {0};
    GameSolution s;
    case_open(&k, "scenario \"jump\" { clock continuous unit month }\n"
                  "actor a { patience 20 month precision 1 attends 0 per month }\n"
                  "stock x { range 0..1 grid 9 start 1 drift -0.3*x }\n"
                  "event end { rate 0.7 per month then x = 0 }\n"
                  "payoff a { flow x }\n");
    solved(&s, &k, &(GameOptions){.tolerance = 1e-13});
    for (int32_t i = 0; i < 9; i++) CHECK_NEAR(value_at(&s, k.lattice, &i), i / 8.0 / (0.05 + 0.3 + 0.7), 1e-11);
    game_free(&s);
    case_close(&k);
}

TEST(a_curved_payoff_errs_by_half_when_the_step_is_halved) {   // V = x^2/(rho + 2 delta) in the limit
    double off[3];
    for (int i = 0; i < 3; i++) {
        char text[512];
        snprintf(text, sizeof text,
                 "scenario \"curve\" { clock continuous unit month }\n"
                 "actor a { patience 20 month precision 1 attends 0 per month }\n"
                 "stock x { range 0..1 grid %d start 1 drift -0.3*x }\n"
                 "payoff a { flow x*x }\n", (20 << i) + 1);
        Case k = {0};
        GameSolution s;
        case_open(&k, text);
        solved(&s, &k, &(GameOptions){.tolerance = 1e-13});
        off[i] = s.value_start[0] - 1 / (0.05 + 0.6);
        game_free(&s);
        case_close(&k);
    }
    CHECK_NEAR(off[0] / off[1], 2, 0.05);
    CHECK_NEAR(off[1] / off[2], 2, 0.03);
}

static const char *ENTRY_EXIT =
    "scenario \"entry and exit\" { clock continuous  unit month  choice taste }\n"
    "actor f1 { patience 20 month  precision 1  attends 2 per month }\n"
    "actor f2 { patience 20 month  precision 1  attends 2 per month }\n"
    "mode demand of nature { low, high }\n"
    "mode m1 of f1 { absent, active }\n"
    "mode m2 of f2 { absent, active }\n"
    "let n = [m1 == active] + [m2 == active]\n"
    "event up   { when demand == low   rate 1 per month  then demand = high }\n"
    "event down { when demand == high  rate 1 per month  then demand = low }\n"
    "move enter1 of f1 { when m1 == absent  cost 0.5  then m1 = active }\n"
    "move exit1  of f1 { when m1 == active  then m1 = absent }\n"
    "move enter2 of f2 { when m2 == absent  cost 0.5  then m2 = active }\n"
    "move exit2  of f2 { when m2 == active  then m2 = absent }\n"
    "payoff f1 { profit [m1 == active]*(-0.1*n + 0.2*by demand { low 0, high 1 }) }\n"
    "payoff f2 { profit [m2 == active]*(-0.1*n + 0.2*by demand { low 0, high 1 }) }\n";

TEST(entry_and_exit_of_two_firms_has_the_published_values_and_choices) {   // Blevins 2025, to the digits given
    static const double value[8] = {22.446756188335, 22.433432382185, 22.650395878629, 22.608927973916,
                                    22.468646281931, 22.455131126905, 22.724709657730, 22.683047290355};
    static const double change[8] = {.426447475892, .419578382992, .449265283387, .456238361264,
                                     .439316460827, .432395587899, .436331662666, .443266336301};
    Case k = {0};
    GameSolution s;
    case_open(&k, ENTRY_EXIT);
    solved(&s, &k, &(GameOptions){.tolerance = 1e-14});
    for (int32_t i = 0; i < 8; i++) {
        int32_t node[3] = {i >> 2, i >> 1 & 1, i & 1};
        CHECK_NEAR(value_at(&s, k.lattice, node), value[i], 2e-11);
        int32_t move = model_find_jump(k.model, node[1] ? "exit1" : "enter1");
        CHECK_NEAR(policy_probability(s.policy, move, lattice_state(k.lattice, node)), change[i], 2e-12);
    }
    CHECK(s.certificate.residual <= 1e-13);
    CHECK(s.certificate.consistency <= 1e-11);
    game_free(&s);
    case_close(&k);
}

TEST(one_actor_with_one_switch_chooses_as_the_logit_of_the_closed_form_says) {
    // two states, one move each way at no cost; flow g in state on, 0 in state off. With d = V(on) - V(off) and
    // P = 1/(1 + exp(-mu d)) to switch on, N = 1/(1 + exp(mu d)) off:  rho d = g - lambda (N + P) d, N + P = 1
    Case k = {0};
    GameSolution s;
    case_open(&k, "scenario \"switch\" { clock continuous unit month }\n"
                  "actor a { patience 10 month precision 3 attends 2 per month }\n"
                  "mode m of a { off, on }\n"
                  "move up of a { when m == off then m = on }\n"
                  "move down of a { when m == on then m = off }\n"
                  "payoff a { flow [m == on]*0.6 }\n");
    solved(&s, &k, &(GameOptions){.tolerance = 1e-14});
    double P = 0.5, N = 0.5, d = 0;
    for (int i = 0; i < 500; i++) {
        d = 0.6 / (0.1 + 2 * (P + N));
        P = 1 / (1 + exp(-3 * d));
        N = 1 / (1 + exp(3 * d));
    }
    int32_t off = 0, on = 1;
    CHECK_NEAR(value_at(&s, k.lattice, &on) - value_at(&s, k.lattice, &off), d, 1e-12);
    CHECK_NEAR(s.choice_start[model_find_jump(k.model, "up")], P, 1e-12);
    CHECK_NEAR(value_at(&s, k.lattice, &off), 2 * P * d / 0.1, 1e-11);

    // regret at the start: perfectly rational play is to switch on at the first chance and stay there
    double best = 0.6 / 0.1 * (2 / (2 + 0.1));
    CHECK_NEAR(s.certificate.regret[0], best - value_at(&s, k.lattice, &off), 1e-8);
    game_free(&s);
    case_close(&k);
}

// ---- two roads ----

TEST(the_solver_agrees_with_the_plain_one_on_two_hundred_random_games) {
    int n_solved = 0, n_same = 0;
    for (uint64_t seed = 1; seed <= 200; seed++) {
        Text text = {0};
        random_scenario(&text, seed, seed % 3 ? "quantal" : "taste", seed % 5 == 0 ? 6 : 1.5);
        Case k = {0};
        case_open(&k, text_view(&text));
        int64_t n = k.model->n_actor * k.lattice->n_state;
        LatticeRule rule = {.actor = -1, .precision = PROGRAM_NONE};
        DurError error = {0};
        if (seed % 2) {
            const ModelPolicy *p = &k.model->policy[seed / 2 % 3];
            CHECK_OK(lattice_rule_make(&rule, k.lattice, p->actor, &p->phase[p->n_phase - 1], &error));
        }
        double *plain = memory_column(n), residual, seconds;
        int64_t sweeps;
        CHECK_OK(plain_solve(k.lattice, &rule, 1e-12, 100000, plain, &residual, &sweeps, &seconds, &error));
        GameSolution s;
        CHECK_OK(game_solve(&s, k.lattice, &(GameOptions){.tolerance = 1e-12, .rule = &rule}, NULL, &error));
        if (s.verdict != GAME_CONVERGED) {
            // honest failure is allowed, silence is not
            CHECK(s.note[0] != '\0');
            print_message("seed %d: %s (the plain solver: residual %.1e after %d sweeps)\n", (int)seed, s.note, residual, (int)sweeps);
        } else {
            n_solved++;
            double size = 0, off = 0, second;
            for (int64_t i = 0; i < n; i++) size = fmax(size, fabs(plain[i]));
            for (int64_t i = 0; i < n; i++) off = fmax(off, fabs(plain[i] - s.policy->value[i]));
            n_same += residual <= 1e-12 && off <= 1e-8 * size;
            // the plain solver's equations accept the solution even where its own iteration ends at another equilibrium
            CHECK_OK(plain_residual(k.lattice, &rule, s.policy->value, &second, &error));
            if (!(second <= 1e-11)) fail_msg("seed %d: plain residual %g\n%s", (int)seed, second, text_view(&text));
            CHECK(s.certificate.residual <= 1e-11);
            CHECK(s.certificate.consistency <= 1e-7);
        }
        game_free(&s);
        memory_free(plain);
        lattice_rule_free(&rule);
        case_close(&k);
        text_free(&text);
    }
    print_message("%d of 200 solved, %d to the values of the plain solver\n", n_solved, n_same);
    CHECK(n_solved >= 199);
    CHECK(n_same >= 190);
}

TEST(a_game_on_which_sweeps_go_round_in_circles_is_solved_all_the_same) {
    // one side alone, who may stop and resume filling a reservoir: at this precision best responses overshoot for ever
    Case k = {0};
    GameSolution s;
    case_open(&k, "scenario \"dam\" { clock continuous  unit month }\n"
                  "actor south { patience 2 year  precision 6  attends 1 per month }\n"
                  "mode dam of south { filling, stopped }\n"
                  "stock water { range 0..1  grid 21  start 0.2\n"
                  "  drift by dam { filling 0.03, stopped -0.01 } * [water < 1] }\n"
                  "move stop   of south { when dam == filling  cost 0.2  then dam = stopped }\n"
                  "move resume of south { when dam == stopped            then dam = filling }\n"
                  "payoff south { power 0.4*water;  pride -0.1*[dam == stopped] }\n");
    solved(&s, &k, NULL);
    CHECK(s.certificate.residual <= 1e-7);
    CHECK(s.certificate.consistency <= 1e-5);
    game_free(&s);
    case_close(&k);
}

// two who each turn a mode of their own on and off, with stocks that follow
static void open_followed(Case *k, int patience, int precision_b, const char *stocks, const char *payoffs) {
    char text[2048];
    snprintf(text, sizeof text,
             "scenario \"s\" { clock continuous unit month }\nactor a { patience %d month precision 4 attends 1 per month }\n"
             "actor b { patience %d month precision %d attends 1 per month }\nmode m of a { off, on }\nmode n of b { off, on }\n%s"
             "move go of a { when m == off cost 0.1 then m = on }\nmove stop of a { when m == on then m = off }\n"
             "move act of b { when n == off cost 0.1 then n = on }\nmove rest of b { when n == on then n = off }\n%s",
             patience, patience, precision_b, stocks, payoffs);
    case_open(k, text);
}

TEST(finer_grids_of_several_stocks_take_no_more_sweeps_either) {
    // stocks that drift both ways: whole in a block (76), then with one of them, or two, outside of it
    static const struct { int x, z; } grid[] = {{76, 1}, {101, 1}, {201, 1}, {31, 31}, {41, 41}};
    for (int i = 0; i < (int)DUR_COUNT(grid); i++) {
        char stocks[512], third[128] = "let z = 0.5\n";
        if (grid[i].z > 1)
            snprintf(third, sizeof third, "stock z { range 0..1 grid %d start 0.5 drift 0.1*(x - z)*(1 + y) }\n", grid[i].z);
        snprintf(stocks, sizeof stocks, "stock x { range 0..1 grid %d start 0.5 drift 0.2*([m == on] - x) }\n"
                 "stock y { range 0..1 grid %d start 0.5 drift 0.2*([n == on] - y) }\n%s", grid[i].x, grid[i].x, third);
        Case k;
        open_followed(&k, 200, 4, stocks, "payoff a { gain x*(1 - y) - 0.2*z }\npayoff b { gain y - 0.5*x*x + 0.1*z*y }\n");
        GameOptions bare = {.skip_certificate = true};
        solved(&k.solution, &k, &bare);
        CHECK(k.solution.is_principal);
        if (k.solution.n_sweep > 150) fail_msg("%d nodes: %lld sweeps", grid[i].x, (long long)k.solution.n_sweep);
        Team *team = team_make(3);
        GameSolution s;
        DurError error = {0};
        CHECK_OK(game_solve(&s, k.lattice, &bare, team, &error));
        assert_memory_equal(s.policy->value, k.solution.policy->value, (size_t)(2 * k.lattice->n_state) * sizeof(double));
        game_free(&s);
        team_free(team);
        case_close(&k);
    }
}

TEST(finer_grids_of_a_stock_take_no_more_sweeps) {
    // the patrol case: what drifts along a stock passes all its nodes in one sweep, however many they are
    int64_t coarse = 0;
    for (int node = 41; node <= 641; node = 4 * node - 3) {
        char text[2048];
        snprintf(text, sizeof text,
                 "scenario \"patrol\" { clock continuous  unit month }\n"
                 "actor town { patience 12 month  precision 4  attends 2 per month }\n"
                 "actor gang { patience 12 month  precision 4  attends 2 per month }\n"
                 "mode patrol of town { off, on }\n"
                 "mode toll of gang { none, taken }\n"
                 "stock anger { range 0..1  grid %d  start 0.2  drift if toll == taken then 0.2*(1 - anger) else -0.1*anger }\n"
                 "move send of town { when patrol == off  cost 0.2  then patrol = on }\n"
                 "move recall of town { when patrol == on  then patrol = off }\n"
                 "move demand of gang { when toll == none  cost 0.2  then toll = taken }\n"
                 "move stop of gang { when toll == taken  then toll = none }\n"
                 "payoff town { peace -anger\n  wages -0.3*[patrol == on] }\n"
                 "payoff gang { takings [toll == taken]\n  losses -2*[toll == taken and patrol == on] }\n", node);
        Case k;
        case_open(&k, text);
        GameSolution s = {0};
        solved(&s, &k, NULL);
        CHECK(s.is_principal);
        if (coarse == 0) coarse = s.n_sweep;
        CHECK(s.n_sweep <= coarse + coarse / 2);
        game_free(&s);
        case_close(&k);
    }
}

TEST(sharp_random_games_are_solved_or_say_where_they_stand) {
    int n_solved = 0;
    for (uint64_t seed = 700; seed < 760; seed++) {
        Text text = {0};
        random_scenario(&text, seed, "quantal", 16);
        Case k = {0};
        GameSolution s;
        case_open(&k, text_view(&text));
        CHECK_OK(game_solve(&s, k.lattice, NULL, NULL, NULL));
        if (s.verdict == GAME_CONVERGED) {
            n_solved++;
            CHECK(s.certificate.residual <= 1e-7);
        } else {
            CHECK(s.note[0] != '\0');
        }
        game_free(&s);
        case_close(&k);
        text_free(&text);
    }
    print_message("%d of 60 solved\n", n_solved);
    CHECK(n_solved >= 58);
}

// ---- certificates ----

TEST(the_generator_of_a_policy_keeps_mass_and_agrees_with_the_list_of_ways_out) {
    for (uint64_t seed = 300; seed < 340; seed++) {
        Text text = {0};
        random_scenario(&text, seed, "quantal", 2);
        Case k = {0};
        GameSolution s;
        case_open(&k, text_view(&text));
        CHECK_OK(game_solve(&s, k.lattice, &(GameOptions){.skip_certificate = true}, NULL, NULL));
        const Lattice *l = k.lattice;
        int64_t n = l->n_state;
        double *x = memory_column(n), *y = memory_column(n), *z = memory_column(n), most;
        for (int64_t i = 0; i < n; i++) x[i] = 1;
        CHECK_OK(chain_apply(s.policy, x, y, NULL));
        for (int64_t i = 0; i < n; i++) CHECK_NEAR(y[i], 0, 1e-13);

        RandomScenario r = {.bits = seed};
        for (int64_t i = 0; i < n; i++) x[i] = rs_between(&r, -1, 1);
        CHECK_OK(chain_apply(s.policy, x, y, NULL));
        CHECK_OK(chain_exit_rates(s.policy, z, &most, NULL));
        int64_t *state = memory_alloc(LATTICE_CORNERS_MAX * sizeof *state);
        double *weight = memory_alloc(LATTICE_CORNERS_MAX * sizeof *weight);
        for (int64_t i = 0; i < n; i++) {
            int32_t node[MODEL_VARIABLES_MAX];
            double sum = 0, exit = 0;
            lattice_nodes(l, i, node);
            for (int32_t j = 0; j < k.model->n_jump; j++) {
                const ModelJump *mj = &k.model->jump[j];
                double rate = mj->kind == JUMP_EVENT ? lattice_table_at(l, &l->jump[j].rate, node)
                            : lattice_table_at(l, &l->actor[mj->actor].attends, node) * policy_probability(s.policy, j, i);
                if (rate == 0) continue;
                int32_t n_to = lattice_targets(l, j, node, state, weight);
                double total = 0;
                for (int32_t t = 0; t < n_to; t++) { sum += rate * weight[t] * (x[state[t]] - x[i]); total += weight[t]; }
                CHECK_NEAR(total, 1, 1e-14);
                exit += rate;
            }
            for (int32_t q = 0; q < k.model->n_stock; q++) {
                if (!l->stock[q].moves) continue;
                int32_t v = k.model->n_mode + q;
                double up = lattice_table_at(l, &l->stock[q].up, node), down = lattice_table_at(l, &l->stock[q].down, node);
                if (up > 0) sum += up * (x[i + l->stride[v]] - x[i]);
                if (down > 0) sum += down * (x[i - l->stride[v]] - x[i]);
                exit += up + down;
            }
            CHECK_NEAR(y[i], sum, 1e-12);
            CHECK_NEAR(z[i], exit, 1e-12);
            CHECK(z[i] <= most);
        }
        memory_free(weight);
        memory_free(state);
        memory_free(z);
        memory_free(y);
        memory_free(x);
        game_free(&s);
        case_close(&k);
        text_free(&text);
    }
}

TEST(regret_is_what_a_deviation_by_brute_force_gains) {
    // every pure stationary deviation of actor 0 of entry and exit, with quantal choice: 2^8 of them, each evaluated exactly
    char text[4096];
    snprintf(text, sizeof text, "%s", ENTRY_EXIT);
    char *at = strstr(text, "choice taste ");
    memset(at, ' ', strlen("choice taste "));
    Case k = {0};
    GameSolution s;
    case_open(&k, text);
    solved(&s, &k, &(GameOptions){.tolerance = 1e-13});
    const Lattice *l = k.lattice;
    int32_t enter2 = model_find_jump(k.model, "enter2"), exit2 = model_find_jump(k.model, "exit2");
    double best = -INFINITY;
    for (int mask = 0; mask < 256; mask++) {
        // value iteration of an 8-state chain by a dense linear solve: (rho - G) v = u
        double a[8][9] = {{0}};
        for (int i = 0; i < 8; i++) {
            int d = i >> 2, m1 = i >> 1 & 1, m2 = i & 1;
            int32_t node[3] = {d, m1, m2};
            int64_t st = lattice_state(l, node);
            double p2 = policy_probability(s.policy, m2 ? exit2 : enter2, st);
            double rate1 = mask >> i & 1 ? 2 : 0, rate2 = 2 * p2;
            a[i][8] = m1 * (-0.1 * (m1 + m2) + 0.2 * d) + (rate1 > 0 && !m1 ? -0.5 * rate1 : 0);
            a[i][i] = 0.05 + 1 + rate1 + rate2;
            a[i][i ^ 4] -= 1;
            a[i][i ^ 2] -= rate1;
            a[i][i ^ 1] -= rate2;
        }
        for (int c = 0; c < 8; c++)
            for (int r = 0; r < 8; r++) {
                if (r == c) continue;
                double f = a[r][c] / a[c][c];
                for (int q = 0; q < 9; q++) a[r][q] -= f * a[c][q];
            }
        best = fmax(best, a[0][8] / a[0][0]);
    }
    CHECK_NEAR(s.certificate.regret[0], best - s.value_start[0], 1e-8);
    CHECK(s.certificate.regret[0] > 0.1);   // at precision 1 the firms are far from rational: a test that could fail
    game_free(&s);
    case_close(&k);
}

TEST(certificates_on_fine_grids_are_found_and_near_those_of_coarse_ones) {
    // thousands of nodes of one stock (the last more than a block had room for), and two long ones
    static const struct { int x, y; } grid[] = {{101, 1}, {501, 1}, {2001, 1}, {9001, 1}, {31, 31}, {151, 151}};
    double coarse[2] = {0};
    for (int i = 0; i < (int)DUR_COUNT(grid); i++) {
        char stocks[512], second[128] = "let y = 0.4\n";
        if (grid[i].y > 1)
            snprintf(second, sizeof second, "stock y { range 0..1 grid %d start 0.5 drift 0.2*([n == on] - y) }\n", grid[i].y);
        snprintf(stocks, sizeof stocks, "stock x { range 0..1 grid %d start 0.5 drift 0.1*([m == on] - x) }\n%s", grid[i].x, second);
        Case k;
        open_followed(&k, 30, 3, stocks, "payoff a { gain x*(1 - y) - 0.3*[n == on] }\npayoff b { pain y - 0.5*x + 0.2*[n == on]*[m == on] }\n");
        solved(&k.solution, &k, NULL);
        const GameCertificate *c = &k.solution.certificate;
        CHECK(!c->is_unsettled && c->consistency < 1e-5);
        for (int a = 0; a < 2; a++) {
            if (i == 0 || i == 4) coarse[a] = c->regret[a];
            CHECK(coarse[a] > 0.1);
            if (!(fabs(c->regret[a] - coarse[a]) < 0.02 * coarse[a]))
                fail_msg("grids %d, %d: regret of %d is %g, was %g", grid[i].x, grid[i].y, a, c->regret[a], coarse[a]);
        }
        // added to a solution that was made without, it is the same
        GameSolution s = {0};
        if (i != 2) {
            case_close(&k);
            continue;
        }
        DurError error = {0};
        double regret = c->regret[1];
        solved(&s, &k, &(GameOptions){.skip_certificate = true});
        CHECK(isnan(s.certificate.consistency) && isnan(s.certificate.regret[1]));
        CHECK_OK(game_certify(&s, NULL, NULL, &error));
        CHECK_SAME(s.certificate.consistency, c->consistency);
        CHECK_SAME(s.certificate.regret[1], regret);
        game_uncertify(&s);
        CHECK(isnan(s.certificate.consistency) && isnan(s.certificate.regret[1]) && s.certificate.residual < 1e-7);
        game_free(&s);
        case_close(&k);
    }
}

TEST(certificates_of_flows_that_turn_round_and_round_are_found_or_not_told) {
    // much faster than anybody looks ahead, so that rounding alone leaves more than was asked
    Case k;
    case_open(&k, "scenario \"s\" { clock continuous unit month }\nactor a { patience 2000 month precision 1 attends 0.1 per month }\n"
                  "mode m of a { off, on }\nstock x { range 0..1 grid 41 start 0.5 drift 1000*(y - 0.5) }\n"
                  "stock y { range 0..1 grid 41 start 0.2 drift 1000*(0.5 - x) }\nmove go of a { when m == off cost 0.1 then m = on }\n"
                  "move stop of a { when m == on then m = off }\npayoff a { gain x*[m == on] - y*[m == off] }\n");
    solved(&k.solution, &k, NULL);
    const GameCertificate *c = &k.solution.certificate;
    CHECK(c->residual < 1e-7);
    CHECK(c->is_unsettled == isnan(c->consistency) && c->is_unsettled == isnan(c->regret[0]));
    // on 11 by 11 nodes it is 0.0868, whoever finds it here
    if (!c->is_unsettled) CHECK_NEAR(c->regret[0], 0.0868, 0.002);
    case_close(&k);
}

typedef struct Stops { int n_asked, after, n_more; } Stops;

static bool after_some(void *context) {
    Stops *t = context;
    bool is_heard = t->n_asked++ >= t->after;
    t->n_more += is_heard;
    return is_heard;
}

// Whenever it is told to stop a solve says so, and does little more than ask a few times whether it really is to.
TEST(a_solve_that_is_told_to_stop_at_any_asking_ends_at_once) {
    static const char *text[] = {
        "scenario \"plain\" { clock continuous unit month }\nactor a { patience 12 month precision 4 attends 2 per month }\n"
        "actor b { patience 12 month precision 4 attends 2 per month }\nmode m of a { off, on }\nmode n of b { off, on }\n"
        "stock x { range 0..1 grid 61 start 0.5 drift if n == on then 0.2*(1 - x) else -0.1*x }\n"
        "stock y { range 0..1 grid 61 start 0.5 drift if m == on then 0.2*(1 - y) else -0.1*y }\n"
        "move go of a { when m == off cost 0.1 then m = on }\nmove stop of a { when m == on then m = off }\n"
        "move rise of b { when n == off cost 0.1 then n = on }\nmove fall of b { when n == on then n = off }\n"
        "payoff a { gain x - 0.4*[m == on] }\npayoff b { gain y - x - 0.4*[n == on] }\n",
        "scenario \"typed\" { clock continuous unit month }\nactor a { patience 12 month precision 4 attends 2 per month }\n"
        "actor b { patience 12 month precision 4 attends 2 per month }\nprivate t of a { weak, strong } { belief 0.4 grid 9 }\n"
        "mode m of a { off, on }\nmode n of b { off, on }\nstock x { range 0..1 grid 61 start 0.5 drift if n == on then 0.2*(1 - x) else -0.1*x }\n"
        "move go of a { when m == off cost by t { weak 0.4, strong 0.1 } then m = on }\nmove stop of a { when m == on then m = off }\n"
        "move rise of b { when n == off cost 0.1 then n = on }\nmove fall of b { when n == on then n = off }\n"
        "payoff a { gain x - 0.2*[m == on] }\npayoff b { gain -x*[m == on] - 0.2*[n == on] }\n"};
    for (size_t i = 0; i < DUR_COUNT(text); i++) {
        Case k;
        case_open(&k, text[i]);
        Stops stops = {.after = 1 << 30};
        Progress progress = {.stop = after_some, .context = &stops};
        GameOptions options = {.skip_certificate = true, .progress = &progress};
        DurError error = {0};
        CHECK_OK(game_solve(&k.solution, k.lattice, &options, NULL, &error));
        assert_int_equal(k.solution.verdict, GAME_CONVERGED);
        int all = stops.n_asked, most = 0;
        game_free(&k.solution);
        for (int s = 0; s < all; s += 1 + all / 60) {
            stops = (Stops){.after = s};
            CHECK_OK(game_solve(&k.solution, k.lattice, &options, NULL, &error));
            assert_int_equal(k.solution.verdict, GAME_INTERRUPTED);
            most = stops.n_more > most ? stops.n_more : most;
            game_free(&k.solution);
        }
        CHECK(all > 100 && most < 40);
        case_close(&k);
    }
}

TEST(a_tampered_solution_does_not_pass_its_certificate) {
    Case k = {0};
    GameSolution s;
    DurError error = {0};
    case_open(&k, ENTRY_EXIT);
    // one sweep from nothing is no solution and says so
    CHECK_OK(game_solve(&s, k.lattice, &(GameOptions){.max_sweep = 1}, NULL, &error));
    assert_int_equal(s.verdict, GAME_NO_CONVERGENCE);
    CHECK(s.note[0] != '\0');
    CHECK(s.certificate.residual > 1e-3);
    game_free(&s);
    case_close(&k);
}

// ---- the limit of sweeps ----

static void limit_holds(const char *text, const char *name) {
    const int64_t limit[] = {1, 5, 20, 60, 200, 1000};
    Case k = {0};
    case_open(&k, text);
    for (size_t i = 0; i < sizeof limit / sizeof *limit; i++) {
        GameSolution s;
        DurError error = {0};
        CHECK_OK(game_solve(&s, k.lattice, &(GameOptions){.max_sweep = limit[i], .skip_certificate = true}, NULL, &error));
        // what is under way when the limit is reached is ended: a tangent, a step by differences
        if (s.n_sweep > limit[i] + limit[i] / 4 + 12)
            fail_msg("%s: %lld sweeps where %lld were allowed", name, (long long)s.n_sweep, (long long)limit[i]);
        if (s.verdict == GAME_NO_CONVERGENCE) CHECK(s.note[0]);
        game_free(&s);
    }
    case_close(&k);
}

TEST(a_solve_takes_about_as_many_sweeps_as_it_may) {
    // branches with folds, sweeps, types alike first: whatever is tried in turn shares one limit
    for (uint64_t seed = 1; seed <= 60; seed++) {
        Text text = {0};
        char name[32];
        snprintf(name, sizeof name, "seed %d", (int)seed);
        if (seed % 2) random_scenario(&text, seed, seed % 4 == 1 ? "quantal" : "taste", seed % 3 ? 3 : 12);
        else          random_types(&text, seed, seed % 4 ? "quantal" : "taste", seed % 3 ? 2 : 6, 0.5);
        limit_holds(text_view(&text), name);
        text_free(&text);
    }
}

// ---- same bits ----

TEST(values_are_the_same_bits_on_any_number_of_threads_and_any_vector_width) {
    for (uint64_t seed = 500; seed < 512; seed++) {
        Text text = {0};
        random_scenario(&text, seed, seed % 2 ? "quantal" : "taste", 3);
        Case k = {0};
        case_open(&k, text_view(&text));
        size_t n = (size_t)(k.model->n_actor * k.lattice->n_state);
        double *first = memory_column((int64_t)n);
        const int threads[] = {1, 2, 3, 7, 32};
        for (int i = 0; i < 5; i++)
            for (int isa = 0; isa < ISA_COUNT; isa++) {
                if (isa_force((Isa)isa) != (Isa)isa) continue;
                Team *team = team_make(threads[i]);
                GameSolution s;
                DurError error = {0};
                CHECK_OK(game_solve(&s, k.lattice, &(GameOptions){0}, team, &error));
                if (i == 0 && isa == 0) memcpy(first, s.policy->value, n * sizeof *first);
                if (memcmp(first, s.policy->value, n * sizeof *first) != 0)
                    fail_msg("seed %d: other bits with %d threads and %s", (int)seed, threads[i], isa_name((Isa)isa));
                game_free(&s);
                team_free(team);
            }
        isa_force(ISA_COUNT);
        memory_free(first);
        case_close(&k);
        text_free(&text);
    }
}

// One number for every compiler, vector width and machine of the same byte order: built with another compiler the test must
// still pass. Whoever changes the order of operations in the solver changes it, and says so.
TEST(solutions_have_the_bits_that_they_had) {
    Sha256 sha;
    char hash[65];
    sha256_start(&sha);
    for (uint64_t seed = 520; seed < 530; seed++) {
        Text text = {0};
        random_scenario(&text, seed, seed % 2 ? "quantal" : "taste", 3);
        Case k = {0};
        GameSolution s;
        case_open(&k, text_view(&text));
        solved(&s, &k, NULL);
        sha256_add(&sha, s.policy->value, (size_t)(k.model->n_actor * k.lattice->n_state) * sizeof(double));
        sha256_add(&sha, s.policy->probability, (size_t)s.policy->n_entry * sizeof(double));
        game_free(&s);
        case_close(&k);
        text_free(&text);
    }
    sha256_hex(&sha, hash);
    hash[16] = '\0';
    assert_string_equal(hash, "d70de2f945b399f1");
}

// ---- asking elsewhere, surprises ----

TEST(between_nodes_a_value_is_the_linear_mix_of_its_neighbours) {
    Case k = {0};
    GameSolution s;
    case_open(&k, "scenario \"decay\" { clock continuous unit month }\n"
                  "actor a { patience 20 month precision 1 attends 0 per month }\n"
                  "stock x { range 0..1 grid 5 start 0.6 drift -0.3*x }\n"
                  "payoff a { flow x*x }\n");
    solved(&s, &k, &(GameOptions){.tolerance = 1e-13});
    int32_t lower = 2, upper = 3;
    double mix = 0.6 * value_at(&s, k.lattice, &lower) + 0.4 * value_at(&s, k.lattice, &upper);
    CHECK_NEAR(s.value_start[0], mix, 1e-13);
    double state = 0.6, value, choice, wait;
    DurError error = {0};
    CHECK_OK(game_at(s.policy, &state, &value, &choice, &wait, &error));
    CHECK_NEAR(value, mix, 1e-13);
    CHECK_NEAR(wait, 1, 0);
    game_free(&s);
    case_close(&k);
}

TEST(a_surprised_world_keeps_its_choices_and_only_the_restricted_actor_changes) {
    Text text = {0};
    Case k = {0};
    GameSolution s;
    DurError error = {0};
    random_scenario(&text, 7, "quantal", 2);
    case_open(&k, text_view(&text));
    solved(&s, &k, NULL);
    LatticeRule rule;
    CHECK_OK(lattice_rule_make(&rule, k.lattice, 0, &k.model->policy[0].phase[0], &error));
    Policy *p;
    CHECK_OK(game_surprise(&p, s.policy, &rule, &error));
    int n_changed = 0;
    for (int32_t j = 0; j < k.model->n_jump; j++) {
        if (k.model->jump[j].kind != JUMP_MOVE) continue;
        for (int64_t i = 0; i < k.lattice->n_state; i++) {
            double before = policy_probability(s.policy, j, i), now = policy_probability(p, j, i);
            if (k.model->jump[j].actor != 0) CHECK_SAME(before, now);
            if (rule.never[j]) CHECK_NEAR(now, 0, 0);
            n_changed += before != now;
        }
    }
    CHECK(n_changed > 0);
    policy_free(p);
    lattice_rule_free(&rule);
    game_free(&s);
    case_close(&k);
    text_free(&text);
}

TEST(certificates_are_the_same_bits_on_any_number_of_threads) {   // on more states than one task holds
    Text text = {0};
    Case k;
    text_append(&text, "scenario \"pair\" { clock continuous unit month }\n");
    for (int a = 0; a < 2; a++)
        text_printf(&text, "actor a%d { patience 20 month precision 3 attends 2 per month }\n"
                           "mode m%d of a%d { off, on }\n"
                           "stock x%d { range 0..1 grid 61 start 0.4 drift 0.1*[m%d == on] - 0.05*x%d noise 0.02 }\n"
                           "move on%d of a%d { when m%d == off cost 0.1 then m%d = on }\n"
                           "move off%d of a%d { when m%d == on then m%d = off }\n", a, a, a, a, a, a, a, a, a, a, a, a, a, a);
    text_append(&text, "payoff a0 { flow x0 - 0.8*x1 - 0.3*[m0 == on] }\npayoff a1 { flow x1 - 0.7*x0*x1 - 0.2*[m1 == on] }\n");
    case_open(&k, text_view(&text));
    CHECK(k.lattice->n_state > 8192);
    GameSolution one;
    solved(&one, &k, NULL);
    CHECK(one.certificate.consistency < 1e-6);
    CHECK(one.certificate.regret[0] > 0 && one.certificate.regret[1] > 0);
    for (int n_thread = 2; n_thread <= 7; n_thread += 5) {
        Team *team = team_make(n_thread);
        GameSolution s;
        DurError error = {0};
        CHECK_OK(game_solve(&s, k.lattice, NULL, team, &error));
        CHECK_SAME(s.certificate.residual, one.certificate.residual);
        CHECK_SAME(s.certificate.consistency, one.certificate.consistency);
        for (int a = 0; a < 2; a++) CHECK_SAME(s.certificate.regret[a], one.certificate.regret[a]);
        game_free(&s);
        team_free(team);
    }
    game_free(&one);
    case_close(&k);
    text_free(&text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        RUN(certificates_are_the_same_bits_on_any_number_of_threads),
        RUN(a_decaying_stock_is_worth_its_discounted_flow_on_any_grid),
        RUN(a_jump_to_nothing_adds_its_rate_to_the_discount),
        RUN(a_curved_payoff_errs_by_half_when_the_step_is_halved),
        RUN(entry_and_exit_of_two_firms_has_the_published_values_and_choices),
        RUN(one_actor_with_one_switch_chooses_as_the_logit_of_the_closed_form_says),
        RUN(the_solver_agrees_with_the_plain_one_on_two_hundred_random_games),
        RUN(a_game_on_which_sweeps_go_round_in_circles_is_solved_all_the_same),
        RUN(finer_grids_of_a_stock_take_no_more_sweeps),
        RUN(finer_grids_of_several_stocks_take_no_more_sweeps_either),
        RUN(sharp_random_games_are_solved_or_say_where_they_stand),
        RUN(the_generator_of_a_policy_keeps_mass_and_agrees_with_the_list_of_ways_out),
        RUN(regret_is_what_a_deviation_by_brute_force_gains),
        RUN(certificates_on_fine_grids_are_found_and_near_those_of_coarse_ones),
        RUN(certificates_of_flows_that_turn_round_and_round_are_found_or_not_told),
        RUN(a_solve_that_is_told_to_stop_at_any_asking_ends_at_once),
        RUN(a_tampered_solution_does_not_pass_its_certificate),
        RUN(a_solve_takes_about_as_many_sweeps_as_it_may),
        RUN(values_are_the_same_bits_on_any_number_of_threads_and_any_vector_width),
        RUN(solutions_have_the_bits_that_they_had),
        RUN(between_nodes_a_value_is_the_linear_mix_of_its_neighbours),
        RUN(a_surprised_world_keeps_its_choices_and_only_the_restricted_actor_changes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
