#include "game/rounds_system.h"

#include "base/memory.h"
#include "lattice/kernel_body.h"
#include "num/elementary.h"

#include <math.h>
#include <stdatomic.h>
#include <string.h>

/// Blocks of one task hold about this many states.
#define TASK_STATES 1024

// ---- one stage in one block ---------------------------------------------------------------------------------------

/// Rows are n_lane doubles. Option 0 of an actor is waiting.
typedef struct Block {
    RoundsSystem *system;
    const Lattice *l;
    RoundJoint *j;
    LatticeBlock view;
    int64_t  n;                            // lanes
    int64_t  mode_state, stock_state;
    int32_t  n_actor, n_entry;             // all actors; moves of the stage here
    int32_t  place[MODEL_VARIABLES_MAX];   // [n_actor] where in the stage an actor stands; -1: it does not choose in it
    double  *chance[ROUND_ACTORS_MAX];     // [n_option] rows: probability of each option, opportunities counted
    double  *q[MODEL_VARIABLES_MAX];       // [n_option or 1] rows by actor: what each option is worth to it
    double  *product, *mean;               // rows
    double  *next;                         // room behind
    int32_t  stage;
} Block;

static double *rows(Block *b, int64_t n) {
    double *r = b->next;
    b->next += n * b->n;
    return r;
}

static bool block_at(Block *b, RoundsSystem *s, int32_t stage, int64_t block, int worker) {
    const Lattice *l = s->lattice;
    *b = (Block){.system = s, .l = l, .j = &s->joint[stage * s->n_worker + worker], .n = l->n_lane, .stage = stage,
                 .n_actor = l->model->n_actor, .next = s->room + worker * s->room_stride};
    lattice_block(l, block, &b->view);
    b->mode_state = b->view.first / l->n_stock_state;
    b->stock_state = b->view.first % l->n_stock_state;
    if (!round_joint_at(b->j, &b->view)) return false;
    for (int32_t i = 0; i < b->n_actor; i++) b->place[i] = -1;
    for (int32_t k = 0; k < b->j->n_actor; k++) b->place[b->j->actor[k]] = k;
    b->n_entry = b->j->n_move;
    return true;
}

static int64_t entry_of(const Block *b, int32_t jump) {
    return b->system->policy->where[jump * b->l->n_mode_state + b->mode_state] + b->stock_state;
}
static int32_t options_of(const Block *b, int32_t actor) { return b->place[actor] < 0 ? 1 : b->j->n_option[b->place[actor]]; }
static int32_t move_of(const Block *b, int32_t k, int32_t option) { return b->j->move[b->j->first[k] + option - 1]; }

static Row precision_of(const Block *b, int32_t actor) {
    const LatticeRule *r = b->system->rule;
    bool replaced = r && r->actor == actor && r->precision != PROGRAM_NONE;
    return row_of(b->l, replaced ? &r->precision_table : &b->l->actor[actor].precision, &b->view);
}
static double at(Row r, int64_t i) { return r.lane ? r.lane[i] : r.one; }

// the move that a rule makes certain in a lane: its option, or 0
static int32_t forced(const Block *b, int32_t k, int64_t lane) {
    const LatticeRule *r = b->system->rule;
    if (!r || r->actor != b->j->actor[k]) return 0;
    for (int32_t i = 0; i < r->n_always; i++) {
        if (r->always_when[i] != PROGRAM_NONE && at(row_of(b->l, &r->always_table[i], &b->view), lane) == 0) continue;
        for (int32_t a = 1; a < b->j->n_option[k]; a++)
            if (move_of(b, k, a) == r->always[i] && at(row_of(b->l, &b->l->jump[r->always[i]].when, &b->view), lane) != 0)
                return a;
    }
    return 0;
}

