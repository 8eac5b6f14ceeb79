/* What can happen to a connection beside reading and writing: early data, new keys, new handshakes, our own alerts. */
#include "internal.h"

/*
 * OpenSSL's way to send a fatal alert and enter its error state. It is no public function, and there is none: but without it a
 * connection could not be refused for the host's reasons in TLS's own words. The library is linked statically and pinned, so the
 * symbol cannot change under us. It fills in the reason of an error that ERR_new(3) has begun.
 */
extern void ossl_statem_fatal(SSL *ssl, int alert, int reason, const char *format, ...);

static int32_t abort_because(tls_connection *c, uint32_t alert, int reason) {
  if (c->failed) return TLS_ERROR;
  ERR_clear_error();
  ERR_new();
  ossl_statem_fatal(c->ssl, (int)alert, reason, NULL);
  return status_of(c, -1);
}

int32_t tls_abort(tls_connection *c, uint32_t alert) {
  return abort_because(c, alert, c->verify_result != X509_V_OK ? SSL_R_CERTIFICATE_VERIFY_FAILED : SSL_R_CALLBACK_FAILED);
}

int renegotiation_exceeded(const tls_connection *c) {
  const tls_context *context = context_of(SSL_get_SSL_CTX(c->ssl));
  return context->renegotiations > 0 && c->renegotiations > context->renegotiations; /* with 0 OpenSSL refuses, and goes on */
}

int32_t renegotiation_end(tls_connection *c) { return abort_because(c, SSL_AD_NO_RENEGOTIATION, SSL_R_NO_RENEGOTIATION); }

/* ---- 0-RTT (RFC 8446, 2.3). ---- */

int32_t early_data_read(tls_connection *c) {
  static uint8_t buffer[SSL3_RT_MAX_PLAIN_LENGTH];
  for (;;) {
    size_t length = 0;
    ERR_clear_error();
    int result = SSL_read_early_data(c->ssl, buffer, sizeof buffer, &length);
    int told = length == 0 || event_push(c, TLS_EVENT_EARLY_DATA, 0, buffer, length);
    OPENSSL_cleanse(buffer, length);
    if (!told) return tls_abort(c, SSL_AD_INTERNAL_ERROR); /* the client takes it for delivered */
    if (result == SSL_READ_EARLY_DATA_ERROR) return status_of(c, 0);
    if (result == SSL_READ_EARLY_DATA_FINISH) {
      c->early_data_finished = 1;
      return TLS_DONE;
    }
  }
}

int32_t tls_write_early(tls_connection *c, const uint8_t *plaintext, size_t length) {
  size_t written;
  if (c->failed) return TLS_ERROR;
  if (length > SSL3_RT_MAX_PLAIN_LENGTH) length = SSL3_RT_MAX_PLAIN_LENGTH;
  if (ring_free(&c->outgoing) < length + RECORD_ROOM) return TLS_WANT_WRITE;
  ERR_clear_error();
  return SSL_write_early_data(c->ssl, plaintext, length, &written) ? (int32_t)written : status_of(c, 0);
}

/* ---- After the handshake. ---- */

/* Sends what a call before has only noted. */
static int32_t flush_handshake(tls_connection *c, int ok) {
  if (!ok) return library_failed_or("it is too early, or not for this role and version");
  int32_t status = status_of(c, SSL_do_handshake(c->ssl));
  return status == TLS_WANT_READ ? TLS_DONE : status; /* sent; the answer comes with the next read */
}

int32_t tls_set_max_send_fragment(tls_connection *c, uint32_t size) {
  ERR_clear_error();
  return SSL_set_max_send_fragment(c->ssl, size) ? TLS_DONE : library_failed();
}

int32_t tls_key_update(tls_connection *c, uint32_t request) {
  if (c->failed) return TLS_ERROR;
  ERR_clear_error();
  return flush_handshake(c, SSL_key_update(c->ssl, request ? SSL_KEY_UPDATE_REQUESTED : SSL_KEY_UPDATE_NOT_REQUESTED));
}

int32_t tls_renegotiate(tls_connection *c) {
  if (c->failed) return TLS_ERROR;
  ERR_clear_error();
  int ok = SSL_renegotiate(c->ssl);
  if (ok) c->renegotiating = 1; /* ours does not count against the peer's limit */
  return flush_handshake(c, ok);
}

void tls_refuse_renegotiation(tls_connection *c) { SSL_set_options(c->ssl, SSL_OP_NO_RENEGOTIATION); }

int32_t tls_request_certificate(tls_connection *c, uint32_t mode) {
  if (c->failed) return TLS_ERROR;
  tls_connection_set_verify(c, mode, NULL);
  ERR_clear_error();
  return flush_handshake(c, SSL_verify_client_post_handshake(c->ssl));
}

int32_t tls_send_ticket(tls_connection *c) {
  if (c->failed) return TLS_ERROR;
  ERR_clear_error();
  return flush_handshake(c, SSL_new_session_ticket(c->ssl));
}
