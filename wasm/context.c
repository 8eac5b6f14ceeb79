/* SSL_CTX: what many connections share. Defaults that are policy (versions, cipher lists) are set by the caller. */
#include <string.h>

#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/x509v3.h>

#include "internal.h"

/* The struct lives as long as its SSL_CTX, which connections keep alive beyond tls_context_free: they need its ALPN list. */
static void context_release(void *ssl, void *pointer, CRYPTO_EX_DATA *data, int index, long number, void *unused) {
  tls_context *context = pointer;
  (void)ssl, (void)data, (void)index, (void)number, (void)unused;
  if (context == NULL) return;
  sk_X509_pop_free(context->leaves, X509_free);
  OPENSSL_free(context->alpn);
  OPENSSL_free(context->groups);
  cookies_release(context->cookies);
  OPENSSL_free(context->pins);
  OPENSSL_free(context->ocsp);
  OPENSSL_clear_free(context, sizeof *context); /* ticket keys */
}

static int context_index(void) {
  static int index = -1;
  if (index < 0) index = SSL_CTX_get_ex_new_index(0, NULL, NULL, NULL, context_release);
  return index;
}

tls_context *context_of(const SSL_CTX *ssl) { return SSL_CTX_get_ex_data(ssl, context_index()); }

/* Server: the first of our protocols that the client offers. No overlap ends the handshake (RFC 7301, 3.2). */
static int alpn_select(SSL *ssl, const unsigned char **out, unsigned char *out_length, const unsigned char *offered,
                       unsigned int offered_length, void *unused) {
  tls_connection *c = connection_of(ssl);
  const tls_context *context = context_of(SSL_get_SSL_CTX(ssl));
  const uint8_t *list = c->alpn != NULL ? c->alpn : context == NULL ? NULL : context->alpn;
  size_t length = c->alpn != NULL ? c->alpn_length : context == NULL ? 0 : context->alpn_length;
  unsigned char *selected;
  (void)unused;
  if (list == NULL) return SSL_TLSEXT_ERR_NOACK;
  if (SSL_select_next_proto(&selected, out_length, list, (unsigned int)length, offered, offered_length) != OPENSSL_NPN_NEGOTIATED)
    return SSL_TLSEXT_ERR_ALERT_FATAL;
  *out = selected;
  return SSL_TLSEXT_ERR_OK;
}

