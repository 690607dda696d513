#include "lattice/internal.h"

#include "base/memory.h"

#include <math.h>
#include <string.h>

void lattice_table_free(LatticeTable *table) {
    memory_free(table->value);
    *table = (LatticeTable){0};
}

// beliefs about one actor are on one axis
static uint64_t axes_of(const Lattice *l, uint64_t reads) {
    uint64_t axes = reads;
    for (int32_t v = l->model->n_mode + l->model->n_stock; v < l->n_variable; v++)
        if (reads >> v & 1) axes = (axes & ~((uint64_t)1 << v)) | (uint64_t)1 << l->axis[v];
    return axes;
}

void table_shape(const Lattice *l, uint64_t reads, LatticeTable *t) {
    reads = axes_of(l, reads);
    *t = (LatticeTable){.reads = reads, .is_constant = reads == 0};
    for (int32_t k = l->n_variable - l->n_inner; k < l->n_variable; k++)
        if (reads >> l->order[k] & 1) t->inner = true;
    int64_t n = t->inner ? l->n_lane : 1;
    for (int32_t k = l->n_variable - l->n_inner - 1; k >= 0; k--) {
        int32_t v = l->order[k];
        if (!(reads >> v & 1)) continue;
        t->stride[v] = n;
        n *= l->n_node[v];
    }
    t->n = n;
}

void table_nodes(const Lattice *l, const LatticeTable *t, int64_t entry, int32_t *node) {
    int32_t first_inner = l->n_variable - l->n_inner;
    memset(node, 0, (size_t)l->n_variable * sizeof *node);
    for (int32_t k = 0; k < first_inner; k++) {
        int32_t v = l->order[k];
        if (t->stride[v]) node[v] = (int32_t)(entry / t->stride[v] % l->n_node[v]);
    }
    if (!t->inner) return;
    int64_t lane = entry % l->n_lane;
    for (int32_t k = first_inner; k < l->n_variable; k++) {
        int32_t v = l->order[k];
        node[v] = (int32_t)(lane / l->stride[v] % l->n_node[v]);
    }
}

DurStatus table_evaluate(const Lattice *l, const LatticeTable *t, ProgramId program, const double *draw, int32_t n_draw,
                         double *out) {
    if (program == PROGRAM_NONE) {
        for (int64_t i = 0; i < t->n; i++) out[i] = 1.0;
        return DUR_OK;
    }
    // one column for each variable that the expression reads, one for each draw (constant down the column)
    uint64_t reads = l->model->program[program].reads;
    int32_t n_read = 0;
    for (int32_t v = 0; v < l->n_variable; v++) n_read += (int)(reads >> v & 1);
    DurStatus status = DUR_MEMORY;
    double *room = memory_column((int64_t)(n_read + n_draw) * EVAL_LANES);
    double *scratch = memory_column(eval_scratch(l->model));
    if (!room || !scratch) goto done;

    const double *column[MODEL_VARIABLES_MAX] = {0};
    const double *drawn[LATTICE_DRAWS_MAX] = {0};
    double *next = room;
    for (int32_t v = 0; v < l->n_variable; v++)
        if (reads >> v & 1) { column[v] = next; next += EVAL_LANES; }
    for (int32_t d = 0; d < n_draw; d++, next += EVAL_LANES) {
        for (int64_t i = 0; i < EVAL_LANES; i++) next[i] = draw[d];
        drawn[d] = next;
    }

    EvalInput in = {.variable = column, .param = l->param, .draw = n_draw ? drawn : NULL};
    for (int64_t first = 0; first < t->n; first += EVAL_LANES) {
        int64_t n = t->n - first < EVAL_LANES ? t->n - first : EVAL_LANES;
        for (int64_t i = 0; i < n; i++) {
            int32_t node[MODEL_VARIABLES_MAX];
            table_nodes(l, t, first + i, node);
            for (int32_t v = 0; v < l->n_variable; v++)
                if (column[v]) room[column[v] - room + i] = lattice_level(l, v, node[l->axis[v]]);
        }
        eval_lanes(l->model, program, &in, n, out + first, scratch);
    }
    status = DUR_OK;

done:
    memory_free(scratch);
    memory_free(room);
    return status;
}

DurStatus table_fault(const Lattice *l, const LatticeTable *t, int64_t entry, ProgramId program, const char *what,
                      double value, const char *wrong, DurError *error) {
    int32_t node[MODEL_VARIABLES_MAX];
    table_nodes(l, t, entry, node);
    const Program *p = &l->model->program[program];
    char number[32];
    Text where = {0};
    lattice_describe(l, node, t->reads, &where);
    DurStatus status = model_fail(l->model, p->span, error, DUR_DOMAIN, "the %s %s at %s: `%s` is %s there", what, wrong,
                                  where.length ? text_view(&where) : "every state", p->text ? p->text : "",
                                  text_from_double(number, value));
    text_free(&where);
    return status;
}

