/// The words of the language, in tables: which clauses a declaration takes, what they look like and mean, which words
/// are taken, which functions there are. The parser, its suggestions and the reference page are drawn from them.
#ifndef LANG_GRAMMAR_H
#define LANG_GRAMMAR_H

#include "lang/ast.h"

#include <stdbool.h>

/// How often a clause may be said in one declaration (policies: `precision` once in each phase).
typedef enum ClauseCount { CLAUSE_ONCE, CLAUSE_OFTEN } ClauseCount;

//    declaration  clause      keyword       form                                how often     what the manual says
#define CLAUSE_LIST(X)                                                                                               \
    X(SCENARIO,    CLOCK,      "clock",      "continuous|rounds",                CLAUSE_ONCE,                        \
      "how time passes")                                                                                             \
    X(SCENARIO,    UNIT,       "unit",       "TIME",                             CLAUSE_ONCE,                        \
      "the time unit that bare numbers are in")                                                                      \
    X(SCENARIO,    FROM,       "from",       "DATE",                             CLAUSE_ONCE,  "the day of time 0")  \
    X(SCENARIO,    UNTIL,      "until",      "DATE",                             CLAUSE_ONCE,  "the last day shown") \
    X(SCENARIO,    CHOICE,     "choice",     "quantal|taste",                    CLAUSE_ONCE,                        \
      "what an actor expects of its own future choices; quantal unless said")                                        \
    X(SCENARIO,    ORDER,      "order",      "ACTOR then ACTOR ...",             CLAUSE_ONCE,                        \
      "rounds: who picks after whom; all at once unless said")                                                       \
    X(SOURCE,      FILE,       "file",       "\"PATH\"",                         CLAUSE_ONCE,  "where a copy lies")  \
    X(SOURCE,      SHA256,     "sha256",     "\"HEX\"",                          CLAUSE_ONCE,                        \
      "SHA-256 of the file, checked when it is at hand")                                                             \
    X(SOURCE,      URL,        "url",        "\"ADDRESS\"",                      CLAUSE_ONCE,  "where it was found") \
    X(SOURCE,      DATE,       "date",       "DATE",                             CLAUSE_ONCE,  "when it appeared")   \
    X(ACTOR,       PATIENCE,   "patience",   "DURATION",                         CLAUSE_ONCE,                        \
      "how far it looks ahead: the discount rate is 1/patience")                                                     \
    X(ACTOR,       DISCOUNT,   "discount",   "NUMBER",                           CLAUSE_ONCE,                        \
      "rounds: what the next round is worth beside this one, in place of patience")                                  \
    X(ACTOR,       PRECISION,  "precision",  "EXPR",                             CLAUSE_ONCE,                        \
      "logit precision, per unit of payoff")                                                                         \
    X(ACTOR,       ATTENDS,    "attends",    "RATE",                             CLAUSE_ONCE,                        \
      "rate of its decision opportunities")                                                                          \
    X(PRIVATE,     BELIEF,     "belief",     "NUMBER ...",                       CLAUSE_ONCE,                        \
      "public belief at the start: the probability of the second type, or of each type")                             \
    X(PRIVATE,     GRID,       "grid",       "N",                                CLAUSE_ONCE,  "nodes of the belief") \
    X(PRIVATE,     BECOMES,    "becomes",    "TYPE at RATE",                     CLAUSE_OFTEN, "the type may change") \
    X(STOCK,       RANGE,      "range",      "A..B",                             CLAUSE_ONCE,                        \
      "the values that it can take")                                                                                 \
    X(STOCK,       GRID,       "grid",       "N",                                CLAUSE_ONCE,                        \
      "nodes on the lattice, both ends included")                                                                    \
    X(STOCK,       START,      "start",      "EXPR",                             CLAUSE_ONCE,  "value at time 0")    \
    X(STOCK,       DRIFT,      "drift",      "EXPR",                             CLAUSE_ONCE,                        \
      "change per unit of time between jumps")                                                                       \
    X(STOCK,       NOISE,      "noise",      "EXPR",                             CLAUSE_ONCE,                        \
      "standard deviation of its random change, per square root of the unit of time")                                \
    X(STOCK,       CHANGE,     "change",     "EXPR",                             CLAUSE_ONCE,                        \
      "rounds: change at the end of a round")                                                                        \
    X(STOCK,       UNIT,       "unit",       "UNIT",                             CLAUSE_ONCE,                        \
      "what it is counted in")                                                                                       \
    X(PARAM,       PRIOR,      "prior",      "DISTRIBUTION",                     CLAUSE_ONCE,                        \
      "how uncertain the number is")                                                                                 \
    X(PARAM,       PER,        "per",        "TIME",                             CLAUSE_ONCE,                        \
      "the number is a rate, per this unit of time")                                                                 \
    X(PARAM,       UNIT,       "unit",       "UNIT",                             CLAUSE_ONCE,                        \
      "what it is counted in")                                                                                       \
    X(LET,         UNIT,       "unit",       "UNIT",                             CLAUSE_ONCE,                        \
      "what it is counted in")                                                                                       \
    X(EVENT,       WHEN,       "when",       "COND",                             CLAUSE_ONCE,  "where it can happen") \
    X(EVENT,       RATE,       "rate",       "EXPR [per TIME]",                  CLAUSE_ONCE,  "its hazard")         \
    X(EVENT,       CHANCE,     "chance",     "EXPR",                             CLAUSE_ONCE,                        \
      "rounds: its probability in a round")                                                                          \
    X(EVENT,       AT,         "at",         "DATE",                             CLAUSE_ONCE,                        \
      "it happens on that day in simulation; actors do not see it coming")                                           \
    X(EVENT,       THEN,       "then",       "EFFECTS",                          CLAUSE_ONCE,  "what it changes")    \
    X(EVENT,       PAYS,       "pays",       "ACTOR EXPR",                       CLAUSE_OFTEN, "a lump to an actor") \
    X(MOVE,        WHEN,       "when",       "COND",                             CLAUSE_ONCE,                        \
      "where its actor can make it")                                                                                 \
    X(MOVE,        COST,       "cost",       "EXPR",                             CLAUSE_ONCE,                        \
      "a lump that its actor loses")                                                                                 \
    X(MOVE,        PAYS,       "pays",       "ACTOR EXPR",                       CLAUSE_OFTEN, "a lump to an actor") \
    X(MOVE,        SECRET,     "secret",     "",                                 CLAUSE_ONCE,                        \
      "others don't see it, so it teaches them nothing")                                                             \
    X(MOVE,        THEN,       "then",       "EFFECTS",                          CLAUSE_ONCE,  "what it changes")    \
    X(POLICY,      FROM,       "from",       "TIME: MODE = VALUE, ...",          CLAUSE_OFTEN,                       \
      "begins a phase and sets modes at its start")                                                                  \
    X(POLICY,      NEVER,      "never",      "MOVE, ...",                        CLAUSE_OFTEN, "forbids moves")      \
    X(POLICY,      ALWAYS,     "always",     "MOVE when COND",                   CLAUSE_OFTEN,                       \
      "forces a move wherever the condition holds")                                                                  \
    X(POLICY,      PRECISION,  "precision",  "EXPR",                             CLAUSE_OFTEN,                       \
      "another precision, from the phase on")                                                                        \
    X(POLICY,      SURPRISE,   "surprise",   "",                                 CLAUSE_ONCE,                        \
      "others keep the rule that they had")                                                                          \
    X(POLICY,      ANNOUNCED,  "announced",  "",                                 CLAUSE_ONCE,                        \
      "others know of it from the moment it starts (so unless said)")                                                \
    X(RECORD,      FILE,       "file",       "\"PATH.csv\"",                     CLAUSE_ONCE,  "where the data lie") \
    X(RECORD,      DATE,       "date",       "COLUMN",                           CLAUSE_ONCE,  "column of the days") \
    X(RECORD,      VALUE,      "value",      "COLUMN",                           CLAUSE_ONCE,  "column of numbers")   \
    X(RECORD,      PER,        "per",        "TIME",                             CLAUSE_ONCE,                        \
      "each number is a count over so long")                                                                         \
    X(RECORD,      OBSERVES,   "observes",   "EXPR",                             CLAUSE_ONCE,                        \
      "what of the scenario it shows")                                                                               \
    X(RECORD,      NOISE,      "noise",      "poisson|negative_binomial(k)|normal(sd)", CLAUSE_ONCE,                 \
      "how far it is off")                                                                                           \
    X(CLAIM,       CONFIDENCE, "confidence", "NUMBER",                           CLAUSE_ONCE,                        \
      "of the interval of a sampled verdict; 0.99 unless said")                                                      \
    X(CLAIM,       TOLERANCE,  "tolerance",  "NUMBER",                           CLAUSE_ONCE,                        \
      "most that the difference of the sides may move when grids are doubled, in its unit")                          \
    X(CLAIM,       SENSITIVE,  "sensitive",  "",                                 CLAUSE_ONCE,                        \
      "in place of a tolerance: the verdict is known to depend on the grid")

