/* What the handshake agreed on, and who the peer is. Read once, after the handshake, into one flat struct. */
#include <stdio.h>
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/ct.h>
#include <openssl/x509.h>

#include "internal.h"

static void text_set(char *out, size_t size, const char *text) { snprintf(out, size, "%s", text == NULL ? "" : text); }

static void agreed_cipher(tls_agreed *a, SSL *ssl) {
  const SSL_CIPHER *cipher = SSL_get_current_cipher(ssl);
  if (cipher == NULL) return;
  a->cipher_id = SSL_CIPHER_get_protocol_id(cipher);
  text_set(a->cipher_standard, sizeof a->cipher_standard, SSL_CIPHER_standard_name(cipher));
  text_set(a->cipher_openssl, sizeof a->cipher_openssl, SSL_CIPHER_get_name(cipher));
  text_set(a->cipher_version, sizeof a->cipher_version, SSL_CIPHER_get_version(cipher));
}

/* The server's ephemeral key. Of a KEM there is none: the server has encapsulated to ours; then the group says it all. */
static void agreed_temporary_key(tls_agreed *a, SSL *ssl) {
  EVP_PKEY *key = NULL;
  if (SSL_is_server(ssl)) return;
  if (!SSL_get_peer_tmp_key(ssl, &key)) {
    if (a->version != TLS1_3_VERSION || a->group[0] == '\0') return;
    a->temporary_key = TLS_TEMPORARY_KEY_KEM;
    text_set(a->temporary_key_name, sizeof a->temporary_key_name, a->group);
    return;
  }
  a->temporary_key = EVP_PKEY_is_a(key, "DH") ? TLS_TEMPORARY_KEY_DH : TLS_TEMPORARY_KEY_ECDH;
  a->temporary_key_bits = (uint32_t)EVP_PKEY_get_bits(key);
  if (EVP_PKEY_is_a(key, "EC"))
    EVP_PKEY_get_utf8_string_param(key, OSSL_PKEY_PARAM_GROUP_NAME, a->temporary_key_name, sizeof a->temporary_key_name, NULL);
  else if (a->temporary_key == TLS_TEMPORARY_KEY_ECDH)
    text_set(a->temporary_key_name, sizeof a->temporary_key_name, EVP_PKEY_get0_type_name(key));
  EVP_PKEY_free(key);
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
  agreed.peer_certificate = SSL_get0_peer_certificate(c->ssl) != NULL ? 1 : SSL_get0_peer_rpk(c->ssl) != NULL ? 2 : 0;
  agreed.early_data = (uint32_t)SSL_get_early_data_status(c->ssl);
  text_set(agreed.version_name, sizeof agreed.version_name, SSL_get_version(c->ssl));
  if (SSL_get_session(c->ssl) != NULL) text_set(agreed.group, sizeof agreed.group, SSL_get0_group_name(c->ssl)); /* it looks there, unasked */
  text_set(agreed.servername, sizeof agreed.servername, SSL_get_servername(c->ssl, TLSEXT_NAMETYPE_host_name));
  text_set(agreed.verify_name, sizeof agreed.verify_name, verify_name(agreed.verify_result));
  agreed_cipher(&agreed, c->ssl);
  agreed_temporary_key(&agreed, c->ssl);
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
  /* On a server OpenSSL leaves the leaf out of the chain; here both roles look the same. A resumed session only has the leaf. */
  STACK_OF(X509) *sent = SSL_get_peer_cert_chain(ssl);
  if (!SSL_is_server(ssl) && sent != NULL) return sk_X509_value(sent, (int)index);
  return index == 0 ? SSL_get0_peer_certificate(ssl) : sk_X509_value(sent, (int)index - 1);
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
  if (bytes == NULL)
    library_failed();
  else
    library_failed_or("it is too early for keying material");
  tls_bytes_free(bytes);
  return NULL;
}

/* ---- Channel bindings, and what they are made of. ---- */

/* RFC 5929, 4.1: the hash of the certificate's own signature, or SHA-256 where that is MD5, SHA-1 or none. */
static tls_bytes *binding_end_point(SSL *ssl) {
  X509 *certificate = SSL_is_server(ssl) ? SSL_get_certificate(ssl) : SSL_get0_peer_certificate(ssl);
  int digest_id = NID_undef;
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int length;
  if (certificate == NULL) return NULL;
  X509_get_signature_info(certificate, &digest_id, NULL, NULL, NULL);
  if (digest_id == NID_undef || digest_id == NID_md5 || digest_id == NID_sha1) digest_id = NID_sha256;
  return X509_digest(certificate, EVP_get_digestbynid(digest_id), digest, &length) ? bytes_new(0, 0, digest, length) : NULL;
}

static tls_bytes *finished(SSL *ssl, int peer) {
  unsigned char message[EVP_MAX_MD_SIZE];
  size_t length = peer ? SSL_get_peer_finished(ssl, message, sizeof message) : SSL_get_finished(ssl, message, sizeof message);
  return length == 0 ? NULL : bytes_new(0, 0, message, length);
}

