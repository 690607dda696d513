#include "lang/parser.h"

#include <string.h>

// How tightly operators hold, from loose to tight. `not` is a prefix at its level, `per TIME` a suffix at its.
enum {
    LEVEL_OR = 1, LEVEL_AND, LEVEL_NOT, LEVEL_COMPARE, LEVEL_PER, LEVEL_SUM, LEVEL_PRODUCT, LEVEL_SIGN, LEVEL_POWER
};

static AstExpr *parse_level(Parser *p, int level);

AstExpr *parser_expression(Parser *p) { return parse_level(p, LEVEL_OR); }
AstExpr *parser_sum(Parser *p) { return parse_level(p, LEVEL_PER); }

static AstExpr *error_here(Parser *p) { return parser_make(p, AST_ERROR, p->token.span); }

static AstExpr *error_expected(Parser *p, const char *what) {
    parser_expected(p, what);
    return error_here(p);
}

// the token in hand as a name
static AstName name_of_token(Parser *p) {
    return (AstName){.text = parser_copy(p, &p->token), .span = p->token.span};
}

// hang operands under a node, and see that the tree stays low enough for recursion
static AstExpr *adopt(Parser *p, AstExpr *node, AstExpr *a, AstExpr *b, AstExpr *c) {
    node->a = a;
    node->b = b;
    node->c = c;
    AstExpr *const child[] = {a, b, c};
    for (int i = 0; i < 3; i++)
        if (child[i] && child[i]->depth >= node->depth) node->depth = child[i]->depth + 1;
    if (node->depth > LANG_DEPTH_MAX) {
        node->kind = AST_ERROR;
        parser_fault(p, node->name.text ? node->name.span : node->span, "too-deep",
                     "give parts of it a name with `let`",
                     "more than %d operators are stacked on one another here, which is the limit", LANG_DEPTH_MAX);
    }
    return node;
}

// ---- operands ----------------------------------------------------------------------------------------------------

// `20 month`: the name behind a number on its line is its unit, unless it is a keyword, or unless a value follows, in
// which case it is more likely a keyword that was mistyped
static bool is_unit_next(Parser *p) {
    if (p->token.kind != TOKEN_NAME || !parser_is_here(p)) return false;
    Spelling name = parser_spelling(p, &p->token);
    if (ast_time_unit_days(name.text) > 0) return true;
    if (grammar_is_word(name.text)) return false;
    const Token *behind = parser_ahead(p, 1);
    if (behind->line_first && p->bracket == 0) return true;
    switch (behind->kind) {
    case TOKEN_NUMBER: case TOKEN_DATE: case TOKEN_OPEN_PAREN: case TOKEN_SET:
        return false;
    case TOKEN_NAME:
        return grammar_is_word(parser_spelling(p, behind).text);
    default:
        return true;
    }
}

static AstExpr *parse_number(Parser *p) {
    AstExpr *e = parser_make(p, AST_NUMBER, p->token.span);
    e->number = p->token.number;
    e->digits = parser_copy(p, &p->token);
    parser_next(p);
    if (is_unit_next(p)) {
        e->kind = AST_MEASURE;
        e->name = name_of_token(p);
        e->span = parser_join(e->span, p->token.span);
        parser_next(p);
    }
    return e;
}

static AstExpr *parse_call(Parser *p) {
    AstExpr *e = parser_make(p, AST_CALL, p->token.span);
    e->name = name_of_token(p);
    if (!parser_enter(p)) return e;
    parser_next(p);
    Token open = parser_open(p, ROLE_CALL);
    while (!p->panic && !parser_is(p, TOKEN_CLOSE_PAREN)) {
        AstExpr *arg = parser_expression(p);
        PARSER_PUSH(p, e->arg, e->n_arg, arg);
        if (arg->depth >= e->depth) e->depth = arg->depth + 1;
        if (!parser_accept(p, TOKEN_COMMA)) break;
    }
    parser_close(p, open, TOKEN_CLOSE_PAREN, true);
    parser_leave(p);
    e->span = parser_join(e->span, p->last.span);
    return e;
}

