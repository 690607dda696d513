/// Which vector instructions the machine has. Kernels are compiled once for each and chosen at run time; all give the
/// same bits, so the choice is for speed alone (and for tests, which force each in turn).
#ifndef NUM_ISA_H
#define NUM_ISA_H

//    name     text        lanes of double
#define ISA_LIST(X)        \
    X(BASE,   "sse2",   2) \
    X(AVX2,   "avx2",   4) \
    X(AVX512, "avx512", 8)

typedef enum Isa {
#define X(name, text, lanes) ISA_##name,
    ISA_LIST(X)
#undef X
    ISA_COUNT
} Isa;

/// The widest that this machine runs, or what isa_force said, or what the environment variable DURESS_ISA names
/// (a wider one than the machine has is ignored). Cost: decided once.
Isa isa_best(void);

/// Force one (tests); ISA_COUNT gives the choice back to the machine. Returns the one now in force.
Isa isa_force(Isa isa);

const char *isa_name(Isa isa);

/// Of the three kernels NAME_base, NAME_avx2 and NAME_avx512 that one body was compiled to, the address of the best.
#define ISA_KERNEL(name) \
    (isa_best() == ISA_AVX512 ? &name##_avx512 : isa_best() == ISA_AVX2 ? &name##_avx2 : &name##_base)

#endif
