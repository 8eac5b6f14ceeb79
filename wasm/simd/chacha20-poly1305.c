/*
 * ChaCha20, Poly1305, and both in one pass (RFC 8439).
 *
 * ChaCha20 works on four blocks at a time: lane i of each of sixteen vectors belongs to block i. Poly1305 works on 32-bit limbs with
 * 64-bit products, as in crypto/poly1305/poly1305.c: a clamped r lets sums of products stay within 64 bits. Scalar it is, because the
 * processor has multipliers and adders beside those that ChaCha20 keeps busy: a block of Poly1305 between two half rounds of ChaCha20
 * costs a third of what it costs alone. (With two lanes of i64x2.extmul Poly1305 is less than half as fast, alone and together.)
 *
 * Interposes crypto/chacha/chacha_enc.c and crypto/poly1305/poly1305.c. No branch and no address depends on a key or a text.
 */
#include "chacha20-poly1305.h"

#include <string.h>
#include <wasm_simd128.h>

#include <openssl/crypto.h>

#include "crypto/chacha.h"

enum { BLOCK = CHACHA20_BLOCK, FOUR_BLOCKS = 4 * BLOCK, MAC_BLOCK = POLY1305_BLOCK_SIZE };

/* ---- Poly1305: h = (h + block) * r modulo 2^130 - 5, block for block. ---- */

/*
 * In POLY1305's `opaque`. r is clamped: its limbs are less than 2^28, and the last three multiples of four; fold[i] is r[i] * 5 / 4.
 * With a block added, h[0] is less than 2^34, h[1] to h[3] less than 2^33, and h[4] at most 4; no sum below then reaches 2^64.
 */
typedef struct accumulator {
  uint64_t h[5], r[4], fold[4];
} accumulator;

_Static_assert(sizeof(accumulator) <= sizeof((POLY1305 *)0)->opaque, "OpenSSL leaves room");

static uint32_t load32(const uint8_t *from) {
  uint32_t word;
  memcpy(&word, from, sizeof word);
  return word;
}

static void store32(uint8_t *to, uint32_t word) { memcpy(to, &word, sizeof word); }

/* `high` is 2^128 in the block: 1, or 0 for a last one that carries its own end mark. */
static inline __attribute__((always_inline)) void absorb(accumulator *a, const uint8_t block[MAC_BLOCK], uint32_t high) {
  const uint64_t *r = a->r, *fold = a->fold;
  uint64_t h0 = a->h[0] + load32(block), h1 = a->h[1] + load32(block + 4), h2 = a->h[2] + load32(block + 8);
  uint64_t h3 = a->h[3] + load32(block + 12), h4 = a->h[4] + high, top;
  /* 2^128 is 2^-2 * 5: what leaves at the top comes back at the bottom, and r's clamped low bits make the division exact. */
  uint64_t d0 = h0 * r[0] + h1 * fold[3] + h2 * fold[2] + h3 * fold[1];
  uint64_t d1 = h0 * r[1] + h1 * r[0] + h2 * fold[3] + h3 * fold[2] + h4 * fold[1];
  uint64_t d2 = h0 * r[2] + h1 * r[1] + h2 * r[0] + h3 * fold[3] + h4 * fold[2];
  uint64_t d3 = h0 * r[3] + h1 * r[2] + h2 * r[1] + h3 * r[0] + h4 * fold[3];
  uint64_t d4 = h4 * r[0];
  d1 += d0 >> 32;
  d2 += d1 >> 32;
  d3 += d2 >> 32;
  d4 += d3 >> 32;
  top = (d4 >> 2) + (d4 & ~(uint64_t)3); /* d4 / 4 * 5 */
  a->h[0] = (uint32_t)d0 + top;
  a->h[1] = (uint32_t)d1;
  a->h[2] = (uint32_t)d2;
  a->h[3] = (uint32_t)d3;
  a->h[4] = d4 & 3;
}

static __attribute__((noinline)) void absorb_all(accumulator *state, const uint8_t *blocks, size_t count) {
  accumulator a = *state;
  for (; count > 0; count--, blocks += MAC_BLOCK) absorb(&a, blocks, 1);
  *state = a;
}

