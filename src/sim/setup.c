/// What all runs of an ensemble share, made once: sources and bounds, instants, meters, cells of noise.
#include "base/memory.h"
#include "sim/block.h"
#include "sim/internal.h"

#include "num/elementary.h"

#include <stdarg.h>
#include <stdio.h>

/// Largest error of one step as a share of the range, unless the caller names one.
#define STEP_TOLERANCE 1e-6

/// Candidates are shared by all policies as long as there are at most this many for each that comes true at the start,
/// and in any case up to this many a unit of time: past that, the comparison of policies is bought too dear.
#define SHARED_LOOSE 50.0

/// Noise: over one cell a stock's noise has a standard deviation of at most CELL_NOISE of its range, its drift goes
/// at most CELL_DRIFT of its range, and a cell is no longer than CELL_MOST units of time and no shorter than
/// CELL_LEAST.
#define CELL_NOISE (1.0 / 32)
#define CELL_DRIFT (1.0 / 16)
#define CELL_MOST  (1.0 / 16)
#define CELL_LEAST (1.0 / 4096)

void setup_fail(const Setup *s, int64_t run, double time, DurStatus status, ProgramId program, const char *format, ...) {
    Failure *f = s->failure;
    if (atomic_load(&f->run) <= run) return;
    char sentence[600], when[64], date[16];
    va_list args;
    va_start(args, format);
    vsnprintf(sentence, sizeof sentence, format, args);
    va_end(args);
    model_date(s->model, time, date);
    snprintf(when, sizeof when, "run %lld, at %.6g", (long long)run, time);
    DurError error = {0};
    const Program *p = program == PROGRAM_NONE ? NULL : &s->model->program[program];
    const char *open = date[0] ? " (" : "", *close = date[0] ? ")" : "", *unit = s->model->unit;
    if (!p) status_fail(&error, status, "%s %s%s%s%s: %s", when, unit, open, date, close, sentence);
    else model_fail(s->model, p->span, &error, status, "%s %s%s%s%s: %s (`%s`)", when, unit, open, date, close, sentence, p->text ? p->text : "");

    while (atomic_flag_test_and_set_explicit(&f->lock, memory_order_acquire)) {}
    int32_t at = f->n;
    while (at > 0 && f->failed[at - 1].run > run) at--;
    // a run fails once; of more than matter the last ones are dropped
    if (at < f->most && !(at > 0 && f->failed[at - 1].run == run)) {
        if (f->n < f->most) f->n++;
        for (int32_t i = f->n - 1; i > at; i--) f->failed[i] = f->failed[i - 1];
        f->failed[at] = (SimFailed){.run = run, .status = status, .error = error};
        if (f->n == f->most) atomic_store(&f->run, f->failed[f->most - 1].run);
    }
    atomic_flag_clear_explicit(&f->lock, memory_order_release);
}

double setup_start(const Setup *s, int32_t stock) {
    int32_t type, p = model_belief(s->model, s->model->n_mode + stock, &type);
    if (p >= 0) return s->model->private[p].start[type];
    double none[MODEL_VARIABLES_MAX] = {0};
    return eval_state(s->model, s->model->stock[stock].start, none, s->lattice->param, NULL, NULL);
}

static bool can_act(const Model *m, int32_t actor) {
    for (int32_t j = 0; j < m->n_jump; j++)
        if (m->jump[j].kind == JUMP_MOVE && m->jump[j].actor == actor) return true;
    return false;
}

