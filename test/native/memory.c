/* Out of memory: one allocation after the other fails. What was asked for fails with it, or does without; nothing breaks or leaks. */
#include "harness.h"

#include <openssl/crypto.h>

/* Allocations until one fails; negative: never. */
static long countdown = -1;

static int fails_now(void) { return countdown >= 0 && countdown-- == 0; }

static void *test_malloc(size_t length, const char *file, int line) {
  (void)file, (void)line;
  return fails_now() ? NULL : malloc(length);
}

static void *test_realloc(void *memory, size_t length, const char *file, int line) {
  (void)file, (void)line;
  return fails_now() ? NULL : realloc(memory, length);
}

static void test_free(void *memory, const char *file, int line) {
  (void)file, (void)line;
  free(memory);
}

int memory_install(void) { return CRYPTO_set_mem_functions(test_malloc, test_realloc, test_free); }

/* Makes the nth allocation from now fail; returns whether it came to that. */
static void arm(long n) { countdown = n; }
static int disarm(void) {
  int spent = countdown < 0;
  countdown = -1;
  return spent;
}

static int try_context(void) {
  const identity *one = leaf_of("P-256");
  tls_context *c = tls_context_new(TLS_PROTOCOL_TLS);
  int ok = c != NULL && tls_context_use_certificate(c, (const uint8_t *)one->cert, strlen(one->cert)) == TLS_DONE &&
           tls_context_use_key(c, (const uint8_t *)one->key, strlen(one->key), NULL) == TLS_DONE &&
           tls_context_add_ca(c, (const uint8_t *)one->cert, strlen(one->cert)) == 1 &&
           tls_context_set_alpn(c, (const uint8_t *)"\2h2", 3) == TLS_DONE;
  tls_context_free(c);
  return ok;
}

static int try_certificate(void) {
  tls_bytes *key = tls_key_create("P-256");
  char *pem = key == NULL ? NULL : pem_of("PRIVATE KEY", (uint8_t *)(key + 1), key->length);
  tls_bytes *cert = pem == NULL ? NULL : certificate_new(pem, "CN=a", "subjectAltName=DNS:a", 0, 1, NULL, NULL);
  tls_bytes *split = cert == NULL ? NULL : tls_certificate_split((uint8_t *)(cert + 1), cert->length);
  tls_bytes *fields = cert == NULL ? NULL : tls_x509_describe(TLS_KIND_CERTIFICATE, (uint8_t *)(cert + 1), cert->length);
  int ok = split != NULL && fields != NULL;
  tls_bytes_free(key);
  tls_bytes_free(cert);
  tls_bytes_free(split);
  tls_bytes_free(fields);
  free(pem);
  return ok;
}

static pair shared;

static int try_connection(void) {
  pair p = shared;
  static const uint8_t plaintext[20000];
  for (int i = 0; i < 2; i++) {
    side *s = i ? &p.server : &p.client;
    *s = (side){.connection = tls_connection_new(i ? p.server_context : p.client_context, i ? TLS_ROLE_SERVER : TLS_ROLE_CLIENT, 7, 65536),
                .plaintext = s->plaintext};
    if (s->connection == NULL) continue;
    tls_connection_set_verify(s->connection, i ? TLS_VERIFY_NONE : TLS_VERIFY_REQUIRE, i ? NULL : HOST);
  }
  int ok = p.client.connection != NULL && p.server.connection != NULL;
  if (ok) {
    pair_run(&p);
    if (p.client.established) tls_write(p.client.connection, plaintext, sizeof plaintext);
    pair_run(&p);
    ok = p.server.received == sizeof plaintext;
  }
  tls_connection_free(p.client.connection);
  tls_connection_free(p.server.connection);
  return ok;
}

static int try_signer(void) { return signer_attempt(0); }
static int try_parked_signer(void) { return signer_attempt(1); }

typedef struct attempt {
  int (*body)(void);
  long first, step;
} attempt;

static const char *every_allocation(const void *argument) {
  const attempt *a = argument;
  CHECK(a->body()); /* everything that is made once is there then */
  CHECK(a->body());
  for (long n = a->first;; n += a->step) {
    arm(n);
    int ok = a->body();
    if (!disarm()) { /* it asks for fewer: all have had their turn */
      CHECK(ok);
      return NULL;
    }
  }
}

void memory_case(const char *name, int (*body)(void), long step) { run_case(name, every_allocation, &(attempt){body, 0, step}); }

static const char *connections(const void *argument) {
  CHECK_ALL(pair_open(&shared, &(pair_options){.version = 0x0304}));
  const char *failure = every_allocation(argument);
  pair_close(&shared);
  return failure;
}

void memory_cases(void) {
  static const attempt context = {try_context, 0, 5}, certificate = {try_certificate, 0, 5}, connection = {try_connection, 0, 17};
  static const attempt signer = {try_signer, 0, 17}, parked_signer = {try_parked_signer, 0, 17};
  run_case("memory: a context, while one allocation after the other fails", every_allocation, &context);
  run_case("memory: a certificate, while one allocation after the other fails", every_allocation, &certificate);
  run_case("memory: a connection, while one allocation after the other fails", connections, &connection);
  run_case("memory: a signer, while one allocation after the other fails", every_allocation, &signer);
  run_case("memory: a parked signer, while one allocation after the other fails", every_allocation, &parked_signer);
  signer_attempts_end();
}