static AstExpr *parse_parentheses(Parser *p) {
    Span span = p->token.span;
    if (!parser_enter(p)) return error_here(p);
    Token open = parser_open(p, ROLE_NONE);
    AstExpr *e = parser_expression(p);
    parser_close(p, open, TOKEN_CLOSE_PAREN, false);
    parser_leave(p);
    e->parenthesised = true;
    e->span = parser_join(span, p->last.span);
    return e;
}

static AstExpr *parse_indicator(Parser *p) {
    AstExpr *e = parser_make(p, AST_INDICATOR, p->token.span);
    if (!parser_enter(p)) return e;
    Token open = parser_open(p, ROLE_NONE);
    AstExpr *a = parser_expression(p);
    parser_close(p, open, TOKEN_CLOSE_SQUARE, false);
    parser_leave(p);
    e->span = parser_join(e->span, p->last.span);
    return adopt(p, e, a, NULL, NULL);
}

static AstExpr *parse_if(Parser *p) {
    AstExpr *e = parser_make(p, AST_IF, p->token.span);
    e->name = name_of_token(p);
    if (!parser_enter(p)) return e;
    parser_next_as(p, ROLE_WORD);
    p->await_then++;
    AstExpr *a = parser_expression(p), *b = NULL, *c = NULL;
    if (!p->panic && !parser_is_word(p, "then")) parser_expected(p, "`then` after the condition of `if`");
    if (!p->panic) {
        p->await_then--;
        parser_next(p);
        b = parser_expression(p);
    }
    if (!p->panic && !parser_is_word(p, "else")) parser_expected(p, "`else`: an `if` says what holds in either case");
    if (!p->panic) {
        parser_next(p);
        c = parser_expression(p);
    }
    parser_leave(p);
    if (p->panic) e->kind = AST_ERROR;
    e->span = parser_join(e->span, p->last.span);
    return adopt(p, e, a, b, c);
}

// by MODE { value expr, value expr }
static AstExpr *parse_by(Parser *p) {
    AstExpr *e = parser_make(p, AST_BY, p->token.span);
    if (!parser_enter(p)) return e;
    parser_next_as(p, ROLE_WORD);
    e->name = parser_name(p, "the name of a mode after `by`");
    if (!p->panic && !parser_is(p, TOKEN_OPEN_BRACE))
        parser_expected(p, "`{` and an expression for each value of the mode");
    if (!p->panic) {
        Token open = parser_open(p, ROLE_NONE);
        while (!p->panic && !parser_is(p, TOKEN_CLOSE_BRACE)) {
            AstArm arm = {.value = parser_name(p, "a value of the mode, then an expression")};
            if (!p->panic) {
                arm.expr = parser_expression(p);
                if (arm.expr->depth >= e->depth) e->depth = arm.expr->depth + 1;
                PARSER_PUSH(p, e->arm, e->n_arm, arm);
            }
            if (!parser_accept(p, TOKEN_COMMA)) break;
        }
        parser_close(p, open, TOKEN_CLOSE_BRACE, true);
    }
    parser_leave(p);
    if (p->panic) e->kind = AST_ERROR;
    e->span = parser_join(e->span, p->last.span);
    return e;
}

// one_of { size: weight, ... } or one_of { size, ... }
static AstExpr *parse_one_of(Parser *p) {
    AstExpr *e = parser_make(p, AST_ONE_OF, p->token.span);
    if (!parser_enter(p)) return e;
    parser_next_as(p, ROLE_WORD);
    if (!p->panic && !parser_is(p, TOKEN_OPEN_BRACE)) parser_expected(p, "`{` with sizes after `one_of`");
    if (!p->panic) {
        Token open = parser_open(p, ROLE_NONE);
        while (!p->panic && !parser_is(p, TOKEN_CLOSE_BRACE)) {
            AstSize size = {.value = parser_sum(p)};
            bool is_weighted = parser_is(p, TOKEN_COLON);
            if (!p->panic && e->n_size > 0 && is_weighted != (e->size[0].weight != NULL))
                parser_fault(p, p->token.span, "syntax", NULL,
                             "either all sizes of `one_of` have a weight, as in `0.5: 0.2`, or none has");
            if (parser_accept(p, TOKEN_COLON)) size.weight = parser_sum(p);
            if (size.value->depth >= e->depth) e->depth = size.value->depth + 1;
            if (size.weight && size.weight->depth >= e->depth) e->depth = size.weight->depth + 1;
            PARSER_PUSH(p, e->size, e->n_size, size);
            if (!parser_accept(p, TOKEN_COMMA)) break;
        }
        parser_close(p, open, TOKEN_CLOSE_BRACE, true);
    }
    parser_leave(p);
    if (p->panic) e->kind = AST_ERROR;
    e->span = parser_join(e->span, p->last.span);
    return e;
}

