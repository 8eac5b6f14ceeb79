/*
 * The field of Curve25519 in limbs of 29 bits: what exceeds 2^255 comes back times 19.
 */
#include "curve25519-field.h"

#include "invert.h"

#define TOP_BITS 23
#define TOP_MASK 0x7fffff

/* Carries columns 0 to 8 into limbs; what is left over comes back as 19 times as much. */
INLINE void element_carry(element *out, const int64_t t[LIMBS]) {
  int64_t carry = 0;
  UNROLL for (int i = 0; i < LIMBS - 1; i++) {
    carry += t[i] + LIMB_HALF;
    out->at[i] = (carry & LIMB_MASK) - LIMB_HALF;
    carry >>= LIMB_BITS;
  }
  carry += t[LIMBS - 1];
  out->at[LIMBS - 1] = carry & TOP_MASK;
  carry = out->at[0] + (carry >> TOP_BITS) * 19 + LIMB_HALF;
  out->at[0] = (carry & LIMB_MASK) - LIMB_HALF;
  out->at[1] += carry >> LIMB_BITS; /* at most some 2^16 */
}

/* What exceeds 2^261 comes back times 2^6 * 19. */
INLINE void element_reduce(element *out, const int64_t t[COLUMNS]) {
  int64_t low[LIMBS], carry = 0;
  UNROLL for (int i = 0; i < LIMBS - 1; i++) {
    carry += t[LIMBS + i];
    low[i] = t[i] + (carry & LIMB_MASK) * (64 * 19);
    carry >>= LIMB_BITS;
  }
  low[LIMBS - 1] = t[LIMBS - 1] + carry * (64 * 19);
  element_carry(out, low);
}

void element_multiply(element *out, const element *a, const element *b) {
  int64_t t[COLUMNS] = {0};
  columns_add_product(t, a, b, 1);
  element_reduce(out, t);
}

void element_square(element *out, const element *a) {
  int64_t t[COLUMNS] = {0};
  columns_add_square(t, a, 1);
  element_reduce(out, t);
}

void element_add_multiple(element *out, const element *a, int factor, const element *b) {
  int64_t t[LIMBS];
  UNROLL for (int i = 0; i < LIMBS; i++) t[i] = a->at[i] + b->at[i] * factor;
  element_carry(out, t);
}

void element_from_words(element *out, const uint32_t words[8]) {
  limbs_from_words(out, words);
  out->at[LIMBS - 1] &= TOP_MASK;
}

void element_to_words(uint32_t words[8], const element *a) {
  element number;
  int64_t carry = -19; /* p is added, for a may be a little below 0 */
  for (int i = 0; i < LIMBS - 1; i++) {
    carry += a->at[i];
    number.at[i] = carry & LIMB_MASK;
    carry >>= LIMB_BITS;
  }
  number.at[LIMBS - 1] = a->at[LIMBS - 1] + carry + ((int64_t)1 << TOP_BITS);
  /* Now from 0 to 3p: each 2^255 that adding 19 would reach is a p to take off. */
  for (int round = 0; round < 2; round++) {
    carry = 19;
    for (int i = 0; i < LIMBS - 1; i++) carry = (carry + number.at[i]) >> LIMB_BITS;
    carry = ((carry + number.at[LIMBS - 1]) >> TOP_BITS) * 19;
    for (int i = 0; i < LIMBS; i++) {
      carry += number.at[i];
      number.at[i] = carry & LIMB_MASK;
      carry >>= LIMB_BITS;
    }
    number.at[LIMBS - 1] &= TOP_MASK;
  }
  limbs_to_words(words, &number);
}

void element_invert(element *out, const element *a) {
  uint32_t words[8];
  element_to_words(words, a);
  invert(words, words, &x25519_prime);
  element_from_words(out, words);
}
