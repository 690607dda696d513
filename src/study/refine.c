#include "study/refine.h"

#include "base/memory.h"
#include "check/verdict.h"
#include "num/linear.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/// A difference that moves by less than this part of itself is far from turning.
#define STEADY 0.1
/// How far the observed order may be from 1 for the extrapolation to be trusted.
#define ORDER_SLACK 0.5
/// What a solve's own tolerance may make of an answer, relative to its size: residuals are of equations in which values
/// are multiplied by rates of discount.
#define SOLVE_NOISE 1e-7
/// A move this many times its noise is one.
#define MOVE_LEAST 10.0

/// One solve at one choice of grids.
typedef struct Level {
    int32_t n_node[MODEL_VARIABLES_MAX];
    double  n_state, n_byte;
    bool    is_done;
    CheckAnswer *row;            // [n_row]
    CheckVerdict *verdict;       // [n_claim]
    char    note[256];           // why it was not done
} Level;

static void level_free(Level *l) {
    memory_free(l->row);
    memory_free(l->verdict);
    l->row = NULL;
    l->verdict = NULL;
}

typedef struct Work {
    DurScenario *s;
    DurOptions options;          // exact, the chain itself
    Refinement *out;
    double  bytes_per_state;     // that solving and judging keep beside the tables
    int32_t n_level, i_level;    // for the progress line
} Work;

void refinement_free(Refinement *r) {
    for (int32_t k = 0; r->row && k < r->n_row; k++) memory_free(r->row[k].alone);
    memory_free(r->row);
    memory_free(r->stock);
    memory_free(r->grid);
    memory_free(r->kept);
    memory_free(r->verdict);
    memory_free(r->claim_note);
    *r = (Refinement){0};
}

// ---- what is looked at ------------------------------------------------------------------------------------------

// the first quantity that says the same, so that each is told once
static int32_t first_alike(const Model *m, int32_t quantity) {
    int32_t q = 0;
    while (strcmp(m->quantity[q].text, m->quantity[quantity].text) != 0) q++;
    return q;
}

// a belief over more than two types is one axis for several variables
static const char *axis_name(const Model *m, int32_t v) {
    int32_t type, p = model_belief(m, v, &type);
    return p >= 0 && m->private[p].n_type > 2 ? m->private[p].name : model_variable_name(m, v);
}

static void mark_quantities(const Model *m, ProgramId program, bool *wanted) {
    const Program *p = &m->program[program];
    for (int32_t k = p->first; k < p->first + p->n_op; k++)
        if (m->op[k].code == OP_QUANTITY) wanted[first_alike(m, m->op[k].a)] = true;
}

static DurStatus make_rows(Refinement *out, const Model *m, DurError *error) {
    for (int32_t v = m->n_mode; v < model_variables(m); v++) out->n_stock += lattice_has_axis(m, v);
    out->n_claim = m->n_claim;
    bool *wanted = memory_zeroed((size_t)m->n_quantity, sizeof *wanted);
    out->row = memory_zeroed((size_t)(model_rows(m) + m->n_quantity + m->n_claim), sizeof *out->row);
    out->stock = memory_zeroed((size_t)out->n_stock, sizeof *out->stock);
    out->grid = memory_zeroed((size_t)m->n_claim, sizeof *out->grid);
    out->kept = memory_zeroed((size_t)m->n_claim, sizeof *out->kept);
    out->verdict = memory_zeroed(3 * (size_t)m->n_claim, sizeof *out->verdict);
    out->claim_note = memory_zeroed((size_t)m->n_claim, REFINE_NOTE);
    bool made = wanted && out->row && out->stock && out->grid && out->kept && out->verdict && out->claim_note;
    for (int32_t c = 0; made && c < m->n_claim; c++) {
        mark_quantities(m, m->claim[c].left, wanted);
        mark_quantities(m, m->claim[c].right, wanted);
    }
    for (int32_t a = 0; made && a < model_rows(m); a++) out->row[out->n_row++] = (RefineRow){.kind = REFINE_VALUE, .which = a};
    for (int32_t q = 0; made && q < m->n_quantity; q++)
        if (wanted[q]) out->row[out->n_row++] = (RefineRow){.kind = REFINE_QUANTITY, .which = q};
    for (int32_t c = 0; made && c < m->n_claim; c++) out->row[out->n_row++] = (RefineRow){.kind = REFINE_GAP, .which = c};
    for (int32_t k = 0; made && k < out->n_row; k++) {
        out->row[k].alone = memory_column(out->n_stock);
        made = out->row[k].alone != NULL;
        for (int32_t i = 0; made && i < out->n_stock; i++) out->row[k].alone[i] = NAN;
    }
    memory_free(wanted);
    return made ? DUR_OK : status_fail(error, DUR_MEMORY, "out of memory");
}

