/*
 * modexp.c in OpenSSL's hands.
 *
 * Interposes BN_mod_exp_mont and BN_mod_exp_mont_consttime_x2 of crypto/bn/bn_exp.c, which RSA's and DH's methods call. Exponents take a
 * time that tells nothing about them but their words' number, except for short ones that nothing marks as secret: RSA's public ones.
 * Lengths that the kernel is not for, and whatever else is unusual, stay with OpenSSL's functions.
 */
#include <string.h>

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-parameter" /* OpenSSL's headers */
#include "crypto/bn.h"
#include "crypto/bn/bn_local.h"
#pragma GCC diagnostic pop

#include "modexp.h"

enum { SHORT_EXPONENT = 64 };

/* out = base^exponent modulo that of mont */
typedef struct power {
  BIGNUM *out;
  const BIGNUM *base, *exponent, *modulus;
  BN_MONT_CTX *mont;
} power;

static int is_secret(const power *p) {
  return BN_get_flags(p->base, BN_FLG_CONSTTIME) || BN_get_flags(p->exponent, BN_FLG_CONSTTIME) ||
         BN_get_flags(p->modulus, BN_FLG_CONSTTIME);
}

static int words_of(const BIGNUM *modulus) { return (BN_num_bits(modulus) + 31) / 32; }

static int is_usual(const power *p) {
  int words = words_of(p->modulus);
  return p->mont != NULL && p->mont->ri == 32 * words && BN_is_odd(p->modulus) && words >= MODEXP_LEAST_WORDS &&
         words <= MODEXP_MOST_WORDS && !BN_is_negative(p->base) && BN_ucmp(p->base, p->modulus) < 0 && !BN_is_zero(p->exponent) &&
         !BN_is_negative(p->exponent) && bn_get_top(p->exponent) * BN_BITS2 <= 32 * MODEXP_MOST_WORDS;
}

/* ---- One block of memory for all numbers and the kernel's scratch, wiped in the end. ---- */

typedef struct buffer {
  uint8_t *block;
  size_t used, size;
} buffer;

/* The next part, with a number in it. */
static const uint32_t *put(buffer *b, const BIGNUM *number, int words) {
  uint32_t *part = (uint32_t *)(b->block + b->used);
  b->used += 4 * (size_t)words;
  return BN_bn2lebinpad(number, (uint8_t *)part, 4 * words) < 0 ? NULL : part;
}

static int prepare(buffer *b, modexp_power *out, const power *p, const modexp_job *job) {
  out->base = put(b, p->base, job->words);
  out->modulus = put(b, p->modulus, job->words);
  out->r_squared = put(b, &p->mont->RR, job->words);
  out->exponent = put(b, p->exponent, (job->exponent_bits + 31) / 32 + 2);
  out->out = (uint32_t *)(b->block + b->used);
  b->used += 4 * (size_t)(job->words + 1);
  return out->base != NULL && out->modulus != NULL && out->r_squared != NULL && out->exponent != NULL;
}

/* OpenSSL's own reduction divides by r, and leaves what is below the modulus. */
static int finish(const power *p, const modexp_power *result, int words, BN_CTX *ctx) {
  BN_CTX_start(ctx);
  BIGNUM *number = BN_CTX_get(ctx);
  int ok = number != NULL && BN_lebin2bn((const uint8_t *)result->out, 4 * (words + 1), number) != NULL &&
           BN_from_montgomery(p->out, number, p->mont, ctx);
  BN_CTX_end(ctx);
  return ok;
}

/* The words that the exponents have, not their bits, unless these may be known. */
static int exponent_bits(const power *p, int count, int is_public) {
  int first = bn_get_top(p[0].exponent) * BN_BITS2, last = bn_get_top(p[count - 1].exponent) * BN_BITS2;
  if (is_public) return BN_num_bits(p[0].exponent);
  return ((first > last ? first : last) + MODEXP_WINDOW - 1) / MODEXP_WINDOW * MODEXP_WINDOW;
}

static int raise(const power *p, int count, int is_public, BN_CTX *ctx) {
  modexp_power powers[2];
  const modexp_job job = {powers, count, words_of(p[0].modulus), exponent_bits(p, count, is_public)};
  size_t scratch = modexp_scratch_size(&job), numbers = (size_t)(4 * job.words + 1 + (job.exponent_bits + 31) / 32 + 2);
  buffer b = {NULL, scratch, scratch + 4 * numbers * (size_t)count};
  if ((b.block = OPENSSL_malloc(b.size)) == NULL) return 0;
  int ok = 1;
  for (int i = 0; i < count; i++) ok = ok && prepare(&b, &powers[i], &p[i], &job);
  if (ok && is_public) modexp_public(&job, b.block);
  if (ok && !is_public) modexp_secret(&job, b.block);
  for (int i = 0; i < count; i++) ok = ok && finish(&p[i], &powers[i], job.words, ctx);
  OPENSSL_clear_free(b.block, b.size);
  return ok;
}

extern int __real_BN_mod_exp_mont(BIGNUM *out, const BIGNUM *base, const BIGNUM *exponent, const BIGNUM *modulus, BN_CTX *ctx,
                                  BN_MONT_CTX *mont);

int __wrap_BN_mod_exp_mont(BIGNUM *out, const BIGNUM *base, const BIGNUM *exponent, const BIGNUM *modulus, BN_CTX *ctx,
                           BN_MONT_CTX *mont) {
  const power p = {out, base, exponent, modulus, mont};
  if (!is_usual(&p)) return __real_BN_mod_exp_mont(out, base, exponent, modulus, ctx, mont);
  return raise(&p, 1, !is_secret(&p) && BN_num_bits(exponent) <= SHORT_EXPONENT, ctx);
}

extern int __real_BN_mod_exp_mont_consttime_x2(BIGNUM *out1, const BIGNUM *base1, const BIGNUM *exponent1, const BIGNUM *modulus1,
                                               BN_MONT_CTX *mont1, BIGNUM *out2, const BIGNUM *base2, const BIGNUM *exponent2,
                                               const BIGNUM *modulus2, BN_MONT_CTX *mont2, BN_CTX *ctx);

int __wrap_BN_mod_exp_mont_consttime_x2(BIGNUM *out1, const BIGNUM *base1, const BIGNUM *exponent1, const BIGNUM *modulus1,
                                        BN_MONT_CTX *mont1, BIGNUM *out2, const BIGNUM *base2, const BIGNUM *exponent2,
                                        const BIGNUM *modulus2, BN_MONT_CTX *mont2, BN_CTX *ctx) {
  const power p[2] = {{out1, base1, exponent1, modulus1, mont1}, {out2, base2, exponent2, modulus2, mont2}};
  if (!is_usual(&p[0]) || !is_usual(&p[1]) || mont1->ri != mont2->ri)
    return __real_BN_mod_exp_mont_consttime_x2(out1, base1, exponent1, modulus1, mont1, out2, base2, exponent2, modulus2, mont2, ctx);
  return raise(p, 2, 0, ctx);
}
