/// From bytes to tokens, one at a time, without memory of its own. The text must be UTF-8 without NUL inside and end
/// with a NUL (source.c sees to both); it is borrowed, and tokens point into it.
#ifndef LANG_LEXER_H
#define LANG_LEXER_H

#include "lang/ast.h"
#include "lang/diagnostic.h"

/// Signs: token, spelling. Longer ones come before their beginnings.
#define SIGN_LIST(X)                                                                                      \
    X(PLUS_SET, "+=") X(MINUS_SET, "-=") X(TIMES_SET, "*=") X(EQUAL, "==") X(NOT_EQUAL, "!=")             \
    X(LESS_EQUAL, "<=") X(GREATER_EQUAL, ">=") X(RANGE, "..")                                             \
    X(OPEN_BRACE, "{") X(CLOSE_BRACE, "}") X(OPEN_PAREN, "(") X(CLOSE_PAREN, ")")                         \
    X(OPEN_SQUARE, "[") X(CLOSE_SQUARE, "]") X(COMMA, ",") X(SEMICOLON, ";") X(COLON, ":") X(BAR, "|")    \
    X(PLUS, "+") X(MINUS, "-") X(TIMES, "*") X(DIVIDE, "/") X(POWER, "^")                                 \
    X(LESS, "<") X(GREATER, ">") X(SET, "=")

typedef enum TokenKind {
    TOKEN_END,       // of the file; asked again, it comes again
    TOKEN_BAD,       // not a token; a fault was reported
    TOKEN_NAME,
    TOKEN_NUMBER,
    TOKEN_DATE,
    TOKEN_STRING,
#define X(name, text) TOKEN_##name,
    SIGN_LIST(X)
#undef X
    TOKEN_COUNT
} TokenKind;

typedef struct Token {
    TokenKind kind;
    bool   line_first;    // nothing stands before it on its line
    Span   span;
    size_t offset, size;  // in bytes of the text, quotes included
    double number;        // TOKEN_NUMBER: its value, 0.25 for 25%
    AstDate date;         // TOKEN_DATE
} Token;

typedef struct Lexer {
    const char *text;
    size_t  n, at;        // bytes; next byte to read
    int32_t file, line, column;
    bool    fresh_line;   // nothing but space was met on this line
    int32_t quiet_line;   // faults of this line are not told: a fault that was told is being passed over
    Diagnostics *faults;
} Lexer;

/// Start at the beginning of a text; a byte order mark there is passed over.
Lexer lexer_start(const char *text, size_t n, int32_t file, Diagnostics *faults);

/// Read the next token. Cost: its length and that of the space and comments before it.
Token lexer_next(Lexer *lexer);

/// Read the place in a source behind the colon of `cite SOURCE:PLACE`: a quoted text, or letters, digits and . _ - /
/// in a row without space. TOKEN_BAD (not reported) if neither stands there.
Token lexer_locator(Lexer *lexer);

/// The spelling of a sign ("+="), or a phrase for the other kinds ("a name").
const char *lexer_spelling(TokenKind kind);

#endif
