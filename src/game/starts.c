#include "game/starts.h"

#include "base/asking.h"
#include "base/memory.h"
#include "game/branch.h"
#include "game/certify.h"
#include "game/nest.h"
#include "game/newton.h"
#include "game/rounds.h"
#include "game/sweep.h"
#include "game/rounds_system.h"
#include "num/elementary.h"
#include "num/linear.h"
#include "num/philox.h"

#include <math.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

/// Root of the starts' random streams: they are part of the method, not of a run.
#define STARTS_SEED 0x73746172u
/// Sweeps of linear systems that one start may take, tangents as TAKE_SWEEPS each; one that gets anywhere takes some hundred.
#define START_SWEEPS 3000
/// The same in sweeps of values and beliefs, for games with private types: Newton's method on differences takes more.
#define START_SWEEPS_TYPES 20000
/// The same for following a branch, which takes some dozens of points of some dozens of sweeps.
#define BRANCH_SWEEPS 30000
/// Newton steps from one place. One that is near takes five, one from far away twenty.
#define STEPS_MOST 60
/// Values on a lattice up to this many are small: then each thread takes a start of its own; beyond, all threads share one.
#define SMALL 1000000
/// Dimensions of a Krylov space before it starts over. Far from any equilibrium linear systems are hard, and where there
/// are few values more dimensions cost little.
#define WINDOW 24
#define WINDOW_FEW GMRES_WINDOW_MAX
#define FEW 100000
/// Values on a lattice beyond which starts are solved on a coarser one: what a start finds there in a second, the finer lattice
/// changes in detail only.
#define LARGE 50000
/// Starts of one batch for each thread; their ends are compared when the batch is done.
#define BATCH 4
/// Longest step in precision, as a factor, when a start is followed from another precision.
#define SCALE_STEP 1.5
/// Residual to which points on that way are found.
#define POINT_TOLERANCE 1e-3
/// Sweeps before Newton's method, at random: none lets it find what sweeps are repelled by, many a quiet place.
static const int64_t PRE_SWEEPS[4] = {0, 2, 8, 32};
/// Sweeps tried when Newton's method led nowhere.
#define RESCUE_SWEEPS 100

/// Size of the deviation whose growth is watched, relative to the values: small against what turns choices over, large
/// against STARTS_TOLERANCE.
#define DEVIATION 1e-6
/// Sweeps over which growth is measured, and after which it is believed in any case.
#define GROWTH_SWEEPS 50
#define GROWTH_SWEEPS_MOST 2000
/// Two stretches whose growth differs by less than this have settled; or, after GROWTH_SWEEPS_FEW, by less than this part of
/// what they are away from 1, which is what is asked.
#define GROWTH_SETTLED 1e-5
#define GROWTH_SETTLED_PART 0.02
#define GROWTH_SWEEPS_FEW 200

/// Where a task of a batch begins.
typedef struct Origin {
    const double *from;          // NULL: at a drawn start
    const double *to;            // at a point between `from` and `to` ...
    double  part;                // ... at this part of the way; or
    bool    is_branch;           // at `from`, along its branch
} Origin;

typedef struct Starts {
    const Lattice *lattice;
    const GameOptions *options;
    double  tolerance;
    int64_t n, n_value, max_sweep;   // unknowns: the first n_value are values; with private types shifts of beliefs follow
    int32_t n_start;
    double *low, *high;          // [n_actor] values that flows of payoff alone could give for ever
    int64_t n_pattern;           // distinct wishes of all actors for modes, or a number too large to go through

    // one batch
    Team   *team;                // borrowed
    int32_t n_worker;            // 1: starts share the team
    int32_t n_batch;
    Sweep **sweep;               // [n_worker]
    Krylov **krylov;             // [n_worker]; NULL where there are private types: tangents know nothing of beliefs
    int64_t *spent;              // [n_worker] sweeps of the start at hand, there
    Progress quiet;              // what the workers ask whether to stop
    double *room;                // [n_worker x n]
    double *end;                 // [batch x n]
    bool   *found;               // [batch]
    int32_t first;               // start number of the batch's first
    Origin *origin;              // [batch]
    _Atomic int out_of_memory;
    Asking asking;
} Starts;

