/*
 * Sessions and tickets. OpenSSL stores none: a client's sessions go to the host as events, a server's go out as encrypted tickets
 * (stateless), or to the host, too (stateful). The exception is 0-RTT, whose replay protection needs each session to be used once:
 * there OpenSSL's own cache keeps them, bounded.
 */
#include <string.h>
#include <time.h>

#include <openssl/core_names.h>
#include <openssl/rand.h>

#include "libssl.h"

#include "internal.h"

/* ---- In DER. ---- */

extern int __real_i2d_SSL_SESSION(const SSL_SESSION *session, unsigned char **out);

static int contains(const uint8_t *bytes, int length, const uint8_t *part, int part_length) {
  for (int at = 0; at + part_length <= length; at++)
    if (memcmp(bytes + at, part, (size_t)part_length) == 0) return 1;
  return 0;
}

/* 0 where the peer's raw public key is missing in what was encoded. */
static int encode_whole(const SSL_SESSION *session, unsigned char **der) {
  unsigned char *key = NULL;
  int key_length = i2d_PUBKEY(session->peer_rpk, &key), length = key_length > 0 ? __real_i2d_SSL_SESSION(session, der) : 0;
  if (length > 0 && !contains(*der, length, key, key_length)) {
    OPENSSL_clear_free(*der, (size_t)length);
    *der = NULL;
    length = 0;
  }
  OPENSSL_free(key);
  return length;
}

/*
 * OpenSSL 3.5 leaves a raw public key out of a session where memory is out for a moment, and takes that for success. Whoever measures first and
 * then writes, as libssl does for tickets, would write beyond the end. So calls are led here (wrap.options), and get all of it or nothing.
 */
int __wrap_i2d_SSL_SESSION(const SSL_SESSION *session, unsigned char **out) {
  unsigned char *der = NULL;
  if (session == NULL || session->peer_rpk == NULL) return __real_i2d_SSL_SESSION(session, out);
  int length = encode_whole(session, &der);
  if (length > 0 && out != NULL && *out == NULL) return *out = der, length;
  if (length > 0 && out != NULL) {
    memcpy(*out, der, (size_t)length);
    *out += length;
  }
  if (length > 0) OPENSSL_clear_free(der, (size_t)length);
  return length;
}

tls_bytes *session_encode(const SSL_SESSION *session) {
  unsigned char *der = NULL;
  int length = i2d_SSL_SESSION(session, &der);
  tls_bytes *bytes = length <= 0 ? NULL : bytes_new(0, 0, der, (size_t)length);
  if (der != NULL) OPENSSL_clear_free(der, (size_t)length);
  return bytes;
}

/* ---- A client's session. ---- */

/* A session may only stand in for a handshake that would have succeeded: same peer, verified then. */
static int session_fits(const tls_connection *c, SSL_SESSION *session) {
  X509 *peer = SSL_SESSION_get0_peer(session);
  if (!SSL_SESSION_is_resumable(session)) return 0;
  if (c->verify_mode != TLS_VERIFY_REQUIRE) return 1;
  if (SSL_get_verify_result(c->ssl) != X509_V_OK) return 0;
  return c->identity == NULL || (peer != NULL && verify_identity_matches(peer, c->identity));
}

/* OpenSSL takes the verdict down with the certificate, and has no function for what is found out later. */
void session_note_verdict(SSL *ssl, long verdict) {
  SSL_SESSION *session = SSL_get_session(ssl);
  if (session != NULL) session->verify_result = verdict;
}

int32_t tls_connection_set_session(tls_connection *c, const uint8_t *der, size_t length) {
  ERR_clear_error();
  const uint8_t *at = der;
  SSL_SESSION *session = d2i_SSL_SESSION(NULL, &at, (long)length);
  if (session == NULL) return library_failed();
  int32_t status = SSL_set_session(c->ssl, session) ? TLS_DONE : library_failed();
  if (status == TLS_DONE && !session_fits(c, session)) {
    SSL_set_session(c->ssl, NULL);
    SSL_set_verify_result(c->ssl, X509_V_OK);
    status = TLS_CLOSED;
  }
  SSL_SESSION_free(session);
  return status;
}

/* ---- A server's sessions, looked up by the host. ---- */

int32_t tls_connection_find_session(tls_connection *c, const uint8_t *der, size_t length) {
  ERR_clear_error();
  const uint8_t *at = der;
  SSL_SESSION *session = d2i_SSL_SESSION(NULL, &at, (long)length);
  if (session == NULL) return library_failed();
  SSL_SESSION_free(c->found);
  c->found = session;
  return TLS_DONE;
}

static SSL_SESSION *on_lookup(SSL *ssl, const unsigned char *id, int id_length, int *copy) {
  SSL_SESSION *found = connection_of(ssl)->found;
  unsigned int length;
  if (found == NULL) return NULL;
  const unsigned char *found_id = SSL_SESSION_get_id(found, &length);
  *copy = 1; /* ours stays ours */
  return length == (unsigned int)id_length && memcmp(id, found_id, length) == 0 ? found : NULL;
}

