#include "lattice/internal.h"

#include "base/memory.h"

#include <math.h>
#include <string.h>

// The simplex of beliefs over n types, in steps of 1/N. A node is told by how many steps are with type k or a later one,
// N >= c_1 >= c_2 >= ... >= c_(n-1) >= 0, and numbered in the order of these (for two types the number is c_1): the
// strictly falling numbers c_k + n-1-k are ranked by the combinatorial number system.

// number of ways to choose; small arguments, as a double so that nothing overflows
static double ways(double n, int32_t k) {
    double w = 1;
    for (int32_t i = 1; i <= k; i++) w = w * (n - k + i) / i;
    return n < k ? 0 : floor(w + 0.5);
}

static double nodes_at(int32_t n_type, double n_step) { return ways(n_step + n_type - 1, n_type - 1); }

double belief_nodes(const ModelPrivate *p) { return p->n_grid < 2 ? p->n_grid : nodes_at(p->n_type, p->n_grid - 1); }

static int32_t rank_of(int32_t n_type, const int32_t *c) {
    if (n_type == 2) return c[0];
    double rank = 0;
    for (int32_t k = 1; k < n_type; k++) rank += ways(c[k - 1] + n_type - 1 - k, n_type - k);
    return (int32_t)rank;
}

// the c_k of a node, from its probabilities
static void steps_of(const LatticePrivate *p, int32_t node, int32_t *c) {
    int32_t sum = 0;
    for (int32_t k = p->n_type - 1; k >= 1; k--) {
        sum += (int32_t)floor(p->belief[(int64_t)node * p->n_type + k] * p->n_step + 0.5);
        c[k - 1] = sum;
    }
}

// steps along an edge of the simplex with so many nodes
static int32_t steps_at(int32_t n_type, int32_t n_node) {
    int32_t n_step = n_type == 2 ? n_node - 1 : 1;
    while (n_type > 2 && nodes_at(n_type, n_step) < n_node) n_step++;
    return n_step;
}

int32_t lattice_steps_halved(const Model *m, int32_t v, int32_t n_node) {
    int32_t type, p = model_belief(m, v, &type);
    if (p < 0 || n_node < 2) return 2 * n_node - 1;
    double n = nodes_at(m->private[p].n_type, 2 * steps_at(m->private[p].n_type, n_node));
    return n > INT32_MAX ? INT32_MAX : (int32_t)n;
}

int32_t lattice_steps_doubled(const Model *m, int32_t v, int32_t n_node) {
    int32_t type, p = model_belief(m, v, &type), n_step = p < 0 ? n_node - 1 : steps_at(m->private[p].n_type, n_node);
    if (n_step < 2 || n_step % 2 != 0) return 0;
    return p < 0 ? n_step / 2 + 1 : (int32_t)nodes_at(m->private[p].n_type, n_step / 2);
}

DurStatus belief_make(LatticePrivate *out, const ModelPrivate *p, int32_t n_node) {
    int32_t n = p->n_type, n_step = steps_at(n, n_node), c[MODEL_TYPES_MAX] = {0};
    if (nodes_at(n, n_step) != n_node) return DUR_SHAPE;
    *out = (LatticePrivate){.n_type = n, .n_step = n_step, .n_node = n_node};
    out->belief = memory_zeroed((size_t)out->n_node * (size_t)n, sizeof *out->belief);
    out->neighbour = memory_zeroed((size_t)out->n_node * (size_t)(n * n), sizeof *out->neighbour);
    out->becomes = memory_zeroed((size_t)p->n_becomes, sizeof *out->becomes);
    if (!out->belief || !out->neighbour || !out->becomes) return DUR_MEMORY;
    for (int32_t node = 0; node < out->n_node; node++) {
        for (int32_t t = 0; t < n; t++) {
            int32_t steps = (t == 0 ? n_step : c[t - 1]) - (t == n - 1 ? 0 : c[t]);
            out->belief[(int64_t)node * n + t] = (double)steps / n_step;
        }
        // a step from type `from` to a later one lifts the c_k between them, to an earlier one lowers them
        for (int32_t from = 0; from < n; from++)
            for (int32_t to = 0; to < n; to++) {
                int32_t moved[MODEL_TYPES_MAX];
                memcpy(moved, c, sizeof moved);
                for (int32_t k = 1; k < n; k++) moved[k - 1] += (from < k && k <= to) - (to < k && k <= from);
                bool has = from != to && out->belief[(int64_t)node * n + from] > 0;
                out->neighbour[((int64_t)node * n + from) * n + to] = has ? rank_of(n, moved) : -1;
            }
        // the next in order: the last c_k that can rise does, those after it begin again
        int32_t k = n - 1;
        while (k > 1 && c[k - 1] == c[k - 2]) k--;
        c[k - 1]++;
        for (int32_t j = k + 1; j < n; j++) c[j - 1] = 0;
    }
    return DUR_OK;
}

