#include "check/uniformize.h"

#include "base/memory.h"
#include "lattice/round.h"

#include <assert.h>
#include <float.h>
#include <math.h>
#include <string.h>

/// Rows of a chain are laid out up to this many bytes, by their bound; beyond, tables are read anew at each application.
#define ROWS_BYTES 1.2e10

// ---- weights ----------------------------------------------------------------------------------------------

void poisson_free(PoissonWeights *weights) {
    if (!weights) return;
    memory_free(weights->weight);
    memory_free(weights->above);
    memory_free(weights->excess);
    *weights = (PoissonWeights){0};
}

/// How far one has to go from the mode in one direction until what lies beyond is at most `error`: counts to go, and
/// bounds on the sums beyond, in units of the mode's weight (every weight sum is at least 1 in that unit).
typedef struct Reach { int64_t n; double tail, excess; } Reach;

static Reach reach_up(double mean, int64_t mode, double error) {
    double w = 1;
    for (int64_t k = mode;; k++) {
        // beyond k the weights fall at least as fast as the powers of q
        double q = mean / (double)(k + 1);
        if (q < 1 && w * q / (1 - q) <= error) return (Reach){k - mode, w * q / (1 - q), w * q / ((1 - q) * (1 - q))};
        w *= q;
    }
}

static Reach reach_down(double mean, int64_t mode, double error) {
    double w = 1;
    for (int64_t k = mode;; k--) {
        double q = (double)k / mean;
        if (k == 0) return (Reach){mode, 0, 0};
        if (q < 1 && w * q / (1 - q) <= error) return (Reach){mode - k, w * q / (1 - q), 0};
        w *= q;
    }
}

DurStatus poisson_make(PoissonWeights *out, double mean, double error) {
    *out = (PoissonWeights){.mean = mean};
    assert(mean >= 0 && mean <= 2 * UNIFORMIZE_MEAN_MAX && error > 0);
    int64_t mode = (int64_t)mean;
    Reach up = reach_up(mean, mode, error / 2), down = mean > 0 ? reach_down(mean, mode, error / 2) : (Reach){0};
    out->first = mode - down.n;
    out->last  = mode + up.n;
    int64_t n = out->last - out->first + 1;
    out->weight = memory_column(n);
    out->above  = memory_column(n);
    out->excess = memory_column(n);
    if (!out->weight || !out->above || !out->excess) { poisson_free(out); return DUR_MEMORY; }

    // outward from the mode, where no weight can underflow before it has become negligible
    double *w = out->weight;
    w[down.n] = 1;
    for (int64_t i = down.n; i + 1 < n; i++) w[i + 1] = w[i] * (mean / (double)(out->first + i + 1));
    for (int64_t i = down.n; i > 0; i--)     w[i - 1] = w[i] * ((double)(out->first + i) / mean);

    // small ones first: from both ends inward
    double left = 0, right = 0;
    for (int64_t i = 0; i < down.n; i++) left += w[i];
    for (int64_t i = n - 1; i >= down.n; i--) right += w[i];
    double sum = left + right;
    for (int64_t i = 0; i < n; i++) w[i] /= sum;
    out->tail = (down.tail + up.tail) / sum;
    out->tail_excess = up.excess / sum;

    // E max(N - k, 0) = sum over j >= k of P(N > j)
    double above = 0, excess = 0;
    for (int64_t i = n - 1; i >= 0; i--) {
        excess += above;
        out->above[i] = above;
        out->excess[i] = excess;
        above += w[i];
    }
    return DUR_OK;
}

double poisson_above(const PoissonWeights *weights, int64_t k) {
    if (k < weights->first) return 1;
    return k >= weights->last ? 0 : weights->above[k - weights->first];
}

double poisson_excess(const PoissonWeights *weights, int64_t k) {
    if (k < weights->first) return weights->excess[0] + (double)(weights->first - k);
    return k >= weights->last ? 0 : weights->excess[k - weights->first];
}

// ---- columns ----------------------------------------------------------------------------------------------

