/// Ensembles: tasks of runs over threads, progress, faults, and what is told in the end.
#include "base/memory.h"
#include "sim/internal.h"

#include <string.h>

/// Seconds between two words of progress, and between two looks at whether the caller wants to stop.
#define TELL_SECONDS 0.2
#define STOP_SECONDS 0.002

// ---- running ------------------------------------------------------------------------------------------------------

typedef struct Ensemble Ensemble;

typedef struct Worker {
    Ensemble *ensemble;
    int       number;
    Tally     own, *tally;   // worker 0 counts in the total at once
    Block    *block;         // continuous
    Walker   *walker;        // on the lattice
    Player   *player;        // in rounds
} Worker;

struct Ensemble {
    Setup  *setup;
    Worker *worker;          // [n_worker]
    int     n_worker;
    Walk   *walk;
    _Atomic int64_t n_done;  // runs
    double  told, asked;     // seconds; worker 0 alone
};

// progress and the question whether to stop are worker 0's
static void poll(void *context) {
    Worker *w = context;
    if (w->number != 0) return;
    Ensemble *e = w->ensemble;
    const Progress *progress = e->setup->options->progress;
    if (!progress) return;
    double now = progress_seconds();
    if (now - e->asked >= STOP_SECONDS) {
        e->asked = now;
        if (progress_stop(progress)) atomic_store(e->setup->halt, true);
    }
    if (now - e->told >= TELL_SECONDS) {
        e->told = now;
        progress_tell(progress, "simulating", (double)atomic_load(&e->n_done), (double)e->setup->options->n_run, NULL);
    }
}

static void play(void *context, int64_t task, int worker) {
    Ensemble *e = context;
    Worker *w = &e->worker[worker];
    const SimOptions *o = e->setup->options;
    int64_t first = task * SIM_LANES, n = o->n_run - first < SIM_LANES ? o->n_run - first : SIM_LANES;
    poll(w);
    if (setup_is_over(e->setup, o->first_run + first)) return;
    if (w->player)
        for (int64_t i = 0; i < n && !setup_is_over(e->setup, o->first_run + first + i); i++)
            player_play(w->player, o->first_run + first + i, poll, w);
    else if (o->kind == SIM_CONTINUOUS) block_play(w->block, o->first_run + first, (int32_t)n, poll, w);
    else                                walker_play(w->walker, o->first_run + first, (int32_t)n, poll, w);
    atomic_fetch_add(&e->n_done, n);
}

DurStatus setup_run(Setup *s, Tally *total, Team *team, DurError *error) {
    Ensemble e = {.setup = s, .n_worker = team_size(team)};
    e.told = progress_seconds();
    DurStatus status = DUR_MEMORY;
    e.worker = memory_zeroed((size_t)e.n_worker, sizeof *e.worker);
    if (!e.worker) goto done;
    bool is_rounds = s->model->clock == CLOCK_ROUNDS;
    if (!is_rounds && s->options->kind == SIM_LATTICE) {
        status = walk_make(&e.walk, s, error);
        if (status != DUR_OK) goto done;
        status = DUR_MEMORY;
    }
    for (int i = 0; i < e.n_worker; i++) {
        Worker *w = &e.worker[i];
        *w = (Worker){.ensemble = &e, .number = i, .tally = i ? &w->own : total};
        if (i && !tally_make(&w->own, s)) goto done;
        if (is_rounds)                            w->player = player_make(s, w->tally);
        else if (s->options->kind == SIM_LATTICE) w->walker = walker_make(e.walk, w->tally);
        else                                      w->block = block_make(s, w->tally);
        if (!w->walker && !w->block && !w->player) goto done;
    }
    team_run(team, play, &e, (s->options->n_run + SIM_LANES - 1) / SIM_LANES);

    for (int i = 0; e.walk && i < e.n_worker; i++) walker_tell(e.worker[i].walker);
    for (int i = 1; i < e.n_worker; i++) tally_merge(total, &e.worker[i].own, s);
    status = DUR_OK;
    if (atomic_load(&s->failure->run) != INT64_MAX) {
        status = status_fail(error, s->failure->status, "%s", s->failure->error.text);
    } else if (atomic_load(s->halt)) {
        status = status_fail(error, DUR_INTERRUPTED, "interrupted after %lld of %lld runs",
                             (long long)atomic_load(&e.n_done), (long long)s->options->n_run);
    }
    if (status == DUR_OK && s->options->progress)
        progress_tell(s->options->progress, "simulating", (double)s->options->n_run, (double)s->options->n_run, NULL);

done:
    for (int i = 0; e.worker && i < e.n_worker; i++) {
        walker_free(e.worker[i].walker);
        block_free(e.worker[i].block);
        player_free(e.worker[i].player);
        tally_free(&e.worker[i].own);
    }
    memory_free(e.worker);
    walk_free(e.walk);
    return status;
}

DurStatus setup_say_memory(DurStatus status, DurError *error) {
    return status == DUR_MEMORY ? status_fail(error, status, "out of memory for a simulation") : status;
}

DurStatus sim_measure(const Lattice *lattice, const Plan *plan, const SimOptions *options, const int32_t *quantity,
                      int32_t n_quantity, double *out, Team *team, DurError *error) {
    Setup setup;
    Tally tally = {0};
    DurStatus status = setup_make(&setup, lattice, plan, options, quantity, n_quantity, out, NULL, 0, error);
    if (status == DUR_OK && n_quantity > 0) {
        status = tally_make(&tally, &setup) ? setup_run(&setup, &tally, team, error) : DUR_MEMORY;
    }
    tally_free(&tally);
    setup_free(&setup);
    return setup_say_memory(status, error);
}

DurStatus sim_keep(const Lattice *lattice, const Plan *plan, const SimOptions *options, const double *time, int32_t n_time,
                   double *out, Team *team, DurError *error) {
    Setup setup;
    Tally tally = {0};
    DurStatus status = setup_make(&setup, lattice, plan, options, NULL, 0, NULL, time, n_time, error);
    setup.kept = out;
    if (status == DUR_OK && n_time > 0) status = tally_make(&tally, &setup) ? setup_run(&setup, &tally, team, error) : DUR_MEMORY;
    tally_free(&tally);
    setup_free(&setup);
    return setup_say_memory(status, error);
}
