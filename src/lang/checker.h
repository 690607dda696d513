/// The checker's working state, shared by the files that check declarations and fill the model.
///
/// A compilation walks the declarations once its names are known. Each expression is checked (check.c: names,
/// types, units, who may read what) and, if it stands, lowered to bytecode at once (lower.c). The walk goes on after
/// a fault, so that all are told; the model is kept only if there was none.
#ifndef LANG_CHECKER_H
#define LANG_CHECKER_H

#include "lang/ast.h"
#include "lang/code.h"
#include "lang/function.h"
#include "lang/lang.h"
#include "lang/names.h"
#include "lang/unit.h"

/// Kinds of faults and remarks: stable short names for tools, and what the manual says of them.
#define CHECK_CODE_LIST(X)                                                                                         \
    X(UNKNOWN_NAME,  "unknown-name",  "a name that nothing declares, or that is something else")                   \
    X(DUPLICATE,     "duplicate",     "a name declared twice in one file, or said twice where it can stand once")  \
    X(RESERVED,      "reserved-word", "a word that the language needs for itself")                                 \
    X(CYCLE,         "cycle",         "a let that needs its own value")                                            \
    X(TYPE,          "type",          "a condition where a number is due, or the reverse")                         \
    X(MODE,          "mode",          "a mode or one of its values where it can't stand")                          \
    X(UNIT,          "unit",          "units that don't go together")                                              \
    X(READS,         "reads",         "an expression that reads what it may not read there")                       \
    X(ARGUMENTS,     "arguments",     "a function or a distribution with the wrong arguments")                     \
    X(MISSING,       "missing",       "a clause that a declaration needs")                                         \
    X(VALUE,         "value",         "a number outside what makes sense")                                         \
    X(CLOCK,         "clock",         "a clause that belongs to the other clock")                                  \
    X(OWNER,         "owner",         "a move or mode that belongs to someone else")                               \
    X(CONFLICT,      "conflict",      "clauses that can't both hold")                                              \
    X(CLAIM,         "claim",         "a claim or query that asks for no quantity")                                \
    X(LIMIT,         "limit",         "a limit of the program")                                                    \
    X(NOT_YET,       "not-yet",       "a part of the language that this version does not run")                     \
    X(UNUSED,        "unused",        "remark: declared, but nothing uses it")                                     \
    X(UNMOVED,       "unmoved",       "remark: a mode that no move, event or policy changes")                      \
    X(NEVER,         "never",         "remark: something that can never happen")                                   \
    X(NO_EFFECT,     "no-effect",     "remark: something that happens without consequence")                        \
    X(UNSEEN,        "unseen",        "remark: a condition on a noisy stock that runs with continuous stocks miss") \
    X(PRIOR,         "prior",         "remark: a prior that gives the param's own value no weight")                \
    X(ASSUMED,       "assumed",       "note: a line without a source")

typedef enum CheckCode {
#define X(name, text, doc) CODE_##name,
    CHECK_CODE_LIST(X)
#undef X
    CODE_COUNT
} CheckCode;

const char *check_code_text(CheckCode code);
const char *check_code_meaning(CheckCode code);

/// Operations within one another, lets opened up: what a recursion over an expression may have to stand.
#define CHECK_HEIGHT_MAX (2 * LANG_DEPTH_MAX)
/// Values of one mode, nodes of one grid, random sizes of one event or move.
#define CHECK_VALUES_MAX 1000
#define CHECK_GRID_MAX   LANG_GRID_MAX
#define CHECK_DRAWS_MAX  8
/// Names compared in search of near ones; after that many nothing is suggested.
#define CHECK_COMPARED_MAX 2000000
/// Clauses of one kind in one policy; restrictions of all phases of all policies.
#define CHECK_CLAUSES_MAX      1000
#define CHECK_RESTRICTIONS_MAX (1 << 20)

