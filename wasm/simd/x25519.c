/*
 * X25519: the Montgomery ladder of RFC 7748, section 5; points are (x : z), swapped by masks. Multiples of the base point are Edwards25519's.
 */
#include "x25519.h"

#include "edwards25519.h"

typedef struct point {
  element x, z;
} point;

/* Exchanges a and b if mask is all ones. */
static void swap(point *a, point *b, int64_t mask) {
  UNROLL for (int i = 0; i < LIMBS; i++) {
    int64_t x = (a->x.at[i] ^ b->x.at[i]) & mask, z = (a->z.at[i] ^ b->z.at[i]) & mask;
    a->x.at[i] ^= x, b->x.at[i] ^= x;
    a->z.at[i] ^= z, b->z.at[i] ^= z;
  }
}

/* a becomes 2 a, and b becomes a + b, where u is the x of b - a. The names are those of the RFC; the highest product of sizes is 4. */
static void ladder_step(point *p2, point *p3, const element *u) {
  element a, aa, b, bb, c, d, da, cb, e;
  limbs_add(&a, &p2->x, &p2->z);
  limbs_subtract(&b, &p2->x, &p2->z);
  limbs_add(&c, &p3->x, &p3->z);
  limbs_subtract(&d, &p3->x, &p3->z);
  element_square(&aa, &a);
  element_square(&bb, &b);
  element_multiply(&da, &d, &a);
  element_multiply(&cb, &c, &b);
  limbs_add(&c, &da, &cb);
  element_square(&p3->x, &c);
  limbs_subtract(&d, &da, &cb);
  element_square(&d, &d);
  element_multiply(&p3->z, &d, u);
  element_multiply(&p2->x, &aa, &bb);
  limbs_subtract(&e, &aa, &bb);
  element_add_multiple(&a, &aa, 121665, &e);
  element_multiply(&p2->z, &e, &a);
}

static void clamp(uint32_t out[8], const uint32_t scalar[8]) {
  for (int i = 0; i < 8; i++) out[i] = scalar[i];
  out[0] &= ~7u;
  out[7] = (out[7] & 0x7fffffff) | 0x40000000;
}

void x25519(uint32_t out[8], const uint32_t scalar[8], const uint32_t u[8]) {
  uint32_t k[8];
  element base;
  clamp(k, scalar);
  element_from_words(&base, u);
  point p2 = {element_one, {{0}}}, p3 = {base, element_one};
  int64_t swapped = 0;
  for (int i = 254; i >= 0; i--) {
    int64_t bit = -(int64_t)(k[i / 32] >> i % 32 & 1);
    swap(&p2, &p3, swapped ^ bit);
    swapped = bit;
    ladder_step(&p2, &p3, &base);
  }
  swap(&p2, &p3, swapped);
  element_invert(&p2.z, &p2.z); /* 0, for a point of small order, stays 0 */
  element_multiply(&p2.x, &p2.x, &p2.z);
  element_to_words(out, &p2.x);
}

/* On the equivalent Edwards curve (RFC 7748, 4.1), u is (1 + y) / (1 - y). */
void x25519_base(uint32_t out[8], const uint32_t scalar[8]) {
  uint32_t k[8];
  edwards product;
  element above, below;
  clamp(k, scalar);
  edwards_multiply_base(&product, k);
  limbs_add(&above, &product.z, &product.y);
  element_add_multiple(&below, &product.z, -1, &product.y);
  element_invert(&below, &below);
  element_multiply(&above, &above, &below);
  element_to_words(out, &above);
}