// P from A
static void choose_block(Block *b) {
    RoundsSystem *s = b->system;
    int64_t n = b->n;
    for (int32_t k = 0; k < b->j->n_actor; k++) {
        int32_t n_option = b->j->n_option[k];
        if (n_option == 1) continue;
        double *top = rows(b, 1), *total = rows(b, 1);
        Row mu = precision_of(b, b->j->actor[k]);
        for (int64_t i = 0; i < n; i++) top[i] = 0.0;
        for (int32_t a = 1; a < n_option; a++) {
            int32_t jump = move_of(b, k, a);
            const double *advantage = s->policy->advantage + entry_of(b, jump);
            double *p = s->policy->probability + entry_of(b, jump);
            Row when = row_of(b->l, &b->l->jump[jump].when, &b->view);
            for (int64_t i = 0; i < n; i++) {
                p[i] = at(when, i) != 0.0 ? s->scale * at(mu, i) * advantage[i] : -INFINITY;
                top[i] = p[i] > top[i] ? p[i] : top[i];
            }
        }
        for (int64_t i = 0; i < n; i++) total[i] = elementary_exp(-top[i]);
        for (int32_t a = 1; a < n_option; a++) {
            double *p = s->policy->probability + entry_of(b, move_of(b, k, a));
            for (int64_t i = 0; i < n; i++) p[i] = elementary_exp(p[i] - top[i]);
            for (int64_t i = 0; i < n; i++) total[i] += p[i];
        }
        for (int32_t a = 1; a < n_option; a++) {
            double *p = s->policy->probability + entry_of(b, move_of(b, k, a));
            for (int64_t i = 0; i < n; i++) p[i] = p[i] / total[i];
        }
        if (!s->rule || s->rule->actor != b->j->actor[k] || s->rule->n_always == 0) continue;
        for (int64_t i = 0; i < n; i++) {
            int32_t certain = forced(b, k, i);
            for (int32_t a = 1; a < n_option && certain; a++)
                s->policy->probability[entry_of(b, move_of(b, k, a)) + i] = a == certain;
        }
    }
}

// the rows of chances, from P and `attends`
static void take_chances(Block *b) {
    int64_t n = b->n;
    for (int32_t k = 0; k < b->j->n_actor; k++) {
        int32_t n_option = b->j->n_option[k];
        double *DUR_RESTRICT wait = b->chance[k] = rows(b, n_option);
        for (int64_t i = 0; i < n; i++) wait[i] = 1.0;
        Row attends = row_of(b->l, &b->l->actor[b->j->actor[k]].attends, &b->view);
        for (int32_t a = 1; a < n_option; a++) {
            const double *DUR_RESTRICT p = b->system->policy->probability + entry_of(b, move_of(b, k, a));
            double *DUR_RESTRICT to = b->chance[k] + a * n;
            for (int64_t i = 0; i < n; i++) to[i] = at(attends, i) * p[i];
            for (int64_t i = 0; i < n; i++) wait[i] -= to[i];
        }
    }
    b->product = rows(b, 1);
    b->mean = rows(b, 1);
}

// The product of the chances of a joint choice, but for two actors of the stage (negative: none). NULL: it is 1.
static const double *product_but(const Block *b, const int32_t *option, int32_t skip, int32_t skip2) {
    const double *one = NULL;
    double *DUR_RESTRICT product = b->product;
    int32_t n_factor = 0;
    for (int32_t k = 0; k < b->j->n_actor; k++) {
        if (k == skip || k == skip2 || b->j->n_option[k] == 1) continue;
        const double *DUR_RESTRICT chance = b->chance[k] + option[k] * b->n;
        n_factor++;
        if (n_factor == 1) { one = chance; continue; }
        if (n_factor == 2) for (int64_t i = 0; i < b->n; i++) product[i] = one[i] * chance[i];
        else               for (int64_t i = 0; i < b->n; i++) product[i] *= chance[i];
    }
    return n_factor < 2 ? one : product;
}

// what one actor's function comes to after a joint choice: a row to read
static const double *after_joint(const Block *b, int64_t c, const double *x) {
    const RoundJoint *j = b->j;
    int64_t n = b->n, from = j->corner[c], to = j->corner[c + 1];
    const double *DUR_RESTRICT first = x + b->view.first + j->shift[from];
    if (to == from + 1 && j->weight[from] == 1.0) return first;
    double *DUR_RESTRICT mean = b->mean;
    double weight = j->weight[from];
    for (int64_t i = 0; i < n; i++) mean[i] = weight * first[i];
    for (int64_t q = from + 1; q < to; q++) {
        const double *DUR_RESTRICT next = x + b->view.first + j->shift[q];
        weight = j->weight[q];
        for (int64_t i = 0; i < n; i++) mean[i] += weight * next[i];
    }
    return mean;
}

static void add_product(double *DUR_RESTRICT to, const double *DUR_RESTRICT factor, const double *DUR_RESTRICT x, int64_t n) {
    if (factor) for (int64_t i = 0; i < n; i++) to[i] += factor[i] * x[i];
    else        for (int64_t i = 0; i < n; i++) to[i] += x[i];
}

static void options_at(const Block *b, int64_t c, int32_t *option) {
    for (int32_t k = b->j->n_actor - 1; k >= 0; k--) {
        option[k] = (int32_t)(c % b->j->n_option[k]);
        c /= b->j->n_option[k];
    }
}

