#include "lang/checker.h"

#include "base/memory.h"

#include <math.h>
#include <math.h>
#include <string.h>

static uint16_t lower(Checker *k, Draft *d, const AstExpr *e);

static uint16_t op2(Checker *k, Draft *d, OpCode op, uint16_t a, uint16_t b) {
    return draft_op(&k->code, d, op, a, b, 0);
}
static uint16_t op1(Checker *k, Draft *d, OpCode op, uint16_t a) { return draft_op(&k->code, d, op, a, 0, 0); }
static uint16_t constant(Checker *k, Draft *d, double x)         { return draft_constant(&k->code, d, x); }

// state variables are numbered modes first, then stocks; a private type is what it is in the program being made
static uint16_t variable(Checker *k, Draft *d, const Symbol *s) {
    if (s->kind == AST_PRIVATE_DECLARATION) return constant(k, d, k->type);
    int32_t v = s->kind == AST_MODE_DECLARATION ? s->index : k->model->n_mode + s->index;
    return draft_load(&k->code, d, OP_VARIABLE, v);
}

// ---- names -------------------------------------------------------------------------------------------------------

// a let is inlined, once in each draft; a draft's number tells whether the register is of this one
static uint16_t lower_let(Checker *k, Draft *d, Symbol *s) {
    if (s->draft == d->number) return s->to;
    uint16_t r = lower(k, d, s->declaration->as.let.value);
    s->draft = d->number;
    s->to = r;
    return r;
}

static uint16_t lower_name(Checker *k, Draft *d, const AstExpr *e) {
    Symbol *s = symbol_find(k, SPACE_VALUE, e->name.text);
    switch (s->kind) {
    case AST_STOCK_DECLARATION: return variable(k, d, s);
    case AST_PARAM_DECLARATION: return draft_load(&k->code, d, OP_PARAM, s->index);
    default:                    return lower_let(k, d, s);
    }
}

static Symbol *mode_of(const Checker *k, const AstExpr *e) {
    Symbol *s = e->kind == AST_NAME ? symbol_find(k, SPACE_VALUE, e->name.text) : NULL;
    return s && (s->kind == AST_MODE_DECLARATION || s->kind == AST_PRIVATE_DECLARATION) ? s : NULL;
}

// `mode == value`: the number of the value, with the mode on either side as the checker found it
static uint16_t lower_mode_comparison(Checker *k, Draft *d, const AstExpr *e) {
    Symbol *s = mode_of(k, e->a);
    int32_t v = s && e->b->kind == AST_NAME ? names_find(&k->names, s->space, e->b->name.text) : -1;
    if (v < 0) {
        s = mode_of(k, e->b);
        v = names_find(&k->names, s->space, e->a->name.text);
    }
    // one after the other: the order in which a call's arguments are evaluated is the compiler's own, and the hash sees it
    uint16_t value = constant(k, d, v), r = op2(k, d, OP_EQUAL, variable(k, d, s), value);
    return e->kind == AST_NOT_EQUAL ? op1(k, d, OP_NOT, r) : r;
}

// ---- forms -------------------------------------------------------------------------------------------------------

static uint16_t lower_comparison(Checker *k, Draft *d, const AstExpr *e) {
    if (mode_of(k, e->a) || mode_of(k, e->b)) return lower_mode_comparison(k, d, e);
    uint16_t a = lower(k, d, e->a), b = lower(k, d, e->b);
    switch (e->kind) {
    case AST_LESS:          return op2(k, d, OP_LESS, a, b);
    case AST_LESS_EQUAL:    return op2(k, d, OP_LESS_EQ, a, b);
    case AST_GREATER:       return op2(k, d, OP_LESS, b, a);
    case AST_GREATER_EQUAL: return op2(k, d, OP_LESS_EQ, b, a);
    case AST_NOT_EQUAL:     return op1(k, d, OP_NOT, op2(k, d, OP_EQUAL, a, b));
    default:                return op2(k, d, OP_EQUAL, a, b);
    }
}

