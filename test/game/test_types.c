#include "../random_types.h"
#include "case.h"

#include "base/memory.h"
#include "base/sha256.h"
#include "game/certify.h"
#include "lattice/chain.h"
#include "lattice/rows.h"
#include "num/isa.h"

#include <stdlib.h>

// ---- making things ----

static double largest_difference(const double *a, const double *b, int64_t n) {
    double most = 0;
    for (int64_t i = 0; i < n; i++) most = fabs(a[i] - b[i]) > most ? fabs(a[i] - b[i]) : most;
    return most;
}

// ---- two roads ----

// a random game solved, for tests that look at many
static void random_case(Case *k, GameSolution *s, uint64_t seed, double precision, const LatticeRule *rule) {
    Text text = {0};
    random_types(&text, seed, seed % 4 == 0 ? "taste" : "quantal", precision, 0.5);
    case_open(k, text_view(&text));
    solved(s, k, &(GameOptions){.tolerance = 1e-11, .rule = rule});
    text_free(&text);
}

TEST(random_games_with_types_agree_with_the_plain_solver) {   // where choices are dull enough that there is one equilibrium
    for (uint64_t seed = 1; seed <= 57; seed++) {
        Case k = {0};
        GameSolution s;
        random_case(&k, &s, seed, 0.2, NULL);
        int64_t n = model_rows(k.model) * k.lattice->n_state, n_sweep;
        double *value = memory_column(n), residual;
        DurError error = {0};
        CHECK_OK(plain_types_solve(k.lattice, NULL, 1e-12, 20000, value, &residual, &n_sweep, &error));
        CHECK(residual <= 1e-12);
        CHECK_NEAR(largest_difference(value, s.policy->value, n), 0, 1e-7);
        CHECK(s.certificate.consistency <= 1e-9);
        memory_free(value);
        game_free(&s);
        case_close(&k);
    }
}

TEST(sharp_random_games_with_types_solve_the_plain_solvers_equations) {   // of several equilibria each may find its own
    for (uint64_t seed = 1; seed <= 57; seed++) {
        Case k = {0};
        GameSolution s;
        Text text = {0};
        random_types(&text, seed, seed % 4 == 0 ? "taste" : "quantal", 1.0, 0.5);
        case_open(&k, text_view(&text));
        DurError error = {0};
        LatticeRule rule = {.actor = -1, .precision = PROGRAM_NONE};
        if (seed % 3 == 0) CHECK_OK(lattice_rule_make(&rule, k.lattice, 0, &k.model->policy[seed % 2].phase[0], &error));
        solved(&s, &k, &(GameOptions){.tolerance = 1e-11, .rule = &rule});
        double residual;
        CHECK_OK(plain_types_residual(s.policy, &residual, &error));
        CHECK_NEAR(residual, 0, 1e-9);
        CHECK(s.certificate.residual <= 1e-10 && s.certificate.consistency <= 1e-9);
        if (getenv("TELL")) print_message("seed %d: %lld states, %d rows, sweeps %lld, plain %.1e, consistency %.1e, %s\n", (int)seed, (long long)k.lattice->n_state, model_rows(k.model), (long long)s.n_sweep, residual, s.certificate.consistency, s.note);
        game_free(&s);
        lattice_rule_free(&rule);
        case_close(&k);
        text_free(&text);
    }
}

// ---- what beliefs do ----