/* ---- Ticket keys. ---- */

static void ticket_keys_shift(tls_context *context) {
  OPENSSL_cleanse(&context->tickets[TICKET_KEYS - 1], sizeof context->tickets[0]);
  memmove(context->tickets + 1, context->tickets, sizeof context->tickets - sizeof context->tickets[0]);
  if (context->ticket_count < TICKET_KEYS) context->ticket_count++;
}

/* Makes the first key, or a new one when the newest has served its time. Old ones go on opening tickets. */
static int ticket_key_ready(tls_context *context) {
  double now = (double)time(NULL);
  int old = context->ticket_rotation > 0 && now - context->ticket_made >= context->ticket_rotation;
  ticket_key key = {.length = sizeof key.bytes};
  if (context->ticket_count > 0 && !old) return 1;
  if (RAND_priv_bytes(key.bytes, (int)key.length) != 1) return 0;
  ticket_keys_shift(context);
  context->tickets[0] = key;
  context->ticket_made = now;
  OPENSSL_cleanse(&key, sizeof key);
  return 1;
}

/* 80 bytes: name, HMAC-SHA256 key, AES-256 key. 48: name, HMAC-SHA256 key, AES-128 key, 16 bytes each, as Node has them. */
static int ticket_ciphers(const ticket_key *key, unsigned char *iv, EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac, int encrypting) {
  size_t half = (key->length - 16) / 2;
  OSSL_PARAM params[] = {OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, (void *)(key->bytes + 16), half),
                         OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, "SHA256", 0), OSSL_PARAM_construct_end()};
  const EVP_CIPHER *type = half == 32 ? EVP_aes_256_cbc() : EVP_aes_128_cbc();
  return EVP_CipherInit_ex(cipher, type, NULL, key->bytes + 16 + half, iv, encrypting) && EVP_MAC_CTX_set_params(mac, params);
}

/* SSL_CTX_set_tlsext_ticket_key_evp_cb(3): 1 goes on, 2 goes on and renews the ticket, 0 does not know it, -1 fails. */
static int on_ticket(SSL *ssl, unsigned char *name, unsigned char *iv, EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac, int encrypting) {
  tls_context *context = context_of(SSL_get_SSL_CTX(ssl));
  if (!ticket_key_ready(context)) return -1;
  if (encrypting) {
    memcpy(name, context->tickets[0].bytes, 16);
    return RAND_bytes(iv, 16) == 1 && ticket_ciphers(&context->tickets[0], iv, cipher, mac, 1) ? 1 : -1;
  }
  for (int i = 0; i < context->ticket_count; i++) {
    if (memcmp(name, context->tickets[i].bytes, 16) != 0) continue;
    if (!ticket_ciphers(&context->tickets[i], iv, cipher, mac, 0)) return -1;
    return i == 0 ? 1 : 2;
  }
  return 0;
}

int32_t tls_context_set_ticket_keys(tls_context *context, const uint8_t *keys, size_t length) {
  size_t size = length % 80 == 0 ? 80 : 48;
  if (length == 0 || length % size != 0 || length / size > TICKET_KEYS)
    return library_failed_with("ticket keys must be one to four of 80 bytes each, or of 48");
  OPENSSL_cleanse(context->tickets, sizeof context->tickets);
  context->ticket_count = (int)(length / size);
  for (int i = 0; i < context->ticket_count; i++) {
    memcpy(context->tickets[i].bytes, keys + (size_t)i * size, size);
    context->tickets[i].length = size;
  }
  context->ticket_made = (double)time(NULL);
  return TLS_DONE;
}

tls_bytes *tls_context_get_ticket_keys(tls_context *context) {
  ERR_clear_error();
  if (!ticket_key_ready(context)) {
    library_failed();
    return NULL;
  }
  size_t length = 0;
  for (int i = 0; i < context->ticket_count; i++) length += context->tickets[i].length;
  tls_bytes *keys = bytes_new(0, 0, NULL, length);
  if (keys == NULL) library_failed();
  uint8_t *at = keys == NULL ? NULL : (uint8_t *)(keys + 1);
  for (int i = 0; at != NULL && i < context->ticket_count; at += context->tickets[i++].length)
    memcpy(at, context->tickets[i].bytes, context->tickets[i].length);
  return keys;
}

void session_attach_context(tls_context *context) {
  /* A client's sessions go to the host; a server's only when it asks for that. See the head of this file. */
  SSL_CTX_set_session_cache_mode(context->ssl, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
  SSL_CTX_sess_set_get_cb(context->ssl, on_lookup);
  SSL_CTX_set_tlsext_ticket_key_evp_cb(context->ssl, on_ticket);
}
