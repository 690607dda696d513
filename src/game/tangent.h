/// The tangent of the game: how the value equations miss at given values, and what a small change of the values does to
/// that. Choices are differentiated along (the logit's derivative is known), so Newton's method on the tangent has the
/// whole game in it, and no exponential is taken while a linear system is solved.
///
/// With A_{i,a} = Q_{i,a} - V_i what actor i gains when mover j makes move a, and F_i(V) = right side less left side of
/// the value equations (semantics, "Continuous clock"), the derivative in the direction d is
///
///     F_i'(V) d = G d_i + sum_j sum_a [ W_a (d_i(s_a) - d_i(s)) + C_{i,a} (d_j(s_a) - d_j(s)) ] - rho_i d_i
///     W_a = lambda_j P_a,   C_{i,a} = lambda_j mu_j P_a (A_{i,a} - sum_c P_c A_{i,c}),
///
/// G being drift, noise and events. Under `choice taste` the mover's own C is 0: at its optimum the envelope theorem holds.
///
/// A system F' d = -r is swept, not stored: blocks of stock nodes follow one another along the drift, and inside a block
/// all combinations of modes are swept back and forth while they are in cache, since moves are what couples fastest. What a
/// sweep solves for is the chain at held choices (G and W), which sweeps always settle; how choices bend (C) stays on
/// the right side, for whoever drives the sweeps (GMRES) to account for.
/// Private types: a row of values for each type of an actor, n_row in all (model_rows). A signal is worth what it tells, so
/// with shifts of the belief given, choices p_t of types and what they tell,
///     shift_a = b_0 b_1 (p_{1,a} - p_{0,a}) / P_a,
/// are a fixed point in each state. Taking a tangent settles it, from the shifts at hand, by Newton's method; and what depends on
/// shifts is eliminated from the tangent, state by state: with A'_{t,a} the slope of A_{t,a} along the belief and
/// s_{t,a} = mu_t p_{t,a} d shift_a / d p_{t,a}, shifts follow what types gain by (I - B) d shift = sum_t s_t (dA_t - p_t dA_t), where
/// I - B is diagonal but for two products of vectors (Woodbury 1950). So a tangent has no unknowns but values.
/// All of it is single precision: a linear system is solved to a few digits, and the residual, in double, corrects it.
#ifndef GAME_TANGENT_H
#define GAME_TANGENT_H

#include "base/progress.h"
#include "base/team.h"
#include "lattice/policy.h"

typedef struct Tangent Tangent;

/// Fewer values than this are swept by one thread: it takes about as long as waking another. Tangents are taken by all even so.
#define TANGENT_SHARED 65536

/// Make the tables of tangents on one lattice; borrows lattice, rule (may be NULL) and team. NULL when memory is out.
Tangent *tangent_make(const Lattice *lattice, const LatticeRule *rule, Team *team);
void     tangent_free(Tangent *tangent);

/// Whether tangents are known of such a game: not where an actor has more than two types.
bool     tangent_is_known(const Model *model);

/// Bytes that tangent_make takes, at most, with a thread for each core.
double   tangent_bytes(const Lattice *lattice);

/// From now on taking and sweeping ask whether to stop, every few thousand states, and leave undone what is left then; who swept asks the
/// same before using it. Borrows `progress`, which may be NULL.
void     tangent_heed(Tangent *tangent, const Progress *progress);

/// Take the tangent at `value`.
///   scale    multiplies every precision
///   value    [n_row x n_state], and where there are private types behind it [in,out] the shifts (Policy.shift), which are settled
///   miss     [out] [n_row x n_state] F, single precision
///   slope    [out] the same shape: derivative of F in the logarithm of `scale`; NULL: not wanted
/// Returns the largest |F|; infinity if some value or F is not finite, and where it was stopped (tangent_heed). Cost: about three sweeps (sweep.h).
double tangent_take(Tangent *tangent, double scale, double *value, float *miss, float *slope);

/// From now on tangents are taken of F - lag (V - what it is): the step that solves their system is an implicit step in time, one over
/// `lag` long. With private types only; >= 0, in the model's time unit.
void   tangent_lag(Tangent *tangent, double lag);

/// From now on shifts of beliefs make one Newton step where a tangent is taken, or, false, as many as settle them (as at first). With the step of
/// the values before, one step is one of Newton's method in values and shifts together: near a solution it leads there even where shifts
/// that follow values at once jump to and fro over it. What they still miss is in `miss`, as far as it changes values.
void   tangent_joint(Tangent *tangent, bool is_joint);

/// How a state is held whose shifts would jump where they follow the values: by more than 0.02 from where they were and from where one Newton step
/// leads, or to nowhere; or, if it may stay, half as far or farther from where that leads as from where they were, which is to another solution beside a
/// fold. It may have three answers at given values, and the solution's may be the one that following leads away from.
typedef enum TangentHold {
    TANGENT_HOLD_NONE,   // it is not, as at first
    TANGENT_HOLD_STAY,   // its shifts stay where they are and answer nothing: for others to bring them to where they belong (spots.h)
    TANGENT_HOLD_STEP,   // they make implicit steps in time together with the values, in a time of their own (decision 040)
} TangentHold;

/// From now on states are held so. Held once is held until this is called again; all others follow. What held shifts miss counts as missing.
/// DUR_OK or DUR_MEMORY. With private types only; takes 8 bytes for each state and actor that has types.
DurStatus tangent_hold(Tangent *tangent, TangentHold how);

/// One sweep of the linear system -F' d = r at the last tangent taken: d <- d + M^{-1} (r + F' d), with M the part of -F'
/// that the order of the sweep solves.
///   r        [n_row x n_state], or NULL for 0
///   d        [in,out] the same shape, and 64 bytes to spare that hold numbers, as behind r
/// Where a stock with many nodes drifts both ways the order is gone through and back: such a sweep counts as two.
/// The same bits on any number of threads and at any vector width. Cost: about a fifth of a sweep over the game itself, for each pass.
void tangent_sweep(Tangent *tangent, const float *r, float *d);
/// Passes over the lattice that a sweep makes: 1 or 2.
int32_t tangent_passes(const Tangent *tangent);

/// Bytes that one tangent_sweep must move at least (coefficients once, the vector twice), for reckonings of speed.
double tangent_traffic(const Tangent *tangent);

#endif