typedef enum ClauseId {
#define X(declaration, clause, keyword, form, count, text) CLAUSE_##declaration##_##clause,
    CLAUSE_LIST(X)
#undef X
    CLAUSE_COUNT,
    CLAUSE_CITE = CLAUSE_COUNT,   // any declaration
    CLAUSE_NONE
} ClauseId;

typedef struct Clause {
    AstDeclarationKind declaration;
    const char *keyword, *form;
    ClauseCount count;
    const char *text;
} Clause;

extern const Clause CLAUSE[CLAUSE_COUNT];   // indexed by ClauseId

/// Declarations: keyword, what stands behind it, what the manual says.
#define DECLARATION_FORM_LIST(X)                                                                                     \
    X(SCENARIO, "\"TITLE\" { CLAUSES }",              "the frame: clock, unit of time, dates")                       \
    X(IMPORT,   "\"PATH.duress\"",                                                                                   \
      "declarations of another file; later ones override by kind and name")                                          \
    X(UNIT,     "NAME",                               "a unit of measure beside the time units")                     \
    X(SOURCE,   "NAME \"...\" { CLAUSES }",           "something that can be cited")                                 \
    X(ACTOR,    "NAME \"...\" { CLAUSES }",           "someone who chooses")                                         \
    X(PRIVATE,  "NAME of ACTOR { TYPE, TYPE ... } { CLAUSES }", "a type that only the actor itself knows")           \
    X(MODE,     "NAME of ACTOR|nature { VALUE, VALUE ... }", "a variable with named values; the first is the start") \
    X(STOCK,    "NAME \"...\" { CLAUSES }",           "a number that changes")                                       \
    X(PARAM,    "NAME = NUMBER { CLAUSES }",          "a number that is not known for sure")                         \
    X(LET,      "NAME = EXPR",                        "a name for an expression")                                    \
    X(TABLE,    "NAME(x) { X: Y, X: Y ... }",         "piecewise linear through the points, flat outside")           \
    X(EVENT,    "NAME \"...\" { CLAUSES }",           "something that happens to the actors")                        \
    X(MOVE,     "NAME of ACTOR \"...\" { CLAUSES }",  "something that an actor can do")                              \
    X(PAYOFF,   "ACTOR { TERM EXPR, one a line }",    "what an actor wants: a flow per unit of time, in named terms") \
    X(POLICY,   "NAME \"...\" of ACTOR { CLAUSES }",  "a rule put in place of an actor's own choices")               \
    X(RECORD,   "NAME \"...\" { CLAUSES }",           "data to hold the scenario against")                           \
    X(CLAIM,    "NAME \"...\" { COMPARISON }",        "what is said to be so, to be judged")                         \
    X(RIVAL,    "NAME \"...\" { DECLARATIONS }",                                                                     \
      "another explanation: params, lets, payoffs and policies that replace the scenario's")

