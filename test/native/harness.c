/* See harness.h: connections joined in memory, and the entropy that wasm/entropy.c imports. */
#include "harness.h"

#include <time.h>
#include <unistd.h>

/* ---- Randomness ---- */

int entropy_fails;
unsigned entropy_calls;

/* The module's import, natively. */
int32_t membio_getrandom(uint8_t *out, uint32_t length);
int32_t membio_getrandom(uint8_t *out, uint32_t length) {
  entropy_calls++;
  return entropy_fails ? -1 : getentropy(out, length);
}

uint32_t noise_below(noise *n, uint32_t below) {
  uint32_t t = n->state += 0x6d2b79f5u; /* mulberry32 */
  t = (t ^ t >> 15) * (t | 1);
  t ^= t + (t ^ t >> 7) * (t | 61);
  return (uint32_t)((uint64_t)(t ^ t >> 14) * below >> 32);
}

size_t noise_mutate(noise *n, uint8_t *bytes, size_t length, size_t capacity) {
  if (length == 0) return 0;
  size_t at = noise_below(n, (uint32_t)length), count = 1 + noise_below(n, 40);
  switch (noise_below(n, 5)) {
    case 0:
      bytes[at] ^= (uint8_t)(1u << noise_below(n, 8));
      return length;
    case 1:
      bytes[at] = (uint8_t)noise_below(n, 256);
      return length;
    case 2: /* lost */
      if (count > length - at) count = length - at;
      memmove(bytes + at, bytes + at + count, length - at - count);
      return length - count;
    case 3: /* made up */
      if (count > capacity - length) count = capacity - length;
      memmove(bytes + at + count, bytes + at, length - at);
      for (size_t i = 0; i < count; i++) bytes[at + i] = (uint8_t)noise_below(n, 256);
      return length + count;
    default: /* cut off */
      return at;
  }
}

void pattern_fill(uint8_t *out, size_t length, uint32_t seed) {
  for (size_t i = 0; i < length; i++) out[i] = (uint8_t)((seed = seed * 1664525u + 1013904223u) >> 24);
}

/* ---- Credentials ---- */

void request_add(request *r, const char *name, const void *value, size_t length) {
  const uint32_t lengths[2] = {(uint32_t)strlen(name), (uint32_t)length};
  r->bytes = realloc(r->bytes, r->length + sizeof lengths + lengths[0] + length);
  uint8_t *at = r->bytes + r->length;
  memcpy(at, &lengths[0], 4);
  memcpy(at + 4, name, lengths[0]);
  memcpy(at + 4 + lengths[0], &lengths[1], 4);
  if (length > 0) memcpy(at + 8 + lengths[0], value, length);
  r->length += sizeof lengths + lengths[0] + length;
}

void request_text(request *r, const char *name, const char *text) {
  if (text != NULL) request_add(r, name, text, strlen(text));
}

void request_free(request *r) {
  free(r->bytes);
  *r = (request){NULL, 0};
}

void request_group(request *r, const char *name, request *group) {
  request_add(r, name, group->bytes, group->length);
  request_free(group);
}

void request_extension(request *r, const char *name, const char *value) {
  request group = {NULL, 0};
  request_text(&group, "name", name);
  request_text(&group, "value", value);
  request_group(r, "extension", &group);
}

/* Splits "left=right" at its first equals sign, up to its end or a line's. Returns where the next line begins, or NULL. */
static const char *split(const char *line, char *left, char *right, size_t size) {
  size_t length = strcspn(line, "\n"), name = strcspn(line, "=");
  snprintf(left, size, "%.*s", (int)name, line);
  snprintf(right, size, "%.*s", (int)(length - name - 1), line + name + 1);
  return line[length] == '\n' ? line + length + 1 : NULL;
}

static void request_number(request *r, const char *name, double number) {
  char text[32];
  snprintf(text, sizeof text, "%.0f", number);
  request_text(r, name, text);
}

