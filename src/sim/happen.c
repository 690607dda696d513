/// What happens in a block: candidates, events, choices, effects, dates.
#include "sim/block_kernel.h"

#include "num/elementary.h"
#include "num/vector.h"

#include <assert.h>
#include <string.h>

/// Bounds may be this much below a rate, as a share of all bounds together: what adding them up rounds away.
#define BOUND_SLACK 1e-9

/// Local bounds may be this many times the rate, or this much an unit of time, before the box is made smaller.
#define LOCAL_LOOSE 4.0
/// Smallest box: 2^-30 of the range.
#define LOCAL_SCALE_MAX 30

static uint64_t reads_of(const Block *b, ProgramId p) { return p == PROGRAM_NONE ? 0 : b->setup->model->program[p].reads; }

// ---- telling ------------------------------------------------------------------------------------------------------

static const double *state_of(Block *b, int32_t i, double *state) {
    for (int32_t v = 0; v < model_variables(b->setup->model); v++) state[v] = b->x[v][i];
    return state;
}

void block_trace(Block *b, int32_t i, int32_t jump, int32_t step) {
    double state[MODEL_VARIABLES_MAX];
    trace_add(b->setup, b->t[i], jump, step, state_of(b, i, state));
}

void block_trace_after(Block *b, int32_t i) {
    double state[MODEL_VARIABLES_MAX];
    trace_after(b->setup, state_of(b, i, state));
}

// ---- effects ------------------------------------------------------------------------------------------------------

double draw_size(const ModelDraw *d, Stream *stream) {
    switch (d->kind) {
    case DRAW_UNIFORM:     return stream_uniform(stream);
    case DRAW_NORMAL:      return stream_normal(stream);
    case DRAW_EXPONENTIAL: return stream_exponential(stream);
    case DRAW_ONE_OF: {
        double u = stream_uniform(stream);
        int32_t i = 0;
        for (; i + 1 < d->n_value && u >= d->weight[i]; i++) u -= d->weight[i];
        return d->value[i];
    }
    }
    return 0;
}

static bool is_in_box(const Block *b, int32_t i, int32_t stock) {
    const ModelStock *range = &b->setup->level[stock];
    double off = elementary_abs(b->x[b->setup->model->n_mode + stock][i] - b->center[stock][i]);
    return off <= ldexp(range->high - range->low, -b->lane[i].scale);
}

// one variable of one lane takes a new value
static void put(Block *b, const ModelJump *jump, const ModelEffect *effect, int32_t i, double to) {
    const Model *m = b->setup->model;
    Lane *lane = &b->lane[i];
    int32_t v = effect->to;
    const ModelStock *stock = v < m->n_mode ? NULL : &m->stock[v - m->n_mode];
    if (!isfinite(to)) {
        block_fail(b, i, DUR_DOMAIN, effect->value, "the effect of `%s` on `%s` is %g", jump->name,
                   model_variable_name(m, v), to);
        return;
    }
    if (stock) to = to < stock->low ? stock->low : to > stock->high ? stock->high : to;
    if (to == b->x[v][i]) return;
    b->x[v][i] = to;
    b->is_stale[i] = true;
    if (!stock || b->setup->n_moving || (b->center && !is_in_box(b, i, v - m->n_mode))) lane->is_unbounded = true;
}