// bytes that the solves and the exact answers of all claims keep for one state, measured on the lattice as written
static double bytes_per_state(const DurScenario *s, const Refinement *out) {
    const Model *m = s->model;
    const Lattice *l = s->session.lattice;
    double exact = 0;
    int32_t n_phase = 0;
    for (int32_t k = 0; k < out->n_row; k++)
        if (out->row[k].kind == REFINE_QUANTITY) exact = fmax(exact, check_exact_bytes(l, out->row[k].which));
    for (int32_t p = 0; p < m->n_policy; p++) n_phase += m->policy[p].n_phase;
    // values to start from are carried over beside the solver's own
    double warm = 8.0 * model_rows(m) * (double)l->n_state;
    return (game_bytes(l) + n_phase * policy_bytes(l) + exact + warm) / (double)l->n_state;
}

static void size_level(const Work *w, Level *level) {
    LatticeSize size = lattice_size_grid(w->s->model, level->n_node);
    level->n_state = size.n_state;
    level->n_byte = size.table_bytes + w->bytes_per_state * size.n_state;
}

// within the caller's limit and the machine's memory; else `note` says why not
static bool is_affordable(const Work *w, Level *level) {
    double there = (double)memory_available();
    Text why = {0};
    if (level->n_state > (double)w->out->limit) {
        text_number(&why, level->n_state, 15);
        text_append(&why, " states, and the limit is ");
        text_number(&why, (double)w->out->limit, 15);
        text_append(&why, " (--states)");
    } else if (there > 0 && level->n_byte > there) {
        put_bytes(&why, level->n_byte);
        text_append(&why, " of memory, and ");
        put_bytes(&why, there);
        text_append(&why, " are free");
    }
    snprintf(level->note, sizeof level->note, "%s", text_view(&why));
    text_free(&why);
    return level->note[0] == '\0';
}

// ---- one level --------------------------------------------------------------------------------------------------

static DurStatus measure(Work *w, Level *level, bool is_written, DurError *error) {
    DurScenario *s = w->s;
    const Model *m = s->model;
    Refinement *out = w->out;
    TRY(study_equilibrium(s, false, error));
    TRY(study_unmet(s, error));
    ClaimAnswers claims;
    TRY(claims_judge(&claims, s, &w->options, error));
    // finer grids start from all that is solved here
    DurStatus status = claims_ready(s, &claims, error);
    for (int32_t k = 0; k < out->n_row && status == DUR_OK; k++) {
        RefineRow *row = &out->row[k];
        CheckAnswer *a = &level->row[k];
        if (row->kind == REFINE_VALUE) {
            const GameSolution *g = &s->session.equilibrium;
            double value = g->value_start[row->which];
            int64_t n_state = s->session.lattice->n_state;
            if (is_written) row->size = vector_sup(g->policy->value + row->which * n_state, n_state);
            *a = (CheckAnswer){.value = value, .low = value, .high = value, .method = CHECK_EXACT, .confidence = 1};
        } else if (row->kind == REFINE_QUANTITY) {
            DurError why = {0};
            status = study_quantity(a, s, &w->options, row->which, &why);
            // what cannot be had is what its claims say already
            if (status == DUR_INPUT || status == DUR_UNMET || status == DUR_UNSUPPORTED) {
                *a = (CheckAnswer){.value = NAN, .low = NAN, .high = NAN};
                status = DUR_OK;
            }
            if (status != DUR_OK) status_fail(error, status, "%s: %s", m->quantity[row->which].text, why.text);
        } else {
            const ClaimAnswer *answer = &claims.item[row->which];
            *a = answer->found.gap;
            level->verdict[row->which] = answer->found.verdict;
            if (answer->status != DUR_OK && out->claim_note[row->which * REFINE_NOTE] == '\0')
                snprintf(&out->claim_note[row->which * REFINE_NOTE], REFINE_NOTE, "%.*s", REFINE_NOTE - 1, answer->note);
            if (is_written) row->size = fmax(fabs(answer->found.left.value), fabs(answer->found.right.value));
        }
    }
    claims_free(&claims);
    return status;
}

static DurStatus make_level(const Work *w, Level *level, DurError *error) {
    level->row = memory_zeroed((size_t)w->out->n_row, sizeof *level->row);
    level->verdict = memory_zeroed((size_t)w->out->n_claim, sizeof *level->verdict);
    return level->row && level->verdict ? DUR_OK : status_fail(error, DUR_MEMORY, "out of memory");
}

