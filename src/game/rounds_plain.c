/// The plain oracle of a game in rounds: every joint choice of every state one by one, every number from the model itself
/// by the reference interpreter. Of the lattice it uses the order of states alone; slow, and meant to be.
#include "base/memory.h"
#include "game/rounds.h"

#include <math.h>
#include <string.h>

#define ACTORS_MAX 8
#define WAYS_MAX 65536

/// One way that something can turn out.
typedef struct Way { int64_t to; double weight; } Way;

typedef struct Plain {
    const Lattice *l;
    const Model *m;
    const Policy *p;
    double *after, *before;      // [n_actor x n_state] worth after a stage's choices, and before them
    double residual, response;
} Plain;

/// One joint choice being played out: who, what, and how far.
typedef struct Play {
    const Plain *plain;
    int32_t n, actor[ACTORS_MAX], move[ACTORS_MAX];   // move < 0: waits
} Play;

static void state_of(const Plain *p, int64_t s, double *state) {
    const Lattice *l = p->l;
    for (int32_t v = 0; v < l->n_variable; v++) {
        int64_t node = s / l->stride[v] % l->n_node[v];
        if (v < p->m->n_mode) { state[v] = (double)node; continue; }
        const ModelStock *stock = &p->m->stock[v - p->m->n_mode];
        state[v] = node == l->n_node[v] - 1 ? stock->high
                                             : stock->low + (double)node * ((stock->high - stock->low) / (l->n_node[v] - 1));
    }
}

static double value_of(const Plain *p, ProgramId program, int64_t s, const double *draw) {
    double state[MODEL_VARIABLES_MAX];
    state_of(p, s, state);
    return eval_state(p->m, program, state, p->l->param, draw, NULL);
}

static bool holds(const Plain *p, ProgramId cond, int64_t s) { return cond == PROGRAM_NONE || value_of(p, cond, s, NULL) != 0; }

static double precision_of(const Plain *p, int32_t actor, int64_t s) {
    const LatticeRule *r = &p->p->rule;
    return value_of(p, r->actor == actor && r->precision != PROGRAM_NONE ? r->precision : p->m->actor[actor].precision, s, NULL);
}

// every way that effects can turn out from one state: clip first, split second
static int32_t ways_of(const Plain *p, const ModelEffect *effect, int32_t n_effect, const ModelDraw *draw, int32_t n_draw,
                       int64_t s, Way *way) {
    int64_t n_branch = 1;
    int32_t n = 0;
    for (int32_t d = 0; d < n_draw; d++) n_branch *= draw[d].n_value;
    for (int64_t b = 0; b < n_branch; b++) {
        double drawn[16] = {0}, weight = 1;
        int64_t rest = b;
        int32_t first = n;
        for (int32_t d = 0; d < n_draw; d++) {
            drawn[d] = draw[d].value[rest % draw[d].n_value];
            weight *= draw[d].weight[rest % draw[d].n_value];
            rest /= draw[d].n_value;
        }
        way[n++] = (Way){s, weight};
        for (int32_t k = 0; k < n_effect; k++) {
            int32_t v = effect[k].to, end = n;
            double x = value_of(p, effect[k].value, s, drawn), node = x, up = 0;
            if (v >= p->m->n_mode) {
                const ModelStock *stock = &p->m->stock[v - p->m->n_mode];
                x = fmin(fmax(x, stock->low), stock->high);
                double at = (x - stock->low) / (stock->high - stock->low) * (p->l->n_node[v] - 1);
                node = fabs(at - round(at)) < 1e-9 ? round(at) : floor(at);
                up = fabs(at - round(at)) < 1e-9 ? 0 : at - node;
            }
            int64_t here = s / p->l->stride[v] % p->l->n_node[v];
            for (int32_t i = first; i < end; i++) {
                way[i].to += ((int64_t)node - here) * p->l->stride[v];
                if (up == 0 || n >= WAYS_MAX) continue;
                way[n++] = (Way){way[i].to + p->l->stride[v], way[i].weight * up};
                way[i].weight *= 1 - up;
            }
        }
    }
    return n;
}

static double lump_of(const Plain *p, int32_t jump, int32_t actor, int64_t s) {
    double sum = 0;
    for (int32_t k = 0; jump >= 0 && k < p->m->jump[jump].n_lump; k++)
        if (p->m->jump[jump].lump[k].actor == actor) sum += value_of(p, p->m->jump[jump].lump[k].value, s, NULL);
    return sum;
}