// q[i][a] = mean over the others' choices of the function of actor i after (a, theirs)
static void contract(Block *b, const double *w) {
    int64_t n = b->n;
    for (int32_t i = 0; i < b->n_actor; i++) {
        b->q[i] = rows(b, options_of(b, i));
        memset(b->q[i], 0, (size_t)(options_of(b, i) * n) * sizeof(double));
    }
    int32_t option[ROUND_ACTORS_MAX];
    for (int64_t c = 0; c < b->j->n_joint; c++) {
        options_at(b, c, option);
        for (int32_t i = 0; i < b->n_actor; i++) {
            int32_t k = b->place[i];
            const double *product = product_but(b, option, k, -1);
            add_product(b->q[i] + (k < 0 ? 0 : option[k]) * n, product, after_joint(b, c, w + i * b->l->n_state), n);
        }
    }
}

// acc += factor * lump of `actor` at a move; factor NULL: 1
static void add_lumps(const Block *b, int32_t jump, int32_t actor, const double *DUR_RESTRICT factor,
                      double *DUR_RESTRICT acc) {
    const ModelJump *mj = &b->l->model->jump[jump];
    for (int32_t k = 0; k < mj->n_lump; k++) {
        if (mj->lump[k].actor != actor) continue;
        Row lump = row_of(b->l, &b->l->jump[jump].lump[k], &b->view);
        for (int64_t i = 0; i < b->n; i++) acc[i] += (factor ? factor[i] : 1.0) * at(lump, i);
    }
}

// what a stage is worth, and what each move would be
static void evaluate_block(Block *b) {
    RoundsSystem *s = b->system;
    int64_t n = b->n;
    take_chances(b);
    contract(b, s->w + (b->stage + 1) * s->n_value);
    double *own = rows(b, 1);
    bool taste = b->l->model->choice == CHOICE_TASTE;
    for (int32_t i = 0; i < b->n_actor; i++) {
        int32_t k = b->place[i];
        double *DUR_RESTRICT worth = s->w + b->stage * s->n_value + i * b->l->n_state + b->view.first;
        double *q = b->q[i];
        // lumps at what others choose are there whatever this actor does
        for (int64_t x = 0; x < n; x++) own[x] = 0.0;
        for (int32_t o = 0; o < b->j->n_actor; o++)
            for (int32_t a = 1; o != k && a < b->j->n_option[o]; a++)
                add_lumps(b, move_of(b, o, a), i, b->chance[o] + a * n, own);
        if (k < 0) {
            for (int64_t x = 0; x < n; x++) worth[x] = q[x] + own[x];
            continue;
        }
        for (int32_t a = 0; a < b->j->n_option[k]; a++) {
            double *DUR_RESTRICT row = q + a * n;
            for (int64_t x = 0; x < n; x++) row[x] += own[x];
            if (a > 0) add_lumps(b, move_of(b, k, a), i, NULL, row);
        }
        for (int64_t x = 0; x < n; x++) own[x] = b->chance[k][x] * q[x];
        for (int32_t a = 1; a < b->j->n_option[k]; a++) {
            double *DUR_RESTRICT answer = s->answer + entry_of(b, move_of(b, k, a));
            const double *DUR_RESTRICT row = q + a * n;
            for (int64_t x = 0; x < n; x++) answer[x] = row[x] - q[x];
            add_product(own, b->chance[k] + a * n, row, n);
        }
        if (taste && b->j->n_option[k] > 1) {
            // the mean shock of what is picked: entropy over mu
            Row mu = precision_of(b, i), attends = row_of(b->l, &b->l->actor[i].attends, &b->view);
            for (int64_t x = 0; x < n; x++) {
                double rest = 1.0, entropy = 0.0;
                for (int32_t a = 1; a < b->j->n_option[k]; a++) {
                    double p = s->policy->probability[entry_of(b, move_of(b, k, a)) + x];
                    rest -= p;
                    if (p > 0) entropy -= p * elementary_log(p);
                }
                if (rest > 0) entropy -= rest * elementary_log(rest);
                if (entropy > 0) own[x] += at(attends, x) * entropy / at(mu, x);
            }
        }
        for (int64_t x = 0; x < n; x++) worth[x] = own[x];
    }
}

// ---- derivatives --------------------------------------------------------------------------------------------------

/// What a block needs to answer disturbances: rows.
typedef struct Local {
    double *d[MODEL_VARIABLES_MAX];        // by actor i: rows (option of i, option of j) for every stage actor j in turn: the
                                           // function of i after both, mean over the rest
    double *slope[ROUND_ACTORS_MAX];       // [n_option] rows: chance's growth by its own advantage over (1 - P)
    double *pace[ROUND_ACTORS_MAX];        // [n_option] rows: chance's growth by scale
} Local;

static int64_t pair_at(const Block *b, int32_t actor, int32_t j, int32_t a, int32_t c) {
    int64_t at_j = 0;
    for (int32_t k = 0; k < j; k++) at_j += b->j->n_option[k];
    return (at_j * options_of(b, actor) + (int64_t)a * b->j->n_option[j] + c) * b->n;
}

