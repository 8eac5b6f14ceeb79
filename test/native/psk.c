/* Pre-shared keys: lists, wrong ones, and identities that a server looks up while the client waits. */
#include "harness.h"

#define IDENTITY "client-7"
static const uint8_t key[32] = {1, 2, 3, 4, 5, 6, 7, 8, 9};
static const uint8_t wrong_key[32] = {9, 8, 7};

static int set_psk_suites(pair *p) {
  static const char list[] = "ECDHE-PSK-CHACHA20-POLY1305:DHE-PSK-AES128-GCM-SHA256:PSK-AES128-GCM-SHA256:ECDHE-ECDSA-AES128-GCM-SHA256";
  return tls_context_set_cipher_list(p->client_context, list) == TLS_DONE && tls_context_set_cipher_list(p->server_context, list) == TLS_DONE &&
         tls_context_set_cipher_suites(p->server_context, "TLS_AES_128_GCM_SHA256") == TLS_DONE;
}

static const char *open_psk(pair *p, const pair_options *o, const uint8_t *clients) {
  CHECK_ALL(pair_contexts(p, o));
  CHECK(set_psk_suites(p));
  CHECK_ALL(pair_connect(p, o));
  CHECK(tls_connection_add_psk(p->client.connection, IDENTITY, clients, sizeof key) == TLS_DONE);
  return NULL;
}

static const char *agrees(const void *argument) {
  pair p;
  char other[64];
  CHECK_ALL(open_psk(&p, argument, key));
  for (int i = 0; i < 50; i++) {
    snprintf(other, sizeof other, "client-%d", i);
    CHECK(tls_connection_add_psk(p.server.connection, other, i == 7 ? key : wrong_key, sizeof key) == TLS_DONE);
  }
  CHECK(tls_connection_set_psk_hint(p.server.connection, "a hint") == TLS_DONE);
  CHECK_ALL(pair_establish(&p));
  CHECK(tls_peer_agreed(p.client.connection)->peer_certificate == 0);
  CHECK_ALL(pair_exchange(&p, 2000));
  pair_close(&p);
  return NULL;
}

static const char *disagrees(const void *argument) {
  const pair_options *o = argument;
  pair p;
  CHECK_ALL(open_psk(&p, o, wrong_key));
  CHECK(tls_connection_add_psk(p.server.connection, IDENTITY, key, sizeof key) == TLS_DONE);
  pair_run(&p);
  CHECK(p.server.status == TLS_ERROR && p.client.status == TLS_ERROR);
  pair_close(&p);
  /* An identity that nobody knows: refused in 1.2; a certificate instead in 1.3, which is not what the client wants. */
  CHECK_ALL(open_psk(&p, o, key));
  CHECK(tls_connection_add_psk(p.server.connection, IDENTITY "0", key, sizeof key) == TLS_DONE);
  pair_run(&p);
  const tls_error *error = tls_connection_error(o->version == 0x0303 ? p.server.connection : p.client.connection);
  CHECK(o->version == 0x0303 ? error->alert_sent == 115 : strcmp(error->verify_name, "PSK_EXPECTED") == 0);
  pair_close(&p);
  return NULL;
}

/* Identities and keys at and beyond what fits. */
static const char *limits(const void *argument) {
  static uint8_t bytes[1000];
  static char name[1000];
  static const size_t lengths[] = {0, 1, 127, 128, 129, 255, 256, 257, 511, 512, 513, 900};
  memset(name, 'x', sizeof name);
  for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++)
    for (int long_key = 0; long_key < 2; long_key++) {
      pair p;
      CHECK_ALL(pair_contexts(&p, argument));
      CHECK(set_psk_suites(&p));
      CHECK_ALL(pair_connect(&p, argument));
      name[long_key ? 10 : lengths[i]] = '\0';
      size_t length = long_key ? lengths[i] : 32;
      tls_connection_add_psk(p.client.connection, name, bytes, length);
      tls_connection_add_psk(p.server.connection, name, bytes, length);
      tls_connection_set_psk_hint(p.server.connection, name);
      name[long_key ? 10 : lengths[i]] = 'x';
      pair_run(&p);
      for (int k = 0; k < 2; k++) {
        const side *s = k ? &p.client : &p.server;
        CHECK(s->status == TLS_ERROR || s->status == TLS_WANT_READ);
      }
      CHECK(p.client.established == p.server.established || p.client.status == TLS_ERROR || p.server.status == TLS_ERROR);
      pair_close(&p);
    }
  return NULL;
}

/* ---- Chosen by the host. ---- */

#define CHOOSER 5

