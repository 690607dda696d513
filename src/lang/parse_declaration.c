#include "lang/parser.h"

#include <stdio.h>
#include <string.h>

static AstDeclaration *parse_declaration(Parser *p, const AstDeclaration *rival);

// a fault that leaves no doubt about what follows: told, and reading goes on
static void tell(Parser *p, AstDeclaration *d, Span span, const char *code, const char *help, const char *message) {
    d->has_fault = true;
    if (!p->panic && !p->stopped) diagnostics_add(p->faults, SEVERITY_ERROR, span, code, help, "%s", message);
}

static const char *suggest(char buffer[96], const char *near) {
    if (!near) return NULL;
    snprintf(buffer, 96, "did you mean `%s`?", near);
    return buffer;
}

// ---- where the next thing may begin ------------------------------------------------------------------------------

static AstDeclarationKind declaration_in_hand(const Parser *p) {
    if (p->token.kind != TOKEN_NAME) return AST_DECLARATION_COUNT;
    return grammar_declaration(parser_spelling(p, &p->token).text);
}

static ClauseId clause_in_hand(const Parser *p, AstDeclarationKind kind) {
    if (p->token.kind != TOKEN_NAME) return CLAUSE_NONE;
    return grammar_clause(kind, parser_spelling(p, &p->token).text);
}

// A new line that starts like a declaration, where a clause or an expression was going on: some bracket was not closed.
// More than the keyword is asked for, because a name may be spelled like one: no clause or term without a fault is taken
// for a declaration.
bool parser_looks_like_declaration(Parser *p) {
    AstDeclarationKind kind = declaration_in_hand(p);
    if (kind == AST_DECLARATION_COUNT || !p->token.line_first) return false;
    const Token *t = parser_ahead(p, 1);
    if (t->line_first) return false;
    if (kind == AST_SCENARIO_DECLARATION || kind == AST_IMPORT_DECLARATION) return t->kind == TOKEN_STRING;
    if (t->kind != TOKEN_NAME) return false;
    t = parser_ahead(p, 2);
    switch (kind) {
    case AST_UNIT_DECLARATION:
        return (t->line_first || t->kind == TOKEN_END || t->kind == TOKEN_STRING) && p->declaration &&
               grammar_clause(p->declaration->kind, "unit") == CLAUSE_NONE;
    case AST_PARAM_DECLARATION: case AST_LET_DECLARATION:
        return t->kind == TOKEN_SET;
    case AST_TABLE_DECLARATION:
        return t->kind == TOKEN_OPEN_PAREN && parser_ahead(p, 4)->kind == TOKEN_CLOSE_PAREN &&
               (parser_ahead(p, 5)->kind == TOKEN_OPEN_BRACE || parser_ahead(p, 5)->kind == TOKEN_STRING);
    default:
        return t->kind == TOKEN_OPEN_BRACE || t->kind == TOKEN_STRING || parser_token_is_word(p, t, "of");
    }
}

static bool continues_a_line(TokenKind kind) {
    switch (kind) {
    case TOKEN_PLUS: case TOKEN_MINUS: case TOKEN_TIMES: case TOKEN_DIVIDE: case TOKEN_POWER: case TOKEN_COMMA:
    case TOKEN_EQUAL: case TOKEN_NOT_EQUAL: case TOKEN_LESS: case TOKEN_LESS_EQUAL: case TOKEN_GREATER:
    case TOKEN_GREATER_EQUAL: case TOKEN_CLOSE_PAREN: case TOKEN_CLOSE_SQUARE: case TOKEN_BAR: case TOKEN_COLON:
        return true;
    default:
        return false;
    }
}

// end the panic: what is passed over from here on is not told, up to the end of the line
static void start_over(Parser *p) {
    p->panic = p->in_quantity = false;
    p->brace = p->bracket = p->await_then = 0;
    p->lexer.quiet_line = p->token.span.line;
}

// After a fault: pass to where the next clause may begin, or the end of the block. `start` is the offset of the first
// token of the clause, which is none of these even if it is still in hand.
static void recover_clause(Parser *p, AstDeclaration *d, size_t start) {
    int brace = p->brace, bracket = p->bracket - p->brace, await_then = p->await_then;
    d->has_fault = true;
    start_over(p);
    for (; !parser_is(p, TOKEN_END); parser_next(p)) {
        const Token *t = &p->token;
        bool is_open = brace > 0 || bracket > 0;
        if (t->offset != start && t->line_first) {
            // a new line ends the clause where no bracket is open; where one is, it takes a stronger sign
            bool is_start = clause_in_hand(p, d->kind) != CLAUSE_NONE || t->span.column <= p->clause_column;
            if (is_start && t->kind == TOKEN_NAME) break;
            if (parser_looks_like_declaration(p)) break;
            if (!is_open && !continues_a_line(t->kind)) break;
        } else if (t->offset != start && !is_open && clause_in_hand(p, d->kind) != CLAUSE_NONE) {
            // the `then` of an `if` is no clause
            bool is_if = await_then > 0 && parser_is_word(p, "then");
            await_then -= is_if;
            if (!is_if) break;
        }
        if (brace == 0 && (t->kind == TOKEN_SEMICOLON || t->kind == TOKEN_CLOSE_BRACE)) break;
        brace += (t->kind == TOKEN_OPEN_BRACE) - (t->kind == TOKEN_CLOSE_BRACE);
        if (t->kind == TOKEN_OPEN_PAREN || t->kind == TOKEN_OPEN_SQUARE) bracket++;
        if (t->kind == TOKEN_CLOSE_PAREN || t->kind == TOKEN_CLOSE_SQUARE) bracket -= bracket > 0;
    }
    p->lexer.quiet_line = 0;
}

