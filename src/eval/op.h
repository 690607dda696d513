/// The operations of the expression language, one row each. The enum, the scalar reference, the vector kernels, the
/// interval rule, the disassembler and the page in doc/ are all drawn from this table.
#ifndef EVAL_OP_H
#define EVAL_OP_H

/// Loads first. Their operand `a` is an index: of a constant, a state variable, a parameter, a draw, a quantity.
//    name       args  what the manual says
#define OP_LOAD_LIST(X)                                                                  \
    X(CONSTANT,  "a number written in the scenario")                                     \
    X(VARIABLE,  "a stock, or a mode as the index of its value")                         \
    X(PARAM,     "a parameter")                                                          \
    X(DRAW,      "a random size of the event or move at hand, in standard form")         \
    X(QUANTITY,  "the answer to a P(...) or E(...) of a claim")

/// Then arithmetic. a, b, c are registers; in the formula they are the values in one lane. Truth is 1, falsehood 0;
/// anything other than 0 counts as true. Formulas use only operations that are the same bits at every vector width:
/// + - * / sqrt, comparisons, selects, and num/elementary.h.
//    name       args  formula (scalar C)                          what the manual says
#define OP_MATH_LIST(X)                                                                                      \
    X(ADD,       2,    a + b,                                      "sum")                                    \
    X(SUB,       2,    a - b,                                      "difference")                             \
    X(MUL,       2,    a * b,                                      "product")                                \
    X(DIV,       2,    a / b,                                      "quotient")                               \
    X(POW,       2,    elementary_pow(a, b),                       "power; whole exponents up to 8 by multiplication") \
    X(NEG,       1,    -a,                                         "change of sign")                         \
    X(EXP,       1,    elementary_exp(a),                          "exponential")                            \
    X(LOG,       1,    elementary_log(a),                          "natural logarithm")                      \
    X(SQRT,      1,    elementary_sqrt(a),                         "square root")                            \
    X(ABS,       1,    elementary_abs(a),                          "absolute value")                         \
    X(FLOOR,     1,    elementary_floor(a),                        "largest whole number not above")         \
    X(LOGISTIC,  1,    1.0 / (1.0 + elementary_exp(-a)),           "logistic, 1/(1+exp(-a)), in 0..1")       \
    X(MIN,       2,    (a < b ? a : b),                            "smaller of two")                         \
    X(MAX,       2,    (a > b ? a : b),                            "larger of two")                          \
    X(LESS,      2,    (a < b ? 1.0 : 0.0),                        "1 where a < b, else 0")                  \
    X(LESS_EQ,   2,    (a <= b ? 1.0 : 0.0),                       "1 where a <= b, else 0")                 \
    X(EQUAL,     2,    (a == b ? 1.0 : 0.0),                       "1 where a = b, else 0")                  \
    X(AND,       2,    (((a != 0.0) & (b != 0.0)) ? 1.0 : 0.0),    "both true")                              \
    X(OR,        2,    (((a != 0.0) | (b != 0.0)) ? 1.0 : 0.0),    "either true")                            \
    X(NOT,       1,    (a == 0.0 ? 1.0 : 0.0),                     "not true")                               \
    X(SELECT,    3,    (a != 0.0 ? b : c),                         "b where a is true, else c; both are computed")

/// Last, the one whose operand is not a register alone: a is a register, b the index of a table.
#define OP_TABLE_LIST(X)                                                                  \
    X(TABLE,     "piecewise linear through the points of a table, flat outside")

typedef enum OpCode {
#define X(name, text) OP_##name,
    OP_LOAD_LIST(X)
#undef X
#define X(name, args, formula, text) OP_##name,
    OP_MATH_LIST(X)
#undef X
#define X(name, text) OP_##name,
    OP_TABLE_LIST(X)
#undef X
    OP_COUNT
} OpCode;

#endif
