/*
 * Where randomness comes from: one import, `getrandom`, offered to OpenSSL as a seed source inside a provider of our own
 * (provider-rand(7)), because OpenSSL's built-in sources all want an operating system. OpenSSL's DRBG stays in charge; RAND is
 * not patched. It fails closed: a host that gives no entropy makes every random operation fail.
 *
 * Nothing here runs before the first random byte is asked for, so a module may be loaded where entropy is forbidden
 * (workerd's global scope).
 */
#include <openssl/core_dispatch.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/provider.h>
#include <openssl/rand.h>

#include "internal.h"

/* The host fills memory with cryptographically strong bytes and returns 0; anything else is a failure. */
#ifdef __wasm__
__attribute__((import_module("membio"), import_name("getrandom")))
#endif
extern int32_t
membio_getrandom(uint8_t *out, uint32_t length);

/* What a DRBG may ask of us in one call; it wants 48 bytes or so. */
#define MAX_REQUEST 1024

typedef struct seed_source {
  int state; /* EVP_RAND_STATE_* */
} seed_source;

static void *seed_new(void *provider, void *parent, const OSSL_DISPATCH *parent_calls) {
  (void)provider;
  (void)parent_calls;
  return parent == NULL ? OPENSSL_zalloc(sizeof(seed_source)) : NULL; /* a seed source is the root */
}

static void seed_free(void *seed) { OPENSSL_free(seed); }

static int seed_instantiate(void *seed, unsigned int strength, int resistance, const unsigned char *text, size_t text_length,
                            const OSSL_PARAM params[]) {
  (void)strength, (void)resistance, (void)text, (void)text_length, (void)params;
  ((seed_source *)seed)->state = EVP_RAND_STATE_READY;
  return 1;
}

static int seed_uninstantiate(void *seed) {
  ((seed_source *)seed)->state = EVP_RAND_STATE_UNINITIALISED;
  return 1;
}

static int seed_generate(void *seed, unsigned char *out, size_t length, unsigned int strength, int resistance,
                         const unsigned char *input, size_t input_length) {
  (void)strength, (void)resistance, (void)input, (void)input_length; /* the host's bytes have full strength */
  if (((seed_source *)seed)->state != EVP_RAND_STATE_READY || length > MAX_REQUEST) return 0;
  return membio_getrandom(out, (uint32_t)length) == 0;
}

/* The DRBG's way in: a buffer of at least min_length bytes, each with eight bits of entropy. */
static size_t seed_get(void *seed, unsigned char **out, int entropy, size_t min_length, size_t max_length, int resistance,
                       const unsigned char *input, size_t input_length) {
  size_t length = (size_t)(entropy + 7) / 8;
  if (length < min_length) length = min_length;
  if (length > max_length) return 0;
  unsigned char *bytes = OPENSSL_secure_malloc(length);
  if (bytes == NULL) return 0;
  if (!seed_generate(seed, bytes, length, 0, resistance, input, input_length)) {
    OPENSSL_secure_clear_free(bytes, length);
    return 0;
  }
  *out = bytes;
  return length;
}

static void seed_clear(void *drbg, unsigned char *bytes, size_t length) {
  (void)drbg;
  OPENSSL_secure_clear_free(bytes, length);
}

static int seed_get_params(void *seed, OSSL_PARAM params[]) {
  OSSL_PARAM *p;
  if ((p = OSSL_PARAM_locate(params, OSSL_RAND_PARAM_STATE)) != NULL && !OSSL_PARAM_set_int(p, ((seed_source *)seed)->state))
    return 0;
  if ((p = OSSL_PARAM_locate(params, OSSL_RAND_PARAM_STRENGTH)) != NULL && !OSSL_PARAM_set_uint(p, 256)) return 0;
  if ((p = OSSL_PARAM_locate(params, OSSL_RAND_PARAM_MAX_REQUEST)) != NULL && !OSSL_PARAM_set_size_t(p, MAX_REQUEST)) return 0;
  return 1;
}

static const OSSL_PARAM *seed_gettable_params(void *seed, void *provider) {
  static const OSSL_PARAM known[] = {OSSL_PARAM_int(OSSL_RAND_PARAM_STATE, NULL), OSSL_PARAM_uint(OSSL_RAND_PARAM_STRENGTH, NULL),
                                     OSSL_PARAM_size_t(OSSL_RAND_PARAM_MAX_REQUEST, NULL), OSSL_PARAM_END};
  (void)seed, (void)provider;
  return known;
}

/* One thread: there is nothing to lock. */
static int seed_lock(void *seed) { return (void)seed, 1; }
static void seed_unlock(void *seed) { (void)seed; }

static const OSSL_DISPATCH seed_functions[] = {
    {OSSL_FUNC_RAND_NEWCTX, (void (*)(void))seed_new},
    {OSSL_FUNC_RAND_FREECTX, (void (*)(void))seed_free},
    {OSSL_FUNC_RAND_INSTANTIATE, (void (*)(void))seed_instantiate},
    {OSSL_FUNC_RAND_UNINSTANTIATE, (void (*)(void))seed_uninstantiate},
    {OSSL_FUNC_RAND_GENERATE, (void (*)(void))seed_generate},
    {OSSL_FUNC_RAND_ENABLE_LOCKING, (void (*)(void))seed_lock},
    {OSSL_FUNC_RAND_LOCK, (void (*)(void))seed_lock},
    {OSSL_FUNC_RAND_UNLOCK, (void (*)(void))seed_unlock},
    {OSSL_FUNC_RAND_GETTABLE_CTX_PARAMS, (void (*)(void))seed_gettable_params},
    {OSSL_FUNC_RAND_GET_CTX_PARAMS, (void (*)(void))seed_get_params},
    {OSSL_FUNC_RAND_GET_SEED, (void (*)(void))seed_get},
    {OSSL_FUNC_RAND_CLEAR_SEED, (void (*)(void))seed_clear},
    OSSL_DISPATCH_END};

static const OSSL_ALGORITHM seed_algorithms[] = {{"MEMBIO-SEED", "provider=membio", seed_functions, "the host's getrandom"},
                                                 {NULL, NULL, NULL, NULL}};

static const OSSL_ALGORITHM *provider_query(void *provider, int operation, int *no_cache) {
  (void)provider;
  *no_cache = 0;
  return operation == OSSL_OP_RAND ? seed_algorithms : NULL;
}

static const OSSL_DISPATCH provider_functions[] = {{OSSL_FUNC_PROVIDER_QUERY_OPERATION, (void (*)(void))provider_query},
                                                   OSSL_DISPATCH_END};

static int provider_init(const OSSL_CORE_HANDLE *core, const OSSL_DISPATCH *in, const OSSL_DISPATCH **out, void **context) {
  (void)in;
  *out = provider_functions;
  *context = (void *)core;
  return 1;
}

int entropy_install(void) {
  /* HASH-DRBG, not the default CTR-DRBG: SHA-256 has no tables, AES in portable C has, and a table look-up can leak. */
  return OSSL_PROVIDER_add_builtin(NULL, "membio", provider_init) && OSSL_PROVIDER_load(NULL, "membio") != NULL &&
         RAND_set_seed_source_type(NULL, "MEMBIO-SEED", "provider=membio") &&
         RAND_set_DRBG_type(NULL, "HASH-DRBG", NULL, NULL, "SHA2-256");
}
