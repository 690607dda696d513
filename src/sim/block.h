/// A block: runs with continuous stocks that advance together, a lane each, a column for each variable. In every round
/// each lane takes one step of the ODE of its own length, to wherever something may happen to it next; then what
/// happens is done for lists of lanes: one event for all lanes that it hits, one actor's choice for all that have
/// an opportunity. A lane's numbers depend on that lane alone.
///
/// Time between jumps: Bogacki and Shampine's 3(2) pair (1989) with step control, and its cubic interpolant. Random
/// times: thinning (Lewis and Shedler 1979), candidates at a rate that bounds all rates, or, where that is far too
/// high, all rates near the path for a while (Extrande, Voliotis et al. 2016). Noise: dW is spread evenly over cells
/// of time that are short against all that moves, or what a step cuts off them, with the noise taken at the beginning and Milstein's
/// correction from a difference (Kloeden and Platen 1992, 11.1): strong order 1; weak order 1, 2 where noise does not
/// depend on its stock. At an end of a range noise is reflected; that, and what conditions and maxima see of noise between the
/// ends of a cell: bridge.c.
#ifndef SIM_BLOCK_H
#define SIM_BLOCK_H

#include "eval/bundle.h"
#include "sim/internal.h"

/// Longest step, in scenario units of time. Conditions and maxima are looked at at both ends of a step and at POINTS
/// - 2 instants between, so one that holds for less than a sixteenth of a unit may be missed.
#define STEP_MAX 0.25

/// Instants of a step at which quantities that move are looked at, both ends included; also the nodes of Boole's rule.
#define POINTS 5

/// Errors up to this share of what is allowed make the next step five times as long.
#define STEP_EASY 0.005

/// One lane's own numbers that no loop over lanes needs side by side.
typedef struct Lane {
    int64_t  run;
    uint32_t candidate;        // of the thinning, the one that is due
    int32_t  instant;          // next of setup->instant
    int32_t  step;             // of the plan
    int32_t  sample;           // next of setup->time
    int32_t  n_open;           // meters that are not settled
    int32_t  scale;            // of the box for which local bounds hold: half its width is range * 2^-scale
    int64_t  cell;             // of noise
    uint32_t stretch;          // steps in it that are over
    int64_t  n_jump;
    double  *path;             // where its path is kept; NULL: nowhere
    bool     is_unbounded;     // local bounds do not hold any more: they must be had anew
    bool     is_new_cell;
} Lane;

/// The nodes around a point, as offsets inside a combination of modes, and their weights.
typedef struct Corners {
    int32_t  n;
    int64_t  base;             // all offsets begin here
    uint64_t split;            // stocks between whose nodes the point lies: where they are the same, offsets are; all ones: not known
    int64_t *at;               // [n] offsets
    double  *weight;           // [n], and room for a vector more
    double   pair_up;          // each stands for two neighbouring nodes, the second with this share; negative: for one
} Corners;

/// Noise of the present step, [n_moving] columns each (bridge.c).
typedef struct Bridge {
    double **noise, **bend;    // at its beginning; half of noise times how it changes with its stock
    double **up, **down;       // exponential numbers of the step
    double **push;             // what an end of the range adds to the drift
    double **between;          // a normal number, for values inside the step; NaN: not drawn yet
} Bridge;

struct Block {
    const Setup *setup;
    Tally   *tally;
    int32_t  n;                // lanes in use: 0 .. n-1
    int64_t  first;            // run of the block
    double  *seen;             // [n_level x n_time x SIM_LANES] levels at looks, run by run; NULL: that would be too many
    int64_t  n_round;          // steps that were tried, the same number for all lanes
    Lane     lane[SIM_LANES];
    bool     is_stale[SIM_LANES];   // the state has jumped: drift must be had anew
    bool     is_over[SIM_LANES];    // failed, or everything is measured

