/// The tangent over one block of a game with private types, two for each actor that has some; compiled for each vector width: see
/// tangent.h, "Private types". Included by tangent_types_base.c and its sisters.
#include "game/choice_types_body.h"
#include "game/held.h"
#include "game/tangent_frame_body.h"

// ---- taking it --------------------------------------------------------------------------------------------------------

/// Newton steps in the shifts of one state, most; and what they may still miss.
#define SETTLE_STEPS 60
/// The first of them, free; later ones, where a shift is cornered by what it missed upwards and downwards.
#define FREE_STEPS   8
#define SETTLED      1e-13
/// What more than that is no rounding.
#define UNSETTLED    1e-10
/// Steps after them for states that have none of that settled: from where moves tell nothing, each shift by what it misses, less where
/// its own answer runs against it.
#define CAREFUL_STEPS 100
/// What a step of the shifts divides by is no smaller: near a fold in the shifts of one state there is no step to speak of.
#define PIVOT_LEAST  1e-3
/// A step of a shift, in times what it misses, at most.
#define FARTHEST     4.0
/// What a shift misses where Newton's step is taken as it is.
#define CLOSE        1e-3
/// A step of a shift that is taken jointly with one of the values, at most.
#define JOINT_MOST   0.2
/// A shift jumps that following leads farther than this from where it was and from where one Newton step leads; or nowhere, missing more than that.
#define JUMPS        0.02
#define NOWHERE      1e-7
/// One that may stay where it is strays if following leads so many times as far from where one Newton step leads as from where it was: beside a fold, to
/// another solution, however near. Shorter ways are not looked at.
#define STRAYS       0.5
#define STRAYS_LEAST 1e-7
/// See CHANCE_LEAST in sweep_types_body.h.
#define SEEN_LEAST   1e-290

/// One mover in a block; rows of n_lane doubles, arrays of rows by type first, then by move. What its types gain by a move, A, is
/// known; p are their choices (c.chance).
typedef struct Mover {
    Chooser c;
    int32_t here;                // node of the belief about it
    double  last, step;          // its last node, and how far apart two are
    double *attends, *mu;        // mu [n_type], with the scale in it
    double *gain;                // [n_type x n_move] A
    double *grade;               // [n_type x n_move] how A grows with the shift of its move
    double *tells;               // [n_type x n_move] mu p times how what is told grows with p
    double *pivot;               // [n_move] one over the diagonal of what shifts solve
    double *joint;               // [3 x n_type x n_type] the small system of the rest, see mover_solve, and scratch
    double *miss;                // [n_move] what is told less the shift
    double *place, *low, *high;  // [n_move] where a signal leads on the axis of the belief; the nodes around it, as shifts of the state
    double *up;                  // [n_move] weight of the upper one
    double *one, *part;          // ones; [2] scratch
    double *reply, *rise;        // [n_move] another's gain, and how it grows with the shift
    double *bend, *pull, *back;  // [n_type x n_move], [n_move], [n_move]
    double *hold, *top;          // lags of states that are held, 0 where not; the largest miss of any shift, with its sign
    double *worst;               // the largest miss of any
    double *least, *most;        // [n_move] between which a shift is sought
    float  *out;
} Mover;

static inline double *rows_of(double **room, int64_t n_row, int64_t n) {
    double *at = *room;
    *room += n_row * n;
    return at;
}

static inline bool mover_make(const TangentJob *tangent, const LatticeBlock *view, int32_t actor, int32_t first_row, double *room,
                              Mover *v) {
    const TypesJob *job = &tangent->types;
    const Lattice *l = job->lattice;
    int64_t n = l->n_lane;
    Row attends = row_of(l, &l->actor[actor].attends, view);
    if (row_is_zero(attends) || !chooser_make(job, view, actor, first_row, room, &v->c)) return false;
    int32_t n_type = v->c.n_type, each = n_type * v->c.n_move, n_move = v->c.n_move;
    room = v->c.spare;
    v->attends = rows_of(&room, 1, n);
    v->mu = rows_of(&room, n_type, n);
    v->gain = rows_of(&room, each, n);
    v->grade = rows_of(&room, each, n);
    v->tells = rows_of(&room, each, n);
    v->bend = rows_of(&room, each, n);
    v->pivot = rows_of(&room, n_move, n);
    v->miss = rows_of(&room, n_move, n);
    v->place = rows_of(&room, n_move, n);
    v->low = rows_of(&room, n_move, n);
    v->high = rows_of(&room, n_move, n);
    v->up = rows_of(&room, n_move, n);
    v->reply = rows_of(&room, n_move, n);
    v->rise = rows_of(&room, n_move, n);
    v->pull = rows_of(&room, n_move, n);
    v->back = rows_of(&room, n_move, n);
    v->hold = rows_of(&room, 1, n);
    v->top = rows_of(&room, 1, n);
    v->joint = rows_of(&room, 3 * n_type * n_type, n);
    v->one = rows_of(&room, 1, n);
    v->part = rows_of(&room, 2, n);
    v->worst = rows_of(&room, 1, n);
    v->least = rows_of(&room, n_move, n);
    v->most = rows_of(&room, n_move, n);
    v->out = (float *)rows_of(&room, 1, n);
    write_row(attends, 1.0, v->attends, n);
    for (int64_t i = 0; i < n; i++) v->one[i] = 1.0;
    for (int64_t i = 0; i < n; i++) v->hold[i] = 0.0;
    for (int32_t t = 0; t < n_type; t++) {
        Row mu = row_of(l, lattice_rule_precision(l, job->rule, actor, t), view);
        write_row(mu, job->precision_scale, v->mu + t * n, n);
    }
    if (v->c.private < 0) return true;
    int32_t variable = l->model->private[v->c.private].variable;
    v->here = view->node[variable];
    v->last = l->private[v->c.private].n_step;
    v->step = (double)l->stride[variable];
    return true;
}

// where the signals lead at the shifts at hand
static inline void mover_place(const TangentJob *tangent, Mover *v) {
    int64_t n = tangent->lattice->n_lane;
    for (int32_t a = 0; a < v->c.n_move; a++) {
        if (v->c.shift[a] < 0) continue;
        const double *DUR_RESTRICT shift = tangent->shift + v->c.shift[a];
        double *DUR_RESTRICT place = v->place + a * n, *DUR_RESTRICT low = v->low + a * n, *DUR_RESTRICT high = v->high + a * n;
        double *DUR_RESTRICT up = v->up + a * n, last = v->last, step = v->step, here = v->here;
        for (int64_t i = 0; i < n; i++) {
            double at = here + shift[i] * last;
            at = at > 0 ? at : 0.0;
            at = at < last ? at : last;
            // the last node is the upper end of the last cell
            double whole = (double)(int64_t)at;
            whole = whole < last ? whole : last - 1.0;
            place[i] = at;
            up[i] = at - whole;
            low[i] = (whole - here) * step;
            high[i] = low[i] + step;
        }
    }
}