static DurStatus sources_make(Setup *s) {
    const Model *m = s->model;
    size_t n_most = (size_t)m->n_jump + (size_t)m->n_actor;
    for (int32_t p = 0; p < m->n_private; p++) n_most += (size_t)m->private[p].n_becomes;
    s->source     = memory_zeroed(n_most, sizeof *s->source);
    s->slot       = memory_zeroed(n_most + 1, sizeof *s->slot);
    s->first_move = memory_zeroed((size_t)m->n_actor + 1, sizeof *s->first_move);
    s->move       = memory_zeroed((size_t)m->n_jump, sizeof *s->move);
    if (!s->source || !s->slot || !s->first_move || !s->move) return DUR_MEMORY;
    for (int32_t j = 0; j < m->n_jump; j++)
        if (m->jump[j].kind == JUMP_EVENT)
            s->source[s->n_source++] = (Source){.jump = j, .actor = -1, .private = -1, .becomes = -1, .when = m->jump[j].when, .rate = m->jump[j].rate};
    for (int32_t a = 0; a < m->n_actor; a++) {
        s->first_move[a + 1] = s->first_move[a];
        if (!can_act(m, a)) continue;
        s->source[s->n_source++] = (Source){.jump = -1, .actor = a, .private = -1, .becomes = -1, .when = PROGRAM_NONE,
                                            .rate = m->actor[a].attends};
        for (int32_t j = 0; j < m->n_jump; j++)
            if (m->jump[j].kind == JUMP_MOVE && m->jump[j].actor == a) s->move[s->first_move[a + 1]++] = j;
    }

    for (int32_t p = 0; p < m->n_private; p++)
        for (int32_t k = 0; k < m->private[p].n_becomes; k++)
            s->source[s->n_source++] = (Source){.jump = -1, .actor = -1, .private = p, .becomes = k, .when = PROGRAM_NONE,
                                                .rate = m->private[p].becomes[k].rate};

    // the policy has no part in this, so that candidates are shared between policies
    double state[MODEL_VARIABLES_MAX] = {0}, rate = 0;
    for (int32_t k = 0; k < s->n_level; k++) state[m->n_mode + k] = setup_start(s, k);
    for (int32_t i = 0; i < s->n_source; i++) {
        s->source[i].bound = source_supremum(s, &s->source[i]);
        s->source[i].constant = NAN;
        if (m->program[s->source[i].rate].reads == 0)
            s->source[i].constant = eval_state(m, s->source[i].rate, state, s->lattice->param, NULL, NULL);
        s->slot[i + 1] = s->slot[i] + s->source[i].bound;
        rate += source_rate(s, &s->source[i], state);
    }
    s->is_shared = s->slot[s->n_source] <= SHARED_LOOSE * fmax(rate, 1);
    return DUR_OK;
}

static DurStatus open_make(Setup *s) {
    const Lattice *l = s->lattice;
    int64_t n_list = setup_open(s, s->plan->n_step, 0, 0), n = 0;
    s->first_open = memory_zeroed((size_t)n_list + 1, sizeof *s->first_open);
    size_t most = (size_t)s->plan->n_step * (size_t)l->n_mode_state * (size_t)s->model->n_jump;
    s->open = memory_zeroed(most, sizeof *s->open);
    s->open_at = memory_zeroed(most, sizeof *s->open_at);
    if (!s->first_open || !s->open || !s->open_at) return DUR_MEMORY;
    for (int32_t i = 0; i < s->plan->n_step; i++)
        for (int32_t a = 0; a < s->model->n_actor; a++)
            for (int64_t ms = 0; ms < l->n_mode_state; ms++) {
                s->first_open[setup_open(s, i, a, ms)] = (int32_t)n;
                for (int32_t k = s->first_move[a]; k < s->first_move[a + 1]; k++) {
                    int64_t at = s->plan->step[i].policy->where[s->move[k] * l->n_mode_state + ms];
                    if (at < 0) continue;
                    s->open[n] = s->move[k];
                    s->open_at[n++] = at;
                }
            }
    s->first_open[n_list] = (int32_t)n;
    return DUR_OK;
}

static DurStatus instants_make(Setup *s) {
    const Model *m = s->model;
    s->instant = memory_zeroed((size_t)s->plan->n_step + (size_t)m->n_jump, sizeof *s->instant);
    if (!s->instant) return DUR_MEMORY;
    for (int32_t i = 0; i < s->plan->n_step; i++)
        s->instant[s->n_instant++] = (Instant){.time = s->plan->step[i].start, .step = i, .jump = -1};
    for (int32_t j = 0; j < m->n_jump; j++)
        if (m->jump[j].kind == JUMP_DATED && m->jump[j].at >= 0)
            s->instant[s->n_instant++] = (Instant){.time = m->jump[j].at, .step = -1, .jump = j};
    // few and nearly sorted; insertion keeps the order of those at the same time
    for (int32_t i = 1; i < s->n_instant; i++) {
        Instant here = s->instant[i];
        int32_t k = i;
        for (; k > 0 && s->instant[k - 1].time > here.time; k--) s->instant[k] = s->instant[k - 1];
        s->instant[k] = here;
    }
    return DUR_OK;
}

