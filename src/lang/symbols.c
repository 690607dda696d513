#include "lang/checker.h"

#include "base/memory.h"

#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const struct { const char *text, *meaning; } CHECK_CODE[CODE_COUNT] = {
#define X(name, text, meaning) {text, meaning},
    CHECK_CODE_LIST(X)
#undef X
};
const char *check_code_text(CheckCode code)    { return CHECK_CODE[code].text; }
const char *check_code_meaning(CheckCode code) { return CHECK_CODE[code].meaning; }

// ---- memory ------------------------------------------------------------------------------------------------------

static void *rows(Checker *k, Arena *arena, int64_t n, size_t size) {
    void *p = n < 0 || (uint64_t)n > SIZE_MAX / 8 / size ? NULL : arena_alloc(arena, (size_t)n * size);
    if (!p) k->failed = true;
    return p;
}

void *keep_rows(Checker *k, int64_t n, size_t size)    { return rows(k, k->model->arena, n, size); }
void *scratch_rows(Checker *k, int64_t n, size_t size) { return rows(k, k->scratch, n, size); }

const char *keep_text(Checker *k, const char *text) {
    if (!text) return NULL;
    const char *copy = arena_text(k->model->arena, text, strlen(text));
    if (!copy) k->failed = true;
    return copy;
}

const char *hint(Checker *k, const char *format, ...) {
    char buffer[400];
    va_list args;
    va_start(args, format);
    vsnprintf(buffer, sizeof buffer, format, args);
    va_end(args);
    // cut at a whole character, should a name be longer than anyone will read
    size_t n = strlen(buffer), bad;
    if (!text_is_utf8(buffer, n, &bad)) n = bad;
    const char *copy = arena_text(k->scratch, buffer, n);
    if (!copy) k->failed = true;
    return copy;
}

const char *hint_near(Checker *k, const char *near) {
    return near ? hint(k, "did you mean `%s`?", near) : NULL;
}

// ---- collecting --------------------------------------------------------------------------------------------------

static Space space_of(AstDeclarationKind kind) {
    switch (kind) {
    case AST_UNIT_DECLARATION:     return SPACE_UNIT;
    case AST_SOURCE_DECLARATION:   return SPACE_SOURCE;
    case AST_ACTOR_DECLARATION:    return SPACE_ACTOR;
    case AST_EVENT_DECLARATION:
    case AST_MOVE_DECLARATION:     return SPACE_JUMP;
    case AST_PAYOFF_DECLARATION:   return SPACE_PAYOFF;
    case AST_POLICY_DECLARATION:   return SPACE_POLICY;
    case AST_CLAIM_DECLARATION:    return SPACE_CLAIM;
    case AST_RECORD_DECLARATION:   return SPACE_RECORD;
    case AST_RIVAL_DECLARATION:    return SPACE_RIVAL;
    case AST_SCENARIO_DECLARATION:
    case AST_IMPORT_DECLARATION:   return SPACE_SCENARIO;
    default:                       return SPACE_VALUE;
    }
}

const char *symbol_kind(const Symbol *s) {
    return s->kind == AST_PRIVATE_DECLARATION ? "private type" : ast_declaration_keyword(s->kind);
}

static const char *article(const char *noun) { return strchr("aeiou", noun[0]) ? "an" : "a"; }

static const char *path_of(const Checker *k, Span span) {
    return span.file >= 0 && span.file < k->c->n_file ? k->c->file[span.file].path : "?";
}

// the scenario's own file wins over what it imports; among imports the last
static void collect_scenario(Checker *k, const AstDeclaration *d) {
    const AstDeclaration *old = k->scenario;
    if (old && old->span.file == d->span.file)
        FAULT(k, d->span, DUPLICATE, hint(k, "the first is at %s:%d", path_of(k, old->span), old->span.line),
              "a file has one `scenario`, this is its second");
    else if (!old || old->span.file != 0) k->scenario = d;
}