// arms in the order of the mode's values, so that the order of writing changes nothing; the last needs no test
static uint16_t lower_by(Checker *k, Draft *d, const AstExpr *e) {
    const Symbol *s = symbol_find(k, SPACE_VALUE, e->name.text);
    const AstDeclaration *of = s->declaration;      // each has its arm, and no value is named twice
    int32_t n = s->kind == AST_MODE_DECLARATION ? of->as.mode.n_value : of->as.private.n_type;
    const AstExpr **arm = memory_zeroed((size_t)n, sizeof *arm);
    if (!arm) { k->failed = true; return 0; }
    for (int32_t i = 0; i < n; i++) arm[names_find(&k->names, s->space, e->arm[i].value.text)] = e->arm[i].expr;
    uint16_t mode = variable(k, d, s), r = lower(k, d, arm[n - 1]);
    for (int32_t v = n - 2; v >= 0; v--) {
        uint16_t x = lower(k, d, arm[v]);
        r = draft_op(&k->code, d, OP_SELECT, op2(k, d, OP_EQUAL, mode, constant(k, d, v)), x, r);
    }
    memory_free(arm);
    return r;
}

// the beliefs in all types but the first are variables; the first has the rest
static uint16_t lower_belief(Checker *k, Draft *d, const AstExpr *e) {
    const Symbol *s = private_of(k, symbol_find(k, SPACE_ACTOR, e->name.text)->index);
    int32_t type = names_find(&k->names, s->space, e->type.text);
    if (type > 0) return draft_load(&k->code, d, OP_VARIABLE, s->variable + type - 1);
    uint16_t r = constant(k, d, 1);
    for (int32_t i = 1; i < s->declaration->as.private.n_type && i < MODEL_TYPES_MAX; i++)
        r = op2(k, d, OP_SUB, r, draft_load(&k->code, d, OP_VARIABLE, s->variable + i - 1));
    return r;
}

// units of time are set against one another first, so that 20 month is 20 where the unit is a month, and 1 year 12
static uint16_t lower_per(Checker *k, Draft *d, const AstExpr *e) {
    uint16_t a = lower(k, d, e->a);
    double per = k->days_per_unit / time_unit_days(k, e->name);
    return per == 1 ? a : op2(k, d, OP_MUL, a, constant(k, d, per));
}

static uint16_t lower_measure(Checker *k, Draft *d, const AstExpr *e) {
    double days = time_unit_days(k, e->name);
    return constant(k, d, days > 0 ? e->number * (days / k->days_per_unit) : e->number);
}

static uint16_t lower_function(Checker *k, Draft *d, const AstExpr *e, Function f) {
    uint16_t r = lower(k, d, e->arg[0]);
    switch (f) {
    case FUNCTION_exp:      return op1(k, d, OP_EXP, r);
    case FUNCTION_log:      return op1(k, d, OP_LOG, r);
    case FUNCTION_sqrt:     return op1(k, d, OP_SQRT, r);
    case FUNCTION_abs:      return op1(k, d, OP_ABS, r);
    case FUNCTION_floor:    return op1(k, d, OP_FLOOR, r);
    case FUNCTION_logistic: return op1(k, d, OP_LOGISTIC, r);
    case FUNCTION_min:
    case FUNCTION_max:
        for (int32_t i = 1; i < e->n_arg; i++)
            r = op2(k, d, f == FUNCTION_min ? OP_MIN : OP_MAX, r, lower(k, d, e->arg[i]));
        return r;
    case FUNCTION_clamp:
        r = op2(k, d, OP_MAX, r, lower(k, d, e->arg[1]));
        return op2(k, d, OP_MIN, r, lower(k, d, e->arg[2]));
    case FUNCTION_COUNT:    break;
    }
    return r;
}

// ---- random sizes ------------------------------------------------------------------------------------------------

