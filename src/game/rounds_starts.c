/// Other equilibria of a game in rounds: Newton's method on values and advantages together, from many starts.
#include "base/memory.h"
#include "game/certify.h"
#include "game/rounds.h"
#include "game/rounds_system.h"
#include "game/starts.h"
#include "num/elementary.h"
#include "num/linear.h"
#include "num/philox.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/// Root of the starts' random streams: they are part of the method, not of a run.
#define STARTS_SEED 0x726f756eu
/// Rounds of best responses before Newton's method, at random: none lets it find what they are repelled by.
static const int32_t PRE_ROUNDS[4] = {0, 0, 1, 4};
/// Size of the deviation whose growth is watched, relative to the values, over how many rounds of best responses, and at most.
#define DEVIATION 1e-6
#define GROWTH_ROUNDS 50
#define GROWTH_ROUNDS_MOST 1000
#define GROWTH_SETTLED 1e-5

typedef struct Look {
    const Lattice *lattice;
    const GameOptions *options;
    GameOptions each;            // of one start
    Team *team;
    RoundsSystem system;         // best responses
    int64_t n_value, n_entry, n; // n: both
    double *range;               // [n_actor] largest less smallest payoff of a round
    double *x, *y;               // [n]
} Look;

static double draw(Stream *s, double low, double high) { return low + (high - low) * stream_uniform(s); }

static void add_range(const LatticeTable *t, double *range) {
    double low = INFINITY, high = -INFINITY;
    for (int64_t i = 0; i < t->n; i++) {
        low = fmin(low, t->value[i]);
        high = fmax(high, t->value[i]);
    }
    if (t->n > 0) *range += high - low + 0.1 * fmax(fabs(low), fabs(high));
}

static void find_ranges(Look *k) {
    const Lattice *l = k->lattice;
    const Model *m = l->model;
    for (int32_t t = 0; t < m->n_term; t++) add_range(&l->term[t], &k->range[m->term[t].actor]);
    for (int32_t j = 0; j < m->n_jump; j++)
        for (int32_t q = 0; q < m->jump[j].n_lump; q++) add_range(&l->jump[j].lump[q], &k->range[m->jump[j].lump[q].actor]);
}

// Starts take turns: every other one has each actor want one option (a move, or waiting) everywhere; the rest have each move worth
// something drawn in each combination of modes, of any size. Values are drawn constant: what is wanted is in the advantages.
static void draw_start(const Look *k, int32_t start, double *x) {
    const Lattice *l = k->lattice;
    const Model *m = l->model;
    for (int32_t a = 0; a < m->n_actor; a++) {
        Stream s = stream_make(STARTS_SEED, (uint64_t)start, (uint32_t)a);
        double beta = l->actor[a].beta, worth = k->range[a] / (beta < 0.99 ? 1 - beta : 0.01), middle = draw(&s, -0.5, 0.5) * worth;
        double size = k->range[a] * elementary_exp(draw(&s, -2, 1));
        int32_t n_move = 0, wanted;
        for (int64_t i = 0; i < l->n_state; i++) x[a * l->n_state + i] = middle;
        for (int32_t j = 0; j < m->n_jump; j++) n_move += model_is_move_of(m, j, a);
        wanted = (int32_t)(draw(&s, 0, 1) * (n_move + 1)) - 1;
        for (int32_t j = 0, i_move = 0; j < m->n_jump; j++) {
            if (!model_is_move_of(m, j, a)) continue;
            for (int64_t ms = 0; ms < l->n_mode_state; ms++) {
                double u = draw(&s, -1, 1);
                int64_t at = k->system.policy->where[j * l->n_mode_state + ms];
                if (start % 2 == 0) u = i_move == wanted ? 1 : -1;
                for (int64_t i = 0; at >= 0 && i < l->n_stock_state; i++) x[k->n_value + at + i] = size * u;
            }
            i_move++;
        }
    }
}