// ---- drawing a start --------------------------------------------------------------------------------------------

static double draw(Stream *s, double low, double high) { return low + (high - low) * stream_uniform(s); }

// largest and smallest sum of an actor's flows, term by term, discounted for ever
static void extremes(Starts *w) {
    const Lattice *l = w->lattice;
    const Model *m = l->model;
    for (int32_t t = 0; t < m->n_term; t++) {
        double low = INFINITY, high = -INFINITY;
        for (int64_t i = 0; i < l->term[t].n; i++) {
            low = fmin(low, l->term[t].value[i]);
            high = fmax(high, l->term[t].value[i]);
        }
        w->low[m->term[t].actor] += low / l->actor[m->term[t].actor].rho;
        w->high[m->term[t].actor] += high / l->actor[m->term[t].actor].rho;
    }
}

static int64_t count_patterns(const Model *m) {
    double n = 1;
    for (int32_t v = 0; v < m->n_mode; v++)
        for (int32_t a = 0; a < m->n_actor; a++) n *= m->mode[v].n_value;
    return n < 1e9 ? (int64_t)n : INT64_C(1000000000);
}

/// What one actor, or one of its types, is made to want: a worth of every value of every mode, of every combination of modes, and of stocks,
/// which may hang on a mode.
typedef struct Wish {
    double middle, size;
    double alone, together;      // shares of single modes and of combinations
    double *mode;                // [sum of values of modes]
    double *combination;         // [n_mode_state]
    double *slope;               // [n_stock x (1 + sum of values of modes)]
} Wish;

// The kinds of starts take turns:
//   0  a pattern: each actor wants one value of each mode, and nothing else; all patterns if there are few, else at random
//   1  smooth values: worths of modes, some of combinations, slopes in stocks; any size from small to the extremes
//   2  every combination of modes worth one extreme or the other: behaviour as good as random
//   3  as 1, but first solved at another precision
static void draw_wish(const Starts *w, int32_t start, int32_t row, int32_t actor, int64_t n_value, Wish *wish) {
    const Model *m = w->lattice->model;
    Stream s = stream_make(STARTS_SEED, (uint64_t)start, (uint32_t)row);
    int kind = start % 4;
    double range = w->high[actor] - w->low[actor];
    wish->middle = w->low[actor] + range * (kind == 2 ? 0.5 : draw(&s, 0.2, 0.8));
    wish->size = range * (kind == 0 || kind == 2 ? 0.5 : elementary_exp(draw(&s, -5, 0)));
    wish->together = kind == 2 ? 1 : kind == 0 ? 0 : draw(&s, 0, 0.5);
    wish->alone = 1 - wish->together;
    for (int64_t k = 0; k < n_value; k++) wish->mode[k] = draw(&s, -1, 1);
    for (int64_t k = 0; k < w->lattice->n_mode_state; k++) {
        double u = draw(&s, -1, 1);
        wish->combination[k] = kind == 2 ? (u < 0 ? -1 : 1) : u;
    }
    int64_t n_slope = m->n_stock * (1 + n_value);
    for (int64_t k = 0; k < n_slope; k++) wish->slope[k] = kind == 0 ? 0 : draw(&s, -0.5, 0.5);
    if (kind != 0) return;
    // the wanted value of each mode: digits of the pattern's number, or drawn
    int64_t pattern = start / 4, at = 0;
    bool all = w->n_pattern <= (w->n_start + 3) / 4 && pattern < w->n_pattern;
    for (int32_t v = 0; v < m->n_mode; v++) {
        int32_t n = m->mode[v].n_value, wanted = (int32_t)(draw(&s, 0, 1) * n);
        if (all) {
            int64_t rest = pattern;
            // digits by mode, then by actor: what each wants of the first mode changes fastest
            for (int32_t u = 0; u < v; u++)
                for (int32_t a = 0; a < m->n_actor; a++) rest /= m->mode[u].n_value;
            for (int32_t a = 0; a < actor; a++) rest /= n;
            wanted = (int32_t)(rest % n);
        }
        for (int32_t k = 0; k < n; k++) wish->mode[at + k] = k == wanted ? 1 : -1;
        at += n;
    }
}

