#include "base/memory.h"
#include "study/doubts.h"
#include "study/keep.h"
#include "study/ledger.h"
#include "study/rivals.h"
#include "study/warn.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

// ---- judging -------------------------------------------------------------------------------------------------------

static void tell_unseen(Text *faults, const Account *account, const DurScenario *s, const DurOptions *options) {
    if (!options->lattice && claims_sampled(&account->answers)) warn_unseen(faults, s, true);
}

// one rival is a scenario of its own: the same files, read again with its overrides
static DurStatus judge_rival(Account *account, const DurScenario *s, const DurOptions *options, Text *faults, DurError *error) {
    DurOptions its = *options;
    its.rival = s->model->rival[account->rival].name;
    its.query = NULL;
    its.n_query = 0;
    const DurOptions *given = &its;
    DurScenario *other = NULL;
    DurResult *unused = NULL;
    DurStatus status = dur_open(&other, s->model->path, &its, error->text);
    if (status == DUR_OK && !other->model)
        status = status_fail(error, DUR_INPUT,
                             "with its overrides the scenario has faults: `duress check --rival %s` tells them", its.rival);
    if (status == DUR_OK) status = study_begin(other, &given, &unused, error);
    if (status == DUR_OK) {
        char stage[160];
        snprintf(stage, sizeof stage, "%s: ", its.rival);
        other->stage = stage;
        other->keeper = s->keeper;   // what it judges is part of the same work
        status = claims_judge(&account->answers, other, given, error);
        tell_unseen(faults, account, other, given);
        other->keeper = NULL;
        other->stage = NULL;
    }
    dur_result_free(unused);
    dur_close(other);
    return status;
}

static bool ends_the_work(DurStatus status) { return status == DUR_INTERRUPTED || status == DUR_MEMORY || status == DUR_IO; }

DurStatus accounts_judge(Accounts *out, DurScenario *s, const DurOptions *options, Text *faults, DurError *error) {
    const Model *m = s->model;
    *out = (Accounts){0};
    if (m->account)
        return status_fail(error, DUR_INPUT, "this is the scenario as `%s` has it: leave --rival out to compare", m->account);
    if (m->n_rival == 0) return status_fail(error, DUR_INPUT, "the scenario has no rival: `rival NAME { ... }` declares one");
    if (m->n_claim == 0)
        return status_fail(error, DUR_INPUT, "the scenario makes no claim, so there is nothing on which rivals could differ");
    out->n_claim = m->n_claim;
    out->item = memory_zeroed((size_t)m->n_rival + 1, sizeof *out->item);
    if (!out->item) return status_fail(error, DUR_MEMORY, "out of memory");
    for (int32_t i = 0; i <= m->n_rival; i++) {
        Account *account = &out->item[out->n++];
        account->rival = i - 1;
        DurError why = {0};
        account->status = i == 0 ? claims_judge(&account->answers, s, options, &why)
                                 : judge_rival(account, s, options, faults, &why);
        if (i == 0) tell_unseen(faults, account, s, options);
        if (account->status == DUR_OK) continue;
        if (i == 0 || ends_the_work(account->status)) return status_pass(error, account->status, &why);
        snprintf(account->why, sizeof account->why, "%.255s", why.text);
    }
    return DUR_OK;
}

void accounts_free(Accounts *a) {
    for (int32_t i = 0; i < a->n; i++) claims_free(&a->item[i].answers);
    memory_free(a->item);
    *a = (Accounts){0};
}

// the verdict of an account on a claim; false where it has none
static bool verdict_of(const Account *account, int32_t claim, CheckVerdict *verdict) {
    if (claim >= account->answers.n || account->answers.item[claim].status != DUR_OK) return false;
    *verdict = account->answers.item[claim].found.verdict;
    return *verdict != CHECK_UNDECIDED;
}

