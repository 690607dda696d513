#include "base/memory.h"
#include "check/check.h"
#include "check/verdict.h"
#include "lattice/round.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/// The quantities of one question, and how each is had.
typedef struct Question {
    const CheckPlans   *plans;
    const CheckOptions *options;
    const Model *model;
    Team    *team;
    int32_t  n_quantity;
    int32_t *quantity;       // [n_quantity] of the model
    SampleKind *kind;        // [n_quantity]
    CheckAnswer *exact;      // [n_quantity] where kind is exact; elsewhere its not_exact alone
    double  *all;            // [model->n_quantity] what eval_state reads
    ProgramId left, right;   // sides of a claim
    bool    *reads_left, *reads_right;
    double   horizon;        // of runs
} Question;

static void question_free(Question *q) {
    memory_free(q->quantity);
    memory_free(q->kind);
    memory_free(q->exact);
    memory_free(q->all);
    memory_free(q->reads_left);
    memory_free(q->reads_right);
}

static DurStatus question_make(Question *q, const CheckPlans *plans, const CheckOptions *options, Team *team,
                               DurError *error) {
    const Model *model = plans->lattice->model;
    *q = (Question){.plans = plans, .options = options, .model = model, .team = team};
    size_t n = (size_t)model->n_quantity + 1;
    q->quantity    = memory_zeroed(n, sizeof *q->quantity);
    q->kind        = memory_zeroed(n, sizeof *q->kind);
    q->exact       = memory_zeroed(n, sizeof *q->exact);
    q->all         = memory_zeroed(n, sizeof *q->all);
    q->reads_left  = memory_zeroed(n, sizeof *q->reads_left);
    q->reads_right = memory_zeroed(n, sizeof *q->reads_right);
    if (q->quantity && q->kind && q->exact && q->all && q->reads_left && q->reads_right) return DUR_OK;
    question_free(q);
    return status_fail(error, DUR_MEMORY, "out of memory");
}

/// Place of a model's quantity in the question, added if it is new.
static int32_t place_of(Question *q, int32_t quantity) {
    for (int32_t k = 0; k < q->n_quantity; k++)
        if (q->quantity[k] == quantity) return k;
    q->quantity[q->n_quantity] = quantity;
    return q->n_quantity++;
}

static void add_program(Question *q, ProgramId program, bool *reads) {
    const Program *p = &q->model->program[program];
    for (int32_t i = p->first; i < p->first + p->n_op; i++)
        if (q->model->op[i].code == OP_QUANTITY) reads[place_of(q, q->model->op[i].a)] = true;
}

// ---- what is known beforehand -----------------------------------------------------------------------------

/// Why a run of finite length cannot show a quantity, or NULL.
static const char *not_sampled(const ModelQuantity *q) {
    if (q->kind == QUANTITY_LONG_RUN) return "no run is long enough to show the long run";
    if (q->kind == QUANTITY_UNTIL && !isfinite(q->to)) return "no run is long enough to show what never happens";
    return NULL;
}

/// Does luck enter a value at the very start?
static bool is_fixed(const Question *q, const ModelQuantity *m) {
    if (m->kind != QUANTITY_AT || m->to > 0) return false;
    if (q->options->kind == SIM_LATTICE && q->plans->lattice->n_start > 1) return false;
    for (int32_t j = 0; j < q->model->n_jump; j++)
        if (q->model->jump[j].kind == JUMP_DATED && q->model->jump[j].at == 0) return false;
    return true;
}

/// Where every run of a quantity must lie.
static Interval range_of(const Question *q, const ModelQuantity *m) {
    if (m->is_probability) return (Interval){0, 1};
    if (m->kind == QUANTITY_COUNT)
        return (Interval){0, q->model->jump[m->jump].kind == JUMP_DATED ? 1 : INFINITY};
    Interval box[MODEL_VARIABLES_MAX];
    for (int32_t v = 0; v < model_variables(q->model); v++) {
        if (v >= q->model->n_mode + q->model->n_stock) { box[v] = (Interval){0, 1}; continue; }
        const ModelStock *s = v < q->model->n_mode ? NULL : &q->model->stock[v - q->model->n_mode];
        box[v] = s ? (Interval){s->low, s->high} : (Interval){0, q->model->mode[v].n_value - 1};
    }
    Interval x = eval_bound(q->model, m->x, box, q->plans->lattice->param, NULL);
    if (!isfinite(x.low) || !isfinite(x.high) || x.low > x.high) return (Interval){-INFINITY, INFINITY};
    double length = m->kind == QUANTITY_TOTAL ? m->to - m->from : 1;
    if (m->kind == QUANTITY_TOTAL && q->model->clock == CLOCK_ROUNDS) length = (double)rounds_in(m->from, m->to);
    // integrals and interpolation round
    double slack = 1e-9 * fmax(fabs(x.low), fabs(x.high));
    return (Interval){length * (x.low - slack), length * (x.high + slack)};
}

