/// Ensembles: many runs of one scenario under one plan, on the lattice or with continuous stocks. One run is a
/// function of (scenario, parameters, seed, run number) alone: the same bits whatever the threads, vector width or
/// order, and whatever is measured and for how long. Runs of one seed and number under different plans share their
/// luck as far as they can: candidates for random times, the numbers that choices are drawn with, random sizes and
/// noise.
///
/// A path is right-continuous: at an instant it is where the last of the instant's changes left it. At the same time
/// a step of the plan sets its modes first, then events on that date happen as declared.
///
/// With continuous stocks a step of the ODE is at most a quarter of a scenario unit of time long, and conditions,
/// integrals and maxima look at five instants of it: a condition that holds for less than a sixteenth of a unit may
/// be missed. Moves whose guard holds at no node in a combination of modes have no advantage to go by there: they are
/// not made.
#ifndef SIM_SIM_H
#define SIM_SIM_H

#include "base/progress.h"
#include "base/status.h"
#include "base/team.h"
#include "frame/frame.h"
#include "lattice/policy.h"
#include "model/model.h"
#include "sim/keep.h"

/// Runs of an ensemble of paths that may fail before it is given up: they are left out and told, and the rest goes on.
#define SIM_FAILED_MAX 16

/// Events in one run beyond which it is called explosive and the ensemble ends with DUR_LIMIT and a sentence.
#define SIM_JUMPS_MAX 10000000

typedef enum SimKind {
    SIM_CONTINUOUS,   // stocks move along their drift, jumps by thinning; choices from Q interpolated between nodes
    SIM_LATTICE       // the solved chain itself, jump by jump
} SimKind;

typedef struct SimOptions {
    SimKind  kind;
    int64_t  first_run, n_run;     // run numbers first_run .. first_run + n_run - 1
    uint64_t seed;
    double   horizon;              // scenario units, > 0: how far paths go, and how long an `until` without an end waits
    double   step_tolerance;       // largest error of one ODE step relative to a stock's range; 0: 1e-6
    const Progress *progress;      // may be NULL
    const SimKeep *keep;           // where runs that are done are kept; NULL: nowhere
    const char *keep_name;         // under which name: one for each plan and list of quantities
} SimOptions;

/// Play runs and measure quantities on each (model->quantity indices; the quantities' own policy is not looked at: the
/// plan says who plays what). A run lasts until the last of their windows ends; an `until` without an end lasts until the
/// horizon.
///
///   quantity  [n_quantity] indices; LONG_RUN is not measurable on a run: DUR_INPUT
///   out       [n_quantity x n_run], one row a quantity; probabilities are 0 or 1
///
/// Returns DUR_OK; DUR_DOMAIN if an expression had no finite value or a rate broke its bound on some run (the sentence
/// names run, time and expression); DUR_LIMIT for an explosive run; DUR_INTERRUPTED; DUR_MEMORY.
DurStatus sim_measure(const Lattice *lattice, const Plan *plan, const SimOptions *options, const int32_t *quantity,
                      int32_t n_quantity, double *out, Team *team, DurError *error);

/// Paths over time, as statistics that stream: they take no memory per run. All are counts or sums of whole numbers,
/// so runs may be added up in any order.
typedef struct SimFailed {
    int64_t   run;
    DurStatus status;
    DurError  error;       // "run 17, at 3.25 month (2025-04-28): SENTENCE"
} SimFailed;

typedef struct SimPaths {
    int32_t n_time;
    double *time;          // [n_time] scenario units, evenly spaced from 0 to the horizon
    int32_t n_stock, n_mode, n_jump;   // beliefs count as stocks, after them: row k is variable model->n_mode + k
    double *mean;          // [n_stock x n_time], error at most 2^-41 of the stock's range
    double *quantile;      // [n_stock x SIM_QUANTILES x n_time], error at most 1/2048 of the stock's range
    double *share;         // [sum of n_value over modes, in order, x n_time] share of runs with the mode at that value
    double *count;         // [n_jump] mean number of times that it happened in a run
    int64_t n_run;         // that statistics are over: those asked for, but for those that failed
    int32_t n_failed;      // runs that failed and are left out of everything
    SimFailed failed[SIM_FAILED_MAX];   // [n_failed] by number
    double  n_event;       // jumps of all runs together
    double  seconds;
} SimPaths;
#define SIM_QUANTILES 5    // .05 .25 .5 .75 .95
extern const double SIM_QUANTILE[SIM_QUANTILES];

