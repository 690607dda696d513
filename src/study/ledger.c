#include "study/ledger.h"

#include "base/file.h"
#include "base/memory.h"
#include "base/sha256.h"
#include "eval/op.h"
#include "study/result.h"

#include <math.h>
#include <string.h>

/// A file larger than this is not read to compare its hash.
#define SOURCE_BYTES_MAX (64 * 1024 * 1024)

// ---- sources ------------------------------------------------------------------------------------------------------

SourceState ledger_source(const DurScenario *s, const ModelSource *source, char hex[65]) {
    char own[65];
    if (!hex) hex = own;
    hex[0] = '\0';
    if (!source->file || !source->sha256) return SOURCE_UNSTATED;
    // the file stands where the scenario that names it stands
    const char *path = result_path(&s->compilation, source->span);
    if (!path) path = s->model->path;
    const char *slash = source->file[0] == '/' ? NULL : strrchr(path, '/');
    Text place = {0}, data = {0};
    SourceState state = SOURCE_ABSENT;
    if (slash) text_append_n(&place, path, (size_t)(slash - path) + 1);
    text_append(&place, source->file);
    if (!place.failed && file_read(&data, text_view(&place), SOURCE_BYTES_MAX, NULL) == DUR_OK) {
        Sha256 sha;
        sha256_start(&sha);
        sha256_add(&sha, text_view(&data), data.length);
        sha256_hex(&sha, hex);
        state = strcmp(hex, source->sha256) == 0 ? SOURCE_SAME : SOURCE_OTHER;
    }
    text_free(&place);
    text_free(&data);
    return state;
}

const char *ledger_state_name(SourceState state) {
    static const char *const name[] = {"unstated", "absent", "same", "other"};
    return name[state];
}

void ledger_states(Text *out, const DurScenario *s) {
    for (int32_t i = 0; i < s->model->n_source; i++) {
        char hex[65];
        SourceState state = ledger_source(s, &s->model->source[i], hex);
        if (state != SOURCE_UNSTATED)
            text_printf(out, "source %s %s%s%s\n", s->model->source[i].name, ledger_state_name(state), hex[0] ? " " : "", hex);
    }
}

// ---- what a claim rests on ----------------------------------------------------------------------------------------

/// What has been reached from a claim, and what of it has been followed.
typedef struct Reach {
    const Model *m;
    uint64_t variables, seen;  // masks
    bool *jump, *actor;        // [n_jump], [n_actor]
    bool *param;               // [n_param]
    bool  grew;
} Reach;

static void reach_flag(Reach *r, bool *flag) {
    r->grew = r->grew || !*flag;
    *flag = true;
}

static void reach_variables(Reach *r, uint64_t mask) {
    r->grew = r->grew || (mask & ~r->variables);
    r->variables |= mask;
}

static void reach_program(Reach *r, ProgramId id) {
    if (id == PROGRAM_NONE) return;
    const Program *p = &r->m->program[id];
    reach_variables(r, p->reads);
    for (int32_t k = p->first; k < p->first + p->n_op; k++)
        if (r->m->op[k].code == OP_PARAM) reach_flag(r, &r->param[r->m->op[k].a]);
}

static void reach_programs(Reach *r, ProgramId id, const ProgramId *by_type, int32_t actor) {
    if (!by_type) reach_program(r, id);
    for (int32_t t = 0; by_type && t < model_types(r->m, actor); t++) reach_program(r, by_type[t]);
}

static void reach_policy(Reach *r, int32_t policy) {
    if (policy < 0) return;
    const ModelPolicy *p = &r->m->policy[policy];
    reach_flag(r, &r->actor[p->actor]);
    for (const ModelPhase *h = p->phase; h < p->phase + p->n_phase; h++) {
        reach_programs(r, h->precision, h->precision_by_type, p->actor);
        for (int32_t k = 0; k < h->n_always; k++) reach_program(r, h->always[k].when);
    }
}

