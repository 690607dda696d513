/// What the files of `sim` share and nobody else needs.
///
/// An ensemble is cut into tasks of SIM_LANES runs, which a worker plays side by side: with continuous stocks as a Block, on
/// the lattice as a Walker; in rounds one after the other. What is gathered over runs (Tally)
/// is whole numbers alone, so that it does not matter who adds what when.
#ifndef SIM_INTERNAL_H
#define SIM_INTERNAL_H

#include "num/philox.h"
#include "sim/sim.h"

#include <math.h>
#include <stdatomic.h>

/// Runs of one task, and lanes of one block. More share out the cost of interpreting an operation, fewer keep the
/// columns in cache and give every core something to do.
#define SIM_LANES 128

/// Times that something may happen beyond which a run is given up: candidates of the thinning and steps of the ODE
/// count, which may be many more than jumps.
#define SIM_TRIES_MAX (50LL * SIM_JUMPS_MAX)

/// Bins of a stock's range in the histograms of paths: quantiles err by at most one bin.
#define SIM_BINS 2048

/// Where random numbers come from: a site is an own sequence for each purpose, its index says which use. Nothing here
/// depends on the policy, so runs of the same number under different plans meet the same luck.
///   START      0                where a run starts when the start is split between nodes (lattice)
///   CANDIDATE  k                time and selection of candidate k
///   SIZE + d   k                random size d of what candidate k brings about; on the lattice SIZE picks the target
///   DATED + d  jump             the same of an event on a date
///   TYPE       private          an actor's type at the start
///   BELIEF     k                on the lattice: the node that the belief goes to by candidate k
///   NOISE + s  cell             noise of stock s in that cell of time
///   BRIDGE + s cell             how far it goes in the first step of that cell (later ones: bridge.c)
///   BETWEEN + s cell            where it is between the ends of that step, OPEN + s if a window opens and ends in it
///   KNOT + s   cell             where it is at its end, if that is not the cell's
/// In rounds, the index is the round (of an event on a date, the jump):
///   CHOICE + a                  whether actor a attends, and what it picks
///   CHANCE + j                  whether event j happens
///   EFFECT + 16 j + d           random size d of jump j; on the lattice d = 0 picks the target
///   CHANGE                      on the lattice, where the change of stocks leads
enum { SITE_START = 0, SITE_CANDIDATE = 1, SITE_TYPE = 2, SITE_BELIEF = 3, SITE_SIZE = 16, SITE_DATED = 256, SITE_NOISE = 1024,
       SITE_BRIDGE = 2048, SITE_BETWEEN = 3072, SITE_KNOT = 4096, SITE_OPEN = 5120, SITE_CHANGE = 0x4000, SITE_CHOICE = 0x10000, SITE_CHANCE = 0x20000, SITE_EFFECT = 0x40000 };

/// What can bring about a jump at a random time: an event, an actor's opportunities, or a change of its type. (On the lattice drift and
/// noise, too; see chain_run.c.)
typedef struct Source {
    int32_t   jump, actor;     // one of them is negative, or both
    int32_t   private, becomes;   // both negative: the private that becomes a type, and which of its `becomes`; else negative
    ProgramId when, rate;      // guard of an event (may be PROGRAM_NONE), and its hazard or the actor's `attends`
    double    bound;           // least upper bound found over all states; INFINITY if none
    double    constant;        // the rate, if it is the same in all states; else NaN
} Source;

/// Something that happens at a time of its own: step `step` of the plan begins, or event `jump` has its date; the
/// other is negative. In the order in which they happen: at the same time first the plan, then events as declared.
/// ORDER: instants, also in check/exact.c.
typedef struct Instant {
    double  time;
    int32_t step, jump;
} Instant;

/// A quantity to measure. Its window ends with the run at the latest.
typedef struct Meter {
    const ModelQuantity *quantity;
    QuantityKind kind;
    double from, to;
    bool   moves;              // x or `until` reads a stock that moves between jumps
    uint64_t noisy;            // stocks with noise that x or `until` reads, as indices into setup->moving
} Meter;

/// The first runs, by number, that met a fault. Once there are `most` of them the ensemble has failed, and runs of higher
/// numbers than theirs need not be played any more.
typedef struct Failure {
    atomic_flag lock;
    _Atomic int64_t run;       // the last run that matters; INT64_MAX: all do
    int32_t   n, most;
    SimFailed failed[SIM_FAILED_MAX + 1];   // [n] by number
} Failure;

/// What is counted over runs: whole numbers, added in any order.
typedef struct Tally {
    int64_t  *count;           // [n_jump] times that each jump happened
    int64_t   n_event;         // jumps of any kind
    int64_t  *bin;             // [n_level x n_time x (SIM_BINS + 2)]
    uint64_t *sum, *carry;     // [n_level x n_time] of levels as shares of the range, in units of 2^-SIM_SHARE_BITS
    int64_t  *share;           // [sum of n_value x n_time] runs in which the mode has the value
} Tally;

/// Bits of a level, as a share of its range, in sums over runs: means err by at most 2^-41 of the range, and the sum of
/// whole numbers is the same in any order.
#define SIM_SHARE_BITS 40

