#include "lang/lexer.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const SPELLING[TOKEN_COUNT] = {
    [TOKEN_END] = "the end of the file", [TOKEN_BAD] = "something else", [TOKEN_NAME] = "a name",
    [TOKEN_NUMBER] = "a number", [TOKEN_DATE] = "a date", [TOKEN_STRING] = "a quoted text",
#define X(name, text) [TOKEN_##name] = text,
    SIGN_LIST(X)
#undef X
};

const char *lexer_spelling(TokenKind kind) { return SPELLING[kind]; }

static bool is_digit(char c) { return c >= '0' && c <= '9'; }
static bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
static bool is_name(char c) { return is_letter(c) || is_digit(c); }

Lexer lexer_start(const char *text, size_t n, int32_t file, Diagnostics *faults) {
    size_t at = n >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0 ? 3 : 0;
    return (Lexer){.text = text, .n = n, .at = at, .file = file, .line = 1, .column = 1, .fresh_line = true,
                   .faults = faults};
}

// bytes of the code point that starts with byte c of valid UTF-8
static size_t code_point_size(char c) {
    unsigned char u = (unsigned char)c;
    return u < 0x80 ? 1 : u < 0xE0 ? 2 : u < 0xF0 ? 3 : 4;
}

static Span here(const Lexer *x, int32_t length) {
    return (Span){.file = x->file, .line = x->line, .column = x->column, .length = length};
}

// move over n bytes of the same line
static void pass(Lexer *x, size_t n) {
    x->column += text_width(x->text + x->at, n);
    x->at += n;
}

static void new_line(Lexer *x, size_t n_byte) {
    x->at += n_byte;
    x->line++;
    x->column = 1;
    x->fresh_line = true;
}

// white space and comments; a lone carriage return ends a line too, as old files have it
static void pass_space(Lexer *x) {
    for (;;) {
        const char *s = x->text + x->at;
        if (*s == ' ' || *s == '\t') pass(x, 1);
        else if (*s == '\n') new_line(x, 1);
        else if (*s == '\r') new_line(x, s[1] == '\n' ? 2 : 1);
        else if (*s == '#') pass(x, strcspn(s, "\r\n"));
        else return;
    }
}

static void fault(Lexer *x, Span span, const char *code, const char *help, const char *format, ...) DUR_PRINTF(5, 6);

static void fault(Lexer *x, Span span, const char *code, const char *help, const char *format, ...) {
    if (span.line == x->quiet_line) return;
    // beyond what is kept a fault is only counted: no time goes into its text
    if (x->faults->n >= DIAGNOSTIC_MAX) {
        x->faults->n_error++;
        return;
    }
    char message[512];
    va_list args;
    va_start(args, format);
    vsnprintf(message, sizeof message, format, args);
    va_end(args);
    diagnostics_add(x->faults, SEVERITY_ERROR, span, code, help, "%s", message);
}

static Token take(Lexer *x, TokenKind kind, size_t size) {
    Token t = {.kind = kind, .line_first = x->fresh_line, .span = here(x, 0), .offset = x->at, .size = size};
    pass(x, size);
    t.span.length = x->column - t.span.column;
    x->fresh_line = false;
    return t;
}

// ---- numbers and dates -------------------------------------------------------------------------------------------

static size_t digits(const char *s) {
    size_t n = 0;
    while (is_digit(s[n])) n++;
    return n;
}

// dddd-dd-dd and nothing that would make it part of something longer
static bool looks_like_date(const char *s) {
    static const char shape[] = "dddd-dd-dd";
    for (int i = 0; shape[i]; i++)
        if (shape[i] == 'd' ? !is_digit(s[i]) : s[i] != shape[i]) return false;
    return !is_name(s[10]);
}

static int decimal(const char *s, int n) {
    int value = 0;
    for (int i = 0; i < n; i++) value = 10 * value + (s[i] - '0');
    return value;
}

static Token date(Lexer *x) {
    const char *s = x->text + x->at;
    Token t = take(x, TOKEN_DATE, 10);
    t.date = (AstDate){.year = decimal(s, 4), .month = decimal(s + 5, 2), .day = decimal(s + 8, 2), .span = t.span};
    if (t.date.year == 0 || !model_date_exists(t.date.year, t.date.month, t.date.day)) {
        fault(x, t.span, "bad-date", NULL,
                        "there is no day %.10s; a date is written year-month-day, as in 2025-01-20", s);
        t.kind = TOKEN_BAD;
    }
    return t;
}