/// Exactly where that is asked for or the only way, else prepared for sampling.
static DurStatus prepare(Question *q, int32_t place, DurError *error) {
    int32_t quantity = q->quantity[place];
    const ModelQuantity *m = &q->model->quantity[quantity];
    SampleKind *kind = &q->kind[place];
    const char *no_sample = not_sampled(m), *why = NULL;
    CheckAnswer *known = q->options->known ? &q->options->known[quantity] : NULL;
    if (q->options->exact || no_sample) {
        DurError reason = {0};
        DurStatus status = DUR_UNSUPPORTED;
        if (known && known->confidence > 0) {
            q->exact[place] = *known;
            status = DUR_OK;
        } else if (check_is_exact(q->plans->lattice, quantity, &why))
            status = check_exact(&q->exact[place], q->plans, quantity, q->options->error, q->team, q->options->progress,
                                 &reason);
        if (status == DUR_OK) {
            const CheckAnswer *a = &q->exact[place];
            if (known) *known = *a;
            *kind = (SampleKind){.is_exact = true, .value = a->value,
                                 .error = fmax(a->high - a->value, a->value - a->low), .low = -INFINITY, .high = INFINITY};
            return DUR_OK;
        }
        // too large a task, or one that the lattice cannot do: runs can, but the answer says so
        if (status != DUR_UNSUPPORTED && status != DUR_LIMIT) return status_pass(error, status, &reason);
        if (no_sample)
            return status_fail(error, status == DUR_LIMIT ? DUR_LIMIT : DUR_INPUT,
                               "`%s` cannot be sampled (%s), nor had exactly: %s", m->text, no_sample,
                               why ? why : reason.text);
        q->exact[place] = (CheckAnswer){0};
        snprintf(q->exact[place].not_exact, CHECK_REASON, "%.*s", CHECK_REASON - 1, why ? why : reason.text);
    }
    Interval range = range_of(q, m);
    *kind = (SampleKind){.is_probability = m->is_probability, .is_fixed = is_fixed(q, m), .low = range.low,
                         .high = range.high};
    q->horizon = fmax(q->horizon, m->to);
    return DUR_OK;
}

// ---- runs -------------------------------------------------------------------------------------------------

/// Runs first .. first + n - 1 of every sampled quantity: one ensemble a policy, with the same seed and run numbers.
static DurStatus measure(void *context, Sample *sample, int64_t first, int64_t n, DurError *error) {
    Question *q = context;
    double *room = memory_column(q->n_quantity * n);
    int32_t *asked = memory_column_i32(2 * q->n_quantity), *place = asked ? asked + q->n_quantity : NULL;
    DurStatus status = room && asked ? DUR_OK : DUR_MEMORY;
    Text name = {0};
    for (int32_t policy = -1; policy < q->model->n_policy && status == DUR_OK; policy++) {
        int32_t n_asked = 0;
        // a name for what is kept: whose runs, and of which quantities
        text_clear(&name);
        if (q->options->keep) text_printf(&name, "%s, policy %d:", q->options->keep_name, policy);
        for (int32_t k = 0; k < q->n_quantity; k++) {
            int32_t of = q->model->quantity[q->quantity[k]].policy;
            if (q->kind[k].is_exact || (of < 0 ? -1 : of) != policy) continue;
            if (q->options->keep) text_printf(&name, " %d", q->quantity[k]);
            place[n_asked] = k;
            asked[n_asked++] = q->quantity[k];
        }
        if (n_asked == 0) continue;
        const Plan *plan = q->plans->plan[1 + policy];
        assert(plan);
        SimOptions options = {.kind = q->options->kind, .first_run = first, .n_run = n, .seed = q->options->seed,
                              .horizon = q->horizon > 0 ? q->horizon : 1, .progress = q->options->progress,
                              .keep = q->options->keep, .keep_name = text_view(&name)};
        status = name.failed ? DUR_MEMORY : sim_measure(q->plans->lattice, plan, &options, asked, n_asked, room,
                                                                q->team, error);
        for (int32_t k = 0; k < n_asked && status == DUR_OK; k++)
            memcpy(sample->value + place[k] * sample->capacity + first, room + k * n, (size_t)n * sizeof *room);
    }
    text_free(&name);
    memory_free(asked);
    memory_free(room);
    return status;
}

// ---- the two questions ------------------------------------------------------------------------------------

static double identity(const void *context, const double *quantity) {
    (void)context;
    return quantity[0];
}

/// Runs that failed were played only since there was no exact answer: say why there was none, too.
static void add_reason(const Question *q, DurStatus status, DurError *error) {
    if (!error || status == DUR_OK || status == DUR_MEMORY || status == DUR_INTERRUPTED) return;
    for (int32_t k = 0; k < q->n_quantity; k++) {
        if (q->kind[k].is_exact || !q->exact[k].not_exact[0]) continue;
        size_t n = strlen(error->text);
        snprintf(error->text + n, sizeof error->text - n, "; it was sampled, since it can't be had exactly: %s",
                 q->exact[k].not_exact);
        return;
    }
}

