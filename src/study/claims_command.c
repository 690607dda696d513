#include "base/memory.h"
#include "study/doubts.h"
#include "study/draws.h"
#include "study/equilibria.h"
#include "study/keep.h"
#include "study/ledger.h"
#include "study/page.h"
#include "study/render.h"
#include "study/warn.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/// Most runs that one claim may use when none are asked for: enough to tell shares half a point apart at 99 %.
#define RUNS 100000

/// Gains of common luck that are worth a line.
#define GAIN_TOLD 1.1

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
    answer->found = (CheckClaim){.verdict = CHECK_UNDECIDED, .left = none, .right = none, .gap = none, .gain = NAN};
    snprintf(answer->note, sizeof answer->note, "%s", why);
}

static bool ends_the_work(DurStatus status) {
    return status == DUR_INTERRUPTED || status == DUR_MEMORY || status == DUR_LIMIT;
}

// ---- what is kept of a claim that is judged ---------------------------------------------------------------------

enum { NOTE_BYTES = sizeof ((ClaimAnswer){0}).bound_note[0] };

// in plain numbers and texts: the same bytes wherever the program that reads them stands in memory
typedef struct KeptClaim {
    int32_t status, verdict;
    struct { double value, low, high, confidence, seconds; int64_t n_run, method;
             char note[NOTE_BYTES], not_exact[CHECK_REASON]; } answer[3];
    double gain;
    char note[1024], doubts[sizeof ((ClaimAnswer){0}).doubts];
} KeptClaim;

static void keep_name(const DurScenario *s, const ModelClaim *claim, char name[320]) {
    snprintf(name, 320, "%.60sclaim %.200s", s->stage ? s->stage : "", claim->name);
}

static void save_claim(const DurScenario *s, const char *name, const ClaimAnswer *answer) {
    KeptClaim kept;
    memset(&kept, 0, sizeof kept);
    kept.status = (int32_t)answer->status;
    kept.verdict = (int32_t)answer->found.verdict;
    kept.gain = answer->found.gain;
    const CheckAnswer *from[3] = {&answer->found.left, &answer->found.right, &answer->found.gap};
    for (int i = 0; i < 3; i++) {
        kept.answer[i].value = from[i]->value;
        kept.answer[i].low = from[i]->low;
        kept.answer[i].high = from[i]->high;
        kept.answer[i].confidence = from[i]->confidence;
        kept.answer[i].seconds = from[i]->seconds;
        kept.answer[i].n_run = from[i]->n_run;
        kept.answer[i].method = from[i]->method;
        if (from[i]->note) snprintf(kept.answer[i].note, NOTE_BYTES, "%s", from[i]->note);
        snprintf(kept.answer[i].not_exact, CHECK_REASON, "%.*s", CHECK_REASON - 1, from[i]->not_exact);
    }
    snprintf(kept.note, sizeof kept.note, "%s", answer->note);
    snprintf(kept.doubts, sizeof kept.doubts, "%s", answer->doubts);
    keep_save(s, name, &kept, sizeof kept);
}

