/// Rounds of a block: lengths of steps, the ODE between jumps, noise, lanes that begin and end.
#include "sim/block_kernel.h"

#include "base/memory.h"
#include "num/elementary.h"
#include "num/isa.h"

#include <assert.h>
#include <string.h>

/// A step that fails its error at this length, relative to STEP_MAX, shows a stock that no step can follow.
#define STEP_MIN 1e-10

/// Near an end that drift leads into noise keeps to a layer, which relaxes in a time noise^2/drift^2. A step is at most this share of
/// it, for the bridge of a longer one knows nothing of drift and goes out too far.
#define LAYER_SHARE 0.5

/// ... at least this share of a cell, whatever the layer, so that a stock that waits at its end costs that many steps at most.
#define LAYER_LEAST (1.0 / 16)

/// ... and as it is where noise over a cell is below this share of the range: then nothing can be seen of it.
#define LAYER_SEEN 1e-3

// ---- making -------------------------------------------------------------------------------------------------------

// hands out columns, or only counts them while there is no room
typedef struct Columns {
    double *room;
    int64_t n;
} Columns;

static double *one(Columns *c) { return c->room ? c->room + SIM_LANES * c->n++ : (c->n++, NULL); }

// `n` columns; pointers are there from the first pass on
static bool some(Columns *c, double ***out, int32_t n) {
    if (!*out) *out = memory_zeroed((size_t)n, sizeof **out);
    for (int32_t i = 0; *out && i < n; i++) (*out)[i] = one(c);
    return *out != NULL;
}

static bool lay_out(Block *b, Columns *c) {
    const Setup *s = b->setup;
    const Model *m = s->model;
    int32_t n_variable = model_variables(m), n_force = s->n_noisy ? s->n_moving : 0;
    double ***bridge[] = {&b->bridge.noise, &b->bridge.bend, &b->bridge.up, &b->bridge.down, &b->bridge.push, &b->bridge.between};
    bool made = some(c, &b->x, n_variable) && some(c, &b->type, m->n_private) && some(c, &b->drift, s->n_moving) && some(c, &b->force, n_force)
             && some(c, &b->normal, n_force) && some(c, &b->value, s->n_meter) && some(c, &b->settled, s->n_meter)
             && (s->is_shared || (some(c, &b->slot, s->n_source + 1) && some(c, &b->center, s->n_level)));
    for (size_t i = 0; i < sizeof bridge / sizeof *bridge && n_force; i++) made = made && some(c, bridge[i], n_force);
    b->t = one(c);
    b->length = one(c);
    b->date = one(c);
    b->look = one(c);
    b->due = one(c);
    b->pick = one(c);
    b->budget = one(c);
    b->since = one(c);
    b->bounded = one(c);
    b->n_column = (int32_t)c->n;

    b->t1 = one(c);
    b->h = one(c);
    b->whole = one(c);
    b->worst = one(c);
    b->accepted = one(c);
    b->reach = one(c);
    b->theta = one(c);
    made = made && some(c, &b->x1, s->n_moving) && some(c, &b->drift1, s->n_moving)
        && some(c, &b->stage, s->n_moving);
    // without noise the slope of a step's ends is the drift there
    if (!s->n_noisy) {
        b->slope[0] = b->drift;
        b->slope[3] = b->drift1;
    }
    for (int i = 0; i < 4; i++)
        if (s->n_noisy || i % 3) made = made && some(c, &b->slope[i], s->n_moving);
    return made && some(c, &b->place, m->n_stock) && some(c, &b->gather, n_variable) && some(c, &b->result, b->n_result)
        && some(c, &b->drawn, BLOCK_DRAWS_MAX);
}

// results that are needed at once: an effect each, or a choice's guards, logits and what they are made of
static int32_t results_of(const Model *m) {
    int32_t n = 4;
    for (int32_t j = 0; j < m->n_jump; j++)
        if (m->jump[j].n_effect > n) n = m->jump[j].n_effect;
    for (int32_t a = 0; a < m->n_actor; a++) {
        int32_t n_move = 0;
        for (int32_t j = 0; j < m->n_jump; j++) n_move += m->jump[j].kind == JUMP_MOVE && m->jump[j].actor == a;
        int32_t n_choice = 3 * n_move + 4 + n_move / 8;
        if (n_choice > n) n = n_choice;
    }
    return n;
}

