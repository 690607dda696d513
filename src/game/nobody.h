/// A game in continuous time without actors: nobody chooses, so there is no value to find, and its chain of states is what it is. The
/// methods of game_solve divide a lattice into tasks by what actors keep at a state, so it comes here for such a game.
#ifndef GAME_NOBODY_H
#define GAME_NOBODY_H

#include "game/game.h"

/// As game_solve; options are read for skip_certificate and progress.
DurStatus game_nobody(GameSolution *out, const Lattice *lattice, const GameOptions *options, Team *team, DurError *error);

#endif
