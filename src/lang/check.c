#include "lang/checker.h"

#include <math.h>
#include <string.h>

static Info check(Checker *k, const AstExpr *e, const Place *p);

// ---- small things ------------------------------------------------------------------------------------------------

static Info none(void)              { return (Info){.type = TYPE_NONE}; }
static Info number(Unit unit)       { return (Info){.type = TYPE_NUMBER, .unit = unit, .height = 1}; }
static Info condition(void)         { return (Info){.type = TYPE_CONDITION, .unit = unit_pure(), .height = 1}; }

// what an expression reads is what its parts read; it is one higher than they
static Info joined(Info whole, Info part) {
    whole.reads |= part.reads;
    if (!whole.state)   whole.state = part.state;
    if (!whole.param)   whole.param = part.param;
    const Symbol *second = part.private && part.private != whole.private ? part.private : part.other;
    if (!whole.private) whole.private = part.private, second = part.other;
    if (!whole.other) whole.other = second;
    if (whole.height <= part.height) whole.height = part.height + 1;
    return whole;
}

// the place that the caret belongs to: the operator, where an expression has one
static Span caret(const AstExpr *e) { return e->name.text && e->name.span.line ? e->name.span : e->span; }

static const char *unit_words(Checker *k, Unit u) {
    text_clear(&k->text);
    unit_print(&k->text, u, k->unit_name);
    return hint(k, "%s", text_view(&k->text));
}

// a number where one is due; told if it is a condition
static bool is_number(Checker *k, const AstExpr *e, Info i) {
    if (i.type != TYPE_CONDITION) return i.type == TYPE_NUMBER;
    FAULT(k, e->span, TYPE, "write `[...]` around it to count it as 1 where it holds and 0 elsewhere",
          "this is a condition, and a number is due here");
    return false;
}

static bool is_condition(Checker *k, const AstExpr *e, Info i) {
    if (i.type != TYPE_NUMBER) return i.type == TYPE_CONDITION;
    FAULT(k, e->span, TYPE, "compare it with something: `x > 0`", "this is a number, and a condition is due here");
    return false;
}

// two sides that are added, compared or chosen between must be in one unit
static bool agree(Checker *k, Span span, Unit a, Unit b, const char *verb) {
    if (unit_agree(a, b)) return true;
    const char *left = unit_words(k, a), *right = unit_words(k, b);
    FAULT(k, span, UNIT, NULL, "one side is in %s and the other in %s: they can't be %s", left ? left : "?",
          right ? right : "?", verb);
    return false;
}

// ---- what may be read --------------------------------------------------------------------------------------------

// true if what an expression reads may be read in a place; `name` is how it stands in the text
static bool may_read(Checker *k, Span span, const char *name, Info i, const Place *p) {
    unsigned wrong = i.reads & ~p->allowed;
    if (wrong & READS_STATE) {
        const char *via = i.state ? i.state->name : name;
        if (strcmp(via, name) == 0)
            FAULT(k, span, READS, NULL, "%s can't depend on the state, and `%s` is part of it", p->what, name);
        else
            FAULT(k, span, READS, NULL, "%s can't depend on the state, and `%s` reads `%s`", p->what, name, via);
        return false;
    }
    if (wrong & READS_PARAM) {
        const char *via = i.param ? i.param->name : name;
        if (strcmp(via, name) == 0)
            FAULT(k, span, READS, NULL, "%s must be a plain number, and `%s` is a param", p->what, name);
        else
            FAULT(k, span, READS, NULL, "%s must be a plain number, and `%s` reads the param `%s`", p->what, name,
                  via);
        return false;
    }
    if (wrong & READS_TABLE) {
        FAULT(k, span, READS, NULL, "%s must be a plain number, and `%s` reads a table", p->what, name);
        return false;
    }
    const Symbol *type = i.other && i.other->actor != p->actor && p->actor != PLACE_ANYONE ? i.other : i.private;
    if (type && (wrong & READS_TYPE || (type->actor != p->actor && p->actor != PLACE_ANYONE))) {
        const char *owner = type->declaration->of.text;
        FAULT(k, span, READS, NULL,
              "`%s` is known to `%s` alone: only its own payoff terms, costs and precision may read it", type->name,
              owner ? owner : "?");
        return false;
    }
    return true;
}

// ---- names -------------------------------------------------------------------------------------------------------

