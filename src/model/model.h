/// The compiled scenario: what a text says, as tables. Made by `lang` in one arena, immutable from then on, shared by
/// everyone, hashed, freed once. Every name, number and expression of the scenario is here; nothing else about it is
/// needed to solve, simulate, judge or draw it.
///
/// Time is in scenario units (`clock unit`) everywhere in here: `lang` has converted durations, rates and dates.
#ifndef MODEL_MODEL_H
#define MODEL_MODEL_H

#include "base/arena.h"
#include "base/span.h"
#include "base/status.h"

#include <stdbool.h>
#include <stdint.h>

/// State variables are numbered modes first, then stocks, then public beliefs (of each private type the probabilities of
/// all its types but the first), each in order of declaration. A set of variables is a mask, bit v for variable v, which
/// is why a scenario has at most 64 of them.
#define MODEL_VARIABLES_MAX 64

/// Moves of one actor, at most: choices among them are listed on the stack.
#define MODEL_MOVES_MAX 256

/// Types of one private, at most: the nodes of their simplex grow like grid^(types-1).
#define MODEL_TYPES_MAX 8

// ---- expressions -----------------------------------------------------------------------------------------------

/// An index into Model.program; negative: there is none.
typedef int32_t ProgramId;
#define PROGRAM_NONE (-1)

/// One operation of register bytecode: register `to` = code(a, b, c). What a, b, c mean is in eval/op.h.
typedef struct Op {
    uint16_t code;   // OpCode, eval/op.h
    uint16_t to;     // register written; each register is written once in a program
    uint16_t a, b, c;
} Op;

/// Where the value of an expression comes from and what it may depend on.
typedef struct Program {
    int32_t  first, n_op;      // operations Model.op[first .. first+n_op-1]
    int32_t  n_register;
    int32_t  result;           // register that holds the value
    uint64_t reads;            // mask of state variables it depends on
    bool     reads_param, reads_draw, reads_quantity;
    bool     is_literal;       // depends on nothing at all, parameters included
    Span     span;             // of the expression in the text
    const char *text;          // the expression as `fmt` would print it
} Program;

/// Piecewise linear, flat outside its first and last point. x strictly rises.
typedef struct ModelTable {
    const char *name;
    int32_t n_point;
    const double *x, *y;       // [n_point]
} ModelTable;

// ---- where a line comes from -------------------------------------------------------------------------------------

typedef struct ModelSource {
    const char *name, *text;
    const char *file, *sha256, *url, *date;   // NULL where not said
    Span span;
} ModelSource;

/// source < 0: the line is assumed. `locator` is the text after the colon ("14"), NULL where not said.
typedef struct ModelCite {
    int32_t source;
    const char *locator;
    int32_t n_more;            // what it cites beside the first
    const struct ModelCite *more;   // [n_more] none of which has more
} ModelCite;

// ---- who and what ------------------------------------------------------------------------------------------------

typedef struct ModelActor {
    const char *name, *text;
    ProgramId patience;        // scenario units of time; discount rate rho = 1/patience; reads parameters only;
                               // PROGRAM_NONE where `discount` was said
    ProgramId discount;        // rounds: what the next round is worth beside this one, 0 <= beta < 1; else PROGRAM_NONE
    ProgramId precision;       // logit precision mu >= 0, per unit of payoff; may read the state
    ProgramId attends;         // rate of decision opportunities, per scenario unit; in rounds the probability of having
                               // one in a round; may read the state
    int32_t   private;         // its private type; negative: it has none
    const ProgramId *precision_by_type;   // [n_type] where precision reads the type (then `precision` is the first's); else NULL
    ModelCite cite;
    Span span;
} ModelActor;

/// From every other type to `type` at a rate (per scenario unit, may read the state).
typedef struct ModelBecomes {
    int32_t   type;
    ProgramId rate;
} ModelBecomes;

/// What an actor alone knows of itself: one of some types, about which everyone else shares a belief.
typedef struct ModelPrivate {
    const char *name, *text;
    int32_t actor;             // whose; no actor has two
    int32_t n_type;            // 2 .. MODEL_TYPES_MAX
    const char *const *type;   // [n_type] names
    const char *const *belief; // [n_type] names of the probabilities: "belief(sender is resolved)"
    const double *start;       // [n_type] belief at the start, sums to 1
    int32_t n_grid;            // nodes along an edge of the simplex, >= 2; 0: no grid said
    int32_t variable;          // state variable that is the probability of type 1; those of types 2, ... follow
    int32_t n_becomes;
    const ModelBecomes *becomes;   // [n_becomes]
    ModelCite cite;
    Span span;
} ModelPrivate;

