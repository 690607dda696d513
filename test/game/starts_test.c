#include "../random_scenario.h"
#include "../random_types.h"
#include "case.h"

#include "base/memory.h"
#include "game/branch.h"
#include "game/starts.h"
#include "game/sweep.h"
#include "num/philox.h"

#include <stdlib.h>

// the equilibrium that the solver finds by itself, and all others
static void look(GameEquilibria *out, const Case *k, int32_t n_start, int n_thread) {
    DurError error = {0};
    GameSolution s;
    CHECK_OK(game_solve(&s, k->lattice, NULL, NULL, &error));
    Team *team = n_thread > 1 ? team_make(n_thread) : NULL;
    const double *given = s.verdict == GAME_CONVERGED ? s.policy->value : NULL;
    if (game_starts(out, k->lattice, given, n_start, NULL, team, &error) != DUR_OK) fail_msg("%s", error.text);
    team_free(team);
    game_free(&s);
}

// ---- firms in a market that bears fewer than there are -----------------------------------------------------------

#define FIRMS_MAX 3
typedef struct Market { int n; double patience, precision, attends, gain, crowd; bool taste; } Market;
static const Market TWO   = {2, 10, 8, 1, 2.5, 1.5, false};
static const Market THREE = {3, 10, 8, 1, 2.0, 1.1, false};
static const Market TASTE = {2, 10, 8, 1, 2.5, 1.5, true};
// a negative crowd: one that is in alone loses 5, two together gain 1 each
static const Market TOGETHER = {2, 3, 8, 1, -11, -6, false};

// a firm that is in gets gain - crowd * (number of firms in)
static const char *market_text(const Market *m) {
    static char text[4096];
    int n = snprintf(text, sizeof text, "scenario \"market\" { clock continuous unit month choice %s }\n",
                     m->taste ? "taste" : "quantal");
    for (int i = 0; i < m->n; i++)
        n += snprintf(text + n, sizeof text - (size_t)n,
                      "actor f%d { patience %g month precision %g attends %g per month }\nmode m%d of f%d { out, on }\n", i,
                      m->patience, m->precision, m->attends, i, i);
    n += snprintf(text + n, sizeof text - (size_t)n, "let all = 0");
    for (int i = 0; i < m->n; i++) n += snprintf(text + n, sizeof text - (size_t)n, " + [m%d == on]", i);
    for (int i = 0; i < m->n; i++)
        n += snprintf(text + n, sizeof text - (size_t)n,
                      "\nmove enter%d of f%d { when m%d == out then m%d = on }\nmove leave%d of f%d { when m%d == on then m%d = out }\n"
                      "payoff f%d { profit [m%d == on]*(%g - %g*all) }", i, i, i, i, i, i, i, i, i, i, m->gain, m->crowd);
    snprintf(text + n, sizeof text - (size_t)n, "\n");
    return text;
}

// The same game straight from its equations, v[i * n_state + s], s a mask of the firms that are in:
//   rho v_i(s) = u_i(s) + sum over others j of attends p_j(s) (v_i(s^j) - v_i(s)) + attends (W_i(s) - v_i(s))
static void market_equations(const Market *m, const double *v, double *f) {
    int n_state = 1 << m->n;
    for (int i = 0; i < m->n; i++)
        for (int s = 0; s < n_state; s++) {
            double n_in = 0;
            for (int j = 0; j < m->n; j++) n_in += s >> j & 1;
            double sum = (s >> i & 1 ? m->gain - m->crowd * n_in : 0) - v[i * n_state + s] / m->patience;
            for (int j = 0; j < m->n; j++) {
                int to = s ^ 1 << j;
                double z = m->precision * (v[j * n_state + to] - v[j * n_state + s]), p = 1 / (1 + exp(-z));
                double surplus = z > 0 ? z + log1p(exp(-z)) : log1p(exp(z));
                sum += m->attends * (j == i && m->taste ? surplus / m->precision : p * (v[i * n_state + to] - v[i * n_state + s]));
            }
            f[i * n_state + s] = sum;
        }
}

