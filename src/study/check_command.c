#include "study/keep.h"
#include "study/refine.h"
#include "study/render.h"
#include "study/warn.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/// What one sweep over one state costs on one core for each way out of it and each actor, and how many sweeps a solve
/// with its certificate is worth: measured on scenarios/us-mexico (3.9 s of processor time). An estimate, told as such:
/// sharper precision takes more sweeps.
#define SECONDS_PER_WAY 1.0e-9
#define SWEEPS          250.0
/// The same in times where there are private types: choices and what they tell are settled state by state, and equilibria take more to
/// find. Measured on slice-resolve.duress.
#define TYPED           4.0

// ---- lines without a source -------------------------------------------------------------------------------------

// calls `tell` for every line that should have a source and has none
typedef void AssumedTell(void *context, const char *kind, const char *name, Span span);
static void each_assumed(const Model *m, AssumedTell *tell, void *context) {
    for (int32_t i = 0; i < m->n_param; i++)
        if (m->param[i].cite.source < 0) tell(context, "param", m->param[i].name, m->param[i].span);
    for (int32_t i = 0; i < m->n_stock; i++)
        if (m->stock[i].cite.source < 0) tell(context, "stock", m->stock[i].name, m->stock[i].span);
    for (int32_t i = 0; i < m->n_jump; i++)
        if (m->jump[i].cite.source < 0)
            tell(context, m->jump[i].kind == JUMP_MOVE ? "move" : "event", m->jump[i].name, m->jump[i].span);
    for (int32_t i = 0; i < m->n_claim; i++)
        if (m->claim[i].cite.source < 0) tell(context, "claim", m->claim[i].name, m->claim[i].span);
}

typedef struct AssumedJson { Json *j; const DurScenario *s; } AssumedJson;
static void tell_json(void *context, const char *kind, const char *name, Span span) {
    const AssumedJson *to = context;
    json_object(to->j);
    json_pair_string(to->j, "kind", kind);
    json_pair_string(to->j, "name", name);
    json_pair_string(to->j, "file", result_path(&to->s->compilation, span));
    json_pair_int(to->j, "line", span.line);
    json_end_object(to->j);
}

// "param fear, fade; move lift_tariff"
typedef struct AssumedText { Text *out; const char *kind; int n; } AssumedText;
static void tell_text(void *context, const char *kind, const char *name, Span span) {
    AssumedText *to = context;
    bool is_new = !to->kind || strcmp(to->kind, kind) != 0;
    if (to->n) text_append(to->out, is_new ? "; " : ", ");
    if (is_new) text_printf(to->out, "%s ", kind);
    text_append(to->out, name);
    to->kind = kind;
    to->n++;
}

// ---- how large --------------------------------------------------------------------------------------------------

typedef struct Estimate {
    double n_state;
    double solve_bytes, policy_bytes;   // NaN where there is no lattice
    double seconds;
} Estimate;

static Estimate estimate(const DurScenario *s) {
    const Model *m = s->model;
    Estimate e = {.n_state = lattice_size_grid(m, s->session.n_node).n_state, .solve_bytes = NAN, .policy_bytes = NAN, .seconds = NAN};
    const Lattice *l = s->session.lattice;
    if (!l) return e;
    e.solve_bytes = study_bytes(s, 0);
    e.policy_bytes = policy_bytes(l);
    double ways = 2.0 * m->n_stock;
    for (int32_t k = 0; k < m->n_jump; k++) ways += l->jump[k].n_branch;
    e.seconds = e.n_state * (ways + m->n_belief) * model_rows(m) * SECONDS_PER_WAY * SWEEPS / team_size(s->team);
    if (m->n_private > 0) e.seconds *= TYPED;
    return e;
}

// the belief about an actor, as one axis of the lattice: "belief(sender is resolved)" where that says it all
static const char *belief_name(const Model *m, int32_t p) {
    return m->private[p].n_type == 2 ? m->private[p].belief[1] : m->private[p].name;
}
static double belief_nodes(const DurScenario *s, int32_t p) {
    const ModelPrivate *private = &s->model->private[p];
    int32_t n_grid = s->session.n_node ? s->session.n_node[private->variable] : private->n_grid;
    double n = 1;
    for (int32_t k = 1; k < private->n_type; k++) n = n * (n_grid - 1 + k) / k;
    return n;
}
static int32_t stock_nodes(const DurScenario *s, int32_t k) {
    return s->session.n_node ? s->session.n_node[s->model->n_mode + k] : s->model->stock[k].n_grid;
}

