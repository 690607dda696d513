#include "study/stories.h"

#include "base/memory.h"
#include "study/story.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { TYPICAL, LOWEST, HIGHEST, STORY_COUNT };
static const char *const NAME[STORY_COUNT] = {"typical", "lowest", "highest"};

/// A run that is to be told.
typedef struct Chosen {
    bool    is_there;
    int32_t policy;
    int64_t run;
    Text    title, how;
} Chosen;

// ---- which ones ---------------------------------------------------------------------------------------------------

static SimOptions runs_of(DurScenario *s, const DurOptions *options, int64_t n_run) {
    return (SimOptions){.kind = options->lattice ? SIM_LATTICE : SIM_CONTINUOUS, .n_run = n_run, .seed = options->seed,
                        .horizon = study_horizon(s), .progress = &s->progress};
}

static double range_of(const Model *m, int32_t v) {
    int32_t k = v - m->n_mode;
    return k < m->n_stock ? m->stock[k].high - m->stock[k].low : 1;
}

// the value that most runs have a mode at, at each time: of a mode whose shares begin at row `first`
static int32_t most_common(const SimPaths *p, int64_t first, int32_t n_value, int32_t t) {
    int32_t best = 0;
    for (int32_t v = 1; v < n_value; v++)
        if (p->share[(first + v) * p->n_time + t] > p->share[(first + best) * p->n_time + t]) best = v;
    return best;
}

// how far each run is from the medians of stocks and beliefs and the most common values of modes, summed over times, each variable in
// parts of its range; level [n_variable x n_time x n_run], out [n_run]
static void measure_distance(double *out, const Model *m, const SimPaths *p, const double *level, int64_t n_run) {
    enum { MEDIAN = 2 };   // of SIM_QUANTILE
    int64_t row = 0;
    for (int64_t r = 0; r < n_run; r++) out[r] = 0;
    for (int32_t v = 0; v < model_variables(m); v++) {
        int32_t k = v - m->n_mode;
        for (int32_t t = 0; t < p->n_time; t++) {
            double here = k < 0 ? most_common(p, row, m->mode[v].n_value, t)
                                : p->quantile[((int64_t)k * SIM_QUANTILES + MEDIAN) * p->n_time + t];
            const double *x = level + ((int64_t)v * p->n_time + t) * n_run;
            for (int64_t r = 0; r < n_run; r++) out[r] += k < 0 ? x[r] != here : fabs(x[r] - here) / range_of(m, v);
        }
        if (k < 0) row += m->mode[v].n_value;
    }
}

// of equals the first
static int64_t least(const double *x, int64_t n, double sign) {
    int64_t best = 0;
    for (int64_t r = 1; r < n; r++)
        if (sign * x[r] < sign * x[best]) best = r;
    return best;
}

static DurStatus choose_typical(Chosen *out, DurScenario *s, const DurOptions *options, const SimPaths *paths, int64_t n_run,
                                DurError *error) {
    const Model *m = s->model;
    const Plan *plan;
    TRY(study_plan(s, -1, &plan, error));
    SimOptions how = runs_of(s, options, n_run);
    double *level = memory_column((int64_t)model_variables(m) * paths->n_time * n_run), *distance = memory_column(n_run);
    DurStatus status = level && distance ? DUR_OK : status_fail(error, DUR_MEMORY, "out of memory");
    if (status == DUR_OK)
        status = sim_keep(s->session.lattice, plan, &how, paths->time, paths->n_time, level, s->team, error);
    if (status == DUR_OK) {
        measure_distance(distance, m, paths, level, n_run);
        *out = (Chosen){.is_there = true, .policy = -1, .run = least(distance, n_run, 1)};
        text_append(&out->title, "A typical run");
        text_printf(&out->how, "Of the first %lld runs of the equilibrium the one that keeps nearest, over all times, to the median of "
                    "each stock and the most common value of each mode.", (long long)n_run);
    }
    memory_free(distance);
    memory_free(level);
    return status;
}