/// Where names live. Values of modes, types and payoff terms have one space for each declaration, from SPACE_FREE on.
typedef enum Space {
    SPACE_VALUE,      // what an expression can name: stocks, modes, params, lets, tables, private types
    SPACE_ACTOR, SPACE_JUMP, SPACE_SOURCE, SPACE_UNIT, SPACE_POLICY, SPACE_CLAIM, SPACE_PAYOFF, SPACE_RECORD,
    SPACE_RIVAL, SPACE_SCENARIO, SPACE_QUANTITY,
    SPACE_FREE
} Space;

typedef enum Type { TYPE_NONE, TYPE_NUMBER, TYPE_CONDITION } Type;   // NONE: a fault was told

/// What an expression reads, itself or through lets.
enum { READS_STATE = 1, READS_PARAM = 2, READS_TABLE = 4, READS_DRAW = 8, READS_QUANTITY = 16, READS_TYPE = 32 };

typedef struct Symbol Symbol;

typedef struct Info {
    Type     type;
    Unit     unit;
    unsigned reads;          // READS_ bits
    const Symbol *state;     // a stock or mode that it reads, for messages
    const Symbol *param;     // a param that it reads
    const Symbol *private;   // a private type that it reads
    const Symbol *other;     // another one, of someone else's
    int32_t  height;         // operations within one another
} Info;

/// One name of the scenario. Where files override one another, the last declaration, in the place of the first.
struct Symbol {
    AstDeclarationKind kind;
    const char *name;
    const AstDeclaration *declaration;
    int32_t space;           // of its values, types or terms
    int32_t index;           // row of the model's table of its kind
    int32_t actor;           // owner of a mode, a move, a private type or a policy; negative: nature or not known
    int32_t variable;        // private types: the state variable of the belief in the second type
    Unit    unit;            // stocks and params
    bool    is_used, is_changed;
    bool    is_rival;        // the declaration is what the rival in effect makes of it
    bool    is_open, is_checked;   // lets: being checked, has been
    Info    info;                  // lets
    uint64_t draft; uint16_t to;   // lets: the last draft that they were lowered into, and where
};

enum { PLACE_NOBODY = -1, PLACE_ANYONE = -2 };

/// What may stand in one place of the scenario, and what is due there.
typedef struct Place {
    const char *what;        // for messages: "the drift of a stock"
    unsigned allowed;        // READS_ bits
    int32_t  actor;          // whose private types may be read; PLACE_NOBODY, PLACE_ANYONE (lets)
    Type     due;
    Unit     unit;           // not known: any
    const char *unit_text;   // for messages: "a duration", "a rate"; NULL: print it
} Place;

typedef struct Checker {
    Compilation *c;
    const Ast   *ast;
    Arena   *scratch;        // the compilation's: messages and lists
    Text     text;           // for printing; cleared before each use
    bool     failed;         // memory ran out
    bool     is_limit_told;  // of depth, in the expression at hand
    bool     is_full_told;   // of the size of all expressions

    NameMap  names;          // SPACE_VALUE .. SPACE_PAYOFF etc.: index into symbol; others: as their space says
    Symbol  *symbol;         // [n_symbol] in order of first declaration
    int32_t  n_symbol;
    Symbol  *private[MODEL_VARIABLES_MAX];
    int32_t  n_private;
    const char **unit_name;  // [n_unit] declared units
    int32_t  n_unit;

    const AstDeclaration *scenario;   // NULL: none
    const char *rival;       // put in effect; NULL: none
    bool     is_rounds;
    bool     has_unit;       // the scenario says the unit of time that it counts in
    double   days_per_unit;

    Model   *model;          // being filled, in an arena of its own
    Code     code;
    Draft    draft;
    uint64_t n_draft;        // drafts begun so far: tells which one a let's register belongs to
    int32_t  type;           // that a private type has in the expression being lowered
    int32_t  depth;          // of the recursion over an expression
    double  *param;          // [n_param] values as written

    ModelDraw draw[CHECK_DRAWS_MAX]; int32_t n_draw;             // of the jump at hand
    const AstExpr *drawn[CHECK_DRAWS_MAX];                       // [n_draw] as written
    int64_t n_compared;      // names, in search of near ones
    int64_t n_restriction;   // of the policies so far
    ModelQuantity *quantity; Unit *quantity_unit; int32_t n_quantity, quantity_capacity;
} Checker;