// What a row of values gains by a move: gain, and how that grows with the shift of the move; 0 where it tells nothing.
static inline void mover_gain(const TangentJob *tangent, const LatticeBlock *view, const Mover *v, int32_t a, int32_t row,
                              int32_t actor, int32_t type, double *DUR_RESTRICT gain, double *DUR_RESTRICT grade) {
    const TypesJob *job = &tangent->types;
    int64_t n = tangent->lattice->n_lane;
    const double *DUR_RESTRICT here = job->value + row * tangent->lattice->n_state + view->first;
    if (v->c.shift[a] < 0) {
        const double *q = reply_of(job, view, v->c.move[a], row, actor, type, NULL, v->part);
        for (int64_t i = 0; i < n; i++) gain[i] = q[i] - here[i];
        for (int64_t i = 0; i < n; i++) grade[i] = 0.0;
        return;
    }
    BeliefSplit low = {.n_corner = 1, .move = v->low + a * n, .weight = v->one}, high = low;
    high.move = v->high + a * n;
    belief_split_compare(&low, n);
    belief_split_compare(&high, n);
    const double *DUR_RESTRICT below = reply_of(job, view, v->c.move[a], row, actor, type, &low, v->part);
    const double *DUR_RESTRICT above = reply_of(job, view, v->c.move[a], row, actor, type, &high, v->part + n);
    const double *DUR_RESTRICT up = v->up + a * n;
    for (int64_t i = 0; i < n; i++) {
        double rise = above[i] - below[i];
        gain[i] = below[i] + up[i] * rise - here[i];
        grade[i] = v->last * rise;
    }
}

// the largest miss of a shift, but for states that are held
static inline double mover_left(const Mover *v, int64_t n) {
    for (int64_t i = 0; i < n; i++) v->part[i] = v->hold[i] > 0 ? 0.0 : v->worst[i];
    return row_largest(v->part, n, 0);
}

// choices at the shifts at hand, and what they tell; how it would change with them. Returns the largest miss of a shift that is not held
static inline double mover_choose(const TangentJob *tangent, const LatticeBlock *view, Mover *v, bool again, bool taste) {
    const TypesJob *job = &tangent->types;
    const Lattice *l = tangent->lattice;
    Chooser *c = &v->c;
    int64_t n = l->n_lane;
    int32_t N = c->n_move;
    mover_place(tangent, v);
    for (int32_t t = 0; t < c->n_type; t++) {
        const double *DUR_RESTRICT here = job->value + (c->first_row + t) * l->n_state + view->first;
        for (int32_t a = 0; a < N; a++) {
            if (again && c->shift[a] < 0) continue;
            double *DUR_RESTRICT gain = v->gain + (t * N + a) * n, *DUR_RESTRICT reply = c->reply + (t * N + a) * n;
            mover_gain(tangent, view, v, a, c->first_row + t, c->actor, t, gain, v->grade + (t * N + a) * n);
            for (int64_t i = 0; i < n; i++) reply[i] = gain[i] + here[i];
        }
        choose(job, view, c, t, taste);
        // the normaliser of each type is asked for after the last round
        double *DUR_RESTRICT sum = v->joint + t * n;
        if (taste) for (int64_t i = 0; i < n; i++) sum[i] = c->sum[i] / v->mu[t * n + i];
        force(job, view, c, t, taste ? sum : NULL);
    }
    for (int64_t i = 0; i < n; i++) v->worst[i] = 0.0;
    for (int32_t a = 0; a < N; a++) {
        double *DUR_RESTRICT public = c->public + a * n;
        const double *DUR_RESTRICT p0 = c->chance + a * n, *DUR_RESTRICT p1 = p0 + N * n;
        if (c->n_type == 1) {
            for (int64_t i = 0; i < n; i++) public[i] = p0[i];
            for (int64_t i = 0; i < n; i++) v->tells[a * n + i] = 0.0;
            continue;
        }
        double b0 = c->belief[0], b1 = c->belief[1];
        for (int64_t i = 0; i < n; i++) public[i] = p0[i] + b1 * (p1[i] - p0[i]);
        double *DUR_RESTRICT tell0 = v->tells + a * n, *DUR_RESTRICT tell1 = tell0 + N * n, *DUR_RESTRICT miss = v->miss + a * n;
        if (c->shift[a] < 0) {
            for (int64_t i = 0; i < n; i++) tell0[i] = tell1[i] = miss[i] = 0.0;
            continue;
        }
        // shift = b0 b1 (p1 - p0) / P, with derivatives -b0 b1 p1/P^2 and b0 b1 p0/P^2
        const double *DUR_RESTRICT shift = tangent->shift + c->shift[a];
        const double *DUR_RESTRICT mu0 = v->mu, *DUR_RESTRICT mu1 = v->mu + n;
        double *DUR_RESTRICT most = v->worst;
        for (int64_t i = 0; i < n; i++) {
            bool seen = public[i] > SEEN_LEAST;
            double over = seen ? 1.0 / public[i] : 0.0, both = b0 * b1 * (p0[i] * over) * (p1[i] * over);
            tell0[i] = -mu0[i] * both;
            tell1[i] = mu1[i] * both;
            miss[i] = b0 * b1 * ((p1[i] - p0[i]) * over) - shift[i];
            double size = fabs(miss[i]);
            most[i] = size > most[i] ? size : most[i];
        }
    }
    return mover_left(v, n);
}

