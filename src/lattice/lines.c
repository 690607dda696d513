#include "lattice/lines.h"

#include "base/memory.h"

#include <string.h>

// rates along one stock, 0 where there is no node to go to
typedef struct Axis {
    int32_t stock, n_node;
    int64_t stride;
    double *up, *down;          // [n_state]
} Axis;

// Thomas's elimination, from the lowest node up: in place of the rates along the line stand what is added of the nodes above and below, both
// divided by the pivots they belong to
struct ChainLines {
    const Lattice *lattice;     // borrowed
    Axis line;                  // `down` becomes the factor of the node below, `up` that of the node above
    double *inverse;            // [n_state] 1/pivot
    int32_t n_other;
    Axis other[MODEL_VARIABLES_MAX];
};

static bool is_long(const Lattice *l, int32_t stock, int32_t least) {
    return l->stock[stock].moves && l->n_node[l->model->n_mode + stock] >= least;
}

/// Bytes that lines may take: on larger lattices fewer stocks are swept along, or there are none.
#define LINES_BYTES 1e9

// passages that a line takes care of: drift passes every node once, noise every one as often as there are
static double passages(const Lattice *l, int32_t stock) {
    double n = l->n_node[l->model->n_mode + stock];
    return l->model->stock[stock].noise == PROGRAM_NONE ? n : n * n;
}

// two rates a stock, and the pivots
static double bytes_of(const Lattice *l, int32_t n) { return n > 0 ? 8.0 * (2 * n + 1) * (double)l->n_state : 0; }

// the stock along whose lines most is gained first, then the others; how many there are
static int32_t long_stocks(const Lattice *l, int32_t *stock) {
    int32_t n = 0;
    bool pays = false;
    for (int32_t k = 0; k < l->model->n_stock; k++) {
        if (!is_long(l, k, CHAIN_SWEPT_NODES)) continue;
        pays |= is_long(l, k, CHAIN_LINE_NODES);
        stock[n++] = k;
        if (passages(l, k) <= passages(l, stock[0])) continue;
        stock[n - 1] = stock[0];
        stock[0] = k;
    }
    while (pays && n > 0 && bytes_of(l, n) > LINES_BYTES) n--;
    return pays ? n : 0;
}

double chain_lines_bytes(const Lattice *l) {
    int32_t stock[MODEL_VARIABLES_MAX];
    return bytes_of(l, long_stocks(l, stock));
}

static bool axis_make(Axis *a, const Lattice *l, int32_t stock) {
    *a = (Axis){.stock = stock, .n_node = l->n_node[l->model->n_mode + stock], .stride = l->stride[l->model->n_mode + stock],
                .up = memory_column(l->n_state), .down = memory_column(l->n_state)};
    return a->up && a->down;
}

static void axis_free(Axis *a) {
    memory_free(a->up);
    memory_free(a->down);
}

void chain_lines_free(ChainLines *c) {
    if (!c) return;
    axis_free(&c->line);
    for (int32_t k = 0; k < c->n_other; k++) axis_free(&c->other[k]);
    memory_free(c->inverse);
    memory_free(c);
}

DurStatus chain_lines_make(ChainLines **out, const Lattice *l) {
    *out = NULL;
    int32_t stock[MODEL_VARIABLES_MAX], n = long_stocks(l, stock);
    if (n == 0) return DUR_OK;
    ChainLines *c = memory_zeroed(1, sizeof *c);
    if (!c) return DUR_MEMORY;
    c->lattice = l;
    c->inverse = memory_column(l->n_state);
    bool fine = c->inverse && axis_make(&c->line, l, stock[0]);
    for (int32_t k = 1; k < n; k++) fine = axis_make(&c->other[c->n_other++], l, stock[k]) && fine;
    if (fine) *out = c;
    else chain_lines_free(c);
    return fine ? DUR_OK : DUR_MEMORY;
}