static enum { CHOOSES, KNOWS_NONE, THROWS } chooser_does;
static int chosen, chooser_gone;
static char hint_seen[64];

/* The module's import, natively. */
int32_t membio_psk(uint32_t chooser, const char *hint, char *identity, uint32_t identity_capacity, uint8_t *out, uint32_t capacity);
int32_t membio_psk(uint32_t chooser, const char *hint, char *identity, uint32_t identity_capacity, uint8_t *out, uint32_t capacity) {
  if (chooser != CHOOSER) abort();
  if (identity == NULL) return chooser_gone++, 0;
  chosen++;
  snprintf(hint_seen, sizeof hint_seen, "%s", hint == NULL ? "(none)" : hint);
  if (chooser_does != CHOOSES) return chooser_does == THROWS ? -1 : 0;
  if (identity_capacity < 256 || capacity < sizeof key) abort();
  memset(identity, 'x', 256); /* all of it is ours */
  strcpy(identity, IDENTITY);
  memcpy(out, key, sizeof key);
  return (int32_t)sizeof key;
}

/* with_identity: certificates will do as well; they are there. */
static const char *choose(pair *p, const pair_options *o, int how, int with_identity) {
  chooser_does = how;
  chosen = chooser_gone = 0;
  CHECK_ALL(pair_contexts(p, o));
  CHECK(set_psk_suites(p));
  CHECK_ALL(pair_connect(p, o));
  if (!with_identity) CHECK(tls_connection_set_verify(p->client.connection, TLS_VERIFY_REQUIRE, NULL) == TLS_DONE);
  CHECK(tls_connection_set_psk_chooser(p->client.connection, CHOOSER) == TLS_DONE);
  CHECK(tls_connection_add_psk(p->server.connection, IDENTITY, key, sizeof key) == TLS_DONE);
  CHECK(tls_connection_set_psk_hint(p->server.connection, "a hint") == TLS_DONE);
  pair_run(p);
  return NULL;
}

static const char *host_chooses(const void *argument) {
  const pair_options *o = argument;
  int old = o->version == 0x0303;
  for (int with_identity = 0; with_identity < 2; with_identity++) {
    pair p;
    CHECK_ALL(choose(&p, o, CHOOSES, with_identity));
    CHECK_ALL(pair_establish(&p));
    CHECK(chosen == 1 && strcmp(hint_seen, old ? "a hint" : "(none)") == 0);
    CHECK(tls_peer_agreed(p.client.connection)->peer_certificate == 0);
    CHECK_ALL(pair_exchange(&p, 2000));
    pair_close(&p);
    CHECK(chooser_gone == 1);
    /* None: only where a certificate will do, and the version can still turn to it. */
    CHECK_ALL(choose(&p, o, KNOWS_NONE, with_identity));
    CHECK(p.client.established == (!old && with_identity));
    CHECK(old || with_identity || strcmp(tls_connection_error(p.client.connection)->verify_name, "PSK_EXPECTED") == 0);
    pair_close(&p);
    CHECK_ALL(choose(&p, o, THROWS, with_identity));
    CHECK(p.client.status == TLS_ERROR && tls_connection_error(p.client.connection)->alert_sent == 80 && chosen == 1);
    CHECK(p.server.status == TLS_ERROR && (!old || tls_connection_error(p.server.connection)->alert_received == 80));
    pair_close(&p);
    CHECK(chooser_gone == 1);
  }
  return NULL;
}

/* ---- Parked at the identity. ---- */

static const char *come_to_identity(pair *p, size_t cut) {
  const pair_options o = {.version = 0x0303, .cut = cut, .server_flags = TLS_FLAG_PARK_PSK};
  CHECK_ALL(open_psk(p, &o, key));
  pair_run(p);
  CHECK(p->server.status == TLS_WANT_CALLBACK && tls_handshake(p->server.connection) == TLS_WANT_CALLBACK);
  tls_bytes *event = side_event(&p->server, TLS_EVENT_PSK);
  CHECK(event != NULL && event->length == strlen(IDENTITY) && memcmp(event + 1, IDENTITY, event->length) == 0);
  tls_bytes_free(event);
  return NULL;
}

static const char *looked_up(const void *unused) {
  static const size_t cuts[] = {0, 1, 2, 9, 60};
  (void)unused;
  for (int i = 0; i < 5; i++) {
    pair p;
    CHECK_ALL(come_to_identity(&p, cuts[i]));
    CHECK(tls_connection_add_psk(p.server.connection, IDENTITY, key, sizeof key) == TLS_DONE);
    CHECK(tls_resume(p.server.connection, -1) == TLS_DONE && tls_resume(p.server.connection, -1) == TLS_ERROR);
    CHECK_ALL(pair_establish(&p));
    CHECK_ALL(pair_exchange(&p, 2000));
    pair_close(&p);
  }
  return NULL;
}

