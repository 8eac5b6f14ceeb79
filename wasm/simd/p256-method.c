/*
 * P-256 in OpenSSL's hands: the EC_METHOD of the group secp256r1, with p256.c for what takes time.
 *
 * Interposes crypto/ec/ecp_nistp256.c, which ec_curve.c asks for the method. It is EC_GFp_nist_method, OpenSSL's plain arithmetic for
 * NIST's primes, but for multiplication, inversion and the equation of the curve; all users of the group (TLS, X.509,
 * EVP) come through these. Products have z = 1, as every user wants them.
 */
#include <string.h>

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-parameter" /* OpenSSL's headers */
#include "internal/deprecated.h"
#include "crypto/bn/bn_local.h"
#include "crypto/ec/ec_local.h"
#pragma GCC diagnostic pop

#include "p256.h"

typedef struct scalar {
  uint32_t words[8];
} scalar;

/* ---- BIGNUM and words. ---- */

static int words_from(uint32_t words[8], const BIGNUM *number) { return BN_bn2lebinpad(number, (uint8_t *)words, 32) == 32; }

static int words_to(BIGNUM *number, const uint32_t words[8]) { return BN_lebin2bn((const uint8_t *)words, 32, number) != NULL; }

static int point_from(p256_point *out, const EC_GROUP *group, const EC_POINT *point, BN_CTX *ctx) {
  if (point->Z_is_one) return words_from(out->x, point->X) && words_from(out->y, point->Y);
  BN_CTX_start(ctx);
  BIGNUM *x = BN_CTX_get(ctx), *y = BN_CTX_get(ctx);
  int ok = y != NULL && EC_POINT_get_affine_coordinates(group, point, x, y, ctx) && words_from(out->x, x) && words_from(out->y, y);
  BN_CTX_end(ctx);
  return ok;
}

static int point_to(EC_POINT *out, const EC_GROUP *group, const p256_point *point, int is_finite) {
  if (!is_finite) return EC_POINT_set_to_infinity(group, out);
  out->Z_is_one = 1;
  return words_to(out->X, point->x) && words_to(out->Y, point->y) && BN_one(out->Z);
}

/* Only what no user gives, negative or too long, takes a time that depends on the number. */
static int scalar_from(scalar *out, const EC_GROUP *group, const BIGNUM *number, BN_CTX *ctx) {
  if (!BN_is_negative(number) && BN_num_bits(number) <= 256) return words_from(out->words, number);
  BN_CTX_start(ctx);
  BIGNUM *reduced = BN_CTX_get(ctx);
  int ok = reduced != NULL && BN_nnmod(reduced, number, group->order, ctx) && words_from(out->words, reduced);
  BN_CTX_end(ctx);
  return ok;
}

/* ---- The method. ---- */

/* A group may be given another generator than the curve's. */
static int has_usual_generator(const EC_GROUP *group) {
  static const p256_point usual = {{0xd898c296, 0xf4a13945, 0x2deb33a0, 0x77037d81, 0x63a440f2, 0xf8bce6e5, 0xe12c4247, 0x6b17d1f2},
                                   {0x37bf51f5, 0xcbb64068, 0x6b315ece, 0x2bce3357, 0x7c0f9e16, 0x8ee7eb4a, 0xfe1a7f9b, 0x4fe342e2}};
  p256_point point;
  return group->generator != NULL && group->generator->Z_is_one && words_from(point.x, group->generator->X) &&
         words_from(point.y, group->generator->Y) && memcmp(&point, &usual, sizeof point) == 0;
}

/* out = number * point */
static int multiply_point(const EC_GROUP *group, EC_POINT *out, const BIGNUM *number, const EC_POINT *point, BN_CTX *ctx) {
  scalar k;
  p256_point product;
  if (number == NULL || point == NULL || EC_POINT_is_at_infinity(group, point)) return EC_POINT_set_to_infinity(group, out);
  int ok = scalar_from(&k, group, number, ctx) && point_from(&product, group, point, ctx) &&
           point_to(out, group, &product, p256_multiply(&product, k.words, &product));
  OPENSSL_cleanse(&k, sizeof k);
  OPENSSL_cleanse(&product, sizeof product);
  return ok;
}

/* out = number * G */
static int multiply_generator(const EC_GROUP *group, EC_POINT *out, const BIGNUM *number, BN_CTX *ctx) {
  scalar k;
  p256_point product;
  if (!has_usual_generator(group)) return multiply_point(group, out, number, group->generator, ctx);
  int ok = scalar_from(&k, group, number, ctx) && point_to(out, group, &product, p256_multiply_generator(&product, k.words));
  OPENSSL_cleanse(&k, sizeof k);
  return ok;
}

/* out = u * G + v * point, for a signature: all public. */
static int multiply_both(const EC_GROUP *group, EC_POINT *out, const BIGNUM *u, const EC_POINT *point, const BIGNUM *v, BN_CTX *ctx) {
  scalar here, there;
  p256_point sum;
  return scalar_from(&here, group, u, ctx) && scalar_from(&there, group, v, ctx) && point_from(&sum, group, point, ctx) &&
         point_to(out, group, &sum, p256_multiply_both(&sum, here.words, there.words, &sum));
}

