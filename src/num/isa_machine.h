/// What the processor at hand can run: one file for each kind of processor (isa_x86.c, isa_plain.c), the build picks.
#ifndef NUM_ISA_MACHINE_H
#define NUM_ISA_MACHINE_H

#include "num/isa.h"

/// The widest Isa that this processor and its operating system run.
Isa isa_machine(void);

#endif
