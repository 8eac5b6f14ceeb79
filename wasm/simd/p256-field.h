/*
 * The field of P-256: p = 2^256 - 2^224 + 2^192 + 2^96 - 1 (SP 800-186, 3.2.1.3), in Montgomery's form a * 2^261 (Montgomery 1985).
 *
 * p is -1 modulo 2^96, so Montgomery's multiple of p, limb by limb, is the limb itself, and multiplying it by p takes four shifts.
 *
 * A reduced element has limbs of size 1 (limbs29.h) and a value between -p and 3p; a settled one has size 1.25. All in constant time.
 */
#ifndef P256_FIELD_H
#define P256_FIELD_H

#include "invert.h"
#include "limbs29.h"

typedef limbs field;

/* 1, and the curve's b, in that form. */
static const field field_one = {{0x20, 0, 0, -0x4000, 0, 0, -0x800000, 0x4000000, 0}};
static const field field_b = {
    {-0x7684405, -0x3209dd6, 0x18486c5, 0x1732821, -0x252a620, 0xabf7213, -0x5f92ef0, -0x88de2df, 0x8600c4}};
/* 2^522 modulo p: multiplying by it brings a number into the form. */
static const field field_into = {{0xc00, 0, -0x10000, -0x200000, -0x400000, 0, 0, -0x1, 0x14}};

/* 2^96 = 2^(3 * 29 + 9), 2^192, 2^224 and 2^256 times multiples[i] meet in column k; 24 = 9 + 9 + 3 + 3. */
#define MULTIPLE(i) ((i) >= 0 && (i) < LIMBS ? multiples[i] : 0)
#define MULTIPLES_OF_P(k) \
  ((((((MULTIPLE((k) - 8) * 8) - MULTIPLE((k) - 7)) * 8 + MULTIPLE((k) - 6)) * 512) + MULTIPLE((k) - 3)) * 512)

/*
 * out = t / 2^261: column by column, the multiple of p that clears the limb. (-1 times it does, and leaves the carry as it is.) Limbs are
 * centered on their way out: half a limb is added before the mask and taken off after it.
 */
INLINE void field_reduce(field *out, const int64_t t[COLUMNS]) {
  int64_t multiples[LIMBS], carry = 0;
  UNROLL for (int k = 0; k < LIMBS; k++) {
    carry += t[k] + MULTIPLES_OF_P(k);
    multiples[k] = carry & LIMB_MASK;
    carry >>= LIMB_BITS;
  }
  UNROLL for (int k = LIMBS; k < COLUMNS; k++) {
    carry += t[k] + MULTIPLES_OF_P(k) + LIMB_HALF;
    out->at[k - LIMBS] = (carry & LIMB_MASK) - LIMB_HALF;
    carry >>= LIMB_BITS;
  }
  out->at[LIMBS - 1] = carry;
}

/* out = a * b, for sizes whose product is below 15.9. */
static void field_multiply(field *out, const field *a, const field *b) {
  int64_t t[COLUMNS] = {0};
  columns_add_product(t, a, b, 1);
  field_reduce(out, t);
}

/* out = a^2, for a size below 3.98. */
static void field_square(field *out, const field *a) {
  int64_t t[COLUMNS] = {0};
  columns_add_square(t, a, 1);
  field_reduce(out, t);
}

/* out = a * b - c * d: two products, one reduction. */
static void field_multiply_subtract(field *out, const field *a, const field *b, const field *c, const field *d) {
  int64_t t[COLUMNS] = {0};
  columns_add_product(t, a, b, 1);
  columns_add_product(t, c, d, -1);
  field_reduce(out, t);
}

/* out = a * b - 8 * c^2. */
static void field_multiply_subtract_square8(field *out, const field *a, const field *b, const field *c) {
  int64_t t[COLUMNS] = {0};
  columns_add_product(t, a, b, 1);
  columns_add_square(t, c, -8);
  field_reduce(out, t);
}

/*
 * out = a + x * b + y * c, settled: carried, and what exceeds 2^256 folded back with 2^256 = 2^224 - 2^192 - 2^96 + 1. The fold adds to
 * limbs 3, 6 and 7 without a carry, hence size 1.25; it is at most some 30 times p here.
 */
INLINE void field_settle(field *out, const field *a, int x, const field *b, int y, const field *c) {
  int64_t carry = 0;
  UNROLL for (int i = 0; i < LIMBS - 1; i++) {
    carry += a->at[i] + b->at[i] * x + c->at[i] * y + LIMB_HALF;
    out->at[i] = (carry & LIMB_MASK) - LIMB_HALF;
    carry >>= LIMB_BITS;
  }
  int64_t top = a->at[8] + b->at[8] * x + c->at[8] * y + carry, over = top >> 24;
  out->at[8] = top & 0xffffff;
  out->at[0] += over;
  out->at[3] -= over * (1 << 9);
  out->at[6] -= over * (1 << 18);
  out->at[7] += over * (1 << 21);
}

/* The number itself, from 0 to p - 1. */
static void field_to_words(uint32_t words[8], const field *a) {
  static const int64_t p[LIMBS] = {LIMB_MASK, LIMB_MASK, LIMB_MASK, 0x1ff, 0, 0, 0x40000, 0x1fe00000, 0xffffff};
  int64_t t[COLUMNS] = {0};
  limbs number, less;
  UNROLL for (int i = 0; i < LIMBS; i++) t[i] = a->at[i];
  field_reduce(&number, t); /* from 0 to p, as the reduction of a number between -2^261 and 2^261 */
  int64_t carry = 0, borrow = 0;
  for (int i = 0; i < LIMBS; i++) {
    carry += number.at[i];
    number.at[i] = carry & LIMB_MASK;
    carry >>= LIMB_BITS;
    borrow += number.at[i] - p[i];
    less.at[i] = borrow & LIMB_MASK;
    borrow >>= LIMB_BITS;
  }
  limbs_pick(&number, &less, ~borrow); /* borrow: -1 if below p */
  limbs_to_words(words, &number);
}

/* Any 256 bits count modulo p. */
static void field_from_words(field *out, const uint32_t words[8]) {
  limbs_from_words(out, words);
  field_multiply(out, out, &field_into);
}

static int field_is_zero(const field *a) {
  uint32_t words[8], any = 0;
  field_to_words(words, a);
  for (int i = 0; i < 8; i++) any |= words[i];
  return any == 0;
}

static void field_negate_if(field *a, int64_t mask) {
  for (int i = 0; i < LIMBS; i++) a->at[i] = (a->at[i] ^ mask) - mask;
}

/* 0 gives 0. */
static void field_invert(field *out, const field *a) {
  uint32_t words[8];
  field_to_words(words, a);
  invert(words, words, &p256_prime);
  field_from_words(out, words);
}

#endif
