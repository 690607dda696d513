#include "lattice/rows_body.h"

const RowsApply rows_kernel_base = rows_apply;