static Token number(Lexer *x) {
    const char *s = x->text + x->at;
    if (looks_like_date(s)) return date(x);

    // digits, then a fraction (but `0..1` is a range), then an exponent
    size_t n = digits(s);
    bool no_whole = n == 0;
    if (s[n] == '.' && is_digit(s[n + 1])) n += 1 + digits(s + n + 1);
    bool no_fraction = s[n] == '.' && s[n + 1] != '.' && !is_digit(s[n + 1]);
    if (s[n] == 'e' || s[n] == 'E') {
        size_t sign = s[n + 1] == '-' || s[n + 1] == '+';
        size_t power = digits(s + n + 1 + sign);
        if (power) n += 1 + sign + power;
    }
    double value = strtod(s, NULL);
    bool percent = s[n] == '%';
    size_t tail = percent;
    while (is_name(s[n + tail]) || (s[n + tail] == '.' && s[n + tail + 1] != '.')) tail++;
    bool glued = tail > (size_t)percent && !no_fraction;

    Token t = take(x, TOKEN_NUMBER, n + tail);
    t.number = percent ? value / 100 : value;
    int shown = t.size < 40 ? (int)t.size : 40;
    if (no_whole) {
        fault(x, t.span, "bad-number", NULL,
                        "a number starts with a digit: write 0%.*s", shown, s);
        t.kind = TOKEN_BAD;
    } else if (no_fraction) {
        fault(x, t.span, "bad-number", NULL,
                        "digits are expected after the point of a number, found `%.*s`", shown, s);
        t.kind = TOKEN_BAD;
    } else if (glued) {
        fault(x, t.span, "bad-number",
                        "a unit stands behind a space, as in `6 month`; a name starts with a letter",
                        "`%.*s` is neither a number nor a name", shown, s);
        t.kind = TOKEN_BAD;
    } else if (isinf(value)) {
        fault(x, t.span, "bad-number", NULL,
                        "this number is too large: the largest is about 1.8e308");
        t.kind = TOKEN_BAD;
    }
    return t;
}

// ---- texts -------------------------------------------------------------------------------------------------------

// The control character that a text holds, and where: *at. 0: none. Texts of a scenario end up on terminals, and scenarios are
// passed around: what could steer one is refused where it is read. A tab steers nothing.
static unsigned steering(const char *s, size_t n, size_t *at) {
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)s[i], next = (unsigned char)s[i + 1];
        *at = i;
        if ((c < 0x20 && c != '\t') || c == 0x7F) return c;
        if (c == 0xC2 && next < 0xA0) return next;
    }
    return 0;
}

static Token string(Lexer *x) {
    const char *s = x->text + x->at;
    size_t n = 1;
    bool bad = false;
    for (;;) {
        n += strcspn(s + n, "\"\\\r\n");
        if (s[n] != '\\') break;
        if (s[n + 1] != '"' && s[n + 1] != '\\') {
            Span span = here(x, 1);
            span.column += text_width(s, n);
            fault(x, span, "bad-escape", NULL,
                            "in a quoted text a backslash stands before \" or another backslash only");
            bad = true;
            n++;
        } else {
            n += 2;
        }
    }
    size_t at = 0;
    unsigned control = steering(s, n, &at);
    if (control) {
        Span span = here(x, 1);
        span.column += text_width(s, at);
        fault(x, span, "bad-character", "write it without: texts are shown on terminals, which obey such characters",
                        "a quoted text cannot hold the control character U+%04X", control);
        bad = true;
    }
    if (s[n] != '"') {
        Token t = take(x, TOKEN_BAD, n);
        fault(x, t.span, "unterminated-text", NULL,
                        "the quoted text has no end: expected \" before the end of the line");
        return t;
    }
    return take(x, bad ? TOKEN_BAD : TOKEN_STRING, n + 1);
}

// ---- what is not in the language ---------------------------------------------------------------------------------

// spellings from other languages and from word processors, and what stands for them here
static const struct { const char *found, *use; } LOOKALIKE[] = {
    {"**", "write `^` for a power"}, {"//", "a comment starts with #"}, {"=<", "write `<=`"}, {"=>", "write `>=`"},
    {"<>", "write `!=`"}, {":=", "write `=`"}, {"->", NULL}, {"&&", "write `and`"}, {"||", "write `or`"},
    {"&", "write `and`"}, {"!", "write `not`, or `!=` for unequal"}, {"'", "texts are quoted with \""},
    {"`", "texts are quoted with \""}, {"%", "a percent sign stands right behind its number: 25%"},
    {"\xE2\x80\x9C", "texts are quoted with a plain \""}, {"\xE2\x80\x9D", "texts are quoted with a plain \""},
    {"\xE2\x80\x9E", "texts are quoted with a plain \""}, {"\xE2\x80\x98", "texts are quoted with a plain \""},
    {"\xE2\x80\x99", "texts are quoted with a plain \""}, {"\xC2\xAB", "texts are quoted with a plain \""},
    {"\xC2\xBB", "texts are quoted with a plain \""}, {"\xE2\x88\x92", "write a plain `-`"},
    {"\xE2\x80\x93", "write a plain `-`"}, {"\xE2\x80\x94", "write a plain `-`"}, {"\xE2\x89\xA4", "write `<=`"},
    {"\xE2\x89\xA5", "write `>=`"}, {"\xE2\x89\xA0", "write `!=`"}, {"\xC3\x97", "write `*`"},
    {"\xC2\xB7", "write `*`"}, {"\xC3\xB7", "write `/`"}, {"\xC2\xA0", "this is a no-break space: write a plain one"},
    {"\xE2\x80\xA6", "write `..` for a range"}, {"\\", NULL},
};

