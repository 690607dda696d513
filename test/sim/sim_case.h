/// What tests of simulation share: a scenario from a text, its lattice, who plays what, and quantities of runs.
#ifndef TEST_SIM_CASE_H
#define TEST_SIM_CASE_H

#include "../check.h"

#include "base/memory.h"
#include "game/game.h"
#include "lang/lang.h"
#include "sim/sim.h"

#include <stdlib.h>

#define CASE_PLANS 4

typedef struct SimCase {
    Compilation c;
    Model   *model;
    Lattice *lattice;
    double   param[64];
    GameSolution game;
    int32_t  n_query;            // the last quantities of the model
    Policy  *policy[8];          // of plans beside the equilibrium
    int32_t  n_policy;
    PlanStep step[8];
    Plan     plan;               // the equilibrium, from 0 on
} SimCase;

static inline void case_open(SimCase *k, const char *text, const char *const *query, int32_t n_query) {
    DurError error = {0};
    *k = (SimCase){.n_query = n_query};
    CHECK_OK(lang_compile_text(&k->c, "test.duress", text, strlen(text), query, n_query, &error));
    k->model = lang_take_model(&k->c);
    if (!k->model) {
        Text out = {0};
        diagnostics_print(&k->c.diagnostics, k->c.file, k->c.n_file, &out);
        fail_msg("%s\n%s", text_view(&out), text);
    }
    model_params(k->model, k->param);
    if (lattice_make(&k->lattice, k->model, k->param, &error) != DUR_OK) fail_msg("%s\n%s", error.text, text);
    if (game_solve(&k->game, k->lattice, &(GameOptions){.skip_certificate = true}, NULL, &error) != DUR_OK)
        fail_msg("%s\n%s", error.text, text);
    k->step[0] = (PlanStep){.policy = k->game.policy};
    k->plan = (Plan){.n_step = 1, .step = k->step};
}

/// The plan of a policy of the scenario, others surprised.
static inline Plan case_plan(SimCase *k, const char *name, PlanStep *step) {
    DurError error = {0};
    int32_t p = model_find_policy(k->model, name), n = 0;
    CHECK(p >= 0);
    const ModelPolicy *mp = &k->model->policy[p];
    if (mp->phase[0].start > 0) step[n++] = (PlanStep){.policy = k->game.policy};
    for (int32_t i = 0; i < mp->n_phase; i++) {
        LatticeRule rule;
        CHECK_OK(lattice_rule_make(&rule, k->lattice, mp->actor, &mp->phase[i], &error));
        CHECK_OK(game_surprise(&k->policy[k->n_policy], k->game.policy, &rule, &error));
        lattice_rule_free(&rule);
        step[n++] = (PlanStep){.start = mp->phase[i].start, .policy = k->policy[k->n_policy++], .n_set = mp->phase[i].n_set,
                               .set = mp->phase[i].set};
    }
    return (Plan){.n_step = n, .step = step};
}

static inline void case_close(SimCase *k) {
    for (int32_t i = 0; i < k->n_policy; i++) policy_free(k->policy[i]);
    game_free(&k->game);
    lattice_free(k->lattice);
    model_free(k->model);
    lang_free(&k->c);
}

/// All queries of the case on `n_run` runs, [n_query x n_run]; freed by the caller.
static inline double *case_measure_plan(SimCase *k, const Plan *plan, SimOptions options, Team *team) {
    DurError error = {0};
    int32_t quantity[64];
    for (int32_t i = 0; i < k->n_query; i++) quantity[i] = k->model->n_quantity - k->n_query + i;
    double *out = memory_column(k->n_query * options.n_run);
    if (options.horizon == 0) options.horizon = 1;
    if (sim_measure(k->lattice, plan, &options, quantity, k->n_query, out, team, &error) != DUR_OK) fail_msg("%s", error.text);
    return out;
}
static inline double *case_measure(SimCase *k, SimKind kind, int64_t n_run, uint64_t seed) {
    return case_measure_plan(k, &k->plan, (SimOptions){.kind = kind, .n_run = n_run, .seed = seed}, NULL);
}

// a scenario in which all that moves moves: two actors, drift, noise, random sizes, guards on stocks, policies
#define BUSY "scenario \"busy\" { clock continuous unit month }\n"                                                      \
             "actor a { patience 20 month precision 2 + x attends 1.5 + y per month }\n"                                \
             "actor b { patience 9 month precision 1 attends 1 per month }\n"                                           \
             "mode m of a { v0, v1 }\nmode n of b { w0, w1 }\n"                                                         \
             "stock x { range 0..1 grid 4 start 0.35 drift 0.3*(y - x) noise 0.1*x*(1 - x) }\n"                         \
             "stock y { range 0..1 grid 5 start 0.8 drift by m { v0 -0.2, v1 0.3 } }\n"                                 \
             "event shock { rate 0.4*(1 + x*y) per month then y -= uniform(0.1, 0.6), x += exponential(0.05) }\n"       \
             "event once { when y > 0.3 rate 0.2 per month then n = w1, y *= 0.7 }\n"                                   \
             "move up of a { when m == v0 cost 0.1 then m = v1 }\nmove down of a { when m == v1 and x > 0.1 then m = v0 }\n" \
             "move on of b { when n == w0 cost 0.2*x then n = w1 }\nmove off of b { when n == w1 then n = w0, x -= 0.1 }\n"  \
             "payoff a { flow y - x*[n == w1] }\npayoff b { flow [n == w1]*(y - 0.4) }\n"                               \
             "policy stay of a { never up }\npolicy late of a { from 3 month: m = v1 never down }\n"

static const char *const BUSY_QUERY[] = {"E(x at 7.3 month)", "E(total x*y over 8 month)", "P(y < 0.2 within 5 month after 1 month)",
                                         "E(count(shock) over 8 month)", "E(max x over 6 month)", "E(count(up) over 2 month)"};
enum { BUSY_N = 6 };

static inline double mean_of(const double *x, int64_t n) {
    double sum = 0;
    for (int64_t i = 0; i < n; i++) sum += x[i];
    return sum / (double)n;
}
static inline double sd_of(const double *x, int64_t n) {
    double mean = mean_of(x, n), sum = 0;
    for (int64_t i = 0; i < n; i++) sum += (x[i] - mean) * (x[i] - mean);
    return sqrt(sum / (double)(n - 1));
}

/// The mean of n draws is within `z` standard errors of what it should be, beside a known `bias`.
#define CHECK_MEAN(x, n, expected, z, bias) do {                                                                      \
    double m_ = mean_of(x, n), e_ = (expected), se_ = sd_of(x, n) / sqrt((double)(n));                                \
    if (!(fabs(m_ - e_) <= (z) * se_ + (bias)))                                                                       \
        fail_msg("mean of %s = %.9g, expected %.9g: off by %.2f standard errors of %.3g", #x, m_, e_, (m_ - e_) / se_, se_); \
} while (0)

#define ACTOR "actor a { patience 20 month precision 1 attends 0 per month }\npayoff a { flow 0 }\n"
#define HEAD  "scenario \"test\" { clock continuous unit month }\n" ACTOR

#endif
