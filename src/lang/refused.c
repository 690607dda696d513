#include "lang/checker.h"

#include <string.h>

// Parts of the language that are checked like the rest, and then refused by name.

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

void declare_refused(Checker *k) {
    EACH(k, s, RECORD) declare_record(k, s);
}
