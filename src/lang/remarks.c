#include "lang/checker.h"

// Remarks on a scenario that stands but may not say what was meant, and the lines that rest on no source.

// names that nothing uses, in the scenario's own file: what is imported may offer more than is taken
static void remark_unused(Checker *k) {
    for (int32_t i = 0; i < k->n_symbol; i++) {
        const Symbol *s = &k->symbol[i];
        bool matters = s->kind == AST_PARAM_DECLARATION || s->kind == AST_LET_DECLARATION ||
                       s->kind == AST_TABLE_DECLARATION || s->kind == AST_PRIVATE_DECLARATION;
        if (s->is_used || s->declaration->span.file != 0) continue;
        if (matters)
            REMARK(k, s->declaration->name.span, UNUSED, NULL, "%s `%s` is never used", symbol_kind(s), s->name);
        else if (s->kind == AST_SOURCE_DECLARATION)
            REMARK(k, s->declaration->name.span, UNUSED, NULL, "source `%s` is never cited", s->name);
    }
}

// a stock counts as read where something other than its own movement depends on it
static void remark_unread(Checker *k) {
    const Model *m = k->model;
    uint64_t read = 0;
    bool *is_own = scratch_rows(k, k->code.n_program, sizeof *is_own);
    if (!is_own) return;
    for (int32_t i = 0; i < m->n_stock; i++) {
        uint64_t self = UINT64_C(1) << (m->n_mode + i);
        const ProgramId own[3] = {m->stock[i].drift, m->stock[i].noise, m->stock[i].change};
        for (int j = 0; j < 3; j++) {
            if (own[j] < 0) continue;
            is_own[own[j]] = true;
            read |= k->code.program[own[j]].reads & ~self;
        }
    }
    for (int32_t i = 0; i < m->n_change; i++) is_own[m->change[i].value] = true;
    for (int32_t i = 0; i < m->n_jump; i++) {
        for (int32_t j = 0; j < m->jump[i].n_effect; j++) {
            const ModelEffect *e = &m->jump[i].effect[j];
            if (e->value < 0) continue;
            is_own[e->value] = true;
            read |= k->code.program[e->value].reads & ~(UINT64_C(1) << e->to);
        }
        for (int32_t j = 0; j < m->jump[i].n_draw; j++)
            if (m->jump[i].draw[j].spread >= 0) is_own[m->jump[i].draw[j].spread] = true;
    }
    for (int32_t i = 0; i < k->code.n_program; i++)
        if (!is_own[i]) read |= k->code.program[i].reads;
    EACH(k, s, STOCK)
        if (!(read >> (m->n_mode + s->index) & 1) && s->declaration->span.file == 0)
            REMARK(k, s->declaration->name.span, UNUSED, NULL, "stock `%s` is never read: nothing depends on it",
                   s->name);
}

void remark_all(Checker *k) {
    // beside a fault a remark may be a consequence of it
    if (k->c->diagnostics.n_error > 0) return;
    remark_unused(k);
    remark_unread(k);
    EACH(k, s, MODE)
        if (!s->is_changed && s->declaration->as.mode.n_value > 1)
            REMARK(k, s->declaration->name.span, UNMOVED, NULL,
                   "no move, event or policy changes mode `%s`: it stays `%s`",
                   s->name, s->declaration->as.mode.value[0].text ? s->declaration->as.mode.value[0].text : "?");
    for (int32_t i = 0; i < k->n_symbol; i++) {
        const Symbol *s = &k->symbol[i];
        bool should = s->kind == AST_PARAM_DECLARATION || s->kind == AST_STOCK_DECLARATION ||
                      s->kind == AST_MOVE_DECLARATION || s->kind == AST_EVENT_DECLARATION ||
                      s->kind == AST_CLAIM_DECLARATION;
        if (should && s->declaration->n_cite == 0 && !s->declaration->has_fault)
            NOTE(k, s->declaration->name.span, ASSUMED, NULL, "%s `%s` is assumed: it cites no source",
                 symbol_kind(s), s->name);
    }
}
