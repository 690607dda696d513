// Interval evaluation. What is bounded is the value that eval_state computes. Correct rounding never turns an order
// round: a <= a' and b <= b' give a + b <= a' + b' after rounding too, so for + - * / and the square root the computed
// values at the ends are the bounds themselves, and 0 stays 0. Functions that are only nearly rounded are widened by
// more than their error. Every bound remembers whether NaN is among the values: comparisons and selects turn it back
// into a number.
#include "eval/eval.h"
#include "eval/table.h"
#include "num/elementary.h"

#include <assert.h>
#include <float.h>

typedef struct Bound {
    double low, high;      // low > high: no value other than NaN, if that
    bool   may_be_nan;
} Bound;

static Bound nothing(bool may_be_nan) { return (Bound){INFINITY, -INFINITY, may_be_nan}; }
static Bound point(double x)          { return x == x ? (Bound){x, x, false} : nothing(true); }
static Bound everything(void)         { return (Bound){-INFINITY, INFINITY, true}; }

static bool is_empty(Bound a)            { return !(a.low <= a.high); }
static bool is_point(Bound a)            { return a.low == a.high; }
static bool holds(Bound a, double x)     { return a.low <= x && x <= a.high; }
static double least(double x, double y)  { return x < y ? x : y; }
static double most(double x, double y)   { return x > y ? x : y; }

// both sets of values together
static Bound hull(Bound a, Bound b) {
    return (Bound){least(a.low, b.low), most(a.high, b.high), a.may_be_nan || b.may_be_nan};
}

// the hull of values at corners; a corner without value adds none
static void take(Bound *to, double x) {
    if (!(x == x)) return;
    to->low  = least(to->low, x);
    to->high = most(to->high, x);
}

static Bound truth(bool can_be_false, bool can_be_true) {
    if (!can_be_false && !can_be_true) return nothing(false);
    return (Bound){can_be_false ? 0 : 1, can_be_true ? 1 : 0, false};
}

// NaN counts as true: it differs from 0
static bool can_be_true(Bound a)  { return a.may_be_nan || (!is_empty(a) && !(a.low == 0 && a.high == 0)); }
static bool can_be_false(Bound a) { return holds(a, 0); }

// Towards -inf and inf by a relative width `share`, at least two units of the last place: 2^-51 or more, and among
// subnormals two of them. Where one value overflows, a neighbour may just not.
static double below(double x, double share) {
    if (x == -INFINITY) return x;
    x = least(x, DBL_MAX);
    return x - (elementary_abs(x) * share + 2 * DBL_TRUE_MIN);
}
static double above(double x, double share) {
    return -below(-x, share);
}

// ---- one rule for each row of OP_MATH_LIST ------------------------------------------------------------------------
// Rules of one argument are not asked about empty ones, nor are rules of two unless they say so.

static Bound bound_ADD(Bound a, Bound b) {
    double low = a.low + b.low, high = a.high + b.high;
    bool is_opposed = (a.low == -INFINITY && b.high == INFINITY) || (a.high == INFINITY && b.low == -INFINITY);
    return (Bound){low == low ? low : -INFINITY, high == high ? high : INFINITY,
                   is_opposed || a.may_be_nan || b.may_be_nan};
}

static Bound bound_NEG(Bound a) {
    return (Bound){-a.high, -a.low, a.may_be_nan};
}

static Bound bound_SUB(Bound a, Bound b) {
    return bound_ADD(a, bound_NEG(b));
}

static bool is_endless(Bound a) {
    return a.low == -INFINITY || a.high == INFINITY;
}

static Bound bound_MUL(Bound a, Bound b) {
    Bound y = nothing(a.may_be_nan || b.may_be_nan || (holds(a, 0) && is_endless(b)) || (holds(b, 0) && is_endless(a)));
    const double x[4] = {a.low * b.low, a.low * b.high, a.high * b.low, a.high * b.high};
    for (int i = 0; i < 4; i++) take(&y, x[i] == x[i] ? x[i] : 0.0);   // beside 0 * inf stand 0 * large
    return y;
}

