/*
 * Multiples of points of P-256.
 *
 * Multiples of the generator: the comb of comb.h, 44 additions and 3 doublings. Its 352 points are worked out at the first use, in less
 * than half a millisecond, and take nothing of the module's size.
 * Multiples of any point: windows of five bits with odd digits only (Joye and Tunstall 2009), so that each window adds.
 * Public sums: the comb for the generator, five-bit non-adjacent form for the other.
 *
 * Constant time: the sequence of operations is fixed and tables are read whole. Exceptional additions (p256-point.h) are found at the
 * end and the product is then made again by plain doubling and adding. With a secret scalar this has a chance of some 2^-245; with 0
 * (or the group's order) it is certain, and tells that.
 */
#include "p256.h"

#include "comb.h"
#include "p256-point.h"
#include "secrecy.h"

static const comb_order group = {
    {0xfc632551, 0xf3b9cac2, 0xa7179e84, 0xbce6faad, 0xffffffff, 0xffffffff, 0x00000000, 0xffffffff},
    {0x9cdaaeff, 0x46353d03, 0xe8617b0c, 0x19055258, 0x00000043, 0x00000000, 0xffffff00, 0x000000ff}};

/* ---- Scalars. ---- */

/* out = a - b; returns all ones if it is negative. */
static uint32_t subtract(uint32_t out[8], const uint32_t a[8], const uint32_t b[8]) {
  int64_t borrow = 0;
  for (int i = 0; i < 8; i++) {
    borrow += (int64_t)a[i] - b[i];
    out[i] = (uint32_t)borrow;
    borrow >>= 32;
  }
  return (uint32_t)borrow;
}

/* out = a if mask is all ones. */
static void pick(uint32_t out[8], const uint32_t a[8], uint32_t mask) {
  for (int i = 0; i < 8; i++) out[i] ^= (out[i] ^ a[i]) & mask;
}

/* out = scalar modulo the order, twice which is more than 2^256. */
static void reduce(uint32_t out[8], const uint32_t scalar[8]) {
  uint32_t less[8], negative = subtract(less, scalar, group.order);
  memmove(out, scalar, sizeof less);
  pick(out, less, ~negative);
}

static int is_zero(const uint32_t number[8]) {
  uint32_t any = 0;
  for (int i = 0; i < 8; i++) any |= number[i];
  return any == 0;
}

void p256_invert_scalar(uint32_t out[8], const uint32_t scalar[8]) {
  reduce(out, scalar);
  invert(out, out, &p256_order);
}

/* ---- Any scalar, any point; variable time. ---- */

static void multiply_plainly(jacobian *out, const uint32_t scalar[8], const affine *point) {
  jacobian base, sum = {field_one, field_one, {{0}}};
  point_from_affine(&base, point);
  for (int i = 255; i >= 0; i--) {
    point_double(&sum, &sum);
    if (scalar[i / 32] >> i % 32 & 1) point_add_any(&sum, &sum, &base);
  }
  *out = sum;
}

/* ---- The comb. ---- */

static packed comb[COMB_BLOCKS][COMB_POINTS];
static int comb_is_made;

static void make_comb(void) {
  jacobian power, teeth[COMB_TEETH], block[COMB_POINTS];
  affine points[COMB_POINTS];
  point_from_affine(&power, &generator);
  for (int j = 0; j < COMB_BLOCKS; j++) {
    for (int i = 0; i < COMB_TEETH; i++) {
      teeth[i] = power;
      for (int k = 0; k < COMB_SPACING; k++) point_double(&power, &power);
    }
    block[0] = teeth[COMB_TEETH - 1];
    for (int i = 0; i < COMB_TEETH - 1; i++) {
      jacobian opposite = teeth[i];
      field_negate_if(&opposite.y, -1);
      point_add(&block[0], &block[0], &opposite);
      point_double(&teeth[i], &teeth[i]); /* from now on, what makes of a subtracted tooth an added one */
    }
    for (int i = 0; i < COMB_TEETH - 1; i++) {
      for (int m = 0; m < 1 << i; m++) point_add(&block[(1 << i) + m], &block[m], &teeth[i]);
    }
    points_to_affine(points, block, COMB_POINTS);
    for (int m = 0; m < COMB_POINTS; m++) point_pack(&comb[j][m], &points[m]);
  }
  comb_is_made = 1;
}

static void multiply_comb(jacobian *out, const uint32_t scalar[8]) {
  uint32_t bits[COMB_WORDS];
  if (!comb_is_made) make_comb();
  comb_bits(bits, scalar, &group);
  for (int k = COMB_SPACING - 1; k >= 0; k--) {
    if (k < COMB_SPACING - 1) point_double(out, out);
    for (int j = 0; j < COMB_BLOCKS; j++) {
      comb_digit digit = comb_digit_at(bits, j, k);
      affine point;
      point_select(&point, comb[j], COMB_POINTS, digit.index);
      field_negate_if(&point.y, digit.negative);
      if (k == COMB_SPACING - 1 && j == 0) {
        point_from_affine(out, &point);
      } else {
        point_add_affine(out, out, &point);
      }
    }
  }
  if (may_be_known(point_is_infinity(out))) multiply_plainly(out, scalar, &generator);
}

/* ---- Windows. ---- */

enum { WINDOW = 5, ODD_MULTIPLES = 1 << (WINDOW - 1), WINDOWS = 51 };

