/// Several expressions evaluated together, again and again: what they share is computed once, and what does not depend on
/// the state once and for all. The same bits as eval_lanes.
#ifndef EVAL_BUNDLE_H
#define EVAL_BUNDLE_H

#include "eval/eval.h"

typedef struct EvalBundle EvalBundle;

/// Make a bundle of programs that read neither draws nor quantities, for at most `n_lane` lanes at a time. It belongs to one
/// thread: its scratch is inside. NULL when memory is out. Cost: the operations squared.
///   param     [n_param] as they are and stay
///   program   [n_program] >= 0
///   moving    variables that differ between eval_bundle_run and eval_bundle_again, as a mask
EvalBundle *eval_bundle_make(const Model *model, const double *param, const ProgramId *program, int32_t n_program,
                             uint64_t moving, int64_t n_lane);
void        eval_bundle_free(EvalBundle *bundle);

/// Evaluate all programs in lanes 0 .. n - 1.
///   variable  [n_variable] columns; NULL for those that no program reads
///   out       [n_program] columns, distinct, none of them an input
void eval_bundle_run(const EvalBundle *bundle, const double *const *variable, int64_t n, double *const *out);

/// The same lanes again right after eval_bundle_run, where only the variables that move are other ones.
void eval_bundle_again(const EvalBundle *bundle, const double *const *variable, int64_t n, double *const *out);

/// Variables that some program reads.
uint64_t eval_bundle_reads(const EvalBundle *bundle);

/// Operations that are left to eval_bundle_run, and to eval_bundle_again.
int32_t eval_bundle_size(const EvalBundle *bundle);
int32_t eval_bundle_size_again(const EvalBundle *bundle);

#endif