static void reach_side(Reach *r, ProgramId side) {
    const Program *p = &r->m->program[side];
    reach_program(r, side);
    for (int32_t k = p->first; k < p->first + p->n_op; k++) {
        if (r->m->op[k].code != OP_QUANTITY) continue;
        const ModelQuantity *q = &r->m->quantity[r->m->op[k].a];
        reach_program(r, q->x);
        reach_program(r, q->until);
        if (q->kind == QUANTITY_COUNT) reach_flag(r, &r->jump[q->jump]);
        reach_policy(r, q->policy);
    }
}

// what moves a variable: its own drift, all that jumps into it, and whose type it is a belief about
static void follow_variable(Reach *r, int32_t v) {
    const Model *m = r->m;
    if (v >= m->n_mode && v < m->n_mode + m->n_stock) {
        const ModelStock *stock = &m->stock[v - m->n_mode];
        reach_program(r, stock->start);
        reach_program(r, stock->drift);
        reach_program(r, stock->noise);
        reach_program(r, stock->change);
    }
    for (const ModelEffect *e = m->change; e < m->change + m->n_change; e++)
        if (e->to == v) reach_program(r, e->value);
    for (int32_t j = 0; j < m->n_jump; j++)
        for (int32_t e = 0; e < m->jump[j].n_effect; e++)
            if (m->jump[j].effect[e].to == v) reach_flag(r, &r->jump[j]);
    int32_t type, p = model_belief(m, v, &type);
    if (p < 0) return;
    reach_flag(r, &r->actor[m->private[p].actor]);
    for (int32_t k = 0; k < m->private[p].n_becomes; k++) reach_program(r, m->private[p].becomes[k].rate);
}

static void follow_jump(Reach *r, int32_t j) {
    const ModelJump *jump = &r->m->jump[j];
    reach_program(r, jump->when);
    reach_program(r, jump->rate);
    for (int32_t e = 0; e < jump->n_effect; e++)
        if (r->variables >> jump->effect[e].to & 1) reach_program(r, jump->effect[e].value);
    if (jump->actor >= 0) reach_flag(r, &r->actor[jump->actor]);
}

// what an actor's choices come from: all its moves, and all that pays it
static void follow_actor(Reach *r, int32_t a) {
    const Model *m = r->m;
    const ModelActor *actor = &m->actor[a];
    reach_program(r, actor->patience);
    reach_program(r, actor->discount);
    reach_program(r, actor->attends);
    reach_programs(r, actor->precision, actor->precision_by_type, a);
    for (int32_t j = 0; j < m->n_jump; j++) {
        if (m->jump[j].kind == JUMP_MOVE && m->jump[j].actor == a) {
            reach_flag(r, &r->jump[j]);
            // a choice looks at all that its moves change
            for (int32_t e = 0; e < m->jump[j].n_effect; e++) reach_variables(r, (uint64_t)1 << m->jump[j].effect[e].to);
        }
        for (int32_t k = 0; k < m->jump[j].n_lump; k++) {
            if (m->jump[j].lump[k].actor != a) continue;
            reach_flag(r, &r->jump[j]);
            reach_programs(r, m->jump[j].lump[k].value, m->jump[j].lump[k].by_type, a);
        }
    }
    for (int32_t t = 0; t < m->n_term; t++)
        if (m->term[t].actor == a) reach_programs(r, m->term[t].value, m->term[t].by_type, a);
}

DurStatus ledger_params(const Model *m, int32_t claim, bool *rests, DurError *error) {
    Reach r = {.m = m, .param = rests};
    r.jump = memory_zeroed((size_t)m->n_jump + 1, sizeof *r.jump);
    r.actor = memory_zeroed((size_t)m->n_actor + 1, sizeof *r.actor);
    DurStatus status = r.jump && r.actor ? DUR_OK : status_fail(error, DUR_MEMORY, "out of memory");
    memset(rests, 0, (size_t)m->n_param * sizeof *rests);
    if (status == DUR_OK) {
        reach_side(&r, m->claim[claim].left);
        reach_side(&r, m->claim[claim].right);
    }
    // each pass follows everything; there are as many passes as the longest chain has links
    for (r.grew = true; status == DUR_OK && r.grew;) {
        r.grew = false;
        for (int32_t v = 0; v < model_variables(m); v++)
            if (r.variables >> v & 1) follow_variable(&r, v);
        for (int32_t j = 0; j < m->n_jump; j++)
            if (r.jump[j]) follow_jump(&r, j);
        for (int32_t a = 0; a < m->n_actor; a++)
            if (r.actor[a]) follow_actor(&r, a);
    }
    memory_free(r.jump);
    memory_free(r.actor);
    return status;
}