/// Returns DUR_OK, also where some runs failed: look at n_failed. Where more than SIM_FAILED_MAX do, the ensemble ends with the
/// status and the sentence of the first of them. Runs that fail are played again up to where they do, and the stretch around
/// them without them, so that nothing of them is counted.
DurStatus sim_paths(SimPaths *out, const Lattice *lattice, const Plan *plan, const SimOptions *options, int32_t n_time,
                    Team *team, DurError *error);
void      sim_paths_free(SimPaths *paths);

/// What runs showed at the looks, counted: what paths are made of. Parts of an ensemble that were played apart add up to the
/// very numbers of the whole.
typedef struct SimCount SimCount;

/// Play runs and count. sim_paths is this and sim_count_paths.
DurStatus sim_count(SimCount **out, const Lattice *lattice, const Plan *plan, const SimOptions *options, int32_t n_time,
                    Team *team, DurError *error);
void      sim_count_free(SimCount *count);
/// Add the runs that follow those of `into`, of the same model and looks. DUR_SHAPE if they are others.
DurStatus sim_count_add(SimCount *into, const SimCount *from, DurError *error);
DurStatus sim_count_paths(SimPaths *out, const SimCount *count, DurError *error);
/// As text, to the end of it; and back, of the model and looks that it was counted with: DUR_INPUT if it is not such a text.
void      sim_count_print(const SimCount *count, Text *out);
DurStatus sim_count_read(SimCount **out, const Model *model, double horizon, int32_t n_time, int64_t first_run, int64_t n_run,
                         const char *text, DurError *error);

/// Paths themselves: every variable of the model at every look of every run.
///   time      [n_time] scenario units, rising, from 0 on and at most the horizon
///   out       [n_variable x n_time x n_run]: modes as the index of their value, stocks, beliefs
/// Returns what sim_measure returns. Memory: `out` and nothing else that grows with runs or looks.
DurStatus sim_keep(const Lattice *lattice, const Plan *plan, const SimOptions *options, const double *time, int32_t n_time,
                   double *out, Team *team, DurError *error);

/// Something that happened in one run.
typedef struct SimEvent {
    double  time;
    int32_t jump, step;         // a jump, or the step of the plan that began; the other is negative
    int32_t in_step;            // step of the plan before it
    double  probability, wait;  // of a move: that its mover picked it at this opportunity, and that it waited; else NaN
} SimEvent;

/// One run, replayed: the same that the ensemble has under that number. Jumps of modes and stocks alone: on the lattice, drift
/// is not told step by step.
typedef struct SimTrace {
    int32_t  n_variable;
    int64_t  n_event;
    SimEvent *event;            // [n_event] in order
    double  *level;             // [n_event x 2 x n_variable] all variables right before and right after
    double  *end;               // [n_variable x 2] at the beginning, after what happens at time 0, and at the horizon
    // while it is made
    int64_t  capacity;
    int32_t  step;
    double   probability, wait;
    bool     failed;
} SimTrace;
static inline double *sim_trace_before(const SimTrace *t, int64_t event) { return t->level + 2 * event * t->n_variable; }
static inline double *sim_trace_after(const SimTrace *t, int64_t event)  { return sim_trace_before(t, event) + t->n_variable; }

/// Replay run number `run` (options->first_run and n_run are not looked at). Returns what sim_measure returns.
DurStatus sim_trace(SimTrace *out, const Lattice *lattice, const Plan *plan, const SimOptions *options, int64_t run,
                    DurError *error);
void      sim_trace_free(SimTrace *trace);

/// The same as frames: stocks (variable, time, date, mean, q05 ... q95) and modes (mode, value, time, date, share).
/// Rows are stock by stock (mode by mode, value by value), times ascending. NULL when memory is out.
Frame *sim_stock_frame(const SimPaths *paths, const Model *model, const char *policy);
Frame *sim_mode_frame(const SimPaths *paths, const Model *model, const char *policy);

#endif
