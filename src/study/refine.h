/// How far answers depend on the grids: everything that a scenario claims, again on doubled grids.
/// Source: semantics, "The lattice": `check --refine`. The upwind scheme errs in proportion to the step h (Kushner and
/// Dupuis 2001), so halving h halves the error, and  2 * doubled - as written  leaves an error of order h^2
/// (Richardson and Gaunt 1927, "The deferred approach to the limit"). Whether the error does fall with h is seen on a third grid.
#ifndef STUDY_REFINE_H
#define STUDY_REFINE_H

#include "study/render.h"

/// Most states of a refined lattice when the caller names no limit: minutes of work, and below 2 GB.
#define REFINE_STATES ((int64_t)5000000)
/// Residual to which games are solved here unless the caller names another: far below the moves that are looked for.
#define REFINE_TOLERANCE 1e-10

/// What a grid does to a claim.
typedef enum GridVerdict {
    GRID_STEADY,     // same verdict everywhere, and the difference moves by less than a tenth of itself
    GRID_MOVES,      // same verdict, but the difference moves by more
    GRID_TURNS,      // it holds here and fails there, or would in the limit: sensitive to the grid
    GRID_UNKNOWN     // it could not be judged
} GridVerdict;

/// What a claim's difference does to the tolerance that the claim states.
typedef enum ToleranceVerdict {
    TOLERANCE_UNSTATED,   // the claim states none, nor that it is sensitive
    TOLERANCE_KEPT,       // its difference moves by no more, and its verdict does not turn
    TOLERANCE_BROKEN,     // it moves by more, or the verdict turns
    TOLERANCE_SENSITIVE,  // it says itself that it depends on the grid
    TOLERANCE_UNKNOWN     // it could not be judged
} ToleranceVerdict;

typedef enum RefineKind { REFINE_VALUE, REFINE_QUANTITY, REFINE_GAP } RefineKind;

/// One number on all grids.
typedef struct RefineRow {
    RefineKind kind;
    int32_t which;               // actor, quantity of the model, claim
    CheckAnswer coarse, doubled; // as written; all grids doubled (one at a time: coarse + the sum of the moves)
    double  move, noise;         // doubled - coarse, and what of it bounds and tolerances could make up
    double  extrapolated;
    double  order;               // observed power of h; NaN where there is no third grid or nothing moves
    bool    is_trusted;          // false where the order is known and not near 1, or moves change sign
    double  size;                // what a move is compared with: 1 for probabilities, else how large the number is
    double *alone;               // [n_stock of the report] move when one grid alone is doubled; NaN: not had
} RefineRow;

/// One stock (or belief) with a grid.
typedef struct RefineStock {
    int32_t variable, n_node, n_doubled;
    double  n_state;             // of the lattice where it alone is doubled
    int32_t top;                 // row that it moves most; -1: none was had
    double  share;               // by how much, relative to the row's size
    char    note[256];           // why it was not doubled, or ""
} RefineStock;

typedef struct Refinement {
    bool    is_together;         // all grids doubled at once; else one at a time, moves added up
    int64_t limit;
    double  n_state, n_state_doubled, n_state_third;   // NaN: there is none
    double  n_byte;              // of the largest lattice solved, with what solving keeps
    bool    third_is_finer;      // grids doubled twice, not halved
    int32_t n_row, n_stock, n_claim;
    RefineRow   *row;            // [n_row] values, then quantities, then gaps (one a claim, in order)
    RefineStock *stock;          // [n_stock]
    GridVerdict  *grid;          // [n_claim]
    ToleranceVerdict *kept;      // [n_claim]
    CheckVerdict *verdict;       // [3 x n_claim] as written, doubled, extrapolated
    char   *claim_note;          // [n_claim x REFINE_NOTE] why one was not judged
    int32_t top;                 // stock whose grid matters most; -1: none moves anything
    char    note[256];           // why not together although within the limit, or ""
    double  seconds;
} Refinement;
#define REFINE_NOTE 256

/// Do it. The study's session is left as it was, solved. DUR_LIMIT if not even one grid can be doubled within
/// options->states; DUR_UNMET if the game as written misses its tolerance; DUR_DOMAIN if some expression has no value
/// at a new node; DUR_INPUT if there is no grid; DUR_INTERRUPTED. Freed by refinement_free on any return.
DurStatus refine(Refinement *out, DurScenario *s, const DurOptions *options, DurError *error);
void      refinement_free(Refinement *r);

/// DUR_UNMET with a sentence that names the claims whose stated tolerance is broken.
DurStatus refine_unmet(const Refinement *r, const Model *model, DurError *error);

/// A row for each number on all grids, as a table "refine"; NULL when memory is out.
Frame *refinement_frame(const DurScenario *s, const Refinement *r);
/// As an object, and for people.
void render_refinement(Json *j, const DurScenario *s, const Refinement *r);
void put_refinement(Text *out, const DurScenario *s, const Refinement *r);

#endif
