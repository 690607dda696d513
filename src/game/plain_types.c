/// The plain solver of games with private types: every number by the reference interpreter, one state at a time, swept in
/// order of states, each new value and choice used at once. Values and choices are its unknowns; what a move tells is
/// worked out from the choices wherever it is asked for. It is the oracle of sweep_types.c and shares nothing with it but
/// the order of states and the nodes of beliefs.
#include "base/memory.h"
#include "game/game.h"

#include <math.h>
#include <string.h>

/// Choices go this part of the way to the answer: a type that would be taken for another by its move, and then would not
/// make it, goes round in circles otherwise.
#define PART 0.25

typedef struct Plain {
    const Lattice *l;
    const Model *m;
    const LatticeRule *rule;
    int32_t n_row;
    double *value;              // [n_row x n_state]
    double *chance;             // [n_jump x MODEL_TYPES_MAX x n_state]
} Plain;

/// What is true in one state.
typedef struct Here {
    int64_t s;
    int32_t node[MODEL_VARIABLES_MAX];
    double level[MODEL_VARIABLES_MAX];
} Here;

static double eval_at(const Plain *p, ProgramId program, const Here *h) {
    return eval_state(p->m, program, h->level, p->l->param, NULL, NULL);
}
static bool holds(const Plain *p, ProgramId cond, const Here *h) { return cond == PROGRAM_NONE || eval_at(p, cond, h) != 0; }

static double *chance_at(const Plain *p, int32_t jump, int32_t type, int64_t s) {
    return &p->chance[((int64_t)jump * MODEL_TYPES_MAX + type) * p->l->n_state + s];
}

static double belief_of(const Plain *p, int32_t private, int32_t type, const Here *h) {
    return p->l->private[private].belief[(int64_t)h->node[p->m->private[private].variable] * p->m->private[private].n_type + type];
}

static double public_chance(const Plain *p, int32_t jump, const Here *h) {
    int32_t private = p->m->actor[p->m->jump[jump].actor].private;
    if (private < 0) return *chance_at(p, jump, 0, h->s);
    double sum = 0;
    for (int32_t t = 0; t < p->m->private[private].n_type; t++) sum += belief_of(p, private, t, h) * *chance_at(p, jump, t, h->s);
    return sum;
}

// the node with so many steps in each type, by looking at all of them
static int32_t node_with(const LatticePrivate *lp, const double *steps) {
    for (int32_t node = 0; node < lp->n_node; node++) {
        bool same = true;
        for (int32_t t = 0; t < lp->n_type && same; t++)
            same = fabs(lp->belief[(int64_t)node * lp->n_type + t] * lp->n_step - steps[t]) < 1e-6;
        if (same) return node;
    }
    return -1;
}

// The mean of x around a belief, probabilities b. With two types between two neighbours. With more by Freudenthal's rule:
// sums from the end, rounded down, then rounded up one by one, the largest remainder first.
static double mean_around(const LatticePrivate *lp, const double *b, const double *x, int64_t stride) {
    int32_t n = lp->n_type, done[MODEL_TYPES_MAX] = {0};
    double sum[MODEL_TYPES_MAX + 1] = {0}, low[MODEL_TYPES_MAX + 1] = {0}, left = 1, mean = 0;
    for (int32_t t = n - 1; t >= 0; t--) sum[t] = sum[t + 1] + b[t] * lp->n_step;
    for (int32_t t = 1; t < n; t++) {
        if (fabs(sum[t] - round(sum[t])) < 1e-11) sum[t] = round(sum[t]);
        low[t] = floor(sum[t]);
    }
    low[0] = lp->n_step;
    for (int32_t round = 0; round < n; round++) {
        int32_t next = -1;
        for (int32_t t = 1; t < n; t++)
            if (!done[t] && (next < 0 || sum[t] - floor(sum[t]) > sum[next] - floor(sum[next]))) next = t;
        double rest = next < 0 ? 0 : sum[next] - floor(sum[next]);
        if (left - rest > 0) {
            double steps[MODEL_TYPES_MAX];
            for (int32_t t = 0; t < n; t++) steps[t] = low[t] - (t + 1 < n ? low[t + 1] : 0);
            mean += (left - rest) * x[node_with(lp, steps) * stride];
        }
        left = rest;
        if (next < 0) break;
        done[next] = 1;
        low[next] += 1;
    }
    return mean;
}

