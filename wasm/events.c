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

int event_push(tls_connection *c, uint32_t kind, uint32_t detail, const void *data, size_t length) {
  event_node *node = OPENSSL_malloc(sizeof *node);
  tls_bytes *bytes = bytes_new(kind, detail, data, length);
  if (node == NULL || bytes == NULL) {
    OPENSSL_free(node);
    tls_bytes_free(bytes);
    return 0;
  }
  *node = (event_node){bytes, NULL};
  *c->events_end = node;
  c->events_end = &node->next;
  return 1;
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

/* ---- OpenSSL's callbacks. What traces, keys, alerts and sessions tell may be lost to a full heap: the connection does not depend on it. ---- */

static void on_keylog(const SSL *ssl, const char *line) {
  tls_connection *c = connection_of(ssl);
  if (c != NULL && c->flags & TLS_FLAG_KEYLOG) event_push(c, TLS_EVENT_KEYLOG, 0, line, strlen(line));
}

/* Length of the id, id, DER: the id is what a server's store files the session under. */
static void session_push(tls_connection *c, SSL_SESSION *session, const tls_bytes *der) {
  unsigned int id_length;
  const unsigned char *id = SSL_SESSION_get_id(session, &id_length);
  size_t length = 1 + id_length + (size_t)der->length;
  uint8_t *data = OPENSSL_malloc(length);
  if (data == NULL) return;
  data[0] = (uint8_t)id_length;
  memcpy(data + 1, id, id_length);
  memcpy(data + 1 + id_length, der + 1, der->length);
  event_push(c, TLS_EVENT_SESSION, (uint32_t)SSL_SESSION_get_timeout(session), data, length);
  OPENSSL_clear_free(data, length);
}

/* Returning 0 leaves the reference with OpenSSL: the event carries a copy. */
static int on_session(SSL *ssl, SSL_SESSION *session) {
  tls_connection *c = connection_of(ssl);
  if (c == NULL || !(c->flags & TLS_FLAG_SESSIONS) || !SSL_SESSION_is_resumable(session)) return 0;
  tls_bytes *der = session_encode(session);
  if (der != NULL) session_push(c, session, der);
  tls_bytes_free(der);
  return 0;
}

/* Post-handshake authentication has no callback: it shows by another certificate. While in it, nobody has proved to have its key yet. */
int events_note_peer(tls_connection *c) {
  X509 *peer = SSL_get0_peer_certificate(c->ssl);
  if (c->established && !SSL_in_init(c->ssl) && peer != c->known_peer) {
    c->known_peer = peer;
    c->untold |= !event_push(c, TLS_EVENT_AGREED, 0, NULL, 0);
  }
  return !c->untold;
}

/*
 * In TLS 1.3 this is called for the first handshake only; before, for each, refused ones too: those leave the Finished as it was. And with
 * early data it is called once too often, before the peer has sent any.
 */
static void on_handshake_done(tls_connection *c) {
  uint8_t finished[sizeof c->finished] = {0};
  if (SSL_get_peer_finished(c->ssl, finished, sizeof finished) == 0) return;
  if (c->established && memcmp(finished, c->finished, sizeof finished) != 0) {
    c->untold |= !event_push(c, TLS_EVENT_AGREED, 0, NULL, 0);
    c->renegotiating = 0;
  }
  memcpy(c->finished, finished, sizeof finished);
  c->established = 1;
  c->known_peer = SSL_get0_peer_certificate(c->ssl);
}

static void on_info(const SSL *ssl, int where, int value) {
  tls_connection *c = connection_of(ssl);
  if (where & SSL_CB_ALERT) {
    uint32_t direction = where & SSL_CB_WRITE ? TLS_DIRECTION_SENT : TLS_DIRECTION_RECEIVED;
    if (direction == TLS_DIRECTION_SENT)
      c->alert_sent = value & 0xff;
    else
      c->alert_received = value & 0xff;
    if ((value & 0xff) == SSL_AD_NO_RENEGOTIATION) c->renegotiating = 0;
    event_push(c, TLS_EVENT_ALERT, direction << 16 | ((uint32_t)value & 0xffff), NULL, 0);
  } else if (where & SSL_CB_HANDSHAKE_START) {
    /* Ours do not count; a server's begins twice, with its HelloRequest and with the client's answer. */
    if (c->established && SSL_version(ssl) < TLS1_3_VERSION && !c->renegotiating) c->renegotiations++;
  } else if (where & SSL_CB_HANDSHAKE_DONE) {
    on_handshake_done(c);
  } else if (c->flags & TLS_FLAG_TRACE && where & SSL_CB_LOOP) {
    const char *state = SSL_state_string_long(ssl);
    event_push(c, TLS_EVENT_STATE, 0, state, strlen(state));
  }
}

/*
 * The first ClientHello is kept for whoever parks there: its raw bytes show even what OpenSSL does not know. With DTLS it is the last,
 * because only the one with the cookie counts.
 */
static void keep_client_hello(tls_connection *c, const uint8_t *message, size_t length) {
  int datagrams = SSL_is_dtls(c->ssl);
  size_t header = datagrams ? DTLS1_HM_HEADER_LENGTH : SSL3_HM_HEADER_LENGTH;
  if ((c->client_hello != NULL && !datagrams) || length < header || message[0] != SSL3_MT_CLIENT_HELLO) return;
  OPENSSL_free(c->client_hello);
  c->client_hello = OPENSSL_memdup(message + header, length - header);
  c->client_hello_length = length - header;
}

static void on_message(int sent, int version, int type, const void *message, size_t length, SSL *ssl, void *unused) {
  tls_connection *c = connection_of(ssl);
  (void)version, (void)unused;
  if (!sent && type == SSL3_RT_HANDSHAKE && c->flags & TLS_FLAG_PARK_CLIENT_HELLO) keep_client_hello(c, message, length);
  if (!(c->flags & TLS_FLAG_TRACE)) return;
  event_push(c, TLS_EVENT_MESSAGE, (uint32_t)(sent ? TLS_DIRECTION_SENT : TLS_DIRECTION_RECEIVED) << 16 | (uint32_t)type,
             message, length);
}

void events_attach(tls_connection *c) {
  SSL_CTX *context = SSL_get_SSL_CTX(c->ssl);
  SSL_set_info_callback(c->ssl, on_info);
  SSL_set_msg_callback(c->ssl, on_message); /* always: a record layer made without it reports no headers to one that is set later */
  /* These two belong to SSL_CTX, so each looks up its connection's flags. Key log lines cost formatting: only when asked for. */
  if (c->flags & TLS_FLAG_KEYLOG) SSL_CTX_set_keylog_callback(context, on_keylog);
  if (c->flags & TLS_FLAG_SESSIONS) SSL_CTX_sess_set_new_cb(context, on_session);
}

void tls_connection_report(tls_connection *c, uint32_t flags) {
  c->flags |= flags & (TLS_FLAG_TRACE | TLS_FLAG_KEYLOG);
  events_attach(c);
}