static bool load_claim(const DurScenario *s, const char *name, ClaimAnswer *answer) {
    KeptClaim kept;
    if (!keep_load(s, name, &kept, sizeof kept)) return false;
    answer->status = (DurStatus)kept.status;
    answer->found.verdict = (CheckVerdict)kept.verdict;
    answer->found.gain = kept.gain;
    CheckAnswer *to[3] = {&answer->found.left, &answer->found.right, &answer->found.gap};
    for (int i = 0; i < 3; i++) {
        *to[i] = (CheckAnswer){.value = kept.answer[i].value, .low = kept.answer[i].low, .high = kept.answer[i].high,
                               .confidence = kept.answer[i].confidence, .seconds = kept.answer[i].seconds,
                               .n_run = kept.answer[i].n_run, .method = (CheckMethod)kept.answer[i].method};
        snprintf(to[i]->not_exact, CHECK_REASON, "%.*s", CHECK_REASON - 1, kept.answer[i].not_exact);
        snprintf(answer->bound_note[i], NOTE_BYTES, "%s", kept.answer[i].note);
        if (answer->bound_note[i][0]) to[i]->note = answer->bound_note[i];
    }
    snprintf(answer->note, sizeof answer->note, "%s", kept.note);
    snprintf(answer->doubts, sizeof answer->doubts, "%s", kept.doubts);
    return true;
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
        char name[320];
        keep_name(s, claim, name);
        CheckOptions how = study_check_options(s, options, RUNS);
        how.keep = keep_runs(s);
        how.keep_name = name;
        status = check_claim(&answer->found, &plans, answer->claim, &how, s->team, &why);
    }
    Text doubts = {0};
    for (int32_t p = -1; p < m->n_policy && status == DUR_OK; p++)
        if (wanted[1 + p]) doubts_add(&doubts, s, p);
    snprintf(answer->doubts, sizeof answer->doubts, "%s", text_view(&doubts));
    text_free(&doubts);
    if (status == DUR_OK) return DUR_OK;
    if (ends_the_work(status)) return status_fail(error, status, "claim %s: %s", claim->name, why.text);
    not_judged(answer, status, why.text);
    if (status == DUR_DOMAIN) keep_failure(s, claim->name, why.text);
    return DUR_OK;
}

DurStatus claims_ready(DurScenario *s, const ClaimAnswers *answers, DurError *error) {
    const Model *m = s->model;
    size_t n_plan = (size_t)m->n_policy + 1;
    bool *wanted = memory_zeroed(n_plan, sizeof *wanted);
    const Plan **plan = memory_zeroed(n_plan, sizeof *plan);
    DurError why = {0};
    DurStatus status = wanted && plan ? DUR_OK : status_fail(&why, DUR_MEMORY, "out of memory");
    for (int32_t c = 0; c < answers->n && !ends_the_work(status); c++) {
        memset(wanted, 0, n_plan);
        mark_policies(m, m->claim[answers->item[c].claim].left, wanted);
        mark_policies(m, m->claim[answers->item[c].claim].right, wanted);
        status = study_plans(s, wanted, plan, &why);
    }
    memory_free(wanted);
    memory_free((void *)plan);
    return ends_the_work(status) ? status_pass(error, status, &why) : DUR_OK;
}

// the claims asked for: all, or the one of a name, but for those that are left out
static DurStatus choose(ClaimAnswers *out, const Model *m, const char *name, const bool *left_out, DurError *error) {
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
    out->item = memory_zeroed((size_t)m->n_claim, sizeof *out->item);
    if (!out->item) return status_fail(error, DUR_MEMORY, "out of memory");
    for (int32_t c = 0; c < m->n_claim; c++)
        if ((!name || c == only) && !(left_out && left_out[c])) out->item[out->n++].claim = c;
    return DUR_OK;
}

DurStatus claims_judge(ClaimAnswers *out, DurScenario *s, const DurOptions *options, DurError *error) {
    return claims_judge_but(out, s, options, NULL, error);
}

