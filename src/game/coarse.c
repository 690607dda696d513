#include "game/coarse.h"

#include "base/compiler.h"
#include "base/memory.h"

#include <string.h>

/// One variable whose nodes are fewer on the coarser lattice.
typedef struct Axis {
    int64_t n_outer, n_inner;        // products of nodes before and behind it, when its turn has come on the way to the coarser lattice
    int64_t n_fine, n_coarse;
    int32_t *at;                     // [n_fine] the coarser node at or below
    float   *above;                  // [n_fine] weight of the next
    float   *share;                  // [n_coarse] one over the sum of weights
} Axis;

struct Coarse {
    const Lattice *fine, *coarse;    // borrowed
    Team *team;                      // borrowed
    int32_t n_axis, n_row;
    Axis axis[MODEL_VARIABLES_MAX];  // from the slowest on
    int32_t *place;                  // [n_stock_state of the coarser] where the nodes of the finer's order stand in its own; NULL: there
    int64_t n_room;                  // of each of a worker's two parts
    float *room;
    const float *from;
    float *to;
};

static bool make_axis(Axis *a, const Lattice *fine, const Lattice *coarse, int32_t v) {
    int64_t n_fine = fine->n_node[v], n_coarse = coarse->n_node[v];
    a->n_fine = n_fine;
    a->n_coarse = n_coarse;
    a->at = memory_zeroed((size_t)n_fine, sizeof *a->at);
    a->above = memory_zeroed((size_t)n_fine, sizeof *a->above);
    a->share = memory_zeroed((size_t)n_coarse, sizeof *a->share);
    double *sum = memory_column(n_coarse);
    bool ok = a->at && a->above && a->share && sum;
    for (int64_t i = 0; ok && i < n_fine; i++) {
        int32_t at[MODEL_TYPES_MAX];
        double weight[MODEL_TYPES_MAX];
        bool is_between = lattice_around(coarse, fine, v, i, at, weight) > 1;
        a->at[i] = at[0];
        a->above[i] = is_between ? (float)weight[1] : 0;
        sum[a->at[i]] += 1.0 - (double)a->above[i];
        if (a->above[i] > 0) sum[a->at[i] + 1] += (double)a->above[i];
    }
    for (int64_t i = 0; ok && i < n_coarse; i++) a->share[i] = (float)(1 / sum[i]);
    memory_free(sum);
    return ok;
}

// the coarser lattice may have its variables in another order
static bool make_place(Coarse *c) {
    const Lattice *from = c->coarse, *to = c->fine;
    bool in_order = true;
    for (int32_t k = 0; k < to->n_variable; k++) in_order = in_order && from->order[k] == to->order[k];
    if (in_order) return true;
    c->place = memory_alloc((size_t)from->n_stock_state * sizeof *c->place);
    int32_t node[MODEL_VARIABLES_MAX] = {0};
    int64_t at = 0;
    for (int64_t i = 0; c->place && i < from->n_stock_state; i++, lattice_next(from, to, to->model->n_mode, node, &at)) c->place[i] = (int32_t)at;
    return c->place;
}

Coarse *coarse_make(const Lattice *fine, const Lattice *coarse, Team *team) {
    Coarse *c = memory_zeroed(1, sizeof *c);
    if (!c) return NULL;
    c->fine = fine;
    c->coarse = coarse;
    c->team = team;
    c->n_row = model_rows(fine->model);
    int64_t n_outer = 1, n_inner = fine->n_stock_state, n_most = 0;
    bool ok = make_place(c);
    for (int32_t k = fine->model->n_mode; ok && k < fine->n_variable; k++) {
        int32_t v = fine->order[k];
        int64_t n_fine = fine->n_node[v], n_coarse = coarse->n_node[v];
        n_inner /= n_fine;
        if (n_coarse != n_fine) {
            Axis *a = &c->axis[c->n_axis++];
            a->n_outer = n_outer;
            a->n_inner = n_inner;
            ok = make_axis(a, fine, coarse, v);
            int64_t n = n_outer * n_coarse * n_inner;
            n_most = n > n_most ? n : n_most;
        }
        n_outer *= n_coarse;
    }
    c->n_room = n_most > coarse->n_stock_state ? n_most : coarse->n_stock_state;
    c->room = ok ? memory_floats(2 * c->n_room * team_size(team)) : NULL;
    if (c->room) return c;
    coarse_free(c);
    return NULL;
}