/* Adds with carry from limb to limb, and leaves 32 bits in each. */
static uint64_t add_limbs(uint32_t out[4], const uint64_t a[4], const uint32_t b[4]) {
  uint64_t carry = 0;
  for (int i = 0; i < 4; i++) {
    carry += a[i] + b[i];
    out[i] = (uint32_t)carry;
    carry >>= 32;
  }
  return carry;
}

void Poly1305_Init(POLY1305 *mac, const unsigned char key[32]) {
  accumulator *a = (accumulator *)mac->opaque;
  memset(a, 0, sizeof *a);
  for (int i = 0; i < 4; i++) {
    a->r[i] = load32(key + 4 * i) & (i == 0 ? 0x0fffffff : 0x0ffffffc);
    a->fold[i] = a->r[i] + (a->r[i] >> 2); /* of r[0] it is not exact, and not used */
    mac->nonce[i] = load32(key + 16 + 4 * i);
  }
  mac->num = 0;
}

void Poly1305_Update(POLY1305 *mac, const unsigned char *in, size_t length) {
  accumulator *a = (accumulator *)mac->opaque;
  if (mac->num > 0) {
    size_t missing = MAC_BLOCK - mac->num, part = length < missing ? length : missing;
    memcpy(mac->data + mac->num, in, part);
    mac->num += part;
    in += part;
    length -= part;
    if (mac->num < MAC_BLOCK) return;
    absorb_all(a, mac->data, 1);
  }
  absorb_all(a, in, length / MAC_BLOCK);
  mac->num = length % MAC_BLOCK;
  if (mac->num > 0) memcpy(mac->data, in + length - mac->num, mac->num);
}

void Poly1305_Final(POLY1305 *mac, unsigned char tag[16]) {
  static const uint32_t zero[4];
  accumulator *a = (accumulator *)mac->opaque;
  uint32_t h[4], reduced[4], carry, use_reduced;
  uint64_t wide[4];
  if (mac->num > 0) {
    memset(mac->data + mac->num, 0, MAC_BLOCK - mac->num);
    mac->data[mac->num] = 1;
    absorb(a, mac->data, 0);
  }
  /* Once round brings h below 2 * (2^130 - 5). */
  carry = (uint32_t)a->h[4] + (uint32_t)add_limbs(h, a->h, zero);
  for (int i = 0; i < 4; i++) wide[i] = h[i];
  wide[0] += (uint64_t)(carry >> 2) * 5;
  carry = (carry & 3) + (uint32_t)add_limbs(h, wide, zero);
  /* h + 5 reaches 2^130 just when h is at least 2^130 - 5, and is then, without that bit, h reduced. */
  for (int i = 0; i < 4; i++) wide[i] = h[i];
  wide[0] += 5;
  carry += (uint32_t)add_limbs(reduced, wide, zero);
  use_reduced = 0 - (carry >> 2);
  for (int i = 0; i < 4; i++) wide[i] = (h[i] & ~use_reduced) | (reduced[i] & use_reduced);
  add_limbs(h, wide, mac->nonce);
  for (int i = 0; i < 4; i++) store32(tag + 4 * i, h[i]);
  OPENSSL_cleanse(mac, sizeof *mac);
}

size_t Poly1305_ctx_size(void) { return sizeof(POLY1305); }

/* ---- ChaCha20. ---- */

/*
 * Rotations by 16 and by 8 as permutations of bytes. In memory that might change, for the compiler then loads them: as constants they
 * would be built anew at each use (V8 on x86-64), which costs up to a sixth.
 */
uint8_t chacha20_rotations[2][16] = {
    {2, 3, 0, 1, 6, 7, 4, 5, 10, 11, 8, 9, 14, 15, 12, 13},
    {3, 0, 1, 2, 7, 4, 5, 6, 11, 8, 9, 10, 15, 12, 13, 14},
};

typedef struct rotations {
  v128_t by16, by8;
} rotations;

#define ROTATE(x, bits) wasm_v128_or(wasm_i32x4_shl(x, bits), wasm_u32x4_shr(x, 32 - (bits)))

