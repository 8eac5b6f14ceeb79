/* Whom to trust, beyond a list of CAs: revocation lists, pins, policies, stapled OCSP responses, raw public keys. */
#include <string.h>

#include <openssl/ocsp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "x509.h"

/* All of them or none: of a list that cannot be read, nobody knows what it revokes. */
int32_t tls_context_add_crl(tls_context *context, const uint8_t *bytes, size_t length) {
  ERR_clear_error();
  STACK_OF(X509_CRL) *all = crls_parse(bytes, length);
  int ok = all != NULL;
  for (int i = 0; ok && i < sk_X509_CRL_num(all); i++) ok = X509_STORE_add_crl(SSL_CTX_get_cert_store(context->ssl), sk_X509_CRL_value(all, i));
  sk_X509_CRL_pop_free(all, X509_CRL_free);
  return ok ? TLS_DONE : library_failed();
}

static int bytes_copy(uint8_t **slot, size_t *slot_length, const uint8_t *bytes, size_t length) {
  uint8_t *copy = OPENSSL_memdup(bytes, length);
  if (copy == NULL) return 0;
  OPENSSL_free(*slot);
  *slot = copy;
  *slot_length = length;
  return 1;
}

int32_t tls_context_set_pins(tls_context *context, const uint8_t *digests, size_t length) {
  ERR_clear_error();
  if (length == 0 || length % 32 != 0) return library_failed_with("a pin is a SHA-256 digest of 32 bytes");
  return bytes_copy(&context->pins, &context->pins_length, digests, length) ? TLS_DONE : library_failed();
}

int32_t tls_context_require_policy(tls_context *context, const char *oid) {
  ERR_clear_error();
  ASN1_OBJECT *policy = OBJ_txt2obj(oid, 1);
  X509_VERIFY_PARAM *param = SSL_CTX_get0_param(context->ssl);
  if (policy == NULL) return library_failed();
  if (!X509_VERIFY_PARAM_add0_policy(param, policy)) {
    ASN1_OBJECT_free(policy);
    return library_failed();
  }
  X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_POLICY_CHECK | X509_V_FLAG_EXPLICIT_POLICY);
  return TLS_DONE;
}

/* ---- Pins: checked on the verified chain, so that a certificate beside it proves nothing. ---- */

static int pins_contain(const tls_context *context, const unsigned char digest[32]) {
  for (size_t i = 0; i < context->pins_length; i += 32)
    if (memcmp(context->pins + i, digest, 32) == 0) return 1;
  return 0;
}

static int is_pinned(const tls_context *context, X509 *certificate) {
  unsigned char *spki = NULL, digest[EVP_MAX_MD_SIZE];
  unsigned int length;
  if (X509_digest(certificate, EVP_sha256(), digest, &length) && pins_contain(context, digest)) return 1;
  int spki_length = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate), &spki);
  int found = spki_length > 0 && EVP_Q_digest(NULL, "SHA256", NULL, spki, (size_t)spki_length, digest, NULL) && pins_contain(context, digest);
  OPENSSL_free(spki);
  return found;
}

int trust_pins_hold(const tls_connection *c, STACK_OF(X509) *chain) {
  const tls_context *context = context_of(SSL_get_SSL_CTX(c->ssl));
  if (context == NULL || context->pins == NULL) return 1;
  for (int i = 0; i < sk_X509_num(chain); i++)
    if (is_pinned(context, sk_X509_value(chain, i))) return 1;
  return 0;
}

/* ---- OCSP stapling (RFC 6066, section 8). ---- */

int32_t tls_context_set_ocsp_response(tls_context *context, const uint8_t *der, size_t length) {
  ERR_clear_error();
  const uint8_t *at = der;
  OCSP_RESPONSE *response = d2i_OCSP_RESPONSE(NULL, &at, (long)length);
  if (response == NULL) return library_failed();
  OCSP_RESPONSE_free(response);
  return bytes_copy(&context->ocsp, &context->ocsp_length, der, length) ? TLS_DONE : library_failed();
}

