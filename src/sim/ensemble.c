/// Ensembles: tasks of runs over threads, progress, faults, and what is told in the end.
#include "base/memory.h"
#include "sim/internal.h"

#include <stdio.h>
#include <string.h>

/// Seconds between two words of progress, and between two looks at whether the caller wants to stop.
#define TELL_SECONDS 0.2
#define STOP_SECONDS 0.002
/// A run with this share of the jumps that end it is worth a word: with so many, runs may last.
#define JUMPS_TOLD 0.01
/// A stop that was asked for waits this long for the end of a stretch of runs, which are then kept. Stretches take half the time between
/// two savings, an eighth of a second; one that takes longer than this is the least that can be played, of runs that hardly end, and
/// is given up: whoever asked is answered within a second.
#define STOP_PATIENCE 0.75

// ---- running ------------------------------------------------------------------------------------------------------

typedef struct Ensemble Ensemble;

typedef struct Worker {
    Ensemble *ensemble;
    int       number;
    Tally     tally;         // of the runs since what is done was last put together
    Block    *block;         // continuous
    Walker   *walker;        // on the lattice
    Player   *player;        // in rounds
} Worker;

struct Ensemble {
    Setup  *setup;
    Worker *worker;          // [n_worker]
    int     n_worker;
    Walk   *walk;
    int64_t begin, end;      // runs of this stretch, counted from the first of the ensemble
    int32_t n_skip;          // the first of setup->failure->failed that are known and passed over
    bool    is_stopping;     // the caller asked to stop; the stretch is played to its end, if that is near. Worker 0 alone
    _Atomic int64_t n_done;  // runs that are over
    int64_t n_taken;         // of them from what was kept before
    double  begun, told, asked, stopped;   // seconds; worker 0 alone
};

static Standing standing_of(const Worker *w) {
    return w->player ? player_standing(w->player) : w->block ? block_standing(w->block) : walker_standing(w->walker);
}

// How fast it goes; or, where no run is over yet, or one is about to be given up, how far those under way are. A scenario that
// explodes shows it there: jumps pile up, and time stands still.
static void put_note(const Ensemble *e, double played, double seconds, char note[96]) {
    Standing at = standing_of(&e->worker[0]);
    double most = (double)e->setup->jumps_max;
    Text a = {0}, b = {0}, c = {0};
    if ((double)at.n_jump >= JUMPS_TOLD * most) {
        text_number(&a, (double)at.n_jump, 3);
        text_number(&b, most, 9);
        snprintf(note, 96, "%.20s jumps in one run; %.20s end it", text_view(&a), text_view(&b));
    } else if (played > 0 && seconds > 0) {
        text_number(&a, played / seconds, 3);
        snprintf(note, 96, "%.40s runs/s", text_view(&a));
    } else if (played == 0 && at.n > 0) {
        text_number(&a, at.time, 3);
        text_number(&b, e->setup->end, 3);
        text_number(&c, (double)at.n_jump, 3);
        snprintf(note, 96, "at %.16s of %.16s %ss, %.16s jump%s", text_view(&a), text_view(&b), e->setup->model->unit, text_view(&c),
                 at.n_jump == 1 ? "" : "s");
    }
    text_free(&c);
    text_free(&b);
    text_free(&a);
}

static void tell(const Ensemble *e, double now) {
    const SimOptions *o = e->setup->options;
    double done = (double)atomic_load(&e->n_done);
    char note[96] = "";
    put_note(e, done - (double)e->n_taken, now - e->begun, note);
    progress_tell(o->progress, "simulating", done, (double)o->n_run, note);
}

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
        if (!e->is_stopping && progress_stop(progress)) {
            e->is_stopping = true;
            e->stopped = now;
        }
        // what is kept is whole stretches; where nothing is kept there is nothing to wait for, and no one waits for runs without end
        bool waits = e->setup->options->keep && now - e->stopped < STOP_PATIENCE;
        if (e->is_stopping && !waits) atomic_store(e->setup->halt, true);
    }
    if (now - e->told >= TELL_SECONDS) {
        e->told = now;
        tell(e, now);
    }
}

// runs first .. first + n - 1, counted from the ensemble's first
static void play_some(Ensemble *e, Worker *w, int64_t first, int64_t n) {
    const SimOptions *o = e->setup->options;
    if (w->player)
        for (int64_t i = 0; i < n && !setup_is_over(e->setup, o->first_run + first + i); i++)
            player_play(w->player, o->first_run + first + i, poll, w);
    else if (o->kind == SIM_CONTINUOUS) block_play(w->block, o->first_run + first, (int32_t)n, poll, w);
    else                                walker_play(w->walker, o->first_run + first, (int32_t)n, poll, w);
}

