/// Arenas: many small things with one lifetime, freed together.
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include <stddef.h>

typedef struct Arena Arena;
typedef struct ArenaMark { void *chunk; size_t used; } ArenaMark;

/// Make an empty arena; NULL when memory is out. Freed with arena_free, which accepts NULL.
Arena *arena_make(void);
void   arena_free(Arena *arena);

/// `n_byte` zeroed bytes, aligned for any type. NULL when memory is out. Cost: a pointer bump, or one chunk.
void *arena_alloc(Arena *arena, size_t n_byte);

/// Copy `n` bytes of text and end them with a NUL. NULL when memory is out.
char *arena_text(Arena *arena, const char *text, size_t n);

/// Scratch: everything allocated after a mark is given back by release; marks nest.
ArenaMark arena_mark(const Arena *arena);
void      arena_release(Arena *arena, ArenaMark mark);

/// Bytes handed out so far.
size_t arena_used(const Arena *arena);

#endif
