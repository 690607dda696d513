#include "lang/checker.h"

#include "base/memory.h"

#include <math.h>
#include <string.h>

// ---- quantities --------------------------------------------------------------------------------------------------

// the window that `T` and `after T0` make: T counts from T0, unless it is a date
static bool declare_window(Checker *k, const AstQuantity *q, ModelQuantity *row) {
    double from = 0, length = 0;
    bool from_is_date = false, is_date = false, fine = true;
    if (q->after) fine &= declare_time(k, q->after, "the time after `after`", &from, &from_is_date);
    if (fine && from < 0) {
        FAULT(k, q->after->span, VALUE, NULL, "this time is before the scenario starts");
        fine = false;
    }
    row->from = from;
    row->to = q->kind == QUANTITY_UNTIL ? INFINITY : from;
    if (!q->time) return fine;
    if (!declare_time(k, q->time, q->kind == QUANTITY_AT ? "the time after `at`" : "the length of time", &length,
                      &is_date))
        return false;
    if (!fine) return false;
    row->to = is_date ? length : from + length;
    if (q->kind == QUANTITY_AT) {
        if (row->to >= 0) return true;
        FAULT(k, q->time->span, VALUE, NULL, "this time is before the scenario starts");
        return false;
    }
    if (row->to > row->from) return true;
    FAULT(k, q->time->span, VALUE, NULL, is_date ? "this day is not after the time that the window begins"
                                                 : "a length of time must be more than 0");
    return false;
}

int32_t declare_quantity(Checker *k, const AstExpr *e, bool is_fresh, Unit *unit) {
    const AstQuantity *q = e->quantity;
    text_clear(&k->text);
    ast_print_expression(&k->text, e);
    const char *text = keep_text(k, text_view(&k->text));
    if (!q || !text || k->failed) return -1;
    // unwritten in the text is nothing: what is printed alike means alike
    int32_t known = is_fresh ? -1 : names_find(&k->names, SPACE_QUANTITY, text);
    if (known >= 0) {
        *unit = k->quantity_unit[known];
        return known;
    }

    ModelQuantity row = {.kind = q->kind, .is_probability = q->is_probability, .x = PROGRAM_NONE,
                         .until = PROGRAM_NONE, .jump = -1, .policy = -1, .text = text, .span = e->span};
    bool fine = declare_window(k, q, &row);
    Place place = {.what = "a path", .allowed = READS_STATE | READS_PARAM | READS_TABLE, .actor = PLACE_NOBODY,
                   .due = TYPE_CONDITION};
    *unit = unit_pure();
    if (q->kind == QUANTITY_COUNT) {
        const Symbol *s = symbol_resolve(k, SPACE_JUMP, q->jump, "move or event");
        if (s) row.jump = s->index;
        fine &= s != NULL;
    } else {
        if (!q->is_probability) place.what = "a value", place.due = TYPE_NUMBER;
        Info i = check_expression(k, q->x, &place);
        fine &= i.type != TYPE_NONE;
        if (!q->is_probability) *unit = i.unit;
        if (q->kind == QUANTITY_TOTAL) *unit = unit_product(i.unit, unit_base(UNIT_TIME), 1);
        if (fine) row.x = compile_expression(k, q->x, &place);
        if (q->kind == QUANTITY_UNTIL) {
            row.until = compile_expression(k, q->until, &place);
            fine &= row.until >= 0;
        }
    }
    if (q->policy.text) {
        const Symbol *s = symbol_resolve(k, SPACE_POLICY, q->policy, "policy");
        if (s) row.policy = s->index;
        fine &= s != NULL;
    }
    if (!fine || k->failed) return -1;

    if (k->n_quantity == k->quantity_capacity) {
        int32_t more = k->quantity_capacity ? 2 * k->quantity_capacity : 16;
        ModelQuantity *rows = memory_resize(k->quantity, (size_t)more * sizeof *rows);
        if (rows) k->quantity = rows;
        Unit *units = rows ? memory_resize(k->quantity_unit, (size_t)more * sizeof *units) : NULL;
        if (units) k->quantity_unit = units;
        if (!rows || !units) { k->failed = true; return -1; }
        k->quantity_capacity = more;
    }
    k->quantity[k->n_quantity] = row;
    k->quantity_unit[k->n_quantity] = *unit;
    if (!is_fresh) names_add(&k->names, SPACE_QUANTITY, text, k->n_quantity);
    return k->n_quantity++;
}

// ---- claims ------------------------------------------------------------------------------------------------------