// everyone answers the others: what values and advantages at x make of themselves
static DurStatus respond(Look *k, const double *x, double *to) {
    RoundsSystem *s = &k->system;
    memcpy(s->policy->value, x, (size_t)k->n_value * sizeof *x);
    memcpy(s->policy->advantage, x + k->n_value, (size_t)k->n_entry * sizeof *x);
    s->scale = 1;
    TRY(rounds_choose(s));
    TRY(rounds_evaluate(s));
    memcpy(to, s->w, (size_t)k->n_value * sizeof *to);
    memcpy(to + k->n_value, s->answer, (size_t)k->n_entry * sizeof *to);
    return DUR_OK;
}

static double distance(const double *x, const double *y, int64_t n) {
    double most = 0;
    for (int64_t i = 0; i < n; i++) most = fabs(x[i] - y[i]) > most ? fabs(x[i] - y[i]) : most;
    return most;
}

// power iteration on the derivative of respond() at an equilibrium
static DurStatus watch(Look *k, GameEquilibrium *e) {
    double *image = memory_column(k->n), size = vector_sup(e->value, k->n), most = DEVIATION * (size > 0 ? size : 1), last = NAN;
    DurStatus status = image ? respond(k, e->value, image) : DUR_MEMORY;
    Stream s = stream_make(STARTS_SEED, 0, UINT32_MAX - 1);
    for (int64_t i = 0; i < k->n; i++) k->x[i] = e->value[i] + most * draw(&s, -1, 1);
    double before = distance(k->x, e->value, k->n);
    for (int64_t q = 0; q < GROWTH_ROUNDS_MOST && status == DUR_OK; q += GROWTH_ROUNDS) {
        double factors = 0;
        for (int64_t i = 0; i < GROWTH_ROUNDS && status == DUR_OK; i++) {
            status = respond(k, k->x, k->y);
            double after = distance(k->y, image, k->n);
            if (!(after > 0) || !(before > 0)) { e->growth = 0; goto done; }
            factors += elementary_log(after / before);
            for (int64_t j = 0; j < k->n; j++) k->x[j] = e->value[j] + most / after * (k->y[j] - image[j]);
            before = most;
        }
        e->growth = elementary_exp(factors / GROWTH_ROUNDS);
        if (fabs(e->growth - last) <= GROWTH_SETTLED) break;
        last = e->growth;
    }
    e->is_left = e->growth > 1;

done:
    memory_free(image);
    return status;
}

// the equilibrium that a solution is, added if it is new
static DurStatus add(GameEquilibria *out, const Look *k, const GameSolution *s, bool is_given, int32_t n_start) {
    const Model *m = k->lattice->model;
    memcpy(k->x, s->policy->value, (size_t)k->n_value * sizeof *k->x);
    memcpy(k->x + k->n_value, s->policy->advantage, (size_t)k->n_entry * sizeof *k->x);
    double size = vector_sup(k->x, k->n);
    for (int32_t i = 0; i < out->n; i++)
        if (distance(k->x, out->item[i].value, k->n) <= STARTS_DISTINCT * size) {
            out->item[i].n_start += n_start;
            return DUR_OK;
        }
    GameEquilibrium *item = memory_resize(out->item, (size_t)(out->n + 1) * sizeof *item);
    if (!item) return DUR_MEMORY;
    out->item = item;
    GameEquilibrium *e = &item[out->n++];
    *e = (GameEquilibrium){.is_given = is_given, .n_start = n_start, .residual = s->certificate.residual, .growth = NAN};
    e->value = memory_column(k->n);
    e->value_start = memory_column(m->n_actor);
    e->choice_start = memory_column(m->n_jump);
    e->wait_start = memory_column(m->n_actor);
    if (!e->value || !e->value_start || !e->choice_start || !e->wait_start) return DUR_MEMORY;
    memcpy(e->value, k->x, (size_t)k->n * sizeof *k->x);
    memcpy(e->value_start, s->value_start, (size_t)m->n_actor * sizeof *e->value_start);
    memcpy(e->choice_start, s->choice_start, (size_t)m->n_jump * sizeof *e->choice_start);
    memcpy(e->wait_start, s->wait_start, (size_t)m->n_actor * sizeof *e->wait_start);
    return DUR_OK;
}

