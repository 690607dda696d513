#include "num/isa.h"
#include "num/isa_machine.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

static const char *const name_of[ISA_COUNT] = {
#define X(name, text, lanes) text,
    ISA_LIST(X)
#undef X
};

// ISA_COUNT: not decided yet. Threads that decide at the same time decide the same.
static _Atomic Isa chosen = ISA_COUNT;

static Isa decide(void) {
    Isa machine = isa_machine();
    const char *wish = getenv("DURESS_ISA");
    for (int i = 0; wish && i < ISA_COUNT; i++)
        if (strcmp(wish, name_of[i]) == 0 && (Isa)i < machine) return (Isa)i;
    return machine;
}

Isa isa_best(void) {
    Isa isa = atomic_load_explicit(&chosen, memory_order_relaxed);
    if (isa == ISA_COUNT) {
        isa = decide();
        atomic_store_explicit(&chosen, isa, memory_order_relaxed);
    }
    return isa;
}

Isa isa_force(Isa isa) {
    Isa machine = isa_machine();
    if (isa != ISA_COUNT && isa > machine) isa = machine;
    atomic_store_explicit(&chosen, isa, memory_order_relaxed);
    return isa_best();
}

const char *isa_name(Isa isa) {
    return isa < ISA_COUNT ? name_of[isa] : "?";
}
