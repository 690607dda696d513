#include "study/draws.h"

#include "base/memory.h"
#include "num/stat.h"
#include "study/keep.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/// Stream site of the draws: params of one draw follow one another in the order of the model.
#define SITE 0x64726177u
/// A claim "hangs on" a param where their ranks go together at least so well.
#define LINK_TOLD 0.5

// ---- one draw ------------------------------------------------------------------------------------------------------

// gamma with mean shape: Marsaglia and Tsang 2000, "A simple method for generating gamma variables"
static double gamma_draw(double shape, Stream *s) {
    double boost = shape < 1 ? pow(stream_uniform(s), 1 / shape) : 1;
    double d = (shape < 1 ? shape + 1 : shape) - 1.0 / 3, c = 1 / sqrt(9 * d);
    for (;;) {
        double x = stream_normal(s), v = 1 + c * x;
        if (v <= 0) continue;
        v = v * v * v;
        if (log(stream_uniform(s)) < x * x / 2 + d - d * v + d * log(v)) return boost * d * v;
    }
}

// the sides of a range, widened about its middle; what is positive stays so, what is a share stays one
static void widen_range(double *a, double *b, double widen) {
    double low = *a, high = *b, middle = (low + high) / 2, half = widen * (high - low) / 2;
    *a = middle - half;
    *b = middle + half;
    if (low >= 0 && *a < 0) *a = 0;
    if (low >= 0 && high <= 1 && *b > 1) *b = 1;
}

double draws_prior(const ModelParam *p, double widen, Stream *s) {
    double a = p->prior_a, b = p->prior_b, c = p->prior_c, w2 = widen * widen, x = 0;
    switch (p->prior) {
        case PRIOR_NONE: return p->value;
        case PRIOR_UNIFORM:
            widen_range(&a, &b, widen);
            x = a + (b - a) * stream_uniform(s);
            break;
        case PRIOR_NORMAL:    x = a + widen * b * stream_normal(s); break;
        case PRIOR_LOGNORMAL: x = exp(a + widen * b * stream_normal(s)); break;
        case PRIOR_BETA: {    // the same mean; the variance of a beta is mean (1 - mean) / (a + b + 1)
            double sum = (a + b + 1) / w2 - 1, mean = a / (a + b);
            if (sum < 0.1) sum = 0.1;
            double g = gamma_draw(mean * sum, s), h = gamma_draw((1 - mean) * sum, s);
            x = g + h > 0 ? g / (g + h) : mean;
            break;
        }
        case PRIOR_GAMMA:       x = w2 * b * gamma_draw(a / w2, s); break;
        case PRIOR_EXPONENTIAL: x = w2 * a * gamma_draw(1 / w2, s); break;
        case PRIOR_TRIANGULAR: {   // by its sides and its mode
            double low = a, high = c;
            widen_range(&low, &high, widen);
            double mode = fmin(fmax(b, low), high), cut = high > low ? (mode - low) / (high - low) : 0, u = stream_uniform(s);
            x = u < cut ? low + sqrt(u * (high - low) * (mode - low)) : high - sqrt((1 - u) * (high - low) * (high - mode));
            break;
        }
    }
    return x * p->scale;
}

// ---- all of them ---------------------------------------------------------------------------------------------------

DurStatus draws_varied(bool *varied, int32_t *n_varied, const DurScenario *s, const DurOptions *options, DurError *error) {
    const Model *m = s->model;
    *n_varied = 0;
    double *said = memory_column(m->n_param);
    if (!said) return status_fail(error, DUR_MEMORY, "out of memory");
    for (int32_t i = 0; i < m->n_param; i++) said[i] = NAN;
    DurStatus status = DUR_OK;
    for (int k = 0; k < options->n_set && status == DUR_OK; k++) status = lang_read_param(m, options->set[k], said, error);
    for (int32_t i = 0; i < m->n_param; i++) {
        varied[i] = m->param[i].prior != PRIOR_NONE && isnan(said[i]);
        *n_varied += varied[i];
    }
    memory_free(said);
    if (status == DUR_OK && *n_varied == 0)
        status = status_fail(error, DUR_INPUT, "there is nothing to draw: no param has a `prior` that is not held by --set");
    return status;
}

