#include "lattice/policy.h"

#include "base/memory.h"
#include "lattice/internal.h"
#include "lattice/rows.h"

#include <stdio.h>
#include <string.h>

void lattice_rule_free(LatticeRule *rule) {
    for (int32_t k = 0; rule->always_table && k < rule->n_always; k++) lattice_table_free(&rule->always_table[k]);
    memory_free(rule->always_table);
    memory_free(rule->always_when);
    memory_free(rule->always);
    memory_free(rule->never);
    lattice_table_free(&rule->precision_table);
    for (int32_t t = 0; rule->precision_type_table && t < rule->n_type; t++)
        lattice_table_free(&rule->precision_type_table[t]);
    memory_free(rule->precision_type_table);
    *rule = (LatticeRule){.actor = -1, .precision = PROGRAM_NONE};
}

static DurStatus precision_make(const Lattice *l, ProgramId precision, LatticeTable *out, DurError *error) {
    return table_make(l, PROGRAM_NONE, precision, "precision of the policy", TABLE_NOT_NEGATIVE, out, error);
}

// the one way a rule is made, from a phase of the scenario or from another rule
static DurStatus rule_make(LatticeRule *out, const Lattice *l, int32_t actor, int32_t n_never, const int32_t *never,
                           int32_t n_always, const ModelAlways *always, ProgramId precision, const ProgramId *by_type,
                           DurError *error) {
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
        status = precision_make(l, precision, &out->precision_table, error);
        if (status != DUR_OK) goto fail;
    }
    out->precision_by_type = by_type;
    if (by_type) {
        out->n_type = model_types(m, actor);
        out->precision_type_table = memory_zeroed((size_t)out->n_type, sizeof *out->precision_type_table);
        status = out->precision_type_table ? DUR_OK : DUR_MEMORY;
        for (int32_t t = 0; status == DUR_OK && t < out->n_type; t++)
            status = precision_make(l, by_type[t], &out->precision_type_table[t], error);
        if (status != DUR_OK) goto fail;
    }
    return DUR_OK;

fail:
    lattice_rule_free(out);
    return status_fail(error, status, "out of memory while making a policy");
}

DurStatus lattice_rule_make(LatticeRule *out, const Lattice *l, int32_t actor, const ModelPhase *phase,
                            DurError *error) {
    return rule_make(out, l, actor, phase->n_never, phase->never, phase->n_always, phase->always, phase->precision,
                     phase->precision_by_type, error);
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
        status = rule_make(out, l, from->actor, n_never, never, from->n_always, always, from->precision,
                           from->precision_by_type, error);
    }
    memory_free(always);
    memory_free(never);
    return status;
}

bool policy_is_possible(const Lattice *l, int32_t jump, int64_t mode_state) {
    const LatticeTable *when = &l->jump[jump].when;
    int64_t first = mode_state * l->n_stock_state / l->n_lane, n = l->n_stock_state / l->n_lane;
    // a guard that reads modes alone is the same in all blocks
    if (when->reads >> l->model->n_mode == 0) n = 1;
    for (int64_t b = first; b < first + n; b++) {
        LatticeBlock view;
        lattice_block(l, b, &view);
        const double *row = lattice_row(l, when, &view);
        for (int64_t i = 0; i < (when->inner ? l->n_lane : 1); i++)
            if (row[i] != 0.0) return true;
    }
    return false;
}

// choices that are stored of a move: one, or that which others see and those of all types
static int64_t stored(const Lattice *l, int32_t jump) {
    int32_t actor = l->model->jump[jump].actor;
    return l->model->actor[actor].private < 0 ? 1 : 1 + model_types(l->model, actor);
}

int64_t policy_shifts(const Lattice *l, int64_t *where) {
    int64_t n = 0;
    for (int32_t j = 0; j < l->model->n_jump; j++)
        for (int64_t s = 0; s < l->n_mode_state; s++) {
            bool here = model_is_signal(l->model, j) && policy_is_possible(l, j, s);
            if (where) where[j * l->n_mode_state + s] = here ? n : -1;
            if (here) n += (model_types(l->model, l->model->jump[j].actor) - 1) * l->n_stock_state;
        }
    return n;
}