static int64_t random_policy_checks(uint64_t seed, double precision) {
    // the generator applied to the public belief itself: what it drifts by in silence and jumps by at moves must cancel
    Case k = {0};
    GameSolution s;
    random_case(&k, &s, seed, precision, NULL);
    const Lattice *l = k.lattice;
    const Model *m = k.model;
    double *x = memory_column(l->n_state), *y = memory_column(l->n_state);
    int64_t n_checked = 0;
    for (int32_t p = 0; p < m->n_private; p++)
        for (int32_t t = 1; t < m->private[p].n_type; t++) {
            int32_t v = m->private[p].variable;
            for (int64_t i = 0; i < l->n_state; i++) {
                int32_t node[MODEL_VARIABLES_MAX];
                lattice_nodes(l, i, node);
                x[i] = lattice_level(l, v + t - 1, node[v]);
            }
            CHECK_OK(chain_apply(s.policy, x, y, NULL));
            for (int64_t i = 0; i < l->n_state; i++) {
                double becomes = 0;
                for (int32_t b = 0; b < m->private[p].n_becomes; b++) {
                    int32_t node[MODEL_VARIABLES_MAX];
                    lattice_nodes(l, i, node);
                    becomes += lattice_table_at(l, &l->private[p].becomes[b], node) * ((m->private[p].becomes[b].type == t) - x[i]);
                }
                CHECK_NEAR(y[i], becomes, 1e-12);
                n_checked++;
            }
        }
    // rows laid out lead a belief where the tables do
    const ChainRows *rows;
    double *z = memory_column(l->n_state), most = 0;
    CHECK_OK(chain_rows(&rows, s.policy, NULL, NULL));
    for (int64_t i = 0; i < l->n_state; i++) x[i] = cos((double)i);
    CHECK_OK(chain_apply(s.policy, x, y, NULL));
    CHECK(rows && chain_rows_leave(rows, z) > 0);
    chain_rows_apply(rows, x, z, NULL);
    for (int64_t i = 0; i < l->n_state; i++) most = fmax(most, fabs(y[i]));
    for (int64_t i = 0; i < l->n_state; i++) CHECK_NEAR(y[i], z[i], 1e-12 * (1 + most));
    memory_free(z);
    memory_free(y);
    memory_free(x);
    game_free(&s);
    case_close(&k);
    return n_checked;
}

// two roads to one operator: tables multiplied anew, and rows laid out as each type expects them
TEST(rows_as_a_type_expects_them_say_what_the_tables_say_also_where_others_were_laid_out_before) {
    int64_t n_own = 0;
    for (uint64_t seed = 1; seed <= 30; seed++) {
        Case k = {0};
        GameSolution s;
        random_case(&k, &s, seed, 0.8, NULL);
        const Lattice *l = k.lattice;
        int64_t n = l->n_state;
        double *x = memory_column(n), *y = memory_column(n), *z = memory_column(n), *public = memory_column(n), most = 0;
        Team *team = team_make(3);
        ChainRows *rows = NULL, *more = NULL;
        for (int64_t i = 0; i < n; i++) x[i] = cos((double)i);
        CHECK_OK(chain_apply(s.policy, x, public, NULL));
        for (int32_t a = 0; a < k.model->n_actor; a++)
            for (int32_t t = 0; t < model_types(k.model, a); t++) {
                CHECK_OK(chain_apply_as(s.policy, a, t, x, y, NULL));
                CHECK_OK(chain_rows_lay(&rows, s.policy, a, t, NULL, NULL));
                chain_rows_apply(rows, x, z, NULL);
                for (int64_t i = 0; i < n; i++) most = fmax(most, fabs(y[i]));
                for (int64_t i = 0; i < n; i++) CHECK_NEAR(y[i], z[i], 1e-12 * (1 + most));
                n_own += largest_difference(y, public, n) > 1e-6 * most;
                // by several threads, and by a narrower vector
                CHECK_OK(chain_rows_lay(&more, s.policy, a, t, team, NULL));
                isa_force(ISA_BASE);
                chain_rows_apply(more, x, y, team);
                isa_force(ISA_COUNT);
                CHECK(memcmp(y, z, (size_t)n * sizeof *y) == 0);
            }
        chain_rows_free(more);
        chain_rows_free(rows);
        team_free(team);
        double *column[] = {x, y, z, public};
        for (int i = 0; i < 4; i++) memory_free(column[i]);
        game_free(&s);
        case_close(&k);
    }
    CHECK(n_own >= 30);
}

TEST(a_certificate_by_rows_says_what_one_by_tables_says) {
    int n_together = 0, n_regret = 0;
    for (uint64_t seed = 1; seed <= 30; seed++) {
        Case k = {0};
        GameSolution s;
        random_case(&k, &s, seed, 0.8, NULL);
        int32_t n_row = model_rows(k.model);
        double *regret = memory_column(2 * n_row);
        GameCertificate by_table = {.regret = regret}, by_rows = {.regret = regret + n_row};
        DurError error = {0};
        CHECK(certify_rows_bytes(k.lattice) > 0);
        CHECK_OK(certify(&by_table, s.policy, true, 0, NULL, NULL, &error));
        CHECK_OK(certify(&by_rows, s.policy, true, certify_rows_bytes(k.lattice), NULL, NULL, &error));
        double size = 0;
        for (int64_t i = 0; i < n_row * k.lattice->n_state; i++) size = fmax(size, fabs(s.policy->value[i]));
        CHECK(by_rows.residual == by_table.residual);
        CHECK_NEAR(by_rows.consistency, by_table.consistency, 1e-8);
        for (int32_t r = 0; r < n_row; r++) {
            CHECK_NEAR(by_rows.regret[r], by_table.regret[r], 1e-7 * size);
            n_regret += by_rows.regret[r] > 1e-3 * size;
        }
        for (int32_t p = 0; p < k.model->n_private; p++) n_together += k.model->private[p].n_becomes > 0;
        memory_free(regret);
        game_free(&s);
        case_close(&k);
    }
    CHECK(n_together >= 5 && n_regret >= 20);
}