// After a fault outside of a block: pass to the next line that starts with a declaration. If the fault was in one, so
// that this is a scenario at all, a line that starts with another word at its margin counts as an attempt at the next.
static void recover_declaration(Parser *p, Span from, bool was_declaration, bool in_rival) {
    int brace = p->brace;
    start_over(p);
    for (; !parser_is(p, TOKEN_END); parser_next(p)) {
        const Token *t = &p->token;
        if (t->line_first && t->kind == TOKEN_NAME && t->span.line > from.line) {
            bool is_keyword = declaration_in_hand(p) != AST_DECLARATION_COUNT;
            if (t->span.column <= from.column && (is_keyword || was_declaration)) break;
            if (is_keyword && parser_looks_like_declaration(p)) break;
        }
        if (t->kind == TOKEN_OPEN_BRACE) brace++;
        if (t->kind == TOKEN_CLOSE_BRACE) {
            if (brace == 0 && in_rival) break;
            brace -= brace > 0;
        }
    }
    p->lexer.quiet_line = 0;
}

// After a fault in the head: what is in braces on the same line can be read all the same. The braces of a param or let
// hold clauses; others belong to the expression that could not be read.
static void pass_to_brace(Parser *p, AstDeclaration *d) {
    if (!p->panic) return;
    d->has_fault = true;
    bool has_expression = d->kind == AST_PARAM_DECLARATION || d->kind == AST_LET_DECLARATION;
    for (; !parser_is(p, TOKEN_END) && !p->token.line_first; parser_next(p)) {
        if (!parser_is(p, TOKEN_OPEN_BRACE)) continue;
        const Token *t = parser_ahead(p, 1);
        bool is_clause = t->kind == TOKEN_STRING ||
                         (t->kind == TOKEN_NAME && grammar_clause(d->kind, parser_spelling(p, t).text) != CLAUSE_NONE);
        if (has_expression && !is_clause) continue;
        start_over(p);
        p->lexer.quiet_line = 0;
        return;
    }
}

// ---- pieces of clauses -------------------------------------------------------------------------------------------

// one word out of a few; another is a fault, after which none counts as written
static AstName parse_choice(Parser *p, AstDeclaration *d, const char *const *word, int n) {
    Text what = {0};
    for (int i = 0; i < n; i++) text_printf(&what, "%s`%s`", i == 0 ? "" : i + 1 < n ? ", " : " or ", word[i]);
    if (what.failed) p->failed = true;
    AstName name = parser_name(p, text_view(&what));
    for (int i = 0; i < n && name.text; i++)
        if (strcmp(name.text, word[i]) == 0) n = 0;
    if (name.text && n > 0) {
        char help[96], message[256];
        snprintf(message, sizeof message, "expected %s, found `%.60s`", text_view(&what), name.text);
        tell(p, d, name.span, "unknown-word", suggest(help, text_nearest(name.text, word, n)), message);
        name.text = NULL;
    }
    text_free(&what);
    return name;
}

// `cite` SOURCE[:LOCATOR], ...
static void parse_cites(Parser *p, AstCite **list, int32_t *n) {
    parser_next_as(p, ROLE_CLAUSE);
    do {
        AstCite cite = {.source = parser_name(p, "a source, as in `cite op_ed:14`")};
        cite.span = cite.source.span;
        if (!p->panic && parser_is(p, TOKEN_COLON)) {
            cite.locator = parser_locator(p);
            cite.span = parser_join(cite.span, p->last.span);
        }
        if (!p->panic) PARSER_PUSH(p, *list, *n, cite);
    } while (parser_accept(p, TOKEN_COMMA));
}

// x = e, y += e, ...
static void parse_effects(Parser *p, AstJump *jump) {
    if (!p->panic && !parser_is_here(p)) parser_expected(p, "an effect such as `power += 0.1`");
    do {
        AstEffect effect = {0};
        // after a comma the next effect may stand on the next line
        p->bracket++;
        effect.target = parser_name(p, "the name of a stock or mode");
        p->bracket--;
        effect.span = effect.target.span;
        static const struct { TokenKind token; AstAssign assign; } ASSIGN[] = {
            {TOKEN_SET, AST_SET}, {TOKEN_PLUS_SET, AST_SET_ADD}, {TOKEN_MINUS_SET, AST_SET_SUBTRACT},
            {TOKEN_TIMES_SET, AST_SET_MULTIPLY}};
        size_t k = 0;
        while (k < DUR_COUNT(ASSIGN) && p->token.kind != ASSIGN[k].token) k++;
        if (p->panic) return;
        if (k == DUR_COUNT(ASSIGN)) {
            if (parser_is(p, TOKEN_EQUAL))
                parser_fault(p, p->token.span, "syntax", NULL, "an effect sets with one `=`; `==` compares");
            parser_expected(p, "`=`, `+=`, `-=` or `*=`");
            return;
        }
        effect.assign = ASSIGN[k].assign;
        parser_next(p);
        effect.value = parser_expression(p);
        if (p->panic) effect.value->kind = AST_ERROR;
        effect.span = parser_join(effect.span, p->last.span);
        PARSER_PUSH(p, jump->effect, jump->n_effect, effect);
    } while (parser_accept(p, TOKEN_COMMA));
}

