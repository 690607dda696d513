#include "../num/draws.h"
#include "build.h"

#define VARIABLES 3

static int pick(Stream *s, int n) {
    return (int)(stream_uniform(s) * n);
}

// an interval of a kind that changes: a point, one around zero, small, large, endless
static Interval random_interval(Stream *s) {
    double x = draws_any(s), y = draws_any(s);
    if (!(x == x)) x = -1;
    if (!(y == y)) y = 2;
    if (pick(s, 4) == 0) y = x;
    if (pick(s, 4) == 0) y = x + stream_uniform(s) * 1e-3;
    if (!(y == y)) y = x;
    return x < y ? (Interval){x, y} : (Interval){y, x};
}

// an end, the middle region, or a value in it at which something changes
static double random_point(Stream *s, Interval box) {
    double at = box.low + stream_uniform(s) * (box.high - box.low);
    switch (pick(s, 5)) {
    case 0: at = box.low; break;
    case 1: at = box.high; break;
    case 2: at = DRAWS_EDGE[pick(s, DUR_COUNT(DRAWS_EDGE))]; break;
    case 3: at = elementary_floor(at); break;
    default: break;
    }
    return box.low <= at && at <= box.high ? at : box.low;
}

static void check_holds(const Model *model, ProgramId p, const Interval *box, const double *state, const double *draw,
                        const Interval *draw_box, const char *what) {
    Interval bound = eval_bound(model, p, box, NULL, draw_box);
    double value = eval_state(model, p, state, NULL, draw, NULL);
    if (isnan(value)) return;
    if (!(bound.low <= value && value <= bound.high))
        fail_msg("%s at (%a, %a, %a) in [%a, %a] [%a, %a] [%a, %a] is %a, not in [%a, %a]", what, state[0], state[1],
                 state[2], box[0].low, box[0].high, box[1].low, box[1].high, box[2].low, box[2].high, value, bound.low,
                 bound.high);
}

static const double TABLE_X[] = {-3, -0.5, 0.1, 0.25, 1, 7}, TABLE_Y[] = {2, -1e-3, 0, 0, 1e300, -4};
static const ModelTable TABLES[] = {
    {.name = "six", .n_point = 6, .x = TABLE_X, .y = TABLE_Y},
    {.name = "one", .n_point = 1, .x = TABLE_X, .y = TABLE_Y},
};

TEST(the_bound_of_every_operation_holds_its_values) {
    Build *b = build_make();
    b->model.table = TABLES;
    Stream s = stream_make(51, 0, 0);
    for (int code = 0; code < OP_COUNT; code++) {
        if (!build_is_math((OpCode)code) && code != OP_TABLE) continue;
        ProgramId p = build_single(b, (OpCode)code);
        for (int trial = 0; trial < 6000; trial++) {
            Interval box[VARIABLES];
            for (int v = 0; v < VARIABLES; v++) box[v] = random_interval(&s);
            if (code == OP_POW && trial % 2) {      // exponents that are met in practice
                double n = pick(&s, 24) - 11 + (trial % 4 == 1 ? 0.5 : 0.0);
                box[1] = (Interval){n, n};
            }
            for (int i = 0; i < 20; i++) {
                double state[VARIABLES];
                for (int v = 0; v < VARIABLES; v++) state[v] = random_point(&s, box[v]);
                check_holds(&b->model, p, box, state, NULL, NULL, eval_op_name((OpCode)code));
            }
        }
    }
    free(b);
}

TEST(bounds_of_random_programs_hold_their_values) {
    Stream s = stream_make(52, 0, 0);
    for (int trial = 0; trial < 2000; trial++) {
        Build *b = build_make();
        b->model.table = TABLES;
        int last = build_op(b, OP_VARIABLE, 0, 0, 0);
        for (int i = 1; i < 15; i++) {
            OpCode code = (OpCode)pick(&s, OP_COUNT);
            if (code == OP_PARAM || code == OP_QUANTITY) continue;
            int x = pick(&s, last + 1), y = pick(&s, last + 1), z = pick(&s, last + 1);
            last = code == OP_CONSTANT ? build_constant(b, draws_any(&s))
                 : code == OP_VARIABLE ? build_op(b, code, pick(&s, VARIABLES), 0, 0)
                 : code == OP_DRAW     ? build_op(b, code, 0, 0, 0)
                 : code == OP_TABLE    ? build_op(b, code, x, pick(&s, 2), 0)
                                       : build_op(b, code, x, y, z);
        }
        ProgramId p = build_end(b, last);
        for (int k = 0; k < 10; k++) {
            Interval box[VARIABLES], draw_box = random_interval(&s);
            for (int v = 0; v < VARIABLES; v++) box[v] = random_interval(&s);
            for (int i = 0; i < 20; i++) {
                double state[VARIABLES], draw = random_point(&s, draw_box);
                for (int v = 0; v < VARIABLES; v++) state[v] = random_point(&s, box[v]);
                check_holds(&b->model, p, box, state, &draw, &draw_box, "a random program");
                check_holds(&b->model, p, box, state, &draw, NULL, "a random program of unknown draws");
            }
        }
        free(b);
    }
}

// ---- bounds are no wider than they must be where people look ------------------------------------------------------

