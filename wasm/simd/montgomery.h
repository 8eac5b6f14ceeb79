/*
 * Montgomery multiplication (1985) modulo odd numbers of up to some 5,000 bits, for one modulus or for two at once, in constant time.
 */
#ifndef MONTGOMERY_H
#define MONTGOMERY_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef double doubles __attribute__((vector_size(16)));

/* A whole number below 2^51 as an integer. A conversion would be a branch in WebAssembly, in case it does not fit. */
static inline int64_t integer_of(double number) {
  double shifted = number + 0x1.8p52;
  int64_t bits, zero;
  memcpy(&bits, &shifted, sizeof bits);
  memcpy(&zero, &(double){0x1.8p52}, sizeof zero);
  return bits - zero;
}

/* What a multiplication works on, column by column. */
typedef struct column {
  doubles sum, b, b_before, n, n_before;
} column;

/*
 * One modulus, or two of the same length. A number has `vectors` vectors: of one modulus each holds two digits, of two moduli one digit of
 * each number.
 */
typedef struct montgomery {
  int moduli, words;           /* how many moduli, and their length in words of 32 bits */
  int digits, digit_bits;      /* of a number modulo one of them */
  int vectors;                 /* of a number */
  double up, down;             /* 2^digit_bits and its inverse */
  column *columns;             /* vectors + 1 of them, given by the caller */
} montgomery;

/* How many digits and vectors numbers have; no memory is touched. */
void montgomery_measure(montgomery *m, int moduli, int words);

/* Takes moduli[0] (and moduli[1]), odd, of m->words words, into m->columns. scratch is a number's memory. */
void montgomery_start(montgomery *m, const uint32_t *const moduli[], doubles *scratch);

/* out = a * b / 2^(digits * digit_bits) for each modulus; out may be a or b. A factor is a product, or below the modulus. */
void montgomery_multiply(const montgomery *m, doubles *out, const doubles *a, const doubles *b);

/* numbers[0] (and numbers[1]), of m->words words, from and to digits. What comes back is right modulo its modulus and below
 * 2^32 times it, and has one word more. */
void montgomery_read(const montgomery *m, doubles *out, const uint32_t *const numbers[]);
void montgomery_write(const montgomery *m, uint32_t *const numbers[], const doubles *a);

/* 2^bit for each modulus, of which it is less than a fourth. */
void montgomery_power_of_two(const montgomery *m, doubles *out, int bit);

#endif