// solve and measure at other grids, from the solutions of `from`; the session is handed to `keep` unless that is NULL.
// A level that misses its tolerance or its memory is noted and not done
static DurStatus run_level(Work *w, Level *level, const Session *from, const char *stage, Session *keep, DurError *error) {
    DurScenario *s = w->s;
    Text size = {0};
    text_number(&size, level->n_state, 15);
    text_append(&size, " states, ");
    put_bytes(&size, level->n_byte);
    progress_tell(&s->progress, stage, w->i_level, w->n_level, text_view(&size));
    text_free(&size);
    w->i_level++;
    w->out->n_byte = fmax(w->out->n_byte, level->n_byte);

    Session before = s->session;
    DurError why = {0};
    char told[96];
    snprintf(told, sizeof told, "%.80s: ", stage);
    DurStatus status = make_level(w, level, &why);
    if (status == DUR_OK) status = session_make(&s->session, s->model, before.param, level->n_node, &why);
    if (status == DUR_OK) {
        s->session.tolerance = before.tolerance;
        s->session.max_sweep = before.max_sweep;
        s->session.coarse = from;
        s->stage = told;
        status = measure(w, level, false, &why);
        s->stage = s->label = NULL;
        s->session.coarse = NULL;
        if (status == DUR_OK && keep) *keep = s->session;
        else session_free(&s->session, s->model);
    }
    s->session = before;
    level->is_done = status == DUR_OK;
    if (status == DUR_UNMET || status == DUR_LIMIT || status == DUR_MEMORY) {
        snprintf(level->note, sizeof level->note, "%.255s", why.text);
        level_free(level);
        return DUR_OK;
    }
    return status == DUR_OK ? DUR_OK : status_fail(error, status, "%s: %s", stage, why.text);
}

// ---- what is made of them ---------------------------------------------------------------------------------------

static double half_width(const CheckAnswer *a) { return fmax(a->high - a->value, a->value - a->low); }

// q(h) = q + c h^p at three steps, each half of the one before:  p = log2 of the ratio of the two moves
static void observe_order(RefineRow *row, double first, double second, double noise) {
    row->order = NAN;
    if (!(fabs(first) > MOVE_LEAST * noise) || !(fabs(second) > MOVE_LEAST * noise)) return;
    row->order = first / second > 0 ? log2(first / second) : NAN;
    row->is_trusted = fabs(row->order - 1) <= ORDER_SLACK;
}

static CheckAnswer around(const RefineRow *row, double value) {
    CheckAnswer a = row->doubled;
    double error = half_width(&row->coarse) + 2 * half_width(&row->doubled);
    a.value = value;
    a.low = value - error;
    a.high = value + error;
    return a;
}

static void settle_row(RefineRow *row, const Model *m, const Level *third, bool is_finer, int32_t k) {
    row->move = row->doubled.value - row->coarse.value;
    row->extrapolated = row->doubled.value + row->move;
    if (row->kind == REFINE_QUANTITY && m->quantity[row->which].is_probability) row->size = 1;
    row->size = fmax(row->size, fmax(fabs(row->coarse.value), fabs(row->doubled.value)));
    row->noise = half_width(&row->coarse) + half_width(&row->doubled) + SOLVE_NOISE * row->size;
    row->is_trusted = true;
    row->order = NAN;
    if (!third->is_done) return;
    double other = third->row[k].value, noise = row->noise + half_width(&third->row[k]);
    if (is_finer) observe_order(row, row->move, other - row->doubled.value, noise);
    else          observe_order(row, row->coarse.value - other, row->move, noise);
}

static void settle_claim(Refinement *out, const Model *m, const RefineRow *row, const Level *written, const Level *doubled) {
    int32_t c = row->which;
    Comparison comparison = m->claim[c].comparison;
    CheckAnswer limit = around(row, row->extrapolated);
    CheckVerdict *v = &out->verdict[3 * c];
    v[0] = written->verdict[c];
    v[1] = doubled->is_done ? doubled->verdict[c] : verdict_of(comparison, &row->doubled);
    v[2] = verdict_of(comparison, &limit);
    bool holds = false, fails = false;
    for (int k = 0; k < 3; k++) {
        holds = holds || v[k] == CHECK_HOLDS;
        fails = fails || v[k] == CHECK_FAILS;
    }
    bool still = fabs(row->move) <= fmax(row->noise, STEADY * fabs(row->extrapolated));
    bool same = v[0] == v[1] && v[1] == v[2];
    out->grid[c] = !isfinite(row->move) ? GRID_UNKNOWN : holds && fails ? GRID_TURNS
                 : same && still ? GRID_STEADY : GRID_MOVES;

    // what bounds and tolerances of solves could make up is no move; what is near the stated number by as much is not held to break it
    const ModelClaim *claim = &m->claim[c];
    bool within = fabs(row->move) - row->noise <= claim->tolerance;
    out->kept[c] = claim->is_sensitive ? TOLERANCE_SENSITIVE : isnan(claim->tolerance) ? TOLERANCE_UNSTATED
                 : out->grid[c] == GRID_UNKNOWN ? TOLERANCE_UNKNOWN
                 : within && out->grid[c] != GRID_TURNS ? TOLERANCE_KEPT : TOLERANCE_BROKEN;
}

