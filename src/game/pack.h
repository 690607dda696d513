/// Solutions as bytes, for whoever keeps them, and back: the same solution to the bit, without solving. The bytes are for the
/// program, lattice and machine that wrote them; whoever keeps them must know that they belong to the same question.
#ifndef GAME_PACK_H
#define GAME_PACK_H

#include "base/text.h"
#include "game/game.h"
#include "game/starts.h"

/// Append a solution. In continuous time choices follow from values, with private types and from the shifts that they were answered with
/// (solution->answered, which must be there then), and are left out.
void   game_pack(Text *out, const GameSolution *solution);
/// Bytes that game_pack appends.
size_t game_pack_bytes(const GameSolution *solution);

/// Read one back. rule: that it was solved under, or NULL. DUR_SHAPE if the bytes are not of such a game; DUR_MEMORY. Freed by
/// game_free. Cost: one sweep.
DurStatus game_unpack(GameSolution *out, const Lattice *lattice, const LatticeRule *rule, Team *team, const char *data,
                      size_t n, DurError *error);

/// The same of a list of equilibria, all of whose values have `n_value` entries (GameEquilibrium.value).
void      game_equilibria_pack(Text *out, const GameEquilibria *list, const Lattice *lattice, int64_t n_value);
DurStatus game_equilibria_unpack(GameEquilibria *out, const Lattice *lattice, int64_t n_value, const char *data, size_t n,
                                 DurError *error);

#endif
