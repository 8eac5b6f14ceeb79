/*
 * What OpenSSL tells through callbacks becomes a queue of events, drained by the host after the call returns: no callback ever
 * crosses into JavaScript while OpenSSL is on the stack.
 */
#include <string.h>

#include "internal.h"

tls_bytes *bytes_new(uint32_t kind, uint32_t detail, const void *data, size_t length) {
  tls_bytes *bytes = OPENSSL_malloc(sizeof *bytes + length);
  if (bytes == NULL) return NULL;
  *bytes = (tls_bytes){.length = (uint32_t)length, .kind = kind, .detail = detail};
  if (length > 0 && data != NULL) memcpy(bytes + 1, data, length);
  return bytes;
}

void event_push(tls_connection *c, uint32_t kind, uint32_t detail, const void *data, size_t length) {
  event_node *node = OPENSSL_malloc(sizeof *node);
  tls_bytes *bytes = bytes_new(kind, detail, data, length);
  if (node == NULL || bytes == NULL) { /* an event lost to a full heap must not break the connection */
    OPENSSL_free(node);
    tls_bytes_free(bytes);
    return;
  }
  *node = (event_node){bytes, NULL};
  *c->events_end = node;
  c->events_end = &node->next;
}

tls_bytes *tls_event_take(tls_connection *c) {
  event_node *node = c->events;
  if (node == NULL) return NULL;
  tls_bytes *bytes = node->bytes;
  if ((c->events = node->next) == NULL) c->events_end = &c->events;
  OPENSSL_free(node);
  return bytes;
}

void events_release(tls_connection *c) {
  tls_bytes *bytes;
  while ((bytes = tls_event_take(c)) != NULL) tls_bytes_free(bytes);
}

/* ---- OpenSSL's callbacks. ---- */

static void on_keylog(const SSL *ssl, const char *line) {
  tls_connection *c = connection_of(ssl);
  if (c != NULL && c->flags & TLS_FLAG_KEYLOG) event_push(c, TLS_EVENT_KEYLOG, 0, line, strlen(line));
}

/* Returning 0 leaves the reference with OpenSSL: the event carries a copy. */
static int on_session(SSL *ssl, SSL_SESSION *session) {
  tls_connection *c = connection_of(ssl);
  if (c == NULL || !(c->flags & TLS_FLAG_SESSIONS) || !SSL_SESSION_is_resumable(session)) return 0;
  unsigned char *der = NULL;
  int length = i2d_SSL_SESSION(session, &der);
  if (length > 0) event_push(c, TLS_EVENT_SESSION, (uint32_t)SSL_SESSION_get_ticket_lifetime_hint(session), der, (size_t)length);
  OPENSSL_clear_free(der, length > 0 ? (size_t)length : 0);
  return 0;
}

static void on_info(const SSL *ssl, int where, int value) {
  tls_connection *c = connection_of(ssl);
  if (where & SSL_CB_ALERT) {
    uint32_t direction = where & SSL_CB_WRITE ? TLS_DIRECTION_SENT : TLS_DIRECTION_RECEIVED;
    if (direction == TLS_DIRECTION_SENT)
      c->error.alert_sent = value & 0xff;
    else
      c->error.alert_received = value & 0xff;
    event_push(c, TLS_EVENT_ALERT, direction << 16 | ((uint32_t)value & 0xffff), NULL, 0);
  } else if (c->flags & TLS_FLAG_TRACE && where & SSL_CB_LOOP) {
    const char *state = SSL_state_string_long(ssl);
    event_push(c, TLS_EVENT_STATE, 0, state, strlen(state));
  }
}

static void on_message(int sent, int version, int type, const void *message, size_t length, SSL *ssl, void *unused) {
  (void)version, (void)unused;
  event_push(connection_of(ssl), TLS_EVENT_MESSAGE, (uint32_t)(sent ? TLS_DIRECTION_SENT : TLS_DIRECTION_RECEIVED) << 16 | (uint32_t)type,
             message, length);
}

static int on_client_hello(SSL *ssl, int *alert, void *unused);