static void play(void *context, int64_t task, int worker) {
    Ensemble *e = context;
    Worker *w = &e->worker[worker];
    const SimOptions *o = e->setup->options;
    int64_t first = e->begin + task * SIM_LANES, end = e->end - first < SIM_LANES ? e->end : first + SIM_LANES;
    poll(w);
    if (setup_is_over(e->setup, o->first_run + first)) return;
    int64_t n = end - first;
    // around the runs that are known to fail
    for (int32_t k = 0; k < e->n_skip; k++) {
        int64_t failed = e->setup->failure->failed[k].run - o->first_run;
        if (failed < first || failed >= end) continue;
        if (failed > first) play_some(e, w, first, failed - first);
        first = failed + 1;
    }
    if (first < end) play_some(e, w, first, end - first);
    if (!setup_is_over(e->setup, o->first_run + end - 1)) atomic_fetch_add(&e->n_done, n);
}

static void play_stretch(Ensemble *e, int64_t begin, int64_t end, Team *team) {
    e->begin = begin;
    e->end = end;
    // worker 0 goes on asking while it waits for the others
    team_run_watched(team, play, e, (end - begin + SIM_LANES - 1) / SIM_LANES, poll, &e->worker[0]);
}

static void put_together(Ensemble *e, Tally *total) {
    for (int i = 0; i < e->n_worker; i++) {
        if (e->walk) walker_tell(e->worker[i].walker);
        tally_merge(total, &e->worker[i].tally, e->setup);
        tally_clear(&e->worker[i].tally, e->setup);
    }
}

// what was counted before all of a stretch's runs were known to end well is forgotten, and it is played again around them
static void play_again(Ensemble *e, int64_t begin, int64_t end, Team *team) {
    for (int i = 0; i < e->n_worker; i++) {
        if (e->walk) walker_tell(e->worker[i].walker);
        tally_clear(&e->worker[i].tally, e->setup);
    }
    e->n_skip = e->setup->failure->n;
    atomic_fetch_sub(&e->n_done, end - begin);
    play_stretch(e, begin, end, team);
}

// ---- what is kept -------------------------------------------------------------------------------------------------

// paths keep one part: the runs that failed, and what the others counted together
static void save_paths(const Ensemble *e, const Tally *total, int64_t n_done) {
    const SimOptions *o = e->setup->options;
    const Failure *f = e->setup->failure;
    Text data = {0};
    text_append_n(&data, (const char *)&f->n, sizeof f->n);
    text_append_n(&data, (const char *)f->failed, (size_t)f->n * sizeof *f->failed);
    tally_pack(&data, total, e->setup);
    if (!data.failed) o->keep->save(o->keep->context, o->keep_name, o->first_run, n_done, text_view(&data), data.length);
    text_free(&data);
}

static int64_t load_paths(Ensemble *e, Tally *total) {
    const SimOptions *o = e->setup->options;
    Failure *f = e->setup->failure;
    Text data = {0};
    int32_t n = 0;
    int64_t n_done = o->keep->load(o->keep->context, o->keep_name, o->first_run, &data);
    const char *at = text_view(&data);
    if (n_done > 0 && data.length >= sizeof n) memcpy(&n, at, sizeof n);
    size_t head = sizeof n + (size_t)n * sizeof *f->failed;
    bool fine = n_done > 0 && n_done <= o->n_run && n >= 0 && n < f->most && data.length >= head &&
                tally_unpack(total, e->setup, at + head, data.length - head);
    if (fine) {
        memcpy(f->failed, at + sizeof n, (size_t)n * sizeof *f->failed);
        f->n = e->n_skip = n;
    }
    text_free(&data);
    return fine ? n_done : 0;
}

// measurements keep a part a stretch: its columns of the table
static void save_columns(const Ensemble *e, int64_t begin, int64_t end) {
    const Setup *s = e->setup;
    const SimOptions *o = s->options;
    Text data = {0};
    for (int32_t q = 0; q < s->n_meter; q++)
        text_append_n(&data, (const char *)(s->out + q * o->n_run + begin), (size_t)(end - begin) * sizeof *s->out);
    if (!data.failed)
        o->keep->save(o->keep->context, o->keep_name, o->first_run + begin, end - begin, text_view(&data), data.length);
    text_free(&data);
}

