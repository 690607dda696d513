/// The plain solver. Nothing here is clever: every number is taken by the reference interpreter, one state at a time,
/// from the model itself (only the order of states is the lattice's); ways out of a state are kept as explicit lists; the
/// values are swept in order of states, each new one used at once. It is the oracle that the fast solver is held
/// against, and the baseline that it is timed against.
#include "base/memory.h"
#include "base/progress.h"
#include "game/game.h"

#include <math.h>
#include <string.h>

/// One way out of a state: where to, at what rate (flows), or with what probability (outcomes of a choice).
typedef struct Way { int64_t to; double weight; } Way;

typedef struct List { Way *way; int64_t n, capacity; } List;

/// One choice open to an actor at a state.
typedef struct Option {
    int64_t first, n_way;       // its outcomes in Plain.outcome
    int32_t jump, actor;
    double lump[8];             // by actor
} Option;

#define ACTORS_MAX 8

typedef struct Plain {
    const Lattice *l;
    const Model *m;
    const LatticeRule *rule;
    List flow, outcome;
    int64_t *flow_at;           // [n_state + 1]
    Option *option;
    int64_t n_option, option_capacity;
    int64_t *option_at;         // [n_state + 1]
    double *pay;                // [n_actor x n_state] flow of payoff, lumps of events included
    double *rate;               // [n_state] total rate of flows
    double *attends, *mu;       // [n_actor x n_state]
    int32_t *forced;            // [n_actor x n_state] option index within the state's list, or -1
} Plain;

static bool push(List *list, int64_t to, double weight) {
    if (list->n == list->capacity) {
        int64_t capacity = list->capacity ? 2 * list->capacity : 1024;
        Way *way = memory_resize(list->way, (size_t)capacity * sizeof *way);
        if (!way) return false;
        list->way = way;
        list->capacity = capacity;
    }
    list->way[list->n++] = (Way){to, weight};
    return true;
}

// nodes around a value of one variable: clip first, split second
static int split(const Plain *p, int32_t v, double x, int32_t node[2], double weight[2]) {
    if (v < p->m->n_mode) { node[0] = (int32_t)x; weight[0] = 1; return 1; }
    const ModelStock *s = &p->m->stock[v - p->m->n_mode];
    int32_t n = p->l->n_node[v];
    if (n < 2) { node[0] = 0; weight[0] = 1; return 1; }
    double at = (fmin(fmax(x, s->low), s->high) - s->low) / (s->high - s->low) * (n - 1);
    if (fabs(at - round(at)) < 1e-9) { node[0] = (int32_t)round(at); weight[0] = 1; return 1; }
    node[0] = (int32_t)floor(at);
    node[1] = node[0] + 1;
    weight[1] = at - floor(at);
    weight[0] = 1 - weight[1];
    return 2;
}

// every way that a jump can turn out, from one state
static bool outcomes(Plain *p, const ModelJump *j, const double *state, int64_t from, double factor, List *to) {
    int64_t n_branch = 1;
    for (int32_t d = 0; d < j->n_draw; d++) n_branch *= j->draw[d].n_value;
    for (int64_t b = 0; b < n_branch; b++) {
        double draw[16] = {0}, weight = factor;
        int64_t rest = b, first = to->n;
        for (int32_t d = 0; d < j->n_draw; d++) {
            draw[d] = j->draw[d].value[rest % j->draw[d].n_value];
            weight *= j->draw[d].weight[rest % j->draw[d].n_value];
            rest /= j->draw[d].n_value;
        }
        if (!push(to, from, weight)) return false;
        for (int32_t k = 0; k < j->n_effect; k++) {
            int32_t v = j->effect[k].to, node[2];
            double w[2], x = eval_state(p->m, j->effect[k].value, state, p->l->param, draw, NULL);
            int n = split(p, v, x, node, w);
            int64_t here = from / p->l->stride[v] % p->l->n_node[v], end = to->n;
            for (int64_t i = first; i < end; i++) {
                Way base = to->way[i];
                to->way[i] = (Way){base.to + (node[0] - here) * p->l->stride[v], base.weight * w[0]};
                if (n == 2 && !push(to, base.to + (node[1] - here) * p->l->stride[v], base.weight * w[1])) return false;
            }
        }
    }
    return true;
}

