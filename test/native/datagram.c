/* DTLS: the queue of datagrams, handshakes on a network that loses, doubles and damages, and strangers. */
#include "harness.h"

#include <time.h>

#define CAPACITY 65536u

/* ---- The queue, through the BIOs of a connection. ---- */

typedef struct world {
  tls_context *client_context, *server_context;
  side client, server;
} world;

static const uint8_t peer[] = "192.0.2.7 5684";

static int32_t load(int32_t (*setter)(tls_context *, const uint8_t *, size_t), tls_context *context, const char *pem) {
  return setter(context, (const uint8_t *)pem, strlen(pem));
}

static tls_context *context_open(const identity *with) {
  tls_context *c = tls_context_new(TLS_PROTOCOL_DTLS);
  if (c == NULL || tls_context_set_versions(c, 0xfefd, 0xfefd) != TLS_DONE || load(tls_context_add_ca, c, authority()->cert) != 1 ||
      tls_context_set_session_id_context(c, (const uint8_t *)"test", 4) != TLS_DONE)
    return NULL;
  if (with != NULL && (load(tls_context_use_certificate, c, with->cert) != TLS_DONE ||
                       tls_context_use_key(c, (const uint8_t *)with->key, strlen(with->key), NULL) != TLS_DONE))
    return NULL;
  return c;
}

static tls_connection *server_open(world *w, uint32_t flags) {
  tls_connection *c = tls_connection_new(w->server_context, TLS_ROLE_SERVER, flags, CAPACITY);
  if (c == NULL || tls_connection_set_verify(c, TLS_VERIFY_NONE, NULL) != TLS_DONE || dtls_set_mtu(c, 1200) != TLS_DONE) return NULL;
  return c;
}

static const char *world_open(world *w, const char *type, uint32_t mtu, uint32_t flags) {
  memset(w, 0, sizeof *w);
  CHECK((w->client_context = context_open(NULL)) != NULL && (w->server_context = context_open(leaf_of(type))) != NULL);
  w->client.connection = tls_connection_new(w->client_context, TLS_ROLE_CLIENT, flags & ~(uint32_t)TLS_FLAG_PARK_CLIENT_HELLO, CAPACITY);
  w->server.connection = server_open(w, flags);
  CHECK(w->client.connection != NULL && w->server.connection != NULL);
  CHECK(tls_connection_set_servername(w->client.connection, HOST) == TLS_DONE);
  CHECK(tls_connection_set_verify(w->client.connection, TLS_VERIFY_REQUIRE, HOST) == TLS_DONE);
  CHECK(dtls_set_mtu(w->client.connection, mtu) == TLS_DONE && dtls_set_mtu(w->server.connection, mtu) == TLS_DONE);
  CHECK(dtls_set_peer(w->server.connection, peer, sizeof peer) == TLS_DONE);
  return NULL;
}

static void world_close(world *w) {
  tls_connection_free(w->client.connection);
  tls_connection_free(w->server.connection);
  tls_context_free(w->client_context);
  tls_context_free(w->server_context);
}

static const char *queue(const void *unused) {
  (void)unused;
  static uint8_t in[65536], out[65536];
  world w;
  noise n = {3};
  uint32_t first = 0, last = 0;
  CHECK_ALL(world_open(&w, "P-256", 1200, 0));
  ring *r = &w.client.connection->outgoing;
  BIO *bio = SSL_get_wbio(w.client.connection->ssl);
  for (int i = 0; i < 20000; i++) {
    uint32_t length = 1 + noise_below(&n, i % 50 == 0 ? 20000 : 1500), room = ring_free(r);
    pattern_fill(in, length, last);
    CHECK(BIO_write(bio, in, (int)length) == (int)length); /* always: what does not fit is lost */
    if (room >= length + 2) last++;
    CHECK(room >= length + 2 || ring_free(r) == room);
    if (noise_below(&n, 3) == 0) continue;
    uint32_t taken = dtls_take(w.client.connection, out, sizeof out);
    pattern_fill(in, taken, first++);
    CHECK(taken > 0 && memcmp(in, out, taken) == 0);
  }
  while (first < last) CHECK(dtls_take(w.client.connection, out, sizeof out) > 0 && first++ < last);
  CHECK(dtls_take(w.client.connection, out, sizeof out) == 0 && r->storage == NULL);
  world_close(&w);
  return NULL;
}