// Gauss quadrature of three nodes: exact for polynomials up to the fifth degree, so the first five moments are kept.
// Legendre on 0..1: nodes 1/2 -+ sqrt(15)/10. Hermite for the normal: 0, -+sqrt(3). Laguerre: roots of
// x^3 - 9 x^2 + 18 x - 6, weight x / (16 L4(x)^2).
// Source: Abramowitz and Stegun 1964, 25.4.29-46.
static const double LEGENDRE_NODE[3]   = {0.11270166537925831, 0.5, 0.88729833462074169};
static const double LEGENDRE_WEIGHT[3] = {5.0 / 18, 8.0 / 18, 5.0 / 18};
static const double HERMITE_NODE[3]    = {-1.7320508075688772, 0, 1.7320508075688772};
static const double HERMITE_WEIGHT[3]  = {1.0 / 6, 4.0 / 6, 1.0 / 6};
static const double LAGUERRE_NODE[3]   = {0.41577455678347908, 2.2942803602790417, 6.2899450829374792};
static const double LAGUERRE_WEIGHT[3] = {0.71109300992917302, 0.27851773356924085, 0.010389256501586136};

// one more random size of the jump at hand; its load
static uint16_t add_draw(Checker *k, Draft *d, const AstExpr *e, ModelDraw draw) {
    if (k->n_draw == CHECK_DRAWS_MAX) {
        FAULT(k, e->span, LIMIT, NULL, "one event or move can have at most %d random sizes", CHECK_DRAWS_MAX);
        return 0;
    }
    k->drawn[k->n_draw] = e;
    k->draw[k->n_draw] = draw;
    return draft_load(&k->code, d, OP_DRAW, k->n_draw++);
}

static uint16_t add_quadrature(Checker *k, Draft *d, const AstExpr *e, DrawKind kind, const double node[3],
                               const double weight[3]) {
    double *row = keep_rows(k, 6, sizeof *row);
    if (!row) return 0;
    memcpy(row, node, 3 * sizeof *row);
    memcpy(row + 3, weight, 3 * sizeof *row);
    return add_draw(k, d, e, (ModelDraw){.kind = kind, .n_value = 3, .value = row, .weight = row + 3});
}

static uint16_t lower_random(Checker *k, Draft *d, const AstExpr *e, DrawKind kind) {
    uint16_t a = lower(k, d, e->arg[0]);
    uint16_t b = e->n_arg > 1 ? lower(k, d, e->arg[1]) : 0;
    if (kind == DRAW_UNIFORM) {           // a + (b - a) u
        uint16_t u = add_quadrature(k, d, e, kind, LEGENDRE_NODE, LEGENDRE_WEIGHT);
        return op2(k, d, OP_ADD, a, op2(k, d, OP_MUL, op2(k, d, OP_SUB, b, a), u));
    }
    if (kind == DRAW_NORMAL) {            // m + sd z
        uint16_t z = add_quadrature(k, d, e, kind, HERMITE_NODE, HERMITE_WEIGHT);
        return op2(k, d, OP_ADD, a, op2(k, d, OP_MUL, b, z));
    }
    uint16_t x = add_quadrature(k, d, e, kind, LAGUERRE_NODE, LAGUERRE_WEIGHT);
    return op2(k, d, OP_MUL, a, x);       // mean x
}