// belief(actor is type)
static AstExpr *parse_belief(Parser *p) {
    AstExpr *e = parser_make(p, AST_BELIEF, p->token.span);
    parser_next(p);
    if (!parser_is(p, TOKEN_OPEN_PAREN)) return error_expected(p, "`(actor is type)` after `belief`");
    Token open = parser_open(p, ROLE_CALL);
    e->name = parser_name(p, "the name of an actor");
    if (!p->panic && !parser_is_word(p, "is")) parser_expected(p, "`is` and a type");
    if (!p->panic) parser_next(p);
    e->type = parser_name(p, "a type of the actor");
    parser_close(p, open, TOKEN_CLOSE_PAREN, false);
    if (p->panic) e->kind = AST_ERROR;
    e->span = parser_join(e->span, p->last.span);
    return e;
}

// ---- quantities --------------------------------------------------------------------------------------------------

static bool accept_word(Parser *p, const char *word) {
    if (p->panic || !parser_is_word(p, word)) return false;
    parser_next(p);
    return true;
}

// `in the long run`
static bool accept_long_run(Parser *p) {
    if (!accept_word(p, "in")) return false;
    static const char *const word[] = {"the", "long", "run"};
    for (int i = 0; i < 3; i++)
        if (!accept_word(p, word[i])) {
            parser_expected(p, "`in the long run`");
            return false;
        }
    return true;
}

// what P asks of a path: `c within T`, `c throughout T`, `c at T`, `c until d [within T]`
static void parse_path(Parser *p, AstQuantity *q) {
    q->x = parser_expression(p);
    if (accept_word(p, "within")) {
        q->kind = QUANTITY_WITHIN;
        q->time = parser_sum(p);
    } else if (accept_word(p, "throughout")) {
        q->kind = QUANTITY_THROUGHOUT;
        q->time = parser_sum(p);
    } else if (accept_word(p, "at")) {
        q->kind = QUANTITY_AT;
        q->time = parser_sum(p);
    } else if (accept_word(p, "until")) {
        q->kind = QUANTITY_UNTIL;
        q->until = parser_expression(p);
        if (accept_word(p, "within")) q->time = parser_sum(p);
    } else if (parser_is_word(p, "in")) {
        q->kind = QUANTITY_LONG_RUN;
        accept_long_run(p);
    } else {
        parser_expected_behind(p, "`within T`, `throughout T`, `at T` or `until` and a condition");
    }
}

static void parse_over(Parser *p, AstQuantity *q, QuantityKind kind) {
    q->kind = kind;
    if (accept_word(p, "over")) q->time = parser_sum(p);
    else parser_expected(p, "`over` and a time");
}

