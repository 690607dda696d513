#include "lang/checker.h"

#include <string.h>

enum { READS_ANY = READS_STATE | READS_PARAM | READS_TABLE };

// ---- effects -----------------------------------------------------------------------------------------------------

// `mode = value`: the number of the value
static ProgramId effect_on_mode(Checker *k, const AstEffect *e, const Symbol *mode) {
    if (e->assign != AST_SET) {
        FAULT(k, e->span, MODE, NULL, "a mode can only be set: `%s = VALUE`", mode->name);
        return PROGRAM_NONE;
    }
    if (!e->value || e->value->kind == AST_ERROR) return PROGRAM_NONE;
    if (e->value->kind != AST_NAME) {
        FAULT(k, e->value->span, MODE, NULL, "a mode can only be set to one of its values");
        return PROGRAM_NONE;
    }
    int32_t v = symbol_value(k, mode, e->value->name);
    return v < 0 ? PROGRAM_NONE : compile_number(k, v, e->value->span, e->value->name.text);
}

// `x += e` is x + e of the state before, and so for the others
static ProgramId effect_on_stock(Checker *k, const AstEffect *e, const Symbol *stock) {
    Place place = {.what = "an effect", .allowed = READS_ANY | READS_DRAW, .actor = PLACE_NOBODY, .due = TYPE_NUMBER,
                   .unit = stock->unit};
    if (!e->value || e->assign == AST_SET) return compile_expression(k, e->value, &place);
    static const struct { AstExprKind kind; const char *text; } form[] = {
        [AST_SET_ADD]      = {AST_ADD, "+"},
        [AST_SET_SUBTRACT] = {AST_SUBTRACT, "-"},
        [AST_SET_MULTIPLY] = {AST_MULTIPLY, "*"},
    };
    AstExpr before = {.kind = AST_NAME, .name = e->target, .span = e->target.span};
    AstExpr whole = {.kind = form[e->assign].kind, .name = {form[e->assign].text, e->span}, .span = e->value->span,
                     .a = &before, .b = e->value};
    if (e->assign == AST_SET_MULTIPLY) place.unit = unit_unknown();
    return compile_expression(k, &whole, &place);
}

static int32_t declare_effects(Checker *k, const AstJump *j, ModelEffect *row) {
    uint64_t seen = 0;
    int32_t n = 0;
    for (int32_t i = 0; i < j->n_effect; i++) {
        const AstEffect *e = &j->effect[i];
        if (!e->target.text) continue;
        Symbol *s = symbol_find(k, SPACE_VALUE, e->target.text);
        bool is_mode = s && s->kind == AST_MODE_DECLARATION, is_stock = s && s->kind == AST_STOCK_DECLARATION;
        if (!is_mode && !is_stock) {
            if (s) FAULT(k, e->target.span, UNKNOWN_NAME, NULL,
                         "an effect changes a stock or a mode, and `%s` is a %s",
                         s->name, symbol_kind(s));
            else symbol_unknown(k, SPACE_VALUE, e->target, "stock or mode");
            continue;
        }
        s->is_changed = true;
        int32_t v = is_mode ? s->index : k->model->n_mode + s->index;
        uint64_t bit = UINT64_C(1) << v % MODEL_VARIABLES_MAX;
        if (seen & bit && v < MODEL_VARIABLES_MAX)
            FAULT(k, e->target.span, DUPLICATE, "effects are applied together: one of them must say it all",
                  "`%s` is changed twice", s->name);
        seen |= bit;
        ProgramId value = is_mode ? effect_on_mode(k, e, s) : effect_on_stock(k, e, s);
        row[n++] = (ModelEffect){.to = v, .value = value};
    }
    return n;
}

// The spreads of the random sizes: negative where params alone decide is a fault here, elsewhere one of the lattice. A spread of 0
// is a size that is always the same.
static void declare_spreads(Checker *k, ModelDraw *row) {
    static const Place place = {.what = "a random size", .allowed = READS_ANY, .actor = PLACE_NOBODY, .due = TYPE_NUMBER};
    for (int32_t i = 0; i < k->n_draw; i++) {
        const AstExpr *e = k->drawn[i];
        AstExpr width = {.kind = AST_SUBTRACT, .name = {"-", e->span}, .span = e->span, .a = e->n_arg > 1 ? e->arg[1] : NULL, .b = e->arg ? e->arg[0] : NULL};
        const AstExpr *spread[] = {[DRAW_UNIFORM] = &width, [DRAW_NORMAL] = width.a, [DRAW_EXPONENTIAL] = width.b, [DRAW_ONE_OF] = NULL};
        double known;
        row[i] = k->draw[i];
        row[i].spread = compile_expression(k, spread[row[i].kind], &place);
        if (compile_value(k, row[i].spread, &known) && known < 0) distribution_fault(k, e);
    }
}

// ---- lumps -------------------------------------------------------------------------------------------------------

