/*
 * The limbs under P-256 and Curve25519, against BIGNUM: of every size that the headers allow, and the largest above all, where sanitizers
 * would see an overflow.
 *
 * This is about kernels only. The portable build has none, so the file brings copies of its own, under other names.
 */
#include <openssl/bn.h>

#define invert copied_invert
#define p256_prime copied_p256_prime
#define p256_order copied_p256_order
#define x25519_prime copied_x25519_prime
#define limbs_from_words copied_limbs_from_words
#define limbs_to_words copied_limbs_to_words
#define element_multiply copied_element_multiply
#define element_square copied_element_square
#define element_add_multiple copied_element_add_multiple
#define element_invert copied_element_invert
#define element_from_words copied_element_from_words
#define element_to_words copied_element_to_words
#include "simd/curve25519-field.c"
#include "simd/invert.c"
#include "simd/limbs29.c"
#include "simd/p256-field.h"

#include "kernels.h"

typedef struct bignums {
  BIGNUM *prime, *a, *b, *c, *e, *expected, *got;
  BN_CTX *ctx;
} bignums;

static bignums n;

static void set_up(void) {
  if (n.ctx != NULL) return;
  n.ctx = BN_CTX_new();
  BIGNUM **all[] = {&n.prime, &n.a, &n.b, &n.c, &n.e, &n.expected, &n.got};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) *all[i] = BN_new();
}

/* Limbs between -size * 2^28 and size * 2^28; the top one stands for a value of some `size` times p. */
static void draw_limbs(draws *d, limbs *out, double size) {
  int64_t most = (int64_t)(size * LIMB_HALF);
  uint32_t kind = draw_below(d, 8);
  for (int i = 0; i < LIMBS; i++) {
    int64_t bound = i == LIMBS - 1 ? (int64_t)(size * (1 << 25)) : most;
    int64_t any = (int64_t)(draw(d) % (uint64_t)(2 * bound + 1)) - bound;
    out->at[i] = kind == 0 ? bound : kind == 1 ? -bound : kind == 2 ? (draw_below(d, 2) ? bound : -bound) : any;
  }
}

static void value_of(BIGNUM *out, const limbs *a) {
  BIGNUM *limb = BN_new();
  BN_zero(out);
  for (int i = LIMBS - 1; i >= 0; i--) {
    int64_t value = a->at[i];
    uint8_t bytes[8];
    uint64_t magnitude = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    for (int j = 0; j < 8; j++) bytes[j] = (uint8_t)(magnitude >> (8 * j));
    BN_lebin2bn(bytes, sizeof bytes, limb);
    BN_set_negative(limb, value < 0);
    BN_lshift(out, out, LIMB_BITS);
    BN_add(out, out, limb);
  }
  BN_free(limb);
}

/* expected has been computed by the caller; the result's limbs have the size. */
static void compare(const limbs *result, double size, const char *what) {
  value_of(n.got, result);
  BN_nnmod(n.got, n.got, n.prime, n.ctx);
  BN_nnmod(n.expected, n.expected, n.prime, n.ctx);
  require(BN_cmp(n.got, n.expected) == 0, what);
  for (int i = 0; i < LIMBS; i++) {
    int64_t most = i == LIMBS - 1 ? 1 << 26 : (int64_t)(size * LIMB_HALF);
    require(result->at[i] <= most && result->at[i] >= -most, "the size of a result");
  }
}

/* expected = (a * b - factor * c * e) / 2^bits */
static void expect_products(const limbs *a, const limbs *b, const limbs *c, const limbs *e, BN_ULONG factor, int bits) {
  BIGNUM *power = BN_new();
  value_of(n.a, a);
  value_of(n.b, b);
  value_of(n.c, c);
  value_of(n.e, e);
  BN_mul(n.a, n.a, n.b, n.ctx);
  BN_mul(n.c, n.c, n.e, n.ctx);
  BN_mul_word(n.c, factor);
  BN_sub(n.expected, n.a, n.c);
  BN_set_bit(power, bits);
  BN_mod_inverse(power, power, n.prime, n.ctx);
  BN_mod_mul(n.expected, n.expected, power, n.prime, n.ctx);
  BN_free(power);
}

/* expected = a - x * b - y * c */
static void expect_sum(const limbs *a, BN_ULONG x, const limbs *b, BN_ULONG y, const limbs *c) {
  value_of(n.expected, a);
  value_of(n.b, b);
  value_of(n.c, c);
  BN_mul_word(n.b, x);
  BN_mul_word(n.c, y);
  BN_sub(n.expected, n.expected, n.b);
  BN_sub(n.expected, n.expected, n.c);
}

/* 256 bits, often near the prime or a few times it. */
static void draw_words(draws *d, uint32_t words[8]) {
  uint8_t bytes[32];
  draw_bytes(d, bytes, sizeof bytes);
  if (draw_below(d, 3) == 0) {
    BN_copy(n.a, n.prime);
    if (draw_below(d, 2)) BN_add_word(n.a, draw_below(d, 20));
    else BN_sub_word(n.a, draw_below(d, 20));
    BN_bn2lebinpad(n.a, bytes, sizeof bytes);
  }
  for (int i = 0; i < 8; i++) words[i] = bytes[4 * i] | bytes[4 * i + 1] << 8 | bytes[4 * i + 2] << 16 | (uint32_t)bytes[4 * i + 3] << 24;
}

