/*
 * Modular exponentiation for RSA and DH, on montgomery.c.
 *
 * Interposes BN_mod_exp_mont and BN_mod_exp_mont_consttime_x2 of crypto/bn/bn_exp.c, which RSA's and DH's methods call. Secret exponents go
 * through windows of five bits: squarings and multiplications follow one another in the same order whatever the bits are, and the table
 * of powers is read whole. Short exponents that nothing marks as secret, RSA's public ones, take the plain way.
 *
 * Sizes that montgomery.c is not for, and whatever else is unusual, stay with OpenSSL's functions.
 */
#include <string.h>

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-parameter" /* OpenSSL's headers */
#include "crypto/bn.h"
#include "crypto/bn/bn_local.h"
#pragma GCC diagnostic pop

#include "montgomery.h"

enum { WINDOW = 5, POWERS = 1 << WINDOW, SHORT_EXPONENT = 64 };

typedef int32_t packed __attribute__((vector_size(16)));

/* One or two powers to compute: out = base^exponent modulo that of mont. */
typedef struct power {
  BIGNUM *out;
  const BIGNUM *base, *exponent, *modulus;
  BN_MONT_CTX *mont;
} power;

/* All memory, in one block that is wiped in the end. */
typedef struct work {
  montgomery m;
  int window_bits;         /* the length of secret exponents, a multiple of 5 */
  uint32_t *exponents[2];  /* of exponent_words, one more than there are */
  uint32_t *numbers[2];    /* of m.words + 1 */
  doubles *base, *product, *factor;
  packed *powers;          /* POWERS numbers, two vectors in one */
} work;

static int exponent_words(const work *w) { return w->window_bits / 32 + 2; }

/* Hands out the parts of the block, and returns its size; without a block only that. */
static size_t lay_out(work *w, uint8_t *block) {
  size_t used = 0, vectors = (size_t)w->m.vectors, number = sizeof(doubles) * vectors;
#define PART(pointer, size) (pointer = block == NULL ? NULL : (void *)(block + used), used += ((size_t)(size) + 15) / 16 * 16)
  PART(w->m.columns, sizeof(column) * (vectors + 1));
  PART(w->base, number);
  PART(w->product, number);
  PART(w->factor, number);
  PART(w->powers, sizeof(packed) * POWERS * ((vectors + 1) / 2));
  for (int i = 0; i < 2; i++) {
    PART(w->numbers[i], sizeof(uint32_t) * (size_t)(w->m.words + 1));
    PART(w->exponents[i], sizeof(uint32_t) * (size_t)exponent_words(w));
  }
#undef PART
  return used;
}

/* ---- Montgomery's form. ---- */

static int read_numbers(const work *w, doubles *out, const BIGNUM *const numbers[2]) {
  for (int i = 0; i < w->m.moduli; i++) {
    if (BN_bn2lebinpad(numbers[i], (uint8_t *)w->numbers[i], 4 * w->m.words) < 0) return 0;
  }
  montgomery_read(&w->m, out, (const uint32_t *const *)w->numbers);
  return 1;
}

static int start(work *w, const power *powers) {
  const BIGNUM *moduli[2] = {powers[0].modulus, powers[w->m.moduli - 1].modulus};
  for (int i = 0; i < w->m.moduli; i++) {
    if (BN_bn2lebinpad(moduli[i], (uint8_t *)w->numbers[i], 4 * w->m.words) < 0) return 0;
  }
  montgomery_start(&w->m, (const uint32_t *const *)w->numbers, w->product);
  return 1;
}

/*
 * base = base * R, product = R, where R is montgomery.c's 2^(digits * digit_bits). OpenSSL's r is 2^(32 * words), and it has r^2. Two
 * multiplications make R^2 of it: (r^2 * r^2 / R) * (R / r)^4 / R.
 */
static int enter(work *w, const power *powers) {
  const BIGNUM *squares[2] = {&powers[0].mont->RR, &powers[w->m.moduli - 1].mont->RR};
  const BIGNUM *bases[2] = {powers[0].base, powers[w->m.moduli - 1].base};
  if (!read_numbers(w, w->product, squares) || !read_numbers(w, w->base, bases)) return 0;
  montgomery_multiply(&w->m, w->product, w->product, w->product);
  montgomery_power_of_two(&w->m, w->factor, 4 * (w->m.digits * w->m.digit_bits - 32 * w->m.words));
  montgomery_multiply(&w->m, w->product, w->product, w->factor);
  montgomery_multiply(&w->m, w->base, w->base, w->product);
  montgomery_power_of_two(&w->m, w->factor, 0);
  montgomery_multiply(&w->m, w->product, w->product, w->factor);
  return 1;
}

/* out = product / R: times r / R first, and OpenSSL's own reduction divides by r and leaves what is below the modulus. */
static int leave(work *w, const power *powers, BN_CTX *ctx) {
  int ok = 1;
  montgomery_power_of_two(&w->m, w->factor, 32 * w->m.words);
  montgomery_multiply(&w->m, w->product, w->product, w->factor);
  montgomery_write(&w->m, w->numbers, w->product);
  BN_CTX_start(ctx);
  BIGNUM *number = BN_CTX_get(ctx);
  for (int i = 0; ok && i < w->m.moduli; i++) {
    ok = number != NULL && BN_lebin2bn((const uint8_t *)w->numbers[i], 4 * (w->m.words + 1), number) != NULL &&
         BN_from_montgomery(powers[i].out, number, powers[i].mont, ctx);
  }
  BN_CTX_end(ctx);
  return ok;
}

