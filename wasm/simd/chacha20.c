/*
 * ChaCha20 (RFC 8439, 2.3 and 2.4), four blocks at a time: lane i of each of the sixteen vectors belongs to block i.
 *
 * Interposes crypto/chacha/chacha_enc.c. No branch and no address depends on the key, the counter or the text.
 */
#include <string.h>
#include <wasm_simd128.h>

#include "crypto/chacha.h"

static v128_t rotate(v128_t x, int bits) { return wasm_v128_or(wasm_i32x4_shl(x, bits), wasm_u32x4_shr(x, 32 - bits)); }

static void quarter_round(v128_t *a, v128_t *b, v128_t *c, v128_t *d) {
  *a = wasm_i32x4_add(*a, *b), *d = rotate(wasm_v128_xor(*d, *a), 16);
  *c = wasm_i32x4_add(*c, *d), *b = rotate(wasm_v128_xor(*b, *c), 12);
  *a = wasm_i32x4_add(*a, *b), *d = rotate(wasm_v128_xor(*d, *a), 8);
  *c = wasm_i32x4_add(*c, *d), *b = rotate(wasm_v128_xor(*b, *c), 7);
}

static void four_blocks(uint8_t stream[256], const uint32_t key[8], const uint32_t counter[4]) {
  static const uint32_t sigma[4] = {0x61707865, 0x3320646e, 0x79622d32, 0x6b206574};
  v128_t start[16], x[16];
  for (int i = 0; i < 4; i++) start[i] = wasm_v128_load32_splat(&sigma[i]);
  for (int i = 0; i < 8; i++) start[4 + i] = wasm_v128_load32_splat(&key[i]);
  for (int i = 0; i < 4; i++) start[12 + i] = wasm_v128_load32_splat(&counter[i]);
  start[12] = wasm_i32x4_add(start[12], wasm_i32x4_const(0, 1, 2, 3));
  memcpy(x, start, sizeof x);
  for (int i = 0; i < 10; i++) {
    for (int j = 0; j < 4; j++) quarter_round(&x[j], &x[4 + j], &x[8 + j], &x[12 + j]);
    for (int j = 0; j < 4; j++) quarter_round(&x[j], &x[4 + (j + 1) % 4], &x[8 + (j + 2) % 4], &x[12 + (j + 3) % 4]);
  }
  for (int i = 0; i < 16; i++) {
    x[i] = wasm_i32x4_add(x[i], start[i]);
    for (int j = 0; j < 4; j++) memcpy(stream + 64 * j + 4 * i, (uint8_t *)&x[i] + 4 * j, 4);
  }
}

void ChaCha20_ctr32(unsigned char *out, const unsigned char *in, size_t length, const unsigned int key[8], const unsigned int counter[4]) {
  uint32_t now[4];
  uint8_t stream[256];
  memcpy(now, counter, sizeof now);
  for (size_t i = 0; i < length; i++) {
    if (i % sizeof stream == 0) {
      four_blocks(stream, key, now);
      now[0] += 4;
    }
    out[i] = in[i] ^ stream[i % sizeof stream];
  }
}
