/// What does a step of stocks that nothing jumps cost? Three stocks, 3,200 steps of a quarter of a day, every one of them kept;
/// the paths are those of a plain loop over the same steps to the last bit, which also shows that there were no others.
///     epidemic_bench bench/epidemic.duress [runs] [repeats]
#define _POSIX_C_SOURCE 200809L
#include "base/memory.h"
#include "lang/lang.h"
#include "num/isa.h"
#include "sim/sim.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define STEPS 3200
#define STEP  0.25

static double processor_seconds(void) {
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int compare(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void drift(const double *param, const double *x, double *out) {
    double infection = param[0] * x[0] * x[1];
    out[0] = param[2] * x[2] - infection;
    out[1] = infection - param[1] * x[1];
    out[2] = param[1] * x[1] - param[2] * x[2];
}

// Bogacki and Shampine's third-order steps, [3 x STEPS + 1] into path
static void plain(const double *param, double *path) {
    double x[3] = {0.999, 0.001, 0}, k[4][3], y[3];
    drift(param, x, k[0]);
    for (int t = 0; t <= STEPS; t++) {
        for (int s = 0; s < 3; s++) path[s * (STEPS + 1) + t] = x[s];
        for (int s = 0; s < 3; s++) y[s] = x[s] + STEP * (0.5 * k[0][s]);
        drift(param, y, k[1]);
        for (int s = 0; s < 3; s++) y[s] = x[s] + STEP * (0.75 * k[1][s]);
        drift(param, y, k[2]);
        for (int s = 0; s < 3; s++) x[s] += STEP * (2.0 / 9 * k[0][s] + 1.0 / 3 * k[1][s] + 4.0 / 9 * k[2][s]);
        drift(param, x, k[0]);
    }
}

int main(int argc, char **argv) {
    if (argc < 2) {
        fprintf(stderr, "usage: epidemic_bench FILE [runs] [repeats]\n");
        return 2;
    }
    int64_t runs = argc > 2 ? atoll(argv[2]) : 1024;
    int repeats = argc > 3 ? atoi(argv[3]) : 7;
    DurError error = {0};
    Compilation c = {0};
    Lattice *l = NULL;
    Policy *policy = NULL;
    if (lang_compile(&c, argv[1], NULL, 0, &error) != DUR_OK || !c.model || c.model->n_stock != 3 || c.model->n_jump) {
        fprintf(stderr, "%s\n", error.text[0] ? error.text : "this is not the scenario of bench/epidemic.duress");
        return 2;
    }
    double param[3], *time = memory_column(STEPS + 1), *out = memory_column(runs * 3 * (STEPS + 1));
    double *check = memory_column(3 * (STEPS + 1)), *seconds = memory_column(repeats);
    model_params(c.model, param);
    if (!time || !out || !check || !seconds || lattice_make(&l, c.model, param, &error) != DUR_OK ||
        policy_make(&policy, l, NULL, &error) != DUR_OK) return 3;
    PlanStep step = {.policy = policy};
    Plan plan = {.n_step = 1, .step = &step};
    for (int t = 0; t <= STEPS; t++) time[t] = STEP * t;
    plain(param, check);
    printf("runs,steps,isa,nanoseconds_a_step_and_run,least,most\n");
    for (int i = 0; i < repeats; i++) {
        SimOptions options = {.n_run = runs, .seed = 1, .horizon = STEP * STEPS};
        double begun = processor_seconds();
        if (sim_keep(l, &plan, &options, time, STEPS + 1, out, NULL, &error) != DUR_OK) {
            fprintf(stderr, "%s\n", error.text);
            return 3;
        }
        seconds[i] = processor_seconds() - begun;
        for (int64_t k = 0; k < runs * 3 * (STEPS + 1); k++)
            if (out[k] != check[k / runs]) {
                fprintf(stderr, "run %lld, look %lld: %.17g, by a plain loop %.17g\n", (long long)(k % runs),
                        (long long)(k / runs % (STEPS + 1)), out[k], check[k / runs]);
                return 1;
            }
    }
    qsort(seconds, (size_t)repeats, sizeof *seconds, compare);
    double unit = 1e9 / ((double)runs * STEPS);
    printf("%lld,%d,%s,%.2f,%.2f,%.2f\n", (long long)runs, STEPS, isa_name(isa_best()), seconds[repeats / 2] * unit,
           seconds[0] * unit, seconds[repeats - 1] * unit);
    policy_free(policy);
    lattice_free(l);
    memory_free(seconds);
    memory_free(check);
    memory_free(out);
    memory_free(time);
    lang_free(&c);
    return 0;
}
