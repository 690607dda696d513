#include "../random_scenario.h"
#include "../random_types.h"
#include "reasons_case.h"

#include "base/memory.h"
#include "game/transposed.h"

#include <stdlib.h>

// ---- making things ----

// false if the game has no solution to look at
static bool case_solve(Case *k) {
    DurError error = {0};
    GameOptions options = {.tolerance = 1e-13, .skip_certificate = true};
    if (game_solve(&k->solution, k->lattice, &options, NULL, &error) != DUR_OK) fail_msg("%s", error.text);
    return k->solution.verdict == GAME_CONVERGED;
}

static double sum_of(const Reasons *r, const Reason *reason) {
    double sum = 0;
    for (int32_t i = 0; i < r->n_part[reason->actor] * r->n_channel; i++) sum += reason->split[i];
    return sum;
}

// ---- the split ----

TEST(the_parts_of_every_advantage_add_up_to_it_on_random_games) {
    int n_reason = 0;
    double worst = 0, worst_solved = 0;
    for (uint64_t seed = 1; seed <= 60; seed++) {
        Text text = {0};
        Case k;
        RandomScenario r = {.bits = seed * 77};
        random_scenario(&text, seed, seed % 2 ? "quantal" : "taste", seed % 5 == 0 ? 6 : 1.5);
        case_open(&k, text_view(&text));
        if (case_solve(&k)) {
            for (int pick = 0; pick < 3; pick++) {
                DurError error = {0};
                Reasons reasons;
                // at the start, which may lie between nodes, and at nodes
                if (pick) random_node(&k, &r, k.state);
                CHECK_OK(reasons_make(&reasons, k.solution.policy, k.state, -1, NULL, NULL, &error));
                for (int32_t i = 0; i < reasons.n_reason; i++, n_reason++) {
                    const Reason *reason = &reasons.reason[i];
                    double off = fabs(sum_of(&reasons, reason) - reason->advantage);
                    worst = off > worst ? off : worst;
                    off = fabs(reason->solved - reason->advantage);
                    if (off > 1e-9) print_message("seed %d pick %d move %d: solved %.12g exact %.12g sum %.12g residual %g\n", (int)seed, pick, reason->jump, reason->solved, reason->advantage, sum_of(&reasons, reason), reason->residual);
                    worst_solved = off > worst_solved ? off : worst_solved;
                }
                reasons_free(&reasons);
            }
        }
        case_close(&k);
        text_free(&text);
    }
    CHECK(n_reason > 200);
    CHECK_NEAR(worst, 0, 1e-11);
    CHECK_NEAR(worst_solved, 0, 1e-9);
}

TEST(with_private_types_too_the_parts_of_every_types_advantage_add_up_to_it) {
    int n_reason = 0, n_belief = 0;
    double worst = 0, worst_solved = 0;
    for (uint64_t seed = 1; seed <= 24; seed++) {
        Text text = {0};
        Case k;
        random_types(&text, seed, seed % 4 == 0 ? "taste" : "quantal", 0.7, 0.5);
        case_open(&k, text_view(&text));
        GameOptions options = {.tolerance = 1e-12, .skip_certificate = true};
        solved(&k.solution, &k, &options);
        double level[MODEL_VARIABLES_MAX];
        RandomScenario r = {.bits = seed * 77};
        for (int pick = 0; pick < 2; pick++) {
            DurError error = {0};
            Reasons reasons;
            int32_t node[MODEL_VARIABLES_MAX];
            lattice_nodes(k.lattice, rs_pick(&r, (int)k.lattice->n_state), node);
            lattice_levels(k.lattice, node, level);
            CHECK_OK(reasons_make(&reasons, k.solution.policy, level, -1, NULL, NULL, &error));
            for (int32_t i = 0; i < reasons.n_reason; i++, n_reason++) {
                const Reason *reason = &reasons.reason[i];
                int32_t type;
                assert_int_equal(model_row_actor(k.model, reason->row, &type), reason->actor);
                assert_int_equal(type, reason->type);
                CHECK(reason->is_solved);
                worst = fmax(worst, fabs(sum_of(&reasons, reason) - reason->advantage));
                worst_solved = fmax(worst_solved, fabs(reason->solved - reason->advantage));
                for (int32_t c = 0; c < reasons.n_channel; c++)
                    for (int32_t p = 0; p < reasons.n_part[reason->actor]; p++)
                        n_belief += reasons.channel[reason->actor][c].kind == CHANNEL_BELIEF &&
                                    fabs(reason->split[p * reasons.n_channel + c]) > 1e-9;
            }
            reasons_free(&reasons);
        }
        case_close(&k);
        text_free(&text);
    }
    print_message("%d moves of types, parts off by %.2g, %d entries carried by silence\n", n_reason, worst, n_belief);
    CHECK(n_reason > 100);
    CHECK(n_belief > 20);
    CHECK_NEAR(worst, 0, 1e-11);
    CHECK_NEAR(worst_solved, 0, 1e-8);
}

