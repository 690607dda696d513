#include "lang/ast.h"

#include <string.h>

// ---- printing ----------------------------------------------------------------------------------------------------

// How tightly a node holds together, as in parse_expression.c. An `if` reaches as far right as it can, so it is the
// loosest; what stands in brackets of its own is the tightest.
static int level_of(const AstExpr *e) {
    switch (e->kind) {
    case AST_IF: return 0;
    case AST_OR: return 1;
    case AST_AND: return 2;
    case AST_NOT: return 3;
    case AST_EQUAL: case AST_NOT_EQUAL: case AST_LESS: case AST_LESS_EQUAL: case AST_GREATER: case AST_GREATER_EQUAL:
        return 4;
    case AST_PER: return 5;
    case AST_ADD: case AST_SUBTRACT: return 6;
    case AST_MULTIPLY: case AST_DIVIDE: return 7;
    case AST_NEGATE: return 8;
    case AST_POWER: return 9;
    default: return 10;
    }
}

// the first thing printed is a word or a sign, which keeps off from a `*` before it
static bool starts_apart(const AstExpr *e) {
    while (!e->parenthesised && (level_of(e) == 9 || (level_of(e) >= 4 && level_of(e) <= 7)) && e->a) e = e->a;
    return !e->parenthesised && (e->kind == AST_BY || e->kind == AST_IF || e->kind == AST_QUANTITY ||
                                 e->kind == AST_NEGATE || e->kind == AST_ONE_OF);
}

static void print_level(Text *out, const AstExpr *e, int level);

static void print_name(Text *out, AstName name) { text_append(out, name.text ? name.text : "?"); }

static void print_time(Text *out, const char *word, const AstExpr *time) {
    if (!time) return;
    text_printf(out, " %s ", word);
    print_level(out, time, 5);
}

static void print_quantity(Text *out, const AstQuantity *q) {
    text_append(out, q->is_probability ? "P(" : "E(");
    switch (q->kind) {
    case QUANTITY_MEAN: text_append(out, "mean "); break;
    case QUANTITY_TOTAL: text_append(out, "total "); break;
    case QUANTITY_MAX: text_append(out, q->x && q->x->parenthesised ? "max" : "max "); break;
    default: break;
    }
    if (q->kind == QUANTITY_COUNT) {
        text_append(out, "count(");
        print_name(out, q->jump);
        text_append(out, ")");
    } else if (q->x) {
        size_t start = out->length;
        print_level(out, q->x, 0);
        // `max (a + b)*c over T` would be read as a call of the function max
        if (q->kind == QUANTITY_MAX && !q->x->parenthesised && !out->failed && out->data[start] == '(') {
            out->length = start;
            text_append(out, "(");
            print_level(out, q->x, 0);
            text_append(out, ")");
        }
    }
    switch (q->kind) {
    case QUANTITY_WITHIN: print_time(out, "within", q->time); break;
    case QUANTITY_THROUGHOUT: print_time(out, "throughout", q->time); break;
    case QUANTITY_AT: print_time(out, "at", q->time); break;
    case QUANTITY_UNTIL:
        text_append(out, " until ");
        if (q->until) print_level(out, q->until, 0);
        print_time(out, "within", q->time);
        break;
    case QUANTITY_LONG_RUN: text_append(out, " in the long run"); break;
    default: print_time(out, "over", q->time); break;
    }
    print_time(out, "after", q->after);
    if (q->policy.text) text_printf(out, " | %s", q->policy.text);
    text_append(out, ")");
}

static void print_operator(Text *out, const AstExpr *e, const char *sign, bool is_tight) {
    int own = level_of(e);
    // a power is read from the right
    print_level(out, e->a, e->kind == AST_POWER ? 10 : own == 4 ? 5 : own);
    bool after_brace = out->length > 0 && out->data[out->length - 1] == '}';
    if (is_tight && e->kind != AST_POWER && (after_brace || starts_apart(e->b))) is_tight = false;
    text_printf(out, is_tight ? "%s" : " %s ", sign);
    print_level(out, e->b, e->kind == AST_POWER ? 8 : own + 1);
}

