#include "num/gmres.h"

#include "base/compiler.h"
#include "base/memory.h"
#include "num/vector.h"

#include <math.h>
#include <string.h>

/// Elements of one task: some vectors of them stay in a first-level cache. Sums are taken chunk by chunk in order.
#define CHUNK 2048
/// What is left of a vector beside the basis is as long as the other lengths say, but where its square is less than this part of the
/// vector's own: there it is measured.
#define LEFT_LEAST 0.01
/// A restart that leaves more than this of the residual is called stalled.
#define STALLED 0.95

struct Gmres {
    int64_t n, n_chunk;
    int32_t window;
    Team *team;                   // borrowed
    const VectorKernels *kernel;
    float *basis;                 // [(window + 1) x n]
    float *room;                  // [n] B of a basis vector, then what a sweep makes of it
    GmresPrecondition precondition;   // B, or zeros
    double *partial;              // [n_chunk x (window + 3)]
    // of the task at hand
    int32_t k;                    // basis vectors to take part
    const float *from;
    float *to;
    double scale;
    float  single[GMRES_WINDOW_MAX + 1];   // weights of the basis
};

double gmres_bytes(int64_t n, int32_t window) { return 4.0 * (double)n * (window + 2); }

Gmres *gmres_make(int64_t n, int32_t window, Team *team) {
    Gmres *g = memory_zeroed(1, sizeof *g);
    if (!g) return NULL;
    g->n = n;
    g->n_chunk = (n + CHUNK - 1) / CHUNK;
    g->window = window < 1 ? 1 : window > GMRES_WINDOW_MAX ? GMRES_WINDOW_MAX : window;
    g->team = team;
    g->kernel = vector_kernels();
    g->basis = memory_floats((g->window + 1) * n);
    g->room = memory_floats(n);
    g->partial = memory_column(g->n_chunk * (g->window + 3));
    if (!g->basis || !g->room || !g->partial) {
        gmres_free(g);
        return NULL;
    }
    return g;
}

void gmres_free(Gmres *g) {
    if (!g) return;
    memory_free(g->partial);
    memory_free(g->room);
    memory_free(g->basis);
    memory_free(g);
}

void gmres_precondition(Gmres *g, const GmresPrecondition *precondition) {
    g->precondition = precondition ? *precondition : (GmresPrecondition){0};
}

static int64_t chunk_size(const Gmres *g, int64_t chunk) {
    return g->n - chunk * CHUNK < CHUNK ? g->n - chunk * CHUNK : CHUNK;
}

static double sum_partial(const Gmres *g, int32_t slot) {
    double sum = 0;
    for (int64_t c = 0; c < g->n_chunk; c++) sum += g->partial[c * (g->window + 3) + slot];
    return sum;
}

// B q at one chunk, into `to`, which is q itself if there is no B
static const float *preconditioned(const Gmres *g, const float *q, int64_t at, int64_t n, float *to) {
    if (!g->precondition.at) return q + at;
    g->precondition.at(g->precondition.context, q, at, n, to);
    return to;
}

// the vector after the first k + 1 of the basis <- z - room (what a sweep from z = B q_k with right side 0 has left), its products with
// those and with itself, and that of q_k with itself
static void task_project(void *context, int64_t chunk, int worker) {
    (void)worker;
    Gmres *g = context;
    int64_t at = chunk * CHUNK, n = chunk_size(g, chunk);
    float z[CHUNK], *DUR_RESTRICT w = g->basis + (g->k + 1) * g->n + at;
    const float *last = g->basis + g->k * g->n, *from = preconditioned(g, last, at, n, z), *DUR_RESTRICT room = g->room + at;
    for (int64_t i = 0; i < n; i++) w[i] = from[i] - room[i];
    double *sum = g->partial + chunk * (g->window + 3);
    for (int32_t k = 0; k <= g->k; k++) sum[k] = (double)g->kernel->dot_float(g->basis + k * g->n + at, w, n);
    sum[g->k + 1] = (double)g->kernel->dot_float(w, w, n);
    sum[g->k + 2] = (double)g->kernel->dot_float(last + at, last + at, n);
}

// to <- to * scale + sum of single * basis over the first k + 1
static void task_orthogonal(void *context, int64_t chunk, int worker) {
    (void)worker;
    Gmres *g = context;
    int64_t at = chunk * CHUNK, n = chunk_size(g, chunk);
    float *to = g->to + at, by = (float)g->scale;
    for (int64_t i = 0; i < n; i++) to[i] *= by;
    g->kernel->combine_float(to, g->basis + at, g->n, g->single, g->k + 1, n);
}

static void task_zero(void *context, int64_t chunk, int worker) {
    (void)worker;
    Gmres *g = context;
    memset(g->to + chunk * CHUNK, 0, (size_t)chunk_size(g, chunk) * sizeof *g->to);
}

