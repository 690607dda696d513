#include "game/nest.h"

#include "base/memory.h"
#include "game/lagged.h"
#include "game/spots.h"
#include "game/sweep.h"

#include <math.h>
#include <string.h>

/// Lattices of fewer states are solved as they are.
#define STATES_FEW 3000
/// Coarser lattices, at most.
#define LEVELS_MOST 12
/// A coarser lattice has at most this part of the states.
#define WORTH_MOST 0.7
/// A stock keeps this many nodes; with private types two, since beliefs keep theirs and little would be left to make coarser.
#define NODES_LEAST 3
#define NODES_BARE  2
/// Two also where a lattice of three would have more states than this, on which the branch would take longer than all the rest.
#define STATES_MANY 100000
/// Residual to which coarser lattices are solved: what the grid leaves open is far more.
#define LEVEL_TOLERANCE 3e-4
/// The same with private types, where a few states can hold up a coarser lattice that is only to lead to the next.
#define LEVEL_TYPED 1e-3
/// Where linear systems may begin on coarser lattices (correction.h), levels of so many states do so too, and those of less than this part of all
/// states are solved to this until one of them has shown which stock is to keep its nodes: that shows when the rest is settled.
#define CORRECTED_STATES 10000
#define SMALL 0.1
#define SMALL_TOLERANCE 1e-8
/// Newton steps from one lattice to the next.
#define LEVEL_STEPS 30
#define LEVEL_SWEEPS 1500
/// With private types and this many values, a coarser lattice leads to where steps in time begin (spots.h, and lagged.h where that does not
/// end): so many, at most. On lattices of fewer values sweeps from nothing cost less.
#define LAGGED_STEPS 60
#define LAGGED_VALUES 2000000
/// What is held up on a coarser lattice is left there, from this residual on: steps in time begin from much farther.
#define LAGGED_ENOUGH 1e-2
/// Dimensions of their Krylov spaces.
#define WINDOW 60

static int32_t nodes_least(const Model *m) { return m->n_private ? NODES_BARE : NODES_LEAST; }

// about half the nodes of every stock but one, in place; what part of the states is left
static double halve(const Model *m, int32_t kept, int32_t least, int32_t *n_node) {
    double left = 1;
    for (int32_t v = m->n_mode; v < m->n_mode + m->n_stock; v++) {
        // values bend at every node of a belief: with fewer of them it is another game
        if (v == kept || n_node[v] <= least) continue;
        left *= (double)(n_node[v] / 2 + 1) / n_node[v];
        n_node[v] = n_node[v] / 2 + 1;
    }
    return left;
}

bool nest_coarser(const Lattice *l, int32_t kept, int32_t *n_node) {
    for (int32_t v = 0; v < l->n_variable; v++) n_node[v] = l->n_node[v];
    return halve(l->model, kept, nodes_least(l->model), n_node) < WORTH_MOST;
}

// the largest |x - what `from` says| over the largest |x|
static DurStatus moved(const Lattice *from, const double *coarse, const Lattice *to, const double *x, double *out) {
    double *row = memory_column(to->n_state), worst = 0, size = 0;
    if (!row) return DUR_MEMORY;
    DurStatus status = DUR_OK;
    for (int32_t a = 0; a < model_rows(to->model) && status == DUR_OK; a++) {
        status = lattice_carry(from, coarse + a * from->n_state, to, row);
        const double *now = x + a * to->n_state;
        for (int64_t i = 0; i < to->n_state; i++) {
            worst = fabs(now[i] - row[i]) > worst ? fabs(now[i] - row[i]) : worst;
            size = fabs(now[i]) > size ? fabs(now[i]) : size;
        }
    }
    memory_free(row);
    *out = size > 0 ? worst / size : 0;
    return status;
}