/// Everything about an ensemble that runs only read.
typedef struct Setup {
    const Lattice *lattice;
    const Model   *model;
    const Plan    *plan;
    const SimOptions *options;
    double   end;              // runs last until here
    int64_t  jumps_max;        // SIM_JUMPS_MAX, unless a test has less patience
    size_t   rows_max;         // bytes of the lattice's states that a walker keeps; SIZE_MAX, unless a test wants few

    int32_t  n_source;
    Source  *source;           // [n_source] events, then actors
    bool     is_shared;        // candidates come at the constant rate slot[n_source], the same for every policy and state;
    double  *slot;             // [n_source + 1] ... and source i owns the part slot[i] .. slot[i + 1] of it
    int32_t *first_move;       // [n_actor + 1] into move
    int32_t *move;             // moves actor by actor
    int32_t *first_open;       // [n_step x n_actor x n_mode_state + 1] into open (setup_open)
    int32_t *open;             // moves that are possible, by step of the plan, actor and combination of modes
    int64_t *open_at;          // where in the policy's entries they begin

    int32_t  n_instant;
    Instant *instant;          // [n_instant] after time 0 or at it, rising
    int32_t  n_meter;
    Meter   *meter;            // [n_meter]
    double  *out;              // [n_meter x n_run]
    int32_t  n_time;
    double  *time;             // [n_time] at which paths are looked at
    SimTrace *trace;           // of the only run; NULL: nobody wants to know
    double  *kept;             // [n_variable x n_time x n_run] paths; NULL: they are only counted
    int64_t *value_base;       // [n_mode] first of a mode's values in Tally.share

    int32_t  n_level;
    ModelStock *level;         // [n_level] stocks, and after them beliefs as stocks from 0 to 1 without programs: variable
                               // n_mode + k is level k
    int32_t  n_moving;
    int32_t *moving;           // [n_moving] levels with drift or noise, beliefs that may drift
    uint64_t moving_mask;      // the same as variables
    int32_t  n_noisy;          // how many of them have noise
    double   tolerance;        // of one ODE step, as a share of a stock's range
    double   cell;             // noise is constant over cells of time of this length; INFINITY: no noise

    Failure *failure;
    _Atomic bool *halt;        // the caller asked to stop
} Setup;

/// Where the moves that are possible for an actor in a combination of modes begin in setup->first_open; they end where the
/// next begin.
static inline int64_t setup_open(const Setup *s, int32_t step, int32_t actor, int64_t mode_state) {
    return ((int64_t)step * s->model->n_actor + actor) * s->lattice->n_mode_state + mode_state;
}

/// True if a run of this number need not be played on: an earlier one failed, or the caller asked to stop.
static inline bool setup_is_over(const Setup *s, int64_t run) {
    return atomic_load_explicit(s->halt, memory_order_relaxed)
        || atomic_load_explicit(&s->failure->run, memory_order_relaxed) < run;
}

/// Note that a run failed at a time: "run 17, at 3.25 month (2025-04-28): SENTENCE". The lowest run numbers stand.
/// `program` adds the expression and where it stands; PROGRAM_NONE: nothing.
void setup_fail(const Setup *setup, int64_t run, double time, DurStatus status, ProgramId program, const char *format, ...)
    DUR_PRINTF(6, 7);

/// Level at which a stock or belief starts.
double setup_start(const Setup *setup, int32_t stock);

/// What a source is called in a sentence, into a caller's buffer; returns the buffer.
const char *source_name(const Setup *setup, int32_t source, char *buffer, int size);

// ---- bounds on rates (bound.c) ------------------------------------------------------------------------------------

/// An upper bound on the rate of a source over a box of states ([n_variable] intervals), 0 where its guard cannot hold.
double source_bound(const Setup *setup, const Source *source, const Interval *box);

/// The same over all states: combinations of modes one by one, the ranges of stocks in parts.
double source_supremum(const Setup *setup, const Source *source);

/// The rate of a source in one state, 0 where its guard does not hold; unchecked.
double source_rate(const Setup *setup, const Source *source, const double *state);

// ---- counting (tally.c) -------------------------------------------------------------------------------------------

/// Where a run keeps what a variable is at a look.
static inline double *setup_kept(const Setup *s, int64_t run, int32_t variable, int32_t i_time) {
    return s->kept + ((int64_t)variable * s->n_time + i_time) * s->options->n_run + (run - s->options->first_run);
}