DurStatus refine_unmet(const Refinement *r, const Model *m, DurError *error) {
    Text names = {0};
    int32_t n = 0;
    for (int32_t c = 0; c < r->n_claim; c++)
        if (r->kept[c] == TOLERANCE_BROKEN) text_printf(&names, "%s`%s`", n++ ? ", " : "", m->claim[c].name);
    DurStatus status = n == 0 ? DUR_OK
        : status_fail(error, DUR_UNMET, "with grids doubled %d %s not keep to the stated tolerance: %s", n,
                      n == 1 ? "claim does" : "claims do", text_view(&names));
    text_free(&names);
    return status;
}

// the stock whose grid moves most, of the row's size, and where
static void find_tops(Refinement *out) {
    out->top = -1;
    double most = 0;
    for (int32_t i = 0; i < out->n_stock; i++) {
        RefineStock *stock = &out->stock[i];
        stock->top = -1;
        for (int32_t k = 0; k < out->n_row; k++) {
            const RefineRow *row = &out->row[k];
            double share = row->size > 0 ? fabs(row->alone[i]) / row->size : 0;
            if (!(fabs(row->alone[i]) > row->noise) || share <= stock->share) continue;
            stock->share = share;
            stock->top = k;
        }
        if (stock->share > most) {
            most = stock->share;
            out->top = i;
        }
    }
}

// the moves of grids doubled alone; if not together, their sum stands for the whole
static void add_alone(Refinement *out, const Level *written, const Level *alone) {
    for (int32_t k = 0; k < out->n_row; k++) {
        RefineRow *row = &out->row[k];
        if (!out->is_together) row->doubled = row->coarse;
        double error = 0;
        for (int32_t i = 0; i < out->n_stock; i++) {
            if (!alone[i].is_done) continue;
            const CheckAnswer *a = &alone[i].row[k];
            row->alone[i] = a->value - written->row[k].value;
            if (out->is_together) continue;
            if (a->method == CHECK_SAMPLED) row->doubled.method = CHECK_SAMPLED;
            row->doubled.value += row->alone[i];
            error += half_width(a) + half_width(&written->row[k]);
        }
        if (out->is_together) continue;
        row->doubled.low = row->doubled.value - error;
        row->doubled.high = row->doubled.value + error;
    }
}

