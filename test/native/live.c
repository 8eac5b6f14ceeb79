/* What happens to a connection beside reading and writing: early data, new keys, new handshakes, certificates asked for late, alerts. */
#include "harness.h"

/* ---- New keys ---- */

static const char *new_keys(const void *unused) {
  (void)unused;
  pair p;
  CHECK_ALL(pair_open(&p, &(pair_options){.version = 0x0304, .cut = 5}));
  CHECK(tls_key_update(p.client.connection, 0) <= TLS_DONE && !tls_connection_failed(p.client.connection)); /* too early */
  CHECK_ALL(pair_establish(&p));
  for (int i = 0; i < 20; i++) {
    side *s = i % 3 ? &p.client : &p.server;
    CHECK(tls_key_update(s->connection, i & 1) == TLS_DONE);
    if (i % 4 == 0) CHECK_ALL(pair_exchange(&p, 500));
  }
  CHECK_ALL(pair_exchange(&p, 50000));
  pair_close(&p);
  return NULL;
}

static const char *reports_later(const void *argument) {
  pair p;
  CHECK_ALL(pair_open(&p, &(pair_options){.version = *(const int *)argument, .cut = 3}));
  CHECK_ALL(pair_establish(&p));
  CHECK(!side_saw(&p.client, TLS_EVENT_MESSAGE));
  tls_connection_report(p.client.connection, TLS_FLAG_TRACE | TLS_FLAG_KEYLOG | TLS_FLAG_SESSIONS);
  CHECK_ALL(pair_exchange(&p, 5000));
  CHECK(side_saw(&p.client, TLS_EVENT_MESSAGE) && !side_saw(&p.server, TLS_EVENT_MESSAGE));
  pair_close(&p);
  return NULL;
}

static const char *not_in_12(const void *unused) {
  (void)unused;
  pair p;
  CHECK_ALL(pair_open(&p, &(pair_options){.version = 0x0303}));
  CHECK_ALL(pair_establish(&p));
  CHECK(tls_key_update(p.client.connection, 1) == TLS_ERROR && !tls_connection_failed(p.client.connection));
  CHECK(tls_send_ticket(p.server.connection) == TLS_ERROR && !tls_connection_failed(p.server.connection));
  CHECK(tls_request_certificate(p.server.connection, TLS_VERIFY_REQUIRE) == TLS_ERROR && !tls_connection_failed(p.server.connection));
  CHECK(tls_send_ticket(p.client.connection) == TLS_ERROR && !tls_connection_failed(p.client.connection));
  CHECK_ALL(pair_exchange(&p, 5000));
  pair_close(&p);
  return NULL;
}

static const char *tickets(const void *unused) {
  (void)unused;
  pair p;
  int count = 0;
  CHECK_ALL(pair_open(&p, &(pair_options){.version = 0x0304, .client_flags = TLS_FLAG_SESSIONS}));
  CHECK_ALL(pair_establish(&p));
  CHECK(tls_renegotiate(p.client.connection) == TLS_ERROR && !tls_connection_failed(p.client.connection));
  for (int i = 0; i < 5; i++) {
    CHECK(tls_send_ticket(p.server.connection) == TLS_DONE);
    pair_run(&p);
  }
  while (side_saw(&p.client, TLS_EVENT_SESSION)) count++;
  CHECK(count == 7);
  CHECK_ALL(pair_exchange(&p, 5000));
  pair_close(&p);
  return NULL;
}

/* ---- Renegotiation ---- */

static const char *renegotiates(const void *argument) {
  const int by_server = argument != NULL;
  pair p;
  const pair_options o = {.version = 0x0303, .mutual = 1};
  CHECK_ALL(pair_contexts(&p, &o));
  CHECK(tls_context_set_option(p.client_context, TLS_OPTION_RENEGOTIATION, 3) == TLS_DONE);
  CHECK(tls_context_set_option(p.server_context, TLS_OPTION_RENEGOTIATION, 3) == TLS_DONE);
  CHECK_ALL(pair_connect(&p, &o));
  CHECK_ALL(pair_establish(&p));
  side *asks = by_server ? &p.server : &p.client, *other = by_server ? &p.client : &p.server;
  for (int i = 0; i < 3; i++) {
    CHECK(tls_renegotiate(asks->connection) == TLS_DONE);
    pair_run(&p);
    CHECK(side_saw(asks, TLS_EVENT_AGREED) && side_saw(other, TLS_EVENT_AGREED));
    CHECK_ALL(pair_exchange(&p, 3000));
  }
  CHECK(tls_renegotiate(asks->connection) == TLS_DONE); /* once too often */
  pair_run(&p);
  CHECK(other->status == TLS_ERROR && asks->status == TLS_ERROR);
  CHECK(tls_connection_error(other->connection)->alert_sent == 100);
  pair_close(&p);
  return NULL;
}

