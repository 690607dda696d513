#include "base/file.h"
#include "base/memory.h"
#include "study/doubts.h"
#include "study/equilibria.h"
#include "study/keep.h"
#include "study/ledger.h"
#include "study/page.h"
#include "study/rivals.h"
#include "study/simulate.h"
#include "study/warn.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/// Runs of each fan chart when none are asked for: its quantiles are then smooth to the eye.
#define RUNS 4000

static void answers_free(RunAnswers *run) {
    for (int32_t p = 0; run->paths && p < run->n_paths; p++) sim_paths_free(&run->paths[p]);
    memory_free(run->paths);
    memory_free(run->why);
    claims_free(&run->claims);
    stories_free(&run->stories);
    explain_free(&run->reasons);
}

// reasons for the page; without the memory for them the page does without, and says so
static DurStatus give_reasons(DurScenario *s, RunAnswers *run, DurError *error) {
    DurError why = {0};
    double state[MODEL_VARIABLES_MAX];
    study_start(s, state);
    DurStatus status = explain_make(&run->reasons, s, state, -1, &why);
    run->is_explained = status == DUR_OK;
    if (status == DUR_OK) return DUR_OK;
    if (status != DUR_LIMIT && status != DUR_UNSUPPORTED) return status_pass(error, status, &why);
    snprintf(run->not_explained, sizeof run->not_explained, "%.255s", why.text);
    return DUR_OK;
}

// a few runs for the page; without the memory for them, or where one of those looked through fails, it does without and says so
static DurStatus give_stories(DurScenario *s, const DurOptions *options, RunAnswers *run, DurError *error) {
    DurError why = {0};
    DurStatus status = stories_make(&run->stories, s, options, run->paths, &why);
    if (status == DUR_INTERRUPTED || status == DUR_MEMORY) return status_pass(error, status, &why);
    if (status != DUR_OK) snprintf(run->no_stories, sizeof run->no_stories, "%.255s", why.text);
    return DUR_OK;
}

// the equilibrium and every policy, with the same luck; one whose game cannot be solved is left out and told
static DurStatus play(DurScenario *s, const DurOptions *options, RunAnswers *run, DurError *error) {
    run->n_paths = 1 + s->model->n_policy;
    run->first_policy = -1;
    run->paths = memory_zeroed((size_t)run->n_paths, sizeof *run->paths);
    run->why = memory_zeroed((size_t)run->n_paths, sizeof *run->why);
    if (!run->paths || !run->why) return status_fail(error, DUR_MEMORY, "out of memory");
    for (int32_t p = 0; p < run->n_paths; p++) {
        DurError why = {0};
        DurStatus status = study_paths(s, options, p - 1, RUNS, &run->paths[p], &why);
        if (status == DUR_UNMET && p > 0) {
            snprintf(run->why[p], sizeof run->why[p], "%.255s", why.text);
            run->paths[p] = (SimPaths){0};
        } else if (status != DUR_OK) {
            run->paths[p] = (SimPaths){0};
            return status_pass(error, status, &why);
        }
    }
    return DUR_OK;
}

// ---- one screen -------------------------------------------------------------------------------------------------

static void put_solution(Text *out, const DurScenario *s) {
    const GameSolution *g = &s->session.equilibrium;
    const Model *m = s->model;
    text_printf(out, "%s\n\n  ", m->title);
    put_solve(out, s);
    text_printf(out, "\n  residual %.1e", g->certificate.residual);
    if (isfinite(g->certificate.consistency)) text_printf(out, ", consistency %.1e", g->certificate.consistency);
    for (int32_t a = 0; g->certificate.regret && a < model_rows(m); a++) {
        char who[256];
        if (!isfinite(g->certificate.regret[a])) continue;
        text_append(out, a == 0 ? ", regret " : ", ");
        text_number(out, g->certificate.regret[a], 2);
        text_printf(out, " (%s)", row_name(m, a, who));
    }
    text_char(out, '\n');
    if (g->certificate.is_unsettled) text_append(out, "  " UNSETTLED "\n");
}