tls_context *tls_context_new(uint32_t protocol) {
  ERR_clear_error();
  tls_context *context = OPENSSL_zalloc(sizeof *context);
  SSL_CTX *ssl = SSL_CTX_new(protocol == TLS_PROTOCOL_DTLS ? DTLS_method() : TLS_method());
  if (context == NULL || ssl == NULL || !SSL_CTX_set_ex_data(ssl, context_index(), context)) {
    library_failed();
    SSL_CTX_free(ssl);
    OPENSSL_free(context);
    return NULL;
  }
  context->ssl = ssl;
  context->verify_time = -1;
  /* Idle connections give their record buffers back; writes may be cut into records and retried from another address; the chain is sent
     as it was given, not made up anew from trusted certificates in each handshake. */
  SSL_CTX_set_mode(ssl, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                            SSL_MODE_NO_AUTO_CHAIN);
  /* Renegotiation is refused; the server chooses the suite, but follows a client that puts ChaCha20 first (no AES hardware). */
  SSL_CTX_set_options(ssl, SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
  SSL_CTX_set_dh_auto(ssl, 1); /* DHE, where it is allowed at all, with a group as strong as the key */
  SSL_CTX_set_alpn_select_cb(ssl, alpn_select, NULL);
  SSL_CTX_set_cert_verify_callback(ssl, on_verify, NULL);
  session_attach_context(context);
  trust_attach_context(context);
  live_handles++;
  if (protocol == TLS_PROTOCOL_DTLS && !cookies_attach(context)) {
    library_failed();
    tls_context_free(context);
    return NULL;
  }
  return context;
}

void tls_context_free(tls_context *context) {
  if (context == NULL) return;
  SSL_CTX_free(context->ssl); /* and the struct with its last user */
  live_handles--;
}

static int32_t done_if(int ok) { return ok ? TLS_DONE : library_failed(); }
static int32_t done_or(int ok, const char *reason) { return ok ? TLS_DONE : library_failed_or(reason); }

int32_t tls_context_set_versions(tls_context *context, uint32_t minimum, uint32_t maximum) {
  ERR_clear_error();
  return done_or(SSL_CTX_set_min_proto_version(context->ssl, (int)minimum) && SSL_CTX_set_max_proto_version(context->ssl, (int)maximum),
                 "there is no such protocol version");
}

/* OpenSSL sets an empty list, too, and then complains of it. */
int32_t tls_context_set_cipher_list(tls_context *context, const char *list) {
  ERR_clear_error();
  int ok = SSL_CTX_set_cipher_list(context->ssl, list);
  if (!ok && list[0] == '\0' && ERR_GET_REASON(ERR_peek_last_error()) == SSL_R_NO_CIPHER_MATCH) ok = 1;
  return done_if(ok);
}

int32_t tls_context_set_cipher_suites(tls_context *context, const char *list) {
  ERR_clear_error();
  return done_if(SSL_CTX_set_ciphersuites(context->ssl, list));
}

int32_t tls_context_set_groups(tls_context *context, const char *list) {
  ERR_clear_error();
  OPENSSL_free(context->groups);
  context->groups = OPENSSL_strdup(list);
  if (context->groups == NULL) return library_failed();
  return done_or((int)SSL_CTX_set1_groups_list(context->ssl, list), "a group is unknown, or named twice");
}

int32_t tls_context_set_signature_schemes(tls_context *context, const char *list) {
  ERR_clear_error();
  return done_or((int)SSL_CTX_set1_sigalgs_list(context->ssl, list), "a signature scheme is unknown, or named twice");
}

/* ---- Options that are numbers. ---- */

static int set_tickets(tls_context *context, uint32_t kind) {
  if (kind > TLS_TICKETS_BOTH) return 0;
  int ids = kind == TLS_TICKETS_STATEFUL || kind == TLS_TICKETS_BOTH, stateless = kind == TLS_TICKETS_STATELESS || kind == TLS_TICKETS_BOTH;
  /* Without stateless tickets TLS 1.3 still sends tickets: they only name a session. None at all is a count of 0. */
  if (!stateless) SSL_CTX_set_options(context->ssl, SSL_OP_NO_TICKET);
  if (ids) SSL_CTX_set_session_cache_mode(context->ssl, SSL_SESS_CACHE_BOTH | SSL_SESS_CACHE_NO_INTERNAL);
  return kind != TLS_TICKETS_NONE || SSL_CTX_set_num_tickets(context->ssl, 0);
}

/* What replay protection needs: each session once, so they are kept here, and no more of them than this. */
#define EARLY_DATA_SESSIONS 10000

static int set_max_early_data(SSL_CTX *ssl, uint32_t bytes) {
  SSL_CTX_set_session_cache_mode(ssl, SSL_SESS_CACHE_BOTH);
  SSL_CTX_sess_set_cache_size(ssl, EARLY_DATA_SESSIONS);
  return SSL_CTX_set_max_early_data(ssl, bytes) && SSL_CTX_set_recv_max_early_data(ssl, bytes);
}

static int set_max_fragment_length(SSL_CTX *ssl, uint32_t bytes) {
  if (bytes != 512 && bytes != 1024 && bytes != 2048 && bytes != 4096) return 0;
  uint8_t mode = TLSEXT_max_fragment_length_512; /* RFC 6066, section 4: 2^9 is 1, and so on */
  while (mode < TLSEXT_max_fragment_length_4096 && (256u << mode) < bytes) mode++;
  return SSL_CTX_set_tlsext_max_fragment_length(ssl, mode);
}

static int set_raw_public_keys(SSL_CTX *ssl, uint32_t mode) {
  static const uint8_t types[] = {TLSEXT_cert_type_rpk, TLSEXT_cert_type_x509};
  size_t count = mode == 2 ? 1 : 2;
  if (mode != 1 && mode != 2) return 0;
  return SSL_CTX_set1_client_cert_type(ssl, types, count) && SSL_CTX_set1_server_cert_type(ssl, types, count);
}

static int set_renegotiations(tls_context *context, uint32_t count) {
  context->renegotiations = count;
  if (count == 0) return 1;
  SSL_CTX_clear_options(context->ssl, SSL_OP_NO_RENEGOTIATION);
  SSL_CTX_set_options(context->ssl, SSL_OP_ALLOW_CLIENT_RENEGOTIATION);
  return 1;
}

static int set_option(tls_context *context, uint32_t option, uint32_t value) {
  SSL_CTX *ssl = context->ssl;
  X509_VERIFY_PARAM *param = SSL_CTX_get0_param(ssl);
  switch (option) {
    case TLS_OPTION_SECURITY_LEVEL:
      return SSL_CTX_set_security_level(ssl, (int)value), 1;
    case TLS_OPTION_CLIENT_PREFERENCE:
      return SSL_CTX_clear_options(ssl, SSL_OP_CIPHER_SERVER_PREFERENCE), 1;
    case TLS_OPTION_LEGACY:
      return SSL_CTX_set_options(ssl, SSL_OP_LEGACY_SERVER_CONNECT | SSL_OP_ALLOW_UNSAFE_LEGACY_RENEGOTIATION), 1;
    case TLS_OPTION_RENEGOTIATION:
      return set_renegotiations(context, value);
    case TLS_OPTION_MAX_SEND_FRAGMENT:
      return (int)SSL_CTX_set_max_send_fragment(ssl, value);
    case TLS_OPTION_MAX_FRAGMENT_LENGTH:
      return set_max_fragment_length(ssl, value);
    case TLS_OPTION_RECORD_PADDING:
      return SSL_CTX_set_block_padding(ssl, value);
    case TLS_OPTION_TICKETS:
      return set_tickets(context, value);
    case TLS_OPTION_TICKET_COUNT:
      return SSL_CTX_set_num_tickets(ssl, value);
    case TLS_OPTION_SESSION_LIFETIME:
      return SSL_CTX_set_timeout(ssl, (long)value), 1;
    case TLS_OPTION_TICKET_ROTATION:
      return context->ticket_rotation = value, 1;
    case TLS_OPTION_MAX_EARLY_DATA:
      return set_max_early_data(ssl, value);
    case TLS_OPTION_PARTIAL_CHAIN:
      return X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_PARTIAL_CHAIN);
    case TLS_OPTION_VERIFY_DEPTH:
      return X509_VERIFY_PARAM_set_depth(param, (int)value), 1;
    case TLS_OPTION_CRL_CHECK:
      return X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_CRL_CHECK | (value == 2 ? X509_V_FLAG_CRL_CHECK_ALL : 0));
    case TLS_OPTION_ANY_PURPOSE:
      return X509_VERIFY_PARAM_set_purpose(param, X509_PURPOSE_ANY);
    case TLS_OPTION_NO_DH:
      return SSL_CTX_set_dh_auto(ssl, 0), 1;
    case TLS_OPTION_RAW_PUBLIC_KEYS:
      return set_raw_public_keys(ssl, value);
    default:
      return ERR_raise(ERR_LIB_SSL, ERR_R_PASSED_INVALID_ARGUMENT), 0;
  }
}