// all drifts as one bundle
static bool drifts_make(Block *b) {
    const Setup *s = b->setup;
    ProgramId program[MODEL_VARIABLES_MAX];
    b->drifting = memory_zeroed((size_t)s->n_moving, sizeof *b->drifting);
    b->drift_to = memory_zeroed((size_t)s->n_moving, sizeof *b->drift_to);
    if (!b->drifting || !b->drift_to) return false;
    for (int32_t k = 0; k < s->n_moving; k++) {
        ProgramId drift = s->level[s->moving[k]].drift;
        if (drift == PROGRAM_NONE) continue;
        program[b->n_drift] = drift;
        b->drifting[b->n_drift++] = k;
    }
    b->drifts = eval_bundle_make(s->model, s->lattice->param, program, b->n_drift, s->moving_mask, SIM_LANES);
    return b->drifts != NULL;
}

// Guards that have to be asked: one that reads modes alone holds wherever the move is possible at all.
static bool choices_make(Block *b) {
    const Setup *s = b->setup;
    const Model *m = s->model;
    b->choice = memory_zeroed((size_t)m->n_actor, sizeof *b->choice);
    b->from = memory_zeroed((size_t)s->n_source + 2, sizeof *b->from);
    b->guard = memory_zeroed((size_t)m->n_jump, sizeof *b->guard);
    b->index = memory_zeroed((size_t)m->n_jump, sizeof *b->index);
    for (int32_t a = 0; b->choice && b->guard && b->index && a < m->n_actor; a++) {
        ProgramId program[MODEL_MOVES_MAX];
        int32_t n = 0;
        for (int32_t k = s->first_move[a]; k < s->first_move[a + 1]; k++) {
            ProgramId when = m->jump[s->move[k]].when;
            b->guard[s->move[k]] = -1;
            b->index[s->move[k]] = (uint8_t)(k - s->first_move[a]);
            if (when == PROGRAM_NONE || m->program[when].reads >> m->n_mode == 0) continue;
            b->guard[s->move[k]] = n;
            program[n++] = when;
        }
        b->choice[a] = eval_bundle_make(m, s->lattice->param, program, n, 0, SIM_LANES);
        if (!b->choice[a]) return false;
    }
    return b->choice && b->from && b->guard && b->index;
}

Block *block_make(const Setup *s, Tally *tally) {
    const Model *m = s->model;
    Block *b = memory_zeroed(1, sizeof *b);
    if (!b) return NULL;
    b->setup = s;
    b->tally = tally;
    b->n_result = results_of(m);
    Columns count = {0};
    if (!lay_out(b, &count)) goto fail;
    b->room = memory_column(count.n * SIM_LANES);
    b->scratch = memory_column(eval_scratch(m));
    b->state = memory_zeroed((size_t)model_variables(m), sizeof *b->state);
    b->column = memory_zeroed((size_t)b->n_column, sizeof *b->column);
    int64_t corners = (int64_t)1 << (m->n_stock < 16 ? m->n_stock : 16);
    for (int32_t p = 0; p < m->n_private && corners < LATTICE_CORNERS_MAX; p++) corners *= m->private[p].n_type;
    if (corners > LATTICE_CORNERS_MAX) corners = LATTICE_CORNERS_MAX;
    b->chance = memory_column((int64_t)m->n_jump * MODEL_TYPES_MAX);
    b->corners.split = ~(uint64_t)0;
    b->corners.at = memory_zeroed((size_t)corners, sizeof *b->corners.at);
    b->corners.weight = memory_zeroed((size_t)corners + 8, sizeof *b->corners.weight);
    int64_t n_seen = (int64_t)s->n_level * s->n_time * SIM_LANES;
    bool is_kept = !s->kept && n_seen * (int64_t)sizeof *b->seen <= BLOCK_SEEN_MAX;
    if (is_kept) b->seen = memory_column(n_seen);
    if ((is_kept && !b->seen) || !b->room || !b->scratch || !b->state || !b->column || !b->chance || !b->corners.at || !b->corners.weight || !drifts_make(b) || !choices_make(b)) goto fail;
    Columns take = {.room = b->room};
    lay_out(b, &take);
    for (int32_t c = 0; c < b->n_column; c++) b->column[c] = b->room + (int64_t)c * SIM_LANES;
    return b;

fail:
    block_free(b);
    return NULL;
}

