/// Private types in a block: true types, choices by type, and beliefs that move continuously. A visible move turns the
/// belief by Bayes' rule; in silence it drifts, db_t/dt = lambda b_t (P(visible) - P_t(visible)) (semantics, "Private
/// types"), with the choices of all types from advantages interpolated between the nodes, as those that are made. A
/// belief of exactly 0 or 1 stays there. Under a surprise others learn as if nothing were new: shifts and drift are
/// interpolated from those of the policy that they expect.
#include "sim/block.h"

#include "num/elementary.h"

static double eval_at(const Block *b, ProgramId program, const double *state) {
    return eval_state(b->setup->model, program, state, b->setup->lattice->param, NULL, NULL);
}

static void state_of(const Block *b, const double *const *column, int32_t i, double *state) {
    for (int32_t v = 0; v < model_variables(b->setup->model); v++) state[v] = column[v][i];
}

// probabilities of all types, from those after the first
static void belief_of(const ModelPrivate *p, const double *state, double *belief) {
    belief[0] = 1;
    for (int32_t t = 1; t < p->n_type; t++) {
        belief[t] = state[p->variable + t - 1];
        belief[0] -= belief[t];
    }
    belief[0] = belief[0] > 0 ? belief[0] : 0;
}

static int64_t mode_state_of(const Lattice *l, const double *state) {
    int64_t at = 0;
    for (int32_t v = 0; v < l->model->n_mode; v++) at += (int64_t)state[v] * l->stride[v];
    return at / l->n_stock_state;
}

void block_types_begin(Block *b, int32_t i) {
    const Setup *s = b->setup;
    for (int32_t p = 0; p < s->model->n_private; p++) {
        const ModelPrivate *mp = &s->model->private[p];
        Stream stream = stream_make(s->options->seed, (uint64_t)b->lane[i].run, SITE_TYPE);
        stream.index = (uint32_t)p;
        double u = stream_uniform(&stream);
        b->type[p][i] = 0;
        for (int32_t t = 0; t < mp->n_type && u >= 0; u -= mp->start[t++])
            if (mp->start[t] > 0) b->type[p][i] = t;
    }
}

void block_become(Block *b, const Source *source, int32_t i) {
    b->type[source->private][i] = b->setup->model->private[source->private].becomes[source->becomes].type;
}

// The logit choice of every type at one state, from advantages between the nodes that block_corners found. Returns false
// if some expression has no value, which was told.
static bool choose(Block *b, int32_t lane, int32_t actor, const Policy *policy, const double *state, const Corners *corners,
                   double *chance) {
    const Setup *s = b->setup;
    const Model *m = s->model;
    const Lattice *l = s->lattice;
    const LatticeRule *rule = policy->rule.actor == actor ? &policy->rule : NULL;
    const int32_t *move = s->move + s->first_move[actor];
    int32_t n_move = s->first_move[actor + 1] - s->first_move[actor], n_type = model_types(m, actor), forced = -1;
    int64_t mode_state = mode_state_of(l, state);
    bool open[MODEL_MOVES_MAX];
    for (int32_t a = 0; a < n_move; a++) {
        ProgramId when = m->jump[move[a]].when;
        open[a] = policy->where[move[a] * l->n_mode_state + mode_state] >= 0 && !(rule && rule->never[move[a]]);
        if (!open[a] || when == PROGRAM_NONE) continue;
        double holds = eval_at(b, when, state);
        open[a] = holds != 0;
        if (!isnan(holds)) continue;
        block_fail(b, lane, DUR_DOMAIN, when, "the guard of `%s` has no value", m->jump[move[a]].name);
        return false;
    }
    for (int32_t k = 0; rule && k < rule->n_always && forced < 0; k++)
        for (int32_t a = 0; a < n_move; a++)
            if (move[a] == rule->always[k] && open[a] &&
                (rule->always_when[k] == PROGRAM_NONE || eval_at(b, rule->always_when[k], state) != 0)) forced = a;
    for (int32_t t = 0; t < n_type; t++) {
        double *out = chance + t * n_move, top = 0, total;
        ProgramId mu = m->actor[actor].precision_by_type ? m->actor[actor].precision_by_type[t] : m->actor[actor].precision;
        if (rule && rule->precision != PROGRAM_NONE)
            mu = rule->precision_by_type ? rule->precision_by_type[t] : rule->precision;
        double precision = eval_at(b, mu, state);
        if (!(precision >= 0) || !isfinite(precision)) {
            block_fail(b, lane, DUR_DOMAIN, mu, "the precision of `%s` is %g", m->actor[actor].name, precision);
            return false;
        }
        for (int32_t a = 0; a < n_move; a++) {
            out[a] = -INFINITY;
            if (!open[a]) continue;
            int64_t at = policy->where[move[a] * l->n_mode_state + mode_state] + (1 + t) * l->n_stock_state;
            out[a] = precision * block_mean(corners, policy->advantage + at);
            top = out[a] > top ? out[a] : top;
        }
        total = elementary_exp(-top);
        for (int32_t a = 0; a < n_move; a++) total += out[a] = elementary_exp(out[a] - top);
        for (int32_t a = 0; a < n_move; a++) out[a] = forced >= 0 ? (double)(a == forced) : out[a] / total;
    }
    return true;
}