bool accounts_differ(const Accounts *a, int32_t claim) {
    bool seen[2] = {false, false};
    for (int32_t i = 0; i < a->n; i++) {
        CheckVerdict v;
        if (verdict_of(&a->item[i], claim, &v)) seen[v == CHECK_HOLDS] = true;
    }
    return seen[0] && seen[1];
}

int32_t accounts_alone(const Accounts *a, int32_t claim) {
    int32_t n[2] = {0, 0}, last[2] = {-1, -1};
    for (int32_t i = 0; i < a->n; i++) {
        CheckVerdict v;
        if (!verdict_of(&a->item[i], claim, &v)) continue;
        n[v == CHECK_HOLDS]++;
        last[v == CHECK_HOLDS] = i;
    }
    if (n[0] == 1 && n[1] > 1) return last[0];
    return n[1] == 1 && n[0] > 1 ? last[1] : -1;
}

// ---- what they say -------------------------------------------------------------------------------------------------

const char *account_name(const Model *m, const Account *account) {
    return account->rival < 0 ? "as_written" : m->rival[account->rival].name;
}

void render_accounts(Json *j, const DurScenario *s, const Accounts *a) {
    const Model *m = s->model;
    json_key(j, "accounts");
    json_array(j);
    for (int32_t i = 0; i < a->n; i++) {
        const Account *account = &a->item[i];
        const ModelRival *rival = account->rival < 0 ? NULL : &m->rival[account->rival];
        json_object(j);
        json_pair_string(j, "name", account_name(s->model, account));
        json_pair_string(j, "text", rival ? rival->text : m->title);
        json_pair_string(j, "overrides", rival ? rival->overrides : NULL);
        Text source = {0};
        if (rival) put_cite(&source, m, rival->cite);
        json_pair_string(j, "source", source.length ? text_view(&source) : NULL);
        text_free(&source);
        if (account->status != DUR_OK) json_pair_string(j, "note", account->why);
        json_key(j, "claims");
        render_claims(j, s, &account->answers);
        json_end_object(j);
    }
    json_end_array(j);
    json_key(j, "apart");
    json_array(j);
    for (int32_t c = 0; c < a->n_claim; c++) {
        if (!accounts_differ(a, c)) continue;
        int32_t alone = accounts_alone(a, c);
        json_object(j);
        json_pair_string(j, "claim", m->claim[c].name);
        json_pair_string(j, "alone", alone < 0 ? NULL : account_name(s->model, &a->item[alone]));
        json_key(j, "verdicts");
        json_object(j);
        for (int32_t i = 0; i < a->n; i++) {
            CheckVerdict v;
            bool has = verdict_of(&a->item[i], c, &v);
            json_pair_string(j, account_name(s->model, &a->item[i]), has ? check_verdict_name(v) : NULL);
        }
        json_end_object(j);
        json_end_object(j);
    }
    json_end_array(j);
}

// every account's two sides on one claim
static void put_difference(Text *out, const DurScenario *s, const Accounts *a, int32_t claim) {
    const ModelClaim *c = &s->model->claim[claim];
    text_printf(out, "\n  %s: ", c->name);
    put_wrapped(out, c->text ? c->text : "", (int)strlen(c->name) + 4, 6);
    text_append(out, "\n      ");
    put_wrapped(out, c->sentence, 6, 6);
    text_append(out, "\n");
    Grid grid = {.align = "llrlrl"};
    for (int32_t i = 0; i < a->n; i++) {
        const Account *account = &a->item[i];
        if (account->status != DUR_OK) continue;
        const ClaimAnswer *answer = &account->answers.item[claim];
        grid_cell(&grid, "%s", account_name(s->model, account));
        grid_cell(&grid, "%s", answer->status == DUR_OK ? check_verdict_name(answer->found.verdict) : "not judged");
        grid_side(&grid, &answer->found.left);
        grid_cell(&grid, "%s", comparison_sign(c->comparison));
        grid_side(&grid, &answer->found.right);
        grid_cell(&grid, "%s", accounts_alone(a, claim) == i ? "alone" : "");
    }
    grid_print(&grid, out, 6);
}