DurStatus table_make(const Lattice *l, ProgramId guard, ProgramId program, const char *what, TableRange range,
                     LatticeTable *out, DurError *error) {
    const Model *m = l->model;
    uint64_t reads = m->program[program].reads | (guard == PROGRAM_NONE ? 0 : m->program[guard].reads);
    table_shape(l, reads, out);
    double *open = NULL;
    DurStatus status = DUR_MEMORY;
    out->value = memory_column(out->n);
    if (!out->value) goto fail;
    status = table_evaluate(l, out, program, NULL, 0, out->value);
    if (status != DUR_OK) goto fail;

    if (guard != PROGRAM_NONE) {
        status = DUR_MEMORY;
        open = memory_column(out->n);
        if (!open) goto fail;
        status = table_evaluate(l, out, guard, NULL, 0, open);
        if (status != DUR_OK) goto fail;
    }
    for (int64_t i = 0; i < out->n; i++) {
        if (open && open[i] == 0.0) { out->value[i] = 0.0; continue; }
        double x = out->value[i];
        if (!isfinite(x)) {
            status = table_fault(l, out, i, program, what, x, "has no finite value", error);
            goto fail;
        }
        if (range != TABLE_FINITE && x < 0) {
            status = table_fault(l, out, i, program, what, x, "is negative", error);
            goto fail;
        }
        if (range == TABLE_PROBABILITY && x > 1) {
            status = table_fault(l, out, i, program, what, x, "is above 1 and should be a probability", error);
            goto fail;
        }
    }
    memory_free(open);
    return DUR_OK;

fail:
    memory_free(open);
    lattice_table_free(out);
    return status == DUR_MEMORY ? status_fail(error, DUR_MEMORY, "out of memory while tabulating the %s", what) : status;
}

void table_free_by_type(LatticeTable *by_type, int32_t n_type) {
    for (int32_t t = 0; by_type && t < n_type; t++) lattice_table_free(&by_type[t]);
    memory_free(by_type);
}

DurStatus table_make_by_type(const Lattice *l, ProgramId guard, const ProgramId *by_type, int32_t n_type, const char *what,
                             TableRange range, LatticeTable **out, DurError *error) {
    *out = NULL;
    if (!by_type) return DUR_OK;
    LatticeTable *table = memory_zeroed((size_t)n_type, sizeof *table);
    DurStatus status = table ? DUR_OK : DUR_MEMORY;
    for (int32_t t = 0; status == DUR_OK && t < n_type; t++)
        status = table_make(l, guard, by_type[t], what, range, &table[t], error);
    if (status == DUR_OK) *out = table;
    else table_free_by_type(table, n_type);
    return status;
}

// Of tables that may read different variables: each `share` of the way from their mean
static DurStatus bring_together(const Lattice *l, LatticeTable *table, int32_t n_type, double share) {
    LatticeTable mixed[MODEL_TYPES_MAX] = {0};
    uint64_t reads = 0;
    DurStatus status = DUR_OK;
    for (int32_t t = 0; t < n_type; t++) reads |= table[t].reads;
    for (int32_t t = 0; t < n_type; t++) {
        table_shape(l, reads, &mixed[t]);
        mixed[t].value = memory_column(mixed[t].n);
        if (!mixed[t].value) status = DUR_MEMORY;
    }
    for (int64_t i = 0; status == DUR_OK && i < mixed[0].n; i++) {
        int32_t node[MODEL_VARIABLES_MAX];
        double value[MODEL_TYPES_MAX], mean = 0;
        table_nodes(l, &mixed[0], i, node);
        for (int32_t t = 0; t < n_type; t++) {
            value[t] = lattice_table_at(l, &table[t], node);
            mean += value[t] / n_type;
        }
        for (int32_t t = 0; t < n_type; t++) mixed[t].value[i] = mean + share * (value[t] - mean);
    }
    for (int32_t t = 0; t < n_type; t++) {
        lattice_table_free(status == DUR_OK ? &table[t] : &mixed[t]);
        if (status == DUR_OK) table[t] = mixed[t];
    }
    return status;
}

DurStatus lattice_types_apart(Lattice *l, double share) {
    const Model *m = l->model;
    if (share == 1) return DUR_OK;
    for (int32_t t = 0; t < m->n_term; t++)
        if (l->term_by_type[t]) TRY(bring_together(l, l->term_by_type[t], model_types(m, m->term[t].actor), share));
    for (int32_t j = 0; j < m->n_jump; j++)
        for (int32_t k = 0; l->jump[j].lump_by_type && k < m->jump[j].n_lump; k++)
            if (l->jump[j].lump_by_type[k]) TRY(bring_together(l, l->jump[j].lump_by_type[k], model_types(m, m->jump[j].actor), share));
    for (int32_t i = 0; i < m->n_actor; i++)
        if (l->actor[i].precision_by_type) TRY(bring_together(l, l->actor[i].precision_by_type, model_types(m, i), share));
    return DUR_OK;
}

DurStatus lattice_tabulate(const Lattice *l, ProgramId program, const char *what, LatticeTable *out, DurError *error) {
    return table_make(l, PROGRAM_NONE, program, what, TABLE_FINITE, out, error);
}

double lattice_table_at(const Lattice *l, const LatticeTable *t, const int32_t *node) {
    if (t->is_constant) return t->value[0];
    int64_t at = 0;
    int32_t first_inner = l->n_variable - l->n_inner;
    for (int32_t k = 0; k < first_inner; k++) at += t->stride[l->order[k]] * node[l->order[k]];
    if (t->inner)
        for (int32_t k = first_inner; k < l->n_variable; k++) at += l->stride[l->order[k]] * node[l->order[k]];
    return t->value[at];
}