// a let is checked once, wherever it is first met, as if it stood where everything may be read
static void check_let(Checker *k, Symbol *s) {
    static const Place place = {.what = "a let", .allowed = READS_STATE | READS_PARAM | READS_TABLE | READS_TYPE,
                                .actor = PLACE_ANYONE};
    const AstLet *let = &s->declaration->as.let;
    s->is_open = true;
    s->info = let->value ? check(k, let->value, &place) : none();
    s->is_open = false;
    s->is_checked = true;
    Unit said = declare_unit(k, let->unit);
    if (s->info.type == TYPE_NONE) return;
    if (s->info.type == TYPE_CONDITION && let->unit.text) {
        FAULT(k, let->unit.span, UNIT, NULL, "`%s` is a condition, it has no unit", s->name);
        s->info = none();
    } else if (!unit_agree(said, s->info.unit)) {
        const char *found = unit_words(k, s->info.unit);
        FAULT(k, let->unit.span, UNIT, NULL, "`%s` is said to be in `%s`, but its value is in %s", s->name,
              let->unit.text, found ? found : "?");
        s->info = none();
    } else if (said.is_known) s->info.unit = said;
}

void check_lets(Checker *k) {
    for (int32_t i = 0; i < k->n_symbol; i++)
        if (k->symbol[i].kind == AST_LET_DECLARATION && !k->symbol[i].is_checked) check_let(k, &k->symbol[i]);
}

static Info check_name(Checker *k, const AstExpr *e, const Place *p) {
    const char *name = e->name.text;
    Symbol *s = symbol_find(k, SPACE_VALUE, name);
    if (!s) {
        symbol_unknown(k, SPACE_VALUE, e->name, "stock, mode, param or let");
        return none();
    }
    s->is_used = true;
    Info i = number(s->unit);
    switch (s->kind) {
    case AST_STOCK_DECLARATION:
        i.reads = READS_STATE;
        i.state = s;
        break;
    case AST_PARAM_DECLARATION:
        i.reads = READS_PARAM;
        i.param = s;
        break;
    case AST_LET_DECLARATION:
        if (s->is_open) {
            FAULT(k, e->span, CYCLE, NULL, "`%s` needs its own value", name);
            return none();
        }
        if (!s->is_checked) check_let(k, s);
        i = s->info;
        i.height++;
        break;
    case AST_TABLE_DECLARATION:
        FAULT(k, e->span, TYPE, hint(k, "write `%s(x)`", name), "`%s` is a table: it needs an argument", name);
        return none();
    default: {
        const char *what = s->kind == AST_MODE_DECLARATION ? "mode" : "private type";
        FAULT(k, e->span, MODE, hint(k, "compare it with one of its values, or use `by %s { ... }`", name),
              "`%s` is a %s, and has no number", name, what);
        return none();
    }
    }
    if (i.type == TYPE_NONE || !may_read(k, e->span, name, i, p)) return none();
    return i;
}

// the mode or private type that a side of a comparison names, or NULL
static Symbol *mode_of(const Checker *k, const AstExpr *e) {
    if (!e || e->kind != AST_NAME) return NULL;
    Symbol *s = symbol_find(k, SPACE_VALUE, e->name.text);
    return s && (s->kind == AST_MODE_DECLARATION || s->kind == AST_PRIVATE_DECLARATION) ? s : NULL;
}

static Info mode_read(Symbol *s) {
    Info i = condition();
    s->is_used = true;
    if (s->kind == AST_MODE_DECLARATION) {
        i.reads = READS_STATE;
        i.state = s;
    } else {
        i.reads = READS_TYPE;
        i.private = s;
    }
    return i;
}

// `tariff == none`, either way round
static Info check_mode_comparison(Checker *k, const AstExpr *e, const AstExpr *mode, const AstExpr *value,
                                  const Place *p) {
    Symbol *s = mode_of(k, mode);
    Info i = mode_read(s);
    if (!may_read(k, mode->span, s->name, i, p)) return none();
    if (e->kind != AST_EQUAL && e->kind != AST_NOT_EQUAL) {
        FAULT(k, caret(e), MODE, "a mode can be compared by `==` and `!=`", "the values of `%s` have no order",
              s->name);
        return none();
    }
    if (value->kind == AST_ERROR) return none();
    if (value->kind != AST_NAME) {
        FAULT(k, value->span, MODE, NULL, "`%s` is a %s: it can only be compared with one of its %ss", s->name,
              s->kind == AST_MODE_DECLARATION ? "mode" : "private type",
              s->kind == AST_MODE_DECLARATION ? "value" : "type");
        return none();
    }
    return symbol_value(k, s, value->name) < 0 ? none() : i;
}

