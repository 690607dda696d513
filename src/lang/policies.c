#include "lang/checker.h"

#include <stdlib.h>
#include <string.h>

// one phase as written, with the time it starts
typedef struct Written {
    double start;
    int32_t i;                 // place in the text: phases of one time keep their order
    const AstPhase *phase;
} Written;

static int by_time(const void *a, const void *b) {
    const Written *x = a, *y = b;
    if (x->start != y->start) return x->start < y->start ? -1 : 1;
    return x->i < y->i ? -1 : x->i > y->i;
}

// a move that the policy's actor can make, or NULL
static const Symbol *own_move(Checker *k, const Symbol *policy, AstName name) {
    const Symbol *s = symbol_resolve(k, SPACE_JUMP, name, "move");
    if (!s) return NULL;
    if (s->kind != AST_MOVE_DECLARATION) {
        FAULT(k, name.span, OWNER, NULL,
              "`%s` is an event: a policy says what its actor does, not what happens to it", name.text);
        return NULL;
    }
    if (s->actor != policy->actor && s->actor >= 0 && policy->actor >= 0) {
        FAULT(k, name.span, OWNER, NULL, "`%s` is a move of `%s`, and this is a policy of `%s`", name.text,
              s->declaration->of.text, policy->declaration->of.text);
        return NULL;
    }
    return s;
}

// the restrictions in force while phases are walked in time: what later phases keep
typedef struct Restrictions {
    int32_t *never;      int32_t n_never;
    ModelAlways *always; int32_t n_always;
    ProgramId precision;
    const ProgramId *precision_by_type;
} Restrictions;

static void drop_never(Restrictions *r, int32_t jump) {
    int32_t n = 0;
    for (int32_t i = 0; i < r->n_never; i++)
        if (r->never[i] != jump) r->never[n++] = r->never[i];
    r->n_never = n;
}

static void drop_always(Restrictions *r, int32_t jump) {
    int32_t n = 0;
    for (int32_t i = 0; i < r->n_always; i++)
        if (r->always[i].jump != jump) r->always[n++] = r->always[i];
    r->n_always = n;
}

static bool has_never(const Restrictions *r, int32_t jump) {
    for (int32_t i = 0; i < r->n_never; i++)
        if (r->never[i] == jump) return true;
    return false;
}

static void add_sets(Checker *k, const Symbol *policy, const AstPhase *p, ModelSet *set, int32_t *n_set) {
    for (int32_t i = 0; i < p->n_set; i++) {
        const AstSet *a = &p->set[i];
        if (!a->mode.text) continue;
        Symbol *s = symbol_find(k, SPACE_VALUE, a->mode.text);
        if (!s || s->kind != AST_MODE_DECLARATION) {
            if (s) FAULT(k, a->mode.span, UNKNOWN_NAME, NULL, "a policy sets modes, and `%s` is a %s", s->name,
                         symbol_kind(s));
            else symbol_unknown(k, SPACE_VALUE, a->mode, "mode");
            continue;
        }
        s->is_used = s->is_changed = true;
        int32_t v = symbol_value(k, s, a->value);
        if (s->actor != policy->actor && policy->actor >= 0) {
            const char *owner = s->declaration->of.text;
            FAULT(k, a->mode.span, OWNER, NULL, "`%s` is a mode of `%s`: a policy of `%s` can't set it", s->name,
                  owner ? owner : "?", policy->declaration->of.text);
            continue;
        }
        bool is_double = false;
        for (int32_t j = 0; j < *n_set; j++) is_double |= set[j].mode == s->index;
        if (is_double) {
            FAULT(k, a->mode.span, DUPLICATE, NULL, "`%s` is set twice at one time", s->name);
            continue;
        }
        if (v >= 0) set[(*n_set)++] = (ModelSet){.mode = s->index, .value = v};
    }
}

// the clauses of one phase on top of what is in force
static void add_restrictions(Checker *k, const Symbol *policy, const AstPhase *p, Restrictions *r) {
    for (int32_t i = 0; i < p->n_never; i++) {
        const Symbol *s = own_move(k, policy, p->never[i]);
        if (!s) continue;
        drop_always(r, s->index);
        if (!has_never(r, s->index)) r->never[r->n_never++] = s->index;
    }
    // what is said later comes first, and within a phase what is said first: the first that applies wins
    int32_t n_new = 0;
    for (int32_t i = 0; i < p->n_always; i++) {
        const AstAlways *a = &p->always[i];
        const Symbol *s = own_move(k, policy, a->move);
        Place place = {.what = "`when`", .allowed = READS_STATE | READS_PARAM | READS_TABLE, .actor = PLACE_NOBODY,
                       .due = TYPE_CONDITION};
        ProgramId when = compile_expression(k, a->when, &place);
        if (!s) continue;
        for (int32_t j = 0; j < p->n_never; j++)
            if (p->never[j].text && strcmp(p->never[j].text, s->name) == 0)
                FAULT(k, a->move.span, CONFLICT, NULL, "`%s` can't be both forbidden and forced from one time on",
                      s->name);
        drop_never(r, s->index);
        memmove(r->always + n_new + 1, r->always + n_new, (size_t)(r->n_always - n_new) * sizeof *r->always);
        r->always[n_new++] = (ModelAlways){.jump = s->index, .when = when};
        r->n_always++;
    }
    if (p->precision) {
        Place place = {.what = "precision", .allowed = READS_STATE | READS_PARAM | READS_TABLE | READS_TYPE,
                       .actor = policy->actor, .due = TYPE_NUMBER};
        r->precision = compile_by_type(k, p->precision, &place, &r->precision_by_type);
        require_by_type(k, p->precision, policy->actor, r->precision, r->precision_by_type, is_not_negative, "precision",
                        "a finite number, 0 or more");
    }
}