bool tally_make(Tally *tally, const Setup *setup);
void tally_free(Tally *tally);
void tally_merge(Tally *into, const Tally *from, const Setup *setup);
/// The numbers of 64 bits that a tally holds, in a fixed order, and how many there are.
int64_t *tally_number(Tally *tally, const Setup *setup, size_t i);
size_t   tally_size(const Setup *setup);
void tally_clear(Tally *tally, const Setup *setup);
/// A tally as bytes, a few for each number that is not 0, and back into one that is clear; false if the bytes are of another
/// ensemble.
void tally_pack(Text *out, const Tally *tally, const Setup *setup);
bool tally_unpack(Tally *tally, const Setup *setup, const char *data, size_t n);
/// A look at one run's state at time[i_time].
void tally_stock(Tally *tally, const Setup *setup, int32_t stock, int32_t i_time, double level);
void tally_mode(Tally *tally, const Setup *setup, int32_t mode, int32_t i_time, int32_t value);
/// The same of n runs, fewer than 2^23, that stand at levels of their own; NaN is left out.
void tally_levels(Tally *tally, const Setup *setup, int32_t stock, int32_t i_time, const double *level, int32_t n);
/// The same of many runs that stand at the same.
void tally_stocks(Tally *tally, const Setup *setup, int32_t stock, int32_t i_time, double level, uint32_t n_run);
void tally_modes(Tally *tally, const Setup *setup, int32_t mode, int32_t i_time, int32_t value, uint32_t n_run);

// ---- telling one run (trace.c) ------------------------------------------------------------------------------------

/// Something happens in the state `before`, [n_variable]; what trace->probability and wait hold goes along.
void trace_add(const Setup *setup, double time, int32_t jump, int32_t step, const double *before);
/// The state after all that happened at this instant.
void trace_after(const Setup *setup, const double *after);

// ---- measuring ----------------------------------------------------------------------------------------------------

/// What a meter shows before its window begins, and at the end of the run.
static inline double meter_begin(const Meter *m) {
    return m->kind == QUANTITY_THROUGHOUT ? 1.0 : m->kind == QUANTITY_MAX ? -INFINITY : 0.0;
}
static inline double meter_end(const Meter *m, double value) {
    return m->kind == QUANTITY_MEAN ? value / (m->to - m->from) : value;
}

/// One instant inside the window of a condition or a maximum: x and `until` there. True if the meter is settled.
static inline bool meter_look(const Meter *m, double x, double until, double *value) {
    switch (m->kind) {
    case QUANTITY_WITHIN:
        if (x != 0) *value = 1;
        return x != 0;
    case QUANTITY_THROUGHOUT:
        if (x == 0) *value = 0;
        return x == 0;
    case QUANTITY_UNTIL:
        if (until != 0) *value = 1;
        return until != 0 || x == 0;
    case QUANTITY_AT:
        *value = m->quantity->is_probability ? x != 0 : x;
        return true;
    case QUANTITY_MAX:
        if (x > *value) *value = x;
        return false;
    default:
        return false;
    }
}

/// How far the runs being played are: n of them, the time that the last one has got to, and the most jumps of one so far.
typedef struct Standing { int32_t n; double time; int64_t n_jump; } Standing;

// ---- the two kinds ------------------------------------------------------------------------------------------------

typedef struct Block Block;   // continuous.c
Block *block_make(const Setup *setup, Tally *tally);
void   block_free(Block *block);
/// Play runs first .. first + n - 1, n <= SIM_LANES. `poll` is called now and then.
void   block_play(Block *block, int64_t first, int32_t n, void (*poll)(void *), void *context);
Standing block_standing(const Block *block);

typedef struct Walker Walker; // chain_run.c
/// What walkers share (walker.h).
typedef struct Walk Walk;
DurStatus walk_make(Walk **out, const Setup *setup, DurError *error);
void      walk_free(Walk *walk);
Walker   *walker_make(const Walk *walk, Tally *tally);
void      walker_free(Walker *walker);
/// Play runs first .. first + n - 1, n <= SIM_LANES. `poll` is called now and then.
void      walker_play(Walker *walker, int64_t first, int32_t n, void (*poll)(void *), void *context);
Standing  walker_standing(const Walker *walker);
/// What the walker has counted by itself goes into its tally: due once, when it has played all its runs.
void      walker_tell(Walker *walker);

typedef struct Player Player; // rounds.c: both kinds, with `clock rounds`
Player *player_make(const Setup *setup, Tally *tally);
void    player_free(Player *player);
void    player_play(Player *player, int64_t run, void (*poll)(void *), void *context);
Standing player_standing(const Player *player);

/// One draw of a random size, in standard form.
double draw_size(const ModelDraw *draw, Stream *stream);

// ---- the ensemble (ensemble.c) ------------------------------------------------------------------------------------

/// Everything but the threads: sources and their bounds, instants, meters. Also on failure setup_free is due.
DurStatus setup_make(Setup *setup, const Lattice *lattice, const Plan *plan, const SimOptions *options,
                     const int32_t *quantity, int32_t n_quantity, double *out, const double *time, int32_t n_time,
                     DurError *error);
/// The part of it that counting needs: levels, looks, where values of modes are counted. setup_free is due.
DurStatus setup_shape(Setup *setup, const Model *model, const double *time, int32_t n_time);
void      setup_free(Setup *setup);
/// Play all runs; what they counted is added up in `total` (made by the caller, clear). Runs that failed are left out where
/// fewer than failure->most did.
DurStatus setup_run(Setup *setup, Tally *total, Team *team, DurError *error);
/// The status, with a sentence if memory is out.
DurStatus setup_say_memory(DurStatus status, DurError *error);

#endif
