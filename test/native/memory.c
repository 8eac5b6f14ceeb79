/* Out of memory: one allocation after the other fails. What was asked for fails with it, or does without; nothing breaks or leaks. */
#include "harness.h"

#include <openssl/crypto.h>

/* Allocations until one fails; negative: never. */
static long countdown = -1;
/* Only those of this many bytes count; 0: all. */
static size_t counted_size;

static int fails_now(size_t length) {
  if (counted_size != 0 && length != counted_size) return 0;
  return countdown >= 0 && countdown-- == 0;
}

static void *test_malloc(size_t length, const char *file, int line) {
  (void)file, (void)line;
  return fails_now(length) ? NULL : malloc(length);
}

static void *test_realloc(void *memory, size_t length, const char *file, int line) {
  (void)file, (void)line;
  return fails_now(length) ? NULL : realloc(memory, length);
}

static void test_free(void *memory, const char *file, int line) {
  (void)file, (void)line;
  free(memory);
}

int memory_install(void) { return CRYPTO_set_mem_functions(test_malloc, test_realloc, test_free); }

void memory_arm(long n, size_t size) {
  countdown = n;
  counted_size = size;
}

int memory_disarm(void) {
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
           tls_context_set_alpn(c, (const uint8_t *)"\2h2", 3) == TLS_DONE && tls_context_set_pins(c, (const uint8_t *)one->cert, 32) == TLS_DONE &&
           tls_context_set_groups(c, "x25519") == TLS_DONE && tls_context_set_signature_schemes(c, "ed25519") == TLS_DONE;
  if (!ok && tls_library_error()->reason[0] == '\0') abort(); /* each failure has a reason */
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

/* ---- Whole handshakes, contexts included, with all that can be asked for on the way. ---- */

typedef struct scene {
  pair_options options;
  int (*setup)(pair *p, int connected); /* of contexts, then of connections; 0 when something failed */
  long step;                            /* one allocation of so many fails; 0: of 61 */
  int refused;                          /* the client must not be satisfied, whatever fails */
} scene;

static const scene *playing;
static tls_bytes *kept_session;

/* Answers whoever waits, until nobody does. */
static void answer_all(pair *p) {
  for (int turn = 0; turn < 10; turn++) {
    pair_run(p);
    int waiting = 0;
    for (int i = 0; i < 2; i++) {
      side *s = i ? &p->server : &p->client;
      if (s->status == TLS_WANT_CALLBACK && tls_resume(s->connection, -1) == TLS_DONE) waiting = 1;
    }
    if (!waiting) return;
  }
}

static int try_scene(void) {
  pair p;
  int ok = pair_contexts(&p, &playing->options) == NULL && playing->setup(&p, 0) && pair_connect(&p, &playing->options) == NULL &&
           playing->setup(&p, 1);
  if (ok) {
    answer_all(&p);
    if (p.client.established) tls_peer_agreed(p.client.connection);
    if (p.client.established) tls_bytes_free(tls_peer_exporter(p.client.connection, "EXPORTER", NULL, 0, 32));
    if (playing->refused && p.client.established) abort();
    ok = playing->refused ? p.client.status == TLS_ERROR : p.client.established && p.server.established;
  }
  pair_close(&p);
  return ok;
}

static int plain(pair *p, int connected) { return (void)p, (void)connected, 1; }

static int with_psk(pair *p, int connected) {
  static const uint8_t key[32] = {1};
  static const char suites[] = "ECDHE-PSK-CHACHA20-POLY1305";
  if (!connected)
    return tls_context_set_cipher_list(p->client_context, suites) == TLS_DONE && tls_context_set_cipher_list(p->server_context, suites) == TLS_DONE &&
           tls_context_set_cipher_suites(p->server_context, "TLS_AES_128_GCM_SHA256") == TLS_DONE;
  return tls_connection_add_psk(p->client.connection, "me", key, sizeof key) == TLS_DONE &&
         tls_connection_add_psk(p->server.connection, "me", key, sizeof key) == TLS_DONE;
}

static int with_trust(pair *p, int connected) {
  static const uint8_t try_later[] = {0x30, 0x03, 0x0a, 0x01, 0x03}, pin[32] = {1};
  if (connected) return tls_connection_set_verify(p->client.connection, TLS_VERIFY_RECORD, HOST) == TLS_DONE;
  return tls_context_set_ocsp_response(p->server_context, try_later, sizeof try_later) == TLS_DONE &&
         tls_context_set_pins(p->client_context, pin, sizeof pin) == TLS_DONE &&
         tls_context_require_policy(p->client_context, "1.2.3") == TLS_DONE &&
         tls_context_set_option(p->client_context, TLS_OPTION_CRL_CHECK, 2) == TLS_DONE;
}

/* Chain and host are good, the pin is not. */
static int with_wrong_pin(pair *p, int connected) {
  static const uint8_t pin[32] = {1};
  return connected || tls_context_set_pins(p->client_context, pin, sizeof pin) == TLS_DONE;
}

/* Both sides are known by their keys, which go into sessions and tickets, too. */
static int with_raw_keys(pair *p, int connected) {
  if (!connected)
    return tls_context_set_option(p->client_context, TLS_OPTION_RAW_PUBLIC_KEYS, 2) == TLS_DONE &&
           tls_context_set_option(p->server_context, TLS_OPTION_RAW_PUBLIC_KEYS, 2) == TLS_DONE;
  tls_bytes *spki = public_key_of(leaf_of("P-256"));
  int ok = spki != NULL && tls_connection_expect_key(p->client.connection, (const uint8_t *)(spki + 1), spki->length) == TLS_DONE &&
           tls_connection_expect_key(p->server.connection, (const uint8_t *)(spki + 1), spki->length) == TLS_DONE;
  tls_bytes_free(spki);
  return ok;
}

static const uint8_t ticket_keys[80] = {1};

static int with_session(pair *p, int connected) {
  if (!connected) return tls_context_set_ticket_keys(p->server_context, ticket_keys, sizeof ticket_keys) == TLS_DONE;
  return tls_connection_set_session(p->client.connection, (const uint8_t *)(kept_session + 1), kept_session->length) == TLS_DONE &&
         tls_connection_find_session(p->server.connection, (const uint8_t *)(kept_session + 1), kept_session->length) == TLS_DONE;
}

/* What with_session offers. */
static const char *session_for(uint32_t version) {
  const pair_options o = {.version = version, .flags = TLS_FLAG_SESSIONS};
  pair p;
  CHECK_ALL(pair_contexts(&p, &o));
  CHECK(tls_context_set_ticket_keys(p.server_context, ticket_keys, sizeof ticket_keys) == TLS_DONE);
  CHECK_ALL(pair_connect(&p, &o));
  CHECK_ALL(pair_establish(&p));
  CHECK((kept_session = side_session(&p.client)) != NULL);
  pair_close(&p);
  return NULL;
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
    memory_arm(n, 0);
    int ok = a->body();
    if (!memory_disarm()) { /* it asks for fewer: all have had their turn */
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

static const char *scenes(const void *argument) {
  playing = argument;
  if (playing->setup == with_session) CHECK_ALL(session_for(playing->options.version));
  const char *failure = every_allocation(&(attempt){try_scene, 0, playing->step ? playing->step : 61});
  tls_bytes_free(kept_session);
  kept_session = NULL;
  return failure;
}

static void scene_cases(void) {
  enum { ALL = TLS_FLAG_TRACE | TLS_FLAG_KEYLOG | TLS_FLAG_SESSIONS };
  static const struct {
    const char *name;
    scene scene;
  } all[] = {
      {"parked everywhere", {{.mutual = 1, .flags = ALL | TLS_FLAG_PARK_CLIENT_HELLO | TLS_FLAG_PARK_VERIFY, .client_flags = TLS_FLAG_PARK_CERTIFICATE_REQUEST}, plain, 0, 0}},
      {"a PSK", {{.flags = ALL}, with_psk, 0, 0}},
      {"a parked PSK", {{.server_flags = TLS_FLAG_PARK_PSK}, with_psk, 0, 0}},
      {"pins, OCSP, CRLs, policies", {{.client_flags = TLS_FLAG_REQUIRE_OCSP}, with_trust, 0, 0}},
      {"a wrong host", {{.identity = "other.test"}, plain, 0, 1}},
      {"a wrong address", {{.identity = "127.0.0.2"}, plain, 0, 1}},
      {"a wrong pin", {{.flags = 0}, with_wrong_pin, 0, 1}},
      {"no OCSP response", {{.client_flags = TLS_FLAG_REQUIRE_OCSP}, plain, 0, 1}},
      {"a session", {{.flags = ALL}, with_session, 0, 0}},
      {"raw public keys", {{.mutual = 1, .flags = ALL}, with_raw_keys, 23, 0}},
  };
  for (size_t i = 0; i < sizeof all / sizeof *all; i++)
    for (uint32_t version = 0x0303; version <= 0x0304; version++) {
      char name[128];
      scene one = all[i].scene;
      one.options.version = version;
      snprintf(name, sizeof name, "memory: %s, TLS 1.%d, while one allocation after the other fails", all[i].name, (int)version - 0x0301);
      run_case(name, scenes, &one);
    }
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
  scene_cases();
}
