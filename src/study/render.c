#include "study/render.h"

#include "base/memory.h"
#include "study/keep.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/// Runs of one quantity when none are asked for.
#define QUANTITY_RUNS 100000

void render_identity(Json *j, const DurScenario *s) {
    const Model *m = s->model;
    json_pair_string(j, "scenario", m->title);
    json_pair_string(j, "file", m->path);
    json_pair_string(j, "hash", m->hash);
    // parameters that --set changed, in the unit in which they are declared
    json_key(j, "set");
    json_object(j);
    for (int32_t p = 0; p < m->n_param; p++)
        if (memcmp(&s->session.param[p], &m->param[p].value, sizeof(double)) != 0)
            json_pair_number(j, m->param[p].name, s->session.param[p] / m->param[p].scale);
    json_end_object(j);
}

void render_seed(Json *j, uint64_t seed) {
    char digits[32];
    snprintf(digits, sizeof digits, "%" PRIu64, seed);
    if (seed <= INT64_MAX) json_pair_int(j, "seed", (int64_t)seed);
    else json_pair_string(j, "seed", digits);
}

void put_solve(Text *out, const DurScenario *s) {
    const GameSolution *g = &s->session.equilibrium;
    text_number(out, (double)s->session.lattice->n_state, 15);
    text_printf(out, " states, choice %s; %s in ", s->model->choice == CHOICE_TASTE ? "taste" : "quantal",
                g->verdict == GAME_CONVERGED ? "solved" : "NOT solved");
    put_seconds(out, g->seconds);
    text_append(out, ", ");
    text_number(out, (double)g->n_sweep, 15);
    text_append(out, g->n_sweep == 1 ? " sweep, " : " sweeps, ");
    put_bytes(out, (double)(g->n_byte + s->session.lattice->n_byte));
    text_append(out, " of memory");
}

const char *comparison_sign(Comparison comparison) {
    switch (comparison) {
        case COMPARE_LESS: return "<";
        case COMPARE_LESS_EQUAL: return "<=";
        case COMPARE_GREATER: return ">";
        case COMPARE_GREATER_EQUAL: return ">=";
        case COMPARE_EQUAL: return "==";
        case COMPARE_NOT_EQUAL: return "!=";
    }
    return "?";
}

void put_cite(Text *out, const Model *m, ModelCite cite) {
    if (cite.source < 0) return;
    text_append(out, m->source[cite.source].name);
    if (cite.locator) text_printf(out, ":%s", cite.locator);
}

void put_method(Text *out, const CheckAnswer *answer) {
    if (answer->method == CHECK_EXACT) {
        text_append(out, "exact");
        return;
    }
    text_number(out, (double)answer->n_run, 15);
    text_append(out, answer->n_run == 1 ? " run" : " runs");
}

void put_interval(Text *out, const CheckAnswer *answer) {
    if (answer->method == CHECK_EXACT) {
        text_printf(out, "± %.1g", fmax(answer->high - answer->value, answer->value - answer->low));
        return;
    }
    text_char(out, '[');
    text_number(out, answer->low, 4);
    text_append(out, ", ");
    text_number(out, answer->high, 4);
    text_append(out, "] at ");
    text_confidence(out, answer->confidence);
    text_append(out, " %");
}

void put_not_exact(Text *out, const CheckAnswer *answer, int indent) {
    if (!answer->not_exact[0]) return;
    Text words = {0};
    text_printf(&words, "sampled, since it can't be had exactly: %s", answer->not_exact);
    text_repeat(out, ' ', indent);
    put_wrapped(out, text_view(&words), indent, indent);
    text_char(out, '\n');
    text_free(&words);
}

void put_claim_note(Text *out, const ClaimAnswer *answer) {
    const char *left = answer->found.left.note, *right = answer->found.right.note;
    if (answer->status != DUR_OK) left = answer->note, right = NULL;
    if (left) text_append(out, left);
    if (right && (!left || strcmp(left, right) != 0)) text_printf(out, "%s%s", left ? "; " : "", right);
}

void render_not_exact(Json *j, const CheckAnswer *answer) {
    json_pair_string(j, "not_exact", answer->not_exact[0] ? answer->not_exact : NULL);
}

bool is_unseen(const CheckAnswer *answer) {
    return answer->method == CHECK_SAMPLED && answer->value == 0 && answer->low == 0 && answer->high > 0;
}

double unseen_bound(const CheckAnswer *answer) { return is_unseen(answer) && isfinite(answer->high) ? answer->high : NAN; }

void grid_side(Grid *grid, const CheckAnswer *answer) {
    double bound = unseen_bound(answer);
    if (isnan(bound)) {
        grid_number(grid, answer->value, 4);
        return;
    }
    Text words = {0};
    text_append(&words, "0, at most ");
    text_number(&words, bound, 3);
    grid_cell(grid, "%s", text_view(&words));
    text_free(&words);
}

void put_unseen(Text *out, const CheckAnswer *answer) {
    text_append(out, answer->n_run == 1 ? "the run did not show it" : "none of the runs showed it");
    if (isfinite(unseen_bound(answer))) {
        text_append(out, ", so it is at most ");
        text_number(out, unseen_bound(answer), 3);
    }
    text_append(out, "; --exact tells how much, where it can be had");
}

CheckOptions study_check_options(const DurScenario *s, const DurOptions *options, int64_t default_runs) {
    return (CheckOptions){
        .exact = options->exact,
        .kind = options->lattice ? SIM_LATTICE : SIM_CONTINUOUS,
        .n_run = options->runs > 0 ? options->runs : default_runs,
        .seed = options->seed,
        .confidence = options->confidence,
        .known = s->session.known,
        .progress = &s->progress,
    };
}

DurStatus study_quantity(CheckAnswer *out, DurScenario *s, const DurOptions *options, int32_t quantity, DurError *error) {
    const Plan **plan = memory_zeroed((size_t)s->model->n_policy + 1, sizeof *plan);
    if (!plan) return status_fail(error, DUR_MEMORY, "out of memory");
    int32_t at = plan_index(&s->model->quantity[quantity]);
    DurStatus status = study_plan(s, at - 1, &plan[at], error);
    if (status == DUR_OK) {
        CheckPlans plans = {.lattice = s->session.lattice, .plan = plan};
        CheckOptions how = study_check_options(s, options, QUANTITY_RUNS);
        char name[200];
        snprintf(name, sizeof name, "%.160squantity", s->stage ? s->stage : "");
        how.keep = keep_runs(s);
        how.keep_name = name;
        status = check_quantity(out, &plans, quantity, &how, s->team, error);
    }
    memory_free((void *)plan);
    return status;
}

DurStatus study_plans(DurScenario *s, const bool *wanted, const Plan **out, DurError *error) {
    for (int32_t p = -1; p < s->model->n_policy; p++) {
        out[1 + p] = NULL;
        if (wanted[1 + p]) TRY(study_plan(s, p, &out[1 + p], error));
    }
    return DUR_OK;
}