double policy_bytes(const Lattice *l) {
    double entries = 0;
    for (int32_t j = 0; j < l->model->n_jump; j++)
        if (l->model->jump[j].kind == JUMP_MOVE)
            for (int64_t s = 0; s < l->n_mode_state; s++)
                if (policy_is_possible(l, j, s)) entries += (double)(l->n_stock_state * stored(l, j));
    return 8.0 * (2 * entries + (double)policy_shifts(l, NULL) + (double)l->model->n_belief * (double)l->n_state +
                  (double)model_rows(l->model) * (double)l->n_state +
                  (double)l->model->n_jump * (double)l->n_mode_state);
}

DurStatus policy_make(Policy **out, const Lattice *l, const LatticeRule *rule, DurError *error) {
    *out = NULL;
    const Model *m = l->model;
    DurStatus status = DUR_MEMORY;
    Policy *p = memory_zeroed(1, sizeof *p);
    if (!p) goto fail;
    p->lattice = l;
    p->laid = memory_zeroed(1, sizeof *p->laid);
    if (!p->laid) goto fail;
    p->rule = (LatticeRule){.actor = -1, .precision = PROGRAM_NONE};
    if (rule && rule->actor >= 0) {
        status = lattice_rule_carry(&p->rule, l, rule, error);
        if (status != DUR_OK) goto fail;
        status = DUR_MEMORY;
    }
    p->where = memory_alloc((size_t)m->n_jump * (size_t)l->n_mode_state * sizeof *p->where);
    p->shift_where = memory_alloc((size_t)m->n_jump * (size_t)l->n_mode_state * sizeof *p->shift_where);
    if (!p->where || !p->shift_where) goto fail;
    p->n_shift = policy_shifts(l, p->shift_where);
    p->value = memory_column((int64_t)model_rows(m) * l->n_state + p->n_shift);
    p->drift = memory_column((int64_t)m->n_belief * l->n_state);
    if (!p->value || !p->drift) goto fail;
    p->shift = p->value + (int64_t)model_rows(m) * l->n_state;
    for (int32_t j = 0; j < m->n_jump; j++)
        for (int64_t s = 0; s < l->n_mode_state; s++) {
            bool here = m->jump[j].kind == JUMP_MOVE && policy_is_possible(l, j, s);
            p->where[j * l->n_mode_state + s] = here ? p->n_entry : -1;
            if (here) p->n_entry += l->n_stock_state * stored(l, j);
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
    if (p->laid) chain_rows_free(p->laid->rows);
    memory_free(p->laid);
    memory_free(p->probability);
    memory_free(p->advantage);
    memory_free(p->where);
    memory_free(p->shift_where);
    memory_free(p->drift);
    memory_free(p->value);
    memory_free(p);
}

int32_t policy_targets(const Policy *p, int32_t jump, const int32_t *node, int64_t *state, double *weight) {
    const Lattice *l = p->lattice;
    int32_t n = lattice_targets(l, jump, node, state, weight), end = n;
    int64_t from = lattice_state(l, node), at = p->shift_where[jump * l->n_mode_state + from / l->n_stock_state];
    if (at < 0) return n;
    int32_t private = l->model->actor[l->model->jump[jump].actor].private, v = l->model->private[private].variable;
    int32_t corner[MODEL_TYPES_MAX];
    double shift[MODEL_TYPES_MAX], share[MODEL_TYPES_MAX];
    for (int32_t t = 1; t < l->private[private].n_type; t++)
        shift[t - 1] = p->shift[at + (t - 1) * l->n_stock_state + from % l->n_stock_state];
    int32_t n_corner = lattice_shift_belief(&l->private[private], node[v], shift, corner, share);
    for (int32_t i = 0; i < end; i++) {
        int64_t base = state[i];
        double whole = weight[i];
        for (int32_t c = 0; c < n_corner; c++) {
            int32_t to = c == 0 ? i : n;
            if (to == LATTICE_CORNERS_MAX) break;
            if (c > 0) n++;
            state[to] = base + (corner[c] - node[v]) * l->stride[v];
            weight[to] = whole * share[c];
        }
    }
    return n;
}

// ---- what choices tell about types --------------------------------------------------------------------------------

// P(a) of one type at one state
static double chance(const Policy *p, int32_t jump, int32_t type, int64_t state) {
    int64_t at = policy_entry(p, jump, type, state);
    return at < 0 ? 0.0 : p->probability[at];
}

// A visible move a turns b_t into b_t P_t(a) / P(a), which is b_t + b_t sum over u of b_u (P_t(a) - P_u(a)) / P(a); so where
// all types do the same nothing moves, to the bit. In silence b_t drifts by lambda b_t (P(visible) - P_t(visible)), and
// besides as types become others. What `probability` holds for the public is the mean sum over t of b_t P_t(a).
static void learn_at(Policy *p, int32_t private, int64_t state, const double *b, double attends, const double *becomes,
                     bool known) {
    const Lattice *l = p->lattice;
    const Model *m = l->model;
    const ModelPrivate *mp = &m->private[private];
    int32_t n = mp->n_type;
    int64_t stock_state = state % l->n_stock_state, mode_state = state / l->n_stock_state;
    double seen[MODEL_TYPES_MAX] = {0};   // probability of a visible move, by type
    for (int32_t j = 0; j < m->n_jump; j++) {
        if (m->jump[j].kind != JUMP_MOVE || m->jump[j].actor != mp->actor) continue;
        int64_t at = p->where[j * l->n_mode_state + mode_state], shift = p->shift_where[j * l->n_mode_state + mode_state];
        if (at < 0) continue;
        double public = chance(p, j, 0, state), advantage = 0;
        for (int32_t t = 1; t < n; t++) public += b[t] * (chance(p, j, t, state) - chance(p, j, 0, state));
        for (int32_t t = 0; t < n; t++) advantage += b[t] * p->advantage[policy_entry(p, j, t, state)];
        p->probability[at + stock_state] = public > 0 ? public : 0;
        p->advantage[at + stock_state] = advantage;
        if (!known) continue;
        for (int32_t t = 0; t < n && !m->jump[j].is_secret; t++) seen[t] += chance(p, j, t, state);
        for (int32_t t = 1; t < n && shift >= 0; t++) {
            double by = 0;
            for (int32_t u = 0; u < n; u++) by += b[u] * (chance(p, j, t, state) - chance(p, j, u, state));
            p->shift[shift + (t - 1) * l->n_stock_state + stock_state] = public > 0 ? b[t] * by / public : 0;
        }
    }
    for (int32_t t = 1; t < n && known; t++) {
        double by = 0, into = 0, out = 0;
        for (int32_t u = 0; u < n; u++) by += b[u] * (seen[u] - seen[t]);
        // every other type becomes this one, this one every other
        for (int32_t u = 0; u < n; u++) {
            if (u == t) continue;
            into += b[u] * becomes[t];
            out += becomes[u];
        }
        p->drift[(mp->variable - m->n_mode - m->n_stock + t - 1) * l->n_state + state] = attends * b[t] * by + into - b[t] * out;
    }
}

void policy_learn(Policy *p, bool known) {
    const Lattice *l = p->lattice;
    const Model *m = l->model;
    for (int32_t i = 0; i < m->n_private; i++) {
        const ModelPrivate *mp = &m->private[i];
        for (int64_t block = 0; block < l->n_block; block++) {
            LatticeBlock view;
            lattice_block(l, block, &view);
            const double *b = l->private[i].belief + (int64_t)view.node[mp->variable] * mp->n_type;
            const LatticeTable *attends = &l->actor[mp->actor].attends;
            const double *row = lattice_row(l, attends, &view);
            for (int64_t lane = 0; lane < l->n_lane; lane++) {
                double becomes[MODEL_TYPES_MAX] = {0};
                for (int32_t k = 0; k < mp->n_becomes; k++) {
                    const LatticeTable *t = &l->private[i].becomes[k];
                    becomes[mp->becomes[k].type] += lattice_row(l, t, &view)[t->inner ? lane : 0];
                }
                learn_at(p, i, view.first + lane, b, row[attends->inner ? lane : 0], becomes, known);
            }
        }
    }
}
