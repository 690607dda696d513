#include "bundle.h"

#include "base/compiler.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// ---- frames by row ------------------------------------------------------------------------------------------------

static Frame *add(Bundle *b, const char *name, int64_t n_row) {
    Frame *frame = frame_make(name, n_row);
    assert(frame && b->n_frame < (int)DUR_COUNT(b->frame));
    return b->frame[b->n_frame++] = frame;
}

// columns of text from a flat list, row by row; NULL is an empty cell
static Frame *text_frame(Bundle *b, const char *name, int n_column, const char *const *heading, int n_row,
                         const char *const *cell) {
    Frame *frame = add(b, name, n_row);
    for (int c = 0; c < n_column; c++) {
        if (!frame_add_text(frame, heading[c])) abort();
        for (int i = 0; i < n_row; i++)
            if (!frame_set_text(frame, frame->n_column - 1, i, cell[i * n_column + c])) abort();
    }
    return frame;
}
#define TEXT_FRAME(name, heading, cell) \
    text_frame(b, name, (int)DUR_COUNT(heading), heading, (int)(DUR_COUNT(cell) / DUR_COUNT(heading)), cell)

static void numbers(Frame *frame, const char *name, const char *unit, const double *value) {
    double *to = frame_add_number(frame, name, unit);
    assert(to);
    memcpy(to, value, (size_t)frame->n_row * sizeof *to);
}

void bundle_free(Bundle *b) {
    for (int i = 0; i < b->n_frame; i++) frame_free(b->frame[i]);
    *b = (Bundle){0};
}

// ---- paths --------------------------------------------------------------------------------------------------------

static const char *const STOCK[] = {"power", "collusion", "detainees", "attention", "credit", "outside"};
static const char *const POLICY[] = {"", "relax", "hold", "silent", "reciprocal", "escalate_then_wait", "ask"};
static const struct { const char *mode; int n; const char *value[4]; } MODE[] = {
    {"tariff", 3, {"none", "threatened", "imposed", NULL}},
    {"force", 2, {"quiet", "threatened", NULL, NULL}},
    {"crackdown", 3, {"lax", "show", "full", NULL}},
};

static void date_of(int month, char text[32]) {
    snprintf(text, 32, "%d-%02d-20", 2025 + month / 12, 1 + month % 12);
}

static void series(Bundle *b, int n_policy, int n_time) {
    const int n_stock = (int)DUR_COUNT(STOCK), n_run = n_policy + 1;
    Frame *f = add(b, "series", (int64_t)n_stock * n_run * n_time);
    frame_add_text(f, "policy");
    frame_add_text(f, "variable");
    frame_add_text(f, "date");
    double *time = frame_add_number(f, "time", "month"), *mean = frame_add_number(f, "mean", "");
    static const char *const name[5] = {"q05", "q25", "q50", "q75", "q95"};
    static const double z[5] = {-1.645, -0.674, 0, 0.674, 1.645};
    double *q[5];
    for (int k = 0; k < 5; k++) q[k] = frame_add_number(f, name[k], "");
    int64_t row = 0;
    for (int p = 0; p < n_run; p++)
        for (int s = 0; s < n_stock; s++)
            for (int i = 0; i < n_time; i++, row++) {
                static const double start[] = {0.4, 0.8, 1, 0.25, 0, 0}, goal[] = {0.62, 0.9, 0.3, 0.35, 0.5, 0.6};
                double t = 60.0 * i / (n_time > 1 ? n_time - 1 : 1);
                double far = 1 - exp(-t / (14 + 3 * s + 2 * p));
                double centre = start[s] + (goal[s] - start[s] - 0.06 * p * (s % 2 ? 1 : -1)) * far
                              + 0.04 * sin(t / 5 + p) * far;
                double spread = 0.16 * far * (1 + 0.2 * p);
                char date[32];
                date_of((int)floor(t + 0.5), date);
                time[row] = t;
                frame_set_text(f, 0, row, POLICY[p]);
                frame_set_text(f, 1, row, STOCK[s]);
                frame_set_text(f, 2, row, date);
                for (int k = 0; k < 5; k++) q[k][row] = fmin(fmax(centre + z[k] * spread, 0), 1);
                mean[row] = fmin(fmax(centre + 0.01 * far, 0), 1);
            }
    b->report.series = f;
}

