/// Certificates of a game with private types: as certify.c, for each type. The chain that a type expects is that of the
/// policy with its own choices in place of what others expect of it; types that may become one another are solved
/// together. What others believe and how they learn is held, also where regret asks for the best deviation.
#include "base/memory.h"
#include "game/certify.h"
#include "lattice/chain.h"
#include "num/bicgstab.h"
#include "num/linear.h"

#include <math.h>
#include <string.h>

/// As in certify.c.
#define EVALUATE_TOLERANCE 1e-11
#define EVALUATE_APPLIES 4000
#define IMPROVE_ROUNDS 40

typedef struct Certifier {
    const Policy *policy;
    const Lattice *lattice;
    Policy *deviant;           // the policy with one actor's choices replaced
    const Policy *applied;     // whose chain is at hand
    double *exit, *reward, *value, *image;   // [n_type x n_state] of the actor at hand
    Team *team;
    const Progress *progress;
    int32_t actor, first_row, n_type;
} Certifier;

static double row_at(const Lattice *l, const LatticeTable *t, const LatticeBlock *view, int64_t lane) {
    return lattice_row(l, t, view)[t->inner ? lane : 0];
}

static double chance_of(const Policy *p, int32_t jump, int32_t type, int64_t state) {
    int64_t at = policy_entry(p, jump, type, state);
    return at < 0 ? 0.0 : p->probability[at];
}

// The flow of payoff to one type of an actor, and the rate at which its state is left: terms, lumps at the rate at which
// they fall due, under `choice taste` the mean shock of the move picked; its own moves by its own choices.
static void flow(const Policy *p, int32_t actor, int32_t type, double *out, double *exit) {
    const Lattice *l = p->lattice;
    const Model *m = l->model;
    for (int64_t b = 0; b < l->n_block; b++) {
        LatticeBlock view;
        lattice_block(l, b, &view);
        for (int64_t i = 0; i < l->n_lane; i++) {
            int64_t s = view.first + i;
            double sum = 0, wait = 1, entropy = 0;
            exit[s] = l->actor[actor].rho;
            for (int32_t t = 0; t < m->n_term; t++)
                if (m->term[t].actor == actor) sum += row_at(l, lattice_term(l, t, type), &view, i);
            for (int32_t j = 0; j < m->n_jump; j++) {
                const ModelJump *mj = &m->jump[j];
                double rate = 0;
                if (mj->kind == JUMP_EVENT) rate = row_at(l, &l->jump[j].rate, &view, i);
                if (mj->kind == JUMP_MOVE) {
                    double chance = mj->actor == actor ? chance_of(p, j, type, s) : policy_probability(p, j, s);
                    rate = chance * row_at(l, &l->actor[mj->actor].attends, &view, i);
                    if (mj->actor == actor && chance > 0) { wait -= chance; entropy -= chance * log(chance); }
                }
                if (rate == 0) continue;
                exit[s] += rate;
                for (int32_t k = 0; k < mj->n_lump; k++)
                    if (mj->lump[k].actor == actor) sum += rate * row_at(l, lattice_lump(l, j, k, type), &view, i);
            }
            for (int32_t k = 0; k < m->n_stock; k++)
                if (l->stock[k].moves)
                    exit[s] += row_at(l, &l->stock[k].up, &view, i) + row_at(l, &l->stock[k].down, &view, i);
            if (m->choice == CHOICE_TASTE) {
                if (wait > 0) entropy -= wait * log(wait);
                double mu = row_at(l, lattice_rule_precision(l, &p->rule, actor, type), &view, i);
                if (entropy > 0) sum += row_at(l, &l->actor[actor].attends, &view, i) * entropy / mu;
            }
            out[s] = sum;
        }
    }
}

// y_t = rho x_t - G_t x_t - sum over u of q_tu (x_u - x_t), for all types of the actor at hand
static DurStatus apply(void *context, const double *x, double *y) {
    Certifier *c = context;
    const Lattice *l = c->lattice;
    int64_t n = l->n_state;
    int32_t p = l->model->actor[c->actor].private;
    double rho = l->actor[c->actor].rho;
    for (int32_t t = 0; t < c->n_type; t++) {
        double *out = y + t * n;
        TRY(chain_apply_as(c->applied, c->actor, t, x + t * n, out, c->team));
        for (int64_t s = 0; s < n; s++) out[s] = rho * x[t * n + s] - out[s];
        for (int32_t k = 0; p >= 0 && k < l->model->private[p].n_becomes; k++) {
            int32_t u = l->model->private[p].becomes[k].type;
            if (u == t) continue;
            for (int64_t b = 0; b < l->n_block; b++) {
                LatticeBlock view;
                lattice_block(l, b, &view);
                for (int64_t i = 0, s = view.first; i < l->n_lane; i++, s++)
                    out[s] -= row_at(l, &l->private[p].becomes[k], &view, i) * (x[u * n + s] - x[t * n + s]);
            }
        }
    }
    return progress_stop(c->progress) ? DUR_INTERRUPTED : DUR_OK;
}