// x <- a^-1 x by elimination with row pivots; false where a is singular
static bool eliminate(int n, double *a, double *x) {
    for (int k = 0; k < n; k++) {
        int top = k;
        for (int i = k + 1; i < n; i++) if (fabs(a[i * n + k]) > fabs(a[top * n + k])) top = i;
        if (!(fabs(a[top * n + k]) > 1e-13)) return false;
        for (int j = 0; j < n; j++) { double t = a[k * n + j]; a[k * n + j] = a[top * n + j]; a[top * n + j] = t; }
        double t = x[k]; x[k] = x[top]; x[top] = t;
        for (int i = k + 1; i < n; i++) {
            double factor = a[i * n + k] / a[k * n + k];
            for (int j = k; j < n; j++) a[i * n + j] -= factor * a[k * n + j];
            x[i] -= factor * x[k];
        }
    }
    for (int k = n - 1; k >= 0; k--) {
        for (int j = k + 1; j < n; j++) x[k] -= a[k * n + j] * x[j];
        x[k] /= a[k * n + k];
    }
    return true;
}

enum { UNKNOWNS = FIRMS_MAX << FIRMS_MAX, SOLUTIONS_MAX = 64 };

// all solutions that a damped dense Newton method finds from very many points of a box
static int solve_market(const Market *m, double solution[SOLUTIONS_MAX][UNKNOWNS]) {
    int n_state = 1 << m->n, n = m->n * n_state, n_found = 0;
    for (uint64_t start = 0; start < 4000; start++) {
        Stream draw = stream_make(77, start, 0);
        double v[UNKNOWNS], f[UNKNOWNS], d[UNKNOWNS], moved[UNKNOWNS], a[UNKNOWNS * UNKNOWNS], size = 0;
        double width = pow(10, 2 * stream_uniform(&draw) - 1);
        for (int i = 0; i < n; i++) v[i] = width * (2 * stream_uniform(&draw) - 1);
        for (int step = 0; step < 200; step++) {
            market_equations(m, v, f);
            size = 0;
            for (int i = 0; i < n; i++) size = fmax(size, fabs(f[i]));
            if (size < 1e-12) break;
            for (int j = 0; j < n; j++) {
                double h = 1e-7, up[UNKNOWNS], down[UNKNOWNS], kept = v[j];
                v[j] = kept + h;
                market_equations(m, v, up);
                v[j] = kept - h;
                market_equations(m, v, down);
                v[j] = kept;
                for (int i = 0; i < n; i++) a[i * n + j] = (up[i] - down[i]) / (2 * h);
            }
            for (int i = 0; i < n; i++) d[i] = -f[i];
            if (!eliminate(n, a, d)) break;
            double part = 1, now;
            for (;; part /= 2) {
                for (int i = 0; i < n; i++) moved[i] = v[i] + part * d[i];
                market_equations(m, moved, f);
                now = 0;
                for (int i = 0; i < n; i++) now = fmax(now, fabs(f[i]));
                if (now < size || part < 1e-4) break;
            }
            if (part < 1e-4) break;
            memcpy(v, moved, sizeof v);
        }
        if (!(size < 1e-9)) continue;
        bool known = false;
        for (int k = 0; k < n_found && !known; k++) {
            known = true;
            for (int i = 0; i < n; i++) known = known && fabs(v[i] - solution[k][i]) < 1e-5;
        }
        if (known) continue;
        CHECK(n_found < SOLUTIONS_MAX);
        memcpy(solution[n_found++], v, sizeof v);
    }
    return n_found;
}

static void same_as_brute_force(const Market *m, int n_expected) {
    static double solution[SOLUTIONS_MAX][UNKNOWNS];
    int n_found = solve_market(m, solution), n_state = 1 << m->n;
    assert_int_equal(n_found, n_expected);
    Case k = {0};
    GameEquilibria all;
    case_open(&k, market_text(m));
    look(&all, &k, 64, 1);
    assert_int_equal(all.n, n_expected);
    bool taken[SOLUTIONS_MAX] = {0};
    for (int e = 0; e < all.n; e++) {
        int match = -1;
        for (int b = 0; b < n_found; b++) {
            double off = 0;
            for (int s = 0; s < n_state; s++) {
                int32_t node[FIRMS_MAX];
                for (int i = 0; i < m->n; i++) node[i] = s >> i & 1;
                int64_t at = lattice_state(k.lattice, node);
                for (int i = 0; i < m->n; i++)
                    off = fmax(off, fabs(all.item[e].value[i * n_state + at] - solution[b][i * n_state + s]));
            }
            if (off < 1e-7) match = b;
        }
        if (match < 0) fail_msg("equilibrium %d is none of those of the equations", e + 1);
        CHECK(!taken[match]);
        taken[match] = true;
        CHECK(all.item[e].residual <= 1e-9);
    }
    game_equilibria_free(&all);
    case_close(&k);
}

