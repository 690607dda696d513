/// How does cost grow with the lattice? One scenario with two actors, four modes and four stocks, at finer and finer grids.
///     scale_bench [nodes ...]      states are 4 * nodes^4; without arguments 7 13 22 40 (10^4 to 10^7)
/// 71 nodes make 10^8 states: `make bench-large`, some four minutes, 21 GiB.
#include "base/memory.h"
#include "game/game.h"
#include "lang/lang.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *TEXT =
    "scenario \"scale\" { clock continuous  unit month }\n"
    "actor north { patience 20 month  precision 4  attends 2 per month }\n"
    "actor south { patience 20 month  precision 4  attends 2 per month }\n"
    "mode threat of north { quiet, loud }\n"
    "mode effort of south { low, high }\n"
    "stock power   { range 0..1  grid %d  start 0.5  drift if effort == high then -0.08*power else 0.03*(1 - power) }\n"
    "stock anger   { range 0..1  grid %d  start 0.2  drift 0.06*(1 - anger)*power - 0.1*anger }\n"
    "stock trade   { range 0..1  grid %d  start 0.8  drift if threat == loud then -0.05*trade else 0.04*(1 - trade)  noise 0.03 }\n"
    "stock credit  { range 0..1  grid %d  start 0    drift -0.1*credit + 0.1*(1 - credit)*[effort == high] }\n"
    "event incident { rate 0.1*power per month  then anger += 0.3 }\n"
    "move threaten of north { when threat == quiet  cost 0.1  then threat = loud }\n"
    "move relent   of north { when threat == loud   cost 0.1*(1 - credit)  then threat = quiet }\n"
    "move step_up  of south { when effort == low    cost 0.1  then effort = high }\n"
    "move ease_off of south { when effort == high   then effort = low }\n"
    "move concede  of south { when credit <= 0.5    cost 0.3  then credit += 0.4, anger -= 0.2 }\n"
    "payoff north { harm -1.2*power*(0.3 + anger)\n  cost -0.2*[threat == loud]\n  win 0.6*credit }\n"
    "payoff south { rents power\n  trade -(1 - trade)\n  fear -0.8*anger*[threat == loud]\n  effort -0.25*[effort == high] }\n";

int main(int argc, char **argv) {
    static const int usual[] = {7, 13, 22, 40};
    int n_case = argc > 1 ? argc - 1 : 4;
    printf("states,lanes,threads,sweeps,tangents,seconds,ns_per_state_sweep,told_gib,peak_gib,residual,residual_recomputed\n");
    Team *team = team_make(0);
    for (int i = 0; i < n_case; i++) {
        int grid = argc > 1 ? atoi(argv[i + 1]) : usual[i];
        char text[4096];
        snprintf(text, sizeof text, TEXT, grid, grid, grid, grid);
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
