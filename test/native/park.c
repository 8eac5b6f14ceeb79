/* Handshakes that wait for an answer: answered, refused, never answered, and with a peer that leaves meanwhile. */
#include "harness.h"

/* Where a handshake parks, and what it takes to come there. */
typedef struct place {
  const char *name;
  uint32_t version, event;
  int server; /* who parks */
  pair_options options;
} place;

#define AT(where, kind, on_server, flag, with_client) \
  {where, 0x0303, kind, on_server, {.version = 0x0303, .flags = TLS_FLAG_TRACE, .mutual = with_client, flag}}, { \
    where, 0x0304, kind, on_server, {.version = 0x0304, .flags = TLS_FLAG_TRACE, .mutual = with_client, flag} \
  }

static const place places[] = {
    AT("the ClientHello", TLS_EVENT_CLIENT_HELLO, 1, .server_flags = TLS_FLAG_PARK_CLIENT_HELLO, 0),
    AT("the certificate request", TLS_EVENT_CERTIFICATE_REQUEST, 0, .client_flags = TLS_FLAG_PARK_CERTIFICATE_REQUEST, 1),
    AT("the server's certificate", TLS_EVENT_VERIFY, 0, .client_flags = TLS_FLAG_PARK_VERIFY, 0),
    AT("the client's certificate", TLS_EVENT_VERIFY, 1, .server_flags = TLS_FLAG_PARK_VERIFY, 1),
};

/* Runs until it is parked. *parked: the side that is. */
static const char *come_to(const place *at, size_t cut, pair *p, side **parked) {
  pair_options o = at->options;
  o.cut = cut;
  *parked = at->server ? &p->server : &p->client;
  CHECK_ALL(pair_open(p, &o));
  CHECK(tls_resume((*parked)->connection, -1) == TLS_ERROR); /* not yet */
  pair_run(p);
  CHECK((*parked)->status == TLS_WANT_CALLBACK);
  CHECK(side_saw(*parked, at->event));
  for (int i = 0; i < 3; i++) CHECK(tls_handshake((*parked)->connection) == TLS_WANT_CALLBACK);
  CHECK(tls_event_take((*parked)->connection) == NULL); /* asked once */
  return NULL;
}

static const char *goes_on(const void *argument) {
  static const size_t cuts[] = {0, 1, 100};
  for (int i = 0; i < 3; i++) {
    pair p;
    side *parked;
    CHECK_ALL(come_to(argument, cuts[i], &p, &parked));
    CHECK(tls_resume(parked->connection, -1) == TLS_DONE);
    CHECK(tls_resume(parked->connection, -1) == TLS_ERROR && tls_resume(parked->connection, 40) == TLS_ERROR);
    CHECK_ALL(pair_establish(&p));
    CHECK_ALL(pair_exchange(&p, 1000));
    pair_close(&p);
  }
  return NULL;
}

/* With the alert that was asked for, which the peer gets to see. */
static const char *refuses(const void *argument) {
  static const uint8_t alerts[] = {0, 40, 46, 49, 112};
  for (size_t i = 0; i < sizeof alerts; i++) {
    pair p;
    side *parked;
    CHECK_ALL(come_to(argument, 0, &p, &parked));
    side *other = parked == &p.client ? &p.server : &p.client;
    CHECK(tls_resume(parked->connection, alerts[i]) == TLS_DONE);
    pair_run(&p);
    CHECK(parked->status == TLS_ERROR && tls_handshake(parked->connection) == TLS_ERROR);
    CHECK(tls_connection_error(parked->connection)->alert_sent == alerts[i]);
    CHECK(tls_connection_error(other->connection)->alert_received == alerts[i]);
    CHECK(alerts[i] == 0 || other->status == TLS_ERROR);
    CHECK(tls_resume(parked->connection, -1) == TLS_ERROR);
    pair_close(&p);
  }
  return NULL;
}

