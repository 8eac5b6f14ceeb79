/*
 * Inversion modulo a prime: Bernstein and Yang, "Fast constant-time gcd computation and modular inversion" (2019,
 * https://eprint.iacr.org/2019/266), with their division steps started at delta = 1/2 (section "variations"; for 256 bits 590 steps
 * are then enough, https://github.com/sipa/safegcd-bounds).
 *
 * f starts as the prime and g as the number. A step halves g after making it even with f, and swaps them now and then; in the end g is
 * 0 and f is 1 or -1. Every step is linear, so 30 of them are worked out on the lowest 30 bits alone, as a matrix, and then applied: to
 * f and g, and to d and e, which follow modulo the prime so that d * in = f and e * in = g at any time.
 *
 * The number of steps is fixed, and no branch and no index depends on a value.
 */
#include "invert.h"

enum { BITS = 30, BATCHES = 20 /* of 30 steps: 600 */, TOP = INVERT_LIMBS - 1 };

#define MASK ((1 << BITS) - 1)

typedef struct number {
  int32_t at[INVERT_LIMBS]; /* 30 bits each, the last one signed */
} number;

/* What a batch of steps does, times 2^30: (f, g) becomes (u f + v g, q f + r g). No entry, and no row's sum, exceeds 2^30. */
typedef struct transition {
  int32_t u, v, q, r;
} transition;

const prime p256_prime = {
    {0x3fffffff, 0x3fffffff, 0x3fffffff, 0x0000003f, 0x00000000, 0x00000000, 0x00001000, 0x3fffc000, 0x0000ffff}, 0x3fffffff};
const prime p256_order = {
    {0x3c632551, 0x0ee72b0b, 0x3179e84f, 0x39beab69, 0x3fffffbc, 0x3fffffff, 0x00000fff, 0x3fffc000, 0x0000ffff}, 0x11ff43b1};
const prime x25519_prime = {
    {0x3fffffed, 0x3fffffff, 0x3fffffff, 0x3fffffff, 0x3fffffff, 0x3fffffff, 0x3fffffff, 0x3fffffff, 0x00007fff}, 0x179435e5};

/*
 * 30 steps on the lowest bits. With delta the paper's counter, zeta is -(delta + 1/2): an integer that is negative while delta > 0.
 * In a step with odd g and delta > 0, (f, g) becomes (g, (g - f) / 2) and delta 1 - delta; otherwise f stays, g becomes (g + f) / 2 or
 * g / 2, and delta grows by one.
 */
static int32_t steps(int32_t zeta, uint32_t f, uint32_t g, transition *out) {
  uint32_t u = 1, v = 0, q = 0, r = 1;
  for (int i = 0; i < BITS; i++) {
    uint32_t positive = (uint32_t)(zeta >> 31), odd = 0 - (g & 1), swap = positive & odd;
    g += ((f ^ positive) - positive) & odd;
    q += ((u ^ positive) - positive) & odd;
    r += ((v ^ positive) - positive) & odd;
    f += g & swap; /* f + (g - f) */
    u += q & swap;
    v += r & swap;
    zeta = (zeta ^ (int32_t)swap) - 1;
    g >>= 1;
    u <<= 1; /* instead of halving q and r */
    v <<= 1;
  }
  *out = (transition){(int32_t)u, (int32_t)v, (int32_t)q, (int32_t)r};
  return zeta;
}

/* (f, g) = t (f, g) / 2^30, which has no remainder. */
static void apply_exactly(number *f, number *g, const transition *t) {
  int64_t carry_f = 0, carry_g = 0;
  for (int i = 0; i < INVERT_LIMBS; i++) {
    carry_f += (int64_t)t->u * f->at[i] + (int64_t)t->v * g->at[i];
    carry_g += (int64_t)t->q * f->at[i] + (int64_t)t->r * g->at[i];
    if (i > 0) {
      f->at[i - 1] = (int32_t)carry_f & MASK;
      g->at[i - 1] = (int32_t)carry_g & MASK;
    }
    carry_f >>= BITS;
    carry_g >>= BITS;
  }
  f->at[TOP] = (int32_t)carry_f;
  g->at[TOP] = (int32_t)carry_g;
}