int32_t tls_connection_set_ocsp_response(tls_connection *c, const uint8_t *bytes, size_t length) {
  ERR_clear_error();
  uint8_t *copy = length == 0 ? NULL : OPENSSL_memdup(bytes, length);
  if (length > 0 && copy == NULL) return library_failed();
  OPENSSL_free(c->ocsp);
  c->ocsp = copy;
  c->ocsp_length = length;
  c->ocsp_given = 1;
  return TLS_DONE;
}

static int staple_bytes(SSL *ssl, const uint8_t *bytes, size_t length) {
  if (bytes == NULL) return SSL_TLSEXT_ERR_NOACK;
  uint8_t *copy = OPENSSL_memdup(bytes, length);
  if (copy == NULL || !SSL_set_tlsext_status_ocsp_resp(ssl, copy, (long)length)) {
    OPENSSL_free(copy);
    return SSL_TLSEXT_ERR_ALERT_FATAL;
  }
  return SSL_TLSEXT_ERR_OK; /* the copy is OpenSSL's now */
}

static int staple(SSL *ssl) {
  const tls_connection *c = connection_of(ssl);
  const tls_context *context = context_of(SSL_get_SSL_CTX(ssl));
  if (c->ocsp_given) return staple_bytes(ssl, c->ocsp, c->ocsp_length);
  return context == NULL ? SSL_TLSEXT_ERR_NOACK : staple_bytes(ssl, context->ocsp, context->ocsp_length);
}

static int refuse_staple(tls_connection *c, int reason) {
  if (c->verify_mode == TLS_VERIFY_RECORD) {
    if (c->verify_result == X509_V_OK) c->verify_result = reason;
    session_note_verdict(c->ssl, c->verify_result);
    return 1;
  }
  c->verify_result = reason;
  c->verify_depth = 0;
  return 0;
}

/* Client: called when the server's flight has been read, with or without a response. 0 refuses. */
static int check_staple(tls_connection *c) {
  const unsigned char *der;
  long length = SSL_get_tlsext_status_ocsp_resp(c->ssl, &der);
  X509 *leaf = SSL_get0_peer_certificate(c->ssl);
  if (c->flags & TLS_FLAG_DELIVER_OCSP || leaf == NULL || SSL_session_reused(c->ssl)) return 1;
  if (length <= 0) {
    int needed = c->flags & TLS_FLAG_REQUIRE_OCSP || certificate_must_staple(leaf);
    return needed ? refuse_staple(c, X509_V_ERR_OCSP_VERIFY_NEEDED) : 1;
  }
  const tls_context *context = context_of(SSL_get_SSL_CTX(c->ssl));
  int reason = ocsp_check(der, (size_t)length, SSL_get0_verified_chain(c->ssl), SSL_CTX_get_cert_store(SSL_get_SSL_CTX(c->ssl)),
                          context == NULL ? -1 : context->verify_time);
  return reason == X509_V_OK ? 1 : refuse_staple(c, reason);
}

static int on_status(SSL *ssl, void *unused) {
  (void)unused;
  return SSL_is_server(ssl) ? staple(ssl) : check_staple(connection_of(ssl));
}

void trust_attach_context(tls_context *context) { SSL_CTX_set_tlsext_status_cb(context->ssl, on_status); }

/* ---- Raw public keys (RFC 7250). ---- */

/* OpenSSL keeps expected keys where it keeps DANE records (RFC 7671), which must be switched on first. */
static int expect_key(SSL *ssl, EVP_PKEY *key) {
  if (SSL_add_expected_rpk(ssl, key)) return 1;
  ERR_clear_error();
  return SSL_CTX_dane_enable(SSL_get_SSL_CTX(ssl)) > 0 && SSL_dane_enable(ssl, NULL) > 0 && SSL_add_expected_rpk(ssl, key);
}

int32_t tls_connection_expect_key(tls_connection *c, const uint8_t *spki, size_t length) {
  ERR_clear_error();
  const uint8_t *at = spki;
  EVP_PKEY *key = d2i_PUBKEY(NULL, &at, (long)length);
  int ok = key != NULL && expect_key(c->ssl, key);
  EVP_PKEY_free(key);
  return ok ? TLS_DONE : library_failed();
}
