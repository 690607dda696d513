/// Kernels: one operation over a column of lanes. One set for each Isa, all from kernel_body.h, all the same bits.
#ifndef EVAL_KERNEL_H
#define EVAL_KERNEL_H

#include "eval/op.h"
#include "model/model.h"

/// out[i] = formula(a[i], b[i], c[i]), i = 0 .. n-1. `out` is none of the others; unused arguments may be anything.
typedef void (*KernelMath)(double *out, const double *a, const double *b, const double *c, int64_t n);

/// Sums, differences and products, two in one: what the first gives need not be written and read again. Each is rounded.
//    first op   second op
#define KERNEL_PAIR_LIST(X)                                       \
    X(ADD, +, ADD, +) X(ADD, +, SUB, -) X(ADD, +, MUL, *)         \
    X(SUB, -, ADD, +) X(SUB, -, SUB, -) X(SUB, -, MUL, *)         \
    X(MUL, *, ADD, +) X(MUL, *, SUB, -) X(MUL, *, MUL, *)

typedef struct KernelSet {
    /// by the first and the second operation, less OP_ADD: [0] (a first b) second c, [1] c second (a first b)
    KernelMath pair[3][3][2];
    KernelMath math[OP_COUNT];    // by OpCode; NULL for those that are not in OP_MATH_LIST
    void (*table)(double *out, const double *x, const ModelTable *table, int64_t n);
    void (*fill)(double *out, double value, int64_t n);
} KernelSet;

/// The set that isa_best() names.
const KernelSet *eval_kernels(void);

extern const KernelSet kernel_set_base, kernel_set_avx2, kernel_set_avx512;

#endif
