#include "eval/bundle.h"

#include "base/memory.h"
#include "eval/kernel.h"

#include <assert.h>
#include <string.h>

/// One value: an input, or an operation on earlier values.
typedef struct Value {
    uint16_t code;
    uint8_t  n_arg;
    bool     is_uniform;        // the same in all lanes, always
    bool     is_still;          // the same as last time if only variables that move are other ones
    int32_t  a, b, c;           // of a load the index; else values; of a table b is the table
    bool     is_inner;          // computed by the only value that uses it, as its `inner`
    int32_t  inner;             // a value that is computed on the way, its argument `place`; negative: none
    int32_t  place;
    int32_t  n_use;
    uint64_t reads;             // variables
    int32_t  out;               // first program whose result this is; negative: none
    double  *column;            // own column; NULL for variables and results
} Value;

/// What is left to do for one value: an operation or two in one, and the values that it reads.
typedef struct Step {
    KernelMath kernel;          // NULL: a table
    int32_t  value, a, b, c;
} Step;

struct EvalBundle {
    const Model *model;
    int32_t  n_program, n_value, n_step;
    int32_t  n_still;           // of the steps, the first ones: values that need not be had again
    Value   *value;             // [n_value]
    Step    *step;              // [n_step] in order
    int32_t *result;            // [n_program] values
    double  *room;              // owns the columns
    const double **at;          // [n_value] scratch: where values are
    uint64_t reads;
};

static int args_of(const Value *v) { return v->code == OP_TABLE ? 1 : eval_op_args((OpCode)v->code); }

// the value of an operation, which may be there already
static int32_t value_of(EvalBundle *b, Value v) {
    for (int32_t i = 0; i < b->n_value; i++) {
        const Value *w = &b->value[i];
        if (w->code == v.code && w->a == v.a && w->b == v.b && w->c == v.c) return i;
    }
    int args = args_of(&v);
    v.is_uniform = v.code != OP_VARIABLE && (args < 1 || b->value[v.a].is_uniform) &&
                   (args < 2 || b->value[v.b].is_uniform) && (args < 3 || b->value[v.c].is_uniform);
    v.reads = v.code == OP_VARIABLE ? (uint64_t)1 << v.a : 0;
    if (args > 0) v.reads |= b->value[v.a].reads;
    if (args > 1) v.reads |= b->value[v.b].reads;
    if (args > 2) v.reads |= b->value[v.c].reads;
    v.out = v.inner = -1;
    v.n_arg = (uint8_t)args;
    b->value[b->n_value] = v;
    return b->n_value++;
}

// values of one program; `of` [n_register] is scratch
static int32_t add_program(EvalBundle *b, const Program *p, int32_t *of) {
    for (int32_t i = 0; i < p->n_op; i++) {
        const Op *op = &b->model->op[p->first + i];
        Value v = {.code = op->code, .a = op->a, .b = op->b, .c = op->c};
        int args = args_of(&v);
        assert(op->code != OP_DRAW && op->code != OP_QUANTITY);
        if (args > 0) v.a = of[op->a];
        if (v.code != OP_TABLE) v.b = args > 1 ? of[op->b] : 0;
        v.c = args > 2 ? of[op->c] : 0;
        of[op->to] = value_of(b, v);
    }
    return of[p->result];
}

static Step step_of(const EvalBundle *b, const KernelSet *kernels, int32_t i) {
    const Value *v = &b->value[i];
    if (v->code == OP_TABLE) return (Step){.value = i, .a = v->a};
    if (v->inner >= 0) {
        const Value *first = &b->value[v->inner];
        return (Step){kernels->pair[first->code - OP_ADD][v->code - OP_ADD][v->place], i, first->a, first->b, v->place ? v->a : v->b};
    }
    return (Step){kernels->math[v->code], i, v->a, v->n_arg > 1 ? v->b : v->a, v->n_arg > 2 ? v->c : v->a};
}

static void compute(const EvalBundle *b, const KernelSet *kernels, const Step *s, double *to, int64_t n) {
    const double *const *at = b->at;
    if (s->kernel) s->kernel(to, at[s->a], at[s->b], at[s->c], n);
    else           kernels->table(to, at[s->a], &b->model->table[b->value[s->value].b], n);
}

static bool is_plain(const Value *v) { return !v->is_uniform && v->code >= OP_ADD && v->code <= OP_MUL; }

// sums, differences and products that one other value uses are computed together with that
static void join(EvalBundle *b) {
    static_assert(OP_SUB == OP_ADD + 1 && OP_MUL == OP_ADD + 2, "the operations that are joined stand together");
    for (int32_t i = 0; i < b->n_value; i++) {
        const Value *v = &b->value[i];
        const int32_t argument[] = {v->a, v->b, v->c};
        for (int k = 0; k < v->n_arg; k++) b->value[argument[k]].n_use++;
    }
    for (int32_t k = 0; k < b->n_program; k++) b->value[b->result[k]].n_use += 2;   // it is wanted for itself
    for (int32_t i = b->n_value - 1; i >= 0; i--) {
        Value *v = &b->value[i];
        if (!is_plain(v) || v->is_inner) continue;
        for (int32_t place = 0; place < 2 && v->inner < 0; place++) {
            int32_t x = place ? v->b : v->a;
            Value *first = &b->value[x];
            if (!is_plain(first) || first->n_use != 1 || first->is_still != v->is_still) continue;
            first->is_inner = true;
            v->inner = x;
            v->place = place;
        }
    }
}

