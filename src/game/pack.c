#include "game/pack.h"

#include "base/memory.h"
#include "game/sweep.h"

#include <string.h>

/// One step more whenever the bytes change.
#define PACK_VERSION 3

// numbers and texts of a solution, in a shape without pointers; zeroed before it is filled, so that gaps are the same bytes too
typedef struct Head {
    int32_t version, verdict, is_principal, n_step, n_fold, n_row, n_jump, n_actor, is_unsettled, unused;
    int64_t n_value, n_entry, n_sweep, n_take, n_byte;
    double  residual, consistency, reached, seconds, certificate_seconds;
    char    note[sizeof ((GameSolution){0}).note], how[sizeof ((GameSolution){0}).how];
} Head;

static bool is_rounds(const Lattice *l) { return l->model->clock == CLOCK_ROUNDS; }

// values, and with private types the shifts that choices were answered with, from which choices and what these tell follow again;
// in rounds choices are unknowns of their own
static int64_t value_count(const Lattice *l) { return model_rows(l->model) * l->n_state; }
static int64_t shift_count(const Lattice *l) { return is_rounds(l) ? 0 : sweep_size(l) - value_count(l); }

static void put(Text *out, const void *data, int64_t n, size_t each) { text_append_n(out, data, (size_t)n * each); }
static void put_numbers(Text *out, const double *x, int64_t n) { put(out, x, n, sizeof *x); }

size_t game_pack_bytes(const GameSolution *g) {
    const Lattice *l = g->policy->lattice;
    int64_t n = 2 * model_rows(l->model) + l->model->n_jump + l->model->n_actor + value_count(l) + shift_count(l);
    if (is_rounds(l)) n += 2 * g->policy->n_entry;
    return sizeof(Head) + (size_t)n * sizeof(double);
}

void game_pack(Text *out, const GameSolution *g) {
    const Policy *p = g->policy;
    const Model *m = p->lattice->model;
    Head head;
    memset(&head, 0, sizeof head);
    head.version = PACK_VERSION;
    head.verdict = (int32_t)g->verdict;
    head.is_principal = g->is_principal;
    head.n_step = g->n_step;
    head.n_fold = g->n_fold;
    head.n_row = model_rows(m);
    head.n_jump = m->n_jump;
    head.n_actor = m->n_actor;
    head.n_value = value_count(p->lattice);
    head.n_entry = p->n_entry;
    head.n_sweep = g->n_sweep;
    head.n_take = g->n_take;
    head.n_byte = g->n_byte;
    head.residual = g->certificate.residual;
    head.consistency = g->certificate.consistency;
    head.is_unsettled = g->certificate.is_unsettled;
    head.reached = g->reached;
    head.seconds = g->seconds;
    head.certificate_seconds = g->certificate_seconds;
    strcpy(head.note, g->note);
    strcpy(head.how, g->how);
    text_reserve(out, out->length + game_pack_bytes(g));
    put(out, &head, 1, sizeof head);
    put_numbers(out, g->certificate.regret, head.n_row);
    put_numbers(out, g->value_start, head.n_row);
    put_numbers(out, g->choice_start, head.n_jump);
    put_numbers(out, g->wait_start, head.n_actor);
    put_numbers(out, p->value, head.n_value);
    put_numbers(out, g->answered, shift_count(p->lattice));
    if (!is_rounds(p->lattice)) return;
    put_numbers(out, p->advantage, p->n_entry);
    put_numbers(out, p->probability, p->n_entry);
}

/// What is left to read.
typedef struct Rest {
    const char *at;
    size_t n;
    bool   failed;
} Rest;

static void take(Rest *rest, void *to, int64_t n, size_t each) {
    size_t n_byte = (size_t)n * each;
    rest->failed = rest->failed || n < 0 || n_byte > rest->n;
    if (rest->failed) return;
    if (n_byte) memcpy(to, rest->at, n_byte);
    rest->at += n_byte;
    rest->n -= n_byte;
}

static void take_numbers(Rest *rest, double *to, int64_t n) { take(rest, to, n, sizeof *to); }

static DurStatus refuse(DurError *error) { return status_fail(error, DUR_SHAPE, "these bytes are no solution of this game"); }

// what everyone does at these values
static DurStatus choose(Policy *p, const LatticeRule *rule, Team *team, DurError *error) {
    Sweep *sweep = sweep_make(p->lattice, rule, team);
    if (!sweep) return status_fail(error, DUR_MEMORY, "out of memory for a solution that was kept");
    sweep_fill_policy(sweep, p);
    sweep_free(sweep);
    policy_learn(p, true);
    return DUR_OK;
}