/* point, 3 * point, 5 * point ... */
static void make_odd_multiples(affine *out, int count, const affine *point) {
  jacobian multiples[ODD_MULTIPLES], twice;
  point_from_affine(&multiples[0], point);
  point_double(&twice, &multiples[0]);
  for (int i = 1; i < count; i++) point_add(&multiples[i], &multiples[i - 1], &twice);
  points_to_affine(out, multiples, count);
}

/*
 * An odd number is 2^255 plus the sum of odd digits d[i] * 32^i between -31 and 31: d[i] is 2 w - 31 for the five bits w from 5 i + 1
 * on. An even scalar is replaced by the order minus it, which is odd, and the product by its opposite.
 */
static void multiply_windows(jacobian *out, const uint32_t scalar[8], const affine *point) {
  affine multiples[ODD_MULTIPLES];
  packed table[ODD_MULTIPLES];
  uint32_t odd[8], opposite[8], even = (scalar[0] & 1) - 1;
  subtract(opposite, group.order, scalar);
  memcpy(odd, scalar, sizeof odd);
  pick(odd, opposite, even);
  make_odd_multiples(multiples, ODD_MULTIPLES, point);
  for (int i = 0; i < ODD_MULTIPLES; i++) point_pack(&table[i], &multiples[i]);
  point_from_affine(out, point);
  for (int i = WINDOWS - 1; i >= 0; i--) {
    for (int j = 0; j < WINDOW; j++) point_double(out, out);
    uint32_t window = bits_at(odd, 8, WINDOW * i + 1) & 31, negative = (window >> (WINDOW - 1)) - 1;
    affine multiple;
    point_select(&multiple, table, ODD_MULTIPLES, (window ^ negative) & (ODD_MULTIPLES - 1));
    field_negate_if(&multiple.y, -(int64_t)(negative & 1));
    point_add_affine(out, out, &multiple);
  }
  field_negate_if(&out->y, -(int64_t)(even & 1));
  if (may_be_known(point_is_infinity(out))) multiply_plainly(out, scalar, point);
}

/* ---- Public scalars. ---- */

static void multiply_naf(jacobian *out, const uint32_t scalar[8], const affine *point) {
  affine table[NAF_MULTIPLES];
  int8_t digits[NAF_DIGITS];
  int i = non_adjacent_form(digits, scalar) - 1;
  *out = (jacobian){field_one, field_one, {{0}}};
  if (i < 0) return;
  make_odd_multiples(table, NAF_MULTIPLES, point);
  point_from_affine(out, &table[digits[i] / 2]); /* the highest digit is positive */
  while (--i >= 0) {
    point_double(out, out);
    if (digits[i] == 0) continue;
    affine multiple = table[(digits[i] < 0 ? -digits[i] : digits[i]) / 2];
    field_negate_if(&multiple.y, digits[i] < 0 ? -1 : 0);
    point_add_affine(out, out, &multiple);
  }
  if (point_is_infinity(out)) multiply_plainly(out, scalar, point);
}

/* ---- In words. ---- */

static void read_point(affine *out, const p256_point *in) {
  field_from_words(&out->x, in->x);
  field_from_words(&out->y, in->y);
}

static int write_point(p256_point *out, const jacobian *in) {
  affine result;
  if (may_be_known(point_is_infinity(in))) return 0;
  points_to_affine(&result, in, 1);
  field_to_words(out->x, &result.x);
  field_to_words(out->y, &result.y);
  return 1;
}

int p256_multiply_generator(p256_point *out, const uint32_t scalar[8]) {
  uint32_t k[8];
  jacobian product;
  reduce(k, scalar);
  if (may_be_known(is_zero(k))) return 0;
  multiply_comb(&product, k);
  return write_point(out, &product);
}

int p256_multiply(p256_point *out, const uint32_t scalar[8], const p256_point *point) {
  uint32_t k[8];
  jacobian product;
  affine base;
  reduce(k, scalar);
  if (may_be_known(is_zero(k))) return 0; /* asked for by who checks that the order times a public key is infinity: it is, on this curve */
  read_point(&base, point);
  multiply_windows(&product, k, &base);
  return write_point(out, &product);
}

int p256_multiply_both(p256_point *out, const uint32_t u[8], const uint32_t v[8], const p256_point *point) {
  jacobian here, there;
  affine base;
  read_point(&base, point);
  multiply_comb(&here, u);
  multiply_naf(&there, v, &base);
  point_add_any(&here, &here, &there);
  return write_point(out, &here);
}

void p256_divide(p256_point *point, const uint32_t z[8]) {
  affine a;
  jacobian quotient;
  read_point(&a, point);
  quotient.x = a.x;
  quotient.y = a.y;
  field_from_words(&quotient.z, z);
  points_to_affine(&a, &quotient, 1);
  field_to_words(point->x, &a.x);
  field_to_words(point->y, &a.y);
}

int p256_on_curve(const p256_point *point) {
  affine a;
  field left, right;
  read_point(&a, point);
  field_square(&left, &a.y);
  field_square(&right, &a.x);
  UNROLL for (int i = 0; i < LIMBS; i++) right.at[i] -= 3 * field_one.at[i];
  field_multiply(&right, &right, &a.x);
  UNROLL for (int i = 0; i < LIMBS; i++) left.at[i] -= right.at[i] + field_b.at[i];
  return field_is_zero(&left);
}
