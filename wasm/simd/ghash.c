/*
 * GHASH (NIST SP 800-38D, 6.4) in constant time, four blocks at a time: y = (y + b0) * H^4 + b1 * H^3 + b2 * H^2 + b3 * H.
 *
 * A product is put together from products of four bits with H, as in Shoup's method ("On fast and provably secure message
 * authentication based on universal hashing", 1996), but the tables stay in registers: one swizzle looks up what all sixteen bytes of
 * a block contribute at one distance, so no address depends on a secret. The order of bits is GCM's: the first bit of the first byte
 * is the coefficient of x^0, and a shift to the right multiplies.
 */
#include "ghash.h"

#include <string.h>
#include <wasm_simd128.h>

/* A product before it is reduced: bytes 0 to 15, and 16 to 31. */
typedef struct wide {
  v128_t low, high;
} wide;

/* Bytes `n` to `n + 15` of the 32 bytes a, b. */
#define BYTES_FROM(n, a, b)                                                                                                    \
  wasm_i8x16_shuffle(a, b, (n), (n) + 1, (n) + 2, (n) + 3, (n) + 4, (n) + 5, (n) + 6, (n) + 7, (n) + 8, (n) + 9, (n) + 10, (n) + 11, \
                     (n) + 12, (n) + 13, (n) + 14, (n) + 15)

#define ZERO wasm_i64x2_const(0, 0)

/* Times x^8: every byte moves to the next place. */
static inline wide times_byte(wide a) { return (wide){BYTES_FROM(15, ZERO, a.low), BYTES_FROM(15, a.low, a.high)}; }

/* Times x^4. */
static inline wide times_nibble(wide a) {
  const v128_t low_nibble = wasm_i8x16_splat(0x0f);
  wide down = {wasm_v128_and(wasm_u16x8_shr(a.low, 4), low_nibble), wasm_v128_and(wasm_u16x8_shr(a.high, 4), low_nibble)};
  wide over = times_byte((wide){wasm_i16x8_shl(wasm_v128_and(a.low, low_nibble), 4), wasm_i16x8_shl(wasm_v128_and(a.high, low_nibble), 4)});
  return (wide){wasm_v128_xor(down.low, over.low), wasm_v128_xor(down.high, over.high)};
}

/* In memory that might change: see chacha20_rotations. */
uint8_t ghash_reverse[16] = {15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0};

/*
 * x^128 = 1 + x + x^2 + x^7, so the high half times that is added to the low half. With its bytes reversed, the half is two numbers of
 * 64 bits, the first of them in lane 1, and bits that leave a number at its end enter the next one at its top. What leaves the last
 * one, at x^128 and above, starts over at the first.
 */
static inline v128_t reduce(wide a) {
  const v128_t reverse = wasm_v128_load(ghash_reverse);
  v128_t z = wasm_i8x16_swizzle(a.high, reverse), product;
  v128_t leaving = wasm_v128_xor(wasm_v128_xor(wasm_i64x2_shl(z, 63), wasm_i64x2_shl(z, 62)), wasm_i64x2_shl(z, 57));
  z = wasm_v128_xor(z, wasm_i64x2_shuffle(ZERO, leaving, 0, 2));
  product = wasm_v128_xor(wasm_v128_xor(z, wasm_u64x2_shr(z, 1)), wasm_v128_xor(wasm_u64x2_shr(z, 2), wasm_u64x2_shr(z, 7)));
  product = wasm_v128_xor(product, wasm_i64x2_shuffle(leaving, ZERO, 1, 2));
  return wasm_v128_xor(a.low, wasm_i8x16_swizzle(product, reverse));
}

/*
 * The sum of x[i] * H^(count-i). The nibbles of x that come first in a byte and those that come second have sums of their own. Byte k
 * of a nibble's product belongs k bytes further on: adding up begins with the last k, and shifts by a byte from one to the next.
 */