TEST(a_market_for_one_of_two_has_the_three_equilibria_of_its_equations) { same_as_brute_force(&TWO, 3); }
TEST(a_market_for_one_of_three_has_the_seven_equilibria_of_its_equations) { same_as_brute_force(&THREE, 7); }
TEST(with_private_shocks_the_market_for_one_has_the_three_equilibria_of_its_equations) { same_as_brute_force(&TASTE, 3); }

TEST(two_who_gain_only_together_have_the_three_equilibria_of_their_equations) { same_as_brute_force(&TOGETHER, 3); }

TEST(two_who_are_in_together_both_stay_or_both_leave_and_best_responses_leave_what_is_between) {
    Case k = {0};
    GameEquilibria all;
    case_open(&k, market_text(&TOGETHER));
    look(&all, &k, 64, 1);
    assert_int_equal(all.n, 3);
    int64_t both = lattice_state(k.lattice, (int32_t[]){1, 1}), first_out = lattice_state(k.lattice, (int32_t[]){0, 1});
    int n_both = 0, n_neither = 0;
    for (int e = 0; e < 3; e++) {
        const double *v = all.item[e].value;
        // all three treat alike what is alike
        CHECK_NEAR(v[both], v[k.lattice->n_state + both], 1e-8);
        // the logit of leaving, and of coming back
        double leave = 1 / (1 + exp(-TOGETHER.precision * (v[first_out] - v[both])));
        bool is_both = leave < 0.01, is_neither = leave > 0.99;
        n_both += is_both;
        n_neither += is_neither;
        // staying together is worth nearly a gain of one for ever
        if (is_both) CHECK(v[both] > 0.95 * TOGETHER.patience && v[both] <= TOGETHER.patience);
        if (is_neither) CHECK(v[both] < 0);
        CHECK(all.item[e].is_left == (!is_both && !is_neither));
    }
    CHECK(n_both == 1 && n_neither == 1);
    game_equilibria_free(&all);
    case_close(&k);
}

TEST(the_branch_of_an_equilibrium_that_is_not_principal_leads_to_its_partner) {
    Case k = {0};
    DurError error = {0};
    GameSolution s;
    BranchResult b;
    case_open(&k, market_text(&TOGETHER));
    CHECK_OK(game_solve(&s, k.lattice, NULL, NULL, &error));
    CHECK(s.verdict == GAME_CONVERGED && s.is_principal);
    GameEquilibria all;
    CHECK_OK(game_starts(&all, k.lattice, s.policy->value, 64, NULL, NULL, &error));
    assert_int_equal(all.n, 3);
    assert_int_equal(all.n_branch, 3);
    Krylov *krylov = krylov_make(k.lattice, NULL, NULL, 20, NULL);
    for (int e = 0; e < 3; e++) {
        double x[8];
        memcpy(x, all.item[e].value, sizeof x);
        CHECK_OK(branch_partner(&b, krylov, 1e-10, x));
        CHECK(b.converged == (e != 0));
        if (e == 0) continue;
        // the one comes to the other, around a fold
        CHECK(b.n_fold >= 1);
        for (int i = 0; i < 8; i++) CHECK_NEAR(x[i], all.item[3 - e].value[i], 1e-6);
    }
    krylov_free(krylov);
    game_equilibria_free(&all);
    game_free(&s);
    case_close(&k);
}