// ---- units --------------------------------------------------------------------------------------------------------

static void quantity_unit(Text *out, const Model *m, const ModelQuantity *q) {
    text_clear(out);
    if (q->is_probability) {
        text_append(out, "probability");
        return;
    }
    if (q->kind == QUANTITY_COUNT) {
        text_append(out, "times");
        return;
    }
    // a stock alone has its unit; what is made of several may have any
    const Program *p = q->x == PROGRAM_NONE ? NULL : &m->program[q->x];
    const Op *op = p && p->n_op == 1 ? &m->op[p->first] : NULL;
    if (op && op->code == OP_VARIABLE && op->a >= m->n_mode && op->a < m->n_mode + m->n_stock) {
        const char *unit = m->stock[op->a - m->n_mode].unit;
        if (unit) text_append(out, unit);
    }
    if (q->kind == QUANTITY_TOTAL && out->length) text_printf(out, " x %s", m->unit);
}

/// Registers of an expression that is looked at for its unit; longer ones have none.
#define REGISTERS_MOST 256

// the unit of a sum of quantities, each times numbers written out; false where it is none, or of different units
static bool side_unit(Text *out, bool *has_any, const Model *m, ProgramId side) {
    const Program *p = &m->program[side];
    bool is_number[REGISTERS_MOST] = {false};   // made of written numbers alone
    if (p->n_register > REGISTERS_MOST) return false;
    Text unit = {0};
    bool fine = true;
    for (const Op *op = &m->op[p->first]; op < &m->op[p->first + p->n_op] && fine; op++) {
        switch (op->code) {
            case OP_CONSTANT: is_number[op->to] = true; break;
            case OP_NEG: case OP_ABS: is_number[op->to] = is_number[op->a]; break;
            case OP_PARAM: break;
            case OP_ADD: case OP_SUB: case OP_MIN: case OP_MAX: is_number[op->to] = is_number[op->a] && is_number[op->b]; break;
            case OP_MUL:
                fine = is_number[op->a] || is_number[op->b];
                is_number[op->to] = is_number[op->a] && is_number[op->b];
                break;
            case OP_DIV:
                fine = is_number[op->b];
                is_number[op->to] = is_number[op->a] && is_number[op->b];
                break;
            case OP_QUANTITY:
                quantity_unit(&unit, m, &m->quantity[op->a]);
                if (!*has_any) text_append(out, text_view(&unit));
                else fine = strcmp(text_view(out), text_view(&unit)) == 0;
                *has_any = true;
                break;
            default: fine = false;
        }
    }
    text_free(&unit);
    return fine;
}

void ledger_assumed(Text *out, const Model *m, int32_t claim) {
    bool *rests = memory_zeroed((size_t)m->n_param + 1, sizeof *rests);
    if (!rests || ledger_params(m, claim, rests, NULL) != DUR_OK) out->failed = true;
    const char *between = "";
    for (int32_t p = 0; rests && p < m->n_param; p++) {
        if (!rests[p] || m->param[p].cite.source >= 0) continue;
        text_printf(out, "%s%s", between, m->param[p].name);
        between = ", ";
    }
    memory_free(rests);
}

void ledger_unit(Text *out, const Model *m, const ModelClaim *claim) {
    bool has_any = false;
    text_clear(out);
    if (!side_unit(out, &has_any, m, claim->left) || !side_unit(out, &has_any, m, claim->right)) text_clear(out);
}

LedgerTurn ledger_turn(const CheckClaim *f) {
    double least = f->gap.low > 0 ? f->gap.low : f->gap.high < 0 ? -f->gap.high : 0;
    return (LedgerTurn){.distance = fabs(f->gap.value), .least = isnan(f->gap.value) ? NAN : least};
}
