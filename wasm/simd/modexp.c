/*
 * Modular exponentiation on montgomery.c. Secret exponents go through windows of five bits: squarings and multiplications follow one
 * another in the same order whatever the bits are, and the table of powers is read whole.
 */
#include "modexp.h"

#include "montgomery.h"

enum { WINDOW = MODEXP_WINDOW, POWERS = 1 << WINDOW };

typedef int32_t packed __attribute__((vector_size(16)));

typedef struct work {
  const modexp_job *job;
  montgomery m;
  doubles *base, *product, *factor;
  packed *powers; /* POWERS numbers, two vectors in one */
} work;

static int packed_width(const work *w) { return (w->m.vectors + 1) / 2; }

/* Hands out the parts of the scratch memory, and returns its size; with NULL only that. */
static size_t lay_out(work *w, const modexp_job *job, uint8_t *scratch) {
  size_t used = 0;
  w->job = job;
  montgomery_measure(&w->m, job->count, job->words);
  size_t vectors = (size_t)w->m.vectors;
#define PART(pointer, size) (pointer = scratch == NULL ? NULL : (void *)(scratch + used), used += (size))
  PART(w->m.columns, sizeof(column) * (vectors + 1));
  PART(w->base, sizeof(doubles) * vectors);
  PART(w->product, sizeof(doubles) * vectors);
  PART(w->factor, sizeof(doubles) * vectors);
  PART(w->powers, sizeof(packed) * (size_t)(POWERS * packed_width(w)));
#undef PART
  return used;
}

size_t modexp_scratch_size(const modexp_job *job) {
  work w;
  return lay_out(&w, job, NULL);
}

/* ---- Montgomery's form. ---- */

/*
 * base = base * R, product = R, where R is montgomery.c's 2^(digits * digit_bits). Two multiplications make R^2 of r^2:
 * (r^2 * r^2 / R) * (R / r)^4 / R.
 */
static void enter(work *w, const modexp_job *job, void *scratch) {
  lay_out(w, job, scratch);
  const modexp_power *first = &job->powers[0], *last = &job->powers[job->count - 1];
  montgomery_start(&w->m, (const uint32_t *[]){first->modulus, last->modulus}, w->product);
  montgomery_read(&w->m, w->product, (const uint32_t *[]){first->r_squared, last->r_squared});
  montgomery_read(&w->m, w->base, (const uint32_t *[]){first->base, last->base});
  montgomery_multiply(&w->m, w->product, w->product, w->product);
  montgomery_power_of_two(&w->m, w->factor, 4 * (w->m.digits * w->m.digit_bits - 32 * job->words));
  montgomery_multiply(&w->m, w->product, w->product, w->factor);
  montgomery_multiply(&w->m, w->base, w->base, w->product);
  montgomery_power_of_two(&w->m, w->factor, 0);
  montgomery_multiply(&w->m, w->product, w->product, w->factor);
}

/* out = product * r / R */
static void leave(work *w) {
  montgomery_power_of_two(&w->m, w->factor, 32 * w->job->words);
  montgomery_multiply(&w->m, w->product, w->product, w->factor);
  montgomery_write(&w->m, (uint32_t *[]){w->job->powers[0].out, w->job->powers[w->job->count - 1].out}, w->product);
}

/* ---- Secret exponents. ---- */

static void pack(const work *w, packed *out, const doubles *number) {
  for (int i = 0; i < w->m.vectors; i += 2) {
    doubles next = i + 1 < w->m.vectors ? number[i + 1] : (doubles){0, 0};
    int64_t digits[4] = {integer_of(number[i][0]), integer_of(number[i][1]), integer_of(next[0]), integer_of(next[1])};
    for (int j = 0; j < 4; j++) out[i / 2][j] = (int32_t)digits[j];
  }
}

static int32_t mask_of_equal(uint32_t a, uint32_t b) { return -(int32_t)(((a ^ b) - 1) >> 31); }

/* factor = the power with each exponent's index, reading all powers. */
static void select_power(work *w, uint32_t first, uint32_t last) {
  packed masks[POWERS];
  for (int i = 0; i < POWERS; i++) {
    int32_t here = mask_of_equal((uint32_t)i, first), there = mask_of_equal((uint32_t)i, last);
    masks[i] = (packed){here, there, here, there};
  }
  for (int i = 0; i < packed_width(w); i++) {
    packed found = {0};
    for (int j = 0; j < POWERS; j++) found |= w->powers[j * packed_width(w) + i] & masks[j];
    w->factor[2 * i] = (doubles){found[0], found[1]};
    if (2 * i + 1 < w->m.vectors) w->factor[2 * i + 1] = (doubles){found[2], found[3]};
  }
}

static uint32_t window_at(const uint32_t *exponent, int bit) {
  uint64_t words = exponent[bit / 32] | (uint64_t)exponent[bit / 32 + 1] << 32;
  return (uint32_t)(words >> bit % 32) & (POWERS - 1);
}

void modexp_secret(const modexp_job *job, void *scratch) {
  work w;
  enter(&w, job, scratch);
  for (int i = 0; i < POWERS; i++) {
    pack(&w, w.powers + i * packed_width(&w), w.product);
    montgomery_multiply(&w.m, w.product, w.product, w.base);
  }
  /* Of one modulus, both halves of a vector follow the same exponent. */
  const uint32_t *first = job->powers[0].exponent, *last = job->powers[job->count - 1].exponent;
  int bit = job->exponent_bits - WINDOW;
  select_power(&w, window_at(first, bit), window_at(last, bit));
  memcpy(w.product, w.factor, sizeof(doubles) * (size_t)w.m.vectors);
  while ((bit -= WINDOW) >= 0) {
    for (int i = 0; i < WINDOW; i++) montgomery_multiply(&w.m, w.product, w.product, w.product);
    select_power(&w, window_at(first, bit), window_at(last, bit));
    montgomery_multiply(&w.m, w.product, w.product, w.factor);
  }
  leave(&w);
}

/* ---- Public exponents: bit by bit. ---- */

void modexp_public(const modexp_job *job, void *scratch) {
  const uint32_t *exponent = job->powers[0].exponent;
  work w;
  enter(&w, job, scratch);
  memcpy(w.product, w.base, sizeof(doubles) * (size_t)w.m.vectors);
  for (int bit = job->exponent_bits - 2; bit >= 0; bit--) {
    montgomery_multiply(&w.m, w.product, w.product, w.product);
    if (exponent[bit / 32] >> bit % 32 & 1) montgomery_multiply(&w.m, w.product, w.product, w.base);
  }
  leave(&w);
}
