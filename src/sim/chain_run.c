/// A block of runs on the lattice, side by side: in every round each takes its next candidate. Whatever is the same work for
/// all is done over columns; a run's numbers depend on that run alone.
#include "sim/walker.h"

#include "base/memory.h"

#include <assert.h>
#include <string.h>

/// Rounds between two calls of poll.
#define POLL_EVERY 64

/// Lines of a row that are asked for when a run comes to it, before they are needed: nearly all that a row of a dozen ways
/// out is read of.
#define ROW_AHEAD 3

/// Counts are kept side by side, so that one addition need not wait for another.
#define COUNTS 4

/// Runs that were counted by cells before the counts go to the tally: they are of 32 bits.
#define TELL_EVERY ((int64_t)1 << 30)

struct Walker {
    const Walk *walk;
    Tally   *tally;
    Rows     rows;
    int32_t  n;                          // runs under way: lanes 0 .. n-1
    uint32_t candidate;                  // that is due, the same number for all
    int64_t  first;                      // run of the block
    int64_t  n_untold;                   // runs counted in `cell`

    // columns: what moves with a lane
    uint64_t run[SIM_LANES];
    const int16_t *row[SIM_LANES];       // the heads of its row
    double   rate[SIM_LANES];            // of the row
    double   time[SIM_LANES];            // of the last candidate
    double   stop[SIM_LANES];            // when there is something else to do: a look, a date, the end
    double   since[SIM_LANES];           // when the present state began
    double   log[SIM_LANES];             // logarithm of the candidate's first number
    double   due[SIM_LANES];             // when it comes
    uint64_t pick[SIM_LANES];            // its second number
    int64_t  n_jump[SIM_LANES];
    int32_t  instant[SIM_LANES], sample[SIM_LANES], n_open[SIM_LANES];
    double  *value;                      // [n_meter x SIM_LANES] so far
    bool    *settled;                    // [n_meter x SIM_LANES] value is final

    // columns of a round
    uint32_t index[SIM_LANES];
    int16_t  top[SIM_LANES];             // uppermost bits of `pick`, less 2^15
    int32_t  place[SIM_LANES];           // among the heads of the row
    bool     is_over[SIM_LANES];         // failed, or everything is measured
    bool     any_over;

    int64_t *count;                      // [COUNTS x n_what] how often each thing happened
    uint32_t *cell;                      // [n_time x n_cell] looks
};

Walker *walker_make(const Walk *walk, Tally *tally) {
    const Setup *s = walk->setup;
    size_t n_value = (size_t)s->n_meter * SIM_LANES;
    Walker *w = memory_zeroed(1, sizeof *w);
    if (!w) return NULL;
    w->walk = walk;
    w->tally = tally;
    w->value = memory_zeroed(n_value, sizeof *w->value);
    w->settled = memory_zeroed(n_value, sizeof *w->settled);
    w->count = memory_zeroed(COUNTS * (size_t)walk->n_what, sizeof *w->count);
    w->cell = memory_zeroed((size_t)s->n_time * (size_t)walk->n_cell, sizeof *w->cell);
    if (rows_make(&w->rows, walk) && w->value && w->settled && w->count && w->cell) return w;
    walker_free(w);
    return NULL;
}

void walker_free(Walker *w) {
    if (!w) return;
    memory_free(w->cell);
    memory_free(w->count);
    memory_free(w->settled);
    memory_free(w->value);
    rows_free(&w->rows);
    memory_free(w);
}

static Row *row_of(const Walker *w, int32_t i) { return (Row *)w->row[i]; }

static void end_lane(Walker *w, int32_t i) {
    w->is_over[i] = true;
    w->any_over = true;
}

/// Stop one run with a fault; see setup_fail.
#define walker_fail(w, i, time, status, program, ...)                                                       \
    (setup_fail((w)->walk->setup, (int64_t)(w)->run[i], time, status, program, __VA_ARGS__), end_lane(w, i))

// ---- counting -----------------------------------------------------------------------------------------------------

