#include "game/transposed.h"

#include "base/compiler.h"
#include "base/memory.h"
#include "game/transposed_kernel.h"
#include "num/isa.h"

#include <math.h>
#include <string.h>

/// One stage in single precision ends when the residual is this much smaller, or by MARGIN smaller than it has to be in the end; then
/// it is taken anew in double.
#define REDUCE 1e-5
#define MARGIN 0.2
/// Up to so many states rounding is all that a solve may leave: it costs next to nothing.
#define STATES_SMALL 50000
/// Iterations of one stage, and stages, at most.
#define ITERATIONS_MOST 400
#define STAGES_MOST 40
/// Nodes of a stock from which on sweeps go there and back.
#define BACK_NODES 24

// Blocks of lanes are numbered anew, types and modes fastest: moves, which are most of the ways, then stay within reach of a cache.
static int64_t number_of(const Transposed *t, int64_t at) {
    int64_t n_state = t->n / t->n_type, type = at / n_state, state = at % n_state;
    int64_t mode = state / t->n_stock_state, stock = state % t->n_stock_state;
    return ((stock / t->n_lane * t->n_mode_state + mode) * t->n_type + type) * t->n_lane + stock % t->n_lane;
}

// ---- writing it out -----------------------------------------------------------------------------------------------

void transposed_free(Transposed *t) {
    memory_free(t->slope_single);
    memory_free(t->rate_single);
    memory_free(t->slope);
    memory_free(t->answer_from);
    memory_free(t->answer_row);
    memory_free(t->leave);
    memory_free(t->rate);
    memory_free(t->from);
    memory_free(t->row);
    *t = (Transposed){0};
}

double transposed_bytes(const Lattice *l, int32_t n_type, bool with_answers) {
    const Model *m = l->model;
    double n_way = 0, n_move = 0, n_actor = m->n_actor;
    for (int32_t k = 0; k < m->n_stock; k++) n_way += l->stock[k].moves ? 2 : 0;
    for (int32_t j = 0; j < m->n_jump; j++) {
        double corners = 0;
        for (int32_t b = 0; b < l->jump[j].n_branch; b++) {
            double here = 1;
            for (int32_t k = 0; k < l->jump[j].branch[b].n_shift; k++) here *= l->jump[j].branch[b].shift[k].has_split ? 2 : 1;
            corners += here;
        }
        if (m->jump[j].kind == JUMP_DATED) continue;
        if (m->jump[j].kind == JUMP_MOVE) {
            // a move is possible in a part of the states only
            int64_t open = 0;
            for (int64_t s = 0; s < l->n_mode_state; s++) open += policy_is_possible(l, j, s);
            corners *= (double)open / (double)l->n_mode_state * (model_is_signal(m, j) ? 2 : 1);
            n_move += corners;
        }
        n_way += corners;
    }
    // lists of ways out while they are turned round, and of ways in
    double bytes = (12 + 16) * n_way + 24;
    if (with_answers) bytes += (8 + 20 * n_actor) * (n_move + n_actor) + 8 * n_actor;
    return bytes * n_type * (double)l->n_state;
}

double transposed_solve_bytes(int64_t n, int32_t n_column) {
    // the solution in double, six columns of floats
    return (double)n * n_column * TRANSPOSED_WIDTH * (8 + 6 * 4);
}

/// States that are written out between two askings: some milliseconds.
#define ASK_STATES 4096

/// A list of ways out, from states in order, that grows.
typedef struct Ways {
    int64_t n, room;
    int64_t *first;                // [n_state + 1]
    int32_t *to;
    double  *rate;                 // [n x n_slope]
    int32_t n_slope;
} Ways;

static bool ways_room(Ways *w, int64_t more) {
    if (w->n + more <= w->room) return true;
    int64_t room = 2 * w->room > w->n + more ? 2 * w->room : w->n + more + 1024;
    int32_t *to = memory_resize(w->to, (size_t)room * sizeof *to);
    if (to) w->to = to;
    double *rate = memory_resize(w->rate, (size_t)(room * w->n_slope) * sizeof *rate);
    if (rate) w->rate = rate;
    if (!to || !rate) return false;
    w->room = room;
    return true;
}

