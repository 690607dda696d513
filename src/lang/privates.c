#include "lang/checker.h"

#include <math.h>

// Private types: who has which, what others believe of it at the start, how it may change.

const Symbol *private_of(const Checker *k, int32_t actor) {
    for (int32_t i = 0; i < k->n_private; i++)
        if (k->private[i]->actor == actor && actor >= 0) return k->private[i];
    return NULL;
}

// the belief at the start: of the second of two types, or of each
static void declare_start(Checker *k, const AstDeclaration *d, double *start) {
    const AstPrivate *a = &d->as.private;
    double sum = 0, b[MODEL_TYPES_MAX] = {0};
    bool is_known = a->n_belief > 0;
    Place belief = PLAIN("a belief", unit_pure(), "a probability");
    for (int32_t i = 0; i < a->n_belief; i++) {
        double x = 0;
        if (!compile_literal(k, a->belief[i], &belief, &x)) is_known = false;
        else if (!(x >= 0 && x <= 1)) {
            FAULT(k, a->belief[i]->span, VALUE, NULL, "a belief is a probability, from 0 to 1");
            is_known = false;
        }
        if (i < MODEL_TYPES_MAX) b[i] = x;
        sum += x;
    }
    if (a->n_belief == 0) missing(k, d, "belief", "what others believe of it at the start, such as `belief 0.3`");
    bool is_short = a->n_belief == 1 && a->n_type == 2;
    if (a->n_belief > 0 && !is_short && a->n_belief != a->n_type)
        FAULT(k, a->belief[0]->span, VALUE, NULL, "`belief` takes the probability of each of %d types%s, here are %d",
              a->n_type, a->n_type == 2 ? " or of the second" : "", a->n_belief);
    else if (is_known && !is_short && fabs(sum - 1) > 1e-9)
        FAULT(k, a->belief[0]->span, VALUE, NULL, "the probabilities of the types must add up to 1");
    else if (is_known) {
        if (is_short) b[1] = b[0], b[0] = 1 - b[1];
        for (int32_t t = 0; t < a->n_type && t < MODEL_TYPES_MAX; t++) start[t] = is_short ? b[t] : b[t] / sum;
    }
}

static void declare_private(Checker *k, const Symbol *s, ModelPrivate *row) {
    const AstDeclaration *d = s->declaration;
    const AstPrivate *a = &d->as.private;
    int32_t n = a->n_type < MODEL_TYPES_MAX ? a->n_type : MODEL_TYPES_MAX;
    const char **type = keep_rows(k, n, sizeof *type), **belief = keep_rows(k, n, sizeof *belief);
    double *start = keep_rows(k, n, sizeof *start);
    ModelBecomes *becomes = keep_rows(k, a->n_becomes, sizeof *becomes);
    if (!type || !belief || !start || !becomes) return;
    *row = (ModelPrivate){.name = keep_text(k, s->name), .text = keep_text(k, d->text.text), .actor = s->actor,
                          .n_type = n, .type = type, .belief = belief, .start = start, .variable = s->variable,
                          .becomes = becomes, .cite = declare_cite(k, d->cite, d->n_cite), .span = d->name.span};
    const Symbol *first = private_of(k, s->actor);
    if (first && first != s)
        FAULT(k, d->name.span, DUPLICATE, "name every combination as one type",
              "`%s` has the private type `%s` already, and can have only one", d->of.text, first->name);
    if (a->n_type < 2 && !d->has_fault)
        FAULT(k, d->name.span, MISSING, "for example `{ bluffing, resolved }`",
              "private type `%s` needs two types or more", s->name);
    if (a->n_type > MODEL_TYPES_MAX)
        FAULT(k, d->name.span, LIMIT, NULL, "private type `%s` has %d types, at most %d can be", s->name, a->n_type,
              MODEL_TYPES_MAX);
    for (int32_t t = 0; t < n; t++) {
        type[t] = keep_text(k, a->type[t].text ? a->type[t].text : "");
        text_clear(&k->text);
        text_printf(&k->text, "belief(%s is %s)", d->of.text ? d->of.text : "", type[t]);
        belief[t] = keep_text(k, text_view(&k->text));
    }
    declare_start(k, d, start);
    if (a->grid) row->n_grid = declare_grid(k, a->grid);

    Place rate = {.what = "the rate of a change of type", .allowed = READS_STATE | READS_PARAM | READS_TABLE,
                  .actor = PLACE_NOBODY, .due = TYPE_NUMBER,
                  .unit = unit_product(unit_pure(), unit_base(UNIT_TIME), -1), .unit_text = "a rate"};
    for (int32_t i = 0; i < a->n_becomes; i++) {
        int32_t to = symbol_value(k, s, a->becomes[i].type);
        for (int32_t j = 0; j < row->n_becomes && to >= 0; j++)
            if (becomes[j].type == to)
                FAULT(k, a->becomes[i].type.span, DUPLICATE, "one rate must say it all",
                      "`%s` becomes `%s` twice", s->name, a->becomes[i].type.text);
        ProgramId program = compile_expression(k, a->becomes[i].rate, &rate);
        require(k, a->becomes[i].rate, program, is_not_negative, "the rate of a change of type",
                "a finite number, 0 or more");
        if (to >= 0 && program >= 0) becomes[row->n_becomes++] = (ModelBecomes){to, program};
    }
}

void declare_privates(Checker *k) {
    Model *m = k->model;
    ModelPrivate *private = keep_rows(k, m->n_private, sizeof *private);
    if (!private) return;
    m->private = private;
    EACH(k, s, PRIVATE)
        if (s->index < MODEL_VARIABLES_MAX) declare_private(k, s, &private[s->index]);
}