typedef struct ModelMode {
    const char *name, *text;
    int32_t actor;             // owner; negative: nature
    int32_t n_value;
    const char *const *value;  // [n_value] names; value 0 is the start; as a number a mode is its index 0, 1, ...
    ModelCite cite;
    Span span;
} ModelMode;

typedef struct ModelStock {
    const char *name, *text, *unit;   // unit NULL where not said
    double low, high;                 // range, low < high
    int32_t n_grid;                   // nodes, >= 2 (0: no grid said; only then it cannot be solved on a lattice)
    ProgramId start;                  // reads parameters only
    ProgramId drift, noise;           // per scenario unit (noise per square root of it); PROGRAM_NONE: zero
    ProgramId change;                 // rounds: what is added at the end of a round; PROGRAM_NONE: nothing
    ModelCite cite;
    Span span;
} ModelStock;

typedef enum PriorKind {
    PRIOR_NONE, PRIOR_UNIFORM, PRIOR_NORMAL, PRIOR_LOGNORMAL, PRIOR_BETA, PRIOR_GAMMA, PRIOR_EXPONENTIAL,
    PRIOR_TRIANGULAR
} PriorKind;

typedef struct ModelParam {
    const char *name, *text, *unit;
    double value;              // in scenario units of time where `per TIME` was said
    double scale;              // value = number as written * scale (1 unless `per TIME` names another unit)
    const char *per;           // the time unit as written, or NULL
    PriorKind prior;
    double prior_a, prior_b, prior_c;  // arguments as written, on the scale as written
    bool is_rival;             // as the rival in effect has it
    ModelCite cite;
    Span span;
} ModelParam;

/// A name for an expression, for people: programs have it lowered into them.
typedef struct ModelLet {
    const char *name, *text;
    const char *expression;    // as `fmt` would print it
    ModelCite cite;
    Span span;
} ModelLet;

// ---- what happens ------------------------------------------------------------------------------------------------

/// A random size in an effect, in standard form; its program scales it (OP_DRAW reads it).
typedef enum DrawKind {
    DRAW_UNIFORM,       // uniform on 0..1
    DRAW_NORMAL,        // mean 0, sd 1
    DRAW_EXPONENTIAL,   // mean 1
    DRAW_ONE_OF         // `value` with `weight`
} DrawKind;

/// `value` and `weight` are the quadrature that stands for the draw on the lattice (weights sum to 1; moments to the
/// third kept); for DRAW_ONE_OF they are the draw itself.
typedef struct ModelDraw {
    DrawKind kind;
    int32_t n_value;
    const double *value, *weight;   // [n_value]
    ProgramId spread;               // what must not be negative: b - a, the standard deviation, the mean; DRAW_ONE_OF: PROGRAM_NONE
} ModelDraw;

/// variable `to` becomes the value of `value` in the state before (clipped to the range for a stock). `x += e` has
/// been lowered to x + e. For a mode the value is the index of its new value.
typedef struct ModelEffect {
    int32_t   to;
    ProgramId value;
} ModelEffect;

/// A lump that an actor gets at the jump, in payoff units, in the state before. A move's `cost e` is -e to its mover.
typedef struct ModelLump {
    int32_t   actor;
    ProgramId value;
    const ProgramId *by_type;  // [n_type] where a cost reads its mover's type (then `value` is the first's); else NULL
    bool      is_cost;
} ModelLump;

typedef enum JumpKind { JUMP_EVENT, JUMP_DATED, JUMP_MOVE } JumpKind;

/// Anything that changes the state at once: an event with a hazard, an event on a date, or a move of an actor.
typedef struct ModelJump {
    const char *name, *text;
    JumpKind  kind;
    int32_t   actor;           // the mover; negative for events
    bool      is_secret;
    ProgramId when;            // 1 where it can happen; PROGRAM_NONE: everywhere
    ProgramId rate;            // events: hazard per scenario unit, in rounds the probability in a round; else PROGRAM_NONE
    double    at;              // dated events: scenario units after the start; may be negative (then it never happens)
    int32_t   n_effect, n_lump, n_draw;
    const ModelEffect *effect; // [n_effect], targets distinct
    const ModelLump   *lump;   // [n_lump]
    const ModelDraw   *draw;   // [n_draw], read by the effects as OP_DRAW 0, 1, ...
    ModelCite cite;
    Span span;
} ModelJump;

/// A named flow of payoff to one actor, per scenario unit of time.
typedef struct ModelTerm {
    const char *name;
    int32_t   actor;
    ProgramId value;
    const ProgramId *by_type;  // [n_type] where it reads its actor's type (then `value` is the first's); else NULL
    ModelCite cite;
    Span span;
} ModelTerm;

// ---- policies ----------------------------------------------------------------------------------------------------

