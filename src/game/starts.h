/// Other equilibria: many starting values, Newton's method from each, and what is distinct among the ends.
///
/// A game of this kind can have several equilibria, and no method lists them all for certain. What can be said: regular
/// equilibria are odd in number (Harsanyi 1973; McKelvey and Palfrey 1995 for logit equilibria), so an even count
/// means that at least one is missing. Best-response iteration is no way to look: it is repelled by most equilibria of some
/// published games (Crisman-Cox and Gibilisco 2018); Newton's method is not.
#ifndef GAME_STARTS_H
#define GAME_STARTS_H

#include "game/game.h"

/// Starts when the caller names no number.
#define STARTS 64
/// Residual to which each end is brought before ends are compared, relative as in GameCertificate.
#define STARTS_TOLERANCE 1e-10
/// Two ends are one equilibrium if no value differs by more than this part of the largest |V|. Values are then known to
/// about STARTS_TOLERANCE / rho, which is far less; two equilibria nearer than this (just beyond a fold) count as one.
#define STARTS_DISTINCT 1e-5

typedef struct GameEquilibrium {
    double *value;               // as GameOptions.warm: [sweep_size] values, with private types shifts behind them; in rounds
                                 // [n_actor x n_state + n_entry] values and advantages
    double *value_start;         // [n_row] as in GameSolution
    double *choice_start;        // [n_jump]
    double *wait_start;          // [n_actor]
    double  residual;            // recomputed, as in GameCertificate
    bool    is_given;            // the one that the caller knew, which comes first
    bool    is_left;             // best-response iteration leads away from it
    double  growth;              // factor by which a small deviation grows in one sweep, near it and in the long run
    int32_t n_start;             // how many starts ended here
} GameEquilibrium;

typedef struct GameEquilibria {
    int32_t n;
    GameEquilibrium *item;       // [n] the given one, then in the order of the starts that found them
    int64_t n_state;             // of the lattice on which starts were solved: a coarser one where there are many states
    int32_t n_start;             // random and patterned starts
    int32_t n_between;           // further ones, between equilibria that had been found
    int32_t n_branch;            // branches followed from equilibria that had been found
    int32_t n_missed;            // starts of either kind that ended nowhere
    double  seconds;
} GameEquilibria;

/// Look for equilibria from `n_start` starts, and then along the branch of each that was found (branch_partner) and from
/// points between them. Start k is a function of the game and of k alone: values that make everyone want one pattern of
/// modes, drawn smooth and at every size up to the largest payoffs there are, some of them followed from another precision.
/// Every end is refined to `tolerance`. On a lattice of more than 50,000 values all this is done on a coarser one, and
/// every equilibrium there carried over and refined here: one that the coarser lattice does not have is not found.
///
/// With private types Newton's method works on differences of sweeps of values and beliefs, no branch is followed and no lattice
/// coarser than the given one is used; `is_left` is about small deviations of values and of what moves tell together: whether
/// sweeps, in which everyone answers the others and Bayes' rule is applied, lead away.
///
/// In rounds starts are values and advantages, and no branch is followed either; see rounds_starts.
///
///   given      as GameEquilibrium.value, a known equilibrium, or NULL
///   options    rule, max_sweep (of each start), tolerance (0: STARTS_TOLERANCE) and progress are read
///
/// Returns DUR_OK also when nothing was found (n is 0); DUR_MEMORY, DUR_INTERRUPTED. Freed by game_equilibria_free on any
/// return. The same list, bit for bit, on any number of threads. Cost: some hundred sweeps of linear systems a start.
/// Memory: game_starts_bytes.
DurStatus game_starts(GameEquilibria *out, const Lattice *lattice, const double *given, int32_t n_start,
                      const GameOptions *options, Team *team, DurError *error);
void      game_equilibria_free(GameEquilibria *equilibria);

/// Bytes that game_starts takes beside the lattice while it works, with room for `n_kept` equilibria.
double game_starts_bytes(const Lattice *lattice, int32_t n_kept, const Team *team);

#endif
