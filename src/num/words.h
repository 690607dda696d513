/// Words of 64 bits worked on together, as many as a vector register of the Isa at hand holds, and the products of their
/// lower halves: one instruction on every x86, which compilers find behind masks only now and then. For the files that are
/// compiled once for each Isa.
#ifndef NUM_WORDS_H
#define NUM_WORDS_H

#include <stdint.h>
#if defined(__SSE2__)
#include <immintrin.h>
#endif

#if defined(__AVX512F__)
#define WORDS_N 8
#elif defined(__AVX2__)
#define WORDS_N 4
#else
#define WORDS_N 2
#endif
typedef uint64_t Words __attribute__((vector_size(8 * WORDS_N), aligned(8), may_alias));

// products of the lower halves of words, `a`, with a number of 32 bits
#if defined(__AVX512F__)
#define WORDS_PRODUCT(a, b) ((Words)_mm512_mul_epu32((__m512i)(a), _mm512_set1_epi64(b)))
#elif defined(__AVX2__)
#define WORDS_PRODUCT(a, b) ((Words)_mm256_mul_epu32((__m256i)(a), _mm256_set1_epi64x(b)))
#elif defined(__SSE2__)
#define WORDS_PRODUCT(a, b) ((Words)_mm_mul_epu32((__m128i)(a), _mm_set1_epi64x(b)))
#else
#define WORDS_PRODUCT(a, b) (((a) & UINT32_MAX) * (uint64_t)(b))
#endif

#endif