/* ---- Secret exponents. ---- */

static void pack(const work *w, packed *out, const doubles *number) {
  for (int i = 0; i < w->m.vectors; i += 2) {
    doubles next = i + 1 < w->m.vectors ? number[i + 1] : (doubles){0, 0};
    out[i / 2] = (packed){(int32_t)number[i][0], (int32_t)number[i][1], (int32_t)next[0], (int32_t)next[1]};
  }
}

/* factor = the power with each exponent's index, reading all powers. */
static void select_power(work *w, const uint32_t index[2]) {
  int width = (w->m.vectors + 1) / 2;
  for (int i = 0; i < width; i++) {
    packed found = {0};
    for (int j = 0; j < POWERS; j++) {
      int32_t same0 = -(int32_t)((((uint32_t)j ^ index[0]) - 1) >> 31), same1 = -(int32_t)((((uint32_t)j ^ index[1]) - 1) >> 31);
      found |= w->powers[j * width + i] & (packed){same0, same1, same0, same1};
    }
    w->factor[2 * i] = (doubles){found[0], found[1]};
    if (2 * i + 1 < w->m.vectors) w->factor[2 * i + 1] = (doubles){found[2], found[3]};
  }
}

static uint32_t window_at(const uint32_t *exponent, int bit) {
  uint64_t words = exponent[bit / 32] | (uint64_t)exponent[bit / 32 + 1] << 32;
  return (uint32_t)(words >> bit % 32) & (POWERS - 1);
}

static int raise_secretly(work *w, const power *powers) {
  int width = (w->m.vectors + 1) / 2;
  for (int i = 0; i < 2; i++) { /* of one modulus, both halves of a vector follow the same exponent */
    const BIGNUM *exponent = powers[i < w->m.moduli ? i : 0].exponent;
    if (BN_bn2lebinpad(exponent, (uint8_t *)w->exponents[i], 4 * exponent_words(w)) < 0) return 0;
  }
  for (int i = 0; i < POWERS; i++) {
    pack(w, w->powers + i * width, w->product);
    montgomery_multiply(&w->m, w->product, w->product, w->base);
  }
  for (int bit = w->window_bits - WINDOW; bit >= 0; bit -= WINDOW) {
    uint32_t index[2] = {window_at(w->exponents[0], bit), window_at(w->exponents[1], bit)};
    select_power(w, index);
    if (bit == w->window_bits - WINDOW) {
      memcpy(w->product, w->factor, sizeof(doubles) * (size_t)w->m.vectors);
      continue;
    }
    for (int i = 0; i < WINDOW; i++) montgomery_multiply(&w->m, w->product, w->product, w->product);
    montgomery_multiply(&w->m, w->product, w->product, w->factor);
  }
  return 1;
}

/* ---- Public exponents: bit by bit, in variable time. ---- */

static void raise_openly(work *w, const BIGNUM *exponent) {
  memcpy(w->product, w->base, sizeof(doubles) * (size_t)w->m.vectors);
  for (int bit = BN_num_bits(exponent) - 2; bit >= 0; bit--) {
    montgomery_multiply(&w->m, w->product, w->product, w->product);
    if (BN_is_bit_set(exponent, bit)) montgomery_multiply(&w->m, w->product, w->product, w->base);
  }
}

/* ---- In OpenSSL's place. ---- */

static int is_secret(const power *p) {
  return BN_get_flags(p->base, BN_FLG_CONSTTIME) || BN_get_flags(p->exponent, BN_FLG_CONSTTIME) ||
         BN_get_flags(p->modulus, BN_FLG_CONSTTIME);
}

static int is_usual(const power *p) {
  int words = (BN_num_bits(p->modulus) + 31) / 32;
  return p->mont != NULL && p->mont->ri == 32 * words && BN_is_odd(p->modulus) && words >= MONTGOMERY_LEAST_WORDS &&
         words <= MONTGOMERY_MOST_WORDS && !BN_is_negative(p->base) && BN_ucmp(p->base, p->modulus) < 0 && !BN_is_zero(p->exponent) &&
         !BN_is_negative(p->exponent) && bn_get_top(p->exponent) * BN_BITS2 <= 32 * MONTGOMERY_MOST_WORDS;
}

/* The words that exponents have, not their bits: those are secret. */
static int window_bits(const power *powers, int count) {
  int words = bn_get_top(powers[0].exponent), other = bn_get_top(powers[count - 1].exponent);
  return ((words > other ? words : other) * BN_BITS2 + WINDOW - 1) / WINDOW * WINDOW;
}

static int raise(const power *powers, int count, int openly, BN_CTX *ctx) {
  work w = {.window_bits = window_bits(powers, count)};
  montgomery_measure(&w.m, count, (BN_num_bits(powers[0].modulus) + 31) / 32);
  size_t size = lay_out(&w, NULL);
  uint8_t *block = OPENSSL_malloc(size);
  if (block == NULL) return 0;
  lay_out(&w, block);
  int ok = start(&w, powers) && enter(&w, powers);
  if (ok && openly) raise_openly(&w, powers[0].exponent);
  if (ok && !openly) ok = raise_secretly(&w, powers);
  ok = ok && leave(&w, powers, ctx);
  OPENSSL_clear_free(block, size);
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