static void ways_free(Ways *w) {
    memory_free(w->rate);
    memory_free(w->to);
    memory_free(w->first);
}

// the list turned round: what leads to each of n_row; in order of where it comes from
static DurStatus turn_round(const Ways *w, int64_t n_state, int64_t n_row, int64_t **row, int32_t **from, double **rate,
                            float **single, bool (*stopped)(void *), void *context) {
    *row = memory_zeroed((size_t)n_row + 2, sizeof **row);
    *from = memory_alloc((size_t)w->n * sizeof **from);
    *rate = memory_alloc((size_t)(w->n * w->n_slope) * sizeof **rate);
    *single = memory_alloc((size_t)(w->n * w->n_slope) * sizeof **single);
    if (!*row || !*from || !*rate || !*single) return DUR_MEMORY;
    // at[s + 1] counts up from the first of s, and stands at the first of s + 1 when all are placed
    int64_t *at = *row;
    for (int64_t k = 0; k < w->n; k++) at[w->to[k] + 2]++;
    for (int64_t s = 0; s + 2 <= n_row + 1; s++) at[s + 2] += at[s + 1];
    for (int64_t s = 0; s < n_state; s++) {
        if (s % ASK_STATES == 0 && stopped(context)) return DUR_INTERRUPTED;
        for (int64_t k = w->first[s]; k < w->first[s + 1]; k++) {
            int64_t to = at[w->to[k] + 1]++;
            (*from)[to] = (int32_t)s;
            for (int32_t i = 0; i < w->n_slope; i++) {
                double x = w->rate[k * w->n_slope + i];
                (*rate)[to * w->n_slope + i] = x;
                (*single)[to * w->n_slope + i] = (float)x;
            }
        }
    }
    return DUR_OK;
}

/// What is at hand while ways out of states are listed.
typedef struct Lister {
    const Policy *policy;
    const Transposed *t;
    int32_t actor, n_type;
    const double *answer;
    int64_t *target;               // [LATTICE_CORNERS_MAX]
    double  *weight;
    double  *aside;                // [n_actor x n_actor] of one state
    Ways ways, answers;
    double  *leave;
} Lister;

static bool add_way(Lister *a, int64_t from, int64_t to, double rate) {
    if (!(rate > 0) || to == from) return true;
    if (!ways_room(&a->ways, 1)) return false;
    a->ways.to[a->ways.n] = (int32_t)number_of(a->t, to);
    a->ways.rate[a->ways.n++] = rate;
    a->leave[number_of(a->t, from)] += rate;
    return true;
}

// what stocks and beliefs do by themselves
static bool list_drift(Lister *a, int64_t first, int64_t state, const int32_t *node) {
    const Lattice *l = a->policy->lattice;
    const Model *m = l->model;
    bool good = true;
    for (int32_t k = 0; k < m->n_stock; k++) {
        const LatticeStock *s = &l->stock[k];
        int64_t stride = l->stride[m->n_mode + k];
        if (!s->moves) continue;
        good &= add_way(a, first + state, first + state + stride, lattice_table_at(l, &s->up, node));
        good &= add_way(a, first + state, first + state - stride, lattice_table_at(l, &s->down, node));
    }
    for (int32_t i = 0; i < m->n_private; i++) {
        const ModelPrivate *mp = &m->private[i];
        double drift[MODEL_TYPES_MAX], rate[MODEL_TYPES_MAX * MODEL_TYPES_MAX];
        int32_t to[MODEL_TYPES_MAX * MODEL_TYPES_MAX], here = node[mp->variable];
        for (int32_t t = 1; t < mp->n_type; t++)
            drift[t - 1] = a->policy->drift[(mp->variable - m->n_mode - m->n_stock + t - 1) * l->n_state + state];
        int32_t n = lattice_drift_belief(&l->private[i], here, drift, to, rate, NULL);
        for (int32_t k = 0; k < n; k++)
            good &= add_way(a, first + state, first + state + (to[k] - here) * l->stride[mp->variable], rate[k]);
    }
    return good;
}