// Shifts of beliefs, which stand move by move and mode by mode: each laid out as a function of all states, carried, and cut out
static DurStatus carry_shifts(const Lattice *from, const double *x, const Lattice *to, double *y) {
    const Model *m = from->model;
    size_t n_entry = (size_t)m->n_jump * (size_t)from->n_mode_state;
    int64_t *at = memory_alloc(n_entry * sizeof *at), *there = memory_alloc(n_entry * sizeof *there);
    double *wide = memory_column(from->n_state), *row = memory_column(to->n_state);
    DurStatus status = at && there && wide && row ? DUR_OK : DUR_MEMORY;
    if (status == DUR_OK) {
        policy_shifts(from, at);
        policy_shifts(to, there);
    }
    for (int32_t j = 0; status == DUR_OK && j < m->n_jump; j++) {
        if (!model_is_signal(m, j)) continue;
        for (int32_t t = 1; status == DUR_OK && t < model_types(m, m->jump[j].actor); t++) {
            int64_t n = from->n_stock_state;
            for (int64_t ms = 0; ms < from->n_mode_state; ms++) {
                int64_t k = at[j * from->n_mode_state + ms];
                if (k < 0) memset(wide + ms * n, 0, (size_t)n * sizeof *wide);
                else       memcpy(wide + ms * n, x + k + (t - 1) * n, (size_t)n * sizeof *wide);
            }
            status = lattice_carry(from, wide, to, row);
            n = to->n_stock_state;
            for (int64_t ms = 0; status == DUR_OK && ms < to->n_mode_state; ms++) {
                int64_t k = there[j * to->n_mode_state + ms];
                if (k >= 0) memcpy(y + k + (t - 1) * n, row + ms * n, (size_t)n * sizeof *row);
            }
        }
    }
    memory_free(row);
    memory_free(wide);
    memory_free(there);
    memory_free(at);
    return status;
}

DurStatus nest_carry(const Lattice *from, const double *x, const Lattice *to, double *y) {
    int64_t n_row = model_rows(to->model);
    for (int64_t a = 0; a < n_row; a++) TRY(lattice_carry(from, x + a * from->n_state, to, y + a * to->n_state));
    return to->model->n_private ? carry_shifts(from, x + n_row * from->n_state, to, y + n_row * to->n_state) : DUR_OK;
}

double *nest_carried(const Lattice *from, const double *x, const Lattice *to) {
    double *y = memory_column(sweep_size(to));
    if (y && nest_carry(from, x, to, y) == DUR_OK) return y;
    memory_free(y);
    return NULL;
}

// what everyone does at these values
static DurStatus policy_of(Policy **out, const Lattice *l, const LatticeRule *rule, Team *team, const double *value) {
    DurError error = {0};
    TRY(policy_make(out, l, rule, &error));
    memcpy((*out)->value, value, (size_t)sweep_size(l) * sizeof *value);
    Sweep *sweep = sweep_make(l, rule, team);
    if (!sweep) {
        policy_free(*out);
        *out = NULL;
        return DUR_MEMORY;
    }
    sweep_fill_policy(sweep, *out);
    policy_learn(*out, true);
    sweep_free(sweep);
    return DUR_OK;
}

