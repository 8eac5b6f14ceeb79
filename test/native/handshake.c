/* Handshakes in memory: every version, key type, direction of trust and cut. */
#include "harness.h"

static const char *handshake(const void *argument) {
  const pair_options *o = argument;
  pair p;
  CHECK_ALL(pair_open(&p, o));
  CHECK_ALL(pair_establish(&p));
  for (int i = 0; i < 2; i++) {
    const tls_agreed *agreed = tls_peer_agreed(i ? p.client.connection : p.server.connection);
    CHECK(agreed->version == o->version && !agreed->resumed && agreed->verify_result == 0);
    CHECK(agreed->peer_certificate == (uint32_t)(i || o->mutual));
    CHECK(strcmp(agreed->servername, HOST) == 0);
    CHECK(agreed->alpn_length == (o->alpn_client ? 2u : 0u));
  }
  CHECK_ALL(pair_exchange(&p, o->cut == 1 ? 5000 : 200000));
  CHECK(tls_close_write(p.client.connection) == TLS_DONE && tls_close_write(p.server.connection) == TLS_DONE);
  pair_run(&p);
  CHECK(p.client.status == TLS_CLOSED && p.server.status == TLS_CLOSED);
  pair_close(&p);
  return NULL;
}

static void matrix(void) {
  static const char *const types[] = {"RSA-2048", "P-256", "Ed25519"};
  static const uint32_t versions[] = {0x0303, 0x0304};
  static const size_t cuts[] = {0, 1, 7, 1000};
  for (int t = 0; t < 3; t++)
    for (int v = 0; v < 2; v++)
      for (int mutual = 0; mutual < 2; mutual++)
        for (int c = 0; c < 4; c++) {
          char name[128];
          const char *alpn = c & 1 ? "h2" : NULL;
          pair_options o = {.version = versions[v], .type = types[t], .mutual = mutual, .cut = cuts[c]};
          o.alpn_client = o.alpn_server = alpn;
          snprintf(name, sizeof name, "handshake: TLS 1.%d, %s%s%s, cut at %zu", v + 2, types[t], mutual ? ", client certificate" : "",
                   alpn ? ", ALPN" : "", cuts[c]);
          run_case(name, handshake, &o);
        }
}

static const char *events(const void *unused) {
  (void)unused;
  pair p;
  int seen[8] = {0};
  tls_bytes *event;
  CHECK_ALL(pair_open(&p, &(pair_options){.flags = TLS_FLAG_TRACE | TLS_FLAG_KEYLOG | TLS_FLAG_SESSIONS}));
  CHECK_ALL(pair_establish(&p));
  while ((event = tls_event_take(p.client.connection)) != NULL) {
    CHECK(event->kind >= 1 && event->kind <= 6);
    seen[event->kind]++;
    tls_bytes_free(event);
  }
  CHECK(seen[TLS_EVENT_KEYLOG] == 5 && seen[TLS_EVENT_SESSION] == 2 && seen[TLS_EVENT_STATE] > 3 && seen[TLS_EVENT_MESSAGE] > 5);
  pair_close(&p); /* with the server's events still in their queue */
  return NULL;
}

static const char *parks(const void *unused) {
  (void)unused;
  pair p;
  CHECK_ALL(pair_open(&p, &(pair_options){.flags = TLS_FLAG_PARK_CLIENT_HELLO, .server = self_signed()}));
  tls_context *other = tls_context_new(TLS_PROTOCOL_TLS);
  const identity *good = leaf_of("Ed25519");
  CHECK(tls_context_use_certificate(other, (const uint8_t *)good->cert, strlen(good->cert)) == TLS_DONE);
  CHECK(tls_context_use_key(other, (const uint8_t *)good->key, strlen(good->key), NULL) == TLS_DONE);
  pair_run(&p);
  CHECK(p.server.status == TLS_WANT_CALLBACK && tls_handshake(p.server.connection) == TLS_WANT_CALLBACK);
  tls_bytes *hello = tls_event_take(p.server.connection);
  CHECK(hello != NULL && hello->kind == TLS_EVENT_CLIENT_HELLO && hello->length > 100);
  CHECK(((const uint8_t *)(hello + 1))[0] == 3 && tls_event_take(p.server.connection) == NULL);
  tls_bytes_free(hello);
  CHECK(tls_connection_set_context(p.server.connection, other) == TLS_DONE);
  tls_context_free(other);
  CHECK(tls_resume(p.server.connection, -1) == TLS_DONE && tls_resume(p.server.connection, -1) == TLS_ERROR);
  CHECK_ALL(pair_establish(&p));
  pair_close(&p);
  return NULL;
}