TEST(on_a_large_lattice_the_equilibria_of_a_coarser_one_are_carried_over) {
    // the market beside a stock that touches nothing and is soon put back to its middle: values are those of the market at
    // every node
    Case small = {0}, k = {0};
    GameEquilibria few, all;
    Text text = {0};
    DurError error = {0};
    text_printf(&text, "%s\nstock idle { range 0 .. 1  start 0.5  grid 6301 }\n"
                "event back { rate 5 per month  then idle = 0.5 }\n", market_text(&TWO));
    case_open(&small, market_text(&TWO));
    look(&few, &small, 8, 1);
    case_open(&k, text_view(&text));
    Team *team = team_make(2);
    CHECK_OK(game_starts(&all, k.lattice, NULL, 8, NULL, team, &error));
    assert_int_equal(few.n, 3);
    assert_int_equal(all.n, 3);
    CHECK(all.n_state < k.lattice->n_state && few.n_state == small.lattice->n_state);
    for (int e = 0; e < 3; e++) {
        double nearest = INFINITY;
        for (int f = 0; f < 3; f++) {
            double off = 0;
            for (int64_t i = 0; i < 2 * k.lattice->n_state; i++) {
                int64_t actor = i / k.lattice->n_state, mode = i % k.lattice->n_state / k.lattice->n_stock_state;
                off = fmax(off, fabs(all.item[e].value[i] - few.item[f].value[4 * actor + mode]));
            }
            nearest = fmin(nearest, off);
        }
        CHECK(nearest < 1e-7 && all.item[e].residual <= 1e-9);
    }
    team_free(team);
    game_equilibria_free(&few);
    game_equilibria_free(&all);
    case_close(&small);
    case_close(&k);
    text_free(&text);
}

TEST(best_responses_leave_the_symmetric_equilibrium_and_stay_at_the_two_others) {
    Case k = {0};
    GameEquilibria all;
    case_open(&k, market_text(&TWO));
    look(&all, &k, 64, 1);
    assert_int_equal(all.n, 3);
    int64_t n = 2 * k.lattice->n_state;
    double x[8], next[8];
    Sweep *sweep = sweep_make(k.lattice, NULL, NULL);
    int n_left = 0;
    for (int e = 0; e < 3; e++) {
        const GameEquilibrium *q = &all.item[e];
        bool symmetric = fabs(q->value_start[0] - q->value_start[1]) < 1e-8;
        CHECK(q->is_left == symmetric);
        CHECK(q->is_given == (e == 0));   // the principal branch treats alike what is alike
        CHECK(symmetric == (e == 0));
        n_left += q->is_left;
        // taken at the word: undamped sweeps from very near
        for (int64_t i = 0; i < n; i++) x[i] = q->value[i] + 1e-7 * (double)(i % 3);
        for (int step = 0; step < 200; step++) {
            sweep_run(sweep, 1, x, next);
            memcpy(x, next, sizeof x);
        }
        double off = 0;
        for (int64_t i = 0; i < n; i++) off = fmax(off, fabs(x[i] - q->value[i]));
        if (q->is_left) CHECK(off > 1);
        else CHECK(off < 1e-9);
    }
    assert_int_equal(n_left, 1);
    // the two others are each other's mirror image
    CHECK_NEAR(all.item[1].value_start[0], all.item[2].value_start[1], 1e-8);
    CHECK_NEAR(all.item[1].value_start[1], all.item[2].value_start[0], 1e-8);
    sweep_free(sweep);
    game_equilibria_free(&all);
    case_close(&k);
}

TEST(the_growth_of_a_deviation_is_the_largest_root_of_the_sweep) {
    // one actor, one mode, nothing to choose: two states, rates a and b; a sweep sees what the first combination became, so
    // the map of deviations (x, y) is  x' = a/(rho+a) y,  y' = b/(rho+b) x',  with root a b/((rho+a)(rho+b))
    Case k = {0};
    GameEquilibria all;
    case_open(&k, "scenario \"chain\" { clock continuous unit month }\n"
                  "actor a { patience 5 month precision 1 attends 0 per month }\nmode m of nature { v, w }\n"
                  "event go { when m == v rate 0.3 per month then m = w }\nevent back { when m == w rate 0.7 per month then m = v }\n"
                  "payoff a { flow [m == w] }\n");
    look(&all, &k, 8, 1);
    assert_int_equal(all.n, 1);
    CHECK_NEAR(all.item[0].growth, 0.3 / 0.5 * (0.7 / 0.9), 1e-6);
    assert_int_equal(all.item[0].n_start, 8);
    game_equilibria_free(&all);
    case_close(&k);
}