static bool holds(const Plain *p, ProgramId cond, const double *state) {
    return cond == PROGRAM_NONE || eval_state(p->m, cond, state, p->l->param, NULL, NULL) != 0;
}

static bool build_state(Plain *p, int64_t s) {
    const Lattice *l = p->l;
    const Model *m = p->m;
    int32_t node[MODEL_VARIABLES_MAX];
    double state[MODEL_VARIABLES_MAX];
    lattice_nodes(l, s, node);
    for (int32_t v = 0; v < l->n_variable; v++) state[v] = lattice_level(l, v, node[v]);
#define VALUE(program) eval_state(m, program, state, l->param, NULL, NULL)

    p->flow_at[s] = p->flow.n;
    p->option_at[s] = p->n_option;
    for (int32_t t = 0; t < m->n_term; t++) p->pay[m->term[t].actor * l->n_state + s] += VALUE(m->term[t].value);
    for (int32_t k = 0; k < m->n_stock; k++) {
        const ModelStock *st = &m->stock[k];
        int32_t v = m->n_mode + k;
        if (l->n_node[v] < 2) continue;
        double h = (st->high - st->low) / (l->n_node[v] - 1);
        double f = st->drift == PROGRAM_NONE ? 0 : VALUE(st->drift), sd = st->noise == PROGRAM_NONE ? 0 : VALUE(st->noise);
        double up = (f > 0 ? f / h : 0) + sd * sd / (2 * h * h), down = (f < 0 ? -f / h : 0) + sd * sd / (2 * h * h);
        if (node[v] + 1 < l->n_node[v] && up > 0 && !push(&p->flow, s + l->stride[v], up)) return false;
        if (node[v] > 0 && down > 0 && !push(&p->flow, s - l->stride[v], down)) return false;
    }
    for (int32_t j = 0; j < m->n_jump; j++) {
        const ModelJump *mj = &m->jump[j];
        if (mj->kind == JUMP_DATED || !holds(p, mj->when, state)) continue;
        if (mj->kind == JUMP_EVENT) {
            double rate = VALUE(mj->rate);
            if (rate == 0) continue;
            if (!outcomes(p, mj, state, s, rate, &p->flow)) return false;
            for (int32_t k = 0; k < mj->n_lump; k++)
                p->pay[mj->lump[k].actor * l->n_state + s] += rate * VALUE(mj->lump[k].value);
            continue;
        }
        if (p->rule && p->rule->actor == mj->actor && p->rule->never[j]) continue;
        if (p->n_option == p->option_capacity) {
            int64_t capacity = p->option_capacity ? 2 * p->option_capacity : 1024;
            Option *option = memory_resize(p->option, (size_t)capacity * sizeof *option);
            if (!option) return false;
            p->option = option;
            p->option_capacity = capacity;
        }
        Option o = {.first = p->outcome.n, .jump = j, .actor = mj->actor};
        if (!outcomes(p, mj, state, s, 1.0, &p->outcome)) return false;
        o.n_way = p->outcome.n - o.first;
        for (int32_t k = 0; k < mj->n_lump; k++) o.lump[mj->lump[k].actor] += VALUE(mj->lump[k].value);
        p->option[p->n_option++] = o;
    }
    for (int32_t a = 0; a < m->n_actor; a++) {
        bool replaced = p->rule && p->rule->actor == a && p->rule->precision != PROGRAM_NONE;
        p->attends[a * l->n_state + s] = VALUE(m->actor[a].attends);
        p->mu[a * l->n_state + s] = VALUE(replaced ? p->rule->precision : m->actor[a].precision);
        p->forced[a * l->n_state + s] = -1;
        for (int32_t k = 0; p->rule && p->rule->actor == a && k < p->rule->n_always; k++) {
            if (!holds(p, p->rule->always_when[k], state)) continue;
            int64_t o = p->option_at[s];
            while (o < p->n_option && p->option[o].jump != p->rule->always[k]) o++;
            if (o == p->n_option) continue;
            p->forced[a * l->n_state + s] = (int32_t)(o - p->option_at[s]);
            break;
        }
    }
    for (int64_t i = p->flow_at[s]; i < p->flow.n; i++) p->rate[s] += p->flow.way[i].weight;
    return true;
}

