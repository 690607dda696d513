/// The syntax tree of a scenario: what was written, in order, with the place of everything; nothing is looked up yet.
///
/// The tree lives in one arena and is only read once it is parsed. Every list is an array with its count in front.
/// What was not written is NULL (pointers), a name whose `text` is NULL, or a count of 0. Where a clause had a fault
/// that was reported, its expression is AST_ERROR: a reader passes over it in silence, so that one mistake is told
/// once.
#ifndef LANG_AST_H
#define LANG_AST_H

#include "base/arena.h"
#include "base/span.h"
#include "base/text.h"
#include "model/model.h"

#include <stdbool.h>
#include <stdint.h>

/// A name where it stands. text NULL: not written.
typedef struct AstName {
    const char *text;
    Span span;
} AstName;

/// A quoted text, without its quotes and escapes. text NULL: not written.
typedef struct AstText {
    const char *text;
    Span span;
} AstText;

/// `2025-01-20`. Only dates that exist get here. year 0: not written.
typedef struct AstDate {
    int32_t year, month, day;
    Span span;
} AstDate;

/// `cite SOURCE:LOCATOR`; locator NULL where there is no colon. `span` covers SOURCE:LOCATOR.
typedef struct AstCite {
    AstName source;
    const char *locator;
    Span span;
} AstCite;

// ---- expressions -------------------------------------------------------------------------------------------------

typedef enum AstExprKind {
    AST_ERROR,       // a fault that was reported stands here
    AST_NUMBER,      // 3  0.25  1e-3  25%
    AST_MEASURE,     // a number and a unit: `20 month` (a duration), `5 dollar`
    AST_DATE,        // 2025-01-20
    AST_NAME,        // stock, mode, param, let, a mode's value beside its mode, ...
    AST_NEGATE,      // -a
    AST_NOT,         // not a
    AST_ADD, AST_SUBTRACT, AST_MULTIPLY, AST_DIVIDE, AST_POWER,
    AST_EQUAL, AST_NOT_EQUAL, AST_LESS, AST_LESS_EQUAL, AST_GREATER, AST_GREATER_EQUAL,
    AST_AND, AST_OR,
    AST_PER,         // a per TIME: a rate
    AST_IF,          // if a then b else c
    AST_INDICATOR,   // [a]
    AST_BY,          // by MODE { value expr, ... }
    AST_BELIEF,      // belief(actor is type)
    AST_CALL,        // f(args): a function, a table, a distribution, a random size
    AST_ONE_OF,      // one_of { size: weight, ... }; weights all written or none
    AST_QUANTITY     // P(...) or E(...)
} AstExprKind;

typedef struct AstExpr AstExpr;
typedef struct AstQuantity AstQuantity;

typedef struct AstArm {      // of `by`
    AstName  value;
    AstExpr *expr;
} AstArm;

typedef struct AstSize {     // of `one_of`
    AstExpr *value;
    AstExpr *weight;         // NULL: all sizes are equally likely
} AstSize;

struct AstExpr {
    AstExprKind kind;
    bool parenthesised;      // stood in ( ) of its own, which print and fmt keep
    int32_t depth;           // height of the tree under it, 1 for a leaf; <= LANG_DEPTH_MAX, so recursion is safe
    Span span;               // the whole of it if on one line, else up to the end of its first line;
                             // for operators with two sides the caret belongs under `name.span`
    AstName name;            // AST_NAME: it; AST_CALL: the function; AST_BY: the mode (or private type);
                             // AST_BELIEF: the actor; AST_MEASURE, AST_PER: the unit;
                             // operators: the operator as written ("+", "and")
    AstName type;            // AST_BELIEF: the type
    double  number;          // AST_NUMBER, AST_MEASURE: the value (0.25 for 25%)
    const char *digits;      // AST_NUMBER, AST_MEASURE: the number as written ("25%")
    AstDate date;            // AST_DATE
    AstExpr *a, *b, *c;      // operands in order; AST_NEGATE, AST_NOT, AST_INDICATOR, AST_PER: a
    int32_t n_arg;  AstExpr **arg;     // AST_CALL
    int32_t n_arm;  AstArm   *arm;     // AST_BY
    int32_t n_size; AstSize  *size;    // AST_ONE_OF
    AstQuantity *quantity;             // AST_QUANTITY
};