static void copy_restrictions(Checker *k, const Symbol *policy, const Restrictions *r, ModelPhase *row) {
    // each phase has its whole list, so a text of n clauses may ask for n^2 of them
    k->n_restriction += r->n_never + r->n_always;
    if (k->n_restriction > CHECK_RESTRICTIONS_MAX) {
        if (k->n_restriction - r->n_never - r->n_always <= CHECK_RESTRICTIONS_MAX)
            FAULT(k, policy->declaration->name.span, LIMIT, NULL,
                  "policies restrict more than %d moves in all their phases",
                  CHECK_RESTRICTIONS_MAX);
        return;
    }
    int32_t *never = keep_rows(k, r->n_never, sizeof *never);
    ModelAlways *always = keep_rows(k, r->n_always, sizeof *always);
    if (!never || !always) return;
    memcpy(never, r->never, (size_t)r->n_never * sizeof *never);
    memcpy(always, r->always, (size_t)r->n_always * sizeof *always);
    row->never  = never;   row->n_never  = r->n_never;
    row->always = always;  row->n_always = r->n_always;
    row->precision = r->precision;
    row->precision_by_type = r->precision_by_type;
}

static void declare_policy(Checker *k, const Symbol *policy, ModelPolicy *row) {
    const AstDeclaration *d = policy->declaration;
    const AstPolicy *a = &d->as.policy;
    *row = (ModelPolicy){.name = keep_text(k, policy->name), .text = keep_text(k, d->text.text),
                         .actor = policy->actor,
                         .is_announced = !a->announced.text || strcmp(a->announced.text, "surprise") != 0,
                         .cite = declare_cite(k, d->cite, d->n_cite), .span = d->name.span};

    // phases in order of time; room for all that can be in force at once
    Written *written = scratch_rows(k, a->n_phase, sizeof *written);
    int64_t n_never = 0, n_always = 0;
    int32_t n = 0;
    for (int32_t i = 0; i < a->n_phase; i++) n_never += a->phase[i].n_never, n_always += a->phase[i].n_always;
    if (a->n_phase > CHECK_CLAUSES_MAX || n_never > CHECK_CLAUSES_MAX || n_always > CHECK_CLAUSES_MAX) {
        FAULT(k, d->name.span, LIMIT, NULL, "policy `%s` has more than %d clauses of one kind", policy->name,
              CHECK_CLAUSES_MAX);
        return;
    }
    Restrictions r = {.never = scratch_rows(k, n_never, sizeof *r.never),
                      .always = scratch_rows(k, n_always, sizeof *r.always), .precision = PROGRAM_NONE};
    ModelPhase *phase = keep_rows(k, a->n_phase, sizeof *phase);
    if (!written || !r.never || !r.always || !phase) return;
    for (int32_t i = 0; i < a->n_phase; i++) {
        const AstPhase *p = &a->phase[i];
        double start = 0;
        bool is_date;
        if (p->from && !declare_time(k, p->from, "the time after `from`", &start, &is_date)) start = 0;
        if (start < 0) {
            FAULT(k, p->from->span, VALUE, NULL, "a policy can't begin before the scenario does");
            start = 0;
        }
        written[n++] = (Written){.start = start, .i = i, .phase = p};
    }
    qsort(written, (size_t)n, sizeof *written, by_time);
    if (n == 0 && !d->has_fault)
        FAULT(k, d->name.span, MISSING,
              "write `never MOVE`, `always MOVE when COND`, `from TIME: MODE = VALUE` or `precision N`",
              "policy `%s` says nothing", policy->name);

    // phases of one time are one
    for (int32_t i = 0; i < n;) {
        int32_t end = i, n_set = 0;
        for (; end < n && written[end].start == written[i].start; end++) n_set += written[end].phase->n_set;
        ModelPhase *to = &phase[row->n_phase++];
        *to = (ModelPhase){.start = written[i].start};
        ModelSet *set = keep_rows(k, n_set, sizeof *set);
        if (!set) return;
        for (; i < end; i++) {
            add_sets(k, policy, written[i].phase, set, &to->n_set);
            add_restrictions(k, policy, written[i].phase, &r);
        }
        to->set = set;
        copy_restrictions(k, policy, &r, to);
    }
    row->phase = phase;
}

void declare_policies(Checker *k) {
    Model *m = k->model;
    ModelPolicy *policy = keep_rows(k, m->n_policy, sizeof *policy);
    if (!policy) return;
    m->policy = policy;
    EACH(k, s, POLICY) declare_policy(k, s, &policy[s->index]);
}
