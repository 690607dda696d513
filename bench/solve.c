/// How much faster than the plain solver, and how near to what the machine can do? One question, one run: both solve the
/// same scenario to the same residual, and their values are compared before any time is reported.
///     solve_bench FILE [tolerance] [repeats]
#include "base/memory.h"
#include "base/progress.h"
#include "game/game.h"
#include "game/tangent.h"
#include "lang/lang.h"
#include "num/isa.h"
#include "num/vector.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static int compare(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *x, int n) {
    qsort(x, (size_t)n, sizeof *x, compare);
    return x[n / 2];
}

// ---- what the machine can do ----

typedef struct Machine {
    double bytes_per_second;   // read from a column as large as what one sweep of a tangent moves, all threads together
    double exp_seconds;        // one exponential, all threads together
} Machine;

typedef struct Probe { const double *x; double *y, *sum; int64_t n, n_part; } Probe;

static void task_read(void *context, int64_t part, int worker) {
    (void)worker;
    Probe *p = context;
    int64_t each = p->n / p->n_part / 8 * 8;
    const double *x = p->x + part * each;
    double sum[32] = {0};
    for (int64_t i = 0; i + 32 <= each; i += 32)
        for (int k = 0; k < 32; k++) sum[k] += x[i + k];
    for (int k = 1; k < 32; k++) sum[0] += sum[k];
    p->sum[part] = sum[0];
}

static void task_exp(void *context, int64_t part, int worker) {
    (void)worker;
    Probe *p = context;
    for (int i = 0; i < 200; i++) vector_exp(p->y + part * 4096, p->x + part * 4096, 4096);
}

static Machine measure(double traffic, Team *team) {
    Machine m = {0};
    double seconds[9], sum[64];
    Probe p = {.n = (int64_t)(traffic / 8), .n_part = 16, .sum = sum};
    double *x = memory_column(p.n + 16 * 4096);
    p.y = memory_column(16 * 4096);
    p.x = x;
    for (int i = 0; i < 9; i++) {
        double start = progress_seconds();
        team_run(team, task_read, &p, p.n_part);
        seconds[i] = progress_seconds() - start;
    }
    m.bytes_per_second = traffic / median(seconds, 9);
    for (int i = 0; i < 9; i++) {
        double start = progress_seconds();
        team_run(team, task_exp, &p, p.n_part);
        seconds[i] = progress_seconds() - start;
    }
    m.exp_seconds = median(seconds, 9) / (200.0 * 4096 * 16);
    memory_free(p.y);
    memory_free(x);
    return m;
}