static void mode_series(Bundle *b, int n_policy, int n_time) {
    const int n_run = n_policy + 1;
    int n_value = 0;
    for (size_t m = 0; m < DUR_COUNT(MODE); m++) n_value += MODE[m].n;
    Frame *f = add(b, "mode_series", (int64_t)n_value * n_run * n_time);
    frame_add_text(f, "policy");
    frame_add_text(f, "mode");
    frame_add_text(f, "value");
    frame_add_text(f, "date");
    double *time = frame_add_number(f, "time", "month"), *share = frame_add_number(f, "share", "");
    int64_t row = 0;
    for (int p = 0; p < n_run; p++)
        for (size_t m = 0; m < DUR_COUNT(MODE); m++)
            for (int v = 0; v < MODE[m].n; v++)
                for (int i = 0; i < n_time; i++, row++) {
                    double t = 60.0 * i / (n_time > 1 ? n_time - 1 : 1), sum = 0, of = 0;
                    for (int u = 0; u < MODE[m].n; u++) {
                        double w = u == 0 ? exp(-t / (4 + p)) + 0.2
                                          : (1 - exp(-t / (6.0 * u + 2 * p + 1))) * (1 + 0.3 * sin(t / 9 + u + p));
                        sum += w;
                        if (u == v) of = w;
                    }
                    char date[32];
                    date_of((int)floor(t + 0.5), date);
                    time[row] = t;
                    share[row] = of / sum;
                    frame_set_text(f, 0, row, POLICY[p]);
                    frame_set_text(f, 1, row, MODE[m].mode);
                    frame_set_text(f, 2, row, MODE[m].value[v]);
                    frame_set_text(f, 3, row, date);
                }
    b->report.mode_series = f;
}

// ---- the rest -----------------------------------------------------------------------------------------------------