/// Functions of expressions.
//    name       least, most arguments (-1: any number)   what the manual says
#define FUNCTION_LIST(X)                                                                                             \
    X(exp,       1,  1, "exp(a)",                "exponential")                                                      \
    X(log,       1,  1, "log(a)",                "natural logarithm")                                                \
    X(sqrt,      1,  1, "sqrt(a)",               "square root")                                                      \
    X(abs,       1,  1, "abs(a)",                "absolute value")                                                   \
    X(min,       2, -1, "min(a, b, ...)",        "smallest")                                                         \
    X(max,       2, -1, "max(a, b, ...)",        "largest")                                                          \
    X(clamp,     3,  3, "clamp(a, low, high)",   "a, kept between low and high")                                     \
    X(logistic,  1,  1, "logistic(a)",           "1/(1 + exp(-a)), in 0..1")                                         \
    X(floor,     1,  1, "floor(a)",              "largest whole number that is not above a")

/// Operators and other forms of expressions, from loose to tight.
#define EXPRESSION_FORM_LIST(X)                                                                                      \
    X("if c then a else b",      "a where c holds, else b")                                                          \
    X("c or d",                  "either holds")                                                                     \
    X("c and d",                 "both hold")                                                                        \
    X("not c",                   "does not hold")                                                                    \
    X("a == b  a != b  a < b  a <= b  a > b  a >= b", "comparison; they do not chain")                               \
    X("a per TIME",              "a rate; reaches back over the sum before it")                                      \
    X("a + b  a - b",            "sum and difference")                                                               \
    X("a*b  a/b",                "product and quotient")                                                             \
    X("-a",                      "change of sign")                                                                   \
    X("a^b",                     "power; read from the right")                                                       \
    X("[c]",                     "1 where c holds, else 0")                                                          \
    X("by MODE { VALUE a, VALUE b ... }", "the expression beside the mode's present value")                          \
    X("MODE == VALUE",           "a value stands for itself only beside its mode")                                   \
    X("belief(ACTOR is TYPE)",   "the public belief that the actor has the type")                                    \
    X("3 month  25%  1e-3",      "a duration, a quarter, a thousandth")