void block_free(Block *b) {
    if (!b) return;
    for (int32_t a = 0; b->choice && a < b->setup->model->n_actor; a++) eval_bundle_free(b->choice[a]);
    memory_free(b->index);
    memory_free(b->guard);
    memory_free(b->from);
    memory_free(b->choice);
    eval_bundle_free(b->drifts);
    memory_free(b->drift_to);
    memory_free(b->drifting);
    memory_free(b->seen);
    memory_free(b->corners.weight);
    memory_free(b->corners.at);
    memory_free(b->chance);
    memory_free(b->column);
    memory_free(b->state);
    memory_free(b->scratch);
    memory_free(b->room);
    memory_free(b->place);
    memory_free(b->drawn);
    memory_free(b->result);
    memory_free(b->gather);
    memory_free(b->slope[1]);
    memory_free(b->slope[2]);
    if (b->slope[0] != b->drift) {
        memory_free(b->slope[0]);
        memory_free(b->slope[3]);
    }
    memory_free(b->stage);
    memory_free(b->drift1);
    memory_free(b->x1);
    memory_free(b->center);
    memory_free(b->slot);
    memory_free(b->settled);
    memory_free(b->value);
    memory_free(b->bridge.between);
    memory_free(b->bridge.push);
    memory_free(b->bridge.down);
    memory_free(b->bridge.up);
    memory_free(b->bridge.bend);
    memory_free(b->bridge.noise);
    memory_free(b->normal);
    memory_free(b->force);
    memory_free(b->drift);
    memory_free(b->type);
    memory_free(b->x);
    memory_free(b);
}

// ---- lists of lanes -----------------------------------------------------------------------------------------------

const BlockKernels *block_kernels(void) { return ISA_KERNEL(block_kernels); }

void block_gather(Block *b, uint64_t reads, const int32_t *list, int32_t n, const double *theta) {
    const Setup *s = b->setup;
    for (int32_t v = 0; v < model_variables(s->model); v++) {
        if (!(reads >> v & 1)) continue;
        if (theta && (s->moving_mask >> v & 1)) continue;
        for (int32_t i = 0; i < n; i++) b->gather[v][i] = b->x[v][list[i]];
    }
    if (!theta) return;
    for (int32_t k = 0; k < s->n_moving; k++) {
        int32_t v = s->model->n_mode + s->moving[k];
        if (!(reads >> v & 1)) continue;
        for (int32_t i = 0; i < n; i++) b->gather[v][i] = block_inside(b, k, list[i], theta[i]);
    }
}

void block_evaluate(Block *b, ProgramId program, int32_t n, double *out) {
    const double *const *draw = (const double *const *)b->drawn, *const *state = (const double *const *)b->gather;
    EvalInput in = {.variable = state, .param = b->setup->lattice->param, .draw = draw};
    eval_lanes(b->setup->model, program, &in, n, out, b->scratch);
}

// ---- the ODE ------------------------------------------------------------------------------------------------------

// drift at some state, of n lanes; `again` if it was had right before for the same lanes, and only stocks have moved
static void drift_at(Block *b, const double *const *state, int32_t n, double *const *out, bool again) {
    const Setup *s = b->setup;
    for (int32_t k = 0; k < s->n_moving && b->n_drift < s->n_moving; k++)
        if (s->level[s->moving[k]].drift == PROGRAM_NONE) memset(out[k], 0, (size_t)n * sizeof *out[k]);
    for (int32_t k = 0; k < b->n_drift; k++) b->drift_to[k] = out[b->drifting[k]];
    if (again) eval_bundle_again(b->drifts, state, n, b->drift_to);
    else       eval_bundle_run(b->drifts, state, n, b->drift_to);
}

