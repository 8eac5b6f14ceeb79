/* P-256: the group, and what is signed, verified and agreed on with it. Above all where formulas have exceptions and ranges end. */
#include "internal/deprecated.h" /* first: what it takes the warnings from is what is tested */

#include <string.h>

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/obj_mac.h>

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-parameter" /* OpenSSL's headers */
#include "crypto/ec.h"
#pragma GCC diagnostic pop
#include "kernels.h"

enum { BYTES = 32, POINTS = 16 };

static EC_GROUP *group, *other_generator;
static BN_CTX *ctx;
static const BIGNUM *order;
static EC_POINT *points[POINTS]; /* points[i] is numbers[i] * G */
static BIGNUM *numbers[POINTS];

static void set_up(void) {
  draws d = {.state = 256};
  uint8_t bytes[BYTES];
  if (group != NULL) return;
  ctx = BN_CTX_new();
  group = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1);
  other_generator = EC_GROUP_dup(group);
  order = EC_GROUP_get0_order(group);
  for (int i = 0; i < POINTS; i++) {
    for (int j = 0; j < BYTES; j++) bytes[j] = (uint8_t)draw(&d);
    bytes[0] &= 0x7f;
    numbers[i] = BN_bin2bn(bytes, sizeof bytes, NULL);
    points[i] = EC_POINT_new(group);
    require(EC_POINT_mul(group, points[i], numbers[i], NULL, NULL, ctx), "point");
  }
  require(EC_GROUP_set_generator(other_generator, points[0], order, BN_value_one()), "generator");
}

/* ---- Scalars. ---- */

/* Few bits, nearly the order, these times a power of two modulo the order (then windows meet their own points), or any 256 bits. */
static void draw_scalar(draws *d, BIGNUM *out) {
  uint8_t bytes[BYTES];
  uint32_t kind = draw_below(d, 8);
  if (kind >= 5) {
    draw_bytes(d, bytes, sizeof bytes);
    BN_bin2bn(bytes, sizeof bytes, out);
    return;
  }
  BN_set_word(out, draw_below(d, 70));
  if (draw_below(d, 2)) BN_sub(out, order, out);
  if (kind < 3) return;
  BIGNUM *power = BN_new();
  BN_set_bit(power, (int)draw_below(d, 256));
  if (draw_below(d, 2)) BN_mod_inverse(power, power, order, ctx);
  BN_mod_mul(out, out, power, order, ctx);
  if (draw_below(d, 4) == 0) BN_add_word(out, draw_below(d, 32));
  BN_free(power);
}

static void note_bn(draws *d, const BIGNUM *number) {
  uint8_t bytes[BYTES];
  require(BN_bn2binpad(number, bytes, sizeof bytes) == BYTES, "length"); /* leading zeros may be there or not */
  note(d, bytes, sizeof bytes);
}

static void note_point(draws *d, const EC_GROUP *of, const EC_POINT *point) {
  uint8_t bytes[1 + 2 * BYTES];
  size_t length = EC_POINT_point2oct(of, point, POINT_CONVERSION_UNCOMPRESSED, bytes, sizeof bytes, ctx);
  note(d, bytes, length);
}

/* ---- The group. ---- */

static void multiply(draws *d, BIGNUM *u, BIGNUM *v) {
  EC_POINT *result = EC_POINT_new(group);
  const EC_GROUP *used = draw_below(d, 16) ? group : other_generator;
  uint32_t which = draw_below(d, POINTS);
  const EC_POINT *point = draw_below(d, 16) ? points[which] : EC_GROUP_get0_generator(group);
  draw_scalar(d, u);
  draw_scalar(d, v);
  switch (draw_below(d, 4)) {
    case 0: require(EC_POINT_mul(used, result, u, NULL, NULL, ctx), "fixed"); break;
    case 1: require(EC_POINT_mul(used, result, NULL, point, v, ctx), "any"); break;
    case 2: /* often u = -v or v times the point's number, and the sum infinity or a double */
      if (draw_below(d, 2)) BN_mod_mul(u, v, numbers[which], order, ctx);
      if (draw_below(d, 2)) BN_sub(u, order, u);
      require(EC_POINT_mul(used, result, u, point, v, ctx), "both");
      break;
    default: {
      const EC_POINT *two[2] = {point, points[draw_below(d, POINTS)]};
      const BIGNUM *scalars[2] = {u, v};
      require(EC_POINTs_mul(used, result, draw_below(d, 2) ? v : NULL, 1 + draw_below(d, 2), two, scalars, ctx), "many");
    }
  }
  note_point(d, used, result);
  require(EC_POINT_is_on_curve(used, result, ctx) == 1, "on the curve");
  EC_POINT_free(result);
}

