#include "game/measure.h"

#include "base/memory.h"
#include "game/part.h"

void measure_free(Measure *m) {
    memory_free(m->weight);
    memory_free(m->state);
    *m = (Measure){0};
}

DurStatus measure_add(Measure *m, int64_t state, double factor) {
    if (m->n == m->capacity) {
        int32_t capacity = m->capacity ? 2 * m->capacity : 16;
        int64_t *to = memory_resize(m->state, (size_t)capacity * sizeof *to);
        if (!to) return DUR_MEMORY;
        m->state = to;
        double *weight = memory_resize(m->weight, (size_t)capacity * sizeof *weight);
        if (!weight) return DUR_MEMORY;
        m->weight = weight;
        m->capacity = capacity;
    }
    m->state[m->n] = state;
    m->weight[m->n++] = factor;
    return DUR_OK;
}

DurStatus measure_point(Measure *out, const Lattice *l, const double *state) {
    *out = (Measure){.capacity = LATTICE_CORNERS_MAX};
    out->state = memory_alloc(LATTICE_CORNERS_MAX * sizeof *out->state);
    out->weight = memory_alloc(LATTICE_CORNERS_MAX * sizeof *out->weight);
    if (!out->state || !out->weight) return DUR_MEMORY;
    out->n = lattice_split(l, state, out->state, out->weight);
    return DUR_OK;
}

DurStatus measure_add_move(Measure *m, const Measure *point, const Policy *p, int32_t jump, double factor) {
    const Lattice *l = p->lattice;
    int64_t *state = memory_alloc(LATTICE_CORNERS_MAX * sizeof *state);
    double *weight = memory_alloc(LATTICE_CORNERS_MAX * sizeof *weight);
    DurStatus status = state && weight ? DUR_OK : DUR_MEMORY;
    for (int32_t k = 0; k < point->n && status == DUR_OK; k++) {
        int32_t node[MODEL_VARIABLES_MAX];
        lattice_nodes(l, point->state[k], node);
        int32_t n = policy_targets(p, jump, node, state, weight);
        for (int32_t i = 0; i < n && status == DUR_OK; i++)
            status = measure_add(m, state[i], factor * point->weight[k] * weight[i]);
        if (status == DUR_OK) status = measure_add(m, point->state[k], -factor * point->weight[k]);
    }
    memory_free(weight);
    memory_free(state);
    return status;
}

void measure_write(const Measure *m, double *column) {
    for (int32_t k = 0; k < m->n; k++) column[m->state[k]] += m->weight[k];
}

double measure_table(const Measure *m, const Lattice *l, const LatticeTable *table) {
    double sum = 0;
    for (int32_t k = 0; k < m->n; k++) {
        int32_t node[MODEL_VARIABLES_MAX];
        lattice_nodes(l, m->state[k], node);
        sum += m->weight[k] * lattice_table_at(l, table, node);
    }
    return sum;
}

double measure_column(const Measure *m, const double *column) {
    double sum = 0;
    for (int32_t k = 0; k < m->n; k++) sum += m->weight[k] * column[m->state[k]];
    return sum;
}

double measure_lump(const Measure *m, const Lattice *l, int32_t jump, int32_t actor, int32_t type) {
    double sum = 0;
    for (int32_t k = 0; k < m->n; k++) {
        int32_t node[MODEL_VARIABLES_MAX];
        lattice_nodes(l, m->state[k], node);
        sum += m->weight[k] * part_lump(l, jump, actor, type, node);
    }
    return sum;
}