// drift at block->state, for all lanes
static void drift_of_all(Block *b, double *const *out, bool again) {
    drift_at(b, b->state, b->n, out, again);
    if (b->setup->model->n_private) block_belief_drift(b, b->state, NULL, b->n, out);
}

// drift at the present state of lanes that have jumped
static void drift_of_stale(Block *b) {
    const Setup *s = b->setup;
    int32_t list[SIM_LANES], n = 0;
    for (int32_t i = 0; i < b->n; i++) {   // without a branch: it is anyone's guess
        list[n] = i;
        n += b->is_stale[i];
    }
    if (n == 0) return;
    block_gather(b, eval_bundle_reads(b->drifts), list, n, NULL);
    drift_at(b, (const double *const *)b->gather, n, b->stage, false);
    for (int32_t k = 0; k < s->n_moving; k++) {
        const ModelStock *stock = &s->level[s->moving[k]];
        double most = 0;
        for (int32_t i = 0; i < n; i++) {
            double x = b->drift[k][list[i]] = b->stage[k][i];
            most += x - x;   // 0, or no number
        }
        for (int32_t i = 0; i < n && most != 0; i++)
            if (!isfinite(b->stage[k][i]) && !b->is_over[list[i]])
                block_fail(b, list[i], DUR_DOMAIN, stock->drift, "the drift of `%s` is %g", stock->name, b->stage[k][i]);
    }
    if (s->model->n_private) block_belief_drift(b, (const double *const *)b->x, list, n, b->drift);
}

static void look_at(Block *b, double *const *moving) {
    const Setup *s = b->setup;
    for (int32_t k = 0; k < s->n_moving; k++) b->state[s->model->n_mode + s->moving[k]] = moving[k];
}

// One step of every lane from x to x1, and its error. Bogacki and Shampine: slopes at 0, 1/2, 3/4 and 1; x1 = x + h
// (2/9, 1/3, 4/9) is of third order, its difference to the second order's is h (-5/72, 1/12, 1/9, -1/8). The last
// slope is the next step's first.
//
// At the ends of its range a stock is held, and drifts are only ever asked for inside: the end of a step that would
// lie outside is put back. A step should end where a stock comes to an end of its range, and where one that waits
// there is let go because its drift turns inwards: `reach` is the share of the step up to there, 1 if that is so
// within the tolerance.
static void ode_step(Block *b) {
    static const double half[] = {0.5}, later[] = {0.75}, all[] = {2.0 / 9, 1.0 / 3, 4.0 / 9};
    const Setup *s = b->setup;
    const BlockKernels *loops = block_kernels();
    for (int32_t v = 0; v < model_variables(s->model); v++) b->state[v] = b->x[v];
    if (s->n_noisy) loops->add_force(b, b->drift, b->slope[0]);
    loops->advance(b, half, 0, 1, b->stage);
    look_at(b, b->stage);
    drift_of_all(b, b->slope[1], false);
    if (s->n_noisy) loops->add_force(b, b->slope[1], b->slope[1]);
    loops->advance(b, later, 1, 1, b->stage);
    drift_of_all(b, b->slope[2], true);
    if (s->n_noisy) loops->add_force(b, b->slope[2], b->slope[2]);
    loops->advance(b, all, 0, 3, b->x1);
    look_at(b, b->x1);
    drift_of_all(b, b->drift1, true);
    if (s->n_noisy) loops->add_force(b, b->drift1, b->slope[3]);
    loops->judge_error(b);
}

// ---- lengths of steps ---------------------------------------------------------------------------------------------