// what shifts solve, in parts: I - B = D + sum_t u_t v_t', with u_t = tells, v_t = p grade and D_a = 1 - sum_t tells grade, and the lag of held states. In
// joint, after the normalisers: H_tu = sum_a u_t D^-1 v_u
static inline void mover_factor(const Mover *v, int64_t n) {
    const Chooser *c = &v->c;
    int32_t N = c->n_move;
    double *DUR_RESTRICT h = v->joint + TANGENT_TYPES * TANGENT_TYPES * n;
    const double *DUR_RESTRICT hold = v->hold;
    for (int64_t i = 0; i < 4 * n; i++) h[i] = 0.0;
    for (int32_t a = 0; a < N; a++) {
        const double *DUR_RESTRICT u0 = v->tells + a * n, *DUR_RESTRICT u1 = u0 + N * n;
        const double *DUR_RESTRICT g0 = v->grade + a * n, *DUR_RESTRICT g1 = g0 + N * n;
        const double *DUR_RESTRICT p0 = c->chance + a * n, *DUR_RESTRICT p1 = p0 + N * n;
        double *DUR_RESTRICT pivot = v->pivot + a * n;
        for (int64_t i = 0; i < n; i++) {
            double d = 1.0 + hold[i] - u0[i] * g0[i] - u1[i] * g1[i];
            double size = fabs(d) < PIVOT_LEAST ? PIVOT_LEAST : fabs(d);
            pivot[i] = d < 0 ? -1.0 / size : 1.0 / size;
            double v0 = pivot[i] * p0[i] * g0[i], v1 = pivot[i] * p1[i] * g1[i];
            h[i] += u0[i] * v0;
            h[n + i] += u0[i] * v1;
            h[2 * n + i] += u1[i] * v0;
            h[3 * n + i] += u1[i] * v1;
        }
    }
}

// (I + M) x = e for M given in rows, two by two; x over e
static inline void solve_two(const double *DUR_RESTRICT m00, const double *DUR_RESTRICT m01, const double *DUR_RESTRICT m10,
                             const double *DUR_RESTRICT m11, double *DUR_RESTRICT e0, double *DUR_RESTRICT e1, int64_t n) {
    for (int64_t i = 0; i < n; i++) {
        double a = 1.0 + m00[i], d = 1.0 + m11[i], det = a * d - m01[i] * m10[i];
        double size = fabs(det) < PIVOT_LEAST ? PIVOT_LEAST : fabs(det), over = det < 0 ? -1.0 / size : 1.0 / size;
        double x = (d * e0[i] - m01[i] * e1[i]) * over, y = (a * e1[i] - m10[i] * e0[i]) * over;
        e0[i] = x;
        e1[i] = y;
    }
}

// A Newton step of the shifts, (I - B) step = miss, but for the pivots: step_a = pivot_a (miss_a - sum_t tells_t,a e_t); e [n_type x n]
static inline double *mover_newton(const Mover *v, int64_t n) {
    const Chooser *c = &v->c;
    int32_t N = c->n_move;
    double *h = v->joint + TANGENT_TYPES * TANGENT_TYPES * n, *e = h + TANGENT_TYPES * TANGENT_TYPES * n;
    for (int64_t i = 0; i < 2 * n; i++) e[i] = 0.0;
    for (int32_t a = 0; a < N; a++)
        for (int32_t t = 0; t < TANGENT_TYPES; t++) {
            const double *DUR_RESTRICT g = v->grade + (t * N + a) * n, *DUR_RESTRICT p = c->chance + (t * N + a) * n;
            const double *DUR_RESTRICT pivot = v->pivot + a * n, *DUR_RESTRICT miss = v->miss + a * n;
            double *DUR_RESTRICT to = e + t * n;
            for (int64_t i = 0; i < n; i++) to[i] += p[i] * g[i] * pivot[i] * miss[i];
        }
    solve_two(h, h + 2 * n, h + n, h + 3 * n, e, e + n, n);
    return e;
}

// Where one Newton step leads, whole: with the step of the values before it, one in values and shifts together. It leads to solutions from which
// shifts that follow at once would run away, to one side or the other. out [n_move x n], of signals
static inline void mover_joint(const TangentJob *tangent, const Mover *v, double *out) {
    const Chooser *c = &v->c;
    int64_t n = tangent->lattice->n_lane;
    const double *e = mover_newton(v, n);
    double low = -c->belief[1], high = 1.0 - c->belief[1];
    for (int32_t a = 0; a < c->n_move; a++) {
        if (c->shift[a] < 0) continue;
        const double *DUR_RESTRICT u0 = v->tells + a * n, *DUR_RESTRICT u1 = u0 + c->n_move * n, *DUR_RESTRICT pivot = v->pivot + a * n;
        const double *DUR_RESTRICT miss = v->miss + a * n, *DUR_RESTRICT shift = tangent->shift + c->shift[a];
        double *DUR_RESTRICT at = out + a * n;
        for (int64_t i = 0; i < n; i++) {
            double by = pivot[i] * (miss[i] - u0[i] * e[i] - u1[i] * e[n + i]);
            by = by > JOINT_MOST ? JOINT_MOST : by < -JOINT_MOST ? -JOINT_MOST : by;
            double to = shift[i] + by;
            at[i] = to < low ? low : to > high ? high : to;
        }
    }
}

// shifts from rows [n_move x n]; with `which`, of lanes alone where that is above 0
static inline void mover_put(const TangentJob *tangent, const Mover *v, const double *from, const double *DUR_RESTRICT which) {
    int64_t n = tangent->lattice->n_lane;
    for (int32_t a = 0; a < v->c.n_move; a++) {
        if (v->c.shift[a] < 0) continue;
        const double *DUR_RESTRICT row = from + a * n;
        double *DUR_RESTRICT shift = tangent->shift + v->c.shift[a];
        if (which) for (int64_t i = 0; i < n; i++) shift[i] = which[i] > 0 ? row[i] : shift[i];
        else       memcpy(shift, row, (size_t)n * sizeof *shift);
    }
}

