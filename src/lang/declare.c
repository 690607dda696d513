#include "lang/checker.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

// ---- small things ------------------------------------------------------------------------------------------------

ModelCite declare_cite(Checker *k, const AstCite *cite, int32_t n_cite) {
    ModelCite first = {.source = -1};
    ModelCite *more = n_cite > 1 ? keep_rows(k, n_cite - 1, sizeof *more) : NULL;
    first.more = more;
    for (int32_t i = 0; i < n_cite; i++) {
        const Symbol *s = symbol_resolve(k, SPACE_SOURCE, cite[i].source, "source");
        ModelCite *row = first.source < 0 ? &first : more ? &more[first.n_more] : NULL;
        if (!s || !row) continue;
        if (row != &first) first.n_more++;
        row->source = s->index;
        row->locator = keep_text(k, cite[i].locator);
    }
    return first;
}

int32_t declare_owner(Checker *k, const AstDeclaration *d, bool may_be_nature) {
    const char *keyword = ast_declaration_keyword(d->kind);
    if (!d->of.text) {
        if (!d->has_fault && d->name.text)
            FAULT(k, d->name.span, MISSING, hint(k, "write `%s %s of ACTOR`", keyword, d->name.text),
                  "`%s` does not say whose %s it is", d->name.text, keyword);
        return -1;
    }
    if (strcmp(d->of.text, "nature") == 0) {
        if (!may_be_nature)
            FAULT(k, d->of.span, OWNER,
                  d->kind == AST_MOVE_DECLARATION ? "what happens by itself is an `event`" : NULL,
                  "nature makes no choices, so it can have no %s",
                  d->kind == AST_PRIVATE_DECLARATION ? "private type" : keyword);
        return -1;
    }
    const Symbol *s = symbol_resolve(k, SPACE_ACTOR, d->of, "actor");
    return s ? s->index : -1;
}

// `24 months`: units are written in the singular
static const char *singular(Checker *k, AstName unit) {
    size_t n = strlen(unit.text);
    char one[64];
    if (n < 2 || n >= sizeof one || unit.text[n - 1] != 's') return NULL;
    snprintf(one, sizeof one, "%.*s", (int)(n - 1), unit.text);
    if (!(time_unit_days(k, (AstName){.text = one, .span = unit.span}) > 0) && !symbol_find(k, SPACE_UNIT, one)) return NULL;
    return hint(k, "did you mean `%s`?", one);
}

Unit declare_unit(Checker *k, AstName unit) {
    if (!unit.text) return unit_unknown();
    if (time_unit_days(k, unit) > 0) return unit_base(UNIT_TIME);
    Symbol *s = symbol_find(k, SPACE_UNIT, unit.text);
    if (s) {
        s->is_used = true;
        return unit_base(s->index + 1);
    }
    const char *help = symbol_hint(k, SPACE_UNIT, unit.text);
    if (k->ast->is_partial && !help) return unit_unknown();
    if (!help) help = singular(k, unit);
    if (!help && strcmp(unit.text, "round") == 0) help = "with `clock rounds` a `round` is one; here time has no rounds";
    FAULT(k, unit.span, UNKNOWN_NAME, help ? help : hint(k, "declare it: `unit %s`", unit.text),
          "there is no unit called `%s`", unit.text);
    return unit_unknown();
}

void missing(Checker *k, const AstDeclaration *d, const char *clause, const char *why) {
    if (d->has_fault) return;   // it may have been there
    FAULT(k, d->name.text ? d->name.span : d->span, MISSING, NULL, "%s `%s` needs `%s`: %s",
          ast_declaration_keyword(d->kind), d->name.text ? d->name.text : "", clause, why);
}

// a clause that the clock in force has no use for
void wrong_clock(Checker *k, const AstExpr *e, const char *clause, const char *instead) {
    if (!e || e->kind == AST_ERROR) return;
    FAULT(k, e->span, CLOCK, NULL, k->is_rounds ? "`%s` is for `clock continuous`; with `clock rounds` write `%s`"
                                                : "`%s` is for `clock rounds`; with `clock continuous` write `%s`",
          clause, instead);
}

static int32_t day_of(AstDate d) { return model_day_from_date(d.year, d.month, d.day); }

