/* Sessions: resumed, refused, and damaged. */
#include "harness.h"

/* Another connection between the contexts of p, which offers the session; the old one is closed. */
static int reopen(pair *p, const tls_bytes *session, uint32_t server_verify, const char *identity) {
  side *sides[2] = {&p->client, &p->server};
  for (int i = 0; i < 2; i++) {
    tls_connection_free(sides[i]->connection);
    sides[i]->connection = tls_connection_new(i ? p->server_context : p->client_context, i ? TLS_ROLE_SERVER : TLS_ROLE_CLIENT, 0, 65536);
    sides[i]->established = 0;
    sides[i]->received = 0;
  }
  tls_connection_set_verify(p->server.connection, server_verify, NULL);
  tls_connection_set_servername(p->client.connection, HOST);
  tls_connection_set_verify(p->client.connection, TLS_VERIFY_REQUIRE, identity);
  return tls_connection_set_session(p->client.connection, (const uint8_t *)(session + 1), session->length);
}

static const char *first_session(pair *p, const pair_options *o, tls_bytes **session) {
  pair_options options = *o;
  options.flags |= TLS_FLAG_SESSIONS;
  CHECK_ALL(pair_open(p, &options));
  CHECK_ALL(pair_establish(p));
  CHECK((*session = side_session(&p->client)) != NULL);
  return NULL;
}

static const char *resumes(const void *argument) {
  const pair_options *o = argument;
  pair p;
  tls_bytes *session;
  CHECK_ALL(first_session(&p, o, &session));
  for (int i = 0; i < 3; i++) {
    CHECK(reopen(&p, session, o->mutual ? TLS_VERIFY_REQUIRE : TLS_VERIFY_NONE, HOST) == TLS_DONE);
    CHECK_ALL(pair_establish(&p));
    CHECK(tls_peer_agreed(p.client.connection)->resumed && tls_peer_agreed(p.server.connection)->resumed);
    CHECK(tls_peer_agreed(p.server.connection)->peer_certificate == (uint32_t)o->mutual);
    CHECK_ALL(pair_exchange(&p, 3000));
  }
  tls_bytes_free(session);
  pair_close(&p);
  return NULL;
}

static const char *other_identity(const void *argument) {
  pair p;
  tls_bytes *session;
  CHECK_ALL(first_session(&p, argument, &session));
  CHECK(reopen(&p, session, TLS_VERIFY_NONE, "other.test") == TLS_CLOSED);
  pair_run(&p);
  CHECK(strcmp(tls_connection_error(p.client.connection)->verify_name, "HOSTNAME_MISMATCH") == 0);
  tls_bytes_free(session);
  pair_close(&p);
  return NULL;
}

static const char *other_mode(const void *argument) {
  pair p;
  tls_bytes *session;
  CHECK_ALL(first_session(&p, argument, &session));
  CHECK(reopen(&p, session, TLS_VERIFY_REQUIRE, HOST) == TLS_DONE);
  pair_run(&p);
  CHECK(p.server.status == TLS_ERROR && !p.server.established);
  tls_bytes_free(session);
  pair_close(&p);
  return NULL;
}

/* A damaged session is refused, left out, or not resumed by the server; never more than that. */
static const char *damaged(const void *argument) {
  pair p;
  tls_bytes *session;
  CHECK_ALL(first_session(&p, argument, &session));
  tls_bytes *copy = malloc(sizeof *copy + session->length + 64);
  for (uint32_t seed = 1; seed <= 200; seed++) {
    noise n = {seed};
    memcpy(copy, session, sizeof *copy + session->length);
    copy->length = (uint32_t)noise_mutate(&n, (uint8_t *)(copy + 1), session->length, session->length + 64);
    if (reopen(&p, copy, TLS_VERIFY_NONE, HOST) == TLS_ERROR) CHECK(tls_library_error()->code != 0 || copy->length == 0);
    if (seed % 4 == 0) pair_run(&p); /* in full only now and then: it takes time */
  }
  free(copy);
  tls_bytes_free(session);
  pair_close(&p);
  return NULL;
}

/* ---- Ticket keys ---- */

static const char *ticket_keys(const void *unused) {
  (void)unused;
  static uint8_t keys[400];
  static const size_t good[] = {48, 80, 96, 144, 160, 192, 240, 320}, bad[] = {0, 1, 47, 49, 79, 81, 128, 288, 400};
  tls_context *c = tls_context_new(TLS_PROTOCOL_TLS);
  pattern_fill(keys, sizeof keys, 7);
  tls_bytes *made = tls_context_get_ticket_keys(c);
  CHECK(made != NULL && made->length == 80);
  for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
    CHECK(tls_context_set_ticket_keys(c, keys, good[i]) == TLS_DONE);
    tls_bytes *now = tls_context_get_ticket_keys(c);
    CHECK(now != NULL && now->length == good[i] && memcmp(now + 1, keys, good[i]) == 0);
    tls_bytes_free(now);
  }
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) CHECK(tls_context_set_ticket_keys(c, keys, bad[i]) == TLS_ERROR);
  CHECK(tls_context_set_ticket_keys(c, (const uint8_t *)(made + 1), made->length) == TLS_DONE);
  tls_bytes_free(made);
  tls_context_free(c);
  return NULL;
}

