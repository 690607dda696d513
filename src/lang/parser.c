#include "lang/parser.h"

#include "base/memory.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

// ---- tokens ------------------------------------------------------------------------------------------------------

void parser_start(Parser *p, Ast *ast, const char *text, size_t n, int32_t i_file, Diagnostics *faults, Trace *trace) {
    *p = (Parser){.lexer = lexer_start(text, n, i_file, faults), .ast = ast, .faults = faults, .trace = trace};
    p->last.span = (Span){.file = i_file, .line = 1, .column = 1};
    p->token = lexer_next(&p->lexer);
}

static void stop(Parser *p) {
    p->stopped = true;
    p->n_ahead = 0;
    p->token.kind = TOKEN_END;
    p->token.size = 0;
}

static void note_token(Parser *p, Role role) {
    Trace *trace = p->trace;
    if (!trace || trace->failed) return;
    if (trace->n == trace->capacity) {
        int32_t capacity = trace->capacity ? 2 * trace->capacity : 256;
        TraceToken *item = memory_resize(trace->item, (size_t)capacity * sizeof *item);
        if (!item) {
            trace->failed = p->failed = true;
            stop(p);
            return;
        }
        trace->item = item;
        trace->capacity = capacity;
    }
    trace->item[trace->n++] = (TraceToken){.offset = (uint32_t)p->token.offset, .size = (uint32_t)p->token.size,
                                           .kind = p->token.kind, .role = role, .line_first = p->token.line_first};
}

void parser_next_as(Parser *p, Role role) {
    if (p->stopped || p->token.kind == TOKEN_END) return;
    note_token(p, role);
    if (p->stopped) return;
    p->last = p->token;
    if (p->n_ahead > 0) {
        p->token = p->ahead[0];
        for (int i = 1; i < p->n_ahead; i++) p->ahead[i - 1] = p->ahead[i];
        p->n_ahead--;
    } else {
        p->token = lexer_next(&p->lexer);
    }
}

void parser_next(Parser *p) { parser_next_as(p, ROLE_NONE); }

const Token *parser_ahead(Parser *p, int k) {
    if (p->stopped) return &p->token;
    while (p->n_ahead < k) p->ahead[p->n_ahead++] = lexer_next(&p->lexer);
    return &p->ahead[k - 1];
}

bool parser_is(const Parser *p, TokenKind kind) { return p->token.kind == kind; }

bool parser_token_is_word(const Parser *p, const Token *t, const char *word) {
    return t->kind == TOKEN_NAME && strncmp(p->lexer.text + t->offset, word, t->size) == 0 && word[t->size] == '\0';
}

bool parser_is_word(const Parser *p, const char *word) { return parser_token_is_word(p, &p->token, word); }

bool parser_accept(Parser *p, TokenKind kind) {
    if (p->panic || p->token.kind != kind) return false;
    parser_next(p);
    return true;
}

bool parser_expect(Parser *p, TokenKind kind, const char *why) {
    if (parser_accept(p, kind)) return true;
    char what[160];
    snprintf(what, sizeof what, "`%s` %s", lexer_spelling(kind), why);
    parser_expected(p, what);
    return false;
}

bool parser_is_here(const Parser *p) { return !p->token.line_first || p->bracket > 0; }

Token parser_open(Parser *p, Role role) {
    Token open = p->token;
    if (open.kind == TOKEN_OPEN_BRACE) p->brace++;
    p->bracket++;
    parser_next_as(p, role);
    return open;
}

bool parser_close(Parser *p, Token open, TokenKind kind, bool is_list) {
    if (p->panic) return false;
    if (p->token.kind != kind) {
        char what[160];
        const char *more = is_list ? "`,` or " : "";
        if (open.span.line == p->token.span.line)
            snprintf(what, sizeof what, "%s`%s`", more, lexer_spelling(kind));
        else
            snprintf(what, sizeof what, "%s`%s` to close the `%s` of line %d", more, lexer_spelling(kind),
                     lexer_spelling(open.kind), (int)open.span.line);
        if (kind == TOKEN_CLOSE_BRACE) parser_expected(p, what);
        else                           parser_expected_behind(p, what);
        return false;
    }
    if (kind == TOKEN_CLOSE_BRACE) p->brace--;
    p->bracket--;
    parser_next(p);
    return true;
}