static void print_bare(Text *out, const AstExpr *e) {
    switch (e->kind) {
    case AST_ERROR: text_append(out, "?"); break;
    case AST_NUMBER: text_append(out, e->digits); break;
    case AST_MEASURE: text_printf(out, "%s %s", e->digits, e->name.text); break;
    case AST_DATE: text_printf(out, "%04d-%02d-%02d", (int)e->date.year, (int)e->date.month, (int)e->date.day); break;
    case AST_NAME: print_name(out, e->name); break;
    case AST_NEGATE:
        text_append(out, "-");
        print_level(out, e->a, 8);
        break;
    case AST_NOT:
        text_append(out, "not ");
        print_level(out, e->a, 3);
        break;
    case AST_ADD: print_operator(out, e, "+", false); break;
    case AST_SUBTRACT: print_operator(out, e, "-", false); break;
    case AST_MULTIPLY: print_operator(out, e, "*", true); break;
    case AST_DIVIDE: print_operator(out, e, "/", true); break;
    case AST_POWER: print_operator(out, e, "^", true); break;
    case AST_EQUAL: print_operator(out, e, "==", false); break;
    case AST_NOT_EQUAL: print_operator(out, e, "!=", false); break;
    case AST_LESS: print_operator(out, e, "<", false); break;
    case AST_LESS_EQUAL: print_operator(out, e, "<=", false); break;
    case AST_GREATER: print_operator(out, e, ">", false); break;
    case AST_GREATER_EQUAL: print_operator(out, e, ">=", false); break;
    case AST_AND: print_operator(out, e, "and", false); break;
    case AST_OR: print_operator(out, e, "or", false); break;
    case AST_PER:
        print_level(out, e->a, 6);
        text_printf(out, " per %s", e->name.text);
        break;
    case AST_IF:
        text_append(out, "if ");
        print_level(out, e->a, 0);
        text_append(out, " then ");
        print_level(out, e->b, 0);
        text_append(out, " else ");
        print_level(out, e->c, 0);
        break;
    case AST_INDICATOR:
        text_append(out, "[");
        print_level(out, e->a, 0);
        text_append(out, "]");
        break;
    case AST_BY:
        text_printf(out, "by %s {", e->name.text);
        for (int32_t i = 0; i < e->n_arm; i++) {
            text_printf(out, "%s %s ", i ? "," : "", e->arm[i].value.text);
            print_level(out, e->arm[i].expr, 0);
        }
        text_append(out, e->n_arm ? " }" : "}");
        break;
    case AST_BELIEF: text_printf(out, "belief(%s is %s)", e->name.text, e->type.text); break;
    case AST_CALL:
        text_printf(out, "%s(", e->name.text);
        for (int32_t i = 0; i < e->n_arg; i++) {
            if (i) text_append(out, ", ");
            print_level(out, e->arg[i], 0);
        }
        text_append(out, ")");
        break;
    case AST_ONE_OF:
        text_append(out, "one_of {");
        for (int32_t i = 0; i < e->n_size; i++) {
            text_append(out, i ? ", " : " ");
            print_level(out, e->size[i].value, 5);
            if (!e->size[i].weight) continue;
            text_append(out, ": ");
            print_level(out, e->size[i].weight, 5);
        }
        text_append(out, e->n_size ? " }" : "}");
        break;
    case AST_QUANTITY: print_quantity(out, e->quantity); break;
    }
}

// in parentheses if they were written, or if it would be read otherwise where operators of `level` and tighter go
static void print_level(Text *out, const AstExpr *e, int level) {
    bool in_brackets = e->parenthesised || level_of(e) < level;
    if (in_brackets) text_append(out, "(");
    print_bare(out, e);
    if (in_brackets) text_append(out, ")");
}

void ast_print_expression(Text *out, const AstExpr *expr) {
    if (expr) print_level(out, expr, 0);
}

// ---- comparing ---------------------------------------------------------------------------------------------------

static bool same_text(const char *a, const char *b) { return a && b ? strcmp(a, b) == 0 : a == b; }
static bool same_name(AstName a, AstName b) { return same_text(a.text, b.text); }
static bool same_date(AstDate a, AstDate b) { return a.year == b.year && a.month == b.month && a.day == b.day; }

static bool same_names(const AstName *a, int32_t n_a, const AstName *b, int32_t n_b) {
    if (n_a != n_b) return false;
    for (int32_t i = 0; i < n_a; i++)
        if (!same_name(a[i], b[i])) return false;
    return true;
}

static bool same_expressions(AstExpr *const *a, int32_t n_a, AstExpr *const *b, int32_t n_b) {
    if (n_a != n_b) return false;
    for (int32_t i = 0; i < n_a; i++)
        if (!ast_same_expression(a[i], b[i])) return false;
    return true;
}

static bool same_cites(const AstCite *a, int32_t n_a, const AstCite *b, int32_t n_b) {
    if (n_a != n_b) return false;
    for (int32_t i = 0; i < n_a; i++)
        if (!same_name(a[i].source, b[i].source) || !same_text(a[i].locator, b[i].locator)) return false;
    return true;
}

