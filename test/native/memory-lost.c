/*
 * Out of memory at one place: each allocation of one size fails in its turn, and nothing else. What is wrong stays wrong, and nobody waits for
 * an answer to a question that was never asked.
 */
#include "harness.h"

/* ---- What is wrong stays wrong. The size is that of the copy that OpenSSL makes of what it shall compare with. ---- */

/* 96 characters; so the copies have 97 bytes, and nothing else has. */
#define LONG_NAME "a.rather.long.name.of.a.host.that.the.certificate.is.not.for.by.any.means.whatsoever.other.test."
/* 67 bytes in DER: an OID of 69 arcs below 128, of which the first two share one. */
#define ARCS_8 ".7.7.7.7.7.7.7.7"
#define LONG_POLICY "1.2" ARCS_8 ARCS_8 ARCS_8 ARCS_8 ARCS_8 ARCS_8 ARCS_8 ARCS_8 ".7.7"

typedef struct wrong {
  const char *identity, *policy;
  size_t size; /* of the copy */
  const char *verify_name;
} wrong;

static const char *stays_wrong(const void *argument) {
  const wrong *w = argument;
  /* The policy of this one is 1.2.3.4. */
  identity with_policy = identity_new("P-256", "basicConstraints=critical,CA:FALSE\nsubjectAltName=DNS:" HOST "\ncertificatePolicies=DER:3007300506032A0304", authority());
  int spent = 1;
  for (long n = -1; spent; n++) { /* -1: with all the memory there is */
    pair p;
    const pair_options o = {.version = n & 1 ? 0x0303 : 0x0304, .identity = w->identity, .server = w->policy ? &with_policy : NULL};
    CHECK_ALL(pair_contexts(&p, &o));
    if (w->policy) CHECK(tls_context_require_policy(p.client_context, w->policy) == TLS_DONE);
    CHECK_ALL(pair_connect(&p, &o));
    memory_arm(n, w->size);
    pair_run(&p);
    spent = memory_disarm() || n < 0;
    CHECK(!p.client.established); /* though it may wait for a server that could not say a word */
    if (n < 0 || !spent) CHECK(strcmp(tls_connection_error(p.client.connection)->verify_name, w->verify_name) == 0);
    if (!spent) CHECK(n > 0); /* there was such a copy */
    pair_close(&p);
  }
  identity_free(&with_policy);
  return NULL;
}

void memory_wrong_cases(void) {
  static const wrong host = {.identity = LONG_NAME, .size = sizeof LONG_NAME, .verify_name = "HOSTNAME_MISMATCH"};
  static const wrong address = {.identity = "2001:db8::1", .size = 17, .verify_name = "IP_ADDRESS_MISMATCH"};
  static const wrong policy = {.policy = LONG_POLICY, .size = 67, .verify_name = "NO_EXPLICIT_POLICY"};
  run_case("memory: a wrong host stays wrong where its copy fails", stays_wrong, &host);
  run_case("memory: a wrong address stays wrong where its copy fails", stays_wrong, &address);
  run_case("memory: a wrong policy stays wrong where its copy fails", stays_wrong, &policy);
}

/* ---- A connection waits only where there is an event that says so, and tells all that it has read. ---- */

typedef struct quiet {
  const char *name;
  pair_options options;
  int (*setup)(pair *p, int connected); /* of contexts, then of connections */
  int (*then)(pair *p);                 /* after the handshake; 0 when it failed */
  int questions;                        /* how many answers it takes */
} quiet;

static int is_question(uint32_t kind) {
  return kind == TLS_EVENT_CLIENT_HELLO || kind == TLS_EVENT_CERTIFICATE_REQUEST || kind == TLS_EVENT_VERIFY || kind == TLS_EVENT_PSK ||
         kind == TLS_EVENT_RENEGOTIATION || kind == TLS_EVENT_SIGN;
}

/* Whether a question is among the events; counts the others by the way. */
static int asked(side *s, int *agreed, size_t *early) {
  int found = 0;
  for (tls_bytes *event; (event = tls_event_take(s->connection)) != NULL; tls_bytes_free(event)) {
    found |= is_question(event->kind);
    *agreed += event->kind == TLS_EVENT_AGREED;
    if (event->kind == TLS_EVENT_EARLY_DATA) *early += event->length;
  }
  return found;
}

/* Runs, and answers each question. 0: somebody waits and nobody was asked. */
static int converse(pair *p, int *agreed, size_t *early, int *questions) {
  for (int waiting = 1; waiting;) {
    waiting = 0;
    pair_run(p);
    for (int i = 0; i < 2; i++) {
      side *s = i ? &p->server : &p->client;
      int question = asked(s, agreed, early);
      if (s->status != TLS_WANT_CALLBACK) continue;
      if (!question || tls_resume(s->connection, -1) != TLS_DONE) return 0;
      waiting = 1;
      ++*questions;
    }
  }
  return 1;
}

static tls_bytes *early_session;