TEST(a_published_game_with_one_equilibrium_is_found_to_have_one) {   // Blevins 2025: entry and exit, two firms
    Case k = {0};
    GameEquilibria all;
    case_open(&k, "scenario \"entry and exit\" { clock continuous  unit month  choice taste }\n"
        "actor f1 { patience 20 month  precision 1  attends 2 per month }\n"
        "actor f2 { patience 20 month  precision 1  attends 2 per month }\n"
        "mode demand of nature { low, high }\nmode m1 of f1 { absent, active }\nmode m2 of f2 { absent, active }\n"
        "let n = [m1 == active] + [m2 == active]\n"
        "event up   { when demand == low   rate 1 per month  then demand = high }\n"
        "event down { when demand == high  rate 1 per month  then demand = low }\n"
        "move enter1 of f1 { when m1 == absent  cost 0.5  then m1 = active }\n"
        "move exit1  of f1 { when m1 == active  then m1 = absent }\n"
        "move enter2 of f2 { when m2 == absent  cost 0.5  then m2 = active }\n"
        "move exit2  of f2 { when m2 == active  then m2 = absent }\n"
        "payoff f1 { profit [m1 == active]*(-0.1*n + 0.2*by demand { low 0, high 1 }) }\n"
        "payoff f2 { profit [m2 == active]*(-0.1*n + 0.2*by demand { low 0, high 1 }) }\n");
    look(&all, &k, 64, 1);
    assert_int_equal(all.n, 1);
    assert_int_equal(all.n_missed, 0);
    assert_int_equal(all.item[0].n_start, 64);
    CHECK(!all.item[0].is_left && all.item[0].growth < 1);
    CHECK_NEAR(all.item[0].value_start[0], 22.446756188335, 1e-7);
    game_equilibria_free(&all);
    case_close(&k);
}

TEST(nothing_needs_to_be_known_beforehand) {
    Case k = {0};
    GameEquilibria all;
    DurError error = {0};
    case_open(&k, market_text(&THREE));
    CHECK_OK(game_starts(&all, k.lattice, NULL, 64, NULL, NULL, &error));
    assert_int_equal(all.n, 7);
    for (int e = 0; e < all.n; e++) CHECK(!all.item[e].is_given && all.item[e].n_start > 0);
    game_equilibria_free(&all);
    case_close(&k);
}

TEST(random_sharp_games_have_an_odd_number_of_equilibria) {
    int n_game = 0, n_odd = 0, n_many = 0;
    for (uint64_t seed = 900; seed < 940; seed++) {
        Text text = {0};
        Case k = {0};
        GameEquilibria all;
        random_scenario(&text, seed, seed % 3 ? "quantal" : "taste", 12);
        case_open(&k, text_view(&text));
        if (k.lattice->n_state > 250) {   // the larger ones take their time
            case_close(&k);
            text_free(&text);
            continue;
        }
        look(&all, &k, 24, 1);
        n_game++;
        n_odd += all.n % 2 == 1;
        n_many += all.n > 1;
        if (all.n % 2 == 0) print_message("seed %d: %d found, %d starts missed\n", (int)seed, all.n, all.n_missed);
        // each is one by equations that share nothing with the search
        for (int e = 0; e < all.n; e++) {
            double residual;
            DurError error = {0};
            CHECK_OK(plain_residual(k.lattice, NULL, all.item[e].value, &residual, &error));
            CHECK(residual <= 1e-9);
            for (int f = 0; f < e; f++) {
                double off = 0, size = 0;
                for (int64_t i = 0; i < k.model->n_actor * k.lattice->n_state; i++) {
                    off = fmax(off, fabs(all.item[e].value[i] - all.item[f].value[i]));
                    size = fmax(size, fabs(all.item[e].value[i]));
                }
                CHECK(off > STARTS_DISTINCT * size);
            }
        }
        game_equilibria_free(&all);
        case_close(&k);
        text_free(&text);
    }
    print_message("%d of %d odd, %d with several\n", n_odd, n_game, n_many);
    // with every equilibrium comes its partner, so also where some are missing (901 has 9, 906 and 911 twenty and more)
    CHECK(n_game >= 30 && n_odd == n_game && n_many >= 3);
}