bool parser_enter(Parser *p) {
    if (p->panic) return false;
    if (p->nesting == LANG_NESTING_MAX) {
        parser_fault(p, p->token.span, "too-deep", "name the inner parts with `let`",
                     "this is nested more than %d deep, which is the limit", LANG_NESTING_MAX);
        return false;
    }
    p->nesting++;
    return true;
}

void parser_leave(Parser *p) { p->nesting--; }

Span parser_join(Span a, Span b) {
    if (a.line == b.line && b.column + b.length > a.column) a.length = b.column + b.length - a.column;
    return a;
}

// ---- faults ------------------------------------------------------------------------------------------------------

Spelling parser_spelling(const Parser *p, const Token *t) {
    Spelling s;
    // a cut one can't be mistaken for the name that it begins like
    if (t->size < sizeof s.text) {
        memcpy(s.text, p->lexer.text + t->offset, t->size);
        s.text[t->size] = '\0';
    } else {
        memcpy(s.text, p->lexer.text + t->offset, sizeof s.text - 4);
        memcpy(s.text + sizeof s.text - 4, "...", 4);
    }
    return s;
}

void parser_fault(Parser *p, Span span, const char *code, const char *help, const char *format, ...) {
    if (p->panic) return;
    p->panic = true;
    if (p->stopped) return;
    // beyond what is kept a fault is only counted: no time goes into its text
    if (p->faults->n >= DIAGNOSTIC_MAX) {
        p->faults->n_error++;
        return;
    }
    char message[512];
    va_list args;
    va_start(args, format);
    vsnprintf(message, sizeof message, format, args);
    va_end(args);
    diagnostics_add(p->faults, SEVERITY_ERROR, span, code, help, "%s", message);
}

static void expected(Parser *p, const char *what, const char *help) {
    const Token *t = &p->token;
    if (t->kind == TOKEN_BAD) {
        p->panic = true;
        return;
    }
    // at the end of a line the caret belongs behind what was last said, not under the next line
    Span behind = p->last.span;
    behind.column += behind.length;
    behind.length = 1;
    if (t->kind == TOKEN_END)
        parser_fault(p, p->last.size ? behind : t->span, "syntax", NULL, "expected %s, found the end of the %s", what,
                     p->declaration || p->last.size ? "file" : "file, which is empty");
    else if (t->line_first && p->bracket == 0 && p->last.size)
        parser_fault(p, behind, "syntax", NULL, "expected %s, found the end of the line", what);
    else if (t->kind == TOKEN_STRING)
        parser_fault(p, t->span, "syntax", NULL, "expected %s, found a quoted text", what);
    else
        parser_fault(p, t->span, "syntax", help, "expected %s, found `%s`", what, parser_spelling(p, t).text);
}

void parser_expected(Parser *p, const char *what) { expected(p, what, NULL); }

void parser_expected_behind(Parser *p, const char *what) {
    expected(p, what, parser_is(p, TOKEN_SET) ? "did you mean `==`?" : NULL);
}

// ---- memory ------------------------------------------------------------------------------------------------------

void *parser_alloc(Parser *p, size_t n_byte) {
    void *memory = p->stopped && p->failed ? NULL : arena_alloc(p->ast->arena, n_byte);
    if (!memory) {
        p->failed = true;
        stop(p);
    }
    return memory;
}

static bool count_node(Parser *p) {
    if (p->ast->n_node < LANG_NODES_MAX) {
        p->ast->n_node++;
        return true;
    }
    if (!p->stopped) {
        diagnostics_add(p->faults, SEVERITY_ERROR, p->token.span, "too-long", NULL,
                        "the scenario has more than %d numbers, names and operators, which is the limit; "
                        "reading stops here", LANG_NODES_MAX);
        p->panic = true;
        stop(p);
    }
    return false;
}

void *parser_grow(Parser *p, void *list, int32_t n, size_t each) {
    if (!count_node(p)) return NULL;
    // lists grow at 0, 4, 8, 16, ... so that the count alone says whether there is room
    bool is_full = n == 0 || (n >= 4 && (n & (n - 1)) == 0);
    if (!is_full) return list;
    void *grown = parser_alloc(p, each * (size_t)(n ? 2 * n : 4));
    if (grown && n) memcpy(grown, list, each * (size_t)n);
    return grown;
}