static const char *queue_limits(const void *unused) {
  (void)unused;
  static uint8_t bytes[70000];
  world w;
  CHECK_ALL(world_open(&w, "P-256", 1200, 0));
  tls_connection *c = w.server.connection;
  CHECK(dtls_receive(c, bytes, 0) == TLS_WANT_READ);
  CHECK(dtls_receive(c, bytes, 65536) == TLS_WANT_READ && dtls_receive(c, bytes, 65535) == TLS_WANT_READ);
  CHECK(dtls_receive(c, bytes, 65534) == TLS_DONE && dtls_receive(c, bytes, 1) == TLS_WANT_READ);
  BIO *bio = SSL_get_rbio(c->ssl);
  CHECK(BIO_read(bio, bytes, 10) == 10); /* the rest of it is lost */
  CHECK(BIO_read(bio, bytes, 10) == -1 && BIO_should_read(bio));
  CHECK(BIO_ctrl(bio, BIO_CTRL_PENDING, 0, NULL) == 0 && BIO_eof(bio) == 0);
  CHECK(dtls_set_mtu(c, 100) == TLS_ERROR);
  world_close(&w);
  return NULL;
}

/* ---- Handshakes. ---- */

static uint8_t plaintext[20000];

static void drive(side *s) {
  if (!s->established) {
    s->status = tls_handshake(s->connection);
    if (s->status == TLS_WANT_CALLBACK && tls_resume(s->connection, -1) == TLS_DONE) s->status = tls_handshake(s->connection);
    s->established = s->status == TLS_DONE;
  }
  while (s->established && (s->status = dtls_read(s->connection, plaintext, sizeof plaintext)) > 0) s->received += (size_t)s->status;
}

typedef struct weather {
  noise n;
  uint32_t loss, doubling, damage; /* one in so many; 0: never */
} weather;

static int happens(weather *v, uint32_t odds) { return odds > 0 && noise_below(&v->n, odds) == 0; }

static uint32_t transfer(side *from, side *to, weather *v) {
  static uint8_t datagram[66000];
  uint32_t length, count = 0;
  drive(from);
  while ((length = dtls_take(from->connection, datagram, 65536)) > 0) {
    count++;
    if (happens(v, v->loss)) continue;
    if (happens(v, v->doubling)) dtls_receive(to->connection, datagram, length);
    size_t arriving = happens(v, v->damage) ? noise_mutate(&v->n, datagram, length, length + 64) : length;
    dtls_receive(to->connection, datagram, arriving);
    drive(to);
  }
  return count;
}

static void run(world *w, weather *v) {
  while (transfer(&w->client, &w->server, v) + transfer(&w->server, &w->client, v) > 0) continue;
}

static const char *exchange(world *w, weather *v) {
  static const uint8_t bytes[16384];
  uint32_t room = dtls_room(w->client.connection);
  for (uint32_t part = 7; part > 0; part--) {
    uint32_t length = part == 7 ? 1 : room / part;
    size_t before = w->server.received;
    CHECK(dtls_write(w->client.connection, bytes, length) == TLS_DONE);
    run(w, v);
    CHECK(w->server.received == before + length);
  }
  return NULL;
}

static const char *handshake(const void *argument) {
  static const char *const types[] = {"RSA-2048", "P-256"};
  const uint32_t mtu = *(const uint32_t *)argument;
  weather fair = {.n = {1}};
  for (int i = 0; i < 4; i++) {
    world w;
    CHECK_ALL(world_open(&w, types[i % 2], mtu, i < 2 ? 0 : TLS_FLAG_TRACE | TLS_FLAG_PARK_CLIENT_HELLO | TLS_FLAG_KEYLOG));
    run(&w, &fair);
    CHECK(w.client.established && w.server.established);
    CHECK(tls_peer_agreed(w.client.connection)->version == 0xfefd);
    CHECK(dtls_timeout(w.client.connection) < 0 && dtls_timeout(w.server.connection) < 0);
    CHECK(dtls_set_mtu(w.client.connection, mtu) == TLS_DONE);
    CHECK_ALL(exchange(&w, &fair));
    CHECK(tls_close_write(w.client.connection) == TLS_DONE && tls_close_write(w.server.connection) == TLS_DONE);
    run(&w, &fair);
    CHECK(w.client.status == TLS_CLOSED && w.server.status == TLS_CLOSED);
    world_close(&w);
  }
  return NULL;
}