/* Encodings: right, with a bit flipped, compressed, of numbers from p on. */
static void decode(draws *d) {
  uint8_t bytes[1 + 2 * BYTES];
  EC_POINT *point = EC_POINT_new(group);
  point_conversion_form_t form = draw_below(d, 2) ? POINT_CONVERSION_UNCOMPRESSED : POINT_CONVERSION_COMPRESSED;
  size_t length = EC_POINT_point2oct(group, points[draw_below(d, POINTS)], form, bytes, sizeof bytes, ctx);
  if (draw_below(d, 2)) bytes[draw_below(d, (uint32_t)length)] ^= (uint8_t)(1 << draw_below(d, 8));
  if (draw_below(d, 8) == 0) draw_bytes(d, bytes + 1, BYTES);
  note_number(d, EC_POINT_oct2point(group, point, bytes, length, ctx));
  note_point(d, group, point);
  EC_POINT_free(point);
}

static void group_one(draws *d) {
  BIGNUM *u = BN_new(), *v = BN_new();
  set_up();
  switch (draw_below(d, 6)) {
    case 0: decode(d); break;
    case 1:
      draw_scalar(d, u);
      if (BN_is_zero(u)) BN_one(u);
      note_number(d, ossl_ec_group_do_inverse_ord(group, v, u, ctx));
      note_bn(d, v);
      break;
    case 2: { /* sums of points that are not affine */
      EC_POINT *sum = EC_POINT_new(group);
      EC_POINT_dbl(group, sum, points[draw_below(d, POINTS)], ctx);
      EC_POINT_add(group, sum, sum, points[draw_below(d, POINTS)], ctx);
      draw_scalar(d, u);
      require(EC_POINT_mul(group, sum, NULL, sum, u, ctx), "not affine");
      note_point(d, group, sum);
      EC_POINT_free(sum);
      break;
    }
    default: multiply(d, u, v);
  }
  BN_free(u);
  BN_free(v);
}

/* ---- Signatures. ---- */

static EC_KEY *draw_key(draws *d) {
  EC_KEY *key = EC_KEY_new();
  uint32_t which = draw_below(d, POINTS);
  require(EC_KEY_set_group(key, group) && EC_KEY_set_private_key(key, numbers[which]) && EC_KEY_set_public_key(key, points[which]), "key");
  return key;
}

/* r or s: 0, the order, near it, and what is too long. */
static void spoil(draws *d, BIGNUM *number) {
  switch (draw_below(d, 6)) {
    case 0: BN_zero(number); break;
    case 1: BN_copy(number, order); break;
    case 2: BN_add(number, number, order); break;
    case 3: BN_sub(number, order, number); break;
    case 4: BN_set_negative(number, 1); break;
    default: BN_add_word(number, 1);
  }
}

/* Nonces are given, not drawn by OpenSSL: k^-1 and the x of k * G. */
static void ecdsa_one(draws *d) {
  uint8_t digest[64];
  BIGNUM *k = BN_new(), *x = BN_new(), *r, *s;
  EC_POINT *point;
  set_up();
  point = EC_POINT_new(group);
  EC_KEY *key = draw_key(d), *another = draw_key(d);
  size_t length = draw_below(d, 4) ? 32 : draw_below(d, sizeof digest + 1);
  draw_bytes(d, digest, sizeof digest);
  draw_scalar(d, k);
  BN_nnmod(k, k, order, ctx);
  if (BN_is_zero(k)) BN_one(k);
  require(EC_POINT_mul(group, point, k, NULL, NULL, ctx) && EC_POINT_get_affine_coordinates(group, point, x, NULL, ctx), "nonce");
  BN_nnmod(x, x, order, ctx);
  require(ossl_ec_group_do_inverse_ord(group, k, k, ctx), "inverse");
  ECDSA_SIG *signature = ECDSA_do_sign_ex(digest, (int)length, k, x, key);
  if (signature != NULL) { /* else s was 0 */
    r = BN_dup(ECDSA_SIG_get0_r(signature));
    s = BN_dup(ECDSA_SIG_get0_s(signature));
    note_bn(d, r);
    note_bn(d, s);
    uint32_t spoilt = draw_below(d, 6);
    if (spoilt == 0) spoil(d, r);
    if (spoilt == 1) spoil(d, s);
    if (spoilt == 2 && length > 0) digest[draw_below(d, (uint32_t)length)] ^= (uint8_t)(1 << draw_below(d, 8));
    ECDSA_SIG_set0(signature, r, s);
    int ok = ECDSA_do_verify(digest, (int)length, signature, spoilt == 3 ? another : key);
    note_number(d, ok);
    require(spoilt < 4 || ok == 1, "verify");
  }
  ECDSA_SIG_free(signature);
  EC_KEY_free(key);
  EC_KEY_free(another);
  EC_POINT_free(point);
  BN_free(k);
  BN_free(x);
}

const family p256_group_family = {"P-256: the group", group_one}, p256_ecdsa_family = {"P-256: ECDSA", ecdsa_one};