// one Newton step of the shifts, between the bounds that are known
static inline void mover_step(const TangentJob *tangent, const Mover *v, bool is_bounded) {
    const Chooser *c = &v->c;
    int64_t n = tangent->lattice->n_lane;
    int32_t N = c->n_move;
    const double *e = mover_newton(v, n);
    double low = -c->belief[1], high = 1.0 - c->belief[1];
    for (int32_t a = 0; a < N; a++) {
        if (c->shift[a] < 0) continue;
        const double *DUR_RESTRICT u0 = v->tells + a * n, *DUR_RESTRICT u1 = u0 + N * n, *DUR_RESTRICT pivot = v->pivot + a * n;
        const double *DUR_RESTRICT misses = v->miss + a * n;
        double *DUR_RESTRICT shift = tangent->shift + c->shift[a], *DUR_RESTRICT least = v->least + a * n, *DUR_RESTRICT most = v->most + a * n;
        for (int64_t i = 0; i < n; i++) {
            // what is told is never beyond what can be, so there is a solution where a shift misses upwards below and downwards above
            double at = shift[i], miss = misses[i], size = fabs(miss);
            least[i] = is_bounded && miss > 0 ? at : least[i];
            most[i] = is_bounded && miss < 0 ? at : most[i];
            // of several moves each shifts the bounds of the others
            bool is_stuck = most[i] - least[i] < 0.01 * size;
            least[i] = is_stuck ? low : least[i];
            most[i] = is_stuck ? high : most[i];
            double by = pivot[i] * (miss - u0[i] * e[i] - u1[i] * e[n + i]);
            // near a solution to it, though iteration may lead away from it; from afar only where iteration leads
            bool is_led = size < CLOSE || (by * miss > 0 && fabs(by) < FARTHEST * size);
            by = is_led ? by : FARTHEST * miss;
            double to = at + by, middle = 0.5 * (least[i] + most[i]);
            shift[i] = size == 0 ? at : to >= least[i] && to <= most[i] ? to : middle;
        }
    }
}

// Where Newton's steps go round in circles: what sweeps do (shift_part in sweep_types_body.h), shift by shift. Lanes that are settled stay
static inline void mover_step_carefully(const TangentJob *tangent, const Mover *v, bool from_nothing) {
    int64_t n = tangent->lattice->n_lane;
    for (int32_t a = 0; a < v->c.n_move; a++) {
        if (v->c.shift[a] < 0) continue;
        const double *DUR_RESTRICT pivot = v->pivot + a * n, *DUR_RESTRICT miss = v->miss + a * n, *DUR_RESTRICT worst = v->worst;
        double *DUR_RESTRICT shift = tangent->shift + v->c.shift[a];
        for (int64_t i = 0; i < n; i++) {
            double part = pivot[i] > 0 && pivot[i] < 1 ? pivot[i] : 1.0, to = from_nothing ? 0.0 : shift[i] + part * miss[i];
            shift[i] = worst[i] > SETTLED ? to : shift[i];
        }
    }
}

// shifts as far as they go at these values; `miss` is what they miss by before
static inline double mover_follow(const TangentJob *tangent, const LatticeBlock *view, Mover *v, bool taste, double miss) {
    const Chooser *c = &v->c;
    int64_t n = tangent->lattice->n_lane;
    for (int64_t i = 0; i < c->n_move * n; i++) v->least[i] = -c->belief[1];
    for (int64_t i = 0; i < c->n_move * n; i++) v->most[i] = 1.0 - c->belief[1];
    for (int32_t k = 0; k < SETTLE_STEPS && miss > SETTLED; k++) {
        mover_factor(v, n);
        mover_step(tangent, v, k >= FREE_STEPS);
        miss = mover_choose(tangent, view, v, true, taste);
    }
    for (int32_t k = 0; k < CAREFUL_STEPS && miss > UNSETTLED; k++) {
        mover_factor(v, n);
        mover_step_carefully(tangent, v, k == 0);
        miss = mover_choose(tangent, view, v, true, taste);
    }
    return miss;
}

// Shifts follow the values, but for states that are held, or would jump, and are from now on (TangentHold)
static inline double mover_hold(const TangentJob *tangent, const LatticeBlock *view, Mover *v, bool taste) {
    const Chooser *c = &v->c;
    int64_t n = tangent->lattice->n_lane;
    int32_t n_private = tangent->lattice->model->n_private;
    float *DUR_RESTRICT lag = tangent->types.held + 2 * (n_private * view->first + c->private * n), *DUR_RESTRICT before = lag + n;
    double *DUR_RESTRICT hold = v->hold, *DUR_RESTRICT top = v->top, *old = v->back, *joint = v->pull;
    bool is_any = false, stays = tangent->types.held_stay;
    for (int64_t i = 0; i < n; i++) {
        hold[i] = (double)lag[i];
        is_any |= lag[i] > 0;
    }
    double miss = mover_left(v, n);
    bool follows = miss > SETTLED;
    if (!follows && (!is_any || stays)) return miss;
    for (int64_t i = 0; i < n; i++) top[i] = 0.0;
    for (int32_t a = 0; a < c->n_move; a++) {
        if (c->shift[a] < 0) continue;
        memcpy(old + a * n, tangent->shift + c->shift[a], (size_t)n * sizeof *old);
        const double *DUR_RESTRICT m = v->miss + a * n;
        for (int64_t i = 0; i < n; i++) top[i] = fabs(m[i]) > fabs(top[i]) ? m[i] : top[i];
    }
    if (follows) {
        mover_factor(v, n);
        mover_joint(tangent, v, joint);
        miss = mover_follow(tangent, view, v, taste, miss);
    }
    for (int64_t i = 0; i < n; i++) {
        bool jumps = follows && v->worst[i] > NOWHERE;
        for (int32_t a = 0; a < c->n_move && follows && !jumps; a++) {
            if (c->shift[a] < 0) continue;
            double at = tangent->shift[c->shift[a] + i];
            double by = fabs(at - old[a * n + i]), off = fabs(at - joint[a * n + i]);
            jumps = (off > JUMPS && by > JUMPS) || (stays && by > STRAYS_LEAST && off > STRAYS * by);
        }
        // values came here for shifts that follow, if it was not held before: then their step is Newton's
        hold[i] = lag[i] > 0 ? (double)lag[i] : !jumps ? 0.0 : stays ? INFINITY : HELD_LEAST;
        is_any |= hold[i] > 0;
        if (stays) lag[i] = (float)hold[i];
    }
    if (!is_any) return miss;
    mover_put(tangent, v, old, hold);
    miss = mover_choose(tangent, view, v, true, taste);
    if (stays) return miss;
    mover_factor(v, n);
    mover_joint(tangent, v, joint);
    mover_put(tangent, v, joint, hold);
    miss = mover_choose(tangent, view, v, true, taste);
    for (int64_t i = 0; i < n; i++) {
        if (!(hold[i] > 0)) continue;
        lag[i] = (float)(lag[i] > 0 ? held_next_lag((double)lag[i], top[i], (double)before[i]) : HELD_FIRST);
        before[i] = (float)top[i];
        hold[i] = (double)lag[i];
    }
    return miss;
}