int32_t tls_context_set_option(tls_context *context, uint32_t option, uint32_t value) {
  ERR_clear_error();
  return done_or(set_option(context, option, value), "the value is out of range");
}

int32_t tls_context_set_openssl_options(tls_context *context, uint32_t low, uint32_t high) {
  SSL_CTX_set_options(context->ssl, (uint64_t)high << 32 | low);
  return TLS_DONE;
}

static EVP_PKEY *dh_parse(const uint8_t *bytes, size_t length) {
  const uint8_t *at = bytes;
  BIO *bio = BIO_new_mem_buf(bytes, (int)length);
  EVP_PKEY *parameters = bio == NULL ? NULL : PEM_read_bio_Parameters(bio, NULL);
  BIO_free(bio);
  return parameters != NULL ? parameters : d2i_KeyParams(EVP_PKEY_DH, NULL, &at, (long)length);
}

int32_t tls_context_set_dh_parameters(tls_context *context, const uint8_t *bytes, size_t length) {
  ERR_clear_error();
  EVP_PKEY *parameters = dh_parse(bytes, length);
  if (parameters == NULL) return library_failed();
  SSL_CTX_set_dh_auto(context->ssl, 0); /* which would come first */
  if (SSL_CTX_set0_tmp_dh_pkey(context->ssl, parameters)) return TLS_DONE;
  EVP_PKEY_free(parameters);
  return library_failed();
}

