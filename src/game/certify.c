#include "game/certifier.h"

#include "base/memory.h"
#include "num/linear.h"

#include <math.h>
#include <string.h>

/// Rounds of policy improvement for regret; each round's gain shrinks fast, a dozen is plenty.
#define IMPROVE_ROUNDS 40
/// Values are solved this much more finely from round to round: choices that will change again need no better ones.
#define FINER 0.1
/// Blocks of one task hold about this many states.
#define TASK_STATES 8192

// ---- answers ------------------------------------------------------------------------------------------------------

/// How a choice follows from advantages.
typedef enum Answer { ANSWER_LOGIT, ANSWER_BEST } Answer;

typedef struct Answers {
    Certifier *c;
    Answer how;
    const Policy *against;   // whose choices the answers are compared with
    Policy *to;              // where they are written, or NULL; may be the same
    double *room;            // for each worker: rows
    int64_t room_stride;
    double *off;             // [n_task] largest difference
} Answers;

/// Rows that answer() works in beside the scores.
#define ANSWER_ROWS 3

// what is made for certain in each lane by the rule that the policy was made under: index of the move, or -1
static void forced_moves(const Certifier *c, const LatticeBlock *view, double *const *score, double *forced) {
    const Lattice *l = c->lattice;
    const LatticeRule *rule = &c->policy->rule;
    for (int64_t i = 0; i < l->n_lane; i++) {
        forced[i] = -1;
        for (int32_t k = 0; k < rule->n_always && forced[i] < 0; k++) {
            if (rule->always_when[k] != PROGRAM_NONE && lattice_row_at(l, &rule->always_table[k], view, i) == 0) continue;
            for (int32_t a = 0; a < c->n_move; a++)
                if (c->move[a] == rule->always[k] && score[a][i] > -INFINITY) forced[i] = a;
        }
    }
}

// The answer of one type to its advantages in the lanes of a block: score[a] holds what move a is worth over waiting and then its
// probability. libm's exp and loops of their own: this is the check, not the solver.
static void answer(const Certifier *c, int32_t type, const LatticeBlock *view, Answer how, double *const *score, double *room) {
    const Lattice *l = c->lattice;
    const LatticeRule *rule = c->policy->rule.actor == c->actor ? &c->policy->rule : NULL;
    const LatticeTable *precision = lattice_rule_precision(l, &c->policy->rule, c->actor, type);
    const double *mu = lattice_row(l, precision, view);
    int64_t n = l->n_lane;
    double *restrict top = room, *restrict best = room + n, *restrict total = room + 2 * n;
    for (int64_t i = 0; i < n; i++) { top[i] = 0; best[i] = -1; }
    for (int32_t a = 0; a < c->n_move; a++) {
        const LatticeTable *guard = &l->jump[c->move[a]].when;
        const double *open = lattice_row(l, guard, view);
        double *restrict s = score[a], first = open[0];
        bool never = rule && rule->never[c->move[a]];
        if (how == ANSWER_LOGIT)
            for (int64_t i = 0; i < n; i++) s[i] *= mu[precision->inner ? i : 0];
        if (never || (!guard->inner && first == 0)) for (int64_t i = 0; i < n; i++) s[i] = -INFINITY;
        else if (guard->inner) for (int64_t i = 0; i < n; i++) s[i] = open[i] == 0 ? -INFINITY : s[i];
        // the first of equals; waiting where nothing is better
        for (int64_t i = 0; i < n; i++) {
            best[i] = s[i] > top[i] ? a : best[i];
            top[i] = s[i] > top[i] ? s[i] : top[i];
        }
    }
    bool has_rule = rule && rule->n_always > 0;
    if (has_rule) forced_moves(c, view, score, total);
    if (how == ANSWER_BEST) {
        for (int64_t i = 0; has_rule && i < n; i++) best[i] = total[i] >= 0 ? total[i] : best[i];
        for (int32_t a = 0; a < c->n_move; a++)
            for (int64_t i = 0; i < n; i++) score[a][i] = best[i] == a ? 1.0 : 0.0;
        return;
    }
    for (int64_t i = 0; i < n; i++) best[i] = has_rule ? total[i] : -1;
    for (int64_t i = 0; i < n; i++) total[i] = exp(-top[i]);
    for (int32_t a = 0; a < c->n_move; a++)
        for (int64_t i = 0; i < n; i++) total[i] += score[a][i] = score[a][i] > -INFINITY ? exp(score[a][i] - top[i]) : 0.0;
    for (int32_t a = 0; a < c->n_move; a++)
        for (int64_t i = 0; i < n; i++) score[a][i] = best[i] >= 0 ? (best[i] == a ? 1.0 : 0.0) : score[a][i] / total[i];
}