/* Another connection that offers the session; whether it was resumed. */
static const char *tries(pair *p, const tls_bytes *session, int resumed) {
  CHECK(reopen(p, session, TLS_VERIFY_NONE, HOST) == TLS_DONE);
  CHECK_ALL(pair_establish(p));
  CHECK((int)tls_peer_agreed(p->client.connection)->resumed == resumed && (int)tls_peer_agreed(p->server.connection)->resumed == resumed);
  return NULL;
}

/* A key opens tickets for three rotations after its own time. */
static const char *rotation(const void *argument) {
  pair p;
  tls_bytes *session;
  CHECK_ALL(first_session(&p, argument, &session));
  CHECK(tls_context_set_option(p.server_context, TLS_OPTION_TICKET_ROTATION, 3600) == TLS_DONE);
  CHECK_ALL(tries(&p, session, 1));
  for (int turns = 0; turns < 5; turns++) {
    p.server_context->ticket_made -= 3601;
    CHECK_ALL(tries(&p, session, turns < 3));
    tls_bytes *keys = tls_context_get_ticket_keys(p.server_context);
    CHECK(keys->length == (turns < 3 ? turns + 2u : 4u) * 80);
    tls_bytes_free(keys);
  }
  tls_bytes_free(session);
  pair_close(&p);
  return NULL;
}

/* Servers that share keys take each other's tickets; others do not. */
static const char *shared_keys(const void *argument) {
  static const size_t sizes[] = {48, 80};
  uint8_t keys[80];
  for (int i = 0; i < 2; i++) {
    pair p;
    tls_bytes *session;
    pattern_fill(keys, sizeof keys, 3);
    CHECK_ALL(pair_contexts(&p, argument));
    CHECK(tls_context_set_ticket_keys(p.server_context, keys, sizes[i]) == TLS_DONE);
    pair_options o = *(const pair_options *)argument;
    o.flags = TLS_FLAG_SESSIONS;
    CHECK_ALL(pair_connect(&p, &o));
    CHECK_ALL(pair_establish(&p));
    CHECK((session = side_session(&p.client)) != NULL);
    for (int same = 1; same >= 0; same--) {
      pair other;
      keys[20] ^= (uint8_t)!same; /* the name is the same: what was encrypted is not */
      CHECK_ALL(pair_open(&other, argument));
      CHECK(tls_context_set_ticket_keys(other.server_context, keys, sizes[i]) == TLS_DONE);
      CHECK_ALL(tries(&other, session, same));
      pair_close(&other);
    }
    tls_bytes_free(session);
    pair_close(&p);
  }
  return NULL;
}

/* ---- Sessions that the server's host keeps ---- */

typedef struct kept {
  tls_bytes *clients, *servers;
} kept;

static void kept_free(kept *k) {
  tls_bytes_free(k->clients);
  tls_bytes_free(k->servers);
}

static const char *keep(pair *p, const pair_options *argument, kept *k) {
  pair_options o = *argument;
  o.flags = TLS_FLAG_SESSIONS;
  CHECK_ALL(pair_contexts(p, &o));
  CHECK(tls_context_set_option(p->server_context, TLS_OPTION_TICKETS, TLS_TICKETS_STATEFUL) == TLS_DONE);
  CHECK_ALL(pair_connect(p, &o));
  CHECK_ALL(pair_establish(p));
  CHECK((k->clients = side_session(&p->client)) != NULL && (k->servers = side_session(&p->server)) != NULL);
  return NULL;
}

/* Offers the client's session to a server that parks, and finds what is given (NULL: nothing). */
static const char *find(pair *p, const pair_options *argument, const tls_bytes *clients, const uint8_t *found, size_t length, uint32_t mode) {
  pair_options o = *argument;
  o.server_flags = TLS_FLAG_PARK_CLIENT_HELLO;
  CHECK_ALL(pair_connect(p, &o));
  CHECK(tls_connection_set_verify(p->server.connection, mode, NULL) == TLS_DONE);
  CHECK(tls_connection_set_session(p->client.connection, (const uint8_t *)(clients + 1), clients->length) == TLS_DONE);
  pair_run(p);
  CHECK(p->server.status == TLS_WANT_CALLBACK);
  if (found != NULL) tls_connection_find_session(p->server.connection, found, length);
  CHECK(tls_resume(p->server.connection, -1) == TLS_DONE);
  pair_run(p);
  return NULL;
}