static void tell_cells(Walker *w) {
    const Walk *walk = w->walk;
    const Setup *s = walk->setup;
    const Lattice *l = s->lattice;
    for (int32_t t = 0; t < s->n_time; t++)
        for (int32_t g = 0; g < walk->n_group; g++)
            for (int64_t c = 0; c < walk->group[g].n; c++) {
                uint32_t *n = &w->cell[t * walk->n_cell + walk->group[g].base + c];
                int64_t rest = c;
                for (int32_t k = walk->group[g].last; k >= walk->group[g].first && *n > 0; k--) {
                    int32_t axis = l->order[k], node = (int32_t)(rest % l->n_node[axis]);
                    rest /= l->n_node[axis];
                    for (int32_t v = 0; v < l->n_variable; v++) {
                        if (l->axis[v] != axis) continue;
                        if (v < s->model->n_mode) tally_modes(w->tally, s, v, t, node, *n);
                        else tally_stocks(w->tally, s, v - s->model->n_mode, t, lattice_level(l, v, node), *n);
                    }
                }
                *n = 0;
            }
    w->n_untold = 0;
}

void walker_tell(Walker *w) {
    const Setup *s = w->walk->setup;
    tell_cells(w);
    int32_t n_what = w->walk->n_what;
    for (int32_t k = 0; k < COUNTS * n_what; k++) {
        int32_t what = k % n_what;
        if (what > 0) w->tally->n_event += w->count[k];
        if (what > 0 && what <= s->model->n_jump) w->tally->count[what - 1] += w->count[k];
        w->count[k] = 0;
    }
}

static void keep(Walker *w, int32_t i, double before) {
    const Setup *s = w->walk->setup;
    Scene here;
    double level[MODEL_VARIABLES_MAX];
    if (w->sample[i] == s->n_time || !(s->time[w->sample[i]] < before)) return;
    scene_of(w->walk, row_of(w, i)->key, &here);
    lattice_levels(s->lattice, here.node, level);
    for (; w->sample[i] < s->n_time && s->time[w->sample[i]] < before; w->sample[i]++)
        for (int32_t v = 0; v < model_variables(s->model); v++) *setup_kept(s, (int64_t)w->run[i], v, w->sample[i]) = level[v];
}

static const double *levels_of(const Walker *w, int32_t i, double *level) {
    Scene here;
    scene_of(w->walk, row_of(w, i)->key, &here);
    lattice_levels(w->walk->setup->lattice, here.node, level);
    return level;
}

// what happens in the only run is told; of a move also how likely it was
static void tell_before(Walker *w, int32_t i, int32_t jump, int32_t step, double time) {
    const Setup *s = w->walk->setup;
    double level[MODEL_VARIABLES_MAX];
    if (jump >= 0 && s->model->jump[jump].kind == JUMP_MOVE) {
        Scene here;
        scene_of(w->walk, row_of(w, i)->key, &here);
        const Policy *p = s->plan->step[here.step].policy;
        int32_t actor = s->model->jump[jump].actor, private = s->model->actor[actor].private;
        s->trace->wait = 1;
        for (int32_t k = s->first_move[actor]; k < s->first_move[actor + 1]; k++) {
            int64_t at = policy_entry(p, s->move[k], private < 0 ? 0 : here.type[private], here.state);
            double chance = at < 0 ? 0 : p->probability[at];
            s->trace->wait -= chance;
            if (s->move[k] == jump) s->trace->probability = chance;
        }
    }
    trace_add(s, time, jump, step, levels_of(w, i, level));
}

static void tell_after(Walker *w, int32_t i) {
    double level[MODEL_VARIABLES_MAX];
    trace_after(w->walk->setup, levels_of(w, i, level));
}

// looks before a time, in the present state
static void look(Walker *w, int32_t i, double before) {
    const Setup *s = w->walk->setup;
    const uint32_t *cell = row_cell(row_of(w, i));
    if (s->kept) {
        keep(w, i, before);
        return;
    }
    for (; w->sample[i] < s->n_time && s->time[w->sample[i]] < before; w->sample[i]++)
        for (int32_t g = 0; g < w->walk->n_group; g++) w->cell[w->sample[i] * w->walk->n_cell + cell[g]]++;
}