bool declare_time(Checker *k, const AstExpr *e, const char *what, double *time, bool *is_date) {
    *is_date = false;
    if (!e || e->kind == AST_ERROR) return false;
    if (e->kind == AST_DATE) {
        *is_date = true;
        if (k->model->from_day == INT32_MIN) {
            if (k->scenario && !k->scenario->has_fault)
                FAULT(k, e->span, MISSING, "write `from DATE` in the scenario block",
                      "a date needs a day that the scenario starts on");
            return false;
        }
        *time = (day_of(e->date) - k->model->from_day) / k->days_per_unit;
    } else {
        Place place = PLAIN(what, unit_base(UNIT_TIME), "a time");
        if (e->kind == AST_PER) {
            FAULT(k, e->span, UNIT, NULL, "%s should be a time, this is a rate", what);
            return false;
        }
        if (!compile_literal(k, e, &place, time)) return false;
    }
    if (!isfinite(*time)) {
        FAULT(k, e->span, VALUE, NULL, "%s is not a finite number", what);
        return false;
    }
    if (fabs(*time) > LANG_TIME_MAX) {
        FAULT(k, e->span, LIMIT, NULL, "%s is too far off: %d %ss are the most", what, LANG_TIME_MAX, k->model->unit);
        return false;
    }
    return true;
}

// what params alone decide must fit at the params as written; what reads the state is looked at on the lattice
void require(Checker *k, const AstExpr *e, ProgramId program, bool (*fits)(double), const char *what,
                    const char *due) {
    double value;
    if (!compile_value(k, program, &value) || fits(value)) return;
    char number[32];
    FAULT(k, e->span, VALUE, NULL, "%s is %s, it must be %s", what, text_from_double(number, value), due);
}
void require_by_type(Checker *k, const AstExpr *e, int32_t actor, ProgramId program, const ProgramId *by_type,
                     bool (*fits)(double), const char *what, const char *due) {
    const Symbol *s = by_type ? private_of(k, actor) : NULL;
    int32_t n = s ? s->declaration->as.private.n_type : 0, n_error = k->c->diagnostics.n_error;
    if (!s) require(k, e, program, fits, what, due);
    for (int32_t t = 0; t < n && k->c->diagnostics.n_error == n_error; t++) require(k, e, by_type[t], fits, what, due);
}
bool is_positive(double x)     { return x > 0 && isfinite(x); }
bool is_not_negative(double x) { return x >= 0 && isfinite(x); }
bool is_probability(double x)  { return x >= 0 && x <= 1; }

double time_unit_days(Checker *k, AstName unit) {
    if (!unit.text) return 0;
    if (k->is_rounds && strcmp(unit.text, "round") == 0) return k->days_per_unit;
    double days = ast_time_unit_days(unit.text);
    if (days > 0 && k->is_rounds && !k->has_unit && k->scenario && !k->scenario->has_fault)
        FAULT(k, unit.span, UNIT, "write `unit month` in the scenario block, or count in rounds: `6 round`",
              "the scenario does not say how long a round is, so a `%s` is no number of rounds", unit.text);
    return days;
}

// ---- the frame ---------------------------------------------------------------------------------------------------

static void unknown_word(Checker *k, AstName word, const char *what, const char *a, const char *b) {
    const char *all[] = {a, b};
    FAULT(k, word.span, UNKNOWN_NAME, hint_near(k, text_nearest(word.text, all, 2)),
          "%s is `%s` or `%s`, not `%s`", what, a, b, word.text);
}