static Interval bound_of(OpCode code, Interval x, Interval y) {
    Build *b = build_make();
    b->model.table = TABLES;
    ProgramId p = build_single(b, code);
    const Interval box[3] = {x, y, {0, 0}};
    Interval bound = eval_bound(&b->model, p, box, NULL, NULL);
    free(b);
    return bound;
}

#define CHECK_BOUND(code, x_low, x_high, y_low, y_high, want_low, want_high) do {                            \
    Interval got_ = bound_of(code, (Interval){x_low, x_high}, (Interval){y_low, y_high});                    \
    if (!(got_.low == (want_low) && got_.high == (want_high)))                                               \
        fail_msg("%s gives [%.17g, %.17g]", #code, got_.low, got_.high);                                     \
} while (0)

TEST(what_cannot_be_negative_is_not_bounded_below_zero) {
    CHECK_BOUND(OP_MUL, 0, 1, 0, 0.3, 0, 0.3);
    CHECK_BOUND(OP_SUB, 1, 2, 0, 1, 0, 2);
    CHECK_BOUND(OP_POW, -2, 3, 2, 2, 0, 9);
    CHECK_BOUND(OP_POW, -2, 3, 3, 3, -8, 27);
    CHECK_BOUND(OP_ABS, -2, 1, 0, 0, 0, 2);
    CHECK_BOUND(OP_SQRT, -1, 4, 0, 0, 0, 2);
    CHECK_BOUND(OP_EXP, -INFINITY, 0, 0, 0, 0, 1);
    CHECK_BOUND(OP_LOGISTIC, -INFINITY, INFINITY, 0, 0, 0, 1);
    CHECK_BOUND(OP_LOG, 0, 1, 0, 0, -INFINITY, 0);
    CHECK(bound_of(OP_POW, (Interval){0, 1}, (Interval){0.5, 0.5}).low == 0);
    CHECK(bound_of(OP_POW, (Interval){0, 1}, (Interval){0.5, 0.5}).high == 1);
}

TEST(bounds_of_the_rest_are_what_they_should_be) {
    CHECK_BOUND(OP_ADD, 1, 2, 3, 5, 4, 7);
    CHECK_BOUND(OP_MUL, -2, 3, -5, 7, -15, 21);
    CHECK_BOUND(OP_DIV, 1, 2, 4, 8, 0.125, 0.5);
    CHECK_BOUND(OP_DIV, 1, 2, -1, 1, -INFINITY, INFINITY);
    CHECK_BOUND(OP_FLOOR, -0.5, 2.5, 0, 0, -1, 2);
    CHECK_BOUND(OP_MIN, 1, 5, 2, 3, 1, 3);
    CHECK_BOUND(OP_MAX, 1, 5, 2, 3, 2, 5);
    CHECK_BOUND(OP_LESS, 1, 2, 3, 4, 1, 1);
    CHECK_BOUND(OP_LESS, 3, 4, 1, 3, 0, 0);
    CHECK_BOUND(OP_LESS_EQ, 3, 4, 1, 3, 0, 1);
    CHECK_BOUND(OP_EQUAL, 2, 2, 2, 2, 1, 1);
    CHECK_BOUND(OP_EQUAL, 1, 2, 2, 3, 0, 1);
    CHECK_BOUND(OP_AND, 1, 2, 0, 3, 0, 1);
    CHECK_BOUND(OP_OR, 1, 2, 0, 3, 1, 1);
    CHECK_BOUND(OP_NOT, 0, 0, 0, 0, 1, 1);
    CHECK_BOUND(OP_TABLE, 0.15, 0.2, 0, 0, 0, 0);
    CHECK_BOUND(OP_TABLE, -9, 0.2, 0, 0, -1e-3, 2);
    Interval e = bound_of(OP_EXP, (Interval){0, 1}, (Interval){0, 0});
    CHECK(e.low == 1);
    CHECK_NEAR(e.high, 2.718281828459045, 3e-15);
}

TEST(where_there_is_no_value_the_bound_is_empty) {
    Interval log = bound_of(OP_LOG, (Interval){-2, -1}, (Interval){0, 0});
    CHECK(log.low > log.high);
    Interval root = bound_of(OP_SQRT, (Interval){-2, -1}, (Interval){0, 0});
    CHECK(root.low > root.high);

    // but a comparison with it is false: a number again
    Build *b = build_make();
    int x = build_op(b, OP_VARIABLE, 0, 0, 0);
    ProgramId p = build_end(b, build_op(b, OP_LESS, build_op(b, OP_LOG, x, 0, 0), x, 0));
    Interval bound = eval_bound(&b->model, p, &(Interval){-2, -1}, NULL, NULL);
    CHECK(bound.low == 0 && bound.high == 0);

    // and what is made of none is none
    x = build_op(b, OP_VARIABLE, 0, 0, 0);
    p = build_end(b, build_op(b, OP_MUL, build_op(b, OP_LOG, x, 0, 0), x, 0));
    bound = eval_bound(&b->model, p, &(Interval){-2, -1}, NULL, NULL);
    CHECK(bound.low > bound.high);
    free(b);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        RUN(the_bound_of_every_operation_holds_its_values),
        RUN(bounds_of_random_programs_hold_their_values),
        RUN(what_cannot_be_negative_is_not_bounded_below_zero),
        RUN(bounds_of_the_rest_are_what_they_should_be),
        RUN(where_there_is_no_value_the_bound_is_empty),
    };
    return cmocka_run_group_tests_name("eval: bound", tests, NULL, NULL);
}