// the mean of a row after a jump from a state, the belief about its mover at `b` (NULL: where it was)
static double mean_after(const Plain *p, int32_t jump, const Here *h, const double *b, const double *value) {
    const ModelJump *mj = &p->m->jump[jump];
    const Lattice *l = p->l;
    int64_t n_branch = 1;
    double mean = 0;
    for (int32_t d = 0; d < mj->n_draw; d++) n_branch *= mj->draw[d].n_value;
    for (int64_t branch = 0; branch < n_branch; branch++) {
        double draw[16] = {0}, weight = 1;
        int64_t rest = branch;
        for (int32_t d = 0; d < mj->n_draw; d++) {
            draw[d] = mj->draw[d].value[rest % mj->draw[d].n_value];
            weight *= mj->draw[d].weight[rest % mj->draw[d].n_value];
            rest /= mj->draw[d].n_value;
        }
        for (int64_t corner = 0; corner < (int64_t)1 << mj->n_effect; corner++) {
            int64_t to = h->s;
            double w = weight;
            for (int32_t k = 0; k < mj->n_effect; k++) {
                int32_t v = mj->effect[k].to;
                double x = eval_state(p->m, mj->effect[k].value, h->level, l->param, draw, NULL), up = 0;
                int32_t node = (int32_t)x;
                if (v >= p->m->n_mode) {
                    const ModelStock *s = &p->m->stock[v - p->m->n_mode];
                    double at = (fmin(fmax(x, s->low), s->high) - s->low) / (s->high - s->low) * (s->n_grid - 1);
                    if (fabs(at - round(at)) < 1e-9) at = round(at);
                    node = (int32_t)floor(at);
                    up = at - node;
                }
                bool is_up = corner >> k & 1;
                w *= is_up ? up : 1 - up;
                to += (node + is_up - h->node[v]) * l->stride[v];
                if (w == 0) break;
            }
            if (w == 0) continue;
            if (!b) { mean += w * value[to]; continue; }
            int32_t private = p->m->actor[mj->actor].private, v = p->m->private[private].variable;
            mean += w * mean_around(&l->private[private], b, value + to - h->node[v] * l->stride[v], l->stride[v]);
        }
    }
    return mean;
}

static double lump_of(const Plain *p, int32_t jump, int32_t actor, int32_t type, const Here *h) {
    const ModelJump *mj = &p->m->jump[jump];
    double sum = 0;
    for (int32_t k = 0; k < mj->n_lump; k++)
        if (mj->lump[k].actor == actor) sum += eval_at(p, mj->lump[k].by_type ? mj->lump[k].by_type[type] : mj->lump[k].value, h);
    return sum;
}

// what others believe after a move; false if it tells nothing
static bool posterior(const Plain *p, int32_t jump, const Here *h, double *b) {
    if (!model_is_signal(p->m, jump)) return false;
    int32_t private = p->m->actor[p->m->jump[jump].actor].private;
    double all = public_chance(p, jump, h);
    for (int32_t t = 0; t < p->m->private[private].n_type; t++) {
        b[t] = belief_of(p, private, t, h);
        if (all > 0) b[t] *= *chance_at(p, jump, t, h->s) / all;
    }
    return true;
}

static bool is_open(const Plain *p, int32_t jump, const Here *h) {
    bool may = !(p->rule && p->rule->actor == p->m->jump[jump].actor && p->rule->never[jump]);
    return may && holds(p, p->m->jump[jump].when, h);
}

