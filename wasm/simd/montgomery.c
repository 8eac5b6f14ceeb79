/*
 * Montgomery multiplication in floating point: WebAssembly's vectors have no multiplication of 64 bits that is fast on x86-64, but two
 * products of doubles cost as much as one. With digits between -2^23 and 2^23 (for long numbers 2^22), products and the sums of all that
 * meet in a column are integers below 2^53: nothing is ever rounded but where a carry is taken, by adding and subtracting 1.5 * 2^52.
 * (The idea is Bernstein's, "Floating-point arithmetic and message authentication", 2004.)
 *
 * In place of the modulus n stands a multiple of it that is -1 modulo a digit: then the multiple of it that clears a digit is the digit
 * itself (Hamburg, "Fast and compact elliptic-curve cryptography", 2012, has it for special primes; here it makes numbers a digit longer).
 * Results are not reduced beyond what they need to stay small: 2^(digits * digit_bits) is four times as much as that multiple.
 *
 * Two digits of a are worked off at a time. Constant time: no branch or index depends on a number, and no operand is subnormal.
 */
#include "montgomery.h"

/* Splits a column, exactly: the carry, and what is left, a digit. */
static inline double carry_out(double column, double up, double down, double *digit) {
  const double rounder = 0x1.8p52;
  double carry = (column * down + rounder) - rounder;
  *digit = column - carry * up;
  return carry;
}

static inline doubles carry_out_both(doubles column, doubles up, doubles down, doubles *digit) {
  const doubles rounder = {0x1.8p52, 0x1.8p52};
  doubles carry = (column * down + rounder) - rounder;
  *digit = column - carry * up;
  return carry;
}

void montgomery_measure(montgomery *m, int moduli, int words) {
  m->moduli = moduli;
  m->words = words;
  for (m->digit_bits = 24;; m->digit_bits--) {
    /* The multiple of the modulus is a digit longer, and four times it must fit; two digits go together. */
    m->digits = (32 * words + m->digit_bits + 2 + m->digit_bits - 1) / m->digit_bits;
    m->digits += m->digits % 2;
    /* In a column meet two products for each digit, of 2 * (digit_bits - 1) bits, and a carry. */
    if (m->digits < 1 << (54 - 2 * m->digit_bits)) break;
  }
  m->vectors = m->digits * moduli / 2;
  m->up = (double)(1 << m->digit_bits);
  m->down = 1 / m->up;
}

/* ---- Numbers as digits. ---- */

static double *digit_of(const montgomery *m, doubles *number, int which, int digit) {
  return (double *)number + digit * m->moduli + which;
}

/* number * factor, for a factor of a digit's length. */
static void read_one(const montgomery *m, doubles *out, int which, const uint32_t *number, uint32_t factor) {
  const int64_t half = (int64_t)1 << (m->digit_bits - 1), mask = 2 * half - 1;
  int64_t bits = 0;
  uint64_t product = 0;
  for (int i = 0, word = 0, have = 0; i < m->digits; i++) {
    if (have < m->digit_bits) {
      if (word < m->words) product += (uint64_t)number[word++] * factor;
      bits += (int64_t)(product & 0xffffffff) << have;
      product >>= 32;
      have += 32;
    }
    bits += half;
    *digit_of(m, out, which, i) = (double)((bits & mask) - half);
    bits >>= m->digit_bits;
    have -= m->digit_bits;
  }
}

void montgomery_read(const montgomery *m, doubles *out, const uint32_t *const numbers[]) {
  for (int i = 0; i < m->moduli; i++) read_one(m, out, i, numbers[i], 1);
}

static void write_one(const montgomery *m, uint32_t *number, int which, const doubles *a) {
  int64_t bits = 0;
  for (int i = 0, word = 0, have = 0; word <= m->words; i++) {
    if (i < m->digits) {
      double n = m->moduli == 2 ? m->columns[i].n[which] : m->columns[i / 2].n[i % 2]; /* the number may be negative */
      bits += integer_of(*digit_of(m, (doubles *)a, which, i) + n) * ((int64_t)1 << have);
    }
    have += m->digit_bits;
    if (have < 32) continue;
    number[word++] = (uint32_t)bits;
    bits >>= 32;
    have -= 32;
  }
}

void montgomery_write(const montgomery *m, uint32_t *const numbers[], const doubles *a) {
  for (int i = 0; i < m->moduli; i++) write_one(m, numbers[i], i, a);
}

void montgomery_power_of_two(const montgomery *m, doubles *out, int bit) {
  memset(out, 0, sizeof *out * (size_t)m->vectors);
  for (int i = 0; i < m->moduli; i++) *digit_of(m, out, i, bit / m->digit_bits) = (double)(1 << bit % m->digit_bits);
}

