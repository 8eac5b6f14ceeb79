/*
 * RSA with a host that computes the powers: here OpenSSL's big numbers do. Keys are given once and taken back, also when memory runs
 * out.
 */
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/bn.h>
#include <openssl/rsa.h>

#include "acceleration.h"
#include "harness.h"

#define KEYS 16

static RSA *keys[KEYS]; /* by number - 1 */
static int imported, powers;
static enum { WORKS, TAKES_NO_KEY, HAS_NO_POWERS } mood;

/* ---- The host. What fails here for want of memory is the host's, and declines. ---- */

uint32_t membio_import_key(uint32_t kind, const uint8_t *bytes, uint32_t length) {
  imported++;
  if (mood == TAKES_NO_KEY || kind != HOST_KEY_RSA) return 0;
  for (uint32_t i = 0; i < KEYS; i++) {
    if (keys[i] != NULL) continue;
    keys[i] = d2i_RSAPrivateKey(NULL, &bytes, (long)length);
    return keys[i] == NULL ? 0 : i + 1;
  }
  return 0;
}

void membio_drop_key(uint32_t key) {
  RSA_free(keys[key - 1]);
  keys[key - 1] = NULL;
}

int32_t membio_rsa(uint32_t key, uint8_t *number, uint32_t length) {
  if (mood == HAS_NO_POWERS) return HOST_DECLINED;
  BN_CTX *context = BN_CTX_new();
  BIGNUM *base = BN_bin2bn(number, (int)length, NULL), *power = BN_new();
  const RSA *rsa = keys[key - 1];
  int ok = context != NULL && base != NULL && power != NULL && BN_mod_exp(power, base, RSA_get0_d(rsa), RSA_get0_n(rsa), context) &&
           BN_bn2binpad(power, number, (int)length) == (int)length;
  BN_clear_free(base);
  BN_clear_free(power);
  BN_CTX_free(context);
  powers += ok;
  return ok ? HOST_DONE : HOST_DECLINED;
}

/* The kernels, which are not here, would ask. */
int32_t membio_aead(uint32_t key, uint32_t direction, const uint8_t *nonce, const uint8_t *aad, uint32_t aad_length, const uint8_t *in,
                    uint32_t length, uint8_t *out, uint8_t *tag) {
  (void)key, (void)direction, (void)nonce, (void)aad, (void)aad_length, (void)in, (void)length, (void)out, (void)tag;
  return HOST_DECLINED;
}

static int keys_held(void) {
  int held = 0;
  for (int i = 0; i < KEYS; i++) held += keys[i] != NULL;
  return held;
}

static void begin(int new_mood) {
  mood = new_mood;
  imported = powers = 0;
  tls_library_accelerate(0, 1);
}

static void end(void) { tls_library_accelerate(0, 0); }

/* ---- Cases ---- */

typedef struct expectation {
  pair_options options;
  int mood, powers, held;
} expectation;

static const char *shakes(const expectation *e) {
  pair p;
  CHECK_ALL(pair_open(&p, &e->options));
  CHECK_ALL(pair_establish(&p));
  CHECK_ALL(pair_exchange(&p, 5000));
  CHECK(powers == e->powers && keys_held() == e->held && imported == (e->options.mutual ? 2 : 1));
  pair_close(&p);
  return NULL;
}

static const char *handshake(const void *argument) {
  const expectation *e = argument;
  begin(e->mood);
  const char *failure = shakes(e);
  end();
  CHECK_ALL(failure);
  CHECK(keys_held() == 0);
  return NULL;
}

/* A server that signs, or is told that there is no memory; in the end the host has no key. */
static int attempt(void) {
  static const pair_options options = {.version = 0x0304, .type = "RSA-2048"};
  pair p = {0};
  begin(WORKS);
  int ok = pair_open(&p, &options) == NULL;
  if (ok) pair_run(&p);
  ok = ok && p.client.established && p.server.established;
  pair_close(&p);
  end();
  if (keys_held() != 0) abort();
  return ok;
}

void acceleration_cases(void) {
  static const char *const moods[] = {"works", "takes no key", "has no powers"};
  for (uint32_t version = 0x0303; version <= 0x0304; version++)
    for (int mutual = 0; mutual < 2; mutual++)
      for (int m = WORKS; m <= HAS_NO_POWERS; m++) {
        int sides = mutual ? 2 : 1;
        char name[96];
        pair_options o = {.version = version, .type = "RSA-2048", .mutual = mutual};
        expectation e = {o, m, m == WORKS ? sides : 0, m == TAKES_NO_KEY ? 0 : sides};
        snprintf(name, sizeof name, "acceleration: TLS 1.%d, RSA%s, a host that %s", (int)version - 0x0301,
                 mutual ? ", client certificate" : "", moods[m]);
        run_case(name, handshake, &e);
      }
  memory_case("acceleration: RSA by the host, while one allocation after the other fails", attempt, 37);
}