DurStatus claims_judge_but(ClaimAnswers *out, DurScenario *s, const DurOptions *options, const bool *left_out, DurError *error) {
    *out = (ClaimAnswers){0};
    // without a lattice there is nothing to judge on
    TRY(study_lattice(s, error));
    TRY(choose(out, s->model, options->claim, left_out, error));
    size_t n_plan = (size_t)s->model->n_policy + 1;
    bool *wanted = memory_zeroed(n_plan, sizeof *wanted);
    const Plan **plan = memory_zeroed(n_plan, sizeof *plan);
    DurStatus status = wanted && plan ? DUR_OK : status_fail(error, DUR_MEMORY, "out of memory");
    for (int32_t c = 0; c < out->n && status == DUR_OK; c++) {
        ClaimAnswer *answer = &out->item[c];
        char name[320];
        s->label = s->model->claim[answer->claim].name;
        keep_name(s, &s->model->claim[answer->claim], name);
        if (!load_claim(s, name, answer)) {
            status = judge_one(answer, s, options, wanted, plan, error);
            if (status == DUR_OK) save_claim(s, name, answer);
        }
        out->n_verdict[answer->found.verdict]++;
        if (out->status == DUR_OK) out->status = answer->status;
    }
    s->label = NULL;
    memory_free(wanted);
    memory_free((void *)plan);
    // where all verdicts were known from before nobody has looked for other equilibria yet
    if (status == DUR_OK && s->session.n_start > 0) status = claims_ready(s, out, error);
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

// what the ledger adds: the source itself, how far the claim is from turning, the assumed parameters that it rests on
static void render_ledger(Json *j, const DurScenario *s, const ClaimAnswer *answer) {
    const Model *m = s->model;
    const ModelClaim *claim = &m->claim[answer->claim];
    LedgerTurn turn = ledger_turn(&answer->found);
    Text unit = {0};
    ledger_unit(&unit, m, claim);
    json_key(j, "turns");
    json_object(j);
    json_pair_number(j, "distance", turn.distance);
    json_pair_number(j, "least", turn.least);
    json_pair_string(j, "unit", unit.length ? text_view(&unit) : NULL);
    json_end_object(j);
    text_free(&unit);

    const ModelSource *source = claim->cite.source < 0 ? NULL : &m->source[claim->cite.source];
    json_pair_string(j, "source_text", source ? source->text : NULL);
    json_pair_string(j, "source_file", source ? ledger_state_name(ledger_source(s, source, NULL)) : NULL);

    bool *rests = memory_zeroed((size_t)m->n_param + 1, sizeof *rests);
    if (!rests || ledger_params(m, answer->claim, rests, NULL) != DUR_OK) j->out->failed = true;
    json_key(j, "assumed");
    json_array(j);
    for (int32_t p = 0; rests && p < m->n_param; p++)
        if (rests[p] && m->param[p].cite.source < 0) json_string(j, m->param[p].name);
    json_end_array(j);
    memory_free(rests);
}

static void render_claim(Json *j, const DurScenario *s, const ClaimAnswers *all, int32_t i) {
    const Model *m = s->model;
    const ClaimAnswer *answer = &all->item[i];
    const ModelClaim *claim = &m->claim[answer->claim];
    const CheckClaim *f = &answer->found;
    json_object(j);
    json_pair_string(j, "name", claim->name);
    json_pair_string(j, "text", claim->text);
    json_pair_string(j, "sentence", claim->sentence);
    json_pair_string(j, "verdict", check_verdict_name(f->verdict));
    json_pair_bool(j, "sensitive", claim->is_sensitive);
    json_pair_number(j, "left", f->left.value);
    json_pair_number(j, "right", f->right.value);
    render_interval(j, "left_interval", &f->left);
    render_interval(j, "right_interval", &f->right);
    json_pair_number(j, "gap", f->gap.value);
    render_interval(j, "interval", &f->gap);
    json_pair_string(j, "method", answer->status == DUR_OK ? check_method_name(f->gap.method) : NULL);
    render_not_exact(j, &f->gap);
    json_pair_int(j, "runs", f->gap.n_run);
    json_pair_number(j, "confidence", f->gap.confidence);
    json_pair_number(j, "gain", f->gain);
    json_pair_number(j, "seconds", f->gap.seconds);
    Text source = {0};
    put_cite(&source, m, claim->cite);
    json_pair_string(j, "source", source.length ? text_view(&source) : NULL);
    text_free(&source);
    render_ledger(j, s, answer);
    Text note = {0};
    put_claim_note(&note, answer);
    if (note.length) json_pair_string(j, "note", text_view(&note));
    text_free(&note);
    doubts_render(j, answer->doubts);
    render_equilibria_claim(j, &all->others, i);
    json_end_object(j);
}

void render_claims(Json *j, const DurScenario *s, const ClaimAnswers *answers) {
    json_array(j);
    for (int32_t c = 0; c < answers->n; c++) render_claim(j, s, answers, c);
    json_end_array(j);
}

// "turns if the difference moves by 0.1 share, 0.09 at the near end of its interval"
static void put_turn_distance(Text *out, const Model *m, const ClaimAnswer *answer) {
    if (m->claim[answer->claim].is_sensitive) text_append(out, "             sensitive to the grid, by its own word\n");
    LedgerTurn turn = ledger_turn(&answer->found);
    Text unit = {0};
    ledger_unit(&unit, m, &m->claim[answer->claim]);
    text_append(out, "             ");
    if (answer->found.verdict == CHECK_UNDECIDED) text_append(out, "undecided: the difference is ");
    else text_append(out, "turns if the difference moves by ");
    text_number(out, turn.distance, 4);
    if (unit.length) text_printf(out, " %s", text_view(&unit));
    if (answer->found.verdict == CHECK_UNDECIDED) {
        text_append(out, " from 0, and its interval holds both sides");
    } else if (answer->found.gap.method == CHECK_SAMPLED) {
        text_append(out, ", ");
        text_number(out, turn.least, 4);
        text_append(out, " at the near end of its interval");
    }
    text_char(out, '\n');
    text_free(&unit);
}

static void put_source(Text *out, const DurScenario *s, ModelCite cite) {
    static const char *const words[] = {
        [SOURCE_UNSTATED] = "", [SOURCE_ABSENT] = "; its file is not at hand", [SOURCE_SAME] = "; its file is the one stated",
        [SOURCE_OTHER] = "; its file is NOT the one stated"};
    if (cite.source < 0) {
        text_append(out, "             names no source\n");
        return;
    }
    const ModelSource *source = &s->model->source[cite.source];
    Text line = {0};
    put_cite(&line, s->model, cite);
    if (source->text && source->text[0]) text_printf(&line, ", %s", source->text);
    text_append(&line, words[ledger_source(s, source, NULL)]);
    text_append(out, "             source ");
    put_wrapped(out, text_view(&line), 20, 20);
    text_char(out, '\n');
    text_free(&line);
}

static void put_assumed(Text *out, const Model *m, int32_t claim) {
    Text list = {0};
    ledger_assumed(&list, m, claim);
    text_append(out, list.length ? "             rests on assumed " : "             rests on no assumed parameter");
    put_wrapped(out, text_view(&list), 30, 30);
    text_char(out, '\n');
    out->failed |= list.failed;
    text_free(&list);
}

static void put_claim(Text *out, const DurScenario *s, const ClaimAnswer *answer) {
    const Model *m = s->model;
    const ModelClaim *claim = &m->claim[answer->claim];
    const CheckClaim *f = &answer->found;
    text_printf(out, "\n  %-9s  %s", check_verdict_name(f->verdict), claim->name);
    if (claim->text && claim->text[0]) text_printf(out, ": %s", claim->text);
    text_printf(out, "\n             %s\n             ", claim->sentence);
    if (answer->status != DUR_OK) {
        text_printf(out, "not judged: %s\n", answer->note);
        put_source(out, s, claim->cite);
        put_assumed(out, m, answer->claim);
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
    text_char(out, '\n');
    put_not_exact(out, &f->gap, 13);
    Text note = {0};
    put_claim_note(&note, answer);
    if (note.length) {
        text_repeat(out, ' ', 13);
        put_wrapped(out, text_view(&note), 13, 13);
        text_char(out, '\n');
    }
    text_free(&note);
    if (f->gain > GAIN_TOLD) {
        text_append(out, "             the same luck on both sides makes up for ");
        text_number(out, f->gain, 2);
        text_append(out, " times as many runs\n");
    }
    const CheckAnswer *side[2] = {&f->left, &f->right};
    for (int i = 0; i < 2; i++) {
        if (!is_unseen(side[i])) continue;
        text_printf(out, "             %s: ", i ? "right" : "left");
        put_unseen(out, side[i]);
        text_char(out, '\n');
    }
    put_turn_distance(out, m, answer);
    put_source(out, s, claim->cite);
    put_assumed(out, m, answer->claim);
}

void put_claims(Text *out, const DurScenario *s, const ClaimAnswers *answers) {
    for (int32_t c = 0; c < answers->n; c++) put_claim(out, s, &answers->item[c]);
    const int32_t *n = answers->n_verdict;
    if (answers->n == 0) text_append(out, "\n  The scenario makes no claim.\n");
    else text_printf(out, "\n  %d %s, %d %s, %d undecided\n", n[CHECK_HOLDS], n[CHECK_HOLDS] == 1 ? "holds" : "hold",
                     n[CHECK_FAILS], n[CHECK_FAILS] == 1 ? "fails" : "fail", n[CHECK_UNDECIDED]);
    Text doubts = {0};
    for (int32_t c = 0; c < answers->n; c++) doubts_join(&doubts, answers->item[c].doubts);
    doubts_put_apart(out, text_view(&doubts));
    text_free(&doubts);
}

bool claims_sampled(const ClaimAnswers *answers) {
    for (int32_t c = 0; c < answers->n; c++) {
        const CheckClaim *found = &answers->item[c].found;
        if (answers->item[c].status == DUR_OK && (found->left.method == CHECK_SAMPLED || found->right.method == CHECK_SAMPLED)) return true;
    }
    return false;
}

static DurStatus claims(DurScenario *s, const DurOptions *options, DurResult *result, PageFrames *frames, DurError *error) {
    ClaimAnswers answers;
    TRY(claims_judge(&answers, s, options, error));
    DurStatus ready = claims_ready(s, &answers, error);
    if (ready != DUR_OK) {
        claims_free(&answers);
        return ready;
    }
    // nothing solved, nothing to tell but the claims: a scenario without any
    if (s->session.is_solved) {
        RunAnswers run = {.first_policy = -1, .claims = answers};
        DurStatus made = page_frames(frames, s, options, &run, error);
        if (made != DUR_OK) {
            claims_free(&answers);
            return made;
        }
    }
    Json j = json_make(&result->json);
    render_claims(&j, s, &answers);
    text_printf(&result->text, "%s\n", s->model->title);
    put_claims(&result->text, s, &answers);
    if (claims_sampled(&answers) && !options->lattice) warn_unseen(&result->faults, s, true);
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

static DurStatus shares(DurScenario *s, const DurOptions *options, DurResult *result, PageFrames *frames, DurError *error) {
    Draws draws;
    DurStatus status = draws_judge(&draws, s, options, error);
    if (status == DUR_OK || (status == DUR_INTERRUPTED && draws.item && draws.n_draw > 0)) {
        Json j = json_make(&result->json);
        render_draws(&j, s, &draws);
        put_draws(&result->text, s, &draws);
        if (draws.is_sampled && !options->lattice) warn_unseen(&result->faults, s, true);
    }
    if (status == DUR_OK) status = page_frames(frames, s, options, &(RunAnswers){.first_policy = -1}, error);
    if (status == DUR_OK) status = page_frames_add(frames, draws_frame(s, &draws), error);
    draws_free(&draws);
    return status;
}

DurStatus dur_claims(DurScenario *s, const DurOptions *options, DurResult **out, char error[1024]) {
    DurError why = {0};
    DurResult *result = NULL;
    DurStatus status = study_begin(s, &options, &result, &why);
    Text states = {0};
    if (status == DUR_OK) ledger_states(&states, s);
    if (status == DUR_OK)
        status = keep_work(s, options, "claims", text_view(&states), options->draws ? shares : claims, result, &why);
    text_free(&states);
    return result_finish(&result, out, status, &why, error);
}
