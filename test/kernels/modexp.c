/* Powers modulo odd numbers, and RSA. */
#include "internal/deprecated.h" /* first: what it takes the warnings from is what is tested */

#include <string.h>

#include <openssl/evp.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>

#include "crypto/bn.h"
#include "kernels.h"

enum { MOST_BYTES = 512 };

static BN_CTX *ctx;

static void note_bn(draws *d, const BIGNUM *number) {
  uint8_t bytes[MOST_BYTES + 8];
  require(BN_num_bytes(number) <= (int)sizeof bytes, "length");
  note(d, bytes, (size_t)BN_bn2bin(number, bytes));
}

/* Exactly `bytes` long, and often with long runs of ones or zeros. */
static void draw_number(draws *d, BIGNUM *out, uint32_t bytes) {
  uint8_t buffer[MOST_BYTES];
  draw_bytes(d, buffer, bytes);
  for (uint32_t i = draw_below(d, 4); i > 0; i--) {
    uint32_t from = draw_below(d, bytes), length = draw_below(d, bytes - from + 1);
    memset(buffer + from, draw_below(d, 2) ? 0xff : 0x00, length);
  }
  BN_bin2bn(buffer, (int)bytes, out);
}

/* Mostly short, for time's sake; lengths around those where the digits change. */
static uint32_t draw_bytes_of_modulus(draws *d) {
  static const uint8_t usual[] = {32, 64, 96, 128, 128, 128, 192};
  switch (draw_below(d, 20)) {
    case 0: return 256;
    case 1: return draw_below(d, 8) ? 300 : MOST_BYTES;
    case 2:
    case 3:
    case 4: return 17 + draw_below(d, 200);
    default: return usual[draw_below(d, sizeof usual)];
  }
}

typedef struct operands {
  BIGNUM *base, *exponent, *modulus, *out;
  BN_MONT_CTX *mont;
} operands;

static operands draw_operands(draws *d, uint32_t bytes) {
  operands o = {BN_new(), BN_new(), BN_new(), BN_new(), BN_MONT_CTX_new()};
  draw_number(d, o.modulus, bytes);
  BN_set_bit(o.modulus, (int)(8 * bytes - 1 - (draw_below(d, 8) ? 0 : draw_below(d, 40))));
  BN_set_bit(o.modulus, 0);
  draw_number(d, o.base, draw_below(d, 8) ? bytes : bytes + draw_below(d, 2));
  if (draw_below(d, 8)) BN_nnmod(o.base, o.base, o.modulus, ctx);
  if (draw_below(d, 16) == 0) BN_sub(o.base, o.modulus, BN_value_one());
  if (draw_below(d, 16) == 0) BN_set_word(o.base, draw_below(d, 3));
  switch (draw_below(d, 8)) {
    case 0: BN_set_word(o.exponent, draw_below(d, 4)); break;
    case 1: BN_set_word(o.exponent, 65537); break;
    case 2: draw_number(d, o.exponent, bytes <= 128 ? bytes : 32); break;
    default: draw_number(d, o.exponent, 1 + draw_below(d, 32));
  }
  require(BN_MONT_CTX_set(o.mont, o.modulus, ctx), "modulus");
  return o;
}

static void free_operands(operands *o) {
  BN_free(o->base);
  BN_free(o->exponent);
  BN_free(o->modulus);
  BN_free(o->out);
  BN_MONT_CTX_free(o->mont);
}

static void power_one(draws *d) {
  if (ctx == NULL) ctx = BN_CTX_new();
  uint32_t bytes = draw_bytes_of_modulus(d);
  operands o = draw_operands(d, bytes);
  if (draw_below(d, 3) == 0) {
    operands p = draw_operands(d, bytes);
    note_number(d, BN_mod_exp_mont_consttime_x2(o.out, o.base, o.exponent, o.modulus, o.mont, p.out, p.base, p.exponent, p.modulus,
                                                p.mont, ctx));
    note_bn(d, p.out);
    free_operands(&p);
  } else {
    if (draw_below(d, 2)) BN_set_flags(o.exponent, BN_FLG_CONSTTIME);
    BIGNUM *out = draw_below(d, 8) ? o.out : o.base; /* in place */
    note_number(d, BN_mod_exp_mont(out, o.base, o.exponent, o.modulus, ctx, draw_below(d, 8) ? o.mont : NULL));
    if (out == o.base) BN_copy(o.out, o.base);
  }
  note_bn(d, o.out);
  free_operands(&o);
}

/* ---- RSA, with randomness that both builds agree on. ---- */

static draws *source;

static int random_bytes(unsigned char *out, int length) {
  for (int i = 0; i < length; i++) out[i] = (unsigned char)draw(source);
  return 1;
}

static int random_status(void) { return 1; }

static void use_draws(draws *d) {
  static const RAND_METHOD method = {NULL, random_bytes, NULL, NULL, random_bytes, random_status};
  source = d;
  RAND_set_rand_method(d == NULL ? NULL : &method);
}

static RSA *key_of(uint32_t which) {
  static const int bits[] = {1024, 1536, 2040}; /* from 2048 on OpenSSL insists on its own DRBG */
  static RSA *keys[3];
  if (keys[which] == NULL) {
    draws d = {.state = which};
    BIGNUM *e = BN_new();
    BN_set_word(e, 65537);
    keys[which] = RSA_new();
    use_draws(&d);
    require(RSA_generate_key_ex(keys[which], bits[which], e, NULL), "RSA key");
    BN_free(e);
  }
  return keys[which];
}

static void rsa_one(draws *d) {
  uint8_t message[32], out[MOST_BYTES], back[MOST_BYTES];
  RSA *key = key_of(draw_below(d, 16) ? 0 : draw_below(d, 3)); /* mostly the shortest, for time's sake */
  use_draws(d);
  draw_bytes(d, message, sizeof message);
  if (draw_below(d, 2)) {
    unsigned length;
    note_number(d, RSA_sign(NID_sha256, message, sizeof message, out, &length, key));
    note(d, out, length);
    if (draw_below(d, 4) == 0) out[draw_below(d, length)] ^= (uint8_t)(1 << draw_below(d, 8));
    note_number(d, RSA_verify(NID_sha256, message, sizeof message, out, length, key));
  } else {
    int length = RSA_public_encrypt(sizeof message, message, out, key, RSA_PKCS1_OAEP_PADDING);
    note(d, out, (size_t)length);
    length = RSA_private_decrypt(length, out, back, key, RSA_PKCS1_OAEP_PADDING);
    require(length == sizeof message && memcmp(back, message, sizeof message) == 0, "what was encrypted comes out");
  }
  use_draws(NULL);
}

const family power_family = {"Powers", power_one}, rsa_family = {"RSA", rsa_one};