// The longest step from here, where drift leads noise into an end of its range: a share of the time in which the layer there relaxes,
// or half of the way to the end. By state, drift and noise alone: did a step's length depend on what was drawn for its cell, its end
// would have another law.
static double layer_step(const Block *b, int32_t i, double most) {
    const Setup *s = b->setup;
    double least = LAYER_LEAST * s->cell;
    for (int32_t k = 0; k < s->n_moving; k++) {
        const ModelStock *stock = &s->level[s->moving[k]];
        double drift = b->drift[k][i];
        if (stock->noise == PROGRAM_NONE || drift == 0) continue;
        double x = b->x[s->model->n_mode + s->moving[k]][i], noise = b->bridge.noise[k][i], seen = LAYER_SEEN * (stock->high - stock->low);
        double speed = elementary_abs(drift), away = drift < 0 ? x - stock->low : stock->high - x, step = away / (2 * speed);
        if (step >= most || noise * noise * s->cell < seen * seen) continue;
        double relaxed = LAYER_SHARE * (noise / speed) * (noise / speed);
        step = step > relaxed ? step : relaxed;
        step = step > least ? step : least;
        most = step < most ? step : most;
    }
    return most;
}

// to the next thing that may happen, if a step reaches it
static void choose_ends(Block *b) {
    const Setup *s = b->setup;
    block_kernels()->choose_ends(b);
    if (!s->n_noisy && s->is_shared) return;
    for (int32_t i = 0; i < b->n; i++) {
        double stop = b->due[i] < b->date[i] ? b->due[i] : b->date[i];
        if (s->n_noisy && block_cell_end(b, i) < stop) stop = block_cell_end(b, i);
        if (!s->is_shared && b->bounded[i] < stop) stop = b->bounded[i];
        double most = stop - b->t[i], step = s->n_noisy ? layer_step(b, i, most) : most;
        if (step < most) stop = b->t[i] + step;
        double left = stop - b->t[i], length = s->n_moving ? b->length[i] : INFINITY;
        b->whole[i] = left > length;
        b->t1[i] = left <= length ? stop : b->t[i] + length;
        b->h[i] = b->t1[i] - b->t[i];
    }
}

static void name_too_fast(Block *b, int32_t i) {
    const Setup *s = b->setup;
    int32_t k = 0;
    for (int32_t j = 0; j < s->n_moving; j++)
        if (!isfinite(b->slope[3][j][i]) || !isfinite(b->slope[1][j][i]) || !isfinite(b->slope[2][j][i])) k = j;
    const ModelStock *stock = &s->level[s->moving[k]];
    block_fail(b, i, DUR_DOMAIN, stock->drift, "`%s` changes too fast for any step to follow, or its drift has no finite "
               "value", stock->name);
}

// accept or not, and the next length: error of third order, a safety factor, and limits on how much it may change
static void judge(Block *b) {
    const Setup *s = b->setup;
    if (++b->n_round > SIM_TRIES_MAX)
        for (int32_t i = 0; i < b->n; i++)
            if (!b->is_over[i]) block_fail(b, i, DUR_LIMIT, PROGRAM_NONE, "more than %lld steps in one run", SIM_TRIES_MAX);
    bool is_plain = !s->n_moving || block_kernels()->accept(b);
    for (int32_t i = 0; i < b->n && !is_plain; i++) {
        double worst = b->worst[i], h = b->h[i];
        if (b->accepted[i] != 0 || b->is_over[i]) continue;
        bool fits = worst <= 1;
        if (!fits || b->whole[i] != 0 || worst > 0.5) {
            double factor = 5;
            if (!(worst < INFINITY))     factor = 0.2;
            else if (worst > STEP_EASY)  factor = 0.9 * elementary_pow(worst, -1.0 / 3);
            factor = factor < 0.2 ? 0.2 : factor > 5 ? 5 : factor;
            if (!fits && factor > 0.9) factor = 0.9;
            b->length[i] = h * factor < STEP_MAX ? h * factor : STEP_MAX;
        }
        if (fits && b->reach[i] < 1) {
            fits = false;
            b->length[i] = h * b->reach[i];
        }
        if (!fits && h < STEP_MIN * STEP_MAX && b->reach[i] == 1) name_too_fast(b, i);
        b->accepted[i] = fits;
    }
    for (int32_t i = 0; i < b->n && !s->n_moving; i++) b->accepted[i] = 1;
    for (int32_t i = 0; i < b->n && b->any_over; i++)
        if (b->is_over[i]) b->accepted[i] = 0;
}

