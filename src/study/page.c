#include "study/page.h"

#include "base/memory.h"
#include "report/report.h"
#include "study/doubts.h"
#include "study/equilibria.h"
#include "study/ledger.h"
#include "study/render.h"
#include "study/rivals.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

// ---- frames filled row by row: the first failure is remembered, everything after it does nothing ----------------

typedef struct Sheet {
    Frame  *frame;
    int64_t row;
    bool    failed;
} Sheet;

static Sheet sheet_make(const char *name, int64_t n_row) {
    Sheet sheet = {.frame = frame_make(name, n_row)};
    sheet.failed = sheet.frame == NULL;
    return sheet;
}

// columns come into being as the first row names them; later rows find them again
static int32_t find_column(Sheet *sheet, const char *name, bool is_text) {
    if (sheet->failed) return -1;
    for (int32_t c = 0; c < sheet->frame->n_column; c++)
        if (strcmp(sheet->frame->column[c].name, name) == 0) return c;
    sheet->failed = is_text ? !frame_add_text(sheet->frame, name) : !frame_add_number(sheet->frame, name, NULL);
    return sheet->failed ? -1 : sheet->frame->n_column - 1;
}

static void put_text(Sheet *sheet, const char *column, const char *text) {
    int32_t c = find_column(sheet, column, true);
    if (c >= 0 && !frame_set_text(sheet->frame, c, sheet->row, text)) sheet->failed = true;
}

static void put_number(Sheet *sheet, const char *column, double x) {
    int32_t c = find_column(sheet, column, false);
    if (c >= 0) sheet->frame->column[c].number[sheet->row] = x;
}

// a text that was put together; freed here
static void put_made(Sheet *sheet, const char *column, Text *text) {
    if (text->failed) sheet->failed = true;
    put_text(sheet, column, text_view(text));
    text_free(text);
}

// file and line of what is declared there; files are told from the folder of the scenario
static void put_place(Sheet *sheet, const Model *m, Span span) {
    if (span.line <= 0 || span.file < 0 || span.file >= m->n_file) return;
    const char *file = m->file[span.file], *slash = strrchr(m->file[0], '/');
    size_t n = slash ? (size_t)(slash - m->file[0]) + 1 : 0;
    Text place = {0};
    text_printf(&place, "%s:%d", file + (strncmp(file, m->file[0], n) == 0 ? n : 0), span.line);
    put_made(sheet, "place", &place);
}

static void put_origin(Sheet *sheet, const Model *m, ModelCite cite, Span span) {
    put_place(sheet, m, span);
    put_text(sheet, "source", cite.source < 0 ? NULL : m->source[cite.source].name);
    put_text(sheet, "locator", cite.locator);
    // where there are several, all of them in one text
    if (cite.n_more == 0) return;
    Text all = {0};
    put_cite(&all, m, cite);
    for (int32_t i = 0; i < cite.n_more; i++) {
        text_append(&all, ", ");
        put_cite(&all, m, cite.more[i]);
    }
    put_made(sheet, "cites", &all);
}

static const char *program_text(const Model *m, ProgramId p) { return p == PROGRAM_NONE ? NULL : m->program[p].text; }

// ---- what the scenario says -------------------------------------------------------------------------------------

static Frame *done(Sheet *sheet, bool *failed) {
    *failed |= sheet->failed;
    return sheet->frame;
}

static Frame *actors_frame(const DurScenario *s, bool *failed) {
    const Model *m = s->model;
    Sheet sheet = sheet_make("actors", m->n_actor);
    for (; sheet.row < m->n_actor; sheet.row++) {
        const ModelActor *a = &m->actor[sheet.row];
        put_text(&sheet, "name", a->name);
        put_text(&sheet, "text", a->text);
        Text patience = {0}, attends = {0};
        bool is_rounds = m->clock == CLOCK_ROUNDS, is_given = a->discount != PROGRAM_NONE;
        text_number(&patience, eval_state(m, is_given ? a->discount : a->patience, NULL, s->session.param, NULL, NULL), 6);
        if (is_given) text_append(&patience, ": the worth of the next round beside this one");
        else          text_printf(&patience, " %s%s", m->unit, strcmp(text_view(&patience), "1") == 0 ? "" : "s");
        put_made(&sheet, "patience", &patience);
        put_text(&sheet, "precision", program_text(m, a->precision));
        text_append(&attends, program_text(m, a->attends) ? program_text(m, a->attends) : "");
        // a round that is always attended needs no number
        if (is_rounds && !text_view(&attends)[0]) text_append(&attends, "every round");
        else if (is_rounds) text_append(&attends, " in a round");
        else if (!strstr(text_view(&attends), " per ")) text_printf(&attends, " per %s", m->unit);
        put_made(&sheet, "attends", &attends);
        put_origin(&sheet, m, a->cite, a->span);
    }
    return done(&sheet, failed);
}

// what a stock is changed by, where the new value is itself plus or minus one summand; else NULL
static const char *change_text(const char *name, const char *value) {
    size_t n = strlen(name);
    if (strncmp(value, name, n) != 0) return NULL;
    if (strncmp(value + n, " + ", 3) != 0 && strncmp(value + n, " - ", 3) != 0) return NULL;
    int depth = 0;
    for (const char *c = value + n + 3; *c; c++) {
        if (*c == '(' || *c == '[' || *c == '{') depth++;
        if (*c == ')' || *c == ']' || *c == '}') depth--;
        if (depth == 0 && *c == ' ') return NULL;
    }
    return value + n + 1;
}

