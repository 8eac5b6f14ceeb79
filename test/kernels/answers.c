/* Known answers of public-key cryptography: one operation, with everything given. */
#include "internal/deprecated.h" /* first: what it takes the warnings from is what is tested */

#include <string.h>

#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/obj_mac.h>
#include <openssl/rsa.h>

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-parameter" /* OpenSSL's headers */
#include "crypto/ec.h"
#include "crypto/ecx.h"
#pragma GCC diagnostic pop
#include "kernels.h"

enum { FIELDS = 6, BYTES = 32, REFUSED = -1 };

typedef struct field {
  const uint8_t *bytes;
  size_t length;
} field;

static BN_CTX *ctx;
static EC_GROUP *group;

static BIGNUM *number(field f) { return BN_bin2bn(f.bytes, (int)f.length, NULL); }

/* ---- P-256. Points and what they come from are encoded as SEC 1 says; signatures are r and s. ---- */

static EC_POINT *point_from(field f) {
  EC_POINT *point = EC_POINT_new(group);
  if (EC_POINT_oct2point(group, point, f.bytes, f.length, ctx)) return point;
  EC_POINT_free(point);
  return NULL;
}

/* scalar, and a point or nothing for the generator: their product, one byte if it is infinity. */
static int multiply_p256(const field *in, uint8_t *out) {
  BIGNUM *scalar = number(in[0]);
  EC_POINT *product = EC_POINT_new(group), *point = in[1].length > 0 ? point_from(in[1]) : NULL;
  int length = REFUSED;
  if (point != NULL || in[1].length == 0) {
    int ok = point == NULL ? EC_POINT_mul(group, product, scalar, NULL, NULL, ctx) : EC_POINT_mul(group, product, NULL, point, scalar, ctx);
    if (ok) length = (int)EC_POINT_point2oct(group, product, POINT_CONVERSION_UNCOMPRESSED, out, 65, ctx);
  }
  EC_POINT_free(point);
  EC_POINT_free(product);
  BN_free(scalar);
  return length;
}

/* private key, nonce, digest */
static int sign_p256(const field *in, uint8_t *out) {
  EC_KEY *key = EC_KEY_new();
  BIGNUM *d = number(in[0]), *k = number(in[1]), *x = BN_new();
  EC_POINT *point = EC_POINT_new(group);
  int ok = EC_KEY_set_group(key, group) && EC_KEY_set_private_key(key, d) && EC_POINT_mul(group, point, k, NULL, NULL, ctx) &&
           EC_POINT_get_affine_coordinates(group, point, x, NULL, ctx) && BN_nnmod(x, x, EC_GROUP_get0_order(group), ctx) &&
           ossl_ec_group_do_inverse_ord(group, k, k, ctx);
  ECDSA_SIG *signature = ok ? ECDSA_do_sign_ex(in[2].bytes, (int)in[2].length, k, x, key) : NULL;
  ok = signature != NULL && BN_bn2binpad(ECDSA_SIG_get0_r(signature), out, BYTES) == BYTES &&
       BN_bn2binpad(ECDSA_SIG_get0_s(signature), out + BYTES, BYTES) == BYTES;
  ECDSA_SIG_free(signature);
  EC_POINT_free(point);
  EC_KEY_free(key);
  BN_free(d);
  BN_free(k);
  BN_free(x);
  return ok ? 2 * BYTES : REFUSED;
}

/* public key, digest, r, s */
static int verify_p256(const field *in, uint8_t *out) {
  EC_KEY *key = EC_KEY_new();
  EC_POINT *point = point_from(in[0]);
  ECDSA_SIG *signature = ECDSA_SIG_new();
  (void)out;
  ECDSA_SIG_set0(signature, number(in[2]), number(in[3]));
  int ok = point != NULL && EC_KEY_set_group(key, group) && EC_KEY_set_public_key(key, point) && EC_KEY_check_key(key) &&
           ECDSA_do_verify(in[1].bytes, (int)in[1].length, signature, key) == 1;
  ECDSA_SIG_free(signature);
  EC_POINT_free(point);
  EC_KEY_free(key);
  return ok ? 0 : REFUSED;
}

/* ---- Curve25519. ---- */