TEST(each_channel_carries_what_the_closed_form_says) {
    // All choices are coin tosses (precision 0), so all is linear. While off, a turns on at rate L = 1/2; on ends by an
    // event at rate r = 0.3 or by b at rate B = 1/4; x falls by 20 % a month. Of a flow u while on, with T = 1/(rho + r + B)
    // the discounted time on and D = L/(rho + L) the discount until a later own move:
    //     now u/rho, event -r T (1-D) u/rho, b -B T (1-D) u/rho, own -D u/rho.
    // A flow w x while on is the same with d = 0.2 added to rho in T and D, and drift carries -d T (1-D) w x/rho.
    Case k;
    case_open(&k, "scenario \"split\" { clock continuous unit month }\n"
                  "actor a { patience 10 month precision 0 attends 1 per month }\n"
                  "actor b { patience 5 month precision 0 attends 0.5 per month }\n"
                  "mode m of nature { off, on, gone }\n"
                  "stock x { range 0..1 grid 6 start 0.8 drift -0.2*x }\n"
                  "event end { when m == on rate 0.3 per month pays a 0.7 then m = gone }\n"
                  "move go of a { when m == off cost 1.5 then m = on }\n"
                  "move stop of b { when m == on then m = gone }\n"
                  "payoff a { keep 2*[m == on]\n rent 3*x*[m == on] }\n"
                  "payoff b { keep 0*x }\n");
    CHECK(case_solve(&k));
    DurError error = {0};
    Reasons r;
    CHECK_OK(reasons_make(&r, k.solution.policy, k.state, 0, NULL, NULL, &error));
    assert_int_equal(r.n_reason, 1);
    const Reason *go = reason_of(&r, "go");
    double rho = 0.1, L = 0.5, end = 0.3, B = 0.25, d = 0.2;
    double T = 1 / (rho + end + B), D = L / (rho + L), u = 2 / rho;
    CHECK_NEAR(entry(&r, go, "keep", "now"), u, 1e-11);
    CHECK_NEAR(entry(&r, go, "keep", "x"), 0, 1e-11);
    CHECK_NEAR(entry(&r, go, "keep", "end"), -end * T * (1 - D) * u, 1e-11);
    CHECK_NEAR(entry(&r, go, "keep", "stop"), -B * T * (1 - D) * u, 1e-11);
    CHECK_NEAR(entry(&r, go, "keep", "go"), -D * u, 1e-11);
    double S = 1 / (rho + d + end + B), E = L / (rho + d + L), w = 3 * 0.8 / rho;
    CHECK_NEAR(entry(&r, go, "rent", "now"), w, 1e-11);
    CHECK_NEAR(entry(&r, go, "rent", "x"), -d * S * (1 - E) * w, 1e-11);
    CHECK_NEAR(entry(&r, go, "rent", "end"), -end * S * (1 - E) * w, 1e-11);
    CHECK_NEAR(entry(&r, go, "rent", "stop"), -B * S * (1 - E) * w, 1e-11);
    CHECK_NEAR(entry(&r, go, "rent", "go"), -E * w, 1e-11);
    // lumps: the move's own cost now, and spared later; what the event pays, carried by the event
    CHECK_NEAR(entry(&r, go, "go", "now"), -1.5, 1e-12);
    CHECK_NEAR(entry(&r, go, "go", "go"), 1.5 * D, 1e-11);
    CHECK_NEAR(entry(&r, go, "end", "end"), 0.7 * end * T * (1 - D), 1e-11);
    CHECK_NEAR(entry(&r, go, "end", "now"), 0, 1e-15);
    CHECK_NEAR(go->probability, 0.5, 1e-15);
    reasons_free(&r);
    case_close(&k);
}