static void scenario(Bundle *b) {
    Report *r = &b->report;
    static const char *const actor_head[] = {"name", "text", "patience", "precision", "attends"};
    static const char *const actor[] = {
        "coercer", "coercing state", "20 months", "4", "2 per month",
        "government", "targeted government", "20 months", "4", "2 per month"};
    r->actors = TEXT_FRAME("actors", actor_head, actor);

    static const char *const move_head[] = {"name", "actor", "text", "when", "effect", "cost", "source"};
    static const char *const move[] = {
        "threaten_tariff", "coercer", NULL, "tariff == none", "tariff = threatened", "0.05", "op_ed:6",
        "impose_tariff", "coercer", NULL, "tariff == threatened", "tariff = imposed", "0.1", NULL,
        "lift_tariff", "coercer", NULL, "tariff == imposed", "tariff = none", NULL, NULL,
        "drop_tariff", "coercer", NULL, "tariff == threatened", "tariff = none", "0.15*(1 - credit)", NULL,
        "threaten_force", "coercer", "lets it be known that force is an "
                                     "option", "force == quiet", "force = threatened", "0.1", "op_ed:10",
        "stand_down", "coercer", NULL, "force == threatened", "force = quiet", "0.1*(1 - credit)", NULL,
        "step_up", "government", NULL, "crackdown == lax", "crackdown = show", "0.05", NULL,
        "go_full", "government", NULL, "crackdown == show", "crackdown = full", "0.05", NULL,
        "ease_off", "government", NULL, "crackdown == full", "crackdown = show", "0.02", NULL,
        "let_go", "government", NULL, "crackdown == show", "crackdown = lax", "0.02", NULL,
        "hand_over", "government", "hands a group of wanted prisoners over", "detainees >= 0.25",
        "detainees -= 0.25, credit += 0.5, attention -= 0.25", "0.25*collusion", "op_ed:1"};
    r->moves = TEXT_FRAME("moves", move_head, move);

    static const char *const event_head[] = {"name", "text", "rate", "effect", "source"};
    static const char *const event[] = {
        "incident", "an attack draws headlines", "0.1*traffic per month", "attention += 0.5", "op_ed:13"};
    r->events = TEXT_FRAME("events", event_head, event);

    static const char *const stock_head[] = {"name", "text", "drift", "unit", "source", "locator"};
    static const char *const stock[] = {
        "power", "reach of armed groups, share of territory",
        "0.03*collusion*(1 - power) + 0.002 - power * by crackdown { lax 0, show 0.012, full 0.05 "
        "}", "", "op_ed", "14",
        "collusion", "strength of the state-cartel alliance",
        "0.03*(1 - collusion)*[crackdown == lax] + 0.01*power*(1 - collusion) - 0.05*collusion*[crackdown == "
        "full]", "", "op_ed", "4",
        "detainees", "wanted prisoners in hand", "0.004 + by crackdown { lax 0, show 0.01, full 0.03 "
                "}", "share of the list", "op_ed", "3",
        "attention", "salience of the issue to the coercer", "0.03*(1 - attention)*traffic - "
                "fade*attention", "", NULL, NULL,
        "credit", "visible cooperation, as the coercer sees it", "-0.1*credit + (1 - credit) * by crackdown { lax 0, "
                "show 0.1, full 0.14 }",
        "", NULL, NULL,
        "outside", "economic option beside the coercer", "if tariff != none or force != quiet then 0.006*(1 - "
                "outside) else -0.002*outside",
        "", "op_ed", "7"};
    Frame *stocks = TEXT_FRAME("stocks", stock_head, stock);
    static const double low[6] = {0}, high[6] = {1, 1, 1, 1, 1, 1}, start[6] = {0.4, 0.8, 1, 0.25, 0, 0};
    numbers(stocks, "low", "", low);
    numbers(stocks, "high", "", high);
    numbers(stocks, "start", "", start);
    r->stocks = stocks;

    static const char *const mode_head[] = {"name", "actor", "values"};
    static const char *const mode[] = {
        "tariff", "coercer", "none, threatened, imposed",
        "force", "coercer", "quiet, threatened",
        "crackdown", "government", "lax, show, full"};
    r->modes = TEXT_FRAME("modes", mode_head, mode);

    static const char *const payoff_head[] = {"actor", "term", "expression"};
    static const char *const payoff[] = {
        "coercer", "harm", "-1.2*traffic*(0.3 + attention)",
        "coercer", "own_cost", "-by tariff { none 0, threatened 0.03, imposed 0.35 } - 0.08*[force == threatened]",
        "coercer", "win", "0.9*credit*(0.2 + attention)",
        "government", "rents", "1.2*collusion*power",
        "government", "trade", "-(1 - 0.6*outside) * by tariff { none 0, threatened 0.25, imposed 1.6 }",
        "government", "survival", "-fear*strike",
        "government", "effort", "-by crackdown { lax 0, show 0.15, full 0.55 + 0.3*collusion }",
        "government", "public", "-0.15*power"};
    r->payoffs = TEXT_FRAME("payoffs", payoff_head, payoff);

    static const char *const definition_head[] = {"name", "text", "expression", "source", "locator"};
    static const char *const definition[] = {
        "strike", "risk of a strike", "[force == threatened]*(1 - credit)", "op_ed", "12",
        "strain", NULL, "power*[crackdown > lax]", NULL, NULL};
    r->definitions = TEXT_FRAME("definitions", definition_head, definition);

    static const char *const link_head[] = {"from", "to", "kind"};
    static const char *const link[] = {
        "threaten_tariff", "tariff", "changes", "impose_tariff", "tariff", "changes",
        "lift_tariff", "tariff", "changes",
        "drop_tariff", "tariff", "changes", "threaten_force", "force", "changes", "stand_down", "force", "changes",
        "step_up", "crackdown", "changes", "go_full", "crackdown", "changes", "ease_off", "crackdown", "changes",
        "let_go", "crackdown", "changes", "hand_over", "detainees", "changes", "hand_over", "credit", "changes",
        "hand_over", "attention", "changes", "incident", "attention", "changes",
        "collusion", "power", "drives", "crackdown", "power", "drives", "power", "power", "drives",
        "crackdown", "collusion", "drives", "power", "collusion", "drives", "collusion", "collusion", "drives",
        "crackdown", "detainees", "drives", "power", "attention", "drives", "crackdown", "attention", "drives",
        "crackdown", "credit", "drives", "tariff", "outside", "drives", "force", "outside", "drives",
        "power", "incident", "hastens", "crackdown", "incident", "hastens",
        "collusion", "government", "weighs", "power", "government", "weighs", "attention", "coercer", "weighs"};
    r->links = TEXT_FRAME("links", link_head, link);

    static const char *const param_head[] = {"name", "unit", "prior", "source", "locator", "text"};
    static const char *const param[] = {
        "fear", "", "lognormal(log(6), 0.4)", "op_ed", "8", "weight on own survival",
        "fade", "per month", "lognormal(log(0.12), 0.5)", "op_ed", "19", "decay of attention",
        "grudge", "", "uniform(0, 1)", NULL, NULL, "how long a slight is remembered"};
    Frame *params = TEXT_FRAME("params", param_head, param);
    static const double value[] = {6, 0.12, 0.35}, assumed[] = {0, 0, 1};
    numbers(params, "value", "", value);
    numbers(params, "assumed", "", assumed);
    r->params = params;

    static const char *const source_head[] = {"name", "text", "url", "date", "file"};
    static const char *const source[] = {
        "op_ed", "opinion article", NULL, "2025-03-05", "op_ed.txt",
        "yearbook", "yearly record of extraditions", "https://example.org/yearbook?year=2024&table=3",
        "2024-12-31", NULL,
        "trap", "an address that is none", "javascript:alert(1)", NULL, NULL};
    r->sources = TEXT_FRAME("sources", source_head, source);
}