/* RFC 5929, 3.1: the first Finished of the handshake: the client's, or in an abbreviated handshake the server's. */
static tls_bytes *binding_unique(SSL *ssl) {
  if (SSL_version(ssl) >= TLS1_3_VERSION) return NULL; /* not defined there: RFC 8446, appendix C.5 */
  return finished(ssl, SSL_is_server(ssl) != SSL_session_reused(ssl));
}

tls_bytes *tls_peer_channel_binding(tls_connection *c, uint32_t type) {
  tls_bytes *binding = NULL;
  ERR_clear_error();
  if (type == TLS_BINDING_UNIQUE) binding = binding_unique(c->ssl);
  if (type == TLS_BINDING_SERVER_END_POINT) binding = binding_end_point(c->ssl);
  if (type == TLS_BINDING_FINISHED || type == TLS_BINDING_PEER_FINISHED) binding = finished(c->ssl, type == TLS_BINDING_PEER_FINISHED);
  if (type == TLS_BINDING_EXPORTER) return tls_peer_exporter(c, "EXPORTER-Channel-Binding", (const uint8_t *)"", 0, 32);
  if (binding == NULL) library_failed_with("this binding is not defined for this connection");
  return binding;
}

/* ---- The session, and what could have been agreed on. ---- */

tls_bytes *tls_peer_session(tls_connection *c) {
  SSL_SESSION *session = SSL_get_session(c->ssl);
  ERR_clear_error();
  tls_bytes *der = session == NULL ? NULL : session_encode(session);
  ERR_clear_error();
  return der;
}

tls_bytes *tls_peer_ticket(tls_connection *c) {
  SSL_SESSION *session = SSL_get_session(c->ssl);
  const unsigned char *ticket = NULL;
  size_t length = 0;
  if (session != NULL) SSL_SESSION_get0_ticket(session, &ticket, &length);
  return ticket == NULL ? NULL : bytes_new(0, 0, ticket, length);
}

/* In the words of node:tls, which are mostly those of SSL_CTX_set1_sigalgs_list(3). */
static const char *signature_name(int nid) {
  switch (nid) {
    case EVP_PKEY_RSA:
      return "RSA";
    case EVP_PKEY_RSA_PSS:
      return "RSA-PSS";
    case EVP_PKEY_EC:
      return "ECDSA";
    case EVP_PKEY_ED25519:
      return "Ed25519";
    case EVP_PKEY_ED448:
      return "Ed448";
    default:
      return OBJ_nid2sn(nid);
  }
}

tls_bytes *tls_peer_shared_signature_schemes(tls_connection *c) {
  BIO *list = BIO_new(BIO_s_mem());
  int signature, hash, ok = list != NULL, count = SSL_get_shared_sigalgs(c->ssl, 0, NULL, NULL, NULL, NULL, NULL);
  for (int i = 0; ok && i < count; i++) {
    char name[64];
    SSL_get_shared_sigalgs(c->ssl, i, &signature, &hash, NULL, NULL, NULL);
    ok = put_counted(list, name, (size_t)snprintf(name, sizeof name, "%s+%s", signature_name(signature), OBJ_nid2sn(hash)));
  }
  return bytes_from_bio(list, ok);
}

tls_bytes *tls_peer_public_key(tls_connection *c) {
  EVP_PKEY *key = SSL_get0_peer_rpk(c->ssl);
  unsigned char *spki = NULL;
  int length = key == NULL ? -1 : i2d_PUBKEY(key, &spki);
  tls_bytes *bytes = length > 0 ? bytes_new(0, 0, spki, (size_t)length) : NULL;
  OPENSSL_free(spki);
  return bytes;
}

tls_bytes *tls_peer_ocsp_response(tls_connection *c) {
  const unsigned char *der;
  long length = SSL_get_tlsext_status_ocsp_resp(c->ssl, &der);
  return length > 0 ? bytes_new(0, 0, der, (size_t)length) : NULL;
}

tls_bytes *tls_peer_scts(tls_connection *c) {
  const STACK_OF(SCT) *scts = SSL_get0_peer_scts(c->ssl);
  BIO *list = BIO_new(BIO_s_mem());
  int ok = list != NULL;
  for (int i = 0; ok && i < sk_SCT_num(scts); i++) {
    unsigned char *sct = NULL;
    int length = i2o_SCT(sk_SCT_value(scts, i), &sct);
    if (length > 0) ok = put_counted(list, sct, (size_t)length);
    OPENSSL_free(sct);
  }
  return bytes_from_bio(list, ok);
}

tls_bytes *tls_digest(const char *name, const uint8_t *bytes, size_t length) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  size_t digest_length;
  ERR_clear_error();
  tls_bytes *made = EVP_Q_digest(NULL, name, NULL, bytes, length, digest, &digest_length) ? bytes_new(0, 0, digest, digest_length) : NULL;
  if (made == NULL) library_failed();
  return made;
}
