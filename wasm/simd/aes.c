/*
 * AES (FIPS 197): key schedules and encryption of single blocks, the column-by-column text book way on a vector of sixteen bytes.
 *
 * SubBytes looks its bytes up in registers: each swizzle takes a table of sixteen entries, and gives zero for bytes that are none of
 * these sixteen, so sixteen of them, all executed always, are the S-box. No branch and no address depends on a key or a text.
 *
 * Interposes, with aes-bitslice.c, crypto/aes/aes_core.c and crypto/aes/aes_cbc.c.
 */
#include "aes.h"

#include <string.h>

#include <openssl/crypto.h>

/* Figure 7 of FIPS 197. In memory that might change, as all such tables here: see chacha20_rotations. */
uint8_t aes_sbox[16][16] = {
    {0x63, 0x7c, 0x77, 0x7b, 0xf2, 0x6b, 0x6f, 0xc5, 0x30, 0x01, 0x67, 0x2b, 0xfe, 0xd7, 0xab, 0x76},
    {0xca, 0x82, 0xc9, 0x7d, 0xfa, 0x59, 0x47, 0xf0, 0xad, 0xd4, 0xa2, 0xaf, 0x9c, 0xa4, 0x72, 0xc0},
    {0xb7, 0xfd, 0x93, 0x26, 0x36, 0x3f, 0xf7, 0xcc, 0x34, 0xa5, 0xe5, 0xf1, 0x71, 0xd8, 0x31, 0x15},
    {0x04, 0xc7, 0x23, 0xc3, 0x18, 0x96, 0x05, 0x9a, 0x07, 0x12, 0x80, 0xe2, 0xeb, 0x27, 0xb2, 0x75},
    {0x09, 0x83, 0x2c, 0x1a, 0x1b, 0x6e, 0x5a, 0xa0, 0x52, 0x3b, 0xd6, 0xb3, 0x29, 0xe3, 0x2f, 0x84},
    {0x53, 0xd1, 0x00, 0xed, 0x20, 0xfc, 0xb1, 0x5b, 0x6a, 0xcb, 0xbe, 0x39, 0x4a, 0x4c, 0x58, 0xcf},
    {0xd0, 0xef, 0xaa, 0xfb, 0x43, 0x4d, 0x33, 0x85, 0x45, 0xf9, 0x02, 0x7f, 0x50, 0x3c, 0x9f, 0xa8},
    {0x51, 0xa3, 0x40, 0x8f, 0x92, 0x9d, 0x38, 0xf5, 0xbc, 0xb6, 0xda, 0x21, 0x10, 0xff, 0xf3, 0xd2},
    {0xcd, 0x0c, 0x13, 0xec, 0x5f, 0x97, 0x44, 0x17, 0xc4, 0xa7, 0x7e, 0x3d, 0x64, 0x5d, 0x19, 0x73},
    {0x60, 0x81, 0x4f, 0xdc, 0x22, 0x2a, 0x90, 0x88, 0x46, 0xee, 0xb8, 0x14, 0xde, 0x5e, 0x0b, 0xdb},
    {0xe0, 0x32, 0x3a, 0x0a, 0x49, 0x06, 0x24, 0x5c, 0xc2, 0xd3, 0xac, 0x62, 0x91, 0x95, 0xe4, 0x79},
    {0xe7, 0xc8, 0x37, 0x6d, 0x8d, 0xd5, 0x4e, 0xa9, 0x6c, 0x56, 0xf4, 0xea, 0x65, 0x7a, 0xae, 0x08},
    {0xba, 0x78, 0x25, 0x2e, 0x1c, 0xa6, 0xb4, 0xc6, 0xe8, 0xdd, 0x74, 0x1f, 0x4b, 0xbd, 0x8b, 0x8a},
    {0x70, 0x3e, 0xb5, 0x66, 0x48, 0x03, 0xf6, 0x0e, 0x61, 0x35, 0x57, 0xb9, 0x86, 0xc1, 0x1d, 0x9e},
    {0xe1, 0xf8, 0x98, 0x11, 0x69, 0xd9, 0x8e, 0x94, 0x9b, 0x1e, 0x87, 0xe9, 0xce, 0x55, 0x28, 0xdf},
    {0x8c, 0xa1, 0x89, 0x0d, 0xbf, 0xe6, 0x42, 0x68, 0x41, 0x99, 0x2d, 0x0f, 0xb0, 0x54, 0xbb, 0x16},
};