static void effect_text(const Model *m, const ModelJump *jump, Text *out) {
    const char *between = "";
    for (int32_t e = 0; e < jump->n_effect; e++, between = ", ") {
        const ModelEffect *effect = &jump->effect[e];
        const Program *p = &m->program[effect->value];
        const char *name = model_variable_name(m, effect->to), *change = change_text(name, p->text);
        text_printf(out, "%s%s ", between, name);
        // a mode's value is an index in the program and a name in the text
        if (effect->to < m->n_mode && p->is_literal) {
            int32_t value = (int32_t)eval_state(m, effect->value, NULL, NULL, NULL, NULL);
            text_printf(out, "= %s", m->mode[effect->to].value[value]);
        } else if (change) text_printf(out, "%c= %s", change[0], change + 2);
        else             text_printf(out, "= %s", p->text);
    }
    for (int32_t k = 0; k < jump->n_lump; k++) {
        const ModelLump *lump = &jump->lump[k];
        if (lump->is_cost) continue;
        text_printf(out, "%spays %s %s", between, m->actor[lump->actor].name, program_text(m, lump->value));
        between = ", ";
    }
}

// a text without one pair of brackets that hold all of it
static void append_bare(Text *out, const char *s) {
    size_t n = strlen(s);
    int depth = 0;
    bool whole = n > 1 && s[0] == '(' && s[n - 1] == ')';
    for (size_t i = 0; whole && i + 1 < n; i++) {
        depth += (s[i] == '(') - (s[i] == ')');
        whole = depth > 0;
    }
    text_append_n(out, s + whole, n - 2 * whole);
}

// the cost as the scenario states it: the lump is its negative
static void cost_text(const Model *m, const ModelJump *jump, Text *out) {
    for (int32_t k = 0; k < jump->n_lump; k++) {
        if (!jump->lump[k].is_cost) continue;
        const Program *p = &m->program[jump->lump[k].value];
        if (p->is_literal) text_number(out, -eval_state(m, jump->lump[k].value, NULL, NULL, NULL, NULL), 6);
        else if (p->text[0] == '-') append_bare(out, p->text + 1);
        else text_append(out, p->text);
    }
}

static Frame *jumps_frame(const Model *m, bool moves, bool *failed) {
    int64_t n = 0;
    for (int32_t k = 0; k < m->n_jump; k++) n += (m->jump[k].kind == JUMP_MOVE) == moves;
    Sheet sheet = sheet_make(moves ? "moves" : "events", n);
    for (int32_t k = 0; k < m->n_jump; k++) {
        const ModelJump *jump = &m->jump[k];
        if ((jump->kind == JUMP_MOVE) != moves) continue;
        put_text(&sheet, "name", jump->name);
        if (moves) put_text(&sheet, "actor", m->actor[jump->actor].name);
        put_text(&sheet, "text", jump->text);
        put_text(&sheet, "when", program_text(m, jump->when));
        if (moves) {
            Text cost = {0};
            cost_text(m, jump, &cost);
            put_made(&sheet, "cost", &cost);
        } else if (jump->kind == JUMP_DATED) {
            char date[16];
            Text rate = {0};
            text_printf(&rate, "at %s", model_date(m, jump->at, date));
            put_made(&sheet, "rate", &rate);
        } else if (m->clock == CLOCK_ROUNDS) {
            Text rate = {0};
            text_printf(&rate, "%s in a round", program_text(m, jump->rate));
            put_made(&sheet, "rate", &rate);
        } else {
            put_text(&sheet, "rate", program_text(m, jump->rate));
        }
        Text effect = {0};
        effect_text(m, jump, &effect);
        put_made(&sheet, "effect", &effect);
        put_origin(&sheet, m, jump->cite, jump->span);
        sheet.row++;
    }
    return done(&sheet, failed);
}

static Frame *stocks_frame(const DurScenario *s, bool *failed) {
    const Model *m = s->model;
    Sheet sheet = sheet_make("stocks", m->n_stock + m->n_belief);
    for (; sheet.row < m->n_stock; sheet.row++) {
        const ModelStock *stock = &m->stock[sheet.row];
        put_text(&sheet, "name", stock->name);
        put_text(&sheet, "text", stock->text);
        put_number(&sheet, "low", stock->low);
        put_number(&sheet, "high", stock->high);
        put_number(&sheet, "start", eval_state(m, stock->start, NULL, s->session.param, NULL, NULL));
        Text change = {0};
        if (stock->change != PROGRAM_NONE) text_printf(&change, "%s in a round", program_text(m, stock->change));
        if (change.length) put_made(&sheet, "drift", &change);
        else               put_text(&sheet, "drift", program_text(m, stock->drift));
        put_text(&sheet, "noise", program_text(m, stock->noise));
        put_text(&sheet, "unit", stock->unit);
        put_origin(&sheet, m, stock->cite, stock->span);
    }
    // beliefs are drawn as stocks from 0 to 1
    for (int32_t p = 0; p < m->n_private; p++)
        for (int32_t t = 1; t < m->private[p].n_type; t++, sheet.row++) {
            put_text(&sheet, "name", m->private[p].belief[t]);
            put_text(&sheet, "text", m->private[p].text);
            put_number(&sheet, "low", 0);
            put_number(&sheet, "high", 1);
            put_number(&sheet, "start", m->private[p].start[t]);
            put_text(&sheet, "drift", "");
            put_text(&sheet, "noise", "");
            put_text(&sheet, "unit", NULL);
            put_origin(&sheet, m, m->private[p].cite, m->private[p].span);
        }
    return done(&sheet, failed);
}

static Frame *definitions_frame(const Model *m, bool *failed) {
    Sheet sheet = sheet_make("definitions", m->n_let);
    for (; sheet.row < m->n_let; sheet.row++) {
        const ModelLet *let = &m->let[sheet.row];
        put_text(&sheet, "name", let->name);
        put_text(&sheet, "text", let->text);
        put_text(&sheet, "expression", let->expression);
        put_origin(&sheet, m, let->cite, let->span);
    }
    return done(&sheet, failed);
}

static Frame *modes_frame(const Model *m, bool *failed) {
    Sheet sheet = sheet_make("modes", m->n_mode);
    for (; sheet.row < m->n_mode; sheet.row++) {
        const ModelMode *mode = &m->mode[sheet.row];
        put_text(&sheet, "name", mode->name);
        put_text(&sheet, "actor", mode->actor < 0 ? "" : m->actor[mode->actor].name);
        put_text(&sheet, "text", mode->text);
        Text values = {0};
        for (int32_t v = 0; v < mode->n_value; v++) text_printf(&values, "%s%s", v ? ", " : "", mode->value[v]);
        put_made(&sheet, "values", &values);
        put_origin(&sheet, m, mode->cite, mode->span);
    }
    return done(&sheet, failed);
}

