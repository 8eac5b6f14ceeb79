/*
 * Private keys that live elsewhere: in an HSM, a KMS, another thread. A provider of our own (provider-keymgmt(7),
 * provider-signature(7)) whose keys hold a public key and the number of a signer, and whose signatures come from one import,
 * `sign`. OpenSSL sees an ordinary key: which signature schemes fit it, in which version and role, stays OpenSSL's decision.
 *
 * The host is given the message and the TLS SignatureScheme, not a digest: Ed25519 and ML-DSA sign messages only, and whoever
 * wants a digest can make one.
 */
#include <string.h>

#include <openssl/core_dispatch.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/provider.h>
#include <openssl/rsa.h>

#include "signer.h"

/*
 * The host writes its signer's signature of message to out and returns the length, or -1 for a failure, which it remembers.
 * scheme is a number of IANA's TLS SignatureScheme registry (RFC 8446, 4.2.3); SIGNER_GONE tells that the signer's key no longer
 * exists: no context and no connection refers to it any more.
 */
#ifdef __wasm__
__attribute__((import_module("membio"), import_name("sign")))
#endif
extern int32_t
membio_sign(uint32_t signer, uint32_t scheme, const uint8_t *message, uint32_t length, uint8_t *out, uint32_t capacity);

#define SIGNER_GONE 0

/* The name of our one SIGNATURE and one ASYM_CIPHER, which nobody else's key can ask for by accident. */
#define OPERATION "MEMBIO-SIGNER"
#define PROVIDER "membio-signer"

/* How tls_context_use_signer hands its arguments to key_import; no key of anybody else's has such parameters. */
#define PARAM_PUBLIC_KEY "membio-public-key"
#define PARAM_SIGNER "membio-signer"

/* ---- Keys: every type has the same functions, because all of them ask the public key, which is the default provider's. ---- */

struct signer_key {
  EVP_PKEY *public;
  uint32_t signer;
  int proven; /* a signature was seen that fits the public key */
};

static void signer_gone(uint32_t signer) {
  if (signer != TLS_SIGNER_LATER) membio_sign(signer, SIGNER_GONE, NULL, 0, NULL, 0);
}

static void *key_new(void *provider) {
  (void)provider;
  return OPENSSL_zalloc(sizeof(signer_key));
}

static void key_free(void *data) {
  signer_key *key = data;
  if (key == NULL) return;
  if (key->public != NULL) signer_gone(key->signer);
  EVP_PKEY_free(key->public);
  OPENSSL_free(key);
}

static int key_import(void *data, int selection, const OSSL_PARAM params[]) {
  signer_key *key = data;
  const OSSL_PARAM *public = OSSL_PARAM_locate_const(params, PARAM_PUBLIC_KEY), *signer = OSSL_PARAM_locate_const(params, PARAM_SIGNER);
  const void *pointer;
  size_t length;
  (void)selection;
  if (public == NULL || signer == NULL) return 0; /* a real key, for comparison: it will be us who export */
  if (!OSSL_PARAM_get_octet_ptr(public, &pointer, &length) || !OSSL_PARAM_get_uint32(signer, &key->signer)) return 0;
  if (!EVP_PKEY_up_ref((EVP_PKEY *)pointer)) return 0;
  key->public = (EVP_PKEY *)pointer;
  return 1;
}

/* Another provider may have the public half. That the private half is refused is what makes OpenSSL sign here. */
static int key_export(void *data, int selection, OSSL_CALLBACK *callback, void *argument) {
  if (selection & OSSL_KEYMGMT_SELECT_PRIVATE_KEY) return 0;
  return EVP_PKEY_export(((signer_key *)data)->public, selection, callback, argument);
}

static const OSSL_PARAM *key_types(int selection) {
  static const OSSL_PARAM types[] = {OSSL_PARAM_octet_ptr(PARAM_PUBLIC_KEY, NULL, 0), OSSL_PARAM_uint32(PARAM_SIGNER, NULL),
                                     OSSL_PARAM_END};
  (void)selection;
  return types;
}

/* The private half is said to be there: that is what a signer is. */
static int key_has(const void *data, int selection) {
  (void)selection;
  return ((const signer_key *)data)->public != NULL;
}

static int key_match(const void *a, const void *b, int selection) {
  (void)selection;
  return EVP_PKEY_eq(((const signer_key *)a)->public, ((const signer_key *)b)->public) == 1;
}