void draws_params(double *param, const Model *m, const double *base, const bool *varied, double widen, uint64_t seed, int32_t d) {
    Stream stream = stream_make(seed, (uint64_t)d, SITE);
    // every prior is drawn from, held or not: holding one param leaves the others where they were
    for (int32_t p = 0; p < m->n_param; p++) {
        double x = draws_prior(&m->param[p], widen, &stream);
        param[p] = varied[p] ? x : base[p];
    }
}

DurStatus draws_session(DurScenario *s, const Session *base, const double *param, DurError *error) {
    TRY(session_make(&s->session, s->model, param, base->n_node, error));
    s->session.tolerance = base->tolerance;
    s->session.max_sweep = base->max_sweep;
    s->session.coarse = base;   // solves start from the answers at the params as written
    return DUR_OK;
}

typedef struct Ranked { double x; int32_t i; } Ranked;
static int by_value(const void *a, const void *b) {
    const Ranked *x = a, *y = b;
    return x->x < y->x ? -1 : x->x > y->x ? 1 : (x->i > y->i) - (x->i < y->i);
}

// ranks of n numbers, equal ones at their mean rank
static void rank(const double *x, int32_t n, Ranked *scratch, double *out) {
    for (int32_t i = 0; i < n; i++) scratch[i] = (Ranked){x[i], i};
    qsort(scratch, (size_t)n, sizeof *scratch, by_value);
    for (int32_t i = 0; i < n;) {
        int32_t j = i;
        while (j < n && scratch[j].x <= scratch[i].x) j++;
        for (int32_t k = i; k < j; k++) out[scratch[k].i] = (i + j - 1) / 2.0;
        i = j;
    }
}

static double correlation(const double *x, const double *y, int32_t n) {
    double mx = 0, my = 0, xx = 0, yy = 0, xy = 0;
    for (int32_t i = 0; i < n; i++) mx += x[i] / n, my += y[i] / n;
    for (int32_t i = 0; i < n; i++) {
        xx += (x[i] - mx) * (x[i] - mx);
        yy += (y[i] - my) * (y[i] - my);
        xy += (x[i] - mx) * (y[i] - my);
    }
    return xx > 0 && yy > 0 ? xy / sqrt(xx * yy) : 0;
}

/// What the draws gave: a row a draw.
typedef struct Table {
    double *param;             // [n_draw x n_param]
    double *gap;               // [n_draw x n_claim] NaN: not judged
    double *x, *y;             // [n_draw] scratch
    Ranked *order;             // [n_draw]
} Table;

static void link_claim(Draws *out, const Table *t, const bool *varied, int32_t c) {
    DrawsClaim *item = &out->item[c];
    double best = 0;
    item->top = -1;
    for (int32_t p = 0; p < out->n_param; p++) {
        item->link[p] = NAN;
        if (!varied[p]) continue;
        int32_t n = 0;
        for (int32_t d = 0; d < out->n_draw; d++) {
            double gap = t->gap[d * out->n_claim + c];
            if (!isfinite(gap)) continue;
            t->x[n] = t->param[d * out->n_param + p];
            t->y[n++] = gap;
        }
        if (n < 3) continue;
        rank(t->x, n, t->order, t->x);
        rank(t->y, n, t->order, t->y);
        item->link[p] = correlation(t->x, t->y, n);
        if (fabs(item->link[p]) > best) best = fabs(item->link[p]), item->top = p;
    }
}