static bool is_surprised(const Policy *p, int32_t actor) { return p->is_surprise && p->rule.actor == actor; }

// the drift of one belief in one lane: [n_type - 1] into out
static void drift_of(Block *b, int32_t lane, const ModelPrivate *mp, const double *state, double *chance, double *out) {
    const Setup *s = b->setup;
    const Model *m = s->model;
    const Lattice *l = s->lattice;
    const Policy *policy = s->plan->step[b->lane[lane].step].policy;
    const Corners *corners = block_corners(b, state);
    int32_t n = mp->n_type;
    if (is_surprised(policy, mp->actor)) {
        int64_t first = mode_state_of(l, state) * l->n_stock_state;
        for (int32_t t = 1; t < n; t++)
            out[t - 1] = block_mean(corners, policy->drift + (mp->variable - m->n_mode - m->n_stock + t - 1) * l->n_state + first);
        return;
    }
    double belief[MODEL_TYPES_MAX], seen[MODEL_TYPES_MAX] = {0}, becomes[MODEL_TYPES_MAX] = {0}, all = 0;
    belief_of(mp, state, belief);
    const int32_t *move = s->move + s->first_move[mp->actor];
    int32_t n_move = s->first_move[mp->actor + 1] - s->first_move[mp->actor];
    double attends = n_move ? eval_at(b, m->actor[mp->actor].attends, state) : 0;
    if (attends > 0 && !choose(b, lane, mp->actor, policy, state, corners, chance)) return;
    for (int32_t t = 0; t < n && attends > 0; t++)
        for (int32_t a = 0; a < n_move; a++)
            if (!m->jump[move[a]].is_secret) seen[t] += chance[t * n_move + a];
    for (int32_t k = 0; k < mp->n_becomes; k++) {
        double rate = eval_at(b, mp->becomes[k].rate, state);
        becomes[mp->becomes[k].type] += rate;
        all += rate;
    }
    for (int32_t t = 1; t < n; t++) {
        double by = 0;
        for (int32_t u = 0; u < n; u++) by += belief[u] * (seen[u] - seen[t]);
        out[t - 1] = attends * belief[t] * by + becomes[t] - belief[t] * all;
    }
}

void block_belief_drift(Block *b, const double *const *column, const int32_t *list, int32_t n, double *const *drift) {
    const Setup *s = b->setup;
    const Model *m = s->model;
    for (int32_t k = 0; k < s->n_moving; k++) {
        int32_t type, p = model_belief(m, m->n_mode + s->moving[k], &type);
        if (p < 0 || type != 1) continue;   // all of one private's are neighbours
        for (int32_t i = 0; i < n; i++) {
            int32_t lane = list ? list[i] : i;
            double state[MODEL_VARIABLES_MAX], out[MODEL_TYPES_MAX] = {0};
            if (b->is_over[lane]) continue;
            state_of(b, column, lane, state);
            drift_of(b, lane, &m->private[p], state, b->chance, out);
            for (int32_t t = 1; t < m->private[p].n_type; t++) drift[k + t - 1][lane] = out[t - 1];
        }
    }
}