TEST(under_taste_an_actor_that_gains_from_shocks_alone_is_told_so) {
    // nothing pays; in `free` there are two moves to pick from, in `bound` one: all that free is worth more are its shocks
    Case k;
    case_open(&k, "scenario \"shocks\" { clock continuous unit month choice taste }\n"
                  "actor a { patience 10 month precision 2 attends 1 per month }\n"
                  "mode m of a { bound, free }\n"
                  "move leave of a { when m == bound then m = free }\n"
                  "move dance of a { when m == free then m = free }\n"
                  "move sing of a { when m == free then m = free }\n"
                  "payoff a { nothing 0*[m == free] }\n");
    CHECK(case_solve(&k));
    DurError error = {0};
    Reasons r;
    CHECK_OK(reasons_make(&r, k.solution.policy, k.state, 0, NULL, NULL, &error));
    const Reason *leave = reason_of(&r, "leave");
    CHECK(leave->advantage > 0.1);
    CHECK_NEAR(entry(&r, leave, "shocks", "opportunities"), leave->advantage, 1e-12);
    // V(free) = log(3)/(mu rho) by hand
    CHECK_NEAR(k.solution.policy->value[1], log(3) / 2 / 0.1, 1e-10);
    reasons_free(&r);
    case_close(&k);
}

TEST(reasons_and_derivatives_are_the_same_bits_on_any_number_of_threads) {
    Text text = {0};
    Case k;
    random_scenario(&text, 4, "quantal", 2);
    text_append(&text, "param unused = 3\n");
    case_open(&k, text_view(&text));
    CHECK(case_solve(&k));
    check_threads(&k, 1);
    case_close(&k);
    text_free(&text);
}

// ---- derivatives ----

static double resolved(const Case *k, int32_t param, double h, const double *state, const AdjointTarget *t) {
    double p[64], value[64], choice[256], wait[64];
    memcpy(p, k->param, sizeof p);
    p[param] += h;
    Lattice *l;
    DurError error = {0};
    GameSolution s;
    CHECK_OK(lattice_make(&l, k->model, p, &error));
    GameOptions options = {.tolerance = 1e-14, .warm = k->solution.policy->value, .skip_certificate = true};
    CHECK_OK(game_solve(&s, l, &options, NULL, &error));
    double out = NAN;
    if (s.certificate.residual < 1e-11) {
        CHECK_OK(game_at(s.policy, state, value, choice, wait, &error));
        out = t->jump < 0 ? value[t->actor] : choice[t->jump];
    }
    game_free(&s);
    lattice_free(l);
    return out;
}