static void policies(Bundle *b, int n_policy) {
    static const char *const head[] = {"name", "text", "actor", "what"};
    static const char *const cell[] = {
        "relax", "declares a win after half a year", "coercer",
        "from 6 month: tariff = none, force = quiet; never threaten_tariff, threaten_force",
        "hold", "keeps the pressure on whatever happens", "coercer",
        "from 0 month: tariff = threatened, force = threatened; never lift_tariff, drop_tariff, stand_down",
        "silent", "makes no threat", "coercer", "never threaten_tariff, threaten_force",
        "reciprocal", "answers in kind", "coercer", "always lift_tariff when credit > 0.5",
        "escalate_then_wait", "one step up, then patience", "coercer", "from 3 month: tariff = imposed",
        "ask", "asks, and asks again", "coercer", "precision 2"};
    b->report.policies = text_frame(b, "policies", 4, head, n_policy, cell);
}

static void results(Bundle *b) {
    Report *r = &b->report;
    static const char *const claim_head[] = {"name", "text", "sentence", "verdict", "comparison", "method",
                                             "source", "locator"};
    static const char *const claim[] = {
        "threats_work", "threats bring hand-overs that would not have come",
        "E(count(hand_over) over 12 month) > 2*E(count(hand_over) over 12 month | "
        "silent)", "holds", ">", "exact", "op_ed", "6",
        "reversion", "once the coercer moves on, enforcement is lax again within a year",
        "P(crackdown == lax within 12 month after 6 month | relax) >= 0.7", "holds", ">=", "sampled", "op_ed", "19",
        "alliance_survives", "hand-overs leave the alliance itself as strong as before",
        "E(collusion at 24 month) >= E(collusion at 0 month)", "fails", ">=", "exact", "op_ed", "17",
        "hold_is_better", "kept-up pressure leaves armed groups weaker than relaxing does",
        "E(power at 48 month | hold) < E(power at 48 month | relax) - 0.05", "undecided", "<", "sampled", NULL, NULL};
    Frame *claims = TEXT_FRAME("claims", claim_head, claim);
    static const double left[] = {1.8342, 0.7612, 0.7433, 0.5127}, right[] = {1.2204, 0.7, 0.8, 0.5103},
        low[] = {0.61379999, 0.0488, -0.05670001, -0.0041}, high[] = {0.61380001, 0.0731, -0.05669999, 0.0089},
        confidence[] = {1, 0.99, 1, 0.99}, runs[] = {0, 8000, 0, 100000};
    numbers(claims, "left", "", left);
    numbers(claims, "right", "", right);
    numbers(claims, "low", "", low);
    numbers(claims, "high", "", high);
    numbers(claims, "confidence", "", confidence);
    numbers(claims, "runs", "", runs);
    r->claims = claims;

    static const char *const account_head[] = {"name", "text", "overrides", "source"};
    static const char *const account[] = {"as_written", "the scenario as it is written", NULL, NULL,
                                          "own_agenda", "a new government's own agenda", "param effort", "op_ed:6"};
    r->accounts = TEXT_FRAME("accounts", account_head, account);
    static const char *const prediction_head[] = {"claim", "text", "account", "verdict", "comparison"};
    static const char *const prediction[] = {
        "threats_work", "threats bring hand-overs", "as_written", "holds", ">", "threats_work", "threats bring hand-overs", "own_agenda", "fails", ">"};
    Frame *predictions = TEXT_FRAME("predictions", prediction_head, prediction);
    static const double say_left[] = {1.8342, 0.631}, say_right[] = {1.2204, 0.971}, alone[] = {0, 1};
    numbers(predictions, "left", "", say_left);
    numbers(predictions, "right", "", say_right);
    numbers(predictions, "alone", "", alone);
    r->predictions = predictions;

    static const char *const actor_head[] = {"actor"};
    static const char *const actor[] = {"coercer", "government"};
    static const double value[] = {-9.4183, 6.2071}, regret[] = {0.0312, 0.0187};
    Frame *values = TEXT_FRAME("values", actor_head, actor), *regrets = TEXT_FRAME("regret", actor_head, actor);
    numbers(values, "value", "payoff", value);
    numbers(regrets, "value", "payoff", regret);
    r->values = values;
    r->regret = regrets;

    static const char *const choice_head[] = {"actor", "move"};
    static const char *const choice[] = {
        "coercer", "threaten_tariff", "coercer", "impose_tariff", "coercer", "threaten_force", "coercer", "wait",
        "government", "step_up", "government", "hand_over", "government", "wait"};
    static const double probability[] = {0.3412, NAN, 0.2804, 0.3784, 0.0003, 0.2418, 0.7579};
    Frame *choices = TEXT_FRAME("choices", choice_head, choice);
    numbers(choices, "probability", "", probability);
    r->choices = choices;

    static const char *const story_head[] = {"name", "policy", "title", "how", "command", "start", "end"};
    static const char *const story[] = {"typical", "", "A typical run", "Nearest to the medians <of all>.",
                                        "duress trace x.duress --run 7", "tariff=none", "tariff=imposed"};
    static const double story_run[] = {7}, story_happened[] = {100}, story_told[] = {2};
    Frame *stories = TEXT_FRAME("stories", story_head, story);
    numbers(stories, "run", "", story_run);
    numbers(stories, "happened", "", story_happened);
    numbers(stories, "told", "", story_told);
    r->stories = stories;
    static const char *const happened_head[] = {"story", "date", "kind", "text"};
    static const char *const happened[] = {"typical", "2025-02-01", "move", "president: threaten & `wait`",
                                           "typical", "2025-03-01", "event", "shock"};
    static const double happened_time[] = {0.4, 1.3};
    Frame *story_events = TEXT_FRAME("story_events", happened_head, happened);
    numbers(story_events, "time", "month", happened_time);
    r->story_events = story_events;
    static const char *const reason_head[] = {"actor", "move", "sentence"};
    static const char *const reason[] = {
        "coercer", "threaten_tariff", "threaten_tariff (chosen 34 % of the time) is worth 0.12 more than waiting.",
        "government", "hand_over", "hand_over (chosen 24 % of the time) is worth 0.42 less than waiting.",
        "government", "step_up", "step_up (chosen below 0.1 % of the time) is worth 0.9 less than waiting."};
    static const double chosen[] = {0.3412, 0.2418, 0.0003}, advantage[] = {0.12, -0.42, -0.9};
    Frame *reasons = TEXT_FRAME("reasons", reason_head, reason);
    numbers(reasons, "probability", "", chosen);
    numbers(reasons, "advantage", "", advantage);
    r->reasons = reasons;
    static const char *const part_head[] = {"actor", "move", "part", "carrier"};
    static const char *const part[] = {
        "coercer", "threaten_tariff", "win", "replies of government", "coercer", "threaten_tariff", "own_cost", "the step itself",
        "coercer", "threaten_tariff", "own_cost", "own later moves",
        "government", "hand_over", "survival", "replies of coercer", "government", "hand_over", "survival", "drift of attention",
        "government", "hand_over", "cost of hand_over", "the step itself", "government", "hand_over", "rents", "drift of power",
        "government", "step_up", "effort", "the step itself"};
    static const double part_value[] = {0.3, -0.5, 0.32, 0.25, 0.05, -0.7, -0.02, -0.9};
    Frame *parts = TEXT_FRAME("reason_parts", part_head, part);
    numbers(parts, "value", "", part_value);
    r->reason_parts = parts;
    static const char *const mind_head[] = {"actor", "text"};
    static const char *const mind[] = {
        "coercer", "Its mind changes nowhere along any stock.",
        "government", "Its choice is most sensitive to `fear`."};
    r->minds = TEXT_FRAME("minds", mind_head, mind);
    static const char *const turn_head[] = {"actor", "stock", "turn"};
    static const char *const turn[] = {
        "government", "attention", "hand_over becomes better than waiting", "government", "attention", "step_up is then the best",
        "government", "outside", "nowhere in its range"};
    static const double here[] = {0.25, 0.25, 0}, changes_at[] = {0.4, 0.9, NAN};
    Frame *turns = TEXT_FRAME("mind_changes", turn_head, turn);
    numbers(turns, "here", "", here);
    numbers(turns, "at", "", changes_at);
    r->mind_changes = turns;
    static const char *const slope_head[] = {"actor", "param", "move"};
    static const char *const slope[] = {
        "government", "fear", "", "government", "fear", "hand_over", "government", "fear", "step_up",
        "government", "fade", "", "government", "fade", "hand_over", "government", "fade", "step_up"};
    static const double slope_from[] = {6, 6, 6, 0.12, 0.12, 0.12}, slope_to[] = {8.7, 8.7, 8.7, 0.19, 0.19, 0.19},
        effect[] = {-0.3, 0.12, 1e-15, 0.01, -0.02, 0.0001}, kink[] = {0, 0, 0, 0, 1, 0};
    Frame *slopes = TEXT_FRAME("sensitivities", slope_head, slope);
    numbers(slopes, "from", "", slope_from);
    numbers(slopes, "to", "", slope_to);
    numbers(slopes, "effect", "", effect);
    numbers(slopes, "kink", "", kink);
    r->sensitivities = slopes;

    static const char *const quantity_head[] = {"quantity"};
    static const char *const quantity[] = {"residual", "tolerance", "consistency", "iterations", "steps", "seconds",
                                           "certificate_seconds", "memory", "largest_value"};
    static const double found[] = {3.21e-9, 1e-8, 4.4e-7, 1184, 9, 4.217, 61.3, 187e6, 11.25};
    Frame *certificate = TEXT_FRAME("certificate", quantity_head, quantity);
    numbers(certificate, "value", "", found);
    r->certificate = certificate;
    r->converged = true;
}