// what events from `jump` on, the change of stocks and the next round are worth to an actor in s
static double events_from(const Plain *p, int32_t jump, int32_t actor, int64_t s) {
    const Model *m = p->m;
    while (jump < m->n_jump && m->jump[jump].kind != JUMP_EVENT) jump++;
    Way *way = memory_alloc(WAYS_MAX * sizeof *way);
    double sum = 0;
    if (!way) return NAN;
    if (jump == m->n_jump) {
        int32_t n = ways_of(p, m->change, m->n_change, NULL, 0, s, way);
        double beta = m->actor[actor].discount != PROGRAM_NONE ? value_of(p, m->actor[actor].discount, s, NULL)
                                                               : exp(-1 / value_of(p, m->actor[actor].patience, s, NULL));
        for (int32_t i = 0; i < n; i++) sum += beta * way[i].weight * p->p->value[actor * p->l->n_state + way[i].to];
    } else {
        const ModelJump *j = &m->jump[jump];
        double chance = holds(p, j->when, s) ? value_of(p, j->rate, s, NULL) : 0;
        if (chance < 1) sum += (1 - chance) * events_from(p, jump + 1, actor, s);
        if (chance > 0) {
            int32_t n = ways_of(p, j->effect, j->n_effect, j->draw, j->n_draw, s, way);
            sum += chance * lump_of(p, jump, actor, s);
            for (int32_t i = 0; i < n; i++) sum += chance * way[i].weight * events_from(p, jump + 1, actor, way[i].to);
        }
    }
    memory_free(way);
    return sum;
}

// mean worth to `actor` when the choices from the k-th on take effect in s
static double play(const Play *y, int32_t k, int32_t actor, int64_t s) {
    const Plain *p = y->plain;
    while (k < y->n && y->move[k] < 0) k++;
    if (k == y->n) return p->after[actor * p->l->n_state + s];
    const ModelJump *j = &p->m->jump[y->move[k]];
    Way *way = memory_alloc(WAYS_MAX * sizeof *way);
    double sum = 0;
    if (!way) return NAN;
    int32_t n = ways_of(p, j->effect, j->n_effect, j->draw, j->n_draw, s, way);
    for (int32_t i = 0; i < n; i++) sum += way[i].weight * play(y, k + 1, actor, way[i].to);
    memory_free(way);
    return sum;
}

static bool is_open(const Plain *p, int32_t jump, int64_t s) {
    const LatticeRule *r = &p->p->rule;
    return holds(p, p->m->jump[jump].when, s) && !(r->actor == p->m->jump[jump].actor && r->never[jump]);
}

