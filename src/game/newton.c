#include "game/newton.h"

#include "base/memory.h"
#include "num/bicgstab.h"
#include "num/linear.h"

#include <math.h>
#include <string.h>

/// Steps of Newton's method; where it works it needs about six.
#define STEPS_MOST 40
/// Sweeps that one linear system may take.
#define APPLIES_MOST 300
/// Shortest fraction of a step that is tried before giving up.
#define FRACTION_LEAST (1.0 / 256)
/// Relative size of the difference that stands for a derivative: the square root of rounding, a little above.
#define DIFFERENCE 1e-7

typedef struct Newton {
    Sweep *sweep;
    const Progress *progress;
    double scale, size;
    int64_t n, *n_sweep;
    const double *x, *g;       // where the tangent is taken, and its image
    double *moved, *image;     // room
} Newton;

// y = (1 - G'(x)) v, the derivative of the sweep by a difference in the direction of v
static DurStatus tangent(void *context, const double *v, double *y) {
    Newton *w = context;
    double length = vector_sup(v, w->n);
    if (!(length > 0)) {
        memset(y, 0, (size_t)w->n * sizeof *y);
        return DUR_OK;
    }
    double step = DIFFERENCE * (w->size > 0 ? w->size : 1) / length;
    for (int64_t i = 0; i < w->n; i++) w->moved[i] = w->x[i] + step * v[i];
    sweep_run(w->sweep, w->scale, w->moved, w->image);
    ++*w->n_sweep;
    for (int64_t i = 0; i < w->n; i++) y[i] = v[i] - (w->image[i] - w->g[i]) / step;
    return progress_stop(w->progress) ? DUR_INTERRUPTED : DUR_OK;
}

DurStatus newton_solve(Sweep *sweep, int64_t n, int64_t n_value, double scale, double tolerance, int64_t max_sweep,
                       const Progress *progress, double *x, int64_t *n_sweep, double *residual) {
    double *room = memory_column(5 * n);
    if (!room) return DUR_MEMORY;
    double *g = room, *f = g + n, *d = f + n, *moved = d + n, *image = moved + n;
    Newton w = {.sweep = sweep, .progress = progress, .scale = scale, .n = n, .n_sweep = n_sweep, .x = x, .g = g,
                .moved = moved, .image = image};
    DurStatus status = DUR_OK;
    sweep_whole_steps(sweep, true);
    for (int step = 0; step < STEPS_MOST && *n_sweep < max_sweep; step++) {
        w.size = vector_sup(x, n_value);
        *residual = sweep_residual(sweep, scale, x, g) / (w.size > 0 ? w.size : 1);
        if (*residual <= tolerance || !isfinite(*residual)) break;
        sweep_run(sweep, scale, x, g);
        *n_sweep += 2;
        for (int64_t i = 0; i < n; i++) f[i] = g[i] - x[i];
        double miss = vector_sup(f, n);

        // (1 - G') d = G(x) - x; loosely at first, since the tangent is only good nearby
        LinearSolve solve;
        memset(d, 0, (size_t)n * sizeof *d);
        status = bicgstab(&solve, n, tangent, NULL, &w, f, NULL, miss * (step < 3 ? 1e-2 : 1e-4), APPLIES_MOST, d, NULL);
        if (status != DUR_OK) break;

        // shorten the step until the image is nearer to its original
        double fraction = 1;
        for (; fraction >= FRACTION_LEAST; fraction /= 2) {
            for (int64_t i = 0; i < n; i++) moved[i] = x[i] + fraction * d[i];
            sweep_run(sweep, scale, moved, image);
            ++*n_sweep;
            double now = 0;
            for (int64_t i = 0; i < n; i++) {
                double off = fabs(image[i] - moved[i]);
                now = off > now || off != off ? off : now;
            }
            if (now <= (1 - 0.1 * fraction) * miss) break;
        }
        if (fraction < FRACTION_LEAST) break;
        memcpy(x, moved, (size_t)n * sizeof *x);
    }
    sweep_whole_steps(sweep, false);
    memory_free(room);
    return status;
}
