/// The game on its lattice: a stationary Markov quantal-response equilibrium (choice quantal), or the Markov perfect
/// equilibrium with private payoff shocks (choice taste), followed from precision 0 up to the stated precisions.
/// Source: semantics, "Continuous clock"; McKelvey and Palfrey 1995, 1998 (logit equilibrium, its principal branch);
/// Doraszelski and Judd 2012, Arcidiacono, Bayer, Blevins and Ellickson 2016 (continuous-time games of moves).
#ifndef GAME_GAME_H
#define GAME_GAME_H

#include "base/progress.h"
#include "base/team.h"
#include "lattice/policy.h"

/// Largest residual at which a game is called solved when the caller names none: sup norm of the equations relative to the
/// largest |V|. Below about 1e-13 rounding dominates; above 1e-6 choices may still drift in the third digit.
#define GAME_TOLERANCE 1e-8

/// Sweeps after which a solve is given up when the caller names no number. A well-behaved game takes about a hundred; the
/// rest is for following a branch through steep places and around folds.
#define GAME_SWEEPS 100000

/// What a solution says of itself that was found from values that are unsure (GameOptions.warm_unsure).
#define WARM_UNSURE "values at hand led here, and they are not known to be on their principal branch"

typedef enum GameVerdict {
    GAME_CONVERGED,        // residual at or below the tolerance
    GAME_NO_CONVERGENCE,   // sweeps ran out, or the residual stopped falling
    GAME_INTERRUPTED
} GameVerdict;

typedef struct GameOptions {
    double  tolerance;           // 0: GAME_TOLERANCE
    int64_t max_sweep;           // about how many are allowed in all, by whatever methods; 0: GAME_SWEEPS for each method, and the
                                 // limits that they have of their own
    const double *warm;          // [sweep_size] values to start from (and shifts, as a policy has them), or NULL: the
                                 // principal branch
    const double *warm_advantage;   // in rounds: [n_entry] advantages to start from with them; NULL: what best fits the values
    bool    warm_unsure;         // with `warm`: it is not known to be on a principal branch, so what stays near it is not either
    bool    warm_alone;          // with `warm`, on a continuous clock: give up where it does not lead to a solution ...
    int64_t warm_sweeps;         // ... nor do so many sweeps of the values from there
    const LatticeRule *rule;     // restriction of one actor, or NULL
    bool    skip_certificate;    // leave consistency and regret NaN (residual is always computed)
    const Progress *progress;    // may be NULL
} GameOptions;

/// Numbers that do not depend on how the solution was found (semantics, "Certificates").
typedef struct GameCertificate {
    double  residual;            // sup norm of the value equations / largest |V|
    double  consistency;         // max |P - logit response to the exact values of P|; NaN if not computed
    double *regret;              // [n_row] gain at the start by the best deviation, payoff units; NaN if not computed
    bool    is_unsettled;        // the linear systems behind them were not solved for some actor: consistency and its regret are NaN
} GameCertificate;

typedef struct GameSolution {
    GameVerdict verdict;
    bool    is_principal;        // reached from precision 0 (or the warm start) without leaving the branch; else see `note`
    Policy *policy;              // owned: values, advantages, probabilities; the best found if not converged, unfinished or NULL if interrupted
    GameCertificate certificate;
    int64_t n_sweep;             // sweeps over the lattice: of the values, of tangents, and tangents taken
    int64_t n_take;              // of them, tangents taken on the lattice itself
    int32_t n_step;              // points found on the way: on the branch, on coarser lattices, and the last
    int32_t n_fold;              // times that the principal branch turned back
    double  reached;             // multiple of the stated precisions up to which it was followed, where it was lost; else 0
    double  seconds;             // the solve
    double  certificate_seconds;
    int64_t n_byte;              // memory of solver and policy
    double *value_start;         // [n_row] value at the start; a row is an actor, or one of its types (model_row)
    double *choice_start;        // [n_jump] probability of each move at an opportunity at the start; NaN for events and
                                 // for moves that are not available there; of an actor with types as others expect it
    double *wait_start;          // [n_actor] probability of waiting
    double *answered;            // [sweep_size - values] with private types: shifts of beliefs that the choices were answered with (the policy has
                                 // those that they tell), for game_pack; may be freed and set NULL before; else NULL
    char    note[256];           // in words: where it stands if it did not converge, which branch if not the principal
    char    how[480];            // in words: what found it, and why where the first thing tried did not
} GameSolution;