void evolution_free(Evolution *e) {
    if (!e) return;
    chain_rows_free(e->rows);
    memory_free(e->value);
    memory_free(e->reward);
    memory_free(e->hold);
    memory_free(e->power);
    memory_free(e->next);
    memory_free(e->low);
    memory_free(e->high);
    memory_free(e->low_value);
    memory_free(e->high_value);
    *e = (Evolution){0};
}

DurStatus evolution_make(Evolution *out, const Lattice *lattice, bool has_reward, bool has_hold, Team *team,
                         const Progress *progress) {
    int64_t n = lattice->n_state, n_chunk = (n + EVOLUTION_CHUNK - 1) / EVOLUTION_CHUNK;
    Evolution *e = out;
    *e = (Evolution){.lattice = lattice, .team = team, .progress = progress, .n_state = n, .n_chunk = n_chunk};
    e->value = memory_column(n);
    e->power = memory_column(n);
    e->next  = memory_column(n);
    e->low   = memory_column(n_chunk);
    e->high  = memory_column(n_chunk);
    e->low_value  = memory_column(n_chunk);
    e->high_value = memory_column(n_chunk);
    if (!e->value || !e->power || !e->next || !e->low || !e->high || !e->low_value || !e->high_value) goto fail;
    if (has_reward && !(e->reward = memory_column(n))) goto fail;
    if (has_hold && !(e->hold = memory_zeroed((size_t)n, 1))) goto fail;
    return DUR_OK;

fail:
    evolution_free(e);
    return DUR_MEMORY;
}

double evolution_bytes(const Lattice *lattice, bool has_reward, bool has_hold) {
    double rows = chain_rows_most(lattice);
    return (double)lattice->n_state * (8.0 * (3 + (has_reward ? 1 : 0)) + (has_hold ? 1 : 0)) + (rows <= ROWS_BYTES ? rows : 0);
}

double chain_rounding(const Lattice *lattice) {
    const Model *model = lattice->model;
    if (model->clock == CLOCK_ROUNDS) return round_rounding(lattice);
    // a sum over the ways out, each a product of a few factors, relative to Lambda times the function's span
    double ways = 2.0 * (double)model->n_stock + (model->n_private ? 8.0 : 4.0) * (double)model->n_jump;
    for (int32_t p = 0; p < model->n_private; p++) ways += 2.0 * model->private[p].n_type * model->private[p].n_type;
    return (16.0 + ways) * (DBL_EPSILON / 2);
}

// ---- passes over the states -------------------------------------------------------------------------------

typedef struct Pass {
    Evolution *e;
    const double *reward;     // NULL: none
    const uint8_t *hold;      // NULL: none
    double per_rate;          // 1/Lambda
    double weight;            // of the new power
    double shift;             // finish: added where not held
} Pass;

static int64_t chunk_end(const Evolution *e, int64_t chunk) {
    int64_t end = (chunk + 1) * EVOLUTION_CHUNK;
    return end < e->n_state ? end : e->n_state;
}

/// Least and largest of a column, and of a reward.
static void measure(void *context, int64_t chunk, int worker) {
    (void)worker;
    Pass *pass = context;
    Evolution *e = pass->e;
    double low = INFINITY, high = -INFINITY, low_reward = INFINITY, high_reward = -INFINITY;
    for (int64_t i = chunk * EVOLUTION_CHUNK; i < chunk_end(e, chunk); i++) {
        low  = e->value[i] < low ? e->value[i] : low;
        high = e->value[i] > high ? e->value[i] : high;
        if (pass->reward) {
            low_reward  = pass->reward[i] < low_reward ? pass->reward[i] : low_reward;
            high_reward = pass->reward[i] > high_reward ? pass->reward[i] : high_reward;
        }
    }
    e->low_value[chunk] = low;
    e->high_value[chunk] = high;
    e->low[chunk] = low_reward;
    e->high[chunk] = high_reward;
}

/// power <- value, value <- weight * value: the term of no jump.
static void begin(void *context, int64_t chunk, int worker) {
    (void)worker;
    Pass *pass = context;
    Evolution *e = pass->e;
    for (int64_t i = chunk * EVOLUTION_CHUNK; i < chunk_end(e, chunk); i++) {
        e->power[i] = e->value[i];
        e->value[i] *= pass->weight;
    }
}