// what E takes of a path: `mean x over T`, `total x over T`, `max x over T`, `count(jump) over T`, `x at T`,
// `x in the long run`
static void parse_path_value(Parser *p, AstQuantity *q) {
    if (accept_word(p, "mean")) {
        q->x = parser_expression(p);
        parse_over(p, q, QUANTITY_MEAN);
        return;
    }
    if (accept_word(p, "total")) {
        q->x = parser_expression(p);
        parse_over(p, q, QUANTITY_TOTAL);
        return;
    }
    if (accept_word(p, "count")) {
        if (!parser_is(p, TOKEN_OPEN_PAREN)) {
            parser_expected(p, "`(` with a move or event after `count`");
            return;
        }
        Token open = parser_open(p, ROLE_CALL);
        q->jump = parser_name(p, "the name of a move or event");
        parser_close(p, open, TOKEN_CLOSE_PAREN, false);
        parse_over(p, q, QUANTITY_COUNT);
        return;
    }
    bool is_max = parser_is_word(p, "max");
    if (is_max && parser_ahead(p, 1)->kind != TOKEN_OPEN_PAREN) {
        parser_next(p);
        q->x = parser_expression(p);
        parse_over(p, q, QUANTITY_MAX);
        return;
    }
    Span start = p->token.span;
    q->x = parser_expression(p);
    if (accept_word(p, "at")) {
        q->kind = QUANTITY_AT;
        q->time = parser_sum(p);
    } else if (parser_is_word(p, "in")) {
        q->kind = QUANTITY_LONG_RUN;
        accept_long_run(p);
    } else if (is_max && parser_is_word(p, "over")) {
        // `max(x) over T` reads like a call of the function and means the largest over time
        AstExpr *call = q->x;
        if (call->kind == AST_CALL && call->n_arg == 1 && !call->parenthesised) {
            q->x = call->arg[0];
            q->x->parenthesised = true;
            parse_over(p, q, QUANTITY_MAX);
        } else {
            parser_fault(p, start, "syntax", NULL,
                         "this reads as the function `max`; for the largest value over time put all of it in "
                         "parentheses: `max (x) over T`");
        }
    } else if (parser_is_word(p, "over")) {
        parser_fault(p, p->token.span, "syntax", NULL,
                     "what is taken over time stands first: `mean x over T`, `total x over T` or `max x over T`");
    } else {
        parser_expected(p, "`at T`, `over T` or `in the long run`");
    }
}

static void grow_depth(AstExpr *e, const AstExpr *child) {
    if (child && child->depth >= e->depth) e->depth = child->depth + 1;
}

static AstExpr *parse_quantity(Parser *p) {
    AstExpr *e = parser_make(p, AST_QUANTITY, p->token.span);
    AstQuantity *q = parser_alloc(p, sizeof *q);
    if (!q) return e;
    e->name = name_of_token(p);
    e->quantity = q;
    q->is_probability = parser_is_word(p, "P");
    if (p->in_quantity) {
        parser_fault(p, p->token.span, "syntax", NULL, "a P(...) or E(...) cannot stand inside another");
        e->kind = AST_ERROR;
        return e;
    }
    if (!parser_enter(p)) return e;
    p->in_quantity = true;
    parser_next_as(p, ROLE_WORD);
    Token open = parser_open(p, ROLE_CALL);
    if (q->is_probability) parse_path(p, q);
    else parse_path_value(p, q);
    if (!p->panic && parser_is_word(p, "after")) {
        if (q->kind == QUANTITY_AT || q->kind == QUANTITY_LONG_RUN)
            parser_fault(p, p->token.span, "syntax", NULL, "`after` goes with a stretch of time, not with `%s`",
                         q->kind == QUANTITY_AT ? "at" : "in the long run");
        parser_next(p);
        q->after = parser_sum(p);
    }
    if (parser_accept(p, TOKEN_BAR)) q->policy = parser_name(p, "the name of a policy after `|`");
    if (!p->panic && !parser_is(p, TOKEN_CLOSE_PAREN)) {
        static const char *const word[] = {"within", "throughout", "at", "until", "over"};
        for (size_t i = 0; i < DUR_COUNT(word); i++)
            if (parser_is_word(p, word[i]))
                parser_fault(p, p->token.span, "syntax", NULL,
                             "the time was already said: expected `|` or `)`, found `%s`", word[i]);
        parser_expected(p, q->after || q->kind == QUANTITY_AT || q->kind == QUANTITY_LONG_RUN
                               ? "`|` and a policy, or `)`" : "`after T`, `|` and a policy, or `)`");
    }
    parser_close(p, open, TOKEN_CLOSE_PAREN, false);
    p->in_quantity = false;
    parser_leave(p);
    if (p->panic) e->kind = AST_ERROR;
    e->span = q->span = parser_join(e->span, p->last.span);
    grow_depth(e, q->x);
    grow_depth(e, q->until);
    grow_depth(e, q->time);
    grow_depth(e, q->after);
    return e;
}

// ---- one operand -------------------------------------------------------------------------------------------------