static void pairs(Block *b, Local *o, const double *w) {
    int64_t n = b->n, n_all = 0;
    for (int32_t k = 0; k < b->j->n_actor; k++) n_all += b->j->n_option[k];
    for (int32_t i = 0; i < b->n_actor; i++) {
        o->d[i] = rows(b, n_all * options_of(b, i));
        memset(o->d[i], 0, (size_t)(n_all * options_of(b, i) * n) * sizeof(double));
    }
    int32_t option[ROUND_ACTORS_MAX];
    for (int64_t c = 0; c < b->j->n_joint; c++) {
        options_at(b, c, option);
        for (int32_t i = 0; i < b->n_actor; i++) {
            int32_t k = b->place[i];
            const double *x = after_joint(b, c, w + i * b->l->n_state);
            for (int32_t j = 0; j < b->j->n_actor; j++) {
                if (j == k || b->j->n_option[j] == 1) continue;
                add_product(o->d[i] + pair_at(b, i, j, k < 0 ? 0 : option[k], option[j]), product_but(b, option, k, j), x, n);
            }
        }
    }
}

static void slopes(Block *b, Local *o) {
    RoundsSystem *s = b->system;
    int64_t n = b->n;
    for (int32_t k = 0; k < b->j->n_actor; k++) {
        int32_t n_option = b->j->n_option[k], actor = b->j->actor[k];
        o->slope[k] = rows(b, n_option);
        o->pace[k] = rows(b, n_option);
        Row mu = precision_of(b, actor), attends = row_of(b->l, &b->l->actor[actor].attends, &b->view);
        bool rules = s->rule && s->rule->actor == actor && s->rule->n_always > 0;
        for (int64_t i = 0; i < n; i++) {
            double mean = 0, rest = 1, stiff = at(mu, i) * at(attends, i);
            if (rules && forced(b, k, i)) stiff = 0;
            for (int32_t a = 1; a < n_option; a++) {
                int64_t e = entry_of(b, move_of(b, k, a)) + i;
                mean += s->policy->probability[e] * s->policy->advantage[e];
                rest -= s->policy->probability[e];
            }
            o->slope[k][i] = s->scale * stiff * rest;
            o->pace[k][i] = stiff * rest * (0 - mean);
            for (int32_t a = 1; a < n_option; a++) {
                int64_t e = entry_of(b, move_of(b, k, a)) + i;
                o->slope[k][a * n + i] = s->scale * stiff * s->policy->probability[e];
                o->pace[k][a * n + i] = stiff * s->policy->probability[e] * (s->policy->advantage[e] - mean);
            }
        }
    }
}

// probabilities given an opportunity, of one actor in one lane
static void probabilities(const Block *b, int32_t k, int64_t lane, double *p) {
    p[0] = 1.0;
    for (int32_t a = 1; a < b->j->n_option[k]; a++) {
        p[a] = b->system->policy->probability[entry_of(b, move_of(b, k, a)) + lane];
        p[0] -= p[a];
    }
}

// x with A x = r for several r at once, A [n x n] by row, r [n_right x n]; A and r are overwritten. Partial pivoting; a pivot
// that vanishes (a fold that is exactly local) is held away from 0.
static void solve_small(int32_t n, double *a, int32_t n_right, double *r) {
    for (int32_t c = 0; c < n; c++) {
        int32_t best = c;
        for (int32_t i = c + 1; i < n; i++)
            if (fabs(a[i * n + c]) > fabs(a[best * n + c])) best = i;
        if (best != c) {
            for (int32_t x = 0; x < n; x++) { double t = a[c * n + x]; a[c * n + x] = a[best * n + x]; a[best * n + x] = t; }
            for (int32_t q = 0; q < n_right; q++) { double t = r[q * n + c]; r[q * n + c] = r[q * n + best]; r[q * n + best] = t; }
        }
        if (fabs(a[c * n + c]) < 1e-300) a[c * n + c] = 1e-300;
        for (int32_t i = c + 1; i < n; i++) {
            double f = a[i * n + c] / a[c * n + c];
            if (f == 0.0) continue;
            for (int32_t x = c + 1; x < n; x++) a[i * n + x] -= f * a[c * n + x];
            for (int32_t q = 0; q < n_right; q++) r[q * n + i] -= f * r[q * n + c];
        }
    }
    for (int32_t q = 0; q < n_right; q++)
        for (int32_t i = n - 1; i >= 0; i--) {
            double sum = r[q * n + i];
            for (int32_t x = i + 1; x < n; x++) sum -= a[i * n + x] * r[q * n + x];
            r[q * n + i] = sum / a[i * n + i];
        }
}

