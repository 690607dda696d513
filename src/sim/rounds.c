/// Runs of a game in rounds, of both kinds: on the lattice from node to node, or with stocks anywhere in their ranges and choices
/// from advantages interpolated between nodes. One run at a time, by the reference interpreter.
///
/// A run shows its state twice a round: at the beginning, after what has a date then, and after the choices. Conditions and maxima
/// look at both; `at` and paths see the beginning; means and totals are over the states after the choices. ORDER: the looks of a
/// round, also in check/rounds.c.
#include "base/memory.h"
#include "lattice/round.h"
#include "num/elementary.h"
#include "sim/internal.h"

#include <string.h>

/// Rounds between two calls of poll.
#define POLL_EVERY 256

struct Player {
    const Setup *setup;
    Tally   *tally;
    int64_t  run, round;
    bool     on_lattice, failed;
    double   x[MODEL_VARIABLES_MAX];          // levels; modes as the index of their value
    int32_t  node[MODEL_VARIABLES_MAX];       // on the lattice
    int64_t  n_jump;
    int32_t  n_stage;
    double  *value;                           // [n_meter] so far
    bool    *settled;                         // [n_meter]
    int32_t  n_open;
    int64_t *corner;                          // [LATTICE_CORNERS_MAX]
    double  *weight;
};

Player *player_make(const Setup *setup, Tally *tally) {
    Player *p = memory_zeroed(1, sizeof *p);
    if (!p) return NULL;
    p->setup = setup;
    p->tally = tally;
    p->on_lattice = setup->options->kind == SIM_LATTICE;
    p->n_stage = round_stages(setup->model);
    p->value = memory_zeroed((size_t)setup->n_meter, sizeof *p->value);
    p->settled = memory_zeroed((size_t)setup->n_meter, sizeof *p->settled);
    p->corner = memory_alloc(LATTICE_CORNERS_MAX * sizeof *p->corner);
    p->weight = memory_alloc(LATTICE_CORNERS_MAX * sizeof *p->weight);
    if (p->value && p->settled && p->corner && p->weight) return p;
    player_free(p);
    return NULL;
}

void player_free(Player *p) {
    if (!p) return;
    memory_free(p->weight);
    memory_free(p->corner);
    memory_free(p->settled);
    memory_free(p->value);
    memory_free(p);
}

static double evaluate(const Player *p, ProgramId program, const double *draw) {
    return eval_state(p->setup->model, program, p->x, p->setup->lattice->param, draw, NULL);
}

static bool holds(const Player *p, ProgramId condition) {
    return condition == PROGRAM_NONE || evaluate(p, condition, NULL) != 0;
}

static Stream luck(const Player *p, uint32_t site, int64_t index) {
    Stream stream = stream_make(p->setup->options->seed, (uint64_t)p->run, site);
    stream.index = (uint32_t)index;
    return stream;
}

static void fail(Player *p, DurStatus status, ProgramId program, const char *what, const char *name, double value) {
    p->failed = true;
    setup_fail(p->setup, p->run, (double)p->round, status, program, "%s `%s` is %g", what, name, value);
}

// to one of the targets of a jump (negative: of the change), by one uniform number
static void go_to_target(Player *p, int32_t jump, double u) {
    const Lattice *l = p->setup->lattice;
    int32_t n = lattice_targets(l, jump, p->node, p->corner, p->weight), k = 0;
    for (; k + 1 < n && u >= p->weight[k]; k++) u -= p->weight[k];
    // a share that rounding left over falls to the last that has any
    while (k > 0 && p->weight[k] == 0) k--;
    lattice_nodes(l, p->corner[k], p->node);
    for (int32_t v = 0; v < l->n_variable; v++) p->x[v] = lattice_level(l, v, p->node[v]);
}

// effects read the state before and are applied together, clipped
static void apply(Player *p, const ModelEffect *effect, int32_t n_effect, const double *draw, const char *name) {
    const Model *m = p->setup->model;
    double to[MODEL_VARIABLES_MAX];
    for (int32_t k = 0; k < n_effect; k++) {
        to[k] = evaluate(p, effect[k].value, draw);
        if (!isfinite(to[k])) { fail(p, DUR_DOMAIN, effect[k].value, "an effect of", name, to[k]); return; }
    }
    for (int32_t k = 0; k < n_effect; k++) {
        int32_t v = effect[k].to;
        const ModelStock *s = v < m->n_mode ? NULL : &m->stock[v - m->n_mode];
        p->x[v] = !s ? to[k] : to[k] < s->low ? s->low : to[k] > s->high ? s->high : to[k];
    }
}

