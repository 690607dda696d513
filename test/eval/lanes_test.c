#include "../num/draws.h"
#include "build.h"

#include "base/memory.h"
#include "eval/bundle.h"

#include <stdio.h>

#define WIDTHS 68

// every Isa that this machine has, in turn
#define FOR_EACH_ISA(isa) \
    for (int isa = 0; isa < ISA_COUNT; isa++) if (isa_force((Isa)isa) == (Isa)isa)

static const double TABLE_X[] = {-3, -0.5, 0.1, 0.25, 1, 1.0000000000000002, 7};
static const double TABLE_Y[] = {2, -1e-3, 0, 0, 1e300, -4, 3.3};
static const ModelTable TABLES[] = {
    {.name = "seven", .n_point = 7, .x = TABLE_X, .y = TABLE_Y},
    {.name = "one", .n_point = 1, .x = TABLE_X, .y = TABLE_Y},
};

// the formulas of op.h once more, without the house's functions where C has the same: an operation whose row were
// wrong would agree with itself everywhere else
static double by_hand(OpCode code, double a, double b, double c) {
    switch (code) {
    case OP_ADD: return a + b;
    case OP_SUB: return a - b;
    case OP_MUL: return a * b;
    case OP_DIV: return a / b;
    case OP_POW: return elementary_pow(a, b);
    case OP_NEG: return -a;
    case OP_EXP: return elementary_exp(a);
    case OP_LOG: return elementary_log(a);
    case OP_SQRT: return sqrt(a);
    case OP_ABS: return fabs(a);
    case OP_FLOOR: return floor(a);
    case OP_LOGISTIC: return 1 / (1 + elementary_exp(-a));
    case OP_MIN: if (a < b) return a; return b;
    case OP_MAX: if (a > b) return a; return b;
    case OP_LESS: return isless(a, b);
    case OP_LESS_EQ: return islessequal(a, b);
    case OP_EQUAL: return !islessgreater(a, b) && !isunordered(a, b);
    case OP_AND: return a != 0 && b != 0;
    case OP_OR: return a != 0 || b != 0;
    case OP_NOT: return !(a != 0);
    case OP_SELECT: if (a != 0) return b; return c;
    default: return NAN;
    }
}

TEST(every_kernel_has_the_bits_of_the_reference_at_every_isa_and_width) {
    Build *b = build_make();
    b->model.table = TABLES;
    for (int code = 0; code < OP_COUNT; code++)
        if (build_is_math((OpCode)code) || code == OP_TABLE) build_single(b, (OpCode)code);

    double *scratch = memory_column(eval_scratch(&b->model));
    double in[3][WIDTHS], out[WIDTHS + 1];
    const double *variable[3] = {in[0], in[1], in[2]};
    EvalInput input = {.variable = variable};
    Stream s = stream_make(41, 0, 0);
    FOR_EACH_ISA(isa) {
        for (ProgramId p = 0; p < b->model.n_program; p++) {
            OpCode code = (OpCode)b->op[b->program[p].first + b->program[p].n_op - 1].code;
            for (int n = 0; n < WIDTHS; n++) {
                for (int k = 0; k < 3; k++)
                    for (int i = 0; i < n; i++) in[k][i] = draws_any(&s);
                out[n] = 12345;
                eval_lanes(&b->model, p, &input, n, out, scratch);
                CHECK(out[n] == 12345);
                for (int i = 0; i < n; i++) {
                    const double state[3] = {in[0][i], in[1][i], in[2][i]};
                    double reference = eval_state(&b->model, p, state, NULL, NULL, NULL);
                    if (!draws_same(out[i], reference))
                        fail_msg("%s %s, %d lanes: (%a, %a, %a) gives %a, expected %a", isa_name((Isa)isa),
                                 eval_op_name(code), n, state[0], state[1], state[2], out[i], reference);
                    if (code != OP_TABLE && !draws_same(reference, by_hand(code, state[0], state[1], state[2])))
                        fail_msg("%s(%a, %a, %a) = %a, by hand %a", eval_op_name(code), state[0], state[1], state[2],
                                 reference, by_hand(code, state[0], state[1], state[2]));
                }
            }
        }
    }
    isa_force(ISA_COUNT);
    memory_free(scratch);
    free(b);
}

