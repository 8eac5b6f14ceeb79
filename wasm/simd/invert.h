/* Inversion modulo a prime of up to 256 bits, in constant time. */
#ifndef INVERT_H
#define INVERT_H

#include <stdint.h>

#define INVERT_LIMBS 9

typedef struct prime {
  int32_t limbs[INVERT_LIMBS]; /* of 30 bits */
  uint32_t inverse;            /* modulo 2^30 */
} prime;

extern const prime p256_prime;   /* 2^256 - 2^224 + 2^192 + 2^96 - 1 */
extern const prime p256_order;   /* of P-256's group (FIPS 186-4, D.1.2.3) */
extern const prime x25519_prime; /* 2^255 - 19 */

/* out = in^-1 modulo the prime, for in below the prime; 0 gives 0. Words are little endian; out may be in. */
void invert(uint32_t out[8], const uint32_t in[8], const prime *modulus);

#endif