// Newton's method from k->y
static DurStatus solve_from(Look *k, GameEquilibria *out, bool is_given, bool is_start, DurError *error) {
    GameSolution s = {0};
    DurStatus status = rounds_solve_from(&s, k->lattice, &k->each, k->y, k->y + k->n_value, k->team, error);
    if (status != DUR_OK) return status;
    if (s.verdict == GAME_INTERRUPTED) status = DUR_INTERRUPTED;
    else if (s.verdict == GAME_CONVERGED) status = add(out, k, &s, is_given, is_start);
    else out->n_missed += is_start;
    game_free(&s);
    return status;
}

static DurStatus look(Look *k, GameEquilibria *out, const double *given, DurError *error) {
    if (given) {
        memcpy(k->y, given, (size_t)k->n * sizeof *given);
        TRY(solve_from(k, out, true, false, error));
    }
    for (int32_t start = 0; start < out->n_start; start++) {
        char note[96];
        Stream s = stream_make(STARTS_SEED, (uint64_t)start, UINT32_MAX);
        snprintf(note, sizeof note, "%d %s found", (int)out->n, out->n == 1 ? "equilibrium" : "equilibria");
        progress_tell(k->options->progress, "looking for equilibria", start, out->n_start, note);
        if (progress_stop(k->options->progress)) return DUR_INTERRUPTED;
        draw_start(k, start, k->y);
        for (int32_t i = PRE_ROUNDS[(int)(4 * stream_uniform(&s))]; i > 0; i--) {
            memcpy(k->x, k->y, (size_t)k->n * sizeof *k->x);
            TRY(respond(k, k->x, k->y));
        }
        TRY(solve_from(k, out, false, true, error));
    }
    // those that best responses leave lie between those that they lead to
    static const double PART[3] = {0.5, 0.25, 0.75};
    for (int32_t j = 1; j < out->n; j++)
        for (int32_t t = 0; t < 3 * j && out->n_between < out->n_start; t++, out->n_between++) {
            for (int64_t i = 0; i < k->n; i++) {
                double from = out->item[t / 3].value[i];
                k->y[i] = from + PART[t % 3] * (out->item[j].value[i] - from);
            }
            TRY(solve_from(k, out, false, true, error));
        }
    for (int32_t j = 0; j < out->n; j++) {
        if (progress_stop(k->options->progress)) return DUR_INTERRUPTED;
        TRY(watch(k, &out->item[j]));
    }
    return DUR_OK;
}

DurStatus rounds_starts(GameEquilibria *out, const Lattice *l, const double *given, const GameOptions *options, Team *team,
                        DurError *error) {
    Look k = {.lattice = l, .options = options, .team = team};
    k.each = (GameOptions){.tolerance = options->tolerance > 0 ? options->tolerance : STARTS_TOLERANCE, .max_sweep = options->max_sweep,
                           .rule = options->rule, .skip_certificate = true, .progress = options->progress};
    out->n_state = l->n_state;
    DurStatus status = rounds_system_make(&k.system, l, options->rule, team, error);
    if (status != DUR_OK) goto done;
    k.n_value = k.system.n_value;
    k.n_entry = k.system.policy->n_entry;
    k.n = k.n_value + k.n_entry;
    k.range = memory_column(l->model->n_actor);
    k.x = memory_column(k.n);
    k.y = memory_column(k.n);
    status = k.range && k.x && k.y ? DUR_OK : DUR_MEMORY;
    if (status != DUR_OK) goto done;
    find_ranges(&k);
    status = look(&k, out, given, error);

done:
    memory_free(k.y);
    memory_free(k.x);
    memory_free(k.range);
    rounds_system_free(&k.system);
    return status;
}