static void parse_pays(Parser *p, AstJump *jump, Span keyword) {
    AstPays pays = {.span = keyword};
    pays.actor = parser_name(p, "the name of an actor, then an expression");
    pays.value = parser_value(p, "what the actor gets");
    PARSER_PUSH(p, jump->pays, jump->n_pays, pays);
}

// the names of `never a, b`
static void parse_names(Parser *p, AstName **list, int32_t *n, const char *what) {
    AstName name = parser_name(p, what);
    for (;;) {
        if (p->panic) return;
        PARSER_PUSH(p, *list, *n, name);
        if (!parser_accept(p, TOKEN_COMMA)) return;
        p->bracket++;
        name = parser_name(p, what);
        p->bracket--;
    }
}

// { value, value } of a mode, { type, type } of a private type
static void parse_name_list(Parser *p, AstName **list, int32_t *n, const char *why, const char *what) {
    if (!p->panic && !parser_is(p, TOKEN_OPEN_BRACE)) parser_expect(p, TOKEN_OPEN_BRACE, why);
    if (p->panic) return;
    Token open = parser_open(p, ROLE_NONE);
    while (!p->panic && !parser_is(p, TOKEN_CLOSE_BRACE)) {
        AstName name = parser_new_name(p, what);
        if (!p->panic) PARSER_PUSH(p, *list, *n, name);
        if (!parser_accept(p, TOKEN_COMMA)) break;
    }
    parser_close(p, open, TOKEN_CLOSE_BRACE, true);
}

// numbers with or without commas between them
static void parse_belief(Parser *p, AstPrivate *x) {
    do {
        AstExpr *number = parser_value(p, "a probability");
        PARSER_PUSH(p, x->belief, x->n_belief, number);
    } while (parser_accept(p, TOKEN_COMMA) || (!p->panic && parser_is(p, TOKEN_NUMBER) && parser_is_here(p)));
}

static AstText parse_column(Parser *p) {
    if (p->panic || parser_is(p, TOKEN_STRING)) return parser_text(p, "the name of a column", ROLE_NONE);
    AstName name = parser_name(p, "the name of a column");
    return (AstText){.text = name.text, .span = name.span};
}

// ---- policies ----------------------------------------------------------------------------------------------------

// the phase that a clause belongs to: the last one begun, or the one from the start
static AstPhase *phase_in_hand(Parser *p, AstPolicy *policy, Span keyword) {
    if (policy->n_phase == 0) {
        AstPhase start = {.span = keyword};
        PARSER_PUSH(p, policy->phase, policy->n_phase, start);
    }
    return policy->n_phase ? &policy->phase[policy->n_phase - 1] : NULL;
}

// from T: mode = value, mode = value
static void parse_phase(Parser *p, AstPolicy *policy, Span keyword) {
    AstPhase phase = {.span = keyword};
    if (parser_value_here(p, "a time such as `6 month`")) phase.from = parser_sum(p);
    if (!p->panic) parser_expect(p, TOKEN_COLON, "after the time from which a policy holds");
    bool more = !p->panic && parser_is(p, TOKEN_NAME) && parser_is_here(p) &&
                clause_in_hand(p, AST_POLICY_DECLARATION) == CLAUSE_NONE;
    while (more) {
        AstSet set = {0};
        p->bracket++;
        set.mode = parser_name(p, "the name of a mode");
        p->bracket--;
        if (!p->panic) parser_expect(p, TOKEN_SET, "and the value that the mode is set to");
        set.value = parser_name(p, "a value of the mode");
        if (!p->panic) PARSER_PUSH(p, phase.set, phase.n_set, set);
        more = parser_accept(p, TOKEN_COMMA);
    }
    if (phase.from && p->panic) phase.from->kind = AST_ERROR;
    PARSER_PUSH(p, policy->phase, policy->n_phase, phase);
}

static void parse_always(Parser *p, AstPhase *phase) {
    for (bool is_first = true; is_first || parser_accept(p, TOKEN_COMMA); is_first = false) {
        AstAlways always = {0};
        // after a comma the next one may stand on the next line
        p->bracket += !is_first;
        always.move = parser_name(p, "the name of a move");
        p->bracket -= !is_first;
        if (!p->panic && parser_is_word(p, "when") && parser_is_here(p)) {
            parser_next(p);
            always.when = parser_value(p, "a condition after `when`");
        }
        if (!p->panic) PARSER_PUSH(p, phase->always, phase->n_always, always);
    }
}

// ---- clauses -----------------------------------------------------------------------------------------------------

