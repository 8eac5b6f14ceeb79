/*
 * Multiples of points of Edwards25519, in extended coordinates (Hisil, Wong, Carter, Dawson, "Twisted Edwards curves revisited", 2008,
 * 3.1 to 3.3 for a = -1), whose addition has no exceptions here: d is not a square.
 *
 * The base point has a comb like P-256's (p256.c; Lim and Lee 1994, Hamburg 2012), made at the first use: 44 additions, 3 doublings.
 * Other points, which are public, are multiplied in five-bit non-adjacent form (Solinas 2000).
 */
#include "edwards25519.h"

#include "comb.h"

static const element d = {{-0xca6875d, 0xf5a6e51, -0xf89d523, 0x149a83, -0x1767ff9, 0x3cbbbd, -0x631cce3, -0x23a9200, 0x52036d}};
static const element d_twice = {{0x6b2f159, -0x14b235f, 0xec55bb, 0x293505, -0x2ecfff2, 0x79777a, -0xc6399c6, -0x4752400, 0x2406da}};
static const element root_of_minus_one = {
    {0xa0ea0b0, 0x770d93a, 0xbf91e31, 0x6300d5a, -0x2858d0c, 0x4c9efe, -0x3d352cc, -0xff607c4, 0x2b8325}};

/* y = 4 / 5, and the even x (RFC 8032, 5.1). */
static const edwards base = {
    {{0xf25d51a, 0xab16b04, 0x969ecb2, -0x6713ed6, 0xdc5c693, -0xee70115, 0xffb0294, -0x5865236, 0x216937}},
    {{0x6666658, -0xccccccd, -0x6666666, 0xccccccd, 0x6666666, -0xccccccd, -0x6666666, 0xccccccd, 0x666666}},
    {{1}},
    {{0x5b7dda3, 0xef4559d, -0xbab42a5, 0x13f00ef, -0x1c82df1, 0x7473256, -0x66a6457, 0x1faf16f, 0x67875f}}};

static const edwards neutral = {{{0}}, {{1}}, {{1}}, {{0}}}; /* 0 of the group: (0, 1) */

/* What an addition wants to know of the second point: y + x, y - x, 2 d t, and z, which is 1 in tables. */
typedef struct addend {
  element plus, minus, t, z;
} addend;

/* ---- The field. ---- */

static void square_times(element *out, const element *a, int times) {
  element_square(out, a);
  while (--times > 0) element_square(out, out);
}

/* a^(2^252 - 3), by powers of 2^i - 1 for growing i. */
static void power_for_root(element *out, const element *a) {
  element power2, power4, power5, power10, power20, power50, power100, t;
  square_times(&t, a, 1);
  element_multiply(&power2, &t, a);
  square_times(&t, &power2, 2);
  element_multiply(&power4, &t, &power2);
  square_times(&t, &power4, 1);
  element_multiply(&power5, &t, a);
  square_times(&t, &power5, 5);
  element_multiply(&power10, &t, &power5);
  square_times(&t, &power10, 10);
  element_multiply(&power20, &t, &power10);
  square_times(&t, &power20, 20);
  element_multiply(&t, &t, &power20);
  square_times(&t, &t, 10);
  element_multiply(&power50, &t, &power10);
  square_times(&t, &power50, 50);
  element_multiply(&power100, &t, &power50);
  square_times(&t, &power100, 100);
  element_multiply(&t, &t, &power100);
  square_times(&t, &t, 50);
  element_multiply(&t, &t, &power50);
  square_times(&t, &t, 2);
  element_multiply(out, &t, a);
}

static int is_odd(const element *a) {
  uint32_t words[8];
  element_to_words(words, a);
  return words[0] & 1;
}

/* a and b, or a and -b, are the same. */
static int are_equal(const element *a, int sign, const element *b) {
  element difference;
  uint32_t words[8], any = 0;
  element_add_multiple(&difference, a, -sign, b);
  element_to_words(words, &difference);
  for (int i = 0; i < 8; i++) any |= words[i];
  return any == 0;
}

/* ---- Points. Coordinates are reduced; sizes (limbs29.h) in comments where products come near 15.9. ---- */

/* What both formulas end with. */
INLINE void multiply_factors(edwards *out, const element *e, const element *f, const element *g, const element *h) {
  element_multiply(&out->x, e, f);
  element_multiply(&out->y, g, h);
  element_multiply(&out->z, f, g);
  element_multiply(&out->t, e, h);
}

