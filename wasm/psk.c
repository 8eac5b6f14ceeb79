/*
 * Pre-shared keys (RFC 4279 for TLS 1.2, RFC 8446 for 1.3). A connection has a list of them: a client offers its first, a server looks
 * the client's identity up. Or a client has the host choose, when it knows the server's hint. A key used with TLS 1.3 goes with SHA-256 suites, as RFC 8446, 4.2.11 has it for keys without a hash.
 */
#include <string.h>

#include <openssl/obj_mac.h>

#include "internal.h"

/*
 * The host's choice: writes the identity, with a NUL behind it, and the key, and returns the key's length; 0 for none, -1 for a failure,
 * which it remembers. hint is NULL where the server gave none. Without room for an identity: the connection is gone, and with it the need.
 */
#ifdef __wasm__
__attribute__((import_module("membio"), import_name("psk")))
#endif
extern int32_t
membio_psk(uint32_t chooser, const char *hint, char *identity, uint32_t identity_capacity, uint8_t *key, uint32_t key_capacity);

static void psk_free(psk *p) {
  OPENSSL_clear_free(p->key, p->length);
  OPENSSL_free(p->identity);
  OPENSSL_free(p);
}

void psk_release(tls_connection *c) {
  for (psk *next, *p = c->psks; p != NULL; p = next) {
    next = p->next;
    psk_free(p);
  }
  c->psks = NULL;
  if (c->psk_chooser != 0) membio_psk(c->psk_chooser, NULL, NULL, 0, NULL, 0);
  c->psk_chooser = 0;
}

static unsigned int psk_copy(const psk *p, unsigned char *out, unsigned int capacity) {
  if (p == NULL || p->length > capacity) return 0;
  memcpy(out, p->key, p->length);
  return (unsigned int)p->length;
}

/* More than OpenSSL's longest key is refused wherever a key is asked for. None at all would be no failure in TLS 1.3. */
static unsigned int choice_failed(tls_connection *c) { return tls_abort(c, SSL_AD_INTERNAL_ERROR), PSK_MAX_PSK_LEN + 1; }

static unsigned int on_client(SSL *ssl, const char *hint, char *identity, unsigned int identity_capacity, unsigned char *key,
                              unsigned int key_capacity) {
  tls_connection *c = connection_of(ssl);
  const psk *p = c->psks;
  if (c->psk_chooser != 0) {
    int32_t length = membio_psk(c->psk_chooser, hint, identity, identity_capacity, key, key_capacity);
    return length < 0 ? choice_failed(c) : (unsigned int)length;
  }
  if (p == NULL || strlen(p->identity) >= identity_capacity) return 0; /* it is never longer: see tls_connection_add_psk */
  strcpy(identity, p->identity);
  return psk_copy(p, key, key_capacity);
}

/* Every entry is compared, whole: how long the search takes says nothing about which identity is known. */
static unsigned int on_server(SSL *ssl, const char *identity, unsigned char *key, unsigned int capacity) {
  tls_connection *c = connection_of(ssl);
  const psk *found = NULL;
  size_t length = strlen(identity);
  if (park_answered(c, TLS_EVENT_PSK) && c->refuse >= 0) return tls_abort(c, (uint32_t)c->refuse), 0;
  for (const psk *p = c->psks; p != NULL; p = p->next)
    if (strlen(p->identity) == length && CRYPTO_memcmp(p->identity, identity, length) == 0) found = p;
  return psk_copy(found, key, capacity);
}

static int is_psk(const SSL_CIPHER *cipher) {
  int kx = cipher == NULL ? NID_undef : SSL_CIPHER_get_kx_nid(cipher);
  return kx == NID_kx_psk || kx == NID_kx_ecdhe_psk || kx == NID_kx_dhe_psk || kx == NID_kx_rsa_psk;
}

/* TLS 1.2: a client that offered other suites as well would get a certificate from a server that has one, and refuse it. */
static int offer_psk_suites(SSL *ssl) {
  const STACK_OF(SSL_CIPHER) *all = SSL_get_ciphers(ssl);
  char list[1024] = "";
  for (int i = 0; i < sk_SSL_CIPHER_num(all); i++) {
    const SSL_CIPHER *cipher = sk_SSL_CIPHER_value(all, i);
    if (!is_psk(cipher) || strlen(list) + strlen(SSL_CIPHER_get_name(cipher)) + 2 > sizeof list) continue;
    strcat(strcat(list, SSL_CIPHER_get_name(cipher)), ":");
  }
  return list[0] == '\0' || SSL_set_cipher_list(ssl, list); /* none: only TLS 1.3 is left, where suites say nothing about keys */
}