// ---- forms -------------------------------------------------------------------------------------------------------

static Info check_comparison(Checker *k, const AstExpr *e, const Place *p) {
    Symbol *a = mode_of(k, e->a), *b = mode_of(k, e->b);
    // a name that is a value of the mode beside it is that value, whatever else it may be
    bool b_is_value = a && e->b->kind == AST_NAME && names_find(&k->names, a->space, e->b->name.text) >= 0;
    if (a && (b_is_value || !b)) return check_mode_comparison(k, e, e->a, e->b, p);
    if (b) {
        bool a_is_value = e->a->kind == AST_NAME && names_find(&k->names, b->space, e->a->name.text) >= 0;
        if (!a || a_is_value) return check_mode_comparison(k, e, e->b, e->a, p);
        FAULT(k, caret(e), MODE, "compare each with a value", "`%s` and `%s` are modes: they can't be compared",
              a->name, b->name);
        return none();
    }
    Info l = check(k, e->a, p), r = check(k, e->b, p);
    bool fine = l.type != TYPE_NONE && r.type != TYPE_NONE;
    fine = fine && is_number(k, e->a, l) && is_number(k, e->b, r) && agree(k, caret(e), l.unit, r.unit, "compared");
    return fine ? joined(joined(condition(), l), r) : none();
}

static Info check_arithmetic(Checker *k, const AstExpr *e, const Place *p) {
    Info l = check(k, e->a, p), r = check(k, e->b, p);
    bool fine = l.type != TYPE_NONE && r.type != TYPE_NONE;
    // both sides are looked at, so that both faults are told
    if (l.type != TYPE_NONE) fine &= is_number(k, e->a, l);
    if (r.type != TYPE_NONE) fine &= is_number(k, e->b, r);
    if (!fine) return none();
    Unit unit = unit_unknown();
    switch (e->kind) {
    case AST_ADD:
    case AST_SUBTRACT:
        if (!agree(k, caret(e), l.unit, r.unit, e->kind == AST_ADD ? "added" : "subtracted")) return none();
        unit = unit_meet(l.unit, r.unit);
        break;
    case AST_MULTIPLY: unit = unit_product(l.unit, r.unit, 1); break;
    case AST_DIVIDE:   unit = unit_product(l.unit, r.unit, -1); break;
    default:           // power: a whole number as exponent keeps track of the unit
        if (r.unit.is_known && r.unit.n > 0) {
            const char *found = unit_words(k, r.unit);
            FAULT(k, e->b->span, UNIT, NULL, "an exponent is a pure number, this one is in %s", found ? found : "?");
            return none();
        }
        if (l.unit.is_known && l.unit.n == 0) unit = unit_pure();
        else if (e->b->kind == AST_NUMBER && e->b->number == floor(e->b->number) && fabs(e->b->number) < 16)
            unit = unit_product(unit_pure(), l.unit, (int32_t)e->b->number);
    }
    return joined(joined(number(unit), l), r);
}

static Info check_logic(Checker *k, const AstExpr *e, const Place *p) {
    Info l = check(k, e->a, p), r = check(k, e->b, p);
    bool fine = l.type != TYPE_NONE && r.type != TYPE_NONE;
    if (l.type != TYPE_NONE) fine &= is_condition(k, e->a, l);
    if (r.type != TYPE_NONE) fine &= is_condition(k, e->b, r);
    return fine ? joined(joined(condition(), l), r) : none();
}

// branches of `if` and `by`: all numbers in one unit, or all conditions
static bool check_branch(Checker *k, const AstExpr *e, Info branch, Info *whole, bool *is_first) {
    if (branch.type == TYPE_NONE) return false;
    bool fine = true;
    if (*is_first) {
        whole->type = branch.type;
        whole->unit = branch.unit;
        *is_first = false;
    } else {
        fine = whole->type == TYPE_NUMBER ? is_number(k, e, branch) : is_condition(k, e, branch);
        fine = fine && agree(k, e->span, whole->unit, branch.unit, "chosen between");
        whole->unit = unit_meet(whole->unit, branch.unit);
    }
    *whole = joined(*whole, branch);
    return fine;
}

