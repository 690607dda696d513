#include "../random_rounds.h"
#include "reasons_case.h"

#include "base/memory.h"
#include "lattice/round.h"
#include "num/linear.h"

// ---- making things ----

// false if the game has no solution to look at
static bool case_solve(Case *k) {
    DurError error = {0};
    GameOptions options = {.tolerance = 1e-12, .skip_certificate = true};
    if (game_solve(&k->solution, k->lattice, &options, NULL, &error) != DUR_OK) fail_msg("%s", error.text);
    return k->solution.verdict == GAME_CONVERGED;
}

// ---- the split ----

TEST(in_rounds_the_parts_of_every_advantage_add_up_to_it) {
    int n_reason = 0, n_game = 0;
    double worst = 0, worst_solved = 0;
    for (uint64_t seed = 1; seed <= 80; seed++) {
        Text text = {0};
        Case k;
        RandomScenario r = {.bits = seed * 77};
        random_rounds(&text, seed, seed % 2 ? "quantal" : "taste", seed % 5 == 0 ? 6 : 1.5);
        case_open(&k, text_view(&text));
        if (case_solve(&k)) {
            n_game++;
            for (int pick = 0; pick < 3; pick++) {
                DurError error = {0};
                Reasons reasons;
                // at the start, which may lie between nodes, and at nodes
                if (pick) random_node(&k, &r, k.state);
                CHECK_OK(reasons_make(&reasons, k.solution.policy, k.state, -1, NULL, NULL, &error));
                for (int32_t i = 0; i < reasons.n_reason; i++, n_reason++) {
                    const Reason *reason = &reasons.reason[i];
                    CHECK(reason->is_solved);
                    double sum = 0;
                    for (int32_t q = 0; q < reasons.n_part[reason->actor] * reasons.n_channel; q++) sum += reason->split[q];
                    double off = fabs(reason->solved - reason->advantage);
                    if (fabs(sum - reason->advantage) > 1e-10 || off > 1e-9)
                        print_message("seed %d pick %d move %s: solved %.12g exact %.12g sum %.12g residual %g\n", (int)seed, pick,
                                      k.model->jump[reason->jump].name, reason->solved, reason->advantage, sum, reason->residual);
                    worst = fmax(worst, fabs(sum - reason->advantage));
                    worst_solved = fmax(worst_solved, off);
                }
                reasons_free(&reasons);
            }
        }
        case_close(&k);
        text_free(&text);
    }
    print_message("%d moves in %d games: parts off by %.2g, advantages by %.2g\n", n_reason, n_game, worst, worst_solved);
    CHECK(n_reason > 300);
    CHECK_NEAR(worst, 0, 1e-10);
    CHECK_NEAR(worst_solved, 0, 1e-9);
}