static AstExpr *parse_operand(Parser *p) {
    if (p->panic) return error_here(p);
    AstExpr *e;
    switch (p->token.kind) {
    case TOKEN_NUMBER:
        return parse_number(p);
    case TOKEN_DATE:
        e = parser_make(p, AST_DATE, p->token.span);
        e->date = p->token.date;
        parser_next(p);
        return e;
    case TOKEN_OPEN_PAREN:
        return parse_parentheses(p);
    case TOKEN_OPEN_SQUARE:
        return parse_indicator(p);
    case TOKEN_NAME:
        break;
    default:
        return error_expected(p, "a number, a name or `(`");
    }
    if (parser_is_word(p, "if")) return parse_if(p);
    if (parser_is_word(p, "by")) return parse_by(p);
    if (parser_is_word(p, "one_of")) return parse_one_of(p);
    if (parser_is_word(p, "belief")) return parse_belief(p);
    Spelling name = parser_spelling(p, &p->token);
    if (grammar_is_reserved(name.text)) return error_expected(p, "a number, a name or `(`");
    if (p->bracket == 0 && parser_looks_like_declaration(p)) return error_expected(p, "a number, a name or `(`");
    const Token *behind = parser_ahead(p, 1);
    if (behind->kind == TOKEN_OPEN_PAREN && !behind->line_first) {
        if (parser_is_word(p, "P") || parser_is_word(p, "E")) return parse_quantity(p);
        return parse_call(p);
    }
    e = parser_make(p, AST_NAME, p->token.span);
    e->name = name_of_token(p);
    parser_next(p);
    return e;
}

// ---- operators ---------------------------------------------------------------------------------------------------

static const struct { TokenKind token; AstExprKind kind; int level; } OPERATOR[] = {
    {TOKEN_PLUS, AST_ADD, LEVEL_SUM},           {TOKEN_MINUS, AST_SUBTRACT, LEVEL_SUM},
    {TOKEN_TIMES, AST_MULTIPLY, LEVEL_PRODUCT}, {TOKEN_DIVIDE, AST_DIVIDE, LEVEL_PRODUCT},
    {TOKEN_POWER, AST_POWER, LEVEL_POWER},      {TOKEN_EQUAL, AST_EQUAL, LEVEL_COMPARE},
    {TOKEN_NOT_EQUAL, AST_NOT_EQUAL, LEVEL_COMPARE}, {TOKEN_LESS, AST_LESS, LEVEL_COMPARE},
    {TOKEN_LESS_EQUAL, AST_LESS_EQUAL, LEVEL_COMPARE}, {TOKEN_GREATER, AST_GREATER, LEVEL_COMPARE},
    {TOKEN_GREATER_EQUAL, AST_GREATER_EQUAL, LEVEL_COMPARE},
};

// level of the operator with two sides in hand, 0 if none
static int operator_level(const Parser *p, AstExprKind *kind) {
    if (p->token.kind == TOKEN_NAME) {
        *kind = parser_is_word(p, "and") ? AST_AND : AST_OR;
        return *kind == AST_AND ? LEVEL_AND : parser_is_word(p, "or") ? LEVEL_OR : 0;
    }
    for (size_t i = 0; i < DUR_COUNT(OPERATOR); i++)
        if (OPERATOR[i].token == p->token.kind) {
            *kind = OPERATOR[i].kind;
            return OPERATOR[i].level;
        }
    return 0;
}

static bool is_comparison(AstExprKind kind) { return kind >= AST_EQUAL && kind <= AST_GREATER_EQUAL; }

// -a or not a
static AstExpr *parse_prefix(Parser *p, AstExprKind kind, int level) {
    AstExpr *e = parser_make(p, kind, p->token.span);
    e->name = name_of_token(p);
    if (!parser_enter(p)) return e;
    parser_next_as(p, kind == AST_NEGATE ? ROLE_SIGN : ROLE_NONE);
    AstExpr *a = parse_level(p, level);
    parser_leave(p);
    e->span = parser_join(e->span, a->span);
    return adopt(p, e, a, NULL, NULL);
}

static bool is_per_here(const Parser *p) { return !p->panic && parser_is_word(p, "per") && parser_is_here(p); }

static AstExpr *parse_per(Parser *p, AstExpr *a) {
    AstExpr *e = parser_make(p, AST_PER, a->span);
    parser_next(p);
    e->name = parser_name(p, "a unit of time after `per`");
    e->span = parser_join(a->span, e->name.span);
    return adopt(p, e, a, NULL, NULL);
}