static DurStatus refine_levels(Work *w, Level *written, Level *doubled, Level *third, Level *alone, DurError *error) {
    Refinement *out = w->out;
    DurScenario *s = w->s;
    const Model *m = s->model;

    // what can be afforded is settled before anything is solved
    lattice_grid(m, written->n_node);
    if (s->session.n_node) memcpy(written->n_node, s->session.n_node, (size_t)model_variables(m) * sizeof *written->n_node);
    size_level(w, written);
    *doubled = *third = *written;
    bool halves = true, any = false;
    for (int32_t i = 0, v = m->n_mode; i < out->n_stock; v++) {
        if (!lattice_has_axis(m, v)) continue;
        int32_t n = written->n_node[v], twice = lattice_steps_halved(m, v, n);
        out->stock[i] = (RefineStock){.variable = v, .n_node = n, .n_doubled = twice, .top = -1};
        doubled->n_node[v] = twice;
        third->n_node[v] = lattice_steps_halved(m, v, twice);
        halves = halves && lattice_steps_doubled(m, v, n) > 0;
        alone[i] = *written;
        alone[i].n_node[v] = twice;
        size_level(w, &alone[i]);
        any = is_affordable(w, &alone[i]) || any;
        out->stock[i].n_state = alone[i].n_state;
        i++;
    }
    size_level(w, doubled);
    size_level(w, third);
    out->is_together = is_affordable(w, doubled);
    if (!any) return status_fail(error, DUR_LIMIT, "doubling the grid of `%s` alone takes %s",
                                 axis_name(m, out->stock[0].variable), alone[0].note);
    // the order of the error: grids doubled twice where that can be had, else halved ones
    out->third_is_finer = out->is_together && is_affordable(w, third);
    if (!out->third_is_finer && halves) {
        for (int32_t i = 0; i < out->n_stock; i++) {
            int32_t v = out->stock[i].variable;
            third->n_node[v] = lattice_steps_doubled(m, v, written->n_node[v]);
        }
        size_level(w, third);
        third->note[0] = '\0';
    } else if (!out->third_is_finer) {
        snprintf(third->note, sizeof third->note, "no third grid");
    }
    w->n_level = 1 + out->is_together + (third->note[0] == '\0') + (out->n_stock > 1 || !out->is_together ? out->n_stock : 0);

    s->stage = "as written: ";
    w->i_level = 1;
    DurStatus status = make_level(w, written, error);
    if (status == DUR_OK) status = measure(w, written, true, error);
    s->stage = s->label = NULL;
    TRY(status);
    written->is_done = true;
    Session base = s->session;   // a stable copy to point at while s->session is another
    Session kept = {0};
    if (out->is_together) {
        TRY(run_level(w, doubled, &base, "all grids doubled", &kept, error));
        out->is_together = doubled->is_done;
        if (!doubled->is_done) {
            snprintf(out->note, sizeof out->note, "%s", doubled->note);
            out->third_is_finer = false;
        }
    }
    if (third->note[0] == '\0' && (doubled->is_done || !(third->n_state > written->n_state)))
        status = run_level(w, third, out->third_is_finer ? &kept : &base,
                           out->third_is_finer ? "all grids doubled twice" : "all grids halved", NULL, error);
    session_free(&kept, m);
    TRY(status);

    for (int32_t i = 0; i < out->n_stock; i++) {
        // with one grid alone and all together are the same
        if (out->n_stock == 1 && doubled->is_done) {
            for (int32_t k = 0; k < out->n_row; k++)
                out->row[k].alone[0] = doubled->row[k].value - written->row[k].value;
            break;
        }
        char stage[96];
        snprintf(stage, sizeof stage, "grid of %.60s doubled", axis_name(m, out->stock[i].variable));
        if (alone[i].note[0] == '\0') TRY(run_level(w, &alone[i], &base, stage, NULL, error));
        snprintf(out->stock[i].note, sizeof out->stock[i].note, "%s", alone[i].note);
        // a sum of moves that lacks one cannot be compared with a grid on which all have changed
        if (!out->is_together && !alone[i].is_done) third->is_done = false;
    }
    return DUR_OK;
}

DurStatus refine(Refinement *out, DurScenario *s, const DurOptions *options, DurError *error) {
    *out = (Refinement){.limit = options->states > 0 ? options->states : REFINE_STATES, .n_state_third = NAN};
    const Model *m = s->model;
    double begun = progress_seconds();
    if (model_variables(m) == m->n_mode)
        return status_fail(error, DUR_INPUT, "there is no grid to double: the scenario has no stock");
    TRY(study_lattice(s, error));
    TRY(make_rows(out, m, error));
    Work w = {.s = s, .options = *options, .out = out, .bytes_per_state = bytes_per_state(s, out)};
    w.options.exact = w.options.lattice = true;
    w.options.claim = NULL;

    Level *level = memory_zeroed(3 + (size_t)out->n_stock, sizeof *level);
    if (!level) return status_fail(error, DUR_MEMORY, "out of memory");
    Level *written = level, *doubled = level + 1, *third = level + 2, *alone = level + 3;
    DurStatus status = refine_levels(&w, written, doubled, third, alone, error);
    bool any = doubled->is_done;
    for (int32_t i = 0; i < out->n_stock; i++) any = any || alone[i].is_done;
    if (status == DUR_OK && !any)
        status = status_fail(error, DUR_UNMET, "no refined grid could be solved: %s",
                             out->note[0] ? out->note : alone[0].note);
    if (status == DUR_OK) {
        out->n_state = written->n_state;
        out->n_state_doubled = doubled->n_state;
        if (third->is_done) out->n_state_third = third->n_state;
        for (int32_t k = 0; k < out->n_row; k++) {
            out->row[k].coarse = written->row[k];
            if (doubled->is_done) out->row[k].doubled = doubled->row[k];
        }
        add_alone(out, written, alone);
        for (int32_t k = 0; k < out->n_row; k++) {
            settle_row(&out->row[k], m, third, out->third_is_finer, k);
            if (out->row[k].kind == REFINE_GAP) settle_claim(out, m, &out->row[k], written, doubled);
        }
        find_tops(out);
        out->seconds = progress_seconds() - begun;
    }
    for (int32_t i = 0; i < 3 + out->n_stock; i++) level_free(&level[i]);
    memory_free(level);
    return status;
}

// ---- what it says -----------------------------------------------------------------------------------------------

static const char *grid_name(GridVerdict v) {
    static const char *const name[] = {"steady", "moves", "turns", "unknown"};
    return name[v];
}

