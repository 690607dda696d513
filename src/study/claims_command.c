#include "base/memory.h"
#include "study/draws.h"
#include "study/equilibria.h"
#include "study/render.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/// Most runs that one claim may use when none are asked for: enough to tell shares half a point apart at 99 %.
#define RUNS 100000

// policies under which the quantities of an expression are asked
static void mark_policies(const Model *m, ProgramId program, bool *wanted) {
    if (program == PROGRAM_NONE) return;
    const Program *p = &m->program[program];
    for (int32_t k = p->first; k < p->first + p->n_op; k++)
        if (m->op[k].code == OP_QUANTITY) wanted[plan_index(&m->quantity[m->op[k].a])] = true;
}

static void not_judged(ClaimAnswer *answer, DurStatus status, const char *why) {
    const CheckAnswer none = {.value = NAN, .low = NAN, .high = NAN};
    answer->status = status;
    answer->found = (CheckClaim){.verdict = CHECK_UNDECIDED, .left = none, .right = none, .gap = none};
    snprintf(answer->note, sizeof answer->note, "%s", why);
}

static bool ends_the_work(DurStatus status) {
    return status == DUR_INTERRUPTED || status == DUR_MEMORY || status == DUR_LIMIT || status == DUR_DOMAIN;
}

static DurStatus judge_one(ClaimAnswer *answer, DurScenario *s, const DurOptions *options, bool *wanted,
                           const Plan **plan, DurError *error) {
    const Model *m = s->model;
    const ModelClaim *claim = &m->claim[answer->claim];
    memset(wanted, 0, (size_t)m->n_policy + 1);
    mark_policies(m, claim->left, wanted);
    mark_policies(m, claim->right, wanted);
    DurError why = {0};
    DurStatus status = study_plans(s, wanted, plan, &why);
    if (status == DUR_OK) {
        CheckPlans plans = {.lattice = s->session.lattice, .plan = plan};
        CheckOptions how = study_check_options(s, options, RUNS);
        status = check_claim(&answer->found, &plans, answer->claim, &how, s->team, &why);
    }
    if (status == DUR_OK) return DUR_OK;
    if (ends_the_work(status)) return status_fail(error, status, "claim %s: %s", claim->name, why.text);
    not_judged(answer, status, why.text);
    return DUR_OK;
}

// the claims asked for: all, or the one of a name
static DurStatus choose(ClaimAnswers *out, const Model *m, const char *name, DurError *error) {
    int32_t only = name ? model_find_claim(m, name) : -1;
    if (name && only < 0) {
        const char **names = memory_zeroed((size_t)m->n_claim, sizeof *names);
        if (!names) return status_fail(error, DUR_MEMORY, "out of memory");
        for (int32_t c = 0; c < m->n_claim; c++) names[c] = m->claim[c].name;
        const char *near = text_nearest(name, names, m->n_claim);
        if (near) status_fail(error, DUR_INPUT, "there is no claim `%s`; did you mean `%s`?", name, near);
        else      status_fail(error, DUR_INPUT, "there is no claim `%s`", name);
        memory_free((void *)names);
        return DUR_INPUT;
    }
    out->n = name ? 1 : m->n_claim;
    out->item = memory_zeroed((size_t)out->n, sizeof *out->item);
    if (!out->item) return status_fail(error, DUR_MEMORY, "out of memory");
    for (int32_t c = 0; c < out->n; c++) out->item[c].claim = name ? only : c;
    return DUR_OK;
}

DurStatus claims_judge(ClaimAnswers *out, DurScenario *s, const DurOptions *options, DurError *error) {
    *out = (ClaimAnswers){0};
    TRY(choose(out, s->model, options->claim, error));
    size_t n_plan = (size_t)s->model->n_policy + 1;
    bool *wanted = memory_zeroed(n_plan, sizeof *wanted);
    const Plan **plan = memory_zeroed(n_plan, sizeof *plan);
    DurStatus status = wanted && plan ? DUR_OK : status_fail(error, DUR_MEMORY, "out of memory");
    for (int32_t c = 0; c < out->n && status == DUR_OK; c++) {
        ClaimAnswer *answer = &out->item[c];
        s->label = s->model->claim[answer->claim].name;
        status = judge_one(answer, s, options, wanted, plan, error);
        out->n_verdict[answer->found.verdict]++;
        if (out->status == DUR_OK) out->status = answer->status;
    }
    s->label = NULL;
    memory_free(wanted);
    memory_free((void *)plan);
    if (status == DUR_OK) status = equilibria_judge(&out->others, s, out, options, error);
    if (status != DUR_OK) claims_free(out);
    return status;
}

void claims_free(ClaimAnswers *answers) {
    memory_free(answers->item);
    memory_free(answers->others.verdict);
    memory_free(answers->others.gap);
    *answers = (ClaimAnswers){0};
}

// ---- what they say ----------------------------------------------------------------------------------------------

static void render_interval(Json *j, const char *key, const CheckAnswer *a) {
    json_key(j, key);
    json_array(j);
    json_number(j, a->low);
    json_number(j, a->high);
    json_end_array(j);
}