/* Whatever comes: each call ends in a status. Nothing is sent again, since the clock is the machine's. */
static const char *bad_weather(const void *unused) {
  (void)unused;
  for (uint32_t seed = 1; seed <= 150; seed++) {
    world w;
    weather v = {.n = {seed * 91u}, .loss = 15, .doubling = 4, .damage = seed % 3 ? 8 : 0};
    CHECK_ALL(world_open(&w, "P-256", seed % 2 ? 300 : 1200, seed & 4 ? TLS_FLAG_TRACE : 0));
    run(&w, &v);
    for (int turn = 0; turn < 10; turn++) {
      if (w.client.established) dtls_write(w.client.connection, plaintext, 1 + noise_below(&v.n, dtls_room(w.client.connection)));
      if (w.server.established) dtls_write(w.server.connection, plaintext, 1 + noise_below(&v.n, dtls_room(w.server.connection)));
      run(&w, &v);
    }
    for (int i = 0; i < 2; i++) {
      side *s = i ? &w.client : &w.server;
      CHECK(s->status <= 0 && s->status >= TLS_ERROR);
      CHECK(dtls_handle_timeout(s->connection) == (s->status == TLS_ERROR ? TLS_ERROR : TLS_DONE));
    }
    world_close(&w);
  }
  return NULL;
}

static const char *lost_flight(const void *unused) {
  (void)unused;
  static uint8_t datagram[65536];
  world w;
  weather fair = {.n = {1}};
  CHECK_ALL(world_open(&w, "P-256", 1200, 0));
  drive(&w.client);
  CHECK(dtls_take(w.client.connection, datagram, sizeof datagram) > 0);
  CHECK(dtls_timeout(w.client.connection) > 0 && dtls_handle_timeout(w.client.connection) == TLS_DONE);
  CHECK(dtls_take(w.client.connection, datagram, sizeof datagram) == 0);
  while (dtls_timeout(w.client.connection) > 0) nanosleep(&(struct timespec){.tv_nsec = 50000000}, NULL);
  CHECK(dtls_handle_timeout(w.client.connection) == TLS_DONE);
  run(&w, &fair);
  CHECK(w.client.established && w.server.established);
  world_close(&w);
  return NULL;
}

/* ---- Strangers. ---- */

/* The client's next datagram. */
static uint32_t hello_of(side *client, uint8_t *out) {
  drive(client);
  return dtls_take(client->connection, out, 65536);
}

static const char *listens(const void *unused) {
  (void)unused;
  static uint8_t hello[66000], reply[65536], damaged[66000];
  world w;
  weather fair = {.n = {1}};
  CHECK_ALL(world_open(&w, "P-256", 1200, 0));
  tls_connection *listener = server_open(&w, TLS_FLAG_TRACE);
  CHECK(dtls_set_peer(listener, peer, sizeof peer) == TLS_DONE);
  uint32_t length = hello_of(&w.client, hello);
  CHECK(dtls_listen(listener, hello, length) == TLS_WANT_READ);
  uint32_t answered = dtls_take(listener, reply, sizeof reply);
  CHECK(answered > 0 && answered < length && tls_event_take(listener) == NULL);
  CHECK(dtls_receive(w.client.connection, reply, answered) == TLS_DONE);
  length = hello_of(&w.client, hello);
  noise n = {5};
  for (int i = 0; i < 3000; i++) {
    memcpy(damaged, hello, length);
    size_t arriving = noise_mutate(&n, damaged, length, length + 64);
    CHECK(dtls_set_peer(listener, peer, 1 + noise_below(&n, 10)) == TLS_DONE); /* another one */
    CHECK(dtls_listen(listener, damaged, arriving) == TLS_WANT_READ);
    dtls_take(listener, reply, sizeof reply);
  }
  CHECK(dtls_set_peer(listener, peer, sizeof peer) == TLS_DONE);
  CHECK(dtls_listen(listener, hello, length) == TLS_DONE);
  tls_connection_free(w.server.connection);
  w.server = (side){.connection = listener};
  run(&w, &fair);
  CHECK(w.client.established && w.server.established);
  CHECK_ALL(exchange(&w, &fair));
  world_close(&w);
  return NULL;
}