static DurStatus judge_draw(Draws *out, DurScenario *s, const Session *base, const double *param, double *gap, bool *left_out,
                            const DurOptions *options, DurError *error) {
    TRY(draws_session(s, base, param, error));
    ClaimAnswers answers = {0};
    DurError why = {0};
    DurStatus status = claims_judge_but(&answers, s, options, left_out, &why);
    bool is_lost = status == DUR_DOMAIN || status == DUR_UNMET;
    bool has_answer = status != DUR_OK && !is_lost;   // cut off: this draw is none
    for (int32_t c = 0; c < out->n_claim; c++) gap[c] = NAN;
    int32_t k = 0;
    for (int32_t c = 0; c < out->n_claim && (status == DUR_OK || is_lost); c++) {
        DrawsClaim *item = &out->item[c];
        if (left_out[item->claim]) continue;
        const ClaimAnswer *a = status == DUR_OK ? &answers.item[k++] : NULL;   // in the order of the claims
        if (!a || a->status != DUR_OK) { item->n_lost++; continue; }
        has_answer = true;
        gap[c] = a->found.gap.value;
        item->n[a->found.verdict]++;
        item->is_dropped = out->is_search && item->n[CHECK_HOLDS] && item->n[CHECK_FAILS];
        left_out[item->claim] = item->is_dropped;
    }
    out->n_unsolved += !has_answer;
    claims_free(&answers);
    session_free(&s->session, s->model);
    return status == DUR_OK || is_lost ? DUR_OK : status_pass(error, status, &why);
}

// claims that a search has not seen both ways yet
static int32_t claims_left(const Draws *d) {
    int32_t n = 0;
    for (int32_t c = 0; c < d->n_claim; c++) n += !d->item[c].is_dropped;
    return n;
}

static DurStatus draw_all(Draws *out, Table *t, bool *varied, DurScenario *s, const DurOptions *options, DurError *error) {
    const Model *m = s->model;
    Session base = s->session;
    bool *left_out = memory_zeroed((size_t)m->n_claim + 1, sizeof *left_out);
    DurStatus status = left_out ? DUR_OK : status_fail(error, DUR_MEMORY, "out of memory");
    for (int32_t d = 0; d < out->n_draw && status == DUR_OK; d++) {
        if (claims_left(out) == 0) {   // nothing is left to look for
            out->n_draw = d;
            break;
        }
        char stage[64];
        snprintf(stage, sizeof stage, "draw %d of %d: ", d + 1, out->n_asked);
        s->stage = stage;
        double *param = t->param + d * out->n_param;
        draws_params(param, m, base.param, varied, out->widen, options->seed, d);
        status = judge_draw(out, s, &base, param, t->gap + d * out->n_claim, left_out, options, error);
        // its claims are kept, and nobody asks for its game again
        if (status == DUR_OK) keep_drop_games(s);
        s->stage = NULL;
        // what was drawn before an interruption is kept, and told with it
        if (status == DUR_INTERRUPTED) out->n_draw = d;
    }
    memory_free(left_out);
    s->session = base;
    return status;
}

DurStatus draws_judge(Draws *out, DurScenario *s, const DurOptions *options, DurError *error) {
    const Model *m = s->model;
    *out = (Draws){.n_draw = options->draws, .n_asked = options->draws, .n_param = m->n_param,
                    .widen = options->widen > 0 ? options->widen : 1, .is_search = options->built_in};
    // as written first: a scenario that can't be judged has no shares, and its answers are where the others start
    ClaimAnswers answers = {0};
    TRY(claims_judge(&answers, s, options, error));
    DurStatus ready = claims_ready(s, &answers, error);
    if (ready != DUR_OK) {
        claims_free(&answers);
        return ready;
    }
    out->is_sampled = claims_sampled(&answers);
    int32_t n = out->n_claim = answers.n;
    out->item = memory_zeroed((size_t)n + 1, sizeof *out->item);
    out->link = memory_column((int64_t)n * m->n_param + 1);
    for (int32_t c = 0; c < n && out->item && out->link; c++) {
        out->item[c].claim = answers.item[c].claim;
        out->item[c].link = out->link + (int64_t)c * m->n_param;
    }
    claims_free(&answers);

    Table t = {.param = memory_column((int64_t)out->n_draw * m->n_param + 1),
               .gap = memory_column((int64_t)out->n_draw * n + 1),
               .x = memory_column(out->n_draw), .y = memory_column(out->n_draw),
               .order = memory_zeroed((size_t)out->n_draw, sizeof *t.order)};
    bool *varied = memory_zeroed((size_t)m->n_param + 1, sizeof *varied);
    bool made = out->item && out->link && t.param && t.gap && t.x && t.y && t.order && varied;
    DurStatus status = made ? DUR_OK : status_fail(error, DUR_MEMORY, "out of memory");
    if (status == DUR_OK) status = draws_varied(varied, &out->n_varied, s, options, error);
    if (status == DUR_OK) status = draw_all(out, &t, varied, s, options, error);
    bool has_some = status == DUR_OK || (status == DUR_INTERRUPTED && out->n_draw > 0);
    for (int32_t c = 0; c < n && has_some; c++) {
        DrawsClaim *item = &out->item[c];
        int32_t n_decided = item->n[CHECK_HOLDS] + item->n[CHECK_FAILS];
        Bounds b = stat_clopper_pearson(item->n[CHECK_HOLDS], n_decided, 0.95);
        item->share = n_decided ? item->n[CHECK_HOLDS] / (double)n_decided : NAN;
        item->low = b.low;
        item->high = b.high;
        link_claim(out, &t, varied, c);
    }
    memory_free(t.param);
    memory_free(t.gap);
    memory_free(t.x);
    memory_free(t.y);
    memory_free(t.order);
    memory_free(varied);
    return status;
}