int main(int argc, char **argv) {
    if (argc < 2) {
        fprintf(stderr, "usage: solve_bench FILE [tolerance] [repeats]\n");
        return 2;
    }
    double tolerance = argc > 2 ? atof(argv[2]) : 1e-8;
    int repeats = argc > 3 ? atoi(argv[3]) : 5;
    DurError error = {0};
    Compilation c = {0};
    if (lang_compile(&c, argv[1], NULL, 0, &error) != DUR_OK || !c.model) {
        fprintf(stderr, "solve_bench: %s cannot be compiled\n", argv[1]);
        return 2;
    }
    const Model *m = c.model;
    double *param = memory_column(m->n_param);
    model_params(m, param);
    Lattice *l;
    double start = progress_seconds();
    if (lattice_make(&l, m, param, &error) != DUR_OK) {
        fprintf(stderr, "%s\n", error.text);
        return 3;
    }
    double tabulate = progress_seconds() - start;
    int64_t n = m->n_actor * l->n_state;
    printf("case,states,lanes,threads,isa,sweeps,tangents,seconds,million_states_per_second,speedup,limit_seconds,share,residual,"
           "values_differ_by\n");

    double *plain = memory_column(n), residual, plain_seconds;
    int64_t sweeps;
    if (plain_solve(l, NULL, tolerance, 100000, plain, &residual, &sweeps, &plain_seconds, &error) != DUR_OK) {
        fprintf(stderr, "%s\n", error.text);
        return 3;
    }
    printf("plain,%lld,1,1,scalar,%lld,0,%.4f,%.2f,1,,,%.2e,0\n", (long long)l->n_state, (long long)sweeps, plain_seconds,
           (double)sweeps * (double)l->n_state / plain_seconds * 1e-6, residual);

    for (int t = 1; t <= 2; t++) {
        Team *team = team_make(t);
        double *seconds = memory_column(repeats);
        GameSolution s = {0};
        for (int i = 0; i < repeats; i++) {
            game_free(&s);
            if (game_solve(&s, l, &(GameOptions){.tolerance = tolerance, .skip_certificate = true}, team, &error)) {
                fprintf(stderr, "%s\n", error.text);
                return 3;
            }
            seconds[i] = s.seconds;
        }
        double half = median(seconds, repeats), size = 0, off = 0;
        for (int64_t i = 0; i < n; i++) {
            size = fmax(size, fabs(plain[i]));
            off = fmax(off, fabs(plain[i] - s.policy->value[i]));
        }
        // the limit: a sweep of a tangent moves its coefficients once and its vector twice and takes no exponential; a tangent
        // taken writes the coefficients, reads the values, and takes an exponential for every move that is possible in a state
        Tangent *tangent = tangent_make(l, NULL, team);
        double traffic = tangent_traffic(tangent);
        Machine machine = measure(traffic, team);
        double per_sweep = traffic / machine.bytes_per_second;
        double take_bytes = (traffic + 8.0 * (double)n) / machine.bytes_per_second;
        double take_exp = (double)s.policy->n_entry * machine.exp_seconds;
        double per_take = take_bytes > take_exp ? take_bytes : take_exp;
        double limit = (double)(s.n_sweep - s.n_take) * per_sweep + (double)s.n_take * per_take;
        printf("duress,%lld,%lld,%d,%s,%lld,%lld,%.4f,%.2f,%.1f,%.4f,%.2f,%.2e,%.1e\n", (long long)l->n_state, (long long)l->n_lane, t,
               isa_name(isa_best()), (long long)(s.n_sweep - s.n_take), (long long)s.n_take, half,
               (double)s.n_sweep * (double)l->n_state / half * 1e-6, plain_seconds / half, limit, limit / half,
               s.certificate.residual, off / size);

        // the two kernels by themselves
        float *miss = memory_zeroed((size_t)n + 16, sizeof *miss), *d = memory_zeroed((size_t)n + 16, sizeof *d);
        double take[9], sweep[9];
        for (int i = 0; i < 9; i++) {
            start = progress_seconds();
            tangent_take(tangent, 1.0, s.policy->value, miss, NULL);
            take[i] = progress_seconds() - start;
            start = progress_seconds();
            tangent_sweep(tangent, miss, d);
            sweep[i] = progress_seconds() - start;
        }
        double take_half = median(take, 9), sweep_half = median(sweep, 9);
        printf("# %d thread%s: %.1f GB/s over %.1f MB, %.3f ns an exponential; a tangent %.1f ns a state (limit %.1f, share %.2f), "
               "a sweep of it %.2f ns a state (limit %.2f, share %.2f)\n# %s\n", t, t == 1 ? "" : "s",
               machine.bytes_per_second * 1e-9, traffic * 1e-6, machine.exp_seconds * 1e9,
               take_half * 1e9 / (double)l->n_state, per_take * 1e9 / (double)l->n_state, per_take / take_half,
               sweep_half * 1e9 / (double)l->n_state, per_sweep * 1e9 / (double)l->n_state, per_sweep / sweep_half, s.how);

        // a solve after a parameter has moved by a hundredth starts from the values at hand
        if (m->n_param > 0) {
            double old = param[0];
            param[0] *= 1.01;
            Lattice *moved;
            GameSolution again = {0};
            if (lattice_make(&moved, m, param, &error) == DUR_OK &&
                game_solve(&again, moved, &(GameOptions){.tolerance = tolerance, .skip_certificate = true,
                                                         .warm = s.policy->value}, team, &error) == DUR_OK)
                printf("# `%s` up by a hundredth, from the values at hand: %lld sweeps, %lld tangents, %.4f s\n", m->param[0].name,
                       (long long)(again.n_sweep - again.n_take), (long long)again.n_take, again.seconds);
            game_free(&again);
            lattice_free(moved);
            param[0] = old;
        }
        memory_free(d);
        memory_free(miss);
        tangent_free(tangent);
        game_free(&s);
        memory_free(seconds);
        team_free(team);
    }
    printf("# tables made in %.4f s\n", tabulate);
    memory_free(plain);
    lattice_free(l);
    memory_free(param);
    lang_free(&c);
    return 0;
}
