#include "lattice/rows_body.h"

const RowsApply rows_kernel_avx512 = rows_apply;