// ---- measuring ----------------------------------------------------------------------------------------------------

// The state has been what it is since `since` and stays so until `end`, that instant not included. False if the run is
// over.
static bool hold(Walker *w, int32_t i, double end) {
    const Setup *s = w->walk->setup;
    Row *row = row_of(w, i);
    look(w, i, end);
    for (int32_t q = 0; q < s->n_meter; q++) {
        const Meter *m = &s->meter[q];
        double *value = &w->value[q * SIM_LANES + i];
        bool *settled = &w->settled[q * SIM_LANES + i];
        if (*settled) continue;
        bool is_past = end > m->to;
        if (m->kind != QUANTITY_COUNT && w->since[i] <= m->to && end > m->from && (m->kind != QUANTITY_AT || is_past)) {
            row_learn(w->walk, row);
            double x = row_meter(row, w->walk)[2 * q], until = row_meter(row, w->walk)[2 * q + 1];
            if (!isfinite(x)) {
                walker_fail(w, i, w->since[i], DUR_DOMAIN, m->quantity->x, "`%s` is %g", m->quantity->text, x);
                return false;
            }
            if (m->kind == QUANTITY_MEAN || m->kind == QUANTITY_TOTAL) {
                double from = w->since[i] > m->from ? w->since[i] : m->from, to = end < m->to ? end : m->to;
                *value += x * (to - from);
            } else {
                is_past |= meter_look(m, x, until, value);
            }
        }
        if (is_past) {
            *settled = true;
            w->n_open[i]--;
        }
    }
    w->since[i] = end;
    return true;
}

static void count(Walker *w, int32_t i, int32_t jump, double time) {
    const Setup *s = w->walk->setup;
    for (int32_t q = 0; q < s->n_meter; q++) {
        const Meter *m = &s->meter[q];
        if (m->kind == QUANTITY_COUNT && m->quantity->jump == jump && time >= m->from && time <= m->to)
            w->value[q * SIM_LANES + i]++;
    }
}

// ---- where a jump leads, drawn ------------------------------------------------------------------------------------

static void move_by(const Walker *w, Scene *here, int32_t v, int32_t nodes) {
    const Lattice *l = w->walk->setup->lattice;
    here->node[v] += nodes;
    here->state += nodes * l->stride[v];
    here->mode_state = here->state / l->n_stock_state;
}

// what is left of a uniform number after a decision of probability p is a uniform number again
static bool decide(double p, double *u) {
    bool yes = *u < p;
    *u = yes ? *u / p : (*u - p) / (1 - p);
    return yes;
}

// to one of the targets of a jump
static void jump_to(Walker *w, Scene *here, int32_t i, int32_t jump, uint32_t site) {
    const Setup *s = w->walk->setup;
    const Lattice *l = s->lattice;
    const LatticeJump *j = &l->jump[jump];
    Stream stream = stream_make(s->options->seed, w->run[i], site);
    stream.index = site == SITE_DATED ? (uint32_t)jump : w->candidate;
    double u = -1;
    int32_t b = 0, by[MODEL_VARIABLES_MAX];
    if (j->n_branch > 1) {
        u = stream_uniform(&stream);
        double rest = 1;
        while (b + 1 < j->n_branch && !decide(j->branch[b].weight / rest, &u)) rest -= j->branch[b++].weight;
    }
    const LatticeBranch *branch = &j->branch[b];
    for (int32_t k = 0; k < branch->n_shift; k++) {
        const LatticeShift *shift = &branch->shift[k];
        by[k] = (int32_t)((int64_t)lattice_table_at(l, &shift->move, here->node) / l->stride[shift->variable]);
        double up = shift->has_split ? lattice_table_at(l, &shift->up, here->node) : 0;
        if (up == 0) continue;
        if (u < 0) u = stream_uniform(&stream);
        by[k] += decide(up, &u);
    }
    for (int32_t k = 0; k < branch->n_shift; k++) move_by(w, here, branch->shift[k].variable, by[k]);
}

// ---- beliefs and true types ---------------------------------------------------------------------------------------

