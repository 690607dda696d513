#include "study/equilibria.h"

#include "base/memory.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

int32_t equilibria_at_hand(const DurScenario *s) {
    const Session *now = &s->session;
    if (now->which > 0) return now->which - 1;
    return now->others.n > 0 && now->others.item[0].is_given ? 0 : -1;
}

static void take(EquilibriaVerdicts *out, int32_t k, const ClaimAnswers *answers) {
    for (int32_t c = 0; c < out->n_claim; c++) {
        out->verdict[k * out->n_claim + c] = answers->item[c].found.verdict;
        out->gap[k * out->n_claim + c] = answers->item[c].status == DUR_OK ? answers->item[c].found.gap.value : NAN;
    }
}

DurStatus equilibria_judge(EquilibriaVerdicts *out, DurScenario *s, const ClaimAnswers *at_hand, const DurOptions *options,
                           DurError *error) {
    *out = (EquilibriaVerdicts){0};
    if (!s->session.has_others || s->session.others.n == 0) return DUR_OK;
    out->n = s->session.others.n;
    out->n_claim = at_hand->n;
    size_t n = (size_t)out->n * (size_t)out->n_claim;
    out->verdict = memory_zeroed(n, sizeof *out->verdict);
    out->gap = memory_zeroed(n, sizeof *out->gap);
    if (!out->verdict || !out->gap) return status_fail(error, DUR_MEMORY, "out of memory");
    for (int32_t k = 0; k < out->n; k++) {
        if (k == equilibria_at_hand(s)) {
            take(out, k, at_hand);
            continue;
        }
        Session kept;
        char stage[64];
        snprintf(stage, sizeof stage, "equilibrium %d: ", k + 1);
        DurStatus status = study_other(s, k, &kept, error);
        ClaimAnswers answers = {0};
        s->stage = stage;
        if (status == DUR_OK) status = claims_judge(&answers, s, options, error);
        s->stage = NULL;
        if (status == DUR_OK) take(out, k, &answers);
        claims_free(&answers);
        study_return(s, &kept);
        if (status != DUR_OK) return status;
    }
    return DUR_OK;
}

bool equilibria_change(const EquilibriaVerdicts *v, int32_t i) {
    for (int32_t k = 1; k < v->n; k++)
        if (v->verdict[k * v->n_claim + i] != v->verdict[i]) return true;
    return false;
}

// ---- what is said -----------------------------------------------------------------------------------------------

// those that one start alone met: their share of all starts is about the chance that the next start meets a new one (Good
// 1953, the population frequencies of species)
static int32_t met_once(const GameEquilibria *all) {
    int32_t n = 0;
    for (int32_t k = 0; k < all->n; k++) n += !all->item[k].is_given && all->item[k].n_start == 1;
    return n;
}

void render_equilibria(Json *j, const DurScenario *s) {
    if (!s->session.has_others) return;
    const Model *m = s->model;
    const GameEquilibria *all = &s->session.others;
    json_key(j, "equilibria");
    json_object(j);
    json_pair_int(j, "starts", all->n_start);
    json_pair_int(j, "between", all->n_between);
    json_pair_int(j, "branches", all->n_branch);
    json_pair_int(j, "missed", all->n_missed);
    json_pair_int(j, "states", all->n_state);
    json_pair_bool(j, "odd", all->n % 2 == 1);
    json_pair_int(j, "met_once", met_once(all));
    json_pair_number(j, "distinct", STARTS_DISTINCT);
    if (equilibria_at_hand(s) >= 0) json_pair_int(j, "at_hand", equilibria_at_hand(s) + 1);
    json_pair_number(j, "seconds", all->seconds);
    json_key(j, "list");
    json_array(j);
    for (int32_t k = 0; k < all->n; k++) {
        const GameEquilibrium *e = &all->item[k];
        json_object(j);
        json_pair_int(j, "equilibrium", k + 1);
        json_pair_bool(j, "principal", e->is_given && s->session.first_is_principal);
        json_pair_int(j, "starts", e->n_start);
        json_pair_bool(j, "left", e->is_left);
        json_pair_number(j, "growth", e->growth);
        json_pair_number(j, "residual", e->residual);
        render_values(j, m, e->value_start);
        render_choices(j, m, e->choice_start, e->wait_start);
        json_end_object(j);
    }
    json_end_array(j);
    json_end_object(j);
}

void render_equilibria_claim(Json *j, const EquilibriaVerdicts *v, int32_t i) {
    if (v->n == 0) return;
    json_pair_bool(j, "changes", equilibria_change(v, i));
    json_key(j, "equilibria");
    json_array(j);
    for (int32_t k = 0; k < v->n; k++) {
        double gap = v->gap[k * v->n_claim + i];
        json_object(j);
        json_pair_int(j, "equilibrium", k + 1);
        json_pair_string(j, "verdict", check_verdict_name(v->verdict[k * v->n_claim + i]));
        json_pair_number(j, "gap", gap);
        json_end_object(j);
    }
    json_end_array(j);
}

