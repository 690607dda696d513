#include "game/part.h"

#include "base/memory.h"

#include <math.h>

static bool pays(const Model *m, int32_t jump, int32_t actor) {
    for (int32_t k = 0; k < m->jump[jump].n_lump; k++)
        if (m->jump[jump].lump[k].actor == actor) return m->jump[jump].kind != JUMP_DATED;
    return false;
}

int32_t parts_of(const Model *m, int32_t actor, Part *out) {
    int32_t n = 0;
    for (int32_t t = 0; t < m->n_term; t++)
        if (m->term[t].actor == actor) {
            if (out) out[n] = (Part){PART_TERM, actor, t, -1};
            n++;
        }
    for (int32_t j = 0; j < m->n_jump; j++)
        if (pays(m, j, actor)) {
            if (out) out[n] = (Part){PART_LUMP, actor, -1, j};
            n++;
        }
    if (m->choice == CHOICE_TASTE) {
        if (out) out[n] = (Part){PART_SHOCKS, actor, -1, -1};
        n++;
    }
    return n;
}

double part_lump(const Lattice *l, int32_t jump, int32_t actor, int32_t type, const int32_t *node) {
    const ModelJump *mj = &l->model->jump[jump];
    double sum = 0;
    for (int32_t k = 0; k < mj->n_lump; k++)
        if (mj->lump[k].actor == actor) sum += lattice_table_at(l, lattice_lump(l, jump, k, type), node);
    return sum;
}

void part_add_shocks(const Policy *p, int32_t actor, int32_t type, const LatticeBlock *view, double *row, double *room) {
    const Lattice *l = p->lattice;
    const Model *m = l->model;
    int64_t n = l->n_lane;
    if (m->choice != CHOICE_TASTE) return;
    double *wait = room, *entropy = room + n;
    for (int64_t i = 0; i < n; i++) { wait[i] = 1; entropy[i] = 0; }
    for (int32_t j = 0; j < m->n_jump; j++) {
        int64_t at = model_is_move_of(m, j, actor) ? policy_entry(p, j, type, view->first) : -1;
        for (int64_t i = 0; at >= 0 && i < n; i++) {
            double chance = p->probability[at + i];
            if (chance > 0) { wait[i] -= chance; entropy[i] -= chance * log(chance); }
        }
    }
    for (int64_t i = 0; i < n; i++) {
        if (wait[i] > 0) entropy[i] -= wait[i] * log(wait[i]);
        if (entropy[i] > 0)
            row[i] += lattice_row_at(l, &l->actor[actor].attends, view, i) * entropy[i] /
                      lattice_row_at(l, lattice_rule_precision(l, &p->rule, actor, type), view, i);
    }
}

static void add_row(const Lattice *l, const LatticeTable *t, const LatticeBlock *view, const double *factor, double *out) {
    const double *row = lattice_row(l, t, view);
    for (int64_t i = 0; i < l->n_lane; i++) out[i] += (factor ? factor[i] : 1.0) * row[t->inner ? i : 0];
}

// how often a jump happens in the lanes of a block: an own move by the type's own choice
static void rate_row(const Policy *p, int32_t jump, int32_t actor, int32_t type, const LatticeBlock *view, double *out) {
    const Lattice *l = p->lattice;
    const ModelJump *mj = &l->model->jump[jump];
    for (int64_t i = 0; i < l->n_lane; i++) out[i] = 0;
    if (mj->kind == JUMP_EVENT) add_row(l, &l->jump[jump].rate, view, NULL, out);
    if (mj->kind != JUMP_MOVE) return;
    int64_t at = p->where[jump * l->n_mode_state + view->first / l->n_stock_state];
    if (at < 0) return;
    at = mj->actor == actor ? policy_entry(p, jump, type, view->first) : at + view->first % l->n_stock_state;
    add_row(l, &l->actor[mj->actor].attends, view, p->probability + at, out);
}

DurStatus part_add_flow(const Policy *p, const Part *part, int32_t type, double *out) {
    const Lattice *l = p->lattice;
    const Model *m = l->model;
    double *room = memory_column(2 * l->n_lane);
    if (!room) return DUR_MEMORY;
    for (int64_t b = 0; b < l->n_block; b++) {
        LatticeBlock view;
        lattice_block(l, b, &view);
        double *to = out + view.first;
        if (part->kind == PART_TERM) add_row(l, lattice_term(l, part->term, type), &view, NULL, to);
        if (part->kind == PART_SHOCKS) part_add_shocks(p, part->actor, type, &view, to, room);
        if (part->kind != PART_LUMP) continue;
        rate_row(p, part->jump, part->actor, type, &view, room);
        for (int32_t k = 0; k < m->jump[part->jump].n_lump; k++)
            if (m->jump[part->jump].lump[k].actor == part->actor)
                add_row(l, lattice_lump(l, part->jump, k, type), &view, room, to);
    }
    memory_free(room);
    return DUR_OK;
}
