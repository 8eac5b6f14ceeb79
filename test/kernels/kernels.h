/*
 * The kernels of wasm/simd against OpenSSL's C, and their speed.
 *
 * This program is linked twice: with wasm/simd, and without it. Both draw the same cases from the same seeds and digest all that
 * OpenSSL's functions answer; equal digests are equal answers (kernels.test.ts compares). Nothing here knows which of the two it is.
 * It is part of a WebAssembly module (exports.txt) and, with main.c, a native program under sanitizers.
 */
#ifndef KERNELS_H
#define KERNELS_H

#include <stddef.h>
#include <stdint.h>

/* ---- Random cases. ---- */

typedef struct draws {
  uint64_t state;  /* of the generator; the seed at first */
  uint64_t digest; /* of everything noted */
} draws;

uint64_t draw(draws *d);
/* A number from 0 to limit - 1. */
uint32_t draw_below(draws *d, uint32_t limit);
/* Random bytes; one time in eight all equal, and 0x00 or 0xff at that: carries and overflows live there. */
void draw_bytes(draws *d, uint8_t *out, size_t length);
/* 0 to maximum; often short, and often a multiple of a block's size, or one beside it. */
size_t draw_length(draws *d, size_t maximum);

/* Adds an answer to the digest. */
void note(draws *d, const void *bytes, size_t length);
void note_number(draws *d, int64_t number);

/* Aborts: the program itself is wrong (OpenSSL refused what it must accept), not the kernel. */
void require(int condition, const char *what);

/* Something to test: draws one case, and notes all answers. */
typedef struct family {
  const char *name;
  void (*one)(draws *d);
} family;

/* ---- Measurements. ---- */

/* One operation on `size` bytes (0 where a size means nothing). `prepare` is called once for a size, before. */
typedef struct measure {
  const char *name;
  void (*prepare)(size_t size);
  void (*run)(size_t size);
} measure;

/* ---- kernels.c: what the module exports, and main.c calls. ---- */

const char *kernels_family(uint32_t which);
uint64_t kernels_fuzz(uint32_t which, uint64_t seed, uint32_t count);
const char *kernels_measure(uint32_t which);
void kernels_prepare(uint32_t which, uint32_t size);
void kernels_run(uint32_t which, uint32_t size, uint32_t times);

/* ---- What the files here offer; kernels.c has the tables. ---- */

extern const family chacha20_family, poly1305_family;
extern const family chacha20_poly1305_family, gcm_family, ccm_family;
extern const family aes_family, aes_modes_family, descriptions_family;
extern const family p256_field_family, p256_group_family, p256_ecdsa_family;
extern const family curve25519_field_family, x25519_family, ed25519_family;
extern const family power_family, rsa_family;
extern const measure chacha20_poly1305_seal, chacha20_poly1305_open, aes_128_gcm_seal, aes_128_gcm_open, aes_256_gcm_seal, aes_256_gcm_open;
extern const measure aes_cbc_encrypt_measure, aes_cbc_decrypt_measure;
extern const measure p256_sign, p256_verify, p256_derive, p256_generate, x25519_derive, x25519_generate, ed25519_sign, ed25519_verify;
extern const measure rsa_sign, rsa_verify, ml_kem_generate, ml_kem_encapsulate, ml_kem_decapsulate;

#endif