/* A server that is asked before; the third time it says no, in one of two ways. */
static const char *renegotiates_if_allowed(const void *unused) {
  (void)unused;
  for (int cut = 0; cut < 3; cut++)
    for (int later = 0; later < 2; later++) {
      pair p;
      const pair_options o = {.version = 0x0303, .cut = (size_t)cut, .server_flags = TLS_FLAG_PARK_RENEGOTIATION};
      CHECK_ALL(pair_contexts(&p, &o));
      CHECK(tls_context_set_option(p.client_context, TLS_OPTION_RENEGOTIATION, 9) == TLS_DONE);
      CHECK(tls_context_set_option(p.server_context, TLS_OPTION_RENEGOTIATION, 9) == TLS_DONE);
      CHECK_ALL(pair_connect(&p, &o));
      CHECK_ALL(pair_establish(&p));
      for (int i = 0; i < 3; i++) {
        CHECK(tls_renegotiate(p.client.connection) == TLS_DONE);
        if (i == 2 && later) tls_refuse_renegotiation(p.server.connection);
        pair_run(&p);
        if (i == 2 && later) break;
        CHECK(p.server.status == TLS_WANT_CALLBACK && side_saw(&p.server, TLS_EVENT_RENEGOTIATION));
        CHECK(tls_close_write(p.server.connection) == TLS_WANT_CALLBACK);
        CHECK(tls_write(p.server.connection, (const uint8_t *)"x", 1) == TLS_WANT_CALLBACK);
        CHECK(tls_resume(p.server.connection, i == 2 ? 100 : -1) == TLS_DONE && tls_resume(p.server.connection, -1) == TLS_ERROR);
        pair_run(&p);
        CHECK(i == 2 || (side_saw(&p.client, TLS_EVENT_AGREED) && side_saw(&p.server, TLS_EVENT_AGREED)));
        if (i < 2) CHECK_ALL(pair_exchange(&p, 3000));
      }
      CHECK(tls_connection_error(p.client.connection)->alert_received == 100);
      CHECK(!side_saw(&p.server, TLS_EVENT_AGREED) && !side_saw(&p.client, TLS_EVENT_AGREED));
      pair_close(&p);
    }
  return NULL;
}

/* ---- Another connection in its place ---- */

static const char *taken_over(const void *unused) {
  (void)unused;
  for (int with_both = 0; with_both < 2; with_both++) {
    pair p;
    size_t length;
    CHECK_ALL(pair_open(&p, &(pair_options){.version = 0x0304}));
    side_drive(&p.client);
    uint8_t *hello = side_take(&p.client, &length);
    side fresh = {.connection = tls_connection_new(p.server_context, TLS_ROLE_SERVER, 0, 65536), .plaintext = p.server.plaintext};
    for (int i = 0; i <= with_both; i++) {
      tls_connection *to = i ? fresh.connection : p.server.connection;
      uint32_t space;
      memcpy(tls_incoming_space(to, &space), hello, length);
      tls_incoming_commit(to, (uint32_t)length);
    }
    CHECK(tls_connection_set_verify(fresh.connection, TLS_VERIFY_NONE, NULL) == TLS_DONE);
    tls_connection_take_over(fresh.connection, p.server.connection);
    CHECK(tls_incoming_pending(fresh.connection) == length && tls_incoming_pending(p.server.connection) == 0);
    tls_connection_free(p.server.connection);
    p.server = fresh;
    CHECK_ALL(pair_establish(&p));
    CHECK_ALL(pair_exchange(&p, 3000));
    free(hello);
    pair_close(&p);
  }
  return NULL;
}

/* ---- Certificates asked for after the handshake ---- */

static const char *open_late(pair *p, pair_options o) {
  o.version = 0x0304;
  o.mutual = 1;
  o.client_flags |= TLS_FLAG_POST_HANDSHAKE_AUTH;
  CHECK_ALL(pair_open(p, &o));
  CHECK(tls_connection_set_verify(p->server.connection, TLS_VERIFY_NONE, NULL) == TLS_DONE);
  CHECK_ALL(pair_establish(p));
  CHECK(tls_peer_agreed(p->server.connection)->peer_certificate == 0);
  return NULL;
}