// the first quantity of the first claim that a run can show; -1 if there is none
static int32_t first_quantity(const Model *m) {
    for (int32_t c = 0; c < m->n_claim; c++) {
        const ProgramId side[2] = {m->claim[c].left, m->claim[c].right};
        for (int i = 0; i < 2; i++) {
            const Program *p = &m->program[side[i]];
            for (int32_t k = p->first; k < p->first + p->n_op; k++)
                if (m->op[k].code == OP_QUANTITY && m->quantity[m->op[k].a].kind != QUANTITY_LONG_RUN) return m->op[k].a;
        }
    }
    return -1;
}

static DurStatus choose_ends(Chosen out[STORY_COUNT], DurScenario *s, const DurOptions *options, const SimPaths *paths, int64_t n_run,
                             DurError *error) {
    int32_t quantity = first_quantity(s->model);
    if (quantity < 0) return DUR_OK;
    const ModelQuantity *q = &s->model->quantity[quantity];
    if (paths[1 + q->policy].n_run == 0 || paths[1 + q->policy].n_failed) return DUR_OK;
    const Plan *plan;
    TRY(study_plan(s, q->policy, &plan, error));
    SimOptions how = runs_of(s, options, n_run);
    double *x = memory_column(n_run);
    DurStatus status = x ? sim_measure(s->session.lattice, plan, &how, &quantity, 1, x, s->team, error)
                         : status_fail(error, DUR_MEMORY, "out of memory");
    int64_t low = status == DUR_OK ? least(x, n_run, 1) : 0, high = status == DUR_OK ? least(x, n_run, -1) : 0;
    for (int i = LOWEST; status == DUR_OK && i <= HIGHEST && x[low] < x[high]; i++) {
        int64_t run = i == LOWEST ? low : high;
        out[i] = (Chosen){.is_there = true, .policy = q->policy, .run = run};
        Text value = {0};
        text_number(&value, x[run], 3);
        if (q->is_probability) {
            text_append(&out[i].title, i == LOWEST ? "A run in which it does not happen" : "A run in which it happens");
            text_printf(&out[i].how, "The first of the first %lld runs in which what %s asks for %s.", (long long)n_run, q->text,
                        i == LOWEST ? "does not happen" : "happens");
        } else {
            text_append(&out[i].title, i == LOWEST ? "The run with the least of it" : "The run with the most of it");
            text_printf(&out[i].how, "Of the first %lld runs the one that shows the %s of %s, the first quantity that is claimed: %s.",
                        (long long)n_run, i == LOWEST ? "least" : "most", q->text, text_view(&value));
        }
        text_free(&value);
    }
    memory_free(x);
    return status;
}

// ---- telling ------------------------------------------------------------------------------------------------------

/// Rows of both frames as they come.
typedef struct Telling {
    Stories *out;
    int64_t story, event;
    bool    failed;
} Telling;

static void put(Telling *k, Frame *frame, int64_t row, const char *column, const char *text) {
    for (int32_t c = 0; c < frame->n_column; c++)
        if (strcmp(frame->column[c].name, column) == 0) k->failed = !frame_set_text(frame, c, row, text) || k->failed;
}

static void put_made(Telling *k, Frame *frame, int64_t row, const char *column, Text *text) {
    k->failed = k->failed || text->failed;
    put(k, frame, row, column, text_view(text));
    text_free(text);
}

static void put_number(Frame *frame, int64_t row, const char *column, double x) {
    ((double *)frame_column(frame, column)->number)[row] = x;
}

static void put_word(Text *out, const char *word) {
    text_reserve(out, out->length + 4 * strlen(word) + 3);
    if (!out->failed) out->length = (size_t)(dur_quote(out->data + out->length, word) - out->data);
}

