/// Measures with few atoms: the nodes around a state, and what a move adds to one. They are the right sides of adjoint
/// systems (transposed.h).
#ifndef GAME_MEASURE_H
#define GAME_MEASURE_H

#include "lattice/policy.h"

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

/// Add `factor` times (where a move leads from a point, others' belief about its mover included) - (the point).
DurStatus measure_add_move(Measure *measure, const Measure *point, const Policy *policy, int32_t jump, double factor);

/// column[state] += weight, [n_state].
void measure_write(const Measure *measure, double *column);

/// Sum of weight times a table's value, a column's value, and the lump that a jump pays a type of an actor.
double measure_table(const Measure *measure, const Lattice *lattice, const LatticeTable *table);
double measure_column(const Measure *measure, const double *column);
double measure_lump(const Measure *measure, const Lattice *lattice, int32_t jump, int32_t actor, int32_t type);

#endif