void coarse_free(Coarse *c) {
    if (!c) return;
    for (int32_t i = 0; i < c->n_axis; i++) {
        memory_free(c->axis[i].share);
        memory_free(c->axis[i].above);
        memory_free(c->axis[i].at);
    }
    memory_free(c->room);
    memory_free(c->place);
    memory_free(c);
}

double coarse_bytes(const Lattice *l) {
    // the slowest stock loses its nodes first, half of them; with three two are left
    double room = 0.75 * (double)l->n_stock_state;
    return 8.0 * room * team_core_count() + 4.0 * (double)l->n_stock_state;
}

static void restrict_axis(const Axis *a, const float *x, float *y) {
    int64_t n = a->n_inner;
    memset(y, 0, (size_t)(a->n_outer * a->n_coarse * n) * sizeof *y);
    for (int64_t o = 0; o < a->n_outer; o++)
        for (int64_t i = 0; i < a->n_fine; i++) {
            const float *DUR_RESTRICT from = x + (o * a->n_fine + i) * n;
            float *DUR_RESTRICT to = y + (o * a->n_coarse + a->at[i]) * n, above = a->above[i];
            float low = (1 - above) * a->share[a->at[i]], high = above > 0 ? above * a->share[a->at[i] + 1] : 0;
            for (int64_t k = 0; k < n; k++) to[k] += low * from[k];
            if (above > 0)
                for (int64_t k = 0; k < n; k++) to[n + k] += high * from[k];
        }
}

static void carry_axis(const Axis *a, const float *x, float *y) {
    int64_t n = a->n_inner;
    for (int64_t o = 0; o < a->n_outer; o++)
        for (int64_t i = 0; i < a->n_fine; i++) {
            float *DUR_RESTRICT to = y + (o * a->n_fine + i) * n, above = a->above[i];
            const float *DUR_RESTRICT from = x + (o * a->n_coarse + a->at[i]) * n;
            if (above > 0) for (int64_t k = 0; k < n; k++) to[k] = (1 - above) * from[k] + above * from[n + k];
            else           memcpy(to, from, (size_t)n * sizeof *to);
        }
}

// one combination of modes of one row of values
static void task_restrict(void *context, int64_t task, int worker) {
    Coarse *c = context;
    float *room = c->room + 2 * c->n_room * worker, *end = c->to + task * c->coarse->n_stock_state;
    const float *x = c->from + task * c->fine->n_stock_state;
    for (int32_t i = 0; i < c->n_axis; i++) {
        float *y = i == c->n_axis - 1 && !c->place ? end : room + (i % 2) * c->n_room;
        restrict_axis(&c->axis[i], x, y);
        x = y;
    }
    if (c->place) for (int64_t i = 0; i < c->coarse->n_stock_state; i++) end[c->place[i]] = x[i];
}

static void task_carry(void *context, int64_t task, int worker) {
    Coarse *c = context;
    float *room = c->room + 2 * c->n_room * worker, *end = c->to + task * c->fine->n_stock_state;
    const float *x = c->from + task * c->coarse->n_stock_state;
    if (c->place) {
        float *y = room + (c->n_axis % 2) * c->n_room;
        for (int64_t i = 0; i < c->coarse->n_stock_state; i++) y[i] = x[c->place[i]];
        x = y;
    }
    for (int32_t i = c->n_axis - 1; i >= 0; i--) {
        float *y = i == 0 ? end : room + (i % 2) * c->n_room;
        carry_axis(&c->axis[i], x, y);
        x = y;
    }
}

void coarse_restrict(Coarse *c, const float *fine, float *out) {
    c->from = fine;
    c->to = out;
    team_run(c->team, task_restrict, c, c->n_row * c->fine->n_mode_state);
}

void coarse_carry(Coarse *c, const float *x, float *fine) {
    c->from = x;
    c->to = fine;
    team_run(c->team, task_carry, c, c->n_row * c->fine->n_mode_state);
}