/// Quantities of claims and queries.
#define QUANTITY_FORM_LIST(X)                                                                                        \
    X("P(c within T)",           "c holds at some instant up to T")                                                  \
    X("P(c throughout T)",       "c holds at every instant up to T")                                                 \
    X("P(c at T)",               "c holds at T")                                                                     \
    X("P(c until d within T)",   "d comes to hold up to T, and c holds until then; without `within T`: ever")        \
    X("E(x at T)",               "mean of x at T")                                                                   \
    X("E(mean x over T)",        "mean of the average of x over time")                                               \
    X("E(total x over T)",       "mean of the integral of x over time")                                              \
    X("E(max x over T)",         "mean of the largest value of x")                                                   \
    X("E(count(MOVE) over T)",   "mean number of times that a move or event happens")                                \
    X("E(x in the long run)",    "mean under the stationary law")                                                    \
    X("... after T0)",           "the stretch of time starts at T0")                                                 \
    X("... | POLICY)",           "under a policy rather than the equilibrium")

/// Effects of events and moves.
#define EFFECT_FORM_LIST(X)                                                                                          \
    X("x = a  x += a  x -= a  x *= a", "a stock's new value, from the state before")                                 \
    X("MODE = VALUE",            "a mode's new value")

/// Random sizes in effects.
#define DRAW_LIST(X)                                                                                                 \
    X(uniform,     2, 2, "uniform(a, b)",        "anything from a to b, evenly")                                     \
    X(normal,      2, 2, "normal(mean, sd)",     "normal")                                                           \
    X(exponential, 1, 1, "exponential(mean)",    "exponential")

/// Priors of params.
#define PRIOR_LIST(X)                                                                                                \
    X(uniform,     2, 2, "uniform(low, high)",          "evenly from low to high")                                   \
    X(normal,      2, 2, "normal(mean, sd)",            "normal")                                                    \
    X(lognormal,   2, 2, "lognormal(mean, sd)",         "its logarithm is normal with this mean and sd")             \
    X(beta,        2, 2, "beta(a, b)",                  "beta, in 0..1")                                             \
    X(gamma,       2, 2, "gamma(shape, scale)",         "gamma")                                                     \
    X(exponential, 1, 1, "exponential(mean)",           "exponential")                                               \
    X(triangular,  3, 3, "triangular(low, mode, high)", "triangular")

/// Time units and their length in days.
#define TIME_UNIT_LIST(X) X(day, 1.0) X(week, 7.0) X(month, 365.25 / 12) X(quarter, 365.25 / 4) X(year, 365.25)

/// The kind of declaration that a keyword begins, or AST_DECLARATION_COUNT.
AstDeclarationKind grammar_declaration(const char *word);

/// The clause of a kind of declaration that a keyword begins, or CLAUSE_NONE. `cite` is CLAUSE_CITE in all of them.
ClauseId grammar_clause(AstDeclarationKind declaration, const char *word);

/// The keyword nearest to a word that is none, if near enough to suggest; else NULL.
const char *grammar_near_declaration(const char *word);
const char *grammar_near_clause(AstDeclarationKind declaration, const char *word);

/// Write the keywords of a declaration's clauses as a list for people: "`range`, `grid` or `cite`".
void grammar_list_clauses(Text *out, AstDeclarationKind declaration);

/// True for the words of expressions ("and", "within", ...) and for `wait`: nothing can be declared by such a name.
bool grammar_is_reserved(const char *word);

/// True for any keyword at all: a number before it is a bare number, not one with a unit.
bool grammar_is_word(const char *word);

#endif