typedef struct ModelSet    { int32_t mode, value; } ModelSet;
typedef struct ModelAlways { int32_t jump; ProgramId when; } ModelAlways;   // PROGRAM_NONE: whenever available

/// What holds from `start` on: the modes set at that instant, once, and the whole list of restrictions in force until
/// the next phase (phases have been made cumulative by `lang`: a later phase keeps the restrictions of earlier ones).
typedef struct ModelPhase {
    double start;              // scenario units after the start of the run, >= 0, rising from phase to phase
    int32_t n_set, n_never, n_always;
    const ModelSet    *set;    // [n_set]
    const int32_t     *never;  // [n_never] jumps (moves of the policy's actor)
    const ModelAlways *always; // [n_always], first that applies wins
    ProgramId precision;       // replaces the actor's; PROGRAM_NONE: unchanged
    const ProgramId *precision_by_type;   // as in ModelActor
} ModelPhase;

typedef struct ModelPolicy {
    const char *name, *text;
    int32_t actor;
    bool is_announced;
    int32_t n_phase;
    const ModelPhase *phase;   // [n_phase]
    ModelCite cite;
    Span span;
} ModelPolicy;

// ---- claims ------------------------------------------------------------------------------------------------------

/// What a quantity asks of a path. Window [from, to] in scenario units after the start.
typedef enum QuantityKind {
    QUANTITY_WITHIN,       // P(c within T): c true at some instant of the window
    QUANTITY_THROUGHOUT,   // P(c throughout T): c true at every instant of the window
    QUANTITY_AT,           // P(c at T) or E(x at T): value at `to`
    QUANTITY_UNTIL,        // P(c until d within T): d happens in the window and c holds from `from` until then
    QUANTITY_MEAN,         // E(mean x over T): time average over the window
    QUANTITY_TOTAL,        // E(total x over T): integral over the window
    QUANTITY_COUNT,        // E(count(jump) over T)
    QUANTITY_MAX,          // E(max x over T)
    QUANTITY_LONG_RUN      // E(x in the long run): mean under the stationary law
} QuantityKind;

typedef struct ModelQuantity {
    QuantityKind kind;
    bool      is_probability;  // written P(...): the value is in 0..1
    ProgramId x;               // condition c or value x; PROGRAM_NONE for COUNT
    ProgramId until;           // d of UNTIL
    int32_t   jump;            // COUNT: which
    double    from, to;        // window; `to` is INFINITY for an UNTIL without T and unused for LONG_RUN
    int32_t   policy;          // negative: the equilibrium
    const char *text;          // as `fmt` would print it: "E(power at 24 month | hold)"
    Span      span;
} ModelQuantity;

typedef enum Comparison { COMPARE_LESS, COMPARE_LESS_EQUAL, COMPARE_GREATER, COMPARE_GREATER_EQUAL,
                          COMPARE_EQUAL, COMPARE_NOT_EQUAL } Comparison;

/// left COMPARISON right, both expressions over quantities (OP_QUANTITY) and parameters.
typedef struct ModelClaim {
    const char *name, *text;
    ProgramId  left, right;
    Comparison comparison;
    double     confidence;     // of a sampled verdict, 0.99 unless said
    double     tolerance;      // most that left - right may move when grids are doubled; NaN: none is stated
    bool       is_sensitive;   // stated in its place: the verdict depends on the grid
    const char *sentence;      // the whole comparison as `fmt` would print it
    ModelCite  cite;
    Span       span;
} ModelClaim;

/// Another explanation of the same scenario, as a set of overrides.
typedef struct ModelRival {
    const char *name, *text;
    const char *overrides;     // what it replaces, for people: "param fear, let traffic, rents of government"
    ModelCite  cite;
    Span       span;
} ModelRival;

// ---- the whole ---------------------------------------------------------------------------------------------------

typedef enum Choice { CHOICE_QUANTAL, CHOICE_TASTE } Choice;
typedef enum Clock  { CLOCK_CONTINUOUS, CLOCK_ROUNDS } Clock;