// all pairs of edges, all triples would be much the same
TEST(every_kernel_has_the_bits_of_the_reference_at_every_pair_of_edges) {
    enum { EDGES = DUR_COUNT(DRAWS_EDGE), PAIRS = EDGES * EDGES };
    Build *b = build_make();
    b->model.table = TABLES;
    for (int code = 0; code < OP_COUNT; code++)
        if (build_is_math((OpCode)code) || code == OP_TABLE) build_single(b, (OpCode)code);

    double *scratch = memory_column(eval_scratch(&b->model));
    double *x = memory_column(PAIRS), *y = memory_column(PAIRS), *z = memory_column(PAIRS), *out = memory_column(PAIRS);
    for (int i = 0; i < PAIRS; i++) {
        x[i] = DRAWS_EDGE[i % EDGES];
        y[i] = DRAWS_EDGE[i / EDGES];
        z[i] = DRAWS_EDGE[(i + i / EDGES) % EDGES];
    }
    const double *variable[3] = {x, y, z};
    EvalInput input = {.variable = variable};
    FOR_EACH_ISA(isa) {
        for (ProgramId p = 0; p < b->model.n_program; p++) {
            eval_lanes(&b->model, p, &input, PAIRS, out, scratch);
            for (int i = 0; i < PAIRS; i++) {
                const double state[3] = {x[i], y[i], z[i]};
                double reference = eval_state(&b->model, p, state, NULL, NULL, NULL);
                if (!draws_same(out[i], reference))
                    fail_msg("program %d (%a, %a, %a): %a, expected %a", p, x[i], y[i], z[i], out[i], reference);
            }
        }
    }
    isa_force(ISA_COUNT);
    memory_free(scratch);
    memory_free(x);
    memory_free(y);
    memory_free(z);
    memory_free(out);
    free(b);
}

// ---- whole programs ----------------------------------------------------------------------------------------------

#define VARIABLES  5
#define PARAMS     4
#define DRAWS      2
#define QUANTITIES 3

static int pick(Stream *s, int n) {
    return (int)(stream_uniform(s) * n);
}

// a random expression of n_op operations, loads among them; any register made before may be an argument
static ProgramId build_random(Build *b, Stream *s, int n_op) {
    int last = build_op(b, OP_VARIABLE, pick(s, VARIABLES), 0, 0);
    for (int i = 1; i < n_op; i++) {
        OpCode code = (OpCode)pick(s, OP_COUNT);
        int made = last + 1, x = pick(s, made), y = pick(s, made), z = pick(s, made);
        switch (code) {
        case OP_CONSTANT: last = build_constant(b, draws_any(s)); break;
        case OP_VARIABLE: last = build_op(b, code, pick(s, VARIABLES), 0, 0); break;
        case OP_PARAM:    last = build_op(b, code, pick(s, PARAMS), 0, 0); break;
        case OP_DRAW:     last = build_op(b, code, pick(s, DRAWS), 0, 0); break;
        case OP_QUANTITY: last = build_op(b, code, pick(s, QUANTITIES), 0, 0); break;
        case OP_TABLE:    last = build_op(b, code, x, pick(s, 2), 0); break;
        default:          last = build_op(b, code, x, y, z);
        }
    }
    return build_end(b, pick(s, 3) == 0 ? pick(s, last + 1) : last);
}

#define LANES (3 * EVAL_LANES + 5)

typedef struct Data {
    double variable[VARIABLES][LANES], draw[DRAWS][LANES], param[PARAMS], quantity[QUANTITIES];
} Data;

static Data DATA;