// the belief about private p goes to one of some nodes, with probabilities that sum to `all`
static void belief_to(Walker *w, Scene *here, int32_t p, int32_t n, const int32_t *node, const double *weight, double all, double u) {
    int32_t v = w->walk->setup->model->private[p].variable, k = 0;
    for (u *= all; k + 1 < n && u >= weight[k]; k++) u -= weight[k];
    move_by(w, here, v, node[k] - here->node[v]);
}

// what a visible move tells: `from` is the node of the belief before, `state` the state
static void learn(Walker *w, Scene *here, int32_t i, int32_t jump, int64_t state) {
    const Setup *s = w->walk->setup;
    const Lattice *l = s->lattice;
    const Policy *policy = s->plan->step[here->step].policy;
    int64_t at = policy->shift_where[jump * l->n_mode_state + state / l->n_stock_state];
    if (at < 0) return;
    int32_t p = s->model->actor[s->model->jump[jump].actor].private, v = s->model->private[p].variable;
    const LatticePrivate *lp = &l->private[p];
    double shift[MODEL_TYPES_MAX], weight[MODEL_TYPES_MAX], all = 0;
    int32_t node[MODEL_TYPES_MAX];
    for (int32_t t = 1; t < lp->n_type; t++)
        shift[t - 1] = policy->shift[at + (t - 1) * l->n_stock_state + state % l->n_stock_state];
    int32_t n = lattice_shift_belief(lp, here->node[v], shift, node, weight);
    for (int32_t k = 0; k < n; k++) {
        if (!is_surprised(s, here->step, p)) weight[k] *= lp->belief[(int64_t)node[k] * lp->n_type + here->type[p]];
        all += weight[k];
    }
    if (!(all > 0)) return;
    Stream stream = stream_make(s->options->seed, w->run[i], SITE_BELIEF);
    stream.index = w->candidate;
    belief_to(w, here, p, n, node, weight, all, n > 1 ? stream_uniform(&stream) : 0);
}

// A belief steps on: place / rate is a uniform number.
static void drift_on(Walker *w, Scene *here, int32_t p, double place, double rate) {
    const Setup *s = w->walk->setup;
    int32_t node[MODEL_TYPES_MAX * MODEL_TYPES_MAX], v = s->model->private[p].variable;
    double weight[MODEL_TYPES_MAX * MODEL_TYPES_MAX];
    int32_t n = belief_ways(s, here->step, p, here->node[v], here->state, here->type[p], node, weight, NULL);
    belief_to(w, here, p, n, node, weight, rate, place / rate);
}

// A true type changes. One that nobody thought possible appears together with the step of the belief that allows for it.
static void become(Walker *w, Scene *here, int32_t i, int32_t p, double place) {
    const Setup *s = w->walk->setup;
    const ModelPrivate *mp = &s->model->private[p];
    const LatticePrivate *lp = &s->lattice->private[p];
    int32_t to = -1;
    for (int32_t k = 0; k < mp->n_becomes; k++) {
        if (mp->becomes[k].type == here->type[p]) continue;
        double rate = lattice_table_at(s->lattice, &lp->becomes[k], here->node);
        if (rate > 0) to = mp->becomes[k].type;
        if (place < rate) break;
        place -= rate;
    }
    if (to < 0) return;
    int32_t at = here->node[mp->variable], node[MODEL_TYPES_MAX * MODEL_TYPES_MAX], gain[MODEL_TYPES_MAX * MODEL_TYPES_MAX];
    double rate[MODEL_TYPES_MAX * MODEL_TYPES_MAX], all = 0;
    here->type[p] = to;
    if (lp->belief[(int64_t)at * lp->n_type + to] > 0) return;
    int32_t n = belief_ways(s, here->step, p, at, here->state, -1, node, rate, gain);
    for (int32_t k = 0; k < n; k++) all += rate[k] = gain[k] == to ? rate[k] : 0;
    if (!(all > 0)) return;
    Stream stream = stream_make(s->options->seed, w->run[i], SITE_BELIEF);
    stream.index = w->candidate;
    belief_to(w, here, p, n, node, rate, all, stream_uniform(&stream));
}