static inline __attribute__((always_inline)) void quarter_round(v128_t x[16], int a, int b, int c, int d, const rotations *rotate) {
  x[a] = wasm_i32x4_add(x[a], x[b]), x[d] = wasm_i8x16_swizzle(wasm_v128_xor(x[d], x[a]), rotate->by16);
  x[c] = wasm_i32x4_add(x[c], x[d]), x[b] = wasm_v128_xor(x[b], x[c]), x[b] = ROTATE(x[b], 12);
  x[a] = wasm_i32x4_add(x[a], x[b]), x[d] = wasm_i8x16_swizzle(wasm_v128_xor(x[d], x[a]), rotate->by8);
  x[c] = wasm_i32x4_add(x[c], x[d]), x[b] = wasm_v128_xor(x[b], x[c]), x[b] = ROTATE(x[b], 7);
}

/* Word i of the state of four blocks, whose counters follow one another. */
static inline __attribute__((always_inline)) v128_t start_word(int i, const uint32_t key[8], const uint32_t counter[4]) {
  static const uint32_t expand_32_byte_k[4] = {0x61707865, 0x3320646e, 0x79622d32, 0x6b206574};
  if (i < 4) return wasm_v128_load32_splat(&expand_32_byte_k[i]);
  if (i < 12) return wasm_v128_load32_splat(&key[i - 4]);
  if (i > 12) return wasm_v128_load32_splat(&counter[i - 12]);
  return wasm_i32x4_add(wasm_v128_load32_splat(&counter[0]), wasm_i32x4_const(0, 1, 2, 3));
}

/* Four words of four blocks become four vectors with the words of one block each. */
static inline __attribute__((always_inline)) void transpose(v128_t x[4]) {
  v128_t low01 = wasm_i32x4_shuffle(x[0], x[1], 0, 4, 1, 5), high01 = wasm_i32x4_shuffle(x[0], x[1], 2, 6, 3, 7);
  v128_t low23 = wasm_i32x4_shuffle(x[2], x[3], 0, 4, 1, 5), high23 = wasm_i32x4_shuffle(x[2], x[3], 2, 6, 3, 7);
  x[0] = wasm_i64x2_shuffle(low01, low23, 0, 2);
  x[1] = wasm_i64x2_shuffle(low01, low23, 1, 3);
  x[2] = wasm_i64x2_shuffle(high01, high23, 0, 2);
  x[3] = wasm_i64x2_shuffle(high01, high23, 1, 3);
}

/* Encrypts FOUR_BLOCKS bytes, and on the way has `state` absorb `count` blocks, at most MOST_ABSORBED. */
enum { DOUBLE_ROUNDS = 10, MOST_ABSORBED = 2 * DOUBLE_ROUNDS };

static __attribute__((noinline)) void four_blocks(uint8_t *out, const uint8_t *in, const uint32_t key[8], const uint32_t counter[4],
                                                  accumulator *state, const uint8_t *blocks, int count) {
  rotations rotate = {wasm_v128_load(chacha20_rotations[0]), wasm_v128_load(chacha20_rotations[1])};
  accumulator a = *state;
  int first = count < DOUBLE_ROUNDS ? count : DOUBLE_ROUNDS, second = count - first; /* so that they spread over the rounds */
  v128_t x[16];
  for (int i = 0; i < 16; i++) x[i] = start_word(i, key, counter);
  for (int i = 0; i < DOUBLE_ROUNDS; i++) {
    for (int j = 0; j < 4; j++) quarter_round(x, j, 4 + j, 8 + j, 12 + j, &rotate);
    if (i < first) absorb(&a, blocks, 1), blocks += MAC_BLOCK;
    for (int j = 0; j < 4; j++) quarter_round(x, j, 4 + (j + 1) % 4, 8 + (j + 2) % 4, 12 + (j + 3) % 4, &rotate);
    if (i < second) absorb(&a, blocks, 1), blocks += MAC_BLOCK;
  }
  for (int i = 0; i < 16; i++) x[i] = wasm_i32x4_add(x[i], start_word(i, key, counter));
  for (int i = 0; i < 16; i += 4) transpose(x + i);
  /* All loads, then all stores: a load soon after a store 4 KiB beside it would wait for it. */
  for (int i = 0; i < 16; i++) x[i] = wasm_v128_xor(x[i], wasm_v128_load(in + BLOCK * (i % 4) + 16 * (i / 4)));
  for (int i = 0; i < 16; i++) wasm_v128_store(out + BLOCK * (i % 4) + 16 * (i / 4), x[i]);
  *state = a;
}