TEST(derivatives_of_values_and_choices_are_those_of_complete_re_solves) {
    static const char *const swap[][2] = {
        {" precision ", " precision k0*"}, {" rate ", " rate k1*"}, {" cost ", " cost k2*"}, {" drift ", " drift k3*"},
        {" attends ", " attends k4*"}, {" flow ", " flow k5*"}, {" patience ", " patience k6*"}, {" += 0.", " += k7*0."},
    };
    int n_compared = 0, n_kink = 0;
    double worst = 0;
    for (uint64_t seed = 1; seed <= 24; seed++) {
        Text text = {0}, woven = {0};
        Case k;
        RandomScenario r = {.bits = seed * 991};
        random_scenario(&text, seed, seed % 2 ? "quantal" : "taste", seed % 3 == 0 ? 4 : 1.5);
        for (int p = 0; p < 8; p++) text_printf(&woven, "param k%d = 1\n", p);
        weave(&text, &woven, swap, 8);
        case_open(&k, text_view(&woven));
        if (case_solve(&k)) {
            DurError error = {0};
            AdjointTarget target[65];
            int32_t n = 0;
            if (seed % 2) random_node(&k, &r, k.state);
            double value[64], choice[256], wait[64];
            CHECK_OK(game_at(k.solution.policy, k.state, value, choice, wait, &error));
            for (int32_t a = 0; a < k.model->n_actor; a++) target[n++] = (AdjointTarget){.actor = a, .jump = -1};
            for (int32_t j = 0; j < k.model->n_jump && n < 6; j++)
                if (isfinite(choice[j])) target[n++] = (AdjointTarget){.actor = k.model->jump[j].actor, .jump = j};
            Adjoint a;
            CHECK_OK(adjoint_make(&a, k.solution.policy, k.state, n, target, NULL, NULL, &error));
            for (int32_t t = 0; t < n; t++) {
                CHECK(target[t].is_solved);
                CHECK_NEAR(target[t].now, target[t].jump < 0 ? value[target[t].actor] : choice[target[t].jump], 1e-12);
                for (int32_t p = 0; p < k.model->n_param; p++) {
                    int32_t at = t * k.model->n_param + p;
                    double scale = fabs(a.left[at]) + fabs(a.right[at]) + 1e-3;
                    if (fabs(a.left[at] - a.right[at]) > 1e-2 * scale) { n_kink++; continue; }
                    // central difference with its error of third order taken out
                    double h = 1e-4, wide = 2 * h;
                    double d1 = (resolved(&k, p, h, k.state, &target[t]) - resolved(&k, p, -h, k.state, &target[t])) / (2 * h);
                    double d2 = (resolved(&k, p, wide, k.state, &target[t]) - resolved(&k, p, -wide, k.state, &target[t])) / (2 * wide);
                    double d = (4 * d1 - d2) / 3, off = fabs(d - a.derivative[at]) / scale;
                    if (isnan(d)) continue;
                    if (!(off <= 1e-5))
                        fail_msg("seed %llu target %d of actor %d, k%d: adjoint %.9g, re-solves %.9g and %.9g (left %.9g right %.9g)",
                                 (unsigned long long)seed, target[t].jump, target[t].actor, p, a.derivative[at], d1, d2, a.left[at], a.right[at]);
                    worst = off > worst ? off : worst;
                    n_compared++;
                }
            }
            adjoint_free(&a);
        }
        case_close(&k);
        text_free(&text);
        text_free(&woven);
    }
    print_message("%d derivatives compared, largest relative difference %.2g; %d at a kink\n", n_compared, worst, n_kink);
    CHECK(n_compared > 400);
    CHECK(n_kink < n_compared / 10);
}

// a sender with one or two types; %s: its private type, and what its attack costs it
static const char *const SENDER =
    "scenario \"sender\" { clock continuous  unit month }\n"
    "param edge = 1.2\nparam gain = 0.8 { prior lognormal(log(0.8), 0.3) }\nparam pain = 0.6\nparam often = 1.1\n"
    "actor sender { patience 10 month  precision edge  attends 1.3 per month }\n"
    "actor target { patience 8 month  precision 2  attends often per month }\n"
    "%s\n"
    "mode threat of sender { quiet, made }\nmode stance of target { firm, yielded }\nmode war of nature { no, yes }\n"
    "stock heat { range 0..1 grid 4 start 0.4 drift 0.2*[threat == made]*(1 - heat) - 0.1*heat }\n"
    "event calm { when war == yes  rate 0.2 per month  then war = no }\n"
    "move threaten of sender { when threat == quiet  cost 0.1  then threat = made }\n"
    "move retreat of sender { when threat == made  cost 0.3  then threat = quiet, heat -= 0.2 }\n"
    "move attack of sender { when threat == made and war == no  cost %s  then war = yes, heat += 0.3 }\n"
    "move yield of target { when stance == firm  cost 0.1  pays sender 0.2  then stance = yielded }\n"
    "move recant of target { when stance == yielded  cost 0.2  then stance = firm }\n"
    "payoff sender { gain gain*[stance == yielded]\n heat -0.1*heat\n }\n"
    "payoff target { loss -pain*[stance == yielded]\n fear -2*[war == yes]*(0.5 + heat) }\n";