EvalBundle *eval_bundle_make(const Model *m, const double *param, const ProgramId *program, int32_t n_program,
                             uint64_t moving, int64_t n_lane) {
    size_t n_op = 0, n_register = 0;
    for (int32_t k = 0; k < n_program; k++) {
        const Program *p = &m->program[program[k]];
        n_op += (size_t)p->n_op;
        if ((size_t)p->n_register > n_register) n_register = (size_t)p->n_register;
    }
    EvalBundle *b = memory_zeroed(1, sizeof *b);
    int32_t *of = memory_zeroed(n_register, sizeof *of);
    if (!b || !of) goto fail;
    b->model = m;
    b->n_program = n_program;
    b->value = memory_zeroed(n_op, sizeof *b->value);
    b->step = memory_zeroed(n_op, sizeof *b->step);
    b->result = memory_zeroed((size_t)n_program, sizeof *b->result);
    b->at = memory_zeroed(n_op, sizeof *b->at);
    if (!b->value || !b->step || !b->result || !b->at) goto fail;
    for (int32_t k = 0; k < n_program; k++) {
        b->result[k] = add_program(b, &m->program[program[k]], of);
        b->reads |= m->program[program[k]].reads;
        Value *v = &b->value[b->result[k]];
        if (v->out < 0 && !v->is_uniform && v->code != OP_VARIABLE) v->out = k;
    }

    int64_t stride = (n_lane + 7) / 8 * 8, n_column = 0;
    for (int32_t i = 0; i < b->n_value; i++) n_column += b->value[i].code != OP_VARIABLE && b->value[i].out < 0;
    b->room = memory_column(n_column * stride);
    if (!b->room) goto fail;
    double *next = b->room;
    const KernelSet *kernels = eval_kernels();
    for (int32_t i = 0; i < b->n_value; i++) {
        Value *v = &b->value[i];
        if (v->code == OP_VARIABLE) continue;
        if (v->out < 0) {
            v->column = next;
            next += stride;
            b->at[i] = v->column;
        }
        if (!v->is_uniform) continue;
        if (v->code == OP_CONSTANT)      kernels->fill(v->column, m->constant[v->a], n_lane);
        else if (v->code == OP_PARAM)   kernels->fill(v->column, param[v->a], n_lane);
        else {
            Step step = step_of(b, kernels, i);
            compute(b, kernels, &step, v->column, n_lane);
        }
    }
    // what does not move first. Results are written to a new place each time, so they, and what is made of them, are not still.
    for (int32_t i = 0; i < b->n_value; i++) {
        Value *v = &b->value[i];
        v->is_still = v->out < 0 && !(v->reads & moving);
        const int32_t argument[] = {v->a, v->b, v->c};
        for (int k = 0; k < v->n_arg; k++) v->is_still &= b->value[argument[k]].is_still;
    }
    join(b);
    for (int pass = 0; pass < 2; pass++) {
        for (int32_t i = 0; i < b->n_value; i++) {
            const Value *v = &b->value[i];
            if (v->code != OP_VARIABLE && !v->is_uniform && !v->is_inner && v->is_still == (pass == 0))
                b->step[b->n_step++] = step_of(b, kernels, i);
        }
        if (pass == 0) b->n_still = b->n_step;
    }
    memory_free(of);
    return b;

fail:
    memory_free(of);
    eval_bundle_free(b);
    return NULL;
}

void eval_bundle_free(EvalBundle *b) {
    if (!b) return;
    memory_free(b->room);
    memory_free(b->at);
    memory_free(b->result);
    memory_free(b->step);
    memory_free(b->value);
    memory_free(b);
}

static void run_from(const EvalBundle *b, int32_t first, const double *const *variable, int64_t n, double *const *out) {
    const KernelSet *kernels = eval_kernels();
    const double **at = b->at;
    for (int32_t i = 0; i < b->n_value; i++)
        if (b->value[i].code == OP_VARIABLE) at[i] = variable[b->value[i].a];
    for (int32_t k = 0; k < b->n_program; k++)
        if (b->value[b->result[k]].out == k) at[b->result[k]] = out[k];
    // what is written is one of at's places, too
    for (const Step *s = b->step + first, *end = b->step + b->n_step; s < end; s++) compute(b, kernels, s, (double *)at[s->value], n);
    for (int32_t k = 0; k < b->n_program; k++)
        if (b->value[b->result[k]].out != k) memcpy(out[k], at[b->result[k]], (size_t)n * sizeof *out[k]);
}

void eval_bundle_run(const EvalBundle *b, const double *const *variable, int64_t n, double *const *out) {
    run_from(b, 0, variable, n, out);
}

void eval_bundle_again(const EvalBundle *b, const double *const *variable, int64_t n, double *const *out) {
    run_from(b, b->n_still, variable, n, out);
}

uint64_t eval_bundle_reads(const EvalBundle *b) { return b->reads; }
int32_t  eval_bundle_size(const EvalBundle *b)  { return b->n_step; }
int32_t  eval_bundle_size_again(const EvalBundle *b) { return b->n_step - b->n_still; }
