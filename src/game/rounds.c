#include "game/rounds.h"

#include "base/memory.h"
#include "game/certify.h"
#include "game/rounds_system.h"
#include "num/gmres_double.h"
#include "num/linear.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/// Residual, relative, to which points on the way are solved, of small systems and of large ones.
#define STEP_TOLERANCE_SMALL 1e-7
#define STEP_TOLERANCE_LARGE 1e-4
/// The end is solved this far below the tolerance asked for: Newton's last step gives it for nothing, and the certificate
/// is taken elsewhere.
#define AIM_SMALL 1e-4
#define AIM_LARGE 1e-2
/// A step along the branch is as long as moves some choice by this much, and is taken back when the corrector moves one by
/// more than STEP_MISS: then it may have gone to another branch.
#define STEP_CHOICE 0.25
#define STEP_MISS   0.15
/// ... or when the way that was come, the direction at its beginning and that at its end differ by more than this (a cosine):
/// then it is not known which way the branch goes on.
#define STEP_TURN   0.5
/// Steps of Newton's method on the way, and at the end.
#define STEP_NEWTON 8
#define END_NEWTON  40
/// While a step changes the scale by less than this share of it, the branch is steep and is followed by its length.
#define STEEP 0.05
/// Steps of the continuation, and times that one is halved, before it is given up.
#define STEPS_MOST  4000
#define HALVES_MOST 40
/// Systems of at most this many unknowns are solved to rounding in every linear step; larger ones as far as a step needs.
#define SMALL 4000
#define ETA_SMALL 1e-12
#define ETA_LARGE 1e-4
#define ETA_WAY   1e-2
/// Applications of one linear solve, at most, and columns of memory between its restarts.
#define APPLIES_MOST 2000
#define KEEP_MOST 60

typedef struct Path {
    RoundsSystem s;
    const GameOptions *options;
    int64_t n_value, n_entry, max_sweep;
    double  size;                // largest |V| or |A|: what residuals are relative to
    double  residual;            // of the point, relative
    bool    is_end;              // at the stated precisions, to the stated tolerance
    double  told;
    double *rhs, *dv, *zv, *tv, *v0;         // [n_value] right side; Newton's step; d/dscale; tangent; where the step began
    double *ra, *da, *za, *ta, *a0, *p0;     // [n_entry] residual of A; the same; choices to compare with
    double  tl;                  // the tangent's part along scale
    double  wx, wl;              // weights of squares, of unknowns and of scale, in lengths and angles along the branch
} Path;

static DurStatus path_make(Path *p, const Lattice *l, const GameOptions *options, Team *team, DurError *error) {
    *p = (Path){.options = options, .max_sweep = options->max_sweep > 0 ? options->max_sweep : GAME_SWEEPS};
    TRY(rounds_system_make(&p->s, l, options->rule, team, error));
    p->n_value = p->s.n_value;
    p->n_entry = p->s.policy->n_entry;
    double **value[] = {&p->rhs, &p->dv, &p->zv, &p->tv, &p->v0};
    double **entry[] = {&p->ra, &p->da, &p->za, &p->ta, &p->a0, &p->p0};
    bool made = true;
    for (int i = 0; i < 5; i++) made = (*value[i] = memory_column(p->n_value)) && made;
    for (int i = 0; i < 6; i++) made = (*entry[i] = memory_column(p->n_entry)) && made;
    return made ? DUR_OK : DUR_MEMORY;
}

static void path_free(Path *p) {
    double *all[] = {p->rhs, p->dv, p->zv, p->tv, p->v0, p->ra, p->da, p->za, p->ta, p->a0, p->p0};
    for (int i = 0; i < 11; i++) memory_free(all[i]);
    rounds_system_free(&p->s);
}

double rounds_bytes(const Lattice *l) {
    const Model *m = l->model;
    double n_value = (double)m->n_actor * (double)l->n_state, n_entry = (policy_bytes(l) / 8 - n_value) / 2;
    return rounds_system_bytes(l) + 8 * (5 * n_value + 6 * n_entry) + 8 * 10 * n_value;
}

static void tell(Path *p) {
    double now = progress_seconds();
    if (now - p->told < 0.1) return;
    p->told = now;
    char note[128];
    snprintf(note, sizeof note, "precision x%.3g, residual %.1e, sweep %lld", p->s.scale, p->residual, (long long)p->s.n_sweep);
    progress_tell(p->options->progress, "solving", p->s.scale < 1 ? p->s.scale : 1, 1, note);
}