// Newton's method on one lattice from the solution on a coarser one; with private types on a large one steps in time
static DurStatus refine(NestResult *out, Krylov *k, const LatticeRule *rule, const Lattice *from, const double *coarse, double tolerance,
                        double enough, double *value, KrylovResult *end, bool *ok) {
    *ok = false;
    TRY(nest_carry(from, coarse, k->lattice, value));
    if (from->model->n_private && k->n > LAGGED_VALUES) {
        TRY(spots_solve(end, k, rule, tolerance, LAGGED_STEPS, value));
        if (!end->converged && !end->interrupted) {
            TRY(nest_carry(from, coarse, k->lattice, value));
            TRY(lagged_solve(end, k, tolerance, enough, LAGGED_STEPS, value));
        }
        out->n_lagged++;
        out->is_near = false;
        out->interrupted = end->interrupted;
        *ok = end->residual <= enough && !end->interrupted;
        return DUR_OK;
    }
    int64_t max_sweep = k->max_sweep;
    krylov_allow(k, LEVEL_SWEEPS, max_sweep);
    // with types a step that has to be shortened leads nowhere
    k->only_whole = from->model->n_private > 0;
    DurStatus status = krylov_solve(end, k, 1.0, tolerance, LEVEL_STEPS, value);
    if (status == DUR_OK && k->n_correction > 0 && !end->converged && !end->interrupted && !krylov_is_spent(k)) {
        // what corrections leave may be what sweeps are worst at
        krylov_uncorrect(k);
        status = nest_carry(from, coarse, k->lattice, value);
        if (status == DUR_OK) status = krylov_solve(end, k, 1.0, tolerance, LEVEL_STEPS, value);
    }
    k->only_whole = false;
    k->max_sweep = max_sweep;
    if (status != DUR_OK) return status;
    out->interrupted = end->interrupted;
    if (!end->converged) return DUR_OK;
    double by;
    TRY(moved(from, coarse, k->lattice, value, &by));
    out->is_near &= end->n_short == 0 && by <= NEST_MOVED_MOST;
    *ok = true;
    return DUR_OK;
}

// linear systems may begin on a coarser lattice, and do so from the first on where they did on the lattice before
static void begin_coarser(Krylov *k, bool is_slow, int32_t kept) {
    k->corrects = true;
    k->is_slow = is_slow;
    k->kept = kept;
}

DurStatus nest_aggregate(Krylov *krylov, const LatticeRule *rule, Team *team, const double *value) {
    const Lattice *l = krylov->lattice;
    const Model *m = l->model;
    if (!aggregate_pays(l)) return DUR_OK;
    int32_t n_node[MODEL_VARIABLES_MAX], fewer[MODEL_VARIABLES_MAX];
    memcpy(n_node, l->n_node, sizeof n_node);
    memcpy(fewer, n_node, sizeof fewer);
    double left = (double)l->n_state;
    for (double part; left > STATES_FEW && (part = halve(m, -1, nodes_least(m), fewer)) < WORTH_MOST; left *= part)
        memcpy(n_node, fewer, sizeof n_node);
    Lattice *coarse = NULL;
    DurError error = {0};
    // a node of a coarser lattice may be where an expression has no value
    if (lattice_make_grid(&coarse, m, l->param, n_node, &error) != DUR_OK) return DUR_OK;
    LatticeRule own = {.actor = -1};
    Policy *policy = NULL;
    DurStatus status = rule && rule->actor >= 0 ? lattice_rule_carry(&own, coarse, rule, &error) : DUR_OK;
    double *x = memory_column(sweep_size(coarse));
    if (status == DUR_OK && !x) status = DUR_MEMORY;
    if (status == DUR_OK) status = nest_carry(l, value, coarse, x);
    if (status == DUR_OK) status = policy_of(&policy, coarse, &own, team, x);
    if (status == DUR_OK) status = krylov_aggregate(krylov, policy);
    policy_free(policy);
    memory_free(x);
    if (own.actor >= 0) lattice_rule_free(&own);
    lattice_free(coarse);
    return status;
}

