#include "lang/names.h"

#include "base/memory.h"

#include <stdint.h>
#include <string.h>

void names_free(NameMap *map) {
    memory_free(map->slot);
    *map = (NameMap){0};
}

// FNV-1a over the name, the space mixed in first
static uint32_t hash(int32_t space, const char *name) {
    uint32_t h = 2166136261u ^ ((uint32_t)space * 2654435769u);
    for (const char *s = name; *s; s++) h = (h ^ (unsigned char)*s) * 16777619u;
    return h ^ (h >> 15);
}

// the slot that holds the name, or the free one where it would go
static NameSlot *slot_of(const NameMap *map, int32_t space, const char *name) {
    uint32_t mask = (uint32_t)map->capacity - 1;
    for (uint32_t i = hash(space, name) & mask;; i = (i + 1) & mask) {
        NameSlot *s = &map->slot[i];
        if (!s->name || (s->space == space && strcmp(s->name, name) == 0)) return s;
    }
}

int32_t names_find(const NameMap *map, int32_t space, const char *name) {
    if (!map->slot) return -1;
    const NameSlot *s = slot_of(map, space, name);
    return s->name ? s->value : -1;
}

void names_add(NameMap *map, int32_t space, const char *name, int32_t value) {
    if (map->failed) return;
    // at most two thirds full, so that a search ends soon
    if (3 * (map->n + 1) > 2 * map->capacity) {
        NameMap bigger = {.capacity = map->capacity ? 2 * map->capacity : 64, .n = map->n};
        bigger.slot = memory_zeroed((size_t)bigger.capacity, sizeof *bigger.slot);
        if (!bigger.slot) { map->failed = true; return; }
        for (int32_t i = 0; i < map->capacity; i++) {
            const NameSlot *s = &map->slot[i];
            if (s->name) *slot_of(&bigger, s->space, s->name) = *s;
        }
        memory_free(map->slot);
        *map = bigger;
    }
    *slot_of(map, space, name) = (NameSlot){.name = name, .space = space, .value = value};
    map->n++;
}