static int key_get_params(void *data, OSSL_PARAM params[]) {
  OSSL_PARAM *signer = OSSL_PARAM_locate(params, PARAM_SIGNER);
  if (signer != NULL && !OSSL_PARAM_set_uint32(signer, ((signer_key *)data)->signer)) return 0;
  return EVP_PKEY_get_params(((signer_key *)data)->public, params);
}

static const OSSL_PARAM *key_gettable_params(void *provider) {
  static const OSSL_PARAM known[] = {
      OSSL_PARAM_int(OSSL_PKEY_PARAM_BITS, NULL), OSSL_PARAM_int(OSSL_PKEY_PARAM_SECURITY_BITS, NULL),
      OSSL_PARAM_int(OSSL_PKEY_PARAM_MAX_SIZE, NULL), OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, NULL, 0), OSSL_PARAM_END};
  (void)provider;
  return known;
}

static const char *key_operation(int operation) { return (void)operation, OPERATION; }

static const OSSL_DISPATCH key_functions[] = {
    {OSSL_FUNC_KEYMGMT_NEW, (void (*)(void))key_new},
    {OSSL_FUNC_KEYMGMT_FREE, (void (*)(void))key_free},
    {OSSL_FUNC_KEYMGMT_IMPORT, (void (*)(void))key_import},
    {OSSL_FUNC_KEYMGMT_IMPORT_TYPES, (void (*)(void))key_types},
    {OSSL_FUNC_KEYMGMT_EXPORT, (void (*)(void))key_export},
    {OSSL_FUNC_KEYMGMT_EXPORT_TYPES, (void (*)(void))key_types},
    {OSSL_FUNC_KEYMGMT_HAS, (void (*)(void))key_has},
    {OSSL_FUNC_KEYMGMT_MATCH, (void (*)(void))key_match},
    {OSSL_FUNC_KEYMGMT_GET_PARAMS, (void (*)(void))key_get_params},
    {OSSL_FUNC_KEYMGMT_GETTABLE_PARAMS, (void (*)(void))key_gettable_params},
    {OSSL_FUNC_KEYMGMT_QUERY_OPERATION_NAME, (void (*)(void))key_operation},
    OSSL_DISPATCH_END};

int signer_is_later(const EVP_PKEY *key) {
  uint32_t signer = ~(uint32_t)TLS_SIGNER_LATER;
  OSSL_PARAM params[] = {OSSL_PARAM_uint32(PARAM_SIGNER, &signer), OSSL_PARAM_END};
  return key != NULL && EVP_PKEY_get_params(key, params) && signer == TLS_SIGNER_LATER;
}

/* ---- Signatures (EVP_DigestSign(3), which is all that TLS calls). ---- */

typedef struct signing {
  signer_key *key; /* the caller's EVP_PKEY_CTX holds it */
  const signature_scheme *scheme; /* NULL where none fits */
} signing;

static void *signing_new(void *provider, const char *properties) {
  (void)provider, (void)properties;
  return OPENSSL_zalloc(sizeof(signing));
}

static void signing_free(void *data) { OPENSSL_free(data); }

/* TLS names the padding by its number (EVP_PKEY_CTX_set_rsa_padding(3)). Before it does, PKCS#1, unless the key is for PSS only. */
static int signing_set_params(void *data, const OSSL_PARAM params[]) {
  signing *s = data;
  const OSSL_PARAM *p = params == NULL ? NULL : OSSL_PARAM_locate_const(params, OSSL_SIGNATURE_PARAM_PAD_MODE);
  int padding;
  if (s->scheme == NULL) return 0;
  if (p != NULL) {
    if (!OSSL_PARAM_get_int(p, &padding) || (padding != RSA_PKCS1_PADDING && padding != RSA_PKCS1_PSS_PADDING)) return 0;
    s->scheme = scheme_padded(s->scheme, s->key->public, padding == RSA_PKCS1_PSS_PADDING);
    if (s->scheme == NULL) return signer_failed("no TLS signature scheme has this padding");
  }
  p = params == NULL ? NULL : OSSL_PARAM_locate_const(params, OSSL_SIGNATURE_PARAM_PSS_SALTLEN);
  if (p != NULL && (p->data_type != OSSL_PARAM_UTF8_STRING || strcmp(p->data, OSSL_PKEY_RSA_PSS_SALT_LEN_DIGEST) != 0))
    return signer_failed("TLS has salts as long as the digest");
  return 1;
}

