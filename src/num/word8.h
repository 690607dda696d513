/// Eight words of 64 bits worked on together, and the products of their lower halves: one instruction on every x86, which
/// compilers find behind masks only now and then. For the files that are compiled once for each Isa.
#ifndef NUM_WORD8_H
#define NUM_WORD8_H

#include <stdint.h>
#if defined(__AVX2__)
#include <immintrin.h>
#endif

typedef uint64_t Word8 __attribute__((vector_size(64), aligned(8), may_alias));

// to = product of the lower halves of a, a Word8, and b, a number of 32 bits
#if defined(__AVX512F__)
#define WORD8_PRODUCT(to, a, b) ((to) = (Word8)_mm512_mul_epu32((__m512i)(a), _mm512_set1_epi64(b)))
#elif defined(__AVX2__)
typedef union Word8Halves { Word8 word; __m256i half[2]; } Word8Halves;
#define WORD8_PRODUCT(to, a, b) do {                                                  \
        Word8Halves a_ = {a};                                                         \
        for (int i_ = 0; i_ < 2; i_++) a_.half[i_] = _mm256_mul_epu32(a_.half[i_], _mm256_set1_epi64x(b)); \
        (to) = a_.word;                                                               \
    } while (0)
#else
#define WORD8_PRODUCT(to, a, b) ((to) = ((a) & UINT32_MAX) * (uint64_t)(b))
#endif

#endif
