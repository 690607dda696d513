/// Models made by hand for the tests of eval: expressions as Op rows, without a text that they came from.
#ifndef TEST_EVAL_BUILD_H
#define TEST_EVAL_BUILD_H

#include "../check.h"

#include "eval/eval.h"

#include <stdbool.h>
#include <stdlib.h>

#define BUILD_OPS      2048
#define BUILD_PROGRAMS 64

/// A model in the making. Expressions are made inside out: each call gives the register that holds its value.
typedef struct Build {
    Model    model;
    Op       op[BUILD_OPS];
    double   constant[BUILD_OPS];
    Program  program[BUILD_PROGRAMS];
} Build;

static inline Build *build_make(void) {
    Build *b = calloc(1, sizeof *b);
    CHECK(b != NULL);
    b->model.op       = b->op;
    b->model.constant = b->constant;
    b->model.program  = b->program;
    return b;
}

static inline int build_op(Build *b, OpCode code, int x, int y, int z) {
    Program *p = &b->program[b->model.n_program];
    CHECK(b->model.n_op < BUILD_OPS);
    b->op[b->model.n_op++] = (Op){(uint16_t)code, (uint16_t)p->n_op, (uint16_t)x, (uint16_t)y, (uint16_t)z};
    p->n_register++;
    return p->n_op++;
}

static inline int build_constant(Build *b, double x) {
    b->constant[b->model.n_constant] = x;
    return build_op(b, OP_CONSTANT, b->model.n_constant++, 0, 0);
}

/// End the program whose value is in register `result`, and begin the next.
static inline ProgramId build_end(Build *b, int result) {
    Program *p = &b->program[b->model.n_program];
    p->result = result;
    CHECK(b->model.n_program + 1 < BUILD_PROGRAMS);
    b->program[b->model.n_program + 1].first = p->first + p->n_op;
    return b->model.n_program++;
}

/// A program of one operation: its arguments are variables 0, 1, 2.
static inline ProgramId build_single(Build *b, OpCode code) {
    int x[3] = {0, 0, 0};
    for (int k = 0; k < eval_op_args(code); k++) x[k] = build_op(b, OP_VARIABLE, k, 0, 0);
    if (code == OP_TABLE) x[1] = 0;    // table 0
    return build_end(b, build_op(b, code, x[0], x[1], x[2]));
}

/// Is it in OP_MATH_LIST?
static inline bool build_is_math(OpCode code) {
    return code > OP_QUANTITY && code < OP_TABLE;
}

#endif
