/// Where minds change: along one stock's axis advantages are linear between nodes, so the best option and the signs of
/// advantages can change only where two lines cross, where one crosses zero, or at the limit of a guard.
#include "game/reasons.h"

#include "base/memory.h"
#include "eval/eval.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/// Halvings that find the limit of a guard between two nodes: to the last bit of a double.
#define GUARD_HALVINGS 60

typedef struct Axis {
    const Policy *policy;
    const double *state;        // at hand
    int32_t actor, type, stock, n_move;
    int32_t move[MODEL_MOVES_MAX];
    double  noise;
    int64_t *corner;            // scratch of lattice_split
    double  *weight;
} Axis;

/// Advantages of an actor's moves at one level of the stock, and which are available.
typedef struct Look {
    double level;
    double advantage[MODEL_MOVES_MAX];
    bool   open[MODEL_MOVES_MAX];
} Look;

static void state_at(const Axis *a, double level, double *state) {
    const Model *m = a->policy->lattice->model;
    memcpy(state, a->state, (size_t)model_variables(m) * sizeof *state);
    state[m->n_mode + a->stock] = level;
}

static bool open_at(const Axis *a, int32_t jump, double level) {
    const Lattice *l = a->policy->lattice;
    const Model *m = l->model;
    double state[MODEL_VARIABLES_MAX];
    state_at(a, level, state);
    return m->jump[jump].when == PROGRAM_NONE || eval_state(m, m->jump[jump].when, state, l->param, NULL, NULL) != 0;
}

static void look(Axis *a, double level, Look *out) {
    const Policy *p = a->policy;
    double state[MODEL_VARIABLES_MAX];
    state_at(a, level, state);
    int32_t n = lattice_split(p->lattice, state, a->corner, a->weight);
    out->level = level;
    for (int32_t k = 0; k < a->n_move; k++) {
        out->advantage[k] = 0;
        for (int32_t c = 0; c < n; c++)
            out->advantage[k] += a->weight[c] * policy_type_advantage(p, a->move[k], a->type, a->corner[c]);
        out->open[k] = open_at(a, a->move[k], level);
    }
}

// between two looks everything is linear
static double between(const Look *from, const Look *to, int32_t k, double level) {
    double share = (level - from->level) / (to->level - from->level);
    return from->advantage[k] + share * (to->advantage[k] - from->advantage[k]);
}

/// What is thought at one level.
typedef struct Mind {
    int32_t best;                       // index into Axis.move, or -1 for waiting
    int8_t  sign[MODEL_MOVES_MAX];      // of each advantage; 0 for what is not available or not to be told from 0
} Mind;

static Mind mind_of(const Axis *a, const double *advantage, const bool *open) {
    Mind mind = {.best = -1};
    double most = 0;
    for (int32_t k = 0; k < a->n_move; k++) {
        mind.sign[k] = 0;
        if (!open[k]) continue;
        if (advantage[k] > a->noise)  mind.sign[k] = 1;
        if (advantage[k] < -a->noise) mind.sign[k] = -1;
        if (advantage[k] > most + a->noise) { most = advantage[k]; mind.best = k; }
    }
    return mind;
}