TEST(the_mean_belief_stays_put_exactly_on_the_lattice_but_for_types_that_change) {
    int64_t n = 0;
    for (uint64_t seed = 1; seed <= 40; seed++) n += random_policy_checks(seed, 0.8);
    CHECK(n > 4000);
}

TEST(a_belief_never_moves_when_types_behave_alike) {   // to the bit: what depends on the type is multiplied by 0
    for (uint64_t seed = 1; seed <= 40; seed++) {
        Text text = {0};
        random_types(&text, seed, seed % 4 == 0 ? "taste" : "quantal", 1.0, 0.0);
        Case k = {0};
        GameSolution s;
        case_open(&k, text_view(&text));
        solved(&s, &k, NULL);
        const Model *m = k.model;
        bool changes = false;
        for (int32_t p = 0; p < m->n_private; p++) changes |= m->private[p].n_becomes > 0;
        // types that may become one another are solved at different rates, so their values agree to the tolerance only
        for (int64_t i = 0; i < s.policy->n_shift; i++)
            if (changes) CHECK_NEAR(s.policy->shift[i], 0, 1e-6);
            else CHECK(s.policy->shift[i] == 0);
        for (int64_t i = 0; i < m->n_belief * k.lattice->n_state && !changes; i++) CHECK(s.policy->drift[i] == 0);
        for (int32_t a = 0; a < m->n_actor && !changes; a++)
            for (int32_t t = 1; t < model_types(m, a); t++)
                CHECK(memcmp(s.policy->value + model_row(m, a) * k.lattice->n_state,
                             s.policy->value + (model_row(m, a) + t) * k.lattice->n_state,
                             (size_t)k.lattice->n_state * sizeof(double)) == 0);
        game_free(&s);
        case_close(&k);
        text_free(&text);
    }
}

// a bluffing and a resolved sender; `belief` and `type` fill two holes each
static const char *const SENDER =
    "scenario \"sender\" { clock continuous  unit month  choice %s }\n"
    "actor sender { patience 10 month  precision %s  attends 1.3 per month }\n"
    "actor target { patience 8 month  precision 2  attends 1 per month }\n"
    "%s\n"
    "mode threat of sender { quiet, made }\nmode stance of target { firm, yielded }\nmode war of nature { no, yes }\n"
    "stock heat { range 0..1 grid 4 start 0.4 drift 0.2*[threat == made]*(1 - heat) - 0.1*heat }\n"
    "event calm { when war == yes  rate 0.2 per month  then war = no }\n"
    "move threaten of sender { when threat == quiet  cost 0.1  then threat = made }\n"
    "move retreat of sender { when threat == made  cost 0.3 %s then threat = quiet, heat -= 0.2 }\n"
    "move attack of sender { when threat == made and war == no  cost %s  then war = yes, heat += 0.3 }\n"
    "move yield of target { when stance == firm  cost 0.1  pays sender 0.2  then stance = yielded }\n"
    "move recant of target { when stance == yielded  cost 0.2  then stance = firm }\n"
    "payoff sender { gain [stance == yielded]\n heat -0.1*heat\n war [war == yes]*(%s) }\n"
    "payoff target { loss -0.6*[stance == yielded]\n fear -2*[war == yes]*(0.5 + heat) }\n";

static void sender_open(Case *k, const char *choice, const char *private, const char *precision, const char *secret,
                        const char *cost, const char *war) {
    char text[4096];
    snprintf(text, sizeof text, SENDER, choice, precision, private, secret, cost, war);
    case_open(k, text);
}