static void happen(Player *p, int32_t jump) {
    const Setup *s = p->setup;
    const ModelJump *j = &s->model->jump[jump];
    bool is_dated = j->kind == JUMP_DATED;
    if (s->trace) trace_add(s, (double)p->round, jump, -1, p->x);
    uint32_t site = is_dated ? SITE_DATED : SITE_EFFECT + 16 * (uint32_t)jump;
    int64_t index = is_dated ? jump : p->round;
    if (p->on_lattice) {
        Stream stream = luck(p, site, index);
        go_to_target(p, jump, stream_uniform(&stream));
    } else {
        double drawn[16] = {0};
        for (int32_t d = 0; d < j->n_draw; d++) {
            Stream stream = luck(p, site + (uint32_t)d, index);
            drawn[d] = draw_size(&j->draw[d], &stream);
        }
        apply(p, j->effect, j->n_effect, drawn, j->name);
    }
    if (s->trace) trace_after(s, p->x);
    p->tally->count[jump]++;
    p->tally->n_event++;
    int64_t k = p->round;
    for (int32_t q = 0; q < s->n_meter; q++) {
        const Meter *m = &s->meter[q];
        if (m->kind != QUANTITY_COUNT || m->quantity->jump != jump) continue;
        // a date is of an instant, what else happens is of a round
        int64_t first = rounds_from(m->from), end = is_dated ? rounds_until(m->to) + 1 : first + rounds_in(m->from, m->to);
        if (k >= first && k < end) p->value[q]++;
    }
    if (++p->n_jump <= s->jumps_max) return;
    p->failed = true;
    setup_fail(s, p->run, (double)p->round, DUR_LIMIT, PROGRAM_NONE, "more than %lld jumps in one run", (long long)s->jumps_max);
}

// ---- measuring ----------------------------------------------------------------------------------------------------

static bool show(Player *p, const ModelQuantity *quantity, double *x, double *until) {
    *x = evaluate(p, quantity->x, NULL);
    *until = quantity->until == PROGRAM_NONE ? 0 : evaluate(p, quantity->until, NULL);
    if (isfinite(*x)) return true;
    fail(p, DUR_DOMAIN, quantity->x, "", quantity->text, *x);
    return false;
}

static void settle(Player *p, int32_t q) {
    p->settled[q] = true;
    p->n_open--;
}

// the beginning of a round, everything with a date done
static void look_at_beginning(Player *p) {
    const Setup *s = p->setup;
    for (int32_t q = 0; q < s->n_meter && !p->failed; q++) {
        const Meter *m = &s->meter[q];
        int64_t first = rounds_from(m->from), until = rounds_until(m->to);
        if (p->settled[q]) continue;
        double x, other;
        bool looks = m->kind != QUANTITY_COUNT && m->kind != QUANTITY_MEAN && m->kind != QUANTITY_TOTAL &&
                     p->round <= until && p->round >= (m->kind == QUANTITY_AT ? until : first);
        if (looks && show(p, m->quantity, &x, &other) && meter_look(m, x, other, &p->value[q])) { settle(p, q); continue; }
        bool sums = m->kind == QUANTITY_MEAN || m->kind == QUANTITY_TOTAL || m->kind == QUANTITY_COUNT;
        if (!sums && p->round >= until) settle(p, q);
        if (sums && p->round >= first + rounds_in(m->from, m->to)) settle(p, q);
    }
}

static void look_after_choices(Player *p) {
    const Setup *s = p->setup;
    for (int32_t q = 0; q < s->n_meter && !p->failed; q++) {
        const Meter *m = &s->meter[q];
        int64_t first = rounds_from(m->from), n = rounds_in(m->from, m->to);
        if (p->settled[q] || m->kind == QUANTITY_COUNT || m->kind == QUANTITY_AT || p->round < first) continue;
        double x, other;
        if (m->kind == QUANTITY_MEAN || m->kind == QUANTITY_TOTAL) {
            if (p->round < first + n && show(p, m->quantity, &x, &other))
                p->value[q] += m->kind == QUANTITY_MEAN ? x / (double)n : x;
        } else if (p->round < rounds_until(m->to) && show(p, m->quantity, &x, &other)) {
            if (meter_look(m, x, other, &p->value[q])) settle(p, q);
        }
    }
}

// ---- a round ------------------------------------------------------------------------------------------------------

static const Policy *policy_now(const Player *p) {
    const Plan *plan = p->setup->plan;
    int32_t i = 0;
    while (i + 1 < plan->n_step && rounds_from(plan->step[i + 1].start) <= p->round) i++;
    return plan->step[i].policy;
}