/// power <- P power + reward/Lambda; value += weight * power. Notes the range of what changed, and of the new power.
static void advance(void *context, int64_t chunk, int worker) {
    (void)worker;
    Pass *pass = context;
    Evolution *e = pass->e;
    int64_t first = chunk * EVOLUTION_CHUNK, n = chunk_end(e, chunk) - first;
    double *restrict value = e->value + first, *restrict power = e->power + first, *restrict next = e->next + first;
    double per_rate = pass->per_rate, weight = pass->weight;

    // the change
    if (pass->reward) {
        const double *restrict reward = pass->reward + first;
        for (int64_t i = 0; i < n; i++) next[i] = (next[i] + reward[i]) * per_rate;
    } else {
        for (int64_t i = 0; i < n; i++) next[i] *= per_rate;
    }
    if (pass->hold) {
        const uint8_t *restrict hold = pass->hold + first;
        for (int64_t i = 0; i < n; i++) next[i] = hold[i] ? 0.0 : next[i];
    }

    double low = INFINITY, high = -INFINITY, low_value = INFINITY, high_value = -INFINITY;
    for (int64_t i = 0; i < n; i++) {
        double change = next[i], now = power[i] + change;
        low  = change < low ? change : low;
        high = change > high ? change : high;
        low_value  = now < low_value ? now : low_value;
        high_value = now > high_value ? now : high_value;
        power[i] = now;
        value[i] += weight * now;
    }
    e->low[chunk] = low;
    e->high[chunk] = high;
    e->low_value[chunk] = low_value;
    e->high_value[chunk] = high_value;
}

/// value += weight * power, and `shift` more where nothing is held: all that is left, at once.
static void finish(void *context, int64_t chunk, int worker) {
    (void)worker;
    Pass *pass = context;
    Evolution *e = pass->e;
    for (int64_t i = chunk * EVOLUTION_CHUNK; i < chunk_end(e, chunk); i++) {
        double shift = pass->hold && pass->hold[i] ? 0.0 : pass->shift;
        e->value[i] += pass->weight * e->power[i] + shift;
    }
}

/// value += (reward) * shift where nothing is held: a stretch in which nothing moves.
static void stand_still(void *context, int64_t chunk, int worker) {
    (void)worker;
    Pass *pass = context;
    Evolution *e = pass->e;
    for (int64_t i = chunk * EVOLUTION_CHUNK; i < chunk_end(e, chunk); i++)
        if (!(pass->hold && pass->hold[i])) e->value[i] += pass->reward[i] * pass->shift;
}

static void range_of(const double *low, const double *high, int64_t n, double *least, double *most) {
    *least = INFINITY;
    *most = -INFINITY;
    for (int64_t i = 0; i < n; i++) {
        if (low[i] < *least) *least = low[i];
        if (high[i] > *most) *most = high[i];
    }
}

/// Largest rate of leaving a state that is not held.
static DurStatus largest_rate(Evolution *e, const Policy *policy, const ChainRows *rows, const uint8_t *hold, double *out) {
    double most = 0;
    if (rows) most = chain_rows_leave(rows, e->next);
    else TRY(chain_exit_rates(policy, e->next, &most, e->team));
    if (hold) {
        most = 0;
        for (int64_t i = 0; i < e->n_state; i++)
            if (!hold[i] && e->next[i] > most) most = e->next[i];
    }
    *out = most;
    return DUR_OK;
}

/// The policy's rows, kept with it or, where they are large, here; NULL where tables are read anew at each application.
static DurStatus rows_of(Evolution *e, const Policy *policy, const ChainRows **out) {
    *out = e->rows;
    if (e->laid == policy) return DUR_OK;
    TRY(chain_rows(out, policy, e->team, e->progress));
    if (*out || chain_rows_most(e->lattice) > ROWS_BYTES) return DUR_OK;
    e->laid = NULL;
    TRY(chain_rows_lay(&e->rows, policy, -1, 0, e->team, e->progress));
    e->laid = policy;
    *out = e->rows;
    return DUR_OK;
}

