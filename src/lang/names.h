/// Names to numbers, by space: one table for every kind of name a scenario has.
#ifndef LANG_NAMES_H
#define LANG_NAMES_H

#include <stdbool.h>
#include <stdint.h>

typedef struct NameSlot {
    const char *name;        // borrowed; NULL: free
    int32_t space, value;
} NameSlot;

/// Zero-initialised is empty.
typedef struct NameMap {
    NameSlot *slot;          // [capacity] open addressing, capacity a power of two
    int32_t n, capacity;
    bool failed;             // memory ran out; later additions do nothing
} NameMap;

void names_free(NameMap *map);

/// The value of a name in a space, or -1.
int32_t names_find(const NameMap *map, int32_t space, const char *name);

/// Add a name that is not there yet; `value` >= 0.
void names_add(NameMap *map, int32_t space, const char *name, int32_t value);

#endif