static void parse_clause(Parser *p, AstDeclaration *d, ClauseId id) {
    static const char *const CLOCK[] = {"continuous", "rounds"}, *const CHOICE[] = {"quantal", "taste"};
    if (id == CLAUSE_CITE) {
        parse_cites(p, &d->cite, &d->n_cite);
        return;
    }
    Span keyword = p->token.span;
    AstName word = {0};
    if (id == CLAUSE_POLICY_SURPRISE || id == CLAUSE_POLICY_ANNOUNCED || id == CLAUSE_CLAIM_SENSITIVE)
        word = (AstName){.text = parser_copy(p, &p->token), .span = keyword};
    parser_next_as(p, ROLE_CLAUSE);
    switch (id) {
    case CLAUSE_SCENARIO_CLOCK: d->as.scenario.clock = parse_choice(p, d, CLOCK, 2); break;
    case CLAUSE_SCENARIO_UNIT: d->as.scenario.unit = parser_name(p, "a unit of time such as `month`"); break;
    case CLAUSE_SCENARIO_FROM: d->as.scenario.from = parser_date(p, "a date such as 2025-01-20"); break;
    case CLAUSE_SCENARIO_UNTIL: d->as.scenario.until = parser_date(p, "a date such as 2030-01-20"); break;
    case CLAUSE_SCENARIO_CHOICE: d->as.scenario.choice = parse_choice(p, d, CHOICE, 2); break;
    case CLAUSE_SCENARIO_ORDER: {
        bool more = true;
        while (more) {
            AstName actor = parser_name(p, "the name of an actor");
            if (!p->panic) PARSER_PUSH(p, d->as.scenario.order, d->as.scenario.n_order, actor);
            more = !p->panic && parser_is_word(p, "then") && parser_is_here(p);
            if (more) parser_next(p);
        }
        break;
    }
    case CLAUSE_SOURCE_FILE: d->as.source.file = parser_text(p, "a quoted path", ROLE_NONE); break;
    case CLAUSE_SOURCE_SHA256: d->as.source.sha256 = parser_text(p, "a quoted SHA-256", ROLE_NONE); break;
    case CLAUSE_SOURCE_URL: d->as.source.url = parser_text(p, "a quoted address", ROLE_NONE); break;
    case CLAUSE_SOURCE_DATE: d->as.source.date = parser_date(p, "a date such as 2025-03-01"); break;
    case CLAUSE_ACTOR_PATIENCE: d->as.actor.patience = parser_value(p, "a duration such as `20 month`"); break;
    case CLAUSE_ACTOR_DISCOUNT: d->as.actor.discount = parser_value(p, "a number such as 0.95"); break;
    case CLAUSE_ACTOR_PRECISION: d->as.actor.precision = parser_value(p, "an expression"); break;
    case CLAUSE_ACTOR_ATTENDS: d->as.actor.attends = parser_value(p, "a rate such as `2 per month`"); break;
    case CLAUSE_PRIVATE_BELIEF: parse_belief(p, &d->as.private); break;
    case CLAUSE_PRIVATE_GRID: d->as.private.grid = parser_value(p, "a number of nodes"); break;
    case CLAUSE_PRIVATE_BECOMES: {
        AstBecomes becomes = {.span = keyword, .type = parser_name(p, "a type, then `at` and a rate")};
        if (!p->panic && !parser_is_word(p, "at")) parser_expected(p, "`at` and a rate");
        if (!p->panic) parser_next(p);
        becomes.rate = parser_value(p, "a rate such as `0.1 per month`");
        if (becomes.type.text) PARSER_PUSH(p, d->as.private.becomes, d->as.private.n_becomes, becomes);
        break;
    }
    case CLAUSE_STOCK_RANGE:
        if (parser_value_here(p, "a range such as `0..1`")) d->as.stock.low = parser_sum(p);
        if (!p->panic) parser_expect(p, TOKEN_RANGE, "between the ends of the range");
        if (!p->panic) d->as.stock.high = parser_sum(p);
        if (p->panic && d->as.stock.low) d->as.stock.low->kind = AST_ERROR;
        break;
    case CLAUSE_STOCK_GRID: d->as.stock.grid = parser_value(p, "a number of nodes"); break;
    case CLAUSE_STOCK_START: d->as.stock.start = parser_value(p, "the value at the start"); break;
    case CLAUSE_STOCK_DRIFT: d->as.stock.drift = parser_value(p, "the change per unit of time"); break;
    case CLAUSE_STOCK_NOISE: d->as.stock.noise = parser_value(p, "a standard deviation"); break;
    case CLAUSE_STOCK_CHANGE: d->as.stock.change = parser_value(p, "the change in a round"); break;
    case CLAUSE_STOCK_UNIT: d->as.stock.unit = parser_name(p, "the name of a unit"); break;
    case CLAUSE_PARAM_PRIOR:
        d->as.param.prior = parser_distribution(p, "a distribution such as `lognormal(0, 0.5)`");
        break;
    case CLAUSE_PARAM_PER: d->as.param.per = parser_name(p, "a unit of time such as `month`"); break;
    case CLAUSE_PARAM_UNIT: d->as.param.unit = parser_name(p, "the name of a unit"); break;
    case CLAUSE_LET_UNIT: d->as.let.unit = parser_name(p, "the name of a unit"); break;
    case CLAUSE_EVENT_WHEN: case CLAUSE_MOVE_WHEN: d->as.jump.when = parser_value(p, "a condition"); break;
    case CLAUSE_EVENT_RATE: d->as.jump.rate = parser_value(p, "a rate such as `0.2 per month`"); break;
    case CLAUSE_EVENT_CHANCE: d->as.jump.chance = parser_value(p, "a probability"); break;
    case CLAUSE_EVENT_AT: {
        AstDate date = parser_date(p, "a date such as 2025-06-30");
        AstExpr *at = parser_make(p, date.year ? AST_DATE : AST_ERROR, date.year ? date.span : keyword);
        at->date = date;
        d->as.jump.at = at;
        break;
    }
    case CLAUSE_MOVE_COST: d->as.jump.cost = parser_value(p, "what the move costs"); break;
    case CLAUSE_EVENT_PAYS: case CLAUSE_MOVE_PAYS: parse_pays(p, &d->as.jump, keyword); break;
    case CLAUSE_MOVE_SECRET: d->as.jump.secret = keyword; break;
    case CLAUSE_EVENT_THEN: case CLAUSE_MOVE_THEN: parse_effects(p, &d->as.jump); break;
    case CLAUSE_POLICY_FROM: parse_phase(p, &d->as.policy, keyword); break;
    case CLAUSE_POLICY_NEVER: {
        AstPhase *phase = phase_in_hand(p, &d->as.policy, keyword);
        if (phase) parse_names(p, &phase->never, &phase->n_never, "the name of a move");
        break;
    }
    case CLAUSE_POLICY_ALWAYS: {
        AstPhase *phase = phase_in_hand(p, &d->as.policy, keyword);
        if (phase) parse_always(p, phase);
        break;
    }
    case CLAUSE_POLICY_PRECISION: {
        AstPhase *phase = phase_in_hand(p, &d->as.policy, keyword);
        AstExpr *value = parser_value(p, "an expression");
        if (phase && phase->precision)
            tell(p, d, keyword, "said-twice", NULL, "`precision` was already said for this phase of the policy");
        else if (phase)
            phase->precision = value;
        break;
    }
    case CLAUSE_POLICY_SURPRISE: case CLAUSE_POLICY_ANNOUNCED:
        if (d->as.policy.announced.text)
            tell(p, d, keyword, "said-twice", NULL, "whether the policy is announced was already said");
        else
            d->as.policy.announced = word;
        break;
    case CLAUSE_RECORD_FILE: d->as.record.file = parser_text(p, "a quoted path", ROLE_NONE); break;
    case CLAUSE_RECORD_DATE: d->as.record.date = parse_column(p); break;
    case CLAUSE_RECORD_VALUE: d->as.record.value = parse_column(p); break;
    case CLAUSE_RECORD_PER: d->as.record.per = parser_name(p, "a unit of time such as `month`"); break;
    case CLAUSE_RECORD_OBSERVES: d->as.record.observes = parser_value(p, "an expression"); break;
    case CLAUSE_RECORD_NOISE:
        d->as.record.noise = parser_distribution(p, "`poisson`, `negative_binomial(k)` or `normal(sd)`");
        break;
    case CLAUSE_CLAIM_CONFIDENCE: d->as.claim.confidence = parser_value(p, "a probability such as 0.99"); break;
    case CLAUSE_CLAIM_TOLERANCE: d->as.claim.tolerance = parser_value(p, "a number such as 0.05"); break;
    case CLAUSE_CLAIM_SENSITIVE: d->as.claim.sensitive = word; break;
    case CLAUSE_CITE: case CLAUSE_NONE: break;   // not reached
    }
}

