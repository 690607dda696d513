/// Certificates of a game in rounds, from the lattice's operators (lattice/round.h) and the finished policy alone.
#include "base/memory.h"
#include "game/rounds.h"
#include "lattice/round.h"
#include "num/gmres_double.h"
#include "num/linear.h"

#include <math.h>
#include <string.h>

/// Linear solves behind the certificates go this far, relative.
#define EVALUATE_TOLERANCE 1e-12
#define EVALUATE_APPLIES 4000
#define EVALUATE_KEEP 40
/// Rounds of policy improvement for regret; each one's gain shrinks fast, a dozen is plenty.
#define IMPROVE_ROUNDS 40

typedef struct Certifier {
    const Policy *policy;
    const Lattice *lattice;
    Policy *deviant;           // the policy with one actor's choices replaced
    double *value;             // [n_state] of the actor at hand
    double *reward, *other, *room;   // [n_state]
    double *wait, *made;       // [n_state]
    double *advantage;         // [n_move of the actor x n_state]
    Team *team;
    const Progress *progress;
    int32_t actor;             // whose equations are at hand
    const Policy *applied;     // whose chain is at hand
} Certifier;

static double table_at(const Lattice *l, const LatticeTable *t, const LatticeBlock *view, int64_t lane) {
    return lattice_row(l, t, view)[t->inner ? lane : 0];
}

static const LatticeTable *precision_table(const Policy *p, int32_t actor) {
    bool replaced = p->rule.actor == actor && p->rule.precision != PROGRAM_NONE;
    return replaced ? &p->rule.precision_table : &p->lattice->actor[actor].precision;
}

static bool is_move_of(const Model *m, int32_t jump, int32_t actor) {
    return m->jump[jump].kind == JUMP_MOVE && m->jump[jump].actor == actor;
}

static int32_t stage_of(const Model *m, int32_t actor) {
    for (int32_t k = 0; k < round_stages(m); k++) {
        int32_t who[ROUND_ACTORS_MAX], n = round_stage_actors(m, k, who);
        for (int32_t i = 0; i < n; i++)
            if (who[i] == actor) return k;
    }
    return 0;
}

// under `choice taste`, the mean shock of what is picked: -(1/mu) sum P log P at an opportunity
static void add_shocks(const Certifier *c, const Policy *p, int32_t stage, double *y) {
    const Lattice *l = c->lattice;
    const Model *m = l->model;
    if (m->choice != CHOICE_TASTE || stage_of(m, c->actor) != stage) return;
    for (int64_t b = 0; b < l->n_block; b++) {
        LatticeBlock view;
        lattice_block(l, b, &view);
        for (int64_t i = 0; i < l->n_lane; i++) {
            double wait = 1, entropy = 0;
            for (int32_t j = 0; j < m->n_jump; j++) {
                if (!is_move_of(m, j, c->actor)) continue;
                double chance = policy_probability(p, j, view.first + i);
                if (chance > 0) { wait -= chance; entropy -= chance * log(chance); }
            }
            if (wait > 0) entropy -= wait * log(wait);
            if (!(entropy > 0)) continue;
            y[view.first + i] += table_at(l, &l->actor[c->actor].attends, &view, i) * entropy /
                                 table_at(l, precision_table(p, c->actor), &view, i);
        }
    }
}

// what a round is worth to c->actor when everyone plays p and the next is worth x: y(s). With `counted` payoffs are in it, without
// it is beta times the chain. Stops before stage `until` is played (0: the whole round).
static DurStatus round_worth(Certifier *c, const Policy *p, bool counted, int32_t until, const double *x, double *y) {
    const Lattice *l = c->lattice;
    const Model *m = l->model;
    RoundCount count = {counted ? c->actor : -1, -1};
    int32_t n_stage = round_stages(m);
    double *here = (n_stage - until) % 2 ? c->other : y, *there = (n_stage - until) % 2 ? y : c->other;
    TRY(round_after(l, count, l->actor[c->actor].beta, x, here, there, c->team));
    for (int32_t t = 0; counted && t < m->n_term; t++) {
        if (m->term[t].actor != c->actor) continue;
        for (int64_t b = 0; b < l->n_block; b++) {
            LatticeBlock view;
            lattice_block(l, b, &view);
            for (int64_t i = 0; i < l->n_lane; i++) here[view.first + i] += table_at(l, &l->term[t], &view, i);
        }
    }
    for (int32_t k = n_stage - 1; k >= until; k--) {
        TRY(round_choices(p, k, -1, -1, count, here, there, c->team));
        if (counted) add_shocks(c, p, k, there);
        double *swap = here; here = there; there = swap;
    }
    return DUR_OK;
}

