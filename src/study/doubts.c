#include "study/doubts.h"

#include "study/result.h"

#include <math.h>
#include <string.h>

/// What the residual leaves open of an advantage in one sweep, in units of the logit, from which the certificate is asked. What is
/// left open in the end is that times the sweeps that it takes to forget where one is, seldom more than a hundred.
#define OPEN_MOST 1e-5

/// A choice that is farther from the answer to its exact values is told: answers may be wrong in their third digit.
#define VAGUE 1e-3

bool doubts_open(const GameSolution *g) {
    const Policy *p = g->policy;
    const Lattice *l = p->lattice;
    const Model *m = l->model;
    for (int32_t a = 0; a < m->n_actor; a++) {
        double sharpest = 0, largest = 0;
        for (int32_t t = 0; t < model_types(m, a); t++) {
            const LatticeTable *precision = lattice_rule_precision(l, &p->rule, a, t);
            const double *value = p->value + (model_row(m, a) + t) * l->n_state;
            for (int64_t i = 0; i < precision->n; i++) sharpest = fmax(sharpest, precision->value[i]);
            for (int64_t i = 0; i < l->n_state; i++) largest = fmax(largest, fabs(value[i]));
        }
        if (g->certificate.residual * largest * sharpest > OPEN_MOST) return true;
    }
    return false;
}

static void add_line(Text *out, const char *line) {
    if (!out->length || !strstr(text_view(out), line)) text_append(out, line);
}

void doubts_of(Text *out, const GameSolution *g, const char *who) {
    Text line = {0};
    if (!g->is_principal) {
        text_printf(&line, "%snot known to be on the branch that starts at precision 0: %s\n", who, g->note);
        add_line(out, text_view(&line));
    }
    text_clear(&line);
    double off = g->certificate.consistency;
    if (off > VAGUE) {
        text_printf(&line, "%svague: choices are up to ", who);
        text_number(&line, off, 2);
        text_append(&line, " from the answers to their exact values, beside which the tolerance leaves much open\n");
    } else if (g->certificate.is_unsettled && isnan(off)) {
        text_printf(&line, "%snot certified: how far choices are from the answers to their exact values was not found\n", who);
    }
    if (line.length) add_line(out, text_view(&line));
    out->failed |= line.failed;
    text_free(&line);
}

// the game that a policy in play is an answer in; a surprise answers in that of the equilibrium
static const GameSolution *game_of(const DurScenario *s, const Policy *played) {
    for (int32_t p = 0; p < s->model->n_policy; p++)
        for (int32_t k = 0; k < s->model->policy[p].n_phase; k++) {
            const StudyPhase *phase = &s->session.phase[p][k];
            if (phase->is_solved && phase->solution.policy == played) return &phase->solution;
        }
    return &s->session.equilibrium;
}

void doubts_add(Text *out, const DurScenario *s, int32_t policy) {
    const Plan *plan = s->session.plan[policy < 0 ? 0 : 1 + policy];
    Text who = {0};
    for (int32_t k = 0; plan && k < plan->n_step; k++) {
        const GameSolution *g = game_of(s, plan->step[k].policy);
        text_clear(&who);
        if (g == &s->session.equilibrium) text_append(&who, "The equilibrium is ");
        else text_printf(&who, "The equilibrium under policy %s is ", s->model->policy[policy].name);
        doubts_of(out, g, text_view(&who));
    }
    out->failed |= who.failed;
    text_free(&who);
}

const char *doubts_next(const char *line, Text *out) {
    size_t n = strcspn(line, "\n");
    text_clear(out);
    text_append_n(out, line, n);
    return line + n + (line[n] == '\n');
}

void doubts_join(Text *out, const char *lines) {
    Text line = {0};
    while (*lines) {
        lines = doubts_next(lines, &line);
        text_char(&line, '\n');
        add_line(out, text_view(&line));
    }
    out->failed |= line.failed;
    text_free(&line);
}

void doubts_put(Text *out, const char *lines) {
    Text line = {0};
    while (*lines) {
        lines = doubts_next(lines, &line);
        text_append(out, "  ");
        put_wrapped(out, text_view(&line), 2, 4);
        text_char(out, '\n');
    }
    out->failed |= line.failed;
    text_free(&line);
}

void doubts_put_apart(Text *out, const char *lines) {
    if (*lines) text_char(out, '\n');
    doubts_put(out, lines);
}

void doubts_put_of(Text *out, const GameSolution *g) {
    Text lines = {0};
    doubts_of(&lines, g, "This is an equilibrium, but ");
    doubts_put(out, text_view(&lines));
    out->failed |= lines.failed;
    text_free(&lines);
}

void doubts_render(Json *j, const char *lines) {
    Text line = {0};
    json_key(j, "doubts");
    json_array(j);
    while (*lines) {
        lines = doubts_next(lines, &line);
        json_string(j, text_view(&line));
    }
    json_end_array(j);
    text_free(&line);
}