// I - M in one lane, M the answer of each advantage to each, `transposed` or not
static void local_matrix(const Block *b, const Local *o, int64_t lane, bool transposed, double *a) {
    int32_t n = b->n_entry;
    int64_t n_lane = b->n;
    memset(a, 0, (size_t)n * (size_t)n * sizeof *a);
    for (int32_t e = 0; e < n; e++) a[e * n + e] = 1.0;
    for (int32_t k = 0; k < b->j->n_actor; k++)
        for (int32_t j = 0; j < b->j->n_actor; j++) {
            int32_t n_j = b->j->n_option[j], i = b->j->actor[k];
            if (j == k || n_j == 1) continue;
            double p[MODEL_MOVES_MAX + 1];
            probabilities(b, j, lane, p);
            double wait_mean = 0;
            for (int32_t c = 0; c < n_j; c++) wait_mean += p[c] * o->d[i][pair_at(b, i, j, 0, c) + lane];
            for (int32_t m = 1; m < b->j->n_option[k]; m++) {
                double mean = 0;
                const double *d = o->d[i] + pair_at(b, i, j, m, 0) + lane, *d0 = o->d[i] + pair_at(b, i, j, 0, 0) + lane;
                for (int32_t c = 0; c < n_j; c++) mean += p[c] * d[c * n_lane];
                int32_t row = b->j->first[k] + m - 1;
                for (int32_t c = 1; c < n_j; c++) {
                    int32_t column = b->j->first[j] + c - 1;
                    double x = o->slope[j][c * n_lane + lane] *
                               ((d[c * n_lane] - mean) - (d0[c * n_lane] - wait_mean));
                    if (transposed) a[column * n + row] -= x;
                    else            a[row * n + column] -= x;
                }
            }
        }
}

// effects of advantages and of scale on what the stage is worth to one actor, in one lane
static void worth_of(const Block *b, const Local *o, int32_t i, int64_t lane, const double *lump, double *to, double *rate) {
    const RoundsSystem *s = b->system;
    int64_t n = b->n;
    int32_t own = b->place[i];
    bool taste = b->l->model->choice == CHOICE_TASTE;
    *rate = 0;
    for (int32_t j = 0; j < b->j->n_actor; j++) {
        int32_t n_j = b->j->n_option[j];
        double p[MODEL_MOVES_MAX + 1], x[MODEL_MOVES_MAX + 1], mean = 0;
        if (n_j == 1) continue;
        probabilities(b, j, lane, p);
        // what each option of j is worth to i
        x[0] = 0;
        for (int32_t c = 0; c < n_j; c++) {
            if (j == own) {
                if (c == 0) continue;
                int64_t e = entry_of(b, move_of(b, j, c)) + lane;
                x[c] = s->answer[e] - (taste ? s->scale * s->policy->advantage[e] : 0.0);
            } else {
                x[c] = 0;
                for (int32_t a = 0; a < options_of(b, i); a++)
                    x[c] += (own < 0 ? 1.0 : b->chance[own][a * n + lane]) * o->d[i][pair_at(b, i, j, a, c) + lane];
                if (c > 0) x[c] += lump[b->j->first[j] + c - 1];
            }
        }
        for (int32_t c = 0; c < n_j; c++) mean += p[c] * x[c];
        for (int32_t c = 0; c < n_j; c++) *rate += o->pace[j][c * n + lane] * x[c];
        for (int32_t c = 1; c < n_j; c++)
            to[b->j->first[j] + c - 1] = o->slope[j][c * n + lane] * (x[c] - mean);
    }
}