// ---- steps --------------------------------------------------------------------------------------------------------

// the row of a key; if there is no room for it, rows of the runs under way are laid out anew
static Row *row_at(Walker *w, int64_t key) {
    Row *row = rows_get(&w->rows, key);
    if (row) return row;
    int64_t keys[SIM_LANES];
    for (int32_t i = 0; i < w->n; i++) keys[i] = row_of(w, i)->key;
    rows_forget(&w->rows);
    for (int32_t i = 0; i < w->n; i++) w->row[i] = rows_get(&w->rows, keys[i])->head;
    return rows_get(&w->rows, key);
}

static void stand_in(Walker *w, int32_t i, const Row *row) {
    w->row[i] = row->head;
    if (!w->walk->is_shared) w->rate[i] = row->rate;
}

// where a way leads, if it is one place; -1 if that is drawn
static int64_t target_of(const Walker *w, const Row *row, int32_t what) {
    const Walk *walk = w->walk;
    const Setup *s = walk->setup;
    const Lattice *l = s->lattice;
    Scene here;
    scene_of(walk, row->key, &here);
    if (what > s->model->n_jump) {
        const ChainSource *from = &walk->source[what - 1 - s->model->n_jump];
        if (from->kind != CHAIN_UP && from->kind != CHAIN_DOWN) return -1;
        move_by(w, &here, s->model->n_mode + from->index, from->kind == CHAIN_UP ? 1 : -1);
        return scene_key(walk, &here);
    }
    const LatticeJump *j = &l->jump[what - 1];
    const Policy *policy = s->plan->step[here.step].policy;
    bool tells = s->model->n_private && s->model->jump[what - 1].kind == JUMP_MOVE &&
                 policy->shift_where[(what - 1) * l->n_mode_state + here.mode_state] >= 0;
    if (tells || j->n_branch > 1) return -1;
    const LatticeBranch *branch = &j->branch[0];
    int64_t by = 0;
    for (int32_t k = 0; k < branch->n_shift; k++) {
        if (branch->shift[k].has_split && lattice_table_at(l, &branch->shift[k].up, here.node) > 0) return -1;
        by += (int64_t)lattice_table_at(l, &branch->shift[k].move, here.node);
    }
    here.state += by;
    return scene_key(walk, &here);
}

// a jump from the state at hand, its target drawn
static Row *draw_jump(Walker *w, int32_t i, int32_t jump, uint32_t site) {
    const Setup *s = w->walk->setup;
    Scene here;
    scene_of(w->walk, row_of(w, i)->key, &here);
    int64_t before = here.state;
    jump_to(w, &here, i, jump, site);
    if (s->model->n_private && s->model->jump[jump].kind == JUMP_MOVE) learn(w, &here, i, jump, before);
    return row_at(w, scene_key(w->walk, &here));
}

// a belief steps on, or a true type changes
static Row *draw_type(Walker *w, int32_t i, int32_t source) {
    const Walk *walk = w->walk;
    const ChainSource *from = &walk->source[source];
    Scene here;
    scene_of(walk, row_of(w, i)->key, &here);
    double slot = 0, place = ((double)w->pick[i] + 0.5) * 0x1p-52 * w->rate[i];
    if (walk->is_shared) slot = walk->slot[source];
    for (int32_t k = 0; k < source && !walk->is_shared; k++) slot += scene_rate(walk, &here, k);
    if (from->kind == CHAIN_BELIEF) drift_on(w, &here, from->index, place - slot, scene_rate(walk, &here, source));
    else                            become(w, &here, i, from->index, place - slot);
    return row_at(w, scene_key(walk, &here));
}

// the row that a way leads to: known from now on if it is always the same
static Row *row_behind(Walker *w, int32_t i, Way *way) {
    int32_t what = way_what(*way), n_jump = w->walk->setup->model->n_jump;
    uint32_t to = way_to(*way);
    if (to < WAY_UNKNOWN) return rows_at(&w->rows, to);
    if (to == WAY_UNKNOWN) {
        int64_t key = target_of(w, row_of(w, i), what), generation = w->rows.generation;
        if (key >= 0) {
            Row *row = row_at(w, key);
            if (w->rows.generation == generation) *way = (uint32_t)what | rows_place(&w->rows, row) << WAY_BITS;
            return row;
        }
        *way |= WAY_DRAWN << WAY_BITS;
    }
    return what <= n_jump ? draw_jump(w, i, what - 1, SITE_SIZE) : draw_type(w, i, what - 1 - n_jump);
}