// choices of one type at one state, from the values and the choices so far; returns the largest change. *gain: W - V
static double choose(const Plain *p, int32_t actor, int32_t type, const Here *h, double *gain) {
    const Model *m = p->m;
    const LatticeRule *rule = p->rule && p->rule->actor == actor ? p->rule : NULL;
    const double *value = p->value + (model_row(m, actor) + type) * p->l->n_state;
    ProgramId program = m->actor[actor].precision_by_type ? m->actor[actor].precision_by_type[type] : m->actor[actor].precision;
    if (rule && rule->precision != PROGRAM_NONE)
        program = rule->precision_by_type ? rule->precision_by_type[type] : rule->precision;
    double mu = eval_at(p, program, h), q[MODEL_MOVES_MAX], b[MODEL_TYPES_MAX], top = 0, total = 0, worst = 0;
    int32_t n = 0, forced = -1;
    for (int32_t j = 0; j < m->n_jump; j++) {
        if (m->jump[j].kind != JUMP_MOVE || m->jump[j].actor != actor || !is_open(p, j, h)) continue;
        bool tells = posterior(p, j, h, b);
        q[n] = mean_after(p, j, h, tells ? b : NULL, value) + lump_of(p, j, actor, type, h) - value[h->s];
        top = fmax(top, mu * q[n++]);
    }
    for (int32_t k = 0; rule && k < rule->n_always && forced < 0; k++)
        if (is_open(p, rule->always[k], h) && holds(p, rule->always_when[k], h)) forced = rule->always[k];
    for (int32_t a = 0; a < n; a++) total += exp(mu * q[a] - top);
    total += exp(-top);
    *gain = mu > 0 ? (top + log(total)) / mu : 0;
    for (int32_t j = 0, a = 0; j < m->n_jump; j++) {
        if (m->jump[j].kind != JUMP_MOVE || m->jump[j].actor != actor) continue;
        double chance = 0;
        if (is_open(p, j, h)) {
            if (j == forced) *gain = q[a];
            chance = forced >= 0 ? j == forced : exp(mu * q[a] - top) / total;
            a++;
        }
        worst = fmax(worst, fabs(chance - *chance_at(p, j, type, h->s)));
        *chance_at(p, j, type, h->s) += PART * (chance - *chance_at(p, j, type, h->s));
    }
    return worst;
}

// the drift of the belief in one type in silence
static double drift_of(const Plain *p, int32_t private, int32_t type, const Here *h) {
    const ModelPrivate *mp = &p->m->private[private];
    double seen = 0, own = 0, b = belief_of(p, private, type, h), sum = 0;
    for (int32_t j = 0; j < p->m->n_jump; j++) {
        if (p->m->jump[j].kind != JUMP_MOVE || p->m->jump[j].actor != mp->actor || p->m->jump[j].is_secret) continue;
        seen += public_chance(p, j, h);
        own += *chance_at(p, j, type, h->s);
    }
    for (int32_t k = 0; k < mp->n_becomes; k++)
        sum += eval_at(p, mp->becomes[k].rate, h) * ((mp->becomes[k].type == type) - b);
    return sum + eval_at(p, p->m->actor[mp->actor].attends, h) * b * (seen - own);
}

// acc += rate x there, diag += rate: the belief about one private goes on in silence, from those types that lose to those
// that gain, in order
static void drift_on(const Plain *p, int32_t private, const Here *h, const double *value, double *acc, double *diag) {
    const LatticePrivate *lp = &p->l->private[private];
    int32_t n = lp->n_type, v = p->m->private[private].variable;
    double gain[MODEL_TYPES_MAX], first = 0;
    for (int32_t t = 1; t < n; t++) first -= gain[t] = drift_of(p, private, t, h);
    gain[0] = first;
    for (int32_t from = 0; from < n; from++)
        for (int32_t to = 0; to < n; to++) {
            if (!(gain[from] < 0) || !(gain[to] > 0)) continue;
            double part = fmin(gain[to], -gain[from]), steps[MODEL_TYPES_MAX];
            gain[from] += part;
            gain[to] -= part;
            for (int32_t t = 0; t < n; t++) steps[t] = round(belief_of(p, private, t, h) * lp->n_step);
            if (steps[from] < 0.5) continue;
            steps[from]--;
            steps[to]++;
            *acc += part * lp->n_step * value[h->s + (node_with(lp, steps) - h->node[v]) * p->l->stride[v]];
            *diag += part * lp->n_step;
        }
}