static const char *secrets(const void *unused) {
  (void)unused;
  static uint8_t hello[65536], reply[65536];
  world w;
  CHECK_ALL(world_open(&w, "P-256", 1200, 0));
  tls_connection *listener = server_open(&w, 0);
  CHECK(dtls_set_peer(listener, peer, sizeof peer) == TLS_DONE);
  uint32_t length = hello_of(&w.client, hello);
  entropy_fails = 1; /* the generator has been seeded long ago, so this changes nothing; a listener survives either way */
  CHECK(dtls_listen(listener, hello, length) == TLS_WANT_READ);
  entropy_fails = 0;
  dtls_receive(w.client.connection, reply, dtls_take(listener, reply, sizeof reply));
  length = hello_of(&w.client, hello);
  CHECK(dtls_replace_cookie_secret(w.server_context) == TLS_DONE);
  CHECK(dtls_listen(listener, hello, length) == TLS_WANT_READ);
  tls_context_free(w.server_context); /* the connections keep its secret */
  w.server_context = NULL;
  dtls_take(listener, reply, sizeof reply);
  CHECK(dtls_listen(listener, hello, length) == TLS_WANT_READ && dtls_take(listener, reply, sizeof reply) > 0);
  tls_connection_free(listener);
  world_close(&w);
  return NULL;
}

/* ---- Parked, and asked for what only streams have. ---- */

/* Drives both without answering; whoever is parked is left in its place. */
static void run_parked(world *w, weather *v) {
  static uint8_t datagram[66000];
  for (int moved = 1; moved > 0;) {
    moved = 0;
    for (int i = 0; i < 2; i++) {
      side *from = i ? &w->server : &w->client, *to = i ? &w->client : &w->server;
      uint32_t length;
      if (!from->established) from->status = tls_handshake(from->connection), from->established = from->status == TLS_DONE;
      while ((length = dtls_take(from->connection, datagram, 65536)) > 0) {
        moved++;
        dtls_receive(to->connection, datagram, length);
        if (happens(v, v->doubling)) dtls_receive(to->connection, datagram, length);
      }
    }
  }
}

static const char *parks(const void *unused) {
  (void)unused;
  for (int how = 0; how < 6; how++) {
    world w;
    weather v = {.n = {7}, .doubling = how % 2 ? 3 : 0};
    int answers = 0;
    CHECK_ALL(world_open(&w, "P-256", 600, TLS_FLAG_PARK_CLIENT_HELLO | TLS_FLAG_PARK_VERIFY));
    for (int turn = 0; turn < 10 && !(w.client.established && w.server.established); turn++) {
      run_parked(&w, &v);
      for (int i = 0; i < 2; i++) {
        tls_connection *c = i ? w.server.connection : w.client.connection;
        if ((i ? w.server : w.client).status != TLS_WANT_CALLBACK) continue;
        answers++;
        CHECK(tls_handshake(c) == TLS_WANT_CALLBACK);
        if (dtls_timeout(c) >= 0) CHECK(dtls_handle_timeout(c) == TLS_DONE);
        CHECK(tls_resume(c, how >= 4 && answers == how - 3 ? 49 : -1) == TLS_DONE);
      }
    }
    run_parked(&w, &v);
    CHECK(how >= 4 || (answers == 2 && w.client.established && w.server.established));
    CHECK(how < 4 || !(w.client.established && w.server.established));
    if (how < 4) {
      tls_connection *c = w.client.connection;
      CHECK(tls_key_update(c, 1) == TLS_ERROR && tls_send_ticket(c) == TLS_ERROR && tls_request_certificate(c, 3) == TLS_ERROR);
      CHECK(!tls_connection_failed(c));
      CHECK(tls_abort(c, 49) == TLS_ERROR);
      run_parked(&w, &v);
    }
    world_close(&w);
  }
  return NULL;
}

