/// How much faster than the plain solver? One question, one run: both solve the same scenario to the same residual, and
/// their values are compared before any time is reported.
///     solve_bench FILE [tolerance] [repeats]
#include "base/memory.h"
#include "base/progress.h"
#include "game/game.h"
#include "lang/lang.h"
#include "num/isa.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static int compare(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
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
        fprintf(stderr, "%s\n", error.text[0] ? error.text : "the scenario has faults: duress check tells");
        return 2;
    }
    const Model *m = c.model;
    double *param = memory_column(m->n_param);
    model_params(m, param);
    Lattice *l;
    double start = progress_seconds();
    if (lattice_make(&l, m, param, &error) != DUR_OK) {
        fprintf(stderr, "%s\n", error.text);
        return 2;
    }
    double tabulate = progress_seconds() - start;
    int64_t n = m->n_actor * l->n_state;
    printf("case,states,lanes,threads,isa,sweeps,seconds,ns_per_state_sweep,speedup,residual,values_differ_by\n");

    double *plain = memory_column(n), residual, plain_seconds;
    int64_t sweeps;
    if (plain_solve(l, NULL, tolerance, 100000, plain, &residual, &sweeps, &plain_seconds, &error) != DUR_OK) {
        fprintf(stderr, "%s\n", error.text);
        return 3;
    }
    printf("plain,%lld,1,1,scalar,%lld,%.4f,%.2f,1,%.2e,0\n", (long long)l->n_state, (long long)sweeps, plain_seconds,
           plain_seconds * 1e9 / (double)sweeps / (double)l->n_state, residual);

    int threads[] = {1, 2};
    for (int t = 0; t < 2; t++) {
        Team *team = team_make(threads[t]);
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
        qsort(seconds, (size_t)repeats, sizeof *seconds, compare);
        double median = seconds[repeats / 2], size = 0, off = 0;
        for (int64_t i = 0; i < n; i++) {
            size = fmax(size, fabs(plain[i]));
            off = fmax(off, fabs(plain[i] - s.policy->value[i]));
        }
        printf("duress,%lld,%lld,%d,%s,%lld,%.4f,%.2f,%.1f,%.2e,%.1e\n", (long long)l->n_state, (long long)l->n_lane,
               threads[t], isa_name(isa_best()), (long long)s.n_sweep, median,
               median * 1e9 / (double)s.n_sweep / (double)l->n_state, plain_seconds / median, s.certificate.residual,
               off / size);
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