/* -modulus^-1 modulo 2^digit_bits. */
static uint32_t friendly_factor(const montgomery *m, const uint32_t *modulus) {
  uint32_t inverse = modulus[0]; /* right modulo 2^3, and each step doubles that */
  for (int i = 0; i < 4; i++) inverse *= 2 - modulus[0] * inverse;
  return (0 - inverse) & ((1u << m->digit_bits) - 1);
}

void montgomery_start(montgomery *m, const uint32_t *const moduli[], doubles *scratch) {
  for (int i = 0; i < m->moduli; i++) read_one(m, scratch, i, moduli[i], friendly_factor(m, moduli[i]));
  memset(m->columns, 0, sizeof *m->columns * (size_t)(m->vectors + 1));
  for (int i = 0; i < m->vectors; i++) {
    m->columns[i].n = scratch[i];
    m->columns[i + 1].n_before = (doubles){scratch[i][1], i + 1 < m->vectors ? scratch[i + 1][0] : 0};
  }
}

/* ---- Two moduli: all vectors hold a digit of each. ---- */

static void multiply_two(const montgomery *m, doubles *out, const doubles *a, const doubles *b) {
  const doubles up = {m->up, m->up}, down = {m->down, m->down}, zero = {0, 0};
  column *const columns = m->columns, *const end = columns + m->digits;
  for (int i = 0; i < m->digits; i++) {
    columns[i].sum = zero;
    columns[i].b = b[i];
  }
  const doubles b0 = b[0], b1 = b[1], n1 = columns[1].n;
  for (int row = 0; row < m->digits; row += 2) {
    doubles a0 = a[row], a1 = a[row + 1], q0, q1, carry;
    carry = carry_out_both(columns[0].sum + a0 * b0, up, down, &q0);
    carry = carry_out_both((columns[1].sum + carry) + (a0 * b1 + a1 * b0) + q0 * n1, up, down, &q1);
    columns[2].sum += carry;
    doubles b_before = b1, n_before = n1;
    for (column *c = columns + 2; c <= end; c++) {
      c[-2].sum = (c->sum + a0 * c->b + a1 * b_before) + (q0 * c->n + q1 * n_before);
      b_before = c->b;
      n_before = c->n;
    }
    end[-1].sum = zero;
  }
  doubles carry = zero;
  for (int i = 0; i < m->digits - 1; i++) carry = carry_out_both(columns[i].sum + carry, up, down, &out[i]);
  out[m->digits - 1] = end[-1].sum + carry;
}

/* ---- One modulus: vectors hold two digits, and two digits of a move all columns by one vector. ---- */

static void multiply_one(const montgomery *m, doubles *out, const doubles *a, const doubles *b) {
  const doubles zero = {0, 0};
  const double up = m->up, down = m->down, b0 = b[0][0], b1 = b[0][1], n1 = m->columns[0].n[1];
  column *const columns = m->columns, *const end = columns + m->vectors;
  for (int i = 1; i < m->vectors; i++) {
    columns[i].sum = zero;
    columns[i].b = b[i];
    columns[i].b_before = (doubles){b[i - 1][1], b[i][0]};
  }
  end->b_before = (doubles){b[m->vectors - 1][1], 0};
  doubles first = zero;
  for (int row = 0; row < m->vectors; row++) {
    double q0, q1, carry;
    doubles a0 = {a[row][0], a[row][0]}, a1 = {a[row][1], a[row][1]};
    carry = carry_out(first[0] + a0[0] * b0, up, down, &q0);
    carry = carry_out((first[1] + carry) + (a0[0] * b1 + a1[0] * b0) + q0 * n1, up, down, &q1);
    doubles both0 = {q0, q0}, both1 = {q1, q1};
    column *c = columns + 1;
    first = (c->sum + a0 * c->b + a1 * c->b_before) + (both0 * c->n + both1 * c->n_before);
    first[0] += carry;
    for (c++; c <= end; c++) c[-1].sum = (c->sum + a0 * c->b + a1 * c->b_before) + (both0 * c->n + both1 * c->n_before);
  }
  columns[0].sum = first;
  double carry = 0, digit[2];
  for (int i = 0; i < m->vectors; i++) {
    carry = carry_out(columns[i].sum[0] + carry, up, down, &digit[0]);
    double last = columns[i].sum[1] + carry;
    carry = carry_out(last, up, down, &digit[1]);
    out[i] = (doubles){digit[0], i < m->vectors - 1 ? digit[1] : last};
  }
}

void montgomery_multiply(const montgomery *m, doubles *out, const doubles *a, const doubles *b) {
  if (m->moduli == 2) {
    multiply_two(m, out, a, b);
  } else {
    multiply_one(m, out, a, b);
  }
}