// Shifts settled at these values, or one joint step on (tangent_joint), or both (tangent_hold), choices with them. Returns by how much the shifts
// still miss, in what it may change of anyone's flow
static inline double mover_settle(const TangentJob *tangent, const LatticeBlock *view, Mover *v, bool taste) {
    const Lattice *l = tangent->lattice;
    const Chooser *c = &v->c;
    int64_t n = l->n_lane;
    double miss = mover_choose(tangent, view, v, false, taste);
    if (c->n_type == 1) return 0;
    if (tangent->types.is_joint && miss > SETTLED) {
        mover_factor(v, n);
        mover_joint(tangent, v, v->pull);
        mover_put(tangent, v, v->pull, NULL);
        miss = mover_choose(tangent, view, v, true, taste);
    } else if (!tangent->types.is_joint && tangent->types.held) {
        miss = mover_hold(tangent, view, v, taste);
    } else if (!tangent->types.is_joint) {
        miss = mover_follow(tangent, view, v, taste, miss);
    }
    mover_factor(v, n);
    double worst = 0;
    for (int32_t t = 0; t < c->n_type; t++) {
        const double *DUR_RESTRICT here = tangent->types.value + (c->first_row + t) * l->n_state + view->first;
        double *DUR_RESTRICT size = v->part;
        for (int64_t i = 0; i < n; i++) {
            double off = v->worst[i] * v->attends[i] * fabs(here[i]);
            size[i] = off - off == 0.0 ? off : INFINITY;
        }
        worst = row_largest(size, n, worst);
    }
    return worst;
}

/// Rows of values that a tangent makes, [n_value x n_lane] each: right sides, their diagonals, what remaining misses of shifts
/// change in them, derivatives in the scale; and how values change along the belief about the mover, where it drifts.
typedef struct TypesSums { double *acc, *diag, *extra, *slope, *along; } TypesSums;

// The coefficients of one row of values: how its equation changes with what the types of the mover gain by each move.
//     Y = mu p (y - sum p y),  z = h + sum_t grade Y,  (I - B)' w = z,  C = Y + tells w - p sum(tells w)
// y: how the equation changes with choices, h: with shifts.
static inline void mover_bend(const TangentJob *tangent, int64_t block, int64_t mode, const Mover *v, int32_t row, int32_t own,
                              bool taste, const double *DUR_RESTRICT sum, const TypesSums *s) {
    const Lattice *l = tangent->lattice;
    const Chooser *c = &v->c;
    int64_t n = l->n_lane;
    int32_t N = c->n_move, n_type = c->n_type;
    bool is_typed = n_type > 1;
    const double *DUR_RESTRICT attends = v->attends;
    double *DUR_RESTRICT mean = v->part;
    for (int32_t t = 0; t < n_type; t++) {
        double weight = own >= 0 ? (own == t && !taste ? 1.0 : 0.0) : is_typed ? c->belief[t] : 1.0;
        double drift = is_typed ? (t == 0 ? 1.0 : -1.0) * v->last * c->belief[0] * c->belief[1] : 0.0;
        for (int64_t i = 0; i < n; i++) mean[i] = 0.0;
        for (int32_t a = 0; a < N; a++) {
            double *DUR_RESTRICT y = v->bend + (t * N + a) * n;
            const double *DUR_RESTRICT gain = own >= 0 ? v->gain + (t * N + a) * n : v->reply + a * n;
            const double *DUR_RESTRICT p = c->chance + (t * N + a) * n, *DUR_RESTRICT along = s->along + row * n;
            if (c->shift[a] < 0) for (int64_t i = 0; i < n; i++) y[i] = attends[i] * (weight * gain[i]);
            else for (int64_t i = 0; i < n; i++) y[i] = attends[i] * (weight * gain[i] + drift * along[i]);
            for (int64_t i = 0; i < n; i++) mean[i] += p[i] * y[i];
        }
        const double *DUR_RESTRICT mu = v->mu + t * n;
        for (int32_t a = 0; a < N; a++) {
            double *DUR_RESTRICT y = v->bend + (t * N + a) * n;
            const double *DUR_RESTRICT p = c->chance + (t * N + a) * n;
            for (int64_t i = 0; i < n; i++) y[i] = mu[i] * p[i] * (y[i] - mean[i]);
        }
    }
    if (is_typed) {
        // z, and D^-1 z
        double *h = v->joint + TANGENT_TYPES * TANGENT_TYPES * n, *e = h + TANGENT_TYPES * TANGENT_TYPES * n;
        for (int64_t i = 0; i < 4 * n; i++) e[i] = 0.0;
        double *reach = e + 2 * n;
        for (int32_t a = 0; a < N; a++) {
            const double *DUR_RESTRICT y0 = v->bend + a * n, *DUR_RESTRICT y1 = y0 + N * n;
            const double *DUR_RESTRICT g0 = v->grade + a * n, *DUR_RESTRICT g1 = g0 + N * n;
            const double *DUR_RESTRICT u0 = v->tells + a * n, *DUR_RESTRICT u1 = u0 + N * n;
            const double *DUR_RESTRICT made = own >= 0 ? c->chance + (own * N + a) * n : c->public + a * n;
            const double *DUR_RESTRICT rise = own >= 0 ? v->grade + (own * N + a) * n : v->rise + a * n;
            const double *DUR_RESTRICT pivot = v->pivot + a * n;
            double *DUR_RESTRICT z = v->pull + a * n;
            for (int64_t i = 0; i < n; i++) {
                z[i] = pivot[i] * (attends[i] * made[i] * rise[i] + g0[i] * y0[i] + g1[i] * y1[i]);
                e[i] += u0[i] * z[i];
                e[n + i] += u1[i] * z[i];
            }
        }
        solve_two(h, h + n, h + 2 * n, h + 3 * n, e, e + n, n);
        double *DUR_RESTRICT extra = s->extra + row * n;
        for (int32_t a = 0; a < N; a++) {
            const double *DUR_RESTRICT g0 = v->grade + a * n, *DUR_RESTRICT g1 = g0 + N * n;
            const double *DUR_RESTRICT p0 = c->chance + a * n, *DUR_RESTRICT p1 = p0 + N * n;
            const double *DUR_RESTRICT u0 = v->tells + a * n, *DUR_RESTRICT u1 = u0 + N * n;
            const double *DUR_RESTRICT pivot = v->pivot + a * n, *DUR_RESTRICT miss = v->miss + a * n;
            double *DUR_RESTRICT w = v->pull + a * n;
            for (int64_t i = 0; i < n; i++) {
                w[i] -= pivot[i] * (p0[i] * g0[i] * e[i] + p1[i] * g1[i] * e[n + i]);
                extra[i] += w[i] * miss[i];
                reach[i] += u0[i] * w[i];
                reach[n + i] += u1[i] * w[i];
            }
        }
        for (int32_t t = 0; t < n_type; t++)
            for (int32_t a = 0; a < N; a++) {
                double *DUR_RESTRICT y = v->bend + (t * N + a) * n;
                const double *DUR_RESTRICT u = v->tells + (t * N + a) * n, *DUR_RESTRICT p = c->chance + (t * N + a) * n;
                const double *DUR_RESTRICT w = v->pull + a * n, *DUR_RESTRICT all = reach + t * n;
                for (int64_t i = 0; i < n; i++) y[i] += u[i] * w[i] - p[i] * all[i];
            }
    }
    float *DUR_RESTRICT out = v->out;
    for (int32_t a = 0; a < N; a++) {
        int32_t at = tangent->move_row[c->move[a] * l->n_mode_state + mode] + tangent_bend_row(n_type, c->shift[a] >= 0, row, 0);
        for (int32_t t = 0; t < n_type; t++) {
            const double *DUR_RESTRICT y = v->bend + (t * N + a) * n;
            for (int64_t i = 0; i < n; i++) out[i] = (float)y[i];
            put_row(tangent, block, mode, at + t, out);
        }
    }
    if (!tangent->slope) return;
    // precisions scale what is gained: the same derivatives; the worth of shocks falls besides, scale dW/dscale = sum p A - W
    double *DUR_RESTRICT slope = s->slope + row * n;
    for (int32_t k = 0; k < n_type * N; k++) {
        const double *DUR_RESTRICT y = v->bend + k * n, *DUR_RESTRICT gain = v->gain + k * n;
        for (int64_t i = 0; i < n; i++) slope[i] += y[i] * gain[i];
    }
    if (own < 0 || !taste) return;
    for (int32_t a = 0; a < N; a++) {
        const double *DUR_RESTRICT p = c->chance + (own * N + a) * n, *DUR_RESTRICT gain = v->gain + (own * N + a) * n;
        for (int64_t i = 0; i < n; i++) slope[i] += attends[i] * p[i] * gain[i];
    }
    for (int64_t i = 0; i < n; i++) slope[i] -= attends[i] * sum[i];
}