static EvalInput fill_data(Stream *s) {
    static const double *variable[VARIABLES], *draw[DRAWS];
    for (int v = 0; v < VARIABLES; v++) {
        for (int i = 0; i < LANES; i++) DATA.variable[v][i] = draws_any(s);
        variable[v] = DATA.variable[v];
    }
    for (int d = 0; d < DRAWS; d++) {
        for (int i = 0; i < LANES; i++) DATA.draw[d][i] = draws_any(s);
        draw[d] = DATA.draw[d];
    }
    for (int k = 0; k < PARAMS; k++)     DATA.param[k] = draws_any(s);
    for (int k = 0; k < QUANTITIES; k++) DATA.quantity[k] = draws_any(s);
    return (EvalInput){.variable = variable, .param = DATA.param, .draw = draw, .quantity = DATA.quantity};
}

static double reference_at(const Model *model, ProgramId p, int i) {
    double state[VARIABLES], draw[DRAWS];
    for (int v = 0; v < VARIABLES; v++) state[v] = DATA.variable[v][i];
    for (int d = 0; d < DRAWS; d++)     draw[d] = DATA.draw[d][i];
    return eval_state(model, p, state, DATA.param, draw, DATA.quantity);
}

static bool reads_more(const Model *m, ProgramId p) {
    for (int32_t i = 0; i < m->program[p].n_op; i++) {
        int code = m->op[m->program[p].first + i].code;
        if (code == OP_DRAW || code == OP_QUANTITY) return true;
    }
    return false;
}

TEST(random_programs_have_the_bits_of_the_reference_over_many_blocks) {
    Stream s = stream_make(42, 0, 0);
    double *out = memory_column(LANES);
    for (int trial = 0; trial < 60; trial++) {
        Build *b = build_make();
        b->model.table = TABLES;
        for (int p = 0; p < 10; p++) build_random(b, &s, 1 + pick(&s, 60));
        double *scratch = memory_column(eval_scratch(&b->model));
        EvalInput input = fill_data(&s);
        FOR_EACH_ISA(isa) {
            for (ProgramId p = 0; p < b->model.n_program; p++) {
                int n = trial % 2 ? LANES : pick(&s, LANES);
                eval_lanes(&b->model, p, &input, n, out, scratch);
                for (int i = 0; i < n; i++) {
                    double reference = reference_at(&b->model, p, i);
                    if (!draws_same(out[i], reference))
                        fail_msg("%s, trial %d, program %d, lane %d of %d: %a, expected %a", isa_name((Isa)isa), trial,
                                 p, i, n, out[i], reference);
                }
            }
        }
        memory_free(scratch);
        free(b);
    }
    isa_force(ISA_COUNT);
    memory_free(out);
}

// Programs that read neither draws nor quantities; every third is there twice, and half of the columns move.
TEST(a_bundle_has_the_bits_of_its_programs_one_by_one) {
    enum { MANY = 9, N = 200 };
    Stream s = stream_make(43, 0, 0);
    double *out[MANY], *alone = memory_column(N);
    for (int k = 0; k < MANY; k++) out[k] = memory_column(N);
    for (int trial = 0; trial < 60; trial++) {
        Build *b = build_make();
        ProgramId program[MANY];
        b->model.table = TABLES;
        for (int k = 0; k < MANY; k++) {
            if (k % 3 == 2) {
                program[k] = program[k - 1];
                continue;
            }
            do program[k] = build_random(b, &s, 1 + pick(&s, 40));
            while (reads_more(&b->model, program[k]));
        }
        double *scratch = memory_column(eval_scratch(&b->model));
        EvalInput input = fill_data(&s);
        uint64_t moving = 0x5555555555555555u;
        FOR_EACH_ISA(isa) {
            EvalBundle *bundle = eval_bundle_make(&b->model, input.param, program, MANY, moving, N);
            CHECK(bundle && eval_bundle_size_again(bundle) <= eval_bundle_size(bundle));
            for (int again = 0; again < 2; again++) {
                int n = again ? N : 1 + pick(&s, N);
                const double *const *variable = input.variable, *moved[VARIABLES];
                eval_bundle_run(bundle, variable, n, out);
                if (again) {   // columns that move are other ones, the rest is where it was
                    for (int v = 0; v < VARIABLES; v++) moved[v] = variable[v] + (moving >> v & 1 ? LANES - N : 0);
                    variable = moved;
                    eval_bundle_again(bundle, variable, n, out);
                }
                for (int k = 0; k < MANY; k++) {
                    EvalInput in = input;
                    in.variable = variable;
                    eval_lanes(&b->model, program[k], &in, n, alone, scratch);
                    for (int i = 0; i < n; i++)
                        if (!draws_same(out[k][i], alone[i]))
                            fail_msg("%s, trial %d, program %d, lane %d of %d: %a, expected %a", isa_name((Isa)isa), trial, k, i, n,
                                     out[k][i], alone[i]);
                }
            }
            eval_bundle_free(bundle);
        }
        memory_free(scratch);
        free(b);
    }
    isa_force(ISA_COUNT);
    for (int k = 0; k < MANY; k++) memory_free(out[k]);
    memory_free(alone);
}