// y = (1 - K) x, the system in V alone
static DurStatus tangent_apply(void *context, const double *x, double *y) {
    Path *p = context;
    TRY(rounds_carry(&p->s, x, NULL, NULL, y, NULL));
    for (int64_t i = 0; i < p->n_value; i++) y[i] = x[i] - y[i];
    tell(p);
    return progress_stop(p->options->progress) ? DUR_INTERRUPTED : DUR_OK;
}

// (1 - K) x = rhs
static DurStatus solve_linear(Path *p, double *x) {
    memset(x, 0, (size_t)p->n_value * sizeof *x);
    int64_t keep = (int64_t)(2e8 / (double)p->n_value);
    keep = keep < 10 ? 10 : keep > KEEP_MOST ? KEEP_MOST : keep;
    if (p->n_value <= SMALL && keep < p->n_value) keep = p->n_value < 300 ? p->n_value : 300;
    LinearSolve done;
    double eta = p->n_value <= SMALL ? ETA_SMALL : p->is_end ? ETA_LARGE : ETA_WAY;
    return gmres_double(&done, p->n_value, tangent_apply, p, p->rhs, eta, APPLIES_MOST, (int32_t)keep, x);
}

// how far the point is from its equations
static DurStatus measure(Path *p) {
    RoundsSystem *s = &p->s;
    TRY(rounds_choose(s));
    TRY(rounds_evaluate(s));
    for (int64_t i = 0; i < p->n_value; i++) p->rhs[i] = s->w[i] - s->policy->value[i];
    for (int64_t i = 0; i < p->n_entry; i++) p->ra[i] = s->answer[i] - s->policy->advantage[i];
    double v = vector_sup(s->policy->value, p->n_value), a = vector_sup(s->policy->advantage, p->n_entry);
    double worst = vector_sup(p->rhs, p->n_value), other = vector_sup(p->ra, p->n_entry);
    p->size = v > a ? v : a;
    p->residual = other > worst || other != other ? other : worst;
    if (p->size > 0) p->residual /= p->size;
    if (!isfinite(p->residual)) p->residual = INFINITY;
    return DUR_OK;
}

// Newton's step (dv, da) at a measured point
static DurStatus newton_step(Path *p) {
    RoundsSystem *s = &p->s;
    TRY(rounds_linearize(s));
    TRY(rounds_carry(s, NULL, p->ra, NULL, p->dv, NULL));
    for (int64_t i = 0; i < p->n_value; i++) p->rhs[i] += p->dv[i];
    TRY(solve_linear(p, p->dv));
    return rounds_carry(s, p->dv, p->ra, NULL, p->rhs, p->da);
}

// (zv, za): how the solution moves with scale, at a linearized point
static DurStatus branch_direction(Path *p) {
    RoundsSystem *s = &p->s;
    TRY(rounds_carry(s, NULL, s->rate_a, s->rate_w, p->rhs, NULL));
    TRY(solve_linear(p, p->zv));
    return rounds_carry(s, p->zv, s->rate_a, s->rate_w, p->rhs, p->za);
}

static void move_by(Path *p, double length, const double *v, const double *a) {
    double *value = p->s.policy->value, *advantage = p->s.policy->advantage;
    for (int64_t i = 0; i < p->n_value; i++) value[i] += length * v[i];
    for (int64_t i = 0; i < p->n_entry; i++) advantage[i] += length * a[i];
}

static bool is_spent(Path *p) { return p->s.n_sweep >= p->max_sweep; }

// residual, relative, to which points on the way are solved: they only have to stay on the branch
static double step_tolerance(const Path *p) { return p->n_value <= SMALL ? STEP_TOLERANCE_SMALL : STEP_TOLERANCE_LARGE; }

static double aim_of(const Path *p, double tolerance) { return tolerance * (p->n_value <= SMALL ? AIM_SMALL : AIM_LARGE); }