static void come_to(Walker *w, int32_t i, const Row *row) {
    stand_in(w, i, row);
    for (int k = 0; k < ROW_AHEAD; k++) DUR_PREFETCH((const char *)row + k * ROW_UNIT);
}

// every run takes the way that its candidate chose; whether that comes to anything is anyone's guess, so no branch asks
static void step_all(Walker *w) {
    const Walk *walk = w->walk;
    int32_t n_group = walk->n_group, n_what = walk->n_what;
    const char *base = w->rows.base;
    int64_t *count = w->count;
    for (int32_t i = 0; i < w->n; i++) {
        Way *way = row_of(w, i)->part + n_group + w->place[i];
        uint32_t what = (uint32_t)way_what(*way), to = way_to(*way);
        count[i % COUNTS * n_what + (int32_t)what]++;
        w->n_jump[i] += what != 0;
        if (DUR_UNLIKELY(to >= WAY_UNKNOWN)) {
            come_to(w, i, row_behind(w, i, way));
            continue;
        }
        uintptr_t moves = 0 - (uintptr_t)(to != 0), there = (uintptr_t)base + (uintptr_t)to * ROW_UNIT;
        come_to(w, i, (const Row *)((there & moves) | ((uintptr_t)row_of(w, i) & ~moves)));
    }
}

// the same, and what happens is measured
static void step_measured(Walker *w) {
    const Walk *walk = w->walk;
    const Setup *s = walk->setup;
    for (int32_t i = 0; i < w->n; i++) {
        Way *way = &row_way(row_of(w, i), walk)[w->place[i]];
        int32_t what = way_what(*way);
        bool is_told = s->trace && what > 0 && what <= s->model->n_jump;
        if (what == 0 || !hold(w, i, w->due[i])) continue;
        w->count[what]++;
        w->n_jump[i]++;
        if (is_told) tell_before(w, i, what - 1, -1, w->due[i]);
        come_to(w, i, row_behind(w, i, way));
        if (is_told) tell_after(w, i);
        if (what <= s->model->n_jump) count(w, i, what - 1, w->due[i]);
        if (s->n_meter && w->n_open[i] == 0) end_lane(w, i);
    }
}

// ---- dates --------------------------------------------------------------------------------------------------------

// false if the run is over
static bool do_instant(Walker *w, int32_t i, const Instant *now) {
    const Walk *walk = w->walk;
    const Setup *s = walk->setup;
    Scene here;
    scene_of(walk, row_of(w, i)->key, &here);
    if (now->step >= 0) {
        const PlanStep *step = &s->plan->step[now->step];
        here.step = now->step;
        if (step->n_set && !hold(w, i, now->time)) return false;
        if (s->trace) tell_before(w, i, -1, now->step, now->time);
        for (int32_t k = 0; k < step->n_set; k++) {
            int32_t v = step->set[k].mode;
            move_by(w, &here, v, step->set[k].value - here.node[v]);
        }
        stand_in(w, i, row_at(w, scene_key(walk, &here)));
        if (s->trace) tell_after(w, i);
        return true;
    }
    if (lattice_table_at(s->lattice, &s->lattice->jump[now->jump].when, here.node) == 0) return true;
    if (!hold(w, i, now->time)) return false;
    w->count[1 + now->jump]++;
    if (s->trace) tell_before(w, i, now->jump, -1, now->time);
    stand_in(w, i, draw_jump(w, i, now->jump, SITE_DATED));
    if (s->trace) tell_after(w, i);
    count(w, i, now->jump, now->time);
    return true;
}

