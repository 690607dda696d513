#include "lang/code.h"

#include "base/memory.h"
#include "eval/eval.h"

#include <math.h>
#include <string.h>

void code_free(Code *code) {
    memory_free(code->op);
    memory_free(code->program);
    memory_free(code->constant);
    memory_free(code->slot);
    *code = (Code){0};
}

void draft_free(Draft *draft) {
    memory_free(draft->op);
    memory_free(draft->slot);
    *draft = (Draft){0};
}

void draft_clear(Draft *draft) {
    draft->n_op = 0;
    if (draft->slot) memset(draft->slot, 0, (size_t)draft->n_slot * sizeof *draft->slot);
}

// room for `n` rows in a growing array; false when memory is out
static bool reserve(Code *code, void *array, int32_t *capacity, int32_t n, size_t size) {
    if (code->failed) return false;
    if (n <= *capacity) return true;
    int32_t bigger = *capacity ? *capacity : 64;
    while (bigger < n) bigger *= 2;
    void *old;
    memcpy(&old, array, sizeof old);
    void *fresh = memory_resize(old, (size_t)bigger * size);
    if (!fresh) { code->failed = true; return false; }
    memcpy(array, &fresh, sizeof fresh);
    *capacity = bigger;
    return true;
}

static uint32_t mix(uint64_t x) {
    x ^= x >> 33; x *= 0xff51afd7ed558ccdu;
    x ^= x >> 33; x *= 0xc4ceb9fe1a85ec53u;
    return (uint32_t)(x ^ (x >> 33));
}

