/// Evaluation of compiled expressions: over blocks of lanes (fast), one state at a time (the plain reference), over
/// boxes of states (rigorous bounds). All three read the same bytecode; lanes and reference agree to the last bit.
#ifndef EVAL_EVAL_H
#define EVAL_EVAL_H

#include "base/status.h"
#include "eval/op.h"
#include "model/model.h"
#include "num/isa.h"

/// Lanes that one call handles at most; longer columns are walked in blocks of this length.
/// A block of 256 doubles is 2 KiB, so a program of a dozen registers stays in a 32 KiB first-level cache.
#define EVAL_LANES 256

/// Where the values that an expression reads come from.
typedef struct EvalInput {
    const double *const *variable;  // [n_variable] columns of n_lane doubles; NULL entries for those not read
    const double *param;            // [n_param]
    const double *const *draw;      // [n_draw] columns, NULL if the program reads none
    const double *quantity;         // [n_quantity] scalars, NULL if the program reads none
} EvalInput;

/// Evaluate a program in every lane.
///
///   program   >= 0
///   n_lane    >= 0, any number
///   out       [n_lane]; may not alias an input column
///   scratch   room for eval_scratch(model) doubles, aligned to DUR_ALIGN
///
/// The same bits for every vector width and for eval_state. Allocates nothing. Cost: n_op * n_lane kernel lanes.
void eval_lanes(const Model *model, ProgramId program, const EvalInput *in, int64_t n_lane, double *out,
                double *scratch);

/// Doubles of scratch that eval_lanes needs for the largest program of a model.
int64_t eval_scratch(const Model *model);

/// The plain reference: one state, one lane, a switch over the rows of op.h.
///   state     [n_variable], draw, quantity: NULL if the program reads none
double eval_state(const Model *model, ProgramId program, const double *state, const double *param,
                  const double *draw, const double *quantity);

/// A closed interval, or with low > high none (the expression has no value there).
typedef struct Interval { double low, high; } Interval;

/// An interval that holds the program's value at every state of a box (outward rounded; may be wider than needed,
/// never narrower; infinite where a division by an interval around zero occurs).
///   box       [n_variable]; draw: [n_draw] or NULL
Interval eval_bound(const Model *model, ProgramId program, const Interval *box, const double *param,
                    const Interval *draw);

/// Name and number of arguments of an operation ("ADD", 2; loads 0, TABLE 1), for listings and doc.
const char *eval_op_name(OpCode code);
int         eval_op_args(OpCode code);

#endif