void block_happen(Block *b, int32_t jump, const int32_t *list, int32_t n, uint32_t site) {
    const Setup *s = b->setup;
    const ModelJump *j = &s->model->jump[jump];
    if (n == 0) return;

    assert(j->n_draw <= BLOCK_DRAWS_MAX);
    for (int32_t d = 0; d < j->n_draw; d++)
        for (int32_t i = 0; i < n; i++) {
            const Lane *lane = &b->lane[list[i]];
            Stream stream = stream_make(s->options->seed, (uint64_t)lane->run, site + (uint32_t)d);
            stream.index = site == SITE_DATED ? (uint32_t)jump : lane->candidate;
            b->drawn[d][i] = draw_size(&j->draw[d], &stream);
        }

    if (s->trace) block_trace(b, list[0], jump, -1);
    // all effects read the state before
    uint64_t reads = 0;
    for (int32_t e = 0; e < j->n_effect; e++) reads |= reads_of(b, j->effect[e].value);
    block_gather(b, reads, list, n, NULL);
    for (int32_t e = 0; e < j->n_effect; e++) block_evaluate(b, j->effect[e].value, n, b->result[e]);
    for (int32_t e = 0; e < j->n_effect; e++)
        for (int32_t i = 0; i < n; i++) put(b, j, &j->effect[e], list[i], b->result[e][i]);

    for (int32_t i = 0; i < n; i++) {
        Lane *lane = &b->lane[list[i]];
        // what happens at the very end still counts; later is another run's business
        if (b->t[list[i]] <= s->end) {
            b->tally->count[jump]++;
            b->tally->n_event++;
        }
        if (++lane->n_jump > s->jumps_max)
            block_fail(b, list[i], DUR_LIMIT, PROGRAM_NONE, "more than %lld jumps in one run, the last of them `%s`: this "
                       "scenario explodes, or one of its rates is far too high", (long long)s->jumps_max, j->name);
    }
    block_measure_jump(b, jump, list, n);
    if (s->trace) block_trace_after(b, list[0]);
}

// ---- dates --------------------------------------------------------------------------------------------------------

void block_instants(Block *b, int32_t i) {
    const Setup *s = b->setup;
    Lane *lane = &b->lane[i];
    for (; lane->instant < s->n_instant && s->instant[lane->instant].time <= b->t[i]; lane->instant++) {
        const Instant *now = &s->instant[lane->instant];
        if (now->step >= 0) {
            const PlanStep *step = &s->plan->step[now->step];
            lane->step = now->step;
            if (s->trace) block_trace(b, i, -1, now->step);
            for (int32_t k = 0; k < step->n_set; k++) b->x[step->set[k].mode][i] = step->set[k].value;
            if (step->n_set) b->is_stale[i] = lane->is_unbounded = true;
            if (s->trace) block_trace_after(b, i);
            continue;
        }
        ProgramId when = s->model->jump[now->jump].when;
        if (when != PROGRAM_NONE) {
            block_gather(b, reads_of(b, when), &i, 1, NULL);
            block_evaluate(b, when, 1, b->result[0]);
            if (b->result[0][0] == 0) continue;
        }
        block_happen(b, now->jump, &i, 1, SITE_DATED);
    }
    b->date[i] = lane->instant < s->n_instant ? s->instant[lane->instant].time : INFINITY;
}

// ---- choices ------------------------------------------------------------------------------------------------------

const Corners *block_corners(Block *b, const double *state) {
    const Lattice *l = b->setup->lattice;
    const Model *m = l->model;
    double place[MODEL_VARIABLES_MAX];
    for (int32_t k = 0; k < m->n_stock; k++) place[k] = (state[m->n_mode + k] - m->stock[k].low) / l->stock[k].step;
    block_kernels()->corners(b, place, state);
    return &b->corners;
}

double block_mean(const Corners *corners, const double *x) {
    double mean;
    block_kernels()->means(corners, &x, 1, &mean);
    return mean;
}