static DurStatus draw_start(const Starts *w, int32_t start, double *x) {
    const Lattice *l = w->lattice;
    const Model *m = l->model;
    int64_t n_value = 0;
    for (int32_t v = 0; v < m->n_mode; v++) n_value += m->mode[v].n_value;
    int32_t n_stock = m->n_stock;
    double *room = memory_column(n_value + l->n_mode_state + n_stock * (1 + n_value));
    if (!room) return DUR_MEMORY;
    Wish wish = {.mode = room, .combination = room + n_value, .slope = room + n_value + l->n_mode_state};
    for (int64_t i = w->n_value; i < w->n; i++) x[i] = 0;   // whatever anyone does, it tells nothing at first
    for (int32_t row = 0; row < model_rows(m); row++) {
        int32_t type, a = model_row_actor(m, row, &type);
        draw_wish(w, start, row, a, n_value, &wish);
        for (int64_t i = 0; i < l->n_state; i++) {
            int32_t node[MODEL_VARIABLES_MAX];
            lattice_nodes(l, i, node);
            double sum = 0, slope_sum = 0;
            int64_t at = 0;
            for (int32_t v = 0; v < m->n_mode; v++) {
                sum += wish.mode[at + node[v]];
                at += m->mode[v].n_value;
            }
            for (int32_t k = 0; k < n_stock; k++) {
                const double *slope = wish.slope + k * (1 + n_value);
                double c = slope[0];
                at = 1;
                for (int32_t v = 0; v < m->n_mode; v++) {
                    c += slope[at + node[v]];
                    at += m->mode[v].n_value;
                }
                slope_sum += c * (2.0 * node[m->n_mode + k] / (l->n_node[m->n_mode + k] - 1) - 1);
            }
            double f = wish.alone * sum / (m->n_mode > 0 ? m->n_mode : 1) +
                       wish.together * wish.combination[i / l->n_stock_state];
            x[row * l->n_state + i] = wish.middle + wish.size * (f + slope_sum);
        }
    }
    memory_free(room);
    return DUR_OK;
}

// ---- one start --------------------------------------------------------------------------------------------------

static void sweeps(Sweep *sweep, double scale, int64_t n_sweep, int64_t n, double *x, double *room) {
    for (int64_t k = 0; k < n_sweep; k++) {
        sweep_run(sweep, scale, x, room);
        memcpy(x, room, (size_t)n * sizeof *x);
    }
}

// side by side, starts do not know which thread they are on: the caller's asks before each of its own
static bool is_stopped(void *context) {
    Starts *w = context;
    return asking_stopped(&w->asking, w->n_worker == 1 ? 0 : 1);
}

// From x to a solution, by whichever method of Newton's the game has. `arrived`: it got there; else x is where it was left.
static DurStatus newton(Starts *w, int worker, double scale, double tolerance, double *x, bool *arrived) {
    if (!w->krylov) {
        double residual = INFINITY;
        TRY(newton_solve(w->sweep[worker], w->n, w->n_value, scale, tolerance, w->max_sweep, &w->quiet, x, &w->spent[worker],
                         &residual));
        *arrived = residual <= tolerance;
        return DUR_OK;
    }
    KrylovResult result;
    DurStatus status = krylov_solve(&result, w->krylov[worker], scale, tolerance, STEPS_MOST, x);
    *arrived = status == DUR_OK && result.converged;
    return status == DUR_OK && result.interrupted ? DUR_INTERRUPTED : status;
}

// what a start may take begins anew
static void refill(Starts *w, int worker, int64_t max_sweep) {
    if (w->spent) w->spent[worker] = 0;
    if (!w->krylov) return;
    w->krylov[worker]->n_sweep = w->krylov[worker]->n_take = 0;
    w->krylov[worker]->max_sweep = max_sweep;
}

// from an equilibrium along its branch to where that comes back
static DurStatus follow_branch(Starts *w, int worker, double *x, bool *found) {
    Krylov *k = w->krylov[worker];
    BranchResult result;
    refill(w, worker, BRANCH_SWEEPS);
    k->is_far = false;
    DurStatus status = branch_partner(&result, k, w->tolerance, x);
    k->is_far = true;
    *found = status == DUR_OK && result.converged;
    return status == DUR_OK && result.interrupted ? DUR_INTERRUPTED : status;
}