    // columns of SIM_LANES doubles that move with a lane
    double **x;                // [n_variable] state at time t
    double **drift;            // [n_moving] at t
    double **force;            // [n_moving] noise, as a drift that is constant over the step; NULL without noise
    double **normal;           // [n_moving] of the cell, of what is left of it
    Bridge   bridge;           // NULL without noise
    double **type;             // [n_private] true types
    double **value;            // [n_meter] so far
    double **settled;          // [n_meter] 1: value is final
    double **slot;             // [n_source + 1] local bounds, added up; NULL if candidates are shared
    double **center;           // [n_level] of the box; NULL if candidates are shared
    double  *t, *length;       // time; length of step that is tried next
    double  *date;             // of the next instant; INFINITY: none
    double  *look;             // next time at which paths are looked at; INFINITY: none
    double  *due, *pick;       // when the next candidate comes, and its uniform number
    double  *budget;           // unit exponential time that the candidate had left at `since` (local bounds)
    double  *since;
    double  *bounded;          // local bounds hold until this time, unless a jump leaves the box
    int32_t  n_column;
    double **column;           // [n_column] all of the above

    // columns of a round
    double  *t1, *h;           // end and length of the step
    double **x1, **drift1;     // [n_moving] at t1
    double **stage;            // [n_moving]
    double **slope[4];         // [n_moving] of the stages, drift and noise together
    double  *worst;            // error of the step, relative to what is allowed
    double  *whole;            // 1: as long as was wanted, 0: cut to end where something may happen
    double  *reach;            // share of the step up to where a stock meets or leaves an end of its range
    double  *accepted;         // 1 or 0
    bool     any_over;         // some lane is over
    EvalBundle *drifts;        // of all levels that have a drift, the drifting ones ...
    EvalBundle **choice;       // [n_actor] guards of an actor's moves, of those that read stocks
    int32_t *from;             // [n_source + 2] scratch: where a source's candidates begin
    int32_t *guard;            // [n_jump] which of them is a move's; negative: it need not be asked
    uint8_t *index;            // [n_jump] which of its actor's moves one is
    int32_t  n_drift, *drifting;   // ... [n_drift] as indices into setup->moving
    double **drift_to;         // [n_drift] scratch: where they go
    const double **state;      // [n_variable] columns to evaluate at: x, or stage for what moves

    // columns of a list of lanes
    double **gather;           // [n_variable] the state there
    double **result;           // [n_result] of expressions
    int32_t  n_result;
    double **drawn;            // random sizes
    double  *theta;            // where in the step
    double  *scratch;          // of eval_lanes
    double  *room;             // owns all columns
    double  *chance;           // [n_type x n_move] of one actor with types, in one state
    double **place;            // [n_stock] where stocks stand, in steps of the grid
    Corners  corners;          // around one lane's point
};

/// Bytes of levels that a block keeps until it counts them.
#define BLOCK_SEEN_MAX ((int64_t)16 << 20)

/// Largest number of random sizes of one jump.
#define BLOCK_DRAWS_MAX 8

/// Stop one lane with a fault; see setup_fail.
#define block_fail(block, i, status, program, ...)                                                              \
    (setup_fail((block)->setup, (block)->lane[i].run, (block)->t[i], status, program, __VA_ARGS__),            \
     (block)->any_over = (block)->is_over[i] = true)

/// Gather the variables in `reads` for a list of lanes, at time t, or at theta of the present step (0 .. 1) for stocks
/// that move. Results are block->gather.
void block_gather(Block *block, uint64_t reads, const int32_t *list, int32_t n, const double *theta);

/// Evaluate a program where block_gather has been.
void block_evaluate(Block *block, ProgramId program, int32_t n, double *out);

