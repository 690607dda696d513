/// One run, step by step: what happened, when, in which state, and what it changed.
#include "base/memory.h"
#include "sim/internal.h"

#include <string.h>

void trace_add(const Setup *s, double time, int32_t jump, int32_t step, const double *before) {
    SimTrace *t = s->trace;
    size_t n_variable = (size_t)model_variables(s->model);
    if (time > s->end || t->failed) return;
    if (step == 0 && s->plan->step[0].n_set == 0) return;   // that a run begins is no news
    if (t->n_event == t->capacity) {
        int64_t capacity = t->capacity ? 2 * t->capacity : 64;
        SimEvent *event = memory_resize(t->event, (size_t)capacity * sizeof *event);
        if (event) t->event = event;
        double *level = event ? memory_resize(t->level, (size_t)capacity * 2 * n_variable * sizeof *level) : NULL;
        if (!level) {
            t->failed = true;
            return;
        }
        t->level = level;
        t->capacity = capacity;
    }
    t->event[t->n_event] = (SimEvent){.time = time, .jump = jump, .step = step, .in_step = t->step,
                                      .probability = t->probability, .wait = t->wait};
    double *level = sim_trace_before(t, t->n_event++);
    memcpy(level, before, n_variable * sizeof *level);
    memcpy(level + n_variable, before, n_variable * sizeof *level);
    t->probability = t->wait = NAN;
    if (step >= 0) t->step = step;
}

void trace_after(const Setup *s, const double *after) {
    SimTrace *t = s->trace;
    if (t->n_event == 0 || t->failed) return;
    memcpy(sim_trace_after(t, t->n_event - 1), after, (size_t)t->n_variable * sizeof *after);
}

DurStatus sim_trace(SimTrace *out, const Lattice *lattice, const Plan *plan, const SimOptions *options, int64_t run,
                    DurError *error) {
    Setup setup;
    Tally tally = {0};
    SimOptions one = *options;
    one.first_run = run;
    one.n_run = 1;
    *out = (SimTrace){.n_variable = model_variables(lattice->model), .probability = NAN, .wait = NAN};
    double time[] = {0, options->horizon};
    out->end = memory_column(2 * out->n_variable);
    DurStatus status = setup_make(&setup, lattice, plan, &one, NULL, 0, NULL, time, 2, error);
    setup.trace = out;
    setup.kept = out->end;
    if (status == DUR_OK) status = out->end && tally_make(&tally, &setup) ? setup_run(&setup, &tally, NULL, error) : DUR_MEMORY;
    if (out->failed) status = DUR_MEMORY;
    tally_free(&tally);
    setup_free(&setup);
    if (status != DUR_OK) sim_trace_free(out);
    return setup_say_memory(status, error);
}

void sim_trace_free(SimTrace *t) {
    memory_free(t->end);
    memory_free(t->level);
    memory_free(t->event);
    *t = (SimTrace){0};
}