/* ---- Our own certificate and key. ---- */

/* Takes the certificates as leaf and chain. */
static int use_chain(tls_context *context, STACK_OF(X509) *all) {
  X509 *leaf = sk_X509_value(all, 0);
  if (!SSL_CTX_use_certificate(context->ssl, leaf) || !SSL_CTX_clear_chain_certs(context->ssl)) return 0;
  for (int i = 1; i < sk_X509_num(all); i++)
    if (!SSL_CTX_add1_chain_cert(context->ssl, sk_X509_value(all, i))) return 0;
  if (context->leaves == NULL && (context->leaves = sk_X509_new_null()) == NULL) return 0;
  return X509_add_cert(context->leaves, leaf, X509_ADD_FLAG_UP_REF);
}

static int key_fits(tls_context *context, EVP_PKEY *key) {
  int count = sk_X509_num(context->leaves), fits = count <= 0;
  if (count == 1) return X509_check_private_key(sk_X509_value(context->leaves, 0), key); /* it knows why not */
  ERR_set_mark();
  for (int i = 0; i < count && !fits; i++) fits = X509_check_private_key(sk_X509_value(context->leaves, i), key);
  ERR_pop_to_mark();
  if (!fits) ERR_raise_data(ERR_LIB_X509, X509_R_KEY_VALUES_MISMATCH, "it fits none of %d certificates", count);
  return fits;
}

/* SSL_CTX files keys by type and would accept one of another type than the certificate; so the check is made here, first. */
static int use_key(tls_context *context, EVP_PKEY *key) { return key_fits(context, key) && SSL_CTX_use_PrivateKey(context->ssl, key); }

/* SSL_CTX has one place for each type of key. */
static int is_replaced(const tls_context *context, int index) {
  const char *type = EVP_PKEY_get0_type_name(X509_get0_pubkey(sk_X509_value(context->leaves, index)));
  for (int i = index + 1; i < sk_X509_num(context->leaves); i++)
    if (EVP_PKEY_is_a(X509_get0_pubkey(sk_X509_value(context->leaves, i)), type)) return 1;
  return 0;
}

int32_t tls_context_check_keys(tls_context *context) {
  X509 *current = SSL_CTX_get0_certificate(context->ssl);
  int ok = 1;
  for (int i = 0; ok && i < sk_X509_num(context->leaves); i++)
    ok = is_replaced(context, i) || SSL_CTX_select_current_cert(context->ssl, sk_X509_value(context->leaves, i));
  if (current != NULL) SSL_CTX_select_current_cert(context->ssl, current);
  return ok ? TLS_DONE : library_failed_with("a certificate has no key");
}

int32_t tls_context_use_certificate(tls_context *context, const uint8_t *bytes, size_t length) {
  ERR_clear_error();
  STACK_OF(X509) *all = certificates_parse(bytes, length);
  int ok = all != NULL && use_chain(context, all);
  sk_X509_pop_free(all, X509_free);
  return done_if(ok);
}

int32_t tls_context_use_key(tls_context *context, const uint8_t *bytes, size_t length, const char *passphrase) {
  ERR_clear_error();
  EVP_PKEY *key = key_parse(bytes, length, passphrase);
  int ok = key != NULL && use_key(context, key);
  EVP_PKEY_free(key);
  return done_if(ok);
}