/* A signature that comes later: good, nonsense, refused, never. Meanwhile the client asks again. */
static const char *signed_later(const void *unused) {
  (void)unused;
  for (int how = 0; how < 4; how++) {
    world w;
    weather v = {.n = {9}, .doubling = 3};
    uint8_t signature[100];
    size_t length = sizeof signature;
    CHECK_ALL(world_open(&w, "P-256", 300, 0));
    CHECK(tls_context_use_signer(w.server_context, TLS_SIGNER_LATER) == TLS_DONE);
    tls_connection_free(w.server.connection);
    w.server = (side){.connection = server_open(&w, 0)};
    CHECK(w.server.connection != NULL);
    run_parked(&w, &v);
    CHECK(w.server.status == TLS_WANT_CALLBACK);
    tls_bytes *asked = side_event(&w.server, TLS_EVENT_SIGN);
    CHECK(asked != NULL && sign_with(leaf_of("P-256")->key, asked->detail, (const uint8_t *)(asked + 1), asked->length, signature, &length));
    tls_bytes_free(asked);
    signature[length - 1] ^= how == 1;
    if (how < 2) CHECK(tls_resume_signature(w.server.connection, signature, length) == TLS_DONE);
    if (how == 2) CHECK(tls_resume(w.server.connection, 49) == TLS_DONE);
    run_parked(&w, &v);
    CHECK(w.client.established == (how == 0) && w.server.established == (how == 0));
    CHECK(w.server.status == (how == 0 ? TLS_DONE : how == 3 ? TLS_WANT_CALLBACK : TLS_ERROR));
    world_close(&w);
  }
  return NULL;
}

/* Datagrams that look like records at first, to both sides, at any time. They are dropped, and the connection goes on. */
static const char *nonsense(const void *unused) {
  (void)unused;
  static uint8_t bytes[2000];
  for (uint32_t seed = 1; seed <= 40; seed++) {
    world w;
    weather fair = {.n = {seed}};
    CHECK_ALL(world_open(&w, "P-256", 1200, seed & 1 ? TLS_FLAG_TRACE : 0));
    for (int turn = 0; turn < 60; turn++) {
      side *s = turn & 1 ? &w.client : &w.server;
      size_t length = 1 + noise_below(&fair.n, turn % 3 ? 60 : sizeof bytes - 1);
      for (size_t i = 0; i < length; i++) bytes[i] = (uint8_t)noise_below(&fair.n, 256);
      bytes[0] = (uint8_t)(20 + noise_below(&fair.n, 6));
      bytes[1] = 0xfe;
      bytes[2] = 0xfd;
      bytes[3] = 0;
      bytes[4] = (uint8_t)(turn % 5 == 0); /* epoch */
      if (length > 12) bytes[11] = 0, bytes[12] = (uint8_t)(length - 13);
      if (turn > 30 && length > 13) bytes[0] = 22, bytes[13] = (uint8_t)noise_below(&fair.n, 25); /* a handshake message */
      dtls_receive(s->connection, bytes, length);
      if (turn == 30 && seed % 2) run(&w, &fair);
      drive(s);
      CHECK(s->status <= 0 && s->status >= TLS_ERROR);
    }
    run(&w, &fair);
    world_close(&w);
  }
  return NULL;
}

void datagram_cases(void) {
  static const uint32_t mtus[] = {208, 1200, 9000};
  run_case("datagrams: 20,000 through the queue", queue, NULL);
  run_case("datagrams: the limits of the queue", queue_limits, NULL);
  run_case("datagrams: handshakes with an MTU of 208", handshake, &mtus[0]);
  run_case("datagrams: handshakes with an MTU of 1200", handshake, &mtus[1]);
  run_case("datagrams: handshakes with an MTU of 9000", handshake, &mtus[2]);
  run_case("datagrams: 150 connections, lost, doubled and damaged", bad_weather, NULL);
  run_case("datagrams: a lost flight is sent again", lost_flight, NULL);
  run_case("datagrams: a listener and 3000 damaged ClientHellos", listens, NULL);
  run_case("datagrams: cookie secrets", secrets, NULL);
  run_case("datagrams: parked handshakes", parks, NULL);
  run_case("datagrams: a signature that comes later", signed_later, NULL);
  run_case("datagrams: nonsense to both sides", nonsense, NULL);
}