static void task_answers(void *context, int64_t task, int worker) {
    Answers *w = context;
    Certifier *c = w->c;
    const Lattice *l = c->lattice;
    int64_t n = l->n_lane;
    double *score[MODEL_MOVES_MAX], *room = w->room + worker * w->room_stride, worst = 0;
    for (int32_t a = 0; a < c->n_move; a++, room += n) score[a] = room;
    for (int64_t b = certifier_first(c, task); b < certifier_end(c, task); b++) {
        LatticeBlock view;
        lattice_block(l, b, &view);
        for (int32_t t = 0; t < c->n_type; t++) {
            for (int32_t a = 0; a < c->n_move; a++) c->kind->advantage(c, t, a, &view, score[a], room);
            answer(c, t, &view, w->how, score, room);
            for (int32_t a = 0; a < c->n_move; a++) {
                int64_t at = policy_entry(w->against, c->move[a], t, view.first);
                double off = 0;
                for (int64_t i = 0; i < n; i++) {
                    double by = fabs(score[a][i] - (at < 0 ? 0.0 : w->against->probability[at + i]));
                    off = by > off || by != by ? by : off;
                }
                worst = off > worst || off != off ? off : worst;
                if (w->to && at >= 0) memcpy(w->to->probability + at, score[a], (size_t)n * sizeof(double));
            }
        }
    }
    w->off[task] = worst;
}

// doubles that a worker needs in task_answers
static int64_t answers_room(const Lattice *l, const CertifierKind *kind) {
    int64_t inside = kind->room(l);
    if (inside < ANSWER_ROWS * l->n_lane) inside = ANSWER_ROWS * l->n_lane;
    return (MODEL_MOVES_MAX * l->n_lane + inside + 15) / 8 * 8;
}

// The answers of all types of the actor to certifier->value: how far they are at most from the choices of `against`, and written
// into `to`, if that is wanted
static DurStatus answers(Certifier *c, Answer how, const Policy *against, Policy *to, double *off) {
    TRY(c->kind->ready(c, against));
    int64_t n_task = certifier_tasks(c);
    Answers w = {.c = c, .how = how, .against = against, .to = to, .room_stride = answers_room(c->lattice, c->kind)};
    w.room = memory_column(w.room_stride * team_size(c->team));
    w.off = memory_column(n_task);
    DurStatus status = w.room && w.off ? DUR_OK : DUR_MEMORY;
    if (status == DUR_OK) team_run(c->team, task_answers, &w, n_task);
    *off = 0;
    for (int64_t k = 0; status == DUR_OK && k < n_task; k++) *off = w.off[k] > *off || w.off[k] != w.off[k] ? w.off[k] : *off;
    memory_free(w.off);
    memory_free(w.room);
    return status;
}

// ---- the numbers --------------------------------------------------------------------------------------------------

// The most that each type could gain at the start by a perfectly rational deviation: policy improvement (Howard 1960) on its
// own choices, everyone else's held, and what they believe
static DurStatus regret(Certifier *c, double *out) {
    const Lattice *l = c->lattice;
    int64_t n = l->n_state;
    const double *own = c->policy->value + c->first_row * n;
    double size = c->size > 0 ? c->size : 1, gained[MODEL_TYPES_MAX] = {0}, off;
    Answer how = l->model->choice == CHOICE_TASTE ? ANSWER_LOGIT : ANSWER_BEST;
    memcpy(c->value, own, (size_t)(c->n_type * n) * sizeof *own);
    memcpy(c->deviant->probability, c->policy->probability, (size_t)c->policy->n_entry * sizeof(double));
    double tolerance = c->kind->loose;
    // choices that stay as they are say something of values that moved, and nothing of a system that was solved well enough as it stood
    bool has_moved = false;
    for (int32_t round = 0; round < IMPROVE_ROUNDS; round++) {
        bool was_fine = round > 0 && tolerance == c->kind->fine;
        TRY(answers(c, how, c->deviant, c->deviant, &off));
        if (off == 0 && was_fine) break;
        if (round > 0) tolerance *= FINER;
        if ((off == 0 && has_moved) || tolerance < c->kind->fine / FINER) tolerance = c->kind->fine;
        TRY(c->kind->evaluate(c, c->deviant, tolerance));
        bool settled = was_fine;
        has_moved = false;
        for (int32_t t = 0; t < c->n_type; t++) {
            double now = lattice_at_start(l, c->value + t * n) - lattice_at_start(l, own + t * n);
            settled &= fabs(now - gained[t]) <= 1e-9 * size;
            has_moved |= now != gained[t];
            gained[t] = now;
        }
        progress_tell(c->progress, "certifying", 1 + c->actor + (round + 1.0) / (round + 3.0), l->model->n_actor + 1,
                      "regret");
        if (settled) break;
    }
    // what cannot be told from rounding is nothing
    for (int32_t t = 0; t < c->n_type; t++) out[t] = gained[t] > 1e-12 * size ? gained[t] : 0;
    return DUR_OK;
}