static void set_flows(Certifier *c, const Policy *p) {
    int64_t n = c->lattice->n_state;
    c->applied = p;
    for (int32_t t = 0; t < c->n_type; t++) flow(p, c->actor, t, c->reward + t * n, c->exit + t * n);
    // and the rate at which beliefs drift on
    const Model *m = c->lattice->model;
    for (int32_t i = 0; i < m->n_private; i++)
        for (int32_t u = 1; u < m->private[i].n_type; u++) {
            const double *drift = p->drift + (m->private[i].variable - m->n_mode - m->n_stock + u - 1) * n;
            for (int32_t t = 0; t < c->n_type; t++)
                for (int64_t s = 0; s < n; s++) c->exit[t * n + s] += fabs(drift[s]) * c->lattice->private[i].n_step;
        }
}

// exact values of one actor's types when everyone plays `p`, from the values already in c->value
static DurStatus evaluate(Certifier *c, const Policy *p, double tolerance) {
    set_flows(c, p);
    LinearSolve solve;
    return bicgstab(&solve, c->n_type * c->lattice->n_state, apply, c, c->reward, c->exit, tolerance, EVALUATE_APPLIES,
                    c->value);
}

/// How a choice follows from advantages.
typedef enum Answer { ANSWER_LOGIT, ANSWER_BEST } Answer;

// E V after a move from one state, target by target
static double mean_after(const Certifier *c, int32_t jump, const int32_t *node, const double *x, int64_t *to,
                         double *weight) {
    int32_t n = policy_targets(c->policy, jump, node, to, weight);
    double sum = 0;
    for (int32_t i = 0; i < n; i++) sum += weight[i] * x[to[i]];
    return sum;
}

// The answers of all types of the actor to their values in c->value, state by state; either written into `to`, or
// compared with the policy's own. Plain libm: this is the check, not the solver.
static DurStatus answers(Certifier *c, Answer how, Policy *to, double *worst) {
    const Lattice *l = c->lattice;
    const Model *m = l->model;
    const LatticeRule *rule = c->policy->rule.actor == c->actor ? &c->policy->rule : NULL;
    int64_t *target = memory_alloc(LATTICE_CORNERS_MAX * sizeof *target);
    double *weight = memory_alloc(LATTICE_CORNERS_MAX * sizeof *weight);
    *worst = 0;
    for (int64_t s = 0; target && weight && s < l->n_state; s++) {
        int32_t node[MODEL_VARIABLES_MAX];
        lattice_nodes(l, s, node);
        for (int32_t t = 0; t < c->n_type; t++) {
            const double *v = c->value + t * l->n_state;
            double score[MODEL_MOVES_MAX], top = 0, total = 0;
            int32_t move[MODEL_MOVES_MAX], n = 0, best = -1, forced = -1;
            double mu = lattice_table_at(l, lattice_rule_precision(l, rule, c->actor, t), node);
            for (int32_t j = 0; j < m->n_jump; j++) {
                if (m->jump[j].kind != JUMP_MOVE || m->jump[j].actor != c->actor) continue;
                if (lattice_table_at(l, &l->jump[j].when, node) == 0 || (rule && rule->never[j])) continue;
                double q = mean_after(c, j, node, v, target, weight) - v[s];
                for (int32_t k = 0; k < m->jump[j].n_lump; k++)
                    if (m->jump[j].lump[k].actor == c->actor) q += lattice_table_at(l, lattice_lump(l, j, k, t), node);
                move[n] = j;
                score[n] = how == ANSWER_BEST ? q : mu * q;
                if (score[n] > top) { top = score[n]; best = n; }
                n++;
            }
            for (int32_t k = 0; rule && k < rule->n_always && forced < 0; k++) {
                if (rule->always_when[k] != PROGRAM_NONE && lattice_table_at(l, &rule->always_table[k], node) == 0) continue;
                for (int32_t a = 0; a < n; a++)
                    if (move[a] == rule->always[k]) forced = a;
            }
            for (int32_t a = 0; a < n; a++) total += exp(score[a] - top);
            total += exp(-top);
            for (int32_t j = 0, a = 0; j < m->n_jump; j++) {
                if (m->jump[j].kind != JUMP_MOVE || m->jump[j].actor != c->actor) continue;
                double p = 0;
                if (a < n && move[a] == j) {
                    p = forced >= 0 ? a == forced : how == ANSWER_BEST ? a == best : exp(score[a] - top) / total;
                    a++;
                }
                double off = fabs(p - chance_of(c->policy, j, t, s));
                *worst = off > *worst || off != off ? off : *worst;
                int64_t at = policy_entry(c->policy, j, t, s);
                if (to && at >= 0) to->probability[at] = p;
            }
        }
    }
    bool made = target && weight;
    memory_free(weight);
    memory_free(target);
    return made ? DUR_OK : DUR_MEMORY;
}

