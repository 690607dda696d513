#include "lang/grammar.h"
#include "lang/lang.h"

#include <string.h>

static void table_head(Text *out, const char *title, const char *left) {
    text_printf(out, "\n### %s\n\n| %s | meaning |\n| --- | --- |\n", title, left);
}

// a cell of code; a bar would end the cell
static void code_cell(Text *out, const char *code) {
    text_append(out, "| `");
    for (; *code; code++) {
        if (*code == '|') text_char(out, '\\');
        text_char(out, *code);
    }
    text_append(out, "` ");
}

static void row(Text *out, const char *code, const char *meaning) {
    code_cell(out, code);
    text_printf(out, "| %s |\n", meaning);
}

static void write_clauses(Text *out, AstDeclarationKind kind) {
    bool has_any = false;
    for (int k = 0; k < CLAUSE_COUNT; k++) {
        const Clause *c = &CLAUSE[k];
        if (c->declaration != kind) continue;
        if (!has_any) text_printf(out, "\n#### Clauses of `%s`\n\n| clause | meaning |\n| --- | --- |\n",
                                  ast_declaration_keyword(kind));
        has_any = true;
        Text code = {0};
        text_printf(&code, "%s%s%s", c->keyword, *c->form ? " " : "", c->form);
        code_cell(out, text_view(&code));
        text_printf(out, "| %s%s |\n", c->text, c->count == CLAUSE_OFTEN ? "; as often as needed" : "");
        if (code.failed) out->failed = true;
        text_free(&code);
    }
}

void lang_write_reference(Text *out) {
    static const char *const FORM[AST_DECLARATION_COUNT][2] = {
#define X(name, form, text) [AST_##name##_DECLARATION] = {form, text},
        DECLARATION_FORM_LIST(X)
#undef X
    };
    text_append(out, "### Declarations\n\n| form | meaning |\n| --- | --- |\n");
    for (int k = 0; k < AST_DECLARATION_COUNT; k++) {
        text_printf(out, "| `%s ", ast_declaration_keyword((AstDeclarationKind)k));
        for (const char *s = FORM[k][0]; *s; s++) text_printf(out, *s == '|' ? "\\%c" : "%c", *s);
        text_printf(out, "` | %s |\n", FORM[k][1]);
    }
    text_append(out, "\nAny of them may carry `cite SOURCE:PLACE`.\n");
    for (int k = 0; k < AST_DECLARATION_COUNT; k++) write_clauses(out, (AstDeclarationKind)k);

#define X(form, text) row(out, form, text);
    table_head(out, "Expressions, from loose to tight", "form");
    EXPRESSION_FORM_LIST(X)
    table_head(out, "Effects", "form");
    EFFECT_FORM_LIST(X)
    table_head(out, "Quantities", "form");
    QUANTITY_FORM_LIST(X)
#undef X
#define X(name, least, most, form, text) row(out, form, text);
    table_head(out, "Functions", "call");
    FUNCTION_LIST(X)
    table_head(out, "Random sizes, in effects", "size");
    DRAW_LIST(X)
    row(out, "one_of { SIZE: WEIGHT, ... }", "one of these, in proportion to the weights; evenly without weights");
    table_head(out, "Distributions, in `prior`", "distribution");
    PRIOR_LIST(X)
#undef X
    text_append(out, "\n### Units of time\n\n| unit | days |\n| --- | --- |\n");
#define X(name, days) text_printf(out, "| `%s` | ", #name); text_double(out, days); text_append(out, " |\n");
    TIME_UNIT_LIST(X)
#undef X
    text_printf(out, "\n### Limits\n\n| limit | value |\n| --- | --- |\n"
                     "| bytes of one file | %d |\n| bytes of all files | %d |\n| files | %d |\n"
                     "| imports within imports | %d |\n"
                     "| brackets within brackets | %d |\n| operators on top of one another | %d |\n"
                     "| numbers, names and operators, all files | %d |\n"
                     "| times of claims and policies, in the scenario's unit | %d |\n",
                LANG_FILE_BYTES_MAX, LANG_BYTES_MAX, LANG_FILES_MAX, LANG_IMPORT_DEPTH_MAX, LANG_NESTING_MAX,
                LANG_DEPTH_MAX, LANG_NODES_MAX, LANG_TIME_MAX);
}