static Bound bound_DIV(Bound a, Bound b) {
    bool may_be_nan = a.may_be_nan || b.may_be_nan || (holds(a, 0) && holds(b, 0)) || (is_endless(a) && is_endless(b));
    if (holds(b, 0)) return (Bound){-INFINITY, INFINITY, may_be_nan};
    Bound y = nothing(may_be_nan);
    take(&y, a.low / b.low);
    take(&y, a.low / b.high);
    take(&y, a.high / b.low);
    take(&y, a.high / b.high);
    return y;
}

// error < 0.8 ulp either way, so two values out of order differ by less than 2 ulp; exp 0 is 1 exactly
static Bound bound_EXP(Bound a) {
    double low  = a.low == 0  ? 1.0 : below(elementary_exp(a.low), 2 * DBL_EPSILON);
    double high = a.high == 0 ? 1.0 : above(elementary_exp(a.high), 2 * DBL_EPSILON);
    if (a.low > 0)  low  = most(low, 1.0);
    if (a.high < 0) high = least(high, 1.0);
    return (Bound){most(low, 0.0), high, a.may_be_nan};
}

static Bound bound_LOG(Bound a) {
    if (a.high < 0) return nothing(true);
    double low  = a.low <= 0  ? -INFINITY : a.low == 1  ? 0.0 : below(elementary_log(a.low), 2 * DBL_EPSILON);
    double high = a.high == 0 ? -INFINITY : a.high == 1 ? 0.0 : above(elementary_log(a.high), 2 * DBL_EPSILON);
    if (a.low > 1)  low  = most(low, 0.0);
    if (a.high < 1) high = least(high, 0.0);
    return (Bound){low, high, a.may_be_nan || a.low < 0};
}

static Bound bound_SQRT(Bound a) {
    if (a.high < 0) return nothing(true);
    return (Bound){elementary_sqrt(most(a.low, 0.0)), elementary_sqrt(a.high), a.may_be_nan || a.low < 0};
}

static Bound bound_ABS(Bound a) {
    double low = elementary_abs(a.low), high = elementary_abs(a.high);
    return (Bound){holds(a, 0) ? 0.0 : least(low, high), most(low, high), a.may_be_nan};
}

static Bound bound_FLOOR(Bound a) {
    return (Bound){elementary_floor(a.low), elementary_floor(a.high), a.may_be_nan};
}

static Bound bound_LOGISTIC(Bound a) {
    return bound_DIV(point(1.0), bound_ADD(point(1.0), bound_EXP(bound_NEG(a))));
}

// a < b ? a : b. Where one is NaN it is b, whichever that is; may be asked about empty ones
static Bound bound_MIN(Bound a, Bound b) {
    Bound y = nothing(b.may_be_nan);
    if (!is_empty(a) && !is_empty(b)) y = (Bound){least(a.low, b.low), least(a.high, b.high), b.may_be_nan};
    return a.may_be_nan ? hull(y, b) : y;
}

static Bound bound_MAX(Bound a, Bound b) {
    Bound y = nothing(b.may_be_nan);
    if (!is_empty(a) && !is_empty(b)) y = (Bound){most(a.low, b.low), most(a.high, b.high), b.may_be_nan};
    return a.may_be_nan ? hull(y, b) : y;
}

// comparisons with NaN are false; may be asked about empty ones
static Bound bound_LESS(Bound a, Bound b) {
    bool is_pair = !is_empty(a) && !is_empty(b);
    return truth(a.may_be_nan || b.may_be_nan || (is_pair && a.high >= b.low), is_pair && a.low < b.high);
}

static Bound bound_LESS_EQ(Bound a, Bound b) {
    bool is_pair = !is_empty(a) && !is_empty(b);
    return truth(a.may_be_nan || b.may_be_nan || (is_pair && a.high > b.low), is_pair && a.low <= b.high);
}

static Bound bound_EQUAL(Bound a, Bound b) {
    bool is_pair = !is_empty(a) && !is_empty(b);
    bool is_same = is_pair && is_point(a) && is_point(b) && a.low == b.low;
    return truth(a.may_be_nan || b.may_be_nan || (is_pair && !is_same), is_pair && a.low <= b.high && b.low <= a.high);
}

static Bound bound_AND(Bound a, Bound b) {
    return truth(can_be_false(a) || can_be_false(b), can_be_true(a) && can_be_true(b));
}

static Bound bound_OR(Bound a, Bound b) {
    return truth(can_be_false(a) && can_be_false(b), can_be_true(a) || can_be_true(b));
}