static const OSSL_PARAM *signing_settable_params(void *data, void *provider) {
  static const OSSL_PARAM known[] = {OSSL_PARAM_int(OSSL_SIGNATURE_PARAM_PAD_MODE, NULL),
                                     OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_PSS_SALTLEN, NULL, 0), OSSL_PARAM_END};
  (void)data, (void)provider;
  return known;
}

/* This is also how OpenSSL asks whether key and digest go together (EVP_PKEY_digestsign_supports_digest). */
static int signing_init(void *data, const char *digest, void *key, const OSSL_PARAM params[]) {
  signing *s = data;
  s->key = key;
  s->scheme = scheme_for(s->key->public, digest, 0);
  if (s->scheme == NULL) s->scheme = scheme_for(s->key->public, digest, 1);
  if (s->scheme == NULL)
    return signer_failed("no TLS signature scheme for a key of type %s and the digest %s", EVP_PKEY_get0_type_name(s->key->public),
                         digest == NULL ? "none" : digest);
  return signing_set_params(data, params);
}

int signer_accepts(signer_key *key, const signature_scheme *scheme, const uint8_t *signature, size_t length, const uint8_t *message,
                   size_t message_length) {
  size_t maximum = (size_t)EVP_PKEY_get_size(key->public);
  /* Only ECDSA's DER varies in length. */
  if (length > maximum || (scheme->group == NULL && length != maximum))
    return signer_failed("its signature has %d bytes, %d are expected", (int)length, (int)maximum);
  /* The first one is checked: the wrong key shows here and not as an alert from each and every peer. */
  if (!key->proven) key->proven = scheme_verifies(scheme, key->public, signature, length, message, message_length);
  return key->proven || signer_failed("its signature does not verify with the certificate's key");
}

static int signing_sign(void *data, unsigned char *out, size_t *length, size_t capacity, const unsigned char *message,
                        size_t message_length) {
  const signing *s = data;
  if (s->scheme == NULL) return 0;
  size_t maximum = (size_t)EVP_PKEY_get_size(s->key->public);
  if (out == NULL) return *length = maximum, 1;
  if (capacity < maximum) return 0;
  if (s->key->signer == TLS_SIGNER_LATER)
    return *length = maximum, signature_postpone(s->key, s->scheme, message, message_length, out, maximum);
  int32_t given = membio_sign(s->key->signer, s->scheme->number, message, (uint32_t)message_length, out, (uint32_t)maximum);
  if (given < 0) return signer_failed(NULL); /* the host knows why */
  *length = (size_t)given;
  return signer_accepts(s->key, s->scheme, out, *length, message, message_length);
}

static const OSSL_DISPATCH signing_functions[] = {
    {OSSL_FUNC_SIGNATURE_NEWCTX, (void (*)(void))signing_new},
    {OSSL_FUNC_SIGNATURE_FREECTX, (void (*)(void))signing_free},
    {OSSL_FUNC_SIGNATURE_DIGEST_SIGN_INIT, (void (*)(void))signing_init},
    {OSSL_FUNC_SIGNATURE_DIGEST_SIGN, (void (*)(void))signing_sign},
    {OSSL_FUNC_SIGNATURE_SET_CTX_PARAMS, (void (*)(void))signing_set_params},
    {OSSL_FUNC_SIGNATURE_SETTABLE_CTX_PARAMS, (void (*)(void))signing_settable_params},
    OSSL_DISPATCH_END};

/* ---- Decryption, which static RSA key exchange needs: refused in words. ---- */

static void *decryption_new(void *provider) { return provider; }
static void decryption_free(void *data) { (void)data; }

static int decryption_init(void *data, void *key, const OSSL_PARAM params[]) {
  (void)data, (void)key, (void)params;
  return signer_failed("it signs and does not decrypt: static RSA key exchange needs the key itself");
}

static int decryption_decrypt(void *data, unsigned char *out, size_t *length, size_t capacity, const unsigned char *in, size_t in_length) {
  (void)data, (void)out, (void)length, (void)capacity, (void)in, (void)in_length;
  return 0;
}

static const OSSL_DISPATCH decryption_functions[] = {
    {OSSL_FUNC_ASYM_CIPHER_NEWCTX, (void (*)(void))decryption_new},
    {OSSL_FUNC_ASYM_CIPHER_FREECTX, (void (*)(void))decryption_free},
    {OSSL_FUNC_ASYM_CIPHER_DECRYPT_INIT, (void (*)(void))decryption_init},
    {OSSL_FUNC_ASYM_CIPHER_DECRYPT, (void (*)(void))decryption_decrypt},
    OSSL_DISPATCH_END};

