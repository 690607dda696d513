#include "game/certify.h"

#include "base/memory.h"
#include "lattice/chain.h"
#include "num/bicgstab.h"
#include "num/linear.h"

#include <math.h>
#include <string.h>

/// Linear solves behind the certificates go this far below the residual that they judge, relative to the largest |V|.
#define EVALUATE_TOLERANCE 1e-11
/// Operator applications of one linear solve, at most.
#define EVALUATE_APPLIES 4000
/// Rounds of policy improvement for regret; each round's gain shrinks fast, a dozen is plenty.
#define IMPROVE_ROUNDS 40

typedef struct Certifier {
    const Policy *policy;
    const Lattice *lattice;
    Policy *deviant;           // the policy with one actor's choices replaced
    double *exit;              // [n_state] rho + exit rates
    double *reward;            // [n_state] flow of payoff to one actor, lumps and shocks included
    double *value;             // [n_state]
    double *advantage;         // [n_move of the actor x n_state]
    double *mean;              // [n_state]
    Team *team;
    const Progress *progress;
    int32_t actor;             // whose equations are at hand
    const Policy *applied;     // whose chain is at hand
} Certifier;

static double row_at(const Lattice *l, const LatticeTable *t, const LatticeBlock *view, int64_t lane) {
    return lattice_row(l, t, view)[t->inner ? lane : 0];
}

static const LatticeTable *precision_table(const Policy *p, int32_t actor) {
    bool replaced = p->rule.actor == actor && p->rule.precision != PROGRAM_NONE;
    return replaced ? &p->rule.precision_table : &p->lattice->actor[actor].precision;
}

// The flow of payoff to one actor when everyone plays `p`: terms, lumps at the rate at which they fall due, and under
// `choice taste` the mean shock of the move picked, -(1/mu) sum P log P (semantics, W_i: log-sum-exp = sum P Q + H/mu).
static void flow(const Policy *p, int32_t actor, double *out) {
    const Lattice *l = p->lattice;
    const Model *m = l->model;
    for (int64_t b = 0; b < l->n_block; b++) {
        LatticeBlock view;
        lattice_block(l, b, &view);
        for (int64_t i = 0; i < l->n_lane; i++) {
            int64_t s = view.first + i;
            double sum = 0, wait = 1, entropy = 0;
            for (int32_t t = 0; t < m->n_term; t++)
                if (m->term[t].actor == actor) sum += row_at(l, &l->term[t], &view, i);
            for (int32_t j = 0; j < m->n_jump; j++) {
                const ModelJump *mj = &m->jump[j];
                double rate = 0;
                if (mj->kind == JUMP_EVENT) rate = row_at(l, &l->jump[j].rate, &view, i);
                if (mj->kind == JUMP_MOVE) {
                    double chance = policy_probability(p, j, s);
                    rate = chance * row_at(l, &l->actor[mj->actor].attends, &view, i);
                    if (mj->actor == actor && chance > 0) { wait -= chance; entropy -= chance * log(chance); }
                }
                if (rate == 0) continue;
                for (int32_t k = 0; k < mj->n_lump; k++)
                    if (mj->lump[k].actor == actor) sum += rate * row_at(l, &l->jump[j].lump[k], &view, i);
            }
            if (m->choice == CHOICE_TASTE) {
                if (wait > 0) entropy -= wait * log(wait);
                double mu = row_at(l, precision_table(p, actor), &view, i);
                if (entropy > 0) sum += row_at(l, &l->actor[actor].attends, &view, i) * entropy / mu;
            }
            out[s] = sum;
        }
    }
}

// y = rho x - G x
static DurStatus apply(void *context, const double *x, double *y) {
    Certifier *c = context;
    TRY(chain_apply(c->applied, x, y, c->team));
    double rho = c->lattice->actor[c->actor].rho;
    for (int64_t i = 0; i < c->lattice->n_state; i++) y[i] = rho * x[i] - y[i];
    return progress_stop(c->progress) ? DUR_INTERRUPTED : DUR_OK;
}

// exact values of one actor when everyone plays `p`, from the values already in c->value
static DurStatus evaluate(Certifier *c, const Policy *p, double tolerance, bool *converged) {
    const Lattice *l = c->lattice;
    double most;
    c->applied = p;
    TRY(chain_exit_rates(p, c->exit, &most, c->team));
    double rho = l->actor[c->actor].rho;
    for (int64_t i = 0; i < l->n_state; i++) c->exit[i] += rho;
    flow(p, c->actor, c->reward);
    LinearSolve solve;
    TRY(bicgstab(&solve, l->n_state, apply, c, c->reward, c->exit, tolerance, EVALUATE_APPLIES, c->value));
    if (converged) *converged = solve.converged;
    return DUR_OK;
}