static Info check_if(Checker *k, const AstExpr *e, const Place *p) {
    Info c = check(k, e->a, p);
    bool fine = c.type != TYPE_NONE && is_condition(k, e->a, c);
    Info whole = number(unit_unknown());
    bool is_first = true;
    fine &= check_branch(k, e->b, check(k, e->b, p), &whole, &is_first);
    fine &= check_branch(k, e->c, check(k, e->c, p), &whole, &is_first);
    return fine ? joined(whole, c) : none();
}

static bool is_seen(const uint64_t *seen, int32_t v) { return seen[v / 64] >> v % 64 & 1; }

static Info check_by(Checker *k, const AstExpr *e, const Place *p) {
    Symbol *s = symbol_find(k, SPACE_VALUE, e->name.text);
    bool fine = s != NULL;
    if (!s) symbol_unknown(k, SPACE_VALUE, e->name, "mode");
    else if (s->kind != AST_MODE_DECLARATION && s->kind != AST_PRIVATE_DECLARATION) {
        s->is_used = true;
        FAULT(k, e->name.span, MODE, "`if` ... `then` ... `else` picks by a condition",
              "`by` picks by the value of a mode, and `%s` is a %s", s->name, symbol_kind(s));
        fine = false;
        s = NULL;
    }
    Info read = condition();
    if (s) {
        read = mode_read(s);
        fine &= may_read(k, e->name.span, s->name, read, p);
    }

    // every arm a value of the mode, each value once
    uint64_t seen[CHECK_VALUES_MAX / 64 + 1] = {0};
    Info whole = number(unit_unknown());
    bool is_first = true, has_gap = false;
    for (int32_t i = 0; i < e->n_arm; i++) {
        const AstArm *arm = &e->arm[i];
        int32_t v = s ? symbol_value(k, s, arm->value) : -1;
        if (s && v < 0) fine = false, has_gap = true;
        if (v >= 0 && is_seen(seen, v)) {
            FAULT(k, arm->value.span, DUPLICATE, NULL, "`%s` stands twice in this `by %s`", arm->value.text, s->name);
            fine = false;
        }
        if (v >= 0) seen[v / 64] |= UINT64_C(1) << v % 64;
        fine &= check_branch(k, arm->expr, check(k, arm->expr, p), &whole, &is_first);
    }
    // and none left out; a value that was misspelled is likely the one that would be missed
    if (s && !has_gap) {
        bool is_mode = s->kind == AST_MODE_DECLARATION;
        const AstName *value = is_mode ? s->declaration->as.mode.value : s->declaration->as.private.type;
        int32_t n = is_mode ? s->declaration->as.mode.n_value : s->declaration->as.private.n_type;
        int32_t n_left = 0;
        Text left = {0};
        for (int32_t v = 0; v < n && v < CHECK_VALUES_MAX; v++)
            if (!is_seen(seen, v) && value[v].text && names_find(&k->names, s->space, value[v].text) == v)
                text_printf(&left, "%s`%s`", n_left++ ? ", " : "", value[v].text);
        if (n_left > 0) {
            FAULT(k, e->name.span, MISSING, NULL, "this `by %s` says nothing for %s", s->name, text_view(&left));
            fine = false;
        }
        if (left.failed) k->failed = true;
        text_free(&left);
    }
    return fine && !is_first ? joined(whole, read) : none();
}

static Info check_belief(Checker *k, const AstExpr *e, const Place *p) {
    Symbol *actor = symbol_resolve(k, SPACE_ACTOR, e->name, "actor");
    if (!actor) return none();
    Symbol *found = NULL, *any = NULL;
    for (int32_t i = 0; i < k->n_private && !found; i++) {
        Symbol *s = k->private[i];
        if (s->actor != actor->index) continue;
        if (!any) any = s;
        if (e->type.text && names_find(&k->names, s->space, e->type.text) >= 0) found = s;
    }
    if (!any) {
        FAULT(k, e->name.span, UNKNOWN_NAME, NULL, "`%s` has no private type, so there is no belief about it",
              actor->name);
        return none();
    }
    any->is_used = true;
    if (!found) {
        symbol_value(k, any, e->type);
        return none();
    }
    found->is_used = true;
    Info i = number(unit_pure());
    i.reads = READS_STATE;
    i.state = found;
    return may_read(k, e->span, found->name, i, p) ? i : none();
}