static void collect(Checker *k, const AstDeclaration *d) {
    Space space = space_of(d->kind);
    const char *name = d->name.text;
    const char *keyword = ast_declaration_keyword(d->kind);
    if (space == SPACE_VALUE && function_find(name) >= 0) {
        FAULT(k, d->name.span, RESERVED, NULL, "`%s` is a function, it can't be the name of %s %s", name,
              article(keyword), keyword);
        return;
    }
    if (space == SPACE_UNIT && ast_time_unit_days(name) > 0) {
        FAULT(k, d->name.span, RESERVED, NULL, "`%s` is a unit of time already", name);
        return;
    }
    if (space == SPACE_ACTOR && strcmp(name, "nature") == 0) {
        FAULT(k, d->name.span, RESERVED, NULL, "`nature` is nobody: it can't be the name of an actor");
        return;
    }

    int32_t i = names_find(&k->names, (int32_t)space, name);
    if (i < 0) {
        k->symbol[k->n_symbol] = (Symbol){.kind = d->kind, .name = name, .declaration = d, .actor = -1,
                                          .space = SPACE_FREE + k->n_symbol};
        names_add(&k->names, (int32_t)space, name, k->n_symbol++);
        return;
    }
    Symbol *s = &k->symbol[i];
    const AstDeclaration *old = s->declaration;
    bool is_plain = (d->kind == AST_PARAM_DECLARATION || d->kind == AST_LET_DECLARATION) &&
                    (s->kind == AST_PARAM_DECLARATION || s->kind == AST_LET_DECLARATION);
    if (old->name.span.file == d->name.span.file) {
        const char *where = hint(k, "the first is at %s:%d", path_of(k, old->name.span), old->name.span.line);
        if (d->kind == AST_PAYOFF_DECLARATION)
            FAULT(k, d->name.span, DUPLICATE, where, "the payoff of `%s` is declared twice", name);
        else if (s->kind == d->kind)
            FAULT(k, d->name.span, DUPLICATE, where, "there are two %ss called `%s`", keyword, name);
        else
            FAULT(k, d->name.span, DUPLICATE, where, "`%s` is %s %s already, it can't be %s %s too", name,
                  article(symbol_kind(s)), symbol_kind(s), article(keyword), keyword);
    } else if (s->kind != d->kind && !is_plain) {
        const char *where = hint(k, "it is declared at %s:%d", path_of(k, old->name.span), old->name.span.line);
        FAULT(k, d->name.span, DUPLICATE, where,
              "`%s` is %s %s already: %s %s can't override it", name, article(symbol_kind(s)), symbol_kind(s),
              article(keyword), keyword);
    } else {
        s->kind = d->kind;
        s->declaration = d;
    }
}

// the values of a mode, or the types of a private: each once
static void collect_values(Checker *k, const Symbol *s, const AstName *value, int32_t n, const char *what) {
    if (n > CHECK_VALUES_MAX) {
        FAULT(k, s->declaration->name.span, LIMIT, NULL, "`%s` has %d %ss, at most %d can be", s->name, n, what,
              CHECK_VALUES_MAX);
        n = CHECK_VALUES_MAX;
    }
    for (int32_t i = 0; i < n; i++) {
        if (!value[i].text) continue;
        if (names_find(&k->names, s->space, value[i].text) >= 0)
            FAULT(k, value[i].span, DUPLICATE, NULL, "`%s` names `%s` twice", s->name, value[i].text);
        else names_add(&k->names, s->space, value[i].text, i);
    }
}