static uint64_t bits_of(double value) {
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static uint32_t hash_of(const Op *op) {
    return mix((uint64_t)op->code << 48 ^ (uint64_t)op->a << 32 ^ (uint64_t)op->b << 16 ^ op->c);
}

// ---- constants ---------------------------------------------------------------------------------------------------

// twice the slots, so that an open-addressed table of `n` entries stays at most half full
static bool widen(Code *code, int32_t **slot, int32_t *n_slot, int32_t n) {
    if (2 * n <= *n_slot) return false;
    int32_t wider = *n_slot ? 2 * *n_slot : 128;
    int32_t *fresh = memory_zeroed((size_t)wider, sizeof *fresh);
    if (!fresh) { code->failed = true; return false; }
    memory_free(*slot);
    *slot = fresh;
    *n_slot = wider;
    return true;
}

static int32_t *constant_slot(const Code *code, double value) {
    uint32_t mask = (uint32_t)code->n_slot - 1;
    for (uint32_t i = mix(bits_of(value)) & mask;; i = (i + 1) & mask) {
        int32_t *s = &code->slot[i];
        if (!*s || bits_of(code->constant[*s - 1]) == bits_of(value)) return s;
    }
}

static int32_t constant_index(Code *code, double value) {
    if (widen(code, &code->slot, &code->n_slot, code->n_constant + 1))
        for (int32_t i = 0; i < code->n_constant; i++) *constant_slot(code, code->constant[i]) = i + 1;
    if (code->failed) return 0;
    int32_t *s = constant_slot(code, value);
    if (*s) return *s - 1;
    if (code->n_constant == CODE_CONSTANTS_MAX) { code->is_full = true; return 0; }
    if (!reserve(code, &code->constant, &code->constant_capacity, code->n_constant + 1, sizeof value)) return 0;
    code->constant[code->n_constant] = value;
    *s = ++code->n_constant;
    return *s - 1;
}

// ---- operations --------------------------------------------------------------------------------------------------

static int32_t *op_slot(const Draft *draft, const Op *op) {
    uint32_t mask = (uint32_t)draft->n_slot - 1;
    for (uint32_t i = hash_of(op) & mask;; i = (i + 1) & mask) {
        int32_t *s = &draft->slot[i];
        if (!*s) return s;
        const Op *o = &draft->op[*s - 1];
        if (o->code == op->code && o->a == op->a && o->b == op->b && o->c == op->c) return s;
    }
}

// the register of an operation that is there already, or of a new one
static uint16_t share(Code *code, Draft *draft, Op op) {
    if (code->failed || code->is_full) return 0;
    if (++code->n_work > CODE_WORK_MAX) { code->is_full = true; return 0; }
    if (widen(code, &draft->slot, &draft->n_slot, draft->n_op + 1))
        for (int32_t i = 0; i < draft->n_op; i++) *op_slot(draft, &draft->op[i]) = i + 1;
    if (code->failed) return 0;
    int32_t *s = op_slot(draft, &op);
    if (*s) return (uint16_t)(*s - 1);
    if (draft->n_op == CODE_PROGRAM_MAX) { code->is_full = true; return 0; }
    if (!reserve(code, &draft->op, &draft->capacity, draft->n_op + 1, sizeof op)) return 0;
    op.to = (uint16_t)draft->n_op;
    draft->op[draft->n_op] = op;
    *s = ++draft->n_op;
    return op.to;
}

uint16_t draft_constant(Code *code, Draft *draft, double value) {
    int32_t i = constant_index(code, value);
    return share(code, draft, (Op){.code = OP_CONSTANT, .a = (uint16_t)i});
}

uint16_t draft_load(Code *code, Draft *draft, OpCode load, int32_t index) {
    if (index > UINT16_MAX) { code->is_full = true; return 0; }
    return share(code, draft, (Op){.code = (uint16_t)load, .a = (uint16_t)index});
}

uint16_t draft_table(Code *code, Draft *draft, uint16_t a, int32_t table) {
    if (table > UINT16_MAX) { code->is_full = true; return 0; }
    return share(code, draft, (Op){.code = OP_TABLE, .a = a, .b = (uint16_t)table});
}

static bool is_constant(const Code *code, const Draft *draft, uint16_t r, double *value) {
    if (draft->op[r].code != OP_CONSTANT) return false;
    *value = code->constant[draft->op[r].a];
    return true;
}

// one operation on numbers, by the evaluator that will run it, so that folding changes no bit
static double fold(OpCode op, const double v[3], int n_arg) {
    Op line[4];
    for (int i = 0; i < n_arg; i++) line[i] = (Op){.code = OP_CONSTANT, .to = (uint16_t)i, .a = (uint16_t)i};
    line[n_arg] = (Op){.code = (uint16_t)op, .to = (uint16_t)n_arg, .a = 0, .b = (uint16_t)(n_arg > 1),
                       .c = (uint16_t)(n_arg > 2 ? 2 : 0)};
    Program p = {.n_op = n_arg + 1, .n_register = n_arg + 1, .result = n_arg, .is_literal = true};
    Model m = {.n_program = 1, .program = &p, .n_op = n_arg + 1, .op = line, .n_constant = n_arg, .constant = v};
    return eval_state(&m, 0, NULL, NULL, NULL, NULL);
}

uint16_t draft_op(Code *code, Draft *draft, OpCode op, uint16_t a, uint16_t b, uint16_t c) {
    if (code->failed || code->is_full) return 0;
    int n_arg = eval_op_args(op);
    if (n_arg < 2) b = 0;
    if (n_arg < 3) c = 0;
    // sides that may be swapped stand in one order, so that a + b and b + a are one operation
    if ((op == OP_ADD || op == OP_MUL || op == OP_EQUAL || op == OP_AND || op == OP_OR) && a > b) {
        uint16_t t = a; a = b; b = t;
    }
    double v[3] = {0, 0, 0};
    bool known_a = is_constant(code, draft, a, &v[0]);
    bool known_b = n_arg > 1 && is_constant(code, draft, b, &v[1]);
    bool known_c = n_arg > 2 && is_constant(code, draft, c, &v[2]);
    // a branch that a known condition picks, whatever the branches are
    if (op == OP_SELECT && known_a) return v[0] != 0 ? b : c;
    if (op == OP_SELECT && b == c) return b;
    if (known_a && (n_arg < 2 || known_b) && (n_arg < 3 || known_c)) {
        // an answer that is no number is left for the evaluation to meet, where its place can be told
        double value = fold(op, v, n_arg);
        if (isfinite(value)) return draft_constant(code, draft, value);
    }
    return share(code, draft, (Op){.code = (uint16_t)op, .a = a, .b = b, .c = c});
}

// ---- programs ----------------------------------------------------------------------------------------------------

// which operands of an operation are registers
static int register_args(const Op *op) {
    if (op->code == OP_TABLE) return 1;
    return op->code <= OP_QUANTITY ? 0 : eval_op_args((OpCode)op->code);
}

bool draft_is_literal(const Draft *draft) {
    for (int32_t i = 0; i < draft->n_op; i++)
        if (draft->op[i].code <= OP_QUANTITY && draft->op[i].code != OP_CONSTANT) return false;
    return true;
}

ProgramId draft_finish(Code *code, Draft *draft, uint16_t result, Span span, const char *text) {
    if (code->failed || code->is_full || draft->n_op == 0) return PROGRAM_NONE;
    int32_t n = draft->n_op;
    int32_t *number = memory_zeroed((size_t)n, sizeof *number);
    if (!number) { code->failed = true; return PROGRAM_NONE; }

    // mark what the result needs, from the back: operands stand before what reads them
    number[result] = 1;
    for (int32_t i = result; i >= 0; i--) {
        if (!number[i]) continue;
        const Op *op = &draft->op[i];
        int n_arg = register_args(op);
        if (n_arg > 0) number[op->a] = 1;
        if (n_arg > 1) number[op->b] = 1;
        if (n_arg > 2) number[op->c] = 1;
    }
    int32_t n_live = 0;
    for (int32_t i = 0; i < n; i++) n_live += number[i];

    ProgramId id = PROGRAM_NONE;
    if (code->n_op > CODE_OPS_MAX - n_live) code->is_full = true;
    else if (reserve(code, &code->op, &code->op_capacity, code->n_op + n_live, sizeof *code->op) &&
             reserve(code, &code->program, &code->program_capacity, code->n_program + 1, sizeof *code->program)) {
        Program p = {.first = code->n_op, .n_op = n_live, .n_register = n_live, .result = n_live - 1,
                     .span = span, .text = text, .is_literal = true};
        // copy with registers renumbered, noting what is read
        int32_t k = 0;
        for (int32_t i = 0; i < n; i++) {
            if (!number[i]) continue;
            Op op = draft->op[i];
            int n_arg = register_args(&op);
            if (n_arg > 0) op.a = (uint16_t)number[op.a];
            if (n_arg > 1) op.b = (uint16_t)number[op.b];
            if (n_arg > 2) op.c = (uint16_t)number[op.c];
            op.to = (uint16_t)k;
            number[i] = k;
            if (op.code == OP_VARIABLE) p.reads |= UINT64_C(1) << op.a % MODEL_VARIABLES_MAX;
            p.reads_param    |= op.code == OP_PARAM;
            p.reads_draw     |= op.code == OP_DRAW;
            p.reads_quantity |= op.code == OP_QUANTITY;
            code->op[code->n_op + k++] = op;
        }
        p.is_literal = !p.reads && !p.reads_param && !p.reads_draw && !p.reads_quantity;
        id = code->n_program;
        code->program[code->n_program++] = p;
        code->n_op += n_live;
    }
    memory_free(number);
    return id;
}

double draft_value(const Code *code, const Draft *draft, uint16_t result, const Model *tables, const double *param) {
    if (code->failed || code->is_full) return 0;
    Program p = {.n_op = draft->n_op, .n_register = draft->n_op, .result = result};
    Model m = *tables;
    m.program = &p;               m.n_program = 1;
    m.op = draft->op;             m.n_op = draft->n_op;
    m.constant = code->constant;  m.n_constant = code->n_constant;
    return eval_state(&m, 0, NULL, param, NULL, NULL);
}

double code_value(const Code *code, ProgramId program, const Model *tables, const double *param) {
    if (code->failed || program < 0) return 0;
    Model m = *tables;
    m.program = code->program;    m.n_program = code->n_program;
    m.op = code->op;              m.n_op = code->n_op;
    m.constant = code->constant;  m.n_constant = code->n_constant;
    return eval_state(&m, program, NULL, param, NULL, NULL);
}
