/*
 * Handshakes that wait for an answer. OpenSSL can be suspended where it asks for a decision (SSL_want(3)): at the ClientHello, where
 * a client certificate is asked for, and where a server's certificate has been looked at. There the host gets an event, the handshake
 * says TLS_WANT_CALLBACK, and tls_resume goes on; a server can stop in the same way where a client asks for a new handshake. Two more places OpenSSL does not offer, and are made here: a server that looks at
 * a client's certificate holds the complete handshake back, and a TLS 1.2 PSK identity is held back by the incoming BIO (psk.c).
 */
#include <string.h>

#include "signer.h"

int park(tls_connection *c, uint32_t kind, const void *data, size_t length) {
  if (c->waiting == kind) return 1; /* asked already */
  if (!event_push(c, kind, 0, data, length)) return 0;
  c->waiting = kind;
  return 1;
}

int park_answered(const tls_connection *c, uint32_t kind) { return (c->answered >> kind & 1) != 0; }

int32_t tls_resume(tls_connection *c, int32_t alert) {
  if (signature_is_awaited(c)) return signature_resume(c, alert);
  if (c->waiting == 0) return library_failed_with("nothing is waiting for an answer");
  c->answered |= 1u << c->waiting;
  c->waiting = 0;
  c->refuse = alert;
  return TLS_DONE;
}

/* ---- Server: the ClientHello. ---- */

/* One that asks for a new handshake. What we have asked for ourselves needs no decision; what is too much gets none. */
static int on_renegotiation(tls_connection *c, int *alert) {
  if (!(c->flags & TLS_FLAG_PARK_RENEGOTIATION) || c->renegotiating) return SSL_CLIENT_HELLO_SUCCESS;
  if (!renegotiation_exceeded(c)) {
    if (!park_answered(c, TLS_EVENT_RENEGOTIATION)) /* an error is internal_error unless we say otherwise */
      return park(c, TLS_EVENT_RENEGOTIATION, NULL, 0) ? SSL_CLIENT_HELLO_RETRY : SSL_CLIENT_HELLO_ERROR;
    c->answered &= ~(1u << TLS_EVENT_RENEGOTIATION); /* the next one is asked about again */
    if (c->refuse < 0) return SSL_CLIENT_HELLO_SUCCESS;
  }
  *alert = renegotiation_exceeded(c) ? SSL_AD_NO_RENEGOTIATION : c->refuse;
  if (*alert == SSL_AD_NO_RENEGOTIATION) renegotiation_end(c); /* with its own reason */
  return SSL_CLIENT_HELLO_ERROR;
}

static int on_client_hello(SSL *ssl, int *alert, void *unused) {
  tls_connection *c = connection_of(ssl);
  (void)unused;
  if (c->established) return on_renegotiation(c, alert);
  if (!(c->flags & TLS_FLAG_PARK_CLIENT_HELLO)) return SSL_CLIENT_HELLO_SUCCESS;
  if (park_answered(c, TLS_EVENT_CLIENT_HELLO)) { /* stays answered: a HelloRetryRequest brings a second ClientHello */
    if (c->refuse < 0) return SSL_CLIENT_HELLO_SUCCESS;
    *alert = c->refuse;
    return SSL_CLIENT_HELLO_ERROR;
  }
  if (c->client_hello == NULL) return SSL_CLIENT_HELLO_ERROR; /* no memory to keep it in */
  return park(c, TLS_EVENT_CLIENT_HELLO, c->client_hello, c->client_hello_length) ? SSL_CLIENT_HELLO_RETRY : SSL_CLIENT_HELLO_ERROR;
}

/* ---- Client: the request for a certificate. ---- */

/* The acceptable CAs' names, each in DER behind its uint32 length. */
static int park_certificate_request(tls_connection *c) {
  const STACK_OF(X509_NAME) *names = SSL_get0_peer_CA_list(c->ssl);
  BIO *list = BIO_new(BIO_s_mem());
  int ok = list != NULL;
  char *data;
  for (int i = 0; ok && i < sk_X509_NAME_num(names); i++) {
    unsigned char *der = NULL;
    int length = i2d_X509_NAME(sk_X509_NAME_value(names, i), &der);
    ok = length > 0 && put_counted(list, der, (size_t)length);
    OPENSSL_free(der);
  }
  long length = ok ? BIO_get_mem_data(list, &data) : 0;
  ok = ok && park(c, TLS_EVENT_CERTIFICATE_REQUEST, length > 0 ? data : NULL, (size_t)length);
  BIO_free(list);
  return ok;
}

static int signs(EVP_PKEY *key, int scheme) {
  int type = EVP_PKEY_get_base_id(key);
  return type == scheme || (type == EVP_PKEY_RSA && scheme == EVP_PKEY_RSA_PSS);
}

/* Of several certificates one that the server can check: OpenSSL finds it by itself, but on clients of TLS 1.2 it looks at one only. */
static int choose_certificate(SSL *ssl) {
  int scheme, count = SSL_version(ssl) >= TLS1_3_VERSION ? 0 : SSL_get_shared_sigalgs(ssl, 0, NULL, NULL, NULL, NULL, NULL);
  for (int i = 0; i < count; i++) {
    SSL_get_shared_sigalgs(ssl, i, &scheme, NULL, NULL, NULL, NULL);
    for (long which = SSL_CERT_SET_FIRST; SSL_set_current_cert(ssl, which); which = SSL_CERT_SET_NEXT)
      if (signs(SSL_get_privatekey(ssl), scheme)) return 1;
  }
  return 1; /* none: the server gets none */
}