/// P(x within|throughout T [after T0] | policy), P(x until d [within T] [after T0] | policy), P(x at T | policy),
/// E(x at T | policy), E(mean|total|max x over T [after T0] | policy), E(count(jump) over T [after T0] | policy),
/// P or E(x in the long run | policy). T counts from T0 when there is one: `within 12 month after 6 month`
/// is months 6 to 18.
struct AstQuantity {
    QuantityKind kind;
    bool     is_probability; // P, else E
    AstExpr *x;              // condition or value; NULL for QUANTITY_COUNT
    AstExpr *until;          // d of QUANTITY_UNTIL
    AstName  jump;           // of QUANTITY_COUNT
    AstExpr *time;           // T: a number, duration or date; NULL: QUANTITY_UNTIL for ever, QUANTITY_LONG_RUN
    AstExpr *after;          // T0; NULL: from the start
    AstName  policy;         // text NULL: the equilibrium
    Span     span;
};

// ---- declarations ------------------------------------------------------------------------------------------------

typedef enum AstAssign { AST_SET, AST_SET_ADD, AST_SET_SUBTRACT, AST_SET_MULTIPLY } AstAssign;   // = += -= *=

typedef struct AstEffect {
    AstName   target;        // stock or mode
    AstAssign assign;
    AstExpr  *value;         // for a mode: AST_NAME, its value
    Span      span;
} AstEffect;

typedef struct AstPays {
    AstName  actor;
    AstExpr *value;
    Span     span;           // of the keyword
} AstPays;

/// Which declaration; the text is its keyword.
#define AST_DECLARATION_LIST(X) \
    X(SCENARIO, "scenario") X(IMPORT, "import") X(UNIT, "unit")     X(SOURCE, "source") X(ACTOR, "actor")   \
    X(PRIVATE, "private")   X(MODE, "mode")     X(STOCK, "stock")   X(PARAM, "param")   X(LET, "let")       \
    X(TABLE, "table")       X(EVENT, "event")   X(MOVE, "move")     X(PAYOFF, "payoff") X(POLICY, "policy") \
    X(RECORD, "record")     X(CLAIM, "claim")   X(RIVAL, "rival")

typedef enum AstDeclarationKind {
#define X(name, text) AST_##name##_DECLARATION,
    AST_DECLARATION_LIST(X)
#undef X
    AST_DECLARATION_COUNT
} AstDeclarationKind;

typedef struct AstScenario {    // the title is the declaration's `text`
    AstName clock;              // "continuous" or "rounds"
    AstName unit;               // time unit
    AstDate from, until;
    AstName choice;             // "quantal" or "taste"
    int32_t n_order; AstName *order;   // `order a then b`
} AstScenario;

typedef struct AstImport {      // the path as written is the declaration's `text`
    int32_t file;               // index into Ast.file; negative: it could not be read (reported)
} AstImport;

typedef struct AstSource {
    AstText file, sha256, url;
    AstDate date;
} AstSource;

typedef struct AstActor {
    AstExpr *patience, *discount, *precision, *attends;
} AstActor;

typedef struct AstBecomes {
    AstName  type;
    AstExpr *rate;
    Span     span;              // of the keyword
} AstBecomes;

typedef struct AstPrivate {     // `of` is the actor
    int32_t n_type;    AstName  *type;
    int32_t n_belief;  AstExpr **belief;     // at the start: of the second type, or of each type
    AstExpr *grid;
    int32_t n_becomes; AstBecomes *becomes;
} AstPrivate;

typedef struct AstMode {        // `of` is the actor, or the name `nature`
    int32_t n_value; AstName *value;
} AstMode;

typedef struct AstStock {
    AstExpr *low, *high;        // range A..B
    AstExpr *grid, *start, *drift, *noise, *change;
    AstName  unit;
} AstStock;

typedef struct AstParam {
    AstExpr *value;             // `= NUMBER`, perhaps with a sign or a unit
    AstExpr *prior;             // AST_CALL: the distribution
    AstName  per;               // time unit
    AstName  unit;              // `unit U`
} AstParam;

typedef struct AstLet {
    AstExpr *value;
    AstName  unit;
} AstLet;

typedef struct AstPoint {
    AstExpr *x, *y;
} AstPoint;

typedef struct AstTable {
    AstName  argument;
    int32_t  n_point; AstPoint *point;
} AstTable;

/// An event or a move; `of` is the mover of a move.
typedef struct AstJump {
    AstExpr *when;
    AstExpr *rate;              // event; AST_PER where `per TIME` was written
    AstExpr *chance;            // event, rounds clock
    AstExpr *at;                // event: AST_DATE
    AstExpr *cost;              // move
    int32_t  n_effect; AstEffect *effect;
    int32_t  n_pays;   AstPays   *pays;
    Span     secret;            // move: of the keyword; line 0: not written
} AstJump;