static Frame *payoffs_frame(const Model *m, bool *failed) {
    Sheet sheet = sheet_make("payoffs", m->n_term);
    for (; sheet.row < m->n_term; sheet.row++) {
        const ModelTerm *term = &m->term[sheet.row];
        put_text(&sheet, "actor", m->actor[term->actor].name);
        put_text(&sheet, "term", term->name);
        put_text(&sheet, "expression", program_text(m, term->value));
        put_origin(&sheet, m, term->cite, term->span);
    }
    return done(&sheet, failed);
}

static void phase_text(const Model *m, const ModelPhase *phase, Text *out) {
    text_append(out, "from ");
    text_number(out, phase->start, 6);
    text_printf(out, " %s:", m->unit);
    const char *between = " ";
    for (int32_t i = 0; i < phase->n_set; i++, between = ", ") {
        const ModelMode *mode = &m->mode[phase->set[i].mode];
        text_printf(out, "%s%s = %s", between, mode->name, mode->value[phase->set[i].value]);
    }
    for (int32_t i = 0; i < phase->n_never; i++, between = ", ")
        text_printf(out, "%s%s%s", between, i ? "" : "never ", m->jump[phase->never[i]].name);
    for (int32_t i = 0; i < phase->n_always; i++, between = ", ") {
        const ModelAlways *always = &phase->always[i];
        text_printf(out, "%salways %s", between, m->jump[always->jump].name);
        if (always->when != PROGRAM_NONE) text_printf(out, " when %s", program_text(m, always->when));
    }
    if (phase->precision != PROGRAM_NONE)
        text_printf(out, "%sprecision %s", between, program_text(m, phase->precision));
}

static Frame *policies_frame(const Model *m, bool *failed) {
    Sheet sheet = sheet_make("policies", m->n_policy);
    for (; sheet.row < m->n_policy; sheet.row++) {
        const ModelPolicy *policy = &m->policy[sheet.row];
        put_text(&sheet, "name", policy->name);
        put_text(&sheet, "text", policy->text);
        put_text(&sheet, "actor", m->actor[policy->actor].name);
        Text what = {0};
        for (int32_t k = 0; k < policy->n_phase; k++) {
            phase_text(m, &policy->phase[k], &what);
            text_append(&what, "; ");
        }
        text_append(&what, policy->is_announced ? "announced" : "a surprise");
        put_made(&sheet, "what", &what);
        put_origin(&sheet, m, policy->cite, policy->span);
    }
    return done(&sheet, failed);
}

// ---- who moves what ---------------------------------------------------------------------------------------------

// one pass counts, the next one writes
typedef struct Links {
    Sheet  *sheet;   // NULL while counting
    int64_t n;
} Links;

static void put_link(Links *links, const char *from, const char *to, const char *kind) {
    links->n++;
    if (!links->sheet) return;
    put_text(links->sheet, "from", from);
    put_text(links->sheet, "to", to);
    put_text(links->sheet, "kind", kind);
    links->sheet->row++;
}

static uint64_t reads(const Model *m, ProgramId p) { return p == PROGRAM_NONE ? 0 : m->program[p].reads; }

static void put_reads(Links *links, const Model *m, uint64_t mask, const char *to, const char *kind) {
    for (int32_t v = 0; v < model_variables(m); v++)
        if (mask >> v & 1) put_link(links, model_variable_name(m, v), to, kind);
}

static void put_links(Links *links, const Model *m) {
    for (int32_t k = 0; k < m->n_jump; k++)
        for (int32_t e = 0; e < m->jump[k].n_effect; e++)
            put_link(links, m->jump[k].name, model_variable_name(m, m->jump[k].effect[e].to), "changes");
    for (int32_t k = 0; k < m->n_stock; k++) {
        uint64_t self = (uint64_t)1 << (m->n_mode + k);
        ProgramId own = m->clock == CLOCK_ROUNDS ? m->stock[k].change : m->stock[k].drift;
        put_reads(links, m, reads(m, own) & ~self, m->stock[k].name, "drives");
    }
    for (int32_t k = 0; k < m->n_jump; k++)
        if (m->jump[k].kind == JUMP_EVENT) put_reads(links, m, reads(m, m->jump[k].rate), m->jump[k].name, "hastens");
    for (int32_t a = 0; a < m->n_actor; a++) {
        uint64_t mask = 0;
        for (int32_t t = 0; t < m->n_term; t++)
            if (m->term[t].actor == a) mask |= reads(m, m->term[t].value);
        put_reads(links, m, mask, m->actor[a].name, "weighs");
    }
}

static Frame *links_frame(const Model *m, bool *failed) {
    Links count = {0};
    put_links(&count, m);
    Sheet sheet = sheet_make("links", count.n);
    put_links(&(Links){.sheet = &sheet}, m);
    return done(&sheet, failed);
}

// ---- parameters and sources -------------------------------------------------------------------------------------

static void prior_text(const ModelParam *param, Text *out) {
    static const struct { const char *name; int n; } prior[] = {
        [PRIOR_NONE] = {"", 0}, [PRIOR_UNIFORM] = {"uniform", 2}, [PRIOR_NORMAL] = {"normal", 2},
        [PRIOR_LOGNORMAL] = {"lognormal", 2}, [PRIOR_BETA] = {"beta", 2}, [PRIOR_GAMMA] = {"gamma", 2},
        [PRIOR_EXPONENTIAL] = {"exponential", 1}, [PRIOR_TRIANGULAR] = {"triangular", 3},
    };
    const double argument[3] = {param->prior_a, param->prior_b, param->prior_c};
    text_append(out, prior[param->prior].name);
    for (int i = 0; i < prior[param->prior].n; i++) {
        // the median of a lognormal as scenarios state it: log(6)
        bool is_log = param->prior == PRIOR_LOGNORMAL && i == 0;
        text_append(out, i ? ", " : is_log ? "(log(" : "(");
        text_number(out, is_log ? exp(argument[i]) : argument[i], 4);
        if (is_log) text_char(out, ')');
    }
    if (prior[param->prior].n) text_char(out, ')');
}