request certificate_request(const char *key, const char *subject, const char *extensions, double from, double until,
                            const char *issuer_cert, const char *issuer_key) {
  request r = {NULL, 0};
  char left[256], right[256];
  request_text(&r, "key", key);
  request_text(&r, "issuerCert", issuer_cert);
  request_text(&r, "issuerKey", issuer_key);
  request_number(&r, "notBefore", from);
  request_number(&r, "notAfter", until);
  if (*subject != '\0') {
    request group = {NULL, 0};
    split(subject, left, right, sizeof left);
    request_text(&group, "type", left);
    request_text(&group, "value", right);
    request_group(&r, "subject", &group);
  }
  while (extensions != NULL && *extensions != '\0') {
    extensions = split(extensions, left, right, sizeof left);
    request_extension(&r, left, right);
  }
  return r;
}

tls_bytes *certificate_new(const char *key, const char *subject, const char *extensions, double from, double until,
                           const char *issuer_cert, const char *issuer_key) {
  request r = certificate_request(key, subject, extensions, from, until, issuer_cert, issuer_key);
  tls_bytes *der = tls_certificate_create(r.bytes, r.length);
  request_free(&r);
  return der;
}

char *pem_of(const char *label, const uint8_t *der, size_t length) {
  size_t lines = length / 48 + 1;
  char *pem = malloc(lines * 65 + 2 * strlen(label) + 64), *at = pem;
  at += sprintf(at, "-----BEGIN %s-----\n", label);
  for (size_t done = 0; done < length; done += 48) {
    at += EVP_EncodeBlock((unsigned char *)at, der + done, (int)(length - done < 48 ? length - done : 48));
    *at++ = '\n';
  }
  sprintf(at, "-----END %s-----\n", label);
  return pem;
}

static char *pem_from(const char *label, tls_bytes *der) {
  if (der == NULL) {
    fprintf(stderr, "%s\n", tls_library_error()->stack);
    abort();
  }
  char *pem = pem_of(label, (const uint8_t *)(der + 1), der->length);
  tls_bytes_free(der);
  return pem;
}

identity identity_new(const char *type, const char *extensions, const identity *issuer) {
  double now = (double)time(NULL);
  identity one = {NULL, pem_from("PRIVATE KEY", tls_key_create(type))};
  const char *subject = strstr(extensions, "CA:TRUE") ? "CN=authority" : "CN=" HOST;
  one.cert = pem_from("CERTIFICATE", certificate_new(one.key, subject, extensions, now - 300, now + 86400, issuer ? issuer->cert : NULL,
                                                     issuer ? issuer->key : NULL));
  return one;
}

void identity_free(identity *one) {
  free(one->cert);
  free(one->key);
  *one = (identity){NULL, NULL};
}

static identity ca, own, leaves[3];
static const char *const leaf_types[] = {"RSA-2048", "P-256", "Ed25519"};
static const char leaf_extensions[] = "basicConstraints=critical,CA:FALSE\nsubjectAltName=DNS:" HOST ",IP:127.0.0.1";

const identity *authority(void) {
  if (ca.cert == NULL) ca = identity_new("P-256", "basicConstraints=critical,CA:TRUE", NULL);
  return &ca;
}

const identity *self_signed(void) {
  if (own.cert == NULL) own = identity_new("P-256", leaf_extensions, NULL);
  return &own;
}

const identity *leaf_of(const char *type) {
  size_t i = 0;
  while (strcmp(leaf_types[i], type) != 0) i++;
  if (leaves[i].cert == NULL) leaves[i] = identity_new(type, leaf_extensions, authority());
  return &leaves[i];
}

tls_bytes *public_key_of(const identity *one) {
  request r = {NULL, 0};
  request_text(&r, "key", one->key);
  request_text(&r, "form", "public");
  tls_bytes *spki = tls_key_convert(r.bytes, r.length);
  request_free(&r);
  return spki;
}