static void put_names(Text *out, const char *words, const Text *names) {
    text_printf(out, "\n  %s ", words);
    put_wrapped(out, names->length ? text_view(names) : "none", (int)strlen(words) + 3, 6);
    text_append(out, "\n");
}

// the doubts about the games that claims of one account were judged on
static void add_doubts(Text *out, const Account *account) {
    for (int32_t c = 0; account->status == DUR_OK && c < account->answers.n; c++) doubts_join(out, account->answers.item[c].doubts);
}

// those of rivals, behind the rival's name
static void put_doubts(Text *out, const DurScenario *s, const Accounts *a) {
    Text all = {0}, line = {0};
    for (int32_t i = 1; i < a->n; i++) {
        Text own = {0};
        add_doubts(&own, &a->item[i]);
        for (const char *at = text_view(&own); *at;) {
            at = doubts_next(at, &line);
            text_printf(&all, "%s: %s\n", account_name(s->model, &a->item[i]), text_view(&line));
        }
        all.failed |= own.failed;
        text_free(&own);
    }
    doubts_put_apart(out, text_view(&all));
    out->failed |= all.failed | line.failed;
    text_free(&line);
    text_free(&all);
}

void put_accounts(Text *out, const DurScenario *s, const Accounts *a) {
    const Model *m = s->model;
    text_printf(out, "\n  %d accounts\n", a->n);
    for (int32_t i = 0; i < a->n; i++) {
        const Account *account = &a->item[i];
        const char *name = account_name(s->model, account);
        text_printf(out, "    %s: ", name);
        int column = (int)strlen(name) + 6;
        if (account->rival < 0) put_wrapped(out, "the scenario as it is written", column, 6);
        else put_wrapped(out, m->rival[account->rival].text ? m->rival[account->rival].text : "", column, 6);
        text_append(out, "\n");
        if (account->rival >= 0) {
            text_append(out, "      replaces ");
            put_wrapped(out, m->rival[account->rival].overrides, 15, 6);
            text_append(out, "\n");
        }
        if (account->status != DUR_OK) {
            text_append(out, "      not judged: ");
            put_wrapped(out, account->why, 18, 6);
            text_append(out, "\n");
        }
    }
    int32_t n_differ = 0;
    Text same = {0};
    for (int32_t c = 0; c < a->n_claim; c++) {
        if (accounts_differ(a, c)) { n_differ++; continue; }
        text_printf(&same, "%s%s", same.length ? ", " : "", m->claim[c].name);
    }
    text_printf(out, "\n  They differ on %d of %d claims.\n", n_differ, a->n_claim);
    for (int32_t c = 0; c < a->n_claim; c++)
        if (accounts_differ(a, c)) put_difference(out, s, a, c);

    // what would tell each from all the rest
    text_append(out, "\n  What only one of them says\n");
    for (int32_t i = 0; i < a->n; i++) {
        if (a->item[i].status != DUR_OK) continue;
        Text own = {0};
        for (int32_t c = 0; c < a->n_claim; c++) {
            CheckVerdict v;
            if (accounts_alone(a, c) != i || !verdict_of(&a->item[i], c, &v)) continue;
            text_printf(&own, "%s%s %s", own.length ? ", " : "", m->claim[c].name, check_verdict_name(v));
        }
        text_printf(out, "    %s: ", account_name(s->model, &a->item[i]));
        put_wrapped(out, own.length ? text_view(&own) : "nothing", (int)strlen(account_name(s->model, &a->item[i])) + 6, 6);
        text_append(out, "\n");
        text_free(&own);
    }
    put_names(out, "What all say alike, or nobody could decide:", &same);
    text_free(&same);
    put_doubts(out, s, a);
}