void put_equilibria_words(Text *out, const DurScenario *s) {
    const GameEquilibria *all = &s->session.others;
    int32_t once = met_once(all);
    text_printf(out, "%d %s found from %d %s", all->n, all->n == 1 ? "equilibrium" : "equilibria", all->n_start,
                all->n_start == 1 ? "start" : "starts");
    if (all->n_between) text_printf(out, " and %d between those found", all->n_between);
    if (all->n_state < s->session.lattice->n_state)
        text_printf(out, " on a coarser lattice of %lld states", (long long)all->n_state);
    if (all->n == 0) text_append(out, ".");
    else if (all->n % 2 == 0)
        text_append(out, ": an even number, so at least one is missing, or two are too near to be told apart. Try more --starts.");
    else if (once)
        text_printf(out, ": an odd number, as it should be, but %d of them met only once, so there are probably more. Try "
                    "more --starts.", once);
    else text_append(out, ": an odd number, as it should be; there may be more all the same.");
}

void put_equilibria_change(Text *out, const EquilibriaVerdicts *v, int32_t i) {
    for (int32_t k = 0; k < v->n; k++)
        text_printf(out, "%s %s in %d", k ? "," : ":", check_verdict_name(v->verdict[k * v->n_claim + i]), k + 1);
}

void put_equilibria_count(Text *out, const DurScenario *s) {
    if (!s->session.has_others) return;
    Text words = {0};
    put_equilibria_words(&words, s);
    text_append(out, "\n  ");
    put_wrapped(out, text_view(&words), 2, 2);
    text_char(out, '\n');
    text_free(&words);
}

// a head, and a line for each actor: value, then what it does
static void put_one(Text *out, const DurScenario *s, int32_t k) {
    const Model *m = s->model;
    const GameEquilibrium *e = &s->session.others.item[k];
    text_printf(out, "\n  %3d  ", k + 1);
    if (k == equilibria_at_hand(s)) text_append(out, "at hand; ");
    if (e->is_given) text_append(out, s->session.first_is_principal ? "the principal one; " : "where the solver ended; ");
    text_printf(out, "%d %s; best responses %s", e->n_start, e->n_start == 1 ? "start" : "starts",
                e->is_left ? "leave it" : "lead back");
    if (isfinite(e->growth)) text_printf(out, " (deviations x%.3g a sweep)", e->growth);
    text_char(out, '\n');
    int widest = 0;
    char name[256];
    for (int32_t row = 0; row < model_rows(m); row++) {
        int width = (int)strlen(row_name(m, row, name));
        widest = width > widest ? width : widest;
    }
    for (int32_t row = 0; row < model_rows(m); row++) {
        Text value = {0}, choices = {0};
        int32_t type, a = model_row_actor(m, row, &type);
        text_number(&value, e->value_start[row], 6);
        // what an actor with types does is told as others see it, once
        if (type > 0) {
            text_printf(out, "       %-*s  %s\n", widest, row_name(m, row, name), text_view(&value));
            text_free(&value);
            continue;
        }
        text_printf(out, "       %-*s  %-11s  ", widest, row_name(m, row, name), text_view(&value));
        text_printf(&choices, "wait %.4f", e->wait_start[a]);
        for (int32_t i = 0; i < m->n_jump; i++)
            if (m->jump[i].kind == JUMP_MOVE && m->jump[i].actor == a && isfinite(e->choice_start[i]))
                text_printf(&choices, ", %s %.4f", m->jump[i].name, e->choice_start[i]);
        put_wrapped(out, text_view(&choices), widest + 22, widest + 22);
        text_char(out, '\n');
        text_free(&choices);
        text_free(&value);
    }
}

void put_equilibria(Text *out, const DurScenario *s) {
    if (!s->session.has_others) return;
    put_equilibria_count(out, s);
    for (int32_t k = 0; k < s->session.others.n; k++) put_one(out, s, k);
}

void put_equilibria_claims(Text *out, const DurScenario *s, const ClaimAnswers *answers) {
    const EquilibriaVerdicts *v = &answers->others;
    put_equilibria_count(out, s);
    if (v->n < 2) return;
    int32_t n_change = 0;
    for (int32_t c = 0; c < v->n_claim; c++) {
        if (!equilibria_change(v, c)) continue;
        n_change++;
        text_printf(out, "  changes    %s", s->model->claim[answers->item[c].claim].name);
        put_equilibria_change(out, v, c);
        text_char(out, '\n');
    }
    int32_t n_same = v->n_claim - n_change;
    if (n_same) text_printf(out, "  %d %s the same verdict in all of them\n", n_same, n_same == 1 ? "claim has" : "claims have");
}