void bundle_rich(Bundle *b, int n_policy, int n_time) {
    *b = (Bundle){0};
    b->report = (Report){
        .title = "Pressure on a state-cartel alliance", .subtitle = "A small case: one coercer, one government, "
                "armed groups as nature",
        .path = "scenarios/us-mexico/us-mexico.duress", .version = "0.1.0",
        .unit = "month", .from = "2025-01-20", .until = "2030-01-20",
        .hash = "919d45b8ac9f9450e7e32a476eb06c019b9023714a03f3a6400ad4d03be61393",
        .choice = "quantal", .simulation = "continuous",
        .command = "duress run scenarios/us-mexico/us-mexico.duress --runs 10000 --seed 1 --html us-mexico.html",
        .seed = 1, .runs = 10000, .states = 324000};
    scenario(b);
    policies(b, n_policy);
    results(b);
    series(b, n_policy, n_time);
    mode_series(b, n_policy, n_time);
}

void bundle_small(Bundle *b) {
    *b = (Bundle){0};
    b->report = (Report){.title = "One stock"};
    static const char *const head[] = {"name"};
    static const char *const cell[] = {"x"};
    b->report.stocks = TEXT_FRAME("stocks", head, cell);
}

void bundle_crowd(Bundle *b, int n_stock) {
    *b = (Bundle){0};
    b->report = (Report){.title = "A crowd"};
    static const char *const actor_head[] = {"name"};
    static const char *const actor[] = {"everyone"};
    b->report.actors = TEXT_FRAME("actors", actor_head, actor);
    Frame *stocks = add(b, "stocks", n_stock), *moves = add(b, "moves", n_stock);
    Frame *links = add(b, "links", 2 * n_stock);
    frame_add_text(stocks, "name");
    frame_add_text(moves, "name");
    frame_add_text(moves, "actor");
    frame_add_text(links, "from");
    frame_add_text(links, "to");
    frame_add_text(links, "kind");
    for (int i = 0; i < n_stock; i++) {
        char stock[64], move[64], next[64];
        snprintf(stock, sizeof stock, "a_stock_with_quite_a_long_name_%d", i);
        snprintf(move, sizeof move, "push_%d", i);
        snprintf(next, sizeof next, "a_stock_with_quite_a_long_name_%d", (i + 7) % n_stock);
        frame_set_text(stocks, 0, i, stock);
        frame_set_text(moves, 0, i, move);
        frame_set_text(moves, 1, i, "everyone");
        frame_set_text(links, 0, 2 * i, move);
        frame_set_text(links, 1, 2 * i, stock);
        frame_set_text(links, 2, 2 * i, "changes");
        frame_set_text(links, 0, 2 * i + 1, stock);
        frame_set_text(links, 1, 2 * i + 1, next);
        frame_set_text(links, 2, 2 * i + 1, "drives");
    }
    b->report.stocks = stocks;
    b->report.moves = moves;
    b->report.links = links;
}