// what an answer sends to where the move leads; what it takes from here is put together for all moves of an actor in `aside`
static bool list_answers(Lister *a, int32_t jump, int64_t state, int32_t n_target, double *aside) {
    const Policy *p = a->policy;
    int32_t n_actor = p->lattice->model->n_actor, mover = p->lattice->model->jump[jump].actor;
    int64_t at = policy_entry(p, jump, 0, state);
    if (at < 0) return true;
    if (!ways_room(&a->answers, n_target)) return false;
    bool any = false;
    for (int32_t i = 0; i < n_actor; i++) {
        double slope = a->answer[i * p->n_entry + at];
        aside[mover * n_actor + i] -= slope;
        any |= slope != 0;
    }
    for (int32_t k = 0; any && k < n_target; k++) {
        int64_t w = a->answers.n++;
        a->answers.to[w] = (int32_t)(number_of(a->t, a->target[k]) * n_actor + mover);
        for (int32_t i = 0; i < n_actor; i++)
            a->answers.rate[w * n_actor + i] = a->weight[k] * a->answer[i * p->n_entry + at];
    }
    return true;
}

static bool list_aside(Lister *a, int64_t state, const double *aside) {
    int32_t n_actor = a->policy->lattice->model->n_actor;
    if (!ways_room(&a->answers, n_actor)) return false;
    for (int32_t mover = 0; mover < n_actor; mover++) {
        bool any = false;
        for (int32_t i = 0; i < n_actor; i++) any |= aside[mover * n_actor + i] != 0;
        if (!any) continue;
        int64_t w = a->answers.n++;
        a->answers.to[w] = (int32_t)(number_of(a->t, state) * n_actor + mover);
        for (int32_t i = 0; i < n_actor; i++) a->answers.rate[w * n_actor + i] = aside[mover * n_actor + i];
    }
    return true;
}

static bool list_jumps(Lister *a, int32_t type, int64_t first, int64_t state, const int32_t *node) {
    const Policy *p = a->policy;
    const Lattice *l = p->lattice;
    const Model *m = l->model;
    bool good = true;
    if (a->answer) memset(a->aside, 0, (size_t)(m->n_actor * m->n_actor) * sizeof *a->aside);
    for (int32_t j = 0; j < m->n_jump && good; j++) {
        const ModelJump *mj = &m->jump[j];
        double rate = 0;
        if (mj->kind == JUMP_EVENT) rate = lattice_table_at(l, &l->jump[j].rate, node);
        if (mj->kind == JUMP_MOVE) {
            int64_t at = mj->actor == a->actor ? policy_entry(p, j, type, state) : -1;
            double chance = mj->actor == a->actor ? (at < 0 ? 0.0 : p->probability[at]) : policy_probability(p, j, state);
            if (chance > 0) rate = chance * lattice_table_at(l, &l->actor[mj->actor].attends, node);
        }
        if (!(rate > 0)) continue;
        int32_t n = policy_targets(p, j, node, a->target, a->weight);
        for (int32_t k = 0; k < n; k++) good &= add_way(a, first + state, first + a->target[k], rate * a->weight[k]);
        if (a->answer && mj->kind == JUMP_MOVE) good &= list_answers(a, j, state, n, a->aside);
    }
    return a->answer ? good && list_aside(a, state, a->aside) : good;
}