// ---- noise --------------------------------------------------------------------------------------------------------

// Noise up to the end of the cell as a drift: (b dW + 1/2 b b' (dW^2 - dt)) / dt with dW = z sqrt(dt). Anew at the beginning of
// a cell, and where a step has ended inside it or a jump may have changed b; with what the ends of the range add.
static void noise_of_cells(Block *b) {
    const Setup *s = b->setup;
    int32_t list[SIM_LANES], n = 0;
    for (int32_t i = 0; i < b->n; i++) {
        Lane *lane = &b->lane[i];
        if (b->is_over[i]) continue;
        if (lane->is_new_cell) {
            for (int32_t k = 0; k < s->n_moving; k++) {
                if (s->level[s->moving[k]].noise == PROGRAM_NONE) continue;
                Stream stream = stream_make(s->options->seed, (uint64_t)lane->run, SITE_NOISE + (uint32_t)s->moving[k]);
                stream.index = (uint32_t)lane->cell;
                b->normal[k][i] = stream_normal(&stream);
            }
        }
        if (lane->is_new_cell || b->is_stale[i]) list[n++] = i;
        lane->is_new_cell = false;
    }
    if (n == 0) return;
    block_bridge_steps(b, list, n);

    double root = elementary_sqrt(s->cell), *noise = b->result[0], *moved = b->result[1], *change = b->result[2];
    for (int32_t k = 0; k < s->n_moving; k++) {
        const ModelStock *stock = &s->level[s->moving[k]];
        int32_t v = s->model->n_mode + s->moving[k];
        if (stock->noise == PROGRAM_NONE) continue;
        uint64_t reads = s->model->program[stock->noise].reads;
        block_gather(b, reads, list, n, NULL);
        block_evaluate(b, stock->noise, n, noise);
        bool has_slope = reads >> v & 1;
        for (int32_t i = 0; i < n; i++) {
            // forward, unless that leaves the range
            double x = b->x[v][list[i]], step = noise[i] * root, to = x + step <= stock->high ? x + step : x - step;
            change[i] = (to < stock->low ? stock->low : to) - x;
            if (has_slope) b->gather[v][i] = x + change[i];
        }
        if (has_slope) block_evaluate(b, stock->noise, n, moved);
        for (int32_t i = 0; i < n; i++) {
            double rest = block_cell_end(b, list[i]) - b->t[list[i]], z = b->normal[k][list[i]], force = noise[i] * z / elementary_sqrt(rest), bend = 0;
            if (has_slope && change[i] != 0) bend = 0.5 * noise[i] * ((moved[i] - noise[i]) / change[i]);
            force += bend * (z * z - 1);
            if (!isfinite(force) || noise[i] < 0) {
                block_fail(b, list[i], DUR_DOMAIN, stock->noise, "the noise of `%s` is %g", stock->name, noise[i]);
                force = 0;
            }
            b->force[k][list[i]] = force + block_bridge_begin(b, k, list[i], noise[i], bend, b->drift[k][list[i]] + force, rest);
        }
    }
}

// ---- lanes --------------------------------------------------------------------------------------------------------