AstExpr *parser_make(Parser *p, AstExprKind kind, Span span) {
    if (!count_node(p)) kind = AST_ERROR;
    AstExpr *expr = parser_alloc(p, sizeof *expr);
    if (!expr) {
        expr = &p->spare;
        *expr = (AstExpr){0};
    }
    expr->kind = kind;
    expr->span = span;
    expr->depth = 1;
    return expr;
}

const char *parser_copy(Parser *p, const Token *t) {
    char *copy = parser_alloc(p, t->size + 1);
    if (copy) memcpy(copy, p->lexer.text + t->offset, t->size);
    return copy;
}

// ---- names and texts ---------------------------------------------------------------------------------------------

AstName parser_name(Parser *p, const char *what) {
    if (p->panic) return (AstName){0};
    if (p->token.kind != TOKEN_NAME || !parser_is_here(p)) {
        parser_expected(p, what);
        return (AstName){0};
    }
    AstName name = {.text = parser_copy(p, &p->token), .span = p->token.span};
    parser_next(p);
    return name;
}

AstName parser_new_name(Parser *p, const char *what) {
    if (!p->panic && p->token.kind == TOKEN_NAME) {
        Spelling name = parser_spelling(p, &p->token);
        // told without panic: what follows is most likely right
        if (grammar_is_reserved(name.text) && !p->stopped)
            diagnostics_add(p->faults, SEVERITY_ERROR, p->token.span, "reserved-word", NULL,
                            "`%s` is a word of the language and cannot be a name of yours", name.text);
    }
    return parser_name(p, what);
}

// a quoted text without its quotes and escapes
static const char *copy_text(Parser *p, const Token *t) {
    const char *s = p->lexer.text + t->offset;
    char *copy = parser_alloc(p, t->size);
    if (!copy) return NULL;
    size_t n = 0;
    for (size_t i = 1; i + 1 < t->size; i++) {
        if (s[i] == '\\') i++;
        copy[n++] = s[i];
    }
    return copy;
}

AstText parser_text(Parser *p, const char *what, Role role) {
    if (p->panic) return (AstText){0};
    if (p->token.kind != TOKEN_STRING || !parser_is_here(p)) {
        parser_expected(p, what);
        return (AstText){0};
    }
    return parser_string(p, role);
}

AstText parser_string(Parser *p, Role role) {
    AstText text = {.span = p->token.span};
    text.text = copy_text(p, &p->token);
    parser_next_as(p, role);
    return text;
}

AstDate parser_date(Parser *p, const char *what) {
    if (p->panic) return (AstDate){0};
    if (p->token.kind != TOKEN_DATE || !parser_is_here(p)) {
        parser_expected(p, what);
        return (AstDate){0};
    }
    AstDate date = p->token.date;
    parser_next(p);
    return date;
}

const char *parser_locator(Parser *p) {
    if (p->panic || p->stopped) return NULL;
    // what stands behind the colon is no token of expressions ("12a", "3.4.1"), so it is read before the lexer tries
    note_token(p, ROLE_PLACE);
    if (p->stopped) return NULL;
    p->last = p->token;
    p->n_ahead = 0;
    p->lexer.at = p->token.offset + 1;
    p->lexer.line = p->token.span.line;
    p->lexer.column = p->token.span.column + 1;
    p->lexer.fresh_line = false;
    p->token = lexer_locator(&p->lexer);
    if (p->token.kind == TOKEN_BAD && p->token.size == 0) {
        parser_fault(p, p->token.span, "syntax", "a place with spaces is quoted, as in `cite op_ed:\"page 3\"`",
                     "expected a place in the source after `:`, as in `cite op_ed:14`");
        p->token = lexer_next(&p->lexer);
        return NULL;
    }
    if (p->token.kind == TOKEN_BAD) {
        p->panic = true;
        return NULL;
    }
    const char *locator = p->token.kind == TOKEN_STRING ? copy_text(p, &p->token) : parser_copy(p, &p->token);
    parser_next_as(p, ROLE_PLACE);
    return locator;
}