static DurStatus unpack(GameSolution *out, const Lattice *l, const LatticeRule *rule, Team *team, Rest *rest, DurError *error) {
    const Model *m = l->model;
    Head head;
    take(rest, &head, 1, sizeof head);
    if (rest->failed || head.version != PACK_VERSION || head.n_row != model_rows(m) || head.n_jump != m->n_jump ||
        head.n_actor != m->n_actor || head.n_value != value_count(l))
        return refuse(error);
    out->certificate.regret = memory_column(head.n_row);
    out->value_start = memory_column(head.n_row);
    out->choice_start = memory_column(head.n_jump);
    out->wait_start = memory_column(head.n_actor);
    if (!out->certificate.regret || !out->value_start || !out->choice_start || !out->wait_start)
        return status_fail(error, DUR_MEMORY, "out of memory for a solution that was kept");
    TRY(policy_make(&out->policy, l, rule, error));
    Policy *p = out->policy;
    if (p->n_entry != head.n_entry) return refuse(error);
    out->verdict = (GameVerdict)head.verdict;
    out->is_principal = head.is_principal;
    out->n_step = head.n_step;
    out->n_fold = head.n_fold;
    out->n_sweep = head.n_sweep;
    out->n_take = head.n_take;
    out->n_byte = head.n_byte;
    out->certificate.residual = head.residual;
    out->certificate.consistency = head.consistency;
    out->certificate.is_unsettled = head.is_unsettled;
    out->reached = head.reached;
    out->seconds = head.seconds;
    out->certificate_seconds = head.certificate_seconds;
    memcpy(out->note, head.note, sizeof out->note);
    memcpy(out->how, head.how, sizeof out->how);
    take_numbers(rest, out->certificate.regret, head.n_row);
    take_numbers(rest, out->value_start, head.n_row);
    take_numbers(rest, out->choice_start, head.n_jump);
    take_numbers(rest, out->wait_start, head.n_actor);
    take_numbers(rest, p->value, head.n_value);
    if (shift_count(l) > 0) {
        out->answered = memory_column(shift_count(l));
        if (!out->answered) return status_fail(error, DUR_MEMORY, "out of memory for a solution that was kept");
        take_numbers(rest, out->answered, shift_count(l));
        if (!rest->failed) memcpy(p->value + value_count(l), out->answered, (size_t)shift_count(l) * sizeof *p->value);
    }
    if (is_rounds(l)) {
        take_numbers(rest, p->advantage, p->n_entry);
        take_numbers(rest, p->probability, p->n_entry);
    }
    if (rest->failed || rest->n) return refuse(error);
    return is_rounds(l) ? DUR_OK : choose(p, rule, team, error);
}

DurStatus game_unpack(GameSolution *out, const Lattice *l, const LatticeRule *rule, Team *team, const char *data, size_t n,
                      DurError *error) {
    Rest rest = {data, n, false};
    *out = (GameSolution){0};
    DurStatus status = unpack(out, l, rule, team, &rest, error);
    if (status != DUR_OK) game_free(out);
    return status;
}

// ---- lists of equilibria ------------------------------------------------------------------------------------------

typedef struct ListHead {
    int32_t version, n, n_start, n_between, n_branch, n_missed;
    int64_t n_state, n_value;
    double  seconds;
} ListHead;

typedef struct ItemHead {
    double  residual, growth;
    int32_t is_given, is_left, n_start, unused;
} ItemHead;

void game_equilibria_pack(Text *out, const GameEquilibria *list, const Lattice *l, int64_t n_value) {
    const Model *m = l->model;
    ListHead head;
    memset(&head, 0, sizeof head);
    head.version = PACK_VERSION;
    head.n = list->n;
    head.n_start = list->n_start;
    head.n_between = list->n_between;
    head.n_branch = list->n_branch;
    head.n_missed = list->n_missed;
    head.n_state = list->n_state;
    head.n_value = n_value;
    head.seconds = list->seconds;
    put(out, &head, 1, sizeof head);
    for (const GameEquilibrium *e = list->item; e < list->item + list->n; e++) {
        ItemHead item = {.residual = e->residual, .growth = e->growth, .is_given = e->is_given, .is_left = e->is_left,
                         .n_start = e->n_start};
        put(out, &item, 1, sizeof item);
        put_numbers(out, e->value_start, model_rows(m));
        put_numbers(out, e->choice_start, m->n_jump);
        put_numbers(out, e->wait_start, m->n_actor);
        put_numbers(out, e->value, n_value);
    }
}

DurStatus game_equilibria_unpack(GameEquilibria *out, const Lattice *l, int64_t n_value, const char *data, size_t n,
                                 DurError *error) {
    const Model *m = l->model;
    Rest rest = {data, n, false};
    ListHead head;
    *out = (GameEquilibria){0};
    take(&rest, &head, 1, sizeof head);
    if (rest.failed || head.version != PACK_VERSION || head.n < 0 || head.n_value != n_value) return refuse(error);
    out->item = memory_zeroed((size_t)head.n + 1, sizeof *out->item);
    DurStatus status = out->item ? DUR_OK : DUR_MEMORY;
    for (; status == DUR_OK && out->n < head.n; ) {
        ItemHead item = {0};
        GameEquilibrium *e = &out->item[out->n++];
        take(&rest, &item, 1, sizeof item);
        *e = (GameEquilibrium){.residual = item.residual, .growth = item.growth, .is_given = item.is_given,
                               .is_left = item.is_left, .n_start = item.n_start,
                               .value = memory_column(n_value), .value_start = memory_column(model_rows(m)),
                               .choice_start = memory_column(m->n_jump), .wait_start = memory_column(m->n_actor)};
        if (!e->value || !e->value_start || !e->choice_start || !e->wait_start) status = DUR_MEMORY;
        if (status != DUR_OK) break;
        take_numbers(&rest, e->value_start, model_rows(m));
        take_numbers(&rest, e->choice_start, m->n_jump);
        take_numbers(&rest, e->wait_start, m->n_actor);
        take_numbers(&rest, e->value, n_value);
    }
    out->n_start = head.n_start;
    out->n_between = head.n_between;
    out->n_branch = head.n_branch;
    out->n_missed = head.n_missed;
    out->n_state = head.n_state;
    out->seconds = head.seconds;
    if (status == DUR_OK && (rest.failed || rest.n)) status = DUR_SHAPE;
    if (status == DUR_OK) return DUR_OK;
    game_equilibria_free(out);
    return status == DUR_MEMORY ? status_fail(error, status, "out of memory for equilibria that were kept") : refuse(error);
}
