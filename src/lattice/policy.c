#include "lattice/policy.h"

#include "base/memory.h"

#include <stdio.h>
#include <string.h>

void lattice_rule_free(LatticeRule *rule) {
    for (int32_t k = 0; rule->always_table && k < rule->n_always; k++) lattice_table_free(&rule->always_table[k]);
    memory_free(rule->always_table);
    memory_free(rule->always_when);
    memory_free(rule->always);
    memory_free(rule->never);
    lattice_table_free(&rule->precision_table);
    *rule = (LatticeRule){.actor = -1, .precision = PROGRAM_NONE};
}

// the one way a rule is made, from a phase of the scenario or from another rule
static DurStatus rule_make(LatticeRule *out, const Lattice *l, int32_t actor, int32_t n_never, const int32_t *never,
                           int32_t n_always, const ModelAlways *always, ProgramId precision, DurError *error) {
    const Model *m = l->model;
    *out = (LatticeRule){.actor = actor, .precision = precision};
    if (actor < 0) return DUR_OK;
    DurStatus status = DUR_MEMORY;
    out->never = memory_zeroed((size_t)m->n_jump, sizeof *out->never);
    out->always = memory_zeroed((size_t)n_always, sizeof *out->always);
    out->always_when = memory_zeroed((size_t)n_always, sizeof *out->always_when);
    out->always_table = memory_zeroed((size_t)n_always, sizeof *out->always_table);
    if (!out->never || !out->always || !out->always_when || !out->always_table) goto fail;
    for (int32_t k = 0; k < n_never; k++) out->never[never[k]] = true;
    for (int32_t k = 0; k < n_always; k++) {
        out->always[k] = always[k].jump;
        out->always_when[k] = always[k].when;
        out->n_always = k + 1;
        if (always[k].when == PROGRAM_NONE) continue;
        char what[160];
        snprintf(what, sizeof what, "condition of `always %.100s`", m->jump[always[k].jump].name);
        status = lattice_tabulate(l, always[k].when, what, &out->always_table[k], error);
        if (status != DUR_OK) goto fail;
    }
    if (precision != PROGRAM_NONE) {
        status = lattice_tabulate(l, precision, "precision of the policy", &out->precision_table, error);
        if (status != DUR_OK) goto fail;
        for (int64_t i = 0; i < out->precision_table.n; i++)
            if (out->precision_table.value[i] < 0) {
                status = status_fail(error, DUR_DOMAIN, "the precision of a policy of `%s` is negative at some state",
                                     m->actor[actor].name);
                goto fail;
            }
    }
    return DUR_OK;

fail:
    lattice_rule_free(out);
    return status_fail(error, status, "out of memory while making a policy");
}

DurStatus lattice_rule_make(LatticeRule *out, const Lattice *l, int32_t actor, const ModelPhase *phase,
                            DurError *error) {
    return rule_make(out, l, actor, phase->n_never, phase->never, phase->n_always, phase->always, phase->precision,
                     error);
}

DurStatus lattice_rule_carry(LatticeRule *out, const Lattice *l, const LatticeRule *from, DurError *error) {
    const Model *m = l->model;
    DurStatus status = DUR_MEMORY;
    int32_t *never = memory_zeroed((size_t)m->n_jump, sizeof *never), n_never = 0;
    ModelAlways *always = memory_zeroed((size_t)from->n_always, sizeof *always);
    if (never && always) {
        for (int32_t j = 0; j < m->n_jump; j++)
            if (from->never[j]) never[n_never++] = j;
        for (int32_t k = 0; k < from->n_always; k++)
            always[k] = (ModelAlways){.jump = from->always[k], .when = from->always_when[k]};
        status = rule_make(out, l, from->actor, n_never, never, from->n_always, always, from->precision, error);
    }
    memory_free(always);
    memory_free(never);
    return status;
}

bool policy_is_possible(const Lattice *l, int32_t jump, int64_t mode_state) {
    const LatticeTable *when = &l->jump[jump].when;
    int64_t first = mode_state * l->n_stock_state / l->n_lane, n = l->n_stock_state / l->n_lane;
    for (int64_t b = first; b < first + n; b++) {
        LatticeBlock view;
        lattice_block(l, b, &view);
        const double *row = lattice_row(l, when, &view);
        for (int64_t i = 0; i < (when->inner ? l->n_lane : 1); i++)
            if (row[i] != 0.0) return true;
        if (when->is_constant) return false;
    }
    return false;
}

double policy_bytes(const Lattice *l) {
    double entries = 0;
    for (int32_t j = 0; j < l->model->n_jump; j++)
        if (l->model->jump[j].kind == JUMP_MOVE)
            for (int64_t s = 0; s < l->n_mode_state; s++)
                if (policy_is_possible(l, j, s)) entries += (double)l->n_stock_state;
    return 8.0 * (2 * entries + (double)l->model->n_actor * (double)l->n_state +
                  (double)l->model->n_jump * (double)l->n_mode_state);
}

DurStatus policy_make(Policy **out, const Lattice *l, const LatticeRule *rule, DurError *error) {
    *out = NULL;
    const Model *m = l->model;
    DurStatus status = DUR_MEMORY;
    Policy *p = memory_zeroed(1, sizeof *p);
    if (!p) goto fail;
    p->lattice = l;
    p->rule = (LatticeRule){.actor = -1, .precision = PROGRAM_NONE};
    if (rule && rule->actor >= 0) {
        status = lattice_rule_carry(&p->rule, l, rule, error);
        if (status != DUR_OK) goto fail;
        status = DUR_MEMORY;
    }
    p->where = memory_alloc((size_t)m->n_jump * (size_t)l->n_mode_state * sizeof *p->where);
    p->value = memory_column((int64_t)m->n_actor * l->n_state);
    if (!p->where || !p->value) goto fail;
    for (int32_t j = 0; j < m->n_jump; j++)
        for (int64_t s = 0; s < l->n_mode_state; s++) {
            bool here = m->jump[j].kind == JUMP_MOVE && policy_is_possible(l, j, s);
            p->where[j * l->n_mode_state + s] = here ? p->n_entry : -1;
            if (here) p->n_entry += l->n_stock_state;
        }
    p->advantage = memory_column(p->n_entry);
    p->probability = memory_column(p->n_entry);
    if (!p->advantage || !p->probability) goto fail;
    *out = p;
    return DUR_OK;

fail:
    policy_free(p);
    return status_fail(error, status, "out of memory while making a policy");
}

void policy_free(Policy *p) {
    if (!p) return;
    lattice_rule_free(&p->rule);
    memory_free(p->probability);
    memory_free(p->advantage);
    memory_free(p->where);
    memory_free(p->value);
    memory_free(p);
}