void ChaCha20_ctr32(unsigned char *out, const unsigned char *in, size_t length, const unsigned int key[8], const unsigned int counter[4]) {
  accumulator nothing = {.h = {0}};
  uint32_t now[4];
  uint8_t last[FOUR_BLOCKS];
  memcpy(now, counter, sizeof now);
  for (; length >= FOUR_BLOCKS; length -= FOUR_BLOCKS, in += FOUR_BLOCKS, out += FOUR_BLOCKS, now[0] += 4) {
    four_blocks(out, in, key, now, &nothing, NULL, 0);
  }
  if (length == 0) return;
  memcpy(last, in, length);
  memset(last + length, 0, sizeof last - length);
  four_blocks(last, last, key, now, &nothing, NULL, 0);
  memcpy(out, last, length);
  OPENSSL_cleanse(last, sizeof last);
}

/* ---- Both. ---- */

static size_t least(size_t a, size_t b) { return a < b ? a : b; }

/*
 * A block of the key stream goes to Poly1305's key, and the three after it to the first bytes of the text. Then four blocks at a time:
 * the ciphertext absorbed meanwhile is what was written before (sealing), or what will be overwritten next (opening).
 */
void chacha20_poly1305_text(POLY1305 *mac, uint8_t rest[CHACHA20_BLOCK], const uint32_t key[8], const uint32_t nonce[3],
                            const uint8_t *aad, size_t aad_length, uint8_t *out, const uint8_t *in, size_t length,
                            chacha20_poly1305_direction direction) {
  const uint8_t *ciphertext = direction == CHACHA20_POLY1305_SEAL ? out : in;
  accumulator *a = (accumulator *)mac->opaque, nothing = {.h = {0}};
  uint32_t counter[4] = {0, nonce[0], nonce[1], nonce[2]};
  uint8_t piece[FOUR_BLOCKS], *text = piece + BLOCK;
  size_t done = least(length, FOUR_BLOCKS - BLOCK), absorbed = 0, size = done, blocks;

  memset(piece, 0, sizeof piece);
  memcpy(text, in, done);
  four_blocks(piece, piece, key, counter, &nothing, NULL, 0);
  Poly1305_Init(mac, piece);
  if (aad_length > 0) {
    uint8_t padded[MAC_BLOCK] = {0};
    memcpy(padded, aad, aad_length);
    absorb_all(a, padded, 1);
  }
  if (direction == CHACHA20_POLY1305_OPEN) {
    absorb_all(a, in, done / MAC_BLOCK);
    absorbed = done / MAC_BLOCK * MAC_BLOCK;
    memcpy(mac->data, in + absorbed, done - absorbed); /* in case these are the last, and overwritten now */
  }
  memcpy(out, text, done);

  for (; done < length; done += size) {
    size = least(length - done, FOUR_BLOCKS);
    counter[0] += 4;
    blocks = ((direction == CHACHA20_POLY1305_SEAL ? done : done + size) - absorbed) / MAC_BLOCK;
    if (size == FOUR_BLOCKS) {
      four_blocks(out + done, in + done, key, counter, a, ciphertext + absorbed, (int)blocks);
      absorbed += blocks * MAC_BLOCK;
    } else {
      memcpy(piece, in + done, size);
      memset(piece + size, 0, sizeof piece - size);
      four_blocks(piece, piece, key, counter, a, ciphertext + absorbed, (int)blocks);
      absorbed += blocks * MAC_BLOCK;
      if (direction == CHACHA20_POLY1305_OPEN) memcpy(mac->data, in + absorbed, length - absorbed);
      memcpy(out + done, piece, size);
      text = piece;
    }
  }
  if (direction == CHACHA20_POLY1305_SEAL) {
    blocks = (length - absorbed) / MAC_BLOCK;
    absorb_all(a, out + absorbed, blocks);
    absorbed += blocks * MAC_BLOCK;
    memcpy(mac->data, out + absorbed, length - absorbed);
  }
  mac->num = length - absorbed;
  if (length % BLOCK != 0) memcpy(rest, text + size / BLOCK * BLOCK, BLOCK);
  OPENSSL_cleanse(piece, sizeof piece);
}