// what has a date: at the beginning of the first round that does not begin before it
static void do_instants(Player *p, int32_t *instant) {
    const Setup *s = p->setup;
    for (; *instant < s->n_instant && rounds_from(s->instant[*instant].time) <= p->round && !p->failed; ++*instant) {
        const Instant *now = &s->instant[*instant];
        if (now->step < 0) {
            if (holds(p, s->model->jump[now->jump].when)) happen(p, now->jump);
            continue;
        }
        const PlanStep *step = &s->plan->step[now->step];
        if (s->trace) trace_add(s, now->time, -1, now->step, p->x);
        for (int32_t k = 0; k < step->n_set; k++) {
            p->x[step->set[k].mode] = step->set[k].value;
            p->node[step->set[k].mode] = step->set[k].value;
        }
        if (s->trace) trace_after(s, p->x);
    }
}

/// A move that was chosen, and how likely it and waiting were.
typedef struct Pick {
    int32_t move;              // -1: none
    double  probability, wait;
} Pick;

// an actor's choice in the state at hand
static Pick choose(Player *p, const Policy *policy, int32_t actor) {
    const Setup *s = p->setup;
    const Lattice *l = s->lattice;
    const Model *m = s->model;
    const int32_t *move = s->move + s->first_move[actor];
    int32_t n_move = s->first_move[actor + 1] - s->first_move[actor];
    double u[2], probability[MODEL_MOVES_MAX], wait = 1;
    const Pick none = {.move = -1};
    Stream stream = luck(p, SITE_CHOICE + (uint32_t)actor, p->round);
    stream_uniform2(&stream, u);
    double attends = evaluate(p, m->actor[actor].attends, NULL);
    if (!(attends >= 0 && attends <= 1)) {
        fail(p, DUR_DOMAIN, m->actor[actor].attends, "the chance that an actor attends,", m->actor[actor].name, attends);
        return none;
    }
    if (u[0] >= attends) return none;
    if (p->on_lattice) {
        int64_t state = lattice_state(l, p->node);
        for (int32_t a = 0; a < n_move; a++) probability[a] = policy_probability(policy, move[a], state);
    } else {
        // advantages between the nodes, and the logit response to them; waiting has logit 0
        const LatticeRule *rule = policy->rule.actor == actor ? &policy->rule : NULL;
        ProgramId precision = rule && rule->precision != PROGRAM_NONE ? rule->precision : m->actor[actor].precision;
        double mu = evaluate(p, precision, NULL), top = 0, total = 0;
        if (!(mu >= 0) || !isfinite(mu)) {
            fail(p, DUR_DOMAIN, precision, "the precision of", m->actor[actor].name, mu);
            return none;
        }
        int32_t n_corner = lattice_split(l, p->x, p->corner, p->weight), certain = -1;
        int64_t mode_state = p->corner[0] / l->n_stock_state;
        for (int32_t a = 0; a < n_move; a++) {
            int64_t where = policy->where[move[a] * l->n_mode_state + mode_state];
            bool open = where >= 0 && !(rule && rule->never[move[a]]) && holds(p, m->jump[move[a]].when);
            probability[a] = -INFINITY;
            if (!open) continue;
            double advantage = 0;
            for (int32_t c = 0; c < n_corner; c++)
                advantage += p->weight[c] * policy->advantage[where + p->corner[c] % l->n_stock_state];
            probability[a] = mu * advantage;
            top = probability[a] > top ? probability[a] : top;
        }
        for (int32_t k = 0; rule && k < rule->n_always && certain < 0; k++)
            for (int32_t a = 0; a < n_move; a++)
                if (move[a] == rule->always[k] && probability[a] > -INFINITY && holds(p, rule->always_when[k])) certain = a;
        total = elementary_exp(-top);
        for (int32_t a = 0; a < n_move; a++) total += probability[a] = elementary_exp(probability[a] - top);
        for (int32_t a = 0; a < n_move; a++) probability[a] = certain >= 0 ? a == certain : probability[a] / total;
    }
    double left = u[1];
    for (int32_t a = 0; a < n_move; a++) wait -= probability[a];
    for (int32_t a = 0; a < n_move; a++) {
        if (left < probability[a]) return (Pick){move[a], probability[a], wait > 0 ? wait : 0};
        left -= probability[a];
    }
    return none;
}

