#include "num/philox.h"
#include "num/elementary.h"

Philox4 philox_4x32(const uint32_t counter[4], const uint32_t key[2]) {
    uint32_t c0 = counter[0], c1 = counter[1], c2 = counter[2], c3 = counter[3];
    uint32_t k0 = key[0], k1 = key[1];

    // a round: two words are multiplied, the halves of the products change places and take in the other words and key
    for (int round = 0; round < PHILOX_ROUNDS; round++) {
        uint64_t p0 = (uint64_t)PHILOX_MULTIPLIER_0 * c0;
        uint64_t p1 = (uint64_t)PHILOX_MULTIPLIER_1 * c2;
        uint32_t n0 = (uint32_t)(p1 >> 32) ^ c1 ^ k0;
        uint32_t n2 = (uint32_t)(p0 >> 32) ^ c3 ^ k1;
        c1 = (uint32_t)p1;
        c3 = (uint32_t)p0;
        c0 = n0;
        c2 = n2;
        k0 += PHILOX_INCREMENT_0;
        k1 += PHILOX_INCREMENT_1;
    }
    return (Philox4){{c0, c1, c2, c3}};
}

static Philox4 next_block(Stream *s) {
    const uint32_t counter[4] = {s->index++, s->site, (uint32_t)s->run, (uint32_t)(s->run >> 32)};
    const uint32_t key[2]     = {(uint32_t)s->seed, (uint32_t)(s->seed >> 32)};
    return philox_4x32(counter, key);
}

// the upper 52 of 64 bits, and a half more, so that neither end is reached; k + 1/2 is exact
static double uniform_of(uint32_t low, uint32_t high) {
    uint64_t k = ((uint64_t)high << 32 | low) >> 12;
    return ((double)k + 0.5) * 0x1p-52;
}

double stream_uniform(Stream *s) {
    Philox4 block = next_block(s);
    return uniform_of(block.word[0], block.word[1]);
}

void stream_uniform2(Stream *s, double u[2]) {
    Philox4 block = next_block(s);
    u[0] = uniform_of(block.word[0], block.word[1]);
    u[1] = uniform_of(block.word[2], block.word[3]);
}

double stream_exponential(Stream *s) {
    return -elementary_log(stream_uniform(s));
}

double stream_normal(Stream *s) {
    double u[2];
    stream_uniform2(s, u);
    return elementary_sqrt(-2.0 * elementary_log(u[0])) * elementary_cos_turn(u[1]);
}
