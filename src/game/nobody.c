#include "game/nobody.h"

#include "base/memory.h"
#include "game/certify.h"

#include <stdio.h>

DurStatus game_nobody(GameSolution *out, const Lattice *l, const GameOptions *options, Team *team, DurError *error) {
    const Model *m = l->model;
    double start = progress_seconds();
    *out = (GameSolution){.verdict = GAME_CONVERGED, .is_principal = true};
    out->certificate.regret = memory_column(0);
    out->value_start = memory_column(0);
    out->wait_start = memory_column(0);
    out->choice_start = memory_column(m->n_jump);
    bool made = out->certificate.regret && out->value_start && out->wait_start && out->choice_start;
    DurStatus status = made ? policy_make(&out->policy, l, NULL, error) : DUR_MEMORY;
    if (status == DUR_OK)
        status = policy_at_start(out->policy, out->value_start, out->choice_start, out->wait_start, error);
    if (status == DUR_OK)
        status = certify(&out->certificate, out->policy, !options->skip_certificate, 0, options->progress, team, error);
    out->seconds = progress_seconds() - start;
    out->n_byte = (int64_t)policy_bytes(l);
    snprintf(out->how, sizeof out->how, "nobody chooses, so there is nothing to solve");
    if (status == DUR_OK) return DUR_OK;
    game_free(out);
    return status_fail(error, status, "out of memory while solving");
}