/// A stock inside a step, by the cubic through both ends and their slopes; held at the ends of its range. k: index into
/// setup->moving. A stock that waits at an end has no slope there.
static inline double block_inside(const Block *b, int32_t k, int32_t i, double theta) {
    const Setup *s = b->setup;
    const ModelStock *stock = &s->level[s->moving[k]];
    double x0 = b->x[s->model->n_mode + s->moving[k]][i], x1 = b->x1[k][i];
    double rise0 = b->h[i] * b->slope[0][k][i], rise1 = b->h[i] * b->slope[3][k][i];
    if ((x0 <= stock->low && rise0 < 0) || (x0 >= stock->high && rise0 > 0)) {
        rise0 = 0;
        if (x1 == x0) rise1 = 0;
    }
    double rest = 1 - theta, bend = (1 - 2 * theta) * (x1 - x0) - rest * rise0 + theta * rise1;
    double x = rest * x0 + theta * x1 - theta * rest * bend;
    return x < stock->low ? stock->low : x > stock->high ? stock->high : x;
}

/// Where a time lies in a lane's step, as a share of it.
static inline double block_share(const Block *b, int32_t i, double time) { return b->h[i] > 0 ? (time - b->t[i]) / b->h[i] : 0; }

/// When a lane's cell of noise ends.
static inline double block_cell_end(const Block *b, int32_t i) { return (double)(b->lane[i].cell + 1) * b->setup->cell; }

/// Noise inside a cell (bridge.c); k: index into setup->moving. Steps of a list of lanes begin.
void block_bridge_steps(Block *block, const int32_t *list, int32_t n);
/// Noise is this at the beginning of a step, and leads with drift along `slope` for the rest of the cell. Returns what the ends
/// of the range add to the slope.
double block_bridge_begin(Block *block, int32_t k, int32_t i, double noise, double bend, double slope, double rest);
/// Accepted steps that end inside a cell end where noise is at that time.
void block_bridge_knots(Block *block);
/// What stock k shows at a time inside the present step; the same normal number serves all times.
double block_bridge_at(Block *block, int32_t k, int32_t i, double time);
/// The same on the straight way between where it is when a window opens and where at its end, both inside the step or its ends.
double block_bridge_on(Block *block, int32_t k, int32_t i, double open, double to, double time);
/// Lowest and highest point between them.
void block_bridge_extremes(Block *block, int32_t k, int32_t i, double open, double to, double *low, double *high);

/// Count what the n runs of a block showed.
void block_tell(Block *block, int32_t n);
/// Measure the accepted step of every lane (measure.c), and what a jump counts.
void block_measure(Block *block);
void block_measure_jump(Block *block, int32_t jump, const int32_t *list, int32_t n);

/// What happens (happen.c): jump `jump` in every lane of the list; random sizes from `site`.
void block_happen(Block *block, int32_t jump, const int32_t *list, int32_t n, uint32_t site);
/// Tell what happens in the only lane, before and after (sim/trace.c).
void block_trace(Block *block, int32_t i, int32_t jump, int32_t step);
void block_trace_after(Block *block, int32_t i);
/// Everything that is due by a date in one lane.
void block_instants(Block *block, int32_t i);
/// Candidates that are due, and the next ones.
void block_candidates(Block *block);
/// The first candidate of a lane.
void block_first_candidate(Block *block, int32_t i);
/// Local bounds anew, for lanes that need them.
void block_bounds(Block *block);

/// The nodes around a point (values of all variables), until they are asked for again.
const Corners *block_corners(Block *block, const double *state);
/// The weighted mean of x over the corners.
double block_mean(const Corners *corners, const double *x);

// ---- private types (types.c) ---------------------------------------------------------------------------------------

/// Draw a lane's true types.
void block_types_begin(Block *block, int32_t i);
/// Drift of all beliefs, where `state` are columns of all variables: into drift[k] of those levels that are beliefs, for
/// the lanes in a list (NULL: the first n).
void block_belief_drift(Block *block, const double *const *state, const int32_t *list, int32_t n, double *const *drift);
/// Most that a belief can change in a unit of time while the lane's state is inside a box.
double block_belief_speed(const Block *block, int32_t level, const Interval *box);
/// The opportunities of an actor with types, in lanes that play one policy; as choose_by.
void block_choose_type(Block *block, int32_t actor, const Policy *policy, const int32_t *list, const double *share, int32_t n);
/// The true type of one lane becomes another.
void block_become(Block *block, const Source *source, int32_t i);

#endif
