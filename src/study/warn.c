#include "study/warn.h"

#include "base/memory.h"
#include "num/philox.h"
#include "study/ledger.h"
#include "study/result.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/// Points between the nodes at which a rate is tried: a dip that takes a thousandth of the box is found with 98 %.
#define POINTS 4096

static void warn(DurScenario *s, Span span, const char *code, const char *help, const char *sentence) {
    diagnostics_add(&s->compilation.diagnostics, SEVERITY_WARNING, span, code, help, "%s", sentence);
}

// ---- moves and events that cannot happen ------------------------------------------------------------------------

static bool is_zero(const LatticeTable *table) {
    for (int64_t i = 0; i < table->n; i++)
        if (table->value[i] != 0) return false;
    return true;
}

static void warn_jumps(DurScenario *s) {
    const Model *m = s->model;
    const Lattice *l = s->session.lattice;
    for (int32_t k = 0; k < m->n_jump; k++) {
        const ModelJump *jump = &m->jump[k];
        char text[256];
        const char *what = jump->kind == JUMP_MOVE ? "move" : "event";
        if (is_zero(&l->jump[k].when)) {
            snprintf(text, sizeof text, "the %s `%s` can never happen: its `when` holds at no node of the lattice",
                     what, jump->name);
            warn(s, jump->span, "never-available", NULL, text);
        } else if (jump->kind == JUMP_EVENT && is_zero(&l->jump[k].rate)) {
            snprintf(text, sizeof text, "the event `%s` can never happen: its rate is 0 wherever its `when` holds",
                     jump->name);
            warn(s, jump->span, "never-available", NULL, text);
        }
    }
}

// ---- drifts that push out of the range --------------------------------------------------------------------------

// every combination of nodes of the variables in `mask`, one after the other; the others stay at node 0
static bool next_nodes(const Lattice *l, uint64_t mask, int32_t *node) {
    for (int32_t v = l->n_variable - 1; v >= 0; v--) {
        if (!(mask >> v & 1)) continue;
        if (++node[v] < l->n_node[v]) return true;
        node[v] = 0;
    }
    return false;
}

// the strongest push beyond one end of a stock's range, and where; 0 if there is none
static double worst_push(const Lattice *l, const LatticeTable *drift, int32_t variable, bool upper, int32_t *where) {
    int32_t node[MODEL_VARIABLES_MAX] = {0};
    double worst = 0;
    node[variable] = upper ? l->n_node[variable] - 1 : 0;
    uint64_t others = drift->reads & ~((uint64_t)1 << variable);
    do {
        double push = lattice_table_at(l, drift, node);
        if (!upper) push = -push;
        if (push > worst) {
            worst = push;
            memcpy(where, node, sizeof node);
        }
    } while (next_nodes(l, others, node));
    return worst;
}

static DurStatus warn_drift(DurScenario *s, int32_t k, DurError *error) {
    const Model *m = s->model;
    const Lattice *l = s->session.lattice;
    const ModelStock *stock = &m->stock[k];
    if (stock->drift == PROGRAM_NONE) return DUR_OK;
    LatticeTable drift = {0};
    TRY(lattice_tabulate(l, stock->drift, stock->name, &drift, error));
    int32_t variable = m->n_mode + k, where[MODEL_VARIABLES_MAX];
    for (int upper = 0; upper <= 1; upper++) {
        double push = worst_push(l, &drift, variable, upper, where);
        // rounding at an end where the drift is meant to vanish is no push
        if (push <= 1e-9 * (stock->high - stock->low)) continue;
        Text at = {0}, text = {0};
        lattice_describe(l, where, m->program[stock->drift].reads | (uint64_t)1 << variable, &at);
        text_printf(&text, "the drift of `%s` leaves its range at the %s end: %s", stock->name,
                    upper ? "upper" : "lower", upper ? "" : "-");
        text_number(&text, push, 3);
        text_printf(&text, " per %s at %s", m->unit, text_view(&at));
        warn(s, m->program[stock->drift].span, "leaves-range", "the stock is held at the end of its range there",
             text_view(&text));
        text_free(&at);
        text_free(&text);
    }
    lattice_table_free(&drift);
    return DUR_OK;
}

// ---- rates that are fine at the nodes and negative between them -------------------------------------------------

static void draw_state(const Model *m, Stream *luck, double *state) {
    for (int32_t i = 0; i < m->n_mode; i++) state[i] = floor(stream_uniform(luck) * m->mode[i].n_value);
    for (int32_t k = 0; k < m->n_stock; k++)
        state[m->n_mode + k] = m->stock[k].low + stream_uniform(luck) * (m->stock[k].high - m->stock[k].low);
    // a point of a simplex: one share of what is left after the other
    for (const ModelPrivate *p = m->private; p < m->private + m->n_private; p++)
        for (int32_t t = 1, v = p->variable; t < p->n_type; t++, v++) {
            double left = 1;
            for (int32_t u = p->variable; u < v; u++) left -= state[u];
            state[v] = stream_uniform(luck) * left;
        }
}

