/// A function on one lattice, read off on another.
#include "lattice/lattice.h"

#include "base/memory.h"

#include <string.h>

// where the nodes of one variable of `to` lie between those of `from`: at `lower`, and a share `up` further; or, of a belief over
// more than two types, among the corners of a simplex
typedef struct Place {
    int64_t *lower;   // [n_node of to] times the variable's stride in `from`
    double  *up;      // [n_node of to] 0 <= up < 1
    const LatticePrivate *simplex, *finer;   // of `from` and of `to`, or NULL
} Place;

// both grids span the same range, so a node's place is a fraction of whole numbers, and a shared node is met exactly
static void place_nodes(const Lattice *from, const Lattice *to, int32_t v, Place place) {
    int64_t n_from = from->n_node[v], n_to = to->n_node[v];
    for (int64_t i = 0; i < n_to; i++) {
        int64_t part = n_to > 1 ? i * (n_from - 1) : 0, whole = n_to > 1 ? n_to - 1 : 1;
        place.lower[i] = part / whole * from->stride[v];
        place.up[i] = (double)(part % whole) / (double)whole;
    }
}

// corners of `from` around the first `n_outer` variables of `to` in its order, with their weights
static int32_t corners_of(const Lattice *from, const Lattice *to, int32_t n_outer, const Place *place, const int32_t *node,
                          int64_t *corner, double *weight) {
    int32_t n = 1;
    corner[0] = 0;
    weight[0] = 1.0;
    for (int32_t k = 0; k < n_outer; k++) {
        int32_t v = to->order[k], end = n;
        if (place[v].simplex) {
            int32_t at[MODEL_TYPES_MAX];
            double share[MODEL_TYPES_MAX];
            int32_t n_at = lattice_split_belief(place[v].simplex, place[v].finer->belief + (int64_t)node[v] * place[v].finer->n_type + 1,
                                                at, share);
            for (int32_t c = n_at - 1; c >= 0; c--)
                for (int32_t i = 0; i < end; i++) {
                    corner[c * end + i] = corner[i] + at[c] * from->stride[v];
                    weight[c * end + i] = weight[i] * share[c];
                }
            n = n_at * end;
            continue;
        }
        int64_t lower = place[v].lower[node[v]];
        double up = place[v].up[node[v]];
        for (int32_t i = 0; i < end; i++) {
            corner[i] += lower;
            if (up == 0.0) continue;
            corner[n] = corner[i] + from->stride[v];
            weight[n++] = weight[i] * up;
            weight[i] *= 1.0 - up;
        }
    }
    return n;
}

static void carry(const Lattice *from, const double *x, const Lattice *to, const Place *place, int64_t *corner,
                  double *weight, int64_t n_state, double *y) {
    // the fastest variable is gone along in rows, unless it is a belief on a simplex
    int32_t node[MODEL_VARIABLES_MAX] = {0}, n_outer = to->n_variable - 1;
    if (n_outer >= 0 && (place[to->order[n_outer]].simplex || to->n_node[to->order[n_outer]] == 1)) n_outer++;
    int32_t fast = n_outer < 0 || n_outer == to->n_variable ? -1 : to->order[n_outer];
    int64_t n_row = fast < 0 ? 1 : to->n_node[fast], step = fast < 0 ? 0 : from->stride[fast];
    static const int64_t here = 0;
    static const double none = 0;
    const int64_t *lower = fast < 0 ? &here : place[fast].lower;
    const double *up = fast < 0 ? &none : place[fast].up;
    for (int64_t first = 0; first < n_state; first += n_row) {
        int32_t n = corners_of(from, to, n_outer, place, node, corner, weight);
        for (int32_t c = 0; c < n; c++) {
            const double *row = x + corner[c];
            for (int64_t i = 0; i < n_row; i++) {
                double at = row[lower[i]];
                if (up[i] != 0.0) at = (1.0 - up[i]) * at + up[i] * row[lower[i] + step];
                y[first + i] = c == 0 ? weight[c] * at : y[first + i] + weight[c] * at;
            }
        }
        // the next row: an odometer over all variables but the fastest
        for (int32_t k = n_outer - 1; k >= 0 && ++node[to->order[k]] == to->n_node[to->order[k]]; k--)
            node[to->order[k]] = 0;
    }
}

// the first `n_state` states
static DurStatus carry_first(const Lattice *from, const double *x, const Lattice *to, int64_t n_state, double *y) {
    if (from->model != to->model) return DUR_SHAPE;
    int64_t n_place = 0, n_corner = 1;
    for (int32_t v = 0; v < to->n_variable; v++) {
        n_place += to->n_node[v];
        int32_t type, p = model_belief(to->model, v, &type);
        if (to->n_node[v] != from->n_node[v]) n_corner *= p < 0 ? 2 : to->private[p].n_type;
    }
    int64_t *lower = memory_zeroed((size_t)(n_place + n_corner), sizeof *lower);
    double *up = memory_column(n_place + n_corner);
    Place place[MODEL_VARIABLES_MAX];
    if (lower && up) {
        int64_t at = 0;
        for (int32_t v = 0; v < to->n_variable; v++) {
            int32_t type, p = model_belief(to->model, v, &type);
            bool is_simplex = p >= 0 && type == 1 && to->private[p].n_type > 2 && to->n_node[v] != from->n_node[v];
            place[v] = (Place){lower + at, up + at, is_simplex ? &from->private[p] : NULL, is_simplex ? &to->private[p] : NULL};
            place_nodes(from, to, v, place[v]);
            at += to->n_node[v];
        }
        carry(from, x, to, place, lower + n_place, up + n_place, n_state, y);
    }
    DurStatus status = lower && up ? DUR_OK : DUR_MEMORY;
    memory_free(up);
    memory_free(lower);
    return status;
}

DurStatus lattice_carry(const Lattice *from, const double *x, const Lattice *to, double *y) {
    return carry_first(from, x, to, to->n_state, y);
}

DurStatus lattice_carry_stocks(const Lattice *from, const double *x, const Lattice *to, double *y) {
    return carry_first(from, x, to, to->n_stock_state, y);
}