static void sender_open(Case *k, const char *private, const char *cost) {
    char text[4096];
    snprintf(text, sizeof text, SENDER, private, cost);
    case_open(k, text);
    CHECK(case_solve(k));
    for (int32_t v = 0; v < k->model->n_belief; v++) k->state[k->model->n_mode + k->model->n_stock + v] = 0.4;
}

// every value and every choice of every type, at the state at hand
static int32_t all_targets(const Case *k, AdjointTarget *target) {
    int32_t n = 0;
    for (int32_t a = 0; a < k->model->n_actor; a++)
        for (int32_t t = 0; t < model_types(k->model, a); t++) {
            target[n++] = (AdjointTarget){.actor = a, .type = t, .jump = -1};
            for (int32_t j = 0; j < k->model->n_jump; j++)
                if (model_is_move_of(k->model, j, a)) target[n++] = (AdjointTarget){.actor = a, .type = t, .jump = j};
        }
    return n;
}

// two roads: a system turned round, and solves beside one another
TEST(derivatives_where_types_are_alike_are_those_of_the_game_without_types) {
    Case plain, typed;
    sender_open(&plain, "", "0.8");
    sender_open(&typed, "private nerve of sender { weak, strong } { belief 0.4  grid 3 }", "0.8");
    AdjointTarget one[32], two[32];
    Adjoint a, b;
    DurError error = {0};
    int32_t n = all_targets(&plain, one), n_typed = all_targets(&typed, two), n_compared = 0;
    CHECK(n_typed > n);
    CHECK_OK(adjoint_make(&a, plain.solution.policy, plain.state, n, one, NULL, NULL, &error));
    CHECK_OK(adjoint_make(&b, typed.solution.policy, typed.state, n_typed, two, NULL, NULL, &error));
    for (int32_t t = 0; t < n_typed; t++)
        for (int32_t u = 0; u < n; u++) {
            if (one[u].actor != two[t].actor || one[u].jump != two[t].jump) continue;
            CHECK(two[t].is_solved);
            CHECK_NEAR(two[t].now, one[u].now, 1e-9);
            for (int32_t p = 0; p < plain.model->n_param; p++, n_compared++)
                CHECK_NEAR(b.derivative[t * b.n_param + p], a.derivative[u * a.n_param + p], 1e-5 * (0.1 + fabs(a.derivative[u * a.n_param + p])));
        }
    CHECK(n_compared == 4 * n_typed);
    adjoint_free(&a);
    adjoint_free(&b);
    case_close(&plain);
    case_close(&typed);
}

static double found_anew(const Case *k, int32_t param, double value, const AdjointTarget *t) {
    double p[64], at[MODEL_VARIABLES_MAX], v[64], choice[64 * 64], wait[64], belief[64 * MODEL_TYPES_MAX], mean[64], mean_wait[64];
    memcpy(p, k->param, sizeof p);
    memcpy(at, k->state, sizeof k->state);
    p[param] = value;
    Lattice *l;
    DurError error = {0};
    GameSolution s;
    CHECK_OK(lattice_make(&l, k->model, p, &error));
    CHECK_OK(game_solve(&s, l, &(GameOptions){.tolerance = 1e-12, .skip_certificate = true}, NULL, &error));
    CHECK(s.verdict == GAME_CONVERGED);
    CHECK_OK(game_at(s.policy, at, v, mean, mean_wait, &error));
    CHECK_OK(game_types_at(s.policy, at, choice, wait, belief, &error));
    int32_t row = model_row(k->model, t->actor) + t->type;
    double out = t->jump < 0 ? v[row] : choice[row * k->model->n_jump + t->jump];
    game_free(&s);
    lattice_free(l);
    return out;
}