static Info check_measure(Checker *k, const AstExpr *e, const Place *p) {
    if (time_unit_days(k, e->name) > 0) return number(unit_base(UNIT_TIME));
    Symbol *s = symbol_find(k, SPACE_UNIT, e->name.text);
    if (s) {
        s->is_used = true;
        return number(unit_base(s->index + 1));
    }
    Unit unit = declare_unit(k, e->name);
    return unit.is_known ? number(unit) : none();
}

// true if the operand of `per` is a rate already, as said by itself
static bool is_rate_already(const Checker *k, const AstExpr *e) {
    if (e->kind == AST_PER) return true;
    const Symbol *s = e->kind == AST_NAME ? symbol_find(k, SPACE_VALUE, e->name.text) : NULL;
    return s && s->kind == AST_PARAM_DECLARATION && s->declaration->as.param.per.text;
}

static bool check_time_unit(Checker *k, AstName unit) {
    if (!unit.text) return false;
    if (time_unit_days(k, unit) > 0) return true;
    static const char *const all[] = {
#define X(name, days) #name,
        TIME_UNIT_LIST(X)
#undef X
    };
    FAULT(k, unit.span, UNKNOWN_NAME, hint_near(k, text_nearest(unit.text, all, DUR_COUNT(all))),
          "`%s` is not a unit of time: `day`, `week`, `month`, `quarter` and `year` are", unit.text);
    return false;
}

static Info check_per(Checker *k, const AstExpr *e, const Place *p) {
    bool fine = check_time_unit(k, e->name);
    Info i = check(k, e->a, p);
    if (!fine || i.type == TYPE_NONE || !is_number(k, e->a, i)) return none();
    if (is_rate_already(k, e->a)) {
        FAULT(k, e->name.span, UNIT, NULL, "this is a rate already: a second `per %s` makes it none", e->name.text);
        return none();
    }
    return joined(number(unit_product(i.unit, unit_base(UNIT_TIME), -1)), i);
}

// ---- calls -------------------------------------------------------------------------------------------------------

static bool check_count(Checker *k, const AstExpr *e, int32_t least, int32_t most, const char *form) {
    if (e->n_arg >= least && (most < 0 || e->n_arg <= most)) return true;
    if (least == most)
        FAULT(k, e->name.span, ARGUMENTS, hint(k, "it is written `%s`", form),
              "`%s` takes %d argument%s, here it has %d",
              e->name.text, least, least == 1 ? "" : "s", e->n_arg);
    else
        FAULT(k, e->name.span, ARGUMENTS, hint(k, "it is written `%s`", form),
              "`%s` takes at least %d arguments, here it has %d", e->name.text, least, e->n_arg);
    return false;
}

static Info check_function(Checker *k, const AstExpr *e, Function f, const Place *p) {
    const FunctionRow *row = function_row(f);
    bool fine = check_count(k, e, row->least, row->most, row->form);
    bool is_pure = f == FUNCTION_exp || f == FUNCTION_log || f == FUNCTION_logistic;
    Info whole = number(unit_unknown());
    for (int32_t i = 0; i < e->n_arg; i++) {
        Info a = check(k, e->arg[i], p);
        if (a.type == TYPE_NONE || !is_number(k, e->arg[i], a)) { fine = false; continue; }
        if (is_pure && a.unit.is_known && a.unit.n > 0) {
            const char *found = unit_words(k, a.unit);
            FAULT(k, e->arg[i]->span, UNIT, "divide it by something in the same unit",
                  "`%s` takes a pure number, this is in %s", row->name, found ? found : "?");
            fine = false;
        }
        if (!is_pure && i > 0 && !agree(k, e->arg[i]->span, whole.unit, a.unit, "compared")) fine = false;
        whole.unit = is_pure ? unit_pure() : i > 0 ? unit_meet(whole.unit, a.unit) : a.unit;
        whole = joined(whole, a);
    }
    if (f == FUNCTION_sqrt) whole.unit = unit_root(whole.unit);
    return fine ? whole : none();
}

// random sizes are for effects; their arguments hold none themselves
static bool check_draw_place(Checker *k, const AstExpr *e, const Place *p) {
    if (p->allowed & READS_DRAW) return true;
    FAULT(k, caret(e), READS, NULL, "a random size can stand only in an effect (after `then`), not in %s", p->what);
    return false;
}

