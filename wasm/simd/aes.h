/*
 * AES on eight blocks at once (aes-bitslice.c), for modes that can have them. Single blocks and key schedules are OpenSSL's AES_*
 * functions (aes.c). An AES_KEY holds FIPS 197's round keys byte by byte, and serves both directions.
 */
#ifndef AES_H
#define AES_H

#include <stddef.h>
#include <stdint.h>
#include <wasm_simd128.h>

#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/aes.h>

enum { AES_EIGHT = 8 * AES_BLOCK_SIZE };

/* Eight blocks bit by bit: bit i of byte j of plane b is bit b of byte j of block i. */
typedef struct aes_planes {
  v128_t plane[8];
} aes_planes;

/* A key so spread out; made for a call or a message, and wiped after it. */
typedef struct aes_spread_key {
  aes_planes round[AES_MAXNR + 1];
  int rounds;
} aes_spread_key;

void aes_spread(aes_spread_key *spread, const AES_KEY *key);
void aes_wipe(aes_spread_key *spread); /* OPENSSL_cleanse takes three times as long, and every record pays for it */

/* Counter blocks are twelve bytes that stay the same, and a big-endian counter. This is made of the former, once a message. */
void aes_ctr_nonce(aes_planes *nonce, const aes_spread_key *key, const uint8_t bytes[12]);

/*
 * Adds the key stream to `count` times eight blocks. `counter` is the first block's and a multiple of eight; it may wrap.
 * `out` is `in`, or does not overlap it.
 */
void aes_ctr_eights(const aes_spread_key *key, const aes_planes *nonce, uint32_t counter, uint8_t *out, const uint8_t *in, size_t count);

#endif