void symbols_collect(Checker *k) {
    const Ast *ast = k->ast;
    k->symbol = scratch_rows(k, ast->n_declaration, sizeof *k->symbol);
    if (!k->symbol) return;
    for (int32_t i = 0; i < ast->n_declaration; i++) {
        const AstDeclaration *d = ast->declaration[i];
        if (d->kind == AST_SCENARIO_DECLARATION) collect_scenario(k, d);
        else if (d->kind != AST_IMPORT_DECLARATION && d->name.text) collect(k, d);
    }

    if (k->rival && rival_apply(k, k->rival)) k->model->account = keep_text(k, k->rival);

    // rows of the model: each kind counted by itself; events stand before moves in one table
    int32_t count[AST_DECLARATION_COUNT] = {0};
    for (int32_t i = 0; i < k->n_symbol; i++) k->symbol[i].index = count[k->symbol[i].kind]++;
    k->unit_name = scratch_rows(k, count[AST_UNIT_DECLARATION], sizeof *k->unit_name);
    if (!k->unit_name) return;
    for (int32_t i = 0; i < k->n_symbol; i++) {
        Symbol *s = &k->symbol[i];
        const AstDeclaration *d = s->declaration;
        if (s->kind == AST_MOVE_DECLARATION) s->index += count[AST_EVENT_DECLARATION];
        if (s->kind == AST_UNIT_DECLARATION) {
            if (k->n_unit++ == UNITS_MAX)
                FAULT(k, d->name.span, LIMIT, NULL, "there are %d units, at most %d can be", count[s->kind],
                      UNITS_MAX);
            k->unit_name[k->n_unit - 1] = s->name;
            if (s->index >= UNITS_MAX) s->index = UNITS_MAX - 1;
        }
        if (s->kind == AST_MODE_DECLARATION) collect_values(k, s, d->as.mode.value, d->as.mode.n_value, "value");
        if (s->kind != AST_PRIVATE_DECLARATION) continue;
        collect_values(k, s, d->as.private.type, d->as.private.n_type, "type");
        if (k->n_private < MODEL_VARIABLES_MAX) k->private[k->n_private++] = s;
        else if (s->index == MODEL_VARIABLES_MAX)
            FAULT(k, d->name.span, LIMIT, NULL, "there are %d private types, at most %d can be",
                  count[AST_PRIVATE_DECLARATION], MODEL_VARIABLES_MAX);
    }
    Model *m = k->model;
    m->n_source = count[AST_SOURCE_DECLARATION];
    m->n_actor  = count[AST_ACTOR_DECLARATION];
    m->n_mode   = count[AST_MODE_DECLARATION];
    m->n_stock  = count[AST_STOCK_DECLARATION];
    m->n_private = count[AST_PRIVATE_DECLARATION];
    m->n_param  = count[AST_PARAM_DECLARATION];
    m->n_table  = count[AST_TABLE_DECLARATION];
    m->n_let    = count[AST_LET_DECLARATION];
    m->n_jump   = count[AST_EVENT_DECLARATION] + count[AST_MOVE_DECLARATION];
    m->n_policy = count[AST_POLICY_DECLARATION];
    m->n_claim  = count[AST_CLAIM_DECLARATION];
    m->n_rival  = count[AST_RIVAL_DECLARATION];

    // beliefs are variables after the stocks, one for each type but the first
    EACH(k, s, PRIVATE) {
        int32_t n_type = s->declaration->as.private.n_type;
        s->variable = m->n_mode + m->n_stock + m->n_belief;
        m->n_belief += n_type > MODEL_TYPES_MAX ? MODEL_TYPES_MAX - 1 : n_type > 1 ? n_type - 1 : 0;
    }

    // a set of variables is a mask of 64 bits
    if (model_variables(m) > MODEL_VARIABLES_MAX) {
        int32_t n = 0;
        for (int32_t i = 0; i < k->n_symbol; i++) {
            const Symbol *s = &k->symbol[i];
            bool is_belief = s->kind == AST_PRIVATE_DECLARATION;
            if (s->kind != AST_MODE_DECLARATION && s->kind != AST_STOCK_DECLARATION && !is_belief) continue;
            n += is_belief ? s->declaration->as.private.n_type - 1 : 1;
            if (n > MODEL_VARIABLES_MAX) {
                FAULT(k, s->declaration->name.span, LIMIT, NULL,
                      m->n_belief ? "modes, stocks and beliefs together are %d, at most %d can be"
                                  : "modes and stocks together are %d, at most %d can be",
                      model_variables(m), MODEL_VARIABLES_MAX);
                break;
            }
        }
    }
    // who owns what is needed before any expression is looked at
    for (int32_t i = 0; i < k->n_symbol; i++) {
        Symbol *s = &k->symbol[i];
        bool has_owner = s->kind == AST_MODE_DECLARATION || s->kind == AST_MOVE_DECLARATION ||
                         s->kind == AST_POLICY_DECLARATION || s->kind == AST_PRIVATE_DECLARATION;
        if (has_owner) s->actor = declare_owner(k, s->declaration, s->kind == AST_MODE_DECLARATION);
    }
    if (k->names.failed) k->failed = true;
}

// ---- looking up --------------------------------------------------------------------------------------------------

Symbol *symbol_find(const Checker *k, Space space, const char *name) {
    int32_t i = names_find(&k->names, (int32_t)space, name);
    return i < 0 ? NULL : &k->symbol[i];
}