// whose value this is, where it is not the scenario's
static void change_of(Text *out, const DurScenario *s, int32_t p) {
    const ModelParam *param = &s->model->param[p];
    const char *account = param->is_rival ? s->model->account : NULL;
    if (memcmp(&s->session.param[p], &param->value, sizeof(double)) != 0) {
        text_printf(out, "set for this page; %s%s has ", account ? "rival " : "the scenario", account ? account : "");
        text_number(out, param->value / param->scale, 6);
    } else if (account) {
        text_printf(out, "as rival %s has it", account);
    }
}

static Frame *params_frame(const DurScenario *s, bool *failed) {
    const Model *m = s->model;
    Sheet sheet = sheet_make("params", m->n_param);
    for (; sheet.row < m->n_param; sheet.row++) {
        const ModelParam *param = &m->param[sheet.row];
        put_text(&sheet, "name", param->name);
        put_number(&sheet, "value", s->session.param[sheet.row] / param->scale);
        Text unit = {0}, prior = {0};
        if (param->unit) text_append(&unit, param->unit);
        if (param->per) text_printf(&unit, "%sper %s", unit.length ? " " : "", param->per);
        put_made(&sheet, "unit", &unit);
        prior_text(param, &prior);
        put_made(&sheet, "prior", &prior);
        put_origin(&sheet, m, param->cite, param->span);
        put_text(&sheet, "text", param->text);
        put_number(&sheet, "assumed", param->cite.source < 0);
        Text change = {0};
        change_of(&change, s, (int32_t)sheet.row);
        if (change.length || change.failed) put_made(&sheet, "change", &change);
    }
    return done(&sheet, failed);
}

static Frame *sources_frame(const Model *m, bool *failed) {
    Sheet sheet = sheet_make("sources", m->n_source);
    for (; sheet.row < m->n_source; sheet.row++) {
        const ModelSource *source = &m->source[sheet.row];
        put_text(&sheet, "name", source->name);
        put_text(&sheet, "text", source->text);
        put_text(&sheet, "url", source->url);
        put_text(&sheet, "date", source->date);
        put_text(&sheet, "file", source->file);
        put_place(&sheet, m, source->span);
    }
    return done(&sheet, failed);
}

// ---- what came of it --------------------------------------------------------------------------------------------

static void put_notes(Sheet *sheet, const ClaimAnswer *answer) {
    Text note = {0};
    put_text(sheet, "not_exact", answer->found.gap.not_exact);
    put_claim_note(&note, answer);
    put_made(sheet, "note", &note);
}

static Frame *claims_frame(const Model *m, const ClaimAnswers *claims, bool *failed) {
    Sheet sheet = sheet_make("claims", claims->n);
    for (; sheet.row < claims->n; sheet.row++) {
        const ClaimAnswer *answer = &claims->item[sheet.row];
        const ModelClaim *claim = &m->claim[answer->claim];
        const CheckClaim *f = &answer->found;
        put_text(&sheet, "name", claim->name);
        put_text(&sheet, "text", claim->text);
        put_text(&sheet, "sentence", claim->sentence);
        put_text(&sheet, "verdict", check_verdict_name(f->verdict));
        put_number(&sheet, "left", f->left.value);
        put_number(&sheet, "left_low", f->left.low);
        put_number(&sheet, "left_high", f->left.high);
        put_number(&sheet, "right", f->right.value);
        put_number(&sheet, "right_low", f->right.low);
        put_number(&sheet, "right_high", f->right.high);
        put_number(&sheet, "left_bound", unseen_bound(&f->left));
        put_number(&sheet, "right_bound", unseen_bound(&f->right));
        put_number(&sheet, "gap", f->gap.value);
        put_number(&sheet, "low", f->gap.low);
        put_number(&sheet, "high", f->gap.high);
        put_number(&sheet, "confidence", f->gap.confidence);
        put_text(&sheet, "comparison", comparison_sign(claim->comparison));
        put_text(&sheet, "method", answer->status == DUR_OK ? check_method_name(f->gap.method) : "");
        put_number(&sheet, "runs", (double)f->gap.n_run);
        put_notes(&sheet, answer);
        put_number(&sheet, "sensitive", claim->is_sensitive);
        put_number(&sheet, "grid", claim->tolerance);
        Text rests = {0};
        ledger_assumed(&rests, m, answer->claim);
        put_made(&sheet, "rests", &rests);
        put_origin(&sheet, m, claim->cite, claim->span);
    }
    return done(&sheet, failed);
}

static Frame *accounts_frame(const Model *m, const Accounts *accounts, bool *failed) {
    Sheet sheet = sheet_make("accounts", accounts->n);
    for (; sheet.row < accounts->n; sheet.row++) {
        int32_t r = accounts->item[sheet.row].rival;
        put_text(&sheet, "name", account_name(m, &accounts->item[sheet.row]));
        put_text(&sheet, "text", r < 0 ? "the scenario as it is written" : m->rival[r].text);
        put_text(&sheet, "overrides", r < 0 ? "" : m->rival[r].overrides);
        put_origin(&sheet, m, r < 0 ? (ModelCite){.source = -1} : m->rival[r].cite, r < 0 ? (Span){0} : m->rival[r].span);
    }
    return done(&sheet, failed);
}