TEST(lanes_read_no_column_and_no_array_that_the_program_does_not_use) {
    Build *b = build_make();
    ProgramId third   = build_end(b, build_op(b, OP_VARIABLE, 2, 0, 0));
    ProgramId literal = build_end(b, build_constant(b, 2.5));
    double *scratch = memory_column(eval_scratch(&b->model));
    const double column[3] = {4, 5, 6}, *variable[3] = {NULL, NULL, column};
    double out[3];
    eval_lanes(&b->model, third, &(EvalInput){.variable = variable}, 3, out, scratch);
    CHECK(out[0] == 4 && out[1] == 5 && out[2] == 6);
    eval_lanes(&b->model, literal, &(EvalInput){0}, 3, out, scratch);
    CHECK(out[0] == 2.5 && out[1] == 2.5 && out[2] == 2.5);
    memory_free(scratch);
    free(b);
}

// more registers than the usual frame holds: 1 + 1 + ... + 1
TEST(long_programs_are_evaluated_like_short_ones) {
    Build *b = build_make();
    int one = build_constant(b, 1), sum = one;
    for (int i = 0; i < 1500; i++) sum = build_op(b, OP_ADD, sum, one, 0);
    ProgramId p = build_end(b, sum);
    CHECK_SAME(eval_state(&b->model, p, NULL, NULL, NULL, NULL), 1501.0);
    double *scratch = memory_column(eval_scratch(&b->model)), out[9];
    eval_lanes(&b->model, p, &(EvalInput){0}, 9, out, scratch);
    CHECK_SAME(out[8], 1501.0);
    Interval bound = eval_bound(&b->model, p, NULL, NULL, NULL);
    CHECK(bound.low == 1501 && bound.high == 1501);
    memory_free(scratch);
    free(b);
}

// ---- tables ------------------------------------------------------------------------------------------------------

TEST(a_table_is_exact_at_its_points_linear_between_and_flat_outside) {
    Build *b = build_make();
    const double x[3] = {0, 1, 3}, y[3] = {10, 20, -20};
    const ModelTable table = {.name = "t", .n_point = 3, .x = x, .y = y};
    b->model.table = &table;
    ProgramId p = build_single(b, OP_TABLE);
    const struct { double x, y; } known[] = {
        {-5, 10}, {-INFINITY, 10}, {0, 10}, {0.25, 12.5}, {1, 20}, {2, 0}, {2.5, -10}, {3, -20}, {4, -20},
        {INFINITY, -20},
    };
    for (size_t i = 0; i < DUR_COUNT(known); i++)
        CHECK_SAME(eval_state(&b->model, p, &known[i].x, NULL, NULL, NULL), known[i].y);
    const double nan = NAN;
    CHECK(isnan(eval_state(&b->model, p, &nan, NULL, NULL, NULL)));
    free(b);
}

