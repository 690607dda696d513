#include "lang/checker.h"

#include <math.h>

// Conditions that hold where a stock with noise is at one level alone, or in a band that it crosses between two looks. On the lattice
// they are what they say; runs with continuous stocks pass through them, and no interval tells.

/// Bands narrower than this share of the range are told: noise over a cell is at most so much (sim/setup.c).
#define BAND_RANGE (1.0 / 32)

/// ... and narrower than this share of a noise that is the same in every state: half of what it does in the longest cell, a sixteenth.
#define BAND_NOISE (1.0 / 8)

// where a condition is asked
typedef enum Asked {
    ASKED_AT,        // at instants
    ASKED_ALWAYS,    // at every moment, and its end at once: what leads out of a band is seen
    ASKED_EVER       // at every moment, by the highest and the lowest point between two looks
} Asked;

typedef struct Search {
    Checker *k;
    uint8_t *reads;          // [n_symbol] lets: 1 reads no noise, 2 reads some; 0: not known yet
    uint8_t *walked;         // [n_symbol] lets: bits of Asked
} Search;

// the i-th part of an expression; NULL: it is not there
static const AstExpr *part_of(const AstExpr *e, int32_t i) {
    const AstExpr *const operand[] = {e->a, e->b, e->c};
    if (i < 3) return operand[i];
    i -= 3;
    if (i < e->n_arg) return e->arg[i];
    i -= e->n_arg;
    if (i < e->n_arm) return e->arm[i].expr;
    i -= e->n_arm;
    return i % 2 ? e->size[i / 2].weight : e->size[i / 2].value;
}
static int32_t parts_of(const AstExpr *e) { return 3 + e->n_arg + e->n_arm + 2 * e->n_size; }

static const Symbol *named(const Search *f, const AstExpr *e) {
    return e && e->kind == AST_NAME ? symbol_find(f->k, SPACE_VALUE, e->name.text) : NULL;
}

static const ModelStock *noisy_stock(const Search *f, const AstExpr *e) {
    const Symbol *s = named(f, e);
    const ModelStock *stock = s && s->kind == AST_STOCK_DECLARATION ? &f->k->model->stock[s->index] : NULL;
    return stock && stock->noise != PROGRAM_NONE ? stock : NULL;
}

static bool reads_noise(Search *f, const AstExpr *e) {
    if (!e) return false;
    const Symbol *s = named(f, e);
    if (s && s->kind == AST_LET_DECLARATION) {
        uint8_t *known = &f->reads[s - f->k->symbol];
        if (!*known) *known = reads_noise(f, s->declaration->as.let.value) ? 2 : 1;
        return *known == 2;
    }
    if (noisy_stock(f, e)) return true;
    for (int32_t i = 0; i < parts_of(e); i++)
        if (reads_noise(f, part_of(e, i))) return true;
    return false;
}

static bool is_mode(const Search *f, const AstExpr *e) {
    const Symbol *s = named(f, e);
    return s && (s->kind == AST_MODE_DECLARATION || s->kind == AST_PRIVATE_DECLARATION);
}

// a number, and what is reckoned from numbers and params: with these as they are stated
static bool stated(const Search *f, const AstExpr *e, double *x) {
    double y;
    switch (e ? e->kind : AST_ERROR) {
    case AST_NUMBER:
        *x = e->number;
        return true;
    case AST_NEGATE:
        if (!stated(f, e->a, x)) return false;
        *x = -*x;
        return true;
    case AST_ADD: case AST_SUBTRACT: case AST_MULTIPLY: case AST_DIVIDE:
        if (!stated(f, e->a, x) || !stated(f, e->b, &y)) return false;
        *x = e->kind == AST_ADD ? *x + y : e->kind == AST_SUBTRACT ? *x - y : e->kind == AST_MULTIPLY ? *x * y : *x / y;
        return isfinite(*x);
    case AST_NAME: {
        const Symbol *s = named(f, e);
        if (s && s->kind == AST_LET_DECLARATION) return stated(f, s->declaration->as.let.value, x);
        if (!s || s->kind != AST_PARAM_DECLARATION) return false;
        *x = f->k->param[s->index];
        return isfinite(*x);
    }
    default:
        return false;
    }
}

// an end of a stock's range is where its highest or lowest point may be
static bool is_end(const Search *f, const AstExpr *stock, const AstExpr *level) {
    const ModelStock *row = noisy_stock(f, stock);
    double x;
    return row && stated(f, level, &x) && (x == row->low || x == row->high);
}

static void remark_level(Search *f, const AstExpr *e, Asked asked) {
    if (is_mode(f, e->a) || is_mode(f, e->b) || !(reads_noise(f, e->a) || reads_noise(f, e->b))) return;
    if (asked != ASKED_AT && (is_end(f, e->a, e->b) || is_end(f, e->b, e->a))) return;
    REMARK(f->k, e->name.span, UNSEEN, "--lattice and --exact see it where the grid has a node there; in runs ask for a band, or for `>=` or `<=`",
           "noise is at one level at no instant that is looked at: runs with continuous stocks don't see this `%s`", e->name.text);
}