// A keyword that is none. Near one it is taken for that, so that what follows is read too.
static ClauseId unknown_clause(Parser *p, AstDeclaration *d) {
    Spelling word = parser_spelling(p, &p->token);
    const char *near = grammar_near_clause(d->kind, word.text);
    char help[96];
    Text list = {0};
    grammar_list_clauses(&list, d->kind);
    if (list.failed) p->failed = true;
    d->has_fault = true;
    parser_fault(p, p->token.span, "unknown-clause", suggest(help, near), "`%s` has no clause `%s`: expected %s",
                 ast_declaration_keyword(d->kind), word.text, text_view(&list));
    text_free(&list);
    if (!near || p->stopped) return CLAUSE_NONE;
    p->panic = false;
    return grammar_clause(d->kind, near);
}

// harm -1.2*traffic [cite SOURCE:PLACE]
static void parse_term(Parser *p, AstDeclaration *d) {
    AstTerm term = {0};
    Spelling word = parser_spelling(p, &p->token);
    if (grammar_is_reserved(word.text)) {
        parser_fault(p, p->token.span, "reserved-word", NULL,
                     "`%s` is a word of the language and cannot be a name of yours", word.text);
        return;
    }
    term.name = (AstName){.text = parser_copy(p, &p->token), .span = p->token.span};
    parser_next_as(p, ROLE_ITEM);
    term.value = parser_value(p, "an expression for the term");
    if (!p->panic && parser_is_word(p, "cite") && parser_is_here(p)) parse_cites(p, &term.cite, &term.n_cite);
    PARSER_PUSH(p, d->as.payoff.term, d->as.payoff.n_term, term);
}

static void parse_description(Parser *p, AstDeclaration *d) {
    if (d->text.text)
        tell(p, d, p->token.span, "said-twice", NULL, "there is a description already");
    AstText text = parser_string(p, ROLE_ITEM);   // a clause of its own: it may begin a line
    if (!d->text.text) d->text = text;
}