static double next_stop(const Walker *w, int32_t i) {
    const Setup *s = w->walk->setup;
    double stop = s->end;
    if (w->sample[i] < s->n_time && s->time[w->sample[i]] < stop) stop = s->time[w->sample[i]];
    if (w->instant[i] < s->n_instant && s->instant[w->instant[i]].time < stop) stop = s->instant[w->instant[i]].time;
    return stop;
}

static void finish(Walker *w, int32_t i) {
    const Setup *s = w->walk->setup;
    for (int32_t q = 0; q < s->n_meter; q++)
        s->out[q * s->options->n_run + ((int64_t)w->run[i] - s->options->first_run)] =
            meter_end(&s->meter[q], w->value[q * SIM_LANES + i]);
}

// What comes before the next candidate of a run: looks, dates, the end. False if the run is over.
static bool pass(Walker *w, int32_t i) {
    const Walk *walk = w->walk;
    const Setup *s = walk->setup;
    double left = -w->log[i];
    while (w->instant[i] < s->n_instant && s->instant[w->instant[i]].time <= w->due[i] &&
           s->instant[w->instant[i]].time <= s->end) {
        const Instant *now = &s->instant[w->instant[i]++];
        look(w, i, now->time);
        left -= w->rate[i] * (now->time - w->time[i]);
        w->time[i] = now->time;
        if (!do_instant(w, i, now)) return false;
        // the same luck at another rate; at the same rate the very same time
        if (!walk->is_shared) w->due[i] = w->rate[i] > 0 ? w->time[i] + (left > 0 ? left : 0) / w->rate[i] : INFINITY;
    }
    if (w->due[i] > s->end) {
        if (hold(w, i, INFINITY)) finish(w, i);
        return false;
    }
    look(w, i, w->due[i]);
    w->stop[i] = next_stop(w, i);
    return true;
}

// ---- runs ---------------------------------------------------------------------------------------------------------

static void begin(Walker *w, int64_t run) {
    const Walk *walk = w->walk;
    const Setup *s = walk->setup;
    const Lattice *l = s->lattice;
    int32_t i = w->n, start = 0;
    w->run[i] = (uint64_t)run;
    w->time[i] = w->since[i] = 0;
    w->n_jump[i] = 0;
    w->instant[i] = w->sample[i] = 0;
    w->n_open[i] = s->n_meter;
    w->is_over[i] = false;
    for (int32_t q = 0; q < s->n_meter; q++) {
        w->value[q * SIM_LANES + i] = meter_begin(&s->meter[q]);
        w->settled[q * SIM_LANES + i] = false;
    }
    if (l->n_start > 1) {
        Stream stream = stream_make(s->options->seed, (uint64_t)run, SITE_START);
        double u = stream_uniform(&stream);
        for (; start + 1 < l->n_start && u >= l->start_weight[start]; start++) u -= l->start_weight[start];
    }
    Scene here = {.state = l->start_state[start]};
    lattice_nodes(l, here.state, here.node);
    for (int32_t p = 0; p < s->model->n_private; p++) {
        const LatticePrivate *lp = &l->private[p];
        Stream stream = stream_make(s->options->seed, (uint64_t)run, SITE_TYPE);
        stream.index = (uint32_t)p;
        double u = stream_uniform(&stream);
        const double *b = lp->belief + (int64_t)here.node[s->model->private[p].variable] * lp->n_type;
        // the last that is possible takes what rounding leaves
        for (int32_t t = 0; t < lp->n_type && u >= 0; u -= b[t++])
            if (b[t] > 0) here.type[p] = t;
    }
    Row *row = row_at(w, scene_key(walk, &here));
    stand_in(w, i, row);
    w->rate[i] = row->rate;
    w->n++;
    bool goes_on = true;
    for (; goes_on && w->instant[i] < s->n_instant && s->instant[w->instant[i]].time <= 0; w->instant[i]++)
        goes_on = do_instant(w, i, &s->instant[w->instant[i]]);
    w->stop[i] = next_stop(w, i);
    if (!goes_on) w->n--;
}

