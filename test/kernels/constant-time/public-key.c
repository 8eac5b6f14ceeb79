/*
 * P-256, Curve25519 and powers, as main.c uses the others. That a product is the point at infinity may be known (wasm/simd/secrecy.h), and
 * so may what becomes public: signatures and public keys.
 */
#include "public-key.h"

#include <stdlib.h>
#include <string.h>

#include <valgrind/memcheck.h>

#include "edwards25519.h"
#include "modexp.h"
#include "p256.h"
#include "scalar25519.h"
#include "x25519.h"

static void secret(void *p, size_t length) { VALGRIND_MAKE_MEM_UNDEFINED(p, length); }
static void known(void *p, size_t length) { VALGRIND_MAKE_MEM_DEFINED(p, length); }

static void use_p256(void) {
  uint32_t key[8] = {1, 2, 3, 4, 5, 6, 7, 8}, nonce[8] = {8, 7, 6, 5, 4, 3, 2, 1};
  p256_point point, shared;
  secret(key, sizeof key);
  secret(nonce, sizeof nonce);
  p256_multiply_generator(&point, nonce);
  p256_invert_scalar(nonce, nonce);
  known(&point, sizeof point);
  p256_multiply(&shared, key, &point);
  p256_divide(&shared, nonce);
  p256_on_curve(&point);
}

static void use_curve25519(void) {
  uint32_t key[8] = {1, 2, 3, 4, 5, 6, 7, 8}, other[8] = {9}, hash[16] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10}, nonce[8];
  edwards point;
  secret(key, sizeof key);
  secret(hash, sizeof hash);
  x25519(other, key, other);
  x25519_base(other, key);
  scalar_from_hash(nonce, hash);
  edwards_multiply_base(&point, nonce);
  edwards_encode(other, &point);
  scalar_multiply_add(other, other, key, nonce);
  known(other, sizeof other);
  scalar_is_reduced(other);
}

static void use_powers(int count, int words, int is_public) {
  uint32_t numbers[2][6][66];
  modexp_power powers[2];
  modexp_job job = {powers, count, words, is_public ? 17 : 32 * words / MODEXP_WINDOW * MODEXP_WINDOW};
  void *scratch = malloc(modexp_scratch_size(&job));
  for (int i = 0; i < count; i++) {
    for (uint32_t j = 0; j < 6 * 66; j++) numbers[i][j / 66][j % 66] = (j + 1) * (2654435761 + (uint32_t)i);
    numbers[i][2][0] |= 1;
    secret(numbers[i], sizeof numbers[i]);
    if (is_public) known(numbers[i][1], sizeof numbers[i][1]);
    powers[i] = (modexp_power){numbers[i][4], numbers[i][0], numbers[i][1], numbers[i][2], numbers[i][3]};
  }
  if (is_public) modexp_public(&job, scratch);
  else modexp_secret(&job, scratch);
  free(scratch);
}

void use_public_key(void) {
  use_p256();
  use_curve25519();
  use_powers(1, 32, 0);
  use_powers(2, 32, 0);
  use_powers(1, 64, 0);
  use_powers(1, 64, 1);
}