/// Note a fault, a remark or a note.
#define FAULT(k, span, code, help, ...) \
    diagnostics_add(&(k)->c->diagnostics, SEVERITY_ERROR, span, check_code_text(CODE_##code), help, __VA_ARGS__)
#define REMARK(k, span, code, help, ...) \
    diagnostics_add(&(k)->c->diagnostics, SEVERITY_WARNING, span, check_code_text(CODE_##code), help, __VA_ARGS__)
#define NOTE(k, span, code, help, ...) \
    diagnostics_add(&(k)->c->diagnostics, SEVERITY_NOTE, span, check_code_text(CODE_##code), help, __VA_ARGS__)

/// `n` zeroed rows, in the model's arena or in scratch; NULL and k->failed when memory is out.
void *keep_rows(Checker *k, int64_t n, size_t size);
void *scratch_rows(Checker *k, int64_t n, size_t size);
/// A copy of a text in the model's arena; NULL for NULL.
const char *keep_text(Checker *k, const char *text);
/// A text for a message's help, in scratch; NULL when memory is out.
const char *hint(Checker *k, const char *format, ...) DUR_PRINTF(2, 3);
/// "did you mean `x`?", or NULL for NULL.
const char *hint_near(Checker *k, const char *near);

// ---- names (symbols.c) -------------------------------------------------------------------------------------------

/// Collect all declarations: overrides, duplicates, indexes.
void symbols_collect(Checker *k);

Symbol *symbol_find(const Checker *k, Space space, const char *name);

/// The symbol of a name that must be there: else a fault that says so, suggests a near name, and NULL.
/// `kinds` for the message ("actor", "move or event"). In silence NULL for a name that was not written.
Symbol *symbol_resolve(Checker *k, Space space, AstName name, const char *kinds);

/// The fault alone: there is no such name.
void symbol_unknown(Checker *k, Space space, AstName name, const char *kinds);

/// Number of a mode's value (or a private's type); -1 after a fault.
int32_t symbol_value(Checker *k, const Symbol *mode, AstName value);

/// A near name of the space, or NULL; NULL too once so many faults were told that nobody will read more.
const char *symbol_near(Checker *k, Space space, const char *name);

/// What a name that is missed in `space` is elsewhere: "`none` is a value of `tariff`", else a near name, else NULL.
const char *symbol_hint(Checker *k, Space space, const char *name);

/// "stock", "private type": for messages.
const char *symbol_kind(const Symbol *s);

/// Put what a rival says in the place of what it replaces. Its declaration, or NULL if there is no such rival.
const AstDeclaration *rival_apply(Checker *k, const char *name);

// ---- expressions (check.c, lower.c) ------------------------------------------------------------------------------

/// Check an expression for a place: type, unit, what it reads. TYPE_NONE if there was a fault (told).
Info check_expression(Checker *k, const AstExpr *e, const Place *place);

/// Check the lets that nothing has asked for.
void check_lets(Checker *k);

/// Append an expression that stands to a draft; returns its register.
uint16_t lower_expression(Checker *k, Draft *draft, const AstExpr *e);

/// Check and lower: the program, or PROGRAM_NONE after a fault, or if `e` is NULL.
ProgramId compile_expression(Checker *k, const AstExpr *e, const Place *place);

/// The same where a private type may be read: the program for the first type, and through *by_type all of them where
/// it does read it, else NULL.
ProgramId compile_by_type(Checker *k, const AstExpr *e, const Place *place, const ProgramId **by_type);

/// The program of a plain number that is not an expression of the text; `text` is how to print it, NULL: as a number.
ProgramId compile_number(Checker *k, double value, Span span, const char *text);

/// The value of an expression that depends on nothing; false after a fault, or if `e` is NULL.
bool compile_literal(Checker *k, const AstExpr *e, const Place *place, double *value);

/// The value of a program that reads params alone, at the params as written; false if it reads more or there is none.
bool compile_value(Checker *k, ProgramId program, double *value);

/// An expression as fmt prints it, in the model's arena.
const char *compile_text(Checker *k, const AstExpr *e);

// ---- declarations ------------------------------------------------------------------------------------------------

void declare_frame(Checker *k);       // scenario, sources, units (declare.c)
void declare_params(Checker *k);      // params, tables
void declare_lets(Checker *k);        // their rows for people
void declare_state(Checker *k);       // actors, modes, stocks, payoffs
void declare_jumps(Checker *k);       // events, moves (jumps.c)
void declare_policies(Checker *k);    // (policies.c)
void declare_claims(Checker *k, AstExpr *const *query, int32_t n_query);   // (claims.c)
void declare_privates(Checker *k);    // private types (privates.c)
void declare_refused(Checker *k);     // records (refused.c)
void declare_rivals(Checker *k);      // (rivals.c)
void remark_all(Checker *k);          // unused names, lines without a source (remarks.c)
void remark_unseen(Checker *k, AstExpr *const *query, int32_t n_query);   // conditions that noise passes through (unseen.c)

/// The sources of a declaration; every one is looked up, and those that are there are kept.
ModelCite declare_cite(Checker *k, const AstCite *cite, int32_t n_cite);

/// The owner named by `of`: index of an actor; -1 for nature where that may be, or after a fault.
int32_t declare_owner(Checker *k, const AstDeclaration *d, bool may_be_nature);

/// The private type of an actor, or NULL.
const Symbol *private_of(const Checker *k, int32_t actor);

/// A number of nodes; 0 after a fault.
int32_t declare_grid(Checker *k, const AstExpr *e);

/// Unit named by a clause; not known where none was written or there was a fault.
Unit declare_unit(Checker *k, AstName unit);

/// A time of a claim or policy, in scenario units after the start: a number, a duration or a date.
bool declare_time(Checker *k, const AstExpr *e, const char *what, double *time, bool *is_date);

/// What params alone decide must fit at the params as written; else a fault "WHAT is 3, it must be DUE".
void require(Checker *k, const AstExpr *e, ProgramId program, bool (*fits)(double), const char *what,
             const char *due);
/// The same of what may read its actor's type.
void require_by_type(Checker *k, const AstExpr *e, int32_t actor, ProgramId program, const ProgramId *by_type,
                     bool (*fits)(double), const char *what, const char *due);
bool is_positive(double x);
bool is_not_negative(double x);
bool is_probability(double x);

/// Numbers that make no distribution, in a prior or a random size: the fault, with what they must be.
void distribution_fault(Checker *k, const AstExpr *e);

/// Days of a unit of time, 0 for a word that is none; `round` is one with `clock rounds`. A unit of the calendar in a
/// scenario that doesn't say how long its round is, is a fault.
double time_unit_days(Checker *k, AstName unit);
/// A clause that a declaration must have was not written: a fault, unless some of the declaration could not be read.
void missing(Checker *k, const AstDeclaration *d, const char *clause, const char *why);
/// A clause that the clock in force has no use for.
void wrong_clock(Checker *k, const AstExpr *e, const char *clause, const char *instead);

/// Walk the symbols of one kind of declaration.
#define EACH(k, s, which) \
    for (Symbol *s = (k)->symbol; s < (k)->symbol + (k)->n_symbol; s++) \
        if (s->kind == AST_##which##_DECLARATION)

/// A place where a plain number is due.
#define PLAIN(text, u, words) \
    ((Place){.what = text, .allowed = 0, .actor = PLACE_NOBODY, .due = TYPE_NUMBER, .unit = u, .unit_text = words})

/// The quantity of P(...) or E(...): its index, or -1 after a fault. Equal ones are one, unless `is_fresh`.
int32_t declare_quantity(Checker *k, const AstExpr *e, bool is_fresh, Unit *unit);

/// Fill model->hash. False when memory is out.
bool model_hash(Model *model);

#endif
