/* Freeing: in every order, at every point of a handshake, twice, and often. */
#include "harness.h"

/* Each bit of `order` decides which of two objects goes first. */
static const char *free_in_order(unsigned order, int steps) {
  pair p;
  CHECK_ALL(pair_open(&p, &(pair_options){.mutual = 1, .flags = TLS_FLAG_TRACE | TLS_FLAG_KEYLOG | TLS_FLAG_SESSIONS}));
  for (int i = 0; i < steps; i++) {
    size_t length;
    side *from = i % 2 ? &p.server : &p.client, *to = i % 2 ? &p.client : &p.server;
    side_drive(from);
    uint8_t *bytes = side_take(from, &length);
    side_deliver(to, bytes, length, 0);
    free(bytes);
  }
  if (order & 1) tls_context_free(p.client_context), p.client_context = NULL;
  if (order & 2) tls_context_free(p.server_context), p.server_context = NULL;
  if (order & 4) tls_connection_free(p.client.connection), p.client.connection = NULL;
  if (order & 8) tls_connection_free(p.server.connection), p.server.connection = NULL;
  pair_close(&p); /* the rest; NULL is nothing to free */
  return NULL;
}

static const char *any_order(const void *unused) {
  (void)unused;
  for (unsigned order = 0; order < 16; order++)
    for (int steps = (int)order % 2; steps < 6; steps += 2) CHECK_ALL(free_in_order(order, steps));
  return NULL;
}

static const char *outlives_contexts(const void *unused) {
  (void)unused;
  pair p;
  CHECK_ALL(pair_open(&p, &(pair_options){.alpn_client = "h2", .alpn_server = "h2", .mutual = 1}));
  tls_context_free(p.client_context);
  tls_context_free(p.server_context);
  p.client_context = p.server_context = NULL;
  CHECK_ALL(pair_establish(&p));
  CHECK(tls_peer_agreed(p.server.connection)->alpn_length == 2);
  CHECK_ALL(pair_exchange(&p, 20000));
  pair_close(&p);
  return NULL;
}

static const char *null_is_nothing(const void *unused) {
  (void)unused;
  tls_context_free(NULL);
  tls_connection_free(NULL);
  tls_bytes_free(NULL);
  tls_memory_free(NULL, 0);
  uint8_t *nothing = tls_memory_alloc(0);
  CHECK(nothing != NULL);
  tls_memory_free(nothing, 0);
  return NULL;
}

static const char *many(const void *unused) {
  (void)unused;
  for (int i = 0; i < 30; i++) {
    pair p;
    CHECK_ALL(pair_open(&p, &(pair_options){.version = i & 1 ? 0x0303 : 0x0304, .flags = TLS_FLAG_SESSIONS}));
    CHECK_ALL(pair_establish(&p));
    CHECK_ALL(pair_exchange(&p, 100));
    pair_close(&p);
  }
  return NULL;
}

static const char *settings_again(const void *unused) {
  (void)unused;
  tls_context *c = tls_context_new(TLS_PROTOCOL_TLS);
  const identity *with = leaf_of("P-256"), *other = leaf_of("Ed25519");
  for (int i = 0; i < 3; i++) {
    CHECK(tls_context_set_alpn(c, (const uint8_t *)"\2h2", 3) == TLS_DONE && tls_context_set_alpn(c, NULL, 0) == TLS_DONE);
    const identity *now = i % 2 ? other : with;
    CHECK(tls_context_use_certificate(c, (const uint8_t *)now->cert, strlen(now->cert)) == TLS_DONE);
    CHECK(tls_context_use_key(c, (const uint8_t *)now->key, strlen(now->key), NULL) == TLS_DONE);
    CHECK(tls_context_add_ca(c, (const uint8_t *)authority()->cert, strlen(authority()->cert)) == 1);
  }
  tls_connection *s = tls_connection_new(c, TLS_ROLE_CLIENT, 0, 65536);
  for (int i = 0; i < 3; i++) {
    CHECK(tls_connection_set_alpn(s, (const uint8_t *)"\2h2", 3) == TLS_DONE);
    CHECK(tls_connection_set_servername(s, HOST) == TLS_DONE);
    CHECK(tls_connection_set_verify(s, TLS_VERIFY_REQUIRE, i ? HOST : "127.0.0.1") == TLS_DONE);
  }
  tls_connection_free(s);
  tls_context_free(c);
  return NULL;
}

void lifetime_cases(void) {
  run_case("lifetime: freed in every order, at every point of the handshake", any_order, NULL);
  run_case("lifetime: connections outlive their contexts, with all of their settings", outlives_contexts, NULL);
  run_case("lifetime: NULL is nothing to free", null_is_nothing, NULL);
  run_case("lifetime: 30 connections", many, NULL);
  run_case("lifetime: settings given again replace the old ones", settings_again, NULL);
}