// a row for each account and claim
static Frame *accounts_frame(const DurScenario *s, const Accounts *a) {
    static const char *const text[] = {"account", "claim", "verdict", "method", "note"};
    static const char *const number[] = {"left", "right", "gap", "low", "high", "runs"};
    int64_t n_row = 0, row = 0;
    for (int32_t i = 0; i < a->n; i++) n_row += a->item[i].status == DUR_OK ? a->item[i].answers.n : 1;
    Frame *frame = frame_make("accounts", n_row);
    bool made = frame != NULL;
    for (size_t k = 0; k < DUR_COUNT(text) && made; k++) made = frame_add_text(frame, text[k]) != NULL;
    for (size_t k = 0; k < DUR_COUNT(number) && made; k++) made = frame_add_number(frame, number[k], NULL) != NULL;
    for (int32_t i = 0; i < a->n && made; i++) {
        const Account *account = &a->item[i];
        bool is_judged = account->status == DUR_OK;
        for (int32_t c = 0; c < (is_judged ? account->answers.n : 1) && made; c++, row++) {
            const ClaimAnswer *answer = is_judged ? &account->answers.item[c] : NULL;
            const CheckClaim *f = answer && answer->status == DUR_OK ? &answer->found : NULL;
            const char *told[DUR_COUNT(text)] = {account_name(s->model, account), answer ? s->model->claim[answer->claim].name : "",
                                                 f ? check_verdict_name(f->verdict) : "",
                                                 f ? check_method_name(f->gap.method) : "",
                                                 answer ? answer->note : account->why};
            const double value[DUR_COUNT(number)] = {f ? f->left.value : NAN, f ? f->right.value : NAN, f ? f->gap.value : NAN,
                                                     f ? f->gap.low : NAN, f ? f->gap.high : NAN,
                                                     f ? (double)f->gap.n_run : NAN};
            for (size_t k = 0; k < DUR_COUNT(text) && made; k++) made = frame_set_text(frame, (int32_t)k, row, told[k]);
            for (size_t k = 0; k < DUR_COUNT(number); k++) frame->column[DUR_COUNT(text) + k].number[row] = value[k];
        }
    }
    if (made) return frame;
    frame_free(frame);
    return NULL;
}

static DurStatus rivals(DurScenario *s, const DurOptions *options, DurResult *result, PageFrames *frames, DurError *error) {
    Accounts accounts;
    DurStatus status = accounts_judge(&accounts, s, options, &result->faults, error);
    if (status == DUR_OK) {
        text_printf(&result->text, "%s\n", s->model->title);
        put_accounts(&result->text, s, &accounts);
        Text doubts = {0};
        add_doubts(&doubts, &accounts.item[0]);
        doubts_put_apart(&result->text, text_view(&doubts));
        text_free(&doubts);
        Json j = json_make(&result->json);
        json_object(&j);
        render_identity(&j, s);
        render_accounts(&j, s, &accounts);
        json_end_object(&j);
        // the account as written may have been judged before, by a process that did not live to tell
        status = study_equilibrium(s, false, error);
        if (status == DUR_OK)
            status = page_frames(frames, s, options, &(RunAnswers){.first_policy = -1, .claims = accounts.item[0].answers}, error);
        if (status == DUR_OK) status = page_frames_add(frames, accounts_frame(s, &accounts), error);
        for (int32_t i = 1; i < accounts.n; i++)
            if (accounts.item[i].status != DUR_OK && status == DUR_OK)
                status = status_fail(error, accounts.item[i].status, "rival %s: %s", account_name(s->model, &accounts.item[i]),
                                     accounts.item[i].why);
    }
    accounts_free(&accounts);
    return status;
}

DurStatus dur_rivals(DurScenario *s, const DurOptions *options, DurResult **out, char error[1024]) {
    DurError why = {0};
    DurResult *result = NULL;
    DurStatus status = study_begin(s, &options, &result, &why);
    Text states = {0};
    if (status == DUR_OK) ledger_states(&states, s);
    if (status == DUR_OK) status = keep_work(s, options, "rivals", text_view(&states), rivals, result, &why);
    text_free(&states);
    return result_finish(&result, out, status, &why, error);
}
