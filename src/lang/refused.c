#include "lang/checker.h"

#include <math.h>
#include <string.h>

// Parts of the language that are checked like the rest, and then refused by name.

static void declare_private(Checker *k, const Symbol *s) {
    const AstDeclaration *d = s->declaration;
    const AstPrivate *a = &d->as.private;
    declare_cite(k, d->cite, d->n_cite);
    if (a->n_type < 2 && !d->has_fault)
        FAULT(k, d->name.span, MISSING, "for example `{ bluffing, resolved }`",
              "private type `%s` needs two types or more", s->name);

    // the belief at the start: of the second of two types, or of each
    double sum = 0;
    bool is_known = a->n_belief > 0;
    Place belief = PLAIN("a belief", unit_pure(), "a probability");
    for (int32_t i = 0; i < a->n_belief; i++) {
        double b = 0;
        if (!compile_literal(k, a->belief[i], &belief, &b)) is_known = false;
        else if (!(b >= 0 && b <= 1)) {
            FAULT(k, a->belief[i]->span, VALUE, NULL, "a belief is a probability, from 0 to 1");
            is_known = false;
        }
        sum += b;
    }
    bool is_short = a->n_belief == 1 && a->n_type == 2;
    if (a->n_belief > 0 && !is_short && a->n_belief != a->n_type)
        FAULT(k, a->belief[0]->span, VALUE, NULL, "`belief` takes the probability of each of %d types%s, here are %d",
              a->n_type,
              a->n_type == 2 ? " or of the second" : "", a->n_belief);
    else if (is_known && !is_short && fabs(sum - 1) > 1e-9)
        FAULT(k, a->belief[0]->span, VALUE, NULL, "the probabilities of the types must add up to 1");
    if (a->grid) {
        double n = 0;
        Place grid = PLAIN("`grid`", unit_pure(), "a count");
        if (compile_literal(k, a->grid, &grid, &n) && (!(n >= 2) || n != floor(n) || n > CHECK_GRID_MAX))
            FAULT(k, a->grid->span, VALUE, NULL, "`grid` is a whole number of nodes, 2 or more");
    }

    Place rate = {.what = "the rate of a change of type", .allowed = READS_STATE | READS_PARAM | READS_TABLE,
                  .actor = PLACE_NOBODY, .due = TYPE_NUMBER,
                  .unit = unit_product(unit_pure(), unit_base(UNIT_TIME), -1), .unit_text = "a rate"};
    for (int32_t i = 0; i < a->n_becomes; i++) {
        symbol_value(k, s, a->becomes[i].type);
        compile_expression(k, a->becomes[i].rate, &rate);
    }
    FAULT(k, d->span, NOT_YET, NULL,
          "this version does not yet solve `private` types: `%s` is checked, but can't be run", s->name);
}

static void declare_record(Checker *k, const Symbol *s) {
    const AstDeclaration *d = s->declaration;
    const AstRecord *r = &d->as.record;
    declare_cite(k, d->cite, d->n_cite);
    if (r->per.text && ast_time_unit_days(r->per.text) <= 0)
        FAULT(k, r->per.span, UNKNOWN_NAME, NULL,
              "`%s` is not a unit of time: `day`, `week`, `month`, `quarter` and `year` are",
              r->per.text);
    if (!r->file.text) missing(k, d, "file", "where the data lie");
    if (!r->observes) missing(k, d, "observes", "what of the scenario it shows");

    // what is observed: a value of the state, or how often something happens
    Place observes = {.what = "what a record observes", .allowed = READS_STATE | READS_PARAM | READS_TABLE,
                      .actor = PLACE_NOBODY, .due = TYPE_NUMBER};
    const AstExpr *e = r->observes;
    if (e && e->kind == AST_CALL && strcmp(e->name.text, "count") == 0) {
        if (e->n_arg == 1 && e->arg[0]->kind == AST_NAME)
            symbol_resolve(k, SPACE_JUMP, e->arg[0]->name, "move or event");
        else FAULT(k, e->span, ARGUMENTS, NULL, "`count` takes the name of one move or event");
    } else if (e) check_expression(k, e, &observes);

    const AstExpr *n = r->noise;
    if (n && n->kind != AST_ERROR) {
        static const struct { const char *name; int32_t n_arg; } known[] = {
            {"poisson", 0}, {"negative_binomial", 1}, {"normal", 1},
        };
        bool is_known = false;
        for (size_t i = 0; i < DUR_COUNT(known) && n->name.text; i++)
            is_known |= strcmp(n->name.text, known[i].name) == 0 && n->n_arg == known[i].n_arg;
        if (!is_known)
            FAULT(k, n->span, UNKNOWN_NAME, NULL,
                  "the noise of a record is `poisson`, `negative_binomial(k)` or `normal(sd)`");
        Place size = {.what = "the size of a noise", .allowed = READS_PARAM | READS_TABLE, .actor = PLACE_NOBODY,
                      .due = TYPE_NUMBER};
        for (int32_t i = 0; is_known && i < n->n_arg; i++) check_expression(k, n->arg[i], &size);
    }
    FAULT(k, d->span, NOT_YET, NULL, "this version does not yet score a `record`: `%s` is checked, but can't be run",
          s->name);
}

