/// Why actors choose as they do at a state: the advantage of each move over waiting, split by what pays it and by what
/// carries it, so that the parts add up to the whole.
///
/// With everyone's choices fixed, V = (rho - G)^-1 u is linear in the flow u of payoff. For one flow let phi = u/rho, its
/// worth if the state stayed as it is for ever. Then V - phi = (rho - G)^-1 G phi, because (rho - G)(V - phi) =
/// u - rho phi + G phi (Dynkin's formula), and G is a sum over stocks, events and moves. So
///     V = phi + sum over channels c of (rho - G)^-1 G_c phi.
/// A lump is carried by the jump that pays it. Each entry is linear in V, so one adjoint solve for each move,
///     (rho - G)' m = (distribution after the move) - (here),
/// gives all of them as dot products <m, G_c phi>. Source: doc/mathematics.md, "Reasons".
#ifndef GAME_REASONS_H
#define GAME_REASONS_H

#include "base/progress.h"
#include "base/team.h"
#include "game/part.h"

/// What carries a part of an advantage.
typedef enum ChannelKind {
    CHANNEL_NOW,       // worth of the state after the move against that of this one if both stayed, and the move's own lump
    CHANNEL_STOCK,     // drift and noise of a stock; in rounds its change
    CHANNEL_BELIEF,    // what others learn of an actor from its silence
    CHANNEL_EVENT,
    CHANNEL_REPLY,     // a later move of another actor; in rounds also one at the same time
    CHANNEL_OWN,       // a later move of the actor itself; with jump -1 its later opportunities as such (PART_SHOCKS)
    CHANNEL_TYPE,      // becoming another type
    CHANNEL_KIND_COUNT
} ChannelKind;

typedef struct Channel {
    ChannelKind kind;
    int32_t index;     // stock, private, or jump; -1 for none of them
} Channel;

/// One move at the state, of one type where its actor has types.
typedef struct Reason {
    int32_t actor, type, row, jump;   // row: of values (model_row)
    double  probability;   // at an opportunity; the mean over the nodes around the state, as game_at has it
    double  solved;        // Q(move) - Q(wait) from the policy's own values, the same mean
    double  advantage;     // the same from the exact values of everyone's choices: what is split; they differ by the solve's error
    double *split;         // [n_part x n_channel] owned; sums to `advantage`
    double  residual;      // largest miss of the linear system behind the split
    bool    is_solved;     // false: that system did not settle, and the split says nothing
} Reason;

/// Everything about one state.
typedef struct Reasons {
    const Model *model;          // borrowed
    int32_t  n_channel;
    Channel **channel;           // [n_actor][n_channel] the same numbers, seen by each actor
    int32_t *n_part;             // [n_actor]
    Part   **part;               // [n_actor][n_part]
    double  *value, *wait;       // [n_row] value of the state, probability of waiting
    int32_t  n_reason;
    Reason  *reason;             // [n_reason] every move available there, by actor and type
} Reasons;

/// Explain every move that is available at a state (variable values; modes whole, stocks anything in range: advantages are
/// then the mean over the nodes around it). In rounds it is the state in which the actor chooses, the beginning of its stage.
///   actor    only this one's moves, or negative: everyone's
/// A type expects others' choices as they are and its own; what others would learn of it from its moves is held as it is in
/// equilibrium, and counts with the move that tells it. Moves are solved side by side. The same bits on any number of threads.
/// Cost: a linear solve for every eight moves; in rounds for every move (reasons_rounds.h). Returns DUR_OK, DUR_MEMORY, DUR_LIMIT or DUR_INTERRUPTED. Freed by reasons_free.
DurStatus reasons_make(Reasons *out, const Policy *policy, const double *state, int32_t actor, const Progress *progress,
                       Team *team, DurError *error);
void      reasons_free(Reasons *reasons);

/// Bytes that reasons_make takes at most beside the policy, on a team of that size.
double reasons_bytes(const Lattice *lattice, int n_thread);

// ---- where a mind changes ------------------------------------------------------------------------------------------

/// A level of one stock, the rest of the state as it is, at which an actor's mind changes: its best option, or the sign of a
/// move's advantage over waiting.
typedef struct MindChange {
    int32_t actor, type, stock;
    double  from, at;            // level at hand, level of the change
    double  distance;            // |at - from| as a share of the stock's range
    int32_t before, after;       // best option on this side and beyond: a jump, or -1 for waiting; equal if it stays
    int32_t jump;                // move whose advantage changes its sign, or -1
    bool    is_gain;             // it is better than waiting beyond, and was worse before
} MindChange;

/// Find, for every actor (or one), each of its types, and stock, the changes along the stock's axis through the state, nearest first, at most
/// `most` for each of them and stock. Between nodes advantages are linear, so crossings are exact; a guard is read at nodes and
/// where it differs between two of them its limit is found by halving. Advantages below `noise` count as 0.
///   out      room for n_row * n_stock * most entries
/// Returns through *n how many, ordered by actor and type, then distance. DUR_OK or DUR_MEMORY.
DurStatus reasons_changes(const Policy *policy, const double *state, int32_t actor, int32_t most, double noise,
                          MindChange *out, int32_t *n, DurError *error);

#endif