TEST(derivatives_with_private_types_are_those_of_games_solved_from_nothing) {
    Case k;
    sender_open(&k, "private nerve of sender { weak, strong } { belief 0.4  grid 5 }", "by nerve { weak 2, strong 0.3 }");
    DurError error = {0};
    AdjointTarget target[32];
    Adjoint a;
    int32_t n = all_targets(&k, target), n_apart = 0, n_seen = 0;
    CHECK_OK(adjoint_make(&a, k.solution.policy, k.state, n, target, NULL, NULL, &error));
    for (int32_t t = 0; t < n; t++) {
        if (target[t].jump >= 0 && !(target[t].now > 0)) continue;   // not available here
        for (int32_t p = 0; p < k.model->n_param; p++) {
            double h = 2e-3 * k.param[p], up = found_anew(&k, p, k.param[p] + h, &target[t]),
                   down = found_anew(&k, p, k.param[p] - h, &target[t]), d = (up - down) / (2 * h);
            CHECK_NEAR(a.derivative[t * a.n_param + p], d, 2e-4 * (0.05 + fabs(d)));
            // types answer differently
            if (target[t].actor == 0 && target[t].type == 0 && target[t].jump < 0)
                n_apart += fabs(d - a.derivative[(t + 4) * a.n_param + p]) > 0.05 * fabs(d);
            n_seen++;
        }
    }
    print_message("%d compared, %d differ between types\n", n_seen, n_apart);
    CHECK(n_seen >= 20 && n_apart >= 1);
    check_threads(&k, 1);
    check_memory(&k, 1, &(AdjointTarget){.actor = 0, .type = 1, .jump = -1});
    adjoint_free(&a);
    case_close(&k);
}

TEST(a_value_that_is_linear_in_a_param_has_its_factor_as_derivative) {   // V = w x/(rho + delta)
    Case k;
    case_open(&k, "scenario \"line\" { clock continuous unit month }\n"
                  "param w = 2 { prior lognormal(log(2), 0.3) }\n"
                  "param delta = 0.3\n"
                  "actor a { patience 20 month precision 1 attends 0 per month }\n"
                  "stock x { range 0..1 grid 5 start 0.5 drift -delta*x }\n"
                  "payoff a { flow w*x }\n");
    CHECK(case_solve(&k));
    DurError error = {0};
    AdjointTarget t = {.actor = 0, .jump = -1};
    Adjoint a;
    CHECK_OK(adjoint_make(&a, k.solution.policy, k.state, 1, &t, NULL, NULL, &error));
    CHECK_NEAR(t.now, 2 * 0.5 / 0.35, 1e-11);
    CHECK_NEAR(a.derivative[0], 0.5 / 0.35, 1e-9);
    CHECK_NEAR(a.derivative[1], -2 * 0.5 / 0.35 / 0.35, 1e-8);
    CHECK_NEAR(adjoint_step(&k.model->param[0], 2), 2 * exp(0.045) * sqrt(exp(0.09) - 1), 1e-12);
    CHECK_NEAR(adjoint_step(&k.model->param[1], 0.3), 0.03, 1e-15);
    adjoint_free(&a);
    case_close(&k);
}

TEST(a_param_at_the_edge_of_what_is_allowed_is_moved_to_one_side) {
    Case k;
    case_open(&k, "scenario \"edge\" { clock continuous unit month }\n"
                  "param often = 0\n"
                  "actor a { patience 20 month precision 1 attends 0 per month }\n"
                  "mode m of nature { on, off }\n"
                  "event end { when m == on rate often per month then m = off }\n"
                  "payoff a { flow [m == on] }\n");
    CHECK(case_solve(&k));
    DurError error = {0};
    AdjointTarget t = {.actor = 0, .jump = -1};
    Adjoint a;
    CHECK_OK(adjoint_make(&a, k.solution.policy, k.state, 1, &t, NULL, NULL, &error));
    // V = 1/(rho + often): slope -1/rho^2 at 0; below 0 there is no game
    CHECK(isnan(a.left[0]));
    CHECK_NEAR(a.derivative[0], -400, 1e-6);
    adjoint_free(&a);
    case_close(&k);
}

// ---- where minds change ----

typedef struct Opinion { int32_t best; double advantage[256]; bool open[256]; } Opinion;

