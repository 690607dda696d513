/// A function on one lattice, read off on another: the mean of its values at the corners around a node, variable by variable, since
/// the weights of corners are products.
#include "lattice/lattice.h"

#include "base/compiler.h"
#include "base/memory.h"

#include <string.h>

// Both grids span the same range, so a node's place is a fraction of whole numbers, and a shared node is met exactly
int32_t lattice_around(const Lattice *from, const Lattice *to, int32_t v, int64_t node, int32_t *at, double *weight) {
    int32_t type, p = model_belief(to->model, v, &type);
    if (p >= 0 && type == 1 && to->private[p].n_type > 2)
        return lattice_split_belief(&from->private[p], to->private[p].belief + node * to->private[p].n_type + 1, at, weight);
    int64_t n_to = to->n_node[v], part = n_to > 1 ? node * (from->n_node[v] - 1) : 0, whole = n_to > 1 ? n_to - 1 : 1;
    at[0] = (int32_t)(part / whole);
    weight[0] = 1.0;
    if (part % whole == 0) return 1;
    at[1] = at[0] + 1;
    weight[1] = (double)(part % whole) / (double)whole;
    weight[0] = 1.0 - weight[1];
    return 2;
}

// y = x along one variable: x [n_outer x nodes of `from` x n_inner], y the same with the nodes of `to`
static void carry_variable(const Lattice *from, const Lattice *to, int32_t v, int64_t n_outer, int64_t n_inner, const double *x, double *y) {
    int64_t n_from = from->n_node[v], n_to = to->n_node[v];
    for (int64_t i = 0; i < n_to; i++) {
        int32_t at[MODEL_TYPES_MAX];
        double weight[MODEL_TYPES_MAX];
        int32_t n = lattice_around(from, to, v, i, at, weight);
        for (int64_t outer = 0; outer < n_outer; outer++) {
            const double *row = x + outer * n_from * n_inner, *first = row + at[0] * n_inner;
            double *DUR_RESTRICT out = y + (outer * n_to + i) * n_inner;
            if (n == 1) {
                for (int64_t k = 0; k < n_inner; k++) out[k] = first[k];
                continue;
            }
            const double *second = row + at[1] * n_inner;
            for (int64_t k = 0; k < n_inner; k++) out[k] = weight[0] * first[k] + weight[1] * second[k];
            for (int32_t c = 2; c < n; c++)
                for (int64_t k = 0; k < n_inner; k++) out[k] += weight[c] * row[at[c] * n_inner + k];
        }
    }
}

void lattice_next(const Lattice *from, const Lattice *to, int32_t first, int32_t *node, int64_t *at) {
    // an odometer over all variables
    for (int32_t k = to->n_variable - 1; k >= first; k--) {
        int32_t v = to->order[k];
        *at += from->stride[v];
        if (++node[k] < from->n_node[v]) break;
        *at -= node[k] * from->stride[v];
        node[k] = 0;
    }
}

// the same values in the order of the other lattice's variables, from place `first` of it on
static void reorder(const Lattice *from, const Lattice *to, int32_t first, int64_t n, const double *x, double *y) {
    int32_t node[MODEL_VARIABLES_MAX] = {0};
    int64_t at = 0;
    for (int64_t i = 0; i < n; i++, lattice_next(from, to, first, node, &at)) y[i] = x[at];
}

// variables from place `first` of the order on
static DurStatus carry(const Lattice *from, const double *x, const Lattice *to, int32_t first, double *y) {
    if (from->model != to->model) return DUR_SHAPE;
    // those that lose nodes from the slowest on, then those that win some from the fastest on: what lies between stays small
    int32_t place[MODEL_VARIABLES_MAX], n_pass = 0, n_variable = to->n_variable;
    int64_t n_node[MODEL_VARIABLES_MAX], n = 1;
    bool in_order = true;
    for (int32_t k = first; k < n_variable; k++) {
        int32_t v = to->order[k];
        if (to->n_node[v] < from->n_node[v]) place[n_pass++] = k;
        in_order = in_order && from->order[k] == v;
        n_node[k] = from->n_node[v];
        n *= n_node[k];
    }
    for (int32_t k = n_variable - 1; k >= first; k--)
        if (to->n_node[to->order[k]] > from->n_node[to->order[k]]) place[n_pass++] = k;
    int64_t most = in_order ? 1 : n, size = n;
    for (int32_t i = 0; i + 1 < n_pass; i++) {
        size = size / n_node[place[i]] * to->n_node[to->order[place[i]]];
        most = size > most ? size : most;
    }
    double *room[2] = {memory_alloc((size_t)most * sizeof **room), memory_alloc((size_t)most * sizeof **room)};
    DurStatus status = room[0] && room[1] ? DUR_OK : DUR_MEMORY;
    const double *now = x;
    if (status == DUR_OK && !in_order) {
        double *next = n_pass == 0 ? y : room[0];
        reorder(from, to, first, n, now, next);
        now = next;
    } else if (status == DUR_OK && n_pass == 0) {
        memcpy(y, x, (size_t)n * sizeof *y);
    }
    for (int32_t i = 0; status == DUR_OK && i < n_pass; i++) {
        int64_t n_outer = 1, n_inner = 1;
        for (int32_t k = first; k < n_variable; k++) *(k < place[i] ? &n_outer : &n_inner) *= k == place[i] ? 1 : n_node[k];
        double *next = i == n_pass - 1 ? y : now == room[0] ? room[1] : room[0];
        carry_variable(from, to, to->order[place[i]], n_outer, n_inner, now, next);
        n_node[place[i]] = to->n_node[to->order[place[i]]];
        now = next;
    }
    memory_free(room[1]);
    memory_free(room[0]);
    return status;
}

DurStatus lattice_carry(const Lattice *from, const double *x, const Lattice *to, double *y) { return carry(from, x, to, 0, y); }

DurStatus lattice_carry_stocks(const Lattice *from, const double *x, const Lattice *to, double *y) {
    return carry(from, x, to, to->model->n_mode, y);
}