// The most that each type could gain at the start by a perfectly rational deviation: policy improvement (Howard 1960) on
// its own choices, everyone else's held, and what they believe
static DurStatus regret(Certifier *c, double size, double *out) {
    const Lattice *l = c->lattice;
    int64_t n = l->n_state;
    const double *own = c->policy->value + c->first_row * n;
    Answer how = l->model->choice == CHOICE_TASTE ? ANSWER_LOGIT : ANSWER_BEST;
    memcpy(c->value, own, (size_t)(c->n_type * n) * sizeof *own);
    double gained[MODEL_TYPES_MAX] = {0}, off;
    for (int32_t round = 0; round < IMPROVE_ROUNDS; round++) {
        memcpy(c->deviant->probability, c->policy->probability, (size_t)c->policy->n_entry * sizeof(double));
        TRY(answers(c, how, c->deviant, &off));
        TRY(evaluate(c, c->deviant, size * (round < 3 ? 1e-4 : 1e-9)));
        bool settled = round >= 4;
        for (int32_t t = 0; t < c->n_type; t++) {
            double now = lattice_at_start(l, c->value + t * n) - lattice_at_start(l, own + t * n);
            settled &= fabs(now - gained[t]) <= 1e-9 * size;
            gained[t] = now;
        }
        progress_tell(c->progress, "certifying", 1 + c->actor + (round + 1.0) / (round + 3.0), l->model->n_actor + 1,
                      "regret");
        if (settled) break;
    }
    for (int32_t t = 0; t < c->n_type; t++) out[t] = gained[t] > 0 ? gained[t] : 0;
    return DUR_OK;
}

DurStatus certify_types(GameCertificate *out, const Policy *p, bool whole, const Progress *progress, Team *team,
                        DurError *error) {
    const Lattice *l = p->lattice;
    const Model *m = l->model;
    int64_t n = l->n_state;
    Certifier c = {.policy = p, .lattice = l, .team = team, .progress = progress};
    DurStatus status = DUR_MEMORY;
    int32_t most = 1;
    out->residual = out->consistency = NAN;
    for (int32_t r = 0; r < model_rows(m); r++) out->regret[r] = NAN;
    for (int32_t i = 0; i < m->n_actor; i++) most = model_types(m, i) > most ? model_types(m, i) : most;
    c.exit = memory_column(most * n);
    c.reward = memory_column(most * n);
    c.value = memory_column(most * n);
    c.image = memory_column(most * n);
    if (!c.exit || !c.reward || !c.value || !c.image) goto done;

    // residual: payoff flow + G V - rho V, recomputed from the returned values and choices
    double size = vector_sup(p->value, (int64_t)model_rows(m) * n), worst = 0;
    for (c.actor = 0; c.actor < m->n_actor; c.actor++) {
        c.first_row = model_row(m, c.actor);
        c.n_type = model_types(m, c.actor);
        memcpy(c.value, p->value + c.first_row * n, (size_t)(c.n_type * n) * sizeof(double));
        set_flows(&c, p);
        status = apply(&c, c.value, c.image);
        if (status != DUR_OK) goto done;
        for (int64_t i = 0; i < c.n_type * n; i++) c.image[i] -= c.reward[i];
        double miss = vector_sup(c.image, c.n_type * n);
        worst = miss > worst || miss != miss ? miss : worst;
    }
    out->residual = size > 0 ? worst / size : worst;
    if (!whole) { status = DUR_OK; goto done; }

    status = policy_make(&c.deviant, l, &p->rule, error);
    if (status != DUR_OK) goto done;
    memcpy(c.deviant->shift, p->shift, (size_t)p->n_shift * sizeof(double));
    memcpy(c.deviant->drift, p->drift, (size_t)m->n_belief * (size_t)n * sizeof(double));
    out->consistency = 0;
    for (c.actor = 0; c.actor < m->n_actor; c.actor++) {
        c.first_row = model_row(m, c.actor);
        c.n_type = model_types(m, c.actor);
        progress_tell(progress, "certifying", c.actor, m->n_actor + 1, "consistency");
        memcpy(c.value, p->value + c.first_row * n, (size_t)(c.n_type * n) * sizeof(double));
        status = evaluate(&c, p, size * EVALUATE_TOLERANCE);
        double off = 0;
        if (status == DUR_OK) status = answers(&c, ANSWER_LOGIT, NULL, &off);
        if (status != DUR_OK) goto done;
        out->consistency = off > out->consistency || off != off ? off : out->consistency;
        status = regret(&c, size, out->regret + c.first_row);
        if (status != DUR_OK) goto done;
    }

done:
    policy_free(c.deviant);
    memory_free(c.image);
    memory_free(c.value);
    memory_free(c.reward);
    memory_free(c.exit);
    if (status == DUR_MEMORY) return status_fail(error, status, "out of memory while certifying the solution");
    return status;
}