static Info check_draw(Checker *k, const AstExpr *e, DrawKind kind, const Place *p) {
    const FunctionRow *row = draw_row(kind);
    bool fine = check_draw_place(k, e, p) && check_count(k, e, row->least, row->most, row->form);
    Place inner = *p;
    inner.allowed &= ~(unsigned)READS_DRAW;
    inner.what = "a random size";
    Info whole = number(unit_unknown());
    whole.reads = READS_DRAW;
    for (int32_t i = 0; i < e->n_arg; i++) {
        Info a = check(k, e->arg[i], &inner);
        if (a.type == TYPE_NONE || !is_number(k, e->arg[i], a)) { fine = false; continue; }
        if (i > 0 && !agree(k, e->arg[i]->span, whole.unit, a.unit, "combined")) fine = false;
        whole.unit = i > 0 ? unit_meet(whole.unit, a.unit) : a.unit;
        whole = joined(whole, a);
    }
    return fine ? whole : none();
}

static Info check_one_of(Checker *k, const AstExpr *e, const Place *p) {
    bool fine = check_draw_place(k, e, p);
    Place inner = *p, plain = {.what = "a weight", .allowed = 0, .actor = -1};
    inner.allowed &= ~(unsigned)READS_DRAW;
    inner.what = "a random size";
    if (e->n_size > CHECK_VALUES_MAX) {
        FAULT(k, e->span, LIMIT, NULL, "this `one_of` has %d sizes, at most %d can be", e->n_size, CHECK_VALUES_MAX);
        return none();
    }
    if (e->n_size == 0) {
        FAULT(k, e->span, VALUE, NULL, "this `one_of` has no sizes, at least one must be");
        return none();
    }
    Info whole = number(unit_unknown());
    bool is_first = true;
    for (int32_t i = 0; i < e->n_size; i++) {
        const AstSize *size = &e->size[i];
        Info a = check(k, size->value, &inner);
        if (a.type == TYPE_NONE || !is_number(k, size->value, a)) fine = false;
        else fine &= check_branch(k, size->value, a, &whole, &is_first);
        if (!size->weight) continue;
        Info w = check(k, size->weight, &plain);
        fine &= w.type != TYPE_NONE && is_number(k, size->weight, w);
    }
    whole.reads |= READS_DRAW;
    return fine && !is_first ? whole : none();
}

static Info check_call(Checker *k, const AstExpr *e, const Place *p) {
    const char *name = e->name.text;
    int32_t f = function_find(name);
    if (f >= 0) return check_function(k, e, (Function)f, p);
    Symbol *s = symbol_find(k, SPACE_VALUE, name);
    if (s && s->kind == AST_TABLE_DECLARATION) {
        s->is_used = true;
        bool fine = check_count(k, e, 1, 1, hint(k, "%s(x)", name));
        Info whole = number(unit_unknown());
        whole.reads = READS_TABLE;
        for (int32_t i = 0; i < e->n_arg; i++) {
            Info a = check(k, e->arg[i], p);
            fine &= a.type != TYPE_NONE && is_number(k, e->arg[i], a);
            whole = joined(whole, a);
        }
        Info table = {.reads = READS_TABLE};
        return fine && may_read(k, e->name.span, name, table, p) ? whole : none();
    }
    int32_t draw = draw_find(name);
    if (draw >= 0) return check_draw(k, e, (DrawKind)draw, p);
    if (s)
        FAULT(k, e->name.span, TYPE, "a product is written with `*`", "`%s` is a %s, it takes no argument", name,
              symbol_kind(s));
    else if (prior_find(name) != PRIOR_NONE)
        FAULT(k, e->name.span, UNKNOWN_NAME, NULL, "`%s` is a distribution for `prior`, it can't stand here", name);
    else {
        const char *near = function_near(name, (p->allowed & READS_DRAW) != 0);
        if (!near && k->ast->is_partial) return none();
        FAULT(k, e->name.span, UNKNOWN_NAME, hint_near(k, near ? near : symbol_near(k, SPACE_VALUE, name)),
              "there is no function or table called `%s`", name);
    }
    return none();
}