static void edwards_double(edwards *out, const edwards *a) {
  element xx, yy, zz, e, f, g, h;
  element_square(&xx, &a->x);
  element_square(&yy, &a->y);
  element_square(&zz, &a->z);
  limbs_add(&h, &a->x, &a->y);
  element_square(&e, &h);
  limbs_add(&h, &xx, &yy); /* the paper's factors are the opposites of all four of these */
  limbs_subtract(&e, &h, &e);
  limbs_subtract(&g, &xx, &yy);
  limbs_add(&f, &g, &zz);
  limbs_add(&f, &f, &zz); /* e * f: 3 * 4 */
  multiply_factors(out, &e, &f, &g, &h);
}

static void edwards_add(edwards *out, const edwards *a, const addend *b, int z_is_one) {
  element x, y, t, z, e, f, g, h;
  limbs_subtract(&x, &a->y, &a->x);
  limbs_add(&y, &a->y, &a->x);
  element_multiply(&x, &x, &b->minus); /* 2 * 2 */
  element_multiply(&y, &y, &b->plus);
  element_multiply(&t, &a->t, &b->t);
  z = a->z;
  if (!z_is_one) element_multiply(&z, &a->z, &b->z);
  limbs_add(&z, &z, &z);
  limbs_subtract(&e, &y, &x);
  limbs_subtract(&f, &z, &t);
  limbs_add(&g, &z, &t); /* f * g: 3 * 3 */
  limbs_add(&h, &y, &x);
  multiply_factors(out, &e, &f, &g, &h);
}

static void addend_from(addend *out, const edwards *a) {
  limbs_add(&out->plus, &a->y, &a->x);
  limbs_subtract(&out->minus, &a->y, &a->x);
  element_multiply(&out->t, &a->t, &d_twice);
  out->z = a->z;
}

static void addend_negate(addend *a) {
  element plus = a->plus;
  a->plus = a->minus;
  a->minus = plus;
  limbs_subtract(&a->t, &element_zero, &a->t);
}

void edwards_negate(edwards *a) {
  element_add_multiple(&a->x, &element_zero, -1, &a->x);
  element_add_multiple(&a->t, &element_zero, -1, &a->t);
}

void edwards_encode(uint32_t words[8], const edwards *a) {
  element inverse, x, y;
  element_invert(&inverse, &a->z);
  element_multiply(&x, &a->x, &inverse);
  element_multiply(&y, &a->y, &inverse);
  element_to_words(words, &y);
  words[7] |= (uint32_t)is_odd(&x) << 31;
}

/* x^2 = u / v: x = u (u v)^((p - 5) / 8), or that times the root of -1. */
int edwards_decode(edwards *out, const uint32_t words[8]) {
  element u, v, uv, x;
  element_from_words(&out->y, words);
  element_square(&u, &out->y);
  element_multiply(&v, &u, &d);
  element_add_multiple(&u, &u, -1, &element_one);
  element_add_multiple(&v, &v, 1, &element_one);
  element_multiply(&uv, &u, &v);
  power_for_root(&x, &uv);
  element_multiply(&x, &x, &u);
  element_square(&uv, &x);
  element_multiply(&uv, &uv, &v);
  if (!are_equal(&uv, 1, &u)) {
    if (!are_equal(&uv, -1, &u)) return 0;
    element_multiply(&x, &x, &root_of_minus_one);
  }
  element_add_multiple(&out->x, &element_zero, is_odd(&x) == (int)(words[7] >> 31) ? 1 : -1, &x);
  element_multiply(&out->t, &out->x, &out->y);
  out->z = element_one;
  return 1;
}

/* ---- The comb. ---- */

/* Plus, minus and t of an addend whose z is 1, half as large and searched as vectors. */
typedef union packed {
  int32_t limbs[3 * LIMBS + 1];
  vector parts[7];
} packed;

static packed comb[COMB_BLOCKS][COMB_POINTS];
static int comb_is_made;

static void make_block(packed *out, const edwards points[COMB_POINTS]) {
  element products[COMB_POINTS], inverse, inverse_z;
  products[0] = points[0].z;
  for (int m = 1; m < COMB_POINTS; m++) element_multiply(&products[m], &products[m - 1], &points[m].z);
  element_invert(&inverse, &products[COMB_POINTS - 1]); /* one for all (Montgomery 1987) */
  for (int m = COMB_POINTS - 1; m >= 0; m--) {
    edwards affine;
    addend a;
    inverse_z = inverse;
    if (m > 0) {
      element_multiply(&inverse_z, &inverse, &products[m - 1]);
      element_multiply(&inverse, &inverse, &points[m].z);
    }
    element_multiply(&affine.x, &points[m].x, &inverse_z);
    element_multiply(&affine.y, &points[m].y, &inverse_z);
    element_multiply(&affine.t, &affine.x, &affine.y);
    affine.z = element_one;
    addend_from(&a, &affine);
    for (int i = 0; i < LIMBS; i++) {
      out[m].limbs[i] = (int32_t)a.plus.at[i];
      out[m].limbs[LIMBS + i] = (int32_t)a.minus.at[i];
      out[m].limbs[2 * LIMBS + i] = (int32_t)a.t.at[i];
    }
  }
}