static void lane_begin(Block *b, int32_t i, int64_t run) {
    const Setup *s = b->setup;
    const Model *m = s->model;
    b->lane[i] = (Lane){.run = run, .path = s->kept ? setup_kept(s, run, 0, 0) : NULL, .scale = 2, .n_open = s->n_meter,
                        .is_unbounded = true, .is_new_cell = true};
    b->is_stale[i] = true;
    b->is_over[i] = false;
    for (int32_t v = 0; v < m->n_mode; v++) b->x[v][i] = 0;
    for (int32_t k = 0; k < s->n_level; k++) b->x[m->n_mode + k][i] = setup_start(s, k);
    if (m->n_private) block_types_begin(b, i);
    for (int32_t k = 0; k < s->n_moving && s->n_noisy; k++) b->force[k][i] = 0;
    for (int32_t q = 0; q < s->n_meter; q++) {
        b->value[q][i] = meter_begin(&s->meter[q]);
        b->settled[q][i] = 0;
    }
    b->t[i] = 0;
    b->length[i] = s->n_moving ? STEP_MAX : INFINITY;
    b->look[i] = s->n_time > 0 ? s->time[0] : INFINITY;
    block_instants(b, i);
    block_first_candidate(b, i);
}

static void lane_end(Block *b, int32_t i) {
    const Setup *s = b->setup;
    int64_t place = b->lane[i].run - s->options->first_run, n_run = s->options->n_run;
    for (int32_t q = 0; q < s->n_meter; q++) s->out[q * n_run + place] = meter_end(&s->meter[q], b->value[q][i]);
    // the last lane takes its place
    int32_t last = --b->n;
    if (last == i) return;
    b->lane[i] = b->lane[last];
    b->is_stale[i] = b->is_stale[last];
    b->is_over[i] = b->is_over[last];
    for (int32_t c = 0; c < b->n_column; c++) b->column[c][i] = b->column[c][last];
}

// the end of an accepted step is the beginning of the next
static void commit(Block *b) {
    const Setup *s = b->setup;
    bool is_plain = block_kernels()->commit(b) && !s->n_meter && !s->n_noisy && s->is_shared;
    for (int32_t i = 0; i < b->n && !is_plain; i++) {
        if (b->accepted[i] == 0) continue;
        Lane *lane = &b->lane[i];
        if (b->t[i] > s->end || (s->n_meter && lane->n_open == 0)) {
            b->any_over = b->is_over[i] = true;
            continue;
        }
        if (s->n_noisy && b->t[i] >= block_cell_end(b, i)) {
            lane->cell++;
            lane->stretch = 0;
            lane->is_new_cell = lane->is_unbounded = true;
        }
        if (!s->is_shared && b->t[i] >= b->bounded[i]) lane->is_unbounded = true;
        if (b->t[i] >= b->date[i]) block_instants(b, i);
    }
}

void block_play(Block *b, int64_t first, int32_t n, void (*poll)(void *), void *context) {
    const Setup *s = b->setup;
    assert(n <= SIM_LANES);
    b->n = n;
    b->n_round = 0;
    b->first = first;
    int64_t n_seen = (int64_t)s->n_level * s->n_time * SIM_LANES;
    for (int64_t i = 0; b->seen && i < n_seen; i++) b->seen[i] = NAN;   // a run that stops before its end shows nothing there
    b->any_over = false;
    for (int32_t i = 0; i < n; i++) lane_begin(b, i, first + i);
    while (b->n > 0) {
        drift_of_stale(b);
        if (s->n_noisy) noise_of_cells(b);
        memset(b->is_stale, 0, sizeof b->is_stale);
        if (!s->is_shared) block_bounds(b);
        choose_ends(b);
        if (s->n_moving) ode_step(b);
        judge(b);
        if (s->n_noisy) block_bridge_knots(b);
        block_measure(b);
        commit(b);
        block_candidates(b);

        poll(context);
        if (!b->any_over && !setup_is_over(s, INT64_MAX - 1)) continue;
        for (int32_t i = b->n - 1; i >= 0; i--)
            if (b->is_over[i] || setup_is_over(s, b->lane[i].run)) lane_end(b, i);
        b->any_over = false;
    }
    block_tell(b, n);
}

Standing block_standing(const Block *b) {
    Standing out = {.n = b->n, .time = INFINITY};
    for (int32_t i = 0; i < b->n; i++) {
        if (b->t[i] < out.time) out.time = b->t[i];
        if (b->lane[i].n_jump > out.n_jump) out.n_jump = b->lane[i].n_jump;
    }
    return out;
}
