/* Modular exponentiation, for RSA and DH. Numbers are words of 32 bits, little endian. */
#ifndef MODEXP_H
#define MODEXP_H

#include <stddef.h>
#include <stdint.h>

enum { MODEXP_LEAST_WORDS = 8, MODEXP_MOST_WORDS = 160, MODEXP_WINDOW = 5 };

/*
 * One power. All numbers are of as many words as the modulus, which is odd; the exponent has two words more than it needs, both 0. With r
 * = 2^(32 * words), out is base^exponent * r modulo the modulus, but less than r times that, and one word longer.
 */
typedef struct modexp_power {
  uint32_t *out;
  const uint32_t *base, *exponent, *modulus, *r_squared;
} modexp_power;

/* One power, or two at once modulo numbers of the same length. */
typedef struct modexp_job {
  const modexp_power *powers;
  int count, words;
  int exponent_bits; /* secret exponents: a multiple of MODEXP_WINDOW; public ones: where the highest bit is */
} modexp_job;

/* What modexp_secret and modexp_public want to write on; secrets are left there. */
size_t modexp_scratch_size(const modexp_job *job);

/* In a time that depends on nothing but the lengths. */
void modexp_secret(const modexp_job *job, void *scratch);

/* One power, whose exponent may be known. */
void modexp_public(const modexp_job *job, void *scratch);

#endif