// One actor's opportunity in lanes that play one policy. share[i] is a uniform number left over from the selection.
static void choose_by(Block *b, int32_t actor, int32_t step, const int32_t *list, const double *share, int32_t n) {
    const Setup *s = b->setup;
    const Policy *p = s->plan->step[step].policy;
    const BlockKernels *loops = block_kernels();
    const Lattice *l = s->lattice;
    const Model *m = s->model;
    const LatticeRule *rule = p->rule.actor == actor ? &p->rule : NULL;
    const int32_t *move = s->move + s->first_move[actor];
    int32_t n_move = s->first_move[actor + 1] - s->first_move[actor];
    // of the columns of results, which lie one behind the other, some are one long row
    double **open = b->result, *logit = b->result[n_move], *precision = b->result[2 * n_move];
    double *wait = b->result[2 * n_move + 1], *forced = b->result[2 * n_move + 2];
    const double **x = (const double **)(void *)b->result[2 * n_move + 3];
    uint8_t *of = (uint8_t *)b->result[3 * n_move + 3];
    ProgramId mu = rule && rule->precision != PROGRAM_NONE ? rule->precision : m->actor[actor].precision;
    int64_t mode_state[SIM_LANES];

    uint64_t reads = reads_of(b, mu) | eval_bundle_reads(b->choice[actor]);
    for (int32_t k = 0; rule && k < rule->n_always; k++) reads |= reads_of(b, rule->always_when[k]);
    block_gather(b, reads, list, n, NULL);
    for (int32_t i = 0; i < n; i++) mode_state[i] = 0;
    for (int32_t v = 0; v < m->n_mode; v++) {
        int64_t stride = l->stride[v] / l->n_stock_state;
        for (int32_t i = 0; i < n; i++) mode_state[i] += (int64_t)b->x[v][list[i]] * stride;
    }

    eval_bundle_run(b->choice[actor], (const double *const *)b->gather, n, open);
    if (m->program[mu].reads == 0) {   // the same in all states
        double all = eval_state(m, mu, NULL, l->param, NULL, NULL);
        for (int32_t i = 0; i < n; i++) precision[i] = all;
    } else {
        block_evaluate(b, mu, n, precision);
    }
    for (int32_t i = 0; i < n; i++)
        if (!(precision[i] >= 0) || !isfinite(precision[i]))
            block_fail(b, list[i], DUR_DOMAIN, mu, "the precision of `%s` is %g", m->actor[actor].name, precision[i]);

    // advantages between the nodes, and the logit response to them; waiting has logit 0. Open moves of all lanes in one row.
    int32_t first[SIM_LANES + 1], n_logit = 0;
    for (int32_t i = 0; i < n; i++) {
        first[i] = n_logit;
        // a guard that holds at no node in these modes has no advantage to go by: never open
        int64_t here = setup_open(s, step, actor, mode_state[i]);
        for (int32_t k = s->first_open[here]; k < s->first_open[here + 1]; k++) {
            int32_t j = s->open[k], guard = b->guard[j];
            if (rule && rule->never[j]) continue;
            double holds = guard < 0 ? 1 : open[guard][i];
            if (isnan(holds))
                block_fail(b, list[i], DUR_DOMAIN, m->jump[j].when, "the guard of `%s` has no value", m->jump[j].name);
            of[n_logit] = b->index[j];
            x[n_logit] = p->advantage + s->open_at[k];
            n_logit += holds != 0;
        }
    }
    first[n] = n_logit;
    loops->respond(b, list, n, first, x, precision, logit, wait);
    vector_exp(logit, logit, n_logit);
    vector_exp(wait, wait, n);

    int32_t chosen[SIM_LANES];
    for (int32_t i = 0; i < n; i++) forced[i] = -1;
    for (int32_t k = 0; rule && k < rule->n_always; k++) {   // `always move when ...`: the first that applies is certain
        int32_t a = 0;
        while (move[a] != rule->always[k]) a++;
        if (rule->always_when[k] != PROGRAM_NONE) block_evaluate(b, rule->always_when[k], n, precision);
        for (int32_t i = 0; i < n; i++)
            for (int32_t c = first[i]; c < first[i + 1] && forced[i] < 0; c++)
                if (of[c] == a && (rule->always_when[k] == PROGRAM_NONE || precision[i] != 0)) forced[i] = a;
    }
    for (int32_t i = 0; i < n; i++) {   // moves in order of declaration, then waiting
        double total = wait[i];
        for (int32_t c = first[i]; c < first[i + 1]; c++) total += logit[c];
        double left = share[i] * total;
        int32_t k = first[i];
        bool is_past = true;
        for (int32_t c = first[i]; c < first[i + 1]; c++) {   // no branch here either
            is_past &= !(left < logit[c]);
            k += is_past;
            left -= logit[c];
        }
        chosen[i] = k < first[i + 1] ? of[k] : n_move;
        if (s->trace) {
            s->trace->probability = k < first[i + 1] ? logit[k] / total : NAN;
            s->trace->wait = wait[i] / total;
        }
        if (forced[i] >= 0) chosen[i] = (int32_t)forced[i];
        if (forced[i] >= 0 && s->trace) s->trace->probability = 1, s->trace->wait = 0;
        if (b->is_over[list[i]]) chosen[i] = n_move;
    }
    int32_t order[SIM_LANES], last[MODEL_MOVES_MAX + 2] = {0};   // lanes move by move
    for (int32_t i = 0; i < n; i++) last[chosen[i] + 1]++;
    for (int32_t a = 0; a <= n_move; a++) last[a + 1] += last[a];
    for (int32_t i = 0; i < n; i++) order[last[chosen[i]]++] = list[i];
    for (int32_t a = 0, from = 0; a < n_move; from = last[a++])
        if (last[a] > from) block_happen(b, move[a], order + from, last[a] - from, SITE_SIZE);
}