void belief_free(LatticePrivate *p, int32_t n_becomes) {
    for (int32_t k = 0; p->becomes && k < n_becomes; k++) lattice_table_free(&p->becomes[k]);
    memory_free(p->becomes);
    memory_free(p->neighbour);
    memory_free(p->belief);
    *p = (LatticePrivate){0};
}

// The corners around a point given by real c_k: the whole steps below it, and then one of the c_k after the other a step
// further, those with the largest remainder first. Where remainders tie the lower k goes first, so that order is kept.
static int32_t corners(const LatticePrivate *p, double *c, int32_t *node, double *weight) {
    int32_t n = p->n_type, whole[MODEL_TYPES_MAX] = {0}, order[MODEL_TYPES_MAX], n_corner = 0;
    double rest[MODEL_TYPES_MAX], most = p->n_step;
    for (int32_t k = 0; k < n - 1; k++) {
        c[k] = c[k] > most ? most : c[k] > 0 ? c[k] : 0.0;
        most = c[k];
        whole[k] = (int32_t)c[k];
        rest[k] = c[k] - whole[k];
        int32_t at = k;
        for (; at > 0 && rest[order[at - 1]] < rest[k]; at--) order[at] = order[at - 1];
        order[at] = k;
    }
    for (int32_t j = 0; j < n; j++) {
        double w = (j == 0 ? 1.0 : rest[order[j - 1]]) - (j == n - 1 ? 0.0 : rest[order[j]]);
        if (j > 0) whole[order[j - 1]]++;
        if (w == 0) continue;
        node[n_corner] = rank_of(n, whole);
        weight[n_corner++] = w;
    }
    return n_corner;
}

int32_t lattice_split_belief(const LatticePrivate *p, const double *belief, int32_t *node, double *weight) {
    double c[MODEL_TYPES_MAX], sum = 0;
    for (int32_t k = p->n_type - 1; k >= 1; k--) {
        sum += belief[k - 1];
        // close to a whole number is whole, as for stocks: a start of 0.3 on a grid of tenths must not split
        double at = sum * p->n_step, near = floor(at + 0.5);
        c[k - 1] = fabs(at - near) > 1e-9 ? at : near;
    }
    return corners(p, c, node, weight);
}

int32_t lattice_shift_belief(const LatticePrivate *p, int32_t from, const double *shift, int32_t *node,
                             double *weight) {
    int32_t whole[MODEL_TYPES_MAX];
    double c[MODEL_TYPES_MAX], sum = 0;
    steps_of(p, from, whole);
    for (int32_t k = p->n_type - 1; k >= 1; k--) {
        sum += shift[k - 1];
        c[k - 1] = whole[k - 1] + sum * p->n_step;
    }
    return corners(p, c, node, weight);
}

int32_t lattice_drift_belief(const LatticePrivate *p, int32_t from, const double *drift, int32_t *node, double *rate,
                             int32_t *gain) {
    int32_t n = p->n_type, loser = 0, gainer = 0, n_way = 0;
    double change[MODEL_TYPES_MAX], sum = 0;
    for (int32_t t = 1; t < n; t++) sum += change[t] = drift[t - 1];
    change[0] = -sum;
    for (;;) {
        while (loser < n && !(change[loser] < 0)) loser++;
        while (gainer < n && !(change[gainer] > 0)) gainer++;
        if (loser == n || gainer == n) return n_way;
        double part = change[gainer] < -change[loser] ? change[gainer] : -change[loser];
        int32_t to = p->neighbour[((int64_t)from * n + loser) * n + gainer];
        if (to >= 0) {
            node[n_way] = to;
            if (gain) gain[n_way] = gainer;
            rate[n_way++] = part * p->n_step;
        }
        change[loser] = change[loser] + part < 0 ? change[loser] + part : 0.0;
        change[gainer] = change[gainer] - part > 0 ? change[gainer] - part : 0.0;
    }
}
