/*
 * Points of P-256, y^2 = x^3 - 3x + b, in Jacobian coordinates: (x, y, z) is (x / z^2, y / z^3), and z = 0 the point at infinity.
 *
 * Doubling and adding are the textbook formulas (Cohen, Miyaji, Ono 1998; for a = -3 Bernstein 2001; both in the Explicit-Formulas
 * Database) with their differences of products reduced once. The additions are not complete: adding equal, opposite or infinite points
 * gives z = 0. But no formula gets away from z = 0 again. So who adds many points looks at the last z only: if it is not 0, no addition
 * on the way was one of those, and the result is right.
 *
 * All in constant time but for the functions that say otherwise.
 */
#ifndef P256_POINT_H
#define P256_POINT_H

#include "comb.h"
#include "p256-field.h"

typedef struct jacobian {
  field x, y, z;
} jacobian;

/* A point that is not infinity. */
typedef struct affine {
  field x, y;
} affine;

static const affine generator = {
    {{-0xadd787d, 0x730d419, 0xdb00bcf, 0x57f11fb, 0xa20eb75, -0xd4889de, 0x330fdba, -0x50b22a9, 0x120bef}},
    {{-0xd553eb0, -0xdaca831, 0xf22e6f0, 0xe390e86, 0x64b1695, 0x88dd21f, 0x2a97443, 0x2962176, 0xae3fe3}}};

/*
 * Sizes (limbs29.h): x is settled, y and z are reduced, here and in what the formulas return. The comments count the products of sizes
 * that come near 15.9.
 */
static void point_double(jacobian *out, const jacobian *a) {
  field delta, gamma, beta, alpha, sum, difference, twice, square;
  field_square(&delta, &a->z);
  field_square(&gamma, &a->y);
  field_multiply(&beta, &a->x, &gamma);
  limbs_add(&sum, &a->x, &delta);
  limbs_subtract(&difference, &a->x, &delta);
  UNROLL for (int i = 0; i < LIMBS; i++) difference.at[i] *= 3;
  field_multiply(&alpha, &difference, &sum); /* 6.75 * 2.25 */
  limbs_add(&twice, &a->y, &a->y);
  field_multiply(&out->z, &twice, &a->z);
  field_square(&square, &alpha);
  field_settle(&out->x, &square, -8, &beta, 0, &beta);
  UNROLL for (int i = 0; i < LIMBS; i++) difference.at[i] = 4 * beta.at[i] - out->x.at[i];
  field_multiply_subtract_square8(&out->y, &alpha, &difference, &gamma); /* 5.25 + 8 */
}

/* out = a + b; h and r are what the points differ in. */
INLINE void add_differences(jacobian *out, const field *x, const field *y, const field *h, const field *r) {
  field square, cube, v, difference;
  field_square(&square, h); /* 2.25 * 2.25 */
  field_multiply(&cube, &square, h);
  field_multiply(&v, x, &square);
  field_square(&square, r);
  field_settle(&out->x, &square, -1, &cube, -2, &v);
  limbs_subtract(&difference, &v, &out->x);
  field_multiply_subtract(&out->y, &difference, r, y, &cube); /* 2.25 * 2 + 1 */
}

/* out may be a. */
static void point_add_affine(jacobian *out, const jacobian *a, const affine *b) {
  field square, cube, h, r;
  field_square(&square, &a->z);
  field_multiply(&cube, &square, &a->z);
  field_multiply(&h, &b->x, &square);
  limbs_subtract(&h, &h, &a->x);
  field_multiply(&r, &b->y, &cube);
  limbs_subtract(&r, &r, &a->y);
  field_multiply(&out->z, &a->z, &h);
  field x = a->x, y = a->y;
  add_differences(out, &x, &y, &h, &r);
}

static void point_add(jacobian *out, const jacobian *a, const jacobian *b) {
  field square_a, square_b, x, y, h, r;
  field_square(&square_a, &a->z);
  field_square(&square_b, &b->z);
  field_multiply(&x, &a->x, &square_b);
  field_multiply(&h, &b->x, &square_a);
  limbs_subtract(&h, &h, &x);
  field_multiply(&square_b, &square_b, &b->z);
  field_multiply(&y, &a->y, &square_b);
  field_multiply(&square_a, &square_a, &a->z);
  field_multiply(&r, &b->y, &square_a);
  limbs_subtract(&r, &r, &y);
  field_multiply(&out->z, &a->z, &b->z);
  field_multiply(&out->z, &out->z, &h);
  add_differences(out, &x, &y, &h, &r);
}

static int point_is_infinity(const jacobian *a) { return field_is_zero(&a->z); }

/* Any two points. Variable time: it branches on what they are. */
static void point_add_any(jacobian *out, const jacobian *a, const jacobian *b) {
  jacobian sum;
  if (point_is_infinity(b)) {
    sum = *a;
  } else if (point_is_infinity(a)) {
    sum = *b;
  } else {
    point_add(&sum, a, b);
    if (point_is_infinity(&sum)) { /* they are equal or opposite: the double is the sum if their x and y are equal */
      field here, there, cube;
      field_square(&cube, &b->z);
      field_multiply(&cube, &cube, &b->z);
      field_multiply(&here, &a->y, &cube);
      field_square(&cube, &a->z);
      field_multiply(&cube, &cube, &a->z);
      field_multiply(&there, &b->y, &cube);
      limbs_subtract(&here, &here, &there);
      if (field_is_zero(&here)) point_double(&sum, a);
    }
  }
  *out = sum;
}

static void point_from_affine(jacobian *out, const affine *a) { *out = (jacobian){a->x, a->y, field_one}; }

/* Points that are not infinity, with one inversion for all (Montgomery 1987): each z's inverse from that of the product of all z. */
static void points_to_affine(affine *out, const jacobian *points, int count) {
  field inverse, inverse_z, square;
  out[0].x = points[0].z; /* out's x: the product of all z up to this one */
  for (int i = 1; i < count; i++) field_multiply(&out[i].x, &out[i - 1].x, &points[i].z);
  field_invert(&inverse, &out[count - 1].x);
  for (int i = count - 1; i >= 0; i--) {
    inverse_z = inverse;
    if (i > 0) {
      field_multiply(&inverse_z, &inverse, &out[i - 1].x);
      field_multiply(&inverse, &inverse, &points[i].z);
    }
    field_square(&square, &inverse_z);
    field_multiply(&out[i].x, &points[i].x, &square);
    field_multiply(&square, &square, &inverse_z);
    field_multiply(&out[i].y, &points[i].y, &square);
  }
}

/* ---- Tables, half as large and searched as vectors. ---- */

typedef union packed {
  int32_t limbs[2 * LIMBS + 2];
  vector parts[5];
} packed;

static void point_pack(packed *out, const affine *a) {
  for (int i = 0; i < LIMBS; i++) {
    out->limbs[i] = (int32_t)a->x.at[i];
    out->limbs[LIMBS + i] = (int32_t)a->y.at[i];
  }
}

static void point_unpack(affine *out, const packed *a) {
  for (int i = 0; i < LIMBS; i++) {
    out->x.at[i] = a->limbs[i];
    out->y.at[i] = a->limbs[LIMBS + i];
  }
}

/* out = table[index], reading all of it. */
static void point_select(affine *out, const packed *table, int count, uint32_t index) {
  packed found = {.parts = {{0}}};
  for (int i = 0; i < count; i++) {
    vector mask = equality_mask((uint32_t)i, index);
    UNROLL for (int j = 0; j < 5; j++) found.parts[j] |= table[i].parts[j] & mask;
  }
  point_unpack(out, &found);
}

#endif
