#include "lang/checker.h"

#include "base/memory.h"
#include "base/sha256.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

// The hash of a model's meaning: one line for each row of its tables, with names in place of numbers, the lines
// sorted, so that neither layout nor the order of declarations and files counts. Descriptions, places and paths are
// left out; an expression is its bytecode, so that lets and brackets leave no trace.

typedef struct Lines {
    Text   text;         // all lines, each ended by a NUL
    size_t *start;       // [n] where each begins
    int32_t n, capacity;
    bool failed;
} Lines;

static void begin(Lines *l, const char *what, const char *name) {
    if (l->n == l->capacity) {
        int32_t more = l->capacity ? 2 * l->capacity : 64;
        size_t *start = memory_resize(l->start, (size_t)more * sizeof *start);
        if (!start) { l->failed = true; return; }
        l->start = start;
        l->capacity = more;
    }
    l->start[l->n++] = l->text.length;
    text_printf(&l->text, "%s %s", what, name);
}
static void end(Lines *l) { text_char(&l->text, '\0'); }

static void word(Lines *l, const char *text)  { text_printf(&l->text, " %s", text ? text : "-"); }
static void whole(Lines *l, long long x)      { text_printf(&l->text, " %lld", x); }
static void number(Lines *l, double x)        { text_char(&l->text, ' '); text_double(&l->text, x); }
// texts of people's own are told by their length, so that no two rows read alike
static void quoted(Lines *l, const char *text) {
    if (text) text_printf(&l->text, " %zu:%s", strlen(text), text);
    else word(l, NULL);
}
static const char *actor_name(const Model *m, int32_t i) { return i < 0 ? "-" : m->actor[i].name; }

static void quantity(Lines *l, const Model *m, const ModelQuantity *q);
static void program(Lines *l, const Model *m, ProgramId id);

// one program, or where it reads its actor's type one for each
static void programs(Lines *l, const Model *m, ProgramId id, const ProgramId *by_type, int32_t actor) {
    if (!by_type) program(l, m, id);
    else word(l, "by");
    for (int32_t t = 0; by_type && t < model_types(m, actor); t++) program(l, m, by_type[t]);
}

static void program(Lines *l, const Model *m, ProgramId id) {
    if (id < 0) { word(l, NULL); return; }
    const Program *p = &m->program[id];
    text_append(&l->text, " {");
    for (int32_t i = 0; i < p->n_op; i++) {
        const Op *op = &m->op[p->first + i];
        whole(l, op->code);
        switch (op->code) {
        case OP_CONSTANT: number(l, m->constant[op->a]); break;
        case OP_VARIABLE: word(l, model_variable_name(m, op->a)); break;
        case OP_PARAM:    word(l, m->param[op->a].name); break;
        case OP_QUANTITY: quantity(l, m, &m->quantity[op->a]); break;
        case OP_TABLE:    whole(l, op->a); word(l, m->table[op->b].name); break;
        default:          whole(l, op->a); whole(l, op->b); whole(l, op->c);
        }
    }
    text_append(&l->text, " }");
}

static void quantity(Lines *l, const Model *m, const ModelQuantity *q) {
    whole(l, q->kind);
    whole(l, q->is_probability);
    program(l, m, q->x);
    program(l, m, q->until);
    word(l, q->jump < 0 ? NULL : m->jump[q->jump].name);
    number(l, q->from);
    number(l, q->to);
    word(l, q->policy < 0 ? NULL : m->policy[q->policy].name);
}

static void cite(Lines *l, const Model *m, ModelCite c) {
    word(l, c.source < 0 ? NULL : m->source[c.source].name);
    quoted(l, c.locator);
}

// ---- rows --------------------------------------------------------------------------------------------------------

static void who_and_what(Lines *l, const Model *m) {
    for (const ModelSource *s = m->source; s < m->source + m->n_source; s++) {
        begin(l, "source", s->name);
        quoted(l, s->file); quoted(l, s->sha256); quoted(l, s->url); quoted(l, s->date);
        end(l);
    }
    for (const ModelActor *a = m->actor; a < m->actor + m->n_actor; a++) {
        begin(l, "actor", a->name);
        program(l, m, a->patience); programs(l, m, a->precision, a->precision_by_type, (int32_t)(a - m->actor));
        program(l, m, a->attends);
        if (m->clock == CLOCK_ROUNDS) program(l, m, a->discount);
        cite(l, m, a->cite);
        end(l);
    }
    for (const ModelMode *x = m->mode; x < m->mode + m->n_mode; x++) {
        begin(l, "mode", x->name);
        word(l, actor_name(m, x->actor));
        for (int32_t v = 0; v < x->n_value; v++) word(l, x->value[v]);
        cite(l, m, x->cite);
        end(l);
    }
    for (const ModelStock *s = m->stock; s < m->stock + m->n_stock; s++) {
        begin(l, "stock", s->name);
        word(l, s->unit); number(l, s->low); number(l, s->high); whole(l, s->n_grid);
        program(l, m, s->start); program(l, m, s->drift); program(l, m, s->noise);
        if (m->clock == CLOCK_ROUNDS) program(l, m, s->change);
        cite(l, m, s->cite);
        end(l);
    }
    for (const ModelPrivate *p = m->private; p < m->private + m->n_private; p++) {
        begin(l, "private", p->name);
        word(l, actor_name(m, p->actor)); whole(l, p->n_grid);
        for (int32_t t = 0; t < p->n_type; t++) word(l, p->type[t]), number(l, p->start[t]);
        for (int32_t k = 0; k < p->n_becomes; k++)
            word(l, p->type[p->becomes[k].type]), program(l, m, p->becomes[k].rate);
        cite(l, m, p->cite);
        end(l);
    }
    for (const ModelParam *p = m->param; p < m->param + m->n_param; p++) {
        begin(l, "param", p->name);
        word(l, p->unit); word(l, p->per); number(l, p->value); number(l, p->scale);
        whole(l, p->prior); number(l, p->prior_a); number(l, p->prior_b); number(l, p->prior_c);
        cite(l, m, p->cite);
        end(l);
    }
    for (const ModelTable *t = m->table; t < m->table + m->n_table; t++) {
        begin(l, "table", t->name);
        for (int32_t i = 0; i < t->n_point; i++) number(l, t->x[i]), number(l, t->y[i]);
        end(l);
    }
}

