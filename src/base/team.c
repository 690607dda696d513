#define _GNU_SOURCE
#include "base/team.h"

#include "base/compiler.h"
#include "base/memory.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <time.h>

struct Team {
    int n_thread;              // with the caller
    int n_started;             // threads that really run (n_thread - 1 when all is well)
    pthread_t *thread;
    pthread_mutex_t lock;
    pthread_cond_t  start, done;
    _Atomic int64_t round;     // counts calls of team_run, so that a thread knows a new one
    _Atomic int     n_busy;    // threads still in this round
    _Atomic bool    quit;
    TeamTask task;
    void    *context;
    int64_t  n_task;
    _Atomic int64_t next;      // the task that nobody has taken yet
    _Atomic int64_t finished;  // stages: tasks that are done
    int64_t  n_stage;          // 0: the tasks do not wait for one another
    const int64_t *first;      // [n_stage + 1] borrowed
    _Atomic int     n_worker;  // hands each thread its worker number once
};

/// Nanoseconds between two looks of a caller that waits for others.
#define WATCH_EVERY 50000000

/// Looks at a counter before a waiting thread lets others have the core: some tens of microseconds.
#define LOOKS_MOST 2000

// tasks are taken in the order of their numbers, so whoever waits here waits for tasks that somebody already works at
static void work_stages(Team *team, int worker) {
    int64_t stage = 0;
    for (;;) {
        int64_t i = atomic_fetch_add_explicit(&team->next, 1, memory_order_relaxed);
        if (i >= team->n_task) return;
        while (i >= team->first[stage + 1]) stage++;
        for (int look = 0; atomic_load_explicit(&team->finished, memory_order_acquire) < team->first[stage]; look++)
            if (look < LOOKS_MOST) DUR_PAUSE();
            else sched_yield();
        team->task(team->context, i, worker);
        atomic_fetch_add_explicit(&team->finished, 1, memory_order_release);
    }
}

static void work(Team *team, int worker) {
    if (team->n_stage > 0) {
        work_stages(team, worker);
        return;
    }
    for (;;) {
        int64_t i = atomic_fetch_add_explicit(&team->next, 1, memory_order_relaxed);
        if (i >= team->n_task) return;
        team->task(team->context, i, worker);
    }
}

static void *thread_main(void *arg) {
    Team *team = arg;
    int worker = atomic_fetch_add(&team->n_worker, 1);
    int64_t seen = 0;
    for (;;) {
        // the next round is often there before a thread could fall asleep
        for (int look = 0; look < LOOKS_MOST && team->round == seen && !team->quit; look++) DUR_PAUSE();
        if (team->round == seen) {
            pthread_mutex_lock(&team->lock);
            while (team->round == seen && !team->quit) pthread_cond_wait(&team->start, &team->lock);
            pthread_mutex_unlock(&team->lock);
        }
        if (team->quit) break;
        seen = team->round;
        work(team, worker);
        pthread_mutex_lock(&team->lock);
        if (--team->n_busy == 0) pthread_cond_signal(&team->done);
        pthread_mutex_unlock(&team->lock);
    }
    return NULL;
}

int64_t team_stage(int64_t n_stage, const int64_t *first, int64_t task) {
    int64_t low = 0, high = n_stage;
    while (high - low > 1) {
        int64_t middle = (low + high) / 2;
        if (first[middle] <= task) low = middle; else high = middle;
    }
    return low;
}

int team_core_count(void) {
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set)) return 1;
    int n = CPU_COUNT(&set);
    return n > 0 ? n : 1;
}

Team *team_make(int n_thread) {
    if (n_thread <= 0) n_thread = team_core_count();
    Team *team = memory_zeroed(1, sizeof *team);
    if (!team) return NULL;
    team->n_thread = n_thread;
    atomic_store(&team->n_worker, 1);
    pthread_mutex_init(&team->lock, NULL);
    pthread_cond_init(&team->start, NULL);
    // who waits with a limit does so on a clock that is never set
    pthread_condattr_t clock;
    pthread_condattr_init(&clock);
    pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
    pthread_cond_init(&team->done, &clock);
    pthread_condattr_destroy(&clock);
    team->thread = memory_zeroed((size_t)n_thread, sizeof *team->thread);
    if (!team->thread) { team_free(team); return NULL; }

    // fewer threads than asked for only makes the work slower, so a refusal is not an error
    for (int i = 1; i < n_thread; i++) {
        if (pthread_create(&team->thread[team->n_started], NULL, thread_main, team)) break;
        team->n_started++;
    }
    return team;
}

void team_free(Team *team) {
    if (!team) return;
    pthread_mutex_lock(&team->lock);
    team->quit = true;
    pthread_cond_broadcast(&team->start);
    pthread_mutex_unlock(&team->lock);
    for (int i = 0; i < team->n_started; i++) pthread_join(team->thread[i], NULL);
    pthread_cond_destroy(&team->done);
    pthread_cond_destroy(&team->start);
    pthread_mutex_destroy(&team->lock);
    memory_free(team->thread);
    memory_free(team);
}

int team_size(const Team *team) { return team ? team->n_thread : 1; }

// until the others are done, or for a while; the lock is held. False: they are not
static bool wait_a_while(Team *team) {
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += WATCH_EVERY;
    if (until.tv_nsec >= 1000000000) { until.tv_nsec -= 1000000000; until.tv_sec++; }
    while (team->n_busy > 0)
        if (pthread_cond_timedwait(&team->done, &team->lock, &until)) break;
    return team->n_busy == 0;
}

static void run(Team *team, TeamTask task, void *context, int64_t n_task, int64_t n_stage, const int64_t *first,
                void (*watch)(void *), void *watch_context) {
    if (!team || team->n_started == 0 || n_task <= 1) {
        for (int64_t i = 0; i < n_task; i++) task(context, i, 0);
        return;
    }
    pthread_mutex_lock(&team->lock);
    team->n_stage = n_stage;
    team->first = first;
    atomic_store_explicit(&team->finished, 0, memory_order_relaxed);
    team->task = task;
    team->context = context;
    team->n_task = n_task;
    atomic_store_explicit(&team->next, 0, memory_order_relaxed);
    team->n_busy = team->n_started;
    team->round++;
    pthread_cond_broadcast(&team->start);
    pthread_mutex_unlock(&team->lock);

    work(team, 0);

    for (int look = 0; look < LOOKS_MOST && team->n_busy > 0; look++) DUR_PAUSE();
    pthread_mutex_lock(&team->lock);
    while (watch && !wait_a_while(team)) {
        pthread_mutex_unlock(&team->lock);
        watch(watch_context);
        pthread_mutex_lock(&team->lock);
    }
    while (team->n_busy > 0) pthread_cond_wait(&team->done, &team->lock);
    pthread_mutex_unlock(&team->lock);
}

void team_run(Team *team, TeamTask task, void *context, int64_t n_task) { run(team, task, context, n_task, 0, NULL, NULL, NULL); }

void team_run_watched(Team *team, TeamTask task, void *context, int64_t n_task, void (*watch)(void *), void *watch_context) {
    run(team, task, context, n_task, 0, NULL, watch, watch_context);
}

void team_run_stages(Team *team, TeamTask task, void *context, int64_t n_stage, const int64_t *first) {
    run(team, task, context, first[n_stage], n_stage, first, NULL, NULL);
}