/* Any number of products, for EC_POINTs_mul. NULL counts as 0, or as the point at infinity. */
static int multiply_all(const EC_GROUP *group, EC_POINT *out, const BIGNUM *u, size_t count, const EC_POINT *points[],
                        const BIGNUM *numbers[], BN_CTX *ctx) {
  EC_POINT *sum = EC_POINT_new(group), *product = EC_POINT_new(group);
  int ok = sum != NULL && product != NULL &&
           (u == NULL ? EC_POINT_set_to_infinity(group, sum) : multiply_generator(group, sum, u, ctx));
  for (size_t i = 0; ok && i < count; i++) {
    ok = multiply_point(group, product, numbers[i], points[i], ctx) && EC_POINT_add(group, sum, sum, product, ctx);
  }
  ok = ok && EC_POINT_copy(out, sum);
  EC_POINT_clear_free(sum);
  EC_POINT_clear_free(product);
  return ok;
}

static int multiply(const EC_GROUP *group, EC_POINT *out, const BIGNUM *u, size_t count, const EC_POINT *points[],
                    const BIGNUM *numbers[], BN_CTX *ctx) {
  if (u != NULL && count == 0) return multiply_generator(group, out, u, ctx);
  if (u == NULL && count == 1) return multiply_point(group, out, numbers[0], points[0], ctx);
  if (count == 1 && numbers[0] != NULL && points[0] != NULL && has_usual_generator(group) && !EC_POINT_is_at_infinity(group, points[0]))
    return multiply_both(group, out, u, points[0], numbers[0], ctx);
  return multiply_all(group, out, u, count, points, numbers, ctx);
}

static int get_affine(const EC_GROUP *group, const EC_POINT *point, BIGNUM *x, BIGNUM *y, BN_CTX *ctx) {
  p256_point affine;
  uint32_t z[8];
  (void)ctx;
  if (EC_POINT_is_at_infinity(group, point)) {
    ERR_raise(ERR_LIB_EC, EC_R_POINT_AT_INFINITY);
    return 0;
  }
  if (point->Z_is_one) return (x == NULL || BN_copy(x, point->X) != NULL) && (y == NULL || BN_copy(y, point->Y) != NULL);
  if (!words_from(affine.x, point->X) || !words_from(affine.y, point->Y) || !words_from(z, point->Z)) return 0;
  p256_divide(&affine, z);
  return (x == NULL || words_to(x, affine.x)) && (y == NULL || words_to(y, affine.y));
}

static int is_on_curve(const EC_GROUP *group, const EC_POINT *point, BN_CTX *ctx) {
  p256_point affine;
  if (!point->Z_is_one || !words_from(affine.x, point->X) || !words_from(affine.y, point->Y))
    return ossl_ec_GFp_simple_is_on_curve(group, point, ctx);
  return p256_on_curve(&affine);
}

/* out = number^-1 modulo the order, leading zeros and all: how many there are is as secret as the number. */
static int invert_modulo_order(const EC_GROUP *group, BIGNUM *out, const BIGNUM *number, BN_CTX *ctx) {
  enum { WORDS = sizeof(scalar) / sizeof(BN_ULONG) };
  scalar k;
  int ok = scalar_from(&k, group, number, ctx) && bn_wexpand(out, WORDS) != NULL;
  if (ok) {
    p256_invert_scalar(k.words, k.words);
    memcpy(out->d, k.words, sizeof k);
    out->top = WORDS;
    out->neg = 0;
    out->flags |= BN_FLG_FIXED_TOP;
  }
  OPENSSL_cleanse(&k, sizeof k);
  return ok;
}

/* Only the curve that p256.c knows. */
static int set_curve(EC_GROUP *group, const BIGNUM *p, const BIGNUM *a, const BIGNUM *b, BN_CTX *ctx) {
  static const uint32_t curve_b[8] = {0x27d2604b, 0x3bce3c3e, 0xcc53b0f6, 0x651d06b0, 0x769886bc, 0xb3ebbd55, 0xaa3a93e7, 0x5ac635d8};
  uint32_t words[8];
  if (BN_cmp(p, BN_get0_nist_prime_256()) != 0 || !words_from(words, b) || memcmp(words, curve_b, sizeof words) != 0) {
    ERR_raise(ERR_LIB_EC, EC_R_WRONG_CURVE_PARAMETERS);
    return 0;
  }
  if (!ossl_ec_GFp_nist_group_set_curve(group, p, a, b, ctx)) return 0;
  if (group->a_is_minus3) return 1;
  ERR_raise(ERR_LIB_EC, EC_R_WRONG_CURVE_PARAMETERS);
  return 0;
}

const EC_METHOD *EC_GFp_nistp256_method(void) {
  static EC_METHOD method;
  if (method.mul == NULL) {
    method = *EC_GFp_nist_method();
    method.group_set_curve = set_curve;
    method.point_get_affine_coordinates = get_affine;
    method.is_on_curve = is_on_curve;
    method.field_inverse_mod_ord = invert_modulo_order;
    method.mul = multiply;
  }
  return &method;
}

/* ---- Tables made by EC_GROUP_precompute_mult: there are none, and a method without the function needs none. ---- */

NISTP256_PRE_COMP *EC_nistp256_pre_comp_dup(NISTP256_PRE_COMP *table) { return table; }

void EC_nistp256_pre_comp_free(NISTP256_PRE_COMP *table) { (void)table; }