static DurStatus apply(void *context, const double *x, double *y) {
    Certifier *c = context;
    TRY(round_worth(c, c->applied, false, 0, x, y));
    for (int64_t i = 0; i < c->lattice->n_state; i++) y[i] = x[i] - y[i];
    return progress_stop(c->progress) ? DUR_INTERRUPTED : DUR_OK;
}

// exact values of c->actor when everyone plays p, from the values already in c->value
static DurStatus evaluate(Certifier *c, const Policy *p, double tolerance) {
    int64_t n = c->lattice->n_state;
    c->applied = p;
    memset(c->room, 0, (size_t)n * sizeof *c->room);
    TRY(round_worth(c, p, true, 0, c->room, c->reward));
    LinearSolve solve;
    return gmres_double(&solve, n, apply, c, c->reward, tolerance, EVALUATE_APPLIES, EVALUATE_KEEP, c->value);
}

// Q(move) - Q(wait) of every move of c->actor against the choices of p, the next round worth c->value
static DurStatus advantages(Certifier *c, const Policy *p) {
    const Lattice *l = c->lattice;
    const Model *m = l->model;
    int32_t n = 0, stage = stage_of(m, c->actor);
    RoundCount count = {c->actor, -1};
    TRY(round_worth(c, p, true, stage + 1, c->value, c->room));
    TRY(round_choices(p, stage, c->actor, -1, count, c->room, c->wait, c->team));
    for (int32_t j = 0; j < m->n_jump; j++) {
        if (!is_move_of(m, j, c->actor)) continue;
        double *out = c->advantage + (int64_t)n++ * l->n_state;
        TRY(round_choices(p, stage, c->actor, j, count, c->room, c->made, c->team));
        for (int64_t s = 0; s < l->n_state; s++) out[s] = c->made[s] - c->wait[s];
    }
    return DUR_OK;
}

typedef enum Answer { ANSWER_LOGIT, ANSWER_BEST } Answer;

