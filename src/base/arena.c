#include "base/arena.h"

#include "base/memory.h"

#include <stdalign.h>
#include <stdint.h>
#include <string.h>

/// First chunk, in bytes. Small scenarios fit; chunks double from here so that large ones need few.
#define FIRST_CHUNK 16384u

typedef struct Chunk {
    struct Chunk *before;   // the chunk filled before this one
    size_t size, used;      // bytes of data behind this header
    size_t total_before;    // bytes used in all chunks before
} Chunk;

struct Arena { Chunk *last; };

#define ALIGNED(n) (((n) + alignof(max_align_t) - 1) / alignof(max_align_t) * alignof(max_align_t))
#define HEADER     ALIGNED(sizeof(Chunk))

Arena *arena_make(void) { return memory_zeroed(1, sizeof(Arena)); }

void arena_free(Arena *arena) {
    if (!arena) return;
    arena_release(arena, (ArenaMark){0});
    memory_free(arena);
}

void *arena_alloc(Arena *arena, size_t n_byte) {
    if (n_byte > SIZE_MAX / 4) return NULL;
    n_byte = ALIGNED(n_byte ? n_byte : 1);
    Chunk *c = arena->last;
    if (!c || c->size - c->used < n_byte) {
        size_t size = c ? 2 * c->size : FIRST_CHUNK;
        if (size < n_byte) size = n_byte;
        Chunk *fresh = memory_alloc(HEADER + size);
        if (!fresh) return NULL;
        *fresh = (Chunk){.before = c, .size = size, .total_before = c ? c->total_before + c->used : 0};
        arena->last = c = fresh;
    }
    void *p = (char *)c + HEADER + c->used;
    c->used += n_byte;
    return memset(p, 0, n_byte);
}

char *arena_text(Arena *arena, const char *text, size_t n) {
    char *copy = arena_alloc(arena, n + 1);
    if (copy && n) memcpy(copy, text, n);
    return copy;
}

ArenaMark arena_mark(const Arena *arena) {
    return (ArenaMark){.chunk = arena->last, .used = arena->last ? arena->last->used : 0};
}

void arena_release(Arena *arena, ArenaMark mark) {
    while (arena->last && arena->last != mark.chunk) {
        Chunk *gone = arena->last;
        arena->last = gone->before;
        memory_free(gone);
    }
    if (arena->last) arena->last->used = mark.used;
}

size_t arena_used(const Arena *arena) { return arena->last ? arena->last->total_before + arena->last->used : 0; }