// One clause, whatever it is. `seen` has a bit for each clause that was said.
static void parse_any_clause(Parser *p, AstDeclaration *d, uint64_t *seen) {
    if (parser_is(p, TOKEN_STRING)) {
        parse_description(p, d);
        return;
    }
    ClauseId id = clause_in_hand(p, d->kind);
    if (id == CLAUSE_NONE && d->kind == AST_PAYOFF_DECLARATION && parser_is(p, TOKEN_NAME)) {
        parse_term(p, d);
        return;
    }
    if (id == CLAUSE_NONE && d->kind == AST_CLAIM_DECLARATION && !d->as.claim.comparison) {
        int32_t first = p->trace ? p->trace->n : 0;
        d->as.claim.comparison = parser_expression(p);
        if (p->trace && p->trace->n > first) p->trace->item[first].is_item = true;
        if (p->panic) d->as.claim.comparison->kind = AST_ERROR;
        return;
    }
    if (id == CLAUSE_NONE && parser_is(p, TOKEN_NAME)) id = unknown_clause(p, d);
    if (id == CLAUSE_NONE) {
        char what[64];
        snprintf(what, sizeof what, "a clause of `%s` or `}`", ast_declaration_keyword(d->kind));
        parser_expected(p, what);
        return;
    }
    if (id < CLAUSE_COUNT && CLAUSE[id].count == CLAUSE_ONCE) {
        if (*seen >> id & 1) {
            char message[96];
            snprintf(message, sizeof message, "`%s` was already said here; it can be said once", CLAUSE[id].keyword);
            tell(p, d, p->token.span, "said-twice", NULL, message);
            // read it, and let what was said first stand
            AstDeclaration second = *d;
            parse_clause(p, &second, id);
            d->has_fault |= second.has_fault;
            return;
        }
        *seen |= (uint64_t)1 << id;
    }
    parse_clause(p, d, id);
}

_Static_assert(CLAUSE_COUNT <= 64, "a bit for each clause");

// ---- blocks ------------------------------------------------------------------------------------------------------

// what may stand behind a clause
static void check_clause_end(Parser *p, AstDeclaration *d) {
    const Token *t = &p->token;
    if (p->panic || t->line_first) return;
    if (t->kind == TOKEN_SEMICOLON || t->kind == TOKEN_CLOSE_BRACE || t->kind == TOKEN_END) return;
    if (clause_in_hand(p, d->kind) != CLAUSE_NONE) return;
    if (t->kind == TOKEN_STRING && !d->text.text) return;
    // a keyword that was mistyped, or that belongs elsewhere, is told as such by the next round
    bool takes_keyword = t->kind == TOKEN_NAME && d->kind != AST_PAYOFF_DECLARATION &&
                         (d->kind != AST_CLAIM_DECLARATION || d->as.claim.comparison);
    if (takes_keyword) {
        Spelling word = parser_spelling(p, t);
        bool is_elsewhere = grammar_is_word(word.text) && !grammar_is_reserved(word.text);
        if (is_elsewhere || grammar_near_clause(d->kind, word.text)) return;
    }
    if (t->kind == TOKEN_SET)
        parser_fault(p, t->span, "syntax", "write `==` to compare",
                     "expected an operator or the end of the clause, found `=`");
    parser_expected(p, d->kind == AST_PAYOFF_DECLARATION ? "an operator, or a new line or `;` before the next term"
                                                         : "an operator, a new line, `;` or another clause");
}

// { declarations } of a rival
static void parse_rival(Parser *p, AstDeclaration *d) {
    AstRival *rival = &d->as.rival;
    while (!parser_is(p, TOKEN_CLOSE_BRACE) && !parser_is(p, TOKEN_END)) {
        size_t before = p->token.offset;
        if (parser_is(p, TOKEN_SEMICOLON)) {
            parser_next_as(p, ROLE_SEPARATOR);
            continue;
        }
        if (parser_is(p, TOKEN_STRING) || parser_is_word(p, "cite")) {
            if (parser_is(p, TOKEN_STRING)) parse_description(p, d);
            else parse_cites(p, &d->cite, &d->n_cite);
            if (p->panic) recover_clause(p, d, before);
            continue;
        }
        AstDeclarationKind kind = declaration_in_hand(p);
        if (kind != AST_DECLARATION_COUNT && kind != AST_PARAM_DECLARATION && kind != AST_LET_DECLARATION &&
            kind != AST_PAYOFF_DECLARATION && kind != AST_POLICY_DECLARATION) {
            // back at the margin it is the next declaration of the file, and a brace is missing
            if (p->token.line_first && p->token.span.column <= d->span.column) return;
            parser_fault(p, p->token.span, "syntax", NULL,
                         "a rival replaces params, lets, payoffs and policies only; found `%s`",
                         ast_declaration_keyword(kind));
            d->has_fault = true;
            Span from = p->token.span;
            parser_next(p);
            recover_declaration(p, from, false, true);
            continue;
        }
        if (kind != AST_DECLARATION_COUNT && p->token.line_first && p->token.span.column <= d->span.column) return;
        AstDeclaration *inner = parse_declaration(p, d);
        p->declaration = d;
        if (inner) PARSER_PUSH(p, rival->declaration, rival->n_declaration, inner);
        else d->has_fault = true;
        if (p->token.offset == before && !parser_is(p, TOKEN_CLOSE_BRACE)) parser_next(p);
    }
}

static void parse_block(Parser *p, AstDeclaration *d, uint64_t *seen) {
    Token open = p->token;
    parser_next_as(p, ROLE_OPEN);
    if (d->kind == AST_RIVAL_DECLARATION) parse_rival(p, d);
    while (!parser_is(p, TOKEN_CLOSE_BRACE) && !parser_is(p, TOKEN_END)) {
        if (parser_is(p, TOKEN_SEMICOLON)) {
            parser_next_as(p, ROLE_SEPARATOR);
            continue;
        }
        if (d->kind == AST_RIVAL_DECLARATION || parser_looks_like_declaration(p)) break;
        size_t before = p->token.offset;
        p->clause_column = p->token.line_first ? p->token.span.column : 0;
        parse_any_clause(p, d, seen);
        check_clause_end(p, d);
        if (p->panic) recover_clause(p, d, before);
        if (p->token.offset == before) parser_next(p);
    }
    if (parser_is(p, TOKEN_CLOSE_BRACE)) {
        parser_next_as(p, ROLE_CLOSE);
        return;
    }
    Span at = p->token.span;
    char found[96] = "the end of the file";
    if (parser_is(p, TOKEN_END)) {
        at = p->last.span;
        at.column += at.length;
        at.length = 1;
    } else {
        snprintf(found, sizeof found, "`%s`", parser_spelling(p, &p->token).text);
    }
    d->has_fault = true;
    parser_fault(p, at, "syntax", NULL, "the `{` of line %d is not closed: expected `}` before %s",
                 (int)open.span.line, found);
    p->panic = false;
}

