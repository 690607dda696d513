/// How does cost grow with the lattice? One scenario with two actors, four modes and four stocks, at finer and finer grids.
///     scale_bench [nodes ...]      states are 4 * nodes^4; without arguments 7 13 22 40 (10^4 to 10^7)
/// 71 nodes make 10^8 states: `make bench-large`, some four minutes, 21 GiB.
#include "../test/scale_case.h"

#include "base/memory.h"
#include "game/game.h"
#include "lang/lang.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(int argc, char **argv) {
    static const int usual[] = {7, 13, 22, 40};
    int n_case = argc > 1 ? argc - 1 : 4;
    printf("states,lanes,threads,sweeps,tangents,seconds,ns_per_state_sweep,told_gib,peak_gib,residual,residual_recomputed\n");
    Team *team = team_make(0);
    for (int i = 0; i < n_case; i++) {
        int grid = argc > 1 ? atoi(argv[i + 1]) : usual[i];
        char text[4096];
        snprintf(text, sizeof text, SCALE_CASE, grid, grid, grid, grid);
        DurError error = {0};
        Compilation c = {0};
        if (lang_compile_text(&c, "scale.duress", text, strlen(text), NULL, 0, &error) != DUR_OK || !c.model) {
            fprintf(stderr, "scale_bench: the scenario does not compile\n");
            return 2;
        }
        Lattice *l;
        GameSolution s;
        if (lattice_make(&l, c.model, NULL, &error) != DUR_OK) {
            fprintf(stderr, "%s\n", error.text);
            return 3;
        }
        if ((double)memory_available() < game_bytes(l)) {
            fprintf(stderr, "scale_bench: %d nodes take %.1f GiB, more than there is\n", grid, game_bytes(l) / 0x1p30);
            return 3;
        }
        if (game_solve(&s, l, &(GameOptions){.skip_certificate = true}, team, &error) != DUR_OK) {
            fprintf(stderr, "%s\n", error.text);
            return 3;
        }
        printf("%lld,%lld,%d,%lld,%lld,%.3f,%.2f,%.2f,%.2f,%s,%.1e\n", (long long)l->n_state, (long long)l->n_lane, team_size(team),
               (long long)(s.n_sweep - s.n_take), (long long)s.n_take, s.seconds,
               s.seconds * 1e9 / (double)s.n_sweep / (double)l->n_state, (double)s.n_byte / 0x1p30, (double)memory_peak() / 0x1p30,
               s.verdict == GAME_CONVERGED ? "met" : "missed", s.certificate.residual);
        fflush(stdout);
        game_free(&s);
        lattice_free(l);
        lang_free(&c);
    }
    team_free(team);
    return 0;
}