/*
 * (d, e) = t (d, e) / 2^30 modulo the prime: a multiple of the prime makes the sum divisible. d and e lie between -2 and 1 times the
 * prime and stay there: a negative one counts as itself plus the prime, and the multiple is then one between -2^30 and 0.
 */
static void apply_modulo(number *d, number *e, const transition *t, const prime *modulus) {
  int32_t d_negative = d->at[TOP] >> 31, e_negative = e->at[TOP] >> 31;
  int32_t more_d = (t->u & d_negative) + (t->v & e_negative), more_e = (t->q & d_negative) + (t->r & e_negative);
  int64_t carry_d = (int64_t)t->u * d->at[0] + (int64_t)t->v * e->at[0], carry_e = (int64_t)t->q * d->at[0] + (int64_t)t->r * e->at[0];
  more_d -= (int32_t)((modulus->inverse * (uint32_t)carry_d + (uint32_t)more_d) & MASK);
  more_e -= (int32_t)((modulus->inverse * (uint32_t)carry_e + (uint32_t)more_e) & MASK);
  carry_d = (carry_d + (int64_t)modulus->limbs[0] * more_d) >> BITS;
  carry_e = (carry_e + (int64_t)modulus->limbs[0] * more_e) >> BITS;
  for (int i = 1; i < INVERT_LIMBS; i++) {
    carry_d += (int64_t)t->u * d->at[i] + (int64_t)t->v * e->at[i] + (int64_t)modulus->limbs[i] * more_d;
    carry_e += (int64_t)t->q * d->at[i] + (int64_t)t->r * e->at[i] + (int64_t)modulus->limbs[i] * more_e;
    d->at[i - 1] = (int32_t)carry_d & MASK;
    e->at[i - 1] = (int32_t)carry_e & MASK;
    carry_d >>= BITS;
    carry_e >>= BITS;
  }
  d->at[TOP] = (int32_t)carry_d;
  e->at[TOP] = (int32_t)carry_e;
}

static void carry(number *a) {
  for (int i = 0; i < TOP; i++) {
    a->at[i + 1] += a->at[i] >> BITS;
    a->at[i] &= MASK;
  }
}

static void add_if_negative(number *a, const prime *modulus) {
  int32_t negative = a->at[TOP] >> 31;
  for (int i = 0; i < INVERT_LIMBS; i++) a->at[i] += modulus->limbs[i] & negative;
  carry(a);
}

/* From between -2 and 1 times the prime to 0 and the prime, with the sign of f changed or not. */
static void normalize(number *d, int32_t f_negative, const prime *modulus) {
  add_if_negative(d, modulus);
  for (int i = 0; i < INVERT_LIMBS; i++) d->at[i] = (d->at[i] ^ f_negative) - f_negative;
  carry(d);
  add_if_negative(d, modulus);
}

void invert(uint32_t out[8], const uint32_t in[8], const prime *modulus) {
  number f, g, d = {{0}}, e = {{1}};
  for (int i = 0; i < INVERT_LIMBS; i++) {
    int word = i * BITS / 32, shift = i * BITS % 32;
    uint64_t bits = in[word] | (uint64_t)(word < 7 ? in[word + 1] : 0) << 32;
    g.at[i] = (int32_t)(bits >> shift) & MASK;
    f.at[i] = modulus->limbs[i];
  }
  int32_t zeta = -1; /* delta = 1/2 */
  for (int i = 0; i < BATCHES; i++) {
    transition t;
    zeta = steps(zeta, (uint32_t)f.at[0] | (uint32_t)f.at[1] << BITS, (uint32_t)g.at[0] | (uint32_t)g.at[1] << BITS, &t);
    apply_modulo(&d, &e, &t, modulus);
    apply_exactly(&f, &g, &t);
  }
  normalize(&d, f.at[TOP] >> 31, modulus);
  for (int i = 0; i < 8; i++) {
    int limb = i * 32 / BITS, shift = i * 32 % BITS;
    uint64_t bits = (uint32_t)d.at[limb] | (uint64_t)(uint32_t)d.at[limb + 1] << BITS;
    out[i] = (uint32_t)(bits >> shift);
  }
}