static void make_comb(void) {
  edwards power = base, teeth[COMB_TEETH], block[COMB_POINTS];
  addend tooth;
  for (int j = 0; j < COMB_BLOCKS; j++) {
    for (int i = 0; i < COMB_TEETH; i++) {
      teeth[i] = power;
      for (int k = 0; k < COMB_SPACING; k++) edwards_double(&power, &power);
    }
    block[0] = teeth[COMB_TEETH - 1];
    for (int i = 0; i < COMB_TEETH - 1; i++) {
      addend_from(&tooth, &teeth[i]);
      addend_negate(&tooth);
      edwards_add(&block[0], &block[0], &tooth, 0);
    }
    for (int i = 0; i < COMB_TEETH - 1; i++) {
      edwards_double(&teeth[i], &teeth[i]);
      addend_from(&tooth, &teeth[i]);
      for (int m = 0; m < 1 << i; m++) edwards_add(&block[(1 << i) + m], &block[m], &tooth, 0);
    }
    make_block(comb[j], block);
  }
  comb_is_made = 1;
}

/* out = table[index], or its opposite if negative is all ones, reading all of the table. */
static void select_addend(addend *out, const packed table[COMB_POINTS], uint32_t index, int32_t negative) {
  packed found = {.parts = {{0}}};
  for (int i = 0; i < COMB_POINTS; i++) {
    vector mask = equality_mask((uint32_t)i, index);
    UNROLL for (int j = 0; j < 7; j++) found.parts[j] |= table[i].parts[j] & mask;
  }
  for (int i = 0; i < LIMBS; i++) {
    int32_t plus = found.limbs[i], minus = found.limbs[LIMBS + i], other = (plus ^ minus) & negative;
    out->plus.at[i] = plus ^ other;
    out->minus.at[i] = minus ^ other;
    out->t.at[i] = (found.limbs[2 * LIMBS + i] ^ negative) - negative;
  }
}

void edwards_multiply_base(edwards *out, const uint32_t scalar[8]) {
  static const comb_order order = {
      {0x5cf5d3ed, 0x5812631a, 0xa2f79cd6, 0x14def9de, 0x00000000, 0x00000000, 0x00000000, 0x10000000},
      {0xffb703ec, 0x31e0bd4a, 0x292a3755, 0x25410faf, 0xfffffeb2, 0xffffffff, 0xffffffff, 0x0fffffff}};
  uint32_t bits[COMB_WORDS];
  addend point;
  edwards sum = neutral;
  if (!comb_is_made) make_comb();
  comb_bits(bits, scalar, &order);
  for (int k = COMB_SPACING - 1; k >= 0; k--) {
    if (k < COMB_SPACING - 1) edwards_double(&sum, &sum);
    for (int j = 0; j < COMB_BLOCKS; j++) {
      comb_digit digit = comb_digit_at(bits, j, k);
      select_addend(&point, comb[j], digit.index, digit.negative);
      edwards_add(&sum, &sum, &point, 1);
    }
  }
  *out = sum;
}

/* ---- Public points. ---- */

void edwards_multiply_both(edwards *out, const uint32_t s[8], const uint32_t h[8], const edwards *a) {
  addend table[NAF_MULTIPLES], multiple;
  edwards product = *a, twice, sum = neutral;
  int8_t digits[NAF_DIGITS];
  edwards_double(&twice, a);
  addend_from(&multiple, &twice);
  for (int i = 0; i < NAF_MULTIPLES; i++) {
    addend_from(&table[i], &product);
    edwards_add(&product, &product, &multiple, 0);
  }
  for (int i = non_adjacent_form(digits, h) - 1; i >= 0; i--) {
    edwards_double(&sum, &sum);
    if (digits[i] == 0) continue;
    multiple = table[(digits[i] < 0 ? -digits[i] : digits[i]) / 2];
    if (digits[i] < 0) addend_negate(&multiple);
    edwards_add(&sum, &sum, &multiple, 0);
  }
  edwards_multiply_base(out, s);
  addend_from(&multiple, &sum);
  edwards_add(out, out, &multiple, 0);
}