// what every account says of the claims on which they differ
static Frame *predictions_frame(const Model *m, const Accounts *accounts, bool *failed) {
    int32_t n_differ = 0;
    for (int32_t c = 0; c < accounts->n_claim; c++) n_differ += accounts_differ(accounts, c);
    Sheet sheet = sheet_make("predictions", (int64_t)n_differ * accounts->n);
    for (int32_t c = 0; c < accounts->n_claim; c++) {
        if (!accounts_differ(accounts, c)) continue;
        for (int32_t i = 0; i < accounts->n; i++, sheet.row++) {
            const Account *account = &accounts->item[i];
            const ClaimAnswer *answer = account->status == DUR_OK ? &account->answers.item[c] : NULL;
            bool has = answer && answer->status == DUR_OK;
            put_text(&sheet, "claim", m->claim[c].name);
            put_text(&sheet, "text", m->claim[c].text);
            put_text(&sheet, "account", account_name(m, account));
            put_text(&sheet, "verdict", has ? check_verdict_name(answer->found.verdict) : "");
            put_number(&sheet, "left", has ? answer->found.left.value : NAN);
            put_number(&sheet, "right", has ? answer->found.right.value : NAN);
            put_number(&sheet, "left_bound", has ? unseen_bound(&answer->found.left) : NAN);
            put_number(&sheet, "right_bound", has ? unseen_bound(&answer->found.right) : NAN);
            put_text(&sheet, "comparison", comparison_sign(m->claim[c].comparison));
            put_number(&sheet, "alone", accounts_alone(accounts, c) == i);
            if (answer) put_notes(&sheet, answer);
        }
    }
    return done(&sheet, failed);
}

// "" for the equilibrium
static const char *policy_of(const Model *m, const RunAnswers *run, int32_t p) {
    int32_t policy = run->first_policy + p;
    return policy < 0 ? "" : m->policy[policy].name;
}

// frames of the same columns, one below the other; NULL where memory is out. Takes the parts.
static Frame *stack(const char *name, Frame **part, int32_t n, bool *failed) {
    int64_t n_row = 0;
    const Frame *first = NULL;
    for (int32_t i = 0; i < n; i++) {
        if (!part[i]) continue;
        if (!first) first = part[i];
        n_row += part[i]->n_row;
    }
    Frame *out = frame_make(name, n_row);
    bool made = out != NULL;
    for (int32_t c = 0; made && first && c < first->n_column; c++) {
        const Column *like = &first->column[c];
        made = like->kind == COLUMN_TEXT ? frame_add_text(out, like->name) != NULL
                                         : frame_add_number(out, like->name, like->unit) != NULL;
        int64_t row = 0;
        for (int32_t i = 0; made && i < n; i++) {
            for (int64_t r = 0; made && part[i] && r < part[i]->n_row; r++, row++) {
                if (like->kind == COLUMN_TEXT) made = frame_set_text(out, c, row, part[i]->column[c].text[r]);
                else out->column[c].number[row] = part[i]->column[c].number[r];
            }
        }
    }
    for (int32_t i = 0; i < n; i++) frame_free(part[i]);
    *failed |= !made;
    return out;
}

typedef Frame *PathsFrame(const SimPaths *paths, const Model *model, const char *policy);
static Frame *paths_stack(const char *name, PathsFrame *make, const Model *m, const RunAnswers *run, bool *failed) {
    Frame **part = memory_zeroed((size_t)run->n_paths + 1, sizeof *part);
    if (!part) {
        *failed = true;
        return NULL;
    }
    for (int32_t p = 0; p < run->n_paths; p++) {
        if (run->paths[p].n_run == 0) continue;
        part[p] = make(&run->paths[p], m, policy_of(m, run, p));
        *failed |= part[p] == NULL;
    }
    Frame *out = stack(name, part, run->n_paths, failed);
    memory_free(part);
    return out;
}

// a number of each actor
static Frame *values_frame(const DurScenario *s, const char *name, const double *x, bool *failed) {
    const Model *m = s->model;
    char who[256];
    Sheet sheet = sheet_make(name, x ? model_rows(m) : 0);
    for (; x && sheet.row < model_rows(m); sheet.row++) {
        put_text(&sheet, "actor", row_name(m, (int32_t)sheet.row, who));
        put_number(&sheet, "value", x[sheet.row]);
    }
    return done(&sheet, failed);
}

static Frame *choices_frame(const DurScenario *s, const Answer *where, bool *failed) {
    const Model *m = s->model;
    Answer start = {0};
    DurError ignored = {0};
    if (!where && answer_make(&start, s, NULL, &ignored) != DUR_OK) {
        answer_free(&start);
        *failed = true;
        return NULL;
    }
    Answer at = where ? *where : start;
    // waiting, and every move that is available; types in place of an actor that has them
    int64_t n = model_rows(m);
    for (int32_t k = 0; k < m->n_jump; k++)
        if (m->jump[k].kind == JUMP_MOVE && isfinite(at.choice[k])) n += model_types(m, m->jump[k].actor);
    Sheet sheet = sheet_make("choices", n);
    for (int32_t r = 0; r < model_rows(m); r++) {
        int32_t type, a = model_row_actor(m, r, &type);
        const double *choice = at.type_choice ? at.type_choice + r * m->n_jump : at.choice;
        char who[256];
        for (int32_t k = -1; k < m->n_jump; k++) {
            const ModelJump *jump = k < 0 ? NULL : &m->jump[k];
            bool shown = !jump || (jump->kind == JUMP_MOVE && jump->actor == a && isfinite(at.choice[k]));
            if (!shown) continue;
            put_text(&sheet, "actor", row_name(m, r, who));
            put_text(&sheet, "move", k < 0 ? "wait" : m->jump[k].name);
            put_number(&sheet, "probability", k >= 0 ? choice[k] : at.type_wait ? at.type_wait[r] : at.wait[a]);
            sheet.row++;
        }
    }
    answer_free(&start);
    return done(&sheet, failed);
}

// ---- reasons ----------------------------------------------------------------------------------------------------

static Frame *reasons_frame(const Explanation *e, bool *failed) {
    const Reasons *r = &e->reasons;
    Sheet sheet = sheet_make("reasons", r->n_reason);
    for (; sheet.row < r->n_reason; sheet.row++) {
        const Reason *reason = &r->reason[sheet.row];
        char name[256];
        put_text(&sheet, "actor", row_name(r->model, reason->row, name));
        put_text(&sheet, "move", r->model->jump[reason->jump].name);
        put_number(&sheet, "probability", reason->probability);
        put_number(&sheet, "advantage", reason->advantage);
        Text sentence = {0};
        put_reason(&sentence, e, (int32_t)sheet.row);
        put_made(&sheet, "sentence", &sentence);
    }
    return done(&sheet, failed);
}