// ---- heads -------------------------------------------------------------------------------------------------------

// descriptions and `of ACTOR`, in either order
static void parse_head(Parser *p, AstDeclaration *d) {
    bool takes_actor = d->kind == AST_PRIVATE_DECLARATION || d->kind == AST_MODE_DECLARATION ||
                       d->kind == AST_MOVE_DECLARATION || d->kind == AST_POLICY_DECLARATION;
    while (!p->panic && parser_is_here(p)) {
        if (parser_is(p, TOKEN_STRING) && !d->text.text) {
            d->text = parser_text(p, "a description", ROLE_TEXT);
        } else if (takes_actor && !d->of.text && parser_is_word(p, "of")) {
            parser_next_as(p, ROLE_OF);
            d->of = parser_name(p, "the name of an actor after `of`");
        } else {
            break;
        }
    }
    if (takes_actor && !d->of.text && !p->panic)
        parser_expected(p, d->kind == AST_MODE_DECLARATION ? "`of` and an actor, or `of nature`" : "`of` and an actor");
}

// table NAME(x) { x0: y0, x1: y1, ... }
static void parse_points(Parser *p, AstTable *table) {
    if (!p->panic && !parser_is(p, TOKEN_OPEN_BRACE))
        parser_expect(p, TOKEN_OPEN_BRACE, "with points, as in `{ 0: 1, 10: 3 }`");
    if (p->panic) return;
    Token open = parser_open(p, ROLE_NONE);
    while (!p->panic && !parser_is(p, TOKEN_CLOSE_BRACE)) {
        AstPoint point = {.x = parser_sum(p)};
        if (!p->panic) parser_expect(p, TOKEN_COLON, "between x and y of a point");
        if (!p->panic) {
            point.y = parser_sum(p);
            PARSER_PUSH(p, table->point, table->n_point, point);
        }
        if (!parser_accept(p, TOKEN_COMMA)) break;
    }
    parser_close(p, open, TOKEN_CLOSE_BRACE, true);
}

// = EXPR of a param or let; `= 2 per month` says the time unit of a param
static void parse_assigned(Parser *p, AstDeclaration *d) {
    if (!p->panic && !parser_is(p, TOKEN_SET)) parser_expect(p, TOKEN_SET, "and a value");
    if (p->panic) return;
    parser_next_as(p, ROLE_VALUE);
    AstExpr *value = parser_expression(p);
    if (p->panic) value->kind = AST_ERROR;
    if (d->kind == AST_LET_DECLARATION) {
        d->as.let.value = value;
    } else if (value->kind == AST_PER && !value->parenthesised) {
        d->as.param.value = value->a;
        d->as.param.per = value->name;
    } else {
        d->as.param.value = value;
    }
}

static const char *new_name_of(AstDeclarationKind kind, char buffer[64]) {
    snprintf(buffer, 64, "a name for the %s", ast_declaration_keyword(kind));
    return buffer;
}

static void parse_own_part(Parser *p, AstDeclaration *d) {
    char what[64];
    switch (d->kind) {
    case AST_SCENARIO_DECLARATION:
        parse_head(p, d);
        break;
    case AST_IMPORT_DECLARATION:
        d->text = parser_text(p, "the quoted path of a file", ROLE_NONE);
        d->as.import.file = -1;
        break;
    case AST_PAYOFF_DECLARATION:
        d->name = parser_name(p, "the name of an actor");
        parse_head(p, d);
        break;
    case AST_PRIVATE_DECLARATION:
        d->name = parser_new_name(p, new_name_of(d->kind, what));
        parse_head(p, d);
        pass_to_brace(p, d);
        parse_name_list(p, &d->as.private.type, &d->as.private.n_type, "with the types", "the name of a type");
        break;
    case AST_MODE_DECLARATION:
        d->name = parser_new_name(p, new_name_of(d->kind, what));
        parse_head(p, d);
        pass_to_brace(p, d);
        parse_name_list(p, &d->as.mode.value, &d->as.mode.n_value, "with the values of the mode",
                        "the name of a value");
        break;
    case AST_PARAM_DECLARATION:
    case AST_LET_DECLARATION:
        d->name = parser_new_name(p, new_name_of(d->kind, what));
        parse_head(p, d);
        parse_assigned(p, d);
        break;
    case AST_TABLE_DECLARATION:
        d->name = parser_new_name(p, new_name_of(d->kind, what));
        if (!p->panic && !parser_is(p, TOKEN_OPEN_PAREN))
            parser_expect(p, TOKEN_OPEN_PAREN, "and a name for the argument");
        if (!p->panic) {
            Token open = parser_open(p, ROLE_CALL);
            d->as.table.argument = parser_new_name(p, "a name for the argument");
            parser_close(p, open, TOKEN_CLOSE_PAREN, false);
        }
        parse_head(p, d);
        pass_to_brace(p, d);
        parse_points(p, &d->as.table);
        break;
    default:
        d->name = parser_new_name(p, new_name_of(d->kind, what));
        parse_head(p, d);
        break;
    }
    pass_to_brace(p, d);
}