static void task_copy(void *context, int64_t chunk, int worker) {
    (void)worker;
    Gmres *g = context;
    memcpy(g->to + chunk * CHUNK, g->from + chunk * CHUNK, (size_t)chunk_size(g, chunk) * sizeof *g->to);
}

// to <- from * scale
static void task_scale(void *context, int64_t chunk, int worker) {
    (void)worker;
    Gmres *g = context;
    int64_t at = chunk * CHUNK, n = chunk_size(g, chunk);
    const float *from = g->from + at;
    float *to = g->to + at, by = (float)g->scale;
    for (int64_t i = 0; i < n; i++) to[i] = from[i] * by;
}

// to += sum of single * basis over the first k + 1
static void task_add(void *context, int64_t chunk, int worker) {
    (void)worker;
    Gmres *g = context;
    int64_t at = chunk * CHUNK, n = chunk_size(g, chunk);
    g->kernel->combine_float(g->to + at, g->basis + at, g->n, g->single, g->k + 1, n);
}

// the first basis vector <- sum of single * basis over the first k + 1
static void task_sum(void *context, int64_t chunk, int worker) {
    (void)worker;
    Gmres *g = context;
    int64_t at = chunk * CHUNK, n = chunk_size(g, chunk);
    float *to = g->basis + at;
    for (int64_t i = 0; i < n; i++) to[i] *= g->single[0];
    g->kernel->combine_float(to, to + g->n, g->n, g->single + 1, g->k, n);
}

// to <- B from
static void task_apply(void *context, int64_t chunk, int worker) {
    (void)worker;
    Gmres *g = context;
    int64_t at = chunk * CHUNK, n = chunk_size(g, chunk);
    const float *from = preconditioned(g, g->from, at, n, g->to + at);
    if (from != g->to + at) memcpy(g->to + at, from, (size_t)n * sizeof *from);
}

// to <- to + B from
static void task_plus(void *context, int64_t chunk, int worker) {
    (void)worker;
    Gmres *g = context;
    int64_t at = chunk * CHUNK, n = chunk_size(g, chunk);
    float z[CHUNK], *to = g->to + at;
    const float *from = preconditioned(g, g->from, at, n, z);
    for (int64_t i = 0; i < n; i++) to[i] += from[i];
}

// to <- to - from
static void task_less(void *context, int64_t chunk, int worker) {
    (void)worker;
    Gmres *g = context;
    int64_t at = chunk * CHUNK, n = chunk_size(g, chunk);
    const float *from = g->from + at;
    float *to = g->to + at;
    for (int64_t i = 0; i < n; i++) to[i] -= from[i];
}

// to <- to * scale + from * single
static void task_mix(void *context, int64_t chunk, int worker) {
    (void)worker;
    Gmres *g = context;
    int64_t at = chunk * CHUNK, n = chunk_size(g, chunk);
    const float *from = g->from + at;
    float *to = g->to + at, by = (float)g->scale, other = g->single[0];
    for (int64_t i = 0; i < n; i++) to[i] = to[i] * by + from[i] * other;
}

static void task_dot(void *context, int64_t chunk, int worker) {
    (void)worker;
    Gmres *g = context;
    int64_t at = chunk * CHUNK, n = chunk_size(g, chunk);
    g->partial[chunk * (g->window + 3)] = (double)g->kernel->dot_float(g->from + at, g->to + at, n);
}

static void run(Gmres *g, TeamTask task, const float *from, float *to, int32_t k) {
    g->from = from;
    g->to = to;
    g->k = k;
    team_run(g->team, task, g, g->n_chunk);
}

double gmres_dot(Gmres *g, const float *a, const float *b) {
    // `b` is only read by this task
    run(g, task_dot, a, (float *)b, 0);
    return sum_partial(g, 0);
}

// d <- as much of d as leaves the least, and what it leaves, M^{-1} (r - A d), into the room. With w = M^{-1} A d the guess as it is leaves
// swept - w, and a part of it swept - part * w.
static DurStatus start_from(Gmres *g, GmresSweep sweep, void *context, const float *r, const float *swept, double first, float *d) {
    run(g, task_copy, d, g->room, 0);
    TRY(sweep(context, r, g->room));
    run(g, task_less, d, g->room, 0);
    double left = gmres_dot(g, g->room, g->room), both = gmres_dot(g, g->room, swept), square = first * first - 2 * both + left;
    double part = (first * first - both) / square;
    // also where there are no numbers in it
    if (!(square > 0) || !isfinite(part)) {
        run(g, task_zero, NULL, d, 0);
        run(g, task_copy, swept, g->room, 0);
        return DUR_OK;
    }
    g->scale = part;
    run(g, task_scale, d, d, 0);
    g->single[0] = (float)(1 - part);
    run(g, task_mix, swept, g->room, 0);
    return DUR_OK;
}