static int on_certificate_request(SSL *ssl, void *pointer) {
  tls_connection *c = pointer;
  if (!(c->flags & TLS_FLAG_PARK_CERTIFICATE_REQUEST)) return choose_certificate(ssl);
  if (park_answered(c, TLS_EVENT_CERTIFICATE_REQUEST)) {
    c->answered &= ~(1u << TLS_EVENT_CERTIFICATE_REQUEST); /* it may be asked for again after the handshake */
    if (c->refuse >= 0) tls_abort(c, (uint32_t)c->refuse);
    return c->refuse < 0 && choose_certificate(ssl);
  }
  return park_certificate_request(c) ? -1 : 0;
}

/* ---- Both: the peer's certificate. ---- */

/* The answer may overrule OpenSSL's verdict, either way. @return 1 if the certificate is accepted; else a fatal alert was sent */
static int verdict_given(tls_connection *c) {
  if (c->refuse < 0) {
    c->verify_result = X509_V_OK;
    if (SSL_session_reused(c->ssl)) SSL_set_verify_result(c->ssl, X509_V_OK); /* which is where the verdict is then */
    return 1;
  }
  if (c->verify_result == X509_V_OK) c->verify_result = X509_V_ERR_APPLICATION_VERIFICATION;
  tls_abort(c, (uint32_t)(c->refuse == TLS_ALERT_OF_VERDICT ? ssl_x509err2alert(c->verify_result) : c->refuse));
  return 0;
}

/* Refuses, whatever the mode is: who cannot compare or ask does not know. */
static int verify_without_memory(tls_connection *c, X509_STORE_CTX *store) {
  c->verify_result = X509_V_ERR_OUT_OF_MEM;
  X509_STORE_CTX_set_error(store, X509_V_ERR_OUT_OF_MEM);
  return 0;
}

/* Errors have not stopped verification (verify.c). An alert sent here stands: OpenSSL's own would come second. */
static int park_verify(tls_connection *c, X509_STORE_CTX *store) {
  if (!park_answered(c, TLS_EVENT_VERIFY)) {
    if (!park(c, TLS_EVENT_VERIFY, NULL, 0)) return verify_without_memory(c, store);
    (void)SSL_set_retry_verify(c->ssl);
    return 1;
  }
  c->answered &= ~(1u << TLS_EVENT_VERIFY);
  int before = c->verify_result, accepted = verdict_given(c);
  /* Accepted in this connection only: the session remembers why it would not have been. */
  X509_STORE_CTX_set_error(store, accepted ? before : c->verify_result);
  return accepted;
}

/* A certificate that is valid is not yet the one we want. A client with a pre-shared key wants none: it may not even know for whom. */
static int own_verdict(const tls_connection *c, X509_STORE_CTX *store) {
  if (psk_is_expected(c)) return VERIFY_PSK_EXPECTED;
  return trust_pins_hold(c, X509_STORE_CTX_get0_chain(store)) ? X509_V_OK : VERIFY_PIN_MISMATCH;
}

int on_verify(X509_STORE_CTX *store, void *unused) {
  tls_connection *c = connection_of(X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx()));
  (void)unused;
  /* libssl has done this, too, without a look at whether it worked: without memory, names and policies to compare with would be missing. */
  if (!X509_VERIFY_PARAM_set1(X509_STORE_CTX_get0_param(store), SSL_get0_param(c->ssl))) return verify_without_memory(c, store);
  int ok = X509_verify_cert(store);
  int verdict = ok > 0 ? own_verdict(c, store) : X509_V_OK;
  if (verdict != X509_V_OK) {
    if (c->verify_result == X509_V_OK) c->verify_result = verdict;
    X509_STORE_CTX_set_error(store, X509_V_ERR_APPLICATION_VERIFICATION);
    ok = c->verify_mode == TLS_VERIFY_NONE || c->verify_mode == TLS_VERIFY_RECORD;
  }
  /* What is only recorded goes into the session as it is told: with the first reason, not the last. */
  if (ok > 0 && c->verify_result != X509_V_OK) X509_STORE_CTX_set_error(store, c->verify_result);
  return c->flags & TLS_FLAG_PARK_VERIFY && c->role == TLS_ROLE_CLIENT ? park_verify(c, store) : ok;
}

/* A server cannot be suspended while it verifies; so its handshake is complete, but that is not told before the answer. */
int32_t park_after_handshake(tls_connection *c) {
  if (c->role == TLS_ROLE_CLIENT || !(c->flags & TLS_FLAG_PARK_VERIFY) || SSL_get0_peer_certificate(c->ssl) == NULL) return TLS_DONE;
  if (!park_answered(c, TLS_EVENT_VERIFY))
    return park(c, TLS_EVENT_VERIFY, NULL, 0) ? TLS_WANT_CALLBACK : tls_abort(c, SSL_AD_INTERNAL_ERROR);
  return verdict_given(c) ? TLS_DONE : TLS_ERROR;
}

void park_attach(tls_connection *c) {
  if (c->flags & (TLS_FLAG_PARK_CLIENT_HELLO | TLS_FLAG_PARK_RENEGOTIATION))
    SSL_CTX_set_client_hello_cb(SSL_get_SSL_CTX(c->ssl), on_client_hello, NULL);
  if (c->role == TLS_ROLE_CLIENT) SSL_set_cert_cb(c->ssl, on_certificate_request, c);
  if (c->flags & TLS_FLAG_PARK_PSK) psk_hold(c);
}