static DurStatus meters_make(Setup *s, const int32_t *quantity, int32_t n_quantity, DurError *error) {
    const Model *m = s->model;
    s->meter = memory_zeroed((size_t)n_quantity, sizeof *s->meter);
    if (!s->meter) return DUR_MEMORY;
    s->n_meter = n_quantity;
    if (n_quantity) s->end = 0;
    for (int32_t i = 0; i < n_quantity; i++) {
        const ModelQuantity *q = &m->quantity[quantity[i]];
        if (q->kind == QUANTITY_LONG_RUN)
            return status_fail(error, DUR_INPUT, "`%s` is about the long run, which no run of finite length shows; ask for "
                               "it exactly", q->text);
        double to = q->to < INFINITY ? q->to : s->options->horizon;
        uint64_t reads = q->x == PROGRAM_NONE ? 0 : m->program[q->x].reads;
        if (q->until != PROGRAM_NONE) reads |= m->program[q->until].reads;
        // the mean over no time is the value
        QuantityKind kind = q->kind == QUANTITY_MEAN && !(q->from < to) ? QUANTITY_AT : q->kind;
        uint64_t noisy = 0;
        for (int32_t k = 0; k < s->n_moving; k++)
            if (s->level[s->moving[k]].noise != PROGRAM_NONE && reads >> (m->n_mode + s->moving[k]) & 1) noisy |= (uint64_t)1 << k;
        s->meter[i] = (Meter){.quantity = q, .kind = kind, .from = q->from, .to = to, .moves = reads & s->moving_mask, .noisy = noisy};
        s->end = fmax(s->end, to);
    }
    return DUR_OK;
}

static double size_of(Interval x) { return x.low <= x.high ? fmax(fabs(x.low), fabs(x.high)) : 0; }

// the largest power of two that keeps every stock's noise and drift small over a cell
static void cells_make(Setup *s) {
    const Model *m = s->model;
    Interval box[MODEL_VARIABLES_MAX];
    for (int32_t v = 0; v < m->n_mode; v++) box[v] = (Interval){0, m->mode[v].n_value - 1};
    for (int32_t k = 0; k < s->n_level; k++) box[m->n_mode + k] = (Interval){s->level[k].low, s->level[k].high};
    double most = CELL_MOST;
    for (int32_t k = 0; k < m->n_stock; k++) {
        const ModelStock *stock = &m->stock[k];
        double range = stock->high - stock->low;
        if (stock->noise == PROGRAM_NONE) continue;
        double noise = size_of(eval_bound(m, stock->noise, box, s->lattice->param, NULL)) / range, drift = 0;
        if (stock->drift != PROGRAM_NONE) drift = size_of(eval_bound(m, stock->drift, box, s->lattice->param, NULL)) / range;
        if (noise > 0) most = fmin(most, CELL_NOISE / noise * (CELL_NOISE / noise));
        if (drift > 0) most = fmin(most, CELL_DRIFT / drift);
    }
    s->cell = CELL_MOST;
    while (s->cell > most && s->cell > CELL_LEAST) s->cell /= 2;
}

