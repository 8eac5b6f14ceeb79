/*
 * The cookie exchange (RFC 6347, 4.2.1): before a server does anything for a client, the client shows that it receives what is sent
 * to its address. Cookie = HMAC-SHA256(secret, address); nothing is kept for a client that has not answered.
 *
 * The secret belongs to the context and is replaced every minute; the one before is still accepted, so a cookie lives for one to
 * two minutes, and what somebody collected at an address is soon worth nothing.
 */
#include <string.h>
#include <time.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

#include "internal.h"

#define SECRET_LENGTH 32
#define COOKIE_LENGTH 32 /* of SHA-256; DTLS 1.0 clients can hold no more */
#define SECRET_LIFE 60   /* seconds */

/* Shared by a context and its connections: whichever is freed last frees it. A context that SNI chooses later brings no other. */
struct cookie_jar {
  uint32_t references;
  int filled; /* nothing random is asked for before the first cookie */
  time_t replaced;
  uint8_t secrets[2][SECRET_LENGTH]; /* the present one, the one before */
};

static int jar_replace(cookie_jar *jar) {
  uint8_t fresh[SECRET_LENGTH];
  if (RAND_priv_bytes(fresh, sizeof fresh) != 1) return 0;
  memcpy(jar->secrets[1], jar->secrets[0], SECRET_LENGTH);
  memcpy(jar->secrets[0], fresh, SECRET_LENGTH);
  OPENSSL_cleanse(fresh, sizeof fresh);
  jar->replaced = time(NULL);
  return 1;
}

/* Replaces what has lived too long; both secrets where nobody came for a while. A clock that went back starts a new life. */
static int jar_refresh(cookie_jar *jar) {
  time_t age = time(NULL) - jar->replaced;
  if (!jar->filled || age >= 2 * SECRET_LIFE) return jar->filled = jar_replace(jar) && jar_replace(jar);
  if (age < 0) jar->replaced += age;
  return age < SECRET_LIFE || jar_replace(jar);
}

static int jar_cookie(const cookie_jar *jar, int which, const tls_connection *c, uint8_t *cookie) {
  return HMAC(EVP_sha256(), jar->secrets[which], SECRET_LENGTH, c->peer, c->peer_length, cookie, NULL) != NULL;
}

/* ---- OpenSSL's callbacks. ---- */

static int cookie_generate(SSL *ssl, unsigned char *cookie, unsigned int *length) {
  const tls_connection *c = connection_of(ssl);
  *length = COOKIE_LENGTH;
  return c->peer != NULL && jar_refresh(c->cookies) && jar_cookie(c->cookies, 0, c, cookie);
}

static int cookie_verify(SSL *ssl, const unsigned char *cookie, unsigned int length) {
  const tls_connection *c = connection_of(ssl);
  uint8_t expected[COOKIE_LENGTH];
  if (c->peer == NULL || length != COOKIE_LENGTH || !jar_refresh(c->cookies)) return 0;
  for (int which = 0; which < 2; which++)
    if (jar_cookie(c->cookies, which, c, expected) && CRYPTO_memcmp(cookie, expected, COOKIE_LENGTH) == 0) return 1;
  return 0;
}

/* ---- Contexts and connections. ---- */

cookie_jar *cookies_retain(cookie_jar *jar) {
  if (jar != NULL) jar->references++;
  return jar;
}

void cookies_release(cookie_jar *jar) {
  if (jar != NULL && --jar->references == 0) OPENSSL_clear_free(jar, sizeof *jar);
}

int cookies_attach(tls_context *context) {
  if ((context->cookies = OPENSSL_zalloc(sizeof *context->cookies)) == NULL) return 0;
  context->cookies->references = 1;
  SSL_CTX_set_cookie_generate_cb(context->ssl, cookie_generate);
  SSL_CTX_set_cookie_verify_cb(context->ssl, cookie_verify);
  /* No kernel to ask: the MTU is the caller's word. */
  SSL_CTX_set_options(context->ssl, SSL_OP_NO_QUERY_MTU);
  return 1;
}

int32_t dtls_replace_cookie_secret(tls_context *context) {
  ERR_clear_error();
  context->cookies->filled = 0;
  return jar_refresh(context->cookies) ? TLS_DONE : library_failed();
}

int32_t dtls_set_peer(tls_connection *c, const uint8_t *address, size_t length) {
  ERR_clear_error();
  uint8_t *copy = OPENSSL_memdup(address, length);
  if (copy == NULL) return library_failed();
  OPENSSL_free(c->peer);
  c->peer = copy;
  c->peer_length = length;
  SSL_set_options(c->ssl, SSL_OP_COOKIE_EXCHANGE);
  return TLS_DONE;
}

/*
 * RFC 6347, 4.2.1: the ServerHello has the record number of the ClientHello it answers, as the HelloVerifyRequest has. DTLSv1_listen
 * begins with 1 instead. A client that had to repeat its first ClientHello knows that number from a HelloVerifyRequest, and takes the
 * ServerHello for a replay; so dtls_take puts it right.
 */
static uint64_t first_record(const uint8_t *hello, size_t length) {
  uint64_t number = record_number(hello, length);
  return number > 1 ? number - 1 : 0;
}

int32_t dtls_listen(tls_connection *c, const uint8_t *datagram, size_t length) {
  if (c->failed) return TLS_ERROR;
  if (dtls_receive(c, datagram, length) != TLS_DONE) return TLS_WANT_READ;
  BIO_ADDR *unused = BIO_ADDR_new();
  if (unused == NULL) return library_failed();
  int result = DTLSv1_listen(c->ssl, unused);
  BIO_ADDR_free(unused);
  if (result > 0) {
    c->record_offset = first_record(datagram, length);
    return TLS_DONE;
  }
  events_release(c); /* nothing is kept, no trace either */
  if (result < 0) return library_failed();
  ERR_clear_error(); /* why a datagram was dropped */
  return TLS_WANT_READ;
}