// Newton's method at the scale at hand. With `careful` a step that makes matters worse is shortened.
static DurStatus correct(Path *p, double tolerance, int n_most, bool careful, int *n_step, bool *reached) {
    *reached = false;
    TRY(measure(p));
    double first = p->residual;
    for (*n_step = 0; *n_step < n_most; ++*n_step) {
        *reached = p->residual <= tolerance;
        if (*reached || !isfinite(p->residual) || is_spent(p) || (!careful && p->residual > 1e3 * first + 1e3)) return DUR_OK;
        double before = p->residual, length = 1;
        TRY(newton_step(p));
        move_by(p, 1, p->dv, p->da);
        TRY(measure(p));
        while (careful && !(p->residual < (1 - 0.1 * length) * before) && length > 1.0 / 256) {
            move_by(p, -length / 2, p->dv, p->da);
            length /= 2;
            TRY(measure(p));
        }
        // at the floor of rounding a step gains nothing any more
        if (before <= 1e3 * tolerance && p->residual > 0.5 * before && p->residual < 1e-11) {
            *reached = p->residual <= tolerance || p->residual < 1e-13;
            return DUR_OK;
        }
    }
    *reached = p->residual <= tolerance;
    return DUR_OK;
}

// the scalar product of two directions: unknowns in payoffs relative to their size, scale relative to itself. Of many unknowns
// the mean counts, so that a fold of one state in many is told by how fast that state moves.
static double inner(const Path *p, const double *v, const double *a, double l, const double *v2, const double *a2, double l2) {
    return p->wx * (vector_dot(v, v2, p->n_value) + vector_dot(a, a2, p->n_entry)) + p->wl * l * l2;
}

static void set_weights(Path *p) {
    double size = p->size > 0 ? p->size : 1, n = (double)(p->n_value + p->n_entry), unit = p->s.scale + 0.02;
    p->wx = 1 / (size * size * (n > 16 ? n / 16 : 1));
    p->wl = 1 / (unit * unit);
}

// the largest difference of a choice to p0
static double choice_moved(const Path *p) {
    double most = 0;
    for (int64_t i = 0; i < p->n_entry; i++) {
        double off = fabs(p->s.policy->probability[i] - p->p0[i]);
        most = off > most || off != off ? off : most;
    }
    return most;
}

static void keep_choices(Path *p) { memcpy(p->p0, p->s.policy->probability, (size_t)p->n_entry * sizeof *p->p0); }

// onto the branch from a predicted point, in the plane across the tangent through it
static DurStatus correct_by_length(Path *p, double length, double scale0, int *n_step, bool *reached) {
    RoundsSystem *s = &p->s;
    *reached = false;
    for (*n_step = 0; *n_step <= STEP_NEWTON; ++*n_step) {
        TRY(measure(p));
        *reached = p->residual <= step_tolerance(p);
        if (*reached || !isfinite(p->residual) || is_spent(p)) return DUR_OK;
        TRY(newton_step(p));
        TRY(branch_direction(p));
        double along = 0;
        for (int64_t i = 0; i < p->n_value; i++) along += p->tv[i] * (s->policy->value[i] - p->v0[i]);
        for (int64_t i = 0; i < p->n_entry; i++) along += p->ta[i] * (s->policy->advantage[i] - p->a0[i]);
        double off = p->wx * along + p->wl * p->tl * (s->scale - scale0) - length;
        double by = -(off + inner(p, p->tv, p->ta, 0, p->dv, p->da, 0)) / inner(p, p->tv, p->ta, p->tl, p->zv, p->za, 1);
        if (!isfinite(by)) return DUR_OK;
        move_by(p, 1, p->dv, p->da);
        move_by(p, by, p->zv, p->za);
        s->scale += by;
    }
    return DUR_OK;
}

// The branch's direction (zv, za, 1) at the point reached, and which way along it leads on: +1 or -1, or 0 if that can't be told
// because the way that was come, the tangent at its beginning and the direction at its end don't agree. Uses dv and da.
static DurStatus find_sense(Path *p, double scale0, double *sense) {
    RoundsSystem *s = &p->s;
    TRY(rounds_linearize(s));
    TRY(branch_direction(p));
    for (int64_t i = 0; i < p->n_value; i++) p->dv[i] = s->policy->value[i] - p->v0[i];
    for (int64_t i = 0; i < p->n_entry; i++) p->da[i] = s->policy->advantage[i] - p->a0[i];
    double l = s->scale - scale0;
    double chord = sqrt(inner(p, p->dv, p->da, l, p->dv, p->da, l));
    double z = sqrt(inner(p, p->zv, p->za, 1, p->zv, p->za, 1));
    double chord_t = inner(p, p->dv, p->da, l, p->tv, p->ta, p->tl) / chord;
    double chord_z = inner(p, p->dv, p->da, l, p->zv, p->za, 1) / (chord * z);
    double t_z = inner(p, p->tv, p->ta, p->tl, p->zv, p->za, 1) / z;
    double sign = chord_z > 0 ? 1 : -1;
    *sense = chord_t >= STEP_TURN && sign * chord_z >= STEP_TURN && sign * t_z >= STEP_TURN ? sign : 0;
    return DUR_OK;
}