static int64_t load_columns(const Ensemble *e) {
    const Setup *s = e->setup;
    const SimOptions *o = s->options;
    Text data = {0};
    int64_t done = 0, n;
    while (done < o->n_run && (n = o->keep->load(o->keep->context, o->keep_name, o->first_run + done, &data)) > 0) {
        if (n > o->n_run - done || data.length != (size_t)(n * s->n_meter) * sizeof *s->out) break;
        for (int32_t q = 0; q < s->n_meter; q++)
            memcpy(s->out + q * o->n_run + done, text_view(&data) + (size_t)(q * n) * sizeof *s->out,
                   (size_t)n * sizeof *s->out);
        done += n;
    }
    text_free(&data);
    return done;
}

// runs of the next stretch: as many as take about half of the time between two savings
static int64_t stretch_runs(const Ensemble *e, int64_t last, double seconds, double often) {
    int64_t least = (int64_t)SIM_LANES * e->n_worker;
    if (last == 0) return least;
    double wanted = (double)last * fmin(4, often / 2 / fmax(seconds, 1e-9));
    return least * (1 + (int64_t)(wanted / (double)least));
}

// all runs, in one stretch or, where they are kept, in many; returns how many are done
static int64_t play_all(Ensemble *e, Tally *total, Team *team) {
    Setup *s = e->setup;
    const SimOptions *o = s->options;
    int64_t done = 0, last = 0;
    if (o->keep) done = s->n_meter ? load_columns(e) : load_paths(e, total);
    e->n_taken = done;
    atomic_store(&e->n_done, done);
    int64_t settled = done;        // runs that are in `total`, or saved
    double  often = o->keep && o->keep->seconds > 0 ? o->keep->seconds : SIM_KEEP_SECONDS;
    double  saved = progress_seconds(), seconds = 0, pause = often;
    while (done < o->n_run) {
        double begun = progress_seconds();
        int64_t n = o->keep ? stretch_runs(e, last, seconds, often) : o->n_run;
        if (n > o->n_run - done) n = o->n_run - done;
        play_stretch(e, done, done + n, team);
        if (setup_is_over(s, INT64_MAX)) return atomic_load(&e->n_done);
        if (s->failure->n > e->n_skip) {
            play_again(e, settled, done + n, team);
            if (setup_is_over(s, INT64_MAX)) return atomic_load(&e->n_done);
        }
        done += n;
        last = n;
        double now = progress_seconds();
        seconds = now - begun;
        bool is_end = done == o->n_run || e->is_stopping;
        // what took no time is as soon played as read
        if (o->keep && (now - saved >= pause || (is_end && now - e->begun >= often / 4))) {
            if (s->n_meter) save_columns(e, settled, done);
            else {
                put_together(e, total);
                save_paths(e, total, done);
            }
            settled = done;
            saved = progress_seconds();
            pause = fmax(often, SIM_KEEP_SHARE * (saved - now));
            // a good moment to stop: nothing that is done would be lost
            if (!is_end && progress_stop(o->progress)) e->is_stopping = true;
        }
        if (e->is_stopping) break;
    }
    put_together(e, total);
    return done;
}

DurStatus setup_run(Setup *s, Tally *total, Team *team, DurError *error) {
    Ensemble e = {.setup = s, .n_worker = team_size(team)};
    e.begun = e.told = progress_seconds();
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
        *w = (Worker){.ensemble = &e, .number = i};
        if (!tally_make(&w->tally, s)) goto done;
        if (is_rounds)                            w->player = player_make(s, &w->tally);
        else if (s->options->kind == SIM_LATTICE) w->walker = walker_make(e.walk, &w->tally);
        else                                      w->block = block_make(s, &w->tally);
        if (!w->walker && !w->block && !w->player) goto done;
    }
    int64_t n_done = play_all(&e, total, team);

    status = DUR_OK;
    const Failure *f = s->failure;
    if (f->n == f->most) {
        status = status_pass(error, f->failed[0].status, &f->failed[0].error);
    } else if (n_done < s->options->n_run || atomic_load(s->halt)) {
        status = status_fail(error, DUR_INTERRUPTED, "interrupted after %lld of %lld runs", (long long)n_done,
                             (long long)s->options->n_run);
    }
    if (status == DUR_OK && s->options->progress) tell(&e, progress_seconds());

done:
    for (int i = 0; e.worker && i < e.n_worker; i++) {
        walker_free(e.worker[i].walker);
        block_free(e.worker[i].block);
        player_free(e.worker[i].player);
        tally_free(&e.worker[i].tally);
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