static void describe_state(const Model *m, const double *state, uint64_t mask, Text *out) {
    const char *between = "";
    for (int32_t v = 0; v < model_variables(m); v++) {
        if (!(mask >> v & 1)) continue;
        text_printf(out, "%s%s=", between, model_variable_name(m, v));
        if (v < m->n_mode) text_append(out, m->mode[v].value[(int32_t)state[v]]);
        else text_number(out, state[v], 3);
        between = ", ";
    }
}

static void warn_negative(DurScenario *s, const char *what, const char *name, ProgramId program, ProgramId when) {
    const Model *m = s->model;
    const double *param = s->session.param;
    if (program == PROGRAM_NONE || m->program[program].reads == 0) return;

    // a rigorous bound settles most at once
    Interval box[MODEL_VARIABLES_MAX];
    for (int32_t i = 0; i < m->n_mode; i++) box[i] = (Interval){0, m->mode[i].n_value - 1};
    for (int32_t k = 0; k < m->n_stock; k++) box[m->n_mode + k] = (Interval){m->stock[k].low, m->stock[k].high};
    for (int32_t v = m->n_mode + m->n_stock; v < model_variables(m); v++) box[v] = (Interval){0, 1};
    if (eval_bound(m, program, box, param, NULL).low >= 0) return;

    double state[MODEL_VARIABLES_MAX], worst_state[MODEL_VARIABLES_MAX], worst = 0;
    Stream luck = stream_make(0, (uint64_t)program, 0);
    for (int i = 0; i < POINTS; i++) {
        draw_state(m, &luck, state);
        if (when != PROGRAM_NONE && eval_state(m, when, state, param, NULL, NULL) == 0) continue;
        double x = eval_state(m, program, state, param, NULL, NULL);
        if (!(x < worst)) continue;
        worst = x;
        memcpy(worst_state, state, sizeof state);
    }
    if (worst >= -1e-12) return;
    Text text = {0};
    text_printf(&text, "the %s of `%s` is negative between nodes of the lattice: ", what, name);
    text_number(&text, worst, 3);
    text_append(&text, " at ");
    describe_state(m, worst_state, m->program[program].reads, &text);
    warn(s, m->program[program].span, "negative-rate", "max(0, ...) keeps it from there", text_view(&text));
    text_free(&text);
}

static void warn_rates(DurScenario *s) {
    const Model *m = s->model;
    for (int32_t k = 0; k < m->n_jump; k++)
        warn_negative(s, "rate", m->jump[k].name, m->jump[k].rate, m->jump[k].when);
    for (int32_t a = 0; a < m->n_actor; a++) {
        warn_negative(s, "attention rate", m->actor[a].name, m->actor[a].attends, PROGRAM_NONE);
        warn_negative(s, "precision", m->actor[a].name, m->actor[a].precision, PROGRAM_NONE);
    }
    for (const ModelPrivate *p = m->private; p < m->private + m->n_private; p++)
        for (int32_t k = 0; k < p->n_becomes; k++)
            warn_negative(s, "rate of change", p->name, p->becomes[k].rate, PROGRAM_NONE);
    for (int32_t k = 0; k < m->n_stock; k++)
        warn_negative(s, "noise", m->stock[k].name, m->stock[k].noise, PROGRAM_NONE);
}

// ---- sources whose file is at hand and is another one -----------------------------------------------------------

static void warn_source(DurScenario *s, const ModelSource *source) {
    char hex[65], text[512];
    if (ledger_source(s, source, hex) != SOURCE_OTHER) return;
    snprintf(text, sizeof text, "the file of source `%s` is at hand and is not the one stated: its SHA-256 is %s", source->name,
             hex);
    warn(s, source->span, "changed-source", NULL, text);
}

DurStatus warn_lattice(DurScenario *s, DurError *error) {
    if (s->is_warned) return DUR_OK;
    warn_jumps(s);
    for (int32_t k = 0; k < s->model->n_stock; k++) TRY(warn_drift(s, k, error));
    warn_rates(s);
    for (int32_t i = 0; i < s->model->n_source; i++) warn_source(s, &s->model->source[i]);
    diagnostics_sort(&s->compilation.diagnostics);
    s->is_warned = true;
    return DUR_OK;
}

// ---- conditions that runs pass through --------------------------------------------------------------------------

// a remark stands on a line of a quantity that a claim asks for; questions of the command line stand in files of their own
static bool is_of_claim(const Model *m, int32_t n_query, Span span) {
    for (int32_t q = 0; q < m->n_quantity - n_query; q++)
        if (m->quantity[q].span.file == span.file && m->quantity[q].span.line == span.line) return true;
    return false;
}

void warn_unseen(Text *faults, const DurScenario *s, bool with_claims) {
    const Compilation *c = &s->compilation;
    Text one = {0};
    for (int32_t i = 0; i < c->diagnostics.n; i++) {
        Diagnostic *d = &c->diagnostics.item[i];
        if (strcmp(d->code, "unseen") != 0 || (!with_claims && is_of_claim(s->model, s->n_query, d->span))) continue;
        text_clear(&one);
        diagnostics_print(&(Diagnostics){.n = 1, .item = d}, c->file, c->n_file, &one);
        // another account of the same scenario may have told it
        if (!strstr(text_view(faults), text_view(&one))) text_append(faults, text_view(&one));
    }
    faults->failed |= one.failed;
    text_free(&one);
}