/* ---- The provider. ---- */

#define KEY(type) {type, "provider=" PROVIDER, key_functions, "public key with a signer"}

static const OSSL_ALGORITHM *provider_query(void *provider, int operation, int *no_cache) {
  /* By all names that libssl asks a key for. */
  static const OSSL_ALGORITHM keys[] = {KEY("RSA:rsaEncryption"), KEY("RSA-PSS:RSASSA-PSS:rsassaPss"), KEY("EC:id-ecPublicKey"),
                                        KEY("ED25519"),           KEY("ED448"),                        KEY("ML-DSA-44:id-ml-dsa-44"),
                                        KEY("ML-DSA-65:id-ml-dsa-65"), KEY("ML-DSA-87:id-ml-dsa-87"),  {NULL, NULL, NULL, NULL}};
  static const OSSL_ALGORITHM signatures[] = {{OPERATION, "provider=" PROVIDER, signing_functions, "the host's signer"},
                                              {NULL, NULL, NULL, NULL}};
  static const OSSL_ALGORITHM ciphers[] = {{OPERATION, "provider=" PROVIDER, decryption_functions, "refused"}, {NULL, NULL, NULL, NULL}};
  (void)provider;
  *no_cache = 0;
  return operation == OSSL_OP_KEYMGMT      ? keys
         : operation == OSSL_OP_SIGNATURE  ? signatures
         : operation == OSSL_OP_ASYM_CIPHER ? ciphers
                                            : NULL;
}

static const OSSL_DISPATCH provider_functions[] = {{OSSL_FUNC_PROVIDER_QUERY_OPERATION, (void (*)(void))provider_query},
                                                   OSSL_DISPATCH_END};

static int provider_init(const OSSL_CORE_HANDLE *core, const OSSL_DISPATCH *in, const OSSL_DISPATCH **out, void **context) {
  (void)in;
  *out = provider_functions;
  *context = (void *)core;
  return 1;
}

/*
 * In a library context of its own: beside the default provider, in one context, "RSA" without more words could come to mean ours
 * (OpenSSL's cache of fetched algorithms does not always tell the providers apart). A key knows its provider, and is found so.
 * Made at the first signer: whoever has none pays nothing.
 */
static OSSL_LIB_CTX *provider_context(void) {
  static OSSL_LIB_CTX *library;
  if (library != NULL) return library;
  OSSL_LIB_CTX *made = OSSL_LIB_CTX_new();
  if (made == NULL || !OSSL_PROVIDER_add_builtin(made, PROVIDER, provider_init) || OSSL_PROVIDER_load(made, PROVIDER) == NULL) {
    OSSL_LIB_CTX_free(made);
    return NULL;
  }
  return library = made;
}

static EVP_PKEY *key_create(EVP_PKEY *public, uint32_t signer) {
  EVP_PKEY *key = NULL;
  void *pointer = public;
  OSSL_PARAM params[] = {OSSL_PARAM_octet_ptr(PARAM_PUBLIC_KEY, &pointer, 0), OSSL_PARAM_uint32(PARAM_SIGNER, &signer), OSSL_PARAM_END};
  EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(provider_context(), EVP_PKEY_get0_type_name(public), NULL);
  if (context != NULL && EVP_PKEY_fromdata_init(context) > 0) EVP_PKEY_fromdata(context, &key, EVP_PKEY_KEYPAIR, params);
  EVP_PKEY_CTX_free(context);
  return key;
}

int32_t tls_context_use_signer(tls_context *context, uint32_t signer) {
  ERR_clear_error();
  int count = sk_X509_num(context->leaves);
  EVP_PKEY *public = count <= 0 ? NULL : X509_get0_pubkey(sk_X509_value(context->leaves, count - 1));
  EVP_PKEY *key = NULL;
  if (public == NULL)
    (void)signer_failed("it needs a certificate first");
  else if (!scheme_exists(public))
    (void)signer_failed("TLS has no signature scheme for its key, of type %s", EVP_PKEY_get0_type_name(public));
  else if (provider_context() != NULL)
    key = key_create(public, signer);
  if (key == NULL) signer_gone(signer); /* else key_free says it */
  int ok = key != NULL && SSL_CTX_use_PrivateKey(context->ssl, key);
  EVP_PKEY_free(key);
  return ok ? TLS_DONE : library_failed();
}