DurStatus check_quantity(CheckAnswer *out, const CheckPlans *plans, int32_t quantity, const CheckOptions *options,
                         Team *team, DurError *error) {
    *out = (CheckAnswer){0};
    double begun = progress_seconds();
    Question q;
    TRY(question_make(&q, plans, options, team, error));
    Sample sample = {0};
    place_of(&q, quantity);
    DurStatus status = prepare(&q, 0, error);
    if (status != DUR_OK) goto out;
    if (q.kind[0].is_exact) {
        *out = q.exact[0];
        goto out;
    }
    sample.n_quantity = 1;
    sample.kind = q.kind;
    int64_t n = options->n_run > 0 ? options->n_run : CHECK_RUNS;
    status = sample_reserve(&sample, n);
    if (status == DUR_OK) status = measure(&q, &sample, 0, n, error);
    add_reason(&q, status, error);
    if (status != DUR_OK) goto out;
    sample.n_run = n;
    const bool reads[1] = {true};
    status = sample_interval(out, &sample, identity, NULL, reads, options->confidence > 0 ? options->confidence : 0.99);
    // too few runs for an interval leave what is known without any
    out->low  = fmax(out->low, q.kind[0].low);
    out->high = fmin(out->high, q.kind[0].high);
    memcpy(out->not_exact, q.exact[0].not_exact, CHECK_REASON);
    out->seconds = progress_seconds() - begun;

out:
    if (status == DUR_MEMORY)
        status_fail(error, status, "out of memory for `%s`", plans->lattice->model->quantity[quantity].text);
    sample_free(&sample);
    question_free(&q);
    return status;
}

static double side(const Question *q, ProgramId program, const double *quantity) {
    for (int32_t k = 0; k < q->n_quantity; k++) q->all[q->quantity[k]] = quantity[k];
    return eval_state(q->model, program, NULL, q->plans->lattice->param, NULL, q->all);
}
static double left_side(const void *context, const double *quantity) {
    return side(context, ((const Question *)context)->left, quantity);
}
static double right_side(const void *context, const double *quantity) {
    return side(context, ((const Question *)context)->right, quantity);
}

/// The first note among the exact quantities that a side reads.
static const char *note_of(const Question *q, const bool *reads) {
    for (int32_t k = 0; k < q->n_quantity; k++)
        if (reads[k] && q->kind[k].is_exact && q->exact[k].note) return q->exact[k].note;
    return NULL;
}

/// The same for why a side was sampled though it was asked for exactly.
static const char *not_exact_of(const Question *q, const bool *reads) {
    for (int32_t k = 0; k < q->n_quantity; k++)
        if (reads[k] && !q->kind[k].is_exact && q->exact[k].not_exact[0]) return q->exact[k].not_exact;
    return "";
}

DurStatus check_claim(CheckClaim *out, const CheckPlans *plans, int32_t claim, const CheckOptions *options, Team *team,
                      DurError *error) {
    *out = (CheckClaim){.verdict = CHECK_UNDECIDED};
    double begun = progress_seconds();
    const ModelClaim *c = &plans->lattice->model->claim[claim];
    Question q;
    TRY(question_make(&q, plans, options, team, error));
    q.left = c->left;
    q.right = c->right;
    add_program(&q, c->left, q.reads_left);
    add_program(&q, c->right, q.reads_right);
    DurStatus status = DUR_OK;
    for (int32_t k = 0; k < q.n_quantity && status == DUR_OK; k++) status = prepare(&q, k, error);
    if (status != DUR_OK) goto out;

    Judgement judgement = {
        .n_quantity = q.n_quantity, .kind = q.kind, .left = left_side, .right = right_side, .context = &q,
        .reads_left = q.reads_left, .reads_right = q.reads_right, .comparison = c->comparison,
        .confidence = options->confidence > 0 ? options->confidence : c->confidence > 0 ? c->confidence : 0.99,
        .most = options->n_run > 0 ? options->n_run : CHECK_RUNS,
        .measure = measure, .measure_context = &q, .progress = options->progress,
    };
    judgement.first = judgement.most < CHECK_FIRST_RUNS ? judgement.most : CHECK_FIRST_RUNS;
    status = judge(out, &judgement, error);
    add_reason(&q, status, error);
    out->left.note  = note_of(&q, q.reads_left);
    out->right.note = note_of(&q, q.reads_right);
    out->gap.note   = out->left.note ? out->left.note : out->right.note;
    snprintf(out->left.not_exact, CHECK_REASON, "%.*s", CHECK_REASON - 1, not_exact_of(&q, q.reads_left));
    snprintf(out->right.not_exact, CHECK_REASON, "%.*s", CHECK_REASON - 1, not_exact_of(&q, q.reads_right));
    memcpy(out->gap.not_exact, out->left.not_exact[0] ? out->left.not_exact : out->right.not_exact, CHECK_REASON);
    out->left.seconds = out->right.seconds = out->gap.seconds = progress_seconds() - begun;

out:
    if (status == DUR_MEMORY) status_fail(error, status, "out of memory for claim `%s`", c->name);
    question_free(&q);
    return status;
}