TEST(the_list_has_the_same_bits_on_one_two_and_three_threads) {
    Case k = {0};
    GameEquilibria first;
    case_open(&k, market_text(&THREE));
    look(&first, &k, 30, 1);
    for (int n_thread = 2; n_thread <= 3; n_thread++) {
        GameEquilibria again;
        look(&again, &k, 30, n_thread);
        assert_int_equal(again.n, first.n);
        assert_int_equal(again.n_missed, first.n_missed);
        assert_int_equal(again.n_between, first.n_between);
        for (int e = 0; e < first.n; e++) {
            assert_int_equal(again.item[e].n_start, first.item[e].n_start);
            CHECK_SAME(again.item[e].growth, first.item[e].growth);
            for (int i = 0; i < 24; i++) CHECK_SAME(again.item[e].value[i], first.item[e].value[i]);
        }
        game_equilibria_free(&again);
    }
    game_equilibria_free(&first);
    case_close(&k);
}

static int n_asked, stop_after;
static bool stop(void *context) { return ++n_asked > stop_after; }

TEST(the_search_can_be_stopped_and_any_of_its_allocations_may_fail) {
    Case k = {0};
    DurError error = {0};
    GameEquilibria all;
    Progress progress = {.stop = stop};
    GameOptions options = {.progress = &progress};
    case_open(&k, market_text(&TWO));
    stop_after = INT32_MAX;
    CHECK_OK(game_starts(&all, k.lattice, NULL, 12, &options, NULL, &error));
    int n = n_asked;
    CHECK(n > 20);
    game_equilibria_free(&all);
    for (stop_after = 0; stop_after < n; stop_after += 1 + n / 50) {
        n_asked = 0;
        assert_int_equal(game_starts(&all, k.lattice, NULL, 12, &options, NULL, &error), DUR_INTERRUPTED);
        game_equilibria_free(&all);
    }
    for (int64_t at = 1;; at += 1 + at / 100) {
        memory_fail_at(at);
        DurStatus status = game_starts(&all, k.lattice, NULL, 12, NULL, NULL, &error);
        bool over = memory_fail_at(0) < at;
        game_equilibria_free(&all);
        if (over) { CHECK_OK(status); break; }
        assert_int_equal(status, DUR_MEMORY);
    }
    case_close(&k);
}

// ---- rounds --------------------------------------------------------------------------------------------------------

static const char COORDINATION[] =
    "scenario \"coordination\" { clock rounds unit month }\n"
    "actor a { discount 0 precision 6 attends 1 }\n"
    "actor b { discount 0 precision 6 attends 1 }\n"
    "mode am of a { x, y }\n"
    "mode bm of b { x, y }\n"
    "move go_a of a { then am = y }\n"
    "move go_b of b { then bm = y }\n"
    "payoff a { both [am == y and bm == y] - 0.5*[am == y] }\n"
    "payoff b { both [am == y and bm == y] - 0.5*[bm == y] }\n";

TEST(in_rounds_the_three_equilibria_of_a_coordination_game_are_found_with_their_growth) {
    // both go with p = 1/(1 + exp(-6 (p - 1/2))): one half, and two more; a deviation of p grows by 6 p (1 - p) a round
    Case k = {0};
    case_open(&k, COORDINATION);
    GameEquilibria all;
    DurError error = {0};
    CHECK_OK(game_starts(&all, k.lattice, NULL, 16, NULL, NULL, &error));
    assert_int_equal(all.n, 3);
    double product = 1;
    for (int32_t e = 0; e < all.n; e++) {
        double p = all.item[e].choice_start[0];
        CHECK_NEAR(p, 1 / (1 + exp(-6 * (p - 0.5))), 1e-9);
        CHECK_NEAR(all.item[e].choice_start[1], p, 1e-9);
        CHECK_NEAR(all.item[e].growth, 6 * p * (1 - p), 1e-4);
        assert_int_equal(all.item[e].is_left, fabs(p - 0.5) < 1e-3);
        CHECK(all.item[e].residual < 1e-9);
        product *= p - 0.5;
    }
    CHECK_NEAR(product, 0, 1e-9);
    game_equilibria_free(&all);
    // memory that runs out is told, and nothing is left
    for (int64_t at = 1;; at++) {
        memory_fail_at(at);
        DurStatus status = game_starts(&all, k.lattice, NULL, 3, NULL, NULL, &error);
        int64_t asked = memory_fail_at(0);
        game_equilibria_free(&all);
        // a step of Newton's method that finds no memory is one that led nowhere; a shorter one follows
        CHECK(status == DUR_OK || status == DUR_MEMORY);
        if (asked < at) { CHECK(status == DUR_OK); break; }
        if (at > 60) at += 36;
    }
    case_close(&k);
}