static bool list_becomes(Lister *a, int32_t type, int64_t state, const int32_t *node) {
    const Lattice *l = a->policy->lattice;
    int32_t p = a->n_type > 1 ? l->model->actor[a->actor].private : -1;
    bool good = true;
    for (int32_t k = 0; p >= 0 && k < l->model->private[p].n_becomes; k++) {
        int32_t to = l->model->private[p].becomes[k].type;
        if (to != type)
            good &= add_way(a, type * l->n_state + state, to * l->n_state + state,
                            lattice_table_at(l, &l->private[p].becomes[k], node));
    }
    return good;
}

DurStatus transposed_make(Transposed *out, const Policy *p, int32_t actor, const double *answer, bool (*stopped)(void *context),
                          void *context) {
    const Lattice *l = p->lattice;
    const Model *m = l->model;
    Lister a = {.policy = p, .actor = actor, .n_type = actor < 0 ? 1 : model_types(m, actor), .answer = answer,
                .ways.n_slope = 1, .answers.n_slope = m->n_actor};
    *out = (Transposed){.n = a.n_type * l->n_state, .n_column = answer ? m->n_actor : 1, .n_type = a.n_type,
                        .n_mode_state = l->n_mode_state, .n_stock_state = l->n_stock_state, .n_lane = l->n_lane};
    for (int32_t k = 0; k < m->n_stock; k++) out->goes_back |= l->stock[k].moves && l->n_node[m->n_mode + k] >= BACK_NODES;
    a.t = out;
    if (out->n * out->n_column >= INT32_MAX) return DUR_LIMIT;
    DurStatus status = DUR_MEMORY;
    a.target = memory_alloc(LATTICE_CORNERS_MAX * sizeof *a.target);
    a.weight = memory_alloc(LATTICE_CORNERS_MAX * sizeof *a.weight);
    a.ways.first = memory_alloc(((size_t)out->n + 1) * sizeof *a.ways.first);
    a.answers.first = memory_alloc(((size_t)out->n + 1) * sizeof *a.answers.first);
    a.aside = memory_column(m->n_actor * m->n_actor);
    a.leave = out->leave = memory_column(out->n);
    if (!a.target || !a.weight || !a.ways.first || !a.answers.first || !a.aside || !a.leave) goto done;
    // in the order of their new numbers
    for (int64_t number = 0; number < out->n; number++) {
        if (number % ASK_STATES == 0 && stopped(context)) { status = DUR_INTERRUPTED; goto done; }
        int32_t node[MODEL_VARIABLES_MAX];
        int64_t lane = number % l->n_lane, rest = number / l->n_lane;
        int32_t type = (int32_t)(rest % a.n_type);
        int64_t mode = rest / a.n_type % l->n_mode_state, outer = rest / a.n_type / l->n_mode_state;
        int64_t state = mode * l->n_stock_state + outer * l->n_lane + lane, first = type * l->n_state;
        lattice_nodes(l, state, node);
        a.ways.first[number] = a.ways.n;
        a.answers.first[number] = a.answers.n;
        if (!list_drift(&a, first, state, node) || !list_jumps(&a, type, first, state, node) ||
            !list_becomes(&a, type, state, node)) goto done;
    }
    a.ways.first[out->n] = a.ways.n;
    a.answers.first[out->n] = a.answers.n;
    status = turn_round(&a.ways, out->n, out->n, &out->row, &out->from, &out->rate, &out->rate_single, stopped, context);
    if (status == DUR_OK && answer)
        status = turn_round(&a.answers, out->n, out->n * m->n_actor, &out->answer_row, &out->answer_from, &out->slope,
                            &out->slope_single, stopped, context);

done:
    ways_free(&a.answers);
    ways_free(&a.ways);
    memory_free(a.aside);
    memory_free(a.weight);
    memory_free(a.target);
    if (status != DUR_OK) transposed_free(out);
    return status;
}

// ---- solving ------------------------------------------------------------------------------------------------------

typedef struct Atom { int64_t state; int32_t column, lane; double weight; } Atom;

