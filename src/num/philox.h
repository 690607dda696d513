/// Random numbers without state: a counter and a key in, four words out. Any draw of any run can be had alone, in any
/// order, on any machine. Source: Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3" (Philox4x32-10).
#ifndef NUM_PHILOX_H
#define NUM_PHILOX_H

#include <stdint.h>

typedef struct Philox4 { uint32_t word[4]; } Philox4;

/// Multipliers and key increments of Philox4x32 (Salmon et al. 2011, table 2; the increments are the golden ratio and
/// sqrt(3) - 1 as fractions of 2^32).
#define PHILOX_ROUNDS       10
#define PHILOX_MULTIPLIER_0 0xD2511F53u
#define PHILOX_MULTIPLIER_1 0xCD9E8D57u
#define PHILOX_INCREMENT_0  0x9E3779B9u
#define PHILOX_INCREMENT_1  0xBB67AE85u

/// Ten rounds of Philox4x32.
Philox4 philox_4x32(const uint32_t counter[4], const uint32_t key[2]);

/// A stream of draws: the key is the seed (low word, high word); the counter is (index, site, run low, run high).
/// Zero cost to make.
typedef struct Stream {
    uint64_t seed;    // root of every random stream
    uint64_t run;     // run number
    uint32_t site;    // what is drawn (an own sequence for each purpose, so that policies share luck)
    uint32_t index;   // draws taken so far at this site
} Stream;

static inline Stream stream_make(uint64_t seed, uint64_t run, uint32_t site) {
    return (Stream){.seed = seed, .run = run, .site = site, .index = 0};
}

/// Next double, uniform on the open interval (0, 1): the odd multiples of 2^-53, 52 random bits, so never 0, never 1,
/// and u and 1 - u are equally likely. Takes one index (words 0 and 1 of its block).
double stream_uniform(Stream *s);

/// Two uniforms for one index; the first is the one that stream_uniform gives.
void stream_uniform2(Stream *s, double u[2]);

/// Exponential with mean 1: -log(u). Takes one index.
double stream_exponential(Stream *s);

/// Standard normal: sqrt(-2 log u0) cos(2 pi u1), on elementary functions, so the same bits everywhere. |x| < 8.6.
/// Takes one index. Source: Box and Muller 1958.
double stream_normal(Stream *s);

#endif