static const char *never_waits(const void *argument) {
  const quiet *q = argument;
  static const size_t sizes[] = {sizeof(event_node), sizeof(tls_bytes)};
  pair p;
  CHECK_ALL(pair_contexts(&p, &q->options));
  CHECK(q->setup(&p, 0));
  for (size_t which = 0; which < sizeof sizes / sizeof *sizes; which++)
    for (long n = 0, spent = 1; spent; n++) {
      int agreed = 0, again = 0, questions = 0;
      size_t early = 0;
      CHECK_ALL(pair_connect(&p, &q->options));
      CHECK(q->setup(&p, 1));
      memory_arm(n, sizes[which]);
      CHECK(converse(&p, &agreed, &early, &questions));
      if (q->then != NULL && p.client.established && p.server.established) again = q->then(&p);
      if (again) CHECK(converse(&p, &agreed, &early, &questions));
      spent = memory_disarm();
      int failed = p.client.status == TLS_ERROR || p.server.status == TLS_ERROR;
      CHECK(failed || (p.client.established && p.server.established));
      CHECK(failed || agreed == 2 * again); /* each side has told of the second handshake */
      int accepted = !failed && tls_peer_agreed(p.server.connection)->early_data == TLS_EARLY_DATA_ACCEPTED;
      CHECK(early == (accepted ? 5 : 0) || failed);
      CHECK(spent || accepted == (early_session != NULL));
      CHECK(spent || (n > 0 && questions == q->questions));
    }
  pair_close(&p);
  return NULL;
}

static int no_setup(pair *p, int connected) { return (void)p, (void)connected, 1; }

static int psk_setup(pair *p, int connected) {
  static const uint8_t key[32] = {1};
  static const char suites[] = "PSK-AES128-GCM-SHA256";
  if (!connected)
    return tls_context_set_cipher_list(p->client_context, suites) == TLS_DONE && tls_context_set_cipher_list(p->server_context, suites) == TLS_DONE;
  return tls_connection_add_psk(p->client.connection, "me", key, sizeof key) == TLS_DONE &&
         tls_connection_add_psk(p->server.connection, "me", key, sizeof key) == TLS_DONE;
}

static int renegotiation_setup(pair *p, int connected) {
  return connected || (tls_context_set_option(p->client_context, TLS_OPTION_RENEGOTIATION, 9) == TLS_DONE &&
                       tls_context_set_option(p->server_context, TLS_OPTION_RENEGOTIATION, 9) == TLS_DONE);
}

static int renegotiate(pair *p) { return tls_renegotiate(p->client.connection) == TLS_DONE; }

/* Without the single use of sessions, which would keep them in the context they are of. */
static int early_contexts(pair *p) {
  static const uint8_t keys[80] = {1};
  return tls_context_set_ticket_keys(p->server_context, keys, sizeof keys) == TLS_DONE &&
         tls_context_set_option(p->server_context, TLS_OPTION_MAX_EARLY_DATA, 16384) == TLS_DONE &&
         tls_context_set_openssl_options(p->server_context, (uint32_t)SSL_OP_NO_ANTI_REPLAY, 0) == TLS_DONE;
}

static int early_setup(pair *p, int connected) {
  if (!connected) return early_contexts(p);
  return tls_connection_set_session(p->client.connection, (const uint8_t *)(early_session + 1), early_session->length) == TLS_DONE &&
         tls_write_early(p->client.connection, (const uint8_t *)"early", 5) == 5;
}

static const char *early_is_told(const void *argument) {
  const quiet *q = argument;
  pair p;
  CHECK_ALL(pair_contexts(&p, &q->options));
  CHECK(early_contexts(&p));
  CHECK_ALL(pair_connect(&p, &q->options));
  CHECK_ALL(pair_establish(&p));
  CHECK((early_session = side_session(&p.client)) != NULL);
  pair_close(&p);
  const char *failure = never_waits(q);
  tls_bytes_free(early_session);
  early_session = NULL;
  return failure;
}

void memory_lost_cases(void) {
  enum { PARK = TLS_FLAG_PARK_CLIENT_HELLO | TLS_FLAG_PARK_VERIFY };
  static const quiet all[] = {
      {"parked everywhere, TLS 1.2", {.version = 0x0303, .mutual = 1, .flags = PARK, .client_flags = TLS_FLAG_PARK_CERTIFICATE_REQUEST}, no_setup, NULL, 4},
      {"parked everywhere, TLS 1.3", {.version = 0x0304, .mutual = 1, .flags = PARK, .client_flags = TLS_FLAG_PARK_CERTIFICATE_REQUEST}, no_setup, NULL, 4},
      {"a parked PSK", {.version = 0x0303, .server_flags = TLS_FLAG_PARK_PSK}, psk_setup, NULL, 1},
      {"a renegotiation", {.version = 0x0303}, renegotiation_setup, renegotiate, 0},
      {"a parked renegotiation", {.version = 0x0303, .server_flags = TLS_FLAG_PARK_RENEGOTIATION}, renegotiation_setup, renegotiate, 1},
  };
  static const quiet early = {"early data", {.version = 0x0304, .client_flags = TLS_FLAG_SESSIONS, .server_flags = TLS_FLAG_EARLY_DATA}, early_setup, NULL, 0};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
    char name[128];
    snprintf(name, sizeof name, "memory: no event that matters is lost: %s", all[i].name);
    run_case(name, never_waits, &all[i]);
  }
  run_case("memory: no event that matters is lost: early data", early_is_told, &early);
}