// sizes that are plain numbers are the draw itself; else the draw is the number of a size, and the program picks it
static uint16_t lower_one_of(Checker *k, Draft *d, const AstExpr *e) {
    static const Place weight = {.what = "a weight", .actor = PLACE_NOBODY, .due = TYPE_NUMBER};
    int32_t n = e->n_size;
    double *value = keep_rows(k, 2 * (int64_t)n, sizeof *value);
    if (!value) return 0;
    double *w = value + n, total = 0;
    for (int32_t i = 0; i < n; i++) {
        w[i] = 1;
        if (e->size[i].weight && !compile_literal(k, e->size[i].weight, &weight, &w[i])) return 0;
        if (!(w[i] >= 0) || !isfinite(w[i])) {
            FAULT(k, e->size[i].weight->span, VALUE, NULL, "a weight can't be negative");
            return 0;
        }
        total += w[i];
    }
    if (!(total > 0) || !isfinite(total)) {
        FAULT(k, e->span, VALUE, NULL, total > 0 ? "these weights are too large to be added up" : "at least one weight must be more than 0");
        return 0;
    }
    for (int32_t i = 0; i < n; i++) w[i] /= total;

    Draft own = {0};
    bool is_plain = true;
    for (int32_t i = 0; i < n && is_plain; i++) {
        own.number = ++k->n_draft;
        draft_clear(&own);
        uint16_t r = lower(k, &own, e->size[i].value);
        is_plain = draft_is_literal(&own);
        if (is_plain) value[i] = draft_value(&k->code, &own, r, k->model, k->param);
    }
    draft_free(&own);
    if (!is_plain)
        for (int32_t i = 0; i < n; i++) value[i] = i;
    uint16_t draw = add_draw(k, d, e, (ModelDraw){.kind = DRAW_ONE_OF, .n_value = n, .value = value, .weight = w});
    if (is_plain) return draw;
    uint16_t r = lower(k, d, e->size[n - 1].value);
    for (int32_t i = n - 2; i >= 0; i--) {
        uint16_t x = lower(k, d, e->size[i].value);
        r = draft_op(&k->code, d, OP_SELECT, op2(k, d, OP_EQUAL, draw, constant(k, d, i)), x, r);
    }
    return r;
}

static uint16_t lower_call(Checker *k, Draft *d, const AstExpr *e) {
    int32_t f = function_find(e->name.text);
    if (f >= 0) return lower_function(k, d, e, (Function)f);
    const Symbol *s = symbol_find(k, SPACE_VALUE, e->name.text);
    if (s && s->kind == AST_TABLE_DECLARATION) return draft_table(&k->code, d, lower(k, d, e->arg[0]), s->index);
    return lower_random(k, d, e, (DrawKind)draw_find(e->name.text));
}

// ---- the whole ---------------------------------------------------------------------------------------------------

static uint16_t lower(Checker *k, Draft *d, const AstExpr *e) {
    if (k->failed || k->code.failed || k->code.is_full) return 0;
    if (!e) return constant(k, d, 0);   // a part that could not be read, which was told
    switch (e->kind) {
    case AST_NUMBER:    return constant(k, d, e->number);
    case AST_MEASURE:   return lower_measure(k, d, e);
    case AST_NAME:      return lower_name(k, d, e);
    case AST_NEGATE:    return op1(k, d, OP_NEG, lower(k, d, e->a));
    case AST_NOT:       return op1(k, d, OP_NOT, lower(k, d, e->a));
    case AST_INDICATOR: return lower(k, d, e->a);
    case AST_PER:       return lower_per(k, d, e);
    case AST_BY:        return lower_by(k, d, e);
    case AST_BELIEF:    return lower_belief(k, d, e);
    case AST_CALL:      return lower_call(k, d, e);
    case AST_ONE_OF:    return lower_one_of(k, d, e);
    case AST_IF: {
        uint16_t c = lower(k, d, e->a), x = lower(k, d, e->b), y = lower(k, d, e->c);
        return draft_op(&k->code, d, OP_SELECT, c, x, y);
    }
    case AST_EQUAL: case AST_NOT_EQUAL: case AST_LESS: case AST_LESS_EQUAL: case AST_GREATER: case AST_GREATER_EQUAL:
        return lower_comparison(k, d, e);
    case AST_ADD: case AST_SUBTRACT: case AST_MULTIPLY: case AST_DIVIDE: case AST_POWER: case AST_AND: case AST_OR: {
        static const OpCode code[] = {
            [AST_ADD] = OP_ADD, [AST_SUBTRACT] = OP_SUB, [AST_MULTIPLY] = OP_MUL, [AST_DIVIDE] = OP_DIV,
            [AST_POWER] = OP_POW, [AST_AND] = OP_AND, [AST_OR] = OP_OR,
        };
        uint16_t a = lower(k, d, e->a), b = lower(k, d, e->b);
        return op2(k, d, code[e->kind], a, b);
    }
    case AST_QUANTITY: {
        Unit unit;
        int32_t q = declare_quantity(k, e, false, &unit);   // there since it was checked
        return q < 0 ? 0 : draft_load(&k->code, d, OP_QUANTITY, q);
    }
    // what the checker lets through holds none of these
    case AST_ERROR: case AST_DATE: break;
    }
    return constant(k, d, 0);
}