static void render_claim(Json *j, const Model *m, const ClaimAnswers *all, int32_t i) {
    const ClaimAnswer *answer = &all->item[i];
    const ModelClaim *claim = &m->claim[answer->claim];
    const CheckClaim *f = &answer->found;
    json_object(j);
    json_pair_string(j, "name", claim->name);
    json_pair_string(j, "text", claim->text);
    json_pair_string(j, "sentence", claim->sentence);
    json_pair_string(j, "verdict", check_verdict_name(f->verdict));
    json_pair_number(j, "left", f->left.value);
    json_pair_number(j, "right", f->right.value);
    render_interval(j, "left_interval", &f->left);
    render_interval(j, "right_interval", &f->right);
    json_pair_number(j, "gap", f->gap.value);
    render_interval(j, "interval", &f->gap);
    json_pair_string(j, "method", answer->status == DUR_OK ? check_method_name(f->gap.method) : NULL);
    json_pair_int(j, "runs", f->gap.n_run);
    json_pair_number(j, "confidence", f->gap.confidence);
    json_pair_number(j, "seconds", f->gap.seconds);
    Text source = {0};
    put_cite(&source, m, claim->cite);
    json_pair_string(j, "source", source.length ? text_view(&source) : NULL);
    text_free(&source);
    if (answer->note[0]) json_pair_string(j, "note", answer->note);
    render_equilibria_claim(j, &all->others, i);
    json_end_object(j);
}

void render_claims(Json *j, const Model *m, const ClaimAnswers *answers) {
    json_array(j);
    for (int32_t c = 0; c < answers->n; c++) render_claim(j, m, answers, c);
    json_end_array(j);
}

static void put_claim(Text *out, const Model *m, const ClaimAnswer *answer) {
    const ModelClaim *claim = &m->claim[answer->claim];
    const CheckClaim *f = &answer->found;
    text_printf(out, "\n  %-9s  %s", check_verdict_name(f->verdict), claim->name);
    if (claim->text && claim->text[0]) text_printf(out, ": %s", claim->text);
    text_printf(out, "\n             %s\n             ", claim->sentence);
    if (answer->status != DUR_OK) {
        text_printf(out, "not judged: %s\n", answer->note);
        return;
    }
    text_number(out, f->left.value, 5);
    text_append(out, " against ");
    text_number(out, f->right.value, 5);
    text_append(out, ", difference ");
    text_number(out, f->gap.value, 4);
    text_char(out, ' ');
    put_interval(out, &f->gap);
    text_append(out, "; ");
    put_method(out, &f->gap);
    if (claim->cite.source >= 0) {
        text_append(out, "; ");
        put_cite(out, m, claim->cite);
    }
    text_char(out, '\n');
}

void put_claims(Text *out, const Model *m, const ClaimAnswers *answers) {
    for (int32_t c = 0; c < answers->n; c++) put_claim(out, m, &answers->item[c]);
    const int32_t *n = answers->n_verdict;
    if (answers->n == 0) text_append(out, "\n  The scenario makes no claim.\n");
    else text_printf(out, "\n  %d %s, %d %s, %d undecided\n", n[CHECK_HOLDS], n[CHECK_HOLDS] == 1 ? "holds" : "hold",
                     n[CHECK_FAILS], n[CHECK_FAILS] == 1 ? "fails" : "fail", n[CHECK_UNDECIDED]);
}

static DurStatus claims(DurScenario *s, const DurOptions *options, DurResult *result, DurError *error) {
    ClaimAnswers answers;
    TRY(claims_judge(&answers, s, options, error));
    Json j = json_make(&result->json);
    render_claims(&j, s->model, &answers);
    text_printf(&result->text, "%s\n", s->model->title);
    put_claims(&result->text, s->model, &answers);
    put_equilibria_claims(&result->text, s, &answers);

    DurStatus status = answers.status;
    if (status != DUR_OK) {
        // the first one is the one that is told
        for (int32_t c = 0; c < answers.n; c++) {
            const ClaimAnswer *answer = &answers.item[c];
            if (answer->status != DUR_OK)
                status_fail(error, status, "claim %s: %s", s->model->claim[answer->claim].name, answer->note);
        }
    } else if (options->strict && answers.n_verdict[CHECK_HOLDS] < answers.n) {
        status = status_fail(error, DUR_UNMET, "%d of %d claims hold", answers.n_verdict[CHECK_HOLDS], answers.n);
    }
    claims_free(&answers);
    return status;
}

static DurStatus shares(DurScenario *s, const DurOptions *options, DurResult *result, DurError *error) {
    Draws draws;
    DurStatus status = draws_judge(&draws, s, options, error);
    if (status == DUR_OK || (status == DUR_INTERRUPTED && draws.item && draws.n_draw > 0)) {
        Json j = json_make(&result->json);
        render_draws(&j, s, &draws);
        put_draws(&result->text, s, &draws);
    }
    draws_free(&draws);
    return status;
}

DurStatus dur_claims(DurScenario *s, const DurOptions *options, DurResult **out, char error[1024]) {
    DurError why = {0};
    DurResult *result = NULL;
    DurStatus status = study_begin(s, &options, &result, &why);
    if (status == DUR_OK) status = options->draws ? shares(s, options, result, &why) : claims(s, options, result, &why);
    return result_finish(&result, out, status, &why, error);
}
