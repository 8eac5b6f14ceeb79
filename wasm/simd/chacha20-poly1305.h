/* What chacha20-poly1305.c offers beside the functions it stands in for. */
#ifndef CHACHA20_POLY1305_H
#define CHACHA20_POLY1305_H

#include <stddef.h>
#include <stdint.h>

#include "crypto/poly1305.h"

enum { CHACHA20_BLOCK = 64 };

/*
 * All of a message but the tag (RFC 8439, 2.8): makes `mac` from the key and nonce, absorbs `aad` (at most one block), and encrypts or
 * decrypts `length` bytes, which are absorbed as ciphertext. `out` is `in`, or does not overlap it. When `length` is no multiple of a
 * block, the unused end of the last block of key stream is at the end of `rest`.
 */
typedef enum { CHACHA20_POLY1305_OPEN, CHACHA20_POLY1305_SEAL } chacha20_poly1305_direction;

void chacha20_poly1305_text(POLY1305 *mac, uint8_t rest[CHACHA20_BLOCK], const uint32_t key[8], const uint32_t nonce[3],
                            const uint8_t *aad, size_t aad_length, uint8_t *out, const uint8_t *in, size_t length,
                            chacha20_poly1305_direction direction);

#endif