// rates of a mover's moves, as others see them and by type, where they lead, and what spans of the belief they reach
static inline void mover_rates(const TangentJob *tangent, int64_t block, int64_t mode, const Mover *v) {
    const Lattice *l = tangent->lattice;
    const Chooser *c = &v->c;
    int64_t n = l->n_lane;
    float *DUR_RESTRICT out = v->out;
    for (int32_t a = 0; a < c->n_move; a++) {
        int32_t row = tangent->move_row[c->move[a] * l->n_mode_state + mode];
        for (int64_t i = 0; i < n; i++) out[i] = (float)(v->attends[i] * c->public[a * n + i]);
        put_row(tangent, block, mode, row++, out);
        for (int32_t t = 0; t < c->n_type && c->n_type > 1; t++) {
            for (int64_t i = 0; i < n; i++) out[i] = (float)(v->attends[i] * c->chance[(t * c->n_move + a) * n + i]);
            put_row(tangent, block, mode, row++, out);
        }
        if (c->shift[a] < 0) continue;
        for (int64_t i = 0; i < n; i++) out[i] = (float)v->place[a * n + i];
        put_row(tangent, block, mode, row, out);
        int16_t *span = tangent->span + tangent_span(tangent, block, mode, tangent->move_span[c->move[a] * l->n_mode_state + mode], 0);
        for (int64_t line = 0; line < tangent->n_line; line++)
            for (int64_t from = 0; from < tangent->line; from += tangent->group, span += 2) {
                int64_t first = line * tangent->line + from, to = first + tangent->group;
                if (to > (line + 1) * tangent->line) to = (line + 1) * tangent->line;
                float least = out[first], most = out[first];
                for (int64_t i = first; i < to; i++) {
                    least = out[i] < least ? out[i] : least;
                    most = out[i] > most ? out[i] : most;
                }
                span[0] = (int16_t)least;
                span[1] = (int16_t)ceilf(most);
            }
    }
}

// the belief in silence: db_1/dt = lambda b0 b1 sum over signals (p0 - p1), and types that become others; all rows along it
static inline void add_drifting(const TangentJob *tangent, const LatticeBlock *view, int64_t block, int64_t mode, int32_t p,
                                const Mover *v, double *DUR_RESTRICT drift, float *DUR_RESTRICT out, const TypesSums *s) {
    const TypesJob *job = &tangent->types;
    const Lattice *l = tangent->lattice;
    const ModelPrivate *mp = &l->model->private[p];
    int64_t n = l->n_lane, step = l->stride[mp->variable];
    int32_t here = view->node[mp->variable];
    double last = l->private[p].n_step;
    const double *b = l->private[p].belief + (int64_t)here * mp->n_type;
    for (int64_t i = 0; i < n; i++) drift[i] = 0.0;
    if (v) {
        const Chooser *c = &v->c;
        for (int32_t a = 0; a < c->n_move; a++) {
            if (c->shift[a] < 0) continue;
            const double *DUR_RESTRICT p0 = c->chance + a * n, *DUR_RESTRICT p1 = p0 + c->n_move * n;
            for (int64_t i = 0; i < n; i++) drift[i] += p0[i] - p1[i];
        }
        for (int64_t i = 0; i < n; i++) drift[i] *= v->attends[i] * (b[0] * b[1]);
    }
    for (int32_t k = 0; k < mp->n_becomes; k++) {
        Row rate = row_of(l, &l->private[p].becomes[k], view);
        double share = mp->becomes[k].type == 1 ? 1.0 - b[1] : -b[1];
        add_row(rate, share, drift, n);
    }
    for (int64_t i = 0; i < n; i++) {
        double rate = last * drift[i];
        rate = here < l->private[p].n_step || rate < 0 ? rate : 0.0;
        drift[i] = here > 0 || rate > 0 ? rate : 0.0;
        out[i] = (float)drift[i];
    }
    put_row(tangent, block, mode, job->n_row + p, out);
    for (int32_t r = 0; r < job->n_row; r++) {
        const double *DUR_RESTRICT at = job->value + r * l->n_state + view->first;
        double *DUR_RESTRICT acc = s->acc + r * n, *DUR_RESTRICT diag = s->diag + r * n, *DUR_RESTRICT along = s->along + r * n;
        int64_t up = here < l->private[p].n_step ? step : 0, down = here > 0 ? -step : 0;
        for (int64_t i = 0; i < n; i++) {
            bool rises = drift[i] > 0;
            double x = rises ? at[i + up] : at[i + down], rate = rises ? drift[i] : -drift[i];
            acc[i] += rate * x;
            diag[i] += rate;
            along[i] = rises ? x - at[i] : at[i] - x;
        }
    }
}