// one Gauss-Seidel update of every actor's value at one state; returns the largest |miss| of its equations
static double update(const Plain *p, int64_t s, double *value) {
    const Lattice *l = p->l;
    int64_t n = l->n_state;
    int32_t n_actor = p->m->n_actor;
    double sum[ACTORS_MAX], rate = p->rate[s];
    for (int32_t i = 0; i < n_actor; i++) {
        const double *v = value + i * n;
        sum[i] = p->pay[i * n + s];
        for (int64_t k = p->flow_at[s]; k < p->flow_at[s + 1]; k++) sum[i] += p->flow.way[k].weight * v[p->flow.way[k].to];
    }
    for (int32_t a = 0; a < n_actor; a++) {
        double attends = p->attends[a * n + s], mu = p->mu[a * n + s], top = 0, total;
        double q[MODEL_MOVES_MAX], e[MODEL_MOVES_MAX];
        int64_t first = p->option_at[s], end = p->option_at[s + 1];
        int32_t forced = p->forced[a * n + s], n_open = 0;
        const double *v = value + a * n;
        for (int64_t o = first; o < end; o++) {
            if (p->option[o].actor != a) continue;
            const Option *opt = &p->option[o];
            double mean = opt->lump[a];
            for (int64_t k = opt->first; k < opt->first + opt->n_way; k++)
                mean += p->outcome.way[k].weight * v[p->outcome.way[k].to];
            q[n_open] = mean - v[s];
            top = fmax(top, mu * q[n_open]);
            n_open++;
        }
        if (n_open == 0 || attends == 0) continue;
        total = exp(-top);
        for (int32_t k = 0; k < n_open; k++) total += e[k] = exp(mu * q[k] - top);
        double moved = 0;
        for (int64_t o = first, k = 0; o < end; o++) {
            if (p->option[o].actor != a) continue;
            const Option *opt = &p->option[o];
            double chance = forced >= 0 ? (o - first == forced) : e[k] / total;
            k++;
            if (chance == 0) continue;
            moved += chance;
            for (int32_t i = 0; i < n_actor; i++) {
                if (p->m->choice == CHOICE_TASTE && i == a) continue;
                double mean = opt->lump[i];
                for (int64_t w = opt->first; w < opt->first + opt->n_way; w++)
                    mean += p->outcome.way[w].weight * value[i * n + p->outcome.way[w].to];
                sum[i] += attends * chance * mean;
            }
        }
        if (p->m->choice == CHOICE_TASTE) {
            double gain = forced >= 0 ? 0 : (top + log(total)) / mu;
            for (int64_t o = first, k = 0; o < end; o++)
                if (p->option[o].actor == a) { if (forced >= 0 && o - first == forced) gain = q[k]; k++; }
            sum[a] += attends * (gain + moved * v[s]);
        }
        rate += attends * moved;
    }
    double worst = 0;
    for (int32_t i = 0; i < n_actor; i++) {
        double d = l->actor[i].rho + rate, miss = sum[i] - d * value[i * n + s];
        value[i * n + s] += miss / d;
        worst = fmax(worst, fabs(miss));
        if (miss != miss) worst = INFINITY;
    }
    return worst;
}