int32_t tls_connection_add_psk(tls_connection *c, const char *identity, const uint8_t *key, size_t length) {
  ERR_clear_error();
  /* A server's callback is given one byte more than a client's has room for. */
  if (strlen(identity) >= PSK_MAX_IDENTITY_LEN + (c->role == TLS_ROLE_SERVER)) return library_failed_with("the identity is too long");
  if (length == 0 || length > PSK_MAX_PSK_LEN) return library_failed_with("the key must have 1 to 512 bytes");
  psk *p = OPENSSL_zalloc(sizeof *p);
  if (p == NULL) return library_failed();
  p->identity = OPENSSL_strdup(identity);
  p->key = OPENSSL_memdup(key, length);
  p->length = length;
  if (p->identity == NULL || p->key == NULL) {
    psk_free(p);
    return library_failed();
  }
  p->next = c->psks;
  c->psks = p;
  if (c->role == TLS_ROLE_SERVER) return SSL_set_psk_server_callback(c->ssl, on_server), TLS_DONE;
  SSL_set_psk_client_callback(c->ssl, on_client);
  return offer_psk_suites(c->ssl) ? TLS_DONE : library_failed();
}

int psk_is_expected(const tls_connection *c) {
  if (c->role != TLS_ROLE_CLIENT) return 0;
  return c->psks != NULL || (c->psk_chooser != 0 && c->identity == NULL && c->verify_mode == TLS_VERIFY_REQUIRE);
}

int32_t tls_connection_set_psk_chooser(tls_connection *c, uint32_t chooser) {
  ERR_clear_error();
  c->psk_chooser = chooser;
  SSL_set_psk_client_callback(c->ssl, on_client);
  return !psk_is_expected(c) || offer_psk_suites(c->ssl) ? TLS_DONE : library_failed();
}

int32_t tls_connection_set_psk_hint(tls_connection *c, const char *hint) {
  ERR_clear_error();
  return SSL_use_psk_identity_hint(c->ssl, hint) ? TLS_DONE : library_failed();
}

/* ---- TLS 1.2: the identity comes in the ClientKeyExchange, where OpenSSL cannot be suspended; so its bytes are held back. ---- */

/* Copies what is pending, up to capacity, without consuming it. */
static size_t ring_copy(const ring *r, uint8_t *out, size_t capacity) {
  size_t pending = ring_pending(r), length = pending < capacity ? pending : capacity;
  for (size_t i = 0; i < length; i++) out[i] = r->storage[(r->tail + i) & (r->capacity - 1)];
  return length;
}

/* Record header (5), handshake header (4), identity length (2), identity: RFC 4279, section 2. */
static int hold_client_key_exchange(ring *r, void *owner) {
  tls_connection *c = owner;
  uint8_t head[5 + 4 + 2 + PSK_MAX_IDENTITY_LEN];
  if (c->waiting == TLS_EVENT_PSK) return 1;
  if (c->established || park_answered(c, TLS_EVENT_PSK) || !is_psk(SSL_get_pending_cipher(c->ssl))) return 0;
  size_t length = ring_copy(r, head, sizeof head);
  if (length < 11 || head[0] != SSL3_RT_HANDSHAKE || head[5] != SSL3_MT_CLIENT_KEY_EXCHANGE) return length > 0 && length < 11 && !r->eof;
  size_t identity = (size_t)head[9] << 8 | head[10];
  if (identity > PSK_MAX_IDENTITY_LEN) return 0; /* OpenSSL refuses it */
  if (length < 11 + identity) return !r->eof;
  if (park(c, TLS_EVENT_PSK, head + 11, identity)) return 1;
  c->answered |= 1u << TLS_EVENT_PSK; /* as if refused: on_server will say so */
  c->refuse = SSL_AD_INTERNAL_ERROR;
  return 0;
}

void psk_hold(tls_connection *c) {
  c->incoming.gate = hold_client_key_exchange;
  c->incoming.gate_owner = c;
  if (c->psks == NULL) SSL_set_psk_server_callback(c->ssl, on_server); /* so that PSK suites are on offer at all */
}
