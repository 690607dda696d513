/// How many runs and jumps a second? Both kinds of simulation of one scenario under its equilibrium, on one thread and on
/// two; the paths of all of them are compared bit by bit before any time is believed.
///     sim_bench FILE [runs] [repeats] [continuous | lattice]
#define _POSIX_C_SOURCE 200809L
#include "base/memory.h"
#include "base/progress.h"
#include "game/game.h"
#include "lang/lang.h"
#include "num/isa.h"
#include "sim/sim.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/// Times at which paths are looked at, as the program does unless told otherwise.
#define TIMES 61

static int compare(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static const char *const KIND[] = {"continuous", "lattice"};

// of all threads: what a run costs on a machine that others use, too
static double processor_seconds(void) {
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int give_up(const DurError *error, int code) {
    fprintf(stderr, "%s\n", error->text[0] ? error->text : "the scenario has faults: duress check tells");
    return code;
}

int main(int argc, char **argv) {
    if (argc < 2) {
        fprintf(stderr, "usage: sim_bench FILE [runs] [repeats] [continuous | lattice]\n");
        return 2;
    }
    int64_t runs = argc > 2 ? atoll(argv[2]) : 10000;
    int repeats = argc > 3 ? atoi(argv[3]) : 5;
    const char *only = argc > 4 ? argv[4] : "";
    DurError error = {0};
    Compilation c = {0};
    if (lang_compile(&c, argv[1], NULL, 0, &error) != DUR_OK || !c.model) return give_up(&error, 2);
    const Model *m = c.model;
    double *param = memory_column(m->n_param), *seconds = memory_column(repeats), *busy = memory_column(repeats);
    model_params(m, param);
    Lattice *l;
    if (lattice_make(&l, m, param, &error) != DUR_OK) return give_up(&error, 2);
    GameSolution s = {0};
    if (game_solve(&s, l, &(GameOptions){.skip_certificate = true}, NULL, &error) != DUR_OK) return give_up(&error, 3);
    PlanStep step = {.policy = s.policy};
    Plan plan = {.n_step = 1, .step = &step};

    printf("case,runs,horizon,threads,isa,seconds,seconds_least,seconds_most,runs_per_second,jumps_per_second,"
           "jumps_per_run,processor_seconds,jumps_per_processor_second\n");
    for (int kind = 0; kind < 2; kind++) {
        if (only[0] && strcmp(only, KIND[kind])) continue;
        SimPaths first = {0};
        for (int threads = 1; threads <= 2; threads++) {
            Team *team = team_make(threads);
            SimOptions options = {.kind = kind ? SIM_LATTICE : SIM_CONTINUOUS, .n_run = runs, .seed = 1,
                                  .horizon = m->horizon > 0 ? m->horizon : 60};
            double jumps = 0;
            for (int i = 0; i < repeats; i++) {
                SimPaths p;
                double begun = processor_seconds();
                if (sim_paths(&p, l, &plan, &options, TIMES, team, &error) != DUR_OK) return give_up(&error, 3);
                seconds[i] = p.seconds;
                busy[i] = processor_seconds() - begun;
                jumps = p.n_event;
                size_t n = (size_t)p.n_stock * TIMES * sizeof *p.mean;
                if (first.mean && (memcmp(first.mean, p.mean, n) || first.n_event != p.n_event)) {
                    fprintf(stderr, "runs differ between threads or repeats\n");
                    return 1;
                }
                if (first.mean) sim_paths_free(&p);
                else first = p;
            }
            qsort(seconds, (size_t)repeats, sizeof *seconds, compare);
            qsort(busy, (size_t)repeats, sizeof *busy, compare);
            double median = seconds[repeats / 2], used = busy[repeats / 2];
            printf("%s,%lld,%g,%d,%s,%.4f,%.4f,%.4f,%.0f,%.4g,%.1f,%.4f,%.4g\n", KIND[kind], (long long)runs,
                   options.horizon, threads, isa_name(isa_best()), median, seconds[0], seconds[repeats - 1],
                   (double)runs / median, jumps / median, jumps / (double)runs,
                   used, jumps / used);
            team_free(team);
        }
        sim_paths_free(&first);
    }
    game_free(&s);
    lattice_free(l);
    memory_free(busy);
    memory_free(seconds);
    memory_free(param);
    lang_free(&c);
    return 0;
}