// one Gauss-Seidel update of one row at one state; returns |miss| of its equation
static double update(const Plain *p, int32_t row, const Here *h, const double *gain) {
    const Model *m = p->m;
    const Lattice *l = p->l;
    int32_t type, actor = model_row_actor(m, row, &type), own = m->actor[actor].private;
    double *value = p->value + row * l->n_state, acc = 0, diag = l->actor[actor].rho, b[MODEL_TYPES_MAX];
    for (int32_t t = 0; t < m->n_term; t++)
        if (m->term[t].actor == actor) acc += eval_at(p, m->term[t].by_type ? m->term[t].by_type[type] : m->term[t].value, h);
    for (int32_t k = 0; k < m->n_stock; k++) {
        const ModelStock *st = &m->stock[k];
        int32_t v = m->n_mode + k;
        double step = (st->high - st->low) / (st->n_grid - 1);
        double f = st->drift == PROGRAM_NONE ? 0 : eval_at(p, st->drift, h);
        double sd = st->noise == PROGRAM_NONE ? 0 : eval_at(p, st->noise, h), spread = sd * sd / (2 * step * step);
        double up = h->node[v] + 1 < st->n_grid ? fmax(f, 0) / step + spread : 0;
        double down = h->node[v] > 0 ? fmax(-f, 0) / step + spread : 0;
        if (up > 0) acc += up * value[h->s + l->stride[v]];
        if (down > 0) acc += down * value[h->s - l->stride[v]];
        diag += up + down;
    }
    for (int32_t j = 0; j < m->n_jump; j++) {
        const ModelJump *mj = &m->jump[j];
        if (mj->kind == JUMP_DATED || !holds(p, mj->when, h)) continue;
        double rate = mj->kind == JUMP_EVENT ? eval_at(p, mj->rate, h) : eval_at(p, m->actor[mj->actor].attends, h);
        if (mj->kind == JUMP_MOVE) rate *= mj->actor == actor ? *chance_at(p, j, type, h->s) : public_chance(p, j, h);
        diag += rate;
        if (mj->kind == JUMP_MOVE && mj->actor == actor && m->choice == CHOICE_TASTE) {
            acc += rate * value[h->s];
            continue;
        }
        bool tells = posterior(p, j, h, b);
        if (rate != 0) acc += rate * (mean_after(p, j, h, tells ? b : NULL, value) + lump_of(p, j, actor, type, h));
    }
    if (m->choice == CHOICE_TASTE) acc += eval_at(p, m->actor[actor].attends, h) * gain[row];
    for (int32_t i = 0; i < m->n_private; i++) drift_on(p, i, h, value, &acc, &diag);
    for (int32_t k = 0; own >= 0 && k < m->private[own].n_becomes; k++) {
        int32_t to = m->private[own].becomes[k].type;
        if (to == type) continue;
        double rate = eval_at(p, m->private[own].becomes[k].rate, h);
        acc += rate * p->value[(row + to - type) * l->n_state + h->s];
        diag += rate;
    }
    double miss = acc - diag * value[h->s];
    value[h->s] += miss / diag;
    return miss == miss ? fabs(miss) : INFINITY;
}