static DurStatus solve_start(Starts *w, int32_t start, bool is_drawn, int worker, double *x, bool *found) {
    bool arrived = true;
    Sweep *sweep = w->sweep[worker];
    double *room = w->room + worker * w->n;
    Stream s = stream_make(STARTS_SEED, (uint64_t)start, UINT32_MAX);
    double u = stream_uniform(&s);
    refill(w, worker, w->max_sweep);

    // from another precision, sharper or blunter, in steps to the game's own
    if (is_drawn && start % 4 == 3 && w->lattice->model->choice == CHOICE_QUANTAL) {
        double scale = elementary_exp(draw(&s, -1.5, 1.5));
        sweeps(sweep, scale, PRE_SWEEPS[2], w->n, x, room);
        while (arrived && fabs(elementary_log(scale)) > 1e-12) {
            TRY(newton(w, worker, scale, POINT_TOLERANCE, x, &arrived));
            scale = scale > SCALE_STEP ? scale / SCALE_STEP : scale < 1 / SCALE_STEP ? scale * SCALE_STEP : 1;
        }
    } else if (is_drawn) {
        sweeps(sweep, 1, PRE_SWEEPS[(int)(4 * u)], w->n, x, room);
    }
    TRY(newton(w, worker, 1, w->tolerance, x, found));
    if (*found || !is_drawn) return DUR_OK;
    sweeps(sweep, 1, RESCUE_SWEEPS, w->n, x, room);
    refill(w, worker, w->max_sweep);
    return newton(w, worker, 1, w->tolerance, x, found);
}

static void task_start(void *context, int64_t task, int worker) {
    Starts *w = context;
    if (asking_stopped(&w->asking, worker)) return;
    double *x = w->end + task * w->n;
    const Origin *o = &w->origin[task];
    bool is_drawn = !o->from;
    DurStatus status = DUR_OK;
    int32_t start = w->first + (int32_t)task;
    w->found[task] = false;
    if (is_drawn) status = draw_start(w, start, x);
    else if (o->is_branch) memcpy(x, o->from, (size_t)w->n * sizeof *x);
    else for (int64_t i = 0; i < w->n; i++) x[i] = o->from[i] + o->part * (o->to[i] - o->from[i]);
    if (status == DUR_OK)
        status = o->is_branch ? follow_branch(w, worker, x, &w->found[task])
                              : solve_start(w, start, is_drawn, worker, x, &w->found[task]);
    if (status == DUR_MEMORY) atomic_store(&w->out_of_memory, 1);
}

// ---- what the ends are ------------------------------------------------------------------------------------------

static double distance(const double *x, const double *y, int64_t n) {
    double most = 0;
    for (int64_t i = 0; i < n; i++) {
        double d = fabs(x[i] - y[i]);
        most = d > most ? d : most;
    }
    return most;
}

static void equilibrium_free(GameEquilibrium *e) {
    memory_free(e->value);
    memory_free(e->value_start);
    memory_free(e->choice_start);
    memory_free(e->wait_start);
}

void game_equilibria_free(GameEquilibria *e) {
    for (int32_t k = 0; e->item && k < e->n; k++) equilibrium_free(&e->item[k]);
    memory_free(e->item);
    *e = (GameEquilibria){0};
}

// the equilibrium that an end belongs to, added if it is new; `n_start` starts came to it
static DurStatus add_end(GameEquilibria *out, const Starts *w, const double *x, bool is_given, int32_t n_start) {
    double size = vector_sup(x, w->n_value);
    for (int32_t k = 0; k < out->n; k++)
        if (distance(x, out->item[k].value, w->n_value) <= STARTS_DISTINCT * size) {
            out->item[k].n_start += n_start;
            return DUR_OK;
        }
    GameEquilibrium *item = memory_resize(out->item, (size_t)(out->n + 1) * sizeof *item);
    if (!item) return DUR_MEMORY;
    out->item = item;
    GameEquilibrium *e = &item[out->n];
    *e = (GameEquilibrium){.is_given = is_given, .n_start = n_start};
    e->value = memory_column(w->n);
    if (!e->value) return DUR_MEMORY;
    memcpy(e->value, x, (size_t)w->n * sizeof *x);
    out->n++;
    return DUR_OK;
}