static void declare_scenario(Checker *k) {
    Model *m = k->model;
    m->from_day = INT32_MIN;
    m->unit = "month";
    k->days_per_unit = m->days_per_unit = ast_time_unit_days(m->unit);
    const AstDeclaration *d = k->scenario;
    if (!d) {
        // a file that could not be read well may have had one
        if (!k->ast->is_partial && k->ast->n_declaration > 0)
            FAULT(k, ((Span){.line = 1, .column = 1}), MISSING,
                  "start with `scenario \"title\" { clock continuous  unit month }`", "there is no `scenario` block");
        return;
    }
    const AstScenario *s = &d->as.scenario;
    m->title = keep_text(k, d->text.text);
    declare_cite(k, d->cite, d->n_cite);

    if (s->clock.text && strcmp(s->clock.text, "rounds") == 0) k->is_rounds = true;
    else if (s->clock.text && strcmp(s->clock.text, "continuous") != 0)
        unknown_word(k, s->clock, "the clock", "continuous", "rounds");
    m->clock = k->is_rounds ? CLOCK_ROUNDS : CLOCK_CONTINUOUS;

    if (s->choice.text && strcmp(s->choice.text, "taste") == 0) m->choice = CHOICE_TASTE;
    else if (s->choice.text && strcmp(s->choice.text, "quantal") != 0)
        unknown_word(k, s->choice, "the choice rule", "quantal", "taste");

    double days = s->unit.text ? ast_time_unit_days(s->unit.text) : 0;
    if (days > 0) {
        m->unit = keep_text(k, s->unit.text);
        k->days_per_unit = m->days_per_unit = days;
        k->has_unit = true;
    } else if (s->unit.text) {
        static const char *const all[] = {
#define X(name, days) #name,
            TIME_UNIT_LIST(X)
#undef X
        };
        FAULT(k, s->unit.span, UNKNOWN_NAME, hint_near(k, text_nearest(s->unit.text, all, DUR_COUNT(all))),
              "`%s` is not a unit of time: `day`, `week`, `month`, `quarter` and `year` are", s->unit.text);
    } else if (k->is_rounds) {
        // rounds of no stated length: they are counted, and have no place in a calendar
        m->unit = "round";
        if (s->from.year && !d->has_fault)
            FAULT(k, s->from.span, MISSING, "write `unit month`, or whatever a round takes",
                  "with `clock rounds`, `from` needs `unit`: how long a round is");
    } else if (!d->has_fault)
        FAULT(k, d->span, MISSING, "write `unit month` in the scenario block",
              "the scenario does not say the unit of time that its numbers are in");

    if (s->from.year) m->from_day = day_of(s->from);
    if (s->until.year && !s->from.year && !d->has_fault)
        FAULT(k, s->until.span, MISSING, NULL, "`until` needs a `from`");
    else if (s->until.year && s->from.year) {
        m->horizon = (day_of(s->until) - m->from_day) / m->days_per_unit;
        if (m->horizon <= 0) FAULT(k, s->until.span, VALUE, NULL, "`until` is not after `from`");
    }

    if (k->is_rounds)
        EACH(k, hidden, PRIVATE)
            FAULT(k, hidden->declaration->name.span, NOT_YET, NULL,
                  "this version does not yet solve `private` types with `clock rounds`, as `%s` would need", hidden->name);
    if (s->n_order > 0 && !k->is_rounds)
        FAULT(k, s->order[0].span, CLOCK, NULL,
              "`order` is for `clock rounds`: with a continuous clock no two act at once");
    int32_t *order = keep_rows(k, s->n_order, sizeof *order);
    if (!order) return;
    m->order = order;
    for (int32_t i = 0; i < s->n_order; i++) {
        const Symbol *a = symbol_resolve(k, SPACE_ACTOR, s->order[i], "actor");
        if (!a) continue;
        if (names_find(&k->names, SPACE_SCENARIO, a->name) >= 0)
            FAULT(k, s->order[i].span, DUPLICATE, NULL, "`%s` stands twice in `order`", a->name);
        else {
            names_add(&k->names, SPACE_SCENARIO, a->name, i);
            order[m->n_order++] = a->index;
        }
    }
}

static const char *date_text(Checker *k, AstDate d) {
    if (!d.year) return NULL;
    text_clear(&k->text);
    text_printf(&k->text, "%04d-%02d-%02d", d.year, d.month, d.day);
    return keep_text(k, text_view(&k->text));
}

static bool is_sha256(const char *text) { return strlen(text) == 64 && strspn(text, "0123456789abcdefABCDEF") == 64; }

static void declare_source(Checker *k, const Symbol *s, ModelSource *row) {
    const AstDeclaration *d = s->declaration;
    const AstSource *source = &d->as.source;
    if (source->sha256.text && !is_sha256(source->sha256.text))
        FAULT(k, source->sha256.span, VALUE, NULL, "a SHA-256 is 64 hexadecimal digits");
    *row = (ModelSource){
        .name = keep_text(k, s->name), .text = keep_text(k, d->text.text),
        .file = keep_text(k, source->file.text), .sha256 = keep_text(k, source->sha256.text),
        .url = keep_text(k, source->url.text), .date = date_text(k, source->date), .span = d->name.span,
    };
}