static const char *late(const void *unused) {
  (void)unused;
  pair p;
  CHECK_ALL(open_late(&p, (pair_options){.cut = 9}));
  for (int i = 0; i < 3; i++) {
    CHECK(tls_request_certificate(p.server.connection, TLS_VERIFY_REQUIRE) == TLS_DONE);
    CHECK(tls_request_certificate(p.server.connection, TLS_VERIFY_REQUIRE) == TLS_ERROR); /* one at a time */
    CHECK(!tls_connection_failed(p.server.connection));
    pair_run(&p);
    CHECK(tls_peer_agreed(p.server.connection)->peer_certificate == 1 && side_saw(&p.server, TLS_EVENT_AGREED));
    CHECK_ALL(pair_exchange(&p, 1000));
  }
  pair_close(&p);
  return NULL;
}

/* argument: flags of the server. A server that parks does so once; this one has its answer from OpenSSL. */
static const char *late_and_bad(const void *argument) {
  pair p;
  CHECK_ALL(open_late(&p, (pair_options){.client = self_signed(), .server_flags = *(const uint32_t *)argument}));
  CHECK(tls_request_certificate(p.server.connection, TLS_VERIFY_REQUIRE) == TLS_DONE);
  pair_run(&p);
  CHECK(p.server.status == TLS_ERROR);
  CHECK(strcmp(tls_connection_error(p.server.connection)->verify_name, "DEPTH_ZERO_SELF_SIGNED_CERT") == 0);
  pair_close(&p);
  return NULL;
}

static const char *late_and_none(const void *unused) {
  (void)unused;
  for (int required = 0; required < 2; required++) {
    pair p;
    const pair_options o = {.version = 0x0304, .client_flags = TLS_FLAG_POST_HANDSHAKE_AUTH};
    CHECK_ALL(pair_open(&p, &o));
    CHECK_ALL(pair_establish(&p));
    CHECK(tls_request_certificate(p.server.connection, required ? TLS_VERIFY_REQUIRE : TLS_VERIFY_OPTIONAL) == TLS_DONE);
    pair_run(&p);
    CHECK((p.server.status == TLS_ERROR) == required);
    if (!required) CHECK_ALL(pair_exchange(&p, 1000));
    pair_close(&p);
  }
  return NULL;
}

/* The client parks at a request that comes after the handshake: in a read. */
static const char *late_and_parked(const void *unused) {
  (void)unused;
  for (int how = 0; how < 3; how++) {
    pair p;
    CHECK_ALL(open_late(&p, (pair_options){.client_flags = TLS_FLAG_PARK_CERTIFICATE_REQUEST}));
    CHECK(tls_request_certificate(p.server.connection, TLS_VERIFY_REQUIRE) == TLS_DONE);
    pair_run(&p);
    CHECK(p.client.status == TLS_WANT_CALLBACK && side_saw(&p.client, TLS_EVENT_CERTIFICATE_REQUEST));
    if (how < 2) {
      CHECK(tls_resume(p.client.connection, how ? 49 : -1) == TLS_DONE);
      pair_run(&p);
      CHECK(how ? tls_connection_error(p.server.connection)->alert_received == 49 : tls_peer_agreed(p.server.connection)->peer_certificate == 1);
      if (how == 0) CHECK_ALL(pair_exchange(&p, 1000));
    }
    pair_close(&p);
  }
  return NULL;
}

/* ---- Alerts of our own ---- */

