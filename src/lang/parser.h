/// The parser's inside: what parse_declaration.c and parse_expression.c share. Others use parse.h.
///
/// A recursive descent with one token in hand. A fault is told once: it raises `panic`, in which every function
/// returns without looking further and no other fault is told, until the loop over clauses or declarations has passed
/// to the next place where one can begin.
#ifndef LANG_PARSER_H
#define LANG_PARSER_H

#include "lang/grammar.h"
#include "lang/lang.h"
#include "lang/lexer.h"

/// What a token is there for, as far as a layout cares.
typedef enum Role {
    ROLE_NONE,
    ROLE_DECLARATION,   // keyword of a declaration
    ROLE_OF,            // `of ACTOR` of its head
    ROLE_TEXT,          // description in the head
    ROLE_VALUE,         // `=` of a param or let
    ROLE_CLAUSE,        // keyword of a clause
    ROLE_ITEM,          // name of a payoff term, or a description in clause position
    ROLE_OPEN,          // brace of a block of clauses
    ROLE_CLOSE,
    ROLE_SEPARATOR,     // semicolon
    ROLE_SIGN,          // minus before one operand
    ROLE_CALL,          // bracket behind a function or table
    ROLE_WORD,          // `by`, `if`, P and E: an operator beside it stands apart
    ROLE_PLACE          // colon and locator of a citation
} Role;

typedef struct TraceToken {
    uint32_t  offset, size;   // in the text
    TokenKind kind;
    Role      role;
    bool      line_first;
    bool      is_item;        // starts a clause without a keyword: the comparison of a claim
} TraceToken;

/// Every token in order with its role, for fmt. `item` is owned by whoever made the trace.
typedef struct Trace {
    TraceToken *item;
    int32_t n, capacity;
    bool failed;
} Trace;

#define PARSER_AHEAD 5

typedef struct Parser {
    Lexer  lexer;
    Token  token;                  // in hand, not yet consumed
    Token  last;                   // consumed last
    Token  ahead[PARSER_AHEAD];    // behind the one in hand, looked at before their time
    int    n_ahead;

    Ast         *ast;
    Diagnostics *faults;
    Trace       *trace;            // NULL unless for fmt
    const AstDeclaration *declaration;   // being read; NULL between declarations
    int32_t clause_column;         // where the clause being read starts
    int     nesting;               // brackets, signs and `if`s around the token
    int     bracket;               // open brackets of the clause: inside, the end of a line means nothing
    int     brace;                 // those of them that are braces
    int     await_then;            // `if`s whose `then` has not come yet
    bool    in_quantity;
    bool    panic;                 // a fault was told, its clause is not yet passed over
    bool    stopped;               // a limit was met, or memory is out: every token from now on is the end
    bool    failed;                // memory is out
    AstExpr spare;                 // what stands for a node when memory is out; never read
} Parser;

/// Parse one text into `file`. Faults go to p->faults; memory failure to p->failed.
void parser_start(Parser *p, Ast *ast, const char *text, size_t n, int32_t i_file, Diagnostics *faults, Trace *trace);
void parser_file(Parser *p, AstFile *file);                 // parse_declaration.c
AstExpr *parser_lone_expression(Parser *p);                 // up to the end of the text

/// Add a text to c->file and parse it into `file`, imports not followed; `trace` NULL unless for fmt (source.c).
/// What is no text at all is a fault. DUR_MEMORY or DUR_OK.
DurStatus parser_read(Compilation *c, Ast *ast, const char *path, const char *text, size_t n, Trace *trace,
                      AstFile *file);

/// Tokens. `ahead` 1 is the one behind the one in hand.
void parser_next(Parser *p);
void parser_next_as(Parser *p, Role role);
const Token *parser_ahead(Parser *p, int k);
bool parser_is(const Parser *p, TokenKind kind);
bool parser_is_word(const Parser *p, const char *word);
bool parser_token_is_word(const Parser *p, const Token *t, const char *word);
bool parser_accept(Parser *p, TokenKind kind);
bool parser_expect(Parser *p, TokenKind kind, const char *why);   // fault: "expected `{` WHY, found ..."
/// True if the token in hand stands behind the last one on the same line, or inside brackets.
bool parser_is_here(const Parser *p);

/// Brackets: consume the opening one, read, then close. parser_close names the opening line in its fault.
Token parser_open(Parser *p, Role role);
bool  parser_close(Parser *p, Token open, TokenKind kind, bool is_list);   // a list: a comma would do too
/// One deeper; false and a fault beyond LANG_NESTING_MAX. Every true one is followed by parser_leave.
bool parser_enter(Parser *p);
void parser_leave(Parser *p);

/// Faults. All raise panic and say nothing while it is up; a bad token has been told by the lexer.
void parser_fault(Parser *p, Span span, const char *code, const char *help, const char *format, ...) DUR_PRINTF(5, 6);
void parser_expected(Parser *p, const char *what);          // "expected WHAT, found ..."
void parser_expected_behind(Parser *p, const char *what);   // the same behind an expression, where `=` was meant to be `==`

/// The texts of tokens, copied into the arena: a name; a quoted text without quotes and escapes.
/// What is not there is a fault.
AstName parser_name(Parser *p, const char *what);
AstName parser_new_name(Parser *p, const char *what);   // one that is being declared: not a reserved word
AstText parser_text(Parser *p, const char *what, Role role);
/// The quoted text at hand, wherever on its line it stands; the caller has seen that there is one.
AstText parser_string(Parser *p, Role role);
/// The locator behind the colon in hand of a citation: consumes both. NULL after a fault.
const char *parser_locator(Parser *p);
AstDate parser_date(Parser *p, const char *what);
const char *parser_copy(Parser *p, const Token *t);
/// The first bytes of a token, for messages and comparisons; longer ones are cut.
typedef struct Spelling { char text[64]; } Spelling;
Spelling parser_spelling(const Parser *p, const Token *t);

/// Memory: zeroed, in the tree's arena. NULL when it is out; the parser has then stopped.
void *parser_alloc(Parser *p, size_t n_byte);
/// Room for one item more, counted as a node; NULL when memory or LANG_NODES_MAX is used up.
void *parser_grow(Parser *p, void *list, int32_t n, size_t each);
#define PARSER_PUSH(p, list, n, value) do {                              \
    void *grown_ = parser_grow((p), (list), (n), sizeof *(list));        \
    if (grown_) { (list) = grown_; (list)[(n)++] = (value); }            \
} while (0)

/// From the start of `a` to the end of `b`, or to the end of a's line if b is on a later one.
Span parser_join(Span a, Span b);

/// Expressions (parse_expression.c). Never NULL; AST_ERROR after a fault.
AstExpr *parser_expression(Parser *p);
/// One without comparisons and logic, which may stand before `within`, `..`, `:` and the like.
AstExpr *parser_sum(Parser *p);
/// The value behind a clause's keyword: on its line, or on the next if that starts with a sign. `what` is expected.
AstExpr *parser_value(Parser *p, const char *what);
bool parser_value_here(Parser *p, const char *what);   // true if one starts here, else a fault
/// `poisson` or `normal(0, 1)`: a name, perhaps with arguments, and nothing behind it.
AstExpr *parser_distribution(Parser *p, const char *what);
AstExpr *parser_make(Parser *p, AstExprKind kind, Span span);

/// True if the token in hand starts a line that reads like the head of a declaration, so that what went on before it
/// must have ended.
bool parser_looks_like_declaration(Parser *p);

#endif