// Best responses near an equilibrium: x <- sweep(x) from a deviation of DEVIATION, drawn back to that size after each sweep,
// so that what is watched is the growth of small deviations (power iteration on the sweep's derivative).
static void watch(Starts *w, int worker, GameEquilibrium *e, double *room) {
    Sweep *sweep = w->sweep[worker];
    double *x = room, *next = x + w->n, *image = next + w->n;
    sweep_run(sweep, 1, e->value, image);   // what is left of the residual is not taken for growth
    double size = vector_sup(e->value, w->n_value), most = DEVIATION * (size > 0 ? size : 1);
    Stream s = stream_make(STARTS_SEED, 0, UINT32_MAX - 1);
    for (int64_t i = 0; i < w->n; i++) x[i] = e->value[i] + most * draw(&s, -1, 1);
    double last = NAN, before = distance(x, e->value, w->n);
    e->growth = NAN;
    for (int64_t k = 0; k < GROWTH_SWEEPS_MOST; k += GROWTH_SWEEPS) {
        double factors = 1;
        for (int64_t i = 0; i < GROWTH_SWEEPS; i++) {
            sweep_run(sweep, 1, x, next);
            if (asking_stopped(&w->asking, worker)) return;
            double after = distance(next, image, w->n);
            // a deviation that vanishes in one sweep has no growth at all
            if (!(before > 0) || !(after > 0)) { e->growth = 0; return; }
            factors *= after / before;
            for (int64_t j = 0; j < w->n; j++) x[j] = e->value[j] + most / after * (next[j] - image[j]);
            before = most;
        }
        // a mean over many sweeps: near a pair of complex roots each alone goes up and down
        e->growth = factors > 0 ? elementary_exp(elementary_log(factors) / GROWTH_SWEEPS) : 0;
        double settled = k >= GROWTH_SWEEPS_FEW ? GROWTH_SETTLED_PART * fabs(1 - e->growth) : 0;
        if (fabs(e->growth - last) <= (settled > GROWTH_SETTLED ? settled : GROWTH_SETTLED)) break;
        last = e->growth;
    }
    e->is_left = e->growth > 1;
}

typedef struct Watching { Starts *starts; GameEquilibria *out; double *room; } Watching;
static void task_watch(void *context, int64_t task, int worker) {
    Watching *g = context;
    Starts *w = g->starts;
    if (asking_stopped(&w->asking, worker)) return;
    watch(w, worker, &g->out->item[task], g->room + 3 * w->n * worker);
}

// values and choices at the start, and the residual by code that is not the solver's
static DurStatus describe(const Starts *w, GameEquilibrium *e, Team *team, DurError *error) {
    const Model *m = w->lattice->model;
    Policy *policy = NULL;
    GameCertificate certificate = {0};
    DurStatus status = DUR_MEMORY;
    e->value_start = memory_column(model_rows(m));
    e->choice_start = memory_column(m->n_jump);
    e->wait_start = memory_column(m->n_actor);
    certificate.regret = memory_column(model_rows(m));
    if (!e->value_start || !e->choice_start || !e->wait_start || !certificate.regret) goto done;
    status = policy_make(&policy, w->lattice, w->options->rule, error);
    if (status != DUR_OK) goto done;
    memcpy(policy->value, e->value, (size_t)w->n * sizeof *e->value);
    sweep_fill_policy(w->sweep[0], policy);
    policy_learn(policy, true);
    status = policy_at_start(policy, e->value_start, e->choice_start, e->wait_start, error);
    if (status == DUR_OK) status = certify(&certificate, policy, false, 0, w->options->progress, team, error);
    e->residual = certificate.residual;

done:
    memory_free(certificate.regret);
    policy_free(policy);
    return status;
}

// ---- all of them ------------------------------------------------------------------------------------------------

static void tell(const Starts *w, const GameEquilibria *out, double done, double total) {
    char note[96];
    snprintf(note, sizeof note, "%d %s found", (int)out->n, out->n == 1 ? "equilibrium" : "equilibria");
    progress_tell(w->options->progress, "looking for equilibria", done, total, note);
}