static const char *aborts(const void *argument) {
  const uint32_t version = *(const uint32_t *)argument;
  for (int steps = 0; steps < 8; steps++)
    for (int by_server = 0; by_server < 2; by_server++) {
      pair p;
      size_t length;
      CHECK_ALL(pair_open(&p, &(pair_options){.version = version, .mutual = 1, .flags = TLS_FLAG_TRACE}));
      for (int i = 0; i < steps; i++) {
        side *from = i % 2 ? &p.server : &p.client, *to = i % 2 ? &p.client : &p.server;
        side_drive(from);
        uint8_t *bytes = side_take(from, &length);
        side_deliver(to, bytes, length, 0);
        free(bytes);
      }
      side *s = by_server ? &p.server : &p.client;
      CHECK(tls_abort(s->connection, 49) == TLS_ERROR && tls_abort(s->connection, 50) == TLS_ERROR);
      CHECK(tls_connection_failed(s->connection) && tls_connection_error(s->connection)->alert_sent == 49);
      CHECK(tls_handshake(s->connection) == TLS_ERROR && tls_write(s->connection, s->plaintext, 1) == TLS_ERROR);
      CHECK(tls_read(s->connection, s->plaintext, 1) == TLS_ERROR && tls_close_write(s->connection) == TLS_ERROR);
      CHECK(tls_key_update(s->connection, 1) == TLS_ERROR && tls_renegotiate(s->connection) == TLS_ERROR);
      CHECK(tls_request_certificate(s->connection, 3) == TLS_ERROR && tls_send_ticket(s->connection) == TLS_ERROR);
      CHECK(tls_write_early(s->connection, s->plaintext, 1) == TLS_ERROR);
      pair_run(&p);
      if (steps > 0) CHECK((by_server ? p.client : p.server).status == TLS_ERROR);
      pair_close(&p);
    }
  return NULL;
}

/* ---- 0-RTT ---- */

static const char *early_contexts(pair *p, const pair_options *o, uint32_t most) {
  CHECK_ALL(pair_contexts(p, o));
  CHECK(tls_context_set_option(p->server_context, TLS_OPTION_MAX_EARLY_DATA, most) == TLS_DONE);
  return NULL;
}

static const char *early_session(pair *p, const pair_options *o, tls_bytes **session) {
  CHECK_ALL(early_contexts(p, o, 16384));
  CHECK_ALL(pair_connect(p, o));
  CHECK_ALL(pair_establish(p));
  CHECK((*session = side_session(&p->client)) != NULL);
  /* In good order: OpenSSL forgets the session of a connection that was torn down. */
  CHECK(tls_close_write(p->client.connection) == TLS_DONE && tls_close_write(p->server.connection) == TLS_DONE);
  return NULL;
}

static const pair_options early_options = {.version = 0x0304, .client_flags = TLS_FLAG_SESSIONS, .server_flags = TLS_FLAG_EARLY_DATA};

static const char *offer(pair *p, const pair_options *o, const tls_bytes *session, const uint8_t *data, size_t length) {
  CHECK_ALL(pair_connect(p, o));
  CHECK(tls_connection_set_session(p->client.connection, (const uint8_t *)(session + 1), session->length) == TLS_DONE);
  CHECK(tls_write_early(p->client.connection, data, length) == (int32_t)length);
  return NULL;
}

/* Accepted once; the same flight again, and the same session again, are replays: refused, and the connection goes on without. */
static const char *early(const void *unused) {
  (void)unused;
  static uint8_t data[5000];
  pair p;
  tls_bytes *session;
  size_t length;
  pattern_fill(data, sizeof data, 5);
  CHECK_ALL(early_session(&p, &early_options, &session));
  CHECK_ALL(offer(&p, &early_options, session, data, sizeof data));
  uint8_t *flight = side_take(&p.client, &length);
  side_deliver(&p.server, flight, length, 300);
  tls_bytes *event;
  size_t got = 0;
  while ((event = side_event(&p.server, TLS_EVENT_EARLY_DATA)) != NULL) {
    CHECK(got + event->length <= sizeof data && memcmp(event + 1, data + got, event->length) == 0);
    got += event->length;
    tls_bytes_free(event);
  }
  CHECK(got == sizeof data);
  CHECK_ALL(pair_establish(&p));
  CHECK(tls_peer_agreed(p.client.connection)->early_data == TLS_EARLY_DATA_ACCEPTED && tls_peer_agreed(p.server.connection)->early_data == TLS_EARLY_DATA_ACCEPTED);
  CHECK_ALL(pair_exchange(&p, 5000));
  tls_connection *replayed = tls_connection_new(p.server_context, TLS_ROLE_SERVER, TLS_FLAG_EARLY_DATA, 65536);
  side again = {.connection = replayed, .plaintext = p.server.plaintext};
  CHECK(tls_connection_set_verify(replayed, TLS_VERIFY_NONE, NULL) == TLS_DONE);
  side_deliver(&again, flight, length, 0);
  CHECK(again.status == TLS_WANT_READ && !side_saw(&again, TLS_EVENT_EARLY_DATA));
  tls_connection_free(replayed);
  free(flight);
  CHECK_ALL(offer(&p, &early_options, session, data, sizeof data));
  CHECK_ALL(pair_establish(&p));
  CHECK(!side_saw(&p.server, TLS_EVENT_EARLY_DATA) && tls_peer_agreed(p.client.connection)->early_data == TLS_EARLY_DATA_REJECTED);
  CHECK_ALL(pair_exchange(&p, 5000));
  tls_bytes_free(session);
  pair_close(&p);
  return NULL;
}

