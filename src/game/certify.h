/// Certificates: numbers about a solution that do not depend on how it was found. They are computed from the lattice's
/// operators and the finished policy, never by the solver's own code.
#ifndef GAME_CERTIFY_H
#define GAME_CERTIFY_H

#include "game/game.h"

/// Fill residual, and if `whole` consistency and regret (else NaN), by type where there are private types. The same bits on
/// any number of threads. DUR_OK, DUR_MEMORY or DUR_INTERRUPTED.
///   rows_most   bytes beside certify_bytes that the chain's rows laid out may take: with certify_rows_bytes it is several times as fast
DurStatus certify(GameCertificate *out, const Policy *policy, bool whole, double rows_most, const Progress *progress, Team *team,
                  DurError *error);

/// Bytes that certify takes at most beside the policy, and those of rows; 0 where a game has none.
double certify_bytes(const Lattice *lattice, int n_thread);
double certify_rows_bytes(const Lattice *lattice);

/// Values, choices and waiting at the start; arrays as in GameSolution.
DurStatus policy_at_start(const Policy *policy, double *value, double *choice, double *wait, DurError *error);

#endif