typedef struct Batch {
    const TransposedKernel *kernel;
    TransposedWork w;
    double *rho;                   // [n_column x TRANSPOSED_WIDTH]
    double *sum;                   // scratch of the same size
    int32_t n_side;
    int64_t n_atom;
    Atom   *atom;                  // entries of all right sides, by state
    double *x;                     // [n x TRANSPOSED_WIDTH]
} Batch;

// r = b - A x in double, times `scale`, in single precision; and the largest of it, not scaled, for each right side
static void residual(const Batch *b, const double *scale, double *most) {
    const Transposed *t = b->w.t;
    int32_t n_column = t->n_column;
    double *restrict acc = b->sum;
    int64_t atom = 0;
    for (int32_t k = 0; k < TRANSPOSED_WIDTH; k++) most[k] = 0;
    for (int64_t s = 0; s < t->n; s++) {
        const double *restrict here = b->x + s * n_column * TRANSPOSED_WIDTH;
        for (int32_t c = 0; c < n_column; c++)
            for (int32_t k = 0; k < TRANSPOSED_WIDTH; k++)
                acc[c * TRANSPOSED_WIDTH + k] = -(b->rho[c * TRANSPOSED_WIDTH + k] + t->leave[s]) * here[c * TRANSPOSED_WIDTH + k];
        for (int64_t e = t->row[s]; e < t->row[s + 1]; e++) {
            const double *restrict from = b->x + (int64_t)t->from[e] * n_column * TRANSPOSED_WIDTH;
            for (int32_t k = 0; k < n_column * TRANSPOSED_WIDTH; k++) acc[k] += t->rate[e] * from[k];
        }
        for (int32_t c = 0; c < n_column && t->slope; c++) {
            double *restrict to = acc + c * TRANSPOSED_WIDTH;
            for (int64_t e = t->answer_row[s * n_column + c]; e < t->answer_row[s * n_column + c + 1]; e++) {
                const double *restrict from = b->x + (int64_t)t->answer_from[e] * n_column * TRANSPOSED_WIDTH;
                for (int32_t i = 0; i < n_column; i++)
                    for (int32_t k = 0; k < TRANSPOSED_WIDTH; k++)
                        to[k] += t->slope[e * n_column + i] * from[i * TRANSPOSED_WIDTH + k];
            }
        }
        for (; atom < b->n_atom && b->atom[atom].state == s; atom++)
            acc[b->atom[atom].column * TRANSPOSED_WIDTH + b->atom[atom].lane] += b->atom[atom].weight;
        for (int32_t c = 0; c < n_column; c++)
            for (int32_t k = 0; k < TRANSPOSED_WIDTH; k++) {
                double size = fabs(acc[c * TRANSPOSED_WIDTH + k]);
                most[k] = size > most[k] || size != size ? size : most[k];
                b->w.r[(s * n_column + c) * TRANSPOSED_WIDTH + k] = (float)(acc[c * TRANSPOSED_WIDTH + k] * scale[k]);
            }
    }
}