/// Solve. Returns DUR_OK whenever there is a solution to look at, also when it did not converge (see verdict);
/// DUR_MEMORY or DUR_LIMIT otherwise. Freed by game_free. The same bits on any number of threads.
DurStatus game_solve(GameSolution *out, const Lattice *lattice, const GameOptions *options, Team *team,
                     DurError *error);
void      game_free(GameSolution *solution);

/// Consistency and regret of a solution that was made with skip_certificate, as game_solve would have computed them. DUR_INTERRUPTED,
/// and the solution is as it was; DUR_MEMORY.
DurStatus game_certify(GameSolution *solution, const Progress *progress, Team *team, DurError *error);
/// The reverse: as game_solve leaves it with skip_certificate.
void      game_uncertify(GameSolution *solution);

/// Bytes that game_solve will take beside the lattice.
double game_bytes(const Lattice *lattice);

/// Values and choices at another state: variable values (modes whole, stocks anything in range, interpolated).
///   value [n_row], choice [n_jump], wait [n_actor], as in GameSolution
DurStatus game_at(const Policy *policy, const double *state, double *value, double *choice, double *wait,
                  DurError *error);

/// What each type does at a state, and what others believe after it sees a move. state: NULL for the start.
///   choice     [out] [n_row x n_jump] probability of each move of the row's actor; NaN as in GameSolution
///   wait       [out] [n_row]
///   belief     [out] [n_jump x MODEL_TYPES_MAX] probability of each type of the mover after the move: by Bayes' rule for a
///              visible move, the present belief for a secret one; NaN where it cannot be made, or its mover has no types
DurStatus game_types_at(const Policy *policy, const double *state, double *choice, double *wait, double *belief,
                        DurError *error);

/// A surprise: everyone keeps the choices of `base` but the restricted actor, who answers its values of `base` under
/// the restriction. No game is solved. The new policy is owned by the caller.
DurStatus game_surprise(Policy **out, const Policy *base, const LatticeRule *rule, DurError *error);

/// Sup norm of the plain solver's equations at given values, relative to the largest |value|: a second opinion on any
/// solution, taken straight from the model. Arguments as in plain_solve.
DurStatus plain_residual(const Lattice *lattice, const LatticeRule *rule, const double *value, double *residual,
                         DurError *error);

/// The plain solver: every number taken one state at a time by the reference interpreter into explicit rows, then
/// scalar Gauss-Seidel value iteration. Oracle of the fast one and baseline of the benchmarks.
///   value    [out] [n_actor x n_state] in the lattice's order of states; games without private types only
/// Returns DUR_OK also when max_sweep was reached (*residual tells).
DurStatus plain_solve(const Lattice *lattice, const LatticeRule *rule, double tolerance, int64_t max_sweep,
                      double *value, double *residual, int64_t *n_sweep, double *seconds, DurError *error);

/// The same for games with private types: the plain solver of plain_types.c, another piece of code altogether.
///   value    [out] [n_row x n_state]
DurStatus plain_types_solve(const Lattice *lattice, const LatticeRule *rule, double tolerance, int64_t max_sweep,
                            double *value, double *residual, int64_t *n_sweep, DurError *error);

/// How far the values and choices of a solution miss the plain solver's equations, values relative to the largest, choices
/// as they are: a second opinion that does not depend on which of several equilibria was found.
DurStatus plain_types_residual(const Policy *policy, double *residual, DurError *error);

#endif