/* Nobody answers: freed in every order, with every call that a host could make in the meantime. */
static const char *left(const void *argument) {
  static uint8_t bytes[100];
  for (int order = 0; order < 8; order++) {
    pair p;
    side *parked;
    CHECK_ALL(come_to(argument, 0, &p, &parked));
    if (order & 4) {
      tls_connection *c = parked->connection;
      tls_peer_agreed(c);
      CHECK(tls_key_update(c, 1) <= 0 && tls_renegotiate(c) <= 0);
      CHECK(tls_request_certificate(c, TLS_VERIFY_REQUIRE) <= 0 && tls_send_ticket(c) <= 0);
      tls_write(c, bytes, sizeof bytes);
      tls_close_write(c);
      tls_incoming_eof(c);
      tls_handshake(c);
    }
    if (order & 1) tls_context_free(p.server_context), p.server_context = NULL;
    if (order & 2) tls_connection_free(parked->connection), parked->connection = NULL;
    pair_close(&p);
  }
  return NULL;
}

/* The peer is gone before the answer: it still waits, and then ends. */
static const char *abandoned(const void *argument) {
  for (int answer = 0; answer < 3; answer++) {
    pair p;
    side *parked;
    CHECK_ALL(come_to(argument, 0, &p, &parked));
    tls_incoming_eof(parked->connection);
    CHECK(tls_handshake(parked->connection) == TLS_WANT_CALLBACK);
    if (answer == 2) {
      CHECK(tls_abort(parked->connection, 80) == TLS_ERROR);
    } else {
      CHECK(tls_resume(parked->connection, answer ? 49 : -1) == TLS_DONE);
      side_drive(parked);
    }
    CHECK(parked->status == TLS_ERROR || answer == 2);
    const tls_error *error = tls_connection_error(parked->connection);
    CHECK(answer == 0 ? error->eof == 1 : error->alert_sent == (answer == 1 ? 49 : 80));
    CHECK(tls_handshake(parked->connection) == TLS_ERROR && tls_read(parked->connection, parked->plaintext, 1) == TLS_ERROR);
    pair_close(&p);
  }
  return NULL;
}

/* ---- The verdict on a certificate that nobody has signed. ---- */

/* Parked at it, with OpenSSL's verdict there to see. argument: whether the server is who parks. */
static const char *come_to_stranger(const void *argument, uint32_t version, pair *p, side **parked) {
  const int on_server = argument != NULL;
  pair_options o = {.version = version, .mutual = on_server};
  *parked = on_server ? &p->server : &p->client;
  if (on_server)
    o.client = self_signed(), o.server_flags = TLS_FLAG_PARK_VERIFY;
  else
    o.server = self_signed(), o.client_flags = TLS_FLAG_PARK_VERIFY;
  CHECK_ALL(pair_open(p, &o));
  pair_run(p);
  CHECK((*parked)->status == TLS_WANT_CALLBACK && side_saw(*parked, TLS_EVENT_VERIFY));
  CHECK(strcmp(tls_peer_agreed((*parked)->connection)->verify_name, "DEPTH_ZERO_SELF_SIGNED_CERT") == 0);
  tls_bytes *sent = tls_peer_certificate((*parked)->connection, TLS_CHAIN_SENT, 0);
  CHECK(sent != NULL);
  tls_bytes_free(sent);
  return NULL;
}

static const char *overruled(const void *argument) {
  for (uint32_t version = 0x0303; version <= 0x0304; version++) {
    pair p;
    side *parked;
    CHECK_ALL(come_to_stranger(argument, version, &p, &parked));
    CHECK(tls_resume(parked->connection, -1) == TLS_DONE);
    CHECK_ALL(pair_establish(&p));
    CHECK(tls_peer_agreed(parked->connection)->verify_result == 0);
    CHECK_ALL(pair_exchange(&p, 1000));
    pair_close(&p);
  }
  return NULL;
}

static const char *upheld(const void *argument) {
  for (uint32_t version = 0x0303; version <= 0x0304; version++) {
    pair p;
    side *parked;
    CHECK_ALL(come_to_stranger(argument, version, &p, &parked));
    CHECK(tls_resume(parked->connection, TLS_ALERT_OF_VERDICT) == TLS_DONE);
    pair_run(&p);
    const tls_error *error = tls_connection_error(parked->connection);
    CHECK(parked->status == TLS_ERROR && strcmp(error->verify_name, "DEPTH_ZERO_SELF_SIGNED_CERT") == 0);
    CHECK(error->alert_sent == 48); /* unknown_ca */
    pair_close(&p);
  }
  return NULL;
}