// one actor's choices: sums, coefficients
static inline void add_mover(const TangentJob *tangent, const LatticeBlock *view, int64_t block, int64_t mode, const Mover *v,
                             bool taste, const TypesSums *s) {
    const TypesJob *job = &tangent->types;
    const Lattice *l = tangent->lattice;
    const Model *m = l->model;
    const Chooser *c = &v->c;
    int64_t n = l->n_lane;
    mover_rates(tangent, block, mode, v);
    for (int32_t r = 0, actor = 0, type = 0; r < job->n_row; r++, type++) {
        while (type == model_types(m, actor)) { actor++; type = 0; }
        int32_t own = actor == c->actor ? type : -1;
        const double *DUR_RESTRICT here = job->value + r * l->n_state + view->first;
        double *DUR_RESTRICT acc = s->acc + r * n, *DUR_RESTRICT diag = s->diag + r * n;
        for (int32_t a = 0; a < c->n_move; a++) {
            double *DUR_RESTRICT gain = own >= 0 ? v->gain + (own * c->n_move + a) * n : v->reply + a * n;
            if (own < 0) mover_gain(tangent, view, v, a, r, actor, type, gain, v->rise + a * n);
            const double *DUR_RESTRICT made = own >= 0 ? c->chance + (own * c->n_move + a) * n : c->public + a * n;
            for (int64_t i = 0; i < n; i++) {
                double rate = v->attends[i] * made[i];
                acc[i] += rate * (own >= 0 && taste ? here[i] : gain[i] + here[i]);
                diag[i] += rate;
            }
        }
        const double *DUR_RESTRICT sum = v->joint + (own > 0 ? own : 0) * n;
        if (own >= 0 && taste) for (int64_t i = 0; i < n; i++) acc[i] += v->attends[i] * sum[i];
        mover_bend(tangent, block, mode, v, r, own, taste, sum, s);
    }
}

// Rows in `room`, n_lane doubles each: acc, diag, extra, slope and along, each [n_value]; flow, drift, then the mover's
static double types_take(const TangentJob *tangent, int64_t block, int64_t mode, double *DUR_RESTRICT room) {
    const TypesJob *job = &tangent->types;
    const Lattice *l = tangent->lattice;
    const Model *m = l->model;
    int64_t n = l->n_lane;
    int32_t n_row = job->n_row;
    TypesSums s = {.acc = room, .diag = room + n_row * n, .extra = room + 2 * n_row * n, .slope = room + 3 * n_row * n,
                   .along = room + 4 * n_row * n};
    double *flow = room + 5 * n_row * n, *drift = flow + n, *rest = drift + n, worst = 0;
    float *out = (float *)rest;
    rest += n;
    bool taste = m->choice == CHOICE_TASTE;
    LatticeBlock view;
    lattice_block(l, mode * tangent->n_block + block, &view);

    for (int64_t i = 0; i < (5 * n_row + 1) * n; i++) room[i] = 0.0;
    add_flows(job, &view, s.acc, flow, rest);
    for (int32_t r = 0; r < n_row; r++)
        for (int64_t i = 0; i < n; i++) s.diag[r * n + i] = flow[i];

    for (int32_t k = 0, row = 0; k < m->n_actor; row += model_types(m, k), k++) {
        Mover v;
        bool chooses = mover_make(tangent, &view, k, row, rest, &v);
        if (chooses) {
            double miss = mover_settle(tangent, &view, &v, taste);
            worst = miss > worst ? miss : worst;
        }
        int32_t p = m->actor[k].private;
        if (p >= 0) {
            add_drifting(tangent, &view, block, mode, p, chooses ? &v : NULL, drift, out, &s);
            add_turns(job, &view, p, row, s.acc, s.diag);
        }
        if (chooses) add_mover(tangent, &view, block, mode, &v, taste, &s);
    }

    for (int32_t r = 0, actor = 0, type = 0; r < n_row; r++, type++) {
        while (type == model_types(m, actor)) { actor++; type = 0; }
        double rho = l->actor[actor].rho, held = rho + job->lag;
        const double *DUR_RESTRICT here = job->value + r * l->n_state + view.first;
        const double *DUR_RESTRICT a = s.acc + r * n, *DUR_RESTRICT d = s.diag + r * n, *DUR_RESTRICT extra = s.extra + r * n;
        double *DUR_RESTRICT size = flow;
        float *DUR_RESTRICT miss = tangent->miss + r * l->n_state + view.first;
        if (tangent->line_stock >= 0) pivots(tangent, &view, held, d, out);
        else for (int64_t i = 0; i < n; i++) out[i] = (float)(1.0 / (held + d[i]));
        put_row(tangent, block, mode, r, out);
        for (int64_t i = 0; i < n; i++) {
            double off = a[i] - (rho + d[i]) * here[i];
            miss[i] = (float)(off + extra[i]);
            size[i] = off - off == 0.0 ? fabs(off) : INFINITY;
        }
        worst = row_largest(size, n, worst);
        if (!tangent->slope) continue;
        float *DUR_RESTRICT to = tangent->slope + r * l->n_state + view.first;
        for (int64_t i = 0; i < n; i++) to[i] = (float)s.slope[r * n + i];
    }
    return worst;
}

// ---- sweeping it ------------------------------------------------------------------------------------------------------

// x where it is above 0, else 0
#define ABOVE16(x) ((DurFloat16)((DurInt16)(x) & ((x) > 0.0f)))

// the weight of a node of the belief: a hat over it
static DUR_ALWAYS_INLINE void hat16(const float *place, float node, DurFloat16 *out) {
    DurFloat16 off = LOAD16(place) - node, back = -off, w = 1.0f - (ABOVE16(off) + ABOVE16(back));
    *out = ABOVE16(w);
}