void credentials_free(void) {
  identity_free(&ca);
  identity_free(&own);
  for (size_t i = 0; i < sizeof leaves / sizeof *leaves; i++) identity_free(&leaves[i]);
}

/* ---- Two connections ---- */

static int context_load(tls_context *c, const identity *with) {
  return tls_context_use_certificate(c, (const uint8_t *)with->cert, strlen(with->cert)) == TLS_DONE &&
         tls_context_use_key(c, (const uint8_t *)with->key, strlen(with->key), NULL) == TLS_DONE;
}

static int context_setup(tls_context *c, const pair_options *o, const identity *with, const char *alpn) {
  const char *ca_pem = authority()->cert;
  uint8_t wire[256];
  if (c == NULL || tls_context_set_versions(c, 0x0303, o->version ? o->version : 0x0304) != TLS_DONE) return 0;
  if (tls_context_add_ca(c, (const uint8_t *)ca_pem, strlen(ca_pem)) != 1) return 0;
  if (with != NULL && !context_load(c, with)) return 0;
  if (tls_context_set_session_id_context(c, (const uint8_t *)"test", 4) != TLS_DONE) return 0;
  if (alpn == NULL) return 1;
  wire[0] = (uint8_t)strlen(alpn);
  memcpy(wire + 1, alpn, wire[0]);
  return tls_context_set_alpn(c, wire, 1u + wire[0]) == TLS_DONE;
}

static int side_open(side *s, tls_context *context, uint32_t role, const pair_options *o) {
  uint32_t flags = role == TLS_ROLE_CLIENT ? (o->flags & ~(uint32_t)TLS_FLAG_PARK_CLIENT_HELLO) | o->client_flags : o->flags | o->server_flags;
  tls_connection_free(s->connection);
  *s = (side){.connection = tls_connection_new(context, role, flags, 65536), .status = TLS_WANT_READ, .plaintext = s->plaintext};
  if (s->plaintext == NULL) s->plaintext = malloc(1 << 20);
  if (s->connection == NULL) return 0;
  if (role == TLS_ROLE_SERVER)
    return tls_connection_set_verify(s->connection, o->mutual ? TLS_VERIFY_REQUIRE : TLS_VERIFY_NONE, NULL) == TLS_DONE;
  return tls_connection_set_servername(s->connection, HOST) == TLS_DONE &&
         tls_connection_set_verify(s->connection, TLS_VERIFY_REQUIRE, o->identity ? o->identity : HOST) == TLS_DONE;
}

const char *pair_contexts(pair *p, const pair_options *o) {
  const char *type = o->type ? o->type : "P-256";
  memset(p, 0, sizeof *p);
  p->cut = o->cut;
  p->client_context = tls_context_new(TLS_PROTOCOL_TLS);
  p->server_context = tls_context_new(TLS_PROTOCOL_TLS);
  CHECK(context_setup(p->client_context, o, !o->mutual ? NULL : o->client ? o->client : leaf_of(type), o->alpn_client));
  CHECK(context_setup(p->server_context, o, o->server ? o->server : leaf_of(type), o->alpn_server));
  return NULL;
}

const char *pair_connect(pair *p, const pair_options *o) {
  CHECK(side_open(&p->client, p->client_context, TLS_ROLE_CLIENT, o));
  CHECK(side_open(&p->server, p->server_context, TLS_ROLE_SERVER, o));
  return NULL;
}

const char *pair_open(pair *p, const pair_options *o) {
  CHECK_ALL(pair_contexts(p, o));
  return pair_connect(p, o);
}

void pair_close(pair *p) {
  tls_connection_free(p->client.connection);
  tls_connection_free(p->server.connection);
  tls_context_free(p->client_context);
  tls_context_free(p->server_context);
  free(p->client.plaintext);
  free(p->server.plaintext);
}