// Q(move) - Q(wait) of every move of one actor, from c->value
static DurStatus advantages(Certifier *c) {
    const Lattice *l = c->lattice;
    const Model *m = l->model;
    int32_t n = 0;
    for (int32_t j = 0; j < m->n_jump; j++) {
        if (m->jump[j].kind != JUMP_MOVE || m->jump[j].actor != c->actor) continue;
        double *out = c->advantage + (int64_t)n++ * l->n_state;
        TRY(chain_jump_mean(l, j, c->value, c->mean, c->team));
        for (int64_t b = 0; b < l->n_block; b++) {
            LatticeBlock view;
            lattice_block(l, b, &view);
            for (int64_t i = 0; i < l->n_lane; i++) {
                double q = c->mean[view.first + i] - c->value[view.first + i];
                for (int32_t k = 0; k < m->jump[j].n_lump; k++)
                    if (m->jump[j].lump[k].actor == c->actor) q += row_at(l, &l->jump[j].lump[k], &view, i);
                out[view.first + i] = q;
            }
        }
    }
    return DUR_OK;
}

/// How a choice follows from advantages.
typedef enum Answer { ANSWER_LOGIT, ANSWER_BEST } Answer;

// The answer of c->actor to its advantages at one state: probabilities of its moves in order of declaration.
// Plain libm, one state at a time: this is the check, not the solver.
static void answer(const Certifier *c, const LatticeBlock *view, int64_t lane, Answer how, double *probability) {
    const Lattice *l = c->lattice;
    const Model *m = l->model;
    const LatticeRule *rule = c->policy->rule.actor == c->actor ? &c->policy->rule : NULL;
    int64_t s = view->first + lane;
    double mu = row_at(l, precision_table(c->policy, c->actor), view, lane);
    double score[MODEL_MOVES_MAX], top = 0, total = 0;
    int32_t n = 0, best = -1, forced = -1;
    for (int32_t j = 0; j < m->n_jump; j++) {
        if (m->jump[j].kind != JUMP_MOVE || m->jump[j].actor != c->actor) continue;
        bool open = row_at(l, &l->jump[j].when, view, lane) != 0 && !(rule && rule->never[j]);
        score[n] = open ? (how == ANSWER_BEST ? 1.0 : mu) * c->advantage[n * l->n_state + s] : -INFINITY;
        if (score[n] > top) { top = score[n]; best = n; }
        n++;
    }
    for (int32_t k = 0; rule && k < rule->n_always && forced < 0; k++) {
        if (rule->always_when[k] != PROGRAM_NONE && row_at(l, &rule->always_table[k], view, lane) == 0) continue;
        for (int32_t j = 0, a = 0; j < m->n_jump; j++) {
            if (m->jump[j].kind != JUMP_MOVE || m->jump[j].actor != c->actor) continue;
            if (j == rule->always[k] && score[a] > -INFINITY) forced = a;
            a++;
        }
    }
    for (int32_t a = 0; a < n; a++) {
        if (forced >= 0) probability[a] = a == forced;
        else if (how == ANSWER_BEST) probability[a] = a == best;
        else total += probability[a] = exp(score[a] - top);
    }
    if (forced >= 0 || how == ANSWER_BEST) return;
    total += exp(-top);
    for (int32_t a = 0; a < n; a++) probability[a] /= total;
}

// walk all states; either write the answers into `to`, or find how far they are from the policy's own
static double answers(Certifier *c, Answer how, Policy *to) {
    const Lattice *l = c->lattice;
    const Model *m = l->model;
    double worst = 0;
    for (int64_t b = 0; b < l->n_block; b++) {
        LatticeBlock view;
        lattice_block(l, b, &view);
        int64_t mode_state = view.first / l->n_stock_state;
        for (int64_t i = 0; i < l->n_lane; i++) {
            double probability[MODEL_MOVES_MAX];
            int64_t s = view.first + i;
            answer(c, &view, i, how, probability);
            for (int32_t j = 0, a = 0; j < m->n_jump; j++) {
                if (m->jump[j].kind != JUMP_MOVE || m->jump[j].actor != c->actor) continue;
                double off = fabs(probability[a] - policy_probability(c->policy, j, s));
                worst = off > worst || off != off ? off : worst;
                int64_t at = c->policy->where[j * l->n_mode_state + mode_state];
                if (to && at >= 0) to->probability[at + s % l->n_stock_state] = probability[a];
                a++;
            }
        }
    }
    return worst;
}