/// Tell how far it is, ten times a second at most.
static void tell(Evolution *e, double part) {
    double now = progress_seconds();
    if (now - e->told < 0.1) return;
    e->told = now;
    progress_tell(e->progress, "exact answer", e->done + part, e->total, "");
}

DurStatus uniformize(Evolution *e, const Policy *policy, bool use_reward, bool use_hold, double duration,
                     double budget, DurError *error) {
    if (duration <= 0) return DUR_OK;
    Pass pass = {.e = e, .reward = use_reward ? e->reward : NULL, .hold = use_hold ? e->hold : NULL};
    assert((!use_reward || e->reward) && (!use_hold || e->hold));

    const ChainRows *rows;
    double rate;
    DurStatus laid = rows_of(e, policy, &rows);
    if (laid == DUR_INTERRUPTED) return status_fail(error, laid, "the exact answer was interrupted");
    TRY(laid);
    TRY(largest_rate(e, policy, rows, pass.hold, &rate));
    if (rate * duration > UNIFORMIZE_MEAN_MAX)
        return status_fail(error, DUR_LIMIT, "an exact answer over %g units of time needs %.3g steps, more than the "
                           "limit of %.3g: the fastest change happens %.3g times a unit", duration, rate * duration,
                           UNIFORMIZE_MEAN_MAX, rate);

    // the span of function and reward: leaving out a share of the weight costs at most that share of the span
    double low, high, low_reward = 0, high_reward = 0;
    team_run(e->team, measure, &pass, e->n_chunk);
    range_of(e->low_value, e->high_value, e->n_chunk, &low, &high);
    if (pass.reward) range_of(e->low, e->high, e->n_chunk, &low_reward, &high_reward);
    double most_reward = fmax(fabs(low_reward), fabs(high_reward));
    if (rate == 0) {
        pass.shift = duration;
        if (pass.reward) team_run(e->team, stand_still, &pass, e->n_chunk);
        e->done += duration;
        return DUR_OK;
    }
    double span = (high - low) + 2 * most_reward * duration;
    double share = span > 0 ? fmin(0.01, budget / (8 * span)) : 0.01;
    PoissonWeights weights;
    TRY(poisson_make(&weights, rate * duration, fmax(share, 1e-290)));

    DurStatus status = DUR_OK;
    pass.per_rate = 1 / rate;
    pass.weight = weights.first == 0 ? weights.weight[0] : 0;
    team_run(e->team, begin, &pass, e->n_chunk);
    double left_out = weights.tail * (span + 2 * most_reward * (double)weights.last / rate)
                    + 2 * weights.tail_excess * most_reward / rate;
    double largest = fmax(fabs(low), fabs(high)) + most_reward * duration;
    int64_t k = 0;
    while (k < weights.last) {
        status = chain_apply_by(rows, policy, e->power, e->next, e->team);
        if (status != DUR_OK) goto out;
        k++;
        pass.weight = k >= weights.first ? weights.weight[k - weights.first] : 0;
        team_run(e->team, advance, &pass, e->n_chunk);
        e->n_apply++;

        // what is still to come lies between its least and most possible: stop when that is close enough
        double least, most, low_power, high_power;
        range_of(e->low, e->high, e->n_chunk, &least, &most);
        range_of(e->low_value, e->high_value, e->n_chunk, &low_power, &high_power);
        double excess = poisson_excess(&weights, k), above = poisson_above(&weights, k);
        double by_change = excess * (most - least) / 2;
        double by_range  = pass.reward ? INFINITY : above * (high_power - low_power);
        if (fmin(by_change, by_range) <= budget / 2) {
            bool change = by_change <= by_range;
            pass.weight = above;
            pass.shift = change ? excess * (least + most) / 2 : 0;
            if (above > 0) team_run(e->team, finish, &pass, e->n_chunk);
            left_out += change ? by_change : by_range;
            break;
        }
        tell(e, duration * (double)k / (double)weights.last);
        if (progress_stop(e->progress)) {
            status = status_fail(error, DUR_INTERRUPTED, "the exact answer was interrupted");
            goto out;
        }
    }
    e->error += left_out + (double)(k + 8) * chain_rounding(e->lattice) * largest;
    e->done += duration;

out:
    poisson_free(&weights);
    return status;
}