#define SPOIL "<script>alert('x')</script>\"'&amp;</style>]]>\x01\xFF\xE2\x82"

// parts that other frames know by themselves are spoilt one by one: "none, threatened" at the comma, "op_ed:6" at the
// colon
static void spoil(char *to, size_t size, const char *was, char separator) {
    size_t n = 0;
    for (const char *c = was; n + sizeof SPOIL + 2 < size; c++) {
        if (*c == '\0' || *c == separator) n += (size_t)snprintf(to + n, size - n, "%s", SPOIL);
        if (*c == '\0') break;
        to[n++] = *c;
    }
    to[n] = '\0';
}

void bundle_spoil(Bundle *b) {
    static const char *const steering[] = {"kind", "verdict", "date", "comparison", "quantity", "url"};
    for (int f = 0; f < b->n_frame; f++)
        for (int32_t c = 0; c < b->frame[f]->n_column; c++) {
            Column *column = &b->frame[f]->column[c];
            bool is_kept = column->kind != COLUMN_TEXT;
            for (size_t i = 0; i < DUR_COUNT(steering); i++)
                is_kept = is_kept || strcmp(column->name, steering[i]) == 0;
            char separator = strcmp(column->name, "values") == 0 ? ','
                             : strcmp(column->name, "source") == 0 ? ':' : '\0';
            for (int64_t i = 0; i < b->frame[f]->n_row && !is_kept; i++) {
                char spoilt[1024];
                const char *was = column->text[i] ? column->text[i] : "";
                if (!was[0]) continue;
                spoil(spoilt, sizeof spoilt, was, separator);
                if (!frame_set_text(b->frame[f], c, i, spoilt)) abort();
            }
        }
    b->report.title = "Title" SPOIL;
    b->report.subtitle = "Subtitle" SPOIL;
    b->report.command = "duress run 'a & b.duress' && echo \"<done>\"" SPOIL;
    b->report.unit = "month\" onload=\"x" SPOIL;
    b->report.path = "</code><img src=x>" SPOIL;
    b->report.hash = b->report.version = b->report.choice = b->report.simulation = "word" SPOIL;
}
