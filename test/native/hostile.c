/* Bytes that a peer should not send. Every connection must end in a status; the sanitizers watch how. */
#include "harness.h"

typedef struct campaign {
  uint32_t version;
  int rounds;
} campaign;

/* Moves what one side has to say, damaged once in a while. */
static size_t transfer_damaged(side *from, side *to, noise *n, uint32_t odds) {
  size_t length;
  side_drive(from);
  uint8_t *bytes = side_take(from, &length);
  size_t sent = length;
  if (length > 0 && noise_below(n, odds) == 0) sent = noise_mutate(n, bytes, length, length + 64);
  side_deliver(to, bytes, sent, 1 + noise_below(n, 2000));
  free(bytes);
  return length;
}

static const char *check_ended(side *s) {
  static uint8_t byte;
  tls_incoming_eof(s->connection);
  side_drive(s);
  CHECK(s->status <= 0 && s->status >= TLS_ERROR);
  if (s->status != TLS_ERROR) return NULL;
  const tls_error *error = tls_connection_error(s->connection);
  CHECK(error->eof || error->code != 0 || error->verify_result != 0);
  CHECK(tls_handshake(s->connection) == TLS_ERROR && tls_write(s->connection, &byte, 1) == TLS_ERROR);
  return NULL;
}

static const char *damaged_flights(const void *argument) {
  const campaign *c = argument;
  static uint8_t plaintext[3000];
  for (int seed = 1; seed <= c->rounds; seed++) {
    noise n = {(uint32_t)seed * 77u};
    pair p;
    CHECK_ALL(pair_open(&p, &(pair_options){.version = c->version, .mutual = seed & 1, .flags = seed & 2 ? TLS_FLAG_TRACE : 0}));
    for (int turn = 0; turn < 20; turn++) {
      transfer_damaged(&p.client, &p.server, &n, 6);
      transfer_damaged(&p.server, &p.client, &n, 6);
      if (p.client.established && turn % 4 == 0) tls_write(p.client.connection, plaintext, noise_below(&n, sizeof plaintext));
      if (p.server.established && turn % 5 == 0) tls_write(p.server.connection, plaintext, noise_below(&n, sizeof plaintext));
    }
    CHECK_ALL(check_ended(&p.client));
    CHECK_ALL(check_ended(&p.server));
    pair_close(&p);
  }
  return NULL;
}

/* Every single byte of the first flight, changed: ClientHello parsing, parked and not. */
static const char *each_byte(const void *argument) {
  const campaign *c = argument;
  pair p;
  size_t length;
  CHECK_ALL(pair_open(&p, &(pair_options){.version = c->version, .alpn_client = "h2"}));
  side_drive(&p.client);
  uint8_t *hello = side_take(&p.client, &length);
  for (size_t at = 0; at < length; at += at < 200 ? 1 : 29) {
    static const uint8_t values[] = {0x00, 0xff, 0x80};
    for (size_t k = 0; k < sizeof values; k++) {
      uint8_t saved = hello[at];
      tls_connection *server = tls_connection_new(p.server_context, TLS_ROLE_SERVER, at % 2 ? TLS_FLAG_PARK_CLIENT_HELLO : 0, 65536);
      side one = {.connection = server};
      tls_connection_set_verify(server, TLS_VERIFY_NONE, NULL);
      hello[at] = values[k];
      side_deliver(&one, hello, length, 0);
      if (one.status == TLS_WANT_CALLBACK && tls_resume(server, -1) == TLS_DONE) side_drive(&one);
      CHECK(one.status == TLS_WANT_READ || one.status == TLS_ERROR);
      tls_connection_free(server);
      hello[at] = saved;
    }
  }
  free(hello);
  pair_close(&p);
  return NULL;
}

static const char *nonsense(const void *unused) {
  (void)unused;
  static uint8_t bytes[2000];
  for (uint32_t seed = 1; seed <= 200; seed++) {
    noise n = {seed};
    pair p;
    CHECK_ALL(pair_open(&p, &(pair_options){0}));
    side *s = seed & 1 ? &p.client : &p.server;
    side_drive(&p.client);
    size_t length = 1 + noise_below(&n, sizeof bytes - 1);
    for (size_t i = 0; i < length; i++) bytes[i] = (uint8_t)noise_below(&n, 256);
    bytes[0] = (uint8_t)(20 + noise_below(&n, 6)); /* a record, at first sight */
    if (length > 5) {
      bytes[1] = 3;
      bytes[2] = (uint8_t)noise_below(&n, 5);
      bytes[3] = (uint8_t)noise_below(&n, 3);
    }
    side_deliver(s, bytes, length, 0);
    CHECK(s->received == 0);
    CHECK_ALL(check_ended(s));
    pair_close(&p);
  }
  return NULL;
}

typedef struct greeting {
  const char *bytes;
  const char *reason;
} greeting;

static const char *greets(const void *argument) {
  const greeting *g = argument;
  pair p;
  CHECK_ALL(pair_open(&p, &(pair_options){0}));
  side_deliver(&p.server, (const uint8_t *)g->bytes, strlen(g->bytes), 1);
  CHECK(p.server.status == TLS_ERROR);
  CHECK(strcmp(tls_connection_error(p.server.connection)->reason, g->reason) == 0);
  pair_close(&p);
  return NULL;
}

void hostile_cases(void) {
  static const campaign v12 = {0x0303, 100}, v13 = {0x0304, 100};
  run_case("hostile: 100 connections with damaged flights, TLS 1.2", damaged_flights, &v12);
  run_case("hostile: 100 connections with damaged flights, TLS 1.3", damaged_flights, &v13);
  run_case("hostile: a ClientHello with each byte changed, TLS 1.2", each_byte, &v12);
  run_case("hostile: a ClientHello with each byte changed, TLS 1.3", each_byte, &v13);
  run_case("hostile: 200 streams of nonsense", nonsense, NULL);
  static const greeting http = {"GET / HTTP/1.1\r\n\r\n", "http request"}, ssh = {"SSH-2.0-OpenSSH_9.9\r\n", "wrong version number"};
  run_case("hostile: plain HTTP", greets, &http);
  run_case("hostile: SSH", greets, &ssh);
}