bool draws_is_alike(const DrawsClaim *item) {
    return (item->n[CHECK_HOLDS] == 0) != (item->n[CHECK_FAILS] == 0) && item->n[CHECK_UNDECIDED] == 0;
}

void draws_free(Draws *d) {
    memory_free(d->item);
    memory_free(d->link);
    *d = (Draws){0};
}

// ---- what they say -------------------------------------------------------------------------------------------------

Frame *draws_frame(const DurScenario *s, const Draws *d) {
    static const char *const name[] = {"holds", "fails", "undecided", "lost", "share", "low", "high", "link"};
    const Model *m = s->model;
    Frame *frame = frame_make("shares", d->n_claim);
    bool made = frame && frame_add_text(frame, "claim") && frame_add_text(frame, "hangs_on");
    for (size_t i = 0; i < DUR_COUNT(name) && made; i++) made = frame_add_number(frame, name[i], NULL) != NULL;
    for (int32_t c = 0; c < d->n_claim && made; c++) {
        const DrawsClaim *item = &d->item[c];
        const double value[DUR_COUNT(name)] = {item->n[CHECK_HOLDS], item->n[CHECK_FAILS], item->n[CHECK_UNDECIDED], item->n_lost,
                                               item->share, item->low, item->high,
                                               item->top < 0 ? NAN : item->link[item->top]};
        made = frame_set_text(frame, 0, c, m->claim[item->claim].name) &&
               frame_set_text(frame, 1, c, item->top < 0 ? "" : m->param[item->top].name);
        for (size_t i = 0; i < DUR_COUNT(name); i++) frame->column[2 + i].number[c] = value[i];
    }
    if (made) return frame;
    frame_free(frame);
    return NULL;
}

void draws_render_head(Json *j, const DurScenario *s, int32_t n_draw, int32_t n_asked, double widen, int32_t n_varied) {
    render_identity(j, s);
    json_pair_int(j, "draws", n_draw);
    json_pair_int(j, "asked", n_asked);
    json_pair_number(j, "widen", widen);
    json_pair_int(j, "varied", n_varied);
}

void render_draws(Json *j, const DurScenario *s, const Draws *d) {
    const Model *m = s->model;
    json_object(j);
    draws_render_head(j, s, d->n_draw, d->n_asked, d->widen, d->n_varied);
    json_pair_int(j, "unsolved", d->n_unsolved);
    json_key(j, "claims");
    json_array(j);
    for (int32_t c = 0; c < d->n_claim; c++) {
        const DrawsClaim *item = &d->item[c];
        json_object(j);
        json_pair_string(j, "name", m->claim[item->claim].name);
        json_pair_int(j, "holds", item->n[CHECK_HOLDS]);
        json_pair_int(j, "fails", item->n[CHECK_FAILS]);
        json_pair_int(j, "undecided", item->n[CHECK_UNDECIDED]);
        json_pair_int(j, "lost", item->n_lost);
        json_pair_bool(j, "alike", draws_is_alike(item));
        json_pair_bool(j, "dropped", item->is_dropped);
        json_pair_number(j, "share", item->share);
        json_key(j, "interval");
        json_array(j);
        json_number(j, item->low);
        json_number(j, item->high);
        json_end_array(j);
        json_key(j, "links");
        json_object(j);
        for (int32_t p = 0; p < d->n_param; p++)
            if (isfinite(item->link[p])) json_pair_number(j, m->param[p].name, item->link[p]);
        json_end_object(j);
        json_end_object(j);
    }
    json_end_array(j);
    json_end_object(j);
}