// a rival's declarations replace ones of the scenario by name, and see what those see
static void declare_rival(Checker *k, const Symbol *s) {
    const AstDeclaration *d = s->declaration;
    declare_cite(k, d->cite, d->n_cite);
    for (int32_t i = 0; i < d->as.rival.n_declaration; i++) {
        const AstDeclaration *in = d->as.rival.declaration[i];
        if (!in->name.text) continue;
        Place plain = PLAIN("the value of a param", unit_unknown(), NULL);
        double value;
        switch (in->kind) {
        case AST_PARAM_DECLARATION:
        case AST_LET_DECLARATION: {
            const Symbol *old = symbol_find(k, SPACE_VALUE, in->name.text);
            if (!old || (old->kind != AST_PARAM_DECLARATION && old->kind != AST_LET_DECLARATION))
                FAULT(k, in->name.span, UNKNOWN_NAME, symbol_hint(k, SPACE_VALUE, in->name.text),
                      "a rival replaces params and lets of the scenario, and there is none called `%s`",
                      in->name.text);
            Place let = {.what = "a let", .allowed = READS_STATE | READS_PARAM | READS_TABLE | READS_TYPE,
                         .actor = PLACE_ANYONE,
                         .due = TYPE_NONE};
            if (in->kind == AST_LET_DECLARATION && in->as.let.value) check_expression(k, in->as.let.value, &let);
            if (in->kind == AST_PARAM_DECLARATION && in->as.param.value && in->as.param.value->kind != AST_MEASURE)
                compile_literal(k, in->as.param.value, &plain, &value);
            break;
        }
        case AST_PAYOFF_DECLARATION: {
            const Symbol *actor = symbol_resolve(k, SPACE_ACTOR, in->name, "actor");
            Place term = {.what = "a payoff term", .allowed = READS_STATE | READS_PARAM | READS_TABLE | READS_TYPE,
                          .actor = actor ? actor->index : PLACE_ANYONE, .due = TYPE_NUMBER};
            for (int32_t j = 0; j < in->as.payoff.n_term; j++)
                if (in->as.payoff.term[j].value) check_expression(k, in->as.payoff.term[j].value, &term);
            break;
        }
        case AST_POLICY_DECLARATION:
            symbol_resolve(k, SPACE_POLICY, in->name, "policy");
            break;
        default:
            FAULT(k, in->span, CONFLICT, NULL, "a rival replaces params, lets, payoffs and policies, not a %s",
                  ast_declaration_keyword(in->kind));
        }
    }
    FAULT(k, d->span, NOT_YET, NULL, "this version does not yet score a `rival`: `%s` is checked, but can't be run",
          s->name);
}

void declare_refused(Checker *k) {
    EACH(k, s, PRIVATE) declare_private(k, s);
    EACH(k, s, RECORD)  declare_record(k, s);
    EACH(k, s, RIVAL)   declare_rival(k, s);
}
