#include "lattice/internal.h"

#include "base/memory.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

void change_free(LatticeJump *j) {
    for (int32_t b = 0; j->branch && b < j->n_branch; b++) {
        for (int32_t k = 0; j->branch[b].shift && k < j->branch[b].n_shift; k++) {
            lattice_table_free(&j->branch[b].shift[k].move);
            lattice_table_free(&j->branch[b].shift[k].up);
        }
        memory_free(j->branch[b].shift);
    }
    memory_free(j->branch);
}

void jump_free(const Lattice *l, int32_t jump, LatticeJump *j) {
    change_free(j);
    const ModelJump *mj = &l->model->jump[jump];
    for (int32_t k = 0; j->lump && k < mj->n_lump; k++) lattice_table_free(&j->lump[k]);
    for (int32_t k = 0; j->lump_by_type && k < mj->n_lump; k++)
        if (j->lump_by_type[k]) table_free_by_type(j->lump_by_type[k], model_types(l->model, mj->actor));
    memory_free(j->lump_by_type);
    memory_free(j->lump);
    lattice_table_free(&j->when);
    lattice_table_free(&j->rate);
}

// nodes closer than this to a whole number are whole: 0.1 + 0.2 on a grid of tenths must not split
#define SNAP 1e-9

// where the target falls between the nodes of its variable: clip first, split second
static bool place(const Lattice *l, int32_t v, double target, int32_t *lower, double *up) {
    if (v < l->model->n_mode) {
        *lower = (int32_t)target;
        *up = 0;
        return target >= 0 && target < l->n_node[v] && target == floor(target);
    }
    const ModelStock *s = &l->model->stock[v - l->model->n_mode];
    double x = target < s->low ? s->low : target > s->high ? s->high : target;
    double at = (x - s->low) / l->stock[v - l->model->n_mode].step;
    double whole = floor(at + 0.5);
    if (fabs(at - whole) > SNAP) whole = floor(at);
    *lower = (int32_t)whole;
    *up = at - whole > SNAP ? at - whole : 0.0;
    if (*lower >= l->n_node[v] - 1) { *lower = l->n_node[v] - 1; *up = 0.0; }
    return true;
}

static DurStatus shift_make(const Lattice *l, const ModelJump *jump, const ModelEffect *effect, const double *draw,
                            LatticeShift *out, DurError *error) {
    // the shift is relative, so it depends on the variable's own node besides what the effect reads; and on the guard
    // only if the effect has no value somewhere outside it
    const Model *m = l->model;
    int32_t v = effect->to;
    char what[160];
    snprintf(what, sizeof what, "effect of `%.60s` on `%.60s`", jump->name, model_variable_name(m, v));
    // a move that is made at the same time as others finds the state that those before it left, its guard true or not
    bool may_guard = jump->when != PROGRAM_NONE && !(m->clock == CLOCK_ROUNDS && jump->kind == JUMP_MOVE && m->n_order == 0);
    out->variable = v;
    uint64_t reads = m->program[effect->value].reads | (uint64_t)1 << v;
    for (bool guarded = false;; guarded = true) {
        if (guarded) reads |= m->program[jump->when].reads;
        lattice_table_free(&out->move);
        lattice_table_free(&out->up);
        table_shape(l, reads, &out->move);
        table_shape(l, reads, &out->up);
        out->move.value = memory_column(out->move.n);
        out->up.value = memory_column(out->up.n);
        double *target = memory_column(out->move.n), *open = memory_column(out->move.n);
        DurStatus status = DUR_MEMORY;
        if (out->move.value && out->up.value && target && open)
            status = table_evaluate(l, &out->move, effect->value, draw, jump->n_draw, target);
        if (status == DUR_OK) status = table_evaluate(l, &out->move, guarded ? jump->when : PROGRAM_NONE, NULL, 0, open);

        bool again = false;
        for (int64_t i = 0; status == DUR_OK && i < out->move.n && !again; i++) {
            int32_t node[MODEL_VARIABLES_MAX], lower;
            table_nodes(l, &out->move, i, node);
            double up;
            if (open[i] == 0.0) continue;
            if (!isfinite(target[i]) || !place(l, v, target[i], &lower, &up)) {
                if (!guarded && may_guard) again = true;
                else status = table_fault(l, &out->move, i, effect->value, what, target[i], "has no value", error);
                continue;
            }
            out->move.value[i] = (double)((lower - node[v]) * l->stride[v]);
            out->up.value[i] = up;
            if (up > 0) out->has_split = true;
        }
        memory_free(open);
        memory_free(target);
        if (status != DUR_OK) return status;
        if (!again) return DUR_OK;
        out->has_split = false;
    }
}

static DurStatus branches_make(const Lattice *l, const ModelJump *mj, LatticeJump *out, DurError *error) {
    int64_t n_branch = 1;
    if (mj->n_draw > LATTICE_DRAWS_MAX)
        return status_fail(error, DUR_LIMIT, "`%s` has %d random sizes; the limit is %d", mj->name, mj->n_draw,
                           LATTICE_DRAWS_MAX);
    for (int32_t d = 0; d < mj->n_draw; d++) {
        n_branch *= mj->draw[d].n_value;
        if (n_branch > LATTICE_BRANCHES_MAX)
            return status_fail(error, DUR_LIMIT, "the random sizes of `%s` have more than %d combinations on the lattice",
                               mj->name, LATTICE_BRANCHES_MAX);
    }
    out->branch = memory_zeroed((size_t)n_branch, sizeof *out->branch);
    if (!out->branch) return DUR_MEMORY;
    out->n_branch = (int32_t)n_branch;
    for (int64_t b = 0; b < n_branch; b++) {
        LatticeBranch *branch = &out->branch[b];
        double draw[LATTICE_DRAWS_MAX];
        int64_t rest = b;
        branch->weight = 1.0;
        for (int32_t d = 0; d < mj->n_draw; d++) {
            const ModelDraw *md = &mj->draw[d];
            draw[d] = md->value[rest % md->n_value];
            branch->weight *= md->weight[rest % md->n_value];
            rest /= md->n_value;
        }
        branch->shift = memory_zeroed((size_t)mj->n_effect, sizeof *branch->shift);
        if (!branch->shift) return DUR_MEMORY;
        branch->n_shift = mj->n_effect;
        for (int32_t k = 0; k < mj->n_effect; k++) {
            TRY(shift_make(l, mj, &mj->effect[k], draw, &branch->shift[k], error));
            if (branch->shift[k].move.inner) out->inner = true;
        }
    }
    return DUR_OK;
}