// entries of a split that are more than rounding beside the others
static bool is_entry(const Explanation *e, int32_t reason, int64_t at) {
    const Reason *r = &e->reasons.reason[reason];
    double most = 0;
    if (!r->is_solved) return false;
    for (int64_t k = 0; k < (int64_t)e->reasons.n_part[r->actor] * e->n_group; k++) most = fmax(most, fabs(e->split[reason][k]));
    return fabs(e->split[reason][at]) > 1e-12 * most;
}

static Frame *reason_parts_frame(const Explanation *e, bool *failed) {
    const Reasons *r = &e->reasons;
    Sheet sheet = {0};
    // one pass counts, the next one writes
    for (int pass = 0; pass < 2; pass++) {
        int64_t n = 0;
        for (int32_t i = 0; i < r->n_reason; i++) {
            const Reason *reason = &r->reason[i];
            for (int32_t p = 0; p < r->n_part[reason->actor]; p++)
                for (int32_t g = 0; g < e->n_group; g++) {
                    int64_t at = (int64_t)p * e->n_group + g;
                    if (!is_entry(e, i, at)) continue;
                    n++;
                    if (pass == 0) continue;
                    Text part = {0}, carrier = {0};
                    char name[256];
                    put_text(&sheet, "actor", row_name(r->model, reason->row, name));
                    put_text(&sheet, "move", r->model->jump[reason->jump].name);
                    put_part(&part, e, &r->part[reason->actor][p]);
                    put_made(&sheet, "part", &part);
                    put_group_short(&carrier, e, &e->group[g]);
                    put_made(&sheet, "carrier", &carrier);
                    put_number(&sheet, "value", e->split[i][at]);
                    sheet.row++;
                }
        }
        if (pass == 0) sheet = sheet_make("reason_parts", n);
    }
    return done(&sheet, failed);
}

static bool can_move(const Explanation *e, int32_t row) {
    for (int32_t k = 0; k < e->reasons.n_reason; k++)
        if (e->reasons.reason[k].row == row) return true;
    return false;
}

static bool is_of_row(const Explanation *e, const MindChange *c, int32_t row) {
    return model_row(e->scenario->model, c->actor) + c->type == row;
}

static const MindChange *nearest_change(const Explanation *e, int32_t row) {
    for (int32_t i = 0; i < e->n_change; i++)
        if (is_of_row(e, &e->change[i], row)) return &e->change[i];
    return NULL;
}

static Frame *minds_frame(const Explanation *e, bool *failed) {
    const Model *m = e->scenario->model;
    int64_t n = 0;
    for (int32_t i = 0; i < model_rows(m); i++) n += 2 * can_move(e, i);
    Sheet sheet = sheet_make("minds", n);
    for (int32_t i = 0; i < model_rows(m); i++)
        for (int which = 0; which < 2 && can_move(e, i); which++, sheet.row++) {
            Text text = {0};
            char name[256];
            put_text(&sheet, "actor", row_name(m, i, name));
            if (which) put_sensitivity(&text, e, i);
            else put_change(&text, e, nearest_change(e, i));
            put_made(&sheet, "text", &text);
        }
    return done(&sheet, failed);
}

static Frame *mind_changes_frame(const Explanation *e, bool *failed) {
    const Model *m = e->scenario->model;
    int64_t n = e->n_change + (int64_t)model_rows(m) * m->n_stock;
    Sheet sheet = sheet_make("mind_changes", n);
    // rows that are not needed are cut off at the end
    for (int32_t i = 0; i < model_rows(m); i++)
        for (int32_t k = 0; k < m->n_stock && can_move(e, i); k++)
            for (int32_t c = 0, found = 0; c <= e->n_change; c++) {
                const MindChange *change = c < e->n_change ? &e->change[c] : NULL;
                if (change ? !is_of_row(e, change, i) || change->stock != k : found > 0) continue;
                Text turn = {0};
                char name[256];
                put_text(&sheet, "actor", row_name(m, i, name));
                put_text(&sheet, "stock", m->stock[k].name);
                put_number(&sheet, "here", e->state[m->n_mode + k]);
                put_number(&sheet, "at", change ? change->at : NAN);
                if (change) put_turn(&turn, e, change);
                else text_append(&turn, "nowhere in its range");
                put_made(&sheet, "turn", &turn);
                sheet.row++;
                found++;
            }
    if (sheet.frame) {
        for (int32_t c = 0; c < sheet.frame->n_column; c++)
            for (int64_t i = sheet.row; i < n && sheet.frame->column[c].kind == COLUMN_TEXT; i++)
                memory_free(sheet.frame->column[c].text[i]);
        sheet.frame->n_row = sheet.row;
    }
    return done(&sheet, failed);
}

static Frame *sensitivities_frame(const Explanation *e, bool *failed) {
    const DurScenario *s = e->scenario;
    const Model *m = s->model;
    int64_t n = 0;
    for (int32_t t = 0; t < e->adjoint.n_target; t++) n += can_move(e, model_row(m, e->target[t].actor) + e->target[t].type);
    Sheet sheet = sheet_make("sensitivities", n * m->n_param);
    for (int32_t i = 0; i < model_rows(m); i++)
        for (int32_t p = 0; p < m->n_param && can_move(e, i); p++)
            for (int32_t t = 0; t < e->adjoint.n_target; t++) {
                const AdjointTarget *target = &e->target[t];
                char name[256];
                if (model_row(m, target->actor) + target->type != i) continue;
                double value = s->session.param[p], step = adjoint_step(&m->param[p], value);
                put_text(&sheet, "actor", row_name(m, i, name));
                put_text(&sheet, "param", m->param[p].name);
                put_number(&sheet, "from", value / m->param[p].scale);
                put_number(&sheet, "to", (value + step) / m->param[p].scale);
                put_text(&sheet, "move", target->jump < 0 ? "" : m->jump[target->jump].name);
                put_number(&sheet, "effect", explain_effect(e, t, p));
                put_number(&sheet, "kink", explain_has_kink(e, t, p));
                sheet.row++;
            }
    return done(&sheet, failed);
}