static DurStatus plain_make(Plain *p, const Lattice *l, const LatticeRule *rule, double *value, DurError *error) {
    const Model *m = l->model;
    *p = (Plain){.l = l, .m = m, .rule = rule && rule->actor >= 0 ? rule : NULL, .n_row = model_rows(m), .value = value};
    p->chance = memory_column((int64_t)m->n_jump * MODEL_TYPES_MAX * l->n_state);
    return p->chance ? DUR_OK : status_fail(error, DUR_MEMORY, "out of memory in the plain solver");
}

// all choices and values of one state; the largest miss of each kind
static void sweep_state(const Plain *p, int64_t s, double *worst, double *off) {
    const Model *m = p->m;
    Here h = {.s = s};
    double gain[MODEL_VARIABLES_MAX * MODEL_TYPES_MAX];
    lattice_nodes(p->l, s, h.node);
    lattice_levels(p->l, h.node, h.level);
    for (int32_t a = 0, row = 0; a < m->n_actor; a++)
        for (int32_t t = 0; t < model_types(m, a); t++, row++) *off = fmax(*off, choose(p, a, t, &h, &gain[row]));
    for (int32_t r = 0; r < p->n_row; r++) *worst = fmax(*worst, update(p, r, &h, gain));
}

static double relative(const Plain *p, double worst) {
    double size = 0;
    for (int64_t i = 0; i < p->n_row * p->l->n_state; i++) size = fmax(size, fabs(p->value[i]));
    return size > 0 ? worst / size : worst;
}

DurStatus plain_types_solve(const Lattice *l, const LatticeRule *rule, double tolerance, int64_t max_sweep, double *value,
                            double *residual, int64_t *n_sweep, DurError *error) {
    Plain p;
    TRY(plain_make(&p, l, rule, value, error));
    memset(value, 0, (size_t)(p.n_row * l->n_state) * sizeof *value);
    *n_sweep = 0;
    do {
        double worst = 0, off = 0;
        for (int64_t s = 0; s < l->n_state; s++) sweep_state(&p, s, &worst, &off);
        *residual = fmax(relative(&p, worst), off);
        ++*n_sweep;
    } while (*residual > tolerance && *n_sweep < max_sweep);
    memory_free(p.chance);
    return DUR_OK;
}

DurStatus plain_types_residual(const Policy *policy, double *residual, DurError *error) {
    // a state's own values and choices are put back before the next
    const Lattice *l = policy->lattice;
    const Model *m = l->model;
    Plain p;
    int64_t n_value = (int64_t)model_rows(m) * l->n_state, n_chance = (int64_t)m->n_jump * MODEL_TYPES_MAX * l->n_state;
    double *value = memory_column(n_value), *chance = memory_column(n_chance), worst = 0, off = 0;
    DurStatus status = value && chance ? plain_make(&p, l, &policy->rule, value, error) : DUR_MEMORY;
    if (status != DUR_OK) goto done;
    memcpy(value, policy->value, (size_t)n_value * sizeof *value);
    for (int32_t j = 0; j < m->n_jump; j++)
        for (int32_t t = 0; m->jump[j].kind == JUMP_MOVE && t < model_types(m, m->jump[j].actor); t++)
            for (int64_t s = 0; s < l->n_state; s++) {
                int64_t at = policy_entry(policy, j, t, s);
                *chance_at(&p, j, t, s) = at < 0 ? 0 : policy->probability[at];
            }
    memcpy(chance, p.chance, (size_t)n_chance * sizeof *chance);
    for (int64_t s = 0; s < l->n_state; s++) {
        sweep_state(&p, s, &worst, &off);
        for (int32_t r = 0; r < p.n_row; r++) value[r * l->n_state + s] = policy->value[r * l->n_state + s];
        for (int32_t k = 0; k < m->n_jump * MODEL_TYPES_MAX; k++) p.chance[k * l->n_state + s] = chance[k * l->n_state + s];
    }
    *residual = fmax(relative(&p, worst), off);
    memory_free(p.chance);

done:
    memory_free(chance);
    memory_free(value);
    return status == DUR_OK ? status : status_fail(error, status, "out of memory in the plain solver");
}
