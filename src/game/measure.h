/// Measures with few atoms: the nodes around a state, and what a move adds to one. They are the right sides of adjoint
/// systems, which are solved here.
#ifndef GAME_MEASURE_H
#define GAME_MEASURE_H

#include "lattice/policy.h"
#include "num/bicgstab.h"

/// Adjoint systems have right sides of size 1; those whose parts should add up are solved until no equation is missed by
/// more than this, or than rounding allows.
#define MEASURE_TOLERANCE 1e-14
/// Applications of the operator in one attempt at a linear solve, at most.
#define MEASURE_APPLIES 4000

typedef struct Measure {
    int32_t n, capacity;
    int64_t *state;        // [n] owned; a state may occur more than once
    double  *weight;       // [n] owned
} Measure;

void measure_free(Measure *measure);

/// The nodes around a state with their shares (modes whole, stocks anything). DUR_OK or DUR_MEMORY.
DurStatus measure_point(Measure *out, const Lattice *lattice, const double *state);

/// Add `factor` times one atom.
DurStatus measure_add(Measure *measure, int64_t state, double factor);

/// Add `factor` times (where a move leads from a point) - (the point).
DurStatus measure_add_move(Measure *measure, const Measure *point, const Lattice *lattice, int32_t jump, double factor);

/// column[state] += weight, [n_state].
void measure_write(const Measure *measure, double *column);

/// Sum of weight times a table's value, a column's value, and the lump that a jump pays an actor.
double measure_table(const Measure *measure, const Lattice *lattice, const LatticeTable *table);
double measure_column(const Measure *measure, const double *column);
double measure_lump(const Measure *measure, const Lattice *lattice, int32_t jump, int32_t actor);

/// Solve A x = b, as bicgstab does, for a b with few entries that are not 0. BiCGStab projects on the residual it starts
/// from; with a zero start that is b, and what it never meets again makes it break down. So it starts from a small x
/// that is nowhere 0, and once more from another if that fails.
DurStatus measure_solve(LinearSolve *out, int64_t n, LinearApply apply, void *context, const double *b, double tolerance,
                        double *x);

#endif