// where every stock stands at the end, on average, side by side
static void put_ends(Text *out, const DurScenario *s, const RunAnswers *run) {
    enum { SHOWN = 6 };   // policies that fit a line
    const Model *m = s->model;
    int32_t n_column = run->n_paths < SHOWN ? run->n_paths : SHOWN, last = run->paths[0].n_time - 1;
    char align[SHOWN + 3];
    memset(align, 'r', sizeof align);
    align[0] = 'l';
    align[n_column + 2] = '\0';
    Grid grid = {.align = align};
    Text head = {0};
    char date[16];
    if (model_date(m, run->paths[0].time[last], date)[0]) {
        text_printf(&head, "mean on %s", date);
    } else {
        text_append(&head, "mean after ");
        text_number(&head, run->paths[0].time[last], 5);
        text_printf(&head, " %s", m->unit);
    }
    grid_cell(&grid, "%s", text_view(&head));
    grid_cell(&grid, "start");
    text_free(&head);
    for (int32_t p = 0; p < n_column; p++) grid_cell(&grid, "%s", p ? m->policy[p - 1].name : "equilibrium");
    for (int32_t k = 0; k < run->paths[0].n_stock; k++) {
        grid_cell(&grid, "%s", model_variable_name(m, m->n_mode + k));
        grid_number(&grid, run->paths[0].mean[k * run->paths[0].n_time], 3);
        for (int32_t p = 0; p < n_column; p++)
            grid_number(&grid, run->paths[p].n_run ? run->paths[p].mean[k * run->paths[p].n_time + last] : NAN, 3);
    }
    for (int32_t j = 0; j < m->n_jump; j++) {
        if (m->jump[j].kind == JUMP_DATED) continue;
        grid_cell(&grid, "times %s", m->jump[j].name);
        grid_cell(&grid, "%s", "");
        for (int32_t p = 0; p < n_column; p++)
            grid_number(&grid, run->paths[p].n_run ? run->paths[p].count[j] : NAN, 3);
    }
    text_char(out, '\n');
    grid_print(&grid, out, 2);
    if (run->n_paths > SHOWN) text_printf(out, "  (%d more policies on the page)\n", run->n_paths - SHOWN);
}

static void put_verdicts(Text *out, const Model *m, const ClaimAnswers *claims) {
    Grid grid = {.align = "llrlrl"};
    for (int32_t c = 0; c < claims->n; c++) {
        const ClaimAnswer *answer = &claims->item[c];
        grid_cell(&grid, "%s", check_verdict_name(answer->found.verdict));
        grid_cell(&grid, "%s", m->claim[answer->claim].name);
        grid_side(&grid, &answer->found.left);
        grid_cell(&grid, "%s", comparison_sign(m->claim[answer->claim].comparison));
        grid_side(&grid, &answer->found.right);
        Text method = {0};
        if (answer->status == DUR_OK) put_method(&method, &answer->found.gap);
        else text_append(&method, "not judged");
        grid_cell(&grid, "%s", text_view(&method));
        text_free(&method);
    }
    if (claims->n) text_append(out, "\n  claims\n");
    grid_print(&grid, out, 2);
    int32_t n = 0;
    for (int32_t c = 0; c < claims->n; c++) n += claims->item[c].found.gap.not_exact[0] != '\0';
    if (n) text_printf(out, "  (%d sampled, since %s can't be had exactly; `claims --exact` and the page tell why)\n", n,
                       n == 1 ? "it" : "they");
}

static DurStatus render_run(Json *j, const DurScenario *s, const DurOptions *options, const RunAnswers *run,
                            const Accounts *accounts, DurError *error) {
    const Model *m = s->model;
    Answer at;
    DurStatus status = answer_make(&at, s, NULL, error);
    if (status != DUR_OK) {
        answer_free(&at);
        return status;
    }
    json_object(j);
    render_identity(j, s);
    json_key(j, "solve");
    json_object(j);
    render_solution(j, s, &at);
    answer_free(&at);
    json_end_object(j);
    json_pair_int(j, "runs", run->paths[0].n_run);
    render_seed(j, options->seed);
    json_key(j, "policies");
    json_object(j);
    for (int32_t p = 0; p < run->n_paths; p++) {
        const SimPaths *paths = &run->paths[p];
        json_key(j, p ? m->policy[p - 1].name : "equilibrium");
        json_object(j);
        if (run->why[p][0]) json_pair_string(j, "note", run->why[p]);
        render_failed(j, paths);
        for (int32_t k = 0; paths->n_run && k < paths->n_stock; k++)
            json_pair_number(j, model_variable_name(m, m->n_mode + k), paths->mean[(k + 1) * paths->n_time - 1]);
        json_end_object(j);
    }
    json_end_object(j);
    json_key(j, "claims");
    render_claims(j, s, &run->claims);
    if (accounts) render_accounts(j, s, accounts);
    Text doubts = {0};
    run_doubts(&doubts, s, run);
    doubts_render(j, text_view(&doubts));
    text_free(&doubts);
    json_pair_string(j, "page", options->html);
    json_end_object(j);
    return DUR_OK;
}