static int32_t declare_lumps(Checker *k, const AstJump *j, int32_t mover, ModelLump *row) {
    int32_t n = 0;
    if (j->cost) {
        Place place = {.what = "a cost", .allowed = READS_ANY | READS_TYPE, .actor = mover, .due = TYPE_NUMBER};
        AstExpr lost = {.kind = AST_NEGATE, .span = j->cost->span, .a = j->cost};
        const ProgramId *by_type;
        ProgramId value = compile_by_type(k, &lost, &place, &by_type);
        row[n++] = (ModelLump){.actor = mover, .value = value, .by_type = by_type, .is_cost = true};
    }
    for (int32_t i = 0; i < j->n_pays; i++) {
        const Symbol *actor = symbol_resolve(k, SPACE_ACTOR, j->pays[i].actor, "actor");
        Place place = {.what = "a payment", .allowed = READS_ANY, .actor = PLACE_NOBODY,
                       .due = TYPE_NUMBER};
        ProgramId value = compile_expression(k, j->pays[i].value, &place);
        if (actor) row[n++] = (ModelLump){.actor = actor->index, .value = value};
    }
    return n;
}

// ---- events and moves --------------------------------------------------------------------------------------------

// when an event happens: by a hazard, or on a day
static void declare_timing(Checker *k, const AstDeclaration *d, ModelJump *row) {
    const AstJump *j = &d->as.jump;
    row->kind = j->at ? JUMP_DATED : JUMP_EVENT;
    if (j->rate && j->at)
        FAULT(k, j->at->span, CONFLICT, NULL, "`%s` has both a rate and a date: one of them says when", row->name);
    if (!j->rate && !j->at && !j->chance && !k->is_rounds)
        missing(k, d, "rate", "how often it happens, such as `rate 0.1 per month`, or the day, `at 2025-07-01`");
    if (k->is_rounds) {
        wrong_clock(k, j->rate, "rate", "chance");
        if (!j->chance && !j->at && !j->rate) missing(k, d, "chance", "its probability in a round");
    } else wrong_clock(k, j->chance, "chance", "rate");

    Place rate = {.what = "the rate of an event", .allowed = READS_ANY, .actor = PLACE_NOBODY, .due = TYPE_NUMBER,
                  .unit = unit_product(unit_pure(), unit_base(UNIT_TIME), -1), .unit_text = "a rate"};
    row->rate = compile_expression(k, j->rate, &rate);
    require(k, j->rate, row->rate, is_not_negative, "the rate of an event", "a finite number, 0 or more");
    Place chance = {.what = "a chance", .allowed = READS_ANY, .actor = PLACE_NOBODY, .due = TYPE_NUMBER,
                    .unit = unit_pure()};
    ProgramId probability = compile_expression(k, j->chance, &chance);
    if (k->is_rounds && j->chance) {
        row->rate = probability;
        require(k, j->chance, row->rate, is_probability, "the chance of an event", "a probability, from 0 to 1");
    }
    if (j->chance && j->at)
        FAULT(k, j->at->span, CONFLICT, NULL, "`%s` has both a chance and a date: one of them says when", row->name);

    if (j->at && j->at->kind != AST_ERROR) {
        bool is_date;
        if (!declare_time(k, j->at, "the day of an event", &row->at, &is_date)) return;
        if (!is_date) FAULT(k, j->at->span, TYPE, "for example `at 2025-07-01`", "a date is due after `at`");
        else if (row->at < 0)
            REMARK(k, j->at->span, NEVER, NULL, "`%s` never happens: its day is before the scenario's first", row->name);
    }
}

static void declare_jump(Checker *k, const Symbol *s, ModelJump *row) {
    const AstDeclaration *d = s->declaration;
    const AstJump *j = &d->as.jump;
    bool is_move = s->kind == AST_MOVE_DECLARATION;
    *row = (ModelJump){.name = keep_text(k, s->name), .text = keep_text(k, d->text.text),
                       .kind = JUMP_MOVE, .actor = is_move ? s->actor : -1, .is_secret = j->secret.line > 0,
                       .when = PROGRAM_NONE, .rate = PROGRAM_NONE, .cite = declare_cite(k, d->cite, d->n_cite),
                       .span = d->name.span};

    Place when = {.what = "`when`", .allowed = READS_ANY, .actor = PLACE_NOBODY, .due = TYPE_CONDITION};
    row->when = compile_expression(k, j->when, &when);
    double always;
    if (compile_value(k, row->when, &always) && k->code.program[row->when].is_literal && always == 0)
        REMARK(k, j->when->span, NEVER, NULL, "`%s` can never happen: its condition is false everywhere", s->name);
    if (!is_move) declare_timing(k, d, row);

    ModelEffect *effect = keep_rows(k, j->n_effect, sizeof *effect);
    ModelLump *lump = keep_rows(k, (int64_t)j->n_pays + 1, sizeof *lump);
    if (!effect || !lump) return;
    k->n_draw = 0;
    row->effect = effect;
    row->n_effect = declare_effects(k, j, effect);
    ModelDraw *draw = keep_rows(k, k->n_draw, sizeof *draw);
    if (!draw) return;
    declare_spreads(k, draw);
    row->draw = draw;
    row->n_draw = k->n_draw;
    row->lump = lump;
    row->n_lump = declare_lumps(k, j, row->actor, lump);
    if (j->n_effect == 0 && j->n_pays == 0 && !is_move && !d->has_fault)
        REMARK(k, d->name.span, NO_EFFECT, NULL, "event `%s` changes nothing and pays nobody", s->name);
}

void declare_jumps(Checker *k) {
    Model *m = k->model;
    ModelJump *jump = keep_rows(k, m->n_jump, sizeof *jump);
    if (!jump) return;
    m->jump = jump;
    EACH(k, s, EVENT) declare_jump(k, s, &jump[s->index]);
    EACH(k, s, MOVE)  declare_jump(k, s, &jump[s->index]);
}