// lanes by the step of the plan that they are in
static void choose(Block *b, int32_t actor, const int32_t *list, const double *share, int32_t n) {
    const Setup *s = b->setup;
    int32_t some[SIM_LANES], n_some;
    double some_share[SIM_LANES];
    if (s->plan->n_step == 1 && s->model->actor[actor].private < 0) {
        choose_by(b, actor, 0, list, share, n);
        return;
    }
    for (int32_t step = 0; step < s->plan->n_step; step++) {
        n_some = 0;
        for (int32_t i = 0; i < n; i++)
            if (b->lane[list[i]].step == step) {
                some_share[n_some] = share[i];
                some[n_some++] = list[i];
            }
        if (n_some == 0) continue;
        if (s->model->actor[actor].private < 0) choose_by(b, actor, step, some, some_share, n_some);
        else                                    block_choose_type(b, actor, s->plan->step[step].policy, some, some_share, n_some);
    }
}

// ---- candidates ---------------------------------------------------------------------------------------------------

static double bound_of(const Block *b, int32_t source, int32_t i) {
    if (b->setup->is_shared) return b->setup->slot[source + 1] - b->setup->slot[source];
    return b->slot[source + 1][i] - b->slot[source][i];
}
static double bound_of_all(const Block *b, int32_t i) {
    int32_t n = b->setup->n_source;
    return b->setup->is_shared ? b->setup->slot[n] : b->slot[n][i];
}

// candidates that fell to one source: place[i] is where in the source's part; they come true with probability rate /
// bound
static void try_source(Block *b, int32_t source, const int32_t *list, const double *place, int32_t n) {
    const Setup *s = b->setup;
    const Source *from = &s->source[source];
    double *when = b->result[0], *rate = b->result[1], share[SIM_LANES];
    int32_t hit[SIM_LANES], n_hit = 0;
    char name[160];
    block_gather(b, reads_of(b, from->when) | reads_of(b, from->rate), list, n, NULL);
    if (from->when != PROGRAM_NONE) block_evaluate(b, from->when, n, when);
    if (isnan(from->constant)) block_evaluate(b, from->rate, n, rate);
    else for (int32_t i = 0; i < n; i++) rate[i] = from->constant;
    for (int32_t i = 0; i < n; i++) {
        int32_t at = list[i];
        if (from->when != PROGRAM_NONE && when[i] == 0) continue;
        if (!(rate[i] >= 0) || !isfinite(rate[i])) {
            block_fail(b, at, DUR_DOMAIN, from->rate, "the %s is %g", source_name(s, source, name, sizeof name), rate[i]);
        } else if (rate[i] > bound_of(b, source, at) + BOUND_SLACK * bound_of_all(b, at)) {
            block_fail(b, at, DUR_DOMAIN, from->rate, "the %s is %g, above the bound %g that runs were drawn with",
                       source_name(s, source, name, sizeof name), rate[i], bound_of(b, source, at));
        } else if (place[i] < rate[i]) {
            share[n_hit] = place[i] / rate[i];
            hit[n_hit++] = at;
        }
    }
    if (n_hit == 0) return;
    if (from->becomes >= 0)
        for (int32_t i = 0; i < n_hit; i++) block_become(b, from, hit[i]);
    else if (from->actor < 0) block_happen(b, from->jump, hit, n_hit, SITE_SIZE);
    else                 choose(b, from->actor, hit, share, n_hit);
}