uint16_t lower_expression(Checker *k, Draft *draft, const AstExpr *e) { return lower(k, draft, e); }

const char *compile_text(Checker *k, const AstExpr *e) {
    text_clear(&k->text);
    ast_print_expression(&k->text, e);
    return keep_text(k, text_view(&k->text));
}

static void tell_full(Checker *k, Span span) {
    if (!k->code.is_full || k->is_full_told) return;
    FAULT(k, span, LIMIT, NULL,
          "the expressions are too large: %d operations in one, %d in all, and %d different numbers are the most",
          CODE_PROGRAM_MAX, CODE_OPS_MAX, CODE_CONSTANTS_MAX);
    k->is_full_told = true;
}

// the program of an expression that stands, where a private type is `type`
static ProgramId finish(Checker *k, const AstExpr *e, const char *text, int32_t type) {
    draft_clear(&k->draft);
    k->draft.number = ++k->n_draft;
    k->type = type;
    uint16_t r = lower(k, &k->draft, e);
    k->type = 0;
    ProgramId id = draft_finish(&k->code, &k->draft, r, e->span, text);
    tell_full(k, e->span);
    return id;
}

ProgramId compile_expression(Checker *k, const AstExpr *e, const Place *place) {
    if (!e || k->failed || check_expression(k, e, place).type == TYPE_NONE) return PROGRAM_NONE;
    return finish(k, e, compile_text(k, e), 0);
}

ProgramId compile_by_type(Checker *k, const AstExpr *e, const Place *place, const ProgramId **by_type) {
    *by_type = NULL;
    if (!e || k->failed) return PROGRAM_NONE;
    Info i = check_expression(k, e, place);
    if (i.type == TYPE_NONE) return PROGRAM_NONE;
    const char *text = compile_text(k, e);
    if (!i.private) return finish(k, e, text, 0);
    int32_t n = i.private->declaration->as.private.n_type;
    if (n > MODEL_TYPES_MAX) n = MODEL_TYPES_MAX;   // too many were told
    ProgramId *row = keep_rows(k, n, sizeof *row);
    if (!row) return PROGRAM_NONE;
    for (int32_t t = 0; t < n; t++) row[t] = finish(k, e, text, t);
    *by_type = row;
    return n > 0 ? row[0] : PROGRAM_NONE;
}

ProgramId compile_number(Checker *k, double value, Span span, const char *text) {
    char digits[32];
    const char *kept = keep_text(k, text ? text : text_from_double(digits, value));
    draft_clear(&k->draft);
    k->draft.number = ++k->n_draft;
    uint16_t r = draft_constant(&k->code, &k->draft, value);
    ProgramId id = draft_finish(&k->code, &k->draft, r, span, kept);
    tell_full(k, span);
    return id;
}

bool compile_literal(Checker *k, const AstExpr *e, const Place *place, double *value) {
    if (!e || k->failed) return false;
    if (check_expression(k, e, place).type == TYPE_NONE) return false;
    // a draft of its own: this may be asked in the midst of another
    Draft own = {.number = ++k->n_draft};
    uint16_t r = lower(k, &own, e);
    *value = draft_value(&k->code, &own, r, k->model, k->param);
    draft_free(&own);
    tell_full(k, e->span);
    return !k->code.failed && !k->code.is_full;
}

bool compile_value(Checker *k, ProgramId program, double *value) {
    *value = 0;
    if (program < 0 || k->code.failed) return false;
    const Program *p = &k->code.program[program];
    if (p->reads || p->reads_draw || p->reads_quantity) return false;
    *value = code_value(&k->code, program, k->model, k->param);
    // what comes of a param or table that was found wanting is no news
    return !isnan(*value) || k->c->diagnostics.n_error == 0;
}
