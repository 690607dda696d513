#include "lang/checker.h"

#include <string.h>

// A rival takes the place of params, lets, payoff terms and policies of the scenario. One that is not in effect is only
// looked through; one that is in effect stands in the tree before anything is checked, so that it is checked and compiled
// as if the scenario had been written so.

// ---- put in effect -------------------------------------------------------------------------------------------------

static void *copied(Checker *k, const void *from, size_t size) {
    void *copy = arena_alloc(k->scratch, size);
    if (copy) memcpy(copy, from, size);
    else k->failed = true;
    return copy;
}

// a param keeps what the rival doesn't say: the unit that its number is in, its prior, its text
static void merge_param(AstDeclaration *d, const AstDeclaration *in) {
    const AstParam *p = &in->as.param;
    if (p->value) d->as.param.value = p->value;
    if (p->prior) d->as.param.prior = p->prior;
    if (p->per.text) d->as.param.per = p->per;
    if (p->unit.text) d->as.param.unit = p->unit;
    if (in->text.text) d->text = in->text;
}

// terms of a payoff by name; the others stay as they are
static void merge_payoff(Checker *k, AstDeclaration *d, const AstDeclaration *in) {
    AstPayoff *payoff = &d->as.payoff;
    payoff->term = copied(k, payoff->term, (size_t)payoff->n_term * sizeof *payoff->term);
    for (int32_t i = 0; payoff->term && i < in->as.payoff.n_term; i++)
        for (int32_t j = 0; j < payoff->n_term; j++) {
            const AstTerm *term = &in->as.payoff.term[i];
            if (term->name.text && strcmp(payoff->term[j].name.text, term->name.text) == 0) payoff->term[j] = *term;
        }
}

static Space space_in(const AstDeclaration *in) {
    return in->kind == AST_PAYOFF_DECLARATION ? SPACE_PAYOFF : in->kind == AST_POLICY_DECLARATION ? SPACE_POLICY : SPACE_VALUE;
}

static bool is_plain(AstDeclarationKind kind) { return kind == AST_PARAM_DECLARATION || kind == AST_LET_DECLARATION; }

// what an inner declaration takes the place of, or NULL (told when the rival is looked through)
static Symbol *old_of(const Checker *k, const AstDeclaration *in) {
    Symbol *s = in->name.text ? symbol_find(k, space_in(in), in->name.text) : NULL;
    return s && (s->kind == in->kind || (is_plain(s->kind) && is_plain(in->kind))) ? s : NULL;
}

const AstDeclaration *rival_apply(Checker *k, const char *name) {
    const Symbol *rival = symbol_find(k, SPACE_RIVAL, name);
    if (!rival) return NULL;
    const AstRival *r = &rival->declaration->as.rival;
    for (int32_t i = 0; i < r->n_declaration; i++) {
        const AstDeclaration *in = r->declaration[i];
        Symbol *s = old_of(k, in);
        if (!s) continue;
        AstDeclaration *d = copied(k, s->kind == in->kind ? s->declaration : in, sizeof *d);
        if (!d) return NULL;
        if (s->kind != in->kind || in->kind == AST_LET_DECLARATION || in->kind == AST_POLICY_DECLARATION) *d = *in;
        else if (in->kind == AST_PARAM_DECLARATION) merge_param(d, in);
        else merge_payoff(k, d, in);
        // without a source of its own a line is the rival's, and has the rival's
        const AstDeclaration *said = in->n_cite ? in : rival->declaration->n_cite ? rival->declaration : NULL;
        if (said && in->kind != AST_PAYOFF_DECLARATION) d->cite = said->cite, d->n_cite = said->n_cite;
        s->kind = d->kind;
        s->declaration = d;
        s->is_rival = true;
    }
    return rival->declaration;
}

// ---- looked through ------------------------------------------------------------------------------------------------

static void look_through(Checker *k, const AstDeclaration *in) {
    Place let = {.what = "a let", .allowed = READS_STATE | READS_PARAM | READS_TABLE | READS_TYPE, .actor = PLACE_ANYONE,
                 .due = TYPE_NONE};
    if (is_plain(in->kind) && !old_of(k, in))
        FAULT(k, in->name.span, UNKNOWN_NAME, symbol_hint(k, SPACE_VALUE, in->name.text),
              "a rival replaces params and lets of the scenario, and there is none called `%s`", in->name.text);
    switch (in->kind) {
    case AST_LET_DECLARATION:
        if (in->as.let.value) check_expression(k, in->as.let.value, &let);
        break;
    case AST_PARAM_DECLARATION: {
        Place plain = PLAIN("the value of a param", unit_unknown(), NULL);
        double value;
        if (in->as.param.value && in->as.param.value->kind != AST_MEASURE)
            compile_literal(k, in->as.param.value, &plain, &value);
        break;
    }
    case AST_PAYOFF_DECLARATION: {
        const Symbol *actor = symbol_resolve(k, SPACE_ACTOR, in->name, "actor"), *old = old_of(k, in);
        let.what = "a payoff term";
        let.actor = actor ? actor->index : PLACE_ANYONE;
        let.due = TYPE_NUMBER;
        for (int32_t i = 0; i < in->as.payoff.n_term; i++) {
            const AstTerm *term = &in->as.payoff.term[i];
            bool is_there = !old || !term->name.text;
            for (int32_t j = 0; !is_there && j < old->declaration->as.payoff.n_term; j++)
                is_there = strcmp(old->declaration->as.payoff.term[j].name.text, term->name.text) == 0;
            if (actor && !is_there)
                FAULT(k, term->name.span, UNKNOWN_NAME, NULL,
                      "a rival replaces payoff terms of the scenario, and `%s` has none called `%s`", in->name.text,
                      term->name.text);
            if (term->value) check_expression(k, term->value, &let);
        }
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

// "param fear, let traffic": what a rival replaces, for people
static const char *overrides(Checker *k, const AstRival *r) {
    text_clear(&k->text);
    for (int32_t i = 0; i < r->n_declaration; i++) {
        const AstDeclaration *in = r->declaration[i];
        if (!in->name.text) continue;
        if (k->text.length) text_append(&k->text, ", ");
        if (in->kind != AST_PAYOFF_DECLARATION) {
            text_printf(&k->text, "%s %s", ast_declaration_keyword(in->kind), in->name.text);
            continue;
        }
        for (int32_t j = 0; j < in->as.payoff.n_term; j++)
            if (in->as.payoff.term[j].name.text)
                text_printf(&k->text, "%s%s of %s", j ? ", " : "", in->as.payoff.term[j].name.text, in->name.text);
    }
    return keep_text(k, text_view(&k->text));
}

void declare_rivals(Checker *k) {
    ModelRival *row = keep_rows(k, k->model->n_rival, sizeof *row);
    if (!row) return;
    EACH(k, s, RIVAL) {
        const AstDeclaration *d = s->declaration;
        for (int32_t i = 0; i < d->as.rival.n_declaration; i++)
            if (d->as.rival.declaration[i]->name.text) look_through(k, d->as.rival.declaration[i]);
        row[s->index] = (ModelRival){.name = keep_text(k, s->name), .text = keep_text(k, d->text.text),
                                     .overrides = overrides(k, &d->as.rival),
                                     .cite = declare_cite(k, d->cite, d->n_cite), .span = d->name.span};
    }
    k->model->rival = row;
}
