/// What rows are made of, and the kernel over them, one for each vector width.
#ifndef LATTICE_ROWS_KERNEL_H
#define LATTICE_ROWS_KERNEL_H

#include "lattice/chain_kernel.h"

/// States whose rows stand side by side: a slice. As many doubles as the widest vector holds.
#define ROWS_LANES 8

/// States of one task, about: a part of the rows with arrays of its own.
#define ROWS_PART 4096

/// The ways out of the states of a part, which is a whole number of blocks and begins a slice. A way of a slice leads all its states equally far, with a rate of its own for each (0 where a
/// state has no such way), so that its targets are read in one stretch. Where such a stretch would pass an end of the array each
/// state has a target of its own.
typedef struct RowsPart {
    int64_t  first_state, n_state;
    int64_t  n_slice;
    int32_t *n_way;       // [n_slice] ways of a slice
    int32_t *n_odd;       // [n_slice] of them the last ones, with targets of their own
    int64_t  n, room;     // ways in all
    int32_t *shift;       // [n] how far they lead
    double  *rate;        // [n x ROWS_LANES]
    int64_t  n_to, room_to;
    int32_t *to;          // [n_to x ROWS_LANES] targets of the odd ones
    double  *leave;       // [n_slice x ROWS_LANES] rate of leaving
} RowsPart;

typedef void (*RowsApply)(const RowsPart *part, const double *x, double *y);

/// What one worker needs to lay out parts (rows_lay.c); blocks that are a whole number of slices together.
typedef struct RowsRoom RowsRoom;
RowsRoom *rows_room_make(const Lattice *lattice);
void      rows_room_free(RowsRoom *room);
int64_t   rows_group(const Lattice *lattice);

/// Lay out a part whose first_state, n_state, n_way, n_odd and leave are there; other arrays are taken as needed, and used again where the
/// part was laid out before. False: out of memory.
bool rows_lay_part(RowsRoom *room, const ChainView *chain, RowsPart *part);

extern const RowsApply rows_kernel_base, rows_kernel_avx2, rows_kernel_avx512;

#endif