/* private key, u */
static int x25519(const field *in, uint8_t *out) { return ossl_x25519(out, in[0].bytes, in[1].bytes) ? BYTES : REFUSED; }

static int x25519_public(const field *in, uint8_t *out) {
  ossl_x25519_public_from_private(out, in[0].bytes);
  return BYTES;
}

/* What a field says of the variant: nothing is Ed25519 itself, "ph" Ed25519ph, everything else the context of Ed25519ctx. */
static int is_prehashed(field variant) { return variant.length == 2 && memcmp(variant.bytes, "ph", 2) == 0; }

/* private key, message, variant: the public key and the signature */
static int sign_ed25519(const field *in, uint8_t *out) {
  uint8_t has_dom = in[2].length > 0, prehashed = (uint8_t)is_prehashed(in[2]);
  if (!ossl_ed25519_public_from_private(NULL, out, in[0].bytes, NULL)) return REFUSED;
  return ossl_ed25519_sign(out + BYTES, in[1].bytes, in[1].length, out, in[0].bytes, has_dom, prehashed, has_dom && !prehashed, in[2].bytes,
                           prehashed ? 0 : in[2].length, NULL, NULL)
             ? 3 * BYTES
             : REFUSED;
}

/* public key, message, variant, signature */
static int verify_ed25519(const field *in, uint8_t *out) {
  uint8_t has_dom = in[2].length > 0, prehashed = (uint8_t)is_prehashed(in[2]);
  (void)out;
  return ossl_ed25519_verify(in[1].bytes, in[1].length, in[3].bytes, in[0].bytes, has_dom, prehashed, has_dom && !prehashed, in[2].bytes,
                             prehashed ? 0 : in[2].length, NULL, NULL)
             ? 0
             : REFUSED;
}

/* ---- RSA: n, e, d, p, q and a digest, signed as PKCS #1 v1.5 says. ---- */

static int sign_rsa(const field *in, uint8_t *out) {
  RSA *key = RSA_new();
  BIGNUM *d = number(in[2]), *p = number(in[3]), *q = number(in[4]), *dp = BN_new(), *dq = BN_new(), *inverse, *less = BN_new();
  unsigned length = 0;
  BN_sub(less, p, BN_value_one());
  BN_mod(dp, d, less, ctx);
  BN_sub(less, q, BN_value_one());
  BN_mod(dq, d, less, ctx);
  inverse = BN_mod_inverse(NULL, q, p, ctx);
  BN_free(less);
  int ok = RSA_set0_key(key, number(in[0]), number(in[1]), d) && RSA_set0_factors(key, p, q) && RSA_set0_crt_params(key, dp, dq, inverse);
  RSA_set_flags(key, RSA_FLAG_NO_BLINDING); /* natively there is no randomness here */
  ok = ok && RSA_sign(NID_sha256, in[5].bytes, (unsigned)in[5].length, out, &length, key);
  RSA_free(key);
  return ok ? (int)length : REFUSED;
}

/* ---- The table, and the export. ---- */

static const struct {
  const char *name;
  int (*run)(const field *in, uint8_t *out);
} operations[] = {
    {"p256-multiply", multiply_p256}, {"p256-sign", sign_p256},       {"p256-verify", verify_p256},       {"x25519", x25519},
    {"x25519-public", x25519_public}, {"ed25519-sign", sign_ed25519}, {"ed25519-verify", verify_ed25519}, {"rsa-sign", sign_rsa},
};

/* `in` has six fields, each after its length in four bytes. Returns the length of what is in `out`, which has 512 bytes, or -1. */
int32_t kernels_answer(const char *name, const uint8_t *in, uint8_t *out) {
  field fields[FIELDS];
  if (ctx == NULL) {
    ctx = BN_CTX_new();
    group = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1);
  }
  for (int i = 0; i < FIELDS; i++) {
    uint32_t length;
    memcpy(&length, in, sizeof length);
    fields[i] = (field){in + sizeof length, length};
    in += sizeof length + length;
  }
  for (size_t i = 0; i < sizeof operations / sizeof *operations; i++) {
    if (strcmp(operations[i].name, name) == 0) return operations[i].run(fields, out);
  }
  require(0, name);
  return REFUSED;
}