// the mean of all rows of values over the targets of a site, its belief `by` states away; at: of the lanes, in job->d
static DUR_ALWAYS_INLINE void at_targets(const TangentJob *job, const TangentSite *site, int64_t mode, int64_t at, int64_t lane,
                                         int64_t by, int32_t n_value, DurFloat16 *q) {
    if (site->target >= 0) {
        const float *there = job->d + at + by + (site->target - mode) * job->lattice->n_stock_state;
        for (int32_t e = 0; e < n_value; e++) q[e] = LOAD16(there + e * job->lattice->n_state);
    } else {
        cornered16(job, job->corner + site->corner, site->n_corner, at + by, lane, n_value, q);
    }
}

static DUR_ALWAYS_INLINE void types_outside(const TangentJob *job, int64_t block, int64_t mode, int64_t lane,
                                            const float *coefficient, int32_t n_value, DurFloat16 *acc) {
    const Lattice *l = job->lattice;
    const TangentCell *cell = &job->cell[block * l->n_mode_state + mode];
    int64_t n_state = l->n_state, group = job->group, at = mode * l->n_stock_state + block * l->n_lane + lane;
    const float *d = job->d + mode * l->n_stock_state + block * l->n_lane;
    from_flows(job, block, mode, lane, n_value, acc);

    // beliefs in silence
    for (int32_t p = 0; p < l->model->n_private; p++) {
        int32_t variable = l->model->private[p].variable, here = job->node[block * l->model->n_private + p];
        int64_t step = l->stride[variable];
        DurFloat16 rate = LOAD16(coefficient + (n_value + p) * group);
        DurFloat16 up = ABOVE16(rate), down = up - rate;
        if (here < l->private[p].n_step)
            for (int32_t e = 0; e < n_value; e++) acc[e] += up * LOAD16(d + e * n_state + lane + step);
        if (here > 0)
            for (int32_t e = 0; e < n_value; e++) acc[e] += down * LOAD16(d + e * n_state + lane - step);
    }

    for (int32_t k = 0; k < cell->n_site; k++) {
        const TangentSite *site = &job->site[cell->site + k];
        const float *row = coefficient + site->row * group;
        const float *bends = row + tangent_bend_row(site->n_type, site->is_signal, 0, 0) * group;
        DurFloat16 gain[TANGENT_TYPES], q[n_value > 0 ? n_value : 1];
        for (int32_t t = 0; t < site->n_type; t++) gain[t] = -LOAD16(d + (site->first + t) * n_state + lane);
        if (!site->is_signal && site->target >= 0) {
            // moves within the block are seen as they have become (types_modes)
            for (int32_t t = 0; t < site->n_type; t++)
                gain[t] += LOAD16(d + (site->first + t) * n_state + lane + (site->target - mode) * l->n_stock_state);
        } else if (!site->is_signal) {
            at_targets(job, site, mode, at, lane, 0, n_value, q);
            for (int32_t e = 0; e < n_value; e++) {
                int32_t own = e - site->first;
                bool is_own = own >= 0 && own < site->n_type;
                acc[e] += LOAD16(row + tangent_rate_row(site->n_type, is_own ? own : -1) * group) * q[e];
                if (is_own) gain[own] += q[e];
            }
        } else {
            const float *place = row + tangent_place_row(site->n_type) * group;
            const int16_t *span = job->span + tangent_span(job, block, mode, site->span, lane / job->line * job->line_group +
                                                           lane % job->line / 16);
            for (int32_t node = span[0]; node <= span[1]; node++) {
                DurFloat16 w;
                hat16(place, (float)node, &w);
                at_targets(job, site, mode, at, lane, (node - site->here) * site->step, n_value, q);
                for (int32_t e = 0; e < n_value; e++) {
                    int32_t own = e - site->first;
                    bool is_own = own >= 0 && own < site->n_type;
                    q[e] *= w;
                    if (is_own) gain[own] += q[e];
                    if (node == site->here && site->target >= 0) continue;
                    acc[e] += LOAD16(row + tangent_rate_row(site->n_type, is_own ? own : -1) * group) * q[e];
                }
            }
        }
        for (int32_t e = 0; e < n_value; e++)
            for (int32_t t = 0; t < site->n_type; t++) acc[e] += LOAD16(bends + (e * site->n_type + t) * group) * gain[t];
    }
}

static DUR_ALWAYS_INLINE void types_modes(const TangentJob *job, const TangentCell *cell, const float *coefficient, int64_t mode,
                                          int64_t lane, int64_t g, int64_t pad, int32_t n_value, const float *x,
                                          const float *acc, DurFloat16 *sum) {
    int64_t group = job->group;
    const float *a = acc + mode * n_value * pad + g;
    for (int32_t e = 0; e < n_value; e++) sum[e] = LOAD16(a + e * pad);
    for (int32_t k = 0; k < cell->n_site; k++) {
        const TangentSite *site = &job->site[cell->site + k];
        if (site->target < 0) continue;
        const float *row = coefficient + site->row * group, *there = x + site->target * n_value * pad + g;
        DurFloat16 w = (DurFloat16){0} + 1.0f;
        if (site->is_signal) hat16(row + tangent_place_row(site->n_type) * group, (float)site->here, &w);
        for (int32_t e = 0; e < n_value; e++) {
            int32_t own = e - site->first;
            bool is_own = own >= 0 && own < site->n_type;
            sum[e] += w * LOAD16(row + tangent_rate_row(site->n_type, is_own ? own : -1) * group) * LOAD16(there + e * pad);
        }
    }
    // types that become others, at the rates of the lane
    const float *here = x + mode * n_value * pad + g;
    for (int32_t k = 0; k < cell->n_turn; k++) {
        const TangentTurn *turn = &job->turn[cell->turn + k];
        DurFloat16 there = LOAD16(here + turn->to * pad);
        if (turn->lane) sum[turn->from] += LOAD16(turn->lane + lane) * there;
        else            sum[turn->from] += turn->one * there;
    }
}

static void types_block_sweep(const TangentJob *job, int64_t block, int64_t from, int64_t to, float *DUR_RESTRICT x,
                              float *DUR_RESTRICT room) {
    int32_t n_value = job->n_value;
    if (n_value == 3)      sweep_values(job, types_outside, types_modes, block, from, to, 3, x, room);
    else if (n_value == 4) sweep_values(job, types_outside, types_modes, block, from, to, 4, x, room);
    else if (n_value == 5) sweep_values(job, types_outside, types_modes, block, from, to, 5, x, room);
    else                   sweep_values(job, types_outside, types_modes, block, from, to, n_value, x, room);
}