DurStatus gmres_solve(GmresResult *out, Gmres *g, GmresSweep sweep, void *context, const float *r,
                      const float *swept, bool is_guessed, double reduce, int64_t max_sweep, float *d) {
    enum { MOST = GMRES_WINDOW_MAX + 1 };
    double h[MOST][MOST], c[MOST], s[MOST], e[MOST + 1], y[MOST], length_square[MOST];
    *out = (GmresResult){.reduced = 1};
    double first = 0, last = 0;
    if (is_guessed) {
        first = sqrt(gmres_dot(g, swept, swept));
        DurStatus status = start_from(g, sweep, context, r, swept, first, d);
        if (status != DUR_OK) return status;
        out->n_sweep++;
    } else {
        run(g, task_zero, NULL, d, 0);
    }
    for (bool again = false;; again = true) {
        // M^{-1} (r - A d): what one sweep changes
        const float *start = !again && swept && !is_guessed ? swept : g->room;
        if (start == g->room && (again || !is_guessed)) {
            run(g, task_copy, d, g->room, 0);
            DurStatus status = sweep(context, r, g->room);
            if (status != DUR_OK) return status;
            out->n_sweep++;
        }
        if (again) run(g, task_less, d, g->room, 0);
        double length = sqrt(gmres_dot(g, start, start));
        if (!again && !is_guessed) first = length;
        if (!again) last = length;
        out->reduced = first > 0 ? length / first : 0;
        if (!(length > 0) || !isfinite(length) || out->reduced <= reduce || out->n_sweep >= max_sweep) return DUR_OK;
        if (again && length > STALLED * last) { out->stalled = true; return DUR_OK; }
        last = length;
        g->scale = 1 / length;
        run(g, task_scale, start, g->basis, 0);
        e[0] = length;

        int32_t k = 0;
        for (; k < g->window; k++) {
            // w = M^{-1} A z = z - sweep(0, z) with z = B q_k, made orthogonal to what there is (classical Gram-Schmidt: a few
            // digits are asked for, and two passes over memory would be paid for them)
            float *w = g->basis + (k + 1) * g->n;
            const float *q_k = g->basis + k * g->n;
            if (g->precondition.begin) g->precondition.begin(g->precondition.context, q_k);
            run(g, task_apply, q_k, g->room, 0);
            DurStatus status = sweep(context, NULL, g->room);
            if (status != DUR_OK) return status;
            out->n_sweep++;
            run(g, task_project, NULL, NULL, k);
            // vectors of the basis are as good as 1 long only where what was left was measured: their lengths count, or what they
            // lack would grow from each to the next
            double square = sum_partial(g, k + 1), rest = square;
            length_square[k] = sum_partial(g, k + 2);
            for (int32_t i = 0; i <= k; i++) {
                double product = sum_partial(g, i);
                h[i][k] = product / length_square[i];
                rest -= product * h[i][k];
            }
            double left = sqrt(rest > 0 ? rest : 0);
            bool is_known = rest > LEFT_LEAST * square;
            g->scale = is_known ? 1 / left : 1;
            for (int32_t i = 0; i <= k; i++) g->single[i] = (float)(-h[i][k] * g->scale);
            run(g, task_orthogonal, NULL, w, k);
            if (!is_known) {
                left = sqrt(gmres_dot(g, w, w));
                g->scale = 1 / left;
                if (left > 0) run(g, task_scale, w, w, 0);
            }
            // Givens rotations keep the small system triangular
            for (int32_t i = 0; i < k; i++) {
                double a = h[i][k], b = h[i + 1][k];
                h[i][k] = c[i] * a + s[i] * b;
                h[i + 1][k] = -s[i] * a + c[i] * b;
            }
            double top = h[k][k], size = sqrt(top * top + left * left);
            c[k] = size > 0 ? top / size : 1;
            s[k] = size > 0 ? left / size : 0;
            h[k][k] = size;
            e[k + 1] = -s[k] * e[k];
            e[k] = c[k] * e[k];
            if (fabs(e[k + 1]) <= reduce * first || out->n_sweep >= max_sweep || !(left > 0)) { k++; break; }
        }
        for (int32_t i = k - 1; i >= 0; i--) {
            double sum = e[i];
            for (int32_t j = i + 1; j < k; j++) sum -= h[i][j] * y[j];
            y[i] = h[i][i] != 0 ? sum / h[i][i] : 0;
        }
        for (int32_t i = 0; i < k; i++) g->single[i] = (float)y[i];
        if (g->precondition.begin) {
            // d += B (sum of y_i q_i), the sum where no vector of the basis is any more
            run(g, task_sum, NULL, NULL, k - 1);
            g->precondition.begin(g->precondition.context, g->basis);
            run(g, task_plus, g->basis, d, 0);
        } else {
            run(g, task_add, NULL, d, k - 1);
        }
        out->reduced = fabs(e[k]) / first;
        if (out->reduced <= reduce || out->n_sweep >= max_sweep) return DUR_OK;
    }
}
