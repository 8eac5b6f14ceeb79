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
  }
}
