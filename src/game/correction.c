#include "game/correction.h"

#include "base/memory.h"
#include "game/coarse.h"
#include "game/krylov.h"
#include "game/nest.h"

#include <stdatomic.h>

/// States from which it is worth while (up to three times as many it comes to the same), and below which a coarser lattice has none of its own.
#define STATES_LEAST 200000
#define STATES_FEW 4096
/// Nodes along which something may be smooth.
#define NODES_LEAST 7
/// A coarser lattice has at most this part of the states.
#define WORTH_MOST 0.3
/// How much of a residual is left on it: what carrying it back loses is more.
#define REDUCE 0.1
/// Dimensions of its Krylov spaces, on lattices of up to and of more than so many values.
#define WINDOW 24
#define WINDOW_LARGE 12
#define VALUES_LARGE 2000000
/// Tables of a coarser lattice are a larger part of all than its states are: lines are filled up to whole vectors.
#define FILLED 1.3

struct Correction {
    Lattice *lattice;          // the coarser one
    LatticeRule rule;
    Krylov *krylov;            // on it; has a correction of its own
    Coarse *between;
    double share, told;        // of the states; work told of
};

static double halved(const Lattice *l, int32_t kept, int32_t *n_node) {
    double part = 1;
    nest_coarser(l, kept, n_node);
    for (int32_t v = 0; v < l->n_variable; v++) part *= (double)n_node[v] / l->n_node[v];
    return part;
}

bool correction_pays(const Lattice *l) {
    int32_t n_node[MODEL_VARIABLES_MAX], n_long = 0;
    for (int32_t v = l->model->n_mode; v < l->n_variable; v++) n_long += l->n_node[v] >= NODES_LEAST;
    return l->model->clock != CLOCK_ROUNDS && l->model->n_private == 0 && n_long > 0 && l->n_state >= STATES_LEAST && !aggregate_pays(l) &&
           halved(l, -1, n_node) <= WORTH_MOST;
}

typedef struct Carry {
    const Lattice *from, *to;
    const double *x;
    double *y;
    _Atomic bool failed;
} Carry;

static void task_carry(void *context, int64_t row, int worker) {
    (void)worker;
    Carry *c = context;
    if (lattice_carry(c->from, c->x + row * c->from->n_state, c->to, c->y + row * c->to->n_state) != DUR_OK) c->failed = true;
}

static DurStatus carry(const Lattice *from, const double *x, const Lattice *to, Team *team, double *y) {
    Carry c = {.from = from, .to = to, .x = x, .y = y};
    team_run(team, task_carry, &c, from->model->n_actor);
    return c.failed ? DUR_MEMORY : DUR_OK;
}

static DurStatus make(Correction *c, const Lattice *l, const LatticeRule *rule, Team *team, int32_t kept, double scale,
                      const double *value, const Progress *progress) {
    DurError error = {0};
    if (rule && rule->actor >= 0) TRY(lattice_rule_carry(&c->rule, c->lattice, rule, &error));
    c->share = (double)c->lattice->n_state / (double)l->n_state;
    int64_t n = l->model->n_actor * c->lattice->n_state;
    double *x = memory_column(n);
    c->between = coarse_make(l, c->lattice, team);
    c->krylov = krylov_make(c->lattice, &c->rule, team, n > VALUES_LARGE ? WINDOW_LARGE : WINDOW, progress);
    DurStatus status = x && c->between && c->krylov ? carry(l, value, c->lattice, team, x) : DUR_MEMORY;
    if (status == DUR_OK) krylov_take(c->krylov, scale, x, NULL);
    if (status == DUR_OK && c->lattice->n_state > STATES_FEW)
        status = correction_make(&c->krylov->correction, c->lattice, &c->rule, team, kept, scale, x, progress);
    memory_free(x);
    return status;
}