static Bound bound_NOT(Bound a) {
    return truth(can_be_true(a), can_be_false(a));
}

static Bound bound_SELECT(Bound a, Bound b, Bound c) {
    Bound y = nothing(false);
    if (can_be_true(a))  y = hull(y, b);
    if (can_be_false(a)) y = hull(y, c);
    return y;
}

// ---- powers ------------------------------------------------------------------------------------------------------

// Relative width that covers the error of elementary_pow at both ends. The long road errs by less than 2^-58 of
// |b log a|, which is below 746: 2^-48. (The short one, by multiplication: 8 roundings.)
#define POW_SHARE 0x1p-47

// a >= 0. b log a takes its extremes at corners of the box in (log a, b), and so does its exponential.
static Bound power_of_size(Bound a, Bound b) {
    Bound y = nothing(false);
    take(&y, elementary_pow(a.low, b.low));
    take(&y, elementary_pow(a.low, b.high));
    take(&y, elementary_pow(a.high, b.low));
    take(&y, elementary_pow(a.high, b.high));
    // lines on which the power is 1 may cross the box; corners at which 0 and inf meet do not show it
    if (holds(b, 0) || holds(a, 1)) take(&y, 1.0);
    y = (Bound){most(below(y.low, POW_SHARE), 0.0), above(y.high, POW_SHARE), false};

    // the computed power never steps over 1: shares stay shares
    if ((a.high <= 1 && b.low >= 0) || (a.low >= 1 && b.high <= 0)) y.high = least(y.high, 1.0);
    if ((a.low >= 1 && b.low >= 0) || (a.high <= 1 && b.high <= 0)) y.low  = most(y.low, 1.0);
    return y;
}

// A fixed whole exponent of size up to 8 is a chain of products, each of them monotone in |a|: the ends are exact.
static Bound power_by_products(Bound a, double b) {
    bool is_odd = elementary_floor(b / 2) != b / 2;
    Bound size = bound_ABS(a);
    Bound y = nothing(false);
    take(&y, elementary_pow(is_odd ? a.low  : size.low,  b));
    take(&y, elementary_pow(is_odd ? a.high : size.high, b));
    if (is_odd && b < 0 && holds(a, 0)) y = (Bound){-INFINITY, INFINITY, false};
    // large results of negative exponents come from the long road
    if (b < 0 && !is_point(a)) y = (Bound){below(y.low, POW_SHARE), above(y.high, POW_SHARE), false};
    bool is_positive = !is_odd || a.low > 0 || (a.low == 0 && b > 0);    // 0 may be -0, whose inverse is -inf
    if (is_positive) y.low = most(y.low, 0.0);
    return y;
}

static Bound bound_POW(Bound a, Bound b) {
    // pow(NaN, 0) = pow(1, NaN) = 1; may be asked about empty ones
    Bound odd_one = nothing(a.may_be_nan || b.may_be_nan);
    if ((a.may_be_nan && holds(b, 0)) || (b.may_be_nan && holds(a, 1))) take(&odd_one, 1.0);
    if (is_empty(a) || is_empty(b)) return odd_one;

    bool is_whole = is_point(b) && elementary_floor(b.low) == b.low;
    if (is_whole && elementary_abs(b.low) <= 8) return hull(odd_one, power_by_products(a, b.low));

    // base not negative, then base negative: of either sign unless b is known to be even, if b can be whole at all
    Bound y = odd_one;
    if (a.high >= 0) y = hull(y, power_of_size((Bound){most(a.low, 0.0), a.high, false}, b));
    if (a.low <= 0) {       // 0 too, for it may be -0
        Bound size = power_of_size((Bound){elementary_abs(least(a.high, 0.0)), -a.low, false}, b);
        bool is_even = is_whole && elementary_floor(b.low / 2) == b.low / 2;
        bool can_be_whole = elementary_floor(b.high) >= b.low;
        if (can_be_whole) y = hull(y, is_even ? size : hull(size, bound_NEG(size)));
        if (a.low < 0 && !is_whole) y.may_be_nan = true;
    }
    return y;
}

// ---- tables ------------------------------------------------------------------------------------------------------

