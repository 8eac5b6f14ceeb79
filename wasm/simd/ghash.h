/* GHASH, the hash of GCM: y = (y + block) * H, block for block. */
#ifndef GHASH_H
#define GHASH_H

#include <stddef.h>
#include <stdint.h>

enum { GHASH_BLOCK = 16, GHASH_POWERS = 4 };

/* What is made of a key H once: byte i of n * H^(4-j), for all numbers n of four bits, is in products[i][j]. */
typedef struct ghash_key {
  uint8_t products[17][GHASH_POWERS][16];
} ghash_key;

void ghash_prepare(ghash_key *key, const uint8_t h[GHASH_BLOCK]);
void ghash_absorb(const ghash_key *key, uint8_t y[GHASH_BLOCK], const uint8_t *blocks, size_t count);

#endif