// claims with one verdict in all draws, and how rare the other one can be for all that
static void put_alike(Text *out, const Model *m, const Draws *d) {
    static const CheckVerdict side[] = {CHECK_HOLDS, CHECK_FAILS};
    Text names = {0};
    double most = 0;
    for (int32_t c = 0; c < d->n_claim; c++) {
        const DrawsClaim *item = &d->item[c];
        if (!draws_is_alike(item)) continue;
        int32_t n = item->n[CHECK_HOLDS] + item->n[CHECK_FAILS];
        for (size_t k = 0; k < DUR_COUNT(side); k++)
            if (item->n[side[k]])
                text_printf(&names, "%s%s (%s, %d)", names.length ? ", " : "", m->claim[item->claim].name, check_verdict_name(side[k]), n);
        most = fmax(most, stat_clopper_pearson(0, n, 0.95).high);
    }
    text_append(out, "\n  The same verdict in all draws: ");
    put_wrapped(out, names.length ? text_view(&names) : "none", 33, 6);
    if (names.length) {
        text_append(out, ".\n  The other verdict can still come in up to ");
        text_number(out, 100 * most, 2);
        text_append(out, " % of draws (at 95 %)");
    }
    text_append(out, ".\n");
    text_free(&names);
}

void put_draws(Text *out, const DurScenario *s, const Draws *d) {
    const Model *m = s->model;
    text_printf(out, "%s\n\n  ", m->title);
    if (d->n_draw < d->n_asked)
        text_printf(out, claims_left(d) == 0 ? "ended, with nothing left to look for, after %d of " : "interrupted: %d of ", d->n_draw);
    text_printf(out, "%d draws of %d params from their priors", d->n_asked, d->n_varied);
    if (d->widen != 1) text_append(out, ", widened "), text_number(out, d->widen, 3), text_append(out, " times");
    if (d->n_unsolved) text_printf(out, "; %d could not be solved and count nowhere", d->n_unsolved);
    if (d->is_search) text_append(out, "; claims seen to hold and to fail were judged no further");
    text_append(out, "\n\n");
    Grid grid = {.align = "lrlrrrll"};
    static const char *const head[] = {"claim", "share", "95 %", "holds", "fails", "open", "hangs most on", ""};
    for (size_t i = 0; i < DUR_COUNT(head); i++) grid_cell(&grid, "%s", head[i]);
    for (int32_t c = 0; c < d->n_claim; c++) {
        const DrawsClaim *item = &d->item[c];
        grid_cell(&grid, "%s", m->claim[item->claim].name);
        grid_number(&grid, item->share, 3);
        Text range = {0};
        text_number(&range, item->low, 2);
        text_append(&range, " to ");
        text_number(&range, item->high, 2);
        grid_cell(&grid, "%s", text_view(&range));
        text_free(&range);
        grid_cell(&grid, "%d", item->n[CHECK_HOLDS]);
        grid_cell(&grid, "%d", item->n[CHECK_FAILS]);
        grid_cell(&grid, "%d", item->n[CHECK_UNDECIDED] + item->n_lost);
        double link = item->top < 0 ? 0 : item->link[item->top];
        if (item->top < 0) grid_cell(&grid, "%s", "");
        else grid_cell(&grid, "%s%s (%+.2f)", fabs(link) < LINK_TOLD ? "no one; " : "", m->param[item->top].name, link);
        grid_cell(&grid, "%s", draws_is_alike(item) ? "the same in all" : item->is_dropped ? "seen both ways" : "");
    }
    grid_print(&grid, out, 2);
    text_append(out, "\n  The share is of draws in which the claim holds, among those decided. A claim hangs on a param as\n"
                     "  far as the ranks of its margin and of the param go together (1 or -1: always).\n");
    put_alike(out, m, d);
}