TEST(values_in_the_limit_of_a_known_type_are_those_of_the_game_without_types) {
    const char *cost[] = {"2", "0.2"}, *war[] = {"-1", "0.5"}, *precision[] = {"3", "1.5"};
    for (int taste = 0; taste <= 1; taste++)
        for (int secret = 0; secret <= 1; secret++) {
            const char *choice = taste ? "taste" : "quantal", *hidden = secret ? "secret" : "";
            Case k = {0};
            GameSolution s;
            sender_open(&k, choice, "private resolve of sender { bluffing, resolved } { belief 0.5 grid 9 }",
                        "by resolve { bluffing 3, resolved 1.5 }", hidden, "by resolve { bluffing 2, resolved 0.2 }",
                        "by resolve { bluffing -1, resolved 0.5 }");
            solved(&s, &k, &(GameOptions){.tolerance = 1e-11});
            for (int type = 0; type <= 1; type++) {
                // the belief is at one end and stays there, as if everyone knew
                Case known = {0};
                GameSolution one;
                sender_open(&known, choice, "", precision[type], hidden, cost[type], war[type]);
                solved(&one, &known, &(GameOptions){.tolerance = 1e-11});
                int32_t v = k.model->private[0].variable, end = type ? k.lattice->n_node[v] - 1 : 0;
                for (int64_t i = 0; i < known.lattice->n_state; i++) {
                    int32_t node[MODEL_VARIABLES_MAX] = {0};
                    lattice_nodes(known.lattice, i, node);
                    node[v] = end;
                    int64_t at = lattice_state(k.lattice, node);
                    CHECK_NEAR(s.policy->value[type * k.lattice->n_state + at], one.policy->value[i], 1e-8);
                    CHECK_NEAR(s.policy->value[2 * k.lattice->n_state + at], one.policy->value[known.lattice->n_state + i],
                               1e-8);
                }
                game_free(&one);
                case_close(&known);
            }
            game_free(&s);
            case_close(&k);
        }
}

TEST(a_start_at_a_known_type_solves_to_the_same_numbers_whatever_the_grid) {
    double known[3] = {0};
    for (int grid = 2; grid <= 12; grid += 5) {
        char private[128];
        snprintf(private, sizeof private, "private resolve of sender { bluffing, resolved } { belief 1 grid %d }", grid);
        Case k = {0};
        GameSolution s;
        sender_open(&k, "quantal", private, "2", "", "by resolve { bluffing 2, resolved 0.2 }",
                    "by resolve { bluffing -1, resolved 0.5 }");
        solved(&s, &k, &(GameOptions){.tolerance = 1e-11});
        for (int r = 1; r < 3; r++) {
            if (grid > 2) CHECK_NEAR(s.value_start[r], known[r], 1e-9);
            known[r] = s.value_start[r];
        }
        game_free(&s);
        case_close(&k);
    }
}

TEST(a_move_that_only_one_type_can_afford_tells_who_it_is) {
    Case k = {0};
    GameSolution s;
    sender_open(&k, "quantal", "private resolve of sender { bluffing, resolved } { belief 0.3 grid 11 }", "3", "",
                "by resolve { bluffing 400, resolved 0.2 }", "by resolve { bluffing -1, resolved 0.5 }");
    solved(&s, &k, &(GameOptions){.tolerance = 1e-10});
    int32_t attack = model_find_jump(k.model, "attack"), node[MODEL_VARIABLES_MAX] = {1, 0, 0, 1};
    for (node[4] = 1; node[4] < 10; node[4]++) {
        int64_t at = lattice_state(k.lattice, node);
        double shift = s.policy->shift[s.policy->shift_where[attack * k.lattice->n_mode_state + at / k.lattice->n_stock_state] +
                                       at % k.lattice->n_stock_state];
        CHECK_NEAR(shift, 1 - 0.1 * node[4], 1e-12);
    }
    game_free(&s);
    case_close(&k);
}

TEST(a_secret_move_tells_nothing_and_silence_tells_what_the_visible_ones_do_not) {
    Case k = {0};
    GameSolution s;
    sender_open(&k, "quantal", "private resolve of sender { bluffing, resolved } { belief 0.3 grid 11 }", "3", "secret",
                "by resolve { bluffing 2, resolved 0.2 }", "by resolve { bluffing -1, resolved 0.5 }");
    solved(&s, &k, &(GameOptions){.tolerance = 1e-10});
    const Lattice *l = k.lattice;
    int32_t retreat = model_find_jump(k.model, "retreat"), attack = model_find_jump(k.model, "attack");
    int32_t node[MODEL_VARIABLES_MAX] = {1, 0, 0, 2, 4};
    int64_t at = lattice_state(l, node);
    CHECK(s.policy->shift_where[retreat * l->n_mode_state + at / l->n_stock_state] < 0);
    // db/dt = lambda b (P(visible) - P_resolved(visible)); of the two moves that are open only the attack is visible
    double p0 = s.policy->probability[policy_entry(s.policy, attack, 0, at)];
    double p1 = s.policy->probability[policy_entry(s.policy, attack, 1, at)];
    CHECK(p1 > p0 + 0.1);
    CHECK_NEAR(s.policy->drift[at], 1.3 * 0.4 * (0.6 * p0 + 0.4 * p1 - p1), 1e-14);
    game_free(&s);
    case_close(&k);
}

