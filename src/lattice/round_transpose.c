/// A round turned round: what flows into a state at its end, in place of what flows out of it. Probabilities are taken where
/// they are in round.h; the products are scattered to the targets, in order of states, by one thread.
#include "base/compiler.h"
#include "base/memory.h"
#include "lattice/internal.h"
#include "lattice/kernel_body.h"
#include "lattice/round.h"

#include <string.h>

void round_turn_free(RoundTurn *t) {
    for (int32_t k = 0; t->joint && k < t->n_stage; k++) round_joint_free(&t->joint[k]);
    memory_free(t->joint);
    memory_free(t->none);
    memory_free(t->room);
    *t = (RoundTurn){0};
}

DurStatus round_turn_make(RoundTurn *t, const Policy *p) {
    const Model *m = p->lattice->model;
    *t = (RoundTurn){.policy = p, .n_stage = round_stages(m)};
    // a row for each option of each actor, and two more
    t->room = memory_column((int64_t)(m->n_jump + ROUND_ACTORS_MAX + 2) * p->lattice->n_lane);
    t->none = memory_zeroed((size_t)m->n_jump + ROUND_ACTORS_MAX, sizeof *t->none);
    t->joint = memory_zeroed((size_t)t->n_stage, sizeof *t->joint);
    DurStatus status = t->room && t->none && t->joint ? DUR_OK : DUR_MEMORY;
    for (int32_t k = 0; k < t->n_stage && status == DUR_OK; k++)
        status = round_joint_make(&t->joint[k], p->lattice, k, &p->rule);
    if (status != DUR_OK) round_turn_free(t);
    return status;
}

/// The options of a stage in one block: a factor in every lane for each option of each actor.
typedef struct Options {
    RoundJoint *joint;
    LatticeBlock view;
    double *row[ROUND_ACTORS_MAX];               // [n_option] rows by actor of the stage
    bool   *none;                                // by actor and option: 0 in every lane
    int32_t first[ROUND_ACTORS_MAX];             // of each actor in `none`
    double *product, *spare;                     // rows
} Options;

static double *row_at(const Options *o, int32_t k, int32_t option) { return o->row[k] + option * o->joint->lattice->n_lane; }

static bool row_is_empty(const double *x, int64_t n) {
    for (int64_t i = 0; i < n; i++)
        if (x[i] != 0.0) return false;
    return true;
}

// the block's joint choices, every option at the probability that it has
static bool options_at(const RoundTurn *t, int32_t stage, int64_t block, int32_t all_of, Options *o) {
    const Policy *p = t->policy;
    const Lattice *l = p->lattice;
    int64_t n = l->n_lane;
    RoundJoint *j = o->joint = &t->joint[stage];
    j->all_of = all_of;
    lattice_block(l, block, &o->view);
    if (!round_joint_at(j, &o->view)) return false;
    double *next = t->room;
    int32_t first = 0;
    for (int32_t k = 0; k < j->n_actor; k++) {
        o->row[k] = next;
        o->first[k] = first;
        next += j->n_option[k] * n;
        first += j->n_option[k];
        double *DUR_RESTRICT wait = o->row[k];
        Row attends = row_of(l, &l->actor[j->actor[k]].attends, &o->view);
        for (int64_t i = 0; i < n; i++) wait[i] = 1.0;
        for (int32_t a = 1; a < j->n_option[k]; a++) {
            int64_t at = p->where[j->move[j->first[k] + a - 1] * l->n_mode_state + o->view.first / l->n_stock_state];
            const double *DUR_RESTRICT from = p->probability + at + o->view.first % l->n_stock_state;
            double *DUR_RESTRICT to = row_at(o, k, a);
            for (int64_t i = 0; i < n; i++) to[i] = (attends.lane ? attends.lane[i] : attends.one) * from[i];
            for (int64_t i = 0; i < n; i++) wait[i] -= to[i];
        }
        for (int64_t i = 0; i < n; i++) wait[i] = wait[i] > 0 ? wait[i] : 0.0;
    }
    o->none = t->none;
    memset(o->none, 0, (size_t)first * sizeof *o->none);
    o->product = next;
    o->spare = next + n;
    return true;
}

// y += start times the factors of every joint choice, at the states that it leads to; start NULL: 1
static void scatter(const Options *o, const double *start, double *y) {
    const RoundJoint *j = o->joint;
    int64_t n = j->lattice->n_lane;
    double *DUR_RESTRICT product = o->product;
    for (int64_t c = 0; c < j->n_joint; c++) {
        int64_t rest = c;
        bool is_none = false;
        for (int64_t i = 0; i < n; i++) product[i] = start ? start[i] : 1.0;
        for (int32_t k = j->n_actor - 1; k >= 0; k--) {
            int32_t a = (int32_t)(rest % j->n_option[k]);
            rest /= j->n_option[k];
            if (o->none[o->first[k] + a]) { is_none = true; break; }
            const double *DUR_RESTRICT factor = row_at(o, k, a);
            for (int64_t i = 0; i < n; i++) product[i] *= factor[i];
        }
        for (int64_t q = j->corner[c]; !is_none && q < j->corner[c + 1]; q++) {
            double *DUR_RESTRICT to = y + o->view.first + j->shift[q], weight = j->weight[q];
            for (int64_t i = 0; i < n; i++) to[i] += weight * product[i];
        }
    }
}