/* answer: -1 without a key; an alert, with the key there or not. */
static const char *not_given(const void *unused) {
  (void)unused;
  for (int with_key = 0; with_key < 2; with_key++)
    for (int refuse = with_key; refuse < 2; refuse++) {
      pair p;
      CHECK_ALL(come_to_identity(&p, 0));
      if (with_key) CHECK(tls_connection_add_psk(p.server.connection, IDENTITY, key, sizeof key) == TLS_DONE);
      CHECK(tls_resume(p.server.connection, refuse ? 49 : -1) == TLS_DONE);
      pair_run(&p);
      CHECK(p.server.status == TLS_ERROR && p.client.status == TLS_ERROR);
      CHECK(tls_connection_error(p.server.connection)->alert_sent == (refuse ? 49 : 115));
      CHECK(tls_connection_error(p.client.connection)->alert_received == (refuse ? 49 : 115));
      pair_close(&p);
    }
  return NULL;
}

static const char *identity_left(const void *unused) {
  (void)unused;
  for (int how = 0; how < 4; how++) {
    pair p;
    CHECK_ALL(come_to_identity(&p, how));
    if (how & 1) tls_incoming_eof(p.server.connection);
    if (how & 1) CHECK(tls_handshake(p.server.connection) == TLS_WANT_CALLBACK);
    if (how & 2) CHECK(tls_abort(p.server.connection, 90) == TLS_ERROR);
    if (how == 1) {
      CHECK(tls_resume(p.server.connection, -1) == TLS_DONE);
      CHECK(tls_handshake(p.server.connection) == TLS_ERROR);
    }
    pair_close(&p);
  }
  return NULL;
}

/* The ClientKeyExchange that the gate looks into, damaged, cut off, and followed by the end. */
static const char *damaged(const void *unused) {
  (void)unused;
  for (uint32_t seed = 1; seed <= 150; seed++) {
    const pair_options o = {.version = 0x0303, .server_flags = TLS_FLAG_PARK_PSK};
    noise n = {seed};
    size_t length;
    pair p;
    CHECK_ALL(open_psk(&p, &o, key));
    for (int i = 0; i < 2; i++) { /* ClientHello, then the server's flight */
      side_drive(i ? &p.server : &p.client);
      uint8_t *flight = side_take(i ? &p.server : &p.client, &length);
      side_deliver(i ? &p.client : &p.server, flight, length, 0);
      free(flight);
    }
    side_drive(&p.client);
    uint8_t *flight = side_take(&p.client, &length);
    size_t sent = noise_mutate(&n, flight, seed % 2 ? length : 12 + strlen(IDENTITY), length);
    side_deliver(&p.server, flight, sent, seed % 3);
    if (seed % 5 == 0) tls_incoming_eof(p.server.connection);
    side_drive(&p.server);
    for (int i = 0; i < 3 && p.server.status == TLS_WANT_CALLBACK; i++) {
      CHECK(tls_resume(p.server.connection, -1) == TLS_DONE);
      side_drive(&p.server);
    }
    CHECK(p.server.status == TLS_WANT_READ || p.server.status == TLS_ERROR);
    tls_incoming_eof(p.server.connection);
    side_drive(&p.server);
    CHECK(p.server.status == TLS_ERROR);
    free(flight);
    pair_close(&p);
  }
  return NULL;
}

void psk_cases(void) {
  static const pair_options v12 = {.version = 0x0303}, v13 = {.version = 0x0304};
  run_case("psk: one of 50, TLS 1.2", agrees, &v12);
  run_case("psk: one of 50, TLS 1.3", agrees, &v13);
  run_case("psk: a wrong key, an unknown identity, TLS 1.2", disagrees, &v12);
  run_case("psk: a wrong key, an unknown identity, TLS 1.3", disagrees, &v13);
  run_case("psk: identities and keys of every length, TLS 1.2", limits, &v12);
  run_case("psk: identities and keys of every length, TLS 1.3", limits, &v13);
  run_case("psk: chosen by the host, TLS 1.2", host_chooses, &v12);
  run_case("psk: chosen by the host, TLS 1.3", host_chooses, &v13);
  run_case("psk: parked at the identity, and a key found", looked_up, NULL);
  run_case("psk: parked at the identity, refused", not_given, NULL);
  run_case("psk: parked at the identity, left, aborted, at the end", identity_left, NULL);
  run_case("psk: 150 damaged ClientKeyExchanges before a parking server", damaged, NULL);
}