static void plain_free(Plain *p) {
    memory_free(p->forced);
    memory_free(p->mu);
    memory_free(p->attends);
    memory_free(p->rate);
    memory_free(p->pay);
    memory_free(p->option_at);
    memory_free(p->option);
    memory_free(p->flow_at);
    memory_free(p->outcome.way);
    memory_free(p->flow.way);
}

static DurStatus plain_make(Plain *p, const Lattice *l, const LatticeRule *rule, DurError *error) {
    size_t n = (size_t)l->n_state, n_actor = (size_t)l->model->n_actor;
    *p = (Plain){.l = l, .m = l->model, .rule = rule && rule->actor >= 0 ? rule : NULL};
    if (l->model->n_actor > ACTORS_MAX)
        return status_fail(error, DUR_LIMIT, "the plain solver takes at most %d actors", ACTORS_MAX);
    p->flow_at = memory_zeroed(n + 1, sizeof *p->flow_at);
    p->option_at = memory_zeroed(n + 1, sizeof *p->option_at);
    p->pay = memory_column((int64_t)(n * n_actor));
    p->rate = memory_column((int64_t)n);
    p->attends = memory_column((int64_t)(n * n_actor));
    p->mu = memory_column((int64_t)(n * n_actor));
    p->forced = memory_zeroed(n * n_actor, sizeof *p->forced);
    bool ok = p->flow_at && p->option_at && p->pay && p->rate && p->attends && p->mu && p->forced;
    for (int64_t s = 0; ok && s < l->n_state; s++) ok = build_state(p, s);
    if (!ok) {
        plain_free(p);
        return status_fail(error, DUR_MEMORY, "out of memory in the plain solver");
    }
    p->flow_at[n] = p->flow.n;
    p->option_at[n] = p->n_option;
    return DUR_OK;
}

static double relative(double worst, const double *value, size_t n) {
    double size = 0;
    for (size_t i = 0; i < n; i++) size = fmax(size, fabs(value[i]));
    return size > 0 ? worst / size : worst;
}

DurStatus plain_residual(const Lattice *l, const LatticeRule *rule, const double *value, double *residual,
                         DurError *error) {
    // an update changes the values of its own state alone, so each can be put back before the next
    Plain p;
    size_t n = (size_t)l->n_state, n_actor = (size_t)l->model->n_actor;
    TRY(plain_make(&p, l, rule, error));
    double *copy = memory_column((int64_t)(n * n_actor)), worst = 0;
    if (!copy) {
        plain_free(&p);
        return status_fail(error, DUR_MEMORY, "out of memory in the plain solver");
    }
    memcpy(copy, value, n * n_actor * sizeof *copy);
    for (size_t s = 0; s < n; s++) {
        worst = fmax(worst, update(&p, (int64_t)s, copy));
        for (size_t i = 0; i < n_actor; i++) copy[i * n + s] = value[i * n + s];
    }
    *residual = relative(worst, value, n * n_actor);
    memory_free(copy);
    plain_free(&p);
    return DUR_OK;
}

DurStatus plain_solve(const Lattice *l, const LatticeRule *rule, double tolerance, int64_t max_sweep, double *value,
                      double *residual, int64_t *n_sweep, double *seconds, DurError *error) {
    Plain p;
    size_t n = (size_t)l->n_state * (size_t)l->model->n_actor;
    TRY(plain_make(&p, l, rule, error));

    // timed from here: building the lists is not what the benchmark compares
    double start = progress_seconds();
    memset(value, 0, n * sizeof *value);
    *n_sweep = 0;
    do {
        double worst = 0;
        for (int64_t s = 0; s < l->n_state; s++) worst = fmax(worst, update(&p, s, value));
        *residual = relative(worst, value, n);
        ++*n_sweep;
    } while (*residual > tolerance && *n_sweep < max_sweep);
    *seconds = progress_seconds() - start;
    plain_free(&p);
    return DUR_OK;
}