static const char *kept_name(ToleranceVerdict v) {
    static const char *const name[] = {"unstated", "kept", "broken", "sensitive", "unknown"};
    return name[v];
}

static void put_row_name(Text *out, const Model *m, const RefineRow *row) {
    char who[256];
    if (row->kind == REFINE_VALUE) text_printf(out, "value of %s at the start", row_name(m, row->which, who));
    else if (row->kind == REFINE_QUANTITY) text_append(out, m->quantity[row->which].text);
    else text_printf(out, "difference of claim %s", m->claim[row->which].name);
}

static void render_row(Json *j, const Model *m, const Refinement *r, const RefineRow *row) {
    static const char *const kind[] = {"value", "quantity", "gap"};
    Text name = {0};
    char who[256];
    put_row_name(&name, m, row);
    json_object(j);
    json_pair_string(j, "kind", kind[row->kind]);
    json_pair_string(j, "name", row->kind == REFINE_VALUE ? row_name(m, row->which, who)
                              : row->kind == REFINE_GAP ? m->claim[row->which].name : text_view(&name));
    json_pair_number(j, "written", row->coarse.value);
    json_pair_number(j, "doubled", row->doubled.value);
    json_pair_number(j, "move", row->move);
    json_pair_number(j, "noise", row->noise);
    json_pair_number(j, "extrapolated", row->extrapolated);
    json_pair_number(j, "order", row->order);
    json_pair_bool(j, "trusted", row->is_trusted);
    json_pair_string(j, "method", isfinite(row->move) ? check_method_name(row->doubled.method) : NULL);
    json_key(j, "alone");
    json_object(j);
    for (int32_t i = 0; i < r->n_stock; i++)
        json_pair_number(j, axis_name(m, r->stock[i].variable), row->alone[i]);
    json_end_object(j);
    json_end_object(j);
    text_free(&name);
}

static void render_claim_grid(Json *j, const Model *m, const Refinement *r, int32_t c) {
    static const char *const when[3] = {"verdict", "doubled", "extrapolated"};
    bool judged = r->grid[c] != GRID_UNKNOWN;
    json_object(j);
    json_pair_string(j, "name", m->claim[c].name);
    json_pair_string(j, "grid", grid_name(r->grid[c]));
    json_pair_number(j, "tolerance", m->claim[c].tolerance);
    json_pair_string(j, "kept", kept_name(r->kept[c]));
    for (int k = 0; k < 3; k++)
        json_pair_string(j, when[k], judged ? check_verdict_name(r->verdict[3 * c + k]) : NULL);
    if (!judged) json_pair_string(j, "note", &r->claim_note[c * REFINE_NOTE]);
    json_end_object(j);
}

Frame *refinement_frame(const DurScenario *s, const Refinement *r) {
    static const char *const name[] = {"written", "doubled", "move", "noise", "extrapolated", "order", "trusted"};
    Frame *frame = frame_make("refine", r->n_row);
    bool made = frame && frame_add_text(frame, "name") && frame_add_text(frame, "grid");
    for (size_t i = 0; i < DUR_COUNT(name) && made; i++) made = frame_add_number(frame, name[i], NULL) != NULL;
    for (int32_t k = 0; k < r->n_row && made; k++) {
        const RefineRow *row = &r->row[k];
        const double value[DUR_COUNT(name)] = {row->coarse.value, row->doubled.value, row->move, row->noise, row->extrapolated,
                                               row->order, row->is_trusted};
        Text who = {0};
        put_row_name(&who, s->model, row);
        made = !who.failed && frame_set_text(frame, 0, k, text_view(&who)) &&
               frame_set_text(frame, 1, k, row->kind == REFINE_GAP ? grid_name(r->grid[row->which]) : "");
        text_free(&who);
        for (size_t i = 0; i < DUR_COUNT(name); i++) frame->column[2 + i].number[k] = value[i];
    }
    if (made) return frame;
    frame_free(frame);
    return NULL;
}

