/*
 * Scalars of Ed25519: modulo the base point's order L = 2^252 + 27742317777372353535851937790883648493 (RFC 8032, 5.1), by Montgomery's
 * reduction (1985) in limbs of 29 bits. All in constant time.
 */
#ifndef SCALAR25519_H
#define SCALAR25519_H

#include "limbs29.h"

static const int64_t scalar_order[LIMBS] = {0x1cf5d3ed, 0x9318d2, 0x1de73596, 0x1df3bd45, 0x14d, 0, 0, 0, 0x100000};

/* out = t / 2^261 modulo L, below 2^253 for t below 2^261 * L; limbs from 0 to 2^29 - 1. */
static void scalar_reduce_once(limbs *out, int64_t t[2 * LIMBS]) {
  const int64_t inverse = 0x12547e1b; /* -L^-1 modulo 2^29 */
  for (int i = 0; i < LIMBS; i++) {
    int64_t multiple = ((t[i] & LIMB_MASK) * inverse) & LIMB_MASK;
    for (int j = 0; j < LIMBS; j++) t[i + j] += multiple * scalar_order[j];
    t[i + 1] += t[i] >> LIMB_BITS;
  }
  int64_t carry = 0;
  for (int i = 0; i < LIMBS; i++) {
    carry += t[LIMBS + i];
    out->at[i] = carry & LIMB_MASK;
    carry >>= LIMB_BITS;
  }
}

/* out = t modulo L, for t below 2^513. */
static void scalar_reduce(limbs *out, int64_t t[2 * LIMBS]) {
  /* 2^522 modulo L */
  static const limbs back = {{0xb5f9d12, 0x1e141b17, 0x158d7f3d, 0x143f3757, 0x1972d781, 0x42feb7c, 0x1ceec73d, 0x1e184d1e, 0x5046d}};
  limbs quotient, less;
  scalar_reduce_once(&quotient, t);
  int64_t product[2 * LIMBS] = {0};
  columns_add_product(product, &quotient, &back, 1);
  scalar_reduce_once(out, product);
  int64_t borrow = 0;
  for (int i = 0; i < LIMBS; i++) {
    borrow += out->at[i] - scalar_order[i];
    less.at[i] = borrow & LIMB_MASK;
    borrow >>= LIMB_BITS;
  }
  limbs_pick(out, &less, ~borrow);
}

/* Whether it is below L: asked of public scalars. */
static int scalar_is_reduced(const uint32_t scalar[8]) {
  limbs number;
  int64_t borrow = 0;
  limbs_from_words(&number, scalar);
  for (int i = 0; i < LIMBS; i++) borrow = (borrow + number.at[i] - scalar_order[i]) >> LIMB_BITS;
  return borrow != 0;
}

/* out = hash modulo L */
static void scalar_from_hash(uint32_t out[8], const uint32_t hash[16]) {
  int64_t t[2 * LIMBS];
  uint64_t bits = 0;
  for (int i = 0, have = 0, next = 0; i < 2 * LIMBS; i++) {
    if (have < LIMB_BITS && next < 16) {
      bits |= (uint64_t)hash[next++] << have;
      have += 32;
    }
    t[i] = (int64_t)(bits & LIMB_MASK);
    bits >>= LIMB_BITS;
    have -= LIMB_BITS;
  }
  limbs reduced;
  scalar_reduce(&reduced, t);
  limbs_to_words(out, &reduced);
}

/* out = a * b + c modulo L */
static void scalar_multiply_add(uint32_t out[8], const uint32_t a[8], const uint32_t b[8], const uint32_t c[8]) {
  limbs x, y, z;
  int64_t t[2 * LIMBS] = {0};
  limbs_from_words(&x, a);
  limbs_from_words(&y, b);
  limbs_from_words(&z, c);
  columns_add_product(t, &x, &y, 1);
  for (int i = 0; i < LIMBS; i++) t[i] += z.at[i];
  scalar_reduce(&z, t);
  limbs_to_words(out, &z);
}

#endif