static inline __attribute__((always_inline)) v128_t multiply(const ghash_key *key, const v128_t *x, int count) {
  const v128_t low_nibble = wasm_i8x16_splat(0x0f);
  wide first = {ZERO, ZERO}, second = {ZERO, ZERO};
  v128_t firsts[GHASH_POWERS], seconds[GHASH_POWERS];
  for (int i = 0; i < count; i++) {
    firsts[i] = wasm_v128_and(wasm_u16x8_shr(x[i], 4), low_nibble);
    seconds[i] = wasm_v128_and(x[i], low_nibble);
  }
  for (int k = 16; k >= 0; k--) {
    first = times_byte(first);
    second = times_byte(second);
    for (int i = 0; i < count; i++) {
      v128_t products = wasm_v128_load(key->products[k][GHASH_POWERS - count + i]);
      first.low = wasm_v128_xor(first.low, wasm_i8x16_swizzle(products, firsts[i]));
      second.low = wasm_v128_xor(second.low, wasm_i8x16_swizzle(products, seconds[i]));
    }
  }
  second = times_nibble(second);
  return reduce((wide){wasm_v128_xor(first.low, second.low), wasm_v128_xor(first.high, second.high)});
}

/* Two or three blocks go as four, after zeros; a single one is faster alone. */
void ghash_absorb(const ghash_key *key, uint8_t y[GHASH_BLOCK], const uint8_t *blocks, size_t count) {
  v128_t sum = wasm_v128_load(y), x[GHASH_POWERS];
  for (size_t now; count > 0; count -= now, blocks += GHASH_BLOCK * now) {
    now = count < GHASH_POWERS ? count : GHASH_POWERS;
    if (now == 1) {
      x[0] = wasm_v128_xor(sum, wasm_v128_load(blocks));
      sum = multiply(key, x, 1);
      continue;
    }
    for (size_t i = 0; i < GHASH_POWERS; i++) {
      size_t skipped = GHASH_POWERS - now;
      x[i] = i < skipped ? ZERO : wasm_v128_load(blocks + GHASH_BLOCK * (i - skipped));
      if (i == skipped) x[i] = wasm_v128_xor(x[i], sum);
    }
    sum = multiply(key, x, GHASH_POWERS);
  }
  wasm_v128_store(y, sum);
}

/* ---- The key. ---- */

/* x times `a`, which is less than x^135: the 17th byte is beside it. */
static void times_x(v128_t *a, uint8_t *byte16) {
  v128_t reverse = wasm_v128_load(ghash_reverse), z = wasm_i8x16_swizzle(*a, reverse);
  uint64_t first = (uint64_t)wasm_i64x2_extract_lane(z, 1), last = (uint64_t)wasm_i64x2_extract_lane(z, 0);
  *byte16 = (uint8_t)(*byte16 >> 1 | last << 7);
  z = wasm_i64x2_make((int64_t)(last >> 1 | first << 63), (int64_t)(first >> 1));
  *a = wasm_i8x16_swizzle(z, reverse);
}

/* Column `power` of the table: n * h for all n, and then byte by byte what was number by number. */
static void fill(ghash_key *key, int power, v128_t h) {
  v128_t product[16], half[16];
  uint8_t byte16[16] = {0};
  product[0] = ZERO;
  product[8] = h; /* the first of four bits is x^0 */
  for (int n = 4; n > 0; n /= 2) {
    product[n] = product[2 * n];
    byte16[n] = byte16[2 * n];
    times_x(&product[n], &byte16[n]);
  }
  for (int n = 1; n < 16; n++) {
    int lowest = n & -n;
    if (n == lowest) continue;
    product[n] = wasm_v128_xor(product[n - lowest], product[lowest]);
    byte16[n] = byte16[n - lowest] ^ byte16[lowest];
  }
  /* A 16 x 16 transposition: interleaving the first half of the rows with the second, four times over. */
  for (int round = 0; round < 4; round++) {
    memcpy(half, product, sizeof half);
    for (int i = 0; i < 8; i++) {
      product[2 * i] = wasm_i8x16_shuffle(half[i], half[i + 8], 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
      product[2 * i + 1] = wasm_i8x16_shuffle(half[i], half[i + 8], 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
    }
  }
  for (int k = 0; k < 16; k++) wasm_v128_store(key->products[k][power], product[k]);
  memcpy(key->products[16][power], byte16, sizeof byte16);
}

void ghash_prepare(ghash_key *key, const uint8_t h[GHASH_BLOCK]) {
  v128_t power = wasm_v128_load(h);
  for (int i = GHASH_POWERS - 1; i >= 0; i--) {
    fill(key, i, power);
    power = multiply(key, &power, 1);
  }
}