static Frame *certificate_frame(const DurScenario *s, bool *failed) {
    const GameSolution *g = &s->session.equilibrium;
    const struct { const char *name; double value; } row[] = {
        {"residual", g->certificate.residual},
        {"consistency", g->certificate.consistency},
        {"tolerance", s->session.tolerance > 0 ? s->session.tolerance : GAME_TOLERANCE},
        {"iterations", (double)g->n_sweep},
        {"steps", g->n_step},
        {"seconds", g->seconds},
        {"certificate_seconds", g->certificate_seconds},
        {"memory", (double)(g->n_byte + s->session.lattice->n_byte)},
    };
    Sheet sheet = sheet_make("certificate", (int64_t)DUR_COUNT(row));
    for (; sheet.row < (int64_t)DUR_COUNT(row); sheet.row++) {
        put_text(&sheet, "quantity", row[sheet.row].name);
        put_number(&sheet, "value", row[sheet.row].value);
    }
    return done(&sheet, failed);
}

// in what these answers are not those of the scenario as it is written; nothing where they are
static void put_differences(Text *out, const DurScenario *s) {
    const Model *m = s->model;
    int32_t said[MODEL_VARIABLES_MAX];
    const char *between = "Not the scenario as it is written: ";
    for (int32_t r = 0; m->account && r < m->n_rival; r++) {
        if (strcmp(m->rival[r].name, m->account) != 0) continue;
        text_printf(out, "%srival %s is in effect, which replaces %s", between, m->account, m->rival[r].overrides);
        between = "; ";
    }
    for (int32_t p = 0; p < m->n_param; p++) {
        const ModelParam *param = &m->param[p];
        if (memcmp(&s->session.param[p], &param->value, sizeof(double)) == 0) continue;
        text_printf(out, "%s%s is set to ", between, param->name);
        text_number(out, s->session.param[p] / param->scale, 6);
        text_append(out, " in place of ");
        text_number(out, param->value / param->scale, 6);
        between = "; ";
    }
    lattice_grid(m, said);
    for (int32_t v = m->n_mode; s->session.n_node && v < model_variables(m); v++) {
        if (s->session.n_node[v] == said[v]) continue;
        text_printf(out, "%s%s has a grid of %d nodes in place of %d", between, model_variable_name(m, v), s->session.n_node[v], said[v]);
        between = "; ";
    }
    if (out->length) text_char(out, '.');
}

void run_doubts(Text *out, const DurScenario *s, const RunAnswers *run) {
    for (int32_t p = 0; p < run->n_paths; p++) doubts_add(out, s, p - 1);
    for (int32_t c = 0; c < run->claims.n; c++) doubts_join(out, run->claims.item[c].doubts);
}

static Frame *notes_frame(const DurScenario *s, const RunAnswers *run, bool *failed) {
    const Model *m = s->model;
    const GameSolution *g = &s->session.equilibrium;
    const EquilibriaVerdicts *others = &run->claims.others;
    Text differences = {0};
    put_differences(&differences, s);
    bool has_differences = differences.length || differences.failed;
    Text doubts = {0}, line = {0};
    run_doubts(&doubts, s, run);
    // the doubt about it says as much
    bool has_word = g->note[0] && g->is_principal;
    int64_t n = has_differences + has_word + s->session.has_others;
    for (const char *at = text_view(&doubts); *at; n++) at = doubts_next(at, &line);
    for (int32_t c = 0; c < others->n_claim; c++) n += equilibria_change(others, c);
    for (int32_t p = 0; run->why && p < run->n_paths; p++) n += run->why[p][0] != '\0';
    for (int32_t c = 0; c < run->claims.n; c++) n += run->claims.item[c].note[0] != '\0';
    n += run->not_explained[0] != '\0';
    n += run->no_stories[0] != '\0';
    for (int32_t p = 0; p < run->n_paths; p++) n += run->paths[p].n_failed;
    Sheet sheet = sheet_make("notes", n);
    if (has_differences) {
        put_made(&sheet, "text", &differences);
        sheet.row++;
    }
    if (has_word) {
        Text note = {0};
        text_printf(&note, "Played and judged here: %s.", g->note);
        put_made(&sheet, "text", &note);
        sheet.row++;
    }
    for (const char *at = text_view(&doubts); *at; sheet.row++) {
        Text note = {0};
        at = doubts_next(at, &line);
        text_printf(&note, "%s.", text_view(&line));
        put_made(&sheet, "text", &note);
    }
    *failed |= doubts.failed | line.failed;
    text_free(&line);
    text_free(&doubts);
    if (s->session.has_others) {
        Text note = {0};
        put_equilibria_words(&note, s);
        put_made(&sheet, "text", &note);
        sheet.row++;
    }
    for (int32_t c = 0; c < others->n_claim; c++) {
        if (!equilibria_change(others, c)) continue;
        Text note = {0};
        text_printf(&note, "Between equilibria the verdict changes: %s", m->claim[run->claims.item[c].claim].name);
        put_equilibria_change(&note, others, c);
        put_made(&sheet, "text", &note);
        sheet.row++;
    }
    for (int32_t p = 0; run->why && p < run->n_paths; p++) {
        if (!run->why[p][0]) continue;
        Text note = {0};
        text_printf(&note, "Policy %s was not played: %s", policy_of(m, run, p), run->why[p]);
        put_made(&sheet, "text", &note);
        sheet.row++;
    }
    for (int32_t c = 0; c < run->claims.n; c++) {
        const ClaimAnswer *answer = &run->claims.item[c];
        if (!answer->note[0]) continue;
        Text note = {0};
        text_printf(&note, "Claim %s was not judged: %s", m->claim[answer->claim].name, answer->note);
        put_made(&sheet, "text", &note);
        sheet.row++;
    }
    if (run->not_explained[0]) {
        Text note = {0};
        text_printf(&note, "Choices were not explained: %s", run->not_explained);
        put_made(&sheet, "text", &note);
        sheet.row++;
    }
    if (run->no_stories[0]) {
        Text note = {0};
        text_printf(&note, "No run is told as a story: %s", run->no_stories);
        put_made(&sheet, "text", &note);
        sheet.row++;
    }
    for (int32_t p = 0; p < run->n_paths; p++)
        for (int32_t k = 0; k < run->paths[p].n_failed; k++, sheet.row++) {
            Text note = {0};
            const char *policy = policy_of(m, run, p);
            text_printf(&note, "A run of %s%s failed and is left out: %s", policy[0] ? "policy " : "the equilibrium", policy,
                        run->paths[p].failed[k].error.text);
            put_made(&sheet, "text", &note);
        }
    return done(&sheet, failed);
}

