/* The tables of families and measurements, what the module exports of them, and how cases are drawn. */
#include "kernels.h"

#include <stdlib.h>
#include <string.h>

#ifndef __wasm__
#include <stdio.h>
#endif

static const family *const families[] = {
    &chacha20_family,
    &poly1305_family,
    &chacha20_poly1305_family,
    &aes_family,
    &aes_modes_family,
    &gcm_family,
    &ccm_family,
    &descriptions_family,
    &p256_field_family,
    &p256_group_family,
    &p256_ecdsa_family,
    &curve25519_field_family,
    &x25519_family,
    &ed25519_family,
    &power_family,
    &rsa_family,
};

static const measure *const measures[] = {
    &chacha20_poly1305_seal, &chacha20_poly1305_open,
    &aes_128_gcm_seal, &aes_128_gcm_open,
    &aes_256_gcm_seal, &aes_256_gcm_open,
    &aes_cbc_encrypt_measure, &aes_cbc_decrypt_measure,
    &p256_sign, &p256_verify, &p256_derive, &p256_generate,
    &x25519_derive, &x25519_generate, &ed25519_sign, &ed25519_verify,
    &rsa_sign, &rsa_verify,
    &ml_kem_generate, &ml_kem_encapsulate, &ml_kem_decapsulate,
};

/* ---- Exports. ---- */

#define COUNT(table) (sizeof(table) / sizeof *(table))

const char *kernels_family(uint32_t which) { return which < COUNT(families) ? families[which]->name : NULL; }

/* The digest of all answers to `count` cases, whose seeds follow one another. */
uint64_t kernels_fuzz(uint32_t which, uint64_t seed, uint32_t count) {
  draws d = {.digest = 0xcbf29ce484222325};
  for (uint32_t i = 0; i < count; i++) {
    d.state = seed + i;
    families[which]->one(&d);
  }
  return d.digest;
}

const char *kernels_measure(uint32_t which) { return which < COUNT(measures) ? measures[which]->name : NULL; }

void kernels_prepare(uint32_t which, uint32_t size) { measures[which]->prepare(size); }

void kernels_run(uint32_t which, uint32_t size, uint32_t times) {
  while (times-- > 0) measures[which]->run(size);
}

/* ---- Draws: splitmix64 (Steele, Lea, Flood 2014), so that neighbouring seeds have nothing in common. ---- */

uint64_t draw(draws *d) {
  uint64_t z = d->state += 0x9e3779b97f4a7c15;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}

uint32_t draw_below(draws *d, uint32_t limit) { return (uint32_t)((draw(d) >> 32) * limit >> 32); }

void draw_bytes(draws *d, uint8_t *out, size_t length) {
  uint32_t kind = draw_below(d, 16);
  if (kind < 2) {
    memset(out, kind == 0 ? 0x00 : 0xff, length);
    return;
  }
  for (size_t i = 0; i < length; i += 8) {
    uint64_t word = draw(d);
    memcpy(out + i, &word, length - i < 8 ? length - i : 8);
  }
}

size_t draw_length(draws *d, size_t maximum) {
  size_t length;
  switch (draw_below(d, 4)) {
    case 0: length = draw_below(d, 80); break;
    case 1: length = 64 * draw_below(d, 20) + draw_below(d, 3) - 1; break;
    case 2: length = 16 * draw_below(d, 80) + draw_below(d, 3) - 1; break;
    default: length = draw_below(d, (uint32_t)maximum + 1);
  }
  return length > maximum ? maximum : length; /* -1 has become the maximum */
}

/* FNV-1a. */
void note(draws *d, const void *bytes, size_t length) {
  const uint8_t *p = bytes;
  for (size_t i = 0; i < length; i++) d->digest = (d->digest ^ p[i]) * 0x100000001b3;
}

void note_number(draws *d, int64_t number) { note(d, &number, sizeof number); }

void require(int condition, const char *what) {
  if (condition) return;
#ifndef __wasm__
  fprintf(stderr, "kernels: %s\n", what);
#endif
  (void)what;
  abort();
}