DurStatus round_turn_choices(RoundTurn *t, int32_t stage, int32_t actor, const double *entry, const double *x, double *y) {
    const Policy *p = t->policy;
    const Lattice *l = p->lattice;
    int64_t n = l->n_lane;
    memset(y, 0, (size_t)l->n_state * sizeof *y);
    for (int64_t b = 0; b < l->n_block; b++) {
        Options o;
        if (!entry && row_is_empty(x + b * n, n)) continue;
        if (!options_at(t, stage, b, -1, &o)) return DUR_MEMORY;
        const RoundJoint *j = o.joint;
        const double *at = x + o.view.first, *start = at;
        for (int32_t k = 0; k < j->n_actor && entry; k++) {
            if (j->actor[k] != actor) continue;
            // x and what is put in at each move are in the factors of this actor's options
            double *DUR_RESTRICT wait = row_at(&o, k, 0);
            for (int64_t i = 0; i < n; i++) wait[i] *= at[i];
            for (int32_t a = 1; a < j->n_option[k]; a++) {
                int64_t e = p->where[j->move[j->first[k] + a - 1] * l->n_mode_state + o.view.first / l->n_stock_state];
                const double *DUR_RESTRICT put = entry + e + o.view.first % l->n_stock_state;
                double *DUR_RESTRICT to = row_at(&o, k, a);
                for (int64_t i = 0; i < n; i++) to[i] = to[i] * at[i] + put[i];
                for (int64_t i = 0; i < n; i++) wait[i] -= put[i];
            }
            start = NULL;
        }
        scatter(&o, start, y);
    }
    return DUR_OK;
}

DurStatus round_turn_move(RoundTurn *t, int32_t stage, int32_t jump, int32_t hold_actor, int32_t hold_jump, const double *x,
                          double *y) {
    const Lattice *l = t->policy->lattice;
    int64_t n = l->n_lane;
    int32_t mover = l->model->jump[jump].actor;
    for (int64_t b = 0; b < l->n_block; b++) {
        Options o;
        if (row_is_empty(x + b * n, n)) continue;
        if (!options_at(t, stage, b, hold_actor, &o)) return DUR_MEMORY;
        const RoundJoint *j = o.joint;
        bool is_after = false, is_made = false;
        for (int32_t k = 0; k < j->n_actor; k++) {
            bool is_held = j->actor[k] == hold_actor, is_mover = j->actor[k] == mover;
            is_after |= is_mover;
            for (int32_t a = 0; a < j->n_option[k] && (is_held || is_after); a++) {
                int32_t move = a == 0 ? -1 : j->move[j->first[k] + a - 1];
                double *DUR_RESTRICT row = row_at(&o, k, a);
                // waiting comes first, and the chance of the move with its sign changed is put there when it is met
                bool is_kept = is_mover && !is_held ? move == jump || a == 0 : move == (is_held ? hold_jump : -1);
                o.none[o.first[k] + a] = !is_kept;
                if (is_mover && !is_held && move == jump) {
                    double *DUR_RESTRICT wait = row_at(&o, k, 0);
                    for (int64_t i = 0; i < n; i++) wait[i] = -row[i];
                    is_made = true;
                } else {
                    for (int64_t i = 0; i < n; i++) row[i] = is_kept;
                }
            }
        }
        if (is_made) scatter(&o, x + o.view.first, y);
    }
    return DUR_OK;
}

void round_turn_event(RoundTurn *t, int32_t jump, const double *x, double *y) {
    const Lattice *l = t->policy->lattice;
    int64_t n = l->n_lane;
    double *DUR_RESTRICT flow = t->room;
    for (int64_t b = 0; b < l->n_block; b++) {
        LatticeBlock view;
        lattice_block(l, b, &view);
        Row chance = row_of(l, &l->jump[jump].rate, &view);
        const double *DUR_RESTRICT at = x + view.first;
        if (row_is_zero(chance) || row_is_empty(at, n)) continue;
        for (int64_t i = 0; i < n; i++) flow[i] = (chance.lane ? chance.lane[i] : chance.one) * at[i];
        lattice_scatter(l, &l->jump[jump], INT32_MAX, &view, flow, y);
        for (int64_t i = 0; i < n; i++) y[view.first + i] -= flow[i];
    }
}

void round_turn_change(RoundTurn *t, int32_t stock, const double *x, double *y) {
    const Lattice *l = t->policy->lattice;
    const LatticeJump *change = &l->change;
    int32_t v = l->model->n_mode + stock, k = 0;
    if (change->n_branch == 0) return;
    while (k < change->branch->n_shift && change->branch->shift[k].variable != v) k++;
    if (k == change->branch->n_shift) return;
    double *DUR_RESTRICT back = t->room;
    for (int64_t b = 0; b < l->n_block; b++) {
        LatticeBlock view;
        lattice_block(l, b, &view);
        const double *at = x + view.first;
        if (row_is_empty(at, l->n_lane)) continue;
        for (int64_t i = 0; i < l->n_lane; i++) back[i] = -at[i];
        lattice_scatter(l, change, k + 1, &view, at, y);
        lattice_scatter(l, change, k, &view, back, y);
    }
}

void round_turn_after(RoundTurn *t, const double *x, double *y, double *room) {
    const Lattice *l = t->policy->lattice;
    const Model *m = l->model;
    size_t n_byte = (size_t)l->n_state * sizeof *y;
    memcpy(room, x, n_byte);
    for (int32_t j = 0; j < m->n_jump; j++) {
        if (m->jump[j].kind != JUMP_EVENT) continue;
        memcpy(y, room, n_byte);
        round_turn_event(t, j, room, y);
        memcpy(room, y, n_byte);
    }
    if (l->change.n_branch == 0) {
        memcpy(y, room, n_byte);
        return;
    }
    memset(y, 0, n_byte);
    for (int64_t b = 0; b < l->n_block; b++) {
        LatticeBlock view;
        lattice_block(l, b, &view);
        lattice_scatter(l, &l->change, INT32_MAX, &view, room + view.first, y);
    }
}
