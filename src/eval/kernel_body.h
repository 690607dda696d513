// The kernels of one Isa, drawn from the rows of op.h. The file that includes this one defines KERNEL_SET, the name of
// the set, and the build gives it the flags of the Isa; the compiler makes the vectors.
#include "base/compiler.h"
#include "eval/kernel.h"
#include "eval/table.h"
#include "num/elementary.h"

// which arguments a row of one, two or three reads
#define READ_1 double a = pa[i]
#define READ_2 double a = pa[i], b = pb[i]
#define READ_3 double a = pa[i], b = pb[i], c = pc[i]

#define X(name, args, formula, text)                                                                     \
    static void kernel_##name(double *DUR_RESTRICT out, const double *DUR_RESTRICT pa,                   \
                              const double *DUR_RESTRICT pb, const double *DUR_RESTRICT pc, int64_t n) { \
        (void)pb;                                                                                        \
        (void)pc;                                                                                        \
        for (int64_t i = 0; i < n; i++) {                                                                \
            READ_##args;                                                                                 \
            out[i] = formula;                                                                            \
        }                                                                                                \
    }
OP_MATH_LIST(X)
#undef X

#define X(first, o, second, p)                                                                           \
    static void pair_##first##_##second(double *DUR_RESTRICT out, const double *DUR_RESTRICT pa,         \
                                        const double *DUR_RESTRICT pb, const double *DUR_RESTRICT pc, int64_t n) { \
        for (int64_t i = 0; i < n; i++) out[i] = (pa[i] o pb[i]) p pc[i];                                \
    }                                                                                                    \
    static void turned_##first##_##second(double *DUR_RESTRICT out, const double *DUR_RESTRICT pa,       \
                                          const double *DUR_RESTRICT pb, const double *DUR_RESTRICT pc, int64_t n) { \
        for (int64_t i = 0; i < n; i++) out[i] = pc[i] p (pa[i] o pb[i]);                                \
    }
KERNEL_PAIR_LIST(X)
#undef X

static void kernel_table(double *out, const double *x, const ModelTable *table, int64_t n) {
    for (int64_t i = 0; i < n; i++) out[i] = table_value(table, x[i]);
}

static void kernel_fill(double *out, double value, int64_t n) {
    for (int64_t i = 0; i < n; i++) out[i] = value;
}

const KernelSet KERNEL_SET = {
    .pair = {
#define X(first, o, second, p) [OP_##first - OP_ADD][OP_##second - OP_ADD] = {pair_##first##_##second, turned_##first##_##second},
        KERNEL_PAIR_LIST(X)
#undef X
    },
    .math = {
#define X(name, args, formula, text) [OP_##name] = kernel_##name,
        OP_MATH_LIST(X)
#undef X
    },
    .table = kernel_table,
    .fill  = kernel_fill,
};