// solve a batch, and add its ends in order
static DurStatus run_batch(Starts *w, GameEquilibria *out, int32_t n_task) {
    asking_run(&w->asking, w->n_worker > 1 ? w->team : NULL, task_start, w, n_task);
    if (atomic_load(&w->asking.stopped)) return DUR_INTERRUPTED;
    if (atomic_load(&w->out_of_memory)) return DUR_MEMORY;
    for (int32_t k = 0; k < n_task; k++) {
        bool is_start = !w->origin[k].is_branch;
        if (w->found[k]) TRY(add_end(out, w, w->end + k * w->n, false, is_start));
        else out->n_missed += is_start;
    }
    return DUR_OK;
}

// From each equilibrium that is known along its branch, and from points between it and those before: equilibria that best
// responses leave lie between those that they lead to.
static DurStatus look_further(Starts *w, GameEquilibria *out) {
    static const double PART[3] = {0.5, 0.25, 0.75};
    // the principal one alone has no partner
    if (out->n == 1 && out->item[0].is_given) return DUR_OK;
    for (int32_t j = 0; j < out->n; j++) {
        bool between = out->n_between < w->n_start;
        int32_t n = 1 + (between ? 3 * j : 0), n_task = 0;
        // branches are followed on tangents
        for (int32_t t = w->krylov ? 0 : 1; t < n; t++) {
            const double *value = out->item[j].value;
            Origin *o = &w->origin[n_task++];
            *o = (Origin){.from = value, .is_branch = true};
            if (t > 0) *o = (Origin){.from = out->item[(t - 1) / 3].value, .to = value, .part = PART[(t - 1) % 3]};
            out->n_branch += t == 0;
            out->n_between += t > 0;
            if (n_task < w->n_batch && t + 1 < n) continue;
            TRY(run_batch(w, out, n_task));
            n_task = 0;
            tell(w, out, w->n_start, w->n_start);
        }
    }
    return DUR_OK;
}

static int32_t workers(double n_value, const Team *team) { return n_value <= SMALL ? team_size(team) : 1; }

static int32_t window(const Lattice *l) {
    return model_rows(l->model) * l->n_state > FEW ? WINDOW : WINDOW_FEW;
}

double game_starts_bytes(const Lattice *l, int32_t n_kept, const Team *team) {
    // in rounds values and advantages are kept, one start is solved at a time
    if (l->model->clock == CLOCK_ROUNDS) return rounds_bytes(l) + rounds_system_bytes(l) + (n_kept + 3) * policy_bytes(l);
    double n = 8.0 * (double)sweep_size(l), share = 1;
    int32_t n_node[MODEL_VARIABLES_MAX];
    bool coarser = n > 8.0 * LARGE && !l->model->n_private && nest_coarser(l, -1, n_node);
    for (int32_t v = 0; coarser && v < l->n_variable; v++) share *= (double)n_node[v] / l->n_node[v];
    double n_worker = workers(share * n / 8, team);
    // Newton's room, what following a branch takes, a batch of ends, and one vector to sweep into
    double alone = (l->model->n_private ? 13 * n : krylov_bytes(l, window(l))) + 5 * n;
    double all = n_worker * (alone + (n_worker > 1 ? BATCH - 1 : 0) * n) * share + (coarser ? share * n_kept * n : 0);
    // those that are kept; one policy to read choices from
    return (coarser && all < alone ? alone : all) + n_kept * n + policy_bytes(l);
}

static void starts_close(Starts *w) {
    for (int32_t k = 0; w->sweep && k < w->n_worker; k++) sweep_free(w->sweep[k]);
    for (int32_t k = 0; w->krylov && k < w->n_worker; k++) krylov_free(w->krylov[k]);
    memory_free(w->origin);
    memory_free(w->found);
    memory_free(w->end);
    memory_free(w->room);
    memory_free(w->krylov);
    memory_free(w->spent);
    memory_free(w->sweep);
    memory_free(w->low);
}

