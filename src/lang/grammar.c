#include "lang/grammar.h"

#include <string.h>

const Clause CLAUSE[CLAUSE_COUNT] = {
#define X(declaration, clause, keyword, form, count, text) \
    {AST_##declaration##_DECLARATION, keyword, form, count, text},
    CLAUSE_LIST(X)
#undef X
};

static const char *const DECLARATION[AST_DECLARATION_COUNT] = {
#define X(name, text) text,
    AST_DECLARATION_LIST(X)
#undef X
};

// the words inside expressions and quantities; `the long run` can only follow `in`, so those three stay free
static const char *const RESERVED[] = {
    "and", "or", "not", "if", "then", "else", "by", "per", "is", "of", "belief", "one_of",
    "within", "throughout", "at", "until", "after", "over", "in", "mean", "total", "count", "when", "cite", "wait",
};

const char *ast_declaration_keyword(AstDeclarationKind kind) { return DECLARATION[kind]; }

AstDeclarationKind grammar_declaration(const char *word) {
    int k = 0;
    while (k < AST_DECLARATION_COUNT && strcmp(DECLARATION[k], word) != 0) k++;
    return (AstDeclarationKind)k;
}

ClauseId grammar_clause(AstDeclarationKind declaration, const char *word) {
    for (int k = 0; k < CLAUSE_COUNT; k++)
        if (CLAUSE[k].declaration == declaration && strcmp(CLAUSE[k].keyword, word) == 0) return (ClauseId)k;
    return strcmp(word, "cite") == 0 ? CLAUSE_CITE : CLAUSE_NONE;
}

const char *grammar_near_declaration(const char *word) {
    return text_nearest(word, DECLARATION, AST_DECLARATION_COUNT);
}

// the keywords of one declaration, `cite` last; returns how many
static int clause_words(AstDeclarationKind declaration, const char *word[CLAUSE_COUNT + 1]) {
    int n = 0;
    for (int k = 0; k < CLAUSE_COUNT; k++)
        if (CLAUSE[k].declaration == declaration) word[n++] = CLAUSE[k].keyword;
    word[n++] = "cite";
    return n;
}

const char *grammar_near_clause(AstDeclarationKind declaration, const char *word) {
    const char *words[CLAUSE_COUNT + 1];
    int n = clause_words(declaration, words);
    return text_nearest(word, words, n);
}

void grammar_list_clauses(Text *out, AstDeclarationKind declaration) {
    const char *words[CLAUSE_COUNT + 1];
    int n = clause_words(declaration, words);
    for (int i = 0; i < n; i++)
        text_printf(out, "%s`%s`", i == 0 ? "" : i + 1 < n ? ", " : " or ", words[i]);
}

bool grammar_is_reserved(const char *word) {
    for (size_t i = 0; i < DUR_COUNT(RESERVED); i++)
        if (strcmp(RESERVED[i], word) == 0) return true;
    return false;
}

bool grammar_is_word(const char *word) {
    if (grammar_is_reserved(word)) return true;
    if (grammar_declaration(word) != AST_DECLARATION_COUNT) return true;
    for (int k = 0; k < CLAUSE_COUNT; k++)
        if (strcmp(CLAUSE[k].keyword, word) == 0) return true;
    return false;
}

double ast_time_unit_days(const char *name) {
#define X(unit, days) if (strcmp(name, #unit) == 0) return days;
    TIME_UNIT_LIST(X)
#undef X
    return 0;
}