void render_refinement(Json *j, const DurScenario *s, const Refinement *r) {
    const Model *m = s->model;
    json_object(j);
    json_pair_string(j, "how", r->is_together ? "together" : "one at a time");
    json_pair_number(j, "states", r->n_state);
    json_pair_number(j, "states_doubled", r->n_state_doubled);
    json_pair_number(j, "states_third", r->n_state_third);
    json_pair_string(j, "third", isnan(r->n_state_third) ? NULL : r->third_is_finer ? "doubled twice" : "halved");
    json_pair_int(j, "limit", r->limit);
    json_pair_number(j, "bytes", r->n_byte);
    json_key(j, "stocks");
    json_array(j);
    for (int32_t i = 0; i < r->n_stock; i++) {
        const RefineStock *stock = &r->stock[i];
        Text name = {0};
        if (stock->top >= 0) put_row_name(&name, m, &r->row[stock->top]);
        json_object(j);
        json_pair_string(j, "name", axis_name(m, stock->variable));
        json_pair_int(j, "nodes", stock->n_node);
        json_pair_int(j, "doubled", stock->n_doubled);
        json_pair_number(j, "states", stock->n_state);
        json_pair_number(j, "share", stock->note[0] ? NAN : stock->share);
        json_pair_string(j, "most", stock->top >= 0 ? text_view(&name) : NULL);
        json_pair_string(j, "note", stock->note[0] ? stock->note : NULL);
        json_end_object(j);
        text_free(&name);
    }
    json_end_array(j);
    json_pair_string(j, "matters_most", r->top >= 0 ? axis_name(m, r->stock[r->top].variable) : NULL);
    json_key(j, "rows");
    json_array(j);
    for (int32_t k = 0; k < r->n_row; k++) render_row(j, m, r, &r->row[k]);
    json_end_array(j);
    json_key(j, "claims");
    json_array(j);
    for (int32_t c = 0; c < r->n_claim; c++) render_claim_grid(j, m, r, c);
    json_end_array(j);
    json_pair_string(j, "note", r->note[0] ? r->note : NULL);
    json_pair_number(j, "seconds", r->seconds);
    json_end_object(j);
}

static void put_states(Text *out, double n) {
    text_number(out, n, 15);
    text_append(out, " states");
}

static void put_how(Text *out, const Refinement *r) {
    Text words = {0};
    if (r->is_together) {
        text_append(&words, "all doubled together: ");
        put_states(&words, r->n_state_doubled);
    } else {
        text_append(&words, "doubled one at a time, their moves added up, since all together take ");
        if (r->note[0]) {
            text_printf(&words, "more than there is (%s)", r->note);
        } else {
            put_states(&words, r->n_state_doubled);
            text_append(&words, ", and the limit is ");
            text_number(&words, (double)r->limit, 15);
            text_append(&words, " (--states)");
        }
    }
    text_append(&words, "; at most ");
    put_bytes(&words, r->n_byte);
    text_append(&words, " in ");
    put_seconds(&words, r->seconds);
    text_append(&words, isnan(r->n_state_third) ? "; no third grid, so the order of the error is not seen"
                      : r->third_is_finer ? "; doubled twice they tell the order of the error"
                                          : "; halved ones tell the order of the error");
    text_append(out, "\n  grids     ");
    put_wrapped(out, text_view(&words), 12, 12);
    text_append(out, "\n\n");
    text_free(&words);
}

// numbers first, so that they stand under one another whatever the names are
static void put_rows(Text *out, const Model *m, const Refinement *r) {
    bool doubts = false;
    Grid grid = {.align = "rrrrrl"};
    static const char *const head[] = {"as written", "doubled", "move", "extrapolated", "order", ""};
    for (int k = 0; k < 6; k++) grid_cell(&grid, "%s", head[k]);
    for (int32_t k = 0; k < r->n_row; k++) {
        const RefineRow *row = &r->row[k];
        Text name = {0}, limit = {0};
        put_row_name(&name, m, row);
        if (row->kind == REFINE_QUANTITY && isfinite(row->move) && row->doubled.method == CHECK_SAMPLED)
            text_printf(&name, "; sampled, to %.1g", row->noise);
        text_number(&limit, row->extrapolated, 5);
        bool still = fabs(row->move) <= row->noise;
        grid_number(&grid, row->coarse.value, 5);
        grid_number(&grid, row->doubled.value, 5);
        if (still) grid_cell(&grid, "0");
        else grid_number(&grid, row->move, 2);
        if (!isfinite(row->extrapolated)) grid_cell(&grid, "-");
        else grid_cell(&grid, "%s%s", text_view(&limit), row->is_trusted ? "" : "?");
        if (isfinite(row->order)) grid_cell(&grid, "%.2f", row->order);
        else grid_cell(&grid, "%s", row->is_trusted ? "-" : "none");
        grid_cell(&grid, "%s", text_view(&name));
        doubts = doubts || !row->is_trusted;
        text_free(&limit);
        text_free(&name);
    }
    grid_print(&grid, out, 2);
    if (doubts)
        text_append(out, "  ? the error does not fall in proportion to the step (order near 1): not to be trusted\n");
}