// what an actor thinks at a level of a stock, taken straight from the model and the solved values
static Opinion opinion(const Case *k, int32_t actor, int32_t stock, double level) {
    const Model *m = k->model;
    const Policy *p = k->solution.policy;
    double state[64], weight[4096], most = 0;
    int64_t corner[4096];
    Opinion out = {.best = -1};
    memcpy(state, k->state, sizeof state);
    state[m->n_mode + stock] = level;
    int32_t n = lattice_split(k->lattice, state, corner, weight);
    for (int32_t j = 0; j < m->n_jump; j++) {
        if (m->jump[j].kind != JUMP_MOVE || m->jump[j].actor != actor) continue;
        out.open[j] = m->jump[j].when == PROGRAM_NONE || eval_state(m, m->jump[j].when, state, k->param, NULL, NULL) != 0;
        for (int32_t c = 0; c < n; c++) out.advantage[j] += weight[c] * policy_advantage(p, j, corner[c]);
        if (out.open[j] && out.advantage[j] > most) { most = out.advantage[j]; out.best = j; }
    }
    return out;
}

TEST(minds_change_where_it_is_said_and_nowhere_before) {
    enum { MOST = 40, STEPS = 400 };
    static MindChange change[3 * 3 * MOST];
    int n_change = 0, n_silent = 0;
    for (uint64_t seed = 1; seed <= 80; seed++) {
        Text text = {0};
        Case k;
        RandomScenario r = {.bits = seed * 31};
        random_scenario(&text, seed, seed % 3 ? "quantal" : "taste", 1.5);
        case_open(&k, text_view(&text));
        if (k.model->n_stock && case_solve(&k)) {
            DurError error = {0};
            int32_t n;
            if (seed % 2) random_node(&k, &r, k.state);
            CHECK_OK(reasons_changes(k.solution.policy, k.state, -1, MOST, 1e-10, change, &n, &error));
            for (int32_t i = 0; i < n; i++, n_change++) {
                const MindChange *c = &change[i];
                if (i) CHECK(c->actor > c[-1].actor || (c->actor == c[-1].actor && c->distance >= c[-1].distance));
                double away = c->at > c->from ? 1e-7 : c->at < c->from ? -1e-7 : 0;
                if (away == 0) continue;
                Opinion near = opinion(&k, c->actor, c->stock, c->at - away), far = opinion(&k, c->actor, c->stock, c->at + away);
                if (c->jump >= 0) {
                    CHECK((near.advantage[c->jump] < 0) == c->is_gain);
                    CHECK((far.advantage[c->jump] > 0) == c->is_gain);
                } else {
                    assert_int_equal(near.best, c->before);
                    assert_int_equal(far.best, c->after);
                    CHECK(c->before != c->after);
                }
            }
            // nothing was passed over: looked at in small steps, the best option is the same up to the first change told
            for (int32_t a = 0; a < k.model->n_actor; a++)
                for (int32_t q = 0; q < k.model->n_stock; q++)
                    for (int side = -1; side <= 1; side += 2) {
                        double from = k.state[k.model->n_mode + q], first = 2;
                        for (int32_t i = 0; i < n; i++)
                            if (change[i].actor == a && change[i].stock == q && side * (change[i].at - from) >= 0 &&
                                change[i].distance < first) first = change[i].distance;
                        Opinion here = opinion(&k, a, q, from);
                        for (int step = 1; step <= STEPS; step++) {
                            double to = from + side * (double)step / STEPS;
                            if (to < 0 || to > 1 || fabs(to - from) >= first - 1e-6) break;
                            Opinion there = opinion(&k, a, q, to);
                            assert_int_equal(there.best, here.best);
                            n_silent++;
                        }
                    }
        }
        case_close(&k);
        text_free(&text);
    }
    CHECK(n_change > 30);
    CHECK(n_silent > 1000);
}

TEST(a_mind_changes_at_the_crossing_and_at_the_limit_of_a_guard) {
    // nobody attends, so V = (x - 0.3)/rho on and 0 off, and switching on is worth that; it is allowed from x = 0.45 on
    Case k;
    case_open(&k, "scenario \"cross\" { clock continuous unit month }\n"
                  "actor a { patience 10 month precision 1 attends 0 per month }\n"
                  "mode m of a { off, on }\n"
                  "stock x { range 0..1 grid 4 start 0.9 }\n"
                  "stock y { range 0..1 grid 4 start 0.9 }\n"
                  "move go of a { when m == off and y >= 0.45 then m = on }\n"
                  "payoff a { flow (x - 0.3)*[m == on] }\n");
    CHECK(case_solve(&k));
    DurError error = {0};
    MindChange change[8];
    int32_t n;
    CHECK_OK(reasons_changes(k.solution.policy, k.state, 0, 3, 1e-10, change, &n, &error));
    assert_int_equal(n, 2);
    // nearest first: y falls below its limit at 0.45, x below 0.3
    assert_int_equal(change[0].stock, 1);
    CHECK_NEAR(change[0].at, 0.45, 1e-12);
    CHECK(change[0].before == 0 && change[0].after == -1 && change[0].jump == -1);
    assert_int_equal(change[1].stock, 0);
    CHECK_NEAR(change[1].at, 0.3, 1e-12);
    CHECK(change[1].jump == 0 && !change[1].is_gain);
    case_close(&k);
}