static void linearize_block(Block *b) {
    RoundsSystem *s = b->system;
    const Lattice *l = b->l;
    int64_t n = b->n;
    int32_t n_entry = b->n_entry;
    Local o;
    take_chances(b);
    pairs(b, &o, s->w + (b->stage + 1) * s->n_value);
    slopes(b, &o);
    // lumps of every actor at every move here
    double *lump = rows(b, (int64_t)b->n_actor * n_entry);
    memset(lump, 0, (size_t)((int64_t)b->n_actor * n_entry * n) * sizeof *lump);
    for (int32_t i = 0; i < b->n_actor; i++)
        for (int32_t e = 0; e < n_entry; e++) add_lumps(b, b->j->move[e], i, NULL, lump + ((int64_t)i * n_entry + e) * n);

    double *a = b->next, *right = a + (int64_t)n_entry * n_entry, *own_lump = right + (int64_t)b->n_actor * n_entry;
    for (int64_t lane = 0; lane < n; lane++) {
        for (int32_t i = 0; i < b->n_actor; i++) {
            for (int32_t e = 0; e < n_entry; e++) own_lump[e] = lump[((int64_t)i * n_entry + e) * n + lane];
            double *rate = s->rate_w + b->stage * s->n_value + i * l->n_state + b->view.first + lane;
            worth_of(b, &o, i, lane, own_lump, right + (int64_t)i * n_entry, rate);
        }
        // how fast each advantage grows with scale while all else stands
        for (int32_t k = 0; k < b->j->n_actor; k++)
            for (int32_t m = 1; m < b->j->n_option[k]; m++) {
                int32_t i = b->j->actor[k];
                double rate = 0;
                for (int32_t j = 0; j < b->j->n_actor; j++)
                    for (int32_t c = 0; j != k && b->j->n_option[j] > 1 && c < b->j->n_option[j]; c++)
                        rate += (o.d[i][pair_at(b, i, j, m, c) + lane] - o.d[i][pair_at(b, i, j, 0, c) + lane]) *
                                o.pace[j][c * n + lane];
                s->rate_a[entry_of(b, move_of(b, k, m)) + lane] = rate;
            }
        if (b->j->n_actor > 1) {
            local_matrix(b, &o, lane, true, a);
            solve_small(n_entry, a, b->n_actor, right);
        }
        for (int32_t i = 0; i < b->n_actor; i++)
            for (int32_t e = 0; e < n_entry; e++)
                s->gain[i * s->policy->n_entry + entry_of(b, b->j->move[e]) + lane] = right[(int64_t)i * n_entry + e];
    }
}

// a disturbance through one stage
typedef struct Carry {
    RoundsSystem *system;
    int32_t stage;
    const double *from, *source_a, *source_w;   // from: [n_value] after the stage
    double *to, *da;
    void (*block)(Block *b);
    int64_t n_block_task;
    _Atomic bool failed;
} Carry;

static void carry_block(Block *b, const Carry *c) {
    RoundsSystem *s = b->system;
    int64_t n = b->n;
    take_chances(b);
    contract(b, c->from);
    // direct change of every advantage
    double *g = rows(b, b->n_entry);
    for (int32_t k = 0; k < b->j->n_actor; k++)
        for (int32_t m = 1; m < b->j->n_option[k]; m++) {
            double *DUR_RESTRICT row = g + (b->j->first[k] + m - 1) * n;
            const double *DUR_RESTRICT q = b->q[b->j->actor[k]] + m * n, *DUR_RESTRICT q0 = b->q[b->j->actor[k]];
            const double *source = c->source_a ? c->source_a + entry_of(b, move_of(b, k, m)) : NULL;
            for (int64_t i = 0; i < n; i++) row[i] = q[i] - q0[i];
            if (source) for (int64_t i = 0; i < n; i++) row[i] += source[i];
        }
    for (int32_t i = 0; i < b->n_actor; i++) {
        int32_t k = b->place[i];
        double *DUR_RESTRICT to = c->to + i * b->l->n_state + b->view.first;
        const double *source = c->source_w ? c->source_w + b->stage * s->n_value + i * b->l->n_state + b->view.first : NULL;
        double *DUR_RESTRICT sum = b->product;
        if (k < 0) for (int64_t x = 0; x < n; x++) sum[x] = b->q[i][x];
        else {
            for (int64_t x = 0; x < n; x++) sum[x] = 0.0;
            for (int32_t a = 0; a < b->j->n_option[k]; a++) add_product(sum, b->chance[k] + a * n, b->q[i] + a * n, n);
        }
        if (source) for (int64_t x = 0; x < n; x++) sum[x] += source[x];
        for (int32_t e = 0; e < b->n_entry; e++)
            add_product(sum, s->gain + i * s->policy->n_entry + entry_of(b, b->j->move[e]), g + e * n, n);
        for (int64_t x = 0; x < n; x++) to[x] = sum[x];
    }
    if (!c->da) return;
    Local o;
    if (b->j->n_actor > 1) {
        pairs(b, &o, s->w + (b->stage + 1) * s->n_value);
        slopes(b, &o);
    }
    double *a = b->next, *right = a + (int64_t)b->n_entry * b->n_entry;
    for (int64_t lane = 0; lane < n; lane++) {
        for (int32_t e = 0; e < b->n_entry; e++) right[e] = g[e * n + lane];
        if (b->j->n_actor > 1) {
            local_matrix(b, &o, lane, false, a);
            solve_small(b->n_entry, a, 1, right);
        }
        for (int32_t e = 0; e < b->n_entry; e++) c->da[entry_of(b, b->j->move[e]) + lane] = right[e];
    }
}

static void stage_task(void *context, int64_t task, int worker) {
    Carry *c = context;
    const Lattice *l = c->system->lattice;
    int64_t end = (task + 1) * c->n_block_task;
    for (int64_t k = task * c->n_block_task; k < end && k < l->n_block; k++) {
        Block b;
        if (!block_at(&b, c->system, c->stage, k, worker)) { atomic_store(&c->failed, true); return; }
        if (c->block) c->block(&b);
        else carry_block(&b, c);
    }
}