/* A good certificate that is refused all the same has a name for it, too. */
static const char *refused_though_good(const void *argument) {
  pair p;
  side *parked;
  CHECK_ALL(come_to(argument, 0, &p, &parked));
  CHECK(tls_resume(parked->connection, TLS_ALERT_OF_VERDICT) == TLS_DONE);
  pair_run(&p);
  CHECK(strcmp(tls_connection_error(parked->connection)->verify_name, "APPLICATION_VERIFICATION") == 0);
  pair_close(&p);
  return NULL;
}

/* What was refused once does not come back with a ticket it got before the answer. */
static const char *no_way_round(const void *argument) {
  const uint32_t version = *(const uint32_t *)argument;
  pair_options o = {.version = version, .mutual = 1, .client = self_signed(), .server_flags = TLS_FLAG_PARK_VERIFY, .client_flags = TLS_FLAG_SESSIONS};
  pair p;
  CHECK_ALL(pair_open(&p, &o));
  pair_run(&p);
  CHECK(p.server.status == TLS_WANT_CALLBACK && tls_resume(p.server.connection, 49) == TLS_DONE);
  pair_run(&p);
  CHECK(p.server.status == TLS_ERROR);
  tls_bytes *session = side_session(&p.client);
  o.server_flags = 0; /* and nobody asks the host any more */
  CHECK_ALL(pair_connect(&p, &o));
  if (session != NULL) tls_connection_set_session(p.client.connection, (const uint8_t *)(session + 1), session->length);
  pair_run(&p);
  CHECK(p.server.status == TLS_ERROR && !p.server.established);
  tls_bytes_free(session);
  pair_close(&p);
  return NULL;
}

/* All at once, on both sides: each is asked for what it has to answer. */
static const char *everywhere(const void *argument) {
  const uint32_t version = *(const uint32_t *)argument;
  pair p;
  int answers = 0;
  CHECK_ALL(pair_open(&p, &(pair_options){.version = version, .mutual = 1, .cut = 3, .server_flags = TLS_FLAG_PARK_CLIENT_HELLO | TLS_FLAG_PARK_VERIFY | TLS_FLAG_PARK_PSK,
                                          .client_flags = TLS_FLAG_PARK_CERTIFICATE_REQUEST | TLS_FLAG_PARK_VERIFY}));
  for (int turn = 0; turn < 20 && !(p.client.established && p.server.established); turn++) {
    pair_run(&p);
    for (int i = 0; i < 2; i++) {
      side *s = i ? &p.server : &p.client;
      if (s->status == TLS_WANT_CALLBACK) CHECK(tls_resume(s->connection, -1) == TLS_DONE && ++answers < 6);
    }
  }
  CHECK(answers == 4);
  CHECK_ALL(pair_exchange(&p, 10000));
  pair_close(&p);
  return NULL;
}

void park_cases(void) {
  static const struct {
    const char *what;
    case_body body;
  } bodies[] = {{"goes on", goes_on}, {"refused", refuses}, {"freed while it waits", left}, {"the peer is gone before the answer", abandoned}};
  static const uint32_t versions[] = {0x0303, 0x0304};
  char name[128];
  for (size_t i = 0; i < sizeof places / sizeof *places; i++)
    for (size_t k = 0; k < sizeof bodies / sizeof *bodies; k++) {
      snprintf(name, sizeof name, "park: at %s, TLS 1.%d: %s", places[i].name, (int)places[i].version - 0x0301, bodies[k].what);
      run_case(name, bodies[k].body, &places[i]);
    }
  run_case("park: a verdict on the server overruled", overruled, NULL);
  run_case("park: a verdict on the server upheld", upheld, NULL);
  run_case("park: a verdict on the client overruled", overruled, places);
  run_case("park: a verdict on the client upheld", upheld, places);
  run_case("park: a good server refused", refused_though_good, &places[4]);
  run_case("park: a good client refused", refused_though_good, &places[7]);
  for (int v = 0; v < 2; v++) {
    snprintf(name, sizeof name, "park: a refused client's ticket is worth nothing, TLS 1.%d", v + 2);
    run_case(name, no_way_round, &versions[v]);
    snprintf(name, sizeof name, "park: everywhere in one handshake, TLS 1.%d", v + 2);
    run_case(name, everywhere, &versions[v]);
  }
}
