/// Bytecode in the making: operations in single-assignment form, equal ones shared, constant ones folded, dead ones
/// dropped.
///
/// A Code holds what is finished (programs and the constants they share); a Draft is one program under way. Several
/// drafts may be open on one Code.
#ifndef LANG_CODE_H
#define LANG_CODE_H

#include "base/span.h"
#include "eval/op.h"
#include "model/model.h"

#include <stdbool.h>
#include <stdint.h>

/// Operations of one program. Registers are numbered in 16 bits.
#define CODE_PROGRAM_MAX 60000
/// Operations of all programs together: lets are inlined, so a small text can ask for much.
#define CODE_OPS_MAX (1 << 22)
/// Operations looked at on the way, those that came to nothing included.
#define CODE_WORK_MAX (1 << 26)
/// Different numbers in a scenario; they are numbered in 16 bits too.
#define CODE_CONSTANTS_MAX 65536

/// Zero-initialised is empty. Errors are kept and looked at once, at the end.
typedef struct Code {
    Op      *op;        int32_t n_op, op_capacity;
    Program *program;   int32_t n_program, program_capacity;
    double  *constant;  int32_t n_constant, constant_capacity;
    int32_t *slot;      int32_t n_slot;      // constants by their bits: index + 1, 0 is free
    int32_t n_work;     // operations looked at so far
    bool failed;        // memory ran out
    bool is_full;       // one of the limits above was met
} Code;

/// Zero-initialised is empty.
typedef struct Draft {
    Op      *op;        int32_t n_op, capacity;
    int32_t *slot;      int32_t n_slot;      // operations by what they do: index + 1, 0 is free
    uint64_t number;                         // the caller's, to know it by
} Draft;

void code_free(Code *code);
void draft_free(Draft *draft);

/// Begin a program in a draft, whatever was in it before.
void draft_clear(Draft *draft);

/// Append a load or an operation, or find it, and return its register. After an error the register is 0.
uint16_t draft_constant(Code *code, Draft *draft, double value);
uint16_t draft_load(Code *code, Draft *draft, OpCode load, int32_t index);      // VARIABLE, PARAM, DRAW, QUANTITY
uint16_t draft_op(Code *code, Draft *draft, OpCode op, uint16_t a, uint16_t b, uint16_t c);
uint16_t draft_table(Code *code, Draft *draft, uint16_t a, int32_t table);

/// True if no operation loads anything but constants, those that will be dropped included.
bool draft_is_literal(const Draft *draft);

/// Drop what `result` does not need and append the draft to the code as a program. PROGRAM_NONE after an error.
/// `text` is kept as it is.
ProgramId draft_finish(Code *code, Draft *draft, uint16_t result, Span span, const char *text);

/// The value of a register of a draft, or of a finished program, at the given parameters; what it reads beside them
/// must be nothing.
double draft_value(const Code *code, const Draft *draft, uint16_t result, const Model *tables, const double *param);
double code_value(const Code *code, ProgramId program, const Model *tables, const double *param);

#endif