static void render_check(Json *j, const DurScenario *s, const Estimate *e) {
    const Model *m = s->model;
    render_identity(j, s);
    // beyond 2^53 a double is not whole, but then nobody solves it either
    json_pair_number(j, "states", e->n_state);
    json_key(j, "lattice");
    json_object(j);
    for (int32_t v = 0; v < m->n_mode; v++) json_pair_int(j, m->mode[v].name, m->mode[v].n_value);
    for (int32_t k = 0; k < m->n_stock; k++) json_pair_int(j, m->stock[k].name, stock_nodes(s, k));
    for (int32_t p = 0; p < m->n_private; p++) json_pair_number(j, belief_name(m, p), belief_nodes(s, p));
    json_end_object(j);
    json_pair_number(j, "bytes", e->solve_bytes);
    json_pair_number(j, "policy_bytes", e->policy_bytes);
    json_pair_number(j, "seconds_estimate", e->seconds);
    json_pair_int(j, "threads", team_size(s->team));
    result_list(j, "warnings", &s->compilation, false);
    json_key(j, "rivals");
    json_array(j);
    for (int32_t r = 0; r < m->n_rival; r++) {
        json_object(j);
        json_pair_string(j, "name", m->rival[r].name);
        json_pair_string(j, "text", m->rival[r].text);
        json_pair_string(j, "overrides", m->rival[r].overrides);
        json_end_object(j);
    }
    json_end_array(j);
    json_key(j, "assumed");
    json_array(j);
    each_assumed(m, tell_json, &(AssumedJson){j, s});
    json_end_array(j);
}

static void put_count(Text *out, int32_t n, const char *one, const char *many, const char *between) {
    text_printf(out, "%d %s%s", n, n == 1 ? one : many, between);
}

static void put_check(Text *out, const DurScenario *s, const Estimate *e) {
    const Model *m = s->model;
    int32_t n_event = 0;
    for (int32_t k = 0; k < m->n_jump; k++) n_event += m->jump[k].kind != JUMP_MOVE;
    text_printf(out, "%s\n\n  hash      %.16s\n  clock     ", m->title, m->hash);
    if (m->clock == CLOCK_CONTINUOUS) text_printf(out, "continuous, in %ss", m->unit);
    else {
        text_append(out, "rounds");
        if (strcmp(m->unit, "round") != 0) text_printf(out, " of a %s", m->unit);
        for (int32_t i = 0; i < m->n_order; i++) text_printf(out, "%s%s", i ? " then " : ", ", m->actor[m->order[i]].name);
        if (m->n_order == 0) text_append(out, ", all at once");
    }
    if (m->from_day != INT32_MIN) {
        char from[16], until[16];
        text_printf(out, ", from %s", model_date(m, 0, from));
        if (m->horizon > 0) text_printf(out, " until %s", model_date(m, m->horizon, until));
    }
    text_printf(out, "; choice %s\n  holds     ", m->choice == CHOICE_TASTE ? "taste" : "quantal");
    put_count(out, m->n_actor, "actor", "actors", ", ");
    put_count(out, m->n_jump - n_event, "move", "moves", ", ");
    put_count(out, n_event, "event", "events", ", ");
    if (m->n_private) put_count(out, m->n_private, "private type", "private types", ", ");
    put_count(out, m->n_param, "param", "params", ", ");
    put_count(out, m->n_policy, "policy", "policies", ", ");
    put_count(out, m->n_claim, "claim", "claims", "\n");

    Text list = {0};
    text_number(&list, e->n_state, 15);
    text_append(&list, " states");
    for (int32_t v = 0; v < m->n_mode; v++)
        text_printf(&list, "%s%s %d", v ? " x " : ": ", m->mode[v].name, m->mode[v].n_value);
    for (int32_t k = 0; k < m->n_stock; k++)
        text_printf(&list, "%s%s %d", k + m->n_mode ? " x " : ": ", m->stock[k].name, stock_nodes(s, k));
    for (int32_t p = 0; p < m->n_private; p++) {
        text_printf(&list, "%s%s ", p + m->n_stock + m->n_mode ? " x " : ": ", belief_name(m, p));
        text_number(&list, belief_nodes(s, p), 15);
    }
    text_append(out, "  lattice   ");
    put_wrapped(out, text_view(&list), 12, 12);
    text_append(out, "\n");
    if (isfinite(e->seconds)) {
        text_append(out, "  solving   about ");
        put_seconds(out, e->seconds);
        text_append(out, " and ");
        put_bytes(out, e->solve_bytes);
        text_append(out, " with ");
        put_count(out, team_size(s->team), "thread", "threads", "; each policy kept ");
        put_bytes(out, e->policy_bytes);
        text_append(out, "\n");
    }
    text_clear(&list);
    AssumedText to = {.out = &list};
    each_assumed(m, tell_text, &to);
    if (to.n) {
        text_printf(out, "  assumed   ");
        put_count(out, to.n, "line without a source:", "lines without a source:", " ");
        put_wrapped(out, text_view(&list), 40, 12);
        text_append(out, "\n");
    }
    text_free(&list);
    for (int32_t r = 0; r < m->n_rival; r++) {
        text_printf(out, "%s%s replaces ", r ? "            " : "  rivals    ", m->rival[r].name);
        put_wrapped(out, m->rival[r].overrides, 22 + text_width(m->rival[r].name, strlen(m->rival[r].name)), 14);
        text_append(out, "\n");
    }
    int32_t n = s->compilation.diagnostics.n_warning;
    text_append(out, "\n  no error, ");
    put_count(out, n, "warning", "warnings", "\n");
}

