/* What the handshake agreed on, and who the peer is. Read once, after the handshake, into one flat struct. */
#include <stdio.h>
#include <string.h>

#include "internal.h"

static void text_set(char *out, size_t size, const char *text) { snprintf(out, size, "%s", text == NULL ? "" : text); }

static void agreed_cipher(tls_agreed *a, SSL *ssl) {
  const SSL_CIPHER *cipher = SSL_get_current_cipher(ssl);
  if (cipher == NULL) return;
  a->cipher_id = SSL_CIPHER_get_protocol_id(cipher);
  text_set(a->cipher_standard, sizeof a->cipher_standard, SSL_CIPHER_standard_name(cipher));
  text_set(a->cipher_openssl, sizeof a->cipher_openssl, SSL_CIPHER_get_name(cipher));
}

static void agreed_signatures(tls_agreed *a, SSL *ssl) {
  const char *name = NULL;
  if (SSL_get0_signature_name(ssl, &name)) text_set(a->signature, sizeof a->signature, name);
  name = NULL;
  if (SSL_get0_peer_signature_name(ssl, &name)) text_set(a->peer_signature, sizeof a->peer_signature, name);
}

static void agreed_alpn(tls_agreed *a, SSL *ssl) {
  const unsigned char *alpn;
  unsigned int length;
  SSL_get0_alpn_selected(ssl, &alpn, &length);
  if (length > sizeof a->alpn) length = sizeof a->alpn; /* one byte of length on the wire: cannot be */
  if (length > 0) memcpy(a->alpn, alpn, length);
  a->alpn_length = length;
}

const tls_agreed *tls_peer_agreed(tls_connection *c) {
  static tls_agreed agreed;
  memset(&agreed, 0, sizeof agreed);
  ERR_clear_error();
  agreed.version = (uint32_t)SSL_version(c->ssl);
  agreed.resumed = (uint32_t)SSL_session_reused(c->ssl);
  /* A resumed session brings the verdict of the handshake it comes from. */
  agreed.verify_result = agreed.resumed ? (int32_t)SSL_get_verify_result(c->ssl) : c->verify_result;
  agreed.verify_depth = c->verify_depth;
  agreed.peer_certificate = SSL_get0_peer_certificate(c->ssl) != NULL;
  text_set(agreed.version_name, sizeof agreed.version_name, SSL_get_version(c->ssl));
  text_set(agreed.group, sizeof agreed.group, SSL_get0_group_name(c->ssl));
  text_set(agreed.servername, sizeof agreed.servername, SSL_get_servername(c->ssl, TLSEXT_NAMETYPE_host_name));
  text_set(agreed.verify_name, sizeof agreed.verify_name, verify_name(agreed.verify_result));
  agreed_cipher(&agreed, c->ssl);
  agreed_signatures(&agreed, c->ssl);
  agreed_alpn(&agreed, c->ssl);
  ERR_clear_error(); /* an absent value is no error */
  return &agreed;
}

static X509 *chain_at(SSL *ssl, uint32_t chain, uint32_t index) {
  if (chain == TLS_CHAIN_VERIFIED) {
    STACK_OF(X509) *verified = SSL_get0_verified_chain(ssl);
    return verified == NULL ? NULL : sk_X509_value(verified, (int)index);
  }
  /* On a server OpenSSL leaves the leaf out of the chain; here both roles look the same. */
  if (index == 0) return SSL_get0_peer_certificate(ssl);
  STACK_OF(X509) *sent = SSL_get_peer_cert_chain(ssl);
  return sent == NULL ? NULL : sk_X509_value(sent, (int)index - (SSL_is_server(ssl) ? 1 : 0));
}

tls_bytes *tls_peer_certificate(tls_connection *c, uint32_t chain, uint32_t index) {
  X509 *certificate = chain_at(c->ssl, chain, index);
  unsigned char *der = NULL;
  int length = certificate == NULL ? -1 : i2d_X509(certificate, &der);
  if (length < 0) return NULL;
  tls_bytes *bytes = bytes_new(0, 0, der, (size_t)length);
  OPENSSL_free(der);
  return bytes;
}

tls_bytes *tls_peer_exporter(tls_connection *c, const char *label, const uint8_t *context, size_t context_length, size_t length) {
  ERR_clear_error();
  tls_bytes *bytes = bytes_new(0, 0, NULL, length);
  if (bytes != NULL && SSL_export_keying_material(c->ssl, (unsigned char *)(bytes + 1), length, label, strlen(label), context,
                                                  context_length, context != NULL) == 1)
    return bytes;
  tls_bytes_free(bytes);
  library_failed();
  return NULL;
}