typedef struct Model {
    Arena *arena;              // owns everything below, this struct included
    char   hash[65];           // SHA-256 of the meaning: comments, layout and order of files read do not change it
    const char *title;
    const char *path;          // of the scenario file
    Clock   clock;
    Choice  choice;
    const char *unit;          // "month"; in rounds the length of one, "round" where none was said
    double  days_per_unit;     // 30.4375 for month
    int32_t from_day;          // days since 1970-01-01 of `from`; INT32_MIN: not said
    double  horizon;           // `until` - `from` in scenario units; 0: not said

    int32_t n_file;     const char *const *file;        // paths read; [0] the scenario
    int32_t n_source;   const ModelSource   *source;
    int32_t n_actor;    const ModelActor    *actor;
    int32_t n_mode;     const ModelMode     *mode;      // variable v < n_mode
    int32_t n_stock;    const ModelStock    *stock;     // variable n_mode + k
    int32_t n_private;  const ModelPrivate  *private;   // variables from n_mode + n_stock on
    int32_t n_belief;          // variables of all beliefs together: the sum of n_type - 1
    int32_t n_param;    const ModelParam    *param;
    int32_t n_table;    const ModelTable    *table;
    int32_t n_let;      const ModelLet      *let;
    int32_t n_jump;     const ModelJump     *jump;      // events first, then moves, each in order of declaration
    int32_t n_term;     const ModelTerm     *term;      // by actor, each in order of declaration
    int32_t n_policy;   const ModelPolicy   *policy;
    int32_t n_quantity; const ModelQuantity *quantity;
    int32_t n_claim;    const ModelClaim    *claim;
    int32_t n_rival;    const ModelRival    *rival;
    const char *account;       // the rival whose overrides are in effect; NULL: none
    int32_t n_order;    const int32_t       *order;     // rounds: actors, who picks after whom; none: all at once
    int32_t n_change;   const ModelEffect   *change;    // rounds: stocks at the end of one; `value` is the level after
    int32_t n_program;  const Program       *program;
    int32_t n_op;       const Op            *op;
    int32_t n_constant; const double        *constant;
} Model;

void model_free(Model *model);

/// Number of state variables: modes, stocks and beliefs together.
static inline int32_t model_variables(const Model *m) { return m->n_mode + m->n_stock + m->n_belief; }

/// Types of an actor; 1 for one that has no private type.
static inline int32_t model_types(const Model *m, int32_t actor) {
    int32_t p = m->actor[actor].private;
    return p < 0 ? 1 : m->private[p].n_type;
}

/// Everyone has a value for each of its types. These rows of values are numbered actor by actor, type by type; without
/// private types a row is an actor.
static inline int32_t model_row(const Model *m, int32_t actor) {
    int32_t row = 0;
    for (int32_t i = 0; i < actor; i++) row += model_types(m, i);
    return row;
}
static inline int32_t model_rows(const Model *m) { return model_row(m, m->n_actor); }

/// The actor of a row, and through *type which of its types.
int32_t model_row_actor(const Model *m, int32_t row, int32_t *type);

/// The private that a state variable is a belief about, or -1; through *type which type's probability it is.
int32_t model_belief(const Model *m, int32_t variable, int32_t *type);

/// True if a jump is a move of this actor.
static inline bool model_is_move_of(const Model *m, int32_t jump, int32_t actor) {
    return m->jump[jump].kind == JUMP_MOVE && m->jump[jump].actor == actor;
}

/// True if a move tells others something about its mover's type.
static inline bool model_is_signal(const Model *m, int32_t jump) {
    const ModelJump *j = &m->jump[jump];
    return j->kind == JUMP_MOVE && !j->is_secret && m->actor[j->actor].private >= 0;
}

/// Name of a variable; its index from its name, or -1.
const char *model_variable_name(const Model *m, int32_t variable);
int32_t model_find_variable(const Model *m, const char *name);
int32_t model_find_actor(const Model *m, const char *name);
int32_t model_find_param(const Model *m, const char *name);
int32_t model_find_jump(const Model *m, const char *name);
int32_t model_find_policy(const Model *m, const char *name);
int32_t model_find_claim(const Model *m, const char *name);
/// Index of a mode's value from its name, or -1.
int32_t model_find_value(const ModelMode *mode, const char *name);

/// The default parameter vector, n_param doubles, into the caller's array.
void model_params(const Model *m, double *param);

/// Standard deviation of a param's prior, in scenario units; 0 if it has none.
double model_prior_sd(const ModelParam *param);

/// "path:line:column" of a span, into a caller's buffer; returns the buffer.
const char *model_place(const Model *m, Span span, char *buffer, int size);

/// status_fail about a place in the scenario: whoever shows the error can show the line.
DurStatus model_fail(const Model *m, Span span, DurError *error, DurStatus status, const char *format, ...) DUR_PRINTF(5, 6);

/// Days since 1970-01-01 from a civil date, and back. Source: proleptic Gregorian calendar, days-from-civil arithmetic.
int32_t model_day_from_date(int year, int month, int day);
void    model_date_from_day(int32_t day, int *year, int *month, int *date);
bool    model_date_exists(int year, int month, int day);

/// Calendar date "2025-07-21" of a time in scenario units, or "" if the scenario has no `from`. buffer: 16 bytes.
const char *model_date(const Model *m, double time, char buffer[16]);

#endif