double block_belief_speed(const Block *b, int32_t level, const Interval *box) {
    // |lambda b (P - P_t)| <= lambda/4, and what becomes another type is at most all that can
    const Setup *s = b->setup;
    const Model *m = s->model;
    int32_t type, p = model_belief(m, m->n_mode + level, &type);
    const ModelPrivate *mp = &m->private[p];
    double speed = 0.25 * eval_bound(m, m->actor[mp->actor].attends, box, s->lattice->param, NULL).high;
    for (int32_t k = 0; k < mp->n_becomes; k++) speed += eval_bound(m, mp->becomes[k].rate, box, s->lattice->param, NULL).high;
    return speed > 0 ? speed : 0;
}

void block_choose_type(Block *b, int32_t actor, const Policy *policy, const int32_t *list, const double *share, int32_t n) {
    const Setup *s = b->setup;
    const Model *m = s->model;
    const Lattice *l = s->lattice;
    const int32_t *move = s->move + s->first_move[actor];
    int32_t n_move = s->first_move[actor + 1] - s->first_move[actor], private = m->actor[actor].private;
    const ModelPrivate *mp = &m->private[private];
    int32_t chosen[SIM_LANES];
    double shift[SIM_LANES][MODEL_TYPES_MAX];
    for (int32_t i = 0; i < n; i++) {
        double state[MODEL_VARIABLES_MAX], belief[MODEL_TYPES_MAX];
        int32_t lane = list[i];
        chosen[i] = n_move;
        state_of(b, (const double *const *)b->x, lane, state);
        const Corners *corners = block_corners(b, state);
        int32_t own = (int32_t)b->type[private][lane];
        if (b->is_over[lane] || !choose(b, lane, actor, policy, state, corners, b->chance)) continue;
        const double *chance = b->chance + own * n_move;
        double left = share[i];
        int32_t a = 0;
        for (; a < n_move && !(left < chance[a]); a++) left -= chance[a];
        chosen[i] = a;
        if (s->trace) {
            s->trace->probability = a < n_move ? chance[a] : NAN;
            s->trace->wait = 1;
            for (int32_t c = 0; c < n_move; c++) s->trace->wait -= chance[c];
        }
        if (a == n_move || m->jump[move[a]].is_secret) continue;

        // what it tells
        int64_t mode_state = mode_state_of(l, state), at = policy->shift_where[move[a] * l->n_mode_state + mode_state];
        double public = 0;
        belief_of(mp, state, belief);
        for (int32_t t = 0; t < mp->n_type; t++) public += belief[t] * b->chance[t * n_move + a];
        for (int32_t t = 1; t < mp->n_type; t++) {
            double by = 0;
            for (int32_t u = 0; u < mp->n_type; u++) by += belief[u] * (b->chance[t * n_move + a] - b->chance[u * n_move + a]);
            shift[i][t] = is_surprised(policy, actor)
                              ? block_mean(corners, policy->shift + at + (t - 1) * l->n_stock_state)
                              : public > 0 ? belief[t] * by / public : 0;
        }
    }
    for (int32_t a = 0; a < n_move; a++) {
        int32_t hit[SIM_LANES], n_hit = 0;
        for (int32_t i = 0; i < n; i++)
            if (chosen[i] == a) hit[n_hit++] = list[i];
        block_happen(b, move[a], hit, n_hit, SITE_SIZE);
    }
    for (int32_t i = 0; i < n; i++) {
        if (chosen[i] == n_move || m->jump[move[chosen[i]]].is_secret) continue;
        for (int32_t t = 1; t < mp->n_type; t++) {
            double *to = &b->x[mp->variable + t - 1][list[i]], x = *to + shift[i][t];
            *to = x < 0 ? 0 : x > 1 ? 1 : x;
        }
        b->is_stale[list[i]] = b->lane[list[i]].is_unbounded = true;
        if (s->trace) block_trace_after(b, list[i]);
    }
}