// what a run leaves beside its answer
typedef struct Found {
    PageFrames frames;
    Text page;
} Found;

static DurStatus draw_page(const DurOptions *options, Found *found, DurError *error) {
    if (!options->html) return DUR_OK;
    TRY(report_html(&found->frames.report, &found->page, error));
    return file_write(options->html, text_view(&found->page), found->page.length, error);
}

static DurStatus run_all(DurScenario *s, const DurOptions *options, RunAnswers *run, Accounts *accounts, DurResult *result,
                         Found *found, DurError *error) {
    // a page that cannot be written is told before the work
    TRY(study_reach(options->html, error));
    TRY(study_equilibrium(s, true, error));
    put_solution(&result->text, s);
    TRY(study_unmet(s, error));
    TRY(play(s, options, run, error));
    TRY(claims_judge(&run->claims, s, options, error));
    if (progress_stop(&s->progress)) return status_fail(error, DUR_INTERRUPTED, "interrupted; nothing was written");
    if (options->html) TRY(give_reasons(s, run, error));
    if (options->rivals) {
        TRY(accounts_judge(accounts, s, options, &result->faults, error));
        run->accounts = accounts;
    }
    if (options->html) TRY(give_stories(s, options, run, error));
    DurStatus gathered = page_frames(&found->frames, s, options, run, error);
    run->stories = (Stories){0};   // theirs now
    TRY(gathered);
    TRY(draw_page(options, found, error));

    put_ends(&result->text, s, run);
    put_verdicts(&result->text, s->model, &run->claims);
    Text doubts = {0};
    run_doubts(&doubts, s, run);
    doubts_put_apart(&result->text, text_view(&doubts));
    text_free(&doubts);
    if (!options->lattice) warn_unseen(&result->faults, s, claims_sampled(&run->claims));
    put_equilibria_claims(&result->text, s, &run->claims);
    if (options->rivals) put_accounts(&result->text, s, accounts);
    if (options->html) text_printf(&result->text, "\n  page  %s\n", options->html);
    Json j = json_make(&result->json);
    TRY(render_run(&j, s, options, run, options->rivals ? accounts : NULL, error));
    for (int32_t p = 1; p < run->n_paths; p++)
        if (run->why[p][0])
            return status_fail(error, DUR_UNMET, "policy %s: %s", s->model->policy[p - 1].name, run->why[p]);
    for (int32_t p = 0; p < run->n_paths; p++) TRY(study_failed(&run->paths[p], error));
    return DUR_OK;
}

// the page that the answer goes with, from the store
static DurStatus write_kept(const Keeper *k, const DurOptions *options, DurError *error) {
    if (!options->html) return DUR_OK;
    Text page = {0};
    DurStatus status = store_page(k->store, k->id, &page, error);
    // a solve that missed its tolerance left none
    if (status == DUR_OK && page.length) status = file_write(options->html, text_view(&page), page.length, error);
    text_free(&page);
    return status;
}

DurStatus dur_run(DurScenario *s, const DurOptions *options, DurResult **out, char error[1024]) {
    DurError why = {0};
    DurResult *result = NULL;
    RunAnswers run = {0};
    Accounts accounts = {0};
    Keeper keeper = {0};
    Found found = {0};
    DurStatus status = study_begin(s, &options, &result, &why);
    Text states = {0};
    if (status == DUR_OK) ledger_states(&states, s);
    if (status == DUR_OK) status = keep_begin(&keeper, s, options, "run", text_view(&states), result, &why);
    text_free(&states);
    if (status == DUR_OK && keeper.is_answered) {
        status = keep_answer(&keeper, write_kept(&keeper, options, &why));
    } else if (status == DUR_OK) {
        status = run_all(s, options, &run, &accounts, result, &found, &why);
        status = keep_end(&keeper, status, result, (const Frame *const *)found.frames.all, found.frames.n,
                          found.page.length ? &found.page : NULL, &why);
    }
    page_frames_free(&found.frames);
    text_free(&found.page);
    answers_free(&run);
    accounts_free(&accounts);
    return result_finish(&result, out, status, &why, error);
}