static void put_option(Text *out, const char *name, const char *value) {
    text_printf(out, " --%s ", name);
    put_word(out, value);
}

static void put_whole(Text *out, const char *name, int64_t value) {
    if (value > 0) text_printf(out, " --%s %lld", name, (long long)value);
}

// the command that tells a run alone: with all that the ensemble was told which makes it another run
static void put_trace(Text *out, const Model *m, const Chosen *c, const DurOptions *o) {
    text_append(out, "duress trace ");
    put_word(out, m->path);
    text_printf(out, " --run %lld --seed %llu", (long long)c->run, (unsigned long long)o->seed);
    if (c->policy >= 0) put_option(out, "policy", m->policy[c->policy].name);
    if (o->lattice) text_append(out, " --lattice");
    if (o->rival) put_option(out, "rival", o->rival);
    for (int i = 0; i < o->n_set; i++) put_option(out, "set", o->set[i]);
    for (int i = 0; i < o->n_grid; i++) put_option(out, "grid", o->grid[i]);
    if (o->tolerance > 0) {
        text_append(out, " --tolerance ");
        text_double(out, o->tolerance);
    }
    put_whole(out, "max-sweeps", o->max_sweep);
    // which equilibrium is meant depends on how many were looked for
    if (o->equilibrium > 0) put_whole(out, "starts", o->starts);
    put_whole(out, "equilibrium", o->equilibrium);
}

static void put_head(Telling *k, const Story *y, const Chosen *c, const DurOptions *options, const char *name) {
    Frame *f = k->out->stories;
    const DurScenario *s = y->scenario;
    const Model *m = s->model;
    double state[MODEL_VARIABLES_MAX];
    int64_t n = y->trace.n_event, row = k->story++;
    put(k, f, row, "name", name);
    put_number(f, row, "run", (double)c->run);
    put(k, f, row, "policy", c->policy < 0 ? "" : m->policy[c->policy].name);
    put(k, f, row, "title", text_view(&c->title));
    put(k, f, row, "how", text_view(&c->how));
    put_number(f, row, "happened", (double)n);
    put_number(f, row, "told", (double)(n < STORIES_EVENTS ? n : STORIES_EVENTS));
    Text command = {0};
    put_trace(&command, m, c, options);
    put_made(k, f, row, "command", &command);
    for (int end = 0; end < 2; end++) {
        Text words = {0};
        for (int32_t v = 0; v < y->trace.n_variable; v++) state[v] = y->trace.end[2 * v + end];
        put_state(&words, m, state);
        put_made(k, f, row, end ? "end" : "start", &words);
    }
}

static DurStatus put_events(Telling *k, Story *y, const char *name, DurError *error) {
    Frame *f = k->out->events;
    const Model *m = y->scenario->model;
    for (int64_t i = 0; i < y->trace.n_event && i < STORIES_EVENTS; i++, k->event++) {
        const SimEvent *e = &y->trace.event[i];
        StoryReasons reasons;
        TRY(story_reasons(&reasons, y, i, error));
        Text words = {0};
        char date[16];
        story_words(&words, y, i, &reasons);
        story_reasons_free(&reasons);
        put(k, f, k->event, "story", name);
        put_number(f, k->event, "time", e->time);
        put(k, f, k->event, "date", model_date(m, e->time, date));
        put(k, f, k->event, "kind", e->jump < 0 ? "policy" : m->jump[e->jump].kind == JUMP_MOVE ? "move" : "event");
        put_made(k, f, k->event, "text", &words);
    }
    return DUR_OK;
}