// blocks and clauses behind the head
static void parse_tail(Parser *p, AstDeclaration *d) {
    uint64_t seen = d->kind == AST_PARAM_DECLARATION && d->as.param.per.text ? (uint64_t)1 << CLAUSE_PARAM_PER : 0;
    bool has_block = false;
    bool needs_block = d->kind == AST_PAYOFF_DECLARATION || d->kind == AST_CLAIM_DECLARATION ||
                       d->kind == AST_RIVAL_DECLARATION;
    while (!p->panic) {
        bool is_clause = clause_in_hand(p, d->kind) != CLAUSE_NONE || (parser_is(p, TOKEN_STRING) && !d->text.text);
        if (parser_is(p, TOKEN_OPEN_BRACE) && !has_block) {
            has_block = true;
            parse_block(p, d, &seen);
        } else if (parser_is_here(p) && is_clause) {
            p->clause_column = 0;
            parse_any_clause(p, d, &seen);
        } else {
            break;
        }
    }
    if (!p->panic && needs_block && !has_block) parser_expected(p, "`{`");
}

// a declaration that starts with a word that is none
static AstDeclarationKind unknown_declaration(Parser *p, AstDeclarationKind last) {
    char help[96];
    if (!parser_is(p, TOKEN_NAME)) {
        parser_expected(p, "a declaration such as `stock`, `move` or `payoff`");
        return AST_DECLARATION_COUNT;
    }
    Spelling word = parser_spelling(p, &p->token);
    if (last != AST_DECLARATION_COUNT && grammar_clause(last, word.text) != CLAUSE_NONE) {
        parser_fault(p, p->token.span, "syntax", "put it inside the { } above, or on the line above",
                     "`%s` is a clause of `%s` and stands outside of one here", word.text,
                     ast_declaration_keyword(last));
        return AST_DECLARATION_COUNT;
    }
    const char *near = grammar_near_declaration(word.text);
    parser_fault(p, p->token.span, "unknown-declaration", suggest(help, near),
                 "expected a declaration such as `stock`, `move` or `payoff`, found `%s`", word.text);
    const Token *behind = parser_ahead(p, 1);
    bool has_head = behind->kind == TOKEN_NAME || behind->kind == TOKEN_STRING;
    if (!near || p->stopped || !has_head) return AST_DECLARATION_COUNT;
    p->panic = false;
    return grammar_declaration(near);
}

// NULL if there was none
static AstDeclaration *parse_declaration(Parser *p, const AstDeclaration *rival) {
    Span from = p->token.span;
    AstDeclarationKind kind = declaration_in_hand(p);
    bool is_mended = kind == AST_DECLARATION_COUNT;
    if (is_mended)
        kind = unknown_declaration(p, p->declaration && p->declaration != rival ? p->declaration->kind
                                                                               : AST_DECLARATION_COUNT);
    AstDeclaration *d = kind == AST_DECLARATION_COUNT ? NULL : parser_alloc(p, sizeof *d);
    if (!d) {
        p->ast->is_partial = true;
        parser_next(p);
        recover_declaration(p, from, false, rival != NULL);
        return NULL;
    }
    *d = (AstDeclaration){.kind = kind, .span = from, .has_fault = is_mended};
    p->declaration = d;
    p->clause_column = 0;
    parser_next_as(p, ROLE_DECLARATION);
    parse_own_part(p, d);
    parse_tail(p, d);

    // the declaration ends with its line, unless another one follows on it
    bool is_end = p->token.line_first || parser_is(p, TOKEN_END) || parser_is(p, TOKEN_SEMICOLON) ||
                  (rival && parser_is(p, TOKEN_CLOSE_BRACE)) || declaration_in_hand(p) != AST_DECLARATION_COUNT;
    if (!p->panic && !is_end) {
        bool is_name = parser_is(p, TOKEN_NAME) && grammar_near_clause(kind, parser_spelling(p, &p->token).text);
        bool has_value = kind == AST_LET_DECLARATION || kind == AST_PARAM_DECLARATION;
        if (is_name) unknown_clause(p, d);
        else if (has_value && parser_is(p, TOKEN_SET))
            parser_fault(p, p->token.span, "syntax", "write `==` to compare",
                         "expected an operator or the end of the line, found `=`");
        else
            parser_expected(p, has_value ? "an operator, a clause or the end of the line"
                                         : "a clause or the end of the line");
        p->panic = true;
    }
    if (p->panic) {
        d->has_fault = true;
        if (!d->name.text) p->ast->is_partial = true;
        recover_declaration(p, from, true, rival != NULL);
    }
    return d;
}

void parser_file(Parser *p, AstFile *file) {
    while (!parser_is(p, TOKEN_END)) {
        if (parser_is(p, TOKEN_SEMICOLON)) {
            parser_next_as(p, ROLE_SEPARATOR);
            continue;
        }
        AstDeclaration *d = parse_declaration(p, NULL);
        if (d) PARSER_PUSH(p, file->declaration, file->n_declaration, d);
    }
    p->declaration = NULL;
}