// the actor at hand, and its values as the policy has them
static void take_actor(Certifier *c, int32_t actor) {
    const Model *m = c->lattice->model;
    c->actor = actor;
    c->first_row = model_row(m, actor);
    c->n_type = model_types(m, actor);
    c->n_move = 0;
    for (int32_t j = 0; j < m->n_jump; j++)
        if (model_is_move_of(m, j, actor)) c->move[c->n_move++] = j;
    int64_t n = c->lattice->n_state;
    memcpy(c->value, c->policy->value + c->first_row * n, (size_t)(c->n_type * n) * sizeof(double));
}

int32_t certifier_types(const Model *m) {
    int32_t most = 1;
    for (int32_t i = 0; i < m->n_actor; i++) most = model_types(m, i) > most ? model_types(m, i) : most;
    return most;
}

static const CertifierKind *kind_of(const Lattice *l) {
    return l->model->clock == CLOCK_ROUNDS ? &certifier_rounds : &certifier_chain;
}

double certify_bytes(const Lattice *l, int n_thread) {
    const CertifierKind *kind = kind_of(l);
    double values = (double)certifier_types(l->model) * (double)l->n_state;
    return kind->bytes(l, n_thread) + policy_bytes(l) + 8.0 * (values + n_thread * (double)answers_room(l, kind));
}

double certify_rows_bytes(const Lattice *l) {
    const CertifierKind *kind = kind_of(l);
    return kind->rows_bytes ? kind->rows_bytes(l) : 0;
}

DurStatus certify(GameCertificate *out, const Policy *p, bool whole, double rows_most, const Progress *progress, Team *team,
                  DurError *error) {
    const Lattice *l = p->lattice;
    const Model *m = l->model;
    Certifier c = {.kind = kind_of(l), .policy = p, .lattice = l, .team = team, .progress = progress, .rows_most = rows_most};
    c.n_block_task = TASK_STATES / l->n_lane > 0 ? TASK_STATES / l->n_lane : 1;
    out->residual = out->consistency = NAN;
    out->is_unsettled = false;
    for (int32_t r = 0; r < model_rows(m); r++) out->regret[r] = NAN;
    DurStatus status = DUR_MEMORY;
    c.value = memory_column(certifier_types(m) * l->n_state);
    if (!c.value) goto done;
    c.size = c.kind->size(p);
    status = c.kind->open(&c, whole);
    if (status != DUR_OK) goto done;

    // residual: the equations at the returned values and choices
    double worst = 0;
    for (int32_t i = 0; i < m->n_actor; i++) {
        double miss;
        take_actor(&c, i);
        status = c.kind->miss(&c, &miss);
        if (status != DUR_OK) goto done;
        worst = miss > worst || miss != miss ? miss : worst;
    }
    out->residual = c.size > 0 ? worst / c.size : worst;
    if (!whole) goto done;

    // the deviant's choices are everyone's until one actor's are replaced; what others believe and how they learn is held
    status = policy_make(&c.deviant, l, &p->rule, error);
    if (status != DUR_OK) goto done;
    memcpy(c.deviant->shift, p->shift, (size_t)p->n_shift * sizeof(double));
    memcpy(c.deviant->drift, p->drift, (size_t)m->n_belief * (size_t)l->n_state * sizeof(double));
    out->consistency = 0;
    for (int32_t i = 0; i < m->n_actor; i++) {
        progress_tell(progress, "certifying", i, m->n_actor + 1, "consistency");
        take_actor(&c, i);
        double off = 0;
        status = c.kind->evaluate(&c, p, c.kind->exact);
        if (status == DUR_OK) status = answers(&c, ANSWER_LOGIT, p, NULL, &off);
        if (status == DUR_OK) out->consistency = off > out->consistency || off != off ? off : out->consistency;
        if (status == DUR_OK) status = regret(&c, out->regret + c.first_row);
        // of an actor without exact values nothing is known
        if (status == DUR_UNMET) {
            out->is_unsettled = true;
            status = DUR_OK;
        }
        if (status != DUR_OK) goto done;
    }
    if (out->is_unsettled) out->consistency = NAN;

done:
    c.kind->close(&c);
    policy_free(c.deviant);
    memory_free(c.value);
    if (status == DUR_MEMORY) return status_fail(error, status, "out of memory while certifying the solution");
    return status;
}