// a tangent of length 1 from the direction found
static void take_tangent(Path *p, double sense) {
    set_weights(p);
    double by = sense / sqrt(inner(p, p->zv, p->za, 1, p->zv, p->za, 1));
    for (int64_t i = 0; i < p->n_value; i++) p->tv[i] = by * p->zv[i];
    for (int64_t i = 0; i < p->n_entry; i++) p->ta[i] = by * p->za[i];
    p->tl = by;
}

// from precision 0 along the branch until it first passes the stated precisions
static DurStatus follow(Path *p, double tolerance, GameSolution *out, bool *reached) {
    RoundsSystem *s = &p->s;
    int n_newton;
    double furthest = 0;
    *reached = false;
    s->scale = 0;
    p->is_end = false;
    out->n_step++;
    TRY(correct(p, step_tolerance(p), END_NEWTON, false, &n_newton, reached));
    if (!*reached) return DUR_OK;
    *reached = false;
    double length = 0.5, sense = 1;
    TRY(rounds_linearize(s));
    TRY(branch_direction(p));
    for (int32_t step = 0; step < STEPS_MOST; step++) {
        take_tangent(p, sense);
        double scale0 = s->scale;
        memcpy(p->v0, s->policy->value, (size_t)p->n_value * sizeof *p->v0);
        memcpy(p->a0, s->policy->advantage, (size_t)p->n_entry * sizeof *p->a0);
        bool stepped = false;
        int32_t halves = 0;
        double moved = 0;
        for (; halves < HALVES_MOST && !stepped && !is_spent(p); halves++) {
            // no further than scale may change at once, or than the end
            double most = 3 * scale0 + 0.02;
            if (length * fabs(p->tl) > most) length = most / fabs(p->tl);
            bool is_end = p->tl > 0 && scale0 + length * p->tl >= 1;
            if (is_end) length = (1 - scale0) / p->tl;
            // and no further than choices may move
            s->scale = scale0;
            TRY(rounds_choose(s));
            keep_choices(p);
            s->scale = is_end ? 1 : scale0 + length * p->tl;
            move_by(p, length, p->tv, p->ta);
            TRY(rounds_choose(s));
            moved = choice_moved(p);
            bool ok = moved <= STEP_CHOICE;
            if (ok) {
                keep_choices(p);
                out->n_step++;
                bool is_steep = !is_end && fabs(length * p->tl) < STEEP * scale0;
                if (is_steep) TRY(correct_by_length(p, length, scale0, &n_newton, &ok));
                else TRY(correct(p, step_tolerance(p), STEP_NEWTON, false, &n_newton, &ok));
                ok = ok && choice_moved(p) <= STEP_MISS && s->scale >= 0;
                if (ok) TRY(find_sense(p, scale0, &sense));
                ok = ok && sense != 0;
            }
            if (ok) {
                stepped = true;
                if (is_end || (scale0 < 1 && s->scale >= 1)) {
                    // past the end by its own length: back to it along the way that was come
                    s->scale = 1;
                    p->is_end = true;
                    TRY(correct(p, aim_of(p, tolerance), END_NEWTON, false, &n_newton, reached));
                    *reached = p->residual <= tolerance;
                    return DUR_OK;
                }
                break;
            }
            memcpy(s->policy->value, p->v0, (size_t)p->n_value * sizeof *p->v0);
            memcpy(s->policy->advantage, p->a0, (size_t)p->n_entry * sizeof *p->a0);
            s->scale = scale0;
            length *= moved > STEP_CHOICE ? fmax(0.1, fmin(0.8, 0.8 * STEP_CHOICE / moved)) : 0.5;
        }
        if (stepped && p->tl * sense < 0) out->n_fold++;
        furthest = s->scale > furthest ? s->scale : furthest;
        if (!stepped) break;
        // the next step: longer where this one was easy
        if (halves == 0 && n_newton <= 5) length *= moved > 0 ? fmin(4, fmax(1, STEP_CHOICE / moved)) : 4;
        tell(p);
    }
    snprintf(out->note, sizeof out->note, "the principal branch was followed up to %.4g times the stated precisions; there "
             "the residual stands at %.2e after %lld sweeps", furthest, p->residual, (long long)s->n_sweep);
    return DUR_OK;
}