DurStatus nest_solve(NestResult *out, Krylov *krylov, const LatticeRule *rule, Team *team, double tolerance, NestFind find,
                     void *context, bool may_be_bare, double *value) {
    *out = (NestResult){.is_near = true};
    const Lattice *lattice = krylov->lattice;
    const Model *m = lattice->model;
    Lattice *level[LEVELS_MOST] = {0};
    DurStatus status = DUR_OK;
    double *x = NULL, *y = NULL;
    Krylov *k = NULL;
    bool corrects = correction_pays(lattice), is_slow = false;
    int32_t kept = -1;       // as the lattice before had it
    Policy *policy = NULL;   // on the coarsest
    int32_t n_level = 0;
    double level_tolerance = m->n_private ? LEVEL_TYPED : LEVEL_TOLERANCE;
    KrylovResult end = {0};

    // a coarser node may be where an expression has no value, though none of the lattice's own is: then there is no such level
    const Lattice *last = lattice;
    while (n_level < LEVELS_MOST && last->n_state > STATES_FEW) {
        int32_t n_node[MODEL_VARIABLES_MAX];
        DurError ignored = {0};
        bool is_bare = !nest_coarser(last, -1, n_node);
        if (is_bare && !(may_be_bare && last->n_state > STATES_MANY && halve(m, -1, NODES_BARE, n_node) < WORTH_MOST)) break;
        if (lattice_make_grid(&level[n_level], m, lattice->param, n_node, &ignored) != DUR_OK) break;
        out->is_bare |= is_bare;
        last = level[n_level++];
    }
    if (n_level == 0) goto done;
    out->coarsest = last->n_state;

    // the coarsest on its own, the others from the one before
    for (int32_t i = n_level - 1; i >= 0; i--) {
        const Lattice *l = level[i];
        LatticeRule own = {.actor = -1};
        DurError error = {0};
        if (rule && rule->actor >= 0) {
            status = lattice_rule_carry(&own, l, rule, &error);
            if (status != DUR_OK) goto done;
        }
        status = DUR_MEMORY;
        bool solved = false;
        y = memory_column(sweep_size(l));
        if (y && i == n_level - 1) {
            status = find(context, l, &own, level_tolerance, y, &solved, &out->interrupted);
        } else if (y) {
            // tables of tangents are made in one go
            if (progress_stop(krylov->progress)) status = DUR_INTERRUPTED;
            else k = krylov_make(l, &own, team, WINDOW, krylov->progress);
            if (k) k->limit = krylov_limit_on(krylov->limit - (int64_t)out->work, lattice, l);
            if (k) status = krylov_aggregate(k, policy);
            double wanted = level_tolerance;
            if (k && corrects && l->n_state >= CORRECTED_STATES) {
                begin_coarser(k, is_slow, kept);
                if (kept < 0 && (double)l->n_state < SMALL * (double)lattice->n_state) wanted = SMALL_TOLERANCE;
            }
            if (k && status == DUR_OK) status = refine(out, k, &own, level[i + 1], x, wanted, LAGGED_ENOUGH, y, &end, &solved);
            if (k) {
                is_slow = k->correction;
                kept = k->kept;
            }
            if (k) out->work += (double)krylov_spent(k) * (double)l->n_state / (double)lattice->n_state;
            krylov_free(k);
            k = NULL;
        }
        if (status == DUR_OK && solved && i == n_level - 1 && aggregate_pays(lattice))
            status = policy_of(&policy, l, &own, team, y);
        if (own.actor >= 0) lattice_rule_free(&own);
        memory_free(x);
        x = y;
        y = NULL;
        if (status != DUR_OK || !solved) goto done;
        // two nodes that led elsewhere are no guide
        if (out->is_bare && !out->is_near) goto done;
        out->n_level++;
    }
    // the levels' work is not counted by the lattice's own
    krylov->limit -= (int64_t)out->work;
    status = krylov_aggregate(krylov, policy);
    if (corrects) begin_coarser(krylov, is_slow, kept);
    if (status == DUR_OK) status = refine(out, krylov, rule, level[0], x, tolerance, tolerance, value, &end, &out->found);
    // the same where they were to lead here
    if (out->is_bare && n_level == 1 && !out->is_near) out->found = false;
    out->residual = end.residual;
    out->n_step += end.n_step;
    out->is_corrected = krylov->correction;
    out->kept = krylov->kept;
    krylov_uncorrect(krylov);

done:
    policy_free(policy);
    krylov_free(k);
    memory_free(y);
    memory_free(x);
    for (int32_t i = 0; i < n_level; i++) lattice_free(level[i]);
    if (status != DUR_INTERRUPTED) return status;
    out->interrupted = true;
    return DUR_OK;
}
