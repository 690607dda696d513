#include "lattice/rows_body.h"

const RowsApply rows_kernel_avx2 = rows_apply;