DurStatus jump_make(const Lattice *l, int32_t jump, LatticeJump *out, DurError *error) {
    const ModelJump *mj = &l->model->jump[jump];
    char what[160];

    // the guard, as 0 or 1
    uint64_t reads = mj->when == PROGRAM_NONE ? 0 : l->model->program[mj->when].reads;
    table_shape(l, reads, &out->when);
    out->when.value = memory_column(out->when.n);
    if (!out->when.value) return DUR_MEMORY;
    TRY(table_evaluate(l, &out->when, mj->when, NULL, 0, out->when.value));
    for (int64_t i = 0; i < out->when.n; i++) {
        if (isnan(out->when.value[i])) {
            snprintf(what, sizeof what, "guard of `%.100s`", mj->name);
            return table_fault(l, &out->when, i, mj->when, what, out->when.value[i], "has no value", error);
        }
        out->when.value[i] = out->when.value[i] != 0.0;
    }

    if (mj->kind == JUMP_EVENT) {
        bool is_rounds = l->model->clock == CLOCK_ROUNDS;
        snprintf(what, sizeof what, "%s of `%.100s`", is_rounds ? "chance" : "rate", mj->name);
        TRY(table_make(l, mj->when, mj->rate, what, is_rounds ? TABLE_PROBABILITY : TABLE_NOT_NEGATIVE, &out->rate, error));
    }
    for (int32_t d = 0; d < mj->n_draw; d++) {
        if (mj->draw[d].spread == PROGRAM_NONE) continue;
        LatticeTable spread = {0};
        snprintf(what, sizeof what, "spread of a random size of `%.100s`", mj->name);
        TRY(table_make(l, mj->when, mj->draw[d].spread, what, TABLE_NOT_NEGATIVE, &spread, error));
        lattice_table_free(&spread);
    }
    TRY(branches_make(l, mj, out, error));

    // lumps: as written where they have a value everywhere, else with the guard folded in
    out->lump = memory_zeroed((size_t)mj->n_lump, sizeof *out->lump);
    out->lump_by_type = memory_zeroed((size_t)mj->n_lump, sizeof *out->lump_by_type);
    if (!out->lump || !out->lump_by_type) return DUR_MEMORY;
    for (int32_t k = 0; k < mj->n_lump; k++) {
        snprintf(what, sizeof what, "%s of `%.100s`", mj->lump[k].is_cost ? "cost" : "pay", mj->name);
        DurError ignored = {0};
        DurStatus status = table_make(l, PROGRAM_NONE, mj->lump[k].value, what, TABLE_FINITE, &out->lump[k], &ignored);
        if (status == DUR_DOMAIN)
            status = table_make(l, mj->when, mj->lump[k].value, what, TABLE_FINITE, &out->lump[k], error);
        if (status != DUR_OK) return status;
        const ProgramId *by_type = mj->lump[k].by_type;
        int32_t n_type = by_type ? model_types(l->model, mj->actor) : 0;
        status = table_make_by_type(l, PROGRAM_NONE, by_type, n_type, what, TABLE_FINITE, &out->lump_by_type[k], &ignored);
        if (status == DUR_DOMAIN)
            status = table_make_by_type(l, mj->when, by_type, n_type, what, TABLE_FINITE, &out->lump_by_type[k], error);
        if (status != DUR_OK) return status;
    }
    return DUR_OK;
}

DurStatus change_make(const Lattice *l, LatticeJump *out, DurError *error) {
    const Model *m = l->model;
    if (m->n_change == 0) return DUR_OK;
    ModelJump all = {.name = "the end of a round", .kind = JUMP_EVENT, .actor = -1, .when = PROGRAM_NONE,
                     .rate = PROGRAM_NONE, .n_effect = m->n_change, .effect = m->change};
    return branches_make(l, &all, out, error);
}

int32_t lattice_targets(const Lattice *l, int32_t jump, const int32_t *node, int64_t *state, double *weight) {
    const LatticeJump *j = jump < 0 ? &l->change : &l->jump[jump];
    int64_t from = lattice_state(l, node);
    int32_t n = 0;
    for (int32_t b = 0; b < j->n_branch; b++) {
        // corners of this branch: start with one and double at every split
        int32_t first = n;
        state[n] = from;
        weight[n++] = j->branch[b].weight;
        for (int32_t k = 0; k < j->branch[b].n_shift; k++) {
            const LatticeShift *s = &j->branch[b].shift[k];
            int64_t move = (int64_t)lattice_table_at(l, &s->move, node);
            double up = lattice_table_at(l, &s->up, node);
            int32_t end = n;
            for (int32_t i = first; i < end; i++) {
                state[i] += move;
                if (up == 0.0 || n >= LATTICE_CORNERS_MAX) continue;
                state[n] = state[i] + l->stride[s->variable];
                weight[n++] = weight[i] * up;
                weight[i] *= 1.0 - up;
            }
        }
    }
    return n;
}
