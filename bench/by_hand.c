/// How much faster is a program written by hand for one scenario? The reference case's runs with continuous stocks, by hand
/// and by the program, in turns on one thread; counts of jumps, means and quantiles must be the same.
///     by_hand_bench scenarios/us-mexico/us-mexico.duress [runs] [repeats]
#define _POSIX_C_SOURCE 200809L
#include "by_hand.h"

#include "base/memory.h"
#include "game/game.h"
#include "lang/lang.h"
#include "num/isa.h"
#include "sim/sim.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static double processor_seconds(void) {
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int compare(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static int give_up(const DurError *error) {
    fprintf(stderr, "%s\n", error->text[0] ? error->text : "the scenario has faults: duress check tells");
    return 2;
}

int main(int argc, char **argv) {
    if (argc < 2) {
        fprintf(stderr, "usage: by_hand_bench FILE [runs] [repeats]\n");
        return 2;
    }
    int64_t runs = argc > 2 ? atoll(argv[2]) : 5000;
    int repeats = argc > 3 ? atoi(argv[3]) : 7;
    DurError error = {0};
    Compilation c = {0};
    if (lang_compile(&c, argv[1], NULL, 0, &error) != DUR_OK || !c.model) return give_up(&error);
    const Model *m = c.model;
    double *param = memory_column(m->n_param), *ours = memory_column(repeats), *hand = memory_column(repeats);
    double *ratio = memory_column(repeats);
    model_params(m, param);
    if (strcmp(m->title, "Pressure on a government with ties to armed groups") || m->n_jump != HAND_JUMPS) {
        fprintf(stderr, "this is not the scenario that was written by hand\n");
        return 2;
    }
    Lattice *l;
    GameSolution s = {0};
    if (lattice_make(&l, m, param, &error) != DUR_OK) return give_up(&error);
    if (game_solve(&s, l, &(GameOptions){.skip_certificate = true}, NULL, &error) != DUR_OK) return give_up(&error);
    PlanStep step = {.policy = s.policy};
    Plan plan = {.n_step = 1, .step = &step};
    HandPlay *const play[ISA_COUNT] = {[ISA_BASE] = hand_play_base, [ISA_AVX2] = hand_play_avx2, [ISA_AVX512] = hand_play_avx512};
    SimOptions options = {.n_run = runs, .seed = 1, .horizon = m->horizon};
    static HandResult by_hand;
    for (int i = 0; i < repeats; i++) {
        SimPaths p;
        double begun = processor_seconds();
        if (!play[isa_best()](&by_hand, s.policy, 1, runs, m->horizon, param)) return give_up(&error);
        double between = processor_seconds();
        if (sim_paths(&p, l, &plan, &options, HAND_TIMES, NULL, &error) != DUR_OK) return give_up(&error);
        hand[i] = between - begun;
        ours[i] = processor_seconds() - between;
        ratio[i] = hand[i] / ours[i];
        for (int j = 0; j < HAND_JUMPS; j++)
            if ((double)by_hand.count[j] != round(p.count[j] * (double)runs)) {
                fprintf(stderr, "`%s`: %lld by hand, %.0f here\n", m->jump[j].name, (long long)by_hand.count[j], p.count[j] * (double)runs);
                return 1;
            }
        for (int k = 0; k < HAND_STOCKS; k++)
            for (int t = 0; t < HAND_TIMES; t++) {
                bool same = fabs(by_hand.mean[k][t] - p.mean[k * HAND_TIMES + t]) < 1e-9;
                for (int q = 0; q < SIM_QUANTILES; q++)
                    same &= by_hand.quantile[k][t][q] == p.quantile[(k * SIM_QUANTILES + q) * HAND_TIMES + t];
                if (same) continue;
                fprintf(stderr, "`%s` at %g: mean %.17g by hand, %.17g here, or other quantiles\n", m->stock[k].name, p.time[t],
                        by_hand.mean[k][t], p.mean[k * HAND_TIMES + t]);
                return 1;
            }
        for (int32_t v = 0, at = 0; v < m->n_mode; v++)
            for (int32_t value = 0; value < m->mode[v].n_value; value++, at++)
                for (int t = 0; t < HAND_TIMES; t++)
                    if (fabs((double)by_hand.share[v][value][t] / (double)runs - p.share[at * HAND_TIMES + t]) > 1e-12) {
                        fprintf(stderr, "`%s`: another share of runs\n", m->mode[v].name);
                        return 1;
                    }
        sim_paths_free(&p);
    }
    qsort(hand, (size_t)repeats, sizeof *hand, compare);
    qsort(ours, (size_t)repeats, sizeof *ours, compare);
    qsort(ratio, (size_t)repeats, sizeof *ratio, compare);
    printf("runs,isa,by_hand_processor_seconds,ours_processor_seconds,speed_to_by_hand,speed_least,speed_most\n");
    printf("%lld,%s,%.4f,%.4f,%.3f,%.3f,%.3f\n", (long long)runs, isa_name(isa_best()), hand[repeats / 2], ours[repeats / 2],
           ratio[repeats / 2], ratio[0], ratio[repeats - 1]);
    game_free(&s);
    lattice_free(l);
    memory_free(ratio);
    memory_free(hand);
    memory_free(ours);
    memory_free(param);
    lang_free(&c);
    return 0;
}