// advantages that go with the values at hand: answers to answers, from choices that are uniform
static DurStatus guess_advantages(Path *p) {
    RoundsSystem *s = &p->s;
    memset(s->policy->advantage, 0, (size_t)p->n_entry * sizeof *s->policy->advantage);
    for (int k = 0; k < 8; k++) {
        TRY(rounds_choose(s));
        TRY(rounds_evaluate(s));
        for (int64_t i = 0; i < p->n_entry; i++)
            s->policy->advantage[i] = 0.5 * (s->policy->advantage[i] + s->answer[i]);
    }
    return DUR_OK;
}

static DurStatus solve_from(Path *p, const double *value, const double *advantage, double tolerance, GameSolution *out,
                            bool *reached) {
    int n_newton;
    p->s.scale = 1;
    p->is_end = true;
    memcpy(p->s.policy->value, value, (size_t)p->n_value * sizeof *value);
    if (advantage) memcpy(p->s.policy->advantage, advantage, (size_t)p->n_entry * sizeof *advantage);
    else TRY(guess_advantages(p));
    out->n_step++;
    TRY(correct(p, aim_of(p, tolerance), END_NEWTON, true, &n_newton, reached));
    *reached = p->residual <= tolerance;
    return DUR_OK;
}

static DurStatus check_taste(const Lattice *l, const LatticeRule *rule, DurError *error) {
    const Model *m = l->model;
    for (int32_t a = 0; a < m->n_actor && m->choice == CHOICE_TASTE; a++) {
        bool moves = false, replaced = rule && rule->actor == a && rule->precision != PROGRAM_NONE;
        for (int32_t j = 0; j < m->n_jump; j++) moves |= m->jump[j].kind == JUMP_MOVE && m->jump[j].actor == a;
        const LatticeTable *t = replaced ? &rule->precision_table : &l->actor[a].precision;
        for (int64_t i = 0; moves && i < t->n; i++)
            if (!(t->value[i] > 0))
                return model_fail(m, m->program[replaced ? rule->precision : m->actor[a].precision].span, error, DUR_DOMAIN,
                                  "the precision of `%s` is 0 at some state: with `choice taste` its shocks would be without bound",
                                  m->actor[a].name);
    }
    return DUR_OK;
}