// gap and selection of the candidate that comes next
static void draw_candidates(Block *b, const int32_t *list, int32_t n) {
    const Setup *s = b->setup;
    double *gap = b->result[0];
    uint64_t run[SIM_LANES], pick[SIM_LANES];
    uint32_t index[SIM_LANES];
    for (int32_t i = 0; i < n; i++) {
        run[i] = (uint64_t)b->lane[list[i]].run;
        index[i] = b->lane[list[i]].candidate;
    }
    vector_uniform2(s->options->seed, run, SITE_CANDIDATE, index, gap, pick, n);
    for (int32_t i = 0; i < n; i++) b->pick[list[i]] = ((double)(int64_t)pick[i] + 0.5) * 0x1p-52;
    vector_log(gap, gap, n);
    for (int32_t i = 0; i < n; i++) {
        int32_t at = list[i];
        double all = bound_of_all(b, at);
        b->budget[at] = -gap[i];
        b->since[at] = b->t[at];
        b->due[at] = all > 0 ? b->t[at] + b->budget[at] / all : INFINITY;
    }
}

void block_first_candidate(Block *b, int32_t i) {
    for (int32_t k = 0; !b->setup->is_shared && k <= b->setup->n_source; k++) b->slot[k][i] = 0;
    draw_candidates(b, &i, 1);
}

// How long the stocks of a lane stay inside a box around them, whatever happens but a jump.
static double time_inside(const Block *b, int32_t i, const Interval *box) {
    const Setup *s = b->setup;
    double least = INFINITY;
    for (int32_t k = 0; k < s->n_moving; k++) {
        const ModelStock *stock = &s->level[s->moving[k]];
        double speed = s->n_noisy ? elementary_abs(b->force[k][i]) : 0;
        if (stock->drift != PROGRAM_NONE) {
            Interval drift = eval_bound(s->model, stock->drift, box, s->lattice->param, NULL);
            if (drift.low <= drift.high) speed += fmax(fabs(drift.low), fabs(drift.high));
        }
        if (s->moving[k] >= s->model->n_stock) speed += block_belief_speed(b, s->moving[k], box);
        double half = ldexp(stock->high - stock->low, -b->lane[i].scale);
        if (speed > 0) least = fmin(least, half / speed);
    }
    return least;
}

// How far off its line a stock with noise may be inside a cell: what block_bridge_knots can add, no normal number being above 8.6.
static double off_line(const Block *b, int32_t k, int32_t i) {
    const Setup *s = b->setup;
    if (!s->n_noisy || s->level[s->moving[k]].noise == PROGRAM_NONE) return 0;
    double rest = block_cell_end(b, i) - b->t[i];
    return 9 * b->bridge.noise[k][i] * elementary_sqrt(rest) + 75 * elementary_abs(b->bridge.bend[k][i]) * rest;
}