const char *symbol_near(Checker *k, Space space, const char *name) {
    // beyond what is kept of the faults a suggestion costs time and serves nobody
    if (k->c->diagnostics.n_error >= DIAGNOSTIC_MAX || k->n_compared > CHECK_COMPARED_MAX) return NULL;
    k->n_compared += k->n_symbol;
    const char **all = memory_alloc((size_t)(k->n_symbol + 1) * sizeof *all);
    if (!all) { k->failed = true; return NULL; }
    int n = 0;
    for (int32_t i = 0; i < k->n_symbol; i++)
        if (space_of(k->symbol[i].kind) == space) all[n++] = k->symbol[i].name;
    const char *near = text_nearest(name, all, n);
    memory_free(all);
    return near;
}

const char *symbol_hint(Checker *k, Space space, const char *name) {
    if (k->c->diagnostics.n_error >= DIAGNOSTIC_MAX) return NULL;
    // the same name as another kind of thing
    static const Space others[] = {SPACE_VALUE, SPACE_ACTOR, SPACE_JUMP, SPACE_POLICY, SPACE_CLAIM, SPACE_SOURCE,
                                   SPACE_UNIT, SPACE_RECORD, SPACE_RIVAL};
    for (size_t i = 0; i < DUR_COUNT(others); i++) {
        const Symbol *s = others[i] == space ? NULL : symbol_find(k, others[i], name);
        if (s) return hint(k, "`%s` is %s %s", name, article(symbol_kind(s)), symbol_kind(s));
    }
    // a value without its mode, likely where an expression is
    for (int32_t i = 0; space == SPACE_VALUE && i < k->n_symbol; i++) {
        const Symbol *s = &k->symbol[i];
        if (s->kind == AST_MODE_DECLARATION && names_find(&k->names, s->space, name) >= 0)
            return hint(k, "`%s` is a value of `%s`: write `%s == %s`", name, s->name, s->name, name);
    }
    return hint_near(k, symbol_near(k, space, name));
}

Symbol *symbol_resolve(Checker *k, Space space, AstName name, const char *kinds) {
    if (!name.text) return NULL;
    Symbol *s = symbol_find(k, space, name.text);
    if (s) { s->is_used = true; return s; }
    symbol_unknown(k, space, name, kinds);
    return NULL;
}

void symbol_unknown(Checker *k, Space space, AstName name, const char *kinds) {
    const char *help = symbol_hint(k, space, name.text);
    // where a declaration could not be read, a name that is like no other may be its
    if (k->ast->is_partial && !help) return;
    FAULT(k, name.span, UNKNOWN_NAME, help, "there is no %s called `%s`", kinds, name.text);
}

int32_t symbol_value(Checker *k, const Symbol *mode, AstName value) {
    if (!value.text) return -1;
    int32_t i = names_find(&k->names, mode->space, value.text);
    if (i >= 0) return i;
    const AstDeclaration *d = mode->declaration;
    bool is_mode = mode->kind == AST_MODE_DECLARATION;
    const AstName *row = is_mode ? d->as.mode.value : d->as.private.type;
    int32_t n = is_mode ? d->as.mode.n_value : d->as.private.n_type;
    if (n > CHECK_VALUES_MAX) n = CHECK_VALUES_MAX;
    const char *all[CHECK_VALUES_MAX];
    int n_all = 0;
    for (int32_t j = 0; j < n; j++)
        if (row[j].text && names_find(&k->names, mode->space, row[j].text) == j) all[n_all++] = row[j].text;
    const char *help = hint_near(k, text_nearest(value.text, all, n_all));
    if (!help && n_all > 0) {
        // a short list is the better help
        text_clear(&k->text);
        for (int j = 0; j < n_all && j < 12; j++)
            text_printf(&k->text, "%s`%s`", j == 0 ? "" : j + 1 == n_all ? " and " : ", ", all[j]);
        if (n_all > 12) text_append(&k->text, ", ...");
        help = hint(k, n_all == 1 ? "its only %s is %s" : "its %ss are %s", is_mode ? "value" : "type",
                    text_view(&k->text));
    }
    FAULT(k, value.span, UNKNOWN_NAME, help, "`%s` has no %s called `%s`", mode->name, is_mode ? "value" : "type",
          value.text);
    return -1;
}