static DurStatus solve(GameSolution *out, const Lattice *l, const GameOptions *options, const double *value,
                       const double *advantage, Team *team, DurError *error) {
    static const GameOptions none = {0};
    if (!options) options = &none;
    *out = (GameSolution){0};
    const Model *m = l->model;
    double begun = progress_seconds(), tolerance = options->tolerance > 0 ? options->tolerance : GAME_TOLERANCE;
    bool reached = false;
    Path p;
    DurStatus status = check_taste(l, options->rule, error);
    if (status != DUR_OK) return status;
    status = path_make(&p, l, options, team, error);
    if (status != DUR_OK) goto finish;
    status = DUR_MEMORY;
    out->certificate.regret = memory_column(m->n_actor);
    out->value_start = memory_column(m->n_actor);
    out->wait_start = memory_column(m->n_actor);
    out->choice_start = memory_column(m->n_jump);
    if (!out->certificate.regret || !out->value_start || !out->wait_start || !out->choice_start) goto finish;

    status = DUR_OK;
    if (value || options->warm) status = solve_from(&p, value ? value : options->warm, value ? advantage : options->warm_advantage, tolerance, out, &reached);
    out->is_principal = !value && !(reached && options->warm_unsure);
    if (!value && !out->is_principal) snprintf(out->note, sizeof out->note, WARM_UNSURE);
    if (status == DUR_OK && !reached && !value) {
        memset(p.s.policy->value, 0, (size_t)p.n_value * sizeof(double));
        memset(p.s.policy->advantage, 0, (size_t)p.n_entry * sizeof(double));
        status = follow(&p, tolerance, out, &reached);
        // the branch was lost: another equilibrium may still be near, and is told as another
        if (status == DUR_OK && !reached && !is_spent(&p)) {
            double stood = p.s.scale;
            memcpy(p.v0, p.s.policy->value, (size_t)p.n_value * sizeof *p.v0);
            memcpy(p.a0, p.s.policy->advantage, (size_t)p.n_entry * sizeof *p.a0);
            status = solve_from(&p, p.v0, p.a0, tolerance, out, &reached);
            if (status == DUR_OK && reached) {
                out->is_principal = false;
                snprintf(out->note, sizeof out->note, "the principal branch could be followed up to %.4g times the stated "
                         "precisions only; this is another equilibrium, found beyond", stood);
            }
        }
    }
    bool interrupted = status == DUR_INTERRUPTED;
    if (interrupted) status = DUR_OK;
    if (status != DUR_OK) goto finish;
    out->verdict = interrupted ? GAME_INTERRUPTED : reached ? GAME_CONVERGED : GAME_NO_CONVERGENCE;
    if (out->verdict == GAME_NO_CONVERGENCE && !out->note[0])
        snprintf(out->note, sizeof out->note, "the residual stands at %.2e after %lld sweeps", p.residual,
                 (long long)p.s.n_sweep);

    // what everyone does at these values
    p.s.scale = 1;
    status = rounds_choose(&p.s);
    if (status == DUR_OK) status = rounds_evaluate(&p.s);
    if (status == DUR_OK) status = rounds_fill_closed(&p.s);
    if (status != DUR_OK) goto finish;
    bool at_once = (value || options->warm) && out->n_step == 1;
    if (out->verdict == GAME_CONVERGED && at_once) snprintf(out->how, sizeof out->how, "Newton-Krylov from values at hand");
    else if (out->verdict == GAME_CONVERGED)
        snprintf(out->how, sizeof out->how, "the principal branch%s by its length, Newton-Krylov: %d points, %d folds",
                 out->note[0] ? ", until it was lost," : "", out->n_step, out->n_fold);
    out->n_sweep = p.s.n_sweep;
    out->n_byte = (int64_t)rounds_bytes(l);
    out->policy = p.s.policy;
    p.s.policy = NULL;
    path_free(&p);
    p = (Path){0};
    status = policy_at_start(out->policy, out->value_start, out->choice_start, out->wait_start, error);
    if (status != DUR_OK) goto finish;
    out->seconds = progress_seconds() - begun;

    begun = progress_seconds();
    status = certify(&out->certificate, out->policy, !options->skip_certificate && out->verdict == GAME_CONVERGED, 0,
                     options->progress, team, error);
    out->certificate_seconds = progress_seconds() - begun;
    if (status == DUR_INTERRUPTED) { out->verdict = GAME_INTERRUPTED; status = DUR_OK; }
    if (status == DUR_OK && out->verdict == GAME_CONVERGED && !(out->certificate.residual <= 10 * tolerance)) {
        out->verdict = GAME_NO_CONVERGENCE;
        snprintf(out->note, sizeof out->note, "by the solver's own residual it is solved, but recomputed it is %.2e",
                 out->certificate.residual);
    }

finish:
    path_free(&p);
    if (status != DUR_OK) {
        game_free(out);
        return status_fail(error, status, "out of memory while solving");
    }
    return DUR_OK;
}

DurStatus rounds_solve(GameSolution *out, const Lattice *l, const GameOptions *options, Team *team, DurError *error) {
    return solve(out, l, options, NULL, NULL, team, error);
}

DurStatus rounds_solve_from(GameSolution *out, const Lattice *l, const GameOptions *options, const double *value,
                            const double *advantage, Team *team, DurError *error) {
    return solve(out, l, options, value, advantage, team, error);
}

// everyone keeps advantages and choices; the restricted actor answers its advantages under the restriction
DurStatus rounds_surprise(Policy **out, const Policy *base, const LatticeRule *rule, DurError *error) {
    *out = NULL;
    const Lattice *l = base->lattice;
    const Model *m = l->model;
    RoundsSystem s;
    TRY(rounds_system_make(&s, l, rule, NULL, error));
    memcpy(s.policy->value, base->value, (size_t)s.n_value * sizeof(double));
    memcpy(s.policy->advantage, base->advantage, (size_t)base->n_entry * sizeof(double));
    s.scale = 1;
    DurStatus status = rounds_choose(&s);
    if (status != DUR_OK) {
        rounds_system_free(&s);
        return status_fail(error, status, "out of memory while making a policy");
    }
    // the others, and what is not listed for a closed guard, stand as they were
    for (int32_t j = 0; j < m->n_jump; j++)
        for (int64_t ms = 0; ms < l->n_mode_state; ms++) {
            int64_t at = base->where[j * l->n_mode_state + ms];
            if (at < 0 || (rule && m->jump[j].actor == rule->actor)) continue;
            memcpy(s.policy->probability + at, base->probability + at, (size_t)l->n_stock_state * sizeof(double));
        }
    *out = s.policy;
    s.policy = NULL;
    rounds_system_free(&s);
    return DUR_OK;
}