// `w` keeps where it is: its workers ask it whether to stop
static DurStatus starts_open(Starts *w, const Lattice *l, const LatticeRule *rule, int32_t n_start, int32_t n_worker,
                             const GameOptions *options, Team *team) {
    const Model *m = l->model;
    *w = (Starts){.lattice = l, .options = options, .n = sweep_size(l), .n_value = (int64_t)model_rows(m) * l->n_state, .n_start = n_start,
                  .tolerance = options->tolerance > 0 ? options->tolerance : STARTS_TOLERANCE,
                  .max_sweep = options->max_sweep > 0 ? options->max_sweep : m->n_private ? START_SWEEPS_TYPES : START_SWEEPS,
                  .n_worker = n_worker, .n_batch = n_worker > 1 ? BATCH * n_worker : 1, .n_pattern = count_patterns(m),
                  .asking = {.progress = options->progress}, .team = team};
    w->quiet = (Progress){.stop = is_stopped, .context = w};
    w->low = memory_column(2 * m->n_actor);
    w->sweep = memory_zeroed((size_t)n_worker, sizeof *w->sweep);
    w->krylov = m->n_private ? NULL : memory_zeroed((size_t)n_worker, sizeof *w->krylov);
    w->spent = memory_zeroed((size_t)n_worker, sizeof *w->spent);
    w->room = memory_column(n_worker * w->n);
    w->end = memory_column(w->n_batch * w->n);
    w->found = memory_zeroed((size_t)w->n_batch, sizeof *w->found);
    w->origin = memory_zeroed((size_t)w->n_batch, sizeof *w->origin);
    if (!w->low || !w->sweep || !w->spent || (!w->krylov && !m->n_private) || !w->room || !w->end || !w->found || !w->origin) return DUR_MEMORY;
    w->high = w->low + m->n_actor;
    for (int32_t k = 0; k < n_worker; k++) {
        Team *own = n_worker > 1 ? NULL : team;
        w->sweep[k] = sweep_make(l, rule, own);
        if (!w->sweep[k]) return DUR_MEMORY;
        if (!w->krylov) continue;
        w->krylov[k] = krylov_make(l, rule, own, window(l), &w->quiet);
        if (!w->krylov[k]) return DUR_MEMORY;
        w->krylov[k]->is_far = true;
    }
    extremes(w);
    return DUR_OK;
}

// the given one is refined like the others, so that it is known again when a start ends there
static DurStatus add_given(Starts *w, GameEquilibria *out, const double *given) {
    bool arrived;
    refill(w, 0, w->max_sweep);
    memcpy(w->end, given, (size_t)w->n * sizeof *given);
    TRY(newton(w, 0, 1, w->tolerance, w->end, &arrived));
    if (distance(w->end, given, w->n_value) > STARTS_DISTINCT * vector_sup(given, w->n_value))
        memcpy(w->end, given, (size_t)w->n * sizeof *given);
    return add_end(out, w, w->end, true, 0);
}

static DurStatus look(Starts *w, GameEquilibria *out) {
    out->n_state = w->lattice->n_state;
    for (w->first = 0; w->first < w->n_start; w->first += w->n_batch) {
        tell(w, out, w->first, w->n_start);
        TRY(run_batch(w, out, w->n_start - w->first < w->n_batch ? w->n_start - w->first : w->n_batch));
    }
    return look_further(w, out);
}

// the equilibria of a coarser lattice, carried over and refined
static DurStatus carry(Starts *w, GameEquilibria *out, const Lattice *coarse, const GameEquilibria *few) {
    int32_t n_actor = w->lattice->model->n_actor;
    out->n_state = few->n_state;
    out->n_between = few->n_between;
    out->n_branch = few->n_branch;
    out->n_missed = few->n_missed;
    for (int32_t k = 0; k < few->n; k++) {
        const GameEquilibrium *e = &few->item[k];
        bool arrived;
        tell(w, out, w->n_start, w->n_start);
        for (int32_t a = 0; a < n_actor; a++)
            TRY(lattice_carry(coarse, e->value + a * coarse->n_state, w->lattice, w->end + a * w->lattice->n_state));
        refill(w, 0, w->max_sweep);
        TRY(newton(w, 0, 1, w->tolerance, w->end, &arrived));
        if (arrived) TRY(add_end(out, w, w->end, false, e->n_start));
        else out->n_missed += e->n_start;
    }
    return DUR_OK;
}