DurStatus setup_shape(Setup *s, const Model *m, const double *time, int32_t n_time) {
    s->model = m;
    s->n_time = n_time;
    s->n_level = m->n_stock + m->n_belief;
    s->level = memory_zeroed((size_t)s->n_level, sizeof *s->level);
    s->value_base = memory_zeroed((size_t)m->n_mode, sizeof *s->value_base);
    s->time = memory_zeroed((size_t)n_time, sizeof *s->time);
    if (!s->level || !s->value_base || !s->time) return DUR_MEMORY;
    for (int32_t t = 0; t < n_time; t++) s->time[t] = time[t];
    for (int32_t i = 1; i < m->n_mode; i++) s->value_base[i] = s->value_base[i - 1] + m->mode[i - 1].n_value;
    for (int32_t k = 0; k < s->n_level; k++) {
        int32_t type, p = model_belief(m, m->n_mode + k, &type);
        s->level[k] = p < 0 ? m->stock[k]
                            : (ModelStock){.name = m->private[p].belief[type], .high = 1, .start = PROGRAM_NONE,
                                           .drift = PROGRAM_NONE, .noise = PROGRAM_NONE};
    }
    return DUR_OK;
}

DurStatus setup_make(Setup *s, const Lattice *lattice, const Plan *plan, const SimOptions *options, const int32_t *quantity,
                     int32_t n_quantity, double *out, const double *time, int32_t n_time, DurError *error) {
    const Model *m = lattice->model;
    *s = (Setup){.lattice = lattice, .plan = plan, .options = options, .end = options->horizon, .out = out,
                 .cell = INFINITY, .jumps_max = SIM_JUMPS_MAX, .rows_max = SIZE_MAX,
                 .tolerance = options->step_tolerance > 0 ? options->step_tolerance : STEP_TOLERANCE};
    if (!(options->horizon > 0) || !isfinite(options->horizon))
        return status_fail(error, DUR_INPUT, "runs need a horizon above 0, and one that ends");
    TRY(setup_shape(s, m, time, n_time));
    s->failure = memory_zeroed(1, sizeof *s->failure);
    s->halt = memory_zeroed(1, sizeof *s->halt);
    s->moving = memory_zeroed((size_t)s->n_level, sizeof *s->moving);
    if (!s->failure || !s->halt || !s->moving) return DUR_MEMORY;
    atomic_flag_clear(&s->failure->lock);
    atomic_init(&s->failure->run, INT64_MAX);
    s->failure->most = 1;
    atomic_init(s->halt, false);

    for (int32_t k = 0; k < s->n_level; k++) {
        int32_t type, p = model_belief(m, m->n_mode + k, &type);
        bool drifts = p < 0 ? s->level[k].drift != PROGRAM_NONE || s->level[k].noise != PROGRAM_NONE
                            : m->private[p].n_becomes > 0 || can_act(m, m->private[p].actor);
        if (!drifts) continue;
        s->moving[s->n_moving++] = k;
        s->moving_mask |= (uint64_t)1 << (m->n_mode + k);
        s->n_noisy += s->level[k].noise != PROGRAM_NONE;
    }
    if (s->n_noisy) cells_make(s);
    TRY(sources_make(s));
    TRY(open_make(s));
    TRY(instants_make(s));
    TRY(meters_make(s, quantity, n_quantity, error));
    // what steps are sure to be taken, and how many a run may take
    double step = m->clock == CLOCK_ROUNDS ? 1 : options->kind == SIM_CONTINUOUS && s->n_moving > 0 ? STEP_MAX : INFINITY;
    if (s->end / step > (double)SIM_TRIES_MAX)
        return status_fail(error, DUR_LIMIT, "runs of %g %ss are too long to be played: a step is %g %s at most, and a run can take %lld",
                           s->end, m->unit, step, m->unit, SIM_TRIES_MAX);
    if (s->end / s->cell > (double)UINT32_MAX)
        return status_fail(error, DUR_LIMIT, "runs of %g %s are too long for their noise, which needs steps of %g", s->end,
                           m->unit, s->cell);
    return DUR_OK;
}

void setup_free(Setup *s) {
    memory_free(s->meter);
    memory_free(s->instant);
    memory_free(s->open_at);
    memory_free(s->open);
    memory_free(s->first_open);
    memory_free(s->move);
    memory_free(s->first_move);
    memory_free(s->slot);
    memory_free(s->source);
    memory_free(s->time);
    memory_free(s->value_base);
    memory_free(s->moving);
    memory_free(s->level);
    memory_free(s->halt);
    memory_free(s->failure);
    *s = (Setup){0};
}