static Info check_quantity(Checker *k, const AstExpr *e, const Place *p) {
    if (!(p->allowed & READS_QUANTITY)) {
        FAULT(k, e->span, READS, NULL, "P(...) and E(...) are for claims, they can't stand in %s", p->what);
        return none();
    }
    Unit unit = unit_unknown();
    if (declare_quantity(k, e, false, &unit) < 0) return none();
    Info i = number(unit);
    i.reads = READS_QUANTITY;
    return i;
}

static Info check_unary(Checker *k, const AstExpr *e, const Place *p) {
    Info i = check(k, e->a, p);
    if (i.type == TYPE_NONE) return i;
    if (e->kind == AST_NEGATE) return is_number(k, e->a, i) ? joined(number(i.unit), i) : none();
    if (e->kind == AST_NOT) return is_condition(k, e->a, i) ? joined(condition(), i) : none();
    if (i.type == TYPE_CONDITION) return joined(number(unit_pure()), i);
    FAULT(k, e->a->span, TYPE, "a number is grouped by `( )`",
          "`[ ]` takes a condition and counts it as 1 or 0, this is a number");
    return none();
}

// ---- the whole ---------------------------------------------------------------------------------------------------

static Info check_nothing(Checker *k, const AstExpr *e, const Place *p) { return none(); }
static Info check_number(Checker *k, const AstExpr *e, const Place *p)  { return number(unit_unknown()); }

static Info check_date(Checker *k, const AstExpr *e, const Place *p) {
    FAULT(k, e->span, TYPE, NULL, "a date can't stand in %s", p->what);
    return none();
}

// one row a form. Calls go through this table also so that no frame of the recursion has room for all of them
static Info (*const FORM[])(Checker *, const AstExpr *, const Place *) = {
    [AST_ERROR] = check_nothing,         [AST_NUMBER] = check_number,          [AST_MEASURE] = check_measure,
    [AST_DATE] = check_date,             [AST_NAME] = check_name,              [AST_NEGATE] = check_unary,
    [AST_NOT] = check_unary,             [AST_INDICATOR] = check_unary,        [AST_ADD] = check_arithmetic,
    [AST_SUBTRACT] = check_arithmetic,   [AST_MULTIPLY] = check_arithmetic,    [AST_DIVIDE] = check_arithmetic,
    [AST_POWER] = check_arithmetic,      [AST_EQUAL] = check_comparison,       [AST_NOT_EQUAL] = check_comparison,
    [AST_LESS] = check_comparison,       [AST_LESS_EQUAL] = check_comparison,  [AST_GREATER] = check_comparison,
    [AST_GREATER_EQUAL] = check_comparison, [AST_AND] = check_logic,           [AST_OR] = check_logic,
    [AST_PER] = check_per,               [AST_IF] = check_if,                  [AST_BY] = check_by,
    [AST_BELIEF] = check_belief,         [AST_CALL] = check_call,              [AST_ONE_OF] = check_one_of,
    [AST_QUANTITY] = check_quantity,
};

// every recursion goes through here: neither the text's nesting nor a chain of lets may exhaust the stack
static Info check(Checker *k, const AstExpr *e, const Place *p) {
    if (!e || k->failed) return none();
    Info i = none();
    if (k->depth < CHECK_HEIGHT_MAX) {
        k->depth++;
        i = FORM[e->kind](k, e, p);
        k->depth--;
    }
    if (k->depth >= CHECK_HEIGHT_MAX || i.height > CHECK_HEIGHT_MAX) {
        if (!k->is_limit_told)
            FAULT(k, e->span, LIMIT, NULL, "operations within one another (lets opened up) are more than %d deep",
                  CHECK_HEIGHT_MAX);
        k->is_limit_told = true;
        return none();
    }
    return i;
}

Info check_expression(Checker *k, const AstExpr *e, const Place *p) {
    k->is_limit_told = false;
    Info i = check(k, e, p);
    if (i.type == TYPE_NONE) return i;
    if (p->due == TYPE_NUMBER ? !is_number(k, e, i) : p->due == TYPE_CONDITION && !is_condition(k, e, i))
        return none();
    if (!unit_agree(i.unit, p->unit)) {
        const char *found = unit_words(k, i.unit);
        const char *due = p->unit_text ? p->unit_text : unit_words(k, p->unit);
        FAULT(k, e->span, UNIT, NULL, "%s should be %s%s, this is in %s", p->what, p->unit_text ? "" : "in ",
              due ? due : "?", found ? found : "?");
        return none();
    }
    return i;
}