static int by_level(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

// every level within a stretch between neighbouring looks at which something could change, rising in direction of travel
static int32_t candidates(const Axis *a, const Look *from, const Look *to, double *out) {
    int32_t n = 0;
    for (int32_t k = 0; k < a->n_move; k++) {
        double d0 = from->advantage[k], d1 = to->advantage[k], width = to->level - from->level;
        if (d0 * d1 < 0) out[n++] = from->level + width * d0 / (d0 - d1);
        for (int32_t q = 0; q < k; q++) {
            double e0 = d0 - from->advantage[q], e1 = d1 - to->advantage[q];
            if (e0 * e1 < 0) out[n++] = from->level + width * e0 / (e0 - e1);
        }
        if (from->open[k] == to->open[k]) continue;
        double low = from->level, high = to->level;
        for (int i = 0; i < GUARD_HALVINGS; i++) {
            double half = low + (high - low) / 2;
            if (open_at(a, a->move[k], half) == from->open[k]) low = half;
            else                                               high = half;
        }
        out[n++] = high;
    }
    qsort(out, (size_t)n, sizeof *out, by_level);
    if (to->level < from->level)
        for (int32_t i = 0; i < n / 2; i++) {
            double swap = out[i];
            out[i] = out[n - 1 - i];
            out[n - 1 - i] = swap;
        }
    return n;
}

typedef struct Found {
    MindChange *item;
    int32_t n, most;
} Found;

// keep the nearest, in order
static void keep(Found *f, MindChange change) {
    int32_t at = f->n;
    while (at > 0 && f->item[at - 1].distance > change.distance) at--;
    if (at == f->most) return;
    if (f->n < f->most) f->n++;
    for (int32_t i = f->n - 1; i > at; i--) f->item[i] = f->item[i - 1];
    f->item[at] = change;
}

// what differs between two neighbouring stretches, met at `level`
static void compare(const Axis *a, const Mind *before, const Mind *after, double level, Found *found) {
    const Model *m = a->policy->lattice->model;
    const ModelStock *s = &m->stock[a->stock];
    double from = a->state[m->n_mode + a->stock];
    MindChange change = {.actor = a->actor, .type = a->type, .stock = a->stock, .from = from, .at = level,
                         .distance = fabs(level - from) / (s->high - s->low),
                         .before = before->best < 0 ? -1 : a->move[before->best],
                         .after = after->best < 0 ? -1 : a->move[after->best], .jump = -1};
    bool told = false;
    for (int32_t k = 0; k < a->n_move; k++) {
        if (before->sign[k] * after->sign[k] >= 0) continue;
        change.jump = a->move[k];
        change.is_gain = after->sign[k] > 0;
        keep(found, change);
        told = true;
    }
    if (!told && before->best != after->best) keep(found, change);
}

// walk from the state to one end of the range, node by node
static DurStatus walk(Axis *a, int direction, Found *found) {
    const Lattice *l = a->policy->lattice;
    const Model *m = l->model;
    int32_t v = m->n_mode + a->stock, n_node = l->n_node[v];
    int64_t n_candidate = (int64_t)a->n_move * (a->n_move + 3) / 2 + 2;
    Look *from = memory_alloc(sizeof *from), *to = memory_alloc(sizeof *to);
    double *level = memory_column(n_candidate), advantage[MODEL_MOVES_MAX];
    bool open[MODEL_MOVES_MAX];
    DurStatus status = DUR_MEMORY;
    if (!from || !to || !level) goto done;

    look(a, a->state[v], from);
    Mind before = mind_of(a, from->advantage, from->open);
    for (int32_t i = direction > 0 ? 0 : n_node - 1; i >= 0 && i < n_node; i += direction) {
        double node = lattice_level(l, v, i);
        if (direction * (node - a->state[v]) <= 1e-12 * (m->stock[a->stock].high - m->stock[a->stock].low)) continue;
        look(a, node, to);
        int32_t n = candidates(a, from, to, level);
        double start = from->level;
        for (int32_t c = 0; c <= n; c++) {
            // what holds in the middle of the stretch up to the next candidate
            double end = c < n ? level[c] : node, middle = start + (end - start) / 2;
            if (fabs(end - start) <= 1e-13 * fabs(node - from->level)) continue;
            for (int32_t k = 0; k < a->n_move; k++) {
                advantage[k] = between(from, to, k, middle);
                open[k] = from->open[k] == to->open[k] ? from->open[k] : open_at(a, a->move[k], middle);
            }
            Mind after = mind_of(a, advantage, open);
            // what is not to be told from zero, or cannot be done here, leaves the opinion of it as it was
            for (int32_t k = 0; k < a->n_move; k++)
                if (after.sign[k] == 0) after.sign[k] = before.sign[k];
            compare(a, &before, &after, start, found);
            before = after;
            start = end;
        }
        Look *swap = from;
        from = to;
        to = swap;
    }
    status = DUR_OK;

done:
    memory_free(level);
    memory_free(to);
    memory_free(from);
    return status;
}

// by actor, then distance
static int by_distance(const void *a, const void *b) {
    const MindChange *x = a, *y = b;
    if (x->actor != y->actor) return x->actor < y->actor ? -1 : 1;
    if (x->type != y->type) return x->type < y->type ? -1 : 1;
    if (x->distance != y->distance) return x->distance < y->distance ? -1 : 1;
    return x->stock < y->stock ? -1 : x->stock > y->stock;
}

DurStatus reasons_changes(const Policy *p, const double *state, int32_t actor, int32_t most, double noise, MindChange *out,
                          int32_t *n, DurError *error) {
    const Lattice *l = p->lattice;
    const Model *m = l->model;
    Axis a = {.policy = p, .state = state, .noise = noise};
    a.corner = memory_alloc(LATTICE_CORNERS_MAX * sizeof *a.corner);
    a.weight = memory_alloc(LATTICE_CORNERS_MAX * sizeof *a.weight);
    DurStatus status = a.corner && a.weight ? DUR_OK : DUR_MEMORY;
    int64_t mode_state = 0;
    for (int32_t v = 0; v < m->n_mode; v++) mode_state = mode_state * l->n_node[v] + (int64_t)state[v];
    *n = 0;
    for (int32_t row = 0; row < model_rows(m); row++) {
        a.actor = model_row_actor(m, row, &a.type);
        if (actor >= 0 && actor != a.actor) continue;
        a.n_move = 0;
        for (int32_t j = 0; j < m->n_jump; j++)
            if (model_is_move_of(m, j, a.actor) && p->where[j * l->n_mode_state + mode_state] >= 0)
                a.move[a.n_move++] = j;
        for (a.stock = 0; a.stock < m->n_stock && status == DUR_OK; a.stock++) {
            Found found = {.item = out + *n, .most = most};
            status = walk(&a, 1, &found);
            if (status == DUR_OK) status = walk(&a, -1, &found);
            *n += found.n;
        }
    }
    qsort(out, (size_t)*n, sizeof *out, by_distance);
    memory_free(a.weight);
    memory_free(a.corner);
    return status == DUR_OK ? status : status_fail(error, status, "out of memory while explaining");
}