// what a chain of `and` leaves of a stock's range
static void narrow(const Search *f, const AstExpr *e, const ModelStock *stock, double *low, double *high) {
    double x;
    if (e->kind == AST_AND) {
        narrow(f, e->a, stock, low, high);
        narrow(f, e->b, stock, low, high);
    }
    if (e->kind < AST_LESS || e->kind > AST_GREATER_EQUAL) return;
    bool is_left = noisy_stock(f, e->a) == stock && stated(f, e->b, &x);
    if (!is_left && !(noisy_stock(f, e->b) == stock && stated(f, e->a, &x))) return;
    bool is_below = (e->kind == AST_LESS || e->kind == AST_LESS_EQUAL) == is_left;
    if (is_below && x < *high) *high = x;
    if (!is_below && x > *low) *low = x;
}

static void remark_band(Search *f, const AstExpr *e) {
    const Model *m = f->k->model;
    for (const ModelStock *stock = m->stock; stock < m->stock + m->n_stock; stock++) {
        double low = stock->low, high = stock->high, least = BAND_RANGE * (high - low), noise;
        if (stock->noise == PROGRAM_NONE) continue;
        if (compile_value(f->k, stock->noise, &noise) && BAND_NOISE * noise < least) least = BAND_NOISE * noise;
        narrow(f, e, stock, &low, &high);
        // a band at an end is a level of one side; one that is empty is no band
        if (low == stock->low || high == stock->high || high < low || high - low >= least) continue;
        REMARK(f->k, e->name.span, UNSEEN, "--lattice and --exact see it where the grid has a node there",
               "noise of `%s` passes through this band between two looks: runs with continuous stocks miss some of it", stock->name);
    }
}

static void walk(Search *f, const AstExpr *e, Asked asked, bool in_chain) {
    if (!e) return;
    const Symbol *s = named(f, e);
    if (s && s->kind == AST_LET_DECLARATION) {
        uint8_t *walked = &f->walked[s - f->k->symbol], bit = (uint8_t)(1u << asked);
        if (*walked & bit) return;
        *walked |= bit;
        walk(f, s->declaration->as.let.value, asked, false);
        return;
    }
    if (e->kind == AST_EQUAL || e->kind == AST_NOT_EQUAL) remark_level(f, e, asked);
    if (e->kind == AST_AND && !in_chain && asked == ASKED_EVER) remark_band(f, e);
    for (int32_t i = 0; i < parts_of(e); i++) walk(f, part_of(e, i), asked, e->kind == AST_AND);
}

// the quantities that a claim or a query is made of
static void walk_quantities(Search *f, const AstExpr *e) {
    if (!e) return;
    const AstQuantity *q = e->quantity;
    if (e->kind == AST_QUANTITY && q->kind != QUANTITY_LONG_RUN) {
        bool is_ever = q->kind == QUANTITY_WITHIN || q->kind == QUANTITY_UNTIL || q->kind == QUANTITY_MAX;
        Asked asked = q->kind == QUANTITY_THROUGHOUT ? ASKED_ALWAYS : is_ever ? ASKED_EVER : ASKED_AT;
        walk(f, q->x, asked, false);
        walk(f, q->until, asked, false);
    }
    const Symbol *s = named(f, e);
    if (s && s->kind == AST_LET_DECLARATION) return;   // it holds no quantities
    for (int32_t i = 0; i < parts_of(e); i++) walk_quantities(f, part_of(e, i));
}

void remark_unseen(Checker *k, AstExpr *const *query, int32_t n_query) {
    if (k->c->diagnostics.n_error > 0) return;
    Search f = {.k = k, .reads = scratch_rows(k, k->n_symbol, 1), .walked = scratch_rows(k, k->n_symbol, 1)};
    if (!f.reads || !f.walked) return;
    for (int32_t i = 0; i < k->n_symbol; i++) {
        const AstDeclaration *d = k->symbol[i].declaration;
        if (k->symbol[i].kind == AST_CLAIM_DECLARATION) walk_quantities(&f, d->as.claim.comparison);
        if (k->symbol[i].kind == AST_MOVE_DECLARATION || k->symbol[i].kind == AST_EVENT_DECLARATION)
            walk(&f, d->as.jump.when, ASKED_AT, false);
        if (k->symbol[i].kind != AST_POLICY_DECLARATION) continue;
        for (const AstPhase *p = d->as.policy.phase; p < d->as.policy.phase + d->as.policy.n_phase; p++)
            for (int32_t j = 0; j < p->n_always; j++) walk(&f, p->always[j].when, ASKED_AT, false);
    }
    for (int32_t i = 0; i < n_query; i++) walk_quantities(&f, query[i]);
}