// the last run takes the place of one that is over
static void drop(Walker *w, int32_t i) {
    int32_t last = --w->n;
    if (last == i) return;
    w->run[i]     = w->run[last];
    w->row[i]     = w->row[last];
    w->rate[i]    = w->rate[last];
    w->time[i]    = w->time[last];
    w->stop[i]    = w->stop[last];
    w->since[i]   = w->since[last];
    w->log[i]     = w->log[last];
    w->due[i]     = w->due[last];
    w->pick[i]    = w->pick[last];
    w->n_jump[i]  = w->n_jump[last];
    w->instant[i] = w->instant[last];
    w->sample[i]  = w->sample[last];
    w->n_open[i]  = w->n_open[last];
    w->is_over[i] = w->is_over[last];
    for (int32_t q = 0; q < w->walk->setup->n_meter; q++) {
        w->value[q * SIM_LANES + i] = w->value[q * SIM_LANES + last];
        w->settled[q * SIM_LANES + i] = w->settled[q * SIM_LANES + last];
    }
}

// the next candidate of every run
static void round_of_all(Walker *w) {
    const Walk *walk = w->walk;
    const Setup *s = walk->setup;
    for (int32_t i = 0; i < w->n; i++) w->index[i] = w->candidate;
    vector_uniform2(s->options->seed, w->run, SITE_CANDIDATE, w->index, w->log, w->pick, w->n);
    vector_log(w->log, w->log, w->n);
    for (int32_t i = 0; i < w->n; i++) w->due[i] = w->time[i] - w->log[i] / w->rate[i];   // where the rate is 0, never
    for (int32_t i = w->n - 1; i >= 0; i--)
        if (w->due[i] >= w->stop[i] && !pass(w, i)) drop(w, i);

    for (int32_t i = 0; i < w->n; i++) w->top[i] = (int16_t)((int32_t)(w->pick[i] >> 36) - 0x8000);
    vector_place(w->row, w->top, w->place, w->n);
    w->any_over = false;
    for (int32_t i = 0; i < w->n; i++) {
        Row *row = row_of(w, i);
        w->place[i] = row_find(row, walk, w->place[i], w->top[i], w->pick[i]);
        DUR_PREFETCH(&row_way(row, walk)[w->place[i]]);
    }
    memcpy(w->time, w->due, (size_t)w->n * sizeof *w->time);
    if (s->n_meter || s->trace) step_measured(w);
    else            step_all(w);
    if (!w->any_over) return;
    for (int32_t i = w->n - 1; i >= 0; i--) {
        if (!w->is_over[i]) continue;
        if (s->n_meter && w->n_open[i] == 0) finish(w, i);
        drop(w, i);
    }
}

void walker_play(Walker *w, int64_t first, int32_t n, void (*poll)(void *), void *context) {
    const Setup *s = w->walk->setup;
    assert(n <= SIM_LANES);
    w->n = 0;
    w->first = first;
    for (int32_t i = 0; i < n; i++) begin(w, first + i);
    for (w->candidate = 0; w->n > 0; w->candidate++) {
        round_of_all(w);
        if ((w->candidate + 1) % POLL_EVERY) continue;
        poll(context);
        for (int32_t i = w->n - 1; i >= 0; i--) {
            if (w->candidate >= SIM_TRIES_MAX)
                walker_fail(w, i, w->time[i], DUR_LIMIT, PROGRAM_NONE, "more than %lld candidates in one run", SIM_TRIES_MAX);
            if (w->n_jump[i] > s->jumps_max)
                walker_fail(w, i, w->time[i], DUR_LIMIT, PROGRAM_NONE, "more than %lld jumps in one run: this scenario explodes, "
                            "or one of its rates is far too high", (long long)s->jumps_max);
            if (setup_is_over(s, (int64_t)w->run[i]) || w->is_over[i]) drop(w, i);
        }
    }
    w->n_untold += n;
    if (w->n_untold >= TELL_EVERY) tell_cells(w);
}

Standing walker_standing(const Walker *w) {
    Standing out = {.n = w->n, .time = INFINITY};
    for (int32_t i = 0; i < w->n; i++) {
        if (w->time[i] < out.time) out.time = w->time[i];
        if (w->n_jump[i] > out.n_jump) out.n_jump = w->n_jump[i];
    }
    return out;
}