#define ROWS(field, type) \
    type *field = keep_rows(k, m->n_##field, sizeof *field); \
    if (!field) return; \
    m->field = field

void declare_frame(Checker *k) {
    declare_scenario(k);
    Model *m = k->model;
    ROWS(source, ModelSource);
    EACH(k, s, SOURCE) declare_source(k, s, &source[s->index]);
    EACH(k, s, UNIT) declare_cite(k, s->declaration->cite, s->declaration->n_cite);
}

// ---- params and tables -------------------------------------------------------------------------------------------

// arguments of a prior that make a distribution
static bool prior_stands(PriorKind kind, const double v[3]) {
    switch (kind) {
    case PRIOR_UNIFORM:     return v[0] < v[1];
    case PRIOR_NORMAL:
    case PRIOR_LOGNORMAL:   return v[1] > 0;
    case PRIOR_BETA:
    case PRIOR_GAMMA:       return v[0] > 0 && v[1] > 0;
    case PRIOR_EXPONENTIAL: return v[0] > 0;
    case PRIOR_TRIANGULAR:  return v[0] <= v[1] && v[1] <= v[2] && v[0] < v[2];
    case PRIOR_NONE:        break;
    }
    return true;
}

void distribution_fault(Checker *k, const AstExpr *e) {
    static const char *const due[] = {
        [PRIOR_NONE] = "", [PRIOR_UNIFORM] = "its first bound must be below its second",
        [PRIOR_NORMAL] = "its standard deviation must be more than 0", [PRIOR_LOGNORMAL] = "its standard deviation must be more than 0",
        [PRIOR_BETA] = "both its numbers must be more than 0", [PRIOR_GAMMA] = "both its numbers must be more than 0",
        [PRIOR_EXPONENTIAL] = "its mean must be more than 0", [PRIOR_TRIANGULAR] = "its numbers must rise"};
    FAULT(k, e->span, VALUE, NULL, "`%s` is no distribution with these numbers: %s", e->name.text, due[prior_find(e->name.text)]);
}

static bool prior_holds(PriorKind kind, const double v[3], double x) {
    switch (kind) {
    case PRIOR_UNIFORM:     return v[0] <= x && x <= v[1];
    case PRIOR_LOGNORMAL:   return x > 0;
    case PRIOR_BETA:        return 0 <= x && x <= 1;
    case PRIOR_GAMMA:
    case PRIOR_EXPONENTIAL: return x >= 0;
    case PRIOR_TRIANGULAR:  return v[0] <= x && x <= v[2];
    default:                return true;
    }
}

static void declare_prior(Checker *k, const Symbol *s, ModelParam *row, double written) {
    const AstExpr *e = s->declaration->as.param.prior;
    if (!e || e->kind == AST_ERROR) return;
    PriorKind kind = e->kind == AST_CALL ? prior_find(e->name.text) : PRIOR_NONE;
    if (kind == PRIOR_NONE) {
        const char *name = e->name.text ? e->name.text : "";
        FAULT(k, e->span, UNKNOWN_NAME, hint_near(k, prior_near(name)),
              "a prior is one of `uniform`, `normal`, `lognormal`, `beta`, `gamma`, `exponential` and `triangular`");
        return;
    }
    const FunctionRow *form = prior_row(kind);
    if (e->n_arg != form->least) {
        FAULT(k, e->name.span, ARGUMENTS, hint(k, "it is written `%s`", form->form),
              "`%s` takes %d argument%s, here it has %d",
              form->name, form->least, form->least == 1 ? "" : "s", e->n_arg);
        return;
    }
    double v[3] = {0, 0, 0};
    bool fine = true;
    Place place = PLAIN("an argument of a prior", unit_unknown(), NULL);
    for (int32_t i = 0; i < e->n_arg; i++) {
        fine &= compile_literal(k, e->arg[i], &place, &v[i]);
        if (fine && !isfinite(v[i])) {
            FAULT(k, e->arg[i]->span, VALUE, NULL, "this is not a finite number");
            fine = false;
        }
    }
    if (!fine) return;
    if (!prior_stands(kind, v)) {
        distribution_fault(k, e);
        return;
    }
    if (!isnan(written) && !prior_holds(kind, v, written))
        REMARK(k, e->span, PRIOR, NULL, "the prior of `%s` gives its own value no weight", s->name);
    row->prior = kind;
    row->prior_a = v[0];
    row->prior_b = v[1];
    row->prior_c = v[2];
}

static void declare_param(Checker *k, Symbol *s, ModelParam *row) {
    const AstDeclaration *d = s->declaration;
    const AstParam *p = &d->as.param;
    *row = (ModelParam){.name = keep_text(k, s->name), .text = keep_text(k, d->text.text), .scale = 1,
                        .unit = keep_text(k, p->unit.text), .per = keep_text(k, p->per.text), .is_rival = s->is_rival,
                        .cite = declare_cite(k, d->cite, d->n_cite), .span = d->name.span};
    s->unit = declare_unit(k, p->unit);

    // `= 20 month` is a number in months, `= 5 dollar` one in dollars: as if `unit` had been said
    const AstExpr *e = p->value;
    double written = NAN;
    bool has_value = true;
    bool is_negative = e && e->kind == AST_NEGATE && e->a && e->a->kind == AST_MEASURE;
    const AstExpr *measure = is_negative ? e->a : e;
    if (measure && measure->kind == AST_MEASURE) {
        Unit said = declare_unit(k, measure->name);
        if (p->unit.text && !unit_agree(said, s->unit))
            FAULT(k, measure->name.span, UNIT, NULL, "`%s` is said to be in `%s` and in `%s`", s->name,
                  measure->name.text,
                  p->unit.text);
        s->unit = said;
        if (!row->unit) row->unit = keep_text(k, measure->name.text);
        double days = time_unit_days(k, measure->name);
        if (days > 0) row->scale = days / k->days_per_unit;
        written = is_negative ? -measure->number : measure->number;
    } else {
        Place place = PLAIN("the value of a param", unit_unknown(), NULL);
        has_value = compile_literal(k, e, &place, &written);
        if (!has_value) written = NAN;
    }
    if (p->per.text) {
        double days = time_unit_days(k, p->per);
        if (days > 0) {
            row->scale *= k->days_per_unit / days;
            if (s->unit.is_known) s->unit = unit_product(s->unit, unit_base(UNIT_TIME), -1);
        } else {
            static const char *const all[] = {
#define X(name, days) #name,
                TIME_UNIT_LIST(X)
#undef X
            };
            FAULT(k, p->per.span, UNKNOWN_NAME, hint_near(k, text_nearest(p->per.text, all, DUR_COUNT(all))),
                  "`%s` is not a unit of time: `day`, `week`, `month`, `quarter` and `year` are", p->per.text);
        }
    }
    row->value = written * row->scale;
    if (has_value && !isfinite(row->value))
        FAULT(k, e->span, VALUE, NULL, "the value of `%s` is not a finite number", s->name);
    declare_prior(k, s, row, written);
}

// their values were checked where they stand, and are lowered into whatever names them
void declare_lets(Checker *k) {
    Model *m = k->model;
    ROWS(let, ModelLet);
    EACH(k, s, LET) {
        const AstDeclaration *d = s->declaration;
        let[s->index] = (ModelLet){.name = keep_text(k, s->name), .text = keep_text(k, d->text.text),
                                   .expression = d->as.let.value ? compile_text(k, d->as.let.value) : NULL,
                                   .cite = declare_cite(k, d->cite, d->n_cite), .span = d->name.span};
    }
}

static void declare_table(Checker *k, const Symbol *s, ModelTable *row) {
    const AstDeclaration *d = s->declaration;
    const AstTable *t = &d->as.table;
    declare_cite(k, d->cite, d->n_cite);
    if (t->n_point == 0 && !d->has_fault)
        FAULT(k, d->name.span, MISSING, "write `{ 0: 0, 1: 1 }`", "table `%s` has no points", s->name);
    double *x = keep_rows(k, 2 * (int64_t)t->n_point + 2, sizeof *x);
    if (!x) return;
    double *y = x + t->n_point + 1;
    Place place = PLAIN("a point of a table", unit_unknown(), NULL);
    // a table with a fault still has one point, so that what reads it can be looked at
    *row = (ModelTable){.name = keep_text(k, s->name), .n_point = 1, .x = x, .y = y};
    int32_t n_error = k->c->diagnostics.n_error;
    bool last_known = false;
    for (int32_t i = 0; i < t->n_point; i++) {
        bool x_known = compile_literal(k, t->point[i].x, &place, &x[i]);
        bool y_known = compile_literal(k, t->point[i].y, &place, &y[i]);
        if ((x_known && !isfinite(x[i])) || (y_known && !isfinite(y[i])))
            FAULT(k, t->point[i].x->span, VALUE, NULL, "this point is not a finite number");
        if (i > 0 && x_known && last_known && !(x[i] > x[i - 1]))
            FAULT(k, t->point[i].x->span, VALUE, NULL, "the points of a table must rise from left to right");
        last_known = x_known;
    }
    if (k->c->diagnostics.n_error == n_error) row->n_point = t->n_point;
}

void declare_params(Checker *k) {
    Model *m = k->model;
    ROWS(table, ModelTable);
    EACH(k, s, TABLE) declare_table(k, s, &table[s->index]);
    ROWS(param, ModelParam);
    EACH(k, s, PARAM) declare_param(k, s, &param[s->index]);
    k->param = scratch_rows(k, m->n_param, sizeof *k->param);
    if (k->param) model_params(m, k->param);
    // units of stocks are known before any expression that adds them
    EACH(k, s, STOCK) s->unit = declare_unit(k, s->declaration->as.stock.unit);
}

// ---- actors, modes, stocks, payoffs ------------------------------------------------------------------------------

static Unit rate_unit(Unit of) { return unit_product(of, unit_base(UNIT_TIME), -1); }

static void declare_actor(Checker *k, const Symbol *s, ModelActor *row, bool has_moves) {
    const AstDeclaration *d = s->declaration;
    const AstActor *a = &d->as.actor;
    Span at = d->name.span;
    *row = (ModelActor){.name = keep_text(k, s->name), .text = keep_text(k, d->text.text),
                        .patience = PROGRAM_NONE, .discount = PROGRAM_NONE, .precision = PROGRAM_NONE,
                        .attends = PROGRAM_NONE,
                        .private = private_of(k, s->index) ? private_of(k, s->index)->index : -1,
                        .cite = declare_cite(k, d->cite, d->n_cite), .span = at};

    if (a->patience && a->patience->kind == AST_PER)
        FAULT(k, a->patience->span, UNIT, "patience is how far it looks ahead: `patience 20 month`",
              "a duration is due here, this is a rate");
    else {
        Place place = {.what = "patience", .allowed = READS_PARAM | READS_TABLE, .actor = PLACE_NOBODY,
                       .due = TYPE_NUMBER, .unit = unit_base(UNIT_TIME), .unit_text = "a duration"};
        row->patience = compile_expression(k, a->patience, &place);
        require(k, a->patience, row->patience, is_positive, "patience", "a finite number, more than 0");
    }
    if (a->discount) {
        Place place = PLAIN("a discount", unit_unknown(), NULL);
        double value = 0;
        bool fine = compile_literal(k, a->discount, &place, &value);
        if (!k->is_rounds) wrong_clock(k, a->discount, "discount", "patience");
        else if (fine && !(value >= 0 && value < 1))
            FAULT(k, a->discount->span, VALUE, NULL, "a discount is at least 0 and below 1");
        else if (fine) row->discount = compile_expression(k, a->discount, &place);
        if (a->patience) FAULT(k, a->discount->span, CONFLICT, NULL,
                               "`%s` has both patience and discount: one of them says it",
                               s->name);
    }
    if (!a->patience && !a->discount)
        missing(k, d, "patience", k->is_rounds ? "how many rounds it looks ahead, such as `patience 12`; or `discount 0.9`"
                                               : "how far it looks ahead, such as `patience 20 month`");

    Place precision = {.what = "precision", .allowed = READS_STATE | READS_PARAM | READS_TABLE | READS_TYPE,
                       .actor = s->index, .due = TYPE_NUMBER};
    row->precision = compile_by_type(k, a->precision, &precision, &row->precision_by_type);
    require_by_type(k, a->precision, s->index, row->precision, row->precision_by_type, is_not_negative, "precision",
                    "a finite number, 0 or more");
    Place attends = {.what = "`attends`", .allowed = READS_STATE | READS_PARAM | READS_TABLE, .actor = PLACE_NOBODY,
                     .due = TYPE_NUMBER, .unit = rate_unit(unit_pure()), .unit_text = "a rate"};
    if (k->is_rounds) {
        attends.unit = unit_pure();
        attends.unit_text = "with `clock rounds`, a probability";
    }
    row->attends = compile_expression(k, a->attends, &attends);
    if (k->is_rounds) require(k, a->attends, row->attends, is_probability, "`attends`",
                              "a probability in a round, from 0 to 1");
    else require(k, a->attends, row->attends, is_not_negative, "`attends`", "a finite number, 0 or more");

    // who has no moves needs neither: its choices are none
    if (!a->precision && has_moves) missing(k, d, "precision", "how sharply it chooses, such as `precision 4`");
    else if (!a->precision) row->precision = compile_number(k, 0, at, NULL);
    if (!a->attends && has_moves && !k->is_rounds)
        missing(k, d, "attends", "how often it can decide, such as `attends 2 per month`");
    else if (!a->attends) row->attends = compile_number(k, k->is_rounds, at, NULL);

    // who has moves has a place in the order, if there is one
    const Model *m = k->model;
    bool has_place = m->n_order == 0 || !has_moves;
    for (int32_t i = 0; i < m->n_order; i++) has_place |= m->order[i] == s->index;
    const AstScenario *scenario = k->scenario ? &k->scenario->as.scenario : NULL;
    if (!has_place && k->is_rounds && scenario)
        FAULT(k, scenario->order[scenario->n_order - 1].span, MISSING, hint(k, "write `... then %s`", s->name),
              "`order` leaves out `%s`, who has moves", s->name);
}

static void declare_mode(Checker *k, const Symbol *s, ModelMode *row) {
    const AstDeclaration *d = s->declaration;
    const AstMode *mode = &d->as.mode;
    int32_t n = mode->n_value < CHECK_VALUES_MAX ? mode->n_value : CHECK_VALUES_MAX;
    const char **value = keep_rows(k, n, sizeof *value);
    if (!value) return;
    for (int32_t i = 0; i < n; i++) value[i] = keep_text(k, mode->value[i].text ? mode->value[i].text : "");
    if (n == 0 && !d->has_fault) FAULT(k, d->name.span, MISSING, NULL, "mode `%s` has no values", s->name);
    *row = (ModelMode){.name = keep_text(k, s->name), .text = keep_text(k, d->text.text), .actor = s->actor,
                       .n_value = n, .value = value, 
                       .cite = declare_cite(k, d->cite, d->n_cite), .span = d->name.span};
}

// nodes of a lattice in one direction
int32_t declare_grid(Checker *k, const AstExpr *e) {
    double n = 0;
    Place place = PLAIN("`grid`", unit_pure(), "a count");
    if (!compile_literal(k, e, &place, &n)) return 0;
    if (!(n >= 2) || n != floor(n)) FAULT(k, e->span, VALUE, NULL, "`grid` is a whole number of nodes, 2 or more");
    else if (n > CHECK_GRID_MAX) FAULT(k, e->span, LIMIT, NULL, "`grid` can be at most %d", CHECK_GRID_MAX);
    else return (int32_t)n;
    return 0;
}

// `change_of` is where the stock's change at the end of a round goes, as the level after it
static void declare_stock(Checker *k, const Symbol *s, ModelStock *row, ModelEffect *change_of) {
    const AstDeclaration *d = s->declaration;
    const AstStock *stock = &d->as.stock;
    *row = (ModelStock){.name = keep_text(k, s->name), .text = keep_text(k, d->text.text),
                        .unit = keep_text(k, stock->unit.text), .start = PROGRAM_NONE, .drift = PROGRAM_NONE,
                        .noise = PROGRAM_NONE, .change = PROGRAM_NONE, .cite = declare_cite(k, d->cite, d->n_cite),
                        .span = d->name.span};

    // the range
    bool has_range = stock->low && stock->high;
    Place bound = PLAIN("the range of a stock", s->unit, NULL);
    bool low = compile_literal(k, stock->low, &bound, &row->low);
    bool high = compile_literal(k, stock->high, &bound, &row->high);
    bool is_range = low && high;
    if (!has_range) missing(k, d, "range", "the values that it can take, such as `range 0..1`");
    else if (is_range && !(isfinite(row->low) && isfinite(row->high) && isfinite(row->high - row->low))) {
        FAULT(k, stock->low->span, VALUE, NULL, "the range of `%s` is not finite", s->name);
        is_range = false;
    } else if (is_range && !(row->low < row->high)) {
        FAULT(k, stock->low->span, VALUE, NULL, "the range of `%s` is empty: its low end must be below its high end",
              s->name);
        is_range = false;
    }
    if (stock->grid) row->n_grid = declare_grid(k, stock->grid);

    // where it starts
    Place start = {.what = "the start of a stock", .allowed = READS_PARAM | READS_TABLE, .actor = PLACE_NOBODY,
                   .due = TYPE_NUMBER, .unit = s->unit};
    row->start = compile_expression(k, stock->start, &start);
    if (!stock->start) missing(k, d, "start", "its value at time 0, such as `start 0.4`");
    double value;
    if (compile_value(k, row->start, &value) && is_range && !(value >= row->low && value <= row->high)) {
        char a[32], b[32], c[32];
        FAULT(k, stock->start->span, VALUE, NULL, "`%s` starts at %s, outside its range %s..%s", s->name,
              text_from_double(a, value), text_from_double(b, row->low), text_from_double(c, row->high));
    }

    // how it moves
    Place drift = {.what = "the drift of a stock", .allowed = READS_STATE | READS_PARAM | READS_TABLE,
                   .actor = PLACE_NOBODY, .due = TYPE_NUMBER, .unit = rate_unit(s->unit)};
    Place noise = drift;
    noise.what = "the noise of a stock";
    noise.unit = unit_unknown();
    Place change = drift;
    change.what = "the change of a stock";
    change.unit = s->unit;
    row->drift = compile_expression(k, stock->drift, &drift);
    row->noise = compile_expression(k, stock->noise, &noise);
    row->change = compile_expression(k, stock->change, &change);
    if (row->change >= 0) {
        AstExpr before = {.kind = AST_NAME, .name = d->name, .span = stock->change->span};
        AstExpr after = {.kind = AST_ADD, .name = {"+", stock->change->span}, .span = stock->change->span, .a = &before,
                         .b = stock->change};
        ModelEffect effect = {.to = k->model->n_mode + s->index, .value = compile_expression(k, &after, &change)};
        if (effect.value >= 0) change_of[k->model->n_change++] = effect;
    }
    if (k->is_rounds) {
        wrong_clock(k, stock->drift, "drift", "change");
        wrong_clock(k, stock->noise, "noise", "change");
    } else wrong_clock(k, stock->change, "change", "drift");
    if (stock->noise && stock->noise->kind == AST_PER &&
        ast_time_unit_days(stock->noise->name.text) > 0 && strcmp(stock->noise->name.text, k->model->unit) != 0)
        FAULT(k, stock->noise->name.span, UNIT, NULL,
              "noise grows with the square root of time, so `per %s` has no plain meaning: write it in the "
              "scenario's unit, `%s`",
              stock->noise->name.text, k->model->unit);
    require(k, stock->noise, row->noise, is_not_negative, "the noise of a stock", "a finite number, 0 or more");
}

static void declare_payoffs(Checker *k) {
    Model *m = k->model;
    // actors in their order, the terms of each in theirs
    int64_t n = 0;
    EACH(k, s, PAYOFF) n += s->declaration->as.payoff.n_term;
    ModelTerm *term = keep_rows(k, n, sizeof *term);
    if (!term) return;
    m->term = term;
    EACH(k, s, PAYOFF) {
        const AstDeclaration *d = s->declaration;
        declare_cite(k, d->cite, d->n_cite);
        symbol_resolve(k, SPACE_ACTOR, d->name, "actor");
    }
    EACH(k, actor, ACTOR) {
        const Symbol *s = symbol_find(k, SPACE_PAYOFF, actor->name);
        if (!s) continue;
        const AstDeclaration *d = s->declaration;
        Place place = {.what = "a payoff term", .allowed = READS_STATE | READS_PARAM | READS_TABLE | READS_TYPE,
                       .actor = actor->index, .due = TYPE_NUMBER};
        for (int32_t i = 0; i < d->as.payoff.n_term; i++) {
            const AstTerm *t = &d->as.payoff.term[i];
            if (!t->name.text) continue;
            if (names_find(&k->names, s->space, t->name.text) >= 0)
                FAULT(k, t->name.span, DUPLICATE, NULL, "the payoff of `%s` has two terms called `%s`", actor->name,
                      t->name.text);
            else names_add(&k->names, s->space, t->name.text, i);
            const ProgramId *by_type;
            ProgramId value = compile_by_type(k, t->value, &place, &by_type);
            term[m->n_term++] = (ModelTerm){
                .name = keep_text(k, t->name.text), .actor = actor->index, .value = value, .by_type = by_type,
                .cite = declare_cite(k, t->n_cite ? t->cite : d->cite, t->n_cite ? t->n_cite : d->n_cite),
                .span = t->name.span};
        }
    }
}

void declare_state(Checker *k) {
    Model *m = k->model;
    bool *has_moves = scratch_rows(k, m->n_actor, sizeof *has_moves);
    if (!has_moves) return;
    EACH(k, s, MOVE) if (s->actor >= 0) has_moves[s->actor] = true;
    ROWS(actor, ModelActor);
    EACH(k, s, ACTOR) declare_actor(k, s, &actor[s->index], has_moves[s->index]);
    ROWS(mode, ModelMode);
    EACH(k, s, MODE) declare_mode(k, s, &mode[s->index]);
    ROWS(stock, ModelStock);
    ModelEffect *change = keep_rows(k, m->n_stock, sizeof *change);
    if (!change) return;
    m->change = change;
    EACH(k, s, STOCK) declare_stock(k, s, &stock[s->index], change);
    declare_payoffs(k);
}
