/* Full BIOs, half-close, and peers that never read. */
#include "harness.h"

#include <openssl/ssl.h>

static const char *full(const void *argument) {
  pair p;
  static uint8_t plaintext[200000];
  CHECK_ALL(pair_open(&p, argument));
  CHECK_ALL(pair_establish(&p));
  pattern_fill(plaintext, sizeof plaintext, 9);
  int32_t accepted = tls_write(p.client.connection, plaintext, sizeof plaintext);
  CHECK(accepted > 32768 && accepted < 65536);
  CHECK(tls_write(p.client.connection, plaintext, 20000) == TLS_WANT_WRITE);
  pair_run(&p);
  CHECK(p.server.received == (size_t)accepted && memcmp(p.server.plaintext, plaintext, (size_t)accepted) == 0);
  CHECK_ALL(pair_exchange(&p, 300000));
  pair_close(&p);
  return NULL;
}

static const char *incoming_full(const void *argument) {
  pair p;
  static uint8_t plaintext[60000];
  size_t length;
  uint32_t space;
  CHECK_ALL(pair_open(&p, argument));
  CHECK_ALL(pair_establish(&p));
  p.server.idle = 1;
  pattern_fill(plaintext, sizeof plaintext, 3);
  for (int i = 0; i < 2; i++) {
    CHECK(tls_write(p.client.connection, plaintext, 40000) == 40000);
    uint8_t *bytes = side_take(&p.client, &length);
    side_deliver(&p.server, bytes, length, 0);
    free(bytes);
  }
  tls_incoming_space(p.server.connection, &space);
  CHECK(space == 0 && tls_incoming_pending(p.server.connection) == 65536);
  p.server.idle = 0;
  side_drive(&p.server);
  CHECK(p.server.received >= 49152 && memcmp(p.server.plaintext, plaintext, 40000) == 0);
  pair_close(&p);
  return NULL;
}

static const char *half_close(const void *argument) {
  pair p;
  static uint8_t more[1000];
  CHECK_ALL(pair_open(&p, argument));
  CHECK_ALL(pair_establish(&p));
  CHECK(tls_close_write(p.client.connection) == TLS_DONE);
  pair_run(&p);
  CHECK(p.server.status == TLS_CLOSED);
  CHECK(tls_write(p.server.connection, more, sizeof more) == sizeof more);
  pair_run(&p);
  CHECK(p.client.received == sizeof more && p.client.status == TLS_WANT_READ);
  tls_incoming_eof(p.server.connection); /* in good order: nothing more was to come */
  CHECK(tls_read(p.server.connection, more, sizeof more) == TLS_CLOSED);
  CHECK(tls_close_write(p.server.connection) == TLS_DONE);
  pair_run(&p);
  CHECK(p.client.status == TLS_CLOSED);
  pair_close(&p);
  return NULL;
}

static const char *truncated(const void *argument) {
  pair p;
  static uint8_t plaintext[5000];
  CHECK_ALL(pair_open(&p, argument));
  CHECK_ALL(pair_establish(&p));
  p.server.idle = 1;
  CHECK(tls_write(p.client.connection, plaintext, sizeof plaintext) == sizeof plaintext);
  pair_run(&p);
  tls_incoming_eof(p.server.connection);
  p.server.idle = 0;
  side_drive(&p.server);
  CHECK(p.server.received == sizeof plaintext && p.server.status == TLS_ERROR);
  CHECK(tls_connection_error(p.server.connection)->eof == 1);
  CHECK(tls_read(p.server.connection, plaintext, 1) == TLS_ERROR && tls_write(p.server.connection, plaintext, 1) == TLS_ERROR);
  CHECK(tls_close_write(p.server.connection) == TLS_ERROR && tls_handshake(p.server.connection) == TLS_ERROR);
  pair_close(&p);
  return NULL;
}

/* TLS 1.3 lets a peer ask for new keys as often as it likes. Whose answers nobody takes must stop reading, and lose nothing. */
static const char *key_updates(const void *unused) {
  (void)unused;
  pair p;
  static uint8_t plaintext[50000];
  size_t sent = 0, length;
  CHECK_ALL(pair_open(&p, &(pair_options){.version = 0x0304}));
  CHECK_ALL(pair_establish(&p));
  CHECK(tls_write(p.server.connection, plaintext, sizeof plaintext) == sizeof plaintext); /* most of the room is taken */
  while (p.server.status != TLS_WANT_WRITE) {
    CHECK(++sent < 5000);
    CHECK(SSL_key_update(p.client.connection->ssl, SSL_KEY_UPDATE_REQUESTED));
    CHECK(tls_write(p.client.connection, plaintext, 1) == 1);
    uint8_t *bytes = side_take(&p.client, &length);
    side_deliver(&p.server, bytes, length, 0);
    free(bytes);
  }
  CHECK(tls_outgoing_pending(p.server.connection) <= 65536);
  pair_run(&p);
  CHECK(p.server.received == sent && p.client.received == sizeof plaintext);
  CHECK_ALL(pair_exchange(&p, 5000));
  pair_close(&p);
  return NULL;
}

/* And TLS 1.2 lets a client ask for another handshake; it is refused, whatever the client thinks of it. */
static const char *renegotiation(const void *unused) {
  (void)unused;
  pair p;
  uint8_t byte = 1;
  CHECK_ALL(pair_open(&p, &(pair_options){.version = 0x0303}));
  CHECK_ALL(pair_establish(&p));
  SSL *client = p.client.connection->ssl;
  SSL_clear_options(client, SSL_OP_NO_RENEGOTIATION);
  CHECK(SSL_renegotiate(client));
  p.client.established = 0;
  pair_run(&p);
  CHECK(!p.client.established && p.client.status == TLS_ERROR);
  CHECK(tls_connection_error(p.client.connection)->alert_received == 100); /* no_renegotiation */
  CHECK(tls_write(p.server.connection, &byte, 1) == 1 || p.server.status == TLS_ERROR);
  pair_close(&p);
  return NULL;
}

void pressure_cases(void) {
  static const uint32_t versions[] = {0x0303, 0x0304};
  static const struct {
    const char *name;
    case_body body;
  } cases[] = {{"a full outgoing BIO", full},
               {"a full incoming BIO", incoming_full},
               {"half-close", half_close},
               {"truncation, met by every later call", truncated}};
  for (int v = 0; v < 2; v++)
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
      char name[96];
      pair_options o = {.version = versions[v]};
      snprintf(name, sizeof name, "pressure: %s, TLS 1.%d", cases[i].name, v + 2);
      run_case(name, cases[i].body, &o);
    }
  run_case("pressure: key updates whose answers nobody takes", key_updates, NULL);
  run_case("pressure: renegotiation is refused", renegotiation, NULL);
}