static bool same_quantity(const AstQuantity *a, const AstQuantity *b) {
    if (!a || !b) return a == b;
    return a->kind == b->kind && a->is_probability == b->is_probability && ast_same_expression(a->x, b->x) &&
           ast_same_expression(a->until, b->until) && same_name(a->jump, b->jump) &&
           ast_same_expression(a->time, b->time) && ast_same_expression(a->after, b->after) &&
           same_name(a->policy, b->policy);
}

bool ast_same_expression(const AstExpr *a, const AstExpr *b) {
    if (!a || !b) return a == b;
    if (a->kind != b->kind || a->n_arg != b->n_arg || a->n_arm != b->n_arm || a->n_size != b->n_size) return false;
    if (!same_name(a->name, b->name) || !same_name(a->type, b->type) || !same_date(a->date, b->date)) return false;
    if (a->number < b->number || a->number > b->number) return false;
    if (!ast_same_expression(a->a, b->a) || !ast_same_expression(a->b, b->b) || !ast_same_expression(a->c, b->c))
        return false;
    if (!same_expressions(a->arg, a->n_arg, b->arg, b->n_arg)) return false;
    for (int32_t i = 0; i < a->n_arm; i++)
        if (!same_name(a->arm[i].value, b->arm[i].value) || !ast_same_expression(a->arm[i].expr, b->arm[i].expr))
            return false;
    for (int32_t i = 0; i < a->n_size; i++)
        if (!ast_same_expression(a->size[i].value, b->size[i].value) ||
            !ast_same_expression(a->size[i].weight, b->size[i].weight)) return false;
    return same_quantity(a->quantity, b->quantity);
}

static bool same_jump(const AstJump *a, const AstJump *b) {
    if (a->n_effect != b->n_effect || a->n_pays != b->n_pays) return false;
    if ((a->secret.line > 0) != (b->secret.line > 0)) return false;
    for (int32_t i = 0; i < a->n_effect; i++)
        if (!same_name(a->effect[i].target, b->effect[i].target) || a->effect[i].assign != b->effect[i].assign ||
            !ast_same_expression(a->effect[i].value, b->effect[i].value)) return false;
    for (int32_t i = 0; i < a->n_pays; i++)
        if (!same_name(a->pays[i].actor, b->pays[i].actor) ||
            !ast_same_expression(a->pays[i].value, b->pays[i].value)) return false;
    return ast_same_expression(a->when, b->when) && ast_same_expression(a->rate, b->rate) &&
           ast_same_expression(a->chance, b->chance) && ast_same_expression(a->at, b->at) &&
           ast_same_expression(a->cost, b->cost);
}

static bool same_phase(const AstPhase *a, const AstPhase *b) {
    if (a->n_set != b->n_set || a->n_always != b->n_always) return false;
    for (int32_t i = 0; i < a->n_set; i++)
        if (!same_name(a->set[i].mode, b->set[i].mode) || !same_name(a->set[i].value, b->set[i].value)) return false;
    for (int32_t i = 0; i < a->n_always; i++)
        if (!same_name(a->always[i].move, b->always[i].move) ||
            !ast_same_expression(a->always[i].when, b->always[i].when)) return false;
    return ast_same_expression(a->from, b->from) && same_names(a->never, a->n_never, b->never, b->n_never) &&
           ast_same_expression(a->precision, b->precision);
}

static bool same_private(const AstPrivate *a, const AstPrivate *b) {
    if (a->n_becomes != b->n_becomes) return false;
    for (int32_t i = 0; i < a->n_becomes; i++)
        if (!same_name(a->becomes[i].type, b->becomes[i].type) ||
            !ast_same_expression(a->becomes[i].rate, b->becomes[i].rate)) return false;
    return same_names(a->type, a->n_type, b->type, b->n_type) && ast_same_expression(a->grid, b->grid) &&
           same_expressions(a->belief, a->n_belief, b->belief, b->n_belief);
}

static bool same_payoff(const AstPayoff *a, const AstPayoff *b) {
    if (a->n_term != b->n_term) return false;
    for (int32_t i = 0; i < a->n_term; i++)
        if (!same_name(a->term[i].name, b->term[i].name) || !ast_same_expression(a->term[i].value, b->term[i].value) ||
            !same_cites(a->term[i].cite, a->term[i].n_cite, b->term[i].cite, b->term[i].n_cite)) return false;
    return true;
}

static bool same_table(const AstTable *a, const AstTable *b) {
    if (a->n_point != b->n_point || !same_name(a->argument, b->argument)) return false;
    for (int32_t i = 0; i < a->n_point; i++)
        if (!ast_same_expression(a->point[i].x, b->point[i].x) ||
            !ast_same_expression(a->point[i].y, b->point[i].y)) return false;
    return true;
}

