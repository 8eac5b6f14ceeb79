/*
 * Numbers of up to 261 bits in nine limbs of 29, for multiplication with plain 64-bit products: WebAssembly multiplies 64 by 64 bits to
 * the low 64, so limbs must leave room for sums of products. P-256 and Curve25519 share this.
 *
 * Limbs are signed, and a number has many representations; "size s" below means limbs between -s * 2^28 and s * 2^28. A product of
 * sizes s and t has columns below s * t * 2^59.2, which fit 64 bits (with room for a reduction's terms) if s * t < 15.9: eight products
 * of full limbs meet in a column, and the ninth has a top limb, which is small.
 *
 * Everything here runs in constant time.
 */
#ifndef LIMBS29_H
#define LIMBS29_H

#include <stdint.h>

#define LIMBS 9
#define LIMB_BITS 29
#define LIMB_MASK 0x1fffffff
#define LIMB_HALF 0x10000000

/* Indices of limbs must become constants, or the limbs would not live in registers. */
#ifdef __clang__
#define UNROLL _Pragma("clang loop unroll(full)")
#else
#define UNROLL _Pragma("GCC unroll 32")
#endif
#define INLINE static inline __attribute__((always_inline))

/* 64 bits a limb, though 32 would do: what is read from memory needs no extension, which is a quarter of a multiplication's time. */
typedef struct limbs {
  int64_t at[LIMBS];
} limbs;

/* The columns of a product before reduction. */
enum { COLUMNS = 2 * LIMBS - 1 };

/* sum += a * b * factor, for a small power of two. */
INLINE void columns_add_product(int64_t sum[COLUMNS], const limbs *a, const limbs *b, int factor) {
  UNROLL for (int i = 0; i < LIMBS; i++) {
    UNROLL for (int j = 0; j < LIMBS; j++) sum[i + j] += a->at[i] * b->at[j] * factor;
  }
}

/* sum += a^2 * factor: each product of different limbs is there twice, and made once. */
INLINE void columns_add_square(int64_t sum[COLUMNS], const limbs *a, int factor) {
  UNROLL for (int k = 0; k < COLUMNS; k++) {
    int64_t column = 0;
    UNROLL for (int i = 0; i < LIMBS; i++) {
      if (2 * i < k && k - i < LIMBS) column += a->at[i] * a->at[k - i];
    }
    column *= 2;
    if (k % 2 == 0) column += a->at[k / 2] * a->at[k / 2];
    sum[k] += column * factor;
  }
}

/* Sums and differences without a carry: their size is the sum of the sizes. */
INLINE void limbs_add(limbs *out, const limbs *a, const limbs *b) {
  UNROLL for (int i = 0; i < LIMBS; i++) out->at[i] = a->at[i] + b->at[i];
}

INLINE void limbs_subtract(limbs *out, const limbs *a, const limbs *b) {
  UNROLL for (int i = 0; i < LIMBS; i++) out->at[i] = a->at[i] - b->at[i];
}

/* out = pick ? a : out, for a mask of all ones or none. */
INLINE void limbs_pick(limbs *out, const limbs *a, int64_t mask) {
  for (int i = 0; i < LIMBS; i++) out->at[i] ^= (out->at[i] ^ a->at[i]) & mask;
}

/* From 256 bits, little endian: limbs from 0 to 2^29 - 1, size 2. */
void limbs_from_words(limbs *out, const uint32_t words[8]);

/* The inverse, for limbs in that range. */
void limbs_to_words(uint32_t words[8], const limbs *a);

#endif