/* A server that does not look for it; more of it than was allowed; a client without a session. */
static const char *early_otherwise(const void *unused) {
  (void)unused;
  static uint8_t data[16384];
  pair p;
  tls_bytes *session;
  pair_options o = early_options;
  CHECK_ALL(early_session(&p, &o, &session));
  o.server_flags = 0;
  CHECK_ALL(offer(&p, &o, session, data, 1000));
  CHECK_ALL(pair_establish(&p));
  CHECK(tls_peer_agreed(p.client.connection)->early_data == TLS_EARLY_DATA_REJECTED);
  CHECK_ALL(pair_exchange(&p, 1000));
  tls_bytes_free(session);
  CHECK_ALL(pair_connect(&p, &early_options));
  CHECK(tls_write_early(p.client.connection, data, 100) == TLS_ERROR); /* nothing to encrypt it with */
  CHECK_ALL(pair_connect(&p, &early_options));
  CHECK(tls_write_early(p.server.connection, data, 100) == TLS_ERROR); /* a server has none */
  pair_close(&p);
  CHECK_ALL(early_session(&p, &early_options, &session));
  CHECK_ALL(offer(&p, &early_options, session, data, sizeof data));
  CHECK(tls_write_early(p.client.connection, data, sizeof data) <= TLS_DONE);
  pair_run(&p);
  for (int i = 0; i < 2; i++) CHECK((i ? p.client : p.server).status <= 0);
  tls_bytes_free(session);
  pair_close(&p);
  return NULL;
}

static const char *early_damaged(const void *unused) {
  (void)unused;
  static uint8_t data[2000];
  pair p;
  tls_bytes *session;
  CHECK_ALL(early_session(&p, &early_options, &session));
  for (uint32_t seed = 1; seed <= 150; seed++) {
    noise n = {seed * 31};
    size_t length;
    CHECK_ALL(offer(&p, &early_options, session, data, sizeof data));
    uint8_t *flight = side_take(&p.client, &length);
    side_deliver(&p.server, flight, noise_mutate(&n, flight, length, length + 64), 1 + noise_below(&n, 3000));
    free(flight);
    if (seed % 3 == 0) tls_incoming_eof(p.server.connection);
    pair_run(&p);
    CHECK(p.server.status <= 0 && p.server.status >= TLS_ERROR && p.client.status <= 0);
  }
  tls_bytes_free(session);
  pair_close(&p);
  return NULL;
}

void live_cases(void) {
  static const uint32_t v12 = 0x0303, v13 = 0x0304, no_flags = 0, parks = TLS_FLAG_PARK_VERIFY;
  run_case("live: new keys, asked for and not", new_keys, NULL);
  for (int version = 0x0303; version <= 0x0304; version++) run_case("live: what is reported from now on", reports_later, &version);
  run_case("live: what TLS 1.2 does not have leaves the connection as it is", not_in_12, NULL);
  run_case("live: more tickets", tickets, NULL);
  run_case("live: renegotiation by the client, up to its limit", renegotiates, NULL);
  run_case("live: renegotiation by the server, up to the client's limit", renegotiates, &v12);
  run_case("live: renegotiation where the server is asked", renegotiates_if_allowed, NULL);
  run_case("live: another connection takes over what has arrived", taken_over, NULL);
  run_case("live: a certificate after the handshake", late, NULL);
  run_case("live: a bad certificate after the handshake", late_and_bad, &no_flags);
  run_case("live: a bad certificate after the handshake, and a server that parks", late_and_bad, &parks);
  run_case("live: no certificate after the handshake", late_and_none, NULL);
  run_case("live: a client that parks after the handshake", late_and_parked, NULL);
  run_case("live: aborted at each step, TLS 1.2", aborts, &v12);
  run_case("live: aborted at each step, TLS 1.3", aborts, &v13);
  run_case("live: early data, and its replays", early, NULL);
  run_case("live: early data that is not taken", early_otherwise, NULL);
  run_case("live: 150 damaged flights with early data", early_damaged, NULL);
}