typedef struct AstTerm {
    AstName  name;
    AstExpr *value;
    int32_t  n_cite; AstCite *cite;    // on the term's own line
} AstTerm;

typedef struct AstPayoff {      // the declaration's name is the actor
    int32_t n_term; AstTerm *term;
} AstPayoff;

typedef struct AstSet {         // mode = value
    AstName mode, value;
} AstSet;

typedef struct AstAlways {      // always move [when COND]
    AstName  move;
    AstExpr *when;
} AstAlways;

/// What a policy says from one time on. Clauses before any `from` belong to a phase whose `from` is NULL: the start.
typedef struct AstPhase {
    AstExpr *from;
    int32_t  n_set;    AstSet    *set;
    int32_t  n_never;  AstName   *never;
    int32_t  n_always; AstAlways *always;
    AstExpr *precision;
    Span     span;              // of `from`, or of the first clause
} AstPhase;

typedef struct AstPolicy {      // `of` is the actor
    AstName announced;          // "announced" or "surprise"; text NULL: announced
    int32_t n_phase; AstPhase *phase;
} AstPolicy;

typedef struct AstRecord {
    AstText  file;
    AstText  date, value;       // names of columns
    AstName  per;               // time unit
    AstExpr *observes;
    AstExpr *noise;             // AST_NAME (poisson) or AST_CALL (negative_binomial(k), normal(sd))
} AstRecord;

typedef struct AstClaim {
    AstExpr *comparison;        // as written; that it is a comparison of quantities is for the checker to see
    AstExpr *confidence;
    AstExpr *tolerance;
    AstName  sensitive;         // the word itself; text NULL: not said
} AstClaim;

typedef struct AstDeclaration AstDeclaration;

typedef struct AstRival {       // params, lets, payoffs and policies that replace those of the scenario
    int32_t n_declaration; AstDeclaration **declaration;
} AstRival;

struct AstDeclaration {
    AstDeclarationKind kind;
    Span    span;               // of the keyword
    AstName name;               // payoff: the actor; text NULL for scenario and import
    AstText text;               // the description; scenario: the title; import: the path
    AstName of;                 // `of ACTOR`
    int32_t n_cite; AstCite *cite;
    bool    has_fault;          // some of it could not be read, which was reported: what is missing may have been there
    union {
        AstScenario scenario;
        AstImport   import;
        AstSource   source;
        AstActor    actor;
        AstPrivate  private;
        AstMode     mode;
        AstStock    stock;
        AstParam    param;
        AstLet      let;
        AstTable    table;
        AstJump     jump;       // AST_EVENT_DECLARATION and AST_MOVE_DECLARATION
        AstPayoff   payoff;
        AstPolicy   policy;
        AstRecord   record;
        AstClaim    claim;
        AstRival    rival;
    } as;
};

/// One file that was read, in the order in which files were first met: 0 is the scenario.
typedef struct AstFile {
    const char *path;           // as in messages
    int32_t n_declaration; AstDeclaration **declaration;   // in order of the text
} AstFile;

typedef struct Ast {
    Arena  *arena;              // borrowed
    int32_t n_file; AstFile *file;
    /// All declarations with each import's in the place of the import (a file that is imported twice stands at its
    /// first place only): where two have the same kind and name, the later one overrides.
    int32_t n_declaration; AstDeclaration **declaration;
    int32_t n_node;             // expressions and items of lists, against LANG_NODES_MAX
    bool    is_partial;         // a declaration could not be read at all (reported), so a name may be missing for that
} Ast;

/// The keyword of a kind of declaration: "stock".
const char *ast_declaration_keyword(AstDeclarationKind kind);

/// Days in a time unit ("month": 30.4375), or 0 if `name` is not one. Plurals are not names of units.
double ast_time_unit_days(const char *name);

/// Print on one line in the canonical layout: `0.03*(1 - power)`, `E(power at 24 month | hold)`. Parentheses that were
/// written are kept, ones that the tree needs are added, so that reading the text again gives the same tree.
void ast_print_expression(Text *out, const AstExpr *expr);

/// True if the two say the same: layout, comments, places and needless parentheses don't count. NULL equals NULL.
bool ast_same_expression(const AstExpr *a, const AstExpr *b);
bool ast_same_declaration(const AstDeclaration *a, const AstDeclaration *b);

#endif