static void read_rates(const Axis *a, const Lattice *l, const LatticeBlock *view) {
    const LatticeStock *s = &l->stock[a->stock];
    const double *up = lattice_row(l, &s->up, view), *down = lattice_row(l, &s->down, view);
    for (int64_t i = 0; i < l->n_lane; i++) {
        int64_t state = view->first + i, node = state / a->stride % a->n_node;
        a->up[state] = node < a->n_node - 1 ? up[s->up.inner ? i : 0] : 0;
        a->down[state] = node > 0 ? down[s->down.inner ? i : 0] : 0;
    }
}

typedef struct Job {
    const ChainLines *c;
    const double *in;
    double *out;
} Job;

// the state at the lowest node of a line of one combination of modes
static int64_t line_start(const ChainLines *c, int64_t mode, int64_t line) {
    return mode * c->lattice->n_stock_state + line / c->line.stride * c->line.n_node * c->line.stride + line % c->line.stride;
}

static void task_set(void *context, int64_t mode, int worker) {
    (void)worker;
    const Job *job = context;
    const ChainLines *c = job->c;
    const Lattice *l = c->lattice;
    int64_t n_block = l->n_stock_state / l->n_lane, step = c->line.stride;
    for (int64_t b = mode * n_block; b < (mode + 1) * n_block; b++) {
        LatticeBlock view;
        lattice_block(l, b, &view);
        read_rates(&c->line, l, &view);
        for (int32_t k = 0; k < c->n_other; k++) read_rates(&c->other[k], l, &view);
    }
    double *low = c->line.down, *high = c->line.up, *inverse = c->inverse;
    for (int64_t line = 0; line < l->n_stock_state / c->line.n_node; line++) {
        int64_t first = line_start(c, mode, line), end = first + c->line.n_node * step;
        inverse[first] = 1 / job->in[first];
        for (int64_t s = first + step; s < end; s += step) {
            low[s] *= inverse[s - step];
            inverse[s] = 1 / (job->in[s] - low[s] * high[s - step]);
        }
        for (int64_t s = first; s < end; s += step) high[s] *= inverse[s];
    }
}

static void solve_line(const ChainLines *c, int64_t first, bool takes_others, const double *y, double *x) {
    const double *low = c->line.down, *high = c->line.up, *inverse = c->inverse;
    int64_t step = c->line.stride, last = first + (c->line.n_node - 1) * step;
    double before = 0;
    for (int64_t s = first; s <= last; s += step) {
        double sum = y[s];
        for (int32_t k = 0; takes_others && k < c->n_other; k++) {
            const Axis *a = &c->other[k];
            // what is not a neighbour is of another combination of modes, where another thread may be
            if (a->up[s] > 0)   sum += a->up[s] * x[s + a->stride];
            if (a->down[s] > 0) sum += a->down[s] * x[s - a->stride];
        }
        x[s] = before = sum + low[s] * before;
    }
    double above = 0;
    for (int64_t s = last; s >= first; s -= step) x[s] = above = x[s] * inverse[s] + high[s] * above;
}

static void task_solve(void *context, int64_t mode, int worker) {
    (void)worker;
    const Job *job = context;
    const ChainLines *c = job->c;
    int64_t n = c->lattice->n_stock_state, n_line = n / c->line.n_node;
    if (c->n_other > 0) memset(job->out + mode * n, 0, (size_t)n * sizeof(double));
    for (int64_t line = 0; line < n_line; line++) solve_line(c, line_start(c, mode, line), c->n_other > 0, job->in, job->out);
    for (int64_t line = n_line - 1; c->n_other > 0 && line >= 0; line--) solve_line(c, line_start(c, mode, line), true, job->in, job->out);
}

void chain_lines_set(ChainLines *c, const double *leave, Team *team) {
    Job job = {.c = c, .in = leave};
    team_run(team, task_set, &job, c->lattice->n_mode_state);
}

void chain_lines_solve(const ChainLines *c, const double *y, double *x, Team *team) {
    Job job = {.c = c, .in = y, .out = x};
    team_run(team, task_solve, &job, c->lattice->n_mode_state);
}