static const char *refuses(const void *unused) {
  (void)unused;
  pair p;
  CHECK_ALL(pair_open(&p, &(pair_options){.flags = TLS_FLAG_PARK_CLIENT_HELLO}));
  pair_run(&p);
  CHECK(tls_resume(p.server.connection, 112) == TLS_DONE);
  pair_run(&p);
  CHECK(p.server.status == TLS_ERROR && p.client.status == TLS_ERROR);
  CHECK(tls_connection_error(p.server.connection)->alert_sent == 112);
  CHECK(tls_connection_error(p.client.connection)->alert_received == 112);
  pair_close(&p);
  return NULL;
}

static const char *no_protocol(const void *unused) {
  (void)unused;
  pair p;
  CHECK_ALL(pair_open(&p, &(pair_options){.alpn_client = "h2", .alpn_server = "h3"}));
  pair_run(&p);
  CHECK(tls_connection_error(p.client.connection)->alert_received == 120);
  pair_close(&p);
  return NULL;
}

typedef struct refusal {
  pair_options options;
  const char *name;
} refusal;

static const char *distrusts(const void *argument) {
  const refusal *r = argument;
  pair p;
  CHECK_ALL(pair_open(&p, &r->options));
  pair_run(&p);
  const tls_error *error = tls_connection_error(p.client.connection);
  CHECK(p.client.status == TLS_ERROR && strcmp(error->verify_name, r->name) == 0 && error->verify_depth == 0);
  CHECK(tls_connection_error(p.server.connection)->alert_received > 0);
  pair_close(&p);
  return NULL;
}

static const char *chains(const void *unused) {
  (void)unused;
  pair p;
  uint32_t count[2] = {0, 0};
  CHECK_ALL(pair_open(&p, &(pair_options){.mutual = 1}));
  CHECK_ALL(pair_establish(&p));
  for (uint32_t kind = 0; kind < 2; kind++)
    for (tls_bytes *one; (one = tls_peer_certificate(p.server.connection, kind, count[kind])) != NULL; count[kind]++) {
      tls_bytes *fields = tls_x509_describe(TLS_KIND_CERTIFICATE, (const uint8_t *)(one + 1), one->length);
      CHECK(fields != NULL && fields->length > 100);
      tls_bytes_free(fields);
      tls_bytes_free(one);
    }
  CHECK(count[TLS_CHAIN_SENT] >= 1 && count[TLS_CHAIN_VERIFIED] == 2);
  tls_bytes *keys[2] = {tls_peer_exporter(p.client.connection, "EXPERIMENTAL", NULL, 0, 100),
                        tls_peer_exporter(p.server.connection, "EXPERIMENTAL", NULL, 0, 100)};
  CHECK(keys[0] != NULL && keys[1] != NULL && memcmp(keys[0] + 1, keys[1] + 1, 100) == 0);
  tls_bytes_free(keys[0]);
  tls_bytes_free(keys[1]);
  pair_close(&p);
  return NULL;
}

void handshake_cases(void) {
  matrix();
  run_case("handshake: events, taken and left", events, NULL);
  run_case("handshake: parked at the ClientHello, on with another context", parks, NULL);
  run_case("handshake: refused at the ClientHello", refuses, NULL);
  run_case("handshake: no ALPN protocol in common", no_protocol, NULL);
  run_case("handshake: chains and exported keys", chains, NULL);
  refusal own = {{.server = self_signed()}, "DEPTH_ZERO_SELF_SIGNED_CERT"};
  refusal host = {{.identity = "other.test"}, "HOSTNAME_MISMATCH"};
  refusal address = {{.identity = "127.0.0.2"}, "IP_ADDRESS_MISMATCH"};
  run_case("handshake: a self-signed certificate is refused", distrusts, &own);
  run_case("handshake: a wrong host is refused", distrusts, &host);
  run_case("handshake: a wrong address is refused", distrusts, &address);
}
