/*
 * P-256 (SP 800-186, 3.2.1.3): multiples of points. Numbers are eight words, little endian: coordinates, and scalars, which count modulo the
 * group's order.
 *
 * A point is (x, y); the functions return 0 where the result is the point at infinity, which has no coordinates. Points given must be on
 * the curve; results may take the place of arguments.
 */
#ifndef P256_H
#define P256_H

#include <stdint.h>

typedef struct p256_point {
  uint32_t x[8], y[8];
} p256_point;

/* scalar * G. In constant time, but for scalars congruent to 0 and a negligible part of the others (p256.c). */
int p256_multiply_generator(p256_point *out, const uint32_t scalar[8]);

/* scalar * point. As above. */
int p256_multiply(p256_point *out, const uint32_t scalar[8], const p256_point *point);

/* u * G + v * point, as verifying signatures wants it: in variable time. */
int p256_multiply_both(p256_point *out, const uint32_t u[8], const uint32_t v[8], const p256_point *point);

/* (x / z^2, y / z^3), in constant time. */
void p256_divide(p256_point *point, const uint32_t z[8]);

int p256_on_curve(const p256_point *point);

/* out = scalar^-1 modulo the order, in constant time; 0 gives 0. */
void p256_invert_scalar(uint32_t out[8], const uint32_t scalar[8]);

#endif