// ---- memory ----

TEST(when_memory_runs_out_at_any_point_it_is_said_and_nothing_is_left) {
    Text text = {0};
    Case k;
    random_scenario(&text, 9, "taste", 1.5);
    text_append(&text, "param unused = 3\n");
    case_open(&k, text_view(&text));
    CHECK(case_solve(&k));
    check_memory(&k, 1, &(AdjointTarget){.actor = 0, .jump = -1});
    MindChange change[64];
    int32_t n;
    for (int64_t at = 1;; at++) {
        DurError error = {0};
        memory_fail_at(at);
        DurStatus status = reasons_changes(k.solution.policy, k.state, -1, 1, 1e-9, change, &n, &error);
        int64_t asked = memory_fail_at(0);
        if (status == DUR_OK) { CHECK(asked < at); break; }
        assert_int_equal(status, DUR_MEMORY);
    }
    case_close(&k);
    text_free(&text);
}

static bool after(void *left) { return --*(int *)left < 0; }

TEST(writing_out_where_states_are_reached_from_can_be_stopped_at_any_asking) {
    Case k = {0};
    Transposed t;
    case_open(&k, "scenario \"large\" { clock continuous  unit month }\nactor a { patience 12 month  precision 2  attends 1 per month }\n"
                  "stock x { range 0..1  grid 4000  start 0.5  drift -0.1*x }\nmode m of a { off, on }\nmove go of a { when m == off  then m = on }\n"
                  "payoff a { good x }\n");
    DurError error = {0};
    CHECK_OK(game_solve(&k.solution, k.lattice, &(GameOptions){.skip_certificate = true}, NULL, &error));
    int left = 1000;
    CHECK_OK(transposed_make(&t, k.solution.policy, -1, NULL, after, &left));
    transposed_free(&t);
    // every four thousand states, as they are listed and as they are turned round
    int n_asked = 1000 - left;
    CHECK(n_asked >= 4 && n_asked >= 2 * k.lattice->n_state / 4096);
    for (int stop = 0; stop < n_asked; stop++) {
        left = stop;
        assert_int_equal(transposed_make(&t, k.solution.policy, -1, NULL, after, &left), DUR_INTERRUPTED);
    }
    case_close(&k);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        RUN(the_parts_of_every_advantage_add_up_to_it_on_random_games),
        RUN(with_private_types_too_the_parts_of_every_types_advantage_add_up_to_it),
        RUN(each_channel_carries_what_the_closed_form_says),
        RUN(writing_out_where_states_are_reached_from_can_be_stopped_at_any_asking),
        RUN(under_taste_an_actor_that_gains_from_shocks_alone_is_told_so),
        RUN(reasons_and_derivatives_are_the_same_bits_on_any_number_of_threads),
        RUN(derivatives_of_values_and_choices_are_those_of_complete_re_solves),
        RUN(derivatives_where_types_are_alike_are_those_of_the_game_without_types),
        RUN(derivatives_with_private_types_are_those_of_games_solved_from_nothing),
        RUN(a_value_that_is_linear_in_a_param_has_its_factor_as_derivative),
        RUN(a_param_at_the_edge_of_what_is_allowed_is_moved_to_one_side),
        RUN(minds_change_where_it_is_said_and_nowhere_before),
        RUN(a_mind_changes_at_the_crossing_and_at_the_limit_of_a_guard),
        RUN(when_memory_runs_out_at_any_point_it_is_said_and_nothing_is_left),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
