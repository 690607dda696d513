/// Drift and noise of stocks with many nodes, all else only left: what stands in for a chain where rates of leaving alone say too little, since
/// such a stock passes through all of its nodes. Along the longest stock, or one with noise, each line of the lattice is a tridiagonal system, solved directly;
/// lines take one another in, in order and back, along the other long stocks, as Gauss-Seidel sweeps do.
/// Source: line relaxation, e.g. Varga 1962, "Matrix Iterative Analysis", ch. 6; sweeps in turn in opposite orders, Zhao 2005, "A fast
/// sweeping method for eikonal equations".
#ifndef LATTICE_LINES_H
#define LATTICE_LINES_H

#include "base/team.h"
#include "lattice/lattice.h"

typedef struct ChainLines ChainLines;

/// Nodes from which on a stock's lines are solved, and from which on another stock beside it is swept along.
#define CHAIN_LINE_NODES  10
#define CHAIN_SWEPT_NODES 6

/// *out is NULL, with DUR_OK, where no stock that moves has CHAIN_LINE_NODES (rates of leaving do then), or where it would take more than a
/// gigabyte. DUR_MEMORY. Borrows the lattice.
DurStatus chain_lines_make(ChainLines **out, const Lattice *lattice);
void      chain_lines_free(ChainLines *lines);
/// Bytes that chain_lines_make takes; 0 where it makes none.
double    chain_lines_bytes(const Lattice *lattice);

/// Take the diagonal: what each state is left at, plus a discount rate or whatever else stands there. Above 0, and no less than the rates along
/// the lines.
///   leave    [n_state]
void chain_lines_set(ChainLines *lines, const double *leave, Team *team);

/// x near the solution of leave(s) x(s) - sum over long stocks of up(s) x(s above) + down(s) x(s below) = y(s), up and down the stock's rates;
/// the solution itself where one stock alone is long. Linear in y. The same bits on any number of threads: each combination of modes
/// is a task.
///   y        [n_state]
///   x        [out] [n_state] another array than y
void chain_lines_solve(const ChainLines *lines, const double *y, double *x, Team *team);

#endif