static bool make_frames(Stories *out, int64_t n_story, int64_t n_event, const Model *m) {
    static const char *const head[] = {"name", "policy", "title", "how", "command", "start", "end"};
    static const char *const told[] = {"story", "date", "kind", "text"};
    *out = (Stories){frame_make("stories", n_story), frame_make("story_events", n_event)};
    bool made = out->stories && out->events;
    for (size_t i = 0; i < DUR_COUNT(head) && made; i++) made = frame_add_text(out->stories, head[i]) != NULL;
    for (size_t i = 0; i < DUR_COUNT(told) && made; i++) made = frame_add_text(out->events, told[i]) != NULL;
    return made && frame_add_number(out->stories, "run", NULL) && frame_add_number(out->stories, "happened", NULL) &&
           frame_add_number(out->stories, "told", NULL) && frame_add_number(out->events, "time", m->unit);
}

// played once to count what happens, and again to tell it: a run takes milliseconds
static DurStatus tell(Stories *out, DurScenario *s, const DurOptions *options, const Chosen *chosen, DurError *error) {
    Story y[STORY_COUNT] = {{0}};
    int32_t told_by[STORY_COUNT];
    int64_t n_story = 0, n_event = 0;
    SimOptions how = runs_of(s, options, 1);
    DurStatus status = DUR_OK;
    for (int i = 0; i < STORY_COUNT && status == DUR_OK; i++) {
        if (!chosen[i].is_there) continue;
        // those of one policy share what was found about payoffs
        told_by[i] = i;
        for (int k = i - 1; k >= 0; k--)
            if (chosen[k].is_there && chosen[k].policy == chosen[i].policy) told_by[i] = told_by[k];
        const Plan *plan;
        status = study_plan(s, chosen[i].policy, &plan, error);
        if (status == DUR_OK && told_by[i] == i) status = story_make(&y[i], s, plan, &how, error);
        if (status == DUR_OK) status = story_play(&y[told_by[i]], chosen[i].run, error);
        if (status != DUR_OK) break;
        int64_t n = y[told_by[i]].trace.n_event;
        n_event += n < STORIES_EVENTS ? n : STORIES_EVENTS;
        n_story++;
    }
    Telling k = {.out = out};
    if (status == DUR_OK && !make_frames(out, n_story, n_event, s->model)) status = status_fail(error, DUR_MEMORY, "out of memory");
    for (int i = 0; i < STORY_COUNT && status == DUR_OK; i++) {
        if (!chosen[i].is_there) continue;
        Story *one = &y[told_by[i]];
        status = story_play(one, chosen[i].run, error);
        if (status != DUR_OK) break;
        one->has_carriers = one->has_carriers && story_cost(one) <= STORIES_COST;
        one->has_reasons = one->has_reasons && story_cost(one) <= STORIES_COST;
        put_head(&k, one, &chosen[i], options, NAME[i]);
        status = put_events(&k, one, NAME[i], error);
        if (status == DUR_OK && k.failed) status = status_fail(error, DUR_MEMORY, "out of memory");
    }
    for (int i = 0; i < STORY_COUNT; i++)
        if (y[i].scenario) story_free(&y[i]);
    return status;
}

DurStatus stories_make(Stories *out, DurScenario *s, const DurOptions *options, const SimPaths *paths, DurError *error) {
    Chosen chosen[STORY_COUNT] = {{0}};
    *out = (Stories){0};
    if (paths[0].n_run == 0) return DUR_OK;
    int64_t n_run = paths[0].n_run + paths[0].n_failed;
    if (n_run > STORIES_RUNS) n_run = STORIES_RUNS;
    DurStatus status = choose_typical(&chosen[TYPICAL], s, options, &paths[0], n_run, error);
    if (status == DUR_OK) status = choose_ends(chosen, s, options, paths, n_run, error);
    if (status == DUR_OK) status = tell(out, s, options, chosen, error);
    for (int i = 0; i < STORY_COUNT; i++) {
        text_free(&chosen[i].title);
        text_free(&chosen[i].how);
    }
    if (status != DUR_OK) stories_free(out);
    return status;
}

void stories_free(Stories *stories) {
    frame_free(stories->stories);
    frame_free(stories->events);
    *stories = (Stories){0};
}