// one stage in one state: worth before it, and how far each chooser's P is from its answer
static void stage_state(Plain *p, int32_t n, const int32_t *actor, int64_t s) {
    const Model *m = p->m;
    Play y = {.plain = p, .n = n};
    int32_t move[ACTORS_MAX][MODEL_MOVES_MAX + 1], n_option[ACTORS_MAX];
    double chance[ACTORS_MAX][MODEL_MOVES_MAX + 1], attends[ACTORS_MAX];
    int64_t n_joint = 1;
    for (int32_t k = 0; k < n; k++) {
        double wait = 1;
        y.actor[k] = actor[k];
        n_option[k] = 1;
        move[k][0] = -1;
        attends[k] = value_of(p, m->actor[actor[k]].attends, s, NULL);
        for (int32_t j = 0; j < m->n_jump; j++) {
            if (m->jump[j].kind != JUMP_MOVE || m->jump[j].actor != actor[k] || !is_open(p, j, s)) continue;
            move[k][n_option[k]] = j;
            chance[k][n_option[k]] = policy_probability(p->p, j, s);
            wait -= chance[k][n_option[k]++];
        }
        chance[k][0] = wait;
        n_joint *= n_option[k];
    }
    // q[k][a]: to chooser k of option a; worth: to everyone
    static const double nothing[MODEL_MOVES_MAX + 1];
    double q[ACTORS_MAX][MODEL_MOVES_MAX + 1];
    for (int32_t k = 0; k < n; k++) memcpy(q[k], nothing, sizeof q[k]);
    for (int32_t i = 0; i < m->n_actor; i++) p->before[i * p->l->n_state + s] = 0;
    for (int64_t c = 0; c < n_joint; c++) {
        int64_t rest = c;
        int32_t option[ACTORS_MAX];
        for (int32_t k = 0; k < n; k++) {
            option[k] = (int32_t)(rest % n_option[k]);
            y.move[k] = move[k][option[k]];
            rest /= n_option[k];
        }
        for (int32_t i = 0; i < m->n_actor; i++) {
            double worth = play(&y, 0, i, s), all = 1;
            for (int32_t k = 0; k < n; k++) worth += lump_of(p, y.move[k], i, s);
            for (int32_t k = 0; k < n; k++) {
                double others = 1;
                for (int32_t o = 0; o < n; o++)
                    if (o != k) others *= attends[o] * chance[o][option[o]] + (option[o] == 0 ? 1 - attends[o] : 0);
                if (actor[k] == i) q[k][option[k]] += others * worth;
                all *= attends[k] * chance[k][option[k]] + (option[k] == 0 ? 1 - attends[k] : 0);
            }
            p->before[i * p->l->n_state + s] += all * worth;
        }
    }
    // the answers, and what shocks are worth
    for (int32_t k = 0; k < n; k++) {
        double mu = precision_of(p, actor[k], s), top = q[k][0], total = 0, entropy = 0;
        const LatticeRule *r = &p->p->rule;
        int32_t forced = -1;
        for (int32_t x = 0; r->actor == actor[k] && x < r->n_always && forced < 0; x++) {
            if (!holds(p, r->always_when[x], s)) continue;
            for (int32_t a = 1; a < n_option[k]; a++)
                if (move[k][a] == r->always[x]) forced = a;
        }
        for (int32_t a = 1; a < n_option[k]; a++) top = fmax(top, q[k][a]);
        for (int32_t a = 0; a < n_option[k]; a++) total += exp(mu * (q[k][a] - top));
        for (int32_t a = 0; a < n_option[k]; a++) {
            double due = forced >= 0 ? a == forced : exp(mu * (q[k][a] - top)) / total;
            double off = fabs(due - chance[k][a]);
            p->response = off > p->response || off != off ? off : p->response;
            if (chance[k][a] > 0) entropy -= chance[k][a] * log(chance[k][a]);
        }
        if (m->choice == CHOICE_TASTE && entropy > 0)
            p->before[actor[k] * p->l->n_state + s] += attends[k] * entropy / mu;
    }
}

DurStatus rounds_plain_check(const Policy *policy, double *residual, double *response, DurError *error) {
    const Lattice *l = policy->lattice;
    const Model *m = l->model;
    Plain p = {.l = l, .m = m, .p = policy};
    if (m->n_actor > ACTORS_MAX)
        return status_fail(error, DUR_LIMIT, "the plain oracle takes at most %d actors", ACTORS_MAX);
    p.after = memory_column(m->n_actor * l->n_state);
    p.before = memory_column(m->n_actor * l->n_state);
    if (!p.after || !p.before) {
        memory_free(p.before);
        memory_free(p.after);
        return status_fail(error, DUR_MEMORY, "out of memory in the plain oracle");
    }
    for (int32_t i = 0; i < m->n_actor; i++)
        for (int64_t s = 0; s < l->n_state; s++) {
            double sum = events_from(&p, 0, i, s);
            for (int32_t t = 0; t < m->n_term; t++)
                if (m->term[t].actor == i) sum += value_of(&p, m->term[t].value, s, NULL);
            p.after[i * l->n_state + s] = sum;
        }
    // the last in the order first; without an order, all at once
    int32_t n_stage = m->n_order > 0 ? m->n_order : 1;
    for (int32_t k = n_stage - 1; k >= 0; k--) {
        int32_t actor[ACTORS_MAX], n = 0;
        for (int32_t a = 0; a < m->n_actor; a++) {
            bool acts = false;
            for (int32_t j = 0; j < m->n_jump; j++) acts |= m->jump[j].kind == JUMP_MOVE && m->jump[j].actor == a;
            if (acts && (m->n_order == 0 || m->order[k] == a)) actor[n++] = a;
        }
        for (int64_t s = 0; s < l->n_state; s++) stage_state(&p, n, actor, s);
        memcpy(p.after, p.before, (size_t)(m->n_actor * l->n_state) * sizeof *p.after);
    }
    for (int64_t x = 0; x < m->n_actor * l->n_state; x++) {
        double off = fabs(p.after[x] - policy->value[x]);
        p.residual = off > p.residual || off != off ? off : p.residual;
    }
    *residual = p.residual;
    *response = p.response;
    memory_free(p.before);
    memory_free(p.after);
    return DUR_OK;
}