static uint32_t code_point(const char *s) {
    size_t n = code_point_size(*s);
    uint32_t c = n == 1 ? (unsigned char)*s : (unsigned char)*s & (0xFFu >> (n + 1));
    for (size_t i = 1; i < n; i++) c = c << 6 | ((unsigned char)s[i] & 0x3Fu);
    return c;
}

// bytes of a text in the quotes of word processors, both included; 0 if s starts none that ends on its line
static size_t quoted_size(const char *s) {
    static const char *const quote[][2] = {
        {"\xE2\x80\x9C", "\xE2\x80\x9D"}, {"\xE2\x80\x9E", "\xE2\x80\x9C"}, {"\xE2\x80\x98", "\xE2\x80\x99"},
        {"\xC2\xAB", "\xC2\xBB"}, {"'", "'"}};
    for (size_t i = 0; i < DUR_COUNT(quote); i++) {
        size_t n = strlen(quote[i][0]);
        if (strncmp(s, quote[i][0], n) != 0) continue;
        // not far: a row of opening quotes is searched anew from each of them
        for (size_t end = n; end < 200 && s[end] && s[end] != '\n' && s[end] != '\r'; end++)
            if (strncmp(s + end, quote[i][1], strlen(quote[i][1])) == 0) return end + strlen(quote[i][1]);
        return 0;
    }
    return 0;
}

// characters of two signs that would be read as one each, with a fault that says less
static bool is_lookalike_pair(const char *s) {
    static const char pair[][3] = {"||", "**", "//", "=<", "=>", "<>", ":=", "->"};
    for (size_t i = 0; i < DUR_COUNT(pair); i++)
        if (s[0] == pair[i][0] && s[1] == pair[i][1]) return true;
    return false;
}

// a run of characters that no token starts with, as one fault
static Token stranger(Lexer *x) {
    const char *s = x->text + x->at;
    for (size_t i = 0; i < DUR_COUNT(LOOKALIKE); i++) {
        const char *found = LOOKALIKE[i].found;
        size_t n = strlen(found);
        if (strncmp(s, found, n) != 0) continue;
        size_t quoted = x->line == x->quiet_line ? 0 : quoted_size(s);
        Token t = take(x, TOKEN_BAD, quoted ? quoted : n);
        fault(x, t.span, "bad-character", LOOKALIKE[i].use,
                        "`%s` is not part of the language", found);
        return t;
    }
    uint32_t c = code_point(s);
    size_t n = code_point_size(*s);
    while ((unsigned char)s[n] >= 0x80) n += code_point_size(s[n]);
    // letters beyond a to z: the whole word is one fault
    while (c >= 0x80 && (is_name(s[n]) || (unsigned char)s[n] >= 0x80)) n += code_point_size(s[n]);
    Token t = take(x, TOKEN_BAD, n);
    if (c >= 0xA1)
        fault(x, t.span, "bad-character",
                        "names are written with the letters a to z, digits and _",
                        "`%.*s` (U+%04X) is not part of the language", (int)code_point_size(*s), s, (unsigned)c);
    else if (c < 0x20 || c >= 0x7F)
        fault(x, t.span, "bad-character", NULL,
                        "the control character U+%04X is not part of the language", (unsigned)c);
    else
        fault(x, t.span, "bad-character", NULL,
                        "`%c` is not part of the language", (char)c);
    return t;
}

Token lexer_next(Lexer *x) {
    pass_space(x);
    const char *s = x->text + x->at;
    if (x->at >= x->n) return take(x, TOKEN_END, 0);
    if (is_letter(*s)) {
        size_t n = 1;
        while (is_name(s[n])) n++;
        // `größe` is one fault, not a name and a stranger
        if ((unsigned char)s[n] >= 0xC3 && (unsigned char)s[n] < 0xE2) {
            Token name = take(x, TOKEN_NAME, n), rest = stranger(x);
            name.kind = TOKEN_BAD;
            name.size += rest.size;
            name.span.length += rest.span.length;
            return name;
        }
        return take(x, TOKEN_NAME, n);
    }
    if (is_digit(*s) || (*s == '.' && is_digit(s[1]))) return number(x);
    if (*s == '"') return string(x);
    if (!is_lookalike_pair(s))
        for (int k = TOKEN_STRING + 1; k < TOKEN_COUNT; k++) {
            size_t n = strlen(SPELLING[k]);
            if (strncmp(s, SPELLING[k], n) == 0) return take(x, (TokenKind)k, n);
        }
    return stranger(x);
}

Token lexer_locator(Lexer *x) {
    const char *s = x->text + x->at;
    if (*s == '"') return string(x);
    size_t n = 0;
    while (is_name(s[n]) || (s[n] && strchr("._-/", s[n]))) n++;
    return take(x, n ? TOKEN_NAME : TOKEN_BAD, n);
}