static const char *stateful(const void *argument) {
  pair p, other;
  kept k, strangers;
  CHECK_ALL(keep(&p, argument, &k));
  CHECK_ALL(keep(&other, argument, &strangers));
  const uint8_t *servers = (const uint8_t *)(k.servers + 1);
  for (int i = 0; i < 4; i++) {
    const tls_bytes *found = i == 1 ? strangers.servers : k.servers;
    const uint8_t *der = i == 0 ? NULL : (const uint8_t *)(found + 1);
    CHECK_ALL(find(&p, argument, k.clients, der, found->length, TLS_VERIFY_NONE));
    CHECK(p.client.established && p.server.established);
    CHECK((int)tls_peer_agreed(p.server.connection)->resumed == (i >= 2) && (int)tls_peer_agreed(p.client.connection)->resumed == (i >= 2));
    CHECK_ALL(pair_exchange(&p, 1000));
  }
  uint8_t *bad = malloc(k.servers->length + 64);
  for (uint32_t seed = 1; seed <= 100; seed++) {
    noise n = {seed};
    memcpy(bad, servers, k.servers->length);
    size_t length = noise_mutate(&n, bad, k.servers->length, k.servers->length + 64);
    CHECK_ALL(find(&p, argument, k.clients, bad, length, TLS_VERIFY_NONE));
    CHECK(p.server.status <= 0 && p.client.status <= 0);
  }
  free(bad);
  kept_free(&k);
  kept_free(&strangers);
  pair_close(&p);
  pair_close(&other);
  return NULL;
}

/* As other_mode: a client that showed nothing does not come in where a certificate is required. */
static const char *stateful_other_mode(const void *argument) {
  pair p;
  kept k;
  CHECK_ALL(keep(&p, argument, &k));
  CHECK_ALL(find(&p, argument, k.clients, (const uint8_t *)(k.servers + 1), k.servers->length, TLS_VERIFY_REQUIRE));
  CHECK(p.server.status == TLS_ERROR && !p.server.established);
  kept_free(&k);
  pair_close(&p);
  return NULL;
}

/* The same with the sessions that OpenSSL keeps because of early data. */
static const char *early_other_mode(const void *unused) {
  (void)unused;
  static const uint8_t data[100];
  const pair_options o = {.version = 0x0304, .client_flags = TLS_FLAG_SESSIONS, .server_flags = TLS_FLAG_EARLY_DATA};
  for (int early = 0; early < 2; early++) {
    pair p;
    tls_bytes *session;
    CHECK_ALL(pair_contexts(&p, &o));
    CHECK(tls_context_set_option(p.server_context, TLS_OPTION_MAX_EARLY_DATA, 1000) == TLS_DONE);
    CHECK_ALL(pair_connect(&p, &o));
    CHECK_ALL(pair_establish(&p));
    CHECK((session = side_session(&p.client)) != NULL);
    CHECK(tls_close_write(p.client.connection) == TLS_DONE && tls_close_write(p.server.connection) == TLS_DONE);
    CHECK_ALL(pair_connect(&p, &o));
    CHECK(tls_connection_set_verify(p.server.connection, TLS_VERIFY_REQUIRE, NULL) == TLS_DONE);
    CHECK(tls_connection_set_session(p.client.connection, (const uint8_t *)(session + 1), session->length) == TLS_DONE);
    if (early) CHECK(tls_write_early(p.client.connection, data, sizeof data) == sizeof data);
    pair_run(&p);
    CHECK(p.server.status == TLS_ERROR && !p.server.established && !side_saw(&p.server, TLS_EVENT_EARLY_DATA));
    tls_bytes_free(session);
    pair_close(&p);
  }
  return NULL;
}

void session_cases(void) {
  static const uint32_t versions[] = {0x0303, 0x0304};
  for (int v = 0; v < 2; v++) {
    char name[96];
    pair_options plain = {.version = versions[v]}, mutual = {.version = versions[v], .mutual = 1};
    snprintf(name, sizeof name, "session: resumed three times, TLS 1.%d", v + 2);
    run_case(name, resumes, &plain);
    snprintf(name, sizeof name, "session: resumed with the client's certificate, TLS 1.%d", v + 2);
    run_case(name, resumes, &mutual);
    snprintf(name, sizeof name, "session: not offered to another host, TLS 1.%d", v + 2);
    run_case(name, other_identity, &plain);
    snprintf(name, sizeof name, "session: no way around a client certificate, TLS 1.%d", v + 2);
    run_case(name, other_mode, &plain);
    snprintf(name, sizeof name, "session: 200 damaged ones, TLS 1.%d", v + 2);
    run_case(name, damaged, &plain);
    snprintf(name, sizeof name, "session: ticket keys rotate, TLS 1.%d", v + 2);
    run_case(name, rotation, &plain);
    snprintf(name, sizeof name, "session: ticket keys shared, TLS 1.%d", v + 2);
    run_case(name, shared_keys, &plain);
    snprintf(name, sizeof name, "session: found by the host, or not, or damaged, TLS 1.%d", v + 2);
    run_case(name, stateful, &plain);
    snprintf(name, sizeof name, "session: found by the host, and no way around a client certificate, TLS 1.%d", v + 2);
    run_case(name, stateful_other_mode, &plain);
  }
  run_case("session: ticket keys set and got", ticket_keys, NULL);
  run_case("session: with early data, and no way around a client certificate", early_other_mode, NULL);
}