static void put_claim_grids(Text *out, const Model *m, const Refinement *r) {
    int32_t n[4] = {0};
    for (int32_t c = 0; c < r->n_claim; c++) {
        const CheckVerdict *v = &r->verdict[3 * c];
        n[r->grid[c]]++;
        text_printf(out, "%s  %-7s  %s: ", c == 0 ? "\n" : "", grid_name(r->grid[c]), m->claim[c].name);
        if (r->grid[c] == GRID_UNKNOWN)
            text_printf(out, "not judged: %s\n", &r->claim_note[c * REFINE_NOTE]);
        else if (v[0] == v[1] && v[1] == v[2])
            text_printf(out, "%s on all grids\n", check_verdict_name(v[0]));
        else
            text_printf(out, "%s%s as written, %s doubled, %s extrapolated\n",
                        r->grid[c] == GRID_TURNS ? "sensitive to the grid: " : "", check_verdict_name(v[0]),
                        check_verdict_name(v[1]), check_verdict_name(v[2]));
    }
    if (r->n_claim)
        text_printf(out, "\n  %d steady, %d %s, %d %s\n", n[GRID_STEADY], n[GRID_MOVES], n[GRID_MOVES] == 1 ? "moves" : "move",
                    n[GRID_TURNS], n[GRID_TURNS] == 1 ? "turns" : "turn");
}

// what each claim states of the grid, and whether that is so
static void put_tolerances(Text *out, const Model *m, const Refinement *r) {
    int32_t n[5] = {0};
    for (int32_t c = 0; c < r->n_claim; c++) n[r->kept[c]]++;
    if (r->n_claim == 0) return;
    text_append(out, "\n  stated tolerances\n");
    Grid grid = {.align = "lrlrl"};
    for (int32_t k = 0; k < r->n_row; k++) {
        const RefineRow *row = &r->row[k];
        if (row->kind != REFINE_GAP || isnan(m->claim[row->which].tolerance)) continue;
        grid_cell(&grid, "%s", kept_name(r->kept[row->which]));
        grid_number(&grid, fabs(row->move), 2);
        grid_cell(&grid, "%s", r->kept[row->which] == TOLERANCE_BROKEN && r->grid[row->which] == GRID_TURNS ? "turns;" : "of");
        grid_number(&grid, m->claim[row->which].tolerance, 3);
        grid_cell(&grid, "%s", m->claim[row->which].name);
    }
    grid_print(&grid, out, 4);
    Text sensitive = {0}, unstated = {0};
    for (int32_t c = 0; c < r->n_claim; c++) {
        Text *to = r->kept[c] == TOLERANCE_SENSITIVE ? &sensitive : r->kept[c] == TOLERANCE_UNSTATED ? &unstated : NULL;
        if (to) text_printf(to, "%s%s", to->length ? ", " : "", m->claim[c].name);
    }
    if (sensitive.length) {
        text_append(out, "    sensitive to the grid by their own word: ");
        put_wrapped(out, text_view(&sensitive), 45, 6);
        text_char(out, '\n');
    }
    if (unstated.length) {
        text_append(out, "    no tolerance is stated by: ");
        put_wrapped(out, text_view(&unstated), 31, 6);
        text_char(out, '\n');
    }
    text_free(&sensitive);
    text_free(&unstated);
    text_printf(out, "  %d kept, %d broken, %d sensitive, %d unstated\n", n[TOLERANCE_KEPT], n[TOLERANCE_BROKEN],
                n[TOLERANCE_SENSITIVE], n[TOLERANCE_UNSTATED]);
}

static void put_stocks(Text *out, const Model *m, const Refinement *r) {
    text_append(out, "\n  each grid doubled alone\n");
    Grid grid = {.align = "llrl"};
    for (int32_t i = 0; i < r->n_stock; i++) {
        const RefineStock *stock = &r->stock[i];
        Text name = {0};
        if (stock->note[0]) text_printf(&name, "not doubled: %s", stock->note);
        else if (stock->top < 0) text_append(&name, "moves nothing");
        else put_row_name(&name, m, &r->row[stock->top]);
        grid_cell(&grid, "%s", axis_name(m, stock->variable));
        grid_cell(&grid, "%d -> %d", stock->n_node, stock->n_doubled);
        if (stock->top >= 0) grid_cell(&grid, "%.2g %%", 100 * stock->share);
        else grid_cell(&grid, "%s", "");
        grid_cell(&grid, "%s", text_view(&name));
        text_free(&name);
    }
    grid_print(&grid, out, 4);
    if (r->top >= 0 && r->n_stock > 1)
        text_printf(out, "  The grid of `%s` matters most.\n", axis_name(m, r->stock[r->top].variable));
}

void put_refinement(Text *out, const DurScenario *s, const Refinement *r) {
    put_how(out, r);
    put_rows(out, s->model, r);
    put_stocks(out, s->model, r);
    put_claim_grids(out, s->model, r);
    put_tolerances(out, s->model, r);
}
