// processors other than x86-64: the loops compiled without flags are the only ones
#include "num/isa_machine.h"

Isa isa_machine(void) {
    return ISA_BASE;
}