TEST(a_table_never_leaves_the_two_values_that_it_lies_between) {
    Build *b = build_make();
    const double x[2] = {0.1, 0.7}, y[2] = {1e16, 1};
    const double flat[2] = {0.1, 0.1};
    const ModelTable table[2] = {{.n_point = 2, .x = x, .y = y}, {.n_point = 2, .x = x, .y = flat}};
    b->model.table = table;
    ProgramId steep = build_single(b, OP_TABLE);
    ProgramId level = build_end(b, build_op(b, OP_TABLE, build_op(b, OP_VARIABLE, 0, 0, 0), 1, 0));
    Stream s = stream_make(43, 0, 0);
    for (int i = 0; i < 20000; i++) {
        double at = i % 2 ? 0.1 + 0.6 * stream_uniform(&s) : nextafter(0.7, 0) - 1e-16 * pick(&s, 10);
        double value = eval_state(&b->model, steep, &at, NULL, NULL, NULL);
        CHECK(1 <= value && value <= 1e16);
        CHECK_SAME(eval_state(&b->model, level, &at, NULL, NULL, NULL), 0.1);
    }
    free(b);
}

// ---- names and the golden run ------------------------------------------------------------------------------------

TEST(operations_tell_their_names_and_arguments) {
    assert_string_equal(eval_op_name(OP_CONSTANT), "CONSTANT");
    assert_string_equal(eval_op_name(OP_LESS_EQ), "LESS_EQ");
    assert_string_equal(eval_op_name(OP_TABLE), "TABLE");
    assert_int_equal(eval_op_args(OP_QUANTITY), 0);
    assert_int_equal(eval_op_args(OP_TABLE), 1);
    assert_int_equal(eval_op_args(OP_NEG), 1);
    assert_int_equal(eval_op_args(OP_ADD), 2);
    assert_int_equal(eval_op_args(OP_SELECT), 3);
}

// one constant for every Isa, gcc and clang, with and without optimisation
TEST(a_long_run_of_random_programs_hashes_to_one_constant) {
    double *out = memory_column(LANES);
    FOR_EACH_ISA(isa) {
        Stream s = stream_make(44, 0, 0);
        Sha256 hash;
        sha256_start(&hash);
        for (int trial = 0; trial < 40; trial++) {
            Build *b = build_make();
            b->model.table = TABLES;
            for (int p = 0; p < 20; p++) build_random(b, &s, 5 + pick(&s, 40));
            double *scratch = memory_column(eval_scratch(&b->model));
            EvalInput input = fill_data(&s);
            for (ProgramId p = 0; p < b->model.n_program; p++) {
                eval_lanes(&b->model, p, &input, LANES, out, scratch);
                for (int i = 0; i < LANES; i++) draws_hash(&hash, out[i]);
            }
            memory_free(scratch);
            free(b);
        }
        char hex[65];
        sha256_hex(&hash, hex);
        assert_string_equal(hex, "c7d0619dd016af332b87c507fc3bc2e5a805347f1575a64afb90b1ea34ad52d2");
    }
    isa_force(ISA_COUNT);
    memory_free(out);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        RUN(every_kernel_has_the_bits_of_the_reference_at_every_isa_and_width),
        RUN(every_kernel_has_the_bits_of_the_reference_at_every_pair_of_edges),
        RUN(random_programs_have_the_bits_of_the_reference_over_many_blocks),
        RUN(a_bundle_has_the_bits_of_its_programs_one_by_one),
        RUN(lanes_read_no_column_and_no_array_that_the_program_does_not_use),
        RUN(long_programs_are_evaluated_like_short_ones),
        RUN(a_table_is_exact_at_its_points_linear_between_and_flat_outside),
        RUN(a_table_never_leaves_the_two_values_that_it_lies_between),
        RUN(operations_tell_their_names_and_arguments),
        RUN(a_long_run_of_random_programs_hashes_to_one_constant),
    };
    return cmocka_run_group_tests_name("eval: lanes", tests, NULL, NULL);
}