// x += what BiCGStab on M^-1 A makes of the residual in b->w.r, which is `scale` times what it stands for; lanes that are not `open`
// are left alone
static DurStatus stage(Batch *b, const bool *open, const double *scale, const double *reduce, bool (*stopped)(void *), void *context) {
    TransposedWork *w = &b->w;
    double rho[TRANSPOSED_WIDTH], begun[TRANSPOSED_WIDTH], one[TRANSPOSED_WIDTH], two[TRANSPOSED_WIDTH];
    bool busy[TRANSPOSED_WIDTH];
    int32_t n_busy = 0;
    if (stopped(context)) return DUR_INTERRUPTED;
    b->kernel->begin(w, rho);
    for (int32_t k = 0; k < TRANSPOSED_WIDTH; k++) {
        begun[k] = rho[k];
        busy[k] = open[k] && rho[k] > 0 && isfinite(rho[k]);
        n_busy += busy[k];
    }
    for (int32_t turn = 0; turn < ITERATIONS_MOST && n_busy > 0; turn++) {
        if (stopped(context)) return DUR_INTERRUPTED;
        double alpha[TRANSPOSED_WIDTH], omega[TRANSPOSED_WIDTH], beta[TRANSPOSED_WIDTH];
        // M^-1 A p = p - v
        b->kernel->first(w, one);
        for (int32_t k = 0; k < TRANSPOSED_WIDTH; k++) {
            alpha[k] = busy[k] ? rho[k] / one[k] : 0;
            if (isfinite(alpha[k])) continue;
            busy[k] = false;
            n_busy--;
            alpha[k] = 0;
        }
        b->kernel->half(w, alpha, one, two);
        for (int32_t k = 0; k < TRANSPOSED_WIDTH; k++) omega[k] = busy[k] && two[k] > 0 ? one[k] / two[k] : 0;
        b->kernel->whole(w, omega, one, two);
        for (int32_t k = 0; k < TRANSPOSED_WIDTH; k++) {
            beta[k] = 0;
            if (!busy[k]) continue;
            double by = one[k] / rho[k] * (alpha[k] / omega[k]);
            rho[k] = one[k];
            bool is_done = two[k] <= reduce[k] * reduce[k] * begun[k] || !isfinite(by) || omega[k] == 0;
            if (is_done) { busy[k] = false; n_busy--; }
            else beta[k] = by;
        }
        b->kernel->next(w, busy, beta, omega);
    }
    for (int64_t i = 0; i < w->n; i++)
        for (int32_t k = 0; k < TRANSPOSED_WIDTH; k++) {
            double step = (double)w->step[i * TRANSPOSED_WIDTH + k];
            if (open[k] && isfinite(step)) b->x[i * TRANSPOSED_WIDTH + k] += step / scale[k];
        }
    return DUR_OK;
}

// entries of all right sides, put together by state (few; in order of sides where a state has several)
static DurStatus gather(Batch *b, const TransposedSide *side, double *size) {
    for (int32_t k = 0; k < b->n_side; k++) b->n_atom += side[k].right.n;
    b->atom = memory_alloc((size_t)b->n_atom * sizeof *b->atom);
    if (!b->atom) return DUR_MEMORY;
    int64_t n = 0;
    for (int32_t k = 0; k < b->n_side; k++)
        for (int32_t i = 0; i < side[k].right.n; i++) {
            Atom atom = {number_of(b->w.t, side[k].right.state[i]), side[k].column, k, side[k].right.weight[i]};
            int64_t at = n;
            for (; at > 0 && b->atom[at - 1].state > atom.state; at--) b->atom[at] = b->atom[at - 1];
            // atoms of one place are one entry
            int64_t same = at;
            while (same > 0 && b->atom[same - 1].state == atom.state &&
                   (b->atom[same - 1].lane != k || b->atom[same - 1].column != atom.column)) same--;
            if (same > 0 && b->atom[same - 1].state == atom.state) {
                b->atom[same - 1].weight += atom.weight;
                for (; at < n; at++) b->atom[at] = b->atom[at + 1];
                continue;
            }
            b->atom[at] = atom;
            n++;
        }
    b->n_atom = n;
    for (int64_t i = 0; i < n; i++) size[b->atom[i].lane] = fmax(size[b->atom[i].lane], fabs(b->atom[i].weight));
    return DUR_OK;
}