DurStatus correction_make(Correction **out, const Lattice *l, const LatticeRule *rule, Team *team, int32_t kept, double scale,
                          const double *value, const Progress *progress) {
    *out = NULL;
    int32_t n_node[MODEL_VARIABLES_MAX];
    // a lattice without the nodes of `kept` would be no lattice to end on: it brings into play what sweeps are worst at
    if (halved(l, kept, n_node) > WORTH_MOST) return DUR_OK;
    Correction *c = memory_zeroed(1, sizeof *c);
    if (!c) return DUR_MEMORY;
    c->rule.actor = -1;
    DurError ignored = {0};
    // a node of a coarser lattice may be where an expression has no value
    if (lattice_make_grid(&c->lattice, l->model, l->param, n_node, &ignored) != DUR_OK) {
        correction_free(c);
        return DUR_OK;
    }
    DurStatus status = make(c, l, rule, team, kept, scale, value, progress);
    if (status == DUR_OK) *out = c;
    else                  correction_free(c);
    // nor may a rule's
    return status == DUR_MEMORY ? DUR_MEMORY : DUR_OK;
}

void correction_free(Correction *c) {
    if (!c) return;
    krylov_free(c->krylov);
    coarse_free(c->between);
    if (c->rule.actor >= 0) lattice_rule_free(&c->rule);
    lattice_free(c->lattice);
    memory_free(c);
}

double correction_bytes(const Lattice *l) {
    if (!correction_pays(l)) return 0;
    int32_t n_node[MODEL_VARIABLES_MAX];
    double most = 0, n = (double)l->model->n_actor * (double)l->n_state;
    for (int32_t kept = l->model->n_mode - 1; kept < l->n_variable; kept++) {
        double part = halved(l, kept < l->model->n_mode ? -1 : kept, n_node);
        if (part <= WORTH_MOST && part > most) most = part;
    }
    double alone = krylov_bytes(l, n * most > VALUES_LARGE ? WINDOW_LARGE : WINDOW) + 8 * n + (double)l->n_byte;
    return FILLED * most / (1 - most) * alone + coarse_bytes(l);
}

DurStatus correction_guess(Correction *c, const float *right, float *x) {
    Krylov *k = c->krylov;
    double length;
    coarse_restrict(c->between, right, k->miss);
    TRY(krylov_measure(k, &length));
    TRY(krylov_linear(k, k->miss, k->swept, REDUCE, k->d, NULL));
    coarse_carry(c->between, k->d, x);
    return DUR_OK;
}

double correction_work(Correction *c) {
    double work = c->share * (double)krylov_spent(c->krylov), more = work - c->told;
    c->told = work;
    return more;
}

// ---- what is rough ----------------------------------------------------------------------------------------------------

typedef struct Rough {
    const Lattice *lattice;
    const float *x;
    double *own, *step;        // [tasks] and [tasks x n_variable]: sums of squares, of steps along each stock
} Rough;

// one combination of modes of one row of values
static void task_rough(void *context, int64_t task, int worker) {
    (void)worker;
    Rough *r = context;
    const Lattice *l = r->lattice;
    const float *x = r->x + task * l->n_stock_state;
    for (int64_t i = 0; i < l->n_stock_state; i++) r->own[task] += (double)x[i] * (double)x[i];
    for (int32_t v = l->model->n_mode; v < l->n_variable; v++) {
        int64_t step = l->stride[v], n = l->n_node[v];
        double sum = 0;
        if (n < NODES_LEAST) continue;
        for (int64_t outer = 0; outer < l->n_stock_state; outer += step * n)
            for (int64_t i = outer; i < outer + step * (n - 1); i++) {
                double by = (double)x[i + step] - (double)x[i];
                sum += by * by;
            }
        r->step[task * l->n_variable + v] = sum;
    }
}

int32_t correction_roughest(const Lattice *l, const float *x, Team *team, double *rough) {
    int64_t n_task = l->model->n_actor * l->n_mode_state;
    Rough r = {.lattice = l, .x = x, .own = memory_column(n_task), .step = memory_column(n_task * l->n_variable)};
    int32_t roughest = -1;
    *rough = 0;
    if (r.own && r.step) {
        team_run(team, task_rough, &r, n_task);
        double own = 0;
        for (int64_t t = 0; t < n_task; t++) own += r.own[t];
        for (int32_t v = l->model->n_mode; v < l->n_variable; v++) {
            double sum = 0;
            for (int64_t t = 0; t < n_task; t++) sum += r.step[t * l->n_variable + v];
            if (own > 0 && sum / own > *rough) { *rough = sum / own; roughest = v; }
        }
    }
    memory_free(r.step);
    memory_free(r.own);
    return roughest;
}
