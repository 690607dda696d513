/// SHA-256, the name that contents have: of a model, of a source file. Source: FIPS 180-4.
#ifndef BASE_SHA256_H
#define BASE_SHA256_H

#include <stddef.h>
#include <stdint.h>

typedef struct Sha256 {
    uint32_t h[8];
    uint64_t n_byte;
    uint8_t  block[64];
} Sha256;

void sha256_start(Sha256 *s);
void sha256_add(Sha256 *s, const void *data, size_t n);
/// Write 64 lower-case hexadecimal digits and a NUL.
void sha256_hex(Sha256 *s, char hex[65]);

#endif
