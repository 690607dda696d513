/// The reference case written by hand: what a programmer who needs this one scenario and no other would write in C. Its
/// equations stand in the code; method, random numbers and accuracy are those of the program, so that runs must agree.
#ifndef BENCH_BY_HAND_H
#define BENCH_BY_HAND_H

#include "lattice/policy.h"

#define HAND_STOCKS 6
#define HAND_TIMES  61
#define HAND_JUMPS  12

typedef struct HandResult {
    double  mean[HAND_STOCKS][HAND_TIMES];
    int64_t count[HAND_JUMPS];     // jumps in order of declaration
    int64_t share[3][3][HAND_TIMES];   // runs in each value of each mode
    double  quantile[HAND_STOCKS][HAND_TIMES][5];
} HandResult;

/// Play runs 0 .. n_run - 1 of a horizon under one policy of the scenario's lattice. False when memory is out.
typedef bool HandPlay(HandResult *out, const Policy *policy, uint64_t seed, int64_t n_run, double horizon, const double *param);
HandPlay hand_play_base, hand_play_avx2, hand_play_avx512;

#endif