/* x less 16 times the row is below 16 for bytes of that row, and for no others. */
static inline __attribute__((always_inline)) v128_t sub_bytes(v128_t x) {
  v128_t result = wasm_i64x2_const(0, 0);
  for (int row = 0; row < 16; row++) {
    result = wasm_v128_or(result, wasm_i8x16_swizzle(wasm_v128_load(aes_sbox[row]), x));
    x = wasm_i8x16_sub(x, wasm_i8x16_splat(16));
  }
  return result;
}

/* ---- Key schedule (FIPS 197, 5.2). ---- */

static uint32_t sub_word(uint32_t word) { return (uint32_t)wasm_i32x4_extract_lane(sub_bytes(wasm_i32x4_splat((int32_t)word)), 0); }

/* Words are as they lie in memory: the first byte of a word is its lowest. */
int AES_set_encrypt_key(const unsigned char *user_key, const int bits, AES_KEY *key) {
  uint32_t *w = key == NULL ? NULL : key->rd_key, rcon = 1;
  int words = bits / 32;
  if (user_key == NULL || key == NULL) return -1;
  if (bits != 128 && bits != 192 && bits != 256) return -2;
  key->rounds = words + 6;
  memcpy(w, user_key, (size_t)words * 4);
  for (int i = words; i < 4 * (key->rounds + 1); i++) {
    uint32_t word = w[i - 1];
    if (i % words == 0) {
      word = sub_word(word >> 8 | word << 24) ^ rcon;
      rcon = rcon << 1 ^ (rcon >> 7) * 0x11b;
    } else if (words == 8 && i % words == 4) {
      word = sub_word(word);
    }
    w[i] = w[i - words] ^ word;
  }
  return 0;
}

int AES_set_decrypt_key(const unsigned char *user_key, const int bits, AES_KEY *key) { return AES_set_encrypt_key(user_key, bits, key); }

/* ---- One block. ---- */

/* Byte 4 * column + row of the state. */
uint8_t aes_permutations[2][16] = {
    {0, 5, 10, 15, 4, 9, 14, 3, 8, 13, 2, 7, 12, 1, 6, 11}, /* ShiftRows */
    {1, 2, 3, 0, 5, 6, 7, 4, 9, 10, 11, 8, 13, 14, 15, 12}, /* the row below */
};

/* Times x in each byte's GF(2^8). */
static v128_t times_x(v128_t a) {
  v128_t carry = wasm_v128_and(wasm_i8x16_shr(a, 7), wasm_i8x16_splat(0x1b));
  return wasm_v128_xor(wasm_i8x16_add(a, a), carry);
}

/* 2a + 3b + c + d, where b, c and d are the rows below a: 2(a + b) + b + (c + d). */
static v128_t mix_columns(v128_t a, v128_t next_row) {
  v128_t b = wasm_i8x16_swizzle(a, next_row), sum = wasm_v128_xor(a, b);
  v128_t sum_two_below = wasm_v128_or(wasm_i32x4_shl(sum, 16), wasm_u32x4_shr(sum, 16));
  return wasm_v128_xor(wasm_v128_xor(times_x(sum), b), sum_two_below);
}

void AES_encrypt(const unsigned char *in, unsigned char *out, const AES_KEY *key) {
  const uint8_t *round_key = (const uint8_t *)key->rd_key;
  const v128_t shift_rows = wasm_v128_load(aes_permutations[0]), next_row = wasm_v128_load(aes_permutations[1]);
  v128_t state = wasm_v128_xor(wasm_v128_load(in), wasm_v128_load(round_key));
  for (int round = 1; round < key->rounds; round++) {
    state = mix_columns(wasm_i8x16_swizzle(sub_bytes(state), shift_rows), next_row);
    state = wasm_v128_xor(state, wasm_v128_load(round_key + AES_BLOCK_SIZE * round));
  }
  state = wasm_i8x16_swizzle(sub_bytes(state), shift_rows);
  wasm_v128_store(out, wasm_v128_xor(state, wasm_v128_load(round_key + AES_BLOCK_SIZE * key->rounds)));
}