// what the ends are: whether best responses leave them, and what is seen at the start
static DurStatus look_at_ends(Starts *w, GameEquilibria *out, DurError *error) {
    Watching watching = {.starts = w, .out = out};
    memory_free(w->end);
    w->end = NULL;
    watching.room = memory_column(3 * w->n * w->n_worker);
    if (!watching.room) return DUR_MEMORY;
    asking_run(&w->asking, w->n_worker > 1 ? w->team : NULL, task_watch, &watching, out->n);
    memory_free(watching.room);
    if (atomic_load(&w->asking.stopped)) return DUR_INTERRUPTED;
    for (int32_t k = 0; k < out->n; k++) TRY(describe(w, &out->item[k], w->team, error));
    return DUR_OK;
}

// `given` may be NULL; `is_asked`: the lattice is the one that was asked about, not a coarser one
static DurStatus find(GameEquilibria *out, const Lattice *l, const LatticeRule *rule, const double *given, int32_t n_start,
                      bool is_asked, const GameOptions *options, Team *team, DurError *error) {
    Starts w = {0};
    GameEquilibria few = {0};
    Lattice *coarse = NULL;
    LatticeRule own = {.actor = -1};
    int32_t n_node[MODEL_VARIABLES_MAX];
    DurError ignored = {0};
    DurStatus status = DUR_OK;
    // a coarser node may be where an expression has no value: then there is no such lattice
    if (!l->model->n_private && l->model->n_actor * l->n_state > LARGE && nest_coarser(l, -1, n_node) &&
        lattice_make_grid(&coarse, l->model, l->param, n_node, &ignored) == DUR_OK) {
        bool is_ruled = rule && rule->actor >= 0;
        if (is_ruled) status = lattice_rule_carry(&own, coarse, rule, error);
        if (status == DUR_OK)
            status = find(&few, coarse, is_ruled ? &own : NULL, NULL, n_start, false, options, team, error);
    }
    int32_t n_worker = few.n > 0 ? 1 : workers((double)sweep_size(l), team);
    if (status == DUR_OK) status = starts_open(&w, l, rule, n_start, n_worker, options, team);
    if (status == DUR_OK && given) status = add_given(&w, out, given);
    if (status == DUR_OK) status = few.n > 0 ? carry(&w, out, coarse, &few) : look(&w, out);
    if (status == DUR_OK && is_asked && out->n > 0) status = look_at_ends(&w, out, error);
    starts_close(&w);
    game_equilibria_free(&few);
    if (own.actor >= 0) lattice_rule_free(&own);
    lattice_free(coarse);
    return status;
}

// nobody chooses: every start ends in the one thing that there is
static DurStatus find_nobody(GameEquilibria *out, const Lattice *l) {
    out->n_state = l->n_state;
    out->item = memory_zeroed(1, sizeof *out->item);
    if (!out->item) return DUR_MEMORY;
    out->n = 1;
    GameEquilibrium *e = out->item;
    *e = (GameEquilibrium){.value = memory_column(0), .value_start = memory_column(0), .choice_start = memory_column(l->model->n_jump),
                           .wait_start = memory_column(0), .is_given = true, .n_start = out->n_start};
    for (int32_t j = 0; e->choice_start && j < l->model->n_jump; j++) e->choice_start[j] = NAN;
    return e->value && e->value_start && e->choice_start && e->wait_start ? DUR_OK : DUR_MEMORY;
}

DurStatus game_starts(GameEquilibria *out, const Lattice *lattice, const double *given, int32_t n_start,
                      const GameOptions *options, Team *team, DurError *error) {
    static const GameOptions none = {0};
    if (!options) options = &none;
    *out = (GameEquilibria){.n_start = n_start};
    double begun = progress_seconds();
    DurStatus status = lattice->model->clock == CLOCK_ROUNDS
                           ? rounds_starts(out, lattice, given, options, team, error)
                           : lattice->model->n_actor == 0 ? find_nobody(out, lattice)
                           : find(out, lattice, options->rule, given, n_start, true, options, team, error);
    out->seconds = progress_seconds() - begun;
    if (status == DUR_INTERRUPTED) return status_fail(error, status, "interrupted while looking for equilibria");
    return status == DUR_OK ? DUR_OK : status_fail(error, status, "out of memory while looking for equilibria");
}