// Abreu and Gul's war of attrition in doc/mathematics.md, "A war of attrition with reputations": a prize of 1, a cost of 1 a
// month, either side perhaps committed never to give in
static void attrition_open(Case *k, GameSolution *s, int grid, double sharp, double attends) {
    char text[2048];
    snprintf(text, sizeof text,
             "scenario \"attrition\" { clock continuous  unit month }\n"
             "actor one { patience 10 month  precision %g  attends %g per month }\n"
             "actor two { patience 10 month  precision %g  attends %g per month }\n"
             "private nerve of one { strategic, committed } { belief 0.2 grid %d }\n"
             "private steel of two { strategic, committed } { belief 0.2 grid %d }\n"
             "mode war of nature { on, off }\n"
             "move concede1 of one { when war == on  cost by nerve { strategic 0, committed 1000 }  pays two 1  then war = off }\n"
             "move concede2 of two { when war == on  cost by steel { strategic 0, committed 1000 }  pays one 1  then war = off }\n"
             "payoff one { holding -1*[war == on] }\npayoff two { holding -1*[war == on] }\n",
             sharp, attends, sharp, attends, grid, grid);
    case_open(k, text);
    solved(s, k, &(GameOptions){.skip_certificate = true});
}

TEST(a_war_of_attrition_with_reputations_comes_to_its_closed_form) {
    // strategic value of the stronger side 1 - weak/strong, of the weaker 0; hazard of concession 1 where they are even.
    // The error falls about as 1/attends when precision rises with it (here to a half or less from row to row).
    const double at[2][2] = {{0.6, 0.3}, {0.2, 0.7}};
    double off[3][2], hazard = 0;
    for (int i = 0; i < 3; i++) {
        Case k = {0};
        GameSolution s;
        attrition_open(&k, &s, 21, 10 << i, 5 << i);
        double value[4], choice[2], wait[2], type_choice[8], type_wait[4], belief[2 * MODEL_TYPES_MAX];
        DurError error = {0};
        for (int p = 0; p < 2; p++) {
            double state[3] = {0, at[p][0], at[p][1]};
            CHECK_OK(game_at(s.policy, state, value, choice, wait, &error));
            bool first = at[p][0] > at[p][1];
            double weak = first ? at[p][1] : at[p][0], strong = first ? at[p][0] : at[p][1];
            off[i][p] = fabs(value[first ? 0 : 2] - (1 - weak / strong));
            CHECK(fabs(value[first ? 2 : 0]) <= 1.0 / (5 << i));   // the weaker: 0, and what one opportunity is waited for
        }
        double even[3] = {0, 0.2, 0.2};
        CHECK_OK(game_types_at(s.policy, even, type_choice, type_wait, belief, &error));
        hazard = (5 << i) * type_choice[0] * 0.8;
        game_free(&s);
        case_close(&k);
    }
    for (int p = 0; p < 2; p++)
        for (int i = 1; i < 3; i++) CHECK(off[i][p] <= 0.52 * off[i - 1][p]);
    CHECK(off[2][0] < 0.055);
    CHECK_NEAR(hazard, 1, 0.2);   // the belief has 21 nodes, and the kink of the values runs through this one
}