static void bn_from(BIGNUM *out, const uint32_t words[8]) {
  uint8_t bytes[32];
  for (int i = 0; i < 32; i++) bytes[i] = (uint8_t)(words[i / 4] >> (8 * (i % 4)));
  BN_lebin2bn(bytes, sizeof bytes, out);
}

/* The words are expected, and below the prime. */
static void compare_words(draws *d, const uint32_t words[8], const char *what) {
  bn_from(n.got, words);
  BN_nnmod(n.expected, n.expected, n.prime, n.ctx);
  require(BN_cmp(n.got, n.expected) == 0, what);
  note(d, words, 32);
}

/* expected = expected^-1, or 0 */
static void expect_inverse(void) {
  BN_nnmod(n.expected, n.expected, n.prime, n.ctx);
  if (!BN_is_zero(n.expected)) BN_mod_inverse(n.expected, n.expected, n.prime, n.ctx);
}

static const limbs zero = {{0}};

static void p256_one(draws *d) {
  enum { FORM = LIMBS * LIMB_BITS };
  field a, b, c, e, out;
  uint32_t words[8];
  set_up();
  BN_copy(n.prime, BN_get0_nist_prime_256());
  switch (draw_below(d, 6)) {
    case 0: { /* sizes whose product is just allowed */
      double size = 1 + draw_below(d, 58) / 10.0;
      draw_limbs(d, &a, size);
      draw_limbs(d, &b, 15.9 / size);
      field_multiply(&out, &a, &b);
      expect_products(&a, &b, &zero, &zero, 1, FORM);
      compare(&out, 1, "product");
      break;
    }
    case 1:
      draw_limbs(d, &a, 3.98);
      field_square(&out, &a);
      expect_products(&a, &a, &zero, &zero, 1, FORM);
      compare(&out, 1, "square");
      break;
    case 2:
      draw_limbs(d, &a, 2.8);
      draw_limbs(d, &b, 2.8);
      draw_limbs(d, &c, 2.8);
      draw_limbs(d, &e, 2.8);
      field_multiply_subtract(&out, &a, &b, &c, &e);
      expect_products(&a, &b, &c, &e, 1, FORM);
      compare(&out, 1, "difference of products");
      break;
    case 3:
      draw_limbs(d, &a, 1);
      draw_limbs(d, &b, 5.25);
      draw_limbs(d, &c, 1.1);
      field_multiply_subtract_square8(&out, &a, &b, &c);
      expect_products(&a, &b, &c, &c, 8, FORM);
      compare(&out, 1, "product less eight squares");
      break;
    case 4:
      draw_limbs(d, &a, 1.25);
      draw_limbs(d, &b, 1.25);
      draw_limbs(d, &c, 1.25);
      field_settle(&out, &a, -8, &b, -2, &c);
      expect_sum(&a, 8, &b, 2, &c);
      compare(&out, 1.25, "settled sum");
      break;
    default:
      draw_words(d, words);
      bn_from(n.expected, words);
      BN_set_negative(n.expected, 1);
      field_from_words(&a, words);
      field_negate_if(&a, -1);
      require(field_is_zero(&a) == BN_is_zero(n.expected) || BN_ucmp(n.expected, n.prime) == 0, "zero");
      if (draw_below(d, 2)) {
        field_invert(&a, &a);
        expect_inverse();
      }
      field_to_words(words, &a);
      compare_words(d, words, "words");
  }
}

static void curve25519_one(draws *d) {
  element a, b, out;
  uint32_t words[8];
  set_up();
  BN_zero(n.prime);
  BN_set_bit(n.prime, 255);
  BN_sub_word(n.prime, 19);
  switch (draw_below(d, 4)) {
    case 0: {
      double size = 1 + draw_below(d, 30) / 10.0;
      draw_limbs(d, &a, size);
      draw_limbs(d, &b, 15.9 / size);
      element_multiply(&out, &a, &b);
      expect_products(&a, &b, &zero, &zero, 1, 0);
      compare(&out, 1.001, "product");
      break;
    }
    case 1:
      draw_limbs(d, &a, 3.98);
      element_square(&out, &a);
      expect_products(&a, &a, &zero, &zero, 1, 0);
      compare(&out, 1.001, "square");
      break;
    case 2:
      draw_limbs(d, &a, 2);
      draw_limbs(d, &b, 2);
      element_add_multiple(&out, &a, -121665, &b);
      expect_sum(&a, 121665, &b, 0, &zero);
      compare(&out, 1.001, "sum");
      break;
    default:
      draw_words(d, words);
      element_from_words(&a, words);
      words[7] &= 0x7fffffff;
      bn_from(n.expected, words);
      if (draw_below(d, 2)) BN_set_negative(n.expected, 1);
      element_add_multiple(&a, &zero, BN_is_negative(n.expected) ? -1 : 1, &a);
      if (draw_below(d, 2)) {
        element_invert(&a, &a);
        element_add_multiple(&a, &zero, 1, &a);
        expect_inverse();
      }
      element_to_words(words, &a);
      compare_words(d, words, "words");
  }
}

const family p256_field_family = {"P-256: limbs", p256_one}, curve25519_field_family = {"Curve25519: limbs", curve25519_one};
