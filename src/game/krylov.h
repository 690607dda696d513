/// Newton's method on the values with the exact tangent, its linear systems solved by GMRES over sweeps of the tangent: no
/// matrix is stored, no exponential taken inside a linear solve. Best responses lead away from many equilibria; a
/// tangent leads to them.
/// Source: Knoll and Keyes 2004, "Jacobian-free Newton-Krylov methods"; forcing terms Eisenstat and Walker 1996; why it is
/// needed Crisman-Cox and Gibilisco 2018.
#ifndef GAME_KRYLOV_H
#define GAME_KRYLOV_H

#include "base/progress.h"
#include "game/aggregate.h"
#include "game/correction.h"
#include "game/tangent.h"
#include "num/gmres.h"

#include <math.h>

/// What Newton's method needs on one lattice. Owned by whoever made it.
typedef struct Krylov {
    const Lattice *lattice;      // borrowed
    const LatticeRule *rule;     // borrowed, may be NULL
    Tangent *tangent;
    Gmres   *gmres;
    Aggregate *aggregate;        // what linear systems are preconditioned with, or NULL; owned (krylov_aggregate)
    Correction *correction;      // where they begin, or NULL; owned
    int64_t  n;                  // values: model_rows x n_state
    int64_t  n_all;              // with the shifts of beliefs behind them, which taking a tangent settles
    float   *miss;               // [n] F at the last tangent taken
    float   *swept;              // [n] what one sweep of the linear system makes of it
    float   *d;                  // [n] step
    Team    *team;               // borrowed, NULL where a second thread does not pay
    const Progress *progress;    // borrowed, may be NULL
    int64_t  n_take, n_sweep;    // counted: tangents taken, sweeps of linear systems
    int64_t  max_sweep;          // of both together, tangents as TAKE_SWEEPS each
    int64_t  linear_most;        // sweeps of one linear system, what it leaves then being good enough; 0: until it is solved or no sweep helps
    int64_t  limit;              // the same, whatever max_sweep is set to on the way: what the caller allowed; INT64_MAX: no limit
    bool     is_far;             // starts are far from any solution: linear systems are solved no better than steps are good
    bool     only_whole;         // give up at the first step that would have to be shortened: the start was too far
    bool     holds;              // states whose shifts of beliefs jump are held (tangent_hold), and steps kept unless they lead far astray
    bool     corrects;           // krylov_solve makes itself a correction where systems are slow; false at first
    bool     is_slow;            // the last one was: a correction is made, or made anew, at the next tangent
    int32_t  kept, n_correction; // the variable that keeps its nodes there, -1: none yet; times made
    double   coarse_work;        // of sweeps on coarser lattices what is less than a sweep
    double   residual, best;     // of krylov_solve at hand: at the last tangent; the least, but for halves
    int32_t  n_idle;             // tangents since, or since shifts changed how they go
    bool     is_joint;           // how they go: see tangent_joint
    double   told;
} Krylov;

/// A tangent costs about as much as this many sweeps of a linear system.
#define TAKE_SWEEPS 4

/// NULL when memory is out.
///   window     dimensions of a Krylov space before it starts over
Krylov *krylov_make(const Lattice *lattice, const LatticeRule *rule, Team *team, int32_t window,
                    const Progress *progress);
void    krylov_free(Krylov *krylov);
double  krylov_bytes(const Lattice *lattice, int32_t window);

/// From now on linear systems are preconditioned by the chain with modes averaged out (aggregate.h), read off a policy of the
/// model on any lattice; nothing changes where that does not pay. DUR_OK or DUR_MEMORY.
DurStatus krylov_aggregate(Krylov *krylov, const Policy *policy);

/// From now on linear systems begin at 0 again, and no correction is made.
void      krylov_uncorrect(Krylov *krylov);

typedef struct KrylovResult {
    double  residual;            // reached, relative to the largest |value|
    int32_t n_step;              // Newton steps
    int32_t n_short;             // of them, how many had to be shortened
    int64_t n_swept;             // of paced_solve: sweeps of values and beliefs
    bool    converged, interrupted;
} KrylovResult;

/// From `value` [n_all], at one precision scale, to a solution. On failure `value` is where the last accepted step led.
/// Returns DUR_OK whether or not it got there.
DurStatus krylov_solve(KrylovResult *out, Krylov *krylov, double scale, double tolerance, int32_t max_step,
                       double *value);

/// A x = right with A = -F' at the last tangent taken, to `reduce`. swept: see gmres_solve.
///   reduced   [out] what was reached; may be NULL
/// Returns DUR_OK also if that is less than was asked for; DUR_INTERRUPTED.
DurStatus krylov_linear(Krylov *krylov, const float *right, const float *swept, double reduce, float *x, double *reduced);

/// How far the equations are from solved at the last tangent taken, in the measure that GMRES reduces: the length of what one
/// sweep from 0 changes, which stays in `swept`. A largest miss can grow at one state while the solution comes nearer everywhere.
DurStatus krylov_measure(Krylov *krylov, double *length);

/// The largest |x[i]|, what residuals are relative to; a NaN is passed over (vector_sup is not as forgiving).
double krylov_size(const double *x, int64_t n);

/// A miss relative to such a size: values that are all zero are solved when nothing is missing, and infinitely far from it otherwise.
static inline double krylov_relative(double miss, double size) { return size > 0 ? miss / size : miss > 0 ? INFINITY : 0.0; }

/// Take the tangent at `value` [n_all], into `miss`; slope as for tangent_take. Returns the largest |F|, relative to the largest |value| if that is
/// not 0.
double krylov_take(Krylov *krylov, double scale, double *value, float *slope);

/// Whether what such a tangent misses says only that it was stopped on the way (tangent_heed).
bool krylov_is_cut(const Krylov *krylov, double residual);

/// value += by * d, d being the step that krylov_linear gave. Returns the largest |value| then, as krylov_size.
double krylov_step(Krylov *krylov, double by, double *value);

/// From now on linear systems have this lag (tangent_lag), what they are preconditioned with too.
void krylov_lag(Krylov *krylov, double lag);

/// The largest rate of discount of any actor: what lags (tangent_lag) are measured in.
double krylov_discount(const Krylov *krylov);

/// Tell the progress of a solve, not too often: *told is when it was told last. Of whoever sweeps, and of these steps.
void krylov_tell_sweeps(const Progress *progress, double *told, double scale, double residual, double tolerance, int64_t n_sweep);
void krylov_tell(Krylov *krylov, double scale, double residual, double tolerance);

/// Sweeps so far, tangents as TAKE_SWEEPS each.
int64_t krylov_spent(const Krylov *krylov);

/// From now on `most` sweeps more, but no more than up to `max_sweep` in all.
void krylov_allow(Krylov *krylov, int64_t most, int64_t max_sweep);

/// True when the sweeps are used up.
bool krylov_is_spent(const Krylov *krylov);

/// A limit of `left` sweeps over one lattice, in sweeps over another that cost as much. INT64_MAX stays.
int64_t krylov_limit_on(int64_t left, const Lattice *from, const Lattice *to);

#endif