// ---- private types -------------------------------------------------------------------------------------------------

TEST(with_private_types_every_equilibrium_found_solves_the_plain_solvers_equations) {
    int32_t n = 0, n_several = 0;
    for (uint64_t seed = 1; seed <= 8; seed++) {
        Text text = {0};
        Case k = {0};
        random_types(&text, seed, seed % 4 == 0 ? "taste" : "quantal", 2.0, 0.5);
        case_open(&k, text_view(&text));
        GameEquilibria all, again;
        DurError error = {0};
        Team *team = team_make(3);
        CHECK_OK(game_starts(&all, k.lattice, NULL, 5, NULL, NULL, &error));
        CHECK_OK(game_starts(&again, k.lattice, NULL, 5, NULL, team, &error));
        assert_int_equal(all.n, again.n);
        for (int32_t e = 0; e < all.n; e++, n++) {
            const GameEquilibrium *at = &all.item[e];
            CHECK(at->residual < 1e-9);
            for (int64_t i = 0; i < model_rows(k.model) * k.lattice->n_state; i++) CHECK_SAME(at->value[i], again.item[e].value[i]);
            GameSolution s;
            double residual;
            solved(&s, &k, &(GameOptions){.tolerance = 1e-9, .warm = at->value, .skip_certificate = true});
            CHECK_OK(plain_types_residual(s.policy, &residual, &error));
            CHECK_NEAR(residual, 0, 1e-7);
            for (int32_t r = 0; r < model_rows(k.model); r++) CHECK_NEAR(s.value_start[r], at->value_start[r], 1e-5);
            game_free(&s);
        }
        n_several += all.n > 1;
        game_equilibria_free(&again);
        game_equilibria_free(&all);
        team_free(team);
        case_close(&k);
        text_free(&text);
    }
    print_message("%d equilibria of 8 games with types, %d games have several\n", n, n_several);
    CHECK(n >= 8);
    CHECK(n_several > 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        RUN(in_rounds_the_three_equilibria_of_a_coordination_game_are_found_with_their_growth),
        RUN(with_private_types_every_equilibrium_found_solves_the_plain_solvers_equations),
        RUN(a_market_for_one_of_two_has_the_three_equilibria_of_its_equations),
        RUN(a_market_for_one_of_three_has_the_seven_equilibria_of_its_equations),
        RUN(with_private_shocks_the_market_for_one_has_the_three_equilibria_of_its_equations),
        RUN(two_who_gain_only_together_have_the_three_equilibria_of_their_equations),
        RUN(two_who_are_in_together_both_stay_or_both_leave_and_best_responses_leave_what_is_between),
        RUN(the_branch_of_an_equilibrium_that_is_not_principal_leads_to_its_partner),
        RUN(on_a_large_lattice_the_equilibria_of_a_coarser_one_are_carried_over),
        RUN(best_responses_leave_the_symmetric_equilibrium_and_stay_at_the_two_others),
        RUN(the_growth_of_a_deviation_is_the_largest_root_of_the_sweep),
        RUN(a_published_game_with_one_equilibrium_is_found_to_have_one),
        RUN(nothing_needs_to_be_known_beforehand),
        RUN(random_sharp_games_have_an_odd_number_of_equilibria),
        RUN(the_list_has_the_same_bits_on_one_two_and_three_threads),
        RUN(the_search_can_be_stopped_and_any_of_its_allocations_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