// an expression whose operators all hold at least as tightly as `level`
static AstExpr *parse_level(Parser *p, int level) {
    if (p->panic) return error_here(p);
    AstExpr *left;
    if (parser_is(p, TOKEN_MINUS)) {
        left = parse_prefix(p, AST_NEGATE, LEVEL_SIGN);
    } else if (parser_is_word(p, "not") && level <= LEVEL_NOT) {
        left = parse_prefix(p, AST_NOT, LEVEL_NOT);
    } else if (parser_is_word(p, "not")) {
        parser_fault(p, p->token.span, "syntax", NULL, "`not` with its condition goes in parentheses here");
        return error_here(p);
    } else {
        left = parse_operand(p);
    }
    // `a + b per month` is a rate of both; but in `2 per month + 1 per month` each has its own
    bool has_rate = false;
    while (!p->panic) {
        if (is_per_here(p) && level <= LEVEL_PER) {
            left = parse_per(p, left);
            has_rate = true;
            continue;
        }
        AstExprKind kind;
        int own = operator_level(p, &kind);
        if (own == 0 || own < level) break;
        if (is_comparison(kind) && is_comparison(left->kind) && !left->parenthesised) {
            parser_fault(p, p->token.span, "comparison-chain", "to compare three values write `a < b and b < c`",
                         "comparisons do not chain: expected `and`, `or` or the end of the comparison, found `%s`",
                         parser_spelling(p, &p->token).text);
            break;
        }
        AstExpr *e = parser_make(p, kind, left->span);
        e->name = name_of_token(p);
        parser_next(p);
        // a power is read from the right, and its exponent may bear a sign: 2^-1, 2^3^2
        AstExpr *right;
        if (own == LEVEL_POWER) {
            right = error_here(p);
            if (parser_enter(p)) {
                right = parse_level(p, LEVEL_SIGN);
                parser_leave(p);
            }
        } else {
            right = parse_level(p, own + 1);
            if (has_rate && own == LEVEL_SUM && is_per_here(p)) right = parse_per(p, right);
        }
        e->span = parser_join(parser_join(left->span, e->name.span), right->span);
        left = adopt(p, e, left, right, NULL);
    }
    return left;
}

// ---- whole values ------------------------------------------------------------------------------------------------

// a token that an expression can start with; a bad one counts, since it was told
static bool starts_expression(const Parser *p) {
    static const char *const WORD[] = {"if", "by", "not", "one_of", "belief"};
    switch (p->token.kind) {
    case TOKEN_NUMBER: case TOKEN_DATE: case TOKEN_OPEN_PAREN: case TOKEN_OPEN_SQUARE: case TOKEN_MINUS: case TOKEN_BAD:
        return true;
    case TOKEN_NAME:
        if (!grammar_is_reserved(parser_spelling(p, &p->token).text)) return true;
        for (size_t i = 0; i < DUR_COUNT(WORD); i++)
            if (parser_is_word(p, WORD[i])) return true;
        return false;
    default: return false;
    }
}

bool parser_value_here(Parser *p, const char *what) {
    if (p->panic) return false;
    if (starts_expression(p) && (parser_is_here(p) || parser_is(p, TOKEN_MINUS))) return true;
    parser_expected(p, what);
    return false;
}

AstExpr *parser_value(Parser *p, const char *what) {
    if (!parser_value_here(p, what)) return error_here(p);
    AstExpr *e = parser_expression(p);
    // a mistake inside makes all of it unfit to be looked at
    if (p->panic) e->kind = AST_ERROR;
    return e;
}

AstExpr *parser_distribution(Parser *p, const char *what) {
    if (!p->panic && (!parser_is(p, TOKEN_NAME) || !parser_is_here(p))) parser_expected(p, what);
    AstExpr *e = parse_operand(p);
    if (!p->panic && e->kind != AST_CALL && e->kind != AST_NAME)
        parser_fault(p, e->span, "syntax", NULL, "expected %s", what);
    if (p->panic) e->kind = AST_ERROR;
    return e;
}

AstExpr *parser_lone_expression(Parser *p) {
    AstExpr *e = parser_expression(p);
    if (!p->panic && !parser_is(p, TOKEN_END)) parser_expected(p, "an operator or the end");
    if (p->panic) e->kind = AST_ERROR;
    return e;
}
