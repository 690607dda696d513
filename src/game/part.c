#include "game/part.h"

#include "base/memory.h"
#include "lattice/chain.h"

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

const LatticeTable *part_precision(const Policy *p, int32_t actor) {
    bool replaced = p->rule.actor == actor && p->rule.precision != PROGRAM_NONE;
    return replaced ? &p->rule.precision_table : &p->lattice->actor[actor].precision;
}

double part_lump(const Lattice *l, int32_t jump, int32_t actor, const int32_t *node) {
    const ModelJump *mj = &l->model->jump[jump];
    double sum = 0;
    for (int32_t k = 0; k < mj->n_lump; k++)
        if (mj->lump[k].actor == actor) sum += lattice_table_at(l, &l->jump[jump].lump[k], node);
    return sum;
}

static void add_row(const Lattice *l, const LatticeTable *t, const LatticeBlock *view, const double *factor, double *out) {
    const double *row = lattice_row(l, t, view);
    for (int64_t i = 0; i < l->n_lane; i++) out[view->first + i] += (factor ? factor[i] : 1.0) * row[t->inner ? i : 0];
}

// log-sum-exp = sum of P Q + H/mu (semantics, W_i): what the shocks add is the entropy of the choice over its precision
static void add_shocks(const Policy *p, int32_t actor, const LatticeBlock *view, double *out) {
    const Lattice *l = p->lattice;
    const Model *m = l->model;
    const LatticeTable *attends = &l->actor[actor].attends, *precision = part_precision(p, actor);
    const double *rate = lattice_row(l, attends, view), *mu = lattice_row(l, precision, view);
    for (int64_t i = 0; i < l->n_lane; i++) {
        double wait = 1, entropy = 0;
        for (int32_t j = 0; j < m->n_jump; j++) {
            if (m->jump[j].kind != JUMP_MOVE || m->jump[j].actor != actor) continue;
            double chance = policy_probability(p, j, view->first + i);
            if (!(chance > 0)) continue;
            wait -= chance;
            entropy -= chance * log(chance);
        }
        if (wait > 0) entropy -= wait * log(wait);
        if (entropy > 0) out[view->first + i] += rate[attends->inner ? i : 0] * entropy / mu[precision->inner ? i : 0];
    }
}

DurStatus part_add_flow(const Policy *p, const Part *part, double *out) {
    const Lattice *l = p->lattice;
    const Model *m = l->model;
    double *rate = NULL;
    if (part->kind == PART_LUMP) {
        rate = memory_column(l->n_state);
        DurStatus status = rate ? chain_jump_rate(p, part->jump, rate, NULL) : DUR_MEMORY;
        if (status != DUR_OK) { memory_free(rate); return status; }
    }
    for (int64_t b = 0; b < l->n_block; b++) {
        LatticeBlock view;
        lattice_block(l, b, &view);
        if (part->kind == PART_TERM) add_row(l, &l->term[part->term], &view, NULL, out);
        if (part->kind == PART_SHOCKS) add_shocks(p, part->actor, &view, out);
        if (part->kind != PART_LUMP) continue;
        for (int32_t k = 0; k < m->jump[part->jump].n_lump; k++)
            if (m->jump[part->jump].lump[k].actor == part->actor)
                add_row(l, &l->jump[part->jump].lump[k], &view, rate + view.first, out);
    }
    memory_free(rate);
    return DUR_OK;
}