void events_attach(tls_connection *c) {
  SSL_CTX *context = SSL_get_SSL_CTX(c->ssl);
  SSL_set_info_callback(c->ssl, on_info);
  if (c->flags & TLS_FLAG_TRACE) SSL_set_msg_callback(c->ssl, on_message);
  /* These three belong to SSL_CTX, so each looks up its connection's flags. Key log lines cost formatting: only when asked for. */
  if (c->flags & TLS_FLAG_KEYLOG) SSL_CTX_set_keylog_callback(context, on_keylog);
  if (c->flags & TLS_FLAG_SESSIONS) SSL_CTX_sess_set_new_cb(context, on_session);
  if (c->flags & TLS_FLAG_PARK_CLIENT_HELLO) SSL_CTX_set_client_hello_cb(context, on_client_hello, NULL);
}

/* ---- The ClientHello: the server's one place for decisions that need time. ---- */

static uint8_t *put(uint8_t *at, const void *bytes, size_t length) {
  if (length > 0) memcpy(at, bytes, length);
  return at + length;
}

static uint8_t *put_number(uint8_t *at, size_t number, int width) {
  while (width-- > 0) *at++ = (uint8_t)(number >> (8 * width));
  return at;
}

/* The ClientHello's body as it came (RFC 8446, 4.1.2); OpenSSL shows it only in parts. Writes nothing when out is NULL. */
static size_t client_hello_body(SSL *ssl, const int *types, size_t count, uint8_t *out) {
  const unsigned char *random, *session, *suites, *compression, *extension;
  size_t random_length = SSL_client_hello_get0_random(ssl, &random), session_length = SSL_client_hello_get0_session_id(ssl, &session);
  size_t suites_length = SSL_client_hello_get0_ciphers(ssl, &suites), length, extensions_length = 0;
  size_t compression_length = SSL_client_hello_get0_compression_methods(ssl, &compression);
  for (size_t i = 0; i < count; i++)
    if (SSL_client_hello_get0_ext(ssl, (unsigned int)types[i], &extension, &length)) extensions_length += 4 + length;
  if (out != NULL) {
    out = put_number(out, SSL_client_hello_get0_legacy_version(ssl), 2);
    out = put(out, random, random_length);
    out = put(put_number(out, session_length, 1), session, session_length);
    out = put(put_number(out, suites_length, 2), suites, suites_length);
    out = put(put_number(out, compression_length, 1), compression, compression_length);
    out = put_number(out, extensions_length, 2);
    for (size_t i = 0; i < count; i++) {
      if (!SSL_client_hello_get0_ext(ssl, (unsigned int)types[i], &extension, &length)) continue;
      out = put(put_number(put_number(out, (size_t)types[i], 2), length, 2), extension, length);
    }
  }
  return 2 + random_length + 1 + session_length + 2 + suites_length + 1 + compression_length + 2 + extensions_length;
}

static int on_client_hello(SSL *ssl, int *alert, void *unused) {
  tls_connection *c = connection_of(ssl);
  (void)unused;
  if (!(c->flags & TLS_FLAG_PARK_CLIENT_HELLO)) return SSL_CLIENT_HELLO_SUCCESS;
  if (c->parked == PARKED_ANSWERED) {
    if (c->refuse < 0) return SSL_CLIENT_HELLO_SUCCESS;
    *alert = c->refuse;
    return SSL_CLIENT_HELLO_ERROR;
  }
  if (c->parked == PARKED_NO) {
    int *types = NULL;
    size_t count = 0;
    if (!SSL_client_hello_get1_extensions_present(ssl, &types, &count)) return SSL_CLIENT_HELLO_ERROR;
    size_t length = client_hello_body(ssl, types, count, NULL);
    uint8_t *body = OPENSSL_malloc(length);
    if (body != NULL) {
      client_hello_body(ssl, types, count, body);
      event_push(c, TLS_EVENT_CLIENT_HELLO, 0, body, length);
      c->parked = PARKED_WAITING;
    }
    OPENSSL_free(types);
    OPENSSL_free(body);
    if (c->parked != PARKED_WAITING) return SSL_CLIENT_HELLO_ERROR;
  }
  return SSL_CLIENT_HELLO_RETRY;
}
