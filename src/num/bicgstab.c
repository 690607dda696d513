#include "num/bicgstab.h"

#include "base/memory.h"
#include "num/linear.h"

#include <math.h>
#include <string.h>

/// Numbers that one task works on. Sums are taken over each of these and then added in order, so the bits don't depend on how many
/// threads there are.
#define CHUNK 8192

/// What is done to every element between two applications of the operator, with the sums that it needs taken on the way.
typedef enum Pass { PASS_BEGIN, PASS_FIRST, PASS_HALF, PASS_SECOND, PASS_WHOLE, PASS_NEXT } Pass;

typedef struct Work {
    Pass pass;
    int64_t n;
    const double *b;
    double *x, *r, *r0, *p, *v, *t, *hat;
    const double *inverse;                 // 1/scale, or NULL
    LinearPrecondition precondition;       // in its place, or NULL
    void *context;
    double alpha, omega, beta;
    double *sum;                           // [2 x number of chunks]
} Work;

// what is preconditioned otherwise is so after the pass
static void scale_into(const Work *w, double *restrict out, const double *restrict in, const double *restrict inverse, int64_t n) {
    if (w->precondition) return;
    if (!inverse) memcpy(out, in, (size_t)n * sizeof *out);
    else for (int64_t i = 0; i < n; i++) out[i] = in[i] * inverse[i];
}

static void pass(void *context, int64_t task, int worker) {
    (void)worker;
    const Work *w = context;
    int64_t from = task * CHUNK, n = w->n - from < CHUNK ? w->n - from : CHUNK;
    double *restrict x = w->x + from, *restrict r = w->r + from, *restrict p = w->p + from;
    double *r0 = w->r0 + from, *hat = w->hat + from, *sum = w->sum + 2 * task;
    const double *restrict v = w->v + from, *restrict t = w->t + from, *inverse = w->inverse ? w->inverse + from : NULL;
    double alpha = w->alpha, omega = w->omega, beta = w->beta;
    switch (w->pass) {
        case PASS_BEGIN: {
            const double *restrict b = w->b + from;
            for (int64_t i = 0; i < n; i++) p[i] = r[i] = b[i] - v[i];
            memcpy(r0, r, (size_t)n * sizeof *r);
            scale_into(w, hat, p, inverse, n);
            sum[0] = vector_sup(r, n);
            sum[1] = vector_dot(r0, r, n);
            break;
        }
        case PASS_FIRST:
            sum[0] = vector_dot(r0, v, n);
            break;
        case PASS_HALF:
            for (int64_t i = 0; i < n; i++) {
                x[i] += alpha * hat[i];
                r[i] -= alpha * v[i];
            }
            scale_into(w, hat, r, inverse, n);
            break;
        case PASS_SECOND:
            sum[0] = vector_dot(t, t, n);
            sum[1] = vector_dot(t, r, n);
            break;
        case PASS_WHOLE:
            for (int64_t i = 0; i < n; i++) {
                x[i] += omega * hat[i];
                r[i] -= omega * t[i];
            }
            sum[0] = vector_sup(r, n);
            sum[1] = vector_dot(r0, r, n);
            break;
        case PASS_NEXT:
            for (int64_t i = 0; i < n; i++) p[i] = r[i] + beta * (p[i] - omega * v[i]);
            scale_into(w, hat, p, inverse, n);
            break;
    }
}

static void run(Work *w, Pass which, Team *team) {
    w->pass = which;
    team_run(team, pass, w, (w->n + CHUNK - 1) / CHUNK);
    if (!w->precondition) return;
    if (which == PASS_BEGIN || which == PASS_NEXT) w->precondition(w->context, w->p, w->hat);
    if (which == PASS_HALF)                        w->precondition(w->context, w->r, w->hat);
}

static double total(const Work *w, int which) {
    double sum = 0;
    for (int64_t k = 0; k * CHUNK < w->n; k++) sum += w->sum[2 * k + which];
    return sum;
}

// of the first sums, where they are largest entries; a NaN anywhere stays one
static double largest(const Work *w) {
    double most = 0;
    for (int64_t k = 0; k * CHUNK < w->n; k++) most = w->sum[2 * k] > most || w->sum[2 * k] != w->sum[2 * k] ? w->sum[2 * k] : most;
    return most;
}

DurStatus bicgstab(LinearSolve *out, int64_t n, LinearApply apply, LinearPrecondition precondition, void *context, const double *b,
                   const double *scale, double tolerance, int64_t max_apply, double *x, Team *team) {
    *out = (LinearSolve){.residual = INFINITY};
    if (precondition) scale = NULL;
    DurStatus status = DUR_MEMORY;
    // columns from 64 bytes on, so that each is aligned
    int64_t stride = (n + 15) / 8 * 8;
    double *room = memory_column((scale ? 8 : 7) * stride + 2 * (n / CHUNK + 1));
    if (!room) return DUR_MEMORY;
    double *best = room, *inverse = scale ? room + 7 * stride : NULL;
    Work w = {.n = n, .b = b, .x = x, .r = room + stride, .r0 = room + 2 * stride, .p = room + 3 * stride, .v = room + 4 * stride,
              .t = room + 5 * stride, .hat = room + 6 * stride, .inverse = inverse, .precondition = precondition, .context = context,
              .sum = room + (scale ? 8 : 7) * stride};
    for (int64_t i = 0; scale && i < n; i++) inverse[i] = 1 / scale[i];
    double best_residual = INFINITY;

    for (int64_t restart = 0; out->n_apply < max_apply; restart++) {
        // the true residual, at the start and at every restart: the recursive one drifts
        status = apply(context, x, w.v);
        out->n_apply++;
        if (status != DUR_OK) goto done;
        run(&w, PASS_BEGIN, team);
        out->residual = largest(&w);
        if (out->residual < best_residual) {
            best_residual = out->residual;
            memcpy(best, x, (size_t)n * sizeof *x);
        }
        if (out->residual <= tolerance) { out->converged = true; break; }
        if (!isfinite(out->residual)) memcpy(x, best, (size_t)n * sizeof *x);
        if (!isfinite(out->residual) || restart > 60) break;

        double rho = total(&w, 1);
        while (out->n_apply + 2 <= max_apply) {
            status = apply(context, w.hat, w.v);
            out->n_apply++;
            if (status != DUR_OK) goto done;
            run(&w, PASS_FIRST, team);
            w.alpha = rho / total(&w, 0);
            if (!isfinite(w.alpha)) break;
            run(&w, PASS_HALF, team);
            status = apply(context, w.hat, w.t);
            out->n_apply++;
            if (status != DUR_OK) goto done;
            run(&w, PASS_SECOND, team);
            double tt = total(&w, 0);
            w.omega = tt > 0 ? total(&w, 1) / tt : 0;
            run(&w, PASS_WHOLE, team);
            if (largest(&w) <= 0.5 * tolerance) break;
            double rho_next = total(&w, 1);
            w.beta = rho_next / rho * (w.alpha / w.omega);
            rho = rho_next;
            if (!isfinite(w.beta) || w.omega == 0) break;
            run(&w, PASS_NEXT, team);
        }
    }
    // ran out: give the best that was seen
    if (!out->converged && best_residual < out->residual) {
        memcpy(x, best, (size_t)n * sizeof *x);
        out->residual = best_residual;
    }
    status = DUR_OK;

done:
    memory_free(room);
    return status;
}