// Bounds in a box around the present state, the largest box in which they are near the rates (tried first a little
// larger than the last one), and the time for which drift and noise cannot lead out of it. That time depends on the
// state alone: were bounds renewed at a time that depends on when the candidate is due, its law would be another. Where noise is
// the larger part of a box, a smaller one would not hold for longer.
static void bound_near(Block *b, int32_t i) {
    const Setup *s = b->setup;
    const Model *m = s->model;
    Lane *lane = &b->lane[i];
    double state[MODEL_VARIABLES_MAX], rate = 0, *slot[2] = {b->slot[0], b->slot[s->n_source]};
    Interval box[MODEL_VARIABLES_MAX];
    for (int32_t v = 0; v < model_variables(m); v++) state[v] = b->x[v][i];
    for (int32_t k = 0; k < s->n_source; k++) rate += source_rate(s, &s->source[k], state);

    // what the candidate had left to wait stays its own: the same luck, at another rate
    double left = b->budget[i] - slot[1][i] * (b->t[i] - b->since[i]), inside, more[MODEL_VARIABLES_MAX] = {0};
    left = left > 0 ? left : 0;
    for (int32_t k = 0; k < s->n_moving; k++) more[s->moving[k]] = off_line(b, k, i);
    if (lane->scale > 0) lane->scale--;
    for (;; lane->scale++) {
        bool is_noise = false;
        for (int32_t v = 0; v < model_variables(m); v++) {
            box[v] = (Interval){state[v], state[v]};
            if (v < m->n_mode) continue;
            const ModelStock *stock = &s->level[v - m->n_mode];
            double half = ldexp(stock->high - stock->low, -lane->scale);
            is_noise |= half < more[v - m->n_mode];
            half += more[v - m->n_mode];
            box[v].low = fmax(stock->low, state[v] - half);
            box[v].high = fmin(stock->high, state[v] + half);
        }
        slot[0][i] = 0;
        for (int32_t k = 0; k < s->n_source; k++)
            b->slot[k + 1][i] = b->slot[k][i] + source_bound(s, &s->source[k], box);
        inside = time_inside(b, i, box);
        bool is_bounded = slot[1][i] < INFINITY && b->t[i] + inside > b->t[i];
        if (is_bounded && (slot[1][i] <= LOCAL_LOOSE * fmax(rate, 1) || is_noise || lane->scale >= LOCAL_SCALE_MAX)) break;
        if (lane->scale < LOCAL_SCALE_MAX) continue;
        char name[160];
        int32_t k = 0;
        while (k + 1 < s->n_source && b->slot[k + 1][i] < INFINITY) k++;
        block_fail(b, i, DUR_DOMAIN, s->source[k].rate, "no bound could be put on the %s",
                   source_name(s, k, name, sizeof name));
        return;
    }
    for (int32_t k = 0; k < s->n_level; k++) b->center[k][i] = state[m->n_mode + k];
    b->budget[i] = left;
    b->since[i] = b->t[i];
    b->due[i] = slot[1][i] > 0 ? b->t[i] + left / slot[1][i] : INFINITY;
    b->bounded[i] = b->t[i] + inside;
    lane->is_unbounded = false;
}

void block_bounds(Block *b) {
    for (int32_t i = 0; i < b->n; i++)
        if (b->lane[i].is_unbounded && !b->is_over[i]) bound_near(b, i);
}

void block_candidates(Block *b) {
    const Setup *s = b->setup;
    int32_t due[SIM_LANES], of[SIM_LANES], n_due = 0, list[SIM_LANES], *from = b->from;
    double place[SIM_LANES], some[SIM_LANES];
    if (s->n_source == 0) return;
    for (int32_t i = 0; i < b->n; i++) {   // without a branch: it is anyone's guess
        due[n_due] = i;
        n_due += (b->accepted[i] != 0) & (b->t[i] >= b->due[i]) & !b->is_over[i];
    }
    if (n_due == 0) return;

    // which source each falls to, and lanes source by source
    memset(from, 0, ((size_t)s->n_source + 2) * sizeof *from);
    for (int32_t k = 0; k < n_due; k++) {
        int32_t i = due[k], source = 0;
        double at = b->pick[i] * bound_of_all(b, i);
        if (s->is_shared) for (int32_t c = 1; c < s->n_source; c++) source += at >= s->slot[c];   // nor here
        else              while (source + 1 < s->n_source && at >= b->slot[source + 1][i]) source++;
        of[k] = source;
        place[k] = at - (s->is_shared ? s->slot[source] : b->slot[source][i]);
        from[source + 1]++;
    }
    for (int32_t source = 0; source < s->n_source; source++) from[source + 1] += from[source];
    for (int32_t k = 0; k < n_due; k++) {
        some[from[of[k]]] = place[k];
        list[from[of[k]]++] = due[k];
    }
    for (int32_t source = 0, first = 0; source < s->n_source; first = from[source++])
        if (from[source] > first) try_source(b, source, list + first, some + first, from[source] - first);
    for (int32_t k = 0; k < n_due; k++) {
        Lane *lane = &b->lane[due[k]];
        lane->candidate++;   // fewer than steps, which are limited far below what an index can count
    }
    draw_candidates(b, due, n_due);
}
