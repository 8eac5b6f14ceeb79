/* Edwards25519 (RFC 8032, 5.1; -x^2 + y^2 = 1 + d x^2 y^2): what X25519's public keys and Ed25519 need. Words are little endian. */
#ifndef EDWARDS25519_H
#define EDWARDS25519_H

#include "curve25519-field.h"

/* (x / z, y / z), and t = x y / z. */
typedef struct edwards {
  element x, y, z, t;
} edwards;

/* scalar * B, for the base point B; the scalar is any number below 2^256. Constant time. */
void edwards_multiply_base(edwards *out, const uint32_t scalar[8]);

/* s * B + h * a, in variable time. h counts as it is, not modulo the order of B: a may have another. */
void edwards_multiply_both(edwards *out, const uint32_t s[8], const uint32_t h[8], const edwards *a);

/* The encoding of RFC 8032, 5.1.2. */
void edwards_encode(uint32_t words[8], const edwards *a);

/*
 * RFC 8032, 5.1.3, in variable time; 0 if there is no such point. As OpenSSL, it takes y from p on, and a sign for x = 0.
 */
int edwards_decode(edwards *out, const uint32_t words[8]);

void edwards_negate(edwards *a);

#endif