// ---- the whole --------------------------------------------------------------------------------------------------

// the mean number of times that each move and event happened in a run
static Frame *counts_frame(const Model *m, const RunAnswers *run, bool *failed) {
    int64_t n_played = 0;
    for (int32_t p = 0; p < run->n_paths; p++) n_played += run->paths[p].n_run > 0;
    Sheet sheet = sheet_make("counts", n_played * m->n_jump);
    for (int32_t p = 0; p < run->n_paths; p++)
        for (int32_t k = 0; run->paths[p].n_run > 0 && k < m->n_jump; k++, sheet.row++) {
            put_text(&sheet, "policy", policy_of(m, run, p));
            put_text(&sheet, "name", m->jump[k].name);
            put_text(&sheet, "actor", m->jump[k].kind == JUMP_MOVE ? m->actor[m->jump[k].actor].name : "");
            put_number(&sheet, "count", run->paths[p].count[k]);
        }
    return done(&sheet, failed);
}

void page_frames_free(PageFrames *frames) {
    for (int i = 0; i < frames->n; i++) frame_free(frames->all[i]);
    *frames = (PageFrames){0};
}

DurStatus page_frames(PageFrames *out, const DurScenario *s, const DurOptions *options, const RunAnswers *run,
                      DurError *error) {
    const Model *m = s->model;
    const GameSolution *g = &s->session.equilibrium;
    bool failed = false;
    *out = (PageFrames){0};
#define KEEP(make) (out->all[out->n++] = (make))
    Report *report = &out->report;
    *report = (Report){
        .title = m->title,
        .path = m->path,
        .hash = m->hash,
        .version = DURESS_VERSION,
        .command = options->command,
        .unit = m->unit,
        .from = model_date(m, 0, out->from),
        .until = model_date(m, study_horizon(s), out->until),
        .choice = m->choice == CHOICE_TASTE ? "taste" : "quantal",
        .simulation = options->lattice ? "lattice" : "continuous",
        .seed = options->seed,
        .runs = run->n_paths ? run->paths[0].n_run : 0,
        .states = s->session.lattice ? (double)s->session.lattice->n_state : NAN,
        .converged = g->verdict == GAME_CONVERGED,
    };
    report->actors = KEEP(actors_frame(s, &failed));
    report->moves = KEEP(jumps_frame(m, true, &failed));
    report->events = KEEP(jumps_frame(m, false, &failed));
    report->stocks = KEEP(stocks_frame(s, &failed));
    report->modes = KEEP(modes_frame(m, &failed));
    report->definitions = KEEP(definitions_frame(m, &failed));
    report->payoffs = KEEP(payoffs_frame(m, &failed));
    report->policies = KEEP(policies_frame(m, &failed));
    report->links = KEEP(links_frame(m, &failed));
    report->params = KEEP(params_frame(s, &failed));
    report->sources = KEEP(sources_frame(m, &failed));
    report->claims = KEEP(claims_frame(m, &run->claims, &failed));
    if (run->accounts) {
        report->accounts = KEEP(accounts_frame(m, run->accounts, &failed));
        report->predictions = KEEP(predictions_frame(m, run->accounts, &failed));
    }
    report->series = KEEP(paths_stack("series", sim_stock_frame, m, run, &failed));
    report->mode_series = KEEP(paths_stack("mode_series", sim_mode_frame, m, run, &failed));
    KEEP(counts_frame(m, run, &failed));
    // parts that were played elsewhere bring no game with them
    bool has_game = s->session.lattice != NULL;
    if (has_game) report->values = KEEP(values_frame(s, "values", run->at ? run->at->value : g->value_start, &failed));
    if (has_game) report->choices = KEEP(choices_frame(s, run->at, &failed));
    if (run->is_explained) {
        report->reasons = KEEP(reasons_frame(&run->reasons, &failed));
        report->reason_parts = KEEP(reason_parts_frame(&run->reasons, &failed));
        report->minds = KEEP(minds_frame(&run->reasons, &failed));
        report->mind_changes = KEEP(mind_changes_frame(&run->reasons, &failed));
        report->sensitivities = KEEP(sensitivities_frame(&run->reasons, &failed));
    }
    if (run->stories.stories) {
        report->stories = KEEP(run->stories.stories);
        report->story_events = KEEP(run->stories.events);
    }
    if (has_game) report->certificate = KEEP(certificate_frame(s, &failed));
    if (has_game) report->regret = KEEP(values_frame(s, "regret", g->certificate.regret, &failed));
    report->notes = KEEP(notes_frame(s, run, &failed));
#undef KEEP
    if (!failed) return DUR_OK;
    page_frames_free(out);
    return status_fail(error, DUR_MEMORY, "out of memory while gathering what a run found");
}

DurStatus page_frames_add(PageFrames *frames, Frame *frame, DurError *error) {
    if (!frame) return status_fail(error, DUR_MEMORY, "out of memory while gathering what a run found");
    frames->all[frames->n++] = frame;
    return DUR_OK;
}

DurStatus page_why(const Explanation *e, Frame **reasons, Frame **parts, DurError *error) {
    bool failed = false;
    *reasons = reasons_frame(e, &failed);
    *parts = reason_parts_frame(e, &failed);
    if (!failed) return DUR_OK;
    frame_free(*reasons);
    frame_free(*parts);
    *reasons = *parts = NULL;
    return status_fail(error, DUR_MEMORY, "out of memory");
}