static bool comparison_of(AstExprKind kind, Comparison *out) {
    switch (kind) {
    case AST_LESS:          *out = COMPARE_LESS;          return true;
    case AST_LESS_EQUAL:    *out = COMPARE_LESS_EQUAL;    return true;
    case AST_GREATER:       *out = COMPARE_GREATER;       return true;
    case AST_GREATER_EQUAL: *out = COMPARE_GREATER_EQUAL; return true;
    case AST_EQUAL:         *out = COMPARE_EQUAL;         return true;
    case AST_NOT_EQUAL:     *out = COMPARE_NOT_EQUAL;     return true;
    default:                return false;
    }
}

static void declare_claim(Checker *k, const Symbol *s, ModelClaim *row) {
    const AstDeclaration *d = s->declaration;
    const AstClaim *a = &d->as.claim;
    *row = (ModelClaim){.name = keep_text(k, s->name), .text = keep_text(k, d->text.text), .left = PROGRAM_NONE,
                        .right = PROGRAM_NONE, .confidence = 0.99, .tolerance = NAN,
                        .is_sensitive = a->sensitive.text != NULL, .cite = declare_cite(k, d->cite, d->n_cite),
                        .span = d->name.span};

    if (a->confidence) {
        Place place = PLAIN("`confidence`", unit_pure(), "a pure number");
        if (compile_literal(k, a->confidence, &place, &row->confidence) &&
            !(row->confidence > 0 && row->confidence < 1))
            FAULT(k, a->confidence->span, VALUE, NULL, "`confidence` is more than 0 and less than 1, such as `99%%`");
    }
    if (a->tolerance) {
        Place place = PLAIN("`tolerance`", unit_unknown(), NULL);
        if (compile_literal(k, a->tolerance, &place, &row->tolerance) && !(row->tolerance > 0 && isfinite(row->tolerance)))
            FAULT(k, a->tolerance->span, VALUE, NULL, "`tolerance` is more than 0: how far the difference may move when grids are doubled");
        if (a->sensitive.text)
            FAULT(k, a->sensitive.span, VALUE, "leave one of them out",
                  "a claim that is `sensitive` to the grid keeps to no `tolerance`");
    }
    const AstExpr *e = a->comparison;
    if (!e) {
        if (!d->has_fault)
            FAULT(k, d->name.span, MISSING, "for example `E(power at 24 month) < 0.5`", "claim `%s` compares nothing",
                  s->name);
        return;
    }
    if (e->kind == AST_ERROR) return;
    if (!comparison_of(e->kind, &row->comparison)) {
        FAULT(k, e->span, CLAIM, "for example `E(power at 24 month) < 0.5`",
              "a claim is one comparison of two numbers, made with P(...) and E(...)");
        return;
    }
    // both sides together, so that their units are held against one another; then each by itself
    Place whole = {.what = "a claim", .allowed = READS_PARAM | READS_TABLE | READS_QUANTITY, .actor = PLACE_NOBODY,
                   .due = TYPE_CONDITION};
    Info i = check_expression(k, e, &whole);
    if (i.type == TYPE_NONE) return;
    if (!(i.reads & READS_QUANTITY)) {
        FAULT(k, e->span, CLAIM, NULL, "a claim says something of P(...) or E(...), here is neither");
        return;
    }
    Place side = whole;
    side.due = TYPE_NUMBER;
    row->left = compile_expression(k, e->a, &side);
    row->right = compile_expression(k, e->b, &side);
    row->sentence = compile_text(k, e);
}

static void declare_query(Checker *k, const AstExpr *e) {
    if (!e || e->kind == AST_ERROR) return;
    if (e->kind != AST_QUANTITY) {
        FAULT(k, e->span, CLAIM, "for example `E(power at 24 month | hold)`", "a query is one P(...) or E(...)");
        return;
    }
    Unit unit;
    declare_quantity(k, e, true, &unit);
}

void declare_claims(Checker *k, AstExpr *const *query, int32_t n_query) {
    Model *m = k->model;
    ModelClaim *claim = keep_rows(k, m->n_claim, sizeof *claim);
    if (!claim) return;
    m->claim = claim;
    EACH(k, s, CLAIM) declare_claim(k, s, &claim[s->index]);
    for (int32_t i = 0; i < n_query; i++) declare_query(k, query[i]);
    ModelQuantity *row = keep_rows(k, k->n_quantity, sizeof *row);
    if (!row) return;
    if (k->n_quantity) memcpy(row, k->quantity, (size_t)k->n_quantity * sizeof *row);
    m->quantity = row;
    m->n_quantity = k->n_quantity;
}