// the part of a segment that the values low..high of x cover
static void take_segment(Bound *y, const ModelTable *t, int32_t i, double low, double high) {
    double left = t->y[i], right = t->y[i + 1];
    double floor = least(left, right), ceiling = most(left, right);
    double slack = 4 * DBL_EPSILON * most(elementary_abs(left), elementary_abs(right));
    const double x[2] = {most(low, t->x[i]), least(high, t->x[i + 1])};
    for (int k = 0; k < 2; k++) {
        double value = table_value(t, x[k]);
        if (x[k] == t->x[i] || x[k] == t->x[i + 1]) {
            take(y, value);                              // exact
        } else {
            take(y, most(value - slack, floor));
            take(y, least(value + slack, ceiling));
        }
    }
}

static Bound bound_table(const ModelTable *t, Bound x) {
    int32_t n = t->n_point;
    Bound y = nothing(x.may_be_nan);
    if (x.low <= t->x[0])      take(&y, t->y[0]);
    if (x.high >= t->x[n - 1]) take(&y, t->y[n - 1]);
    for (int32_t i = 0; i + 1 < n; i++)
        if (x.low <= t->x[i + 1] && x.high >= t->x[i]) take_segment(&y, t, i, x.low, x.high);
    return y;
}

// ---- programs ----------------------------------------------------------------------------------------------------

static Bound from_interval(Interval x) {
    bool is_nan = !(x.low == x.low) || !(x.high == x.high);
    return x.low <= x.high ? (Bound){x.low, x.high, false} : nothing(is_nan);
}

// rows for which a bound without values still has something to say
static bool takes_empty(OpCode code) {
    switch (code) {
    case OP_MIN: case OP_MAX: case OP_LESS: case OP_LESS_EQ: case OP_EQUAL: case OP_AND: case OP_OR: case OP_NOT:
    case OP_SELECT: case OP_POW:
        return true;
    default:
        return false;
    }
}

static Bound run_bound(const Model *model, const Program *program, const Interval *box, const double *param,
                       const Interval *draw, Bound *value) {
    for (int32_t i = 0; i < program->n_op; i++) {
        const Op *op = &model->op[program->first + i];
        OpCode code = (OpCode)op->code;
        Bound *to = &value[op->to];

        int args = eval_op_args(code);
        bool has_empty = (args > 0 && is_empty(value[op->a])) || (args > 1 && is_empty(value[op->b]));
        if (has_empty && !takes_empty(code)) {
            bool may_be_nan = value[op->a].may_be_nan || (args > 1 && value[op->b].may_be_nan);
            *to = nothing(may_be_nan);
            continue;
        }

        switch (code) {
        case OP_CONSTANT: *to = point(model->constant[op->a]); break;
        case OP_VARIABLE: *to = from_interval(box[op->a]); break;
        case OP_PARAM:    *to = point(param[op->a]); break;
        case OP_DRAW:     *to = draw ? from_interval(draw[op->a]) : everything(); break;
        case OP_QUANTITY: *to = everything(); break;
        case OP_TABLE:    *to = bound_table(&model->table[op->b], value[op->a]); break;

#define RULE_1(name) bound_##name(value[op->a])
#define RULE_2(name) bound_##name(value[op->a], value[op->b])
#define RULE_3(name) bound_##name(value[op->a], value[op->b], value[op->c])
#define X(name, args, formula, text) case OP_##name: *to = RULE_##args(name); break;
        OP_MATH_LIST(X)
#undef X
        case OP_COUNT: assert(op->code < OP_COUNT);
        }
    }
    return value[program->result];
}

// as in eval.c: the usual case in a small frame, the largest that an Op can name (1.5 MiB) in its own
#define REGISTERS_USUAL 256

static Bound run_bound_large(const Model *model, const Program *program, const Interval *box, const double *param,
                             const Interval *draw) {
    Bound value[UINT16_MAX + 1];
    return run_bound(model, program, box, param, draw, value);
}

Interval eval_bound(const Model *model, ProgramId program, const Interval *box, const double *param,
                    const Interval *draw) {
    assert(program >= 0 && program < model->n_program);
    const Program *p = &model->program[program];
    Bound value[REGISTERS_USUAL];
    Bound y = p->n_register > REGISTERS_USUAL ? run_bound_large(model, p, box, param, draw)
                                              : run_bound(model, p, box, param, draw, value);
    return (Interval){y.low, y.high};
}