static DurStatus run_stage(Carry *c) {
    const Lattice *l = c->system->lattice;
    c->n_block_task = TASK_STATES / l->n_lane > 0 ? TASK_STATES / l->n_lane : 1;
    team_run(c->system->team, stage_task, c, (l->n_block + c->n_block_task - 1) / c->n_block_task);
    return atomic_load(&c->failed) ? DUR_MEMORY : DUR_OK;
}

// ---- over the whole lattice ---------------------------------------------------------------------------------------

DurStatus rounds_choose(RoundsSystem *s) {
    for (int32_t k = 0; k < s->n_stage; k++) TRY(run_stage(&(Carry){.system = s, .stage = k, .block = choose_block}));
    return DUR_OK;
}

// w[n_stage]: flows of payoff in the state after the choices, events with their lumps, and the next round
static DurStatus evaluate_after(RoundsSystem *s) {
    const Lattice *l = s->lattice;
    const Model *m = l->model;
    for (int32_t i = 0; i < m->n_actor; i++) {
        double *to = s->w + s->n_stage * s->n_value + i * l->n_state;
        TRY(round_after(l, (RoundCount){i, -1}, l->actor[i].beta, s->policy->value + i * l->n_state, to, s->flow, s->team));
        for (int32_t t = 0; t < m->n_term; t++) {
            if (m->term[t].actor != i) continue;
            for (int64_t k = 0; k < l->n_block; k++) {
                LatticeBlock view;
                lattice_block(l, k, &view);
                Row u = row_of(l, &l->term[t], &view);
                for (int64_t x = 0; x < l->n_lane; x++) to[view.first + x] += at(u, x);
            }
        }
    }
    return DUR_OK;
}

DurStatus rounds_evaluate(RoundsSystem *s) {
    s->n_sweep++;
    TRY(evaluate_after(s));
    for (int32_t k = s->n_stage - 1; k >= 0; k--)
        TRY(run_stage(&(Carry){.system = s, .stage = k, .block = evaluate_block}));
    return DUR_OK;
}

DurStatus rounds_linearize(RoundsSystem *s) {
    s->n_sweep++;
    for (int32_t k = 0; k < s->n_stage; k++)
        TRY(run_stage(&(Carry){.system = s, .stage = k, .block = linearize_block}));
    return DUR_OK;
}

DurStatus rounds_carry(RoundsSystem *s, const double *dv, const double *source_a, const double *source_w, double *dw,
                       double *da) {
    static const RoundCount none = {-1, -1};
    const Lattice *l = s->lattice;
    s->n_sweep++;
    double *from = s->flow, *to = s->flow + s->n_value;
    memset(from, 0, (size_t)s->n_value * sizeof *from);
    for (int32_t i = 0; dv && i < l->model->n_actor; i++)
        TRY(round_after(l, none, l->actor[i].beta, dv + i * l->n_state, from + i * l->n_state, to, s->team));
    for (int32_t k = s->n_stage - 1; k >= 0; k--) {
        double *out = k == 0 ? dw : to;
        TRY(run_stage(&(Carry){.system = s, .stage = k, .from = from, .source_a = source_a, .source_w = source_w,
                               .to = out, .da = da}));
        to = from;
        from = out;
    }
    return DUR_OK;
}

DurStatus rounds_fill_closed(RoundsSystem *s) {
    const Lattice *l = s->lattice;
    const Model *m = l->model;
    double *wait = s->flow, *made = s->flow + s->n_value;
    for (int32_t k = 0; k < s->n_stage; k++) {
        int32_t actor[ROUND_ACTORS_MAX], n = round_stage_actors(m, k, actor);
        for (int32_t q = 0; q < n; q++) {
            int32_t i = actor[q];
            const double *w = s->w + (k + 1) * s->n_value + i * l->n_state;
            RoundCount count = {i, -1};
            bool has_wait = false;
            for (int32_t j = 0; j < m->n_jump; j++) {
                if (m->jump[j].kind != JUMP_MOVE || m->jump[j].actor != i) continue;
                bool is_ruled = s->rule && s->rule->actor == i && s->rule->never[j];
                // only where some block leaves the move out is there anything to do
                bool is_closed = is_ruled;
                for (int64_t block = 0; block < l->n_block && !is_closed; block++) {
                    LatticeBlock view;
                    lattice_block(l, block, &view);
                    is_closed = s->policy->where[j * l->n_mode_state + view.first / l->n_stock_state] >= 0 &&
                                row_is_zero(row_of(l, &l->jump[j].when, &view));
                }
                if (!is_closed) continue;
                if (!has_wait) TRY(round_choices(s->policy, k, i, -1, count, w, wait, s->team));
                has_wait = true;
                TRY(round_choices(s->policy, k, i, j, count, w, made, s->team));
                for (int64_t block = 0; block < l->n_block; block++) {
                    LatticeBlock view;
                    lattice_block(l, block, &view);
                    int64_t at_mode = s->policy->where[j * l->n_mode_state + view.first / l->n_stock_state];
                    if (at_mode < 0 || !(is_ruled || row_is_zero(row_of(l, &l->jump[j].when, &view)))) continue;
                    for (int64_t x = view.first; x < view.first + l->n_lane; x++)
                        s->policy->advantage[at_mode + x % l->n_stock_state] = made[x] - wait[x];
                }
            }
        }
    }
    return DUR_OK;
}