DurStatus transposed_solve(const Transposed *t, const double *rho, double tolerance, int32_t n_side, TransposedSide *side,
                           bool (*stopped)(void *), void *context) {
    int64_t n = t->n * t->n_column;
    Batch b = {.kernel = ISA_KERNEL(transposed_kernel), .w = {.t = t, .n = n}, .n_side = n_side};
    double size[TRANSPOSED_WIDTH] = {0}, most[TRANSPOSED_WIDTH], last[TRANSPOSED_WIDTH], scale[TRANSPOSED_WIDTH];
    double reduce[TRANSPOSED_WIDTH];
    bool open[TRANSPOSED_WIDTH] = {0};
    float **column[] = {&b.w.step, &b.w.r, &b.w.shadow, &b.w.p, &b.w.swept, &b.w.v};
    DurStatus status = DUR_MEMORY;
    if (n <= STATES_SMALL) tolerance = 0;
    b.x = memory_column(n * TRANSPOSED_WIDTH);
    b.rho = memory_column(t->n_column * TRANSPOSED_WIDTH);
    b.sum = memory_column(t->n_column * TRANSPOSED_WIDTH);
    b.w.rho = memory_alloc((size_t)t->n_column * TRANSPOSED_WIDTH * sizeof *b.w.rho);
    b.w.next = memory_alloc((size_t)(t->n_lane * t->n_column) * TRANSPOSED_WIDTH * sizeof *b.w.next);
    bool made = b.x && b.rho && b.sum && b.w.rho && b.w.next;
    for (size_t i = 0; i < DUR_COUNT(column); i++) {
        *column[i] = made ? memory_alloc((size_t)n * TRANSPOSED_WIDTH * sizeof **column[i]) : NULL;
        made = made && *column[i];
    }
    if (!made) goto done;
    status = gather(&b, side, size);
    if (status != DUR_OK) goto done;
    for (int32_t c = 0; c < t->n_column; c++)
        for (int32_t k = 0; k < TRANSPOSED_WIDTH; k++) {
            double here = rho ? rho[c] : k < n_side ? side[k].rho : 1;
            b.rho[c * TRANSPOSED_WIDTH + k] = here;
            b.w.rho[c * TRANSPOSED_WIDTH + k] = (float)here;
        }
    for (int32_t k = 0; k < TRANSPOSED_WIDTH; k++) {
        open[k] = k < n_side && size[k] > 0;
        last[k] = INFINITY;
        scale[k] = open[k] ? 1 / size[k] : 0;
        reduce[k] = 1;
    }
    // BiCGStab projects on the residual that it starts from: from an x that is nowhere 0 that is nowhere 0 either
    for (int64_t i = 0; i < n; i++)
        for (int32_t k = 0; k < TRANSPOSED_WIDTH; k++) b.x[i * TRANSPOSED_WIDTH + k] = open[k] ? 0.01 * size[k] : 0.0;
    for (int32_t turn = 0, n_open = 1; n_open > 0; turn++) {
        if (stopped(context)) { status = DUR_INTERRUPTED; goto done; }
        residual(&b, scale, most);
        n_open = 0;
        for (int32_t k = 0; k < n_side; k++) {
            side[k].residual = most[k];
            // rounding ends it: a stage that does not halve what is left was the last
            if (!(most[k] > tolerance * size[k]) || !(most[k] < 0.5 * last[k]) || turn == STAGES_MOST) open[k] = false;
            last[k] = most[k];
            reduce[k] = fmax(REDUCE, MARGIN * tolerance * size[k] / most[k]);
            n_open += open[k];
        }
        if (n_open > 0) status = stage(&b, open, scale, reduce, stopped, context);
        if (status != DUR_OK) goto done;
        // the next residual is about as much smaller, and is kept as a number of about 1
        for (int32_t k = 0; k < n_side; k++) scale[k] = open[k] ? 1 / (reduce[k] * most[k]) : 0;
    }
    for (int32_t k = 0; k < n_side; k++)
        for (int32_t c = 0; c < t->n_column; c++)
            for (int64_t s = 0; s < t->n; s++) side[k].x[c * t->n + s] = b.x[(number_of(t, s) * t->n_column + c) * TRANSPOSED_WIDTH + k];

done:
    memory_free(b.atom);
    for (size_t i = 0; i < DUR_COUNT(column); i++) memory_free(*column[i]);
    memory_free(b.w.next);
    memory_free(b.w.rho);
    memory_free(b.sum);
    memory_free(b.rho);
    memory_free(b.x);
    return status;
}