// A has a move that it all but never makes, so what it would tell is told by rounding; sweeps of three types go round in it
static const char *const NEVER_MADE =
    "scenario \"s\" { clock continuous unit month choice taste }\n"
    "actor A { patience 24.4 month precision 19 attends (by m0 { v0 0.272, v1 0.369 }) per month }\n"
    "actor B { patience 17.3 month precision 16.1 + 4.025*((by m0 { v0 0.0966, v1 0.493 })) attends 0.935 per month }\n"
    "private pA of A { t0, t1, t2 } { belief 0.187 0.528 0.285 grid 3 }\n"
    "mode m0 of B { v0, v1 }\n"
    "stock x0 { range 0..1 grid 2 start 0.703 drift 0 }\n"
    "move mv0 of A { when x0 > 0.43 cost (by pA { t0 ((-0.235)*belief(A is t0)), t1 ((-0.249)*belief(A is t2)), t2 (0.43*x0) })\n"
    "  then x0 *= (by m0 { v0 ((-0.135)*x0), v1 ((-0.331)*x0) }) }\n"
    "move mv1 of A { when m0 == v0 secret then x0 *= ((-0.355)*x0) }\n"
    "move mv2 of B { when m0 == v1 then m0 = v0 }\n"
    "payoff A { u0 ((0.235*x0) - (0.679 - ((-0.0923)*belief(A is t2))))\n"
    "  u1 (by pA { t0 (by m0 { v0 (-0.116), v1 0.362 }), t1 (0.782*[x0 > 0.632]), t2 (by m0 { v0 ((-0.821)*belief(A is t2)), v1 (0.655*belief(A is t1)) }) })\n"
    "  u2 (if m0 == v1 then (0.503 + 0.506) else (by pA { t0 0.782, t1 (-0.869), t2 ((-0.163)*x0) })) }\n"
    "payoff B { u0 (if m0 == v1 then 0.392 else ((0.0125*x0)*[(not m0 == v1) or (m0 != v1)]))\n"
    "  u1 (by m0 { v0 (by m0 { v0 ((-0.288)*x0), v1 0.782 }), v1 (by m0 { v0 ((-0.0342)*x0), v1 (0.415*belief(A is t2)) }) }) }\n";

TEST(what_a_move_that_nobody_makes_would_tell_keeps_no_game_from_being_solved) {
    for (int skips = 0; skips < 2; skips++) {
        Case k = {0};
        GameSolution s;
        DurError error = {0};
        case_open(&k, NEVER_MADE);
        CHECK_OK(game_solve(&s, k.lattice, &(GameOptions){.skip_certificate = skips}, NULL, &error));
        assert_int_equal(s.verdict, GAME_CONVERGED);
        CHECK(s.certificate.residual <= GAME_TOLERANCE);
        CHECK(skips ? isnan(s.certificate.consistency) : s.certificate.consistency <= 1e-9);
        CHECK(!s.is_principal);   // sweeps can't tell
        game_free(&s);
        case_close(&k);
    }
}

TEST(solutions_have_the_same_bits_on_every_vector_width_and_any_number_of_threads) {
    uint64_t seed = 58;
    Text text = {0};
    random_types(&text, seed, "quantal", 1.0, 0.5);
    double *first = NULL;
    int64_t n = 0;
    for (int isa = 0; isa < ISA_COUNT; isa++)
        for (int threads = 1; threads <= 3; threads += 2) {
            if (isa_force((Isa)isa) != (Isa)isa) continue;
            Case k = {0};
            GameSolution s;
            DurError error = {0};
            Team *team = team_make(threads);
            case_open(&k, text_view(&text));
            CHECK_OK(game_solve(&s, k.lattice, NULL, team, &error));
            n = model_rows(k.model) * k.lattice->n_state + s.policy->n_shift;
            if (!first) {
                first = memory_column(n);
                memcpy(first, s.policy->value, (size_t)n * sizeof *first);
            }
            CHECK(memcmp(first, s.policy->value, (size_t)n * sizeof *first) == 0);
            game_free(&s);
            case_close(&k);
            team_free(team);
        }
    isa_force(ISA_COUNT);
    memory_free(first);
    text_free(&text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        RUN(random_games_with_types_agree_with_the_plain_solver),
        RUN(sharp_random_games_with_types_solve_the_plain_solvers_equations),
        RUN(rows_as_a_type_expects_them_say_what_the_tables_say_also_where_others_were_laid_out_before),
        RUN(a_certificate_by_rows_says_what_one_by_tables_says),
        RUN(the_mean_belief_stays_put_exactly_on_the_lattice_but_for_types_that_change),
        RUN(a_belief_never_moves_when_types_behave_alike),
        RUN(values_in_the_limit_of_a_known_type_are_those_of_the_game_without_types),
        RUN(a_start_at_a_known_type_solves_to_the_same_numbers_whatever_the_grid),
        RUN(a_move_that_only_one_type_can_afford_tells_who_it_is),
        RUN(a_secret_move_tells_nothing_and_silence_tells_what_the_visible_ones_do_not),
        RUN(a_war_of_attrition_with_reputations_comes_to_its_closed_form),
        RUN(what_a_move_that_nobody_makes_would_tell_keeps_no_game_from_being_solved),
        RUN(solutions_have_the_same_bits_on_every_vector_width_and_any_number_of_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