// with each rival in effect the scenario must be as sound as without; the first that is not tells its faults
static DurStatus check_rivals(const DurScenario *s, DurResult *result, DurError *error) {
    DurStatus status = DUR_OK;
    for (int32_t r = 0; r < s->model->n_rival && status == DUR_OK; r++) {
        Compilation c;
        status = lang_compile_rival(&c, s->model->path, s->model->rival[r].name, NULL, 0, error);
        if (status == DUR_OK && !c.model) {
            result_faults(result, &c);
            status = status_fail(error, DUR_INPUT, "with the overrides of rival `%s` the scenario has faults",
                                 s->model->rival[r].name);
        }
        lang_free(&c);
    }
    return status;
}

static DurStatus check(DurScenario *s, const DurOptions *options, DurResult *result, PageFrames *frames, DurError *error) {
    if (!s->model->account) TRY(check_rivals(s, result, error));
    // a lattice that cannot be made still has a size to tell
    DurStatus status = study_lattice(s, error);
    if (status == DUR_OK) status = warn_lattice(s, error);
    if (status == DUR_MEMORY) return status;
    Estimate e = estimate(s);
    Refinement refined = {0};
    bool is_sized = status == DUR_OK;
    if (is_sized && options->refine) status = refine(&refined, s, options, error);
    Json j = json_make(&result->json);
    json_object(&j);
    if (status != DUR_OK) result_error(&j, status, error, &s->compilation);
    render_check(&j, s, &e);
    if (status == DUR_OK && options->refine) {
        json_key(&j, "refine");
        render_refinement(&j, s, &refined);
    }
    json_end_object(&j);
    result_print(result, &s->compilation);
    if (is_sized) put_check(&result->text, s, &e);
    if (status == DUR_OK && options->refine) {
        put_refinement(&result->text, s, &refined);
        status = page_frames(frames, s, options, &(RunAnswers){.first_policy = -1}, error);
        if (status == DUR_OK) status = page_frames_add(frames, refinement_frame(s, &refined), error);
        if (status == DUR_OK) status = refine_unmet(&refined, s->model, error);
    }
    refinement_free(&refined);
    return status;
}

DurStatus dur_check(DurScenario *s, const DurOptions *options, DurResult **out, char error[1024]) {
    DurError why = {0};
    DurResult *result = NULL;
    // moves are differences of answers, so these are had more sharply than elsewhere
    DurOptions sharp = options ? *options : (DurOptions){0};
    if (sharp.refine && sharp.tolerance == 0) sharp.tolerance = REFINE_TOLERANCE;
    options = &sharp;
    DurStatus status = study_begin(s, &options, &result, &why);
    // what costs nothing is not kept: reading the scenario anew tells as much
    PageFrames none = {0};
    if (status == DUR_OK)
        status = options->refine ? keep_work(s, options, "check", NULL, check, result, &why)
                                 : check(s, options, result, &none, &why);
    return result_finish(&result, out, status, &why, error);
}