// the answer of c->actor to its advantages at one state: probabilities of its moves in order of declaration; libm, one state at
// a time: this is the check, not the solver
static void answer(const Certifier *c, const LatticeBlock *view, int64_t lane, Answer how, double *probability) {
    const Lattice *l = c->lattice;
    const Model *m = l->model;
    const LatticeRule *rule = c->policy->rule.actor == c->actor ? &c->policy->rule : NULL;
    double mu = table_at(l, precision_table(c->policy, c->actor), view, lane), score[MODEL_MOVES_MAX], top = 0, total = 0;
    int32_t n = 0, best = -1, forced = -1;
    for (int32_t j = 0; j < m->n_jump; j++) {
        if (!is_move_of(m, j, c->actor)) continue;
        bool open = table_at(l, &l->jump[j].when, view, lane) != 0 && !(rule && rule->never[j]);
        score[n] = open ? (how == ANSWER_BEST ? 1.0 : mu) * c->advantage[n * l->n_state + view->first + lane] : -INFINITY;
        if (score[n] > top) { top = score[n]; best = n; }
        n++;
    }
    for (int32_t k = 0; rule && k < rule->n_always && forced < 0; k++) {
        if (rule->always_when[k] != PROGRAM_NONE && table_at(l, &rule->always_table[k], view, lane) == 0) continue;
        for (int32_t j = 0, a = 0; j < m->n_jump; j++) {
            if (!is_move_of(m, j, c->actor)) continue;
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

// walk all states: write the answers into `to`, or find how far they are from the policy's own
static double answers(Certifier *c, Answer how, Policy *to) {
    const Lattice *l = c->lattice;
    const Model *m = l->model;
    double worst = 0;
    for (int64_t b = 0; b < l->n_block; b++) {
        LatticeBlock view;
        lattice_block(l, b, &view);
        for (int64_t i = 0; i < l->n_lane; i++) {
            double probability[MODEL_MOVES_MAX];
            int64_t s = view.first + i;
            answer(c, &view, i, how, probability);
            for (int32_t j = 0, a = 0; j < m->n_jump; j++) {
                if (!is_move_of(m, j, c->actor)) continue;
                double off = fabs(probability[a] - policy_probability(c->policy, j, s));
                worst = off > worst || off != off ? off : worst;
                int64_t at = c->policy->where[j * l->n_mode_state + s / l->n_stock_state];
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
    memcpy(c->deviant->probability, c->policy->probability, (size_t)c->policy->n_entry * sizeof(double));
    double before = lattice_at_start(l, own), gained = 0;
    for (int32_t round = 0; round < IMPROVE_ROUNDS; round++) {
        TRY(advantages(c, c->deviant));
        answers(c, how, c->deviant);
        TRY(evaluate(c, c->deviant, round < 3 ? 1e-5 : 1e-10));
        double now = lattice_at_start(l, c->value) - before;
        bool settled = round >= 4 && fabs(now - gained) <= 1e-9 * size;
        gained = now;
        progress_tell(c->progress, "certifying", 1 + c->actor + (round + 1.0) / (round + 3.0), l->model->n_actor + 1,
                      "regret");
        if (settled) break;
    }
    // what cannot be told from rounding is nothing
    *out = gained > 1e-12 * size ? gained : 0;
    return DUR_OK;
}

DurStatus rounds_certify(GameCertificate *out, const Policy *p, bool whole, const Progress *progress, Team *team,
                         DurError *error) {
    const Lattice *l = p->lattice;
    const Model *m = l->model;
    int64_t n = l->n_state;
    Certifier c = {.policy = p, .lattice = l, .team = team, .progress = progress};
    DurStatus status = DUR_MEMORY;
    int32_t most_moves = 0;
    out->residual = out->consistency = NAN;
    for (int32_t i = 0; i < m->n_actor; i++) {
        int32_t k = 0;
        for (int32_t j = 0; j < m->n_jump; j++) k += is_move_of(m, j, i);
        most_moves = k > most_moves ? k : most_moves;
        out->regret[i] = NAN;
    }
    double **column[] = {&c.value, &c.reward, &c.other, &c.room, &c.wait, &c.made};
    for (size_t k = 0; k < sizeof column / sizeof *column; k++)
        if (!(*column[k] = memory_column(n))) goto done;

    // residual: a round by P, the next worth V, against V; relative to the largest value or advantage
    double size = vector_sup(p->value, (int64_t)m->n_actor * n), worst = 0;
    double advantage = vector_sup(p->advantage, p->n_entry);
    size = advantage > size ? advantage : size;
    for (c.actor = 0; c.actor < m->n_actor; c.actor++) {
        const double *v = p->value + c.actor * n;
        status = round_worth(&c, p, true, 0, v, c.made);
        if (status != DUR_OK) goto done;
        for (int64_t s = 0; s < n; s++) c.made[s] -= v[s];
        double miss = vector_sup(c.made, n);
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
        status = evaluate(&c, p, EVALUATE_TOLERANCE);
        if (status == DUR_OK) status = advantages(&c, p);
        if (status != DUR_OK) goto done;
        double off = answers(&c, ANSWER_LOGIT, NULL);
        out->consistency = off > out->consistency || off != off ? off : out->consistency;
        status = regret(&c, size > 0 ? size : 1, &out->regret[c.actor]);
        if (status != DUR_OK) goto done;
    }

done:
    policy_free(c.deviant);
    memory_free(c.advantage);
    for (size_t k = 0; k < sizeof column / sizeof *column; k++) memory_free(*column[k]);
    if (status == DUR_MEMORY) return status_fail(error, status, "out of memory while certifying the solution");
    return status;
}
