#include "eval/eval.h"
#include "eval/kernel.h"
#include "eval/table.h"
#include "num/elementary.h"

#include <assert.h>
#include <string.h>

const char *eval_op_name(OpCode code) {
    static const char *const name_of[OP_COUNT] = {
#define X(name, text) [OP_##name] = #name,
        OP_LOAD_LIST(X)
        OP_TABLE_LIST(X)
#undef X
#define X(name, args, formula, text) [OP_##name] = #name,
        OP_MATH_LIST(X)
#undef X
    };
    assert(code < OP_COUNT);
    return name_of[code];
}

int eval_op_args(OpCode code) {
    static const int args_of[OP_COUNT] = {
#define X(name, args, formula, text) [OP_##name] = args,
        OP_MATH_LIST(X)
#undef X
        [OP_TABLE] = 1,
    };
    assert(code < OP_COUNT);
    return args_of[code];
}

// ---- the plain reference -----------------------------------------------------------------------------------------

// `value` holds the program's registers
static double run_state(const Model *model, const Program *program, const double *state, const double *param,
                        const double *draw, const double *quantity, double *value) {
    for (int32_t i = 0; i < program->n_op; i++) {
        const Op *op = &model->op[program->first + i];
        double *to = &value[op->to];
        switch ((OpCode)op->code) {
        case OP_CONSTANT: *to = model->constant[op->a]; break;
        case OP_VARIABLE: *to = state[op->a]; break;
        case OP_PARAM:    *to = param[op->a]; break;
        case OP_DRAW:     *to = draw[op->a]; break;
        case OP_QUANTITY: *to = quantity[op->a]; break;
        case OP_TABLE:    *to = table_value(&model->table[op->b], value[op->a]); break;

#define READ_1 double a = value[op->a]
#define READ_2 double a = value[op->a], b = value[op->b]
#define READ_3 double a = value[op->a], b = value[op->b], c = value[op->c]
#define X(name, args, formula, text) case OP_##name: { READ_##args; *to = formula; break; }
        OP_MATH_LIST(X)
#undef X
        case OP_COUNT: assert(op->code < OP_COUNT);
        }
    }
    return value[program->result];
}

// Programs of a scenario need a few dozen registers; what an Op can name at most (half a MiB) is kept out of the
// frame of the usual case.
#define REGISTERS_USUAL 256

static double run_state_large(const Model *model, const Program *program, const double *state, const double *param,
                              const double *draw, const double *quantity) {
    double value[UINT16_MAX + 1];
    return run_state(model, program, state, param, draw, quantity, value);
}

double eval_state(const Model *model, ProgramId program, const double *state, const double *param,
                  const double *draw, const double *quantity) {
    assert(program >= 0 && program < model->n_program);
    const Program *p = &model->program[program];
    if (p->n_register > REGISTERS_USUAL) return run_state_large(model, p, state, param, draw, quantity);
    double value[REGISTERS_USUAL];
    return run_state(model, p, state, param, draw, quantity, value);
}

// ---- lanes -------------------------------------------------------------------------------------------------------

// ORDER: ISA_LIST of num/isa.h
static const KernelSet *const kernels_of[ISA_COUNT] = {
    [ISA_BASE]   = &kernel_set_base,
    [ISA_AVX2]   = &kernel_set_avx2,
    [ISA_AVX512] = &kernel_set_avx512,
};

const KernelSet *eval_kernels(void) { return kernels_of[isa_best()]; }

// Scratch: a column of EVAL_LANES doubles for each register, then for each register where its values are (its own
// column, an input column, or the caller's `out`) and whether they are the same in all lanes. The last two are written
// as bytes, for scratch is an array of doubles.
//
//     | column 0 | column 1 | ... | pointers | uniform |
typedef struct Registers {
    double *column;
    char   *pointer, *uniform;
} Registers;

static_assert(sizeof(double *) <= sizeof(double), "a pointer fits in the room of a double");

int64_t eval_scratch(const Model *model) {
    int64_t most = 0;
    for (int32_t i = 0; i < model->n_program; i++)
        if (model->program[i].n_register > most) most = model->program[i].n_register;
    return most * (EVAL_LANES + 2);
}

static const double *values(const Registers *r, int32_t i) {
    const double *p;
    memcpy(&p, r->pointer + (size_t)i * sizeof p, sizeof p);
    return p;
}

static void set_values(const Registers *r, int32_t i, const double *p, bool is_uniform) {
    memcpy(r->pointer + (size_t)i * sizeof p, &p, sizeof p);
    r->uniform[i] = is_uniform;
}

void eval_lanes(const Model *model, ProgramId program, const EvalInput *in, int64_t n_lane, double *out,
                double *scratch) {
    assert(program >= 0 && program < model->n_program);
    const Program   *p       = &model->program[program];
    const KernelSet *kernels = kernels_of[isa_best()];
    Registers r = {.column = scratch};
    r.pointer = (char *)(scratch + (int64_t)p->n_register * EVAL_LANES);
    r.uniform = (char *)(scratch + (int64_t)p->n_register * (EVAL_LANES + 1));

    for (int64_t start = 0; start < n_lane; start += EVAL_LANES) {
        int64_t n = n_lane - start < EVAL_LANES ? n_lane - start : EVAL_LANES;

        for (int32_t i = 0; i < p->n_op; i++) {
            const Op *op = &model->op[p->first + i];
            double *own = r.column + (int64_t)op->to * EVAL_LANES;
            OpCode code = (OpCode)op->code;

            // input columns are read where they are
            if (code == OP_VARIABLE || code == OP_DRAW) {
                const double *column = code == OP_VARIABLE ? in->variable[op->a] : in->draw[op->a];
                set_values(&r, op->to, column + start, false);
                continue;
            }

            // what is the same in all lanes was computed in the first block, which is the longest, and stays
            if (start > 0 && r.uniform[op->to]) continue;
            int args = eval_op_args(code);
            bool is_uniform = (args < 1 || r.uniform[op->a]) && (args < 2 || r.uniform[op->b])
                           && (args < 3 || r.uniform[op->c]);
            double *to = op->to == p->result && !is_uniform ? out + start : own;
            set_values(&r, op->to, to, is_uniform);

            switch (code) {
            case OP_CONSTANT: kernels->fill(to, model->constant[op->a], n); break;
            case OP_PARAM:    kernels->fill(to, in->param[op->a], n); break;
            case OP_QUANTITY: kernels->fill(to, in->quantity[op->a], n); break;
            case OP_TABLE:    kernels->table(to, values(&r, op->a), &model->table[op->b], n); break;
            default: {
                const double *a = values(&r, op->a);
                const double *b = args > 1 ? values(&r, op->b) : a;
                const double *c = args > 2 ? values(&r, op->c) : a;
                kernels->math[code](to, a, b, c, n);
            }
            }
        }

        // a result that is an input, or the same everywhere, is not in `out` yet
        const double *result = values(&r, p->result);
        if (result != out + start) memcpy(out + start, result, (size_t)n * sizeof *out);
    }
}