int32_t tls_context_use_pkcs12(tls_context *context, const uint8_t *bytes, size_t length, const char *passphrase) {
  ERR_clear_error();
  const uint8_t *at = bytes;
  PKCS12 *pkcs12 = d2i_PKCS12(NULL, &at, (long)length);
  EVP_PKEY *key = NULL;
  X509 *leaf = NULL;
  STACK_OF(X509) *chain = NULL;
  int ok = pkcs12 != NULL && PKCS12_parse(pkcs12, passphrase, &key, &leaf, &chain);
  if (ok && (leaf == NULL || key == NULL)) {
    ERR_raise_data(ERR_LIB_PKCS12, ERR_R_PASSED_INVALID_ARGUMENT, "the file holds no %s", key == NULL ? "private key" : "certificate");
    ok = 0;
  }
  if (ok) {
    ERR_clear_error();
    if (chain == NULL) chain = sk_X509_new_null();
    ok = chain != NULL && sk_X509_insert(chain, leaf, 0);
    if (ok) leaf = NULL; /* owned by the chain now */
    ok = ok && use_chain(context, chain) && use_key(context, key);
  }
  PKCS12_free(pkcs12);
  EVP_PKEY_free(key);
  X509_free(leaf);
  sk_X509_pop_free(chain, X509_free);
  return done_if(ok);
}

/* ---- Whom we trust, and what we speak. ---- */

int32_t tls_context_add_ca(tls_context *context, const uint8_t *bytes, size_t length) {
  ERR_clear_error();
  STACK_OF(X509) *all = certificates_parse(bytes, length);
  X509_STORE *store = SSL_CTX_get_cert_store(context->ssl);
  int count = all == NULL ? 0 : sk_X509_num(all), ok = count > 0;
  for (int i = 0; ok && i < count; i++) {
    X509 *ca = sk_X509_value(all, i);
    ok = X509_STORE_add_cert(store, ca) && SSL_CTX_add_client_CA(context->ssl, ca);
  }
  sk_X509_pop_free(all, X509_free);
  return ok ? count : library_failed();
}

/* Copies a list into *slot; an empty one leaves the slot NULL. */
static int alpn_copy(uint8_t **slot, size_t *slot_length, const uint8_t *wire, size_t length) {
  uint8_t *copy = length == 0 ? NULL : OPENSSL_memdup(wire, length);
  if (length > 0 && copy == NULL) return 0;
  OPENSSL_free(*slot);
  *slot = copy;
  *slot_length = length;
  return 1;
}

#define MALFORMED "the list of protocols is malformed"

int32_t tls_context_set_alpn(tls_context *context, const uint8_t *wire, size_t length) {
  ERR_clear_error();
  if (!alpn_copy(&context->alpn, &context->alpn_length, wire, length)) return library_failed();
  /* SSL_CTX_set_alpn_protos returns 0 for success, unlike its neighbours. */
  return done_or(SSL_CTX_set_alpn_protos(context->ssl, wire, (unsigned int)length) == 0, MALFORMED);
}

int32_t tls_connection_set_alpn(tls_connection *c, const uint8_t *wire, size_t length) {
  ERR_clear_error();
  if (!alpn_copy(&c->alpn, &c->alpn_length, wire, length)) return library_failed();
  return done_or(SSL_set_alpn_protos(c->ssl, wire, (unsigned int)length) == 0, MALFORMED);
}

int32_t tls_context_set_session_id_context(tls_context *context, const uint8_t *bytes, size_t length) {
  if (length > sizeof context->session_id_context) return library_failed_with("a session id context has at most 32 bytes");
  memcpy(context->session_id_context, bytes, length); /* it takes effect with verify_bind_sessions */
  context->session_id_context_length = length;
  return TLS_DONE;
}

int32_t tls_context_set_verify_time(tls_context *context, double seconds) {
  context->verify_time = seconds;
  X509_VERIFY_PARAM_set_time(SSL_CTX_get0_param(context->ssl), (time_t)seconds);
  return TLS_DONE;
}
