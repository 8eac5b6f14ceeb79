/*
 * The field of Curve25519: p = 2^255 - 19 (RFC 7748, 4.1). All in constant time.
 *
 * A reduced element has limbs of size 1 (limbs29.h), of which the top one has 23 bits and is not negative: a number from a little below
 * 0 to 2^255. The functions take any element whose limbs keep to the size, and return reduced ones.
 */
#ifndef CURVE25519_FIELD_H
#define CURVE25519_FIELD_H

#include "limbs29.h"

typedef limbs element;

static const element element_zero = {{0}}, element_one = {{1}};

/* out = a * b, for sizes whose product is below 15.9. */
void element_multiply(element *out, const element *a, const element *b);

/* out = a^2, for a size below 3.98. */
void element_square(element *out, const element *a);

/* out = a + factor * b, for a small factor. */
void element_add_multiple(element *out, const element *a, int factor, const element *b);

/* out = a^-1, or 0. a is reduced. */
void element_invert(element *out, const element *a);

/* From 256 bits, of which the highest is ignored (RFC 7748, 5). Numbers from p on are taken too. Size 2. */
void element_from_words(element *out, const uint32_t words[8]);

/* The number itself, from 0 to p - 1, of a reduced element. */
void element_to_words(uint32_t words[8], const element *a);

#endif