static void play_round(Player *p) {
    const Setup *s = p->setup;
    const Model *m = s->model;
    const Policy *policy = policy_now(p);
    for (int32_t k = 0; k < p->n_stage && !p->failed; k++) {
        int32_t actor[ROUND_ACTORS_MAX], n = round_stage_actors(m, k, actor);
        Pick chosen[ROUND_ACTORS_MAX];
        for (int32_t i = 0; i < n; i++) chosen[i] = choose(p, policy, actor[i]);
        for (int32_t i = 0; i < n && !p->failed; i++) {
            if (chosen[i].move < 0) continue;
            if (s->trace) {
                s->trace->probability = chosen[i].probability;
                s->trace->wait = chosen[i].wait;
            }
            happen(p, chosen[i].move);
        }
    }
    if (p->failed) return;
    look_after_choices(p);
    for (int32_t j = 0; j < m->n_jump && !p->failed; j++) {
        if (m->jump[j].kind != JUMP_EVENT || !holds(p, m->jump[j].when)) continue;
        double chance = evaluate(p, m->jump[j].rate, NULL);
        if (!(chance >= 0 && chance <= 1)) {
            fail(p, DUR_DOMAIN, m->jump[j].rate, "the chance of", m->jump[j].name, chance);
            return;
        }
        Stream stream = luck(p, SITE_CHANCE + (uint32_t)j, p->round);
        if (stream_uniform(&stream) < chance) happen(p, j);
    }
    if (p->failed || m->n_change == 0) return;
    if (p->on_lattice) {
        Stream stream = luck(p, SITE_CHANGE, p->round);
        go_to_target(p, -1, stream_uniform(&stream));
    } else apply(p, m->change, m->n_change, NULL, "the end of a round");
}

void player_play(Player *p, int64_t run, void (*poll)(void *), void *context) {
    const Setup *s = p->setup;
    const Model *m = s->model;
    const Lattice *l = s->lattice;
    int64_t last = rounds_until(s->end);
    int32_t instant = 0, sample = 0;
    p->run = run;
    p->round = p->n_jump = 0;
    p->failed = false;
    p->n_open = s->n_meter;
    for (int32_t q = 0; q < s->n_meter; q++) {
        const Meter *meter = &s->meter[q];
        p->value[q] = meter_begin(meter);
        p->settled[q] = false;
        // a window may end within its first round, which it then holds whole
        int64_t end = rounds_from(meter->from) + rounds_in(meter->from, meter->to);
        bool sums = meter->kind == QUANTITY_MEAN || meter->kind == QUANTITY_TOTAL || meter->kind == QUANTITY_COUNT;
        if (sums && end > last) last = end;
    }
    for (int32_t v = 0; v < m->n_mode; v++) p->x[v] = p->node[v] = 0;
    for (int32_t k = 0; k < m->n_stock; k++) p->x[m->n_mode + k] = setup_start(s, k);
    if (p->on_lattice) {
        Stream stream = luck(p, SITE_START, 0);
        double u = stream_uniform(&stream);
        int32_t k = 0;
        for (; k + 1 < l->n_start && u >= l->start_weight[k]; k++) u -= l->start_weight[k];
        lattice_nodes(l, l->start_state[k], p->node);
        for (int32_t v = 0; v < l->n_variable; v++) p->x[v] = lattice_level(l, v, p->node[v]);
    }
    for (;; p->round++) {
        do_instants(p, &instant);
        for (; sample < s->n_time && rounds_until(s->time[sample]) <= p->round && !p->failed; sample++) {
            for (int32_t v = 0; v < model_variables(m) && s->kept; v++) *setup_kept(s, p->run, v, sample) = p->x[v];
            if (s->kept) continue;
            for (int32_t v = 0; v < m->n_mode; v++) tally_mode(p->tally, s, v, sample, (int32_t)p->x[v]);
            for (int32_t k = 0; k < m->n_stock; k++) tally_stock(p->tally, s, k, sample, p->x[m->n_mode + k]);
        }
        if (!p->failed) look_at_beginning(p);
        if (p->failed) return;
        if (p->round >= last || (s->n_meter && p->n_open == 0)) break;
        play_round(p);
        if (p->failed) return;
        if (p->round % POLL_EVERY) continue;
        poll(context);
        if (setup_is_over(s, run)) return;
    }
    // a mean is summed as such already
    for (int32_t q = 0; q < s->n_meter; q++) s->out[q * s->options->n_run + (run - s->options->first_run)] = p->value[q];
}

Standing player_standing(const Player *p) { return (Standing){.n = 1, .time = (double)p->round, .n_jump = p->n_jump}; }