static void what_happens(Lines *l, const Model *m) {
    for (const ModelJump *j = m->jump; j < m->jump + m->n_jump; j++) {
        begin(l, "jump", j->name);
        whole(l, j->kind); word(l, actor_name(m, j->actor)); whole(l, j->is_secret);
        program(l, m, j->when); program(l, m, j->rate); number(l, j->at);
        for (int32_t i = 0; i < j->n_effect; i++) {
            word(l, model_variable_name(m, j->effect[i].to));
            program(l, m, j->effect[i].value);
        }
        for (int32_t i = 0; i < j->n_lump; i++) {
            word(l, actor_name(m, j->lump[i].actor)); whole(l, j->lump[i].is_cost);
            programs(l, m, j->lump[i].value, j->lump[i].by_type, j->lump[i].actor);
        }
        for (int32_t i = 0; i < j->n_draw; i++) {
            whole(l, j->draw[i].kind);
            for (int32_t v = 0; v < j->draw[i].n_value; v++)
                number(l, j->draw[i].value[v]), number(l, j->draw[i].weight[v]);
        }
        cite(l, m, j->cite);
        end(l);
    }
    for (const ModelTerm *t = m->term; t < m->term + m->n_term; t++) {
        begin(l, "term", actor_name(m, t->actor));
        word(l, t->name); programs(l, m, t->value, t->by_type, t->actor);
        cite(l, m, t->cite);
        end(l);
    }
}

static void what_is_asked(Lines *l, const Model *m) {
    for (const ModelPolicy *p = m->policy; p < m->policy + m->n_policy; p++) {
        begin(l, "policy", p->name);
        word(l, actor_name(m, p->actor)); whole(l, p->is_announced);
        for (int32_t i = 0; i < p->n_phase; i++) {
            const ModelPhase *h = &p->phase[i];
            word(l, "from"); number(l, h->start); programs(l, m, h->precision, h->precision_by_type, p->actor);
            for (int32_t k = 0; k < h->n_set; k++)
                word(l, m->mode[h->set[k].mode].name), word(l, m->mode[h->set[k].mode].value[h->set[k].value]);
            word(l, "never");
            for (int32_t k = 0; k < h->n_never; k++) word(l, m->jump[h->never[k]].name);
            word(l, "always");
            for (int32_t k = 0; k < h->n_always; k++)
                word(l, m->jump[h->always[k].jump].name), program(l, m, h->always[k].when);
        }
        cite(l, m, p->cite);
        end(l);
    }
    for (const ModelClaim *c = m->claim; c < m->claim + m->n_claim; c++) {
        begin(l, "claim", c->name);
        program(l, m, c->left); whole(l, c->comparison); program(l, m, c->right); number(l, c->confidence);
        // said or not: what was hashed before there were tolerances keeps its hash
        if (!isnan(c->tolerance)) word(l, "tolerance"), number(l, c->tolerance);
        if (c->is_sensitive) word(l, "sensitive");
        cite(l, m, c->cite);
        end(l);
    }
}

static int by_text(const void *a, const void *b) {
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

bool model_hash(Model *m) {
    Lines l = {0};
    begin(&l, "scenario", m->unit);
    whole(&l, m->choice); whole(&l, m->from_day); number(&l, m->horizon);
    // who acts before whom: by `order`, or effects by declaration
    if (m->clock == CLOCK_ROUNDS) {
        word(&l, m->n_order ? "order" : "rounds");
        for (int32_t i = 0; i < m->n_order; i++) word(&l, m->actor[m->order[i]].name);
        for (int32_t i = 0; i < m->n_actor; i++) word(&l, m->actor[i].name);
        for (int32_t j = 0; j < m->n_jump; j++)
            if (m->jump[j].kind == JUMP_EVENT) word(&l, m->jump[j].name);
    }
    end(&l);
    who_and_what(&l, m);
    what_happens(&l, m);
    what_is_asked(&l, m);

    bool fine = !l.failed && !l.text.failed;
    const char **line = fine ? memory_alloc((size_t)l.n * sizeof *line) : NULL;
    if (line) {
        for (int32_t i = 0; i < l.n; i++) line[i] = l.text.data + l.start[i];
        qsort(line, (size_t)l.n, sizeof *line, by_text);
        Sha256 s;
        sha256_start(&s);
        for (int32_t i = 0; i < l.n; i++) sha256_add(&s, line[i], strlen(line[i]) + 1);
        sha256_hex(&s, m->hash);
    }
    fine = line != NULL;
    memory_free(line);
    memory_free(l.start);
    text_free(&l.text);
    return fine;
}