bool ast_same_declaration(const AstDeclaration *a, const AstDeclaration *b) {
    if (!a || !b) return a == b;
    if (a->kind != b->kind || !same_name(a->name, b->name) || !same_text(a->text.text, b->text.text) ||
        !same_name(a->of, b->of) || !same_cites(a->cite, a->n_cite, b->cite, b->n_cite)) return false;
    switch (a->kind) {
    case AST_SCENARIO_DECLARATION: {
        const AstScenario *x = &a->as.scenario, *y = &b->as.scenario;
        return same_name(x->clock, y->clock) && same_name(x->unit, y->unit) && same_date(x->from, y->from) &&
               same_date(x->until, y->until) && same_name(x->choice, y->choice) &&
               same_names(x->order, x->n_order, y->order, y->n_order);
    }
    case AST_IMPORT_DECLARATION: case AST_UNIT_DECLARATION: case AST_DECLARATION_COUNT:
        return true;
    case AST_SOURCE_DECLARATION: {
        const AstSource *x = &a->as.source, *y = &b->as.source;
        return same_text(x->file.text, y->file.text) && same_text(x->sha256.text, y->sha256.text) &&
               same_text(x->url.text, y->url.text) && same_date(x->date, y->date);
    }
    case AST_ACTOR_DECLARATION: {
        const AstActor *x = &a->as.actor, *y = &b->as.actor;
        return ast_same_expression(x->patience, y->patience) && ast_same_expression(x->discount, y->discount) &&
               ast_same_expression(x->precision, y->precision) && ast_same_expression(x->attends, y->attends);
    }
    case AST_PRIVATE_DECLARATION: return same_private(&a->as.private, &b->as.private);
    case AST_MODE_DECLARATION:
        return same_names(a->as.mode.value, a->as.mode.n_value, b->as.mode.value, b->as.mode.n_value);
    case AST_STOCK_DECLARATION: {
        const AstStock *x = &a->as.stock, *y = &b->as.stock;
        return ast_same_expression(x->low, y->low) && ast_same_expression(x->high, y->high) &&
               ast_same_expression(x->grid, y->grid) && ast_same_expression(x->start, y->start) &&
               ast_same_expression(x->drift, y->drift) && ast_same_expression(x->noise, y->noise) &&
               ast_same_expression(x->change, y->change) && same_name(x->unit, y->unit);
    }
    case AST_PARAM_DECLARATION: {
        const AstParam *x = &a->as.param, *y = &b->as.param;
        return ast_same_expression(x->value, y->value) && ast_same_expression(x->prior, y->prior) &&
               same_name(x->per, y->per) && same_name(x->unit, y->unit);
    }
    case AST_LET_DECLARATION:
        return ast_same_expression(a->as.let.value, b->as.let.value) && same_name(a->as.let.unit, b->as.let.unit);
    case AST_TABLE_DECLARATION: return same_table(&a->as.table, &b->as.table);
    case AST_EVENT_DECLARATION: case AST_MOVE_DECLARATION: return same_jump(&a->as.jump, &b->as.jump);
    case AST_PAYOFF_DECLARATION: return same_payoff(&a->as.payoff, &b->as.payoff);
    case AST_POLICY_DECLARATION: {
        const AstPolicy *x = &a->as.policy, *y = &b->as.policy;
        if (x->n_phase != y->n_phase || !same_name(x->announced, y->announced)) return false;
        for (int32_t i = 0; i < x->n_phase; i++)
            if (!same_phase(&x->phase[i], &y->phase[i])) return false;
        return true;
    }
    case AST_RECORD_DECLARATION: {
        const AstRecord *x = &a->as.record, *y = &b->as.record;
        return same_text(x->file.text, y->file.text) && same_text(x->date.text, y->date.text) &&
               same_text(x->value.text, y->value.text) && same_name(x->per, y->per) &&
               ast_same_expression(x->observes, y->observes) && ast_same_expression(x->noise, y->noise);
    }
    case AST_CLAIM_DECLARATION:
        return ast_same_expression(a->as.claim.comparison, b->as.claim.comparison) &&
               ast_same_expression(a->as.claim.confidence, b->as.claim.confidence) &&
               ast_same_expression(a->as.claim.tolerance, b->as.claim.tolerance) &&
               same_name(a->as.claim.sensitive, b->as.claim.sensitive);
    case AST_RIVAL_DECLARATION: {
        const AstRival *x = &a->as.rival, *y = &b->as.rival;
        if (x->n_declaration != y->n_declaration) return false;
        for (int32_t i = 0; i < x->n_declaration; i++)
            if (!ast_same_declaration(x->declaration[i], y->declaration[i])) return false;
        return true;
    }
    }
    return true;
}