// ---- making -------------------------------------------------------------------------------------------------------

// doubles of scratch that a worker needs in any block
static int64_t room_of(const Lattice *l) {
    const Model *m = l->model;
    int64_t most = 0, n_actor = m->n_actor;
    for (int32_t k = 0; k < round_stages(m); k++) {
        int32_t actor[ROUND_ACTORS_MAX], n = round_stage_actors(m, k, actor);
        for (int64_t ms = 0; ms < l->n_mode_state; ms++) {
            int64_t n_entry = 0;
            for (int32_t j = 0; j < m->n_jump; j++)
                for (int32_t q = 0; q < n && m->jump[j].kind == JUMP_MOVE; q++)
                    n_entry += m->jump[j].actor == actor[q] && policy_is_possible(l, j, ms);
            most = n_entry > most ? n_entry : most;
        }
    }
    // chances, q, pairs, slopes and paces, lumps, advantages, a few rows; then the local system
    int64_t n_option = most + ROUND_ACTORS_MAX;
    int64_t n_row = n_option + (n_option + n_actor) + n_option * (n_option + n_actor) + 2 * n_option + n_actor * most + most + 40;
    return n_row * l->n_lane + most * most + (n_actor + 1) * most;
}

double rounds_system_bytes(const Lattice *l) {
    const Model *m = l->model;
    double n_value = (double)m->n_actor * (double)l->n_state, n_stage = round_stages(m), policy = policy_bytes(l);
    double n_entry = (policy / 8 - n_value) / 2;
    return policy + 8 * ((2 * n_stage + 3) * n_value + (double)(m->n_actor + 2) * n_entry + (double)room_of(l));
}

DurStatus rounds_system_make(RoundsSystem *s, const Lattice *l, const LatticeRule *rule, Team *team, DurError *error) {
    const Model *m = l->model;
    *s = (RoundsSystem){.lattice = l, .team = team, .n_stage = round_stages(m), .n_worker = team_size(team),
                        .n_value = (int64_t)m->n_actor * l->n_state};
    TRY(round_check(l, error));
    DurStatus status = policy_make(&s->policy, l, rule, error);
    if (status != DUR_OK) goto fail;
    status = DUR_MEMORY;
    if (s->policy->rule.actor >= 0) s->rule = &s->policy->rule;
    int64_t n_entry = s->policy->n_entry;
    s->w = memory_column((s->n_stage + 1) * s->n_value);
    s->answer = memory_column(n_entry);
    s->gain = memory_column(m->n_actor * n_entry);
    s->rate_a = memory_column(n_entry);
    s->rate_w = memory_column(s->n_stage * s->n_value);
    s->flow = memory_column(2 * s->n_value);
    s->room_stride = (room_of(l) + 15) / 8 * 8;
    s->room = memory_column(s->room_stride * s->n_worker);
    s->joint = memory_zeroed((size_t)s->n_stage * (size_t)s->n_worker, sizeof *s->joint);
    if (!s->w || !s->answer || !s->gain || !s->rate_a || !s->rate_w || !s->flow || !s->room || !s->joint) goto fail;
    for (int32_t k = 0; k < s->n_stage; k++)
        for (int w = 0; w < s->n_worker; w++) {
            status = round_joint_make(&s->joint[k * s->n_worker + w], l, k, s->rule);
            if (status != DUR_OK) goto fail;
        }
    return DUR_OK;

fail:
    rounds_system_free(s);
    return status_fail(error, status, "out of memory while solving");
}

void rounds_system_free(RoundsSystem *s) {
    for (int32_t k = 0; s->joint && k < s->n_stage * s->n_worker; k++) round_joint_free(&s->joint[k]);
    memory_free(s->joint);
    memory_free(s->room);
    memory_free(s->flow);
    memory_free(s->rate_w);
    memory_free(s->rate_a);
    memory_free(s->gain);
    memory_free(s->answer);
    memory_free(s->w);
    policy_free(s->policy);
    *s = (RoundsSystem){0};
}
