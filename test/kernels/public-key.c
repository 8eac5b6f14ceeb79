/* How many operations with keys there are in a second, through EVP, as TLS and X.509 use them. */
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>

#include "kernels.h"

enum { MOST_BYTES = 2048 };

typedef struct keys {
  const char *type, *group;
  EVP_PKEY *own, *peer;
  uint8_t signature[MOST_BYTES], ciphertext[MOST_BYTES], secret[MOST_BYTES];
  size_t signature_length, ciphertext_length, secret_length;
} keys;

static keys p256 = {.type = "EC", .group = "P-256"}, x25519 = {.type = "X25519"}, ed25519 = {.type = "ED25519"}, rsa = {.type = "RSA"};
static keys ml_kem = {.type = "ML-KEM-768"};

static EVP_PKEY *make(const keys *k) {
  EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, k->type, NULL);
  EVP_PKEY *key = NULL;
  int ok = EVP_PKEY_keygen_init(context) > 0 && (k->group == NULL || EVP_PKEY_CTX_set_group_name(context, k->group) > 0);
  if (ok && k == &rsa) ok = EVP_PKEY_CTX_set_rsa_keygen_bits(context, 2048) > 0;
  ok = ok && EVP_PKEY_generate(context, &key) > 0;
  require(ok, "make");
  EVP_PKEY_CTX_free(context);
  return key;
}

static void sign(keys *k) {
  static const uint8_t message[64] = {1, 2, 3};
  EVP_MD_CTX *context = EVP_MD_CTX_new();
  const char *digest = k == &ed25519 ? NULL : "SHA256";
  k->signature_length = sizeof k->signature;
  int ok = EVP_DigestSignInit_ex(context, NULL, digest, NULL, NULL, k->own, NULL) > 0 &&
           EVP_DigestSign(context, k->signature, &k->signature_length, message, sizeof message) > 0;
  require(ok, "sign");
  EVP_MD_CTX_free(context);
}

static void verify(keys *k) {
  static const uint8_t message[64] = {1, 2, 3};
  EVP_MD_CTX *context = EVP_MD_CTX_new();
  const char *digest = k == &ed25519 ? NULL : "SHA256";
  int ok = EVP_DigestVerifyInit_ex(context, NULL, digest, NULL, NULL, k->own, NULL) > 0 &&
           EVP_DigestVerify(context, k->signature, k->signature_length, message, sizeof message) > 0;
  require(ok, "verify");
  EVP_MD_CTX_free(context);
}

static void derive(keys *k) {
  EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(k->own, NULL);
  k->secret_length = sizeof k->secret;
  int ok = EVP_PKEY_derive_init(context) > 0 && EVP_PKEY_derive_set_peer(context, k->peer) > 0 &&
           EVP_PKEY_derive(context, k->secret, &k->secret_length) > 0;
  require(ok, "derive");
  EVP_PKEY_CTX_free(context);
}

static void encapsulate(keys *k) {
  EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(k->own, NULL);
  k->ciphertext_length = k->secret_length = MOST_BYTES;
  int ok = EVP_PKEY_encapsulate_init(context, NULL) > 0 &&
           EVP_PKEY_encapsulate(context, k->ciphertext, &k->ciphertext_length, k->secret, &k->secret_length) > 0;
  require(ok, "encapsulate");
  EVP_PKEY_CTX_free(context);
}

static void decapsulate(keys *k) {
  EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(k->own, NULL);
  int ok = EVP_PKEY_decapsulate_init(context, NULL) > 0 &&
           EVP_PKEY_decapsulate(context, k->secret, &k->secret_length, k->ciphertext, k->ciphertext_length) > 0;
  require(ok, "decapsulate");
  EVP_PKEY_CTX_free(context);
}

static void prepare(keys *k) {
  if (k->own != NULL) return;
  k->own = make(k);
  k->peer = make(k);
  if (k == &p256 || k == &ed25519 || k == &rsa) sign(k);
  if (k == &ml_kem) encapsulate(k);
}

#define MEASURE(keys, operation, title)                                                       \
  static void keys##_##operation##_prepare(size_t size) { (void)size, prepare(&keys); }       \
  static void keys##_##operation##_run(size_t size) { (void)size, operation(&keys); }         \
  const measure keys##_##operation = {title, keys##_##operation##_prepare, keys##_##operation##_run};

static void generate(keys *k) { EVP_PKEY_free(make(k)); }

MEASURE(p256, sign, "P-256 sign /s")
MEASURE(p256, verify, "P-256 verify /s")
MEASURE(p256, derive, "P-256 derive /s")
MEASURE(p256, generate, "P-256 generate /s")
MEASURE(x25519, derive, "X25519 derive /s")
MEASURE(x25519, generate, "X25519 generate /s")
MEASURE(ed25519, sign, "Ed25519 sign /s")
MEASURE(ed25519, verify, "Ed25519 verify /s")
MEASURE(rsa, sign, "RSA-2048 sign /s")
MEASURE(rsa, verify, "RSA-2048 verify /s")
MEASURE(ml_kem, generate, "ML-KEM-768 generate /s")
MEASURE(ml_kem, encapsulate, "ML-KEM-768 encapsulate /s")
MEASURE(ml_kem, decapsulate, "ML-KEM-768 decapsulate /s")
