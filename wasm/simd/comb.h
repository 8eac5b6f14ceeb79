/*
 * Recoding of scalars, which P-256 and Edwards25519 share.
 *
 * The comb (Lim and Lee 1994) has blocks of teeth: tooth i of block j stands at bit 24 j + 4 i, and moves through the three bits above
 * it. All bits count 1 or -1 (Hamburg, "Fast and compact elliptic-curve cryptography", 2012, 3.3), so that half of a block's points
 * are the opposites of the others and none is 0. Entry m of its table is the sum of 2^(24 j + 4 i) times the base point over all teeth i:
 * the last one added, another if m has bit i, or else subtracted.
 *
 * Non-adjacent form (Solinas 2000) is for public scalars only.
 */
#ifndef COMB_H
#define COMB_H

#include <stdint.h>
#include <string.h>

enum { COMB_BLOCKS = 11, COMB_TEETH = 6, COMB_SPACING = 4, COMB_POINTS = 1 << (COMB_TEETH - 1), COMB_WORDS = 9 };

/* The order of the base point, and 2^264 - 1 modulo it: with as many digits, 1 or -1, as the comb has bits. */
typedef struct comb_order {
  uint32_t order[8], all_ones[8];
} comb_order;

typedef struct comb_digit {
  uint32_t index;   /* in the block's table */
  int32_t negative; /* all ones: the opposite of what the table has */
} comb_digit;

typedef int32_t vector __attribute__((vector_size(16)));

/* All ones if a and b, below 2^31, are equal. */
static inline vector equality_mask(uint32_t a, uint32_t b) {
  int32_t same = -(int32_t)(((a ^ b) - 1) >> 31);
  return (vector){same, same, same, same};
}

/* 32 bits from `at` on. */
static inline uint32_t bits_at(const uint32_t *number, int words, int at) {
  int word = at / 32, shift = at % 32;
  uint64_t low = word < words ? number[word] : 0, high = word + 1 < words ? number[word + 1] : 0;
  return (uint32_t)((low | high << 32) >> shift);
}

/* out = a + (b & mask); returns the carry. */
static inline uint32_t add_masked(uint32_t out[8], const uint32_t a[8], const uint32_t b[8], uint32_t mask) {
  uint64_t carry = 0;
  for (int i = 0; i < 8; i++) {
    carry += (uint64_t)a[i] + (b[i] & mask);
    out[i] = (uint32_t)carry;
    carry >>= 32;
  }
  return (uint32_t)carry;
}

/*
 * The sum of (2 b - 1) * 2^i over 264 bits b is 2 B - (2^264 - 1) for the number B of the bits; so B is half of scalar + 2^264 - 1, modulo
 * the order. Nothing but its being below 2^264 is asked of B.
 */
static inline void comb_bits(uint32_t bits[COMB_WORDS], const uint32_t scalar[8], const comb_order *c) {
  uint32_t sum[8], carry = add_masked(sum, scalar, c->all_ones, -1u);
  carry += add_masked(sum, sum, c->order, 0 - (sum[0] & 1));
  for (int i = 0; i < 7; i++) bits[i] = sum[i] >> 1 | sum[i + 1] << 31;
  bits[7] = sum[7] >> 1 | carry << 31;
  bits[8] = carry >> 1;
}

static inline comb_digit comb_digit_at(const uint32_t bits[COMB_WORDS], int block, int step) {
  uint32_t window = bits_at(bits, COMB_WORDS, COMB_TEETH * COMB_SPACING * block) >> step, digit = 0;
  for (int i = 0; i < COMB_TEETH; i++) digit |= (window >> COMB_SPACING * i & 1) << i;
  uint32_t negative = (digit >> (COMB_TEETH - 1)) - 1; /* the last tooth is subtracted */
  return (comb_digit){(digit ^ negative) & (COMB_POINTS - 1), (int32_t)negative};
}

enum { NAF_WINDOW = 5, NAF_DIGITS = 257, NAF_MULTIPLES = 1 << (NAF_WINDOW - 2) };

/* Digits 0 or odd, between -15 and 15, at least four zeros after each that is not; returns how many. Variable time. */
static inline int non_adjacent_form(int8_t digits[NAF_DIGITS], const uint32_t scalar[8]) {
  int length = 0;
  uint32_t carry = 0;
  memset(digits, 0, NAF_DIGITS);
  for (int i = 0; i < NAF_DIGITS;) {
    uint32_t window = (bits_at(scalar, 8, i) & 31) + carry;
    if (window & 1) {
      carry = window >> (NAF_WINDOW - 1);
      digits[i] = (int8_t)((int)window - (int)(carry << NAF_WINDOW));
      length = i + 1;
      i += NAF_WINDOW;
    } else {
      i++; /* the bit and the carry are both 0, or both 1 and carry on */
    }
  }
  return length;
}

#endif
