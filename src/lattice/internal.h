/// What the files of `lattice` share and nobody else needs.
#ifndef LATTICE_INTERNAL_H
#define LATTICE_INTERNAL_H

#include "lattice/lattice.h"

/// Random sizes in one jump, at most; their quadratures multiply.
#define LATTICE_DRAWS_MAX 8
/// Combinations of random sizes in one jump, at most.
#define LATTICE_BRANCHES_MAX 4096

typedef enum TableRange { TABLE_FINITE, TABLE_NOT_NEGATIVE, TABLE_PROBABILITY } TableRange;

/// Give a table the shape that a set of variables asks for; no values yet.
void table_shape(const Lattice *lattice, uint64_t reads, LatticeTable *table);

/// Nodes of every variable at an entry of a table (0 for variables that it does not depend on).
void table_nodes(const Lattice *lattice, const LatticeTable *table, int64_t entry, int32_t *node);

/// Evaluate a program at every entry of a table's shape, out[table->n]; PROGRAM_NONE is 1 everywhere. The table may read more
/// variables than the program does.
DurStatus table_evaluate(const Lattice *lattice, const LatticeTable *table, ProgramId program, const double *draw,
                         int32_t n_draw, double *out);

/// Tabulate `program` where `guard` holds, 0 elsewhere, and check every value where it holds.
DurStatus table_make(const Lattice *lattice, ProgramId guard, ProgramId program, const char *what, TableRange range,
                     LatticeTable *out, DurError *error);

/// The sentence about a value that cannot be: expression, place, node. Returns DUR_DOMAIN.
DurStatus table_fault(const Lattice *lattice, const LatticeTable *table, int64_t entry, ProgramId program,
                      const char *what, double value, const char *wrong, DurError *error);

/// Nodes of the belief about one private, as a double (it may be past all limits); 0: no grid said.
double belief_nodes(const ModelPrivate *private);

/// The nodes of a belief, n_node of them (as many as some grid has), and what lies beside them; the rates of `becomes` are
/// left to the caller. DUR_SHAPE if no grid has so many.
DurStatus belief_make(LatticePrivate *out, const ModelPrivate *private, int32_t n_node);
void      belief_free(LatticePrivate *private, int32_t n_becomes);

/// The tables of an expression for each type of an actor.
DurStatus table_make_by_type(const Lattice *lattice, ProgramId guard, const ProgramId *by_type, int32_t n_type,
                             const char *what, TableRange range, LatticeTable **out, DurError *error);
void      table_free_by_type(LatticeTable *by_type, int32_t n_type);

/// Tabulate a jump: guard, hazard, targets, lumps.
DurStatus jump_make(const Lattice *lattice, int32_t jump, LatticeJump *out, DurError *error);
void      jump_free(const Lattice *lattice, int32_t jump, LatticeJump *jump_table);

/// y(target) += share * weight over all targets of a jump from each lane of a block: weight is a row of it, y a whole column. Only
/// the first n_shift variables that the jump writes are moved (INT32_MAX: all).
void lattice_scatter(const Lattice *lattice, const LatticeJump *jump, int32_t n_shift, const LatticeBlock *view,
                     const double *weight, double *y);

/// Tabulate what stocks do at the end of a round, and free it.
DurStatus change_make(const Lattice *lattice, LatticeJump *out, DurError *error);
void      change_free(LatticeJump *change);

#endif