TEST(in_rounds_each_channel_carries_what_the_closed_form_says) {
    // All choices are coin tosses. While off, a turns on with chance 1/2 a round; on ends by b's move, chance 1/2 at the beginning
    // of a round, or by an event at its end, chance 0.3; then x loses a fifth. With d = 0.9 f, f what is left of the flow each round
    // (1, or 0.8 for one in x), on lasts O = 1/(1 - 0.7 d/2), off N = 1/(1 - d/2), on begun later F = N O d/2, all discounted.
    Case k;
    case_open(&k, "scenario \"split\" { clock rounds }\n"
                  "actor a { discount 0.9 precision 0 }\n"
                  "actor b { discount 0.5 precision 0 }\n"
                  "mode m of nature { off, on, gone }\n"
                  "stock x { range 0..1 grid 6 start 0.8 change -0.2*x }\n"
                  "event end { when m == on chance 0.3 pays a 0.7 then m = gone }\n"
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
    static const char *const term[2] = {"keep", "rent"};
    const double stays[2] = {2 / 0.1, 3 * 0.8 / 0.1}, left[2] = {1, 0.8};
    for (int t = 0; t < 2; t++) {
        double b = 0.9, d = b * left[t], O = 1 / (1 - 0.35 * d), N = 1 / (1 - d / 2), on = O - N * O * d / 2, u = stays[t];
        CHECK_NEAR(entry(&r, go, term[t], "now"), u, 1e-11);
        CHECK_NEAR(entry(&r, go, term[t], "end"), -0.3 * b * on * u, 1e-11);
        CHECK_NEAR(entry(&r, go, term[t], "x"), -0.7 * b * (1 - left[t]) * on * u, 1e-11);
        CHECK_NEAR(entry(&r, go, term[t], "stop"), -0.35 * d * on * u, 1e-11);
        CHECK_NEAR(entry(&r, go, term[t], "go"), -d / 2 * N * u, 1e-11);
        // lumps: the move's own cost now, and spared later; what the event pays, carried by the event
        if (t > 0) continue;
        CHECK_NEAR(entry(&r, go, "go", "now"), -1.5, 1e-12);
        CHECK_NEAR(entry(&r, go, "go", "go"), 1.5 * d / 2 * N, 1e-11);
        CHECK_NEAR(entry(&r, go, "end", "end"), 0.7 * 0.3 * on, 1e-11);
        CHECK_NEAR(entry(&r, go, "end", "now"), 0, 1e-15);
    }
    CHECK_NEAR(go->probability, 0.5, 1e-15);
    reasons_free(&r);
    case_close(&k);
}

TEST(what_is_done_at_the_same_time_counts_as_a_reply_and_what_was_done_before_does_not) {
    // worth 1 if both do it and -1/2 for doing it, once: done alone it is the step itself, the rest is that the other may do it too
    for (int has_order = 0; has_order < 2; has_order++) {
        Case k;
        Text text = {0};
        text_printf(&text, "scenario \"together\" { clock rounds %s }\n", has_order ? "order b then a" : "");
        text_append(&text, "actor a { discount 0 precision 2 }\nactor b { discount 0 precision 3 }\n"
                           "mode am of a { x, y }\nmode bm of b { x, y }\nmove go_a of a { then am = y }\n"
                           "move go_b of b { then bm = y }\npayoff a { both [am == y and bm == y]\n alone -0.5*[am == y] }\n"
                           "payoff b { both [am == y and bm == y] - 0.5*[bm == y] }\n");
        case_open(&k, text_view(&text));
        CHECK(case_solve(&k));
        DurError error = {0};
        Reasons r;
        CHECK_OK(reasons_make(&r, k.solution.policy, k.state, -1, NULL, NULL, &error));
        const Reason *a = reason_of(&r, "go_a"), *b = reason_of(&r, "go_b");
        CHECK_NEAR(entry(&r, a, "alone", "now"), -0.5, 1e-12);
        CHECK_NEAR(entry(&r, a, "alone", "go_b"), 0, 1e-12);
        CHECK_NEAR(entry(&r, a, "both", "now"), 0, 1e-12);
        CHECK_NEAR(entry(&r, a, "both", "go_b"), has_order ? 0 : b->probability, 1e-12);
        CHECK_NEAR(a->probability, 1 / (1 + exp(-2 * a->advantage)), 1e-12);
        // who goes first is answered in any case, by what the other does in the state that it then finds
        double after = 1 / (1 + exp(-2 * 0.5)), without = 1 / (1 + exp(2 * 0.5));
        CHECK_NEAR(entry(&r, b, "both", "go_a"), has_order ? after : a->probability, 1e-12);
        CHECK(!has_order || fabs(without - a->probability) < 1e-12);
        reasons_free(&r);
        case_close(&k);
        text_free(&text);
    }
}

TEST(in_rounds_reasons_and_derivatives_are_the_same_bits_on_any_number_of_threads) {
    Text text = {0};
    Case k;
    random_rounds(&text, 6, "taste", 2);
    text_append(&text, "param unused = 3\n");
    case_open(&k, text_view(&text));
    CHECK(case_solve(&k));
    check_threads(&k, 2);
    case_close(&k);
    text_free(&text);
}

TEST(in_rounds_when_memory_runs_out_at_any_point_it_is_said_and_nothing_is_left) {
    Text text = {0};
    Case k;
    random_rounds(&text, 9, "taste", 1.5);
    text_append(&text, "param unused = 3\n");
    case_open(&k, text_view(&text));
    CHECK(case_solve(&k));
    AdjointTarget target[2] = {{.actor = 0, .jump = -1}, {.actor = 0, .jump = 0}};
    for (int32_t j = 0; j < k.model->n_jump; j++)
        if (model_is_move_of(k.model, j, 0)) target[1].jump = j;
    check_memory(&k, 2, target);
    case_close(&k);
    text_free(&text);
}

// ---- derivatives ----

static double resolved(const Case *k, int32_t param, double h, const double *state, const AdjointTarget *t) {
    double p[64], value[64], choice[256], wait[64], out = NAN;
    memcpy(p, k->param, sizeof p);
    p[param] += h;
    Lattice *l;
    DurError error = {0};
    GameSolution s;
    CHECK_OK(lattice_make(&l, k->model, p, &error));
    GameOptions options = {.tolerance = 1e-9, .warm = k->solution.policy->value, .warm_advantage = k->solution.policy->advantage,
                           .max_sweep = 1000, .skip_certificate = true};
    CHECK_OK(game_solve(&s, l, &options, NULL, &error));
    if (s.certificate.residual < 1e-11) {
        CHECK_OK(game_at(s.policy, state, value, choice, wait, &error));
        out = t->jump < 0 ? value[t->actor] : choice[t->jump];
    }
    game_free(&s);
    lattice_free(l);
    return out;
}

TEST(in_rounds_derivatives_are_those_of_complete_re_solves) {
    static const char *const swap[][2] = {
        {" precision ", " precision k0*"}, {" chance ", " chance k1*"}, {" cost ", " cost k2*"}, {" change ", " change k3*"},
        {" attends ", " attends k4*"}, {" flow ", " flow k5*"}, {" patience ", " patience k6*"}, {" other ", " other k7*"},
    };
    int n_compared = 0, n_kink = 0, n_stage = 0, n_several = 0;
    double worst = 0;
    for (uint64_t seed = 1; seed <= 24; seed++) {
        Text text = {0}, woven = {0};
        Case k;
        RandomScenario r = {.bits = seed * 991};
        random_rounds(&text, seed, seed % 2 ? "quantal" : "taste", seed % 3 == 0 ? 4 : 1.5);
        for (int p = 0; p < 8; p++) text_printf(&woven, "param k%d = 1\n", p);
        weave(&text, &woven, swap, 8);
        // chances of 1 can't be raised
        for (char *c = strstr(woven.data, "attends k4*1.00"); c; c = strstr(c, "attends k4*1.00")) memcpy(c, "attends k4*0.90", 15);
        case_open(&k, text_view(&woven));
        if (k.lattice->n_state <= 100 && case_solve(&k)) {   // larger ones take minutes to solve again and again
            DurError error = {0};
            AdjointTarget target[65];
            int32_t n = 0;
            if (seed % 2) random_node(&k, &r, k.state);
            double value[64], choice[256], wait[64];
            CHECK_OK(game_at(k.solution.policy, k.state, value, choice, wait, &error));
            for (int32_t a = 0; a < k.model->n_actor; a++) target[n++] = (AdjointTarget){.actor = a, .jump = -1};
            for (int32_t j = 0; j < k.model->n_jump && n < 6; j++)
                if (isfinite(choice[j])) target[n++] = (AdjointTarget){.actor = k.model->jump[j].actor, .jump = j};
            n_stage += round_stages(k.model) > 1;
            n_several += round_stages(k.model) == 1 && k.model->n_actor > 1;
            Adjoint a;
            CHECK_OK(adjoint_make(&a, k.solution.policy, k.state, n, target, NULL, NULL, &error));
            for (int32_t t = 0; t < n; t++) {
                CHECK(target[t].is_solved);
                CHECK_NEAR(target[t].now, target[t].jump < 0 ? value[target[t].actor] : choice[target[t].jump], 1e-12);
                // every second param of each, so that re-solves don't take minutes
                for (int32_t p = t % 2; p < k.model->n_param; p += 2) {
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
                    worst = fmax(worst, off);
                    n_compared++;
                }
            }
            adjoint_free(&a);
        }
        case_close(&k);
        text_free(&text);
        text_free(&woven);
    }
    print_message("%d derivatives compared, largest relative difference %.2g; %d at a kink; %d games in stages, %d at once\n", n_compared,
                  worst, n_kink, n_stage, n_several);
    CHECK(n_compared > 200);
    CHECK(n_kink < n_compared / 10);
    CHECK(n_stage > 4 && n_several > 4);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        RUN(in_rounds_the_parts_of_every_advantage_add_up_to_it),
        RUN(in_rounds_each_channel_carries_what_the_closed_form_says),
        RUN(what_is_done_at_the_same_time_counts_as_a_reply_and_what_was_done_before_does_not),
        RUN(in_rounds_reasons_and_derivatives_are_the_same_bits_on_any_number_of_threads),
        RUN(in_rounds_derivatives_are_those_of_complete_re_solves),
        RUN(in_rounds_when_memory_runs_out_at_any_point_it_is_said_and_nothing_is_left),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