void side_drive(side *s) {
  if (!s->established) {
    s->status = tls_handshake(s->connection);
    s->established = s->status == TLS_DONE;
  }
  while (s->established && !s->idle) {
    s->status = tls_read(s->connection, s->plaintext + s->received, (1 << 20) - s->received);
    if (s->status <= 0) return;
    s->received += (size_t)s->status;
  }
}

void side_deliver(side *to, const uint8_t *bytes, size_t length, size_t cut) {
  for (size_t at = 0; at < length;) {
    uint32_t space;
    uint8_t *out = tls_incoming_space(to->connection, &space);
    size_t count = length - at;
    if (space == 0) return;
    if (count > space) count = space;
    if (cut > 0 && count > cut) count = cut;
    memcpy(out, bytes + at, count);
    tls_incoming_commit(to->connection, (uint32_t)count);
    at += count;
    side_drive(to);
  }
}

uint8_t *side_take(side *from, size_t *length) {
  uint32_t pending = tls_outgoing_pending(from->connection), part;
  uint8_t *all = malloc(pending + 64); /* with room for what a test may add */
  for (*length = 0; *length < pending; *length += part) {
    const uint8_t *at = tls_outgoing_peek(from->connection, &part);
    memcpy(all + *length, at, part);
    tls_outgoing_consume(from->connection, part);
  }
  return all;
}

static size_t transfer(pair *p, side *from, side *to) {
  size_t length;
  side_drive(from);
  uint8_t *bytes = side_take(from, &length);
  side_deliver(to, bytes, length, p->cut);
  free(bytes);
  return length;
}

void pair_run(pair *p) {
  while (transfer(p, &p->client, &p->server) + transfer(p, &p->server, &p->client) > 0) continue;
}

const char *pair_establish(pair *p) {
  pair_run(p);
  if (!p->client.established && p->client.status == TLS_ERROR)
    fprintf(stderr, "client: %s\n", tls_connection_error(p->client.connection)->stack);
  if (!p->server.established && p->server.status == TLS_ERROR)
    fprintf(stderr, "server: %s\n", tls_connection_error(p->server.connection)->stack);
  CHECK(p->client.established && p->server.established);
  return NULL;
}

static const char *send_all(pair *p, side *from, side *to, size_t length, uint32_t seed) {
  uint8_t *plaintext = malloc(length);
  size_t before = to->received;
  pattern_fill(plaintext, length, seed);
  for (size_t at = 0; at < length;) {
    int32_t written = tls_write(from->connection, plaintext + at, length - at);
    if (written > 0) at += (size_t)written;
    if (transfer(p, from, to) == 0 && written <= 0) break;
  }
  pair_run(p);
  int same = to->received == before + length && memcmp(to->plaintext + before, plaintext, length) == 0;
  free(plaintext);
  CHECK(same);
  return NULL;
}

const char *pair_exchange(pair *p, size_t length) {
  CHECK_ALL(send_all(p, &p->client, &p->server, length, 1));
  return send_all(p, &p->server, &p->client, length, 2);
}

tls_bytes *side_event(side *s, uint32_t kind) {
  tls_bytes *event;
  while ((event = tls_event_take(s->connection)) != NULL && event->kind != kind) tls_bytes_free(event);
  return event;
}

int side_saw(side *s, uint32_t kind) {
  tls_bytes *event = side_event(s, kind);
  tls_bytes_free(event);
  return event != NULL;
}

tls_bytes *side_session(side *s) {
  tls_bytes *newest = NULL, *event;
  while ((event = tls_event_take(s->connection)) != NULL) {
    tls_bytes *drop = event->kind == TLS_EVENT_SESSION ? newest : event;
    if (event->kind == TLS_EVENT_SESSION) newest = event;
    tls_bytes_free(drop);
  }
  if (newest == NULL) return NULL;
  uint8_t *data = (uint8_t *)(newest + 1);
  newest->length -= 1u + data[0]; /* the id and its length */
  memmove(data, data + 1 + data[0], newest->length);
  return newest;
}