// the most that the actor could gain at the start by a perfectly rational deviation: policy improvement (Howard 1960) on its
// own choices, everyone else's held
static DurStatus regret(Certifier *c, double size, double *out) {
    const Lattice *l = c->lattice;
    const double *own = c->policy->value + c->actor * l->n_state;
    Answer how = l->model->choice == CHOICE_TASTE ? ANSWER_LOGIT : ANSWER_BEST;
    memcpy(c->value, own, (size_t)l->n_state * sizeof *own);
    double before = lattice_at_start(l, own), gained = 0;
    for (int32_t round = 0; round < IMPROVE_ROUNDS; round++) {
        TRY(advantages(c));
        memcpy(c->deviant->probability, c->policy->probability, (size_t)c->policy->n_entry * sizeof(double));
        answers(c, how, c->deviant);
        // early rounds need no precision: the next improvement will change the policy anyway
        double tolerance = size * (round < 3 ? 1e-4 : 1e-9);
        TRY(evaluate(c, c->deviant, tolerance, NULL));
        double now = lattice_at_start(l, c->value) - before;
        bool settled = round >= 4 && fabs(now - gained) <= 1e-9 * size;
        gained = now;
        progress_tell(c->progress, "certifying", 1 + c->actor + (round + 1.0) / (round + 3.0), l->model->n_actor + 1,
                      "regret");
        if (settled) break;
    }
    *out = gained > 0 ? gained : 0;
    return DUR_OK;
}

DurStatus certify(GameCertificate *out, const Policy *p, bool whole, const Progress *progress, Team *team,
                  DurError *error) {
    const Lattice *l = p->lattice;
    const Model *m = l->model;
    if (m->n_private) return certify_types(out, p, whole, progress, team, error);
    int64_t n = l->n_state;
    Certifier c = {.policy = p, .lattice = l, .team = team, .progress = progress};
    DurStatus status = DUR_MEMORY;
    out->residual = out->consistency = NAN;
    for (int32_t i = 0; i < m->n_actor; i++) out->regret[i] = NAN;
    int32_t most_moves = 0;
    for (int32_t i = 0; i < m->n_actor; i++) {
        int32_t k = 0;
        for (int32_t j = 0; j < m->n_jump; j++) k += m->jump[j].kind == JUMP_MOVE && m->jump[j].actor == i;
        most_moves = k > most_moves ? k : most_moves;
    }
    c.exit = memory_column(n);
    c.reward = memory_column(n);
    c.value = memory_column(n);
    c.mean = memory_column(n);
    if (!c.exit || !c.reward || !c.value || !c.mean) goto done;

    // residual: payoff flow + G V - rho V, recomputed from the returned values and choices
    double size = vector_sup(p->value, (int64_t)m->n_actor * n), worst = 0;
    for (int32_t i = 0; i < m->n_actor; i++) {
        const double *v = p->value + i * n;
        flow(p, i, c.reward);
        memcpy(c.value, v, (size_t)n * sizeof *v);
        status = chain_apply(p, c.value, c.mean, team);
        if (status != DUR_OK) goto done;
        for (int64_t s = 0; s < n; s++) c.mean[s] += c.reward[s] - l->actor[i].rho * v[s];
        double miss = vector_sup(c.mean, n);
        worst = miss > worst || miss != miss ? miss : worst;
    }
    out->residual = size > 0 ? worst / size : worst;
    if (!whole) { status = DUR_OK; goto done; }

    status = DUR_MEMORY;
    c.advantage = memory_column((int64_t)most_moves * n);
    if (!c.advantage) goto done;
    status = policy_make(&c.deviant, l, &p->rule, error);
    if (status != DUR_OK) goto done;

    out->consistency = 0;
    for (c.actor = 0; c.actor < m->n_actor; c.actor++) {
        progress_tell(progress, "certifying", c.actor, m->n_actor + 1, "consistency");
        memcpy(c.value, p->value + c.actor * n, (size_t)n * sizeof(double));
        status = evaluate(&c, p, size * EVALUATE_TOLERANCE, NULL);
        if (status == DUR_OK) status = advantages(&c);
        if (status != DUR_OK) goto done;
        double off = answers(&c, ANSWER_LOGIT, NULL);
        out->consistency = off > out->consistency || off != off ? off : out->consistency;
        status = regret(&c, size, &out->regret[c.actor]);
        if (status != DUR_OK) goto done;
    }

done:
    policy_free(c.deviant);
    memory_free(c.advantage);
    memory_free(c.mean);
    memory_free(c.value);
    memory_free(c.reward);
    memory_free(c.exit);
    if (status == DUR_MEMORY) return status_fail(error, status, "out of memory while certifying the solution");
    return status;
}
