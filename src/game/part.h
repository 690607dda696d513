/// The parts that an actor's payoff is made of: its flows, the lumps of each jump that pays it, and under `choice taste` the
/// shocks of its own opportunities. With everyone's choices fixed a value is the sum of what each part brings.
#ifndef GAME_PART_H
#define GAME_PART_H

#include "lattice/policy.h"

typedef enum PartKind {
    PART_TERM,      // a named flow
    PART_LUMP,      // all lumps that one jump pays this actor, its cost among them
    PART_SHOCKS     // what picking by private shocks brings beyond the mean: entropy of the choice / precision
} PartKind;

typedef struct Part {
    PartKind kind;
    int32_t  actor;
    int32_t  term, jump;    // of PART_TERM, of PART_LUMP; else -1
} Part;

/// Parts of one actor: its terms and the jumps that pay it, in order of declaration, then the shocks. Returns how many; with
/// `out` NULL only counts.
int32_t parts_of(const Model *model, int32_t actor, Part *out);

/// out[s] += flow of a part to one type of its actor (0 for an actor without types) when everyone plays `policy`, per unit of time,
/// out[n_state]. A lump counts at the rate at which it falls due. Allocates a few rows. DUR_OK or DUR_MEMORY.
DurStatus part_add_flow(const Policy *policy, const Part *part, int32_t type, double *out);

/// row[i] += what picking by private shocks brings beyond the mean under `choice taste`, in the lanes of a block: entropy of one
/// type's choice over its precision, at the rate (in rounds the probability) of its opportunities. Nothing under `choice quantal`.
///   room   [2 x n_lane]
void part_add_shocks(const Policy *policy, int32_t actor, int32_t type, const LatticeBlock *view, double *row, double *room);

/// The lump that a type of an actor gets at a jump from a state given by its nodes.
double part_lump(const Lattice *lattice, int32_t jump, int32_t actor, int32_t type, const int32_t *node);

#endif
